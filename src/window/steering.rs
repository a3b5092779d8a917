//! The proxy behind a tab, as the window steers it: how it stands this frame, the held message that is looked at, the edit of it.

use crate::door::{Held, Proxied, ProxyState, Release};
use crate::held::Draft;
use crate::ruling::Ruling;
use std::sync::Arc;

/// A tab's proxy.
pub struct Steering {
    handle: Arc<dyn Proxied>,
    /// How it stands, as of this frame.
    pub state: ProxyState,
    /// The edit of the held message that is looked at.
    pub draft: Option<Draft>,
    /// What is wrong with the edit.
    pub wrong: Option<String>,
    /// The rules that it asks.
    pub ruling: Ruling,
    /// The filter by which messages are held, as it is typed.
    pub filter: String,
    /// What is wrong with it.
    pub filter_wrong: Option<String>,
}

impl Steering {
    /// Over a proxy that was just started.
    #[must_use]
    pub fn new(handle: Arc<dyn Proxied>) -> Steering {
        let state = handle.state();
        let ruling = Ruling::new(&handle);
        Steering { handle, state, ruling, draft: None, wrong: None, filter: String::new(), filter_wrong: None }
    }

    /// Takes what is new; once a frame. What is no longer held is no longer looked at, and the oldest that is held comes in its place.
    pub fn step(&mut self) {
        self.state = self.handle.state();
        if self.draft.as_ref().is_some_and(|d| !self.state.held.iter().any(|h| h.id == d.id)) {
            (self.draft, self.wrong) = (None, None);
        }
        if self.draft.is_none() {
            self.draft = self.state.held.first().map(Draft::new);
        }
    }

    /// The proxy itself.
    #[must_use]
    pub fn handle(&self) -> Arc<dyn Proxied> {
        self.handle.clone()
    }

    /// The held message that is looked at.
    #[must_use]
    pub fn chosen(&self) -> Option<&Held> {
        let id = self.draft.as_ref()?.id;
        self.state.held.iter().find(|h| h.id == id)
    }

    /// Looks at another held message; an edit that was begun of this one is kept only while it is looked at.
    pub fn choose(&mut self, id: u64) {
        if self.draft.as_ref().is_none_or(|d| d.id != id) {
            self.draft = self.state.held.iter().find(|h| h.id == id).map(Draft::new);
            self.wrong = None;
        }
    }

    /// What sending the draft means: the message as it came, as it was changed, or an answer in its place. `None`: nothing is looked at, or
    /// the edit is no message; then [`Steering::wrong`] says why.
    pub fn sending(&mut self) -> Option<(u64, Release)> {
        let draft = self.draft.as_ref()?;
        if !draft.changed() {
            return Some((draft.id, Release::Send));
        }
        match draft.message() {
            Ok(m) if draft.answer => Some((draft.id, Release::Answer(Box::new(m)))),
            Ok(m) => Some((draft.id, Release::Change(Box::new(m)))),
            Err(why) => {
                self.wrong = Some(why);
                None
            }
        }
    }
}
