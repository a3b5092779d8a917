//! Reading captures: pcap and pcapng files, packed ones, pipes and growing files, as batches of packets with events
//! between them; and writing them.
//!
//! A [`Source`] reads its capture by `pread` into reused blocks and hands over [`Batch`]es whose [`Item`]s say where
//! each packet lies. Everything else a file says (interfaces, secrets, names, comments, damage) is an [`Event`], in file
//! order. Input that cannot be read again (pipes, packed files) is kept in an unlinked temporary file, the spool, so
//! that every packet has an offset for [`SpoolReader::read_at`].
//!
//! This crate does not know what packets mean, who reads them, or where they are stored.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod block;
mod decode;
mod error;
mod event;
mod grammar;
mod growth;
pub mod intake;
pub mod origin;
mod pcap;
mod pcapng;
mod sniff;
mod source;
mod spool;
mod time;
pub mod write;

pub use block::{Batch, Block, Item, Items, NO_TIME, mark};
pub use error::{OpenError, ReadError};
pub use event::{
    Address, Comment, Damage, DamageKind, Drops, Event, Interface, Names, Note, OtherBlock, RawOption, Resumed, Secrets, Section,
    Statistics, secrets,
};
pub use growth::{Grown, Growth};
pub use sniff::{Compression, Format, PcapKind};
pub use source::{Options, Progress, Source, Step};
pub use spool::{Memory, SpoolReader};
pub use time::Resolution;
