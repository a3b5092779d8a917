//! Domain names on the wire: labels, compression pointers, and how a name is written.

use super::fields as f;
use super::notes as n;
use std::fmt::Write as _;
use wirelore_kit::{F, Flags, Level, Note, Reader, Span, Stop, Value};

/// So many pointers of one name are followed. Names of 255 bytes need at most 127; more is a circle.
const MOST_HOPS: usize = 128;
/// A name's greatest length on the wire without compression, the root's length byte included.
const MOST_NAME: usize = 255;

/// A message whose names are read: pointers count from its first byte.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    /// All its bytes.
    pub bytes: &'a [u8],
    /// Offset of the first one in the buffer.
    pub at: u64,
}

impl Message<'_> {
    /// Where the reader stands, counted from the message's first byte.
    pub fn here(&self, r: &Reader<'_>) -> usize {
        r.at().saturating_sub(self.at) as usize
    }
}

enum Label<'a> {
    Text(&'a [u8]),
    Pointer(usize),
    End,
    /// Two top bits that mean nothing.
    Odd,
    /// Not all there.
    Cut,
}

fn label(bytes: &[u8], at: usize) -> Label<'_> {
    let Some(&first) = bytes.get(at) else { return Label::Cut };
    let from = at.saturating_add(1);
    match first {
        0 => Label::End,
        1..=63 => bytes.get(from..from.saturating_add(usize::from(first))).map_or(Label::Cut, Label::Text),
        192.. => bytes.get(from).map_or(Label::Cut, |low| Label::Pointer((usize::from(first & 0x3f) << 8) | usize::from(*low))),
        _ => Label::Odd,
    }
}

/// Bytes that the name at `at` takes there, up to its end or first pointer.
///
/// # Errors
/// [`Stop::Bad`] where it does not end well.
fn length(bytes: &[u8], at: usize) -> Result<usize, Stop> {
    let mut here = at;
    loop {
        match label(bytes, here) {
            Label::Text(t) => here = here.saturating_add(1).saturating_add(t.len()),
            Label::Pointer(_) => return Ok(here.saturating_add(2).saturating_sub(at)),
            Label::End => return Ok(here.saturating_add(1).saturating_sub(at)),
            Label::Odd => return Err(Stop::Bad(&n::LABEL_KIND)),
            Label::Cut => return Err(Stop::Bad(&n::NAME_CUT)),
        }
    }
}

