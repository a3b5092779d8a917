//! What of a tab can be taken out: the rows around its selection, its objects, and where files would go.

use super::Tab;
use crate::door::{Bench, Sieve};
use crate::exports::Exporter;
use crate::exports::scope::Around;
use crate::listing::lists_packets;
use crate::prefs::Prefs;
use std::path::PathBuf;
use std::sync::Arc;

impl Tab {
    /// Who writes parts of it.
    #[must_use]
    pub fn exporter(&self) -> Arc<dyn Exporter> {
        self.exporter.clone()
    }

    /// What more sources can join.
    #[must_use]
    pub fn bench(&self) -> Option<Bench> {
        self.capture.bench()
    }

    /// Who runs filters over it.
    #[must_use]
    pub fn sieve(&self) -> Arc<dyn Sieve> {
        self.sieve.clone()
    }

    /// What an export may be a part by: the filter, the selection, the marks.
    #[must_use]
    pub fn around(&self, prefs: &Prefs) -> Around {
        let wanted = self.wanted(prefs, lists_packets(self.level));
        Around { wanted, selection: self.selection, marked: self.marked.clone() }
    }

    /// A path beside which files are offered: that of the capture, or for what was recorded into a temporary file one of its name where
    /// the program was started.
    #[must_use]
    pub fn beside(&self) -> PathBuf {
        if self.is_live() {
            let folder = std::env::current_dir().unwrap_or_default();
            return folder.join("capture.pcapng");
        }
        self.path.clone()
    }

    /// Looks for objects, if nobody did; takes what was found.
    pub fn step_objects(&mut self) {
        if self.snap.progress().done || self.is_live() {
            self.objects.step(&self.snap, &self.exporter, &self.jobs);
        }
    }

    /// Goes to another object of the list.
    pub fn step_object(&mut self, by: i64) {
        let shown = self.objects.shown();
        let last = shown.len().saturating_sub(1);
        let to = self.objects.chosen.map_or(0, |n| n.saturating_add_signed(by as isize).min(last));
        crate::panes::objects::choose(self, &shown, to);
        self.objects.list.show_row(to as u64);
    }

    /// Looks for objects again.
    pub fn look_for_objects(&mut self) {
        self.objects.look(&self.snap, &self.exporter, &self.jobs);
    }
}
