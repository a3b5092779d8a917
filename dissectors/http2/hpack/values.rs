//! Where the literal values of a header block stand, for who wants to know of places and not of fields: fields of a block that came in
//! several frames (RFC 9113 §6.10) have no bytes of their own in any one of these. No table is needed for that.

use super::number;
use std::ops::Range;

/// Where a header's value stands in its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// Its bytes.
    pub range: Range<usize>,
    /// It is in Huffman's code.
    pub coded: bool,
}

/// A number in the lower `bits` of a byte and those that follow; moves on behind it.
fn skip(block: &[u8], at: &mut usize, bits: u8) -> Option<usize> {
    let (value, end) = number(block, *at, bits).ok()?;
    *at = end;
    usize::try_from(value).ok()
}

fn text(block: &[u8], at: &mut usize) -> Option<Literal> {
    let coded = block.get(*at)? & 0x80 != 0;
    let len = skip(block, at, 7)?;
    let range = *at..at.checked_add(len)?;
    block.get(range.clone())?;
    *at = range.end;
    Some(Literal { range, coded })
}

/// For each header of a block its literal value, if it has one; as far as the block can be read.
#[must_use]
pub fn literals(block: &[u8]) -> Vec<Option<Literal>> {
    let (mut all, mut at) = (Vec::new(), 0);
    while let Some(next) = one(block, &mut at) {
        all.extend(next);
    }
    all
}

/// The next representation (RFC 7541 §6): nothing in it is a change of the table's size.
fn one(block: &[u8], at: &mut usize) -> Option<Option<Option<Literal>>> {
    let first = *block.get(*at)?;
    let bits = match first {
        0x80.. => {
            skip(block, at, 7)?;
            return Some(Some(None));
        }
        0x40.. => 6,
        0x20.. => {
            skip(block, at, 5)?;
            return Some(None);
        }
        _ => 4,
    };
    if skip(block, at, bits)? == 0 {
        text(block, at)?;
    }
    Some(Some(Some(text(block, at)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_behind_names_indices_and_resizes() {
        // RFC 7541, appendix C.2.1, behind a resize and before an indexed field and one with an indexed name.
        let mut block = vec![0x3f, 0xe1, 0x1f, 0x40, 0x0a];
        block.extend(b"custom-key");
        block.push(0x0d);
        block.extend(b"custom-header");
        block.extend([0x82, 0x04, 0x82, 0xaa, 0xbb]);
        let found = literals(&block);
        assert_eq!(found, [Some(Literal { range: 16..29, coded: false }), None, Some(Literal { range: 32..34, coded: true })]);
        for cut in 0..block.len() {
            assert!(literals(&block[..cut]).len() <= 3);
        }
        assert_eq!(literals(&[0xff; 16]), []);
    }
}
