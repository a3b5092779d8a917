//! Captures in the window: which interfaces there are, how busy they are, and captures that are started, stopped and saved there.

use crate::bench::Bench;
use crate::capturing::args::Wanted;
use crate::capturing::bpf::Checker;
use crate::capturing::helper::{Helper, Refused};
use crate::capturing::sniffed::Sniffed;
use crate::capturing::{self, ETHERNET};
use crate::opened::{Behind, Opened, Shown};
use crate::session::Session;
use crate::takeout::Place;
use std::collections::{BTreeMap, VecDeque};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wirelore_kit::Problem;
use wirelore_window::door::{Bench as HandedBench, CaptureState, CaptureWish, FilterWrong, Interface, LiveCapture, Refusal};
use wirelore_window::{Captured, Interfaces, Waker, Watched};

/// Looks that are kept of each interface: a minute.
const LOOKS: usize = 120;

/// Captures for the window, through the helper.
pub struct Sniffer {
    keylog: Option<PathBuf>,
    /// Started with the first filter that is typed.
    checker: Mutex<Option<Arc<Checker>>>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refusal(r: Refused) -> Refusal {
    Refusal { problem: r.problem, mend: r.mend }
}

impl Sniffer {
    /// One whose captures are read with this key log.
    #[must_use]
    pub fn new(keylog: Option<PathBuf>) -> Sniffer {
        Sniffer { keylog, checker: Mutex::new(None) }
    }
}

impl Interfaces for Sniffer {
    fn list(&self) -> Result<Vec<Interface>, Refusal> {
        let all = Helper::find().and_then(|h| h.interfaces()).map_err(refusal)?;
        let shown = |i: capturing::helper::Interface| Interface {
            name: i.name,
            description: i.description,
            addresses: i.addresses,
            loopback: i.loopback,
            up: i.up,
            running: i.running,
            wireless: i.wireless,
        };
        Ok(all.into_iter().map(shown).collect())
    }

    fn watch(&self, wake: Waker) -> Result<Box<dyn Watched>, Refusal> {
        let helper = Helper::find().map_err(refusal)?;
        let (child, stdin, mut lines) = helper.start(&["watch".to_owned()]).map_err(refusal)?.talk();
        let rates = Arc::new(Mutex::new(Rates::default()));
        let mine = Arc::clone(&rates);
        let read = move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
                lock(&mine).look(&line);
                line.clear();
                wake();
            }
        };
        // Without the thread the lines stay flat.
        let _ = std::thread::Builder::new().name("interface rates".into()).spawn(read);
        Ok(Box::new(Watch { child, stdin: Some(stdin), rates }))
    }

    fn check(&self, filter: &str) -> Result<(), FilterWrong> {
        if filter.trim().is_empty() {
            return Ok(());
        }
        let checker = {
            let mut held = lock(&self.checker);
            if held.is_none() {
                *held = Helper::find().and_then(|h| Checker::start(&h)).ok().map(Arc::new);
            }
            held.clone()
        };
        // Without the helper nobody knows; starting says why.
        let Some(checker) = checker else { return Ok(()) };
        checker.check(ETHERNET, filter).map_err(|w| FilterWrong { span: w.span, what: w.what, advice: w.advice })
    }

    fn start(&self, wish: &CaptureWish, wake: Waker) -> Result<LiveCapture, Refusal> {
        let woken = Arc::clone(&wake);
        let (sniffed, session) =
            Sniffed::start(wanted(wish), wish.immediate, self.keylog.clone(), Arc::new(move || woken())).map_err(refusal)?;
        session.store.on_publish(move || wake());
        let recorder = sniffed.recorder();
        let place = Place { path: recorder.path().to_path_buf(), growth: Some(recorder.growth()), keylog: self.keylog.clone() };
        let shown = Shown::on(Bench::new(recorder, &session), place);
        let behind = Sniffing { sniffed: Arc::clone(&sniffed), session };
        Ok((Box::new(Opened { behind, shown }), Arc::new(Live(sniffed))))
    }

    fn join(&self, bench: &HandedBench, wish: &CaptureWish, wake: Waker) -> Result<Arc<dyn Captured>, Refusal> {
        let Some(bench) = Bench::of(bench) else {
            let problem = Problem {
                what: "The capture did not begin".into(),
                why: "What is open in this tab is a file that nothing more can join.".into(),
                what_to_do: "Start it in a tab of its own.".into(),
            };
            return Err(Refusal { problem, mend: None });
        };
        let sniffed =
            Sniffed::beside(&bench.recorder, wanted(wish), wish.immediate, Arc::new(move || wake())).map_err(refusal)?;
        Ok(Arc::new(Live(sniffed)))
    }
}

