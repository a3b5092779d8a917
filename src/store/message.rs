//! Message rows: one message of a conversation, as listed; and what opens and changes one.

use crate::flow::Worst;
use std::ops::Range;
use wirelore_kit::row::NONE;
use wirelore_kit::{Cell, ConvId, Dir, F, MessageState, Noted, Severity};

/// A message as listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageRow {
    /// Its conversation.
    pub conv: ConvId,
    /// What it speaks, an index of [`crate::Schema::protocols`].
    pub protocol: u16,
    /// Which way it went.
    pub dir: Dir,
    /// The packet of its first byte.
    pub first: u32,
    /// The packet that completed it, or [`NONE`] while it is open.
    pub done: u32,
    /// Offset of its first byte in its direction of the conversation.
    pub at: u64,
    /// Bytes, so far while it is open.
    pub len: u64,
    /// Whether it is open, whole, cut or bad.
    pub state: MessageState,
    /// The exchange it asks in or answers, or [`NONE`].
    pub exchange: u32,
    /// Which reading of its conversation made it.
    pub generation: u16,
    /// The highest severity among its notes.
    pub worst: Option<Severity>,
    /// Number of its notes, at most 65,535.
    pub notes: u16,
    /// A newer reading took its place: lists leave it out.
    pub withdrawn: bool,
    /// The message before it of the same flow, or [`NONE`]; it may be withdrawn.
    pub previous: u32,
}

/// A message that begins (and often ends at once).
#[derive(Debug, Clone, Copy)]
pub struct MessageOpen<'a> {
    /// Its conversation; the flow must exist.
    pub conv: ConvId,
    /// What it speaks, an index of [`crate::Schema::protocols`].
    pub protocol: u16,
    /// Which way it goes.
    pub dir: Dir,
    /// The packet of its first byte.
    pub first: u32,
    /// The packet that completed it, or [`NONE`] while it is open.
    pub done: u32,
    /// Offset of its first byte in its direction.
    pub at: u64,
    /// Bytes, so far.
    pub len: u64,
    /// Open, or how it ended.
    pub state: MessageState,
    /// Its one line.
    pub summary: &'a str,
    /// KEY columns in order of reading, as in [`wirelore_kit::Sink::cells`].
    pub cells: &'a [(F, Cell)],
    /// Text of the cells, as in [`wirelore_kit::Sink::arena`].
    pub arena: &'a [u8],
    /// Findings.
    pub notes: &'a [Noted],
    /// Which reading of the conversation this is, counted from 0.
    pub generation: u16,
}

/// What became of a message since it was opened or changed last.
#[derive(Debug, Clone, Copy)]
pub struct MessageEnd<'a> {
    /// The packet that completed it, or [`NONE`] while it is open.
    pub done: u32,
    /// Bytes, so far.
    pub len: u64,
    /// Open, or how it ended.
    pub state: MessageState,
    /// Its line, if it is another now.
    pub summary: Option<&'a str>,
    /// More columns; those said before stay.
    pub cells: &'a [(F, Cell)],
    /// Text of these cells.
    pub arena: &'a [u8],
    /// More findings.
    pub notes: &'a [Noted],
}

/// A message row: 56 bytes. In old segments it is packed further ([`crate::packed::PackedRows`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Packed {
    pub at: u64,
    pub len: u64,
    pub flow: u32,
    /// Inner conversation in [`INNER_BITS`]; above: direction, state (2), worst note (3), withdrawn.
    pub inner: u32,
    pub first: u32,
    pub done: u32,
    pub exchange: u32,
    pub previous: u32,
    /// Number of the summary among the segment's strings.
    pub summary: u32,
    pub cells_at: u32,
    pub cells_len: u16,
    pub protocol: u16,
    pub generation: u16,
    pub notes: u16,
}

/// Bits of an inner conversation's number.
pub(crate) const INNER_BITS: u32 = 23;
const INNER: u32 = (1 << INNER_BITS) - 1;
const DIR: u32 = 1 << INNER_BITS;
const STATE: u32 = 24;
const WORST: u32 = 26;
const WITHDRAWN: u32 = 1 << 29;

