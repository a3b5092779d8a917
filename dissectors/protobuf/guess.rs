//! Guesses at what bytes hold when no schema says so: text, a message, packed numbers, or just bytes.

/// Messages are looked for so deep.
const MOST_DEPTH: u8 = 12;

/// What the value of a LEN field looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Readable text.
    Text,
    /// Fields.
    Message,
    /// Varints one behind the other.
    Packed,
    /// None of these.
    Bytes,
}

/// A varint, and how many bytes it takes; `None`: it does not end here.
#[must_use]
pub fn varint(b: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, byte) in b.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl((i as u32).saturating_mul(7)).unwrap_or(0);
        if *byte < 0x80 {
            return Some((value, i.saturating_add(1)));
        }
    }
    None
}

/// Looks at the value of a LEN field.
#[must_use]
pub fn looks(b: &[u8]) -> Looks {
    let text = std::str::from_utf8(b).ok();
    let plain = text.is_some_and(|t| !t.chars().any(char::is_control));
    if b.is_empty() || plain {
        return Looks::Text;
    }
    if is_message(b, 0) {
        return Looks::Message;
    }
    if text.is_some_and(|t| !t.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))) {
        return Looks::Text;
    }
    // Text in another code is no list of numbers; a list has small ones.
    let mut rest = b;
    while let Some((_, n)) = varint(rest) {
        rest = rest.get(n..).unwrap_or(&[]);
        if rest.is_empty() {
            let long = b.iter().filter(|b| **b >= 0x80).count();
            return if long.saturating_mul(2) <= b.len() { Looks::Packed } else { Looks::Bytes };
        }
    }
    Looks::Bytes
}

/// Whether all of it reads as fields with believable numbers.
#[must_use]
pub fn is_message(b: &[u8], depth: u8) -> bool {
    let mut rest = b;
    while !rest.is_empty() {
        let Some(n) = field(rest, depth) else { return false };
        rest = rest.get(n..).unwrap_or(&[]);
    }
    !b.is_empty()
}

/// Bytes of the field that `b` begins with.
fn field(b: &[u8], depth: u8) -> Option<usize> {
    let (tag, n) = varint(b)?;
    let number = tag >> 3;
    if number == 0 || number > 1 << 20 {
        return None;
    }
    let rest = b.get(n..)?;
    let len = match tag & 7 {
        0 => varint(rest)?.1,
        1 => 8,
        5 => 4,
        2 => {
            let (len, k) = varint(rest)?;
            k.checked_add(usize::try_from(len).ok()?)?
        }
        3 if depth < MOST_DEPTH => {
            let mut used = 0usize;
            loop {
                let here = rest.get(used..)?;
                let (end, k) = varint(here)?;
                if end & 7 == 4 {
                    if end >> 3 != number {
                        return None;
                    }
                    break used.checked_add(k)?;
                }
                used = used.checked_add(field(here, depth.saturating_add(1))?)?;
            }
        }
        _ => return None,
    };
    rest.get(..len)?;
    n.checked_add(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_those_of_a_person() {
        assert_eq!(looks(b"hello"), Looks::Text);
        assert_eq!(looks("Grüße".as_bytes()), Looks::Text);
        assert_eq!(looks(b"\x0a\x03tea"), Looks::Message);
        assert_eq!(looks(b"\x08\x96\x01"), Looks::Message);
        assert_eq!(looks(b"\x03\x8e\x02\x9e\xa7\x05"), Looks::Packed);
        assert_eq!(looks(b"\xff\xd8\xff\xe0"), Looks::Bytes);
        assert_eq!(looks(b"two\nlines"), Looks::Text);
        assert_eq!(looks(b""), Looks::Text);
        assert_eq!(varint(&[0x80; 12]), None);
    }

    #[test]
    fn groups_within_groups_end() {
        let deep = [0x0b; 4000];
        assert!(!is_message(&deep, 0));
        assert!(is_message(b"\x0b\x10\x01\x0c", 0));
    }
}
