//! Header fields of a stream's message, a line each, and what the rest of the reading needs of them.

use super::rules::Rules;
use super::{fields as f, notes as n};
use crate::coding::{Coding, MOST_CODINGS};
use wirelore_kit::{F, Fact, Flags, Level, Reader, Side, Span, Stop, Text, Value};

/// At most so many facts are handed on to inner protocols.
const MOST_FACTS: usize = 16;
/// And so many bytes of each.
const MOST_FACT: usize = 4096;

/// What a block of fields says.
#[derive(Debug, Default)]
pub struct Head<'a> {
    pub method: &'a [u8],
    pub scheme: &'a [u8],
    pub authority: &'a [u8],
    pub path: &'a [u8],
    pub protocol: &'a [u8],
    pub status: Option<u16>,
    pub content_type: &'a [u8],
    pub length: Option<u64>,
    pub codings: Vec<Coding>,
    pub grpc_status: Option<u64>,
    pub grpc_message: &'a [u8],
    /// Lines, as `name` and `value`, that inner protocols ask for.
    pub facts: Vec<Fact>,
    rules: Rules,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A request or a promised one.
    Request,
    /// A response.
    Response,
    /// Behind a body.
    Trailers,
}

/// Header names that protocols inside may need.
fn is_fact(name: &[u8]) -> bool {
    name.starts_with(b"sec-websocket-") || matches!(name, b"grpc-encoding" | b"content-type")
}

/// Reads the lines of `len` bytes that come next.
///
/// # Errors
/// As [`Reader::within`].
pub fn read<'a>(r: &mut Reader<'a>, len: usize, what: What, from: Side) -> Result<Head<'a>, Stop> {
    let mut head = Head::default();
    let end = r.at().saturating_add(len as u64);
    let all = r.span(len);
    while r.at() < end {
        let left = end.saturating_sub(r.at()) as usize;
        let rest = r.peek(left)?;
        let line = memchr::memchr(b'\n', rest).unwrap_or(left);
        let text = rest.get(..line).unwrap_or(rest);
        one(r, &mut head, text, line.saturating_add(1).min(left), what, from)?;
    }
    judge(r, &head, what, all);
    Ok(head)
}

fn one<'a>(r: &mut Reader<'a>, head: &mut Head<'a>, text: &'a [u8], all: usize, what: What, from: Side) -> Result<(), Stop> {
    let here = r.span(all);
    // A pseudo-header begins with a colon.
    let colon = memchr::memmem::find(text.get(1..).unwrap_or(&[]), b": ").map_or(text.len(), |i| i.saturating_add(1));
    let name = text.get(..colon).unwrap_or(text);
    let value = text.get(colon.saturating_add(2)..).unwrap_or(&[]);
    let tree = r.level() == Level::Tree;
    head.rules.line(name, value, what, |note| r.note(note, here));
    let known = f::known(name, !tree);
    if let Some(field) = known {
        consider(r, head, field, value, here);
    }
    if is_fact(name) && head.facts.len() < MOST_FACTS {
        fact(head, from, name, value);
    }
    let lead = text.len().saturating_sub(value.len());
    if !tree {
        r.skip(lead)?;
        match known {
            Some(field) if field.flags.has(Flags::KEY) && !value.is_empty() => shown(r, field, value)?,
            _ => r.skip(value.len())?,
        }
        return r.skip(all.saturating_sub(text.len()));
    }
    r.titled(&f::LINE, |r| {
        r.text(&f::NAME, name.len())?;
        if lead > name.len() {
            r.bytes(&f::DELIMITER, lead.saturating_sub(name.len()))?;
        }
        let field = known.unwrap_or(&f::VALUE);
        if !value.is_empty() {
            shown(r, field, value)?;
        }
        r.bytes(&f::DELIMITER, all.saturating_sub(text.len()))?;
        let secret = field.flags.has(Flags::SECRET);
        let title = if secret { format!("{}: …", Text(name)) } else { format!("{}: {}", Text(name), Text(value)) };
        Ok(((), Value::from(title)))
    })
}

fn fact(head: &mut Head<'_>, from: Side, name: &[u8], value: &[u8]) {
    let Ok(name) = std::str::from_utf8(name) else { return };
    let value = value.get(..MOST_FACT).unwrap_or(value);
    head.facts.push(Fact { from, name: name.into(), value: value.into() });
}

/// A value; numbers as such.
fn shown(r: &mut Reader<'_>, field: F, value: &[u8]) -> Result<(), Stop> {
    let number = if field.kind == wirelore_kit::Kind::Dec { decimal(value) } else { None };
    match number {
        Some(v) => r.valued(field, value.len(), Value::U64(v)).map(|_| ()),
        None if field.kind == wirelore_kit::Kind::Dec => r.bytes(&f::VALUE, value.len()).map(|_| ()),
        None => r.text(field, value.len()).map(|_| ()),
    }
}

/// Digits as a number.
#[must_use]
pub fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(value.iter().fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b.saturating_sub(b'0')))))
}

fn consider<'a>(r: &mut Reader<'a>, head: &mut Head<'a>, field: F, value: &'a [u8], here: Span) {
    if field.is(&f::METHOD) {
        head.method = value;
    } else if field.is(&f::SCHEME) {
        head.scheme = value;
    } else if field.is(&f::AUTHORITY) {
        head.authority = value;
    } else if field.is(&f::PATH) {
        head.path = value;
    } else if field.is(&f::PROTOCOL) {
        head.protocol = value;
    } else if field.is(&f::STATUS_CODE) {
        head.status = decimal(value).and_then(|v| u16::try_from(v).ok());
        match head.status {
            Some(400..=499) => r.note(&n::CLIENT_ERROR, here),
            Some(500..=599) => r.note(&n::SERVER_ERROR, here),
            _ => {}
        }
    } else if field.is(&f::CONTENT_TYPE) {
        head.content_type = value;
    } else if field.is(&f::CONTENT_LENGTH) {
        head.length = decimal(value);
    } else if field.is(&f::GRPC_STATUS) {
        head.grpc_status = decimal(value);
        if head.grpc_status.is_some_and(|s| s != 0) {
            r.note(&n::GRPC_ERROR, here);
        }
    } else if field.is(&f::GRPC_MESSAGE) {
        head.grpc_message = value;
    } else if field.is(&f::CONTENT_ENCODING) {
        for name in value.split(|b| *b == b',') {
            let coding = Coding::named(name);
            if !coding.is_read() {
                r.note(&n::CODING_UNKNOWN, here);
            }
            if head.codings.len() <= MOST_CODINGS && coding != Coding::Identity {
                head.codings.push(coding);
            }
        }
    }
}

/// What only the whole shows.
fn judge(r: &mut Reader<'_>, head: &Head<'_>, what: What, all: Span) {
    let connect = head.rules.is_tunnel();
    if head.rules.lacks(what) {
        r.note(&n::PSEUDO_MISSING, all);
    }
    if what == What::Request && r.level() == Level::Tree && !head.authority.is_empty() && !connect {
        let uri = format!("{}://{}{}", Text(head.scheme), Text(head.authority), Text(head.path));
        r.derived(&f::FULL_URI, all, uri);
    }
}
