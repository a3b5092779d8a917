//! Cost per packet of the header read, the flow lookup and the TCP analysis, each on top of the ones before.
//!
//! `WIRELORE_BENCH_CAPTURE` may name a pcap file to use instead of the made-up traffic.

#[path = "../tests/tracker/mod.rs"]
mod tracker;

use divan::{Bencher, counter::ItemsCount};
use std::hint::black_box;
use tracker::Tracker;
use wirelore_engine::flow::{Ends, FlowTable};
use wirelore_engine::packet::{self, Headers};

fn main() {
    divan::main();
}

/// Packets one after the other in one buffer, as a capture block has them.
struct Load {
    bytes: Vec<u8>,
    packets: Vec<(usize, usize, u32, i64)>,
}

impl Load {
    fn each(&self, mut f: impl FnMut(&[u8], u32, i64, u32)) {
        for (n, &(at, len, wire, time)) in self.packets.iter().enumerate() {
            f(&self.bytes[at..at + len], wire, time, n as u32 + 1);
        }
    }
}

/// Ethernet, IPv4, TCP.
fn frame(client: u32, to_server: bool, seq: u32, ack: u32, flags: u8, payload: usize) -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let total = 40 + payload;
    f.extend([0x45, 0]);
    f.extend((total as u16).to_be_bytes());
    f.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    let (a, b) = (0x0a00_0000 | client >> 14, 0x0aff_0001_u32);
    let (pa, pb) = (1024 + (client & 0x3fff) as u16, 80_u16);
    let (src, dst, sp, dp) = if to_server { (a, b, pa, pb) } else { (b, a, pb, pa) };
    f.extend(src.to_be_bytes());
    f.extend(dst.to_be_bytes());
    f.extend(sp.to_be_bytes());
    f.extend(dp.to_be_bytes());
    f.extend(seq.to_be_bytes());
    f.extend(ack.to_be_bytes());
    f.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    f.resize(f.len() + payload, b'x');
    f
}

/// `flows` short connections of ten packets, 64 of them under way at any time.
fn made_up(flows: u32) -> Load {
    let mut load = Load { bytes: Vec::new(), packets: Vec::new() };
    let steps: [(bool, u32, u32, u8, usize); 10] = [
        (true, 0, 0, 2, 0),
        (false, 0, 1, 0x12, 0),
        (true, 1, 1, 0x10, 0),
        (true, 1, 1, 0x18, 120),
        (false, 1, 121, 0x10, 0),
        (false, 1, 121, 0x18, 600),
        (true, 121, 601, 0x10, 0),
        (true, 121, 601, 0x11, 0),
        (false, 601, 122, 0x11, 0),
        (true, 122, 602, 0x10, 0),
    ];
    let mut time = 0;
    for group in (0..flows).step_by(64) {
        for (up, seq, ack, flags, len) in steps {
            for flow in group..(group + 64).min(flows) {
                let f = frame(flow, up, seq, ack, flags, len);
                time += 10_000;
                load.packets.push((load.bytes.len(), f.len(), f.len() as u32, time));
                load.bytes.extend(f);
            }
        }
    }
    load
}

fn load() -> Load {
    let Ok(path) = std::env::var("WIRELORE_BENCH_CAPTURE") else { return made_up(20_000) };
    let bytes = std::fs::read(path).expect("the capture can be read");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert!(matches!(word(0), 0xa1b2_c3d4 | 0xa1b2_3c4d), "a little-endian pcap file");
    let (mut at, mut packets) = (24, Vec::new());
    while at + 16 <= bytes.len() {
        let (cap, wire) = (word(at + 8) as usize, word(at + 12));
        if at + 16 + cap > bytes.len() {
            break;
        }
        packets.push((at + 16, cap, wire, i64::from(word(at)) * 1_000_000_000 + i64::from(word(at + 4)) * 1000));
        at += 16 + cap;
    }
    Load { bytes, packets }
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn headers(bencher: Bencher) {
    let load = load();
    bencher.counter(ItemsCount::new(load.packets.len())).bench_local(|| {
        let mut out = Headers::default();
        load.each(|bytes, wire, _, _| {
            packet::read(1, bytes, wire, &mut out);
            black_box(&out);
        });
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn headers_and_flows(bencher: Bencher) {
    let load = load();
    bencher.counter(ItemsCount::new(load.packets.len())).bench_local(|| {
        let (mut out, mut table) = (Headers::default(), FlowTable::default());
        load.each(|bytes, wire, _, _| {
            packet::read(1, bytes, wire, &mut out);
            black_box(Ends::of(&out).and_then(|ends| table.look(&ends, out.path)));
        });
        table
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn headers_flows_analysis(bencher: Bencher) {
    let load = load();
    bencher.counter(ItemsCount::new(load.packets.len())).bench_local(|| {
        let (mut out, mut tracker) = (Headers::default(), Tracker::default());
        load.each(|bytes, wire, time, frame| {
            packet::read(1, bytes, wire, &mut out);
            black_box(tracker.see(&out, bytes, time, frame));
        });
        tracker
    });
}
