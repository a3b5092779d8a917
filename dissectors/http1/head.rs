//! Reads a head with its fields: what is shown, what is kept as columns, and what says how the body is framed.

use super::parse::{self, Length, Line, Transfer};
use super::{fields as f, headers, notes as n, values};
use crate::coding::{Coding, MOST_CODINGS};
use headers::Use;
use memchr::{memchr, memchr_iter};
use wirelore_kit::{Level, Reader, Span, Stop, Text, Value};

/// So many headers are told to the protocol that an upgrade leads to.
const MOST_FACTS: usize = 16;

/// What the rest of the reading needs to know of a head.
#[derive(Debug, Default)]
pub struct Head<'a> {
    /// A response, not a request.
    pub response: bool,
    /// Of a request.
    pub method: &'a [u8],
    /// Of a request.
    pub target: &'a [u8],
    /// Version as written.
    pub version: &'a [u8],
    /// Of a response.
    pub status: u16,
    /// Of a response.
    pub phrase: &'a [u8],
    /// Content-Length, where it is a number; the last one where several differ, as most readers take it.
    pub length: Option<u64>,
    /// There was a Content-Length that is no number.
    pub length_bad: bool,
    /// Transfer-Encoding, all lines together.
    pub transfer: Option<Transfer>,
    /// Content codings as applied.
    pub codings: Vec<Coding>,
    /// Content-Type.
    pub content_type: &'a [u8],
    /// Upgrade.
    pub upgrade: &'a [u8],
    /// Host.
    pub host: &'a [u8],
    /// What an upgraded protocol needs to know: names and values of headers, at most [`MOST_FACTS`].
    pub facts: Vec<(&'static str, &'a [u8])>,
    /// The client waits for a 100 before it sends its body.
    pub expects: bool,
    /// Content-Length lines so far.
    pub lengths: u32,
    /// Host lines so far.
    pub hosts: u32,
}

/// A part of a line.
pub fn part<'a>(b: &'a [u8], range: &std::ops::Range<usize>) -> &'a [u8] {
    b.get(range.clone()).unwrap_or(&[])
}

/// Takes bytes that only separate.
fn delimiter(r: &mut Reader<'_>, n: usize) -> Result<(), Stop> {
    if n > 0 {
        r.bytes(&f::DELIMITER, n)?;
    }
    Ok(())
}

/// Reads the head of `len` bytes that comes next into `head`, which is new; `secure`: inside of TLS.
///
/// # Errors
/// As [`Reader::within`].
pub fn read<'a>(r: &mut Reader<'a>, len: usize, head: &mut Head<'a>, secure: bool) -> Result<(), Stop> {
    let whole = r.span(len);
    let bytes = r.peek(len)?;
    let response = head.response;
    r.within(&f::HTTP, len, |r| {
        check_bytes(r, bytes, whole);
        let line = Line::of(bytes);
        if response {
            status_line(r, head, line)?
        } else {
            request_line(r, head, line)?
        }
        loop {
            let rest = r.rest();
            let line = Line::of(rest);
            if line.all == 0 {
                break;
            }
            if line.len == 0 {
                r.bytes(&f::BLANK, line.all)?;
                break;
            }
            header_line(r, head, rest, line)?;
        }
        judge(r, head, whole);
        if !response && r.level() == Level::Tree && !head.host.is_empty() && !head.method.eq_ignore_ascii_case(b"CONNECT") {
            let relative = head.target.starts_with(b"/");
            let uri = if relative {
                format!("{}://{}{}", if secure { "https" } else { "http" }, Text(head.host), Text(head.target))
            } else {
                Text(head.target).to_string()
            };
            r.derived(&f::FULL_URI, whole, uri);
        }
        Ok(())
    })
}

/// Looks once over the whole head for bytes that must not stand in one.
fn check_bytes(r: &mut Reader<'_>, bytes: &[u8], whole: Span) {
    let at = |i: usize| Span { at: whole.at.saturating_add(i as u64), len: 1, ..whole };
    if let Some(i) = memchr(0, bytes) {
        r.note(&n::NUL, at(i));
    }
    let (mut bare, mut pairs, mut long, mut last) = (None, 0usize, None, 0usize);
    for i in memchr_iter(b'\n', bytes) {
        if i.checked_sub(1).is_some_and(|p| bytes.get(p) == Some(&b'\r')) {
            pairs = pairs.saturating_add(1);
        } else {
            bare = bare.or(Some(i));
        }
        if i.saturating_sub(last) > parse::LONG_LINE {
            long = long.or(Some(last));
        }
        last = i;
    }
    if let Some(i) = bare {
        r.note(&n::BARE_LF, at(i));
    }
    if let Some(i) = long {
        r.note(&n::LINE_TOO_LONG, at(i));
    }
    if memchr_iter(b'\r', bytes).count() > pairs {
        let lone = memchr_iter(b'\r', bytes).find(|i| bytes.get(i.saturating_add(1)) != Some(&b'\n'));
        r.note(&n::BARE_CR, at(lone.unwrap_or(0)));
    }
}

