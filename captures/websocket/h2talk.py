"""WebSocket over HTTP/2 (RFC 8441): `app` for hypercorn, and as a program the client, of h2 and wsproto. Usage: h2talk.py TRUTH"""

import hashlib
import json
import socket
import sys

SERVER = ("192.0.2.80", 8082)
LINES = ["plum cake", '{"table":4,"paid":true}', "Grüße 🍰", "long " * 4000]


async def app(scope, receive, send):
    """Echoes messages; hypercorn speaks HTTP/2 and WebSocket for it."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
    while True:
        event = await receive()
        if event["type"] != "websocket.receive":
            return
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


def main(truth_path):
    import h2.config
    import h2.connection
    import h2.events
    import h2.settings
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import CloseConnection, Ping, Pong, TextMessage
    from wsproto.extensions import PerMessageDeflate

    sock = socket.create_connection(SERVER)
    conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    conn.initiate_connection()
    sock.sendall(conn.data_to_send())
    truth = []

    def events():
        data = sock.recv(65536)
        found = conn.receive_data(data)
        for e in found:
            if isinstance(e, h2.events.DataReceived):
                conn.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
        sock.sendall(conn.data_to_send())
        return found

    while h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL not in conn.remote_settings:
        events()
    for compressed in (False, True):
        stream = conn.get_next_available_stream_id()
        offer = PerMessageDeflate() if compressed else None
        head = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "www.cafe.test"), (":path", "/echo"), ("sec-websocket-version", "13")]
        if offer:
            head.append(("sec-websocket-extensions", f"permessage-deflate; {offer.offer()}" if isinstance(offer.offer(), str) else "permessage-deflate"))
        conn.send_headers(stream, head)
        sock.sendall(conn.data_to_send())
        answer = None
        while answer is None:
            for e in events():
                if isinstance(e, h2.events.ResponseReceived) and e.stream_id == stream:
                    answer = dict(e.headers)
        agreed = answer.get("sec-websocket-extensions")
        if agreed:
            offer.finalize(agreed)
        ws = Connection(ConnectionType.CLIENT, extensions=[offer] if agreed else [])
        note = {"stream": stream, "status": answer[":status"], "extensions": agreed, "to_server": [], "to_client": []}
        truth.append(note)

        def send(event):
            data = ws.send(event)
            for i in range(0, len(data), 5000):
                conn.send_data(stream, data[i : i + 5000])
            sock.sendall(conn.data_to_send())

        def digest(text):
            return {"kind": "text", "len": len(text.encode()), "sha256": hashlib.sha256(text.encode()).hexdigest()}

        done, text = False, ""

        def hear():
            nonlocal done, text
            heard = False
            for e in events():
                if isinstance(e, h2.events.DataReceived) and e.stream_id == stream:
                    ws.receive_data(e.data)
                    for w in ws.events():
                        if isinstance(w, TextMessage):
                            text += w.data
                            if w.message_finished:
                                note["to_client"].append(digest(text))
                                text, heard = "", True
                        elif isinstance(w, CloseConnection):
                            note["close"] = [w.code, w.reason]
                            heard = done = True
                        elif isinstance(w, Pong):
                            heard = True
            return heard

        for line in LINES:
            note["to_server"].append(digest(line))
            send(TextMessage(line))
            while not hear():
                pass
        send(Ping(payload=b"over two"))
        while not hear():
            pass
        # Who is asked to close answers and ends the stream, so the client goes first.
        send(CloseConnection(code=1000, reason="enough"))
        while not done:
            hear()
    conn.close_connection()
    sock.sendall(conn.data_to_send())
    sock.close()
    with open(truth_path, "w") as f:
        f.write("[" + ",\n".join(json.dumps(t, ensure_ascii=False) for t in truth) + "]\n")


if __name__ == "__main__":
    main(sys.argv[1])
