//! WebSocket (RFC 6455) with permessage-deflate (RFC 7692): frames, what they join to, and what is inside.
//!
//! Each frame is a message of its own; the last frame of a fragmented message carries the joined text in its line and its body. Payloads are
//! handed on as inner streams, see [`payload_key`]; a subprotocol that is a byte stream has one inner stream for the whole connection.

mod fields;
mod frame;
mod handshake;
mod inside;
mod message;
mod middle;
mod notes;
mod recode;

use fields as f;
use frame::Head;
use handshake::{Agreed, Carries};
use message::{Message, Window};
use notes as n;
use std::collections::VecDeque;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Framing, Hint, How, Level, More, Note, Out, Peek, Reader, Relay, Side,
    Span, Spec, Start, Stop, Text, Turn, Value, Verdict,
};

/// WebSocket.
pub static SPEC: Spec = Spec {
    name: "websocket",
    label: "WebSocket",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::ALL,
    claims: &[Claim::Upgrade("websocket"), Claim::Named("websocket")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: Some(middle::SERVE),
    new: |start| Box::new(WebSocket::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// The key of the inner stream that carries the payload of frame `number` of direction `dir`, counted from 0: unmasked, as the frame has it;
/// or (`joined`) the whole message that ends with this frame, where that is something else: joined from fragments or decompressed.
#[must_use]
pub const fn payload_key(number: u64, dir: Dir, joined: bool) -> u64 {
    (number << 3) | ((dir as u64) << 2) | joined as u64
}

/// The key of the inner stream that carries the data of a message without the head of Socket.IO or STOMP in front of it.
#[must_use]
pub const fn data_key(number: u64, dir: Dir) -> u64 {
    payload_key(number, dir, false) | DATA
}

/// The bit of a key that says so.
pub const DATA: u64 = 2;

/// The key of the one inner stream of a connection that carries a byte stream.
pub const STREAM_KEY: u64 = u64::MAX;

/// So many pings may wait for their pong.
const MOST_PINGS: usize = 64;

/// A frame whose payload is not all there yet.
#[derive(Debug, Clone, Copy)]
struct Under {
    head: Head,
    /// Payload bytes behind us, holes included.
    done: u64,
    /// Its payload so far.
    payload: Span,
    /// It was told as open.
    open: bool,
    /// Bytes of it are missing.
    holed: bool,
}

/// What one direction has sent.
#[derive(Debug, Clone, Default)]
struct Half {
    under: Option<Under>,
    message: Option<Box<Message>>,
    window: Window,
    frames: u64,
    /// Payload of the control frame under way.
    control: Vec<u8>,
    /// Pings of this side that wait, the oldest first.
    pings: VecDeque<(Vec<u8>, u64)>,
    /// It has sent Close.
    closed: bool,
    /// A start was guessed behind a hole: it must be plausible.
    guessed: bool,
}

/// The state machine.
struct WebSocket {
    halves: [Half; 2],
    agreed: Agreed,
    /// What was agreed has been shown.
    told: bool,
    asks: u64,
    /// The question that the first Close asked.
    close: Option<u64>,
    /// Memory that frames share; holds nothing between reads.
    clear: Vec<u8>,
    made: Vec<u8>,
}

impl WebSocket {
    fn new(start: &Start) -> WebSocket {
        WebSocket {
            halves: [Half::default(), Half::default()],
            agreed: handshake::agreed(start),
            told: false,
            asks: 0,
            close: None,
            clear: Vec::new(),
            made: Vec::new(),
        }
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    fn read_head(&mut self, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let from = r.at();
        let head = match frame::head(r.rest()) {
            Ok(head) => head,
            Err(need) => return r.peek(need).map(|_| ()),
        };
        if head.len >= 1 << 63 {
            return Err(Stop::Bad(&n::LENGTH_TOO_BIG));
        }
        let rubbish = head.rsv & 3 != 0 && !head.is_plausible(dir) && !self.agreed.seen;
        if rubbish || (self.half(dir).guessed && !head.is_plausible(dir)) {
            return Err(Stop::Bad(&n::NOT_WEBSOCKET));
        }
        let deflate = self.agreed.deflate.is_some() && (self.agreed.seen || head.rsv & 4 != 0);
        let told = std::mem::replace(&mut self.told, true);
        let agreed = &self.agreed;
        r.group(&f::WEBSOCKET, |r| {
            let here = r.span(head.size());
            frame::read(r, &head, dir, deflate)?;
            if !told {
                let shown =
                    [(&f::ACCEPT, &agreed.accept), (&f::EXTENSIONS, &agreed.extensions), (&f::SUBPROTOCOL, &agreed.protocol)];
                for (field, value) in shown {
                    if let Some(value) = value {
                        r.derived(field, here, &**value);
                    }
                }
                agreed.faults.iter().for_each(|fault| r.note(fault, here));
            }
            r.title(title(&head));
            Ok(())
        })?;
        if !told {
            out.state(Side::Client, &f::OPEN);
            out.state(Side::Server, &f::OPEN);
        }
        let here = r.since(from);
        let fresh = self.agreed.deflate.is_some_and(|d| if dir == Dir::ToServer { d.fresh[0] } else { d.fresh[1] });
        let half = self.half(dir);
        half.guessed = false;
        if half.closed {
            r.note(&n::AFTER_CLOSE, here);
        }
        half.control.clear();
        if !head.is_control() {
            let begins = head.opcode != frame::CONTINUATION;
            if begins && half.message.is_some() {
                r.note(&n::NOT_CONTINUED, here);
            }
            if !begins && half.message.is_none() {
                r.note(&n::NOTHING_TO_CONTINUE, here);
            }
            if begins || half.message.is_none() {
                let compressed = deflate && begins && head.rsv & 4 != 0;
                let message = Message::new(head.opcode == frame::TEXT, compressed, fresh, &mut half.window);
                if message.broken {
                    r.note(&n::DEFLATE_LOST, here);
                }
                half.message = Some(Box::new(message));
            }
            if let Some(m) = &mut half.message {
                m.frames = m.frames.saturating_add(1);
            }
        }
        let open = (r.left() as u64) < head.len;
        half.under = Some(Under { head, done: 0, payload: r.span(0), open, holed: false });
        if open {
            out.open();
            out.summary(format_args!("{}, {} bytes", name(head.opcode), head.len));
        }
        if !open || r.left() > 0 { self.read_payload(dir, r, out) } else { Ok(()) }
    }

    fn read_payload(&mut self, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let Some(mut under) = self.half(dir).under else { return Ok(()) };
        let head = under.head;
        let left = head.len.saturating_sub(under.done);
        let len = r.left().min(usize::try_from(left).unwrap_or(usize::MAX));
        if len == 0 && left > 0 {
            return Err(Stop::Short { need: r.taken().saturating_add(1) });
        }
        if len > 0 {
            let span = r.span(len);
            let bytes = r.bytes(if head.mask.is_some() { &f::MASKED_PAYLOAD } else { &f::PAYLOAD }, len)?;
            if under.open {
                out.piece(span);
            }
            if let Some(what) = self.feed(dir, &under, bytes, span, out) {
                r.note(what, span);
            }
            under.passed(len as u64);
        }
        if under.done < head.len {
            self.half(dir).under = Some(under);
            return Ok(());
        }
        self.frame_done(dir, &under, &mut Some(r), out);
        Ok(())
    }

    /// Payload bytes of the frame under way. Says what is to be noted of them.
    fn feed(&mut self, dir: Dir, under: &Under, bytes: &[u8], span: Span, out: &mut Out<'_>) -> Option<&'static Note> {
        let (mut clear, mut made) = (std::mem::take(&mut self.clear), std::mem::take(&mut self.made));
        clear.clear();
        made.clear();
        let (head, level) = (under.head, out.level());
        let carries = self.agreed.carries;
        let half = self.half(dir);
        let stream = half.message.as_ref().filter(|_| !head.is_control()).and_then(|m| stream(carries, m));
        let needed = level > Level::Rows
            || head.is_control()
            || stream.is_some()
            || half.message.as_ref().is_some_and(|m| m.text || m.compressed);
        let plain = match head.mask {
            Some(mask) if needed => {
                frame::unmask(&mut clear, bytes, mask, under.done);
                clear.as_slice()
            }
            Some(_) => &[],
            None => bytes,
        };
        let mut fault = None;
        // What is handed on at the end of the frame need not be handed on twice.
        let mut later = false;
        if head.is_control() {
            let room = (frame::MOST_CONTROL as usize).saturating_sub(half.control.len()).min(plain.len());
            half.control.extend_from_slice(plain.get(..room).unwrap_or(&[]));
        } else if let Some(m) = &mut half.message {
            if !needed {
                m.pass(bytes.len());
            }
            let added = match m.feed(plain, &mut half.window, &mut made, level) {
                Ok(added) => added,
                Err(what) => {
                    fault = Some(what);
                    &[]
                }
            };
            if let Some(hint) = stream {
                hand_on_stream(dir, added, span, m.compressed || head.mask.is_some(), m.compressed, hint, out);
            }
            if level > Level::Rows {
                m.hold(added, span);
                later = !m.is_split(&head);
            }
        }
        if level > Level::Rows && !later {
            let key = payload_key(half.frames, dir, false);
            if head.mask.is_some() {
                let mut copy = out.memory();
                copy.extend_from_slice(plain);
                out.inner_made(key, dir, copy, span, How::Unmasked, Hint::Bytes("payload"));
            } else {
                out.inner(key, dir, span, How::Verbatim, Hint::Bytes("payload"));
            }
        }
        (self.clear, self.made) = (clear, made);
        fault
    }

    /// All payload of a frame is behind us.
    fn frame_done(&mut self, dir: Dir, under: &Under, r: &mut Option<&mut Reader<'_>>, out: &mut Out<'_>) {
        let half = self.half(dir);
        let number = half.frames;
        half.frames = number.wrapping_add(1);
        half.under = None;
        if under.head.is_control() {
            let control = std::mem::take(&mut half.control);
            self.control_done(dir, under, &control, r, out);
            self.half(dir).control = control;
            if out.level() > Level::Rows {
                ended(payload_key(number, dir, false), dir, End::Fin, out);
            }
        } else {
            self.data_done(dir, under, number, r, out);
        }
        if under.open {
            out.close();
        }
    }

    /// A frame of a data message is complete, and perhaps the message.
    fn data_done(&mut self, dir: Dir, under: &Under, number: u64, r: &mut Option<&mut Reader<'_>>, out: &mut Out<'_>) {
        let mut made = std::mem::take(&mut self.made);
        made.clear();
        let carries = self.agreed.carries;
        let half = self.half(dir);
        let Some(mut m) = half.message.take() else { return };
        let (head, level) = (under.head, out.level());
        let split = m.is_split(&head);
        let kind = if m.text { "text" } else { "binary" };
        let mut inside = None;
        if head.fin {
            match m.finish(&mut half.window, &mut made, level) {
                Ok(added) => {
                    if let Some(hint) = stream(carries, &m).filter(|_| !added.is_empty()) {
                        hand_on_stream(dir, added, under.payload, true, true, hint, out);
                    }
                    if level > Level::Rows {
                        m.hold(added, under.payload);
                    }
                }
                Err(what) => note(r, out, what, under.payload),
            }
            inside = inside::look(carries, &m.start).filter(|_| m.text && !m.broken && !m.holed);
            if m.is_bad_text() {
                note(r, out, &n::NOT_UTF8, under.payload);
            }
            if m.holed {
                note(r, out, &n::MESSAGE_HOLE, under.payload);
            }
            if level > Level::Rows {
                if let Some(i) = &inside {
                    let data = m.start.get(i.data.clone()).unwrap_or(&[]);
                    // A longer message is not here in full.
                    if m.len == m.start.len() as u64 && message::is_json(data, data.last().copied().unwrap_or(0)) {
                        let key = data_key(number, dir);
                        let from = if split { under.payload } else { part(under.payload, &i.data) };
                        let how = if m.compressed { How::Inflated } else { How::Unmasked };
                        out.inner_made(key, dir, data.to_vec(), from, how, Hint::media("application/json"));
                        ended(key, dir, End::Fin, out);
                    }
                }
                let hint = if m.broken { Hint::Bytes(kind) } else { hint(carries, &m) };
                if let Some(what) = m.hand_on(payload_key(number, dir, split), dir, hint, out) {
                    note(r, out, what, under.payload);
                }
            }
            if let Some(r) = r.as_mut().filter(|r| r.level() == Level::Tree) {
                if m.frames > 1 {
                    r.derived(&f::FRAGMENTS, under.payload, m.frames);
                }
                if split && !m.broken {
                    r.derived(&f::MESSAGE_LENGTH, under.payload, m.len);
                }
                for (field, at, value) in inside.iter().flat_map(|i| &i.parts) {
                    let of = if split { under.payload } else { part(under.payload, at) };
                    r.derived(field, of, value.as_str());
                }
                if m.text && !m.broken {
                    r.derived(&f::TEXT, under.payload, String::from_utf8_lossy(&m.start).into_owned());
                } else if !m.broken && (head.mask.is_some() || split) {
                    r.derived(&f::BINARY, under.payload, Value::Blob(m.start.as_slice().into()));
                }
            }
        }
        if split && level > Level::Rows {
            ended(payload_key(number, dir, false), dir, End::Fin, out);
        }
        let line = Text(m.line());
        match (head.fin, m.broken) {
            _ if inside.is_some() => out.summary(inside.map(|i| i.line).unwrap_or_default()),
            (_, true) => out.summary(format_args!("{kind}, {} bytes, cannot be decompressed", head.len)),
            (true, _) if m.text && m.holed => out.summary(format_args!("{kind} with a hole: {line}")),
            (true, _) if m.text => out.summary(format_args!("{kind}: {line}")),
            (true, _) if m.compressed => out.summary(format_args!("{kind}, {} bytes, sent as {}", m.len, m.sent)),
            (true, _) => out.summary(format_args!("{kind}, {} bytes", m.len)),
            (false, _) if m.text => out.summary(format_args!("fragment {} of a text: {line}", m.frames)),
            (false, _) => out.summary(format_args!("fragment {} of a binary message, {} bytes", m.frames, head.len)),
        }
        if !head.fin {
            half.message = Some(m);
        }
        self.made = made;
    }

    /// A control frame is complete.
    fn control_done(&mut self, dir: Dir, under: &Under, data: &[u8], r: &mut Option<&mut Reader<'_>>, out: &mut Out<'_>) {
        let at = under.payload;
        let comma = if data.is_empty() { "" } else { ": " };
        match under.head.opcode {
            frame::PING => {
                let key = self.question();
                let pings = &mut self.half(dir).pings;
                if pings.len() >= MOST_PINGS {
                    pings.pop_front();
                }
                pings.push_back((data.to_vec(), key));
                out.asks(key);
                blob(r, &f::PING, at, data);
                out.summary(format_args!("ping{comma}{}", Text(data)));
            }
            frame::PONG => {
                // One pong may answer several pings: the latest counts (§5.5.3).
                let pings = &mut self.half(dir.other()).pings;
                match pings.iter().rposition(|(asked, _)| asked == data) {
                    Some(i) => {
                        if let Some((_, key)) = pings.drain(..=i).next_back() {
                            out.answers(key, More::No);
                        }
                    }
                    None => note(r, out, &n::PONG_UNASKED, at),
                }
                blob(r, &f::PONG, at, data);
                out.summary(format_args!("pong{comma}{}", Text(data)));
            }
            frame::CLOSE => self.close_done(dir, under, data, r, out),
            other => out.summary(format_args!("control frame {other}, {} bytes", under.head.len)),
        }
    }

    /// A Close is complete.
    fn close_done(&mut self, dir: Dir, under: &Under, data: &[u8], r: &mut Option<&mut Reader<'_>>, out: &mut Out<'_>) {
        let at = under.payload;
        match self.close.take() {
            Some(key) if !self.half(dir).closed => out.answers(key, More::No),
            other => {
                let key = self.question();
                self.close = other.or(Some(key));
                out.asks(key);
            }
        }
        let both = self.half(dir.other()).closed;
        self.half(dir).closed = true;
        let me = dir.sender();
        if both {
            out.state(Side::Client, &f::CLOSED);
            out.state(Side::Server, &f::CLOSED);
        } else {
            out.state(me, &f::CLOSING);
        }
        match data {
            [] => out.summary("close, without a code"),
            [_] => {
                note(r, out, &n::CLOSE_ONE_BYTE, at);
                out.summary("close, with half a code");
            }
            [a, b, reason @ ..] => {
                let code = u16::from_be_bytes([*a, *b]);
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    note(r, out, &n::CLOSE_CODE_ODD, at);
                } else if !matches!(code, 1000 | 1001 | 3000..=4999) {
                    note(r, out, &n::CLOSE_ABNORMAL, at);
                }
                if std::str::from_utf8(reason).is_err() {
                    note(r, out, &n::NOT_UTF8, at);
                }
                if let Some(r) = r {
                    r.derived(&f::CLOSE_CODE, Span { len: 2, ..at }, u64::from(code));
                    if !reason.is_empty() {
                        let here = Span { at: at.at.saturating_add(2), len: at.len.saturating_sub(2), ..at };
                        r.derived(&f::CLOSE_REASON, here, String::from_utf8_lossy(reason).into_owned());
                    }
                }
                let words = f::CLOSE_CODE.name_of(code.into()).unwrap_or(match code {
                    3000..=3999 => "registered by a library",
                    4000..=4999 => "of this application",
                    _ => "unknown",
                });
                let comma = if reason.is_empty() { "" } else { ": " };
                out.summary(format_args!("close {code} {words}{comma}{}", Text(reason)));
            }
        }
    }

    fn question(&mut self) -> u64 {
        let key = self.asks;
        self.asks = key.wrapping_add(1);
        key
    }
}

impl Under {
    /// `n` bytes more of its payload are behind us.
    fn passed(&mut self, n: u64) {
        self.done = self.done.saturating_add(n);
        self.payload.len = u32::try_from(self.done).unwrap_or(u32::MAX);
    }
}

/// Where messages are parts of one byte stream, what that is.
const fn stream(carries: Carries, m: &Message) -> Option<Hint> {
    match carries {
        Carries::Stream(name) => Some(Hint::Proto(name)),
        // Tunnels and protocols that nobody announced come as binary messages.
        Carries::Unsaid if !m.text => Some(Hint::Probe),
        _ => None,
    }
}

/// What a whole message is.
fn hint(carries: Carries, m: &Message) -> Hint {
    match carries {
        Carries::Unsaid if m.text && message::is_json(&m.start, m.last) => Hint::media("application/json"),
        _ => Hint::Bytes(if m.text { "text" } else { "binary" }),
    }
}

/// A range of a payload, as a span.
fn part(payload: Span, range: &std::ops::Range<usize>) -> Span {
    let len = range.end.saturating_sub(range.start);
    Span { at: payload.at.saturating_add(range.start as u64), len: u32::try_from(len).unwrap_or(u32::MAX), ..payload }
}

fn hand_on_stream(dir: Dir, bytes: &[u8], from: Span, made: bool, inflated: bool, hint: Hint, out: &mut Out<'_>) {
    if made {
        let mut copy = out.memory();
        copy.extend_from_slice(bytes);
        out.inner_made(STREAM_KEY, dir, copy, from, if inflated { How::Inflated } else { How::Unmasked }, hint);
    } else {
        out.inner(STREAM_KEY, dir, from, How::Joined, hint);
    }
}

/// The inner stream `key` has ended; nothing travels against it.
fn ended(key: u64, dir: Dir, how: End, out: &mut Out<'_>) {
    for dir in [dir, dir.other()] {
        out.inner_end(key, dir, how);
    }
}

/// Notes in a read, or where there is none (a hole completed the frame).
fn note(r: &mut Option<&mut Reader<'_>>, out: &mut Out<'_>, what: &'static Note, at: Span) {
    match r {
        Some(r) => r.note(what, at),
        None => out.note(what, at),
    }
}

fn blob(r: &mut Option<&mut Reader<'_>>, field: wirelore_kit::F, at: Span, data: &[u8]) {
    if let Some(r) = r.as_mut().filter(|r| r.level() == Level::Tree && !data.is_empty()) {
        r.derived(field, at, Value::Blob(data.into()));
    }
}

const fn name(opcode: u8) -> &'static str {
    match opcode {
        frame::CONTINUATION => "continuation",
        frame::TEXT => "text",
        frame::BINARY => "binary",
        frame::CLOSE => "close",
        frame::PING => "ping",
        frame::PONG => "pong",
        3..=7 => "reserved data frame",
        _ => "reserved control frame",
    }
}

fn title(h: &Head) -> String {
    let last = if h.fin { "" } else { ", not the last fragment" };
    let masked = if h.mask.is_some() { ", masked" } else { "" };
    format!("{}, {} bytes{masked}{last}", name(h.opcode), h.len)
}

impl Dissector for WebSocket {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if self.half(turn.dir).under.is_some() { self.read_payload(turn.dir, r, out) } else { self.read_head(turn.dir, r, out) }
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        let carries = self.agreed.carries;
        let compresses = self.agreed.deflate.is_some() && self.agreed.seen;
        let half = self.half(dir);
        if let Some(mut under) = half.under.filter(|u| missing <= u.head.len.saturating_sub(u.done)) {
            under.passed(missing);
            under.holed = true;
            let mut lost = 0;
            if let Some(m) = half.message.as_mut().filter(|_| !under.head.is_control()) {
                if stream(carries, m).is_some() {
                    lost = if m.compressed { u64::MAX } else { missing };
                }
                m.lose(&mut half.window);
            }
            out.inner_gap(STREAM_KEY, dir, lost);
            half.under = Some(under);
            if under.done == under.head.len {
                self.frame_done(dir, &under, &mut None, out);
            }
            return AfterGap::Carry;
        }
        if half.under.take().is_some() {
            half.frames = half.frames.wrapping_add(1);
        }
        half.message = None;
        half.guessed = true;
        if compresses {
            half.window.lose();
        }
        out.inner_gap(STREAM_KEY, dir, u64::MAX);
        AfterGap::Resync
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if !self.half(dir).closed && matches!(how, End::Fin | End::Reset) {
            out.state(dir.sender(), &f::GONE);
        }
        out.inner_end(STREAM_KEY, dir, how);
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(WebSocket {
            halves: self.halves.clone(),
            agreed: self.agreed.clone(),
            told: self.told,
            asks: self.asks,
            close: self.close,
            clear: Vec::new(),
            made: Vec::new(),
        }))
    }

    fn weight(&self) -> usize {
        let half = |h: &Half| {
            let pings: usize = h.pings.iter().map(|p| p.0.capacity().saturating_add(32)).sum();
            let message = h.message.as_ref().map_or(0, |m| m.weight());
            h.window.weight().saturating_add(h.control.capacity()).saturating_add(pings).saturating_add(message)
        };
        let [a, b] = &self.halves;
        let shared = self.clear.capacity().saturating_add(self.made.capacity());
        size_of::<WebSocket>().saturating_add(half(a)).saturating_add(half(b)).saturating_add(shared)
    }
}

/// Behind a gap: a head that fits this direction. The first byte of a frame in full has its highest bit set, as no ASCII text has.
fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    (0..bytes.len()).find(|i| {
        let here = bytes.get(*i..).unwrap_or(&[]);
        here.first().is_some_and(|b| b & 0x80 != 0) && frame::head(here).is_ok_and(|h| h.is_plausible(dir))
    })
}

