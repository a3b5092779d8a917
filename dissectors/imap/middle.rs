//! IMAP in the middle: commands and responses with their literals, in the order in which they come, and STARTTLS at its exact byte.
//!
//! A client that announces a literal waits for leave before it sends it (RFC 9051 §4.3). So such a command is judged by its first line; if
//! its body is wanted, we give leave ourselves, gather all of it, and give the server one part after another as it gives leave to us.

use super::line::{MOST_LINE, literal};
use super::{fields as f, is_tag};
use crate::coding::lines;
use bytes::Bytes;
use std::collections::VecDeque;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, MOST_WHOLE, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, Hint, note};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Imap::new(setting), setting))
}

/// Leave to send a literal.
const LEAVE: &[u8] = b"+ Ready for literal data\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Login,
    Authenticate,
    StartTls,
    Compress,
    Other,
}

/// A command that waits for its tagged response.
#[derive(Debug, Clone)]
struct Asked {
    tag: Box<[u8]>,
    verb: Verb,
}

/// What stands next in a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// A line that begins a message.
    #[default]
    Line,
    /// So many bytes of a literal, which go on as they come. `asking`: none was sent, its sender waits for leave.
    Literal {
        left: u64,
        asking: bool,
    },
    /// The line behind it.
    Rest,
    /// A literal of so many bytes, and the line behind it, that are gathered.
    Gather {
        literal: usize,
    },
    /// As the first three, but thrown away.
    DropLiteral {
        left: u64,
    },
    DropRest,
}

#[derive(Debug)]
struct Imap {
    judge: bool,
    lax: bool,
    secure: bool,
    modes: [Mode; 2],
    /// What the head at hand announced.
    announced: Option<(u64, bool)>,
    /// The sender of what was kept waits for leave.
    asking: bool,
    /// The server gave leave in AUTHENTICATE or IDLE: the next line is no command.
    challenged: bool,
    /// Literals that went on, for which the server has not given leave yet.
    leaves: u32,
    /// Parts of a command that wait for the server's leave.
    parts: VecDeque<Bytes>,
    /// Tag of the command whose literals are on their way.
    tag: Box<[u8]>,
}

/// The literal that a line of the server announces. Words for people may end like one.
fn server_literal(line: &[u8]) -> Option<u64> {
    let mut words = line.split(|b| *b == b' ');
    let (tag, word) = (words.next().unwrap_or(&[]), words.next().unwrap_or(&[]));
    let status = ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|s| word.eq_ignore_ascii_case(s.as_bytes()));
    if status || tag == b"+" { None } else { literal(line).0 }
}

fn asked(line: &[u8]) -> Asked {
    let mut words = lines::bare(line).split(|b| *b == b' ');
    let tag = words.next().unwrap_or(&[]);
    let word = words.next().unwrap_or(&[]);
    let is = |w: &str| word.eq_ignore_ascii_case(w.as_bytes());
    let verb = if is("LOGIN") {
        Verb::Login
    } else if is("AUTHENTICATE") {
        Verb::Authenticate
    } else if is("STARTTLS") {
        Verb::StartTls
    } else if is("COMPRESS") {
        Verb::Compress
    } else {
        Verb::Other
    };
    Asked { tag: tag.get(..tag.len().min(super::MOST_TAG)).unwrap_or(tag).into(), verb }
}

impl Imap {
    fn new(setting: &Setting) -> Imap {
        Imap {
            judge: setting.judge,
            lax: setting.lax,
            secure: setting.start.inside == Some("tls"),
            modes: [Mode::Line; 2],
            announced: None,
            asking: false,
            challenged: false,
            leaves: 0,
            parts: VecDeque::new(),
            tag: Box::default(),
        }
    }

    fn mode(&mut self, dir: Dir) -> &mut Mode {
        let [a, b] = &mut self.modes;
        if dir == Dir::ToServer { a } else { b }
    }

    fn announced_by(dir: Dir, line: &[u8]) -> Option<(u64, bool)> {
        if dir == Dir::ToClient {
            return server_literal(line).map(|n| (n, false));
        }
        let (n, waits) = literal(line);
        n.map(|n| (n, waits))
    }

