#!/usr/bin/env python3
"""Plays cases.py with real peers: `serve` starts the servers, `visit GROUP KEYS TRUTH` runs the clients and writes key log and truth.

Peers are openssl's s_server and s_client, and tlslite-ng where ciphers are wanted that openssl no longer has.
"""
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

from cases import GROUPS

SERVER = "192.0.2.50"
EARLY = b"This was sent before the handshake was over.\n"


def pure(case):
    from tlslite.api import HandshakeSettings

    s, p = HandshakeSettings(), case["pure"]
    s.cipherNames, s.macNames = [p["cipher"]], [p["mac"]]
    s.minVersion = s.maxVersion = p["version"]
    s.keyExchangeNames = ["rsa"]
    if p["version"] < (3, 3):
        s.useEncryptThenMAC = False
    return s


def serve_pure(case):
    from tlslite.api import TLSConnection, X509, X509CertChain, parsePEMKey

    chain = X509CertChain([X509().parse(open("rsa.crt").read())])
    key = parsePEMKey(open("rsa.key").read(), private=True)
    s = socket.create_server((SERVER, case["port"]))
    while True:
        t = TLSConnection(s.accept()[0])
        t.handshakeServer(certChain=chain, privateKey=key, settings=pure(case))
        for line in t.makefile("rb"):
            t.sendall(line.rstrip(b"\n")[::-1] + b"\n")
        t.close()


def serve():
    held, seen = [], set()
    for group, cases in GROUPS.items():
        for case in cases:
            if case["port"] in seen:
                continue
            seen.add(case["port"])
            if "pure" in case:
                threading.Thread(target=serve_pure, args=(case,), daemon=True).start()
                continue
            how = [] if case.get("plain") else ["-rev"]
            listen = ["-accept", f"{SERVER}:{case['port']}"]
            cmd = ["openssl", "s_server", *listen, *how, *case["server"]]
            if group == "dtls":
                cmd = [a for a in cmd if a != "-rev"] + ["-listen"]
            held.append(subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
    for p in held:
        p.wait()


def visit_pure(case, log):
    from tlslite.api import TLSConnection

    with socket.create_connection((SERVER, case["port"])) as s:
        t = TLSConnection(s)
        t.handshakeClientCert(settings=pure(case), serverName="www.cafe.test")
        log.write(f"CLIENT_RANDOM {bytes(t._clientRandom).hex()} {bytes(t.session.masterSecret).hex()}\n")
        port = s.getsockname()[1]
        replies = t.makefile("rb")
        for line in case["lines"]:
            t.sendall(line.encode() + b"\n")
            replies.readline()
        t.close()
    return port


def visit_openssl(case, log, udp):
    keys = f"keys.{case['port']}.{os.getpid()}.{time.time_ns()}"
    port = random.randrange(40000, 60000)
    bind = ["-bind", f"192.0.2.10:{port}"]
    cmd = ["openssl", "s_client", "-connect", f"{SERVER}:{case['port']}", *bind, "-servername", "www.cafe.test"]
    cmd += ["-keylogfile", keys, *case["client"]]
    p = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.9 if case.get("early") or udp else 0.5)
    for line in [*case["lines"], "Q"]:
        if line == "Q" and case.get("linger"):
            time.sleep(0.5)
        try:
            p.stdin.write(line.encode() + b"\n")
            p.stdin.flush()
        except BrokenPipeError:
            break
        time.sleep(0.25)
    p.wait(timeout=10)
    if os.path.exists(keys):
        text = open(keys).read()
        if case.get("keys") == "wrong":
            text = "".join(" ".join([*line.split()[:2], hashlib.sha384(line.encode()).hexdigest()[: len(line.split()[2])]]) + "\n" for line in text.splitlines() if not line.startswith("#"))
        if case.get("keys") != "none":
            log.write(text)
    return port


def visit(group, keys, truth):
    open("early.txt", "wb").write(EARLY)
    told = []
    with open(keys, "w") as log:
        for case in GROUPS[group]:
            udp = group == "dtls"
            port = visit_pure(case, log) if "pure" in case else visit_openssl(case, log, udp)
            lines = [line for line in case["lines"] if len(line) > 1]
            sent = b"".join(line.encode() + b"\n" for line in lines)
            replies = b"" if case.get("plain") or udp else b"".join(line[::-1].encode() + b"\n" for line in lines)
            if case.get("early"):
                sent = EARLY + sent if case["early"] is True else sent
            told.append({"name": case["name"], "client_port": port, "server_port": case["port"], "keys": case.get("keys", "right"),
                         "to_server": sent.decode(), "to_client": replies.decode()})
    json.dump(told, open(truth, "w"), indent=1)


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    serve() if sys.argv[2] == "serve" else visit(*sys.argv[3:])
