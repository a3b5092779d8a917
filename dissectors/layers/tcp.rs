//! TCP (RFC 9293): the header, and what the analysis of its connection found out about this segment.

use super::checksum::{self, STATUS, Told};
use super::{bits, bits_of_packet_missing, dec, fields, flag, group, hex, layer, notes, tcp_options, text};
use wirelore_kit::note::OVERRUN;
use wirelore_kit::{
    Field, Kind, Layer, LayerClaim, LayerTurn, Names, Next, PacketFacts, Reader, Span, Stop, TcpAnalysis, Value, verdict,
};

/// The combinations met every day.
static FLAG_NAMES: Names = &[
    (0x002, "SYN"),
    (0x012, "SYN, ACK"),
    (0x010, "ACK"),
    (0x018, "PSH, ACK"),
    (0x011, "FIN, ACK"),
    (0x019, "FIN, PSH, ACK"),
    (0x004, "RST"),
    (0x014, "RST, ACK"),
    (0x0c2, "SYN, ECE, CWR"),
    (0x052, "SYN, ACK, ECE"),
];

fields! {
    TCP = group("tcp", "Transmission Control Protocol", "RFC 9293 §3.1");
    SRCPORT = dec("tcp.srcport", "Source port", "RFC 9293 §3.1");
    DSTPORT = dec("tcp.dstport", "Destination port", "RFC 9293 §3.1");
    STREAM = dec("tcp.stream", "Stream", "worked out here");
    LEN = dec("tcp.len", "Segment length", "RFC 9293 §3.3.1");
    SEQ = dec("tcp.seq", "Sequence number (relative)", "RFC 9293 §3.4");
    SEQ_RAW = dec("tcp.seq_raw", "Sequence number", "RFC 9293 §3.4");
    NXTSEQ = dec("tcp.nxtseq", "Next sequence number (relative)", "RFC 9293 §3.4");
    ACK = dec("tcp.ack", "Acknowledgment number (relative)", "RFC 9293 §3.4");
    ACK_RAW = dec("tcp.ack_raw", "Acknowledgment number", "RFC 9293 §3.4");
    HDR_LEN = dec("tcp.hdr_len", "Header length (bytes)", "RFC 9293 §3.1");
    FLAGS = hex("tcp.flags", "Flags", "RFC 9293 §3.1").names(FLAG_NAMES);
    FLAGS_RES = dec("tcp.flags.res", "Reserved", "RFC 9293 §3.1");
    FLAGS_AE = flag("tcp.flags.ae", "Accurate ECN", "RFC 9768 §3.1");
    FLAGS_CWR = flag("tcp.flags.cwr", "Congestion window reduced", "RFC 3168 §6.1");
    FLAGS_ECE = flag("tcp.flags.ece", "ECN echo", "RFC 3168 §6.1");
    FLAGS_URG = flag("tcp.flags.urg", "Urgent", "RFC 9293 §3.1");
    FLAGS_ACK = flag("tcp.flags.ack", "Acknowledgment", "RFC 9293 §3.1");
    FLAGS_PUSH = flag("tcp.flags.push", "Push", "RFC 9293 §3.1");
    FLAGS_RESET = flag("tcp.flags.reset", "Reset", "RFC 9293 §3.1");
    FLAGS_SYN = flag("tcp.flags.syn", "Synchronize", "RFC 9293 §3.1");
    FLAGS_FIN = flag("tcp.flags.fin", "Finish", "RFC 9293 §3.1");
    FLAGS_STR = text("tcp.flags.str", "Flags in letters", "worked out here");
    WINDOW_VALUE = dec("tcp.window_size_value", "Window", "RFC 9293 §3.1");
    WINDOW = dec("tcp.window_size", "Window, scaled", "RFC 7323 §2");
    WINDOW_FACTOR = Field::new("tcp.window_size_scalefactor", "Window scale factor", Kind::Signed).rfc("RFC 7323 §2");
    CHECKSUM = hex("tcp.checksum", "Checksum", "RFC 9293 §3.1");
    CHECKSUM_STATUS = dec("tcp.checksum.status", "Checksum status", "RFC 1071").names(STATUS);
    URGENT = dec("tcp.urgent_pointer", "Urgent pointer", "RFC 9293 §3.8.5");
    A_RETRANSMISSION = flag("tcp.analysis.retransmission", "Retransmission", "worked out here");
    A_FAST = flag("tcp.analysis.fast_retransmission", "Fast retransmission", "RFC 5681 §3.2");
    A_SPURIOUS = flag("tcp.analysis.spurious_retransmission", "Spurious retransmission", "worked out here");
    A_OUT_OF_ORDER = flag("tcp.analysis.out_of_order", "Out of order", "worked out here");
    A_DUPLICATE_ACK = flag("tcp.analysis.duplicate_ack", "Duplicate acknowledgment", "RFC 5681 §2");
    A_LOST = flag("tcp.analysis.lost_segment", "Previous segment not captured", "worked out here");
    A_ACK_LOST = flag("tcp.analysis.ack_lost_segment", "Acknowledges a segment that was not captured", "worked out here");
    A_ZERO_WINDOW = flag("tcp.analysis.zero_window", "Zero window", "RFC 9293 §3.8.6.1");
    A_PROBE = flag("tcp.analysis.zero_window_probe", "Zero window probe", "RFC 9293 §3.8.6.1");
    A_PROBE_ACK = flag("tcp.analysis.zero_window_probe_ack", "Answer to a zero window probe", "RFC 9293 §3.8.6.1");
    A_FULL = flag("tcp.analysis.window_full", "Window full", "RFC 9293 §3.8.6");
    A_UPDATE = flag("tcp.analysis.window_update", "Window update", "RFC 9293 §3.8.6");
    A_KEEP_ALIVE = flag("tcp.analysis.keep_alive", "Keep-alive", "RFC 9293 §3.8.4");
    A_KEEP_ALIVE_ACK = flag("tcp.analysis.keep_alive_ack", "Answer to a keep-alive", "RFC 9293 §3.8.4");
    A_TFO_SYN = flag("tcp.analysis.tfo_syn", "Fast open", "RFC 7413 §4.1.2");
    A_TFO_ACK = flag("tcp.analysis.tfo_ack", "Fast open accepted", "RFC 7413 §4.2.2");
    A_TFO_IGNORED = flag("tcp.analysis.tfo_ignored", "Fast open ignored", "RFC 7413 §4.2.2");
    COMPLETENESS = dec("tcp.completeness", "Completeness so far", "worked out here");
    COMPLETENESS_STR = text("tcp.completeness.str", "Seen so far, in letters", "worked out here");
    A_ACKS_FRAME = dec("tcp.analysis.acks_frame", "Acknowledges frame", "worked out here");
    A_ACK_RTT = Field::new("tcp.analysis.ack_rtt", "Time to this acknowledgment", Kind::Duration).rfc("RFC 7323 §4");
    A_INITIAL_RTT = Field::new("tcp.analysis.initial_rtt", "Time of the handshake", Kind::Duration).rfc("worked out here");
    A_IN_FLIGHT = dec("tcp.analysis.bytes_in_flight", "Bytes in flight", "RFC 5681 §2");
    A_PUSHED = dec("tcp.analysis.push_bytes_sent", "Bytes sent since the last push", "RFC 9293 §3.9.1");
    A_DUPLICATE_NUM = dec("tcp.analysis.duplicate_ack_num", "Number of the duplicate", "RFC 5681 §2");
    A_DUPLICATE_FRAME = dec("tcp.analysis.duplicate_ack_frame", "Duplicate of frame", "RFC 5681 §2");
    A_RTO = Field::new("tcp.analysis.rto", "Time until it was sent again", Kind::Duration).rfc("RFC 6298 §2");
    A_REUSED = flag("tcp.analysis.reused_ports", "Ports used again", "RFC 9293 §3.6.1");
}

