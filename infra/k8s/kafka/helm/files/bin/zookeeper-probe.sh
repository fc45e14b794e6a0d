#!/bin/bash
# Asks ZooKeeper's admin server, over loopback, whether this server handles requests, which it does only as part of a majority.
# With the argument `alive`: whether the process answers at all.
set -euo pipefail

exec 3<>/dev/tcp/127.0.0.1/8080
printf 'GET /commands/ruok HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
answer=$(timeout 5 cat <&3)
if [[ $answer == *'"error" : null'* ]]; then exit 0; fi
if [[ ${1:-} == alive && $answer == HTTP/* ]]; then exit 0; fi
echo "ZooKeeper does not handle requests: ${answer##*$'\r\n\r\n'}"
exit 1
