//! HTTP/2 (RFC 9113): the frames of a connection, their header blocks (HPACK, RFC 7541), settings and windows.
//!
//! Each frame is a message of the connection. What belongs to a stream is handed on to a conversation of its own, whose bytes are
//! written so that a person can read them: a line that names the frame, then its header fields as lines or its data ([`stream`]).

mod blocks;
mod fields;
mod frame;
mod frames;
mod hpack;
mod middle;
mod notes;
pub mod stream;
mod streams;

pub use hpack::values;

use fields as f;
use frame::{HEAD, Head, PREFACE, kind};
use hpack::{Scratch, table::Table};
use notes as n;
use std::collections::VecDeque;
use std::io::Write as _;
use streams::{Settings, Streams};
use wirelore_kit::{
    AfterGap, AfterGapPromise, BitRange, Claim, Dir, Dissector, End, Framing, Hint, How, Level, Out, Reader, Relay, Side, Span,
    Spec, Start, Stop, Turn, Value,
};

/// HTTP/2 connections.
pub static SPEC: Spec = Spec {
    name: "http2",
    label: "HTTP/2",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::ALL,
    claims: &[Claim::Alpn(b"h2"), Claim::Upgrade("h2c"), Claim::Named("http2")],
    probe: frame::probe,
    resync: Some(frame::resync),
    states: f::STATES,
    after_gap: AfterGapPromise::FramesOnly,
    // Between a client and its one server nothing in it is ours, unless its messages are judged.
    relay: Relay::Opaque,
    middle: Some(middle::SERVE),
    new: |start| Box::new(Http2::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// The name under which streams are handed on.
const STREAM: Hint = Hint::Proto("http2.stream");
/// A header block may be so long, bytes.
const MOST_BLOCK: usize = 1 << 20;
/// A frame longer than this and than allowed is no frame.
const MOST_FRAME: u32 = 1 << 20;
/// So many unacknowledged SETTINGS are remembered.
const MOST_UNACKNOWLEDGED: usize = 32;

/// Which stream a header block is for.
#[derive(Debug, Clone, Copy)]
struct BlockOf {
    /// The stream that it is sent on.
    stream: u32,
    /// The stream that it promises.
    promised: Option<u32>,
    /// It ends the stream.
    ends: bool,
}

/// A header block of which more is to come.
#[derive(Debug, Clone)]
struct Block {
    of: BlockOf,
    bytes: Vec<u8>,
    from: Span,
}

/// What one direction has sent.
#[derive(Debug, Clone)]
struct Half {
    /// Its beginning was read, or is known to be lost.
    started: bool,
    /// Something of it was missed.
    late: bool,
    table: Table,
    block: Option<Block>,
    /// The frame that is waited for, and where it begins.
    awaited: Option<(u64, Head)>,
    /// A hole lies in the frame that is waited for.
    hole: bool,
    /// A frame of data whose end is lost; its stream is told with the next frame.
    lost: Option<Head>,
    /// A start was guessed: it must be beyond doubt.
    guessed: bool,
    /// Payloads may be so long.
    max_frame: u32,
    /// Settings that its sender proposed and the other side has not acknowledged.
    proposed: VecDeque<Settings>,
    away: bool,
}

impl Half {
    fn new(late: bool) -> Half {
        Half {
            started: false,
            late,
            table: Table::new(late),
            block: None,
            awaited: None,
            hole: false,
            lost: None,
            guessed: false,
            max_frame: frame::FIRST_MAX,
            proposed: VecDeque::new(),
            away: false,
        }
    }

    /// What was missed may have changed anything.
    fn lose(&mut self) {
        self.late = true;
        self.table.lose();
        self.block = None;
        self.max_frame = u32::MAX;
    }

    fn weight(&self) -> usize {
        self.table
            .weight()
            .saturating_add(self.block.as_ref().map_or(0, |b| b.bytes.capacity()))
            .saturating_add(self.proposed.capacity().saturating_mul(size_of::<Settings>()))
    }
}

/// The state machine.
struct Http2 {
    halves: [Half; 2],
    streams: Streams,
    /// The client has not refused pushes.
    push: bool,
    /// The connection began as HTTP/1.1; stream 1 answers the request that asked for the change.
    upgraded: bool,
    /// Settings that came with it, as written.
    upgrade_settings: Option<Box<[u8]>>,
    scratch: Scratch,
    lines: Vec<u8>,
}

const fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

/// The direction towards a side.
const fn towards(side: Side) -> Dir {
    match side {
        Side::Client => Dir::ToClient,
        Side::Server => Dir::ToServer,
    }
}

impl Http2 {
    fn new(start: &Start) -> Http2 {
        let upgraded = matches!(&start.hint, Hint::Upgrade(t) if &*t.name == "h2c");
        let mut h = Http2 {
            halves: [Half::new(false), Half::new(false)],
            streams: Streams::new(),
            push: true,
            upgraded,
            upgrade_settings: None,
            scratch: Scratch::default(),
            lines: Vec::new(),
        };
        if upgraded {
            h.streams.start(1);
            h.streams.end(1, Dir::ToServer);
            if let Some(text) = start.hint.fact(Side::Client, "http2-settings") {
                h.upgrade_settings = text.get(..text.len().min(4096)).map(Into::into);
                h.apply(Side::Client, frames::upgrade_settings(text));
            }
        }
        h
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// Settings of `side` are in force: they bind who sends to it.
    fn apply(&mut self, side: Side, s: Settings) {
        let dir = towards(side);
        if let Some(size) = s.table {
            self.half(dir).table.allow(size);
        }
        if let Some(size) = s.window {
            self.streams.begin_with(dir, size);
        }
        if let Some(size) = s.frame {
            self.half(dir).max_frame = size.max(frame::FIRST_MAX);
        }
        if let Some(push) = s.push.filter(|_| side == Side::Client) {
            self.push = push;
        }
    }

    fn preface(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        r.group(&f::HTTP2, |r| {
            let all = r.span(PREFACE.len());
            r.text(&f::MAGIC, PREFACE.len())?;
            if let Some(text) = &self.upgrade_settings {
                r.derived(&f::SETTINGS_UPGRADE, all, Value::Blob(text.clone()));
            }
            Ok(())
        })?;
        self.half(Dir::ToServer).started = true;
        out.summary("Connection preface");
        out.state(Side::Client, &f::GREETED);
        Ok(())
    }

    /// Whether a frame must not be read before the other side's.
    fn must_wait(&self, turn: &Turn<'_>, head: &Head) -> bool {
        let [client, server] = &self.halves;
        // The request is still on the way: packets of both directions may be captured in the wrong order.
        turn.dir == Dir::ToClient
            && head.kind == kind::HEADERS
            && Streams::opener(head.stream) == Side::Client
            && self.streams.is_new(head.stream)
            && !client.late
            && !server.late
            && !turn.start.midstream
            && !turn.other_ended
    }

    /// The fields of a frame header.
    fn head(&self, r: &mut Reader<'_>, head: &Head) -> Result<(), Stop> {
        r.u24(&f::LENGTH)?;
        r.u8(&f::TYPE)?;
        if r.level() < Level::Tree {
            r.skip(1)?;
            r.valued(&f::STREAM_ID, 4, Value::U64(head.stream.into()))?;
            return Ok(());
        }
        r.bit_group(&f::FLAGS, BitRange { first: 0, len: 8 }, |r, _| {
            let mut flag = |field, first| r.bits(field, BitRange { first, len: 1 }).map(|_| ());
            match head.kind {
                kind::DATA => flag(&f::FLAG_PADDED, 4).and_then(|()| flag(&f::FLAG_END_STREAM, 7)),
                kind::HEADERS => flag(&f::FLAG_PRIORITY, 2)
                    .and_then(|()| flag(&f::FLAG_PADDED, 4))
                    .and_then(|()| flag(&f::FLAG_END_HEADERS, 5))
                    .and_then(|()| flag(&f::FLAG_END_STREAM, 7)),
                kind::PUSH_PROMISE => flag(&f::FLAG_PADDED, 4).and_then(|()| flag(&f::FLAG_END_HEADERS, 5)),
                kind::CONTINUATION => flag(&f::FLAG_END_HEADERS, 5),
                kind::SETTINGS => flag(&f::FLAG_ACK_SETTINGS, 7),
                kind::PING => flag(&f::FLAG_ACK_PING, 7),
                _ => Ok(()),
            }
        })?;
        r.skip(1)?;
        r.bits(&f::RESERVED, BitRange { first: 0, len: 1 })?;
        let at = r.span(4);
        r.bits(&f::STREAM_ID, BitRange { first: 1, len: 31 })?;
        if head.reserved {
            r.note(&n::RESERVED_SET, at);
        }
        r.skip(4)
    }

    /// The part of a frame that is there: its end never comes.
    fn part(&self, head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        r.group(&f::HTTP2, |r| {
            self.head(r, head)?;
            let left = r.left();
            if left > 0 {
                r.bytes(&f::PARTIAL, left)?;
            }
            Ok(())
        })?;
        frames::summary(out, head, format_args!("{} of {} bytes", r.taken().saturating_sub(HEAD), head.len));
        Ok(())
    }

    /// What comes behind a hole in a frame.
    fn rest(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (dir, here) = (turn.dir, r.at());
        let half = self.half(dir);
        let Some((from, head)) = half.awaited else {
            half.hole = false;
            return Err(Stop::Bad(&n::NOT_HTTP2));
        };
        let end = from.saturating_add(head.whole() as u64);
        let Some(left) = end.checked_sub(here) else {
            // The hole reaches into frames that nobody can know.
            half.hole = false;
            half.awaited = None;
            half.guessed = true;
            half.lose();
            self.streams.lose();
            return Err(Stop::Bad(&n::NOT_HTTP2));
        };
        let left = left as usize;
        if left == 0 {
            // The hole ends where the frame does: told with the next one.
            half.hole = false;
            half.lost = Some(head);
            return self.frame(turn, r, out);
        }
        r.peek(left)?;
        let half = self.half(dir);
        half.hole = false;
        half.awaited = None;
        let span = r.span(left);
        r.group(&f::HTTP2, |r| {
            r.note(&n::HOLE, span);
            r.derived(&f::TYPE, span, u64::from(head.kind));
            r.derived(&f::STREAM_ID, span, u64::from(head.stream));
            if head.kind == kind::DATA {
                r.derived(&f::DATA_LENGTH, span, left as u64);
            }
            r.bytes(&f::PARTIAL, left).map(|_| ())
        })?;
        frames::summary(out, &head, format_args!("the last {left} of {} bytes, behind a hole", head.len));
        self.data_lost(dir, &head, span, out);
        Ok(())
    }

    /// Hands on the rest of a frame of data, and says what is missing before it.
    fn data_lost(&mut self, dir: Dir, head: &Head, rest: Span, out: &mut Out<'_>) {
        if head.kind != kind::DATA {
            return;
        }
        self.streams.spend(head.stream, dir, head.len);
        if self.streams.standing(head.stream, dir) != streams::Standing::Open {
            return;
        }
        let missing = u64::from(head.len.saturating_sub(rest.len));
        let ends = head.has(frame::END_STREAM);
        self.hand(head.stream, dir, "GAP", missing, false, &[], rest, out);
        self.hand(head.stream, dir, "DATA", rest.len.into(), ends, &[], rest, out);
        out.inner(head.stream.into(), dir, rest, How::Verbatim, STREAM);
        if ends {
            self.end_stream(head.stream, dir, out);
        }
    }

    /// Hands a line about a frame, and the text that it carries, to its stream.
    #[expect(clippy::too_many_arguments, reason = "what stands on the line")]
    fn hand(&self, stream: u32, dir: Dir, what: &str, len: u64, ends: bool, text: &[u8], from: Span, out: &mut Out<'_>) {
        let mut made = out.memory();
        let end = if ends { " END_STREAM" } else { "" };
        let upgraded = if self.upgraded && stream == 1 { " UPGRADED" } else { "" };
        // Writing to a Vec cannot fail.
        let _ = writeln!(made, "{what} stream {stream} length {len}{end}{upgraded}");
        made.extend_from_slice(text);
        out.inner_made(stream.into(), dir, made, from, How::Unpacked, STREAM);
    }

    fn end_stream(&mut self, stream: u32, dir: Dir, out: &mut Out<'_>) {
        self.streams.end(stream, dir);
        out.inner_end(stream.into(), dir, End::Fin);
        // On a stream that the upgrade opened the client sends nothing.
        if self.upgraded && stream == 1 {
            out.inner_end(stream.into(), dir.other(), End::Fin);
        }
    }

    fn frame(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let dir = turn.dir;
        let here = r.at();
        let head = Head::of(r.peek(HEAD)?).unwrap_or(Head { len: 0, kind: 0, flags: 0, reserved: false, stream: 0 });
        let half = self.half(dir);
        let fresh = !half.started;
        if (half.guessed || fresh) && !head.is_plausible() {
            half.guessed = true;
            half.lose();
            return Err(Stop::Bad(&n::NOT_HTTP2));
        }
        if head.len > half.max_frame.clamp(MOST_FRAME, frame::FIRST_MAX << 8) {
            half.guessed = true;
            half.lose();
            return Err(Stop::Bad(&n::FRAME_TOO_LONG));
        }
        if self.must_wait(turn, &head) {
            return Err(Stop::Wait);
        }
        self.half(dir).awaited = Some((here, head));
        if r.is_bounded() && r.left() < head.whole() {
            return self.part(&head, r, out);
        }
        r.peek(head.whole())?;
        // All of it is there: from here on nothing falls short.
        let half = self.half(dir);
        half.awaited = None;
        half.guessed = false;
        half.started = true;
        if let Some(lost) = half.lost.take() {
            self.data_lost(dir, &lost, r.span(0), out);
        }
        let half = self.half(dir);
        // Both sides begin with settings, the client with its preface before them.
        if fresh && (dir == Dir::ToServer || head.kind != kind::SETTINGS || head.has(frame::ACK)) {
            half.lose();
            self.streams.lose();
            r.note(&n::LATE, r.span(head.whole()));
        }
        self.whole(dir, &head, r, out)
    }
}

impl Dissector for Http2 {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let half = self.half(turn.dir);
        if half.hole {
            return self.rest(turn, r, out);
        }
        if turn.dir == Dir::ToServer && !half.started && !half.guessed {
            let rest = r.rest();
            let n = rest.len().min(PREFACE.len());
            if n > 0 && rest.get(..n) == PREFACE.get(..n) {
                r.peek(PREFACE.len())?;
                return self.preface(r, out);
            }
        }
        self.frame(turn, r, out)
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        let half = self.half(dir);
        // A hole inside of data loses nothing else: the frame says where the next one begins.
        if half.awaited.is_some_and(|(_, h)| h.kind == kind::DATA && missing < h.whole() as u64) {
            half.hole = true;
            for stream in self.streams.numbers() {
                out.inner_gap(stream.into(), dir, 0);
            }
            return AfterGap::Carry;
        }
        self.streams.lose();
        let half = self.half(dir);
        half.awaited = None;
        half.lost = None;
        half.hole = false;
        half.started = true;
        half.guessed = true;
        half.lose();
        AfterGap::Resync
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if how != End::Capture {
            out.state(dir.sender(), &f::CLOSED);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(Http2 {
            halves: self.halves.clone(),
            streams: self.streams.clone(),
            push: self.push,
            upgraded: self.upgraded,
            upgrade_settings: self.upgrade_settings.clone(),
            scratch: Scratch::default(),
            lines: Vec::new(),
        }))
    }

    fn weight(&self) -> usize {
        let [a, b] = &self.halves;
        size_of::<Http2>()
            .saturating_add(a.weight())
            .saturating_add(b.weight())
            .saturating_add(self.streams.weight())
            .saturating_add(self.lines.capacity())
    }
}
