//! The door: flags, modes, threads and wiring. It knows every room; no room knows it.

pub mod merge;
pub mod recall;
pub mod session;
