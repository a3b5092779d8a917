//! What ties conversations to each other: who announced a flow, which messages concern it, and what stands inside what.

use crate::table::Table;
use std::sync::Arc;
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, Evidence};

/// Why a flow is there: a conversation announced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseRow {
    /// The flow.
    pub flow: u32,
    /// The conversation that announced it.
    pub by: ConvId,
    /// That conversation's number for it.
    pub key: u64,
    /// What it is for: "RETR notes.txt"; "" if nobody said.
    pub about: Arc<str>,
}

/// A message that concerns an announced flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcernRow {
    /// The message.
    pub message: u32,
    /// The conversation that announced the flow.
    pub by: ConvId,
    /// That conversation's number for it.
    pub key: u64,
}

/// A conversation inside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InsideRow {
    /// The one around it.
    pub outer: ConvId,
    /// What it speaks, an index of [`crate::Schema::protocols`]; `None` while that is not known.
    pub protocol: Option<u16>,
    /// Why.
    pub evidence: Evidence,
}

#[derive(Debug, Clone, Copy)]
struct Packed {
    outer: u32,
    protocol: u16,
    evidence: Evidence,
}

const NO_PROTOCOL: u16 = u16::MAX;

/// The tables. Snapshots share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    pub causes: Table<CauseRow, 64>,
    pub concerns: Table<ConcernRow, 256>,
    /// For each flow up to the last that has any: where its conversations inside stand, or [`NONE`].
    places: Table<u32, 1024>,
    /// For each such flow, its conversations inside by number less one.
    insides: Table<Arc<Vec<Packed>>, 64>,
}

impl Links {
    /// Who announced a flow; a later word takes the place of the one before.
    pub fn cause(&mut self, row: CauseRow) {
        let known = self.causes.iter().find(|(_, c)| c.flow == row.flow).map(|(n, _)| n);
        match known.and_then(|n| self.causes.get_mut(n)) {
            Some(old) => *old = row,
            None => {
                self.causes.push(row);
            }
        }
    }

    /// What announced flows are for.
    pub fn about(&mut self, by: ConvId, key: u64, what: &str) {
        let of: Vec<u32> = self.causes.iter().filter(|(_, c)| c.by == by && c.key == key).map(|(n, _)| n).collect();
        for n in of {
            if let Some(row) = self.causes.get_mut(n) {
                row.about = what.into();
            }
        }
    }

    pub fn cause_of(&self, flow: u32) -> Option<&CauseRow> {
        self.causes.iter().map(|(_, c)| c).find(|c| c.flow == flow)
    }

    fn list_mut(&mut self, flow: u32) -> Option<&mut Vec<Packed>> {
        while self.places.len() <= flow {
            if self.places.push(NONE) == NONE {
                return None;
            }
        }
        let mut place = self.places.get(flow).copied()?;
        if place == NONE {
            place = self.insides.push(Arc::default());
            *self.places.get_mut(flow)? = place;
        }
        self.insides.get_mut(place).map(Arc::make_mut)
    }

    /// A conversation inside `outer` begins. Their numbers rise within a flow.
    pub fn inside(&mut self, conv: ConvId, outer: u32) {
        let Some(list) = self.list_mut(conv.flow) else { return };
        let at = conv.inner.saturating_sub(1) as usize;
        let none = Packed { outer: 0, protocol: NO_PROTOCOL, evidence: Evidence::None };
        if list.len() <= at {
            list.resize(at.saturating_add(1), none);
        }
        if let Some(row) = list.get_mut(at) {
            *row = Packed { outer, ..none };
        }
    }

    /// What a conversation inside speaks.
    pub fn speaks(&mut self, conv: ConvId, protocol: u16, evidence: Evidence) {
        let at = conv.inner.saturating_sub(1) as usize;
        if let Some(row) = self.list_mut(conv.flow).and_then(|l| l.get_mut(at)) {
            (row.protocol, row.evidence) = (protocol, evidence);
        }
    }

    /// A flow is read again: what stood inside it is told anew.
    pub fn forget_insides(&mut self, flow: u32) {
        if self.places.get(flow).is_some_and(|p| *p != NONE)
            && let Some(list) = self.list_mut(flow)
        {
            list.clear();
        }
    }

    pub fn inside_row(&self, conv: ConvId) -> Option<InsideRow> {
        let list = self.insides.get(*self.places.get(conv.flow)?)?;
        let row = list.get(conv.inner.checked_sub(1)? as usize)?;
        Some(InsideRow {
            outer: ConvId { flow: conv.flow, inner: row.outer },
            protocol: Some(row.protocol).filter(|p| *p != NO_PROTOCOL),
            evidence: row.evidence,
        })
    }

    /// How many conversations stand inside a flow.
    pub fn inside_count(&self, flow: u32) -> u32 {
        self.places.get(flow).and_then(|p| self.insides.get(*p)).map_or(0, |l| l.len() as u32)
    }

    pub fn heap_size(&self) -> usize {
        let lists: usize = self.insides.iter().map(|(_, l)| l.capacity() * size_of::<Packed>() + 40).sum();
        self.causes.heap_size() + self.concerns.heap_size() + self.places.heap_size() + self.insides.heap_size() + lists
    }
}
