//! Reads the payload of each type of frame (RFC 9113 §6) and tells what it changes.

use super::frame::{self, Head, kind};
use super::streams::{MOST_WINDOW, Settings, Standing, Streams};
use super::{Block, BlockOf, Http2, MOST_BLOCK, MOST_UNACKNOWLEDGED, STREAM, blocks, fields as f, notes as n, other, towards};
use std::fmt::Display;
use wirelore_kit::{BitRange, Dir, End, F, How, Level, Note, Out, Reader, Side, Span, Stop, Text, Value};

/// The name of a frame type.
pub fn name(kind: u8) -> &'static str {
    f::TYPE.name_of(kind.into()).unwrap_or("Unknown frame")
}

/// The line of a frame.
pub fn summary(out: &mut Out<'_>, head: &Head, what: impl Display) {
    if head.stream == 0 {
        out.summary(format_args!("{}: {what}", name(head.kind)));
    } else {
        out.summary(format_args!("{} stream {}: {what}", name(head.kind), head.stream));
    }
}

fn error(code: u32) -> impl Display {
    struct Error(u32);
    impl Display for Error {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match f::ERROR.name_of(self.0.into()) {
                Some(name) => f.write_str(name),
                None => write!(f, "error {:#x}", self.0),
            }
        }
    }
    Error(code)
}

/// Bits behind the reserved one.
fn id31(r: &mut Reader<'_>, reserved: F, field: F) -> Result<u32, Stop> {
    r.bits(reserved, BitRange { first: 0, len: 1 })?;
    let id = r.bits(field, BitRange { first: 1, len: 31 })? as u32;
    r.skip(4)?;
    Ok(id)
}

/// The settings of an HTTP2-Settings header: a SETTINGS payload in base64url (RFC 7540 §3.2.1).
pub fn upgrade_settings(text: &[u8]) -> Settings {
    let mut bytes = Vec::new();
    let (mut bits, mut have) = (0u32, 0u32);
    for c in text.iter().take(4096) {
        let v = match c {
            b'A'..=b'Z' => c.wrapping_sub(b'A'),
            b'a'..=b'z' => c.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => c.wrapping_sub(b'0').wrapping_add(52),
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => break,
        };
        bits = (bits << 6) | u32::from(v);
        have = have.saturating_add(6);
        if have >= 8 {
            have = have.saturating_sub(8);
            bytes.push((bits >> have) as u8);
        }
    }
    let mut s = Settings::default();
    for c in bytes.chunks_exact(6) {
        if let [a, b, w, x, y, z] = *c {
            set(&mut s, u16::from_be_bytes([a, b]), u32::from_be_bytes([w, x, y, z]));
        }
    }
    s
}

/// Takes a setting over. `false`: it must not have this value.
pub fn set(s: &mut Settings, id: u16, value: u32) -> bool {
    match id {
        1 => s.table = Some(value),
        2 => {
            s.push = Some(value != 0);
            return value <= 1;
        }
        3 => s.streams = Some(value),
        4 => {
            let fits = value <= MOST_WINDOW as u32;
            s.window = Some(value).filter(|_| fits);
            return fits;
        }
        5 => {
            let fits = (frame::FIRST_MAX..1 << 24).contains(&value);
            s.frame = Some(value).filter(|_| fits);
            return fits;
        }
        8 | 9 => return value <= 1,
        _ => {}
    }
    true
}

