//! HPACK written (RFC 7541): fields as representations, with a table of our own towards one receiver.
//!
//! The table can begin as what another encoder has built up there: blocks of others that went on as they came are followed, and from the first
//! block of our own on nobody else writes to it.

use super::table::{Found, OVERHEAD, STATIC, Table};
use super::{Form, Scratch, Wrong, decode};
use crate::coding::huffman;
use bytes::Bytes;
use wirelore_kit::{BufId, Span};

/// A field that takes more than this part of the table is not added to it.
const LARGE: usize = 4;

/// One header field, and how it may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name, pseudo-headers with their colon.
    pub name: Bytes,
    /// Its value.
    pub value: Bytes,
    /// [`Form::Incremental`]: it may be added to tables. [`Form::Never`]: nobody on the way may (RFC 7541 §7.1.3).
    pub form: Form,
}

impl Line {
    /// A field that tables may hold.
    #[must_use]
    pub fn new(name: impl Into<Bytes>, value: impl Into<Bytes>) -> Line {
        Line { name: name.into(), value: value.into(), form: Form::Incremental }
    }
}

/// Writes blocks for one receiver.
#[derive(Debug)]
pub struct Encoder {
    /// What the receiver's decoder holds.
    table: Table,
    /// Sizes that the next block must say (RFC 7541 §4.2): the smallest since the last block, and the present one.
    resized: Option<(u32, u32)>,
    scratch: Scratch,
}

fn nowhere() -> Span {
    Span::new(BufId::part(0), 0, 0)
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder { table: Table::new(false), resized: None, scratch: Scratch::default() }
    }
}

impl Encoder {
    /// A block of another encoder has gone on as it came: the receiver's table is now as it says.
    ///
    /// # Errors
    /// The block cannot be read.
    pub fn follow(&mut self, block: &[u8]) -> Result<(), Wrong> {
        self.resized = None;
        match decode(block, nowhere(), &mut self.table, &mut self.scratch, |_| Ok(())) {
            Ok(went) => went.wrong.map_or(Ok(()), |(wrong, _)| Err(wrong)),
            Err(_) => Err(Wrong::Cut),
        }
    }

    /// The receiver allows tables of `limit` bytes (SETTINGS_HEADER_TABLE_SIZE). Where that is less than before, the next block says so;
    /// a block of another encoder does by itself.
    pub fn allow(&mut self, limit: u32) {
        let (_, before) = self.table.sizes();
        self.table.allow(limit);
        let (_, now) = self.table.sizes();
        if now < before {
            let least = self.resized.map_or(now, |(least, _)| least.min(now));
            self.resized = Some((least, now));
        }
    }

    /// Writes a block.
    pub fn block<'l>(&mut self, lines: impl IntoIterator<Item = &'l Line>) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        if let Some((least, now)) = self.resized.take() {
            number(&mut out, 0x20, 5, u64::from(least));
            if now != least {
                number(&mut out, 0x20, 5, u64::from(now));
            }
        }
        for line in lines {
            self.line(line, &mut out);
        }
        out
    }

    fn line(&mut self, line: &Line, out: &mut Vec<u8>) {
        let (whole, named) = self.find(&line.name, &line.value);
        if let Some(index) = whole.filter(|_| line.form != Form::Never) {
            number(out, 0x80, 7, index);
            return;
        }
        let size = line.name.len().saturating_add(line.value.len()).saturating_add(OVERHEAD);
        let (_, max) = self.table.sizes();
        let large = size.saturating_mul(LARGE) > (max as usize).saturating_mul(LARGE.saturating_sub(1));
        let (pattern, bits, add) = match line.form {
            Form::Never => (0x10, 4, false),
            Form::Without => (0x00, 4, false),
            _ if large => (0x00, 4, false),
            _ => (0x40, 6, true),
        };
        number(out, pattern, bits, named.unwrap_or(0));
        if named.is_none() {
            text(out, &line.name);
        }
        text(out, &line.value);
        if add {
            self.table.add(&line.name, &line.value, nowhere());
        }
    }

    /// The indexes of an entry with that name and value, and of one with that name.
    fn find(&self, name: &[u8], value: &[u8]) -> (Option<u64>, Option<u64>) {
        let mut named = None;
        for (i, (n, v)) in STATIC.iter().enumerate() {
            if *n == name {
                let index = (i as u64).saturating_add(1);
                if *v == value {
                    return (Some(index), Some(index));
                }
                named = named.or(Some(index));
            }
        }
        let first = (STATIC.len() as u64).saturating_add(1);
        for (i, e) in self.table.entries().enumerate() {
            if e.name() == name {
                let index = first.saturating_add(i as u64);
                if e.value() == value {
                    return (Some(index), Some(index));
                }
                named = named.or(Some(index));
            }
        }
        debug_assert!(named.is_none_or(|i| !matches!(self.table.get(i), Found::Nothing)));
        (None, named)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.table.weight()
    }
}

