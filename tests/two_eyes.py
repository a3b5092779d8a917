"""Conversations of several protocols through the proxy, seen by two eyes: its own record and tcpdump on the loopback interface.
Usage, in a network namespace of its own: two_eyes.py WIRELORE FOLDER. Leaves session.pcapng and wire.pcap in the folder."""

import base64
import ftplib
import hashlib
import http.client
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time

WIRELORE, FOLDER = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
os.chdir(FOLDER)
os.environ["XDG_CONFIG_HOME"] = FOLDER
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
               " -addext subjectAltName=DNS:localhost,IP:127.0.0.1", shell=True, check=True, stderr=subprocess.DEVNULL)
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
TLS.load_cert_chain("cert.pem", "key.pem")
ANY = ssl.create_default_context()
ANY.check_hostname, ANY.verify_mode = False, ssl.CERT_NONE
LETTER = "Subject: two eyes\r\n\r\n" + "".join(f"Line {n}\r\n" for n in range(500)) + ".dotted\r\n"
FILE = bytes(range(256)) * 2000


def serve(port, talk):
    listening = socket.create_server(("127.0.0.1", port))

    def run():
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()


def head_of(lines):
    head = []
    while (line := lines.readline().rstrip(b"\r\n")):
        head.append(line)
    return head


def web(connection):
    """HTTP/1.1 in TLS: bodies counted and chunked, and a WebSocket that echoes."""
    connection = TLS.wrap_socket(connection, server_side=True)
    lines = connection.makefile("rb")
    while (head := head_of(lines)):
        method, target, _ = head[0].split()
        fields = {n.lower(): v.strip() for n, v in (h.split(b":", 1) for h in head[1:])}
        body = lines.read(int(fields.get(b"content-length", 0)))
        if b"sec-websocket-key" in fields:
            accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            return echo(connection, lines)
        if target.startswith(b"/chunks"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for n in range(1, 40):
                connection.sendall(b"%x\r\n%s\r\n" % (n * 100, b"c" * n * 100))
            connection.sendall(b"0\r\n\r\n")
        else:
            answer = method + b" " + target + b" " + hashlib.sha256(body).hexdigest().encode() + b"." * 300_000
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


def echo(connection, lines):
    while True:
        first, second = lines.read(2)
        length = second & 0x7f
        if length == 126:
            length = int.from_bytes(lines.read(2), "big")
        mask = lines.read(4)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(lines.read(length)))
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
        connection.sendall(bytes([first]) + size + data)
        if first & 0xf == 8:
            return connection.close()


def mail(connection):
    connection.sendall(b"220 localhost ESMTP\r\n")
    lines = connection.makefile("rb")
    while (line := lines.readline()):
        word = line.split()[0].upper()
        if word == b"EHLO":
            connection.sendall(b"250-localhost\r\n250-8BITMIME\r\n250 STARTTLS\r\n")
        elif word == b"STARTTLS":
            connection.sendall(b"220 Go on\r\n")
            connection = TLS.wrap_socket(connection, server_side=True)
            lines = connection.makefile("rb")
        elif word == b"DATA":
            connection.sendall(b"354 Go on\r\n")
            while lines.readline() != b".\r\n":
                pass
            connection.sendall(b"250 Taken\r\n")
        elif word == b"QUIT":
            connection.sendall(b"221 Bye\r\n")
            return connection.close()
        else:
            connection.sendall(b"250 OK\r\n")


def files(connection):
    connection.sendall(b"220 FTP server ready\r\n")
    lines, waiting = connection.makefile("rb"), None
    while (line := lines.readline()):
        word = line.split()[0].upper()
        if word in (b"EPSV", b"PASV"):
            waiting = socket.create_server(("127.0.0.1", 0))
            port = waiting.getsockname()[1]
            said = b"229 Extended (|||%d|)" % port if word == b"EPSV" else b"227 Passive (127,0,0,1,%d,%d)" % (port >> 8, port & 255)
            connection.sendall(said + b"\r\n")
        elif word in (b"RETR", b"STOR"):
            data, _ = waiting.accept()
            connection.sendall(b"150 Here\r\n")
            if word == b"RETR":
                data.sendall(FILE)
            else:
                while data.recv(65536):
                    pass
            data.close()
            connection.sendall(b"226 Done\r\n")
        elif word == b"USER":
            connection.sendall(b"331 And?\r\n")
        elif word == b"PASS":
            connection.sendall(b"230 Come in\r\n")
        elif word == b"QUIT":
            connection.sendall(b"221 Bye\r\n")
            return connection.close()
        else:
            connection.sendall(b"200 OK\r\n")


