//! Fields of a protobuf message, with what they probably mean.

use super::fields as f;
use super::guess::{self, Looks};
use wirelore_kit::{BitRange, Reader, Stop, Text, Value};

/// Messages are opened so deep.
const MOST_DEPTH: u8 = 24;
/// A title shows so many characters of a value.
const MOST_TITLE: usize = 60;

/// Reads the field that comes next and says what it is in a few words.
///
/// # Errors
/// [`Stop::Short`] where more bytes are needed, [`Stop::Bad`] where this is none.
pub fn field(r: &mut Reader<'_>, depth: u8) -> Result<String, Stop> {
    let (tag, n) = varint(r, 0)?;
    let (number, wire) = (tag >> 3, tag & 7);
    if number == 0 || number >= 1 << 29 {
        return Err(Stop::Bad(&f::NOT_A_FIELD));
    }
    // The whole field is there before anything of it is told.
    let (value, k) = match wire {
        0 => varint(r, n)?,
        2 => varint(r, n)?,
        1 => (0, 8),
        5 => (0, 4),
        3 => (0, 0),
        _ => return Err(Stop::Bad(&f::NOT_A_FIELD)),
    };
    let len = if wire == 2 { usize::try_from(value).map_err(|_| Stop::Bad(&f::NOT_A_FIELD))? } else { 0 };
    r.peek(n.saturating_add(k).saturating_add(len))?;
    r.titled(&f::FIELD, |r| {
        let at = r.span(n);
        if n == 1 {
            r.bits(&f::NUMBER, BitRange { first: 1, len: 4 })?;
            r.bits(&f::WIRE_TYPE, BitRange { first: 5, len: 3 })?;
            r.skip(1)?;
        } else {
            r.bytes(&f::TAG, n)?;
            r.derived(&f::NUMBER, at, number);
            r.derived(&f::WIRE_TYPE, at, wire);
        }
        let words = match wire {
            0 => {
                let at = r.span(k);
                r.valued(&f::VARINT, k, Value::U64(value))?;
                if value > i64::MAX as u64 {
                    r.derived(&f::SIGNED, at, Value::I64(value as i64));
                    format!("{}", value as i64)
                } else {
                    if value > 1 {
                        r.derived(&f::ZIGZAG, at, Value::I64(((value >> 1) as i64) ^ ((value & 1) as i64).wrapping_neg()));
                    }
                    format!("{value}")
                }
            }
            1 => {
                let at = r.span(8);
                let v = f64::from_bits(r.uint_le(&f::FIXED64, 8)?);
                r.derived(&f::DOUBLE, at, format!("{v}"));
                format!("{v}")
            }
            5 => {
                let at = r.span(4);
                let v = f32::from_bits(r.uint_le(&f::FIXED32, 4)? as u32);
                r.derived(&f::FLOAT, at, format!("{v}"));
                format!("{v}")
            }
            2 => {
                r.valued(&f::LENGTH, k, Value::U64(value))?;
                length_delimited(r, len, depth)?
            }
            _ => group(r, number, depth)?,
        };
        let title = format!("{number}: {words}");
        Ok((title.clone(), Value::from(title)))
    })
}

/// A varint that lies `from` bytes ahead, and its length.
fn varint(r: &Reader<'_>, from: usize) -> Result<(u64, usize), Stop> {
    match guess::varint(r.rest().get(from..).unwrap_or(&[])) {
        Some(v) => Ok(v),
        None if r.left().saturating_sub(from) >= 10 => Err(Stop::Bad(&f::NOT_A_FIELD)),
        None => Err(r.peek(r.left().saturating_add(1)).err().unwrap_or(Stop::Bad(&f::NOT_A_FIELD))),
    }
}

fn length_delimited(r: &mut Reader<'_>, len: usize, depth: u8) -> Result<String, Stop> {
    let bytes = r.peek(len)?;
    let looks = guess::looks(bytes);
    Ok(match looks {
        Looks::Text => {
            if len > 0 {
                r.text(&f::STRING, len)?;
            }
            let all = Text(bytes).to_string();
            let short: String = all.chars().take(MOST_TITLE).collect();
            format!("\"{short}{}\"", if short.len() < all.len() { "…" } else { "" })
        }
        Looks::Message if depth < MOST_DEPTH => {
            let mut words = String::new();
            r.within(&f::MESSAGE, len, |r| {
                while !r.is_empty() {
                    join(&mut words, &field(r, depth.saturating_add(1))?);
                }
                Ok(())
            })?;
            format!("{{{words}}}")
        }
        Looks::Packed => {
            let mut words = String::new();
            r.within(&f::PACKED, len, |r| {
                while !r.is_empty() {
                    let (v, n) = varint(r, 0)?;
                    r.valued(&f::VARINT, n, Value::U64(v))?;
                    join(&mut words, &v.to_string());
                }
                Ok(())
            })?;
            format!("[{words}]")
        }
        Looks::Message | Looks::Bytes => {
            r.bytes(&f::BYTES, len)?;
            format!("{len} bytes")
        }
    })
}

/// A group up to its end tag (deprecated).
fn group(r: &mut Reader<'_>, number: u64, depth: u8) -> Result<String, Stop> {
    if depth >= MOST_DEPTH {
        return Err(Stop::Bad(&f::NOT_A_FIELD));
    }
    let mut words = String::new();
    loop {
        let (tag, n) = varint(r, 0)?;
        if tag & 7 == 4 {
            if tag >> 3 != number {
                return Err(Stop::Bad(&f::NOT_A_FIELD));
            }
            r.bytes(&f::TAG, n)?;
            return Ok(format!("{{{words}}}"));
        }
        join(&mut words, &field(r, depth.saturating_add(1))?);
    }
}

/// Adds to a list in words, as long as it is short.
pub fn join(words: &mut String, more: &str) {
    if words.len() > 200 {
        if !words.ends_with('…') {
            words.push('…');
        }
        return;
    }
    if !words.is_empty() {
        words.push_str(", ");
    }
    words.push_str(more);
}
