//! Finding the secrets of one flow while it is read again: fields that hold them, text that names them, and in a second round whatever says
//! again what was found in the first.

use super::mask::{self, Hit};
use super::spots::{Spot, Spots, With};
use super::streams::{Key, Part, Place, Streams};
use super::sweep::{Sure, Sweep, Values};
use super::words;
use super::{Finding, Outcome};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use wirelore_dissectors::coding::huffman;
use wirelore_dissectors::http2::values::{self, Literal};
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{ConvId, Dir, End, F, Flags, How, Kind, Node, Span, Tie, Value};

/// Bytes of a stream that are held before they are looked through, and how many of them are looked through once more with what follows.
const HELD: usize = 1 << 20;
const AGAIN: usize = 32 << 10;
/// Bytes of all streams of a flow that are held.
const MOST_HELD: usize = 128 << 20;

/// What is found because it was found elsewhere.
pub(super) const AGAIN_KIND: &str = "said again";

/// Fragments of a header block of HTTP/2 that goes on, and where they stand.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl Block {
    fn add(&mut self, span: Span, bytes: &[u8]) {
        if bytes.len() == span.len as usize && self.bytes.len() < HELD {
            self.bytes.extend_from_slice(bytes);
            self.spans.push(span);
        }
    }

    /// The fragments that this header was worked out from, where they are several: they hold the whole block.
    fn within(self, node: &Node) -> Block {
        let (mut block, mut begin) = (Block::default(), 0usize);
        for span in self.spans {
            let end = begin.saturating_add(span.len as usize);
            if node.tie != Tie::Own && node.span.covers(&span) {
                block.add(span, self.bytes.get(begin..end).unwrap_or_default());
            }
            begin = end;
        }
        if block.spans.len() > 1 { block } else { Block::default() }
    }

    /// Where a range of the block stands.
    fn places(&self, streams: &Streams, range: Range<usize>) -> Vec<Part> {
        let (mut parts, mut begin) = (Vec::new(), 0usize);
        for span in &self.spans {
            let end = begin.saturating_add(span.len as usize);
            let (lo, hi) = (begin.max(range.start), end.min(range.end));
            if lo < hi {
                let at = span.at.saturating_add(lo.saturating_sub(begin) as u64);
                let shift = lo.saturating_sub(range.start);
                let here = streams.places(span.buf, at, hi.saturating_sub(lo));
                parts.extend(here.into_iter().map(|(r, p)| (r.start.saturating_add(shift)..r.end.saturating_add(shift), p)));
            }
            begin = end;
        }
        parts
    }
}

/// The places of a part of some bytes.
fn cut(parts: &[Part], range: Range<usize>) -> Vec<Part> {
    let within = |(r, place): &Part| {
        let (lo, hi) = (r.start.max(range.start), r.end.min(range.end));
        let skip = lo.saturating_sub(r.start) as u64;
        let place = match *place {
            Place::Stream(dir, at, masked) => Place::Stream(dir, at.saturating_add(skip), masked),
            Place::Packet(n, at) => Place::Packet(n, at.saturating_add(skip)),
            other => other,
        };
        (lo < hi).then(|| (lo.saturating_sub(range.start)..hi.saturating_sub(range.start), place))
    };
    parts.iter().filter_map(within).collect()
}

/// Whose bytes are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Stream {
    /// The flow's own, as rows count its directions.
    Own(usize),
    /// One inside.
    Inside(Key),
}

/// Bytes that wait to be looked through.
#[derive(Default)]
struct Held {
    at: u64,
    bytes: Vec<u8>,
}

/// A secret before it is known where it stands in packets.
struct Candidate {
    /// Lower ones come first.
    rank: u8,
    parts: Vec<Part>,
    own: Option<(usize, u64)>,
    old: Vec<u8>,
    new: Vec<u8>,
    kind: &'static str,
    packet: u32,
}

/// The spots of a flow, by direction as rows count, and those in packets themselves.
#[derive(Default)]
pub(super) struct Found {
    pub streams: [Spots; 2],
    pub packets: Vec<(u32, u64, Spot)>,
}

/// What listens.
pub(super) struct Gather<'a> {
    /// Fields that the user named.
    pub chosen: &'a [F],
    /// In the second round: what looks for values.
    pub sweep: Option<&'a Sweep>,
    pub values: &'a mut Values,
    streams: Streams,
    held: HashMap<Stream, Held>,
    weight: usize,
    candidates: Vec<Candidate>,
    coded: BTreeSet<Key>,
    blocks: HashMap<(ConvId, Dir), Block>,
    packet: u32,
}

