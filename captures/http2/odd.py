"""Connections of HTTP/2 spoken frame by frame over real TCP: `serve` answers on port 80, `visit TRUTH` asks; both follow SCRIPTS."""

import json
import pathlib
import socket
import sys
import time

from hpack import Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PROMISE, PING, GOAWAY, WINDOW, CONT, ALTSVC, ORIGIN, UPDATE = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def number(n):
    return n.to_bytes(4, "big")


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(k.to_bytes(2, "big") + number(v) for k, v in pairs))


ACK = frame(SETTINGS, 1, 0)


class Side:
    def __init__(self):
        self.coder = Encoder()

    def ask(self, stream, path, *more, method="GET", flags=5):
        fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "www.cafe.test"), *more]
        return frame(HEADERS, flags, stream, self.coder.encode(fields))

    def answer(self, stream, *more, status="200", flags=4):
        return frame(HEADERS, flags, stream, self.coder.encode([(":status", status), *more]))


def begin(*own):
    return [(">", PREFACE + settings((3, 100), (4, 65535), *own)), ("<", settings((3, 100)) + ACK), (">", ACK)]


def scripts():
    """Name, turns of a connection, and what a reader should find."""
    c, s = Side(), Side()
    yield "resized", begin((1, 0)) + [
        (">", c.ask(1, "/a", ("x-kept", "one"))),
        ("<", frame(HEADERS, 5, 1, b"\x20\x88\x00\x01a\x01b")),
        (">", settings((1, 100)) + c.ask(3, "/b", ("x-kept", "one"))),
        ("<", ACK + frame(HEADERS, 5, 3, b"\x3f\x45\x88\x40\x06x-room\x04made" + b"\x40\x06x-more\x28" + b"y" * 40 + b"\xbe")),
    ], [("GET", "/a", 200), ("GET", "/b", 200)]
    c, s = Side(), Side()
    block = c.coder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/long"), (":authority", "www.cafe.test"), ("x-long", "z" * 900)])
    yield "continued", begin() + [
        (">", frame(HEADERS, 1, 1, block[:5]) + b"".join(frame(CONT, 0, 1, block[i : i + 97]) for i in range(5, len(block) - 50, 97))
         + frame(CONT, 4, 1, block[5 + 97 * ((len(block) - 55 + 96) // 97) :])),
        ("<", s.answer(1, ("content-type", "text/plain")) + frame(DATA, 1, 1, b"joined")),
    ], [("GET", "/long", 200)]
    c, s = Side(), Side()
    yield "padded", begin() + [
        (">", frame(HEADERS, 4 | 8 | 32, 1, b"\x03" + number(0x80000000) + b"\x0f"
                    + c.coder.encode([(":method", "POST"), (":scheme", "http"), (":path", "/padded"), (":authority", "www.cafe.test")]) + bytes(3))
         + frame(DATA, 8, 1, b"\x05mint" + bytes(5)) + frame(DATA, 9, 1, b"\x00 tea")),
        ("<", s.answer(1) + frame(DATA, 8, 1, b"\x04done" + bytes(4)) + frame(HEADERS, 5, 1, s.coder.encode([("x-sum", "12")]))),
    ], [("POST", "/padded", 200)]
    c, s = Side(), Side()
    yield "hints", begin() + [
        (">", c.ask(1, "/hints")),
        ("<", s.answer(1, ("link", "</style.css>; rel=preload"), status="103")),
        ("<", s.answer(1, status="102")),
        ("<", s.answer(1, ("content-length", "2")) + frame(DATA, 1, 1, b"ok")),
    ], [("GET", "/hints", 200)]
    c, s = Side(), Side()
    yield "given up", begin() + [
        (">", c.ask(1, "/slow") + c.ask(3, "/fast") + c.ask(5, "/refused")),
        ("<", s.answer(1) + frame(DATA, 0, 1, b"some") + s.answer(3, flags=5) + frame(RST, 0, 5, number(7))),
        (">", frame(RST, 0, 1, number(8))),
        ("<", frame(GOAWAY, 0, 0, number(5) + number(11) + b"too many cakes")),
    ], [("GET", "/slow", 200), ("GET", "/fast", 200), ("GET", "/refused", None)]
    c, s = Side(), Side()
    push = s.coder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/pushed.css"), (":authority", "www.cafe.test")])
    yield "pushed", begin((2, 1)) + [
        (">", c.ask(1, "/page")),
        ("<", frame(PROMISE, 4, 1, number(2) + push) + s.answer(1, flags=5) + s.answer(2, ("content-type", "text/css")) + frame(DATA, 1, 2, b"p{}")),
    ], [("GET", "/page", 200), ("GET", "/pushed.css", 200)]
    c, s = Side(), Side()
    yield "extensions", begin((8, 1), (0x1A1A, 7)) + [
        (">", c.ask(1, "/x", ("priority", "u=1")) + frame(UPDATE, 0, 0, number(1) + b"u=0, i") + frame(0x2A, 0, 0, b"grease")),
        ("<", frame(ALTSVC, 0, 0, b"\0\x14http://www.cafe.test" + b'h3=":443"; ma=60') + frame(ORIGIN, 0, 0, b"\0\x17https://cakes.cafe.test") + s.answer(1, flags=5)),
        (">", frame(PING, 0, 0, b"are you?") + frame(PRIORITY, 0, 9, number(1) + b"\xff")),
        ("<", frame(PING, 1, 0, b"are you?")),
    ], [("GET", "/x", 200)]
    c, s = Side(), Side()
    yield "windows", begin() + [
        (">", c.ask(1, "/up", method="POST", flags=4) + b"".join(frame(DATA, 0, 1, bytes([65 + i]) * 16384) for i in range(4))),
        ("<", frame(WINDOW, 0, 0, number(40000)) + frame(WINDOW, 0, 1, number(40000))),
        (">", frame(DATA, 1, 1, b"last")),
        ("<", s.answer(1, flags=5)),
    ], [("POST", "/up", 200)]
    c, s = Side(), Side()
    yield "malformed", begin() + [
        (">", frame(HEADERS, 5, 1, b"\x82\x86\x84\x41\x0dwww.cafe.test\x00\x05X-Cap\x01a\x00\x0aconnection\x05close\x00\x04evil\x08a\r\nb: cd")),
        ("<", s.answer(1, flags=5) + frame(DATA, 0, 0, b"nowhere") + frame(WINDOW, 0, 0, number(0)) + frame(RST, 0, 1, number(1))),
    ], [("GET", "/", 200)]


def take(sock, n):
    got = b""
    while len(got) < n:
        more = sock.recv(n - len(got))
        if not more:
            raise SystemExit(f"{len(got)} of {n} bytes came")
        got += more
    return got


def play(sock, turns, me):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for who, data in turns:
        if who == me:
            time.sleep(0.02)
            sock.sendall(data)
        elif take(sock, len(data)) != data:
            raise SystemExit("something else came")
    sock.shutdown(socket.SHUT_WR)
    sock.recv(1)
    sock.close()


if sys.argv[1] == "serve":
    listener = socket.create_server(("192.0.2.81", 80))
    for _, turns, _ in scripts():
        play(listener.accept()[0], turns, "<")
else:
    found = []
    for name, turns, exchanges in scripts():
        sock = socket.create_connection(("192.0.2.81", 80))
        found.append({"name": name, "client_port": sock.getsockname()[1], "exchanges": exchanges})
        play(sock, turns, ">")
    pathlib.Path(sys.argv[2]).write_text("[" + ",\n".join(json.dumps(f) for f in found) + "]\n")
