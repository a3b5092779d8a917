"""A gRPC service without a schema file: `serve WORK` offers cafe.Bar, `calls TRUTH` calls it, `tls TRUTH WORK` calls it with curl over TLS.

Messages are protobuf, written by hand: Order { string drink = 1; uint32 cups = 2; repeated uint32 sugar = 3; }."""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import time

import grpc

NAME = "cafe.Bar"


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def order(drink, cups=0, sugar=()):
    out = b"\x0a" + varint(len(drink.encode())) + drink.encode()
    if cups:
        out += b"\x10" + varint(cups)
    if sugar:
        packed = b"".join(map(varint, sugar))
        out += b"\x1a" + varint(len(packed)) + packed
    return out


def serve(work):
    def brew(request, context):
        if b"coffee" in request:
            context.set_trailing_metadata((("x-hint", "try tea"),))
            context.abort(grpc.StatusCode.NOT_FOUND, "no coffee today: 0 % left")
        context.send_initial_metadata((("x-cook", "anna"),))
        return b"\x0a" + varint(len(request)) + request + b"\x12\x05ready"

    def watch(request, context):
        for n in range(4):
            yield order("cup", n + 1)

    def fill(requests, context):
        return order("all", sum(1 for _ in requests))

    def chat(requests, context):
        for r in requests:
            yield r

    def slow(request, context):
        time.sleep(1)
        return b""

    raw = dict(request_deserializer=None, response_serializer=None)
    handlers = {
        "Brew": grpc.unary_unary_rpc_method_handler(brew, **raw),
        "Watch": grpc.unary_stream_rpc_method_handler(watch, **raw),
        "Fill": grpc.stream_unary_rpc_method_handler(fill, **raw),
        "Chat": grpc.stream_stream_rpc_method_handler(chat, **raw),
        "Slow": grpc.unary_unary_rpc_method_handler(slow, **raw),
    }
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), compression=grpc.Compression.Gzip)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
    work = pathlib.Path(work)
    pair = ((work / "www.key").read_bytes(), (work / "www.crt").read_bytes())
    server.add_insecure_port("192.0.2.80:80")
    server.add_secure_port("192.0.2.80:443", grpc.ssl_server_credentials([pair]))
    server.start()
    server.wait_for_termination()


def calls(truth):
    done = []

    def note(method, requests, responses, code=grpc.StatusCode.OK, words=""):
        done.append({"path": f"/{NAME}/{method}", "requests": [r.hex() for r in requests], "responses": [r.hex() for r in responses], "status": code.value[0], "message": words})

    with grpc.insecure_channel("192.0.2.80:80") as channel:
        one = [order("tea", 2, (1, 2, 300))]
        note("Brew", one, [channel.unary_unary(f"/{NAME}/Brew")(one[0], metadata=(("x-table", "4"), ("x-token-bin", b"\0\1\2")))])
        note("Watch", one, list(channel.unary_stream(f"/{NAME}/Watch")(one[0])))
        many = [order("tea", n) for n in range(5)]
        note("Fill", many, [channel.stream_unary(f"/{NAME}/Fill")(iter(many))])
        long = [order("x" * 300, 7), order("plum cake " * 400), order("")]
        note("Chat", long, list(channel.stream_stream(f"/{NAME}/Chat")(iter(long), compression=grpc.Compression.Gzip)))
        for method, request, options in [("Brew", order("coffee"), {}), ("Roast", order("beans"), {}), ("Slow", order("stew"), {"timeout": 0.2})]:
            try:
                channel.unary_unary(f"/{NAME}/{method}")(request, **options)
            except grpc.RpcError as e:
                note(method, [request], [], e.code(), e.details())
    pathlib.Path(truth).write_text("[" + ",\n".join(json.dumps(d) for d in done) + "]\n")


def tls(truth, work):
    done = []
    for drink in ["tea", "coffee"]:
        message = order(drink, 1)
        body = pathlib.Path(work) / "message"
        body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
        r = subprocess.run(["curl", "-sSk", "--http2", "--resolve", "www.cafe.test:443:192.0.2.80", "-H", "Content-Type: application/grpc", "-H", "TE: trailers",
                            "--data-binary", f"@{body}", "-D", "-", "-o", str(body) + ".got", f"https://www.cafe.test/{NAME}/Brew"], capture_output=True, text=True)
        got = pathlib.Path(str(body) + ".got")
        answer = got.read_bytes() if got.exists() else b""
        got.unlink(missing_ok=True)
        status = [x.split(":")[1].strip() for x in r.stdout.splitlines() if x.lower().startswith("grpc-status")]
        done.append({"path": f"/{NAME}/Brew", "requests": [message.hex()], "response_body": answer.hex(), "status": int(status[-1]) if status else None})
    pathlib.Path(truth).write_text("[" + ",\n".join(json.dumps(d) for d in done) + "]\n")


globals()[sys.argv[1]](*sys.argv[2:])
