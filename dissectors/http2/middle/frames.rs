//! Frames as they come: what each means for the one who stands in the middle, and how it goes on.

use super::super::frame::{self, HEAD, Head, PREFACE, kind};
use super::super::notes as n;
use super::super::stream::notes as stream;
use super::super::streams::{MOST_WINDOW, Settings};
use super::super::{MOST_BLOCK, frames::set};
use super::Http2;
use super::state::{Assembling, Block, Data, Item, Phase};
use super::write::{self, code};
use bytes::Bytes;
use wirelore_kit::middle::Step;
use wirelore_kit::{Dir, Note};

/// So many SETTINGS may be unanswered.
const MOST_PROPOSED: usize = 64;
/// A header block may come in so many frames.
const MOST_PARTS: usize = 256;

impl Http2 {
    /// Reads a frame. False: more must come first.
    pub(super) fn frame(&mut self, dir: Dir, steps: &mut Vec<Step>) -> bool {
        let half = self.half(dir);
        let rest = half.rest.bytes();
        if dir == Dir::ToServer && !half.greeted {
            let n = rest.len().min(PREFACE.len());
            if rest.get(..n) != PREFACE.get(..n) {
                return self.not_this(steps);
            }
            if n < PREFACE.len() {
                return false;
            }
            half.greeted = true;
            let preface = half.rest.take(PREFACE.len());
            self.send(dir, preface, steps);
            return true;
        }
        let Some(head) = Head::of(rest) else { return false };
        if head.len > half.max_frame {
            let words = format!("{} bytes where {} are allowed", head.len, half.max_frame);
            self.fail(dir, code::FRAME_SIZE_ERROR, &n::FRAME_TOO_LONG, &words, steps);
            return false;
        }
        if rest.len() < head.whole() {
            return false;
        }
        if !half.started && (head.kind != kind::SETTINGS || head.has(frame::ACK)) {
            self.fail(dir, code::PROTOCOL_ERROR, &n::NOT_HTTP2, "the first frame is not SETTINGS", steps);
            return false;
        }
        let frame = half.rest.take(head.whole());
        let alone = half.assembling.as_ref().is_some_and(|a| head.kind != kind::CONTINUATION || a.stream != head.stream);
        if alone {
            self.fail(dir, code::PROTOCOL_ERROR, &n::BLOCK_INTERRUPTED, "no frame may stand there", steps);
            return false;
        }
        self.whole(dir, head, frame, steps);
        true
    }

    /// These bytes are no HTTP/2: they go on unread.
    fn not_this(&mut self, steps: &mut Vec<Step>) -> bool {
        self.told(&n::NOT_HTTP2, "let through as it is; from here on nothing is read", steps);
        let rest = [self.half(Dir::ToServer).rest.take_all(), self.half(Dir::ToClient).rest.take_all()];
        self.over = true;
        steps.push(Step::Opaque { rest });
        false
    }

    fn whole(&mut self, dir: Dir, head: Head, frame: Bytes, steps: &mut Vec<Step>) {
        let wrong = match head.kind {
            kind::DATA | kind::HEADERS | kind::PRIORITY | kind::PUSH_PROMISE | kind::CONTINUATION | kind::RST_STREAM
                if head.stream == 0 =>
            {
                Some((code::PROTOCOL_ERROR, &n::STREAM_ZERO))
            }
            kind::SETTINGS | kind::PING | kind::GOAWAY if head.stream != 0 => Some((code::PROTOCOL_ERROR, &n::STREAM_NOT_ZERO)),
            kind::SETTINGS if !head.len.is_multiple_of(6) || head.has(frame::ACK) && head.len > 0 => {
                Some((code::FRAME_SIZE_ERROR, &n::BAD_LENGTH))
            }
            kind::RST_STREAM | kind::WINDOW_UPDATE if head.len != 4 => Some((code::FRAME_SIZE_ERROR, &n::BAD_LENGTH)),
            kind::PING if head.len != 8 => Some((code::FRAME_SIZE_ERROR, &n::BAD_LENGTH)),
            kind::GOAWAY if head.len < 8 => Some((code::FRAME_SIZE_ERROR, &n::BAD_LENGTH)),
            kind::PUSH_PROMISE if dir == Dir::ToServer => Some((code::PROTOCOL_ERROR, &n::STREAM_PARITY)),
            _ => None,
        };
        if let Some((error, note)) = wrong {
            return self.fail(dir, error, note, &format!("a frame of type {} on stream {}", head.kind, head.stream), steps);
        }
        match head.kind {
            kind::PRIORITY if head.len != 5 => match self.find(dir, head.stream) {
                // An error of the stream alone (RFC 9113 §6.3).
                Some(id) => self.give_up(id, code::FRAME_SIZE_ERROR, &n::BAD_LENGTH, "PRIORITY", steps),
                None => self.about_stream(dir, &head, frame, steps),
            },
            kind::DATA => self.data(dir, &head, frame, steps),
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => self.block_part(dir, &head, &frame, steps),
            kind::RST_STREAM => self.reset_came(dir, &head, frame, steps),
            kind::SETTINGS => self.settings(dir, &head, frame, steps),
            kind::PING if self.alone && !head.has(frame::ACK) => self.send(dir.other(), write::pong(&frame), steps),
            kind::PING => self.send(dir, frame, steps),
            kind::GOAWAY => self.going_away(dir, frame, steps),
            kind::WINDOW_UPDATE => self.window_update(dir, &head, frame, steps),
            _ if head.stream == 0 && head.kind != kind::PRIORITY_UPDATE => self.send(dir, frame, steps),
            _ => self.about_stream(dir, &head, frame, steps),
        }
    }

