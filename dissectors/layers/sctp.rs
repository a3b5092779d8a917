//! SCTP (RFC 9260): the common header and the list of chunks; DCCP (RFC 4340): the generic header.

use super::{bits, dec, fields, flag, group, hex, layer, notes, raw, title};
use wirelore_kit::{Layer, LayerClaim, LayerTurn, Names, Next, Reader, Stop, Value};

static CHUNKS: Names = &[
    (0, "DATA"),
    (1, "INIT"),
    (2, "INIT ACK"),
    (3, "SACK"),
    (4, "HEARTBEAT"),
    (5, "HEARTBEAT ACK"),
    (6, "ABORT"),
    (7, "SHUTDOWN"),
    (8, "SHUTDOWN ACK"),
    (9, "ERROR"),
    (10, "COOKIE ECHO"),
    (11, "COOKIE ACK"),
    (12, "ECNE"),
    (13, "CWR"),
    (14, "SHUTDOWN COMPLETE"),
    (15, "AUTH"),
    (64, "I-DATA"),
    (128, "ASCONF ACK"),
    (130, "RE-CONFIG"),
    (132, "PAD"),
    (192, "FORWARD TSN"),
    (193, "ASCONF"),
    (194, "I-FORWARD TSN"),
];
static DCCP_TYPES: Names = &[
    (0, "Request"),
    (1, "Response"),
    (2, "Data"),
    (3, "Ack"),
    (4, "DataAck"),
    (5, "CloseReq"),
    (6, "Close"),
    (7, "Reset"),
    (8, "Sync"),
    (9, "SyncAck"),
];

fields! {
    SCTP_HEADER = group("sctp", "Stream Control Transmission Protocol", "RFC 9260 §3.1");
    SRCPORT = dec("sctp.srcport", "Source port", "RFC 9260 §3.1");
    DSTPORT = dec("sctp.dstport", "Destination port", "RFC 9260 §3.1");
    TAG = hex("sctp.verification_tag", "Verification tag", "RFC 9260 §3.1");
    CHECKSUM = hex("sctp.checksum", "Checksum (CRC32c)", "RFC 9260 §6.8");
    CHECKSUM_STATUS = dec("sctp.checksum.status", "Checksum status", "RFC 9260 §6.8").names(super::checksum::STATUS);
    CHUNK = group("sctp.chunk", "Chunk", "RFC 9260 §3.2").oracle("-");
    CHUNK_TYPE = dec("sctp.chunk_type", "Type", "RFC 9260 §3.2").names(CHUNKS);
    CHUNK_FLAGS = hex("sctp.chunk_flags", "Flags", "RFC 9260 §3.2");
    CHUNK_LENGTH = dec("sctp.chunk_length", "Length", "RFC 9260 §3.2");
    TSN = dec("sctp.data_tsn_raw", "Transmission sequence number", "RFC 9260 §3.3.1");
    SID = hex("sctp.data_sid", "Stream", "RFC 9260 §3.3.1");
    SSN = dec("sctp.data_ssn", "Stream sequence number", "RFC 9260 §3.3.1");
    PPID = dec("sctp.data_payload_proto_id", "Payload protocol", "RFC 9260 §3.3.1");
    CHUNK_VALUE = raw("sctp.chunk_value", "Value", "RFC 9260 §3.2").oracle("-");
    CHUNK_PADDING = raw("sctp.chunk_padding", "Padding", "RFC 9260 §3.2");
    DCCP_HEADER = group("dccp", "Datagram Congestion Control Protocol", "RFC 4340 §5.1");
    DCCP_SRC = dec("dccp.srcport", "Source port", "RFC 4340 §5.1");
    DCCP_DST = dec("dccp.dstport", "Destination port", "RFC 4340 §5.1");
    DCCP_OFFSET = dec("dccp.data_offset", "Data offset (4-byte units)", "RFC 4340 §5.1");
    DCCP_CCVAL = dec("dccp.ccval", "Congestion control value", "RFC 4340 §5.1");
    DCCP_COVERAGE = dec("dccp.cscov", "Checksum coverage", "RFC 4340 §9.2");
    DCCP_SUM = hex("dccp.checksum", "Checksum", "RFC 4340 §9.1");
    DCCP_RES = dec("dccp.res1", "Reserved", "RFC 4340 §5.1");
    DCCP_TYPE = dec("dccp.type", "Type", "RFC 4340 §5.1").names(DCCP_TYPES);
    DCCP_X = flag("dccp.x", "Extended sequence numbers", "RFC 4340 §5.1");
    DCCP_REST = raw("dccp.rest", "Sequence number (lower 24 bits, or what the type says)", "RFC 4340 §5.1").oracle("-");
}

