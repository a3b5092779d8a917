//! IPsec headers: AH (RFC 4302) and ESP (RFC 4303).

use super::ipv6ext::shorten;
use super::{dec, fields, group, hex, ipv6, layer, notes, raw};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Next, Reader, Stop};

fields! {
    AH_HEADER = group("ah", "Authentication header", "RFC 4302 §2");
    AH_NEXT = dec("ah.next_header", "Next header", "RFC 4302 §2.1").names(super::names::PROTOCOLS);
    AH_LEN = dec("ah.length", "Length (4-byte units minus 2)", "RFC 4302 §2.2");
    AH_RESERVED = raw("ah.reserved", "Reserved", "RFC 4302 §2.3");
    AH_SPI = hex("ah.spi", "Security parameters index", "RFC 4302 §2.4");
    AH_SEQ = dec("ah.sequence", "Sequence number", "RFC 4302 §2.5");
    AH_ICV = raw("ah.icv", "Integrity check value", "RFC 4302 §2.6");
    ESP_HEADER = group("esp", "Encapsulating security payload", "RFC 4303 §2");
    ESP_SPI = hex("esp.spi", "Security parameters index", "RFC 4303 §2.1");
    ESP_SEQ = dec("esp.sequence", "Sequence number", "RFC 4303 §2.2");
}

notes! {
    AH_SHORT = Error, Malformed, "ah.note.length", "The length is below the 12 bytes of the fixed header", "RFC 4302 §2.2";
}

pub(super) static AH: Layer = layer("ah", "Authentication header", FIELDS, NOTES, &[LayerClaim::IpProto(51)], ah);
pub(super) static ESP: Layer = layer("esp", "ESP", &[], &[], &[LayerClaim::IpProto(50)], |r, _| {
    r.group(&ESP_HEADER, |r| {
        r.u32(&ESP_SPI)?;
        r.u32(&ESP_SEQ)?;
        Ok(Next::Data)
    })
});

fn ah(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&AH_HEADER, |r| {
        let next = r.u8(&AH_NEXT)?;
        let all = usize::from(r.u8(&AH_LEN)?).saturating_mul(4).saturating_add(8);
        r.bytes(&AH_RESERVED, 2)?;
        r.u32(&AH_SPI)?;
        r.u32(&AH_SEQ)?;
        if all < 12 {
            return Err(Stop::Bad(&AH_SHORT));
        }
        if all > 12 {
            r.bytes(&AH_ICV, all.saturating_sub(12))?;
        }
        shorten(turn, all);
        let v6 = turn.pseudo.is_some_and(|p| p.v6);
        Ok(if v6 { ipv6::next(next) } else { Next::By(LayerClaim::IpProto(next)) })
    })
}
