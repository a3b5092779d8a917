//! Address resolution (RFC 826), reverse resolution (RFC 903) and their readings in RFC 5227.

use super::names::{ETHERTYPES, HARDWARE};
use super::{dec, fields, flag, group, hex, ip4, layer, mac, notes, raw};
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop, Value};

static OPCODES: Names = &[
    (1, "Request"),
    (2, "Reply"),
    (3, "Reverse request"),
    (4, "Reverse reply"),
    (5, "DRARP request"),
    (6, "DRARP reply"),
    (7, "DRARP error"),
    (8, "InARP request"),
    (9, "InARP reply"),
];

fields! {
    ARP = group("arp", "Address resolution", "RFC 826");
    HW_TYPE = dec("arp.hw.type", "Hardware type", "RFC 826").names(HARDWARE);
    PROTO_TYPE = hex("arp.proto.type", "Protocol type", "RFC 826").names(ETHERTYPES);
    HW_SIZE = dec("arp.hw.size", "Hardware address length", "RFC 826");
    PROTO_SIZE = dec("arp.proto.size", "Protocol address length", "RFC 826");
    OPCODE = dec("arp.opcode", "Opcode", "RFC 826").names(OPCODES);
    GRATUITOUS = flag("arp.isgratuitous", "Gratuitous", "RFC 5944 §4.6");
    PROBE = flag("arp.isprobe", "Probe", "RFC 5227 §2.1.1");
    ANNOUNCEMENT = flag("arp.isannouncement", "Announcement", "RFC 5227 §2.3");
    SRC_HW = raw("arp.src.hw", "Sender hardware address", "RFC 826");
    SRC_MAC = mac("arp.src.hw_mac", "Sender MAC address", "RFC 826");
    SRC_PROTO = raw("arp.src.proto", "Sender protocol address", "RFC 826");
    SRC_IP = ip4("arp.src.proto_ipv4", "Sender IP address", "RFC 826");
    DST_HW = raw("arp.dst.hw", "Target hardware address", "RFC 826");
    DST_MAC = mac("arp.dst.hw_mac", "Target MAC address", "RFC 826");
    DST_PROTO = raw("arp.dst.proto", "Target protocol address", "RFC 826");
    DST_IP = ip4("arp.dst.proto_ipv4", "Target IP address", "RFC 826");
}

notes! {
    ODD_SIZE = Warn, Malformed, "arp.note.size", "The address length does not fit the address type", "RFC 826";
}

pub(super) static LAYER: Layer = layer(
    "arp",
    "ARP",
    FIELDS,
    NOTES,
    &[LayerClaim::EtherType(0x0806), LayerClaim::EtherType(0x8035), LayerClaim::Named("arp")],
    read,
);

fn hardware(r: &mut Reader<'_>, size: usize, as_mac: F, other: F) -> Result<Option<[u8; 6]>, Stop> {
    match size {
        0 => Ok(None),
        6 => r.mac(as_mac).map(Some),
        n => r.bytes(other, n).map(|_| None),
    }
}

fn protocol(r: &mut Reader<'_>, kind: u16, size: usize, as_ip: F, other: F) -> Result<Option<[u8; 4]>, Stop> {
    match (kind, size) {
        (_, 0) => Ok(None),
        (0x0800, 4) => r.ipv4(as_ip).map(Some),
        (_, n) => r.bytes(other, n).map(|_| None),
    }
}

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&ARP, |r| {
        let hw_kind = r.u16(&HW_TYPE)?;
        let kind = r.u16(&PROTO_TYPE)?;
        let sizes = r.span(2);
        let hw = usize::from(r.u8(&HW_SIZE)?);
        let proto = usize::from(r.u8(&PROTO_SIZE)?);
        if (hw_kind == 1 && hw != 6) || (kind == 0x0800 && proto != 4) {
            r.note(&ODD_SIZE, sizes);
        }
        let code = r.span(2);
        let opcode = r.u16(&OPCODE)?;
        let from = r.at();
        let source = hardware(r, hw, &SRC_MAC, &SRC_HW)?;
        let source_ip = protocol(r, kind, proto, &SRC_IP, &SRC_PROTO)?;
        let target = hardware(r, hw, &DST_MAC, &DST_HW)?;
        let target_ip = protocol(r, kind, proto, &DST_IP, &DST_PROTO)?;
        let addresses = r.since(from);
        if let (Some(a), Some(b)) = (source_ip, target_ip) {
            let same = a == b;
            if same {
                r.derived(&GRATUITOUS, addresses, Value::Bool(true));
            }
            if opcode == 1 && a == [0; 4] && target.is_none_or(|t| t == [0; 6]) {
                r.derived(&PROBE, addresses, Value::Bool(true));
            }
            if same && opcode == 1 && target.is_none_or(|t| t == [0; 6] || Some(t) == source) {
                r.derived(&ANNOUNCEMENT, code, Value::Bool(true));
            }
        }
        turn.limit = Some(0);
        Ok(Next::Done)
    })
}