impl Http2 {
    /// Reads a frame all of whose bytes are there.
    pub(super) fn whole(&mut self, dir: Dir, head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let all = r.span(head.whole());
        let limit = self.half(dir).max_frame;
        r.attempt(&f::HTTP2, head.whole(), |r| {
            self.head(r, head)?;
            if head.len > limit {
                r.note(&n::FRAME_TOO_LONG, all);
            }
            self.place(dir, head, all, r);
            match head.kind {
                kind::DATA => self.data(dir, head, all, r, out),
                kind::HEADERS => self.headers(dir, head, all, r, out),
                kind::PRIORITY => self.priority(head, all, r, out),
                kind::RST_STREAM => self.reset(dir, head, all, r, out),
                kind::SETTINGS => self.settings(dir, head, all, r, out),
                kind::PUSH_PROMISE => self.push_promise(dir, head, all, r, out),
                kind::PING => self.ping(head, all, r, out),
                kind::GOAWAY => self.goaway(dir, all, head, r, out),
                kind::WINDOW_UPDATE => self.window_update(dir, head, all, r, out),
                kind::CONTINUATION => self.continuation(dir, head, all, r, out),
                kind::ALTSVC => altsvc(head, r, out),
                kind::ORIGIN => origin(head, r, out),
                kind::PRIORITY_UPDATE => priority_update(head, r, out),
                _ => {
                    r.note(&n::UNKNOWN_TYPE, all);
                    let left = r.left();
                    if left > 0 {
                        r.bytes(&f::PAYLOAD, left)?;
                    }
                    summary(out, head, format_args!("type {:#04x}, {left} bytes", head.kind));
                    Ok(())
                }
            }?;
            if r.level() == Level::Tree && head.stream != 0 {
                r.derived(&f::STREAM_STATE, all, self.streams.words(head.stream));
            }
            Ok(())
        })
        .map(|_| ())
    }

    /// Whether a frame of this type may stand here.
    fn place(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>) {
        let of_stream = matches!(
            head.kind,
            kind::DATA | kind::HEADERS | kind::PRIORITY | kind::RST_STREAM | kind::PUSH_PROMISE | kind::CONTINUATION
        );
        let of_connection = matches!(head.kind, kind::SETTINGS | kind::PING | kind::GOAWAY | kind::PRIORITY_UPDATE);
        if of_stream && head.stream == 0 {
            r.note(&n::STREAM_ZERO, all);
        } else if of_connection && head.stream != 0 {
            r.note(&n::STREAM_NOT_ZERO, all);
        }
        let half = self.half(dir);
        if half.block.is_some() && head.kind != kind::CONTINUATION {
            r.note(&n::BLOCK_INTERRUPTED, all);
            half.block = None;
            half.table.lose();
        }
    }

    /// A pad length, if there is one: how many bytes of padding and how many of content follow.
    fn padding(&self, head: &Head, all: Span, r: &mut Reader<'_>) -> Result<(usize, usize), Stop> {
        if !head.has(frame::PADDED) {
            return Ok((0, r.left()));
        }
        if r.is_empty() {
            r.note(&n::BAD_LENGTH, all);
            return Ok((0, 0));
        }
        let pad = usize::from(r.u8(&f::PAD_LENGTH)?);
        let Some(content) = r.left().checked_sub(pad) else {
            r.note(&n::PADDING_TOO_LONG, all);
            return Ok((0, r.left()));
        };
        Ok((pad, content))
    }

    fn pad(&self, field: F, len: usize, r: &mut Reader<'_>) -> Result<(), Stop> {
        if len > 0 {
            let at = r.span(len);
            if r.bytes(field, len)?.iter().any(|b| *b != 0) {
                r.note(&n::PADDING_NOT_ZERO, at);
            }
        }
        Ok(())
    }

    fn data(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (pad, len) = self.padding(head, all, r)?;
        let span = r.span(len);
        if len > 0 {
            r.bytes(&f::DATA, len)?;
        }
        r.derived(&f::DATA_LENGTH, span, len as u64);
        self.pad(&f::DATA_PADDING, pad, r)?;
        let ends = head.has(frame::END_STREAM);
        let end = if ends { ", END_STREAM" } else { "" };
        summary(out, head, format_args!("{len} bytes{end}"));
        if head.stream == 0 {
            return Ok(());
        }
        let mut standing = self.streams.standing(head.stream, dir);
        if standing == Standing::Idle {
            if !self.streams.is_partial() {
                r.note(&n::STREAM_IDLE, all);
            }
            self.start(head.stream, all, r);
            standing = Standing::Open;
        }
        let (connection, stream) = self.streams.spend(head.stream, dir, head.len);
        if r.level() == Level::Tree && !self.streams.is_partial() {
            if let Some(left) = stream {
                r.derived(&f::WINDOW_STREAM, all, Value::I64(left));
            }
            r.derived(&f::WINDOW_CONNECTION, all, Value::I64(connection));
        }
        if !self.streams.is_partial() && head.len > 0 {
            if stream.is_some_and(|left| left < 0) {
                r.note(&n::WINDOW_EXCEEDED, all);
            }
            if connection < 0 {
                r.note(&n::CONNECTION_WINDOW_EXCEEDED, all);
            }
        }
        match standing {
            Standing::Open | Standing::Idle => {
                let intro = Span { len: (all.len as usize).saturating_sub(len).saturating_sub(pad) as u32, ..all };
                self.hand(head.stream, dir, "DATA", len as u64, ends, &[], intro, out);
                out.inner(head.stream.into(), dir, span, How::Verbatim, STREAM);
                if ends {
                    self.end_stream(head.stream, dir, out);
                }
            }
            Standing::Ended => r.note(&n::STREAM_ENDED, all),
            // Data that was under way when the stream was given up.
            Standing::Closed => {}
        }
        Ok(())
    }

