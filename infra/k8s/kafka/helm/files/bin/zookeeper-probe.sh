#!/bin/bash
# Whether this ZooKeeper serves requests, which it does only as part of a majority: asks its admin server, on loopback.
# With the argument `alive`: whether the process answers at all.
set -euo pipefail

exec 3<>/dev/tcp/127.0.0.1/8080
printf 'GET /commands/ruok HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
answer=$(timeout 5 cat <&3)
if [[ $answer == *'"error" : null'* ]]; then exit 0; fi
if [[ ${1:-} == alive && $answer == HTTP/* ]]; then exit 0; fi
echo "Does not serve requests: ${answer##*$'\r\n\r\n'}"
exit 1
