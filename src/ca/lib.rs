//! Certificates: our own authority and what it signs, whom upstream is believed to be and why not, and trust that can be undone.
//!
//! [`Authority`] makes a certificate for any name within microseconds, so that a proxy can answer in a server's place. [`Trust`] says
//! whether a server is who it says it is and, if not, which check failed and what to do. Nothing here opens a socket.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod authority;
mod cache;
mod date;
mod der;
mod error;
mod given;
pub mod install;
pub mod keylog;
mod leaf;
mod names;
mod p12;
pub mod page;
pub mod pem;
mod rsa;
mod scope;
mod signer;
pub mod trust;

pub use authority::{Authority, Scope};
pub use error::Error;
pub use given::Given;
pub use names::Names;
pub use trust::{Failure, Trust};
