# Functions that the scripts of the Kafka containers share. Sourced by bash, in confluentinc/cp-kafka and in apache/kafka.
# shellcheck shell=bash
set -euo pipefail

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }

fail() {
  say "ERROR: $*" >&2
  exit 1
}

# Path of a tool: cp-kafka has kafka-topics on the PATH, apache/kafka has /opt/kafka/bin/kafka-topics.sh.
tool_path() {
  command -v "kafka-$1" || { [[ -x /opt/kafka/bin/kafka-$1.sh ]] && echo "/opt/kafka/bin/kafka-$1.sh"; } ||
    fail "kafka-$1 was found neither on the PATH nor as /opt/kafka/bin/kafka-$1.sh: set KAFKA_IMAGE to cp-kafka or apache/kafka"
}

# tool NAME ARGUMENTS...: runs kafka-NAME in a small JVM, without the server's options.
tool() {
  local path
  path=$(tool_path "$1")
  shift
  KAFKA_HEAP_OPTS=-Xmx96m KAFKA_JVM_PERFORMANCE_OPTS='-XX:+UseSerialGC -XX:TieredStopAtLevel=1' KAFKA_OPTS='' "$path" "$@"
}