    /// Opens a stream that nobody has opened before.
    fn start(&mut self, id: u32, all: Span, r: &mut Reader<'_>) {
        if self.streams.start(id) {
            r.note(&n::TOO_MANY_STREAMS, all);
        }
    }

    /// Stream dependency and weight (RFC 7540 §5.3, deprecated but sent).
    fn dependency(&self, head: &Head, all: Span, r: &mut Reader<'_>) -> Result<(u32, bool, u16), Stop> {
        let exclusive = r.bits(&f::EXCLUSIVE, BitRange { first: 0, len: 1 })? == 1;
        let on = r.bits(&f::DEPENDENCY, BitRange { first: 1, len: 31 })? as u32;
        r.skip(4)?;
        let at = r.span(1);
        let weight = u16::from(r.u8(&f::WEIGHT)?).saturating_add(1);
        r.derived(&f::WEIGHT_REAL, at, u64::from(weight));
        if on == head.stream {
            r.note(&n::SELF_DEPENDENCY, all);
        }
        Ok((on, exclusive, weight))
    }

    fn priority(&mut self, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if !exactly(head, 5, all, r) {
            return Ok(());
        }
        let (on, exclusive, weight) = self.dependency(head, all, r)?;
        let how = if exclusive { ", exclusive" } else { "" };
        summary(out, head, format_args!("depends on {on}, weight {weight}{how}"));
        Ok(())
    }

    fn headers(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (pad, content) = self.padding(head, all, r)?;
        let mut len = content;
        if head.has(frame::PRIORITY) {
            if len < 5 {
                r.note(&n::BAD_LENGTH, all);
            } else {
                self.dependency(head, all, r)?;
                len = len.saturating_sub(5);
            }
        }
        if head.stream != 0 {
            self.opened_by(dir, head.stream, all, r);
        }
        let of = BlockOf { stream: head.stream, promised: None, ends: head.has(frame::END_STREAM) };
        self.block(dir, of, len, head, all, r, out)?;
        self.pad(&f::HEADERS_PADDING, pad, r)
    }

    /// HEADERS came on a stream: it is open from here on.
    fn opened_by(&mut self, dir: Dir, id: u32, all: Span, r: &mut Reader<'_>) {
        match self.streams.standing(id, dir) {
            Standing::Idle => {
                if !self.streams.is_partial() && Streams::opener(id) != dir.sender() {
                    r.note(&n::STREAM_PARITY, all);
                }
                self.start(id, all, r);
            }
            Standing::Ended => r.note(&n::STREAM_ENDED, all),
            // Numbers of closed streams are never used again.
            Standing::Closed if Streams::opener(id) == dir.sender() => r.note(&n::STREAM_BACKWARDS, all),
            Standing::Closed | Standing::Open => {}
        }
        if dir == Dir::ToClient {
            self.streams.answered(id);
        }
    }

    /// A header block, or the first part of one.
    #[expect(clippy::too_many_arguments, reason = "a frame's circumstances")]
    fn block(
        &mut self,
        dir: Dir,
        of: BlockOf,
        len: usize,
        head: &Head,
        all: Span,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) -> Result<(), Stop> {
        if !head.has(frame::END_HEADERS) {
            let from = r.span(len);
            let bytes = if len > 0 { r.bytes(&f::FRAGMENT, len)?.to_vec() } else { Vec::new() };
            self.half(dir).block = Some(Block { of, bytes, from });
            summary(out, head, format_args!("{len} bytes of a header block that goes on"));
            return Ok(());
        }
        let from = r.span(len);
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        let Http2 { halves: [a, b], scratch, .. } = self;
        let table = if dir == Dir::ToServer { &mut a.table } else { &mut b.table };
        let went = if len > 0 { blocks::here(r, len, table, scratch, &mut lines) } else { Ok(blocks::Picked::default()) };
        if let Ok(picked) = &went {
            self.block_done(dir, of, head, &lines, picked, from, all, r, out);
        }
        self.lines = lines;
        went.map(|_| ())
    }

