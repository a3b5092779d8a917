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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};
    use wirelore_store::{Builder, FlowRow, Schema};

    const SECOND: i64 = 1_000_000_000;

    fn end(port: u16) -> Endpoint {
        Endpoint { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port }
    }

    /// Flows by their ends, whether they were relayed, and the seconds of their first and last packets.
    pub(crate) fn snapshot(flows: &[([u16; 2], bool, i64, i64)]) -> std::sync::Arc<Snapshot> {
        let mut b = Builder::new(Schema::default());
        for (i, (ports, relayed, first, last)) in (0..).zip(flows) {
            let mut row = FlowRow::new(Transport::Tcp, 6, i, first * SECOND);
            row.last_time = last * SECOND;
            if *relayed {
                row.flags.set(FlowFlags::SYNTHETIC);
            }
            b.flow(ports.map(end), row);
        }
        b.publish(true);
        b.store().snapshot()
    }

    fn twins(flows: &[([u16; 2], bool, i64, i64)]) -> Twins {
        Twins::of(&snapshot(flows), &Work::new()).expect("not cancelled")
    }

    #[test]
    fn a_relayed_connection_and_what_an_interface_saw_of_it_are_one() {
        let t = twins(&[([40_000, 8080], true, 0, 3), ([8080, 40_000], false, 0, 4), ([40_001, 8080], false, 0, 4)]);
        assert_eq!((t.len(), t.relayed(1), t.captured(0)), (1, Some(0), Some(1)));
        assert_eq!((t.relayed(0), t.relayed(2), t.captured(1)), (None, None, None));
    }

    #[test]
    fn a_port_that_was_used_before_is_another_connection() {
        let t = twins(&[([40_000, 8080], false, 0, 5), ([40_000, 8080], true, 60, 65), ([40_000, 8080], false, 60, 66)]);
        assert_eq!((t.len(), t.relayed(0), t.relayed(2)), (1, None, Some(1)));
    }

    #[test]
    fn of_several_that_lived_at_once_the_one_is_meant_that_began_with_it() {
        let t = twins(&[([40_000, 8080], true, 0, 3), ([40_000, 8080], true, 4, 8), ([40_000, 8080], false, 4, 8)]);
        assert_eq!((t.relayed(2), t.captured(0)), (Some(1), None));
    }

    #[test]
    fn nothing_is_there_twice_without_a_proxy() {
        assert!(twins(&[([40_000, 8080], false, 0, 3), ([8080, 40_000], false, 0, 4)]).is_empty());
    }
}
