//! Sets of rows as bits, and filling them by blocks on several threads.

use crate::jobs::{Work, in_parallel};

/// Rows of a block: what one thread does at a time.
pub(crate) const BLOCK: u32 = 4096;
const WORDS: usize = BLOCK as usize / 64;

/// A set of row numbers below a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: u32,
}

impl Bits {
    /// None of `len` rows.
    #[must_use]
    pub fn none(len: u32) -> Bits {
        Bits { words: vec![0; (len as usize).div_ceil(64)], len }
    }

    /// All of `len` rows.
    #[must_use]
    pub fn all(len: u32) -> Bits {
        let mut bits = Bits { words: vec![u64::MAX; (len as usize).div_ceil(64)], len };
        bits.trim();
        bits
    }

    /// Bits behind the end are never set, so that counting and turning round stay right.
    fn trim(&mut self) {
        let over = self.words.len() as u32 * 64 - self.len;
        if let Some(last) = self.words.last_mut().filter(|_| over > 0) {
            *last &= u64::MAX >> over;
        }
    }

    /// Whether a row is in it.
    #[inline]
    #[must_use]
    pub fn has(&self, row: u32) -> bool {
        self.words.get(row as usize / 64).is_some_and(|w| w >> (row % 64) & 1 == 1)
    }

    /// Adds a row below the bound.
    #[inline]
    pub fn set(&mut self, row: u32) {
        if row < self.len
            && let Some(w) = self.words.get_mut(row as usize / 64)
        {
            *w |= 1 << (row % 64);
        }
    }

    /// Leaves those that `other` has too.
    pub fn and(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    /// Adds those of `other`.
    pub fn or(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// The others.
    pub fn flip(&mut self) {
        self.words.iter_mut().for_each(|w| *w = !*w);
        self.trim();
    }

    /// Row numbers, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(i, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(i as u32 * 64 + bit)
            })
        })
    }

    /// How many rows.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words.iter().map(|w| w.count_ones()).sum()
    }

    /// Row numbers in a list, rising.
    #[must_use]
    pub fn rows(&self) -> Vec<u32> {
        let mut rows = Vec::with_capacity(self.count() as usize);
        rows.extend(self.iter());
        rows
    }

    /// Fills blocks of [`BLOCK`] rows in parallel: `fill(number of the block, its bits)`. `None` when cancelled.
    pub(crate) fn filled(len: u32, work: &Work, fill: impl Fn(u32, &mut Block<'_>) + Sync) -> Option<Bits> {
        let mut bits = Bits::none(len);
        let blocks: Vec<_> = bits.words.chunks_mut(WORDS).enumerate().collect();
        work.expect(blocks.len() as u64);
        in_parallel(work, blocks, |(i, words)| fill(i as u32, &mut Block { words }))?;
        bits.trim();
        Some(bits)
    }
}

/// The bits of one block.
#[derive(Debug)]
pub(crate) struct Block<'b> {
    words: &'b mut [u64],
}

impl Block<'_> {
    /// Sets or clears row `row` of the block.
    #[inline]
    pub fn put(&mut self, row: usize, value: bool) {
        if let Some(w) = self.words.get_mut(row / 64) {
            let bit = 1 << (row % 64);
            if value {
                *w |= bit;
            } else {
                *w &= !bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_round_keeps_within_the_end() {
        for len in [0, 1, 63, 64, 65, 5000] {
            let mut bits = Bits::none(len);
            bits.set(3);
            bits.set(len);
            bits.flip();
            let expected: Vec<u32> = (0..len).filter(|i| *i != 3).collect();
            assert_eq!(bits.rows(), expected);
            assert!(!bits.has(3) && !bits.has(len));
            assert_eq!(Bits::all(len).rows().len(), len as usize);
        }
    }

    #[test]
    fn blocks_are_filled_where_they_belong() {
        let bits = Bits::filled(100_000, &Work::new(), |block, rows| {
            (0..4096).for_each(|i| rows.put(i, (block as usize * 4096 + i).is_multiple_of(7)))
        })
        .unwrap();
        assert_eq!(bits.rows(), (0..100_000).filter(|i| i % 7 == 0).collect::<Vec<u32>>());
    }

    #[test]
    fn cancelled_work_gives_nothing() {
        let work = Work::new();
        work.cancel().cancel();
        assert_eq!(Bits::filled(10, &work, |_, _| ()), None);
    }
}
