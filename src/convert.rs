//! `wirelore convert`: a capture in another format, or a part of it with the keys that belong to it.
//!
//! The capture is read by the source that all commands read with; a filter reads it once before, as a session. A pcapng becomes a pcapng by
//! copying its blocks, so that what nobody here knows stays in it.

mod anew;
mod chosen;
mod copy;
mod keys;
#[cfg(feature = "window")]
pub(crate) mod part;

use crate::cli::{From, exit};
use crate::dump::args::Format;
use crate::reading::{self, Failure};
use crate::redact::{self, Redaction};
use crate::whole::Sink;
use anew::Anew;
use chosen::{Chosen, Frames};
use clap::{Args, ValueEnum};
use copy::Copier;
use keys::{Keep, Keys};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use wirelore_capture::{Event, Options, Source, Step};
use wirelore_store::Work;

/// Which secrets the output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// All that are there.
    All,
    /// Those of the TLS and QUIC sessions whose packets are kept.
    Needed,
    /// None.
    None,
}

/// `wirelore convert`.
#[derive(Debug, Args, Default)]
pub struct Convert {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// Write to this file, which appears when it is whole; `.gz`, `.zst` and `.lz4` pack it; `-` is standard output.
    #[arg(short = 'w', long = "write", value_name = "FILE", required_unless_present = "extract_keys")]
    pub write: Option<PathBuf>,
    /// Its format; by default what the file's name says, else pcapng.
    #[arg(short = 'F', value_enum, value_name = "pcap|nsecpcap|pcapng")]
    pub format: Option<Format>,
    /// Keep only packets that match, in the language of display filters.
    #[arg(short = 'Y', long = "filter", value_name = "FILTER")]
    pub filter: Option<String>,
    /// Keep only packets with these numbers: `1-100,205,300-`.
    #[arg(long, value_name = "NUMBERS")]
    pub frames: Option<String>,
    /// The secrets to keep; by default all, or with -Y and --frames those that are needed.
    #[arg(long, value_enum, value_name = "all|needed|none")]
    pub keys: Option<Which>,
    /// Put this key log (SSLKEYLOGFILE) into the capture, before the packets.
    #[arg(long, value_name = "FILE")]
    pub inject_keys: Option<PathBuf>,
    /// Write the TLS keys that the capture holds to this key log.
    #[arg(long, value_name = "FILE")]
    pub extract_keys: Option<PathBuf>,
    /// Leave all secrets out, as `--keys none`.
    #[arg(long, conflicts_with_all = ["keys", "inject_keys"])]
    pub strip_keys: bool,
    /// Replace passwords, cookies, tokens and other secrets by text of the same length, in the packets, and leave all keys out.
    #[arg(long, requires = "write", conflicts_with_all = ["inject_keys", "extract_keys"])]
    pub redact: bool,
    /// Replace these fields, too.
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',', requires = "redact")]
    pub redact_fields: Vec<String>,
    /// Write what was replaced, and where, to this file as JSON.
    #[arg(long, value_name = "FILE", requires = "redact")]
    pub report: Option<PathBuf>,
}

/// What became of the capture.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    packets: u64,
    kept: u64,
    /// Custom blocks that must not be copied into a changed capture.
    fixed: u64,
    /// Comments, names, counters and secrets that the format has no room for.
    lost: u64,
}

/// Told of every batch how many packets are in it; false: nobody wants the rest.
type Watch<'a> = dyn Fn(usize) -> bool + 'a;

fn watched(watch: &Watch, packets: usize) -> io::Result<()> {
    if watch(packets) { Ok(()) } else { Err(io::Error::from(io::ErrorKind::Interrupted)) }
}

