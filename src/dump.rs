//! `wirelore dump`: packets or messages as text, JSON, XML or columns of fields, with tshark's flags.

pub mod args;
pub(crate) mod bulk;
pub(crate) mod follow;
mod messages;
pub(crate) mod names;
mod packets;
mod settings;
mod written;

use crate::cli::{Colour, exit};
use crate::filtered;
use crate::filtering::Filters;
use crate::objects::Kind;
use crate::reading::{self, Failure};
use crate::session::Session;
use crate::statistics::Asked;
pub use args::{Dump, Form};
use packets::Packets;
use std::io::{BufWriter, IsTerminal, StdoutLock, Write};
use std::path::PathBuf;
use std::sync::PoisonError;
use wirelore_export::frame::{Clock, Frame};
use wirelore_filter::Filter;
use wirelore_kit::Cancel;
use wirelore_store::query::{Bits, Rows};
use wirelore_store::{Snapshot, Work};

/// Standard output, in lines.
struct Out<'p> {
    out: BufWriter<StdoutLock<'p>>,
    colour: bool,
    /// Each line goes out at once.
    at_once: bool,
}

impl Out<'_> {
    /// A line, coloured if that is wanted.
    fn line(&mut self, line: &str, colour: &str) -> Result<(), Failure> {
        let went = if self.colour && !colour.is_empty() {
            writeln!(self.out, "\x1b[{colour}m{line}\x1b[0m")
        } else {
            writeln!(self.out, "{line}")
        };
        went.and_then(|()| if self.at_once { self.out.flush() } else { Ok(()) }).map_err(|e| Failure::write(&e))
    }

    /// Text that has its line ends.
    fn text(&mut self, text: &str) -> Result<(), Failure> {
        let went = self.out.write_all(text.as_bytes());
        went.and_then(|()| if self.at_once { self.out.flush() } else { Ok(()) }).map_err(|e| Failure::write(&e))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|e| Failure::write(&e))
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Dump) -> Result<(), Failure> {
    let args = settings::applied(args)?;
    packets::check(&args)?;
    filter(&args)?;
    let (follows, objects, statistics) = (follows(&args)?, objects(&args)?, statistics(&args)?);
    let args = written::copied(args)?;
    let nothing = args.quiet && args.write.is_none() && !args.messages;
    if nothing && [follows.len(), objects.len(), statistics.len()] == [0; 3] {
        return Ok(());
    }
    // Messages are counted when they are printed.
    let most = args.count.filter(|_| !args.messages);
    let mut session = reading::open_first(&args.from, args.tail, most)?;
    let plain = args.form == Form::Text
        && args.write.is_none()
        && args.filter.is_none()
        && [follows.len(), objects.len(), statistics.len()] == [0; 3];
    if !plain && !args.tail && !args.line_buffered && args.count.is_none_or(|_| !args.messages) {
        // What is learnt later (keys, who announced whom) is in the first packet's tree then, too.
        reading::finish(&mut session, true)?;
    }
    print(&mut session, &args)?;
    objects
        .iter()
        .try_for_each(|(kind, folder)| crate::exporting::export_objects(&session, *kind, args.filter.as_deref(), folder))
}

/// What `--export-objects` asks for.
fn objects(args: &Dump) -> Result<Vec<(Kind, PathBuf)>, Failure> {
    let each = |text: &String| {
        let (kind, folder) = text.split_once(',').ok_or("write for example http,FOLDER.")?;
        Ok((crate::exporting::args::object_kind(kind)?, PathBuf::from(folder)))
    };
    let read = |text| each(text).map_err(|why: String| wrong(format!("--export-objects {text}: {why}")));
    args.export_objects.iter().map(read).collect()
}

/// What `--follow` and `-z` ask for.
fn follows(args: &Dump) -> Result<Vec<follow::Follow>, Failure> {
    let asked = args.statistics.iter().filter(|z| z.starts_with("follow,"));
    args.follow.iter().chain(asked).map(|f| follow::Follow::parse(f)).collect()
}

/// What else `-z` asks for: what `wirelore stats` makes.
fn statistics(args: &Dump) -> Result<Vec<Asked>, Failure> {
    args.statistics.iter().filter(|z| !z.starts_with("follow,")).map(|z| crate::statistics::read(z)).collect()
}

/// The display filter.
fn filter(args: &Dump) -> Result<Option<Filter>, Failure> {
    let parse = |text: &String| filtered::parse(text).map_err(|f| Failure { text: format!("-Y: {}", f.text), ..f });
    args.filter.as_ref().map(parse).transpose()
}

