//! A thread that is asked whose a connection is, at once when it begins, and writes what it finds into the record.

use super::find::Finder;
use super::record;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wirelore_record::said::Process;

/// Connections that may wait to be looked at; in a flood the rest stays unknown.
const WAITING: usize = 1024;
/// A connection may not be in the system's tables at the very moment at which it is first seen.
const AGAIN: Duration = Duration::from_millis(5);
/// So long it is tried.
const GIVE_UP: Duration = Duration::from_millis(100);

/// Time that may be spent on looking at once: some hundred connections.
const PURSE: Duration = Duration::from_millis(100);
/// One part in so many of the time that passes comes back into it: in a flood of connections the rest stays unknown, for each look goes
/// through the open files of a process, and that would cost as much as relaying.
const REFILL: u32 = 50;

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

fn run(mut finder: Finder, but: Option<u32>, mut found: impl FnMut(Process), asked: &Receiver<Asked>) {
    let (mut purse, mut looked) = (PURSE, Instant::now());
    while let Ok(Asked { tie, udp, local, remote }) = asked.recv() {
        let began = Instant::now();
        purse = purse.saturating_add(began.saturating_duration_since(looked) / REFILL).min(PURSE);
        looked = began;
        if purse.is_zero() {
            continue;
        }
        let process = loop {
            let before = Instant::now();
            let process = finder.find(udp, local, remote);
            purse = purse.saturating_sub(before.elapsed());
            // With others waiting there is no time for a second look.
            if process.is_some() || began.elapsed() > GIVE_UP || !asked.is_empty() {
                break process;
            }
            std::thread::sleep(AGAIN);
        };
        let Some(process) = process.filter(|p| Some(p.pid) != but) else { continue };
        found(record(tie, udp, local, remote, process));
    }
}
