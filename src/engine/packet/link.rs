//! Link layers and tags: from the capture's link type down to an ethertype or an IP header.

use super::{Headers, LayerKind, Step, Walk};

/// 802.3 length fields go up to here; ethertypes begin at 1536 (IEEE 802.3 clause 3.2.6).
const MAX_LENGTH: u16 = 1500;
const MIN_ETHERTYPE: u16 = 1536;

/// Reads the outermost header of link type `link_type` (LINKTYPE_ or DLT_ numbers of tcpdump.org) and tells what comes next.
pub(super) fn first_step(link_type: u32, walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    match link_type {
        1 => Step::Ethernet,
        0 | 108 => null(walk, link_type == 0, out),
        // DLT_RAW is 12 or 14 in files of some systems.
        101 | 12 | 14 => {
            walk.push(LayerKind::Raw, out);
            if walk.peek_u16(0) == Some(0xff03) { Step::Ppp(LayerKind::Raw) } else { Step::Ip(LayerKind::Raw) }
        }
        228 => Step::Ip(LayerKind::Raw),
        229 => Step::Ip(LayerKind::Raw),
        113 => sll(walk, out),
        276 => sll2(walk, out),
        9 => Step::Ppp(LayerKind::Ppp),
        50 => ppp_serial(walk, out),
        51 => Step::PppoeSession,
        104 => chdlc(walk, out),
        107 => frame_relay(walk, out),
        105 => Step::Wlan,
        127 => radiotap(walk, out),
        239 => nflog(walk, out),
        other => walk.unknown(LayerKind::Data, other, out),
    }
}

/// Ethernet II, or IEEE 802.3 where the type field is a length.
#[inline]
pub(super) fn ethernet(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Ethernet;
    walk.push(L, out);
    let Some(h) = walk.header::<14>(L, out) else { return Step::End };
    let value = u16::from_be_bytes([h[12], h[13]]);
    walk.skip(14);
    if value >= MIN_ETHERTYPE {
        return Step::EtherType(value, L);
    }
    if value > MAX_LENGTH {
        return walk.unknown(L, u32::from(value), out);
    }
    walk.narrow(usize::from(value));
    // Novell put IPX straight behind the length; its checksum field is always ffff, which no LLC header begins with.
    if walk.peek_u16(0) == Some(0xffff) {
        walk.push(LayerKind::Ipx, out);
        return Step::End;
    }
    Step::Llc
}

/// What an ethertype announces.
#[inline]
pub(super) fn ether_type(walk: &mut Walk<'_>, value: u16, from: LayerKind, out: &mut Headers) -> Step {
    use LayerKind as K;
    // Wireshark counts the ethertype as a layer after these.
    if matches!(from, K::Ethernet | K::Vlan | K::ServiceVlan | K::Sll | K::Arista | K::MacSec) {
        walk.push(K::EtherType, out);
    }
    let kind = match value {
        0x0800 => return Step::Ip4,
        0x86dd => return Step::Ip6,
        // 0x9100 was used for stacked tags before 802.1ad.
        0x8100 | 0x9100 => return Step::Vlan(K::Vlan),
        0x88a8 => return Step::Vlan(K::ServiceVlan),
        0x8847 | 0x8848 => return Step::Mpls,
        0x8864 => return Step::PppoeSession,
        0x880b => return Step::Ppp(K::Ppp),
        0xd28b => return Step::Arista,
        0x88e5 => return Step::MacSec,
        0x6558 => return Step::Ethernet,
        0x0806 => K::Arp,
        0x88cc => K::Lldp,
        0x888e => K::Eapol,
        0x8863 => K::PppoeDiscovery,
        0x8137 => K::Ipx,
        other => return walk.unknown(K::EtherType, u32::from(other), out),
    };
    walk.push(kind, out);
    Step::End
}

/// IEEE 802.2 LLC; SNAP (RFC 1042) leads on to an ethertype.
pub(super) fn llc(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Llc;
    walk.push(L, out);
    let Some(h) = walk.header::<3>(L, out) else { return Step::End };
    let (dsap, ssap, control) = (h[0], h[1], h[2]);
    if dsap == 0xaa && ssap == 0xaa && control == 3 {
        let Some(h) = walk.header::<8>(L, out) else { return Step::End };
        let oui = u32::from_be_bytes([0, h[3], h[4], h[5]]);
        let value = u16::from_be_bytes([h[6], h[7]]);
        walk.skip(8);
        return match (oui, value) {
            // RFC 1042, and bridged Ethernet types of Cisco (00-00-f8).
            (0 | 0x0000_00f8, _) => Step::EtherType(value, L),
            // RFC 2684 bridged Ethernet, without and with the frame check sequence.
            (0x0000_80c2, 1 | 7) => Step::Ethernet,
            _ => walk.unknown(L, u32::from(value), out),
        };
    }
    let unnumbered = control & 3 == 3;
    walk.skip(if unnumbered { 3 } else { 4 });
    let kind = match dsap {
        0x06 if unnumbered => return Step::Ip4,
        0x42 => LayerKind::Stp,
        0xe0 => LayerKind::Ipx,
        0xf0 => LayerKind::Netbios,
        other => return walk.unknown(L, u32::from(other), out),
    };
    if walk.left() > 0 && unnumbered {
        walk.push(kind, out);
    }
    Step::End
}

