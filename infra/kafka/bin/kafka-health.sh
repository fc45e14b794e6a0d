#!/usr/bin/env bash
# Exits with 0 if this broker answers a Metadata request and lists itself among the live brokers.
#
# Kafka's own tools would start a JVM for every check. Bash sends one Metadata request (API 3, version 1, no topics) instead. The
# response begins with the brokers: node id, host, port.
set -euo pipefail

hex() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }

exec 3<>/dev/tcp/127.0.0.1/29092
# length 20 | API 3 | version 1 | correlation 1 | client "health" | no topics
printf '\0\0\0\024\0\003\0\001\0\0\0\001\0\006health\0\0\0\0' >&3
length=$((16#$(head -c 4 <&3 | od -An -v -tx1 | tr -d ' \n')))
answer=$(head -c "$length" <&3 | od -An -v -tx1 | tr -d ' \n')

me=$(printf '%08x%04x%s%08x' "$NODE_ID" "${#HOST_NAME}" "$(hex "$HOST_NAME")" 29092)
case $answer in
  *"$me"*) echo "node $NODE_ID is in the cluster" ;;
  *) echo "node $NODE_ID answers, but is not in the cluster's list of live brokers (yet)" && exit 1 ;;
esac
