//! HTTP/2 in the middle: every stream's messages can be judged, held and changed, each for itself, while others go on.
//!
//! As long as nothing is changed and nothing is overtaken, frames go on as they came, header blocks and all. Header compression has a memory,
//! so from the first block of a direction that does not go on as it came, or not in its turn, an encoder of ours writes all blocks of that direction,
//! beginning with the table that the receiver then holds. Credit (RFC 9113 §5.2) passes from end to end; where bodies are kept, changed or
//! thrown away, each end is allowed what the other's credit and our memory permit. A request that waited while later ones went on gets a higher stream
//! number at the server; from there on numbers are translated.
//!
//! What cannot be read ends the connection with GOAWAY and a word about the cause. Messages that break rules inside their streams are the receiver's to judge.

mod credit;
mod frames;
mod grpc;
mod heads;
mod inside;
mod judge;
mod message;
mod own;
mod send;
mod state;
#[cfg(test)]
mod trials;
#[cfg(test)]
mod trials_inside;
mod write;

use super::frames::upgrade_settings;
use super::hpack::Scratch;
use super::notes as n;
use bytes::Bytes;
use state::{Half, Lane, Stream};
use std::collections::{BTreeMap, BTreeSet};
use wirelore_kit::middle::{Middle, News, Serve, Setting, Step, Transit};
use wirelore_kit::{Dir, End, Hint, Note, Side};
use write::code;

/// How HTTP/2 stands in the middle: between a client and its one server.
pub static SERVE: Serve = Serve { forward: false, reopened: true, new };

/// A body that is to be judged is kept up to here, bytes; a longer one streams and cannot be edited.
pub const MOST_KEPT: usize = 16 << 20;
/// When bodies of a direction that wait take more than this, no more is read there.
const MOST_STORED: i64 = 48 << 20;
/// The same of heads.
const MOST_HEADS: usize = 8 << 20;

/// The state machine.
struct Http2 {
    judge: bool,
    /// No server is there: we are it.
    alone: bool,
    /// What breaks rules is answered as well.
    lax: bool,
    /// Bytes of a body that is to be judged that are kept at most.
    keep: usize,
    /// What the client sends, and the server.
    halves: [Half; 2],
    /// Streams on which something may still go on, by the client's number.
    streams: BTreeMap<u32, Stream>,
    /// The client's numbers of streams that have others at the server.
    numbers: BTreeMap<u32, u32>,
    /// Numbers at the server are, or were, not those of the client.
    renumbered: bool,
    /// The highest number that the client has opened, that was opened at the server, that the server has promised.
    highest: [u32; 3],
    exchanges: u64,
    tickets: u64,
    /// What is being judged: direction and stream, and whether it is a message inside the body.
    asked: BTreeMap<u64, (Dir, u32, bool)>,
    /// Streams whose senders may be owed credit.
    owed: BTreeSet<(bool, u32)>,
    /// Of what waits in the middle of a frame that a stream carries: direction and stream.
    partly: BTreeSet<(bool, u32)>,
    /// How protocols that streams carry stand here.
    within: Setting,
    scratch: Scratch,
    over: bool,
}

fn new(setting: &Setting) -> Box<dyn Middle> {
    let mut h = Http2 {
        judge: setting.judge,
        alone: setting.away.is_some(),
        lax: setting.lax,
        keep: setting.keep,
        halves: [Half::new(), Half::new()],
        streams: BTreeMap::new(),
        numbers: BTreeMap::new(),
        renumbered: false,
        highest: [0; 3],
        exchanges: 0,
        tickets: 0,
        asked: BTreeMap::new(),
        owed: BTreeSet::new(),
        partly: BTreeSet::new(),
        within: setting.clone(),
        scratch: Scratch::default(),
        over: false,
    };
    let hint = &setting.start.hint;
    if matches!(hint, Hint::Upgrade(t) if &*t.name == "h2c") {
        // The request came as HTTP/1.1; its answer comes on stream 1 (RFC 7540 §3.2).
        if let Some(text) = hint.fact(Side::Client, "http2-settings") {
            h.apply(Dir::ToClient, upgrade_settings(text));
        }
        let down = Lane::new(h.half(Dir::ToClient).first_window);
        h.streams.insert(1, Stream { at_server: 1, ..Stream::new(0, [Lane::over(), down]) });
        h.highest = [1, 1, 0];
        h.exchanges = 1;
    }
    Box::new(h)
}

impl Http2 {
    const fn half(&mut self, dir: Dir) -> &mut Half {
        let [up, down] = &mut self.halves;
        match dir {
            Dir::ToServer => up,
            Dir::ToClient => down,
        }
    }

    fn told(&self, note: &'static Note, words: impl Into<String>, steps: &mut Vec<Step>) {
        if !self.over {
            steps.push(Step::Told { note, words: words.into() });
        }
    }

    /// The connection cannot go on because of what was sent in `dir`: both ends are told, and that is the end.
    fn fail(&mut self, dir: Dir, error: u32, note: &'static Note, words: &str, steps: &mut Vec<Step>) {
        if self.over {
            return;
        }
        self.told(note, format!("the connection is ended: {words}"), steps);
        self.greet(steps);
        let [opened, at_server, promised] = self.highest;
        let cause = format!("{} ({})", note.label, note.rfc);
        for to in Dir::BOTH {
            let (last, error) = match (to == dir.other(), to) {
                (true, Dir::ToClient) => (opened, error),
                (true, Dir::ToServer) => (promised, error),
                // Who did nothing wrong learns that the other is gone.
                (false, Dir::ToClient) => (opened, code::INTERNAL_ERROR),
                (false, Dir::ToServer) => (promised.min(at_server), code::NO_ERROR),
            };
            self.send(to, write::go_away(last, error, cause.as_bytes()), steps);
        }
        self.close(steps);
    }

