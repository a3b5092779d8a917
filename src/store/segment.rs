//! Segments of message rows with their cells and text, and the patches of those that changed after their segment was full.

use crate::cell::{CellKind, CellView, column_of};
use crate::message::Packed;
use crate::packed::SegmentRows;
use crate::text::Strings;
use std::ops::Range;
use std::sync::Arc;

/// Rows of a segment.
pub(crate) const ROWS: usize = 4096;

/// What a segment knows of a column: enough to pass over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColumnStat {
    pub column: u16,
    /// Kinds of values met ([`CellKind::bit`]).
    pub kinds: u8,
    /// Smallest and largest in [`CellView::order`]; of use where all values are of one kind.
    pub min: u64,
    pub max: u64,
}

/// What rows say besides their plain facts: cells and text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub tags: Vec<u16>,
    pub values: Vec<u32>,
    pub wide: Vec<[u64; 2]>,
    pub strings: Strings,
    pub stats: Vec<ColumnStat>,
}

impl Said {
    /// The value behind a tag.
    #[inline]
    pub fn view(&self, tag: u16, value: u32) -> CellView<'_> {
        let wide = || self.wide.get(value as usize).copied().unwrap_or_default();
        match CellKind::of(tag) {
            CellKind::Small => CellView::U64(value.into()),
            CellKind::U64 => CellView::U64(wide()[0]),
            CellKind::I64 => CellView::I64(wide()[0].cast_signed()),
            CellKind::Text => CellView::Text(self.strings.get(value)),
            CellKind::Ip4 => CellView::Ip4(value.to_be_bytes()),
            CellKind::Ip6 => {
                let [high, low] = wide();
                CellView::Ip6(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
            }
        }
    }

    /// Tags and values of cells.
    #[inline]
    pub fn raw_cells(&self, at: Range<usize>) -> (&[u16], &[u32]) {
        (self.tags.get(at.clone()).unwrap_or(&[]), self.values.get(at).unwrap_or(&[]))
    }

    /// Adds a cell at the end; `text` numbers the bytes of a text value. Returns whether there was room.
    pub fn push_cell(&mut self, column: u16, view: &CellView<'_>, text: impl FnOnce(&mut Strings, &[u8]) -> Option<u32>) -> bool {
        let value = match *view {
            CellView::U64(n) => u32::try_from(n).ok().or_else(|| self.push_wide([n, 0])),
            CellView::I64(n) => self.push_wide([n.cast_unsigned(), 0]),
            CellView::Text(t) => text(&mut self.strings, t),
            CellView::Ip4(a) => Some(u32::from_be_bytes(a)),
            CellView::Ip6(a) => {
                let n = u128::from_be_bytes(a);
                self.push_wide([(n >> 64) as u64, n as u64])
            }
        };
        let Some(value) = value else { return false };
        self.tags.push(view.kind().tag(column));
        self.values.push(value);
        true
    }

    fn push_wide(&mut self, value: [u64; 2]) -> Option<u32> {
        let at = u32::try_from(self.wide.len()).ok()?;
        self.wide.push(value);
        Some(at)
    }

    pub fn stat(&self, column: u16) -> Option<&ColumnStat> {
        self.stats.iter().find(|s| s.column == column)
    }

    /// Widens what is known of a column by a value; `hint` is where its entry was found the last time.
    pub fn widen(&mut self, column: u16, view: &CellView<'_>, hint: usize) -> usize {
        let (order, bit) = (view.order(), view.kind().bit());
        let at = match self.stats.get(hint) {
            Some(s) if s.column == column => hint,
            _ => self.stats.iter().position(|s| s.column == column).unwrap_or(self.stats.len()),
        };
        match self.stats.get_mut(at) {
            Some(s) => {
                s.kinds |= bit;
                s.min = s.min.min(order);
                s.max = s.max.max(order);
            }
            None => self.stats.push(ColumnStat { column, kinds: bit, min: order, max: order }),
        }
        at
    }

    pub fn clear(&mut self) {
        self.tags.clear();
        self.values.clear();
        self.wide.clear();
        self.strings.clear();
        self.stats.clear();
    }

