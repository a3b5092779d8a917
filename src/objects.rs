//! `wirelore objects`: every file, body and letter that was transferred, with its size and digest; on request saved to a folder.
//!
//! What is an object is said by the dissectors alone: bytes that they hand on as a media type or as a file. Its name comes from the fields
//! whose role it is to name files and paths, in the message itself or in the question that it answers.

use crate::cli::Objects;
use crate::reading::{self, Failure};
use crate::session::Session;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_kit::field::Role;
use wirelore_kit::row::MessageState;
use wirelore_kit::{Cancel, Cell, ConvId, Dir, End, Hint, Level, Transport, note};
use wirelore_store::Flow;

/// So many bytes of a name are kept.
const MOST_NAME: usize = 120;
/// Labels of bytes that are objects; others are shown with their message and no more.
const OBJECTS: [&str; 3] = ["file", "body", AS_TRANSFERRED];
/// Bytes in a coding: an object only where they could not be decoded.
const AS_TRANSFERRED: &str = "body as transferred";

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
    /// Where it was saved.
    pub saved: Option<PathBuf>,
}

/// A message that may name an object.
#[derive(Default)]
struct Teller {
    protocol: &'static str,
    /// Names of files, in order; a letter has one for each attachment.
    files: Vec<String>,
    path: String,
    method: String,
    exchange: Option<u32>,
    asks: bool,
    frame: u32,
    whole: bool,
}

/// Bytes that are gathered.
struct Found {
    message: (ConvId, Dir, u64),
    label: Label,
    dir: Dir,
    size: u64,
    sum: Sha256,
    part: Option<PathBuf>,
    ended: bool,
}

#[derive(PartialEq, Eq)]
enum Label {
    Media(String),
    Bytes(&'static str),
}

/// Listens to one flow.
struct Listener<'l> {
    tellers: HashMap<(ConvId, Dir, u64), Teller>,
    found: Vec<Found>,
    by_key: HashMap<(ConvId, u64, Dir), usize>,
    exchanges: u32,
    folder: Option<&'l Path>,
    /// The file written last stays open.
    last: Option<(usize, File)>,
    parts: &'l mut u64,
    failed: Option<std::io::Error>,
}

impl Listener<'_> {
    fn take(&mut self, m: &Message<'_>) {
        let t = self.tellers.entry((m.conv, m.dir, m.at)).or_default();
        t.protocol = m.spec.name;
        t.exchange = m.exchange.or(t.exchange);
        t.asks |= m.asks;
        t.frame = m.done.number;
        let hole = m.sink.notes.iter().any(|n| std::ptr::eq(n.what, &raw const note::HOLE));
        t.whole = m.state == MessageState::Whole && !hole;
        for (field, cell) in m.sink.cells.iter().skip(m.new_cells) {
            let slot = match field.role {
                Some(Role::File) => {
                    t.files.push(String::new());
                    let Some(last) = t.files.last_mut() else { continue };
                    last
                }
                Some(Role::Path) => &mut t.path,
                Some(Role::Method) => &mut t.method,
                _ => continue,
            };
            if let (true, Cell::Text(range)) = (slot.is_empty(), cell) {
                *slot = String::from_utf8_lossy(m.sink.text(range)).into_owned();
            }
        }
    }

    fn write(&mut self, index: usize, bytes: &[u8]) -> std::io::Result<()> {
        let Some(folder) = self.folder else { return Ok(()) };
        if self.last.as_ref().is_none_or(|(i, _)| *i != index) {
            let Some(found) = self.found.get_mut(index) else { return Ok(()) };
            let path = found.part.get_or_insert_with(|| {
                *self.parts = self.parts.saturating_add(1);
                folder.join(format!(".wirelore-{}-{}.part", std::process::id(), self.parts))
            });
            self.last = Some((index, OpenOptions::new().create(true).append(true).open(path)?));
        }
        match &mut self.last {
            Some((_, file)) => file.write_all(bytes),
            None => Ok(()),
        }
    }
}

