#!/bin/bash
# Makes the running server use what the certificate's Secret holds now, without a restart (KIP-226).
#
# Runs by itself when the Secret changed (certificate-watch.sh looks every security.tls.reloadIntervalSeconds), or by hand:
#   kubectl exec kafka-0 -- /opt/selfmonitor/bin/reload-certificates.sh
# New connections to this node's listeners get the new certificate. What this node presents when it connects to others is
# read at its start only: it must be restarted once before the old certificate ends, which certificate-watch.sh does.
#
# Environment: NODE_TEMPLATE, NODE_LISTENERS (names with TLS, by spaces).
source "$(dirname "$0")/lib.sh"

if [[ ${NODE_SECURITY:-false} != true ]]; then
  say "security.enabled is false: there are no certificates"
  exit 0
fi
if ! certificates_changed && [[ ${1:-} != --force ]]; then
  say "The certificate in use is the one in the Secret: nothing to do (--force does it anyway)"
  exit 0
fi
install_certificates

# The same locations again: that they are set makes the server read the files.
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
  fail "The server did not take the new certificate" "It keeps the old one; this is tried again, and a restart does it in any case: kubectl delete pod $POD_NAME"
fi
rm -f "$TLS_DIR/not-taken"
say "New connections get the new certificate. This node's own connections to others do after a restart"
