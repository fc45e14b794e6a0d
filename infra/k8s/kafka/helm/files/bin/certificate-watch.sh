#!/bin/bash
# Runs beside the server and applies a renewed certificate without manual work.
#
# The listeners get the certificate at once (reload-certificates.sh). For its own connections to other nodes, the server reads the
# certificate only when it starts, and the others would reject it once the old certificate expires. So this script restarts the server
# once, inside its container. Each node has its own time, by ordinal and NODE_CERTIFICATE_RESTART_SECONDS apart, and restarts only if
# no partition and no quorum needs it; otherwise it tries again one round later.
#
# Argument: process id of the server. Environment: NODE_CERTIFICATE_RELOAD_SECONDS, NODE_CERTIFICATE_RESTART_SECONDS (0: never).
source "$(dirname "$0")/lib.sh"

server=$1
scripts=$(dirname "$0")
slot=${NODE_CERTIFICATE_RESTART_SECONDS:-0}
restart_at=0

while sleep "$NODE_CERTIFICATE_RELOAD_SECONDS"; do
  if certificates_changed; then
    "$scripts/reload-certificates.sh" || true
    if ((slot > 0)); then
      restart_at=$(($(date +%s) + slot * (1 + ORDINAL)))
      say "This node restarts in $((slot * (1 + ORDINAL))) s, to use the new certificate for its own connections too"
    fi
  fi
  if ((restart_at > 0 && $(date +%s) >= restart_at)); then
    if "$scripts/kafka-pre-stop.sh" --or-fail; then
      say "Restarting to use the renewed certificate"
      kill -TERM "$server"
      exit 0
    fi
    restart_at=$(($(date +%s) + slot * 10))
    say "The cluster needs this node now: the restart is tried again in $((slot * 10)) s"
  fi
done
