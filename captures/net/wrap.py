"""Puts the packets of a real inner session into links and tunnels: wrap.py INNER.pcap FOLDER. Also fragments gone wrong."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "maker"))
import frames
import pcapfile

MACS = ("00:00:5e:00:53:0a", "00:00:5e:00:53:50")
ENDS4, ENDS6 = ("192.0.2.10", "192.0.2.80"), ("2001:db8:1::10", "2001:db8:2::80")
APP = "captures/net/wrap.py"
inner = list(pcapfile.read_pcap(sys.argv[1]))
folder = sys.argv[2]


def way(frame):
    """0 when the guest sends, 1 when the café does."""
    return 0 if frame[6:12] == bytes.fromhex("02005e00531a") else 1


def kind(frame):
    return struct.unpack("!H", frame[12:14])[0]


def outer4(frame, proto, payload):
    w = way(frame)
    outer4.ident += 1
    return frames.ether(MACS[w], MACS[1 - w], 0x0800, frames.ipv4(ENDS4[w], ENDS4[1 - w], proto, payload, ident=outer4.ident))


outer4.ident = 0


def outer6(frame, nxt, payload):
    w = way(frame)
    return frames.ether(MACS[w], MACS[1 - w], 0x86DD, frames.ipv6(ENDS6[w], ENDS6[1 - w], nxt, payload))


def write(name, comment, make, keep=lambda f: True, link=1, **more):
    """Every inner frame that keep() takes, wrapped by make(frame)."""
    out = []
    for t, _, frame in inner:
        if keep(frame):
            w = make(frame)
            out.append((t, len(w), w))
    pcapfile.write_pcapng(os.path.join(folder, name + ".pcapng"), out, link=link, comment=comment, app=APP, **more)
    return out


def is_ip(frame):
    return kind(frame) in (0x0800, 0x86DD)


def gre(frame):
    """Four styles of GRE (RFC 2784, RFC 2890), chosen by the inner packet's length: plain, key, all fields, Ethernet inside."""
    style, ip = len(frame) % 4, frame[14:]
    if style == 0:
        head = struct.pack("!HH", 0, kind(frame))
    elif style == 1:
        head = struct.pack("!HHI", 0x2000, kind(frame), 42)
    elif style == 2:
        gre.seq += 1
        head = struct.pack("!HHHHII", 0xB000, kind(frame), 0, 0, 42, gre.seq)
        head = head[:4] + struct.pack("!H", frames.checksum(head + ip)) + head[6:]
    else:
        head, ip = struct.pack("!HH", 0, 0x6558), frame
    return (outer6 if style == 1 else outer4)(frame, 47, head + ip)


gre.seq = 0


def label(value, last, ttl=64):
    return struct.pack("!I", value << 12 | (0x100 if last else 0) | ttl)


def mpls(frame):
    """One label before IP, three labels, or a pseudowire with control word and a whole frame inside (RFC 3032, RFC 4448)."""
    w, style = way(frame), len(frame) % 3
    if style == 0:
        body = label(1000, True) + frame[14:]
    elif style == 1:
        body = label(1000, False) + label(2000, False, 63) + label(3000, True, 62) + frame[14:]
    else:
        body = label(500, False) + label(600, True) + b"\0\0\0\0" + frame
    return frames.ether(MACS[w], MACS[1 - w], 0x8847, body)


