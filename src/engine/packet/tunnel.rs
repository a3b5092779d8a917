//! Tunnels above IP: GRE with its kin, and those that run over UDP ports.

use super::transport::Ports;
use super::{Headers, LayerKind, Step, Walk};

/// The tunnel that a UDP port announces, if the payload bears it out: ports are shared with other uses, so a reading needs evidence.
#[inline]
pub(super) fn by_udp_port(walk: &Walk<'_>, ports: Ports) -> Step {
    // Most traffic has none of these ports; one range check each way keeps it cheap.
    if !is_tunnel_port(ports.dst) && !is_tunnel_port(ports.src) {
        return Step::End;
    }
    let Some(h) = walk.rest().first_chunk::<8>() else { return Step::End };
    let on = |port: u16| ports.dst == port || ports.src == port;
    // RFC 7348 section 5: the I flag set, 8472 is what Linux used before the number was assigned.
    if (on(4789) || on(8472)) && h[0] & 0x08 != 0 && h[7] == 0 {
        return Step::Vxlan;
    }
    // VXLAN-GPE: the I and P flags, version 0.
    if on(4790) && h[0] & 0x3c == 0x0c {
        return Step::Gpe;
    }
    // RFC 8926 section 3.4: version 0, and a protocol type that is Ethernet or IP.
    if on(6081) && h[0] >> 6 == 0 && matches!([h[2], h[3]], [0x65, 0x58] | [0x08, 0x00] | [0x86, 0xdd]) {
        return Step::Geneve;
    }
    // TS 29.281 section 5.1: version 1, protocol type GTP, message 255 carries a user packet.
    if on(2152) && h[0] >> 4 == 3 && h[1] == 0xff {
        return Step::Gtp;
    }
    // RFC 7510: MPLS over UDP.
    if ports.dst == 6635 {
        return Step::Mpls;
    }
    if on(3544) && teredo_start(walk).is_some() {
        return Step::Teredo;
    }
    Step::End
}

#[inline]
fn is_tunnel_port(port: u16) -> bool {
    matches!(port, 2152 | 3544 | 4789 | 4790 | 6081 | 6635 | 8472)
}

/// GRE version 0 (RFC 2784, RFC 2890, routing of RFC 1701) and version 1 (PPTP, RFC 2637 section 4.1).
pub(super) fn gre(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Gre;
    walk.push(L, out);
    let Some(h) = walk.header::<4>(L, out) else { return Step::End };
    let (flags, protocol) = (u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]]));
    let version = flags & 7;
    let (checksum, routing, key, sequence, acknowledgement) =
        (flags & 0x8000 != 0, flags & 0x4000 != 0, flags & 0x2000 != 0, flags & 0x1000 != 0, flags & 0x0080 != 0);
    let mut len = 4_usize;
    if checksum || routing {
        len += 4;
    }
    if key {
        out.tunnel_id = walk.rest().get(len..).and_then(|r| r.first_chunk::<4>()).map(|k| u32::from_be_bytes(*k));
        len += 4;
    }
    if sequence {
        len += 4;
    }
    if version == 1 && acknowledgement {
        len += 4;
    }
    if walk.left() < len {
        return walk.truncated(L, len, out);
    }
    walk.skip(len);
    if routing {
        // Source route entries: family, offset, length; a zero length ends the list (RFC 1701).
        loop {
            let Some(entry) = walk.header::<4>(L, out) else { return Step::End };
            let (family, size) = (u16::from_be_bytes([entry[0], entry[1]]), usize::from(entry[3]));
            walk.skip(4);
            if family == 0 && size == 0 {
                break;
            }
            walk.skip(size);
        }
    }
    if walk.left() == 0 {
        return Step::End;
    }
    if !walk.enter_tunnel(L, 0, out) {
        return Step::End;
    }
    match protocol {
        0x88be => erspan(walk, sequence, out),
        0x22eb => erspan(walk, true, out),
        other => super::link::ether_type(walk, other, L, out),
    }
}

/// ERSPAN: type I has no header, type II one of 8 bytes, type III one of 12 and perhaps 8 more (draft-foschiano-erspan-03).
fn erspan(walk: &mut Walk<'_>, has_header: bool, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Erspan;
    walk.push(L, out);
    if !has_header {
        return Step::Ethernet;
    }
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    out.tunnel_id = Some(u32::from(u16::from_be_bytes([h[2], h[3]]) & 0x03ff));
    match h[0] >> 4 {
        1 => {
            walk.skip(8);
            Step::Ethernet
        }
        2 => {
            let Some(h) = walk.header::<12>(L, out) else { return Step::End };
            let (frame_type, optional) = ((h[10] >> 2) & 0x1f, h[11] & 1 != 0);
            let len = if optional { 20 } else { 12 };
            if walk.left() < len {
                return walk.truncated(L, len, out);
            }
            walk.skip(len);
            match frame_type {
                0 => Step::Ethernet,
                2 => Step::Ip(L),
                other => walk.unknown(L, u32::from(other), out),
            }
        }
        version => walk.unknown(L, u32::from(version), out),
    }
}

