"""FTP sessions with real clients: `prepare WORK` writes files and server settings, `SESSION WORK TRUTH` speaks and notes what was transferred."""

import ftplib
import hashlib
import json
import os
import pathlib
import random
import ssl
import subprocess
import sys
import time

what, work = sys.argv[1], pathlib.Path(sys.argv[2])
truth = []
VSFTPD, PROFTPD, PURE = "192.0.2.21", "192.0.2.22", "192.0.2.23"
VSFTPD6 = "2001:db8::21"
NOTES = "".join(f"Day {n}: plum cake, two cups of coffee.\n" for n in range(40)).encode()
BIG = random.Random(11).randbytes(90_000)
PHOTO = random.Random(12).randbytes(4_321)


def prepare():
    for name in ("pub", "pure"):
        root = work / name
        (root / "in").mkdir(parents=True)
        (root / "old").mkdir()
        (root / "notes.txt").write_bytes(NOTES)
        (root / "two words.txt").write_bytes(b"a name with a blank\n")
        (root / "big.bin").write_bytes(BIG)
        (root / "empty").write_bytes(b"")
        (root / "latest").symlink_to("notes.txt")
        for f in root.iterdir():
            if not f.is_symlink():
                os.utime(f, (1767261600, 1767261600))
        for d in (root / "in", root / "old"):
            d.chmod(0o777)
    common = f"""anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_root={work}/pub
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
ftp_username=ftp
allow_writeable_chroot=YES
seccomp_sandbox=NO
connect_from_port_20=YES
pasv_enable=YES
background=NO
xferlog_enable=NO
ls_recurse_enable=YES
secure_chroot_dir={work}/nothing
"""
    (work / "nothing").mkdir()
    tls = f"""ssl_enable=YES
allow_anon_ssl=YES
force_local_data_ssl=NO
force_local_logins_ssl=NO
require_ssl_reuse=NO
ssl_ciphers=HIGH
rsa_cert_file={work}/ftp.crt
rsa_private_key_file={work}/ftp.key
"""
    (work / "vsftpd.conf").write_text(common + tls + f"listen=YES\nlisten_address={VSFTPD}\n")
    (work / "vsftpd6.conf").write_text(common + f"listen=NO\nlisten_ipv6=YES\nlisten_address6={VSFTPD6}\n")
    (work / "implicit.conf").write_text(common + tls + f"listen=YES\nlisten_address={VSFTPD}\nlisten_port=990\nimplicit_ssl=YES\nforce_anon_data_ssl=YES\n")
    modules = os.environ.get("PROFTPD_MODULES", "/usr/lib/proftpd")
    (work / "proftpd.conf").write_text(f"""ModulePath {modules}
LoadModule mod_tls.c
ServerName "Harbour"
ServerType standalone
DefaultAddress {PROFTPD}
Port 21
User nobody
Group nogroup
SocketBindTight on
UseReverseDNS off
UseIPv6 off
WtmpLog off
PidFile {work}/proftpd.pid
ScoreboardFile {work}/proftpd.scores
SystemLog {work}/proftpd.log
DelayEngine off
<Anonymous {work}/pub>
  User ftp
  Group nogroup
  UserAlias anonymous ftp
  UseFtpUsers off
  RequireValidShell off
  AnonRequirePassword off
  AllowStoreRestart on
  AllowOverwrite on
  DisplayLogin in/welcome.msg
</Anonymous>
<IfModule mod_tls.c>
  TLSEngine on
  TLSLog {work}/proftpd.tls.log
  TLSProtocol TLSv1.2 TLSv1.3
  TLSRSACertificateFile {work}/ftp.crt
  TLSRSACertificateKeyFile {work}/ftp.key
  TLSOptions NoSessionReuseRequired AllowClientRenegotiations
  TLSRequired off
</IfModule>
""")
    (work / "pub" / "in" / "welcome.msg").write_bytes(b"Welcome, guest.\n\n 220 cakes are waiting for you.\nHave a seat.\n")


