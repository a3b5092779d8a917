//! Real clients and servers of mail, files and data with the proxy between them: TLS that begins in the middle, and messages changed on
//! their way. Skipped loudly where a program is missing.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Proxy, Running, are_here, free, run, server};
use std::process::Command;

/// A mail server that takes letters over STARTTLS and writes each down. Its own words, for it must say what it got.
const MAIL_SERVER: &str = r#"
import asyncio, ssl, sys
port, folder = int(sys.argv[1]), sys.argv[2]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
async def talk(reader, writer):
    def say(text): writer.write(text.encode() + b"\r\n")
    say("220 localhost ESMTP")
    secure, letter = False, 0
    while line := await reader.readline():
        word = line.strip().upper().split(b" ")[0]
        if word == b"EHLO":
            say("250-localhost"); say("250-PIPELINING")
            if not secure: say("250-STARTTLS")
            say("250 8BITMIME")
        elif word == b"STARTTLS":
            say("220 go ahead"); await writer.drain()
            await writer.start_tls(tls); secure = True
        elif word == b"DATA":
            say("354 go on"); await writer.drain()
            text = await reader.readuntil(b"\r\n.\r\n")
            open(folder + "/letter", "wb").write((b"secure\n" if secure else b"clear\n") + text)
            say("250 taken")
        elif word == b"QUIT":
            say("221 bye"); await writer.drain(); writer.close(); return
        else: say("250 ok")
        await writer.drain()
async def main():
    async with await asyncio.start_server(talk, "127.0.0.1", port) as s: await s.serve_forever()
asyncio.run(main())
"#;

fn mail_server(folder: &Folder) -> (Running, u16) {
    folder.certificate();
    let (script, port) = (folder.put("server.py", MAIL_SERVER), free());
    let mut command = Command::new("python3");
    command.arg(script).arg(port.to_string()).arg(&folder.0);
    (server(&mut command, port), port)
}

#[test]
fn a_letter_goes_through_starttls_and_is_read_on_its_way() {
    if !are_here(&["python3", "swaks", "curl"]) {
        return;
    }
    if !run(Command::new("swaks").arg("--support")).1.contains("=== TLS supported") {
        eprintln!("!!!! SKIPPED, NOT PASSED: swaks without Net::SSLeay cannot begin TLS");
        return;
    }
    for judged in [false, true] {
        let folder = Folder::new("smtp");
        let (_server, port) = mail_server(&folder);
        let flags: &[&str] = if judged { &["-B", "/[Ss]ecret/public"] } else { &[] };
        let proxy = Proxy::before(&folder, &format!("smtp://127.0.0.1:{port}"), flags);
        let body = "A secret plan\n.with a dot\n";
        let (ok, said) = run(Command::new("swaks")
            .args(["--server", &format!("127.0.0.1:{}", proxy.port()), "--tls", "--from", "a@example.org"])
            .args(["--to", "b@example.org", "--header", "Subject: secret", "--body", body]));
        assert!(ok, "judged {judged}: {said}");
        let got = std::fs::read_to_string(folder.path("letter")).expect("the letter came");
        let word = if judged { "public" } else { "secret" };
        assert!(got.starts_with("secure\n") && got.contains(&format!("A {word} plan\r\n..with a dot")), "judged {judged}: {got}");

        let letter = folder.put("mail.txt", "Subject: x\r\n\r\nsecret again\r\n");
        let (ok, said) = run(Command::new("curl")
            .args(["-sS", "-k", "--ssl-reqd", &format!("smtp://127.0.0.1:{}", proxy.port()), "--mail-from", "a@example.org"])
            .args(["--mail-rcpt", "b@example.org", "--upload-file"])
            .arg(letter));
        assert!(ok, "judged {judged}: {said}");
        let got = std::fs::read_to_string(folder.path("letter")).expect("the letter came");
        assert!(got.contains(&format!("{word} again\r\n")), "judged {judged}: {got}");
        let shown = proxy.stop();
        for what in ["STARTTLS", "Client Hello", "taken"] {
            assert!(shown.contains(what), "judged {judged}: the record does not show {what}:\n{shown}");
        }
    }
}

