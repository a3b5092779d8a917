//! Where the bytes of streams inside other streams came from, back to the flow's own: kept while one flow is read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use wirelore_engine::conversation::InnerBytes;
use wirelore_kit::{BufId, BufKind, ConvId, Dir, How, Piece, Span};

/// A stream inside a conversation: that conversation, its dissector's key, the direction.
pub(super) type Key = (ConvId, u64, Dir);

/// Streams inside streams nest no deeper than this.
const DEEPEST: u8 = 32;

/// Where bytes stand that are to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the flow's own stream of that direction, at that offset; under a mask that they were XORed with.
    Stream(Dir, u64, bool),
    /// In a packet.
    Packet(u32, u64),
    /// In bytes that were packed or written in another form: this stream was made of them.
    Coded(Key),
    /// In bytes that were enciphered.
    Sealed,
    /// In the headers of HTTP/2, where they are covered as fields.
    Header,
    /// Nobody knows.
    Nowhere,
}

/// A part of some bytes, by their offsets, and its place.
pub(super) type Part = (Range<usize>, Place);

/// One of them.
struct Made {
    pieces: Vec<Piece>,
    end: u64,
    /// What the conversation that it is inside of speaks.
    within: &'static str,
    /// The message that it began in.
    message: (Dir, u64),
}

/// All of a flow.
#[derive(Default)]
pub(super) struct Streams {
    made: HashMap<Key, Made>,
    readers: HashMap<(ConvId, Dir), Key>,
    messages: HashMap<(ConvId, (Dir, u64)), Vec<Key>>,
}

impl Streams {
    /// Bytes more; tells the offset at which they stand.
    pub fn add(&mut self, b: &InnerBytes<'_>) -> (Key, u64) {
        let key = (b.conv, b.key.0, b.key.1);
        let made = match self.made.entry(key) {
            Entry::Occupied(old) => old.into_mut(),
            Entry::Vacant(new) => {
                self.messages.entry((b.conv, b.message)).or_default().push(key);
                new.insert(Made { pieces: Vec::new(), end: 0, within: b.spec.name, message: b.message })
            }
        };
        let at = b.read_by.map_or(made.end, |(_, at)| at);
        if let Some((reader, _)) = b.read_by {
            self.readers.insert((reader, b.key.1), key);
        }
        let exact = b.how.keeps_offsets() && b.from.len as usize == b.bytes.len();
        let how = if exact || !b.how.keeps_offsets() { b.how } else { How::Unpacked };
        made.end = at.saturating_add(b.bytes.len() as u64);
        let len = b.bytes.len() as u32;
        let joins = |last: &Piece| {
            exact
                && last.how == how
                && last.from.buf == b.from.buf
                && last.from.end() == b.from.at
                && last.at.saturating_add(u64::from(last.len)) == at
        };
        match made.pieces.last_mut().filter(|p| joins(p)) {
            Some(last) => {
                last.len = last.len.saturating_add(len);
                last.from.len = last.from.len.saturating_add(len);
            }
            None if len > 0 => made.pieces.push(Piece { at, len, from: b.from, how }),
            None => {}
        }
        (key, at)
    }

    /// Where `len` bytes at `at` of a buffer stand.
    pub fn places(&self, buf: BufId, at: u64, len: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        self.follow(buf, at, 0..len, false, 0, &mut parts);
        parts
    }

    /// Where bytes of a stream inside stand.
    pub fn places_inside(&self, key: Key, at: u64, len: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        self.through(key, at, 0..len, false, 0, &mut parts);
        parts
    }

    /// What a stream was made of. Bytes that gave nothing by themselves (the head of a packed body) are known from the other streams of
    /// its message that share bytes with it: the body as it was transferred.
    pub fn sources(&self, key: Key) -> Vec<(Span, How)> {
        let Some(made) = self.made.get(&key) else { return Vec::new() };
        let shares = |p: &Piece| {
            made.pieces.iter().any(|m| m.from.buf == p.from.buf && m.from.at < p.from.end() && p.from.at < m.from.end())
        };
        let how = made.pieces.first().map_or(How::Inflated, |p| p.how);
        let mut all: Vec<(Span, How)> = made.pieces.iter().map(|p| (p.from, how)).collect();
        for other in self.messages.get(&(key.0, made.message)).into_iter().flatten().filter(|k| **k != key && k.2 == key.2) {
            let pieces = self.made.get(other).map_or(&[][..], |m| &m.pieces);
            if pieces.iter().any(shares) {
                all.extend(pieces.iter().map(|p| (p.from, how)));
            }
        }
        all
    }

    fn follow(&self, buf: BufId, at: u64, part: Range<usize>, masked: bool, depth: u8, to: &mut Vec<Part>) {
        match buf.kind() {
            BufKind::Arrival(n) => to.push((part, Place::Packet(n as u32, at))),
            BufKind::Stream(conv, dir) if conv.inner == 0 => to.push((part, Place::Stream(dir, at, masked))),
            BufKind::Stream(conv, dir) if depth < DEEPEST => match self.readers.get(&(conv, dir)) {
                Some(key) => self.through(*key, at, part, masked, depth.saturating_add(1), to),
                None => to.push((part, Place::Nowhere)),
            },
            _ => to.push((part, Place::Nowhere)),
        }
    }

    fn through(&self, key: Key, at: u64, part: Range<usize>, masked: bool, depth: u8, to: &mut Vec<Part>) {
        let Some(made) = self.made.get(&key) else {
            to.push((part, Place::Nowhere));
            return;
        };
        let end = at.saturating_add(part.len() as u64);
        let first = made.pieces.partition_point(|p| p.at.saturating_add(u64::from(p.len)) <= at);
        for p in made.pieces.iter().skip(first).take_while(|p| p.at < end) {
            let (lo, hi) = (p.at.max(at), p.at.saturating_add(u64::from(p.len)).min(end));
            if lo >= hi {
                continue;
            }
            let from = part.start.saturating_add(lo.saturating_sub(at) as usize);
            let here = from..from.saturating_add(hi.saturating_sub(lo) as usize);
            match p.how {
                How::Decrypted => to.push((here, Place::Sealed)),
                How::Unpacked if made.within == "http2" || made.within == "http3" => to.push((here, Place::Header)),
                How::Inflated | How::Unpacked => {
                    // What cannot be reached at all cannot be blanked either.
                    let sealed = self.places(p.from.buf, p.from.at, 1).iter().any(|(_, place)| *place == Place::Sealed);
                    to.push((here, if sealed { Place::Sealed } else { Place::Coded(key) }));
                }
                how => {
                    let source = p.from.at.saturating_add(lo.saturating_sub(p.at));
                    self.follow(p.from.buf, source, here, masked ^ (how == How::Unmasked), depth, to);
                }
            }
        }
    }
}
