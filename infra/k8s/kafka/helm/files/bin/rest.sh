#!/bin/bash
# Runs curl against a REST service of this release, with the CA and, if the service requires one, the login:
#
#   rest registry /subjects
#   rest connect /connectors/archive/config -X PUT -H 'Content-Type: application/json' -d @archive.json
#   rest ksqldb /info
#
# For pod kafka-tools, whose environment has the addresses, CAs and logins. The password is never an argument.
set -euo pipefail

case ${1:-} in
  registry) name=SCHEMA_REGISTRY ;;
  connect) name=KAFKA_CONNECT ;;
  ksqldb) name=KSQLDB ;;
  *) name= ;;
esac
if [[ -z $name || ${2:-} != /* ]]; then
  echo "Usage: rest registry|connect|ksqldb /path [options of curl]" >&2
  exit 2
fi
url=${name}_URL ca=${name}_CA username=${name}_USERNAME password=${name}_PASSWORD
if [[ -z ${!url:-} ]]; then
  echo "rest: this release has no $1 ($url is not set)" >&2
  exit 2
fi
path=$2
shift 2
options=(--silent --show-error --fail-with-body)
umask 077
files=/tmp/rest.$$
trap 'rm -f "$files.ca" "$files.login"' EXIT
if [[ -n ${!ca:-} ]]; then
  printf '%s\n' "${!ca}" >"$files.ca"
  options+=(--cacert "$files.ca")
fi
if [[ -n ${!username:-} ]]; then
  printf 'user = "%s:%s"\n' "${!username}" "${!password}" >"$files.login"
  options+=(--config "$files.login")
fi
curl "${options[@]}" "$@" "${!url}$path"
