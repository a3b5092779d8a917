//! HPACK (RFC 7541) read from outside: each field with the representation it was sent in, where its bytes stand, and what the table then holds.
//!
//! A decoder that joins late must survive references to entries that it never saw: they are told as such and reading goes on.

pub mod encode;
pub mod table;
#[cfg(test)]
mod tests;
pub mod values;

use crate::coding::huffman;
use std::ops::Range;
use table::{Found, Table};
use wirelore_kit::{Span, Stop};

/// So many bytes of names and values are read out of one block; a small block that swells beyond this is meant to harm.
pub const MOST_LIST: usize = 1 << 20;

/// How a field was sent (RFC 7541 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An index of both name and value (§6.1).
    Indexed,
    /// Literal, and added to the table (§6.2.1).
    Incremental,
    /// Literal, not added (§6.2.2).
    Without,
    /// Literal, and no proxy may ever add it (§6.2.3).
    Never,
    /// No field: the table's new size (§6.3).
    Resize,
}

impl Form {
    const fn of(first: u8) -> Form {
        match first {
            0x80.. => Form::Indexed,
            0x40.. => Form::Incremental,
            0x20.. => Form::Resize,
            0x10.. => Form::Never,
            _ => Form::Without,
        }
    }

    /// Bits in front of the number in the first byte.
    #[must_use]
    pub const fn pattern(self) -> u8 {
        match self {
            Form::Indexed => 1,
            Form::Incremental => 2,
            Form::Resize => 3,
            Form::Never | Form::Without => 4,
        }
    }
}

/// A name or value sent as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// Where its length stands in the block.
    pub length: Range<usize>,
    /// Where its text stands.
    pub text: Range<usize>,
    /// Whether the text is in the Huffman code.
    pub huffman: bool,
}

/// One representation.
#[derive(Debug)]
pub struct Item<'i> {
    /// Which.
    pub form: Form,
    /// Where it stands in the block.
    pub at: Range<usize>,
    /// Its number: an index, 0 where the name is literal, or the table's size.
    pub number: u64,
    /// Bytes that the number takes.
    pub number_len: usize,
    /// The name, or nothing where it was not seen.
    pub name: &'i [u8],
    /// The value, likewise.
    pub value: &'i [u8],
    /// It points to an entry that we did not see.
    pub unseen: bool,
    /// The name as sent.
    pub name_sent: Option<Literal>,
    /// The value as sent.
    pub value_sent: Option<Literal>,
    /// Where the entry was added that it points to.
    pub source: Option<Span>,
}

/// What is wrong with a block; the rest of it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It ends inside a representation.
    Cut,
    /// A number that does not fit.
    Number,
    /// An index that nothing can stand at.
    Index,
    /// A text that is not in the Huffman code.
    Huffman,
}

/// Memory that blocks share.
#[derive(Debug, Default)]
pub struct Scratch {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// What a block came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Went {
    /// What stopped it, and where in the block.
    pub wrong: Option<(Wrong, usize)>,
    /// The table was made larger than allowed.
    pub too_large: bool,
    /// A size update that does not stand at the block's beginning (§4.2).
    pub late_resize: bool,
    /// Fields that point to entries that were not seen.
    pub unseen: u32,
    /// Fields left out because the block swells beyond [`MOST_LIST`].
    pub left_out: u32,
    /// Fields in it.
    pub fields: u32,
    /// Its size as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2).
    pub size: usize,
}

/// A number with a prefix of `bits` bits at `at`, and where it ends (§5.1).
fn number(block: &[u8], at: usize, bits: u8) -> Result<(u64, usize), Wrong> {
    let full = (1u64 << bits).saturating_sub(1);
    let mut value = u64::from(*block.get(at).ok_or(Wrong::Cut)?) & full;
    let mut at = at.saturating_add(1);
    if value < full {
        return Ok((value, at));
    }
    for shift in (0..35u32).step_by(7) {
        let b = *block.get(at).ok_or(Wrong::Cut)?;
        at = at.saturating_add(1);
        value = value.saturating_add(u64::from(b & 0x7f) << shift);
        if b < 0x80 {
            return if value <= u64::from(u32::MAX) { Ok((value, at)) } else { Err(Wrong::Number) };
        }
    }
    Err(Wrong::Number)
}

/// A text at `at` (§5.2); Huffman text is decoded into `into`.
fn literal(block: &[u8], at: usize, into: &mut Vec<u8>) -> Result<Literal, (Wrong, usize)> {
    let fail = |w| (w, at);
    let huffman = *block.get(at).ok_or(fail(Wrong::Cut))? >= 0x80;
    let (len, start) = number(block, at, 7).map_err(fail)?;
    let end = usize::try_from(len).ok().and_then(|l| start.checked_add(l)).ok_or(fail(Wrong::Number))?;
    let text = block.get(start..end).ok_or(fail(Wrong::Cut))?;
    into.clear();
    if huffman && !huffman::decode(text, into) {
        return Err(fail(Wrong::Huffman));
    }
    Ok(Literal { length: at..start, text: start..end, huffman })
}