def geneve(frame):
    """Geneve (RFC 8926) with one option, network 42."""
    option = struct.pack("!HBB", 0x0103, 0, 1) + b"cafe"
    head = struct.pack("!BBHI", len(option) // 4, 0, 0x6558, 42 << 8) + option
    w = way(frame)
    return outer4(frame, 17, frames.udp(ENDS4[w], ENDS4[1 - w], 50000 + len(frame) % 10, 6081, head + frame))


def pppoe(frame):
    """A PPPoE session frame (RFC 2516)."""
    w, ppp = way(frame), struct.pack("!H", 0x0021 if kind(frame) == 0x0800 else 0x0057) + frame[14:]
    return frames.ether(MACS[w], MACS[1 - w], 0x8864, struct.pack("!BBHH", 0x11, 0, 0x1234, len(ppp)) + ppp)


def pppoe_start(t):
    """Discovery, LCP and IPCP as a modem would say them, in the second before the first inner packet."""
    def tag(k, v):
        return struct.pack("!HH", k, len(v)) + v
    def disc(w, code, session, tags, to=None):
        return frames.ether(MACS[w], to or MACS[1 - w], 0x8863, struct.pack("!BBHH", 0x11, code, session, len(tags)) + tags)
    def ppp(w, proto, code, ident, options=b""):
        p = struct.pack("!HBBH", proto, code, ident, 4 + len(options)) + options
        return frames.ether(MACS[w], MACS[1 - w], 0x8864, struct.pack("!BBHH", 0x11, 0, 0x1234, len(p)) + p)
    name = tag(0x0101, b"")
    said = [
        disc(0, 0x09, 0, name + tag(0x0103, b"modem"), to="ff:ff:ff:ff:ff:ff"),
        disc(1, 0x07, 0, name + tag(0x0102, b"harbour-exchange") + tag(0x0104, b"cookie")),
        disc(0, 0x19, 0, name + tag(0x0104, b"cookie")),
        disc(1, 0x65, 0x1234, name),
        ppp(0, 0xC021, 1, 1, b"\1\4\5\xd4\5\6\0\0\0\1"), ppp(1, 0xC021, 2, 1, b"\1\4\5\xd4\5\6\0\0\0\1"),
        ppp(1, 0xC021, 1, 1, b"\1\4\5\xd4\5\6\0\0\0\2"), ppp(0, 0xC021, 2, 1, b"\1\4\5\xd4\5\6\0\0\0\2"),
        ppp(0, 0x8021, 1, 2, b"\3\6\0\0\0\0"), ppp(1, 0x8021, 3, 2, b"\3\6\xc6\x33\x64\x0a"),
        ppp(0, 0x8021, 1, 3, b"\3\6\xc6\x33\x64\x0a"), ppp(1, 0x8021, 2, 3, b"\3\6\xc6\x33\x64\x0a"),
    ]
    return [(t - 10**9 + i * 10**7, len(f), f) for i, f in enumerate(said)]


# One tag, a priority tag, QinQ, the old QinQ type, three tags: (type, VLAN, priority).
TAGS = [
    [(0x8100, 42, 3)], [(0x8100, 0, 5)], [(0x88A8, 100, 0), (0x8100, 42, 3)], [(0x9100, 100, 0), (0x8100, 42, 0)],
    [(0x88A8, 7, 0), (0x8100, 8, 0), (0x8100, 9, 0)],
]


def tagged(tags):
    def make(frame):
        return frame[:12] + b"".join(struct.pack("!HH", k, p << 13 | v) for k, v, p in tags) + frame[12:]
    return make


write("vlan", "802.1Q, VLAN 42, priority 3", tagged(TAGS[0]))
write("qinq", "Several tags: 802.1ad and older, a priority tag, three tags (one style a conversation)", lambda f: tagged(TAGS[1 + (kind(f) == 0x86DD) * 2 + (f[23] == 1 or f[20] == 58)])(f))
write("gre", "GRE over IPv4 and IPv6: plain, key, checksum and sequence, Ethernet inside", gre, is_ip)
write("ipip", "IPv4 and IPv6 in IPv4, IPv4 and IPv6 in IPv6", lambda f: (outer4 if len(f) % 2 else outer6)(f, 4 if kind(f) == 0x0800 else 41, f[14:]), is_ip)
write("mpls", "MPLS: one label, three labels, a pseudowire", mpls, is_ip)
write("geneve", "Geneve with an option", geneve)
first = inner[0][0]
body = [(t, len(w), w) for t, _, f in inner if is_ip(f) for w in [pppoe(f)]]
pcapfile.write_pcapng(os.path.join(folder, "pppoe.pcapng"), pppoe_start(first) + body, comment="PPPoE: discovery, LCP, IPCP, then the session", app=APP)
write("raw-ip", "No link layer at all (RAW)", lambda f: f[14:], is_ip, link=101)
FAMILY = {0x0800: 2, 0x86DD: 30}
write("loop", "OpenBSD loopback: the family in network order", lambda f: struct.pack("!I", 2 if kind(f) == 0x0800 else 24) + f[14:], is_ip, link=108)
pcapfile.write_pcap(os.path.join(folder, "null-be.pcap"), [(t, len(f) - 10, struct.pack(">I", FAMILY[kind(f)]) + f[14:]) for t, _, f in inner if is_ip(f)], link=0, order=">")
pcapfile.write_pcap(os.path.join(folder, "null-le.pcap"), [(t, len(f) - 10, struct.pack("<I", FAMILY[kind(f)]) + f[14:]) for t, _, f in inner if is_ip(f)], link=0)
write("user0", "A link type nobody knows (147): packets are bytes", lambda f: f, link=147)

def deep(frame):
    packet, proto = frame[14:], 4 if kind(frame) == 0x0800 else 41
    for n in range(12):
        packet, proto = frames.ipv4(f"192.0.2.{10 + n}", f"192.0.2.{80 + n}", proto, packet, ident=n), 4
    return frames.ether(*MACS, 0x0800, packet)


write("deep", "Twelve IPv4 headers before the packet: readers need a limit", deep, lambda f: is_ip(f) and len(f) < 200)


def mixed():
    """One file, two sections of both byte orders; three interfaces with their own link type, time unit and offset."""
    out = b""
    for e in "<>":
        def opts(pairs):
            return b"".join(struct.pack(e + "HH", k, len(v)) + v + b"\0" * (-len(v) % 4) for k, v in pairs) + b"\0\0\0\0"
        def block(k, b):
            return struct.pack(e + "II", k, len(b) + 12) + b + struct.pack(e + "I", len(b) + 12)
        out += block(0x0A0D0D0A, struct.pack(e + "IHHq", 0x1A2B3C4D, 1, 0, -1) + opts([(1, b"a section"), (4, APP.encode())]))
        out += block(1, struct.pack(e + "HHI", 1, 0, 0) + opts([(2, b"eth0"), (9, b"\x06")]))
        out += block(1, struct.pack(e + "HHI", 101, 0, 0) + opts([(2, b"tun0"), (9, b"\x09")]))
        out += block(1, struct.pack(e + "HHI", 113, 0, 0) + opts([(2, b"any"), (9, b"\x94"), (14, struct.pack(e + "q", 1_000_000))]))
        out += block(4, struct.pack(e + "HH", 1, 18) + b"\xc6\x33\x64\x50www.cafe.test\0" + b"\0\0" + struct.pack(e + "HH", 0, 0))
        for i, (t, _, f) in enumerate(x for x in inner if is_ip(x[2])):
            n = i % 3
            if n == 0:
                stamp, data = t // 1000, f
            elif n == 1:
                stamp, data = t, f[14:]
            else:
                stamp, data = (t - 10**6 * 10**9) * 2**20 // 10**9, struct.pack("!HHH", 0 if way(f) else 4, 1, 6) + f[6:12] + b"\0\0" + f[12:14] + f[14:]
            pad = b"\0" * (-len(data) % 4)
            out += block(6, struct.pack(e + "IIIII", n, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data)) + data + pad + opts([(2, struct.pack(e + "I", 1 + way(f)))]))
            if i == 4:
                out += block(0x12345, b"nobody knows me.")
            if i == 8:
                out += block(3, struct.pack(e + "I", len(f)) + f + b"\0" * (-len(f) % 4))
        out += block(5, struct.pack(e + "III", 0, 0, 0) + opts([(4, struct.pack(e + "Q", len(inner))), (5, struct.pack(e + "Q", 2))]))
    open(os.path.join(folder, "mixed.pcapng"), "wb").write(out)


