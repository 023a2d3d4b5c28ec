#!/bin/sh
# api.conf for SERVER_NAME in place of api.example.com; the image runs this before it starts nginx.
set -eu

case $SERVER_NAME in
    *[!A-Za-z0-9.-]* | "") echo "SERVER_NAME must be a host name" >&2; exit 1 ;;
esac
# TEMPLATES and CONF are for trying it elsewhere.
templates=${TEMPLATES:-/etc/nginx/templates/quartermaster}
conf=${CONF:-/etc/nginx/conf.d}
sed "s/api\.example\.com/$SERVER_NAME/g" "$templates/api.conf" >"$conf/api.conf"
cp "$templates/upstream.conf" "$conf/upstream.conf"
