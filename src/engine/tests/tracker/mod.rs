//! Flow lookup and TCP analysis as one step per packet, without reassembly, in the order that gives tshark's stream numbers: for tests that
//! look at these alone. Unlike a shard it also counts the flows of tunnels and of quoted packets, as tshark does.

#![allow(dead_code, reason = "each test uses its part")]

use std::net::{Ipv4Addr, Ipv6Addr};
use wirelore_engine::analysis::{Sequences, TcpFacts, Verdict};
use wirelore_engine::flow::{Direction, Ends, FlowTable, Found};
use wirelore_engine::packet::{Headers, IpPair, LayerKind, Ports};

/// What is known of a packet once its flow is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its flow; `None` without IP, for a fragment that waits, or when the table is full.
    pub flow: Option<Found>,
    /// The UDP flow of the innermost tunnel that carries it.
    pub tunnel: Option<Found>,
    /// The flow of the packet that it quotes, for an ICMP error.
    pub quoted: Option<Found>,
    /// The analysis of its TCP segment.
    pub tcp: Option<Verdict>,
}

/// The flows of a capture (or of one shard) with the state of their TCP connections.
#[derive(Default)]
pub struct Tracker {
    /// The flows.
    pub flows: FlowTable,
    /// TCP state by stream number.
    pub sequences: Sequences,
}

impl Tracker {
    /// Looks at the next packet: `headers` were read from `bytes`, `time_ns` is its capture time, `frame` its number from 1.
    pub fn see(&mut self, headers: &Headers, bytes: &[u8], time_ns: i64, frame: u32) -> Seen {
        let mut seen = Seen::default();
        if headers.path != 0 {
            seen.tunnel = self.tunnels(headers, bytes);
        }
        let Some(ends) = Ends::of(headers) else { return seen };
        let Some(mut found) = self.flows.look(&ends, headers.path) else { return seen };
        if let Some(facts) = TcpFacts::of(headers, bytes) {
            let mut reused = false;
            if !found.new
                && self.sequences.reopens(found.stream, found.dir, &facts)
                && let Some(renewed) = self.flows.renew(found.id, found.dir)
            {
                found = renewed;
                reused = true;
            }
            seen.tcp = Some(self.sequences.see(found.stream, found.dir, &facts, time_ns, frame, reused));
        }
        seen.flow = Some(found);
        // As in tshark a quoted packet opens its flow if it was not seen itself.
        seen.quoted = Ends::quoted(headers).and_then(|ends| self.flows.look(&ends, headers.path));
        seen
    }

    /// Looks up the UDP flows that carry the packet as tunnels, outermost first, and gives the last.
    #[cold]
    fn tunnels(&mut self, headers: &Headers, bytes: &[u8]) -> Option<Found> {
        use LayerKind as K;
        // Layers before a reassembly stand in other bytes.
        let first = headers.layers.joined_at().unwrap_or(0);
        let mut net = headers.outer;
        let mut udp = None;
        let mut last = None;
        for layer in headers.layers.iter().skip(first) {
            let from = bytes.get(layer.at as usize..).unwrap_or(&[]);
            match layer.kind {
                K::Ip | K::Ipv6 => net = addresses(layer.kind, from).unwrap_or(net),
                K::Udp => {
                    udp = from
                        .first_chunk::<4>()
                        .map(|p| Ports { src: u16::from_be_bytes([p[0], p[1]]), dst: u16::from_be_bytes([p[2], p[3]]) })
                }
                K::Vxlan | K::Geneve | K::Gtp | K::Teredo | K::Mpls => {
                    if let Some(ports) = udp.take() {
                        last = self.flows.look(&Ends { net, ports, proto: 17 }, 0).or(last);
                    }
                }
                _ => udp = None,
            }
        }
        last
    }

    /// Direction and flow of the innermost conversation of a packet: for an ICMP error that of the quoted packet.
    pub fn about(seen: &Seen) -> Option<(u32, Direction)> {
        seen.quoted.or(seen.flow).map(|f| (f.id, f.dir))
    }
}

/// Source and destination of the IP header at the start of `bytes`.
fn addresses(kind: LayerKind, bytes: &[u8]) -> Option<IpPair> {
    if kind == LayerKind::Ip {
        let a: [u8; 4] = bytes.get(12..16)?.try_into().ok()?;
        let b: [u8; 4] = bytes.get(16..20)?.try_into().ok()?;
        return Some(IpPair::V4(Ipv4Addr::from(a), Ipv4Addr::from(b)));
    }
    let a: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
    let b: [u8; 16] = bytes.get(24..40)?.try_into().ok()?;
    Some(IpPair::V6(Ipv6Addr::from(a), Ipv6Addr::from(b)))
}
