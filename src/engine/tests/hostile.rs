//! Bytes that no sender meant: the header read, fragments and analysis must neither panic nor point outside the packet.

mod support;
mod tracker;

use proptest::prelude::*;
use tracker::Tracker;
use wirelore_engine::flow::Ends;
use wirelore_engine::ipfrag::{FragmentTable, Limits, Outcome};
use wirelore_engine::packet::{self, Headers, MAX_LAYERS, Stop, Transport};

const LINK_TYPES: [u32; 19] = [0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 107, 108, 113, 127, 147, 228, 229, 239, 276];

/// What must hold of every read, whatever the bytes.
fn check(h: &Headers, bytes: &[u8], wire_len: u32) {
    let len = bytes.len() as u32;
    assert!(h.layers.len() <= MAX_LAYERS);
    for layer in h.layers.iter() {
        assert!(layer.at <= len, "{layer:?} in {len} bytes");
    }
    let ats: Vec<u32> = h.layers.iter().map(|l| l.at).collect();
    assert!(ats.is_sorted(), "{ats:?}");
    assert!(u64::from(h.payload_at) + u64::from(h.payload_len) <= u64::from(len));
    assert!(h.payload_wire_len >= h.payload_len, "{h:?}");
    assert!(u64::from(h.payload_at) + u64::from(h.payload_wire_len) <= u64::from(wire_len.max(len)));
    if let Transport::Tcp(tcp) = h.transport {
        assert!(tcp.at + 20 <= len);
        if tcp.sound {
            assert_eq!(tcp.options(bytes).len(), usize::from(tcp.header_len) - 20);
        }
    }
    if let Stop::Truncated { at, need, have, .. } = h.stop {
        assert!(at <= len && have < need, "{:?}", h.stop);
    }
    assert!(h.fragment.is_some() || h.stop != Stop::Fragment);
    let _ = (h.layers.spell(), Ends::of(h), Ends::quoted(h), h.payload(bytes));
}

/// Everything that happens to a packet, with a table and a tracker that live on.
struct Path {
    fragments: FragmentTable,
    tracker: Tracker,
    frame: u32,
}

impl Path {
    fn new() -> Path {
        let limits = Limits { bytes: 1 << 20, datagrams: 64, ..Limits::default() };
        Path { fragments: FragmentTable::with_limits(limits), tracker: Tracker::default(), frame: 0 }
    }