    /// All of it, out of the memory that it grew in; as much is made ready for what comes next.
    fn taken(&mut self) -> Said {
        let room = |len: usize| len + len / 8;
        let next = Said {
            tags: Vec::with_capacity(room(self.tags.len())),
            values: Vec::with_capacity(room(self.values.len())),
            wide: Vec::new(),
            strings: self.strings.next(),
            stats: Vec::with_capacity(self.stats.len()),
        };
        let mut said = std::mem::replace(self, next);
        said.tags.shrink_to_fit();
        said.values.shrink_to_fit();
        said.wide.shrink_to_fit();
        said.strings.shrink_to_fit();
        said.stats.shrink_to_fit();
        said
    }

    /// The same for rows that have cells there and patches (by rising row), with cells in the order of the rows, in memory of just the
    /// size needed. The rows are told where their cells and summaries stand now.
    fn rebuilt(&self, rows: &mut [Packed], patches: &[Patch]) -> Said {
        let kept: usize = rows.iter().map(|r| usize::from(r.cells_len)).sum();
        let count = kept + patches.iter().map(|p| p.cells().len()).sum::<usize>();
        let mut new = Said {
            tags: Vec::with_capacity(count),
            values: Vec::with_capacity(count),
            wide: self.wide.clone(),
            strings: self.strings.clone(),
            stats: self.stats.clone(),
        };
        let mut patches = patches.iter().peekable();
        for (i, row) in rows.iter_mut().enumerate() {
            let (tags, values) = self.raw_cells(row.cells());
            let at = new.tags.len() as u32;
            new.tags.extend_from_slice(tags);
            new.values.extend_from_slice(values);
            if let Some(patch) = patches.next_if(|p| usize::from(p.row) == i) {
                *row = patch.now;
                if let Some(summary) = &patch.summary {
                    row.summary = new.strings.push(summary.as_bytes()).unwrap_or(u32::MAX);
                }
                for (column, cell) in patch.cells() {
                    let view = cell.view();
                    if new.push_cell(*column, &view, Strings::push) {
                        new.widen(*column, &view, 0);
                    }
                }
            }
            row.cells_at = at;
            row.cells_len = (new.tags.len() as u32 - at).min(u32::from(u16::MAX)) as u16;
        }
        new
    }

    pub fn heap_size(&self) -> SaidSize {
        SaidSize {
            cells: self.tags.capacity() * 2
                + self.values.capacity() * 4
                + self.wide.capacity() * 16
                + self.stats.capacity() * size_of::<ColumnStat>(),
            text: self.strings.heap_size(),
        }
    }
}

/// Bytes that cells and text take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SaidSize {
    pub cells: usize,
    pub text: usize,
}

/// Message rows while they are added.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    pub rows: Vec<Packed>,
    pub said: Said,
}

impl Growing {
    /// The rows so far as snapshots share them; `first_id` is the number of the first.
    pub fn shared(&self, first_id: u32) -> Base {
        let mut rows = self.rows.clone();
        let said = self.said.rebuilt(&mut rows, &[]);
        Base { rows: SegmentRows::plain(&rows, first_id), said: Arc::new(said) }
    }

    /// The rows, which are full now, as they are shared from here on; others may begin.
    pub fn sealed(&mut self, first_id: u32) -> Base {
        let mut at = 0;
        let in_order = self.rows.iter().all(|row| {
            let begins = std::mem::replace(&mut at, row.cells().end);
            row.cells_at as usize == begins
        });
        let said = if in_order { self.said.taken() } else { self.said.rebuilt(&mut self.rows, &[]) };
        let base = Base { rows: SegmentRows::plain(&self.rows, first_id), said: Arc::new(said) };
        self.rows.clear();
        self.said.clear();
        base
    }

    /// Bytes on the heap.
    pub fn heap_size(&self) -> usize {
        let said = self.said.heap_size();
        self.rows.capacity() * size_of::<Packed>() + said.cells + said.text
    }
}

/// Message rows, their cells and their text as snapshots share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    pub rows: SegmentRows,
    pub said: Arc<Said>,
}

impl Base {
    /// Folds patches in.
    pub fn fold(&mut self, patches: &[Patch]) {
        let said = &mut self.said;
        self.rows.change(|rows| {
            if patches.iter().any(Patch::says_more) {
                *said = Arc::new(said.rebuilt(rows, patches));
                return;
            }
            for patch in patches {
                if let Some(row) = rows.get_mut(usize::from(patch.row)) {
                    *row = patch.now;
                }
            }
        });
    }

    /// The same with its rows packed.
    pub fn packed(&self) -> Base {
        Base { rows: self.rows.packed(), said: self.said.clone() }
    }

