//! IPv6 extension headers (RFC 8200 §4): options, routing, fragment; and mobility and shim headers in outline.

use super::names::PROTOCOLS;
use super::{bits, bits_of_packet_missing, dec, fields, flag, group, hex, ip6, ipv6, layer, notes, raw, title};
use wirelore_kit::note::OVERRUN;
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static OPTIONS: Names = &[
    (0x00, "Pad1"),
    (0x01, "PadN"),
    (0x04, "Tunnel encapsulation limit"),
    (0x05, "Router alert"),
    (0x07, "CALIPSO"),
    (0x08, "SMF duplicate detection"),
    (0x0f, "Performance and diagnostic metrics"),
    (0x1e, "Experiment"),
    (0x26, "Quick-start"),
    (0x30, "Minimum path MTU"),
    (0x31, "IOAM"),
    (0x63, "RPL option"),
    (0x6d, "MPL option"),
    (0xc2, "Jumbo payload"),
    (0xc9, "Home address"),
];
static ACTIONS: Names = &[
    (0, "Skip the option"),
    (1, "Discard the packet"),
    (2, "Discard and tell the source"),
    (3, "Discard and tell the source unless multicast"),
];
static ALERTS: Names = &[(0, "Multicast listener discovery"), (1, "RSVP"), (2, "Active networks")];
static ROUTINGS: Names = &[(0, "Source route (deprecated)"), (2, "Mobile IPv6"), (3, "RPL source route"), (4, "Segment routing")];
static MOBILITIES: Names = &[
    (0, "Binding refresh request"),
    (1, "Home test init"),
    (2, "Care-of test init"),
    (3, "Home test"),
    (4, "Care-of test"),
    (5, "Binding update"),
    (6, "Binding acknowledgement"),
    (7, "Binding error"),
];

