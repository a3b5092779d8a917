#!/usr/bin/env python3
"""Cuts captures to small seeds for the fuzzer: seed.py OUT BYTES CAPTURE... Each seed holds the head of a capture and whole packets up to BYTES."""

import os
import struct
import sys


def cut(data, most):
    """The longest run of whole records of a pcap or pcapng file within `most` bytes."""
    magic = data[:4]
    if magic == b"\x0a\x0d\x0d\x0a":
        order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        at = 0
        while at + 12 <= len(data):
            (size,) = struct.unpack_from(order + "I", data, at + 4)
            if size < 12 or at + size > min(most, len(data)):
                break
            at += size
        return data[:at]
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        (size,) = struct.unpack_from(order + "I", data, at + 8)
        if at + 16 + size > min(most, len(data)):
            break
        at += 16 + size
    return data[:at]


def main():
    out, most = sys.argv[1], int(sys.argv[2])
    os.makedirs(out, exist_ok=True)
    for path in sys.argv[3:]:
        with open(path, "rb") as f:
            small = cut(f.read(), most)
        if len(small) > 100:
            with open(os.path.join(out, os.path.basename(path)), "wb") as f:
                f.write(small)


main()
