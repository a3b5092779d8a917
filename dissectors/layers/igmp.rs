//! IGMP (RFC 1112, RFC 2236, RFC 3376).

use super::checksum::{self, STATUS, Told};
use super::{bits, dec, fields, flag, group, hex, ip4, layer, notes, raw};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop, Value};

static TYPES: Names = &[
    (0x11, "Membership query"),
    (0x12, "Membership report v1"),
    (0x13, "DVMRP"),
    (0x14, "PIM v1"),
    (0x16, "Membership report v2"),
    (0x17, "Leave group"),
    (0x22, "Membership report v3"),
    (0x30, "Multicast router advertisement"),
    (0x31, "Multicast router solicitation"),
    (0x32, "Multicast router termination"),
];
static RECORDS: Names = &[
    (1, "Mode is include"),
    (2, "Mode is exclude"),
    (3, "Change to include"),
    (4, "Change to exclude"),
    (5, "Allow new sources"),
    (6, "Block old sources"),
];

fields! {
    IGMP = group("igmp", "Internet Group Management Protocol", "RFC 3376 §4");
    TYPE = hex("igmp.type", "Type", "RFC 3376 §4").names(TYPES);
    MAX_RESP = dec("igmp.max_resp", "Maximum response time (1/10 s)", "RFC 3376 §4.1.1");
    RESERVED = raw("igmp.reserved", "Reserved", "RFC 3376 §4.2.1");
    CHECKSUM = hex("igmp.checksum", "Checksum", "RFC 3376 §4.1.2");
    CHECKSUM_STATUS = dec("igmp.checksum.status", "Checksum status", "RFC 1071").names(STATUS);
    MADDR = ip4("igmp.maddr", "Multicast address", "RFC 3376 §4.1.3");
    S = flag("igmp.s", "Suppress router-side processing", "RFC 3376 §4.1.5");
    QRV = dec("igmp.qrv", "Querier's robustness", "RFC 3376 §4.1.6");
    QQIC = dec("igmp.qqic", "Querier's query interval code", "RFC 3376 §4.1.7");
    NUM_SRC = dec("igmp.num_src", "Number of sources", "RFC 3376 §4.1.8");
    SADDR = ip4("igmp.saddr", "Source address", "RFC 3376 §4.1.9");
    NUM_RECS = dec("igmp.num_grp_recs", "Number of group records", "RFC 3376 §4.2.3");
    RECORD = group("igmp.record", "Group record", "RFC 3376 §4.2.4").oracle("-");
    RECORD_TYPE = dec("igmp.record_type", "Record type", "RFC 3376 §4.2.5").names(RECORDS);
    AUX_LEN = dec("igmp.aux_data_len", "Auxiliary data (4-byte units)", "RFC 3376 §4.2.6");
    AUX = raw("igmp.aux_data", "Auxiliary data", "RFC 3376 §4.2.10");
    DATA_LEFT = raw("igmp.data", "Data", "RFC 3376 §4");
}

notes! {
    SUM_BAD = Warn, Malformed, "igmp.note.checksum", "The checksum is wrong", "RFC 3376 §4.1.2";
}

static TOLD: Told = Told { status: &CHECKSUM_STATUS, bad: &SUM_BAD, partial: &SUM_BAD };

pub(super) static LAYER: Layer = layer("igmp", "IGMP", FIELDS, NOTES, &[LayerClaim::IpProto(2)], read);

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.titled(&IGMP, |r| {
        let kind = r.u8(&TYPE)?;
        let report = kind == 0x22;
        // Version 1 has no response time (RFC 1112 Appendix I).
        if report || kind == 0x12 {
            r.bytes(&RESERVED, 1)?;
        } else {
            r.u8(&MAX_RESP)?;
        }
        let sum_at = r.span(2);
        let sum = r.u16(&CHECKSUM)?;
        let covered = checksum::covered(r, turn, None);
        checksum::tell(r, turn, &TOLD, sum_at, checksum::check(r, turn, None, covered, sum, 2));
        if report {
            r.bytes(&RESERVED, 2)?;
            for _ in 0..r.u16(&NUM_RECS)? {
                r.group(&RECORD, record)?;
            }
        } else if matches!(kind, 0x11 | 0x12 | 0x16 | 0x17) {
            r.ipv4(&MADDR)?;
            // Only version 3 queries are longer than 8 bytes (RFC 3376 §7.1).
            if kind == 0x11 && r.left() >= 4 {
                r.bits(&S, bits(4, 1))?;
                r.bits(&QRV, bits(5, 3))?;
                r.skip(1)?;
                r.u8(&QQIC)?;
                for _ in 0..r.u16(&NUM_SRC)? {
                    r.ipv4(&SADDR)?;
                }
            }
        }
        if !r.is_empty() {
            r.bytes(&DATA_LEFT, r.left())?;
        }
        Ok((Next::Done, Value::from(TYPE.name_of(u64::from(kind)).unwrap_or("Unknown type"))))
    })
}

fn record(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u8(&RECORD_TYPE)?;
    let aux = usize::from(r.u8(&AUX_LEN)?).saturating_mul(4);
    let sources = r.u16(&NUM_SRC)?;
    r.ipv4(&MADDR)?;
    for _ in 0..sources {
        r.ipv4(&SADDR)?;
    }
    if aux > 0 {
        r.bytes(&AUX, aux)?;
    }
    Ok(())
}
