#!/usr/bin/env bash
# Makes records.pcapng (BIND answers dig, UDP and TCP), mdns.pcapng (multicast DNS) and broken.pcapng (messages that no
# server would send), each with its truth. Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump named bind9 dig bind9-dnsutils nsupdate bind9-dnsutils tshark tshark

space guest
space dns
cable guest eth0 00:00:5e:00:53:0a dns eth0 00:00:5e:00:53:35
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-dns addr add 192.0.2.53/24 dev eth0
ip -n wl-guest addr add 2001:db8::10/64 dev eth0 nodad
ip -n wl-dns addr add 2001:db8::53/64 dev eth0 nodad
ip -n wl-guest route add 224.0.0.0/4 dev eth0
ip -n wl-dns route add 224.0.0.0/4 dev eth0

"$PY" zones.py "$WORK"
chmod -R a+rwX "$WORK"
start dns named -g -4 -c "$WORK/named.conf" -u root
listening dns 53
for _ in $(seq 50); do inside guest dig +short +dnssec @192.0.2.53 cafe.test SOA | grep -q SOA && break; sleep 0.2; done

sniff guest eth0 "$WORK/raw.pcap" udp or tcp
inside guest "$PY" ask.py "$WORK" >"$HERE/records.truth.json"
hush
"$PY" - "$WORK/raw.pcap" "$HERE/records.pcapng" <<'P'
import sys, pcapfile
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment="DNS record types: BIND 9 answers dig", app="captures/dns/make.sh")
P

sniff guest eth0 "$WORK/mdns.pcap" udp port 5353
start dns "$PY" mdns.py answer "$WORK/mdns.truth.json"
sleep 0.5
inside guest "$PY" mdns.py ask "$WORK/mdns.truth.json"
sleep 1
hush
cp "$WORK/mdns.truth.json" "$HERE/mdns.truth.json"
"$PY" - "$WORK/mdns.pcap" "$HERE/mdns.pcapng" <<'P'
import sys, pcapfile
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment="Multicast DNS: announce, browse, known answer, goodbye", app="captures/dns/make.sh")
P
"$PY" broken.py "$HERE/broken.pcapng"
