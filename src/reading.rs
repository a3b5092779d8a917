//! Opening a capture for a command: source, session, progress on standard error, errors with their exit codes.

use crate::cli::{From, exit};
use crate::session::{Session, SessionOptions};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use wirelore_capture::{OpenError, Options, Source};
use wirelore_kit::Problem;

/// Why a command ended early: what to say and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// Said on standard error.
    pub text: String,
    /// The process's exit code.
    pub code: i32,
}

impl Failure {
    /// Writing to standard output failed. A broken pipe is silent and fine: the reader had enough.
    #[must_use]
    pub fn write(e: &std::io::Error) -> Failure {
        if e.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure { text: String::new(), code: exit::DONE };
        }
        Failure { text: format!("Writing failed: {e}."), code: exit::WRITE }
    }
}

impl std::convert::From<Problem> for Failure {
    fn from(p: Problem) -> Failure {
        Failure { text: p.to_string(), code: exit::READ }
    }
}

/// The exit code of a file that would not open.
#[must_use]
pub fn open_code(e: &OpenError) -> i32 {
    match e {
        OpenError::NotFound { .. } | OpenError::Permission { .. } | OpenError::Spool { .. } | OpenError::Io { .. } => exit::OPEN,
        _ => exit::FILE,
    }
}

/// Opens what a command reads from.
///
/// # Errors
/// With the sentence to say and the exit code.
pub fn open(from: &From, follow: bool) -> Result<Session, Failure> {
    let options = Options { follow, ..Options::default() };
    let stdin = from.file.as_os_str() == "-";
    let opened = if stdin { Source::stdin(options) } else { Source::open(&from.file, options) };
    let source = opened.map_err(|e| Failure { text: format!("{e}. {}", e.what_to_do()), code: open_code(&e) })?;
    let name = if stdin { "standard input".to_owned() } else { from.file.display().to_string() };
    let size = if stdin { None } else { std::fs::metadata(&from.file).ok().filter(std::fs::Metadata::is_file).map(|m| m.len()) };
    let keylog = match &from.keylog {
        Some(path) => {
            std::fs::File::open(path).map_err(|e| Failure {
                text: format!("The key log {} cannot be read: {e}. Check the path and that you may read it.", path.display()),
                code: exit::OPEN,
            })?;
            Some(path.clone())
        }
        // The variable that browsers and curl heed names where keys would be; the file need not be there.
        None => std::env::var_os("SSLKEYLOGFILE").map(PathBuf::from).filter(|p| p.is_file()),
    };
    let options = SessionOptions { keylog, shards: from.shards, name, size };
    Ok(Session::start(source, wirelore_dissectors::TABLE, options))
}

/// Waits until all is read; shows progress on a terminal.
///
/// # Errors
/// What stopped the reading.
pub fn finish(session: &mut Session, quiet: bool) -> Result<(), Failure> {
    let show = !quiet && std::io::stderr().is_terminal();
    if show {
        let began = std::time::Instant::now();
        loop {
            let snapshot = session.store.snapshot();
            let p = snapshot.progress();
            if p.done {
                break;
            }
            if began.elapsed().as_millis() > 300 {
                let share = p.share().map_or(String::new(), |s| format!(" {:.0} %", f64::from(s) * 100.0));
                // Talk that cannot be written is no loss.
                let _ = write!(std::io::stderr(), "\rreading{share}, {} packets ", snapshot.packets());
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        if began.elapsed().as_millis() > 300 {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
    session.wait().map_err(Failure::from)
}

/// Says on standard error what was wrong with the file itself.
pub fn tell_damage(session: &Session) {
    let snapshot = session.store.snapshot();
    for d in snapshot.facts().damages.iter().take(20) {
        eprintln!("wirelore: at byte {}: {}. {} {}", d.offset, d.what, d.why, d.what_to_do);
    }
}
