//! The key log that the program writes: followed while it grows, its lines put into the record.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use wirelore_record::Recorder;

/// A key log that is followed.
#[derive(Debug)]
pub struct KeyLog {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of a line that is not written to its end yet.
    part: Vec<u8>,
    recorder: Recorder,
}

impl KeyLog {
    /// Follows `path` from its end, or from its beginning once it is there.
    #[must_use]
    pub fn new(path: PathBuf, recorder: Recorder) -> KeyLog {
        let mut file = File::open(&path).ok();
        if let Some(file) = &mut file {
            let _ = std::io::Seek::seek(file, std::io::SeekFrom::End(0));
        }
        KeyLog { path, file, part: Vec::new(), recorder }
    }

    /// Records what was added.
    pub fn follow(&mut self) {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return };
        // What cannot be read is no key.
        let _ = file.read_to_end(&mut self.part);
        if let Some(end) = self.part.iter().rposition(|b| *b == b'\n') {
            let rest = self.part.split_off(end + 1);
            self.recorder.secrets(&self.part);
            self.part = rest;
        }
    }
}

/// A key log that is followed by a thread of its own, until this value goes.
pub struct Following {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl KeyLog {
    /// Follows it.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn meanwhile(mut self) -> std::io::Result<Following> {
        const OFTEN: Duration = Duration::from_millis(50);
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::Builder::new().name("key log".into()).spawn(move || {
            while stopped.recv_timeout(OFTEN).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout) {
                self.follow();
            }
            self.follow();
        })?;
        Ok(Following { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
