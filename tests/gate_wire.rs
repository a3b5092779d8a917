//! The gate where it meets the wire: answers of our own while no server is there, and protocols at ports that do not tell them.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Running, are_here, free, run};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

/// Longer than any of this takes.
const LONG: Duration = Duration::from_secs(20);

/// The program under test.
struct Proxy {
    _child: Running,
    at: SocketAddr,
    folder: Folder,
}

impl Proxy {
    fn new(flags: &[&str]) -> Proxy {
        Proxy::before("regular@127.0.0.1:0", "", flags)
    }

    fn before(mode: &str, rules: &str, flags: &[&str]) -> Proxy {
        let folder = Folder::new("gate-wire");
        let rules = folder.put("rules.toml", rules);
        let args = ["--ssl-insecure", "--mode", mode, "--rules", rules.to_str().expect("text")];
        let (child, at) = peers::proxy(&folder.0, args.iter().chain(flags));
        Proxy { _child: child, at, folder }
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.at).expect("the proxy takes us");
        client.set_read_timeout(Some(LONG)).expect("a time");
        client
    }

    /// What curl gets of that address, status first, with arguments besides.
    fn curl(&self, how: &[&str], url: &str) -> String {
        let ca = self.folder.path("config/wirelore/wirelore-ca-cert.pem");
        let mut command = Command::new("curl");
        command.args(["-sS", "-m", "20", "-w", " [%{http_code} %{http_version} %{num_connects}]", "--cacert"]).arg(ca).args(how);
        run(command.arg(url)).1
    }
}

/// Reads until this has come.
fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut got = Vec::new();
    let mut byte = [0u8; 1];
    while !got.ends_with(end.as_bytes()) {
        match stream.read(&mut byte) {
            Ok(1) => got.push(byte[0]),
            other => panic!("{other:?} behind {:?}", String::from_utf8_lossy(&got)),
        }
    }
    String::from_utf8_lossy(&got).into_owned()
}

#[test]
fn a_rule_answers_where_no_server_is_whatever_leads_there() {
    if !are_here(&["curl"]) {
        return;
    }
    let (nobody, site) = (free(), Folder::new("site"));
    site.put("x", "from here");
    let map = format!("|/local/|{}", site.0.display());
    let flags = ["--map-local", &map, "--block-list", "/~u gone/410"];
    let proxy = Proxy::new(&flags);
    let via = |scheme: &str| format!("{scheme}://{}", proxy.at);
    let (http, socks, socks4) = (via("http"), via("socks5h"), via("socks4a"));
    for how in [&["-x", &http][..], &["-x", &http, "-p"], &["-x", &socks], &["-x", &socks4], &["-x", &http, "--http1.1"]] {
        for scheme in ["http", "https"] {
            let ask = |path: &str| proxy.curl(how, &format!("{scheme}://localhost:{nobody}/{path}"));
            let got = ask("local/x");
            assert!(got.starts_with("from here [200 1.1"), "{how:?} {scheme}: {got}");
            assert!(ask("gone").contains("[410 "), "{how:?} {scheme}");
            let other = ask("other");
            assert!(other.contains("[502 ") && other.contains(&nobody.to_string()), "{how:?} {scheme}: {other}");
        }
    }
    // One connection: answered here, refused for want of a server, answered here again.
    let url = |path: &str| format!("https://localhost:{nobody}/{path}");
    let got = proxy.curl(&["-x", &http, &url("local/x"), &url("other")], &url("local/x"));
    assert!(got.starts_with("from here") && got.ends_with("from here [200 1.1 0]") && got.contains("[502 "), "{got}");
    for scheme in ["http", "https"] {
        let proxy = Proxy::before(&format!("reverse:{scheme}://localhost:{nobody}@127.0.0.1:0"), "", &flags);
        let got = proxy.curl(&[], &format!("http://{}/local/x", proxy.at));
        assert!(got.starts_with("from here [200 "), "reverse:{scheme}: {got}");
    }
}

/// A server that takes connections, greets, and answers each line as told; whether each came is told on its way.
fn speaks_first(greeting: &'static str, answer: fn(&str) -> String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            stream.write_all(greeting.as_bytes()).expect("greeted");
            let mut line = Vec::new();
            let mut byte = [0u8; 1];
            while stream.read(&mut byte).is_ok_and(|n| n == 1) {
                line.push(byte[0]);
                if byte[0] == b'\n' {
                    stream.write_all(answer(&String::from_utf8_lossy(&line)).as_bytes()).expect("answered");
                    line.clear();
                }
            }
        }
    });
    port
}

