#!/usr/bin/env bash
# Makes the WebSocket captures: chat, deflate, wss, lossy (talk.py on both ends) and http2 (hypercorn and h2talk.py).
# Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump openssl openssl
need_py websockets wsproto h2 hypercorn

space wsguest
space wscafe
space wsfar
cable wsguest eth0 00:00:5e:00:53:0a wscafe eth0 00:00:5e:00:53:50
ip -n wl-wsguest addr add 192.0.2.10/24 dev eth0
ip -n wl-wscafe addr add 192.0.2.80/24 dev eth0
long_cable wsfar eth0 00:00:5e:00:53:0b wscafe eth1 00:00:5e:00:53:51 wswire --delay 15 --loss 0.06 --dup 0.02 --swap 0.04 --seed 7
ip -n wl-wsfar addr add 192.0.2.11/24 dev eth0
ip -n wl-wscafe route add 192.0.2.11/32 dev eth1
inside wscafe sysctl -qw net.ipv4.conf.all.arp_filter=0 net.ipv4.conf.all.rp_filter=0

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.cafe.test" \
    -keyout "$WORK/www.key" -out "$WORK/www.crt" 2>/dev/null
chmod a+r "$WORK"/www.*
CERT="$WORK/www.crt" KEY="$WORK/www.key" start wscafe "$PY" talk.py serve
start wscafe "$PY" -m hypercorn --bind 192.0.2.80:8082 --access-logfile /dev/null h2talk:app
listening wscafe 80 443 8080 8082

for group in chat deflate wss; do
    export SSLKEYLOGFILE="$WORK/keys"
    : >"$SSLKEYLOGFILE"
    sniff wsguest eth0 "$WORK/$group.pcap" tcp
    inside wsguest "$PY" talk.py visit $group "$HERE/$group.truth.json"
    hush
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "WebSocket: $group" "$SSLKEYLOGFILE"
done
unset SSLKEYLOGFILE
sniff wsguest eth0 "$WORK/http2.pcap" tcp
inside wsguest "$PY" h2talk.py "$HERE/http2.truth.json"
hush
finish "$WORK/http2.pcap" "$HERE/http2.pcapng" "WebSocket: over HTTP/2"
sniff wsfar eth0 "$WORK/lossy.pcap" tcp
inside wsfar "$PY" talk.py visit lossy "$HERE/lossy.truth.json"
hush
finish "$WORK/lossy.pcap" "$HERE/lossy.pcapng" "WebSocket: over a line that loses packets"
