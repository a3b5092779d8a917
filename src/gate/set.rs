//! The rules that are in force, from all the places where rules are written.

use crate::filter::Filter;
use crate::rules::{Rule, Written};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wirelore_kit::middle::Transit;

/// Answers requests from exchanges that were seen before.
pub trait Replies: Send + Sync {
    /// Whether a request's body must be there for an answer to be found.
    fn needs_body(&self, request: &Transit) -> bool;
    /// The answer to a request, and in words where it is from.
    fn answer(&self, request: &Transit) -> Option<(Transit, String)>;
    /// The status for requests that it does not have; `None`: they go on to the server.
    fn otherwise(&self) -> Option<u16>;
}

/// The rules in force. A set never changes; another takes its place.
#[derive(Clone, Default)]
pub(crate) struct Set {
    /// In the order in which they are asked: command line, file, added while running.
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) intercept: Option<Arc<Filter>>,
    pub(crate) replies: Option<Arc<dyn Replies>>,
    /// Answers are judged by the bodies of their questions.
    pub(crate) looks_back: bool,
}

impl Set {
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.intercept.is_none() && self.replies.is_none()
    }

    /// Puts rules in the place of those that were written there; a rule of the same name keeps its count.
    pub(crate) fn replace(&mut self, written: fn(&Written) -> bool, new: Vec<Rule>) {
        for rule in &new {
            if let Some(old) = self.rules.iter().find(|r| r.name == rule.name && written(&r.written)) {
                rule.hits.store(old.hits.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        self.rules.retain(|r| !written(&r.written));
        self.rules.extend(new.into_iter().map(Arc::new));
        self.settle();
    }

    /// Brings what follows from the rules up to date.
    pub(crate) fn settle(&mut self) {
        self.rules.sort_by_key(|r| match r.written {
            Written::CommandLine => 0,
            Written::File(_) => 1,
            Written::Running => 2,
        });
        let intercepts_back = self.intercept.as_ref().is_some_and(|f| f.looks_at_question_bodies());
        self.looks_back = intercepts_back || self.rules.iter().any(|r| r.is_enabled() && r.looks_back());
    }
}