    fn continuation(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let len = r.left();
        let end = r.span(len).end();
        let fragment = if len > 0 { r.bytes(&f::FRAGMENT, len)? } else { &[] };
        let Some(mut block) = self.half(dir).block.take() else {
            if !self.half(dir).late {
                r.note(&n::BLOCK_ALONE, all);
            }
            self.half(dir).table.lose();
            summary(out, head, format_args!("{len} bytes"));
            return Ok(());
        };
        if block.of.stream != head.stream {
            r.note(&n::BLOCK_INTERRUPTED, all);
            self.half(dir).table.lose();
            summary(out, head, format_args!("{len} bytes"));
            return Ok(());
        }
        block.from.len = end.saturating_sub(block.from.at) as u32;
        if block.bytes.len().saturating_add(len) > MOST_BLOCK {
            r.note(&n::BLOCK_TOO_LONG, all);
            self.half(dir).table.lose();
            summary(out, head, format_args!("{len} bytes"));
            return Ok(());
        }
        block.bytes.extend_from_slice(fragment);
        if !head.has(frame::END_HEADERS) {
            self.half(dir).block = Some(block);
            summary(out, head, format_args!("{len} bytes of a header block that goes on"));
            return Ok(());
        }
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        let Http2 { halves: [a, b], scratch, .. } = self;
        let table = if dir == Dir::ToServer { &mut a.table } else { &mut b.table };
        let went = blocks::joined(r, &block.bytes, block.from, table, scratch, &mut lines);
        if let Ok(picked) = &went {
            self.block_done(dir, block.of, head, &lines, picked, block.from, all, r, out);
        }
        self.lines = lines;
        went.map(|_| ())
    }

    /// A header block is complete.
    #[expect(clippy::too_many_arguments, reason = "a frame's circumstances")]
    fn block_done(
        &mut self,
        dir: Dir,
        of: BlockOf,
        head: &Head,
        lines: &[u8],
        picked: &blocks::Picked,
        from: Span,
        all: Span,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) {
        let [a, b, c] = picked.words(lines);
        let count = memchr::memchr_iter(b'\n', lines).count();
        let end = if of.ends { ", END_STREAM" } else { "" };
        let promised = of.promised;
        match promised {
            Some(id) => summary(out, head, format_args!("promises stream {id}: {a}{b}{c}")),
            None if a.0.is_empty() => summary(out, head, format_args!("{count} fields{end}")),
            None => summary(out, head, format_args!("{a}{b}{c}{end}")),
        }
        if let Some(id) = promised {
            if id == 0 || !self.streams.is_new(id) && !self.streams.is_partial() {
                return;
            }
            if self.streams.promise(id) {
                r.note(&n::TOO_MANY_STREAMS, all);
            }
            // The server says what the client would have asked: in its stream it is the request.
            self.hand(id, Dir::ToServer, "PUSH_PROMISE", lines.len() as u64, true, lines, from, out);
            out.inner_end(id.into(), Dir::ToServer, End::Fin);
            return;
        }
        if of.stream == 0 || self.streams.standing(of.stream, dir) != Standing::Open {
            return;
        }
        self.hand(of.stream, dir, "HEADERS", lines.len() as u64, of.ends, lines, from, out);
        if of.ends {
            self.end_stream(of.stream, dir, out);
        }
    }

