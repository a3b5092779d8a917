//! Routing: which shard a packet belongs to, so that both directions, ICMP errors and most expected flows meet without locks.
//!
//! The key is the innermost unordered pair of addresses (of an ICMP error that of the packet it quotes); multicast, broadcast and
//! packets without addresses go to shard 0. IP fragments are joined here, for only a whole datagram has a key.

use crate::ipfrag::{Datagram, FragmentTable, Outcome};
use crate::packet::{self, Headers, IpPair, Transport};

/// Sends packets to shards.
pub struct Router {
    shards: u32,
    fragments: FragmentTable,
    headers: Headers,
}

impl Router {
    /// For so many shards, at least 1.
    #[must_use]
    pub fn new(shards: u32) -> Router {
        Router { shards: shards.max(1), fragments: FragmentTable::default(), headers: Headers::default() }
    }

    /// The shard of a packet, and the datagram that it completes.
    pub fn route(&mut self, number: u32, link_type: u32, bytes: &[u8], wire_len: u32, time: i64) -> (u32, Option<Box<Datagram>>) {
        let mut h = std::mem::take(&mut self.headers);
        packet::read(link_type, bytes, wire_len, &mut h);
        let mut joined = None;
        if let Some(f) = h.fragment.filter(|f| f.whole)
            && let Outcome::Joined(d) = self.fragments.take(h.net, &f, h.payload(bytes), u64::from(number), h.payload_at, time)
        {
            let last = h;
            packet::read_datagram(&last, d.proto, &d.bytes, &mut h);
            joined = Some(d);
        }
        let net = match h.transport {
            Transport::Icmp(i) | Transport::Icmpv6(i) => i.quote.map_or(h.net, |q| q.net),
            _ => h.net,
        };
        self.headers = h;
        (self.shard_of(net), joined)
    }

    fn shard_of(&self, net: IpPair) -> u32 {
        let key = match net {
            IpPair::None => return 0,
            IpPair::V4(a, b) if [a, b].iter().any(|x| x.is_multicast() || x.is_broadcast()) => return 0,
            IpPair::V4(a, b) => u128::from(a.to_bits()) ^ u128::from(b.to_bits()),
            IpPair::V6(a, b) if [a, b].iter().any(std::net::Ipv6Addr::is_multicast) => return 0,
            IpPair::V6(a, b) => a.to_bits() ^ b.to_bits(),
        };
        // Both orders of the pair give the same key; a multiplication spreads neighbouring addresses.
        let folded = (key as u64) ^ ((key >> 64) as u64);
        let spread = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        (spread % u64::from(self.shards)) as u32
    }
}
