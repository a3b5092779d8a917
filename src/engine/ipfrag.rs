//! Reassembly of IP fragments with provenance: which arrivals gave which bytes, what overlapped, what was given up and why.
//!
//! As in tshark the fragment that completes a datagram carries its upper layers. Where fragments overlap, the bytes that arrived first
//! stay; different bytes in an overlap are told as a conflict. Everything is bounded in bytes, in datagrams and in capture time.

use crate::packet::{Fragment, IpPair};
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, VecDeque};

/// A datagram's payload cannot be longer (RFC 791, RFC 8200: 16-bit lengths; jumbograms are never fragmented).
const MAX_DATAGRAM: u32 = 65_535;
/// What one held fragment costs beside its bytes, roughly, in bytes.
const PIECE_COST: usize = 96;

/// Bounds of the table.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes held in all, bookkeeping included.
    pub bytes: usize,
    /// Datagrams held at once.
    pub datagrams: usize,
    /// Capture time for which an incomplete datagram is kept, in nanoseconds (RFC 8200 section 4.5 demands 60 s of receivers, RFC 791 suggests 15 s).
    pub patience_ns: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 16 << 20, datagrams: 4096, patience_ns: 60_000_000_000 }
    }
}

/// What identifies a datagram (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatagramKey {
    /// Source and destination.
    pub net: IpPair,
    /// Identification.
    pub id: u32,
    /// Protocol number in IPv4; 0 in IPv6, where it is no part of the key.
    pub proto: u8,
}

impl DatagramKey {
    /// The key of a fragment.
    pub fn of(net: IpPair, fragment: &Fragment) -> DatagramKey {
        let proto = if matches!(net, IpPair::V4(..)) { fragment.proto } else { 0 };
        DatagramKey { net, id: fragment.id, proto }
    }
}

/// Where a run of a datagram's bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentPiece {
    /// Offset in the datagram's payload.
    pub at: u32,
    /// Length in bytes.
    pub len: u32,
    /// Number of the arrival that brought them.
    pub arrival: u64,
    /// Offset of the first of them in that arrival.
    pub offset: u32,
}

/// A datagram put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Its payload.
    pub bytes: Vec<u8>,
    /// Protocol number (next header) as its first fragment tells it.
    pub proto: u8,
    /// Where the payload came from, in order, without gaps.
    pub pieces: Vec<FragmentPiece>,
    /// Some fragments covered the same bytes (a doubled fragment counts).
    pub overlap: bool,
    /// Overlapping fragments had different bytes.
    pub conflict: bool,
    /// Fragments disagreed on where the datagram ends, or went beyond its end.
    pub bad_length: bool,
}

/// Why a datagram was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Its other fragments did not come in time.
    Patience,
    /// Room was needed for newer ones.
    Room,
}

/// A datagram that was not completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Which one.
    pub key: DatagramKey,
    /// Why.
    pub why: GivenUp,
    /// The arrival that began it.
    pub first_arrival: u64,
    /// Bytes that had come.
    pub have: u32,
    /// Its full length, if its last fragment had come.
    pub total: Option<u32>,
}

/// What became of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits for others.
    Held,
    /// It was the last one missing.
    Joined(Box<Datagram>),
    /// It cannot belong to a datagram: it reaches beyond the longest possible one, or is empty.
    Refused,
}

struct Held {
    bytes: Box<[u8]>,
    arrival: u64,
    offset: u32,
}

struct Partial {
    serial: u64,
    since_ns: i64,
    first_arrival: u64,
    /// Disjoint pieces by their offset.
    pieces: BTreeMap<u32, Held>,
    have: u32,
    total: Option<u32>,
    proto: Option<u8>,
    cost: usize,
    overlap: bool,
    conflict: bool,
    bad_length: bool,
}

