//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112): requests and responses, their bodies, and what the connection turns into.
//!
//! A message is a head and, where there is one, a body that is read as it comes. Bodies are handed on as inner streams, one a message and
//! form: see [`body_key`]. Responses are paired with requests in the order of asking; 1xx answers leave the question open.

mod body;
mod fields;
mod head;
mod headers;
mod middle;
mod multipart;
mod notes;
mod parse;
mod quick;
#[cfg(test)]
mod tests;
mod values;

use body::{Body, Frame};
use fields as f;
use head::Head;
use notes as n;
use parse::Begins;
use std::collections::VecDeque;
use wirelore_kit::middle::Serve;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Fact, Framing, Hint, More, Note, Out, Peek, Reader, Relay, Side, Span,
    Spec, Start, Stop, Text, Turn, Verdict,
};

/// HTTP/1.
pub static SPEC: Spec = Spec {
    name: "http",
    label: "HTTP",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::ALL,
    claims: &[
        Claim::Tcp(80),
        Claim::Tcp(8080),
        Claim::Tcp(3128),
        Claim::Tcp(3132),
        Claim::Tcp(5985),
        Claim::Tcp(8088),
        Claim::Tcp(11371),
        Claim::Tcp(1900),
        Claim::Tcp(2869),
        Claim::Tcp(2710),
        Claim::Tcp(8000),
        Claim::Tcp(8008),
        Claim::Tcp(8888),
        Claim::Alpn(b"http/1.1"),
        Claim::Alpn(b"http/1.0"),
        Claim::Named("http"),
    ],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchAlways,
    middle: Some(Serve { forward: true, reopened: true, new: middle::new }),
    new: |start| Box::new(Http::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// The key of the inner stream that carries the body of message `number` of direction `dir`, counted from 0:
/// as transferred (de-chunked), or with its content codings undone. The latter exists only where there are codings.
#[must_use]
pub const fn body_key(number: u64, dir: Dir, decoded: bool) -> u64 {
    (number << 2) | ((dir as u64) << 1) | decoded as u64
}

/// So many requests are remembered while they wait for their answers; of a capture without answers the oldest are let go.
const MOST_ASKED: usize = 1024;

/// A request that waits for its answer.
#[derive(Debug, Clone, Copy)]
struct Asked {
    key: u64,
    kind: Kind,
    /// Its answer may be lost in a hole.
    doubtful: bool,
}

/// Requests that wait, oldest first. One alone, as nearly always, stands in place.
#[derive(Debug, Clone, Default)]
struct Questions {
    first: Option<Asked>,
    more: VecDeque<Asked>,
}

impl Questions {
    fn len(&self) -> usize {
        self.more.len().saturating_add(usize::from(self.first.is_some()))
    }

    const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn last(&self) -> Option<&Asked> {
        self.more.back().or(self.first.as_ref())
    }

    fn push(&mut self, asked: Asked) {
        if self.first.is_none() {
            self.first = Some(asked);
        } else {
            self.more.push_back(asked);
        }
    }

    fn pop(&mut self) -> Option<Asked> {
        std::mem::replace(&mut self.first, self.more.pop_front())
    }

    /// Lets go of those whose answers may be lost.
    fn drop_doubtful(&mut self) {
        self.more.retain(|a| !a.doubtful);
        if self.first.is_some_and(|a| a.doubtful) {
            self.pop();
        }
    }

    fn doubt(&mut self) {
        self.first.iter_mut().chain(&mut self.more).for_each(|a| a.doubtful = true);
    }

    /// Bytes of memory besides its own.
    fn weight(&self) -> usize {
        self.more.capacity().saturating_mul(size_of::<Asked>())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Head,
    Connect,
    Upgrade,
}

/// What one direction has sent.
#[derive(Debug, Default)]
struct Half {
    /// The body under way.
    body: Option<Box<Body>>,
    /// Messages so far.
    messages: u64,
    /// Requests of this direction that wait for their answers.
    asked: Questions,
    /// Requests may be lost: answers need not have one.
    lost: bool,
    /// The last message had a length or chunks, so what follows it must begin one.
    framed: bool,
    /// A start was guessed behind a hole or bytes that are no message: it must be beyond doubt.
    guessed: bool,
}

/// The state machine.
struct Http {
    halves: [Half; 2],
    /// What the request that offers an upgrade said, until it is answered.
    offer: Vec<Fact>,
    asks: u64,
    midstream: bool,
    /// Inside of TLS.
    secure: bool,
}

impl Http {
    fn new(start: &Start) -> Http {
        let secure = start.inside == Some("tls");
        Http { halves: [Half::default(), Half::default()], offer: Vec::new(), asks: 0, midstream: start.midstream, secure }
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// What the bytes from here on are: refused as early as that is certain.
    fn refuse(&mut self, dir: Dir) -> Stop {
        let half = self.half(dir);
        half.lost = true;
        half.guessed = true;
        let what: &'static Note = if half.framed { &n::EXTRA_BYTES } else { &n::NOT_HTTP };
        Stop::Bad(what)
    }

    fn read_head(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let dir = turn.dir;
        let response = dir == Dir::ToClient;
        if self.must_wait(turn, response) {
            return Err(Stop::Wait);
        }
        let here = r.at();
        let Some(blank) = parse::leading(r.rest()) else {
            return Err(Stop::Short { need: r.left().saturating_add(1) });
        };
        if blank > 0 {
            r.note(&n::LEADING_CRLF, r.span(blank));
            r.bytes(&f::LEADING, blank)?;
        }
        if r.is_bounded() && r.is_empty() && blank > 0 {
            return Ok(());
        }
        let guessed = self.half(dir).guessed;
        match parse::begins(r.rest(), response, guessed) {
            Begins::Message => {}
            Begins::Open if r.left() > parse::MOST_HEAD => return Err(Stop::Bad(&n::HEAD_TOO_LONG)),
            Begins::Open if r.is_bounded() => {}
            Begins::Open => return Err(Stop::Short { need: r.taken().saturating_add(r.left()).saturating_add(1) }),
            Begins::Neither => return Err(self.refuse(dir)),
        }
        let mut head = Head { response, ..Head::default() };
        let cut = !quick::read(r, &mut head)? && careful(r, &mut head, self.secure)?;
        // The request's body comes to its end in HTTP before the other protocol begins.
        if response && head.status == 101 && !turn.other_ended && self.half(dir.other()).body.is_some() {
            return Err(Stop::Wait);
        }
        self.half(dir).guessed = false;
        let all = r.since(here);
        if cut {
            r.note(&n::HEAD_CUT, all);
        }
        if response {
            self.answered(turn, &head, all, r, out)
        } else {
            self.asked(turn, &head, out)
        }
        Ok(())
    }

    /// Whether a head in `turn.dir` must not be read yet.
    fn must_wait(&mut self, turn: &Turn<'_>, response: bool) -> bool {
        if turn.other_ended {
            return false;
        }
        let own = self.half(turn.dir);
        // Behind CONNECT and Upgrade the answer says what the bytes are.
        if own.asked.last().is_some_and(|a| !a.doubtful && matches!(a.kind, Kind::Connect | Kind::Upgrade)) {
            return true;
        }
        let midstream = self.midstream;
        let other = self.half(turn.dir.other());
        // Its request is still on the way: packets of both directions may be captured in the wrong order.
        response && other.asked.is_empty() && !other.lost && !midstream && other.body.is_none()
    }

    /// A request's head was read.
    fn asked(&mut self, turn: &Turn<'_>, head: &Head<'_>, out: &mut Out<'_>) {
        let kind = match head.method {
            b"HEAD" => Kind::Head,
            b"CONNECT" => Kind::Connect,
            _ if !head.upgrade.is_empty() => Kind::Upgrade,
            _ => Kind::Plain,
        };
        self.offer.clear();
        if kind == Kind::Upgrade {
            self.offer.extend(facts(turn.dir.sender(), head).chain([fact(turn.dir.sender(), "path", head.target)]));
        }
        let key = self.asks;
        self.asks = self.asks.wrapping_add(1);
        let me = turn.dir.sender();
        let half = self.half(turn.dir);
        // Who asks again without pipelining has had the answer before, even if we have not.
        half.asked.drop_doubtful();
        if half.asked.len() >= MOST_ASKED {
            half.asked.pop();
        }
        half.asked.push(Asked { key, kind, doubtful: false });
        out.asks(key);
        out.summary_of(&[Text(head.method), Text(b" "), Text(head.target)]);
        let frame = body::frame(head, kind == Kind::Connect);
        out.state(
            me,
            match frame {
                Frame::Nothing => &f::AWAITING_RESPONSE,
                _ if head.expects => &f::AWAITING_CONTINUE,
                _ => &f::SENDING_REQUEST,
            },
        );
        out.state(other(me), &f::ANSWERING);
        self.begin(turn, head, frame, out);
    }

    /// A response's head was read.
    fn answered(&mut self, turn: &Turn<'_>, head: &Head<'_>, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) {
        let me = turn.dir.sender();
        let interim = (100..200).contains(&head.status) && head.status != 101;
        let queue = &mut self.half(turn.dir.other()).asked;
        let asked = if interim { queue.first } else { queue.pop() };
        let more = !queue.is_empty();
        match asked {
            Some(a) => out.answers(a.key, if interim { More::Yes } else { More::No }),
            None => r.note(&n::NOT_ASKED, all),
        }
        let (status, media) = (head.status, parse::essence(head.content_type));
        let comma: &[u8] = if media.is_empty() { b"" } else { b", " };
        if let 100..=999 = status {
            let digits = [status / 100, status / 10 % 10, status % 10].map(|d| b'0'.saturating_add(d as u8));
            out.summary_of(&[Text(&digits), Text(b" "), Text(head.phrase), Text(comma), Text(media)]);
        } else {
            out.summary(format_args!("{status} {}{}{}", Text(head.phrase), Text(comma), Text(media)));
        }
        let kind = asked.map_or(Kind::Plain, |a| a.kind);
        let tunnel = kind == Kind::Connect && (200..300).contains(&head.status);
        if tunnel || head.status == 101 {
            if tunnel && (head.length.is_some_and(|l| l > 0) || head.transfer.is_some()) {
                r.note(&n::TUNNEL_FRAMED, all);
            }
            let state = if tunnel { &f::TUNNEL } else { &f::UPGRADED };
            out.state(me, state);
            out.state(other(me), state);
            out.becomes(match first_token(head.upgrade) {
                Some(token) if !tunnel => {
                    let mut told = std::mem::take(&mut self.offer);
                    told.extend(facts(me, head));
                    Hint::upgrade(&token, told)
                }
                _ => Hint::Probe,
            });
            self.half(turn.dir).messages = self.half(turn.dir).messages.wrapping_add(1);
            return;
        }
        let bodiless = interim || kind == Kind::Head || matches!(head.status, 204 | 304);
        let frame = body::frame(head, bodiless);
        out.state(
            me,
            match frame {
                Frame::Nothing if interim || more => &f::ANSWERING,
                Frame::Nothing => &f::IDLE,
                _ => &f::SENDING_RESPONSE,
            },
        );
        if interim {
            if head.status == 100 && self.half(turn.dir.other()).body.is_some() {
                out.state(other(me), &f::SENDING_REQUEST);
            }
        } else if frame == Frame::Nothing && !more {
            out.state(other(me), &f::IDLE);
        }
        // A body that nobody wants is passed over: here in full it needs no reads of its own, if nobody waits for this head alone.
        if let Frame::Counted(len) = frame
            && !more
            && kind == Kind::Plain
            && !out.wants_media(media)
            && r.skip(usize::try_from(len).unwrap_or(usize::MAX)).is_ok()
        {
            let half = self.half(turn.dir);
            half.messages = half.messages.wrapping_add(1);
            half.framed = true;
            return self.body_done(turn.dir, out);
        }
        self.begin(turn, head, frame, out);
    }

    /// Counts the message and makes its body ready.
    fn begin(&mut self, turn: &Turn<'_>, head: &Head<'_>, frame: Frame, out: &mut Out<'_>) {
        let half = self.half(turn.dir);
        let number = half.messages;
        half.messages = number.wrapping_add(1);
        half.framed = frame != Frame::Nothing;
        if frame != Frame::Nothing {
            half.body = Some(Box::new(Body::new(head, frame, number, turn.dir, out)));
            out.open();
        }
    }

    fn read_body(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let half = self.half(turn.dir);
        let Some(body) = &mut half.body else { return Ok(()) };
        if body.read(r, out)? {
            body.close(r, out)?;
            half.body = None;
            self.body_done(turn.dir, out);
        }
        Ok(())
    }

    /// Says what both sides do when a body has ended.
    fn body_done(&mut self, dir: Dir, out: &mut Out<'_>) {
        let me = dir.sender();
        let asked = !self.half(dir).asked.is_empty();
        let asks = !self.half(dir.other()).asked.is_empty();
        if asked {
            out.state(me, &f::AWAITING_RESPONSE);
        } else if asks {
            out.state(me, &f::ANSWERING);
        } else {
            out.state(me, &f::IDLE);
            if self.half(dir.other()).body.is_none() {
                out.state(other(me), &f::IDLE);
            }
        }
    }
}

/// Reads a head whatever it is like; says whether its end is missing.
fn careful<'a>(r: &mut Reader<'a>, head: &mut Head<'a>, secure: bool) -> Result<bool, Stop> {
    let (len, cut) = match r.seek(parse::head_end) {
        Ok(len) => (len, false),
        Err(_) if r.left() > parse::MOST_HEAD => return Err(Stop::Bad(&n::HEAD_TOO_LONG)),
        Err(_) if r.is_bounded() => (r.left(), true),
        Err(stop) => return Err(stop),
    };
    if len > parse::MOST_HEAD {
        return Err(Stop::Bad(&n::HEAD_TOO_LONG));
    }
    head::read(r, len, head, secure)?;
    Ok(cut)
}

const fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

/// One thing that a side said, not longer than what may be remembered of it.
fn fact(from: Side, name: &str, value: &[u8]) -> Fact {
    Fact { from, name: name.into(), value: value.get(..value.len().min(4096)).unwrap_or(value).into() }
}

/// What a head says to the protocol that an upgrade leads to.
fn facts(from: Side, head: &Head<'_>) -> impl Iterator<Item = Fact> {
    head.facts.iter().map(move |(name, value)| fact(from, name, value))
}

/// The first protocol of an Upgrade value, in lower case.
fn first_token(value: &[u8]) -> Option<Box<str>> {
    let first = value.split(|b| *b == b',').next()?.trim_ascii();
    let text = std::str::from_utf8(first).ok().filter(|t| !t.is_empty() && t.len() <= 64)?;
    Some(text.to_ascii_lowercase().into())
}

impl Dissector for Http {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if self.half(turn.dir).body.is_some() { self.read_body(turn, r, out) } else { self.read_head(turn, r, out) }
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        let carried = self.half(dir).body.as_mut().and_then(|b| b.gap(missing, out));
        match carried {
            Some(complete) => {
                if complete {
                    self.half(dir).body = None;
                    self.body_done(dir, out);
                }
                AfterGap::Carry
            }
            None => {
                let half = self.half(dir);
                half.body = None;
                half.framed = false;
                half.lost = true;
                half.guessed = true;
                // The answers to what was asked in the other direction may lie in the hole.
                let other = self.half(dir.other());
                if other.asked.len() < 2 {
                    other.asked.doubt();
                }
                AfterGap::Resync
            }
        }
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if let Some(mut body) = self.half(dir).body.take() {
            body.end(how, out);
            self.body_done(dir, out);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        let half = |h: &Half| -> Option<Half> {
            let body = match &h.body {
                Some(b) => Some(Box::new(b.fork()?)),
                None => None,
            };
            Some(Half { body, messages: h.messages, asked: h.asked.clone(), lost: h.lost, framed: h.framed, guessed: h.guessed })
        };
        let [a, b] = &self.halves;
        Some(Box::new(Http {
            halves: [half(a)?, half(b)?],
            offer: self.offer.clone(),
            asks: self.asks,
            midstream: self.midstream,
            secure: self.secure,
        }))
    }

    fn weight(&self) -> usize {
        let half = |h: &Half| h.asked.weight().saturating_add(h.body.as_ref().map_or(0, |b| b.weight()));
        let [a, b] = &self.halves;
        let offer = self.offer.iter().map(|o| o.value.len().saturating_add(64)).fold(0, usize::saturating_add);
        size_of::<Http>().saturating_add(half(a)).saturating_add(half(b)).saturating_add(offer)
    }
}

fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    parse::resync(bytes, dir == Dir::ToClient)
}

/// Looks at first bytes. A request line decides once it is whole (or 512 bytes of it are there); a status line at once.
fn probe(peek: &Peek<'_>) -> Verdict {
    match (probe_request(peek.to_server, peek.ended), probe_response(peek.to_client, peek.ended)) {
        (Verdict::More, Verdict::Sure) => Verdict::Sure,
        (Verdict::More | Verdict::No, response) if peek.to_server.is_empty() => response,
        (request, _) => request,
    }
}

fn probe_request(b: &[u8], ended: bool) -> Verdict {
    let open = if ended { Verdict::No } else { Verdict::More };
    let Some(b) = parse::leading(b).and_then(|blank| b.get(blank..).filter(|_| blank <= 8)) else { return open };
    let Some(method) = parse::method(b) else { return Verdict::No };
    if method.len() == b.len() {
        return open;
    }
    let rest = b.get(method.len().saturating_add(1)..).unwrap_or(&[]);
    let end = memchr::memchr(b'\n', rest);
    let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
    // Nearly always it stands at the end of the line.
    if line.len() > 10 && !line.starts_with(b" ") && line.ends_with(b" HTTP/1.1\r") {
        return Verdict::Sure;
    }
    if let Some(at) = memchr::memmem::find(line, b" HTTP/1.") {
        return if at > 0 { Verdict::Sure } else { Verdict::No };
    }
    // Other protocols write "METHOD target PROTO/version" too.
    let known = parse::is_method(method);
    let full = rest.len() >= 512usize.saturating_sub(method.len()).saturating_sub(1);
    match end {
        None if !ended && !full => Verdict::More,
        // A target longer than what a probe sees.
        None if known
            && full
            && memchr::memchr(b' ', line).is_none()
            && line.iter().all(|c| c.is_ascii_graphic() || *c >= 0x80) =>
        {
            if line.starts_with(b"/") || line.starts_with(b"http://") { Verdict::Sure } else { Verdict::Likely }
        }
        Some(_) if known && !line.contains(&b' ') && line.starts_with(b"/") => Verdict::Likely,
        _ => Verdict::No,
    }
}

fn probe_response(b: &[u8], ended: bool) -> Verdict {
    let open = if ended { Verdict::No } else { Verdict::More };
    // Nearly every question is looked at before its answer came, and comparing nothing takes the library's slowest way.
    if b.is_empty() {
        return open;
    }
    if b.len() < 12 {
        let start = b"HTTP/1.";
        let n = b.len().min(start.len());
        return if b.get(..n) == start.get(..n) { open } else { Verdict::No };
    }
    match b {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', v, b' ', x, y, z, ..] if [v, x, y, z].iter().all(|c| c.is_ascii_digit()) => {
            Verdict::Sure
        }
        _ => Verdict::No,
    }
}
