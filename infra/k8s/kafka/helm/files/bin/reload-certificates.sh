#!/bin/bash
# Makes the running server use the certificate that is now in the Secret, without a restart (KIP-226).
#
# certificate-watch.sh checks the Secret every security.tls.reloadIntervalSeconds and runs this script when it changed. By hand:
#   kubectl exec kafka-0 -- /opt/selfmonitor/bin/reload-certificates.sh
# New connections to this node's listeners get the new certificate. For its own connections to other nodes, the server reads the
# certificate only when it starts: certificate-watch.sh restarts it once before the old certificate expires.
#
# Environment: NODE_TEMPLATE, NODE_LISTENERS (names of the listeners with TLS, separated by spaces).
source "$(dirname "$0")/lib.sh"

if [[ ${NODE_SECURITY:-false} != true ]]; then
  say "security.enabled is false: there are no certificates"
  exit 0
fi
if ! certificates_changed && [[ ${1:-} != --force ]]; then
  say "The server already uses the certificate in the Secret (--force reloads it anyway)"
  exit 0
fi
install_certificates

# Setting the same locations again makes the server read the files.
settings=''
for listener in $NODE_LISTENERS; do
  settings+="${settings:+,}listener.name.$listener.ssl.keystore.location=$TLS_DIR/keystore.pem"
  settings+=",listener.name.$listener.ssl.truststore.location=$TLS_DIR/ca.crt"
done
if [[ $NODE_TEMPLATE == controller ]]; then
  server=(--bootstrap-controller localhost:9093 --command-config "$RUN_DIR/controller-client.properties")
else
  server=(--bootstrap-server localhost:9091 --command-config "$RUN_DIR/controller-client.properties")
fi
if ! kafka_tool_within 60 configs "${server[@]}" --entity-type brokers --entity-name "$NODE_ID" --alter --add-config "$settings"; then
  touch "$TLS_DIR/not-taken"
  fail "The server rejected the new certificate and keeps the old one" "The reload is tried again; a restart also applies it: kubectl delete pod $POD_NAME"
fi
rm -f "$TLS_DIR/not-taken"
say "New connections to this node get the new certificate. Its own connections to other nodes use it after a restart"
