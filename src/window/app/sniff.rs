//! What the window does with interfaces: capture on those that were chosen, stop, go on, save.

use super::App;
use crate::act::Act;
use crate::command::Command;
use crate::errand::News;
use crate::panes::dialogs::Dialog;
use crate::sniffing::Sniffing;
use crate::tab::Tab;
use egui::Context;
use std::collections::BTreeSet;
use std::path::PathBuf;

impl App {
    /// Looks after the list of interfaces while it is shown, and no longer.
    pub(super) fn look_at_interfaces(&mut self) {
        let shown = self.tab().is_none() || matches!(self.dialog, Dialog::Source);
        let (Some(choosing), Some(interfaces)) = (&mut self.choosing, &self.interfaces) else { return };
        if shown { choosing.step(interfaces, &self.waker) } else { choosing.rest() }
    }

    /// Starts a capture on what was chosen, in this tab if it is empty.
    fn start_capture(&mut self, ctx: &Context) {
        let (Some(choosing), Some(interfaces)) = (&mut self.choosing, self.interfaces.clone()) else { return };
        let Some(wish) = choosing.wish() else { return };
        match interfaces.start(&wish, self.waker.clone()) {
            Ok((capture, handle)) => {
                (choosing.refused, choosing.chosen) = (None, BTreeSet::new());
                let name = wish.interfaces.join(", ");
                let sniffing = Sniffing::new(handle, name.clone());
                let mut tab = Tab::new(sniffing.state.file.clone(), capture, &self.prefs, &self.waker);
                tab.title = name;
                tab.sniffing.push(sniffing);
                self.put(tab);
            }
            Err(r) => choosing.refused = Some(r),
        }
        ctx.request_repaint();
    }

    /// Starts a capture on what was chosen as one more source of this tab.
    fn join_capture(&mut self) {
        let Some(bench) = self.tab().and_then(Tab::bench) else { return };
        let (Some(choosing), Some(interfaces)) = (&mut self.choosing, self.interfaces.clone()) else { return };
        let Some(wish) = choosing.wish() else { return };
        match interfaces.join(&bench, &wish, self.waker.clone()) {
            Ok(handle) => {
                (choosing.refused, choosing.chosen) = (None, BTreeSet::new());
                let sniffing = Sniffing::new(handle, wish.interfaces.join(", "));
                self.with(|t| t.sniffing.push(sniffing));
                self.dialog = Dialog::Closed;
            }
            Err(r) => choosing.refused = Some(r),
        }
    }

    /// Goes on with a source, or stops it.
    pub(super) fn run_source(&self, number: usize, run: bool) {
        let Some(s) = self.tab().and_then(|t| t.sniffing.get(number)) else { return };
        let handle = s.handle();
        if run {
            self.errands.run("capture", move || handle.restart().err().map(|r| News::Failed(r.problem)));
        } else {
            handle.stop();
        }
    }

    pub(super) fn sniff(&mut self, ctx: &Context, c: Command) {
        if c == Command::StartCapture && matches!(self.dialog, Dialog::Source) {
            return self.join_capture();
        }
        let running = self.tab().is_some_and(|t| t.sniffing.iter().any(|s| s.state.running));
        // One key starts and stops, as hands know it.
        let c = if c == Command::StartCapture && running { Command::StopCapture } else { c };
        if c == Command::StartCapture {
            if self.tab().is_some() {
                // What to capture on is chosen on the page of an empty tab.
                return self.acts.push(Act::Do(Command::NewTab));
            }
            return self.start_capture(ctx);
        }
        let run = c == Command::RestartCapture;
        let all = self.tab().map(|t| t.sniffing.iter().map(|s| s.state.running).collect::<Vec<_>>());
        for (n, _) in all.unwrap_or_default().into_iter().enumerate().filter(|(_, runs)| *runs != run) {
            self.run_source(n, run);
        }
    }

    pub(super) fn save_capture(&mut self, path: PathBuf) {
        let Some(s) = self.tab().and_then(|t| t.sniffing.first()) else { return };
        let handle = s.handle();
        self.errands.run("save", move || {
            Some(match handle.save(&path) {
                Ok(()) => News::Done(format!("Saved to {}", path.display())),
                Err(p) => News::Failed(p),
            })
        });
    }
}
