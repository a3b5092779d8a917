//! One direction of a conversation: its unread bytes, and which packets brought them.

use super::{Arrival, OpenMessage};
use std::collections::VecDeque;
use wirelore_kit::{End, Memo};

/// Which packets brought the unread bytes, by the offset behind the last byte of each. The newest stands inline, so that a
/// direction which is read as it comes allocates nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals {
    older: VecDeque<(u64, Arrival)>,
    newest: Option<(u64, Arrival)>,
}

impl Arrivals {
    pub fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    pub fn push(&mut self, end: u64, from: Arrival) {
        if let Some(before) = self.newest.replace((end, from)) {
            self.older.push_back(before);
        }
    }

    /// The packet of the first unread byte.
    pub fn first(&self) -> Option<Arrival> {
        self.older.front().or(self.newest.as_ref()).map(|(_, a)| *a)
    }

    /// The packet of the byte at `offset`.
    pub fn of(&self, offset: u64) -> Option<Arrival> {
        self.older.iter().chain(&self.newest).find(|(end, _)| *end > offset).map(|(_, a)| *a)
    }

    /// The packet that came last among those of the unread bytes up to `offset`: packets may come in another order than their bytes.
    pub fn latest(&self, offset: u64) -> Option<Arrival> {
        let mut latest: Option<Arrival> = None;
        for (end, a) in self.older.iter().chain(&self.newest) {
            if latest.is_none_or(|l| l.number < a.number) {
                latest = Some(*a);
            }
            if *end > offset {
                break;
            }
        }
        latest
    }

    /// Everything before `base` was read.
    pub fn pass(&mut self, base: u64) {
        while self.older.front().is_some_and(|(end, _)| *end <= base) {
            self.older.pop_front();
        }
        if self.older.is_empty() && self.newest.is_some_and(|(end, _)| end <= base) {
            self.newest = None;
        }
    }

    pub fn clear(&mut self) {
        self.older.clear();
        self.newest = None;
    }

    pub fn weight(&self) -> usize {
        self.older.capacity().saturating_mul(size_of::<(u64, Arrival)>())
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
