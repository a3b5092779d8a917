//! The flow table: which conversation a packet belongs to, and in which direction it goes.
//!
//! A flow is an unordered pair of (address, port) ends and a protocol number. IPv4 and IPv6 keys live in tables of their own, so that
//! the many small ones do not pay for the few large ones; the hash tables hold only 4-byte indices into them.

use crate::packet::{Headers, IpPair, LayerKind, Ports, Stop, Transport};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Number of a flow in this table, in the order of first packets.
pub type FlowId = u32;

/// Direction of a packet within its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the end that was seen sending first.
    Forward,
    /// Towards it.
    Backward,
}

impl Direction {
    /// 0 for forward, 1 for backward.
    pub fn index(self) -> usize {
        match self {
            Direction::Forward => 0,
            Direction::Backward => 1,
        }
    }

    /// The other direction.
    pub fn turned(self) -> Direction {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }
}

/// Which numbering a flow's stream number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Counted as `tcp.stream`.
    Tcp,
    /// Counted as `udp.stream`.
    Udp,
    /// All other protocols over IP.
    Other,
}

impl Kind {
    fn of(proto: u8) -> Kind {
        match proto {
            6 => Kind::Tcp,
            17 => Kind::Udp,
            _ => Kind::Other,
        }
    }
}

/// The ends of a flow as one packet names them: source first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Addresses.
    pub net: IpPair,
    /// Ports, 0 and 0 for protocols without.
    pub ports: Ports,
    /// IP protocol number.
    pub proto: u8,
}

impl Ends {
    /// The ends that `headers` name, innermost; `None` without IP addresses and for unread fragments.
    #[inline]
    pub fn of(headers: &Headers) -> Option<Ends> {
        if headers.net.is_none() || headers.fragment.is_some_and(|f| f.whole || f.offset != 0) {
            return None;
        }
        let (ports, proto) = match headers.transport {
            Transport::Tcp(tcp) => (tcp.ports, 6),
            // As tshark: a UDP header whose length is impossible belongs to no stream.
            Transport::Udp(_) if matches!(headers.stop, Stop::Malformed { layer: LayerKind::Udp, .. }) => return None,
            Transport::Udp(ports) => (ports, 17),
            Transport::Icmp(_) => (Ports::default(), 1),
            Transport::Icmpv6(_) => (Ports::default(), 58),
            Transport::Other { proto, ports } => (ports, proto),
            // A TCP or UDP header that could not be read has no ports to make a flow of.
            Transport::None if matches!(headers.proto, 6 | 17) => return None,
            Transport::None => (Ports::default(), headers.proto),
        };
        Some(Ends { net: headers.net, ports, proto })
    }

    /// The ends of the packet that an ICMP error in `headers` quotes, if it names ports or needs none.
    pub fn quoted(headers: &Headers) -> Option<Ends> {
        let (Transport::Icmp(icmp) | Transport::Icmpv6(icmp)) = headers.transport else { return None };
        let quote = icmp.quote?;
        let ports = match quote.ports {
            Some(ports) => ports,
            None if matches!(quote.proto, 6 | 17 | 33 | 132 | 136) => return None,
            None => Ports::default(),
        };
        Some(Ends { net: quote.net, ports, proto: quote.proto })
    }
}

/// A flow as it is shown: `net` and `ports` have the first sender as source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its ends, the first sender as source.
    pub ends: Ends,
    /// Its numbering.
    pub kind: Kind,
    /// Its number therein, from 0.
    pub stream: u32,
    /// Tunnel path of its first packet ([`Headers::path`]), 0 without tunnels.
    pub path: u64,
}

/// Addresses in a table of their own width.
trait Address: Copy + Eq + Ord {}
impl Address for u32 {}
impl Address for u128 {}

/// One flow's key: the lower end first.
#[derive(Clone, Copy)]
struct Key<A> {
    low: A,
    high: A,
    low_port: u16,
    high_port: u16,
    proto: u8,
    /// Of packets that a recorder made: what was captured of the same ends is another flow.
    made: bool,
}

