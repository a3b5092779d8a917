//! The reader: taking bytes, naming them and fixing their range are one call.
//!
//! A dissector reads as if all bytes were there. Where they are not, [`Stop::Short`] goes up by `?`, the driver
//! rolls everything back and calls again when more have come. Inside [`Reader::within`] the end is known from the
//! wire, so running over it is the sender's fault ([`Stop::Bad`]), not a reason to wait.

use crate::field::{F, Flags, TRAILING, UNKNOWN};
use crate::note::{self, Note, Noted};
use crate::sink::{Level, Sink};
use crate::span::{BitRange, BufId, Span};
use crate::tree::Tie;
use crate::value::{Text, Value};

/// Why a read did not go through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stop {
    /// More bytes must come: `need` in all, counted from where this read began.
    Short {
        /// Bytes needed, counted from the start of the read.
        need: usize,
    },
    /// The other side must speak first.
    Wait,
    /// Not this protocol's grammar; the note says what is wrong.
    Bad(&'static Note),
}

/// What a search has already seen, so that slow senders stay linear. Kept by the driver per direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memo {
    /// Stream offset at which the search began.
    start: u64,
    /// Stream offset up to which it found nothing.
    to: u64,
}

/// A view of unread bytes that annotates as it reads.
pub struct Reader<'a> {
    bytes: &'a [u8],
    buf: BufId,
    base: u64,
    pos: usize,
    bounded: bool,
    level: Level,
    depth: u8,
    sink: &'a mut Sink,
    memo: &'a mut Memo,
}

/// Groups may nest so deep.
const MOST_DEPTH: u8 = 64;

