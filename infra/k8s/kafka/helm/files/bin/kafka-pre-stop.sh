#!/bin/bash
# Before SIGTERM: waits while the leaving of this node would hurt, at most NODE_PRE_STOP_SECONDS.
#
# A broker: while a partition is in sync here, would fall below min.insync.replicas without it, and has replicas enough to
# recover first. A controller: while the other voters that follow the leader closely are no majority. A server that does not
# run is not waited for.
#
# Environment: NODE_TEMPLATE, NODE_PRE_STOP_SECONDS.
source "$(dirname "$0")/lib.sh"

# Partitions at or below min.insync.replicas that this broker keeps in sync and that have a replica still to come back.
partitions_that_need_us() {
  local option lines line
  local pattern='Topic: ([^[:space:]]+)[[:space:]]+Partition: ([0-9]+)[[:space:]].*Replicas: ([0-9,]*)[[:space:]]+Isr: ([0-9,]*)'
  for option in --at-min-isr-partitions --under-min-isr-partitions; do
    lines=$(kafka_tool_within 25 topics --bootstrap-server localhost:9092 --command-config "$RUN_DIR/client.properties" \
      --describe "$option" 2>"$RUN_DIR/pre-stop.log") || return 1
    while IFS= read -r line; do
      # All replicas in sync and yet at the minimum: waiting would change nothing.
      if [[ $line =~ $pattern && ,${BASH_REMATCH[4]}, == *,$NODE_ID,* && ${#BASH_REMATCH[3]} -gt ${#BASH_REMATCH[4]} ]]; then
        echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"
      fi
    done <<<"$lines"
  done
}

# Prints a reason while the quorum needs this controller, nothing when the others are a majority.
quorum_needs_us() {
  local lines line id directory lag caught_up status voters=0 following=0 now
  # NodeId DirectoryId LogEndOffset Lag LastFetchTimestamp LastCaughtUpTimestamp Status
  lines=$(kafka_tool_within 25 metadata-quorum --bootstrap-controller localhost:9093 \
    --command-config "$RUN_DIR/controller-client.properties" describe --replication 2>"$RUN_DIR/pre-stop.log") || return 1
  now=$(date +%s)
  while read -r id directory _ lag _ caught_up status; do
    if [[ $status != Leader && $status != Follower ]]; then continue; fi
    voters=$((voters + 1))
    if [[ $id == "$NODE_ID" ]]; then continue; fi
    # The leader itself has no time of catching up.
    if [[ $status == Leader ]] || ((now - caught_up / 1000 < 15)); then following=$((following + 1)); fi
  done <<<"$lines"
  # One voter or two: whatever we wait, the quorum is gone without us.
  if ((voters > 2 && following < voters / 2 + 1)); then echo "only $following other voters of $voters follow the leader"; fi
}

deadline=$(($(date +%s) + NODE_PRE_STOP_SECONDS))
port=9091
if [[ $NODE_TEMPLATE == controller ]]; then port=9093; fi
while port_open "$port" && (($(date +%s) < deadline)); do
  if [[ $NODE_TEMPLATE == controller ]]; then
    if reason=$(quorum_needs_us) && [[ -z $reason ]]; then exit 0; fi
  else
    if reason=$(partitions_that_need_us) && [[ -z $reason ]]; then exit 0; fi
  fi
  echo "Waiting: ${reason:-the cluster does not answer}"
  sleep 3
done
exit 0
