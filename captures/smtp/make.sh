#!/usr/bin/env bash
# Makes the mail captures with Postfix, Dovecot, and Python's smtplib, imaplib and poplib. Usage: sudo ./make.sh [GROUP...]

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
need ip iproute2 ethtool ethtool tcpdump tcpdump postfix postfix dovecot dovecot-imapd openssl openssl
for d in pop3 lmtp; do
    [ -x /usr/lib/dovecot/$d ] || { echo "This maker lacks Dovecot's $d: sudo apt-get install dovecot-${d}d" >&2; exit 1; }
done

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:19
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.25/24 dev eth0

openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=mail.cafe.test" -addext "subjectAltName=DNS:mail.cafe.test" \
    -keyout "$WORK/mail.key" -out "$WORK/mail.crt" 2>/dev/null
"$PY" servers.py "$WORK"
start cafe dovecot -F -c "$WORK/dovecot.conf"
listening cafe 24 110 143 993 995
# Postfix sends itself away; `stop` ends it.
inside cafe postfix -c "$WORK/postfix" start >>"$WORK/servers.log" 2>&1
end() { inside cafe postfix -c "$WORK/postfix" stop >/dev/null 2>&1 || true; tidy; }
trap end EXIT
listening cafe 25 465 587

for group in ${*:-letters submission smuggling lmtp parts pop3 imap}; do
    # Each protocol has a folder of its own.
    to=$HERE name=$group
    case $group in
        parts) to=$HERE/../imf ;;
        pop3 | imap) to=$HERE/../$group name=mailbox ;;
    esac
    : >"$WORK/keys"
    sniff guest eth0 "$WORK/$group.pcap" tcp
    inside guest "$PY" session.py $group "$WORK" "$to/$name.truth.json"
    hush
    finish "$WORK/$group.pcap" "$to/$name.pcapng" "Mail: $group" "$WORK/keys"
    [ $group != letters ] || "$PY" lose.py "$WORK/letters.pcap" "$HERE/lossy.pcapng"
done
