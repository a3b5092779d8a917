//! POP3 in the middle: commands, answers of one line or many (dots undone), and STLS at its exact byte.

use super::{Kind, MOST_LINE, fields as f, known};
use crate::coding::{dots, lines};
use bytes::Bytes;
use memchr::memmem;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, MOST_WHOLE, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, Hint};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Pop::new(setting), setting))
}

/// What ends an answer of several lines, the end of the line before it included.
const END: &[u8] = b"\r\n.\r\n";

/// A command that waits for its answer.
#[derive(Debug, Clone, Copy)]
struct Asked {
    kind: Kind,
    /// A good answer has several lines.
    many: bool,
}

#[derive(Debug)]
struct Pop {
    judge: bool,
    lax: bool,
    /// Inside of TLS nothing begins TLS again.
    secure: bool,
    greeted: bool,
    /// The server asked for more in AUTH.
    challenged: bool,
    /// The command at hand.
    current: Asked,
    /// An answer too long to be gathered goes on as it comes.
    passing: bool,
}

impl Pop {
    fn new(setting: &Setting) -> Pop {
        let secure = setting.start.inside == Some("tls");
        Pop {
            judge: setting.judge,
            lax: setting.lax,
            secure,
            greeted: setting.start.midstream || (secure && matches!(setting.start.hint, Hint::Proto(_))),
            challenged: false,
            current: Asked { kind: Kind::Other, many: false },
            passing: false,
        }
    }

    /// Whether an answer has several lines.
    fn is_many(&self, answer: &[u8], book: &Book<Asked>) -> bool {
        self.greeted && answer.starts_with(b"+OK") && book.front().is_some_and(|s| s.kind.many)
    }

    fn next_answer(&mut self, bytes: &[u8], seen: usize, book: &mut Book<Asked>) -> Next {
        if self.passing {
            return match memmem::find(bytes, END) {
                Some(at) => {
                    self.passing = false;
                    book.answered();
                    Next::Pass(at.saturating_add(END.len()))
                }
                // The end may have begun.
                None if bytes.len() >= END.len() => Next::Pass(bytes.len().saturating_sub(END.len()).saturating_add(1)),
                None => Next::More,
            };
        }
        if !matches!(bytes.first(), Some(b'+' | b'-')) {
            return Next::Broken(&f::NOT_ANSWER);
        }
        let Some(first) = lines::end(bytes, 0) else {
            return if bytes.len() > MOST_LINE { Next::Broken(&f::TOO_LONG) } else { Next::More };
        };
        if !self.is_many(bytes, book) {
            return Next::Whole(first);
        }
        // The end of the first line may be the beginning of the end.
        let from = seen.saturating_sub(END.len()).max(first.saturating_sub(2));
        match bytes.get(from..).and_then(|b| memmem::find(b, END)) {
            Some(at) => Next::Whole(at.saturating_add(from).saturating_add(END.len())),
            None if bytes.len() > MOST_WHOLE => {
                self.passing = true;
                Next::Pass(bytes.len().saturating_sub(END.len()))
            }
            None => Next::More,
        }
    }
}

/// What a command asks for.
fn asked(line: &[u8]) -> Asked {
    let kind = known(line).unwrap_or(Kind::Other);
    let argument = lines::bare(line).get(lines::word(line).len()..).unwrap_or(&[]).trim_ascii();
    let many = match kind {
        Kind::Lines | Kind::Letter => true,
        // Without a mechanism AUTH lists those there are.
        Kind::List | Kind::Auth => argument.is_empty(),
        _ => false,
    };
    Asked { kind: if kind == Kind::Auth && many { Kind::Lines } else { kind }, many }
}

impl Talk for Pop {
    type Kind = Asked;

    fn name(&self) -> &'static str {
        "pop"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], seen: usize, book: &mut Book<Asked>) -> Next {
        if self.secure && !self.judge {
            return Next::Opaque;
        }
        if dir == Dir::ToClient {
            return self.next_answer(bytes, seen, book);
        }
        match book.back().map(|s| s.kind.kind) {
            Some(Kind::Stls) if bytes.first() == Some(&0x16) || !self.lax => return Next::Wait,
            Some(Kind::Auth) if !self.challenged => return Next::Wait,
            _ => {}
        }
        match lines::end(bytes, seen) {
            Some(len) => {
                self.current = asked(bytes.get(..len).unwrap_or(bytes));
                Next::Whole(len)
            }
            None if bytes.len() > MOST_LINE => Next::Broken(&f::TOO_LONG),
            None => Next::More,
        }
    }

    fn draft(&self, dir: Dir, message: &Bytes, book: &Book<Asked>) -> Draft {
        let (line, rest) = lines::first(message);
        if dir == Dir::ToServer {
            let exchange = if self.challenged { book.last() } else { book.next() };
            return Draft { part: Part::Request, exchange, line, body: rest };
        }
        let part = match message.first() {
            _ if !self.greeted || book.is_empty() => Part::Message,
            Some(b'+') if !message.starts_with(b"+OK") => Part::Interim,
            _ => Part::Response,
        };
        let body = if self.is_many(message, book) { dots::undone(&rest).into() } else { rest };
        Draft { part, exchange: book.due(), line, body }
    }

    fn write(&mut self, dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let ending = lines::ending(was);
        let many = if was.is_empty() { self.current.many } else { lines::first(was).1.len() > 2 };
        if dir == Dir::ToServer {
            lines::written(&now.line, ending, &[])
        } else if now.line.starts_with(b"+OK") && (many || !now.body.is_empty()) {
            lines::written(&now.line, ending, &dots::done(&now.body))
        } else {
            lines::written(&now.line, ending, &[])
        }
    }

    fn goes(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Asked>) {
        if dir == Dir::ToServer {
            if !std::mem::take(&mut self.challenged) {
                message.split_inclusive(|b| *b == b'\n').for_each(|line| says.book.ask(asked(line)));
            }
            return;
        }
        if !std::mem::replace(&mut self.greeted, true) {
            return;
        }
        if message.starts_with(b"+ ") || message.starts_with(b"+\r") {
            self.challenged = says.book.front().is_some_and(|s| s.kind.kind == Kind::Auth);
            return;
        }
        let good = message.starts_with(b"+OK");
        match says.book.answered().map(|s| s.kind.kind) {
            Some(Kind::Stls) if good => says.becomes = Some(Hint::Over { outer: "tls", inner: "pop" }),
            // Behind a login nothing begins TLS (RFC 2595 §4).
            Some(Kind::Login | Kind::Auth) if good => says.opaque = !self.judge,
            _ => {}
        }
    }

    fn dropped(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Asked>) {
        if dir == Dir::ToServer {
            self.challenged = false;
        } else if std::mem::replace(&mut self.greeted, true) && !message.starts_with(b"+ ") {
            says.book.answered();
        }
    }

    fn ours(&mut self, _: &Bytes, _: &Transit, _: &mut Says<'_, Asked>) -> Option<Asked> {
        (!std::mem::take(&mut self.challenged)).then_some(self.current)
    }

    fn between(&self, dir: Dir) -> bool {
        if dir == Dir::ToClient { !self.passing } else { !self.challenged }
    }
}
