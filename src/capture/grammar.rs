//! What the two capture grammars have in common: numbers in either byte order, what they give, how they stop.

use std::collections::VecDeque;

use crate::block::Item;
use crate::event::{Damage, DamageKind, Event, OtherBlock};

/// No record may be longer: what claims to be is damage. Wireshark's own bounds are 256 KiB for packets and 16 MiB
/// for blocks; captures of USB and D-Bus hold packets up to 128 MiB.
pub(crate) const LONGEST: u32 = 256 << 20;

/// Wireshark's limit for ordinary packets (`WTAP_MAX_PACKET_SIZE_STANDARD`).
pub(crate) const ORDINARY: u32 = 262_144;

/// Events queued before a batch is handed over in any case.
pub(crate) const EVENTS_AT_ONCE: usize = 1024;

/// Reads a 32-bit number in the given byte order.
#[inline(always)]
pub(crate) fn u32_in<const BIG: bool>(b: [u8; 4]) -> u32 {
    if BIG { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
}

/// Reads a 16-bit number in the given byte order.
#[inline(always)]
pub(crate) fn u16_in<const BIG: bool>(b: [u8; 2]) -> u16 {
    if BIG { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) }
}

/// The `N` bytes at `at`, if they are there.
#[inline(always)]
pub(crate) fn take<const N: usize>(buf: &[u8], at: usize) -> Option<&[u8; N]> {
    buf.get(at..)?.first_chunk::<N>()
}

/// What a grammar gives: packets of the window, and events that come after them.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub items: Vec<Item>,
    pub events: VecDeque<Event>,
    /// Packets given before `items`.
    pub packets: u64,
    /// Added to every item.
    pub marks: u32,
}

impl Out {
    /// Index in the capture of the next packet.
    pub(crate) fn next_packet(&self) -> u64 {
        self.packets.saturating_add(self.items.len() as u64)
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.events.push_back(event);
    }
}

/// Why a grammar stopped, at the position it also tells.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The record here needs so many bytes.
    Need(u64),
    /// Packets and events are to be delivered before more is read.
    Turn,
    /// A long block without meaning here: pass over it, if its closing length agrees.
    Pass(OtherBlock),
    /// The record here is damaged.
    Damaged { damage: Box<Damage>, resume: Resume },
}

/// Where reading may go on after a damaged record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// So many bytes on: the record's frame is whole.
    Next(u64),
    /// So many bytes on, if a record begins there; else it must be searched for.
    Perhaps(u64),
    /// Unknown: search.
    Search,
}

/// A damaged record.
pub(crate) fn damaged(kind: DamageKind, at: u64, what: impl Into<String>, why: impl Into<String>, resume: Resume) -> Halt {
    let damage = Damage {
        kind,
        at,
        what: what.into().into(),
        why: why.into().into(),
        what_to_do: "What comes before is whole. Get the original file again, or find out which program wrote this.".into(),
    };
    Halt::Damaged { damage: Box::new(damage), resume }
}

/// Is there a readable record at some offset? Asked while looking for one after damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likely {
    Yes,
    No,
    /// The bytes that would tell have not come yet.
    Later,
}

/// What a look at some bytes of the capture gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look<const N: usize> {
    Bytes([u8; N]),
    /// The capture ends before.
    End,
    /// Not there yet.
    Later,
    /// The limit on looks far ahead is used up.
    Tired,
}

/// Random access for the search after damage.
pub(crate) trait Peer {
    /// `N` bytes at an offset of the capture.
    fn look<const N: usize>(&mut self, at: u64) -> Look<N>;
    /// The capture's end, once known.
    fn end(&self) -> Option<u64>;
}