impl Listen for Listener<'_> {
    fn opened(&mut self, m: &Message<'_>) {
        self.take(m);
    }

    fn changed(&mut self, m: &Message<'_>) {
        self.take(m);
    }

    fn exchange(&mut self) -> u32 {
        self.exchanges = self.exchanges.saturating_add(1);
        self.exchanges
    }

    fn inner(&mut self, b: &InnerBytes<'_>) {
        let label = match b.hint {
            Hint::Media(told) => Label::Media(told.name.to_string()),
            Hint::Bytes(label) if OBJECTS.contains(label) => Label::Bytes(label),
            _ => return,
        };
        let index = *self.by_key.entry((b.conv, b.key.0, b.key.1)).or_insert_with(|| {
            let message = (b.conv, b.message.0, b.message.1);
            self.found.push(Found { message, label, dir: b.key.1, size: 0, sum: Sha256::new(), part: None, ended: false });
            self.found.len() - 1
        });
        if let Some(found) = self.found.get_mut(index) {
            found.size = found.size.saturating_add(b.bytes.len() as u64);
            found.sum.update(b.bytes);
        }
        if let Err(e) = self.write(index, b.bytes) {
            self.failed = self.failed.take().or(Some(e));
        }
    }

    fn inner_end(&mut self, conv: ConvId, _: (Dir, u64), key: (u64, Dir), how: End) {
        if let Some(found) = self.by_key.get(&(conv, key.0, key.1)).and_then(|i| self.found.get_mut(*i)) {
            found.ended = how == End::Fin;
        }
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Objects) -> Result<(), Failure> {
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, false)?;
    if let Some(folder) = &args.save {
        std::fs::create_dir_all(folder).map_err(|e| Failure {
            text: format!("The folder {} cannot be made: {e}. Choose one that you may write to.", folder.display()),
            code: crate::cli::exit::WRITE,
        })?;
    }
    let objects = objects(&session, args.save.as_deref())?;
    let mut out = std::io::stdout().lock();
    for o in &objects {
        let line = if args.json { json_line(o) } else { text_line(o) };
        writeln!(out, "{line}").map_err(|e| Failure::write(&e))?;
    }
    out.flush().map_err(|e| Failure::write(&e))?;
    reading::tell_damage(&session);
    Ok(())
}

fn json_line(o: &Object) -> String {
    json!({
        "protocol": o.protocol, "name": o.name, "media": o.media, "size": o.size, "sha256": o.sha256,
        "dir": if o.to_server { "c2s" } else { "s2c" }, "frame": o.frame, "stream": o.stream, "whole": o.whole, "saved": o.saved,
    })
    .to_string()
}

fn text_line(o: &Object) -> String {
    let short: String = o.sha256.chars().take(16).collect();
    let arrow = if o.to_server { "up" } else { "down" };
    let media = if o.media.is_empty() { String::new() } else { format!(" {}", o.media) };
    let cut = if o.whole { "" } else { " (incomplete)" };
    // Names come from the wire and go to a terminal.
    let name = wirelore_kit::Text(o.name.as_bytes());
    format!("frame {:>7} stream {:>5} {:<8} {arrow:<4} {:>10} {short} {name}{media}{cut}", o.frame, o.stream, o.protocol, o.size)
}

/// Every object of a session that is read to its end, in the order of flows; saved to `folder` if there is one.
///
/// # Errors
/// When recorded bytes can no longer be read, or files cannot be written.
pub fn objects(session: &Session, folder: Option<&Path>) -> Result<Vec<Object>, Failure> {
    let s = session.store.snapshot();
    let cancel = Cancel::new();
    let (mut all, mut parts) = (Vec::new(), 0u64);
    for f in s.each_flow() {
        if s.messages_of(f.id).is_empty() {
            continue;
        }
        let mut l = Listener {
            tellers: HashMap::new(),
            found: Vec::new(),
            by_key: HashMap::new(),
            exchanges: 0,
            folder,
            last: None,
            parts: &mut parts,
            failed: None,
        };
        session.recall.reread(f.id, Level::Bodies, &cancel, &mut l)?;
        if let Some(e) = l.failed.take() {
            return Err(Failure::write(&e));
        }
        l.last = None;
        gather(&f, l, folder, &mut all)?;
    }
    Ok(all)
}

