//! Tunnels over UDP: VXLAN (RFC 7348), Geneve (RFC 8926), GTP-U (3GPP TS 29.281), Teredo (RFC 4380), MPLS (RFC 7510).

use super::{bits, dec, ether, fields, flag, group, hex, ip_by_version, ip4, layer, named, notes, raw};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static GPE_PROTOCOLS: Names = &[(1, "IPv4"), (2, "IPv6"), (3, "Ethernet"), (4, "NSH"), (5, "MPLS")];
static GTP_MESSAGES: Names = &[
    (1, "Echo request"),
    (2, "Echo response"),
    (26, "Error indication"),
    (31, "Supported extension headers"),
    (254, "End marker"),
    (255, "User packet"),
];
static GTP_EXTENSIONS: Names = &[
    (0x00, "None"),
    (0x20, "Service class"),
    (0x40, "UDP port"),
    (0x81, "RAN container"),
    (0x82, "Long PDCP number"),
    (0x84, "NR RAN container"),
    (0x85, "PDU session container"),
    (0xc0, "PDCP number"),
];

fields! {
    VXLAN_HEADER = group("vxlan", "VXLAN", "RFC 7348 §5");
    VXLAN_FLAGS = hex("vxlan.flags", "Flags", "RFC 7348 §5");
    VXLAN_I = flag("vxlan.flag_i", "Network identifier valid", "RFC 7348 §5");
    VXLAN_GROUP = dec("vxlan.gbp", "Group policy", "draft-smith-vxlan-group-policy");
    VXLAN_NEXT = dec("vxlan.next_proto", "Next protocol", "draft-ietf-nvo3-vxlan-gpe §3").names(GPE_PROTOCOLS);
    VXLAN_RESERVED16 = hex("vxlan.reserved_16", "Reserved", "draft-ietf-nvo3-vxlan-gpe §3");
    VXLAN_VNI = dec("vxlan.vni", "Network identifier", "RFC 7348 §5");
    VXLAN_RESERVED = hex("vxlan.reserved8", "Reserved", "RFC 7348 §5");
    GENEVE_HEADER = group("geneve", "Geneve", "RFC 8926 §3.4");
    GENEVE_VERSION = dec("geneve.version", "Version", "RFC 8926 §3.4");
    GENEVE_OPT_LEN = dec("geneve.option.length_total", "Options length (bytes)", "RFC 8926 §3.4").oracle("-");
    GENEVE_O = flag("geneve.flags.oam", "Control packet", "RFC 8926 §3.4");
    GENEVE_C = flag("geneve.flags.critical", "Critical options present", "RFC 8926 §3.4");
    GENEVE_RESERVED_BITS = dec("geneve.reserved_bits", "Reserved", "RFC 8926 §3.4").oracle("-");
    GENEVE_PROTO = hex("geneve.proto_type", "Protocol type", "RFC 8926 §3.4").names(super::names::ETHERTYPES);
    GENEVE_VNI = hex("geneve.vni", "Network identifier", "RFC 8926 §3.4");
    GENEVE_RESERVED = hex("geneve.reserved", "Reserved", "RFC 8926 §3.4");
    GENEVE_OPTION = group("geneve.option", "Option", "RFC 8926 §3.5").oracle("-");
    GENEVE_CLASS = hex("geneve.option.class", "Class", "RFC 8926 §3.5");
    GENEVE_TYPE = hex("geneve.option.type", "Type", "RFC 8926 §3.5");
    GENEVE_LEN = dec("geneve.option.length", "Length of the data (bytes)", "RFC 8926 §3.5").oracle("-");
    GENEVE_DATA = raw("geneve.option.data", "Data", "RFC 8926 §3.5").oracle("-");
    GTP_HEADER = group("gtp", "GTP user plane", "TS 29.281 §5.1");
    GTP_FLAGS = hex("gtp.flags", "Flags", "TS 29.281 §5.1");
    GTP_VERSION = dec("gtp.flags.version", "Version", "TS 29.281 §5.1");
    GTP_PT = dec("gtp.flags.payload", "Protocol type", "TS 29.281 §5.1");
    GTP_RESERVED = dec("gtp.flags.reserved", "Reserved", "TS 29.281 §5.1");
    GTP_E = flag("gtp.flags.e", "Extension header follows", "TS 29.281 §5.1");
    GTP_S = flag("gtp.flags.s", "Sequence number present", "TS 29.281 §5.1");
    GTP_PN = flag("gtp.flags.pn", "N-PDU number present", "TS 29.281 §5.1");
    GTP_MESSAGE = hex("gtp.message", "Message type", "TS 29.281 §6.1").names(GTP_MESSAGES);
    GTP_LENGTH = dec("gtp.length", "Length", "TS 29.281 §5.1");
    GTP_TEID = hex("gtp.teid", "Tunnel endpoint", "TS 29.281 §5.1");
    GTP_SEQ = hex("gtp.seq_number", "Sequence number", "TS 29.281 §5.1");
    GTP_NPDU = dec("gtp.npdu_number", "N-PDU number", "TS 29.281 §5.1");
    GTP_NEXT = hex("gtp.ext_hdr.next", "Next extension header", "TS 29.281 §5.2").names(GTP_EXTENSIONS);
    GTP_EXT = group("gtp.ext_hdr", "Extension header", "TS 29.281 §5.2");
    GTP_EXT_LEN = dec("gtp.ext_hdr.length", "Length (4-byte units)", "TS 29.281 §5.2");
    GTP_EXT_DATA = raw("gtp.ext_hdr.data", "Contents", "TS 29.281 §5.2").oracle("-");
    TEREDO_HEADER = group("teredo", "Teredo", "RFC 4380 §5.1.1");
    TEREDO_AUTH = group("teredo.auth", "Authentication", "RFC 4380 §5.1.1");
    TEREDO_ID_LEN = dec("teredo.auth.idlen", "Client identifier length", "RFC 4380 §5.1.1");
    TEREDO_AUTH_LEN = dec("teredo.auth.aulen", "Authentication length", "RFC 4380 §5.1.1");
    TEREDO_ID = raw("teredo.auth.id", "Client identifier", "RFC 4380 §5.1.1");
    TEREDO_VALUE = raw("teredo.auth.value", "Authentication value", "RFC 4380 §5.1.1");
    TEREDO_NONCE = raw("teredo.auth.nonce", "Nonce", "RFC 4380 §5.1.1");
    TEREDO_CONF = raw("teredo.auth.conf", "Confirmation", "RFC 4380 §5.1.1");
    TEREDO_ORIGIN = group("teredo.orig", "Origin", "RFC 4380 §5.1.1");
    TEREDO_PORT = dec("teredo.orig.port", "Origin port", "RFC 4380 §5.1.1");
    TEREDO_ADDR = ip4("teredo.orig.addr", "Origin address", "RFC 4380 §5.1.1");
    TEREDO_MARK = hex("teredo.indicator", "Indicator", "RFC 4380 §5.1.1").oracle("-");
}

