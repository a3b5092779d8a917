//! The gate itself.

use crate::conn::Conn;
use crate::verdict::{Dialling, Fetch, Outcome, Pace};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use wirelore_kit::middle::Transit;

/// Judges messages. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Whether there is any rule or breakpoint.
    armed: AtomicBool,
    fetch: OnceLock<Arc<Fetch>>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("armed", &self.armed()).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate with no rules.
    #[must_use]
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Whether there is any rule or breakpoint at all.
    #[must_use]
    pub fn armed(&self) -> bool {
        self.0.armed.load(Ordering::Relaxed)
    }

    /// Who fetches for rules that map single messages to other servers. The first one given stays.
    pub fn fetch_with(&self, fetch: Arc<Fetch>) {
        let _ = self.0.fetch.set(fetch);
    }

    /// Whether any rule or breakpoint may concern messages of this connection. False: its bytes may be copied unread.
    #[must_use]
    pub fn wants(&self, _conn: &Conn) -> bool {
        self.armed()
    }

    /// Whether and where to connect. `conn.server` is where the client means.
    #[must_use]
    pub fn connect(&self, _conn: &Conn) -> Dialling {
        Dialling::Go
    }

    /// How fast the connection may be.
    #[must_use]
    pub fn pace(&self, _conn: &Conn) -> Option<Pace> {
        None
    }

    /// Judges a message. `Some`: at once. `None`: it is held, or its answer is fetched; `then` is called later, once, from any thread, or
    /// is dropped uncalled when the gate is.
    pub fn judge(&self, _conn: &Conn, _message: Transit, _then: impl FnOnce(Outcome) + Send + 'static) -> Option<Outcome> {
        Some(Outcome::pass())
    }
}
