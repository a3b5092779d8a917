//! A row that was read again: what was wanted of a packet's layers and of the messages completed in it.

use super::plan::is_heading;
use std::ops::Range;
use wirelore_filter::{Chosen, Fact, FactSource, Met, Valued, Values};
use wirelore_kit::{F, Node, Noted, PacketLine, Sink, Tie, Tree, Value};

/// A field that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The field.
    pub field: F,
    /// Its value; [`Value::Span`] where it is the bytes themselves.
    pub value: Value,
    /// Whether it has bytes of its own.
    pub tie: Tie,
    /// Levels below the root of its tree.
    pub depth: u16,
    /// Which layer of its protocol it is in, from 1; 0 in messages.
    pub layer: u16,
    /// Its bytes in [`Part::held`].
    bytes: Range<u32>,
}

/// What a reading left: of a packet's layers, or of one message.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// The message's row; `None` for layers.
    pub message: Option<u32>,
    /// The message's protocol by its short name; "" for layers.
    pub protocol: &'static str,
    /// Fields in the order of reading.
    pub kept: Vec<Kept>,
    /// Findings.
    pub notes: Vec<Noted>,
    /// Protocols met: name, all bytes from where each begins, how many of them are its own.
    met: Vec<(&'static str, Range<u32>, usize)>,
    /// Bytes of all that.
    held: Vec<u8>,
}

impl Part {
    /// Empties it, keeping its memory.
    pub(super) fn clear(&mut self) {
        self.message = None;
        self.protocol = "";
        self.kept.clear();
        self.notes.clear();
        self.met.clear();
        self.held.clear();
    }

    /// Takes over what a sink that keeps some fields has kept.
    pub(super) fn take(&mut self, sink: &Sink, notes: bool) {
        for (i, node) in sink.nodes.iter().enumerate() {
            let bytes = self.hold(sink.bytes_of(i));
            let (field, value) = (node.field, node.value.clone());
            self.kept.push(Kept { field, value, tie: node.tie, depth: node.depth, layer: 0, bytes });
        }
        if notes {
            self.notes.extend_from_slice(&sink.notes);
        }
    }

    /// Says of fields of layers which layer of their protocol they are in; `nodes` are those that were taken.
    pub(super) fn number_layers(&mut self, nodes: &[Node]) {
        for (i, node) in nodes.iter().enumerate().filter(|(_, n)| is_heading(n.field)) {
            let before = nodes.get(..i).unwrap_or(&[]).iter().filter(|n| n.field.is(node.field)).count() as u16;
            // What stands inside of another layer's heading is overwritten in its turn.
            for k in self.kept.get_mut(i..node.end as usize).unwrap_or(&mut []) {
                k.layer = before.saturating_add(1);
            }
        }
    }

    /// Takes over what is wanted of a message's tree.
    pub(super) fn take_tree(&mut self, tree: &Tree, wanted: impl Fn(F) -> bool, notes: bool) {
        for node in tree.nodes.iter().filter(|n| wanted(n.field)) {
            let bytes = self.hold(tree.bytes(&node.span));
            let (field, value) = (node.field, node.value.clone());
            self.kept.push(Kept { field, value, tie: node.tie, depth: node.depth, layer: 0, bytes });
        }
        if notes {
            self.notes.extend_from_slice(&tree.notes);
        }
    }

    /// Adds a field that no sink kept.
    pub(super) fn add(&mut self, field: F, value: Value, tie: Tie, bytes: &[u8]) {
        let bytes = self.hold(bytes);
        self.kept.push(Kept { field, value, tie, depth: 1, layer: 0, bytes });
    }

    /// Adds a field that no sink kept, with bytes that are handed over.
    pub(super) fn add_whole(&mut self, field: F, mut bytes: Vec<u8>) {
        let at = if self.held.is_empty() {
            std::mem::swap(&mut self.held, &mut bytes);
            0..self.held.len() as u32
        } else {
            self.hold(&bytes)
        };
        self.kept.push(Kept { field, value: Value::Span, tie: Tie::Own, depth: 1, layer: 0, bytes: at });
    }

    /// The memory that held its bytes, empty.
    pub(super) fn into_memory(mut self) -> Vec<u8> {
        self.held.clear();
        self.held
    }

    /// Adds a field of a layer that is the only one of its protocol.
    pub(super) fn add_of_layer(&mut self, field: F, value: Value, bytes: &[u8]) {
        let bytes = self.hold(bytes);
        self.kept.push(Kept { field, value, tie: Tie::Own, depth: 1, layer: 1, bytes });
    }

    /// Adds what another part has.
    pub(super) fn append(&mut self, other: &Part) {
        for k in &other.kept {
            let bytes = self.hold(other.bytes(k));
            self.kept.push(Kept { bytes, ..k.clone() });
        }
        self.notes.extend_from_slice(&other.notes);
        for (name, bytes, own) in &other.met {
            self.meet(name, other.slice(bytes), *own);
        }
    }

    /// A protocol was met, with its bytes.
    pub(super) fn meet(&mut self, name: &'static str, bytes: &[u8], own: usize) {
        let bytes = self.hold(bytes);
        self.met.push((name, bytes, own));
    }

