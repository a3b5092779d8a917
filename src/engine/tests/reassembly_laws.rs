//! Laws of reassembly on random connections: what is captured whole comes out whole, and in causal order, however it is cut, mixed and repeated;
//! what is lost is said; the log repeats everything; nothing panics and memory stays bounded.

use bytes::Bytes;
use proptest::prelude::*;
use wirelore_engine::log::{Entry, Log, Logged, replay};
use wirelore_engine::reassembly::{Deliver, End, GapWhy, Limits, Segment, Source, Tcp};
use wirelore_engine::source_map;
use wirelore_kit::BufKind;

/// Bytes in front of the payload in every packet.
const HEADERS: usize = 54;

/// A packet of a simulated connection.
#[derive(Debug, Clone)]
struct Packet {
    dir: usize,
    seq: u32,
    ack: Option<u32>,
    flags: Flags,
    /// True offset of the payload in its stream.
    at: u64,
    payload: Vec<u8>,
    wire_len: u32,
    time: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    syn: bool,
    fin: bool,
    rst: bool,
}

impl Packet {
    fn segment(&self, number: usize) -> Segment<'_> {
        Segment {
            seq: self.seq,
            ack: self.ack,
            syn: self.flags.syn,
            fin: self.flags.fin,
            rst: self.flags.rst,
            payload: &self.payload,
            wire_len: self.wire_len,
            number: number as u32,
            time: self.time,
            offset: HEADERS as u32,
        }
    }

    fn bytes(&self) -> Bytes {
        let mut all = vec![0xee; HEADERS];
        all.extend_from_slice(&self.payload);
        all.into()
    }
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Data(usize, u64, Vec<u8>, Source),
    Gap(usize, u64, u64, GapWhy),
    Conflict(usize, u64, u32, u32, Source),
    Again(usize, u64, u32, Source),
    End(usize, End, u32, i64),
}

/// Keeps all deliveries, and checks on the way that offsets are without holes and ends are final.
#[derive(Default)]
struct Kept {
    calls: Vec<Call>,
    next: [u64; 2],
    ended: [bool; 2],
}

impl Deliver for Kept {
    fn data(&mut self, dir: usize, at: u64, bytes: &[u8], from: Source) {
        assert_eq!(at, self.next[dir], "bytes that do not follow");
        assert!(!self.ended[dir] && !bytes.is_empty());
        self.next[dir] += bytes.len() as u64;
        self.calls.push(Call::Data(dir, at, bytes.to_vec(), from));
    }
    fn gap(&mut self, dir: usize, at: u64, missing: u64, why: GapWhy) {
        assert_eq!(at, self.next[dir], "a gap that does not follow");
        assert!(!self.ended[dir] && missing > 0);
        if missing != u64::MAX {
            self.next[dir] += missing;
        }
        self.calls.push(Call::Gap(dir, at, missing, why));
    }
    fn conflict(&mut self, dir: usize, at: u64, len: u32, kept: u32, other: Source) {
        assert!(at + u64::from(len) <= self.next[dir] && len > 0);
        self.calls.push(Call::Conflict(dir, at, len, kept, other));
    }
    fn again(&mut self, dir: usize, at: u64, len: u32, from: Source) {
        assert!(at + u64::from(len) <= self.next[dir] && len > 0);
        self.calls.push(Call::Again(dir, at, len, from));
    }
    fn end(&mut self, dir: usize, how: End, number: u32, time: i64) {
        assert!(!self.ended[dir], "a direction that ends twice");
        self.ended[dir] = true;
        self.calls.push(Call::End(dir, how, number, time));
    }
}

impl Kept {
    fn gaps(&self) -> usize {
        self.calls.iter().filter(|c| matches!(c, Call::Gap(..))).count()
    }
}

/// The true bytes of a direction.
fn truth(dir: usize, at: u64) -> u8 {
    (at as u32).wrapping_mul(2654435761).rotate_left(7) as u8 ^ if dir == 0 { 0 } else { 0x5a }
}

fn bytes_of(dir: usize, at: u64, len: usize) -> Vec<u8> {
    (at..at + len as u64).map(|i| truth(dir, i)).collect()
}

