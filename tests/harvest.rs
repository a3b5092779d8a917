//! Bulk and single agree: what a harvest brings of a packet is what its tree holds.

mod support;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use support::{every, name, read};
use wirelore::harvest::{Part, Row, harvest, judge};
use wirelore::recall::{TCP_PAYLOAD, UDP_PAYLOAD};
use wirelore_dissectors::{TABLE, layers::LAYERS};
use wirelore_filter::{Fact, Wants};
use wirelore_kit::value::display;
use wirelore_kit::{Cancel, DATA, F, TRAILING, Tie, TreeSource, UNKNOWN, Value, What};
use wirelore_store::Work;
use wirelore_store::query::Bits;

/// Packets of a capture whose trees are compared.
const MOST: u32 = 3000;

fn every_field() -> Vec<F> {
    let of_table = TABLE.iter().flat_map(|s| s.fields.iter().copied());
    let of_layers = LAYERS.iter().flat_map(|l| l.fields.iter().copied());
    let mut all: Vec<F> = of_table.chain(of_layers).chain([&DATA, &TRAILING, &UNKNOWN, &TCP_PAYLOAD, &UDP_PAYLOAD]).collect();
    // What the packet's messages add to the names of its layers, and bodies as they were meant, are told otherwise than in trees.
    all.retain(|f| f.name != "frame.protocols" && f.name != "http.file_data");
    all
}

/// Fields of packets' layers and of protocols whose messages are read without their bodies.
fn fields_without_bodies() -> Vec<F> {
    const SPOKEN: [&str; 8] = ["http", "dns", "dhcp", "ntp", "tls", "tls.handshake", "redis", "pgsql"];
    let parts = |f: F| f.name.starts_with("http.part") || f.name.starts_with("http.multipart") || f.name == "http.file_data";
    let of_table = TABLE.iter().filter(|s| SPOKEN.contains(&s.name)).flat_map(|s| s.fields.iter().copied()).filter(|f| !parts(f));
    of_table.chain(LAYERS.iter().flat_map(|l| l.fields.iter().copied())).filter(|f| f.name != "frame.protocols").collect()
}

/// A field with its value and the beginning of its bytes, where these are its own.
fn line(field: F, value: &Value, tie: Tie, bytes: &[u8]) -> String {
    let bytes = if tie == Tie::Own { bytes } else { &[] };
    format!("{} = {} ({} bytes, {:x?})", field.name, display(field, value, bytes), bytes.len(), &bytes[..bytes.len().min(24)])
}

/// Headings come along that nobody asked for.
fn lines(part: &Part, wanted: &HashSet<&'static str>) -> Vec<String> {
    part.kept.iter().filter(|k| wanted.contains(k.field.name)).map(|k| line(k.field, &k.value, k.tie, part.bytes(k))).collect()
}

fn rows(path: &Path, wants: &Wants) -> Option<(wirelore::session::Session, Vec<Row>)> {
    let session = read(path, 1)?;
    let snapshot = session.store.snapshot();
    let mut rows = Vec::new();
    let packets = Bits::all(snapshot.packets());
    harvest(&session.recall, &snapshot, wants, packets, &Work::new(), &mut |row| {
        rows.push(row.clone());
        ControlFlow::Continue(())
    })
    .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some((session, rows))
}

#[test]
fn a_harvest_brings_what_trees_hold() {
    compare(every_field());
}

#[test]
fn a_harvest_that_passes_over_bodies_brings_the_same() {
    compare(fields_without_bodies());
}

#[test]
fn a_harvest_of_some_fields_brings_the_same() {
    let named =
        ["ip.src", "tcp.options.mss_val", "tcp", "http.host", "http.response.line", "dns.qry.name", "tls.handshake.ciphersuite"];
    compare(every_field().into_iter().filter(|f| named.contains(&f.name)).collect());
}

fn compare(fields: Vec<F>) {
    let wanted: HashSet<&'static str> = fields.iter().map(|f| f.name).collect();
    let wants = Wants { fields, ..Wants::default() };
    let mut faults = Vec::new();
    for path in every() {
        let Some((session, rows)) = rows(&path, &wants) else { continue };
        let snapshot = session.store.snapshot();
        let numbers: Vec<u32> = rows.iter().map(|r| r.packet).collect();
        assert!(numbers.iter().copied().eq(0..snapshot.packets()), "{}: rows come once each and in order", name(&path));
        for row in rows.iter().take(MOST as usize) {
            let Ok(tree) = session.recall.tree(What::Packet(row.packet), &Cancel::new()) else { continue };
            let single: Vec<String> = tree
                .nodes
                .iter()
                .filter(|n| wanted.contains(n.field.name))
                .map(|n| line(n.field, &n.value, n.tie, tree.bytes(&n.span)))
                .collect();
            let bulk: Vec<String> = row.parts().flat_map(|p| lines(p, &wanted)).collect();
            if let Some(d) = support::difference(&single, &bulk) {
                faults.push(format!("{}, packet {}: {d}", name(&path), row.packet + 1));
                break;
            }
        }
    }
    support::no_faults(&faults, "bulk and single");
}

#[test]
fn protocols_are_named_from_the_outermost_in() {
    let path = support::root().join("captures/tour.pcapng");
    let wants = Wants { facts: vec![Fact::Protocols], ..Wants::default() };
    let (_, rows) = rows(&path, &wants).expect("the tour");
    let all: Vec<&str> = rows.iter().filter_map(|r| r.protocols.as_deref()).collect();
    assert_eq!(all.len(), rows.len());
    assert!(all.iter().any(|p| p.starts_with("eth:ethertype:ip:tcp") && p.ends_with(":http")), "{all:?}");
}

/// Whoever waited for the thread waited for ever: the others could have told more.
#[test]
fn a_thread_that_panics_ended_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("many.pcap");
    let mut file = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0].to_vec();
    for n in 0..24_000u32 {
        let port = (n as u16 % 5000 + 1024).to_be_bytes();
        let mut packet =
            vec![0x45, 0, 4, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, port[0], port[1], 0, 9, 3, 236, 0, 0];
        packet.resize(1024, b'x');
        file.extend([n.to_le_bytes(), [0; 4], 1024u32.to_le_bytes(), 1024u32.to_le_bytes()].concat());
        file.extend(packet);
    }
    std::fs::write(&path, file).expect("written");
    let session = read(&path, 1).expect("a capture");
    let snapshot = session.store.snapshot();
    let wants = Wants { fields: vec![&DATA], ..Wants::default() };
    let packets = Bits::all(snapshot.packets());
    let faulty = |row: &Row| -> Option<u32> { if row.packet == 3 { panic!("on purpose") } else { Some(row.packet) } };
    let run = || judge(&session.recall, &snapshot, &wants, packets, &Work::new(), &faulty, &mut |_, _| {});
    let went = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    assert!(went.is_err(), "the panic is handed on");
}