/// Dovecot with IMAP and POP3, which begin TLS by their own commands, at ports and with a greeting that do not say what it is.
fn dovecot(folder: &Folder) -> (Running, u16, u16) {
    folder.certificate();
    let (imap, pop) = (free(), free());
    let dir = folder.0.display();
    let mailbox = folder.path("mail");
    std::fs::create_dir_all(&mailbox).expect("a folder");
    let config = format!(
        "base_dir = {dir}/run\nstate_dir = {dir}/run\nlog_path = {dir}/dovecot.log\nprotocols = imap pop3\nlisten = 127.0.0.1\n\
         login_greeting = hello\nssl = yes\nssl_cert = <{dir}/cert.pem\nssl_key = <{dir}/key.pem\nmail_location = maildir:{dir}/mail\nfirst_valid_uid = 0\n\
         first_valid_gid = 0\n\
         passdb {{\n driver = static\n args = password=word\n}}\nuserdb {{\n driver = static\n args = uid=nobody gid=nogroup home={dir}/mail\n}}\n\
         service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
         service pop3-login {{\n inet_listener pop3 {{\n port = {pop}\n }}\n inet_listener pop3s {{\n port = 0\n }}\n}}\n"
    );
    let config = folder.put("dovecot.conf", config);
    let (ok, said) = run(Command::new("chown").arg("nobody:nogroup").arg(&mailbox));
    assert!(ok, "{said}");
    let mut command = Command::new("/usr/sbin/dovecot");
    command.args(["-F", "-c"]).arg(config);
    let running = server(&mut command, imap);
    drop(std::net::TcpStream::connect(("127.0.0.1", pop)));
    (running, imap, pop)
}

#[test]
fn letters_are_stored_and_fetched_through_imap_and_pop3_with_tls() {
    if !are_here(&["/usr/sbin/dovecot", "curl"]) {
        return;
    }
    if !run(Command::new("id").arg("-u")).1.starts_with("0\n") {
        eprintln!("!!!! SKIPPED, NOT PASSED: dovecot is started as root only");
        return;
    }
    for judged in [false, true] {
        let folder = Folder::new("dovecot");
        let (_server, imap, pop) = dovecot(&folder);
        let flags: &[&str] = if judged { &["-B", "/secret/a much longer word"] } else { &[] };
        let word = if judged { "a much longer word" } else { "secret" };
        let imap = Proxy::before(&folder, &format!("imap://127.0.0.1:{imap}"), flags);
        let pop = Proxy::before(&folder, &format!("pop3://127.0.0.1:{pop}"), flags);
        let curl = |url: String, more: &[&str]| {
            run(Command::new("curl").args(["-sSk", "--ssl-reqd", "-u", "emma:word", "-m", "30", &url]).args(more))
        };
        let letter = folder.put("mail.txt", "Subject: x\r\n\r\nmy secret\r\n.\r\n..end\r\n").display().to_string();
        let inbox = format!("imap://127.0.0.1:{}/INBOX", imap.port());
        let (ok, said) = curl(inbox.clone(), &["-T", &letter]);
        assert!(ok, "judged {judged}: {said}");
        let (ok, said) = curl(inbox, &["-X", "FETCH 1 (BODY[] FLAGS)"]);
        assert!(ok, "judged {judged}: {said}");
        let (ok, said) = curl(format!("{};MAILINDEX=1", format_args!("imap://127.0.0.1:{}/INBOX", imap.port())), &[]);
        assert!(ok && said.contains(&format!("my {word}\r\n.\r\n..end\r\n")), "judged {judged}: {said}");
        let (ok, said) = curl(format!("pop3://127.0.0.1:{}/1", pop.port()), &[]);
        assert!(ok && said.contains(&format!("my {word}\r\n.\r\n..end\r\n")), "judged {judged}: {said}");
        let (imap, pop) = (imap.stop(), pop.stop());
        for (shown, what) in [(&imap, "STARTTLS"), (&imap, "FETCH 1"), (&pop, "STLS"), (&pop, "RETR 1")] {
            assert!(shown.contains(what), "judged {judged}: the record does not show {what}:\n{shown}");
        }
    }
}

