//! SMTP, submission and LMTP (RFC 5321, RFC 6409, RFC 2033): commands and replies, the envelope, and the letter as an inner stream.
//!
//! All messages about one letter are one exchange: MAIL asks, everything up to the last reply belongs to it. Replies are paired with
//! commands in order, as pipelining demands (RFC 2920). The letter itself, dots undone or chunks joined, goes to `imf`.

mod command;
mod content;
mod fields;
mod middle;
mod notes;
mod pair;
mod probe;
mod reply;

use crate::coding::sasl::{self, Mechanism};
use command::{Command, Verb};
use content::Content;
use fields as f;
use notes as n;
use pair::{Asked, Kind, Queue};
use wirelore_kit::{
    AfterGap, AfterGapPromise, BufKind, Claim, Dir, Dissector, End, Framing, Hint, More, Out, Reader, Relay, Side, Spec, Start,
    State, Stop, Text, Turn,
};

/// SMTP.
pub static SPEC: Spec = Spec {
    name: "smtp",
    label: "SMTP",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::ALL,
    claims: &[
        Claim::Tcp(25),
        Claim::Tcp(587),
        Claim::Tcp(2525),
        Claim::Tcp(465),
        Claim::Tcp(24),
        Claim::Named("smtp"),
        Claim::Named("lmtp"),
    ],
    probe: probe::probe,
    resync: Some(probe::resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchUntilUpgrade,
    middle: Some(middle::SERVE),
    new: |start| Box::new(Smtp::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// So many recipients of a letter are remembered, and so much of each address, bytes.
const MOST_RECIPIENTS: usize = 256;
const MOST_ADDRESS: usize = 512;

/// An envelope that is being filled.
#[derive(Debug, Clone, Default)]
struct Letter {
    /// Its exchange, and its inner stream.
    key: u64,
    from: Box<[u8]>,
    to: Vec<Box<[u8]>>,
    /// All recipients named; more than are remembered, perhaps.
    named: u64,
    size: Option<u64>,
    /// Bytes of it in chunks so far.
    len: u64,
    holed: bool,
}

/// An AUTH under way.
#[derive(Debug, Clone, Copy)]
struct Auth {
    mechanism: Mechanism,
    step: u32,
    challenged: bool,
    key: u64,
}

/// The state machine.
#[derive(Debug, Clone, Default)]
struct Smtp {
    queue: Queue,
    keys: u64,
    letter: Option<Box<Letter>>,
    content: Option<Box<Content>>,
    auth: Option<Auth>,
    greeted: bool,
    lmtp: bool,
    pipelining: bool,
    /// The client goes on without the replies that it must have had: they are not in the capture.
    deaf: bool,
    /// It sent on behind DATA before 354 came.
    early: bool,
    /// Commands may be missing.
    lost: bool,
}

impl Smtp {
    fn new(start: &Start) -> Smtp {
        // Inside TLS after STARTTLS nobody greets again; a capture that begins late has no greeting either.
        Smtp { greeted: start.midstream, lost: start.midstream, ..Smtp::default() }
    }

    fn key(&mut self) -> u64 {
        self.keys = self.keys.wrapping_add(1);
        self.keys
    }

    /// Whether the client's next bytes must not be read before the server has answered.
    fn must_wait(&mut self, turn: &Turn<'_>, next: Option<u8>) -> bool {
        if turn.other_ended || self.deaf {
            return false;
        }
        match self.queue.last() {
            Some(Asked { kind: Kind::Data, doubtful: false, .. }) => {
                // Nobody may speak here; that it does is told when the letter begins.
                self.early = true;
                true
            }
            Some(Asked { kind: Kind::Auth, doubtful: false, .. }) => !self.auth.is_some_and(|a| a.challenged),
            // A TLS record: it is for the heir. What comes in the clear is an injected command, read as what it is.
            Some(Asked { kind: Kind::StartTls, doubtful: false, .. }) => next.is_none_or(|b| b == 0x16),
            _ => false,
        }
    }

    fn read_client(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if self.content.is_some() {
            return self.read_content(turn, r, out);
        }
        if self.must_wait(turn, r.rest().first().copied()) {
            return Err(Stop::Wait);
        }
        // Without an answer to DATA what follows can only be the letter.
        if let Some(Asked { kind: Kind::Data, key, .. }) = self.queue.last() {
            self.begin_content(key, None, true);
            return self.read_content(turn, r, out);
        }
        let known = command::may_be(r.rest());
        if !known && !self.greeted {
            // The server speaks first; without its greeting these bytes could be anything.
            return Err(if turn.other_ended { Stop::Bad(&n::NOT_COMMAND) } else { Stop::Wait });
        }
        let (all, end) = command::line(r)?;
        let line = r.peek(all.saturating_sub(end))?;
        if let Some(auth) = self.auth.filter(|a| a.challenged || self.deaf)
            && command::known(line).is_none()
        {
            return self.read_auth(turn, r, out, auth, all, end);
        }
        if !command::is_line(line) {
            return Err(Stop::Bad(&n::NOT_COMMAND));
        }
        let from = r.at();
        let c = command::read(r, all, end)?;
        let here = r.since(from);
        if self.queue.last().is_some_and(|a| a.kind == Kind::StartTls && !a.doubtful) && !self.deaf && !turn.other_ended {
            r.note(&n::BEHIND_STARTTLS, here);
        }
        if !self.queue.is_empty() && !self.pipelining && !self.lost && !self.deaf && self.greeted && self.queue.sure() {
            r.note(&n::PIPELINED, here);
        }
        // The reply to EHLO is needed before anything else is said; who goes on without it has had it.
        self.deaf |= self.queue.first().is_some_and(|a| a.kind == Kind::Hello && !a.doubtful);
        if c.verb == Verb::Auth && c.auth.1 {
            self.clear_password(turn, r, c.auth.0, here);
        }
        self.queue.drop_doubtful();
        self.said(&c, out);
        Ok(())
    }

    /// What a command changes, and what is told of it.
    fn said(&mut self, c: &Command<'_>, out: &mut Out<'_>) {
        let mut state: &'static State = &f::WAITING;
        let kind = match c.verb {
            Verb::Hello { lmtp } => {
                self.lmtp |= lmtp;
                state = &f::HELLO;
                Kind::Hello
            }
            Verb::Auth => {
                state = &f::AUTH;
                Kind::Auth
            }
            Verb::StartTls => {
                state = &f::TLS_ASKED;
                Kind::StartTls
            }
            Verb::Mail => {
                state = &f::MAIL;
                Kind::Mail
            }
            Verb::Rcpt => {
                state = &f::RCPT;
                Kind::Rcpt
            }
            Verb::Data => {
                state = &f::DATA_ASKED;
                Kind::Data
            }
            Verb::Chunk { last, .. } => {
                state = &f::SENDING;
                if last { Kind::LastChunk } else { Kind::Chunk }
            }
            Verb::Reset => Kind::Reset,
            Verb::Quit => {
                state = &f::LEAVING;
                Kind::Quit
            }
            Verb::Other | Verb::Unknown => Kind::Other,
        };
        let about_letter = matches!(kind, Kind::Mail | Kind::Rcpt | Kind::Data | Kind::Chunk | Kind::LastChunk | Kind::Reset);
        let key = match &self.letter {
            Some(l) if about_letter && kind != Kind::Mail => {
                out.answers(l.key, More::Yes);
                l.key
            }
            _ => {
                let key = self.key();
                out.asks(key);
                key
            }
        };
        match kind {
            Kind::Mail => {
                self.letter = Some(Box::new(Letter { key, from: kept(c.address), size: c.size, ..Letter::default() }));
            }
            Kind::Rcpt => {
                if let Some(l) = &mut self.letter {
                    l.named = l.named.saturating_add(1);
                    if l.to.len() < MOST_RECIPIENTS {
                        l.to.push(kept(c.address));
                    }
                }
            }
            // A chunk without an envelope is read all the same.
            Kind::Chunk | Kind::LastChunk if self.letter.is_none() => {
                self.letter = Some(Box::new(Letter { key, ..Letter::default() }));
            }
            Kind::Data if self.letter.is_none() => self.letter = Some(Box::new(Letter { key, ..Letter::default() })),
            Kind::Reset | Kind::Hello => self.letter = None,
            Kind::Auth => self.auth = Some(Auth { mechanism: c.auth.0, step: u32::from(c.auth.1), challenged: false, key }),
            _ => {}
        }
        out.state(Side::Client, state);
        out.state(Side::Server, &f::ANSWERING);
        match kind {
            Kind::Mail if c.address.is_empty() => out.summary("Mail from <>"),
            Kind::Mail => out.summary_of(&[Text(b"Mail from "), Text(c.address)]),
            Kind::Rcpt => out.summary_of(&[Text(b"For "), Text(c.address)]),
            Kind::Auth if c.auth.1 => out.summary_of(&[Text(c.name), Text(b" "), Text(c.parameter), Text(b", with the answer")]),
            _ if c.parameter.is_empty() => out.summary_of(&[Text(c.name)]),
            _ => out.summary_of(&[Text(c.name), Text(b" "), Text(c.parameter)]),
        }
        if kind == Kind::StartTls && self.deaf {
            out.becomes(Hint::Over { outer: "tls", inner: "smtp" });
        }
        let recipient = (kind == Kind::Rcpt && self.lmtp).then(|| kept(c.address));
        self.queue.push(Asked { key, kind, doubtful: false, recipient });
        if let Verb::Chunk { size: Some(size), last } = c.verb {
            if size > 0 {
                out.open();
                self.begin_content(key, Some(size), last);
            } else if last {
                self.letter_sent(out, true);
            }
        }
    }

    fn begin_content(&mut self, key: u64, chunk: Option<u64>, last: bool) {
        let len = self.letter.as_ref().map_or(0, |l| l.len);
        let mut content = Content::new(key, chunk, last, len);
        content.holed = self.letter.as_ref().is_some_and(|l| l.holed);
        // The command line of a chunk is the beginning of its message.
        content.fresh = chunk.is_none();
        self.content = Some(Box::new(content));
    }

    fn read_content(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let Some(content) = &mut self.content else { return Ok(()) };
        if content.end_lost {
            let fresh = content.fresh;
            self.content = None;
            if fresh {
                return self.read_client(turn, r, out);
            }
            if let Some(l) = self.letter.take() {
                letter_ends(l.key, End::Cut, out);
            }
            out.close();
            return Ok(());
        }
        let fresh = content.fresh;
        let counted = content.is_counted();
        let letter = self.letter.as_deref();
        if fresh && r.is_empty() {
            return Err(Stop::Short { need: r.taken().saturating_add(1) });
        }
        let start = r.span(0);
        let hint = || content::letter(letter.map(|l| &*l.from), letter.map_or(&[], |l| &l.to));
        if fresh && let Some(l) = letter {
            r.derived(&f::ENVELOPE_FROM, start, if l.from.is_empty() { "<>".to_owned() } else { Text(&l.from).to_string() });
            for to in &l.to {
                r.derived(&f::ENVELOPE_TO, start, Text(to).to_string());
            }
        }
        if fresh {
            // Before the letter's own words, however the bytes were cut.
            out.state(Side::Client, &f::SENDING);
        }
        let done = content.read(turn, r, out, hint)?;
        content.fresh = false;
        let (len, holed) = (content.len, content.holed);
        if fresh {
            out.open();
            out.answers(content.key, More::Yes);
            if std::mem::take(&mut self.early) {
                r.note(&n::EARLY_LETTER, start);
            }
        }
        if done || (fresh && !counted) {
            match letter {
                Some(l) if !counted => out.summary(Envelope(l)),
                _ if !counted => out.summary("The letter"),
                _ => {}
            }
        }
        if done {
            let last = content.last;
            let key = content.key;
            if letter.and_then(|l| l.size).is_some_and(|s| len > s && !holed) {
                r.note(&n::SIZE_DIFFERS, start);
            }
            self.content = None;
            out.close();
            if counted && let Some(l) = &mut self.letter {
                (l.len, l.holed) = (len, holed);
            }
            if last {
                self.letter_sent(out, counted);
            }
            if !counted {
                self.queue_verdicts(key);
            }
        }
        Ok(())
    }

    /// The replies that are due when the letter has been sent: one, or in LMTP one for each recipient.
    fn queue_verdicts(&mut self, key: u64) {
        let recipients = std::mem::take(&mut self.queue.accepted);
        if self.lmtp && !recipients.is_empty() {
            for recipient in recipients {
                self.queue.push(Asked { key, kind: Kind::Letter, doubtful: false, recipient: Some(recipient) });
            }
        } else {
            self.queue.push(Asked { key, kind: Kind::Letter, doubtful: false, recipient: None });
        }
    }

    /// The last byte of the letter was sent.
    fn letter_sent(&mut self, out: &mut Out<'_>, chunked: bool) {
        let Some(l) = self.letter.take() else { return };
        letter_ends(l.key, End::Fin, out);
        if chunked && self.lmtp {
            // The last chunk is answered for each recipient too; its own entry is the first of these.
            let mut recipients = std::mem::take(&mut self.queue.accepted).into_iter();
            self.queue.name_last(recipients.next());
            for recipient in recipients {
                self.queue.push(Asked { key: l.key, kind: Kind::Letter, doubtful: false, recipient: Some(recipient) });
            }
        }
        out.state(Side::Client, &f::SENT);
        out.state(Side::Server, &f::ANSWERING);
    }

    /// A line of the client inside AUTH.
    fn read_auth(
        &mut self,
        turn: &Turn<'_>,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
        auth: Auth,
        all: usize,
        end: usize,
    ) -> Result<(), Stop> {
        let from = r.at();
        let len = all.saturating_sub(end);
        let cancel = r.peek(len)? == b"*";
        r.group(&f::SMTP, |r| {
            if len > 0 {
                sasl::response(r, len, auth.mechanism, auth.step, &f::SASL)?;
            }
            if end > 0 { r.bytes(&f::DELIMITER, end).map(|_| ()) } else { Ok(()) }
        })?;
        if !cancel {
            self.clear_password(turn, r, auth.mechanism, r.since(from));
        }
        self.auth = Some(Auth { step: auth.step.saturating_add(1), challenged: false, ..auth });
        out.answers(auth.key, More::Yes);
        out.state(Side::Client, &f::AUTH);
        out.summary(if cancel { "Gives authentication up" } else { "Answer for authentication" });
        Ok(())
    }

    fn clear_password(&self, turn: &Turn<'_>, r: &mut Reader<'_>, mechanism: Mechanism, at: wirelore_kit::Span) {
        let inside = matches!(turn.whole.buf.kind(), BufKind::Stream(conv, _) if conv.inner > 0);
        let again = self.auth.is_some_and(|a| a.mechanism == Mechanism::Login && a.step > 0);
        if !inside && !again && matches!(mechanism, Mechanism::Plain | Mechanism::Login | Mechanism::Bearer) {
            r.note(&n::CLEAR_PASSWORD, at);
        }
    }

    fn read_server(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let greets = |code: u16| {
            !self.greeted && matches!(code, 220 | 421 | 554) && self.queue.first().is_none_or(|a| a.kind != Kind::StartTls)
        };
        let hello = self.queue.first().is_some_and(|a| a.kind == Kind::Hello);
        let (queue, from) = (&self.queue, r.at());
        let reply = reply::read(r, hello, |r, code| {
            let asked = if greets(code) { None } else { queue.fits(code).and_then(|at| queue.get(at)) };
            if let Some(a) = asked {
                r.derived(&f::ANSWERS, r.span(0), a.kind.words());
                if let Some(to) = &a.recipient {
                    r.derived(&f::RECIPIENT, r.span(0), Text(to).to_string());
                }
            }
        })?;
        let (code, greeting) = (reply.code, greets(reply.code));
        let more: &[u8] = if reply.lines > 1 { b" ..." } else { b"" };
        let digits = [code / 100, code / 10 % 10, code % 10].map(|d| b'0'.saturating_add(d as u8));
        out.summary_of(&[Text(&digits), Text(b" "), Text(reply.text), Text(more)]);
        self.greeted = true;
        self.deaf = false;
        if greeting {
            out.state(Side::Server, if code == 220 { &f::READY } else { &f::CLOSED });
            out.state(Side::Client, &f::READY);
            return Ok(());
        }
        if hello && code == 250 {
            self.pipelining = reply.pipelining;
        }
        let Some(asked) = self.queue.take(code) else {
            // The letter was answered though its end was not seen: that lies in a hole.
            match &mut self.content {
                Some(c) if c.holed => {
                    c.end_lost = true;
                    out.answers(c.key, More::No);
                }
                _ if code == 421 => out.state(Side::Server, &f::CLOSED),
                _ if !self.lost => r.note(&n::NOT_ASKED, r.since(from)),
                _ => {}
            }
            return Ok(());
        };
        self.answered(&asked, code, out);
        Ok(())
    }

    /// What a reply to a command changes.
    fn answered(&mut self, asked: &Asked, code: u16, out: &mut Out<'_>) {
        let good = code < 400;
        let (mut client, mut server): (&'static State, &'static State) = (&f::READY, &f::READY);
        let mut over = false;
        match asked.kind {
            Kind::Auth if code == 334 => {
                if let Some(a) = &mut self.auth {
                    a.challenged = true;
                }
                self.queue.again(asked.clone());
                (client, server) = (&f::AUTH, &f::CHALLENGED);
            }
            Kind::Auth => self.auth = None,
            Kind::StartTls if code == 220 => {
                (client, server) = (&f::TLS, &f::TLS);
                out.becomes(Hint::Over { outer: "tls", inner: "smtp" });
            }
            Kind::Mail if good => (client, server) = (&f::MAIL, &f::MAIL),
            Kind::Rcpt => {
                if good && let Some(to) = &asked.recipient {
                    self.queue.accepted.push(to.clone());
                }
                (client, server) = (&f::RCPT, &f::RCPT);
            }
            Kind::Data if code == 354 => {
                (client, server) = (&f::SENDING, &f::TAKING);
                if self.content.is_none() {
                    self.begin_content(asked.key, None, true);
                }
            }
            Kind::Chunk if good => (client, server) = (&f::SENDING, &f::TAKING),
            Kind::Mail | Kind::Data | Kind::Chunk => over = true,
            Kind::Quit => (client, server) = (&f::LEAVING, &f::CLOSED),
            Kind::Hello | Kind::StartTls | Kind::Reset | Kind::LastChunk | Kind::Letter | Kind::Other => {}
        }
        if over && self.letter.as_ref().is_some_and(|l| l.key == asked.key) && self.content.is_none() {
            self.letter = None;
        }
        if matches!(asked.kind, Kind::Mail | Kind::Hello | Kind::Reset) && !self.queue.any(Kind::Rcpt) {
            self.queue.accepted.clear();
        }
        if code == 421 {
            server = &f::CLOSED;
        }
        let open = self.queue.has(asked.key)
            || self.letter.as_ref().is_some_and(|l| l.key == asked.key)
            || self.content.as_ref().is_some_and(|c| c.key == asked.key);
        out.answers(asked.key, if open { More::Yes } else { More::No });
        if self.queue.is_empty() || matches!(asked.kind, Kind::Data | Kind::Auth | Kind::StartTls) {
            out.state(Side::Client, client);
        }
        out.state(Side::Server, server);
    }
}

/// The inner stream of a letter ends: it has one direction, and its reader is let go.
fn letter_ends(key: u64, how: End, out: &mut Out<'_>) {
    for dir in Dir::BOTH {
        out.inner_end(key, dir, how);
    }
}

/// An address as it is remembered.
fn kept(address: &[u8]) -> Box<[u8]> {
    address.get(..MOST_ADDRESS).unwrap_or(address).into()
}

/// An envelope as a line says it.
struct Envelope<'l>(&'l Letter);

impl std::fmt::Display for Envelope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let l = self.0;
        let from = if l.from.is_empty() { Text(b"<>") } else { Text(&l.from) };
        write!(f, "Letter from {from}")?;
        if let Some(to) = l.to.first() {
            write!(f, " to {}", Text(to))?;
        }
        if l.named > 1 {
            write!(f, " and {} more", l.named.saturating_sub(1))?;
        }
        Ok(())
    }
}

