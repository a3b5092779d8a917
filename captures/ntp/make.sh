#!/usr/bin/env bash
# Makes the NTP capture: chronyd serves its own clock to another chronyd. Nobody's clock is changed (-x). Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump chronyd chrony

space nguest
space ncafe
cable nguest eth0 00:00:5e:00:53:0a ncafe eth0 00:00:5e:00:53:03
ip -n wl-nguest addr add 192.0.2.10/24 dev eth0
ip -n wl-ncafe addr add 192.0.2.3/24 dev eth0
printf 'local stratum 3\nallow\ncmdport 0\npidfile %s/s.pid\nkeyfile %s/keys\nbindcmdaddress /\n' "$WORK" "$WORK" >"$WORK/server.conf"
printf 'server 192.0.2.3 iburst minpoll 0 maxpoll 0\nserver 192.0.2.3 key 7 port 123 minpoll 0 maxpoll 0 iburst\ncmdport 0\npidfile %s/c.pid\nkeyfile %s/keys\nbindcmdaddress /\n' "$WORK" "$WORK" >"$WORK/client.conf"
printf '7 SHA1 HEX:00112233445566778899AABBCCDDEEFF00112233\n' >"$WORK/keys"
chmod -R a+rX "$WORK"
start ncafe chronyd -d -x -u root -f "$WORK/server.conf"
sleep 1
sniff nguest eth0 "$WORK/clock.pcap" udp
inside nguest timeout 8 chronyd -d -x -u root -t 6 -f "$WORK/client.conf" >>"$WORK/servers.log" 2>&1 || true
hush
"$PY" - "$WORK/clock.pcap" "$HERE/clock.pcapng" <<'P'
import sys, pcapfile
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment="NTP: a clock asked for the time", app="captures/ntp/make.sh")
P
