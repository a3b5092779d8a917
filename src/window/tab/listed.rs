//! The list of a tab: what it is to hold, how far it is, and where it stands while rows are added to it.

use super::Tab;
use crate::format;
use crate::listing::{Lister, Wanted, lists_packets};
use crate::prefs::Prefs;
use crate::rows::Rows;
use crate::select::Level;
use crate::twins::Twins;
use crate::widgets::vlist::VState;
use std::sync::Arc;
use wirelore_kit::Problem;

impl Tab {
    pub(super) fn wanted(&self, prefs: &Prefs, packets: bool) -> Wanted {
        let story = self.level == Level::Story;
        let (sift, captured) = (self.sifting.sift().clone(), prefs.captured);
        Wanted { packets, grouped: !packets && (prefs.grouped || story), sift, flow: self.only, captured }
    }

    pub(super) const fn lister(&self) -> &Lister {
        if lists_packets(self.level) { &self.packet_rows } else { &self.exchange_rows }
    }

    pub(super) const fn lister_mut(&mut self) -> &mut Lister {
        if lists_packets(self.level) { &mut self.packet_rows } else { &mut self.exchange_rows }
    }

    /// The list of this level, as it is unfolded.
    #[must_use]
    pub fn listing(&self) -> Arc<Rows> {
        self.rows.clone()
    }

    pub(super) fn fold_rows(&mut self) {
        let list = &self.lister().now;
        if !self.rows.fits(list, &self.row_folds) {
            self.rows = Arc::new(Rows::new(list.clone(), &self.row_folds, &self.snap));
        }
    }

    /// Connections that are there twice, as far as lists were made of what is there.
    #[must_use]
    pub fn twins(&self) -> &Twins {
        &self.lister().now.twins
    }

    /// How far the list of another filter is.
    #[must_use]
    pub fn listing_progress(&self) -> Option<f32> {
        self.lister().progress()
    }

    /// How many rows are shown of those that are wanted; `None` while that is not known.
    #[must_use]
    pub fn shown_words(&self) -> Option<String> {
        let n = format::number(self.rows.len(&self.snap));
        match self.listing_progress() {
            None => Some(format!("{n} shown")),
            Some(p) if self.lister().now.partial => Some(format!("{n} so far, {:.0} %", p * 100.0)),
            Some(_) => None,
        }
    }

    /// Why there is no list.
    #[must_use]
    pub fn listing_broken(&self, prefs: &Prefs) -> Option<&Problem> {
        self.lister().broken(&self.wanted(prefs, lists_packets(self.level)))
    }

    pub(super) const fn list_state(&self) -> &VState {
        match self.level {
            Level::Story => &self.story_list,
            Level::Exchanges => &self.exchange_list,
            Level::Packets | Level::Bytes => &self.packet_list,
        }
    }

    /// Where the list of this level stands.
    pub const fn list_state_mut(&mut self) -> &mut VState {
        match self.level {
            Level::Story => &mut self.story_list,
            Level::Exchanges => &mut self.exchange_list,
            Level::Packets | Level::Bytes => &mut self.packet_list,
        }
    }

    /// Whether rows are being looked for that another wish asked for; a capture that grows looks for more all the time.
    #[must_use]
    pub fn lists(&self) -> bool {
        self.lister().progress().is_some()
    }

    /// Unfolds a list that has just come, so that what is looked at stays where it is.
    pub(super) fn take_list(&mut self) {
        let old = self.rows.clone();
        self.fold_rows();
        let (same, partial) = (old.wanted() == self.rows.wanted(), self.lister().now.partial);
        let rows = self.rows.clone();
        let state = self.list_state_mut();
        if same {
            // Rows that were found above it push it down.
            let top = state.top.floor();
            let anchor = old.item(top as u64).and_then(|item| rows.row(item)).filter(|_| top > 0.0 && !state.stick);
            if let Some(row) = anchor {
                state.top += row as f64 - top;
            }
            // Who scrolls in what was found so far is not taken back to the selection when that is found too.
            self.reveal_row &= !partial || self.list_state().top == 0.0;
        } else if partial {
            state.top = 0.0;
        }
    }

    /// Looks for no more rows; those that were found stay.
    pub fn stop_listing(&mut self) {
        self.lister_mut().stop();
    }

    /// Looks for the rows that were not looked for.
    pub fn go_on_listing(&mut self) {
        self.lister_mut().go_on();
    }

    /// Whether looking for rows was stopped before all were found.
    #[must_use]
    pub const fn is_listing_stopped(&self) -> bool {
        self.lister().is_stopped()
    }
}
