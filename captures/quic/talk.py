"""Both ends of the QUIC captures: a small HTTP/3 server, and a client that plays one scene after the other (aioquic).

talk.py serve CERT KEY RETRY-PORT PORT   talk.py visit SCENE KEYLOG TRUTH
"""

import asyncio
import hashlib
import json
import ssl
import sys

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.asyncio.client import connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import SessionTicket

HOST, PORT, RETRY_PORT = "192.0.2.80", 443, 4443
BODIES = {
    "/": b"<!doctype html><title>Cafe</title><p>Come in, the kettle is on.\n",
    "/menu.json": json.dumps({"tea": 2.5, "cake": ["plum", "apple"], "open": True}).encode(),
    "/long.txt": b"".join(b"line %05d of a long story\n" % n for n in range(4000)),
}


class Server(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.h3, self.asked = None, {}

    def quic_event_received(self, event):
        if self.h3 is None and self._quic._handshake_complete or type(event).__name__ == "ProtocolNegotiated":
            self.h3 = self.h3 or H3Connection(self._quic, enable_webtransport=False)
        if self.h3 is None:
            return
        for e in self.h3.handle_event(event):
            if isinstance(e, HeadersReceived):
                self.asked[e.stream_id] = [dict(e.headers), b""]
            if isinstance(e, DataReceived):
                self.asked[e.stream_id][1] += e.data
            if getattr(e, "stream_ended", False):
                self.answer(e.stream_id, *self.asked.pop(e.stream_id))

    def answer(self, stream, head, body):
        path = head[b":path"].decode()
        answer = body[::-1] if head[b":method"] == b"POST" else BODIES.get(path)
        status = b"404" if answer is None else b"200"
        answer = answer or b"not here\n"
        kind = b"application/json" if path.endswith("json") else b"text/plain"
        self.h3.send_headers(stream, [(b":status", status), (b"server", b"kettle"), (b"content-type", kind), (b"content-length", b"%d" % len(answer))])
        self.h3.send_data(stream, answer, end_stream=True)
        self.transmit()


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.h3, self.waiting = H3Connection(self._quic), {}

    def quic_event_received(self, event):
        for e in self.h3.handle_event(event):
            entry = self.waiting.get(getattr(e, "stream_id", None))
            if entry is None:
                continue
            if isinstance(e, HeadersReceived):
                entry[0].update(e.headers)
            if isinstance(e, DataReceived):
                entry[1].extend(e.data)
            if getattr(e, "stream_ended", False):
                entry[2].set_result(None)

    async def ask(self, method, path, body=b""):
        stream = self._quic.get_next_available_stream_id()
        head = [(b":method", method), (b":scheme", b"https"), (b":authority", b"www.cafe.test"), (b":path", path.encode()), (b"user-agent", b"wl-guest/1")]
        entry = self.waiting[stream] = [{}, bytearray(), asyncio.get_running_loop().create_future()]
        self.h3.send_headers(stream, head, end_stream=not body)
        if body:
            self.h3.send_data(stream, body, end_stream=True)
        self.transmit()
        await asyncio.wait_for(entry[2], 20)
        return {
            "method": method.decode(), "path": path, "stream": stream, "status": int(entry[0][b":status"]),
            "request_body": hashlib.sha256(body).hexdigest(), "response_len": len(entry[1]), "response_body": hashlib.sha256(entry[1]).hexdigest(),
        }


def settings(keylog, **more):
    c = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="www.cafe.test", **more)
    c.verify_mode = ssl.CERT_NONE
    c.secrets_log_file = open(keylog, "a")
    return c


async def visit(scene, keylog):
    said, tickets = [], []

    async def one(port=PORT, wait=True, asks=(), **more):
        config = settings(keylog, **more)
        async with connect(HOST, port, configuration=config, create_protocol=Client, session_ticket_handler=tickets.append, wait_connected=wait) as c:
            for ask in asks:
                if ask == "update":
                    await c.ping()
                    c.request_key_update()
                elif ask == "rename":
                    c.change_connection_id()
                elif isinstance(ask, list):
                    said.extend(await asyncio.gather(*(c.ask(*a) for a in ask)))
                else:
                    said.append(await c.ask(*ask))
        config.secrets_log_file.close()

    get = lambda p: (b"GET", p)
    if scene == "page":
        await one(asks=[get("/"), [get("/menu.json"), get("/long.txt"), (b"POST", "/echo", b"two cups, please" * 100)], get("/nothing")])
    elif scene == "keys":
        await one(asks=[get("/"), "update", get("/menu.json"), "rename", get("/"), "update", get("/long.txt")])
    elif scene == "resume":
        await one(asks=[get("/")])
        await asyncio.sleep(0.2)
        assert tickets and isinstance(tickets[-1], SessionTicket)
        await one(asks=[get("/menu.json")], wait=False, session_ticket=tickets[-1])
    elif scene == "retry":
        await one(port=RETRY_PORT, asks=[get("/menu.json")])
    elif scene == "second":
        await one(asks=[get("/menu.json")], original_version=QuicProtocolVersion.VERSION_2, supported_versions=[QuicProtocolVersion.VERSION_2, QuicProtocolVersion.VERSION_1])
    elif scene == "chacha":
        from aioquic.tls import CipherSuite
        await one(asks=[get("/menu.json")], cipher_suites=[CipherSuite.CHACHA20_POLY1305_SHA256])
        await one(asks=[get("/")], cipher_suites=[CipherSuite.AES_256_GCM_SHA384])
    elif scene == "lossy":
        await one(asks=[[get("/"), get("/long.txt"), get("/menu.json")], get("/long.txt")])
    return said


class Tickets:
    def __init__(self):
        self.held = {}

    def add(self, ticket):
        self.held[ticket.ticket] = ticket

    def pop(self, label):
        return self.held.pop(label, None)


async def main():
    if sys.argv[1] == "serve":
        _, _, cert, key = sys.argv
        store = Tickets()
        for port, retry in ((PORT, False), (RETRY_PORT, True)):
            config = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
            config.supported_versions = [QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2]
            config.load_cert_chain(cert, key)
            await serve("192.0.2.80", port, configuration=config, create_protocol=Server, session_ticket_fetcher=store.pop, session_ticket_handler=store.add, retry=retry)
        await asyncio.Event().wait()
    _, _, scene, keylog, truth = sys.argv
    said = await visit(scene, keylog)
    with open(truth, "w") as f:
        json.dump({"scene": scene, "exchanges": said}, f, indent=1)
        f.write("\n")


asyncio.run(main())
