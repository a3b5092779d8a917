//! Lines of packets, asked for in blocks as lists do.

mod support;

use support::{own, read};
use wirelore_kit::{Cancel, TreeSource};

/// A list asks for 64 packets at a time; the rows of the last block once showed "There is no such packet".
#[test]
fn a_block_that_reaches_over_the_last_packet_gives_those_before_it() {
    for path in own() {
        let Some(session) = read(&path, 1) else { continue };
        let all = session.store.snapshot().packets();
        let from = all.saturating_sub(all % 64).min(all.saturating_sub(1));
        let lines = session.recall.lines(from..from.saturating_add(64), &Cancel::new());
        assert_eq!(lines.map(|l| l.len() as u32).ok(), Some(all - from), "{}", path.display());
        assert!(session.recall.lines(all..all.saturating_add(1), &Cancel::new()).is_err(), "{}", path.display());
    }
}