notes! {
    HEADER_LEN = Error, Malformed, "tcp.note.header_length", "The header length is below 20 bytes", "RFC 9293 §3.1";
    SUM_BAD = Warn, Malformed, "tcp.note.checksum", "The checksum is wrong", "RFC 9293 §3.1";
    SUM_PARTIAL = Chat, Protocol, "tcp.note.checksum_offload", "The checksum covers the pseudo header only: sent by the capturing host, whose network card fills in the rest", "RFC 9293 §3.1";
    SYN_FIN = Warn, Security, "tcp.note.syn_fin", "SYN and FIN together: nobody opens and closes at once", "RFC 9293 §3.1";
    NO_FLAGS = Warn, Security, "tcp.note.no_flags", "No flag at all is set", "RFC 9293 §3.1";
    URGENT_UNUSED = Note, Protocol, "tcp.note.urgent_pointer", "An urgent pointer without the urgent flag", "RFC 9293 §3.8.5";
    ACK_UNUSED = Note, Protocol, "tcp.note.ack_number", "An acknowledgment number without the ACK flag", "RFC 9293 §3.1";
}

static TOLD: Told = Told { status: &CHECKSUM_STATUS, bad: &SUM_BAD, partial: &SUM_PARTIAL };

pub(super) static LAYER: Layer =
    layer("tcp", "TCP", &ALL_FIELDS, &ALL_NOTES, &[LayerClaim::IpProto(6), LayerClaim::Named("tcp")], read);

