//! What goes out: header blocks as they came or in our own coding, data within its credit, ends of streams.

use super::super::frame::FIRST_MAX;
use super::Http2;
use super::state::{Block, Data, Item, Phase};
use super::write::{self, Around};
use bytes::{Buf, Bytes};
use wirelore_kit::middle::Step;
use wirelore_kit::{Dir, Note};

impl Http2 {
    /// Sends whole frames.
    pub(super) fn send(&mut self, dir: Dir, bytes: Bytes, steps: &mut Vec<Step>) {
        if self.over || bytes.is_empty() {
            return;
        }
        let half = self.half(dir);
        // A server's first frame must be its SETTINGS (RFC 9113 §3.4): what we say to its client waits for them.
        if dir == Dir::ToClient && !half.started {
            half.early.push(bytes);
        } else if !half.finished {
            steps.push(Step::Send { dir, bytes });
        }
    }

    /// The number of a stream where `dir` leads to; `None`: it is not open there.
    pub(super) fn number_for(&self, dir: Dir, id: u32) -> Option<u32> {
        match dir {
            Dir::ToClient => Some(id),
            Dir::ToServer => self.streams.get(&id).map(|s| s.at_server).filter(|n| *n != 0),
        }
    }

    /// Sends a header block of a stream.
    pub(super) fn send_block(&mut self, dir: Dir, id: u32, block: &Block, steps: &mut Vec<Step>) {
        if let Some(number) = self.number_for(dir, id) {
            self.send_raw(dir, number, block, steps);
        }
    }

    /// Sends a header block under a number of the receiver's: as it came, if that is what the receiver's table can be read with.
    pub(super) fn send_raw(&mut self, dir: Dir, number: u32, block: &Block, steps: &mut Vec<Step>) {
        let renumbered = self.renumbered;
        let half = self.half(dir);
        let own = block.frames.is_empty();
        let in_turn = half.mirror == Some(block.number) && half.era == block.era && !(renumbered && block.priority.is_some());
        if !own && in_turn && half.encoder.follow(&block.fragment).is_ok() {
            half.mirror = Some(block.number.saturating_add(1));
            return self.send(dir, write::renumbered(block.frames.clone(), number), steps);
        }
        half.mirror = None;
        let fragment = half.encoder.block(&block.lines);
        // A dependency names a stream by a number that may be another one by now.
        let priority = block.priority.filter(|_| !renumbered);
        let around = Around { stream: number, promised: block.promised, priority, ends: block.ends };
        self.send(dir, write::block(&fragment, around), steps);
    }

    /// Data goes on, at once where credit and order allow. `even`: both ends count alike, so that it needs nothing of us.
    pub(super) fn emit(&mut self, dir: Dir, id: u32, data: Data, even: bool, steps: &mut Vec<Step>) {
        let Some(number) = self.number_for(dir, id) else { return };
        let Http2 { streams, halves: [up, down], .. } = self;
        let half = if dir == Dir::ToServer { up } else { down };
        let Some(lane) = streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        let flow = i64::from(data.flow);
        let fits = even || flow <= lane.window.receiver.min(half.window.receiver);
        if lane.queue.is_empty() && fits && !data.frame.is_empty() {
            lane.window.receiver = lane.window.receiver.saturating_sub(flow);
            half.window.receiver = half.window.receiver.saturating_sub(flow);
            lane.done |= data.ends;
            let done = lane.done;
            self.send(dir, write::renumbered(data.frame, number), steps);
            if done {
                self.sweep(id);
            }
            return;
        }
        lane.window.queued = lane.window.queued.saturating_add(flow);
        half.window.queued = half.window.queued.saturating_add(flow);
        lane.queue.push_back(Item::Data(data));
        half.ready.insert(id);
        self.drain(dir, id, steps);
        self.sweep(id);
    }

    /// Sends what waits in a stream, as far as there is credit.
    pub(super) fn drain(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        while self.one(dir, id, steps) {}
    }