    /// Behind a line that goes on as it comes, with what it announced.
    fn behind(&mut self, announced: Option<(u64, bool)>) -> Mode {
        let Some((left, asking)) = announced else { return Mode::Line };
        self.leaves = self.leaves.saturating_add(u32::from(asking));
        Mode::Literal { left, asking }
    }

    /// Length of a response with its literals; `None`: more is needed.
    fn response(bytes: &[u8]) -> Option<usize> {
        let mut at = 0usize;
        let mut first = true;
        loop {
            let len = lines::end(bytes.get(at..)?, 0)?;
            let line = lines::bare(bytes.get(at..at.saturating_add(len))?);
            let more = if first { server_literal(line) } else { literal(line).0 };
            first = false;
            at = at.saturating_add(len);
            match more {
                None => return Some(at),
                Some(n) => at = at.saturating_add(usize::try_from(n).unwrap_or(usize::MAX)),
            }
        }
    }

    fn next_line(&mut self, dir: Dir, bytes: &[u8], seen: usize, book: &mut Book<Asked>) -> Next {
        let Some(len) = lines::end(bytes, if dir == Dir::ToServer { seen } else { 0 }) else {
            return if bytes.len() > MOST_LINE { Next::Broken(&f::TOO_LONG) } else { Next::More };
        };
        let line = lines::bare(bytes.get(..len).unwrap_or(bytes));
        let Some((size, _)) = Imap::announced_by(dir, line) else { return Next::Whole(len) };
        let gathered = self.judge && size <= (MOST_WHOLE as u64) / 2;
        if gathered && dir == Dir::ToServer {
            self.announced = Imap::announced_by(dir, line);
            return Next::Head(len);
        }
        if gathered && bytes.len() <= MOST_WHOLE {
            return Imap::response(bytes).map_or(Next::More, Next::Whole);
        }
        if dir == Dir::ToServer {
            let asked = asked(line);
            self.tag = asked.tag.clone();
            book.ask(asked);
        }
        *self.mode(dir) = self.behind(Imap::announced_by(dir, line));
        Next::Pass(len)
    }