/// Turns what was found in a flow into objects.
fn gather(f: &Flow<'_>, l: Listener<'_>, folder: Option<&Path>, all: &mut Vec<Object>) -> Result<(), Failure> {
    let Listener { tellers, found, .. } = l;
    // What names the answers: the questions of the same exchanges.
    let asked: HashMap<(ConvId, u32), &Teller> =
        tellers.iter().filter(|(_, t)| t.asks).filter_map(|(k, t)| Some(((k.0, t.exchange?), t))).collect();
    // A message with a decoded form is not listed in the form in which it was transferred too.
    let is_raw = |o: &Found| o.label == Label::Bytes(AS_TRANSFERRED);
    let better: HashSet<(ConvId, Dir, u64)> = found.iter().filter(|o| !is_raw(o)).map(|o| o.message).collect();
    // The objects of each message that has some: whether they are text.
    let mut several: HashMap<(ConvId, Dir, u64), Vec<bool>> = HashMap::new();
    for o in found.iter().filter(|o| !is_raw(o)) {
        let text = matches!(&o.label, Label::Media(m) if m.starts_with("text/"));
        several.entry(o.message).or_default().push(text);
    }
    let mut named_so_far: HashMap<(ConvId, Dir, u64), usize> = HashMap::new();
    for o in found {
        if is_raw(&o) && better.contains(&o.message) {
            if let Some(part) = &o.part {
                // A part that cannot be removed does no harm besides its room.
                let _ = std::fs::remove_file(part);
            }
            continue;
        }
        let teller = tellers.get(&o.message);
        let question = teller.and_then(|t| asked.get(&(o.message.0, t.exchange?)));
        let n = named_so_far.entry(o.message).or_insert(0);
        let text = matches!(&o.label, Label::Media(m) if m.starts_with("text/"));
        let own = |t: &&Teller| match several.get(&o.message) {
            // Of a letter's parts those that are no text have names, if there are as many of them as of names.
            Some(parts) if parts.len() > 1 => {
                let files = parts.iter().filter(|text| !**text).count();
                t.files.get(*n).filter(|_| !text && files == t.files.len()).cloned()
            }
            _ => t.files.first().filter(|n| !n.is_empty()).cloned(),
        };
        let name = teller.as_ref().and_then(own);
        *n = n.saturating_add(usize::from(!text));
        let named = |t: &&Teller| t.files.first().or(Some(&t.path)).filter(|n| !n.is_empty()).cloned();
        let path = |t: &&Teller| Some(&t.path).filter(|n| !n.is_empty()).cloned();
        // A listing has no name but that of its command.
        let command = || teller.map(|t| t.method.clone()).unwrap_or_default();
        let media = if let Label::Media(m) = o.label { m } else { String::new() };
        // Letters have no names; a part without one is told by what it is part of.
        let letter = media == "message/rfc822";
        let name = name.or_else(|| teller.as_ref().and_then(path)).or_else(|| question.and_then(named));
        let name = name.unwrap_or_else(|| if letter { "letter".into() } else { command() });
        let mut object = Object {
            protocol: teller.map_or("", |t| t.protocol),
            name,
            media,
            size: o.size,
            sha256: o.sum.finalize().iter().map(|b| format!("{b:02x}")).collect(),
            to_server: o.dir == Dir::ToServer,
            frame: teller.map_or(0, |t| u64::from(t.frame).saturating_add(1)),
            stream: f.stream,
            // Of datagrams each is whole, but are they all there?
            whole: teller.is_some_and(|t| t.whole) && (o.ended || f.transport != Transport::Udp),
            saved: None,
        };
        if let (Some(part), Some(folder)) = (o.part, folder) {
            object.saved = Some(keep(&part, folder, &safe_name(&object.name, &object.media)).map_err(|e| Failure::write(&e))?);
        }
        all.push(object);
    }
    Ok(())
}

