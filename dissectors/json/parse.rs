//! A JSON text as a tree (RFC 8259), leniently: what is wrong is noted, and what is right before it is shown.

use super::fields as f;
use std::borrow::Cow;
use wirelore_kit::{F, Level, Reader, Stop, Text, Value};

/// Objects and arrays are followed so deep.
const MOST_DEPTH: u32 = 24;
/// Keys of one object that are held against each other.
const MOST_KEYS: usize = 256;

/// Blanks between tokens; the record separator of RFC 7464 and the mark of UTF-8 count as such.
pub const fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x1e | 0xef | 0xbb | 0xbf)
}

/// Letters of numbers and of `true`, `false`, `null`.
pub const fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')
}

/// Takes `n` bytes and the blanks behind them.
fn delimiter(r: &mut Reader<'_>, n: usize) -> Result<(), Stop> {
    let blanks = r.rest().iter().skip(n).take_while(|b| is_blank(**b)).count();
    let all = n.saturating_add(blanks);
    if all > 0 {
        r.bytes(&f::DELIMITER, all)?;
    }
    Ok(())
}

/// Reads a value of any kind; gives what a line shows of it.
///
/// # Errors
/// [`Stop::Bad`] where no value begins or it is cut.
pub fn value(r: &mut Reader<'_>, depth: u32) -> Result<String, Stop> {
    match r.rest().first() {
        Some(b'{' | b'[') if depth >= MOST_DEPTH => {
            let len = super::scan::Scan::default().end(0, r.rest()).unwrap_or(r.left());
            r.note(&f::TOO_DEEP, r.span(len));
            r.text(&f::DEEP, len)?;
            Ok("…".into())
        }
        Some(b'{') => object(r, depth),
        Some(b'[') => array(r, depth),
        Some(b'"') => {
            let text = string(r, &f::STRING)?;
            Ok(format!("{:?}", Text(short(text.as_bytes()))))
        }
        Some(b) if is_word(*b) => word(r),
        _ => Err(Stop::Bad(&f::NOT_JSON)),
    }
}

fn object(r: &mut Reader<'_>, depth: u32) -> Result<String, Stop> {
    r.group(&f::OBJECT, |r| {
        delimiter(r, 1)?;
        let mut keys: Vec<String> = Vec::new();
        let mut members = 0usize;
        loop {
            match r.rest().first() {
                Some(b'}') => {
                    r.bytes(&f::DELIMITER, 1)?;
                    break;
                }
                Some(b'"') => {}
                _ => return Err(Stop::Bad(&f::NOT_JSON)),
            }
            let from = r.at();
            let key = r.group(&f::MEMBER, |r| {
                let key = string(r, &f::KEY)?;
                delimiter(r, 0)?;
                if r.rest().first() != Some(&b':') {
                    return Err(Stop::Bad(&f::NOT_JSON));
                }
                delimiter(r, 1)?;
                let line = value(r, depth.saturating_add(1))?;
                r.title(format!("{}: {line}", Text(key.as_bytes())));
                Ok(key)
            })?;
            if keys.contains(&key) {
                r.note(&f::SAME_KEY, r.since(from));
            } else if keys.len() < MOST_KEYS {
                keys.push(key);
            }
            members = members.saturating_add(1);
            separator(r, b'}')?;
        }
        let s = if members == 1 { "" } else { "s" };
        let line = format!("{members} member{s}");
        r.title(line.as_str());
        Ok(format!("{{{line}}}"))
    })
}

fn array(r: &mut Reader<'_>, depth: u32) -> Result<String, Stop> {
    r.group(&f::ARRAY, |r| {
        delimiter(r, 1)?;
        let mut items = 0usize;
        while r.rest().first() != Some(&b']') {
            value(r, depth.saturating_add(1))?;
            items = items.saturating_add(1);
            separator(r, b']')?;
        }
        r.bytes(&f::DELIMITER, 1)?;
        let s = if items == 1 { "" } else { "s" };
        let line = format!("{items} item{s}");
        r.title(line.as_str());
        Ok(format!("[{line}]"))
    })
}

/// A comma, or nothing where the end follows; what else stands there is no JSON.
fn separator(r: &mut Reader<'_>, end: u8) -> Result<(), Stop> {
    delimiter(r, 0)?;
    match r.rest().first() {
        Some(b',') => {
            let from = r.at();
            delimiter(r, 1)?;
            if r.rest().first() == Some(&end) {
                r.note(&f::TRAILING_COMMA, r.since(from));
            }
            Ok(())
        }
        Some(b) if *b == end => Ok(()),
        _ => Err(Stop::Bad(&f::NOT_JSON)),
    }
}

