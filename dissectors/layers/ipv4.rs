//! IPv4 (RFC 791) with its options.

use super::checksum::{self, STATUS, Sum, Told};
use super::names::{DSCP, ECN, PROTOCOLS};
use super::{bits, bits_of_packet_missing, dec, fields, flag, group, hex, ip4, layer, notes, raw, title};
use std::net::Ipv4Addr;
use wirelore_kit::note::OVERRUN;
use wirelore_kit::{F, Layer, LayerClaim, LayerTurn, Names, Next, Pseudo, Reader, Stop, Value};

static FLAG_NAMES: Names = &[(0, "None"), (1, "More fragments"), (2, "Don't fragment")];
static OPTIONS: Names = &[
    (0, "End of options list"),
    (1, "No-operation"),
    (7, "Record route"),
    (25, "Quick-start"),
    (30, "Experiment"),
    (68, "Timestamp"),
    (82, "Traceroute"),
    (94, "Experiment"),
    (130, "Security"),
    (131, "Loose source route"),
    (133, "Extended security"),
    (134, "Commercial security"),
    (136, "Stream ID"),
    (137, "Strict source route"),
    (148, "Router alert"),
    (158, "Experiment"),
    (222, "Experiment"),
];
static CLASSES: Names = &[(0, "Control"), (1, "Reserved"), (2, "Debugging and measurement"), (3, "Reserved")];
static ALERTS: Names = &[(0, "Every router examines the packet")];
static STAMPS: Names = &[(0, "Timestamps only"), (1, "Timestamp and address"), (3, "Timestamps for prespecified addresses")];

fields! {
    IP = group("ip", "Internet Protocol version 4", "RFC 791 §3.1");
    VERSION = dec("ip.version", "Version", "RFC 791 §3.1");
    HDR_LEN = dec("ip.hdr_len", "Header length (bytes)", "RFC 791 §3.1");
    DSFIELD = hex("ip.dsfield", "Differentiated services", "RFC 2474 §3");
    DSFIELD_DSCP = dec("ip.dsfield.dscp", "Code point", "RFC 2474 §3").names(DSCP);
    DSFIELD_ECN = dec("ip.dsfield.ecn", "Congestion notification", "RFC 3168 §5").names(ECN);
    LEN = dec("ip.len", "Total length", "RFC 791 §3.1");
    ID = hex("ip.id", "Identification", "RFC 6864 §3");
    FLAGS = hex("ip.flags", "Flags", "RFC 791 §3.1").names(FLAG_NAMES);
    FLAGS_RB = flag("ip.flags.rb", "Reserved bit", "RFC 791 §3.1");
    FLAGS_DF = flag("ip.flags.df", "Don't fragment", "RFC 791 §3.1");
    FLAGS_MF = flag("ip.flags.mf", "More fragments", "RFC 791 §3.1");
    FRAG_OFFSET = dec("ip.frag_offset", "Fragment offset (8-byte units)", "RFC 791 §3.1");
    TTL = dec("ip.ttl", "Time to live", "RFC 1812 §5.3.1");
    PROTO = dec("ip.proto", "Protocol", "RFC 791 §3.1").names(PROTOCOLS);
    CHECKSUM = hex("ip.checksum", "Header checksum", "RFC 791 §3.1");
    CHECKSUM_STATUS = dec("ip.checksum.status", "Header checksum status", "RFC 1071").names(STATUS);
    SRC = ip4("ip.src", "Source address", "RFC 791 §3.1");
    DST = ip4("ip.dst", "Destination address", "RFC 791 §3.1");
    OPTION = group("ip.opt", "Option", "RFC 791 §3.1").oracle("-");
    OPT_TYPE = dec("ip.opt.type", "Type", "RFC 791 §3.1").names(OPTIONS);
    OPT_COPY = flag("ip.opt.type.copy", "Copied into fragments", "RFC 791 §3.1");
    OPT_CLASS = dec("ip.opt.type.class", "Class", "RFC 791 §3.1").names(CLASSES);
    OPT_NUMBER = dec("ip.opt.type.number", "Number", "RFC 791 §3.1");
    OPT_LEN = dec("ip.opt.len", "Length", "RFC 791 §3.1");
    OPT_PTR = dec("ip.opt.ptr", "Pointer", "RFC 791 §3.1");
    OPT_RA = dec("ip.opt.ra", "Router alert", "RFC 2113 §2.1").names(ALERTS);
    OPT_OVERFLOW = dec("ip.opt.overflow", "Overflow", "RFC 791 §3.1");
    OPT_FLAG = dec("ip.opt.flag", "Flag", "RFC 791 §3.1").names(STAMPS);
    OPT_STAMP = dec("ip.opt.time_stamp", "Timestamp (ms since midnight UTC)", "RFC 791 §3.1");
    OPT_STAMP_ADDR = ip4("ip.opt.time_stamp_addr", "Address", "RFC 791 §3.1");
    REC_RT = ip4("ip.rec_rt", "Recorded route", "RFC 791 §3.1");
    CUR_RT = ip4("ip.cur_rt", "Current route", "RFC 791 §3.1");
    SRC_RT = ip4("ip.src_rt", "Source route", "RFC 791 §3.1");
    EMPTY_RT = ip4("ip.empty_rt", "Empty route slot", "RFC 791 §3.1");
    OPT_DATA = raw("ip.opt.data", "Data", "RFC 791 §3.1").oracle("-");
    OPT_PADDING = raw("ip.opt.padding", "Padding", "RFC 791 §3.1");
}

