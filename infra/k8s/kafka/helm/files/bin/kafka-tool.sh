#!/bin/bash
# Wraps Kafka's command-line tools: this script is first on the PATH under the name of each tool, and starts the tool. So a command such
# as `kafka-topics --bootstrap-server localhost:9092 --list` works in a pod:
#
# - It adds the client settings of account kafka-operator, unless the command gives others, and only for addresses of this cluster.
# - It sets a small heap, without the server's JVM options and JMX port. For a larger heap: KAFKA_HEAP_OPTS=-Xmx1g kafka-topics …
# - If no broker answers, or the port is not for clients, it prints an error at once instead of a minute of warnings.
#
# Environment: TOOL_CLIENT_PROPERTIES (settings to add; empty: none, security is off), TOOL_PLACE (broker | controller | tools),
# POD_NAMESPACE, POD_NAME. docs/guides/security.md lists the account's rights.
set -uo pipefail
export LC_ALL=C

here=$(dirname "$0")
name=$(basename "$0" .sh)

# fail WHAT NEXT...: one line what is wrong, then what to do.
fail() {
  printf '%s: %s\n' "$name" "$1" >&2
  shift
  if (($# > 0)); then printf '  %s\n' "$@" >&2; fi
  exit 1
}

# The tool itself: cp-kafka has kafka-topics on the PATH, apache/kafka has /opt/kafka/bin/kafka-topics.sh.
tool=
IFS=: read -ra folders <<<"$PATH:/opt/kafka/bin"
for folder in "${folders[@]}"; do
  if [[ $folder -ef $here ]]; then continue; fi
  for candidate in "$folder/$name" "$folder/$name.sh"; do
    if [[ -z $tool && -x $candidate ]]; then tool=$candidate; fi
  done
done
if [[ -z $tool ]]; then fail "this image does not have the tool" "images.kafka sets the image; newer versions of cp-kafka and apache/kafka have this tool"; fi

# Whether Kafka is 4.2 or newer, where every tool calls its client settings --command-config (KIP-1147). Confluent's 8.x is Kafka's 4.x.
names_are_uniform() {
  local jar version
  for jar in /usr/share/java/kafka/kafka-clients-[0-9]*.jar /opt/kafka/libs/kafka-clients-[0-9]*.jar; do
    version=${jar##*kafka-clients-}
    if [[ $version =~ ^([0-9]+)\.([0-9]+)\. ]]; then
      case ${BASH_REMATCH[1]} in
        3 | 7) return 1 ;;
        4 | 8) ((BASH_REMATCH[2] >= 2)) && return 0 || return 1 ;;
        *) return 0 ;;
      esac
    fi
  done
  return 0
}

# The option with which this tool takes client settings.
case $name in
  kafka-console-producer | kafka-producer-perf-test | kafka-verifiable-producer) option='--producer.config' ;;
  kafka-console-consumer | kafka-console-share-consumer | kafka-consumer-perf-test | kafka-verifiable-consumer) option='--consumer.config' ;;
  kafka-leader-election) option='--admin.config' ;;
  kafka-cluster) option='--config' ;;
  kafka-dump-log | kafka-jmx | kafka-metadata-shell | kafka-replica-verification | kafka-storage) option='' ;;
  *) option='--command-config' ;;
esac
names="$option --command-config -c"
if [[ -n $option ]] && names_are_uniform; then option='--command-config'; fi

servers=
behind=0
controllers=
given=false
arguments=("$@")
# For these tools --broker-list is the old name of --bootstrap-server; for others it lists broker ids.
old_servers='--bootstrap-server'
case $name in
  kafka-console-producer | kafka-verifiable-producer | kafka-replica-verification | kafka-get-offsets) old_servers='--broker-list' ;;
esac
for ((i = 0; i < $#; i++)); do
  word=${arguments[i]}
  if [[ " $names " == *" ${word%%=*} "* ]]; then given=true; fi
  case $word in
    --bootstrap-server | "$old_servers") servers=${arguments[i + 1]:-} behind=$((i + 2)) ;;
    --bootstrap-server=* | "$old_servers"=?*) servers=${word#*=} behind=$((i + 1)) ;;
    bootstrap.servers=*) servers=${servers:-${word#*=}} ;;
    --bootstrap-controller) controllers=${arguments[i + 1]:-} ;;
    --bootstrap-controller=*) controllers=${word#*=} ;;
    --zookeeper | --zookeeper=*)
      if names_are_uniform; then fail "Kafka 4 has no ZooKeeper, and its tools have no --zookeeper" "Instead: --bootstrap-server $([[ ${TOOL_PLACE:-} == broker ]] && echo localhost || echo kafka-service):9092"; fi
      ;;
  esac
done

case ${TOOL_PLACE:-} in
  broker) addresses="--bootstrap-server localhost:9092 (this broker) or kafka-service:9092 (any)" ;;
  controller) addresses="this is a controller; brokers: kubectl exec kafka-0 -- $name --bootstrap-server localhost:9092 …" ;;
  *) addresses="--bootstrap-server kafka-service:9092" ;;
