//! Bulk and single agree: what a harvest brings of a packet is what its tree holds.

mod support;

use std::ops::ControlFlow;
use std::path::Path;
use support::{every, name, read};
use wirelore::harvest::{Part, Row, harvest};
use wirelore::recall::{TCP_PAYLOAD, UDP_PAYLOAD};
use wirelore_dissectors::{TABLE, layers::LAYERS};
use wirelore_filter::{Fact, Wants};
use wirelore_kit::value::display;
use wirelore_kit::{Cancel, DATA, F, TRAILING, TreeSource, UNKNOWN, Value, What};
use wirelore_store::Work;
use wirelore_store::query::Bits;

/// Packets of a capture whose trees are compared.
const MOST: u32 = 3000;

fn every_field() -> Vec<F> {
    let of_table = TABLE.iter().flat_map(|s| s.fields.iter().copied());
    let of_layers = LAYERS.iter().flat_map(|l| l.fields.iter().copied());
    let mut all: Vec<F> = of_table.chain(of_layers).chain([&DATA, &TRAILING, &UNKNOWN, &TCP_PAYLOAD, &UDP_PAYLOAD]).collect();
    all.retain(|f| f.name != "frame.protocols");
    all
}

/// A field with its value and the beginning of its bytes; facts of the frame have none of their own.
fn line(field: F, value: &Value, bytes: &[u8]) -> String {
    let bytes = if field.name.starts_with("frame") { &[] } else { bytes };
    format!("{} = {} ({} bytes, {:x?})", field.name, display(field, value, bytes), bytes.len(), &bytes[..bytes.len().min(24)])
}

fn lines(part: &Part) -> impl Iterator<Item = String> {
    part.kept.iter().map(|k| line(k.field, &k.value, part.bytes(k)))
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
    let wants = Wants { fields: every_field(), ..Wants::default() };
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
                .filter(|n| n.field.name != "frame.protocols")
                .map(|n| line(n.field, &n.value, tree.bytes(&n.span)))
                .collect();
            let bulk: Vec<String> = row.parts().flat_map(lines).collect();
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
