//! `wirelore objects`: every file, body and letter that was transferred, with its size and digest; on request saved to a folder.
//!
//! What is an object is said by the dissectors alone: bytes that they hand on as a media type or as a file. Its name comes from the fields
//! whose role it is to name files and paths, in the message itself or in the question that it answers.

pub mod certificates;
mod listen;
mod names;
pub mod websocket;

use crate::cli::{Objects, exit};
use crate::exporting::Material;
use crate::reading::{self, Failure};
use crate::session::Session;
use clap::ValueEnum;
pub use listen::objects;
use names::keep;
pub use names::safe_name;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use wirelore_kit::{ConvId, Dir};
use wirelore_store::Work;

/// A message: its conversation, direction and offset.
pub(crate) type Name = (ConvId, Dir, u64);

/// What objects are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Bodies of HTTP, in all its versions.
    Http,
    /// Files and listings of FTP.
    #[value(alias = "ftp-data")]
    Ftp,
    /// Files of TFTP.
    Tftp,
    /// Letters of SMTP, LMTP, POP3 and IMAP, and each of their parts.
    #[value(alias = "imf")]
    Mail,
    /// Certificates of TLS and QUIC handshakes, each once.
    #[value(alias = "x509af")]
    Certificates,
    /// Messages of WebSockets.
    Websocket,
    /// Letters alone.
    #[value(skip)]
    Letters,
}

impl Kind {
    /// Whether objects that a protocol carries are of this kind.
    fn carried_by(self, protocol: &str) -> bool {
        match self {
            Kind::Http => matches!(protocol, "http" | "http2.stream" | "http3.stream"),
            Kind::Ftp => matches!(protocol, "ftp" | "ftp-data"),
            Kind::Tftp => protocol == "tftp",
            Kind::Mail => matches!(protocol, "smtp" | "pop" | "imap" | "imf"),
            Kind::Letters => matches!(protocol, "smtp" | "pop" | "imap"),
            Kind::Certificates | Kind::Websocket => false,
        }
    }
}

/// Which objects are wanted, and where they go.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'w> {
    /// Of one kind; `None`: all that are transferred as such.
    pub kind: Option<Kind>,
    /// Those of these messages.
    pub messages: Option<&'w HashSet<Name>>,
    /// Saved to this folder, which is there.
    pub folder: Option<&'w Path>,
}

/// One object that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The protocol that carried it.
    pub protocol: &'static str,
    /// What it is called, as the protocol says; not safe as a file's name.
    pub name: String,
    /// Its media type, where the protocol says one.
    pub media: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Whether it came from the client.
    pub to_server: bool,
    /// The packet that completed the message, counted from 1.
    pub frame: u64,
    /// Number of the TCP or UDP stream.
    pub stream: u32,
    /// All of it was there.
    pub whole: bool,
    /// Only its beginning was asked for (POP3's TOP).
    pub beginning: bool,
    /// Where it was saved.
    pub saved: Option<PathBuf>,
}

impl Object {
    /// Its bytes are digested, and saved under a name that is free, if there is a folder.
    fn of_bytes(mut self, bytes: &[u8], folder: Option<&Path>) -> Result<Object, Failure> {
        self.size = bytes.len() as u64;
        self.sha256 = crate::report::hex(Sha256::digest(bytes));
        if let Some(folder) = folder {
            let write = || {
                let part = tempfile::Builder::new().prefix(".wirelore-").tempfile_in(folder)?;
                part.as_file().write_all(bytes)?;
                keep(&part.into_temp_path().keep()?, folder, &safe_name(&self.name, &self.media))
            };
            self.saved = Some(write().map_err(|e: std::io::Error| Failure::write(&e))?);
        }
        Ok(self)
    }
}

/// Makes the folder that things are saved to, if it is not there.
///
/// # Errors
/// It cannot be made.
pub(crate) fn folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|e| Failure {
        text: format!("The folder {} cannot be made: {e}. Choose one that you may write to.", folder.display()),
        code: exit::WRITE,
    })
}

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Objects) -> Result<(), Failure> {
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, false)?;
    if let Some(to) = &args.save {
        folder(to)?;
    }
    let objects = of_session(&session, Wanted { folder: args.save.as_deref(), ..Wanted::default() })?;
    let mut out = std::io::stdout().lock();
    for o in &objects {
        let line = if args.json { json_line(o) } else { text_line(o) };
        writeln!(out, "{line}").map_err(|e| Failure::write(&e))?;
    }
    out.flush().map_err(|e| Failure::write(&e))?;
    reading::tell_damage(&session);
    Ok(())
}

/// Every wanted object of a session that is read to its end.
///
/// # Errors
/// When recorded bytes can no longer be read, or files cannot be written.
pub fn of_session(session: &Session, wanted: Wanted<'_>) -> Result<Vec<Object>, Failure> {
    let (work, snapshot) = (Work::new(), session.store.snapshot());
    objects(&Material { recall: &session.recall, snapshot: &snapshot, work: &work }, wanted)
}

pub(crate) fn json_line(o: &Object) -> String {
    json!({
        "protocol": o.protocol, "name": o.name, "media": o.media, "size": o.size, "sha256": o.sha256,
        "dir": if o.to_server { "c2s" } else { "s2c" }, "frame": o.frame, "stream": o.stream, "whole": o.whole, "saved": o.saved,
    })
    .to_string()
}

pub(crate) fn text_line(o: &Object) -> String {
    let short: String = o.sha256.chars().take(16).collect();
    let arrow = if o.to_server { "up" } else { "down" };
    let media = if o.media.is_empty() { String::new() } else { format!(" {}", o.media) };
    let cut = if o.whole { "" } else { " (incomplete)" };
    // Names come from the wire and go to a terminal.
    let name = wirelore_kit::Text(o.name.as_bytes());
    format!("frame {:>7} stream {:>5} {:<8} {arrow:<4} {:>10} {short} {name}{media}{cut}", o.frame, o.stream, o.protocol, o.size)
}
