//! IMAP (RFC 9051, RFC 3501): tagged commands and their responses, literals, letters fetched and stored as inner streams.

mod fields;
mod line;
mod middle;

use crate::coding::sasl::{self, Mechanism};
use fields as f;
use line::Line;
use memchr::memmem;
use std::collections::VecDeque;
use wirelore_kit::{
    AfterGap, AfterGapPromise, BufKind, Claim, Dir, Dissector, End, F, Framing, Hint, How, Level, More, Out, Peek, Reader, Relay,
    Side, Spec, Start, State, Stop, Text, Transport, Turn, Value, Verdict,
};

/// IMAP.
pub static SPEC: Spec = Spec {
    name: "imap",
    label: "IMAP",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(143), Claim::Tcp(993), Claim::Alpn(b"imap"), Claim::Named("imap")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchUntilUpgrade,
    middle: Some(middle::SERVE),
    new: |_: &Start| Box::new(Imap::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// So many commands are remembered while they wait; a tag has at most so many bytes.
const MOST_ASKED: usize = 1024;
const MOST_TAG: usize = 64;

const COMMANDS: &[&str] = &[
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
    "ENABLE",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "LSUB",
    "NAMESPACE",
    "STATUS",
    "APPEND",
    "IDLE",
    "CLOSE",
    "UNSELECT",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "UID",
    "CHECK",
    "ID",
    "GETQUOTA",
    "GETQUOTAROOT",
    "SORT",
    "THREAD",
    "COMPRESS",
    "XLIST",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Login,
    Authenticate,
    StartTls,
    Select,
    Unselect,
    Logout,
    Idle,
    Append,
    Other,
}

#[derive(Debug, Clone)]
struct Asked {
    tag: Box<[u8]>,
    name: Box<[u8]>,
    key: u64,
    kind: Kind,
    doubtful: bool,
}

/// What a direction is inside of.
#[derive(Debug, Clone, Copy)]
enum Inside {
    /// A literal: so many bytes left, the key of its letter, whether it is secret, whether none of it was sent.
    Literal { left: u64, letter: Option<u64>, secret: bool, fresh: bool, waits: bool },
    /// The line that goes on behind a literal.
    Rest { secret: bool },
}

#[derive(Debug, Clone, Copy)]
struct Auth {
    mechanism: Mechanism,
    step: u32,
    challenged: bool,
    key: u64,
}

#[derive(Debug, Clone, Default)]
struct Imap {
    asked: VecDeque<Asked>,
    keys: u64,
    letters: u64,
    inside: [Option<Inside>; 2],
    auth: Option<Auth>,
    idle: Option<u64>,
    /// The server refused what the client announced: it will not come.
    refused: bool,
    /// The server said that it may come.
    granted: bool,
    greeted: bool,
}

fn is_tag(tag: &[u8]) -> bool {
    !tag.is_empty() && tag.len() <= MOST_TAG && tag.iter().all(|b| b.is_ascii_graphic() && !b"+*(){}%\"\\]".contains(b))
}

fn known(word: &[u8]) -> Option<&'static str> {
    COMMANDS.iter().copied().find(|c| c.as_bytes().eq_ignore_ascii_case(word))
}

/// Whether a line is a tag and a known command.
fn is_command(line: &[u8]) -> bool {
    let mut words = line.split(|b| matches!(b, b' ' | b'\r' | b'\n'));
    words.next().is_some_and(is_tag) && words.next().is_some_and(|w| known(w).is_some())
}

impl Imap {
    fn side(&mut self, dir: Dir) -> &mut Option<Inside> {
        let [a, b] = &mut self.inside;
        if dir == Dir::ToServer { a } else { b }
    }

    fn read_client(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let last = self.asked.back().filter(|a| !a.doubtful && !turn.other_ended).map(|a| a.kind);
        match last {
            Some(Kind::StartTls) if r.rest().first() == Some(&0x16) => return Err(Stop::Wait),
            Some(Kind::Authenticate) if !self.auth.is_some_and(|a| a.challenged) => return Err(Stop::Wait),
            _ => {}
        }
        let line = line::line(r)?;
        let whole = r.peek(line.all)?;
        let body = whole.get(..line.all.saturating_sub(line.end)).unwrap_or(whole);
        if let Some(auth) = self.auth.filter(|a| a.challenged) {
            return self.read_auth(turn, r, out, auth, body.len(), line.end);
        }
        if let Some(key) = self.idle.filter(|_| body.eq_ignore_ascii_case(b"DONE")) {
            self.idle = None;
            r.group(&f::IMAP, |r| {
                r.text(&f::REQUEST_COMMAND, body.len())?;
                if line.end > 0 { r.bytes(&f::DELIMITER, line.end).map(|_| ()) } else { Ok(()) }
            })?;
            out.answers(key, More::Yes);
            out.summary("DONE");
            return Ok(());
        }
        let tag_len = memchr::memchr(b' ', body).unwrap_or(body.len());
        let tag = body.get(..tag_len).unwrap_or(body);
        let rest = body.get(tag_len.saturating_add(1)..).unwrap_or(&[]);
        if !is_tag(tag) || !rest.first().is_some_and(u8::is_ascii_alphabetic) {
            return Err(Stop::Bad(&f::NOT_COMMAND));
        }
        let uid = rest.get(..4).is_some_and(|u| u.eq_ignore_ascii_case(b"UID "));
        let skip = if uid { 4 } else { 0 };
        let name_len = rest.get(skip..).map_or(0, line::word);
        let name = rest.get(skip..skip.saturating_add(name_len)).unwrap_or(&[]);
        let is = |n: &str| name.eq_ignore_ascii_case(n.as_bytes());
        let kind = if is("LOGIN") {
            Kind::Login
        } else if is("AUTHENTICATE") {
            Kind::Authenticate
        } else if is("STARTTLS") {
            Kind::StartTls
        } else if is("SELECT") || is("EXAMINE") {
            Kind::Select
        } else if is("CLOSE") || is("UNSELECT") {
            Kind::Unselect
        } else if is("LOGOUT") {
            Kind::Logout
        } else if is("IDLE") {
            Kind::Idle
        } else if is("APPEND") {
            Kind::Append
        } else {
            Kind::Other
        };
        let arguments = rest.get(skip.saturating_add(name_len)..).unwrap_or(&[]);
        let arguments = arguments.strip_prefix(b" ").unwrap_or(arguments);
        let from = r.at();
        let mut mechanism = Mechanism::Other;
        let mut initial = false;
        r.group(&f::IMAP, |r| {
            r.text(&f::REQUEST_TAG, tag_len)?;
            r.bytes(&f::DELIMITER, 1)?;
            r.derived(&f::UID, r.span(skip), Value::Bool(uid));
            if uid {
                r.bytes(&f::DELIMITER, skip)?;
            }
            r.text(&f::REQUEST_COMMAND, name_len)?;
            let between = rest.len().saturating_sub(skip).saturating_sub(name_len).saturating_sub(arguments.len());
            if between > 0 {
                r.bytes(&f::DELIMITER, between)?;
            }
            let first = line::word(arguments);
            match kind {
                Kind::Login if !arguments.is_empty() => {
                    let user = arguments.get(..first).unwrap_or(arguments);
                    r.valued(&f::USERNAME, first, Value::from(line::unquoted(user)))?;
                    let behind = arguments.len().saturating_sub(first);
                    if behind > 0 {
                        r.bytes(&f::DELIMITER, 1)?;
                        let word = arguments.get(first.saturating_add(1)..).unwrap_or(&[]);
                        if !word.is_empty() {
                            r.valued(&f::PASSWORD, word.len(), Value::from(line::unquoted(word)))?;
                        }
                    }
                }
                Kind::Authenticate if !arguments.is_empty() => {
                    let word = arguments.get(..first).unwrap_or(arguments);
                    mechanism = Mechanism::named(word);
                    r.text(&f::MECHANISM, first)?;
                    let behind = arguments.len().saturating_sub(first);
                    if behind > 1 {
                        r.bytes(&f::DELIMITER, 1)?;
                        initial = true;
                        sasl::response(r, behind.saturating_sub(1), mechanism, 0, &f::SASL)?;
                    } else if behind > 0 {
                        r.bytes(&f::DELIMITER, behind)?;
                    }
                }
                _ if !arguments.is_empty() => {
                    let at = r.span(first);
                    r.text(&f::ARGUMENTS, arguments.len())?;
                    if matches!(kind, Kind::Select | Kind::Append) || is("STATUS") || is("CREATE") || is("DELETE") {
                        r.derived(&f::FOLDER, at, line::unquoted(arguments.get(..first).unwrap_or(arguments)));
                    }
                }
                _ => {}
            }
            size(r, line)?;
            Ok(())
        })?;
        let here = r.since(from);
        if line.end == 1 {
            r.note(&f::BARE_LF, here);
        }
        if last == Some(Kind::StartTls) {
            r.note(&f::BEHIND_STARTTLS, here);
        }
        if kind == Kind::Login || initial && matches!(mechanism, Mechanism::Plain | Mechanism::Login | Mechanism::Bearer) {
            self.clear(turn, r, here);
        }
        self.asked.retain(|a| !a.doubtful);
        self.keys = self.keys.wrapping_add(1);
        let key = self.keys;
        match kind {
            Kind::Authenticate => self.auth = Some(Auth { mechanism, step: u32::from(initial), challenged: false, key }),
            Kind::Idle => self.idle = Some(key),
            _ => {}
        }
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked { tag: tag.into(), name: name.into(), key, kind, doubtful: false });
        out.asks(key);
        if kind == Kind::Idle {
            out.state(Side::Client, &f::IDLE);
        }
        let shown = if matches!(kind, Kind::Login | Kind::Authenticate) {
            arguments.get(..line::word(arguments))
        } else {
            Some(arguments)
        };
        match shown.filter(|s| !s.is_empty()) {
            Some(s) => out.summary_of(&[Text(name), Text(b" "), Text(s)]),
            None => out.summary_of(&[Text(name)]),
        }
        self.literal(Dir::ToServer, line, kind == Kind::Append, kind == Kind::Login, out);
        Ok(())
    }

    /// What follows a line that ends with a literal. One that the server must grant is a message of its own: it may never come.
    fn literal(&mut self, dir: Dir, line: Line, letter: bool, secret: bool, out: &mut Out<'_>) {
        let Some(left) = line.literal else { return };
        let letter = (letter && left > 0).then(|| {
            self.letters = self.letters.wrapping_add(1);
            self.letters
        });
        let waits = line.waits && dir == Dir::ToServer;
        *self.side(dir) = Some(Inside::Literal { left, letter, secret, fresh: true, waits });
        if waits {
            (self.refused, self.granted) = (false, false);
        } else {
            out.open();
        }
    }

    fn read_auth(
        &mut self,
        turn: &Turn<'_>,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
        auth: Auth,
        len: usize,
        end: usize,
    ) -> Result<(), Stop> {
        let from = r.at();
        r.group(&f::IMAP, |r| {
            if len > 0 {
                sasl::response(r, len, auth.mechanism, auth.step, &f::SASL)?;
            }
            if end > 0 { r.bytes(&f::DELIMITER, end).map(|_| ()) } else { Ok(()) }
        })?;
        if auth.step == 0 && matches!(auth.mechanism, Mechanism::Plain | Mechanism::Login | Mechanism::Bearer) {
            self.clear(turn, r, r.since(from));
        }
        self.auth = Some(Auth { step: auth.step.saturating_add(1), challenged: false, ..auth });
        out.answers(auth.key, More::Yes);
        out.summary("Answer for authentication");
        Ok(())
    }

    fn clear(&self, turn: &Turn<'_>, r: &mut Reader<'_>, at: wirelore_kit::Span) {
        if !matches!(turn.whole.buf.kind(), BufKind::Stream(conv, _) if conv.inner > 0) {
            r.note(&f::CLEAR_PASSWORD, at);
        }
    }

    fn read_inside(&mut self, turn: &Turn<'_>, inside: Inside, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        match inside {
            // Without leave it may as well be another command: that shows when its words are there.
            Inside::Literal { waits: true, .. }
                if !self.refused
                    && !self.granted
                    && !r.is_bounded()
                    && r.left() < 32
                    && memchr::memchr(b'\n', r.rest()).is_none() =>
            {
                return Err(Stop::Short { need: r.taken().saturating_add(r.left()).saturating_add(1) });
            }
            Inside::Literal { waits: true, .. } if self.refused || !self.granted && is_command(r.rest()) => {
                self.refused = false;
                *self.side(turn.dir) = None;
                return self.read_client(turn, r, out);
            }
            Inside::Literal { waits: true, left, letter, secret, .. } => {
                if r.is_empty() {
                    return Err(Stop::Short { need: r.taken().saturating_add(1) });
                }
                out.open();
                if let Some(a) = self.asked.back() {
                    out.answers(a.key, More::Yes);
                }
                out.summary(if letter.is_some() { "A letter to be stored" } else { "A literal" });
                return self.read_inside(turn, Inside::Literal { left, letter, secret, fresh: true, waits: false }, r, out);
            }
            Inside::Literal { left: 0, letter, secret, .. } => {
                ends(letter, out);
                *self.side(turn.dir) = Some(Inside::Rest { secret });
                return self.read_inside(turn, Inside::Rest { secret }, r, out);
            }
            Inside::Literal { left, letter, secret, .. } => {
                let n = usize::try_from(left).unwrap_or(usize::MAX).min(r.left()).min(1 << 30);
                if n == 0 {
                    return Err(Stop::Short { need: r.taken().saturating_add(1) });
                }
                let span = r.span(n);
                let field: F = match (letter, secret) {
                    (Some(_), _) => &f::LETTER,
                    (_, true) => &f::SECRET_LITERAL,
                    _ => &f::LITERAL,
                };
                r.bytes(field, n)?;
                out.piece(span);
                if let Some(key) = letter {
                    out.inner(key, turn.dir, span, How::Verbatim, Hint::media("message/rfc822"));
                }
                let left = left.saturating_sub(n as u64);
                if left == 0 {
                    ends(letter, out);
                    *self.side(turn.dir) = Some(Inside::Rest { secret });
                } else {
                    *self.side(turn.dir) = Some(Inside::Literal { left, letter, secret, fresh: false, waits: false });
                }
            }
            Inside::Rest { secret } => {
                let line = line::line(r)?;
                let body = r.peek(line.all.saturating_sub(line.end))?;
                let letter = turn.dir == Dir::ToClient && carries_letter(body);
                r.group(&f::IMAP, |r| {
                    if !body.is_empty() {
                        r.text(if secret { &f::PASSWORD } else { &f::REST }, body.len())?;
                    }
                    size(r, line)
                })?;
                *self.side(turn.dir) = None;
                self.literal(turn.dir, line, letter, secret, out);
                if line.literal.is_none() || line.waits && turn.dir == Dir::ToServer {
                    out.close();
                }
            }
        }
        Ok(())
    }

    fn read_server(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let first = r.rest().first().copied().unwrap_or(b'*');
        if !first.is_ascii_graphic() {
            return Err(Stop::Bad(&f::NOT_RESPONSE));
        }
        let line = line::line(r)?;
        let whole = r.peek(line.all)?;
        let body = whole.get(..line.all.saturating_sub(line.end)).unwrap_or(whole);
        let tag_len = memchr::memchr(b' ', body).unwrap_or(body.len());
        let tag = body.get(..tag_len).unwrap_or(body);
        let rest = body.get(tag_len.saturating_add(1)..).unwrap_or(&[]);
        if tag == b"+" {
            return self.go_on(r, out, line, rest);
        }
        let number = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let counted = tag == b"*" && number > 0 && rest.get(number) == Some(&b' ');
        let word_at = if counted { number.saturating_add(1) } else { 0 };
        let word = rest.get(word_at..).map_or(0, line::word);
        let name = rest.get(word_at..word_at.saturating_add(word)).unwrap_or(&[]);
        let is = |n: &str| name.eq_ignore_ascii_case(n.as_bytes());
        let status = ["OK", "NO", "BAD", "BYE", "PREAUTH"].into_iter().any(is);
        if tag != b"*" && (!is_tag(tag) || !status) || name.is_empty() {
            return Err(Stop::Bad(&f::NOT_RESPONSE));
        }
        let at = self.asked.iter().position(|a| *a.tag == *tag);
        let asked = if tag == b"*" { self.asked.front() } else { at.and_then(|at| self.asked.get(at)) };
        let from = r.at();
        r.group(&f::IMAP, |r| {
            if let Some(a) = asked {
                r.derived(&f::ANSWERS, r.span(0), Text(&a.name).to_string());
            }
            r.text(&f::RESPONSE_TAG, tag_len)?;
            r.bytes(&f::DELIMITER, 1)?;
            if counted {
                let digits =
                    rest.get(..number).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| d.parse().ok()).unwrap_or(0u64);
                r.valued(&f::NUMBER, number, Value::U64(digits))?;
                r.bytes(&f::DELIMITER, 1)?;
            }
            r.text(if status { &f::STATUS } else { &f::RESPONSE_COMMAND }, word)?;
            let text = rest.len().saturating_sub(word_at).saturating_sub(word);
            if text > 0 {
                r.bytes(&f::DELIMITER, 1)?;
            }
            if text > 1 {
                r.text(&f::TEXT, text.saturating_sub(1))?;
            }
            size(r, line)
        })?;
        let here = r.since(from);
        if is("NO") || is("BAD") {
            r.note(&f::REFUSED, here);
        }
        out.summary_of(&[Text(rest)]);
        if tag == b"*" {
            if let Some(key) = asked.map(|a| a.key) {
                out.answers(key, More::Yes);
            }
            if !self.greeted && status {
                let state: &'static State = if is("PREAUTH") { &f::AUTHENTICATED } else { &f::NOT_AUTHENTICATED };
                out.state(Side::Client, state);
                out.state(Side::Server, state);
            }
            self.greeted = true;
            self.literal(Dir::ToClient, line, is("FETCH") && carries_letter(body), false, out);
            return Ok(());
        }
        if let Some(a) = at.and_then(|at| self.asked.remove(at)) {
            out.answers(a.key, More::No);
            self.done(&a, is("OK"), out);
        }
        Ok(())
    }

    /// What the end of a command changes.
    fn done(&mut self, a: &Asked, good: bool, out: &mut Out<'_>) {
        let state: Option<&'static State> = match a.kind {
            Kind::Login | Kind::Authenticate if good => Some(&f::AUTHENTICATED),
            Kind::Select if good => Some(&f::SELECTED),
            Kind::Select | Kind::Unselect => Some(&f::AUTHENTICATED),
            Kind::Logout => Some(&f::LOGOUT),
            Kind::StartTls if good => Some(&f::TLS),
            _ => None,
        };
        if let Some(state) = state {
            out.state(Side::Client, state);
            out.state(Side::Server, state);
        }
        match a.kind {
            Kind::Authenticate => self.auth = None,
            Kind::Idle => self.idle = None,
            Kind::StartTls if good => out.becomes(Hint::Over { outer: "tls", inner: "imap" }),
            _ => {}
        }
        let [client, _] = &self.inside;
        self.refused = !good && matches!(client, Some(Inside::Literal { fresh: true, waits: true, .. }));
    }

    /// `+`: the client may send what it announced, or the next step of its proof.
    fn go_on(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>, line: Line, text: &[u8]) -> Result<(), Stop> {
        let auth = self.auth;
        r.group(&f::IMAP, |r| {
            r.text(&f::CONTINUE, 1)?;
            let behind = line.all.saturating_sub(line.end).saturating_sub(1);
            if behind > 0 {
                r.bytes(&f::DELIMITER, 1)?;
            }
            if !text.is_empty() {
                let of = r.span(text.len());
                r.text(&f::TEXT, text.len())?;
                if auth.is_some()
                    && r.level() == Level::Tree
                    && let Some(said) = sasl::challenge(text)
                {
                    r.derived(&f::CHALLENGE, of, said);
                }
            }
            if line.end > 0 { r.bytes(&f::DELIMITER, line.end).map(|_| ()) } else { Ok(()) }
        })?;
        if let Some(a) = &mut self.auth {
            a.challenged = true;
            out.answers(a.key, More::Yes);
        } else if let Some(a) = self.asked.back() {
            self.granted = true;
            out.answers(a.key, More::Yes);
        }
        out.summary_of(&[Text(b"+ "), Text(text)]);
        Ok(())
    }
}

