//! `wirelore capture`: packets of this machine or another, printed while they come, kept in files that any program opens.
//!
//! Bytes of a capture come from a [`feed`]; a thread carries whole blocks of them into [`files`]; a session reads the file while it grows,
//! as it reads that of a proxy. So what is shown live is what a later reading of the file shows.

pub mod args;
pub mod bpf;
pub mod extcap;
pub mod feed;
pub mod files;
pub mod helper;
pub mod limits;
#[cfg(feature = "window")]
pub mod live;
pub mod serve;
pub mod sniffed;
pub mod taking;

use crate::cli::{Cli, Command, exit};
use crate::dump::Dump;
use crate::reading::Failure;
use crate::session::{Session, SessionOptions};
use args::{Capture, Shown, Wanted};
use clap::{Parser, ValueEnum};
use feed::{Ended, Feed};
use files::Files;
use helper::{Helper, Interface};
use limits::Stop;
use std::io::{IsTerminal, Write};
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use taking::{Taking, Tally};
use wirelore_capture::{Growth, Options, Source};
use wirelore_proxy::Signals;

/// The headers that filters are checked for where no interface is known (LINKTYPE_ETHERNET).
pub const ETHERNET: i32 = 1;

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Capture) -> Result<(), Failure> {
    if args.list_interfaces {
        return list();
    }
    // A filter that is none is said before anything is opened.
    if let Some(filter) = &args.shown.display {
        crate::filtered::parse(filter)?;
    }
    let (stop, ring) = (limits::stop(args.count, &args.autostop)?, limits::ring(&args.ring)?);
    let wanted = wanted(args)?;
    if args.list_data_link_types {
        return links(&wanted);
    }
    let listener = args.serve.as_deref().map(serve::listen).transpose()?;
    let stdout = args.write.as_ref().is_some_and(|p| p.as_os_str() == "-");
    if stdout && std::io::stdout().is_terminal() {
        let text = "-w - writes bytes to standard output, and that is a terminal. Pipe it: wirelore capture -w - | other";
        return Err(Failure { text: text.into(), code: exit::OPTION });
    }
    if stdout && ring.is_some() {
        return Err(Failure { text: "-b begins files, and standard output is none. Give -w a name.".into(), code: exit::OPTION });
    }
    if stdout && listener.is_some() {
        return Err(Failure {
            text: "--serve sends what a file holds. Give -w a name, or leave it out.".into(),
            code: exit::OPTION,
        });
    }
    let show = args.print || args.write.is_none();
    if show && (stdout || ring.is_some()) {
        let text = "-P prints packets while one file grows; with -b or -w - there is none. Leave -P out, or the other.";
        return Err(Failure { text: text.into(), code: exit::OPTION });
    }
    let packed = args.write.as_deref().and_then(crate::packing::named).is_some();
    if packed && (show || listener.is_some()) {
        let text = "-P and --serve follow the file while it grows, and a packed one cannot be followed. Leave .gz, .lz4 or .zst out of -w's name; `wirelore convert` packs it later.";
        return Err(Failure { text: text.into(), code: exit::OPTION });
    }
    let signals = Signals::listen().map_err(|e| Failure { text: format!("Signals cannot be heard: {e}."), code: exit::INIT })?;
    let feed = feed(args, &wanted)?;
    let stopper = feed.stopper.clone();
    let hear = move || {
        signals.wait_for_one();
        stopper.stop();
    };
    // Without it Ctrl+C ends us at once; blocks are whole all the same.
    let _ = std::thread::Builder::new().name("signals".into()).spawn(hear);
    if !args.quiet {
        eprintln!("Capturing on {}", feed.what);
    }
    let Some(path) = args.write.as_ref().filter(|_| !show) else { return print(args, feed, stop, listener) };
    let files = if stdout { Files::stdout() } else { Files::create(path, ring)? };
    offer(listener, &files)?;
    let taking = Taking::start(feed, files, stop, || {})?;
    count(&taking.tally, args.quiet);
    end(taking, args.quiet)
}

