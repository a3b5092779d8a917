//! Strings, numbers of variable length and properties (MQTT 5.0 §1.5, §2.2.2).

use super::{fields as f, notes as n};
use wirelore_kit::{F, Reader, Stop, Value};

/// A number of one to four bytes, seven bits each, the lowest first (§1.5.5), and how many bytes it has.
/// `Ok(None)`: more bytes are needed.
pub fn varint(b: &[u8]) -> Result<Option<(u32, usize)>, ()> {
    let mut value = 0u32;
    for (i, byte) in b.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((value, i.saturating_add(1))));
        }
    }
    if b.len() >= 4 { Err(()) } else { Ok(None) }
}

/// Takes such a number.
///
/// # Errors
/// [`Stop::Bad`] where it is too long; as [`Reader::peek`].
pub fn number(r: &mut Reader<'_>, field: F) -> Result<u32, Stop> {
    match varint(r.rest()) {
        Ok(Some((value, len))) => r.valued(field, len, Value::U64(value.into())).map(|_| value),
        Ok(None) => r.peek(r.left().saturating_add(1)).map(|_| 0),
        Err(()) => Err(Stop::Bad(&n::LENGTH_BAD)),
    }
}

/// Takes a length of two bytes and as many bytes.
///
/// # Errors
/// As [`Reader::peek`].
pub fn string<'a>(r: &mut Reader<'a>, length: F, field: F) -> Result<&'a [u8], Stop> {
    let len = r.u16(length)?;
    r.bytes(field, len.into())
}

/// What the rest of the reading needs of properties.
#[derive(Debug, Default, Clone, Copy)]
pub struct Known<'a> {
    /// The number that stands for a topic.
    pub alias: Option<u16>,
    /// The media type of the payload.
    pub content_type: &'a [u8],
    /// A sentence about the reason.
    pub reason: &'a [u8],
}

/// Takes the list of properties that comes next (§2.2.2).
///
/// # Errors
/// As [`Reader::within`].
pub fn properties<'a>(r: &mut Reader<'a>, field: F) -> Result<Known<'a>, Stop> {
    let mut known = Known::default();
    r.group(field, |r| {
        let len = number(r, &f::PROPERTY_LENGTH)? as usize;
        r.peek(len)?;
        let end = r.taken().saturating_add(len);
        while r.taken() < end {
            property(r, &mut known)?;
        }
        Ok(())
    })?;
    Ok(known)
}

fn property<'a>(r: &mut Reader<'a>, known: &mut Known<'a>) -> Result<(), Stop> {
    r.group(&f::PROPERTY, |r| {
        let from = r.at();
        let id = r.u8(&f::PROPERTY_ID)?;
        if let Some(name) = f::PROPERTY_ID.name_of(id.into()) {
            r.title(name);
        }
        match id {
            0x24 => _ = r.u8(&f::MOST_QOS)?,
            0x01 | 0x17 | 0x19 | 0x25 | 0x28..=0x2a => _ = r.u8(&f::PROPERTY_NUMBER)?,
            0x23 => known.alias = Some(r.u16(&f::ALIAS)?),
            0x13 | 0x21 | 0x22 => _ = r.u16(&f::PROPERTY_NUMBER)?,
            0x02 | 0x11 | 0x18 | 0x27 => _ = r.u32(&f::PROPERTY_NUMBER)?,
            0x0b => _ = number(r, &f::PROPERTY_NUMBER)?,
            0x03 => known.content_type = string(r, &f::CONTENT_TYPE_LENGTH, &f::CONTENT_TYPE)?,
            0x09 | 0x16 => _ = string(r, &f::STRING_LENGTH, &f::BINARY)?,
            0x1f => known.reason = string(r, &f::STRING_LENGTH, &f::STRING)?,
            0x08 | 0x12 | 0x15 | 0x1a | 0x1c => _ = string(r, &f::STRING_LENGTH, &f::STRING)?,
            0x26 => {
                string(r, &f::KEY_LENGTH, &f::KEY)?;
                string(r, &f::VALUE_LENGTH, &f::VALUE)?;
            }
            _ => {
                r.note(&n::PROPERTY_UNKNOWN, r.since(from));
                return Err(Stop::Bad(&n::PROPERTY_UNKNOWN));
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::varint;

    #[test]
    fn lengths_are_those_of_the_table_of_the_standard() {
        for (bytes, want) in [
            (&[0x00][..], 0),
            (&[0x7f], 127),
            (&[0x80, 0x01], 128),
            (&[0xff, 0x7f], 16_383),
            (&[0x80, 0x80, 0x01], 16_384),
            (&[0xff, 0xff, 0xff, 0x7f], 268_435_455),
        ] {
            assert_eq!(varint(bytes), Ok(Some((want, bytes.len()))));
            assert_eq!(varint(&bytes[..bytes.len() - 1]), Ok(None));
        }
        assert_eq!(varint(&[0x80; 4]), Err(()));
    }
}
