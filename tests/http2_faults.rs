//! Servers of HTTP/2 that break off, stall, lie and say nonsense, before clients that the proxy only copies for and that it judges for: nobody waits for
//! ever, and the record says what happened. And what only a server can be asked for that is not there.

#[path = "support/h2.rs"]
mod h2;
#[path = "support/peers.rs"]
mod peers;

use h2::{ACK, Came, END_HEADERS, END_STREAM, PREFACE, Peer, block, frame, kind, settings, window};
use peers::{Folder, Proxy, are_here, free, run};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a server does once it was asked; false: it breaks off with a reset.
type Act = fn(&mut Peer) -> bool;

/// A server that answers each connection's first request so. Gives its port.
fn serve(act: Act) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let resets = tcp.try_clone().expect("cloned");
                let mut peer = Peer::of(tcp);
                peer.patience = Duration::from_secs(20);
                assert_eq!(peer.bytes(PREFACE.len()), PREFACE);
                peer.send([settings(&[(3, 100)]), frame(kind::SETTINGS, ACK, 0, b"")].concat());
                let asked = peer.until(|c| matches!(c, Came::Headers(..)));
                if matches!(asked.last(), Some(Came::Headers(..))) && !act(&mut peer) {
                    // What is unread makes of a close a reset.
                    let socket = socket2::SockRef::from(&resets);
                    socket.set_linger(Some(Duration::ZERO)).expect("set");
                }
            });
        }
    });
    port
}

fn ok(peer: &mut Peer, fields: &[(&str, &str)]) {
    peer.send(frame(kind::HEADERS, END_HEADERS, 1, block(&[&[(":status", "200")][..], fields].concat())));
}

