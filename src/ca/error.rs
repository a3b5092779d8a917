//! What can go wrong with keys and certificates, each with its place, its cause and what to do.

use std::path::{Path, PathBuf};

/// Why a key, a certificate or a folder of them cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read, made or removed.
    #[error("{path}: cannot {doing}: {cause}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What was tried, as a verb with its object.
        doing: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// What stands in a file or was given is not what it should be.
    #[error("{what}: {why}. {cure}")]
    Unusable {
        /// What: a path, or the name of an option.
        what: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        cure: &'static str,
    },
    /// A name that no certificate can be made for.
    #[error("{name:?} cannot stand in a certificate: {why}")]
    Name {
        /// The name, cut to a length that can be shown.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The cryptographic library refused, which it does only without randomness or memory.
    #[error("{doing} failed: the system gave no randomness or the key cannot sign")]
    Crypto {
        /// What was tried.
        doing: &'static str,
    },
    /// Another program that was asked to do something did not.
    #[error("{command}: {why}")]
    Command {
        /// The command as one would type it.
        command: String,
        /// How it ended and what it said.
        why: String,
    },
}

impl Error {
    /// A file error from what the system said.
    pub(crate) fn file(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Error {
        move |cause| Error::File { path: path.to_owned(), doing, cause }
    }

    /// Something given that cannot be used.
    pub(crate) fn unusable(what: impl Into<String>, why: impl Into<String>, cure: &'static str) -> Error {
        Error::Unusable { what: what.into(), why: why.into(), cure }
    }
}
