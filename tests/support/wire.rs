//! Captures made in memory: raw IPv4 packets with TCP or UDP in a pcap file, for tests of the whole path.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::net::Ipv4Addr;

/// An end: address and port.
pub type End = (Ipv4Addr, u16);

/// A capture that grows.
pub struct Wire {
    /// Time and bytes of each packet.
    packets: Vec<(u32, Vec<u8>)>,
    time: u32,
    /// Next sequence numbers by ends.
    seq: std::collections::HashMap<(End, End), u32>,
}

impl Wire {
    /// An empty capture.
    pub fn new() -> Wire {
        Wire { packets: Vec::new(), time: 1_700_000_000, seq: std::collections::HashMap::new() }
    }

    fn packet(&mut self, proto: u8, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) {
        self.time += 1;
        let len = 20 + payload.len() as u16;
        let mut p = vec![0x45, 0];
        p.extend(len.to_be_bytes());
        p.extend([0, 0, 0x40, 0, 64, proto, 0, 0]);
        p.extend(from.octets());
        p.extend(to.octets());
        p.extend_from_slice(payload);
        self.packets.push((self.time, p));
    }

    /// A segment with these flags (2 SYN, 16 ACK, 1 FIN, 8 PSH).
    pub fn tcp(&mut self, from: End, to: End, flags: u8, payload: &[u8]) -> &mut Wire {
        let seq = *self.seq.get(&(from, to)).unwrap_or(&1000);
        let ack = *self.seq.get(&(to, from)).unwrap_or(&1000);
        let mut t = Vec::new();
        t.extend(from.1.to_be_bytes());
        t.extend(to.1.to_be_bytes());
        t.extend(seq.to_be_bytes());
        t.extend(if flags & 16 != 0 { ack } else { 0 }.to_be_bytes());
        t.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        t.extend_from_slice(payload);
        self.packet(6, from.0, to.0, &t);
        let moved = payload.len() as u32 + u32::from(flags & 3 != 0);
        self.seq.insert((from, to), seq.wrapping_add(moved));
        self
    }

    /// The handshake of a connection.
    pub fn open(&mut self, client: End, server: End) -> &mut Wire {
        self.tcp(client, server, 2, b"").tcp(server, client, 18, b"").tcp(client, server, 16, b"")
    }

    /// Bytes of an open connection.
    pub fn say(&mut self, from: End, to: End, bytes: &[u8]) -> &mut Wire {
        self.tcp(from, to, 24, bytes)
    }

    /// Both ends close.
    pub fn close(&mut self, a: End, b: End) -> &mut Wire {
        self.tcp(a, b, 17, b"").tcp(b, a, 17, b"").tcp(a, b, 16, b"")
    }

    /// Seconds pass without a packet.
    pub fn wait(&mut self, seconds: u32) -> &mut Wire {
        self.time += seconds;
        self
    }

    /// As a pcap file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(0xa1b2_c3d4u32.to_le_bytes());
        file.extend([2, 0, 4, 0]);
        file.extend([0; 8]);
        file.extend(65535u32.to_le_bytes());
        file.extend(101u32.to_le_bytes());
        for (time, p) in &self.packets {
            for word in [*time, 0, p.len() as u32, p.len() as u32] {
                file.extend(word.to_le_bytes());
            }
            file.extend_from_slice(p);
        }
        file
    }

    /// As a pcapng file with a key log before packet `at`.
    pub fn with_keys(&self, at: usize, keys: &str) -> Vec<u8> {
        let mut file = Vec::new();
        let mut block = |kind: u32, body: &[u8]| {
            let pad = body.len().next_multiple_of(4) - body.len();
            let total = (12 + body.len() + pad) as u32;
            for part in [&kind.to_le_bytes()[..], &total.to_le_bytes(), body, &[0; 3][..pad], &total.to_le_bytes()] {
                file.extend_from_slice(part);
            }
        };
        block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        block(1, &[101, 0, 0, 0, 0, 0, 0, 0]);
        for n in 0..=self.packets.len() {
            if n == at {
                let head = [&0x544c_534bu32.to_le_bytes()[..], &(keys.len() as u32).to_le_bytes(), keys.as_bytes()];
                block(10, &head.concat());
            }
            let Some((time, p)) = self.packets.get(n) else { break };
            let micros = u64::from(*time) * 1_000_000;
            let words = [0, (micros >> 32) as u32, micros as u32, p.len() as u32, p.len() as u32];
            let head: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            block(6, &[head, p.clone()].concat());
        }
        file
    }
}
