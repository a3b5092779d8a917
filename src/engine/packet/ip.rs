//! IPv4 and IPv6 headers with all extension headers, and the choice of what follows them.

use super::transport::Transport;
use super::{Fragment, Headers, IpPair, LayerKind, Step, Stop, Walk};
use std::net::{Ipv4Addr, Ipv6Addr};

/// More bytes than an IPv6 payload length can tell: the sender's stack handed over a segment before cutting it (BIG TCP).
const BEYOND_LENGTH_FIELD: usize = 65_535;

#[inline]
fn set_net(net: IpPair, traffic_class: u8, ttl: u8, out: &mut Headers) {
    if out.outer.is_none() {
        out.outer = net;
    }
    out.net = net;
    out.traffic_class = traffic_class;
    out.ttl = ttl;
    out.fragment = None;
    out.transport = Transport::None;
}

/// IPv4 (RFC 791). A total length of 0 is that of a segment captured before the NIC cut it (TSO): the captured length counts.
#[inline]
pub(super) fn v4(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Ip;
    walk.push(L, out);
    let Some(h) = walk.header::<20>(L, out) else { return Step::End };
    if h[0] >> 4 != 4 {
        return walk.malformed(L, "the version is not 4", out);
    }
    let header_len = usize::from(h[0] & 15) * 4;
    if header_len < 20 {
        return walk.malformed(L, "the header length is below 20 bytes", out);
    }
    let src = Ipv4Addr::new(h[12], h[13], h[14], h[15]);
    let dst = Ipv4Addr::new(h[16], h[17], h[18], h[19]);
    set_net(IpPair::V4(src, dst), h[1], h[8], out);
    out.proto = h[9];
    let total = usize::from(u16::from_be_bytes([h[2], h[3]]));
    if total != 0 && total < header_len {
        return walk.malformed(L, "the total length is below the header length", out);
    }
    if total != 0 {
        walk.narrow(total);
    }
    let announced_end = walk.at.saturating_add(total);
    if walk.left() < header_len {
        return walk.truncated(L, header_len, out);
    }
    let flags = u16::from_be_bytes([h[6], h[7]]);
    let more = flags & 0x2000 != 0;
    let offset = u32::from(flags & 0x1fff) * 8;
    walk.skip(header_len);
    if more || offset != 0 {
        let id = u32::from(u16::from_be_bytes([h[4], h[5]]));
        let whole = total == 0 || (walk.end == announced_end && total > header_len);
        out.fragment = Some(Fragment { id, offset, more, proto: h[9], whole });
        if offset != 0 || whole {
            out.stop = Stop::Fragment;
            return Step::End;
        }
    }
    Step::Proto4(h[9])
}

/// IPv6 (RFC 8200).
#[inline]
pub(super) fn v6(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Ipv6;
    walk.push(L, out);
    let Some(h) = walk.header::<40>(L, out) else { return Step::End };
    if h[0] >> 4 != 6 {
        return walk.malformed(L, "the version is not 6", out);
    }
    let [_, _, _, _, _, _, _, _, rest @ ..] = h;
    let (src, dst) = rest.split_at(16);
    let (Ok(src), Ok(dst)) = (<[u8; 16]>::try_from(src), <[u8; 16]>::try_from(dst)) else { return Step::End };
    let class = (h[0] << 4) | (h[1] >> 4);
    set_net(IpPair::V6(Ipv6Addr::from(src), Ipv6Addr::from(dst)), class, h[7], out);
    out.proto = h[6];
    let payload = usize::from(u16::from_be_bytes([h[4], h[5]]));
    walk.skip(40);
    let unsaid = walk.wire_end.saturating_sub(walk.at);
    match payload {
        // A jumbogram tells its length in the hop-by-hop header that follows (RFC 2675).
        0 if h[6] == 0 => {}
        0 if unsaid > BEYOND_LENGTH_FIELD => {}
        n => walk.narrow(n),
    }
    Step::Proto6(h[6])
}

