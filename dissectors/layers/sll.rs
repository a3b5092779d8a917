//! Linux cooked captures, both versions (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2), as made on the "any" interface.

use super::ethernet::LEAST_TYPE;
use super::names::{ETHERTYPES, HARDWARE};
use super::{dec, ether, fields, group, hex, ip4, layer, mac, named, notes, raw};
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop};

static PACKET_TYPES: Names = &[(0, "To us"), (1, "Broadcast"), (2, "Multicast"), (3, "To another host"), (4, "Sent by us")];
static PROTOCOLS: Names =
    &[(1, "Novell 802.3 frame"), (2, "Unknown"), (3, "Ethernet"), (4, "802.2 LLC"), (12, "CAN"), (13, "CAN FD")];

fields! {
    SLL = group("sll", "Linux cooked capture", "LINKTYPE_LINUX_SLL");
    PKTTYPE = dec("sll.pkttype", "Packet type", "LINKTYPE_LINUX_SLL").names(PACKET_TYPES);
    HATYPE = dec("sll.hatype", "Link-layer address type", "LINKTYPE_LINUX_SLL").names(HARDWARE);
    HALEN = dec("sll.halen", "Link-layer address length", "LINKTYPE_LINUX_SLL");
    SRC_ETH = mac("sll.src.eth", "Source", "LINKTYPE_LINUX_SLL");
    SRC_IP = ip4("sll.src.ipv4", "Source", "LINKTYPE_LINUX_SLL");
    SRC_OTHER = raw("sll.src.other", "Source", "LINKTYPE_LINUX_SLL");
    RESERVED = raw("sll.reserved", "Reserved", "LINKTYPE_LINUX_SLL2").oracle("-");
    UNUSED = raw("sll.unused", "Unused", "LINKTYPE_LINUX_SLL");
    ETYPE = hex("sll.etype", "Protocol", "LINKTYPE_LINUX_SLL").names(ETHERTYPES);
    LTYPE = hex("sll.ltype", "Protocol", "LINKTYPE_LINUX_SLL").names(PROTOCOLS);
    GRETYPE = hex("sll.gretype", "Protocol", "LINKTYPE_LINUX_SLL").names(ETHERTYPES);
    IFINDEX = dec("sll.ifindex", "Interface index", "LINKTYPE_LINUX_SLL2");
}

notes! {
    ADDRESS_LEN = Note, Malformed, "sll.note.address_length", "The address is longer than the 8 bytes that there is room for", "LINKTYPE_LINUX_SLL";
}

pub(super) static LAYER: Layer = layer("sll", "Linux cooked capture", FIELDS, NOTES, &[LayerClaim::Link(113)], first);
pub(super) static SECOND: Layer = layer("sll", "Linux cooked capture v2", &[], &[], &[LayerClaim::Link(276)], second);

/// ARPHRD_ numbers after which the protocol field means something else.
const GRE: u16 = 778;
const NETLINK: u16 = 824;
const RADIOTAP: u16 = 803;

fn source(r: &mut Reader<'_>, len: usize) -> Result<(), Stop> {
    match len {
        0 => {}
        4 => {
            r.ipv4(&SRC_IP)?;
        }
        6 => {
            r.mac(&SRC_ETH)?;
        }
        n => {
            r.bytes(&SRC_OTHER, n.min(8))?;
        }
    }
    match 8_usize.saturating_sub(len) {
        0 => Ok(()),
        n => r.bytes(&UNUSED, n).map(|_| ()),
    }
}

fn protocol_field(hardware: u16, value: u16) -> F {
    match (hardware, value) {
        (GRE, _) => &GRETYPE,
        (_, v) if v < LEAST_TYPE => &LTYPE,
        _ => &ETYPE,
    }
}

fn next(hardware: u16, value: u16) -> Next {
    match (hardware, value) {
        (GRE, v) => ether(v),
        (NETLINK, _) => Next::Data,
        (RADIOTAP, _) => named("radiotap"),
        (_, 1) => named("ipx"),
        (_, 4) => named("llc"),
        (_, v) if v < LEAST_TYPE => Next::Data,
        (_, v) => ether(v),
    }
}

fn first(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&SLL, |r| {
        r.u16(&PKTTYPE)?;
        let hardware = r.u16(&HATYPE)?;
        let at = r.span(2);
        let len = usize::from(r.u16(&HALEN)?);
        if len > 8 {
            r.note(&ADDRESS_LEN, at);
        }
        source(r, len)?;
        let value = super::peek_u16(r, 0).unwrap_or(0);
        r.u16(protocol_field(hardware, value))?;
        Ok(next(hardware, value))
    })
}

fn second(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&SLL, |r| {
        let value = super::peek_u16(r, 0).unwrap_or(0);
        let hardware = super::peek_u16(r, 8).unwrap_or(0);
        r.u16(protocol_field(hardware, value))?;
        r.bytes(&RESERVED, 2)?;
        r.u32(&IFINDEX)?;
        r.u16(&HATYPE)?;
        r.u8(&PKTTYPE)?;
        let at = r.span(1);
        let len = usize::from(r.u8(&HALEN)?);
        if len > 8 {
            r.note(&ADDRESS_LEN, at);
        }
        source(r, len)?;
        Ok(next(hardware, value))
    })
}
