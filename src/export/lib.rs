//! Exports: rows and trees written for people and programs. It reads snapshots; it cannot parse.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod copy_as;
pub mod difference;
pub mod exchange;
pub mod follow;
pub mod frame;
pub mod har;
pub mod json;
pub mod pdml;
pub mod processes;
pub mod rows;
pub mod separated;
pub mod shape;
pub mod spell;
pub mod story;
pub mod swaks;
pub mod tables;
pub mod text;
pub mod time;
