#!/bin/sh
# Writes the configuration of Alertmanager. Lines between `#begin KEY` and `#end` stay only if the Secret has KEY, so that a release
# without credentials starts, and a receiver without one does not fail at every alert. It prints what is missing and what to do.
#
#   alertmanager-init.sh TEMPLATE OUTPUT
#
# Credentials are not written: Alertmanager reads them from the files of the Secret (SECRET_NAME), mounted at SECRET_FOLDER.
set -eu

template=$1
output=$2
folder=${SECRET_FOLDER:-/etc/selfmonitor/secrets/alertmanager}

keep=yes
used=
missing=
: > "$output.partial"
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    *'#begin '*)
      key=${line##*'#begin '}
      if [ -s "$folder/$key" ]; then
        case " $used " in *" $key "*) ;; *) used="$used $key" ;; esac
      else
        keep=no
        case " $missing " in *" $key "*) ;; *) missing="$missing $key" ;; esac
      fi
      ;;
    *'#end') keep=yes ;;
    *) [ "$keep" = no ] || printf '%s\n' "$line" >> "$output.partial" ;;
  esac
done < "$template"
mv "$output.partial" "$output"

if [ -n "$used" ]; then
  echo "alertmanager-init: alerts are sent by:$used"
else
  echo 'alertmanager-init: WARNING: alerts are sent nowhere; they are only shown in Alertmanager and Grafana' >&2
fi
if [ -n "$missing" ]; then
  echo "alertmanager-init: Secret ${SECRET_NAME:-} has no key$missing. Add the keys that you want, then restart this StatefulSet" >&2
fi
