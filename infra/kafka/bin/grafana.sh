#!/bin/sh
# Starts Grafana. The first start generates the password of user admin into its volume; no password is in a file of the repository.
set -eu
umask 077

file=/var/lib/grafana/admin-password
if [ ! -s "$file" ]; then
  # 24 characters of base64.
  head -c 18 /dev/urandom | base64 > "$file.partial"
  mv "$file.partial" "$file"
fi
echo "grafana: user admin; the password is in $file (docker compose … exec grafana cat $file)"
export GF_SECURITY_ADMIN_PASSWORD__FILE="$file"
exec /run.sh
