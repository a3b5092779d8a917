//! SMTP, submission and LMTP in the middle: commands, replies of several lines, letters and chunks as messages; STARTTLS at its exact byte.

use super::command::{self, MOST_LINE, Verb};
use super::notes as n;
use crate::coding::{dots, lines};
use bytes::Bytes;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, MOST_WHOLE, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, Hint};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Smtp::new(setting), setting))
}

/// A command that waits for its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hello,
    Auth,
    StartTls,
    Rcpt,
    Data,
    Letter,
    Other,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    CrLf,
    Lf,
    Cr,
}

/// Where in a letter the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Text,
    /// Behind a CR.
    Cr,
    /// At the beginning of a line; how the one before it ended.
    Line(Ends),
    /// Behind a dot that begins a line.
    Dot(Ends),
    /// Behind the CR behind such a dot.
    DotCr(Ends),
}

/// What a letter's bytes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Neither end nor fault.
    Text,
    /// The letter ends behind so many bytes.
    End(usize),
    /// A line of one dot, whose dot stands there, with line ends that are not both CR LF: some servers take it for the end (RFC 5321
    /// §4.1.1.4). How the line before it ended.
    Odd(usize, Ends),
}

impl Spot {
    fn over(&mut self, bytes: &[u8], from: usize, lax: bool) -> Found {
        let mut i = from;
        while let Some(b) = bytes.get(i) {
            i = i.saturating_add(1);
            let mut odd = None;
            *self = match (*self, *b) {
                (Spot::Text, b'\r') => Spot::Cr,
                (Spot::Text, b'\n') => Spot::Line(Ends::Lf),
                (Spot::Text, _) => {
                    let rest = bytes.get(i..).unwrap_or(&[]);
                    i = i.saturating_add(memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len()));
                    Spot::Text
                }
                (Spot::Cr, b'\n') => Spot::Line(Ends::CrLf),
                (Spot::Cr, b'.') => Spot::Dot(Ends::Cr),
                (Spot::Line(e), b'.') => Spot::Dot(e),
                (Spot::Cr | Spot::Line(_), b'\r') => Spot::Cr,
                (Spot::Line(_), b'\n') => Spot::Line(Ends::Lf),
                (Spot::Dot(e), b'\r') => Spot::DotCr(e),
                (Spot::DotCr(Ends::CrLf), b'\n') => return Found::End(i),
                (Spot::Dot(e), b'\n') => {
                    odd = Some(Found::Odd(i.saturating_sub(2), e));
                    Spot::Line(Ends::Lf)
                }
                (Spot::DotCr(e), b) => {
                    odd = Some(Found::Odd(i.saturating_sub(3), e));
                    if b == b'\n' { Spot::Line(Ends::CrLf) } else { Spot::Text }
                }
                (Spot::Cr | Spot::Line(_) | Spot::Dot(_), _) => Spot::Text,
            };
            if let Some(odd) = odd.filter(|_| !lax) {
                return odd;
            }
        }
        Found::Text
    }

    /// Bytes at the end that may yet turn out to be the end of the letter, or to look like it.
    const fn unsure(self) -> (usize, Spot) {
        match self {
            Spot::Dot(e) => (1, Spot::Line(e)),
            Spot::DotCr(e) => (2, Spot::Line(e)),
            sure => (0, sure),
        }
    }
}

/// What the client sends next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Lines,
    /// A letter that ends with a line of one dot; `whole`: it is gathered.
    Letter {
        spot: Spot,
        whole: bool,
    },
    /// So many bytes of a chunk that is too long to be gathered.
    Chunk(u64),
}

#[derive(Debug)]
struct Smtp {
    judge: bool,
    lax: bool,
    mode: Mode,
    lmtp: bool,
    /// The server has spoken.
    greeted: bool,
    /// The server asked for more in AUTH.
    challenged: bool,
    /// Recipients accepted for the letter under way.
    accepted: u64,
    /// We said 354 ourselves: the server knows nothing of the letter.
    orphan: bool,
}

impl Smtp {
    fn new(setting: &Setting) -> Smtp {
        Smtp {
            judge: setting.judge,
            lax: setting.lax,
            mode: Mode::Lines,
            lmtp: false,
            greeted: setting.start.midstream,
            challenged: false,
            accepted: 0,
            orphan: false,
        }
    }

    fn must_wait(&self, next: u8, book: &Book<Kind>) -> bool {
        match book.back().map(|s| s.kind) {
            Some(Kind::Data) => true,
            Some(Kind::Auth) => !self.challenged,
            Some(Kind::StartTls) => next == 0x16 || !self.lax,
            _ => false,
        }
    }

