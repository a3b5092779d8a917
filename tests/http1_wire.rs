//! HTTP/1 on the wire: exact bytes into the built proxy, and what arrives at a server that only listens and at the client that asked. As a
//! proxy that the client knows, in a tunnel, and in a tunnel with TLS; with nothing armed and with a rule that looks at every message.

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, Running};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than any of this takes.
const LONG: Duration = Duration::from_secs(20);
/// Nothing more is coming.
const STILL: Duration = Duration::from_millis(150);

/// The program under test, and the folder that it keeps its things in.
struct Proxy {
    _child: Running,
    at: SocketAddr,
    folder: Folder,
}

impl Proxy {
    fn new(name: &str, flags: &[&str]) -> Proxy {
        let folder = Folder::new(&format!("wire-{name}"));
        let args = ["--ssl-insecure", "--mode", "regular@127.0.0.1:0"];
        let (child, at) = peers::proxy(&folder.0, args.iter().chain(flags));
        Proxy { _child: child, at, folder }
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.at).expect("the proxy takes us");
        client.set_read_timeout(Some(LONG)).expect("a time");
        client
    }
}

/// A rule that looks at every message, bodies too, and finds nothing to do.
const LOOKS: [&str; 2] = ["--modify-body", "/~u nowhere-at-all/never-there/x"];

/// Reads until so many bytes are there, then as long as more come at once. Ends early with the connection.
fn listen(stream: &mut TcpStream, want: usize) -> Vec<u8> {
    let mut got = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        let wait = if got.len() < want { LONG } else { STILL };
        stream.set_read_timeout(Some(wait)).expect("a time");
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return got,
            Ok(n) => got.extend_from_slice(&buffer[..n]),
        }
    }
}

/// A server that takes one connection, hears so many bytes, answers, and tells what it heard.
fn origin(want: usize, answer: &str) -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let (send, heard) = channel();
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let mut got = listen(&mut stream, want);
        let _ = stream.write_all(answer.as_bytes());
        got.extend(listen(&mut stream, 0));
        let _ = send.send(got);
    });
    (at, heard)
}

