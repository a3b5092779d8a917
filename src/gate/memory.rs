//! What a connection asked: answers are judged by their questions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use wirelore_kit::Dir;
use wirelore_kit::middle::{Stage, Transit};

/// So many open questions of a connection are remembered; HTTP/2 allows a hundred at once by default.
const MOST: usize = 512;

/// The questions of a connection that have no answer yet, and the messages whose bodies were asked for.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    questions: VecDeque<Arc<Transit>>,
    waiting: VecDeque<(&'static str, u64, Dir)>,
}

impl Memory {
    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers a question as it went on.
    pub(crate) fn asked(&self, question: Arc<Transit>) {
        self.with(|k| {
            if let Some(known) = k.questions.iter_mut().find(|q| same(q, &question)) {
                *known = question;
                return;
            }
            if k.questions.len() >= MOST {
                k.questions.pop_front();
            }
            k.questions.push_back(question);
        });
    }

    /// The question that an answer belongs to.
    pub(crate) fn question(&self, answer: &Transit) -> Option<Arc<Transit>> {
        self.with(|k| k.questions.iter().find(|q| same(q, answer)).cloned())
    }

    /// Forgets a question: its answer has gone on.
    pub(crate) fn answered(&self, answer: &Transit) {
        self.with(|k| k.questions.retain(|q| !same(q, answer)));
    }

    /// The body of this message was asked for.
    pub(crate) fn wait_for_body(&self, m: &Transit) {
        self.with(|k| {
            if k.waiting.len() >= MOST {
                k.waiting.pop_front();
            }
            k.waiting.push_back((m.proto, m.exchange, m.dir));
        });
    }

    /// Whether the body of this message was asked for before: then, if only its head is here again, its body cannot be had.
    pub(crate) fn waited_for_body(&self, m: &Transit) -> bool {
        let name = (m.proto, m.exchange, m.dir);
        self.with(|k| {
            let known = k.waiting.contains(&name);
            if known || m.stage == Stage::Whole {
                k.waiting.retain(|w| *w != name);
            }
            known
        })
    }
}

fn same(a: &Transit, b: &Transit) -> bool {
    a.exchange == b.exchange && a.proto == b.proto
}
