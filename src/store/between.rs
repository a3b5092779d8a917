//! Who talked with whom: packets and bytes each way, of all packets or of those that somebody chose.

use crate::jobs::Work;
use crate::snapshot::Snapshot;
use crate::stats::Traffic;
use hashbrown::HashMap;
use wirelore_kit::row::NONE;
use wirelore_kit::{Endpoint, Transport};

/// What tells two parties from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parties {
    /// Addresses, of one family.
    Addresses {
        /// IPv6, or else IPv4.
        v6: bool,
    },
    /// The connections of a transport.
    Connections(Transport),
}

/// What went between two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// The sender of the first packet, then the other. Ports are 0 between addresses.
    pub ends: [Endpoint; 2],
    /// `tcp.stream` or `udp.stream`, between the ends of a connection.
    pub stream: Option<u32>,
    /// What each sent.
    pub sent: [Traffic; 2],
    /// Time of the first packet and of the last, nanoseconds since the epoch.
    pub time: (i64, i64),
}

impl Between {
    /// What both sent.
    #[must_use]
    pub fn both(&self) -> Traffic {
        let [a, b] = self.sent;
        Traffic { packets: a.packets.saturating_add(b.packets), bytes: a.bytes.saturating_add(b.bytes) }
    }
}

/// What went between whom, most packets first. `packets` are those that count, in order; `None` for all. `None` when cancelled.
#[must_use]
pub fn between(s: &Snapshot, parties: Parties, packets: Option<&[u32]>, work: &Work) -> Option<Vec<Between>> {
    work.expect(s.packets().into());
    let mut rows: Vec<Between> = Vec::new();
    let mut of_hosts: HashMap<[u32; 2], usize> = HashMap::new();
    let mut of_flows: HashMap<u32, Option<(usize, bool)>> = HashMap::new();
    let mut chosen = packets.map(|p| p.iter().copied().peekable());
    for (from, segment) in s.packet_table().segments() {
        if work.is_cancelled() {
            return None;
        }
        work.did(segment.len() as u64);
        for (number, p) in (from..).zip(&segment) {
            if let Some(chosen) = &mut chosen
                && chosen.next_if_eq(&number).is_none()
            {
                continue;
            }
            if p.flow == NONE {
                continue;
            }
            // Which row the flow's packets count for, and whether its ends stand the other way round there.
            let place = *of_flows.entry(p.flow).or_insert_with(|| {
                let flow = s.flow(p.flow)?;
                let [a, b] = flow.ends();
                let fits = match parties {
                    Parties::Addresses { v6 } => a.ip.is_ipv6() == v6,
                    Parties::Connections(t) => flow.transport == t,
                };
                if !fits {
                    return None;
                }
                let bare = |e: Endpoint| Endpoint { ip: e.ip, port: 0 };
                let backward = p.is_backward();
                // The first packet that counts decides who stands first.
                let ends = if backward { [b, a] } else { [a, b] };
                let fresh = |ends, stream| Between { ends, stream, sent: [Traffic::default(); 2], time: (p.time, p.time) };
                Some(match parties {
                    Parties::Connections(_) => {
                        rows.push(fresh(ends, Some(flow.stream).filter(|n| *n != NONE)));
                        (rows.len() - 1, backward)
                    }
                    Parties::Addresses { .. } => {
                        let [x, y] = flow.host_numbers();
                        let key = [x.min(y), x.max(y)];
                        let at = *of_hosts.entry(key).or_insert_with(|| {
                            rows.push(fresh(ends.map(bare), None));
                            rows.len() - 1
                        });
                        (at, rows.get(at).is_some_and(|r| r.ends.first().is_some_and(|e| e.ip != a.ip)))
                    }
                })
            });
            if let Some((at, turned)) = place
                && let Some(row) = rows.get_mut(at)
            {
                if let Some(sent) = row.sent.get_mut(usize::from(p.is_backward() ^ turned)) {
                    sent.add(1, p.wire_len.into());
                }
                row.time = (row.time.0.min(p.time), row.time.1.max(p.time));
            }
        }
    }
    // Stable: of those with as many packets the first to speak stands first.
    rows.sort_by_key(|r| std::cmp::Reverse(r.both().packets));
    Some(rows)
}
