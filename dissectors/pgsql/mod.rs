//! PostgreSQL's protocol, version 3: start, proof of identity, simple and extended queries, rows, errors, COPY, encryption by SSLRequest.
//!
//! Each message is a row. Answers are paired with what they answer: completions with their Parse, Bind or Execute, ReadyForQuery with the
//! query or the Sync before it; an error skips what the server skips.

mod fields;
mod message;
mod middle;

use fields as f;
use message::Said;
use std::collections::VecDeque;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Framing, Hint, More, Out, Peek, Reader, Relay, Side, Spec, State,
    Stop, Text, Transport, Turn, Value, Verdict,
};

/// PostgreSQL.
pub static SPEC: Spec = Spec {
    name: "pgsql",
    label: "PostgreSQL",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(5432), Claim::Alpn(b"postgresql"), Claim::Named("pgsql")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchUntilUpgrade,
    middle: Some(middle::SERVE),
    new: |start| Box::new(Pgsql { midstream: start.midstream, ..Pgsql::default() }),
    explain: &[("en", include_str!("explain.en.toml"))],
};

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// A message up to so many bytes is waited for; of a longer one only the head is read.
const MOST_WHOLE: u32 = 2 << 20;
/// So many questions are remembered while they wait.
const MOST_ASKED: usize = 4096;
/// So many columns have their names remembered.
const MOST_COLUMNS: usize = 1664;

#[derive(Debug, Clone, Default)]
struct Pgsql {
    /// Bytes of a long message still to come, by direction.
    long: [Option<u64>; 2],
    /// The client has said how it begins.
    started: bool,
    midstream: bool,
    /// The client waits whether the server encrypts.
    wish: Option<u64>,
    auth: u32,
    columns: Vec<Box<[u8]>>,
    /// What waits for an answer: its kind and its key.
    asked: VecDeque<(u8, u64)>,
    next: u64,
}

impl Pgsql {
    fn ask(&mut self, kind: u8, out: &mut Out<'_>) -> u64 {
        let key = self.next;
        self.next = key.wrapping_add(1);
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back((kind, key));
        out.asks(key);
        key
    }

