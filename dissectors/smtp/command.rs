//! Command lines of SMTP: verb, parameters, addresses and what extensions add, as fields and as a value.

use super::{fields as f, notes as n};
use crate::coding::sasl::{self, Mechanism};
use memchr::memchr;
use wirelore_kit::{Reader, Span, Stop, Text, Value};

/// Longer lines are not waited for.
pub const MOST_LINE: usize = 64 * 1024;
/// At most so many parameters of one command are listed.
const MOST_PARAMETERS: usize = 64;

/// What a command does to the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// EHLO or HELO; LHLO where `lmtp`.
    Hello {
        /// Whether it begins LMTP.
        lmtp: bool,
    },
    /// AUTH.
    Auth,
    /// STARTTLS.
    StartTls,
    /// MAIL (and the forgotten SEND, SOML, SAML).
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// BDAT: a chunk of so many bytes follows.
    Chunk {
        /// How many; `None` where that cannot be read.
        size: Option<u64>,
        /// Whether it is the last one.
        last: bool,
    },
    /// RSET.
    Reset,
    /// QUIT.
    Quit,
    /// Any other that is known.
    Other,
    /// One that no RFC knows.
    Unknown,
}

/// A command line as read.
#[derive(Debug)]
pub struct Command<'a> {
    /// What it does.
    pub verb: Verb,
    /// The verb as sent.
    pub name: &'a [u8],
    /// What stands behind it, to its line end; of AUTH the mechanism only.
    pub parameter: &'a [u8],
    /// The address of MAIL or RCPT, without brackets.
    pub address: &'a [u8],
    /// The size that MAIL announces.
    pub size: Option<u64>,
    /// The mechanism of AUTH, and whether the first answer stands in the same line.
    pub auth: (Mechanism, bool),
}

/// Commands of RFC 5321, of its extensions, and those that well-known programs use among themselves.
const VERBS: &[(&str, Verb)] = &[
    ("EHLO", Verb::Hello { lmtp: false }),
    ("HELO", Verb::Hello { lmtp: false }),
    ("LHLO", Verb::Hello { lmtp: true }),
    ("MAIL", Verb::Mail),
    ("RCPT", Verb::Rcpt),
    ("DATA", Verb::Data),
    ("BDAT", Verb::Chunk { size: None, last: false }),
    ("RSET", Verb::Reset),
    ("QUIT", Verb::Quit),
    ("AUTH", Verb::Auth),
    ("STARTTLS", Verb::StartTls),
    ("NOOP", Verb::Other),
    ("VRFY", Verb::Other),
    ("EXPN", Verb::Other),
    ("HELP", Verb::Other),
    ("ETRN", Verb::Other),
    ("TURN", Verb::Other),
    ("ATRN", Verb::Other),
    ("SEND", Verb::Mail),
    ("SOML", Verb::Mail),
    ("SAML", Verb::Mail),
    ("BURL", Verb::Other),
    ("XCLIENT", Verb::Other),
    ("XFORWARD", Verb::Other),
];

/// The command that a line begins with, if it is one that is known.
#[must_use]
pub fn known(line: &[u8]) -> Option<Verb> {
    let word = line.split(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).next().unwrap_or(line);
    VERBS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word)).map(|(_, v)| *v)
}

/// Whether the bytes, however few, may go on to be a known command.
#[must_use]
pub fn may_be(bytes: &[u8]) -> bool {
    let word = bytes.get(..8).unwrap_or(bytes);
    VERBS.iter().any(|(name, _)| {
        let n = name.len().min(word.len());
        name.as_bytes().get(..n).is_some_and(|p| word.get(..n).is_some_and(|w| w.eq_ignore_ascii_case(p)))
            && word.get(n).is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b':'))
    })
}

/// Whether a line can be a command at all: a word of letters and digits, then printable text.
#[must_use]
pub fn is_line(line: &[u8]) -> bool {
    let word = line.split(|b| *b == b' ').next().unwrap_or(line);
    word.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'=' | b'+' | b'/' | b'*' | b'_' | b':' | b'.'))
        && line.iter().all(|b| *b >= b' ' && *b != 0x7f || *b == b'\t')
}

/// Length of the line with its end, and of the end. Waits for the end of the line.
///
/// # Errors
/// [`Stop::Short`], or [`Stop::Bad`] for a line that is too long.
pub fn line(r: &mut Reader<'_>) -> Result<(usize, usize), Stop> {
    let all = match r.seek(|b, from| memchr(b'\n', b.get(from..)?).map(|i| i.saturating_add(from).saturating_add(1))) {
        Ok(all) if all <= MOST_LINE => all,
        Err(Stop::Bad(_)) if r.left() <= MOST_LINE => return Ok((r.left(), 0)),
        Err(stop) if r.left() <= MOST_LINE => return Err(stop),
        _ => return Err(Stop::Bad(&n::TOO_LONG)),
    };
    let line = r.peek(all)?;
    Ok((all, if line.ends_with(b"\r\n") { 2 } else { 1 }))
}

