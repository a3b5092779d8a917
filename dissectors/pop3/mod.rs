//! POP3 (RFC 1939, RFC 2449, RFC 2595, RFC 5034): commands, answers of one line or many, and letters as inner streams.

mod fields;
mod middle;

use crate::coding::dots::{Dot, Dots};
use crate::coding::sasl::{self, Mechanism};
use fields as f;
use memchr::{memchr, memmem};
use std::collections::VecDeque;
use wirelore_kit::{
    AfterGap, AfterGapPromise, BufKind, Claim, Dir, Dissector, End, Fact, Framing, Hint, How, Level, More, Out, Peek, Reader,
    Relay, Side, Spec, Start, Stop, Text, Told, Transport, Turn, Verdict,
};

/// POP3.
pub static SPEC: Spec = Spec {
    name: "pop",
    label: "POP3",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(110), Claim::Tcp(995), Claim::Alpn(b"pop3"), Claim::Named("pop")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchUntilUpgrade,
    middle: Some(middle::SERVE),
    new: |start| Box::new(Pop::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// Longer lines are not waited for; so many commands are remembered; so many steps are taken in one read.
const MOST_LINE: usize = 64 * 1024;
const MOST_ASKED: usize = 1024;
const MOST_STEPS: usize = 4096;

/// Commands of RFC 1939 and its extensions, and what their answers are like.
const COMMANDS: &[(&str, Kind)] = &[
    ("USER", Kind::Other),
    ("PASS", Kind::Login),
    ("APOP", Kind::Login),
    ("AUTH", Kind::Auth),
    ("STLS", Kind::Stls),
    ("CAPA", Kind::Lines),
    ("STAT", Kind::Other),
    ("LIST", Kind::List),
    ("UIDL", Kind::List),
    ("RETR", Kind::Letter),
    ("TOP", Kind::Letter),
    ("DELE", Kind::Other),
    ("NOOP", Kind::Other),
    ("RSET", Kind::Other),
    ("LAST", Kind::Other),
    ("UTF8", Kind::Other),
    ("LANG", Kind::List),
    ("QUIT", Kind::Quit),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Login,
    Auth,
    Stls,
    /// Lines follow a good answer.
    Lines,
    /// Lines follow, unless one letter was named.
    List,
    /// A letter follows.
    Letter,
    Quit,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    key: u64,
    kind: Kind,
    name: [u8; 4],
    doubtful: bool,
}

/// An answer of several lines that is being read.
#[derive(Debug, Clone, Copy)]
enum Body {
    Lines,
    /// `part`: only its beginning was asked for.
    Letter {
        key: u64,
        dots: Dots,
        len: u64,
        part: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Auth {
    mechanism: Mechanism,
    step: u32,
    challenged: bool,
    key: u64,
}

#[derive(Debug, Clone, Default)]
struct Pop {
    asked: VecDeque<Asked>,
    keys: u64,
    body: Option<Body>,
    auth: Option<Auth>,
    greeted: bool,
}

fn known(line: &[u8]) -> Option<Kind> {
    let word = line.split(|b| matches!(b, b' ' | b'\r' | b'\n')).next().unwrap_or(line);
    COMMANDS.iter().find(|(n, _)| n.as_bytes().eq_ignore_ascii_case(word)).map(|(_, k)| *k)
}

/// Length of a line with its end, and of the end.
fn line(r: &mut Reader<'_>) -> Result<(usize, usize), Stop> {
    let all = match r.seek(|b, from| memchr(b'\n', b.get(from..)?).map(|i| i.saturating_add(from).saturating_add(1))) {
        Ok(all) if all <= MOST_LINE => all,
        Err(Stop::Bad(_)) if r.left() <= MOST_LINE => return Ok((r.left(), 0)),
        Err(stop) if r.left() <= MOST_LINE => return Err(stop),
        _ => return Err(Stop::Bad(&f::TOO_LONG)),
    };
    Ok((all, if r.peek(all)?.ends_with(b"\r\n") { 2 } else { 1 }))
}

impl Pop {
    fn new(start: &Start) -> Pop {
        // Inside TLS after STLS nobody greets again.
        Pop { greeted: start.midstream || matches!(start.hint, Hint::Proto(_)), ..Pop::default() }
    }

    fn read_client(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let last = self.asked.back().filter(|a| !a.doubtful && !turn.other_ended).map(|a| a.kind);
        let tls = r.rest().first() == Some(&0x16);
        match last {
            Some(Kind::Stls) if tls => return Err(Stop::Wait),
            Some(Kind::Auth) if !self.auth.is_some_and(|a| a.challenged) => return Err(Stop::Wait),
            _ => {}
        }
        let (all, end) = line(r)?;
        let whole = r.peek(all)?;
        let body = whole.get(..all.saturating_sub(end)).unwrap_or(whole);
        if let Some(auth) = self.auth.filter(|a| a.challenged) {
            return self.read_auth(turn, r, out, auth, body.len(), end);
        }
        let word = memchr(b' ', body).unwrap_or(body.len());
        let name = body.get(..word).unwrap_or(body);
        if name.len() < 3 || !body.iter().all(|b| *b >= b' ' && *b < 0x7f) || !name.iter().all(u8::is_ascii_alphanumeric) {
            return Err(Stop::Bad(&f::NOT_COMMAND));
        }
        let kind = known(body).unwrap_or(Kind::Other);
        let parameter = body.get(word.saturating_add(1)..).unwrap_or(&[]);
        let first = memchr(b' ', parameter).unwrap_or(parameter.len());
        let from = r.at();
        let is = |n: &str| name.eq_ignore_ascii_case(n.as_bytes());
        let mut mechanism = Mechanism::Other;
        r.group(&f::POP, |r| {
            r.text(&f::COMMAND, word)?;
            if word < body.len() {
                r.bytes(&f::DELIMITER, 1)?;
            }
            if parameter.is_empty() {
            } else if is("PASS") {
                r.text(&f::PASSWORD, parameter.len())?;
            } else if (is("APOP") || kind == Kind::Auth) && first < parameter.len() {
                r.text(&f::PARAMETER, first)?;
                r.bytes(&f::DELIMITER, 1)?;
                let rest = parameter.len().saturating_sub(first).saturating_sub(1);
                if is("APOP") {
                    r.text(&f::DIGEST, rest)?;
                } else {
                    mechanism = Mechanism::named(parameter.get(..first).unwrap_or(&[]));
                    sasl::response(r, rest, mechanism, 0, &f::SASL)?;
                }
            } else {
                r.text(&f::PARAMETER, parameter.len())?;
            }
            if kind == Kind::Auth && !parameter.is_empty() {
                let name = parameter.get(..first).unwrap_or(parameter);
                mechanism = Mechanism::named(name);
                r.derived(&f::MECHANISM, r.span(0), Text(name).to_string().to_ascii_uppercase());
            }
            if end > 0 { r.bytes(&f::DELIMITER, end).map(|_| ()) } else { Ok(()) }
        })?;
        let here = r.since(from);
        if end == 1 {
            r.note(&f::BARE_LF, here);
        }
        if last == Some(Kind::Stls) {
            r.note(&f::BEHIND_STLS, here);
        }
        if is("PASS") {
            self.clear(turn, r, here);
        }
        self.asked.retain(|a| !a.doubtful);
        self.keys = self.keys.wrapping_add(1);
        let key = self.keys;
        // AUTH without a mechanism asks for a list of them.
        let kind = match kind {
            Kind::Auth if parameter.is_empty() => Kind::Lines,
            Kind::List if !parameter.is_empty() => Kind::Other,
            k => k,
        };
        if kind == Kind::Auth {
            self.auth = Some(Auth { mechanism, step: u32::from(first < parameter.len()), challenged: false, key });
        }
        let mut short = [b' '; 4];
        for (to, from) in short.iter_mut().zip(name) {
            *to = from.to_ascii_uppercase();
        }
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked { key, kind, name: short, doubtful: false });
        out.asks(key);
        out.state(Side::Client, &f::WAITING);
        if is("PASS") || is("APOP") || parameter.is_empty() {
            out.summary_of(&[Text(name)]);
        } else {
            out.summary_of(&[Text(name), Text(b" "), Text(parameter.get(..first).unwrap_or(parameter))]);
        }
        Ok(())
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
        r.group(&f::POP, |r| {
            if len > 0 {
                sasl::response(r, len, auth.mechanism, auth.step, &f::SASL)?;
            }
            if end > 0 { r.bytes(&f::DELIMITER, end).map(|_| ()) } else { Ok(()) }
        })?;
        if matches!(auth.mechanism, Mechanism::Plain | Mechanism::Login | Mechanism::Bearer) && auth.step == 0 {
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

    fn read_server(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if self.body.is_some() {
            return self.read_body(turn, r, out);
        }
        let rest = r.rest();
        let n = rest.len().min(3);
        let starts = |word: &[u8]| rest.get(..n) == word.get(..n);
        if !(starts(b"+OK") || starts(b"-ER") || rest.starts_with(b"+ ") || rest.starts_with(b"+\r")) {
            return Err(Stop::Bad(&f::NOT_ANSWER));
        }
        let (all, end) = line(r)?;
        let whole = r.peek(all)?;
        let body = whole.get(..all.saturating_sub(end)).unwrap_or(whole);
        let word = memchr(b' ', body).unwrap_or(body.len());
        let indicator = body.get(..word).unwrap_or(body);
        let text = body.get(word.saturating_add(1)..).unwrap_or(&[]);
        let challenge = indicator == b"+";
        let greeting = !self.greeted && !challenge;
        let asked = if greeting { None } else { self.asked.front().copied() };
        let from = r.at();
        r.group(&f::POP, |r| {
            if let Some(a) = asked {
                r.derived(&f::ANSWERS, r.span(0), Text(a.name.trim_ascii_end()).to_string());
            }
            r.text(&f::INDICATOR, word)?;
            if word < body.len() {
                r.bytes(&f::DELIMITER, 1)?;
            }
            if !text.is_empty() {
                let of = r.span(text.len());
                r.text(&f::DESCRIPTION, text.len())?;
                if challenge
                    && r.level() == Level::Tree
                    && let Some(said) = sasl::challenge(text)
                {
                    r.derived(&f::CHALLENGE, of, said);
                }
            }
            if end > 0 { r.bytes(&f::DELIMITER, end).map(|_| ()) } else { Ok(()) }
        })?;
        self.greeted = true;
        let good = indicator.eq_ignore_ascii_case(b"+OK");
        if !good && !challenge {
            r.note(&f::REFUSED, r.since(from));
        }
        out.summary_of(&[Text(body)]);
        if greeting {
            out.state(Side::Client, &f::AUTHORIZATION);
            out.state(Side::Server, &f::AUTHORIZATION);
            return Ok(());
        }
        let Some(a) = asked else { return Ok(()) };
        if challenge {
            if let Some(auth) = &mut self.auth {
                auth.challenged = true;
            }
            out.answers(a.key, More::Yes);
            return Ok(());
        }
        self.asked.pop_front();
        out.answers(a.key, More::No);
        match a.kind {
            Kind::Auth | Kind::Login => {
                self.auth = None;
                let state = if good { &f::TRANSACTION } else { &f::AUTHORIZATION };
                out.state(Side::Client, state);
                out.state(Side::Server, state);
            }
            Kind::Stls if good => {
                out.state(Side::Client, &f::TLS);
                out.state(Side::Server, &f::TLS);
                out.becomes(Hint::Over { outer: "tls", inner: "pop" });
            }
            Kind::Quit => {
                out.state(Side::Client, &f::UPDATE);
                out.state(Side::Server, &f::UPDATE);
            }
            Kind::Lines | Kind::List if good => {
                self.body = Some(Body::Lines);
                out.open();
            }
            Kind::Letter if good => {
                self.body = Some(Body::Letter { key: a.key, dots: Dots::default(), len: 0, part: a.name.starts_with(b"TOP") });
                out.state(Side::Server, &f::SENDING);
                out.open();
            }
            _ => {}
        }
        Ok(())
    }

    fn read_body(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let begin = r.taken();
        let Some(body) = &mut self.body else { return Ok(()) };
        for _ in 0..MOST_STEPS {
            let rest = r.rest();
            match body {
                Body::Lines => {
                    let Some(n) = memchr(b'\n', rest).map(|i| i.saturating_add(1)) else {
                        if rest.len() > MOST_LINE {
                            return Err(Stop::Bad(&f::TOO_LONG));
                        }
                        break;
                    };
                    let eol: usize = if rest.get(..n).is_some_and(|l| l.ends_with(b"\r\n")) { 2 } else { 1 };
                    if rest.starts_with(b".") && n == eol.saturating_add(1) {
                        r.text(&f::END, n)?;
                        self.body = None;
                        out.close();
                        return Ok(());
                    }
                    r.group(&f::LINE, |r| {
                        let dot = usize::from(rest.starts_with(b".."));
                        if dot > 0 {
                            r.bytes(&f::STUFFED, 1)?;
                        }
                        let text = n.saturating_sub(eol).saturating_sub(dot);
                        if text > 0 {
                            r.text(&f::DATA, text)?;
                        }
                        r.bytes(&f::DELIMITER, eol).map(|_| ())
                    })?;
                }
                Body::Letter { key, dots, len, part } => match dots.next(rest, r.is_bounded()) {
                    Dot::More => break,
                    Dot::End => {
                        let key = *key;
                        r.text(&f::END, 3)?;
                        self.body = None;
                        for dir in Dir::BOTH {
                            out.inner_end(key, dir, End::Fin);
                        }
                        out.state(Side::Server, &f::TRANSACTION);
                        out.close();
                        return Ok(());
                    }
                    Dot::Stuffed => {
                        r.bytes(&f::STUFFED, 1)?;
                    }
                    Dot::Text(n) => {
                        let span = r.span(n);
                        r.bytes(&f::LETTER, n)?;
                        out.piece(span);
                        // The first bytes say whether it is all of it.
                        let hint = if *part && *len == 0 { part_of_letter() } else { Hint::media("message/rfc822") };
                        *len = len.saturating_add(n as u64);
                        out.inner(*key, turn.dir, span, How::Unstuffed, hint);
                    }
                },
            }
        }
        if r.taken() == begin {
            return Err(Stop::Short { need: r.taken().saturating_add(r.left()).saturating_add(1) });
        }
        Ok(())
    }
}

/// What TOP answers: a letter's headers and the beginning of its body.
fn part_of_letter() -> Hint {
    let facts = [Fact { from: Side::Server, name: "part".into(), value: b"top".as_slice().into() }];
    Hint::Media(Box::new(Told { name: "message/rfc822".into(), facts: facts.into() }))
}

impl Dissector for Pop {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if turn.dir == Dir::ToServer { self.read_client(turn, r, out) } else { self.read_server(turn, r, out) }
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        if dir == Dir::ToClient {
            match &mut self.body {
                Some(Body::Letter { key, dots, len, .. }) => {
                    dots.lost();
                    if *len > 0 {
                        out.inner_gap(*key, dir, missing);
                    }
                    return AfterGap::Carry;
                }
                Some(Body::Lines) => self.body = None,
                None => {}
            }
            self.asked.iter_mut().for_each(|a| a.doubtful = true);
        }
        AfterGap::Resync
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if dir == Dir::ToClient
            && let Some(Body::Letter { key, .. }) = self.body.take()
        {
            for dir in Dir::BOTH {
                out.inner_end(key, dir, how);
            }
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Pop>().saturating_add(self.asked.capacity().saturating_mul(size_of::<Asked>()))
    }
}

/// The server speaks first: +OK, and often its name.
fn probe(peek: &Peek<'_>) -> Verdict {
    let (client, server) = (peek.to_server, peek.to_client);
    let n = server.len().min(3);
    if peek.transport != Transport::Tcp
        || server.get(..n) != b"+OK".get(..n)
        || server.get(3).is_some_and(|b| !matches!(b, b' ' | b'\r'))
    {
        return Verdict::No;
    }
    let ours = [110, 995].contains(&peek.server_port);
    let verdict = match memchr(b'\n', server) {
        // Who speaks first is no client of POP3.
        None if server.is_empty() && !client.is_empty() && !ours => Verdict::No,
        None => Verdict::More,
        Some(len) if memmem::find(server.get(..len).unwrap_or(server), b"POP").is_some() => Verdict::Sure,
        Some(_) if ours => Verdict::Likely,
        // Redis answers so, but its clients speak first and otherwise.
        Some(_) if client.is_empty() => Verdict::More,
        Some(_) if memchr(b'\n', client).is_none() && client.len() < 16 => Verdict::More,
        Some(_) if known(client).is_some() => Verdict::Sure,
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
            Dir::ToServer => rest.len() > 4 && known(rest.get(..12).unwrap_or(rest)).is_some(),
            Dir::ToClient => rest.starts_with(b"+OK ") || rest.starts_with(b"+OK\r") || rest.starts_with(b"-ERR"),
        }
    };
    if begins(0) {
        return Some(0);
    }
    memchr::memchr_iter(b'\n', bytes).map(|i| i.saturating_add(1)).find(|at| begins(*at))
}