def visit_web():
    connection = http.client.HTTPSConnection("127.0.0.1", 18888, context=ANY, timeout=20)
    connection.set_tunnel("localhost", 18443)
    for method, path, body in [("GET", "/a", None), ("POST", "/b", b"b" * 200_000), ("GET", "/chunks", None), ("GET", "/c", None)]:
        connection.request(method, path, body)
        assert connection.getresponse().read(), path
    connection.close()
    plain = http.client.HTTPConnection("127.0.0.1", 18888, timeout=20)
    for n in range(3):
        plain.request("GET", f"http://localhost:18080/{n}")
        answer = plain.getresponse()
        assert answer.status == 200 and len(answer.read()) == n * 9000
    plain.close()


def visit_chat():
    raw = socket.create_connection(("127.0.0.1", 18888), timeout=20)
    raw.sendall(b"CONNECT localhost:18443 HTTP/1.1\r\nHost: localhost:18443\r\n\r\n")
    assert raw.recv(4096).startswith(b"HTTP/1.1 200")
    talk = ANY.wrap_socket(raw, server_hostname="localhost")
    lines = talk.makefile("rb")
    talk.sendall(b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert b"101" in head_of(lines)[0]
    for first, data in [(0x81, b"hello"), (0x82, bytes(1000)), (0x89, b"ping"), (0x81, b"bye"), (0x88, b"\x03\xe8")]:
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        talk.sendall(bytes([first]) + size + b"abcd" + bytes(b ^ b"abcd"[i % 4] for i, b in enumerate(data)))
        back = lines.read(2)
        length = back[1] if back[1] < 126 else int.from_bytes(lines.read(2), "big")
        assert lines.read(length) == data
    talk.close()


def visit_mail():
    with smtplib.SMTP("127.0.0.1", 12525, timeout=20) as post:
        post.starttls(context=ANY)
        post.sendmail("a@example.org", ["b@example.org", "c@example.org"], LETTER)


def visit_files():
    for passive in ("epsv", "pasv"):
        with ftplib.FTP(timeout=20) as ftp:
            ftp.connect("127.0.0.1", 12121)
            ftp.login("me", "secret")
            if passive == "epsv":
                ftp.af = socket.AF_INET6  # makes ftplib say EPSV; the address is that of the control connection
            got = []
            ftp.retrbinary("RETR file", got.append)
            assert b"".join(got) == FILE
            ftp.storbinary("STOR file", open("key.pem", "rb"))


def nginx():
    os.makedirs("www", exist_ok=True)
    for n in range(12):
        open(f"www/{n}", "wb").write(bytes([65 + n]) * (n * 9000))
    open("nginx.conf", "w").write(f"""daemon off; pid nginx.pid; error_log nginx.log; events {{}}
    http {{ access_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    server {{ listen 127.0.0.1:18080; root {FOLDER}/www; }}
    server {{ listen 127.0.0.1:18444 ssl http2; ssl_certificate {FOLDER}/cert.pem; ssl_certificate_key {FOLDER}/key.pem; root {FOLDER}/www; }} }}""")
    return subprocess.Popen(["nginx", "-p", FOLDER, "-c", f"{FOLDER}/nginx.conf", "-e", "nginx.log"], stderr=subprocess.DEVNULL)


def visit_many():
    urls = [f"https://localhost:18444/{n}" for n in range(12)]
    run = ["curl", "-sSk", "--http2", "--parallel", "-x", "http://127.0.0.1:18888", *[a for u in urls for a in ("-o", "/dev/null", u)]]
    subprocess.run(run, check=True, timeout=30)


def listening(port):
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nobody listens at {port}")


serve(18443, web)
serve(2525, mail)
serve(2121, files)
server = nginx()
listening(18444)
eye = subprocess.Popen(["tcpdump", "-i", "lo", "-s", "0", "-B", "65536", "-U", "--immediate-mode", "-w", "wire.pcap", "-Z", "root", "tcp"],
                       stderr=subprocess.PIPE)
eye.stderr.readline()
proxy = subprocess.Popen([WIRELORE, "proxy", "-k", "-m", "regular@18888", "-m", "reverse:smtp://127.0.0.1:2525@12525",
                          "-m", "reverse:ftp://127.0.0.1:2121@12121", "-w", "session.pcapng"])
listening(12121)
failed = []
for visit in (visit_web, visit_chat, visit_many, visit_mail, visit_files):
    try:
        visit()
    except Exception as e:
        failed.append(f"{visit.__name__}: {e!r}")
time.sleep(0.5)
proxy.send_signal(signal.SIGINT)
proxy.wait(20)
time.sleep(0.3)
eye.send_signal(signal.SIGTERM)
eye.wait()
server.terminate()
sys.exit("\n".join(failed) if failed else 0)
