#!/usr/bin/env bash
# Makes the SIP captures: SIPp calls SIPp, over UDP and over TCP. Usage: sudo ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump sipp sip-tester

space sguest
space scafe
cable sguest eth0 00:00:5e:00:53:0a scafe eth0 00:00:5e:00:53:60
ip -n wl-sguest addr add 192.0.2.10/24 dev eth0
ip -n wl-scafe addr add 192.0.2.60/24 dev eth0
for t in udp tcp; do
    mode=u1
    [ $t = udp ] || mode=t1
    start scafe sipp -sn uas -i 192.0.2.60 -p 5060 -t $mode -nostdin
    sleep 1
    sniff sguest eth0 "$WORK/$t.pcap"
    (cd "$WORK" && inside sguest sipp -sn uac -i 192.0.2.10 -p 5061 -t $mode -m 3 -r 2 -d 200 -nostdin 192.0.2.60:5060 >>"$WORK/servers.log" 2>&1) || true
    hush
    kill "${PIDS[-1]}"
    "$PY" - "$WORK/$t.pcap" "$HERE/$t.pcapng" "$t" <<'P'
import sys, pcapfile
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment="SIP: three calls over " + sys.argv[3], app="captures/sip/make.sh")
P
done
