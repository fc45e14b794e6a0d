#!/bin/sh
# The setup Job:
# 1. `selfmonitor setup` waits for Kafka and applies infrastructure.yaml (topics and accounts of the platform's own components).
# 2. `selfmonitor kubernetes mark-formed` records that the quorum has formed, before the next step, which may fail.
# 3. `selfmonitor setup` waits for the registry, which needs step 1, and applies platform.yaml.
# Every step is idempotent. The last line of the output is the result: "setup: done", or the reason of the failure.
#
#   ENVIRONMENT       production | staging | development
#   WAIT              how long to wait for Kafka, and then for the registry: 900s
#   MARK_FORMED       true (KRaft): record in ConfigMap kafka-identity that the quorum has formed
#   APPLY_PLATFORM    false (setup.enabled is false): skip step 3; infrastructure.yaml is empty, so step 1 only waits for Kafka
#   SELFMONITOR_COMMAND_CONFIG, SELFMONITOR_PASSWORDS (security on), KAFKA_BOOTSTRAP_SERVERS, SCHEMA_REGISTRY_URL
#                     read by the command
set -u
platform=/etc/selfmonitor/platform
messages=/tmp/setup-messages

# run "what" command…: prints the command's messages as they come; if it fails, prints the reason last and exits.
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

# The kubelet stops a Job's pod with SIGTERM, which a shell ignores as process 1 unless it has a trap.
command_pid=
stopped() {
  if [ -n "$command_pid" ] && kill "$command_pid"; then
    wait "$command_pid"
  fi
  echo 'setup: FAILED: stopped by SIGTERM: the Job reached its deadline, or the pod was deleted'
  exit 143
}
trap stopped TERM INT

# In production the command requires the environment's name as a confirmation. Installing the chart for it counts as one.
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
