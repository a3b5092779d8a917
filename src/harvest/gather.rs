//! What a conversation that is read again tells, as far as it is wanted: a part for each message that counts.

use super::plan::Plan;
use super::row::Part;
use std::collections::HashMap;
use wirelore_engine::conversation::{Listen, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{ConvId, Dir, Spec};

/// What names a message, besides its row.
type Name = (ConvId, Dir, u64);

/// A message on its way.
#[derive(Default)]
struct Pending {
    /// Messages are numbered as they open.
    order: u64,
    spec: Option<&'static Spec>,
    part: Part,
    contents: Vec<(Name, &'static str, Part)>,
}

/// A message that is whole.
pub(super) struct Finished {
    /// The packet that completed it.
    pub done: u32,
    /// Its place among those that opened.
    pub order: u64,
    pub part: Part,
}

/// Listens for messages that count.
pub(super) struct Gather {
    table: &'static [&'static Spec],
    counted: Vec<bool>,
    met: Vec<&'static str>,
    notes: bool,
    opened: u64,
    pending: HashMap<Name, Pending>,
    /// Messages that ended in this step, and the packets that completed them.
    ended: Vec<(Name, u32)>,
}

impl Gather {
    pub fn new(table: &'static [&'static Spec], plan: &Plan) -> Gather {
        let (counted, met) = (plan.counted.clone(), plan.met.clone());
        Gather { table, counted, met, notes: plan.notes, opened: 0, pending: HashMap::new(), ended: Vec::new() }
    }

    fn counts(&self, spec: &'static Spec) -> bool {
        let at = self.table.iter().position(|s| std::ptr::eq(*s, spec));
        at.and_then(|i| self.counted.get(i)) == Some(&true)
    }

    /// Hands on the messages that ended since the last call, with what was told behind their ends.
    pub fn finish(&mut self, mut take: impl FnMut(Finished)) {
        for (name, done) in self.ended.drain(..) {
            let Some(mut pending) = self.pending.remove(&name) else { continue };
            let mut part = std::mem::take(&mut pending.part);
            part.protocol = pending.spec.map_or("", |s| s.name);
            if self.met.contains(&part.protocol) {
                part.meet(part.protocol, &[], 0);
            }
            for (_, protocol, content) in &pending.contents {
                if self.met.contains(protocol) {
                    part.meet(protocol, &[], 0);
                }
                part.append(content);
            }
            take(Finished { done, order: pending.order, part });
        }
    }

    /// Forgets what a flow that is no longer read left open.
    pub fn forget(&mut self, flow: u32) {
        self.pending.retain(|name, _| name.0.flow != flow);
    }

    fn end(&mut self, name: Name, m: &Message<'_>) {
        let notes = self.notes;
        if let Some(pending) = self.pending.get_mut(&name) {
            pending.part.clear();
            pending.part.take(m.sink, notes);
            self.ended.push((name, m.done.number));
        }
    }
}

impl Listen for Gather {
    fn opened(&mut self, m: &Message<'_>) {
        self.opened = self.opened.saturating_add(1);
        if !self.counts(m.spec) {
            return;
        }
        let name = (m.conv, m.dir, m.at);
        self.pending.insert(name, Pending { order: self.opened, spec: Some(m.spec), ..Pending::default() });
        if m.state != MessageState::Open {
            self.end(name, m);
        }
    }

    fn changed(&mut self, m: &Message<'_>) {
        if m.state != MessageState::Open {
            self.end((m.conv, m.dir, m.at), m);
        }
    }

    fn content(&mut self, of: Name, m: &Message<'_>) {
        let notes = self.notes;
        let Some(pending) = self.pending.get_mut(&of) else { return };
        let name = (m.conv, m.dir, m.at);
        let at = pending.contents.iter().position(|c| c.0 == name).unwrap_or_else(|| {
            pending.contents.push((name, m.spec.name, Part::default()));
            pending.contents.len() - 1
        });
        if let Some((_, _, part)) = pending.contents.get_mut(at) {
            part.clear();
            part.take(m.sink, notes);
        }
    }
}
