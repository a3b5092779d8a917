//! Frames around relayed bytes: an enhanced packet block with IP and TCP headers, made from one template for each direction of a leg.
//!
//! Link type RAW, so a frame begins with its IP header. TCP's checksum field holds the sum of the pseudo-header only, as in captures of
//! sending hosts whose network card does the rest: summing the payload would cost as much as copying it and would prove nothing, for the
//! segment never existed.

use std::net::IpAddr;

/// `LINKTYPE_RAW`: the packet begins with an IPv4 or IPv6 header.
pub const LINK_TYPE: u16 = 101;
/// The most bytes of payload in a frame: what an IPv4 packet of 65,535 bytes holds behind two headers of 20.
pub const MOST: usize = 65_495;
/// Bytes of a frame besides payload and comment, at most.
pub const AROUND: usize = 128;

/// Bytes of an enhanced packet block before the packet.
const EPB: usize = 28;
const TCP: usize = 20;

/// The flags of a segment (RFC 9293, section 3.1).
pub mod flag {
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const PSH: u8 = 8;
    pub const ACK: u8 = 16;
}

/// Options of our SYN segments: a maximum segment size of 65,495 and a window scale of 10, so that no window is ever full.
const SYN_OPTIONS: [u8; 8] = [2, 4, 0xff, 0xd7, 1, 3, 3, 10];

/// What changes from segment to segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Nanoseconds since 1970.
    pub time: i64,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub payload: &'a [u8],
    /// Becomes a packet comment; empty: none.
    pub comment: &'a str,
}

/// The bytes of one direction's frames before the payload.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: [u8; EPB + 40 + TCP],
    /// Length of the IP header in bytes.
    ip: usize,
    /// Sum of the IPv4 header without its length and checksum.
    ip_sum: u32,
    /// Sum of the pseudo-header without the length.
    tcp_sum: u32,
}

fn set<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(slot) = bytes.get_mut(at..at.saturating_add(N)) {
        slot.copy_from_slice(&value);
    }
}

/// The sum of 16-bit words, not yet folded (RFC 1071).
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks_exact(2).fold(0, |sum, pair| match pair {
        [a, b] => sum.wrapping_add(u32::from(u16::from_be_bytes([*a, *b]))),
        _ => sum,
    })
}

fn folded(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    sum as u16
}