impl Packed {
    pub fn new(m: &MessageOpen<'_>, previous: u32) -> Packed {
        let mut p = Packed {
            at: m.at,
            len: m.len,
            flow: m.conv.flow,
            inner: m.conv.inner & INNER,
            first: m.first,
            done: m.done,
            exchange: NONE,
            previous,
            summary: 0,
            cells_at: 0,
            cells_len: 0,
            protocol: m.protocol,
            generation: m.generation,
            notes: 0,
        };
        if m.dir == Dir::ToClient {
            p.inner |= DIR;
        }
        p.set_state(m.state);
        p
    }

    /// Where its cells stand.
    #[inline]
    pub const fn cells(&self) -> Range<usize> {
        let at = self.cells_at as usize;
        at..at + self.cells_len as usize
    }

    #[inline]
    pub const fn conv(&self) -> ConvId {
        ConvId { flow: self.flow, inner: self.inner & INNER }
    }

    #[inline]
    pub const fn dir(&self) -> Dir {
        if self.inner & DIR == 0 { Dir::ToServer } else { Dir::ToClient }
    }

    #[inline]
    pub const fn state(&self) -> MessageState {
        match (self.inner >> STATE) & 3 {
            0 => MessageState::Open,
            1 => MessageState::Whole,
            2 => MessageState::Cut,
            _ => MessageState::Bad,
        }
    }

    pub const fn set_state(&mut self, state: MessageState) {
        self.inner = (self.inner & !(3 << STATE)) | ((state as u32) << STATE);
    }

    #[inline]
    pub const fn worst(&self) -> Worst {
        Worst(((self.inner >> WORST) & 7) as u8)
    }

    pub fn noted(&mut self, severity: Severity) {
        let worst = self.worst().max(Worst::of(severity));
        self.inner = (self.inner & !(7 << WORST)) | (u32::from(worst.0) << WORST);
        self.notes = self.notes.saturating_add(1);
    }

    #[inline]
    pub const fn is_withdrawn(&self) -> bool {
        self.inner & WITHDRAWN != 0
    }

    /// The same, asked of what stands above the inner conversation's number.
    #[inline]
    pub const fn flags_say_withdrawn(flags: u32) -> bool {
        flags & (WITHDRAWN >> INNER_BITS) != 0
    }

    pub const fn withdraw(&mut self) {
        self.inner |= WITHDRAWN;
    }

    pub const fn row(&self) -> MessageRow {
        MessageRow {
            conv: self.conv(),
            protocol: self.protocol,
            dir: self.dir(),
            first: self.first,
            done: self.done,
            at: self.at,
            len: self.len,
            state: self.state(),
            exchange: self.exchange,
            generation: self.generation,
            worst: self.worst().severity(),
            notes: self.notes,
            withdrawn: self.is_withdrawn(),
            previous: self.previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing() {
        assert_eq!(size_of::<Packed>(), 56);
        for (dir, state) in
            [(Dir::ToServer, MessageState::Bad), (Dir::ToClient, MessageState::Open), (Dir::ToClient, MessageState::Cut)]
        {
            let open = MessageOpen {
                conv: ConvId { flow: u32::MAX - 1, inner: (1 << 23) - 1 },
                protocol: 7,
                dir,
                first: 1,
                done: 2,
                at: u64::MAX,
                len: 3,
                state,
                summary: "",
                cells: &[],
                arena: &[],
                notes: &[],
                generation: 9,
            };
            let mut p = Packed::new(&open, 5);
            assert_eq!((p.row().conv, p.row().dir, p.row().state, p.row().worst), (open.conv, dir, state, None));
            p.noted(Severity::Warn);
            p.noted(Severity::Chat);
            p.withdraw();
            p.set_state(MessageState::Whole);
            let row = p.row();
            assert_eq!(
                (row.conv, row.dir, row.state, row.worst, row.notes, row.withdrawn),
                (open.conv, dir, MessageState::Whole, Some(Severity::Warn), 2, true)
            );
            assert_eq!((row.at, row.previous, row.generation), (u64::MAX, 5, 9));
        }
    }
}
