//! The packet table: segments of rows that snapshots share, the oldest of them packed by column.
//!
//! A packet's row never changes once it is here, so a full segment may be packed at any time: some 8 bytes a packet instead of 32. When
//! memory asks for it is the builder's to say ([`crate::budget`]).

use crate::column::Column;
use std::borrow::Cow;
use std::sync::Arc;
use wirelore_kit::PacketRow;
use wirelore_kit::row::NONE;

/// Rows of a segment.
const ROWS: usize = 4096;
/// Most recorders count microseconds.
const MICRO: u64 = 1000;

/// What the packets of a segment are together.
#[derive(Debug, Clone, Copy, Default)]
struct Gist {
    wire_bytes: u64,
    /// The earliest and the latest time.
    times: Option<(i64, i64)>,
    /// Bits that some row has.
    bits: u32,
}

impl Gist {
    fn of(rows: &[PacketRow]) -> Gist {
        let mut gist = Gist::default();
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for row in rows {
            gist.wire_bytes += u64::from(row.wire_len);
            gist.bits |= row.bits;
            last = last.max(row.time);
            // No time is the lowest number: one less, it is the highest.
            first = first.min(row.time.wrapping_sub(1));
        }
        gist.times = (last != i64::MIN).then(|| (first.wrapping_add(1), last));
        gist
    }
}

/// A full segment: what its rows are together, and the rows in one of two forms.
#[derive(Debug, Clone)]
struct Full {
    gist: Gist,
    rows: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Plain(Arc<Vec<PacketRow>>),
    Packed(Arc<Columns>),
}

impl Full {
    fn plain(rows: Arc<Vec<PacketRow>>) -> Full {
        Full { gist: Gist::of(&rows), rows: Form::Plain(rows) }
    }

    fn pack(&mut self) {
        if let Form::Plain(rows) = &self.rows {
            self.rows = Form::Packed(Arc::new(Columns::pack(rows, self.gist.times)));
        }
    }

    #[inline]
    fn row(&self, i: usize) -> Option<PacketRow> {
        match &self.rows {
            Form::Plain(rows) => rows.get(i).copied(),
            Form::Packed(columns) => Some(columns.row(i)),
        }
    }

    fn rows(&self, wanted: Parts) -> Cow<'_, [PacketRow]> {
        match &self.rows {
            Form::Plain(rows) => Cow::Borrowed(rows.as_slice()),
            Form::Packed(columns) => Cow::Owned(columns.rows(wanted)),
        }
    }

    fn heap_size(&self) -> usize {
        match &self.rows {
            Form::Plain(rows) => rows.capacity() * size_of::<PacketRow>() + 40,
            Form::Packed(columns) => columns.heap_size(),
        }
    }
}

/// Rows of a full segment by column.
#[derive(Debug)]
struct Columns {
    /// What times are counted from.
    begin: i64,
    /// Nanoseconds of a step of `times`.
    step: u64,
    /// Steps from the earliest time, plus one; 0 where there is no time.
    times: Column,
    places: Column,
    interfaces: Column,
    cap_lens: Column,
    /// What the wire had more than was captured.
    cut: Column,
    /// Plus one; 0 for none.
    flows: Column,
    /// Turned left by one, so that the direction, which most rows differ in, is the lowest bit.
    bits: Column,
}

impl Columns {
    fn pack(rows: &[PacketRow], times: Option<(i64, i64)>) -> Columns {
        let values = &mut Vec::new();
        let begin = times.map_or(0, |t| t.0);
        let since = |time: i64| time.wrapping_sub(begin).cast_unsigned();
        let micro = |time: i64| time == i64::MIN || since(time).is_multiple_of(MICRO);
        let step = if rows.iter().all(|r| micro(r.time)) { MICRO } else { 1 };
        let steps = |time: i64| if step == MICRO { since(time) / MICRO } else { since(time) };
        Columns {
            begin,
            step,
            times: Column::of(rows, values, true, |r| if r.time == i64::MIN { 0 } else { steps(r.time) + 1 }),
            places: Column::of(rows, values, false, |r| r.at()),
            interfaces: Column::of(rows, values, false, |r| r.interface().into()),
            cap_lens: Column::of(rows, values, false, |r| r.cap_len.into()),
            cut: Column::of(rows, values, false, |r| r.wire_len.wrapping_sub(r.cap_len).into()),
            flows: Column::of(rows, values, true, |r| r.flow.wrapping_add(1).into()),
            bits: Column::of(rows, values, false, |r| r.bits.rotate_left(1).into()),
        }
    }

