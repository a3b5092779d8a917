"""Writes TCP connections that no well-behaved kernel produces, packet by packet, with the bytes a reader should find.

scripted.py FOLDER. Policy of the truth: among conflicting copies of a byte the first that was captured wins.
"""

import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "maker"))
import frames
import pcapfile

A, B = "192.0.2.10", "192.0.2.80"
T0 = 1795420800 * 10**9
PAGE = b"".join(b"<p>%04d plum cake and coffee</p>\n" % n for n in range(200))
REQ = b"GET /scripted HTTP/1.1\r\nHost: www.cafe.test\r\n\r\n"
RES = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: text/html\r\n\r\n" % len(PAGE) + PAGE


def cut(data, n=1000):
    return [data[i : i + n] for i in range(0, len(data), n)]


class File:
    """Frames at a steady pace, comments, and the truth of each connection."""

    def __init__(self):
        self.packets, self.comments, self.truth, self.t = [], {}, [], T0

    def put(self, frame, note=None, snap=None, step=1_000_000):
        self.t += step
        self.packets.append((self.t, len(frame), frame[:snap] if snap else frame))
        if note:
            self.comments[len(self.packets)] = note

    def put_all(self, many):
        for f in many:
            self.put(f)

    def expect(self, what, port, c2s, s2c, gaps=0, **more):
        def told(b):
            return None if b is None else {"len": len(b), "sha256": hashlib.sha256(b).hexdigest()}
        self.truth.append(dict(what=what, client_port=port, c2s=told(c2s), s2c=told(s2c), gaps=gaps, **more))


def exchange(f, talk, note=None):
    """One request and its answer in segments of 1000 bytes, acknowledged."""
    f.put(talk.seg(0, "PA", REQ), note)
    f.put(talk.seg(1, "A"))
    for part in cut(RES):
        f.put(talk.seg(1, "A", part))
        f.put(talk.seg(0, "A"))


def wraparound():
    f = File()
    t = frames.Talk(A, B, 50001, 80, a_isn=0xFFFFFFF0, b_isn=0xFFFFF000)
    f.put_all(t.hello())
    exchange(f, t, "sequence numbers pass 2^32 here, in both directions")
    exchange(f, t)
    f.put_all(t.bye())
    f.expect("wrap-around", 50001, REQ * 2, RES * 2)
    t = frames.Talk(A, B, 50002, 80, a_isn=5, b_isn=0xFFFFFC00)
    f.put_all(t.hello())
    f.put(t.seg(0, "PA", REQ))
    parts, at = cut(RES), t.next[1]
    order = [0, 2, 1, 4, 3, 5, 6]
    for i in order:
        f.put(t.seg(1, "A", parts[i], seq=(at + 1000 * i) & 0xFFFFFFFF), "out of order across the wrap" if i in (1, 2) else None)
    t.next[1] = at + len(RES)
    f.put(t.seg(0, "A"))
    f.put_all(t.bye())
    f.expect("wrap-around out of order", 50002, REQ, RES)
    return f


def overlaps():
    f = File()
    t = frames.Talk(A, B, 50010, 80)
    f.put_all(t.hello())
    at = t.next[0]
    f.put(t.seg(0, "PA", b"GET /first HTTP/1.1\r\n"))
    f.put(t.seg(0, "PA", b"GET /OTHER HTTP/1.1\r\n", seq=at), "the same bytes again, but different: the first copy wins")
    f.put(t.seg(0, "PA", b"Host: www.cafe.test\r\n\r\n"))
    f.put(t.seg(1, "A"))
    f.put(t.seg(1, "PA", b"HTTP/1.1 204 No Content\r\n\r\n"))
    f.put_all(t.bye())
    f.expect("conflicting copy after the first was read", 50010, b"GET /first HTTP/1.1\r\nHost: www.cafe.test\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n", conflicts=1)

    t = frames.Talk(A, B, 50011, 80)
    f.put_all(t.hello())
    at = t.next[0]
    f.put(t.seg(0, "A", b"EEEEEFFFFF", seq=at + 20), "arrives before what stands before it")
    f.put(t.seg(0, "A", b"xxxxxyyyyyzzzzz", seq=at + 15), "overlaps bytes that wait: 5 are new, 10 are told differently")
    f.put(t.seg(0, "A", b"AAAAABBBBBCCCCC", seq=at), "fills the hole")
    t.next[0] = at + 30
    f.put(t.seg(1, "A"))
    f.put_all(t.bye())
    f.expect("conflict with waiting bytes", 50011, b"AAAAABBBBBCCCCC" + b"xxxxx" + b"EEEEEFFFFF", b"", conflicts=1)

    t = frames.Talk(A, B, 50012, 80)
    f.put_all(t.hello())
    at = t.next[0]
    f.put(t.seg(0, "A", b"0123456789"))
    f.put(t.seg(0, "A", b"56789abcde", seq=at + 5), "half old, half new, no conflict")
    t.next[0] = at + 15
    f.put(t.seg(0, "A", b"0123456789abcdeFGHIJ", seq=at), "everything again, and more")
    t.next[0] = at + 20
    f.put(t.seg(0, "A", b"3456", seq=at + 3), "a small old piece")
    f.put(t.seg(1, "A"))
    f.put_all(t.bye())
    f.expect("harmless overlaps", 50012, b"0123456789abcdeFGHIJ", b"", conflicts=0)
    return f


