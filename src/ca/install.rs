//! Making this computer trust an authority, and taking that back: shown as commands first, done only then, and written down.

mod journal;
mod step;
mod store;

pub use journal::{Entry, Journal};
pub use step::Step;
pub use store::{Kind, Places, State, Store, stores};

use crate::Authority;

/// What a store needs to know of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The name to list it under: of letters, digits and hyphens, and different for each authority.
    pub alias: String,
    /// The SHA-256 of its certificate, as [`crate::authority::fingerprint`] writes it.
    pub fingerprint: String,
}

impl Subject {
    /// Of this authority.
    pub fn of(authority: &Authority) -> Subject {
        let fingerprint = authority.fingerprint();
        let mark: String = fingerprint.chars().filter(|c| *c != ':').take(8).collect();
        Subject { alias: format!("wirelore-ca-{}", mark.to_ascii_lowercase()), fingerprint }
    }
}
