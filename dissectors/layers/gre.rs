//! GRE (RFC 2784, RFC 2890; version 1 of RFC 2637) and ERSPAN inside it.

use super::checksum::{self, STATUS, Told};
use super::{bits, dec, ether, fields, flag, group, hex, ip_by_version, layer, named, notes, raw};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static DIRECTIONS: Names = &[(0, "Incoming"), (1, "Outgoing")];

fields! {
    GRE = group("gre", "Generic routing encapsulation", "RFC 2784 §2");
    FLAGS = hex("gre.flags_and_version", "Flags and version", "RFC 2784 §2");
    F_CHECKSUM = flag("gre.flags.checksum", "Checksum present", "RFC 2784 §2.2");
    F_ROUTING = flag("gre.flags.routing", "Routing present", "RFC 1701");
    F_KEY = flag("gre.flags.key", "Key present", "RFC 2890 §2");
    F_SEQUENCE = flag("gre.flags.sequence_number", "Sequence number present", "RFC 2890 §2");
    F_STRICT = flag("gre.flags.strict_source_route", "Strict source route", "RFC 1701");
    F_RECURSION = dec("gre.flags.recursion_control", "Recursion control", "RFC 1701");
    F_ACK = flag("gre.flags.ack", "Acknowledgment present", "RFC 2637 §4.1");
    F_RESERVED = dec("gre.flags.reserved", "Reserved", "RFC 2784 §2.3");
    F_VERSION = dec("gre.flags.version", "Version", "RFC 2784 §2.3");
    PROTO = hex("gre.proto", "Protocol type", "RFC 2784 §2.4").names(super::names::ETHERTYPES);
    CHECKSUM = hex("gre.checksum", "Checksum", "RFC 2784 §2.5");
    CHECKSUM_STATUS = dec("gre.checksum.status", "Checksum status", "RFC 1071").names(STATUS);
    OFFSET = dec("gre.offset", "Offset", "RFC 1701");
    KEY = hex("gre.key", "Key", "RFC 2890 §2.1");
    KEY_LEN = dec("gre.key.payload_length", "Payload length", "RFC 2637 §4.1");
    KEY_CALL = dec("gre.key.call_id", "Call", "RFC 2637 §4.1");
    SEQUENCE = dec("gre.sequence_number", "Sequence number", "RFC 2890 §2.2");
    ACK = dec("gre.ack_number", "Acknowledgment number", "RFC 2637 §4.1");
    ROUTE = group("gre.routing", "Source route entry", "RFC 1701");
    ROUTE_FAMILY = dec("gre.routing.address_family", "Address family", "RFC 1701");
    ROUTE_OFFSET = dec("gre.routing.sre_offset", "Offset", "RFC 1701");
    ROUTE_LEN = dec("gre.routing.src_length", "Length", "RFC 1701");
    ROUTE_DATA = raw("gre.routing.information", "Route", "RFC 1701");
    ERSPAN_HEADER = group("erspan", "Encapsulated remote mirror", "draft-foschiano-erspan-03");
    E_VERSION = dec("erspan.version", "Version", "draft-foschiano-erspan-03 §4");
    E_VLAN = dec("erspan.vlan", "VLAN", "draft-foschiano-erspan-03 §4");
    E_COS = dec("erspan.cos", "Class of service", "draft-foschiano-erspan-03 §4");
    E_ENCAP = dec("erspan.encap", "Encapsulation on the trunk", "draft-foschiano-erspan-03 §4");
    E_BSO = dec("erspan.bso", "Bad, short or oversized", "draft-foschiano-erspan-03 §4.3");
    E_TRUNCATED = flag("erspan.truncated", "Truncated", "draft-foschiano-erspan-03 §4");
    E_SESSION = dec("erspan.spanid", "Session", "draft-foschiano-erspan-03 §4");
    E_INDEX = hex("erspan.index", "Port index", "draft-foschiano-erspan-03 §4.2");
    E_TIMESTAMP = dec("erspan.timestamp", "Timestamp", "draft-foschiano-erspan-03 §4.3");
    E_SGT = dec("erspan.sgt", "Security group tag", "draft-foschiano-erspan-03 §4.3");
    E_P = flag("erspan.p", "Ethernet frame inside", "draft-foschiano-erspan-03 §4.3");
    E_FRAME = dec("erspan.ft", "Frame type", "draft-foschiano-erspan-03 §4.3");
    E_HARDWARE = dec("erspan.hw", "Hardware", "draft-foschiano-erspan-03 §4.3");
    E_DIRECTION = flag("erspan.direction", "Direction", "draft-foschiano-erspan-03 §4.3").names(DIRECTIONS);
    E_GRANULARITY = dec("erspan.gra", "Timestamp granularity", "draft-foschiano-erspan-03 §4.3");
    E_OPTIONAL = flag("erspan.o", "Platform header present", "draft-foschiano-erspan-03 §4.3");
    E_PLATFORM = raw("erspan.platform", "Platform header", "draft-foschiano-erspan-03 §4.3").oracle("-");
}