/// A connection as it happened: handshake, talk, both FINs.
fn talk(isn: [u32; 2], says: &[(bool, u16)], time_step: i64) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut sent = [0u64; 2];
    let seq = |dir: usize, at: u64| isn[dir].wrapping_add(1).wrapping_add(at as u32);
    let syn = Flags { syn: true, ..Flags::default() };
    let blank = Packet { dir: 0, seq: isn[0], ack: None, flags: syn, at: 0, payload: vec![], wire_len: 0, time: 0 };
    packets.push(blank.clone());
    packets.push(Packet { dir: 1, seq: isn[1], ack: Some(seq(0, 0)), ..blank.clone() });
    packets.push(Packet { seq: seq(0, 0), ack: Some(seq(1, 0)), flags: Flags::default(), ..blank.clone() });
    for &(back, len) in says {
        let dir = usize::from(back);
        let at = sent[dir];
        sent[dir] += u64::from(len);
        packets.push(Packet {
            dir,
            seq: seq(dir, at),
            ack: Some(seq(dir ^ 1, sent[dir ^ 1])),
            flags: Flags::default(),
            at,
            payload: bytes_of(dir, at, usize::from(len)),
            wire_len: u32::from(len),
            time: 0,
        });
    }
    let fin = Flags { fin: true, ..Flags::default() };
    for dir in 0..2 {
        // The second FIN acknowledges the first, which takes a sequence number.
        let ack = seq(dir ^ 1, sent[dir ^ 1] + dir as u64);
        packets.push(Packet { dir, seq: seq(dir, sent[dir]), ack: Some(ack), flags: fin, at: sent[dir], ..blank.clone() });
    }
    for (i, p) in packets.iter_mut().enumerate() {
        p.time = i as i64 * time_step;
    }
    packets
}

/// Moves packets behind the first `fixed` by up to `window` places.
fn mix(packets: &mut [Packet], fixed: usize, window: u32, seeds: &[u32]) {
    let mut keyed: Vec<(u32, Packet)> = packets
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let moved = if i < fixed { 0 } else { seeds[i % seeds.len()] % (window + 1) };
            (i as u32 + moved, p.clone())
        })
        .collect();
    keyed[fixed..].sort_by_key(|(k, _)| *k);
    for (slot, (_, p)) in packets.iter_mut().zip(keyed) {
        *slot = p;
    }
}

/// Runs packets through, keeping the log; checks the replay, the source map and the memory on the way.
fn run(packets: &[Packet], limits: Limits) -> Kept {
    let mut tcp = Tcp::new(limits);
    let mut log = Log::default();
    let mut kept = Kept::default();
    let mut drained = Vec::new();
    for (i, p) in packets.iter().enumerate() {
        tcp.segment(p.dir, &p.segment(i), &mut Logged::new(&mut log, &mut kept));
        assert!(tcp.held() <= 2 * limits.hold as usize, "{} bytes wait", tcp.held());
        if i % 13 == 12 {
            log.drain_into(&mut drained);
        }
        assert_eq!([tcp.next_offset(0), tcp.next_offset(1)], kept.next);
    }
    tcp.finish(&mut Logged::new(&mut log, &mut kept));
    assert!(tcp.is_over() && tcp.held() == 0 && kept.ended == [true, true]);
    log.drain_into(&mut drained);
    assert_eq!(log.entries().count(), 0);
    let end = log.mark();
    let log = Log::from_runs(drained);
    let mut entries = log.entries();
    entries.by_ref().for_each(drop);
    assert_eq!(entries.mark(), end);
    check_log(&log, packets, &kept);
    kept
}

fn check_log(log: &Log, packets: &[Packet], kept: &Kept) {
    let fetch = |n: u32| packets.get(n as usize).map(|p| (p.bytes(), p.time));
    let mut second = Kept::default();
    replay(log.entries(), fetch, &mut second);
    assert_eq!(second.calls, kept.calls, "the second reading differs from the first");
    // Reading on from any entry gives the rest.
    let all: Vec<Entry> = log.entries().collect();
    let mut entries = log.entries();
    for i in 0..all.len() {
        if i % 7 == 0 {
            let rest: Vec<Entry> = log.entries_from(entries.mark()).collect();
            assert_eq!(rest, all[i..]);
        }
        entries.next();
    }
    for dir in 0..2 {
        let pieces = source_map::pieces(log, dir, 0..u64::MAX);
        let calls: Vec<_> = kept.calls.iter().filter(|c| matches!(c, Call::Data(d, ..) if *d == dir)).collect();
        assert_eq!(pieces.len(), calls.len());
        for (piece, call) in pieces.iter().zip(calls) {
            let Call::Data(_, at, bytes, _) = call else { unreachable!() };
            let BufKind::Arrival(n) = piece.from.buf.kind() else { panic!("not an arrival") };
            let packet = packets[n as usize].bytes();
            assert_eq!((piece.at, &packet[piece.from.at as usize..][..piece.len as usize]), (*at, &bytes[..]));
            let carried = source_map::carried(log, n as u32);
            assert!(carried.iter().any(|c| c.used && c.run.at == *at && c.run.len == piece.len));
        }
        let gaps = source_map::gaps(log, dir, 0..u64::MAX);
        assert_eq!(gaps.len(), kept.calls.iter().filter(|c| matches!(c, Call::Gap(d, ..) if *d == dir)).count());
    }
}