notes! {
    VERSION_ODD = Error, Malformed, "ip.note.version", "The version is not 4", "RFC 791 §3.1";
    HEADER_LEN = Error, Malformed, "ip.note.header_length", "The header length is below 20 bytes", "RFC 791 §3.1";
    TOTAL_LEN = Error, Malformed, "ip.note.total_length", "The total length is below the header length", "RFC 791 §3.1";
    BEYOND = Warn, Malformed, "ip.note.beyond", "The total length goes beyond the end of the packet", "RFC 791 §3.1";
    OFFLOADED = Chat, Protocol, "ip.note.segmentation_offload", "Total length 0: captured before the network card cut the segment", "RFC 791 §3.1";
    RESERVED = Note, Protocol, "ip.note.reserved", "The reserved flag is set", "RFC 3514";
    SUM_BAD = Warn, Malformed, "ip.note.checksum", "The header checksum is wrong", "RFC 1071";
    SUM_PARTIAL = Chat, Protocol, "ip.note.checksum_offload", "The header checksum is 0: the network card of the capturing host fills it in later", "RFC 1071";
    OPTION_BAD = Warn, Malformed, "ip.note.option", "An option's length cannot be", "RFC 791 §3.1";
}

static TOLD: Told = Told { status: &CHECKSUM_STATUS, bad: &SUM_BAD, partial: &SUM_PARTIAL };

pub(super) static LAYER: Layer = layer(
    "ip",
    "IPv4",
    FIELDS,
    NOTES,
    &[
        LayerClaim::EtherType(0x0800),
        LayerClaim::IpProto(4),
        LayerClaim::Ppp(0x0021),
        LayerClaim::Sap(0x06),
        LayerClaim::Link(228),
        LayerClaim::Named("ip"),
    ],
    read,
);

fn read(r: &mut Reader<'_>, turn: &mut LayerTurn) -> Result<Next, Stop> {
    let start = r.taken();
    r.titled(&IP, |r| {
        let lead = r.peek(1)?.first().copied().unwrap_or(0);
        let header_len = usize::from(lead & 15).saturating_mul(4);
        if lead >> 4 != 4 {
            return Err(Stop::Bad(&VERSION_ODD));
        }
        r.bits(&VERSION, bits(0, 4))?;
        r.scaled(&HDR_LEN, bits(4, 4), 4)?;
        r.skip(1)?;
        r.bit_group(&DSFIELD, bits(0, 8), |r, _| {
            r.bits(&DSFIELD_DSCP, bits(0, 6))?;
            r.bits(&DSFIELD_ECN, bits(6, 2)).map(|_| ())
        })?;
        r.skip(1)?;
        let total_at = r.span(2);
        let total = usize::from(r.u16(&LEN)?);
        r.u16(&ID)?;
        r.peek(2)?;
        let flags_at = super::Span { bits: Some(bits(0, 3)), ..r.span(1) };
        let flags = r.bit_group(&FLAGS, bits(0, 3), |r, _| {
            r.bits(&FLAGS_RB, bits(0, 1))?;
            r.bits(&FLAGS_DF, bits(1, 1))?;
            r.bits(&FLAGS_MF, bits(2, 1)).map(|_| ())
        })?;
        if flags & 4 != 0 {
            r.note(&RESERVED, flags_at);
        }
        let offset = r.bits(&FRAG_OFFSET, bits(3, 13))? as u32;
        r.skip(2)?;
        r.u8(&TTL)?;
        let proto = r.u8(&PROTO)?;
        let sum_at = r.span(2);
        let sum = r.u16(&CHECKSUM)?;
        let header = r.whole().get(start..start.saturating_add(header_len));
        let outcome = match header {
            None => Sum::Unverified,
            Some(h) if checksum::fold(checksum::add(0, h)) == 0xffff => Sum::Good,
            Some(_) if sum == 0 => Sum::Partial,
            Some(_) => Sum::Bad(0),
        };
        checksum::tell(r, turn, &TOLD, sum_at, outcome);
        let source = r.ipv4(&SRC)?;
        let destination = r.ipv4(&DST)?;
        if header_len < 20 {
            return Err(Stop::Bad(&HEADER_LEN));
        }
        if total != 0 && total < header_len {
            return Err(Stop::Bad(&TOTAL_LEN));
        }
        let options_len = header_len.saturating_sub(20);
        if total == 0 && !turn.quoted {
            r.note(&OFFLOADED, total_at);
        }
        let options_there = options_len.min(r.left());
        options(r, options_there)?;
        if options_there < options_len {
            return Err(Stop::Bad(&OVERRUN));
        }
        let body = total.saturating_sub(header_len);
        let left = r.left();
        if total != 0 && body > left && !bits_of_packet_missing(r, turn) && !turn.quoted {
            r.note(&BEYOND, total_at);
        }
        turn.limit = (total != 0).then_some(body);
        turn.pseudo = Some(Pseudo {
            source: widen(source),
            destination: widen(destination),
            v6: false,
            len: (total != 0).then_some(body as u32),
        });
        let more = flags & 1 != 0;
        let offset = offset.saturating_mul(8);
        if more || offset != 0 {
            // A first fragment that was cut can never be joined, so what it begins with is read at once.
            let whole = total == 0 || (body > 0 && body <= left);
            if offset != 0 || whole {
                turn.fragment = Some((offset, more));
            }
            if let (Some(p), true) = (&mut turn.pseudo, turn.fragment.is_some()) {
                p.len = None;
            }
        }
        let title = || Value::from(format!("{} → {}", Ipv4Addr::from(source), Ipv4Addr::from(destination)));
        let title = if r.keeps(&IP) { title() } else { Value::Span };
        Ok((Next::By(LayerClaim::IpProto(proto)), title))
    })
}

