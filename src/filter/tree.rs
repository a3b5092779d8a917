//! A packet or message whose whole tree is at hand, as a row that filters judge.

use crate::facts::Fact;
use crate::source::FactSource;
use crate::values::{Chosen, Met, Valued, Values};
use wirelore_kit::span::BufKind;
use wirelore_kit::{F, Kind, MessageState, Node, PacketLine, Tie, Tree, Value};
use wirelore_store::MessageRow;

/// A packet with its tree: its own layers and the messages that were completed in it.
#[derive(Debug)]
pub struct TreeRow<'t> {
    tree: &'t Tree,
    facts: &'t FactSource,
    packet: u32,
    line: Option<&'t PacketLine>,
    /// By node: which layer of its protocol it is in.
    layers: Vec<u16>,
}

/// A heading that stands for a protocol.
fn is_protocol(n: &Node) -> bool {
    n.field.kind == Kind::Group && !n.field.name.contains('.')
}

impl<'t> TreeRow<'t> {
    /// Packet `packet` (from 0) with its tree.
    #[must_use]
    pub fn new(tree: &'t Tree, facts: &'t FactSource, packet: u32) -> TreeRow<'t> {
        let mut layers = vec![0u16; tree.nodes.len()];
        let mut met: Vec<(&str, u16)> = Vec::new();
        for (i, n) in tree.nodes.iter().enumerate().filter(|(_, n)| is_protocol(n)) {
            let name = n.field.name;
            let count = match met.iter_mut().find(|(m, _)| *m == name) {
                Some((_, count)) => {
                    *count = count.saturating_add(1);
                    *count
                }
                None => {
                    met.push((name, 1));
                    1
                }
            };
            // What stands inside of another protocol's heading overwrites this in its turn.
            if let Some(inside) = layers.get_mut(i..n.end as usize) {
                inside.fill(count);
            }
        }
        TreeRow { tree, facts, packet, line: None, layers }
    }

    /// Its line in a list is at hand too.
    #[must_use]
    pub const fn with_line(mut self, line: &'t PacketLine) -> TreeRow<'t> {
        self.line = Some(line);
        self
    }

    fn say(&self, value: Value, each: &mut dyn FnMut(Valued<'_>) -> bool) -> bool {
        each(Valued { value: &value, bytes: &[], layer: 0 })
    }

    /// All bytes of the message that begins with a heading.
    fn message_of(&self, heading: &Node) -> Option<&[u8]> {
        let BufKind::Stream(conv, dir) = heading.span.buf.kind() else { return None };
        let s = self.facts.snapshot();
        let mut rows = s.messages_done_in(self.packet).into_iter().filter_map(|m| s.message(m));
        let row = rows.find(|m| m.conv == conv && m.dir == dir && m.at == heading.span.at)?;
        self.bytes_of(&row, heading)
    }

    /// The bytes of a message, of which `node` is a part.
    fn bytes_of(&self, row: &MessageRow, node: &Node) -> Option<&[u8]> {
        let buffer = self.tree.buffer(node.span.buf)?;
        let from = row.at.checked_sub(buffer.base)?;
        buffer.bytes.get(from as usize..from.saturating_add(row.len).min(buffer.bytes.len() as u64) as usize)
    }

    /// The names of its layers and of the protocols of its messages.
    fn protocols(&self) -> String {
        let mut out = match self.tree.find("frame.protocols").map(|n| &n.value) {
            Some(Value::Str(names)) => names.to_string(),
            _ => String::new(),
        };
        let s = self.facts.snapshot();
        for m in s.messages_done_in(self.packet) {
            let name = s.message(m).map_or("", |m| s.schema().protocol_name(m.protocol));
            if out.rsplit(':').next() != Some(name) {
                out.push(':');
                out.push_str(name);
            }
        }
        out
    }
}

impl Values for TreeRow<'_> {
    fn field(&self, field: F, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        for (n, layer) in self.tree.nodes.iter().zip(&self.layers) {
            // A node that points elsewhere repeats what stands there.
            if n.field.is(field)
                && n.tie != Tie::Refer
                && !each(Valued { value: &n.value, bytes: self.tree.bytes(&n.span), layer: *layer })
            {
                return;
            }
        }
    }

    fn chosen(&self, chosen: &Chosen, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        let nodes = self.tree.nodes.iter().filter(|n| n.tie != Tie::Refer);
        chosen.pick(nodes.map(|n| (n.field, self.tree.bytes(&n.span))), each);
    }

    fn unread(&self, fields: &[F], each: &mut dyn FnMut(Valued<'_>) -> bool) {
        let Some((data, payload)) = fields.split_first() else { return };
        let mut met = false;
        self.field(data, &mut |v| {
            met = true;
            each(v)
        });
        if met || self.facts.is_spoken(self.packet) {
            return;
        }
        let last = self.tree.nodes.iter().rev().find(|n| n.tie == Tie::Own && payload.iter().any(|f| n.field.is(f)));
        if let Some(n) = last {
            each(Valued { value: &n.value, bytes: self.tree.bytes(&n.span), layer: 0 });
        }
    }

    fn fact(&self, fact: Fact, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        match fact {
            Fact::Protocols => {
                self.say(Value::from(self.protocols()), each);
            }
            Fact::Line(cell) => {
                if let Some(line) = self.line {
                    self.say(cell.of(line), each);
                }
            }
            _ if fact.is_of_notes() => {
                for n in &self.tree.notes {
                    if !self.say(fact.of_note(n.what), each) {
                        return;
                    }
                }
            }
            _ => self.facts.of_packet(self.packet, fact, each),
        }
    }

    fn protocol(&self, name: &str, each: &mut dyn FnMut(Met<'_>) -> bool) {
        let mut met = false;
        for (n, layer) in self.tree.nodes.iter().zip(&self.layers) {
            if n.field.kind != Kind::Group || n.field.name != name {
                continue;
            }
            met = true;
            let own = self.tree.bytes(&n.span);
            // A layer carries what stands behind it in the packet; a message ends where it ends.
            let bytes = match (n.span.buf.kind(), self.tree.buffer(n.span.buf)) {
                (BufKind::Arrival(_) | BufKind::Part(_), Some(b)) => {
                    b.bytes.get(n.span.at.saturating_sub(b.base) as usize..).unwrap_or(own)
                }
                _ => own,
            };
            let (bytes, own) = match self.message_of(n) {
                Some(message) => (message, message),
                None => (bytes, own),
            };
            if !each(Met { bytes, len: own.len(), layer: *layer }) {
                return;
            }
        }
        // Messages without a heading of their protocol's name: broken ones.
        let s = self.facts.snapshot();
        for m in s.messages_done_in(self.packet).into_iter().filter_map(|m| s.message(m)) {
            let stream = BufKind::Stream(m.conv, m.dir);
            let heads = |n: &Node| n.span.at == m.at && n.span.buf.kind() == stream && n.field.name == name;
            let broken = !met || m.state == MessageState::Bad;
            if !broken || s.schema().protocol_name(m.protocol) != name || self.tree.nodes.iter().any(heads) {
                continue;
            }
            let part = self.tree.nodes.iter().find(|n| n.span.buf.kind() == stream);
            let bytes = part.and_then(|n| self.bytes_of(&m, n)).unwrap_or(&[]);
            if !each(Met { bytes, len: bytes.len(), layer: 1 }) {
                return;
            }
        }
    }
}
