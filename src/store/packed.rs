//! Message rows of a segment as snapshots have them: as they came, or packed by column, some 15 bytes a row instead of 56.

use crate::column::Column;
use crate::message::{INNER_BITS, Packed};
use std::ops::Range;
use std::sync::Arc;
use wirelore_kit::row::NONE;

/// Message rows that do not change any more; what changes is patched ([`crate::segment::Patch`]).
#[derive(Debug, Clone, Default)]
pub(crate) struct PackedRows {
    len: usize,
    /// Number of the first row.
    first_id: u32,
    ats: Column,
    lens: Column,
    flows: Column,
    inners: Column,
    /// What stands above the inner conversation's number.
    flags: Column,
    firsts: Column,
    /// Packets from its first to the one that completed it, plus one; 0 while it is open.
    spans: Column,
    /// Plus one; 0 for none.
    exchanges: Column,
    /// How many rows back the one before of its flow stands; 0 for none.
    backs: Column,
    summaries: Column,
    /// Where each row's cells end; they stand in the order of the rows.
    cell_ends: Column,
    protocols: Column,
    generations: Column,
    notes: Column,
}

impl PackedRows {
    /// Packs rows, the first of which has the number `first_id`. Their cells must stand in their order.
    pub fn pack(rows: &[Packed], first_id: u32) -> PackedRows {
        let back = |(row, id): (&Packed, u32)| if row.previous == NONE { 0 } else { id.wrapping_sub(row.previous).into() };
        let mut backs: Vec<u64> = rows.iter().zip(first_id..).map(back).collect();
        let backs = Column::pack(&mut backs, true);
        let values = &mut Vec::new();
        let span = |r: &Packed| if r.done == NONE { 0 } else { 1 + u64::from(r.done.wrapping_sub(r.first)) };
        PackedRows {
            len: rows.len(),
            first_id,
            ats: Column::of(rows, values, false, |r| r.at),
            lens: Column::of(rows, values, false, |r| r.len),
            flows: Column::of(rows, values, false, |r| r.flow.into()),
            inners: Column::of(rows, values, false, |r| r.conv().inner.into()),
            flags: Column::of(rows, values, false, |r| (r.inner >> INNER_BITS).into()),
            firsts: Column::of(rows, values, false, |r| r.first.into()),
            spans: Column::of(rows, values, true, span),
            exchanges: Column::of(rows, values, true, |r| r.exchange.wrapping_add(1).into()),
            backs,
            summaries: Column::of(rows, values, false, |r| r.summary.into()),
            cell_ends: Column::of(rows, values, false, |r| u64::from(r.cells_at) + u64::from(r.cells_len)),
            protocols: Column::of(rows, values, false, |r| r.protocol.into()),
            generations: Column::of(rows, values, false, |r| r.generation.into()),
            notes: Column::of(rows, values, false, |r| r.notes.into()),
        }
    }

    /// A row as it was.
    pub fn get(&self, row: usize) -> Option<Packed> {
        if row >= self.len {
            return None;
        }
        let cells = self.cells(row);
        Some(Packed {
            at: self.ats.get(row),
            len: self.lens.get(row),
            flow: self.flow(row),
            inner: self.inners.get(row) as u32 | (self.flags.get(row) as u32) << INNER_BITS,
            first: self.first(row),
            done: self.done(row),
            exchange: self.exchange(row),
            previous: self.previous(row),
            summary: self.summary(row),
            cells_at: cells.start as u32,
            cells_len: cells.len() as u16,
            protocol: self.protocols.get(row) as u16,
            generation: self.generations.get(row) as u16,
            notes: self.notes.get(row) as u16,
        })
    }

