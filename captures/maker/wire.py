"""A wire with a length and with faults: carries frames between two interfaces of its namespace, late, lost, twice or swapped.

wire.py IF_A IF_B [--delay MS] [--loss P] [--dup P] [--swap P] [--seed N]: faults strike TCP segments with payload only,
and the same segments in each making for the same traffic (the generator is seeded).
"""

import argparse
import heapq
import random
import select
import socket
import struct
import time

p = argparse.ArgumentParser()
p.add_argument("interfaces", nargs=2)
p.add_argument("--delay", type=float, default=0.0, help="one way, in milliseconds")
p.add_argument("--loss", type=float, default=0.0)
p.add_argument("--dup", type=float, default=0.0)
p.add_argument("--swap", type=float, default=0.0)
p.add_argument("--seed", type=int, default=1)
a = p.parse_args()
dice = random.Random(a.seed)
ends = []
for name in a.interfaces:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 0))
    ends.append(s)


def carries_data(frame):
    """Whether an Ethernet frame holds an IPv4 TCP segment with payload."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return False
    ihl = (frame[14] & 15) * 4
    total = struct.unpack("!H", frame[16:18])[0]
    return total > ihl + (frame[14 + ihl + 12] >> 4) * 4


queue, count = [], 0
while True:
    wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
    for s in select.select(ends, [], [], wait)[0]:
        frame, where = s.recvfrom(65536)
        if where[2] == socket.PACKET_OUTGOING:
            continue
        to = ends[1 - ends.index(s)]
        due = time.monotonic() + a.delay / 1000
        copies = 1
        if carries_data(frame):
            luck = dice.random()
            if luck < a.loss:
                copies = 0
            elif luck < a.loss + a.dup:
                copies = 2
            elif luck < a.loss + a.dup + a.swap:
                due += 0.004
        for _ in range(copies):
            count += 1
            heapq.heappush(queue, (due, count, to, frame))
    now = time.monotonic()
    while queue and queue[0][0] <= now:
        _, _, to, frame = heapq.heappop(queue)
        to.send(frame)