/// The fragments that wait for others.
#[derive(Default)]
pub struct FragmentTable {
    partial: HashMap<DatagramKey, Partial>,
    /// Keys in the order they were begun; an entry whose serial no longer fits is of a datagram that is done.
    order: VecDeque<(u64, DatagramKey)>,
    serial: u64,
    cost: usize,
    limits: Limits,
    lost: Vec<Lost>,
}

/// Losses kept for [`FragmentTable::take_lost`]; a flood of them says no more than this many.
const MAX_LOST: usize = 1024;

impl FragmentTable {
    /// A table with bounds of its own.
    pub fn with_limits(limits: Limits) -> FragmentTable {
        FragmentTable { limits, ..FragmentTable::default() }
    }

    /// Takes a fragment: `bytes` is its payload, which begins at `offset` of arrival `arrival`; `time_ns` is the capture time.
    pub fn take(&mut self, net: IpPair, fragment: &Fragment, bytes: &[u8], arrival: u64, offset: u32, time_ns: i64) -> Outcome {
        self.expire(time_ns);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let end = fragment.offset.saturating_add(len);
        if len == 0 || end > MAX_DATAGRAM {
            return Outcome::Refused;
        }
        let key = DatagramKey::of(net, fragment);
        let serial = self.serial;
        let order = &mut self.order;
        let mut begun = false;
        let partial = self.partial.entry(key).or_insert_with(|| {
            begun = true;
            order.push_back((serial, key));
            Partial {
                serial,
                since_ns: time_ns,
                first_arrival: arrival,
                pieces: BTreeMap::new(),
                have: 0,
                total: None,
                proto: None,
                cost: PIECE_COST,
                overlap: false,
                conflict: false,
                bad_length: false,
            }
        });
        let before = if begun { 0 } else { partial.cost };
        if begun {
            self.serial = self.serial.wrapping_add(1);
        }
        partial.add(fragment, bytes, end, arrival, offset);
        self.cost = self.cost.saturating_sub(before).saturating_add(partial.cost);
        if partial.total == Some(partial.have)
            && let Some(done) = self.partial.remove(&key)
        {
            self.cost = self.cost.saturating_sub(done.cost);
            return Outcome::Joined(Box::new(done.join(fragment.proto)));
        }
        self.make_room();
        Outcome::Held
    }

    /// The datagrams given up since the last call, at most a thousand.
    pub fn take_lost(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.lost)
    }

    /// Gives up everything that still waits: the capture has ended.
    pub fn finish(&mut self) -> Vec<Lost> {
        while !self.partial.is_empty() && self.drop_oldest(GivenUp::Patience) {}
        self.take_lost()
    }

    /// Datagrams that wait.
    pub fn len(&self) -> usize {
        self.partial.len()
    }

    /// True if none waits.
    pub fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }

    /// Bytes held, bookkeeping included.
    pub fn weight(&self) -> usize {
        self.cost
    }

    fn expire(&mut self, now_ns: i64) {
        while let Some((serial, key)) = self.order.front() {
            let live = self.partial.get(key).filter(|p| p.serial == *serial);
            match live {
                Some(p) if now_ns.saturating_sub(p.since_ns) <= self.limits.patience_ns => break,
                Some(_) => {
                    self.drop_oldest(GivenUp::Patience);
                }
                None => {
                    self.order.pop_front();
                }
            }
        }
    }

    fn make_room(&mut self) {
        while self.partial.len() > 1 && (self.cost > self.limits.bytes || self.partial.len() > self.limits.datagrams) {
            if !self.drop_oldest(GivenUp::Room) {
                break;
            }
        }
        // Entries of completed datagrams are swept with the oldest; a flood of completed ones is swept here.
        if self.order.len() > self.limits.datagrams.saturating_mul(4).saturating_add(64) {
            let partial = &self.partial;
            self.order.retain(|(serial, key)| partial.get(key).is_some_and(|p| p.serial == *serial));
        }
    }

    /// Gives up the oldest; false if there is none.
    fn drop_oldest(&mut self, why: GivenUp) -> bool {
        while let Some((serial, key)) = self.order.pop_front() {
            if self.partial.get(&key).is_none_or(|p| p.serial != serial) {
                continue;
            }
            let Some(p) = self.partial.remove(&key) else { continue };
            self.cost = self.cost.saturating_sub(p.cost);
            if self.lost.len() < MAX_LOST {
                self.lost.push(Lost { key, why, first_arrival: p.first_arrival, have: p.have, total: p.total });
            }
            return true;
        }
        false
    }
}

