//! Growth: how the one who writes a capture wakes the one who reads it meanwhile, in the same process.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A file that grows, told by its writer. Clones are handles on the same one.
#[derive(Debug, Clone, Default)]
pub struct Growth(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    now: Mutex<Grown>,
    changed: Condvar,
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
    fn lock(&self) -> MutexGuard<'_, Grown> {
        // Two numbers are whole even if somebody panicked.
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Grown)) {
        change(&mut self.lock());
        self.0.changed.notify_all();
    }

    /// The file now has `len` bytes.
    pub fn grown(&self, len: u64) {
        self.tell(|now| now.len = len);
    }

    /// The file is complete.
    pub fn over(&self) {
        self.tell(|now| now.over = true);
    }

    /// How far it has grown.
    #[must_use]
    pub fn now(&self) -> Grown {
        *self.lock()
    }

    /// Waits until the file has more than `len` bytes or is complete, at most so long.
    #[must_use]
    pub fn wait(&self, len: u64, most: Duration) -> Grown {
        let held = self.lock();
        let waited = self.0.changed.wait_timeout_while(held, most, |now| now.len <= len && !now.over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
