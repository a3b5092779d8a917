//! Ethernet II and IEEE 802.3: two addresses, and what follows or how long it is.

use super::names::ETHERTYPES;
use super::{bits, bits_of_packet_missing, dec, ether, fields, flag, group, hex, layer, mac, named, notes, peek_u16};
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Next, Reader, Stop, Value};

fields! {
    ETH = group("eth", "Ethernet", "IEEE 802.3 §3.1");
    DST = mac("eth.dst", "Destination", "IEEE 802.3 §3.2.4");
    DST_LG = flag("eth.dst.lg", "Locally administered", "IEEE 802 §8.2");
    DST_IG = flag("eth.dst.ig", "Group address", "IEEE 802 §8.2");
    SRC = mac("eth.src", "Source", "IEEE 802.3 §3.2.5");
    SRC_LG = flag("eth.src.lg", "Locally administered", "IEEE 802 §8.2");
    SRC_IG = flag("eth.src.ig", "Group address", "IEEE 802 §8.2");
    TYPE = hex("eth.type", "Type", "IEEE 802.3 §3.2.6").names(ETHERTYPES);
    LEN = dec("eth.len", "Length", "IEEE 802.3 §3.2.6");
    NEITHER = hex("eth.invalid_lentype", "Invalid length or type", "IEEE 802.3 §3.2.6");
}

notes! {
    GROUP_SOURCE = Warn, Protocol, "eth.note.group_source", "The source is a group address, which no sender can be", "IEEE 802.3 §3.2.3";
    UNDEFINED = Warn, Malformed, "eth.note.undefined", "Between 1501 and 1535 the field is neither a length nor a type", "IEEE 802.3 §3.2.6";
    BEYOND = Warn, Malformed, "eth.note.length", "The length goes beyond the end of the frame", "IEEE 802.3 §3.2.6";
}

pub(super) static LAYER: Layer = layer(
    "eth",
    "Ethernet",
    FIELDS,
    NOTES,
    &[LayerClaim::Link(1), LayerClaim::EtherType(0x6558), LayerClaim::IpProto(143), LayerClaim::Named("eth")],
    read,
);

/// Up to here the field is a length; EtherTypes begin at 1536 (IEEE 802.3 §3.2.6).
pub(super) const MOST_LENGTH: u16 = 1500;
pub(super) const LEAST_TYPE: u16 = 1536;

fn address(r: &mut Reader<'_>, field: F, lg: F, ig: F) -> Result<[u8; 6], Stop> {
    r.titled(field, |r| {
        let a: [u8; 6] = r.peek(6)?.try_into().unwrap_or_default();
        r.bits(lg, bits(6, 1))?;
        r.bits(ig, bits(7, 1))?;
        r.skip(6)?;
        Ok((a, Value::Mac(a)))
    })
}

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&ETH, |r| {
        address(r, &DST, &DST_LG, &DST_IG)?;
        let source = r.span(6);
        let from = address(r, &SRC, &SRC_LG, &SRC_IG)?;
        if from.first().is_some_and(|b| b & 1 == 1) {
            r.note(&GROUP_SOURCE, source);
        }
        let value = peek_u16(r, 0).unwrap_or(0);
        if value >= LEAST_TYPE {
            return Ok(ether(r.u16(&TYPE)?));
        }
        if value > MOST_LENGTH {
            let at = r.span(2);
            r.u16(&NEITHER)?;
            r.note(&UNDEFINED, at);
            return Ok(Next::Data);
        }
        let at = r.span(2);
        let len = usize::from(r.u16(&LEN)?);
        if len > r.left() && !bits_of_packet_missing(r, turn) {
            r.note(&BEYOND, at);
        }
        turn.limit = Some(len);
        Ok(after_length(r, len))
    })
}

/// What a length field leads to: LLC, or Novell's IPX straight behind it, whose first field is always ffff, which no LLC header begins with.
pub(super) fn after_length(r: &Reader<'_>, len: usize) -> Next {
    if len >= 2 && peek_u16(r, 0) == Some(0xffff) { named("ipx") } else { named("llc") }
}
