#!/bin/bash
# Probes a REST service that requires a login on every path: sends a plain HTTP request over loopback, with the login from a file in memory.
#
#   rest-probe.sh PORT PATH LOGIN
#
# Exits with 0 if the answer is 200. Uses bash only, because the images have no curl.
set -uo pipefail

login=$(<"$3") || exit 1
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\nAuthorization: %s\r\n\r\n' "$2" "$login" >&3
IFS= read -r -t 8 status <&3 || { echo "no answer for GET $2"; exit 1; }
[[ $status == *' 200 '* ]] || { echo "GET $2: ${status%$'\r'}"; exit 1; }