/// A server with a file to fetch and a folder to store into; TLS for whoever asks.
fn vsftpd(folder: &Folder) -> (Running, u16) {
    folder.certificate();
    let (port, dir) = (free(), folder.0.display());
    let root = folder.path("files");
    std::fs::create_dir_all(root.join("up")).expect("a folder");
    std::fs::create_dir_all(folder.path("empty")).expect("a folder");
    std::fs::write(root.join("notes.txt"), "what the file says\n".repeat(5000)).expect("written");
    let config = format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nftpd_banner=hello\nanonymous_enable=YES\nno_anon_password=YES\n\
         anon_root={dir}/files\nsecure_chroot_dir={dir}/empty\nwrite_enable=YES\nanon_upload_enable=YES\nanon_umask=022\n\
         ssl_enable=YES\nallow_anon_ssl=YES\nforce_local_data_ssl=NO\nforce_local_logins_ssl=NO\nrsa_cert_file={dir}/both.pem\n\
         rsa_private_key_file={dir}/both.pem\nconnect_from_port_20=NO\nseccomp_sandbox=NO\npam_service_name=none\n"
    );
    let config = folder.put("vsftpd.conf", config);
    let (ok, said) = run(Command::new("chown").arg("ftp").arg(root.join("up")));
    assert!(ok, "{said}");
    (server(Command::new("/usr/sbin/vsftpd").arg(config), port), port)
}

#[test]
fn files_are_fetched_and_stored_in_all_the_ways_that_ftp_has() {
    if !are_here(&["/usr/sbin/vsftpd", "curl", "lftp"]) {
        return;
    }
    if !run(Command::new("id").arg("-u")).1.starts_with("0\n") {
        eprintln!("!!!! SKIPPED, NOT PASSED: vsftpd is started as root only");
        return;
    }
    let folder = Folder::new("ftp");
    let (_server, port) = vsftpd(&folder);
    let (upload, want) = (folder.put("up.txt", "stored through the proxy\n".repeat(4000)), "what the file says\n".repeat(5000));
    let ways: [(&str, &[&str]); 4] = [
        ("EPSV", &[]),
        ("PASV", &["--disable-epsv", "--no-ftp-skip-pasv-ip"]),
        ("EPRT", &["--ftp-port", "-"]),
        ("PORT", &["--ftp-port", "-", "--disable-eprt"]),
    ];
    for judged in [false, true] {
        let flags: &[&str] = if judged { &["-B", "/never said/at all"] } else { &[] };
        let proxy = Proxy::before(&folder, &format!("ftp://127.0.0.1:{port}"), flags);
        for (tls, more) in [(false, &[][..]), (true, &["-k", "--ssl-reqd"])] {
            // Active connections in TLS are lftp's: this curl fails at them without a proxy too.
            for (way, flags) in ways.into_iter().filter(|(_, flags)| !tls || !flags.contains(&"--ftp-port")) {
                let what = format!("judged {judged}, TLS {tls}, {way}");
                let url = |name: &str| format!("ftp://127.0.0.1:{}/{name}", proxy.port());
                let curl = |args: &[&str]| run(Command::new("curl").args(["-sS", "-m", "30"]).args(flags).args(more).args(args));
                let (ok, said) = curl(&[&url("notes.txt")]);
                assert!(ok && said == want, "{what}: {} bytes: {}", said.len(), said.get(..300).unwrap_or(&said));
                let (ok, said) = curl(&[&url("")]);
                assert!(ok && said.contains("notes.txt"), "{what}: {said}");
                let stored = format!("up/{way}-{tls}-{judged}.txt");
                let (ok, said) = curl(&["-T", &upload.display().to_string(), &url(&stored)]);
                assert!(ok, "{what}: {said}");
                let there = std::fs::read(folder.path("files").join(&stored)).expect("it was stored");
                assert_eq!(there.len(), 25 * 4000, "{what}");
            }
            for passive in [true, false] {
                let script = format!(
                    "set ssl:verify-certificate no; set ftp:ssl-force {tls}; set ftp:ssl-protect-data {tls}; set net:max-retries 2; \
                     set net:timeout 10; set ftp:passive-mode {passive}; open ftp://127.0.0.1:{}; cls; cat notes.txt; bye",
                    proxy.port()
                );
                let (ok, said) = run(Command::new("lftp").args(["-c", &script]).env("HOME", &folder.0));
                let short = said.get(..300).unwrap_or(&said);
                assert!(ok && said.contains(&want), "lftp, judged {judged}, TLS {tls}, passive {passive}: {short}");
            }
        }
        let shown = proxy.stop();
        for what in ["EPSV", "PASV", "EPRT", "PORT", "AUTH", "PROT P", "RETR notes.txt"] {
            assert!(shown.contains(what), "judged {judged}: the record does not show {what}");
        }
    }
}

