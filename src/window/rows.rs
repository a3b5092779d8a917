//! A list as it is unfolded: the finished listing with rows shown below some of its rows, and others hidden under theirs.

use crate::listing::{Item, Listing, Talk};
use crate::select::{Focus, Selection};
use crate::view;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use wirelore_kit::Severity;
use wirelore_store::Snapshot;

/// Messages shown below one row; further ones are reached through the ladder.
const MOST_BELOW: usize = 100_000;

/// Which rows stand open although they are shut by themselves, and the other way round.
#[derive(Debug, Clone, Default)]
pub struct RowFolds {
    open: HashSet<Item>,
    shut: HashSet<Item>,
    version: u64,
}

impl RowFolds {
    /// Opens or shuts a row; `None` turns it round. True when something changed.
    pub fn set(&mut self, item: Item, open: Option<bool>) -> bool {
        // Connections stand open by themselves, exchanges and talks are shut.
        let (set, when) = match item {
            Item::Flow(_) => (&mut self.shut, false),
            Item::Exchange(_) | Item::Talk(_) => (&mut self.open, true),
            Item::Message(_) | Item::Packet(_) => return false,
        };
        let is_open = set.contains(&item) == when;
        let want = open.unwrap_or(!is_open);
        let changed = if want == when { set.insert(item) } else { set.remove(&item) };
        self.version += u64::from(changed);
        changed
    }

    /// Whether a row stands open.
    #[must_use]
    pub fn is_open(&self, item: Item) -> bool {
        match item {
            Item::Flow(_) => !self.shut.contains(&item),
            item => self.open.contains(&item),
        }
    }
}

/// One row's rows: shown below it, or hidden.
#[derive(Debug)]
struct Edit {
    /// Its row in the listing.
    base: u64,
    /// Its row as shown.
    shown: u64,
    below: Vec<Item>,
    hidden: u64,
}

/// A listing as it is unfolded.
#[derive(Debug, Default)]
pub struct Rows {
    list: Arc<Listing>,
    version: u64,
    edits: Vec<Edit>,
    below: HashMap<Item, u64>,
    /// Rows more (or fewer) than the listing has.
    more: i64,
}

impl Rows {
    /// Whether these are of that listing, folded so.
    #[must_use]
    pub fn fits(&self, list: &Arc<Listing>, folds: &RowFolds) -> bool {
        Arc::ptr_eq(&self.list, list) && self.version == folds.version
    }

    /// A listing with its folds.
    #[must_use]
    pub fn new(list: Arc<Listing>, folds: &RowFolds, s: &Snapshot) -> Rows {
        let mut bases: Vec<(u64, Item)> =
            folds.open.iter().chain(&folds.shut).filter_map(|i| Some((list.row(*i)?, *i))).collect();
        bases.sort_by_key(|(row, _)| *row);
        let mut rows = Rows { version: folds.version, ..Rows::default() };
        let mut hidden_to = 0;
        for (base, item) in bases {
            // A row under a shut one is not there to be unfolded.
            if base < hidden_to {
                continue;
            }
            let shown = base.saturating_add_signed(rows.more);
            let (below, hidden) = match item {
                Item::Flow(f) => (Vec::new(), list.group(s, base, f)),
                item => (members(s, item), 0),
            };
            hidden_to = base + 1 + hidden;
            for (i, m) in below.iter().enumerate() {
                rows.below.insert(*m, shown + 1 + i as u64);
            }
            rows.more += below.len() as i64 - hidden as i64;
            rows.edits.push(Edit { base, shown, below, hidden });
        }
        rows.list = list;
        rows
    }

    /// What the listing answers.
    #[must_use]
    pub fn wanted(&self) -> &crate::listing::Wanted {
        &self.list.wanted
    }

    /// Characters that the column of protocols wants.
    #[must_use]
    pub fn protocol_chars(&self) -> f32 {
        let outer = if self.list.nested { 6.0 } else { 0.0 };
        (self.list.longest as f32 * 0.95 + 2.5 + outer).clamp(8.0, 21.0)
    }

    /// Places and severities for the map in the scrollbar.
    #[must_use]
    pub fn marks(&self) -> &[(f32, Severity)] {
        &self.list.marks
    }

    /// What is known of the loose messages that a row stands for.
    #[must_use]
    pub fn talk(&self, first: u32) -> Option<&Talk> {
        self.list.talk(first)
    }

    /// Number of rows; `s` is the newest snapshot.
    #[must_use]
    pub fn len(&self, s: &Snapshot) -> u64 {
        self.list.len(s).saturating_add_signed(self.more)
    }

    /// Row `i`.
    #[must_use]
    pub fn item(&self, i: u64) -> Option<Item> {
        let at = self.edits.partition_point(|e| e.shown < i);
        let Some(e) = at.checked_sub(1).and_then(|a| self.edits.get(a)) else { return self.list.item(i) };
        let inside = i - e.shown - 1;
        match e.below.get(inside as usize) {
            Some(item) => Some(*item),
            None => self.list.item(e.base + 1 + e.hidden + inside - e.below.len() as u64),
        }
    }