fn string(r: &mut Reader<'_>, field: F) -> Result<String, Stop> {
    let rest = r.rest();
    let mut escaped = false;
    let end = rest.iter().skip(1).position(|b| {
        let done = *b == b'"' && !escaped;
        escaped = *b == b'\\' && !escaped;
        done
    });
    let Some(end) = end else {
        // The end is missing: what is there is shown all the same.
        let inner = rest.get(1..).unwrap_or(&[]);
        let value = Value::from(unescape(inner).0.as_ref());
        r.valued(field, rest.len(), value)?;
        return Err(Stop::Bad(&wirelore_kit::note::OVERRUN));
    };
    let inner = rest.get(1..end.saturating_add(1)).unwrap_or(&[]);
    let here = r.span(end.saturating_add(2));
    let (text, bad) = unescape(inner);
    if bad {
        r.note(&f::BAD_ESCAPE, here);
    }
    if inner.iter().any(|b| *b < 0x20) {
        r.note(&f::CONTROL, here);
    }
    let shown = if r.level() == Level::Tree { Value::from(text.as_ref()) } else { Value::Span };
    r.valued(field, end.saturating_add(2), shown)?;
    Ok(text.into_owned())
}

fn word(r: &mut Reader<'_>) -> Result<String, Stop> {
    let len = r.rest().iter().take_while(|b| is_word(**b)).count();
    let word = r.peek(len)?;
    let here = r.span(len);
    if !matches!(word, b"true" | b"false" | b"null") && !is_number(word) {
        r.note(&f::BAD_WORD, here);
    }
    let letters = word.first().is_some_and(u8::is_ascii_alphabetic);
    r.text(if letters { &f::LITERAL } else { &f::NUMBER }, len)?;
    Ok(Text(short(word)).to_string())
}

/// The grammar of numbers (§6).
pub fn is_number(word: &[u8]) -> bool {
    let digits = |b: &[u8]| b.iter().take_while(|c| c.is_ascii_digit()).count();
    let rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.first() == Some(&b'0')) {
        return false;
    }
    let mut rest = rest.get(whole..).unwrap_or(&[]);
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = fraction.get(n..).unwrap_or(&[]);
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', e @ ..] => e,
            e => e,
        };
        let n = digits(exponent);
        return n > 0 && n == exponent.len();
    }
    rest.is_empty()
}

/// The beginning of a value, for lines that show it.
fn short(b: &[u8]) -> &[u8] {
    b.get(..64).unwrap_or(b)
}

/// A string's characters with escapes undone (§7), and whether some escape was wrong.
pub fn unescape(inner: &[u8]) -> (Cow<'_, str>, bool) {
    if memchr::memchr(b'\\', inner).is_none() {
        return (String::from_utf8_lossy(inner), false);
    }
    let (mut out, mut bad) = (Vec::with_capacity(inner.len()), false);
    let mut rest = inner;
    while let [b, more @ ..] = rest {
        rest = more;
        if *b != b'\\' {
            out.push(*b);
            continue;
        }
        let [kind, more @ ..] = rest else {
            bad = true;
            break;
        };
        rest = more;
        match kind {
            b'"' | b'\\' | b'/' => out.push(*kind),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let first = unit(&mut rest);
                let low = match (first, rest) {
                    (Some(0xd800..=0xdbff), [b'\\', b'u', more @ ..]) => {
                        let mut behind = more;
                        let low = unit(&mut behind).filter(|u| (0xdc00..0xe000).contains(u));
                        if low.is_some() {
                            rest = behind;
                        }
                        low
                    }
                    _ => None,
                };
                let units = [first.unwrap_or(0xfffd), low.unwrap_or(0)];
                let units = units.get(..if low.is_some() { 2 } else { 1 }).unwrap_or(&[]);
                for c in char::decode_utf16(units.iter().copied()) {
                    bad |= c.is_err() || first.is_none();
                    out.extend_from_slice(c.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            other => {
                bad = true;
                out.push(*other);
            }
        }
    }
    (String::from_utf8_lossy(&out).into_owned().into(), bad)
}

/// Four hexadecimal digits.
fn unit(rest: &mut &[u8]) -> Option<u16> {
    let (digits, more) = rest.split_first_chunk::<4>()?;
    let value = digits.iter().try_fold(0u32, |v, d| Some((v << 4) | char::from(*d).to_digit(16)?))?;
    *rest = more;
    u16::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_grammar() {
        for good in ["0", "-0", "10", "1.5", "1e9", "-1.25E-3", "123456789012345678901234567890"] {
            assert!(is_number(good.as_bytes()), "{good}");
        }
        for bad in ["", "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x10", "NaN", "Infinity", "1.2.3", "--1"] {
            assert!(!is_number(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn escapes_are_undone_and_broken_ones_told() {
        let good = |t: &str, want: &str| assert_eq!(unescape(t.as_bytes()), (want.into(), false), "{t}");
        good(r#"a\"\\\/\b\f\n\r\t"#, "a\"\\/\u{8}\u{c}\n\r\t");
        good(r"\u00e9\ud83d\ude00", "é😀");
        for bad in [r"\x", r"\u12", r"\ud83d", r"\ud83d\u0041", r"\ude00", "\\"] {
            assert!(unescape(bad.as_bytes()).1, "{bad}");
        }
        assert_eq!(unescape(br"\ud83d\u0041").0, "\u{fffd}A");
    }
}
