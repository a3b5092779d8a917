//! Finding the secrets of one flow while it is read again: fields that hold them, text that names them, and in a second round whatever says
//! again what was found in the first.

use super::mask::{self, Hit};
use super::spots::{Spot, Spots, With};
use super::streams::{Key, Part, Place, Streams};
use super::sweep::{Sure, Sweep, Values};
use super::words;
use super::{Finding, Outcome};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use wirelore_dissectors::coding::huffman;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{ConvId, Dir, End, F, Flags, How, Kind, Node, Sink, Tie, Value};

/// Bytes of a stream that are held before they are looked through, and how many of them are looked through once more with what follows.
const HELD: usize = 1 << 20;
const AGAIN: usize = 32 << 10;
/// Bytes of all streams of a flow that are held.
const MOST_HELD: usize = 128 << 20;

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
        let (rank, kind) = if self.sweep.is_some() { (2, "said again") } else { (1, "named by its text") };
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
        for (i, node) in m.sink.nodes.iter().enumerate() {
            let bytes = m.sink.bytes_of(i);
            match node.field.name {
                "http2.header.name" => name = value_of(node, bytes).to_vec(),
                "http2.header.value" | "http2.header.value.secret" => self.header(&name, node, bytes),
                _ if self.sweep.is_some() => {}
                _ => self.field(node, bytes, m.sink),
            }
        }
    }

    fn field(&mut self, node: &Node, bytes: &[u8], _sink: &Sink) {
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

    /// A header of HTTP/2 as it stands in its block, perhaps in Huffman's code.
    fn header(&mut self, name: &[u8], node: &Node, bytes: &[u8]) {
        let says = value_of(node, bytes).to_vec();
        let mut hits = Vec::new();
        let mut sure = Sure::Field;
        if let Some(sweep) = self.sweep {
            sweep.each(&says, &mut |range, with| hits.push(Hit { range, with, values: Vec::new() }));
        } else {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if matches!(name.as_str(), "cookie" | "set-cookie" | "authorization" | "proxy-authorization") {
                hits = mask::field(&name, &says);
                sure = if name.contains("cookie") { Sure::Cookie } else { Sure::Field };
            } else if words::is_secret_header(name.as_bytes()) || self.chosen.iter().any(|c| c.is(node.field)) {
                hits.extend(Hit::text(&says, 0..says.len()));
            } else {
                words::scan(&says, &mut |hit| hits.push(hit));
                sure = Sure::Name;
            }
        }
        if hits.is_empty() {
            return;
        }
        hits.iter().flat_map(|h| &h.values).for_each(|v| self.values.add(v, sure));
        if node.tie != Tie::Own || bytes.is_empty() {
            return;
        }
        let kind = if self.sweep.is_some() { "said again" } else { node.field.name };
        if says == bytes {
            for hit in hits {
                self.node(node, bytes, hit.range, hit.with, kind);
            }
            return;
        }
        let mut new = says;
        for hit in &hits {
            if let Some(part) = new.get_mut(hit.range.clone()) {
                let with = mask::huffman_text(part);
                part.copy_from_slice(&with);
            }
        }
        let mut coded = Vec::with_capacity(bytes.len());
        huffman::encode(&new, &mut coded);
        if coded.len() == bytes.len() {
            self.node(node, bytes, 0..bytes.len(), coded, kind);
        }
    }

    /// What is to be changed, now that all of the flow was read; `flipped` as the conversation says.
    pub fn close(mut self, flipped: bool, found: &mut Found, findings: &mut Vec<Finding>) {
        self.look_at_all();
        let way = |dir: Dir| usize::from((dir == Dir::ToServer) == flipped);
        let Gather { mut candidates, streams, coded, .. } = self;
        candidates.sort_by_key(|c| c.rank);
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
            if added {
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
