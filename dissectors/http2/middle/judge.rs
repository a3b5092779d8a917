//! Messages handed over to be judged, and what is made of a judgement.

use super::super::hpack::encode::Line;
use super::super::notes as n;
use super::super::stream::head::What;
use super::super::stream::notes as faults;
use super::grpc::{self, Grpc, Next};
use super::inside::Way;
use super::state::{Block, Data, Item, Phase};
use super::write::{self, code};
use super::{Http2, message};
use bytes::Bytes;
use std::collections::VecDeque;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Judgement, Part, Step, Transit};

/// Body and trailers of what waits in a stream.
fn taken_apart(queue: &VecDeque<Item>) -> (Bytes, Option<&Block>) {
    let data = queue.iter().filter_map(|i| if let Item::Data(d) = i { Some(&d.data) } else { None });
    let trailers = queue.iter().find_map(|i| if let Item::Block(b) = i { Some(&**b) } else { None });
    (message::joined(data), trailers)
}

impl Http2 {
    pub(super) fn ask(&mut self, dir: Dir, id: u32, inside: bool, message: Transit, steps: &mut Vec<Step>) -> u64 {
        self.tickets = self.tickets.wrapping_add(1);
        self.asked.insert(self.tickets, (dir, id, inside));
        self.half(dir).paused = true;
        steps.push(Step::Judge { ticket: self.tickets, message: Box::new(message) });
        self.tickets
    }

    /// Has a head judged.
    pub(super) fn judge_head(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        self.judge_part(dir, id, false, steps);
    }

    /// Has a message judged whose body is there.
    pub(super) fn judge_whole(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        self.judge_part(dir, id, true, steps);
    }