    #[inline]
    fn time(&self, packed: u64) -> i64 {
        match packed.checked_sub(1) {
            None => i64::MIN,
            Some(steps) => self.begin.wrapping_add_unsigned(steps.wrapping_mul(self.step)),
        }
    }

    #[inline]
    fn row(&self, i: usize) -> PacketRow {
        let cap_len = self.cap_lens.get(i) as u32;
        let wire_len = cap_len.wrapping_add(self.cut.get(i) as u32);
        let time = self.time(self.times.get(i));
        let mut row = PacketRow::new(time, self.places.get(i), self.interfaces.get(i) as u16, cap_len, wire_len);
        row.flow = flow(self.flows.get(i));
        row.bits = bits(self.bits.get(i));
        row
    }

    /// The rows; of them only the parts that are wanted.
    fn rows(&self, wanted: Parts) -> Vec<PacketRow> {
        let mut rows: Vec<PacketRow> = Vec::with_capacity(ROWS);
        if wanted.has(Parts::ORIGIN) {
            let (mut places, mut interfaces) = (Vec::new(), Vec::new());
            self.places.unpack(ROWS, &mut places);
            self.interfaces.unpack(ROWS, &mut interfaces);
            rows.extend(places.iter().zip(&interfaces).map(|(at, interface)| PacketRow::new(0, *at, *interface as u16, 0, 0)));
        } else {
            rows.resize(ROWS, PacketRow::new(0, 0, 0, 0, 0));
        }
        let (rows_mut, values) = (&mut rows, &mut Vec::new());
        if wanted.has(Parts::TIME) {
            self.times.set(rows_mut, values, |row, v| row.time = self.time(v));
        }
        if wanted.has(Parts::LENGTHS) {
            self.cap_lens.set(rows_mut, values, |row, v| row.cap_len = v as u32);
            self.cut.set(rows_mut, values, |row, v| row.wire_len = row.cap_len.wrapping_add(v as u32));
        }
        if wanted.has(Parts::FLOW) {
            self.flows.set(rows_mut, values, |row, v| row.flow = flow(v));
        }
        if wanted.has(Parts::BITS) {
            self.bits.set(rows_mut, values, |row, v| row.bits = bits(v));
        }
        rows
    }

    fn heap_size(&self) -> usize {
        let columns = [&self.times, &self.places, &self.interfaces, &self.cap_lens, &self.cut, &self.flows, &self.bits];
        columns.iter().map(|c| c.heap_size()).sum::<usize>() + size_of::<Columns>() + 16
    }
}

#[inline]
const fn flow(packed: u64) -> u32 {
    (packed as u32).wrapping_sub(1)
}

#[inline]
const fn bits(packed: u64) -> u32 {
    (packed as u32).rotate_right(1)
}

/// Parts of packet rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts(u8);

impl Parts {
    /// Where it lies, and its interface.
    pub const ORIGIN: Parts = Parts(1);
    pub const TIME: Parts = Parts(2);
    pub const LENGTHS: Parts = Parts(4);
    pub const FLOW: Parts = Parts(8);
    /// Its direction among them.
    pub const BITS: Parts = Parts(16);
    pub const ALL: Parts = Parts(31);
    pub const NONE: Parts = Parts(0);

    pub const fn and(self, other: Parts) -> Parts {
        Parts(self.0 | other.0)
    }

    const fn has(self, part: Parts) -> bool {
        self.0 & part.0 != 0
    }
}

/// Packet rows, by number from 0. Cloning costs one reference count a segment.
#[derive(Debug, Default)]
pub struct Packets {
    full: Vec<Full>,
    /// So many of the full segments, from the first, are packed.
    packed: usize,
    last: Arc<Vec<PacketRow>>,
    /// Bytes copied because a snapshot still held the last segment.
    copied: u64,
}

impl Clone for Packets {
    fn clone(&self) -> Self {
        Packets { full: self.full.clone(), packed: self.packed, last: Arc::clone(&self.last), copied: 0 }
    }
}

impl Packets {
    /// Number of packets.
    #[must_use]
    pub fn len(&self) -> u32 {
        (self.full.len() * ROWS + self.last.len()) as u32
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One row.
    #[inline]
    #[must_use]
    pub fn get(&self, packet: u32) -> Option<PacketRow> {
        let (segment, row) = (packet as usize / ROWS, packet as usize % ROWS);
        match self.full.get(segment) {
            Some(full) => full.row(row),
            None if segment == self.full.len() => self.last.get(row).copied(),
            None => None,
        }
    }

    /// The rows of segment `index`: 4,096 of them, fewer in the last. Together they are had several times sooner than one by one.
    #[must_use]
    pub fn segment(&self, index: usize) -> Cow<'_, [PacketRow]> {
        self.parts(index, Parts::ALL)
    }

