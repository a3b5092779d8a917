#!/usr/bin/env python3
"""What proxying costs: processor time of `wirelore proxy`, recording and deciphering, beside proxies that do less, in one run.

proxy.py PROGRAM [--rounds N] [--seconds S] [--only NAMES] [--mitmdump PATH] [--folder DIR] prints a Markdown table with ratios. Needs nginx
(the server), haproxy, wrk, h2load, curl and openssl; mitmdump joins in where it is found. All of it on loopback, all of it ended afterwards.

Each measurement starts a fresh proxy in front of the same nginx, as a reverse proxy that ends TLS on both sides, warms it up, and then reads the
user and system time of its whole process tree from /proc. haproxy keeps connections to the server and uses them for any client; it records
nothing. Processor time hardly moves when the machine has other work; requests per second and latencies do: read those on a quiet one.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
BIG = 1 << 30

# Name: what it is, what is run against a port, what a unit of the result is. {n} is the time in seconds.
LOADS = {
    "h1": ("HTTPS, HTTP/1.1 kept alive, 64 connections, 1 KB", "wrk -t2 -c64 -d{n}s --latency https://localhost:{port}/1k"),
    "h2": ("HTTPS, HTTP/2, 8 connections of 8 streams, 1 KB", "h2load -c8 -m8 -t2 --warm-up-time=1 -D {n} https://localhost:{port}/1k"),
    "plain": ("HTTP kept alive, 64 connections, 1 KB", "wrk -t2 -c64 -d{n}s --latency http://localhost:{plain}/1k"),
    "fresh": ("a new TLS connection for each request, none resumed", "openssl s_time -connect localhost:{port} -www /1k -new -time {n}"),
    "down": ("one body of 1 GB", "curl -sS -k --http1.1 -o /dev/null -w %{{size_download}} https://localhost:{port}/big"),
}


def free_ports(n):
    """So many ports that nobody listens at just now."""
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def of_process(pid):
    """Its parent, and its processor time with that of children it waited for, in ticks."""
    rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(rest[1]), sum(map(int, rest[11:15]))


def cpu(root):
    """Seconds of processor time of a process and its descendants."""
    times, children = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            parent, times[int(entry)] = of_process(entry)
            children.setdefault(parent, []).append(int(entry))
    total, todo = 0, [root]
    while todo:
        pid = todo.pop()
        total += times.get(pid, 0)
        todo += children.get(pid, [])
    return total / TICK


def start(command, port, log):
    """Starts a server and waits until it listens."""
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return process
        if process.poll() is not None:
            break
        time.sleep(0.05)
    stop(process)
    sys.exit(f"{command[0]} does not listen at port {port}; its words are in {log.name}.")


def stop(process):
    """Ends a server and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def certificates(folder):
    """An authority, and a certificate of it for localhost."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    (folder / "names").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=bench", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,digitalSignature")
    openssl("req", "-new", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem", "-days", "30",
            "-extfile", "names")
    (folder / "both.pem").write_text((folder / "leaf.pem").read_text() + (folder / "leaf.key").read_text())


def nginx(folder, https, http):
    """The server's configuration."""
    (folder / "www").mkdir()
    (folder / "www/1k").write_bytes(b"x" * 1024)
    with open(folder / "www/big", "wb") as big:
        big.truncate(BIG)
    (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; keepalive_requests 100000000; default_type text/plain; client_body_temp_path {folder}/t;
  proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t; uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{https} ssl http2; listen 127.0.0.1:{http}; root {folder}/www;
    ssl_certificate leaf.pem; ssl_certificate_key leaf.key; ssl_session_tickets on;
  }}
}}""")
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def peers(opt, folder, https, http):
    """Name and command of each proxy, at ports that are filled in."""
    (folder / "haproxy.cfg").write_text(f"""
global
    nbthread 2
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
frontend tls
    bind 127.0.0.1:${{PORT}} ssl crt {folder}/both.pem alpn h2,http/1.1
    default_backend tls
frontend plain
    bind 127.0.0.1:${{PLAIN}}
    default_backend plain
backend tls
    server s 127.0.0.1:{https} ssl verify required ca-file {folder}/ca.pem sni str(localhost) verifyhost localhost
backend plain
    server s 127.0.0.1:{http}
