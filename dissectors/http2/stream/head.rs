//! Header fields of a stream's message, a line each, and what the rest of the reading needs of them.

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
    /// Fields that were not seen, so that nothing can be said of what is missing.
    unseen: bool,
    pseudo: u8,
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
    let mut regular = false;
    while r.at() < end {
        let left = end.saturating_sub(r.at()) as usize;
        let rest = r.peek(left)?;
        let line = memchr::memchr(b'\n', rest).unwrap_or(left);
        let text = rest.get(..line).unwrap_or(rest);
        one(r, &mut head, text, line.saturating_add(1).min(left), what, from, &mut regular)?;
    }
    judge(r, &head, what, all);
    Ok(head)
}

fn one<'a>(
    r: &mut Reader<'a>,
    head: &mut Head<'a>,
    text: &'a [u8],
    all: usize,
    what: What,
    from: Side,
    regular: &mut bool,
) -> Result<(), Stop> {
    let here = r.span(all);
    // A pseudo-header begins with a colon.
    let colon = memchr::memmem::find(text.get(1..).unwrap_or(&[]), b": ").map_or(text.len(), |i| i.saturating_add(1));
    let name = text.get(..colon).unwrap_or(text);
    let value = text.get(colon.saturating_add(2)..).unwrap_or(&[]);
    let tree = r.level() == Level::Tree;
    check(r, head, name, value, what, regular, here);
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

/// What one line must keep (RFC 9113 §8.2, §8.3).
fn check(r: &mut Reader<'_>, head: &mut Head<'_>, name: &[u8], value: &[u8], what: What, regular: &mut bool, here: Span) {
    if let Some(pseudo) = name.strip_prefix(b":") {
        let (bit, of) = match pseudo {
            b"method" => (1, What::Request),
            b"scheme" => (2, What::Request),
            b"authority" => (4, What::Request),
            b"path" => (8, What::Request),
            b"protocol" => (16, What::Request),
            b"status" => (32, What::Response),
            _ => (0, What::Trailers),
        };
        if bit == 0 || of != what {
            r.note(&n::PSEUDO_UNKNOWN, here);
        } else if head.pseudo & bit != 0 {
            r.note(&n::PSEUDO_TWICE, here);
        }
        head.pseudo |= bit;
        if *regular {
            r.note(&n::PSEUDO_LATE, here);
        }
        return;
    }
    if name.first() == Some(&b'?') {
        head.unseen = true;
        return;
    }
    *regular = true;
    if name.is_empty() || name.iter().any(|b| b.is_ascii_uppercase() || *b <= b' ' || *b >= 0x7f || *b == b':') {
        r.note(&n::UPPER_CASE, here);
    }
    let http1 = match name.len() {
        2 => name == b"te" && value != b"trailers",
        7 => name == b"upgrade",
        10 => name == b"connection" || name == b"keep-alive",
        16 => name == b"proxy-connection",
        17 => name == b"transfer-encoding",
        _ => false,
    };
    if http1 {
        r.note(&n::CONNECTION_FIELD, here);
    }
}

/// What only the whole shows.
fn judge(r: &mut Reader<'_>, head: &Head<'_>, what: What, all: Span) {
    let connect = head.method == b"CONNECT" && head.protocol.is_empty();
    let must = match what {
        What::Request if connect => 1 | 4,
        What::Request => 1 | 2 | 8,
        What::Response => 32,
        What::Trailers => 0,
    };
    if head.pseudo & must != must && !head.unseen {
        r.note(&n::PSEUDO_MISSING, all);
    }
    if what == What::Request && r.level() == Level::Tree && !head.authority.is_empty() && !connect {
        let uri = format!("{}://{}{}", Text(head.scheme), Text(head.authority), Text(head.path));
        r.derived(&f::FULL_URI, all, uri);
    }
}