/// IEEE 802.1Q or 802.1ad tag: TCI and the type (or length) that follows.
pub(super) fn vlan(walk: &mut Walk<'_>, kind: LayerKind, out: &mut Headers) -> Step {
    walk.push(kind, out);
    let Some(h) = walk.header::<4>(kind, out) else { return Step::End };
    out.vlan = Some(u16::from_be_bytes([h[0], h[1]]) & 0x0fff);
    let value = u16::from_be_bytes([h[2], h[3]]);
    walk.skip(4);
    if value > MAX_LENGTH {
        return Step::EtherType(value, kind);
    }
    walk.narrow(usize::from(value));
    if walk.peek_u16(0) == Some(0xffff) {
        walk.push(LayerKind::Ipx, out);
        return Step::End;
    }
    Step::Llc
}

/// An MPLS label stack (RFC 3032). It does not name what it carries: labels 0 and 2 do, else the first nibble is asked (RFC 4928).
pub(super) fn mpls(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Mpls;
    walk.push(L, out);
    loop {
        let Some(h) = walk.header::<4>(L, out) else { return Step::End };
        let entry = u32::from_be_bytes(*h);
        walk.skip(4);
        if entry & 0x100 == 0 {
            continue;
        }
        return match entry >> 12 {
            0 => Step::Ip4,
            2 => Step::Ip6,
            _ => match walk.peek(0).map(|b| b >> 4) {
                Some(4) => Step::Ip4,
                Some(6) => Step::Ip6,
                // 1 is the associated channel of RFC 5586.
                Some(1) => walk.unknown(L, 1, out),
                Some(_) => Step::PseudoWire,
                None => Step::End,
            },
        };
    }
}

/// Ethernet over MPLS (RFC 4448): with a control word if the first nibble is 0 and the word looks like one, else without.
pub(super) fn pseudo_wire(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    walk.push(LayerKind::PseudoWireHeuristic, out);
    let type_at = |at: usize| walk.peek_u16(at).is_some_and(|v| v >= MIN_ETHERTYPE && known(v));
    let nibble_zero = walk.peek(0).is_some_and(|b| b >> 4 == 0);
    // The type field tells the two readings apart: at 12 without, at 16 with the control word.
    let control_word = nibble_zero && (type_at(16) || !type_at(12));
    if !walk.enter_tunnel(LayerKind::Mpls, 0, out) {
        return Step::End;
    }
    if control_word {
        walk.push(LayerKind::PseudoWireControlWord, out);
        if walk.header::<4>(LayerKind::PseudoWireControlWord, out).is_none() {
            return Step::End;
        }
        walk.skip(4);
    } else {
        walk.push(LayerKind::PseudoWirePlain, out);
    }
    Step::Ethernet
}

fn known(value: u16) -> bool {
    matches!(value, 0x0800 | 0x86dd | 0x0806 | 0x8100 | 0x88a8 | 0x9100 | 0x8847 | 0x8848 | 0x8863 | 0x8864 | 0x88cc | 0x888e)
}

/// PPPoE session stage (RFC 2516 section 4): six bytes, then PPP.
pub(super) fn pppoe_session(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::PppoeSession;
    walk.push(L, out);
    let Some(h) = walk.header::<6>(L, out) else { return Step::End };
    let len = u16::from_be_bytes([h[4], h[5]]);
    walk.skip(6);
    walk.narrow(usize::from(len));
    Step::Ppp(L)
}

/// PPP (RFC 1661), with or without address and control bytes (RFC 1662), the protocol in one or two bytes.
pub(super) fn ppp(walk: &mut Walk<'_>, _from: LayerKind, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Ppp;
    walk.push(L, out);
    if walk.peek_u16(0) == Some(0xff03) {
        walk.skip(2);
    }
    let Some(first) = walk.peek(0) else { return walk.truncated(L, 1, out) };
    // An odd first byte is a compressed protocol field (RFC 1661 section 6.5).
    let value = if first & 1 == 1 {
        walk.skip(1);
        u16::from(first)
    } else {
        let Some(h) = walk.header::<2>(L, out) else { return Step::End };
        walk.skip(2);
        u16::from_be_bytes(*h)
    };
    let kind = match value {
        0x0021 => return Step::Ip4,
        0x0057 => return Step::Ip6,
        0x0281 | 0x0283 => return Step::Mpls,
        0x8021 => LayerKind::Ipcp,
        0xc021 => LayerKind::Lcp,
        other => return walk.unknown(L, u32::from(other), out),
    };
    walk.push(kind, out);
    Step::End
}