""")
    yield "wirelore", [opt.program, "proxy", "--headless", "--no-control", "-m", f"reverse:https://localhost:{https}@127.0.0.1:{{port}}",
                       "-m", f"reverse:http://localhost:{http}@127.0.0.1:{{plain}}", "--upstream-ca", f"{folder}/ca.pem",
                       "--ca-cert", f"{folder}/ca.pem", "--ca-key", f"{folder}/ca.key", "-w", f"{folder}/session.pcapng"]
    yield "haproxy", ["env", "PORT={port}", "PLAIN={plain}", "haproxy", "-f", f"{folder}/haproxy.cfg"]
    if opt.mitmdump:
        yield "mitmproxy", [opt.mitmdump, "-q", "--set", f"confdir={folder}/mitmproxy", "--set", f"ssl_verify_upstream_trusted_ca={folder}/ca.pem",
                            "--mode", f"reverse:https://localhost:{https}@127.0.0.1:{{port}}",
                            "--mode", f"reverse:http://localhost:{http}@127.0.0.1:{{plain}}"]


def run(name, seconds, port, plain):
    """Runs a load."""
    command = LOADS[name][1].format(n=seconds, port=port, plain=plain).split()
    return subprocess.run(command, capture_output=True, text=True)


def load(who, name, seconds, port, plain):
    """Runs a load on a proxy; comes to requests (or GB), and the 50th and 99th percentile of latency in ms."""
    done = run(name, seconds, port, plain)
    text = done.stdout + done.stderr
    if name == "down":
        return int(done.stdout or 0) / 1e9, None, None
    if name == "h2":
        found = re.search(r"requests: .* (\d+) succeeded, (\d+) failed", text)
        if not found or int(found[2]):
            sys.exit(f"{who}: h2load says: {text}")
        return int(found[1]), None, None
    if name == "fresh":
        found = re.search(r"(\d+) connections in \d+ real seconds", text)
        if not found or not int(found[1]):
            sys.exit(f"{who}: openssl says: {text}")
        return int(found[1]), None, None
    found = re.search(r"([1-9]\d*) requests in", text)
    faults = re.search(r"Non-2xx[^\d]*(\d+)", text)
    if not found or faults:
        sys.exit(f"{who}: wrk says: {text}")
    late = [re.search(rf"{p}%\s+([\d.]+)(us|ms|s)", text) for p in (50, 99)]
    return int(found[1]), *[float(m[1]) * {"us": 0.001, "ms": 1, "s": 1000}[m[2]] if m else None for m in late]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the wirelore program, built with --release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", default=",".join(LOADS), help="names of loads: " + ", ".join(LOADS))
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"))
    parser.add_argument("--folder", help="where the session file is written; needs 3 GB")
    opt = parser.parse_args()
    missing = [tool for tool in ("nginx", "haproxy", "wrk", "h2load", "curl", "openssl") if not shutil.which(tool)]
    if missing:
        sys.exit(f"Missing: {', '.join(missing)}. On Debian: apt-get install nginx haproxy wrk nghttp2-client curl openssl")
    folder = Path(tempfile.mkdtemp(prefix="proxy-bench-", dir=opt.folder))
    folder.chmod(0o755)
    https, http, port, plain = free_ports(4)
    figures, names = {}, []
    with open(folder / "log", "ab") as log:
        certificates(folder)
        server = start(nginx(folder, https, http), https, log)
        try:
            for load_name in opt.only.split(","):
                for _ in range(opt.rounds):
                    for name, command in peers(opt, folder, https, http):
                        proxy = start([word.format(port=port, plain=plain) for word in command], port, log)
                        try:
                            if load_name != "down":
                                run(load_name, 1, port, plain)
                            before = cpu(proxy.pid)
                            units, middle, late = load(name, load_name, opt.seconds, port, plain)
                            figures.setdefault((load_name, name), []).append(((cpu(proxy.pid) - before) / max(units, 1e-9), middle, late))
                        finally:
                            stop(proxy)
                        if name not in names:
                            names.append(name)
        finally:
            stop(server)
            shutil.rmtree(folder, ignore_errors=True)
    print("| load | unit | " + " | ".join(f"{n}: CPU-s" for n in names) + " | " + " | ".join(f"wirelore / {n}" for n in names[1:])
          + " | " + " | ".join(f"{n}: p50 / p99 ms" for n in names) + " |")
    print("|" + " --- |" * (1 + 3 * len(names)))
    for load_name in opt.only.split(","):
        unit, times = ("GB", 1) if load_name == "down" else ("10,000 requests", 10_000)
        middles = [[statistics.median(x[i] for x in figures[load_name, n]) if figures[load_name, n][0][i] is not None else None for i in range(3)]
                   for n in names]
        cells = [f"{m[0] * times:.2f}" for m in middles] + [f"{middles[0][0] / m[0]:.2f}" for m in middles[1:]]
        cells += ["" if m[1] is None else f"{m[1]:.1f} / {m[2]:.1f}" for m in middles]
        print(f"| {LOADS[load_name][0]} | {unit} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
