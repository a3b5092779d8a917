//! The delivery log: every decision of reassembly, a few bits each, so that a second reading repeats the first one and decides nothing.
//!
//! An in-order segment of the usual length costs one to four bytes: the step from the last packet number, nothing else. Payloads are not
//! kept; [`replay`] fetches the packets again.

use crate::reassembly::{Deliver, End, GapWhy, Source};
use smallvec::SmallVec;

/// The decisions of one flow, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// What a short flow needs lies in place.
    bytes: SmallVec<[u8; FIRST_ROOM]>,
    /// How many bytes were drained before these.
    drained: usize,
    at: Known,
}

/// What writer and reader both know at a place of the log; entries say only what differs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    /// Stream offset of the next byte, by direction.
    next: [u64; 2],
    /// Number of the last packet spoken of.
    number: u32,
    /// Length of the last piece, by direction.
    len: [u32; 2],
    /// Usual offset of the payload in a packet, by direction.
    offset: [u32; 2],
}

/// A place in a log, from which it can be read on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    pos: usize,
    at: Known,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Bytes were delivered.
    Data(Run),
    /// Bytes came for offsets that had their bytes, or had been declared missing.
    Again(Run),
    /// Bytes came again with other values.
    Conflict {
        /// The bytes that were not used.
        run: Run,
        /// Arrival of those that were.
        kept: u32,
    },
    /// Bytes are missing.
    Gap {
        /// Direction.
        dir: usize,
        /// Stream offset.
        at: u64,
        /// How many; [`u64::MAX`]: unknown.
        missing: u64,
        /// Why.
        why: GapWhy,
    },
    /// A direction ended.
    End {
        /// Direction.
        dir: usize,
        /// How.
        how: End,
        /// The arrival that ended it.
        number: u32,
    },
}

/// Bytes of a packet and their place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Direction.
    pub dir: usize,
    /// Stream offset.
    pub at: u64,
    /// How many bytes.
    pub len: u32,
    /// The arrival.
    pub number: u32,
    /// Offset in its bytes.
    pub offset: u32,
}

impl Run {
    /// Stream offset behind the last byte.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.at.saturating_add(self.len as u64)
    }

    fn source(&self, time: i64) -> Source {
        Source { number: self.number, time, offset: self.offset }
    }
}

// An entry begins with one byte: bit 0 the direction, bits 1 and 2 the kind, the upper five what fits.
/// Data as long as the last of its direction, at the usual offset. The upper bits hold the step of the packet number.
const SAME: u8 = 0;
/// The same with a length.
const SIZED: u8 = 1;
/// The same with a length and an offset.
const PLACED: u8 = 2;
/// Anything else; the upper bits say what.
const OTHER: u8 = 3;

/// A log has room for so many bytes without memory of its own.
const FIRST_ROOM: usize = 32;

/// Upper bits: a step of this + 31 or more follows.
const FAR: u8 = 30;
/// Upper bits: any other step follows, with its sign.
const SIGNED: u8 = 31;

// Upper bits of OTHER; gaps take 0 to 5, by reason.
const CONFLICT: u8 = 6;
const AGAIN: u8 = 7;
const END: u8 = 8;

const GAPS: [GapWhy; 6] =
    [GapWhy::NotCaptured, GapWhy::Snaplen, GapWhy::Limit, GapWhy::Midstream, GapWhy::EndOfCapture, GapWhy::Gone];
const ENDS: [End; 4] = [End::Fin, End::Reset, End::Cut, End::Capture];

/// A difference of usual offsets up to this is a change of the headers' length; a greater one is a part left out, once.
const HEADER_CHANGE: u64 = 60;

impl Known {
    fn next(&mut self, dir: usize) -> &mut u64 {
        pick(&mut self.next, dir)
    }

