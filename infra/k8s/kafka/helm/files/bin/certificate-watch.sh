#!/bin/bash
# Beside the server, for its whole life: takes up a renewed certificate, so that nobody has to be there when it is renewed.
#
# The listeners get it at once (reload-certificates.sh). What the server presents when it connects to others it reads only when
# it starts, and it would be locked out when the old one ends: so it is restarted once, in its container. Each node has a time
# of its own, NODE_CERTIFICATE_RESTART_SECONDS apart and by ordinal, and restarts only while its leaving hurts nobody; otherwise
# its next turn is one round later.
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
      say "This node restarts in $((slot * (1 + ORDINAL))) s, to use the certificate in its own connections too"
    fi
  fi
  if ((restart_at > 0 && $(date +%s) >= restart_at)); then
    if "$scripts/kafka-pre-stop.sh" --or-fail; then
      say "Restarting, to use the renewed certificate"
      kill -TERM "$server"
      exit 0
    fi
    restart_at=$(($(date +%s) + slot * 10))
    say "Not now: the next try is in $((slot * 10)) s"
  fi
done