#[test]
fn a_server_is_asked_for_when_the_first_request_is_for_it() {
    if !are_here(&["curl", "openssl"]) {
        return;
    }
    let folder = Folder::new("later");
    folder.certificate();
    folder.put("there", "from there");
    folder.put("x", "from here");
    let port = free();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-quiet", "-WWW", "-accept", &port.to_string(), "-cert", "cert.pem", "-key", "key.pem"]);
    let _server = peers::server(command.current_dir(&folder.0).stderr(std::process::Stdio::null()), port);
    let proxy = Proxy::new(&["--map-local", &format!("|/local/|{}", folder.0.display())]);
    let via = format!("http://{}", proxy.at);
    let url = |path: &str| format!("https://localhost:{port}/{path}");
    let got = proxy.curl(&["-x", &via, &url("local/x")], &url("there"));
    assert!(got.starts_with("from here [200 1.1 1]from there [200"), "{got}");
}

#[test]
fn a_server_that_greets_is_heard_through_an_armed_tunnel_too() {
    let port = speaks_first("\x4a\0\0\0\x0b8.0 greets first\n", |line| format!("said {line}"));
    let proxy = Proxy::new(&["--block-list", "/~u nothing/404"]);
    let mut client = proxy.client();
    write!(client, "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").expect("sent");
    until(&mut client, "\r\n\r\n");
    assert_eq!(until(&mut client, "\n"), "\x4a\0\0\0\x0b8.0 greets first\n");
    client.write_all(b"a\n").expect("sent");
    assert_eq!(until(&mut client, "\n"), "said a\n");
}

#[test]
fn a_greeting_at_an_odd_port_went_on_unread() {
    // What a rule makes of an answer shows that the protocol is read; what the greeting says alone decides nothing here.
    let rule = r#"
[[rule]]
name = "shows that it is read"
on = "response"
line = { regex = '(331|250|\+OK|a1 OK) .*', with = '$1 rewritten' }
"#;
    type Case = (&'static str, fn(&str) -> String, &'static str, &'static str, &'static str);
    let cases: [Case; 4] = [
        ("220 hello\r\n", |_| "331 Password for you\r\n".into(), "USER a\r\n", "ftp", "331 rewritten\r\n"),
        ("220 hello\r\n", |_| "250 localhost\r\n".into(), "EHLO a.example\r\n", "smtp", "250 rewritten\r\n"),
        ("+OK hello\r\n", |_| "+OK go on\r\n".into(), "USER a\r\n", "pop3", "+OK rewritten\r\n"),
        (
            "* OK hello\r\n",
            |l| format!("{} OK done\r\n", l.split(' ').next().unwrap_or("a")),
            "a1 NOOP\r\n",
            "imap",
            "a1 OK rewritten\r\n",
        ),
    ];
    for (greeting, answer, question, name, want) in cases {
        let port = speaks_first(greeting, answer);
        let proxy = Proxy::before("regular@127.0.0.1:0", rule, &[]);
        for way in ["CONNECT", "SOCKS"] {
            let mut client = proxy.client();
            if way == "CONNECT" {
                write!(client, "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").expect("sent");
                until(&mut client, "\r\n\r\n");
            } else {
                let mut ask = vec![5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1];
                ask.extend(port.to_be_bytes());
                client.write_all(&ask).expect("sent");
                client.read_exact(&mut [0u8; 12]).expect("answered");
            }
            assert_eq!(until(&mut client, "\r\n"), greeting, "{name} {way}");
            // A person takes longer than any guess.
            std::thread::sleep(Duration::from_millis(300));
            client.write_all(question.as_bytes()).expect("sent");
            assert_eq!(until(&mut client, "\r\n"), want, "{name} {way}");
        }
    }
}

/// A server that takes one connection, answers each request head with this, and tells what it heard.
fn answers(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut got = Vec::new();
            let mut byte = [0u8; 1];
            while stream.read(&mut byte).is_ok_and(|n| n == 1) {
                got.push(byte[0]);
                if got.ends_with(b"\r\n\r\n") {
                    let _ = stream.write_all(answer.as_bytes());
                    got.clear();
                }
            }
        }
    });
    port
}

