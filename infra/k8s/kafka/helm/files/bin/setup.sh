#!/bin/sh
# The setup Job: waits for Kafka, applies infrastructure.yaml (internal topics and accounts of the platform's own components),
# waits for the registry, which needs those, applies platform.yaml, and marks the quorum as formed. All of it is idempotent.
# The last line says what happened; after a failure it is the reason.
#
#   ENVIRONMENT             production | staging | development
#   SCHEMA_REGISTRY_URL     empty: no registry is installed, schemas are not applied
#   SELFMONITOR_COMMAND_CONFIG, SELFMONITOR_PASSWORDS   connection and passwords (security on)
#   KAFKA_BOOTSTRAP_SERVERS  connection (security off)
#   WAIT_SECONDS            how long to wait for each of Kafka and the registry
#   MARK_FORMED             true: KRaft; say in ConfigMap kafka-identity that the quorum has formed
set -u
platform=/etc/selfmonitor/platform
wait_seconds=${WAIT_SECONDS:-600}
errors=/tmp/setup-errors

finish() {
  echo
  echo "setup: FAILED: $1"
  exit 1
}

# wait_for "what" command…: repeats the command until it succeeds. What cannot get better by waiting (an account that is refused,
# a certificate nobody trusts) does not look different from a cluster that is still starting, so its message is shown every time.
wait_for() {
  what=$1
  shift
  started=$(date +%s)
  while :; do
    if "$@" > /dev/null 2> "$errors"; then
      echo "setup: $what answers"
      return 0
    fi
    waited=$(($(date +%s) - started))
    reason=$(head -n 1 "$errors")
    if [ "$waited" -ge "$wait_seconds" ]; then
      cat "$errors"
      finish "$what did not answer within $wait_seconds s. Its last answer: ${reason:-none}. Look at the pods (kubectl get pods) and their logs; the Job tries again until its deadline."
    fi
    echo "setup: waiting for $what, $waited s so far: ${reason:-no answer}"
    sleep 5
  done
}

# apply "file" [option…]
apply() {
  file=$1
  shift
  echo
  echo "setup: applying $file for $ENVIRONMENT"
  # In production `apply` wants the environment's name typed: a Job that was installed for it says it.
  if ! selfmonitor apply --file "$platform/$file" --env "$ENVIRONMENT" --yes --confirm "$ENVIRONMENT" "$@" 2> "$errors"; then
    cat "$errors" >&2
    finish "$file could not be applied: $(head -n 1 "$errors")"
  fi
  cat "$errors" >&2
}

set --
if [ -n "${SELFMONITOR_PASSWORDS:-}" ]; then
  set -- --passwords "$SELFMONITOR_PASSWORDS"
fi

wait_for Kafka selfmonitor topics list
# Without a registry URL the command takes a plan without schemas; infrastructure.yaml has none.
registry=${SCHEMA_REGISTRY_URL:-}
unset SCHEMA_REGISTRY_URL
apply infrastructure.yaml "$@"
if [ -n "$registry" ]; then
  export SCHEMA_REGISTRY_URL="$registry"
  wait_for 'Schema Registry' selfmonitor schemas list
fi
apply platform.yaml "$@"

if [ "${MARK_FORMED:-false}" = true ]; then
  echo
  selfmonitor kubernetes mark-formed 2> "$errors" || {
    cat "$errors" >&2
    finish "ConfigMap kafka-identity could not be marked as formed: $(head -n 1 "$errors")"
  }
fi
echo
echo 'setup: done'
