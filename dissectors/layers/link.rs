//! Thin link headers: BSD null and loop, raw IP, and the netfilter log.

use super::ethernet::MOST_LENGTH;
use super::{dec, ether, fields, group, hex, ip_by_version, layer, named, notes, peek_u16, raw};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static FAMILIES: Names =
    &[(2, "IPv4"), (7, "OSI"), (23, "IPX"), (24, "IPv6 (NetBSD, OpenBSD)"), (28, "IPv6 (FreeBSD)"), (30, "IPv6 (macOS)")];
static NF_FAMILIES: Names =
    &[(0, "Unspecified"), (1, "Inet"), (2, "IPv4"), (3, "ARP"), (5, "Netdev"), (7, "Bridge"), (10, "IPv6")];
static NF_TYPES: Names = &[
    (1, "Packet header"),
    (2, "Mark"),
    (3, "Timestamp"),
    (4, "Input interface"),
    (5, "Output interface"),
    (6, "Physical input interface"),
    (7, "Physical output interface"),
    (8, "Hardware address"),
    (9, "Packet"),
    (10, "Prefix"),
    (11, "User"),
    (12, "Sequence"),
    (13, "Global sequence"),
    (14, "Group"),
    (15, "Hardware type"),
    (16, "Hardware header"),
    (17, "Hardware header length"),
];

fields! {
    NULL_HEADER = group("null", "Null/loopback", "LINKTYPE_NULL");
    FAMILY = dec("null.family", "Family", "LINKTYPE_NULL").names(FAMILIES);
    NULL_TYPE = hex("null.type", "Type", "LINKTYPE_NULL").names(super::names::ETHERTYPES);
    RAW_PACKET = group("raw", "Raw packet data", "LINKTYPE_RAW");
    NFLOG_HEADER = group("nflog", "Netfilter log", "LINKTYPE_NFLOG");
    NF_FAMILY = dec("nflog.family", "Family", "LINKTYPE_NFLOG").names(NF_FAMILIES);
    NF_VERSION = dec("nflog.version", "Version", "LINKTYPE_NFLOG");
    NF_RESOURCE = dec("nflog.res_id", "Group", "LINKTYPE_NFLOG");
    NF_TLV = group("nflog.tlv", "Attribute", "LINKTYPE_NFLOG");
    NF_LENGTH = dec("nflog.tlv_length", "Length", "LINKTYPE_NFLOG");
    NF_TYPE = dec("nflog.tlv_type", "Type", "LINKTYPE_NFLOG").names(NF_TYPES);
    NF_VALUE = raw("nflog.tlv_value", "Value", "LINKTYPE_NFLOG").oracle("-");
    NF_PADDING = raw("nflog.padding", "Padding", "LINKTYPE_NFLOG").oracle("-");
}

notes! {
    TLV_BAD = Error, Malformed, "nflog.note.length", "An attribute is shorter than its own head", "LINKTYPE_NFLOG";
}

pub(super) static NULL: Layer = layer("null", "Null/loopback", FIELDS, NOTES, &[LayerClaim::Link(0)], |r, _| null(r, true));
pub(super) static LOOP: Layer = layer("null", "OpenBSD loopback", &[], &[], &[LayerClaim::Link(108)], |r, _| null(r, false));
pub(super) static RAW: Layer = layer(
    "raw",
    "Raw IP",
    &[],
    &[],
    &[LayerClaim::Link(101), LayerClaim::Link(12), LayerClaim::Link(14), LayerClaim::Named("raw")],
    raw_ip,
);
pub(super) static NFLOG: Layer = layer("nflog", "Netfilter log", &[], &[], &[LayerClaim::Link(239)], nflog);

/// Address and control bytes of PPP in HDLC-like framing (RFC 1662 §3.1).
const PPP_START: Option<u16> = Some(0xff03);

fn null(r: &mut Reader<'_>, host_order: bool) -> Result<Next, Stop> {
    r.group(&NULL_HEADER, |r| {
        if peek_u16(r, 0) == PPP_START {
            return Ok(named("ppp"));
        }
        let bytes: [u8; 4] = r.peek(4)?.try_into().unwrap_or_default();
        // Families are small numbers: if the upper half is in use, the bytes are in the other order.
        let swapped = host_order && bytes.first_chunk::<2>() != Some(&[0, 0]);
        let family = if swapped { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        // Some drivers write an EtherType here.
        let type_instead = u16::try_from(family).ok().filter(|v| *v > MOST_LENGTH);
        let field = if type_instead.is_some() { &NULL_TYPE } else { &FAMILY };
        if swapped {
            r.uint_le(field, 4)?;
        } else {
            r.uint(field, 4)?;
        }
        Ok(match (family, type_instead) {
            (_, Some(value)) => ether(value),
            (2, _) => ether(0x0800),
            (24 | 28 | 30, _) => ether(0x86dd),
            _ => Next::Data,
        })
    })
}

fn raw_ip(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&RAW_PACKET, |_| Ok(()))?;
    Ok(if peek_u16(r, 0) == PPP_START { named("ppp") } else { ip_by_version(r) })
}

/// The attribute that holds the packet.
const PAYLOAD: u16 = 9;

fn nflog(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&NFLOG_HEADER, |r| {
        let family = r.u8(&NF_FAMILY)?;
        r.u8(&NF_VERSION)?;
        r.u16(&NF_RESOURCE)?;
        // Attributes are in the byte order of the capturing host; types are small, so a clear upper byte tells it.
        let little = r.rest().get(3).is_none_or(|b| *b == 0);
        let number = |b: [u8; 2]| if little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) };
        while let Some([a, b, c, d]) = r.rest().first_chunk::<4>().copied() {
            let (len, kind) = (usize::from(number([a, b])), number([c, d]) & 0x7fff);
            if len < 4 {
                return Err(Stop::Bad(&TLV_BAD));
            }
            let head = |r: &mut Reader<'_>| {
                for field in [&NF_LENGTH, &NF_TYPE] {
                    if little {
                        r.uint_le(field, 2)?
                    } else {
                        r.uint(field, 2)?
                    };
                }
                Ok(())
            };
            if kind == PAYLOAD {
                r.group(&NF_TLV, head)?;
                turn.limit = Some(len.saturating_sub(4));
                return Ok(match family {
                    2 => ether(0x0800),
                    10 => ether(0x86dd),
                    _ => Next::Data,
                });
            }
            let padded = len.div_ceil(4).saturating_mul(4).min(r.left());
            r.within(&NF_TLV, padded.max(len), |r| {
                head(r)?;
                r.bytes(&NF_VALUE, len.saturating_sub(4))?;
                match r.left() {
                    0 => Ok(()),
                    n => r.bytes(&NF_PADDING, n).map(|_| ()),
                }
            })?;
        }
        Ok(Next::Data)
    })
}