/// Asks, with the server's address in place of `{}`; gives what the server heard and what the client got, the address taken out again.
fn ask(proxy: &Proxy, tunnel: bool, request: &str, heard: &str, answer: &str) -> (String, String) {
    // The port has five digits in each of the places.
    let at = |n: u16| format!("127.0.0.1:{n}");
    let (server, listened) = origin(heard.replace("{}", &at(10000)).len(), answer);
    let host = server.to_string();
    let mut client = proxy.client();
    if tunnel {
        write!(client, "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("sent");
        let mut head = [0u8; 39];
        client.read_exact(&mut head).expect("the tunnel");
        assert_eq!(&head[..], b"HTTP/1.1 200 Connection established\r\n\r\n");
    }
    client.write_all(request.replace("{}", &host).as_bytes()).expect("sent");
    let got = listen(&mut client, answer.len());
    drop(client);
    let heard = listened.recv_timeout(LONG).unwrap_or_default();
    let text = |b: Vec<u8>| String::from_utf8_lossy(&b).replace(&host, "{}");
    (text(heard), text(got))
}

/// A request as a server gets it, and its answer: neither is to be changed.
const SAME: &[(&str, &str)] = &[
    ("GET /a?b HTTP/1.1\r\nHost: {}\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    (
        "GET /%7e//..;x HTTP/1.1\r\nhOST:{}\r\nX-b:1\r\nx-A:  2 \r\nX-b:\t3\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nz:1\r\nA:2\r\nz: 3\r\n\r\n",
    ),
    ("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
    ("POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 201 Made it\r\nContent-Length: 0\r\n\r\n"),
    (
        "POST / HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n03;a=b\r\nabc\r\n1\r\nd\r\n000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nTrail: er\r\n\r\n",
    ),
    (
        "PUT / HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: gzip, Chunked\r\nTrailer: A\r\n\r\n1\r\n\0\r\n0\r\nA: b\r\na:c\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 7\r\n\r\n",
    ),
    ("DO-IT / HTTP/1.1\r\nHost: {}\r\nX: \u{e9}\u{7f}\r\n\r\n", "HTTP/1.1 299 \r\nContent-Length: 1\r\n\r\n\0"),
    (
        "GET / HTTP/1.1\r\nHost: {}\r\nCookie: a=1\r\ncookie: b=2\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n",
    ),
    ("OPTIONS /x HTTP/1.1\r\nHost: {}\r\nAccept:\r\n\r\n", "HTTP/1.1 405 No\r\nAllow: \r\nContent-Length: 3\r\n\r\nno!"),
    (
        "GET / HTTP/1.1\r\nHost: {}\r\nRange: bytes=0-1,5-\r\n\r\n",
        "HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: 4\r\n\r\n--x-",
    ),
];

/// With the whole address in the request, as a proxy is asked.
fn absolute(request: &str) -> String {
    request.replacen(" /", " http://{}/", 1)
}

#[test]
fn nothing_is_changed_that_need_not_be() {
    for (name, flags) in [("same", &[][..]), ("same-looked-at", &LOOKS[..])] {
        let proxy = Proxy::new(name, flags);
        for (request, answer) in SAME {
            for tunnel in [false, true] {
                let asked = if tunnel { (*request).to_owned() } else { absolute(request) };
                let (heard, got) = ask(&proxy, tunnel, &asked, request, answer);
                assert_eq!((heard.as_str(), got.as_str()), (*request, *answer), "tunnel: {tunnel}, {name}");
            }
        }
    }
}

/// What a client asks a proxy, and what the server gets.
const CHANGED: &[(&str, &str)] = &[
    ("GET http://{} HTTP/1.1\r\nHost: {}\r\n\r\n", "GET / HTTP/1.1\r\nHost: {}\r\n\r\n"),
    ("GET http://{}?q HTTP/1.1\r\nHost: {}\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: {}\r\n\r\n"),
    ("OPTIONS http://{} HTTP/1.1\r\nHost: {}\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: {}\r\n\r\n"),
    ("GET http://u:p@{}/ HTTP/1.1\r\nHost: {}\r\n\r\n", "GET / HTTP/1.1\r\nHost: {}\r\n\r\n"),
    ("GET http://{}/ HTTP/1.1\r\nHost: else.example\r\n\r\n", "GET / HTTP/1.1\r\nHost: {}\r\n\r\n"),
    ("GET http://{}/ HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost: {}\r\n\r\n"),
    (
        "GET http://{}/ HTTP/1.1\r\nHost: {}\r\nProxy-Connection: keep-alive\r\nA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\nA: b\r\n\r\n",
    ),
    ("GET http://{}/ HTTP/1.1\r\nHost: {}\r\nProxy-Authorization: Basic YTpi\r\n\r\n", "GET / HTTP/1.1\r\nHost: {}\r\n\r\n"),
    (
        "GET http://{}/ HTTP/1.1\r\nHost: {}\r\nConnection: x-me, keep-alive\r\nX-Me: 1\r\nKeep-Alive: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\n\r\n",
    ),
    (
        "GET http://{}/ HTTP/1.1\r\nHost: {}\r\nTE: gzip, trailers\r\nConnection: TE\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
    ),
    ("GET http://{}/ HTTP/1.1\r\nHost: {}\r\nX: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nHost: {}\r\nX: a   b\r\n\r\n"),
    (
        "OPTIONS http://{}/ HTTP/1.1\r\nHost: {}\r\nMax-Forwards: 7\r\n\r\n",
        "OPTIONS / HTTP/1.1\r\nHost: {}\r\nMax-Forwards: 6\r\n\r\n",
    ),
];

#[test]
fn a_proxy_changes_what_it_must() {
    let proxy = Proxy::new("changed", &[]);
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for (request, wanted) in CHANGED {
        let (heard, got) = ask(&proxy, false, request, wanted, ok);
        assert_eq!((heard.as_str(), got.as_str()), (*wanted, ok), "{request:?}");
    }
}

/// Requests that two readers could read differently, and the finding that the page names.
const REFUSED: &[(&str, &str)] = &[
    (
        "POST http://{}/ HTTP/1.1\r\nHost: {}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "length_and_coding",
    ),
    ("POST http://{}/ HTTP/1.1\r\nHost: {}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", "lengths_differ"),
    ("POST http://{}/ HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "space_before_colon"),
    ("POST http://{}/ HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "chunked_not_last"),
    ("GET http://{}/ HTTP/1.1\r\nHost: {}\r\nX: a\nY: b\r\n\r\n", "bare_lf"),
    ("GET http://{}/ HTTP/1.1\r\nHost: {}\r\nX: a\0\r\n\r\n", "nul"),
    ("GET http://{}/ HTTP/1.1\r\nHost: {}\r\nHost: {}\r\n\r\n", "many_hosts"),
    ("GET http://{}/ HTTP/1.1\r\n\r\n", "no_host"),
    ("GET http://{}/ x HTTP/1.1\r\nHost: {}\r\n\r\n", "odd_request_line"),
    ("CONNECT {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 3\r\n\r\nabc", "connect_body"),
];

#[test]
fn what_two_readers_could_read_differently_stops_here() {
    let proxy = Proxy::new("refused", &[]);
    for (request, name) in REFUSED {
        let (server, heard) = origin(0, "");
        let mut client = proxy.client();
        client.write_all(request.replace("{}", &server.to_string()).as_bytes()).expect("sent");
        let mut page = String::new();
        client.read_to_string(&mut page).expect("a page, and then the end");
        assert!(page.starts_with("HTTP/1.1 400 ") && page.contains(&format!("http.note.{name}")), "{request:?}: {page}");
        assert!(heard.try_recv().is_err(), "nothing reached the server");
    }
}

#[test]
fn what_two_readers_could_read_differently_goes_on_where_we_are_lax() {
    let flags = [&LOOKS[..], &["--lax"]].concat();
    let proxy = Proxy::new("lax", &flags);
    for (request, _) in &REFUSED[..REFUSED.len() - 1] {
        let request = request.replacen("http://{}", "", 1);
        let (heard, _) = ask(&proxy, true, &request, &request, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(heard, request);
    }
}

#[test]
fn nothing_is_held_back_that_streams() {
    let proxy = Proxy::new("streams", &LOOKS);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let mut client = proxy.client();
    write!(client, "GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\nAccept: text/event-stream\r\n\r\n").expect("sent");
    let (mut server, _) = listener.accept().expect("the proxy dials");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    server.write_all(head.as_bytes()).expect("sent");
    for i in 0..3 {
        let event = format!("9\r\ndata: {i}\n\n\r\n");
        server.write_all(event.as_bytes()).expect("sent");
        let want = if i == 0 { format!("{head}{event}") } else { event };
        let mut got = vec![0u8; want.len()];
        client.read_exact(&mut got).expect("the event comes before the next is sent");
        assert_eq!(String::from_utf8_lossy(&got), want);
    }
}

#[test]
fn a_server_that_said_it_closes_is_not_asked_again_on_that_connection() {
    let proxy = Proxy::new("closes", &[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let mut client = proxy.client();
    let request = format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n");
    // It takes its time to close.
    let mut slow = Vec::new();
    for answer in
        ["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"]
    {
        client.write_all(request.as_bytes()).expect("sent");
        let (mut server, _) = listener.accept().expect("the proxy dials anew");
        listen(&mut server, 1);
        server.write_all(answer.as_bytes()).expect("sent");
        let got = listen(&mut client, 38);
        assert_eq!(got.last(), answer.as_bytes().last(), "{}", got.escape_ascii());
        slow.push(server);
    }
}

#[test]
fn a_password_is_asked_for_and_stays_here() {
    let proxy = Proxy::new("password", &["--proxyauth", "me:secret"]);
    let mut client = proxy.client();
    write!(client, "GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n").expect("sent");
    let page = String::from_utf8_lossy(&listen(&mut client, 400)).into_owned();
    assert!(page.starts_with("HTTP/1.1 407 ") && page.contains("Proxy-Authenticate: Basic "), "{page}");
    let with = "GET http://{}/ HTTP/1.1\r\nHost: {}\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n";
    let ok = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(
        ask(&proxy, false, with, "GET / HTTP/1.1\r\nHost: {}\r\n\r\n", ok),
        ("GET / HTTP/1.1\r\nHost: {}\r\n\r\n".into(), ok.into())
    );
}

/// Asks through a tunnel with TLS, and answers as a server with TLS does: Python has both at hand.
const OVER_TLS: &str = r#"
import json, socket, ssl, sys, threading
proxy, folder, cases = int(sys.argv[1]), sys.argv[2], json.load(sys.stdin)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
listener = socket.create_server(("127.0.0.1", 0))
host = "127.0.0.1:%d" % listener.getsockname()[1]
def until(s, n):
    got = b""
    while True:
        s.settimeout(20 if len(got) < n else 0.15)
        try:
            more = s.recv(65536)
        except (TimeoutError, OSError):
            return got
        if not more:
            return got
        got += more
said = []
for request, answer in cases:
    request, answer = request.replace("{}", host).encode(), answer.encode()
    heard = []
    def serve():
        s = context.wrap_socket(listener.accept()[0], server_side=True)
        heard.append(until(s, len(request)))
        s.sendall(answer)
        until(s, 0)
        s.close()
    server = threading.Thread(target=serve)
    server.start()
    raw = socket.create_connection(("127.0.0.1", proxy))
    raw.sendall(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (host, host)).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += raw.recv(1)
    trusting = ssl._create_unverified_context()
    client = trusting.wrap_socket(raw, server_hostname="localhost")
    client.sendall(request)
    got = until(client, len(answer))
    client.close()
    server.join()
    said.append([heard[0].decode().replace(host, "{}"), got.decode()])
json.dump(said, sys.stdout)
"#;

#[test]
fn nothing_is_changed_in_a_tunnel_with_tls() {
    for (name, flags) in [("tls", &[][..]), ("tls-looked-at", &LOOKS[..])] {
        let proxy = Proxy::new(name, flags);
        proxy.folder.certificate();
        let mut python = Command::new("python3")
            .args(["-c", OVER_TLS, &proxy.at.port().to_string()])
            .arg(&proxy.folder.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let cases = serde_json::to_string(SAME).expect("text");
        python.stdin.take().expect("piped").write_all(cases.as_bytes()).expect("sent");
        let out = python.wait_with_output().expect("it ends");
        assert!(out.status.success(), "{name}");
        let said: Vec<(String, String)> = serde_json::from_slice(&out.stdout).expect("what it heard");
        for ((request, answer), (heard, got)) in SAME.iter().zip(&said) {
            assert_eq!((heard.as_str(), got.as_str()), (*request, *answer), "{name}");
        }
        assert_eq!(said.len(), SAME.len());
    }
}
