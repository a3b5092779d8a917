//! Packets in the order of the file, some at a time, with their bytes read in few large pieces.

use crate::recall::Recall;
use bytes::Bytes;
use std::borrow::Cow;
use std::ops::Range;
use wirelore_capture::{Memory, SpoolReader};
use wirelore_kit::PacketRow;
use wirelore_store::Snapshot;

/// Bytes of a window and packets in it: small enough to stay in a core's cache.
const MOST_BYTES: u64 = 1 << 20;
const MOST_PACKETS: usize = 2048;
/// Packets of a segment of the store.
const SEGMENT: u32 = 4096;
/// Bytes between two packets that are read along rather than passed over.
const WORTH_READING: u64 = 16 << 10;

/// Bytes of a packet in a window, or read by themselves.
pub(crate) enum Lent<'w> {
    Here(&'w [u8]),
    Own(Bytes),
}

impl AsRef<[u8]> for Lent<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Lent::Here(bytes) => bytes,
            Lent::Own(bytes) => bytes,
        }
    }
}

/// Packets and their bytes.
pub(crate) struct Window {
    /// Number of the first.
    pub first: u32,
    /// Their rows.
    pub rows: Vec<PacketRow>,
    /// Their bytes; `None` where nobody needs them, or where they are gone.
    pub bytes: Vec<Option<Bytes>>,
}

/// Reads a capture's windows one after another.
pub(crate) struct Windows<'s> {
    snapshot: &'s Snapshot,
    spool: &'s SpoolReader,
    next: u32,
    end: u32,
    /// The segment that was unpacked last.
    segment: (u32, Cow<'s, [PacketRow]>),
    memory: Memory,
}

impl<'s> Windows<'s> {
    /// Those of packets `range`, of which about `at_once` are looked at at a time.
    pub fn of(snapshot: &'s Snapshot, spool: &'s SpoolReader, range: Range<u32>, at_once: usize) -> Windows<'s> {
        let end = range.end.min(snapshot.packets());
        Windows { snapshot, spool, next: range.start, end, segment: (u32::MAX, Cow::Borrowed(&[])), memory: Memory::of(at_once) }
    }

    /// The next one; bytes only of packets that `needed` names. `None` behind the last.
    pub fn next(&mut self, needed: impl Fn(u32, &PacketRow) -> bool) -> Option<Window> {
        let first = self.next;
        if first >= self.end {
            return None;
        }
        let segment = first / SEGMENT;
        if self.segment.0 != segment {
            self.segment = (segment, self.snapshot.packet_table().segment(segment as usize));
        }
        let most = MOST_PACKETS.min(self.end.saturating_sub(first) as usize);
        let rows = self.segment.1.get((first % SEGMENT) as usize..).unwrap_or(&[]);
        let mut window = Window { first, rows: Vec::with_capacity(most), bytes: Vec::with_capacity(most) };
        let mut total = 0u64;
        let mut wanted = Vec::with_capacity(most);
        for (n, row) in (first..).zip(rows.iter().take(most)) {
            let need = needed(n, row);
            if need {
                total = total.saturating_add(u64::from(row.cap_len));
                if total > MOST_BYTES && !window.rows.is_empty() {
                    break;
                }
            }
            window.rows.push(*row);
            wanted.push(need);
        }
        window.fill(self.spool, &wanted, &mut self.memory);
        self.next = window.end();
        Some(window)
    }
}

impl Window {
    /// The number behind the last.
    pub fn end(&self) -> u32 {
        self.first.saturating_add(self.rows.len() as u32)
    }

    /// A packet of it.
    pub fn get(&self, packet: u32) -> Option<(&PacketRow, &Bytes)> {
        let i = packet.checked_sub(self.first)? as usize;
        Some((self.rows.get(i)?, self.bytes.get(i)?.as_ref()?))
    }

    /// The bytes that the delivery log's offsets of a packet count in, and its time.
    pub fn fetch(&self, recall: &Recall, snapshot: &Snapshot, packet: u32) -> Option<(Lent<'_>, i64)> {
        match self.get(packet) {
            Some((row, bytes)) if row.bits & PacketRow::FRAGMENT == 0 => Some((Lent::Here(bytes), row.time)),
            _ => recall.fetch(snapshot, packet).map(|(bytes, time)| (Lent::Own(bytes), time)),
        }
    }

    fn fill(&mut self, spool: &SpoolReader, wanted: &[bool], memory: &mut Memory) {
        self.bytes.resize(self.rows.len(), None);
        let mut i = 0;
        while i < self.rows.len() {
            if wanted.get(i) != Some(&true) {
                i += 1;
                continue;
            }
            let (from, next) = self.stretch(i, wanted);
            self.read_stretch(spool, i..next, from, wanted, memory);
            i = next;
        }
    }

    /// From packet `i` on: the offset of its bytes, and the first packet whose bytes do not lie behind it nearby.
    fn stretch(&self, i: usize, wanted: &[bool]) -> (u64, usize) {
        let from = self.rows.get(i).map_or(0, PacketRow::at);
        let (mut end, mut next) = (from, i);
        for (k, row) in self.rows.iter().enumerate().skip(i) {
            if wanted.get(k) == Some(&true) {
                let far = row.at() < end || row.at() - end > WORTH_READING || row.at().saturating_sub(from) > 2 * MOST_BYTES;
                if far && k > i {
                    break;
                }
                end = row.at().saturating_add(u64::from(row.cap_len));
                next = k + 1;
            }
        }
        (from, next.max(i + 1))
    }

    fn read_stretch(&mut self, spool: &SpoolReader, range: Range<usize>, from: u64, wanted: &[bool], memory: &mut Memory) {
        let last = self.rows.get(range.clone()).unwrap_or(&[]).iter().zip(wanted.get(range.clone()).unwrap_or(&[]));
        let end = last.filter(|(_, w)| **w).map(|(r, _)| r.at().saturating_add(u64::from(r.cap_len))).max().unwrap_or(from);
        let all = spool.read_into(from, end.saturating_sub(from) as usize, memory).ok();
        for i in range {
            let Some(row) = self.rows.get(i).filter(|_| wanted.get(i) == Some(&true)) else { continue };
            let at = row.at().saturating_sub(from) as usize;
            let bytes = match &all {
                Some(all) => all.get(at..at.saturating_add(row.cap_len as usize)).map(|b| all.slice_ref(b)),
                // Some of it is gone, not all.
                None => spool.read_at(row.at(), row.cap_len as usize).ok(),
            };
            if let Some(slot) = self.bytes.get_mut(i) {
                *slot = bytes;
            }
        }
    }
}
