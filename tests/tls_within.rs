//! TLS that begins within a protocol that nobody reads: it is read, and opened by the proxy, wherever both ends agree on it.

#[path = "support/peers.rs"]
mod peers;
#[path = "support/wire.rs"]
mod wire;

use peers::{Folder, Proxy, are_here, free, run, server};
use std::net::Ipv4Addr;
use std::process::Command;
use wire::{End, Wire};

const CLIENT: End = (Ipv4Addr::new(10, 0, 0, 1), 40_000);
const SERVER: End = (Ipv4Addr::new(10, 0, 0, 2), 13_306);

/// What `wirelore dump` shows of the messages of a capture.
fn messages(folder: &Folder, capture: &Wire) -> String {
    let file = folder.put("wire.pcap", capture.bytes());
    let (ok, shown) = run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-V", "-r"]).arg(file));
    assert!(ok, "{shown}");
    shown
}

/// The least ClientHello.
fn hello() -> Vec<u8> {
    let mut hello = vec![0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 0]);
    hello
}

/// `handshake_failure`.
const ALERT: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 40];

#[test]
fn a_capture_shows_it_from_the_hello_on_however_its_bytes_came() {
    let folder = Folder::new("tls-within");
    let hello = hello();
    let request = [&[0x20, 0, 0, 1][..], &[0; 32]].concat();
    let whole = {
        let mut w = Wire::new();
        w.open(CLIENT, SERVER).say(SERVER, CLIENT, b"J\0\0\0\n8.0 toy").say(CLIENT, SERVER, &request);
        w.say(CLIENT, SERVER, &hello).say(SERVER, CLIENT, &ALERT).close(CLIENT, SERVER);
        messages(&folder, &w)
    };
    for word in ["Client Hello", "Handshake Failure"] {
        assert!(whole.contains(word), "{word}: {whole}");
    }
    // In other pieces, with the answer cut where it tells nothing yet.
    let mut w = Wire::new();
    let both = [&request[..], &hello].concat();
    w.open(CLIENT, SERVER).say(SERVER, CLIENT, b"J\0\0\0\n8.0 toy").say(CLIENT, SERVER, &both[..40]).say(
        CLIENT,
        SERVER,
        &both[40..],
    );
    w.say(SERVER, CLIENT, &ALERT[..3]).say(SERVER, CLIENT, &ALERT[3..]).close(CLIENT, SERVER);
    let cut = messages(&folder, &w);
    let kinds = |text: &str| text.matches("Client Hello").count();
    assert_eq!(kinds(&cut), kinds(&whole), "{cut}");
    // Carried by something else, which answers in kind, it is that one's.
    let mut w = Wire::new();
    let carried = [&[0x12, 1, 0, 60, 0, 0, 0, 0][..], &hello].concat();
    w.open(CLIENT, SERVER).say(CLIENT, SERVER, b"\x12\x01\0\x0ahi").say(SERVER, CLIENT, b"\x04\x01\0\x0aho");
    w.say(CLIENT, SERVER, &carried)
        .say(SERVER, CLIENT, b"\x04\x01\0\x0f\0\0\0\0\x15\x03\x03\0\x02\x02\x28")
        .close(CLIENT, SERVER);
    assert!(!messages(&folder, &w).contains("Client Hello"));
}

/// A server that greets, is asked for TLS, says so or not, and speaks HTTP within; and its client.
const PEER: &str = r#"
import socket, ssl, sys
role, port, waits = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "waits"
ask = b"\x20\0\0\1" + bytes(32)
def exactly(c, n):
    got = b""
    while len(got) < n:
        more = c.recv(n - len(got))
        if not more: raise SystemExit("too early an end")
        got += more
    return got
if role == "server":
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain("both.pem")
    l = socket.create_server(("127.0.0.1", port))
    while True:
        c, _ = l.accept()
        try:
            c.sendall(b"J\0\0\0\n8.0 toy")
            if exactly(c, len(ask)) != ask: raise SystemExit("what is that?")
            if waits: c.sendall(b"go on")
            t = tls.wrap_socket(c, server_side=True)
            t.recv(4096)
            t.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
            t.unwrap().close()
        except (OSError, SystemExit):
            c.close()
else:
    c = socket.create_connection(("127.0.0.1", port), 20)
    exactly(c, 12)
    c.sendall(ask)
    if waits: exactly(c, 5)
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    t = tls.wrap_socket(c, server_hostname="localhost")
    print(t.version(), len(t.getpeercert(True)))
    t.sendall(b"GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n")
    print(t.recv(4096))
"#;

#[test]
fn the_proxy_opens_it_whether_the_client_waits_for_an_answer_or_not() {
    if !are_here(&["python3"]) {
        return;
    }
    for how in ["waits", "goes-on"] {
        let folder = Folder::new(&format!("tls-within-{how}"));
        folder.certificate();
        let port = free();
        let peer = |role: &str, port: u16| {
            let mut command = Command::new("python3");
            command.args(["-c", PEER, role, &port.to_string(), how]).current_dir(folder.path("."));
            command
        };
        let _server = server(&mut peer("server", port), port);
        let proxy = Proxy::before(&folder, &format!("tcp://127.0.0.1:{port}"), &[]);
        let (ok, said) = run(&mut peer("client", proxy.port()));
        assert!(ok && said.contains("secret"), "{how}: {said}");
        let shown = proxy.stop();
        for word in ["Client Hello", "GET /inner", "200 OK"] {
            assert!(shown.contains(word), "{how}: {word} is missing in {shown}");
        }
    }
}