def note(command, data, **more):
    truth.append({"command": command, "len": len(data), "sha256": hashlib.sha256(data).hexdigest(), **more})


class Client:
    """A client that notes the bytes that it sent and received."""

    def __init__(self, host, tls=None, source=None):
        self.f = ftplib.FTP_TLS(context=tls) if tls else ftplib.FTP()
        self.f.encoding = "utf-8"
        self.f.connect(host, 21, timeout=8, source_address=source)

    def login(self):
        self.f.login("anonymous", "guest@cafe.test")
        return self

    def say(self, *commands):
        for c in commands:
            try:
                self.f.sendcmd(c)
            except ftplib.all_errors:
                pass

    def take(self, command, rest=None, stop=None):
        conn = self.f.transfercmd(command, rest)
        data = b""
        while part := conn.recv(65536):
            data += part
            if stop and len(data) >= stop:
                break
        if stop:
            self.f.abort()
            conn.close()
            self.f.voidresp()
            truth.append({"command": command, "aborted": True})
            return
        conn.close()
        self.f.voidresp()
        note(command, data, **({"rest": rest} if rest else {}))

    def give(self, command, data, rest=None):
        conn = self.f.transfercmd(command, rest)
        conn.sendall(data)
        if isinstance(conn, ssl.SSLSocket):
            conn.settimeout(1)
            try:
                conn.unwrap()
            except OSError:
                pass
        conn.close()
        last = self.f.voidresp()
        note(command, data, **({"reply": last} if command == "STOU" else {}))


def context():
    c = ssl.create_default_context()
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    c.keylog_filename = str(work / "keys")
    return c


def passive():
    for host in (VSFTPD, VSFTPD6):
        c = Client(host).login()
        c.say("SYST", "FEAT", "PWD", "OPTS UTF8 ON", "HELP", "STAT")
        c.take("LIST")
        c.take("LIST -a old")
        c.take("NLST")
        c.say("TYPE I", "SIZE notes.txt", "MDTM notes.txt", "SIZE missing")
        c.take("RETR notes.txt")
        c.take("RETR two words.txt")
        c.take("RETR big.bin", rest=50_000)
        c.take("RETR empty")
        c.say("CWD in")
        name = "photo4.jpg" if host == VSFTPD else "photo6.jpg"
        c.give(f"STOR {name}", PHOTO)
        c.give(f"APPE {name}", NOTES)
        c.give("STOU", b"whatever name you like\n")
        c.say(f"RNFR {name}", f"RNTO x{name}", f"DELE x{name}", "MKD cellar", "RMD cellar", "CDUP", "NOOP")
        c.take("RETR big.bin", stop=20_000)
        c.say("RETR missing", "MLSD", "PORT 192,0,2,99,0,22")
        c.f.quit()


def active():
    for host in (VSFTPD, VSFTPD6):
        c = Client(host)
        c.f.set_pasv(False)
        c.login()
        c.take("NLST")
        c.take("LIST")
        c.say("TYPE I")
        c.take("RETR notes.txt")
        c.say("CWD in")
        name = "active4.bin" if host == VSFTPD else "active6.bin"
        c.give(f"STOR {name}", PHOTO)
        c.give("STOU", b"named by the server\n")
        c.f.quit()


