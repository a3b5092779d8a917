#!/usr/bin/env bash
# Makes the DHCP capture: dnsmasq hands out addresses, udhcpc asks for them. Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump dnsmasq dnsmasq-base udhcpc udhcpc

space dguest
space dcafe
cable dguest eth0 00:00:5e:00:53:0a dcafe eth0 00:00:5e:00:53:01
ip -n wl-dcafe addr add 192.0.2.1/24 dev eth0
start dcafe dnsmasq --keep-in-foreground --port=0 --user=root --dhcp-leasefile="$WORK/leases" --interface=eth0 --bind-interfaces --no-ping \
    --dhcp-range=192.0.2.50,192.0.2.60,2m --dhcp-option=option:dns-server,192.0.2.1,192.0.2.2 --dhcp-option=option:domain-name,cafe.test \
    --dhcp-option=option:ntp-server,192.0.2.3 --dhcp-option=121,198.51.100.0/24,192.0.2.9,0.0.0.0/0,192.0.2.1 --dhcp-option=option:mtu,1400
sleep 1
printf '#!/bin/sh\n[ "$1" != bound ] || ip addr add "$ip/24" dev eth0\n' >"$WORK/script"
chmod +x "$WORK/script"
sniff dguest eth0 "$WORK/lease.pcap" udp
ask() { inside dguest udhcpc -i eth0 -n -q -f -s "$WORK/script" "$@" >>"$WORK/servers.log" 2>&1 || true; }
# A lease, given back; one with a name and a wish; one from a network that is not there.
ask -R
ask -R -x hostname:kettle -V "toy 1.0" -r 192.0.2.57
ask -t 1 -T 1 -r 203.0.113.9
hush
"$PY" - "$WORK/lease.pcap" "$HERE/lease.pcapng" <<'P'
import sys, pcapfile
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment="DHCP: addresses asked for, given and given back", app="captures/dhcp/make.sh")
P