    fn next_gathered(&mut self, dir: Dir, bytes: &[u8], literal: usize) -> Next {
        let Some(len) = bytes.get(literal..).and_then(|b| lines::end(b, 0)) else { return Next::More };
        let line = lines::bare(bytes.get(literal..).and_then(|b| b.get(..len)).unwrap_or(&[]));
        let all = literal.saturating_add(len);
        let Some((size, asking)) = Imap::announced_by(dir, line) else {
            *self.mode(dir) = Mode::Line;
            return Next::Whole(all);
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > MOST_WHOLE / 2 {
            return Next::Broken(&note::NOT_JUDGED);
        }
        *self.mode(dir) = Mode::Gather { literal: size };
        self.asking = asking;
        Next::Keep(all)
    }

    /// The parts in which a command goes to a server that must give leave for each literal.
    fn split(message: &Bytes) -> Vec<Bytes> {
        let mut parts = Vec::new();
        let (mut from, mut at) = (0usize, 0usize);
        while let Some(len) = message.get(at..).and_then(|b| lines::end(b, 0)) {
            let line = lines::bare(message.get(at..at.saturating_add(len)).unwrap_or(&[]));
            at = at.saturating_add(len);
            let (Some(size), waits) = literal(line) else { continue };
            if waits {
                parts.push(message.slice(from..at));
                from = at;
            }
            at = at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX)).min(message.len());
        }
        if from < message.len() {
            parts.push(message.slice(from..));
        }
        parts
    }

    fn command(&mut self, message: &Bytes, says: &mut Says<'_, Asked>) {
        if std::mem::take(&mut self.challenged) {
            return;
        }
        let (line, rest) = lines::first(message);
        let asked = asked(&line);
        self.tag = asked.tag.clone();
        says.book.ask(asked);
        let announced = self.announced.take();
        if announced.is_some() {
            // Judged by its head: the client sends what it announced, in whatever words that went on.
            *self.mode(Dir::ToServer) = self.behind(announced);
        } else if !rest.is_empty() {
            let mut parts: VecDeque<Bytes> = Imap::split(message).into();
            says.instead = parts.pop_front();
            self.parts = parts;
        }
    }

    fn response_goes(&mut self, message: &Bytes, says: &mut Says<'_, Asked>) {
        let (line, _) = lines::first(message);
        let mut words = line.split(|b| *b == b' ');
        let (tag, word) = (words.next().unwrap_or(&[]), words.next().unwrap_or(&[]));
        if tag == b"+" {
            if let Some(part) = self.parts.pop_front() {
                // The client has had leave of us.
                says.swallow = true;
                says.back.push(part);
            } else if self.leaves > 0 {
                self.leaves = self.leaves.saturating_sub(1);
                if let Mode::Literal { asking, .. } = &mut self.modes[0] {
                    *asking = false;
                }
            } else {
                self.challenged = !says.book.is_empty();
            }
            return;
        }
        if tag == b"*" {
            says.opaque = !self.judge && word.eq_ignore_ascii_case(b"PREAUTH");
            return;
        }
        if *tag == *self.tag {
            // The server will not have what was announced.
            self.parts.clear();
            self.leaves = 0;
            if matches!(self.modes[0], Mode::Literal { asking: true, .. }) {
                self.modes[0] = Mode::Line;
            }
        }
        let Some(slot) = says.book.answered_where(|a| *a.tag == *tag) else { return };
        self.challenged = false;
        let good = word.eq_ignore_ascii_case(b"OK");
        match slot.kind.verb {
            Verb::StartTls if good => says.becomes = Some(Hint::Over { outer: "tls", inner: "imap" }),
            Verb::Login | Verb::Authenticate if good => says.opaque = !self.judge,
            Verb::Compress if good => {
                says.opaque = true;
                says.told.push((&note::NOT_JUDGED, "both sides compress from here on (RFC 4978)".into()));
            }
            _ => {}
        }
    }
}

impl Talk for Imap {
    type Kind = Asked;

