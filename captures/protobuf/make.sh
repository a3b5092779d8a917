#!/usr/bin/env bash
# Makes bodies.pcapng: protobuf bodies over HTTP/1.1, written by Google's library from types that come with it. Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump curl curl
need_py google.protobuf

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.80/24 dev eth0
start cafe "$PY" bodies.py serve
listening cafe 80

sniff guest eth0 "$WORK/bodies.pcap" tcp
inside guest "$PY" bodies.py visit "$HERE/bodies.truth.json"
hush
"$PY" - "$WORK/bodies.pcap" "$HERE/bodies.pcapng" <<'P'
import sys, pcapfile
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment="protobuf bodies", app="captures/protobuf/make.sh")
P
