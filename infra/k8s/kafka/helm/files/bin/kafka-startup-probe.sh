#!/bin/bash
# The startup probe, so that a rolling update waits for each node to recover. It succeeds once and is not run again, so problems elsewhere
# in the cluster never take a running pod out of service.
#
# A broker is ready when its listener is open and its own replicas are in sync again. A controller is ready when it is a voter of a quorum
# that has a leader. NODE_IN_SYNC_SECONDS after its listener opened, the node counts as ready in any case, except a broker whose
# certificate the other brokers reject: there the rolling update must stop.
#
# Environment: NODE_TEMPLATE, NODE_IN_SYNC_SECONDS.
source "$(dirname "$0")/lib.sh"

SINCE=$RUN_DIR/listening-since

# Prints one line for each partition whose replica on this broker is out of sync. Fails if the cluster does not answer. Leaves out
# partitions without a leader: their replicas cannot catch up, and waiting would keep clients from all other partitions.
lagging_partitions() {
  local lines line
  local pattern='Topic: ([^[:space:]]+)[[:space:]]+Partition: ([0-9]+)[[:space:]].*Replicas: ([0-9,]*)[[:space:]]+Isr: ([0-9,]*)'
  lines=$(kafka_tool_within 25 topics --bootstrap-server localhost:9091 --command-config "$RUN_DIR/controller-client.properties" \
    --describe --under-replicated-partitions 2>"$RUN_DIR/probe.log") || {
    printf '%s\n' "$lines" >>"$RUN_DIR/probe.log"
    return 1
  }
  while IFS= read -r line; do
    if [[ $line != *'Leader: none'* && $line =~ $pattern && ,${BASH_REMATCH[3]}, == *,$NODE_ID,* && ,${BASH_REMATCH[4]}, != *,$NODE_ID,* ]]; then
      echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"
    fi
  done <<<"$lines"
}

# Whether the quorum's leader lists this directory among the voters.
is_voter() {
  local status directory has_leader='LeaderId:[[:space:]]+[0-9]' voters
  directory=$(read_property "$LOG_DIRS/meta.properties" directory.id)
  status=$(kafka_tool_within 25 metadata-quorum --bootstrap-controller localhost:9093 \
    --command-config "$RUN_DIR/controller-client.properties" describe --status 2>"$RUN_DIR/probe.log") || return 1
  voters=${status#*CurrentVoters:}
  [[ $status =~ $has_leader && ${voters%%$'\n'*} == *"$directory"* ]]
}

port=9092
if [[ $NODE_TEMPLATE == controller ]]; then port=9093; fi
if ! port_open "$port"; then
  echo "Port $port is not open yet"
  exit 1
fi
now=$(date +%s)
if [[ ! -s $SINCE ]]; then echo "$now" >"$SINCE"; fi
elapsed=$((now - $(<"$SINCE")))
# Waiting does not help here, and the next pod of the update would be rejected too: so this pod never becomes ready.
locked_out() { file_contains "$RUN_DIR/probe.log" SslAuthenticationException; }
if ((elapsed >= NODE_IN_SYNC_SECONDS)) && ! locked_out; then
  echo "Ready after $elapsed s, although not everything is in sync: see kafka-topics --describe --under-replicated-partitions"
  exit 0
fi

if [[ $NODE_TEMPLATE == controller ]]; then
  if is_voter; then exit 0; fi
  echo "Not yet a voter of a quorum with a leader, for $elapsed of at most $NODE_IN_SYNC_SECONDS s"
  exit 1
fi
if ! lagging=$(lagging_partitions); then
  if locked_out; then
    echo "The brokers reject each other's certificates (SslAuthenticationException in the log): check the Secrets with certificates and ConfigMap kafka-ca-bundle (\"Rotation\" in docs/guides/security.md)"
    exit 1
  fi
  echo "The cluster does not answer yet, for $elapsed of at most $NODE_IN_SYNC_SECONDS s"
  exit 1
fi
if [[ -z $lagging ]]; then exit 0; fi
echo "$(wc -l <<<"$lagging") partitions of this broker are not in sync yet, for $elapsed of at most $NODE_IN_SYNC_SECONDS s, for example ${lagging%%$'\n'*}"
exit 1
