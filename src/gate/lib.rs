//! The gate: rules and breakpoints, which say what becomes of a message on its way.
//!
//! Whoever relays a connection asks [`Gate::connect`] before it dials, [`Gate::wants`] whether it must read the messages at all, and
//! [`Gate::judge`] for each message. With nothing armed each of these is one atomic load.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod compose;
mod conn;
mod curl;
mod edits;
mod filter;
mod gate;
mod held;
mod inject;
pub mod json;
mod judge;
mod memory;
mod rules;
mod set;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod trials;
mod verdict;
mod watch;

pub use compose::Composed;
pub use conn::Conn;
pub use curl::from_curl;
pub use edits::Edit;
pub use filter::{Decode, Filter, FilterError, WORDS, Word, WordKind};
pub use gate::{Event, Gate, Listener, RuleShown};
pub use held::{HeldMessage, Release};
pub use inject::{Answered, Closer, Injector, Joined};
pub use rules::{On, Rule, RulesError, Spelling, SpellingError, Written, parse_delay, parse_rules, parse_throttle, profiles};
pub use rules::{anticache, anticomp, throttle};
pub use set::Replies;
pub use verdict::{Dialling, Fetch, Fetched, Hit, Outcome, Pace};