    fn reset(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if !exactly(head, 4, all, r) {
            return Ok(());
        }
        let code = r.u32(&f::ERROR)?;
        if self.streams.standing(head.stream, dir) == Standing::Idle && !self.streams.is_partial() {
            r.note(&n::STREAM_IDLE, all);
        }
        match code {
            0 => {}
            5 | 7 | 8 => r.note(&n::STREAM_CANCELLED, all),
            _ => r.note(&n::STREAM_RESET, all),
        }
        summary(out, head, error(code));
        // It is told in a direction that is still open: the answer's, where the client gives up what it has asked for in full.
        let open = [dir, dir.other()].into_iter().find(|d| self.streams.standing(head.stream, *d) == Standing::Open);
        if let Some(open) = open {
            let by = if dir.sender() == Side::Client { "client" } else { "server" };
            let text = format!("{} by the {by}\n", error(code));
            self.hand(head.stream, open, "RST_STREAM", text.len() as u64, true, text.as_bytes(), all, out);
            for d in [open, open.other()] {
                out.inner_end(head.stream.into(), d, End::Reset);
            }
        }
        self.streams.reset(head.stream);
        Ok(())
    }

    fn settings(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let me = dir.sender();
        if head.has(frame::ACK) {
            if head.len != 0 {
                r.note(&n::BAD_LENGTH, all);
            }
            let late = self.half(dir.other()).late;
            match self.half(dir.other()).proposed.pop_front() {
                Some(s) => {
                    self.apply(other(me), s);
                    if self.half(dir.other()).proposed.is_empty() && !self.half(dir.other()).away {
                        out.state(other(me), &f::AGREED);
                    }
                }
                None if late || self.upgraded && me == Side::Server => {}
                None => r.note(&n::ACK_ALONE, all),
            }
            summary(out, head, "acknowledged");
            return Ok(());
        }
        if !head.len.is_multiple_of(6) {
            r.note(&n::BAD_LENGTH, all);
        }
        let mut s = Settings::default();
        let mut line = String::new();
        while r.left() >= 6 {
            let here = r.span(6);
            let (id, value) = setting(r)?;
            if !set(&mut s, id, value) {
                r.note(&n::SETTING_VALUE, here);
            }
            if line.len() < 300 {
                let between = if line.is_empty() { "" } else { ", " };
                let text = match f::SETTING_ID.name_of(id.into()) {
                    Some(name) => format!("{between}{name} {value}"),
                    None => format!("{between}{id:#06x} {value}"),
                };
                line.push_str(&text);
            }
        }
        let proposed = &mut self.half(dir).proposed;
        if proposed.len() >= MOST_UNACKNOWLEDGED {
            proposed.pop_front();
        }
        proposed.push_back(s);
        out.state(me, &f::PROPOSED);
        summary(out, head, if line.is_empty() { "nothing set" } else { &line });
        Ok(())
    }

    fn push_promise(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (pad, content) = self.padding(head, all, r)?;
        let Some(len) = content.checked_sub(4) else {
            r.note(&n::BAD_LENGTH, all);
            summary(out, head, "too short");
            return Ok(());
        };
        let id = id31(r, &f::PROMISED_RESERVED, &f::PROMISED)?;
        if Streams::opener(id) == Side::Client || dir == Dir::ToServer {
            r.note(&n::STREAM_PARITY, all);
        } else if !self.streams.is_new(id) && !self.streams.is_partial() {
            r.note(&n::STREAM_BACKWARDS, all);
        }
        if !self.push {
            r.note(&n::PUSH_REFUSED, all);
        }
        let of = BlockOf { stream: head.stream, promised: Some(id), ends: false };
        self.block(dir, of, len, head, all, r, out)?;
        self.pad(&f::PUSH_PADDING, pad, r)
    }

    fn ping(&mut self, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if !exactly(head, 8, all, r) {
            return Ok(());
        }
        let ack = head.has(frame::ACK);
        let data = r.bytes(if ack { &f::PONG } else { &f::PING }, 8)?;
        let data = data.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
        summary(out, head, format_args!("{}{data:016x}", if ack { "answered " } else { "" }));
        Ok(())
    }

    fn goaway(&mut self, dir: Dir, all: Span, head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if r.left() < 8 {
            r.note(&n::BAD_LENGTH, all);
            return Ok(());
        }
        let last = id31(r, &f::GOAWAY_RESERVED, &f::GOAWAY_LAST)?;
        let code = r.u32(&f::GOAWAY_ERROR)?;
        let left = r.left();
        let text = if left > 0 { r.text(&f::GOAWAY_DEBUG, left)? } else { Text(b"") };
        let comma = if left > 0 { ", " } else { "" };
        if code != 0 {
            r.note(&n::CONNECTION_ERROR, all);
        }
        let upto = if last == MOST_WINDOW as u32 { "no more new streams".to_owned() } else { format!("last stream {last}") };
        summary(out, head, format_args!("{}, {upto}{comma}{text}", error(code)));
        self.half(dir).away = true;
        out.state(dir.sender(), &f::GOING_AWAY);
        Ok(())
    }

