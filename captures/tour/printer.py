"""A printer that speaks multicast DNS (RFC 6762): answers a question for _ipp._tcp.local with all its records."""

import socket
import struct

GROUP = "224.0.0.251"


def name(text):
    """A DNS name without compression; the first label may hold dots and spaces."""
    return b"".join(bytes([len(p)]) + p for p in (s.encode() for s in text)) + b"\0"


SERVICE = ("_ipp", "_tcp", "local")
WHO = ("Till printer by the plum cakes", *SERVICE)
HOST = ("till", "local")


def record(owner, kind, ttl, data, unique=True):
    return name(owner) + struct.pack("!HHIH", kind, 0x8001 if unique else 1, ttl, len(data)) + data


ANSWER = (
    struct.pack("!6H", 0, 0x8400, 0, 1, 0, 3)
    + record(SERVICE, 12, 4500, name(WHO), unique=False)
    + record(WHO, 33, 120, struct.pack("!3H", 0, 0, 631) + name(HOST))
    + record(WHO, 16, 4500, b"".join(bytes([len(t)]) + t for t in (b"txtvers=1", b"ty=Receipt 80mm", b"note=Counter")))
    + record(HOST, 1, 120, socket.inet_aton("192.0.2.1"))
)

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("192.0.2.1"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.0.2.1"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
while True:
    data, _ = s.recvfrom(9000)
    if len(data) > 12 and not data[2] & 0x80 and name(SERVICE) in data:
        s.sendto(ANSWER, (GROUP, 5353))
