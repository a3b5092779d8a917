//! Values of RESP2 and RESP3: how long one is, and its tree.

use super::fields as f;
use wirelore_kit::{F, Level, Reader, Stop, Value};

/// Arrays are followed so deep.
const MOST_DEPTH: u32 = 16;
/// A value of more elements in all is none.
const MOST_ELEMENTS: u64 = 1 << 20;
/// A bulk string of more bytes (512 MB is the server's own bound) is none.
const MOST_BULK: i64 = 512 << 20;
/// A line of this protocol is not longer.
const MOST_LINE: usize = 64 << 10;

/// What a search for the end of a value came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// It has so many bytes.
    Whole(usize),
    /// At least so many bytes are needed.
    More(usize),
    /// This is no value.
    Bad,
}

/// The signs that begin values.
pub const fn is_type(b: u8) -> bool {
    matches!(b, b'+' | b'-' | b':' | b'$' | b'*' | b'_' | b'#' | b',' | b'(' | b'!' | b'=' | b'%' | b'~' | b'>' | b'|')
}

/// How many values stand in an aggregate of that sign and count.
const fn elements(sign: u8, count: i64) -> i64 {
    match sign {
        b'%' | b'|' => count.saturating_mul(2),
        _ => count,
    }
}

/// The line that begins `b`, without its end, and its length with it.
pub fn line(b: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', b.get(..b.len().min(MOST_LINE)).unwrap_or(b))?;
    let text = b.get(..end)?;
    Some((text.strip_suffix(b"\r").unwrap_or(text), end.saturating_add(1)))
}

fn integer(b: &[u8]) -> Option<i64> {
    std::str::from_utf8(b).ok()?.parse().ok()
}

/// How far a value was looked through, so that each byte of one that comes slowly is looked at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    start: u64,
    at: usize,
    /// Values still to come behind `at`.
    left: u64,
    seen: u64,
}

/// Finds the end of the value that begins `b`, which is at stream offset `start`.
pub fn size(b: &[u8], start: u64, p: &mut Progress) -> Size {
    if p.start != start || p.left == 0 {
        *p = Progress { start, at: 0, left: 1, seen: 0 };
    }
    while p.left > 0 {
        let here = b.get(p.at..).unwrap_or(&[]);
        let Some(sign) = here.first().copied() else { return Size::More(p.at.saturating_add(1)) };
        if !is_type(sign) {
            return Size::Bad;
        }
        let Some((text, mut len)) = line(here) else {
            return if here.len() >= MOST_LINE { Size::Bad } else { Size::More(b.len().saturating_add(1)) };
        };
        let number = integer(text.get(1..).unwrap_or(&[]));
        let mut inside = 0;
        match (sign, number) {
            (b'$' | b'!' | b'=', Some(-1)) | (b'*', Some(-1)) => {}
            (b'$' | b'!' | b'=', Some(n @ 0..=MOST_BULK)) => {
                len = len.saturating_add(n as usize).saturating_add(2);
                if here.len() < len {
                    return Size::More(p.at.saturating_add(len));
                }
            }
            (b'*' | b'%' | b'~' | b'>', Some(n @ 0..)) => inside = elements(sign, n),
            // An attribute stands in front of the value that it belongs to.
            (b'|', Some(n @ 0..)) => inside = elements(sign, n).saturating_add(1),
            (b'+' | b'-' | b'_' | b'#' | b',' | b'(', _) | (b':', Some(_)) => {}
            _ => return Size::Bad,
        }
        p.left = p.left.saturating_sub(1).saturating_add(inside.unsigned_abs());
        p.seen = p.seen.saturating_add(1);
        if p.left.saturating_add(p.seen) > MOST_ELEMENTS {
            return Size::Bad;
        }
        p.at = p.at.saturating_add(len);
    }
    Size::Whole(p.at)
}

/// What a list shows of a value, and what the state needs of it.
#[derive(Debug, Default, Clone)]
pub struct Shown<'a> {
    /// Its sign.
    pub sign: u8,
    /// The text of a string or number.
    pub text: &'a [u8],
    /// Elements of an aggregate.
    pub count: i64,
    /// Texts of the first elements.
    pub first: [&'a [u8]; 3],
    /// It is null.
    pub null: bool,
}

fn mark(r: &mut Reader<'_>, n: usize) -> Result<(), Stop> {
    r.bytes(&f::MARK, n).map(|_| ())
}

/// Which fields the texts of a command get.
pub type Naming<'n> = &'n dyn Fn(usize, &[&[u8]; 3]) -> F;

