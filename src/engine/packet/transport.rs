//! Transport headers: TCP, UDP, ICMP (with the packet that an error quotes) and protocols of which only ports matter here.

use super::{Headers, IpPair, LayerKind, Step, Walk};
use std::net::{Ipv4Addr, Ipv6Addr};

/// TCP flag bits as they stand in the header's 12-bit field (RFC 9293 section 3.1, RFC 9768 for AE).
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u16 = 0x001;
    /// Synchronise sequence numbers.
    pub const SYN: u16 = 0x002;
    /// Reset the connection.
    pub const RST: u16 = 0x004;
    /// Push.
    pub const PSH: u16 = 0x008;
    /// The acknowledgement number is valid.
    pub const ACK: u16 = 0x010;
    /// The urgent pointer is valid.
    pub const URG: u16 = 0x020;
    /// ECN echo.
    pub const ECE: u16 = 0x040;
    /// Congestion window reduced.
    pub const CWR: u16 = 0x080;
    /// Accurate ECN, once the nonce sum.
    pub const AE: u16 = 0x100;
}

/// Source and destination port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Source port.
    pub src: u16,
    /// Destination port.
    pub dst: u16,
}

/// The innermost transport header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// None was read.
    #[default]
    None,
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp(Ports),
    /// ICMP.
    Icmp(Icmp),
    /// ICMPv6.
    Icmpv6(Icmp),
    /// SCTP, DCCP or UDP-Lite: only the ports are read.
    Other {
        /// IP protocol number.
        proto: u8,
        /// Its ports.
        ports: Ports,
    },
}

/// A TCP header (RFC 9293 section 3.1). Its payload is the packet's payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Ports.
    pub ports: Ports,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number; meaningful with [`flag::ACK`].
    pub ack: u32,
    /// Window as it stands in the header.
    pub window: u16,
    /// The nine flag bits.
    pub flags: u16,
    /// Offset of the header in the packet, in bytes.
    pub at: u32,
    /// Header length in bytes; below 20 or beyond the captured bytes if the header is damaged.
    pub header_len: u8,
    /// The header is sound and whole, so that payload and options are known.
    pub sound: bool,
}

impl Tcp {
    /// The bytes of the options, out of the bytes that were read.
    pub fn options<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let at = self.at as usize;
        let (from, to) = (at.saturating_add(20), at.saturating_add(usize::from(self.header_len)));
        bytes.get(from..to).unwrap_or(&[])
    }
}

/// Those TCP options that sequence analysis needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Maximum segment size in bytes (RFC 9293 section 3.7.1).
    pub mss: Option<u16>,
    /// Window scale shift as sent (RFC 7323 section 2; above 14 means 14).
    pub window_scale: Option<u8>,
    /// SACK permitted (RFC 2018).
    pub sack_permitted: bool,
    /// Timestamps: value and echo reply (RFC 7323 section 3).
    pub timestamps: Option<(u32, u32)>,
    /// A fast open option with or without a cookie (RFC 7413).
    pub fast_open: bool,
}

impl TcpOptions {
    /// Reads the option bytes; a damaged option ends the reading, what was read stays.
    pub fn read(mut rest: &[u8]) -> TcpOptions {
        let mut found = TcpOptions::default();
        while let [kind, tail @ ..] = rest {
            match kind {
                0 => break,
                1 => {
                    rest = tail;
                    continue;
                }
                _ => {}
            }
            let Some(len) = tail.first().map(|l| usize::from(*l)).filter(|l| *l >= 2) else { break };
            let Some(data) = rest.get(2..len) else { break };
            match (*kind, data) {
                (2, [a, b]) => found.mss = Some(u16::from_be_bytes([*a, *b])),
                (3, [shift]) => found.window_scale = Some(*shift),
                (4, []) => found.sack_permitted = true,
                (8, [a, b, c, d, e, f, g, h]) => {
                    found.timestamps = Some((u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h])));
                }
                // 34, or the experimental form with its magic number (RFC 7413 section 4.1.1).
                (34, _) | (254, [0xf9, 0x89, ..]) => found.fast_open = true,
                _ => {}
            }
            rest = rest.get(len..).unwrap_or(&[]);
        }
        found
    }
}

/// An ICMP or ICMPv6 header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The packet that an error message quotes, as far as it was quoted.
    pub quote: Option<Quote>,
}

/// The flow of a packet quoted in an ICMP error (RFC 792, RFC 4443 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its addresses.
    pub net: IpPair,
    /// Its innermost protocol number.
    pub proto: u8,
    /// Its ports, if it is TCP, UDP or the like and they were quoted.
    pub ports: Option<Ports>,
    /// Its TCP sequence number.
    pub seq: Option<u32>,
    /// Offset of the quoted IP header in the packet.
    pub at: u32,
}

#[inline]
fn two_ports(h: &[u8; 4]) -> Ports {
    Ports { src: u16::from_be_bytes([h[0], h[1]]), dst: u16::from_be_bytes([h[2], h[3]]) }
}

