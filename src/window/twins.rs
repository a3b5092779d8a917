//! Connections that are there twice: as a proxy relayed them, and as an interface saw them meanwhile. They are one to whoever looks, so
//! lists of exchanges show the relayed one, which is read, and the other is a step away.

use std::collections::HashMap;
use wirelore_kit::{Endpoint, Transport};
use wirelore_store::{Flow, FlowFlags, Snapshot, Work};

/// Nanoseconds by which a relay's times and those of an interface may lie apart.
const SLACK: i64 = 2_000_000_000;

/// Which connections are which.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Twins {
    /// Of what an interface saw: the connection as it was relayed.
    relayed: HashMap<u32, u32>,
    /// The other way round.
    captured: HashMap<u32, u32>,
}

/// What both have in common: a connection over a transport between two ends, the smaller first.
type Ends = (Transport, Endpoint, Endpoint);

fn ends(f: &Flow<'_>) -> Ends {
    let [a, b] = f.ends();
    if (a.ip, a.port) <= (b.ip, b.port) { (f.transport, a, b) } else { (f.transport, b, a) }
}

impl Twins {
    /// Those of a snapshot; `None`: cancelled.
    #[must_use]
    pub fn of(s: &Snapshot, work: &Work) -> Option<Twins> {
        let mut twins = Twins::default();
        let is_relayed = |f: &Flow<'_>| f.flags.has(FlowFlags::SYNTHETIC);
        let mut by_ends: HashMap<Ends, Vec<(u32, i64, i64)>> = HashMap::new();
        for f in s.each_flow().filter(is_relayed) {
            by_ends.entry(ends(&f)).or_default().push((f.id, f.first_time, f.last_time));
        }
        if by_ends.is_empty() {
            return Some(twins);
        }
        for f in s.each_flow().filter(|f| !is_relayed(f) && matches!(f.transport, Transport::Tcp | Transport::Udp)) {
            if f.id.is_multiple_of(4096) && work.is_cancelled() {
                return None;
            }
            // Ports are used again: it is the one that lived at the same time.
            let meanwhile = |(_, first, last): &&(u32, i64, i64)| {
                *first <= f.last_time.saturating_add(SLACK) && f.first_time <= last.saturating_add(SLACK)
            };
            let apart = |(_, first, _): &&(u32, i64, i64)| first.abs_diff(f.first_time);
            let same = by_ends.get(&ends(&f)).into_iter().flatten();
            if let Some((relayed, ..)) = same.filter(meanwhile).min_by_key(apart) {
                twins.relayed.insert(f.id, *relayed);
                twins.captured.entry(*relayed).or_insert(f.id);
            }
        }
        Some(twins)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.relayed.is_empty()
    }

    /// How many connections are there twice.
    #[must_use]
    pub fn len(&self) -> usize {
        self.relayed.len()
    }

    /// The connection as a proxy relayed it, of one that an interface saw.
    #[must_use]
    pub fn relayed(&self, captured: u32) -> Option<u32> {
        self.relayed.get(&captured).copied()
    }

    /// The connection as an interface saw it, of one that a proxy relayed.
    #[must_use]
    pub fn captured(&self, relayed: u32) -> Option<u32> {
        self.captured.get(&relayed).copied()
    }
}
