#!/usr/bin/env bash
# Makes the QUIC and HTTP/3 captures: one scene a file, both ends by talk.py (aioquic). Usage: sudo ./make.sh [SCENE...]

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump openssl openssl
need_py aioquic

space qguest
space qcafe
space qfar
cable qguest eth0 00:00:5e:00:53:0a qcafe eth0 00:00:5e:00:53:50
ip -n wl-qguest addr add 192.0.2.10/24 dev eth0
ip -n wl-qcafe addr add 192.0.2.80/24 dev eth0
long_cable qfar eth0 00:00:5e:00:53:0b qcafe eth1 00:00:5e:00:53:51 qwire --delay 15 --loss 0.06 --dup 0.02 --swap 0.04 --seed 7
ip -n wl-qfar addr add 192.0.2.11/24 dev eth0
ip -n wl-qcafe route add 192.0.2.11/32 dev eth1
inside qcafe sysctl -qw net.ipv4.conf.all.arp_filter=0 net.ipv4.conf.all.rp_filter=0

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=www.cafe.test" \
    -addext "subjectAltName=DNS:www.cafe.test" -keyout "$WORK/www.key" -out "$WORK/www.crt" 2>/dev/null
start qcafe "$PY" talk.py serve "$WORK/www.crt" "$WORK/www.key"
sleep 2

for scene in ${*:-page keys resume retry second chacha lossy}; do
    from=qguest
    OUT=$HERE
    case $scene in page | lossy) OUT=$HERE/../http3 ;; esac
    [ "$scene" != lossy ] || from=qfar
    rm -f "$WORK/keys"
    sniff $from eth0 "$WORK/$scene.pcap" udp
    inside $from "$PY" talk.py visit "$scene" "$WORK/keys" "$OUT/$scene.truth.json"
    hush
    "$PY" - "$WORK/$scene.pcap" "$OUT/$scene.pcapng" "QUIC: $scene" "$WORK/keys" <<'P'
import sys, pcapfile
raw, out, comment, keys = sys.argv[1:]
pcapfile.write_pcapng(out, pcapfile.read_pcap(raw), comment=comment, app="captures/quic/make.sh", keys=open(keys, "rb").read())
P
done
