#!/usr/bin/env bash
# Makes the FTP captures with vsftpd, ProFTPD, Pure-FTPd, Python's ftplib, curl and lftp. Usage: sudo ./make.sh [GROUP...]
# Debian's servers exclude each other; unpack two of them beside the installed one:
#   apt-get download proftpd-core proftpd-mod-crypto pure-ftpd; for d in *.deb; do dpkg -x $d SOMEWHERE; done
#   PROFTPD=SOMEWHERE/usr/sbin/proftpd PROFTPD_MODULES=SOMEWHERE/usr/lib/proftpd PURE_FTPD=SOMEWHERE/usr/sbin/pure-ftpd sudo -E ./make.sh

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
PROFTPD=${PROFTPD:-proftpd} PURE_FTPD=${PURE_FTPD:-pure-ftpd}
export PROFTPD_MODULES
need ip iproute2 ethtool ethtool tcpdump tcpdump vsftpd vsftpd curl curl lftp lftp openssl openssl "$PROFTPD" proftpd-core "$PURE_FTPD" pure-ftpd

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:15
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-guest addr add 2001:db8::10/64 dev eth0 nodad
for a in 21 22 23; do
    ip -n wl-cafe addr add 192.0.2.$a/24 dev eth0
    ip -n wl-cafe addr add 2001:db8::$a/64 dev eth0 nodad
done

"$PY" session.py prepare "$WORK"
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=ftp.cafe.test" -addext "subjectAltName=DNS:ftp.cafe.test" \
    -keyout "$WORK/ftp.key" -out "$WORK/ftp.crt" 2>/dev/null
for conf in vsftpd vsftpd6 implicit; do start cafe vsftpd "$WORK/$conf.conf"; done
start cafe "$PROFTPD" -n -q -c "$WORK/proftpd.conf"
# Pure-FTPd shows guests the home of the user ftp; in this mount namespace that is a folder of ours.
start cafe sh -c "mount --bind '$WORK/pure' $(getent passwd ftp | cut -d: -f6) && exec '$PURE_FTPD' -e -H -S 192.0.2.23,21"
listening cafe 21 990

for group in ${*:-passive active servers ftps implicit}; do
    rm -f "$WORK/keys"
    sniff guest eth0 "$WORK/$group.pcap" tcp
    inside guest "$PY" session.py $group "$WORK" "$HERE/$group.truth.json"
    hush
    touch "$WORK/keys"
    finish "$WORK/$group.pcap" "$HERE/$group.pcapng" "FTP: $group" "$WORK/keys"
    [ $group != passive ] || "$PY" lose.py "$WORK/passive.pcap" "$HERE/lossy.pcapng"
done
