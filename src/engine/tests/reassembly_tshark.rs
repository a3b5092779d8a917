//! Made-up connections, mixed, repeated and overlapping, held against tshark's "follow", byte for byte.

mod support;

use std::fmt::Write as _;
use std::process::Command;
use wirelore_engine::reassembly::{Deliver, End, GapWhy, Segment, Source, Tcp};

/// Pseudo-random numbers that are the same in every run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(20) % n
    }
}

#[derive(Clone)]
struct Packet {
    conn: u16,
    dir: usize,
    seq: u32,
    ack: u32,
    flags: u8,
    payload: Vec<u8>,
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// One connection: how it was talked, and how it was captured.
fn connection(conn: u16, dice: &mut Dice) -> Vec<Packet> {
    let isn = [
        dice.below(1 << 32) as u32,
        if dice.below(2) == 0 { u32::MAX - dice.below(2000) as u32 } else { dice.below(1 << 32) as u32 },
    ];
    let mut packets = Vec::new();
    let mut streams: [Vec<u8>; 2] = Default::default();
    let mut put = |dir: usize, seq, ack, flags, payload: Vec<u8>| packets.push(Packet { conn, dir, seq, ack, flags, payload });
    put(0, isn[0], 0, SYN, vec![]);
    put(1, isn[1], isn[0].wrapping_add(1), SYN | ACK, vec![]);
    let at = |dir: usize, offset: usize| isn[dir].wrapping_add(1).wrapping_add(offset as u32);
    // What each side has acknowledged of the other's bytes.
    let mut acked = [0usize; 2];
    for _ in 0..dice.below(30) + 1 {
        let dir = dice.below(2) as usize;
        // A burst, mixed up, with pieces sent twice or with other borders.
        let mut burst = Vec::new();
        for _ in 0..dice.below(5) + 1 {
            let from = streams[dir].len();
            let len = dice.below(400) as usize + 2;
            streams[dir].extend((0..len).map(|_| dice.below(256) as u8));
            burst.push((from, from + len));
            if dice.below(4) == 0 {
                let from = from.saturating_sub(dice.below(600) as usize);
                let to = from + 1 + dice.below((streams[dir].len() - from) as u64) as usize;
                burst.push((from, to));
            }
        }
        for i in (1..burst.len()).rev() {
            let j = i - dice.below(3.min(i as u64 + 1)) as usize;
            burst.swap(i, j);
        }
        if dice.below(4) == 0 {
            burst.push((streams[dir].len() - 2, streams[dir].len() + 1));
        }
        for (from, to) in burst {
            let mut payload = streams[dir].get(from..to).unwrap_or_default().to_vec();
            if to > streams[dir].len() {
                // Other bytes than those of the first time; those behind them are new. (Where several segments that wait differ, tshark
                // does not always keep the first.)
                payload = b"!!!".to_vec();
                streams[dir].push(b'!');
            }
            put(dir, at(dir, from), at(dir ^ 1, acked[dir]), ACK, payload);
        }
        acked[dir ^ 1] = streams[dir].len();
        put(dir ^ 1, at(dir ^ 1, streams[dir ^ 1].len()), at(dir, acked[dir ^ 1]), ACK, vec![]);
    }
    if dice.below(4) == 0 {
        put(0, at(0, streams[0].len()), at(1, streams[1].len()), RST | ACK, vec![]);
    } else {
        put(0, at(0, streams[0].len()), at(1, streams[1].len()), FIN | ACK, vec![]);
        put(1, at(1, streams[1].len()), at(0, streams[0].len() + 1), FIN | ACK, vec![]);
        put(0, at(0, streams[0].len() + 1), at(1, streams[1].len() + 1), ACK, vec![]);
    }
    if dice.below(4) == 0 {
        // Met in the middle.
        let skip = dice.below(packets.len() as u64 / 2) as usize;
        packets.drain(..skip);
    }
    packets
}

fn pcap(packets: &[Packet]) -> Vec<u8> {
    let mut out = Vec::new();
    for v in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x4_0000, 1] {
        out.extend(v.to_le_bytes());
    }
    for (i, p) in packets.iter().enumerate() {
        let len = (54 + p.payload.len()) as u32;
        for v in [i as u32 / 1000, i as u32 % 1000 * 1000, len, len] {
            out.extend(v.to_le_bytes());
        }
        out.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
        let ips = [[10, 0, 0, 1], [10, 0, 0, 2]];
        out.extend([0x45, 0]);
        out.extend((len as u16 - 14).to_be_bytes());
        out.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        out.extend(ips[p.dir]);
        out.extend(ips[p.dir ^ 1]);
        let ports = [20_000 + p.conn, 20_000 - 1 - p.conn];
        out.extend(ports[p.dir].to_be_bytes());
        out.extend(ports[p.dir ^ 1].to_be_bytes());
        out.extend(p.seq.to_be_bytes());
        out.extend(p.ack.to_be_bytes());
        out.extend([0x50, p.flags, 0xff, 0xff, 0, 0, 0, 0]);
        out.extend(&p.payload);
    }
    out
}

