//! Where a reading's fields, columns and notes collect, and can be rolled back; reused from read to read.

use crate::field::{F, Flags, Kind, UNKNOWN};
use crate::keep::Keep;
use crate::note::Noted;
use crate::span::Span;
use crate::tree::{Node, Tie};
use crate::value::Value;
use std::ops::Range;
use std::sync::Arc;

/// How much a reading is to leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Message boundaries, spans, summaries and KEY columns only; bodies are passed over, nothing is inflated.
    Rows,
    /// Each field a node, but bodies are passed over and contents are not read.
    Fields,
    /// Rows, and bodies are decoded and handed on as inner streams.
    Bodies,
    /// Each field a node, and bodies are decoded and handed on; contents are not read.
    FieldsAndBodies,
    /// Everything: each field a node.
    Tree,
}

impl Level {
    /// Whether each field is a node.
    #[must_use]
    pub const fn has_fields(self) -> bool {
        matches!(self, Level::Fields | Level::FieldsAndBodies | Level::Tree)
    }
}

/// A column's value; text and bytes stand in the sink's arena.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cell {
    /// A number, yes (1) or no (0).
    U64(u64),
    /// A signed number.
    I64(i64),
    /// Text or bytes: a range of the arena.
    Text(Range<u32>),
    /// An IPv4 address.
    Ip4([u8; 4]),
    /// An IPv6 address.
    Ip6([u8; 16]),
}

/// At most so many nodes in one tree; beyond, a note says that more were there.
pub const MOST_NODES: usize = 1 << 18;
/// At most so many cells and notes of one message each.
pub const MOST_CELLS: usize = 256;

/// What a reading leaves behind. The driver owns it, hands it to [`crate::Reader`]s and takes from it after each read.
#[derive(Debug, Default)]
pub struct Sink {
    /// The nodes of the open message, preorder; filled at [`Level::Tree`] only.
    pub nodes: Vec<Node>,
    /// KEY columns in order of reading.
    pub cells: Vec<(F, Cell)>,
    /// Text of the cells.
    pub arena: Vec<u8>,
    /// Findings.
    pub notes: Vec<Noted>,
    /// Nodes, cells or notes left out because of a limit.
    pub left_out: u32,
    depth: u16,
    /// The open groups' nodes from the outermost in; [`NO_NODE`] for one that is not kept.
    open: Vec<u32>,
    /// The node that was added last, if it was kept.
    last: Option<u32>,
    /// Only these fields become nodes, and no columns are made.
    keep: Option<Arc<Keep>>,
    /// Where `keep` is given: the bytes of each node, ranges of `held`.
    places: Vec<Range<u32>>,
    held: Vec<u8>,
}

/// Stands for a group's node that is not kept.
const NO_NODE: u32 = u32::MAX;

/// A state of a sink to go back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    nodes: usize,
    cells: usize,
    arena: usize,
    notes: usize,
    held: usize,
    depth: u16,
}

impl Sink {
    /// One in which only some fields become nodes, at [`Level::Tree`], with their bytes, and nothing becomes a column.
    #[must_use]
    pub fn keeping(keep: Arc<Keep>) -> Sink {
        Sink { keep: Some(keep), ..Sink::default() }
    }

    /// An empty one of the same kind.
    #[must_use]
    pub fn another(&self) -> Sink {
        Sink { keep: self.keep.clone(), ..Sink::default() }
    }

    /// Whether somebody looks at findings or at what checksums came to.
    #[must_use]
    pub fn keeps_checks(&self) -> bool {
        self.keep.as_ref().is_none_or(|k| k.checks())
    }

    /// Whether a field becomes a node, at [`Level::Tree`].
    #[must_use]
    #[inline]
    pub fn keeps(&self, field: F) -> bool {
        self.keep.as_ref().is_none_or(|k| k.has(field))
    }

    /// The bytes of node `index`, in a sink that keeps some fields.
    #[must_use]
    pub fn bytes_of(&self, index: usize) -> &[u8] {
        let range = self.places.get(index).map_or(0..0, |r| r.start as usize..r.end as usize);
        self.held.get(range).unwrap_or(&[])
    }

    /// A copy without its nodes: a place to go on from for rows.
    #[must_use]
    pub fn rows(&self) -> Sink {
        Sink {
            nodes: Vec::new(),
            cells: self.cells.clone(),
            arena: self.arena.clone(),
            notes: self.notes.clone(),
            left_out: self.left_out,
            depth: self.depth,
            ..Sink::default()
        }
    }