    /// Every row as it was: sooner had than one by one.
    pub fn unpack(&self) -> Vec<Packed> {
        let mut rows = vec![Packed::default(); self.len];
        let (rows_mut, values) = (&mut rows, &mut Vec::new());
        self.ats.set(rows_mut, values, |r, v| r.at = v);
        self.lens.set(rows_mut, values, |r, v| r.len = v);
        self.flows.set(rows_mut, values, |r, v| r.flow = v as u32);
        self.inners.set(rows_mut, values, |r, v| r.inner = v as u32);
        self.flags.set(rows_mut, values, |r, v| r.inner |= (v as u32) << INNER_BITS);
        self.firsts.set(rows_mut, values, |r, v| r.first = v as u32);
        self.spans.set(rows_mut, values, |r, v| r.done = done(r.first, v));
        self.exchanges.set(rows_mut, values, |r, v| r.exchange = exchange(v));
        let mut id = self.first_id;
        self.backs.set(rows_mut, values, |r, v| {
            r.previous = previous(id, v);
            id = id.wrapping_add(1);
        });
        self.summaries.set(rows_mut, values, |r, v| r.summary = v as u32);
        let mut at = 0;
        self.cell_ends.set(rows_mut, values, |r, end| {
            (r.cells_at, r.cells_len) = (at, (end as u32).wrapping_sub(at) as u16);
            at = end as u32;
        });
        self.protocols.set(rows_mut, values, |r, v| r.protocol = v as u16);
        self.generations.set(rows_mut, values, |r, v| r.generation = v as u16);
        self.notes.set(rows_mut, values, |r, v| r.notes = v as u16);
        rows
    }

    #[inline]
    pub fn flow(&self, row: usize) -> u32 {
        self.flows.get(row) as u32
    }

    #[inline]
    pub fn first(&self, row: usize) -> u32 {
        self.firsts.get(row) as u32
    }

    #[inline]
    pub fn done(&self, row: usize) -> u32 {
        done(self.first(row), self.spans.get(row))
    }

    #[inline]
    pub fn exchange(&self, row: usize) -> u32 {
        exchange(self.exchanges.get(row))
    }

    #[inline]
    pub fn previous(&self, row: usize) -> u32 {
        previous(self.first_id.wrapping_add(row as u32), self.backs.get(row))
    }

    #[inline]
    pub fn summary(&self, row: usize) -> u32 {
        self.summaries.get(row) as u32
    }

    #[inline]
    pub fn is_withdrawn(&self, row: usize) -> bool {
        Packed::flags_say_withdrawn(self.flags.get(row) as u32)
    }

    /// Where a row's cells stand.
    #[inline]
    pub fn cells(&self, row: usize) -> Range<usize> {
        let start = row.checked_sub(1).map_or(0, |before| self.cell_ends.get(before));
        start as usize..self.cell_ends.get(row) as usize
    }

    pub fn heap_size(&self) -> usize {
        let columns = [
            &self.ats,
            &self.lens,
            &self.flows,
            &self.inners,
            &self.flags,
            &self.firsts,
            &self.spans,
            &self.exchanges,
            &self.backs,
            &self.summaries,
            &self.cell_ends,
            &self.protocols,
            &self.generations,
            &self.notes,
        ];
        columns.iter().map(|c| c.heap_size()).sum()
    }
}

/// Message rows of a segment in one of two forms, which say the same.
#[derive(Debug, Clone)]
pub(crate) enum SegmentRows {
    /// As they came: sooner had and sooner made, at four times the memory.
    Plain {
        first_id: u32,
        rows: Arc<[Packed]>,
    },
    Packed(Arc<PackedRows>),
}

impl Default for SegmentRows {
    fn default() -> Self {
        SegmentRows::Plain { first_id: 0, rows: Arc::default() }
    }
}

/// Accessors of one fact, whatever the form.
macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident -> $type:ty: $plain:expr;)+) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name(&self, row: usize) -> $type {
            match self {
                SegmentRows::Plain { rows, .. } => rows.get(row).map($plain).unwrap_or_default(),
                SegmentRows::Packed(columns) => columns.$name(row),
            }
        }
    )+};
}

impl SegmentRows {
    /// Rows as they came, the first of which has the number `first_id`.
    pub fn plain(rows: &[Packed], first_id: u32) -> SegmentRows {
        SegmentRows::Plain { first_id, rows: rows.into() }
    }

    /// The same rows packed. Their cells must stand in their order.
    pub fn packed(&self) -> SegmentRows {
        match self {
            SegmentRows::Plain { first_id, rows } => SegmentRows::Packed(Arc::new(PackedRows::pack(rows, *first_id))),
            SegmentRows::Packed(_) => self.clone(),
        }
    }

