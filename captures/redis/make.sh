#!/usr/bin/env bash
# Makes the Redis captures: resp2.pcapng and resp3.pcapng (redis-server and the Python library redis).
# Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump redis-server redis-server
need_py redis

space wsguest
space wscafe
cable wsguest eth0 00:00:5e:00:53:0a wscafe eth0 00:00:5e:00:53:50
ip -n wl-wsguest addr add 192.0.2.10/24 dev eth0
ip -n wl-wscafe addr add 192.0.2.80/24 dev eth0

start wscafe redis-server --bind 192.0.2.80 --protected-mode no --save "" --dir "$WORK"
listening wscafe 6379
for group in resp2 resp3; do
    sniff wsguest eth0 "$WORK/$group.pcap" tcp
    inside wsguest "$PY" visit.py $group "$HERE/$group.truth.json"
    hush
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "Redis: $group"
done
