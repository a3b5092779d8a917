"""What the hand-driven HTTP/1 captures say, byte by byte: each case is one TCP connection.

A case: name, what the client writes, what the server writes (lists of writes; a number is a pause in ms), how it ends, and
what a reader should find: (method, target, status, request body, response body, decoded response body).
"""

import dataclasses
import gzip
import zlib

import brotli
import zstandard

PLAIN = ("The baker rises before the bread does. " * 24).encode()
GZ = gzip.compress(PLAIN, 9, mtime=0)
ZLIB = zlib.compress(PLAIN, 9)
_raw = zlib.compressobj(9, zlib.DEFLATED, -15)
RAW = _raw.compress(PLAIN) + _raw.flush()
BR = brotli.compress(PLAIN)
ZSTD = zstandard.ZstdCompressor(level=9).compress(PLAIN)


@dataclasses.dataclass
class Case:
    name: str
    client: list
    server: list
    expect: list
    end: str = "server"  # who closes: server, client, reset
    note: str = ""


def get(path, *more, version="1.1"):
    return ("\r\n".join([f"GET {path} HTTP/{version}", "Host: odd.cafe.test", *more]) + "\r\n\r\n").encode("latin-1")


def ok(body=b"", *more, status="200 OK", length=True):
    head = [f"HTTP/1.1 {status}", *(["Content-Length: %d" % len(body)] if length else []), *more]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


def chunked(*parts, trailers=b"", ext=b""):
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), ext, p) for p in parts) + b"0\r\n" + trailers + b"\r\n"


def coded(name, wire, coding, plain=PLAIN, note=""):
    path = f"/{name}"
    return Case(name, [get(path, "Accept-Encoding: gzip, deflate, br, zstd")], [ok(wire, f"Content-Encoding: {coding}", "Content-Type: text/plain")], [("GET", path, 200, b"", wire, plain)], note=note)