    /// The same, but what is not wanted of the rows may be missing in them: each part has to be unpacked.
    pub(crate) fn parts(&self, index: usize, wanted: Parts) -> Cow<'_, [PacketRow]> {
        match self.full.get(index) {
            Some(full) => full.rows(wanted),
            None if index == self.full.len() => Cow::Borrowed(&self.last),
            None => Cow::Borrowed(&[]),
        }
    }

    /// The flows of the rows of segment `index`, without unpacking the rest; [`NONE`] for none.
    #[must_use]
    pub fn flows(&self, index: usize) -> Vec<u32> {
        if let Some(Full { rows: Form::Packed(columns), .. }) = self.full.get(index) {
            let mut values = Vec::new();
            columns.flows.unpack(ROWS, &mut values);
            return values.into_iter().map(flow).collect();
        }
        self.segment(index).iter().map(|r| r.flow).collect()
    }

    /// Every segment with the number of its first row.
    pub fn segments(&self) -> impl Iterator<Item = (u32, Vec<PacketRow>)> {
        (0..=self.full.len()).map(|i| ((i * ROWS) as u32, self.segment(i).into_owned()))
    }

    fn gists(&self) -> impl Iterator<Item = Gist> {
        self.full.iter().map(|f| f.gist).chain([Gist::of(&self.last)])
    }

    /// Bytes on the wire of all packets: known without walking over them.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.gists().fold(0, |sum, g| sum.saturating_add(g.wire_bytes))
    }

    /// Time of the earliest and of the latest packet, nanoseconds since the epoch, if any has one: known without walking over them.
    #[must_use]
    pub fn times(&self) -> Option<(i64, i64)> {
        self.gists().filter_map(|g| g.times).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The rows that have some of these bits; segments without such are passed over.
    pub fn with_bits(&self, bits: u32) -> impl Iterator<Item = PacketRow> {
        let some = self.gists().enumerate().filter(move |(_, g)| g.bits & bits != 0);
        some.flat_map(|(i, _)| self.segment(i).into_owned()).filter(move |row| row.bits & bits != 0)
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        let full: usize = self.full.iter().map(|f| f.heap_size()).sum();
        full + self.full.capacity() * size_of::<Full>() + self.last.capacity() * size_of::<PacketRow>()
    }

    /// Bytes copied for snapshots since the last call.
    pub(crate) fn take_copied(&mut self) -> u64 {
        std::mem::take(&mut self.copied)
    }

    /// Bytes of full segments that are not packed.
    pub(crate) fn plain_bytes(&self) -> usize {
        (self.full.len() - self.packed) * ROWS * size_of::<PacketRow>()
    }

    /// Packs the oldest segment that is not packed; snapshots that were taken before keep its rows.
    pub(crate) fn pack_oldest(&mut self) {
        if let Some(full) = self.full.get_mut(self.packed) {
            full.pack();
            self.packed += 1;
        }
    }

    /// Adds rows and returns the number of the first, or [`NONE`] when there are more than numbers left: then none is kept.
    pub(crate) fn extend(&mut self, mut rows: &[PacketRow]) -> u32 {
        let first = self.len();
        if u32::try_from(rows.len()).ok().and_then(|n| first.checked_add(n)).is_none_or(|end| end == NONE) {
            return NONE;
        }
        while !rows.is_empty() {
            let (now, later) = rows.split_at(rows.len().min(ROWS - self.last.len()));
            // Nobody makes weak references to it, so a count of one means that it is ours.
            if Arc::strong_count(&self.last) != 1 {
                self.copied += size_of_val(self.last.as_slice()) as u64;
                let mut copy = Vec::with_capacity(ROWS);
                copy.extend_from_slice(&self.last);
                self.last = Arc::new(copy);
            }
            let last = Arc::make_mut(&mut self.last);
            last.extend_from_slice(now);
            if last.len() == ROWS {
                let next = Arc::new(Vec::with_capacity(ROWS));
                self.full.push(Full::plain(std::mem::replace(&mut self.last, next)));
            }
            rows = later;
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = PacketRow> {
        let time = prop_oneof![1 => Just(i64::MIN), 6 => 0i64..4_000_000, 1 => any::<i64>()];
        let small = (any::<u16>(), 0u32..70_000, 0u32..70_000);
        (time, any::<u64>(), small, prop_oneof![Just(NONE), 0u32..9, any::<u32>()], prop_oneof![Just(1 << 31), any::<u32>()])
            .prop_map(|(time, at, (interface, cap, wire), flow, bits)| {
                let mut row = PacketRow::new(time, at, interface, cap, wire);
                (row.flow, row.bits) = (flow, bits);
                row
            })
    }

    /// All is the same whether no, some or all segments are packed.
    fn check(rows: &[PacketRow]) {
        for packed in [0, 1, usize::MAX] {
            check_packed(rows, packed);
        }
    }

    fn check_packed(rows: &[PacketRow], packed: usize) {
        let mut packets = Packets::default();
        for (i, some) in rows.chunks(700).enumerate() {
            assert_eq!(packets.extend(some) as usize, i * 700);
        }
        assert_eq!(packets.len() as usize, rows.len());
        (0..packed.min(packets.full.len())).for_each(|_| packets.pack_oldest());
        let seen = packets.clone();
        packets.extend(&[PacketRow::default(); 5000]);
        packets.pack_oldest();
        for packets in [&packets, &seen] {
            let got: Vec<_> = (0..rows.len() as u32).map(|i| packets.get(i).unwrap()).collect();
            assert_eq!(got, rows);
        }
        assert_eq!(seen.segments().flat_map(|(_, rows)| rows).collect::<Vec<_>>(), rows);
        let flows = (0..=rows.len() / ROWS).flat_map(|i| seen.flows(i));
        assert!(flows.eq(rows.iter().map(|r| r.flow)));
        let part = |wanted, of: fn(&PacketRow) -> u64| {
            let got = (0..=rows.len() / ROWS).flat_map(|i| seen.parts(i, wanted).iter().map(of).collect::<Vec<_>>());
            assert!(got.eq(rows.iter().map(of)), "{wanted:?}");
        };
        part(Parts::ORIGIN, |r| r.at() ^ u64::from(r.interface()) << 48);
        part(Parts::TIME, |r| r.time.cast_unsigned());
        part(Parts::LENGTHS, |r| u64::from(r.cap_len) << 32 | u64::from(r.wire_len));
        part(Parts::FLOW.and(Parts::BITS), |r| u64::from(r.flow) << 32 | u64::from(r.bits));
        assert_eq!(seen.wire_bytes(), rows.iter().map(|r| u64::from(r.wire_len)).sum());
        let times = || rows.iter().map(|r| r.time).filter(|t| *t != i64::MIN);
        assert_eq!(seen.times(), times().min().zip(times().max()));
        for bits in [0, 1, 1 << 20, 1 << 31] {
            let some: Vec<_> = rows.iter().copied().filter(|r| r.bits & bits != 0).collect();
            assert_eq!(seen.with_bits(bits).collect::<Vec<_>>(), some);
        }
        assert_eq!(seen.get(rows.len() as u32), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
        #[test]
        fn packing_a_segment_keeps_its_rows(some in prop::collection::vec(row(), 1..40), micro in any::<bool>()) {
            let all = (0..ROWS as i64 + 99).zip(some.iter().cycle()).map(|(i, row)| {
                let time = if row.time == i64::MIN { row.time } else { row.time.wrapping_add(i) };
                let mut row = *row;
                row.time = if micro { time / 1000 * 1000 } else { time };
                row
            });
            check(&all.collect::<Vec<_>>());
        }
    }

    #[test]
    fn times_at_both_ends_of_what_can_be_said_are_kept() {
        let times = [i64::MIN + 1, i64::MAX, i64::MIN, 0];
        let rows: Vec<_> = (0..ROWS).map(|i| PacketRow::new(times[i % 4], i as u64 * 1500, 0, 60, 1500)).collect();
        check(&rows);
    }

    #[test]
    fn a_common_packet_takes_ten_bytes() {
        let mut packets = Packets::default();
        for i in 0..4096 * 10u32 {
            let mut row = PacketRow::new(i64::from(i) * 41_000, u64::from(i) * 900, 0, 66 + i % 1449, 66 + i % 1449);
            row.flow = i * 7919 % 600;
            row.bits = if i % 3 == 0 { PacketRow::BACKWARD } else { 0 };
            packets.extend(&[row]);
        }
        assert_eq!(packets.plain_bytes(), 4096 * 10 * size_of::<PacketRow>());
        (0..10).for_each(|_| packets.pack_oldest());
        assert_eq!(packets.plain_bytes(), 0);
        let rest = ROWS * size_of::<PacketRow>();
        assert!(packets.heap_size() - rest < 4096 * 10 * 10, "{}", packets.heap_size());
    }
}
