//! The everyday packet read straight from its places: Ethernet II, IPv4 without options or IPv6, TCP or UDP, all of it captured.
//!
//! Who wants a few header fields of a million packets need not walk through every field of each. What is told here is what the
//! layers tell (a law, `tests/layers_laws.rs`); a packet that is unusual in any way is left to them.

use super::LAYERS;
use std::ops::Range;
use wirelore_kit::{F, PacketFacts, Value};

/// A header that everyday packets have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Ethernet,
    Ip4,
    Ip6,
    Tcp,
    Udp,
}

impl Head {
    const fn name(self) -> &'static str {
        match self {
            Head::Ethernet => "eth",
            Head::Ip4 => "ip",
            Head::Ip6 => "ipv6",
            Head::Tcp => "tcp",
            Head::Udp => "udp",
        }
    }
}

/// Where a value stands in its header.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A number: offset and length in bytes.
    Number(u8, u8),
    /// Bits of the number that stands there (offset, length): how far they are from its lowest, how many, and what one of them counts.
    Bits(u8, u8, u8, u8, u8),
    /// A hardware address.
    Mac(u8),
    /// An IPv4 address.
    Four(u8),
    /// An IPv6 address.
    Sixteen(u8),
    /// Worked out: which, and where the bytes stand that it is told of.
    Derived(Derived, u8, u8),
}

/// What is worked out of a TCP or UDP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Derived {
    Len,
    Stream,
    Seq,
    NextSeq,
    Ack,
    Window,
}

/// The fields that are read here, in the order in which the layers tell them.
const PLACES: &[(&str, Head, Place)] = {
    use Derived::{Ack, Len, NextSeq, Seq, Stream, Window};
    use Head::{Ethernet, Ip4, Ip6, Tcp, Udp};
    use Place::{Bits, Derived as D, Four, Mac, Number, Sixteen};
    &[
        ("eth.dst", Ethernet, Mac(0)),
        ("eth.src", Ethernet, Mac(6)),
        ("eth.type", Ethernet, Number(12, 2)),
        ("ip.version", Ip4, Bits(0, 1, 4, 4, 1)),
        ("ip.hdr_len", Ip4, Bits(0, 1, 0, 4, 4)),
        ("ip.dsfield", Ip4, Number(1, 1)),
        ("ip.dsfield.dscp", Ip4, Bits(1, 1, 2, 6, 1)),
        ("ip.dsfield.ecn", Ip4, Bits(1, 1, 0, 2, 1)),
        ("ip.len", Ip4, Number(2, 2)),
        ("ip.id", Ip4, Number(4, 2)),
        ("ip.flags", Ip4, Bits(6, 1, 5, 3, 1)),
        ("ip.flags.rb", Ip4, Bits(6, 1, 7, 1, 1)),
        ("ip.flags.df", Ip4, Bits(6, 1, 6, 1, 1)),
        ("ip.flags.mf", Ip4, Bits(6, 1, 5, 1, 1)),
        ("ip.frag_offset", Ip4, Bits(6, 2, 0, 13, 1)),
        ("ip.ttl", Ip4, Number(8, 1)),
        ("ip.proto", Ip4, Number(9, 1)),
        ("ip.checksum", Ip4, Number(10, 2)),
        ("ip.src", Ip4, Four(12)),
        ("ip.dst", Ip4, Four(16)),
        ("ipv6.version", Ip6, Bits(0, 1, 4, 4, 1)),
        ("ipv6.tclass", Ip6, Bits(0, 2, 4, 8, 1)),
        ("ipv6.tclass.dscp", Ip6, Bits(0, 2, 6, 6, 1)),
        ("ipv6.tclass.ecn", Ip6, Bits(1, 1, 4, 2, 1)),
        ("ipv6.flow", Ip6, Bits(1, 3, 0, 20, 1)),
        ("ipv6.plen", Ip6, Number(4, 2)),
        ("ipv6.nxt", Ip6, Number(6, 1)),
        ("ipv6.hlim", Ip6, Number(7, 1)),
        ("ipv6.src", Ip6, Sixteen(8)),
        ("ipv6.dst", Ip6, Sixteen(24)),
        ("tcp.srcport", Tcp, Number(0, 2)),
        ("tcp.dstport", Tcp, Number(2, 2)),
        ("tcp.stream", Tcp, D(Stream, 0, 4)),
        ("tcp.seq_raw", Tcp, Number(4, 4)),
        ("tcp.ack_raw", Tcp, Number(8, 4)),
        ("tcp.hdr_len", Tcp, Bits(12, 1, 4, 4, 4)),
        ("tcp.flags", Tcp, Bits(12, 2, 0, 12, 1)),
        ("tcp.flags.res", Tcp, Bits(12, 1, 1, 3, 1)),
        ("tcp.flags.ae", Tcp, Bits(12, 1, 0, 1, 1)),
        ("tcp.flags.cwr", Tcp, Bits(13, 1, 7, 1, 1)),
        ("tcp.flags.ece", Tcp, Bits(13, 1, 6, 1, 1)),
        ("tcp.flags.urg", Tcp, Bits(13, 1, 5, 1, 1)),
        ("tcp.flags.ack", Tcp, Bits(13, 1, 4, 1, 1)),
        ("tcp.flags.push", Tcp, Bits(13, 1, 3, 1, 1)),
        ("tcp.flags.reset", Tcp, Bits(13, 1, 2, 1, 1)),
        ("tcp.flags.syn", Tcp, Bits(13, 1, 1, 1, 1)),
        ("tcp.flags.fin", Tcp, Bits(13, 1, 0, 1, 1)),
        ("tcp.window_size_value", Tcp, Number(14, 2)),
        ("tcp.checksum", Tcp, Number(16, 2)),
        ("tcp.urgent_pointer", Tcp, Number(18, 2)),
        ("tcp.len", Tcp, D(Len, 0, 0)),
        ("tcp.seq", Tcp, D(Seq, 4, 4)),
        ("tcp.nxtseq", Tcp, D(NextSeq, 4, 4)),
        ("tcp.ack", Tcp, D(Ack, 8, 4)),
        ("tcp.window_size", Tcp, D(Window, 14, 2)),
        ("udp.srcport", Udp, Number(0, 2)),
        ("udp.dstport", Udp, Number(2, 2)),
        ("udp.length", Udp, Number(4, 2)),
        ("udp.checksum", Udp, Number(6, 2)),
        ("udp.stream", Udp, D(Stream, 0, 4)),
    ]
};

