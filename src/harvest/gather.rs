//! What a conversation that is read again tells, as far as it is wanted: a part for each message that counts.

use super::plan::Plan;
use super::row::Part;
use super::stream::StreamBytes;
use crate::recall::MOST_BUFFER;
use std::collections::HashMap;
use wirelore_engine::conversation::{FIRST_CONTENT, InnerBytes, Listen, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{ConvId, Dir, F, Hint, Kind, Spec};

/// What names a message, besides its row.
type Name = (ConvId, Dir, u64);

/// So many pieces of memory for bodies are kept for later ones,
const MOST_SPARE: usize = 16;
/// each of at most so many bytes.
const MOST_KEPT: usize = 4 << 20;

/// A message on its way.
#[derive(Default)]
struct Pending {
    /// Messages are numbered as they open.
    order: u64,
    spec: Option<&'static Spec>,
    part: Part,
    /// Its body so far, as it was meant.
    body: Vec<u8>,
    contents: Vec<(Name, &'static str, Part)>,
}

/// A message that is whole.
pub(super) struct Finished {
    /// The packet that completed it.
    pub done: u32,
    /// Its place among those that opened.
    pub order: u64,
    /// Its conversation, direction, offset and length.
    pub place: (ConvId, Dir, u64, u64),
    pub part: Part,
}

/// Listens for messages that count.
pub(super) struct Gather {
    table: &'static [&'static Spec],
    counted: Vec<bool>,
    met: Vec<&'static str>,
    body: Option<F>,
    /// Memory for bodies.
    spare: Vec<Vec<u8>>,
    notes: bool,
    opened: u64,
    pending: HashMap<Name, Pending>,
    /// Messages that ended in this step, the packets that completed them, and their lengths.
    ended: Vec<(Name, u32, u64)>,
    /// The streams of conversations inside, where bytes of messages are wanted.
    streams: Option<HashMap<(ConvId, Dir), StreamBytes>>,
}

impl Gather {
    pub fn new(table: &'static [&'static Spec], plan: &Plan) -> Gather {
        let (counted, met) = (plan.counted.clone(), plan.met.clone());
        Gather {
            table,
            counted,
            met,
            body: plan.body,
            spare: Vec::new(),
            notes: plan.notes,
            opened: 0,
            pending: HashMap::new(),
            ended: Vec::new(),
            streams: plan.streams.then(HashMap::new),
        }
    }

    fn counts(&self, spec: &'static Spec) -> bool {
        let at = self.table.iter().position(|s| std::ptr::eq(*s, spec));
        at.and_then(|i| self.counted.get(i)) == Some(&true)
    }

    /// Hands on the messages that ended since the last call, with what was told behind their ends.
    pub fn finish(&mut self, mut take: impl FnMut(Finished)) {
        for (name, done, len) in self.ended.drain(..) {
            let Some(mut pending) = self.pending.remove(&name) else { continue };
            let mut part = std::mem::take(&mut pending.part);
            part.protocol = pending.spec.map_or("", |s| s.name);
            if let Some(body) = self.body.filter(|_| !pending.body.is_empty()) {
                part.add_whole(body, std::mem::take(&mut pending.body));
            }
            let (conv, dir, at) = name;
            if let Some(stream) = self.streams.as_mut().and_then(|s| s.get_mut(&(conv, dir))) {
                let met = self.met.contains(&part.protocol) && !part.has_met(part.protocol);
                let protocol = part.protocol;
                stream.take(at, len, |bytes| {
                    if met {
                        part.meet(protocol, bytes, bytes.len())
                    }
                });
            }
            for (_, protocol, content) in &pending.contents {
                if self.met.contains(protocol) {
                    part.meet(protocol, &[], 0);
                }
                part.append(content);
            }
            take(Finished { done, order: pending.order, place: (conv, dir, at, len), part });
        }
    }

    /// Takes back a part that nobody needs any more: the memory of its body is used again.
    pub fn spare(&mut self, part: Part) {
        let memory = part.into_memory();
        if self.spare.len() < MOST_SPARE && (1..=MOST_KEPT).contains(&memory.capacity()) {
            self.spare.push(memory);
        }
    }

    /// Forgets what a flow that is no longer read left open.
    pub fn forget(&mut self, flow: u32) {
        self.pending.retain(|name, _| name.0.flow != flow);
        if let Some(streams) = &mut self.streams {
            streams.retain(|(conv, _), _| conv.flow != flow);
        }
    }

    fn end(&mut self, name: Name, m: &Message<'_>) {
        let notes = self.notes;
        if let Some(pending) = self.pending.get_mut(&name) {
            pending.part.clear();
            pending.part.take(m.sink, notes);
            if !self.met.is_empty() {
                for (i, n) in m.sink.nodes.iter().enumerate().filter(|(_, n)| n.field.kind == Kind::Group) {
                    // Where the heading of a message ends before it does, it is met with all bytes of its stream.
                    let part = n.field.name == m.spec.name && n.span.at == m.at && u64::from(n.span.len) < m.len;
                    if self.met.contains(&n.field.name) && !part {
                        pending.part.meet(n.field.name, m.sink.bytes_of(i), n.span.len as usize);
                    }
                }
            }
            self.ended.push((name, m.done.number, m.len));
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

    fn inner(&mut self, b: &InnerBytes<'_>) {
        if let (Some(streams), Some((conv, at))) = (&mut self.streams, b.read_by)
            && conv.inner < FIRST_CONTENT
        {
            streams.entry((conv, b.key.1)).or_default().push(at, b.bytes);
        }
        if self.body.is_none() || !is_body(b.hint) {
            return;
        }
        if let Some(pending) = self.pending.get_mut(&(b.conv, b.message.0, b.message.1)) {
            if pending.body.capacity() == 0
                && let Some(memory) = self.spare.pop()
            {
                pending.body = memory;
            }
            let room = MOST_BUFFER.saturating_sub(pending.body.len());
            pending.body.extend_from_slice(b.bytes.get(..room.min(b.bytes.len())).unwrap_or(&[]));
        }
    }
}

/// Whether bytes inside a message are its body as it was meant, not as it was transferred.
fn is_body(hint: &Hint) -> bool {
    matches!(hint, Hint::Media(_) | Hint::Bytes("body"))
}
