//! The engine: packets become flows, streams and conversations, and conversations are read with a table of dissectors.
//!
//! It does no IO and has no clock; it knows no protocol above the transports (a table is passed in) and not where its events go.

pub mod analysis;
pub mod announce;
pub mod conversation;
pub mod flow;
pub mod identify;
pub mod ipfrag;
pub mod laws;
pub mod ledger;
pub mod log;
pub mod output;
pub mod packet;
pub mod reassembly;
pub mod reread;
pub mod router;
pub mod shard;
pub mod source_map;
pub mod tell;
