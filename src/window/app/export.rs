//! What the window does to take something out: the dialog, writing in the background, showing where it is.

use super::App;
use crate::act::{Act, Choose};
use crate::errand::News;
use crate::exports::wish::{Form, Scope, Wish};
use crate::exports::{Ended, Keys, Kind, Object, Order};
use crate::panes::dialogs::Dialog;
use crate::panes::export::ExportDialog;
use std::path::{Path, PathBuf};
use wirelore_kit::Problem;

impl App {
    /// Opens the dialog; with a filter set, for what it shows.
    pub(super) fn ask_export(&mut self, scope: Option<Scope>, form: Option<Form>) {
        let Some(tab) = self.tab() else { return };
        let around = tab.around(&self.prefs);
        let scopes = Scope::ALL.map(|s| around.has(s));
        let mut wish = self.wish.clone();
        wish.scope = scope.unwrap_or(if around.has(Scope::Shown) { Scope::Shown } else { Scope::All });
        wish.form = form.unwrap_or(wish.form);
        let dialog = ExportDialog::new(wish, tab.exporter().offers(), scopes, tab.beside());
        self.dialog = Dialog::Export(Box::new(dialog));
    }

    /// A path that the desktop's dialog gave, for the one that is open here.
    pub(super) fn chosen_path(&mut self, path: &Path) {
        if let Dialog::Export(d) = &mut self.dialog {
            d.wish.to = path.display().to_string();
            d.typed = true;
        }
    }

    pub(super) fn export(&mut self, wish: Wish) {
        let Some(tab) = self.tab() else { return };
        let around = tab.around(&self.prefs);
        let (snapshot, sieve, exporter) = (tab.snap.clone(), tab.sieve(), tab.exporter());
        let to = PathBuf::from(&wish.to);
        let name = to.file_name().map_or_else(|| wish.to.clone(), |n| n.to_string_lossy().into_owned());
        self.wish = Wish { to: String::new(), ..wish.clone() };
        self.exports.start(name, move |work| {
            let found = |kind| around.rows(wish.scope, kind, &snapshot, &*sieve, work);
            let kind = if wish.form.is_table() { wish.kind } else { Kind::Packets };
            let Some(chosen) = found(kind)? else { return Ok(None) };
            let packets = if kind == Kind::Packets { chosen.clone() } else { None };
            if chosen.as_ref().is_some_and(Vec::is_empty) {
                return Err(Problem {
                    what: "There is nothing to write".into(),
                    why: format!("No {} are in \"{}\".", kind.word().to_lowercase(), wish.scope.word()),
                    what_to_do: "Choose another part.".into(),
                });
            }
            let columns = wish.columns.split(',').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect();
            let redact = wish.redacts();
            let keys = if redact { Keys::None } else { wish.keys };
            let order = Order { form: wish.form, kind, chosen, packets, keys, redact, columns, to };
            exporter.export(&order, &snapshot, work)
        });
    }

    /// Takes what exports brought; once a frame.
    pub(super) fn step_exports(&mut self) {
        for ended in self.exports.step() {
            match ended {
                Ended::Written(w) => self.exports.written = Some(w),
                Ended::Failed(p) => self.toasts.problem(p),
                Ended::Stopped => {}
            }
        }
    }

    pub(super) fn save_object(&mut self, object: Object, to: PathBuf) {
        let Some(exporter) = self.tab().map(crate::tab::Tab::exporter) else { return };
        let name = to.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        self.exports.start(name, move |_| exporter.save(&object, &to).map(Some));
    }

    /// Opens the folder of a file, or the folder itself, with the desktop.
    pub(super) fn show_in_folder(&self, path: PathBuf) {
        self.errands.run("folder", move || {
            let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&path) };
            let open = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
            let mut child = match std::process::Command::new(open)
                .arg(folder)
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
            {
                Ok(child) => child,
                Err(e) => {
                    return Some(News::Failed(Problem {
                        what: "The folder could not be shown".into(),
                        why: format!("{open}: {e}."),
                        what_to_do: format!("It is {}.", folder.display()),
                    }));
                }
            };
            // Some desktops answer only when their window closes: nobody waits for that but this thread.
            match child.wait() {
                Ok(status) if !status.success() => Some(News::Failed(Problem {
                    what: "The folder could not be shown".into(),
                    why: format!("{open} found no program for folders."),
                    what_to_do: format!("It is {}.", folder.display()),
                })),
                _ => None,
            }
        });
    }

    /// Marks the selected packet, or takes its mark away.
    pub(super) fn mark(&mut self) {
        self.with(|t| {
            if let Some(p) = t.selection.packet
                && !t.marked.remove(&p)
            {
                t.marked.insert(p);
            }
        });
    }

    /// Goes to the next marked packet, round at the end.
    pub(super) fn next_mark(&mut self) {
        let next = self.tab().and_then(|t| {
            let here = t.selection.packet.map_or(0, |p| p.saturating_add(1));
            t.marked.range(here..).next().or_else(|| t.marked.first()).copied()
        });
        if let Some(p) = next {
            self.acts.push(Act::Packet(p));
            (self.waker)();
        }
    }

    /// The file that a desktop's dialog asks for.
    pub(super) fn export_name(&self, what: Choose) -> Option<String> {
        match (&self.dialog, what) {
            (Dialog::Export(d), Choose::Export | Choose::ExportFolder) => {
                Path::new(&d.wish.to).file_name().map(|n| n.to_string_lossy().into_owned())
            }
            _ => None,
        }
    }
}
