//! A filter's text cut into tokens, each with the bytes it stands at.

use crate::error::Error;
use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name, a number, an address, bytes: whatever stands there without quotes.
    Word,
    /// Text in double quotes, escapes resolved: bytes, for `\xff` is one.
    Text(Vec<u8>),
    /// One character in single quotes.
    Char(u8),
    /// What stands between `[` and `]`, to be read by itself.
    Bracket,
    /// What stands between `${` and `}`.
    Reference,
    /// An operator or a mark, as it is written.
    Mark(&'static str),
}

/// A token and its place; for text, brackets and references the marks around it included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub token: Token,
    pub at: Range<usize>,
}

/// Longest first, so that `===` is not `==` and `=`.
const MARKS: [&str; 28] = [
    "===", "!==", "==", "!=", ">=", "<=", "&&", "||", "^^", "~=", "..", "=", ">", "<", "!", "~", "&", "|", "^", "+", "-", "*",
    "/", "%", "(", ")", "{", "}",
];
/// Further marks, which stand alone.
const SINGLE: [&str; 4] = [",", "@", "#", ";"];

/// Longest filter that is read, bytes: far more than a person writes.
pub(crate) const MOST_TEXT: usize = 64 << 10;

/// Cuts a text. `known` says whether a word is a name: only so `frame.number-1` can be told from `ftp-data`.
pub(crate) fn lex(text: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Placed>, Error> {
    if text.len() > MOST_TEXT {
        return Err(Error::new(
            0..text.len(),
            "This filter is too long.",
            format!("It has {} bytes, and at most {MOST_TEXT} are read.", text.len()),
            "Compare with a set instead: tcp.port in {80, 443, 8000..8099}.",
        ));
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let c = rest.chars().next().unwrap_or_default();
        if c.is_whitespace() {
            at = at.saturating_add(c.len_utf8());
            continue;
        }
        let (token, len) = one(rest, at, known)?;
        let end = at.saturating_add(len.max(1));
        out.push(Placed { token, at: at..end });
        at = end;
    }
    Ok(out)
}

fn one(rest: &str, at: usize, known: &dyn Fn(&str) -> bool) -> Result<(Token, usize), Error> {
    if rest.starts_with('"') {
        return quoted(rest, at, false);
    }
    if let Some(raw) = rest.strip_prefix(['r', 'R'])
        && raw.starts_with('"')
    {
        let (token, len) = quoted(raw, at.saturating_add(1), true)?;
        return Ok((token, len.saturating_add(1)));
    }
    if rest.starts_with('\'') {
        return character(rest, at);
    }
    if rest.starts_with("${") {
        return between(rest, at, '}', Token::Reference, "reference", "Write ${tcp.stream}.");
    }
    if rest.starts_with('[') {
        return between(rest, at, ']', Token::Bracket, "slice", "Write the offsets and close it: [0:3].");
    }
    let len = word(rest, known);
    if len > 0 {
        return Ok((Token::Word, len));
    }
    if let Some(m) = MARKS.iter().chain(&SINGLE).find(|m| rest.starts_with(**m)) {
        return Ok((Token::Mark(m), m.len()));
    }
    let c = rest.chars().next().unwrap_or_default();
    let end = at.saturating_add(c.len_utf8());
    let (why, to_do) = match c {
        '“' | '”' | '„' | '‘' | '’' => {
            ("It is a typographer's quotation mark.", "Write plain quotation marks: \"text\".")
        }
        '`' => ("Text stands between double quotes.", "Write \"text\"."),
        ']' => ("No slice was opened before it.", "Write frame[0:4], or leave it out."),
        '\\' => ("A backslash has a meaning inside quotes only.", "Write \"\\\\\" for a backslash in text."),
        _ => ("It is no part of a filter.", "Put text between double quotes: \"text\"."),
    };
    Err(Error::new(at..end, format!("\"{c}\" can not stand here."), why, to_do))
}

/// How many bytes of a word stand at the beginning.
fn word(rest: &str, known: &dyn Fn(&str) -> bool) -> usize {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut len = 0usize;
    let mut cuts = Vec::new();
    for (i, c) in rest.char_indices() {
        let next = rest.get(i.saturating_add(c.len_utf8())..).and_then(|r| r.chars().next());
        let goes_on = next.is_some_and(part);
        let takes = match c {
            // Two dots are a range.
            '.' => next != Some('.') && (i > 0 || goes_on),
            ':' => true,
            '-' | '/' => i > 0 && goes_on,
            _ => part(c),
        };
        if !takes {
            break;
        }
        if matches!(c, '-' | '/') {
            cuts.push(i);
        }
        len = i.saturating_add(c.len_utf8());
    }
    // A minus or a stroke belongs to addresses, bytes and some names; behind a name it calculates.
    let is_name = |to: &usize| rest.get(..*to).is_some_and(known);
    if is_name(&len) { len } else { cuts.into_iter().rev().find(is_name).unwrap_or(len) }
}

/// Text in double quotes; `raw` keeps backslashes.
fn quoted(rest: &str, at: usize, raw: bool) -> Result<(Token, usize), Error> {
    let mut out = Vec::new();
    let mut i = 1usize;
    loop {
        let Some(c) = rest.get(i..).and_then(|r| r.chars().next()) else {
            return Err(Error::new(
                at..at.saturating_add(rest.len()),
                "This text is not closed.",
                "It begins with a quotation mark and has none at its end.",
                "Write a second \" behind it; one inside of the text is written \\\".",
            ));
        };
        let next = i.saturating_add(c.len_utf8());
        match c {
            '"' => return Ok((Token::Text(out), next)),
            '\\' if raw => {
                // Only so can a quotation mark be in it; the backslash stays.
                out.push(b'\\');
                i = next;
                if rest.get(i..).is_some_and(|r| r.starts_with('"')) {
                    out.push(b'"');
                    i = i.saturating_add(1);
                }
            }
            '\\' => {
                let len = escape(rest.get(next..).unwrap_or_default(), &mut out)
                    .map_err(|why| bad_escape(rest, at.saturating_add(i), i, why))?;
                i = next.saturating_add(len);
            }
            _ => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                i = next;
            }
        }
    }
}

