"""A small session to be carried by tunnels: ping, DNS-shaped UDP, HTTP, over IPv4 and IPv6. `serve`, `visit TRUTH`, `big`."""

import hashlib
import http.server
import json
import socket
import struct
import subprocess
import sys
import threading

HOSTS = {socket.AF_INET: "198.51.100.80", socket.AF_INET6: "2001:db8:9::80"}
NOTE = b"".join(b"Line %03d of the note that travels inside.\n" % n for n in range(90))
QUERY = b"\3www\4cafe\4test\0\0\1\0\1"


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(NOTE)))
        self.end_headers()
        self.wfile.write(NOTE)

    def log_message(self, *_):
        pass


class Six(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def answer(family, port, reply):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    while True:
        data, who = s.recvfrom(65536)
        s.sendto(reply(data), who)


def dns(query):
    return query[:2] + struct.pack("!5H", 0x8580, 1, 1, 0, 0) + QUERY + b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4" + socket.inet_aton("192.0.2.80")


what = sys.argv[1]
if what == "serve":
    for family in HOSTS:
        for port, reply in ((53, dns), (7, lambda data: data)):
            threading.Thread(target=answer, args=(family, port, reply), daemon=True).start()
    threading.Thread(target=http.server.ThreadingHTTPServer(("0.0.0.0", 80), Page).serve_forever, daemon=True).start()
    s = Six(("::", 80), Page, bind_and_activate=False)
    s.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.server_bind()
    s.server_activate()
    s.serve_forever()
elif what == "visit":
    for family, host in HOSTS.items():
        subprocess.run(["ping", "-n", "-c", "1", host], check=True, capture_output=True)
        u = socket.socket(family, socket.SOCK_DGRAM)
        u.settimeout(3)
        u.sendto(struct.pack("!6H", 0x2026, 0x0100, 1, 0, 0, 0) + QUERY, (host, 53))
        u.recv(512)
        url = f"http://[{host}]/note" if ":" in host else f"http://{host}/note"
        got = subprocess.run(["curl", "-sS", "-g", url], check=True, capture_output=True).stdout
        assert got == NOTE
    truth = [{"method": "GET", "target": "/note", "host": h, "status": 200, "body": {"len": len(NOTE), "sha256": hashlib.sha256(NOTE).hexdigest()}} for h in HOSTS.values()]
    with open(sys.argv[2], "w") as f:
        f.write(json.dumps({"http": truth, "dns": {"id": 0x2026, "name": "www.cafe.test", "a": "192.0.2.80", "messages": 4}, "echo_requests": 2}, indent=1) + "\n")
else:
    for family, host in ((socket.AF_INET, "192.0.2.80"), (socket.AF_INET6, "2001:db8:2::80")):
        u = socket.socket(family, socket.SOCK_DGRAM)
        u.settimeout(3)
        u.sendto(NOTE, (host, 7))
        assert u.recv(65536) == NOTE
