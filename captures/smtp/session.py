"""The clients: session.py GROUP FOLDER TRUTH.json. Sends and fetches letters and writes down what was really sent and fetched."""

import base64
import hashlib
import imaplib
import json
import pathlib
import poplib
import smtplib
import socket
import ssl
import sys
import time
from email.message import EmailMessage

group, work, truth = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
HOST = "192.0.2.25"
PEOPLE = {"emma": "tea4two", "bob": "biscuit"}
letters = []
facts = {}


def context():
    c = ssl.create_default_context(cafile=str(work / "mail.crt"))
    c.check_hostname = False
    c.keylog_filename = str(work / "keys")
    return c


def wire(text):
    """Bytes with the line ends of the wire."""
    data = text if isinstance(text, bytes) else text.encode()
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def remember(data, by, sender, to, port):
    letters.append({"by": by, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "mail_from": sender, "rcpt_to": to, "port": port})


class Raw:
    """A client that says exactly what it is told."""

    def __init__(self, port=25):
        self.s = socket.create_connection((HOST, port), timeout=20)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile("rb")
        self.port = port
        self.reply()

    def reply(self):
        lines = []
        while True:
            line = self.f.readline()
            lines.append(line)
            if line[3:4] != b"-":
                return lines

    def say(self, *what, replies=None):
        self.s.sendall(b"".join(w if isinstance(w, bytes) else w.encode() + b"\r\n" for w in what))
        return [self.reply() for _ in range(len(what) if replies is None else replies)]

    def close(self):
        self.say("QUIT")
        self.s.close()


def simple(subject, body):
    return wire(
        f"From: Emma <emma@cafe.test>\nTo: Bob <bob@cafe.test>\nSubject: {subject}\nDate: Mon, 23 Nov 2026 08:00:00 +0100\n"
        f"Message-ID: <{subject.replace(' ', '-')}@cafe.test>\n\n{body}"
    )


def with_parts():
    m = EmailMessage()
    m["From"] = "J\u00fcrgen <juergen@cafe.test>"
    m["To"] = "Bob <bob@cafe.test>"
    m["Subject"] = "Bilder aus dem Caf\u00e9 \u2615"
    m["Date"] = "Mon, 23 Nov 2026 08:05:00 +0100"
    m["Message-ID"] = "<parts@cafe.test>"
    m.set_content("Gr\u00fc\u00dfe!\n.\n..\n\u2014 J\n")
    m.add_alternative("<p>Gr\u00fc\u00dfe!</p>\n", subtype="html")
    m.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="octet-stream", filename="f\u00fcnf \u20ac.bin")
    m.add_attachment('{"tea": 2, "biscuits": [1, 2, 3]}\n', subtype="json", filename="order.json")
    inner = EmailMessage()
    inner["From"] = "carl@cafe.test"
    inner["Subject"] = "the letter inside"
    inner["Date"] = "Sun, 22 Nov 2026 08:00:00 +0100"
    inner.set_content("Forwarded.\n")
    inner.add_attachment(b"note\n", maintype="text", subtype="x-note", filename="n.txt")
    m.add_attachment(inner)
    return wire(m.as_bytes())