    fn name(&self) -> &'static str {
        "imap"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], seen: usize, book: &mut Book<Asked>) -> Next {
        // Inside of TLS nothing begins TLS again.
        if self.secure && !self.judge {
            return Next::Opaque;
        }
        let upto = |left: u64| bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match *self.mode(dir) {
            Mode::Literal { left, .. } => {
                let n = upto(left);
                let left = left.saturating_sub(n as u64);
                *self.mode(dir) = if left > 0 { Mode::Literal { left, asking: false } } else { Mode::Rest };
                if n > 0 { Next::Pass(n) } else { self.next(dir, bytes, seen, book) }
            }
            Mode::DropLiteral { left } => {
                let n = upto(left);
                let left = left.saturating_sub(n as u64);
                *self.mode(dir) = if left > 0 { Mode::DropLiteral { left } } else { Mode::DropRest };
                if n > 0 { Next::Drop(n) } else { self.next(dir, bytes, seen, book) }
            }
            mode @ (Mode::Rest | Mode::DropRest) => {
                let Some(len) = lines::end(bytes, seen) else {
                    return if bytes.len() > MOST_LINE { Next::Broken(&f::TOO_LONG) } else { Next::More };
                };
                let announced = literal(lines::bare(bytes.get(..len).unwrap_or(bytes)));
                let announced = announced.0.map(|left| (left, announced.1 && dir == Dir::ToServer));
                if mode == Mode::Rest {
                    *self.mode(dir) = self.behind(announced);
                    return Next::Pass(len);
                }
                *self.mode(dir) = announced.map_or(Mode::Line, |(left, _)| Mode::DropLiteral { left });
                Next::Drop(len)
            }
            Mode::Gather { literal } => self.next_gathered(dir, bytes, literal),
            Mode::Line if dir == Dir::ToServer => {
                match book.back().map(|s| s.kind.verb) {
                    Some(Verb::StartTls) if bytes.first() == Some(&0x16) || !self.lax => return Next::Wait,
                    Some(Verb::Authenticate) if !self.challenged => return Next::Wait,
                    _ => {}
                }
                // The parts of the last command go first.
                if self.parts.is_empty() { self.next_line(dir, bytes, seen, book) } else { Next::Wait }
            }
            Mode::Line => {
                let tag = bytes.split(|b| matches!(b, b' ' | b'\r' | b'\n')).next().unwrap_or(bytes);
                if !tag.is_empty() && !matches!(tag, b"*" | b"+") && !is_tag(tag) {
                    return Next::Broken(&f::NOT_RESPONSE);
                }
                self.next_line(dir, bytes, seen, book)
            }
        }
    }

    fn draft(&self, dir: Dir, message: &Bytes, book: &Book<Asked>) -> Draft {
        let (line, body) = lines::first(message);
        if dir == Dir::ToServer {
            let exchange = if self.challenged { book.last() } else { book.next() };
            return Draft { part: Part::Request, exchange, line, body };
        }
        let tag = lines::word(&line);
        let (part, exchange) = match book.find(|a| *a.tag == *tag) {
            Some(slot) => (Part::Response, slot.exchange),
            None if tag == b"+" => (Part::Interim, book.last()),
            None => (Part::Message, book.due()),
        };
        Draft { part, exchange, line, body }
    }

    fn write(&mut self, _dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let ending = lines::ending(was);
        let (_, old) = lines::first(was);
        // With one literal its size is known: what follows it does not change.
        let behind = |size: u64| old.len().saturating_sub(usize::try_from(size).unwrap_or(usize::MAX));
        let open = now.line.iter().rposition(|b| *b == b'{');
        if let ((Some(size), waits), Some(open)) = (literal(&now.line), open)
            && old != now.body
            && !old.is_empty()
        {
            let size = now.body.len().saturating_sub(behind(size));
            let line =
                [now.line.get(..=open).unwrap_or(&[]), size.to_string().as_bytes(), if waits { b"}" } else { b"+}" }].concat();
            return lines::written(&line, ending, &now.body);
        }
        lines::written(&now.line, ending, &now.body)
    }

    fn goes(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Asked>) {
        match dir {
            Dir::ToServer => self.command(message, says),
            Dir::ToClient => self.response_goes(message, says),
        }
    }

    fn dropped(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Asked>) {
        if dir == Dir::ToClient {
            let (line, _) = lines::first(message);
            let tag = lines::word(&line);
            says.book.answered_where(|a| *a.tag == *tag);
            return;
        }
        self.challenged = false;
        // A client that asks for leave gets none and sends nothing; another one sends on.
        if let Some((left, false)) = self.announced.take() {
            self.modes[0] = Mode::DropLiteral { left };
        }
    }

    fn ours(&mut self, request: &Bytes, _: &Transit, says: &mut Says<'_, Asked>) -> Option<Asked> {
        self.dropped(Dir::ToServer, request, says);
        None
    }

    fn gather(&mut self, dir: Dir, _head: &Bytes, says: &mut Says<'_, Asked>) {
        if let Some((size, asking)) = self.announced.take() {
            *self.mode(dir) = Mode::Gather { literal: usize::try_from(size).unwrap_or(usize::MAX) };
            if asking {
                says.back.push(Bytes::from_static(LEAVE));
            }
        }
    }

    fn kept(&mut self, _dir: Dir) -> Option<Bytes> {
        std::mem::take(&mut self.asking).then(|| Bytes::from_static(LEAVE))
    }

    fn between(&self, dir: Dir) -> bool {
        let [to_server, to_client] = self.modes;
        match dir {
            // Parts of a command are put in between its literals.
            Dir::ToServer => to_server == Mode::Line || matches!(to_server, Mode::Gather { .. }),
            Dir::ToClient => to_client == Mode::Line,
        }
    }

    fn weight(&self) -> usize {
        self.parts.iter().map(Bytes::len).fold(0, usize::saturating_add)
    }
}