def holes():
    f = File()
    t = frames.Talk(A, B, 50020, 80)
    f.put_all(t.hello())
    f.put(t.seg(0, "PA", REQ))
    for i, part in enumerate(cut(RES)):
        frame = t.seg(1, "A", part)
        if i != 3:
            f.put(frame)
        f.put(t.seg(0, "A"), "acknowledges bytes that were never captured" if i == 3 else None)
    exchange(f, t, "after the hole the next exchange is whole")
    f.put_all(t.bye())
    f.expect("a segment the sniffer missed, inside a counted body", 50020, REQ * 2, None, gaps=1)

    t = frames.Talk(A, B, 50021, 80)
    f.put_all(t.hello())
    t.seg(0, "PA", REQ)
    f.put(t.seg(1, "A"), "the request was never captured")
    for part in cut(RES):
        f.put(t.seg(1, "A", part))
    f.put(t.seg(0, "A"))
    f.put_all(t.bye())
    f.expect("the request is missing", 50021, None, RES, gaps=1)

    t = frames.Talk(A, B, 50022, 80)
    exchange(f, t, "a connection met in the middle: no SYN was captured")
    f.put_all(t.bye())
    f.expect("midstream, at a message's start", 50022, REQ, RES)

    t = frames.Talk(A, B, 50023, 80)
    t.next[1] += 500
    for part in cut(RES[500:]):
        f.put(t.seg(1, "A", part), None)
        f.put(t.seg(0, "A"))
    exchange(f, t, "after the rest of an unknown body, a whole exchange")
    f.put_all(t.bye())
    f.expect("midstream, inside a body", 50023, REQ, RES[500:] + RES)

    t = frames.Talk(A, B, 50024, 80)
    t.hello()
    t.seg(0, "PA", REQ)
    for part in cut(RES):
        f.put(t.seg(1, "A", part), "only the server's side was captured")
    f.put(t.seg(1, "FA"))
    f.expect("one side only", 50024, None, RES)

    t = frames.Talk(A, B, 50025, 80)
    f.put_all(t.hello())
    exchange(f, t)
    f.expect("no end: the capture stops", 50025, REQ, RES)
    return f


def snaplen():
    f = File()
    t = frames.Talk(A, B, 50030, 80)
    for frame in t.hello():
        f.put(frame, snap=96)
    f.put(t.seg(0, "PA", REQ), snap=96)
    for part in cut(RES):
        f.put(t.seg(1, "A", part), snap=96)
        f.put(t.seg(0, "A"), snap=96)
    f.put(t.seg(0, "PA", b"GET /s HTTP/1.1\r\n\r\n"), "short enough to be whole", snap=96)
    f.put(t.seg(1, "PA", b"HTTP/1.1 204 No Content\r\n\r\n"), snap=96)
    for frame in t.bye():
        f.put(frame, snap=96)
    f.expect("captured with a snap length of 96", 50030, None, None, gaps=8)
    return f


