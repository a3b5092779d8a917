"""A server of server-sent events on port 80: /news sends a few with pauses between them and ends; /ticks goes on until it is hung up on."""

import http.server
import time

NEWS = [
    ": good morning\n\n",
    "retry: 2500\n\n",
    'event: cake\nid: 1\ndata: {"kind": "plum", "left": 4}\n\n',
    'event: cake\nid: 2\ndata: {"kind": "plum",\ndata:  "left": 3}\n\n',
    "data: we close at six\r\nid: 3\r\n\r\n",
]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            if self.path == "/news":
                for event in NEWS:
                    self.chunk(event)
                    time.sleep(0.05)
                self.chunk("")
            else:
                for n in range(10_000):
                    self.chunk(f"event: tick\ndata: {n}\n\n")
                    time.sleep(0.1)
        except OSError:
            pass

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("192.0.2.82", 80), Handler).serve_forever()
