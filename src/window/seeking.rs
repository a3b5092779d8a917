//! Finding: what is looked for in everything that was decoded, the hits so far, and the one that is looked at.

use crate::door::{Finder, Hit, Pattern};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wirelore_kit::Problem;
use wirelore_store::{Job, Jobs, Snapshot};

/// So many hits are kept; who has more wants a filter.
pub const MOST_HITS: usize = 100_000;

type Hits = Arc<Mutex<Vec<Hit>>>;

/// A search, its field, and where one stands in its hits.
#[derive(Debug, Default)]
pub struct Seeking {
    /// Whether the field is shown.
    pub open: bool,
    /// The field takes the keyboard in the next frame.
    pub focus: bool,
    /// What is typed.
    pub pattern: Pattern,
    asked: Option<Pattern>,
    hits: Hits,
    at: Option<usize>,
    wants_first: bool,
    job: Option<Job<Result<(), Problem>>>,
    failed: Option<Problem>,
}

fn lock(hits: &Hits) -> MutexGuard<'_, Vec<Hit>> {
    hits.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seeking {
    /// Takes what is finished; once a frame. The first hit is gone to as soon as it is there.
    pub fn step(&mut self) -> Option<Hit> {
        if let Some(end) = self.job.as_ref().and_then(Job::poll) {
            self.job = None;
            self.failed = match end {
                Ok(Ok(())) | Err(wirelore_store::JobEnd::Cancelled) => None,
                Ok(Err(p)) => Some(p),
                Err(why) => {
                    Some(Problem { what: "The search ended early".into(), why: format!("{why}."), what_to_do: String::new() })
                }
            };
        }
        if self.wants_first && self.count() > 0 {
            return self.go(true);
        }
        None
    }

    /// Looks for what is typed, unless that is what was looked for last.
    pub fn start(&mut self, finder: &Arc<dyn Finder>, s: &Arc<Snapshot>, jobs: &Jobs) {
        if self.pattern.text.is_empty() || self.asked.as_ref() == Some(&self.pattern) {
            return;
        }
        let hits = Hits::default();
        (self.hits, self.at, self.failed, self.wants_first) = (hits.clone(), None, None, true);
        self.asked = Some(self.pattern.clone());
        let (finder, s, pattern) = (finder.clone(), s.clone(), self.pattern.clone());
        self.job = Some(jobs.start(move |work| {
            let mut take = |hit: Hit| {
                let mut hits = lock(&hits);
                hits.push(hit);
                hits.len() < MOST_HITS
            };
            Some(finder.find(&pattern, &s, work, &mut take))
        }));
    }

    /// Stops looking; the hits stay.
    pub fn stop(&mut self) {
        self.job = None;
    }

    /// Whether what is typed is what was looked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.as_ref() == Some(&self.pattern)
    }

    /// Goes to the next or previous hit, round at the ends.
    pub fn go(&mut self, forward: bool) -> Option<Hit> {
        let hits = lock(&self.hits);
        let last = hits.len().checked_sub(1)?;
        let to = match (self.at, forward) {
            (None, true) => 0,
            (None, false) => last,
            (Some(a), true) => {
                if a >= last {
                    0
                } else {
                    a + 1
                }
            }
            (Some(a), false) => a.checked_sub(1).unwrap_or(last),
        };
        self.at = Some(to);
        self.wants_first = false;
        hits.get(to).cloned()
    }

    /// Hits so far.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.hits).len()
    }

    /// The hit that is looked at.
    #[must_use]
    pub fn here(&self) -> Option<(usize, Hit)> {
        let at = self.at?;
        Some((at, lock(&self.hits).get(at)?.clone()))
    }

    /// How far the search is, while it goes on.
    #[must_use]
    pub fn progress(&self) -> Option<f32> {
        self.job.as_ref().map(Job::progress)
    }

    /// What went wrong.
    #[must_use]
    pub const fn failed(&self) -> Option<&Problem> {
        self.failed.as_ref()
    }
}
