"""The café's programs behind nginx (JSON answers, orders, chat) and its mail server. First argument: work folder."""

import asyncio
import hashlib
import http.server
import json
import pathlib
import sys
import threading

import websockets
from aiosmtpd.controller import Controller

work = pathlib.Path(sys.argv[1])


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"cakes": [{"name": "plum cake", "left": 4}, {"name": "poppy roll", "left": 11}], "soup": "lentil", "baker": "Tomasz"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "max-age=60")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(303)
        self.send_header("Location", "/thanks.html")
        self.send_header("Set-Cookie", "order=17; Path=/; HttpOnly")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mails:
    async def handle_DATA(self, _server, _session, envelope):
        sha = hashlib.sha256(envelope.content).hexdigest()
        (work / "mail.json").write_text(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "size": len(envelope.content), "sha256": sha}))
        return "250 2.0.0 Noor will read it over breakfast"


async def chat(ws):
    """Answers each line; the greeting and a ping come from the server's side."""
    await ws.send("Ingrid: hello! The machine is warm.")
    async for line in ws:
        if isinstance(line, bytes):
            await ws.send(bytes(reversed(line)))
        elif "rolls" in line:
            await (await ws.ping(b"still there?"))
            await ws.send("Ingrid: eleven poppy rolls left. Shall I keep two?")
        else:
            await ws.send("Ingrid: done, see you at ten.")


async def main():
    threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", 9000), Api).serve_forever, daemon=True).start()
    Controller(Mails(), hostname="192.0.2.90", port=25, server_hostname="mail.cafe.test", ident="Cafe Test mail").start()
    async with websockets.serve(chat, "127.0.0.1", 9001, compression=None, server_header=None, ping_interval=None):
        await asyncio.Future()


asyncio.run(main())