/// Delivered bytes are the true ones, and the distance to their true offset changes only at gaps of unknown size.
fn check_truth(packets: &[Packet], kept: &Kept) {
    let mut shift: [Option<u64>; 2] = [None; 2];
    for call in &kept.calls {
        match call {
            Call::Data(dir, at, bytes, from) => {
                let p = &packets[from.number as usize];
                let real = p.at + u64::from(from.offset) - HEADERS as u64;
                assert_eq!(*bytes, bytes_of(*dir, real, bytes.len()));
                let by = real.wrapping_sub(*at);
                assert_eq!(*shift[*dir].get_or_insert(by), by, "bytes at the wrong place");
            }
            Call::Gap(dir, _, u64::MAX, _) => shift[*dir] = None,
            _ => {}
        }
    }
}

fn says(most: usize) -> impl Strategy<Value = Vec<(bool, u16)>> {
    prop::collection::vec((any::<bool>(), 1u16..2000), 1..most)
}

fn isns() -> impl Strategy<Value = [u32; 2]> {
    // Half of them wrap around within the first bytes.
    let isn = prop_oneof![any::<u32>(), (u32::MAX - 3000)..=u32::MAX];
    [isn.clone(), isn]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_captured_whole_comes_out_whole(
        isn in isns(), says in says(60), window in 0u32..20, seeds in prop::collection::vec(any::<u32>(), 16..64),
        repeats in prop_oneof![Just(vec![]), prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1usize..3000), 0..10)],
    ) {
        let mut packets = talk(isn, &says, 1_000_000);
        // Retransmissions with other borders, some time after the first sending.
        let once = repeats.is_empty();
        for (which, place, len) in repeats {
            let i = 3 + which.index(packets.len() - 4);
            let p = packets[i].clone();
            let said: u64 = packets[..=i].iter().filter(|q| q.dir == p.dir).map(|q| q.at + q.payload.len() as u64).max().unwrap();
            let back = p.at.min(len as u64 / 2);
            let at = p.at - back;
            let len = (len as u64).min(said - at);
            let again = Packet {
                seq: p.seq.wrapping_sub(back as u32), at, payload: bytes_of(p.dir, at, len as usize), wire_len: len as u32,
                flags: Flags::default(), ..p
            };
            let place = (i + 1 + place.index(20)).min(packets.len());
            packets.insert(place, again);
        }
        mix(&mut packets, 3, window, &seeds);
        let kept = run(&packets, Limits::default());
        prop_assert_eq!(kept.gaps(), 0);
        for dir in 0..2 {
            let total: u64 = says.iter().filter(|(b, _)| usize::from(*b) == dir).map(|(_, l)| u64::from(*l)).sum();
            prop_assert_eq!(kept.next[dir], total);
            let fin = kept.calls.iter().any(|c| matches!(c, Call::End(d, End::Fin, ..) if *d == dir));
            prop_assert!(fin);
        }
        check_truth(&packets, &kept);
        // Nothing is delivered before what it acknowledges. (A retransmission acknowledges more than was known when its bytes were first sent.)
        let mut next = [0u64; 2];
        for call in kept.calls.iter().filter(|_| once) {
            if let Call::Data(dir, _, bytes, from) = call {
                let ack = packets[from.number as usize].ack.unwrap();
                let acked = ack.wrapping_sub(isn[dir ^ 1].wrapping_add(1)) as u64;
                prop_assert!(acked <= next[dir ^ 1], "an answer before its question");
                next[*dir] += bytes.len() as u64;
            }
        }
    }

    #[test]
    fn what_is_lost_is_said_and_the_rest_is_true(
        isn in isns(), says in says(120), window in 0u32..100, seeds in prop::collection::vec(any::<u32>(), 16..64),
        drops in prop::collection::vec(any::<u8>(), 16..64), rate in 0u8..120, snap in prop_oneof![Just(usize::MAX), 10usize..1500],
        first in 0usize..40, hold in prop_oneof![Just(1u32 << 20), 5_000u32..50_000], step in -20_000_000i64..100_000_000,
        one_sided in any::<bool>(), lies in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut packets = talk(isn, &says, step);
        let mut honest = true;
        for lie in &lies {
            let mut p = packets[lie.index(packets.len())].clone();
            p.payload.iter_mut().for_each(|b| *b = !*b);
            honest &= p.payload.is_empty();
            packets.push(p);
        }
        mix(&mut packets, 0, window, &seeds);
        let mut n = 0usize;
        packets.retain(|p| { n += 1; n > first && (p.dir == 0 || !one_sided) && drops[n % drops.len()] >= rate });
        for p in &mut packets {
            p.payload.truncate(snap);
        }
        let kept = run(&packets, Limits { hold, ..Limits::default() });
        if honest {
            check_truth(&packets, &kept);
        }
    }

    #[test]
    fn bytes_that_came_again_with_other_values_are_found(len in 2usize..500, flip in any::<prop::sample::Index>(), late in any::<bool>()) {
        let mut packets = talk([7, 9], &[(false, 300), (false, len as u16), (true, 10)], 0);
        let mut other = packets[4].clone();
        let at = flip.index(len);
        other.payload[at] ^= 1;
        // Late: the first bytes were handed on long ago. Otherwise they still wait for the packet before them.
        if late { packets.insert(6, other) } else { packets.swap(3, 4); packets.insert(4, other) }
        let mut tcp = Tcp::default();
        let mut log = Log::default();
        for (i, p) in packets.iter().enumerate() {
            tcp.segment(p.dir, &p.segment(i), &mut Logged::new(&mut log, &mut Blind));
        }
        let found = source_map::conflicts(&log, |n| packets.get(n as usize).map(|p| (p.bytes(), p.time)));
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!((found[0].dir, found[0].at, found[0].len), (0, 300 + at as u64, 1));
        prop_assert_eq!(found[0].other.offset as usize, HEADERS + at);
    }

    #[test]
    fn arbitrary_segments_do_no_harm(
        segments in prop::collection::vec(
            (any::<bool>(), any_seq(), prop::option::of(any_seq()), any::<u8>(), 0usize..300, any::<u16>(), any::<i64>()), 0..400),
        hold in 0u32..20_000,
    ) {
        let packets: Vec<Packet> = segments.into_iter().map(|(back, seq, ack, bits, len, wire, time)| Packet {
            dir: usize::from(back), seq, ack,
            flags: Flags { syn: bits & 0x1f == 1, fin: bits & 0x1f == 2, rst: bits & 0x7f == 3 },
            at: 0,
            payload: (0..len).map(|i| (seq as usize + i) as u8 ^ (bits & 1)).collect(),
            wire_len: if bits & 0x60 == 0 { len as u32 + u32::from(wire) } else { len as u32 },
            time,
        }).collect();
        let mut tcp = Tcp::new(Limits { hold, ..Limits::default() });
        let mut log = Log::default();
        let mut kept = Kept::default();
        for (i, p) in packets.iter().enumerate() {
            tcp.segment(p.dir, &p.segment(i), &mut Logged::new(&mut log, &mut kept));
            prop_assert!(tcp.held() <= 2 * hold as usize);
            if i % 50 == 49 { tcp.tick(p.time, &mut Logged::new(&mut log, &mut kept)); }
            if i % 90 == 89 { tcp.relieve(&mut Logged::new(&mut log, &mut kept)); prop_assert_eq!(tcp.held(), 0); }
        }
        tcp.finish(&mut Logged::new(&mut log, &mut kept));
        prop_assert!(tcp.is_over() && kept.ended == [true, true]);
        if !packets.is_empty() {
            check_log(&log, &packets, &kept);
        }
    }

    #[test]
    fn every_entry_is_read_as_it_was_written(runs in prop::collection::vec((0usize..2, 0u64..1 << 50, any::<u32>(), any::<u32>(), any::<u32>()), 0..50)) {
        let mut log = Log::default();
        let mut next = [0u64; 2];
        let mut want = Vec::new();
        for (dir, gap, len, number, offset) in runs {
            let mut blind = Blind;
            let mut to = Logged::new(&mut log, &mut blind);
            let gap = gap.max(1);
            to.gap(dir, next[dir], gap, GapWhy::Limit);
            want.push(Entry::Gap { dir, at: next[dir], missing: gap, why: GapWhy::Limit });
            next[dir] += gap;
            to.again(dir, next[dir] / 2, len, Source { number, time: 0, offset });
            want.push(Entry::Again(wirelore_engine::log::Run { dir, at: next[dir] / 2, len, number, offset }));
            to.end(dir, End::Cut, number, 0);
            want.push(Entry::End { dir, how: End::Cut, number });
        }
        prop_assert_eq!(log.entries().collect::<Vec<_>>(), want);
    }
}

/// Takes everything, keeps nothing.
struct Blind;

impl Deliver for Blind {
    fn data(&mut self, _: usize, _: u64, _: &[u8], _: Source) {}
    fn gap(&mut self, _: usize, _: u64, _: u64, _: GapWhy) {}
    fn conflict(&mut self, _: usize, _: u64, _: u32, _: u32, _: Source) {}
    fn end(&mut self, _: usize, _: End, _: u32, _: i64) {}
}

/// Sequence numbers that meet often, with some that are far away.
fn any_seq() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0u32..4000, 2 => (u32::MAX - 500)..=u32::MAX, 1 => any::<u32>()]
}