/// Moves a part to a name that is free; nothing is ever written over.
fn keep(part: &Path, folder: &Path, name: &str) -> std::io::Result<PathBuf> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 10 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for n in 1u32.. {
        let path = if n == 1 { folder.join(name) } else { folder.join(format!("{stem} ({n}){extension}")) };
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => {
                std::fs::rename(part, &path)?;
                return Ok(path);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(std::io::Error::other("no free name"))
}

/// A name from the wire as a file's name: its last part, without characters that some system takes for more than a letter.
#[must_use]
pub fn safe_name(name: &str, media: &str) -> String {
    let path = name.split(['?', '#']).next().unwrap_or("");
    let last = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or("");
    let mut safe = String::new();
    for c in last.chars() {
        let plain = c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')' | '+' | ',' | '@' | '=' | '~');
        if safe.len() + c.len_utf8() > MOST_NAME {
            break;
        }
        safe.push(if plain { c } else { '_' });
    }
    // Neither hidden, nor a way upwards, nor with an end that some systems drop.
    let mut safe = safe.trim_start_matches(['.', ' ', '-']).trim_end_matches(['.', ' ']).to_owned();
    let stem = safe.split('.').next().unwrap_or("").to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ((stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.len() == 4
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    if device {
        safe.insert(0, '_');
    }
    if safe.is_empty() {
        safe.push_str("object");
    }
    if !safe.contains('.') {
        let extension = match media {
            "text/html" => "html",
            "text/plain" => "txt",
            "text/css" => "css",
            "text/javascript" | "application/javascript" => "js",
            "application/json" => "json",
            "application/pdf" => "pdf",
            "application/xml" | "text/xml" => "xml",
            "image/png" => "png",
            "image/jpeg" => "jpg",
            "image/gif" => "gif",
            "image/webp" => "webp",
            "image/svg+xml" => "svg",
            "message/rfc822" => "eml",
            "application/zip" => "zip",
            _ => "",
        };
        if !extension.is_empty() {
            safe.push('.');
            safe.push_str(extension);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{keep, safe_name};

    #[test]
    fn a_name_from_the_wire_never_leads_out_of_the_folder() {
        for (name, media, safe) in [
            ("../../etc/passwd", "", "passwd"),
            ("..\\..\\x.exe", "", "x.exe"),
            ("..", "", "object"),
            ("/", "text/html", "object.html"),
            ("", "message/rfc822", "object.eml"),
            ("/menu?x=../../y", "text/html", "menu.html"),
            (".profile", "", "profile"),
            ("a\0b:c*d\n.txt", "", "a_b_c_d_.txt"),
            ("nul.txt", "", "_nul.txt"),
            ("COM1", "", "_COM1"),
            ("-rf", "", "rf"),
            ("two words.txt", "", "two words.txt"),
            ("kuchen-ä.jpg", "", "kuchen-ä.jpg"),
            ("dot.", "", "dot"),
        ] {
            assert_eq!(safe_name(name, media), safe, "{name:?}");
        }
        assert!(safe_name(&"ä".repeat(500), "").len() <= 120);
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = std::env::temp_dir().join(format!("wirelore-objects-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut names = Vec::new();
        for n in 0..3 {
            let part = folder.join(format!(".part{n}"));
            std::fs::write(&part, [n]).expect("a part");
            let path = keep(&part, &folder, "a.txt").expect("a name");
            assert_eq!(std::fs::read(&path).expect("the file"), [n]);
            names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        assert_eq!(names, ["a.txt", "a (2).txt", "a (3).txt"]);
        std::fs::remove_dir_all(&folder).expect("tidied");
    }
}