    fn take(&mut self, link_type: u32, bytes: &[u8], wire_len: u32, time_ns: i64) {
        self.frame += 1;
        let mut h = Headers::default();
        packet::read(link_type, bytes, wire_len, &mut h);
        check(&h, bytes, wire_len);
        let mut owned: Option<Vec<u8>> = None;
        for _ in 0..4 {
            let Some(f) = h.fragment.filter(|f| f.whole && h.stop == Stop::Fragment) else { break };
            let from: &[u8] = owned.as_deref().unwrap_or(bytes);
            let Outcome::Joined(done) =
                self.fragments.take(h.net, &f, h.payload(from), u64::from(self.frame), h.payload_at, time_ns)
            else {
                break;
            };
            let mut at = 0;
            for p in &done.pieces {
                assert_eq!(p.at, at, "pieces cover the datagram without gaps");
                at += p.len;
            }
            assert_eq!(at as usize, done.bytes.len());
            let mut inner = Headers::default();
            packet::read_datagram(&h, done.proto, &done.bytes, &mut inner);
            h = inner;
            owned = Some(done.bytes);
        }
        assert!(self.fragments.weight() <= (1 << 20) + 70_000);
        self.tracker.see(&h, owned.as_deref().unwrap_or(bytes), time_ns, self.frame);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_of_any_link_type(link in proptest::sample::select(&LINK_TYPES[..]), bytes in proptest::collection::vec(any::<u8>(), 0..200), more in 0_u32..3000) {
        Path::new().take(link, &bytes, bytes.len() as u32 + more, 0);
    }

    #[test]
    fn any_bytes_behind_a_plausible_start(pick in 0_usize..12, bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        // Ethernet, then an ethertype or IP header that leads into the rarer readers.
        let starts: [&[u8]; 12] = [
            &[0x08, 0x00, 0x45], &[0x86, 0xdd, 0x60], &[0x81, 0x00], &[0x88, 0x47], &[0x88, 0x64], &[0xd2, 0x8b, 0, 1, 0, 0x10], &[0x88, 0xe5],
            &[0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 47], &[0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 4],
            &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 0], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 44], &[0, 40, 0xaa, 0xaa, 3, 0, 0, 0],
        ];
        let mut packet = vec![0_u8; 12];
        packet.extend_from_slice(starts[pick]);
        packet.extend(bytes);
        Path::new().take(1, &packet, packet.len() as u32, 0);
    }

    #[test]
    fn fragments_in_any_order_give_the_same_datagram(
        data in proptest::collection::vec(any::<u8>(), 1..2000),
        cuts in proptest::collection::btree_set(1_usize..250, 0..20),
        order in proptest::collection::vec(any::<u32>(), 24),
    ) {
        let mut edges: Vec<usize> = cuts.into_iter().map(|c| c * 8).filter(|c| *c < data.len()).collect();
        edges.insert(0, 0);
        edges.push(data.len());
        let mut parts: Vec<(usize, usize)> = edges.windows(2).map(|w| (w[0], w[1])).collect();
        for (i, o) in order.iter().enumerate() {
            let n = parts.len();
            parts.swap(i % n, *o as usize % n);
        }
        let net = packet::IpPair::V4([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let mut table = FragmentTable::default();
        let mut joined = None;
        for (n, (from, to)) in parts.iter().enumerate() {
            let f = packet::Fragment { id: 7, offset: *from as u32, more: *to < data.len(), proto: 17, whole: true };
            match table.take(net, &f, &data[*from..*to], n as u64, 34, 0) {
                Outcome::Joined(d) => { prop_assert_eq!(n, parts.len() - 1); joined = Some(d); }
                other => prop_assert_eq!(other, Outcome::Held),
            }
        }
        let joined = joined.expect("all fragments came");
        prop_assert_eq!(&joined.bytes, &data);
        prop_assert!(!joined.overlap && !joined.conflict && !joined.bad_length);
        prop_assert!(table.is_empty() && table.weight() == 0);
    }

    #[test]
    fn overlapping_fragments_keep_the_bytes_that_came_first(parts in proptest::collection::vec((0_u32..40, 1_usize..200, any::<u8>(), any::<bool>()), 1..40)) {
        let net = packet::IpPair::V4([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let mut table = FragmentTable::default();
        let mut first: Vec<Option<u8>> = vec![None; 600];
        for (n, (at, len, fill, more)) in parts.iter().enumerate() {
            let (from, bytes) = (at * 8, vec![*fill; *len]);
            for slot in first.iter_mut().skip(from as usize).take(*len) {
                slot.get_or_insert(*fill);
            }
            let f = packet::Fragment { id: 7, offset: from, more: *more, proto: 17, whole: true };
            if let Outcome::Joined(d) = table.take(net, &f, &bytes, n as u64, 0, 0) {
                let want: Vec<Option<u8>> = d.bytes.iter().copied().map(Some).collect();
                prop_assert_eq!(&first[..d.bytes.len()], &want[..]);
                break;
            }
        }
    }
}

/// A small generator: mutations must be the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

#[test]
fn mutated_packets_of_the_corpus() {
    let Some(dir) = support::corpus() else { return };
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let mut path = Path::new();
    let mut count = 0;
    for file in support::captures(&dir) {
        for p in support::packets(&file).iter().take(60) {
            path.take(p.link_type, &p.bytes, p.wire_len, p.time_ns);
            for _ in 0..30 {
                let mut bytes = p.bytes.clone();
                for _ in 0..=dice.roll(3) {
                    let near = bytes.len().min(120);
                    match dice.roll(4) {
                        0 if near > 0 => bytes[dice.roll(near)] = dice.roll(256) as u8,
                        1 if near > 0 => {
                            let i = dice.roll(near);
                            bytes[i] ^= 1 << dice.roll(8);
                        }
                        2 => bytes.truncate(dice.roll(bytes.len() + 1)),
                        3 if near > 2 => {
                            let (i, j) = (dice.roll(near), dice.roll(near));
                            bytes.swap(i, j);
                        }
                        _ => {}
                    }
                }
                path.take(p.link_type, &bytes, p.wire_len, p.time_ns);
                count += 1;
            }
        }
    }
    eprintln!("{count} mutated packets read");
}

#[test]
fn damaged_captures_are_read_to_their_damage() {
    let Some(dir) = support::corpus() else { return };
    for file in support::captures(&dir.join("malformed")) {
        let mut path = Path::new();
        for p in support::packets(&file) {
            path.take(p.link_type, &p.bytes, p.wire_len, p.time_ns);
        }
    }
}

#[test]
fn a_flood_of_fragments_stays_small_and_linear() {
    let net = packet::IpPair::V4([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let limits = Limits { bytes: 1 << 20, datagrams: 128, ..Limits::default() };
    let mut table = FragmentTable::with_limits(limits);
    let started = std::time::Instant::now();
    for i in 0..200_000_u32 {
        // The last eight bytes of ever new datagrams, then tiny pieces of one from its end to its start.
        let f = packet::Fragment { id: i, offset: 65_000, more: true, proto: 17, whole: true };
        table.take(net, &f, &[0; 8], u64::from(i), 0, i64::from(i));
        let f = packet::Fragment { id: 0xffff_ffff, offset: (8191 - i % 8191) * 8, more: true, proto: 17, whole: true };
        table.take(net, &f, &[1; 8], u64::from(i), 0, i64::from(i));
        assert!(table.weight() <= (1 << 20) + 200 && table.len() <= 129);
    }
    assert!(!table.take_lost().is_empty());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn a_fragment_that_waits_too_long_is_given_up_and_told() {
    let net = packet::IpPair::V6([1; 16].into(), [2; 16].into());
    let mut table = FragmentTable::default();
    let f = packet::Fragment { id: 9, offset: 0, more: true, proto: 17, whole: true };
    assert_eq!(table.take(net, &f, &[0; 16], 4, 62, 0), Outcome::Held);
    let end = packet::Fragment { offset: 16, more: false, ..f };
    // A minute and a bit later the same identification begins another datagram.
    assert_eq!(table.take(net, &end, &[0; 8], 5, 62, 61_000_000_000), Outcome::Held);
    let lost = table.take_lost();
    assert_eq!((lost.len(), lost[0].first_arrival, lost[0].have, lost[0].total), (1, 4, 16, None));
    assert_eq!(table.finish().len(), 1);
}

#[test]
fn a_fragment_beyond_the_longest_datagram_is_refused() {
    let net = packet::IpPair::V4([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let mut table = FragmentTable::default();
    // The "ping of death": offset and length reach beyond 65,535.
    let f = packet::Fragment { id: 1, offset: 65_528, more: false, proto: 1, whole: true };
    assert_eq!(table.take(net, &f, &[0; 100], 1, 0, 0), Outcome::Refused);
    assert!(table.is_empty());
}
