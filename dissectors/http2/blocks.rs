//! Header blocks: read with HPACK, shown with the representation of each field, and written as lines for the stream they belong to.

use super::hpack::{self, Form, Item, Literal, Scratch, Went, Wrong, table::Table};
use super::{fields as f, notes as n};
use std::ops::Range;
use wirelore_kit::{BitRange, Level, Reader, Span, Stop, Text, Value};

/// So many entries of the dynamic table are listed.
const MOST_LISTED: usize = 256;

/// Where in the lines stands what summaries need.
#[derive(Debug, Clone, Default)]
pub struct Picked {
    method: Range<usize>,
    path: Range<usize>,
    authority: Range<usize>,
    status: Range<usize>,
    /// A value held what no line may hold.
    broken: bool,
}

impl Picked {
    /// What the block says, in a few words.
    #[must_use]
    pub fn words<'l>(&self, lines: &'l [u8]) -> [Text<'l>; 3] {
        let part = |r: &Range<usize>| lines.get(r.clone()).unwrap_or(&[]);
        let blank: &[u8] = if self.method.is_empty() { b"" } else { b" " };
        let what = if self.path.is_empty() { &self.authority } else { &self.path };
        if self.status.is_empty() {
            [Text(part(&self.method)), Text(blank), Text(if blank.is_empty() { b"" } else { part(what) })]
        } else {
            [Text(part(&self.status)), Text(b""), Text(b"")]
        }
    }
}

/// Whether a field's value is nobody's business.
fn is_secret(name: &[u8]) -> bool {
    matches!(name, b"cookie" | b"set-cookie" | b"authorization" | b"proxy-authorization")
}

/// Adds `name: value` as a line.
fn line(item: &Item<'_>, lines: &mut Vec<u8>, picked: &mut Picked) {
    if item.form == Form::Resize {
        return;
    }
    let start = lines.len();
    if item.unseen {
        lines.push(b'?');
        lines.extend_from_slice(item.number.to_string().as_bytes());
    } else {
        lines.extend_from_slice(item.name);
    }
    lines.extend_from_slice(b": ");
    let value = lines.len();
    lines.extend_from_slice(item.value);
    let lines_broken = lines.get(start..).is_some_and(|b| memchr::memchr3(b'\r', b'\n', 0, b).is_some());
    if lines_broken {
        // gRPC's binary metadata may be sent as it is, where both sides have said so.
        picked.broken |= !item.name.ends_with(b"-bin");
        for b in lines.iter_mut().skip(start).filter(|b| matches!(b, b'\r' | b'\n' | 0)) {
            *b = b' ';
        }
    }
    let here = value..lines.len();
    lines.push(b'\n');
    match item.name {
        b":method" => picked.method = here,
        b":path" => picked.path = here,
        b":authority" => picked.authority = here,
        b":status" => picked.status = here,
        _ => {}
    }
}

/// Reads the block of `len` bytes that stands here.
///
/// # Errors
/// As [`Reader::group`].
pub fn here(r: &mut Reader<'_>, len: usize, table: &mut Table, s: &mut Scratch, lines: &mut Vec<u8>) -> Result<Picked, Stop> {
    let (block, base) = (r.peek(len)?, r.span(len));
    let mut picked = Picked::default();
    if r.level() < Level::Tree {
        let went = hpack::decode(block, base, table, s, |item| {
            line(item, lines, &mut picked);
            Ok(())
        })?;
        r.skip(len)?;
        judge(r, &went, &picked, base);
        return Ok(picked);
    }
    r.group(&f::BLOCK, |r| {
        let end = base.end();
        let went = hpack::decode(block, base, table, s, |item| {
            line(item, lines, &mut picked);
            show(r, block, item)
        })?;
        judge(r, &went, &picked, base);
        let left = end.saturating_sub(r.at()) as usize;
        if left > 0 {
            r.bytes(&f::FRAGMENT, left)?;
        }
        behind(r, &went, table, base)
    })?;
    Ok(picked)
}

/// Reads a block that was put together from several frames; they stand in `from`.
///
/// # Errors
/// As [`Reader::group`].
pub fn joined(
    r: &mut Reader<'_>,
    block: &[u8],
    from: Span,
    table: &mut Table,
    s: &mut Scratch,
    lines: &mut Vec<u8>,
) -> Result<Picked, Stop> {
    let mut picked = Picked::default();
    r.group(&f::BLOCK, |r| {
        let went = hpack::decode(block, from, table, s, |item| {
            line(item, lines, &mut picked);
            if r.level() < Level::Tree {
                return Ok(());
            }
            r.titled(&f::HEADER, |r| {
                if item.form == Form::Resize {
                    r.derived(&f::RESIZE, from, item.number);
                } else {
                    r.derived(&f::REPRESENTATION, from, representation(item));
                    r.derived(&f::NAME, from, name(item));
                    let field = if is_secret(item.name) { &f::SECRET_VALUE } else { &f::VALUE };
                    r.derived(field, from, Value::Blob(item.value.into()));
                }
                Ok(((), title(item)))
            })
        })?;
        judge(r, &went, &picked, from);
        behind(r, &went, table, from)
    })?;
    Ok(picked)
}

fn judge(r: &mut Reader<'_>, went: &Went, picked: &Picked, at: Span) {
    if let Some((wrong, offset)) = went.wrong {
        let what = match wrong {
            Wrong::Cut => &n::BLOCK_CUT,
            Wrong::Number => &n::BLOCK_NUMBER,
            Wrong::Index => &n::BLOCK_INDEX,
            Wrong::Huffman => &n::BLOCK_HUFFMAN,
        };
        r.note(what, Span { at: at.at.saturating_add(offset as u64), len: at.len.saturating_sub(offset as u32), ..at });
    }
    for (is, what) in [
        (went.unseen > 0, &n::UNSEEN),
        (went.left_out > 0, &n::BLOCK_SWELLS),
        (went.too_large, &n::TABLE_TOO_LARGE),
        (went.late_resize, &n::LATE_RESIZE),
        (picked.broken, &n::LINE_BREAK),
    ] {
        if is {
            r.note(what, at);
        }
    }
}

