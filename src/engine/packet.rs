//! The fast header read: from link type and bytes to addresses, ports and where the payload lies, without allocating.
//!
//! It reads what flows, reassembly and stream numbering need and nothing more; the field-by-field view of the same bytes is made on
//! demand elsewhere and must agree with it on offsets, lengths, addresses and ports. Reading goes from one [`Step`](Walk) to the next
//! in a loop, so that nesting costs no stack, and every layer met is written down with its offset.

mod ip;
mod layers;
mod link;
mod transport;
mod tunnel;

pub use layers::{LayerAt, LayerKind, Layers, MAX_LAYERS};
pub use transport::{Icmp, Ports, Quote, Tcp, TcpOptions, Transport, flag};

use std::net::{Ipv4Addr, Ipv6Addr};

/// How many tunnels may nest before reading stops with [`Stop::TooDeep`].
pub const MAX_TUNNELS: u8 = 8;

/// Source and destination of one IP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IpPair {
    /// No IP header was read.
    #[default]
    None,
    /// IPv4 source, destination.
    V4(Ipv4Addr, Ipv4Addr),
    /// IPv6 source, destination.
    V6(Ipv6Addr, Ipv6Addr),
}

impl IpPair {
    /// True if no IP header was read.
    pub fn is_none(&self) -> bool {
        matches!(self, IpPair::None)
    }
}

/// Fragment facts of an IP header whose datagram is not whole (IPv4: RFC 791 section 3.1, IPv6: RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification: 16 bits in IPv4, 32 in IPv6.
    pub id: u32,
    /// Where this fragment's bytes stand in the datagram's payload, in bytes.
    pub offset: u32,
    /// The "more fragments" bit.
    pub more: bool,
    /// Protocol number (IPv6: next header) of the datagram's payload.
    pub proto: u8,
    /// The fragment's bytes were all captured, so it can take part in reassembly.
    pub whole: bool,
}

/// Why reading ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// All headers that this reader knows were read; what follows is payload.
    #[default]
    Done,
    /// A fragment: the payload is [`Headers::payload`], the upper layers come with the reassembled datagram.
    Fragment,
    /// The bytes end inside the header of `layer`.
    Truncated {
        /// The layer that could not be read.
        layer: LayerKind,
        /// Offset at which its header begins.
        at: u32,
        /// Bytes the header needs.
        need: u32,
        /// Bytes there are.
        have: u32,
    },
    /// `layer` announces a protocol with this number (ethertype, IP protocol, PPP protocol, link type ...) that this reader does not know.
    Unknown {
        /// The layer that names the protocol.
        layer: LayerKind,
        /// Its number.
        value: u32,
    },
    /// The header of `layer` contradicts itself.
    Malformed {
        /// The layer that is wrong.
        layer: LayerKind,
        /// Offset at which its header begins.
        at: u32,
        /// What is wrong, in words.
        why: &'static str,
    },
    /// More layers than [`MAX_LAYERS`] or more tunnels than [`MAX_TUNNELS`].
    TooDeep,
}

/// What the fast read found. Meant to be reused: [`read`] resets it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers {
    /// Innermost addresses. For an ICMP error those of the error itself; the quoted packet is in [`Icmp::quote`].
    pub net: IpPair,
    /// Innermost transport header.
    pub transport: Transport,
    /// Innermost IP protocol number, 0 if there is no IP header (0 is also IPv6 hop-by-hop, which is never innermost).
    pub proto: u8,
    /// Traffic class of the innermost IP header: DSCP in the upper six bits, ECN in the lower two.
    pub traffic_class: u8,
    /// TTL or hop limit of the innermost IP header.
    pub ttl: u8,
    /// Set if the innermost IP header is that of a fragment.
    pub fragment: Option<Fragment>,
    /// Where what follows the last header read begins.
    pub payload_at: u32,
    /// How many of its bytes were captured (padding and trailers by IP or UDP lengths cut off).
    pub payload_len: u32,
    /// How many bytes it had on the wire; more than `payload_len` if the snap length cut them.
    pub payload_wire_len: u32,
    /// Addresses of the outermost IP header; equal to `net` without tunnels.
    pub outer: IpPair,
    /// Identity of the tunnel path: a hash over the kinds, unordered outer addresses and network identifiers (VNI) of all tunnels; 0 without tunnels.
    pub path: u64,
    /// Number of the innermost tunnel: VXLAN and Geneve VNI, GRE key, ERSPAN session, GTP TEID.
    pub tunnel_id: Option<u32>,
    /// Innermost VLAN identifier (0 to 4095).
    pub vlan: Option<u16>,
    /// The layers met, in order.
    pub layers: Layers,
    /// Why reading ended.
    pub stop: Stop,
}