/// What follows an IP header or an extension header, by protocol number.
#[inline]
pub(super) fn proto(walk: &mut Walk<'_>, proto: u8, in_v6: bool, out: &mut Headers) -> Step {
    out.proto = proto;
    let plain = |kind: LayerKind, walk: &Walk<'_>, out: &mut Headers| {
        walk.push(kind, out);
        Step::End
    };
    let tunnel = |step: Step, kind: LayerKind, walk: &mut Walk<'_>, out: &mut Headers| {
        if walk.enter_tunnel(kind, 0, out) { step } else { Step::End }
    };
    match proto {
        6 => Step::Tcp,
        17 => Step::Udp,
        1 => Step::Icmp,
        58 => Step::Icmp6,
        2 => plain(LayerKind::Igmp, walk, out),
        4 => tunnel(Step::Ip4, LayerKind::Ip, walk, out),
        41 => tunnel(Step::Ip6, LayerKind::Ipv6, walk, out),
        47 => Step::Gre,
        50 => plain(LayerKind::Esp, walk, out),
        51 => ah(walk, in_v6, out),
        132 => super::transport::ports_only(walk, LayerKind::Sctp, 12, out),
        33 => super::transport::ports_only(walk, LayerKind::Dccp, 12, out),
        136 => super::transport::ports_only(walk, LayerKind::UdpLite, 8, out),
        137 => {
            if walk.enter_tunnel(LayerKind::Mpls, 0, out) {
                Step::Mpls
            } else {
                Step::End
            }
        }
        0 if in_v6 => hop_by_hop(walk, out),
        43 if in_v6 => extension(walk, LayerKind::Routing, out),
        60 if in_v6 => extension(walk, LayerKind::DestinationOptions, out),
        140 if in_v6 => extension(walk, LayerKind::Shim6, out),
        // Mobility and HIP headers end the chain: their next header is "none" by rule (RFC 6275 section 6.1.1, RFC 7401 section 5.1).
        135 => plain(LayerKind::Mobility, walk, out),
        139 => plain(LayerKind::Hip, walk, out),
        44 if in_v6 => fragment(walk, out),
        59 if in_v6 => Step::End,
        other => {
            let layer = if in_v6 { LayerKind::Ipv6 } else { LayerKind::Ip };
            walk.unknown(layer, u32::from(other), out)
        }
    }
}

/// An extension header of the common form: next header, length in 8-byte units without the first (RFC 8200 section 4).
fn extension(walk: &mut Walk<'_>, kind: LayerKind, out: &mut Headers) -> Step {
    walk.push(kind, out);
    let Some(h) = walk.header::<8>(kind, out) else { return Step::End };
    let len = usize::from(h[1]) * 8 + 8;
    if walk.left() < len {
        return walk.truncated(kind, len, out);
    }
    walk.skip(len);
    Step::Proto6(h[0])
}

/// Hop-by-hop options: as [`extension`], and the jumbo payload length is looked for.
fn hop_by_hop(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    let options = walk.rest();
    let from = walk.at;
    let next = extension(walk, LayerKind::HopByHop, out);
    let len = walk.at.saturating_sub(from);
    let mut rest = options.get(2..len).unwrap_or(&[]);
    while let [kind, tail @ ..] = rest {
        if *kind == 0 {
            rest = tail;
            continue;
        }
        let [size, data @ ..] = tail else { break };
        // Jumbo payload (RFC 2675): counted from the end of the fixed header, where this first extension header began.
        if let (0xc2, 4, Some(n)) = (*kind, *size, data.first_chunk::<4>()) {
            let total = u32::from_be_bytes(*n) as usize;
            walk.narrow(total.saturating_sub(len));
            break;
        }
        rest = data.get(usize::from(*size)..).unwrap_or(&[]);
    }
    next
}

/// Authentication header (RFC 4302): length in 4-byte units minus two.
fn ah(walk: &mut Walk<'_>, in_v6: bool, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Ah;
    walk.push(L, out);
    let Some(h) = walk.header::<12>(L, out) else { return Step::End };
    let len = usize::from(h[1]) * 4 + 8;
    if len < 12 {
        return walk.malformed(L, "the length is below 12 bytes", out);
    }
    if walk.left() < len {
        return walk.truncated(L, len, out);
    }
    walk.skip(len);
    if in_v6 { Step::Proto6(h[0]) } else { Step::Proto4(h[0]) }
}

/// Fragment header (RFC 8200 section 4.5). Offset 0 without "more" is a whole datagram (an atomic fragment, RFC 6946).
fn fragment(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::FragmentHeader;
    walk.push(L, out);
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    let word = u16::from_be_bytes([h[2], h[3]]);
    let id = u32::from_be_bytes([h[4], h[5], h[6], h[7]]);
    let (offset, more) = (u32::from(word & 0xfff8), word & 1 != 0);
    walk.skip(8);
    if offset == 0 && !more {
        return Step::Proto6(h[0]);
    }
    out.proto = h[0];
    let whole = walk.end == walk.wire_end && walk.left() > 0;
    out.fragment = Some(Fragment { id, offset, more, proto: h[0], whole });
    if offset != 0 || whole {
        out.stop = Stop::Fragment;
        return Step::End;
    }
    Step::Proto6(h[0])
}