    /// Follows delivered data.
    fn pass(&mut self, run: &Run) {
        let usual = pick(&mut self.offset, run.dir);
        if usual.abs_diff(run.offset) as u64 <= HEADER_CHANGE || *usual == 0 {
            *usual = run.offset;
        }
        *pick(&mut self.len, run.dir) = run.len;
        *self.next(run.dir) = run.end();
        self.number = run.number;
    }
}

fn pick<T>(pair: &mut [T; 2], dir: usize) -> &mut T {
    let [first, second] = pair;
    if dir & 1 == 0 { first } else { second }
}

impl Log {
    /// Size in memory, bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Log>().saturating_add(if self.bytes.spilled() { self.bytes.capacity() } else { 0 })
    }

    /// Whether it holds no entries: nothing was delivered, or all was drained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Stream offset behind all that was written into this log, in direction `dir`.
    #[must_use]
    pub fn next_offset(&self, dir: usize) -> u64 {
        let [first, second] = self.at.next;
        if dir & 1 == 0 { first } else { second }
    }

    /// The end as it is now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { pos: self.drained.saturating_add(self.bytes.len()), at: self.at }
    }

    /// All entries; none if some were drained.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        self.entries_from(Mark::default())
    }

    /// The entries behind a mark that this log gave; none if some of them were drained.
    #[must_use]
    pub fn entries_from(&self, mark: Mark) -> Entries<'_> {
        let rest = mark.pos.checked_sub(self.drained).and_then(|from| self.bytes.get(from..)).unwrap_or(&[]);
        Entries { rest, whole: self.drained.saturating_add(self.bytes.len()), at: mark.at }
    }

    /// Moves the entries so far to `to`; those that follow go on from them, so that the runs moved out, put end to end, are one log.
    pub fn drain_into(&mut self, to: &mut Vec<u8>) {
        self.drained = self.drained.saturating_add(self.bytes.len());
        to.extend_from_slice(&self.bytes);
        self.bytes.clear();
    }

    /// A log to read, out of the runs that [`Log::drain_into`] gave, put end to end. Nothing can be added to it.
    #[must_use]
    pub fn from_runs(bytes: Vec<u8>) -> Log {
        Log { bytes: SmallVec::from_vec(bytes), drained: 0, at: Known::default() }
    }

    /// Gives back memory kept for growth.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    #[inline]
    fn head(&mut self, dir: usize, kind: u8, upper: u8) {
        self.bytes.push((dir as u8 & 1) | kind << 1 | upper << 3);
    }

    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.bytes.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.bytes.push(v as u8);
    }

    fn signed(&mut self, v: i64) {
        self.varint(((v << 1) ^ (v >> 63)) as u64);
    }

    fn step_to(&mut self, number: u32) {
        self.signed(i64::from(number).wrapping_sub(i64::from(self.at.number)));
        self.at.number = number;
    }

    fn data(&mut self, run: Run) {
        let kind = match (*pick(&mut self.at.offset, run.dir) == run.offset, *pick(&mut self.at.len, run.dir) == run.len) {
            (true, true) => SAME,
            (true, false) => SIZED,
            (false, _) => PLACED,
        };
        let step = i64::from(run.number).wrapping_sub(i64::from(self.at.number));
        match step {
            1..=30 => self.head(run.dir, kind, (step as u8).wrapping_sub(1)),
            31.. => {
                self.head(run.dir, kind, FAR);
                self.varint((step as u64).saturating_sub(31));
            }
            _ => {
                self.head(run.dir, kind, SIGNED);
                self.signed(step);
            }
        }
        if kind != SAME {
            self.varint(u64::from(run.len));
        }
        if kind == PLACED {
            let usual = *pick(&mut self.at.offset, run.dir);
            self.signed(i64::from(run.offset).wrapping_sub(i64::from(usual)));
        }
        self.at.pass(&run);
    }

    fn gap(&mut self, dir: usize, missing: u64, why: GapWhy) {
        self.head(dir, OTHER, why as u8);
        // 0 stands for an unknown number: no gap has none.
        self.varint(if missing == u64::MAX { 0 } else { missing });
        if missing != u64::MAX {
            let next = self.at.next(dir);
            *next = next.saturating_add(missing);
        }
    }

    /// A run that was not delivered.
    fn aside(&mut self, run: Run) {
        let next = *self.at.next(run.dir);
        self.signed(next.wrapping_sub(run.at) as i64);
        self.varint(u64::from(run.len));
        self.step_to(run.number);
        let usual = *pick(&mut self.at.offset, run.dir);
        self.signed(i64::from(run.offset).wrapping_sub(i64::from(usual)));
    }
}