notes! {
    EXT_BAD = Error, Malformed, "gtp.note.extension", "An extension header of length 0", "TS 29.281 §5.2.1";
    OPTION_BAD = Warn, Malformed, "geneve.note.option", "An option goes beyond the options", "RFC 8926 §3.5";
}

pub(super) static VXLAN: Layer = layer("vxlan", "VXLAN", FIELDS, NOTES, &[LayerClaim::Named("vxlan")], |r, _| {
    r.group(&VXLAN_HEADER, |r| {
        r.bit_group(&VXLAN_FLAGS, bits(0, 16), |r, _| r.bits(&VXLAN_I, bits(4, 1)).map(|_| ()))?;
        r.skip(2)?;
        r.u16(&VXLAN_GROUP)?;
        r.u24(&VXLAN_VNI)?;
        r.u8(&VXLAN_RESERVED)?;
        Ok(or_done(r, named("eth")))
    })
});
pub(super) static GPE: Layer = layer("vxlan", "VXLAN-GPE", &[], &[], &[LayerClaim::Named("vxlan-gpe")], |r, _| {
    r.group(&VXLAN_HEADER, |r| {
        r.bit_group(&VXLAN_FLAGS, bits(0, 8), |r, _| r.bits(&VXLAN_I, bits(4, 1)).map(|_| ()))?;
        r.skip(1)?;
        r.u16(&VXLAN_RESERVED16)?;
        let next = r.u8(&VXLAN_NEXT)?;
        r.u24(&VXLAN_VNI)?;
        r.u8(&VXLAN_RESERVED)?;
        let next = match next {
            1 => ether(0x0800),
            2 => ether(0x86dd),
            3 => named("eth"),
            _ => Next::Data,
        };
        Ok(or_done(r, next))
    })
});
pub(super) static GENEVE: Layer = layer("geneve", "Geneve", &[], &[], &[LayerClaim::Named("geneve")], geneve);
pub(super) static GTP: Layer = layer("gtp", "GTP-U", &[], &[], &[LayerClaim::Named("gtp")], gtp);
pub(super) static TEREDO: Layer = layer("teredo", "Teredo", &[], &[], &[LayerClaim::Named("teredo")], teredo);

