//! pcapng to pcapng: blocks are copied as they stand, so that nothing is lost that nobody here knows; packets that are not wanted are left
//! out, and secrets as the rules say.
//!
//! The source says where packets lie. What stands between two of them is walked block by block, from length to length.

use super::Told;
use super::chosen::Chosen;
use super::keys::Keys;
use crate::redact::Redaction;
use std::borrow::Cow;
use std::io::{self, Write};
use wirelore_capture::{Batch, Block, Event, Item, SpoolReader, mark};

const SECTION: u32 = 0x0a0d_0d0a;
const SECRETS: u32 = 10;
/// Packet blocks: obsolete, simple, enhanced.
const PACKETS: [u32; 3] = [2, 3, 6];
/// A custom block that says it must not be copied when packets were changed or left out.
const CUSTOM_FIXED: u32 = 0x4000_0bad;
/// A custom block that may be copied.
const CUSTOM: u32 = 0xbad;
/// Blocks beside packets whose texts are known: interfaces, names, statistics.
const READABLE: [u32; 3] = [1, 4, 5];
/// What our own custom blocks begin with.
const MARK: &[u8] = wirelore_record::said::MARK.as_bytes();
/// Longer blocks beside packets are not looked through.
const MOST_BLOCK: u64 = 16 << 20;
/// Bytes copied at once.
const PIECE: u64 = 1 << 20;

/// Copies blocks.
pub(super) struct Copier<'a, W> {
    pub(super) out: &'a mut W,
    reader: SpoolReader,
    chosen: &'a Chosen,
    keys: &'a mut Keys,
    redaction: Option<&'a mut Redaction>,
    /// Packets or secrets may be left out or added.
    changes: bool,
    at: u64,
    big: bool,
    pub(super) told: Told,
}

fn number(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let b: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
}

impl<'a, W: Write> Copier<'a, W> {
    pub(super) fn new(
        out: &'a mut W,
        reader: SpoolReader,
        chosen: &'a Chosen,
        keys: &'a mut Keys,
        changes: bool,
        redaction: Option<&'a mut Redaction>,
    ) -> Self {
        Copier { out, reader, chosen, keys, redaction, changes, at: 0, big: false, told: Told::default() }
    }