/// The end of a line: of one with a literal also how many bytes follow.
fn size(r: &mut Reader<'_>, line: Line) -> Result<(), Stop> {
    if let Some(n) = line.literal {
        r.derived(&f::LITERAL_SIZE, r.span(0), n);
    }
    if line.end > 0 { r.bytes(&f::DELIMITER, line.end).map(|_| ()) } else { Ok(()) }
}

/// Whether the literal behind a line of FETCH is a whole letter.
fn carries_letter(line: &[u8]) -> bool {
    let Some(open) = memchr::memrchr(b'{', line) else { return false };
    let before = line.get(..open).unwrap_or(line).trim_ascii_end();
    let before = before.strip_suffix(b"~").unwrap_or(before).trim_ascii_end();
    let ends = |word: &str| {
        before.len() >= word.len()
            && before.get(before.len().saturating_sub(word.len())..).is_some_and(|e| e.eq_ignore_ascii_case(word.as_bytes()))
    };
    ends("BODY[]") || ends("RFC822")
}

fn ends(letter: Option<u64>, out: &mut Out<'_>) {
    if let Some(key) = letter {
        for dir in Dir::BOTH {
            out.inner_end(key, dir, End::Fin);
        }
    }
}

impl Dissector for Imap {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        match (*self.side(turn.dir), turn.dir) {
            (Some(inside), _) => self.read_inside(turn, inside, r, out),
            (None, Dir::ToServer) => self.read_client(turn, r, out),
            (None, Dir::ToClient) => self.read_server(r, out),
        }
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        if dir == Dir::ToClient {
            self.asked.iter_mut().for_each(|a| a.doubtful = true);
        }
        match self.side(dir).take() {
            Some(Inside::Literal { left, letter, secret, fresh, waits }) if missing <= left => {
                if let Some(key) = letter.filter(|_| !fresh) {
                    out.inner_gap(key, dir, missing);
                }
                // A letter whose beginning is missing is none.
                let letter = letter.filter(|_| !fresh);
                let left = left.saturating_sub(missing);
                *self.side(dir) = Some(Inside::Literal { left, letter, secret, fresh: false, waits });
                AfterGap::Carry
            }
            Some(Inside::Literal { letter, .. }) => {
                ends(letter, out);
                AfterGap::Resync
            }
            _ => AfterGap::Resync,
        }
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if let Some(Inside::Literal { letter: Some(key), fresh: false, .. }) = self.side(dir).take() {
            for dir in Dir::BOTH {
                out.inner_end(key, dir, how);
            }
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let asked: usize = self.asked.iter().map(|a| a.tag.len().saturating_add(a.name.len())).sum();
        size_of::<Imap>().saturating_add(self.asked.capacity().saturating_mul(size_of::<Asked>())).saturating_add(asked)
    }
}

