#!/bin/sh
# The setup Job: `selfmonitor setup` waits for Kafka and applies infrastructure.yaml (topics and accounts of the platform's own
# components); the quorum is marked as formed, as soon as that is known and whatever becomes of the rest; then `selfmonitor setup`
# waits for the registry, which needs the first, and applies platform.yaml. All of it is idempotent. The last line says what
# happened; after a failure it is the reason.
#
#   ENVIRONMENT       production | staging | development
#   WAIT              how long to wait for Kafka, and then for the registry: 900s
#   MARK_FORMED       true: KRaft; ConfigMap kafka-identity is to say that the quorum has formed
#   APPLY_PLATFORM    false: setup.enabled is false; infrastructure.yaml is empty then, and Kafka is only waited for
#   SELFMONITOR_COMMAND_CONFIG, SELFMONITOR_PASSWORDS (security on), KAFKA_BOOTSTRAP_SERVERS, SCHEMA_REGISTRY_URL
#                     read by the command itself
set -u
platform=/etc/selfmonitor/platform
messages=/tmp/setup-messages

# run "what" command…: shows its messages as they come, and ends with the reason when it fails.
run() {
  what=$1
  shift
  mkfifo "$messages.pipe"
  tee "$messages" < "$messages.pipe" >&2 &
  tee_pid=$!
  "$@" 2> "$messages.pipe" &
  command_pid=$!
  wait "$command_pid"
  status=$?
  wait "$tee_pid"
  rm "$messages.pipe"
  [ "$status" -eq 0 ] && return
  reason=$(grep -v '^ *$' "$messages" | sed -n '/^error/,$p' | tr -s '\n ' ' ')
  [ -n "$reason" ] || reason=$(tail -n 1 "$messages")
  echo
  echo "setup: FAILED: $what (exit code $status): $reason"
  exit "$status"
}

# The kubelet ends a Job's pod with SIGTERM, which a shell that is process 1 would ignore.
command_pid=
stopped() {
  if [ -n "$command_pid" ] && kill "$command_pid"; then
    wait "$command_pid"
  fi
  echo 'setup: FAILED: stopped from outside, by its deadline or by a deletion'
  exit 143
}
trap stopped TERM INT

# In production the command wants the environment's name typed; a Job that was installed for it says it.
apply() {
  run "$1" selfmonitor setup --wait "$WAIT" --env "$ENVIRONMENT" --yes --confirm "$ENVIRONMENT" --file "$platform/$1"
}

apply infrastructure.yaml
if [ "${MARK_FORMED:-false}" = true ]; then
  run 'ConfigMap kafka-identity' selfmonitor kubernetes mark-formed
fi
if [ "${APPLY_PLATFORM:-true}" = true ]; then
  apply platform.yaml
fi
echo 'setup: done'