fn bad_escape(rest: &str, at: usize, i: usize, why: &'static str) -> Error {
    let c = rest.get(i.saturating_add(1)..).and_then(|r| r.chars().next());
    let end = at.saturating_add(1).saturating_add(c.map_or(0, char::len_utf8));
    Error::new(
        at..end,
        "This escape is none.",
        why,
        "Escapes are \\\" \\\\ \\n \\r \\t \\x41 \\101 \\u00e4; r\"...\" takes backslashes as they are.",
    )
}

/// What stands behind a backslash: pushes the byte or character that it means, and says how long it is.
fn escape(rest: &str, out: &mut Vec<u8>) -> Result<usize, &'static str> {
    let c = rest.chars().next().ok_or("Nothing stands behind the backslash.")?;
    let simple = match c {
        '\'' | '"' | '\\' => c as u8,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        'x' => {
            let digits = count(rest.get(1..).unwrap_or_default(), 2, |c| c.is_ascii_hexdigit());
            let digits = rest.get(1..digits.saturating_add(1)).filter(|d| !d.is_empty());
            let digits = digits.ok_or("\\x needs one or two hexadecimal digits.")?;
            out.push(u8::from_str_radix(digits, 16).map_err(|_| "\\x needs hexadecimal digits.")?);
            return Ok(digits.len().saturating_add(1));
        }
        'u' | 'U' => {
            let want = if c == 'u' { 4 } else { 8 };
            let digits = rest.get(1..).and_then(|r| r.get(..want)).ok_or("\\u needs four hexadecimal digits, \\U eight.")?;
            let n = u32::from_str_radix(digits, 16).map_err(|_| "\\u needs four hexadecimal digits, \\U eight.")?;
            let c = char::from_u32(n).ok_or("No character has that number.")?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(want.saturating_add(1));
        }
        '0'..='7' => {
            let len = count(rest, 3, |c| matches!(c, '0'..='7'));
            let n = u8::from_str_radix(rest.get(..len).unwrap_or_default(), 8);
            out.push(n.map_err(|_| "An octal escape is at most \\377.")?);
            return Ok(len);
        }
        _ => return Err("No such letter has a meaning behind a backslash."),
    };
    out.push(simple);
    Ok(1)
}

fn count(text: &str, most: usize, is: impl Fn(char) -> bool) -> usize {
    text.chars().take(most).take_while(|c| is(*c)).count()
}

fn character(rest: &str, at: usize) -> Result<(Token, usize), Error> {
    let mut out = Vec::new();
    let inside = rest.get(1..).unwrap_or_default();
    let len = match inside.chars().next() {
        Some('\\') => {
            let len = escape(inside.get(1..).unwrap_or_default(), &mut out)
                .map_err(|why| bad_escape(rest, at.saturating_add(1), 1, why))?;
            len.saturating_add(1)
        }
        Some(c) if c != '\'' => {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            c.len_utf8()
        }
        _ => 0,
    };
    let closed = inside.get(len..).is_some_and(|r| r.starts_with('\''));
    match (out.as_slice(), closed) {
        ([b], true) => Ok((Token::Char(*b), len.saturating_add(2))),
        _ => {
            let end = inside.find('\'').map_or(rest.len(), |i| i.saturating_add(2));
            Err(Error::new(
                at..at.saturating_add(end),
                "Single quotes hold exactly one character.",
                "They are the number of that character: 'A' is 65.",
                "Write text in double quotes: \"text\".",
            ))
        }
    }
}

fn between(rest: &str, at: usize, close: char, token: Token, what: &str, to_do: &str) -> Result<(Token, usize), Error> {
    match rest.find(close) {
        Some(end) => Ok((token, end.saturating_add(1))),
        None => Err(Error::new(
            at..at.saturating_add(rest.len()),
            format!("This {what} is not closed."),
            format!("No \"{close}\" stands behind it."),
            to_do,
        )),
    }
}
