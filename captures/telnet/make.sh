#!/usr/bin/env bash
# Makes login.pcapng with inetutils-telnetd and Python's telnetlib (3.12 or older). Usage: sudo ./make.sh; TELNETD names the server where it is not on the path.

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
TELNETD=${TELNETD:-telnetd}
need ip iproute2 ethtool ethtool tcpdump tcpdump "$TELNETD" inetutils-telnetd

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:17
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.25/24 dev eth0
cat > "$WORK/till" <<'S'
#!/bin/sh
printf 'Harbour till\nlogin: '; read name
stty -echo; printf 'Password: '; read word; stty echo
printf '\nWelcome, %s.\n$ ' "$name"
while read line; do case $line in quit) echo Bye.; exit;; *) echo "No cake called $line."; printf '$ ';; esac; done
S
chmod +x "$WORK/till"
start cafe "$PY" -c "
import os, socket
s = socket.create_server(('192.0.2.25', 23))
while True:
    c, _ = s.accept()
    if os.fork() == 0:
        for n in range(3): os.dup2(c.fileno(), n)
        os.execv('$(command -v "$TELNETD")', ['telnetd', '-h', '-E', '$WORK/till'])
"
listening cafe 23
sniff guest eth0 "$WORK/login.pcap" tcp
inside guest "$PY" visit.py 192.0.2.25
hush
"$PY" -c "
import pcapfile, sys
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment='Telnet', app='captures/telnet/make.sh')" "$WORK/login.pcap" "$HERE/login.pcapng"