def do_letters():
    s = smtplib.SMTP(HOST, 25, local_hostname="guest.cafe.test")
    dots = simple("dots", ".\n..\n.hidden\ntext\n...\n\n.")
    for name, data, options in [
        ("dots", dots + b"\r\n", []),
        ("parts", with_parts(), ["BODY=8BITMIME"]),
        ("dsn", simple("dsn", "report, please\n"), ["RET=HDRS", "ENVID=QQ314159"]),
        ("large", simple("large", "".join(f"line {i} of many, to fill some segments\n" for i in range(4000))), []),
        ("empty end", simple("empty end", "the last line is empty\n\n"), []),
    ]:
        to = ["bob@cafe.test", "emma@cafe.test"] if name == "parts" else ["bob@cafe.test"]
        s.sendmail("emma@cafe.test", to, data, options, ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;bob+40cafe.test"] if name == "dsn" else [])
        remember(data, "DATA", "emma@cafe.test", to, s.sock.getsockname()[1])
    s.sendmail("emma@cafe.test", ["b\u00f6b@cafe.test"], (utf8 := wire("From: emma@cafe.test\nTo: b\u00f6b@cafe.test\nSubject: gr\u00fcn\nDate: Mon, 23 Nov 2026 08:10:00 +0100\n\nUTF-8 everywhere\n")), ["SMTPUTF8", "BODY=8BITMIME"])
    remember(utf8, "DATA", "emma@cafe.test", ["b\u00f6b@cafe.test"], s.sock.getsockname()[1])
    for line in ("NOOP", "VRFY bob@cafe.test", "EXPN staff", "HELP", "ETRN cafe.test", "RSET", "FOO"):
        s.docmd(line)
    s.mail("emma@cafe.test")
    facts["refused"] = s.rcpt("nobody@cafe.test")[0]
    s.rset()
    s.quit()
    r = Raw()
    r.say("EHLO guest.cafe.test")
    port = r.s.getsockname()[1]
    one, two = simple("pipelined one", "first\n"), simple("pipelined two", "second\n")
    r.say("MAIL FROM:<emma@cafe.test>", "RCPT TO:<bob@cafe.test>", "RCPT TO:<nobody@cafe.test>", "DATA")
    r.say(one + b".\r\n", "MAIL FROM:<>", "RCPT TO:<bob@cafe.test>", "DATA")
    r.say(two + b".\r\n")
    remember(one, "DATA", "emma@cafe.test", ["bob@cafe.test", "nobody@cafe.test"], port)
    remember(two, "DATA", "", ["bob@cafe.test"], port)
    chunked = with_parts()
    a, b = chunked[:1000], chunked[1000:]
    r.say("MAIL FROM:<emma@cafe.test> BODY=8BITMIME", "RCPT TO:<bob@cafe.test>")
    r.say(b"BDAT %d\r\n" % len(a) + a)
    r.say(b"BDAT %d\r\n" % len(b) + b)
    r.say(b"BDAT 0 LAST\r\n")
    remember(chunked, "BDAT", "emma@cafe.test", ["bob@cafe.test"], port)
    last = simple("one chunk", "no line end at the end")
    r.say("MAIL FROM:<emma@cafe.test>", "RCPT TO:<bob@cafe.test>", b"BDAT %d LAST\r\n" % len(last) + last)
    remember(last, "BDAT", "emma@cafe.test", ["bob@cafe.test"], port)
    r.close()


def do_submission():
    for mechanism, user in [("PLAIN", "emma"), ("LOGIN", "bob"), ("CRAM-MD5", "emma")]:
        s = smtplib.SMTP(HOST, 587, local_hostname="guest.cafe.test")
        s.ehlo()
        s.starttls(context=context())
        s.ehlo()
        s.user, s.password = user, PEOPLE[user]
        s.auth(mechanism, {"PLAIN": s.auth_plain, "LOGIN": s.auth_login, "CRAM-MD5": s.auth_cram_md5}[mechanism], initial_response_ok=mechanism == "PLAIN")
        data = simple(f"by {mechanism}", ".dot\ninside TLS\n")
        s.sendmail(f"{user}@cafe.test", ["bob@cafe.test"], data)
        remember(data, "DATA", f"{user}@cafe.test", ["bob@cafe.test"], s.sock.getsockname()[1])
        s.quit()
    s = smtplib.SMTP_SSL(HOST, 465, local_hostname="guest.cafe.test", context=context())
    s.login("emma", PEOPLE["emma"])
    data = simple("implicit", "TLS from the first byte\n")
    s.sendmail("emma@cafe.test", ["bob@cafe.test"], data)
    remember(data, "DATA", "emma@cafe.test", ["bob@cafe.test"], s.sock.getsockname()[1])
    s.quit()
    r = Raw(587)
    r.say("EHLO guest.cafe.test")
    r.say("AUTH PLAIN")
    facts["wrong password"] = r.say(base64.b64encode(b"\0emma\0wrong").decode())[0][0].decode().strip()
    r.say("AUTH LOGIN")
    r.say("*")
    r.say("AUTH PLAIN " + base64.b64encode(b"\0emma\0tea4two").decode())
    r.close()


def do_smuggling():
    ends = {"LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r", "CRLF.CR": b"\r\n.\r"}
    for name, end in ends.items():
        r = Raw()
        r.say("EHLO guest.cafe.test")
        r.say("MAIL FROM:<emma@cafe.test>")
        r.say("RCPT TO:<bob@cafe.test>")
        r.say("DATA")
        rest = b"MAIL FROM:<admin@cafe.test>\r\nRCPT TO:<bob@cafe.test>\r\nDATA\r\nFrom: admin@cafe.test\r\nSubject: smuggled\r\n\r\nforged\r\n"
        data = simple(f"smuggling {name}", "outer") + end + rest
        r.s.sendall(data + b".\r\n")
        time.sleep(0.3)
        facts[name] = r.reply()[0].decode().strip()
        letters.append({"by": "DATA", "note": name, "port": r.s.getsockname()[1]})
        r.s.close()
    r = Raw(587)
    r.say("EHLO guest.cafe.test")
    r.s.sendall(b"STARTTLS\r\nNOOP injected\r\n")
    facts["behind STARTTLS"] = r.reply()[0].decode().strip()
    c = context()
    try:
        t = c.wrap_socket(r.s, server_hostname="mail.cafe.test")
        t.sendall(b"EHLO guest.cafe.test\r\n")
        time.sleep(0.3)
        t.recv(4096)
        t.sendall(b"QUIT\r\n")
        t.recv(4096)
        t.close()
    except (ssl.SSLError, OSError) as e:
        facts["injection"] = type(e).__name__


def deliver(*all_letters):
    # smtplib reads one reply behind the letter; LMTP gives one for each recipient.
    r = Raw(24)
    r.say("LHLO guest.cafe.test")
    for data in all_letters:
        r.say("MAIL FROM:<emma@cafe.test>", "RCPT TO:<bob>", "RCPT TO:<emma>", "DATA")
        r.say(smtplib._quote_periods(data) + b".\r\n", replies=2)
        remember(data, "LMTP", "emma@cafe.test", ["bob", "emma"], r.s.getsockname()[1])
    r.close()
    time.sleep(0.5)


TWO = (simple("lmtp one", "to both\n"), simple("lmtp two", ".\n..dots\n"))


def do_lmtp():
    deliver(*TWO)


def do_parts():
    deliver(with_parts())


def do_pop3():
    deliver(*TWO)

    def pop(p, by, port):
        p.user("bob")
        p.pass_(PEOPLE["bob"])
        count = len(p.list()[1])
        p.uidl()
        for n in range(1, min(count, 4) + 1):
            data = b"".join(line + b"\r\n" for line in p.retr(n)[1])
            remember(data, by, None, None, port)
        p.top(1, 2)
        p.quit()

    p = poplib.POP3(HOST)
    p.capa()
    pop(p, "POP3", p.sock.getsockname()[1])
    p = poplib.POP3(HOST)
    p.stls(context())
    pop(p, "POP3", p.sock.getsockname()[1])
    p = poplib.POP3_SSL(HOST, context=context())
    pop(p, "POP3", p.sock.getsockname()[1])


def do_imap():
    deliver(*TWO)

    def imap(i, login):
        port = i.sock.getsockname()[1]
        login(i)
        i.select("INBOX")
        for n in ("1", "2"):
            data = i.fetch(n, "(FLAGS BODY.PEEK[])")[1][0][1]
            remember(data, "IMAP", None, None, port)
        i.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT])")
        i.uid("SEARCH", None, "ALL")
        draft = simple("a draft", "to be continued\n")
        # The first time there is no such mailbox, and the letter is not sent.
        if i.append("Drafts", None, None, draft)[0] == "OK":
            remember(draft, "IMAP", None, None, port)
        i.create("Drafts")
        i.append("Drafts", "(\\Draft)", None, draft)
        remember(draft, "IMAP", None, None, port)
        i.logout()

    imap(imaplib.IMAP4(HOST), lambda i: i.login("bob", PEOPLE["bob"]))

    def secure(i):
        i.starttls(context())
        i.authenticate("PLAIN", lambda _: b"\0bob\0" + PEOPLE["bob"].encode())

    imap(imaplib.IMAP4(HOST), secure)
    imap(imaplib.IMAP4_SSL(HOST, ssl_context=context()), lambda i: i.login("bob", PEOPLE["bob"]))


{"letters": do_letters, "submission": do_submission, "smuggling": do_smuggling, "lmtp": do_lmtp, "parts": do_parts, "pop3": do_pop3, "imap": do_imap}[group]()
with open(truth, "w", encoding="utf-8") as f:
    f.write(json.dumps({"letters": letters, "facts": facts}, indent=1, ensure_ascii=False) + "\n")
