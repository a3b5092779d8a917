//! Searching: each packet's bytes, the streams across the borders of their segments, what was made of them (plaintexts, decoded bodies),
//! and values that stand in no bytes as people read them.

use super::{Hit, Pattern, Place};
use std::collections::HashMap;
use wirelore_engine::conversation::{FIRST_CONTENT, InnerBytes, Listen, Message};
use wirelore_engine::log::Run;
use wirelore_kit::row::MessageState;
use wirelore_kit::{BufId, ConvId, Dir, F, Hint, How, Kind, Node, Sink, Span, Value, value};

/// Bytes shown around a hit.
const AROUND: usize = 24;
/// Streams whose last bytes are kept for what crosses a border.
const MOST_TAILS: usize = 1 << 16;

/// A stream inside a message: its conversation, its key and direction there.
type Inner = (ConvId, u64, Dir);

/// The last bytes of a stream and the offset behind them.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    end: u64,
}

/// What is found at one packet, and what is remembered from those before.
pub(super) struct Search<'p> {
    pattern: &'p Pattern,
    /// The packet at hand.
    pub packet: u32,
    pub hits: Vec<Hit>,
    streams: HashMap<(u32, usize), Tail>,
    inner: HashMap<Inner, Tail>,
    buffer: Vec<u8>,
    known: Known,
}

impl<'p> Search<'p> {
    pub fn new(pattern: &'p Pattern) -> Search<'p> {
        Search {
            pattern,
            packet: 0,
            hits: Vec::new(),
            streams: HashMap::new(),
            inner: HashMap::new(),
            buffer: Vec::new(),
            known: Known::default(),
        }
    }

    /// A packet as captured.
    pub fn packet_bytes(&mut self, bytes: &[u8]) {
        let (pattern, packet) = (self.pattern, self.packet);
        for (from, to) in pattern.each_in(bytes) {
            let span = Span::new(BufId::arrival(u64::from(packet)), from as u64, to.saturating_sub(from) as u32);
            self.hits.push(Hit {
                packet,
                place: Place::Packet,
                span: Some(span),
                at: from as u64,
                shown: excerpt(bytes, from, to),
            });
        }
    }

    /// Bytes that a packet brings to a stream: what begins before them and ends in them.
    pub fn stream_bytes(&mut self, flow: u32, run: &Run, packet: &[u8]) {
        let from = run.offset as usize;
        let Some(bytes) = packet.get(from..from.saturating_add(run.len as usize)) else { return };
        if self.streams.len() > MOST_TAILS {
            self.streams.clear();
        }
        let (overlap, number) = (self.pattern.overlap(), run.number);
        let tail = self.streams.entry((flow, run.dir)).or_default();
        let mut hits = Vec::new();
        let dir = run.dir;
        crossing(self.pattern, tail, run.at, bytes, &mut self.buffer, |at, buffer, from, to| {
            let place = Place::Stream(flow, dir);
            hits.push(Hit { packet: number, place, span: None, at, shown: excerpt(buffer, from, to) });
        });
        tail.keep(run.at, bytes, overlap);
        self.hits.append(&mut hits);
    }

    /// Values of a tree that stand in no bytes as people read them.
    pub fn values(&mut self, sink: &Sink, packet: u32) {
        if !self.pattern.is_words() {
            return;
        }
        for (i, node) in sink.nodes.iter().enumerate() {
            if self.known.is_none_of(node) {
                continue;
            }
            let Some(text) = words(node, sink.bytes_of(i)) else { continue };
            if !self.pattern.is_in(text.as_bytes()) {
                self.known.note(node);
            } else {
                let shown = excerpt(text.as_bytes(), 0, text.len().min(200));
                self.hits.push(Hit { packet, place: Place::Field(node.field), span: Some(node.span), at: node.span.at, shown });
            }
        }
    }

    /// Whether values are searched at all.
    pub fn wants_values(&self) -> bool {
        self.pattern.is_words()
    }

    /// Forgets the streams of a flow.
    pub fn forget(&mut self, flow: u32) {
        self.streams.remove(&(flow, 0));
        self.streams.remove(&(flow, 1));
        self.inner.retain(|key, _| key.0.flow != flow);
    }
}

impl Tail {
    fn keep(&mut self, at: u64, bytes: &[u8], most: usize) {
        if at != self.end {
            self.bytes.clear();
        }
        self.end = at.saturating_add(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes.get(bytes.len().saturating_sub(most)..).unwrap_or(bytes));
        let over = self.bytes.len().saturating_sub(most);
        self.bytes.drain(..over);
    }
}

/// Hands on matches that begin in the tail and end in `bytes`, which go on from it: offset in the stream, a buffer, the range in that.
fn crossing(
    pattern: &Pattern,
    tail: &Tail,
    at: u64,
    bytes: &[u8],
    buffer: &mut Vec<u8>,
    mut each: impl FnMut(u64, &[u8], usize, usize),
) {
    if tail.bytes.is_empty() || tail.end != at {
        return;
    }
    buffer.clear();
    buffer.extend_from_slice(&tail.bytes);
    let border = buffer.len();
    buffer.extend_from_slice(bytes.get(..bytes.len().min(pattern.overlap())).unwrap_or(&[]));
    for (from, to) in pattern.each_in(buffer).filter(|(from, to)| *from < border && *to > border) {
        each(at.saturating_sub(border.saturating_sub(from) as u64), buffer, from, to);
    }
}

/// Values that were written out and do not match: packets repeat the addresses and named numbers of those before them. Each has one slot,
/// and the next that falls there takes it.
#[derive(Default)]
struct Known {
    slots: Vec<Option<(F, Value)>>,
}

/// Slots of [`Known`].
const MOST_KNOWN: usize = 1024;

impl Known {
    /// The slot of a value that is worth remembering: short, and written the same wherever it stands.
    fn slot(node: &Node) -> Option<usize> {
        let bits = match &node.value {
            Value::U64(n) => *n,
            Value::Ip4(a) => u64::from(u32::from_be_bytes(*a)),
            Value::Mac([_, _, a, b, c, d]) => u64::from(u32::from_be_bytes([*a, *b, *c, *d])),
            Value::Ip6(a) => a.iter().fold(0, |all: u64, b| all.rotate_left(7) ^ u64::from(*b)),
            _ => return None,
        };
        let field = std::ptr::from_ref(node.field).addr() as u64;
        // Fibonacci hashing: the high bits of the product depend on all bits.
        let mixed = (bits.rotate_left(23) ^ field).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> 54).ok()
    }

