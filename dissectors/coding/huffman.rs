//! The Huffman code of HPACK and QPACK (RFC 7541 §5.2, Appendix B). The code is canonical, so the lengths alone define it.

/// Bits of the code of each octet, and of the end-of-string symbol behind them.
#[rustfmt::skip]
static LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The symbol behind the octets; it must not stand in a string.
const EOS: u16 = 256;
/// The longest code, bits.
const LONGEST: usize = 30;
/// Codes of at most so many bits are found in one step.
const QUICK: usize = 9;

/// What decoding looks things up in.
struct Code {
    /// Symbols by rising code.
    symbols: [u16; 257],
    /// By length: the first code of that length, and its place in `symbols`.
    first: [(u32, u16); LONGEST + 2],
    /// By the next [`QUICK`] bits: symbol and length; length 0 where the code is longer.
    quick: [(u8, u8); 1 << QUICK],
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "worked out at build time")]
static CODE: Code = {
    let mut code = Code { symbols: [0; 257], first: [(0, 0); LONGEST + 2], quick: [(0, 0); 1 << QUICK] };
    let (mut next, mut place, mut len) = (0u32, 0usize, 1usize);
    while len <= LONGEST {
        code.first[len] = (next, place as u16);
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == len {
                code.symbols[place] = symbol as u16;
                place += 1;
                if len <= QUICK {
                    let mut fill = 0;
                    while fill < 1 << (QUICK - len) {
                        code.quick[((next as usize) << (QUICK - len)) + fill] = (symbol as u8, len as u8);
                        fill += 1;
                    }
                }
                next += 1;
            }
            symbol += 1;
        }
        next <<= 1;
        len += 1;
    }
    code.first[LONGEST + 1] = (u32::MAX, 257);
    code
};

/// Adds the text that `coded` stands for. `false`: it holds the end-of-string symbol or its padding is not ones (RFC 7541 §5.2);
/// what was read before stands.
pub fn decode(coded: &[u8], out: &mut Vec<u8>) -> bool {
    // The next bits stand at the top.
    let (mut bits, mut have) = (0u64, 0u32);
    let mut input = coded.iter();
    loop {
        while have <= 56 {
            let Some(b) = input.next() else { break };
            bits |= u64::from(*b) << (56 - have);
            have = have.saturating_add(8);
        }
        let (symbol, len) = match CODE.quick.get((bits >> (64 - QUICK)) as usize) {
            Some((symbol, len)) if *len > 0 => (u16::from(*symbol), u32::from(*len)),
            _ => match long(bits) {
                Some(found) => found,
                None => return false,
            },
        };
        if len > have {
            // Fewer than eight bits may be left, all ones.
            return have < 8 && bits == !(u64::MAX.checked_shr(have).unwrap_or(0));
        }
        if symbol == EOS {
            return false;
        }
        out.push(symbol as u8);
        bits = bits.checked_shl(len).unwrap_or(0);
        have = have.saturating_sub(len);
    }
}

/// A code of more than [`QUICK`] bits at the top of `bits`.
fn long(bits: u64) -> Option<(u16, u32)> {
    for len in QUICK.saturating_add(1)..=LONGEST {
        let here = (bits >> (64usize.saturating_sub(len))) as u32;
        let (first, place) = *CODE.first.get(len)?;
        let (_, next) = *CODE.first.get(len.saturating_add(1))?;
        let behind = here.checked_sub(first).filter(|b| *b < u32::from(next.saturating_sub(place)));
        if let Some(behind) = behind {
            return Some((*CODE.symbols.get(usize::from(place).saturating_add(behind as usize))?, len as u32));
        }
    }
    None
}

/// Bits that the code of an octet has: 5 to 28.
#[must_use]
pub fn bits_of(octet: u8) -> u8 {
    LENGTHS.get(usize::from(octet)).copied().unwrap_or_default()
}

/// Adds `text` in the code, padded with ones.
pub fn encode(text: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut have) = (0u64, 0u32);
    for octet in text {
        let (code, len) = code_of(*octet);
        bits = (bits << len) | u64::from(code);
        have = have.saturating_add(len);
        while have >= 8 {
            have = have.saturating_sub(8);
            out.push((bits >> have) as u8);
        }
    }
    if have > 0 {
        out.push(((bits << 8u32.saturating_sub(have)) as u8) | (0xff >> have));
    }
}

/// The code of an octet and its bits: among those of one length, codes rise with the octets.
fn code_of(octet: u8) -> (u32, u32) {
    let len = bits_of(octet);
    let before = LENGTHS.iter().take(usize::from(octet)).filter(|l| **l == len).count() as u32;
    let first = CODE.first.get(usize::from(len)).map_or(0, |f| f.0);
    (first.saturating_add(before), u32::from(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_survives_the_code() {
        let all: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        let mut coded = Vec::new();
        encode(&all, &mut coded);
        let mut out = Vec::new();
        assert!(decode(&coded, &mut out));
        assert_eq!(out, all);
    }

    #[test]
    fn padding_must_be_ones_and_shorter_than_an_octet() {
        let read = |b: &[u8]| {
            let mut out = Vec::new();
            decode(b, &mut out).then_some(out)
        };
        // '0' is 00000, then three ones.
        assert_eq!(read(&[0x07]), Some(b"0".to_vec()));
        assert_eq!(read(&[0x00]), None, "padding of zeros");
        assert_eq!(read(&[0x07, 0xff]), None, "an octet of padding");
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff]), None, "the end-of-string symbol");
        assert_eq!(read(&[]), Some(Vec::new()));
    }
}
