//! What a connection asked: answers are judged by their questions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use wirelore_kit::middle::Transit;

/// So many open questions of a connection are remembered; HTTP/2 allows a hundred at once by default.
const MOST: usize = 512;

/// The questions of a connection that have no answer yet.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<VecDeque<Arc<Transit>>>);

impl Memory {
    /// Remembers a question as it went on; the same exchange replaces what was remembered of it.
    pub(crate) fn asked(&self, question: Arc<Transit>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter_mut().find(|q| q.exchange == question.exchange && q.proto == question.proto) {
            *known = question;
            return;
        }
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back(question);
    }

    /// The question that an answer belongs to.
    pub(crate) fn question(&self, answer: &Transit) -> Option<Arc<Transit>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|q| q.exchange == answer.exchange && q.proto == answer.proto).cloned()
    }

    /// Forgets a question: its answer has gone on.
    pub(crate) fn answered(&self, answer: &Transit) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|q| q.exchange != answer.exchange || q.proto != answer.proto);
    }
}
