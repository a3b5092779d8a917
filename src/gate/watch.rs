//! The file of rules, read again whenever it changes.

use crate::gate::Gate;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often is looked.
const OFTEN: Duration = Duration::from_millis(300);

/// What a file looks like from outside.
fn looks(path: &std::path::Path) -> Option<(SystemTime, u64)> {
    let m = std::fs::metadata(path).ok()?;
    Some((m.modified().ok()?, m.len()))
}

impl Gate {
    /// Looks after the file of rules as long as the gate lives, on a thread of its own. What comes of it is told to those who
    /// [`Gate::listen`]. A file that is gone changes nothing: editors take files away for a moment.
    pub fn watch(&self, path: PathBuf) {
        let gate = Arc::downgrade(&self.0);
        let mut known = looks(&path);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(OFTEN);
                let Some(inner) = gate.upgrade() else { return };
                let now = looks(&path);
                if now.is_some() && now != known {
                    known = now;
                    // Faults are told by the gate itself.
                    let _ = Gate(inner).load(&path);
                }
            }
        });
    }
}
