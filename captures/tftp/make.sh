#!/usr/bin/env bash
# Makes transfers.pcapng with tftpd-hpa, atftp and curl. Usage: sudo ./make.sh
# TFTPD and ATFTP name the programs where they are not on the path.

cd "$(dirname "$0")" || exit 1
HERE=$PWD
. ../maker/lab.sh
TFTPD=${TFTPD:-in.tftpd} ATFTP=${ATFTP:-atftp}
need ip iproute2 ethtool ethtool tcpdump tcpdump curl curl "$TFTPD" tftpd-hpa "$ATFTP" atftp

space guest
space cafe
cable guest eth0 00:00:5e:00:53:0a cafe eth0 00:00:5e:00:53:18
ip -n wl-guest addr add 192.0.2.10/24 dev eth0
ip -n wl-cafe addr add 192.0.2.24/24 dev eth0

mkdir -m 777 "$WORK/srv"
"$PY" - "$WORK" <<'P'
import pathlib, random, sys
work = pathlib.Path(sys.argv[1])
(work / "srv/menu.txt").write_bytes(b"".join(b"%d plum cakes\r\n" % n for n in range(90)))
(work / "srv/even.bin").write_bytes(random.Random(5).randbytes(1024))
(work / "srv/boot.img").write_bytes(random.Random(6).randbytes(30_000))
(work / "up.bin").write_bytes(random.Random(7).randbytes(2_345))
(work / "srv/up.bin").write_bytes(b"")
P
chmod 666 "$WORK"/srv/*
start cafe "$TFTPD" --listen --foreground --user nobody --address 192.0.2.24:69 --create --secure "$WORK/srv"
sleep 1
sniff guest eth0 "$WORK/transfers.pcap" udp
inside guest curl -sS tftp://192.0.2.24/menu.txt -o "$WORK/got1"
inside guest curl -sS --tftp-no-options tftp://192.0.2.24/even.bin -o "$WORK/got2"
inside guest "$ATFTP" --option "blksize 1400" --option "tsize 0" -g -r boot.img -l "$WORK/got3" 192.0.2.24
inside guest "$ATFTP" -p -l "$WORK/up.bin" -r up.bin 192.0.2.24
inside guest "$ATFTP" -g -r missing -l "$WORK/got4" 192.0.2.24 2>/dev/null || true
hush
"$PY" - "$WORK" "$HERE" <<'P'
import hashlib, json, pathlib, sys, pcapfile
work, here = map(pathlib.Path, sys.argv[1:3])
files = [("menu.txt", "got1"), ("even.bin", "got2"), ("boot.img", "got3"), ("up.bin", "srv/up.bin")]
truth = [{"name": n, "len": len(b), "sha256": hashlib.sha256(b).hexdigest()} for n, f in files for b in [(work / f).read_bytes()]]
(here / "transfers.truth.json").write_text(json.dumps({"transfers": truth}, indent=1) + "\n")
pcapfile.write_pcapng(here / "transfers.pcapng", pcapfile.read_pcap(work / "transfers.pcap"), comment="TFTP", app="captures/tftp/make.sh")
P