/// Prints packets while they are taken.
fn print(args: &Capture, feed: Feed, stop: Stop, listener: Option<TcpListener>) -> Result<(), Failure> {
    // Whoever wants no file gets none: it has no name as soon as it is open, and is gone with us.
    let temporary = args.write.is_none().then(temporary).transpose()?;
    let files = match (&args.write, &temporary) {
        (Some(path), _) => Files::create(path, None)?,
        (None, Some(t)) => Files::into_file(t.reopen().map_err(|e| unmade(&e))?, t.path()),
        (None, None) => Files::stdout(),
    };
    let growth = files.growth();
    let source = source(files.path().unwrap_or(std::path::Path::new("-")), &growth)?;
    offer(listener, &files)?;
    drop(temporary);
    let dump = dump_of(&args.shown)?;
    let options = SessionOptions {
        keylog: crate::reading::keylog(&dump.from)?,
        decode_as: dump.from.decode_as.iter().map(|d| crate::reading::decode_as(d)).collect::<Result<Vec<_>, _>>()?,
        name: feed.what.clone(),
        ..SessionOptions::default()
    };
    let mut session = Session::start(source, wirelore_dissectors::TABLE, options);
    let over = growth.clone();
    let stopper = feed.stopper.clone();
    let taking = Taking::start(feed, files, stop, || {})?;
    let tally = std::sync::Arc::clone(&taking.tally);
    // The session has read everything only when the last bytes are written: somebody must tell it.
    let ending = std::thread::Builder::new().name("capture end".into()).spawn(move || {
        let ended = taking.wait();
        over.over();
        ended
    });
    let printed = crate::dump::print(&mut session, &dump);
    stopper.stop();
    let ended = match ending.map(std::thread::JoinHandle::join) {
        Ok(Ok((_, went))) => went,
        _ => Err(Failure { text: "Taking packets ended by a fault of Wirelore.".into(), code: exit::CAPTURE }),
    };
    say(&tally, args.quiet);
    printed?;
    told(ended?)
}

/// Offers the file that is being written, if somebody wants that.
fn offer(listener: Option<TcpListener>, files: &Files) -> Result<(), Failure> {
    let (Some(listener), Some(path)) = (listener, files.path()) else { return Ok(()) };
    let file = std::fs::File::open(path).map_err(|e| unmade(&e))?;
    let at = serve::offer(listener, file, files.growth())?;
    eprintln!("Offered at {at}: `wirelore capture -i TCP@{at}` or `wireshark -k -i TCP@{at}` follows it.");
    Ok(())
}

fn unmade(e: &std::io::Error) -> Failure {
    let text = format!("No temporary file can be made: {e}. TMPDIR names the folder for it; by default it is /var/tmp.");
    Failure { text, code: exit::WRITE }
}

/// A file for a capture that nobody wants to keep; only we may read it.
///
/// # Errors
/// The disk is full, say.
pub fn temporary() -> Result<tempfile::NamedTempFile, Failure> {
    let folder = std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), std::path::PathBuf::from);
    tempfile::Builder::new().prefix("wirelore-").suffix(".pcapng").tempfile_in(folder).map_err(|e| unmade(&e))
}

/// The file as a source that follows its growth.
///
/// # Errors
/// It cannot be opened.
pub fn source(path: &std::path::Path, growth: &Growth) -> Result<Source, Failure> {
    let options = Options { follow: true, growth: Some(growth.clone()), block_len: 256 * 1024, ..Options::default() };
    Source::open(path, options)
        .map_err(|e| Failure { text: format!("{e}. {}", e.what_to_do()), code: crate::reading::open_code(&e) })
}

