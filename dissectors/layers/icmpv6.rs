//! ICMPv6 (RFC 4443) with multicast listener discovery (RFC 2710, RFC 3810); neighbour discovery is next door.

use super::checksum::{self, STATUS, Told};
use super::{bits, dec, fields, flag, group, hex, ip6, layer, ndp, notes, quote, raw};
use wirelore_kit::{DATA, Field, Kind, Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop, Value};

static TYPES: Names = &[
    (1, "Destination unreachable"),
    (2, "Packet too big"),
    (3, "Time exceeded"),
    (4, "Parameter problem"),
    (128, "Echo request"),
    (129, "Echo reply"),
    (130, "Multicast listener query"),
    (131, "Multicast listener report"),
    (132, "Multicast listener done"),
    (133, "Router solicitation"),
    (134, "Router advertisement"),
    (135, "Neighbor solicitation"),
    (136, "Neighbor advertisement"),
    (137, "Redirect"),
    (138, "Router renumbering"),
    (139, "Node information query"),
    (140, "Node information response"),
    (141, "Inverse neighbor solicitation"),
    (142, "Inverse neighbor advertisement"),
    (143, "Multicast listener report v2"),
    (144, "Home agent address discovery request"),
    (145, "Home agent address discovery reply"),
    (146, "Mobile prefix solicitation"),
    (147, "Mobile prefix advertisement"),
    (148, "Certification path solicitation"),
    (149, "Certification path advertisement"),
    (151, "Multicast router advertisement"),
    (152, "Multicast router solicitation"),
    (153, "Multicast router termination"),
    (155, "RPL control"),
    (160, "Extended echo request"),
    (161, "Extended echo reply"),
];
static UNREACHABLE: Names = &[
    (0, "no route to destination"),
    (1, "administratively prohibited"),
    (2, "beyond the scope of the source address"),
    (3, "address unreachable"),
    (4, "port unreachable"),
    (5, "source address failed the policy"),
    (6, "route rejected"),
];
static EXCEEDED: Names = &[(0, "hop limit ran out in transit"), (1, "fragment reassembly took too long")];
static PROBLEM: Names = &[(0, "erroneous header field"), (1, "unknown next header"), (2, "unknown option")];
static RECORDS: Names = &[
    (1, "Mode is include"),
    (2, "Mode is exclude"),
    (3, "Change to include"),
    (4, "Change to exclude"),
    (5, "Allow new sources"),
    (6, "Block old sources"),
];

fields! {
    ICMPV6 = group("icmpv6", "Internet Control Message Protocol version 6", "RFC 4443 §2.1");
    TYPE = dec("icmpv6.type", "Type", "RFC 4443 §2.1").names(TYPES);
    CODE = dec("icmpv6.code", "Code", "RFC 4443 §2.1");
    MEANING = Field::new("icmpv6.code.meaning", "Meaning of the code", Kind::Text).rfc("RFC 4443 §3").oracle("-");
    CHECKSUM = hex("icmpv6.checksum", "Checksum", "RFC 4443 §2.3");
    CHECKSUM_STATUS = dec("icmpv6.checksum.status", "Checksum status", "RFC 1071").names(STATUS);
    RESERVED = raw("icmpv6.reserved", "Reserved", "RFC 4443 §2.1");
    LENGTH = dec("icmpv6.length", "Length of the quote (8-byte units)", "RFC 4884 §4.4").oracle("-");
    MTU = dec("icmpv6.mtu", "MTU", "RFC 4443 §3.2");
    POINTER = dec("icmpv6.pointer", "Pointer", "RFC 4443 §3.4");
    IDENT = hex("icmpv6.echo.identifier", "Identifier", "RFC 4443 §4.1");
    SEQ = dec("icmpv6.echo.sequence_number", "Sequence number", "RFC 4443 §4.1");
    DELAY = dec("icmpv6.mld.maximum_response_delay", "Maximum response delay", "RFC 3810 §5.1");
    GROUP = ip6("icmpv6.mld.multicast_address", "Multicast address", "RFC 3810 §5.1");
    SUPPRESS = flag("icmpv6.mld.flag.s", "Suppress router-side processing", "RFC 3810 §5.1");
    ROBUSTNESS = dec("icmpv6.mld.flag.qrv", "Querier's robustness", "RFC 3810 §5.1");
    INTERVAL = dec("icmpv6.mld.qqi", "Querier's query interval code", "RFC 3810 §5.1");
    SOURCES = dec("icmpv6.mld.nb_sources", "Number of sources", "RFC 3810 §5.1");
    SOURCE = ip6("icmpv6.mld.source_address", "Source address", "RFC 3810 §5.1");
    RECORD_COUNT = dec("icmpv6.mldr.nb_mcast_records", "Number of records", "RFC 3810 §5.2");
    RECORD = group("icmpv6.mldr.mar", "Multicast address record", "RFC 3810 §5.2");
    RECORD_TYPE = dec("icmpv6.mldr.mar.record_type", "Record type", "RFC 3810 §5.2").names(RECORDS);
    RECORD_AUX = dec("icmpv6.mldr.mar.aux_data_len", "Auxiliary data (4-byte units)", "RFC 3810 §5.2");
    RECORD_SOURCES = dec("icmpv6.mldr.mar.nb_sources", "Number of sources", "RFC 3810 §5.2");
    RECORD_GROUP = ip6("icmpv6.mldr.mar.multicast_address", "Multicast address", "RFC 3810 §5.2");
    RECORD_SOURCE = ip6("icmpv6.mldr.mar.source_address", "Source address", "RFC 3810 §5.2");
    RECORD_DATA = raw("icmpv6.mldr.mar.auxiliary_data", "Auxiliary data", "RFC 3810 §5.2");
}

