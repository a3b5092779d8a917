//! The options of a TCP header (RFC 9293 §3.2 and those registered since).

use super::{bits, dec, fields, group, hex, notes, raw, title};
use wirelore_kit::{Names, Reader, Stop, Value};

static KINDS: Names = &[
    (0, "End of options list"),
    (1, "No-operation"),
    (2, "Maximum segment size"),
    (3, "Window scale"),
    (4, "SACK permitted"),
    (5, "SACK"),
    (6, "Echo (obsolete)"),
    (7, "Echo reply (obsolete)"),
    (8, "Timestamps"),
    (14, "Alternate checksum request (obsolete)"),
    (19, "MD5 signature"),
    (27, "Quick-start response"),
    (28, "User timeout"),
    (29, "Authentication"),
    (30, "Multipath TCP"),
    (34, "Fast open cookie"),
    (69, "Encryption negotiation"),
    (76, "Riverbed probe"),
    (78, "Riverbed transparency"),
    (172, "Accurate ECN order 0"),
    (174, "Accurate ECN order 1"),
    (253, "Experiment 1"),
    (254, "Experiment 2"),
];
static MPTCP: Names = &[
    (0, "Capable"),
    (1, "Join connection"),
    (2, "Data sequence signal"),
    (3, "Add address"),
    (4, "Remove address"),
    (5, "Change priority"),
    (6, "Fail"),
    (7, "Fast close"),
    (8, "Reset"),
];

fields! {
    OPTION = group("tcp.option", "Option", "RFC 9293 §3.2").oracle("-");
    KIND = dec("tcp.option_kind", "Kind", "RFC 9293 §3.2").names(KINDS);
    LENGTH = dec("tcp.option_len", "Length", "RFC 9293 §3.2");
    MSS = dec("tcp.options.mss_val", "Maximum segment size", "RFC 9293 §3.7.1");
    SHIFT = dec("tcp.options.wscale.shift", "Window scale shift", "RFC 7323 §2.2");
    MULTIPLIER = dec("tcp.options.wscale.multiplier", "Window scale multiplier", "RFC 7323 §2.2");
    SACK_LE = dec("tcp.options.sack_le", "Block from", "RFC 2018 §3");
    SACK_RE = dec("tcp.options.sack_re", "Block up to", "RFC 2018 §3");
    SACK_COUNT = dec("tcp.options.sack.count", "Blocks", "RFC 2018 §3");
    TSVAL = dec("tcp.options.timestamp.tsval", "Timestamp", "RFC 7323 §3.2");
    TSECR = dec("tcp.options.timestamp.tsecr", "Timestamp echoed", "RFC 7323 §3.2");
    MD5 = raw("tcp.options.md5.digest", "MD5 digest", "RFC 2385 §3.0");
    AO_KEY = dec("tcp.options.ao.keyid", "Key", "RFC 5925 §2.2");
    AO_NEXT = dec("tcp.options.ao.rnextkeyid", "Key wanted next", "RFC 5925 §2.2");
    AO_MAC = raw("tcp.options.ao.mac", "Authentication code", "RFC 5925 §2.2");
    TIMEOUT_UNIT = dec("tcp.options.user_to_granularity", "Unit", "RFC 5482 §3").names(&[(0, "seconds"), (1, "minutes")]);
    TIMEOUT = dec("tcp.options.user_to_val", "User timeout", "RFC 5482 §3");
    MPTCP_SUBTYPE = dec("tcp.options.mptcp.subtype", "Multipath subtype", "RFC 8684 §3").names(MPTCP);
    MPTCP_DATA = raw("tcp.options.mptcp.data", "Multipath data", "RFC 8684 §3").oracle("-");
    COOKIE = raw("tcp.options.tfo.cookie", "Fast open cookie", "RFC 7413 §4.1.1");
    EXPERIMENT = hex("tcp.options.experimental.exid", "Experiment", "RFC 6994");
    EXPERIMENT_DATA = raw("tcp.options.experimental.data", "Data of the experiment", "RFC 6994");
    UNKNOWN = raw("tcp.options.unknown.payload", "Data", "RFC 9293 §3.2");
    PADDING = raw("tcp.options.padding", "Padding", "RFC 9293 §3.2").oracle("-");
}