    /// What the client begins with has no type (§54.2.1).
    fn startup(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let [a, b, c, d, e, g, h, i] = *r.peek(8)? else { return Err(Stop::Bad(&f::NOT_PGSQL)) };
        let (len, code) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, g, h, i]));
        if !(8..=10_000).contains(&len) || !(matches!(code, CANCEL | SSL | GSS) || code >> 16 == 3) {
            return Err(Stop::Bad(&f::NOT_PGSQL));
        }
        r.peek(len as usize)?;
        let name = match code {
            CANCEL => "Cancel request",
            SSL => "SSL request",
            GSS => "GSS encrypt request",
            _ => "Startup message",
        };
        let here = r.span(8);
        let said = r.within(&f::PGSQL, len as usize, |r| {
            let mut said = Said::default();
            r.derived(&f::TYPE, here, name);
            r.u32(&f::LENGTH)?;
            if code >> 16 == 3 {
                r.u16(&f::MAJOR)?;
                r.u16(&f::MINOR)?;
                message::parameters(r, &mut said)?;
            } else {
                r.u32(&f::CODE)?;
                if code == CANCEL {
                    said.number = r.u32(&f::PID)?;
                    r.bytes(&f::CANCEL_KEY, r.left())?;
                }
            }
            r.title(name);
            Ok(said)
        })?;
        match code {
            SSL | GSS => {
                self.wish = Some(self.ask(0, out));
                out.summary(name);
            }
            CANCEL => out.summary(format_args!("{name}: process {}", said.number)),
            _ => {
                self.started = true;
                self.ask(0, out);
                out.state(Side::Client, &f::STARTING);
                let comma = if said.more.is_empty() { "" } else { ", database " };
                out.summary(format_args!("{name}: user {}{comma}{}", Text(said.text), Text(said.more)));
            }
        }
        Ok(())
    }

    /// One letter: whether the server encrypts (§54.2.10).
    fn wish_answered(&mut self, key: u64, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<bool, Stop> {
        let answer = r.peek(1)?.first().copied().unwrap_or(0);
        if !matches!(answer, b'S' | b'N' | b'G') {
            return Ok(false);
        }
        let here = r.span(1);
        r.group(&f::PGSQL, |r| {
            let name = if answer == b'N' { "No encryption" } else { "Encryption begins" };
            r.derived(&f::TYPE, here, name);
            r.text(&f::SSL_ANSWER, 1)?;
            r.title(name);
            out.summary(name);
            Ok(())
        })?;
        self.wish = None;
        self.asked.pop_front();
        out.answers(key, More::No);
        match answer {
            b'S' => out.becomes(Hint::Over { outer: "tls", inner: "pgsql" }),
            b'G' => out.becomes(Hint::Bytes("GSS-encrypted")),
            _ => r.note(&f::NO_ENCRYPTION, here),
        }
        Ok(true)
    }

    fn typed(&mut self, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let [kind, a, b, c, d] = *r.peek(5)? else { return Err(Stop::Bad(&f::NOT_PGSQL)) };
        let len = u32::from_be_bytes([a, b, c, d]);
        let client = dir == Dir::ToServer;
        let name = if client { message::client_name(kind) } else { message::server_name(kind) };
        if !(4..=1 << 30).contains(&len) || (name.is_none() && (len > MOST_WHOLE || !kind.is_ascii_alphanumeric())) {
            return Err(Stop::Bad(&f::NOT_PGSQL));
        }
        let title = if client && kind == b'p' { message::answer_to(self.auth) } else { name.unwrap_or("Unknown") };
        let long = len > MOST_WHOLE;
        let size = if long { 5 } else { (len as usize).saturating_add(1) };
        r.peek(size)?;
        let (auth, here) = (self.auth, r.span(size));
        let columns = std::mem::take(&mut self.columns);
        let said = r.within(&f::PGSQL, size, |r| {
            r.valued(&f::TYPE, 1, Value::from(title))?;
            r.u32(&f::LENGTH)?;
            r.title(title);
            if name.is_none() {
                r.note(&f::UNKNOWN_TYPE, here);
                r.unknown(r.left())?;
            }
            match (long || name.is_none(), client) {
                (true, _) => Ok(Said::default()),
                (_, true) => message::client(r, kind, auth),
                (_, false) => message::server(r, kind, &columns),
            }
        });
        self.columns = columns;
        let said = said?;
        if long {
            let [up, down] = &mut self.long;
            *(if client { up } else { down }) = Some(u64::from(len).saturating_sub(4));
            out.open();
        }
        if client {
            self.client_said(kind, title, &said, out);
        } else {
            self.server_said(kind, title, &said, r, here, out);
        }
        Ok(())
    }

    fn client_said(&mut self, kind: u8, title: &str, said: &Said<'_>, out: &mut Out<'_>) {
        match kind {
            b'Q' | b'P' | b'B' | b'D' | b'E' | b'C' | b'S' | b'F' => _ = self.ask(kind, out),
            _ => {}
        }
        match kind {
            b'Q' | b'P' | b'E' | b'F' => out.state(Side::Server, &f::WORKING),
            b'X' => out.state(Side::Client, &f::CLOSED),
            _ => {}
        }
        let text = Text(said.text.get(..said.text.len().min(400)).unwrap_or(said.text));
        match kind {
            b'Q' => out.summary(text),
            b'P' if said.more.is_empty() => out.summary(format_args!("Parse: {text}")),
            b'P' => out.summary(format_args!("Parse {}: {text}", Text(said.more))),
            b'B' => out.summary(format_args!("Bind {text}, {} values", said.number)),
            b'D' | b'C' => out.summary(format_args!("{title} {} {text}", Text(said.more))),
            b'p' if title == "Password message" => out.summary("Password"),
            b'p' if said.text.is_empty() => out.summary(title),
            b'p' => out.summary(format_args!("SASL, {text}")),
            b'd' | b'f' => out.summary(format_args!("{title}: {text}")),
            _ if said.text.is_empty() => out.summary(title),
            _ => out.summary(format_args!("{title} {text}")),
        }
    }

    fn server_said(
        &mut self,
        kind: u8,
        title: &str,
        said: &Said<'_>,
        r: &mut Reader<'_>,
        here: wirelore_kit::Span,
        out: &mut Out<'_>,
    ) {
        self.answer(kind, said, out);
        let text = Text(said.text.get(..said.text.len().min(400)).unwrap_or(said.text));
        let more = Text(said.more.get(..said.more.len().min(200)).unwrap_or(said.more));
        match kind {
            b'R' => {
                self.auth = said.number;
                if said.number != 0 {
                    out.state(Side::Client, &f::PROVING);
                }
                out.summary(format_args!("{title}: {}", f::AUTH.name_of(said.number.into()).unwrap_or("unknown")));
            }
            b'Z' => {
                let state: &'static State = match said.number {
                    0x54 => &f::TRANSACTION,
                    0x45 => &f::FAILED,
                    _ => &f::IDLE,
                };
                out.state(Side::Server, state);
                out.state(Side::Client, state);
                out.summary(format_args!("Ready, {}", f::STATUS.name_of(said.number.into()).unwrap_or("unknown").to_lowercase()));
            }
            b'E' | b'N' => {
                r.note(if kind == b'E' { &f::SAID_NO } else { &f::WARNED }, here);
                out.summary(format_args!("{more} {}: {text}", Text(said.code)));
            }
            b'G' | b'H' | b'W' => {
                out.state(if kind == b'H' { Side::Server } else { Side::Client }, &f::COPYING);
                out.summary(title);
            }
            b'T' => {
                let mut columns = said.columns.clone();
                columns.truncate(MOST_COLUMNS);
                self.columns = columns;
                let s = if said.number == 1 { "" } else { "s" };
                out.summary(format_args!("{} column{s}: {text}{}", said.number, if said.number > 1 { " …" } else { "" }));
            }
            b'D' => match said.number {
                0 => out.summary("Row"),
                1 => out.summary(format_args!("Row: {text}")),
                2 => out.summary(format_args!("Row: {text}, {more}")),
                _ => out.summary(format_args!("Row: {text}, {more} …")),
            },
            b'S' => out.summary(format_args!("{text} = {more}")),
            b'A' => out.summary(format_args!("{title} {text}: {more}")),
            b'K' => out.summary(format_args!("{title}: process {}", said.number)),
            b'd' => out.summary(format_args!("{title}: {text}")),
            _ if said.text.is_empty() => out.summary(title),
            _ => out.summary(text),
        }
    }

    /// Finds what a message of the server answers.
    fn answer(&mut self, kind: u8, said: &Said<'_>, out: &mut Out<'_>) {
        let Some((asked, key)) = self.asked.front().copied() else { return };
        // The end of what was asked; of a simple query and the start all but ReadyForQuery is only a part.
        let (fits, last) = match kind {
            b'1' => (asked == b'P', true),
            b'2' => (asked == b'B', true),
            b'3' => (asked == b'C', true),
            b'Z' => (matches!(asked, b'S' | b'Q' | b'F' | 0), true),
            b'n' => (asked == b'D', true),
            b'T' => (true, asked == b'D'),
            b'C' | b'I' | b's' => (true, asked == b'E'),
            b'E' => (true, !matches!(asked, b'Q' | 0)),
            b'R' | b'K' | b'S' | b'v' => (asked == 0, false),
            b'D' | b't' | b'G' | b'H' | b'W' | b'V' => (true, false),
            _ => (false, false),
        };
        if !fits {
            return;
        }
        let fatal = kind == b'E' && matches!(said.more, b"FATAL" | b"PANIC");
        out.answers(key, if last || fatal { More::No } else { More::Yes });
        if last || fatal {
            self.asked.pop_front();
        }
        if kind == b'E' {
            // The server passes over everything up to the next Sync.
            while self.asked.front().is_some_and(|(k, _)| !matches!(k, b'S' | b'Q' | 0)) {
                self.asked.pop_front();
            }
        }
    }
}

