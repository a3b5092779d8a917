//! Why a session file cannot be made.

use std::io;
use std::path::PathBuf;

/// Why a session file cannot be made or finished.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be created.
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system refuses a thread to write with.
    Thread(io::Error),
    /// Recording had stopped before the end; what was recorded until then is in the file.
    Stopped {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Create { path, source } => write!(
                f,
                "The session file {} cannot be created: {source}. Name another place, or check the folder and that you may write there.",
                path.display()
            ),
            Error::Thread(source) => {
                write!(
                    f,
                    "The session file cannot be written: the system refuses another thread: {source}. Close other programs."
                )
            }
            Error::Stopped { path, why } => {
                write!(f, "Recording to {} stopped early: {why} What was recorded before is whole.", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Create { source, .. } | Error::Thread(source) => Some(source),
            Error::Stopped { .. } => None,
        }
    }
}
