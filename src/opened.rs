//! An open capture as the window is given it, whatever stands behind it: a file, a proxy, interfaces.

use crate::again::Again;
use crate::bench::Bench;
use crate::conversations::Rereading;
use crate::recall::Recall;
use crate::session::Session;
use crate::sieve::Sieve;
use crate::takeout::{Place, Takeout};
use std::sync::Arc;
use wirelore_kit::TreeSource;
use wirelore_store::{Snapshot, Store};
use wirelore_window::{Capture, Conversations, Exporter, Finder};

/// What is shown of a session.
pub struct Shown {
    store: Store,
    recall: Arc<Recall>,
    again: Again,
    sieve: Arc<Sieve>,
    takeout: Arc<Takeout>,
    bench: Option<Arc<Bench>>,
}

impl Shown {
    /// Of this one, whose bytes lie there.
    #[must_use]
    pub fn of(session: &Session, place: Place) -> Shown {
        let recall = Arc::clone(&session.recall);
        let sieve = Arc::new(Sieve::new(Arc::clone(&recall)));
        let takeout = Arc::new(Takeout::new(session, place));
        Shown { store: session.store.clone(), recall, again: session.again.clone(), sieve, takeout, bench: None }
    }

    /// The same of a record that more sources may write.
    #[must_use]
    pub fn on(bench: Arc<Bench>, place: Place) -> Shown {
        Shown { bench: Some(Arc::clone(&bench)), ..Shown::of(&bench.session, place) }
    }
}

/// What brings the packets of an open capture. Dropped, it ends.
pub trait Behind: Send {
    /// Asked to bring no more; what was read stays.
    fn stop(&self);
}

impl Behind for Session {
    fn stop(&self) {
        self.cancel();
    }
}

/// An open capture. It ends what stands behind it before it lets go of what is shown.
pub struct Opened<B> {
    /// What stands behind it.
    pub behind: B,
    /// What is shown of it.
    pub shown: Shown,
}

impl<B: Behind> Capture for Opened<B> {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.shown.store.snapshot()
    }

    fn trees(&self) -> Arc<dyn TreeSource> {
        Arc::clone(&self.shown.recall) as Arc<dyn TreeSource>
    }

    fn conversations(&self) -> Arc<dyn Conversations> {
        let Shown { store, recall, again, .. } = &self.shown;
        Arc::new(Rereading { store: store.clone(), recall: Arc::clone(recall), again: again.clone() })
    }

    fn sieve(&self) -> Arc<dyn wirelore_window::Sieve> {
        Arc::clone(&self.shown.sieve) as _
    }

    fn finder(&self) -> Arc<dyn Finder> {
        Arc::clone(&self.shown.sieve) as _
    }

    fn bench(&self) -> Option<wirelore_window::door::Bench> {
        self.shown.bench.clone().map(|b| b as _)
    }

    fn exporter(&self) -> Arc<dyn Exporter> {
        Arc::clone(&self.shown.takeout) as _
    }

    fn cancel(&self) {
        self.behind.stop();
    }
}
