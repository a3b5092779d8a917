//! Tests of the store as its users see it.

mod memory;
mod model;
mod ops;
mod queries;
mod stories;
mod threads;