    /// The client's number of the stream that a frame in `dir` names, where something goes on there.
    pub(super) fn find(&self, dir: Dir, number: u32) -> Option<u32> {
        let id = if dir == Dir::ToClient { self.numbers.get(&number).copied().unwrap_or(number) } else { number };
        let stream = self.streams.get(&id)?;
        (dir == Dir::ToServer || stream.at_server == number).then_some(id)
    }

    /// Whether frames about a stream that is over may go on under the same number.
    pub(super) fn is_bygone(&self, dir: Dir, number: u32) -> bool {
        let [opened, at_server, promised] = self.highest;
        let known = match (number % 2, dir) {
            (0, _) => number <= promised,
            (_, Dir::ToServer) => number <= opened.min(at_server),
            (_, Dir::ToClient) => number <= at_server,
        };
        known && !self.renumbered && self.is_muted(dir, number).is_none()
    }

    /// Of a stream of which nothing goes on: whether its sender knows.
    pub(super) fn is_muted(&self, dir: Dir, number: u32) -> Option<bool> {
        let [up, down] = &self.halves;
        if dir == Dir::ToServer { up.is_muted(number) } else { down.is_muted(number) }
    }

    /// Frames that are about a stream and of no consequence: priorities, and types that nobody knows.
    fn about_stream(&mut self, dir: Dir, head: &Head, frame: Bytes, steps: &mut Vec<Step>) {
        if !self.renumbered {
            // Of a stream that waits its server must not hear yet.
            let waits = self.streams.get(&head.stream).is_some_and(|s| s.at_server == 0);
            if !waits {
                self.send(dir, frame, steps);
            }
            return;
        }
        // Priorities name streams inside; they are advice (RFC 9113 §5.3) and not worth translating.
        if !matches!(head.kind, kind::PRIORITY | kind::PRIORITY_UPDATE)
            && let Some(id) = self.find(dir, head.stream)
            && let Some(number) = self.number_for(dir, id)
        {
            self.send(dir, write::renumbered(frame, number), steps);
        }
    }

