#!/usr/bin/env bash
# Makes the captures of links, tunnels, fragments and control messages. What this kernel can do is real traffic (VXLAN,
# fragments, ICMP, NDP, IGMP, MLD, cooked links); wrap.py puts real inner packets into the tunnels it cannot make.
# Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump ping iputils-ping dnsmasq dnsmasq-base curl curl

finish() { # RAW OUT COMMENT [LINK]
    "$PY" - "$@" <<'P'
import sys, pcapfile
raw, out, comment, *link = sys.argv[1:]
pcapfile.write_pcapng(out, pcapfile.read_pcap(raw), comment=comment, app="captures/net/make.sh", link=int(link[0]) if link else 1)
P
}

space guest
space router
space cafe
cable guest eth0 00:00:5e:00:53:0a router wifi0 00:00:5e:00:53:01
cable cafe eth0 00:00:5e:00:53:50 router lan0 00:00:5e:00:53:02
ip -n wl-guest addr add 192.0.2.10/26 dev eth0
ip -n wl-router addr add 192.0.2.1/26 dev wifi0
ip -n wl-router addr add 2001:db8:1::1/64 dev wifi0 nodad
ip -n wl-router addr add 192.0.2.65/26 dev lan0
ip -n wl-router addr add 2001:db8:2::1/64 dev lan0 nodad
ip -n wl-cafe addr add 192.0.2.80/26 dev eth0
ip -n wl-cafe addr add 2001:db8:2::80/64 dev eth0 nodad
inside router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
ip -n wl-guest route add default via 192.0.2.1
ip -n wl-guest route add 224.0.0.0/4 dev eth0
ip -n wl-cafe route add default via 192.0.2.65
ip -n wl-cafe -6 route add default via 2001:db8:2::1
second_network() { # NAME, its MAC's end, its address, its peer's address, the last number of its inner addresses
    ip -n "wl-$1" link add vx0 address "02:00:5e:00:53:$2" type vxlan id 42 dstport 4789 dev eth0 local "$3" remote "$4"
    inside "$1" ethtool -K vx0 rx off tx off tso off gso off gro off >/dev/null 2>&1 || true
    ip -n "wl-$1" link set vx0 mtu 1450 up
    ip -n "wl-$1" addr add "198.51.100.$5/24" dev vx0
    ip -n "wl-$1" addr add "2001:db8:9::$5/64" dev vx0 nodad
}
second_network guest 1a 192.0.2.10 192.0.2.80 10 # inside VXLAN
second_network cafe 1b 192.0.2.80 192.0.2.10 80
start cafe "$PY" inner.py serve
listening cafe 80
sleep 2

# One small session, seen twice: inside VXLAN on the wire, and as it is inside (which wrap.py then wraps in other ways).
sniff guest eth0 "$WORK/vxlan.pcap" udp port 4789
OUTER=$SNIFFER
sniff guest vx0 "$WORK/inner.pcap"
inside guest "$PY" inner.py visit "$HERE/inner.truth.json"
hush
SNIFFER=$OUTER
hush
finish "$WORK/vxlan.pcap" "$HERE/vxlan.pcapng" "A session inside VXLAN, network 42"

# The any device: cooked links of both versions, both directions of each packet's way.
for v in SLL SLL2; do
    ip netns exec wl-guest tcpdump -Z root -i any -y LINUX_$v -U --immediate-mode --time-stamp-precision=nano -w "$WORK/$v.pcap" "host 198.51.100.80 or host 2001:db8:9::80" 2>/dev/null &
    SNIFFER=$!
    sleep 1
    inside guest "$PY" inner.py visit /dev/null
    hush
done
finish "$WORK/SLL.pcap" "$HERE/sll.pcapng" "The any device, cooked v1" 113
finish "$WORK/SLL2.pcap" "$HERE/sll2.pcapng" "The any device, cooked v2" 276

# Control messages: router advertisements, neighbours, groups, errors, options.
cat >"$WORK/ra.conf" <<'C'
port=0
enable-ra
interface=wifi0
dhcp-range=2001:db8:1::,ra-only,64,300
ra-param=wifi0,high,3,300
user=root
pid-file
C
sniff guest eth0 "$WORK/control.pcap" not udp port 4789
start router dnsmasq --keep-in-foreground --conf-file="$WORK/ra.conf" --dhcp-leasefile="$WORK/leases"
sleep 1
inside guest sysctl -qw net.ipv6.conf.eth0.autoconf=1 net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.eth0.router_solicitations=3
ip -n wl-guest link set eth0 down
ip -n wl-guest link set eth0 up
ip -n wl-guest route replace default via 192.0.2.1
sleep 6
inside guest "$PY" groups.py
inside guest ping -n -c 1 -W 1 192.0.2.80 >/dev/null || true
inside guest ping -n -c 1 -W 1 -R 192.0.2.80 >/dev/null || true            # record route
inside guest ping -n -c 1 -W 1 -T tsandaddr 192.0.2.80 >/dev/null || true  # timestamps
inside guest ping -n -c 1 -W 1 -t 1 192.0.2.80 >/dev/null || true          # time exceeded
inside guest ping -n -c 1 -W 1 203.0.113.9 >/dev/null || true              # network unreachable
inside guest ping -n -c 1 -W 2 2001:db8:2::80 >/dev/null || true
inside guest ping -n -c 1 -W 1 -t 1 2001:db8:2::80 >/dev/null || true
inside guest ping -n -c 1 -W 1 2001:db8:ffff::1 >/dev/null || true
inside guest "$PY" -c "
import socket
for f, a in ((socket.AF_INET, '192.0.2.80'), (socket.AF_INET6, '2001:db8:2::80')):
    s = socket.socket(f, socket.SOCK_DGRAM)
    s.connect((a, 33434))
    s.send(b'is this port open?')
"
ip -n wl-router link set lan0 mtu 1300
inside guest ping -n -c 1 -W 1 -M do -s 1400 192.0.2.80 >/dev/null || true  # fragmentation needed
inside guest ping -n -c 1 -W 1 -M do -s 1400 2001:db8:2::80 >/dev/null || true # packet too big
inside guest ping -n -b -c 1 -W 1 192.0.2.63 >/dev/null 2>&1 || true
ip -n wl-router link set lan0 mtu 1500
hush
finish "$WORK/control.pcap" "$HERE/control.pcapng" "ARP, NDP, router advertisements, IGMP, MLD, ICMP errors and options"

# Fragments, by the kernel.
ip -n wl-guest route flush cache
ip -n wl-guest -6 route flush cache
sniff guest eth0 "$WORK/fragments.pcap" "icmp or icmp6 or udp port 7 or ip[6:2] & 0x1fff != 0 or ip6 proto 44"
inside guest ping -n -c 2 -i 0.3 -W 1 -s 4000 192.0.2.80 >/dev/null || true
inside guest ping -n -c 2 -i 0.3 -W 1 -s 4000 2001:db8:2::80 >/dev/null || true
inside guest "$PY" inner.py big
hush
finish "$WORK/fragments.pcap" "$HERE/fragments.pcapng" "Fragments of ICMP and UDP, IPv4 and IPv6, by two kernels"
"$PY" wrap.py "$WORK/inner.pcap" "$HERE"
