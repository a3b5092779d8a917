//! A message or packet as a tree of fields over its buffers: what the window shows and exports write.

use crate::field::F;
use crate::note::Noted;
use crate::span::{BufId, Piece, Span};
use crate::value::{self, Value};
use bytes::Bytes;

/// What ties a node to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tie {
    /// Its span is its own: inside its parent's, in order, sharing at most bytes with disjoint bits.
    Own,
    /// It has no bytes of its own; the span names those it was worked out from.
    Derived,
    /// It points to another place (a DNS pointer, an HPACK table entry).
    Refer,
}

/// One field at one place. Nodes stand in the order of reading (preorder).
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The field.
    pub field: F,
    /// Its bytes.
    pub span: Span,
    /// Its value.
    pub value: Value,
    /// Levels below the root; the root's are 0.
    pub depth: u16,
    /// How the span is meant.
    pub tie: Tie,
    /// Index behind its last descendant.
    pub end: u32,
}

/// One byte sequence that nodes of a tree lie in.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    /// Which.
    pub id: BufId,
    /// What a tab says: "Packet 12", "To server", "Body, de-chunked".
    pub label: String,
    /// Offset of the first byte held; spans of the tree count from the sequence's own start.
    pub base: u64,
    /// The bytes held.
    pub bytes: Bytes,
    /// Where they came from, in order of `at`; empty for what was captured.
    pub map: Vec<Piece>,
}

impl Buffer {
    /// The bytes of `span` that are held here (fewer where it reaches over the end).
    #[must_use]
    pub fn slice(&self, span: &Span) -> &[u8] {
        let from = span.at.saturating_sub(self.base).min(self.bytes.len() as u64) as usize;
        let to = span.end().saturating_sub(self.base).min(self.bytes.len() as u64) as usize;
        self.bytes.get(from..to).unwrap_or(&[])
    }
}

/// Fields, the buffers they lie in, and what was noted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    /// Preorder.
    pub nodes: Vec<Node>,
    /// The message's own buffer first, then those it was made from and those made from it.
    pub buffers: Vec<Buffer>,
    /// Findings.
    pub notes: Vec<Noted>,
}

impl Tree {
    /// The buffer of that name.
    #[must_use]
    pub fn buffer(&self, id: BufId) -> Option<&Buffer> {
        self.buffers.iter().find(|b| b.id == id)
    }

    /// The bytes of a span.
    #[must_use]
    pub fn bytes(&self, span: &Span) -> &[u8] {
        self.buffer(span.buf).map_or(&[], |b| b.slice(span))
    }

    /// A node's value in words.
    #[must_use]
    pub fn display(&self, node: &Node) -> String {
        value::display(node.field, &node.value, self.bytes(&node.span))
    }

    /// The first node of a field's name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.field.name == name)
    }

    /// Every node of a field's name.
    pub fn all<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Node> {
        self.nodes.iter().filter(move |n| n.field.name == name)
    }

    /// The children of node `parent`, or the roots for `None`.
    pub fn children(&self, parent: Option<usize>) -> impl Iterator<Item = usize> {
        let (mut at, end) = match parent {
            Some(p) => (p.saturating_add(1), self.nodes.get(p).map_or(0, |n| n.end as usize)),
            None => (0, self.nodes.len()),
        };
        std::iter::from_fn(move || {
            let here = at;
            let node = self.nodes.get(here).filter(|_| here < end)?;
            at = (node.end as usize).max(here.saturating_add(1));
            Some(here)
        })
    }

    /// The narrowest own node that holds byte `at` of buffer `buf`.
    #[must_use]
    pub fn node_at(&self, buf: BufId, at: u64) -> Option<usize> {
        self.nodes
            .iter()
            .enumerate()
            .filter(|(_, n)| n.tie == Tie::Own && n.span.buf == buf && n.span.holds(at))
            .max_by_key(|(i, n)| (n.depth, *i))
            .map(|(i, _)| i)
    }
}
