//! Routing: which shard a packet belongs to, so that both directions and most expected flows meet without locks.
//!
//! The key is the innermost unordered pair of addresses; multicast, broadcast and packets without addresses go to shard 0. An ICMP error
//! goes by its own addresses, not by those it quotes: errors of one router about several hosts are one flow, and a flow has one shard.
//! IP fragments are joined here, for only a whole datagram has a key.

use crate::ipfrag::{Datagram, FragmentTable, Outcome};
use crate::packet::{self, Headers, IpPair};

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
        let net = h.net;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 packet of protocol `proto`.
    fn ipv4(proto: u8, from: [u8; 4], to: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let len = (20 + payload.len()) as u16;
        let mut p = vec![0x45, 0, (len >> 8) as u8, len as u8, 0, 1, 0, 0, 64, proto, 0, 0];
        p.extend_from_slice(&from);
        p.extend_from_slice(&to);
        p.extend_from_slice(payload);
        p
    }

    #[test]
    fn errors_of_one_router_about_several_hosts_were_split_over_shards() {
        let (router_address, asker) = ([10, 5, 0, 1], [12, 4, 4, 4]);
        let mut router = Router::new(8);
        let shards: Vec<u32> = (1..60)
            .map(|host| {
                let quoted = ipv4(17, asker, [12, 1, 1, host], &[0xa5, 0x4b, 0x82, 0x9b, 0, 8, 0, 0]);
                let error = [&[11, 0, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
                let packet = ipv4(1, router_address, asker, &error);
                router.route(u32::from(host), 101, &packet, packet.len() as u32, 0).0
            })
            .collect();
        assert!(shards.iter().all(|s| s == &shards[0]), "{shards:?}");
        let back = ipv4(1, asker, router_address, &[8, 0, 0, 0, 0, 1, 0, 1]);
        assert_eq!(router.route(99, 101, &back, back.len() as u32, 0).0, shards[0]);
    }
}
