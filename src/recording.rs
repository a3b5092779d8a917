//! Opens records, and says at once, on standard error, when a proxy's recording stops and when it goes on: the traffic itself shows nothing of it.

use crate::cli::exit;
use crate::packing;
use crate::reading::Failure;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use wirelore_record::{Options, Recorder, State};

/// A record in this file, or in one that is removed at the end.
///
/// # Errors
/// It cannot be written, or its name says that it is packed.
pub fn open(write: Option<&Path>, options: Options) -> Result<Recorder, Failure> {
    let Some(path) = write else {
        // Others were killed before they could remove theirs; that says nothing about this one.
        let _ = wirelore_record::remove_stale();
        return Recorder::temporary(options).map_err(|e| Failure { text: e.to_string(), code: exit::WRITE });
    };
    if packing::named(path).is_some() {
        let plain = path.with_extension("");
        let text = format!(
            "-w {}: a record is read while it is written, so it cannot be packed. Write {} and pack it afterwards: wirelore convert -r {} -w {}",
            path.display(),
            plain.display(),
            plain.display(),
            path.display()
        );
        return Err(Failure { text, code: exit::OPTION });
    }
    Recorder::create(path, options).map_err(|e| Failure { text: e.to_string(), code: exit::WRITE })
}

/// How often the recorder is asked.
const OFTEN: Duration = Duration::from_millis(500);

/// Watches a recorder until it is dropped.
pub struct RecordingWatch {
    /// Its end ends the thread.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RecordingWatch {
    /// Begins.
    #[must_use]
    pub fn begin(recorder: &Recorder) -> Option<RecordingWatch> {
        let (alive, ends) = channel::<()>();
        let recorder = recorder.clone();
        let watch = move || {
            let mut before = State::Recording;
            while ends.recv_timeout(OFTEN) == Err(RecvTimeoutError::Timeout) {
                let now = recorder.status().state;
                match (&before, &now) {
                    (State::Recording, State::Stopped { why }) => eprintln!("wirelore: Recording has stopped. {why}"),
                    (State::Stopped { .. }, State::Recording) => eprintln!("wirelore: Recording goes on."),
                    _ => {}
                }
                before = now;
            }
        };
        let thread = std::thread::Builder::new().name("recording watch".into()).spawn(watch).ok()?;
        Some(RecordingWatch { alive: Some(alive), thread: Some(thread) })
    }
}

impl Drop for RecordingWatch {
    fn drop(&mut self) {
        self.alive.take();
        if let Some(thread) = self.thread.take() {
            // A watch that is gone has nothing more to say.
            let _ = thread.join();
        }
    }
}