impl<A: Address> PartialEq for Key<A> {
    /// All at once: one branch a packet, not five.
    #[inline]
    fn eq(&self, other: &Key<A>) -> bool {
        (self.low == other.low)
            & (self.high == other.high)
            & (self.low_port == other.low_port)
            & (self.high_port == other.high_port)
            & (self.proto == other.proto)
            & (self.made == other.made)
    }
}

/// A key in store: with the flow that has it now, and whether the lower end was the first sender.
#[derive(Clone, Copy)]
struct Row<A> {
    key: Key<A>,
    low_first: bool,
    /// The flow that now has this key: the newest, if ports were reused.
    flow: FlowId,
    /// Its stream number, here too so that a lookup touches no second table.
    stream: u32,
}

/// IPv6 addresses as words of 8 bytes: 16-byte alignment would pad every row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wide([u64; 2]);
impl Address for Wide {}

/// So many keys that were asked for lately are found without a hash.
const RECENT: usize = 512;

struct Side<A> {
    rows: Vec<Row<A>>,
    index: HashTable<u32>,
    /// Rows found last, by their ports alone: packets of a flow come close together. A guess, for the row's own key decides.
    recent: Box<[u32; RECENT]>,
}

impl<A> Default for Side<A> {
    fn default() -> Self {
        Side { rows: Vec::new(), index: HashTable::new(), recent: Box::new([u32::MAX; RECENT]) }
    }
}

/// So many ports in a row get hashes in a row.
const NEIGHBOURS: u64 = 256;

/// Where a key stands in the index. A host opens its connections on one port after the other: flows whose higher ports are neighbours stand
/// beside each other, so that those that live at the same time share the cache's lines. Where a row of neighbours begins nobody can guess.
#[inline]
fn place(hasher: &DefaultHashBuilder, ends: impl std::hash::Hash, low_port: u16, high_port: u16, proto: u8) -> u64 {
    let (least, most) = (u64::from(low_port.min(high_port)), u64::from(low_port.max(high_port)));
    let whose = u64::from(low_port < high_port);
    let row = hasher.hash_one((ends, (most / NEIGHBOURS) << 32 | least << 16 | whose << 8 | u64::from(proto)));
    // The table's first look compares the highest seven bits: these differ among neighbours too.
    row.wrapping_add(most % NEIGHBOURS) ^ most << 57
}

#[inline]
fn hash4(hasher: &DefaultHashBuilder, key: &Key<u32>) -> u64 {
    place(hasher, u64::from(key.low) << 32 | u64::from(key.high), key.low_port, key.high_port, key.proto)
}

#[inline]
fn hash6(hasher: &DefaultHashBuilder, key: &Key<Wide>) -> u64 {
    let (low, high) = (key.low.0, key.high.0);
    place(hasher, (low[0], low[1], high[0], high[1]), key.low_port, key.high_port, key.proto)
}

/// Where [`Side::recent`] would have a key.
#[inline]
fn recent<A>(key: &Key<A>) -> usize {
    usize::from(key.low_port ^ key.high_port) % RECENT
}

impl<A: Address> Side<A> {
    /// The row of `key`, or else the hash to insert it with.
    #[inline]
    fn find(&mut self, key: &Key<A>, hash: impl Fn(&Key<A>) -> u64) -> Result<u32, u64> {
        let recent = self.recent.get_mut(recent(key));
        if let Some(&mut i) = recent
            && self.rows.get(i as usize).is_some_and(|row| row.key == *key)
        {
            return Ok(i);
        }
        let hash = hash(key);
        let found = self.index.find(hash, |&i| self.rows.get(i as usize).is_some_and(|row| row.key == *key));
        if let (Some(recent), Some(&i)) = (recent, found) {
            *recent = i;
        }
        found.copied().ok_or(hash)
    }

    fn insert(&mut self, hash: u64, row: Row<A>, rehash: impl Fn(&Key<A>) -> u64) -> u32 {
        let i = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        if let Some(recent) = self.recent.get_mut(recent(&row.key)) {
            *recent = i;
        }
        self.rows.push(row);
        let rows = &self.rows;
        self.index.insert_unique(hash, i, |&i| rows.get(i as usize).map_or(0, |row| rehash(&row.key)));
        i
    }
}

