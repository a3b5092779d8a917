//! Integers of 1, 2, 4 or 8 bytes, as long as their first two bits say (RFC 9000 §16): QUIC's, HTTP/3's, and those of TLS's QUIC parameters.

use wirelore_kit::{F, Reader, Stop, Value};

/// The integer that `bytes` begin with, and how many bytes it takes; `None`: it does not end here.
#[must_use]
pub fn of(bytes: &[u8]) -> Option<(u64, usize)> {
    let n = 1usize << (bytes.first()? >> 6);
    let (head, rest) = bytes.get(..n)?.split_first()?;
    Some((rest.iter().fold(u64::from(head & 0x3f), |v, b| (v << 8) | u64::from(*b)), n))
}

/// The integer that comes next, as a field.
///
/// # Errors
/// As [`Reader::peek`].
pub fn read(r: &mut Reader<'_>, field: F) -> Result<u64, Stop> {
    let n = 1usize << (r.peek(1)?.first().copied().unwrap_or(0) >> 6);
    let v = of(r.peek(n)?).map_or(0, |v| v.0);
    r.valued(field, n, Value::U64(v))?;
    Ok(v)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_examples_of_the_standard_read_as_there() {
        // RFC 9000 §A.1.
        let eight = [0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c];
        assert_eq!(of(&eight), Some((151_288_809_941_952_652, 8)));
        assert_eq!(of(&[0x9d, 0x7f, 0x3e, 0x7d, 0]), Some((494_878_333, 4)));
        assert_eq!(of(&[0x7b, 0xbd]), Some((15_293, 2)));
        assert_eq!((of(&[0x25]), of(&[0x40, 0x25])), (Some((37, 1)), Some((37, 2))));
        assert_eq!((of(&[]), of(&eight[..7])), (None, None));
    }
}
