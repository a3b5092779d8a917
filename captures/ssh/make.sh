#!/usr/bin/env bash
# Makes command.pcapng with dropbear and OpenSSH's client. Usage: sudo ./make.sh
# DROPBEAR and DROPBEARKEY name the programs where they are not on the path.

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
DROPBEAR=${DROPBEAR:-dropbear} DROPBEARKEY=${DROPBEARKEY:-dropbearkey}
need ip iproute2 ethtool ethtool tcpdump tcpdump ssh openssh-client "$DROPBEAR" dropbear-bin "$DROPBEARKEY" dropbear-bin

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:16
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.26/24 dev eth0
mkdir -p -m 700 "$WORK/cottage/.ssh"
ssh-keygen -q -t ed25519 -N '' -C guest -f "$WORK/key"
cp "$WORK/key.pub" "$WORK/cottage/.ssh/authorized_keys"
chmod 600 "$WORK/cottage/.ssh/authorized_keys"
"$DROPBEARKEY" -t ed25519 -f "$WORK/host" >/dev/null 2>&1
# The server sees a home of ours in its mount namespace.
start cafe sh -c "mount --bind '$WORK/cottage' $(getent passwd root | cut -d: -f6) && exec '$DROPBEAR' -F -E -s -p 192.0.2.26:22 -r '$WORK/host' -P '$WORK/pid'"
listening cafe 22
sniff guest eth0 "$WORK/command.pcap" tcp
inside guest ssh -F /dev/null -i "$WORK/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    root@192.0.2.26 'echo plum cake; seq 2000' >/dev/null
hush
"$PY" -c "
import pcapfile, sys
pcapfile.write_pcapng(sys.argv[2], pcapfile.read_pcap(sys.argv[1]), comment='SSH', app='captures/ssh/make.sh')" "$WORK/command.pcap" "$HERE/command.pcapng"
