//! Where a reading's fields, columns and notes collect, and can be rolled back; reused from read to read.

use crate::field::{F, Flags};
use crate::note::Noted;
use crate::span::Span;
use crate::tree::{Node, Tie};
use crate::value::Value;
use std::ops::Range;

/// How much a reading is to leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Message boundaries, spans, summaries and KEY columns only; bodies are passed over, nothing is inflated.
    Rows,
    /// Rows, and bodies are decoded and handed on as inner streams.
    Bodies,
    /// Everything: each field a node.
    Tree,
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
}

/// A state of a sink to go back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    nodes: usize,
    cells: usize,
    arena: usize,
    notes: usize,
    depth: u16,
}

impl Sink {
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
    }

    /// Empties it, keeping its memory for the next message.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.cells.clear();
        self.arena.clear();
        self.notes.clear();
        self.left_out = 0;
        self.depth = 0;
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

    /// Adds a node and returns its index, or `None` at the limit.
    pub(crate) fn node(&mut self, field: F, span: Span, value: Value, tie: Tie) -> Option<usize> {
        if self.nodes.len() >= MOST_NODES {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        let index = self.nodes.len();
        self.nodes.push(Node { field, span, value, depth: self.depth, tie, end: index as u32 + 1 });
        Some(index)
    }

    pub(crate) fn deeper(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }

    pub(crate) fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Gives the innermost open group a value.
    pub(crate) fn title(&mut self, value: Value) {
        let depth = self.depth;
        if let Some(node) = self.nodes.iter_mut().rev().find(|n| n.depth < depth) {
            node.value = value;
        }
    }

    /// Fixes the end of a group's span and of its descendants.
    pub(crate) fn close(&mut self, index: usize, len: u32) {
        let end = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(index) {
            node.span.len = len;
            node.end = end;
        }
    }

    /// Whether field values are wanted at `level`.
    #[inline]
    #[must_use]
    pub(crate) fn wants(level: Level, field: F) -> bool {
        level == Level::Tree || field.flags.has(Flags::KEY)
    }
}
