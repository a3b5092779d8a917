"""The talks of the WebSocket captures: `serve` (cleartext on 80, TLS on 443), `visit GROUP TRUTH` speaks as the client and writes what it knows.

Both ends are the Python library websockets; the HTTP/2 part is hypercorn with a client of h2 and wsproto (h2talk.py).
"""

import asyncio
import hashlib
import json
import os
import ssl
import sys

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

SERVER = "192.0.2.80"
LINES = ["plum cake", "two coffees", '{"table":4,"order":["plum cake","coffee"],"paid":false}', "Grüße aus der Küche 🍰", "x" * 126, "y" * 65536]


def digest(data):
    raw = data.encode() if isinstance(data, str) else data
    return {"kind": "text" if isinstance(data, str) else "binary", "len": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


# The server -------------------------------------------------------------------------------------------------------------


async def handle(ws):
    path = ws.request.path
    if path == "/echo":
        async for m in ws:
            await ws.send(m)
    elif path == "/fragments":
        async for m in ws:
            # The answer in three fragments, with a ping between them.
            third = len(m) // 3

            async def parts():
                yield m[:third]
                await ws.ping(b"still here")
                yield m[third : 2 * third]
                yield m[2 * third :]

            await ws.send(parts())
    elif path == "/leave":
        await ws.send("the kitchen closes")
        await ws.close(1001, "closing time")
    elif path == "/fail":
        await ws.recv()
        raise RuntimeError("the oven is cold")
    elif path == "/hang-up":
        await ws.send("and then silence")
        ws.transport.abort()
    elif path == "/feed":
        for n in range(20):
            await ws.send(json.dumps({"n": n, "cake": "plum", "left": 20 - n}))
        await ws.close()


async def serve_all():
    deflate = [ServerPerMessageDeflateFactory()]
    known = ("orders.v1", "graphql-transport-ws")
    plain = dict(max_size=None, ping_interval=None, select_subprotocol=lambda ws, offered: next((s for s in offered if s in known), None))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(os.environ["CERT"], os.environ["KEY"])
    async with serve(handle, SERVER, 80, compression=None, **plain), serve(handle, SERVER, 8080, compression=None, extensions=deflate, **plain):
        async with serve(handle, SERVER, 443, ssl=tls, compression=None, extensions=deflate, **plain):
            await asyncio.Future()


# The client -------------------------------------------------------------------------------------------------------------

truth = []


class Talk:
    """A connection that notes what is said over it."""

    def __init__(self, ws, about):
        self.ws = ws
        self.note = {"about": about, "client_port": ws.local_address[1], "extensions": ws.response.headers.get("Sec-WebSocket-Extensions"), "protocol": ws.subprotocol, "to_server": [], "to_client": []}
        truth.append(self.note)

    async def say(self, data):
        self.note["to_server"].append(digest(data))
        await self.ws.send(data)

    async def hear(self):
        data = await self.ws.recv()
        self.note["to_client"].append(digest(data))
        return data

    async def done(self):
        await self.ws.wait_closed()
        self.note["close"] = [self.ws.close_code, self.ws.close_reason]


async def opened(path, about, port=80, **options):
    scheme = "wss" if port == 443 else "ws"
    options = {"compression": None, "max_size": None, "ping_interval": None, "proxy": None, **options}
    return Talk(await connect(f"{scheme}://{SERVER}:{port}{path}", **options), about)


async def chat():
    t = await opened("/echo", "text and binary of every length form, a ping, a Close", subprotocols=["orders.v1", "orders.v0"])
    for line in LINES:
        await t.say(line)
        await t.hear()
    for data in (b"", bytes(range(125)), bytes(range(256)) * 300):
        await t.say(data)
        await t.hear()
    await (await t.ws.ping(b"are you there?"))
    await t.ws.pong(b"a heartbeat")
    await t.ws.close(1000, "thank you")
    await t.done()
    t = await opened("/fragments", "fragments of both sides with pings between")

    async def parts():
        yield "one fragment, "
        await t.ws.ping(b"between")
        yield "another fragment, "
        yield "the last."

    t.note["to_server"].append(digest("one fragment, another fragment, the last."))
    await t.ws.send(parts())
    await t.hear()
    await t.say("Öl und Käse: letters cut in the middle 🍰🍰🍰")
    await t.hear()
    await t.ws.close()
    await t.done()
    t = await opened("/leave", "the server leaves")
    await t.hear()
    await t.done()
    t = await opened("/fail", "the server fails")
    await t.say("bake!")
    await t.done()
    t = await opened("/hang-up", "the connection breaks")
    await t.hear()
    await t.done()
    t = await opened("/feed", "a feed of JSON", subprotocols=["graphql-transport-ws"])
    for _ in range(20):
        await t.hear()
    await t.done()


async def deflate(port=8080):
    for client_fresh in (False, True):
        for server_fresh in (False, True):
            for client_bits, server_bits in ((None, None), (9, None), (None, 9), (9, 12)):
                offer = ClientPerMessageDeflateFactory(
                    server_no_context_takeover=server_fresh, client_no_context_takeover=client_fresh, server_max_window_bits=server_bits, client_max_window_bits=client_bits
                )
                t = await opened("/echo", "permessage-deflate", port, extensions=[offer])
                for line in (LINES[2], LINES[2], LINES[2].replace("4", "5"), "", LINES[3], bytes(range(256)) * 4, "z" * 3000):
                    await t.say(line)
                    await t.hear()
                await t.ws.close()
                await t.done()
    t = await opened("/fragments", "compressed fragments", port, extensions=[ClientPerMessageDeflateFactory()])
    for line in (LINES[2] * 3, LINES[3] * 9):
        await t.say(line)
        await t.hear()
    await t.ws.close()
    await t.done()


async def wss():
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    tls.keylog_filename = os.environ["SSLKEYLOGFILE"]
    t = await opened("/echo", "inside TLS, compressed", 443, ssl=tls, extensions=[ClientPerMessageDeflateFactory()])
    for line in LINES[:4]:
        await t.say(line)
        await t.hear()
    await t.ws.close(1000)
    await t.done()


async def lossy():
    t = await opened("/echo", "over a line that loses packets")
    for n in range(60):
        await t.say(f"message {n}: " + "plum cake " * (n % 37))
        await t.hear()
    await t.ws.close()
    await t.done()


if sys.argv[1] == "serve":
    asyncio.run(serve_all())
else:
    asyncio.run({"chat": chat, "deflate": deflate, "wss": wss, "lossy": lossy}[sys.argv[2]]())
    with open(sys.argv[3], "w") as f:
        f.write("[" + ",\n".join(json.dumps(t, ensure_ascii=False) for t in truth) + "]\n")
