//! What is to be changed in a stream or packet: ranges that do not overlap, each with what takes its place.

use std::collections::BTreeMap;
use std::ops::Range;

/// What takes the place of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum With {
    /// These.
    Bytes(Box<[u8]>),
    /// They, XORed with these: what stands under a mask.
    Xor(Box<[u8]>),
    /// Zeros.
    Zeros,
    /// Letters and digits become `A`, so that text forms of bytes stay that.
    Letters,
}

/// A range that is changed, `len` bytes from its place on.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub len: u64,
    pub with: With,
    /// The finding that it belongs to.
    pub finding: u32,
}

impl Spot {
    /// The part of it at these offsets from its first byte.
    pub fn cut(&self, part: Range<u64>) -> Spot {
        let pick = |bytes: &[u8]| bytes.get(part.start as usize..part.end as usize).unwrap_or_default().into();
        let with = match &self.with {
            With::Bytes(b) => With::Bytes(pick(b)),
            With::Xor(b) => With::Xor(pick(b)),
            With::Zeros => With::Zeros,
            With::Letters => With::Letters,
        };
        Spot { len: part.end.saturating_sub(part.start), with, ..*self }
    }

    /// Writes bytes `from..` of it over `to`.
    pub fn write(&self, from: u64, to: &mut [u8]) {
        let from = from as usize;
        match &self.with {
            With::Bytes(b) => to.iter_mut().zip(b.iter().skip(from)).for_each(|(t, b)| *t = *b),
            With::Xor(b) => to.iter_mut().zip(b.iter().skip(from)).for_each(|(t, b)| *t ^= *b),
            With::Zeros => to.fill(0),
            With::Letters => {
                to.iter_mut().filter(|t| t.is_ascii_alphanumeric() || matches!(**t, b'+' | b'/' | 0x80..)).for_each(|t| *t = b'A')
            }
        }
    }
}

/// The spots of one stream or packet, by offset.
#[derive(Debug, Clone, Default)]
pub(super) struct Spots(BTreeMap<u64, Spot>);

impl Spots {
    /// Adds what of a spot nobody has covered yet; whether there was any.
    pub fn add(&mut self, at: u64, spot: &Spot) -> bool {
        let end = at.saturating_add(spot.len);
        let mut free = Vec::new();
        let mut next = at;
        for (from, to, _) in self.over(at..end) {
            if from > next {
                free.push(next..from);
            }
            next = next.max(to);
        }
        if next < end {
            free.push(next..end);
        }
        let added = !free.is_empty();
        for range in free {
            let cut = spot.cut(range.start.saturating_sub(at)..range.end.saturating_sub(at));
            self.0.insert(range.start, cut);
        }
        added
    }

    /// The spots that touch a range: first offset, end, spot.
    pub fn over(&self, range: Range<u64>) -> impl Iterator<Item = (u64, u64, &Spot)> {
        let first = self.0.range(..range.start).next_back().map(|(at, s)| (*at, s));
        let rest = self.0.range(range.start..range.end.max(range.start)).map(|(at, s)| (*at, s));
        let ends = |(at, s): (u64, &Spot)| at.saturating_add(s.len);
        first.filter(move |f| ends(*f) > range.start).into_iter().chain(rest).map(|(at, s)| (at, at.saturating_add(s.len), s))
    }

    /// Writes what touches `range` over its bytes; tells each spot with its range there.
    pub fn write(&self, range: Range<u64>, bytes: &mut [u8], each: &mut dyn FnMut(&Spot, Range<usize>)) {
        for (from, to, spot) in self.over(range.clone()) {
            let (lo, hi) = (from.max(range.start), to.min(range.end));
            let part = lo.saturating_sub(range.start) as usize..hi.saturating_sub(range.start) as usize;
            if let Some(to) = bytes.get_mut(part.clone()) {
                spot.write(lo.saturating_sub(from), to);
                each(spot, part);
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_first_stays_and_the_rest_is_cut_around_it() {
        let spot = |text: &str, finding| Spot { len: text.len() as u64, with: With::Bytes(text.as_bytes().into()), finding };
        let mut spots = Spots::default();
        assert!(spots.add(4, &spot("BC", 0)));
        assert!(spots.add(2, &spot("012345", 1)));
        assert!(!spots.add(3, &spot("zz", 2)));
        let mut bytes = *b"..........";
        spots.write(0..10, &mut bytes, &mut |_, _| {});
        assert_eq!(&bytes, b"..01BC45..");
        let mut part = *b"..";
        spots.write(5..7, &mut part, &mut |_, _| {});
        assert_eq!(&part, b"C4");
    }
}