    /// Tags and values of a row's cells.
    #[inline]
    pub fn raw_cells(&self, row: usize) -> (&[u16], &[u32]) {
        self.said.raw_cells(self.rows.cells(row))
    }
}

/// A cell that owns its bytes, while it waits to be folded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnedCell {
    U64(u64),
    I64(i64),
    Text(Box<[u8]>),
    Ip4([u8; 4]),
    Ip6([u8; 16]),
}

impl OwnedCell {
    pub fn of(view: &CellView<'_>) -> OwnedCell {
        match *view {
            CellView::U64(n) => OwnedCell::U64(n),
            CellView::I64(n) => OwnedCell::I64(n),
            CellView::Text(t) => OwnedCell::Text(t.into()),
            CellView::Ip4(a) => OwnedCell::Ip4(a),
            CellView::Ip6(a) => OwnedCell::Ip6(a),
        }
    }

    pub fn view(&self) -> CellView<'_> {
        match self {
            OwnedCell::U64(n) => CellView::U64(*n),
            OwnedCell::I64(n) => CellView::I64(*n),
            OwnedCell::Text(t) => CellView::Text(t),
            OwnedCell::Ip4(a) => CellView::Ip4(*a),
            OwnedCell::Ip6(a) => CellView::Ip6(*a),
        }
    }
}

/// What changed of a row of a full segment since it was folded last.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub row: u16,
    /// The row as it is now; its cells and summary number are those of the base.
    pub now: Packed,
    pub summary: Option<Arc<str>>,
    /// Columns said since.
    pub more: Option<Arc<Vec<(u16, OwnedCell)>>>,
}

impl Patch {
    pub fn cells(&self) -> &[(u16, OwnedCell)] {
        self.more.as_ref().map_or(&[], |c| c.as_slice())
    }

    /// Whether it changes more than plain facts of the row.
    fn says_more(&self) -> bool {
        self.summary.is_some() || self.more.is_some()
    }
}

/// A segment as snapshots share it.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub base: Arc<Base>,
    /// By rising row.
    pub patches: Option<Arc<Vec<Patch>>>,
}

impl Segment {
    pub fn patches(&self) -> &[Patch] {
        self.patches.as_ref().map_or(&[], |p| p.as_slice())
    }

    #[inline]
    pub fn patch(&self, row: usize) -> Option<&Patch> {
        let patches = self.patches.as_ref()?;
        let at = patches.binary_search_by_key(&row, |p| usize::from(p.row)).ok()?;
        patches.get(at)
    }

    pub fn packed(&self, row: usize) -> Option<Packed> {
        match self.patch(row) {
            Some(p) => Some(p.now),
            None => self.base.rows.get(row),
        }
    }

    /// Every row as it is now: sooner had than one by one.
    pub fn unpack(&self) -> Vec<Packed> {
        let mut rows = self.base.rows.unpack();
        for patch in self.patches() {
            if let Some(row) = rows.get_mut(usize::from(patch.row)) {
                *row = patch.now;
            }
        }
        rows
    }

    /// One fact of a row, without unpacking the others.
    #[inline]
    pub fn fact<T>(
        &self,
        row: usize,
        packed: impl FnOnce(&SegmentRows, usize) -> T,
        patched: impl FnOnce(&Packed) -> T,
    ) -> Option<T> {
        match self.patch(row) {
            Some(p) => Some(patched(&p.now)),
            None => (row < self.base.rows.len()).then(|| packed(&self.base.rows, row)),
        }
    }

    pub fn summary(&self, row: usize) -> &[u8] {
        if let Some(summary) = self.patch(row).and_then(|p| p.summary.as_ref()) {
            return summary.as_bytes();
        }
        if row < self.base.rows.len() { self.base.said.strings.get(self.base.rows.summary(row)) } else { &[] }
    }

    /// A row's cells in order of reading: column numbers and values.
    pub fn cells(&self, row: usize) -> impl Iterator<Item = (u16, CellView<'_>)> {
        let (tags, values) = self.base.raw_cells(row);
        let more = self.patch(row).map_or(&[][..], Patch::cells);
        let first = tags.iter().zip(values).map(|(t, v)| (column_of(*t), self.base.said.view(*t, *v)));
        first.chain(more.iter().map(|(c, cell)| (*c, cell.view())))
    }
}