/// The printing flags as those of `wirelore dump`.
fn dump_of(shown: &Shown) -> Result<Dump, Failure> {
    let word = |v: &dyn Fn() -> Option<clap::builder::PossibleValue>| v().map(|v| v.get_name().to_owned()).unwrap_or_default();
    let mut words: Vec<String> = ["wirelore", "dump", "-r", "-", "-l"].map(str::to_owned).into();
    words.extend(["-t".into(), shown.time.clone()]);
    words.extend(["--color".into(), word(&|| shown.color.to_possible_value())]);
    for (given, flag) in [(shown.messages, "-m"), (shown.tree, "-V"), (shown.hex, "-x")] {
        words.extend(given.then(|| flag.to_owned()));
    }
    let given = [("-d", &shown.decode_as), ("-e", &shown.fields), ("-E", &shown.layout)];
    let given = given.into_iter().flat_map(|(flag, all)| all.iter().map(move |value| (flag, value)));
    let once = [("-T", &shown.form), ("-O", &shown.only), ("-Y", &shown.display)];
    let once = once.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
    for (flag, value) in given.chain(once) {
        words.extend([flag.to_owned(), value.clone()]);
    }
    if let Some(keylog) = &shown.keylog {
        words.extend(["--keylog".into(), keylog.display().to_string()]);
    }
    match Cli::try_parse_from(words).map(|c| c.command) {
        Ok(Some(Command::Dump(dump))) => Ok(*dump),
        Ok(_) => Err(Failure { text: "The printing flags cannot be read.".into(), code: exit::OPTION }),
        Err(e) => Err(Failure { text: e.to_string(), code: exit::OPTION }),
    }
}

/// Where packets come from.
fn feed(args: &Capture, wanted: &[Wanted]) -> Result<Feed, Failure> {
    if let Some(host) = &args.ssh {
        let [one] = wanted else {
            return Err(Failure { text: "--ssh captures on one interface: one -i.".into(), code: exit::OPTION });
        };
        if !args.quiet {
            eprintln!("{}", feed::as_typed(&feed::ssh_words(host, one)?));
        }
        return feed::ssh(host, one);
    }
    let over_ip = |w: &Wanted| w.name.as_deref().and_then(|n| n.strip_prefix("TCP@")).map(str::to_owned);
    match wanted {
        [one] if over_ip(one).is_some() => feed::connection(&over_ip(one).unwrap_or_default()),
        all if all.iter().any(|w| over_ip(w).is_some()) => {
            Err(Failure { text: "TCP@HOST:PORT stands alone: it brings interfaces of its own.".into(), code: exit::OPTION })
        }
        all => feed::interfaces(all, args.immediate).map_err(|refused| located(refused, all)),
    }
}

/// A refusal; where a filter was refused, with the place that is wrong in it.
fn located(refused: helper::Refused, wanted: &[Wanted]) -> Failure {
    if refused.code == exit::FILTER
        && let Ok(checker) = Helper::find().and_then(|h| bpf::Checker::start(&h))
    {
        for filter in wanted.iter().map(|w| &w.filter).filter(|f| !f.is_empty()) {
            if let Err(wrong) = checker.check(ETHERNET, filter) {
                return Failure { text: wrong.drawn(filter), code: exit::FILTER };
            }
        }
    }
    refused.into()
}

/// What was asked for, with names for numbers and for nothing.
fn wanted(args: &Capture) -> Result<Vec<Wanted>, Failure> {
    let mut wanted = args.from.wanted.clone();
    if !args.words.is_empty() {
        for w in &mut wanted {
            w.filter = args.words.join(" ");
        }
    }
    if args.ssh.is_some() {
        return Ok(wanted);
    }
    let number = |w: &Wanted| w.name.as_deref().and_then(|n| n.parse::<usize>().ok());
    if wanted.iter().all(|w| w.name.is_some() && number(w).is_none()) {
        return Ok(wanted);
    }
    let all = interfaces()?;
    for w in &mut wanted {
        if let Some(n) = number(w) {
            let of_that_name = all.iter().find(|i| Some(&i.name) == w.name.as_ref());
            let found = of_that_name.or_else(|| all.get(n.checked_sub(1)?));
            w.name = Some(found.map(|i| i.name.clone()).ok_or_else(|| Failure {
                text: format!("-i {n}: there is no interface of this number. `wirelore capture -D` lists {}.", all.len()),
                code: exit::INTERFACE,
            })?);
        } else if w.name.is_none() {
            w.name = usual(&all).map(|i| i.name.clone());
        }
    }
    Ok(wanted)
}