notes! {
    SUM_BAD = Warn, Malformed, "icmpv6.note.checksum", "The checksum is wrong", "RFC 4443 §2.3";
    SUM_PARTIAL = Chat, Protocol, "icmpv6.note.checksum_offload", "The checksum covers the pseudo header only: sent by the capturing host, whose network card fills in the rest", "RFC 4443 §2.3";
}

static TOLD: Told = Told { status: &CHECKSUM_STATUS, bad: &SUM_BAD, partial: &SUM_PARTIAL };

pub(super) static LAYER: Layer = layer("icmpv6", "ICMPv6", &ALL_FIELDS, &ALL_NOTES, &[LayerClaim::IpProto(58)], read);

static ALL_FIELDS: [wirelore_kit::F; FIELDS.len() + ndp::FIELDS.len()] = super::joined(FIELDS, ndp::FIELDS);
static ALL_NOTES: [&wirelore_kit::Note; NOTES.len() + ndp::NOTES.len()] = super::joined(NOTES, ndp::NOTES);

fn meaning(kind: u8, code: u8) -> Option<&'static str> {
    let names = match kind {
        1 => UNREACHABLE,
        3 => EXCEEDED,
        4 => PROBLEM,
        _ => return None,
    };
    names.iter().find(|(c, _)| *c == u64::from(code)).map(|(_, n)| *n)
}

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.titled(&ICMPV6, |r| {
        let kind = r.u8(&TYPE)?;
        let code_at = r.span(1);
        let code = r.u8(&CODE)?;
        let meaning = meaning(kind, code);
        if let Some(words) = meaning {
            r.derived(&MEANING, code_at, words);
        }
        let sum_at = r.span(2);
        let sum = r.u16(&CHECKSUM)?;
        let covered = checksum::covered(r, turn, None);
        checksum::tell(r, turn, &TOLD, sum_at, checksum::check(r, turn, Some(58), covered, sum, 2));
        let name = TYPE.name_of(u64::from(kind)).unwrap_or("Unknown type");
        let title = match meaning {
            Some(words) => format!("{name}: {words}"),
            None => name.to_owned(),
        };
        body(r, turn, kind)?;
        Ok((Next::Done, Value::from(title)))
    })
}

fn body(r: &mut Reader<'_>, turn: &LayerTurn, kind: u8) -> Result<(), Stop> {
    match kind {
        1 | 3 => {
            let words = r.peek(1)?.first().copied().unwrap_or(0);
            // The length came late (RFC 4884); before, its byte was reserved like its neighbours.
            if words == 0 {
                r.bytes(&RESERVED, 4)?;
            } else {
                r.u8(&LENGTH)?;
                r.bytes(&RESERVED, 3)?;
            }
            return quote::read(r, turn, usize::from(words).saturating_mul(8));
        }
        2 => {
            r.u32(&MTU)?;
            return quote::read(r, turn, 0);
        }
        4 => {
            r.u32(&POINTER)?;
            return quote::read(r, turn, 0);
        }
        128 | 129 => {
            r.u16(&IDENT)?;
            r.u16(&SEQ)?;
        }
        130..=132 => {
            r.u16(&DELAY)?;
            r.bytes(&RESERVED, 2)?;
            r.ipv6(&GROUP)?;
            // Version 2 queries are longer (RFC 3810 §8.1).
            if kind == 130 && r.left() >= 4 {
                r.bits(&SUPPRESS, bits(4, 1))?;
                r.bits(&ROBUSTNESS, bits(5, 3))?;
                r.skip(1)?;
                r.u8(&INTERVAL)?;
                for _ in 0..r.u16(&SOURCES)? {
                    r.ipv6(&SOURCE)?;
                }
            }
        }
        133..=137 => ndp::read(r, kind, &RESERVED)?,
        143 => {
            r.bytes(&RESERVED, 2)?;
            for _ in 0..r.u16(&RECORD_COUNT)? {
                r.group(&RECORD, record)?;
            }
        }
        _ => {}
    }
    match r.left() {
        0 => Ok(()),
        n => r.bytes(&DATA, n).map(|_| ()),
    }
}

fn record(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u8(&RECORD_TYPE)?;
    let aux = usize::from(r.u8(&RECORD_AUX)?).saturating_mul(4);
    let sources = r.u16(&RECORD_SOURCES)?;
    r.ipv6(&RECORD_GROUP)?;
    for _ in 0..sources {
        r.ipv6(&RECORD_SOURCE)?;
    }
    if aux > 0 {
        r.bytes(&RECORD_DATA, aux)?;
    }
    Ok(())
}
