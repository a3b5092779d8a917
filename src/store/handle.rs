//! The readers' handle: the newest snapshot, and a call when there is a newer one.

use crate::snapshot::Snapshot;
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Wake = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Shared {
    newest: ArcSwap<Snapshot>,
    wakes: Mutex<Vec<Wake>>,
    /// Somebody has the newest snapshot, or is told of the next one.
    watched: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared(generation {})", self.newest.load().generation)
    }
}

impl Shared {
    pub fn new(first: Snapshot) -> Shared {
        Shared { newest: ArcSwap::from_pointee(first), wakes: Mutex::default(), watched: AtomicBool::new(true) }
    }

    pub fn publish(&self, snapshot: Snapshot) {
        self.newest.store(Arc::new(snapshot));
        // Called outside the lock, so that a wake may ask for another.
        let wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.watched.store(!wakes.is_empty(), Ordering::Relaxed);
        for wake in wakes {
            wake();
        }
    }

    /// Whether another snapshot is of use: the newest was taken, or somebody waits for the next.
    pub fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
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
        self.shared.watched.store(true, Ordering::Relaxed);
        self.shared.newest.load_full()
    }

    /// Calls `wake` on the writer's thread after each new snapshot: keep it short.
    pub fn on_publish(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.shared.wakes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(wake));
        self.shared.watched.store(true, Ordering::Relaxed);
    }
}
