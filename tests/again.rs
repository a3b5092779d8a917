//! Reading again: keys before, among or behind the packets give the same rows; so does what only the keys reveal; and the user has the
//! last word about what a connection speaks.

#[path = "../src/engine/tests/toy/mod.rs"]
mod toy;
#[path = "support/wire.rs"]
mod wire;

use std::net::Ipv4Addr;
use toy::tunnel::{self, SECRET, frame};
use wire::{End, Wire};
use wirelore::remember::Remember;
use wirelore::session::{Session, SessionOptions};
use wirelore_capture::{Options, Source};
use wirelore_kit::{Cancel, ConvId, Evidence, Spec, TreeSource, What};
use wirelore_store::Snapshot;

static TABLE: &[&Spec] = &[&tunnel::SPEC, &toy::SPEC, &toy::data::SPEC];

fn end(host: u8, port: u16) -> End {
    (Ipv4Addr::new(192, 0, 2, host), port)
}

/// A secret conversation that announces a connection, and one in the clear.
fn wire() -> Wire {
    let (a, b) = (end(1, 40_000), end(2, 8888));
    let mut w = Wire::new();
    w.open(a, b);
    w.say(a, b, &frame(b'K', 1, b"GET secret\nOPEN 6000\nWANT notes\n"));
    w.say(b, a, &frame(b'K', 1, b"OK one\nOK two\nOK three\n"));
    let (c, d) = (end(1, 40_001), end(2, 6000));
    w.open(c, d).say(d, c, b"some notes").close(d, c);
    let (e, f) = (end(3, 40_002), end(2, 7000));
    w.open(e, f).say(e, f, b"GET clear\n").say(f, e, b"OK clear\n");
    w.say(a, b, &frame(b'K', 1, b"GET last\n"));
    w
}

fn keys() -> String {
    format!("TOY 01 {SECRET:02x}\n")
}

fn read(bytes: Vec<u8>, shards: usize) -> Session {
    let source = Source::from_bytes(bytes, Options::default()).expect("a capture");
    let options = SessionOptions { shards: Some(shards), ..SessionOptions::default() };
    let mut session = Session::start(source, TABLE, options);
    session.wait().expect("read");
    session
}

/// All that is said of each flow, in words.
fn all(s: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for flow in s.each_flow() {
        let cause = s.cause_of(flow.id).map(|c| (c.by, c.key, c.about.clone()));
        lines.push(format!("{:?} {:?} {cause:?} {:?}", flow.protocol(), flow.evidence, flow.worst()));
        for id in s.messages_of(flow.id) {
            let Some(m) = s.message(id) else { continue };
            let path = s.path(m.conv);
            let answers = s.exchange(m.exchange).map(|e| (s.summary(e.ask), s.summary(e.answer)));
            let (line, about) = (s.summary(id), s.flow_concerned(id));
            lines
                .push(format!("  {:?} {path:?} {}+{} {}..{} {line} {answers:?} {about:?}", m.conv, m.at, m.len, m.first, m.done));
        }
    }
    lines
}

#[test]
fn keys_before_among_or_behind_the_packets_give_the_same_rows() {
    let w = wire();
    let want = all(&read(w.with_keys(0, &keys()), 1).store.snapshot());
    assert!(want.iter().any(|l| l.contains("GET secret")) && want.iter().any(|l| l.contains("data of notes")), "{want:#?}");
    for shards in [1, 3] {
        for at in [4, 9, 100_000] {
            let session = read(w.with_keys(at, &keys()), shards);
            if at == 100_000 {
                let s = session.store.snapshot();
                assert!(!all(&s).iter().any(|l| l.contains("GET secret")));
                assert_eq!(session.again.add_keys(keys().as_bytes()).added, 1);
            }
            assert_eq!(all(&session.store.snapshot()), want, "keys before packet {at}, {shards} shards");
        }
    }
}

#[test]
fn trees_follow_the_new_rows() {
    let session = read(wire().bytes(), 1);
    let tree = |summary: &str| {
        let s = session.store.snapshot();
        let id = s.each_message().find(|(id, m)| !m.withdrawn && s.summary(*id) == summary)?.0;
        session.recall.tree(What::Message(id), &Cancel::new()).ok()
    };
    assert!(tree("K 1 32").is_some_and(|t| t.buffers.len() == 1));
    session.again.add_keys(keys().as_bytes());
    assert!(tree("K 1 32").is_some_and(|t| t.buffers.len() == 2), "the frame shows what it carries");
    assert!(tree("GET secret\\n").is_some());
}

#[test]
fn the_user_has_the_last_word() {
    let session = read(wire().bytes(), 1);
    let lines = || {
        let s = session.store.snapshot();
        s.messages_of(2).iter().map(|m| s.summary(*m).to_owned()).collect::<Vec<_>>()
    };
    let first = lines();
    assert_eq!(first, ["GET clear\\n", "OK clear\\n"]);
    session.again.decode(2, Some("toy.data")).expect("a protocol");
    assert_eq!(lines(), ["data of nobody knows what", "data of nobody knows what"]);
    let s = session.store.snapshot();
    assert_eq!(s.flow(2).map(|f| f.evidence), Some(Evidence::User));
    assert_eq!(session.again.decoded(2), Some("toy.data"));
    session.again.decode(2, None).expect("a flow");
    assert_eq!(lines(), first);
    assert!(session.again.decode(2, Some("gopher")).is_err() && session.again.decode(77, None).is_err());
    assert_eq!(session.store.snapshot().messages_in(ConvId { flow: 2, inner: 0 }).len(), 2);
}

#[test]
fn what_the_user_said_is_remembered_for_the_file() {
    let folder = std::env::temp_dir().join(format!("wirelore-again-{}", std::process::id()));
    let path = folder.join("a.pcap");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(&path, wire().bytes()).expect("a capture");
    let open = || {
        let source = Source::open(&path, Options::default()).expect("a capture");
        let options = SessionOptions { remember: Some(Remember::open(&folder, &path)), ..SessionOptions::default() };
        let mut session = Session::start(source, TABLE, options);
        session.wait().expect("read");
        session
    };
    let protocol = |s: &Session| {
        s.store.snapshot().flow(2).and_then(|f| f.protocol()).and_then(|p| TABLE.get(usize::from(p))).map(|p| p.name)
    };
    let first = open();
    assert_eq!(protocol(&first), Some("toy"));
    first.again.decode(2, Some("toy.data")).expect("kept");
    let second = open();
    assert_eq!((protocol(&second), second.again.decoded(2)), (Some("toy.data"), Some("toy.data")));
    second.again.decode(2, None).expect("forgotten");
    assert_eq!(protocol(&open()), Some("toy"));
    std::fs::remove_dir_all(&folder).expect("cleared");
}