/// PPP on a serial line (DLT_PPP_SERIAL): Cisco HDLC if the address byte says so.
fn ppp_serial(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    if matches!(walk.peek(0), Some(0x0f | 0x8f)) {
        walk.push(LayerKind::Ppp, out);
        return chdlc(walk, out);
    }
    Step::Ppp(LayerKind::Ppp)
}

/// Cisco HDLC: address, control, ethertype.
fn chdlc(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Chdlc;
    walk.push(L, out);
    let Some(h) = walk.header::<4>(L, out) else { return Step::End };
    let value = u16::from_be_bytes([h[2], h[3]]);
    walk.skip(4);
    if value == 0x8035 {
        walk.push(LayerKind::Slarp, out);
        return Step::End;
    }
    Step::EtherType(value, L)
}

/// Frame relay: a Q.922 address of two to four bytes, then RFC 2427's NLPID or Cisco's ethertype.
fn frame_relay(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::FrameRelay;
    walk.push(L, out);
    let Some(len) = walk.rest().iter().take(4).position(|b| b & 1 == 1).map(|i| i.saturating_add(1)) else {
        return walk.malformed(L, "no address byte has its last-byte bit set", out);
    };
    walk.skip(len);
    if walk.peek(0) != Some(3) {
        let Some(h) = walk.header::<2>(L, out) else { return Step::End };
        walk.skip(2);
        return Step::EtherType(u16::from_be_bytes(*h), L);
    }
    walk.skip(1);
    // A zero byte pads the header to an even length (RFC 2427 section 3).
    if walk.peek(0) == Some(0) {
        walk.skip(1);
    }
    let Some(nlpid) = walk.peek(0) else { return walk.truncated(L, 1, out) };
    walk.skip(1);
    match nlpid {
        0xcc => Step::Ip4,
        0x8e => Step::Ip6,
        0x80 => {
            let Some(h) = walk.header::<5>(L, out) else { return Step::End };
            let (oui, value) = (u32::from_be_bytes([0, h[0], h[1], h[2]]), u16::from_be_bytes([h[3], h[4]]));
            walk.skip(5);
            match (oui, value) {
                (0, _) => Step::EtherType(value, L),
                (0x0000_80c2, 1 | 7) => Step::Ethernet,
                _ => walk.unknown(L, u32::from(value), out),
            }
        }
        other => walk.unknown(L, u32::from(other), out),
    }
}

/// BSD null and loop headers: an address family in the byte order of the capturing host (null) or network order (loop).
fn null(walk: &mut Walk<'_>, host_order: bool, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Null;
    walk.push(L, out);
    if walk.peek_u16(0) == Some(0xff03) {
        return Step::Ppp(L);
    }
    let Some(h) = walk.header::<4>(L, out) else { return Step::End };
    let mut family = u32::from_be_bytes(*h);
    // Families are small numbers: if the upper half is in use the bytes are the other way round.
    if host_order && family & 0xffff_0000 != 0 {
        family = family.swap_bytes();
    }
    walk.skip(4);
    match family {
        2 => Step::Ip4,
        // NetBSD and OpenBSD, FreeBSD, macOS.
        24 | 28 | 30 => Step::Ip6,
        // Some drivers write an ethertype here.
        n if n > u32::from(MAX_LENGTH) => match u16::try_from(n) {
            Ok(value) => Step::EtherType(value, L),
            Err(_) => walk.unknown(L, n, out),
        },
        n => walk.unknown(L, n, out),
    }
}

/// Linux cooked capture, version 1: 16 bytes, the protocol last.
fn sll(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Sll;
    walk.push(L, out);
    let Some(h) = walk.header::<16>(L, out) else { return Step::End };
    walk.skip(16);
    cooked(walk, u16::from_be_bytes([h[2], h[3]]), u16::from_be_bytes([h[14], h[15]]), out)
}

/// Linux cooked capture, version 2: 20 bytes, the protocol first.
fn sll2(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Sll;
    walk.push(L, out);
    let Some(h) = walk.header::<20>(L, out) else { return Step::End };
    walk.skip(20);
    cooked(walk, u16::from_be_bytes([h[8], h[9]]), u16::from_be_bytes([h[0], h[1]]), out)
}

