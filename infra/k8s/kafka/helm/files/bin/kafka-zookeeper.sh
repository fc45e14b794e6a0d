# Prepares ZooKeeper for the first start of a Kafka 3.9 broker. Sourced by kafka-init.sh.
# shellcheck shell=bash

ZOOKEEPER_CLIENT=$RUN_DIR/zookeeper-client.properties

# zookeeper_tool MAIN_CLASS ARGUMENTS...: passes the arguments in a file that only this user can read, see kafka-init.sh.
zookeeper_tool() {
  local arguments=$RUN_DIR/zookeeper.args each status=0 run_class
  run_class=$(kafka_tool_path run-class)
  for each in "$@"; do argument "$each"; done >"$arguments"
  KAFKA_HEAP_OPTS=$TOOL_HEAP KAFKA_JVM_PERFORMANCE_OPTS=$TOOL_JVM KAFKA_OPTS='' timeout 60 "$run_class" "@$arguments" || status=$?
  rm -f "$arguments"
  return "$status"
}

# Writes the cluster id and, if security is on, the accounts of the brokers and of the setup Job. Several brokers may do this at once,
# because all of them write the same values.
prepare_zookeeper() {
  local cluster_id=$1 waited=0 answer account password tls=()
  if [[ -s $ZOOKEEPER_CLIENT ]]; then tls=(-zk-tls-config-file "$ZOOKEEPER_CLIENT"); fi
  # Kafka would generate an id. This id makes the volumes match a later quorum of controllers.
  until answer=$(printf 'create /cluster ""\ncreate /cluster/id {"version":"1","id":"%s"}\nget /cluster/id\nquit\n' "$cluster_id" |
    zookeeper_tool org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka -server "$NODE_ZOOKEEPER" "${tls[@]}" 2>&1) &&
    [[ $answer =~ \"id\":\"([A-Za-z0-9_-]+)\" ]]; do
    if ((waited >= ${NODE_WAIT_SECONDS:-600})); then
      fail "ZooKeeper does not answer ($NODE_ZOOKEEPER)" "kubectl -n ${POD_NAMESPACE:-} get pods; kubectl logs zookeeper-0" "Last output: ${answer##*$'\n'}"
    fi
    say "Waiting for ZooKeeper ($NODE_ZOOKEEPER)"
    sleep 5
    waited=$((waited + 10))
  done
  # The last id of the answer counts: an error message before it may name the id that this call tried to write.
  answer=${answer##*'"id":"'}
  answer=${answer%%'"'*}
  if [[ $answer != "$cluster_id" ]]; then
    fail "ZooKeeper belongs to cluster $answer, but this is cluster $cluster_id (ConfigMap kafka-identity)" \
      "To use the cluster in ZooKeeper, set its id in ConfigMap kafka-identity and delete this pod"
  fi
  if [[ $NODE_SECURITY != true ]]; then return; fi
  for account in kafka-broker admin; do
    password=$(read_password "$account")
    zookeeper_tool kafka.admin.ConfigCommand --zookeeper "$NODE_ZOOKEEPER" --zk-tls-config-file "$ZOOKEEPER_CLIENT" --alter \
      --entity-type users --entity-name "$account" \
      --add-config "SCRAM-SHA-512=[iterations=$NODE_SCRAM_ITERATIONS,password=$password]" >/dev/null ||
      fail "The account $account could not be written to ZooKeeper: the reason is above" "Kubernetes restarts this container, which tries again"
    say "Account $account is in ZooKeeper"
  done
}