    fn judge_part(&mut self, dir: Dir, id: u32, whole: bool, steps: &mut Vec<Step>) {
        let Some(stream) = self.streams.get(&id) else { return };
        let lane = stream.lane(dir);
        let Some(head) = &lane.head else { return };
        let mut message = message::transit(dir, stream, head, whole.then(|| taken_apart(&lane.queue)));
        if lane.interim {
            message.part = Part::Interim;
        }
        let ticket = self.ask(dir, id, false, message, steps);
        if let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) {
            (lane.phase, lane.whole) = (Phase::Judging(ticket), whole);
        }
    }

    /// Does what was judged.
    pub(super) fn judged(&mut self, dir: Dir, id: u32, ticket: u64, judgement: Judgement, steps: &mut Vec<Step>) {
        let lane = self.streams.get(&id).map(|s| s.lane(dir));
        let Some(lane) = lane.filter(|l| l.phase == Phase::Judging(ticket)) else { return };
        if lane.interim {
            return self.judged_interim(dir, id, judgement, steps);
        }
        let whole = lane.whole;
        match judgement {
            Judgement::Pass => self.release(dir, id, steps),
            Judgement::Body if whole || lane.bodiless => self.release(dir, id, steps),
            Judgement::Body => self.want_body(dir, id, steps),
            Judgement::Change(to) => self.change(dir, id, &to, whole, steps),
            Judgement::Drop => self.reset_both(id, code::CANCEL, steps),
            Judgement::Answer(to) if dir == Dir::ToServer => self.answer(id, &to, steps),
            Judgement::Answer(to) => {
                self.cut_off(id, steps);
                self.change(dir, id, &to, true, steps);
            }
            Judgement::Reset => self.close(steps),
        }
    }

    /// The body of a message is waited for, where it can be had.
    fn want_body(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let tunnel = stream.tunnel;
        let lane = stream.lane_mut(dir);
        let Some(head) = &lane.head else { return };
        let messages = grpc::is_grpc(head);
        let length = message::length(head);
        let large = length.is_some_and(|l| l > self.keep as u64) || u64::try_from(lane.kept).is_ok_and(|k| k > self.keep as u64);
        if tunnel || messages || large {
            lane.bodiless = true;
            if large {
                self.told(&n::BODY_NOT_KEPT, "it goes on as it comes", steps);
            }
            return self.judge_head(dir, id, steps);
        }
        if lane.ended {
            return self.judge_whole(dir, id, steps);
        }
        let expects = dir == Dir::ToServer && head.value(b"expect").is_some_and(|e| e.eq_ignore_ascii_case(b"100-continue"));
        lane.phase = Phase::Keep;
        self.owe(dir, id);
        if expects {
            let lines = vec![Line::new(&b":status"[..], &b"100"[..])];
            self.send_block(Dir::ToClient, id, &Block { lines, ..Block::default() }, steps);
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.continued = true;
            }
        }
    }

    /// A message goes on as a judge wrote it.
    fn change(&mut self, dir: Dir, id: u32, to: &Transit, whole: bool, steps: &mut Vec<Step>) {
        let Http2 { streams, halves: [up, down], .. } = self;
        let half = if dir == Dir::ToServer { up } else { down };
        let Some(stream) = streams.get_mut(&id) else { return };
        let headless = stream.headless && dir == Dir::ToClient;
        let lane = stream.lane_mut(dir);
        // What is written anew comes out in order: nobody behind us could see any more what was wrong with it.
        let wrong = lane.head.as_ref().filter(|_| dir == Dir::ToServer && !self.lax);
        if let Some(note) = wrong.and_then(|head| message::fault(head, What::Request)) {
            return self.give_up(id, code::PROTOCOL_ERROR, note, "a rule was to change it", steps);
        }
        let Some(mut head) = lane.head.take() else { return };
        let mut lines = message::head(to, &head.lines, dir == Dir::ToServer);
        if whole {
            let (body, trailers) = taken_apart(&lane.queue);
            let old: &[Line] = trailers.map_or(&[], |t| &t.lines);
            let trailers = message::trailers(to, old);
            if !headless && (body != to.body || trailers != old) {
                if body.len() != to.body.len() {
                    message::fit_length(&mut lines, &head.lines, to.body.len());
                }
                half.kept = half.kept.saturating_sub(lane.kept);
                lane.kept = 0;
                lane.queue.clear();
                head.frames = Bytes::new();
                head.ends = to.body.is_empty() && trailers.is_empty();
                if !to.body.is_empty() {
                    lane.kept = to.body.len() as i64;
                    half.kept = half.kept.saturating_add(lane.kept);
                    lane.queue.push_back(Item::Data(Data::made(to.body.clone(), trailers.is_empty())));
                }
                if !trailers.is_empty() {
                    lane.queue.push_back(Item::Block(Box::new(Block { lines: trailers, ends: true, ..Block::default() })));
                }
            }
        }
        if lines != head.lines {
            (head.frames, head.lines) = (Bytes::new(), lines);
        }
        lane.head = Some(head);
        self.release(dir, id, steps);
    }

    /// We answer a request ourselves; what its client still sends of it is thrown away.
    fn answer(&mut self, id: u32, to: &Transit, steps: &mut Vec<Step>) {
        let Http2 { streams, halves: [up, _], .. } = self;
        let Some(stream) = streams.get_mut(&id) else { return };
        let lane = stream.lane_mut(Dir::ToServer);
        // No server is there to refuse what it must not take.
        if let Some(head) = lane.head.as_ref().filter(|_| !self.lax) {
            let sent: u64 = lane.queue.iter().map(|i| if let Item::Data(d) = i { d.data.len() as u64 } else { 0 }).sum();
            lane.left = message::length(head).map(|l| l.saturating_sub(sent));
            let differs = message::length(head).is_some_and(|l| sent > l || lane.ended && sent < l);
            let wrong = message::fault(head, What::Request).or(differs.then_some(&faults::LENGTH_DIFFERS));
            if let Some(note) = wrong {
                return self.give_up(id, code::PROTOCOL_ERROR, note, "a rule was to answer it", steps);
            }
        }
        up.kept = up.kept.saturating_sub(std::mem::take(&mut lane.kept));
        up.heads = up.heads.saturating_sub(std::mem::take(&mut lane.weight));
        lane.queue.clear();
        (lane.phase, lane.done, lane.head) = (Phase::Mute, true, None);
        self.owe(Dir::ToServer, id);
        self.answer_with(id, to, steps);
    }

    /// Our answer takes the place of the server's.
    pub(super) fn answer_with(&mut self, id: u32, to: &Transit, steps: &mut Vec<Step>) {
        let Http2 { streams, halves: [_, down], .. } = self;
        let Some(stream) = streams.get_mut(&id) else { return };
        let headless = stream.headless;
        let lines = message::head(to, &[], false);
        let trailers = message::trailers(to, &[]);
        let body = if headless { Bytes::new() } else { to.body.clone() };
        let head = Block { lines, ends: body.is_empty() && (headless || trailers.is_empty()), ..Block::default() };
        let lane = stream.lane_mut(Dir::ToClient);
        // Data that overtook a head that waits goes with it.
        down.kept = down.kept.saturating_sub(lane.kept);
        lane.queue.clear();
        (lane.own, lane.ended, lane.kept) = (true, true, body.len() as i64);
        down.kept = down.kept.saturating_add(lane.kept);
        if !body.is_empty() {
            lane.queue.push_back(Item::Data(Data::made(body, trailers.is_empty())));
        }
        if !trailers.is_empty() && !headless {
            lane.queue.push_back(Item::Block(Box::new(Block { lines: trailers, ends: true, ..Block::default() })));
        }
        lane.head = Some(Box::new(head));
        self.release(Dir::ToClient, id, steps);
    }

    /// Nothing more is wanted of an answer that something else takes the place of.
    pub(super) fn cut_off(&mut self, id: u32, steps: &mut Vec<Step>) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let at_server = stream.at_server;
        let lane = stream.lane_mut(Dir::ToClient);
        lane.own = true;
        if !std::mem::replace(&mut lane.ended, true) {
            let up = stream.lane_mut(Dir::ToServer);
            (up.phase, up.done) = (Phase::Mute, true);
            self.half(Dir::ToClient).mute(at_server, false);
            self.send(Dir::ToServer, write::reset(at_server, code::CANCEL), steps);
        }
    }

    /// A message goes on, and what follows it.
    pub(super) fn release(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        if dir == Dir::ToServer && !self.open(id, steps) {
            return;
        }
        let judge = self.judge;
        let lane = self.streams.get(&id).map(|s| (s.tunnel, s.lane(dir)));
        let opens =
            lane.filter(|(tunnel, l)| *tunnel && judge && dir == Dir::ToServer && !l.own).and_then(|(_, l)| l.head.as_ref());
        let inside = opens.filter(|h| !h.ends).and_then(|head| self.tunnels(head));
        let Http2 { streams, halves: [up, down], .. } = self;
        let half = if dir == Dir::ToServer { up } else { down };
        let Some(stream) = streams.get_mut(&id) else { return };
        let tunnel = stream.tunnel;
        let carries = inside.is_some();
        stream.inside = inside.map(Box::new).or(stream.inside.take());
        let lane = stream.lane_mut(dir);
        let Some(head) = lane.head.take() else { return };
        half.heads = half.heads.saturating_sub(std::mem::take(&mut lane.weight));
        lane.phase = Phase::Flow;
        let ends = head.ends;
        let messages = judge && !lane.own && !tunnel && !ends && grpc::is_grpc(&head);
        if messages {
            let mut inside = Grpc::behind(&head.lines);
            for item in std::mem::take(&mut lane.queue) {
                match item {
                    Item::Data(data) => inside.feed(data),
                    behind => {
                        inside.ends = true;
                        inside.tail.push_back(behind);
                    }
                }
            }
            lane.grpc = Some(Box::new(inside));
        } else if carries {
            let mut way = Way::default();
            for item in std::mem::take(&mut lane.queue) {
                match item {
                    Item::Data(data) => way.frames.push_back(data),
                    behind => way.tail.push_back(behind),
                }
            }
            lane.way = Some(Box::new(way));
        } else {
            half.kept = half.kept.saturating_sub(lane.kept);
            half.window.queued = half.window.queued.saturating_add(lane.kept);
            lane.window.queued = lane.window.queued.saturating_add(std::mem::take(&mut lane.kept));
            half.ready.insert(id);
        }
        lane.done |= ends;
        self.send_block(dir, id, &head, steps);
        if tunnel && dir == Dir::ToClient {
            self.agreed(id, &head, steps);
        }
        self.pump(dir, id, steps);
        self.drain(dir, id, steps);
        // What the receiver allowed while this waited.
        self.owe(dir.other(), id);
        self.owe(dir, id);
        self.sweep(id);
    }

    /// Gives a request its number at the server. False: it cannot be asked any more.
    fn open(&mut self, id: u32, steps: &mut Vec<Step>) -> bool {
        let server = self.half(Dir::ToClient);
        let most = if server.ended.is_some() { 0 } else { server.away.unwrap_or(0x7fff_ffff) };
        // Without a server nothing goes on.
        let most = if self.alone { 0 } else { most };
        let [_, at_server, _] = &mut self.highest;
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        if stream.at_server != 0 {
            return true;
        }
        let number = if id > *at_server { id } else { at_server.saturating_add(2) };
        // A server that is leaving has said which requests it still takes (RFC 9113 §6.8).
        if number > most {
            self.told(&n::SERVER_AWAY, format!("stream {id} is refused"), steps);
            self.reset_both(id, code::REFUSED_STREAM, steps);
            return false;
        }
        *at_server = number;
        stream.at_server = number;
        if number != id {
            self.renumbered = true;
            self.numbers.insert(number, id);
        }
        true
    }

    /// Goes through the messages of gRPC in a body.
    pub(super) fn pump(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        loop {
            let Some(stream) = self.streams.get_mut(&id) else { return };
            let Some(grpc) = &mut stream.lane_mut(dir).grpc else { return };
            let (frames, last) = match grpc.next() {
                Next::Nothing => break,
                Next::Message(compressed, body) => {
                    let Some(stream) = self.streams.get(&id) else { return };
                    let Some(grpc) = &stream.lane(dir).grpc else { return };
                    let message = grpc.transit(dir, stream, compressed, body);
                    let ticket = self.ask(dir, id, true, message, steps);
                    if let Some(grpc) = self.streams.get_mut(&id).and_then(|s| s.lane_mut(dir).grpc.as_mut()) {
                        grpc.ticket = Some(ticket);
                    }
                    break;
                }
                Next::Frames(frames) => (frames, false),
                Next::TooLong(frames) => (frames, true),
            };
            let kept = if grpc.is_empty() { stream.lane_mut(dir).kept } else { 0 };
            if let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) {
                lane.kept = lane.kept.saturating_sub(kept);
            }
            let half = self.half(dir);
            half.kept = half.kept.saturating_sub(kept);
            for data in frames {
                self.emit(dir, id, data, false, steps);
            }
            if last {
                self.told(&n::BODY_NOT_KEPT, "a message of gRPC goes on as it comes, and what follows it", steps);
                self.end_of_messages(dir, id);
                break;
            }
        }
        self.owe(dir, id);
        let lane = self.streams.get_mut(&id).map(|s| s.lane_mut(dir));
        let idle = lane.and_then(|l| l.grpc.as_ref()).is_some_and(|g| !g.is_busy() && !g.tail.is_empty());
        if idle {
            self.end_of_messages(dir, id);
            self.drain(dir, id, steps);
            self.sweep(id);
        }
    }

    /// From here on a body goes on as it comes.
    fn end_of_messages(&mut self, dir: Dir, id: u32) {
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        if let Some(grpc) = lane.grpc.take() {
            lane.queue.extend(grpc.tail);
        }
        self.half(dir).ready.insert(id);
    }

    /// A message of gRPC was judged.
    pub(super) fn judged_inside(&mut self, dir: Dir, id: u32, ticket: u64, judgement: Judgement, steps: &mut Vec<Step>) {
        let lane = self.streams.get_mut(&id).map(|s| s.lane_mut(dir));
        let Some(grpc) = lane.and_then(|l| l.grpc.as_mut()).filter(|g| g.ticket == Some(ticket)) else { return };
        match judgement {
            Judgement::Pass | Judgement::Body => grpc.judged(None),
            Judgement::Change(to) => grpc.judged(Some(Some((to.header("content-encoding").is_some(), to.body)))),
            // An answer to a single message has no place in a stream of them.
            Judgement::Drop | Judgement::Answer(_) => grpc.judged(Some(None)),
            Judgement::Reset => return self.close(steps),
        }
        self.pump(dir, id, steps);
    }

    /// Nothing more comes in a direction: what waited for more goes on as far as it is there.
    pub(super) fn cut_short(&mut self, dir: Dir, steps: &mut Vec<Step>) {
        let ids: Vec<u32> = self.streams.keys().copied().collect();
        for id in ids {
            let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { continue };
            if let Some(grpc) = &mut lane.grpc {
                grpc.ends = true;
            }
            if lane.way.is_some() {
                self.ends(dir, id, steps);
            } else if lane.phase == Phase::Keep {
                self.release(dir, id, steps);
            } else {
                self.pump(dir, id, steps);
            }
        }
    }
}
