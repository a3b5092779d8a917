//! A capture that can be stopped, gone on with, and saved: what the window steers, and what a test can kill.
//!
//! It goes into a record that stays open over all of that, and that others may write too: another capture, a proxy. The session that reads
//! the record goes on reading.

use crate::capturing::args::Wanted;
use crate::capturing::feed::{self, Ended, Feed};
use crate::capturing::files::Files;
use crate::capturing::helper::Refused;
use crate::capturing::limits::Stop;
use crate::capturing::taking::{Taking, Tally};
use crate::packing::{self, Packing};
use crate::reading::Failure;
use crate::session::{Session, SessionOptions};
use crate::whole::Whole;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wirelore_kit::Problem;
use wirelore_record::{Options, Recorder};

/// How it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Packets are taken.
    pub running: bool,
    /// Packets since it was started first.
    pub packets: u64,
    /// Bytes in its file.
    pub bytes: u64,
    /// Packets that were lost, as the system counts them.
    pub dropped: u64,
    /// Why it ended although nobody asked it to.
    pub trouble: Option<Problem>,
    /// The helper's process, while it runs.
    pub process: Option<u32>,
}

/// A capture of this machine's interfaces. Dropped, it ends.
pub struct Sniffed {
    wanted: Vec<Wanted>,
    immediate: bool,
    recorder: Recorder,
    /// The record is nobody else's: it ends with this.
    own: bool,
    woken: Arc<dyn Fn() + Send + Sync>,
    turn: Mutex<Turn>,
}

/// What changes when it stops and goes on.
#[derive(Default)]
struct Turn {
    taking: Option<Taking>,
    /// While nothing is taken.
    files: Option<Files>,
    /// Of the turns before this one.
    packets: u64,
    dropped: u64,
    trouble: Option<Problem>,
}

fn lock(turn: &Mutex<Turn>) -> MutexGuard<'_, Turn> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_begun(f: Failure) -> Refused {
    let problem = Problem { what: "The capture did not begin".into(), why: f.text, what_to_do: "Try again.".into() };
    Refused { problem, code: f.code, mend: None }
}