    fn data(&mut self, dir: Dir, head: &Head, frame: Bytes, steps: &mut Vec<Step>) {
        let Some(data) = write::unpadded(head, &frame) else {
            return self.fail(dir, code::PROTOCOL_ERROR, &n::PADDING_TOO_LONG, &format!("stream {}", head.stream), steps);
        };
        let flow = i64::from(head.len);
        let half = self.half(dir);
        let even = half.window.is_even();
        half.window.sender = half.window.sender.saturating_sub(flow);
        if half.window.sender < 0 {
            return self.fail(dir, code::FLOW_CONTROL_ERROR, &n::CONNECTION_WINDOW_EXCEEDED, "more came than was allowed", steps);
        }
        let Some(id) = self.find(dir, head.stream) else {
            if self.is_bygone(dir, head.stream) {
                let half = self.half(dir);
                half.window.receiver = half.window.receiver.saturating_sub(flow);
                return self.send(dir, frame, steps);
            }
            if self.is_idle(dir, head.stream) {
                self.fail(dir, code::PROTOCOL_ERROR, &n::STREAM_IDLE, &format!("DATA on stream {}", head.stream), steps);
            } else if dir == Dir::ToServer && self.is_muted(dir, head.stream) != Some(false) {
                // Nobody else is left to say so (RFC 9113 §5.1).
                self.told(&n::STREAM_ENDED, format!("DATA on stream {}; RST_STREAM answers it", head.stream), steps);
                self.send(Dir::ToClient, write::reset(head.stream, code::STREAM_CLOSED), steps);
            }
            return;
        };
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        if lane.ended || lane.phase == Phase::Head {
            let (error, note) =
                if lane.ended { (code::STREAM_CLOSED, &n::STREAM_ENDED) } else { (code::PROTOCOL_ERROR, &n::STREAM_IDLE) };
            return self.give_up(id, error, note, "DATA where none may stand", steps);
        }
        let even = even && lane.window.is_even() && lane.kept == 0;
        lane.window.sender = lane.window.sender.saturating_sub(flow);
        lane.ended = head.has(frame::END_STREAM);
        let data = Data { frame, data, flow: head.len, ends: lane.ended };
        if lane.own || lane.phase == Phase::Mute {
            let (ended, came) = (lane.ended, data.data.len() as u64);
            let short = lane.left.as_mut().is_some_and(|left| {
                let more = came > *left;
                *left = left.saturating_sub(came);
                more || ended && *left > 0
            });
            if short {
                return self.give_up(id, code::PROTOCOL_ERROR, &stream::LENGTH_DIFFERS, "it was answered by us", steps);
            }
            self.owe(dir, id);
            return self.sweep(id);
        }
        if lane.phase == Phase::Flow && lane.grpc.is_none() && lane.way.is_none() {
            return self.emit(dir, id, data, even, steps);
        }
        if lane.phase == Phase::Keep && u64::try_from(lane.kept.saturating_add(flow)).is_ok_and(|k| k > self.keep as u64) {
            lane.bodiless = true;
        }
        self.keep(dir, id, data, steps);
    }

    /// Whether nobody has opened a stream.
    pub(super) fn is_idle(&self, dir: Dir, number: u32) -> bool {
        let [opened, at_server, promised] = self.highest;
        match (number % 2, dir) {
            (0, _) => number > promised,
            (_, Dir::ToServer) => number > opened,
            (_, Dir::ToClient) => number > at_server,
        }
    }

    /// A part of a header block.
    fn block_part(&mut self, dir: Dir, head: &Head, frame: &Bytes, steps: &mut Vec<Step>) {
        let half = self.half(dir);
        let mut fragment = frame.slice(HEAD..);
        let mut assembling = match half.assembling.take() {
            Some(a) => a,
            None if head.kind == kind::CONTINUATION => {
                return self.fail(dir, code::PROTOCOL_ERROR, &n::BLOCK_ALONE, &format!("stream {}", head.stream), steps);
            }
            None => {
                let Some(inner) = write::unpadded(head, frame) else {
                    return self.fail(dir, code::PROTOCOL_ERROR, &n::PADDING_TOO_LONG, &format!("stream {}", head.stream), steps);
                };
                fragment = inner;
                let mut block = Block { era: half.era, number: half.blocks, ..Block::default() };
                half.blocks = half.blocks.saturating_add(1);
                let lead = match head.kind {
                    kind::PUSH_PROMISE => 4,
                    _ if head.has(frame::PRIORITY) => 5,
                    _ => 0,
                };
                if fragment.len() < lead {
                    return self.fail(dir, code::FRAME_SIZE_ERROR, &n::BAD_LENGTH, "a header block without its beginning", steps);
                }
                match *fragment.split_to(lead) {
                    [w, x, y, z] => block.promised = u32::from_be_bytes([w & 0x7f, x, y, z]),
                    [v, w, x, y, z] => block.priority = Some([v, w, x, y, z]),
                    _ => {}
                }
                block.ends = head.kind == kind::HEADERS && head.has(frame::END_STREAM);
                if head.kind == kind::PUSH_PROMISE && block.promised == 0 {
                    return self.fail(dir, code::PROTOCOL_ERROR, &n::STREAM_PARITY, "stream 0 is promised", steps);
                }
                if head.has(frame::END_HEADERS) {
                    (block.frames, block.fragment) = (frame.clone(), fragment);
                    return self.block(dir, head.stream, block, steps);
                }
                Box::new(Assembling { stream: head.stream, block, frames: Vec::new(), fragment: Vec::new(), count: 0 })
            }
        };
        assembling.frames.extend_from_slice(frame);
        assembling.fragment.extend_from_slice(&fragment);
        assembling.count = assembling.count.saturating_add(1);
        if assembling.fragment.len() > MOST_BLOCK || assembling.count > MOST_PARTS {
            let words = format!("{} bytes in {} frames and no end", assembling.fragment.len(), assembling.count);
            return self.fail(dir, code::ENHANCE_YOUR_CALM, &n::BLOCK_TOO_LONG, &words, steps);
        }
        if !head.has(frame::END_HEADERS) {
            self.half(dir).assembling = Some(assembling);
            return;
        }
        let Assembling { stream, mut block, frames, fragment, .. } = *assembling;
        (block.frames, block.fragment) = (frames.into(), fragment.into());
        self.block(dir, stream, block, steps);
    }

