//! Protocol Buffers without their schema: field numbers, wire types, and what the bytes of each may mean; also in the frames of gRPC.

use crate::media::Media;
use crate::page::{Ink, Page};
use std::ops::Range;

/// Messages inside messages that are guessed.
const MOST_DEPTH: usize = 24;
/// Values of a packed list and bytes that are written out.
const MOST_SHOWN: usize = 64;

/// Shows it.
pub fn show(page: &mut Page<'_>, bytes: &[u8], media: &Media) {
    let framed = media.name.contains("grpc") && frames(bytes).is_some();
    let Some(frames) = frames(bytes).filter(|_| framed) else {
        fields(page, bytes, 0..bytes.len(), 0);
        return;
    };
    for (i, f) in frames.into_iter().enumerate() {
        if page.is_full() {
            return;
        }
        let kind = if f.flags & 0x80 != 0 { "trailers" } else { "message" };
        let packed = if f.flags & 1 != 0 { ", compressed" } else { "" };
        page.put(Ink::Said, &format!("{kind} {}{packed}, {} bytes", i + 1, f.said), f.from..f.body.end);
        page.newline();
        page.indent(1);
        if f.flags & 0x80 != 0 {
            page.put(Ink::Text, &String::from_utf8_lossy(bytes.get(f.body.clone()).unwrap_or(&[])), f.body.clone());
            page.fresh();
        } else if f.flags & 1 != 0 {
            raw(page, bytes, f.body.clone());
            page.fresh();
        } else {
            fields(page, bytes, f.body.clone(), 0);
        }
        page.indent(-1);
        if (f.body.len() as u64) < f.said {
            page.note("The last message is cut: fewer bytes are there than its length says.");
        }
    }
}

struct Frame {
    from: usize,
    flags: u8,
    said: u64,
    body: Range<usize>,
}

/// Frames of gRPC: a byte of flags, a length of four, a message.
fn frames(bytes: &[u8]) -> Option<Vec<Frame>> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let head: [u8; 5] = bytes.get(at..at + 5)?.try_into().ok()?;
        let [flags, a, b, c, d] = head;
        if !matches!(flags, 0 | 1 | 0x80 | 0x81) {
            return None;
        }
        let said = u64::from(u32::from_be_bytes([a, b, c, d]));
        let end = (at as u64 + 5 + said).min(bytes.len() as u64) as usize;
        all.push(Frame { from: at, flags, said, body: at + 5..end });
        at = end;
    }
    Some(all)
}

enum Value {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(Range<usize>),
    Open,
    Close,
}

fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Option<u64> {
    let mut value = 0u64;
    for i in 0..10 {
        let b = *bytes.get(..end)?.get(*at)?;
        *at += 1;
        value |= u64::from(b & 0x7f).checked_shl(i * 7).unwrap_or(0);
        if b < 0x80 {
            return Some(value);
        }
    }
    None
}

/// A field: its number and value; `None` where the bytes are none, or are cut.
fn field(bytes: &[u8], at: &mut usize, end: usize) -> Option<(u64, Value)> {
    let key = varint(bytes, at, end)?;
    let (number, wire) = (key >> 3, key & 7);
    if number == 0 || number > 0x1fff_ffff {
        return None;
    }
    let take = |at: &mut usize, n: u64| -> Option<Range<usize>> {
        let to = usize::try_from((*at as u64).checked_add(n)?).ok().filter(|t| *t <= end)?;
        let from = std::mem::replace(at, to);
        Some(from..to)
    };
    let value = match wire {
        0 => Value::Varint(varint(bytes, at, end)?),
        1 => Value::Fixed64(bytes.get(take(at, 8)?)?.try_into().ok()?),
        2 => {
            let n = varint(bytes, at, end)?;
            Value::Bytes(take(at, n)?)
        }
        3 => Value::Open,
        4 => Value::Close,
        5 => Value::Fixed32(bytes.get(take(at, 4)?)?.try_into().ok()?),
        _ => return None,
    };
    Some((number, value))
}

/// Whether bytes are fields from the first to the last.
fn is_message(bytes: &[u8], range: Range<usize>) -> bool {
    let (mut at, mut open) = (range.start, 0usize);
    while at < range.end {
        match field(bytes, &mut at, range.end) {
            Some((_, Value::Open)) => open += 1,
            Some((_, Value::Close)) => match open.checked_sub(1) {
                Some(less) => open = less,
                None => return false,
            },
            Some(_) => {}
            None => return false,
        }
    }
    open == 0 && !range.is_empty()
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|t| t.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')))
}