/// What a block adds up to, and the table behind it.
fn behind(r: &mut Reader<'_>, went: &Went, table: &Table, at: Span) -> Result<(), Stop> {
    if r.level() < Level::Tree {
        return Ok(());
    }
    r.derived(&f::COUNT, at, u64::from(went.fields));
    r.derived(&f::LIST_SIZE, at, went.size as u64);
    r.group(&f::TABLE, |r| {
        let (size, max) = table.sizes();
        let partial = if table.is_partial() { ", and entries that were not seen" } else { "" };
        r.derived(&f::TABLE_SIZE, at, format!("{size} of {max} bytes in {} entries{partial}", table.entries().len()));
        for (i, e) in table.entries().enumerate().take(MOST_LISTED) {
            let value: &[u8] = if is_secret(e.name()) { "…".as_bytes() } else { e.value() };
            r.derived(&f::TABLE_ENTRY, at, format!("{} {}: {}", i.saturating_add(62), Text(e.name()), Text(value)));
        }
        if table.entries().len() > MOST_LISTED {
            r.note(&n::TABLE_LISTED, at);
        }
        Ok(())
    })
}

fn name(item: &Item<'_>) -> Value {
    if item.unseen { Value::from(format!("?{} (not seen)", item.number)) } else { Value::Blob(item.name.into()) }
}

fn title(item: &Item<'_>) -> Value {
    if item.form == Form::Resize {
        return Value::from(format!("dynamic table size {}", item.number));
    }
    let name = if item.unseen { format!("?{} (not seen)", item.number) } else { Text(item.name).to_string() };
    let value: &[u8] = if is_secret(item.name) { "…".as_bytes() } else { item.value };
    Value::from(format!("{name}: {}", Text(value)))
}

/// The representation as Wireshark words it.
fn representation(item: &Item<'_>) -> &'static str {
    match (item.form, item.number) {
        (Form::Indexed, _) => "Indexed Header Field",
        (Form::Incremental, 0) => "Literal Header Field with Incremental Indexing - New Name",
        (Form::Incremental, _) => "Literal Header Field with Incremental Indexing - Indexed Name",
        (Form::Without, 0) => "Literal Header Field without Indexing - New Name",
        (Form::Without, _) => "Literal Header Field without Indexing - Indexed Name",
        (Form::Never, 0) => "Literal Header Field never Indexed - New Name",
        (Form::Never, _) => "Literal Header Field never Indexed - Indexed Name",
        (Form::Resize, _) => "",
    }
}

/// One representation with its bytes.
fn show(r: &mut Reader<'_>, block: &[u8], item: &Item<'_>) -> Result<(), Stop> {
    r.titled(&f::HEADER, |r| {
        let start = r.span(item.at.len());
        let first = Span { len: item.number_len as u32, ..start };
        if item.form != Form::Resize {
            r.derived(&f::REPRESENTATION, first, representation(item));
        }
        let pattern = item.form.pattern();
        r.bits(&f::PATTERN, BitRange { first: 0, len: pattern })?;
        let field = match item.form {
            Form::Resize => &f::RESIZE,
            _ if item.name_sent.is_some() => &f::NEW_NAME,
            _ => &f::INDEX,
        };
        number(r, field, pattern, item.number, item.number_len)?;
        if item.form == Form::Resize {
            return Ok(((), title(item)));
        }
        if let Some(source) = item.source {
            r.refer(&f::SOURCE, source);
        }
        match &item.name_sent {
            Some(sent) => text(r, block, sent, &f::NAME, item.name)?,
            None => r.derived(&f::NAME, first, name(item)),
        }
        let field = if is_secret(item.name) { &f::SECRET_VALUE } else { &f::VALUE };
        match &item.value_sent {
            Some(sent) => text(r, block, sent, field, item.value)?,
            None if !item.unseen => r.derived(field, first, Value::Blob(item.value.into())),
            None => {}
        }
        Ok(((), title(item)))
    })
}

/// A number behind `bits` other bits of its first byte.
fn number(r: &mut Reader<'_>, field: wirelore_kit::F, bits: u8, value: u64, len: usize) -> Result<(), Stop> {
    let range = BitRange { first: bits, len: 8u8.saturating_sub(bits) };
    if len <= 1 {
        r.bits(field, range)?;
        return r.skip(1);
    }
    r.bits(&f::PREFIX_FULL, range)?;
    r.skip(1)?;
    r.valued(field, len.saturating_sub(1), Value::U64(value)).map(|_| ())
}

/// A text as sent.
fn text(r: &mut Reader<'_>, block: &[u8], sent: &Literal, field: wirelore_kit::F, is: &[u8]) -> Result<(), Stop> {
    r.bits(&f::HUFFMAN, BitRange { first: 0, len: 1 })?;
    let len = sent.text.len();
    number(r, &f::SENT_LENGTH, 1, len as u64, sent.length.len())?;
    if len == 0 {
        // An empty text has no bytes to light up.
        r.derived(field, r.span(0), Value::from(""));
        return Ok(());
    }
    if sent.huffman && block.get(sent.text.clone()).is_some_and(|b| b != is) {
        r.valued(field, len, Value::Blob(is.into()))?;
    } else {
        r.text(field, len)?;
    }
    Ok(())
}
