#!/usr/bin/env bash
# Makes the PostgreSQL captures: queries.pcapng and tls.pcapng (postgres and the Python library psycopg).
# Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -1)
need ip iproute2 ethtool ethtool tcpdump tcpdump initdb postgresql openssl openssl runuser util-linux
need_py psycopg

space wsguest
space wscafe
cable wsguest eth0 00:00:5e:00:53:0a wscafe eth0 00:00:5e:00:53:50
ip -n wl-wsguest addr add 192.0.2.10/24 dev eth0
ip -n wl-wscafe addr add 192.0.2.80/24 dev eth0

mkdir "$WORK/data"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=db.cafe.test" \
    -keyout "$WORK/db.key" -out "$WORK/db.crt" 2>/dev/null
chmod 600 "$WORK/db.key"
chown -R postgres "$WORK/data" "$WORK"/db.*
echo plum >"$WORK/password"
chmod a+r "$WORK/password"
runuser -u postgres -- "$(command -v initdb)" -D "$WORK/data" -U mara -A scram-sha-256 --pwfile="$WORK/password" --no-sync >/dev/null
echo "host all all 192.0.2.0/24 scram-sha-256" >>"$WORK/data/pg_hba.conf"
start wscafe runuser -u postgres -- "$(command -v postgres)" -D "$WORK/data" -h 192.0.2.80 -k "$WORK/data" -c fsync=off \
    -c ssl=on -c ssl_cert_file="$WORK/db.crt" -c ssl_key_file="$WORK/db.key"
listening wscafe 5432
sleep 1
for group in queries tls; do
    sniff wsguest eth0 "$WORK/$group.pcap" tcp
    inside wsguest "$PY" visit.py $group "$HERE/$group.truth.json"
    hush
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "PgSQL: $group"
done
