#!/bin/sh
# Writes the configuration file of Schema Registry, Connect, ksqlDB or the web UI to a folder in memory. It fills a template from a
# ConfigMap with the account's name and password from its Secret. The password never appears in an environment variable, an argument
# or a log. The script uses only POSIX sh and its builtins, because the images have few tools in common.
#
#   component-init.sh TEMPLATE OUTPUT
#
#   @@username@@  @@password@@   from /etc/selfmonitor/secrets/user/{username,password}
#   @@pod-host@@                 this pod's address (POD_IP), an IPv6 one in brackets
#   @@pod-dashed@@               the same with dashes, the first label of the pod's DNS name: 10-1-2-3
#   @@file:/a/b@@                the content of that file: the password of a login or of a key store
#
# If LOGIN_FOLDER is set, the server requires a login. The script then writes the users to the file `users` beside OUTPUT, one line each:
# `name=password` and the role LOGIN_ROLE. The first user is the username and password in LOGIN_FOLDER; each file in
# /etc/selfmonitor/secrets/users is one more, with the file's name as user name and its content as password. rest-probe.sh reads the
# file `probe-login`.
set -eu
umask 077

template=$1
output=$2
secret=${SECRET_FOLDER:-/etc/selfmonitor/secrets/user}

fail() {
  echo "component-init: $1" >&2
  exit 1
}

# Puts a \ before every \ and " of the text.
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

# A value of the Secret, escaped for a quoted string in a JAAS line in the file. The JAAS parser removes one level of \, and the
# properties parser (or YAML in double quotes) another. Both treat \\ and \" alike, so the text is escaped twice for either format.
secret_value() {
  file=$secret/$1
  [ -r "$file" ] || fail "$file is missing: the Secret of this account must have the key $1"
  value=$(cat "$file")
  [ -n "$value" ] || fail "$file is empty: set the key $1 in the Secret of this account"
  case $value in
    *[!\ -~]*) fail "$file has a line break or a character that is not printable ASCII: choose another $1" ;;
  esac
  escape "$(escape "$value")"
}

# plain_value FILE: a value that is inserted without escaping. Fails for a line break, and for characters that a properties file, YAML, a
# list of roles or Jetty would interpret.
plain_value() {
  [ -r "$1" ] || fail "$1 is missing: the Secret that is mounted there must have the key ${1##*/}"
  value=$(cat "$1")
  case $value in
    '') fail "$1 is empty: set the key ${1##*/} in its Secret" ;;
    *[!!-~]* | *['"\,$']*) fail "$1 has a space, a line break, one of \" \\ , \$ or a character that is not ASCII: choose another value for the key ${1##*/} of its Secret" ;;
    OBF:* | MD5:* | CRYPT:*) fail "$1 begins with OBF:, MD5: or CRYPT:, which Jetty reads as another form of a password: choose another" ;;
  esac
  printf '%s' "$value"
}

# user NAME FILE: a line of the file of users.
user() {
  case $1 in
    *[!A-Za-z0-9._-]*) fail "\"$1\" is not a user name that every server accepts: use letters, digits, \".\", \"_\" and \"-\" in the keys of the Secret" ;;
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
    [ "${file##*/}" != "$own" ] || fail "$file: the clients of this release use the name $own: choose another name"
    user "${file##*/}" "$file" >> "$folder/users"
  done
  printf 'Basic %s' "$(printf '%s:%s' "$own" "$own_password" | base64 -w 0)" > "$folder/probe-login"
fi

# Written to a temporary file first, so that a pod that dies here does not leave half a configuration.
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
