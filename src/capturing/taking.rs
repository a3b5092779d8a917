//! Taking: the thread that carries packets from their feed into files, counts them, and knows when it is enough.

use crate::capturing::feed::{Ended, Feed, Stopper};
use crate::capturing::files::Files;
use crate::capturing::limits::Stop;
use crate::cli::exit;
use crate::reading::Failure;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wirelore_capture::intake::{Intake, Piece};

/// Bytes read at once.
const AT_ONCE: usize = 1 << 20;

/// How a capture goes. Read by anybody, at any time.
#[derive(Debug, Default)]
pub struct Tally {
    /// Packets taken.
    pub packets: AtomicU64,
    /// Bytes written, of all files.
    pub bytes: AtomicU64,
    /// The counters of each interface, as it told them last.
    counters: Mutex<Vec<Counters>>,
    /// It has ended.
    over: AtomicBool,
}

/// What an interface counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets for which there was no room.
    pub dropped: u64,
    /// Packets that the interface itself lost.
    pub if_dropped: u64,
}

impl Tally {
    /// Packets that were lost, on all interfaces.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.iter().fold(0, |n, c| n.saturating_add(c.dropped).saturating_add(c.if_dropped))
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn counted(&self, interface: u32, c: Counters) {
        let mut all = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        // Interfaces are few: a number that cannot be is not believed.
        let Some(at) = usize::try_from(interface).ok().filter(|i| *i < 4096) else { return };
        if all.len() <= at {
            all.resize(at.saturating_add(1), Counters::default());
        }
        if let Some(slot) = all.get_mut(at) {
            *slot = c;
        }
    }
}

/// A capture that is being taken.
pub struct Taking {
    /// Ends it.
    pub stopper: Stopper,
    /// How it goes.
    pub tally: Arc<Tally>,
    thread: JoinHandle<(Files, Result<Ended, Failure>)>,
}

impl Taking {
    /// Begins to take; `woken` is called whenever something was written, and at the end.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn start(feed: Feed, files: Files, stop: Stop, woken: impl Fn() + Send + 'static) -> Result<Taking, Failure> {
        let tally = Arc::new(Tally::default());
        let (mine, stopper) = (Arc::clone(&tally), feed.stopper.clone());
        let work = move || {
            #[cfg(target_os = "linux")]
            let owners = if feed.local { crate::process::Sniffed::start() } else { None };
            let mut taker = Taker {
                files,
                stop,
                tally: mine,
                ended: stopper,
                enough: false,
                #[cfg(target_os = "linux")]
                owners,
            };
            let went = taker.run(feed.bytes, &woken);
            taker.tally.over.store(true, Ordering::Release);
            woken();
            (taker.files, went)
        };
        if let Some(duration) = stop.duration {
            stop_after(duration, &tally, feed.stopper.clone());
        }
        let thread = std::thread::Builder::new().name("taking".into()).spawn(work).map_err(|e| Failure {
            text: format!("The system refuses another thread: {e}. Close other programs and try again."),
            code: exit::INIT,
        })?;
        Ok(Taking { stopper: feed.stopper, tally, thread })
    }

    /// Waits until it has ended; gives back the files, and how it ended.
    ///
    /// # Errors
    /// What broke it off on our side; what was taken until then is in the files.
    pub fn wait(self) -> (Option<Files>, Result<Ended, Failure>) {
        match self.thread.join() {
            Ok((files, went)) => (Some(files), went),
            Err(_) => (None, Err(Failure { text: "Taking packets ended by a fault of Wirelore.".into(), code: exit::CAPTURE })),
        }
    }
}