/// Where a flow's key is and which stream it is: 12 bytes a flow.
#[derive(Clone, Copy)]
struct Place {
    /// Index into `v4` or `v6`; the top bit says which.
    row: u32,
    stream: u32,
    /// Direction bit at the time of this flow (a reused key may be opened by the other end).
    low_first: bool,
}

const IN_V6: u32 = 1 << 31;

/// What [`FlowTable::look`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The flow.
    pub id: FlowId,
    /// The packet's direction in it.
    pub dir: Direction,
    /// Its number within its kind.
    pub stream: u32,
    /// The packet opened it.
    pub new: bool,
}

/// All flows of one capture (or of one shard of it).
pub struct FlowTable {
    v4: Side<u32>,
    v6: Side<Wide>,
    places: Vec<Place>,
    paths: HashMap<FlowId, u64>,
    hasher: DefaultHashBuilder,
    counts: [u32; 3],
    limit: u32,
}

impl Default for FlowTable {
    fn default() -> Self {
        FlowTable::with_limit(IN_V6 - 1)
    }
}

impl FlowTable {
    /// A table that takes at most `limit` flows; packets of further ones get no flow.
    pub fn with_limit(limit: u32) -> FlowTable {
        FlowTable {
            v4: Side::default(),
            v6: Side::default(),
            places: Vec::new(),
            paths: HashMap::default(),
            hasher: DefaultHashBuilder::default(),
            counts: [0; 3],
            limit: limit.min(IN_V6 - 1),
        }
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True before the first flow.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// True if the limit was reached: from then on new flows are not taken.
    pub fn is_full(&self) -> bool {
        self.places.len() >= self.limit as usize
    }

    /// Finds the flow of `ends`, or opens one; `path` is remembered for a flow that is opened. `None` without addresses or when the table is full.
    #[inline]
    pub fn look(&mut self, ends: &Ends, path: u64) -> Option<Found> {
        self.look_among(ends, path, false)
    }

    /// The same, among flows of packets that were captured or of those that a recorder `made`: both may stand in one file, and tell the
    /// same connection with other numbers.
    #[inline]
    pub fn look_among(&mut self, ends: &Ends, path: u64, made: bool) -> Option<Found> {
        let (row, low_is_source) = match ends.net {
            IpPair::None => return None,
            IpPair::V4(src, dst) => {
                let (key, turned) = order(src.to_bits(), dst.to_bits(), ends, made);
                match self.v4.find(&key, |k| hash4(&self.hasher, k)) {
                    Ok(i) => (i, !turned),
                    Err(hash) => return self.open4(hash, key, turned, path),
                }
            }
            IpPair::V6(src, dst) => {
                let (key, turned) = order(wide(src), wide(dst), ends, made);
                match self.v6.find(&key, |k| hash6(&self.hasher, k)) {
                    Ok(i) => (i | IN_V6, !turned),
                    Err(hash) => return self.open6(hash, key, turned, path),
                }
            }
        };
        let (id, low_first, stream) = self.row(row)?;
        let dir = if low_first == low_is_source { Direction::Forward } else { Direction::Backward };
        Some(Found { id, dir, stream, new: false })
    }

    /// Opens a new flow with the key of `old`, the one with that key so far: its ports are used again. The packet at hand, going in `dir` of
    /// the old flow, is the first of the new one. `None` when the table is full.
    pub fn renew(&mut self, old: FlowId, dir: Direction) -> Option<Found> {
        if self.is_full() {
            return None;
        }
        let place = *self.places.get(old as usize)?;
        let low_first = place.low_first == (dir == Direction::Forward);
        let id = u32::try_from(self.places.len()).ok()?;
        let stream = if place.row & IN_V6 == 0 {
            let row = self.v4.rows.get_mut(place.row as usize)?;
            let stream = count(&mut self.counts, row.key.proto);
            (row.flow, row.low_first, row.stream) = (id, low_first, stream);
            stream
        } else {
            let row = self.v6.rows.get_mut((place.row & !IN_V6) as usize)?;
            let stream = count(&mut self.counts, row.key.proto);
            (row.flow, row.low_first, row.stream) = (id, low_first, stream);
            stream
        };
        self.places.push(Place { row: place.row, stream, low_first });
        if let Some(&path) = self.paths.get(&old) {
            self.paths.insert(id, path);
        }
        Some(Found { id, dir: Direction::Forward, stream, new: true })
    }

    /// A flow by number.
    pub fn flow(&self, id: FlowId) -> Option<Flow> {
        let place = self.places.get(id as usize)?;
        let (net, low_port, high_port, proto) = if place.row & IN_V6 == 0 {
            let k = self.v4.rows.get(place.row as usize)?.key;
            let (low, high) = (Ipv4Addr::from_bits(k.low), Ipv4Addr::from_bits(k.high));
            (if place.low_first { IpPair::V4(low, high) } else { IpPair::V4(high, low) }, k.low_port, k.high_port, k.proto)
        } else {
            let k = self.v6.rows.get((place.row & !IN_V6) as usize)?.key;
            let (low, high) = (narrow(k.low), narrow(k.high));
            (if place.low_first { IpPair::V6(low, high) } else { IpPair::V6(high, low) }, k.low_port, k.high_port, k.proto)
        };
        let ports =
            if place.low_first { Ports { src: low_port, dst: high_port } } else { Ports { src: high_port, dst: low_port } };
        let path = self.paths.get(&id).copied().unwrap_or(0);
        Some(Flow { ends: Ends { net, ports, proto }, kind: Kind::of(proto), stream: place.stream, path })
    }

    /// Bytes that the table has asked the allocator for.
    pub fn weight(&self) -> usize {
        let rows4 = self.v4.rows.capacity().saturating_mul(size_of::<Row<u32>>());
        let rows6 = self.v6.rows.capacity().saturating_mul(size_of::<Row<Wide>>());
        let places = self.places.capacity().saturating_mul(size_of::<Place>());
        [rows4, rows6, places, self.v4.index.allocation_size(), self.v6.index.allocation_size(), self.paths.allocation_size()]
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    #[inline]
    fn row(&self, row: u32) -> Option<(FlowId, bool, u32)> {
        if row & IN_V6 == 0 {
            self.v4.rows.get(row as usize).map(|r| (r.flow, r.low_first, r.stream))
        } else {
            self.v6.rows.get((row & !IN_V6) as usize).map(|r| (r.flow, r.low_first, r.stream))
        }
    }

    fn open4(&mut self, hash: u64, key: Key<u32>, turned: bool, path: u64) -> Option<Found> {
        let flow = self.next_id()?;
        let hasher = self.hasher.clone();
        let stream = count(&mut self.counts, key.proto);
        let row = self.v4.insert(hash, Row { key, low_first: !turned, flow, stream }, |k| hash4(&hasher, k));
        self.opened(flow, Place { row, stream, low_first: !turned }, path)
    }

    fn open6(&mut self, hash: u64, key: Key<Wide>, turned: bool, path: u64) -> Option<Found> {
        let flow = self.next_id()?;
        let hasher = self.hasher.clone();
        let stream = count(&mut self.counts, key.proto);
        let row = self.v6.insert(hash, Row { key, low_first: !turned, flow, stream }, |k| hash6(&hasher, k));
        self.opened(flow, Place { row: row | IN_V6, stream, low_first: !turned }, path)
    }

    fn next_id(&self) -> Option<FlowId> {
        if self.is_full() { None } else { u32::try_from(self.places.len()).ok() }
    }

    fn opened(&mut self, id: FlowId, place: Place, path: u64) -> Option<Found> {
        let stream = place.stream;
        self.places.push(place);
        if path != 0 {
            self.paths.insert(id, path);
        }
        Some(Found { id, dir: Direction::Forward, stream, new: true })
    }
}

/// The next stream number of a protocol's kind.
fn count(counts: &mut [u32; 3], proto: u8) -> u32 {
    let [tcp, udp, other] = counts;
    let n = match Kind::of(proto) {
        Kind::Tcp => tcp,
        Kind::Udp => udp,
        Kind::Other => other,
    };
    let stream = *n;
    *n = n.saturating_add(1);
    stream
}

/// The key with its lower end first, and whether that turned the ends round.
#[inline]
fn order<A: Address>(src: A, dst: A, ends: &Ends, made: bool) -> (Key<A>, bool) {
    let Ports { src: sp, dst: dp } = ends.ports;
    if (src, sp) <= (dst, dp) {
        (Key { low: src, high: dst, low_port: sp, high_port: dp, proto: ends.proto, made }, false)
    } else {
        (Key { low: dst, high: src, low_port: dp, high_port: sp, proto: ends.proto, made }, true)
    }
}

fn wide(a: Ipv6Addr) -> Wide {
    let bits = a.to_bits();
    Wide([(bits >> 64) as u64, bits as u64])
}

fn narrow(w: Wide) -> Ipv6Addr {
    Ipv6Addr::from_bits(u128::from(w.0[0]) << 64 | u128::from(w.0[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_opened_one_after_the_other_stand_side_by_side_in_the_index() {
        let hasher = DefaultHashBuilder::default();
        let place_of = |port: u16| place(&hasher, 0u64, port, 80, 6);
        let mut rows = std::collections::HashSet::new();
        for port in 1024..65_000u16 {
            let (here, next) = (place_of(port), place_of(port + 1));
            rows.insert((here as u32).wrapping_sub(u32::from(port) % NEIGHBOURS as u32));
            if u64::from(port + 1) % NEIGHBOURS != 0 {
                // The table goes by the low bits, and tells those that stand together apart by the highest seven.
                assert_eq!((here as u32).wrapping_add(1), next as u32, "{port}");
                assert_ne!(here >> 57, next >> 57, "{port}");
            }
        }
        assert!(rows.len() > 200, "where a row of neighbours begins nobody can guess: {}", rows.len());
        assert_ne!(place(&hasher, 0u64, 80, 1024, 6), place_of(1024), "who has which port matters");
    }

    fn ends(src: &str, sp: u16, dst: &str, dp: u16, proto: u8) -> Ends {
        let net = match (src.parse(), dst.parse()) {
            (Ok(std::net::IpAddr::V4(a)), Ok(std::net::IpAddr::V4(b))) => IpPair::V4(a, b),
            (Ok(std::net::IpAddr::V6(a)), Ok(std::net::IpAddr::V6(b))) => IpPair::V6(a, b),
            _ => panic!("addresses of one family"),
        };
        Ends { net, ports: Ports { src: sp, dst: dp }, proto }
    }

    #[test]
    fn both_directions_meet_and_the_first_sender_is_forward() {
        let mut table = FlowTable::default();
        for (a, b) in [("10.0.0.9", "10.0.0.1"), ("fd00::9", "fd00::1")] {
            let first = table.look(&ends(a, 40000, b, 80, 6), 0).unwrap();
            assert!(first.new && first.dir == Direction::Forward);
            let answer = table.look(&ends(b, 80, a, 40000, 6), 0).unwrap();
            assert_eq!((answer.id, answer.dir, answer.new), (first.id, Direction::Backward, false));
            assert_eq!(table.flow(first.id).unwrap().ends, ends(a, 40000, b, 80, 6));
        }
    }

    #[test]
    fn streams_are_numbered_by_kind() {
        let mut table = FlowTable::default();
        let tcp = table.look(&ends("10.0.0.1", 1, "10.0.0.2", 2, 6), 0).unwrap();
        let udp = table.look(&ends("10.0.0.1", 1, "10.0.0.2", 2, 17), 0).unwrap();
        let tcp6 = table.look(&ends("fd00::1", 1, "fd00::2", 2, 6), 7).unwrap();
        assert_eq!((tcp.stream, udp.stream, tcp6.stream), (0, 0, 1));
        assert_eq!((tcp.id, udp.id, tcp6.id), (0, 1, 2));
        assert_eq!(table.flow(2).unwrap().path, 7);
    }

    #[test]
    fn reused_ports_open_a_new_flow_that_takes_the_key() {
        let mut table = FlowTable::default();
        let old = table.look(&ends("10.0.0.1", 1, "10.0.0.2", 2, 6), 0).unwrap();
        let new = table.renew(old.id, Direction::Backward).unwrap();
        assert_eq!((new.id, new.stream, new.new), (1, 1, true));
        // The other end opened this one.
        assert_eq!(table.flow(new.id).unwrap().ends, ends("10.0.0.2", 2, "10.0.0.1", 1, 6));
        assert_eq!(table.flow(old.id).unwrap().ends, ends("10.0.0.1", 1, "10.0.0.2", 2, 6));
        let next = table.look(&ends("10.0.0.1", 1, "10.0.0.2", 2, 6), 0).unwrap();
        assert_eq!((next.id, next.dir), (new.id, Direction::Backward));
    }

    #[test]
    fn same_ports_of_swapped_hosts_are_another_flow() {
        let mut table = FlowTable::default();
        let one = table.look(&ends("10.0.0.1", 1, "10.0.0.2", 2, 6), 0).unwrap();
        let other = table.look(&ends("10.0.0.2", 1, "10.0.0.1", 2, 6), 0).unwrap();
        assert_ne!(one.id, other.id);
    }

    #[test]
    fn flows_that_share_a_place_among_the_recent_keep_their_own_rows() {
        let mut table = FlowTable::default();
        // Ports whose exclusive or is the same, and addresses of both families.
        let pairs = [("10.0.0.1", "10.0.0.2"), ("10.0.0.3", "10.0.0.4"), ("fd00::1", "fd00::2"), ("fd00::3", "fd00::4")];
        let all: Vec<Ends> =
            pairs.iter().flat_map(|(a, b)| [(1, 2), (4, 7), (513, 2)].map(|(s, d)| ends(a, s, b, d, 6))).collect();
        for (i, e) in all.iter().enumerate() {
            let found = table.look(e, 0).unwrap();
            assert_eq!((found.id as usize, found.new), (i, true));
        }
        for round in 0..3 {
            for (i, e) in all.iter().enumerate() {
                let found = table.look(e, 0).unwrap();
                assert_eq!((found.id as usize, found.new), (i, false), "round {round}");
            }
        }
    }

    #[test]
    fn a_full_table_takes_no_more_but_still_finds() {
        let mut table = FlowTable::with_limit(1);
        assert!(table.look(&ends("10.0.0.1", 1, "10.0.0.2", 2, 6), 0).is_some());
        assert!(table.look(&ends("10.0.0.1", 3, "10.0.0.2", 2, 6), 0).is_none());
        assert!(table.look(&ends("10.0.0.2", 2, "10.0.0.1", 1, 6), 0).is_some());
        assert!(table.is_full());
    }

    #[test]
    fn a_flow_costs_little_memory() {
        let mut table = FlowTable::default();
        let n = 100_000_u32;
        for i in 0..n {
            let net = IpPair::V4(Ipv4Addr::from_bits(0x0a00_0000 | i >> 4), Ipv4Addr::new(10, 0, 0, 1));
            table.look(&Ends { net, ports: Ports { src: (i & 15) as u16 + 1024, dst: 80 }, proto: 6 }, 0).unwrap();
        }
        assert_eq!(table.len(), n as usize);
        assert!(table.weight() / n as usize <= 80, "{} bytes a flow", table.weight() / n as usize);
    }

    #[test]
    fn what_was_captured_and_what_a_recorder_made_of_the_same_ends_are_two_flows() {
        let mut table = FlowTable::default();
        let there = ends("192.0.2.1", 40_000, "192.0.2.2", 80, 6);
        let back = ends("192.0.2.2", 80, "192.0.2.1", 40_000, 6);
        let captured = table.look(&there, 0).unwrap();
        let made = table.look_among(&there, 0, true).unwrap();
        assert!(made.new && captured.id != made.id && captured.stream != made.stream);
        assert_eq!(table.look_among(&back, 0, true).map(|f| (f.id, f.new)), Some((made.id, false)));
        assert_eq!(table.look(&back, 0).map(|f| (f.id, f.new)), Some((captured.id, false)));
    }
}
