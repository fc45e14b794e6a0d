#!/usr/bin/env bash
# Sets an account's password in Kafka to the one in its Secret. For admin and kafka-broker; the setup Job does it for all other accounts.
#
#   infra/k8s/kafka/scripts/set-password.sh admin
#   infra/k8s/kafka/scripts/set-password.sh kafka-broker
#   infra/k8s/kafka/scripts/set-password.sh kafka-broker --as-admin
#
# It logs in as kafka-broker, with the settings that the broker's pod was started with. --as-admin: log in as admin, with the settings in
# Secret kafka-user-admin, if Kafka no longer accepts the brokers' password.
#
# Runs on your machine, and needs kubectl with the right to get Secrets and to exec into the pod. Environment: NAMESPACE (kafka), POD
# (kafka-0). The password is never an argument of a process. Exits with 0 when Kafka has stored it.
set -euo pipefail

namespace=${NAMESPACE:-kafka}
pod=${POD:-kafka-0}
account=${1:-}
login=${2:-}
if [[ $# -gt 2 || ! $account =~ ^[a-z0-9][a-z0-9.-]*$ || ( -n $login && $login != --as-admin ) ]]; then
  echo "Usage: ${0##*/} ACCOUNT [--as-admin]" >&2
  exit 2
fi

# secret NAME KEY: prints the value in base64, on one line. KEY is a JSONPath: write a dot as \.
secret() {
  local value
  value=$(kubectl -n "$namespace" get secret "$1" -o "jsonpath={.data.$2}")
  if [[ -z $value ]]; then
    echo "${0##*/}: Secret $1 has no $2" >&2
    exit 1
  fi
  printf '%s\n' "$value"
}

password=$(secret "kafka-user-$account" password)
settings=
if [[ -n $login ]]; then settings=$(secret kafka-user-admin 'client\.properties'); fi

# This script runs in the pod, with bash and coreutils, and reads the password and the settings from its standard input.
in_pod='
set -euo pipefail
umask 077
mine=/run/kafka/set-password.$$
trap "rm -f $mine.scram $mine.properties" EXIT
read -r password
read -r settings
login=/run/kafka/client.properties
if [[ -n $settings ]]; then
  login=$mine.properties
  printf "%s" "$settings" | base64 -d >"$login"
fi
printf "SCRAM-SHA-512=iterations=8192,password=%s\n" "$(printf "%s" "$password" | base64 -d)" >"$mine.scram"
kafka-configs --bootstrap-server localhost:9092 --command-config "$login" --alter \
  --entity-type users --entity-name "$1" --add-config-file "$mine.scram"
'
printf '%s\n%s\n' "$password" "$settings" |
  kubectl -n "$namespace" exec -i "$pod" -- bash -c "$in_pod" set-password "$account"