/// TCP. A damaged header still gives its fixed fields: numbers and ports are of use without the payload.
#[inline]
pub(super) fn tcp(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Tcp;
    walk.push(L, out);
    let Some(h) = walk.header::<20>(L, out) else { return Step::End };
    let header_len = (h[12] >> 4) * 4;
    let sound = header_len >= 20 && usize::from(header_len) <= walk.left();
    out.transport = Transport::Tcp(Tcp {
        ports: two_ports(&[h[0], h[1], h[2], h[3]]),
        seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
        ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
        window: u16::from_be_bytes([h[14], h[15]]),
        flags: u16::from_be_bytes([h[12], h[13]]) & 0x1ff,
        at: super::to32(walk.at),
        header_len,
        sound,
    });
    if header_len < 20 {
        return walk.malformed(L, "the header length is below 20 bytes", out);
    }
    if !sound {
        return walk.truncated(L, usize::from(header_len), out);
    }
    walk.skip(usize::from(header_len));
    Step::End
}

/// UDP. Its length may end the payload before the IP length does.
#[inline]
pub(super) fn udp(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Udp;
    walk.push(L, out);
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    let ports = two_ports(&[h[0], h[1], h[2], h[3]]);
    let len = usize::from(u16::from_be_bytes([h[4], h[5]]));
    // A datagram too long for the field has length 0, in IPv6 only (RFC 2675 section 4).
    let jumbo = len == 0 && matches!(out.net, IpPair::V6(..));
    out.transport = Transport::Udp(ports);
    if len < 8 && !jumbo {
        return walk.malformed(L, "the length is below 8 bytes", out);
    }
    if !jumbo {
        walk.narrow(len);
    }
    walk.skip(8);
    super::tunnel::by_udp_port(walk, ports)
}

/// SCTP, DCCP, UDP-Lite: the ports, which all three have where TCP has them; `need` is the fixed header's length.
pub(super) fn ports_only(walk: &mut Walk<'_>, kind: LayerKind, need: usize, out: &mut Headers) -> Step {
    walk.push(kind, out);
    if walk.left() < need {
        return walk.truncated(kind, need, out);
    }
    let Some(h) = walk.header::<4>(kind, out) else { return Step::End };
    out.transport = Transport::Other { proto: out.proto, ports: two_ports(h) };
    walk.skip(need);
    Step::End
}

/// ICMP: errors quote the header and at least eight bytes of the packet they are about.
pub(super) fn icmp(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Icmp;
    walk.push(L, out);
    let Some(h) = walk.header::<4>(L, out) else { return Step::End };
    let quotes = matches!(h[0], 3 | 4 | 5 | 11 | 12);
    out.transport = Transport::Icmp(Icmp { kind: h[0], code: h[1], quote: quotes.then(|| quote(walk)).flatten() });
    walk.skip(8);
    Step::End
}

/// ICMPv6: types below 128 are errors.
pub(super) fn icmp6(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Icmpv6;
    walk.push(L, out);
    let Some(h) = walk.header::<4>(L, out) else { return Step::End };
    out.transport = Transport::Icmpv6(Icmp { kind: h[0], code: h[1], quote: (h[0] < 128).then(|| quote(walk)).flatten() });
    walk.skip(8);
    Step::End
}

/// Reads the packet quoted 8 bytes on. A quote is a piece of a packet, so lengths in it are not held against it.
fn quote(walk: &Walk<'_>) -> Option<Quote> {
    let quoted = walk.rest().get(8..)?;
    let at = super::to32(walk.at.saturating_add(8));
    match quoted.first()? >> 4 {
        4 => {
            let h = quoted.first_chunk::<20>()?;
            let net = IpPair::V4(Ipv4Addr::new(h[12], h[13], h[14], h[15]), Ipv4Addr::new(h[16], h[17], h[18], h[19]));
            let later_fragment = u16::from_be_bytes([h[6], h[7]]) & 0x1fff != 0;
            let body = if later_fragment { &[] } else { quoted.get(usize::from(h[0] & 15) * 4..).unwrap_or(&[]) };
            let (ports, seq) = quoted_ports(h[9], body);
            Some(Quote { net, proto: h[9], ports, seq, at })
        }
        6 => {
            let h = quoted.first_chunk::<40>()?;
            let src: [u8; 16] = h.get(8..24)?.try_into().ok()?;
            let dst: [u8; 16] = h.get(24..40)?.try_into().ok()?;
            let (mut proto, mut body, mut readable) = (h[6], quoted.get(40..)?, true);
            // Every turn takes at least eight bytes away.
            while let (true, 0 | 43 | 44 | 60, Some(ext)) = (readable, proto, body.first_chunk::<8>()) {
                let len = if proto == 44 { 8 } else { usize::from(ext[1]) * 8 + 8 };
                readable = proto != 44 || u16::from_be_bytes([ext[2], ext[3]]) & 0xfff8 == 0;
                proto = ext[0];
                body = body.get(len..).unwrap_or(&[]);
            }
            let (ports, seq) = if readable { quoted_ports(proto, body) } else { (None, None) };
            Some(Quote { net: IpPair::V6(Ipv6Addr::from(src), Ipv6Addr::from(dst)), proto, ports, seq, at })
        }
        _ => None,
    }
}

fn quoted_ports(proto: u8, body: &[u8]) -> (Option<Ports>, Option<u32>) {
    if !matches!(proto, 6 | 17 | 33 | 132 | 136) {
        return (None, None);
    }
    let ports = body.first_chunk::<4>().map(two_ports);
    let seq = body.first_chunk::<8>().filter(|_| proto == 6).map(|h| u32::from_be_bytes([h[4], h[5], h[6], h[7]]));
    (ports, seq)
}