notes! {
    SUM_BAD = Warn, Malformed, "gre.note.checksum", "The checksum is wrong", "RFC 2784 §2.5";
}

static TOLD: Told = Told { status: &CHECKSUM_STATUS, bad: &SUM_BAD, partial: &SUM_BAD };

pub(super) static LAYER: Layer = layer("gre", "GRE", FIELDS, NOTES, &[LayerClaim::IpProto(47)], read);
pub(super) static ERSPAN: Layer = layer("erspan", "ERSPAN", &[], &[], &[LayerClaim::Named("erspan")], erspan);
pub(super) static ERSPAN_PLAIN: Layer = layer("erspan", "ERSPAN type I", &[], &[], &[LayerClaim::Named("erspan1")], |r, _| {
    r.group(&ERSPAN_HEADER, |_| Ok(()))?;
    Ok(named("eth"))
});

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&GRE, |r| {
        let version = super::peek_u16(r, 0).unwrap_or(0) & 7;
        let flags = r.bit_group(&FLAGS, bits(0, 16), |r, _| {
            for (i, field) in [&F_CHECKSUM, &F_ROUTING, &F_KEY, &F_SEQUENCE, &F_STRICT].into_iter().enumerate() {
                r.bits(field, bits(i as u8, 1))?;
            }
            r.bits(&F_RECURSION, bits(5, 3))?;
            if version == 1 {
                r.bits(&F_ACK, bits(8, 1))?;
                r.bits(&F_RESERVED, bits(9, 4))?;
            } else {
                r.bits(&F_RESERVED, bits(8, 5))?;
            }
            r.bits(&F_VERSION, bits(13, 3)).map(|_| ())
        })?;
        r.skip(2)?;
        let has = |bit: u64| flags & bit != 0;
        let proto = r.u16(&PROTO)?;
        if has(0x8000) || has(0x4000) {
            let at = r.span(2);
            let sum = r.u16(&CHECKSUM)?;
            if has(0x8000) {
                let covered = checksum::covered(r, turn, None);
                checksum::tell(r, turn, &TOLD, at, checksum::check(r, turn, None, covered, sum, 4));
            }
            r.u16(&OFFSET)?;
        }
        if has(0x2000) {
            if version == 1 {
                r.u16(&KEY_LEN)?;
                r.u16(&KEY_CALL)?;
            } else {
                r.u32(&KEY)?;
            }
        }
        if has(0x1000) {
            r.u32(&SEQUENCE)?;
        }
        if version == 1 && has(0x0080) {
            r.u32(&ACK)?;
        }
        while has(0x4000) {
            let more = r.group(&ROUTE, |r| {
                let family = r.u16(&ROUTE_FAMILY)?;
                r.u8(&ROUTE_OFFSET)?;
                let len = usize::from(r.u8(&ROUTE_LEN)?);
                if len > 0 {
                    r.bytes(&ROUTE_DATA, len)?;
                }
                // A null entry ends the list (RFC 1701).
                Ok(family != 0 || len != 0)
            })?;
            if !more {
                break;
            }
        }
        Ok(match proto {
            _ if r.is_empty() => Next::Done,
            // Type I has no header of its own, and no sequence number in front (draft-foschiano-erspan-03 §4.1).
            0x88be if !has(0x1000) => named("erspan1"),
            0x88be | 0x22eb => named("erspan"),
            value => ether(value),
        })
    })
}

fn erspan(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&ERSPAN_HEADER, |r| {
        r.peek(4)?;
        let version = r.bits(&E_VERSION, bits(0, 4))?;
        r.bits(&E_VLAN, bits(4, 12))?;
        r.bits(&E_COS, bits(16, 3))?;
        r.bits(if version == 2 { &E_BSO } else { &E_ENCAP }, bits(19, 2))?;
        r.bits(&E_TRUNCATED, bits(21, 1))?;
        r.bits(&E_SESSION, bits(22, 10))?;
        r.skip(4)?;
        match version {
            1 => {
                r.peek(4)?;
                r.bits(&E_INDEX, bits(12, 20))?;
                r.skip(4)?;
                Ok(named("eth"))
            }
            2 => {
                r.u32(&E_TIMESTAMP)?;
                r.u16(&E_SGT)?;
                r.peek(2)?;
                r.bits(&E_P, bits(0, 1))?;
                let frame = r.bits(&E_FRAME, bits(1, 5))?;
                r.bits(&E_HARDWARE, bits(6, 6))?;
                r.bits(&E_DIRECTION, bits(12, 1))?;
                r.bits(&E_GRANULARITY, bits(13, 2))?;
                let optional = r.bits(&E_OPTIONAL, bits(15, 1))? == 1;
                r.skip(2)?;
                if optional {
                    r.bytes(&E_PLATFORM, 8)?;
                }
                Ok(match frame {
                    0 => named("eth"),
                    2 => ip_by_version(r),
                    _ => Next::Data,
                })
            }
            _ => Ok(Next::Data),
        }
    })
}
