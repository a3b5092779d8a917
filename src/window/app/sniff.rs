//! What the window does with interfaces: capture on those that were chosen, stop, go on, save.

use super::App;
use crate::act::Act;
use crate::command::Command;
use crate::errand::News;
use crate::sniffing::Sniffing;
use crate::tab::Tab;
use egui::Context;
use std::path::PathBuf;

impl App {
    /// Looks after the list of interfaces while it is shown, and no longer.
    pub(super) fn look_at_interfaces(&mut self) {
        let shown = self.tab().is_none();
        let (Some(choosing), Some(interfaces)) = (&mut self.choosing, &self.interfaces) else { return };
        if shown { choosing.step(interfaces, &self.waker) } else { choosing.rest() }
    }

    /// Starts a capture on what was chosen, in this tab if it is empty.
    fn start_capture(&mut self, ctx: &Context) {
        let (Some(choosing), Some(interfaces)) = (&mut self.choosing, self.interfaces.clone()) else { return };
        let Some(wish) = choosing.wish() else { return };
        match interfaces.start(&wish, self.waker.clone()) {
            Ok((capture, handle)) => {
                choosing.refused = None;
                let name = wish.interfaces.join(", ");
                let sniffing = Sniffing::new(handle, name.clone());
                let mut tab = Tab::new(sniffing.state.file.clone(), capture, &self.prefs, &self.waker);
                tab.title = name;
                tab.sniffing = Some(sniffing);
                self.put(tab);
            }
            Err(r) => choosing.refused = Some(r),
        }
        ctx.request_repaint();
    }

    pub(super) fn sniff(&mut self, ctx: &Context, c: Command) {
        let running = self.tab().and_then(|t| t.sniffing.as_ref()).is_some_and(|s| s.state.running);
        // One key starts and stops, as hands know it.
        let c = if c == Command::StartCapture && running { Command::StopCapture } else { c };
        if c == Command::StartCapture {
            if self.tab().is_some() {
                // What to capture on is chosen on the page of an empty tab.
                return self.acts.push(Act::Do(Command::NewTab));
            }
            return self.start_capture(ctx);
        }
        let Some(s) = self.tab().and_then(|t| t.sniffing.as_ref()) else { return };
        let handle = s.handle();
        match c {
            Command::StopCapture => handle.stop(),
            Command::RestartCapture => {
                self.errands.run("capture", move || handle.restart().err().map(|r| News::Failed(r.problem)));
            }
            _ => {}
        }
    }

    pub(super) fn save_capture(&mut self, path: PathBuf) {
        let Some(s) = self.tab().and_then(|t| t.sniffing.as_ref()) else { return };
        let handle = s.handle();
        self.errands.run("save", move || {
            Some(match handle.save(&path) {
                Ok(()) => News::Done(format!("Saved to {}", path.display())),
                Err(p) => News::Failed(p),
            })
        });
    }
}
