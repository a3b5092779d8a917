//! The frame: facts of a packet that are not in its bytes. This layer also carries the prose of all layers.

use super::{LAYERS, dec, field, fields, group, text};
use wirelore_kit::{BufId, DATA, Kind, Layer, LayerClaim, Next, Node, Note, PacketBytes, Span, Tie, Tree, Value, layer};

fields! {
    FRAME = group("frame", "Frame", "pcapng §4.3");
    NUMBER = dec("frame.number", "Number", "worked out here");
    TIME = field("frame.time", "Arrival time", Kind::Time, "pcapng §4.3");
    LEN = dec("frame.len", "Length on the wire", "pcapng §4.3");
    CAP_LEN = dec("frame.cap_len", "Length captured", "pcapng §4.3");
    PROTOCOLS = text("frame.protocols", "Protocols", "worked out here");
}

static NOTES: &[&Note] = &[&layer::SNAPPED, &layer::SHORT];

pub(super) static LAYER: Layer = Layer {
    name: "frame",
    label: "Frame",
    fields: FIELDS,
    notes: NOTES,
    claims: &[LayerClaim::Named("frame")],
    // It has no bytes: its nodes are made by `with_frame`.
    read: |_, _| Ok(Next::Data),
    explain: &[("en", include_str!("explain.en.toml")), ("en", include_str!("explain-links.en.toml"))],
};

/// Fields whose presence says that an EtherType was read, which Wireshark counts as a layer of its own.
pub const ETHERTYPES: [&str; 6] = ["eth.type", "vlan.etype", "ieee8021ad.etype", "sll.etype", "avsp.etype", "macsec.etype"];

/// The names of the layers in a tree joined by colons, those of a quoted packet included: `frame.protocols`.
#[must_use]
pub fn protocols(tree: &Tree) -> String {
    let mut out = String::new();
    let mut add = |name: &str| {
        if !out.is_empty() {
            out.push(':');
        }
        out.push_str(name);
    };
    let mut data = false;
    for (i, node) in tree.nodes.iter().enumerate() {
        let name = node.field.name;
        data |= node.field.is(&DATA);
        if node.field.kind != Kind::Group || node.field.is(&FRAME) || !LAYERS.iter().any(|l| l.name == name) {
            continue;
        }
        // Behind data there is another layer only where it was a fragment, and all of them together were read.
        data = false;
        add(name);
        let inside = tree.nodes.get(i..node.end as usize).unwrap_or(&[]);
        if inside.iter().any(|n| n.depth == node.depth.saturating_add(1) && ETHERTYPES.contains(&n.field.name)) {
            add("ethertype");
        }
    }
    if data {
        add("data");
    }
    out
}

/// Puts the frame's facts before the layers of a tree that [`wirelore_kit::read_packet`] made.
pub fn with_frame(tree: &mut Tree, packet: &PacketBytes) {
    let all = Span::new(BufId::arrival(packet.number), 0, packet.bytes.len() as u32);
    let number = packet.facts.map_or(packet.number.saturating_add(1), |f| f.number);
    let mut facts = vec![(&FRAME, Value::from(format!("{number}, {} bytes", packet.wire_len))), (&NUMBER, Value::U64(number))];
    if let Some(time) = packet.facts.map(|f| f.time).filter(|t| *t != i64::MIN) {
        facts.push((&TIME, Value::I64(time)));
    }
    facts.push((&LEN, Value::U64(u64::from(packet.wire_len))));
    facts.push((&CAP_LEN, Value::U64(u64::from(all.len))));
    facts.push((&PROTOCOLS, Value::from(protocols(tree))));
    let added = facts.len() as u32;
    for node in &mut tree.nodes {
        node.end = node.end.saturating_add(added);
    }
    let nodes = facts.into_iter().enumerate().map(|(i, (field, value))| {
        let (depth, end) = if i == 0 { (0, added) } else { (1, (i as u32).saturating_add(1)) };
        Node { field, span: all, value, depth, tie: Tie::Derived, end }
    });
    tree.nodes.splice(0..0, nodes);
}
