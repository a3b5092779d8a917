//! The readers' handle: the newest snapshot, and a call when there is a newer one.

use crate::snapshot::Snapshot;
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

type Wake = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Shared {
    newest: ArcSwap<Snapshot>,
    wakes: Mutex<Vec<Wake>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared(generation {})", self.newest.load().generation)
    }
}

impl Shared {
    pub fn new(first: Snapshot) -> Shared {
        Shared { newest: ArcSwap::from_pointee(first), wakes: Mutex::default() }
    }

    pub fn publish(&self, snapshot: Snapshot) {
        self.newest.store(Arc::new(snapshot));
        // Called outside the lock, so that a wake may ask for another.
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for wake in wakes {
            wake();
        }
    }
}

/// Reads a store that a [`crate::Builder`] fills. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    pub(crate) const fn new(shared: Arc<Shared>) -> Store {
        Store { shared }
    }

    /// The newest snapshot. It never changes; hold it as long as you need it.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.newest.load_full()
    }

    /// Calls `wake` on the writer's thread after each new snapshot: keep it short.
    pub fn on_publish(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.shared.wakes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(wake));
    }
}
