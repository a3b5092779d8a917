"""What the guest does, step by step, with real clients; notes what came back in truth.json. First argument: work folder."""

import asyncio
import email.message
import ftplib
import hashlib
import io
import json
import os
import pathlib
import smtplib
import socket
import struct
import subprocess
import sys
import time

import websockets

work = pathlib.Path(sys.argv[1])
out = work / "got"
out.mkdir()
truth = {"http": [], "dns": [], "ftp": [], "mail": None, "websocket": []}
WWW = ["--resolve", "www.cafe.test:80:192.0.2.80", "--resolve", "www.cafe.test:443:192.0.2.80", "--resolve", "www.cafe.test:81:192.0.2.80"]


def run(*cmd, ok=(0,), **env):
    r = subprocess.run(cmd, capture_output=True, text=True, env={**os.environ, **env})
    if r.returncode not in ok:
        sys.exit(f"{cmd} ended with {r.returncode}: {r.stderr or r.stdout}")
    return r.stdout


def pause(seconds=0.15):
    time.sleep(seconds)


def fetch(*requests, base="http://www.cafe.test", extra=(), **env):
    """One curl, one connection, several requests: (method, path, curl options...)."""
    cmd, n = ["curl", "-sS"], len(truth["http"])
    for i, (method, path, *options) in enumerate(requests):
        cmd += ["--next", "-sS"] if i else []
        cmd += [*WWW, *extra, *options, "-o", str(out / str(n + i)), "-w", "%{http_code}\n", base + path]
    codes = run(*cmd, **env).split()
    for i, (method, path, *_) in enumerate(requests):
        f = out / str(n + i)
        body = f.read_bytes() if f.exists() and method != "HEAD" else b""
        truth["http"].append({"method": method, "url": base + path, "status": int(codes[i]), "decoded_len": len(body), "decoded_sha256": hashlib.sha256(body).hexdigest()})


def dig(*args):
    answers = [line.split() for line in run("dig", "+noall", "+answer", "+nocookie", "+time=2", "+tries=1", *args).splitlines()]
    truth["dns"].append({"dig": " ".join(args), "answers": [[a[0], a[3], " ".join(a[4:])] for a in answers]})


# Where is the café, and is anybody there?
run("getent", "ahosts", "www.cafe.test")
pause()
run("ping", "-n", "-c", "2", "-i", "0.3", "192.0.2.80")
pause()

# The page and all that hangs on it: one connection.
jar = str(work / "cookies")
fetch(
    ("GET", "/", "--compressed", "-c", jar),
    ("GET", "/style.css", "-b", jar, "--etag-save", str(work / "etag")),
    ("GET", "/menu.js", "-b", jar),
    ("GET", "/logo.png", "-b", jar),
    ("GET", "/oven.png", "-b", jar),
    ("GET", "/api/today", "-b", jar, "-H", "Accept: application/json"),
)
pause()

# What else HTTP can say: a second connection.
fetch(
    ("GET", "/old-menu"),
    ("GET", "/menu.html"),
    ("GET", "/crumbs"),
    ("GET", "/style.css", "--etag-compare", str(work / "etag")),
    ("HEAD", "/recipe.txt", "-I"),
    ("GET", "/recipe.txt", "-r", "60-179"),
    ("POST", "/order", "-b", jar, "--data-urlencode", "name=Mara", "--data-urlencode", "cake=plum cake", "--data-urlencode", "note=no cream & thank you"),
    ("GET", "/thanks.html", "-b", jar),
)
pause()

# A door nobody opens, then the same café by IPv6.
run("curl", "-sS", *WWW, "http://www.cafe.test:81/", ok=(7,))
pause()
n = len(truth["http"])
run("curl", "-sS", "-6", "-o", str(out / str(n)), "http://www.cafe.test/hours.txt")
body = (out / str(n)).read_bytes()
truth["http"].append({"method": "GET", "url": "http://www.cafe.test/hours.txt", "status": 200, "decoded_len": len(body), "decoded_sha256": hashlib.sha256(body).hexdigest()})
pause()

