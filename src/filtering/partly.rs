//! What a filter is known to pass while the capture is still being read again for it.

use std::sync::Arc;
use std::time::{Duration, Instant};
use wirelore_kit::row::NONE;
use wirelore_store::query::{Query, Rows, find};
use wirelore_store::{Snapshot, Work};

/// Is handed what can be asked which rows of a kind are known to pass so far, rising.
pub type Partly<'a> = dyn FnMut(&dyn Fn(Rows) -> Vec<u32>) + 'a;

/// So often it is told, at most.
const PAUSE: Duration = Duration::from_millis(150);
/// Telling takes at most this part of the time.
const SHARE: u32 = 8;

/// When to tell: soon at first, and never so often that telling costs more than reading.
pub(super) struct Pace {
    next: Instant,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { next: Instant::now() + PAUSE }
    }
}

impl Pace {
    pub(super) fn at_times(&mut self, tell: impl FnOnce()) {
        let now = Instant::now();
        if now >= self.next {
            tell();
            self.next = Instant::now() + PAUSE.max(now.elapsed().saturating_mul(SHARE));
        }
    }
}

/// What was found before a packet.
pub(super) struct Sofar<'a> {
    pub(super) query: Query,
    pub(super) snapshot: &'a Arc<Snapshot>,
    /// All packets before it are judged.
    pub(super) frontier: u32,
    pub(super) work: &'a Work,
}

impl Sofar<'_> {
    /// The rows whose packets were all judged and that pass, rising. A row whose end was not seen might be told and taken back (`!` turns what
    /// was not found yet into what passes): it waits.
    pub(super) fn rows(&self, rows: Rows) -> Vec<u32> {
        // Whatever is cancelled shows nothing any more.
        let passing = find(self.snapshot, &self.query, rows, self.work).unwrap_or_default();
        let (s, judged) = (self.snapshot, |packet: u32| packet < self.frontier);
        let ended = |m: u32| s.message(m).is_some_and(|m| judged(m.done));
        passing
            .into_iter()
            .filter(|n| match rows {
                Rows::Packets => judged(*n),
                Rows::Messages => ended(*n),
                Rows::Exchanges => s.exchange(*n).is_some_and(|x| [x.ask, x.answer].into_iter().all(|m| m == NONE || ended(m))),
                // Of a connection, all is known at the end only.
                Rows::Flows => false,
            })
            .collect()
    }
}
