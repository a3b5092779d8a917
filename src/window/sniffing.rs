//! Interfaces as the window knows them: the list of the start page with how busy each is, and the capture behind a tab.

use crate::door::{CaptureState, CaptureWish, Captured, FilterWrong, Interface, Interfaces, Refusal, Waker, Watched};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

type Listed = Result<(Vec<Interface>, Option<Box<dyn Watched>>), Refusal>;

/// What the start page shows of interfaces, and what was chosen there.
#[derive(Default)]
pub struct Choosing {
    coming: Option<Receiver<Listed>>,
    listed: Option<Listed>,
    /// Nobody looked for a while: what is listed may be old.
    rested: bool,
    /// Names of those that are chosen.
    pub chosen: BTreeSet<String>,
    /// Also those that are off are shown.
    pub all: bool,
    /// The capture filter.
    pub filter: String,
    checked: String,
    wrong: Option<FilterWrong>,
    checking: Option<(String, Receiver<Result<(), FilterWrong>>)>,
    /// Why the last start was refused.
    pub refused: Option<Refusal>,
}

impl Choosing {
    /// Asks for the list once, and takes what came; once a frame while the start page is shown.
    pub fn step(&mut self, interfaces: &Arc<dyn Interfaces>, wake: &Waker) {
        if self.coming.is_none() && (self.listed.is_none() || self.rested) {
            self.rested = false;
            let (give, coming) = channel();
            let (interfaces, wake) = (interfaces.clone(), wake.clone());
            // Where there is no thread to be had, nothing comes, and the page says so for as long.
            let _ = thread::Builder::new().name("interfaces".into()).spawn(move || {
                let listed = interfaces.list().map(|l| (l, interfaces.watch(wake.clone()).ok()));
                let _ = give.send(listed);
                wake();
            });
            self.coming = Some(coming);
        }
        if let Some(listed) = self.coming.as_ref().and_then(|c| c.try_recv().ok()) {
            self.coming = None;
            self.listed = Some(listed);
        }
        if let Some((text, answer)) = self.checking.as_ref().and_then(|(t, c)| Some((t.clone(), c.try_recv().ok()?))) {
            self.checking = None;
            self.checked = text;
            self.wrong = answer.err();
        }
        if self.checking.is_none() && self.filter != self.checked {
            let (give, coming) = channel();
            let (interfaces, wake, text) = (interfaces.clone(), wake.clone(), self.filter.clone());
            let asked = text.clone();
            let _ = thread::Builder::new().name("capture filter".into()).spawn(move || {
                let answer = if text.trim().is_empty() { Ok(()) } else { interfaces.check(&text) };
                let _ = give.send(answer);
                wake();
            });
            self.checking = Some((asked, coming));
        }
    }

    /// Asks again: a cable was plugged in, a privilege was given.
    pub fn again(&mut self) {
        (self.coming, self.listed, self.refused) = (None, None, None);
    }

    /// Stops looking how busy interfaces are, while nobody sees it.
    pub fn rest(&mut self) {
        if let Some(Ok((_, watched))) = &mut self.listed {
            self.rested |= watched.take().is_some();
        }
    }

    /// The interfaces, or why there are none; `None` while they are asked for.
    #[must_use]
    pub fn list(&self) -> Option<Result<&[Interface], &Refusal>> {
        Some(self.listed.as_ref()?.as_ref().map(|(l, _)| l.as_slice()))
    }

    /// Packets per second at the last looks, oldest first.
    #[must_use]
    pub fn rates(&self, interface: &str) -> Vec<f32> {
        match &self.listed {
            Some(Ok((_, Some(w)))) => w.rates(interface),
            _ => Vec::new(),
        }
    }

    /// What is wrong with the capture filter, as of the last check of this text.
    #[must_use]
    pub fn wrong(&self) -> Option<&FilterWrong> {
        self.wrong.as_ref().filter(|_| self.checked == self.filter)
    }

    /// What to capture, once something is chosen and the filter can be used.
    #[must_use]
    pub fn wish(&self) -> Option<CaptureWish> {
        if self.chosen.is_empty() || self.wrong().is_some() {
            return None;
        }
        let interfaces = self.chosen.iter().cloned().collect();
        Some(CaptureWish { interfaces, filter: self.filter.trim().to_owned(), ..CaptureWish::default() })
    }
}

/// The capture behind a tab.
pub struct Sniffing {
    handle: Arc<dyn Captured>,
    /// How it stands, as of this frame.
    pub state: CaptureState,
    /// The interfaces, as people call them: "eth0, lo".
    pub name: String,
}

impl Sniffing {
    /// Over a capture that was just started.
    #[must_use]
    pub fn new(handle: Arc<dyn Captured>, name: String) -> Sniffing {
        let state = handle.state();
        Sniffing { handle, state, name }
    }

    /// Takes what is new; once a frame.
    pub fn step(&mut self) {
        self.state = self.handle.state();
    }

    /// The capture itself.
    #[must_use]
    pub fn handle(&self) -> Arc<dyn Captured> {
        self.handle.clone()
    }
}
