//! Connections that others announce: bound at their first packet, named by their first byte, the same with any number of shards.

#[path = "../src/engine/tests/toy/mod.rs"]
mod toy;
#[path = "support/wire.rs"]
mod wire;

use std::net::Ipv4Addr;
use wire::{End, Wire};
use wirelore::session::{Session, SessionOptions};
use wirelore_capture::{Options, Source};
use wirelore_engine::laws::Record;
use wirelore_kit::{Cancel, ConvId, Evidence, Level, Spec};
use wirelore_store::Snapshot;

static TABLE: &[&Spec] = &[&toy::SPEC, &toy::data::SPEC];

fn end(host: u8, port: u16) -> End {
    (Ipv4Addr::new(192, 0, 2, host), port)
}

/// Several clients with announced connections: in time, with a new purpose on an old port, expired, and to another host.
fn capture() -> Vec<u8> {
    let mut w = Wire::new();
    let server = end(2, 7777);
    for host in 10..16 {
        let client = end(host, 40_000);
        w.open(client, server).say(client, server, b"OPEN 6000\n").say(server, client, b"OK passive\n");
        let data = (end(host, 40_001), end(2, 6000));
        w.open(data.0, data.1).say(client, server, b"WANT notes\n").say(server, client, b"OK coming\n");
        w.say(data.1, data.0, b"the notes, first half").say(data.1, data.0, b", second half").close(data.1, data.0);
        w.say(client, server, b"OPEN 6000\nWANT list\n").say(server, client, b"OK a\nOK b\n");
        let data = (end(host, 40_002), end(2, 6000));
        w.open(data.0, data.1).say(data.1, data.0, b"a list").close(data.1, data.0);
        w.say(client, server, b"OPEN 6001\n").wait(100);
        w.open(end(host, 40_003), end(2, 6001)).say(end(2, 6001), end(host, 40_003), b"too late");
        w.say(client, server, b"OPEN 6100\nWANT elsewhere\n");
        w.open(end(host, 40_004), end(77, 6100)).say(end(77, 6100), end(host, 40_004), b"from another host");
    }
    w.bytes()
}

fn read(shards: usize) -> Session {
    let source = Source::from_bytes(capture(), Options::default()).expect("a capture");
    let options = SessionOptions { shards: Some(shards), ..SessionOptions::default() };
    let mut session = Session::start(source, TABLE, options);
    session.wait().expect("read");
    session
}

/// All that is said of flows and messages, in words.
fn all(s: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for flow in s.each_flow() {
        lines.push(format!("{:?} {:?} {:?} {:?}", flow.ends(), flow.protocol(), flow.evidence, s.cause_of(flow.id)));
    }
    for (id, m) in s.each_message().filter(|(_, m)| !m.withdrawn) {
        lines.push(format!("{:?} {:?} {}+{} {} {:?}", m.conv, m.dir, m.at, m.len, s.summary(id), s.flow_concerned(id)));
    }
    lines
}

#[test]
fn an_announced_connection_knows_what_it_is_for() {
    let session = read(1);
    let s = session.store.snapshot();
    let data: Vec<&str> = s.messages_of(1).iter().map(|m| s.summary(*m)).collect();
    assert_eq!(data, ["data of notes"]);
    let cause = s.cause_of(1).expect("a cause");
    assert_eq!((cause.by, cause.key, &*cause.about), (ConvId { flow: 0, inner: 0 }, 1, "notes"));
    assert_eq!(s.flow(1).map(|f| f.evidence), Some(Evidence::Expected));
    let concerning: Vec<&str> = s.messages_concerning(cause.by, cause.key).iter().map(|m| s.summary(*m)).collect();
    assert_eq!(concerning, ["OPEN 6000\\n", "WANT notes\\n"]);
    assert_eq!(s.messages_of(2).iter().map(|m| s.summary(*m)).collect::<Vec<_>>(), ["data of list"]);
    assert!(s.cause_of(3).is_none() && s.messages_of(3).is_empty(), "an announcement expires");
    assert_eq!(s.messages_of(4).iter().map(|m| s.summary(*m)).collect::<Vec<_>>(), ["data of elsewhere"]);
    assert_eq!(s.flows_caused_by(cause.by), [1, 2, 4]);
}

#[test]
fn any_number_of_shards_gives_the_same() {
    let want = all(&read(1).store.snapshot());
    for shards in [3, 8] {
        assert_eq!(all(&read(shards).store.snapshot()), want, "{shards} shards");
    }
}

#[test]
fn a_second_reading_knows_what_the_first_knew() {
    let session = read(3);
    let s = session.store.snapshot();
    for flow in 0..s.flows() {
        let mut again = Record::default();
        session.recall.reread(flow, Level::Tree, &Cancel::new(), &mut again).expect("read again");
        let first: Vec<&str> = s.messages_of(flow).iter().map(|m| s.summary(*m)).collect();
        assert_eq!(again.messages.iter().map(|m| m.summary.as_str()).collect::<Vec<_>>(), first, "flow {flow}");
    }
}

#[test]
fn a_connection_that_only_comes_from_an_announced_port_is_not_the_announced_one() {
    let mut w = Wire::new();
    let (client, server) = (end(10, 40_000), end(2, 7777));
    w.open(client, server).say(client, server, b"OPEN 6000\n").say(server, client, b"OK passive\n");
    // The host that is to be called calls from that very port.
    w.open(end(2, 6000), end(10, 7777)).say(end(2, 6000), end(10, 7777), b"OPEN 1\n");
    w.open(end(10, 40_001), end(2, 6000)).say(end(2, 6000), end(10, 40_001), b"data");
    let source = Source::from_bytes(w.bytes(), Options::default()).expect("a capture");
    let mut session = Session::start(source, TABLE, SessionOptions { shards: Some(1), ..SessionOptions::default() });
    session.wait().expect("read");
    let s = session.store.snapshot();
    assert!(s.cause_of(1).is_none(), "{:?}", s.cause_of(1));
    assert!(s.cause_of(2).is_some());
}
