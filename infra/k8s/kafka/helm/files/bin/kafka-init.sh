#!/bin/bash
# Runs before the server: renders its configuration to memory, and formats the volume if it is empty.
#
# Reads   /etc/selfmonitor/kafka/<template>.properties   with @@placeholders@@
#         /etc/selfmonitor/identity/                      cluster id, directory ids, formed (ConfigMap kafka-identity)
#         /etc/selfmonitor/secrets/{tls,kafka-broker,admin}
#         /run/kafka/facts                                rack, external host and port (container `discover`)
# Writes  /run/kafka/{server,client,controller-client}.properties, /run/kafka/tls/, and the volume.
#
# Environment: POD_NAME, POD_NAMESPACE, NODE_ID_BASE, NODE_TEMPLATE, NODE_SECURITY, NODE_QUORUM (id@host:port,… of the
# first voters), NODE_SCRAM_ITERATIONS, NODE_EXTERNAL_HOSTS, NODE_EXTERNAL_HOST_PATTERN, NODE_EXTERNAL_PORT, NODE_WAIT_SECONDS,
# NODE_ZOOKEEPER (host:port,… of a broker that keeps its metadata there).
source "$(dirname "$0")/lib.sh"

IDENTITY_DIR=$ETC_DIR/identity
FACTS=$RUN_DIR/facts
META=$LOG_DIRS/meta.properties
# The volume is formatted in this folder, which is renamed when it is complete. So an interrupted run leaves nothing that the next one uses.
FORMATTING=$DATA_DIR/formatting

# In mode combined only kafka-0 is a controller; the other pods are brokers only.
TEMPLATE=$NODE_TEMPLATE
if [[ $TEMPLATE == combined && $ORDINAL != 0 ]]; then TEMPLATE=broker; fi
IS_CONTROLLER=false
if [[ $TEMPLATE != broker ]]; then IS_CONTROLLER=true; fi

fact() { if [[ -f $FACTS ]]; then read_property "$FACTS" "$1"; fi; }

# The host name that external clients use for this broker: from the values, or discovered.
external_host() {
  if [[ -n ${NODE_EXTERNAL_HOST_PATTERN:-} ]]; then
    printf '%s' "${NODE_EXTERNAL_HOST_PATTERN//\{ordinal\}/$ORDINAL}"
  elif [[ -n ${NODE_EXTERNAL_HOSTS:-} ]]; then
    local hosts
    IFS=, read -ra hosts <<<"$NODE_EXTERNAL_HOSTS"
    if ((ORDINAL >= ${#hosts[@]})); then
      fail "kafka.external.hostnames has ${#hosts[@]} names, but none for $POD_NAME" \
        "Add one, or set kafka.external.hostnamePattern, and run helm upgrade"
    fi
    printf '%s' "${hosts[ORDINAL]}"
  else
    fact external.host
  fi
}

external_port() {
  case ${NODE_EXTERNAL_PORT:-} in
    '') fact external.port ;;
    *+) printf '%s' "$((${NODE_EXTERNAL_PORT%+} + ORDINAL))" ;;
    *) printf '%s' "$NODE_EXTERNAL_PORT" ;;
  esac
}

