//! The display filter language: Wireshark's syntax and names, over packets, messages, exchanges and conversations.
//!
//! A [`Registry`] knows every name; [`parse`] makes a [`Filter`] of a text, or an [`Error`] that says where it is wrong and what to write
//! instead. What columns of the store can answer a filter gives as a query ([`Filter::query`]); for the rest it says which rows may match
//! at all ([`Filter::narrow`]) and what must be read again of them ([`Filter::wants`]), and judges what was read ([`Filter::holds`]).
//!
//! In the order of reading: `lex.rs` cuts a text into tokens, `parse.rs` joins conditions, `side.rs` reads what stands on a side of an
//! operator, `literal.rs` and `time.rs` read values, `check.rs` knows what can be compared with what, `term.rs`, `expr.rs` and
//! `function.rs` judge, `column.rs` says what columns know, `print.rs` writes a filter out again. `mitmproxy.rs` translates.
//!
//! # Several rows
//!
//! `and`, `or`, `xor` and `not` join *terms*. A term looks at all values of its names in a row: `==` passes if one of them does, `!=` if none
//! is equal, `any` and `all` say it outright, and where there is no value nothing passes.
//!
//! * A packet has its own headers and all messages that were completed in it together, as in Wireshark.
//! * A message has its own fields, and the headers of the packet that completed it.
//! * An exchange has its messages; a conversation all its packets and messages. **Each term is asked by itself, and passes if it passes for
//!   one of them**: conversations with `http.response.code >= 500 && tcp.analysis.retransmission` are those in which some answer says 5xx
//!   and some segment was sent twice, not both at once. `not` is asked of the whole: no packet and no message of it passes.

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
mod shorthand;
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
pub use facts::{Cell, EchoFact, Fact, FactName, JoinFact};
pub use filter::{Filter, Wants};
pub use parse::parse;
pub use registry::{Name, Reads, Registry};
pub use shorthand::shorthands;
pub use source::{Echo, FactSource, Join, Later};
pub use term::Term;
pub use tree::TreeRow;
pub use types::Type;
pub use values::{Chosen, Met, Valued, Values};

#[cfg(test)]
mod tests;
