#!/usr/bin/env bash
# Makes the JSON capture: bodies.pcapng (a small Python server, curl).
# Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump curl curl

space wsguest
space wscafe
cable wsguest eth0 00:00:5e:00:53:0a wscafe eth0 00:00:5e:00:53:50
ip -n wl-wsguest addr add 192.0.2.10/24 dev eth0
ip -n wl-wscafe addr add 192.0.2.80/24 dev eth0

start wscafe "$PY" serve.py
listening wscafe 80
sniff wsguest eth0 "$WORK/bodies.pcap" tcp
for name in menu lines problem deep faults cut; do
    inside wsguest curl -sS --max-time 5 --compressed "http://192.0.2.80/$name" >/dev/null || true
done
inside wsguest curl -sS --json '{"name":"Mara","table":4,"wishes":["window","quiet"],"note":"caf\u00e9"}' http://192.0.2.80/order >/dev/null
hush
finish "$WORK/bodies.pcap" "$HERE/bodies.pcapng" "JSON: bodies"
