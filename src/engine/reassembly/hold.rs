//! What waits: pieces of segments in stream order, at most one for each offset, and the facts about them.

use super::{End, Source};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// What a waiting piece costs besides its bytes: map node, allocation. Counted, so that tiny segments cannot outgrow the bound.
const OVERHEAD: usize = 96;
/// Remarks that may wait in one direction.
const MAX_REMARKS: usize = 64;

/// All that waits in a flow.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) side: [Side; 2],
    /// A reset was seen; it takes effect when nothing more comes.
    pub(super) reset: Option<Reset>,
}

impl Waiting {
    pub(super) fn held(&self) -> usize {
        self.side.iter().map(|s| s.size).fold(0, usize::saturating_add)
    }

    pub(super) fn side(&self, dir: usize) -> &Side {
        let [first, second] = &self.side;
        if dir == 0 { first } else { second }
    }

    pub(super) fn side_mut(&mut self, dir: usize) -> &mut Side {
        let [first, second] = &mut self.side;
        if dir == 0 { first } else { second }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.reset.is_none() && self.side.iter().all(Side::is_idle)
    }
}

/// A reset that has not taken effect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reset {
    pub(super) number: u32,
    pub(super) time: i64,
    /// Packet count and time of the last segment with something new since then.
    pub(super) packets: u32,
    pub(super) last: i64,
}

/// What waits in one direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    held: BTreeMap<u64, Held>,
    /// Ranges known to be cut by the snap length: first offset → offset behind the last.
    cuts: BTreeMap<u64, u64>,
    /// Said when the bytes they speak of have been delivered.
    remarks: Vec<Remark>,
    pub(super) fin: Option<Fin>,
    pub(super) clock: Option<Clock>,
    /// Acknowledgements up to here count as satisfied, though the bytes were neither delivered nor declared missing.
    pub(super) granted: u64,
    size: usize,
}

/// Bytes that wait.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Box<[u8]>,
    /// Offset up to which the other direction must have been delivered before.
    pub(super) need: u64,
    pub(super) from: Source,
}

/// A FIN that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fin {
    pub(super) at: u64,
    pub(super) need: u64,
    pub(super) number: u32,
    pub(super) time: i64,
}

/// Why a direction's clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// Bytes are missing that the other side has acknowledged.
    Acked,
    /// Bytes are missing and the other side is not in the capture.
    OneSided,
    /// Bytes before the first ones may still come.
    Midstream,
}

/// Patience that is running out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) since: Since,
    pub(super) time: i64,
    pub(super) packets: u32,
    /// The offset up to which bytes were missing when it began to run.
    pub(super) level: u64,
}

/// Something to say about bytes that wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remark {
    pub(super) at: u64,
    pub(super) len: u32,
    /// Some: the bytes differ from those of that arrival. None: they are the same.
    pub(super) kept: Option<u32>,
    pub(super) other: Source,
}

