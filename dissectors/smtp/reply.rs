//! Replies of SMTP: lines with codes (RFC 5321 §4.2), enhanced status codes in words (RFC 3463), and what EHLO's reply offers.

use super::{fields as f, notes as n};
use crate::coding::sasl;
use memchr::{memchr, memrchr};
use wirelore_kit::{Level, Reader, Stop, Text, Value};

/// A reply of more bytes is not waited for.
const MOST_REPLY: usize = 256 * 1024;

/// A reply as read.
#[derive(Debug)]
pub struct Reply<'a> {
    /// Its code.
    pub code: u16,
    /// The text of its first line, without an enhanced code.
    pub text: &'a [u8],
    /// Lines.
    pub lines: u32,
    /// Among the lines behind the first: PIPELINING.
    pub pipelining: bool,
}

/// The code of a line, and whether other lines of the reply follow.
#[must_use]
pub fn code(line: &[u8]) -> Option<(u16, bool)> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else { return None };
    let digit = |d: &u8| u16::from(d.saturating_sub(b'0'));
    let code = digit(a).saturating_mul(100).saturating_add(digit(b).saturating_mul(10)).saturating_add(digit(c));
    match rest.first() {
        Some(b'-') => Some((code, true)),
        None | Some(b' ' | b'\r' | b'\n' | b'\t') => Some((code, false)),
        _ => None,
    }
}

/// Length of the reply, if its last line is there.
fn end(bytes: &[u8], from: usize) -> Option<usize> {
    // Lines that were there before are not the last one, but the one under way may be.
    let mut at = memrchr(b'\n', bytes.get(..from)?).map_or(0, |i| i.saturating_add(1));
    loop {
        let rest = bytes.get(at..)?;
        let len = memchr(b'\n', rest)?.saturating_add(1);
        at = at.saturating_add(len);
        // A line without a code ends it too: it is not of this reply.
        if !code(rest.get(..len)?).is_some_and(|c| c.1) {
            return Some(at);
        }
    }
}

