"""Makes lossy.pcapng of a recorded session: frames that carried TCP payload are left out, as a sniffer under load leaves them out."""

import random
import sys

import pcapfile

source, target = sys.argv[1:3]
rng = random.Random(2026)
kept, lost = [], 0
for packet in pcapfile.read_pcap(source):
    payload = len(packet[2]) > 200
    # Large frames are file bytes; a few small ones of the control connection go too.
    if rng.random() < (0.06 if payload else 0.02):
        lost += 1
        continue
    kept.append(packet)
pcapfile.write_pcapng(target, kept, comment=f"FTP: a sniffer that missed {lost} frames", app="captures/ftp/make.sh")