/// Reads a command line of `all` bytes, of which the last `end` are its end. `tls`: nobody can listen to passwords.
///
/// # Errors
/// As [`Reader::bytes`].
pub fn read<'a>(r: &mut Reader<'a>, all: usize, end: usize) -> Result<Command<'a>, Stop> {
    let from = r.at();
    let whole = r.peek(all)?;
    let body = whole.get(..all.saturating_sub(end)).unwrap_or(whole);
    let word = body.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(body.len());
    let verb = known(body).unwrap_or(Verb::Unknown);
    let mut c = Command {
        verb,
        name: body.get(..word).unwrap_or(body),
        parameter: &[],
        address: &[],
        size: None,
        auth: (Mechanism::Other, false),
    };
    r.group(&f::SMTP, |r| {
        r.group(&f::COMMAND_LINE, |r| {
            r.text(&f::COMMAND, word)?;
            let rest = body.get(word..).unwrap_or(&[]);
            let gap = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            if gap > 0 {
                r.bytes(&f::DELIMITER, gap)?;
            }
            let rest = rest.get(gap..).unwrap_or(&[]);
            let kept = rest.len().saturating_sub(rest.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count());
            let parameter = rest.get(..kept).unwrap_or(rest);
            let behind = rest.len().saturating_sub(kept).saturating_add(end);
            let at = r.at();
            match verb {
                Verb::Auth => auth(r, parameter, &mut c)?,
                _ => {
                    if !parameter.is_empty() {
                        r.text(&f::PARAMETER, parameter.len())?;
                    }
                    c.parameter = parameter;
                }
            }
            let base = r.span(0);
            let place = |from: usize, len: usize| Span { at: at.saturating_add(from as u64), len: len as u32, ..base };
            match verb {
                Verb::Hello { .. } => r.derived(&f::CLIENT_NAME, place(0, parameter.len()), Text(parameter).to_string()),
                Verb::Mail | Verb::Rcpt => path(r, parameter, &place, &mut c),
                Verb::Chunk { .. } => c.verb = chunk(r, parameter, &place),
                _ => {}
            }
            if behind > 0 {
                r.bytes(&f::DELIMITER, behind)?;
            }
            Ok(())
        })
    })?;
    let here = r.since(from);
    if end == 1 {
        r.note(&n::COMMAND_BARE_LF, here);
    }
    // Parameters of extensions add to the 512 octets; AUTH may take 12,288 (RFC 4954 §4).
    let most = match verb {
        Verb::Auth => 12_288,
        Verb::Mail | Verb::Rcpt => 1_536,
        _ => 512,
    };
    if all > most {
        r.note(&n::COMMAND_LONG, here);
    }
    match c.verb {
        Verb::Unknown => r.note(&n::UNKNOWN_COMMAND, here),
        Verb::Chunk { size: None, .. } => r.note(&n::SIZE_BAD, here),
        _ => {}
    }
    Ok(c)
}

fn auth<'a>(r: &mut Reader<'a>, parameter: &'a [u8], c: &mut Command<'a>) -> Result<(), Stop> {
    let len = parameter.iter().position(|b| *b == b' ').unwrap_or(parameter.len());
    let name = parameter.get(..len).unwrap_or(parameter);
    let at = r.span(len);
    if len > 0 {
        r.text(&f::PARAMETER, len)?;
    }
    r.derived(&f::AUTH_MECHANISM, at, Text(name).to_string().to_ascii_uppercase());
    c.parameter = name;
    let rest = parameter.get(len..).unwrap_or(&[]);
    let gap = rest.iter().take_while(|b| **b == b' ').count();
    if gap > 0 {
        r.bytes(&f::DELIMITER, gap)?;
    }
    let initial = rest.get(gap..).unwrap_or(&[]);
    c.auth = (Mechanism::named(name), !initial.is_empty());
    if !initial.is_empty() {
        sasl::response(r, initial.len(), c.auth.0, 0, &f::SASL)?;
    }
    Ok(())
}

