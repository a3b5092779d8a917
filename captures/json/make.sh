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

finish() { # RAW OUT COMMENT [KEYS]
    "$PY" - "$@" <<'P'
import sys, pcapfile
raw, out, comment = sys.argv[1:4]
keys = b"".join(x for x in open(sys.argv[4], "rb") if not x.startswith(b"#")) if len(sys.argv) > 4 else b""
pcapfile.write_pcapng(out, pcapfile.read_pcap(raw), comment=comment, app="captures/" + comment.split(":")[0].lower() + "/make.sh", keys=keys)
P
}

start wscafe "$PY" serve.py
listening wscafe 80
sniff wsguest eth0 "$WORK/bodies.pcap" tcp
for name in menu lines problem deep faults cut; do
    inside wsguest curl -sS --max-time 5 --compressed "http://192.0.2.80/$name" >/dev/null || true
done
inside wsguest curl -sS --json '{"name":"Mara","table":4,"wishes":["window","quiet"],"note":"caf\u00e9"}' http://192.0.2.80/order >/dev/null
hush
finish "$WORK/bodies.pcap" "$HERE/bodies.pcapng" "JSON: bodies"
