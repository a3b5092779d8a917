//! One stream of HTTP/2 (RFC 9113 §5, §8): a request and its answers, as the connection hands them on.
//!
//! The bytes are written for people: a line `HEADERS stream 1 length 57 END_STREAM` and the header fields, a line each; a line
//! `DATA stream 1 length 1024` and the data as it was sent. `GAP` counts data that is missing from the capture, `RST_STREAM` says why
//! the stream was given up, `PUSH_PROMISE` is a request that the server made up.

mod body;
mod fields;
pub(super) mod head;
pub(super) mod notes;
pub(super) mod rules;

use body::Body;
use fields as f;
use head::{Head, What};
use notes as n;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Fact, Framing, More, Out, Reader, Relay, Side, Spec, Stop, Text, Turn,
    Verdict,
};

/// Streams of HTTP/2.
pub static SPEC: Spec = spec("http2.stream", "HTTP/2 stream", &[Claim::Named("http2.stream")]);

/// Streams of HTTP/3 (RFC 9114 §4), written the same way: the words of a message do not change with its carrier.
pub static HTTP3: Spec = spec("http3.stream", "HTTP/3 stream", &[Claim::Named("http3.stream")]);

const fn spec(name: &'static str, label: &'static str, claims: &'static [Claim]) -> Spec {
    Spec {
        name,
        label,
        framing: Framing::Stream,
        fields: f::ALL,
        notes: n::ALL,
        claims,
        probe: |_| Verdict::No,
        resync: None,
        states: f::STATES,
        after_gap: AfterGapPromise::FramesOnly,
        relay: Relay::WatchAlways,
        middle: None,
        new: |_| Box::new(Stream::default()),
        explain: &[("en", include_str!("explain.en.toml"))],
    }
}

/// A line about a frame may be so long.
const MOST_LINE: usize = 96;

/// A line about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    what: Kind,
    stream: u64,
    len: u64,
    ends: bool,
    upgraded: bool,
    /// Bytes of the line.
    line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Headers,
    Data,
    Gap,
    Reset,
    Promise,
}

impl Frame {
    /// The line that `b` begins with; `None`: it is none.
    fn of(b: &[u8]) -> Option<Frame> {
        let line = memchr::memchr(b'\n', b.get(..MOST_LINE).unwrap_or(b))?;
        let mut words = b.get(..line)?.split(|b| *b == b' ');
        let what = match words.next()? {
            b"HEADERS" => Kind::Headers,
            b"DATA" => Kind::Data,
            b"GAP" => Kind::Gap,
            b"RST_STREAM" => Kind::Reset,
            b"PUSH_PROMISE" => Kind::Promise,
            _ => return None,
        };
        let mut number = |name: &[u8]| {
            let named = words.next().is_some_and(|w| w == name);
            words.next().and_then(head::decimal).filter(|_| named)
        };
        let (stream, len) = (number(b"stream")?, number(b"length")?);
        let mut frame = Frame { what, stream, len, ends: false, upgraded: false, line: line.saturating_add(1) };
        for word in words {
            match word {
                b"END_STREAM" => frame.ends = true,
                b"UPGRADED" => frame.upgraded = true,
                _ => return None,
            }
        }
        Some(frame)
    }
}

/// What one direction has sent.
#[derive(Debug, Default)]
struct Half {
    /// The message under way.
    body: Option<Body>,
    /// Data of a frame that is still to come.
    left: u64,
    /// That frame is the last one.
    last: bool,
    /// Its final head was read.
    told: bool,
    /// It has sent all.
    done: bool,
    /// content-length.
    length: Option<u64>,
}

/// The state machine.
#[derive(Default)]
struct Stream {
    halves: [Half; 2],
    /// What the request said that inner protocols may need.
    facts: Vec<Fact>,
    asked: bool,
    promised: bool,
    head_only: bool,
    /// The request is CONNECT, with the protocol that it names.
    connect: Option<Box<[u8]>>,
}

const fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

impl Stream {
    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// A new line begins.
    fn frame(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let rest = r.rest();
        let Some(frame) = Frame::of(rest) else {
            return if rest.len() < MOST_LINE && !rest.contains(&b'\n') {
                // Inside a known end the line is cut.
                r.peek(rest.len().saturating_add(1)).map(|_| ())
            } else {
                Err(Stop::Bad(&n::NOT_A_FRAME))
            };
        };
        // What the client sends into a tunnel is nothing before the server has opened it.
        if turn.dir == Dir::ToServer
            && self.connect.is_some()
            && matches!(frame.what, Kind::Data)
            && !self.half(Dir::ToClient).told
            && !turn.other_ended
        {
            return Err(Stop::Wait);
        }
        match frame.what {
            Kind::Headers | Kind::Promise => self.fields(turn, &frame, r, out),
            Kind::Data => {
                self.begin_unknown(turn.dir, &frame, r, out);
                r.text(&f::FRAME, frame.line)?;
                let half = self.half(turn.dir);
                half.left = frame.len;
                half.last = frame.ends;
                if frame.len == 0 && frame.ends {
                    self.finish(turn.dir, r, out);
                }
                Ok(())
            }
            Kind::Gap => {
                self.begin_unknown(turn.dir, &frame, r, out);
                let at = r.span(frame.line);
                r.note(&n::GAP, at);
                r.text(&f::FRAME, frame.line)?;
                if let Some(body) = &mut self.half(turn.dir).body {
                    body.hole(frame.len, out);
                }
                Ok(())
            }
            Kind::Reset => self.reset(turn.dir, &frame, r, out),
        }
    }

    /// Data without a head: the capture began too late.
    fn begin_unknown(&mut self, dir: Dir, frame: &Frame, r: &mut Reader<'_>, out: &mut Out<'_>) {
        if self.half(dir).body.is_some() {
            return;
        }
        let at = r.span(frame.line);
        r.note(&n::NO_HEAD, at);
        r.derived(&f::STREAM_ID, at, frame.stream);
        out.summary("Body without a head");
        out.open();
        out.state(dir.sender(), &f::OPEN);
        self.half(dir).body = Some(Body::unknown(dir, out));
    }

    /// A block of header fields.
    fn fields(&mut self, turn: &Turn<'_>, frame: &Frame, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let dir = turn.dir;
        let len = usize::try_from(frame.len).unwrap_or(usize::MAX);
        r.peek(frame.line.saturating_add(len))?;
        // All of it is there.
        let all = r.span(frame.line.saturating_add(len));
        let lines = r.rest().get(frame.line..frame.line.saturating_add(len)).unwrap_or(&[]);
        let trailers = self.half(dir).body.is_some();
        let what = match dir {
            _ if trailers => What::Trailers,
            Dir::ToServer => What::Request,
            Dir::ToClient => What::Response,
        };
        let group = if trailers { &f::TRAILERS } else { &f::STREAM };
        let head = r.group(group, |r| {
            r.text(&f::FRAME, frame.line)?;
            if !trailers {
                r.derived(&f::STREAM_ID, all, frame.stream);
            }
            head::read(r, len, what, dir.sender())
        })?;
        if trailers {
            if let Some(body) = &self.half(dir).body {
                body.trailers(lines, all, out);
            }
            if let Some(status) = head.grpc_status {
                let name = f::GRPC_STATUS.name_of(status).unwrap_or("unknown status");
                let blank = if head.grpc_message.is_empty() { "" } else { ": " };
                out.summary(format_args!("gRPC {name}{blank}{}", Text(head.grpc_message)));
            }
            if frame.ends {
                self.finish(dir, r, out);
            }
            return Ok(());
        }
        match dir {
            Dir::ToServer => self.request(frame, &head, out),
            Dir::ToClient => self.response(frame, &head, r, out),
        }
        let interim = dir == Dir::ToClient && head.status.is_some_and(|s| (100..200).contains(&s)) && !frame.ends;
        if interim {
            return Ok(());
        }
        let body = match (&self.connect, dir) {
            (Some(protocol), Dir::ToServer) => Some(Body::tunnel(dir, protocol, &self.facts, out)),
            (Some(protocol), Dir::ToClient) if head.status.is_some_and(|s| (200..300).contains(&s)) => {
                // What both sides said counts, whichever of them speaks first.
                self.facts.extend_from_slice(&head.facts);
                let tunnel = |dir| Body::tunnel(dir, protocol, &self.facts, out);
                let [client, _] = &mut self.halves;
                client.body = client.body.take().map(|_| tunnel(Dir::ToServer));
                Some(tunnel(dir))
            }
            _ => None,
        };
        let body = body.unwrap_or_else(|| Body::new(&head, dir, &self.facts, out));
        if frame.ends {
            body.trailers(lines, all, out);
        }
        let bodiless = self.head_only || matches!(head.status, Some(204 | 304));
        let half = self.half(dir);
        half.told = true;
        half.length = head.length.filter(|_| !(dir == Dir::ToClient && bodiless));
        half.body = Some(body);
        if frame.ends {
            self.finish(dir, r, out);
        } else {
            out.open();
        }
        Ok(())
    }