notes! {
    SUM_BAD = Warn, Malformed, "sctp.note.checksum", "The checksum is wrong", "RFC 9260 §6.8";
    CHUNK_BAD = Warn, Malformed, "sctp.note.chunk", "A chunk's length cannot be", "RFC 9260 §3.2";
}

pub(super) static SCTP: Layer = layer("sctp", "SCTP", FIELDS, NOTES, &[LayerClaim::IpProto(132)], sctp);
pub(super) static DCCP: Layer = layer("dccp", "DCCP", &[], &[], &[LayerClaim::IpProto(33)], |r, _| {
    r.group(&DCCP_HEADER, |r| {
        r.u16(&DCCP_SRC)?;
        r.u16(&DCCP_DST)?;
        r.u8(&DCCP_OFFSET)?;
        r.bits(&DCCP_CCVAL, bits(0, 4))?;
        r.bits(&DCCP_COVERAGE, bits(4, 4))?;
        r.skip(1)?;
        r.u16(&DCCP_SUM)?;
        r.bits(&DCCP_RES, bits(0, 3))?;
        r.bits(&DCCP_TYPE, bits(3, 4))?;
        r.bits(&DCCP_X, bits(7, 1))?;
        r.skip(1)?;
        r.bytes(&DCCP_REST, 3)?;
        Ok(Next::Data)
    })
});

/// CRC32c, reflected (RFC 9260 Appendix A), bit by bit: it is only run for packets that someone looks at.
#[must_use]
pub fn crc32c(parts: [&[u8]; 3]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.into_iter().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

fn sctp(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    r.titled(&SCTP_HEADER, |r| {
        let source = r.u16(&SRCPORT)?;
        let destination = r.u16(&DSTPORT)?;
        r.u32(&TAG)?;
        let at = r.span(4);
        let sum = r.u32(&CHECKSUM)?;
        let covered = super::checksum::covered(r, turn, None).and_then(|n| r.whole().get(..n));
        let good = covered.and_then(|b| Some(crc32c([b.get(..8)?, &[0; 4], b.get(12..)?]).swap_bytes() == sum));
        r.derived(&CHECKSUM_STATUS, at, good.map_or(2, u64::from));
        if good == Some(false) {
            r.note(&SUM_BAD, at);
        }
        while r.left() >= 4 {
            chunk(r)?;
        }
        if !r.is_empty() {
            r.unknown(r.left())?;
        }
        Ok((Next::Done, Value::from(format!("{source} → {destination}"))))
    })
}

fn chunk(r: &mut Reader<'_>) -> Result<(), Stop> {
    let (kind, len) = match *r.rest() {
        [kind, _, a, b, ..] => (kind, usize::from(u16::from_be_bytes([a, b]))),
        _ => (0, 0),
    };
    if len < 4 || len > r.left() {
        let left = r.left();
        let at = r.span(left);
        r.note(&CHUNK_BAD, at);
        return r.unknown(left);
    }
    r.attempt(&CHUNK, len, |r| {
        r.u8(&CHUNK_TYPE)?;
        title(r, &CHUNK_TYPE, kind.into());
        r.u8(&CHUNK_FLAGS)?;
        r.u16(&CHUNK_LENGTH)?;
        if kind == 0 && r.left() >= 12 {
            r.u32(&TSN)?;
            r.u16(&SID)?;
            r.u16(&SSN)?;
            r.u32(&PPID)?;
        }
        match r.left() {
            0 => Ok(()),
            n => r.bytes(&CHUNK_VALUE, n).map(|_| ()),
        }
    })?;
    // Chunks begin at multiples of four bytes; the padding is not counted in the length.
    match len.wrapping_neg() % 4 {
        0 => Ok(()),
        n if n <= r.left() => r.bytes(&CHUNK_PADDING, n).map(|_| ()),
        _ => Ok(()),
    }
}