fn or_done(r: &Reader<'_>, next: Next) -> Next {
    if r.is_empty() { Next::Done } else { next }
}

/// The ports that [`by_udp_port`] looks at.
pub(super) const UDP_PORTS: &[u16] = &[4789, 8472, 4790, 6081, 2152, 6635, 3544];

/// The tunnel that a UDP port announces, if the payload bears it out: these ports are shared with other uses, so a reading needs evidence.
pub(super) fn by_udp_port(r: &Reader<'_>, source: u16, destination: u16) -> Option<&'static str> {
    let on = |port: u16| source == port || destination == port;
    let h = r.rest().first_chunk::<8>()?;
    let [a, b, c, d, _, _, _, last] = *h;
    // RFC 7348 §5: the I flag; 8472 is what Linux used before the port was assigned.
    if (on(4789) || on(8472)) && a & 0x08 != 0 && last == 0 {
        return Some("vxlan");
    }
    // The I and P flags, version 0.
    if on(4790) && a & 0x3c == 0x0c {
        return Some("vxlan-gpe");
    }
    // RFC 8926 §3.4: version 0, and a protocol type that is Ethernet or IP.
    if on(6081) && a >> 6 == 0 && matches!([c, d], [0x65, 0x58] | [0x08, 0x00] | [0x86, 0xdd]) {
        return Some("geneve");
    }
    // TS 29.281 §5.1: version 1, protocol type GTP, message 255 carries a user's packet.
    if on(2152) && a >> 4 == 3 && b == 0xff {
        return Some("gtp");
    }
    if destination == 6635 {
        return Some("mpls");
    }
    (on(3544) && holds_teredo(r)).then_some("teredo")
}

/// Whether an IPv6 packet that fits follows, behind Teredo's optional heads.
fn holds_teredo(r: &Reader<'_>) -> bool {
    let bytes = r.rest();
    let mut at = 0_usize;
    if let [0, 1, id, auth, ..] = bytes {
        at = 13_usize.saturating_add(usize::from(*id)).saturating_add(usize::from(*auth));
    }
    if let Some([0, 0, ..]) = bytes.get(at..) {
        at = at.saturating_add(8);
    }
    let Some(inner) = bytes.get(at..).and_then(|b| b.first_chunk::<40>()) else { return false };
    let [version, _, _, _, high, low, ..] = *inner;
    let room = bytes.len().saturating_sub(at);
    version >> 4 == 6 && usize::from(u16::from_be_bytes([high, low])).saturating_add(40) <= room
}

fn geneve(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&GENEVE_HEADER, |r| {
        r.bits(&GENEVE_VERSION, bits(0, 2))?;
        let options = r.scaled(&GENEVE_OPT_LEN, bits(2, 6), 4)? as usize;
        r.skip(1)?;
        r.bits(&GENEVE_O, bits(0, 1))?;
        r.bits(&GENEVE_C, bits(1, 1))?;
        r.bits(&GENEVE_RESERVED_BITS, bits(2, 6))?;
        r.skip(1)?;
        let proto = r.u16(&GENEVE_PROTO)?;
        r.u24(&GENEVE_VNI)?;
        r.u8(&GENEVE_RESERVED)?;
        r.peek(options)?;
        let end = r.at().saturating_add(options as u64);
        while r.at() < end {
            let left = end.saturating_sub(r.at()) as usize;
            let data = r.rest().get(3).map_or(0, |b| usize::from(b & 0x1f)).saturating_mul(4);
            if data.saturating_add(4) > left {
                let at = r.span(left);
                r.note(&OPTION_BAD, at);
                r.unknown(left)?;
                break;
            }
            r.group(&GENEVE_OPTION, |r| {
                r.u16(&GENEVE_CLASS)?;
                r.u8(&GENEVE_TYPE)?;
                r.scaled(&GENEVE_LEN, bits(3, 5), 4)?;
                r.skip(1)?;
                match data {
                    0 => Ok(()),
                    n => r.bytes(&GENEVE_DATA, n).map(|_| ()),
                }
            })?;
        }
        Ok(or_done(r, ether(proto)))
    })
}

