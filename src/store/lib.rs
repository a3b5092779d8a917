//! The store: append-only rows of packets, flows, messages and what belongs to them; one writer, any number of readers.
//!
//! It does not know how bytes were parsed, nor who looks. A [`Builder`] takes rows on one thread and publishes
//! [`Snapshot`]s that never change; a [`Store`] hands out the newest. Rows keep their numbers for ever.
//!
//! ```
//! use wirelore_kit::{Cell, ConvId, Dir, Endpoint, Field, Kind, MessageState, PacketRow, Transport};
//! use wirelore_store::{Builder, CellView, FlowRow, MessageOpen, Schema};
//! static HOST: Field = Field::new("http.host", "Host", Kind::Text).key();
//!
//! let mut builder = Builder::new(Schema { protocols: vec![("http", "HTTP")], key_fields: vec![&HOST] });
//! let store = builder.store();
//! let ends = ["10.0.0.1", "10.0.0.2"].map(|ip| Endpoint { ip: ip.parse().unwrap(), port: 80 });
//! let packet = builder.packet(PacketRow::new(0, 24, 0, 60, 60));
//! let flow = builder.flow(ends, FlowRow::new(Transport::Tcp, 6, packet, 0));
//! let message = builder.message(&MessageOpen {
//!     conv: ConvId { flow, inner: 0 }, protocol: 0, dir: Dir::ToServer, first: packet, done: packet, at: 0, len: 40,
//!     state: MessageState::Whole, summary: "GET /", cells: &[(&HOST, Cell::Text(0..4))], arena: b"shop", notes: &[], generation: 0,
//! });
//! builder.publish(true);
//!
//! let now = store.snapshot();
//! assert_eq!(now.summary(message), "GET /");
//! assert_eq!(now.cell(message, &HOST), Some(CellView::Text(b"shop")));
//! assert_eq!(now.messages_done_in(packet), [message]);
//! ```

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod between;
mod budget;
mod builder;
mod cell;
mod column;
mod done;
mod facts;
mod flow;
mod handle;
mod hosts;
mod jobs;
mod links;
mod message;
mod messages;
mod packed;
mod packets;
mod process;
pub mod query;
mod rows;
mod schema;
mod segment;
mod snapshot;
pub mod stats;
mod table;
mod text;

pub use builder::Builder;
pub use cell::CellView;
pub use facts::{Damage, Facts, InterfaceFact, Progress};
pub use flow::{Flow, FlowFlags, FlowRow};
pub use handle::Store;
pub use hosts::Hosts;
pub use jobs::{Job, JobEnd, Jobs, Work};
pub use links::{CauseRow, ConcernRow, InsideRow};
pub use message::{MessageEnd, MessageOpen, MessageRow};
pub use packets::Packets;
pub use process::{Owned, Process, Processes};
pub use rows::{Comment, ExchangeRow, NoteCount, NoteRow, StateRow};
pub use schema::Schema;
pub use snapshot::{HeapSize, Snapshot};
pub use table::Table;
