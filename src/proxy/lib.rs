//! The proxy: stands between clients and servers, passes on what they say byte for byte, and records it.
//!
//! Each connection is carried by one worker thread from its first byte to its last. Under each end's TLS the bytes of the wire go to the
//! record as they are; above it they are copied, or read by the protocol's own part in the middle where that is needed.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod away;
mod breath;
mod buffers;
pub mod chain;
mod configs;
mod copy;
mod course;
mod datagrams;
mod dial;
mod drive;
mod end;
mod expected;
mod forward;
mod gather;
mod hello;
pub mod mode;
mod options;
mod own;
mod pace;
mod proxy;
mod rearm;
mod relay;
mod send;
mod shared;
mod signal;
mod slow;
mod socks;
mod socks_udp;
mod speak;
mod tls;
mod upgrade;
mod words;
mod worker;

pub use mode::{Listen, Mode, Scheme, Target};
pub use options::Options;
pub use proxy::{Error, Proxy, Settings, Stopper};
pub use send::{Reply, Sender, Then};
pub use shared::{Hears, How, Passes};
pub use signal::Signals;
