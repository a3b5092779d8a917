//! What the window takes out of an open capture: parts of it as captures, HARs, tables and objects, by the functions of the commands.

use crate::asserting::Of;
use crate::convert::Which;
use crate::convert::part::{Became, Part, part};
use crate::exporting::Material;
use crate::exporting::columns::Columns;
use crate::exporting::mbox;
use crate::objects::{self, Kind, Wanted};
use crate::reading::Failure;
use crate::session::Session;
use crate::tabling;
use crate::whole::Whole;
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wirelore_capture::{Growth, Options, Source};
use wirelore_export::exchange::Exchange;
use wirelore_kit::Problem;
use wirelore_store::{Snapshot, Work};
use wirelore_window::exports::{Exporter, Form, Keys, Kind as Rows, Object, Offers, Order, Written};

/// Where the bytes of an open capture lie.
#[derive(Clone)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// How far it has grown, if it does.
    pub growth: Option<Growth>,
    /// A key log that it is read with.
    pub keylog: Option<PathBuf>,
}

/// Takes parts out of one capture.
pub struct Takeout {
    /// Beside that of the window: dropped, it ends nothing.
    session: Session,
    place: Place,
}

fn unwritten(f: Failure) -> Problem {
    Problem { what: "It was not written".into(), why: f.text, what_to_do: "What is open here is as it was.".into() }
}

const fn of(kind: Rows) -> Of {
    match kind {
        Rows::Packets => Of::Packets,
        Rows::Exchanges => Of::Exchanges,
        Rows::Messages => Of::Messages,
        Rows::Connections => Of::Connections,
    }
}

fn told(to: &Path, words: String) -> Written {
    Written { words, path: to.to_path_buf(), ..Written::default() }
}

impl Takeout {
    /// Of this session, whose bytes lie there.
    #[must_use]
    pub fn new(session: &Session, place: Place) -> Takeout {
        Takeout { session: session.beside(), place }
    }

    /// The capture from its beginning, as far as it has grown.
    fn source(&self) -> Result<Source, Problem> {
        let path = &self.place.path;
        if let Some((source, _)) = crate::har::open::open(path)? {
            return Ok(source);
        }
        let mut options = Options::default();
        if let Some(grows) = &self.place.growth {
            let growth = Growth::default();
            growth.grown(grows.now().len);
            growth.over();
            options = Options { follow: true, growth: Some(growth), ..options };
        }
        let mut source = Source::open(path, options).map_err(|e| Problem {
            what: format!("{} could not be read again", path.display()),
            why: format!("{e}."),
            what_to_do: e.what_to_do(),
        })?;
        // What is there now is all that is wanted.
        source.stop_following();
        Ok(source)
    }

    fn capture(&self, order: &Order, work: &Work) -> Result<Option<Written>, Problem> {
        let which = match order.keys {
            Keys::All => Which::All,
            Keys::Needed => Which::Needed,
            Keys::None => Which::None,
        };
        // A key log that is not there any more has no keys for anybody.
        let keylog = self.place.keylog.as_ref().and_then(|path| std::fs::read(path).ok());
        let wanted = Part { packets: order.packets.clone(), which, keylog, pcap: order.form == Form::Pcap, redact: order.redact };
        let written = part(&self.session, self.source()?, wanted, &order.to, work).map_err(unwritten)?;
        Ok(written.map(|Became { words, report, warning }| Written { words, path: order.to.clone(), report, warning }))
    }

