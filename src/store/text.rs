//! Text of a segment, each distinct string once: summaries and text cells refer to it by number.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Distinct strings end to end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Strings {
    #[inline]
    pub fn get(&self, number: u32) -> &[u8] {
        let Some(end) = self.ends.get(number as usize) else { return &[] };
        let start = number.checked_sub(1).and_then(|n| self.ends.get(n as usize)).copied().unwrap_or(0);
        self.bytes.get(start as usize..*end as usize).unwrap_or(&[])
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All bytes, in order of number.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The string that holds byte `at` of [`Strings::bytes`]: its number and range. It must not stand before string `from`;
    /// strings near that are found sooner. Empty strings hold no byte.
    pub fn holding(&self, at: usize, from: u32) -> Option<(u32, std::ops::Range<usize>)> {
        let later = self.ends.get(from as usize..)?;
        let mut reach = 1;
        while later.get(reach - 1).is_some_and(|end| *end as usize <= at) {
            reach *= 2;
        }
        let low = reach / 2;
        let near = later.get(low..reach.min(later.len()))?;
        let number = from as usize + low + near.partition_point(|end| *end as usize <= at);
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).and_then(|n| self.ends.get(n)).map_or(0, |s| *s as usize);
        Some((number as u32, start..end))
    }

    /// Adds a string without looking whether it is there; `None` when offsets run out.
    pub fn push(&mut self, text: &[u8]) -> Option<u32> {
        let end = u32::try_from(self.bytes.len().checked_add(text.len())?).ok()?;
        let number = u32::try_from(self.ends.len()).ok()?;
        self.bytes.extend_from_slice(text);
        self.ends.push(end);
        Some(number)
    }

    pub fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    /// None yet, with room for about as much as there is here.
    pub fn next(&self) -> Strings {
        let room = |len: usize| len + len / 8;
        Strings { ends: Vec::with_capacity(room(self.ends.len())), bytes: Vec::with_capacity(room(self.bytes.len())) }
    }

    pub fn shrink_to_fit(&mut self) {
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    pub fn heap_size(&self) -> usize {
        self.ends.capacity() * 4 + self.bytes.capacity()
    }
}

/// Finds strings that are there already, while a segment grows.
#[derive(Debug, Default)]
pub(crate) struct StringIndex {
    seed: DefaultHashBuilder,
    numbers: HashTable<u32>,
}

impl StringIndex {
    /// The number of `text` in `strings`, added if need be; `None` when offsets run out.
    #[inline]
    pub fn number(&mut self, strings: &mut Strings, text: &[u8]) -> Option<u32> {
        let hash = self.seed.hash_one(text);
        if let Some(n) = self.numbers.find(hash, |n| strings.get(*n) == text) {
            return Some(*n);
        }
        let number = strings.push(text)?;
        let seed = &self.seed;
        self.numbers.insert_unique(hash, number, |n| seed.hash_one(strings.get(*n)));
        Some(number)
    }

    pub fn clear(&mut self) {
        self.numbers.clear();
    }

    pub fn heap_size(&self) -> usize {
        self.numbers.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_are_kept_once_and_found_by_their_bytes() {
        let (mut strings, mut index) = (Strings::default(), StringIndex::default());
        let numbers: Vec<_> =
            [&b"GET"[..], b"", b"shop.example", b"GET", b""].iter().map(|t| index.number(&mut strings, t).unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 0, 1]);
        assert_eq!(strings.len(), 3);
        assert_eq!(strings.get(2), b"shop.example");
        assert_eq!(strings.get(9), b"");
        assert_eq!(strings.holding(2, 0), Some((0, 0..3)));
        assert_eq!(strings.holding(3, 0), Some((2, 3..15)));
        assert_eq!(strings.holding(15, 0), None);
    }

    #[test]
    fn the_holder_of_each_byte_is_found_from_anywhere_before_it() {
        let mut strings = Strings::default();
        for i in 0..100usize {
            strings.push(&vec![b'x'; i % 4]);
        }
        let mut at = 0;
        for i in 0..100u32 {
            for _ in 0..i % 4 {
                for from in 0..=i {
                    assert_eq!(strings.holding(at, from).map(|h| h.0), Some(i));
                }
                at += 1;
            }
        }
        assert_eq!(strings.holding(at, 7), None);
        assert_eq!(strings.holding(at, 700), None);
    }
}