/// The server speaks first: `* OK`, and often its name; commands have tags.
fn probe(peek: &Peek<'_>) -> Verdict {
    let (client, server) = (peek.to_server, peek.to_client);
    if peek.transport != Transport::Tcp {
        return Verdict::No;
    }
    let begins = |word: &[u8]| {
        let n = server.len().min(word.len());
        server.get(..n) == word.get(..n)
    };
    if !(begins(b"* OK") || begins(b"* PREAUTH") || begins(b"* BYE")) {
        return Verdict::No;
    }
    let ours = [143, 993].contains(&peek.server_port);
    let verdict = match memchr::memchr(b'\n', server) {
        None if server.is_empty() && !client.is_empty() && !ours => Verdict::No,
        None => Verdict::More,
        Some(len) if memmem::find(server.get(..len).unwrap_or(server), b"IMAP").is_some() => Verdict::Sure,
        Some(_) if ours => Verdict::Likely,
        Some(_) if memchr::memchr(b'\n', client).is_none() && client.len() < 128 => Verdict::More,
        Some(_) if is_command(client) => Verdict::Sure,
        Some(_) => Verdict::No,
    };
    match verdict {
        Verdict::More if peek.ended => Verdict::No,
        v => v,
    }
}

fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    let begins = |at: usize| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        match dir {
            Dir::ToServer => rest.len() > 8 && is_command(rest.get(..16).unwrap_or(rest)),
            Dir::ToClient => {
                let mut words = rest.get(..16).unwrap_or(rest).split(|b| matches!(b, b' ' | b'\r' | b'\n'));
                let (tag, word) = (words.next().unwrap_or(&[]), words.next().unwrap_or(&[]));
                rest.starts_with(b"* ") && rest.len() > 2
                    || is_tag(tag) && matches!(word, b"OK" | b"NO" | b"BAD") && words.next().is_some()
            }
        }
    };
    if begins(0) {
        return Some(0);
    }
    memchr::memchr_iter(b'\n', bytes).map(|i| i.saturating_add(1)).find(|at| begins(*at))
}
