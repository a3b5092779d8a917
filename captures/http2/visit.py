"""HTTP/2 with real programs: `prepare WORK` writes the servers' files, `everyday|cleartext WORK TRUTH` visits with curl and nghttp."""

import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys

what, work = sys.argv[1], pathlib.Path(sys.argv[2])
truth = []
PAGE = "<!doctype html><title>Menu</title><link rel=stylesheet href=/style.css>" + "".join(
    f"<p>Cake number {n}, with plums</p>\n" for n in range(200)
)


def prepare():
    www = work / "www"
    (www / "index.html").write_text(PAGE)
    (www / "style.css").write_text("p { color: plum }\n" * 30)
    (www / "small.txt").write_text("0123456789" * 20)
    (www / "big.bin").write_bytes(random.Random(7).randbytes(150_000))
    for f in www.iterdir():
        os.utime(f, (1767261600, 1767261600))
    (work / "photo.bin").write_bytes(random.Random(8).randbytes(30_000))
    (work / "nginx.conf").write_text(f"""daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log;
events {{ worker_connections 64; }}
http {{
  access_log off; server_tokens off; gzip on; gzip_min_length 500; gzip_types text/css; client_max_body_size 1m;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  types {{ text/html html; text/plain txt; text/css css; application/octet-stream bin; }}
  server {{
    listen 192.0.2.80:443 ssl http2; listen 192.0.2.80:8080 http2; server_name www.cafe.test; root {work}/www;
    ssl_certificate {work}/www.crt; ssl_certificate_key {work}/www.key; ssl_protocols TLSv1.2 TLSv1.3;
    location /up/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
    location = /form {{ return 200 "kept\\n"; }}
    location = /nothing {{ return 204; }}
    location = /set {{ add_header Set-Cookie "table=4; Path=/"; add_header Set-Cookie "seat=window; Path=/; HttpOnly"; return 302 /small.txt; }}
    location = /json {{ default_type application/json; return 200 '{{"cakes":["plum","poppy"],"open":true}}'; }}
  }}
}}
""")


def note(tool, url, body, **more):
    truth.append({"tool": tool, "url": url, **more, "response": {"len": len(body), "sha256": hashlib.sha256(body).hexdigest()}})


def curl(*args, most=20):
    """Fetches the URLs among the arguments over one connection; notes what curl received, decoded if curl decoded it."""
    urls = [a for a in args if a.startswith("http")]
    options = [a for a in args if not a.startswith("http")]
    files = [work / f"got{len(truth)}-{n}" for n in range(len(urls))]
    outputs = [x for u, f in zip(urls, files) for x in (u, "-o", str(f))]
    r = subprocess.run(
        ["curl", "-sS", "-k", "--max-time", str(most), "--resolve", "www.cafe.test:443:192.0.2.80", "--resolve", "www.cafe.test:8080:192.0.2.80",
         *options, "-w", "%{http_version} %{http_code} %{local_port} %{url_effective}\n", *outputs],
        capture_output=True, text=True)
    lines = sorted(r.stdout.split("\n"))
    for u, f in zip(urls, files):
        # Of a HEAD curl writes the header fields.
        body = f.read_bytes() if f.exists() and "-I" not in args else b""
        said = next((x.split() for x in lines if x.endswith(" " + u)), ["?", "0", "0"])
        note("curl", u, body, http=said[0], status=int(said[1]), client_port=int(said[2]), curl_exit=r.returncode)


def nghttp(*args):
    r = subprocess.run(["nghttp", *args], capture_output=True)
    note("nghttp", " ".join(a for a in args if a.startswith("http")), r.stdout, options=[a if len(a) < 60 else a[:20] + "..." for a in args if not a.startswith("http")])


def everyday():
    w = "https://www.cafe.test"
    curl("--http2", "--compressed", f"{w}/", f"{w}/style.css", f"{w}/small.txt", f"{w}/set", f"{w}/none")
    curl("--http2", "--parallel", f"{w}/big.bin", f"{w}/index.html", f"{w}/style.css", f"{w}/small.txt")
    curl("--http2", "-b", "table=4; seat=window", "-u", "guest:plum", "-H", "x-note: not for others", f"{w}/json")
    curl("--http2", "-d", "tea=mint&cups=2", f"{w}/form")
    curl("--http2", "-T", str(work / "photo.bin"), "-H", "Expect: 100-continue", f"{w}/up/photo.bin")
    curl("--http2", "-r", "0-9", f"{w}/small.txt")
    curl("--http2", "-I", f"{w}/small.txt")
    curl("--http2", "--tlsv1.2", "--tls-max", "1.2", f"{w}/nothing", f"{w}/json")


def cleartext():
    host = "192.0.2.80"
    curl("--http2-prior-knowledge", "--compressed", "http://www.cafe.test:8080/")
    nghttp(f"http://{host}:8088/index.html")
    nghttp("-n", f"http://{host}:8088/index.html", f"http://{host}:8088/small.txt")
    nghttp("--upgrade", f"http://{host}:3128/small.txt")
    curl("--http2", f"http://{host}:3128/small.txt", f"http://{host}:3128/style.css")
    nghttp("--no-push", "-w", "14", f"http://{host}:8088/big.bin")
    nghttp("-H", "x-large: " + "plum" * 6000, "-H", "x-larger: " + "cake" * 3000, f"http://{host}:8088/small.txt")
    nghttp("--trailer", "x-sum: 7", "-d", str(work / "photo.bin"), "--padding=20", f"http://{host}:8088/small.txt")


globals()[what]()
if what != "prepare":
    pathlib.Path(sys.argv[3]).write_text("[" + ",\n".join(json.dumps(t) for t in truth) + "]\n")
