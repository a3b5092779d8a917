//! Captures made in memory whose checksums are right: Ethernet, IPv4, TCP and UDP, tunnels and fragments; and a look at whether they still are.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::net::Ipv4Addr;
use std::path::Path;
use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapngWriter, SectionSpec};

/// The client of every conversation here, and the server.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
/// The server of every conversation here.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 3);

fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|c| u32::from(c[0]) << 8 | u32::from(c.get(1).copied().unwrap_or(0))).sum()
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

fn pseudo(from: Ipv4Addr, to: Ipv4Addr, proto: u8, len: usize) -> u32 {
    sum(&from.octets()) + sum(&to.octets()) + u32::from(proto) + len as u32
}

/// A TCP segment.
pub fn tcp(out: bool, ports: (u16, u16), seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (from, to, a, b) = if out { (CLIENT, SERVER, ports.0, ports.1) } else { (SERVER, CLIENT, ports.1, ports.0) };
    let mut t = [a.to_be_bytes(), b.to_be_bytes()].concat();
    t.extend(seq.to_be_bytes());
    t.extend(ack.to_be_bytes());
    t.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    t.extend(payload);
    let check = !fold(pseudo(from, to, 6, t.len()) + sum(&t));
    t[16..18].copy_from_slice(&check.to_be_bytes());
    t
}

/// A UDP datagram.
pub fn udp(out: bool, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let (from, to, a, b) = if out { (CLIENT, SERVER, ports.0, ports.1) } else { (SERVER, CLIENT, ports.1, ports.0) };
    let mut u = [a.to_be_bytes(), b.to_be_bytes(), (8 + payload.len() as u16).to_be_bytes(), [0, 0]].concat();
    u.extend(payload);
    let check = !fold(pseudo(from, to, 17, u.len()) + sum(&u));
    u[6..8].copy_from_slice(&check.to_be_bytes());
    u
}

/// It in IPv4 and Ethernet: as a fragment of datagram `id` where `fragment` says its offset and whether more follow.
pub fn frame(out: bool, proto: u8, payload: &[u8], fragment: Option<(u16, usize, bool)>) -> Vec<u8> {
    let (from, to) = if out { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let (id, offset, more) = fragment.unwrap_or((7, 0, false));
    let mut p = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    p.extend((20 + payload.len() as u16).to_be_bytes());
    p.extend(id.to_be_bytes());
    p.extend(((offset / 8) as u16 | u16::from(more) << 13).to_be_bytes());
    p.extend([64, proto, 0, 0]);
    p.extend(from.octets());
    p.extend(to.octets());
    let check = !fold(sum(&p[14..34]));
    p[24..26].copy_from_slice(&check.to_be_bytes());
    p.extend(payload);
    p
}

/// A frame inside of VXLAN.
pub fn vxlan(out: bool, inner: &[u8]) -> Vec<u8> {
    let payload = [&[8, 0, 0, 0, 0, 0, 5, 0][..], inner].concat();
    frame(out, 17, &udp(out, (50_000, 4789), &payload), None)
}

/// Whether all checksums of a frame made here are right.
pub fn is_right(p: &[u8]) -> bool {
    if fold(sum(&p[14..34])) != 0xffff {
        return false;
    }
    let (from, to) = (Ipv4Addr::new(p[26], p[27], p[28], p[29]), Ipv4Addr::new(p[30], p[31], p[32], p[33]));
    if p[20] & 0x3f != 0 || p[21] != 0 {
        return true;
    }
    let right = of(from, to, p[23], &p[34..]);
    let tunnel = p[23] == 17 && p[36..38] == 4789u16.to_be_bytes();
    right && (!tunnel || is_right(&p[50..]))
}

/// Whether the checksum of a whole segment or datagram is right.
pub fn of(from: Ipv4Addr, to: Ipv4Addr, proto: u8, payload: &[u8]) -> bool {
    fold(pseudo(from, to, proto, payload.len()) + sum(payload)) == 0xffff
}

/// A conversation over TCP, segment by segment.
pub struct Talk {
    /// The frames so far.
    pub frames: Vec<Vec<u8>>,
    /// The client's port and the server's.
    pub ports: (u16, u16),
    /// Next sequence number of the client and of the server.
    pub next: [u32; 2],
}

impl Talk {
    /// An open connection.
    pub fn open(port: u16) -> Talk {
        let mut talk = Talk { frames: Vec::new(), ports: (40_000, port), next: [1000, 5000] };
        for (out, flags) in [(true, 2), (false, 18), (true, 16)] {
            talk.segment(out, flags, b"");
        }
        talk
    }

    fn segment(&mut self, out: bool, flags: u8, payload: &[u8]) {
        let (me, other) = if out { (0, 1) } else { (1, 0) };
        let ack = if flags & 16 == 0 { 0 } else { self.next[other] };
        let t = tcp(out, self.ports, self.next[me], ack, flags, payload);
        self.frames.push(frame(out, 6, &t, None));
        self.next[me] = self.next[me].wrapping_add(payload.len() as u32 + u32::from(flags & 3 != 0));
    }

    /// The client says this, or the server.
    pub fn say(&mut self, out: bool, payload: impl AsRef<[u8]>) -> &mut Talk {
        self.segment(out, 24, payload.as_ref());
        self
    }

    /// Bytes come once more, `back` bytes behind the next ones.
    pub fn again(&mut self, out: bool, back: u32, payload: impl AsRef<[u8]>) -> &mut Talk {
        let (me, other) = if out { (0, 1) } else { (1, 0) };
        let t = tcp(out, self.ports, self.next[me].wrapping_sub(back), self.next[other], 24, payload.as_ref());
        self.frames.push(frame(out, 6, &t, None));
        self
    }

    /// Both ends close.
    pub fn close(&mut self) -> &mut Talk {
        self.segment(true, 17, b"");
        self.segment(false, 17, b"");
        self.segment(true, 16, b"");
        self
    }
}

/// Writes frames as a pcapng; each has its length on the wire and a comment, which may be empty.
pub fn write(path: &Path, frames: &[(Vec<u8>, u32, &str)]) {
    let file = std::fs::File::create(path).expect("a file");
    let mut w = PcapngWriter::new(file, &SectionSpec::default()).expect("a section");
    w.interface(&InterfaceSpec { link_type: 1, ..InterfaceSpec::default() }).expect("an interface");
    for (n, (data, wire_len, comment)) in frames.iter().enumerate() {
        let time_ns = 1_700_000_000_000_000_000 + n as i64 * 1_000_000;
        let comments: &[&str] = if comment.is_empty() { &[] } else { &[comment] };
        w.packet(&PacketSpec { interface: 0, time_ns, wire_len: *wire_len, data, comments, ..PacketSpec::default() })
            .expect("a packet");
    }
    w.finish().expect("the end");
}
