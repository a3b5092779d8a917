//! The message table as its one writer keeps it: a growing last segment, full ones shared with snapshots, changes folded in.

use crate::cell::CellView;
use crate::message::{MessageOpen, Packed};
use crate::schema::Columns;
use crate::segment::{Base, Growing, OwnedCell, Patch, ROWS, Segment};
use crate::text::StringIndex;
use std::sync::Arc;
use wirelore_kit::row::NONE;
use wirelore_kit::{Cell, F, MessageState};

/// New text that the cells of one opening or change may bring, bytes; a message's columns are for finding it.
const MOST_TEXT: usize = 64 << 10;
/// Bytes of a summary that are kept.
const MOST_SUMMARY: usize = 2048;
/// Cells of one message, changes included.
const MOST_CELLS: u16 = 4096;
/// So many waiting patches are folded in at once, although rows of the segment are still open: adding one costs their number.
const MANY_PATCHES: usize = 1024;

#[derive(Debug)]
struct Full {
    segment: Segment,
    open: u32,
    /// Changed since the last look: it waits until changes pause before it is folded.
    changed: bool,
}

impl Full {
    fn fold(&mut self) {
        // An empty list rather than none: the segment stays on the list of those that have one.
        let patches = self.segment.patches.replace(Arc::default()).unwrap_or_default();
        Arc::make_mut(&mut self.segment.base).fold(&patches);
    }
}

/// A field met of late: its column, and what the last cell of that was in the last segment.
#[derive(Debug, Clone, Copy)]
struct Met {
    field: Option<F>,
    column: u16,
    /// Where the column stands in the segment's statistics, if it was found there.
    stat: usize,
    /// Number of its text; columns often say the same again.
    text: u32,
}

const NOT_MET: Met = Met { field: None, column: 0, stat: usize::MAX, text: u32::MAX };

/// Fields met of late, by some bits of their address: looking there first is cheaper than any hash.
#[derive(Debug)]
struct Recent([Met; 64]);

impl Default for Recent {
    fn default() -> Recent {
        Recent([NOT_MET; 64])
    }
}

impl Recent {
    /// A field with its column, made if need be; `None` when there are too many.
    #[inline]
    fn of(&mut self, field: F, columns: &mut Arc<Columns>) -> Option<&mut Met> {
        let place = (std::ptr::from_ref(field).addr() / size_of::<wirelore_kit::Field>()) % self.0.len();
        let met = self.0.get_mut(place)?;
        if !met.field.is_some_and(|f| std::ptr::eq(f, field)) {
            *met = Met { field: Some(field), column: Columns::number_or_add(columns, field)?, ..NOT_MET };
        }
        Some(met)
    }

    /// Another segment begins.
    fn forget_cells(&mut self) {
        for met in &mut self.0 {
            (met.stat, met.text) = (NOT_MET.stat, NOT_MET.text);
        }
    }
}

/// Message rows with their one writer.
#[derive(Debug, Default)]
pub(crate) struct MessageTable {
    full: Vec<Full>,
    /// So many of the full segments, from the first, have their rows packed.
    packed: usize,
    /// Bytes of cells and text of the full segments when they became full.
    said_bytes: usize,
    tail: Growing,
    tail_open: u32,
    index: StringIndex,
    recent: Recent,
    /// The last segment as it was published, if nothing changed since.
    shown: Option<Arc<Base>>,
    /// Numbers of full segments that have patches.
    patched: Vec<u32>,
    /// Cells that were left out because of a limit.
    pub left_out: u64,
}

impl MessageTable {
    pub fn len(&self) -> u32 {
        (self.full.len() * ROWS + self.tail.rows.len()) as u32
    }

    /// Adds a row; [`NONE`] when all numbers are used.
    pub fn push(&mut self, m: &MessageOpen<'_>, previous: u32, columns: &mut Arc<Columns>) -> u32 {
        let id = self.len();
        if id >= NONE - 1 {
            return NONE;
        }
        self.shown = None;
        let mut row = Packed::new(m, previous);
        row.summary = self.index.number(&mut self.tail.said.strings, kept_summary(m.summary).as_bytes()).unwrap_or(u32::MAX);
        row.cells_at = self.tail.said.tags.len() as u32;
        self.add_cells(&mut row, m.cells, m.arena, columns);
        self.tail_open += u32::from(m.state == MessageState::Open);
        self.tail.rows.push(row);
        if self.tail.rows.len() == ROWS {
            self.seal();
        }
        id
    }

