#!/usr/bin/env bash
# Makes ../tour.pcapng: a guest with a laptop visits a café's web site, files, mail and chat. Real servers (dnsmasq,
# nginx, vsftpd, aiosmtpd, websockets) answer real clients (curl, dig, ping, ftplib, smtplib, websockets) across three
# network namespaces: guest - router - cafe. The sniffer sits on the guest's end of the wire.
# Usage: sudo ./make.sh [OUT.pcapng]       (PYTHON=/path/to/venv/bin/python chooses the Python)

cd "$(dirname "$0")" || exit 1
HERE=$PWD
OUT=${1:-$HERE/../tour.pcapng}
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump dnsmasq dnsmasq-base nginx nginx-light vsftpd vsftpd curl curl \
    dig bind9-dnsutils ping iputils-ping openssl openssl tshark tshark
need_py websockets aiosmtpd

# The network: documentation addresses (RFC 5737, RFC 3849) and documentation MACs (RFC 7042).
space guest
space router
space cafe
cable guest eth0 00:00:5e:00:53:0a router wifi0 00:00:5e:00:53:01
long_cable cafe eth0 00:00:5e:00:53:50 router lan0 00:00:5e:00:53:02 town --delay 6 # the café is some streets away
ip -n wl-guest addr add 192.0.2.10/26 dev eth0
ip -n wl-guest addr add 2001:db8:1::10/64 dev eth0 nodad
ip -n wl-router addr add 192.0.2.1/26 dev wifi0
ip -n wl-router addr add 2001:db8:1::1/64 dev wifi0 nodad
ip -n wl-router addr add 192.0.2.65/26 dev lan0
ip -n wl-router addr add 2001:db8:2::1/64 dev lan0 nodad
for a in 80 90 100; do ip -n wl-cafe addr add 192.0.2.$a/26 dev eth0; done
ip -n wl-cafe addr add 2001:db8:2::80/64 dev eth0 nodad
inside router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip -n wl-guest route add default via 192.0.2.1
ip -n wl-guest -6 route add default via 2001:db8:1::1
ip -n wl-cafe route add default via 192.0.2.65
ip -n wl-cafe -6 route add default via 2001:db8:2::1
resolver guest 192.0.2.1

# The servers.
"$PY" site.py "$WORK"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/O=Cafe Test/CN=Cafe Test Root" \
    -keyout "$WORK/root.key" -out "$WORK/root.crt" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=Cafe Test/CN=www.cafe.test" -keyout "$WORK/www.key" 2>/dev/null |
    openssl x509 -req -CA "$WORK/root.crt" -CAkey "$WORK/root.key" -CAcreateserial -days 3000 -out "$WORK/www.crt" \
        -extfile <(echo "subjectAltName=DNS:www.cafe.test,DNS:api.cafe.test") 2>/dev/null
cat "$WORK/root.crt" >>"$WORK/www.crt"
start router dnsmasq --keep-in-foreground --conf-file="$WORK/dnsmasq.conf"
start router "$PY" printer.py
start cafe nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx.log"
start cafe vsftpd "$WORK/vsftpd.conf"
start cafe "$PY" server.py "$WORK"
listening router 53
listening cafe 80 443 21 25 9000 9001
sleep 2 # link-local addresses settle, multicast reports go by

# The visit.
ip -n wl-guest neigh flush dev eth0
ip -n wl-router neigh flush dev wifi0
sniff guest eth0 "$WORK/raw.pcap"
SSLKEYLOGFILE='' inside guest "$PY" visit.py "$WORK"
hush

"$PY" finish.py "$WORK" "$OUT" "$HERE/tour.story.toml"
cp "$WORK/truth.json" "$HERE/tour.truth.json"