# More questions for the resolver: an alias, texts, a name that is not there, and one question over TCP.
dig("menu.cafe.test", "A")
dig("cafe.test", "TXT")
dig("tea.cafe.test", "A")
dig("+tcp", "cafe.test", "TXT")
pause()

# Files: passive, then active.
ftp = ftplib.FTP()
ftp.connect("files.cafe.test", 21, timeout=10)
ftp.login("anonymous", "guest@")
ftp.cwd("pub")
ftp.set_pasv(True)
lines = []
ftp.retrlines("LIST", lines.append)
data = bytearray()
ftp.retrbinary("RETR menu.txt", data.extend)
truth["ftp"].append({"command": "RETR menu.txt", "len": len(data), "sha256": hashlib.sha256(data).hexdigest()})
ftp.set_pasv(False)
photo = (work / "www/logo.png").read_bytes()
ftp.cwd("/incoming")
ftp.storbinary("STOR cup.png", io.BytesIO(photo))
truth["ftp"].append({"command": "STOR cup.png", "len": len(photo), "sha256": hashlib.sha256(photo).hexdigest()})
ftp.quit()
pause()

# A mail with a picture; one line begins with a dot.
dig("cafe.test", "MX")
m = email.message.EmailMessage()
m["From"] = "Mara Lindqvist <mara@guests.example>"
m["To"] = "Noor <noor@cafe.test>"
m["Subject"] = "Plum cake and a photo"
m["Date"] = "Mon, 23 Nov 2026 08:15:00 +0000"
m["Message-ID"] = "<plum-1@guests.example>"
m.set_content("Dear Noor,\n\nI ordered a plum cake at your page.\n..the dots in your menu look odd, by the way.\n.But the cake never does.\n\nMara\n")
m.add_attachment(photo, maintype="image", subtype="png", filename="cup.png")
m.set_boundary("plum-cake-boundary")
s = smtplib.SMTP("mail.cafe.test", 25, local_hostname="maras-laptop.example", timeout=10)
s.send_message(m)
s.quit()
truth["mail"] = json.loads((work / "mail.json").read_text())
pause()


# A chat by WebSocket, through the web server's port.
async def chat():
    def note(direction, kind, data):
        b = data.encode() if isinstance(data, str) else data
        truth["websocket"].append({"dir": direction, "kind": kind, "len": len(b), "sha256": hashlib.sha256(b).hexdigest()})

    async with websockets.connect("ws://www.cafe.test/chat", host="192.0.2.80", port=80, compression=None, ping_interval=None, origin="http://www.cafe.test") as ws:
        note("s2c", "text", await ws.recv())
        await ws.send("Mara: good morning, any rolls left?")
        note("c2s", "text", "Mara: good morning, any rolls left?")
        note("s2c", "text", await ws.recv())
        parts = ["Mara: yes, ", "two, ", "please \u2615"]
        await ws.send(parts)
        note("c2s", "text in 3 fragments", "".join(parts))
        note("s2c", "text", await ws.recv())
        await ws.send(bytes(range(16)))
        note("c2s", "binary", bytes(range(16)))
        note("s2c", "binary", await ws.recv())
        await ws.close(1000, "breakfast")


asyncio.run(chat())
pause()

# The same shop behind TLS; the keys go to a log that the finished capture carries inside.
fetch(
    ("GET", "/private/orders.html"),
    ("GET", "/style.css"),
    base="https://www.cafe.test",
    extra=("--http1.1", "--tlsv1.3", "--cacert", str(work / "root.crt")),
    SSLKEYLOGFILE=str(work / "keys"),
)
pause()

# Is there a printer nearby? Multicast DNS.
q = b"".join(bytes([len(p)]) + p for p in (b"_ipp", b"_tcp", b"local")) + b"\0"
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
u.bind(("", 5353))
u.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
u.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
u.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton("192.0.2.10"))
u.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.0.2.10"))
u.settimeout(3)
u.sendto(struct.pack("!6H", 0, 0, 1, 0, 0, 0) + q + struct.pack("!HH", 12, 1), ("224.0.0.251", 5353))
u.recvfrom(9000)
(work / "truth.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n")