    /// Remembers this moment.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            nodes: self.nodes.len(),
            cells: self.cells.len(),
            arena: self.arena.len(),
            notes: self.notes.len(),
            held: self.held.len(),
            depth: self.depth,
        }
    }

    /// Forgets all that came after `to`.
    pub fn roll_back(&mut self, to: Mark) {
        self.nodes.truncate(to.nodes);
        self.cells.truncate(to.cells);
        self.arena.truncate(to.arena);
        self.notes.truncate(to.notes);
        self.depth = to.depth;
        self.open.truncate(usize::from(to.depth));
        self.places.truncate(to.nodes);
        self.held.truncate(to.held);
    }

    /// Empties it, keeping its memory for the next message.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.cells.clear();
        self.arena.clear();
        self.notes.clear();
        self.left_out = 0;
        self.depth = 0;
        self.open.clear();
        self.places.clear();
        self.held.clear();
    }

    /// The bytes of a text cell.
    #[must_use]
    pub fn text(&self, range: &Range<u32>) -> &[u8] {
        self.arena.get(range.start as usize..range.end as usize).unwrap_or(&[])
    }

    /// Adds a note.
    pub fn note(&mut self, noted: Noted) {
        if self.notes.len() < MOST_CELLS {
            self.notes.push(noted);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    #[inline]
    pub(crate) fn cell(&mut self, field: F, value: &Value, bytes: &[u8]) {
        if self.keep.is_some() {
            return;
        }
        if self.cells.len() >= MOST_CELLS {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let cell = match value {
            Value::Span => self.intern(bytes),
            Value::Bool(b) => Cell::U64(u64::from(*b)),
            Value::U64(n) => Cell::U64(*n),
            Value::I64(n) => Cell::I64(*n),
            Value::Str(s) => self.intern(s.as_bytes()),
            Value::Blob(b) => self.intern(b),
            Value::Ip4(a) => Cell::Ip4(*a),
            Value::Ip6(a) => Cell::Ip6(*a),
            Value::Mac(m) => self.intern(m),
            Value::Place(p) => Cell::U64(p.at),
        };
        self.cells.push((field, cell));
    }

    /// As [`Sink::cell`] for text and bytes as they stand, which most columns are.
    #[inline]
    pub(crate) fn text_cell(&mut self, field: F, bytes: &[u8]) {
        if self.keep.is_some() {
            return;
        }
        if self.cells.len() >= MOST_CELLS {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let cell = self.intern(bytes);
        self.cells.push((field, cell));
    }

    #[inline]
    fn intern(&mut self, bytes: &[u8]) -> Cell {
        // A column is for finding things; a longer value is in the tree in full.
        let kept = bytes.get(..bytes.len().min(2048)).unwrap_or(bytes);
        let from = self.arena.len() as u32;
        self.arena.extend_from_slice(kept);
        Cell::Text(from..self.arena.len() as u32)
    }

    /// Adds a node with the bytes of its span and returns its index, or `None` where it is not kept or the limit is reached.
    pub(crate) fn node(&mut self, field: F, span: Span, value: Value, tie: Tie, bytes: &[u8]) -> Option<usize> {
        self.last = None;
        if self.keep.as_ref().is_some_and(|k| !k.has(field)) {
            return None;
        }
        if self.nodes.len() >= MOST_NODES {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        let index = self.nodes.len();
        self.nodes.push(Node { field, span, value, depth: self.depth, tie, end: index as u32 + 1 });
        self.last = Some(index as u32);
        if self.keep.is_some() {
            let place = self.hold(bytes);
            self.places.push(place);
        }
        Some(index)
    }

    fn hold(&mut self, bytes: &[u8]) -> Range<u32> {
        let from = self.held.len() as u32;
        self.held.extend_from_slice(bytes);
        from..self.held.len() as u32
    }

    /// Whether the bytes of a group are kept when it is closed.
    pub(crate) fn holds_groups(&self) -> bool {
        self.keep.as_ref().is_some_and(|k| !k.is_all())
    }

    /// Bytes that no field explains, told by who drives the reading: joined to those before them.
    pub fn unknown(&mut self, span: Span, bytes: &[u8]) {
        let before = self.nodes.len();
        if self.node(&UNKNOWN, span, Value::Span, Tie::Own, bytes).is_some() {
            self.join(before);
        }
    }

    /// Joins node `boundary`, where it is a leaf like the one before it and its bytes go on from there, to that one: so that cuts of the
    /// input leave no trace.
    pub fn join(&mut self, boundary: usize) {
        let Some(before) = boundary.checked_sub(1) else { return };
        let (Some(a), Some(b)) = (self.nodes.get(before), self.nodes.get(boundary)) else { return };
        let same = a.field.is(b.field)
            && a.depth == b.depth
            && a.tie == b.tie
            && a.span.buf == b.span.buf
            && a.span.end() == b.span.at
            && a.end as usize == boundary;
        let leaf = b.end as usize == boundary.saturating_add(1) && a.value == Value::Span && b.value == Value::Span;
        if !same || !leaf || b.field.kind == Kind::Group {
            return;
        }
        let more = b.span.len;
        if let Some(a) = self.nodes.get_mut(before) {
            a.span.len = a.span.len.saturating_add(more);
        }
        self.nodes.remove(boundary);
        for n in self.nodes.iter_mut().skip(boundary) {
            n.end = n.end.saturating_sub(1);
        }
        if boundary < self.places.len() {
            let second = self.places.remove(boundary);
            if let Some(first) = self.places.get_mut(before) {
                if first.end != second.start {
                    // Something else was held between them.
                    let from = self.held.len() as u32;
                    self.held.extend_from_within(first.start as usize..first.end as usize);
                    self.held.extend_from_within(second.start as usize..second.end as usize);
                    *first = from..self.held.len() as u32;
                } else {
                    first.end = second.end;
                }
            }
        }
    }

    /// What follows stands below the node that was added last.
    pub(crate) fn deeper(&mut self) {
        self.depth = self.depth.saturating_add(1);
        self.open.push(self.last.take().unwrap_or(NO_NODE));
    }

    pub(crate) fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.open.pop();
    }

    /// Gives the innermost open group a value.
    pub(crate) fn title(&mut self, value: Value) {
        if let Some(node) = self.open.last().and_then(|at| self.nodes.get_mut(*at as usize)) {
            node.value = value;
        }
    }

    /// Fixes the end of a group's span and of its descendants; `bytes` are those of the span.
    pub(crate) fn close(&mut self, index: usize, len: u32, bytes: &[u8]) {
        let end = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(index) {
            node.span.len = len;
            node.end = end;
        }
        if self.holds_groups() {
            let place = self.hold(bytes);
            if let Some(slot) = self.places.get_mut(index) {
                *slot = place;
            }
        }
    }

    /// Whether field values are wanted at `level`.
    #[inline]
    #[must_use]
    pub(crate) fn wants(level: Level, field: F) -> bool {
        level == Level::Tree || field.flags.has(Flags::KEY)
    }
}
