//! What a reading for trees leaves: the nodes of messages, the bytes that were made on the way, and for messages of conversations inside
//! the bytes that they span, from their own stream outwards.

use std::collections::HashMap;
use wirelore_engine::conversation::{FIRST_CONTENT, InnerBytes, Listen, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{BufKind, ConvId, Dir, Hint, How, Node, Noted, Piece, Span, Spec};

use super::MOST_BUFFER;

/// What names a message, besides its row.
pub(super) type Name = (ConvId, Dir, u64);

/// Bytes of messages that nobody asked for yet are only kept along with the others when they are fewer.
const MOST_ASIDE: u64 = 1 << 20;
/// Bytes of inner streams that are held while they are read.
const MOST_HELD: usize = 96 << 20;

/// What was gathered of one message.
#[derive(Default)]
pub(super) struct Part {
    pub nodes: Vec<Node>,
    pub notes: Vec<Noted>,
    /// Streams inside of it.
    pub inner: Vec<InnerPart>,
    /// What readers of its content say, in order.
    pub contents: Vec<(Name, Vec<Node>, Vec<Noted>)>,
    pub len: u64,
    pub state: MessageState,
    /// Of a message in a conversation inside: its bytes, then those that they were made from, and so on outwards.
    pub sources: Vec<Source>,
    /// The bytes of the flow's own stream that it came from.
    pub outermost: Option<Span>,
}

impl Part {
    fn weight(&self) -> usize {
        let bytes = self.inner.iter().map(|i| i.bytes.len()).chain(self.sources.iter().map(|s| s.bytes.len()));
        bytes.sum::<usize>().saturating_add(self.nodes.len().saturating_mul(size_of::<Node>()))
    }
}

/// Bytes of a stream inside a message.
pub(super) struct InnerPart {
    pub key: (u64, Dir),
    /// The conversation that reads them.
    pub of: Option<ConvId>,
    pub label: String,
    /// Offset of the first byte in the stream of that conversation.
    pub base: u64,
    pub bytes: Vec<u8>,
    pub map: Vec<Piece>,
}

/// A range of the stream of a conversation inside.
pub(super) struct Source {
    pub conv: ConvId,
    pub dir: Dir,
    pub label: String,
    pub base: u64,
    pub bytes: Vec<u8>,
    pub map: Vec<Piece>,
}

/// The last bytes of a stream of a conversation inside.
struct Window {
    label: String,
    base: u64,
    bytes: Vec<u8>,
    map: Vec<Piece>,
}

impl Window {
    fn end(&self) -> u64 {
        self.base.saturating_add(self.bytes.len() as u64)
    }

    fn add(&mut self, at: u64, b: &InnerBytes<'_>) {
        if at < self.end() || at.saturating_sub(self.end()) > MOST_BUFFER as u64 {
            self.bytes.clear();
            self.map.clear();
            self.base = at;
        }
        // Holes are zeros, so that offsets stay true; the notes tell of them.
        self.bytes.resize(at.saturating_sub(self.base) as usize, 0);
        self.bytes.extend_from_slice(b.bytes);
        add_piece(&mut self.map, at, b.bytes.len(), b.from, b.how);
        if self.bytes.len() > 2 * MOST_BUFFER {
            let over = self.bytes.len() - MOST_BUFFER;
            self.bytes.drain(..over);
            self.base = self.base.saturating_add(over as u64);
            let base = self.base;
            self.map.retain(|p| p.at.saturating_add(u64::from(p.len)) > base);
        }
    }

    /// The bytes `from..to` as far as they are held, and where they came from.
    fn cut(&self, conv: ConvId, dir: Dir, from: u64, to: u64) -> Source {
        let (from, to) = (from.clamp(self.base, self.end()), to.clamp(self.base, self.end()));
        let (a, b) = (from.saturating_sub(self.base) as usize, to.saturating_sub(self.base) as usize);
        let map = self.map.iter().filter_map(|p| clip(p, from, to)).collect();
        let bytes = self.bytes.get(a..b).unwrap_or(&[]).to_vec();
        Source { conv, dir, label: self.label.clone(), base: from, bytes, map }
    }
}

/// The part of a piece that makes bytes of `from..to`.
pub(super) fn clip(p: &Piece, from: u64, to: u64) -> Option<Piece> {
    let (lo, hi) = (p.at.max(from), p.at.saturating_add(u64::from(p.len)).min(to));
    if lo >= hi {
        return None;
    }
    let len = hi.saturating_sub(lo) as u32;
    let source = if p.how.keeps_offsets() {
        Span::new(p.from.buf, p.from.at.saturating_add(lo.saturating_sub(p.at)), len)
    } else {
        p.from
    };
    Some(Piece { at: lo, len, from: source, how: p.how })
}

/// A line more of a source map, joined to the one before where both say the same.
fn add_piece(map: &mut Vec<Piece>, at: u64, len: usize, from: Span, how: How) {
    if len == 0 {
        return;
    }
    if let Some(last) = map.last_mut()
        && how.keeps_offsets()
        && last.how == how
        && last.from.buf == from.buf
        && last.from.end() == from.at
        && last.at.saturating_add(u64::from(last.len)) == at
    {
        last.len = last.len.saturating_add(len as u32);
        last.from.len = last.from.len.saturating_add(from.len);
        return;
    }
    map.push(Piece { at, len: len as u32, from, how });
}

/// Listens for trees.
pub(super) struct Gatherer {
    want: Name,
    /// Whether trees are made now.
    pub trees: bool,
    /// The wanted message is whole.
    pub found: bool,
    pub done: Vec<(Name, Part)>,
    pub open: HashMap<Name, Part>,
    windows: HashMap<(ConvId, Dir), Window>,
    /// Bytes in `windows`.
    held: usize,
    /// The messages whose content conversations read.
    contents: HashMap<ConvId, Name>,
}

impl Gatherer {
    pub fn new(want: Name) -> Gatherer {
        Gatherer {
            want,
            trees: false,
            found: false,
            done: Vec::new(),
            open: HashMap::new(),
            windows: HashMap::new(),
            held: 0,
            contents: HashMap::new(),
        }
    }

    /// Bytes of memory in what is done.
    pub fn weight(&self) -> usize {
        self.done.iter().map(|(_, p)| p.weight()).sum()
    }

    /// Lets go of what was read before the wanted message is found.
    pub fn forget_others(&mut self) {
        let want = self.want;
        self.done.retain(|(name, _)| *name == want);
    }

    /// Gives up waiting: what is open now is all that there is.
    pub fn close(mut self) -> Vec<(Name, Part)> {
        let open = std::mem::take(&mut self.open);
        if let Some((name, mut part)) = open.into_iter().find(|(name, _)| *name == self.want) {
            self.sources(name, &mut part);
            self.done.push((name, part));
        }
        self.done
    }

    fn part(&mut self, name: &Name) -> Option<&mut Part> {
        if self.open.contains_key(name) {
            return self.open.get_mut(name);
        }
        // Bytes of a message that is whole at once are told behind it.
        self.done.iter_mut().rev().find(|(n, _)| n == name).map(|(_, p)| p)
    }

    fn take(&mut self, m: &Message<'_>) {
        let name = (m.conv, m.dir, m.at);
        let part = self.open.entry(name).or_default();
        part.len = m.len;
        part.state = m.state;
        if m.state != MessageState::Open || name == self.want {
            part.nodes.clone_from(&m.sink.nodes);
            part.notes.clone_from(&m.sink.notes);
        }
        if m.state != MessageState::Open {
            let wanted = name == self.want;
            self.found |= wanted;
            if let Some(mut part) = self.open.remove(&name).filter(|p| wanted || p.len <= MOST_ASIDE) {
                self.sources(name, &mut part);
                self.done.push((name, part));
            }
        }
    }

    /// Cuts out the bytes that a message of a conversation inside spans, and those that these were made from.
    fn sources(&self, (conv, dir, at): Name, part: &mut Part) {
        let (mut conv, mut dir) = (conv, dir);
        let (mut from, mut to) = (at, at.saturating_add(part.len.min(MOST_BUFFER as u64)));
        let most = if (conv, dir, at) == self.want { MOST_BUFFER as u64 } else { MOST_ASIDE };
        while conv.inner > 0 {
            let Some(window) = self.windows.get(&(conv, dir)) else { return };
            let source = window.cut(conv, dir, from, to.min(from.saturating_add(most)));
            let mut next: Option<(ConvId, Dir, u64, u64)> = None;
            for p in &source.map {
                let BufKind::Stream(c, d) = p.from.buf.kind() else { continue };
                let (lo, hi) = (p.from.at, p.from.end());
                next = match next {
                    Some((nc, nd, nlo, nhi)) if (nc, nd) == (c, d) => Some((nc, nd, nlo.min(lo), nhi.max(hi))),
                    Some(other) => Some(other),
                    None => Some((c, d, lo, hi)),
                };
            }
            part.sources.push(source);
            // Only outwards: a source map that leads in a circle ends here.
            let Some((c, d, lo, hi)) = next.filter(|n| n.0.inner < conv.inner) else { return };
            (conv, dir, from, to) = (c, d, lo, hi);
        }
        if !part.sources.is_empty() {
            let len = to.saturating_sub(from).min(most) as u32;
            part.outermost = Some(Span::new(wirelore_kit::BufId::stream(conv, dir), from, len));
        }
    }

    /// Holds the bytes of a stream of a conversation inside for the messages that are to come.
    fn hold(&mut self, conv: ConvId, at: u64, b: &InnerBytes<'_>) {
        if !self.trees {
            return;
        }
        let new = Window { label: label(b.spec, b.hint, b.how, b.key), base: at, bytes: Vec::new(), map: Vec::new() };
        let window = self.windows.entry((conv, b.key.1)).or_insert(new);
        let before = window.bytes.len();
        window.add(at, b);
        self.held = self.held.saturating_add(window.bytes.len()).saturating_sub(before);
        if self.held > MOST_HELD {
            // Streams whose messages came long ago: the newest conversations are read now.
            let oldest = self.windows.iter().filter(|(k, w)| k.0 != conv && !w.bytes.is_empty()).map(|(k, _)| *k).min();
            if let Some(w) = oldest.and_then(|k| self.windows.remove(&k)) {
                self.held = self.held.saturating_sub(w.bytes.len());
            }
        }
    }
}

impl Listen for Gatherer {
    fn opened(&mut self, m: &Message<'_>) {
        if self.trees {
            self.take(m);
        }
    }

    fn changed(&mut self, m: &Message<'_>) {
        if self.open.contains_key(&(m.conv, m.dir, m.at)) {
            self.take(m);
        }
    }

    fn content(&mut self, of: Name, m: &Message<'_>) {
        let name = (m.conv, m.dir, m.at);
        let Some(part) = self.part(&of) else { return };
        let at = match part.contents.iter().position(|c| c.0 == name) {
            Some(at) => at,
            None => {
                part.contents.push((name, Vec::new(), Vec::new()));
                part.contents.len() - 1
            }
        };
        if let Some((_, nodes, notes)) = part.contents.get_mut(at) {
            match (m.state, m.sink.nodes.get(nodes.len()..), m.sink.notes.get(notes.len()..)) {
                // It is told at each of its fields, and may have a million of them: what was taken is not taken again.
                (MessageState::Open, Some(more), Some(noted)) => {
                    nodes.extend_from_slice(more);
                    notes.extend_from_slice(noted);
                }
                _ => {
                    nodes.clone_from(&m.sink.nodes);
                    notes.clone_from(&m.sink.notes);
                }
            }
        }
    }

    fn inner(&mut self, b: &InnerBytes<'_>) {
        let mut name = (b.conv, b.message.0, b.message.1);
        if let Some(root) = self.contents.get(&b.conv) {
            name = *root;
        }
        match b.read_by {
            Some((conv, _)) if conv.inner >= FIRST_CONTENT => {
                self.contents.insert(conv, name);
            }
            Some((conv, at)) => self.hold(conv, at, b),
            None => {}
        }
        let Some(part) = self.part(&name) else { return };
        let of = b.read_by.map(|r| r.0);
        let at = match part.inner.iter().position(|i| i.key == b.key && i.of == of) {
            Some(i) => i,
            None => {
                let (label, base) = (label(b.spec, b.hint, b.how, b.key), b.read_by.map_or(0, |r| r.1));
                part.inner.push(InnerPart { key: b.key, of, label, base, bytes: Vec::new(), map: Vec::new() });
                part.inner.len() - 1
            }
        };
        let Some(inner) = part.inner.get_mut(at) else { return };
        let room = MOST_BUFFER.saturating_sub(inner.bytes.len());
        let new = b.bytes.get(..room.min(b.bytes.len())).unwrap_or(&[]);
        let at = inner.base.saturating_add(inner.bytes.len() as u64);
        inner.bytes.extend_from_slice(new);
        add_piece(&mut inner.map, at, new.len(), b.from, b.how);
    }
}

/// What a tab says of a stream inside: "TLS plaintext, to client".
fn label(spec: &Spec, hint: &Hint, how: How, (key, dir): (u64, Dir)) -> String {
    let way = if dir == Dir::ToServer { "to server" } else { "to client" };
    match (hint, how) {
        (Hint::Bytes(label), _) => format!("{label}, {}", how.words()),
        (Hint::Media(media), _) => format!("Body, {} ({})", how.words(), media.name),
        (_, How::Decrypted) => format!("{} plaintext, {way}", spec.label),
        (_, How::Verbatim | How::Joined | How::Unpacked) => format!("{} stream {key}, {way}", spec.label),
        _ => format!("{}, {}, {way}", spec.label, how.words()),
    }
}