impl Headers {
    /// As new, but what `layers` no longer shows need not be overwritten: this runs for every packet.
    #[inline]
    fn clear(&mut self) {
        self.net = IpPair::None;
        self.transport = Transport::None;
        self.proto = 0;
        self.traffic_class = 0;
        self.ttl = 0;
        self.fragment = None;
        self.outer = IpPair::None;
        self.path = 0;
        self.tunnel_id = None;
        self.vlan = None;
        self.layers.clear();
        self.stop = Stop::Done;
    }

    /// True if the read ended in good order (a fragment or an unknown protocol is good order too).
    pub fn is_sound(&self) -> bool {
        matches!(self.stop, Stop::Done | Stop::Fragment | Stop::Unknown { .. })
    }

    /// The payload's captured bytes, out of the bytes that were read.
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let at = self.payload_at as usize;
        bytes.get(at..at.saturating_add(self.payload_len as usize)).unwrap_or(&[])
    }
}

/// Reads the headers of one captured packet: `link_type` is the capture's DLT/LINKTYPE number, `wire_len` the packet's length on the wire in bytes.
pub fn read(link_type: u32, bytes: &[u8], wire_len: u32, out: &mut Headers) {
    out.clear();
    let wire_end = (wire_len as usize).max(bytes.len());
    if link_type == 1 && plain_tcp(bytes, wire_end, out) {
        return;
    }
    let mut walk = Walk { bytes, at: 0, end: bytes.len(), wire_end, tunnels: 0 };
    let first = link::first_step(link_type, &mut walk, out);
    walk.run(first, out);
}

/// Nearly all packets at once: Ethernet II, IPv4 without options, no fragment, TCP. What it finds is what the walk from layer to layer
/// finds; where anything is unusual it takes nothing (false).
fn plain_tcp(bytes: &[u8], wire_end: usize, out: &mut Headers) -> bool {
    const IP: usize = 14;
    const TCP: usize = IP + 20;
    let Some(h) = bytes.first_chunk::<{ TCP + 20 }>() else { return false };
    let total = usize::from(u16::from_be_bytes([h[16], h[17]]));
    let fragment = u16::from_be_bytes([h[20], h[21]]) & 0x3fff != 0;
    if [h[12], h[13], h[14]] != [8, 0, 0x45] || h[23] != 6 || fragment || total < 40 {
        return false;
    }
    // Both are at least 54 and at most 14 + 65,535.
    let (end, wire_end) = (bytes.len().min(IP + total), wire_end.min(IP + total));
    let header_len = (h[46] >> 4) * 4;
    let payload_at = TCP + usize::from(header_len);
    if header_len < 20 || payload_at > end {
        return false;
    }
    let net = IpPair::V4(Ipv4Addr::new(h[26], h[27], h[28], h[29]), Ipv4Addr::new(h[30], h[31], h[32], h[33]));
    out.outer = net;
    out.net = net;
    out.proto = 6;
    out.traffic_class = h[15];
    out.ttl = h[22];
    out.transport = Transport::Tcp(Tcp {
        ports: Ports { src: u16::from_be_bytes([h[34], h[35]]), dst: u16::from_be_bytes([h[36], h[37]]) },
        seq: u32::from_be_bytes([h[38], h[39], h[40], h[41]]),
        ack: u32::from_be_bytes([h[42], h[43], h[44], h[45]]),
        window: u16::from_be_bytes([h[48], h[49]]),
        flags: u16::from_be_bytes([h[46], h[47]]) & 0x1ff,
        at: TCP as u32,
        header_len,
        sound: true,
    });
    out.payload_at = payload_at as u32;
    out.payload_len = (end - payload_at) as u32;
    out.payload_wire_len = (wire_end - payload_at) as u32;
    use LayerKind as K;
    out.layers.set([K::Ethernet, K::EtherType, K::Ip, K::Tcp], [0, IP as u32, IP as u32, TCP as u32]);
    true
}

