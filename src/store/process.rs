//! Which process a flow belongs to, as the capture's own notes say it.

use crate::flow::Flow;
use std::collections::HashMap;
use std::net::IpAddr;
use wirelore_kit::{Endpoint, Transport};

/// A process of the computer that recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// What the system calls it: `curl`.
    pub name: String,
    /// Its command line.
    pub command: String,
}

/// A process, and the conversation that it was seen to own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The transport.
    pub transport: Transport,
    /// The process's own end.
    pub local: Endpoint,
    /// The other one; with [`Owned::UNCONNECTED`] whoever spoke with it.
    pub remote: Endpoint,
    /// When it was seen, nanoseconds since 1970.
    pub time: i64,
    /// The process.
    pub process: Process,
}

impl Owned {
    /// The other end of a socket that speaks with anybody.
    pub const UNCONNECTED: Endpoint = Endpoint { ip: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), port: 0 };
}

/// At most so many are kept: later ones are let go.
const MOST: usize = 1 << 18;
/// A process may be seen so long before the first packet of its flow is recorded, nanoseconds.
const BEFORE: i64 = 5_000_000_000;

/// A transport and its two ends, the smaller one first.
type Ends = (u8, (IpAddr, u16), (IpAddr, u16));

/// The processes of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processes {
    all: Vec<Owned>,
    by_ends: HashMap<Ends, Vec<u32>>,
}

impl Processes {
    /// Takes one more.
    pub fn add(&mut self, owned: Owned) {
        if let (true, Ok(at)) = (self.all.len() < MOST, u32::try_from(self.all.len())) {
            self.by_ends.entry(ends(owned.transport, owned.local, owned.remote)).or_default().push(at);
            self.all.push(owned);
        }
    }

    /// All of them, in the order in which they were told.
    #[must_use]
    pub fn all(&self) -> &[Owned] {
        &self.all
    }

    /// Whose a flow is. A port is used again: the one that was seen last before the flow's end counts. Where both ends are processes of
    /// the same computer, it is the client.
    #[must_use]
    pub fn of(&self, flow: &Flow<'_>) -> Option<&Process> {
        if self.all.is_empty() {
            return None;
        }
        let [a, b] = flow.ends();
        let pairs = [(a, b), (a, Owned::UNCONNECTED), (b, Owned::UNCONNECTED)];
        let (client, first, last) =
            (flow.client(), flow.first_time.saturating_sub(BEFORE), flow.last_time.saturating_add(BEFORE));
        pairs.into_iter().find_map(|(a, b)| {
            let of = self.by_ends.get(&ends(flow.transport, a, b))?.iter().filter_map(|at| self.all.get(*at as usize));
            let of = of.filter(|o| (first..=last).contains(&o.time));
            // The newest of the client, else the newest.
            of.max_by_key(|o| (o.local == client, o.time)).map(|o| &o.process)
        })
    }
}

fn ends(transport: Transport, a: Endpoint, b: Endpoint) -> Ends {
    let (a, b) = ((a.ip.to_canonical(), a.port), (b.ip.to_canonical(), b.port));
    (transport as u8, a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, FlowRow, Schema};
    use wirelore_kit::PacketRow;

    #[test]
    fn a_port_that_is_used_again_belongs_to_who_uses_it_then() {
        let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
        let mut b = Builder::new(Schema::default());
        let store = b.store();
        for time in [0, 100_000_000_000] {
            let packet = b.packet(PacketRow::new(time, 24, 0, 60, 60));
            b.flow([end(5000), end(80)], FlowRow::new(Transport::Tcp, 6, packet, time));
        }
        for (time, pid) in [(1000, 7), (100_000_001_000, 8)] {
            let process = Process { pid, name: "curl".into(), command: "curl x".into() };
            let owned = Owned { transport: Transport::Tcp, local: end(5000), remote: end(80), time, process };
            b.facts().processes.add(owned);
        }
        b.publish(true);
        let now = store.snapshot();
        assert_eq!([0, 1].map(|f| now.process_of(f).map(|p| p.pid)), [Some(7), Some(8)]);
    }
}
