//! Conversations inside conversations, from packets to trees: the way from a field inside through every stream to the packets.

#[path = "../src/engine/tests/toy/mod.rs"]
mod toy;
#[path = "support/wire.rs"]
mod wire;

use toy::tunnel::{self, frame};
use wire::Wire;
use wirelore::sift::{self, Limits, Sifted};
use wirelore_kit::{BufKind, Cancel, Span, Spec, Tree, TreeSource, What};

static TABLE: &[&Spec] = &[&tunnel::SPEC, &toy::SPEC];

/// A masked tunnel in a tunnel with a toy conversation in it, frames over packet borders.
fn capture() -> Vec<u8> {
    let (a, b) = (([192, 0, 2, 1].into(), 50_000), ([192, 0, 2, 2].into(), 8888));
    let mut w = Wire::new();
    w.open(a, b);
    let asks = [frame(b'D', 3, b"GET plain\n"), frame(b'M', 100, &frame(b'D', 5, b"GET one\nPUT 600\n"))].concat();
    let (x, y) = asks.split_at(20);
    w.say(a, b, x).say(a, b, y);
    for part in [&[b'x'; 350][..], &[[b'y'; 250].as_slice(), b"."].concat()] {
        w.say(a, b, &frame(b'M', 100, &frame(b'D', 5, part)));
    }
    let answers = [frame(b'D', 100, &frame(b'M', 5, b"OK one\nOK put\n")), frame(b'D', 200, b"GET content\n")].concat();
    w.say(b, a, &answers);
    w.close(a, b).bytes()
}

fn read() -> Sifted {
    sift::read(&capture(), TABLE, Limits::default()).expect("a capture")
}

fn message(read: &Sifted, summary: &str) -> Tree {
    let s = read.store.snapshot();
    let id = (0..s.messages()).find(|m| s.summary(*m) == summary).unwrap_or_else(|| panic!("no {summary}"));
    read.recall.tree(What::Message(id), &Cancel::new()).expect("a tree")
}

/// The buffers that a field's bytes come from, outwards, and the packet in the end.
fn way(tree: &Tree, name: &str) -> Vec<String> {
    let mut span = tree.find(name).unwrap_or_else(|| panic!("no {name}")).span;
    let mut steps = Vec::new();
    while let Some(b) = tree.buffer(span.buf) {
        steps.push(b.label.clone());
        let Some(p) = b.map.iter().find(|p| p.at <= span.at && span.at < p.at + u64::from(p.len)) else { break };
        let shift = if p.how.keeps_offsets() { span.at - p.at } else { 0 };
        span = Span { at: p.from.at + shift, ..p.from };
    }
    if let BufKind::Arrival(n) = span.buf.kind() {
        steps.push(format!("packet {n}"));
    }
    steps
}

#[test]
fn a_field_inside_leads_through_every_stream_to_its_packet() {
    let read = read();
    let tree = message(&read, "GET one\\n");
    let labels: Vec<&str> = tree.buffers.iter().map(|b| b.label.as_str()).collect();
    assert_eq!(labels, ["Tunnel stream 5, to server", "Tunnel plaintext, to server", "TCP stream 0, to server"]);
    assert_eq!(tree.display(tree.find("toy.verb").expect("a verb")), "GET");
    let steps = way(&tree, "toy.verb");
    assert_eq!(steps, [labels, vec!["packet 3"]].concat());
}

#[test]
fn a_message_inside_over_many_packets_has_all_its_bytes() {
    let read = read();
    let tree = message(&read, "PUT 600\\n");
    let body = tree.find("toy.body").expect("a body");
    let bytes = tree.bytes(&body.span);
    assert_eq!((bytes.len(), bytes.first(), bytes.last()), (600, Some(&b'x'), Some(&b'y')));
    let arrivals: Vec<u64> = read
        .recall
        .origin(body.span)
        .expect("an origin")
        .iter()
        .filter_map(|s| if let BufKind::Arrival(n) = s.buf.kind() { Some(n) } else { None })
        .collect();
    assert_eq!(arrivals, [5, 6]);
    assert_eq!(read.recall.name(body.span.buf), "Tunnel stream 5, to server");
    assert_eq!(read.recall.bytes(body.span).expect("bytes").len(), 600);
}

#[test]
fn a_packet_with_messages_at_several_depths_shows_them_all() {
    let read = read();
    let tree = read.recall.tree(What::Packet(4), &Cancel::new()).expect("a tree");
    for (name, value) in [("toy.verb", "GET"), ("tunnel.kind", "M")] {
        assert!(tree.all(name).any(|n| tree.display(n) == value), "{name}");
    }
}

#[test]
fn contents_stand_in_the_tree_of_their_message() {
    let read = read();
    let tree = message(&read, "D 200 12");
    let verb = tree.find("toy.verb").expect("the content's field");
    assert_eq!(tree.bytes(&verb.span), b"GET");
    assert!(matches!(verb.span.buf.kind(), BufKind::Part(_)));
    let b = tree.buffer(verb.span.buf).expect("its buffer");
    assert_eq!((b.label.as_str(), b.map[0].from.len), ("Body, as sent (toy/content)", 12));
}

#[test]
fn a_second_reading_gives_the_same_rows() {
    sift::twice(&read(), 10).unwrap();
}