fn gtp(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&GTP_HEADER, |r| {
        let flags = r.bit_group(&GTP_FLAGS, bits(0, 8), |r, _| {
            r.bits(&GTP_VERSION, bits(0, 3))?;
            r.bits(&GTP_PT, bits(3, 1))?;
            r.bits(&GTP_RESERVED, bits(4, 1))?;
            r.bits(&GTP_E, bits(5, 1))?;
            r.bits(&GTP_S, bits(6, 1))?;
            r.bits(&GTP_PN, bits(7, 1)).map(|_| ())
        })?;
        r.skip(1)?;
        r.u8(&GTP_MESSAGE)?;
        r.u16(&GTP_LENGTH)?;
        r.u32(&GTP_TEID)?;
        if flags & 7 != 0 {
            r.u16(&GTP_SEQ)?;
            r.u8(&GTP_NPDU)?;
            let mut next = r.u8(&GTP_NEXT)?;
            while flags & 4 != 0 && next != 0 {
                next = r.group(&GTP_EXT, |r| {
                    let units = usize::from(r.u8(&GTP_EXT_LEN)?);
                    if units == 0 {
                        return Err(Stop::Bad(&EXT_BAD));
                    }
                    r.bytes(&GTP_EXT_DATA, units.saturating_mul(4).saturating_sub(2))?;
                    r.u8(&GTP_NEXT)
                })?;
            }
        }
        Ok(if r.is_empty() { Next::Done } else { ip_by_version(r) })
    })
}

fn teredo(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&TEREDO_HEADER, |r| {
        if super::peek_u16(r, 0) == Some(1) {
            r.group(&TEREDO_AUTH, |r| {
                r.u16(&TEREDO_MARK)?;
                let id = usize::from(r.u8(&TEREDO_ID_LEN)?);
                let value = usize::from(r.u8(&TEREDO_AUTH_LEN)?);
                for (field, n) in [(&TEREDO_ID, id), (&TEREDO_VALUE, value), (&TEREDO_NONCE, 8), (&TEREDO_CONF, 1)] {
                    if n > 0 {
                        r.bytes(field, n)?;
                    }
                }
                Ok(())
            })?;
        }
        if super::peek_u16(r, 0) == Some(0) {
            r.group(&TEREDO_ORIGIN, |r| {
                r.u16(&TEREDO_MARK)?;
                // Port and address are written with all bits inverted, so that translators leave them alone.
                let port = !super::peek_u16(r, 0).unwrap_or(0);
                r.valued(&TEREDO_PORT, 2, wirelore_kit::Value::U64(u64::from(port)))?;
                let [a, b, c, d]: [u8; 4] = r.peek(4)?.try_into().unwrap_or_default();
                r.valued(&TEREDO_ADDR, 4, wirelore_kit::Value::Ip4([!a, !b, !c, !d])).map(|_| ())
            })?;
        }
        Ok(ether(0x86dd))
    })
}
