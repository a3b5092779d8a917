//! PostgreSQL in the middle (documentation §54.2): TLS at the byte where it is agreed on, then every message judged.
//!
//! The line of a message is its name ("Simple query", "Data row"), its body what stands behind kind and length; of a simple query it is the
//! statement alone. An answer of ours to a query is followed by "Ready for query", without which a client would wait on.

use super::fields as f;
use super::message::{client_name, server_name};
use bytes::Bytes;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, MOST_WHOLE, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, Hint, note};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Pgsql::new(setting), setting))
}

/// The first message of a client is not longer, bytes; servers refuse longer ones too.
const MOST_STARTUP: usize = 10_000;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;

/// What waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// SSLRequest: one byte.
    Ssl,
    /// GSSENCRequest: one byte.
    Gss,
    /// Everything up to "Ready for query".
    Ready,
}

#[derive(Debug)]
struct Pgsql {
    judge: bool,
    lax: bool,
    /// The client's next message is one of those that have no kind.
    begins: bool,
    /// Bytes of a message, too long to be gathered, that are still to come in each direction.
    left: [u64; 2],
    /// Transaction status as the server said it last.
    status: u8,
}

/// Length of a message with a kind, from its first bytes; `None`: more are needed. `Err`: no message has this length.
fn length(bytes: &[u8], kind: usize) -> Result<Option<usize>, ()> {
    let Some(len) = bytes.get(kind..).and_then(|b| b.first_chunk::<4>()) else { return Ok(None) };
    let len = u32::from_be_bytes(*len);
    // The length counts itself.
    if (4..1 << 30).contains(&len) { Ok(Some((len as usize).saturating_add(kind))) } else { Err(()) }
}

/// The code of a message without a kind: a protocol version, or a request.
fn code(message: &[u8]) -> u32 {
    message.get(4..8).and_then(|c| c.first_chunk::<4>()).map_or(0, |c| u32::from_be_bytes(*c))
}

fn written(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX);
    [&[kind][..], &len.to_be_bytes(), body].concat()
}

/// The kind of a message by its name.
fn kind_of(dir: Dir, name: &[u8]) -> Option<u8> {
    let name_of = if dir == Dir::ToServer { client_name } else { server_name };
    (b'1'..=b'z').find(|k| name_of(*k).is_some_and(|n| n.as_bytes().eq_ignore_ascii_case(name)))
}

impl Pgsql {
    fn new(setting: &Setting) -> Pgsql {
        Pgsql { judge: setting.judge, lax: setting.lax, begins: !setting.start.midstream, left: [0; 2], status: b'I' }
    }

    fn left(&mut self, dir: Dir) -> &mut u64 {
        let [a, b] = &mut self.left;
        if dir == Dir::ToServer { a } else { b }
    }

    fn next_start(&self, bytes: &[u8], book: &Book<Kind>) -> Next {
        if !book.is_empty() && (bytes.first() == Some(&0x16) || !self.lax) {
            return Next::Wait;
        }
        match length(bytes, 0) {
            Ok(Some(len @ 8..=MOST_STARTUP)) if bytes.len() >= len => Next::Whole(len),
            Ok(None | Some(8..=MOST_STARTUP)) => Next::More,
            _ => Next::Broken(&f::NOT_PGSQL),
        }
    }
}

impl Talk for Pgsql {
    type Kind = Kind;

