//! `wirelore dump`: packets or messages as text, while the capture is being read.

use crate::cli::{Colour, Dump, Time};
use crate::reading::{self, Failure};
use crate::session::Session;
use std::io::{BufWriter, IsTerminal, Write};
use wirelore_content::{Ink, Options};
use wirelore_export::text;
use wirelore_export::time::TimeStyle;
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{Buffer, Cancel, Tree, TreeSource, What, verdict};
use wirelore_store::Snapshot;

struct Printer<'p> {
    out: BufWriter<std::io::StdoutLock<'p>>,
    style: TimeStyle,
    colour: bool,
    first: i64,
    before: i64,
    line_buffered: bool,
}

impl Printer<'_> {
    fn time(&mut self, s: &Snapshot, packet: u32) -> String {
        let t = s.packet(packet).map_or(i64::MIN, |p| p.time);
        if self.first == i64::MIN {
            self.first = s.time_of(0).unwrap_or(t);
            self.before = t;
        }
        let shown = self.style.show(t, self.first, self.before);
        self.before = t;
        shown
    }

    fn line(&mut self, line: &str, colour: &str) -> Result<(), Failure> {
        let went = if self.colour && !colour.is_empty() {
            writeln!(self.out, "\x1b[{colour}m{line}\x1b[0m")
        } else {
            writeln!(self.out, "{line}")
        };
        went.and_then(|()| if self.line_buffered { self.out.flush() } else { Ok(()) }).map_err(|e| Failure::write(&e))
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Dump) -> Result<(), Failure> {
    let mut session = reading::open(&args.from, args.follow)?;
    print(&mut session, args)
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
    let style = match args.time {
        Time::R => TimeStyle::Relative,
        Time::Ad | Time::U => TimeStyle::Utc,
        Time::D => TimeStyle::Delta,
        Time::E => TimeStyle::Epoch,
    };
    let line_buffered = args.line_buffered || args.follow || stdout.is_terminal();
    let out = BufWriter::with_capacity(64 * 1024, stdout.lock());
    let mut p = Printer { out, style, colour, first: i64::MIN, before: i64::MIN, line_buffered };
    let most = args.count.unwrap_or(u32::MAX);
    let mut next = 0u32;
    let cancel = Cancel::new();
    loop {
        let snapshot = session.store.snapshot();
        let done = snapshot.progress().done;
        let there = if args.messages { closed_messages(&snapshot, next, done) } else { snapshot.packets() };
        while next < there.min(most) {
            if args.messages {
                message(&mut p, &*session.recall, &snapshot, next, args, &cancel)?;
            } else {
                packet(&mut p, &*session.recall, &snapshot, next, args, &cancel)?;
            }
            next += 1;
        }
        if next >= most {
            session.cancel();
            break;
        }
        if done {
            break;
        }
        p.out.flush().map_err(|e| Failure::write(&e))?;
        // The first rows should come at once; later ones may wait for a batch.
        let nap = if next == 0 { 300 } else { 5000 };
        std::thread::sleep(std::time::Duration::from_micros(nap));
    }
    p.out.flush().map_err(|e| Failure::write(&e))?;
    drop(p);
    session.wait()?;
    reading::tell_damage(session);
    Ok(())
}

/// Rows up to the first that is still open, so that lines come in order and are final.
fn closed_messages(s: &Snapshot, from: u32, done: bool) -> u32 {
    let all = s.messages();
    if done {
        return all;
    }
    (from..all).find(|m| s.message(*m).is_some_and(|r| r.state == MessageState::Open)).unwrap_or(all)
}

fn packet(
    p: &mut Printer<'_>,
    recall: &dyn TreeSource,
    s: &Snapshot,
    n: u32,
    args: &Dump,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let Some(row) = s.packet(n) else { return Ok(()) };
    let time = p.time(s, n);
    let line = recall.lines(n..n.saturating_add(1), cancel)?.into_iter().next().unwrap_or_default();
    let colour = if row.bits & verdict::trouble() != 0 { "31" } else { "" };
    p.line(&text::packet_line(n, &time, row.wire_len, &line), colour)?;
    if args.tree || args.hex {
        let tree = recall.tree(What::Packet(n), cancel)?;
        if args.tree {
            p.line(&text::tree(&tree), "")?;
        }
        if args.hex {
            for (i, b) in tree.buffers.iter().enumerate() {
                if i > 0 {
                    p.line(&format!("{} ({} bytes):", b.label, b.bytes.len()), "")?;
                }
                p.line(&text::hex(b), "")?;
            }
        }
    }
    Ok(())
}

fn message(
    p: &mut Printer<'_>,
    recall: &dyn TreeSource,
    s: &Snapshot,
    id: u32,
    args: &Dump,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let Some(row) = s.message(id).filter(|m| !m.withdrawn) else { return Ok(()) };
    let time = p.time(s, if row.done == NONE { row.first } else { row.done });
    let colour = if row.state == MessageState::Bad { "31" } else { "" };
    p.line(&text::message_line(s, id, &time), colour)?;
    if args.tree || args.hex || args.bodies {
        let tree = recall.tree(What::Message(id), cancel)?;
        if args.tree {
            p.line(&text::tree(&tree), "")?;
        }
        if args.hex {
            for b in &tree.buffers {
                p.line(&format!("{} ({} bytes):", b.label, b.bytes.len()), "")?;
                p.line(&text::hex(b), "")?;
            }
        }
        if args.bodies {
            for b in wirelore_content::bodies(&tree) {
                body(p, &tree, b, cancel)?;
            }
        }
    }
    Ok(())
}

/// What a message carries, line by line, and what is wrong with it.
fn body(p: &mut Printer<'_>, tree: &Tree, b: &Buffer, cancel: &Cancel) -> Result<(), Failure> {
    let Some(view) = wirelore_content::view(&b.bytes, &wirelore_content::media(tree, b), Options::default(), cancel) else {
        return Ok(());
    };
    p.line(&format!("{} ({} bytes), shown as {}:", b.label, b.bytes.len(), view.form.word()), "1")?;
    for note in &view.notes {
        p.line(&format!("  ! {note}"), "33")?;
    }
    for line in 0..view.lines() {
        let mut text = String::from("  ");
        for (ink, word) in view.words(line) {
            let code = if p.colour { ansi(ink) } else { "" };
            if code.is_empty() {
                text.push_str(word);
            } else {
                text.push_str(&format!("\x1b[{code}m{word}\x1b[0m"));
            }
        }
        p.line(&text, "")?;
    }
    Ok(())
}

/// Colours that terminals have in either theme.
const fn ansi(ink: Ink) -> &'static str {
    match ink {
        Ink::Plain | Ink::Mark => "",
        Ink::Name => "34",
        Ink::Text => "32",
        Ink::Number => "33",
        Ink::Word => "35",
        Ink::Comment | Ink::Said => "2",
        Ink::Fault => "31",
    }
}
