#!/bin/bash
# Before SIGTERM: waits while the leaving of this node would hurt, at most NODE_PRE_STOP_SECONDS.
#
# A broker: while a partition is in sync here, would fall below min.insync.replicas without it, and has replicas enough to
# recover first. A controller: while the other voters that follow the leader closely are no majority. A server that does not
# run is not waited for.
#
# Argument --or-fail: ends with 1 when the time is over, for who has the choice. Environment: NODE_TEMPLATE, NODE_PRE_STOP_SECONDS.
source "$(dirname "$0")/lib.sh"

# Prints a reason while partitions are at or below min.insync.replicas that this broker keeps in sync and that have a replica
# still to come back.
partitions_need_us() {
  local option lines line count=0 first=''
  local pattern='Topic: ([^[:space:]]+)[[:space:]]+Partition: ([0-9]+)[[:space:]].*Replicas: ([0-9,]*)[[:space:]]+Isr: ([0-9,]*)'
  for option in --at-min-isr-partitions --under-min-isr-partitions; do
    lines=$(kafka_tool_within 25 topics --bootstrap-server localhost:9091 --command-config "$RUN_DIR/controller-client.properties" \
      --describe "$option" 2>"$RUN_DIR/pre-stop.log") || return 1
    while IFS= read -r line; do
      # All replicas in sync and yet at the minimum: waiting would change nothing.
      if [[ $line =~ $pattern && ,${BASH_REMATCH[4]}, == *,$NODE_ID,* && ${#BASH_REMATCH[3]} -gt ${#BASH_REMATCH[4]} ]]; then
        count=$((count + 1))
        first=${first:-${BASH_REMATCH[1]}-${BASH_REMATCH[2]}}
      fi
    done <<<"$lines"
  done
  if ((count > 0)); then echo "without this broker $count partitions would be below min.insync.replicas, the first $first"; fi
}

# Prints a reason while the quorum needs this controller, nothing when the others are a majority.
quorum_needs_us() {
  local lines id caught_up status now=0 voters=0 following=0
  # NodeId DirectoryId LogEndOffset Lag LastFetchTimestamp LastCaughtUpTimestamp Status
  lines=$(kafka_tool_within 25 metadata-quorum --bootstrap-controller localhost:9093 \
    --command-config "$RUN_DIR/controller-client.properties" describe --replication 2>"$RUN_DIR/pre-stop.log") || return 1
  # The times are the leader's: its own is now.
  while read -r _ _ _ _ _ caught_up status; do
    if [[ $status == Leader ]]; then now=$caught_up; fi
  done <<<"$lines"
  while read -r id _ _ _ _ caught_up status; do
    if [[ $status != Leader && $status != Follower ]]; then continue; fi
    voters=$((voters + 1))
    # A follower asks at least every half second, and there is always something new.
    if [[ $id != "$NODE_ID" ]] && ((now - caught_up < 3000)); then following=$((following + 1)); fi
  done <<<"$lines"
  # One voter or two: whatever we wait, the quorum is gone without us.
  if ((voters > 2 && following < voters / 2 + 1)); then echo "only $following of the other voters follow the leader, of $voters voters"; fi
}

deadline=$(($(date +%s) + NODE_PRE_STOP_SECONDS))
port=9091
if [[ $NODE_TEMPLATE == controller ]]; then port=9093; fi
while port_open "$port" && (($(date +%s) < deadline)); do
  if [[ $NODE_TEMPLATE == controller ]]; then
    if reason=$(quorum_needs_us) && [[ -z $reason ]]; then exit 0; fi
  else
    if reason=$(partitions_need_us) && [[ -z $reason ]]; then exit 0; fi
  fi
  say "Waiting: ${reason:-the cluster does not answer}"
  sleep 3
done
if [[ ${1:-} == --or-fail ]] && port_open "$port"; then exit 1; fi
exit 0
