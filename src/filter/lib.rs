//! The display filter language: Wireshark's syntax and names, over packets, messages, exchanges and conversations.
//!
//! A [`Registry`] knows every name; [`parse`] makes a [`Filter`] of a text, or an [`Error`] that says where it is wrong and what to write
//! instead. What columns of the store can answer a filter gives as a query ([`Filter::query`]); for the rest it says which rows may match
//! at all ([`Filter::narrow`]) and what must be read again of them ([`Filter::wants`]), and judges what was read ([`Filter::holds`]).

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod check;
mod column;
mod complete;
mod error;
mod expr;
mod facts;
mod filter;
mod function;
mod lex;
mod literal;
mod mitmproxy;
mod parse;
mod print;
mod registry;
mod side;
mod source;
mod term;
mod time;
mod tree;
mod types;
mod val;
mod values;

pub use complete::{Completion, CompletionKind, complete};
pub use error::Error;
pub use facts::{Fact, FactName};
pub use filter::{Filter, Wants};
pub use parse::parse;
pub use registry::{Name, Reads, Registry};
pub use source::FactSource;
pub use term::Term;
pub use tree::TreeRow;
pub use types::Type;
pub use values::{Met, Valued, Values};

#[cfg(test)]
mod tests;
