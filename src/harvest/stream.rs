//! The bytes of a stream from the message at hand on, for those who search protocols for bytes.

use crate::recall::MOST_BUFFER;

/// Bytes that were never captured stand as zeros, up to so many.
const MOST_HOLE: u64 = 1 << 20;

/// The last bytes of a stream.
#[derive(Default)]
pub(super) struct StreamBytes {
    base: u64,
    bytes: Vec<u8>,
}

impl StreamBytes {
    /// Bytes come, of offset `at`.
    pub fn push(&mut self, at: u64, bytes: &[u8]) {
        let end = self.base.saturating_add(self.bytes.len() as u64);
        if at < end || at.saturating_sub(end) > MOST_HOLE {
            self.bytes.clear();
            self.base = at;
        }
        self.bytes.resize(at.saturating_sub(self.base) as usize, 0);
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * MOST_BUFFER {
            let over = self.bytes.len() - MOST_BUFFER;
            self.bytes.drain(..over);
            self.base = self.base.saturating_add(over as u64);
        }
    }

    /// A message is whole: hands on its bytes, as far as they are held, and forgets them.
    pub fn take(&mut self, at: u64, len: u64, with: impl FnOnce(&[u8])) {
        let place = |at: u64| (at.saturating_sub(self.base) as usize).min(self.bytes.len());
        let (from, to) = (place(at), place(at.saturating_add(len)));
        with(self.bytes.get(from..to).unwrap_or(&[]));
        self.bytes.drain(..to);
        self.base = self.base.saturating_add(to as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_in_turn() {
        let mut s = StreamBytes::default();
        s.push(10, b"one");
        s.push(13, b"two");
        s.push(18, b"four");
        let mut got = Vec::new();
        s.take(10, 3, |b| got.push(b.to_vec()));
        s.take(13, 7, |b| got.push(b.to_vec()));
        s.take(20, 9, |b| got.push(b.to_vec()));
        assert_eq!(got, [b"one".to_vec(), b"two\0\0fo".to_vec(), b"ur".to_vec()]);
    }
}
