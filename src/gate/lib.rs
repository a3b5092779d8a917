//! The gate: rules and breakpoints, which say what becomes of a message on its way.
//!
//! Whoever relays a connection asks [`Gate::connect`] before it dials, [`Gate::wants`] whether it must read the messages at all, and
//! [`Gate::judge`] for each message. With nothing armed each of these is one atomic load.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod conn;
mod gate;
mod memory;
mod verdict;

pub use conn::Conn;
pub use gate::Gate;
pub use verdict::{Dialling, Fetch, Fetched, Hit, Outcome, Pace};
