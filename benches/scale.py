#!/usr/bin/env python3
"""How time and memory grow: `wirelore summary` over made-up captures from 10 MB to 4 GB and from 1 thousand to 2 million flows.

scale.py PROGRAM [--folder DIR] [--most-mb N] [--most-flows N] [--times N] prints a Markdown table. Captures are written to DIR (by default a
temporary folder) one after the other and removed again; the largest needs 4.1 GB of disk. The bytes are the same each time.
CPU and wall time are the least of N runs; memory is the highest RssAnon seen, less what the same program needs for an empty capture.
"""

import argparse
import os
import struct
import subprocess
import sys
import tempfile
import time

HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)
SERVER = bytes([198, 51, 100, 80])
BODY = (b"The quick brown fox jumps over the lazy dog. " * 40)[:1448]
# What the goal allows: bytes of own memory a packet and a flow.
PACKET, FLOW = 64, 600


def record(ns, to_server, seq, ack, flags, payload=b"", port=40000, client=bytes([10, 0, 0, 1])):
    """A pcap record of an Ethernet, IPv4, TCP packet; checksums are left 0."""
    source, target = (client, SERVER) if to_server else (SERVER, client)
    ports = (port, 80) if to_server else (80, port)
    tcp = struct.pack(">HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 64240, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 1, 0x4000, 64, 6, 0, source, target)
    frame = b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + ip + tcp + payload
    return struct.pack("<IIII", ns // 10**9, ns % 10**9, len(frame), len(frame)) + frame


ADDRESS = {True: 16 + 14 + 12, False: 16 + 14 + 16}  # of the client, in a record, by direction
SYN, ACK, FIN, PSH = 2, 16, 1, 8
REQUEST = b"GET /item HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: scale\r\n\r\n"


def short_flow(port, ns):
    """Records of one small exchange, always of the same sizes."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello, there"
    a, b, steps = 1000, 9000, []
    for to_server, flags, payload in (
        (True, SYN, b""), (False, SYN | ACK, b""), (True, ACK, b""), (True, ACK | PSH, REQUEST),
        (False, ACK | PSH, answer), (True, ACK | FIN, b""), (False, ACK | FIN, b""), (True, ACK, b""),
    ):
        seq, ack = (a, b) if to_server else (b, a)
        steps.append((to_server, record(ns + 1000 * len(steps), to_server, seq, ack if flags & ACK else 0, flags, payload, port)))
        grow = len(payload) + (1 if flags & (SYN | FIN) else 0)
        a, b = (a + grow, b) if to_server else (a, b + grow)
    return steps


def write_flows(path, flows):
    """A capture of so many small exchanges; returns its packets."""
    in_chunk = min(flows, 50000)
    chunk, places, size = bytearray(), [], 0
    for n in range(in_chunk):
        steps = short_flow(10000 + n, 10**18 + n * 20000)
        if not places:
            for to_server, r in steps:
                places.append(size + ADDRESS[to_server])
                size += len(r)
        for _, r in steps:
            chunk += r
    left, packets, number = flows, 0, 0
    with open(path, "wb") as f:
        f.write(HEAD)
        while left > 0:
            now = min(left, in_chunk)
            for place in places:
                chunk[place + 2 :: size] = bytes([number & 255]) * in_chunk
            f.write(chunk if now == in_chunk else chunk[: now * size])
            left, packets, number = left - now, packets + now * len(places), number + 1
    return packets


def write_bytes(path, megabytes):
    """A capture of so many megabytes: downloads of 10 MB (1 MB in the smallest), each a connection; returns packets and flows."""
    pairs = 330 if megabytes <= 10 else 3300
    pair = len(BODY) * 2
    length = pairs * pair
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % length)
    start = [record(0, True, 1000, 0, SYN), record(0, False, 9000, 1001, SYN | ACK), record(0, True, 1001, 9001, ACK),
             record(0, True, 1001, 9001, ACK | PSH, REQUEST), record(0, False, 9001, 1001 + len(REQUEST), ACK, head)]
    a, b = 1001 + len(REQUEST), 9001 + len(head)
    middle = []
    for n in range(pairs):
        at = b + n * pair
        middle += [record(0, False, at, a, ACK, BODY), record(0, False, at + len(BODY), a, ACK, BODY), record(0, True, a, at + pair, ACK)]
    at = b + length
    end = [record(0, False, at, a, ACK | FIN), record(0, True, a, at + 1, ACK | FIN), record(0, False, at + 1, a + 1, ACK)]
    which = [True, False, True, True, False] + [False, False, True] * pairs + [False, True, False]
    records = start + middle + end
    chunk, places = bytearray(), []
    for to_server, r in zip(which, records):
        places.append(len(chunk) + ADDRESS[to_server])
        chunk += r
    flows = max(1, round(megabytes * 1e6 / len(chunk)))
    with open(path, "wb") as f:
        f.write(HEAD)
        for n in range(flows):
            address, clock = bytes([n >> 8 & 255, n & 255]), struct.pack("<I", 10**9 + n)
            for to_server, place in zip(which, places):
                chunk[place + 1 : place + 3] = address
                record_at = place - ADDRESS[to_server]
                chunk[record_at : record_at + 4] = clock
            f.write(chunk)
    return len(records) * flows, flows


def run(program, path):
    """Wall seconds, CPU seconds, highest RssAnon in bytes of one run."""
    began = time.monotonic()
    p = subprocess.Popen([program, "summary", "-q", "-r", path], stdout=subprocess.DEVNULL)
    most = 0
    while True:
        pid, status, used = os.wait4(p.pid, os.WNOHANG)
        if pid:
            break
        try:
            with open(f"/proc/{p.pid}/status") as f:
                for line in f:
                    if line.startswith("RssAnon:"):
                        most = max(most, int(line.split()[1]) * 1024)
        except OSError:
            pass
        time.sleep(0.002)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        sys.exit(f"{program} ended with {p.returncode} on {path}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, most


def plain(path):
    """CPU seconds of only reading the file."""
    before = os.times()
    with open(path, "rb", buffering=0) as f:
        block = bytearray(1 << 20)
        while f.readinto(block):
            pass
    after = os.times()
    return after.user + after.system - before.user - before.system


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("program")
    args.add_argument("--folder")
    args.add_argument("--most-mb", type=int, default=4000)
    args.add_argument("--most-flows", type=int, default=2_000_000)
    args.add_argument("--times", type=int, default=1)
    args = args.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = os.path.join(folder, "scale.pcap")
        with open(path, "wb") as f:
            f.write(HEAD)
        empty = max(run(args.program, path)[2] for _ in range(3))
        print(f"own memory for an empty capture: {empty / 1e6:.1f} MB (taken off below)\n")
        print("| capture | MB | packets | flows | wall s | CPU s | plain reading s | MB/s of CPU | ns a packet | own memory MB | bytes a packet | bytes a flow | of the goal |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        sizes = [("size", n) for n in (10, 100, 1000, 4000) if n <= args.most_mb]
        counts = [("flows", n) for n in (1000, 10_000, 100_000, 1_000_000, 2_000_000) if n <= args.most_flows]
        for kind, n in sizes + counts:
            packets, flows = write_bytes(path, n) if kind == "size" else (write_flows(path, n), n)
            size = os.path.getsize(path)
            read = plain(path)
            runs = [run(args.program, path) for _ in range(args.times)]
            wall, cpu, most = min(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs)
            own = max(0, most - empty)
            goal = PACKET * packets + FLOW * flows
            print(f"| {kind} {n} | {size / 1e6:.0f} | {packets} | {flows} | {wall:.2f} | {cpu:.2f} | {read:.2f} | {size / 1e6 / max(cpu, 0.001):.0f} | "
                  f"{cpu * 1e9 / packets:.0f} | {own / 1e6:.1f} | {own / packets:.0f} | {own / flows:.0f} | {100 * own / goal:.0f} % |", flush=True)


main()