/// An option was wrong.
fn wrong(text: String) -> Failure {
    Failure { text, code: exit::OPTION }
}

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Convert) -> Result<(), Failure> {
    let which = if args.strip_keys { Some(Which::None) } else { args.keys };
    let mut chosen = Chosen { filtered: None, frames: args.frames.as_deref().map(Frames::parse).transpose()? };
    if let Some(filter) = &args.filter {
        crate::filtered::parse(filter)?;
    }
    if which == Some(Which::None) && args.inject_keys.is_some() {
        return Err(wrong("--keys none leaves out what --inject-keys puts in. Give one of them.".into()));
    }
    if args.redact && which.is_some_and(|w| w != Which::None) {
        return Err(wrong("--redact writes no keys, for they would open what it cannot replace. Leave --keys out.".into()));
    }
    let which = if args.redact { Some(Which::None) } else { which };
    let secret_fields = redact::fields(&args.redact_fields)?;
    let inject = args.inject_keys.as_deref().map(key_log).transpose()?;
    let slices = chosen.slices() || args.filter.is_some();
    let needed = which == Some(Which::Needed) || (which.is_none() && slices);
    let mut from = args.from.clone();
    // What is read twice must be there twice.
    let reads = needed || args.filter.is_some() || args.redact;
    let held = if from.file.as_os_str() == "-" && reads { Some(hold_stdin()?) } else { None };
    if let Some(held) = &held {
        from.file = held.path().to_path_buf();
    }
    let mut keep = if which == Some(Which::None) { Keep::None } else { Keep::All };
    let mut redaction = None;
    if reads {
        if from.keylog.is_none() && args.inject_keys.is_some() {
            from.keylog.clone_from(&args.inject_keys);
        }
        let mut session = reading::open(&from, false)?;
        reading::finish(&mut session, false)?;
        if let Some(filter) = &args.filter {
            chosen.filtered = Some(chosen::by_filter(&session, filter)?);
        }
        if needed {
            keep = Keep::Of(chosen::randoms(&session, &chosen)?);
        }
        if args.redact {
            let plan = Redaction::plan(&session, &secret_fields, &Work::new());
            // Without a plan nothing is written.
            redaction = Some(plan.ok_or_else(|| wrong("--redact: it was cancelled.".into()))?);
        }
    }
    let extract = args.extract_keys.as_deref().map(new_key_log).transpose()?;
    let mut keys = Keys { keep, inject, extract, other_left_out: 0, lines: 0, written: false };
    let source = open(&from.file)?;
    let told = match &args.write {
        Some(path) => {
            let (told, pcapng) = write(source, path, args.format, &chosen, &mut keys, redaction.as_mut(), &|_| true)?;
            tell(path, pcapng, &told, &keys);
            told
        }
        None if is_pcapng(&source) => {
            copy(source, &mut io::sink(), &chosen, &mut keys, None, &|_| true).map_err(|e| Failure::write(&e))?
        }
        None => return Err(wrong("--extract-keys: a pcap holds no keys; only a pcapng does.".into())),
    };
    if let Some(mut out) = keys.extract.take() {
        out.flush().map_err(|e| Failure::write(&e))?;
    }
    if slices && told.kept == 0 {
        eprintln!("wirelore: no packet of {} was chosen", told.packets);
    }
    redaction.map_or(Ok(()), |r| tell_redaction(args, &r.report()))
}

/// Says what was replaced, where the capture itself is not in the way.
fn tell_redaction(args: &Convert, report: &redact::Report) -> Result<(), Failure> {
    let to = args.write.as_deref().unwrap_or(Path::new("-"));
    if let Some(path) = &args.report {
        let text = format!("{:#}\n", report.json(&args.from.file.display().to_string(), &to.display().to_string()));
        std::fs::write(path, text)
            .map_err(|e| Failure { text: format!("--report {}: {e}. Name another place.", path.display()), code: exit::WRITE })?;
    }
    if to.as_os_str() == "-" {
        eprint!("{}", report.table());
    } else {
        io::stdout().write_all(report.table().as_bytes()).map_err(|e| Failure::write(&e))?;
    }
    match report.left() {
        0 => Ok(()),
        n => Err(Failure {
            text: format!("{n} secrets are still in the output; the report says where. Leave these packets out with --frames."),
            code: exit::UNMET,
        }),
    }
}

fn is_pcapng(source: &Source) -> bool {
    source.format() == Some(wirelore_capture::Format::Pcapng)
}

/// Writes the capture to `path` in the format that was asked for, or that its name says.
fn write(
    source: Source,
    path: &Path,
    asked: Option<Format>,
    chosen: &Chosen,
    keys: &mut Keys,
    redaction: Option<&mut Redaction>,
    watch: &Watch,
) -> Result<(Told, bool), Failure> {
    let mut sink = Sink::new(path)?;
    // A pcap that only its name asks for is as fine as the times in it.
    let format = asked.or_else(|| (!crate::packing::names_pcap(path)).then_some(Format::Pcapng));
    let pcapng = format == Some(Format::Pcapng);
    let told = if is_pcapng(&source) && pcapng {
        copy(source, &mut sink, chosen, keys, redaction, watch).map_err(|e| sink.failed(&e))?
    } else {
        if !pcapng && keys.inject.is_some() {
            return Err(wrong("--inject-keys: a pcap has no room for keys. Write a pcapng (-F pcapng).".into()));
        }
        anew(source, &mut sink, format, chosen, keys, redaction, watch).map_err(|e| sink.failed(&e))?
    };
    if keys.written {
        sink.is_secret()?;
    }
    sink.finish()?;
    Ok((told, pcapng))
}

