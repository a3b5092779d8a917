"""Plays cases.py between two hosts: `odd.py serve`, or `odd.py visit GROUP TRUTH.json`. Real TCP, hand-written HTTP."""

import hashlib
import json
import socket
import struct
import sys
import threading
import time

import cases

ADDRESS = ("192.0.2.80", 80)


def play(s, script):
    """Writes a script: bytes at once, a number as a pause in ms, a list byte by byte."""
    for step in script:
        if isinstance(step, int):
            time.sleep(max(step, 0) / 1000)
        elif isinstance(step, list):
            for b in b"".join(step):
                s.sendall(bytes([b]))
                time.sleep(0.001)
        elif step:
            s.sendall(step)
            time.sleep(0.004)


def drain(s):
    s.settimeout(2)
    try:
        while s.recv(65536):
            pass
    except OSError:
        pass


def serve():
    every = {c.name: c for group in cases.GROUPS.values() for c in group}
    late = [c for c in every.values() if c.server and c.server[0] == -1]
    door = socket.create_server(ADDRESS)

    def one(s):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.settimeout(0.04)
        try:
            seen = s.recv(65536)
        except OSError:
            play(s, late[0].server)
            drain(s)
            return s.close()
        s.settimeout(2)
        name = None
        while name is None:
            if b"\n" in seen:
                name = next((n for n in sorted(every, key=len, reverse=True) if b"/" + n.encode() in seen), None)
            if name is None:
                more = s.recv(65536)
                if not more:
                    break
                seen += more
        c = every[name]
        time.sleep(0.01 if not isinstance(c.client[0], list) else 0.2)
        play(s, c.server)
        if c.end == "reset":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif c.end == "server":
            s.shutdown(socket.SHUT_WR)
            drain(s)
        s.close()

    while True:
        threading.Thread(target=one, args=(door.accept()[0],), daemon=True).start()


def told(b):
    return None if b is None else {"len": len(b), "sha256": hashlib.sha256(b).hexdigest()}


def visit(group, out):
    truth = []
    for c in cases.GROUPS[group]:
        s = socket.create_connection(ADDRESS)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = s.getsockname()[1]
        try:
            play(s, c.client)
        except OSError:
            pass
        drain(s)
        s.close()
        time.sleep(0.02)
        exchanges = [dict(method=m, target=t, status=st, request_body=told(q), response_body=told(w), decoded_body=told(d)) for m, t, st, q, w, d in c.expect]
        truth.append(dict(case=c.name, client_port=port, note=c.note, exchanges=exchanges))
    with open(out, "w") as f:
        f.write("[" + ",\n".join(json.dumps(t) for t in truth) + "]\n")


if sys.argv[1] == "serve":
    serve()
else:
    visit(sys.argv[2], sys.argv[3])