impl Dissector for Pgsql {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let client = turn.dir == Dir::ToServer;
        let [up, down] = &mut self.long;
        let long = if client { up } else { down };
        if let Some(left) = *long {
            let len = r.left().min(usize::try_from(left).unwrap_or(usize::MAX));
            if len == 0 && left > 0 {
                return Err(Stop::Short { need: 1 });
            }
            let span = r.span(len);
            r.bytes(&f::LONG, len)?;
            out.piece(span);
            let left = left.saturating_sub(len as u64);
            *long = (left > 0).then_some(left);
            if left == 0 {
                out.close();
            }
            return Ok(());
        }
        if client {
            // What follows a wish for encryption depends on the answer.
            if self.wish.is_some() && !turn.other_ended {
                return Err(Stop::Wait);
            }
            let untyped = r.peek(1)?.first() == Some(&0);
            return if untyped && !self.started { self.startup(r, out) } else { self.typed(turn.dir, r, out) };
        }
        // The server speaks when it was spoken to.
        if !self.started && self.wish.is_none() && !self.midstream && !turn.other_ended && self.asked.is_empty() && self.next == 0
        {
            return Err(Stop::Wait);
        }
        if let Some(key) = self.wish
            && self.wish_answered(key, r, out)?
        {
            return Ok(());
        }
        self.typed(turn.dir, r, out)?;
        self.wish = None;
        Ok(())
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        let [up, down] = &mut self.long;
        let long = if dir == Dir::ToServer { up } else { down };
        if let Some(left) = long.and_then(|l| l.checked_sub(missing)) {
            *long = (left > 0).then_some(left);
            if left == 0 {
                out.close();
            }
            return AfterGap::Carry;
        }
        *long = None;
        self.started = true;
        self.wish = None;
        self.asked.clear();
        self.next = self.next.max(1);
        AfterGap::Resync
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if matches!(how, End::Fin | End::Reset) {
            out.state(dir.sender(), &f::CLOSED);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let columns: usize = self.columns.iter().map(|c| c.len().saturating_add(16)).sum();
        size_of::<Pgsql>().saturating_add(columns).saturating_add(self.asked.capacity().saturating_mul(16))
    }
}