fields! {
    HOPOPTS = group("ipv6.hopopts", "Hop-by-hop options", "RFC 8200 §4.3");
    HOPOPTS_NXT = dec("ipv6.hopopts.nxt", "Next header", "RFC 8200 §4.3").names(PROTOCOLS);
    HOPOPTS_LEN = dec("ipv6.hopopts.len", "Length (8-byte units behind the first)", "RFC 8200 §4.3");
    DSTOPTS = group("ipv6.dstopts", "Destination options", "RFC 8200 §4.6");
    DSTOPTS_NXT = dec("ipv6.dstopts.nxt", "Next header", "RFC 8200 §4.6").names(PROTOCOLS);
    DSTOPTS_LEN = dec("ipv6.dstopts.len", "Length (8-byte units behind the first)", "RFC 8200 §4.6");
    OPTION = group("ipv6.opt", "Option", "RFC 8200 §4.2");
    OPT_TYPE = hex("ipv6.opt.type", "Type", "RFC 8200 §4.2").names(OPTIONS);
    OPT_ACTION = dec("ipv6.opt.type.action", "If unknown", "RFC 8200 §4.2").names(ACTIONS);
    OPT_CHANGE = flag("ipv6.opt.type.change", "May change on the way", "RFC 8200 §4.2");
    OPT_REST = hex("ipv6.opt.type.rest", "Low-order bits", "RFC 8200 §4.2");
    OPT_LENGTH = dec("ipv6.opt.length", "Length", "RFC 8200 §4.2");
    OPT_PADN = raw("ipv6.opt.padn", "Padding", "RFC 8200 §4.2");
    OPT_ALERT = dec("ipv6.opt.router_alert", "Router alert", "RFC 2711 §2.1").names(ALERTS);
    OPT_LIMIT = dec("ipv6.opt.tel", "Tunnel encapsulation limit", "RFC 2473 §4.1.1");
    OPT_JUMBO = dec("ipv6.opt.jumbo", "Jumbo payload length", "RFC 2675 §2");
    OPT_HOME = ip6("ipv6.opt.mipv6.home_address", "Home address", "RFC 6275 §6.3");
    OPT_DATA = raw("ipv6.opt.data", "Data", "RFC 8200 §4.2").oracle("-");
    ROUTING_HEADER = group("ipv6.routing", "Routing header", "RFC 8200 §4.4");
    ROUTING_NXT = dec("ipv6.routing.nxt", "Next header", "RFC 8200 §4.4").names(PROTOCOLS);
    ROUTING_LEN = dec("ipv6.routing.len", "Length (8-byte units behind the first)", "RFC 8200 §4.4");
    ROUTING_TYPE = dec("ipv6.routing.type", "Type", "RFC 8200 §4.4").names(ROUTINGS);
    ROUTING_LEFT = dec("ipv6.routing.segleft", "Segments left", "RFC 8200 §4.4");
    ROUTING_RESERVED = raw("ipv6.routing.src.reserved", "Reserved", "RFC 2460 §4.4");
    ROUTING_ADDR = ip6("ipv6.routing.src.addr", "Address", "RFC 2460 §4.4");
    ROUTING_HOME = ip6("ipv6.routing.mipv6.home_address", "Home address", "RFC 6275 §6.4");
    SRH_LAST = dec("ipv6.routing.srh.last_entry", "Last entry", "RFC 8754 §2");
    SRH_FLAGS = hex("ipv6.routing.srh.flags", "Flags", "RFC 8754 §2");
    SRH_TAG = raw("ipv6.routing.srh.tag", "Tag", "RFC 8754 §2");
    SRH_ADDR = ip6("ipv6.routing.srh.addr", "Segment", "RFC 8754 §2");
    ROUTING_DATA = raw("ipv6.routing.unknown_data", "Data of this type", "RFC 8200 §4.4").oracle("-");
    FRAGHDR = group("ipv6.fraghdr", "Fragment header", "RFC 8200 §4.5");
    FRAGHDR_NXT = dec("ipv6.fraghdr.nxt", "Next header", "RFC 8200 §4.5").names(PROTOCOLS);
    FRAGHDR_RESERVED = hex("ipv6.fraghdr.reserved_octet", "Reserved", "RFC 8200 §4.5");
    FRAGHDR_OFFSET = dec("ipv6.fraghdr.offset", "Fragment offset (8-byte units)", "RFC 8200 §4.5");
    FRAGHDR_BITS = dec("ipv6.fraghdr.reserved_bits", "Reserved", "RFC 8200 §4.5");
    FRAGHDR_MORE = flag("ipv6.fraghdr.more", "More fragments", "RFC 8200 §4.5");
    FRAGHDR_IDENT = hex("ipv6.fraghdr.ident", "Identification", "RFC 8200 §4.5");
    SHIM6 = group("shim6", "Shim6", "RFC 5533 §5");
    SHIM6_NXT = dec("shim6.nxt", "Next header", "RFC 5533 §5").names(PROTOCOLS);
    SHIM6_LEN = dec("shim6.len", "Length (8-byte units behind the first)", "RFC 5533 §5");
    SHIM6_DATA = raw("shim6.data", "Data", "RFC 5533 §5").oracle("-");
    MIP6 = group("mipv6", "Mobility header", "RFC 6275 §6.1").oracle("-");
    MIP6_PROTO = dec("mip6.proto", "Payload protocol", "RFC 6275 §6.1").names(PROTOCOLS);
    MIP6_HLEN = dec("mip6.hlen", "Length (8-byte units behind the first)", "RFC 6275 §6.1");
    MIP6_TYPE = dec("mip6.mhtype", "Type", "RFC 6275 §6.1").names(MOBILITIES);
    MIP6_RESERVED = hex("mip6.reserved", "Reserved", "RFC 6275 §6.1");
    MIP6_SUM = hex("mip6.csum", "Checksum", "RFC 6275 §6.1");
}

notes! {
    OPTION_BAD = Warn, Malformed, "ipv6.note.option", "An option's length cannot be", "RFC 8200 §4.2";
    ROUTE_DEPRECATED = Warn, Security, "ipv6.note.source_route", "Source routes of type 0 are forbidden: they let traffic be sent in circles", "RFC 5095";
}

pub(super) static HOP_BY_HOP: Layer =
    layer("ipv6.hopopts", "IPv6 hop-by-hop options", FIELDS, NOTES, &[LayerClaim::Named("ipv6.hopopts")], |r, turn| {
        extension(r, turn, &HOPOPTS, [&HOPOPTS_NXT, &HOPOPTS_LEN], options)
    });