impl Template {
    /// Frames from one address and port to another. Both addresses are of one family; where they are not, IPv4 is written as IPv6.
    pub fn new(interface: u32, from: (IpAddr, u16), to: (IpAddr, u16)) -> Template {
        let mut bytes = [0; EPB + 40 + TCP];
        set(&mut bytes, 0, 6u32.to_le_bytes());
        set(&mut bytes, 8, interface.to_le_bytes());
        let (ip, ip_sum, tcp_sum) = match (from.0, to.0) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                // Version 4 with a header of 5 words; don't fragment; 64 hops; TCP.
                set(&mut bytes, EPB, [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0]);
                set(&mut bytes, EPB + 12, a.octets());
                set(&mut bytes, EPB + 16, b.octets());
                let header = bytes.get(EPB..EPB + 20).unwrap_or_default();
                (20, sum(header), sum(&a.octets()).wrapping_add(sum(&b.octets())))
            }
            (a, b) => {
                let six = |ip| match ip {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    IpAddr::V6(ip) => ip,
                };
                let (a, b) = (six(a).octets(), six(b).octets());
                set(&mut bytes, EPB, [0x60, 0, 0, 0, 0, 0, 6, 64]);
                set(&mut bytes, EPB + 8, a);
                set(&mut bytes, EPB + 24, b);
                (40, 0, sum(&a).wrapping_add(sum(&b)))
            }
        };
        let tcp = EPB.saturating_add(ip);
        set(&mut bytes, tcp, from.1.to_be_bytes());
        set(&mut bytes, tcp.saturating_add(2), to.1.to_be_bytes());
        // The protocol's number is part of the pseudo-header.
        Template { bytes, ip, ip_sum, tcp_sum: tcp_sum.wrapping_add(6) }
    }

    /// Appends a frame of at most [`MOST`] bytes of payload.
    pub fn write(&self, s: &Segment<'_>, out: &mut Vec<u8>) {
        let options: &[u8] = if s.flags & flag::SYN == 0 { &[] } else { &SYN_OPTIONS };
        let header = TCP.saturating_add(options.len());
        let segment = header.saturating_add(s.payload.len());
        let packet = self.ip.saturating_add(segment);
        let padding = packet.next_multiple_of(4).saturating_sub(packet);
        let comment = s.comment.as_bytes().get(..s.comment.len().min(0xfff0)).unwrap_or_default();
        // A comment is an option: its head, its text padded, and the end of the list.
        let noted = if comment.is_empty() { 0 } else { comment.len().next_multiple_of(4).saturating_add(8) };
        let whole = (EPB + 4).saturating_add(packet).saturating_add(padding).saturating_add(noted) as u32;

        let mut h = self.bytes;
        let time = s.time.cast_unsigned();
        set(&mut h, 4, whole.to_le_bytes());
        set(&mut h, 12, ((time >> 32) as u32).to_le_bytes());
        set(&mut h, 16, (time as u32).to_le_bytes());
        set(&mut h, 20, (packet as u32).to_le_bytes());
        set(&mut h, 24, (packet as u32).to_le_bytes());
        if self.ip == 20 {
            set(&mut h, EPB + 2, (packet as u16).to_be_bytes());
            set(&mut h, EPB + 10, (!folded(self.ip_sum.wrapping_add(packet as u32))).to_be_bytes());
        } else {
            set(&mut h, EPB + 4, (segment as u16).to_be_bytes());
        }
        let tcp = EPB.saturating_add(self.ip);
        set(&mut h, tcp.saturating_add(4), s.seq.to_be_bytes());
        set(&mut h, tcp.saturating_add(8), s.ack.to_be_bytes());
        set(&mut h, tcp.saturating_add(12), [(header as u8) << 2, s.flags]);
        set(&mut h, tcp.saturating_add(14), 0xffff_u16.to_be_bytes());
        set(&mut h, tcp.saturating_add(16), folded(self.tcp_sum.wrapping_add(segment as u32)).to_be_bytes());
        out.extend_from_slice(h.get(..tcp.saturating_add(TCP)).unwrap_or_default());
        out.extend_from_slice(options);
        out.extend_from_slice(s.payload);
        out.extend_from_slice([0; 4].get(..padding).unwrap_or_default());
        if !comment.is_empty() {
            out.extend_from_slice(&1u16.to_le_bytes());
            out.extend_from_slice(&(comment.len() as u16).to_le_bytes());
            out.extend_from_slice(comment);
            let padding = comment.len().next_multiple_of(4).saturating_sub(comment.len());
            out.extend_from_slice([0; 4].get(..padding).unwrap_or_default());
            out.extend_from_slice(&[0; 4]);
        }
        out.extend_from_slice(&whole.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(from: &str, to: &str, s: &Segment<'_>) -> Vec<u8> {
        let (from, to) = (from.parse::<IpAddr>().expect("an address"), to.parse::<IpAddr>().expect("an address"));
        let mut out = Vec::new();
        Template::new(3, (from, 1000), (to, 443)).write(s, &mut out);
        out
    }

    #[test]
    fn an_ipv4_frame_has_a_right_header_sum_and_a_partial_segment_sum() {
        let s = Segment { time: 1 << 40, seq: 1, ack: 2, flags: flag::ACK, payload: b"abc", comment: "" };
        let f = frame("10.0.0.1", "10.0.0.2", &s);
        assert_eq!(f.len() % 4, 0);
        assert_eq!(u32::from_le_bytes(f[4..8].try_into().expect("4")), f.len() as u32);
        assert_eq!(f[f.len() - 4..], f[4..8]);
        let ip = &f[28..48];
        assert_eq!(folded(sum(ip)), 0xffff, "the header sums up to all ones");
        assert_eq!(u16::from_be_bytes([ip[2], ip[3]]), 43);
        // 10.0.0.1 + 10.0.0.2 + protocol 6 + 23 bytes of segment.
        assert_eq!(u16::from_be_bytes([f[64], f[65]]), 0x0a00 * 2 + 3 + 6 + 23);
        assert_eq!(&f[68..71], b"abc");
    }

    #[test]
    fn mixed_families_become_ipv6_and_comments_are_options() {
        let s = Segment { time: 0, seq: 0, ack: 0, flags: flag::SYN, payload: b"", comment: "hello" };
        let f = frame("10.0.0.1", "::1", &s);
        assert_eq!(f[28] >> 4, 6);
        assert_eq!(f.len(), 28 + 40 + 28 + (4 + 8 + 4) + 4);
        assert_eq!(&f[96..105], b"\x01\0\x05\0hello");
    }
}