notes! {
    LENGTH_BAD = Warn, Malformed, "tcp.note.option", "An option's length cannot be", "RFC 9293 §3.2";
    SHIFT_BIG = Note, Protocol, "tcp.note.window_scale", "A window scale above 14, which counts as 14", "RFC 7323 §2.3";
}

/// Reads `len` bytes of options, which are there. Numbers of selective acknowledgments are told from `base` on.
pub(super) fn read(r: &mut Reader<'_>, len: usize, base: u32) -> Result<(), Stop> {
    let end = r.at().saturating_add(len as u64);
    while r.at() < end {
        let left = end.saturating_sub(r.at()) as usize;
        let (kind, size) = match *r.rest() {
            [0, ..] => {
                r.group(&OPTION, one_byte)?;
                if left > 1 {
                    r.bytes(&PADDING, left.saturating_sub(1))?;
                }
                return Ok(());
            }
            [1, ..] => {
                r.group(&OPTION, one_byte)?;
                continue;
            }
            [kind, size, ..] if left > 1 && usize::from(size) >= 2 && usize::from(size) <= left => (kind, usize::from(size)),
            _ => {
                let at = r.span(left);
                r.note(&LENGTH_BAD, at);
                return r.unknown(left);
            }
        };
        r.attempt(&OPTION, size, |r| {
            r.u8(&KIND)?;
            title(r, &KIND, kind.into());
            r.u8(&LENGTH)?;
            option(r, kind, size, base)
        })?;
    }
    Ok(())
}

/// An option that is its kind and nothing else.
fn one_byte(r: &mut Reader<'_>) -> Result<(), Stop> {
    let kind = r.u8(&KIND)?;
    title(r, &KIND, kind.into());
    Ok(())
}

fn option(r: &mut Reader<'_>, kind: u8, size: usize, base: u32) -> Result<(), Stop> {
    match (kind, size) {
        (_, 2) => Ok(()),
        (2, 4) => r.u16(&MSS).map(|_| ()),
        (3, 3) => {
            let at = r.span(1);
            let shift = r.u8(&SHIFT)?;
            if shift > 14 {
                r.note(&SHIFT_BIG, at);
            }
            r.derived(&MULTIPLIER, at, 1_u64 << shift.min(14));
            Ok(())
        }
        (5, n) if n % 8 == 2 => {
            let at = r.span(r.left());
            let blocks = n / 8;
            for _ in 0..blocks {
                for edge in [&SACK_LE, &SACK_RE] {
                    let number = u32::from_be_bytes(r.peek(4)?.try_into().unwrap_or_default());
                    r.valued(edge, 4, Value::U64(u64::from(number.wrapping_sub(base))))?;
                }
            }
            r.derived(&SACK_COUNT, at, Value::U64(blocks as u64));
            Ok(())
        }
        (8, 10) => {
            r.u32(&TSVAL)?;
            r.u32(&TSECR).map(|_| ())
        }
        (19, 18) => r.bytes(&MD5, 16).map(|_| ()),
        (28, 4) => {
            r.bits(&TIMEOUT_UNIT, bits(0, 1))?;
            r.bits(&TIMEOUT, bits(1, 15))?;
            r.skip(2)
        }
        (29, n) if n >= 4 => {
            r.u8(&AO_KEY)?;
            r.u8(&AO_NEXT)?;
            rest(r, &AO_MAC)
        }
        (30, _) => {
            r.bits(&MPTCP_SUBTYPE, bits(0, 4))?;
            // The four bits behind the subtype belong to the data.
            rest_from_bit_4(r)
        }
        (34, _) => rest(r, &COOKIE),
        (253 | 254, n) if n >= 4 => {
            let id = r.u16(&EXPERIMENT)?;
            // The number of fast open from before it had a kind of its own (RFC 7413 §4.1.1).
            rest(r, if id == 0xf989 { &COOKIE } else { &EXPERIMENT_DATA })
        }
        _ => rest(r, &UNKNOWN),
    }
}

fn rest(r: &mut Reader<'_>, field: wirelore_kit::F) -> Result<(), Stop> {
    match r.left() {
        0 => Ok(()),
        n => r.bytes(field, n).map(|_| ()),
    }
}

fn rest_from_bit_4(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.skip(1)?;
    rest(r, &MPTCP_DATA)
}
