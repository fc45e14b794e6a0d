#!/bin/bash
# Runs before SIGTERM: waits until this node can stop without harm, for at most NODE_PRE_STOP_SECONDS.
#
# A broker waits while it has an in-sync replica of a partition that would fall below min.insync.replicas without it, if another replica
# can still catch up. A controller waits while the other voters that follow the leader closely are not a majority. If the server is not
# running, the script does not wait.
#
# Argument --or-fail: exit with 1 when the time is over. Environment: NODE_TEMPLATE, NODE_PRE_STOP_SECONDS.
source "$(dirname "$0")/lib.sh"

# Prints a reason if this broker is in the ISR of partitions at or below min.insync.replicas that have a replica out of sync.
partitions_need_us() {
  local option lines line count=0 first=''
  local pattern='Topic: ([^[:space:]]+)[[:space:]]+Partition: ([0-9]+)[[:space:]].*Replicas: ([0-9,]*)[[:space:]]+Isr: ([0-9,]*)'
  for option in --at-min-isr-partitions --under-min-isr-partitions; do
    lines=$(kafka_tool_within 25 topics --bootstrap-server localhost:9091 --command-config "$RUN_DIR/controller-client.properties" \
      --describe "$option" 2>"$RUN_DIR/pre-stop.log") || return 1
    while IFS= read -r line; do
      # If all replicas are in sync and the partition is still at the minimum, waiting does not help.
      if [[ $line =~ $pattern && ,${BASH_REMATCH[4]}, == *,$NODE_ID,* && ${#BASH_REMATCH[3]} -gt ${#BASH_REMATCH[4]} ]]; then
        count=$((count + 1))
        first=${first:-${BASH_REMATCH[1]}-${BASH_REMATCH[2]}}
      fi
    done <<<"$lines"
  done
  if ((count > 0)); then echo "without this broker, $count partitions would be below min.insync.replicas, for example $first"; fi
}

# Prints a reason if the quorum needs this controller; prints nothing if the others are a majority.
quorum_needs_us() {
  local lines id caught_up status now=0 voters=0 following=0
  # NodeId DirectoryId LogEndOffset Lag LastFetchTimestamp LastCaughtUpTimestamp Status
  lines=$(kafka_tool_within 25 metadata-quorum --bootstrap-controller localhost:9093 \
    --command-config "$RUN_DIR/controller-client.properties" describe --replication 2>"$RUN_DIR/pre-stop.log") || return 1
  # The leader's own LastCaughtUpTimestamp is the current time on its clock.
  while read -r _ _ _ _ _ caught_up status; do
    if [[ $status == Leader ]]; then now=$caught_up; fi
  done <<<"$lines"
  while read -r id _ _ _ _ caught_up status; do
    if [[ $status != Leader && $status != Follower ]]; then continue; fi
    voters=$((voters + 1))
    # A follower fetches at least every 500 ms, and the leader always appends new records.
    if [[ $id != "$NODE_ID" ]] && ((now - caught_up < 3000)); then following=$((following + 1)); fi
  done <<<"$lines"
  # With one or two voters there is no majority without this one, so waiting does not help.
  if ((voters > 2 && following < voters / 2 + 1)); then echo "of $voters voters, only $following others follow the leader"; fi
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