/// The headers of an everyday packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    ip: usize,
    v6: bool,
    /// Where the transport's header begins.
    transport: usize,
    tcp: bool,
    payload: usize,
    end: usize,
}

const ETHERNET: usize = 14;

impl Plain {
    /// The headers of a packet that was captured whole; `None` where anything is unusual.
    #[must_use]
    pub fn of(link_type: u32, b: &[u8], wire_len: u32) -> Option<Plain> {
        if link_type != 1 || b.len() != wire_len as usize {
            return None;
        }
        let (v6, proto, transport, end) = match (two(b, 12)?, b.get(ETHERNET)?) {
            (0x0800, 0x45) => {
                let total = usize::from(two(b, 16)?);
                if two(b, 20)? & 0x3fff != 0 || total < 20 {
                    return None;
                }
                (false, *b.get(23)?, ETHERNET.saturating_add(20), ETHERNET.saturating_add(total))
            }
            (0x86dd, lead) if lead >> 4 == 6 => {
                let len = usize::from(two(b, 18)?);
                if len == 0 {
                    return None;
                }
                (true, *b.get(20)?, ETHERNET.saturating_add(40), ETHERNET.saturating_add(40).saturating_add(len))
            }
            _ => return None,
        };
        if end > b.len() {
            return None;
        }
        let (tcp, payload, end) = match proto {
            6 => {
                let header = usize::from(b.get(transport.saturating_add(12))? >> 4).saturating_mul(4);
                let payload = transport.saturating_add(header);
                if header < 20 || payload > end || !options_are_usual(b.get(transport.saturating_add(20)..payload)?) {
                    return None;
                }
                (true, payload, end)
            }
            17 => {
                let ports = [two(b, transport)?, two(b, transport.saturating_add(2))?];
                let len = usize::from(two(b, transport.saturating_add(4))?);
                let stop = transport.saturating_add(len);
                if len < 8 || stop > end || ports.iter().any(|p| super::tunnel::UDP_PORTS.contains(p)) {
                    return None;
                }
                (false, transport.saturating_add(8), stop)
            }
            _ => return None,
        };
        Some(Plain { ip: ETHERNET, v6, transport, tcp, payload, end })
    }

    /// Where the payload of its transport stands.
    #[must_use]
    pub const fn payload(&self) -> Range<usize> {
        self.payload..self.end
    }

    /// Whether its transport is TCP.
    #[must_use]
    pub const fn is_tcp(&self) -> bool {
        self.tcp
    }

    /// The header of a layer by its short name: where it begins and ends.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Range<usize>> {
        let head = [Head::Ethernet, Head::Ip4, Head::Ip6, Head::Tcp, Head::Udp].into_iter().find(|h| h.name() == name)?;
        let end = match head {
            Head::Ethernet => self.ip,
            Head::Ip4 | Head::Ip6 => self.transport,
            Head::Tcp | Head::Udp => self.payload,
        };
        Some(self.start(head)?..end)
    }

    fn start(&self, head: Head) -> Option<usize> {
        match head {
            Head::Ethernet => Some(0),
            Head::Ip4 => (!self.v6).then_some(self.ip),
            Head::Ip6 => self.v6.then_some(self.ip),
            Head::Tcp => self.tcp.then_some(self.transport),
            Head::Udp => (!self.tcp).then_some(self.transport),
        }
    }
}

fn two(b: &[u8], at: usize) -> Option<u16> {
    b.get(at..)?.first_chunk::<2>().map(|n| u16::from_be_bytes(*n))
}

fn four(b: &[u8], at: usize) -> Option<u32> {
    b.get(at..)?.first_chunk::<4>().map(|n| u32::from_be_bytes(*n))
}

