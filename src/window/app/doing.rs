//! What the window does beyond moving the selection: views, files to write and to read, what the user says of a connection.

use super::App;
use crate::act::{Act, Choose, Saving};
use crate::clause::{self, Joining};
use crate::command::Command;
use crate::errand::News;
use crate::exports::Object;
use crate::format;
use crate::panes::bars::Place;
use crate::panes::dialogs::{DecodeAs, Dialog, PathDialog};
use crate::prefs::View;
use crate::select::Level;
use crate::strand;
use crate::tab::{Region, Tab};
use std::path::{Path, PathBuf};

impl App {
    /// The panes that keys can go to, as they stand.
    pub(super) fn regions(&self) -> Vec<Region> {
        let bytes = self.prefs.view == View::Fields || self.tab().is_some_and(|t| t.level == Level::Bytes);
        Region::ALL
            .into_iter()
            .filter(|r| match r {
                Region::View => self.prefs.view != View::Fields,
                Region::Bytes => bytes,
                _ => true,
            })
            .collect()
    }

    /// Shows this in the large pane and gives it the keys; the same again shows fields and bytes.
    pub(super) fn look_at(&mut self, view: View) {
        self.place = Place::Traffic;
        self.prefs.view = if self.prefs.view == view { View::Fields } else { view };
        self.focus_region = Some(if self.prefs.view == View::Fields { Region::List } else { Region::View });
        self.with(Tab::reveal_all);
    }

    pub(super) fn ask(&mut self, what: Choose) {
        let name = self.file_name(what);
        let folder = self.tab().and_then(|t| t.path.parent().map(|p| p.join(&name).display().to_string()));
        let path = if name.is_empty() { String::new() } else { folder.unwrap_or(name) };
        self.dialog = Dialog::Path(PathDialog::new(what, path));
    }

    /// The name that a file would get.
    pub(super) fn file_name(&self, what: Choose) -> String {
        let flow = self
            .tab()
            .and_then(|t| t.snap.flow(t.selection.flow?))
            .map(|f| crate::view::flow_name(&f).replace(' ', "-").to_lowercase());
        let flow = flow.unwrap_or_else(|| "conversation".into());
        match what {
            Choose::Capture | Choose::KeyLog => String::new(),
            Choose::Save(Saving::Capture) => "capture.pcapng".into(),
            Choose::Save(Saving::Ladder) => format!("{flow}.svg"),
            Choose::Save(Saving::Stream(..)) => format!("{flow}.bin"),
            Choose::Save(Saving::Object) => self.object.as_ref().map_or_else(String::new, Object::file_name),
            Choose::Export | Choose::ExportFolder => self.export_name(what).unwrap_or_default(),
        }
    }

    pub(super) fn save(&mut self, what: Saving, path: PathBuf) {
        let Some(tab) = self.tab() else { return };
        match what {
            Saving::Capture => self.save_capture(path),
            Saving::Object => {
                if let Some(o) = self.object.clone() {
                    self.save_object(o, path);
                }
            }
            Saving::Ladder => {
                let Some(ladder) = tab.ladders.newest() else { return };
                let (snap, to_scale, title) = (tab.snap.clone(), self.prefs.ladder.to_scale, tab.title.clone());
                self.errands.save(path, move || crate::ladder::svg::draw(&snap, &ladder, &title, to_scale).into_bytes());
            }
            Saving::Stream(side, how) => {
                let Some(bytes) = tab.follows.bytes() else { return };
                self.errands.save(path, move || crate::follow::written(&bytes, side, how));
            }
        }
    }

    /// Filters by the selected field.
    pub(super) fn filter_by_value(&mut self, how: Joining) {
        let Some(tab) = self.tab() else { return };
        let clause = tab.shown().and_then(|s| Some(clause::of(&s.tree, s.tree.nodes.get(tab.selection.node?)?)));
        let Some(clause) = clause else { return };
        let text = clause::joined(&tab.sifting.text, &clause, how);
        self.prefs.filtered(&text);
        self.with(|t| {
            let only = t.only;
            t.set_filter(text, only);
        });
    }

    pub(super) fn decode_as(&mut self, flow: u32, protocol: Option<&'static str>) {
        let Some(source) = self.tab().map(Tab::source) else { return };
        self.with(Tab::forget);
        self.errands.run("decode as", move || {
            Some(match source.decode_as(flow, protocol) {
                Ok(()) => News::Done(protocol.map_or("Read again by its bytes".into(), |p| format!("Read again as {p}"))),
                Err(p) => News::Failed(p),
            })
        });
    }

    pub(super) fn add_keys(&mut self, path: PathBuf) {
        let Some(source) = self.tab().map(Tab::source) else { return };
        self.with(Tab::forget);
        self.errands.run("keys", move || {
            Some(match source.add_keys(&path) {
                Ok(0) => News::Done("Every key of this log was known".into()),
                Ok(n) => News::Done(format!("{} added", format::count(n as u64, "key", "keys"))),
                Err(p) => News::Failed(p),
            })
        });
    }

    pub(super) fn copy(&mut self, c: Command) {
        let Some(tab) = self.tab() else { return };
        let shown = tab.shown();
        let node = shown.as_ref().and_then(|s| s.tree.nodes.get(tab.selection.node?));
        let value = shown.as_ref().zip(node).map(|(s, n)| s.tree.display(n)).unwrap_or_default();
        let copied = match c {
            Command::CopyRow => Some((tab.row_text(), "the row")),
            Command::CopyValue => node.map(|_| (value, "the value")),
            Command::CopyFieldName => node.map(|n| (n.field.name.to_owned(), "the field name")),
            Command::CopyBytes => shown
                .as_ref()
                .zip(tab.selection.span)
                .map(|(s, span)| (format::hex(s.tree.bytes(&span), usize::MAX), "the bytes")),
            Command::CopyPath => shown.as_ref().zip(tab.selection.span).and_then(|(s, span)| {
                let steps = tab.desk.strand(s, span)?;
                Some((strand::text(node.map_or("bytes", |n| n.field.name), &value, &steps), "the provenance"))
            }),
            _ => None,
        };
        if let Some((text, what)) = copied {
            self.acts.push(Act::Copy(text, what));
            // Acts of this frame are being worked off already.
            (self.waker)();
        }
    }
}

/// What a dialog says of the selected connection.
pub(super) fn decode_dialog(tab: &Tab) -> Option<DecodeAs> {
    let s = &tab.snap;
    let f = s.flow(tab.selection.flow?)?;
    let words = format!("{}: {} to {}", crate::view::flow_name(&f), f.client(), f.server());
    let now = crate::view::evidence(&f.evidence, crate::view::flow_label(s, &f));
    let said = tab.source().decoded_as(f.id);
    Some(DecodeAs::new(f.id, words, now, s.schema().protocols.clone(), said))
}

/// Whether a dropped file is a key log, by its name.
pub(super) fn is_key_log(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| ["keylog", "keys", "log", "txt"].contains(&e))
}
