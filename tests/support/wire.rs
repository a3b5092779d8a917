//! Captures made in memory: raw IPv4 packets with TCP or UDP in a pcap file, for tests of the whole path.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::net::Ipv4Addr;

/// An end: address and port.
pub type End = (Ipv4Addr, u16);

/// A capture that grows.
pub struct Wire {
    file: Vec<u8>,
    time: u32,
    /// Next sequence numbers by ends.
    seq: std::collections::HashMap<(End, End), u32>,
}

impl Wire {
    /// An empty capture.
    pub fn new() -> Wire {
        let mut file = Vec::new();
        file.extend(0xa1b2_c3d4u32.to_le_bytes());
        file.extend([2, 0, 4, 0]);
        file.extend([0; 8]);
        file.extend(65535u32.to_le_bytes());
        file.extend(101u32.to_le_bytes());
        Wire { file, time: 1_700_000_000, seq: std::collections::HashMap::new() }
    }

    fn packet(&mut self, proto: u8, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) {
        self.time += 1;
        let len = 20 + payload.len() as u32;
        for word in [self.time, 0, len, len] {
            self.file.extend(word.to_le_bytes());
        }
        self.file.extend([0x45, 0]);
        self.file.extend((len as u16).to_be_bytes());
        self.file.extend([0, 0, 0x40, 0, 64, proto, 0, 0]);
        self.file.extend(from.octets());
        self.file.extend(to.octets());
        self.file.extend_from_slice(payload);
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

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        self.file.clone()
    }
}