#[test]
fn a_database_begins_tls_and_statements_are_changed() {
    const BIN: &str = "/usr/lib/postgresql/15/bin";
    let (initdb, postgres) = (format!("{BIN}/initdb"), format!("{BIN}/postgres"));
    if !are_here(&[&initdb, &postgres, "psql", "runuser"]) {
        return;
    }
    let folder = Folder::new("pgsql");
    folder.certificate();
    let data = folder.path("data").display().to_string();
    let (ok, said) = run(Command::new("chown").args(["-R", "postgres"]).arg(&folder.0));
    if !ok {
        eprintln!("!!!! SKIPPED, NOT PASSED: the database runs as a user of its own: {said}");
        return;
    }
    let (ok, said) =
        run(Command::new("runuser").args(["-u", "postgres", "--", &initdb, "-A", "trust", "-D", &data]).current_dir(&folder.0));
    assert!(ok, "{said}");
    let (_, _) = run(Command::new("chmod").arg("600").arg(folder.path("key.pem")));
    let port = free();
    let dir = folder.0.display().to_string();
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", &postgres, "-D", &data, "-p", &port.to_string(), "-k", &dir, "-c", "ssl=on"]).args([
        "-c",
        &format!("ssl_cert_file={dir}/cert.pem"),
        "-c",
        &format!("ssl_key_file={dir}/key.pem"),
    ]);
    command.current_dir(&folder.0).stderr(std::fs::File::create(folder.path("log")).expect("a file"));
    let _server = server(&mut command, port);
    for judged in [false, true] {
        let flags: &[&str] = if judged { &["-B", "/forty-one/forty-two and more"] } else { &[] };
        let proxy = Proxy::before(&folder, &format!("tcp://127.0.0.1:{port}"), flags);
        let query = |mode: &str| {
            let url = format!("postgresql://postgres@127.0.0.1:{}/postgres?sslmode={mode}", proxy.port());
            run(Command::new("psql").args([
                "-At",
                &url,
                "-c",
                "SELECT 'forty-one', ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            ]))
        };
        let word = if judged { "forty-two and more" } else { "forty-one" };
        for (mode, tls) in [("require", "t"), ("disable", "f")] {
            let (ok, said) = query(mode);
            assert!(ok && said.trim() == format!("{word}|{tls}"), "judged {judged}, {mode}: {said}");
        }
        let shown = proxy.stop();
        for what in ["SSL request", "SELECT 'forty-one'"] {
            assert!(shown.contains(what), "judged {judged}: the record does not show {what}:\n{shown}");
        }
    }
}

#[test]
fn commands_to_redis_are_changed() {
    if !are_here(&["redis-server", "redis-cli"]) {
        return;
    }
    let folder = Folder::new("redis");
    let port = free();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--save", "", "--dir"]).arg(&folder.0);
    let _server = server(&mut command, port);
    for (judged, want) in [(false, "my secret"), (true, "my public")] {
        let flags: &[&str] = if judged { &["-B", "/secret/public"] } else { &[] };
        let proxy = Proxy::before(&folder, &format!("tcp://127.0.0.1:{port}"), flags);
        let cli = |words: &[&str]| run(Command::new("redis-cli").args(["-p", &proxy.port().to_string()]).args(words));
        assert_eq!(cli(&["SET", "key", "my secret"]), (true, "OK\n".into()), "judged {judged}");
        assert_eq!(cli(&["GET", "key"]), (true, format!("{want}\n")), "judged {judged}");
        assert!(proxy.stop().contains("SET"), "the record shows the command");
    }
}

/// Echoes WebSocket messages, then sends some through the proxy: in each way of compressing, whole words come back changed.
const CHAT: &str = r#"
import asyncio, sys, websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory as Server, ClientPerMessageDeflateFactory as Client
echo, proxy, word = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
async def say(ws):
    async for m in ws: await ws.send(m)
async def main(ways):
    async with websockets.serve(say, "127.0.0.1", echo, compression=None, extensions=[Server()] if ways is not None else []):
        extensions = [Client(**ways)] if ways is not None else []
        async with websockets.connect(f"ws://127.0.0.1:{proxy}/", compression=None, extensions=extensions) as ws:
            for i in range(60):
                text = f"message {i} with common words and a {'secret' if i % 3 == 0 else 'word'} in it " * (i % 7 + 1)
                sent = text.encode() if i % 10 == 5 else [text[:20], text[20:]] if i % 10 == 7 else text
                await ws.send(sent)
                got = await ws.recv()
                want = text.replace("secret", word)
                assert (got.decode() if isinstance(got, bytes) else got) == want, (ways, i, got)
takeover = {"client_no_context_takeover": True, "server_no_context_takeover": True}
for ways in [None, {}, takeover, {"client_max_window_bits": 9, "server_max_window_bits": 9}]: asyncio.run(main(ways))
print("all came back")
"#;

#[test]
fn chats_are_changed_in_every_way_of_compressing() {
    if !are_here(&["python3"]) {
        return;
    }
    if !run(Command::new("python3").args(["-c", "import websockets"])).0 {
        eprintln!("!!!! SKIPPED, NOT PASSED: Python's websockets is not installed");
        return;
    }
    let folder = Folder::new("chat");
    let script = folder.put("chat.py", CHAT);
    for (word, flags) in [("secret", &[][..]), ("public", &["-B", "/secret/public"])] {
        let port = free();
        let proxy = Proxy::before(&folder, &format!("ws://127.0.0.1:{port}"), flags);
        let ports = [port.to_string(), proxy.port().to_string()];
        let (ok, said) = run(Command::new("python3").arg(&script).args(ports).arg(word).env("NO_PROXY", "*"));
        assert!(ok && said.contains("all came back"), "{word}: {said}");
        assert!(proxy.stop().contains("WebSocket"), "the record shows messages");
    }
}

#[test]
fn lines_of_no_known_protocol_are_changed_piece_by_piece() {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("the proxy comes");
        let mut got = String::new();
        tcp.read_to_string(&mut got).expect("all of it");
        tcp.write_all(b"<secret> back").expect("written");
        got
    });
    let folder = Folder::new("lines");
    let proxy = Proxy::before(&folder, &format!("tcp://127.0.0.1:{port}"), &["-B", "/secret/public"]);
    let mut tcp = TcpStream::connect(proxy.at).expect("the proxy listens");
    tcp.write_all(b"<!-- a secret of no protocol -->\n").expect("written");
    tcp.shutdown(std::net::Shutdown::Write).expect("half closed");
    let mut got = String::new();
    tcp.read_to_string(&mut got).expect("an answer");
    assert_eq!(got, "<public> back");
    assert_eq!(server.join().expect("the server ended"), "<!-- a public of no protocol -->\n");
    proxy.stop();
}