/// The protocol of a cooked header; what it means depends on the ARPHRD_ hardware type.
fn cooked(walk: &mut Walk<'_>, hardware: u16, protocol: u16, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Sll;
    match hardware {
        // IPGRE: the field is a GRE protocol type, which is an ethertype without being shown as one.
        778 => return Step::EtherType(protocol, LayerKind::Gre),
        // Netlink and 802.11 with radiotap carry their own formats.
        824 => return walk.unknown(L, u32::from(protocol), out),
        803 => return radiotap(walk, out),
        _ => {}
    }
    match protocol {
        1 => {
            walk.push(LayerKind::Ipx, out);
            Step::End
        }
        4 => Step::Llc,
        n if n < MIN_ETHERTYPE => walk.unknown(L, u32::from(n), out),
        n => Step::EtherType(n, L),
    }
}

/// Arista's timestamp tag behind the Ethernet header: subtype 1, a version that tells the width, the time, the real ethertype.
pub(super) fn arista(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Arista;
    walk.push(L, out);
    let Some(h) = walk.header::<4>(L, out) else { return Step::End };
    let time_len = match (u16::from_be_bytes([h[0], h[1]]), h[3]) {
        (1, 0x10 | 0x11) => 8,
        (1, 0x20 | 0x21) => 6,
        (subtype, _) => return walk.unknown(L, u32::from(subtype), out),
    };
    let Some(value) = walk.peek_u16(4 + time_len) else { return walk.truncated(L, 6 + time_len, out) };
    walk.skip(6 + time_len);
    Step::EtherType(value, L)
}

/// The MACsec tag (IEEE 802.1AE clause 9.3): read through where the frame is only authenticated, not encrypted.
pub(super) fn macsec(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::MacSec;
    walk.push(L, out);
    let Some(h) = walk.header::<6>(L, out) else { return Step::End };
    let (encrypted, changed, with_sci) = (h[0] & 0x08 != 0, h[0] & 0x04 != 0, h[0] & 0x20 != 0);
    let len = if with_sci { 14 } else { 6 };
    if encrypted || changed {
        walk.skip(len);
        return walk.unknown(L, 0, out);
    }
    let Some(value) = walk.peek_u16(len) else { return walk.truncated(L, len + 2, out) };
    walk.skip(len + 2);
    // The integrity check value at the end (16 bytes in the default cipher suites) is no payload.
    let body = walk.wire_end.saturating_sub(walk.at).saturating_sub(16);
    walk.narrow(body);
    Step::EtherType(value, L)
}

/// Radiotap: its length is the only thing of interest here (little-endian, radiotap.org), and the flag that a frame check sequence follows.
fn radiotap(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Radiotap;
    walk.push(L, out);
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    let len = usize::from(u16::from_le_bytes([h[2], h[3]]));
    if len < 8 {
        return walk.malformed(L, "the length is below 8 bytes", out);
    }
    if walk.left() < len {
        return walk.truncated(L, len, out);
    }
    walk.skip(len);
    walk.push(LayerKind::WlanRadio, out);
    Step::Wlan
}

/// IEEE 802.11: data frames in clear lead on to LLC, all others end here.
pub(super) fn wlan(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Wlan;
    walk.push(L, out);
    let Some(h) = walk.header::<2>(L, out) else { return Step::End };
    let (kind, subtype, flags) = ((h[0] >> 2) & 3, h[0] >> 4, h[1]);
    // Type 2 is data; bit 2 of the subtype says that the frame carries none, the protected flag that it is encrypted.
    if kind != 2 || subtype & 4 != 0 || flags & 0x40 != 0 {
        return Step::End;
    }
    let qos = subtype & 8 != 0;
    let mut len = 24;
    if flags & 3 == 3 {
        len += 6;
    }
    if qos {
        len += 2;
        if flags & 0x80 != 0 {
            len += 4;
        }
    }
    if walk.left() < len {
        return walk.truncated(L, len, out);
    }
    walk.skip(len);
    Step::Llc
}

/// Netfilter log: family, version, resource, then TLVs in host order; type 9 is the packet.
fn nflog(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Nflog;
    const PAYLOAD: u16 = 9;
    walk.push(L, out);
    let Some(h) = walk.header::<4>(L, out) else { return Step::End };
    let family = h[0];
    walk.skip(4);
    // The byte order is that of the capturing host: a TLV type has a clear upper byte, which tells it.
    let little = walk.rest().first_chunk::<4>().is_none_or(|t| t[3] == 0);
    loop {
        let Some(tlv) = walk.rest().first_chunk::<4>() else { return Step::End };
        let [a, b, c, d] = *tlv;
        let (len, kind) = if little {
            (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
        } else {
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
        };
        let len = usize::from(len);
        if len < 4 {
            return walk.malformed(L, "a field is shorter than its own head", out);
        }
        if kind & 0x7fff == PAYLOAD {
            walk.skip(4);
            walk.narrow(len - 4);
            return match family {
                2 => Step::Ip4,
                10 => Step::Ip6,
                other => walk.unknown(L, u32::from(other), out),
            };
        }
        walk.skip(len.div_ceil(4) * 4);
    }
}
