//! Puts stream bytes that come in pieces and in any order back into a row, within bounds.

use std::collections::BTreeMap;

/// At most so many bytes wait for those before them.
const MOST_HELD: usize = 1 << 20;
/// At most so many pieces wait.
const MOST_PIECES: usize = 1024;

/// The bytes of one stream in one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct Joiner {
    next: u64,
    held: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl Joiner {
    /// Takes `data` at `offset`; returns what can be handed on now, and `false` where a piece was dropped for want of room.
    pub(super) fn push(&mut self, offset: u64, data: &[u8], out: &mut Vec<u8>) -> bool {
        let before = out.len();
        if let Some(new) = usize::try_from(self.next.saturating_sub(offset)).ok().and_then(|known| data.get(known..))
            && offset <= self.next
        {
            out.extend_from_slice(new);
            self.next = self.next.saturating_add(new.len() as u64);
        } else if offset > self.next {
            if self.bytes.saturating_add(data.len()) > MOST_HELD || self.held.len() >= MOST_PIECES {
                return false;
            }
            let longer = self.held.get(&offset).is_none_or(|old| old.len() < data.len());
            if longer {
                self.bytes = self.bytes.saturating_add(data.len());
                if let Some(old) = self.held.insert(offset, data.to_vec()) {
                    self.bytes = self.bytes.saturating_sub(old.len());
                }
            }
        }
        if out.len() > before || !self.held.is_empty() {
            self.hand_on(out);
        }
        true
    }

    fn hand_on(&mut self, out: &mut Vec<u8>) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > self.next {
                break;
            }
            let (at, data) = entry.remove_entry();
            self.bytes = self.bytes.saturating_sub(data.len());
            if let Some(new) = usize::try_from(self.next.saturating_sub(at)).ok().and_then(|known| data.get(known..)) {
                out.extend_from_slice(new);
                self.next = self.next.saturating_add(new.len() as u64);
            }
        }
    }

    /// How far the stream is complete.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Bytes of memory held.
    pub(super) fn weight(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_any_order_and_twice_give_the_stream_once() {
        let mut j = Joiner::default();
        let mut out = Vec::new();
        for (at, piece) in [(4, &b"efgh"[..]), (2, b"cdef"), (10, b"kl"), (0, b"abc"), (1, b"bc"), (8, b"ijk")] {
            assert!(j.push(at, piece, &mut out));
        }
        assert_eq!(out, b"abcdefghijkl");
        assert_eq!((j.next(), j.weight()), (12, 0));
    }
}
