//! The door: flags, modes, threads and wiring. It knows every room; no room knows it.

pub mod again;
pub mod authority;
pub mod browser;
pub mod cli;
pub mod control;
#[cfg(feature = "window")]
pub mod conversations;
#[cfg(feature = "window")]
pub mod door;
pub mod dump;
pub mod exchanges;
pub mod gating;
pub mod exporting;
pub mod har;
pub mod legs;
pub mod merge;
pub mod objects;
pub mod proxying;
pub mod reading;
pub mod recall;
pub mod remember;
pub mod replay;
pub mod report;
pub mod session;
pub mod sift;
pub mod summary;