    /// Adds cells behind those of the last segment; `row`'s own must be the last there.
    fn add_cells(&mut self, row: &mut Packed, cells: &[(F, Cell)], arena: &[u8], columns: &mut Arc<Columns>) {
        let mut text = 0;
        for (field, cell) in cells {
            let view = cell_view(cell, arena);
            if let CellView::Text(t) = view {
                text += t.len();
            }
            let room = text <= MOST_TEXT && row.cells_len < MOST_CELLS;
            let Some(met) = self.recent.of(field, columns).filter(|_| room) else {
                self.left_out += 1;
                continue;
            };
            let (mut again, mut number) = (false, met.text);
            let index = &mut self.index;
            let added = self.tail.said.push_cell(met.column, &view, |strings, t| {
                again = number != u32::MAX && strings.get(number) == t;
                if !again {
                    number = index.number(strings, t)?;
                }
                Some(number)
            });
            if !added {
                self.left_out += 1;
                continue;
            }
            row.cells_len += 1;
            // What was said before is in the statistics.
            if !again {
                (met.stat, met.text) = (self.tail.said.widen(met.column, &view, met.stat), number);
            }
        }
    }

    fn seal(&mut self) {
        let base = self.tail.sealed((self.full.len() * ROWS) as u32);
        let said = base.said.heap_size();
        self.said_bytes += said.cells + said.text;
        let segment = Segment { base: Arc::new(base), patches: None };
        self.full.push(Full { segment, open: self.tail_open, changed: false });
        self.index.clear();
        self.recent.forget_cells();
        self.tail_open = 0;
    }

    /// Bytes of rows of full segments that are not packed.
    pub fn plain_bytes(&self) -> usize {
        (self.full.len() - self.packed) * ROWS * size_of::<Packed>()
    }

    /// Bytes of cells and text of full segments, without what changed since they became full.
    pub const fn said_bytes(&self) -> usize {
        self.said_bytes
    }

    /// Packs the rows of the oldest segment that are not packed; snapshots that were taken before keep theirs.
    pub fn pack_oldest(&mut self) {
        if let Some(full) = self.full.get_mut(self.packed) {
            full.segment.base = Arc::new(full.segment.base.packed());
            self.packed += 1;
        }
    }

    pub fn get(&self, id: u32) -> Option<Packed> {
        let (segment, row) = (id as usize / ROWS, id as usize % ROWS);
        match self.full.get(segment) {
            Some(full) => full.segment.packed(row),
            None if segment == self.full.len() => self.tail.rows.get(row).copied(),
            None => None,
        }
    }

    /// Changes a row's plain facts.
    pub fn edit(&mut self, id: u32, change: impl FnOnce(&mut Packed)) {
        let (segment, row) = (id as usize / ROWS, id as usize % ROWS);
        if segment == self.full.len() {
            if let Some(p) = self.tail.rows.get_mut(row) {
                self.shown = None;
                let open = p.state() == MessageState::Open;
                change(p);
                self.tail_open = recount(self.tail_open, open, p.state() == MessageState::Open);
            }
        } else if let Some(patch) = self.patch(segment, row) {
            let open = patch.now.state() == MessageState::Open;
            change(&mut patch.now);
            let now = patch.now.state() == MessageState::Open;
            if let Some(full) = self.full.get_mut(segment) {
                full.open = recount(full.open, open, now);
            }
        }
    }