/// Prints what a session reads, while it is being read: also what a live capture brings.
///
/// # Errors
/// What stopped it.
pub fn print(session: &mut Session, args: &Dump) -> Result<(), Failure> {
    let stdout = std::io::stdout();
    let colour = match args.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let at_once = args.line_buffered || args.tail || stdout.is_terminal();
    let mut out = Out { out: BufWriter::with_capacity(64 * 1024, stdout.lock()), colour, at_once };
    let filter = filter(args)?;
    let (filters, kind) = (Filters::default(), if args.messages { Rows::Messages } else { Rows::Packets });
    let follows = follows(args)?;
    let mut printer = Printer::new(args)?;
    let cancel = Cancel::new();
    let most = args.count.filter(|_| args.messages).unwrap_or(u32::MAX);
    let mut next = 0u32;
    printer.begin(&mut out)?;
    loop {
        let snapshot = session.store.snapshot();
        let done = snapshot.progress().done;
        let there = if args.messages { messages::closed(&snapshot, next, done) } else { snapshot.packets() };
        let to = there.min(most);
        if done
            && next == 0
            && !args.messages
            && printer.written.is_none()
            && let Some(bulk) = printer.packets.as_ref().and_then(Packets::bulk)
        {
            let mut rows = Bits::none(snapshot.packets());
            match &filter {
                Some(filter) => {
                    let found = filters.rows(filter, &snapshot, &session.recall, kind, &Work::new())?;
                    found.into_iter().filter(|n| *n < to).for_each(|n| rows.set(n));
                }
                None => (0..to).for_each(|n| rows.set(n)),
            }
            bulk.print(&mut out, session, &snapshot, rows, &mut printer.clock)?;
            break;
        }
        match &filter {
            // What is whole is judged; while a capture grows, what has come so far.
            Some(filter) if done || to == most || args.tail || args.line_buffered => {
                let rows = filters.rows(filter, &snapshot, &session.recall, kind, &Work::new())?;
                for n in rows.into_iter().filter(|n| (next..to).contains(n)) {
                    printer.row(&mut out, session, &snapshot, n, &cancel)?;
                }
                next = next.max(to);
            }
            Some(_) => {}
            None => {
                while next < to {
                    printer.row(&mut out, session, &snapshot, next, &cancel)?;
                    next += 1;
                }
            }
        }
        if next >= most {
            session.cancel();
            break;
        }
        if done {
            break;
        }
        out.flush()?;
        // The first rows should come at once; later ones may wait for a batch.
        let nap = if next == 0 { 300 } else { 5000 };
        std::thread::sleep(std::time::Duration::from_micros(nap));
    }
    printer.end(&mut out, session)?;
    for follow in &follows {
        follow.print(&mut out, session, &cancel)?;
    }
    for asked in &statistics(args)? {
        out.text(&crate::statistics::make(session, asked)?.text)?;
    }
    out.flush()?;
    drop(out);
    session.wait()?;
    reading::tell_damage(session);
    Ok(())
}

/// What rows become.
struct Printer<'a> {
    args: &'a Dump,
    clock: Clock,
    packets: Option<Packets<'a>>,
    written: Option<written::Written>,
}

impl<'a> Printer<'a> {
    fn new(args: &'a Dump) -> Result<Printer<'a>, Failure> {
        let written = args.write.as_deref().map(|path| written::Written::new(path, args)).transpose()?;
        let prints = !args.quiet && args.follow.is_empty() && !args.messages && (written.is_none() || args.print);
        let packets = if prints { Some(Packets::new(args)?) } else { None };
        Ok(Printer { args, clock: Clock::default(), packets, written })
    }

    fn begin(&mut self, out: &mut Out<'_>) -> Result<(), Failure> {
        self.packets.as_mut().map_or(Ok(()), |p| p.begin(out))
    }

    fn row(&mut self, out: &mut Out<'_>, session: &Session, s: &Snapshot, n: u32, cancel: &Cancel) -> Result<(), Failure> {
        if self.args.messages {
            return messages::message(out, self.args, &*session.recall, s, n, &mut self.clock, cancel);
        }
        if let Some(w) = &mut self.written {
            w.packet(&session.recall, s, n)?;
        }
        if let Some(p) = &mut self.packets {
            let Some(frame) = self.clock.at(s, n) else { return Ok(()) };
            p.packet(out, session, s, &frame, cancel)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Out<'_>, session: &Session) -> Result<(), Failure> {
        if let Some(p) = &mut self.packets {
            p.end(out)?;
        }
        let keys = !session.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty();
        self.written.take().map_or(Ok(()), |w| w.finish(keys))
    }
}

/// An option was wrong.
fn wrong(text: String) -> Failure {
    Failure { text, code: exit::OPTION }
}
