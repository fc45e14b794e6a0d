# Functions that the scripts of a Kafka pod share: messages, paths, Kafka's tools, certificates.
#
# Sourced by bash in confluentinc/cp-kafka (Red Hat's ubi9-micro) and apache/kafka (Alpine, busybox). The scripts may use only bash and
# the options of coreutils that busybox also has; cp-kafka has no grep, sed, awk or curl. Passwords are read into variables and written
# to files of mode 0600, and never passed as arguments.
# shellcheck shell=bash

set -euo pipefail
umask 077
export LC_ALL=C

# The scripts call the tools directly; kafka-tool.sh is for users.
PATH=${PATH#/opt/selfmonitor/tools:}

RUN_DIR=/run/kafka
ETC_DIR=/etc/selfmonitor
DATA_DIR=/var/lib/kafka/data
LOG_DIRS=$DATA_DIR/logs
TLS_DIR=$RUN_DIR/tls
SECRETS_DIR=$ETC_DIR/secrets

ORDINAL=${POD_NAME:-}
ORDINAL=${ORDINAL##*-}
if [[ ! $ORDINAL =~ ^[0-9]+$ ]]; then ORDINAL=0; fi
NODE_ID=$((${NODE_ID_BASE:-0} + ORDINAL))

# Tools that run beside the server must use little memory and start quickly.
TOOL_HEAP="-Xmx128m"
TOOL_JVM="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"

say() { printf '%s [%s] %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(basename "$0" .sh)" "$*"; }

# fail PROBLEM REMEDY...: prints the problem on one line and each remedy on a line below it.
fail() {
  say "ERROR: $1" >&2
  shift
  local line
  for line in "$@"; do say "       $line" >&2; done
  exit 1
}

# Path of Kafka's tool: cp-kafka has kafka-topics on the PATH, apache/kafka has /opt/kafka/bin/kafka-topics.sh.
kafka_tool_path() {
  local name=kafka-$1
  if command -v "$name" 2>/dev/null; then return; fi
  if [[ -x /opt/kafka/bin/$name.sh ]]; then echo "/opt/kafka/bin/$name.sh"; return; fi
  fail "$name was found neither on the PATH nor as /opt/kafka/bin/$name.sh" \
    "Set images.kafka to confluentinc/cp-kafka or apache/kafka, or an image made from one of them"
}

# kafka_tool NAME ARGUMENTS...: runs kafka-NAME in a small JVM, without the server's agent and options.
kafka_tool() {
  local path
  path=$(kafka_tool_path "$1")
  shift
  KAFKA_HEAP_OPTS=$TOOL_HEAP KAFKA_JVM_PERFORMANCE_OPTS=$TOOL_JVM KAFKA_OPTS='' "$path" "$@"
}

# kafka_tool_within SECONDS NAME ARGUMENTS...: the same, with a timeout.
kafka_tool_within() {
  local seconds=$1 path
  path=$(kafka_tool_path "$2")
  shift 2
  KAFKA_HEAP_OPTS=$TOOL_HEAP KAFKA_JVM_PERFORMANCE_OPTS=$TOOL_JVM KAFKA_OPTS='' timeout "$seconds" "$path" "$@"
}

# Prints the JVM option that makes the server cache addresses for 1 s instead of 30 s (10 s for unknown names), because a restarted pod
# has a new address. A file of security properties is the only way to set the time for unknown names.
# https://docs.oracle.com/en/java/javase/21/core/java-networking.html
name_cache_option() {
  printf '%s\n' networkaddress.cache.ttl=1 networkaddress.cache.negative.ttl=1 >"$RUN_DIR/java.security" || return
  printf '%s' "-Djava.security.properties=$RUN_DIR/java.security"
}

# Whether something listens on a port of this pod.
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_for_file FILE WHAT: waits until the file exists and is not empty, for at most NODE_WAIT_SECONDS, with a message every 30 s.
wait_for_file() {
  local file=$1 what=$2 waited=0 limit=${NODE_WAIT_SECONDS:-600}
  until [[ -s $file ]]; do
    if ((waited >= limit)); then
      fail "Still missing after $limit s: $what ($file)" \
        "Job kafka-credentials-… creates it: kubectl -n ${POD_NAMESPACE:-} get jobs,pods; kubectl logs job/<name>" \
        "If security.tls.mode is existing, or the Secret is your own, create it yourself. Kubernetes restarts this container until then."
    fi
    if ((waited % 30 == 0)); then say "Waiting for $what ($file), $waited of at most $limit s"; fi
    sleep 2
    waited=$((waited + 2))
  done
}

# read_property FILE KEY: prints the value of a key in a properties file; prints nothing if the key is missing.
read_property() {
  local line
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == "$2="* ]]; then printf '%s' "${line#*=}"; return; fi
  done <"$1"
}

# file_contains FILE TEXT: whether the file exists and contains the text.
file_contains() { [[ -r $1 && $(<"$1") == *"$2"* ]]; }

# read_password ACCOUNT: prints the password from the account's mounted Secret. Fails for characters that Kafka's parsers would misread.
read_password() {
  local account=$1 printable='^[!-~]+$' password
  password=$(<"$SECRETS_DIR/$account/password")
  if [[ ! $password =~ $printable || $password == *[,\"\\]* ]]; then
    fail "The password of $account has characters that Kafka's storage tool does not accept" \
      "Use printable ASCII without spaces, commas, double quotes and backslashes (Secret kafka-user-$account)"
  fi
  printf '%s' "$password"
}

# Writes the key store and the CA file for Kafka from the mounted certificate Secret. Each file is replaced atomically.
install_certificates() {
  local from=$SECRETS_DIR/tls file
  for file in tls.crt tls.key ca.crt; do
    [[ -s $from/$file ]] || fail "The Secret with the certificate has no $file" "It needs tls.crt (leaf, then chain), tls.key and ca.crt"
  done
  mkdir -p "$TLS_DIR"
  if ! file_contains "$from/tls.key" 'BEGIN PRIVATE KEY'; then
    fail "tls.key is not an unencrypted PKCS#8 key ('BEGIN PRIVATE KEY')" \
      "Convert it: openssl pkcs8 -topk8 -nocrypt -in tls.key; with cert-manager set privateKey.encoding: PKCS8"
  fi
  cat "$from/tls.key" "$from/tls.crt" >"$TLS_DIR/keystore.pem.new"
  cat "$from/ca.crt" >"$TLS_DIR/ca.crt.new"
  mv "$TLS_DIR/keystore.pem.new" "$TLS_DIR/keystore.pem"
  mv "$TLS_DIR/ca.crt.new" "$TLS_DIR/ca.crt"
}

# Whether the mounted Secret differs from the files that Kafka uses, or Kafka rejected them the last time.
certificates_changed() {
  local from=$SECRETS_DIR/tls
  if [[ -e $TLS_DIR/not-taken ]]; then return 0; fi
  [[ -s $from/tls.key && -s $from/tls.crt && -s $from/ca.crt ]] || return 1
  # Red Hat's small base images do not have cmp.
  [[ $(cat "$from/tls.key" "$from/tls.crt") != "$(<"$TLS_DIR/keystore.pem")" || $(<"$from/ca.crt") != "$(<"$TLS_DIR/ca.crt")" ]]
}