/// Reads one reply with all its lines. `hello`: its lines behind the first are capabilities. `words`: what it answers.
///
/// # Errors
/// [`Stop::Short`]; [`Stop::Bad`] where no reply begins.
pub fn read<'a>(r: &mut Reader<'a>, hello: bool, words: impl FnOnce(&mut Reader<'a>, u16)) -> Result<Reply<'a>, Stop> {
    let start = r.rest();
    let starts = start.iter().take(3).all(u8::is_ascii_digit) && start.first().is_none_or(|b| matches!(b, b'2'..=b'5'));
    if !starts || start.len() > 3 && code(start).is_none() {
        return Err(Stop::Bad(&n::NOT_REPLY));
    }
    let all = match r.seek(end) {
        Ok(all) => all,
        Err(_) if r.left() > MOST_REPLY => return Err(Stop::Bad(&n::TOO_LONG)),
        Err(Stop::Bad(_)) => r.left(),
        Err(stop) => return Err(stop),
    };
    let from = r.at();
    let mut whole = r.peek(all)?;
    let mut reply = Reply { code: code(whole).map_or(0, |c| c.0), text: &[], lines: 0, pipelining: false };
    let mut differ = false;
    let mut long = false;
    let mut bare = false;
    r.group(&f::SMTP, |r| {
        words(r, reply.code);
        while !whole.is_empty() {
            let len = memchr(b'\n', whole).map_or(whole.len(), |i| i.saturating_add(1));
            let (line, rest) = whole.split_at_checked(len).unwrap_or((whole, &[]));
            whole = rest;
            long |= len > 512;
            let eol = if line.ends_with(b"\r\n") {
                2
            } else if line.ends_with(b"\n") {
                bare = true;
                1
            } else {
                0
            };
            let Some((code, _)) = code(line) else {
                // The sender ended the reply with a line of another kind.
                r.bytes(&f::RSP_PARAMETER, line.len())?;
                differ = true;
                continue;
            };
            differ |= code != reply.code;
            r.group(&f::RESPONSE, |r| {
                let field = if reply.lines == 0 { &f::CODE } else { &f::CODE_AGAIN };
                r.valued(field, 3, Value::U64(u64::from(code)))?;
                let body = line.len().saturating_sub(eol);
                if body > 3 {
                    r.bytes(&f::DELIMITER, 1)?;
                }
                let text = line.get(4..body).unwrap_or(&[]);
                if !text.is_empty() {
                    let of = r.span(text.len());
                    r.text(&f::RSP_PARAMETER, text.len())?;
                    if code == 334
                        && r.level() == Level::Tree
                        && let Some(challenge) = sasl::challenge(text)
                    {
                        r.derived(&f::AUTH_CHALLENGE, of, challenge);
                    }
                    let shown = enhanced(r, text, of);
                    if reply.lines == 0 {
                        reply.text = shown;
                    } else if hello && code == 250 {
                        reply.pipelining |= text.trim_ascii().eq_ignore_ascii_case(b"PIPELINING");
                        if r.level() == Level::Tree {
                            r.derived(&f::CAPABILITY, of, capability(text));
                        }
                    }
                }
                if eol > 0 {
                    r.bytes(&f::DELIMITER, eol)?;
                }
                reply.lines = reply.lines.saturating_add(1);
                Ok(())
            })?;
        }
        Ok(())
    })?;
    let here = r.since(from);
    for (is, what) in [(differ, &n::CODES_DIFFER), (long, &n::REPLY_LONG), (bare, &n::COMMAND_BARE_LF)] {
        if is {
            r.note(what, here);
        }
    }
    match reply.code {
        400..500 => r.note(&n::REFUSED_NOW, here),
        500..600 => r.note(&n::REFUSED, here),
        _ => {}
    }
    Ok(reply)
}

/// Tells the enhanced status code that a line begins with; returns the text behind it.
fn enhanced<'a>(r: &mut Reader<'_>, text: &'a [u8], of: wirelore_kit::Span) -> &'a [u8] {
    let len = memchr(b' ', text).unwrap_or(text.len());
    let word = text.get(..len).unwrap_or(text);
    let mut parts = word.split(|b| *b == b'.');
    let mut part = |most: usize| {
        let p = parts.next().filter(|p| !p.is_empty() && p.len() <= most && p.iter().all(u8::is_ascii_digit))?;
        std::str::from_utf8(p).ok()?.parse::<u16>().ok()
    };
    let (Some(class @ (2 | 4 | 5)), Some(subject), Some(detail)) = (part(1), part(3), part(3)) else { return text };
    if parts.next().is_some() {
        return text;
    }
    let of = wirelore_kit::Span { len: len as u32, ..of };
    r.derived(&f::ENHANCED, of, Text(word).to_string());
    if r.level() == Level::Tree {
        r.derived(&f::ENHANCED_WORDS, of, words(class, subject, detail));
    }
    text.get(len.saturating_add(1)..).unwrap_or(&[])
}

/// An enhanced status code in words (RFC 3463 §3 and the IANA registry).
fn words(class: u16, subject: u16, detail: u16) -> String {
    let class = match class {
        2 => "Success",
        4 => "Fails for now",
        _ => "Fails for good",
    };
    let subject_words = match subject {
        0 => "nothing closer is said",
        1 => "the address",
        2 => "the mailbox",
        3 => "the mail system",
        4 => "network and routing",
        5 => "the protocol",
        6 => "the content",
        7 => "security or policy",
        _ => "a subject of its own",
    };
    let detail = match (subject, detail) {
        (1, 1) => "no such mailbox",
        (1, 2) => "no such system",
        (1, 3) => "the address cannot be read",
        (1, 4) => "the address is ambiguous",
        (1, 5) => "the address is valid",
        (1, 6) => "the mailbox has moved",
        (1, 7) => "the sender's address cannot be read",
        (1, 8) => "the sender's system is not known",
        (1, 10) => "the domain takes no mail",
        (2, 1) => "the mailbox is disabled",
        (2, 2) => "the mailbox is full",
        (2, 3) => "the letter is too long for it",
        (2, 4) => "the mailing list cannot be expanded",
        (3, 1) => "the system is full",
        (3, 2) => "the system takes no mail now",
        (3, 3) => "the system cannot do what was asked",
        (3, 4) => "the letter is too big for the system",
        (3, 5) => "the system is configured wrongly",
        (4, 1) => "no answer from the host",
        (4, 2) => "the connection was bad",
        (4, 3) => "a directory does not answer",
        (4, 4) => "no route",
        (4, 5) => "the system is congested",
        (4, 6) => "the letter goes in circles",
        (4, 7) => "it took too long",
        (5, 1) => "the command does not fit here",
        (5, 2) => "the command cannot be read",
        (5, 3) => "too many recipients",
        (5, 4) => "the parameters are not valid",
        (5, 5) => "the version is wrong",
        (5, 6) => "the exchange of authentication is too long",
        (6, 1) => "this kind of content is not taken",
        (6, 2) => "a conversion would be needed but is not allowed",
        (6, 3) => "a conversion would be needed but cannot be done",
        (6, 5) => "the conversion failed",
        (6, 7) => "addresses in UTF-8 are not taken",
        (7, 0) => "security or policy, not said closer",
        (7, 1) => "not allowed here",
        (7, 2) => "not allowed to write to this list",
        (7, 4) => "the security that was asked for is not offered",
        (7, 7) => "the letter was changed on its way",
        (7, 8) => "the credentials are wrong",
        (7, 9) => "the mechanism is too weak",
        (7, 10) => "encryption is needed",
        (7, 11) => "encryption is needed for this mechanism",
        (7, 20..=24) => "signature or sender policy fails",
        (7, 25) => "the address of the client has no name",
        _ => return format!("{class}: {subject_words}"),
    };
    format!("{class}: {detail}")
}

/// A capability in words where its name alone says little.
fn capability(text: &[u8]) -> String {
    let name = text.split(|b| matches!(b, b' ' | b'=')).next().unwrap_or(text);
    let is = |n: &str| name.eq_ignore_ascii_case(n.as_bytes());
    let words = if is("PIPELINING") {
        "several commands at once (RFC 2920)"
    } else if is("SIZE") {
        "the largest letter it takes, bytes (RFC 1870)"
    } else if is("8BITMIME") {
        "bodies of 8-bit text (RFC 6152)"
    } else if is("BINARYMIME") {
        "bodies of any bytes, in chunks (RFC 3030)"
    } else if is("CHUNKING") {
        "BDAT instead of DATA (RFC 3030)"
    } else if is("STARTTLS") {
        "TLS on this connection (RFC 3207)"
    } else if is("AUTH") {
        "ways to log in (RFC 4954)"
    } else if is("DSN") {
        "reports about delivery (RFC 3461)"
    } else if is("SMTPUTF8") {
        "addresses in UTF-8 (RFC 6531)"
    } else if is("ENHANCEDSTATUSCODES") {
        "replies with closer codes (RFC 2034)"
    } else if is("ETRN") {
        "start of a queue (RFC 1985)"
    } else if is("VRFY") {
        "asks whether a mailbox exists (RFC 5321)"
    } else if is("DELIVERBY") {
        "a time by which to deliver (RFC 2852)"
    } else if is("REQUIRETLS") {
        "TLS on the whole way (RFC 8689)"
    } else if is("LIMITS") {
        "limits of a session (RFC 9422)"
    } else {
        return Text(text).to_string();
    };
    format!("{}: {words}", Text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_with_the_first_line_without_a_dash() {
        assert_eq!(end(b"250-a\r\n250-b\r\n250 c\r\n250 d\r\n", 0), Some(21));
        assert_eq!(end(b"250-a\r\n250-b\r\n", 0), None);
        assert_eq!(end(b"250-a\r\n250-b\r\n250 c\r\n", 9), Some(21));
        assert_eq!(code(b"25x a"), None);
        assert_eq!(code(b"250"), Some((250, false)));
        assert_eq!(code(b"650 a"), None);
    }
}
