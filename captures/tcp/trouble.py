"""TCP in trouble, with real kernels: `serve ADDRESS [PORT]`, or a visit (lossy, windows, ends, forgotten) to a server.

The first line of a connection says what the server shall do; truth is what both programs wrote, by hash.
"""

import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time

what, address = sys.argv[1], sys.argv[2]
truth = []


def load(seed, n):
    """n bytes of made-up text: lines with numbers, so that a hole is easy to see."""
    dice, out = random.Random(seed), bytearray()
    while len(out) < n:
        out += b"%06d %s\n" % (len(out), b" ".join(dice.choice((b"plum", b"poppy", b"rye", b"salt", b"butter")) for _ in range(6)))
    return bytes(out[:n])


def read_all(s, slow=0.0, chunk=65536):
    got = b""
    while part := s.recv(chunk):
        got += part
        if slow:
            time.sleep(slow)
    return got


def linger_reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def serve(port=7077):
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.setsockopt(socket.IPPROTO_TCP, 23, 16)  # TCP_FASTOPEN
    door.bind((address, port))
    door.listen(16)

    def one(s):
        s.settimeout(20)
        line = b""
        while not line.endswith(b"\n"):
            b = s.recv(1)
            if not b:
                return s.close()
            line += b
        verb, *args = line.split()
        if verb == b"SEND":
            s.sendall(load(int(args[0]), int(args[1])))
        elif verb == b"TAKE":
            s.sendall(hashlib.sha256(read_all(s)).hexdigest().encode() + b"\n")
        elif verb == b"DOZE":
            time.sleep(float(args[0]))
            read_all(s)
        elif verb == b"ECHO":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
            s.sendall(read_all(s))
        elif verb == b"RESET":
            s.sendall(b"not today\n")
            time.sleep(0.1)
            linger_reset(s)
        elif verb == b"IDLE":
            time.sleep(float(args[0]))
        elif verb == b"FOREVER":
            time.sleep(60)
        s.close()

    while True:
        threading.Thread(target=one, args=(door.accept()[0],), daemon=True).start()


def note(s, name, sent, got):
    truth.append(dict(what=name, client_port=s.getsockname()[1], c2s={"len": len(sent), "sha256": hashlib.sha256(sent).hexdigest()}, s2c={"len": len(got), "sha256": hashlib.sha256(got).hexdigest()}))


def dial(port=7077, **options):
    s = socket.socket()
    for name, value in options.items():
        level = socket.IPPROTO_TCP if name.startswith("TCP") else socket.SOL_SOCKET
        s.setsockopt(level, getattr(socket, name), value)
    s.settimeout(30)
    s.connect((address, port))
    return s


def ask(name, line, body=b"", **options):
    s = dial(**options)
    s.sendall(line + body)
    if body:
        s.shutdown(socket.SHUT_WR)
    got = read_all(s)
    note(s, name, line + body, got)
    s.close()


def lossy():
    ask("download over a bad wire", b"SEND 1 60000\n")
    ask("upload over a bad wire", b"TAKE\n", load(2, 40000))
    ask("both ways over a bad wire", b"ECHO\n", load(3, 20000))
    time.sleep(0.5)


def windows():
    # The reader dozes: the window closes, the sender probes, the window opens again.
    s = dial(SO_RCVBUF=4096)
    s.sendall(b"SEND 4 30000\n")
    time.sleep(1.5)
    got = read_all(s, slow=0.01, chunk=2000)
    note(s, "a slow reader closes its window", b"SEND 4 30000\n", got)
    s.close()
    s = dial(TCP_NODELAY=1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    s.sendall(b"IDLE 3.5\n")
    note(s, "keep-alives on a silent connection", b"IDLE 3.5\n", read_all(s))
    s.close()
    s = dial(TCP_NODELAY=1)
    s.sendall(b"ECHO\n")
    s.sendall(b"before ")
    s.send(b"!", socket.MSG_OOB)
    s.sendall(b" after")
    s.shutdown(socket.SHUT_WR)
    note(s, "urgent data", b"ECHO\nbefore ! after", read_all(s))
    s.close()
    for n in range(2):  # first asks for a cookie, then sends data in the SYN
        s = socket.socket()  # blocking: a timeout would make sendto return before the handshake ends
        line = b"SEND 5 100\n"
        s.sendto(line, socket.MSG_FASTOPEN, (address, 7077))
        note(s, f"TCP fast open, round {n + 1}", line, read_all(s))
        s.close()
        time.sleep(0.05)


def ends():
    ask("an orderly close, server first", b"SEND 6 500\n")
    ask("half close: the answer comes after our FIN", b"TAKE\n", load(7, 3000))
    s = dial()
    s.sendall(b"RESET\n")
    got = b""
    try:
        while part := s.recv(100):
            got += part
    except ConnectionResetError:
        pass
    note(s, "the server resets", b"RESET\n", got)
    s.close()
    s = dial()
    s.sendall(b"SEND 8 20000\n")
    got = s.recv(1000)
    linger_reset(s)
    port = s.getsockname()[1]
    s.close()
    truth.append(dict(what="the client resets in the middle of a download", client_port=port))
    try:
        dial(port=9)
    except ConnectionRefusedError:
        truth.append(dict(what="refused: port 9"))
    for n in range(3):  # the same four numbers, three connections
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("192.0.2.130", 45000))
        s.settimeout(5)
        s.connect((address, 7077))
        line = b"SEND %d 700\n" % (20 + n)
        s.sendall(line)
        got = b""
        while len(got) < 700:
            got += s.recv(700 - len(got))
        note(s, f"the same ports, connection {n + 1}", line, got)
        linger_reset(s)
        s.close()
        time.sleep(0.1)


def forgotten():
    s = dial(port=7900)
    s.sendall(b"FOREVER\n")
    time.sleep(2.6)
    try:
        s.sendall(b"are you still there?\n")
        s.recv(10)
    except ConnectionResetError:
        pass


if what == "serve":
    serve(int(sys.argv[3]) if len(sys.argv) > 3 else 7077)
{"lossy": lossy, "windows": windows, "ends": ends, "forgotten": forgotten}[what]()
if len(sys.argv) > 3:
    with open(sys.argv[3], "w") as f:
        f.write("[" + ",\n".join(json.dumps(t) for t in truth) + "]\n")