    /// Where no server does it, we say its first words: SETTINGS without any (RFC 9113 §3.4).
    fn greet(&mut self, steps: &mut Vec<Step>) {
        if self.alone && !std::mem::replace(&mut self.half(Dir::ToClient).started, true) {
            self.send(Dir::ToClient, write::settings(false), steps);
        }
    }

    fn close(&mut self, steps: &mut Vec<Step>) {
        if !std::mem::replace(&mut self.over, true) {
            steps.push(Step::Close);
            self.streams.clear();
            self.asked.clear();
        }
    }

    /// Reads what is there of a direction, until something must be judged first.
    fn run(&mut self, dir: Dir, steps: &mut Vec<Step>) {
        while !self.over && !self.half(dir).paused && self.frame(dir, steps) {}
    }

    /// Does what follows when everything at hand was read: credit is given, ends are passed on.
    fn settle(&mut self, steps: &mut Vec<Step>) {
        if self.over {
            return;
        }
        self.credit(steps);
        for dir in Dir::BOTH {
            self.end_of(dir, steps);
        }
    }

    /// Passes an end on when nothing waits before it.
    fn end_of(&mut self, dir: Dir, steps: &mut Vec<Step>) {
        let half = self.half(dir);
        if half.ended.is_none() || half.finished || half.paused {
            return;
        }
        if self.streams.values().any(|s| s.lane(dir).is_busy()) {
            return;
        }
        self.half(dir).finished = true;
        steps.push(Step::Finish { dir });
    }
}

impl Middle for Http2 {
    fn push(&mut self, dir: Dir, bytes: Bytes, steps: &mut Vec<Step>) {
        if self.over {
            return;
        }
        self.greet(steps);
        let half = self.half(dir);
        half.rest.push(bytes);
        // Whatever was judged at once has been told by now.
        half.paused = false;
        self.run(dir, steps);
        self.settle(steps);
    }

    fn end(&mut self, dir: Dir, how: End, steps: &mut Vec<Step>) {
        if self.over {
            return;
        }
        self.half(dir).ended = Some(how);
        let due = self.streams.values().filter(|s| s.at_server != 0 && !s.lane(dir).ended).count();
        if dir == Dir::ToClient && due > 0 {
            let how = if how == End::Fin { "closed" } else { "broke off" };
            self.told(&n::STREAMS_OPEN, format!("the server {how}, and {due} answers are not there or not whole"), steps);
        }
        if how != End::Fin {
            return self.close(steps);
        }
        self.half(dir).paused = false;
        self.run(dir, steps);
        self.cut_short(dir, steps);
        self.settle(steps);
    }

    fn tell(&mut self, news: News, steps: &mut Vec<Step>) {
        if self.over {
            return;
        }
        if let News::Judged { ticket, judgement } = news
            && let Some((dir, stream, inside)) = self.asked.remove(&ticket)
        {
            if self.streams.get(&stream).is_some_and(|s| s.inside.is_some()) && inside {
                self.judged_within(stream, ticket, judgement, steps);
            } else if inside {
                self.judged_inside(dir, stream, ticket, judgement, steps);
            } else {
                self.judged(dir, stream, ticket, judgement, steps);
            }
            self.half(dir).paused = false;
            self.run(dir, steps);
        }
        self.settle(steps);
    }

    fn inject(&mut self, own: Transit, steps: &mut Vec<Step>) -> Result<(), String> {
        self.put_in(own, steps)?;
        self.settle(steps);
        Ok(())
    }

    fn idle(&mut self, steps: &mut Vec<Step>) {
        // What was judged goes on although the rest of its frame is held.
        while let Some((up, id)) = self.partly.pop_first() {
            self.flush_way(if up { Dir::ToServer } else { Dir::ToClient }, id, true, steps);
            self.settle(steps);
        }
        for dir in Dir::BOTH {
            if std::mem::take(&mut self.half(dir).paused) {
                self.run(dir, steps);
                self.settle(steps);
            }
        }
    }

    fn holds(&self, dir: Dir) -> bool {
        let [up, down] = &self.halves;
        let half = if dir == Dir::ToServer { up } else { down };
        half.kept.saturating_add(half.window.queued) > MOST_STORED || half.heads > MOST_HEADS
    }

    fn weight(&self) -> usize {
        let [up, down] = &self.halves;
        let stored = |h: &Half| usize::try_from(h.kept.saturating_add(h.window.queued)).unwrap_or(0).saturating_add(h.weight());
        // Heads and the like are small beside what they are kept for.
        let each = size_of::<Stream>().saturating_add(1024);
        let inside = self.streams.values().filter_map(|s| s.inside.as_ref()).map(|i| i.weight()).fold(0, usize::saturating_add);
        inside.saturating_add(self.streams.len().saturating_mul(each)).saturating_add(stored(up)).saturating_add(stored(down))
    }
}
