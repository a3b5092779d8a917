//! Another protocol in a stream (WebSocket over HTTP/2, RFC 8441): its own machine in the middle reads what DATA frames carry, so that its messages
//! are judged, held and changed as they are on a connection of their own.
//!
//! Frames whose bytes come out as they went in go on as they came, in two where one of their messages waits; from the first that does not,
//! the stream's frames are cut anew in that direction. What the client sends before the server has agreed waits for that.

use super::state::{Block, Data, Item, Lane, Stream};
use super::write::code;
use super::{Http2, message};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::{BTreeMap, VecDeque};
use wirelore_kit::middle::{Judgement, Middle, News, Place, Serve, Setting, Step, Transit};
use wirelore_kit::spec::reader_of;
use wirelore_kit::{Dir, End, Fact, Hint, Side};

/// The longest name of a protocol that is looked up.
const MOST_NAME: usize = 64;

/// One direction of a stream that carries another protocol.
#[derive(Debug, Default)]
pub struct Way {
    /// Frames that came and whose bytes have not all gone on.
    pub frames: VecDeque<Data>,
    /// What goes on of them.
    out: BytesMut,
    /// Bytes no longer come out as they went in: frames are cut anew.
    cut: bool,
    /// The machine has said that nothing more goes on.
    finished: bool,
    /// The end of the stream has gone on.
    closed: bool,
    /// What goes on behind all of it.
    pub tail: VecDeque<Item>,
}

impl Way {
    /// Whether something waits in it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.frames.is_empty() || !self.out.is_empty() || !self.tail.is_empty()
    }

    /// The first frame, if it goes on as it came now.
    fn whole(&mut self) -> Option<Data> {
        let first = self.frames.front()?;
        let n = first.data.len();
        let same = !self.cut && self.out.get(..n) == Some(&*first.data);
        if !same || first.ends && !(self.finished && self.out.len() == n) {
            return None;
        }
        self.out.advance(n);
        self.closed |= first.ends;
        self.frames.pop_front()
    }

    /// The beginning of the first frame, if that is all that goes on now.
    fn part(&mut self) -> Option<Data> {
        let first = self.frames.front_mut()?;
        let bytes = self.out.split().freeze();
        first.data.advance(bytes.len());
        let made = Data::made(bytes, false);
        (first.frame, first.flow) = (Bytes::new(), first.flow.saturating_sub(made.flow));
        Some(made)
    }

    /// Whether what goes on is the beginning of the first frame.
    fn is_part(&self) -> bool {
        !self.cut
            && self.frames.front().is_some_and(|f| f.data.starts_with(&self.out) && (f.data.len() > self.out.len() || f.ends))
    }
}

/// The protocol in a stream.
pub struct Inside {
    name: &'static str,
    serve: Serve,
    /// What both sides said of it.
    facts: Vec<Fact>,
    /// `None`: the server has not agreed yet.
    middle: Option<Box<dyn Middle>>,
    /// Its tickets by ours.
    asked: BTreeMap<u64, u64>,
}

impl std::fmt::Debug for Inside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inside({})", self.name)
    }
}

impl Inside {
    /// Whether it waits for more of a direction, so that its sender must be allowed to send.
    pub fn wants_more(&self, dir: Dir) -> bool {
        self.middle.as_ref().is_some_and(|m| !m.holds(dir))
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.middle.as_ref().map_or(0, |m| m.weight())
    }
}

/// What a side says of a protocol inside: the same as its reader is told.
fn facts(head: &Block, from: Side) -> impl Iterator<Item = Fact> {
    let tells = |name: &[u8]| name.starts_with(b"sec-websocket-") || name == b":path";
    head.lines.iter().filter(move |l| tells(&l.name)).map(move |l| Fact {
        from,
        name: String::from_utf8_lossy(&l.name).into(),
        value: l.value[..].into(),
    })
}

impl Http2 {
    /// A request that opens a tunnel goes on: what it will carry, if one of our protocols.
    pub(super) fn tunnels(&self, head: &Block) -> Option<Inside> {
        let name = std::str::from_utf8(head.value(b":protocol")?).ok().filter(|n| n.len() <= MOST_NAME)?;
        let table = self.within.table;
        let spec = table.get(reader_of(table, &Hint::upgrade(&name.to_ascii_lowercase(), Vec::new()))?)?;
        let facts = facts(head, Side::Client).collect();
        Some(Inside { name: spec.name, serve: spec.middle?, facts, middle: None, asked: BTreeMap::new() })
    }