    fn name(&self) -> &'static str {
        "pgsql"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], _seen: usize, book: &mut Book<Kind>) -> Next {
        let left = self.left(dir);
        if *left > 0 {
            let n = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left = left.saturating_sub(n as u64);
            return Next::Pass(n);
        }
        if dir == Dir::ToServer && self.begins {
            return self.next_start(bytes, book);
        }
        let one_byte = dir == Dir::ToClient && book.front().is_some_and(|s| s.kind != Kind::Ready);
        if one_byte && matches!(bytes.first(), Some(b'S' | b'G' | b'N')) {
            return Next::Whole(1);
        }
        let named = bytes.first().and_then(|k| if dir == Dir::ToServer { client_name(*k) } else { server_name(*k) });
        match length(bytes, 1) {
            _ if named.is_none() => Next::Broken(&f::NOT_PGSQL),
            Err(()) => Next::Broken(&f::NOT_PGSQL),
            Ok(None) => Next::More,
            Ok(Some(len)) if len > MOST_WHOLE => {
                *self.left(dir) = len as u64;
                if dir == Dir::ToServer && matches!(bytes.first(), Some(b'Q' | b'F')) {
                    book.ask(Kind::Ready);
                }
                self.next(dir, bytes, 0, book)
            }
            Ok(Some(len)) if bytes.len() >= len => Next::Whole(len),
            Ok(Some(_)) => Next::More,
        }
    }

    fn draft(&self, dir: Dir, message: &Bytes, book: &Book<Kind>) -> Draft {
        let kind = message.first().copied().unwrap_or(0);
        let body = message.slice(message.len().min(5)..);
        if dir == Dir::ToClient {
            let one_byte = message.len() == 1;
            let line = if one_byte { message.clone() } else { Bytes::from_static(server_name(kind).unwrap_or("").as_bytes()) };
            // Notices and notifications may come at any time.
            let part = match kind {
                b'N' | b'A' if !one_byte => Part::Message,
                _ if book.is_empty() => Part::Message,
                b'Z' => Part::Response,
                _ if one_byte => Part::Response,
                _ => Part::Interim,
            };
            return Draft { part, exchange: book.due(), line, body };
        }
        if self.begins {
            let line: &[u8] = match code(message) {
                SSL => b"SSL request",
                GSS => b"GSS encrypt request",
                CANCEL => b"Cancel request",
                _ => b"Startup message",
            };
            let body = message.slice(message.len().min(8)..);
            return Draft { part: Part::Request, exchange: book.next(), line: Bytes::from_static(line), body };
        }
        let line = Bytes::from_static(client_name(kind).unwrap_or("").as_bytes());
        let body = if kind == b'Q' && body.ends_with(b"\0") { body.slice(..body.len().saturating_sub(1)) } else { body };
        // What stands before a Sync belongs to it.
        let goes_on = matches!(kind, b'p' | b'd' | b'c' | b'f' | b'X');
        Draft { part: Part::Request, exchange: if goes_on { book.last() } else { book.next() }, line, body }
    }

    fn write(&mut self, dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let old = was.first().copied().unwrap_or(0);
        if dir == Dir::ToServer && self.begins && !was.is_empty() {
            let len = u32::try_from(now.body.len().saturating_add(8)).unwrap_or(u32::MAX);
            return [&len.to_be_bytes(), was.get(4..8).unwrap_or(&[]), &now.body].concat().into();
        }
        if was.len() == 1 || (dir == Dir::ToClient && now.line.len() == 1) {
            return now.line.clone();
        }
        let kind = kind_of(dir, &now.line).unwrap_or(old);
        let mut body = now.body.to_vec();
        if kind == b'Q' && dir == Dir::ToServer && !body.ends_with(b"\0") {
            body.push(0);
        }
        // Words alone become an error as servers tell it.
        if kind == b'E' && dir == Dir::ToClient && !body.contains(&0) {
            body = [&b"SERROR\0VERROR\0C42501\0M"[..], &body, b"\0\0"].concat();
        }
        let mut out = written(kind, &body);
        if was.is_empty() && dir == Dir::ToClient && !matches!(kind, b'Z' | b'N' | b'A') {
            out.extend_from_slice(&written(b'Z', &[self.status]));
        }
        out.into()
    }

    fn goes(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Kind>) {
        let kind = message.first().copied().unwrap_or(0);
        if dir == Dir::ToServer {
            match (self.begins, code(message), kind) {
                (true, SSL, _) => says.book.ask(Kind::Ssl),
                (true, GSS, _) => says.book.ask(Kind::Gss),
                (true, CANCEL, _) => says.opaque = true,
                (true, ..) => {
                    self.begins = false;
                    says.book.ask(Kind::Ready);
                    says.opaque = !self.judge;
                }
                (false, _, b'Q' | b'S' | b'F') => says.book.ask(Kind::Ready),
                _ => {}
            }
            return;
        }
        match (says.book.front().map(|s| s.kind), kind, message.len()) {
            (Some(Kind::Ssl), b'S', 1) => {
                says.book.answered();
                says.becomes = Some(Hint::Over { outer: "tls", inner: "pgsql" });
            }
            (Some(Kind::Gss), b'G', 1) => {
                says.book.answered();
                says.opaque = true;
                says.told.push((&note::NOT_JUDGED, "GSS encrypts what follows".into()));
            }
            (Some(Kind::Ssl | Kind::Gss), ..) => _ = says.book.answered(),
            (_, b'Z', _) => {
                self.status = message.get(5).copied().unwrap_or(b'I');
                says.book.answered();
            }
            _ => {}
        }
    }

    fn dropped(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Kind>) {
        let one_byte = says.book.front().is_some_and(|s| s.kind != Kind::Ready);
        if dir == Dir::ToClient && (message.first() == Some(&b'Z') || one_byte) {
            says.book.answered();
        }
    }

    fn ours(&mut self, _: &Bytes, _: &Transit, _: &mut Says<'_, Kind>) -> Option<Kind> {
        Some(Kind::Ready)
    }

    fn between(&self, dir: Dir) -> bool {
        let [to_server, to_client] = self.left;
        if dir == Dir::ToServer { to_server == 0 && !self.begins } else { to_client == 0 }
    }
}
