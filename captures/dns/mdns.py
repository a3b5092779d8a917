"""Multicast DNS (RFC 6762) between two hosts: `answer` announces and defends a service, `ask` browses for it."""

import json
import socket
import struct
import sys
import time

role, out = sys.argv[1], sys.argv[2]
MINE = {"answer": "192.0.2.53", "ask": "192.0.2.10"}[role]
GROUP4, GROUP6 = "224.0.0.251", "ff02::fb"
SERVICE, WHO, HOST = ("_ipp", "_tcp", "local"), ("Küche 2.0 · Drucker", "_ipp", "_tcp", "local"), ("kueche", "local")
MANY = ("_services", "_dns-sd", "_udp", "local")


def name(labels):
    return b"".join(bytes([len(p)]) + p for p in (x.encode() for x in labels)) + b"\0"


def rr(owner, kind, ttl, data, flush=True):
    return name(owner) + struct.pack("!HHIH", kind, (0x8000 if flush else 0) | 1, ttl, len(data)) + data


def rrs(ttl=120):
    nsec = name(HOST) + b"\0\x04\x40\0\0\x08"
    return [
        rr(SERVICE, 12, ttl and 4500, name(WHO), False),
        rr(WHO, 33, ttl, struct.pack("!3H", 0, 0, 631) + name(HOST)),
        rr(WHO, 16, ttl and 4500, b"\x09txtvers=1\x08qtotal=1\x07Color=T\x05paper"),
        rr(HOST, 1, ttl, socket.inet_aton("192.0.2.53")),
        rr(HOST, 28, ttl, socket.inet_pton(socket.AF_INET6, "2001:db8::53")),
        rr(HOST, 47, ttl, nsec),
    ]


def message(flags, questions=(), answers=(), authority=(), more=()):
    n = [len(x) for x in (questions, answers, authority, more)]
    return struct.pack("!6H", 0, flags, *n) + b"".join([*questions, *answers, *authority, *more])


def question(labels, kind, unicast=False):
    return name(labels) + struct.pack("!HH", kind, (0x8000 if unicast else 0) | 1)


u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
u.bind(("", 5353))
u.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
u.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
u.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP4) + socket.inet_aton(MINE))
u.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(MINE))
v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
v.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
v.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
v.bind(("::", 5353))
index = socket.if_nametoindex("eth0")
v.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
v.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
v.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
v.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("@I", index))
everyone4, everyone6 = (GROUP4, 5353), (GROUP6, 5353, 0, index)

if role == "answer":
    import select

    u.sendto(message(0, [question(HOST, 255, True)], (), [rrs()[3], rrs()[4]]), everyone4)  # probe: is the name free?
    time.sleep(0.25)
    u.sendto(message(0x8400, (), rrs()), everyone4)  # announce
    v.sendto(message(0x8400, (), rrs()), everyone6)
    while True:
        for s in select.select([u, v], [], [])[0]:
            data, who = s.recvfrom(9000)
            if data[2] & 0x80:
                continue
            unicast = data[-2] & 0x80
            known = struct.unpack("!H", data[6:8])[0]
            if name(MANY) in data:
                reply = message(0x8400, (), [rr(MANY, 12, 4500, name(SERVICE), False)])
            elif name(("bye", "local")) in data:
                reply = message(0x8400, (), rrs(0))  # goodbye: TTL 0
            elif known:
                continue  # the asker knows already
            else:
                reply = message(0x8400, (), rrs()[:1], (), rrs()[1:])
            s.sendto(reply, who if unicast else everyone4 if s is u else everyone6)

truth = {"service": ".".join(SERVICE), "instance": list(WHO), "host": "kueche.local", "a": "192.0.2.53", "aaaa": "2001:db8::53", "port": 631, "txt": ["txtvers=1", "qtotal=1", "Color=T", "paper"]}
for s, group in ((u, everyone4), (v, everyone6)):
    s.sendto(message(0, [question(MANY, 12)]), group)
    time.sleep(0.1)
    s.sendto(message(0, [question(SERVICE, 12, True)]), group)  # QU: answer me alone, please
    time.sleep(0.1)
    s.sendto(message(0, [question(SERVICE, 12), question(HOST, 1), question(HOST, 28)]), group)
    time.sleep(0.1)
u.sendto(message(0, [question(SERVICE, 12)], [rrs()[0]]), everyone4)  # known answer: silence follows
time.sleep(0.1)
u.sendto(message(0, [question(("bye", "local"), 1)]), everyone4)
time.sleep(0.2)
json.dump(truth, open(out, "w"), indent=1, ensure_ascii=False)
