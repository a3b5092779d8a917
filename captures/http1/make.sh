#!/usr/bin/env bash
# Makes the HTTP/1 captures: everyday.pcapng (nginx and curl), proxy.pcapng (tinyproxy between them), and codings, framing,
# headers, smuggling.pcapng (cases.py, spoken byte by byte over real TCP). Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump nginx nginx-light curl curl tinyproxy tinyproxy openssl openssl
need_py brotli zstandard

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
for a in 80 81 88; do ip -n wl-cafe addr add 192.0.2.$a/24 dev eth0; done

start cafe "$PY" odd.py serve
mkdir -p "$WORK/www/up"
"$PY" everyday.py prepare "$WORK"
chmod -R a+rwX "$WORK"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.cafe.test" \
    -addext "subjectAltName=DNS:www.cafe.test" -keyout "$WORK/www.key" -out "$WORK/www.crt" 2>/dev/null
start cafe nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx.log"
start cafe tinyproxy -d -c "$WORK/tinyproxy.conf"
listening cafe 80 443 8888

for group in codings framing headers smuggling; do
    sniff guest eth0 "$WORK/$group.pcap" tcp port 80
    inside guest "$PY" odd.py visit $group "$HERE/$group.truth.json"
    hush
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "HTTP/1: $group"
done
for group in everyday proxy; do
    rm -f "$WORK/keys"
    sniff guest eth0 "$WORK/$group.pcap" tcp
    SSLKEYLOGFILE="$WORK/keys" inside guest "$PY" everyday.py $group "$WORK" "$HERE/$group.truth.json"
    hush
    touch "$WORK/keys"
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "HTTP/1: $group" "$WORK/keys"
done
