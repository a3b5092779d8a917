//! Memory of what was written is given back to the system while a long session is recorded.
//!
//! The system keeps what is written in memory until that is full. Memory that was never touched costs far more to write to than memory
//! that was just in use: three to ten times, on virtual machines above all. So a long file is sent to the disk as it grows, and what lies
//! on it is let go: the same memory is used again and again. A thread of its own does that: it may wait for the disk, the writer may not.

use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::num::NonZeroU64;
use std::sync::mpsc::{SyncSender, sync_channel};

/// A file shorter than this stays in memory whole: most sessions are, and are read again.
const LONG: u64 = 64 << 20;
/// So much at once.
const PIECE: u64 = 4 << 20;
/// So far behind its end a file is let go: who reads it while it grows has read that.
const BEHIND: u64 = 48 << 20;

/// Lets go of a file's written pieces.
#[derive(Debug)]
pub struct Settle {
    /// Told how long the file is.
    told: Option<SyncSender<u64>>,
    last: u64,
}

impl Settle {
    /// For this file. Without a second handle or a thread nothing is let go, which costs speed only.
    #[must_use]
    pub fn new(file: &File) -> Settle {
        let told = file.try_clone().ok().and_then(|file| {
            let (told, lengths) = sync_channel::<u64>(64);
            let thread = std::thread::Builder::new().name("settle".into());
            thread.spawn(move || lengths.iter().for_each(|len| settle(&file, len))).ok()?;
            Some(told)
        });
        Settle { told, last: 0 }
    }

    /// The file is so long now.
    pub fn grown(&mut self, len: u64) {
        if len >= LONG && len.saturating_sub(self.last) >= PIECE {
            self.last = len;
            if let Some(told) = &self.told {
                // When the disk is behind, the piece stays in memory until the system writes it.
                let _ = told.try_send(len);
            }
        }
    }
}

/// Has the newest pieces sent to the disk, and those far behind let go. This advice begins the writing of what is not on the disk yet and
/// drops what is, so that each piece is named twice.
fn settle(file: &File, len: u64) {
    let piece = NonZeroU64::new(PIECE.saturating_mul(2));
    for end in [len, len.saturating_sub(BEHIND)] {
        let from = end.saturating_sub(PIECE.saturating_mul(2));
        // It is advice: a file system that cannot take it loses nothing.
        let _ = fadvise(file, from, piece, Advice::DontNeed);
    }
}
