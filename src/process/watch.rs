//! A thread that is asked whose a connection is, at once when it begins, and writes what it finds into the record.

use super::find::Finder;
use super::record;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use nix::time::{ClockId, clock_gettime};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wirelore_record::said::Process;

/// Connections that may wait to be looked at; in a flood the rest stays unknown.
const WAITING: usize = 1024;
/// A connection may not be in the system's tables at the very moment at which it is first seen.
const AGAIN: Duration = Duration::from_millis(5);
/// So long it is tried.
const GIVE_UP: Duration = Duration::from_millis(100);

/// Processor time that may be spent on looking at once: some hundred connections.
const PURSE: Duration = Duration::from_millis(25);
/// One part in so many of the time that passes comes back into it: in a flood of connections the rest stays unknown, for each look goes
/// through the open files of a process (of all of them, where it ended meanwhile), and that would cost as much as relaying.
const REFILL: u32 = 100;

/// With nothing left to spend nobody is looked at for so long.
const NAP: Duration = Duration::from_millis(25);

/// A connection whose process is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The proxied connection, where it is one.
    pub tie: Option<u64>,
    /// Datagrams.
    pub udp: bool,
    /// The end whose process is meant.
    pub local: SocketAddr,
    /// The other one.
    pub remote: SocketAddr,
}

/// Asks a thread for processes; with its last handle the thread ends.
#[derive(Debug, Clone)]
pub struct Watcher(Sender<Asked>);

impl Watcher {
    /// Starts the thread. What it finds goes to `found`, the process's own number `but` left out.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(finder: Finder, but: Option<u32>, found: impl FnMut(Process) + Send + 'static) -> std::io::Result<Watcher> {
        let (ask, asked) = bounded(WAITING);
        std::thread::Builder::new().name("processes".into()).spawn(move || run(finder, but, found, &asked))?;
        Ok(Watcher(ask))
    }

    /// Asks for a process, without waiting. False: too many wait.
    pub fn ask(&self, asked: Asked) -> bool {
        !matches!(self.0.try_send(asked), Err(TrySendError::Full(_)))
    }
}

/// Time that may be spent.
struct Purse {
    left: Duration,
    /// Spent beyond what was there: one look may take longer than a hundred others.
    debt: Duration,
    at: Instant,
}

impl Purse {
    /// Whether there is some, with what has come into it until `now`.
    fn has_some(&mut self, now: Instant) -> bool {
        let income = now.saturating_duration_since(self.at) / REFILL;
        self.left = self.left.saturating_add(income.saturating_sub(self.debt)).min(PURSE);
        self.debt = self.debt.saturating_sub(income);
        self.at = now;
        !self.left.is_zero()
    }

    fn spend(&mut self, spent: Duration) {
        self.debt = self.debt.saturating_add(spent.saturating_sub(self.left));
        self.left = self.left.saturating_sub(spent);
    }
}

/// What this thread has used of a processor: a busy computer is no reason to look less.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

fn run(mut finder: Finder, but: Option<u32>, mut found: impl FnMut(Process), asked: &Receiver<Asked>) {
    let mut purse = Purse { left: PURSE, debt: Duration::ZERO, at: Instant::now() };
    // Those not found at the first look, with the time at which they were asked for.
    let mut again: VecDeque<(Asked, Instant)> = VecDeque::new();
    loop {
        let next =
            if again.is_empty() { asked.recv().map_err(|_| RecvTimeoutError::Disconnected) } else { asked.recv_timeout(AGAIN) };
        let (one, since) = match next {
            Ok(one) => (one, Instant::now()),
            Err(RecvTimeoutError::Timeout) => match again.pop_front() {
                Some(waiting) => waiting,
                None => continue,
            },
            Err(RecvTimeoutError::Disconnected) => match again.pop_front() {
                // The last ones that were asked for are looked at once more.
                Some(waiting) => waiting,
                None => return,
            },
        };
        let before = Instant::now();
        if !purse.has_some(before) {
            // Whoever asks meanwhile wakes nobody.
            std::thread::sleep(NAP);
            again.clear();
            asked.try_iter().for_each(drop);
            continue;
        }
        let used = processor_time();
        let process = finder.find(one.udp, one.local, one.remote);
        purse.spend(processor_time().saturating_sub(used));
        match process {
            Some(p) if Some(p.pid) != but => found(record(one.tie, one.udp, one.local, one.remote, p)),
            Some(_) => {}
            None if since.elapsed() < GIVE_UP && again.len() < WAITING => again.push_back((one, since)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_took_longer_than_there_was_time_for_is_paid_for_before_the_next() {
        let began = Instant::now();
        let mut purse = Purse { left: PURSE, debt: Duration::ZERO, at: began };
        assert!(purse.has_some(began));
        purse.spend(PURSE + Duration::from_millis(20));
        let later = |seconds| began + Duration::from_secs(seconds);
        assert!(!purse.has_some(later(1)), "10 of 20 ms came back");
        assert!(!purse.has_some(later(2)), "all of it");
        assert!(purse.has_some(later(3)), "and more");
        purse.spend(Duration::from_millis(9));
        assert!(purse.has_some(later(3)), "1 ms is left");
        assert!(purse.has_some(later(3600)));
        assert_eq!(purse.left, PURSE);
    }
}
