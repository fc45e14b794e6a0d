#!/bin/bash
# Runs before ZooKeeper: writes its certificate to memory, and myid to an empty volume.
#
# Environment: POD_NAME, POD_NAMESPACE, NODE_SECURITY.
source "$(dirname "$0")/lib.sh"

ZOOKEEPER_DIR=/var/lib/zookeeper
MY_ID=$((ORDINAL + 1))

mkdir -p "$ZOOKEEPER_DIR/data" "$ZOOKEEPER_DIR/log"
if [[ -s $ZOOKEEPER_DIR/data/myid ]]; then
  found=$(<"$ZOOKEEPER_DIR/data/myid")
  if [[ $found != "$MY_ID" ]]; then
    fail "The volume data-$POD_NAME belongs to server $found of the ensemble, but this pod is server $MY_ID" \
      "Bind the pod's own volume to its claim: kubectl -n ${POD_NAMESPACE:-} get pvc,pv shows which volume is bound to which claim"
  fi
else
  printf '%s\n' "$MY_ID" >"$ZOOKEEPER_DIR/data/myid.new"
  mv "$ZOOKEEPER_DIR/data/myid.new" "$ZOOKEEPER_DIR/data/myid"
  say "Assigned the empty volume to server $MY_ID"
fi
if [[ $NODE_SECURITY == true ]]; then
  wait_for_file "$SECRETS_DIR/tls/tls.crt" "the certificate of this pod (Secret kafka-zookeeper-tls)"
  wait_for_file "$SECRETS_DIR/tls/tls.key" "the key of this pod's certificate"
  wait_for_file "$SECRETS_DIR/tls/ca.crt" "the CA of this pod's certificate"
  install_certificates
fi
