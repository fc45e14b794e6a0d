#!/bin/sh
# Writes the configuration file of Schema Registry, Connect, ksqlDB or the web UI: a template from a ConfigMap, with the
# account's name and password from its Secret put in, into a folder in memory. Nothing else reads the password: it is in no
# environment variable, no argument and no log. POSIX sh and its builtins only, because the images have little in common.
#
#   component-init.sh TEMPLATE OUTPUT
#
#   @@username@@  @@password@@   from /etc/selfmonitor/secrets/user/{username,password}
#   @@pod-host@@                 this pod's address (POD_IP), an IPv6 one in brackets
#   @@pod-dashed@@               the same with dashes, as it begins the pod's name in DNS: 10-1-2-3
#   @@file:/a/b@@                what is in that file: a password of a login or of a key store
#
# With LOGIN_FOLDER the server asks for a login: its users go to the file `users` beside OUTPUT, as `name=password` and LOGIN_ROLE, a role
# that each of them has. They are that folder's username and password, and every file of /etc/selfmonitor/secrets/users: its name is a
# user's, its content the password. The file `probe-login` is for rest-probe.sh.
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

# plain_value FILE: one that is put in as it is. What a properties file, YAML, a list of roles or Jetty would read as something else is
# refused; so is a line break.
plain_value() {
  [ -r "$1" ] || fail "$1 is missing: the Secret that is mounted there must have the key ${1##*/}"
  value=$(cat "$1")
  case $value in
    '') fail "$1 is empty: put a value under the key ${1##*/} of its Secret" ;;
    *[!!-~]* | *['"\,$']*) fail "$1 has a space, a line break, one of \" \\ , \$ or a character outside of ASCII: choose another value for the key ${1##*/} of its Secret" ;;
    OBF:* | MD5:* | CRYPT:*) fail "$1 begins with OBF:, MD5: or CRYPT:, which Jetty reads as another form of a password: choose another" ;;
  esac
  printf '%s' "$value"
}

# user NAME FILE: a line of the file of users.
user() {
  case $1 in
    *[!A-Za-z0-9._-]*) fail "\"$1\" is not a user name that every server takes: use letters, digits, \".\", \"_\" and \"-\" as keys of the Secret" ;;
  esac
  users_password=$(plain_value "$2")
  printf '%s=%s%s\n' "$1" "$users_password" "${LOGIN_ROLE:+,$LOGIN_ROLE}"
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
replace "$host" . -
replace "$replaced" : -
dashed=$replaced
case $host in
  *:*) host="[$host]" ;;
esac
case $content in
  *@@pod-host@@* | *@@pod-dashed@@*) [ -n "$host" ] || fail 'POD_IP is not set' ;;
esac

root=${FILE_ROOT:-}
users=$root/etc/selfmonitor/secrets/users
if [ -n "${LOGIN_FOLDER:-}" ]; then
  folder=$(dirname "$output")
  own=$(plain_value "$root$LOGIN_FOLDER/username")
  own_password=$(plain_value "$root$LOGIN_FOLDER/password")
  user "$own" "$root$LOGIN_FOLDER/password" > "$folder/users"
  for file in "$users"/*; do
    [ -e "$file" ] || continue
    [ "${file##*/}" != "$own" ] || fail "$file: the user $own is the one of this release's own clients: choose another name"
    user "${file##*/}" "$file" >> "$folder/users"
  done
  printf 'Basic %s' "$(printf '%s:%s' "$own" "$own_password" | base64 -w 0)" > "$folder/probe-login"
fi

# Line by line, into a file beside it first: a pod that dies here leaves no half of a configuration.
: > "$output.partial"
while IFS= read -r line || [ -n "$line" ]; do
  replace "$line" '@@pod-host@@' "$host"
  replace "$replaced" '@@pod-dashed@@' "$dashed"
  while :; do
    case $replaced in
      *@@file:*@@*) ;;
      *) break ;;
    esac
    line=$replaced
    file=${line#*@@file:}
    file=${file%%@@*}
    value=$(plain_value "$root$file")
    replace "$line" "@@file:$file@@" "$value"
  done
  replace "$replaced" '@@username@@' "$username"
  replace "$replaced" '@@password@@' "$password"
  printf '%s\n' "$replaced" >> "$output.partial"
done < "$template"
mv "$output.partial" "$output"
echo "component-init: wrote $output from $template"