    fn reset_came(&mut self, dir: Dir, head: &Head, frame: Bytes, steps: &mut Vec<Step>) {
        let error = word(&frame, HEAD);
        let Some(id) = self.find(dir, head.stream) else {
            if self.is_bygone(dir, head.stream) {
                self.send(dir, frame, steps);
            } else if self.is_idle(dir, head.stream) {
                self.fail(dir, code::PROTOCOL_ERROR, &n::STREAM_IDLE, &format!("RST_STREAM on stream {}", head.stream), steps);
            }
            return;
        };
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        // A server that has answered needs no more of the request; its answer may wait here.
        if lane.ended && lane.is_busy() && !lane.own {
            lane.behind(Item::Reset(error));
            return;
        }
        if let Some(number) = self.number_for(dir, id) {
            self.send(dir, write::renumbered(frame, number), steps);
        }
        let (at_server, renumbered) = (self.streams.get(&id).map_or(0, |s| s.at_server), self.renumbered);
        if renumbered || at_server == 0 {
            // What the other side still sends must not be mistaken for another stream's.
            self.half(Dir::ToServer).mute(id, dir == Dir::ToServer);
            if at_server != 0 {
                self.half(Dir::ToClient).mute(at_server, dir == Dir::ToClient);
            }
        }
        self.remove(id);
    }

