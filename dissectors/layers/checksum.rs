//! Internet checksums (RFC 1071) and what a header's checksum field says when compared with the bytes that are there.

use super::bits_of_packet_missing;
use wirelore_kit::{F, LayerTurn, Names, Note, Pseudo, Reader, Span};

/// Names of the values of `*.checksum.status`.
pub(super) static STATUS: Names = &[(0, "Bad"), (1, "Good"), (2, "Unverified"), (3, "Not present"), (4, "Illegal")];

/// What came out of a comparison; the numbers are those of [`STATUS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    /// The bytes do not add up; the right value is given.
    Bad(u16),
    /// They do.
    Good,
    /// Bytes are missing, so nobody can tell.
    Unverified,
    /// The sender left it out.
    NotPresent,
    /// Only the pseudo header is summed up: the network card of the capturing host does the rest later.
    Partial,
}

impl Sum {
    const fn status(self) -> u64 {
        match self {
            Sum::Bad(_) => 0,
            Sum::Good => 1,
            Sum::Unverified | Sum::Partial => 2,
            Sum::NotPresent => 3,
        }
    }
}

/// The fields and notes in which a protocol tells the outcome.
pub(super) struct Told {
    /// `*.checksum.status`.
    pub status: F,
    /// Noted when bad.
    pub bad: &'static Note,
    /// Noted when partial.
    pub partial: &'static Note,
}

/// Adds the 16-bit words of `bytes` to `sum`; an odd last byte counts as the upper half of a word.
#[must_use]
pub fn add(mut sum: u64, bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(2);
    for word in &mut words {
        if let [a, b] = word {
            sum = sum.saturating_add(u64::from(u16::from_be_bytes([*a, *b])));
        }
    }
    if let [last] = words.remainder() {
        sum = sum.saturating_add(u64::from(*last) << 8);
    }
    sum
}

/// Folds carries back in (ones' complement).
#[must_use]
pub fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16).saturating_add(sum & 0xffff);
    }
    sum as u16
}

/// The sum of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1).
fn pseudo_sum(pseudo: &Pseudo, proto: u8, len: u32) -> u64 {
    let take = if pseudo.v6 { 16 } else { 4 };
    let sum = add(0, pseudo.source.get(..take).unwrap_or(&[]));
    let sum = add(sum, pseudo.destination.get(..take).unwrap_or(&[]));
    add(sum, &len.to_be_bytes()).saturating_add(u64::from(proto))
}

/// How many bytes the checksum covers, if all of them are there: `said` by the protocol itself, else by IP, else all that is left.
pub(super) fn covered(r: &Reader<'_>, turn: &LayerTurn, said: Option<u32>) -> Option<usize> {
    let have = r.whole().len();
    let len = match said.or(turn.pseudo.and_then(|p| p.len)) {
        Some(n) => n as usize,
        None if bits_of_packet_missing(r, turn) => return None,
        None => have,
    };
    (len <= have && turn.fragment.is_none() && !turn.quoted).then_some(len)
}

/// Checks the first `len` bytes of the layer being read, whose checksum `field` stands at `at` inside it.
/// With `proto` the pseudo header is part of the sum.
pub(super) fn check(r: &Reader<'_>, turn: &LayerTurn, proto: Option<u8>, len: Option<usize>, field: u16, at: usize) -> Sum {
    if !r.keeps_checks() {
        // Summing up costs more than all the rest of a layer.
        return Sum::Unverified;
    }
    let Some(bytes) = len.and_then(|n| r.whole().get(..n)) else { return Sum::Unverified };
    let pseudo = match (proto, &turn.pseudo) {
        (Some(_), None) => return Sum::Unverified,
        (Some(proto), Some(p)) => pseudo_sum(p, proto, bytes.len() as u32),
        (None, _) => 0,
    };
    if fold(add(pseudo, bytes)) == 0xffff {
        return Sum::Good;
    }
    if proto.is_some() {
        // Segmentation offload leaves the length out of the partial sum, since each segment will have its own.
        let unsized_sum = pseudo.saturating_sub(bytes.len() as u64);
        if field == fold(pseudo) || (turn.pseudo.is_some_and(|p| p.len.is_none()) && field == fold(unsized_sum)) {
            return Sum::Partial;
        }
    }
    let (before, after) = (bytes.get(..at).unwrap_or(&[]), bytes.get(at.saturating_add(2)..).unwrap_or(&[]));
    Sum::Bad(!fold(add(add(pseudo, before), after)))
}

/// Writes the outcome down beside the field that lies at `field`.
pub(super) fn tell(r: &mut Reader<'_>, turn: &LayerTurn, told: &Told, field: Span, outcome: Sum) {
    r.derived(told.status, field, outcome.status());
    match outcome {
        // Routers changed what they quote, so a wrong sum is nobody's fault there.
        _ if turn.quoted => {}
        Sum::Bad(_) => r.note(told.bad, field),
        Sum::Partial => r.note(told.partial, field),
        Sum::Good | Sum::Unverified | Sum::NotPresent => {}
    }
}
