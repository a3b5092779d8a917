//! Says at once, on standard error, when a proxy's recording stops and when it goes on: the traffic itself shows nothing of it.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use wirelore_record::{Recorder, State};

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
