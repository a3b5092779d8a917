"""Protobuf bodies: `serve` answers on port 80 with one message a path, `visit TRUTH` fetches and hands in each with curl."""

import http.server
import json
import pathlib
import subprocess
import sys

from google.protobuf import any_pb2, descriptor_pb2, struct_pb2, timestamp_pb2, wrappers_pb2


def messages():
    menu = struct_pb2.Struct()
    menu.update({"cakes": ["plum", "poppy"], "open": True, "seats": 24, "house": {"floor": -1, "name": "Grüner Baum"}})
    packed = any_pb2.Any()
    packed.Pack(timestamp_pb2.Timestamp(seconds=1796581317, nanos=250_000_000))
    file = descriptor_pb2.FileDescriptorProto(name="cafe.proto", package="cafe")
    kind = file.message_type.add(name="Order")
    kind.field.add(name="drink", number=1, type=9, label=1)
    kind.field.add(name="sugar", number=3, type=13, label=3)
    location = descriptor_pb2.SourceCodeInfo()
    location.location.add(path=[4, 0, 2, 1], span=[3, 2, 40], leading_comments=" how many lumps\n")
    return {
        "/menu": menu,
        "/any": packed,
        "/file": file,
        "/location": location,
        "/minus": wrappers_pb2.Int64Value(value=-42),
        "/bytes": wrappers_pb2.BytesValue(value=bytes(range(256))),
        "/half": wrappers_pb2.DoubleValue(value=0.5),
    }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = messages()[self.path].SerializeToString(deterministic=True)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


if sys.argv[1] == "serve":
    http.server.ThreadingHTTPServer(("192.0.2.80", 80), Handler).serve_forever()
truth = []
for path, message in messages().items():
    body = message.SerializeToString(deterministic=True)
    got = subprocess.run(["curl", "-sS", f"http://192.0.2.80{path}"], capture_output=True, check=True).stdout
    assert got == body
    subprocess.run(["curl", "-sS", "-H", "Content-Type: application/x-protobuf", "--data-binary", "@-", f"http://192.0.2.80/order{path}"], input=body, check=True)
    truth.append({"path": path, "type": message.DESCRIPTOR.full_name, "body": body.hex(), "text": str(message)})
pathlib.Path(sys.argv[2]).write_text("[" + ",\n".join(json.dumps(t) for t in truth) + "]\n")