impl Dissector for Smtp {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if turn.dir == Dir::ToServer { self.read_client(turn, r, out) } else { self.read_server(r, out) }
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        if dir == Dir::ToClient {
            // The replies to what was asked may lie in the hole.
            self.queue.doubt();
            return AfterGap::Resync;
        }
        self.lost = true;
        if let Some(content) = &mut self.content
            && !content.fresh
            && let Some(complete) = content.gap(missing, dir, out)
        {
            out.note(&n::LETTER_HOLE, wirelore_kit::Span::default());
            if complete {
                let last = content.last;
                self.content = None;
                out.close();
                if let Some(l) = &mut self.letter {
                    l.holed = true;
                }
                if last && let Some(l) = self.letter.take() {
                    letter_ends(l.key, End::Fin, out);
                }
            }
            return AfterGap::Carry;
        }
        if let Some(content) = self.content.take()
            && content.len > 0
        {
            letter_ends(content.key, End::Cut, out);
        }
        self.letter = None;
        AfterGap::Resync
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if dir == Dir::ToServer
            && let Some(content) = self.content.take()
            && content.len > 0
        {
            letter_ends(content.key, how, out);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let letter = self.letter.as_ref().map_or(0, |l| {
            let addresses: usize = l.to.iter().map(|a| a.len().saturating_add(size_of::<Box<[u8]>>())).sum();
            size_of::<Letter>().saturating_add(l.from.len()).saturating_add(addresses)
        });
        let content = self.content.as_ref().map_or(0, |c| size_of::<Content>().saturating_add(c.weight()));
        size_of::<Smtp>().saturating_add(self.queue.weight()).saturating_add(letter).saturating_add(content)
    }
}
