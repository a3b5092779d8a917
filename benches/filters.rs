//! Filters and find over a capture in memory: what columns answer, what is read again of layers, of messages, of bodies.
//!
//! `WIRELORE_BENCH=FILE` measures over a capture of yours instead.

#[path = "../tests/support/wire.rs"]
mod wire;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use wire::Wire;
use wirelore::filtering::rows;
use wirelore::find::{Pattern, Written, find};
use wirelore::names::registry;
use wirelore::session::{Session, SessionOptions};
use wirelore_capture::{Options, Source};
use wirelore_dissectors::TABLE;
use wirelore_store::Work;
use wirelore_store::query::Rows;

const CONNECTIONS: u16 = 500;
const EXCHANGES: usize = 20;

fn main() {
    divan::main();
}

fn made() -> Vec<u8> {
    let mut w = Wire::new();
    let body = "All work and no play makes a dull capture. ".repeat(30);
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nServer: a\r\n\r\n{body}", body.len());
    for n in 0..CONNECTIONS {
        let (client, server) = ((Ipv4Addr::new(192, 0, 2, 1), 20_000 + n), (Ipv4Addr::new(192, 0, 2, 2), 80));
        w.open(client, server);
        for i in 0..EXCHANGES {
            let ask = format!(
                "GET /page/{i} HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: bench/{n}\r\nAccept: text/plain, */*\r\n\r\n"
            );
            w.say(client, server, ask.as_bytes()).say(server, client, answer.as_bytes());
        }
        w.close(client, server);
    }
    w.bytes()
}

fn session() -> &'static Session {
    static SESSION: OnceLock<Session> = OnceLock::new();
    SESSION.get_or_init(|| {
        let source = match std::env::var_os("WIRELORE_BENCH") {
            Some(path) => Source::open(std::path::Path::new(&path), Options::default()),
            None => Source::from_bytes(made(), Options::default()),
        };
        let mut session = Session::start(source.expect("a capture"), TABLE, SessionOptions::default());
        session.wait().expect("read");
        session
    })
}

#[divan::bench(args = [
    "http.request.method == \"GET\"",
    "tcp.port == 80 && frame.len > 100",
    "tcp.flags.push == 1",
    "tcp.window_size_value < 500",
    "http.accept contains \"json\"",
    "http.file_data contains \"dull\"",
    "http contains \"bench/7\"",
    "frame contains \"dull\"",
])]
fn filter(bencher: Bencher<'_, '_>, text: &str) {
    let session = session();
    let snapshot = session.store.snapshot();
    let filter = wirelore_filter::parse(text, registry()).expect("a filter");
    bencher
        .counter(ItemsCount::new(snapshot.packets()))
        .bench(|| rows(black_box(&filter), &snapshot, &session.recall, Rows::Packets, &Work::new()).map(|r| r.len()));
}

#[divan::bench(args = [Written::Text, Written::Hex])]
fn find_nothing(bencher: Bencher<'_, '_>, written: Written) {
    let session = session();
    let snapshot = session.store.snapshot();
    let pattern = Pattern::new(written, "00112233445566", false).expect("a pattern");
    bencher
        .counter(ItemsCount::new(snapshot.packets()))
        .bench(|| find(&session.recall, &snapshot, black_box(&pattern), &Work::new(), &mut |_| ControlFlow::Continue(())));
}