    fn next_letter(&mut self, bytes: &[u8], seen: usize, spot: Spot, whole: bool, book: &mut Book<Kind>) -> Next {
        let mut spot = spot;
        let found = spot.over(bytes, seen, self.lax);
        let whole = whole && bytes.len() <= MOST_WHOLE;
        self.mode = Mode::Letter { spot, whole };
        match found {
            Found::Odd(dot, before) if !whole && dot > 0 => {
                self.mode = Mode::Letter { spot: Spot::Line(before), whole };
                Next::Pass(dot)
            }
            Found::Odd(..) => Next::Refused(&n::SMUGGLING),
            Found::End(len) if whole => Next::Whole(len),
            Found::End(len) => {
                self.letter_sent(book);
                Next::Pass(len)
            }
            Found::Text if whole => Next::More,
            Found::Text => {
                let (unsure, back) = spot.unsure();
                let sure = bytes.len().saturating_sub(unsure);
                if sure == 0 {
                    return Next::More;
                }
                self.mode = Mode::Letter { spot: back, whole };
                Next::Pass(sure)
            }
        }
    }

    fn next_line(&mut self, bytes: &[u8], seen: usize, book: &mut Book<Kind>) -> Next {
        // Behind the line of a chunk more may be waited for than its end.
        let seen = if bytes.get(..5).is_some_and(|w| w.eq_ignore_ascii_case(b"BDAT ")) { 0 } else { seen };
        let Some(len) = lines::end(bytes, seen) else {
            return if bytes.len() > MOST_LINE { Next::Broken(&n::TOO_LONG) } else { Next::More };
        };
        let line = lines::bare(bytes.get(..len).unwrap_or(bytes));
        let Some((size, last)) = chunk(line).filter(|_| !self.challenged) else { return Next::Whole(len) };
        let all = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(len);
        if self.judge && all <= MOST_WHOLE {
            return if bytes.len() >= all { Next::Whole(all) } else { Next::More };
        }
        self.chunk_sent(last, book);
        self.mode = if size > 0 { Mode::Chunk(size) } else { Mode::Lines };
        Next::Pass(len)
    }

    /// The replies that are due for a letter: one, or in LMTP one for each recipient.
    fn letter_sent(&mut self, book: &mut Book<Kind>) {
        self.mode = Mode::Lines;
        let due = if self.lmtp { self.accepted.max(1) } else { 1 };
        (0..due).for_each(|_| book.also(Kind::Letter));
        self.accepted = 0;
    }

    fn chunk_sent(&mut self, last: bool, book: &mut Book<Kind>) {
        book.ask(Kind::Letter);
        if last {
            let more = if self.lmtp { self.accepted.saturating_sub(1) } else { 0 };
            (0..more).for_each(|_| book.also(Kind::Letter));
            self.accepted = 0;
        }
    }

    fn command(&mut self, line: &[u8], book: &mut Book<Kind>) {
        if std::mem::take(&mut self.challenged) {
            // The AUTH that asked for it is still open.
            return;
        }
        let kind = match command::known(line) {
            Some(Verb::Hello { lmtp }) => {
                self.lmtp |= lmtp;
                self.accepted = 0;
                Kind::Hello
            }
            Some(Verb::Auth) => Kind::Auth,
            Some(Verb::StartTls) => Kind::StartTls,
            Some(Verb::Rcpt) => Kind::Rcpt,
            Some(Verb::Data) => Kind::Data,
            Some(Verb::Mail | Verb::Reset) => {
                self.accepted = 0;
                Kind::Other
            }
            _ => Kind::Other,
        };
        book.ask(kind);
    }

    /// Whether this reply answers no command: the greeting, and what a server says before it hangs up.
    fn is_unasked(&self, reply: &[u8], book: &Book<Kind>) -> bool {
        match book.front().map(|s| s.kind) {
            None => true,
            // A client may speak before it is greeted; EHLO is answered with 250.
            Some(Kind::Hello) => !self.greeted && lines::code(reply) == 220,
            Some(_) => false,
        }
    }

    fn reply(&mut self, reply: &[u8], says: &mut Says<'_, Kind>) {
        let unasked = self.is_unasked(reply, says.book);
        self.greeted = true;
        // In lax mode a server may have seen the end of a letter where we saw none.
        if self.lax && unasked && matches!(self.mode, Mode::Letter { .. }) {
            self.mode = Mode::Lines;
        }
        if unasked {
            return;
        }
        let code = lines::code(reply);
        match (says.book.front().map(|s| s.kind), code) {
            (Some(Kind::Auth), 334) => {
                self.challenged = true;
                return;
            }
            (Some(Kind::StartTls), 220) => says.becomes = Some(Hint::Over { outer: "tls", inner: "smtp" }),
            (Some(Kind::Data), 354) => self.mode = Mode::Letter { spot: Spot::Line(Ends::CrLf), whole: self.judge },
            (Some(Kind::Rcpt), 200..300) => self.accepted = self.accepted.saturating_add(1),
            _ => {}
        }
        says.book.answered();
    }
}

