"""Everyday HTTP/1 with real programs: `prepare WORK` writes the servers' files, `everyday|proxy WORK TRUTH` visits with curl."""

import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import time

what, work = sys.argv[1], pathlib.Path(sys.argv[2])
out = work / "got"
truth = []
PAGE = "<!doctype html><title>Menu</title>" + "".join(f"<p>Cake number {n}, with plums</p>\n" for n in range(60))


def prepare():
    www = work / "www"
    (www / "index.html").write_text(PAGE)
    (www / "small.txt").write_text("0123456789" * 20)
    (www / "big.bin").write_bytes(random.Random(7).randbytes(60_000))
    for f in www.iterdir():
        os.utime(f, (1767261600, 1767261600))
    (work / "photo.bin").write_bytes(random.Random(8).randbytes(3000))
    (work / "nginx.conf").write_text(f"""daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log;
events {{ worker_connections 64; }}
http {{
  access_log off; server_tokens off; gzip on; gzip_min_length 500; gzip_http_version 1.0;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  types {{ text/html html; text/plain txt; application/octet-stream bin; }}
  server {{
    listen 192.0.2.81:80; listen 192.0.2.81:443 ssl; server_name www.cafe.test; root {work}/www;
    ssl_certificate {work}/www.crt; ssl_certificate_key {work}/www.key; ssl_protocols TLSv1.2 TLSv1.3;
    location /up/ {{ dav_methods PUT DELETE; }}
    location = /form {{ return 200 "kept\\n"; }}
    location = /nothing {{ return 204; }}
    location = /set {{ add_header Set-Cookie "table=4; Path=/"; add_header Set-Cookie "seat=window; Path=/; HttpOnly"; return 302 /small.txt; }}
    location = /json {{ default_type application/json; return 200 '{{"cakes":["plum","poppy"],"open":true}}'; }}
    location = /hang-up {{ return 444; }}
  }}
}}
""")
    (work / "tinyproxy.conf").write_text("""User root
Group root
Port 8888
Listen 192.0.2.88
Bind 192.0.2.88
Timeout 10
MaxClients 20
ViaProxyName "harbour-proxy"
ConnectPort 443
ConnectPort 80
""")


def curl(url, *options, method="GET", body=b""):
    """One fetch; notes what curl received, decoded if curl decoded it."""
    f = out / str(len(truth))
    r = subprocess.run(["curl", "-sS", "-k", "--http1.1", "--resolve", "www.cafe.test:80:192.0.2.81", "--resolve", "www.cafe.test:443:192.0.2.81", *options, "-o", str(f), "-w", "%{http_code} %{local_port}", url], capture_output=True, text=True)
    status, port = (r.stdout.split() + ["0", "0"])[:2]
    got = f.read_bytes() if f.exists() and method != "HEAD" else b""
    truth.append(dict(method=method, url=url, status=int(status), client_port=int(port), curl_exit=r.returncode, request_body_len=len(body), response={"len": len(got), "sha256": hashlib.sha256(got).hexdigest()}))
    time.sleep(0.03)


def everyday():
    w = "http://www.cafe.test"
    jar = str(work / "jar")
    curl(w + "/")
    curl(w + "/", "--compressed")
    curl(w + "/", "--compressed", "--http1.0")
    curl(w + "/big.bin")
    curl(w + "/small.txt", "-r", "5-9")
    curl(w + "/small.txt", "-r", "0-3,10-13,-4")
    curl(w + "/small.txt", "-r", "900-")
    curl(w + "/small.txt", "-I", method="HEAD")
    curl(w + "/small.txt", "-z", "Thu, 01 Jan 2026 10:00:00 GMT")
    curl(w + "/nothing")
    curl(w + "/json")
    curl(w + "/set", "-c", jar)
    curl(w + "/small.txt", "-b", jar)
    photo = (work / "photo.bin").read_bytes()
    curl(w + "/up/photo.bin", "-T", str(work / "photo.bin"), "-H", "Expect: 100-continue", method="PUT", body=photo)
    curl(w + "/up/chunked.bin", "-T", str(work / "photo.bin"), "-H", "Transfer-Encoding: chunked", method="PUT", body=photo)
    curl(w + "/up/photo.bin", "-X", "DELETE", method="DELETE")
    curl(w + "/form", "-d", "name=Mara&cake=plum+cake", method="POST", body=b"name=Mara&cake=plum+cake")
    curl(w + "/form", "-F", "name=Mara", "-F", f"photo=@{work}/photo.bin;type=image/x-cake;filename=my \"cake\".bin", method="POST", body=photo)
    curl(w + "/form", "--json", '{"name":"Mara"}', method="POST", body=b'{"name":"Mara"}')
    curl(w + "/not-here")
    curl(w + "/hang-up")
    curl(w + "/", "-u", "guest:plum")
    subprocess.run(["curl", "-sS", "--http2", "--resolve", "www.cafe.test:80:192.0.2.81", "-o", "/dev/null", w + "/json"])  # asks for h2c, is declined


def proxy():
    p = ("-x", "http://192.0.2.88:8888")
    curl("http://www.cafe.test/json", *p)  # the proxy cannot resolve the name
    curl("http://192.0.2.81/json", *p)
    curl("http://192.0.2.81/small.txt", *p, "-I", method="HEAD")
    curl("http://192.0.2.81/small.txt", *p, "-p")  # CONNECT, then plain HTTP inside
    curl("https://192.0.2.81/json", *p, "--tlsv1.3")  # CONNECT, then TLS 1.3
    curl("https://192.0.2.81/small.txt", *p, "--tls-max", "1.2")
    curl("https://192.0.2.81:444/", *p)  # refused: the port is not allowed
    curl("http://192.0.2.99/", *p)  # nobody there
    time.sleep(0.2)


if what == "prepare":
    prepare()
else:
    out.mkdir(exist_ok=True)
    for f in out.iterdir():
        f.unlink()
    {"everyday": everyday, "proxy": proxy}[what]()
    pathlib.Path(sys.argv[3]).write_text("[" + ",\n".join(json.dumps(t) for t in truth) + "]\n")