/// Whether TCP's options are of the kinds met every day, each as long as it has to be.
fn options_are_usual(mut b: &[u8]) -> bool {
    loop {
        b = match b {
            [] => return true,
            [1, rest @ ..] => rest,
            [2, 4, _, _, rest @ ..] | [4, 2, rest @ ..] | [3, 3, _, rest @ ..] => rest,
            [8, 10, _, _, _, _, _, _, _, _, rest @ ..] => rest,
            // One to four blocks of selective acknowledgment.
            [5, len @ (10 | 18 | 26 | 34), rest @ ..] => match rest.get(usize::from(*len).saturating_sub(2)..) {
                Some(rest) => rest,
                None => return false,
            },
            _ => return false,
        };
    }
}

/// Fields that are read from their places.
#[derive(Debug)]
pub struct Quick {
    wanted: Vec<(F, Head, Place)>,
    facts: bool,
}

impl Quick {
    /// For these fields; `None` where one of them is not read here.
    #[must_use]
    pub fn of(fields: &[F]) -> Option<Quick> {
        let mut wanted = Vec::new();
        for (name, head, place) in PLACES {
            let layer = LAYERS.iter().find(|l| l.name == head.name())?;
            let field = layer.fields.iter().copied().find(|f| f.name == *name)?;
            if fields.iter().any(|f| f.is(field)) {
                wanted.push((field, *head, *place));
            }
        }
        let all = fields.iter().all(|f| wanted.iter().any(|(w, ..)| w.is(f)));
        let facts = wanted.iter().any(|(_, _, p)| matches!(p, Place::Derived(what, ..) if *what != Derived::Len));
        all.then_some(Quick { wanted, facts })
    }

    /// The names of all fields that are read here.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PLACES.iter().map(|(name, ..)| *name)
    }

    /// Whether a wanted field is worked out from what the analysis found out.
    #[must_use]
    pub const fn needs_facts(&self) -> bool {
        self.facts
    }

    /// Hands on the wanted fields of an everyday packet with the bytes that they stand in.
    pub fn read(&self, plain: &Plain, b: &[u8], facts: Option<&PacketFacts>, each: &mut dyn FnMut(F, Value, &[u8])) {
        for (field, head, place) in &self.wanted {
            let Some(start) = plain.start(*head) else { continue };
            let bytes = |at: u8, len: u8| {
                let from = start.saturating_add(usize::from(at));
                b.get(from..from.saturating_add(usize::from(len))).unwrap_or(&[])
            };
            let number = |bytes: &[u8]| bytes.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
            let (value, bytes) = match *place {
                Place::Number(at, len) => (Value::U64(number(bytes(at, len))), bytes(at, len)),
                Place::Bits(at, len, low, count, unit) => {
                    let n = (number(bytes(at, len)) >> low) & (1u64 << count).saturating_sub(1);
                    (Value::U64(n.saturating_mul(u64::from(unit))), bytes(at, len))
                }
                Place::Mac(at) => (Value::Mac(bytes(at, 6).try_into().unwrap_or_default()), bytes(at, 6)),
                Place::Four(at) => (Value::Ip4(bytes(at, 4).try_into().unwrap_or_default()), bytes(at, 4)),
                Place::Sixteen(at) => (Value::Ip6(bytes(at, 16).try_into().unwrap_or_default()), bytes(at, 16)),
                Place::Derived(what, at, len) => match derived(what, plain, b, facts) {
                    Some(n) => (Value::U64(n), bytes(at, len)),
                    None => continue,
                },
            };
            each(field, value, bytes);
        }
    }
}

const SYN: u16 = 2;
const ACKED: u16 = 16;

/// What is worked out of a header: as `tcp.rs` and `udp.rs` do.
fn derived(what: Derived, plain: &Plain, b: &[u8], facts: Option<&PacketFacts>) -> Option<u64> {
    let len = plain.end.saturating_sub(plain.payload);
    if what == Derived::Len {
        return Some(len as u64);
    }
    let facts = facts?;
    if what == Derived::Stream {
        return facts.stream.map(u64::from);
    }
    let at = plain.transport;
    let flags = two(b, at.saturating_add(12))? & 0xfff;
    let seq = four(b, at.saturating_add(4))?.wrapping_sub(facts.seq_base.unwrap_or(0));
    Some(match what {
        Derived::Seq => u64::from(seq),
        Derived::NextSeq => {
            let taken = (len as u32).wrapping_add(u32::from(flags & 1)).wrapping_add(u32::from(flags >> 1 & 1));
            u64::from(seq.wrapping_add(taken))
        }
        Derived::Ack if flags & ACKED == 0 => u64::from(four(b, at.saturating_add(8))?),
        Derived::Ack => u64::from(four(b, at.saturating_add(8))?.wrapping_sub(facts.ack_base.unwrap_or(0))),
        Derived::Window | Derived::Len | Derived::Stream => {
            let shift = facts.window_shift.filter(|_| flags & SYN == 0).unwrap_or(0).min(14);
            u64::from(two(b, at.saturating_add(14))?) << shift
        }
    })
}