impl Sniffed {
    /// Begins to capture into a temporary file, and to read it; `woken` is called when its state has changed.
    ///
    /// # Errors
    /// What the helper, libpcap or the disk refuses.
    pub fn start(
        wanted: Vec<Wanted>,
        immediate: bool,
        keylog: Option<PathBuf>,
        woken: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<(Arc<Sniffed>, Session), Refused> {
        // What is refused is refused before a file is made.
        let feed = feed::interfaces(&wanted, immediate)?;
        let name = feed.what.clone();
        // Others were killed before they could remove theirs; that says nothing about this one.
        let _ = wirelore_record::remove_stale();
        let recorder = Recorder::temporary(Options::default())
            .map_err(|e| not_begun(Failure { text: e.to_string(), code: crate::cli::exit::WRITE }))?;
        let source = super::source(recorder.path(), &recorder.growth()).map_err(not_begun)?;
        let options = SessionOptions { keylog, name, ..SessionOptions::default() };
        let session = Session::start(source, wirelore_dissectors::TABLE, options);
        let sniffed = Sniffed::on(feed, wanted, immediate, recorder, true, woken)?;
        Ok((sniffed, session))
    }

    /// Begins to capture into a record that is there, whose session reads it.
    ///
    /// # Errors
    /// As [`Sniffed::start`].
    pub fn beside(
        recorder: &Recorder,
        wanted: Vec<Wanted>,
        immediate: bool,
        woken: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Arc<Sniffed>, Refused> {
        let feed = feed::interfaces(&wanted, immediate)?;
        Sniffed::on(feed, wanted, immediate, recorder.clone(), false, woken)
    }

    fn on(
        feed: Feed,
        wanted: Vec<Wanted>,
        immediate: bool,
        recorder: Recorder,
        own: bool,
        woken: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Arc<Sniffed>, Refused> {
        let files = Files::into_record(&recorder);
        let again = Arc::clone(&woken);
        let taking = Taking::start(feed, files, Stop::default(), move || again()).map_err(not_begun)?;
        let turn = Mutex::new(Turn { taking: Some(taking), ..Turn::default() });
        Ok(Arc::new(Sniffed { wanted, immediate, recorder, own, woken, turn }))
    }

    /// How it goes. Cheap.
    #[must_use]
    pub fn state(&self) -> State {
        let mut turn = lock(&self.turn);
        turn.settle();
        let now = turn.taking.as_ref();
        let tally = |count: &dyn Fn(&Tally) -> u64| now.map_or(0, |t| count(&t.tally));
        State {
            running: now.is_some(),
            packets: turn.packets.saturating_add(tally(&|t| t.packets.load(Ordering::Relaxed))),
            bytes: self.recorder.status().bytes,
            dropped: turn.dropped.saturating_add(tally(&Tally::dropped)),
            trouble: turn.trouble.clone(),
            process: now.and_then(|t| t.stopper.process()),
        }
    }

    /// Stops taking packets. What was taken stays; what is on its way still comes.
    pub fn stop(&self) {
        if let Some(taking) = &lock(&self.turn).taking {
            taking.stopper.stop();
        }
    }

    /// Goes on after it stopped, or was stopped, in the same file.
    ///
    /// # Errors
    /// As at the start. Nothing happens while it runs.
    pub fn go_on(&self) -> Result<(), Refused> {
        let mut turn = lock(&self.turn);
        turn.settle();
        let Some(files) = turn.files.take() else { return Ok(()) };
        let feed = match feed::interfaces(&self.wanted, self.immediate) {
            Ok(feed) => feed,
            Err(refused) => {
                turn.files = Some(files);
                return Err(refused);
            }
        };
        let woken = Arc::clone(&self.woken);
        turn.taking = Some(Taking::start(feed, files, Stop::default(), move || woken()).map_err(not_begun)?);
        turn.trouble = None;
        Ok(())
    }

    /// Writes what was captured so far to a file; it may go on meanwhile. Takes as long as the disk does.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, to: &Path) -> Result<u64, Problem> {
        let failed = |e: std::io::Error| Problem {
            what: format!("{} was not saved", to.display()),
            why: format!("{e}."),
            what_to_do: "Check the folder, that you may write there, and that there is room. The capture itself is still there."
                .into(),
        };
        // Whole blocks stand before this place.
        let len = self.recorder.growth().now().len;
        let mut from = std::fs::File::open(self.recorder.path()).map_err(failed)?.take(len);
        let file = Whole::new(to).map_err(failed)?;
        // A proxy may have recorded into the same file, with its keys.
        file.is_secret().map_err(failed)?;
        let mut packing = Packing::new(packing::named(to), file);
        let went = std::io::copy(&mut from, &mut packing).and_then(|n| packing.finish()?.finish_on_disk().map(|()| n));
        went.map_err(failed)
    }

    /// Where it is recorded.
    #[must_use]
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }
}

impl Drop for Sniffed {
    fn drop(&mut self) {
        self.stop();
        if self.own {
            let recorder = self.recorder.clone();
            // Its threads may take a moment to end; nobody needs to wait for that.
            let _ = std::thread::Builder::new().name("capture end".into()).spawn(move || recorder.finish());
        }
    }
}

impl Turn {
    /// Takes note of an end.
    fn settle(&mut self) {
        let Some(taking) = self.taking.take_if(|t| t.tally.is_over()) else { return };
        self.packets = self.packets.saturating_add(taking.tally.packets.load(Ordering::Relaxed));
        self.dropped = self.dropped.saturating_add(taking.tally.dropped());
        let (files, went) = taking.wait();
        self.files = files;
        let broke = match went {
            Ok(Ended::Asked | Ended::Over) => return,
            Ok(Ended::Broke(why)) => format!("{why}."),
            Err(f) => f.text,
        };
        self.trouble = Some(Problem {
            what: "Capturing broke off".into(),
            why: broke,
            what_to_do: "What was captured until then is kept. Start it again to go on in the same session.".into(),
        });
    }
}