/// VXLAN (RFC 7348): flags, VNI, an Ethernet frame.
pub(super) fn vxlan(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Vxlan;
    walk.push(L, out);
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    let vni = u32::from_be_bytes([0, h[4], h[5], h[6]]);
    walk.skip(8);
    if walk.left() == 0 || !walk.enter_tunnel(L, vni, out) {
        return Step::End;
    }
    out.tunnel_id = Some(vni);
    Step::Ethernet
}

/// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe): as VXLAN, with a next protocol.
pub(super) fn gpe(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Vxlan;
    walk.push(L, out);
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    let (vni, next) = (u32::from_be_bytes([0, h[4], h[5], h[6]]), h[3]);
    walk.skip(8);
    if walk.left() == 0 || !walk.enter_tunnel(L, vni, out) {
        return Step::End;
    }
    out.tunnel_id = Some(vni);
    match next {
        1 => Step::Ip4,
        2 => Step::Ip6,
        3 => Step::Ethernet,
        other => walk.unknown(L, u32::from(other), out),
    }
}

/// Geneve (RFC 8926 section 3): 8 bytes, options in 4-byte units, then what the protocol type says.
pub(super) fn geneve(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Geneve;
    walk.push(L, out);
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    let len = usize::from(h[0] & 0x3f) * 4 + 8;
    let protocol = u16::from_be_bytes([h[2], h[3]]);
    let vni = u32::from_be_bytes([0, h[4], h[5], h[6]]);
    if walk.left() < len {
        return walk.truncated(L, len, out);
    }
    walk.skip(len);
    if walk.left() == 0 || !walk.enter_tunnel(L, vni, out) {
        return Step::End;
    }
    out.tunnel_id = Some(vni);
    super::link::ether_type(walk, protocol, L, out)
}

/// GTP-U version 1 (TS 29.281 section 5.1): 8 bytes, 4 more if any of the E, S, PN bits is set, then extension headers.
pub(super) fn gtp(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    const L: LayerKind = LayerKind::Gtp;
    walk.push(L, out);
    let Some(h) = walk.header::<8>(L, out) else { return Step::End };
    let (flags, teid) = (h[0], u32::from_be_bytes([h[4], h[5], h[6], h[7]]));
    walk.skip(8);
    if flags & 7 != 0 {
        let Some(more) = walk.header::<4>(L, out) else { return Step::End };
        let mut next = if flags & 4 != 0 { more[3] } else { 0 };
        walk.skip(4);
        while next != 0 {
            // Length in 4-byte units, the type of the next extension in the last byte.
            let Some(units) = walk.peek(0).map(usize::from).filter(|n| *n > 0) else {
                return walk.malformed(L, "an extension header of length 0", out);
            };
            let Some(then) = walk.peek(units * 4 - 1) else { return walk.truncated(L, units * 4, out) };
            next = then;
            walk.skip(units * 4);
        }
    }
    if walk.left() == 0 || !walk.enter_tunnel(L, 0, out) {
        return Step::End;
    }
    out.tunnel_id = Some(teid);
    Step::Ip(L)
}

/// Where the IPv6 packet of a Teredo datagram begins: after an authentication and an origin indication, if there are any (RFC 4380 section 5.1.1).
fn teredo_start(walk: &Walk<'_>) -> Option<usize> {
    let bytes = walk.rest();
    let mut at = 0_usize;
    if let [0, 1, client, auth, ..] = bytes {
        at = 13_usize.saturating_add(usize::from(*client)).saturating_add(usize::from(*auth));
    }
    if let Some([0, 0, ..]) = bytes.get(at..) {
        at = at.saturating_add(8);
    }
    let inner = bytes.get(at..)?.first_chunk::<40>()?;
    let len = usize::from(u16::from_be_bytes([inner[4], inner[5]]));
    let room = walk.wire_end.saturating_sub(walk.at).saturating_sub(at);
    (inner[0] >> 4 == 6 && len.saturating_add(40) <= room).then_some(at)
}

/// Teredo (RFC 4380): IPv6 in UDP.
pub(super) fn teredo(walk: &mut Walk<'_>, out: &mut Headers) -> Step {
    walk.push(LayerKind::Teredo, out);
    let Some(at) = teredo_start(walk) else { return Step::End };
    walk.skip(at);
    if walk.enter_tunnel(LayerKind::Teredo, 0, out) { Step::Ip6 } else { Step::End }
}
