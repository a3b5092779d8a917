//! The session file: what passed through the proxy, as packets that any analyzer opens, written while it happens.
//!
//! It is an ordinary pcapng file. The bytes of both legs of a proxied connection lie in it as TCP segments, TLS secrets stand before the
//! bytes that need them, and what the proxy did stands in custom blocks. The bytes are those of the wire; the headers around them are ours,
//! and the interfaces say so ([`wirelore_capture::origin`]).
//!
//! A [`Recorder`] is the file and its writer thread. Each relay thread has a [`Lane`] of its own, formats its frames there, and never
//! waits for the disk unless the disk cannot keep up.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod chunk;
mod datagram;
mod disk;
mod error;
mod frame;
mod join;
mod lane;
mod recorder;
pub mod said;
mod settle;
mod shared;
mod stale;
mod tap;
mod writer;

pub use datagram::Datagrams;
pub use error::Error;
pub use join::Join;
pub use lane::{Ended, Lane, Leg, LegId, Side};
pub use recorder::{Options, Recorder, State, Status, WhenFull};
pub use said::{Kind, Note};
pub use stale::remove_stale;
pub use tap::{Tap, TapSpec};
