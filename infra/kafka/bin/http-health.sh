#!/usr/bin/env bash
# http-health.sh PORT PATH: exits with 0 if the server in this container answers with 200. Needs only bash, not curl.
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$2" "$1" >&3
IFS= read -r status <&3
echo "${status%$'\r'}"
case $status in
  HTTP/1.?' 200 '*) ;;
  *) exit 1 ;;
esac
