//! UDP (RFC 768) and UDP-Lite (RFC 3828), and which tunnel the ports announce.

use super::checksum::{self, STATUS, Sum, Told};
use super::{bits_of_packet_missing, dec, fields, group, hex, layer, named, notes, tunnel};
use wirelore_kit::{Field, Kind, Layer, LayerClaim, LayerTurn, Next, Reader, Stop, Value};

fields! {
    UDP = group("udp", "User Datagram Protocol", "RFC 768");
    SRCPORT = dec("udp.srcport", "Source port", "RFC 768");
    DSTPORT = dec("udp.dstport", "Destination port", "RFC 768");
    LENGTH = dec("udp.length", "Length", "RFC 768");
    CHECKSUM = hex("udp.checksum", "Checksum", "RFC 768");
    CHECKSUM_STATUS = dec("udp.checksum.status", "Checksum status", "RFC 1071").names(STATUS);
    STREAM = dec("udp.stream", "Stream", "worked out here");
    LITE_COVERAGE = dec("udp.checksum_coverage", "Checksum coverage", "RFC 3828 §3.1");
}

/// What a datagram carries. The payload that is handed to a protocol is told by whoever hands it on; that of tunnels, and of datagrams
/// quoted in errors, here.
pub static PAYLOAD: Field = Field::new("udp.payload", "UDP payload", Kind::Bytes).rfc("RFC 768");

notes! {
    LENGTH_SHORT = Error, Malformed, "udp.note.length_short", "The length is below the 8 bytes of the header", "RFC 768";
    BEYOND = Warn, Malformed, "udp.note.beyond", "The length goes beyond the end of what IP carried", "RFC 768";
    SUM_BAD = Warn, Malformed, "udp.note.checksum", "The checksum is wrong", "RFC 768";
    SUM_PARTIAL = Chat, Protocol, "udp.note.checksum_offload", "The checksum covers the pseudo header only: sent by the capturing host, whose network card fills in the rest", "RFC 768";
    SUM_MISSING = Warn, Protocol, "udp.note.checksum_missing", "No checksum, though IPv6 asks for one", "RFC 8200 §8.1";
}

static TOLD: Told = Told { status: &CHECKSUM_STATUS, bad: &SUM_BAD, partial: &SUM_PARTIAL };

pub(super) static LAYER: Layer = layer("udp", "UDP", FIELDS, NOTES, &[LayerClaim::IpProto(17), LayerClaim::Named("udp")], read);
pub(super) static LITE: Layer = layer("udplite", "UDP-Lite", &[], &[], &[LayerClaim::IpProto(136)], lite);

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.titled(&UDP, |r| {
        let ports_at = r.span(4);
        let source = r.u16(&SRCPORT)?;
        let destination = r.u16(&DSTPORT)?;
        let len_at = r.span(2);
        let len = usize::from(r.u16(&LENGTH)?);
        let sum_at = r.span(2);
        let sum = r.u16(&CHECKSUM)?;
        // RFC 2675 §4: length 0 before more than 64 KiB is a jumbogram.
        let jumbo = len == 0 && r.left() > usize::from(u16::MAX);
        if len < 8 && !jumbo {
            return Err(Stop::Bad(&LENGTH_SHORT));
        }
        let body = len.saturating_sub(8);
        if !jumbo {
            turn.limit = Some(body);
            if body > r.left() && !bits_of_packet_missing(r, turn) && !turn.quoted {
                r.note(&BEYOND, len_at);
            }
        }
        let v6 = turn.pseudo.is_some_and(|p| p.v6);
        let outcome = if sum == 0 {
            Sum::NotPresent
        } else {
            let covered = checksum::covered(r, turn, (!jumbo).then_some(len as u32));
            checksum::check(r, turn, Some(17), covered, sum, 6)
        };
        checksum::tell(r, turn, &TOLD, sum_at, outcome);
        let next =
            if turn.quoted { Next::Data } else { tunnel::by_udp_port(r, source, destination).map_or(Next::Payload, named) };
        let carried = if jumbo { r.left() } else { body.min(r.left()) };
        if next != Next::Payload && carried > 0 {
            let all = r.span(carried);
            r.derived(&PAYLOAD, all, Value::Span);
        }
        // Tunnels may leave it out (RFC 6935).
        if sum == 0 && v6 && next == Next::Payload {
            r.note(&SUM_MISSING, sum_at);
        }
        if let (Some(stream), Next::Payload) = (turn.facts.and_then(|f| f.stream), next) {
            r.derived(&STREAM, ports_at, u64::from(stream));
        }
        Ok((next, Value::from(format!("{source} → {destination}"))))
    })
}

fn lite(r: &mut Reader<'_>, _turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.group(&UDP, |r| {
        r.u16(&SRCPORT)?;
        r.u16(&DSTPORT)?;
        r.u16(&LITE_COVERAGE)?;
        r.u16(&CHECKSUM)?;
        Ok(Next::Payload)
    })
}