/// Ends a capture after a time.
fn stop_after(duration: Duration, tally: &Arc<Tally>, stopper: Stopper) {
    let (tally, until) = (Arc::downgrade(tally), Instant::now().checked_add(duration));
    let wait = move || {
        while until.is_none_or(|at| Instant::now() < at) {
            match tally.upgrade() {
                Some(t) if !t.is_over() => {}
                _ => return,
            }
            let left = until.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        stopper.stop();
    };
    // Without the thread it would not end by itself: Ctrl+C does.
    let _ = std::thread::Builder::new().name("autostop".into()).spawn(wait);
}

struct Taker {
    files: Files,
    stop: Stop,
    tally: Arc<Tally>,
    ended: Stopper,
    /// Nothing more is wanted.
    enough: bool,
    /// Finds whose conversations are.
    #[cfg(target_os = "linux")]
    owners: Option<crate::process::Sniffed>,
}

impl Taker {
    fn run(&mut self, mut bytes: Box<dyn Read + Send>, woken: &impl Fn()) -> Result<Ended, Failure> {
        let (mut intake, mut buffer, mut block) = (Intake::default(), vec![0; AT_ONCE], Vec::new());
        loop {
            let n = match bytes.read(&mut buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                // A connection that was broken off: how it ended says so.
                Err(_) => 0,
            };
            if n == 0 {
                self.last_owners()?;
                return Ok(self.ended.ended());
            }
            if self.enough {
                // What still comes is let pass, so that the other side can end in order.
                continue;
            }
            intake.feed(buffer.get(..n).unwrap_or_default());
            loop {
                block.clear();
                let piece = match intake.next(&mut block) {
                    Ok(Some(piece)) => piece,
                    Ok(None) => break,
                    Err(broken) => {
                        self.ended.stop();
                        self.files.write()?;
                        let text = format!("What comes cannot be read: {broken}. What came before it is kept.");
                        return Err(Failure { text, code: exit::CAPTURE });
                    }
                };
                self.take(&piece, &block)?;
                #[cfg(target_os = "linux")]
                if let Some(owners) = &mut self.owners {
                    owners.see(&piece, &block);
                }
                if self.enough {
                    break;
                }
            }
            self.wrote(woken)?;
        }
    }

    fn take(&mut self, piece: &Piece, block: &[u8]) -> Result<(), Failure> {
        match piece {
            Piece::Packet { .. } => {
                let full = self.files.full();
                self.files.take(piece, block).inspect_err(|_| self.ended.stop())?;
                let packets = self.tally.packets.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                let full_files = self.stop.files.is_some_and(|n| self.files.full() >= n);
                if full_files && self.files.full() > full {
                    self.end();
                }
                if self.stop.packets.is_some_and(|n| packets >= n) || self.stop.file_size.is_some_and(|n| self.files.len() >= n) {
                    self.end();
                }
                return Ok(());
            }
            Piece::Statistics(s) => {
                let c = Counters { dropped: s.os_dropped.unwrap_or(0), if_dropped: s.dropped.unwrap_or(0) };
                self.tally.counted(s.interface, c);
            }
            Piece::Section | Piece::Interface | Piece::Other => {}
        }
        self.files.take(piece, block).inspect_err(|_| self.ended.stop())
    }

    /// Nothing more is wanted.
    fn end(&mut self) {
        self.enough = true;
        self.ended.stop();
    }

    /// Whose conversations were that were asked about last.
    fn last_owners(&mut self) -> Result<(), Failure> {
        #[cfg(target_os = "linux")]
        if let Some(owners) = self.owners.take() {
            self.files.take(&Piece::Other, &owners.last())?;
            self.files.write()?;
        }
        Ok(())
    }

    fn wrote(&mut self, woken: &impl Fn()) -> Result<(), Failure> {
        #[cfg(target_os = "linux")]
        if let Some(owners) = &mut self.owners {
            let mut found = Vec::new();
            owners.take(&mut found);
            self.files.take(&Piece::Other, &found)?;
        }
        self.files.write().inspect_err(|_| self.ended.stop())?;
        self.tally.bytes.store(self.files.len(), Ordering::Relaxed);
        woken();
        Ok(())
    }
}