static ALL_FIELDS: [wirelore_kit::F; FIELDS.len() + tcp_options::FIELDS.len()] = super::joined(FIELDS, tcp_options::FIELDS);
static ALL_NOTES: [&wirelore_kit::Note; NOTES.len() + tcp_options::NOTES.len()] = super::joined(NOTES, tcp_options::NOTES);

/// The letters of `tcp.flags.str`, most significant bit first.
const LETTERS: &[u8; 12] = b"RRRACEUAPRSF";

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    let facts = turn.facts.filter(|_| !turn.quoted);
    r.titled(&TCP, |r| {
        let ports_at = r.span(4);
        let source = r.u16(&SRCPORT)?;
        let destination = r.u16(&DSTPORT)?;
        if let Some(stream) = facts.and_then(|f| f.stream) {
            r.derived(&STREAM, ports_at, u64::from(stream));
        }
        if let Some(seen) = facts.and_then(|f| f.analysis).map(|a| a.completeness) {
            r.derived(&COMPLETENESS, ports_at, u64::from(seen));
            r.derived(&COMPLETENESS_STR, ports_at, in_letters(seen));
        }
        let seq_at = r.span(4);
        let seq = r.u32(&SEQ_RAW)?;
        let ack_at = r.span(4);
        let ack = r.u32(&ACK_RAW)?;
        r.peek(2)?;
        let header_len = r.scaled(&HDR_LEN, bits(0, 4), 4)? as usize;
        let flags_at = r.span(2);
        let flags = flags(r)?;
        r.skip(2)?;
        let window_at = r.span(2);
        let window = r.u16(&WINDOW_VALUE)?;
        let sum_at = r.span(2);
        let sum = r.u16(&CHECKSUM)?;
        let covered = checksum::covered(r, turn, None);
        checksum::tell(r, turn, &TOLD, sum_at, checksum::check(r, turn, Some(6), covered, sum, 16));
        let urgent_at = r.span(2);
        let urgent = r.u16(&URGENT)?;
        if flags & SYN != 0 && flags & FIN != 0 {
            r.note(&SYN_FIN, flags_at);
        }
        if flags & 0x1ff == 0 {
            r.note(&NO_FLAGS, flags_at);
        }
        if urgent != 0 && flags & URG == 0 {
            r.note(&URGENT_UNUSED, urgent_at);
        }
        if ack != 0 && flags & (ACKED | RST) == 0 {
            r.note(&ACK_UNUSED, ack_at);
        }
        if header_len < 20 {
            return Err(Stop::Bad(&HEADER_LEN));
        }
        let options = header_len.saturating_sub(20);
        let options_there = options.min(r.left());
        tcp_options::read(r, options_there, facts.and_then(|f| f.ack_base).unwrap_or(0))?;
        if options_there < options {
            return Err(Stop::Bad(&OVERRUN));
        }
        let said = turn.pseudo.and_then(|p| p.len).map(|n| (n as usize).saturating_sub(header_len));
        // IP may promise more than there was on the wire.
        let len = said.filter(|n| *n <= r.left() || bits_of_packet_missing(r, turn)).unwrap_or(r.left()) as u64;
        if !turn.quoted {
            r.derived(&LEN, r.span(0), len);
        }
        if let Some(f) = facts {
            relative(r, &f, Segment { seq, ack, flags, window, len, seq_at, ack_at, window_at, flags_at });
        }
        let title = if r.keeps(&TCP) { Value::from(format!("{source} → {destination}")) } else { Value::Span };
        Ok((Next::Payload, title))
    })
}

const FIN: u64 = 1;
const SYN: u64 = 2;
const RST: u64 = 4;
const ACKED: u64 = 16;
const URG: u64 = 32;