# render TEMPLATE TARGET
render() {
  local text rack host port broker_password=''
  text=$(<"$1")
  text=${text//@@node.id@@/"$NODE_ID"}
  text=${text//@@pod@@/"$POD_NAME"}
  if [[ $text == *@@rack@@* ]]; then
    rack=$(fact rack)
    if [[ -z $rack ]]; then
      say "The Kubernetes node has no zone label: this broker runs without broker.rack"
      text=${text//broker.rack=@@rack@@/}
    fi
    text=${text//@@rack@@/"$rack"}
  fi
  if [[ $text == *@@external.* ]]; then
    host=$(external_host)
    port=$(external_port)
    if [[ -z $host || -z $port ]]; then
      fail "The external address of this broker is unknown (host '$host', port '$port')" \
        "See the log of init container discover, or set kafka.external.hostnamePattern"
    fi
    text=${text//@@external.host@@/"$host"}
    text=${text//@@external.port@@/"$port"}
  fi
  if [[ $text == *@@password.broker@@* ]]; then
    wait_for_file "$SECRETS_DIR/kafka-broker/password" "Secret kafka-user-kafka-broker"
    broker_password=$(read_password kafka-broker)
    text=${text//@@password.broker@@/"$broker_password"}
  fi
  printf '%s\n' "$text" >"$2"
  chmod 600 "$2"
}

# Fails unless the volume is empty or belongs to this node of this cluster: starting on any other volume could destroy data.
check_volume() {
  local cluster_id=$1 found_cluster found_node
  if [[ ! -e $META ]]; then
    if [[ -d $LOG_DIRS && -n $(ls -A "$LOG_DIRS") ]]; then
      fail "$LOG_DIRS holds files but no meta.properties: the volume belongs to something else, or it is damaged" \
        "To keep the data: restore meta.properties (cluster.id=$cluster_id, node.id=$NODE_ID) from a backup" \
        "To discard it: delete the PersistentVolumeClaim data-$POD_NAME and this pod; replicas are copied from the other brokers"
    fi
    return
  fi
  found_cluster=$(read_property "$META" cluster.id)
  found_node=$(read_property "$META" node.id)
  # ZooKeeper mode writes broker.id instead of node.id.
  if [[ -z $found_node ]]; then found_node=$(read_property "$META" broker.id); fi
  if [[ $found_cluster != "$cluster_id" ]]; then
    fail "The volume data-$POD_NAME belongs to cluster $found_cluster, but this is cluster $cluster_id (ConfigMap kafka-identity)" \
      "If the volume is from an earlier installation and you need its data: set cluster-id: $found_cluster in ConfigMap kafka-identity" \
      "To start with an empty cluster: delete the PersistentVolumeClaim data-$POD_NAME and those of all other pods"
  fi
  if [[ $found_node != "$NODE_ID" ]]; then
    fail "The volume data-$POD_NAME belongs to node $found_node, but this pod is node $NODE_ID" \
      "Bind the pod's own volume to its claim: kubectl -n ${POD_NAMESPACE:-} get pvc,pv shows which volume is bound to which claim"
  fi
}

# The value of --initial-controllers: NODE_QUORUM with the directory id of each voter appended.
initial_controllers() {
  local voters voter ordinal=0 list=''
  IFS=, read -ra voters <<<"$NODE_QUORUM"
  for voter in "${voters[@]}"; do
    list+=${list:+,}$voter:$(<"$IDENTITY_DIR/controller-$ordinal.directory-id")
    ordinal=$((ordinal + 1))
  done
  printf '%s' "$list"
}

# A line of a Java argument file (@argfile), quoted so that no character is special.
argument() { printf '"%s"\n' "${1//\\/\\\\}"; }

format_volume() {
  local cluster_id=$1 storage run_class main_class='kafka.tools.StorageTool' arguments=$RUN_DIR/format.args
  local account formed controllers='' password line voters=() scram=()
  local marker='password='
  formed=$(if [[ -s $IDENTITY_DIR/formed ]]; then cat "$IDENTITY_DIR/formed"; fi)
  IFS=, read -ra voters <<<"${NODE_QUORUM:-}"
  if [[ $IS_CONTROLLER == true && $formed == true && ${#voters[@]} == 1 && $ORDINAL == 0 ]]; then
    fail "The volume of the only controller is empty, although the cluster was formed before: its metadata is lost" \
      "Restore the volume data-$POD_NAME from a snapshot" \
      "To start with an empty cluster: helm uninstall, delete the PersistentVolumeClaims and ConfigMap kafka-identity, install again"
  fi

  rm -rf "$FORMATTING"
  mkdir -p "$FORMATTING"
  while IFS= read -r line; do
    if [[ $line == log.dirs=* ]]; then line=log.dirs=$FORMATTING; fi
    printf '%s\n' "$line"
  done <"$RUN_DIR/server.properties" >"$RUN_DIR/format.properties"
  storage=$(kafka_tool_path storage)
  run_class=$(kafka_tool_path run-class)
  # The class that this image's kafka-storage runs.
  if [[ $(<"$storage") =~ kafka-run-class(\.sh)?[\"\']?[[:space:]]+([A-Za-z0-9_.]+) ]]; then main_class=${BASH_REMATCH[2]}; fi

  if [[ $IS_CONTROLLER == true && $formed != true ]]; then
    controllers=$(initial_controllers)
    if [[ $ADDS_ACCOUNTS == true ]]; then
      for account in kafka-broker admin; do
        password=$(read_password "$account")
        scram+=("--add-scram=SCRAM-SHA-512=[name=$account,iterations=$NODE_SCRAM_ITERATIONS,password=$password]")
      done
    fi
  fi

  # In a file, because every user of the node can read the arguments of a process in /proc.
  {
    argument "$main_class"
    argument format
    # Written with =, because an id may begin with a dash (KAFKA-15754).
    argument "--cluster-id=$cluster_id"
    argument "--config=$RUN_DIR/format.properties"
    if [[ $IS_CONTROLLER == true && $formed == true ]]; then
      # A voter that lost its volume, or an additional one: it must join the existing quorum and never elect itself with an empty log.
      argument --no-initial-controllers
    elif [[ $IS_CONTROLLER == true ]]; then
      argument "--initial-controllers=$controllers"
      for account in "${scram[@]}"; do argument "$account"; done
    fi
  } >"$arguments"
  say "Formatting the empty volume for node $NODE_ID of cluster $cluster_id"
  if [[ $IS_CONTROLLER == true && $formed == true ]]; then
    say "The cluster was formed before: this controller joins its quorum"
    say "(If all controllers are new, no quorum exists. To start with an empty cluster: helm uninstall, delete ConfigMap kafka-identity and all claims)"
  fi
  # The tool prints the initial records, which include the password hashes: those lines are filtered out.
  if ! KAFKA_HEAP_OPTS=-Xmx256m KAFKA_OPTS='' "$run_class" "@$arguments" 2>&1 | while IFS= read -r line; do
    if [[ $line != 'Bootstrap metadata:'* && $line != *ScramCredential* && $line != *"$marker"* ]]; then printf '%s\n' "$line"; fi
  done; then
    rm -f "$arguments" "$RUN_DIR/format.properties"
    fail "The volume could not be formatted: the reason is above" "Correct kafka.config or the value that it names, and run helm upgrade"
  fi
  rm -f "$arguments" "$RUN_DIR/format.properties"
  sync
  if [[ -d $LOG_DIRS ]]; then rmdir "$LOG_DIRS"; fi
  mv "$FORMATTING" "$LOG_DIRS"
  sync
}
ADDS_ACCOUNTS=false

main() {
  local cluster_id client
  rm -f "$RUN_DIR/format.args" "$RUN_DIR/listening-since"
  wait_for_file "$IDENTITY_DIR/cluster-id" "ConfigMap kafka-identity"
  cluster_id=$(<"$IDENTITY_DIR/cluster-id")
  if [[ ! $cluster_id =~ ^[A-Za-z0-9_-]{22}$ ]]; then
    fail "cluster-id in ConfigMap kafka-identity is not a Kafka id of 22 characters" "Restore it, or make one: kafka-storage random-uuid"
  fi
  check_volume "$cluster_id"
  if [[ $NODE_SECURITY == true ]]; then
    wait_for_file "$SECRETS_DIR/tls/tls.crt" "the Secret with this pod's certificate"
    wait_for_file "$SECRETS_DIR/tls/tls.key" "the key in the Secret with this pod's certificate"
    wait_for_file "$SECRETS_DIR/tls/ca.crt" "the CA in the Secret with this pod's certificate"
    install_certificates
    if [[ -d $SECRETS_DIR/broker-tls ]]; then
      # A controller that copies from ZooKeeper, see _zookeeper.tpl.
      wait_for_file "$SECRETS_DIR/broker-tls/tls.crt" "the Secret with the brokers' certificate"
      cat "$SECRETS_DIR/broker-tls/tls.key" "$SECRETS_DIR/broker-tls/tls.crt" >"$TLS_DIR/zookeeper.pem"
    fi
  fi
  render "$ETC_DIR/kafka/$TEMPLATE.properties" "$RUN_DIR/server.properties"
  render "$ETC_DIR/kafka/$TEMPLATE-client.properties" "$RUN_DIR/client.properties"
  for client in controller-client zookeeper-client; do
    if [[ -e $ETC_DIR/kafka/$client.properties ]]; then render "$ETC_DIR/kafka/$client.properties" "$RUN_DIR/$client.properties"; fi
  done
  # The first controllers create the first accounts; a migration copies them from ZooKeeper instead.
  ADDS_ACCOUNTS=$NODE_SECURITY
  if [[ $(read_property "$RUN_DIR/server.properties" zookeeper.metadata.migration.enable) == true ]]; then ADDS_ACCOUNTS=false; fi
  if [[ -n ${NODE_ZOOKEEPER:-} ]]; then
    # Kafka 3.9 formats the volume when it starts. Its accounts must be in ZooKeeper before that.
    if [[ ! -e $META ]]; then
      if [[ $NODE_SECURITY == true ]]; then wait_for_file "$SECRETS_DIR/admin/password" "Secret kafka-user-admin"; fi
      source "$(dirname "$0")/kafka-zookeeper.sh"
      prepare_zookeeper "$cluster_id"
    fi
    return
  fi
  if [[ -e $META ]]; then
    say "The volume is formatted: node $NODE_ID of cluster $cluster_id"
    return
  fi
  if [[ $IS_CONTROLLER == true ]]; then
    local voters ordinal
    IFS=, read -ra voters <<<"$NODE_QUORUM"
    for ((ordinal = 0; ordinal < ${#voters[@]}; ordinal++)); do
      wait_for_file "$IDENTITY_DIR/controller-$ordinal.directory-id" "ConfigMap kafka-identity"
    done
    if [[ $ADDS_ACCOUNTS == true ]]; then
      wait_for_file "$SECRETS_DIR/kafka-broker/password" "Secret kafka-user-kafka-broker"
      wait_for_file "$SECRETS_DIR/admin/password" "Secret kafka-user-admin"
    fi
  fi
  format_volume "$cluster_id"
}

main