fn fields(page: &mut Page<'_>, bytes: &[u8], range: Range<usize>, depth: usize) {
    let mut at = range.start;
    let mut groups = 0isize;
    while at < range.end && !page.is_full() {
        let from = at;
        let Some((number, value)) = field(bytes, &mut at, range.end) else {
            page.note("Bytes follow that are no protobuf, or the message was cut.");
            raw(page, bytes, from..range.end);
            page.fresh();
            break;
        };
        if matches!(value, Value::Close) {
            if groups > 0 {
                groups -= 1;
                page.indent(-1);
            }
            page.put(Ink::Mark, "}", from..at);
            page.fresh();
            continue;
        }
        let wire = match &value {
            Value::Varint(_) => "varint",
            Value::Fixed64(_) => "fixed64",
            Value::Fixed32(_) => "fixed32",
            Value::Bytes(_) => "len",
            Value::Open | Value::Close => "group",
        };
        page.put(Ink::Name, &number.to_string(), from..at);
        page.put(Ink::Said, &format!(" {wire}"), from..at);
        page.put(Ink::Mark, ": ", from..at);
        match value {
            Value::Varint(v) => {
                page.put(Ink::Number, &v.to_string(), from..at);
                // ZigZag and two's complement: what else it may be.
                let zigzag = (v >> 1) as i64 ^ -((v & 1) as i64);
                if v > i64::MAX as u64 {
                    page.put(Ink::Said, &format!("  int64 {}", v as i64), from..at);
                } else if v > 1 {
                    page.put(Ink::Said, &format!("  sint64 {zigzag}"), from..at);
                }
            }
            Value::Fixed64(b) => {
                page.put(Ink::Number, &u64::from_le_bytes(b).to_string(), from..at);
                page.put(Ink::Said, &format!("  double {}", f64::from_le_bytes(b)), from..at);
            }
            Value::Fixed32(b) => {
                page.put(Ink::Number, &u32::from_le_bytes(b).to_string(), from..at);
                page.put(Ink::Said, &format!("  float {}", f32::from_le_bytes(b)), from..at);
            }
            Value::Open => {
                page.put(Ink::Mark, "{", from..at);
                page.fresh();
                groups += 1;
                page.indent(1);
                continue;
            }
            Value::Close => {}
            Value::Bytes(inner) => lengthed(page, bytes, from, inner, depth),
        }
        page.fresh();
    }
    if groups > 0 {
        page.note("A group is not closed.");
        page.indent(-groups);
    }
}

/// A value with a length: text, a message, a packed list, or bytes, whichever it can be.
fn lengthed(page: &mut Page<'_>, bytes: &[u8], from: usize, inner: Range<usize>, depth: usize) {
    let value = bytes.get(inner.clone()).unwrap_or(&[]);
    if let Some(text) = as_text(value) {
        page.put(Ink::Mark, "\"", from..inner.end);
        page.put(Ink::Text, text, inner.clone());
        page.put(Ink::Mark, "\"", from..inner.end);
    } else if depth < MOST_DEPTH && is_message(bytes, inner.clone()) {
        page.put(Ink::Mark, "{", from..inner.start);
        page.fresh();
        page.indent(1);
        fields(page, bytes, inner.clone(), depth + 1);
        page.indent(-1);
        page.fresh();
        page.put(Ink::Mark, "}", inner.end..inner.end);
    } else {
        raw(page, bytes, inner.clone());
        let mut at = inner.start;
        let mut list = Vec::new();
        while at < inner.end && list.len() < MOST_SHOWN {
            match varint(bytes, &mut at, inner.end) {
                Some(v) => list.push(v.to_string()),
                None => return,
            }
        }
        if list.len() > 1 {
            let more = if at < inner.end { ", …" } else { "" };
            page.put(Ink::Said, &format!("  packed? [{}{more}]", list.join(", ")), inner);
        }
    }
}

/// Bytes in hexadecimal, the first of them.
fn raw(page: &mut Page<'_>, bytes: &[u8], range: Range<usize>) {
    let value = bytes.get(range.clone()).unwrap_or(&[]);
    let shown: Vec<String> = value.iter().take(MOST_SHOWN).map(|b| format!("{b:02x}")).collect();
    let more = if value.len() > MOST_SHOWN { format!(" … {} bytes", value.len()) } else { String::new() };
    page.put(Ink::Number, &format!("{}{more}", shown.join(" ")), range);
}