mixed()


def broken_fragments():
    """Fragments gone wrong: lost, doubled, overlapping with other bytes, backwards, too long, too small, inside GRE."""
    out, notes, t = [], {}, first
    a, b = ENDS4

    def put(packet, note=None, v6=False):
        nonlocal t
        t += 10**6
        f = frames.ether(MACS[0], MACS[1], 0x86DD if v6 else 0x0800, packet)
        out.append((t, len(f), f))
        if note:
            notes[len(out)] = note

    def pieces(data, size):
        return [(o, data[o : o + size], o + size < len(data)) for o in range(0, len(data), size)]

    text = b"".join(b"%04d " % n for n in range(800))
    d = frames.udp(a, b, 4000, 7, text)
    parts = pieces(d, 1000)

    def frag(ident, o, p, more, **kw):
        return frames.ipv4(a, b, 17, p, ident=ident, flags=1 if more else 0, offset=o, **kw)

    for o, p, m in reversed(parts):
        put(frag(1, o, p, m), "last fragment first" if not m else None)
    for o, p, m in parts:
        put(frag(2, o, p, m))
        put(frag(2, o, p, m), "the same fragment twice" if o == 0 else None)
    for o, p, m in parts:
        if o != 2000:
            put(frag(3, o, p, m), "the fragment at 2000 never comes" if o == 1000 else None)
    put(frag(4, 0, parts[0][1], True))
    put(frag(4, 504, b"!" * 496, True), "overlaps the first with other bytes")
    for o, p, m in parts[1:]:
        put(frag(4, o, p, m))
    for i in range(0, len(parts)):
        put(frag(5, *parts[i]), "two datagrams, fragments in turn" if i == 0 else None)
        put(frag(6, *parts[i]))
    put(frag(7, 65528, b"death" * 20, False), "ends past 65535: the ping of death")
    seg = frames.tcp(a, b, 4001, 80, 1, 0, "S", options=b"\x02\x04\x05\xb4")
    put(frames.ipv4(a, b, 6, seg[:8], ident=8, flags=1), "a TCP header in two fragments: ports here, flags there")
    put(frames.ipv4(a, b, 6, seg[8:], ident=8, flags=0, offset=8))
    put(frag(9, 0, parts[0][1][:1001], True), "not the last, and no multiple of eight")
    put(frag(10, 8, b"", True), "an empty fragment")
    a6, b6 = ENDS6
    d6 = frames.udp(a6, b6, 4000, 7, text)
    for o, p, m in reversed(pieces(d6, 1200)):
        put(frames.ipv6(a6, b6, 44, struct.pack("!BBHI", 17, 0, o | m, 0xCAFE) + p), "IPv6, last fragment first" if not m else None, v6=True)
    put(frames.ipv6(a6, b6, 44, struct.pack("!BBHI", 17, 0, 0, 0xBEEF) + frames.udp(a6, b6, 4000, 7, b"atomic")), "an atomic fragment: a fragment header, and everything is here (RFC 6946)", v6=True)
    dst = b"\x2b\0\1\4\0\0\0\0"
    rh = b"\x11\2\x03\0\0\0\0\0" + frames.pton6(b6)
    put(frames.ipv6(a6, b6, 0, b"\x3c\0\5\2\0\0\1\0" + dst + rh + frames.udp(a6, b6, 4000, 7, b"after three extension headers")), "hop-by-hop, destination options, routing", v6=True)
    put(frames.ipv6(a6, b6, 0, b"\0\xff\1\4"), "an extension header longer than its packet", v6=True)
    g = struct.pack("!HH", 0, 0x0800)
    for o, p, m in parts:
        put(frames.ipv4(ENDS4[0], ENDS4[1], 47, g + frames.ipv4("198.51.100.10", "198.51.100.80", 17, p, ident=11, flags=1 if m else 0, offset=o), ident=900 + o), "fragments inside GRE" if o == 0 else None)
    wrapped = g + frames.ipv4("198.51.100.10", "198.51.100.80", 17, frames.udp("198.51.100.10", "198.51.100.80", 4000, 7, text[:1400]), ident=12)
    for o, p, m in pieces(wrapped, 800):
        put(frames.ipv4(a, b, 47, p, ident=13, flags=1 if m else 0, offset=o), "GRE itself fragmented" if o == 0 else None)
    pcapfile.write_pcapng(os.path.join(folder, "fragments-broken.pcapng"), out, comments=notes, comment="Fragments gone wrong", app=APP)


broken_fragments()
