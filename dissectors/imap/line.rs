//! Lines of IMAP with their literals: `{12}` at the end of a line says that 12 bytes of any kind follow, and then the line goes on.

use super::fields as f;
use memchr::memchr;
use wirelore_kit::{Reader, Stop};

/// Longer lines are not waited for.
pub const MOST_LINE: usize = 1 << 20;

/// A line: its length with its end, its end, and the literal behind it.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// All of it.
    pub all: usize,
    /// CR LF, or LF alone, or nothing at the end of the stream.
    pub end: usize,
    /// Bytes that follow, if it ends with `{n}`.
    pub literal: Option<u64>,
    /// The client waits for leave to send them.
    pub waits: bool,
}

/// Waits for the end of a line.
///
/// # Errors
/// [`Stop::Short`], or [`Stop::Bad`] for a line that is too long.
pub fn line(r: &mut Reader<'_>) -> Result<Line, Stop> {
    let all = match r.seek(|b, from| memchr(b'\n', b.get(from..)?).map(|i| i.saturating_add(from).saturating_add(1))) {
        Ok(all) if all <= MOST_LINE => all,
        Err(Stop::Bad(_)) if r.left() <= MOST_LINE => {
            return Ok(Line { all: r.left(), end: 0, literal: None, waits: false });
        }
        Err(stop) if r.left() <= MOST_LINE => return Err(stop),
        _ => return Err(Stop::Bad(&f::TOO_LONG)),
    };
    let whole = r.peek(all)?;
    let end = if whole.ends_with(b"\r\n") { 2 } else { 1 };
    let (literal, waits) = literal(whole.get(..all.saturating_sub(end)).unwrap_or(whole));
    Ok(Line { all, end, literal, waits })
}

/// The literal that a line announces: `{12}`, `{12+}`, `{12-}`, `~{12}`; and whether its sender waits for leave.
#[must_use]
pub fn literal(line: &[u8]) -> (Option<u64>, bool) {
    let Some(inside) = line.strip_suffix(b"}") else { return (None, false) };
    let Some(open) = inside.iter().rposition(|b| *b == b'{') else { return (None, false) };
    let digits = inside.get(open.saturating_add(1)..).unwrap_or(&[]);
    let (digits, waits) = match digits {
        [d @ .., b'+' | b'-'] => (d, false),
        d => (d, true),
    };
    let number =
        std::str::from_utf8(digits).ok().filter(|d| !d.is_empty() && d.len() < 12 && d.bytes().all(|b| b.is_ascii_digit()));
    (number.and_then(|d| d.parse().ok()), waits)
}

/// The next word of a line: an atom, or a quoted string with its quotes. Returns its length.
#[must_use]
pub fn word(line: &[u8]) -> usize {
    if line.first() != Some(&b'"') {
        return memchr(b' ', line).unwrap_or(line.len());
    }
    let mut escaped = false;
    for (i, b) in line.iter().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return i.saturating_add(1),
            _ => {}
        }
    }
    line.len()
}

/// A quoted string without quotes and backslashes.
#[must_use]
pub fn unquoted(word: &[u8]) -> String {
    let Some(inside) = word.strip_prefix(b"\"").and_then(|w| w.strip_suffix(b"\"")) else {
        return String::from_utf8_lossy(word).into_owned();
    };
    let mut out = Vec::with_capacity(inside.len());
    let mut escaped = false;
    for b in inside {
        if *b == b'\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(*b);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_words_are_told_apart() {
        assert_eq!(literal(b"a APPEND x {310}"), (Some(310), true));
        assert_eq!(literal(b"a APPEND x {310+}"), (Some(310), false));
        assert_eq!(literal(b"* 1 FETCH (BODY[] ~{0}"), (Some(0), true));
        assert_eq!(literal(b"a {x}"), (None, true));
        assert_eq!(literal(b"plain"), (None, false));
        assert_eq!(word(b"\"a \\\" b\" c"), 8);
        assert_eq!(unquoted(b"\"a \\\" b\""), "a \" b");
    }
}
