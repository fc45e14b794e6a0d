# What the scripts of a Kafka pod share: messages, where things are, tools of either image, certificates.
#
# Sourced by bash in confluentinc/cp-kafka (Red Hat's ubi9-micro) and apache/kafka (Alpine, busybox): only bash, and those options of
# coreutils that busybox has too. The first has no grep, sed, awk or curl. Passwords are read into variables and written to files of mode 0600, never passed as arguments.
# shellcheck shell=bash

set -euo pipefail
umask 077
export LC_ALL=C

# The tools themselves, not kafka-tool.sh, which is for people.
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

# Tools that run beside the server take little of the memory that the heap leaves, and end quickly.
TOOL_HEAP="-Xmx128m"
TOOL_JVM="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"

say() { printf '%s [%s] %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(basename "$0" .sh)" "$*"; }

# fail WHAT NEXT...: one line what is wrong, then what to do.
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
  fail "There is neither $name on the PATH nor /opt/kafka/bin/$name.sh" \
    "Set images.kafka to confluentinc/cp-kafka or apache/kafka, or an image made from one of them"
}

# kafka_tool NAME ARGUMENTS...: runs kafka-NAME in a small JVM, without the agent and options of the server.
kafka_tool() {
  local path
  path=$(kafka_tool_path "$1")
  shift
  KAFKA_HEAP_OPTS=$TOOL_HEAP KAFKA_JVM_PERFORMANCE_OPTS=$TOOL_JVM KAFKA_OPTS='' "$path" "$@"
}

# The same, given up after SECONDS: kafka_tool_within SECONDS NAME ARGUMENTS...
kafka_tool_within() {
  local seconds=$1 path
  path=$(kafka_tool_path "$2")
  shift 2
  KAFKA_HEAP_OPTS=$TOOL_HEAP KAFKA_JVM_PERFORMANCE_OPTS=$TOOL_JVM KAFKA_OPTS='' timeout "$seconds" "$path" "$@"
}

# The JVM option with which a server forgets addresses after a second, instead of 30 (10 for a name that was unknown): a pod that
# comes back has another one. Written as security properties, since the negative time can be given in no other way.
# https://docs.oracle.com/en/java/javase/21/core/java-networking.html
name_cache_option() {
  printf '%s\n' networkaddress.cache.ttl=1 networkaddress.cache.negative.ttl=1 >"$RUN_DIR/java.security" || return
  printf '%s' "-Djava.security.properties=$RUN_DIR/java.security"
}

# Whether something listens on a port of this pod.
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_for_file FILE WHAT: until it is there and not empty, at most NODE_WAIT_SECONDS, telling every half minute.
wait_for_file() {
  local file=$1 what=$2 waited=0 limit=${NODE_WAIT_SECONDS:-600}
  until [[ -s $file ]]; do
    if ((waited >= limit)); then
      fail "Still missing after $limit s: $what ($file)" \
        "It is made by Job kafka-credentials-…: kubectl -n ${POD_NAMESPACE:-} get jobs,pods; kubectl logs job/<name>" \
        "or by you, where security.tls.mode is existing or the Secret is your own. This pod tries again by itself."
    fi
    if ((waited % 30 == 0)); then say "Waiting for $what ($file), $waited of at most $limit s"; fi
    sleep 2
    waited=$((waited + 2))
  done
}

# read_property FILE KEY: the value of a key in a properties file, empty when it is not there.
read_property() {
  local line
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == "$2="* ]]; then printf '%s' "${line#*=}"; return; fi
  done <"$1"
}

# file_contains FILE TEXT: whether the text is somewhere in the file, which may be missing.
file_contains() { [[ -r $1 && $(<"$1") == *"$2"* ]]; }

# The password of an account, from its mounted Secret. Only what Kafka's own parsers of it take unharmed.
read_password() {
  local account=$1 printable='^[!-~]+$' password
  password=$(<"$SECRETS_DIR/$account/password")
  if [[ ! $password =~ $printable || $password == *[,\"\\]* ]]; then
    fail "The password of $account has characters that Kafka's storage tool cannot take" \
      "Use letters, digits and other printable ASCII, but no space, comma, double quote or backslash (Secret kafka-user-$account)"
  fi
  printf '%s' "$password"
}

# Writes what the mounted certificate Secret holds as the two files that Kafka reads, each replaced in one step.
install_certificates() {
  local from=$SECRETS_DIR/tls file
  for file in tls.crt tls.key ca.crt; do
    [[ -s $from/$file ]] || fail "The certificate's Secret has no $file" "It needs tls.crt (leaf, then chain), tls.key and ca.crt"
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

# Whether the mounted Secret differs from what Kafka was given, or Kafka did not take it the last time.
certificates_changed() {
  local from=$SECRETS_DIR/tls
  if [[ -e $TLS_DIR/not-taken ]]; then return 0; fi
  [[ -s $from/tls.key && -s $from/tls.crt && -s $from/ca.crt ]] || return 1
  # Not with cmp, which Red Hat's small bases do not have.
  [[ $(cat "$from/tls.key" "$from/tls.crt") != "$(<"$TLS_DIR/keystore.pem")" || $(<"$from/ca.crt") != "$(<"$TLS_DIR/ca.crt")" ]]
}