/// Copies a pcapng block by block.
fn copy(
    mut source: Source,
    out: &mut impl Write,
    chosen: &Chosen,
    keys: &mut Keys,
    redaction: Option<&mut Redaction>,
    watch: &Watch,
) -> io::Result<Told> {
    let changes = redaction.is_some() || chosen.slices() || keys.inject.is_some() || !matches!(keys.keep, Keep::All);
    let mut copier = Copier::new(out, source.reader(), chosen, keys, changes, redaction);
    loop {
        match source.next().map_err(io::Error::other)? {
            Step::Batch(batch) => {
                watched(watch, batch.items.len())?;
                copier.batch(&batch)?;
            }
            Step::Event(event) => {
                tell_event(&event);
                copier.event(&event)?;
            }
            Step::Pending => copier.out.flush()?,
            Step::End => break,
        }
    }
    copier.end()?;
    Ok(copier.told)
}

/// Writes a capture packet by packet.
fn anew(
    mut source: Source,
    out: &mut impl Write,
    format: Option<Format>,
    chosen: &Chosen,
    keys: &mut Keys,
    redaction: Option<&mut Redaction>,
    watch: &Watch,
) -> io::Result<Told> {
    let mut anew = Anew::new(out, format, chosen, keys, redaction);
    loop {
        match source.next().map_err(io::Error::other)? {
            Step::Batch(batch) => {
                watched(watch, batch.items.len())?;
                anew.batch(&batch)?;
            }
            Step::Event(event) => {
                tell_event(&event);
                anew.event(&event)?;
            }
            Step::Pending => anew.flush()?,
            Step::End => break,
        }
    }
    anew.finish().map(|(_, told)| told)
}

/// Says what is damaged.
fn tell_event(event: &Event) {
    if let Event::Damage(d) = event {
        eprintln!("wirelore: at byte {}: {}. {} {}", d.at, d.what, d.why, d.what_to_do);
    }
}

/// Says what was written, and what was not.
fn tell(path: &Path, pcapng: bool, told: &Told, keys: &Keys) {
    let name = if path.as_os_str() == "-" { "standard output".to_owned() } else { path.display().to_string() };
    let lines = if keys.lines > 0 { format!(", {} lines of keys", keys.lines) } else { String::new() };
    eprintln!("wirelore: {} of {} packets in {name}{lines}", told.kept, told.packets);
    if told.lost > 0 && !pcapng {
        eprintln!(
            "wirelore: a pcap has no room for {} comments, names, counters and blocks of keys; --extract-keys writes keys to a file",
            told.lost
        );
    }
    if told.fixed > 0 {
        eprintln!("wirelore: {} custom blocks that must not be in a changed capture were left out", told.fixed);
    }
    if keys.other_left_out > 0 {
        eprintln!("wirelore: {} blocks of keys that are not TLS were left out; --keys all keeps them", keys.other_left_out);
    }
}

fn open(file: &Path) -> Result<Source, Failure> {
    let options = Options::default();
    let opened = if file.as_os_str() == "-" { Source::stdin(options) } else { Source::open(file, options) };
    opened.map_err(|e| Failure { text: format!("{e}. {}", e.what_to_do()), code: reading::open_code(&e) })
}

/// Keeps standard input in a temporary file, to be read twice.
fn hold_stdin() -> Result<NamedTempFile, Failure> {
    let hold = || {
        let mut held = NamedTempFile::new()?;
        io::copy(&mut io::stdin().lock(), &mut held)?;
        Ok(held)
    };
    hold().map_err(|e: io::Error| Failure {
        text: format!("Standard input cannot be kept in a temporary file: {e}. Save it to a file and name that with -r."),
        code: exit::READ,
    })
}

fn key_log(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure {
        text: format!("--inject-keys {}: {e}. Check the path and that you may read it.", path.display()),
        code: exit::OPEN,
    })
}

/// A key log that only its owner may read.
fn new_key_log(path: &Path) -> Result<Box<dyn Write>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdout()));
    }
    let made = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    made.map(|f| Box::new(io::BufWriter::new(f)) as Box<dyn Write>)
        .map_err(|e| Failure { text: format!("--extract-keys {}: {e}. Name another place.", path.display()), code: exit::WRITE })
}
