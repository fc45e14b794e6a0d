#!/usr/bin/env bash
# Moves the replicas of all topics to the given brokers, spread evenly: after brokers are added, and before brokers are removed. Then
# it makes the first replica of each partition its leader again, and prints how many replicas and leaders each broker has.
#
#   infra/k8s/kafka/scripts/move-replicas.sh 0,1,2,3,4
#   infra/k8s/kafka/scripts/move-replicas.sh 0,1,2
#
# The assignment before the move is written to replicas-before-<time>.json in the current folder; it is the plan for moving back. If a
# move is under way, the script waits for it; if the replicas are already in place, it moves nothing. So you can stop and restart it.
#
# It logs in as kafka-broker: the throttle is a setting of every topic, and kafka-operator may not change all topics.
#
# Runs on your machine, and needs kubectl with the right to exec into the pod. Environment: NAMESPACE (kafka), POD (kafka-0), THROTTLE
# (50000000: bytes a second that each broker sends and receives for the move), POLL_SECONDS (10). Exits with 0 when no other broker holds a replica.
set -euo pipefail

namespace=${NAMESPACE:-kafka}
pod=${POD:-kafka-0}
throttle=${THROTTLE:-50000000}
brokers=${1:-}
if [[ $# -ne 1 || ! $brokers =~ ^[0-9]+(,[0-9]+)*$ || ! $throttle =~ ^[0-9]+$ ]]; then
  echo "Usage: ${0##*/} BROKERS, ids with commas between them: ${0##*/} 0,1,2" >&2
  exit 2
fi

# in_pod SCRIPT [ARGUMENT]...: runs it in the pod's bash, with our standard input; `kafka TOOL …` runs a tool of Kafka with the login:
# the wrapper in the image passes it with the option that this tool has in this version.
in_pod() {
  kubectl -n "$namespace" exec -i "$pod" -- bash -euo pipefail -c '
kafka() { TOOL_CLIENT_PROPERTIES=/run/kafka/client.properties "kafka-$1" --bootstrap-server localhost:9092 "${@:2}"; }
'"$1" move-replicas "${@:2}"
}

# Prints "broker replicas leaders" for each broker that has replicas.
holdings() {
  in_pod 'kafka topics --describe' </dev/null | awk '
    match($0, /Leader: [0-9]+/) { leader[substr($0, RSTART + 8, RLENGTH - 8)]++ }
    match($0, /Replicas: [0-9,]+/) {
      count = split(substr($0, RSTART + 10, RLENGTH - 10), ids, ",")
      for (i = 1; i <= count; i++) replicas[ids[i]]++
    }
    END { for (id in replicas) print id, replicas[id], leader[id] + 0 }' | sort -n
}

# Whether a broker of holdings is among the given ones.
is_given() { [[ ,$brokers, == *",$1,"* ]]; }

# on_others HOLDINGS: ids of brokers that hold replicas and should not.
on_others() {
  local id others=()
  while read -r id _; do
    if [[ -n $id ]] && ! is_given "$id"; then others+=("$id"); fi
  done <<<"$1"
  echo "${others[*]:-}"
}

moves() { in_pod 'kafka reassign-partitions --list' </dev/null; }

wait_for_moves() {
  local said=false
  until [[ $(moves) == *'No partition reassignments found'* ]]; do
    if [[ $said == false ]]; then echo "Replicas are moving"; fi
    said=true
    sleep "${POLL_SECONDS:-10}"
  done
}

wait_for_moves
now=$(holdings)
spread=true
for id in ${brokers//,/ }; do
  if [[ $'\n'$now != *$'\n'"$id "* ]]; then spread=false; fi
done
if [[ $spread == true && -z $(on_others "$now") ]]; then
  echo "Exactly these brokers hold replicas: nothing to move"
else
  # Kafka proposes a plan; it does not look for the smallest move.
  generated=$(in_pod '
file=/tmp/move-replicas-topics.json
topics=$(kafka topics --list)
{
  printf "{\"version\":1,\"topics\":["
  separator=
  for topic in $topics; do printf "%s{\"topic\":\"%s\"}" "$separator" "$topic" && separator=,; done
  printf "]}\n"
} >"$file"
kafka reassign-partitions --generate --topics-to-move-json-file "$file" --broker-list "$1"
' "$brokers" </dev/null)
  plans=()
  while read -r line; do
    if [[ $line == '{'* ]]; then plans+=("$line"); fi
  done <<<"$generated"
  if ((${#plans[@]} != 2)); then
    printf '%s: kafka-reassign-partitions --generate returned no plan:\n%s\n' "${0##*/}" "$generated" >&2
    exit 1
  fi
  before=replicas-before-$(date -u +%Y%m%dT%H%M%SZ).json
  printf '%s\n' "${plans[0]}" >"$before"
  echo "Current assignment: $before"
  in_pod 'cat >/tmp/move-replicas.json
kafka reassign-partitions --execute --reassignment-json-file /tmp/move-replicas.json --throttle "$1"' "$throttle" \
    <<<"${plans[1]}" >/dev/null
  wait_for_moves
  # --verify also removes the throttle.
  in_pod 'kafka reassign-partitions --verify --reassignment-json-file /tmp/move-replicas.json' </dev/null | tail -n 3
fi
in_pod 'kafka leader-election --election-type preferred --all-topic-partitions' </dev/null >/dev/null

now=$(holdings)
while read -r id replicas leaders; do echo "broker $id: $replicas replicas, leads $leaders"; done <<<"$now"
others=$(on_others "$now")
if [[ -n $others ]]; then
  echo "${0##*/}: broker(s) $others still hold replicas" >&2
  exit 1
fi
echo "No other broker holds a replica"