/// Every interface; at least one.
fn interfaces() -> Result<Vec<Interface>, Failure> {
    let all = Helper::find()?.interfaces()?;
    if all.is_empty() {
        let text =
            "There is no interface to capture on. In some containers there is none; files and the proxy work all the same.";
        return Err(Failure { text: text.into(), code: exit::NO_INTERFACES });
    }
    Ok(all)
}

/// The interface that is meant when nobody says which: the first to other machines that is up, else the first that is up.
fn usual(all: &[Interface]) -> Option<&Interface> {
    let up = |i: &&Interface| i.up && i.running && i.name != "any";
    all.iter().filter(up).find(|i| !i.loopback).or_else(|| all.iter().find(up)).or_else(|| all.first())
}

/// `-D`.
fn list() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for (n, i) in interfaces()?.iter().enumerate() {
        let mut line = format!("{}. {}", n.saturating_add(1), i.name);
        if !i.description.is_empty() {
            line.push_str(&format!(" ({})", i.description));
        } else if i.loopback {
            line.push_str(" (Loopback)");
        }
        let state = match (i.up, i.running) {
            (false, _) => "down",
            (true, false) => "no link",
            (true, true) => "up",
        };
        line.push_str(&format!("  {state}"));
        if !i.addresses.is_empty() {
            line.push_str(&format!("  {}", i.addresses.join(" ")));
        }
        writeln!(out, "{line}").map_err(|e| Failure::write(&e))?;
    }
    Ok(())
}

/// `-L`.
fn links(wanted: &[Wanted]) -> Result<(), Failure> {
    let helper = Helper::find()?;
    let mut out = std::io::stdout().lock();
    for name in wanted.iter().filter_map(|w| w.name.as_deref()) {
        let mut text = format!("Data link types of interface {name} (use option -y to set):\n");
        for link in helper.links(name)? {
            text.push_str(&format!("  {} ({})\n", link.name, link.description));
        }
        out.write_all(text.as_bytes()).map_err(|e| Failure::write(&e))?;
    }
    Ok(())
}

/// Shows on a terminal how many packets there are, until the capture ends.
fn count(tally: &Tally, quiet: bool) {
    let show = !quiet && std::io::stderr().is_terminal();
    while !tally.is_over() {
        if show {
            let dropped = tally.dropped();
            let lost = if dropped > 0 { format!(", {dropped} dropped") } else { String::new() };
            // Talk that cannot be written is no loss.
            let _ = write!(std::io::stderr(), "\r{} packets{lost} ", tally.packets.load(Ordering::Relaxed));
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    if show {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

/// Waits for the end and says how it was.
fn end(taking: Taking, quiet: bool) -> Result<(), Failure> {
    let tally = std::sync::Arc::clone(&taking.tally);
    let (files, went) = taking.wait();
    say(&tally, quiet);
    files.map_or(Ok(()), |mut f| f.finish())?;
    told(went?)
}

/// The last words: how many packets there are, and how many there are not.
fn say(tally: &Tally, quiet: bool) {
    let (packets, dropped) = (tally.packets.load(Ordering::Relaxed), tally.dropped());
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    if dropped > 0 {
        eprintln!(
            "{packets} packet{} captured, {dropped} dropped: they are missing from the capture. A larger -B, a filter (-f) or shorter packets (-s) help.",
            plural(packets)
        );
    } else if !quiet {
        eprintln!("{packets} packet{} captured, 0 dropped.", plural(packets));
    }
}

fn told(ended: Ended) -> Result<(), Failure> {
    match ended {
        Ended::Asked | Ended::Over => Ok(()),
        Ended::Broke(why) => Err(Failure {
            text: format!("Capturing broke off: {why}. What was captured until then is kept."),
            code: exit::CAPTURE,
        }),
    }
}