    /// Copies the wanted packets of a batch, and what stands between them.
    pub(super) fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        for (n, item) in (batch.first..).zip(batch.items.iter()) {
            self.packet(batch, n, item)?;
        }
        Ok(())
    }

    fn packet(&mut self, batch: &Batch, n: u64, item: &Item) -> io::Result<()> {
        // Only simple packet blocks have no time; their packet begins behind fewer numbers.
        let before = if item.marks & mark::NO_TIME != 0 { 12 } else { 28 };
        let start = item.at.saturating_sub(before);
        self.until(start)?;
        self.at = start;
        let Some((_, len)) = self.head(Some(&batch.block)) else { return Ok(()) };
        self.told.packets += 1;
        if self.chosen.has(n) {
            self.told.kept += 1;
            let block = view(&self.reader, Some(&batch.block), start, len)?;
            match &mut self.redaction {
                Some(redaction) => {
                    let mut block = block.into_owned();
                    redact(redaction, &mut block, n, before as usize, item.cap_len as usize);
                    self.out.write_all(&block)?;
                }
                None => self.out.write_all(&block)?,
            }
        }
        self.at = start.saturating_add(len);
        Ok(())
    }

    /// What an event says about places that can not be read.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Damage(d) => self.until(d.at),
            Event::Resumed(r) => {
                self.at = self.at.max(r.at);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Copies what follows the last packet.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.until(u64::MAX)
    }

    /// Kind and length of the block here; nothing where none can be read. A section's byte order is learnt.
    fn head(&mut self, window: Option<&Block>) -> Option<(u32, u64)> {
        let head = view(&self.reader, window, self.at, 12).ok()?;
        let kind = number(&head, 0, self.big)?;
        if kind == SECTION {
            self.big = number(&head, 8, true)? == 0x1a2b_3c4d;
        }
        let len = number(&head, 4, self.big)?;
        if len < 12 || !len.is_multiple_of(4) {
            return None;
        }
        let trailer = view(&self.reader, window, self.at.checked_add(u64::from(len))?.checked_sub(4)?, 4).ok()?;
        (number(&trailer, 0, self.big)? == len).then_some((kind, u64::from(len)))
    }

    /// Copies blocks from here to `to`, or as far as they can be read.
    fn until(&mut self, to: u64) -> io::Result<()> {
        while self.at < to {
            let Some((kind, len)) = self.head(None) else { break };
            if self.at.saturating_add(len) > to {
                break;
            }
            match kind {
                SECTION => self.section(len)?,
                SECRETS => self.secrets(len)?,
                // The source did not read it: it is damaged, and told.
                k if PACKETS.contains(&k) => {}
                CUSTOM_FIXED if self.changes => self.told.fixed += 1,
                kind if self.redaction.is_some() => self.redacted(kind, len)?,
                _ => self.copy(len)?,
            }
            self.at = self.at.saturating_add(len);
        }
        Ok(())
    }

    /// A block beside the packets, with the secrets in its text covered; what nobody here knows stays behind.
    fn redacted(&mut self, kind: u32, len: u64) -> io::Result<()> {
        let mut block = match self.reader.read_at(self.at, len.min(MOST_BLOCK) as usize) {
            Ok(block) if len <= MOST_BLOCK => block.to_vec(),
            _ => Vec::new(),
        };
        let ours = || block.get(8..).is_some_and(|b| b.windows(MARK.len()).take(8).any(|w| w == MARK));
        let Some(redaction) = &mut self.redaction else { return Ok(()) };
        let known = READABLE.contains(&kind) || (kind == CUSTOM && ours());
        if !known {
            redaction.left_out();
            return Ok(());
        }
        let end = block.len().saturating_sub(4);
        if let Some(text) = block.get_mut(8..end) {
            redaction.beside(text);
        }
        self.out.write_all(&block)
    }

    fn copy(&mut self, len: u64) -> io::Result<()> {
        let (mut at, end) = (self.at, self.at.saturating_add(len));
        while at < end {
            let piece = PIECE.min(end.saturating_sub(at));
            self.out.write_all(&self.reader.read_at(at, piece as usize)?)?;
            at = at.saturating_add(piece);
        }
        Ok(())
    }

    fn section(&mut self, len: u64) -> io::Result<()> {
        let mut block = self.reader.read_at(self.at, len as usize)?.to_vec();
        // The section's length is another from here on: unknown.
        if let Some(length) = block.get_mut(16..24) {
            length.fill(0xff);
        }
        let end = block.len().saturating_sub(4);
        if let (Some(redaction), Some(options)) = (&mut self.redaction, block.get_mut(24..end)) {
            redaction.beside(options);
        }
        self.out.write_all(&block)?;
        match self.keys.injected() {
            Some(log) => self.write_secrets(wirelore_capture::secrets::TLS_KEY_LOG, &log),
            None => Ok(()),
        }
    }

    fn secrets(&mut self, len: u64) -> io::Result<()> {
        let block = self.reader.read_at(self.at, len as usize)?;
        let (kind, long) = (number(&block, 8, self.big).unwrap_or(0), number(&block, 12, self.big).unwrap_or(0));
        let Some(data) = block.get(16..16usize.saturating_add(long as usize)) else { return Ok(()) };
        self.keys.extracted(kind, data)?;
        match self.keys.pass(kind, data) {
            Some(kept) if kept == data => self.out.write_all(&block),
            Some(kept) => self.write_secrets(kind, &kept),
            None => Ok(()),
        }
    }

    fn write_secrets(&mut self, kind: u32, data: &[u8]) -> io::Result<()> {
        let order = |n: u32| if self.big { n.to_be_bytes() } else { n.to_le_bytes() };
        let padding = data.len().next_multiple_of(4).saturating_sub(data.len());
        let len =
            u32::try_from(data.len()).map_err(|_| io::Error::other("a pcapng block holds no key log of more than 4 GiB"))?;
        let whole = len.saturating_add(padding as u32).saturating_add(20);
        let head = [order(SECRETS), order(whole), order(kind), order(len)].concat();
        self.out.write_all(&[&head[..], data, [0; 4].get(..padding).unwrap_or_default(), &order(whole)].concat())
    }
}

/// Covers the secrets of a packet in its block, and in the options behind it: comments.
fn redact(redaction: &mut Redaction, block: &mut [u8], packet: u64, at: usize, len: usize) {
    if let Some(data) = block.get_mut(at..at.saturating_add(len)) {
        redaction.packet(packet, data);
    }
    let end = block.len().saturating_sub(4);
    if let Some(options) = block.get_mut(at.saturating_add(len).next_multiple_of(4)..end) {
        redaction.beside(options);
    }
}

/// Bytes of the capture: those of the window where they lie in it.
fn view<'w>(reader: &SpoolReader, window: Option<&'w Block>, at: u64, len: u64) -> io::Result<Cow<'w, [u8]>> {
    let inside = window.and_then(|w| {
        let from = usize::try_from(at.checked_sub(w.at())?).ok()?;
        w.bytes().get(from..from.checked_add(usize::try_from(len).ok()?)?)
    });
    match inside {
        Some(bytes) => Ok(Cow::Borrowed(bytes)),
        None => Ok(Cow::Owned(reader.read_at(at, len as usize)?.to_vec())),
    }
}
