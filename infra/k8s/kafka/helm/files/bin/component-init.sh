#!/bin/sh
# Writes the configuration file of Schema Registry, Connect, ksqlDB or the web UI: a template from a ConfigMap, with the
# account's name and password from its Secret put in, into a folder in memory. Nothing else reads the password: it is in no
# environment variable, no argument and no log. POSIX sh and its builtins only, because the images have little in common.
#
#   component-init.sh TEMPLATE OUTPUT
#
#   @@username@@  @@password@@   from /etc/selfmonitor/secrets/user/{username,password}
#   @@pod-host@@                 this pod's address (POD_IP), an IPv6 one in brackets
set -eu
umask 077

template=$1
output=$2
secret=${SECRET_FOLDER:-/etc/selfmonitor/secrets/user}

fail() {
  echo "component-init: $1" >&2
  exit 1
}

# Text with every \ and " preceded by a \.
escape() {
  rest=$1
  escaped=
  while [ -n "$rest" ]; do
    tail=${rest#?}
    character=${rest%"$tail"}
    case $character in
      '\' | '"') escaped=$escaped\\$character ;;
      *) escaped=$escaped$character ;;
    esac
    rest=$tail
  done
  printf '%s' "$escaped"
}

# A value of the Secret, ready to stand between quotes inside a JAAS line inside the file. The JAAS parser takes one level of
# \ away, the properties parser (or YAML between double quotes) another: both treat \\ and \" alike, so the text is
# escaped twice whatever the file is.
secret_value() {
  file=$secret/$1
  [ -r "$file" ] || fail "$file is missing: the Secret of this account must have the key $1"
  value=$(cat "$file")
  [ -n "$value" ] || fail "$file is empty: put a value under the key $1 of the Secret of this account"
  case $value in
    *[!\ -~]*) fail "$file has a line break or a character outside of printable ASCII: choose another $1" ;;
  esac
  escape "$(escape "$value")"
}

# Replaces every $2 in $1 by $3, whatever characters they have.
replaced=
replace() {
  replaced=
  remaining=$1
  while :; do
    case $remaining in
      *"$2"*)
        replaced=$replaced${remaining%%"$2"*}$3
        remaining=${remaining#*"$2"}
        ;;
      *) break ;;
    esac
  done
  replaced=$replaced$remaining
}

[ -r "$template" ] || fail "the template $template is missing"
content=$(cat "$template")

case $content in
  *@@username@@* | *@@password@@*)
    username=$(secret_value username)
    password=$(secret_value password)
    ;;
  *) username='' password='' ;;
esac

host=${POD_IP:-}
case $host in
  *:*) host="[$host]" ;;
esac
case $content in
  *@@pod-host@@*) [ -n "$host" ] || fail 'POD_IP is not set' ;;
esac

# Line by line, into a file beside it first: a pod that dies here leaves no half of a configuration.
: > "$output.partial"
while IFS= read -r line || [ -n "$line" ]; do
  replace "$line" '@@pod-host@@' "$host"
  replace "$replaced" '@@username@@' "$username"
  replace "$replaced" '@@password@@' "$password"
  printf '%s\n' "$replaced" >> "$output.partial"
done < "$template"
mv "$output.partial" "$output"
echo "component-init: wrote $output from $template"