/// Reads a log, entry by entry.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
    whole: usize,
    at: Known,
}

impl Entries<'_> {
    /// The place before the next entry.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { pos: self.whole.saturating_sub(self.rest.len()), at: self.at }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut v = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            v |= u64::from(b & 0x7f) << shift;
            if b & 0x80 == 0 {
                return Some(v);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let v = self.varint()?;
        Some((v >> 1) as i64 ^ ((v & 1) as i64).wrapping_neg())
    }

    fn number(&mut self, step: i64) -> u32 {
        i64::from(self.at.number).wrapping_add(step) as u32
    }

    fn offset(&mut self, dir: usize) -> Option<u32> {
        let change = self.signed()?;
        Some(i64::from(*pick(&mut self.at.offset, dir)).wrapping_add(change) as u32)
    }

    fn data(&mut self, dir: usize, kind: u8, upper: u8) -> Option<Entry> {
        let step = match upper {
            FAR => (self.varint()? as i64).wrapping_add(31),
            SIGNED => self.signed()?,
            near => i64::from(near).wrapping_add(1),
        };
        let number = self.number(step);
        let len = if kind == SAME { *pick(&mut self.at.len, dir) } else { self.varint()? as u32 };
        let offset = if kind == PLACED { self.offset(dir)? } else { *pick(&mut self.at.offset, dir) };
        let run = Run { dir, at: *self.at.next(dir), len, number, offset };
        self.at.pass(&run);
        Some(Entry::Data(run))
    }

    fn aside(&mut self, dir: usize) -> Option<Run> {
        let back = self.signed()?;
        let at = self.at.next(dir).wrapping_sub(back as u64);
        let len = self.varint()? as u32;
        let step = self.signed()?;
        let number = self.number(step);
        self.at.number = number;
        Some(Run { dir, at, len, number, offset: self.offset(dir)? })
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let head = self.byte()?;
        let (dir, kind, upper) = (usize::from(head & 1), head >> 1 & 3, head >> 3);
        if kind != OTHER {
            return self.data(dir, kind, upper);
        }
        match upper {
            CONFLICT => {
                let run = self.aside(dir)?;
                let step = self.signed()?;
                Some(Entry::Conflict { run, kept: self.number(step) })
            }
            AGAIN => self.aside(dir).map(Entry::Again),
            _ if upper >= END => {
                let how = *ENDS.get(usize::from(upper.wrapping_sub(END)))?;
                let step = self.signed()?;
                self.at.number = self.number(step);
                Some(Entry::End { dir, how, number: self.at.number })
            }
            _ => {
                let why = *GAPS.get(usize::from(upper))?;
                let missing = self.varint()?;
                let next = self.at.next(dir);
                let at = *next;
                if missing == 0 {
                    return Some(Entry::Gap { dir, at, missing: u64::MAX, why });
                }
                *next = at.saturating_add(missing);
                Some(Entry::Gap { dir, at, missing, why })
            }
        }
    }
}

/// Writes down what it hands on.
#[derive(Debug)]
pub struct Logged<'l, D: ?Sized> {
    log: &'l mut Log,
    to: &'l mut D,
}