    fn settings(&mut self, dir: Dir, head: &Head, frame: Bytes, steps: &mut Vec<Step>) {
        let half = self.half(dir);
        if !head.has(frame::ACK) {
            let mut s = Settings::default();
            let mut wrong: Option<(u32, &'static Note)> = None;
            for c in frame.get(HEAD..).unwrap_or(&[]).chunks_exact(6) {
                if let [a, b, w, x, y, z] = *c
                    && !set(&mut s, u16::from_be_bytes([a, b]), u32::from_be_bytes([w, x, y, z]))
                {
                    let error = if b == 4 { code::FLOW_CONTROL_ERROR } else { code::PROTOCOL_ERROR };
                    wrong = Some((error, &n::SETTING_VALUE));
                }
            }
            half.proposed.push_back(s);
            if half.proposed.len() > MOST_PROPOSED {
                wrong = Some((code::ENHANCE_YOUR_CALM, &n::SETTINGS_FLOOD));
            }
            if let Some((error, note)) = wrong {
                return self.fail(dir, error, note, "SETTINGS", steps);
            }
            let first = !std::mem::replace(&mut half.started, true);
            if self.alone {
                self.send(dir.other(), write::settings(true), steps);
                let Some(s) = self.half(dir).proposed.pop_front() else { return };
                self.apply(dir.other(), s);
                return self.drain_all(dir.other(), steps);
            }
            self.send(dir, frame, steps);
            if first {
                for bytes in std::mem::take(&mut self.half(dir).early) {
                    self.send(dir, bytes, steps);
                }
            }
            return;
        }
        self.send(dir, frame, steps);
        if let Some(s) = self.half(dir.other()).proposed.pop_front() {
            self.apply(dir, s);
            self.drain_all(dir, steps);
        }
    }

    /// Settings bind from here on who sends in `dir`.
    pub(super) fn apply(&mut self, dir: Dir, s: Settings) {
        let half = self.half(dir);
        if let Some(size) = s.table {
            half.table.allow(size);
            half.encoder.allow(size);
            half.era = half.era.saturating_add(1);
        }
        half.most_streams = s.streams.or(half.most_streams);
        if let Some(size) = s.frame {
            half.max_frame = size.max(frame::FIRST_MAX);
        }
        if let Some(first) = s.window {
            let by = i64::from(first).saturating_sub(std::mem::replace(&mut half.first_window, i64::from(first)));
            for stream in self.streams.values_mut() {
                let window = &mut stream.lane_mut(dir).window;
                window.sender = window.sender.saturating_add(by);
                window.receiver = window.receiver.saturating_add(by);
            }
        }
    }

    fn going_away(&mut self, dir: Dir, frame: Bytes, steps: &mut Vec<Step>) {
        let last = word(&frame, HEAD) & 0x7fff_ffff;
        self.half(dir).away = Some(last);
        if dir == Dir::ToServer || !self.renumbered {
            return self.send(dir, frame, steps);
        }
        let [opened, at_server, _] = self.highest;
        // The client's highest number that may have been worked on; too high a number only forbids trying again.
        let theirs = self.streams.iter().filter(|(_, s)| s.at_server != 0 && s.at_server <= last).map(|(id, _)| *id).max();
        let last = if last >= at_server { opened } else { theirs.unwrap_or(last).max(last).min(opened) };
        let rest = frame.get(HEAD.saturating_add(8)..).unwrap_or(&[]);
        self.send(dir, write::go_away(last, word(&frame, HEAD.saturating_add(4)), rest), steps);
    }

    fn window_update(&mut self, dir: Dir, head: &Head, frame: Bytes, steps: &mut Vec<Step>) {
        let more = word(&frame, HEAD) & 0x7fff_ffff;
        // It is about what goes the other way.
        let of = dir.other();
        if head.stream == 0 {
            let window = &mut self.half(of).window;
            window.receiver = window.receiver.saturating_add(i64::from(more));
            if window.receiver > MOST_WINDOW || more == 0 {
                let note = if more == 0 { &n::INCREMENT_ZERO } else { &n::WINDOW_OVERFLOW };
                let error = if more == 0 { code::PROTOCOL_ERROR } else { code::FLOW_CONTROL_ERROR };
                return self.fail(dir, error, note, "of the connection", steps);
            }
            if window.excess() == i64::from(more) {
                window.sender = window.sender.saturating_add(i64::from(more));
                self.send(dir, frame, steps);
            }
            return self.drain_all(of, steps);
        }
        let Some(id) = self.find(dir, head.stream) else {
            if self.is_bygone(dir, head.stream) {
                self.send(dir, frame, steps);
            } else if self.is_idle(dir, head.stream) {
                let words = format!("WINDOW_UPDATE on stream {}", head.stream);
                self.fail(dir, code::PROTOCOL_ERROR, &n::STREAM_IDLE, &words, steps);
            }
            return;
        };
        let number = self.number_for(dir, id);
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(of)) else { return };
        lane.window.receiver = lane.window.receiver.saturating_add(i64::from(more));
        if lane.window.receiver > MOST_WINDOW || more == 0 {
            let note = if more == 0 { &n::INCREMENT_ZERO } else { &n::WINDOW_OVERFLOW };
            let error = if more == 0 { code::PROTOCOL_ERROR } else { code::FLOW_CONTROL_ERROR };
            return self.give_up(id, error, note, "of the stream", steps);
        }
        let even = lane.window.excess().saturating_sub(lane.kept) == i64::from(more);
        match number {
            Some(number) if even && !lane.own => {
                lane.window.sender = lane.window.sender.saturating_add(i64::from(more));
                self.send(dir, write::renumbered(frame, number), steps);
            }
            _ => self.owe(of, id),
        }
        self.drain(of, id, steps);
        self.sweep(id);
    }
}

/// Four bytes as a number.
fn word(frame: &[u8], at: usize) -> u32 {
    match frame.get(at..) {
        Some([a, b, c, d, ..]) => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => 0,
    }
}