def servers():
    for host in (PROFTPD, PURE):
        c = Client(host).login()
        c.say("FEAT", "SYST", "STAT", "MLST notes.txt", "STAT notes.txt", "HELP", "SITE HELP", "EPSV ALL")
        c.f.af = __import__("socket").AF_INET6  # EPSV instead of PASV
        c.take("MLSD")
        c.take("LIST -la")
        c.take("NLST")
        c.say("TYPE I", "MODE S", "STRU F", "ALLO 23")
        c.take("RETR big.bin")
        c.say("CWD in")
        c.give("STOU", b"whatever name you like\n")
        c.say("PWD", "MFMT 20260102030405 big.bin", "OPTS MLST type;size;", "CWD ..")
        c.take("MLSD in")
        c.f.quit()
    run("curl", "-sS", f"ftp://{PURE}/two%20words.txt", command="RETR two words.txt")
    run("curl", "-sS", "-C", "100", f"ftp://{PROFTPD}/notes.txt", command="RETR notes.txt")
    # curl prints listings with line ends of its own, so what it prints is no truth.
    subprocess.run(["curl", "-sS", "-l", f"ftp://{PURE}/"], capture_output=True, check=False)
    truth.append({"command": "NLST", "client": "curl"})
    run("curl", "-sS", "-P", "-", f"ftp://{PROFTPD}/notes.txt", command="RETR notes.txt")
    out = work / "lftp.out"
    script = f"set ftp:ssl-allow no; set ftp:sync-mode off; set net:timeout 10; open -u anonymous,guest {PROFTPD}; get notes.txt -o {out}; cls; exit"
    subprocess.run(["lftp", "-c", script], check=False, capture_output=True)
    truth.append({"client": "lftp", "note": "pipelines its commands"})
    note("RETR notes.txt", out.read_bytes())


def run(*argv, command, env=None):
    r = subprocess.run(argv, capture_output=True, env={**os.environ, **(env or {})})
    if r.returncode:
        print(argv, r.stderr.decode(), file=sys.stderr)
    note(command, r.stdout)


def ftps():
    keys = {"SSLKEYLOGFILE": str(work / "keys")}
    c = Client(VSFTPD, tls=context())
    c.say("FEAT")
    c.f.auth()
    c.login()
    c.f.prot_p()
    c.take("LIST")
    c.take("RETR notes.txt")
    c.say("CWD in")
    c.give("STOR secret.bin", PHOTO)
    c.f.prot_c()
    c.take("NLST")
    c.f.quit()
    time.sleep(0.2)
    # ProFTPD takes CCC: the talk goes back to clear text, the data stays inside of TLS.
    c = Client(PROFTPD, tls=context())
    c.login()
    c.f.prot_p()
    c.take("MLSD")
    c.f.ccc()
    c.take("RETR notes.txt")
    c.f.quit()
    time.sleep(0.2)
    run("curl", "-sS", "-k", "--ssl-reqd", f"ftp://{PROFTPD}/big.bin", command="RETR big.bin", env=keys)
    # In active mode the server opens the data connection, but the client still begins TLS on it.
    old = context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    c = Client(PROFTPD, tls=old)
    c.f.set_pasv(False)
    c.login()
    c.f.prot_p()
    c.take("RETR notes.txt")
    c.f.quit()
    c = Client(PURE, tls=context())
    try:
        c.f.auth()
    except ftplib.all_errors as e:
        truth.append({"refused": str(e)})
    c.f.close()


def implicit():
    keys = {"SSLKEYLOGFILE": str(work / "keys")}
    subprocess.run(["curl", "-sS", "-k", f"ftps://{VSFTPD}:990/"], capture_output=True, env={**os.environ, **keys}, check=False)
    truth.append({"command": "LIST", "client": "curl"})
    run("curl", "-sS", "-k", f"ftps://{VSFTPD}:990/big.bin", command="RETR big.bin", env=keys)
    f = work / "upload"
    f.write_bytes(PHOTO)
    subprocess.run(["curl", "-sS", "-k", "-T", str(f), f"ftps://{VSFTPD}:990/in/implicit.bin"], env={**os.environ, **keys}, check=False)
    note("STOR implicit.bin", PHOTO)


def main():
    if what == "prepare":
        return prepare()
    globals()[what]()
    pathlib.Path(sys.argv[3]).write_text(json.dumps({"transfers": truth}, indent=1) + "\n")


main()