fn wanted(wish: &CaptureWish) -> Vec<Wanted> {
    let one = |name: &String| Wanted {
        name: Some(name.clone()),
        filter: wish.filter.clone(),
        snaplen: wish.snaplen,
        not_promiscuous: wish.not_promiscuous,
        buffer: wish.buffer.unwrap_or(Wanted::default().buffer),
        ..Wanted::default()
    };
    wish.interfaces.iter().map(one).collect()
}

/// Packets per second, by interface.
#[derive(Default)]
struct Rates {
    last: BTreeMap<String, u64>,
    rates: BTreeMap<String, VecDeque<f32>>,
}

impl Rates {
    /// A line of the helper's: `{"lo":[packets, bytes]}`, twice a second.
    fn look(&mut self, line: &str) {
        let Ok(now) = serde_json::from_str::<BTreeMap<String, (u64, u64)>>(line) else { return };
        self.rates.retain(|name, _| now.contains_key(name));
        for (name, (packets, _)) in now {
            if let Some(before) = self.last.insert(name.clone(), packets) {
                let of = self.rates.entry(name).or_default();
                of.push_back(packets.saturating_sub(before) as f32 * 2.0);
                if of.len() > LOOKS {
                    of.pop_front();
                }
            }
        }
    }
}

struct Watch {
    child: Child,
    stdin: Option<ChildStdin>,
    rates: Arc<Mutex<Rates>>,
}

impl Watched for Watch {
    fn rates(&self, interface: &str) -> Vec<f32> {
        lock(&self.rates).rates.get(interface).map(|r| r.iter().copied().collect()).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// What a capture brings. With it, the capture ends.
struct Sniffing {
    sniffed: Arc<Sniffed>,
    session: Session,
}

impl Behind for Sniffing {
    fn stop(&self) {
        self.sniffed.stop();
    }
}

impl Drop for Sniffing {
    fn drop(&mut self) {
        self.sniffed.stop();
        self.session.cancel();
    }
}

struct Live(Arc<Sniffed>);

impl Captured for Live {
    fn state(&self) -> CaptureState {
        let s = self.0.state();
        CaptureState {
            running: s.running,
            packets: s.packets,
            recorded: s.bytes,
            dropped: s.dropped,
            file: self.0.recorder().path().to_path_buf(),
            trouble: s.trouble,
        }
    }

    fn stop(&self) {
        self.0.stop();
    }

    fn restart(&self) -> Result<(), Refusal> {
        self.0.go_on().map_err(refusal)
    }

    fn save(&self, to: &Path) -> Result<(), Problem> {
        self.0.save(to).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_differences_of_counters_and_interfaces_that_went_away_are_forgotten() {
        let mut r = Rates::default();
        r.look(r#"{"lo":[10,1000],"eth0":[5,5]}"#);
        r.look(r#"{"lo":[25,1000],"eth0":[5,5]}"#);
        assert_eq!(r.rates.get("lo").map(|r| r.iter().copied().collect::<Vec<_>>()), Some(vec![30.0]));
        r.look(r#"{"lo":[25,1000]}"#);
        assert!(!r.rates.contains_key("eth0"));
    }
}
