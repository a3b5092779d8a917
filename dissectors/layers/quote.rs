//! The packet that an ICMP error quotes (RFC 792, RFC 4443 §3.1), and the extensions behind it (RFC 4884).

use super::checksum::{self, STATUS, Sum, Told};
use super::{LAYERS, bits, dec, fields, flag, group, hex, ip_by_version, notes, raw};
use wirelore_kit::layer::{MOST_LAYERS, layer_for};
use wirelore_kit::{DATA, LayerTurn, Names, Next, Reader, Stop};

static CLASSES: Names = &[(1, "MPLS label stack"), (2, "Interface information"), (3, "Interface identification")];

fields! {
    QUOTED = group("icmp.quoted", "The packet this is about", "RFC 792").oracle("-");
    EXT = group("icmp.ext", "Extensions", "RFC 4884 §7");
    EXT_VERSION = dec("icmp.ext.version", "Version", "RFC 4884 §7");
    EXT_RES = hex("icmp.ext.res", "Reserved", "RFC 4884 §7");
    EXT_SUM = hex("icmp.ext.checksum", "Checksum", "RFC 4884 §7");
    EXT_SUM_STATUS = dec("icmp.ext.checksum.status", "Checksum status", "RFC 1071").names(STATUS);
    OBJECT = group("icmp.ext.object", "Extension object", "RFC 4884 §8").oracle("-");
    OBJECT_LEN = dec("icmp.ext.length", "Length", "RFC 4884 §8");
    OBJECT_CLASS = dec("icmp.ext.class", "Class", "RFC 4884 §8").names(CLASSES);
    OBJECT_TYPE = dec("icmp.ext.ctype", "Type in the class", "RFC 4884 §8");
    OBJECT_DATA = raw("icmp.ext.data", "Data", "RFC 4884 §8");
    MPLS_ENTRY = group("icmp.mpls", "Label stack entry", "RFC 4950 §3").oracle("-");
    MPLS_LABEL = dec("icmp.mpls.label", "Label", "RFC 4950 §3");
    MPLS_EXP = dec("icmp.mpls.exp", "Traffic class", "RFC 4950 §3");
    MPLS_S = flag("icmp.mpls.s", "Bottom of stack", "RFC 4950 §3");
    MPLS_TTL = dec("icmp.mpls.ttl", "Time to live", "RFC 4950 §3");
}

notes! {
    EXT_BAD = Warn, Malformed, "icmp.note.extension_checksum", "The checksum of the extensions is wrong", "RFC 4884 §7";
    OBJECT_BAD = Warn, Malformed, "icmp.note.object", "An extension object's length cannot be", "RFC 4884 §8";
}

static TOLD: Told = Told { status: &EXT_SUM_STATUS, bad: &EXT_BAD, partial: &EXT_BAD };

/// Extensions stand at least so far behind the start of the quote (RFC 4884 §5.5).
const LEAST_QUOTE: usize = 128;

/// Reads what is left of an ICMP error: the quote and, where there are any, extensions. `said` is the quote's length by the
/// message's own length field, 0 where it says nothing.
pub(super) fn read(r: &mut Reader<'_>, turn: &LayerTurn, said: usize) -> Result<(), Stop> {
    let left = r.left();
    let quote = match said {
        // Old senders put extensions behind exactly 128 bytes without saying so; a valid checksum is the sign (RFC 4884 §5.5).
        0 if is_extension(r.rest().get(LEAST_QUOTE..)) => LEAST_QUOTE,
        0 => left,
        n => n.min(left),
    };
    if quote > 0 {
        r.attempt(&QUOTED, quote, |r| packet(r))?;
    }
    if r.is_empty() { Ok(()) } else { r.group(&EXT, |r| extensions(r, turn)) }
}

fn is_extension(bytes: Option<&[u8]>) -> bool {
    bytes.is_some_and(|b| b.len() >= 8 && b.first().is_some_and(|v| v >> 4 == 2) && checksum::fold(checksum::add(0, b)) == 0xffff)
}

/// A packet or the beginning of one.
pub(super) fn packet(r: &mut Reader<'_>) -> Result<(), Stop> {
    let mut turn = LayerTurn { quoted: true, ..LayerTurn::default() };
    let mut next = ip_by_version(r);
    // Layers that follow IP are read as far as they go; anything else, and what a fragment carries, is data.
    while let (Next::By(by), None) = (next, turn.fragment) {
        let Some(layer) = layer_for(LAYERS, by).filter(|_| turn.depth < MOST_LAYERS) else { break };
        turn.depth = turn.depth.saturating_add(1);
        next = match (layer.read)(r, &mut turn) {
            Ok(next) => next,
            // A quote may end anywhere; what is there has been read.
            Err(Stop::Bad(_)) => break,
            Err(stop) => return Err(stop),
        };
    }
    match r.left() {
        0 => Ok(()),
        n => r.bytes(&DATA, n).map(|_| ()),
    }
}

fn extensions(r: &mut Reader<'_>, turn: &LayerTurn) -> Result<(), Stop> {
    let all = r.rest();
    r.peek(2)?;
    r.bits(&EXT_VERSION, bits(0, 4))?;
    r.bits(&EXT_RES, bits(4, 12))?;
    r.skip(2)?;
    let at = r.span(2);
    let sum = r.u16(&EXT_SUM)?;
    let outcome = match sum {
        0 => Sum::NotPresent,
        _ if checksum::fold(checksum::add(0, all)) == 0xffff => Sum::Good,
        _ => Sum::Bad(0),
    };
    checksum::tell(r, turn, &TOLD, at, outcome);
    while r.left() >= 4 {
        let len = super::peek_u16(r, 0).map_or(0, usize::from);
        if len < 4 || len > r.left() {
            let left = r.left();
            let at = r.span(left);
            r.note(&OBJECT_BAD, at);
            return r.unknown(left);
        }
        r.attempt(&OBJECT, len, |r| {
            r.u16(&OBJECT_LEN)?;
            let class = r.u8(&OBJECT_CLASS)?;
            let kind = r.u8(&OBJECT_TYPE)?;
            while (class, kind) == (1, 1) && r.left() >= 4 {
                r.group(&MPLS_ENTRY, |r| {
                    r.bits(&MPLS_LABEL, bits(0, 20))?;
                    r.bits(&MPLS_EXP, bits(20, 3))?;
                    r.bits(&MPLS_S, bits(23, 1))?;
                    r.bits(&MPLS_TTL, bits(24, 8))?;
                    r.skip(4)
                })?;
            }
            match r.left() {
                0 => Ok(()),
                n => r.bytes(&OBJECT_DATA, n).map(|_| ()),
            }
        })?;
    }
    match r.left() {
        0 => Ok(()),
        n => r.unknown(n),
    }
}