/// Reads one value. `naming`: what the elements of the outermost array are, where it is a command.
///
/// # Errors
/// [`Stop::Bad`].
pub fn value<'a>(r: &mut Reader<'a>, depth: u32, field: Option<F>, naming: Option<Naming<'_>>) -> Result<Shown<'a>, Stop> {
    let Some((text, len)) = line(r.rest()) else { return Err(Stop::Bad(&f::NOT_RESP)) };
    let [sign, body @ ..] = text else { return Err(Stop::Bad(&f::NOT_RESP)) };
    let end = len.saturating_sub(text.len());
    let number = integer(body);
    let mut shown = Shown { sign: *sign, text: body, ..Shown::default() };
    let simple: F = match sign {
        b'+' => &f::SIMPLE,
        b'-' => &f::ERROR,
        b':' => &f::INTEGER,
        b'_' => &f::NULL,
        b'#' => &f::BOOLEAN,
        b',' => &f::DOUBLE,
        b'(' => &f::BIG,
        b'$' | b'!' | b'=' => {
            let Some(n) = number else { return Err(Stop::Bad(&f::BAD_LENGTH)) };
            r.group(&f::BULK, |r| {
                mark(r, 1)?;
                r.valued(&f::BULK_LENGTH, body.len(), Value::I64(n))?;
                mark(r, end)?;
                shown.null = n < 0;
                shown.text = &[];
                if let Ok(n) = usize::try_from(n) {
                    shown.text = r.peek(n)?;
                    let field = field.unwrap_or(if *sign == b'!' { &f::ERROR } else { &f::BULK_VALUE });
                    r.text(field, n)?;
                    if r.peek(2)? != b"\r\n" {
                        r.note(&f::NO_LINE_END, r.span(2));
                    }
                    mark(r, 2)?;
                }
                if r.level() == Level::Tree && field.is_none_or(|f| !f.is(&super::fields::SECRET)) {
                    r.title(String::from_utf8_lossy(shown.text.get(..64).unwrap_or(shown.text)).into_owned());
                }
                Ok(())
            })?;
            return Ok(shown);
        }
        _ => {
            let Some(n) = number else { return Err(Stop::Bad(&f::BAD_LENGTH)) };
            shown.count = n;
            shown.null = n < 0;
            shown.text = &[];
            let all = elements(*sign, n);
            r.group(&f::ARRAY, |r| {
                mark(r, 1)?;
                r.valued(&f::COUNT, body.len(), Value::I64(n))?;
                mark(r, end)?;
                for i in 0..usize::try_from(all).unwrap_or(0) {
                    if depth >= MOST_DEPTH {
                        let mut p = Progress::default();
                        let Size::Whole(n) = size(r.rest(), 0, &mut p) else { return Err(Stop::Bad(&f::NOT_RESP)) };
                        r.note(&f::TOO_DEEP, r.span(n));
                        r.text(&f::DEEP, n)?;
                        continue;
                    }
                    let field = naming.map(|name| name(i, &shown.first));
                    let one = value(r, depth.saturating_add(1), field, None)?;
                    if let Some(slot) = shown.first.get_mut(i) {
                        *slot = one.text;
                    }
                }
                Ok(())
            })?;
            if *sign == b'|' && depth < MOST_DEPTH {
                return value(r, depth.saturating_add(1), field, naming);
            }
            return Ok(shown);
        }
    };
    mark(r, 1)?;
    let here = r.span(body.len());
    r.text(simple, body.len())?;
    if *sign == b'-' {
        r.note(&f::SAID_NO, here);
    }
    mark(r, end)?;
    shown.null = *sign == b'_';
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_comes_byte_by_byte_ends_where_it_does_at_once() {
        for (text, want) in [
            ("+OK\r\n", Size::Whole(5)),
            ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nrest", Size::Whole(20)),
            ("%1\r\n+a\r\n*0\r\n:1\r\n", Size::Whole(12)),
            ("|1\r\n+ttl\r\n:3\r\n$-1\r\n", Size::Whole(19)),
            ("*-1\r\n", Size::Whole(5)),
            ("$x\r\n", Size::Bad),
            ("*99999999999\r\n", Size::Bad),
        ] {
            let mut p = Progress::default();
            let mut found = None;
            for n in 1..=text.len() {
                match size(&text.as_bytes()[..n], 9, &mut p) {
                    Size::More(need) => assert!(need > n, "{text:?} at {n}"),
                    end => {
                        found = Some(end);
                        break;
                    }
                }
            }
            assert_eq!(found, Some(want), "{text:?}");
            assert_eq!(size(text.as_bytes(), 9, &mut Progress::default()), want, "{text:?} at once");
        }
    }
}