    /// Changes rows; their cells must stand in their order then too. The form stays.
    pub fn change(&mut self, change: impl FnOnce(&mut [Packed])) {
        match self {
            SegmentRows::Plain { rows, .. } => change(Arc::make_mut(rows)),
            SegmentRows::Packed(columns) => {
                let mut rows = columns.unpack();
                change(&mut rows);
                *columns = Arc::new(PackedRows::pack(&rows, columns.first_id));
            }
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        match self {
            SegmentRows::Plain { rows, .. } => rows.len(),
            SegmentRows::Packed(columns) => columns.len,
        }
    }

    /// A row as it was.
    #[inline]
    pub fn get(&self, row: usize) -> Option<Packed> {
        match self {
            SegmentRows::Plain { rows, .. } => rows.get(row).copied(),
            SegmentRows::Packed(columns) => columns.get(row),
        }
    }

    /// Every row as it was: sooner had than one by one.
    pub fn unpack(&self) -> Vec<Packed> {
        match self {
            SegmentRows::Plain { rows, .. } => rows.to_vec(),
            SegmentRows::Packed(columns) => columns.unpack(),
        }
    }

    facts! {
        flow -> u32: |r| r.flow;
        first -> u32: |r| r.first;
        done -> u32: |r| r.done;
        exchange -> u32: |r| r.exchange;
        previous -> u32: |r| r.previous;
        summary -> u32: |r| r.summary;
        is_withdrawn -> bool: Packed::is_withdrawn;
        /// Where a row's cells stand.
        cells -> Range<usize>: Packed::cells;
    }

    pub fn heap_size(&self) -> usize {
        match self {
            SegmentRows::Plain { rows, .. } => size_of_val(&**rows) + 16,
            SegmentRows::Packed(columns) => size_of::<PackedRows>() + 16 + columns.heap_size(),
        }
    }
}

#[inline]
const fn done(first: u32, span: u64) -> u32 {
    match span {
        0 => NONE,
        span => first.wrapping_add((span - 1) as u32),
    }
}

#[inline]
const fn exchange(packed: u64) -> u32 {
    (packed as u32).wrapping_sub(1)
}

#[inline]
const fn previous(id: u32, back: u64) -> u32 {
    match back {
        0 => NONE,
        back => id.wrapping_sub(back as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn row()(
            wide in (any::<u64>(), prop_oneof![0u64..2000, any::<u64>()]),
            of in (0u32..9, any::<u32>()),
            packets in (0u32..5000, prop_oneof![Just(NONE), 0u32..5000]),
            others in (prop_oneof![Just(NONE), 0u32..999], prop_oneof![Just(NONE), 0u32..700]),
            said in (0u32..4000, 0u16..9),
            rest in (0u16..40, any::<bool>(), prop_oneof![9 => Just(0), 1 => any::<u16>()]),
        ) -> Packed {
            Packed {
                at: wide.0, len: wide.1, flow: of.0, inner: of.1, first: packets.0, done: packets.1, exchange: others.0,
                previous: others.1, summary: said.0, cells_at: 0, cells_len: said.1, protocol: rest.0,
                generation: u16::from(rest.1), notes: rest.2,
            }
        }
    }

    proptest! {
        #[test]
        fn packing_and_unpacking_gives_the_same_rows(mut rows in prop::collection::vec(row(), 0..300), first_id in 700u32..9_000_000) {
            let mut at = 0;
            for row in &mut rows {
                row.cells_at = at;
                at += u32::from(row.cells_len);
            }
            let plain = SegmentRows::plain(&rows, first_id);
            let packed = plain.packed();
            let mut changed = plain.packed();
            changed.change(|r| r.copy_from_slice(&rows));
            for form in [&plain, &packed, &changed] {
                prop_assert_eq!(form.len(), rows.len());
                prop_assert_eq!(&form.unpack(), &rows);
                let each: Vec<Packed> = (0..rows.len()).filter_map(|i| form.get(i)).collect();
                prop_assert_eq!(&each, &rows);
                prop_assert_eq!(form.get(rows.len()), None);
                for (i, row) in rows.iter().enumerate() {
                    prop_assert_eq!(form.is_withdrawn(i), row.is_withdrawn());
                    let numbers = [form.flow(i), form.first(i), form.done(i), form.exchange(i), form.previous(i), form.summary(i)];
                    prop_assert_eq!(numbers, [row.flow, row.first, row.done, row.exchange, row.previous, row.summary]);
                    prop_assert_eq!(form.cells(i), row.cells());
                }
            }
        }
    }
}
