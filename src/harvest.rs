//! Harvesting: wanted fields of many packets, brought by reading the capture again once, in the order of the file.
//!
//! A packet's values are those of its layers and of all messages completed in it. Packets are read in windows of a megabyte; each worker
//! replays the conversations that are its share, all of them at a time, and reads the layers of their packets, keeping nothing but the
//! fields that are wanted. So a conversation is read once, however many packets it has, and memory holds what the first reading held.

mod gather;
mod lane;
mod plan;
mod row;
mod stream;
pub(crate) mod window;

pub use row::{Kept, Part, Row, View};

use crate::recall::{Recall, cancelled};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use lane::{Lane, Shared};
use plan::Plan;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};
use window::{Window, Windows};
use wirelore_filter::Wants;
use wirelore_kit::{PacketRow, Problem};
use wirelore_store::query::Bits;
use wirelore_store::{Snapshot, Work};

/// Windows that are on their way through the workers at a time.
const IN_FLIGHT: usize = 4;
/// More workers than this wait for the disk and each other.
const MOST_LANES: usize = 8;

/// Hands on the rows of `packets` with what `wants` names, in rising order, until `each` breaks.
///
/// # Errors
/// [`Problem`]: it was cancelled.
pub fn harvest(
    recall: &Recall,
    snapshot: &Snapshot,
    wants: &Wants,
    packets: Bits,
    work: &Work,
    each: &mut dyn FnMut(&Row) -> ControlFlow<()>,
) -> Result<(), Problem> {
    let mut ready: BTreeMap<u32, Row> = BTreeMap::new();
    run(recall, snapshot, wants, packets, work, true, &|row| Some(std::mem::take(row)), &mut |frontier, rows| {
        ready.extend(rows.into_iter().map(|r| (r.packet, r)));
        while let Some(first) = ready.first_entry().filter(|e| *e.key() < frontier) {
            each(&first.remove())?;
        }
        ControlFlow::Continue(())
    })
}

/// Hands the rows of `packets` to `judge`, on several threads and in no order, and what it makes of them to `take`, with the packet
/// before which all were judged.
///
/// # Errors
/// [`Problem`]: it was cancelled.
pub fn judge<T: Send>(
    recall: &Recall,
    snapshot: &Snapshot,
    wants: &Wants,
    packets: Bits,
    work: &Work,
    judge: &(dyn Fn(&Row) -> Option<T> + Sync),
    take: &mut dyn FnMut(u32, Vec<T>),
) -> Result<(), Problem> {
    run(recall, snapshot, wants, packets, work, false, &|row| judge(row), &mut |frontier, made| {
        take(frontier, made);
        ControlFlow::Continue(())
    })
}

/// What a worker tells.
enum Told<T> {
    /// What it made of a window.
    Made(Made<T>),
    /// It panicked: what it was to tell will not come.
    Gone,
}

/// Says so when its thread panics: whoever waits for that thread would else wait for ever, as others still could tell.
pub(crate) struct Farewell<'s, T>(pub &'s Sender<T>, pub fn() -> T);

impl<T> Drop for Farewell<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whoever does not listen any more need not be told.
            let _ = self.0.send(self.1());
        }
    }
}

/// What a worker made of a window.
struct Made<T> {
    lane: usize,
    /// The packet before which all its rows are handed on.
    through: u32,
    rows: Vec<T>,
}

#[expect(clippy::too_many_arguments, reason = "the two ways in share all of it")]
fn run<T: Send>(
    recall: &Recall,
    snapshot: &Snapshot,
    wants: &Wants,
    packets: Bits,
    work: &Work,
    ordered: bool,
    make: &(dyn Fn(&mut Row) -> Option<T> + Sync),
    take: &mut dyn FnMut(u32, Vec<T>) -> ControlFlow<()>,
) -> Result<(), Problem> {
    let plan = Plan::new(recall, snapshot, wants, packets);
    let lanes = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_LANES);
    let links = Arc::clone(&recall.links.read().unwrap_or_else(PoisonError::into_inner));
    let shared = Shared { recall, snapshot, plan: &plan, links, ordered, lanes: lanes as u32 };
    let end = snapshot.packets();
    work.expect(u64::from(end));
    let went = std::thread::scope(|scope| {
        let (made_in, made_out) = unbounded::<Told<T>>();
        let mut inputs: Vec<Sender<Arc<Window>>> = Vec::new();
        for n in 0..lanes {
            let (give, windows) = bounded::<Arc<Window>>(IN_FLIGHT);
            inputs.push(give);
            let (shared, made_in) = (&shared, made_in.clone());
            scope.spawn(move || run_lane(&mut Lane::new(shared, n as u32), n, &windows, &made_in, make));
        }
        drop(made_in);
        let mut through = vec![0u32; lanes];
        let mut heard = |told: Told<T>| {
            // The scope hands the panic on.
            let Told::Made(made) = told else { return ControlFlow::Break(()) };
            if let Some(slot) = through.get_mut(made.lane) {
                *slot = made.through;
            }
            take(through.iter().copied().min().unwrap_or(0), made.rows)
        };
        let mut windows = Windows::of(snapshot, &recall.spool, 0..end, 2 * IN_FLIGHT);
        let mut outstanding = 0usize;
        let needed = |n: u32, row: &PacketRow| {
            (plan.needs_bytes() && plan.packets.has(n)) || plan.analysis || plan.messages_of(row.flow) > 0
        };
        while let Some(window) = windows.next(needed) {
            if work.is_cancelled() {
                return ControlFlow::Break(());
            }
            work.did(window.rows.len() as u64);
            outstanding += lanes;
            let window = Arc::new(window);
            for input in &inputs {
                // A worker that is gone has panicked, and said so.
                let _ = input.send(Arc::clone(&window));
            }
            while outstanding >= IN_FLIGHT * lanes || !made_out.is_empty() {
                let Ok(told) = made_out.recv() else { break };
                outstanding = outstanding.saturating_sub(1);
                heard(told)?;
            }
        }
        drop(inputs);
        made_out.iter().try_for_each(heard)
    });
    if went.is_break() && work.is_cancelled() { Err(cancelled()) } else { Ok(()) }
}

fn run_lane<T>(
    lane: &mut Lane<'_>,
    number: usize,
    windows: &Receiver<Arc<Window>>,
    to: &Sender<Told<T>>,
    make: &(dyn Fn(&mut Row) -> Option<T> + Sync),
) {
    let _farewell = Farewell(to, || Told::Gone);
    while let Ok(window) = windows.recv() {
        let mut rows = Vec::new();
        lane.window(&window, &mut |row| rows.extend(make(row)));
        let through = lane.first_waiting().unwrap_or(u32::MAX).min(window.end());
        // Nobody listens any more: the harvest was stopped.
        if to.send(Told::Made(Made { lane: number, through, rows })).is_err() {
            return;
        }
    }
    let mut rows = Vec::new();
    lane.end(&mut |row| rows.extend(make(row)));
    let _ = to.send(Told::Made(Made { lane: number, through: u32::MAX, rows }));
}