/// Goes along the labels of the name at `at`, pointers followed, and returns what is wrong with it. `forward` is told of a pointer that leads on.
fn walk<'a>(bytes: &'a [u8], at: usize, forward: &mut bool, mut each: impl FnMut(&'a [u8])) -> Option<&'static Note> {
    let (mut here, mut hops, mut size) = (at, 0usize, 1usize);
    loop {
        match label(bytes, here) {
            Label::Text(t) => {
                here = here.saturating_add(1).saturating_add(t.len());
                size = size.saturating_add(1).saturating_add(t.len());
                if size > MOST_NAME {
                    return Some(&n::NAME_TOO_LONG);
                }
                each(t);
            }
            Label::Pointer(to) => {
                *forward |= to > here;
                hops = hops.saturating_add(1);
                if hops > MOST_HOPS || to == here {
                    return Some(&n::POINTER_LOOP);
                }
                here = to;
            }
            Label::End => return None,
            Label::Odd | Label::Cut => return Some(&n::POINTER_WILD),
        }
    }
}

/// Writes a label as lists and filters show it: UTF-8 as it is, control characters as `\t` or `\001`.
fn write_label(text: &mut String, label: &[u8]) {
    for chunk in label.utf8_chunks() {
        for c in chunk.valid().chars() {
            // Writing to a String cannot fail.
            let _ = match c {
                '\x07' => text.write_str("\\a"),
                '\x08' => text.write_str("\\b"),
                '\t' => text.write_str("\\t"),
                '\n' => text.write_str("\\n"),
                '\x0b' => text.write_str("\\v"),
                '\x0c' => text.write_str("\\f"),
                '\r' => text.write_str("\\r"),
                '\0'..=' ' | '\x7f' if c != ' ' => write!(text, "\\{:03o}", c as u32),
                c => text.write_char(c),
            };
        }
        if !chunk.invalid().is_empty() {
            text.push('\u{fffd}');
        }
    }
}

/// The name at `at` of a message, written out: labels with dots between them, `<Root>` for the root itself.
pub(super) fn text(bytes: &[u8], at: usize) -> String {
    let mut text = String::new();
    let mut first = true;
    let fault = walk(bytes, at, &mut false, |label| {
        if !std::mem::take(&mut first) {
            text.push('.');
        }
        write_label(&mut text, label);
    });
    match fault {
        Some(what) if std::ptr::eq(what, &n::POINTER_LOOP) => "<Name contains a pointer that loops>".into(),
        Some(what) if std::ptr::eq(what, &n::NAME_TOO_LONG) => "<Name too long>".into(),
        Some(_) => text + "<?>",
        None if text.is_empty() => "<Root>".into(),
        None => text,
    }
}

/// Adds the name at `at`, in lower case, to a hash.
pub(super) fn hash(bytes: &[u8], at: usize, hash: &mut u64) {
    walk(bytes, at, &mut false, |label| {
        let mut add = |b: u8| *hash = (*hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        add(label.len() as u8);
        label.iter().for_each(|b| add(b.to_ascii_lowercase()));
    });
}

/// Whether the name at `at` points to where no name is.
pub(super) fn leads_nowhere(bytes: &[u8], at: usize) -> bool {
    walk(bytes, at, &mut false, |_| {}).is_some_and(|what| std::ptr::eq(what, &n::POINTER_WILD)) && length(bytes, at).is_ok()
}

/// Whether a name of ordinary letters stands at `at`, and the bytes it takes; `None` where that cannot be said yet.
pub(super) fn ordinary(bytes: &[u8], at: usize) -> Option<(bool, usize)> {
    let mut here = at;
    loop {
        match label(bytes, here) {
            Label::Text(t) => {
                if !t.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) || here.saturating_sub(at) > MOST_NAME
                {
                    return Some((false, 0));
                }
                here = here.saturating_add(1).saturating_add(t.len());
            }
            Label::End => return Some((true, here.saturating_add(1).saturating_sub(at))),
            Label::Cut if !matches!(bytes.get(here), Some(64..)) => return None,
            _ => return Some((false, 0)),
        }
    }
}

/// How many labels the name at `at` of a message has.
pub(super) fn labels_of(bytes: &[u8], at: usize) -> u64 {
    let mut count = 0u64;
    walk(bytes, at, &mut false, |_| count = count.saturating_add(1));
    count
}

/// Reads a name as `field`; returns where it stands in the message, for [`text`].
///
/// # Errors
/// [`Stop::Bad`] where the labels do not end well; a name whose pointers lead nowhere is noted and passed over.
pub(super) fn read(r: &mut Reader<'_>, m: &Message<'_>, field: F) -> Result<usize, Stop> {
    let at = m.here(r);
    let len = length(r.rest(), 0)?;
    let mut forward = false;
    let fault = walk(m.bytes, at, &mut forward, |_| {});
    let here = r.span(len);
    if let Some(what) = fault {
        r.note(what, here);
    }
    if forward {
        r.note(&n::POINTER_FORWARD, here);
    }
    if r.level() == Level::Tree {
        let name = text(m.bytes, at);
        r.titled(field, |r| {
            labels(r, m)?;
            Ok(((), Value::from(name)))
        })?;
    } else if field.flags.has(Flags::KEY) {
        r.valued(field, len, Value::from(text(m.bytes, at)))?;
    } else {
        r.skip(len)?;
    }
    Ok(at)
}

/// The labels of a name, each a node.
fn labels(r: &mut Reader<'_>, m: &Message<'_>) -> Result<(), Stop> {
    loop {
        match label(r.rest(), 0) {
            Label::Text(t) => {
                let mut text = String::new();
                write_label(&mut text, t);
                r.valued(&f::LABEL, t.len().saturating_add(1), Value::from(text))?;
            }
            Label::Pointer(to) => {
                r.valued(&f::POINTER, 2, Value::U64(to as u64))?;
                let len = length(m.bytes, to).unwrap_or(0);
                let place = Span::new(r.span(0).buf, m.at.saturating_add(to as u64), len as u32);
                if len > 0 {
                    r.refer(&f::POINTS_TO, place);
                }
                return Ok(());
            }
            Label::End => return r.u8(&f::LABEL_END).map(|_| ()),
            Label::Odd => return Err(Stop::Bad(&n::LABEL_KIND)),
            Label::Cut => return Err(Stop::Bad(&n::NAME_CUT)),
        }
    }
}