fn request_line<'a>(r: &mut Reader<'a>, head: &mut Head<'a>, line: Line) -> Result<(), Stop> {
    let here = r.span(line.all);
    r.group(&f::START_LINE, |r| {
        let text = r.peek(line.len)?;
        let parts = parse::request_line(text);
        (head.method, head.target, head.version) =
            (part(text, &parts.method), part(text, &parts.target), part(text, &parts.version));
        delimiter(r, parts.method.start)?;
        r.text(&f::METHOD, parts.method.len())?;
        delimiter(r, parts.target.start.saturating_sub(parts.method.end))?;
        values::uri(r, parts.target.len())?;
        delimiter(r, parts.version.start.saturating_sub(parts.target.end))?;
        r.text(&f::REQUEST_VERSION, parts.version.len())?;
        delimiter(r, line.all.saturating_sub(parts.version.end))?;
        if head.version.is_empty() {
            r.note(&n::NO_VERSION, here);
        } else if parts.odd || !head.version.starts_with(b"HTTP/") {
            r.note(&n::ODD_REQUEST_LINE, here);
        }
        Ok(())
    })
}

fn status_line<'a>(r: &mut Reader<'a>, head: &mut Head<'a>, line: Line) -> Result<(), Stop> {
    let here = r.span(line.all);
    r.group(&f::START_LINE, |r| {
        let text = r.peek(line.len)?;
        let parts = parse::status_line(text);
        (head.version, head.status, head.phrase) = (part(text, &parts.version), parts.status, part(text, &parts.phrase));
        r.text(&f::RESPONSE_VERSION, parts.version.len())?;
        delimiter(r, parts.code.start.saturating_sub(parts.version.end))?;
        r.valued(&f::STATUS_CODE, parts.code.len(), Value::U64(parts.status.into()))?;
        delimiter(r, parts.phrase.start.saturating_sub(parts.code.end))?;
        r.text(&f::PHRASE, parts.phrase.len())?;
        delimiter(r, line.all.saturating_sub(parts.phrase.end))?;
        if parts.odd {
            r.note(&n::ODD_STATUS_LINE, here);
        }
        match parts.status {
            400..=499 => r.note(&n::CLIENT_ERROR, here),
            500..=599 => r.note(&n::SERVER_ERROR, here),
            _ => {}
        }
        Ok(())
    })
}

/// Reads the trailer section of `len` bytes that comes next, its blank line included (RFC 9112 §7.1.2).
/// What stands there has no say in framing any more.
///
/// # Errors
/// As [`Reader::within`].
pub fn trailer(r: &mut Reader<'_>, len: usize) -> Result<(), Stop> {
    let (bytes, whole) = (r.peek(len)?, r.span(len));
    r.within(&f::TRAILER_PART, len, |r| {
        check_bytes(r, bytes, whole);
        loop {
            let rest = r.rest();
            let line = Line::of(rest);
            if line.len == 0 {
                r.bytes(&f::BLANK, line.all)?;
                return Ok(());
            }
            header_line(r, &mut Head::default(), rest, line)?;
        }
    })
}