/// `FROM:<address> KEY=value ...`
fn path<'a>(r: &mut Reader<'a>, parameter: &'a [u8], place: &dyn Fn(usize, usize) -> Span, c: &mut Command<'a>) {
    let from = memchr(b':', parameter).map_or(0, |i| i.saturating_add(1));
    let rest = parameter.get(from..).unwrap_or(&[]);
    let blank = rest.iter().take_while(|b| **b == b' ').count();
    let rest = rest.get(blank..).unwrap_or(&[]);
    let from = from.saturating_add(blank);
    let (at, len, next) = match rest.first() {
        Some(b'<') => {
            let close = close_of(rest).unwrap_or(rest.len());
            (from.saturating_add(1), close.saturating_sub(1), close.saturating_add(1))
        }
        _ => {
            let len = memchr(b' ', rest).unwrap_or(rest.len());
            r.note(&n::NO_BRACKETS, place(0, parameter.len()));
            (from, len, len)
        }
    };
    if blank > 0 {
        r.note(&n::BLANK_IN_PATH, place(from.saturating_sub(blank), blank));
    }
    let address = parameter.get(at..at.saturating_add(len)).unwrap_or(&[]);
    // A source route before the mailbox is to be ignored (RFC 5321 §4.1.1.3).
    let route = if address.first() == Some(&b'@') { memchr(b':', address).map_or(0, |i| i.saturating_add(1)) } else { 0 };
    c.address = address.get(route..).unwrap_or(address);
    let field = if c.verb == Verb::Mail { &f::MAIL_FROM } else { &f::RCPT_TO };
    let shown = if c.address.is_empty() { "<>".to_owned() } else { Text(c.address).to_string() };
    r.derived(field, place(at.saturating_add(route), c.address.len()), shown);
    let mut at = from.saturating_add(next);
    for word in rest.get(next..).unwrap_or(&[]).split(|b| *b == b' ').take(MOST_PARAMETERS) {
        if !word.is_empty() {
            parameter_of(r, word, place(at, word.len()), c);
        }
        at = at.saturating_add(word.len()).saturating_add(1);
    }
}

/// The bracket that closes the first one; quoted parts of the local part may hold others.
fn close_of(path: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, b) in path.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(i),
            _ => {}
        }
    }
    None
}

fn parameter_of(r: &mut Reader<'_>, word: &[u8], of: Span, c: &mut Command<'_>) {
    let eq = memchr(b'=', word).unwrap_or(word.len());
    let (key, value) = (word.get(..eq).unwrap_or(word), word.get(eq.saturating_add(1)..).unwrap_or(&[]));
    let is = |k: &str| key.eq_ignore_ascii_case(k.as_bytes());
    let shown = || Text(value).to_string();
    if is("SIZE") {
        let n = number(value);
        c.size = n;
        if let Some(n) = n {
            return r.derived(&f::SIZE, of, n);
        }
    }
    let (field, value): (_, Value) = if is("BODY") {
        (&f::BODY, shown().into())
    } else if is("SMTPUTF8") {
        (&f::SMTPUTF8, Value::Bool(true))
    } else if is("RET") {
        (&f::RET, shown().into())
    } else if is("ENVID") {
        (&f::ENVID, xtext(value).into())
    } else if is("NOTIFY") {
        (&f::NOTIFY, shown().into())
    } else if is("ORCPT") {
        (&f::ORCPT, xtext(value).into())
    } else if is("AUTH") {
        (&f::AUTH_PARAMETER, xtext(value).into())
    } else {
        (&f::ESMTP, Text(word).to_string().into())
    };
    r.derived(field, of, value);
}

fn chunk(r: &mut Reader<'_>, parameter: &[u8], place: &dyn Fn(usize, usize) -> Span) -> Verb {
    let len = memchr(b' ', parameter).unwrap_or(parameter.len());
    let size = number(parameter.get(..len).unwrap_or(parameter));
    let last = parameter.get(len..).is_some_and(|l| l.trim_ascii().eq_ignore_ascii_case(b"LAST"));
    if let Some(size) = size {
        r.derived(&f::CHUNK_SIZE, place(0, len), size);
    }
    r.derived(&f::CHUNK_LAST, place(len, parameter.len().saturating_sub(len)), Value::Bool(last));
    Verb::Chunk { size, last }
}

fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok().filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok()
}

/// xtext (RFC 3461 §4): `+` and two hex digits stand for a byte.
fn xtext(value: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'+', Some(byte)) => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or(&[]);
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_undone_and_odd_plus_signs_stay() {
        assert_eq!(xtext(b"rfc822;Dana+40cafe.test"), "rfc822;Dana@cafe.test");
        assert_eq!(xtext(b"a+4"), "a+4");
        assert_eq!(xtext(b"a+zz"), "a+zz");
    }

    #[test]
    fn known_verbs_in_any_case_and_beginnings_of_them() {
        assert_eq!(known(b"ehlo a\r\n"), Some(Verb::Hello { lmtp: false }));
        assert_eq!(known(b"DATAX\r\n"), None);
        assert!(may_be(b"STAR") && may_be(b"m") && may_be(b"QUIT\r") && !may_be(b"GET /") && !may_be(b"DATAX"));
    }
}
