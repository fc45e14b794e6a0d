#!/bin/bash
# The startup probe, asked until it says yes once: a started node counts only when it is back where it was.
#
# A broker: its listener is open and its own replicas are in sync again. A controller: it is a voter of a quorum that has a
# leader. So a rolling update goes on to the next pod only then. The second part is bounded by NODE_IN_SYNC_SECONDS from the
# opening of the listener on, and is never asked again: trouble elsewhere in the cluster takes no running pod out of service. Only
# a broker whose certificate the others refuse waits on, so that a rolling update stops at the first.
#
# Environment: NODE_TEMPLATE, NODE_IN_SYNC_SECONDS.
source "$(dirname "$0")/lib.sh"

SINCE=$RUN_DIR/listening-since

# Partitions with this broker among the replicas and not in sync, one a line. Fails when the cluster does not answer. Not those
# without a leader: there is nobody to copy from, and waiting would keep clients from all others.
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

# Whether this directory is among the voters that the quorum's leader knows.
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
# No waiting mends this, and the next pod of an update would be locked out as well: so this one is never ready.
locked_out() { file_contains "$RUN_DIR/probe.log" SslAuthenticationException; }
if ((elapsed >= NODE_IN_SYNC_SECONDS)) && ! locked_out; then
  echo "Ready after $elapsed s, without having waited to the end: see kafka-topics --describe --under-replicated-partitions"
  exit 0
fi

if [[ $NODE_TEMPLATE == controller ]]; then
  if is_voter; then exit 0; fi
  echo "Not yet a voter of a quorum with a leader, for $elapsed of at most $NODE_IN_SYNC_SECONDS s"
  exit 1
fi
if ! lagging=$(lagging_partitions); then
  if locked_out; then
    echo "The brokers refuse each other's certificates: see SslAuthenticationException in the log; Secrets with certificates and ConfigMap kafka-ca-bundle (\"Rotation\" in docs/guides/security.md)"
    exit 1
  fi
  echo "The cluster does not answer yet, for $elapsed of at most $NODE_IN_SYNC_SECONDS s"
  exit 1
fi
if [[ -z $lagging ]]; then exit 0; fi
echo "$(wc -l <<<"$lagging") partitions of this broker are not in sync yet, for $elapsed of at most $NODE_IN_SYNC_SECONDS s, the first ${lagging%%$'\n'*}"
exit 1