CODINGS = [
    coded("gzip", GZ, "gzip"),
    coded("x-gzip", GZ, "x-gzip"),
    coded("deflate-zlib", ZLIB, "deflate", note="deflate as RFC 9110 says it: zlib"),
    coded("deflate-raw", RAW, "deflate", note="deflate as some servers send it: no zlib header"),
    coded("br", BR, "br"),
    coded("zstd", ZSTD, "zstd"),
    coded("gzip-then-br", brotli.compress(GZ), "gzip, br", note="two codings, applied in the order listed"),
    coded("deflate-gzip-zstd", zstandard.ZstdCompressor().compress(gzip.compress(ZLIB, mtime=0)), "deflate, gzip, zstd"),
    coded("identity", PLAIN, "identity"),
    coded("gzip-two-members", gzip.compress(PLAIN[:400], mtime=0) + gzip.compress(PLAIN[400:], mtime=0), "gzip"),
    coded("gzip-empty", b"", "gzip", b"", note="says gzip, has no bytes"),
    coded("gzip-cut", GZ[:60], "gzip", None, note="the gzip stream ends too early: the decoded part is a prefix"),
    coded("gzip-lie", PLAIN[:100], "gzip", None, note="says gzip, is plain text"),
    coded("gzip-bad-crc", GZ[:-8] + b"\0\0\0\0" + GZ[-4:], "gzip", PLAIN, note="the checksum at the end is wrong"),
    coded("unknown", b"\x01\x02\x03", "x-plumcake", None, note="a coding nobody knows"),
    coded("bomb", gzip.compress(b"\0" * 8_000_000, 9, mtime=0), "gzip", b"\0" * 8_000_000, note="8 MB out of 8 kB"),
    Case("gzip-chunked", [get("/gzip-chunked")], [ok(chunked(GZ[:7], GZ[7:20], GZ[20:]), "Transfer-Encoding: chunked", "Content-Encoding: gzip", length=False)], [("GET", "/gzip-chunked", 200, b"", GZ, PLAIN)]),
    Case("te-gzip-chunked", [get("/te-gzip-chunked", "TE: gzip, trailers")], [ok(chunked(GZ), "Transfer-Encoding: gzip, chunked", length=False)], [("GET", "/te-gzip-chunked", 200, b"", GZ, PLAIN)], note="gzip as a transfer coding"),
    Case("gzip-until-close", [get("/gzip-until-close")], [ok(GZ, "Content-Encoding: gzip", "Connection: close", length=False)], [("GET", "/gzip-until-close", 200, b"", GZ, PLAIN)]),
    Case("post-gzip", [b"POST /post-gzip HTTP/1.1\r\nHost: odd.cafe.test\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZ) + GZ], [ok(b"thanks")], [("POST", "/post-gzip", 200, GZ, b"thanks", b"thanks")], note="a coded request body"),
]

T = "Transfer-Encoding: chunked"
FRAMING = [
    Case("chunked", [get("/chunked")], [ok(chunked(b"one ", b"two ", b"three"), T, length=False)], [("GET", "/chunked", 200, b"", b"one two three", b"one two three")]),
    Case("chunk-extensions", [get("/chunk-extensions")], [ok(chunked(b"with", b" care", ext=b';seal="a;b";n=1'), T, length=False)], [("GET", "/chunk-extensions", 200, b"", b"with care", b"with care")]),
    Case("trailers", [get("/trailers", "TE: trailers")], [ok(chunked(b"body", trailers=b"Digest-Of-Day: plum\r\nX-Count: 1\r\n"), T, "Trailer: Digest-Of-Day, X-Count", length=False)], [("GET", "/trailers", 200, b"", b"body", b"body")]),
    Case("chunk-size-forms", [get("/chunk-size-forms")], [ok(b"000A\r\n0123456789\r\n00000000000000000004\r\nabcd\r\nA \r\nspaceafter\r\n00\r\n\r\n", T, length=False)], [("GET", "/chunk-size-forms", 200, b"", b"0123456789abcdspaceafter", b"0123456789abcdspaceafter")], note="leading zeros, upper case, a space after the size"),
    Case("byte-by-byte", [[get("/byte-by-byte")]], [[ok(chunked(b"slow", b"ly"), T, length=False)]], [("GET", "/byte-by-byte", 200, b"", b"slowly", b"slowly")], note="one byte a segment, both ways"),
    Case("post-chunked", [b"POST /post-chunked HTTP/1.1\r\nHost: odd.cafe.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"name=Mara&", b"cake=plum", trailers=b"X-End: yes\r\n")], [ok(b"kept")], [("POST", "/post-chunked", 200, b"name=Mara&cake=plum", b"kept", b"kept")]),
    Case("until-close", [get("/until-close", version="1.0")], [b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nthe end is ", 30, b"when I hang up"], [("GET", "/until-close", 200, b"", b"the end is when I hang up", b"the end is when I hang up")]),
    Case("reset-in-body", [get("/reset-in-body")], [ok(b"x" * 1000)[:500], 50], [("GET", "/reset-in-body", 200, b"", None, None)], end="reset", note="the body is cut by RST"),
    Case("fin-in-body", [get("/fin-in-body")], [ok(b"y" * 1000)[:500]], [("GET", "/fin-in-body", 200, b"", None, None)], note="the body is cut by FIN"),
    Case("head-204-304", [b"HEAD /head-204-304 HTTP/1.1\r\nHost: odd.cafe.test\r\n\r\n", 20, get("/none"), 20, get("/same", 'If-None-Match: "7"'), 20, get("/last")], [ok(b"", "Content-Length: 5000", length=False), 25, ok(b"", status="204 No Content", length=False), 20, ok(b"", 'ETag: "7"', "Content-Length: 77", status="304 Not Modified", length=False), 20, ok(b"end")], [("HEAD", "/head-204-304", 200, b"", b"", b""), ("GET", "/none", 204, b"", b"", b""), ("GET", "/same", 304, b"", b"", b""), ("GET", "/last", 200, b"", b"end", b"end")], note="answers without bodies, two of them with a Content-Length"),
    Case("pipelined", [get("/pipelined") + get("/p2") + b"HEAD /p3 HTTP/1.1\r\nHost: odd.cafe.test\r\n\r\n" + get("/p4")], [ok(b"first") + ok(b"second")[:30], 20, ok(b"second")[30:] + ok(b"", "Content-Length: 9", length=False) + ok(chunked(b"fo", b"urth"), T, length=False)], [("GET", "/pipelined", 200, b"", b"first", b"first"), ("GET", "/p2", 200, b"", b"second", b"second"), ("HEAD", "/p3", 200, b"", b"", b""), ("GET", "/p4", 200, b"", b"fourth", b"fourth")]),
    Case("100-continue", [b"PUT /100-continue HTTP/1.1\r\nHost: odd.cafe.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 40, b"rolls"], [b"HTTP/1.1 100 Continue\r\n\r\n", 60, ok(b"", status="201 Created")], [("PUT", "/100-continue", 201, b"rolls", b"", b"")]),
    Case("102-103-103", [get("/102-103-103")], [b"HTTP/1.1 102 Processing\r\n\r\n", 20, b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </menu.js>; rel=preload; as=script\r\n\r\n", 20, ok(b"page")], [("GET", "/102-103-103", 200, b"", b"page", b"page")]),
    Case("expect-refused", [b"PUT /expect-refused HTTP/1.1\r\nHost: odd.cafe.test\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n"], [ok(b"too big", "Connection: close", status="413 Content Too Large")], [("PUT", "/expect-refused", 413, None, b"too big", b"too big")]),
    Case("upgrade-h2c-declined", [get("/upgrade-h2c-declined", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")], [ok(b"still 1.1")], [("GET", "/upgrade-h2c-declined", 200, b"", b"still 1.1", b"still 1.1")]),
    Case("upgrade-own", [get("/upgrade-own", "Connection: Upgrade", "Upgrade: plum/2"), 40, b"PLUM hello\n"], [b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: plum/2\r\n\r\nPLUM welcome\n", 60, b"PLUM bye\n"], [("GET", "/upgrade-own", 101, b"", b"", b"")], note="after 101 the bytes are no HTTP"),
    Case("upgrade-required", [get("/upgrade-required")], [ok(b"", "Upgrade: TLS/1.2, HTTP/1.1", "Connection: Upgrade", status="426 Upgrade Required")], [("GET", "/upgrade-required", 426, b"", b"", b"")]),
    Case("multipart-byteranges", [get("/multipart-byteranges", "Range: bytes=0-3,10-12")], [ok(b"--cut\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-3/20\r\n\r\nplum\r\n--cut\r\nContent-Type: text/plain\r\nContent-Range: bytes 10-12/20\r\n\r\npie\r\n--cut--\r\n", "Content-Type: multipart/byteranges; boundary=cut", status="206 Partial Content")], [("GET", "/multipart-byteranges", 206, b"", b"--cut\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-3/20\r\n\r\nplum\r\n--cut\r\nContent-Type: text/plain\r\nContent-Range: bytes 10-12/20\r\n\r\npie\r\n--cut--\r\n", b"--cut\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-3/20\r\n\r\nplum\r\n--cut\r\nContent-Type: text/plain\r\nContent-Range: bytes 10-12/20\r\n\r\npie\r\n--cut--\r\n")]),
    Case("range-unsatisfiable", [get("/range-unsatisfiable", "Range: bytes=900-")], [ok(b"", "Content-Range: bytes */20", status="416 Range Not Satisfiable")], [("GET", "/range-unsatisfiable", 416, b"", b"", b"")]),
    Case("options-star", [b"OPTIONS * HTTP/1.1\r\nHost: odd.cafe.test\r\nX-Case: /options-star\r\n\r\n"], [ok(b"", "Allow: GET, HEAD, OPTIONS", status="204 No Content", length=False)], [("OPTIONS", "*", 204, b"", b"", b"")]),
    Case("trace", [b"TRACE /trace HTTP/1.1\r\nHost: odd.cafe.test\r\nMax-Forwards: 0\r\n\r\n"], [ok(b"TRACE /trace HTTP/1.1\r\nHost: odd.cafe.test\r\nMax-Forwards: 0\r\n\r\n", "Content-Type: message/http")], [("TRACE", "/trace", 200, b"", b"TRACE /trace HTTP/1.1\r\nHost: odd.cafe.test\r\nMax-Forwards: 0\r\n\r\n", b"TRACE /trace HTTP/1.1\r\nHost: odd.cafe.test\r\nMax-Forwards: 0\r\n\r\n")]),
    Case("event-stream", [get("/event-stream", "Accept: text/event-stream")], [ok(b"", "Content-Type: text/event-stream", T, length=False), 20, chunked(b"event: bake\ndata: one\n\n")[:-5], 40, chunked(b"event: bake\ndata: two\n\n")], [("GET", "/event-stream", 200, b"", b"event: bake\ndata: one\n\nevent: bake\ndata: two\n\n", b"event: bake\ndata: one\n\nevent: bake\ndata: two\n\n")]),
]

HEADERS = [
    Case("folded", [get("/folded", "X-Long: one", "\ttwo", "   three", "Accept: */*")], [ok(b"x", "X-Fold: a,", " b")], [("GET", "/folded", 200, b"", b"x", b"x")], note="obs-fold, RFC 9112 5.2"),
    Case("duplicates", [get("/duplicates", "Accept: text/html", "Accept: text/plain;q=0.5", "Cookie: a=1; b=2", "Cookie: c=3")], [ok(b"x", "Set-Cookie: a=1; Path=/; HttpOnly", "Set-Cookie: b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT", 'Set-Cookie: c="q"; Secure; SameSite=None', "Vary: Accept", "Vary: Cookie")], [("GET", "/duplicates", 200, b"", b"x", b"x")]),
    Case("latin-1", [get("/latin-1", "X-Name: Zo\u00eb", "X-Caf\u00e9: no")], [ok(b"x", "X-Prix: 3,20 \u00a3", status="200 D'accord, voil\u00e0")], [("GET", "/latin-1", 200, b"", b"x", b"x")], note="bytes above 127 in a value, a name and a reason"),
    Case("no-reason", [get("/no-reason")], [b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx"], [("GET", "/no-reason", 200, b"", b"x", b"x")]),
    Case("empty-values", [get("/empty-values", "X-Empty:", "X-Blank:   ", "X-Tab:\tv\t", "x-lower: 1", "X-COLONS: a:b:c")], [ok(b"x")], [("GET", "/empty-values", 200, b"", b"x", b"x")]),
    Case("space-before-colon", [get("/space-before-colon", "X-Space : 1")], [ok(b"x", "X-Also : 2")], [("GET", "/space-before-colon", 200, b"", b"x", b"x")]),
    Case("no-colon", [get("/no-colon", "this line has none")], [ok(b"x")], [("GET", "/no-colon", 200, b"", b"x", b"x")]),
    Case("bare-lf", [b"GET /bare-lf HTTP/1.1\nHost: odd.cafe.test\n\n"], [b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx"], [("GET", "/bare-lf", 200, b"", b"x", b"x")]),
    Case("leading-crlf", [b"\r\n\r\n" + get("/leading-crlf")], [ok(b"x")], [("GET", "/leading-crlf", 200, b"", b"x", b"x")]),
    Case("absolute-form", [get("http://odd.cafe.test/absolute-form?q=1")], [ok(b"x")], [("GET", "http://odd.cafe.test/absolute-form?q=1", 200, b"", b"x", b"x")]),
    Case("no-host", [b"GET /no-host HTTP/1.1\r\n\r\n"], [ok(b"", status="400 Bad Request")], [("GET", "/no-host", 400, b"", b"", b"")]),
    Case("two-hosts", [get("/two-hosts", "Host: other.test")], [ok(b"", status="400 Bad Request")], [("GET", "/two-hosts", 400, b"", b"", b"")]),
    Case("spaces-in-target", [get("/spaces-in-target?q=plum cake&r=\u00e9")], [ok(b"", status="400 Bad Request")], [("GET", "/spaces-in-target?q=plum cake&r=\u00e9", 400, b"", b"", b"")]),
    Case("own-method", [b"BAKE /own-method HTTP/1.1\r\nHost: odd.cafe.test\r\n\r\n"], [ok(b"", status="501 Not Implemented")], [("BAKE", "/own-method", 501, b"", b"", b"")]),
    Case("long-header", [get("/long-header", "X-Long: " + "plum " * 2400)], [ok(b"x", "X-Back: " + "cake " * 1200)], [("GET", "/long-header", 200, b"", b"x", b"x")], note="12 kB in one field, over many segments"),
    Case("many-headers", [get("/many-headers", *[f"X-{n:03d}: {n}" for n in range(200)])], [ok(b"x")], [("GET", "/many-headers", 200, b"", b"x", b"x")]),
    Case("http-0.9", [b"GET /http-0.9\r\n"], [b"<p>as in 1991</p>\n"], [("GET", "/http-0.9", None, b"", b"<p>as in 1991</p>\n", b"<p>as in 1991</p>\n")], note="no version, no status, no headers"),
    Case("future-version", [b"GET /future-version HTTP/1.7\r\nHost: odd.cafe.test\r\n\r\n"], [b"HTTP/1.7 299 Odd\r\nContent-Length: 1\r\n\r\nx"], [("GET", "/future-version", 299, b"", b"x", b"x")]),
    Case("answer-before-question", [60, get("/answer-before-question")], [-1, ok(b"too early", "Connection: close", status="408 Request Timeout")], [("GET", "/answer-before-question", 408, b"", b"too early", b"too early")], note="the server speaks first"),
    Case("not-http", [b"HELO this-is-not-http /not-http\r\n"], [b"500 what?\r\n"], [], note="not HTTP, though on port 80"),
]


def post(name, headers, body, answer=b"", status="400 Bad Request"):
    return Case(name, [f"POST /{name} HTTP/1.1\r\nHost: odd.cafe.test\r\n{headers}\r\n\r\n".encode("latin-1") + body], [ok(answer, "Connection: close", status=status)], [("POST", f"/{name}", int(status[:3]), None, answer, answer)])


INNER = b"GET /smuggled HTTP/1.1\r\nHost: odd.cafe.test\r\n\r\n"
SMUGGLING = [
    post("cl-and-te", "Content-Length: 6\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + INNER),
    post("te-and-cl", "Transfer-Encoding: chunked\r\nContent-Length: 4", b"5c\r\n" + b"x" * 92 + b"\r\n0\r\n\r\n"),
    post("two-lengths", "Content-Length: 5\r\nContent-Length: 7", b"helloGE"),
    post("same-length-twice", "Content-Length: 5\r\nContent-Length: 5", b"hello", status="200 OK"),
    post("length-list", "Content-Length: 5, 5", b"hello", status="200 OK"),
    post("length-signed", "Content-Length: +5", b"hello"),
    post("length-words", "Content-Length: five", b"hello"),
    post("length-huge", "Content-Length: 99999999999999999999", b"hello"),
    post("length-negative", "Content-Length: -1", b""),
    post("te-twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n"),
    post("te-not-last", "Transfer-Encoding: chunked, gzip", b"0\r\n\r\n"),
    post("te-obfuscated", "Transfer-Encoding: xchunked\r\nContent-Length: 5", b"0\r\n\r\n"),
    post("te-space", "Transfer-Encoding : chunked\r\nContent-Length: 5", b"0\r\n\r\n"),
    post("te-tab", "Transfer-Encoding:\tchunked", b"0\r\n\r\n"),
    post("te-folded", "Transfer-Encoding:\r\n chunked", b"0\r\n\r\n"),
    post("chunk-size-bad", "Transfer-Encoding: chunked", b"zz\r\nhello\r\n0\r\n\r\n"),
    post("chunk-size-huge", "Transfer-Encoding: chunked", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    post("chunk-size-0x", "Transfer-Encoding: chunked", b"0x5\r\nhello\r\n0\r\n\r\n"),
    post("chunk-no-crlf", "Transfer-Encoding: chunked", b"5\r\nhelloXX0\r\n\r\n"),
    post("chunk-bare-lf", "Transfer-Encoding: chunked", b"5\nhello\n0\n\n", status="200 OK"),
    post("bare-cr", "X-A: 1\rX-B: 2\r\nContent-Length: 0", b""),
    post("nul", "X-A: 1\x002\r\nContent-Length: 0", b""),
    Case("response-cl-and-te", [get("/response-cl-and-te")], [ok(chunked(b"chunked"), T, "Content-Length: 3", length=False)], [("GET", "/response-cl-and-te", 200, b"", b"chunked", b"chunked")]),
    Case("response-two-lengths", [get("/response-two-lengths")], [ok(b"hello", "Content-Length: 5", "Content-Length: 3", length=False)], [("GET", "/response-two-lengths", 200, b"", None, None)]),
    Case("response-http10-te", [get("/response-http10-te", version="1.0")], [b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"hm")], [("GET", "/response-http10-te", 200, b"", None, None)]),
    Case("answer-twice", [get("/answer-twice")], [ok(b"one") + ok(b"injected")], [("GET", "/answer-twice", 200, b"", b"one", b"one")], note="two answers to one question"),
    Case("get-with-body", [get("/get-with-body", "Content-Length: 5") + b"hello" + get("/next")], [ok(b"a") + ok(b"b")], [("GET", "/get-with-body", 200, b"hello", b"a", b"a"), ("GET", "/next", 200, b"", b"b", b"b")]),
]

GROUPS = {"codings": CODINGS, "framing": FRAMING, "headers": HEADERS, "smuggling": SMUGGLING}
