//! Header values and request targets with their inner structure: cookies, ranges, queries, credentials.

use super::{fields as f, headers::Use, parse};
use memchr::memchr;
use wirelore_kit::{F, Level, Reader, Stop, Text, Value};

/// A value as a whole; `unfolded` is its text where it stands on several lines.
///
/// # Errors
/// As [`Reader::valued`].
pub fn plain(r: &mut Reader<'_>, field: F, what: Use, len: usize, unfolded: Option<&[u8]>) -> Result<(), Stop> {
    let text = match unfolded {
        Some(t) => t,
        None => r.peek(len)?,
    };
    let value = match (what, unfolded) {
        (Use::Length, _) => match parse::content_length(text).value {
            Some(n) => Value::U64(n),
            None => Value::from(Text(text).to_string()),
        },
        (_, Some(t)) => Value::Blob(t.into()),
        (_, None) => Value::Span,
    };
    r.valued(field, len, value)?;
    Ok(())
}

/// A value with its structure, for trees.
///
/// # Errors
/// As [`Reader::peek`].
pub fn shown(r: &mut Reader<'_>, field: F, what: Use, len: usize) -> Result<(), Stop> {
    match what {
        Use::Cookie => r.group(field, |r| list(r, len, b';', |r, n, _| r.text(&f::COOKIE_PAIR, n).map(|_| ()))),
        Use::SetCookie => r.group(field, |r| {
            list(r, len, b';', |r, n, first| {
                r.text(if first { &f::SET_COOKIE_PAIR } else { &f::SET_COOKIE_ATTRIBUTE }, n).map(|_| ())
            })
        }),
        Use::Range => r.group(field, |r| {
            let text = r.peek(len)?;
            let unit = memchr(b'=', text).map_or(0, |i| i.saturating_add(1));
            delimiter(r, unit)?;
            list(r, len.saturating_sub(unit), b',', |r, n, _| r.text(&f::RANGE_SPEC, n).map(|_| ()))
        }),
        Use::ContentRange => content_range(r, field, len),
        Use::Credentials => {
            let at = r.span(len);
            let text = r.text(field, len)?;
            if let Some(known) = basic(text.bytes()) {
                r.derived(&f::CREDENTIALS, at, Text(&known).to_string());
            }
            Ok(())
        }
        _ => plain(r, field, what, len, None),
    }
}

fn delimiter(r: &mut Reader<'_>, n: usize) -> Result<(), Stop> {
    if n > 0 {
        r.bytes(&f::DELIMITER, n)?;
    }
    Ok(())
}

/// The parts of `len` bytes between `mark`s, blanks around them left out; `part` is told whether it is the first.
fn list(
    r: &mut Reader<'_>,
    len: usize,
    mark: u8,
    mut part: impl FnMut(&mut Reader<'_>, usize, bool) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let text = r.peek(len)?;
    let (mut at, mut gap, mut first) = (0usize, 0usize, true);
    while at < len {
        let rest = text.get(at..).unwrap_or(&[]);
        let n = memchr(mark, rest).unwrap_or(rest.len());
        let piece = rest.get(..n).unwrap_or(rest);
        let front = piece.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let inner = piece.trim_ascii().len();
        if inner > 0 {
            delimiter(r, gap.saturating_add(front))?;
            part(r, inner, first)?;
            first = false;
            gap = n.saturating_sub(front).saturating_sub(inner);
        } else {
            gap = gap.saturating_add(n);
        }
        at = at.saturating_add(n);
        if at < len {
            at = at.saturating_add(1);
            gap = gap.saturating_add(1);
        }
    }
    delimiter(r, gap)
}

/// The request target with path, query and its parameters.
///
/// # Errors
/// As [`Reader::peek`].
pub fn uri(r: &mut Reader<'_>, len: usize) -> Result<(), Stop> {
    let text = r.peek(len)?;
    if r.level() != Level::Tree || memchr(b'?', text).is_none() && !text.starts_with(b"/") {
        r.text(&f::URI, len)?;
        return Ok(());
    }
    r.titled(&f::URI, |r| {
        let path = memchr(b'?', text).unwrap_or(len);
        r.text(&f::URI_PATH, path)?;
        if path < len {
            delimiter(r, 1)?;
            let query = len.saturating_sub(path).saturating_sub(1);
            r.group(&f::URI_QUERY, |r| list(r, query, b'&', |r, n, _| r.text(&f::URI_PARAMETER, n).map(|_| ())))?;
        }
        Ok(((), Value::Span))
    })
}

/// `bytes 0-499/1234`.
fn content_range(r: &mut Reader<'_>, field: F, len: usize) -> Result<(), Stop> {
    r.group(field, |r| {
        let text = r.peek(len)?;
        let mut at = 0usize;
        let mut numbers = [&f::RANGE_FIRST, &f::RANGE_LAST, &f::RANGE_TOTAL].into_iter();
        while at < len {
            let rest = text.get(at..).unwrap_or(&[]);
            let n = rest.iter().take(19).take_while(|b| b.is_ascii_digit()).count();
            if n > 0 {
                let value =
                    rest.iter().take(n).fold(0u64, |v, b| v.saturating_mul(10).saturating_add(u64::from(b.wrapping_sub(b'0'))));
                match numbers.next() {
                    Some(field) => r.valued(field, n, Value::U64(value)).map(|_| ())?,
                    None => r.unknown(n)?,
                }
                at = at.saturating_add(n);
            } else {
                let n = rest.iter().take_while(|b| !b.is_ascii_digit()).count();
                if rest.iter().take(n).any(|b| *b == b'*') && at < text.len().saturating_sub(2) {
                    // "*/1234": no range was sent, only the length of the whole is told.
                    numbers.nth(1);
                }
                delimiter(r, n)?;
                at = at.saturating_add(n);
            }
        }
        Ok(())
    })
}

/// User and password of `Basic` credentials (RFC 7617).
fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = value.split_at_checked(5)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let mut out = Vec::new();
    let (mut bits, mut have) = (0u32, 0u32);
    for b in rest.trim_ascii().iter().take(4096) {
        let six = match b {
            b'A'..=b'Z' => b.wrapping_sub(b'A'),
            b'a'..=b'z' => b.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => b.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        have = have.saturating_add(6);
        if have >= 8 {
            have = have.saturating_sub(8);
            out.push((bits >> have) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_told() {
        assert_eq!(basic(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Some(b"Aladdin:open sesame".to_vec()));
        assert_eq!(basic(b"Bearer abc"), None);
        assert_eq!(basic(b"Basic \xff"), None);
    }
}