#[derive(Default)]
struct Pair {
    bytes: [Vec<u8>; 2],
    gaps: usize,
}

impl Deliver for Pair {
    fn data(&mut self, dir: usize, _: u64, bytes: &[u8], _: Source) {
        self.bytes[dir].extend_from_slice(bytes);
    }
    fn gap(&mut self, _: usize, _: u64, _: u64, why: GapWhy) {
        self.gaps += usize::from(why != GapWhy::Midstream);
    }
    fn conflict(&mut self, _: usize, _: u64, _: u32, _: u32, _: Source) {}
    fn end(&mut self, _: usize, _: End, _: u32, _: i64) {}
}

fn ours(packets: &[Packet], conn: u16) -> Pair {
    let (mut tcp, mut got) = (Tcp::default(), Pair::default());
    for (i, p) in packets.iter().enumerate().filter(|(_, p)| p.conn == conn) {
        let s = Segment {
            seq: p.seq,
            ack: (p.flags & ACK != 0).then_some(p.ack),
            syn: p.flags & SYN != 0,
            fin: p.flags & FIN != 0,
            rst: p.flags & RST != 0,
            payload: &p.payload,
            wire_len: p.payload.len() as u32,
            number: i as u32,
            time: i as i64 * 1_000_000,
            offset: 54,
        };
        tcp.segment(p.dir, &s, &mut got);
    }
    tcp.finish(&mut got);
    got
}

/// What tshark follows, by stream: its first node's port and the bytes of both nodes.
fn theirs(file: &std::path::Path, streams: usize) -> Vec<(u16, [Vec<u8>; 2])> {
    let mut command = Command::new("tshark");
    command.args(["-q", "-r"]).arg(file);
    for i in 0..streams {
        command.args(["-z", &format!("follow,tcp,raw,{i}")]);
    }
    let out = command.output().expect("tshark runs");
    let text = String::from_utf8_lossy(&out.stdout);
    let mut found: Vec<(usize, u16, [Vec<u8>; 2])> = Vec::new();
    for line in text.lines() {
        if let Some(n) = line.strip_prefix("Filter: tcp.stream eq ") {
            found.push((n.parse().expect("a number"), 0, Default::default()));
        } else if let (Some(node), Some(last)) = (line.strip_prefix("Node 0: "), found.last_mut()) {
            last.1 = node.rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
        } else if let Some(last) = found.last_mut() {
            let hex = line.trim_start_matches('\t');
            let bytes: Option<Vec<u8>> =
                (0..hex.len() / 2).map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()).collect();
            last.2[usize::from(line.starts_with('\t'))].extend(bytes.unwrap_or_default());
        }
    }
    found.sort_by_key(|f| f.0);
    found.into_iter().map(|(_, port, bytes)| (port, bytes)).collect()
}

#[test]
fn mixed_and_repeated_segments_give_the_bytes_that_tshark_follows() {
    if !support::has_tshark() {
        return;
    }
    let mut dice = Dice(20_261_123);
    let connections: Vec<Vec<Packet>> = (0..150).map(|i| connection(i, &mut dice)).collect();
    // Interleaved, so that numbers are not dense within a flow.
    let mut places = vec![0usize; connections.len()];
    let mut packets = Vec::new();
    while places.iter().zip(&connections).any(|(p, c)| *p < c.len()) {
        let i = dice.below(connections.len() as u64) as usize;
        if let Some(p) = connections[i].get(places[i]) {
            packets.push(p.clone());
            places[i] += 1;
        }
    }
    let file = std::env::temp_dir().join(format!("wirelore-reassembly-{}.pcap", std::process::id()));
    std::fs::write(&file, pcap(&packets)).expect("the capture is written");
    let streams = theirs(&file, connections.len());
    std::fs::remove_file(&file).expect("the capture is removed");
    assert_eq!(streams.len(), connections.len());
    let (mut compared, mut wrong) = (0, String::new());
    for (first, mut want) in streams {
        if want.iter().any(|w| w.windows(30).any(|w| w == b" bytes missing in capture file")) {
            continue;
        }
        let conn = if first >= 20_000 { first - 20_000 } else { 20_000 - 1 - first };
        if first < 20_000 {
            want.reverse();
        }
        compared += 1;
        let got = ours(&packets, conn);
        for (dir, (got_bytes, want_bytes)) in got.bytes.iter().zip(&want).enumerate() {
            // Of streams met midstream we keep more: bytes before the first ones, if they come soon after them.
            let midstream = packets.iter().find(|p| p.conn == conn).is_some_and(|p| p.flags & SYN == 0);
            if got_bytes != want_bytes && !(midstream && got_bytes.ends_with(want_bytes)) {
                let at = got_bytes.iter().zip(want_bytes).position(|(a, b)| a != b);
                let _ = writeln!(
                    wrong,
                    "connection {conn} direction {dir}: {} bytes, tshark {}; differ at {at:?}; {} gaps",
                    got_bytes.len(),
                    want_bytes.len(),
                    got.gaps
                );
            }
        }
    }
    assert!(wrong.is_empty(), "of {compared}:\n{wrong}");
    assert!(compared > 100, "only {compared} could be compared");
}