    /// The answer to such a request goes on: the protocol inside begins, or does not.
    pub(super) fn agreed(&mut self, id: u32, head: &Block, steps: &mut Vec<Step>) {
        let within = self.within.clone();
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let own = stream.lane(Dir::ToClient).own;
        let Some(inside) = stream.inside.as_mut().filter(|i| i.middle.is_none()) else { return };
        if own || !matches!(message::status(head), Some(200..=299)) || head.ends {
            return self.leave(id, steps);
        }
        let mut facts = std::mem::take(&mut inside.facts);
        facts.extend(self::facts(head, Side::Server));
        let mut start = within.start;
        (start.hint, start.inside) = (Hint::upgrade(inside.name, facts), Some(message::NAME));
        let setting = Setting { start, place: Place::Between, judge: true, away: None, auth: None, ..within };
        inside.middle = Some((inside.serve.new)(&setting));
        let [up, down] = &mut stream.lanes;
        down.way = Some(Box::default());
        // What the client did not wait to send.
        let early: Vec<Data> = up.way.iter().flat_map(|w| w.frames.iter().cloned()).collect();
        for data in early {
            self.into(Dir::ToServer, id, &data, steps);
        }
    }

    /// Hands bytes over to the protocol inside.
    pub(super) fn into(&mut self, dir: Dir, id: u32, data: &Data, steps: &mut Vec<Step>) {
        let inside = self.streams.get_mut(&id).and_then(|s| s.inside.as_mut());
        let Some(middle) = inside.and_then(|i| i.middle.as_mut()) else { return };
        let mut all = Vec::new();
        if !data.data.is_empty() {
            middle.push(dir, data.data.clone(), &mut all);
        }
        if data.ends {
            middle.end(dir, End::Fin, &mut all);
        }
        self.does(id, all, steps);
    }

    /// Nothing more comes in that direction.
    pub(super) fn ends(&mut self, dir: Dir, id: u32, steps: &mut Vec<Step>) {
        self.into(dir, id, &Data::made(Bytes::new(), true), steps);
    }

    /// A message inside was judged.
    pub(super) fn judged_within(&mut self, id: u32, ticket: u64, judgement: Judgement, steps: &mut Vec<Step>) {
        if judgement == Judgement::Reset {
            return self.close(steps);
        }
        let Some(inside) = self.streams.get_mut(&id).and_then(|s| s.inside.as_mut()) else { return };
        let (Some(ticket), Some(middle)) = (inside.asked.remove(&ticket), inside.middle.as_mut()) else { return };
        let mut all = Vec::new();
        middle.tell(News::Judged { ticket, judgement }, &mut all);
        self.does(id, all, steps);
    }

    /// Puts a message of our own into the protocol inside.
    pub(super) fn inject_within(&mut self, id: u32, mut own: Transit, steps: &mut Vec<Step>) -> Result<(), String> {
        let inside = self.streams.get_mut(&id).and_then(|s| s.inside.as_mut());
        let Some((name, middle)) = inside.and_then(|i| Some((i.name, i.middle.as_mut()?))) else {
            return Err("the server has not agreed to that stream's protocol yet: try again when it has".into());
        };
        own.proto = name;
        let mut all = Vec::new();
        middle.inject(own, &mut all)?;
        self.does(id, all, steps);
        Ok(())
    }

    /// Does what the protocol inside says.
    fn does(&mut self, id: u32, all: Vec<Step>, steps: &mut Vec<Step>) {
        let (mut over, mut unread) = (false, false);
        for step in all {
            match step {
                Step::Send { dir, bytes } => {
                    if let Some(way) = self.way(dir, id) {
                        way.out.extend_from_slice(&bytes);
                    }
                }
                Step::Finish { dir } => {
                    if let Some(way) = self.way(dir, id) {
                        way.finished = true;
                    }
                }
                Step::Judge { ticket, mut message } => {
                    let Some(stream) = self.streams.get(&id) else { return };
                    // The stream is what others can name it by.
                    message.exchange = stream.exchange;
                    message.url = message.url.or_else(|| stream.url.as_deref().map(str::to_owned));
                    let ours = self.ask(message.dir, id, true, *message, steps);
                    if let Some(inside) = self.streams.get_mut(&id).and_then(|s| s.inside.as_mut()) {
                        inside.asked.insert(ours, ticket);
                    }
                }
                Step::Told { note, words } => self.told(note, format!("stream {id}: {words}"), steps),
                Step::Close | Step::Break => over = true,
                Step::Becomes { rest, .. } | Step::Opaque { rest } => {
                    unread = true;
                    for (dir, bytes) in Dir::BOTH.into_iter().zip(rest) {
                        if let Some(way) = self.way(dir, id) {
                            way.out.extend_from_slice(&bytes);
                        }
                    }
                }
                // Its server stands at the end of the stream, and nothing in one opens connections.
                Step::Route(_) | Step::Tunnel(_) | Step::Expect(_) => {}
            }
        }
        for dir in Dir::BOTH {
            self.flush_way(dir, id, false, steps);
        }
        if over {
            Dir::BOTH.into_iter().for_each(|dir| self.flush_way(dir, id, true, steps));
            self.reset_both(id, code::CANCEL, steps);
        } else if unread {
            self.leave(id, steps);
        }
    }