    fn har(&self, order: &Order, s: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem> {
        let among = |frame: u32| {
            let all = order.packets.as_ref();
            all.is_none_or(|p| frame.checked_sub(1).is_some_and(|n| p.binary_search(&n).is_ok()))
        };
        let wanted =
            |e: &Exchange| !work.is_cancelled() && (order.packets.is_none() || e.frames.iter().flatten().any(|f| among(*f)));
        let mut count = 0;
        let done = whole(&order.to, work, &mut |out| {
            count = crate::har::write(&self.material(s, work), &self.session.har, &wanted, out)?;
            Ok(())
        })?;
        Ok(done.then(|| told(&order.to, format!("Wrote {count} exchanges"))))
    }

    /// Saves objects that are wanted to a folder.
    fn files(&self, order: &Order, s: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem> {
        let folder = &order.to;
        objects::folder(folder).map_err(unwritten)?;
        let messages = messages(order, s);
        let letters = order.form == Form::Letters;
        let kind = letters.then_some(Kind::Letters);
        let wanted = Wanted { kind, messages: messages.as_ref(), folder: Some(folder) };
        let found = objects::objects(&self.material(s, work), wanted);
        if work.is_cancelled() {
            return Ok(None);
        }
        let found = found.map_err(unwritten)?;
        let size = found.iter().fold(0u64, |n, o| n.saturating_add(o.size));
        let what = if letters { "letters" } else { "objects" };
        let report =
            found.iter().filter(|o| !o.whole).map(|o| format!("{} (packet {}) is not whole.", o.name, o.frame)).collect();
        Ok(Some(Written { report, ..told(folder, format!("Wrote {} {what}, {size} bytes", found.len())) }))
    }

    /// Writes the letters that are wanted to one file.
    fn mbox(&self, order: &Order, s: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem> {
        let (messages, mut count) = (messages(order, s), 0);
        let done = whole(&order.to, work, &mut |mut out| {
            count = mbox::write_to(&self.material(s, work), messages.as_ref(), &mut out, |e, _| Failure::write(e))?;
            Ok(())
        })?;
        Ok(done.then(|| told(&order.to, format!("Wrote {count} letter{}", if count == 1 { "" } else { "s" }))))
    }

    #[cfg(feature = "parquet")]
    fn parquet(&self, order: &Order, s: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem> {
        use crate::exporting::tables;
        let (m, of) = (self.material(s, work), of(order.kind));
        // The same part of the same capture takes the place of its own files.
        let part = order.chosen.as_ref().map(|rows| format!("{rows:?}"));
        let name = tables::name(&m, &self.place.path, of, part.as_deref());
        let told = tables::write(&m, of, order.chosen.as_deref(), &order.to, &name);
        if work.is_cancelled() {
            return Ok(None);
        }
        let told = told.map_err(unwritten)?;
        let (files, rows) = (told.files.len(), told.rows);
        let words = format!("Wrote {rows} {} in {files} file{}", of.word(rows == 1), if files == 1 { "" } else { "s" });
        let report = told.files.iter().map(|f| f.display().to_string()).collect();
        Ok(Some(Written { words, path: order.to.clone(), report, warning: None }))
    }

    #[cfg(not(feature = "parquet"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "with the feature it does")]
    fn parquet(&self, _: &Order, _: &Arc<Snapshot>, _: &Work) -> Result<Option<Written>, Problem> {
        // It is not offered.
        Ok(None)
    }

    fn table(&self, order: &Order, s: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem> {
        let of = of(order.kind);
        let form = match order.form {
            Form::Json => tabling::Form::Json,
            Form::JsonLines => tabling::Form::JsonLines,
            _ => tabling::Form::Csv,
        };
        let columns = Columns::of(of, &order.columns).map_err(unwritten)?;
        let mut count = 0;
        let done = whole(&order.to, work, &mut |out| {
            count = tabling::write(&self.material(s, work), of, form, &columns, order.chosen.as_deref(), out)?;
            Ok(())
        })?;
        Ok(done.then(|| told(&order.to, format!("Wrote {count} {}", order.kind.word().to_lowercase()))))
    }

    fn material<'a>(&'a self, snapshot: &'a Arc<Snapshot>, work: &'a Work) -> Material<'a> {
        Material { recall: &self.session.recall, snapshot, work }
    }
}

/// The messages that are wanted; `None` for all.
fn messages(order: &Order, s: &Snapshot) -> Option<HashSet<objects::Name>> {
    let packets = order.packets.as_ref()?;
    let among = |p: u32| packets.binary_search(&p).is_ok();
    Some(s.each_message().filter(|(_, m)| among(m.first) || among(m.done)).map(|(_, m)| (m.conv, m.dir, m.at)).collect())
}

/// Writes a file that appears under its name when it is whole; false when the work was cancelled.
fn whole(to: &Path, work: &Work, write: &mut dyn FnMut(&mut dyn Write) -> Result<(), Failure>) -> Result<bool, Problem> {
    let failed = |e: &std::io::Error| Problem {
        what: format!("{} was not written", to.display()),
        why: format!("{e}."),
        what_to_do: "Check that the folder is there and that you may write to it.".into(),
    };
    let file = Whole::new(to).map_err(|e| failed(&e))?;
    let mut out = std::io::BufWriter::new(file);
    let went = write(&mut out);
    if work.is_cancelled() {
        return Ok(false);
    }
    went.map_err(unwritten)?;
    let file = out.into_inner().map_err(|e| failed(e.error()))?;
    if work.is_cancelled() {
        return Ok(false);
    }
    file.finish().map_err(|e| failed(&e))?;
    Ok(true)
}

impl Exporter for Takeout {
    fn offers(&self) -> Offers {
        Offers { tables: true, redact: true, parquet: cfg!(feature = "parquet") }
    }

    fn export(&self, order: &Order, s: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem> {
        match order.form {
            Form::Pcapng | Form::Pcap => self.capture(order, work),
            Form::Har => self.har(order, s, work),
            Form::Mbox => self.mbox(order, s, work),
            Form::Objects | Form::Letters => self.files(order, s, work),
            Form::Csv | Form::Json | Form::JsonLines => self.table(order, s, work),
            Form::Parquet => self.parquet(order, s, work),
        }
    }

    fn objects(&self, s: &Arc<Snapshot>, work: &Work) -> Result<Option<Vec<Object>>, Problem> {
        let found = objects::objects(&self.material(s, work), Wanted::default());
        if work.is_cancelled() {
            return Ok(None);
        }
        let found = found.map_err(|f| Problem {
            what: "Objects could not be looked for".into(),
            why: f.text,
            what_to_do: "Look again.".into(),
        })?;
        let shown = |o: objects::Object| Object {
            protocol: o.protocol,
            name: o.name,
            media: o.media,
            size: o.size,
            sha256: o.sha256,
            to_server: o.to_server,
            packet: u32::try_from(o.frame.saturating_sub(1)).unwrap_or(u32::MAX),
            whole: o.whole,
        };
        Ok(Some(found.into_iter().map(shown).collect()))
    }

    fn save(&self, object: &Object, to: &Path) -> Result<Written, Problem> {
        let hold = tempfile::tempdir().map_err(|e| unwritten(Failure::write(&e)))?;
        let (work, s) = (Work::new(), self.session.store.snapshot());
        // Only what its packet completed is read again.
        let done = s.messages_done_in(object.packet);
        let of = done.iter().filter_map(|m| s.message(*m));
        let messages: HashSet<objects::Name> = of.map(|m| (m.conv, m.dir, m.at)).collect();
        let wanted = Wanted { kind: None, messages: Some(&messages), folder: Some(hold.path()) };
        let found = objects::objects(&self.material(&s, &work), wanted).map_err(unwritten)?;
        let same = |o: &&objects::Object| {
            o.sha256 == object.sha256 && o.frame == u64::from(object.packet).saturating_add(1) && o.name == object.name
        };
        let saved = found.iter().find(same).and_then(|o| o.saved.as_ref());
        let Some(saved) = saved else {
            return Err(Problem {
                what: "The object is not there any more".into(),
                why: "The capture was read again and says otherwise now.".into(),
                what_to_do: "Look again, and save it then.".into(),
            });
        };
        whole(to, &work, &mut |out| {
            let mut from = std::fs::File::open(saved).map_err(|e| Failure::write(&e))?;
            std::io::copy(&mut from, out).map(drop).map_err(|e| Failure::write(&e))
        })?;
        Ok(told(to, format!("Wrote {} bytes", object.size)))
    }
}
