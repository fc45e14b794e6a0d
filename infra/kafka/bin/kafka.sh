#!/usr/bin/env bash
# Starts one node: renders its configuration, formats its volume if it is new, and runs the server.
#
#   NODE_ID      node 1 is broker and controller, every other node is a broker
#   HOST_NAME    its name for other containers
#   HOST_PORT    its port for programs on the host, at 127.0.0.1
#   CLUSTER_ID   the same on all nodes
. "$(dirname "$0")/lib.sh"
: "${NODE_ID:?}" "${HOST_NAME:?}" "${HOST_PORT:?}" "${CLUSTER_ID:?}"

ROLES=broker
LISTENERS="HOST://:$HOST_PORT,DOCKER://:29092"
ADVERTISED="HOST://127.0.0.1:$HOST_PORT,DOCKER://$HOST_NAME:29092"
format=()
if [[ $NODE_ID == 1 ]]; then
  ROLES=broker,controller
  LISTENERS="$LISTENERS,CONTROLLER://:29093"
  ADVERTISED="$ADVERTISED,CONTROLLER://$HOST_NAME:29093"
  format=(--standalone)
fi

mkdir -p /tmp/kafka /tmp/logs
rendered=/tmp/kafka/server.properties
while IFS= read -r line || [[ -n $line ]]; do
  line=${line//@@NODE_ID@@/$NODE_ID}
  line=${line//@@ROLES@@/$ROLES}
  line=${line//@@LISTENERS@@/$LISTENERS}
  printf '%s\n' "${line//@@ADVERTISED@@/$ADVERTISED}"
done <"${CONFIG_FILE:-/etc/selfmonitor/kafka.properties}" >"$rendered"

meta=/var/lib/kafka/data/logs/meta.properties
if [[ -e $meta ]]; then
  formatted=$(sed -n 's/^cluster\.id=//p' "$meta")
  [[ $formatted == "$CLUSTER_ID" ]] ||
    fail "the volume of $HOST_NAME belongs to cluster $formatted, but CLUSTER_ID is $CLUSTER_ID: set CLUSTER_ID to $formatted, or delete the volumes (docker compose down -v)"
else
  [[ -w /var/lib/kafka/data ]] || fail "user $(id -u) cannot write to the volume at /var/lib/kafka/data"
  say "formatting the volume for node $NODE_ID of cluster $CLUSTER_ID"
  tool storage format "--cluster-id=$CLUSTER_ID" --config "$rendered" ${format[@]+"${format[@]}"}
fi

# The server becomes process 1, so that SIGTERM reaches it and starts a controlled shutdown.
exec "$(tool_path server-start)" "$rendered"