/// Reads a block whose first byte stands at `base` and tells each representation. The table is kept up to date.
///
/// # Errors
/// What `each` returned.
pub fn decode(
    block: &[u8],
    base: Span,
    table: &mut Table,
    s: &mut Scratch,
    mut each: impl FnMut(&Item<'_>) -> Result<(), Stop>,
) -> Result<Went, Stop> {
    let mut went = Went::default();
    let mut at = 0;
    while let Some(first) = block.get(at) {
        if let Err(wrong) = one(block, at, *first, base, table, s, &mut went, &mut each, &mut at)? {
            went.wrong = Some(wrong);
            // What the rest would have added is not known.
            table.lose();
            break;
        }
    }
    Ok(went)
}

type Read = Result<(), (Wrong, usize)>;

/// One representation at `at`; moves `next` behind it.
#[expect(clippy::too_many_arguments, reason = "the state of one loop")]
fn one(
    block: &[u8],
    at: usize,
    first: u8,
    base: Span,
    table: &mut Table,
    s: &mut Scratch,
    went: &mut Went,
    each: &mut impl FnMut(&Item<'_>) -> Result<(), Stop>,
    next: &mut usize,
) -> Result<Read, Stop> {
    let form = Form::of(first);
    let (number, mut end) = match number(block, at, 8u8.saturating_sub(form.pattern())) {
        Ok(n) => n,
        Err(w) => return Ok(Err((w, at))),
    };
    let number_len = end.saturating_sub(at);
    let mut item = Item {
        form,
        at: at..end,
        number,
        number_len,
        name: &[],
        value: &[],
        unseen: false,
        name_sent: None,
        value_sent: None,
        source: None,
    };
    let mut tell = |item: &Item<'_>, went: &mut Went| -> Result<(), Stop> {
        let size = item.name.len().saturating_add(item.value.len());
        went.size = went.size.saturating_add(size).saturating_add(table::OVERHEAD);
        if item.form != Form::Resize {
            went.fields = went.fields.saturating_add(1);
        } else {
            went.size = went.size.saturating_sub(table::OVERHEAD);
        }
        went.unseen = went.unseen.saturating_add(u32::from(item.unseen));
        if went.size > MOST_LIST || went.left_out > 0 {
            went.left_out = went.left_out.saturating_add(1);
            return Ok(());
        }
        each(item)
    };
    match form {
        Form::Resize => {
            went.late_resize |= went.fields > 0;
            went.too_large |= !table.resize(number as u32);
            tell(&item, went)?;
        }
        Form::Indexed => {
            match table.get(number) {
                Found::Entry(name, value, source) => (item.name, item.value, item.source) = (name, value, source),
                Found::Unseen => item.unseen = true,
                Found::Nothing => return Ok(Err((Wrong::Index, at))),
            }
            tell(&item, went)?;
        }
        Form::Incremental | Form::Without | Form::Never => {
            if number == 0 {
                let name = match literal(block, end, &mut s.name) {
                    Ok(l) => l,
                    Err(w) => return Ok(Err(w)),
                };
                end = name.text.end;
                if !name.huffman {
                    s.name.extend_from_slice(block.get(name.text.clone()).unwrap_or(&[]));
                }
                item.name_sent = Some(name);
            } else {
                s.name.clear();
                match table.get(number) {
                    Found::Entry(name, _, source) => {
                        s.name.extend_from_slice(name);
                        item.source = source;
                    }
                    Found::Unseen => item.unseen = true,
                    Found::Nothing => return Ok(Err((Wrong::Index, at))),
                }
            }
            let value = match literal(block, end, &mut s.value) {
                Ok(l) => l,
                Err(w) => return Ok(Err(w)),
            };
            end = value.text.end;
            item.at = at..end;
            item.name = &s.name;
            item.value = if value.huffman { &s.value } else { block.get(value.text.clone()).unwrap_or(&[]) };
            item.value_sent = Some(value);
            tell(&item, went)?;
            if form == Form::Incremental {
                let place = Span { at: base.at.saturating_add(at as u64), len: end.saturating_sub(at) as u32, ..base };
                let name: &[u8] = if item.unseen { b"?" } else { item.name };
                table.add(name, item.value, place);
            }
        }
    }
    *next = end;
    Ok(Ok(()))
}
