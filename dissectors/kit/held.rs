//! Bytes that wait in one direction: as they came while one piece is enough, joined in one memory when it is not.

use bytes::{Bytes, BytesMut};

/// A queue of bytes that reads as one slice.
#[derive(Debug)]
pub enum Held {
    /// One piece, shared with whoever brought it.
    Piece(Bytes),
    /// Several, copied together.
    Joined(BytesMut),
}

impl Default for Held {
    fn default() -> Held {
        Held::Piece(Bytes::new())
    }
}

impl Held {
    /// Adds at the end.
    pub fn push(&mut self, bytes: Bytes) {
        if self.is_empty() {
            *self = Held::Piece(bytes);
            return;
        }
        match self {
            Held::Joined(all) => all.extend_from_slice(&bytes),
            Held::Piece(first) => {
                let mut all = BytesMut::with_capacity(first.len().saturating_add(bytes.len()));
                all.extend_from_slice(first);
                all.extend_from_slice(&bytes);
                *self = Held::Joined(all);
            }
        }
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Held::Piece(b) => b,
            Held::Joined(b) => b,
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Takes the first `n`, or as many as there are.
    pub fn take(&mut self, n: usize) -> Bytes {
        let n = n.min(self.len());
        match self {
            Held::Piece(b) => b.split_to(n),
            Held::Joined(b) => b.split_to(n).freeze(),
        }
    }

    /// Takes all.
    pub fn take_all(&mut self) -> Bytes {
        match std::mem::take(self) {
            Held::Piece(b) => b,
            Held::Joined(b) => b.freeze(),
        }
    }
}