impl<'a> Reader<'a> {
    /// A reader over `bytes`, the first of which is at offset `base` of `buf`.
    /// `bounded` says that no more can come (a datagram, the end of a stream).
    #[must_use]
    pub fn new(
        bytes: &'a [u8],
        buf: BufId,
        base: u64,
        bounded: bool,
        level: Level,
        sink: &'a mut Sink,
        memo: &'a mut Memo,
    ) -> Reader<'a> {
        let level = if level.has_fields() { Level::Tree } else { level };
        Reader { bytes, buf, base, pos: 0, bounded, level, depth: 0, sink, memo }
    }

    /// Whether a field of a tree is kept: what is costly to work out need not be where nobody wants it.
    #[must_use]
    pub fn keeps(&self, field: F) -> bool {
        self.level == Level::Tree && self.sink.keeps(field)
    }

    /// Whether somebody looks at findings or at what checksums came to.
    #[must_use]
    pub fn keeps_checks(&self) -> bool {
        self.sink.keeps_checks()
    }

    /// How much this reading leaves behind.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Offset of the next byte in its buffer.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.base.saturating_add(self.pos as u64)
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.pos
    }

    /// Bytes that can be taken now.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.pos)
    }

    /// Whether nothing is left inside a known end.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// Whether the end is known: no more bytes can come behind those left.
    #[must_use]
    pub const fn is_bounded(&self) -> bool {
        self.bounded
    }

    /// The bytes left, unread.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or(&[])
    }

    /// The next `n` bytes without taking them.
    ///
    /// # Errors
    /// [`Stop::Short`] or, inside a known end, [`Stop::Bad`].
    #[inline]
    pub fn peek(&self, n: usize) -> Result<&'a [u8], Stop> {
        let end = self.pos.checked_add(n).ok_or(Stop::Bad(&note::OVERRUN))?;
        match self.bytes.get(self.pos..end) {
            Some(b) => Ok(b),
            None if self.bounded => Err(Stop::Bad(&note::OVERRUN)),
            None => Err(Stop::Short { need: end }),
        }
    }

    /// The span of the `n` bytes from here on.
    #[must_use]
    #[inline]
    pub const fn span(&self, n: usize) -> Span {
        Span::new(self.buf, self.at(), n as u32)
    }

    /// The span from offset `from` (as [`Reader::at`] gave it) up to here.
    #[must_use]
    pub const fn since(&self, from: u64) -> Span {
        Span::new(self.buf, from, self.at().saturating_sub(from) as u32)
    }

    #[inline]
    fn put(&mut self, field: F, span: Span, value: Value, bytes: &[u8]) {
        if field.flags.has(Flags::KEY) {
            self.sink.cell(field, &value, bytes);
        }
        if self.level == Level::Tree {
            self.sink.node(field, span, value, Tie::Own, bytes);
        }
    }

    /// The bytes of a span, as far as this read has them.
    fn bytes_at(&self, span: Span) -> &'a [u8] {
        if span.buf != self.buf {
            return &[];
        }
        let from = span.at.saturating_sub(self.base) as usize;
        let to = from.saturating_add(span.len as usize).min(self.bytes.len());
        self.bytes.get(from..to).unwrap_or(&[])
    }

    #[inline]
    fn number(&mut self, field: F, n: usize, little: bool) -> Result<u64, Stop> {
        let b = self.peek(n)?;
        let v = if little {
            b.iter().rev().fold(0u64, |v, x| (v << 8) | u64::from(*x))
        } else {
            b.iter().fold(0u64, |v, x| (v << 8) | u64::from(*x))
        };
        if Sink::wants(self.level, field) {
            let span = self.span(n);
            self.put(field, span, Value::U64(v), b);
        }
        self.pos = self.pos.saturating_add(n);
        Ok(v)
    }

    /// One byte as a number.
    ///
    /// # Errors
    /// As [`Reader::peek`]; so for all that follow.
    #[inline]
    pub fn u8(&mut self, field: F) -> Result<u8, Stop> {
        self.number(field, 1, false).map(|v| v as u8)
    }

    /// Two bytes, most significant first.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    #[inline]
    pub fn u16(&mut self, field: F) -> Result<u16, Stop> {
        self.number(field, 2, false).map(|v| v as u16)
    }

    /// Three bytes, most significant first.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn u24(&mut self, field: F) -> Result<u32, Stop> {
        self.number(field, 3, false).map(|v| v as u32)
    }

    /// Four bytes, most significant first.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    #[inline]
    pub fn u32(&mut self, field: F) -> Result<u32, Stop> {
        self.number(field, 4, false).map(|v| v as u32)
    }

    /// `n` bytes (1 to 8), most significant first.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn uint(&mut self, field: F, n: usize) -> Result<u64, Stop> {
        self.number(field, n.min(8), false)
    }

    /// `n` bytes (1 to 8), least significant first.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn uint_le(&mut self, field: F, n: usize) -> Result<u64, Stop> {
        self.number(field, n.min(8), true)
    }

    /// `n` bytes as they are.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    #[inline]
    pub fn bytes(&mut self, field: F, n: usize) -> Result<&'a [u8], Stop> {
        let b = self.peek(n)?;
        if field.flags.has(Flags::KEY) {
            self.sink.text_cell(field, b);
        }
        if self.level == Level::Tree {
            let span = self.span(n);
            self.sink.node(field, span, Value::Span, Tie::Own, b);
        }
        self.pos = self.pos.saturating_add(n);
        Ok(b)
    }

    /// `n` bytes as text.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    #[inline]
    pub fn text(&mut self, field: F, n: usize) -> Result<Text<'a>, Stop> {
        self.bytes(field, n).map(Text)
    }

    /// `n` bytes whose meaning is `value`: text that a number is written in, a decoded name.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    #[inline]
    pub fn valued(&mut self, field: F, n: usize, value: Value) -> Result<&'a [u8], Stop> {
        let b = self.peek(n)?;
        if Sink::wants(self.level, field) {
            let span = self.span(n);
            self.put(field, span, value, b);
        }
        self.pos = self.pos.saturating_add(n);
        Ok(b)
    }

    /// Four bytes as an IPv4 address.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn ipv4(&mut self, field: F) -> Result<[u8; 4], Stop> {
        let a: [u8; 4] = self.peek(4)?.try_into().unwrap_or_default();
        self.valued(field, 4, Value::Ip4(a))?;
        Ok(a)
    }

    /// Sixteen bytes as an IPv6 address.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn ipv6(&mut self, field: F) -> Result<[u8; 16], Stop> {
        let a: [u8; 16] = self.peek(16)?.try_into().unwrap_or_default();
        self.valued(field, 16, Value::Ip6(a))?;
        Ok(a)
    }

    /// Six bytes as a MAC address.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn mac(&mut self, field: F) -> Result<[u8; 6], Stop> {
        let a: [u8; 6] = self.peek(6)?.try_into().unwrap_or_default();
        self.valued(field, 6, Value::Mac(a))?;
        Ok(a)
    }

    /// A range of bits of the bytes from here on; takes nothing, so that siblings can share the bytes.
    /// Call [`Reader::skip`] behind the last one.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn bits(&mut self, field: F, range: BitRange) -> Result<u64, Stop> {
        let first = usize::from(range.first);
        let last = first.saturating_add(usize::from(range.len)).saturating_sub(1);
        let (from, to) = (first / 8, last / 8);
        let bytes = self.peek(to.saturating_add(1))?;
        let mut v = 0u64;
        for bit in first..=last.min(first.saturating_add(63)) {
            let byte = bytes.get(bit / 8).copied().unwrap_or(0);
            v = (v << 1) | u64::from((byte >> (7 - bit % 8)) & 1);
        }
        if Sink::wants(self.level, field) {
            let held = bytes.get(from..).unwrap_or(&[]);
            let span = Span {
                buf: self.buf,
                at: self.at().saturating_add(from as u64),
                len: to.saturating_sub(from).saturating_add(1) as u32,
                bits: Some(BitRange { first: (first % 8) as u8, len: range.len }),
            };
            self.put(field, span, Value::U64(v), held);
        }
        Ok(v)
    }

    /// A range of bits as [`Reader::bits`] that counts units: the value told is `unit` times what they say (a header length in words).
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn scaled(&mut self, field: F, range: BitRange, unit: u64) -> Result<u64, Stop> {
        let node = self.sink.nodes.len();
        let value = self.bits(field, range)?.saturating_mul(unit);
        if let Some(node) = self.sink.nodes.get_mut(node) {
            node.value = Value::U64(value);
        }
        Ok(value)
    }

    /// A range of bits as [`Reader::bits`], and below it, as its children, those that `inner` names. Takes nothing.
    ///
    /// # Errors
    /// As [`Reader::peek`]; what `inner` returned.
    pub fn bit_group(
        &mut self,
        field: F,
        range: BitRange,
        inner: impl FnOnce(&mut Self, u64) -> Result<(), Stop>,
    ) -> Result<u64, Stop> {
        let node = self.sink.nodes.len();
        let value = self.bits(field, range)?;
        self.sink.deeper();
        let result = inner(self, value);
        self.sink.shallower();
        let end = self.sink.nodes.len() as u32;
        if end > node as u32
            && let Some(node) = self.sink.nodes.get_mut(node).filter(|n| n.field.is(field))
        {
            node.end = end;
        }
        result.map(|()| value)
    }

    /// Takes `n` bytes that [`Reader::bits`] has named.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    #[inline]
    pub fn skip(&mut self, n: usize) -> Result<(), Stop> {
        self.peek(n)?;
        self.pos = self.pos.saturating_add(n);
        Ok(())
    }

    /// Takes `n` bytes that no field explains and lists them as such.
    ///
    /// # Errors
    /// As [`Reader::peek`].
    pub fn unknown(&mut self, n: usize) -> Result<(), Stop> {
        self.bytes(&UNKNOWN, n).map(|_| ())
    }

    /// A node that points to another place.
    pub fn refer(&mut self, field: F, to: Span) {
        if self.level == Level::Tree {
            let bytes = self.bytes_at(to);
            self.sink.node(field, to, Value::Place(to), Tie::Refer, bytes);
        }
    }

    /// A value without bytes of its own, worked out from those of `of`.
    pub fn derived(&mut self, field: F, of: Span, value: impl Into<Value>) {
        if Sink::wants(self.level, field) {
            let value = value.into();
            if field.flags.has(Flags::KEY) {
                self.sink.cell(field, &value, &[]);
            }
            if self.level == Level::Tree {
                let bytes = self.bytes_at(of);
                self.sink.node(field, of, value, Tie::Derived, bytes);
            }
        }
    }

    /// Up to and including `mark`; what stands before it is returned. Remembers how far it has searched.
    ///
    /// # Errors
    /// As [`Reader::peek`] when the mark is not there.
    pub fn until(&mut self, field: F, mark: &[u8]) -> Result<&'a [u8], Stop> {
        let n = self.seek(|b, from| {
            let from = from.saturating_sub(mark.len().saturating_sub(1));
            memchr::memmem::find(b.get(from..)?, mark).map(|i| i.saturating_add(from))
        })?;
        let all = self.bytes(field, n.saturating_add(mark.len()))?;
        Ok(all.get(..n).unwrap_or(all))
    }

    /// Finds a place ahead without taking anything: `find(bytes, from)` looks in the bytes left; those before `from`
    /// were searched in vain by an earlier call (look a little before it if what is sought has several bytes).
    /// Returns what `find` returned.
    ///
    /// # Errors
    /// [`Stop::Short`] asking for one more byte, or inside a known end [`Stop::Bad`].
    pub fn seek(&mut self, find: impl FnOnce(&[u8], usize) -> Option<usize>) -> Result<usize, Stop> {
        let (here, rest) = (self.at(), self.rest());
        let from = if self.memo.start == here { self.memo.to.saturating_sub(here) as usize } else { 0 };
        if let Some(n) = find(rest, from.min(rest.len())) {
            return Ok(n);
        }
        *self.memo = Memo { start: here, to: here.saturating_add(rest.len() as u64) };
        if self.bounded { Err(Stop::Bad(&note::OVERRUN)) } else { Err(Stop::Short { need: self.bytes.len().saturating_add(1) }) }
    }

    /// Whether an earlier call of [`Reader::seek`] from here found nothing in the bytes that it had.
    #[must_use]
    pub const fn has_searched(&self) -> bool {
        self.memo.start == self.at() && self.memo.to > self.memo.start
    }

    /// Fields under a heading whose span is what they took.
    ///
    /// # Errors
    /// What `inner` returned; nodes read before a [`Stop::Bad`] stay.
    pub fn group<T>(&mut self, field: F, inner: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth >= MOST_DEPTH {
            return Err(Stop::Bad(&note::TOO_DEEP));
        }
        self.depth = self.depth.saturating_add(1);
        let from = self.at();
        let node = if self.level == Level::Tree {
            let span = self.span(0);
            let node = self.sink.node(field, span, Value::Span, Tie::Own, &[]);
            self.sink.deeper();
            node
        } else {
            None
        };
        let result = inner(self);
        self.depth = self.depth.saturating_sub(1);
        if self.level == Level::Tree {
            self.sink.shallower();
            if let Some(node) = node {
                let taken = self.since(from);
                let bytes = if self.sink.holds_groups() { self.bytes_at(taken) } else { &[] };
                self.sink.close(node, taken.len, bytes);
            }
        }
        result
    }

    /// Gives the heading of the innermost open group a value, once it is known: what kind of option this is.
    pub fn title(&mut self, value: impl Into<Value>) {
        if self.level == Level::Tree && self.depth > 0 {
            self.sink.title(value.into());
        }
    }

    /// Like [`Reader::group`], and the heading carries a value made from what was read.
    ///
    /// # Errors
    /// What `inner` returned.
    pub fn titled<T>(&mut self, field: F, inner: impl FnOnce(&mut Self) -> Result<(T, Value), Stop>) -> Result<T, Stop> {
        let node = self.sink.nodes.len();
        let from = self.at();
        let (out, value) = self.group(field, inner)?;
        if field.flags.has(Flags::KEY) {
            let taken = self.since(from).len as usize;
            let bytes = self.bytes.get(self.pos.saturating_sub(taken)..self.pos).unwrap_or(&[]);
            self.sink.cell(field, &value, bytes);
        }
        if self.level == Level::Tree
            && let Some(node) = self.sink.nodes.get_mut(node).filter(|n| n.field.is(field))
        {
            node.value = value;
        }
        Ok(out)
    }

    /// Fields under a heading that takes exactly `len` bytes: reading over its end is [`Stop::Bad`], what is left is listed as trailing.
    ///
    /// # Errors
    /// As [`Reader::peek`] for `len` bytes; what `inner` returned.
    pub fn within<T>(&mut self, field: F, len: usize, inner: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        self.peek(len)?;
        self.group(field, |r| {
            let stop = r.pos.saturating_add(len);
            let (bytes, bounded) = (r.bytes, r.bounded);
            r.bytes = bytes.get(..stop).unwrap_or(bytes);
            r.bounded = true;
            let result = inner(r);
            if result.is_ok() {
                let left = r.left();
                if left > 0 {
                    let at = r.span(left);
                    r.note(&note::LEFT_OVER, at);
                    r.bytes(&TRAILING, left)?;
                }
            }
            r.bytes = bytes;
            r.bounded = bounded;
            result
        })
    }

    /// Like [`Reader::within`], but a fault inside is noted, the rest of the `len` bytes is listed as unknown and reading goes on behind them:
    /// one bad record does not hide the good ones. `None` says that there was a fault.
    ///
    /// # Errors
    /// As [`Reader::peek`] for `len` bytes, and [`Stop::Wait`] from `inner`.
    pub fn attempt<T>(
        &mut self,
        field: F,
        len: usize,
        inner: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<Option<T>, Stop> {
        self.within(field, len, |r| match inner(r) {
            Ok(v) => Ok(Some(v)),
            Err(Stop::Bad(what)) => {
                let left = r.left();
                let at = r.span(left);
                r.note(what, at);
                if left > 0 {
                    r.unknown(left)?;
                }
                Ok(None)
            }
            Err(stop) => Err(stop),
        })
    }

    /// Adds a finding.
    pub fn note(&mut self, what: &'static Note, at: Span) {
        self.sink.note(Noted { what, at });
    }

    /// The bytes of the whole read from its start up to here, for compression pointers and checksums.
    #[must_use]
    pub fn so_far(&self) -> &'a [u8] {
        self.bytes.get(..self.pos).unwrap_or(self.bytes)
    }

    /// All bytes of the read, those ahead included, for pointers.
    #[must_use]
    pub const fn whole(&self) -> &'a [u8] {
        self.bytes
    }

    /// The span of `len` bytes at `from`, counted from the start of the read.
    #[must_use]
    pub const fn span_at(&self, from: usize, len: usize) -> Span {
        Span::new(self.buf, self.base.saturating_add(from as u64), len as u32)
    }
}