    /// Sends what waits in all streams, a piece of each in turn.
    pub(super) fn drain_all(&mut self, dir: Dir, steps: &mut Vec<Step>) {
        loop {
            let ids: Vec<u32> = self.half(dir).ready.iter().copied().collect();
            let mut moved = false;
            for id in ids {
                if self.one(dir, id, steps) {
                    moved = true;
                    self.sweep(id);
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Sends one piece. False: there is none, or no credit for it.
    fn one(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) -> bool {
        let Some(number) = self.number_for(dir, id) else { return false };
        let Http2 { streams, halves: [up, down], .. } = self;
        let (half, other) = if dir == Dir::ToServer { (up, down) } else { (down, up) };
        let Some(lane) = streams.get_mut(&id).map(|s| s.lane_mut(dir)).filter(|l| l.phase == Phase::Flow) else {
            half.ready.remove(&id);
            return false;
        };
        let less = other.proposed_less(half.first_window);
        let credit = lane.window.receiver.saturating_add(less).min(half.window.receiver).max(0);
        let (bytes, flow) = match lane.queue.front_mut() {
            None => {
                half.ready.remove(&id);
                return false;
            }
            Some(Item::Block(_) | Item::Reset(_)) => return self.one_more(dir, id, number, steps),
            Some(Item::Data(data)) => {
                let flow = i64::from(data.flow);
                let whole = (!data.frame.is_empty() || data.data.is_empty()) && flow <= credit;
                if whole || data.data.is_empty() {
                    let bytes = if !data.frame.is_empty() && whole {
                        write::renumbered(std::mem::take(&mut data.frame), number)
                    } else if data.ends {
                        write::data(number, &[], true)
                    } else {
                        Bytes::new()
                    };
                    lane.done |= data.ends;
                    lane.queue.pop_front();
                    lane.window.receiver = lane.window.receiver.saturating_sub(if whole { flow } else { 0 });
                    half.window.receiver = half.window.receiver.saturating_sub(if whole { flow } else { 0 });
                    (bytes, flow)
                } else {
                    let take = data.data.len().min(FIRST_MAX as usize).min(usize::try_from(credit).unwrap_or(0));
                    if take == 0 {
                        return false;
                    }
                    let last = take == data.data.len();
                    let bytes = write::data(number, data.data.get(..take).unwrap_or(&[]), last && data.ends);
                    data.data.advance(take);
                    data.frame = Bytes::new();
                    let sent = take as i64;
                    lane.window.receiver = lane.window.receiver.saturating_sub(sent);
                    half.window.receiver = half.window.receiver.saturating_sub(sent);
                    // Padding does not go on.
                    let gone = if last { flow } else { sent };
                    data.flow = data.flow.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX));
                    if last {
                        lane.done |= data.ends;
                        lane.queue.pop_front();
                    }
                    (bytes, gone)
                }
            }
        };
        lane.window.queued = lane.window.queued.saturating_sub(flow);
        half.window.queued = half.window.queued.saturating_sub(flow);
        self.owe(dir, id);
        self.send(dir, bytes, steps);
        true
    }

    /// Sends what needs no credit.
    fn one_more(&mut self, dir: Dir, id: u32, number: u32, steps: &mut Vec<Step>) -> bool {
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return false };
        match lane.queue.pop_front() {
            Some(Item::Block(block)) => {
                lane.done |= block.ends;
                self.send_block(dir, id, &block, steps);
                true
            }
            Some(Item::Reset(error)) => {
                self.send(dir, write::reset(number, error), steps);
                self.remove(id);
                false
            }
            _ => false,
        }
    }

    /// A stream is given up because of what was sent there.
    pub(super) fn give_up(&mut self, id: u32, error: u32, note: &'static Note, words: &str, steps: &mut Vec<Step>) {
        self.told(note, format!("stream {id}: {words}; it is given up with RST_STREAM"), steps);
        self.reset_both(id, error, steps);
    }

    /// A stream is given up at both ends.
    pub(super) fn reset_both(&mut self, id: u32, error: u32, steps: &mut Vec<Step>) {
        let at_server = self.streams.get(&id).map_or(0, |s| s.at_server);
        self.send(Dir::ToClient, write::reset(id, error), steps);
        self.half(Dir::ToServer).mute(id, false);
        if at_server != 0 {
            self.send(Dir::ToServer, write::reset(at_server, error), steps);
            self.half(Dir::ToClient).mute(at_server, false);
        }
        self.remove(id);
    }

    /// Forgets a stream on which both sides have ended and everything has gone on.
    pub(super) fn sweep(&mut self, id: u32) {
        if self.streams.get(&id).is_some_and(|s| s.lanes.iter().all(|l| l.ended && l.done && !l.is_busy())) {
            self.remove(id);
        }
    }

    /// Forgets a stream, and gives back what it took of memory and credit.
    pub(super) fn remove(&mut self, id: u32) {
        let Some(stream) = self.streams.remove(&id) else { return };
        if stream.at_server == 0 {
            // Its server never heard of it.
            let known = stream.lane(Dir::ToServer).ended;
            self.half(Dir::ToServer).mute(id, known);
        }
        self.numbers.remove(&stream.at_server);
        for (dir, lane) in Dir::BOTH.into_iter().zip(&stream.lanes) {
            let half = self.half(dir);
            half.kept = half.kept.saturating_sub(lane.kept);
            half.heads = half.heads.saturating_sub(lane.weight);
            half.window.queued = half.window.queued.saturating_sub(lane.window.queued);
            half.ready.remove(&id);
        }
    }
}