#[rustfmt::skip]
const FAULTS: &[(&str, Act)] = &[
    ("resets before it answers", |_| false),
    ("closes before it answers", |_| true),
    ("resets within a body", |p| { ok(p, &[("content-length", "100")]); p.send(frame(kind::DATA, 0, 1, b"some")); std::thread::sleep(Duration::from_millis(100)); false }),
    ("closes within a body", |p| { ok(p, &[("content-length", "100")]); p.send(frame(kind::DATA, 0, 1, b"some")); std::thread::sleep(Duration::from_millis(100)); true }),
    ("gives up the stream", |p| { ok(p, &[]); p.send(frame(kind::RST_STREAM, 0, 1, 2u32.to_be_bytes())); p.until(|_| false); true }),
    ("goes away", |p| { p.send(frame(kind::GOAWAY, 0, 0, [0, 0, 0, 0, 0, 0, 0, 11])); true }),
    ("closes within a frame", |p| { ok(p, &[]); p.send(&frame(kind::DATA, 0, 1, vec![b'x'; 1000])[..500]); std::thread::sleep(Duration::from_millis(100)); true }),
    ("closes within a header block", |p| { p.send(frame(kind::HEADERS, 0, 1, block(&[(":status", "200")]))); std::thread::sleep(Duration::from_millis(100)); true }),
    ("says less than content-length", |p| { ok(p, &[("content-length", "100")]); p.send(frame(kind::DATA, END_STREAM, 1, b"some")); p.until(|_| false); true }),
    ("says more than content-length", |p| { ok(p, &[("content-length", "2")]); p.send(frame(kind::DATA, END_STREAM, 1, b"some")); p.until(|_| false); true }),
    ("sends more than the window", |p| { ok(p, &[]); for _ in 0..2000 { p.send(frame(kind::DATA, 0, 1, vec![b'x'; 16_384])) } p.until(|_| false); true }),
    ("codes its fields wrongly", |p| { p.send(frame(kind::HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\xff")); p.until(|_| false); true }),
    ("answers a stream that nobody opened", |p| { p.send(frame(kind::HEADERS, END_HEADERS, 7, block(&[(":status", "200")]))); p.until(|_| false); true }),
    ("overflows a window", |p| { p.send(window(0, 0x7fff_ffff)); p.send(window(0, 0x7fff_ffff)); p.until(|_| false); true }),
    ("speaks HTTP/1.1", |p| { p.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); p.until(|_| false); true }),
    ("says nonsense", |p| { p.send([0xa5; 4000]); p.until(|_| false); true }),
    ("sends a frame that is too long", |p| { p.send(frame(kind::DATA, 0, 1, vec![0; 1 << 20])); p.until(|_| false); true }),
];

/// What the proxy said in a record, among all else.
fn said(record: &std::path::Path) -> String {
    String::from_utf8_lossy(&std::fs::read(record).expect("a record")).into_owned()
}

#[test]
fn no_client_waits_for_ever_whatever_its_server_does() {
    if !are_here(&["curl"]) {
        return;
    }
    let folder = Folder::new("h2faults");
    let (mut wrong, mut silent) = (Vec::new(), Vec::new());
    for (name, act) in FAULTS {
        let port = serve(*act);
        let ask = |port: u16| {
            let begun = Instant::now();
            let url = format!("http://127.0.0.1:{port}/");
            let (ok, said) =
                run(Command::new("curl").args(["-sS", "--http2-prior-knowledge", "--max-time", "15", "-o", "/dev/null", &url]));
            (ok, begun.elapsed() < Duration::from_secs(12), said)
        };
        let direct = ask(port);
        for flags in [&[][..], &["--modify-headers", "/~q/x-added/yes", "--modify-body", "/~s/nothing/else"]] {
            let proxy = Proxy::before(&folder, &format!("h2c://127.0.0.1:{port}"), flags);
            let through = ask(proxy.port());
            let armed = !flags.is_empty();
            if !through.1 && direct.1 || through.0 && !direct.0 {
                wrong.push(format!("{name}, armed {armed}: directly {direct:?}, through the proxy {through:?}"));
            }
            let record = proxy.record.clone();
            let shown = proxy.stop();
            let told = [
                "The connection ended",
                "The connection is ended",
                "broke the connection off",
                "RST_STREAM",
                "GOAWAY",
                "is not as long",
            ];
            if armed && !through.0 && !told.iter().any(|w| shown.contains(w) || said(&record).contains(w)) {
                let end = shown.len().saturating_sub(600);
                silent.push(format!("{name}: nothing in the record says why: {}", shown.get(end..).unwrap_or_default()));
            }
        }
    }
    assert!(wrong.is_empty() && silent.is_empty(), "{}\n{}", wrong.join("\n"), silent.join("\n"));
}

#[test]
fn a_server_that_stalls_is_waited_for_as_without_us_and_its_client_may_leave() {
    let folder = Folder::new("h2stalls");
    let port = serve(|p| {
        ok(p, &[]);
        std::thread::sleep(Duration::from_secs(30));
        true
    });
    for flags in [&[][..], &["--modify-body", "/~s/nothing/else"]] {
        let proxy = Proxy::before(&folder, &format!("h2c://127.0.0.1:{port}"), flags);
        let mut peer = Peer::client(proxy.at, &[]);
        peer.get(1, "/");
        peer.patience = Duration::from_millis(500);
        peer.until(|_| false);
        // Others on the connection are served meanwhile: PING goes through a stalled stream.
        drop(peer);
        proxy.stop();
    }
}

#[test]
fn interim_answers_of_http_2_are_judged_as_those_of_http_1() {
    let folder = Folder::new("h2interim");
    let port = serve(|p| {
        p.send(frame(kind::HEADERS, END_HEADERS, 1, block(&[(":status", "102")])));
        p.send(frame(kind::HEADERS, END_HEADERS, 1, block(&[(":status", "103"), ("link", "</a.css>")])));
        ok(p, &[("x-last", "one")]);
        p.send(frame(kind::DATA, 0, 1, b"the body"));
        p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, block(&[("x-trailer", "end")])));
        p.until(|_| false);
        true
    });
    let rules = "[[rule]]\non = 'interim'\nwhen = '~s & ~c 103'\nset-header = 'Link: </b.css>'\ndelay = '300ms'\n[[rule]]\non = \
                 'interim'\nwhen = '~c 102'\ndrop = true\n";
    let rules = folder.put("rules.toml", rules);
    let rules = rules.to_str().expect("a path").to_owned();
    let proxy = Proxy::before(&folder, &format!("h2c://127.0.0.1:{port}"), &["--rules", &rules]);
    let mut peer = Peer::client(proxy.at, &[]);
    peer.get(1, "/");
    let all = peer.ended(1);
    let heads: Vec<&Vec<u8>> = all.iter().filter_map(|c| if let Came::Headers(_, b, _) = c { Some(b) } else { None }).collect();
    let data: Vec<u8> =
        all.iter().filter_map(|c| if let Came::Data(_, d, _) = c { Some(d.clone()) } else { None }).flatten().collect();
    assert_eq!((heads.len(), &data[..]), (3, &b"the body"[..]), "103, 200 and the trailers: {all:?}");
    assert!(heads[0].windows(8).any(|w| w == b"</b.css>"), "the 103 was changed: {all:?}");
    proxy.stop();
}

#[test]
fn a_client_that_speaks_h2_alone_is_told_why_there_is_no_server() {
    if !are_here(&["nghttp"]) {
        return;
    }
    let folder = Folder::new("h2alone");
    let proxy = Proxy::before(&folder, &format!("https://localhost:{}", free()), &[]);
    let url = format!("https://localhost:{}/", proxy.port());
    // nghttp offers h2 and nothing else.
    let (ok, said) = run(Command::new("nghttp").args(["-v", "-t", "10", &url]));
    assert!(ok && said.contains(":status: 502") && said.contains("nothing listens there"), "{said}");
    proxy.stop();
}
