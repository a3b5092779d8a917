//! What a segment costs: in order (the rule), with the log, answered, and reordered.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wirelore_engine::log::{Log, Logged};
use wirelore_engine::reassembly::{Deliver, End, GapWhy, Segment, Source, Tcp};

fn main() {
    divan::main();
}

/// Segments per round.
const N: u32 = 10_000;
const LEN: usize = 1448;

/// Counts, so that nothing is optimised away.
#[derive(Default)]
struct Count(u64);

impl Deliver for Count {
    fn data(&mut self, _: usize, at: u64, bytes: &[u8], _: Source) {
        self.0 = self.0.wrapping_add(at).wrapping_add(bytes.len() as u64);
    }
    fn gap(&mut self, _: usize, _: u64, missing: u64, _: GapWhy) {
        self.0 = self.0.wrapping_add(missing);
    }
    fn conflict(&mut self, _: usize, _: u64, _: u32, _: u32, _: Source) {}
    fn end(&mut self, _: usize, _: End, _: u32, _: i64) {}
}

fn open() -> Tcp {
    let mut tcp = Tcp::default();
    tcp.segment(0, &Segment { seq: 0, syn: true, ..Segment::default() }, &mut Count::default());
    tcp.segment(1, &Segment { seq: 0, ack: Some(1), syn: true, ..Segment::default() }, &mut Count::default());
    tcp
}

fn segment(payload: &[u8], i: u32, place: u32) -> Segment<'_> {
    Segment {
        seq: 1u32.wrapping_add(place.wrapping_mul(LEN as u32)),
        ack: Some(1),
        payload,
        wire_len: LEN as u32,
        number: i,
        time: i64::from(i) * 10_000,
        offset: 66,
        ..Segment::default()
    }
}

#[divan::bench]
fn in_order(b: Bencher<'_, '_>) {
    let payload = vec![7u8; LEN];
    b.counter(ItemsCount::new(N)).counter(BytesCount::new(N as usize * LEN)).bench_local(|| {
        let (mut tcp, mut out) = (open(), Count::default());
        for i in 0..N {
            tcp.segment(0, black_box(&segment(&payload, i, i)), &mut out);
        }
        out.0
    });
}

#[divan::bench]
fn in_order_logged(b: Bencher<'_, '_>) {
    let payload = vec![7u8; LEN];
    b.counter(ItemsCount::new(N)).bench_local(|| {
        let (mut tcp, mut out, mut log) = (open(), Count::default(), Log::default());
        for i in 0..N {
            tcp.segment(0, black_box(&segment(&payload, i, i)), &mut Logged::new(&mut log, &mut out));
        }
        (out.0, log.size())
    });
}

#[divan::bench]
fn answered(b: Bencher<'_, '_>) {
    let payload = vec![7u8; LEN];
    b.counter(ItemsCount::new(2 * N)).bench_local(|| {
        let (mut tcp, mut out) = (open(), Count::default());
        for i in 0..N {
            let s = segment(&payload, i, i);
            tcp.segment(0, black_box(&s), &mut out);
            let ack =
                Segment { seq: 1, ack: Some(s.seq.wrapping_add(LEN as u32)), number: i, time: s.time, ..Segment::default() };
            tcp.segment(1, black_box(&ack), &mut out);
        }
        out.0
    });
}

/// Every eighth segment comes four places late: seven of eight have to wait or to be looked at closely.
#[divan::bench]
fn reordered(b: Bencher<'_, '_>) {
    let payload = vec![7u8; LEN];
    let order: Vec<u32> = (0..N / 8).flat_map(|g| [1, 2, 3, 4, 0, 5, 6, 7].map(|k| g * 8 + k)).collect();
    b.counter(ItemsCount::new(N)).bench_local(|| {
        let (mut tcp, mut out) = (open(), Count::default());
        for (i, place) in order.iter().enumerate() {
            tcp.segment(0, black_box(&segment(&payload, i as u32, *place)), &mut out);
        }
        out.0
    });
}

/// Hostile: single bytes with holes between them, backwards, then long segments over all of them.
#[divan::bench]
fn scattered(b: Bencher<'_, '_>) {
    let payload = vec![7u8; LEN];
    let byte = |i: u32, place: u32| Segment {
        seq: 2u32.wrapping_add(place * 2),
        ack: Some(1),
        payload: &payload[..1],
        wire_len: 1,
        number: i,
        ..Segment::default()
    };
    b.counter(ItemsCount::new(2 * N)).bench_local(|| {
        let (mut tcp, mut out) = (open(), Count::default());
        for i in 0..N {
            tcp.segment(0, black_box(&byte(i, N - i)), &mut out);
        }
        for i in 0..N {
            let over = Segment { seq: 2 + i % 1000, number: N + i, ..segment(&payload, 0, 0) };
            tcp.segment(0, black_box(&over), &mut out);
        }
        (out.0, tcp.held())
    });
}
