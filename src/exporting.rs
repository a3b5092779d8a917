//! `wirelore export`: what was read in another form.

pub mod args;
pub mod columns;
pub mod mbox;
pub mod raw;
#[cfg(feature = "parquet")]
pub mod tables;

use crate::asserting::Of;
use crate::cli::exit;
use crate::objects::{self, Kind, Name, Object, Wanted};
use crate::reading::{self, Failure};
use crate::recall::Recall;
use crate::session::Session;
use crate::whole::Sink;
use crate::{exchanges, filtered, har, letters, tabling};
use args::Export;
use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirelore_export::copy_as::{FORMS, Form, copy_as};
use wirelore_export::exchange::Exchange;
use wirelore_export::swaks::{Letter, swaks};
use wirelore_store::query::Rows;
use wirelore_store::{Snapshot, Work};

/// What exports are made of: one moment of a capture, and what reads its bytes again.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// Reads again.
    pub recall: &'a Recall,
    /// The moment.
    pub snapshot: &'a Arc<Snapshot>,
    /// Is told how far it is, and says when to stop.
    pub work: &'a Work,
}

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Export) -> Result<(), Failure> {
    if let Some(filter) = &args.filter {
        filtered::parse(filter)?;
    }
    let kind = args.objects().map_err(|text| Failure { text, code: exit::OPTION })?;
    let columns = columns::Columns::of(args.of, &args.columns)?;
    let raw = args.raw.as_deref().map(|stream| raw::Raw::parse(stream, args.side)).transpose()?;
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, false)?;
    let (work, snapshot) = (Work::new(), session.store.snapshot());
    let material = Material { recall: &session.recall, snapshot: &snapshot, work: &work };
    watched(&work, || what(&session, &material, args, kind.as_ref(), &columns, raw.as_ref()))?;
    reading::tell_damage(&session);
    Ok(())
}

fn what(
    session: &Session,
    m: &Material<'_>,
    args: &Export,
    objects: Option<&(Kind, std::path::PathBuf)>,
    columns: &columns::Columns,
    raw: Option<&raw::Raw>,
) -> Result<(), Failure> {
    let chosen = |rows: Rows| args.filter.as_ref().map(|f| filtered::rows(session, f, rows, m.work)).transpose();
    if args.jsonl || args.json || args.csv {
        let form = match (args.csv, args.json) {
            (true, _) => tabling::Form::Csv,
            (_, true) => tabling::Form::Json,
            _ => tabling::Form::JsonLines,
        };
        let chosen = chosen(args.of.rows())?;
        let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
        tabling::write(m, args.of, form, columns, chosen.as_deref(), &mut out)?;
        return out.flush().map_err(|e| Failure::write(&e));
    }
    if let Some(folder) = &args.parquet {
        return parquet(m, args, chosen(args.of.rows())?.as_deref(), folder);
    }
    if let Some(raw) = raw {
        return raw.run(m, args.write.as_deref());
    }
    if args.eml.is_some() || args.mbox.is_some() || objects.is_some() {
        let chosen = args.filter.as_ref().map(|f| messages(session, f, m.work)).transpose()?;
        if let Some(folder) = &args.eml {
            let count = eml(m, chosen.as_ref(), folder)?.len();
            eprintln!("wirelore: {count} letter{} in {}", plural(count), folder.display());
        }
        if let Some(path) = &args.mbox {
            mbox::run(m, chosen.as_ref(), path)?;
        }
        if let Some((kind, folder)) = objects {
            let mut out = std::io::stdout().lock();
            for o in saved(m, *kind, chosen.as_ref(), folder)? {
                writeln!(out, "{}", objects::text_line(&o)).map_err(|e| Failure::write(&e))?;
            }
            out.flush().map_err(|e| Failure::write(&e))?;
        }
        return Ok(());
    }
    let passed: Option<HashSet<u32>> = chosen(Rows::Exchanges)?.map(|rows| rows.into_iter().collect());
    let wanted = |e: &Exchange| {
        (args.frame.is_empty() || e.frames.iter().flatten().any(|f| args.frame.contains(f)))
            && passed.as_ref().is_none_or(|rows| rows.contains(&e.id))
    };
    if let Some(path) = &args.har {
        write_har(session, m, &wanted, path)?;
    }
    match args.copy_as.as_ref().and_then(|name| FORMS.iter().find(|f| f.0 == name)) {
        Some((_, form)) => commands(session, m, args, *form, &wanted),
        None => Ok(()),
    }
}

/// Prints requests, or letters, as commands.
fn commands(
    session: &Session,
    m: &Material<'_>,
    args: &Export,
    form: Form,
    wanted: &dyn Fn(&Exchange) -> bool,
) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let mut count = 0usize;
    let mut print = |text: String| {
        let between = if count > 0 { "\n" } else { "" };
        count = count.saturating_add(1);
        writeln!(out, "{between}{text}").map_err(|e| Failure::write(&e))
    };
    if form == Form::Swaks {
        let chosen = args.filter.as_ref().map(|f| messages(session, f, m.work)).transpose()?;
        let frames: Option<HashSet<u32>> = chosen.map(|names| {
            let s = m.snapshot;
            let among = |m: &wirelore_store::MessageRow| names.contains(&(m.conv, m.dir, m.at));
            s.each_message().filter(|(_, m)| among(m)).map(|(_, m)| m.done.saturating_add(1)).collect()
        });
        let wanted = |l: &Letter| {
            (args.frame.is_empty() || args.frame.contains(&l.frame)) && frames.as_ref().is_none_or(|f| f.contains(&l.frame))
        };
        letters::each(session, &mut |l| if wanted(l) { print(swaks(l)) } else { Ok(()) })?;
    } else {
        exchanges::each_of(m, &mut |e| match copy_as(form, &e).filter(|_| wanted(&e)) {
            Some(text) => print(text),
            None => Ok(()),
        })?;
    }
    out.flush().map_err(|e| Failure::write(&e))?;
    if count == 0 {
        eprintln!("wirelore: nothing that this form fits was found");
    }
    Ok(())
}