impl<'l, D: Deliver + ?Sized> Logged<'l, D> {
    /// Hands on to `to` and writes into `log`.
    pub fn new(log: &'l mut Log, to: &'l mut D) -> Logged<'l, D> {
        Logged { log, to }
    }
}

impl<D: Deliver + ?Sized> Deliver for Logged<'_, D> {
    fn data(&mut self, dir: usize, at: u64, bytes: &[u8], from: Source) {
        self.log.data(Run { dir, at, len: bytes.len() as u32, number: from.number, offset: from.offset });
        self.to.data(dir, at, bytes, from);
    }

    fn gap(&mut self, dir: usize, at: u64, missing: u64, why: GapWhy) {
        self.log.gap(dir, missing, why);
        self.to.gap(dir, at, missing, why);
    }

    fn conflict(&mut self, dir: usize, at: u64, len: u32, kept: u32, other: Source) {
        self.log.head(dir, OTHER, CONFLICT);
        self.log.aside(Run { dir, at, len, number: other.number, offset: other.offset });
        self.log.signed(i64::from(kept).wrapping_sub(i64::from(other.number)));
        self.to.conflict(dir, at, len, kept, other);
    }

    fn again(&mut self, dir: usize, at: u64, len: u32, from: Source) {
        self.log.head(dir, OTHER, AGAIN);
        self.log.aside(Run { dir, at, len, number: from.number, offset: from.offset });
        self.to.again(dir, at, len, from);
    }

    fn end(&mut self, dir: usize, how: End, number: u32, time: i64) {
        let how_index = ENDS.iter().position(|e| *e == how).unwrap_or(0) as u8;
        self.log.head(dir, OTHER, END.saturating_add(how_index));
        self.log.step_to(number);
        self.to.end(dir, how, number, time);
    }
}

/// Repeats a delivery from its log: the same calls in the same order, deciding nothing. `fetch` gives the bytes in which the offsets of
/// [`Source`] count (the packet, or the datagram joined from its fragments) and the time of an arrival. Bytes that cannot be fetched any
/// more become a gap ([`GapWhy::Gone`]).
pub fn replay<B: AsRef<[u8]>, D: Deliver + ?Sized>(
    entries: Entries<'_>,
    mut fetch: impl FnMut(u32) -> Option<(B, i64)>,
    out: &mut D,
) {
    for entry in entries {
        replay_entry(entry, &mut fetch, out);
    }
}

/// Repeats one delivery, as [`replay`] does.
pub fn replay_entry<B: AsRef<[u8]>, D: Deliver + ?Sized>(
    entry: Entry,
    fetch: &mut impl FnMut(u32) -> Option<(B, i64)>,
    out: &mut D,
) {
    match entry {
        Entry::Data(run) => {
            let from = run.offset as usize;
            let got = fetch(run.number);
            let part = got.as_ref().and_then(|(b, t)| Some((b.as_ref().get(from..from.saturating_add(run.len as usize))?, *t)));
            match part {
                Some((bytes, time)) => out.data(run.dir, run.at, bytes, run.source(time)),
                None => out.gap(run.dir, run.at, u64::from(run.len), GapWhy::Gone),
            }
        }
        Entry::Again(run) => out.again(run.dir, run.at, run.len, run.source(time_of(fetch, run.number))),
        Entry::Conflict { run, kept } => {
            let time = time_of(fetch, run.number);
            out.conflict(run.dir, run.at, run.len, kept, run.source(time));
        }
        Entry::Gap { dir, at, missing, why } => out.gap(dir, at, missing, why),
        Entry::End { dir, how, number } => {
            let time = time_of(fetch, number);
            out.end(dir, how, number, time);
        }
    }
}

/// The time of an arrival, [`i64::MIN`] if it is gone.
fn time_of<B>(fetch: &mut impl FnMut(u32) -> Option<(B, i64)>, number: u32) -> i64 {
    fetch(number).map_or(i64::MIN, |(_, time)| time)
}
