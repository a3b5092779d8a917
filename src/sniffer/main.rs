//! `wirelore-capture`: takes packets off network interfaces and writes them to standard output as pcapng.
//!
//! It alone links libpcap and holds the privilege that this needs; what packets mean is read by another program, without any. It gives its
//! privilege away once its interfaces are open. Programs start it, not people:
//!
//! * `list` tells every interface, a JSON object a line; `links INTERFACE` the kinds of headers that one gives.
//! * `watch` tells every 500 ms how many packets and bytes each interface has seen, until standard input ends.
//! * `check` answers lines `[LINK TYPE, "FILTER"]` on standard input: can libpcap compile that?
//! * `capture -i INTERFACE [-f FILTER] ...` writes pcapng until `stop` comes on standard input, or its end. On standard error
//!   stand JSON objects, one a line: `opened`, `error`, `lost` (an interface went away), `stopped` with the counters.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod blocks;
mod check;
mod interfaces;
mod live;
mod privilege;
mod said;
mod watch;
mod wish;

use said::Refused;

fn main() {
    let mut words = std::env::args().skip(1);
    let went = match words.next().as_deref() {
        Some("list") => interfaces::list(),
        Some("links") => interfaces::links(words.next().as_deref().unwrap_or_default()),
        Some("watch") => watch::run(),
        Some("check") => check::run(),
        Some("capture") => wish::parse(words).and_then(|wish| live::run(&wish)),
        Some("--version") => said::tell(&serde_json::json!({ "version": env!("CARGO_PKG_VERSION") })),
        _ => {
            Err(Refused::options("One of list, links, watch, check, capture is wanted. `wirelore capture` starts this program."))
        }
    };
    if let Err(refused) = went {
        refused.say();
        std::process::exit(1);
    }
}