impl Side {
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty()
            && self.cuts.is_empty()
            && self.fin.is_none()
            && self.clock.is_none()
            && self.remarks.is_empty()
            && self.granted == 0
    }

    /// Whether bytes or an end wait.
    pub(super) fn has_more(&self) -> bool {
        !self.held.is_empty() || self.fin.is_some()
    }

    /// Offset and bytes of the first piece.
    pub(super) fn first(&self) -> Option<(u64, &Held)> {
        self.held.first_key_value().map(|(at, held)| (*at, held))
    }

    /// Offset of the first thing that waits: bytes or the end.
    pub(super) fn first_at(&self) -> Option<u64> {
        let bytes = self.held.first_key_value().map(|(at, _)| *at);
        let fin = self.fin.map(|f| f.at);
        match (bytes, fin) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Arrival of the first thing that waits.
    pub(super) fn first_number(&self) -> Option<u32> {
        let bytes = self.held.first_key_value().map(|(_, held)| held.from.number);
        bytes.or(self.fin.map(|f| f.number))
    }

    /// Offset behind the last piece, 0 if there is none.
    pub(super) fn last_end(&self) -> u64 {
        self.held.last_key_value().map_or(0, |(at, held)| end_of(*at, held))
    }

    pub(super) fn pop(&mut self) -> Option<(u64, Held)> {
        let (at, held) = self.held.pop_first()?;
        self.size = self.size.saturating_sub(held.bytes.len().saturating_add(OVERHEAD));
        Some((at, held))
    }

    /// Forgets all that waits; gives how many things that were.
    pub(super) fn clear(&mut self) -> u32 {
        let n = self.held.len().saturating_add(self.remarks.len());
        *self = Side::default();
        u32::try_from(n).unwrap_or(u32::MAX)
    }

    /// Keeps what of `bytes` is not yet there; the earlier bytes win, and what came again is remarked. Gives how many remarks found no room.
    pub(super) fn insert(&mut self, at: u64, bytes: &[u8], need: u64, from: Source) -> u32 {
        let end = at.saturating_add(bytes.len() as u64);
        let mut holes: SmallVec<[(u64, u64); 4]> = SmallVec::new();
        let mut remarks: SmallVec<[Remark; 2]> = SmallVec::new();
        let start = self.held.range(..=at).next_back().filter(|(a, h)| end_of(**a, h) > at).map_or(at, |(a, _)| *a);
        let mut cursor = at;
        for (&held_at, held) in self.held.range_mut(start..end) {
            let held_end = end_of(held_at, held);
            if at <= held_at && end >= held_end {
                // A retransmission may carry a later acknowledgement than the first sending, whichever of them came first.
                held.need = held.need.min(need);
            }
            if held_at > cursor {
                holes.push((cursor, held_at));
            }
            let (lo, hi) = (held_at.max(at), held_end.min(end));
            let mine = slice(bytes, at, lo, hi);
            let theirs = slice(&held.bytes, held_at, lo, hi);
            let other = moved(from, lo.saturating_sub(at));
            remarks.push(compare(lo, mine, theirs, held.from.number, other));
            cursor = hi;
        }
        if cursor < end {
            holes.push((cursor, end));
        }
        for (lo, hi) in holes {
            let piece = slice(bytes, at, lo, hi);
            self.size = self.size.saturating_add(piece.len()).saturating_add(OVERHEAD);
            self.held.insert(lo, Held { bytes: piece.into(), need, from: moved(from, lo.saturating_sub(at)) });
        }
        let mut lost = 0u32;
        for remark in remarks {
            lost = lost.saturating_add(self.remark(remark));
        }
        lost
    }

    fn remark(&mut self, remark: Remark) -> u32 {
        if self.remarks.len() >= MAX_REMARKS {
            return 1;
        }
        self.remarks.push(remark);
        0
    }

    /// Takes one remark on bytes before `next`.
    pub(super) fn take_remark(&mut self, next: u64) -> Option<Remark> {
        let i = self.remarks.iter().position(|r| r.at < next)?;
        Some(self.remarks.remove(i))
    }

    /// Notes that the bytes of a range are known to be cut off. Gives 1 if there was no room to.
    pub(super) fn cut(&mut self, at: u64, end: u64) -> u32 {
        if self.cuts.len() >= self.held.len().saturating_add(MAX_REMARKS) {
            return 1;
        }
        let known = self.cuts.entry(at).or_insert(end);
        *known = (*known).max(end);
        0
    }

    /// If the bytes at `next` are known to be cut off: the offset at which they go on. Older cuts are forgotten.
    pub(super) fn cut_at(&mut self, next: u64) -> Option<u64> {
        while let Some((&at, &end)) = self.cuts.first_key_value() {
            if at > next {
                return None;
            }
            self.cuts.pop_first();
            if end > next {
                let to = self.held.first_key_value().map_or(end, |(held_at, _)| end.min(*held_at));
                if to < end {
                    self.cuts.insert(to.max(next.saturating_add(1)), end);
                }
                return Some(to).filter(|t| *t > next);
            }
        }
        None
    }

    /// Shifts all offsets up by `by`: earlier bytes have come, and nothing was delivered yet.
    pub(super) fn shift(&mut self, by: u64) {
        self.held = std::mem::take(&mut self.held).into_iter().map(|(at, held)| (at.saturating_add(by), held)).collect();
        self.cuts =
            std::mem::take(&mut self.cuts).into_iter().map(|(at, end)| (at.saturating_add(by), end.saturating_add(by))).collect();
        for r in &mut self.remarks {
            r.at = r.at.saturating_add(by);
        }
        if let Some(fin) = &mut self.fin {
            fin.at = fin.at.saturating_add(by);
        }
    }
}

impl Waiting {
    /// A reset, unless one is known.
    pub(super) fn reset(&mut self, number: u32, time: i64, packets: u32) {
        if self.reset.is_none() {
            self.reset = Some(Reset { number, time, packets, last: time });
        }
    }
}

impl Fin {
    /// How a FIN ends a direction.
    pub(super) const HOW: End = End::Fin;
}

fn end_of(at: u64, held: &Held) -> u64 {
    at.saturating_add(held.bytes.len() as u64)
}

/// The bytes [lo, hi) of a run that begins at `at`.
fn slice(bytes: &[u8], at: u64, lo: u64, hi: u64) -> &[u8] {
    bytes.get(lo.saturating_sub(at) as usize..hi.saturating_sub(at) as usize).unwrap_or(&[])
}

/// The source `by` bytes further on.
pub(super) fn moved(from: Source, by: u64) -> Source {
    Source { offset: from.offset.saturating_add(by as u32), ..from }
}

/// What to say about `mine`, which came for the same offsets as `theirs`: from the first byte that differs to the last.
fn compare(at: u64, mine: &[u8], theirs: &[u8], kept: u32, other: Source) -> Remark {
    let differs = |(a, b): (&u8, &u8)| a != b;
    match (mine.iter().zip(theirs).position(differs), mine.iter().zip(theirs).rposition(differs)) {
        (Some(first), Some(last)) => Remark {
            at: at.saturating_add(first as u64),
            len: last.saturating_sub(first).saturating_add(1) as u32,
            kept: Some(kept),
            other: moved(other, first as u64),
        },
        _ => Remark { at, len: mine.len() as u32, kept: None, other },
    }
}
