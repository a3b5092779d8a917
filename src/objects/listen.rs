//! What a second reading hears of the objects of a flow: their bytes, and the messages that name them.

use super::names::{keep, safe_name};
use super::{Kind, Name, Object, Wanted};
use crate::exporting::Material;
use crate::reading::Failure;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_kit::field::Role;
use wirelore_kit::row::MessageState;
use wirelore_kit::{Cell, ConvId, Dir, End, Hint, Level, Side, Transport, note};
use wirelore_store::Flow;

/// Labels of bytes that are objects; others are shown with their message and no more.
const OBJECTS: [&str; 3] = ["file", "body", AS_TRANSFERRED];
/// Bytes in a coding: an object only where they could not be decoded.
const AS_TRANSFERRED: &str = "body as transferred";
/// The media type of a letter.
const LETTER: &str = "message/rfc822";

/// A message that may name an object.
#[derive(Default)]
struct Teller {
    protocol: &'static str,
    /// Names of files, in order; a letter has one for each attachment.
    files: Vec<String>,
    /// Of a letter.
    subject: String,
    path: String,
    method: String,
    exchange: Option<u32>,
    asks: bool,
    frame: u32,
    whole: bool,
}

/// Bytes that are gathered.
struct Found {
    message: Name,
    label: Label,
    /// The conversation that reads it: a letter's subject stands there.
    read_by: Option<ConvId>,
    /// Only its beginning was asked for.
    beginning: bool,
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
    tellers: HashMap<Name, Teller>,
    found: Vec<Found>,
    by_key: HashMap<(ConvId, u64, Dir), usize>,
    exchanges: u32,
    wanted: Wanted<'l>,
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
                _ if field.name == "imf.subject" => &mut t.subject,
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

    /// Whether bytes are of an object that was asked for. A letter in several messages is what its first message is.
    fn takes(&self, b: &InnerBytes<'_>, label: &Label, name: &Name) -> bool {
        let kind = match self.wanted.kind {
            None => true,
            Some(Kind::Letters) if !matches!(label, Label::Media(m) if m == LETTER) => false,
            Some(kind) => kind.carried_by(b.spec.name),
        };
        let begun = || self.by_key.contains_key(&(b.conv, b.key.0, b.key.1));
        kind && self.wanted.messages.is_none_or(|all| all.contains(name) || begun())
    }

    fn write(&mut self, index: usize, bytes: &[u8]) -> std::io::Result<()> {
        let Some(folder) = self.wanted.folder else { return Ok(()) };
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
        let name = (b.conv, b.message.0, b.message.1);
        if !self.takes(b, &label, &name) {
            return;
        }
        let index = *self.by_key.entry((b.conv, b.key.0, b.key.1)).or_insert_with(|| {
            let read_by = b.read_by.map(|r| r.0);
            let beginning = b.hint.fact(Side::Server, "part").is_some();
            let (size, sum, part, ended) = (0, Sha256::new(), None, false);
            self.found.push(Found { message: name, label, read_by, beginning, dir: b.key.1, size, sum, part, ended });
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

/// Every wanted object, in the order of flows; saved to the folder if there is one.
///
/// # Errors
/// When recorded bytes can no longer be read, or files cannot be written.
pub fn objects(m: &Material<'_>, wanted: Wanted<'_>) -> Result<Vec<Object>, Failure> {
    match wanted.kind {
        Some(Kind::Certificates) => return super::certificates::objects(m, wanted),
        Some(Kind::Websocket) => return super::websocket::objects(m, wanted),
        _ => {}
    }
    let s = m.snapshot;
    m.work.expect(u64::from(s.flows()));
    let flows: Option<HashSet<u32>> = wanted.messages.map(|all| all.iter().map(|name| name.0.flow).collect());
    let (mut all, mut parts) = (Vec::new(), 0u64);
    for f in s.each_flow() {
        m.work.did(1);
        if s.messages_of(f.id).is_empty() || flows.as_ref().is_some_and(|flows| !flows.contains(&f.id)) {
            continue;
        }
        let mut l = Listener {
            tellers: HashMap::new(),
            found: Vec::new(),
            by_key: HashMap::new(),
            exchanges: 0,
            wanted,
            last: None,
            parts: &mut parts,
            failed: None,
        };
        m.recall.reread(f.id, Level::Bodies, m.work.cancel(), &mut l)?;
        if let Some(e) = l.failed.take() {
            return Err(Failure::write(&e));
        }
        l.last = None;
        gather(&f, l, wanted.folder, &mut all)?;
    }
    Ok(all)
}

/// Turns what was found in a flow into objects.
fn gather(f: &Flow<'_>, l: Listener<'_>, folder: Option<&Path>, all: &mut Vec<Object>) -> Result<(), Failure> {
    let Listener { tellers, found, .. } = l;
    // What names the answers: the questions of the same exchanges.
    let asked: HashMap<(ConvId, u32), &Teller> =
        tellers.iter().filter(|(_, t)| t.asks).filter_map(|(k, t)| Some(((k.0, t.exchange?), t))).collect();
    let subjects: HashMap<ConvId, &str> =
        tellers.iter().filter(|(_, t)| !t.subject.is_empty()).map(|(name, t)| (name.0, &*t.subject)).collect();
    // A message with a decoded form is not listed in the form in which it was transferred too.
    let is_raw = |o: &Found| o.label == Label::Bytes(AS_TRANSFERRED);
    let better: HashSet<Name> = found.iter().filter(|o| !is_raw(o)).map(|o| o.message).collect();
    // The objects of each message that has some: whether they are text.
    let mut several: HashMap<Name, Vec<bool>> = HashMap::new();
    for o in found.iter().filter(|o| !is_raw(o)) {
        let text = matches!(&o.label, Label::Media(m) if m.starts_with("text/"));
        several.entry(o.message).or_default().push(text);
    }
    let mut named_so_far: HashMap<Name, usize> = HashMap::new();
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
        // Letters have no names but their subjects; a part without one is told by what it is part of.
        let letter = media == LETTER;
        let subject = || subjects.get(&o.read_by?).map(|s| wirelore_dissectors::imf::words::shown(s.as_bytes()));
        let name = name.or_else(|| teller.as_ref().and_then(path)).or_else(|| question.and_then(named));
        let name = name.unwrap_or_else(|| if letter { subject().unwrap_or_else(|| "letter".into()) } else { command() });
        let mut object = Object {
            protocol: teller.map_or("", |t| t.protocol),
            name,
            media,
            size: o.size,
            sha256: crate::report::hex(o.sum.finalize()),
            to_server: o.dir == Dir::ToServer,
            frame: teller.map_or(0, |t| u64::from(t.frame).saturating_add(1)),
            stream: f.stream,
            // Of datagrams each is whole, but are they all there?
            whole: teller.is_some_and(|t| t.whole) && (o.ended || f.transport != Transport::Udp),
            beginning: o.beginning,
            saved: None,
        };
        if let (Some(part), Some(folder)) = (o.part, folder) {
            // A subject is no path.
            let named = if letter { object.name.replace(['/', '\\', '?', '#'], "_") } else { object.name.clone() };
            object.saved = Some(keep(&part, folder, &safe_name(&named, &object.media)).map_err(|e| Failure::write(&e))?);
        }
        all.push(object);
    }
    Ok(())
}