    /// Whether a protocol was met.
    pub(super) fn has_met(&self, name: &str) -> bool {
        self.met.iter().any(|m| m.0 == name)
    }

    fn hold(&mut self, bytes: &[u8]) -> Range<u32> {
        let from = self.held.len() as u32;
        self.held.extend_from_slice(bytes);
        from..self.held.len() as u32
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.held.get(range.start as usize..range.end as usize).unwrap_or(&[])
    }

    /// The bytes of a field.
    #[must_use]
    pub fn bytes(&self, kept: &Kept) -> &[u8] {
        self.slice(&kept.bytes)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.held.len() + self.kept.len() * size_of::<Kept>() + self.met.len() * 40 + self.notes.len() * 40
    }
}

/// A packet with what was wanted of it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The packet, from 0.
    pub packet: u32,
    /// What its layers left.
    pub layers: Part,
    /// What each message completed in it left, in the order of their rows.
    pub messages: Vec<Part>,
    /// The names of its protocols joined by colons, where they are wanted.
    pub protocols: Option<String>,
    /// Its line in a list, where that is wanted.
    pub line: Option<PacketLine>,
}

impl Row {
    pub(super) fn clear(&mut self, packet: u32) {
        self.packet = packet;
        self.layers.clear();
        self.messages.clear();
        self.protocols = None;
        self.line = None;
    }

    /// Layers and messages.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.layers).chain(&self.messages)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Row>() + self.parts().map(Part::weight).sum::<usize>()
    }
}

/// A row as filters see it: all of a packet, or one of its messages with the packet's layers.
pub struct View<'v> {
    row: &'v Row,
    /// Index of the message; `None` for all.
    only: Option<usize>,
    facts: &'v FactSource,
}

impl<'v> View<'v> {
    /// All of a packet.
    #[must_use]
    pub const fn packet(row: &'v Row, facts: &'v FactSource) -> View<'v> {
        View { row, only: None, facts }
    }

    /// One message, by its index in [`Row::messages`], with the layers of the packet that completed it.
    #[must_use]
    pub const fn message(row: &'v Row, index: usize, facts: &'v FactSource) -> View<'v> {
        View { row, only: Some(index), facts }
    }

    fn parts(&self) -> impl Iterator<Item = &'v Part> {
        let only = self.only;
        let messages = self.row.messages.iter().enumerate().filter(move |(i, _)| only.is_none_or(|o| o == *i)).map(|(_, p)| p);
        std::iter::once(&self.row.layers).chain(messages)
    }

    fn notes(&self, each: &mut dyn FnMut(Valued<'_>) -> bool, what: impl Fn(&Noted) -> Value) {
        for note in self.parts().flat_map(|p| &p.notes) {
            if !each(Valued { value: &what(note), bytes: &[], layer: 0 }) {
                return;
            }
        }
    }
}

impl Values for View<'_> {
    fn field(&self, field: F, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        for part in self.parts() {
            // A field that points elsewhere repeats what stands there.
            for k in part.kept.iter().filter(|k| k.field.is(field) && k.tie != Tie::Refer) {
                if !each(Valued { value: &k.value, bytes: part.bytes(k), layer: k.layer }) {
                    return;
                }
            }
        }
    }

    fn chosen(&self, chosen: &Chosen, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        let all = self.parts().flat_map(|p| p.kept.iter().filter(|k| k.tie != Tie::Refer).map(|k| (k.field, p.bytes(k))));
        chosen.pick(all, each);
    }

    fn unread(&self, fields: &[F], each: &mut dyn FnMut(Valued<'_>) -> bool) {
        let Some((data, payload)) = fields.split_first() else { return };
        let mut met = false;
        self.field(data, &mut |v| {
            met = true;
            each(v)
        });
        if met || self.facts.is_spoken(self.row.packet) {
            return;
        }
        let part = &self.row.layers;
        let last = part.kept.iter().rev().find(|k| k.tie == Tie::Own && payload.iter().any(|f| k.field.is(f)));
        if let Some(k) = last {
            each(Valued { value: &k.value, bytes: part.bytes(k), layer: 0 });
        }
    }

    fn fact(&self, fact: Fact, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        match fact {
            Fact::Protocols => {
                if let Some(text) = &self.row.protocols {
                    each(Valued { value: &Value::from(text.as_str()), bytes: &[], layer: 0 });
                }
            }
            Fact::Line(cell) => {
                if let Some(line) = &self.row.line {
                    each(Valued { value: &cell.of(line), bytes: &[], layer: 0 });
                }
            }
            _ if fact.is_of_notes() => self.notes(each, |n| fact.of_note(n.what)),
            _ => match self.only.and_then(|i| self.row.messages.get(i)).and_then(|p| p.message) {
                Some(message) => self.facts.of_message(message, fact, each),
                None => self.facts.of_packet(self.row.packet, fact, each),
            },
        }
    }

    fn protocol(&self, name: &str, each: &mut dyn FnMut(Met<'_>) -> bool) {
        let mut layer = 0u16;
        for part in self.parts() {
            for (_, bytes, len) in part.met.iter().filter(|(n, _, _)| *n == name) {
                layer = layer.saturating_add(1);
                if !each(Met { bytes: part.slice(bytes), len: *len, layer }) {
                    return;
                }
            }
        }
    }
}