    /// Whether row `i` is one of those shown below another.
    #[must_use]
    pub fn is_below(&self, i: u64) -> bool {
        let at = self.edits.partition_point(|e| e.shown < i);
        at.checked_sub(1).and_then(|a| self.edits.get(a)).is_some_and(|e| i - e.shown <= e.below.len() as u64)
    }

    /// The row of an item, if it is listed; of a hidden one, the row it is hidden under.
    #[must_use]
    pub fn row(&self, item: Item) -> Option<u64> {
        if let Some(row) = self.below.get(&item) {
            return Some(*row);
        }
        let base = self.list.row(item)?;
        let at = self.edits.partition_point(|e| e.base < base);
        let Some(e) = at.checked_sub(1).and_then(|a| self.edits.get(a)) else { return Some(base) };
        if base <= e.base + e.hidden {
            return Some(e.shown);
        }
        Some(e.shown + e.below.len() as u64 + (base - e.base - e.hidden))
    }

    /// The row that a selection stands at, if it is listed.
    #[must_use]
    pub fn row_of(&self, s: &Snapshot, sel: &Selection) -> Option<u64> {
        if self.list.wanted.packets {
            return self.row(Item::Packet(sel.packet?));
        }
        if sel.focus == Focus::Flow {
            return self.row(Item::Flow(sel.flow?));
        }
        let message = sel.message.filter(|_| sel.focus != Focus::Exchange);
        message
            .and_then(|m| self.below.get(&Item::Message(m)).copied())
            .or_else(|| sel.exchange.and_then(|e| self.row(Item::Exchange(e))))
            .or_else(|| sel.message.and_then(|m| self.row(Item::Message(m))))
            .or_else(|| sel.message.and_then(|m| self.row(Item::Talk(self.list.talk_of(s, m)?))))
            .or_else(|| sel.flow.and_then(|f| self.row(Item::Flow(f))))
    }
}

/// The messages that a row stands for.
fn members(s: &Snapshot, item: Item) -> Vec<Item> {
    match item {
        Item::Exchange(e) => {
            let Some(x) = s.exchange(e) else { return Vec::new() };
            let mut all: Vec<u32> =
                s.messages_in(x.conv).into_iter().filter(|m| s.message(*m).is_some_and(|m| m.exchange == e)).collect();
            all.extend(view::caused_in(s, e).into_iter().flat_map(|f| s.messages_of(f)));
            all.sort_by_key(|m| s.message(*m).map_or(u32::MAX, |m| m.first));
            all.truncate(MOST_BELOW);
            all.into_iter().map(Item::Message).collect()
        }
        Item::Talk(first) => {
            let Some(row) = s.message(first) else { return Vec::new() };
            let all = s
                .messages_in(row.conv)
                .into_iter()
                .filter(|m| s.message(*m).is_some_and(|m| m.protocol == row.protocol && view::some(m.exchange).is_none()));
            all.take(MOST_BELOW).map(Item::Message).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(len: u32, edits: Vec<(u64, Vec<Item>, u64)>) -> Rows {
        let mut r = Rows { list: Arc::new(Listing::of((0..len).map(Item::Message).collect())), ..Rows::default() };
        for (base, below, hidden) in edits {
            let shown = base.saturating_add_signed(r.more);
            for (i, m) in below.iter().enumerate() {
                r.below.insert(*m, shown + 1 + i as u64);
            }
            r.more += below.len() as i64 - hidden as i64;
            r.edits.push(Edit { base, shown, below, hidden });
        }
        r
    }

    #[test]
    fn every_row_finds_its_item_and_every_item_its_row() {
        let r = rows(10, vec![(2, vec![Item::Packet(1), Item::Packet(2)], 0), (5, vec![], 3)]);
        let shown: Vec<Item> = (0..9).map(|i| r.item(i).expect("a row")).collect();
        let m = Item::Message;
        assert_eq!(shown, [m(0), m(1), m(2), Item::Packet(1), Item::Packet(2), m(3), m(4), m(5), m(9)]);
        for (i, item) in shown.iter().enumerate() {
            assert_eq!(r.row(*item), Some(i as u64), "{item:?}");
            assert_eq!(r.is_below(i as u64), matches!(item, Item::Packet(_)));
        }
        assert_eq!(r.row(m(7)), Some(7), "a hidden row is found under what hides it");
    }

    #[test]
    fn connections_stand_open_and_exchanges_are_shut_until_somebody_says_otherwise() {
        let mut f = RowFolds::default();
        assert!(f.is_open(Item::Flow(1)) && !f.is_open(Item::Exchange(1)));
        assert!(f.set(Item::Flow(1), None) && f.set(Item::Exchange(1), None));
        assert!(!f.is_open(Item::Flow(1)) && f.is_open(Item::Exchange(1)));
        assert!(!f.set(Item::Exchange(1), Some(true)), "it is open already");
        assert!(!f.set(Item::Message(1), None));
    }
}
