//! Opening a capture for a command: source, session, progress on standard error, errors with their exit codes.

use crate::cli::{From, exit};
use crate::session::{Session, SessionOptions};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use wirelore_capture::{OpenError, Options, Source};
use wirelore_engine::shard::DecodeAs;
use wirelore_kit::{Problem, Transport};

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

/// Reads `tcp.port==8888,http`, as tshark's `-d`.
///
/// # Errors
/// What is wrong with it and what is known.
pub fn decode_as(text: &str) -> Result<DecodeAs, Failure> {
    let names = || wirelore_dissectors::TABLE.iter().map(|s| s.name).collect::<Vec<_>>().join(", ");
    let wrong =
        |why: String| Failure { text: format!("-d {text}: {why} Write for example: -d tcp.port==8888,http"), code: exit::OPTION };
    let (port, proto) = text.split_once(',').ok_or_else(|| wrong("a comma between port and protocol is missing.".into()))?;
    let (kind, number) =
        port.split_once("==").ok_or_else(|| wrong("== between the kind of port and its number is missing.".into()))?;
    let transport = match kind.trim() {
        "tcp.port" => Transport::Tcp,
        "udp.port" => Transport::Udp,
        other => return Err(wrong(format!("{other} is not known; tcp.port and udp.port are."))),
    };
    let port = number.trim().parse().map_err(|_| wrong(format!("{number} is no port (0 to 65535).")))?;
    let spec = wirelore_dissectors::TABLE.iter().find(|s| s.name == proto.trim());
    let spec = spec.ok_or_else(|| wrong(format!("{proto} is not read; these are: {}.", names())))?;
    Ok(DecodeAs { transport, port, proto: spec.name })
}

/// The key log that was asked for, or the one that the environment names.
///
/// # Errors
/// The one that was asked for cannot be read.
pub fn keylog(from: &From) -> Result<Option<PathBuf>, Failure> {
    match &from.keylog {
        Some(path) => {
            std::fs::File::open(path).map_err(|e| Failure {
                text: format!("The key log {} cannot be read: {e}. Check the path and that you may read it.", path.display()),
                code: exit::OPEN,
            })?;
            Ok(Some(path.clone()))
        }
        // The variable that browsers and curl heed names where keys would be; the file need not be there.
        None => Ok(std::env::var_os("SSLKEYLOGFILE").map(PathBuf::from).filter(|p| p.is_file())),
    }
}

/// Opens what a command reads from.
///
/// # Errors
/// With the sentence to say and the exit code.
pub fn open(from: &From, follow: bool) -> Result<Session, Failure> {
    open_first(from, follow, None)
}

/// Opens what a command reads from, of which `most` packets are read.
///
/// # Errors
/// With the sentence to say and the exit code.
pub fn open_first(from: &From, follow: bool, most: Option<u32>) -> Result<Session, Failure> {
    let decode_as = from.decode_as.iter().map(|d| decode_as(d)).collect::<Result<Vec<_>, _>>()?;
    // Small batches: what waits between threads is memory too.
    let options = Options { follow, block_len: 256 * 1024, ..Options::default() };
    let stdin = from.file.as_os_str() == "-";
    let har = if stdin {
        None
    } else {
        crate::har::open::open(&from.file).map_err(|p| Failure { text: p.to_string(), code: exit::FILE })?
    };
    let (source, har) = match har {
        Some(opened) => opened,
        None => {
            let opened = if stdin { Source::stdin(options) } else { Source::open(&from.file, options) };
            let source = opened.map_err(|e| Failure { text: format!("{e}. {}", e.what_to_do()), code: open_code(&e) })?;
            (source, Vec::new())
        }
    };
    let name = if stdin { "standard input".to_owned() } else { from.file.display().to_string() };
    let size = if stdin { None } else { std::fs::metadata(&from.file).ok().filter(std::fs::Metadata::is_file).map(|m| m.len()) };
    let keylog = keylog(from)?;
    let options = SessionOptions { keylog, decode_as, shards: from.shards, name, size, most, ..SessionOptions::default() };
    let mut session = Session::start(source, wirelore_dissectors::TABLE, options);
    session.har = std::sync::Arc::new(har);
    Ok(session)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_as_is_read_as_tshark_writes_it_and_faults_say_what_is_known() {
        let d = decode_as("tcp.port==8888,http").expect("a good one");
        assert_eq!((d.transport, d.port, d.proto), (Transport::Tcp, 8888, "http"));
        for (text, said) in [
            ("tcp.port==1", "comma"),
            ("tcp.port=80,http", "=="),
            ("sctp.port==1,http", "sctp.port"),
            ("tcp.port==x,http", "no port"),
            ("udp.port==1,gopher", "http"),
        ] {
            let failure = decode_as(text).expect_err(text);
            assert!(failure.text.contains(said), "{}", failure.text);
            assert_eq!(failure.code, exit::OPTION);
        }
    }
}
