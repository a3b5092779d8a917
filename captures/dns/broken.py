"""Writes broken.pcapng: DNS messages that no server would send, one UDP datagram each, and a TCP stream that is cut."""

import struct
import sys

import frames
import pcapfile

A, B = "192.0.2.10", "192.0.2.53"
Q = b"\3www\4cafe\4test\0\0\1\0\1"


def head(ident, flags=0x8180, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!6H", ident, flags, qd, an, ns, ar)


def rr(owner, kind, data, length=None, ttl=60):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data) if length is None else length) + data


# 120 pointers, each to the one before it, the first to the question; they lie in a record at offset 0x2a.
CHAIN = b"".join(struct.pack("!H", 0xC000 | (0x2A + 2 * (i - 1) if i else 0x0C)) for i in range(120))

CASES = [
    ("pointer to itself", head(1, an=1) + Q + rr(b"\xc0\x1f", 1, b"\xc0\0\2\x50")),
    ("two pointers to each other", head(2, an=2) + Q + rr(b"\xc0\x2f", 1, b"\xc0\0\2\x50") + rr(b"\xc0\x1f", 1, b"\xc0\0\2\x51")),
    ("pointer forward", head(3, an=1) + Q + rr(b"\xc0\x40", 1, b"\xc0\0\2\x50") + b"\3www\0" * 6),
    ("pointer past the end", head(4, an=1) + Q + rr(b"\xff\xff", 1, b"\xc0\0\2\x50")),
    ("a label of reserved kind 01", head(5, an=1) + Q + rr(b"\x41\1\0", 1, b"\xc0\0\2\x50")),
    ("label longer than the message", head(6) + b"\x3fshort"),
    ("name longer than 255 bytes", head(7) + b"\x3f" + b"a" * 63 + (b"\x3f" + b"b" * 63) * 4 + b"\0\0\1\0\1"),
    ("count says 65535 answers", head(8, an=65535) + Q + rr(b"\xc0\x0c", 1, b"\xc0\0\2\x50")),
    ("RDLENGTH past the end", head(9, an=1) + Q + rr(b"\xc0\x0c", 1, b"\xc0\0\2\x50", length=400)),
    ("A record of 3 bytes, then a good one", head(10, an=2) + Q + rr(b"\xc0\x0c", 1, b"\xc0\0\2") + rr(b"\xc0\x0c", 1, b"\xc0\0\2\x50")),
    ("TXT string longer than its record", head(11, an=2) + Q + rr(b"\xc0\x0c", 16, b"\xffabc") + rr(b"\xc0\x0c", 1, b"\xc0\0\2\x50")),
    ("MX without a name", head(12, an=1) + Q + rr(b"\xc0\x0c", 15, b"\0\x0a")),
    ("SVCB with parameters out of order and cut", head(13, an=1) + Q + rr(b"\xc0\x0c", 65, b"\0\1\0\0\3\0\2\1\xbb\0\1\0\x09\2h2")),
    ("NSEC bit map with a block length of 33", head(14, an=1) + Q + rr(b"\xc0\x0c", 47, b"\0\0\x21" + b"\1" * 33)),
    ("two OPT records", head(15, qd=1, ar=2) + Q + b"\0\0\x29\x04\xd0\0\0\0\0\0\0" * 2),
    ("OPT option longer than its record", head(16, ar=1) + Q + b"\0\0\x29\x04\xd0\0\0\0\0\0\4\0\x0a\0\x20"),
    ("eleven bytes", head(17)[:11]),
    ("nothing but a header", head(18, qd=0)),
    ("bytes after the last record", head(19, an=1) + Q + rr(b"\xc0\x0c", 1, b"\xc0\0\2\x50") + b"left over"),
    ("Z bit and an opcode nobody knows", head(20, flags=0x7840) + Q),
    ("a chain of 120 pointers", head(21, an=2) + Q + rr(b"\0", 10, CHAIN) + rr(b"\xc1\x18", 1, b"\xc0\0\2\x50")),
    ("not DNS at all", b"GET / HTTP/1.1\r\n\r\n"),
]


def main(out):
    packets, comments, t = [], {}, 1795420800 * 10**9
    macs = ("00:00:5e:00:53:0a", "00:00:5e:00:53:35")

    def put(frame, note=None):
        nonlocal t
        t += 10**7
        packets.append((t, len(frame), frame))
        if note:
            comments[len(packets)] = note

    for i, (what, data) in enumerate(CASES):
        d = frames.udp(B, A, 53, 40000 + i, data)
        put(frames.ether(macs[1], macs[0], 0x0800, frames.ipv4(B, A, 17, d, ident=i)), what)
    talk = frames.Talk(A, B, 50000, 53)
    for f in talk.hello():
        put(f)
    q = head(30, flags=0x0100) + Q
    put(talk.seg(0, "PA", struct.pack("!H", 0)), "TCP: a message of length 0")
    put(talk.seg(0, "PA", struct.pack("!H", len(q)) + q + b"\0"), "TCP: a question, and half of the next length")
    put(talk.seg(1, "PA", struct.pack("!H", 300) + head(30, an=1) + Q), "TCP: says 300 bytes, sends fewer")
    for f in talk.bye():
        put(f)
    pcapfile.write_pcapng(out, packets, comments=comments, comment="DNS messages that are wrong on purpose", app="captures/dns/broken.py")


main(sys.argv[1])
