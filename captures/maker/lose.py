#!/usr/bin/env python3
"""Makes a lossy twin of a capture: frames are left out at random, as a sniffer under load leaves them out. All else stays as it is.

lose.py SOURCE.pcapng TARGET.pcapng [SHARE]   (SHARE of the frames behind the first 40; by default 0.03; the same each time)
"""

import random
import struct
import sys

source, target = sys.argv[1:3]
share = float(sys.argv[3]) if len(sys.argv) > 3 else 0.03
data, out, at, seen, lost = open(source, "rb").read(), bytearray(), 0, 0, 0
rng = random.Random(2026)
while at + 12 <= len(data):
    kind, size = struct.unpack("<II", data[at : at + 8])
    packet = kind == 6
    seen += packet
    if packet and seen > 40 and rng.random() < share:
        lost += 1
    else:
        out += data[at : at + size]
    at += size
open(target, "wb").write(out)
print(f"{target}: {lost} of {seen} frames left out", file=sys.stderr)