fn flags(r: &mut Reader<'_>) -> Result<u64, Stop> {
    let at = r.span(2);
    let flags = r.bit_group(&FLAGS, bits(4, 12), |r, _| {
        r.bits(&FLAGS_RES, bits(4, 3))?;
        for (i, f) in
            [&FLAGS_AE, &FLAGS_CWR, &FLAGS_ECE, &FLAGS_URG, &FLAGS_ACK, &FLAGS_PUSH, &FLAGS_RESET, &FLAGS_SYN, &FLAGS_FIN]
                .into_iter()
                .enumerate()
        {
            r.bits(f, bits(7_u8.saturating_add(i as u8), 1))?;
        }
        Ok(())
    })?;
    if r.keeps(&FLAGS_STR) {
        let words: String = LETTERS
            .iter()
            .enumerate()
            .map(|(i, l)| if flags >> 11_usize.saturating_sub(i) & 1 == 1 { char::from(*l) } else { '·' })
            .collect();
        r.derived(&FLAGS_STR, at, words);
    }
    Ok(flags)
}

/// What a segment says, for [`relative`].
struct Segment {
    seq: u32,
    ack: u32,
    flags: u64,
    window: u16,
    len: u64,
    seq_at: Span,
    ack_at: Span,
    window_at: Span,
    flags_at: Span,
}

/// Numbers counted from the connection's start, the scaled window and the verdicts.
fn relative(r: &mut Reader<'_>, f: &PacketFacts, s: Segment) {
    let seq = s.seq.wrapping_sub(f.seq_base.unwrap_or(0));
    r.derived(&SEQ, s.seq_at, u64::from(seq));
    // SYN and FIN take a sequence number each (RFC 9293 §3.4).
    let taken = (s.len as u32).wrapping_add((s.flags & 1) as u32).wrapping_add((s.flags >> 1 & 1) as u32);
    r.derived(&NXTSEQ, s.seq_at, u64::from(seq.wrapping_add(taken)));
    // A number that acknowledges nothing counts from nowhere: it is told as it stands there.
    let ack = if s.flags & ACKED == 0 { s.ack } else { s.ack.wrapping_sub(f.ack_base.unwrap_or(0)) };
    r.derived(&ACK, s.ack_at, u64::from(ack));
    // The window of a SYN is never scaled (RFC 7323 §2.2).
    let shift = f.window_shift.filter(|_| s.flags & SYN == 0);
    let window = u64::from(s.window) << shift.unwrap_or(0).min(14);
    r.derived(&WINDOW, s.window_at, window);
    if s.flags & SYN == 0 {
        let factor = f.window_shift.map_or(-1, |n| if n == 0 { -2 } else { 1_i64 << n.min(14) });
        r.derived(&WINDOW_FACTOR, s.window_at, Value::I64(factor));
    }
    if let Some(a) = &f.analysis {
        analysed(r, a, &s);
    }
    for v in verdict::ALL.iter().filter(|v| f.verdicts & v.bit != 0) {
        if let Some(field) = FIELDS.iter().find(|x| x.name == v.name) {
            r.derived(field, s.flags_at, Value::Bool(true));
        }
    }
}

/// What of a connection's life was seen, a letter for each: reset, FIN, data, ACK, SYN-ACK, SYN.
fn in_letters(seen: u8) -> String {
    b"RFDASS".iter().zip((0..6).rev()).map(|(l, bit)| if seen >> bit & 1 == 1 { char::from(*l) } else { '·' }).collect()
}

/// The numbers behind the verdicts.
fn analysed(r: &mut Reader<'_>, a: &TcpAnalysis, s: &Segment) {
    if a.acks_frame != 0 {
        r.derived(&A_ACKS_FRAME, s.ack_at, u64::from(a.acks_frame));
        r.derived(&A_ACK_RTT, s.ack_at, Value::I64(a.ack_rtt));
    }
    if let Some(rtt) = a.initial_rtt {
        r.derived(&A_INITIAL_RTT, s.ack_at, Value::I64(rtt));
    }
    if a.bytes_in_flight != 0 {
        r.derived(&A_IN_FLIGHT, s.seq_at, u64::from(a.bytes_in_flight));
    }
    if a.push_bytes != 0 {
        r.derived(&A_PUSHED, s.seq_at, u64::from(a.push_bytes));
    }
    if a.duplicate_ack != 0 {
        r.derived(&A_DUPLICATE_NUM, s.ack_at, u64::from(a.duplicate_ack));
        r.derived(&A_DUPLICATE_FRAME, s.ack_at, u64::from(a.duplicate_of));
    }
    if a.rto != 0 {
        r.derived(&A_RTO, s.seq_at, Value::I64(a.rto));
    }
}