    fn request(&mut self, frame: &Frame, head: &Head<'_>, out: &mut Out<'_>) {
        self.asked = true;
        self.promised = frame.what == Kind::Promise;
        self.head_only = head.method == b"HEAD";
        self.facts = body::request_facts(head);
        self.facts.extend_from_slice(&head.facts);
        out.asks(0);
        let target = if head.path.is_empty() { head.authority } else { head.path };
        if head.method == b"CONNECT" {
            self.connect = Some(head.protocol.into());
            let blank: &[u8] = if head.protocol.is_empty() { b"" } else { b" " };
            out.summary_of(&[Text(b"CONNECT "), Text(head.protocol), Text(blank), Text(target)]);
        } else {
            out.summary_of(&[Text(head.method), Text(b" "), Text(target)]);
        }
        if self.promised {
            out.state(Side::Client, &f::RESERVED_REMOTE);
            out.state(Side::Server, &f::RESERVED_LOCAL);
        } else {
            out.state(Side::Client, &f::OPEN);
            out.state(Side::Server, &f::OPEN);
        }
    }

    fn response(&mut self, frame: &Frame, head: &Head<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) {
        let at = r.span(0);
        let interim = head.status.is_some_and(|s| (100..200).contains(&s)) && !frame.ends;
        if self.asked {
            out.answers(0, if interim { More::Yes } else { More::No });
        } else if frame.upgraded {
            r.note(&n::UPGRADED, at);
        } else {
            r.note(&n::NOT_ASKED, at);
        }
        if self.promised {
            r.note(&n::PUSHED, at);
            out.state(Side::Server, &f::HALF_CLOSED_REMOTE);
            out.state(Side::Client, &f::HALF_CLOSED_LOCAL);
        }
        // Facts of an answer stay those of the final one.
        if !interim {
            self.facts.extend_from_slice(&head.facts);
        }
        let media = head.content_type.split(|b| *b == b';').next().unwrap_or(&[]).trim_ascii();
        let comma: &[u8] = if media.is_empty() { b"" } else { b", " };
        let phrase = head.status.and_then(|s| f::STATUS_CODE.name_of(s.into())).unwrap_or("");
        let blank = if phrase.is_empty() { "" } else { " " };
        let status = head.status.unwrap_or(0);
        match head.grpc_status {
            Some(code) if frame.ends => {
                let name = f::GRPC_STATUS.name_of(code).unwrap_or("unknown status");
                let between = if head.grpc_message.is_empty() { "" } else { ": " };
                out.summary(format_args!("gRPC {name}{between}{}", Text(head.grpc_message)));
            }
            _ if head.status.is_none() => out.summary("Answer whose status was not seen"),
            _ => out.summary(format_args!("{status}{blank}{phrase}{}{}", Text(comma), Text(media))),
        }
    }

