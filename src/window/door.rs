//! What the window asks of the door: how captures are opened and what an open one offers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use wirelore_kit::{Explanations, Problem, TreeSource};
use wirelore_store::Snapshot;

/// Tells the window that there is something new to draw; cheap, callable from any thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Opens captures. It must not block for long: reading goes on in threads of its own.
pub trait Opener: Send + Sync {
    /// Opens the capture at `path`; `wake` is called whenever a newer snapshot or other progress exists.
    ///
    /// # Errors
    /// [`Problem`]: the file is not there, not readable, or no capture.
    fn open(&self, path: &Path, wake: Waker) -> Result<Box<dyn Capture>, Problem>;
}

/// An open capture.
pub trait Capture: Send {
    /// The newest snapshot. Called once a frame, so it must be cheap.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Makes trees, lines and provenance, on whatever thread asks.
    fn trees(&self) -> Arc<dyn TreeSource>;

    /// Stops reading; what was read stays.
    fn cancel(&self);
}

/// How the window starts.
pub struct WindowOptions {
    /// Opens captures.
    pub opener: Arc<dyn Opener>,
    /// Prose for fields and notes.
    pub explanations: Arc<Explanations>,
    /// Captures to open at once.
    pub files: Vec<PathBuf>,
    /// Where state is kept between starts; `None` for the platform's data folder.
    pub state_folder: Option<PathBuf>,
}