impl<'a> Gather<'a> {
    pub fn new(chosen: &'a [F], sweep: Option<&'a Sweep>, values: &'a mut Values) -> Gather<'a> {
        Gather {
            chosen,
            sweep,
            values,
            streams: Streams::default(),
            held: HashMap::new(),
            weight: 0,
            candidates: Vec::new(),
            coded: BTreeSet::new(),
            blocks: HashMap::new(),
            packet: 0,
        }
    }

    /// Bytes of the flow's own stream.
    pub fn own(&mut self, packet: u32, dir: usize, at: u64, bytes: &[u8]) {
        self.packet = packet;
        self.hold(Stream::Own(dir), at, bytes);
    }

    fn hold(&mut self, stream: Stream, at: u64, bytes: &[u8]) {
        let held = self.held.entry(stream).or_default();
        if held.at.saturating_add(held.bytes.len() as u64) != at {
            // A hole: what stands on both sides of it is read by itself.
            let old = std::mem::replace(held, Held { at, bytes: Vec::new() });
            self.weight = self.weight.saturating_sub(old.bytes.len());
            self.look(stream, old.at, &old.bytes);
        }
        let Some(held) = self.held.get_mut(&stream) else { return };
        held.bytes.extend_from_slice(bytes);
        self.weight = self.weight.saturating_add(bytes.len());
        if held.bytes.len() >= HELD {
            let old = std::mem::take(&mut held.bytes);
            let keep = old.len().saturating_sub(AGAIN.max(self.sweep.map_or(0, |s| s.longest)).min(HELD / 2));
            held.bytes.extend_from_slice(old.get(keep..).unwrap_or_default());
            let from = held.at;
            held.at = held.at.saturating_add(keep as u64);
            self.weight = self.weight.saturating_sub(keep);
            self.look(stream, from, &old);
        }
        if self.weight > MOST_HELD {
            self.look_at_all();
        }
    }

    fn look_at_all(&mut self) {
        let mut all: Vec<(Stream, Held)> = self.held.drain().collect();
        all.sort_by_key(|(s, _)| *s);
        self.weight = 0;
        for (stream, held) in all {
            self.look(stream, held.at, &held.bytes);
        }
    }

    /// Looks through bytes of a stream.
    fn look(&mut self, stream: Stream, at: u64, bytes: &[u8]) {
        let mut hits: Vec<Hit> = Vec::new();
        match self.sweep {
            None => words::scan(bytes, &mut |hit| hits.push(hit)),
            Some(sweep) => sweep.each(bytes, &mut |range, with| hits.push(Hit { range, with, values: Vec::new() })),
        }
        let (rank, kind) = if self.sweep.is_some() { (2, AGAIN_KIND) } else { (1, "named by its text") };
        for hit in hits {
            let from = at.saturating_add(hit.range.start as u64);
            let len = hit.range.len();
            let (parts, own) = match stream {
                Stream::Own(dir) => (Vec::new(), Some((dir, from))),
                Stream::Inside(key) => (self.streams.places_inside(key, from, len), None),
            };
            let old = bytes.get(hit.range.clone()).unwrap_or_default().to_vec();
            self.candidate(Candidate { rank, parts, own, old, new: hit.with, kind, packet: self.packet });
            hit.values.iter().for_each(|v| self.values.add(v, Sure::Name));
        }
    }

    fn candidate(&mut self, c: Candidate) {
        self.coded.extend(c.parts.iter().filter_map(|(_, place)| match place {
            Place::Coded(key) => Some(*key),
            _ => None,
        }));
        if c.parts.iter().all(|(_, place)| *place == Place::Header) && c.own.is_none() {
            return;
        }
        self.candidates.push(c);
    }

    /// A secret in the bytes of a node.
    fn node(&mut self, node: &Node, bytes: &[u8], range: Range<usize>, new: Vec<u8>, kind: &'static str) {
        let Some(old) = bytes.get(range.clone()) else { return };
        let at = node.span.at.saturating_add(range.start as u64);
        let parts = self.streams.places(node.span.buf, at, range.len());
        let c = Candidate { rank: 0, parts, own: None, old: old.to_vec(), new, kind, packet: self.packet };
        self.candidate(c);
    }

    fn message(&mut self, m: &Message<'_>) {
        if m.state == MessageState::Open {
            return;
        }
        self.packet = m.done.number;
        let mut name: Vec<u8> = Vec::new();
        let (mut block, mut literals, mut headers) = (Block::default(), Vec::new(), 0usize);
        for (i, node) in m.sink.nodes.iter().enumerate() {
            let bytes = m.sink.bytes_of(i);
            match node.field.name {
                "http2.headers.fragment" => self.blocks.entry((m.conv, m.dir)).or_default().add(node.span, bytes),
                "http2.header.name" => {
                    if headers == 0 {
                        block = self.blocks.remove(&(m.conv, m.dir)).unwrap_or_default().within(node);
                        literals = values::literals(&block.bytes);
                    }
                    headers = headers.saturating_add(1);
                    name = value_of(node, bytes).to_vec();
                }
                "http2.header.value" | "http2.header.value.secret" => {
                    let literal = literals.get(headers.saturating_sub(1)).and_then(Option::as_ref);
                    self.header(&name, node, bytes, literal.map(|l| (&block, l)));
                }
                _ if self.sweep.is_some() => {}
                _ => self.field(node, bytes),
            }
        }
        if headers > 0 {
            self.blocks.remove(&(m.conv, m.dir));
        }
    }

    fn field(&mut self, node: &Node, bytes: &[u8]) {
        let field = node.field;
        let chosen = self.chosen.iter().any(|c| c.is(field));
        if !chosen && !field.flags.has(Flags::SECRET) {
            return;
        }
        let cookie = field.name.contains("cookie");
        let sure = if cookie { Sure::Cookie } else { Sure::Field };
        if node.tie != Tie::Own {
            // Worked out from bytes that have a field of their own.
            self.values.add(value_of(node, bytes), sure);
            return;
        }
        if bytes.is_empty() || node.span.bits.is_some() {
            return;
        }
        let hits = if chosen && !field.flags.has(Flags::SECRET) {
            vec![Hit { range: 0..bytes.len(), with: mask::any(bytes), values: vec![bytes.to_vec()] }]
        } else {
            mask::field(field.name, bytes)
        };
        for hit in hits {
            let text = field.kind == Kind::Text;
            hit.values.iter().filter(|_| text).for_each(|v| self.values.add(v, sure));
            self.node(node, bytes, hit.range, hit.with, field.name);
        }
    }

    /// A header of HTTP/2, as it stands in its block or, joined from several frames, in `block`; perhaps in Huffman's code.
    fn header(&mut self, name: &[u8], node: &Node, bytes: &[u8], block: Option<(&Block, &Literal)>) {
        let says = value_of(node, bytes).to_vec();
        let hits = self.header_hits(name, node, &says);
        let stands = match block {
            Some((block, literal)) => block.bytes.get(literal.range.clone()).unwrap_or_default(),
            None if node.tie == Tie::Own => bytes,
            None => &[],
        };
        if hits.is_empty() || stands.is_empty() {
            return;
        }
        let mut new = says.clone();
        let coded = says != stands;
        for hit in &hits {
            if let Some(part) = new.get_mut(hit.range.clone()) {
                let with = if coded { mask::huffman_text(part) } else { hit.with.clone() };
                part.copy_from_slice(&with);
            }
        }
        if coded {
            let plain = std::mem::take(&mut new);
            huffman::encode(&plain, &mut new);
        }
        if new.len() != stands.len() {
            return;
        }
        let kind = if self.sweep.is_some() { AGAIN_KIND } else { node.field.name };
        let parts = match block {
            Some((block, literal)) => block.places(&self.streams, literal.range.clone()),
            None => self.streams.places(node.span.buf, node.span.at, stands.len()),
        };
        let old = stands.to_vec();
        // Only what differs is a secret: the rest of the value stays as it was.
        let from = old.iter().zip(&new).position(|(a, b)| a != b).unwrap_or(0);
        let to = old.iter().zip(&new).rposition(|(a, b)| a != b).map_or(0, |i| i.saturating_add(1));
        let parts = cut(&parts, from..to);
        let (old, new) = (old.get(from..to).unwrap_or_default().to_vec(), new.get(from..to).unwrap_or_default().to_vec());
        self.candidate(Candidate { rank: 0, parts, own: None, old, new, kind, packet: self.packet });
    }

    /// The secrets in a header's value.
    fn header_hits(&mut self, name: &[u8], node: &Node, says: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        if let Some(sweep) = self.sweep {
            sweep.each(says, &mut |range, with| hits.push(Hit { range, with, values: Vec::new() }));
            return hits;
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let mut sure = Sure::Field;
        if matches!(name.as_str(), "cookie" | "set-cookie" | "authorization" | "proxy-authorization") {
            hits = mask::field(&name, says);
            sure = if name.contains("cookie") { Sure::Cookie } else { Sure::Field };
        } else if words::is_secret_header(name.as_bytes()) || self.chosen.iter().any(|c| c.is(node.field)) {
            hits.extend(Hit::text(says, 0..says.len()));
        } else {
            words::scan(says, &mut |hit| hits.push(hit));
            sure = Sure::Name;
        }
        hits.iter().flat_map(|h| &h.values).for_each(|v| self.values.add(v, sure));
        hits
    }

    /// What is to be changed, now that all of the flow was read; `flipped` as the conversation says.
    pub fn close(mut self, flipped: bool, found: &mut Found, findings: &mut Vec<Finding>) {
        self.look_at_all();
        let way = |dir: Dir| usize::from((dir == Dir::ToServer) == flipped);
        let Gather { mut candidates, streams, coded, .. } = self;
        candidates.sort_by_key(|c| c.rank);
        // A field and the text that it stands in tell of the same secret.
        let mut told = HashSet::new();
        for c in candidates {
            let number = findings.len() as u32;
            let mut finding = Finding {
                kind: c.kind,
                len: c.old.len() as u32,
                packet: c.packet,
                outcome: Outcome::Replaced,
                places: Vec::new(),
            };
            let mut added = false;
            if let Some((dir, at)) = c.own {
                let spot = Spot { len: c.new.len() as u64, with: With::Bytes(c.new.as_slice().into()), finding: number };
                added = found.streams.get_mut(dir).is_some_and(|s| s.add(at, &spot));
            }
            for (part, place) in &c.parts {
                let new = c.new.get(part.clone()).unwrap_or_default();
                let bytes = || With::Bytes(new.into());
                let spot = |with| Spot { len: new.len() as u64, with, finding: number };
                match place {
                    Place::Stream(dir, at, masked) => {
                        let old = c.old.get(part.clone()).unwrap_or_default();
                        let with = if *masked { With::Xor(old.iter().zip(new).map(|(a, b)| a ^ b).collect()) } else { bytes() };
                        added |= found.streams.get_mut(way(*dir)).is_some_and(|s| s.add(*at, &spot(with)));
                    }
                    Place::Packet(n, at) => {
                        found.packets.push((*n, *at, spot(bytes())));
                        added = true;
                    }
                    Place::Coded(_) => {
                        finding.outcome = Outcome::Blanked;
                        added = true;
                    }
                    Place::Sealed => {
                        finding.outcome = Outcome::Sealed;
                        added = true;
                    }
                    Place::Nowhere => {
                        finding.outcome = Outcome::Left;
                        added = true;
                    }
                    Place::Header => {}
                }
            }
            let new = finding.outcome == Outcome::Replaced || told.insert((c.packet, c.old, finding.outcome));
            if added && new {
                findings.push(finding);
            }
        }
        blank(&streams, coded, &way, found, findings);
    }
}

/// Blanks whole coded streams, and what these were made of where that is coded again.
fn blank(streams: &Streams, coded: BTreeSet<Key>, way: &dyn Fn(Dir) -> usize, found: &mut Found, findings: &mut Vec<Finding>) {
    let mut waiting: Vec<Key> = coded.iter().copied().collect();
    let mut seen = coded;
    while let Some(key) = waiting.pop() {
        let number = findings.len() as u32;
        let mut finding = Finding { kind: "coded body", len: 0, packet: u32::MAX, outcome: Outcome::Blanked, places: Vec::new() };
        for (from, how) in streams.sources(key) {
            for (part, place) in streams.places(from.buf, from.at, from.len as usize) {
                let len = part.len() as u64;
                let with = if how == How::Unpacked { With::Letters } else { With::Zeros };
                let spot = Spot { len, with, finding: number };
                let added = match place {
                    // Under a mask zeros are as good as anything: nobody can unpack it.
                    Place::Stream(dir, at, _) => found.streams.get_mut(way(dir)).is_some_and(|s| s.add(at, &spot)),
                    Place::Packet(n, at) => {
                        found.packets.push((n, at, spot));
                        true
                    }
                    Place::Coded(other) => {
                        if seen.insert(other) {
                            waiting.push(other);
                        }
                        false
                    }
                    Place::Sealed | Place::Header | Place::Nowhere => false,
                };
                if added {
                    finding.len = finding.len.saturating_add(len as u32);
                }
            }
        }
        if finding.len > 0 {
            findings.push(finding);
        }
    }
}

/// A value as text or bytes.
fn value_of<'n>(node: &'n Node, bytes: &'n [u8]) -> &'n [u8] {
    match &node.value {
        Value::Str(s) => s.as_bytes(),
        Value::Blob(b) => b,
        _ => bytes,
    }
}

impl Listen for Gather<'_> {
    fn opened(&mut self, m: &Message<'_>) {
        self.message(m);
    }

    fn changed(&mut self, m: &Message<'_>) {
        self.message(m);
    }

    fn content(&mut self, _: (ConvId, Dir, u64), m: &Message<'_>) {
        self.message(m);
    }

    fn inner(&mut self, b: &InnerBytes<'_>) {
        let (key, at) = self.streams.add(b);
        // What stands outside as it is was looked through there.
        if b.how != How::Verbatim || b.read_by.is_some() {
            self.hold(Stream::Inside(key), at, b.bytes);
        }
    }

    fn inner_end(&mut self, conv: ConvId, _: (Dir, u64), key: (u64, Dir), _: End) {
        let stream = Stream::Inside((conv, key.0, key.1));
        if let Some(held) = self.held.remove(&stream) {
            self.weight = self.weight.saturating_sub(held.bytes.len());
            self.look(stream, held.at, &held.bytes);
        }
    }
}