/// A number behind a pattern, in a prefix of `bits` bits (RFC 7541 §5.1).
fn number(out: &mut Vec<u8>, pattern: u8, bits: u32, value: u64) {
    let full = (1u64 << bits).saturating_sub(1);
    if value < full {
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | full as u8);
    let mut left = value.saturating_sub(full);
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// A text, in the Huffman code where that is shorter (RFC 7541 §5.2).
fn text(out: &mut Vec<u8>, text: &[u8]) {
    let bits = text.iter().map(|b| usize::from(huffman::bits_of(*b)));
    let coded = bits.fold(0, usize::saturating_add).div_ceil(8);
    if coded < text.len() {
        number(out, 0x80, 7, coded as u64);
        huffman::encode(text, out);
    } else {
        number(out, 0, 7, text.len() as u64);
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(block: &[u8], table: &mut Table) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let went = decode(block, nowhere(), table, &mut Scratch::default(), |item| {
            if item.form != Form::Resize {
                all.push((String::from_utf8_lossy(item.name).into(), String::from_utf8_lossy(item.value).into()));
            }
            Ok(())
        });
        assert!(matches!(went, Ok(w) if w.wrong.is_none() && !w.too_large && !w.late_resize), "{went:?}");
        all
    }

    #[test]
    fn blocks_read_as_what_was_written_and_tables_stay_alike() {
        let (mut encoder, mut table) = (Encoder::default(), Table::new(false));
        for round in 0..200u32 {
            let lines: Vec<Line> = (0..round % 7)
                .map(|i| Line::new(format!("x-name-{}", (round + i) % 5), "v".repeat((round * i) as usize % 900)))
                .chain([Line::new(&b":method"[..], &b"GET"[..]), Line::new(&b":path"[..], format!("/{}", round % 3))])
                .collect();
            let block = encoder.block(&lines);
            let want: Vec<_> = lines
                .iter()
                .map(|l| (String::from_utf8_lossy(&l.name).into(), String::from_utf8_lossy(&l.value).into()))
                .collect();
            assert_eq!(read(&block, &mut table), want);
            assert_eq!(encoder.table.sizes(), table.sizes());
            if round == 100 {
                table.allow(200);
                encoder.allow(200);
            }
        }
    }

    #[test]
    fn a_secret_is_never_put_into_a_table() {
        let (mut encoder, mut table) = (Encoder::default(), Table::new(false));
        let secret = Line { form: Form::Never, ..Line::new(&b"authorization"[..], &b"Bearer x"[..]) };
        for _ in 0..2 {
            let block = encoder.block([&secret]);
            assert_eq!(block.first().map(|b| b & 0xf0), Some(0x10));
            assert_eq!(read(&block, &mut table).len(), 1);
        }
        assert_eq!(table.sizes().0, 0);
    }
}
