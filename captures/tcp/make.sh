#!/usr/bin/env bash
# Makes the TCP captures. Real ones by two kernels and a bad wire: lossy-client, lossy-server, windows, ends. Scripted ones
# by scripted.py, which needs neither root nor network. Usage: sudo ./make.sh      or: python3 scripted.py .

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump nft nftables

space guest
space cafe
long_cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:50 town --delay 5 --loss 0.06 --dup 0.03 --swap 0.06 --seed 11
space hall
cable guest eth1 00:00:5e:00:53:0b hall eth0 00:00:5e:00:53:51
ip -n wl-guest addr add 192.0.2.10/25 dev eth0
ip -n wl-cafe addr add 192.0.2.80/25 dev eth0
ip -n wl-guest addr add 192.0.2.130/25 dev eth1
ip -n wl-hall addr add 192.0.2.200/25 dev eth0
inside hall sysctl -qw net.ipv4.tcp_fastopen=3
inside guest sysctl -qw net.ipv4.tcp_fastopen=3
start cafe "$PY" trouble.py serve 192.0.2.80
start hall "$PY" trouble.py serve 192.0.2.200
listening cafe 7077
listening hall 7077

# The same connections seen from both ends of the bad wire.
sniff guest eth0 "$WORK/lossy-client.pcap" tcp
CLIENT=$SNIFFER
sniff cafe eth0 "$WORK/lossy-server.pcap" tcp
inside guest "$PY" trouble.py lossy 192.0.2.80 "$HERE/lossy.truth.json"
hush
SNIFFER=$CLIENT
hush
finish "$WORK/lossy-client.pcap" "$HERE/lossy-client.pcapng" "Lost, doubled and swapped segments, seen by the client"
finish "$WORK/lossy-server.pcap" "$HERE/lossy-server.pcapng" "The same connections, seen by the server"

sniff guest eth1 "$WORK/windows.pcap" tcp
inside guest "$PY" trouble.py windows 192.0.2.200 "$HERE/windows.truth.json"
hush
finish "$WORK/windows.pcap" "$HERE/windows.pcapng" "Zero windows and their probes, keep-alives, urgent data, data in the SYN"

sniff guest eth1 "$WORK/ends.pcap" tcp or icmp
inside guest "$PY" trouble.py ends 192.0.2.200 "$HERE/ends.truth.json"
# A server that forgets: its farewell is lost, then the client speaks again and is told RST.
start hall "$PY" trouble.py serve 192.0.2.200 7900
FORGETFUL=$!
listening hall 7900
inside guest "$PY" trouble.py forgotten 192.0.2.200 &
FORGET=$!
sleep 1
inside hall nft -f - <<<'table inet wl { chain o { type filter hook output priority 0; tcp sport 7900 drop; }; }'
kill -KILL "$FORGETFUL"
sleep 1.2
inside hall nft delete table inet wl
wait "$FORGET"
hush
finish "$WORK/ends.pcap" "$HERE/ends.pcapng" "Ways to end: FIN, half close, RST, refused, forgotten, the same ports again"
"$PY" scripted.py "$HERE"
