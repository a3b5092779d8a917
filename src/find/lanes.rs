//! A search on several threads whose hits come in the order in which one thread would find them.
//!
//! Every window of the capture goes to every thread; each searches its share and tells, now and then, how far it is and what it found.
//! What all of them have passed is handed on. A thread that has found much and is ahead of another waits for it, so that what is held for
//! its turn is bounded however often the pattern matches.

use super::lane::{At, Lane, Shared};
use super::{Hit, Pattern};
use crate::harvest::Farewell;
use crate::harvest::window::{Window, Windows};
use crate::recall::{Recall, cancelled};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use wirelore_kit::Problem;
use wirelore_store::{Snapshot, Work};

/// Windows that a thread may be ahead of another.
const IN_FLIGHT: u32 = 4;
/// More threads than this wait for the disk and each other.
const MOST_LANES: usize = 8;
/// Hits that a thread gathers before it tells.
const MOST_GATHERED: usize = 256;
/// Hits that wait for their turn before those threads wait that are ahead.
const MOST_HELD: usize = 1 << 16;

/// Looks through a capture; hits are handed to `each` in the order of the packets at which they were found, until it breaks.
///
/// # Errors
/// [`Problem`]: it was cancelled.
pub fn find(
    recall: &Recall,
    snapshot: &Snapshot,
    pattern: &Pattern,
    work: &Work,
    each: &mut dyn FnMut(Hit) -> ControlFlow<()>,
) -> Result<(), Problem> {
    find_with(std::thread::available_parallelism().map_or(1, usize::from).min(MOST_LANES), recall, snapshot, pattern, work, each)
}

/// As [`find`], on as many threads as are told (at least one).
///
/// # Errors
/// [`Problem`]: it was cancelled.
pub fn find_with(
    lanes: usize,
    recall: &Recall,
    snapshot: &Snapshot,
    pattern: &Pattern,
    work: &Work,
    each: &mut dyn FnMut(Hit) -> ControlFlow<()>,
) -> Result<(), Problem> {
    let lanes = lanes.max(1);
    let links = Arc::clone(&recall.links.read().unwrap_or_else(PoisonError::into_inner));
    let shared = Shared { recall, snapshot, pattern, links, lanes: lanes as u32 };
    let pace = Pace::default();
    work.expect(u64::from(snapshot.packets()));
    let went = std::thread::scope(|scope| {
        let _stops = Stops(&pace);
        let (tell, told) = unbounded::<Told>();
        let mut inputs: Vec<Sender<Arc<Window>>> = Vec::new();
        for number in 0..lanes {
            let (give, windows) = unbounded::<Arc<Window>>();
            inputs.push(give);
            let (shared, tell, pace) = (&shared, tell.clone(), &pace);
            scope.spawn(move || run_lane(&mut Lane::new(shared, number as u32), number, &windows, &tell, pace));
        }
        drop(tell);
        let mut turns = Turns::new(lanes, &pace, work, each);
        let mut sent = 0u32;
        let mut all = Windows::of(snapshot, &recall.spool, 0..snapshot.packets(), IN_FLIGHT as usize);
        while let Some(window) = all.next(|_, _| true) {
            if work.is_cancelled() {
                return ControlFlow::Break(());
            }
            sent += 1;
            let window = Arc::new(window);
            for input in &inputs {
                // A thread that is gone has panicked, and said so.
                let _ = input.send(Arc::clone(&window));
            }
            while sent.saturating_sub(turns.windows()) >= IN_FLIGHT || !told.is_empty() {
                let Ok(told) = told.recv() else { break };
                turns.hear(told)?;
                if work.is_cancelled() {
                    return ControlFlow::Break(());
                }
            }
        }
        drop(inputs);
        told.iter().try_for_each(|told| if work.is_cancelled() { ControlFlow::Break(()) } else { turns.hear(told) })
    });
    if went.is_break() && work.is_cancelled() { Err(cancelled()) } else { Ok(()) }
}

/// What a thread tells.
struct Told {
    lane: usize,
    /// The packet before which it found all that there is for it to find.
    through: u32,
    /// Windows that it is done with.
    windows: u32,
    hits: Vec<(At, Hit)>,
    /// It panicked: the rest will not come.
    gone: bool,
}

impl Told {
    fn gone() -> Told {
        Told { lane: 0, through: 0, windows: 0, hits: Vec::new(), gone: true }
    }
}

