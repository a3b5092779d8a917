//! A packet or message whose whole tree is at hand, as a row that filters judge.

use crate::facts::Fact;
use crate::source::FactSource;
use crate::values::{Met, Valued, Values};
use wirelore_kit::span::BufKind;
use wirelore_kit::{F, Kind, Node, Tie, Tree, Value};

/// A packet with its tree: its own layers and the messages that were completed in it.
#[derive(Debug)]
pub struct TreeRow<'t> {
    tree: &'t Tree,
    facts: &'t FactSource,
    packet: u32,
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
        TreeRow { tree, facts, packet, layers }
    }

    fn say(&self, value: Value, each: &mut dyn FnMut(Valued<'_>) -> bool) -> bool {
        each(Valued { value: &value, bytes: &[], layer: 0 })
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

    fn fact(&self, fact: Fact, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        match fact {
            Fact::Protocols => {
                self.say(Value::from(self.protocols()), each);
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
            if !each(Met { bytes, len: own.len(), layer: *layer }) {
                return;
            }
        }
        if met {
            return;
        }
        // Messages without a heading of their protocol's name.
        let s = self.facts.snapshot();
        let of = |m: &u32| s.message(*m).is_some_and(|m| s.schema().protocol_name(m.protocol) == name);
        if s.messages_done_in(self.packet).iter().any(of) {
            each(Met { bytes: &[], len: 0, layer: 1 });
        }
    }
}