/// Reads a reassembled datagram: `payload` is its joined IP payload of protocol `proto`, `last` the headers of the fragment that completed it.
///
/// `out.layers` begins with the layers of `last`; those from [`Layers::joined_at`] on have offsets into `payload`, and so has `out.payload_at`.
pub fn read_datagram(last: &Headers, proto: u8, payload: &[u8], out: &mut Headers) {
    *out = *last;
    out.fragment = None;
    out.stop = Stop::Done;
    out.layers.mark_joined();
    let mut walk = Walk { bytes: payload, at: 0, end: payload.len(), wire_end: payload.len(), tunnels: 0 };
    let first = match last.net {
        IpPair::V6(..) => Step::Proto6(proto),
        _ => Step::Proto4(proto),
    };
    walk.run(first, out);
}

/// What is to be read next.
#[derive(Clone, Copy)]
enum Step {
    Ethernet,
    EtherType(u16, LayerKind),
    Llc,
    Vlan(LayerKind),
    Mpls,
    PseudoWire,
    PppoeSession,
    Ppp(LayerKind),
    Arista,
    MacSec,
    Wlan,
    /// IPv4 or IPv6, by the version nibble.
    Ip(LayerKind),
    Ip4,
    Ip6,
    Proto4(u8),
    Proto6(u8),
    Tcp,
    Udp,
    Icmp,
    Icmp6,
    Gre,
    Vxlan,
    Gpe,
    Geneve,
    Gtp,
    Teredo,
    End,
}

/// The place of reading: `bytes[at..end]` is what the current layer may use, `wire_end` where it ended on the wire.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
    wire_end: usize,
    tunnels: u8,
}

impl<'a> Walk<'a> {
    fn run(&mut self, first: Step, out: &mut Headers) {
        let mut step = first;
        loop {
            step = match step {
                Step::Ethernet => link::ethernet(self, out),
                Step::EtherType(value, from) => link::ether_type(self, value, from, out),
                Step::Ip4 => ip::v4(self, out),
                Step::Ip6 => ip::v6(self, out),
                Step::Proto4(proto) => ip::proto(self, proto, false, out),
                Step::Proto6(proto) => ip::proto(self, proto, true, out),
                Step::Tcp => transport::tcp(self, out),
                Step::Udp => transport::udp(self, out),
                Step::Icmp => transport::icmp(self, out),
                Step::Icmp6 => transport::icmp6(self, out),
                Step::Llc => link::llc(self, out),
                Step::Vlan(kind) => link::vlan(self, kind, out),
                Step::Mpls => link::mpls(self, out),
                Step::PseudoWire => link::pseudo_wire(self, out),
                Step::PppoeSession => link::pppoe_session(self, out),
                Step::Ppp(from) => link::ppp(self, from, out),
                Step::Arista => link::arista(self, out),
                Step::MacSec => link::macsec(self, out),
                Step::Wlan => link::wlan(self, out),
                Step::Ip(from) => match self.peek(0).map(|b| b >> 4) {
                    Some(4) => Step::Ip4,
                    Some(6) => Step::Ip6,
                    Some(other) => self.unknown(from, u32::from(other), out),
                    None => Step::End,
                },
                Step::Gre => tunnel::gre(self, out),
                Step::Vxlan => tunnel::vxlan(self, out),
                Step::Gpe => tunnel::gpe(self, out),
                Step::Geneve => tunnel::geneve(self, out),
                Step::Gtp => tunnel::gtp(self, out),
                Step::Teredo => tunnel::teredo(self, out),
                Step::End => break,
            };
            if out.layers.full() {
                out.stop = Stop::TooDeep;
                break;
            }
        }
        self.settle(out);
    }

    /// Writes down what is left as the payload.
    #[inline]
    fn settle(&self, out: &mut Headers) {
        out.payload_at = to32(self.at);
        out.payload_len = to32(self.end.saturating_sub(self.at));
        out.payload_wire_len = to32(self.wire_end.saturating_sub(self.at));
    }