/// Whether a message with a type may begin here, with how long it may be.
fn plausible(b: &[u8], dir: Dir) -> bool {
    let [kind, l @ ..] = b else { return false };
    let Some(l) = l.first_chunk::<4>() else { return false };
    let len = u32::from_be_bytes(*l);
    let name = if dir == Dir::ToServer { message::client_name(*kind) } else { message::server_name(*kind) };
    let right = match (dir, kind) {
        (Dir::ToClient, b'Z') => len == 5,
        (Dir::ToClient, b'1' | b'2' | b'3' | b'n' | b'c' | b's' | b'I') => len == 4,
        (Dir::ToServer, b'S' | b'H' | b'X' | b'c') => len == 4,
        _ => len >= 5,
    };
    name.is_some() && right && len < 1 << 20
}

fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    (0..bytes.len()).find(|i| plausible(bytes.get(*i..).unwrap_or(&[]), dir))
}

/// The first message of a client names the version or one of three wishes: sure. From the middle on a message that fits is likely.
fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.transport != Transport::Tcp {
        return Verdict::No;
    }
    let more = if peek.ended { Verdict::No } else { Verdict::More };
    let (bytes, dir) = if peek.to_server.is_empty() { (peek.to_client, Dir::ToClient) } else { (peek.to_server, Dir::ToServer) };
    match bytes {
        [] => more,
        [0, rest @ ..] if dir == Dir::ToServer => {
            if !matches!(rest, [] | [0, ..]) {
                return Verdict::No;
            }
            let Some([a, b, c, d, e, g, h, i]) = bytes.first_chunk::<8>().copied() else { return more };
            let (len, code) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, g, h, i]));
            let known = match code {
                SSL | GSS => len == 8,
                CANCEL => (16..=300).contains(&len),
                _ => code >> 16 == 3 && code & 0xffff < 8 && (9..=10_000).contains(&len),
            };
            if known { Verdict::Sure } else { Verdict::No }
        }
        [kind, ..] => {
            let name = if dir == Dir::ToServer { message::client_name(*kind) } else { message::server_name(*kind) };
            if name.is_none() {
                Verdict::No
            } else if bytes.len() < 5 {
                more
            } else if plausible(bytes, dir) {
                Verdict::Likely
            } else {
                Verdict::No
            }
        }
    }
}