esac

# is_ours HOST: whether it names brokers of this cluster.
is_ours() {
  local namespace=${POD_NAMESPACE:-default} host=$1
  case $host in
    localhost | 127.0.0.1 | "${POD_NAME:-localhost}") [[ ${TOOL_PLACE:-} != tools ]] ;;
    kafka-service | kafka-service."$namespace" | kafka-service."$namespace".svc | kafka-service."$namespace".svc.*) true ;;
    kafka-headless | *.kafka-headless | *.kafka-headless."$namespace" | *.kafka-headless."$namespace".svc | *.kafka-headless."$namespace".svc.*) true ;;
    *) false ;;
  esac
}

# unreachable HOST PORT: prints why a connection fails; prints nothing if it succeeds.
unreachable() {
  local said status
  said=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
  status=$?
  if ((status == 0)); then return; fi
  case $said in
    *'not known'* | *'No address'* | *'failure in name resolution'*) echo "the name cannot be resolved" ;;
    *refused*) echo "connection refused" ;;
    *) if ((status == 124)); then echo "no answer within 5 s (a NetworkPolicy?)"; else echo "${said##*: }"; fi ;;
  esac
}

ours=false
if [[ -n $servers ]]; then
  reached=false
  problems=()
  IFS=, read -ra list <<<"$servers"
  for server in "${list[@]}"; do
    host=${server%:*}
    port=${server##*:}
    if [[ $server != *:* || ! $port =~ ^[0-9]+$ ]]; then fail "\"$server\" is not host:port" "$addresses"; fi
    host=${host#[}
    host=${host%]}
    if [[ $port == 2181 ]]; then fail "2181 is the port of ZooKeeper: clients connect to brokers" "$addresses"; fi
    if is_ours "$host"; then
      case $port in
        9091) fail "port 9091 is only for connections between brokers" "$addresses" ;;
        9093) fail "port 9093 is only for controllers" "$addresses" "To ask the controllers: --bootstrap-controller $server" ;;
        9094) ;;
        *) ours=true ;;
      esac
      if [[ -n ${TOOL_CLIENT_PROPERTIES:-} && ( $host == kafka-headless* || $host == "${POD_NAME:-}" ) ]]; then
        fail "the brokers' certificates do not contain the name $host" "$addresses, or kafka-0.kafka-headless:9092 (kafka-0 only)"
      fi
    fi
    problem=$(unreachable "$host" "$port")
    if [[ -z $problem ]]; then
      reached=true
      break
    fi
    problems+=("$server: $problem")
  done
  if [[ $reached != true ]]; then fail "no broker can be reached" "${problems[@]}" "Brokers of this cluster: $addresses"; fi
fi

added=()
if [[ -n ${TOOL_CLIENT_PROPERTIES:-} && -n $option && $given != true ]]; then
  if [[ -n $controllers ]]; then
    fail "controllers accept only certificates, not the account kafka-operator" \
      "In a pod of Kafka you can log in as this node, which is a super user: --command-config /run/kafka/controller-client.properties" \
      "Or ask the brokers, which answer most of these requests for kafka-operator too: $addresses"
  elif [[ $ours == true ]]; then
    if [[ ! -s $TOOL_CLIENT_PROPERTIES ]]; then
      fail "there are no client settings at $TOOL_CLIENT_PROPERTIES" \
        "Job kafka-credentials-… creates them (Secret kafka-user-kafka-operator): kubectl get jobs,pods" "Or pass your own: $option FILE"
    fi
    added=("$option" "$TOOL_CLIENT_PROPERTIES")
  fi
fi

# Tools do not get the server's heap, but they do get a KAFKA_HEAP_OPTS that was set for this command.
heap=-Xmx128m
case $name in
  *-producer | *-consumer | *-perf-test | kafka-reassign-partitions | kafka-dump-log) heap=-Xmx256m ;;
esac
if [[ -z ${KAFKA_HEAP_OPTS:-} || ( -e /run/kafka/server-heap && $KAFKA_HEAP_OPTS == "$(</run/kafka/server-heap)" ) ]]; then export KAFKA_HEAP_OPTS=$heap; fi
if [[ -e /run/kafka/server-heap ]]; then export KAFKA_OPTS=''; fi
export KAFKA_JVM_PERFORMANCE_OPTS=${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto}
unset JMX_PORT KAFKA_JMX_PORT KAFKA_JMX_HOSTNAME

set -- "${arguments[@]:0:behind}" ${added[@]+"${added[@]}"} "${arguments[@]:behind}"
case $name in
  # These run until they are stopped, so they must get the signals.
  *-producer | *-consumer | *-perf-test) exec "$tool" "$@" ;;
esac
"$tool" "$@"
status=$?
if ((status != 0 && ${#added[@]} > 0)); then
  printf '%s: (used the client settings in %s; to use another account: %s FILE)\n' "$name" "$TOOL_CLIENT_PROPERTIES" "$option" >&2
fi
exit "$status"
