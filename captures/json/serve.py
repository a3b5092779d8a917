"""Serves JSON of several kinds on 192.0.2.80:80, some of it wrong, one of it cut off by the end of the connection."""

import gzip
import http.server
import json

MENU = {"cakes": [{"name": f"cake {n}", "price": n / 4, "sold": n % 3 == 0, "from": None if n % 5 else "Öland"} for n in range(40)], "open": True}
BODIES = {
    "/menu": ("application/json", json.dumps(MENU, indent=1).encode()),
    "/lines": ("application/x-ndjson", b"".join(json.dumps({"n": n, "at": n * 1.5e3}).encode() + b"\n" for n in range(12))),
    "/problem": ("application/problem+json; charset=utf-8", b'{"type":"about:blank","title":"No tea","status":418,"detail":"I am \\"short\\" \\u0026 stout"}'),
    "/deep": ("application/json", b"[" * 40 + b"1" + b"]" * 40),
    "/faults": ("application/json", b"{'single': 1, \"a\": 01, \"a\": NaN, }"),
    "/cut": ("application/json", b'{"list": [1, 2, 3, {"half": "of a te'),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        kind, body = BODIES[self.path]
        whole = len(body) + (100 if self.path == "/cut" else 0)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if self.path == "/menu":
            body = gzip.compress(body, mtime=0)
            whole = len(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(whole))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.path == "/cut"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "11")
        self.end_headers()
        self.wfile.write(b'{"id": 917}')


http.server.ThreadingHTTPServer(("192.0.2.80", 80), Handler).serve_forever()
