//! Errors of opening and reading: what went wrong, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A capture could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no such file.
    #[error("there is no file {path}")]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The file may not be read by this user.
    #[error("{path} may not be read by you")]
    Permission {
        /// The path as given.
        path: PathBuf,
    },
    /// The path is a folder.
    #[error("{path} is a folder, not a capture")]
    Folder {
        /// The path as given.
        path: PathBuf,
    },
    /// There is nothing in the file.
    #[error("{name} is empty")]
    Empty {
        /// The file, or "standard input".
        name: String,
    },
    /// Standard input is a terminal.
    #[error("standard input is a terminal: no capture comes from there")]
    Terminal,
    /// The file begins like a capture, but ends inside its file header.
    #[error("{name} ends after {len} bytes, inside the header of a {format} file")]
    TooShort {
        /// The file, or "standard input".
        name: String,
        /// What it begins like.
        format: &'static str,
        /// Its length in bytes.
        len: u64,
    },
    /// It is something else.
    #[error("{name} is not a capture: {looks_like} (it begins with {first_bytes})")]
    NotACapture {
        /// The file, or "standard input".
        name: String,
        /// What it seems to be instead.
        looks_like: String,
        /// Its first bytes in hexadecimal.
        first_bytes: String,
        /// What to do with this kind of file.
        what_to_do: String,
    },
    /// The compressed data could not be read from its very first block on.
    #[error("{name} is {format} data that cannot be unpacked: {why}")]
    Compression {
        /// The file, or "standard input".
        name: String,
        /// `gzip`, `zstd` or `lz4`.
        format: &'static str,
        /// What the decoder found.
        why: String,
    },
    /// No temporary file could be made to keep piped or unpacked bytes in.
    #[error("cannot make a temporary file in {folder}: {source}")]
    Spool {
        /// Where.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Any other failure of the operating system.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file, or "standard input".
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl OpenError {
    /// What the user can do about it, in one sentence.
    pub fn what_to_do(&self) -> String {
        match self {
            Self::NotFound { .. } => "Check the spelling, or the folder you are in.".into(),
            Self::Permission { path } => {
                format!("Ask its owner, or copy it: sudo install -m 644 {} .", path.display())
            }
            Self::Folder { .. } => "Name a capture file inside the folder.".into(),
            Self::Empty { .. } => "Nothing was captured yet; follow the file if it is still being written.".into(),
            Self::Terminal => "Pipe a capture in (tcpdump -U -w - | wirelore ...), or name a file.".into(),
            Self::TooShort { .. } => "The copy was cut off, or the capture has only just begun: get the whole file.".into(),
            Self::NotACapture { what_to_do, .. } => what_to_do.clone(),
            Self::Compression { .. } => "Get the file again: it was cut off or changed on its way.".into(),
            Self::Spool { .. } => "Set TMPDIR to a folder with room, or unpack the file first.".into(),
            Self::Io { .. } => "Check the disk or network share it is on, and try again.".into(),
        }
    }
}

/// Reading stopped for a reason outside the capture. Damage *inside* a capture is an event, not an error.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A file that was empty or short when it was opened for following turned out to be no capture.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The operating system failed.
    #[error("reading at offset {at} failed: {source}")]
    Io {
        /// Offset in the file or spool.
        at: u64,
        /// Why.
        source: io::Error,
    },
}