/// Frames whose upgrade was not seen: only a text message that is readable once unmasked proves itself; all else waits for the user's word.
fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.to_server.is_empty() {
        probe_text(peek.to_client, Dir::ToClient, peek.ended)
    } else {
        probe_text(peek.to_server, Dir::ToServer, peek.ended)
    }
}

fn probe_text(bytes: &[u8], dir: Dir, ended: bool) -> Verdict {
    let more = if ended { Verdict::No } else { Verdict::More };
    match bytes {
        [] => return more,
        [0x81] => return more,
        [0x81, second, ..] if (second & 0x80 != 0) == (dir == Dir::ToServer) => {}
        _ => return Verdict::No,
    }
    let Ok(head) = frame::head(bytes) else { return more };
    // Eight readable characters in a row are no accident.
    if !head.is_plausible(dir) || head.len < 8 {
        return Verdict::No;
    }
    let Some(payload) = bytes.get(head.size()..head.size().saturating_add(8)) else { return more };
    let mut clear = Vec::new();
    frame::unmask(&mut clear, payload, head.mask.unwrap_or_default(), 0);
    let readable = clear.iter().all(|b| matches!(b, b' '..=b'~' | b'\r' | b'\n' | b'\t'));
    if readable { Verdict::Sure } else { Verdict::No }
}
