//! Source maps of TCP streams, read from their delivery logs: which arrivals carry a byte, which bytes an arrival carries, and which came
//! again with other values.

use crate::log::{Entries, Entry, Log, Run};
use crate::reassembly::{GapWhy, Source};
use bytes::Bytes;
use std::ops::Range;
use wirelore_kit::{BufId, How, Piece, Span};

/// Where the stream bytes `range` of direction `dir` came from, in stream order. What is missing from the capture is missing here.
#[must_use]
pub fn pieces(log: &Log, dir: usize, range: Range<u64>) -> Vec<Piece> {
    let mut found = Vec::new();
    for entry in log.entries() {
        match entry {
            Entry::Data(run) if run.dir == dir => {
                if run.at >= range.end {
                    break;
                }
                found.extend(overlap(&run, &range).map(|run| Piece {
                    at: run.at,
                    len: run.len,
                    from: Span::new(BufId::arrival(u64::from(run.number)), u64::from(run.offset), run.len),
                    how: How::Verbatim,
                }));
            }
            _ => {}
        }
    }
    found
}

/// Bytes of the stream that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Stream offset.
    pub at: u64,
    /// How many; [`u64::MAX`]: unknown, and they take no offsets.
    pub missing: u64,
    /// Why.
    pub why: GapWhy,
}

/// The gaps that touch the stream bytes `range` of direction `dir`; those of unknown size also where they stand at one of its ends.
#[must_use]
pub fn gaps(log: &Log, dir: usize, range: Range<u64>) -> Vec<Gap> {
    let mut found = Vec::new();
    for entry in log.entries() {
        match entry {
            Entry::Gap { dir: d, at, missing, why } if d == dir => {
                let touches = match missing {
                    u64::MAX => at >= range.start && at <= range.end,
                    n => at < range.end && at.saturating_add(n) > range.start,
                };
                if touches {
                    found.push(Gap { at, missing, why });
                }
            }
            _ => {}
        }
    }
    found
}

/// Stream bytes that an arrival carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The bytes and their place in the stream.
    pub run: Run,
    /// Whether these are the bytes that were delivered; if not, the offsets had their bytes already, or had been declared missing.
    pub used: bool,
}

/// Which stream bytes arrival `number` carries, by direction and offset. Overlaps that were found to differ are listed apart.
#[must_use]
pub fn carried(log: &Log, number: u32) -> Vec<Carried> {
    let mut found: Vec<Carried> = log
        .entries()
        .filter_map(|entry| match entry {
            Entry::Data(run) if run.number == number => Some(Carried { run, used: true }),
            Entry::Again(run) | Entry::Conflict { run, .. } if run.number == number => Some(Carried { run, used: false }),
            _ => None,
        })
        .collect();
    found.sort_by_key(|c| (c.run.dir, c.run.at));
    found
}

/// Bytes that came more than once, with different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Direction.
    pub dir: usize,
    /// Stream offset of the first byte that differs.
    pub at: u64,
    /// From there to the last that differs, in bytes.
    pub len: u32,
    /// Arrival of the bytes that were delivered.
    pub kept: u32,
    /// The others.
    pub other: Source,
}

/// All conflicts of a flow, those included that delivery could not see because the first bytes had long been handed on: what came again
/// is fetched and compared. `fetch` is that of [`crate::log::replay`]. In order of direction and offset.
#[must_use]
pub fn conflicts(log: &Log, mut fetch: impl FnMut(u32) -> Option<(Bytes, i64)>) -> Vec<Conflict> {
    let mut found = Vec::new();
    for dir in 0..2 {
        let mut again: Vec<Run> = Vec::new();
        for entry in log.entries() {
            match entry {
                Entry::Conflict { run, kept } if run.dir == dir => {
                    let time = fetch(run.number).map_or(i64::MIN, |(_, time)| time);
                    let other = Source { number: run.number, time, offset: run.offset };
                    found.push(Conflict { dir, at: run.at, len: run.len, kept, other });
                }
                // One byte may be a keep-alive's, whose value means nothing (RFC 9293 §3.8.4).
                Entry::Again(run) if run.dir == dir && run.len > 1 => again.push(run),
                _ => {}
            }
        }
        if !again.is_empty() {
            again.sort_by_key(|run| run.at);
            compare_all(log.entries(), dir, &again, &mut fetch, &mut found);
        }
    }
    found.sort_by_key(|c| (c.dir, c.at));
    found
}

/// Compares runs, sorted by offset, with what was delivered at their offsets.
fn compare_all(
    entries: Entries<'_>,
    dir: usize,
    again: &[Run],
    fetch: &mut impl FnMut(u32) -> Option<(Bytes, i64)>,
    found: &mut Vec<Conflict>,
) {
    let mut coming = again.iter().peekable();
    let mut open: Vec<Run> = Vec::new();
    for entry in entries {
        let Entry::Data(run) = entry else { continue };
        if run.dir != dir {
            continue;
        }
        while let Some(next) = coming.next_if(|next| next.at < run.end()) {
            open.push(*next);
        }
        open.retain(|other| other.end() > run.at);
        if open.is_empty() {
            if coming.peek().is_none() {
                return;
            }
            continue;
        }
        let Some((kept_bytes, _)) = fetch(run.number) else { continue };
        for other in &open {
            let Some(mine) = overlap(&run, &(other.at..other.end())) else { continue };
            let Some(theirs) = overlap(other, &(run.at..run.end())) else { continue };
            let Some((other_bytes, time)) = fetch(other.number) else { continue };
            let differs = |(a, b): (&u8, &u8)| a != b;
            let pairs = || slice(&kept_bytes, &mine).iter().zip(slice(&other_bytes, &theirs));
            if let (Some(first), Some(last)) = (pairs().position(differs), pairs().rposition(differs)) {
                found.push(Conflict {
                    dir,
                    at: theirs.at.saturating_add(first as u64),
                    len: last.saturating_sub(first).saturating_add(1) as u32,
                    kept: run.number,
                    other: Source { number: other.number, time, offset: theirs.offset.saturating_add(first as u32) },
                });
            }
        }
    }
}

/// The part of a run that stands in `range`.
fn overlap(run: &Run, range: &Range<u64>) -> Option<Run> {
    let (lo, hi) = (run.at.max(range.start), run.end().min(range.end));
    if lo >= hi {
        return None;
    }
    let skip = lo.saturating_sub(run.at);
    Some(Run { at: lo, len: hi.saturating_sub(lo) as u32, offset: run.offset.saturating_add(skip as u32), ..*run })
}

/// The bytes of a run in the packet that carries it.
fn slice<'b>(packet: &'b [u8], run: &Run) -> &'b [u8] {
    let from = run.offset as usize;
    packet.get(from..from.saturating_add(run.len as usize)).unwrap_or(&[])
}