impl Partial {
    /// Adds the parts of a fragment that no earlier one has brought.
    fn add(&mut self, fragment: &Fragment, bytes: &[u8], end: u32, arrival: u64, offset: u32) {
        if fragment.offset == 0 {
            self.proto.get_or_insert(fragment.proto);
        }
        let mut end = end;
        match (fragment.more, self.total) {
            (false, None) => {
                self.total = Some(end);
                self.trim(end);
            }
            (false, Some(total)) if total != end => self.bad_length = true,
            _ => {}
        }
        if let Some(total) = self.total
            && end > total
        {
            self.bad_length = true;
            end = total;
        }
        let start = fragment.offset;
        // The one piece that begins before and may reach into it, then those that begin inside.
        let first = self.pieces.range(..start).next_back().map_or(start, |(at, _)| *at);
        let mut at = start;
        let mut holes: SmallVec<[(u32, u32); 4]> = SmallVec::new();
        for (&from, held) in self.pieces.range(first..end.max(first)) {
            let to = from.saturating_add(held.bytes.len() as u32);
            if to <= at {
                continue;
            }
            if from > at {
                holes.push((at, from.min(end)));
            }
            let (a, b) = (from.max(start), to.min(end));
            if a < b {
                self.overlap = true;
                let old = held.bytes.get((a.saturating_sub(from)) as usize..(b.saturating_sub(from)) as usize);
                let new = bytes.get((a.saturating_sub(start)) as usize..(b.saturating_sub(start)) as usize);
                self.conflict |= old != new;
            }
            at = at.max(to);
        }
        if at < end {
            holes.push((at, end));
        }
        for (a, b) in holes {
            let skip = a.saturating_sub(start);
            let Some(part) = bytes.get(skip as usize..b.saturating_sub(start) as usize).filter(|p| !p.is_empty()) else {
                continue;
            };
            self.have = self.have.saturating_add(part.len() as u32);
            self.cost = self.cost.saturating_add(part.len()).saturating_add(PIECE_COST);
            self.pieces.insert(a, Held { bytes: part.into(), arrival, offset: offset.saturating_add(skip) });
        }
    }

    /// Cuts off what lies beyond the end, now that it is known.
    fn trim(&mut self, total: u32) {
        while let Some(mut last) = self.pieces.last_entry() {
            let (at, len) = (*last.key(), last.get().bytes.len() as u32);
            let excess = at.saturating_add(len).saturating_sub(total);
            if excess == 0 {
                break;
            }
            self.bad_length = true;
            self.have = self.have.saturating_sub(excess.min(len));
            if excess >= len {
                last.remove();
            } else {
                let held = last.get_mut();
                held.bytes = held.bytes.get(..len.saturating_sub(excess) as usize).unwrap_or(&[]).into();
                break;
            }
        }
    }

    fn join(self, last_proto: u8) -> Datagram {
        let mut bytes = Vec::with_capacity(self.have as usize);
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for (at, held) in &self.pieces {
            pieces.push(FragmentPiece { at: *at, len: held.bytes.len() as u32, arrival: held.arrival, offset: held.offset });
            bytes.extend_from_slice(&held.bytes);
        }
        Datagram {
            bytes,
            proto: self.proto.unwrap_or(last_proto),
            pieces,
            overlap: self.overlap,
            conflict: self.conflict,
            bad_length: self.bad_length,
        }
    }
}