pub(super) static DESTINATION: Layer =
    layer("ipv6.dstopts", "IPv6 destination options", &[], &[], &[LayerClaim::Named("ipv6.dstopts")], |r, turn| {
        extension(r, turn, &DSTOPTS, [&DSTOPTS_NXT, &DSTOPTS_LEN], options)
    });
pub(super) static ROUTING: Layer =
    layer("ipv6.routing", "IPv6 routing header", &[], &[], &[LayerClaim::Named("ipv6.routing")], |r, turn| {
        extension(r, turn, &ROUTING_HEADER, [&ROUTING_NXT, &ROUTING_LEN], routing)
    });
pub(super) static SHIM: Layer = layer("shim6", "Shim6", &[], &[], &[LayerClaim::Named("shim6")], |r, turn| {
    extension(r, turn, &SHIM6, [&SHIM6_NXT, &SHIM6_LEN], |r, _, len| r.bytes(&SHIM6_DATA, len).map(|_| ()))
});
pub(super) static FRAGMENT: Layer =
    layer("ipv6.fraghdr", "IPv6 fragment header", &[], &[], &[LayerClaim::Named("ipv6.fraghdr")], fragment);
pub(super) static MOBILITY: Layer = layer("mipv6", "IPv6 mobility header", &[], &[], &[LayerClaim::IpProto(135)], mobility);