    fn way(&mut self, dir: Dir, id: u32) -> Option<&mut Way> {
        self.streams.get_mut(&id)?.lane_mut(dir).way.as_deref_mut()
    }

    /// Sends what came out of the protocol inside. `all`: also the beginning of a frame whose rest waits.
    pub(super) fn flush_way(&mut self, dir: Dir, id: u32, all: bool, steps: &mut Vec<Step>) {
        while let Some(data) = self.way(dir, id).and_then(Way::whole) {
            self.lighter(dir, id, i64::from(data.flow));
            self.emit(dir, id, data, false, steps);
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let wants_more = stream.inside.as_ref().is_none_or(|i| i.wants_more(dir));
        let lane = stream.lane_mut(dir);
        let ended = lane.ended;
        let Some(way) = lane.way.as_deref_mut() else { return };
        let ends = way.finished && ended && !way.closed && way.tail.is_empty();
        if !ends && way.is_part() {
            if !way.out.is_empty()
                && all
                && let Some(data) = way.part()
            {
                self.lighter(dir, id, i64::from(data.flow));
                self.emit(dir, id, data, false, steps);
            } else if !way.out.is_empty() {
                self.partly.insert((dir == Dir::ToServer, id));
            }
        } else if ends || way.cut || !way.out.is_empty() {
            (way.cut, way.closed) = (true, way.closed || ends);
            let bytes = way.out.split().freeze();
            if wants_more || way.finished {
                way.frames.clear();
                let kept = lane.kept;
                self.lighter(dir, id, kept);
            }
            if !bytes.is_empty() || ends {
                self.emit(dir, id, Data::made(bytes, ends), false, steps);
            }
        }
        let behind = self.way(dir, id).filter(|w| w.frames.is_empty() && w.out.is_empty());
        let tail = behind.map(|w| std::mem::take(&mut w.tail)).unwrap_or_default();
        if !tail.is_empty() {
            self.then(dir, id, tail, steps);
        }
        self.owe(dir, id);
        self.sweep(id);
    }

    /// What stood behind it all goes on.
    fn then(&mut self, dir: Dir, id: u32, tail: VecDeque<Item>, steps: &mut Vec<Step>) {
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        lane.queue.extend(tail);
        self.half(dir).ready.insert(id);
        self.drain(dir, id, steps);
    }

    /// So much less waits.
    fn lighter(&mut self, dir: Dir, id: u32, by: i64) {
        let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
        lane.kept = lane.kept.saturating_sub(by);
        let half = self.half(dir);
        half.kept = half.kept.saturating_sub(by);
    }

    /// From here on the stream goes on as it comes.
    fn leave(&mut self, id: u32, steps: &mut Vec<Step>) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let begun = stream.inside.take().is_some_and(|i| i.middle.is_some());
        for dir in Dir::BOTH {
            let Some(lane) = self.streams.get_mut(&id).map(|s| s.lane_mut(dir)) else { return };
            let Some(Way { frames, out, cut, tail, .. }) = lane.way.take().map(|w| *w) else { continue };
            let kept = lane.kept;
            self.lighter(dir, id, kept);
            let came = message::joined(frames.iter().map(|f| &f.data));
            if !begun || !cut && out == came {
                for data in frames {
                    self.emit(dir, id, data, false, steps);
                }
            } else {
                let ends = frames.iter().any(|f| f.ends);
                if !out.is_empty() || ends {
                    self.emit(dir, id, Data::made(out.freeze(), ends), false, steps);
                }
            }
            self.then(dir, id, tail, steps);
        }
    }
}

impl Stream {
    /// Whether messages of `dir` are read one by one, so that one of our own can stand between them.
    #[must_use]
    pub fn takes(&self, dir: Dir) -> bool {
        let lane: &Lane = self.lane(dir);
        !lane.ended && !lane.done && !lane.own && (lane.grpc.is_some() || self.inside.is_some())
    }
}
