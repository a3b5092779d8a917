"""Builds packets byte by byte: Ethernet, IPv4, IPv6, TCP, UDP with right checksums, for what no kernel would send."""

import socket
import struct


def checksum(data):
    """The Internet checksum (RFC 1071) of data."""
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


def mac(text):
    """A MAC address as six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def ether(src, dst, kind, payload, tags=()):
    """An Ethernet II frame; tags are (TPID, VLAN id, priority), outermost first."""
    out = mac(dst) + mac(src)
    for tpid, vid, pcp in tags:
        out += struct.pack("!HH", tpid, pcp << 13 | vid)
    return out + struct.pack("!H", kind) + payload


def ipv4(src, dst, proto, payload, ident=0, ttl=64, flags=2, offset=0, options=b"", tos=0):
    """An IPv4 packet; offset in bytes, flags 2 = don't fragment, 1 = more fragments."""
    options += b"\0" * (-len(options) % 4)
    ihl = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | ihl, tos, ihl * 4 + len(payload), ident & 0xFFFF, flags << 13 | offset // 8, ttl, proto, 0)
    head += socket.inet_aton(src) + socket.inet_aton(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, nxt, payload, hop=64, flow=0):
    """An IPv6 packet."""
    return struct.pack("!IHBB", 6 << 28 | flow, len(payload), nxt, hop) + pton6(src) + pton6(dst) + payload


def pton6(a):
    """An IPv6 address as sixteen bytes."""
    return socket.inet_pton(socket.AF_INET6, a)


def _pseudo(src, dst, proto, n):
    if ":" in src:
        return pton6(src) + pton6(dst) + struct.pack("!II", n, proto)
    return socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!HH", proto, n)


def tcp(src, dst, sport, dport, seq, ack, flags, payload=b"", window=64240, options=b"", urgent=0):
    """A TCP segment; flags as letters out of FSRPAUEC; src and dst are for the checksum."""
    options += b"\1" * (-len(options) % 4)
    bits = sum(1 << "FSRPAUEC".index(c) for c in flags)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, (5 + len(options) // 4) << 4, bits, window, 0, urgent)
    seg = head + options + payload
    return seg[:16] + struct.pack("!H", checksum(_pseudo(src, dst, 6, len(seg)) + seg)) + seg[18:]


def udp(src, dst, sport, dport, payload):
    """A UDP datagram."""
    d = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return d[:6] + struct.pack("!H", checksum(_pseudo(src, dst, 17, len(d)) + d) or 0xFFFF) + d[8:]


class Talk:
    """A scripted TCP connection between two hosts: keeps sequence numbers, so that a script says only what goes wrong."""

    def __init__(self, a, b, sport, dport, a_isn=1000, b_isn=9000, macs=("00:00:5e:00:53:0a", "00:00:5e:00:53:50")):
        self.host, self.port, self.macs = (a, b), (sport, dport), macs
        self.next = [a_isn, b_isn]
        self.ident = [1, 1]
        self.window = [64240, 65160]

    def seg(self, side, flags, payload=b"", seq=None, ack=None, window=None, options=b"", advance=True):
        """A frame from side (0 client, 1 server). seq is absolute; without it the next unsent byte."""
        other = 1 - side
        at = self.next[side] if seq is None else seq
        acked = (self.next[other] if ack is None else ack) if "A" in flags else 0
        w = self.window[side] if window is None else window
        t = tcp(self.host[side], self.host[other], self.port[side], self.port[other], at, acked, flags, payload, w, options)
        p = ipv4(self.host[side], self.host[other], 6, t, ident=self.ident[side])
        self.ident[side] += 1
        if advance and seq is None:
            self.next[side] += len(payload) + ("S" in flags) + ("F" in flags)
        return ether(self.macs[side], self.macs[other], 0x0800, p)

    def hello(self, options=b"\x02\x04\x05\xb4\x01\x03\x03\x07"):
        """The three-way handshake with MSS 1460 and window scale 7."""
        opened = [self.seg(0, "S", options=options), self.seg(1, "SA", options=options)]
        self.window = [502, 510]  # times 128 from here on
        return [*opened, self.seg(0, "A")]

    def bye(self):
        """An orderly close, client first."""
        return [self.seg(0, "FA"), self.seg(1, "FA"), self.seg(0, "A")]