fn run_lane(lane: &mut Lane<'_>, number: usize, windows: &Receiver<Arc<Window>>, tell: &Sender<Told>, pace: &Pace) {
    let _farewell = Farewell(tell, Told::gone);
    let (mut done, mut gathered) = (0u32, Vec::new());
    while let Ok(window) = windows.recv() {
        let went = lane.window(&window, &mut |packet, found| {
            gathered.extend(found);
            if gathered.len() < MOST_GATHERED {
                return ControlFlow::Continue(());
            }
            let hits = std::mem::take(&mut gathered);
            pace.holds(hits.len());
            // More may be found at this packet.
            let told = tell.send(Told { lane: number, through: packet, windows: done, hits, gone: false });
            // Nobody listens any more: the search was stopped.
            if told.is_err() { ControlFlow::Break(()) } else { pace.wait(packet) }
        });
        done += 1;
        let hits = std::mem::take(&mut gathered);
        pace.holds(hits.len());
        let told = Told { lane: number, through: window.end(), windows: done, hits, gone: false };
        if went.is_break() || tell.send(told).is_err() || pace.wait(window.end()).is_break() {
            return;
        }
    }
    let _ = tell.send(Told { lane: number, through: u32::MAX, windows: u32::MAX, hits: Vec::new(), gone: false });
}

/// How many hits wait for their turn, and up to which packet all threads are.
#[derive(Default)]
struct Pace {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    held: usize,
    frontier: u32,
    stopped: bool,
}

impl Pace {
    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn holds(&self, hits: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held = state.held.saturating_add(hits);
    }

    /// A thread that is through to `packet` waits while too much is held and another is behind it: the last of them never waits.
    fn wait(&self, packet: u32) -> ControlFlow<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |s: &mut State| !s.stopped && s.held > MOST_HELD && packet > s.frontier;
        let state = self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        if state.stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Threads that wait go on and end when the search is over, whatever way it went.
struct Stops<'p>(&'p Pace);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.change(|s| s.stopped = true);
    }
}

/// What is known of a thread.
#[derive(Default)]
struct Turn {
    /// How far it is.
    through: u32,
    /// The windows that it is done with.
    windows: u32,
    /// What it found and whose turn has not come.
    waiting: VecDeque<(At, Hit)>,
}

/// Brings what the threads tell into order.
struct Turns<'e> {
    /// By thread.
    lanes: Vec<Turn>,
    frontier: u32,
    pace: &'e Pace,
    work: &'e Work,
    each: &'e mut dyn FnMut(Hit) -> ControlFlow<()>,
}

impl<'e> Turns<'e> {
    fn new(lanes: usize, pace: &'e Pace, work: &'e Work, each: &'e mut dyn FnMut(Hit) -> ControlFlow<()>) -> Turns<'e> {
        let lanes = (0..lanes).map(|_| Turn::default()).collect();
        Turns { lanes, frontier: 0, pace, work, each }
    }

    /// Windows that all threads are done with.
    fn windows(&self) -> u32 {
        self.lanes.iter().map(|l| l.windows).min().unwrap_or(0)
    }

    fn hear(&mut self, told: Told) -> ControlFlow<()> {
        if told.gone {
            // The scope hands the panic on.
            return ControlFlow::Break(());
        }
        if let Some(turn) = self.lanes.get_mut(told.lane) {
            (turn.through, turn.windows) = (told.through, told.windows);
            turn.waiting.extend(told.hits);
        }
        let frontier = self.lanes.iter().map(|l| l.through).min().unwrap_or(0);
        if frontier != u32::MAX {
            self.work.did(u64::from(frontier.saturating_sub(self.frontier)));
        }
        self.frontier = frontier;
        let mut released = 0usize;
        // A packet's headers are one thread's and its conversation is one thread's, so no two have the same place.
        while let Some(lane) = self.first_waiting().filter(|(at, _)| at.0 < frontier).map(|(_, lane)| lane) {
            let Some((_, hit)) = self.lanes.get_mut(lane).and_then(|l| l.waiting.pop_front()) else { break };
            released += 1;
            (self.each)(hit)?;
        }
        self.pace.change(|s| {
            s.held = s.held.saturating_sub(released);
            s.frontier = frontier;
        });
        ControlFlow::Continue(())
    }

    /// The first place of what waits, and the thread that found it.
    fn first_waiting(&self) -> Option<(At, usize)> {
        self.lanes.iter().enumerate().filter_map(|(n, l)| Some((l.waiting.front()?.0, n))).min()
    }
}