    /// Gives a row another summary and more cells.
    pub fn extend(&mut self, id: u32, summary: Option<&str>, cells: &[(F, Cell)], arena: &[u8], columns: &mut Arc<Columns>) {
        if summary.is_none() && cells.is_empty() {
            return;
        }
        let (segment, at) = (id as usize / ROWS, id as usize % ROWS);
        if segment == self.full.len() {
            let Some(mut row) = self.tail.rows.get(at).copied() else { return };
            self.shown = None;
            if let Some(summary) = summary {
                row.summary =
                    self.index.number(&mut self.tail.said.strings, kept_summary(summary).as_bytes()).unwrap_or(u32::MAX);
            }
            if !cells.is_empty() {
                let at = row.cells();
                if at.end != self.tail.said.tags.len() {
                    row.cells_at = self.tail.said.tags.len() as u32;
                    self.tail.said.tags.extend_from_within(at.clone());
                    self.tail.said.values.extend_from_within(at);
                }
                self.add_cells(&mut row, cells, arena, columns);
            }
            if let Some(slot) = self.tail.rows.get_mut(at) {
                *slot = row;
            }
            return;
        }
        let mut left_out = 0;
        if let Some(patch) = self.patch(segment, at) {
            if let Some(summary) = summary {
                patch.summary = Some(kept_summary(summary).into());
            }
            let had = usize::from(patch.now.cells_len);
            let mut text = 0;
            for (field, cell) in cells {
                let view = cell_view(cell, arena);
                if let CellView::Text(t) = view {
                    text += t.len();
                }
                let more = patch.more.get_or_insert_default();
                match Columns::number_or_add(columns, field) {
                    Some(column) if text <= MOST_TEXT && had + more.len() < usize::from(MOST_CELLS) => {
                        Arc::make_mut(more).push((column, OwnedCell::of(&view)));
                    }
                    _ => left_out += 1,
                }
            }
        }
        self.left_out += left_out;
    }

    /// The patch of a row of a full segment, made if need be.
    fn patch(&mut self, segment: usize, row: usize) -> Option<&mut Patch> {
        let full = self.full.get_mut(segment)?;
        full.changed = true;
        match full.segment.patches().len() {
            0 if full.segment.patches.is_none() => self.patched.push(segment as u32),
            MANY_PATCHES.. if full.segment.patch(row).is_none() => full.fold(),
            _ => {}
        }
        let patches = Arc::make_mut(full.segment.patches.get_or_insert_default());
        let at = match patches.binary_search_by_key(&row, |p| usize::from(p.row)) {
            Ok(at) => at,
            Err(at) => {
                let now = full.segment.base.rows.get(row)?;
                patches.insert(at, Patch { row: row as u16, now, summary: None, more: None });
                at
            }
        };
        patches.get_mut(at)
    }

    /// Folds patches into their segments where all rows are closed and changes have paused; `all`: wherever there are some.
    pub fn fold(&mut self, all: bool) {
        let full = &mut self.full;
        self.patched.retain(|segment| {
            let Some(full) = full.get_mut(*segment as usize) else { return false };
            let quiet = !std::mem::take(&mut full.changed);
            if all || (full.open == 0 && quiet) {
                full.fold();
                full.segment.patches = None;
            }
            full.segment.patches.is_some()
        });
    }

    /// What a snapshot shares.
    pub fn view(&mut self) -> Vec<Segment> {
        let mut segments = Vec::with_capacity(self.full.len() + 1);
        segments.extend(self.full.iter().map(|f| f.segment.clone()));
        if !self.tail.rows.is_empty() {
            let (tail, first) = (&self.tail, (self.full.len() * ROWS) as u32);
            let base = self.shown.get_or_insert_with(|| Arc::new(tail.shared(first)));
            segments.push(Segment { base: base.clone(), patches: None });
        }
        segments
    }

    /// Bytes held besides what snapshots share.
    pub fn own_heap_size(&self) -> usize {
        let rest = self.index.heap_size() + self.full.capacity() * size_of::<Full>();
        self.tail.heap_size() + rest
    }
}

const fn recount(count: u32, was: bool, is: bool) -> u32 {
    count.saturating_sub(was as u32).saturating_add(is as u32)
}

fn cell_view<'a>(cell: &Cell, arena: &'a [u8]) -> CellView<'a> {
    match cell {
        Cell::U64(n) => CellView::U64(*n),
        Cell::I64(n) => CellView::I64(*n),
        Cell::Text(range) => CellView::Text(arena.get(range.start as usize..range.end as usize).unwrap_or(&[])),
        Cell::Ip4(a) => CellView::Ip4(*a),
        Cell::Ip6(a) => CellView::Ip6(*a),
    }
}

fn kept_summary(s: &str) -> &str {
    s.get(..s.floor_char_boundary(MOST_SUMMARY)).unwrap_or(s)
}
