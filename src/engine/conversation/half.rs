//! One direction of a conversation: its unread bytes, and which packets brought them.

use super::{Arrival, OpenMessage};
use std::collections::VecDeque;
use wirelore_kit::{End, Memo, Span};

/// Some unread bytes and the packets that brought them.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// The offset behind the last byte.
    end: u64,
    /// The packet of the first byte that they were made from.
    first: Arrival,
    /// The packet that completed them; the same, unless they are bytes of an inner stream.
    last: Arrival,
}

/// Which packets brought the unread bytes. The newest run stands inline, so that a direction which is read as it comes allocates nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals {
    older: VecDeque<Run>,
    newest: Option<Run>,
}

impl Arrivals {
    pub fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    pub fn push(&mut self, end: u64, first: Arrival, last: Arrival) {
        if let Some(same) = self.newest.as_mut().filter(|r| r.first == first && r.last == last) {
            same.end = end;
            return;
        }
        if let Some(before) = self.newest.replace(Run { end, first, last }) {
            self.older.push_back(before);
        }
    }

    /// Bytes `from` of another sequence stand here, beginning at `at`: they came with the same packets. False where `of` does not know them.
    pub fn push_same(&mut self, at: u64, of: &Arrivals, from: Span) -> bool {
        let mut covered = from.at;
        for run in of.older.iter().chain(&of.newest).filter(|r| r.end > from.at) {
            if covered >= from.end() {
                break;
            }
            covered = run.end.min(from.end());
            self.push(at.saturating_add(covered.saturating_sub(from.at)), run.first, run.last);
        }
        covered >= from.end()
    }

    /// The packet with which the first unread byte was there.
    pub fn next(&self) -> Option<Arrival> {
        self.older.front().or(self.newest.as_ref()).map(|r| r.last)
    }

    /// The packet of the byte at `offset`.
    pub fn of(&self, offset: u64) -> Option<Arrival> {
        self.older.iter().chain(&self.newest).find(|r| r.end > offset).map(|r| r.first)
    }

    /// The packet that came last among those of the unread bytes up to `offset`: packets may come in another order than their bytes.
    pub fn latest(&self, offset: u64) -> Option<Arrival> {
        let mut latest: Option<Arrival> = None;
        for run in self.older.iter().chain(&self.newest) {
            if latest.is_none_or(|l| l.number < run.last.number) {
                latest = Some(run.last);
            }
            if run.end > offset {
                break;
            }
        }
        latest
    }

    /// Everything before `base` was read.
    pub fn pass(&mut self, base: u64) {
        while self.older.front().is_some_and(|r| r.end <= base) {
            self.older.pop_front();
        }
        if self.older.is_empty() && self.newest.is_some_and(|r| r.end <= base) {
            self.newest = None;
        }
    }

    /// How many runs they are: tiny packets cost more than their bytes.
    pub fn runs(&self) -> usize {
        self.older.len().saturating_add(usize::from(self.newest.is_some()))
    }

    pub fn clear(&mut self) {
        self.older.clear();
        self.newest = None;
    }

    pub fn weight(&self) -> usize {
        self.older.capacity().saturating_mul(size_of::<Run>())
    }
}

#[derive(Default)]
pub(super) struct Half {
    /// Offset of the first unread byte.
    pub base: u64,
    pub unread: Vec<u8>,
    pub arrivals: Arrivals,
    pub need: usize,
    pub waiting: bool,
    /// Bytes are passed over until a start is found.
    pub seeking: bool,
    /// A start was found but no message read yet.
    pub trial: bool,
    pub given_up: bool,
    pub ended: Option<(End, Arrival)>,
    pub end_told: bool,
    pub memo: Memo,
    pub open: Option<Box<OpenMessage>>,
    pub last: Arrival,
}