#[test]
fn answers_before_the_answer_pass_the_gate() {
    let port = answers(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    );
    let edit = "[[rule]]\non = 'interim'\nwhen = '~s & ~c 103'\nset-header = 'Link: </b.css>'\n[[rule]]\non = 'interim'\nwhen = '~c 102'\n";
    let cases = [
        ("drop = true", "HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        (
            "answer = { status = 404, body = 'no' }",
            "HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        ),
    ];
    for (rule, want) in cases {
        let proxy = Proxy::before("regular@127.0.0.1:0", &format!("{edit}{rule}\n"), &[]);
        let mut client = proxy.client();
        // Twice on one connection: what stands behind a replaced answer is in step.
        for _ in 0..2 {
            write!(client, "GET http://localhost:{port}/ HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").expect("sent");
            let mut got = vec![0u8; want.len()];
            client.read_exact(&mut got).unwrap_or_else(|e| panic!("{rule}: {e}: {}", String::from_utf8_lossy(&got)));
            assert_eq!(String::from_utf8_lossy(&got), want, "{rule}");
        }
    }
}

#[test]
fn a_request_for_a_tunnel_passes_the_gate() {
    let port = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let elsewhere = free();
    let rules = format!(
        "[[rule]]\non = 'tunnel'\nwhen = '~d blocked.example'\nblock = 403\n[[rule]]\non = 'tunnel'\nwhen = '~port {elsewhere}'\n\
         line = {{ text = '{elsewhere}', with = '{port}' }}\n[[rule]]\nwhen = '~d 127.0.0.1'\nanswer = {{ status = 418 }}\n"
    );
    let proxy = Proxy::before("regular@127.0.0.1:0", &rules, &[]);
    let tunnel = |to: &str| {
        let mut client = proxy.client();
        write!(client, "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").expect("sent");
        let head = until(&mut client, "\r\n\r\n");
        (client, head)
    };
    let (_, head) = tunnel("blocked.example:443");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let (mut client, head) = tunnel(&format!("localhost:{elsewhere}"));
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    assert!(until(&mut client, "hi").starts_with("HTTP/1.1 200 OK"));
    // A rule about requests is about those in the tunnel, not about the one for it.
    let (mut client, head) = tunnel("127.0.0.1:1");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    client.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n").expect("sent");
    assert!(until(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 418 "));
}

#[test]
fn a_chunked_body_too_long_to_be_kept_took_the_header_rules_with_it() {
    const CHUNKS: usize = 20;
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let body = chunk.repeat(CHUNKS) + "0\r\nT: 1\r\n\r\n";
    let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let heard = until(&mut stream, "\r\n\r\n");
        let mut got = vec![0u8; body.len()];
        stream.read_exact(&mut got).expect("the body");
        assert!(got == body.as_bytes(), "the body came as it was sent");
        stream.write_all(answer.as_bytes()).expect("answered");
        heard
    });
    let rules = "[[rule]]\nset-header = 'X-Seen: yes'\n[[rule]]\nname = 'body'\nreplace-body = { text = 'x', with = 'y' }\n";
    let record = Folder::new("record");
    let path = record.path("r.pcapng");
    let proxy = Proxy::before("regular@127.0.0.1:0", rules, &["-w", path.to_str().expect("text")]);
    let mut client = proxy.client();
    let body = chunk.repeat(CHUNKS) + "0\r\nT: 1\r\n\r\n";
    write!(
        client,
        "POST http://localhost:{port}/ HTTP/1.1\r\nHost: localhost:{port}\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
    )
    .expect("sent");
    let head = until(&mut client, "\r\n\r\n");
    let mut got = vec![0u8; body.len()];
    client.read_exact(&mut got).expect("the body");
    assert!(got == body.as_bytes(), "the body came as it was sent");
    assert!(head.contains("X-Seen: yes\r\n"), "{head}");
    let heard = server.join().expect("it served");
    assert!(heard.contains("X-Seen: yes\r\n"), "{heard}");
    drop((client, proxy));
    let record = std::fs::read(&path).expect("the record");
    let said = |text: &str| record.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(said("left the body: it is endless, or too large to be kept"), "the rule says why it did nothing");
}

#[test]
fn a_client_of_another_http_waited_for_ever() {
    let proxy = Proxy::new(&[]);
    for (line, status) in [("GET / HTTP/2.0", "505"), ("GET / http/1.1", "400"), ("GET\t/ HTTP/1.1", "400"), ("GET /", "400")] {
        let mut client = proxy.client();
        write!(client, "{line}\r\nHost: a.example\r\n\r\n").expect("sent");
        let head = until(&mut client, "\r\n\r\n");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{line:?}: {head}");
    }
}

#[test]
fn the_file_for_browsers_is_had_before_the_proxy_is_set_up() {
    let proxy = Proxy::new(&[]);
    for path in ["/proxy.pac", "/wpad.dat"] {
        let mut client = proxy.client();
        write!(client, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", proxy.at).expect("sent");
        let got = until(&mut client, "}\n");
        assert!(got.contains("application/x-ns-proxy-autoconfig") && got.contains(&format!("PROXY {}", proxy.at)), "{got}");
    }
}