/// A header of the common form: next header, length in 8-byte units without the first. `inner` reads the rest of it.
fn extension(
    r: &mut Reader<'_>,
    turn: &mut LayerTurn,
    heading: F,
    [next, len]: [F; 2],
    inner: fn(&mut Reader<'_>, &mut LayerTurn, usize) -> Result<(), Stop>,
) -> Result<Next, Stop> {
    let all = usize::from(r.peek(2)?.get(1).copied().unwrap_or(0)).saturating_mul(8).saturating_add(8);
    // The header of a jumbogram announces the length of what follows, this header included.
    shorten(turn, all);
    if r.left() < all {
        // What is there is worth showing even where the rest is missing.
        return r.group(heading, |r| {
            r.u8(next)?;
            r.u8(len)?;
            inner(r, turn, r.left())?;
            Err(Stop::Bad(&OVERRUN))
        });
    }
    r.within(heading, all, |r| {
        let number = r.u8(next)?;
        r.u8(len)?;
        inner(r, turn, all.saturating_sub(2))?;
        Ok(ipv6::next(number))
    })
}

/// Takes a header's length from that which IP told.
pub(super) fn shorten(turn: &mut LayerTurn, len: usize) {
    if let Some(p) = &mut turn.pseudo {
        p.len = p.len.map(|n| n.saturating_sub(len as u32));
    }
}

fn options(r: &mut Reader<'_>, turn: &mut LayerTurn, len: usize) -> Result<(), Stop> {
    while !r.is_empty() {
        let left = r.left();
        let (kind, size) = match *r.rest() {
            [0, ..] => {
                r.group(&OPTION, option_type)?;
                continue;
            }
            [kind, size, ..] if usize::from(size).saturating_add(2) <= left => (kind, usize::from(size)),
            _ => {
                let at = r.span(left);
                r.note(&OPTION_BAD, at);
                return r.group(&OPTION, |r| {
                    option_type(r)?;
                    if !r.is_empty() {
                        r.u8(&OPT_LENGTH)?;
                    }
                    match r.left() {
                        0 => Ok(()),
                        n => r.unknown(n),
                    }
                });
            }
        };
        r.attempt(&OPTION, size.saturating_add(2), |r| {
            option_type(r)?;
            r.u8(&OPT_LENGTH)?;
            match (kind, size) {
                (_, 0) => Ok(()),
                (1, n) => r.bytes(&OPT_PADN, n).map(|_| ()),
                (4, 1) => r.u8(&OPT_LIMIT).map(|_| ()),
                (5, 2) => r.u16(&OPT_ALERT).map(|_| ()),
                (0xc9, 16) => {
                    let home = r.ipv6(&OPT_HOME)?;
                    // RFC 6275 §6.3: checksums are made as if the home address were the source.
                    if let Some(p) = &mut turn.pseudo {
                        p.source = home;
                    }
                    Ok(())
                }
                (0xc2, 4) => {
                    let total = r.u32(&OPT_JUMBO)?;
                    let behind = total.saturating_sub(len.saturating_add(2) as u32);
                    turn.limit = Some(behind as usize);
                    if let Some(p) = &mut turn.pseudo {
                        p.len = Some(behind);
                    }
                    Ok(())
                }
                (_, n) => r.bytes(&OPT_DATA, n).map(|_| ()),
            }
        })?;
    }
    Ok(())
}

fn option_type(r: &mut Reader<'_>) -> Result<(), Stop> {
    let kind = r.bit_group(&OPT_TYPE, bits(0, 8), |r, _| {
        r.bits(&OPT_ACTION, bits(0, 2))?;
        r.bits(&OPT_CHANGE, bits(2, 1))?;
        r.bits(&OPT_REST, bits(3, 5)).map(|_| ())
    })?;
    title(r, &OPT_TYPE, kind);
    r.skip(1)
}

fn routing(r: &mut Reader<'_>, turn: &mut LayerTurn, _len: usize) -> Result<(), Stop> {
    let kind_at = r.span(1);
    let kind = r.u8(&ROUTING_TYPE)?;
    let left = r.u8(&ROUTING_LEFT)?;
    let mut end = None;
    match kind {
        0 => {
            r.note(&ROUTE_DEPRECATED, kind_at);
            r.bytes(&ROUTING_RESERVED, 4)?;
            while r.left() >= 16 {
                end = Some(r.ipv6(&ROUTING_ADDR)?);
            }
        }
        2 => {
            r.bytes(&ROUTING_RESERVED, 4)?;
            end = Some(r.ipv6(&ROUTING_HOME)?);
        }
        4 => {
            let last = usize::from(r.u8(&SRH_LAST)?);
            r.u8(&SRH_FLAGS)?;
            r.bytes(&SRH_TAG, 2)?;
            for _ in 0..=last {
                if r.left() < 16 {
                    break;
                }
                // Segments stand in reverse order: the first is where the packet ends up.
                let segment = r.ipv6(&SRH_ADDR)?;
                end = end.or(Some(segment));
            }
        }
        _ => {}
    }
    if !r.is_empty() {
        r.bytes(&ROUTING_DATA, r.left())?;
    }
    // RFC 8200 §8.1: checksums are made as if the last address were the destination.
    if let (Some(end), Some(p), true) = (end, &mut turn.pseudo, left > 0) {
        p.destination = end;
    }
    Ok(())
}

fn fragment(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&FRAGHDR, |r| {
        let number = r.u8(&FRAGHDR_NXT)?;
        r.u8(&FRAGHDR_RESERVED)?;
        r.peek(2)?;
        let offset = r.bits(&FRAGHDR_OFFSET, bits(0, 13))? as u32;
        r.bits(&FRAGHDR_BITS, bits(13, 2))?;
        let more = r.bits(&FRAGHDR_MORE, bits(15, 1))? == 1;
        r.skip(2)?;
        r.u32(&FRAGHDR_IDENT)?;
        shorten(turn, 8);
        let offset = offset.saturating_mul(8);
        // RFC 6946: offset 0 without more to come is a whole datagram.
        if offset == 0 && !more {
            return Ok(ipv6::next(number));
        }
        let said = turn.pseudo.and_then(|p| p.len);
        let whole = r.left() > 0 && said.map_or(!bits_of_packet_missing(r, turn), |n| n as usize <= r.left());
        if offset != 0 || whole {
            turn.fragment = Some((offset, more));
            if let Some(p) = &mut turn.pseudo {
                p.len = None;
            }
        }
        Ok(ipv6::next(number))
    })
}

fn mobility(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&MIP6, |r| {
        r.u8(&MIP6_PROTO)?;
        r.u8(&MIP6_HLEN)?;
        r.u8(&MIP6_TYPE)?;
        r.u8(&MIP6_RESERVED)?;
        r.u16(&MIP6_SUM)?;
        Ok(Next::Data)
    })
}
