//! Exports: rows and trees written for people and programs. It reads snapshots; it cannot parse.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod copy_as;
pub mod exchange;
pub mod har;
pub mod story;
pub mod text;
pub mod time;