/// The size of the chunk that a BDAT line announces, and whether it is the last (RFC 3030 §2).
fn chunk(line: &[u8]) -> Option<(u64, bool)> {
    let mut words = line.split(|b| *b == b' ').filter(|w| !w.is_empty());
    words.next().filter(|w| w.eq_ignore_ascii_case(b"BDAT"))?;
    let size = words.next().filter(|d| d.len() < 16 && d.iter().all(u8::is_ascii_digit))?;
    let size = std::str::from_utf8(size).ok()?.parse().ok()?;
    Some((size, words.next().is_some_and(|w| w.eq_ignore_ascii_case(b"LAST"))))
}

impl Talk for Smtp {
    type Kind = Kind;

    fn name(&self) -> &'static str {
        "smtp"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], seen: usize, book: &mut Book<Kind>) -> Next {
        if dir == Dir::ToClient {
            return match lines::reply(bytes, seen, false) {
                _ if !lines::may_be_reply(bytes) => Next::Broken(&n::NOT_REPLY),
                Some(len) => Next::Whole(len),
                None if bytes.len() > MOST_LINE => Next::Broken(&n::TOO_LONG),
                None => Next::More,
            };
        }
        match self.mode {
            Mode::Chunk(left) => {
                let len = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left.saturating_sub(len as u64);
                self.mode = if left > 0 { Mode::Chunk(left) } else { Mode::Lines };
                Next::Pass(len)
            }
            Mode::Letter { spot, whole } => self.next_letter(bytes, seen, spot, whole, book),
            Mode::Lines if self.must_wait(bytes.first().copied().unwrap_or(0), book) => Next::Wait,
            Mode::Lines => self.next_line(bytes, seen, book),
        }
    }

    fn draft(&self, dir: Dir, message: &Bytes, book: &Book<Kind>) -> Draft {
        if dir == Dir::ToClient {
            let (line, body) = lines::first(message);
            let part = if self.is_unasked(message, book) { Part::Message } else { Part::Response };
            return Draft { part, exchange: book.due(), line, body };
        }
        if matches!(self.mode, Mode::Letter { .. }) {
            let body = dots::undone(message).into();
            return Draft { part: Part::Request, exchange: book.last(), line: Bytes::new(), body };
        }
        let (line, body) = lines::first(message);
        Draft { part: Part::Request, exchange: if self.challenged { book.last() } else { book.next() }, line, body }
    }

    fn write(&mut self, dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let ending = lines::ending(was);
        if dir == Dir::ToClient {
            return lines::joined(&now.line, &now.body, ending);
        }
        if matches!(self.mode, Mode::Letter { .. }) && now.line.is_empty() {
            return dots::done(&now.body).into();
        }
        match chunk(&now.line) {
            Some((_, last)) => {
                let line = format!("BDAT {}{}", now.body.len(), if last { " LAST" } else { "" });
                lines::written(line.as_bytes(), ending, &now.body)
            }
            None => lines::written(&now.line, ending, &[]),
        }
    }

    fn goes(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Kind>) {
        if dir == Dir::ToClient {
            return self.reply(message, says);
        }
        if matches!(self.mode, Mode::Letter { .. }) {
            if std::mem::take(&mut self.orphan) {
                says.swallow = true;
                says.back.push(Bytes::from_static(b"554 5.3.0 The server was not asked for this letter\r\n"));
                self.mode = Mode::Lines;
            } else {
                self.letter_sent(says.book);
            }
            return;
        }
        let (line, _) = lines::first(message);
        match chunk(&line).filter(|_| !self.challenged) {
            Some((_, last)) => self.chunk_sent(last, says.book),
            None => message.split_inclusive(|b| *b == b'\n').for_each(|line| self.command(lines::bare(line), says.book)),
        }
    }

    fn dropped(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Kind>) {
        if dir == Dir::ToClient {
            if !self.is_unasked(message, says.book) {
                says.book.answered();
            }
            return;
        }
        self.challenged = false;
        // The server has said 354: whatever comes next it takes for the letter.
        says.close = matches!(self.mode, Mode::Letter { .. });
    }

    fn ours(&mut self, request: &Bytes, answer: &Transit, says: &mut Says<'_, Kind>) -> Option<Kind> {
        if matches!(self.mode, Mode::Letter { .. }) {
            says.close = !std::mem::take(&mut self.orphan);
            self.mode = Mode::Lines;
            return Some(Kind::Letter);
        }
        if command::known(request) == Some(Verb::Data) && lines::code(&answer.line) == 354 {
            self.mode = Mode::Letter { spot: Spot::Line(Ends::CrLf), whole: true };
            self.orphan = true;
        }
        self.challenged = false;
        Some(Kind::Other)
    }

    fn between(&self, dir: Dir) -> bool {
        dir == Dir::ToClient || (self.mode == Mode::Lines && !self.challenged)
    }
}
