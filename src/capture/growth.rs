//! Growth: how the one who writes a capture wakes the one who reads it meanwhile, in the same process.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What was written last is kept for a reader who is behind by no more pieces than this. One who is slower reads the file, and does not come
/// back as long as much is written: that costs more than relaying does.
const KEPT: usize = 64;
/// Who is behind by more than this is about to lose touch. It is also what is kept for one who has: what is written may pause.
const PRESSED: usize = 24;
/// Who has lost touch and is behind by no more bytes than this comes back soon where what is written pauses.
const NEAR: u64 = 64 << 20;

/// A file that grows, told by its writer. Clones are handles on the same one.
#[derive(Debug, Clone, Default)]
pub struct Growth(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    now: Mutex<Told>,
    changed: Condvar,
}

/// What was told.
#[derive(Debug, Default)]
struct Told {
    grown: Grown,
    /// Somebody reads along in this process.
    read: bool,
    /// Whoever does so found a piece when it looked last, or had read all: it does not read the file.
    keeps_up: bool,
    /// Where it looked last.
    at: u64,
    /// What was written last, in order, with the offsets.
    pieces: VecDeque<(u64, Bytes)>,
}

/// How far a file has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grown {
    /// Bytes in it.
    pub len: u64,
    /// No more will come.
    pub over: bool,
}

impl Growth {
    fn lock(&self) -> MutexGuard<'_, Told> {
        // Each of them is whole even if somebody panicked.
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.lock());
        self.0.changed.notify_all();
    }

    /// The file now has `len` bytes.
    pub fn grown(&self, len: u64) {
        self.grown_by(len, Vec::new());
    }

    /// The file now has `len` bytes, of which the last are these pieces, each made of whole records. Who reads along takes them from here
    /// instead of reading them back.
    pub fn grown_by(&self, len: u64, pieces: Vec<Bytes>) {
        let all: u64 = pieces.iter().map(|p| p.len() as u64).sum();
        let mut gone = Vec::new();
        self.tell(|told| {
            told.grown.len = len;
            if !told.read {
                gone = pieces;
                return;
            }
            let mut at = len.saturating_sub(all);
            for piece in pieces {
                let next = at.saturating_add(piece.len() as u64);
                told.pieces.push_back((at, piece));
                at = next;
            }
            let kept = if told.keeps_up { KEPT } else { PRESSED };
            let over = told.pieces.len().saturating_sub(kept);
            gone.extend(told.pieces.drain(..over).map(|(_, piece)| piece));
        });
        // Whatever becomes of their memory does not keep anybody waiting.
        drop(gone);
    }

    /// Pieces are wanted from now on.
    pub(crate) fn read_along(&self) {
        self.lock().read = true;
    }

    /// The piece that has offset `at` in it, if it is still here, and where it begins. What lies before is let go.
    pub(crate) fn piece(&self, at: u64) -> Option<(u64, Bytes)> {
        let mut told = self.lock();
        let end = |(from, piece): &(u64, Bytes)| from.saturating_add(piece.len() as u64);
        let past = told.pieces.iter().take_while(|piece| end(piece) <= at).count();
        let gone: Vec<_> = told.pieces.drain(..past).collect();
        let found = told.pieces.front().filter(|(from, _)| *from <= at).cloned();
        // At the end there is nothing to be found, which is not being behind.
        told.keeps_up = found.is_some() || told.pieces.is_empty();
        told.at = at;
        drop(told);
        drop(gone);
        found
    }

    /// Whether who reads along is about to lose touch, where so many pieces more are about to be written, or has just lost it. It keeps up, or
    /// comes back, where whoever makes much of what is written pauses for some milliseconds.
    #[must_use]
    pub fn is_pressed(&self, coming: usize) -> bool {
        let told = self.lock();
        let behind = told.pieces.len();
        if told.keeps_up {
            behind > PRESSED || behind.saturating_add(coming) > 2 * PRESSED
        } else {
            told.read && told.grown.len.saturating_sub(told.at) < NEAR
        }
    }

    /// The file is complete.
    pub fn over(&self) {
        self.tell(|told| told.grown.over = true);
    }

    /// How far it has grown.
    #[must_use]
    pub fn now(&self) -> Grown {
        self.lock().grown
    }

    /// Waits until the file has more than `len` bytes or is complete, at most so long.
    #[must_use]
    pub fn wait(&self, len: u64, most: Duration) -> Grown {
        let held = self.lock();
        let waited = self.0.changed.wait_timeout_while(held, most, |told| told.grown.len <= len && !told.grown.over);
        waited.unwrap_or_else(PoisonError::into_inner).0.grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_by_offset_and_let_go_behind_the_reader() {
        let growth = Growth::default();
        growth.grown_by(10, vec![Bytes::from_static(b"0123456789")]);
        assert_eq!(growth.piece(0), None, "nobody asked for pieces");
        growth.read_along();
        growth.grown_by(20, vec![Bytes::from_static(b"abcd"), Bytes::from_static(b"efghij")]);
        assert_eq!(growth.piece(5), None, "that was before");
        assert_eq!(growth.piece(12), Some((10, Bytes::from_static(b"abcd"))));
        assert_eq!(growth.piece(14), Some((14, Bytes::from_static(b"efghij"))));
        assert_eq!(growth.piece(12), None, "read already");
        for n in 0..100 {
            growth.grown_by(21 + n, vec![Bytes::from_static(b"x")]);
        }
        assert_eq!(growth.piece(20), None, "a reader who is far behind reads the file");
        assert_eq!(growth.piece(119), Some((119, Bytes::from_static(b"x"))));
    }

    #[test]
    fn a_reader_is_pressed_while_it_can_still_come_back() {
        let growth = Growth::default();
        let write = |from: usize, to: usize| {
            for n in from..to {
                growth.grown_by(n as u64 + 1, vec![Bytes::from_static(b"x")]);
            }
        };
        write(0, 100);
        assert!(!growth.is_pressed(0), "nobody reads");
        growth.read_along();
        assert_eq!(growth.piece(100), None);
        write(100, 100 + KEPT);
        assert!(growth.is_pressed(0));
        assert!(!Growth::default().is_pressed(KEPT), "nobody reads that either");
        assert!((100..100 + KEPT as u64).all(|at| growth.piece(at).is_some()), "it comes back");
        assert!(!growth.is_pressed(0));
        write(100 + KEPT, 101 + 2 * KEPT);
        assert_eq!(growth.piece(100 + KEPT as u64), None, "lost");
        assert!(growth.is_pressed(0), "not by far");
        growth.grown(2 * NEAR);
        assert!(!growth.is_pressed(0), "pausing would not help");
    }
}
