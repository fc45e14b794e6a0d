#!/usr/bin/env bash
# Gives the internal topics, which the first broker created with one replica, three replicas each.
# Topics that have three replicas are left alone, so the script can run again at any time.
. "$(dirname "$0")/lib.sh"
server=(--bootstrap-server kafka:29092)
work=$(mktemp -d)

# The first consumer would create __consumer_offsets with one replica.
tool topics "${server[@]}" --create --if-not-exists --topic __consumer_offsets --partitions 50 --replication-factor 3 \
  --config cleanup.policy=compact --config segment.bytes=104857600 --config compression.type=producer >"$work/created"

# Topic: __consumer_offsets	Partition: 0	Leader: 1	Replicas: 1	…
tool topics "${server[@]}" --describe >"$work/topics"
moves=''
while IFS=$'\t' read -r topic partition _ replicas _; do
  topic=${topic#Topic: } partition=${partition#Partition: } replicas=${replicas#Replicas: }
  case $topic in __* | _schemas | connect-configs | connect-offsets | connect-status | _confluent-ksql-*) ;; *) continue ;; esac
  case $replicas in *,*,*) continue ;; esac
  # The current leader stays first in the list.
  first=${replicas%%,*}
  moves+="${moves:+,}{\"topic\":\"$topic\",\"partition\":$partition,\"replicas\":[$first,$((first % 3 + 1)),$(((first + 1) % 3 + 1))]}"
done < <(grep $'^\tTopic: ' "$work/topics" || true)

if [[ -z $moves ]]; then
  say "all internal topics have three replicas"
  exit 0
fi
printf '{"version":1,"partitions":[%s]}' "$moves" >"$work/plan.json"
tool reassign-partitions "${server[@]}" --reassignment-json-file "$work/plan.json" --execute >"$work/executed" ||
  fail "$(cat "$work/executed")"
for _ in {1..30}; do
  tool reassign-partitions "${server[@]}" --reassignment-json-file "$work/plan.json" --verify >"$work/verified"
  if ! grep -q 'in progress' "$work/verified"; then
    say "$(grep -c 'is completed' "$work/verified") partitions of internal topics now have three replicas"
    exit 0
  fi
  sleep 2
done
fail "the reassignment did not complete within a minute: $(grep 'in progress' "$work/verified" | head -3)"
