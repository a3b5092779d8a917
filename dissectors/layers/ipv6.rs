//! IPv6 (RFC 8200), the fixed header.

use super::names::{DSCP, ECN, PROTOCOLS};
use super::{bits, bits_of_packet_missing, dec, fields, group, hex, ip6, layer, named, notes};
use std::net::Ipv6Addr;
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Next, Pseudo, Reader, Stop, Value};

fields! {
    IPV6 = group("ipv6", "Internet Protocol version 6", "RFC 8200 §3");
    VERSION = dec("ipv6.version", "Version", "RFC 8200 §3");
    CLASS = hex("ipv6.tclass", "Traffic class", "RFC 8200 §7");
    CLASS_DSCP = dec("ipv6.tclass.dscp", "Code point", "RFC 2474 §3").names(DSCP);
    CLASS_ECN = dec("ipv6.tclass.ecn", "Congestion notification", "RFC 3168 §5").names(ECN);
    FLOW = hex("ipv6.flow", "Flow label", "RFC 6437");
    PLEN = dec("ipv6.plen", "Payload length", "RFC 8200 §3");
    NXT = dec("ipv6.nxt", "Next header", "RFC 8200 §3").names(PROTOCOLS);
    HLIM = dec("ipv6.hlim", "Hop limit", "RFC 8200 §3");
    SRC = ip6("ipv6.src", "Source address", "RFC 8200 §3");
    DST = ip6("ipv6.dst", "Destination address", "RFC 8200 §3");
}

notes! {
    VERSION_ODD = Error, Malformed, "ipv6.note.version", "The version is not 6", "RFC 8200 §3";
    BEYOND = Warn, Malformed, "ipv6.note.beyond", "The payload length goes beyond the end of the packet", "RFC 8200 §3";
    OFFLOADED = Chat, Protocol, "ipv6.note.segmentation_offload", "Payload length 0 before more than 64 KiB: captured before the network card cut the segment", "RFC 2675";
}

pub(super) static LAYER: Layer = layer(
    "ipv6",
    "IPv6",
    FIELDS,
    NOTES,
    &[
        LayerClaim::EtherType(0x86dd),
        LayerClaim::IpProto(41),
        LayerClaim::Ppp(0x0057),
        LayerClaim::Link(229),
        LayerClaim::Named("ipv6"),
    ],
    read,
);

/// What a next header number leads to: some numbers mean an extension header only here, not below IPv4.
pub(super) const fn next(number: u8) -> Next {
    match number {
        0 => named("ipv6.hopopts"),
        43 => named("ipv6.routing"),
        44 => named("ipv6.fraghdr"),
        59 => Next::Data,
        60 => named("ipv6.dstopts"),
        140 => named("shim6"),
        n => Next::By(LayerClaim::IpProto(n)),
    }
}

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.titled(&IPV6, |r| {
        let lead = r.peek(1)?.first().copied().unwrap_or(0);
        if lead >> 4 != 6 {
            return Err(Stop::Bad(&VERSION_ODD));
        }
        r.peek(4)?;
        r.bits(&VERSION, bits(0, 4))?;
        r.bit_group(&CLASS, bits(4, 8), |r, _| {
            r.bits(&CLASS_DSCP, bits(4, 6))?;
            r.bits(&CLASS_ECN, bits(10, 2)).map(|_| ())
        })?;
        r.bits(&FLOW, bits(12, 20))?;
        r.skip(4)?;
        let len_at = r.span(2);
        let len = u32::from(r.u16(&PLEN)?);
        let number = r.u8(&NXT)?;
        r.u8(&HLIM)?;
        let source = r.ipv6(&SRC)?;
        let destination = r.ipv6(&DST)?;
        // What was there on the wire, where that can be known: a jumbogram's length stands in its options, big TCP's nowhere.
        let on_wire =
            if bits_of_packet_missing(r, turn) { u64::from(turn.wire_len).saturating_sub(r.at()) } else { r.left() as u64 };
        let unsaid = len == 0 && (number == 0 || on_wire > u64::from(u16::MAX));
        if unsaid {
            if number != 0 {
                r.note(&OFFLOADED, len_at);
            }
        } else {
            turn.limit = Some(len as usize);
            if u64::from(len) > on_wire && !turn.quoted {
                r.note(&BEYOND, len_at);
            }
        }
        turn.pseudo = Some(Pseudo { source, destination, v6: true, len: (!unsaid).then_some(len) });
        let title = format!("{} → {}", Ipv6Addr::from(source), Ipv6Addr::from(destination));
        Ok((next(number), Value::from(title)))
    })
}
