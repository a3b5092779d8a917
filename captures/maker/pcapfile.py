"""Reads and writes capture files for the makers: pcap in both byte orders, pcapng with comments and TLS keys.

Written by hand so that the captures carry exactly the blocks and options that the makers mean, and nothing about the
machine they were made on.
"""

import struct

ETHERNET, RAW, NULL, SLL, SLL2 = 1, 101, 0, 113, 276


def read_pcap(path):
    """Yields (time in ns, original length, bytes) of a pcap file with micro- or nanoseconds."""
    data = open(path, "rb").read()
    order = {0xA1B2C3D4: ("<", 1000), 0xA1B23C4D: ("<", 1)}
    e, unit = order.get(struct.unpack("<I", data[:4])[0]) or (">", 1000 if data[:4] == b"\xa1\xb2\xc3\xd4" else 1)
    at = 24
    while at + 16 <= len(data):
        sec, frac, cap, orig = struct.unpack(e + "IIII", data[at : at + 16])
        yield sec * 10**9 + frac * unit, orig, data[at + 16 : at + 16 + cap]
        at += 16 + cap


def write_pcap(path, packets, link=ETHERNET, snaplen=262144, order="<", nano=False):
    """Writes (time ns, original length, bytes) as a classic pcap."""
    with open(path, "wb") as f:
        f.write(struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link))
        for t, orig, b in packets:
            frac = t % 10**9 // (1 if nano else 1000)
            f.write(struct.pack(order + "IIII", t // 10**9, frac, len(b), orig) + b)


def _options(pairs):
    out = b""
    for code, value in pairs:
        out += struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)
    return out + b"\0\0\0\0" if out else b""


def _block(kind, body):
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def write_pcapng(path, packets, link=ETHERNET, snaplen=262144, comment="", app="wirelore captures", interface=("eth0", ""), keys=b"", comments=None):
    """Writes (time ns, original length, bytes) as pcapng with ns times.

    comment goes into the section header, keys (key log text) into a Decryption Secrets Block before the first packet,
    comments is {frame number: text}.
    """
    comments = comments or {}
    shb = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    shb += _options(([(1, comment.encode())] if comment else []) + [(4, app.encode())])
    idb = struct.pack("<HHI", link, 0, snaplen)
    idb += _options([(2, interface[0].encode()), (3, interface[1].encode()), (9, b"\x09")])
    with open(path, "wb") as f:
        f.write(_block(0x0A0D0D0A, shb) + _block(1, idb))
        if keys:
            body = struct.pack("<II", 0x544C534B, len(keys)) + keys + b"\0" * (-len(keys) % 4)
            f.write(_block(10, body))
        for n, (t, orig, b) in enumerate(packets, 1):
            body = struct.pack("<IIIII", 0, t >> 32, t & 0xFFFFFFFF, len(b), orig) + b + b"\0" * (-len(b) % 4)
            note = comments.get(n)
            body += _options([(1, note.encode())] if note else [])
            f.write(_block(6, body))
