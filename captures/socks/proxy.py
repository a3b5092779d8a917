"""A small SOCKS proxy for the capture: versions 4, 4a and 5, connect only; every name leads to this machine."""
import socket
import sys
import threading


def exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def until_zero(s):
    text = b""
    while not text.endswith(b"\0"):
        text += exactly(s, 1)
    return text[:-1]


def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)


def serve(c):
    try:
        version = exactly(c, 1)[0]
        if version == 4:
            _, port = exactly(c, 1), int.from_bytes(exactly(c, 2), "big")
            ip = exactly(c, 4)
            until_zero(c)
            if ip[:3] == b"\0\0\0":
                until_zero(c)
            good, bad = b"\0\x5a" + bytes(6), b"\0\x5b" + bytes(6)
        else:
            methods = exactly(c, exactly(c, 1)[0])
            method = 2 if 2 in methods else 0
            c.sendall(bytes([5, method]))
            if method == 2:
                exactly(c, 1)
                exactly(c, exactly(c, 1)[0])
                right = exactly(c, exactly(c, 1)[0]) == b"invented"
                c.sendall(bytes([1, not right]))
                if not right:
                    return c.close()
            _, _, _, kind = exactly(c, 4)
            exactly(c, {1: 4, 4: 16}.get(kind) or exactly(c, 1)[0])
            port = int.from_bytes(exactly(c, 2), "big")
            good, bad = b"\5\0\0\1" + bytes(6), b"\5\5\0\1" + bytes(6)
        try:
            there = socket.create_connection(("127.0.0.1", port))
        except OSError:
            c.sendall(bad)
            return c.close()
        c.sendall(good)
        threading.Thread(target=pump, args=(there, c), daemon=True).start()
        pump(c, there)
    except (EOFError, OSError):
        c.close()


server = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
