//! Memory of what was written is given back to the system while a long session is recorded.
//!
//! The system keeps what is written in memory until that is full. Memory that was never touched costs far more to write to than memory
//! that was just in use: three to ten times, on virtual machines above all. So a long file is sent to the disk as it grows, and what lies
//! on it is let go: the same memory is used again and again. A thread of its own does that: it may wait for the disk, the writer may not.

use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// A file shorter than this stays in memory whole: most sessions are, and are read again.
const LONG: u64 = 64 << 20;
/// So much at once.
const PIECE: u64 = 4 << 20;
/// So far behind its end a file is let go: who reads it while it grows has read that.
const BEHIND: u64 = 48 << 20;
/// So far back it is looked at again for what was not on the disk the last time.
const AGAIN: u64 = 256 << 20;

/// Lets go of a file's written pieces.
#[derive(Debug)]
pub struct Settle {
    /// How long the file is, and the word to look.
    told: Option<(Arc<AtomicU64>, SyncSender<()>)>,
    last: u64,
}

impl Settle {
    /// For this file. Without a second handle or a thread nothing is let go, which costs speed only.
    #[must_use]
    pub fn new(file: &File) -> Settle {
        let told = file.try_clone().ok().and_then(|file| {
            let (look, looks) = sync_channel::<()>(1);
            let len = Arc::new(AtomicU64::new(0));
            let seen = Arc::clone(&len);
            let thread = std::thread::Builder::new().name("settle".into());
            let run = move || {
                let mut sent = 0;
                for () in looks {
                    let len = seen.load(Ordering::Relaxed);
                    settle(&file, sent, len);
                    sent = len;
                }
            };
            thread.spawn(run).ok()?;
            Some((len, look))
        });
        Settle { told, last: 0 }
    }

    /// The file is so long now.
    pub fn grown(&mut self, len: u64) {
        if len >= LONG && len.saturating_sub(self.last) >= PIECE {
            self.last = len;
            if let Some((told, look)) = &self.told {
                told.store(len, Ordering::Relaxed);
                // It may still be busy with what came before: then it looks once more, and sees all of it.
                let _ = look.try_send(());
            }
        }
    }
}

/// Has what is new since `sent` written to the disk, and what is far behind let go. The advice is the same for both: it begins to write
/// what is not on the disk, and drops what is.
fn settle(file: &File, sent: u64, len: u64) {
    let behind = len.saturating_sub(BEHIND);
    for (from, to) in [(sent, len), (behind.saturating_sub(AGAIN), behind)] {
        if let Some(len) = NonZeroU64::new(to.saturating_sub(from)) {
            // It is advice: a file system that cannot take it loses nothing.
            let _ = fadvise(file, from, Some(len), Advice::DontNeed);
        }
    }
}
