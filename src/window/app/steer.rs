//! What the window does to a proxy: start it, steer it, decide what becomes of held messages.

use super::App;
use crate::act::Act;
use crate::command::Command;
use crate::door::Release;
use crate::errand::News;
use crate::panes::bars::Place;
use crate::ruling::{self, Change};
use crate::steering::Steering;
use crate::tab::Tab;
use crate::trace::Traced;
use egui::Context;

impl App {
    /// Whether a proxy can be started: there is one to start, and none runs.
    pub(super) fn offers_proxy(&self) -> bool {
        let runs = |t: &Tab| t.steering.as_ref().is_some_and(|s| s.state.running);
        self.proxies.is_some() && !self.tabs.iter().flatten().any(|t| runs(t))
    }

    /// Starts a proxy in this tab if it is empty, else in a new one.
    pub(super) fn start_proxy(&mut self, ctx: &Context) {
        let Some(proxies) = self.proxies.clone() else { return };
        let begun = std::time::Instant::now();
        match proxies.start(self.waker.clone()) {
            Ok((capture, handle)) => {
                let steering = Steering::new(handle);
                let mut tab = Tab::new(steering.state.file.clone(), capture, &self.prefs, &self.waker);
                tab.title = "Live".into();
                tab.level = self.prefs.proxied;
                tab.steering = Some(steering);
                tab.traced = self.trace.clone().map(|to| Traced::new(begun, to));
                self.put(tab);
            }
            Err(p) => self.toasts.problem(p),
        }
        ctx.request_repaint();
    }

    /// Starts a proxy as one more source of this tab.
    pub(super) fn join_proxy(&mut self, ctx: &Context) {
        let (Some(proxies), Some(bench)) = (self.proxies.clone(), self.tab().and_then(Tab::bench)) else { return };
        match proxies.join(&bench, self.waker.clone()) {
            Ok(handle) => self.with(|t| t.steering = Some(Steering::new(handle))),
            Err(p) => self.toasts.problem(p),
        }
        ctx.request_repaint();
    }

    fn steering(&mut self) -> Option<&mut Steering> {
        self.tab_mut()?.steering.as_mut()
    }

    pub(super) fn steer(&mut self, c: Command) {
        let Some(s) = self.steering() else { return };
        let handle = s.handle();
        match c {
            Command::StopProxy => handle.stop(),
            Command::Browse => self.errands.run("browser", move || handle.browse().err().map(News::Failed)),
            Command::Hold => {
                let filter = if s.filter.trim().is_empty() { "~q".into() } else { s.filter.clone() };
                let on = s.state.holding.is_none();
                self.hold(on.then_some(filter));
            }
            Command::SendHeld => {
                if let Some((id, how)) = s.sending() {
                    self.release(id, how);
                }
            }
            Command::SendAllHeld => {
                let ids: Vec<u64> = s.state.held.iter().map(|h| h.id).collect();
                for id in ids {
                    self.release(id, Release::Send);
                }
            }
            Command::DropHeld => {
                if let Some(id) = s.draft.as_ref().map(|d| d.id) {
                    self.release(id, Release::Drop);
                }
            }
            Command::AnswerHeld => {
                if let Some(d) = &mut s.draft {
                    d.answer();
                }
            }
            Command::CopyProxyAddress => {
                if let Some(at) = s.state.listening.first().cloned() {
                    self.acts.push(Act::Copy(at, "the address"));
                    (self.waker)();
                }
            }
            _ => {}
        }
    }

    pub(super) fn hold(&mut self, filter: Option<String>) {
        let Some(s) = self.steering() else { return };
        s.filter_wrong = s.handle().hold(filter.as_deref()).err().map(|p| format!("{} {}", p.what, p.why));
        s.step();
    }

    pub(super) fn release(&mut self, id: u64, how: Release) {
        let Some(s) = self.steering() else { return };
        let went = s.handle().release(id, how);
        s.step();
        if let Err(p) = went {
            self.toasts.problem(p);
        }
    }

    pub(super) fn change_rule(&mut self, change: &Change) {
        let Some(s) = self.steering() else { return };
        if let Err(p) = s.ruling.change(change) {
            self.toasts.problem(p);
        }
    }

    /// Begins a rule for messages like the selected one.
    pub(super) fn rule_like(&mut self) {
        let Some(tab) = self.tab_mut() else { return };
        let text = tab.selection.message.and_then(|m| ruling::like(&tab.snap, m));
        let (Some(text), Some(s)) = (text, tab.steering.as_mut()) else { return };
        s.ruling.write(text, None);
        self.place = Place::Rules;
    }
}