/// One header with the lines it is folded over.
fn header_line<'a>(r: &mut Reader<'a>, head: &mut Head<'a>, rest: &'a [u8], first: Line) -> Result<(), Stop> {
    let (mut len, mut all) = (first.len, first.all);
    while matches!(rest.get(all), Some(b' ' | b'\t')) {
        let more = Line::of(rest.get(all..).unwrap_or(&[]));
        if more.len == 0 {
            break;
        }
        len = all.saturating_add(more.len);
        all = all.saturating_add(more.all);
    }
    let folded = all > first.all;
    let here = r.span(all);
    if folded {
        r.note(&n::OBS_FOLD, here);
    }
    let Some(h) = parse::header(rest, first.len, len) else {
        // A line that the end of the bytes cut may have had one.
        if first.all > first.len {
            r.note(&n::NO_COLON, here);
        }
        r.text(&f::BAD_LINE, len)?;
        return delimiter(r, all.saturating_sub(len));
    };
    if h.spaced {
        r.note(&n::SPACE_BEFORE_COLON, here);
    }
    if h.bad_name {
        r.note(&n::BAD_NAME, here);
    }
    let name = part(rest, &(0..h.name));
    let value = part(rest, &h.value);
    let known = headers::known(name);
    let unfolded = folded.then(|| unfold(value));
    if let Some((_, what)) = known {
        consider(r, head, what, value, unfolded.as_deref(), here);
    }
    if r.level() != Level::Tree {
        return match known {
            Some((field, what)) if field.flags.has(wirelore_kit::Flags::KEY) => {
                r.skip(h.value.start)?;
                values::plain(r, field, what, h.value.len(), unfolded.as_deref())?;
                r.skip(all.saturating_sub(h.value.end))
            }
            _ => r.skip(all),
        };
    }
    r.titled(&f::LINE, |r| {
        r.text(&f::NAME, h.name)?;
        delimiter(r, h.value.start.saturating_sub(h.name))?;
        match known {
            Some((field, what)) if !folded => values::shown(r, field, what, h.value.len())?,
            Some((field, what)) => values::plain(r, field, what, h.value.len(), unfolded.as_deref())?,
            None => values::plain(r, &f::VALUE, Use::Plain, h.value.len(), unfolded.as_deref())?,
        }
        delimiter(r, all.saturating_sub(h.value.end))?;
        // Secrets stay in the fields that are marked as such.
        let secret = known.is_some_and(|k| k.0.flags.has(wirelore_kit::Flags::SECRET));
        let title = if !r.keeps(&f::LINE) {
            String::new()
        } else if secret {
            format!("{}: …", Text(name))
        } else {
            format!("{}: {}", Text(name), Text(unfolded.as_deref().unwrap_or(value)))
        };
        Ok(((), Value::from(title)))
    })
}

/// A folded value on one line: each line break with the blanks around it becomes one blank (RFC 9112 §5.2).
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for line in value.split(|b| *b == b'\n') {
        let text = line.trim_ascii();
        if !out.is_empty() && !text.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(text);
    }
    out
}

/// Takes from a header what framing and exchange need.
pub fn consider<'a>(r: &mut Reader<'a>, head: &mut Head<'a>, what: Use, value: &'a [u8], unfolded: Option<&[u8]>, here: Span) {
    let text = unfolded.unwrap_or(value);
    match what {
        Use::Length => {
            let Length { value, odd, zeros } = parse::content_length(text);
            head.lengths = head.lengths.saturating_add(1);
            if odd {
                r.note(&n::LENGTH_ODD, here);
            }
            if zeros {
                r.note(&n::LENGTH_ZEROS, here);
            }
            if head.lengths > 1 {
                let same = value.is_some() && value == head.length;
                r.note(if same { &n::LENGTH_REPEATED } else { &n::LENGTHS_DIFFER }, here);
            }
            head.length_bad |= value.is_none();
            head.length = value.or(head.length);
        }
        Use::Transfer => head.transfer.get_or_insert_default().add(text),
        Use::Coding => {
            for name in text.split(|b| *b == b',') {
                let coding = Coding::named(name);
                if !coding.is_read() {
                    r.note(&n::CONTENT_CODING_UNKNOWN, here);
                }
                if head.codings.len() <= MOST_CODINGS && coding != Coding::Identity {
                    head.codings.push(coding);
                }
            }
        }
        Use::Host => {
            head.hosts = head.hosts.saturating_add(1);
            if head.hosts == 2 {
                r.note(&n::MANY_HOSTS, here);
            }
            head.host = value;
        }
        Use::Type => head.content_type = value,
        Use::Upgrade => head.upgrade = value,
        Use::Expect => head.expects |= text.eq_ignore_ascii_case(b"100-continue"),
        Use::Fact(name) if head.facts.len() < MOST_FACTS => {
            head.facts.push((name, value));
        }
        Use::Fact(_) | Use::Plain | Use::Cookie | Use::SetCookie | Use::Range | Use::ContentRange | Use::Credentials => {}
    }
}

/// Notes what only the head as a whole shows.
pub fn judge(r: &mut Reader<'_>, head: &mut Head<'_>, whole: Span) {
    if !head.response && head.hosts == 0 && head.version == b"HTTP/1.1" {
        r.note(&n::NO_HOST, whole);
    }
    if let Some(t) = &head.transfer {
        if head.lengths > 0 {
            r.note(&n::LENGTH_AND_CODING, whole);
        }
        if !t.chunked || t.not_last {
            r.note(&n::CHUNKED_NOT_LAST, whole);
        }
        if t.unknown {
            r.note(&n::CODING_ODD, whole);
        }
        if head.version == b"HTTP/1.0" {
            r.note(&n::CODING_IN_10, whole);
        }
    }
}