fn widen(a: [u8; 4]) -> [u8; 16] {
    let [w, x, y, z] = a;
    [w, x, y, z, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// The `len` bytes of options behind the fixed header: a list of one-byte and of counted ones.
fn options(r: &mut Reader<'_>, len: usize) -> Result<(), Stop> {
    let end = r.at().saturating_add(len as u64);
    while r.at() < end {
        let left = end.saturating_sub(r.at()) as usize;
        let (kind, size) = match *r.rest() {
            [0, ..] => {
                r.group(&OPTION, option_type)?;
                if left > 1 {
                    r.bytes(&OPT_PADDING, left.saturating_sub(1))?;
                }
                return Ok(());
            }
            [1, ..] => {
                r.group(&OPTION, option_type)?;
                continue;
            }
            [kind, size, ..] if left > 1 && usize::from(size) >= 2 && usize::from(size) <= left => (kind, usize::from(size)),
            _ => {
                let at = r.span(left);
                r.note(&OPTION_BAD, at);
                return r.unknown(left);
            }
        };
        r.attempt(&OPTION, size, |r| {
            option_type(r)?;
            r.u8(&OPT_LEN)?;
            match kind {
                148 if size == 4 => r.u16(&OPT_RA).map(|_| ()),
                7 | 131 | 137 => route(r, kind == 7),
                68 => stamps(r),
                _ if r.is_empty() => Ok(()),
                _ => r.bytes(&OPT_DATA, r.left()).map(|_| ()),
            }
        })?;
    }
    Ok(())
}

fn option_type(r: &mut Reader<'_>) -> Result<(), Stop> {
    let kind = r.bit_group(&OPT_TYPE, bits(0, 8), |r, _| {
        r.bits(&OPT_COPY, bits(0, 1))?;
        r.bits(&OPT_CLASS, bits(1, 2))?;
        r.bits(&OPT_NUMBER, bits(3, 5)).map(|_| ())
    })?;
    title(r, &OPT_TYPE, kind);
    r.skip(1)
}

/// Record route and source routes: a pointer and slots of addresses; before the pointer they are used up.
fn route(r: &mut Reader<'_>, recording: bool) -> Result<(), Stop> {
    let pointer = usize::from(r.u8(&OPT_PTR)?);
    let mut place = 4_usize;
    while r.left() >= 4 {
        let field: F = match (place.cmp(&pointer), recording) {
            (std::cmp::Ordering::Less, _) => &REC_RT,
            (_, true) => &EMPTY_RT,
            (std::cmp::Ordering::Equal, false) => &CUR_RT,
            (std::cmp::Ordering::Greater, false) => &SRC_RT,
        };
        r.ipv4(field)?;
        place = place.saturating_add(4);
    }
    Ok(())
}

fn stamps(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u8(&OPT_PTR)?;
    r.bits(&OPT_OVERFLOW, bits(0, 4))?;
    let flag = r.bits(&OPT_FLAG, bits(4, 4))?;
    r.skip(1)?;
    while r.left() >= 4 {
        if flag != 0 {
            r.ipv4(&OPT_STAMP_ADDR)?;
        }
        if r.left() >= 4 {
            r.u32(&OPT_STAMP)?;
        }
    }
    Ok(())
}