/// Writes every letter to a folder as .eml, named after its subject; tells those of which only a beginning is there.
///
/// # Errors
/// When recorded bytes can no longer be read, or files cannot be written.
pub fn eml(m: &Material<'_>, messages: Option<&HashSet<Name>>, folder: &Path) -> Result<Vec<Object>, Failure> {
    objects::folder(folder)?;
    let letters = objects::objects(m, Wanted { kind: Some(Kind::Letters), messages, folder: Some(folder) })?;
    for l in letters.iter().filter(|l| l.beginning || !l.whole) {
        let why = if l.beginning { "only its beginning was fetched" } else { "the capture does not have all of it" };
        let name = l.saved.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
        eprintln!("wirelore: {name} (packet {}): {why}", l.frame);
    }
    Ok(letters)
}

/// Writes every object of a kind to a folder, which is made if it is not there; nothing in it is written over.
///
/// # Errors
/// When recorded bytes can no longer be read, or files cannot be written.
pub fn saved(m: &Material<'_>, kind: Kind, messages: Option<&HashSet<Name>>, folder: &Path) -> Result<Vec<Object>, Failure> {
    objects::folder(folder)?;
    let found = objects::objects(m, Wanted { kind: Some(kind), messages, folder: Some(folder) })?;
    eprintln!("wirelore: {} object{} in {}", found.len(), plural(found.len()), folder.display());
    Ok(found)
}

/// tshark's `--export-objects`, with its `-Y`.
///
/// # Errors
/// As [`saved`].
pub fn export_objects(session: &Session, kind: Kind, filter: Option<&str>, folder: &Path) -> Result<(), Failure> {
    let (work, snapshot) = (Work::new(), session.store.snapshot());
    let chosen = filter.map(|f| messages(session, f, &work)).transpose()?;
    saved(&Material { recall: &session.recall, snapshot: &snapshot, work: &work }, kind, chosen.as_ref(), folder).map(|_| ())
}

/// The messages that match, or whose exchanges do.
fn messages(session: &Session, filter: &str, work: &Work) -> Result<HashSet<Name>, Failure> {
    let s = session.store.snapshot();
    let mut rows = filtered::rows(session, filter, Rows::Messages, work)?;
    let exchanges = filtered::rows(session, filter, Rows::Exchanges, work)?;
    rows.extend(exchanges.into_iter().filter_map(|e| s.exchange(e)).flat_map(|e| [e.ask, e.answer]));
    Ok(rows.into_iter().filter_map(|m| s.message(m)).map(|m| (m.conv, m.dir, m.at)).collect())
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Material<'_>, _: &Export, _: Option<&[u32]>, folder: &Path) -> Result<(), Failure> {
    let text = format!(
        "--parquet {}: this build writes no Parquet. Build one that does: cargo build --features parquet; or use --jsonl, which DuckDB reads, too.",
        folder.display()
    );
    Err(Failure { text, code: exit::OPTION })
}

#[cfg(feature = "parquet")]
fn parquet(m: &Material<'_>, args: &Export, chosen: Option<&[u32]>, folder: &Path) -> Result<(), Failure> {
    let name = tables::name(m, &args.from.file, args.of, args.filter.as_deref());
    let told = tables::write(m, args.of, chosen, folder, &name)?;
    eprintln!(
        "wirelore: {} {} in {} file{} below {}",
        told.rows,
        args.of.word(told.rows == 1),
        told.files.len(),
        plural(told.files.len()),
        folder.display()
    );
    Ok(())
}

fn write_har(session: &Session, m: &Material<'_>, wanted: &dyn Fn(&Exchange) -> bool, path: &Path) -> Result<(), Failure> {
    let mut out = Sink::new(path)?;
    let count = har::write(m, &session.har, wanted, &mut out)?;
    out.finish()?;
    if path.as_os_str() == "-" {
        return Ok(());
    }
    eprintln!("wirelore: {count} exchanges in {}", path.display());
    Ok(())
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// Runs work; on a terminal its progress is shown when it takes longer.
fn watched<T>(work: &Work, run: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() || std::io::stdout().is_terminal() {
        return run();
    }
    let (end, ended) = crossbeam_channel::bounded::<()>(0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let began = Instant::now();
            let mut shown = false;
            while ended.recv_timeout(Duration::from_millis(100)) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
                if began.elapsed().as_millis() > 500 {
                    // Talk that cannot be written is no loss.
                    let _ = write!(std::io::stderr(), "\rexporting {:.0} % ", f64::from(work.progress()) * 100.0);
                    shown = true;
                }
            }
            if shown {
                let _ = write!(std::io::stderr(), "\r\x1b[K");
            }
        });
        let done = run();
        drop(end);
        done
    })
}

/// The rows that a kind of rows has.
#[must_use]
pub fn count(s: &Snapshot, of: Of) -> u32 {
    match of {
        Of::Packets => s.packets(),
        Of::Messages => s.messages(),
        Of::Exchanges => s.exchanges(),
        Of::Connections => s.flows(),
    }
}
