//! What the window takes out of an open capture: parts of it as captures, HARs, tables and objects, by the functions of the commands.

use crate::convert::Which;
use crate::convert::part::{Part, part};
use crate::objects;
use crate::reading::Failure;
use crate::session::Session;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wirelore_capture::{Growth, Options, Source};
use wirelore_export::exchange::Exchange;
use wirelore_kit::Problem;
use wirelore_store::{Snapshot, Work};
use wirelore_window::exports::{Exporter, Form, Keys, Object, Offers, Order, Written};

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

fn told(to: &Path, words: String) -> Written {
    Written { words, path: to.to_path_buf(), report: Vec::new() }
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
        let wanted = Part { packets: order.packets.clone(), which, keylog, pcap: order.form == Form::Pcap };
        let written = part(&self.session, self.source()?, wanted, &order.to, work).map_err(unwritten)?;
        Ok(written.map(|(words, report)| Written { report, ..told(&order.to, words) }))
    }

    fn har(&self, order: &Order, work: &Work) -> Result<Option<Written>, Problem> {
        let among = |frame: u32| {
            let all = order.packets.as_ref();
            all.is_none_or(|p| frame.checked_sub(1).is_some_and(|n| p.binary_search(&n).is_ok()))
        };
        let wanted =
            |e: &Exchange| !work.is_cancelled() && (order.packets.is_none() || e.frames.iter().flatten().any(|f| among(*f)));
        let mut count = 0;
        let done = whole(&order.to, work, &mut |out| {
            count = crate::har::write(&self.session, &wanted, out)?;
            Ok(())
        })?;
        Ok(done.then(|| told(&order.to, format!("Wrote {count} exchanges"))))
    }

    /// Saves objects that are wanted to a folder.
    fn files(&self, order: &Order, work: &Work) -> Result<Option<Written>, Problem> {
        let folder = &order.to;
        let made =
            std::fs::create_dir_all(folder).and_then(|()| tempfile::Builder::new().prefix(".wirelore-").tempdir_in(folder));
        let hold = made.map_err(|e| Problem {
            what: format!("The folder {} cannot be written to", folder.display()),
            why: format!("{e}."),
            what_to_do: "Choose one that you may write to.".into(),
        })?;
        let found = objects::objects(&self.session, Some(hold.path())).map_err(unwritten)?;
        if work.is_cancelled() {
            return Ok(None);
        }
        let letters = order.form == Form::Letters;
        let among = |frame: u64| {
            let number = frame.checked_sub(1).and_then(|n| u32::try_from(n).ok());
            order.packets.as_ref().is_none_or(|p| number.is_some_and(|n| p.binary_search(&n).is_ok()))
        };
        let (mut count, mut size) = (0u64, 0u64);
        for o in found.iter().filter(|o| among(o.frame) && (!letters || o.media == "message/rfc822")) {
            let Some(saved) = &o.saved else { continue };
            let name = objects::safe_name(&o.name, &o.media);
            objects::keep(saved, folder, &name).map_err(|e| unwritten(Failure::write(&e)))?;
            (count, size) = (count.saturating_add(1), size.saturating_add(o.size));
        }
        let what = if letters { "letters" } else { "objects" };
        Ok(Some(told(folder, format!("Wrote {count} {what}, {size} bytes"))))
    }
}

/// Writes a file that appears under its name when it is whole; false when the work was cancelled.
fn whole(to: &Path, work: &Work, write: &mut dyn FnMut(&mut dyn Write) -> Result<(), Failure>) -> Result<bool, Problem> {
    let failed = |e: &std::io::Error| Problem {
        what: format!("{} was not written", to.display()),
        why: format!("{e}."),
        what_to_do: "Check that the folder is there and that you may write to it.".into(),
    };
    let folder = to.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".wirelore-").tempfile_in(folder).map_err(|e| failed(&e))?;
    let mut out = std::io::BufWriter::new(&file);
    write(&mut out).map_err(unwritten)?;
    out.flush().map_err(|e| failed(&e))?;
    drop(out);
    if work.is_cancelled() {
        return Ok(false);
    }
    file.persist(to).map_err(|e| failed(&e.error))?;
    Ok(true)
}

impl Exporter for Takeout {
    fn offers(&self) -> Offers {
        Offers::default()
    }

    fn export(&self, order: &Order, _: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem> {
        match order.form {
            Form::Pcapng | Form::Pcap => self.capture(order, work),
            Form::Har => self.har(order, work),
            Form::Objects | Form::Letters => self.files(order, work),
            Form::Csv | Form::Json | Form::JsonLines | Form::Parquet => Ok(None),
        }
    }

    fn objects(&self, _: &Arc<Snapshot>, work: &Work) -> Result<Option<Vec<Object>>, Problem> {
        let found = objects::objects(&self.session, None).map_err(|f| Problem {
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
        Ok((!work.is_cancelled()).then(|| found.into_iter().map(shown).collect()))
    }

    fn save(&self, object: &Object, to: &Path) -> Result<Written, Problem> {
        let hold = tempfile::tempdir().map_err(|e| unwritten(Failure::write(&e)))?;
        let found = objects::objects(&self.session, Some(hold.path())).map_err(unwritten)?;
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
        let work = Work::new();
        whole(to, &work, &mut |out| {
            let mut from = std::fs::File::open(saved).map_err(|e| Failure::write(&e))?;
            std::io::copy(&mut from, out).map(drop).map_err(|e| Failure::write(&e))
        })?;
        Ok(told(to, format!("Wrote {} bytes", object.size)))
    }
}
