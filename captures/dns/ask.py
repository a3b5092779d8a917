"""Asks BIND for every record type with dig, then speaks DNS over TCP by hand; prints what dig was told as JSON."""

import json
import re
import socket
import struct
import subprocess
import time

truth = []


def dig(*args):
    r = subprocess.run(["dig", "@192.0.2.53", "+noall", "+comments", "+answer", "+time=2", "+tries=1", *args], capture_output=True, text=True)
    status = re.findall(r"status: (\w+), id: (\d+)", r.stdout)
    rows = [x for x in r.stdout.splitlines() if x and not x.startswith(";")]
    answers = []
    for x in rows:
        p = x.split(None, 4)
        answers.append({"name": p[0], "ttl": int(p[1]), "type": p[3], "data": p[4] if len(p) > 4 else ""})
    truth.append({"dig": " ".join(args), "rcode": [s for s, _ in status], "id": [int(i) for _, i in status], "answers": answers})
    time.sleep(0.01)


for name, kind in (
    ("cafe.test", "A"), ("cafe.test", "AAAA"), ("menu.cafe.test", "A"), ("menu.cafe.test", "CNAME"), ("cafe.test", "MX"), ("cafe.test", "TXT"),
    ("quotes.cafe.test", "TXT"), ("_submission._tcp.cafe.test", "SRV"), ("cafe.test", "NS"), ("cafe.test", "SOA"), ("cafe.test", "CAA"),
    ("cafe.test", "HTTPS"), ("alias.cafe.test", "HTTPS"), ("_dns.cafe.test", "SVCB"), ("_8443._foo.svc.cafe.test", "SVCB"),
    ("tel.cafe.test", "NAPTR"), ("guests.cafe.test", "DS"), ("box.cafe.test", "HINFO"), ("where.cafe.test", "LOC"), ("ssh.cafe.test", "SSHFP"),
    ("_443._tcp.cafe.test", "TLSA"), ("_http._tcp.cafe.test", "URI"), ("rp.cafe.test", "RP"), ("afs.cafe.test", "AFSDB"),
    ("odd.cafe.test", "TYPE65280"), ("five.tables.cafe.test", "A"), ("xn--kuchen-bcker-s8a.cafe.test", "TXT"), ("a\\.dot.cafe.test", "TXT"),
    ("plum.old.cafe.test", "A"), ("80.2.0.192.in-addr.arpa", "PTR"), ("mara.guests.cafe.test", "A"),
    ("0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR"),
):
    dig(name, kind, "+nocookie")
dig("cafe.test", "A", "+noedns")  # as in 1987
dig("CaFe.TeSt", "A", "+noedns")  # names keep their case
dig("cafe.test", "A", "+subnet=198.51.100.0/24", "+nsid", "+padding=128", "+cookie=0102030405060708")
dig("cafe.test", "DNSKEY", "+dnssec", "+nocookie")
dig("cafe.test", "MX", "+dnssec", "+nocookie")
dig("cafe.test", "CDS", "+nocookie")
dig("tea.cafe.test", "A", "+dnssec", "+nocookie")  # NXDOMAIN with its proof
dig("tea.cafe.test", "A", "+noedns")
dig("mail.cafe.test", "AAAA", "+noedns")  # the name is there, the type is not
dig("example.net", "A", "+noedns")  # REFUSED
dig("broken.test", "A", "+noedns")  # SERVFAIL
dig("version.bind", "TXT", "-c", "CH", "+noedns")
dig("cafe.test", "ANY", "+nocookie")
dig("cafe.test", "A", "+edns=5", "+noednsneg", "+nocookie")  # BADVERS
dig("cafe.test", "A", "+opcode=2", "+noedns")  # NOTIMP
dig("long.cafe.test", "TXT", "+noedns")  # truncated at 512, again over TCP
dig("crowd.cafe.test", "A", "+bufsize=1232", "+nocookie")  # truncated at 1232, again over TCP
dig("crowd.cafe.test", "A", "+bufsize=4096", "+ignore", "+nocookie")
dig("cafe.test", "AXFR")  # a zone: several messages in one stream
dig("cafe.test", "A", "+tcp", "+keepalive")
dig("cafe.test", "A", "+tcp", "+keepopen", "cafe.test", "MX", "+tcp", "+keepopen")

update = "server 192.0.2.53\nzone cafe.test\nprereq nxrrset today.cafe.test. TXT\nupdate add today.cafe.test. 60 TXT \"poppy rolls\"\nupdate delete box.cafe.test. HINFO\nsend\n"
subprocess.run(["nsupdate"], input=update, text=True, check=True)


def query(ident, name, kind):
    labels = b"".join(bytes([len(x)]) + x for x in name.encode().split(b".")) + b"\0"
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!2H", kind, 1)


# Three questions in one write, answers in any order; then one question cut inside its length prefix and its name.
s = socket.create_connection(("192.0.2.53", 53))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s.sendall(b"".join(struct.pack("!H", len(q)) + q for q in (query(1, "cafe.test", 1), query(2, "cafe.test", 15), query(3, "long.cafe.test", 16))))
time.sleep(0.2)
q = query(4, "menu.cafe.test", 1)
wire = struct.pack("!H", len(q)) + q
for part in (wire[:1], wire[1:9], wire[9:20], wire[20:]):
    s.sendall(part)
    time.sleep(0.05)
time.sleep(0.2)
s.close()
print("[" + ",\n".join(json.dumps(t) for t in truth) + "]")
