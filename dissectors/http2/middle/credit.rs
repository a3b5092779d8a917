//! Flow control (RFC 9113 §5.2) where bodies wait, are changed or thrown away.
//!
//! Each window is counted twice: what its sender may send to us, and what we may send to its receiver. While frames go on as they come both
//! counts move together and the receiver's updates go on as they came. What the receiver allows beyond what the sender knows and what is queued
//! here is the sender's: that is how credit for bytes that never went on comes back. Bytes that wait for a judgement do not count against the connection, so
//! that one stream that is held leaves the others their credit.

use super::super::notes as n;
use super::super::streams::MOST_WINDOW;
use super::Http2;
use super::state::{Data, Item, Phase, Window};
use super::write;
use wirelore_kit::Dir;
use wirelore_kit::middle::Step;

/// A sender whose bytes we take ourselves is allowed more when it has less than this left.
const LOW: i64 = 32 << 10;
/// It then has so much.
const FULL: i64 = 64 << 10;
/// Less than this is not worth a frame, unless the sender has little left.
const WORTH: i64 = 16 << 10;

/// What a sender is given of what it is owed.
fn worth(window: &Window, owed: i64) -> i64 {
    if owed >= WORTH || window.sender < LOW { owed.min(MOST_WINDOW.saturating_sub(window.sender)) } else { 0 }
}

impl Http2 {
    /// The sender of a stream may be owed credit.
    pub(super) fn owe(&mut self, dir: Dir, id: u32) {
        self.owed.insert((dir == Dir::ToServer, id));
    }

    /// Data that waits for a judgement.
    pub(super) fn keep(&mut self, dir: Dir, id: u32, data: Data, steps: &mut Vec<Step>) {
        let Http2 { streams, halves: [up, down], .. } = self;
        let half = if dir == Dir::ToServer { up } else { down };
        let Some(lane) = streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        let flow = i64::from(data.flow);
        lane.kept = lane.kept.saturating_add(flow);
        half.kept = half.kept.saturating_add(flow);
        let (ended, phase, full) = (lane.ended, lane.phase, lane.bodiless);
        if let Some(way) = &mut lane.way {
            way.frames.push_back(data.clone());
            self.owe(dir, id);
            return self.into(dir, id, &data, steps);
        }
        match &mut lane.grpc {
            Some(grpc) => grpc.feed(data),
            None => lane.queue.push_back(Item::Data(data)),
        }
        self.owe(dir, id);
        match phase {
            Phase::Flow => self.pump(dir, id, steps),
            Phase::Keep if full => {
                self.told(&n::BODY_NOT_KEPT, "it goes on as it comes", steps);
                self.judge_head(dir, id, steps);
            }
            Phase::Keep if ended => self.judge_whole(dir, id, steps),
            _ => {}
        }
    }

    /// Gives senders what they are owed.
    pub(super) fn credit(&mut self, steps: &mut Vec<Step>) {
        for dir in Dir::BOTH {
            let window = &mut self.half(dir).window;
            let more = worth(window, window.excess());
            if more > 0 {
                window.sender = window.sender.saturating_add(more);
                self.send(dir.other(), write::window(0, u32::try_from(more).unwrap_or(0)), steps);
            }
        }
        while let Some((up, id)) = self.owed.pop_first() {
            self.credit_stream(if up { Dir::ToServer } else { Dir::ToClient }, id, steps);
        }
    }

    fn credit_stream(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        let Some(number) = self.number_for(dir.other(), id) else { return };
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let inside = stream.inside.as_ref().is_some_and(|i| i.wants_more(dir));
        let lane = stream.lane_mut(dir);
        if lane.ended {
            return;
        }
        let ours = lane.own
            || inside
            || matches!(lane.phase, Phase::Keep | Phase::Mute)
            || lane.phase == Phase::Flow && lane.grpc.as_ref().is_some_and(|g| g.wants_more());
        let excess = lane.window.excess().saturating_sub(lane.kept);
        let more = if ours && lane.window.sender < LOW { FULL.saturating_sub(lane.window.sender).max(excess) } else { excess };
        let more = worth(&lane.window, more);
        if more > 0 {
            lane.window.sender = lane.window.sender.saturating_add(more);
            self.send(dir.other(), write::window(number, u32::try_from(more).unwrap_or(0)), steps);
        }
    }
}