    /// Bytes that the current layer may still use.
    #[inline]
    fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// All bytes that the current layer may still use.
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..self.end).unwrap_or(&[])
    }

    #[inline]
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.rest().get(ahead).copied()
    }

    #[inline]
    fn peek_u16(&self, ahead: usize) -> Option<u16> {
        self.rest().get(ahead..)?.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))
    }

    /// The next `N` bytes, which stay unread; on shortage writes the stop.
    #[inline]
    fn header<const N: usize>(&self, layer: LayerKind, out: &mut Headers) -> Option<&'a [u8; N]> {
        let head = self.rest().first_chunk::<N>();
        if head.is_none() {
            self.truncated(layer, N, out);
        }
        head
    }

    /// Steps over `len` bytes that were captured.
    #[inline]
    fn skip(&mut self, len: usize) {
        self.at = self.at.saturating_add(len).min(self.end);
    }

    /// Narrows the current layer to `len` bytes from here (lengths beyond what is there change nothing).
    #[inline]
    fn narrow(&mut self, len: usize) {
        let stop = self.at.saturating_add(len);
        self.end = self.end.min(stop);
        self.wire_end = self.wire_end.min(stop);
    }

    #[inline]
    fn push(&self, kind: LayerKind, out: &mut Headers) {
        out.layers.push(kind, to32(self.at));
    }

    #[cold]
    fn truncated(&self, layer: LayerKind, need: usize, out: &mut Headers) -> Step {
        out.stop = Stop::Truncated { layer, at: to32(self.at), need: to32(need), have: to32(self.left()) };
        Step::End
    }

    #[cold]
    fn malformed(&self, layer: LayerKind, why: &'static str, out: &mut Headers) -> Step {
        out.stop = Stop::Malformed { layer, at: to32(self.at), why };
        Step::End
    }

    fn unknown(&self, layer: LayerKind, value: u32, out: &mut Headers) -> Step {
        out.stop = Stop::Unknown { layer, value };
        Step::End
    }

    /// Enters a tunnel: what was the innermost address pair becomes part of the path. `shared` is an identifier that both directions
    /// share (a VNI), or 0. False if the tunnels nest too deep.
    fn enter_tunnel(&mut self, kind: LayerKind, shared: u32, out: &mut Headers) -> bool {
        self.tunnels = self.tunnels.saturating_add(1);
        if self.tunnels > MAX_TUNNELS {
            out.stop = Stop::TooDeep;
            return false;
        }
        let (low, high) = match out.net {
            IpPair::None => (0, 0),
            IpPair::V4(a, b) => {
                let (a, b) = (u128::from(a.to_bits()), u128::from(b.to_bits()));
                (a.min(b), a.max(b))
            }
            IpPair::V6(a, b) => (a.to_bits().min(b.to_bits()), a.to_bits().max(b.to_bits())),
        };
        let mut hash = out.path ^ 0x9e37_79b9_7f4a_7c15;
        for word in [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64, u64::from(shared) << 8 | kind as u64] {
            hash = (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
            hash ^= hash >> 32;
        }
        out.path = hash.max(1);
        true
    }
}

/// Offsets and lengths fit 32 bits: no capture record is longer.
#[inline]
fn to32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ethernet, IPv4, TCP with a timestamp option and five bytes of payload.
    fn packet() -> Vec<u8> {
        let mut p = vec![2; 12];
        p.extend([8, 0, 0x45, 0, 0, 57, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        p.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 9, 0, 0, 0, 7, 0x80, 0x18, 1, 0, 0, 0, 0, 0]);
        p.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        p.extend(b"hello");
        p
    }

    #[test]
    fn the_short_way_finds_what_the_walk_finds() {
        let good = packet();
        let mut taken = 0;
        for at in 0..good.len() {
            for value in [0, 1, 2, 4, 5, 6, 0x20, 0x3f, 0x45, 0x46, 0x50, 0x60, 0xf0, 0xff] {
                for (len, more) in [(good.len(), 0), (good.len(), 9), (good.len() - 3, 3), (60, 11), (54, 17), (50, 0)] {
                    let mut bytes = good.clone();
                    bytes[at] = value;
                    bytes.truncate(len);
                    let (mut short, mut long) = (Headers::default(), Headers::default());
                    let wire_end = len + more;
                    let went = plain_tcp(&bytes, wire_end, &mut short);
                    taken += u32::from(went);
                    let mut walk = Walk { bytes: &bytes, at: 0, end: len, wire_end, tunnels: 0 };
                    walk.run(Step::Ethernet, &mut long);
                    if went {
                        assert_eq!(format!("{short:?}"), format!("{long:?}"), "byte {at} is {value:#x}, {len} bytes");
                    } else {
                        assert_eq!(format!("{short:?}"), format!("{:?}", Headers::default()), "nothing is taken");
                    }
                }
            }
        }
        assert!(taken > 1000, "{taken}");
    }
}