    /// Whether it is known not to match.
    fn is_none_of(&self, node: &Node) -> bool {
        let slot = Known::slot(node).and_then(|at| self.slots.get(at)?.as_ref());
        slot.is_some_and(|(field, value)| std::ptr::eq(*field, node.field) && *value == node.value)
    }

    fn note(&mut self, node: &Node) {
        self.slots.resize(MOST_KNOWN, None);
        if let Some(slot) = Known::slot(node).and_then(|at| self.slots.get_mut(at)) {
            *slot = Some((node.field, node.value.clone()));
        }
    }
}

/// A value in words, where these do not stand in its bytes: joined names, addresses, numbers that have names.
fn words(node: &Node, bytes: &[u8]) -> Option<String> {
    let named = match &node.value {
        Value::Str(_) => return value_text(node, bytes),
        Value::Ip4(_) | Value::Ip6(_) | Value::Mac(_) => true,
        Value::Blob(_) => node.field.kind == Kind::Text,
        Value::U64(n) => node.field.name_of(*n).is_some(),
        Value::I64(_) => node.field.kind == Kind::Time,
        Value::Span | Value::Bool(_) | Value::Place(_) => false,
    };
    if named { value_text(node, bytes) } else { None }
}

fn value_text(node: &Node, bytes: &[u8]) -> Option<String> {
    if let Value::Str(text) = &node.value
        && text.as_bytes() == bytes
    {
        return None;
    }
    Some(value::display(node.field, &node.value, bytes))
}

/// A match with what stands around it, on one line.
fn excerpt(bytes: &[u8], from: usize, to: usize) -> String {
    let (a, b) = (from.saturating_sub(AROUND), to.saturating_add(AROUND).min(bytes.len()));
    let mut out = String::new();
    if a > 0 {
        out.push('…');
    }
    for chunk in bytes.get(a..b).unwrap_or(&[]).utf8_chunks() {
        out.extend(chunk.valid().chars().map(|c| if c.is_control() { '·' } else { c }));
        out.extend(chunk.invalid().iter().map(|_| '·'));
    }
    if b < bytes.len() {
        out.push('…');
    }
    out
}

impl Listen for Search<'_> {
    fn opened(&mut self, m: &Message<'_>) {
        if m.state != MessageState::Open {
            self.values(m.sink, m.done.number);
        }
    }

    fn changed(&mut self, m: &Message<'_>) {
        self.opened(m);
    }

    fn inner(&mut self, b: &InnerBytes<'_>) {
        if b.how == How::Verbatim {
            return;
        }
        let (pattern, packet) = (self.pattern, self.packet);
        if self.inner.len() > MOST_TAILS {
            self.inner.clear();
        }
        let read_by = b.read_by.filter(|(conv, _)| conv.inner < FIRST_CONTENT);
        let tail = self.inner.entry((b.conv, b.key.0, b.key.1)).or_default();
        let at = tail.end;
        let span = |at: u64, len: usize| read_by.map(|(conv, _)| Span::new(BufId::stream(conv, b.key.1), at, len as u32));
        // Offsets count from where the stream's reader counts; a stream that nobody reads begins with its first bytes.
        let base = read_by.map_or(0, |(_, begin)| begin.saturating_sub(at));
        let label = label(b);
        let hits = &mut self.hits;
        crossing(pattern, tail, at, b.bytes, &mut self.buffer, |at, buffer, from, to| {
            let place = Place::Inside(label.clone());
            let at = base.saturating_add(at);
            hits.push(Hit { packet, place, span: span(at, to - from), at, shown: excerpt(buffer, from, to) });
        });
        // Where the same bytes stand outside, they were found there; what is made anew is found here.
        if !matches!(b.how, How::Joined | How::Dechunked | How::Unstuffed) {
            for (from, to) in pattern.each_in(b.bytes) {
                let place = Place::Inside(label.clone());
                let at = base.saturating_add(at).saturating_add(from as u64);
                hits.push(Hit { packet, place, span: span(at, to - from), at, shown: excerpt(b.bytes, from, to) });
            }
        }
        tail.keep(at, b.bytes, pattern.overlap());
    }
}

/// What bytes inside are called.
fn label(b: &InnerBytes<'_>) -> String {
    match b.hint {
        Hint::Media(media) => format!("Body, {} ({})", b.how.words(), media.name),
        Hint::Bytes(label) => format!("{label}, {}", b.how.words()),
        _ if b.how == How::Decrypted => format!("{} plaintext", b.spec.label),
        _ => format!("{}, {}", b.spec.label, b.how.words()),
    }
}
