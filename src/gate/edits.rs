//! What was changed, kept for a while: the original beside what became of it.

use crate::held::weight;
use crate::verdict::Hit;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;
use wirelore_kit::middle::{Judgement, Transit};

/// So many are kept.
const MOST: usize = 1000;
/// Bytes of all of them.
const MOST_BYTES: usize = 64 << 20;

/// A message that did not go on as it came.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Counts the edits.
    pub number: u64,
    /// When.
    pub at: SystemTime,
    /// Number of its connection.
    pub conn: u64,
    /// As it came.
    pub original: Arc<Transit>,
    /// What became of it.
    pub became: Arc<Judgement>,
    /// Because of what.
    pub hits: Vec<Hit>,
}

#[derive(Default)]
pub(crate) struct Edits {
    last: u64,
    bytes: usize,
    all: VecDeque<Edit>,
}

fn heavy(e: &Edit) -> usize {
    let became = match e.became.as_ref() {
        Judgement::Change(m) | Judgement::Answer(m) => weight(m),
        _ => 0,
    };
    weight(&e.original).saturating_add(became)
}

impl Edits {
    pub(crate) fn keep(&mut self, conn: u64, original: Arc<Transit>, became: Judgement, hits: Vec<Hit>) {
        self.last = self.last.saturating_add(1);
        let edit = Edit { number: self.last, at: SystemTime::now(), conn, original, became: Arc::new(became), hits };
        self.bytes = self.bytes.saturating_add(heavy(&edit));
        self.all.push_back(edit);
        while self.all.len() > MOST || (self.bytes > MOST_BYTES && self.all.len() > 1) {
            let Some(oldest) = self.all.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(heavy(&oldest));
        }
    }

    pub(crate) fn list(&self) -> Vec<Edit> {
        self.all.iter().cloned().collect()
    }
}