    /// The sender of `dir` has sent all.
    fn finish(&mut self, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>) {
        let at = r.span(0);
        let half = self.half(dir);
        half.done = true;
        if let Some(mut body) = half.body.take() {
            if half.length.is_some_and(|l| l != body.seen) && !body.holes {
                r.note(&n::LENGTH_DIFFERS, at);
            }
            body.close(r, out);
        }
        out.close();
        let me = dir.sender();
        if self.halves.iter().all(|h| h.done) {
            out.state(me, &f::CLOSED);
            out.state(other(me), &f::CLOSED);
        } else if !self.promised {
            out.state(me, &f::HALF_CLOSED_LOCAL);
            out.state(other(me), &f::HALF_CLOSED_REMOTE);
        }
    }

    fn reset(&mut self, dir: Dir, frame: &Frame, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let len = usize::try_from(frame.len).unwrap_or(usize::MAX);
        let text = r.peek(frame.line.saturating_add(len))?;
        let text = text.get(frame.line..).unwrap_or(&[]).trim_ascii_end();
        let alone = self.half(dir).body.is_none();
        let at = r.span(frame.line.saturating_add(len));
        r.text(&f::FRAME, frame.line)?;
        if len > 0 {
            r.text(&f::RESET, len)?;
        }
        r.note(&n::RESET, at);
        if alone {
            r.derived(&f::STREAM_ID, at, frame.stream);
            out.summary_of(&[Text(b"Given up: "), Text(text)]);
            if dir == Dir::ToClient && self.asked {
                out.answers(0, More::No);
            }
        }
        for half in &mut self.halves {
            half.done = true;
        }
        if let Some(mut body) = self.half(dir).body.take() {
            // The connection ends this direction right behind: the message is told as cut.
            body.end(End::Reset, out);
        }
        out.state(Side::Client, &f::CLOSED);
        out.state(Side::Server, &f::CLOSED);
        Ok(())
    }
}

impl Dissector for Stream {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let half = self.half(turn.dir);
        if half.left == 0 {
            return self.frame(turn, r, out);
        }
        let left = half.left;
        let Some(body) = &mut half.body else {
            half.left = 0;
            return Err(Stop::Bad(&n::NOT_A_FRAME));
        };
        let took = body.take(r, out, left)?;
        half.left = left.saturating_sub(took);
        if half.left == 0 && half.last {
            self.finish(turn.dir, r, out);
        }
        Ok(())
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        // Whole frames are handed on, so what comes next begins with a line.
        let half = self.half(dir);
        half.left = 0;
        if let Some(body) = &mut half.body {
            body.hole(missing, out);
        }
        AfterGap::Carry
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if let Some(mut body) = self.half(dir).body.take() {
            body.end(how, out);
        }
        if how != End::Capture && how != End::Fin {
            out.state(dir.sender(), &f::CLOSED);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        let half = |h: &Half| -> Option<Half> {
            let body = match &h.body {
                Some(b) => Some(b.fork()?),
                None => None,
            };
            Some(Half { body, ..*h })
        };
        let [a, b] = &self.halves;
        Some(Box::new(Stream {
            halves: [half(a)?, half(b)?],
            facts: self.facts.clone(),
            asked: self.asked,
            promised: self.promised,
            head_only: self.head_only,
            connect: self.connect.clone(),
        }))
    }

    fn weight(&self) -> usize {
        let [a, b] = &self.halves;
        let half = |h: &Half| h.body.as_ref().map_or(0, Body::weight);
        let facts: usize = self.facts.iter().map(|f| f.name.len().saturating_add(f.value.len())).sum();
        size_of::<Stream>().saturating_add(half(a)).saturating_add(half(b)).saturating_add(facts)
    }
}