    fn window_update(&mut self, dir: Dir, head: &Head, all: Span, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if !exactly(head, 4, all, r) {
            return Ok(());
        }
        let by = id31(r, &f::WINDOW_RESERVED, &f::INCREMENT)?;
        if by == 0 {
            r.note(&n::INCREMENT_ZERO, all);
        }
        // Who sends this allows the other side to send.
        let window = self.streams.grant(head.stream, towards(dir.sender()), by);
        if let Some(window) = window.filter(|_| !self.streams.is_partial()) {
            if window > MOST_WINDOW {
                r.note(&n::WINDOW_OVERFLOW, all);
            }
            let field = if head.stream == 0 { &f::WINDOW_CONNECTION } else { &f::WINDOW_STREAM };
            if r.level() == Level::Tree {
                r.derived(field, all, Value::I64(window));
            }
        }
        let of = if head.stream == 0 { " for the connection" } else { "" };
        summary(out, head, format_args!("{by} bytes more{of}"));
        Ok(())
    }
}

/// Whether a frame of fixed length has it; otherwise that is noted and its bytes are listed.
fn exactly(head: &Head, len: u32, all: Span, r: &mut Reader<'_>) -> bool {
    if head.len != len {
        let what: &'static Note = &n::BAD_LENGTH;
        r.note(what, all);
        let left = r.left();
        // They are there, and what cannot be read is listed as left over.
        let _ = r.bytes(&f::PAYLOAD, left);
    }
    head.len == len
}

/// One setting.
fn setting(r: &mut Reader<'_>) -> Result<(u16, u32), Stop> {
    r.titled(&f::SETTING, |r| {
        let id = r.u16(&f::SETTING_ID)?;
        let field: F = match id {
            1 => &f::SET_TABLE,
            2 => &f::SET_PUSH,
            3 => &f::SET_STREAMS,
            4 => &f::SET_WINDOW,
            5 => &f::SET_FRAME,
            6 => &f::SET_LIST,
            8 => &f::SET_CONNECT,
            9 => &f::SET_NO_PRIORITIES,
            _ => &f::SET_UNKNOWN,
        };
        let value = r.u32(field)?;
        let title = if r.level() < Level::Tree {
            Value::Span
        } else {
            match f::SETTING_ID.name_of(id.into()) {
                Some(name) => Value::from(format!("{name} {value}")),
                None => Value::from(format!("{id:#06x} {value}")),
            }
        };
        Ok(((id, value), title))
    })
}

fn altsvc(head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
    let len = usize::from(r.u16(&f::ALTSVC_LENGTH)?);
    let origin = if len > 0 { r.text(&f::ALTSVC_ORIGIN, len)? } else { Text(b"") };
    let left = r.left();
    let value = if left > 0 { r.text(&f::ALTSVC_VALUE, left)? } else { Text(b"") };
    let blank = if len > 0 { " " } else { "" };
    summary(out, head, format_args!("{origin}{blank}{value}"));
    Ok(())
}

fn origin(head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
    let mut line = Vec::new();
    while !r.is_empty() {
        let len = usize::from(r.u16(&f::ORIGIN_LENGTH)?);
        if len > 0 {
            let one = r.text(&f::ORIGIN, len)?;
            if line.len() < 300 {
                line.extend_from_slice(if line.is_empty() { b"" } else { b", " });
                line.extend_from_slice(one.0);
            }
        }
    }
    summary(out, head, Text(&line));
    Ok(())
}

fn priority_update(head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
    let id = id31(r, &f::PROMISED_RESERVED, &f::UPDATED_STREAM)?;
    let left = r.left();
    let value = if left > 0 { r.text(&f::UPDATED_VALUE, left)? } else { Text(b"") };
    out.summary(format_args!("{} stream {id}: {value}", name(head.kind)));
    Ok(())
}