def oddities():
    f = File()
    t = frames.Talk(A, B, 50040, 80)
    f.put(t.seg(0, "S", b"GET /early", options=b"\x02\x04\x05\xb4"), "data in the SYN")
    f.put(t.seg(1, "SA"))
    f.put(t.seg(0, "PA", b" HTTP/1.1\r\n\r\n"))
    f.put(t.seg(1, "PA", b"HTTP/1.1 204 No Content\r\n\r\n"))
    f.put_all(t.bye())
    f.expect("data in the SYN", 50040, b"GET /early HTTP/1.1\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n")

    t = frames.Talk(A, B, 50041, 80, a_isn=1000)
    f.put(t.seg(0, "S"))
    t.next[0] = 77000
    f.put(t.seg(0, "S"), "a second SYN with another number: the first attempt is void")
    f.put(t.seg(1, "SA"))
    f.put(t.seg(0, "A"))
    exchange(f, t)
    f.put_all(t.bye())
    f.expect("SYN again with another ISN", 50041, REQ, RES)

    for n, isn in enumerate((1000, 900_000_000)):
        t = frames.Talk(A, B, 50042, 80, a_isn=isn, b_isn=isn + 5)
        f.put_all(t.hello())
        if n:
            f.comments[len(f.packets) - 2] = "the same ports again, though the first connection never ended"
        exchange(f, t)
        f.expect(f"the same ports, connection {n + 1}", 50042, REQ, RES)

    t = frames.Talk(A, B, 50043, 80)
    f.put_all(t.hello())
    f.put(t.seg(0, "A", b"\0", seq=t.next[0] - 1), "keep-alive: one byte before the next, not part of the stream")
    f.put(t.seg(1, "A"))
    f.put(t.seg(0, "PA", b"ping\n"))
    f.put(t.seg(1, "A", window=0), "zero window")
    f.put(t.seg(0, "A", b"x", seq=t.next[0]), "a probe of the closed window: its byte is refused")
    f.put(t.seg(1, "A", window=0))
    f.put(t.seg(1, "A"), "window update")
    f.put(t.seg(0, "PA", b"x-ray\n"))
    f.put(t.seg(0, "A", b"stray bytes far outside the window", seq=t.next[0] + 9_000_000), "far outside the window")
    f.put(t.seg(1, "A", ack=t.next[0] + 5000), "acknowledges what nobody sent")
    f.put(t.seg(1, "FA"))
    f.put(t.seg(0, "FA"))
    f.put(t.seg(0, "A", b"after the end"), "data after FIN")
    f.put(t.seg(1, "A"))
    f.expect("keep-alive, zero window, strays", 50043, None, b"")

    t = frames.Talk(A, B, 50044, 80)
    f.put_all(t.hello())
    f.put(t.seg(0, "PA", REQ))
    f.put(t.seg(1, "R", b"go away, says a middle box", ack=0), "RST with a message in it (RFC 9293, 3.5.3)")
    f.expect("RST with payload", 50044, REQ, None)

    t = frames.Talk(A, B, 50045, 80)
    f.put(t.seg(0, "S"), "both open at once")
    f.put(t.seg(1, "S"))
    f.put(t.seg(0, "SA", seq=1000, ack=9001))
    f.put(t.seg(1, "SA", seq=9000, ack=1001))
    f.put(t.seg(0, "PA", b"we met\n"))
    f.put(t.seg(1, "PA", b"in the middle\n"))
    f.put_all([t.seg(0, "FA"), t.seg(1, "FA", ack=t.next[0] - 1), t.seg(0, "A"), t.seg(1, "A")])
    f.expect("simultaneous open and close", 50045, b"we met\n", b"in the middle\n")

    t = frames.Talk(A, B, 50046, 80)
    f.put_all(t.hello())
    f.put(t.seg(0, "PA", b"tick\n"))
    f.put(t.seg(0, "PA", b"tock\n"), "the clock ran back a second", step=-1_000_000_000)
    f.put(t.seg(1, "A"), step=1_001_000_000)
    f.put_all(t.bye())
    f.expect("time runs back", 50046, b"tick\ntock\n", b"")

    bad = bytearray(frames.Talk(A, B, 50047, 80).seg(0, "S"))
    bad[50] ^= 0xFF
    f.put(bytes(bad), "a wrong TCP checksum")
    short = bytearray(frames.Talk(A, B, 50048, 80).seg(0, "S", options=b"\x02\x04\x05\xb4"))
    short[46] = 0xF0
    f.put(bytes(short), "the data offset points past the packet")
    opts = frames.Talk(A, B, 50049, 80)
    f.put(opts.seg(0, "S", options=b"\x02\x00\x01\x01"), "an option of length 0")
    f.put(opts.seg(0, "S", options=b"\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\1\0\0\0\0\1\3\3\7" + b"\x1c\x04\x80\x1e" + b"\xfd\x06\x12\x34ab"), "many options: MSS, SACK, timestamps, scale, user timeout, an experiment")
    return f


def main(folder):
    for make in (wraparound, overlaps, holes, snaplen, oddities):
        f = make()
        out = os.path.join(folder, make.__name__)
        about = dict(comment=f"TCP, scripted: {make.__name__}", app="captures/tcp/scripted.py")
        if make is wraparound:  # a classic pcap, big-endian, nanoseconds: readers must know those too
            pcapfile.write_pcap(out + ".pcap", f.packets, order=">", nano=True)
        else:
            pcapfile.write_pcapng(out + ".pcapng", f.packets, comments=f.comments, snaplen=96 if make is snaplen else 262144, **about)
        with open(out + ".truth.json", "w") as t:
            t.write("[" + ",\n".join(json.dumps(x) for x in f.truth) + "]\n")


main(sys.argv[1])
