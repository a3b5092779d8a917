//! What is known while standing in the middle of HTTP/2: of each direction, of each stream, of what waits to go out.

use super::super::frame;
use super::super::hpack::encode::{Encoder, Line};
use super::super::hpack::table::Table;
use super::super::streams::Settings;
use super::grpc::Grpc;
use super::inside::{Inside, Way};
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use wirelore_kit::held::Held;
use wirelore_kit::{Dir, End};

/// Windows begin with this (RFC 9113 §6.9.2).
const FIRST_WINDOW: i64 = 65_535;
/// So many streams are remembered on which nothing goes on any more.
const MOST_MUTED: usize = 4096;

/// A header block.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Its frames as they came, whole; nothing where we made it.
    pub frames: Bytes,
    /// The block without frames around it.
    pub fragment: Bytes,
    /// Dependency and weight (RFC 9113 §5.3.2), which are passed on.
    pub priority: Option<[u8; 5]>,
    /// Its sender sends nothing more on the stream.
    pub ends: bool,
    /// The stream that it promises; 0: none.
    pub promised: u32,
    /// Counts the blocks of its direction.
    pub number: u64,
    /// Counts the changes of the table's limit before it.
    pub era: u64,
    /// What it says.
    pub lines: Vec<Line>,
}

impl Block {
    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &[u8]) -> Option<&Bytes> {
        self.lines.iter().find(|l| *l.name == *name).map(|l| &l.value)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        let lines = self.lines.iter().map(|l| l.name.len().saturating_add(l.value.len()).saturating_add(size_of::<Line>()));
        lines.fold(size_of::<Block>(), usize::saturating_add).saturating_add(self.frames.len())
    }
}

/// A header block of which more is to come.
#[derive(Debug)]
pub struct Assembling {
    /// The stream that it is sent on.
    pub stream: u32,
    /// What is known of it.
    pub block: Block,
    /// Its frames.
    pub frames: Vec<u8>,
    /// The block.
    pub fragment: Vec<u8>,
    /// How many frames.
    pub count: usize,
}

/// What waits in a direction of a stream.
#[derive(Debug)]
pub enum Item {
    /// A header block.
    Block(Box<Block>),
    /// A part of a body.
    Data(Data),
    /// The stream is given up with this code.
    Reset(u32),
}

/// A part of a body.
#[derive(Debug, Clone)]
pub struct Data {
    /// Its frame as it came, whole; nothing where we made it, or a part of it has gone.
    pub frame: Bytes,
    /// What it carries, without padding.
    pub data: Bytes,
    /// So much it counts against windows: all of the payload (RFC 9113 §6.9.1).
    pub flow: u32,
    /// It ends the stream.
    pub ends: bool,
}

impl Data {
    /// Data of our own.
    #[must_use]
    pub fn made(data: Bytes, ends: bool) -> Data {
        let flow = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Data { frame: Bytes::new(), data, flow, ends }
    }
}

/// Credit of a connection or of a stream in one direction, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// What its sender may still send to us.
    pub sender: i64,
    /// What we may still send to its receiver.
    pub receiver: i64,
    /// What has come and goes on as soon as it may.
    pub queued: i64,
}

impl Window {
    /// One that begins with `first`.
    #[must_use]
    pub const fn new(first: i64) -> Window {
        Window { sender: first, receiver: first, queued: 0 }
    }

    /// Whether both ends count alike: what passes needs nothing of us.
    #[must_use]
    pub const fn is_even(&self) -> bool {
        self.sender == self.receiver && self.queued == 0
    }

    /// What the sender may be allowed beyond what it knows; negative: what was allowed ahead.
    #[must_use]
    pub const fn excess(&self) -> i64 {
        self.receiver.saturating_sub(self.queued).saturating_sub(self.sender)
    }
}

/// How far a message is in one direction of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its head has not come.
    Head,
    /// It is being judged; the number is the ticket.
    Judging(u64),
    /// Its body is kept to be judged.
    Keep,
    /// It goes on as it comes.
    Flow,
    /// What comes of it is thrown away.
    Mute,
}

/// One direction of a stream.
#[derive(Debug)]
pub struct Lane {
    /// How far its message is.
    pub phase: Phase,
    /// The head that is judged or waits for its body.
    pub head: Option<Box<Block>>,
    /// That head is of an answer before the answer.
    pub interim: bool,
    /// What has come behind that.
    pub behind_interim: VecDeque<Block>,
    /// Bytes of them, as they came.
    pub weight: usize,
    /// What waits to go out, or to be judged.
    pub queue: VecDeque<Item>,
    /// Flow-controlled bytes of `queue` that do not go on yet: a judgement is waited for.
    pub kept: i64,
    /// Credit.
    pub window: Window,
    /// Its sender has ended.
    pub ended: bool,
    /// Its end has gone on.
    pub done: bool,
    /// It is judged with its body.
    pub whole: bool,
    /// Its body cannot be had: it was asked for.
    pub bodiless: bool,
    /// The sender is we.
    pub own: bool,
    /// Of a body that is thrown away, and whose length was said: what is missing of it.
    pub left: Option<u64>,
    /// Messages of gRPC in it are judged one by one.
    pub grpc: Option<Box<Grpc>>,
    /// It carries another protocol whose messages are judged.
    pub way: Option<Box<Way>>,
}

impl Lane {
    /// One on which nothing was sent.
    #[must_use]
    pub fn new(first: i64) -> Lane {
        Lane {
            phase: Phase::Head,
            head: None,
            interim: false,
            behind_interim: VecDeque::new(),
            weight: 0,
            queue: VecDeque::new(),
            kept: 0,
            window: Window::new(first),
            ended: false,
            done: false,
            whole: false,
            bodiless: false,
            own: false,
            left: None,
            grpc: None,
            way: None,
        }
    }

    /// One on which nothing is sent.
    #[must_use]
    pub fn over() -> Lane {
        Lane { ended: true, done: true, phase: Phase::Flow, ..Lane::new(0) }
    }

    /// Something goes on behind all that waits.
    pub fn behind(&mut self, item: Item) {
        if let Some(way) = self.way.as_mut().filter(|w| w.is_busy()) {
            way.tail.push_back(item);
            return;
        }
        match self.grpc.as_mut().filter(|g| g.is_busy()) {
            Some(grpc) => grpc.tail.push_back(item),
            None => self.queue.push_back(item),
        }
    }

    /// Whether something of it still has to go on.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty()
            || matches!(self.phase, Phase::Judging(_) | Phase::Keep)
            || self.grpc.as_ref().is_some_and(|g| g.is_busy())
            || self.way.as_ref().is_some_and(|w| w.is_busy())
    }
}

/// A stream.
#[derive(Debug)]
pub struct Stream {
    /// Its number towards the server; 0: it was not opened there.
    pub at_server: u32,
    /// Counts the exchanges.
    pub exchange: u64,
    /// The address asked for.
    pub url: Option<Box<str>>,
    /// The answer has no body (HEAD).
    pub headless: bool,
    /// Both directions carry something else (CONNECT, RFC 8441).
    pub tunnel: bool,
    /// The protocol that it carries, where its messages are judged.
    pub inside: Option<Box<Inside>>,
    /// We have told the client to go on with its body.
    pub continued: bool,
    /// What the client sends, and the server.
    pub lanes: [Lane; 2],
}

impl Stream {
    /// One that is not open at the server.
    #[must_use]
    pub fn new(exchange: u64, lanes: [Lane; 2]) -> Stream {
        Stream { at_server: 0, exchange, url: None, headless: false, tunnel: false, inside: None, continued: false, lanes }
    }

    /// One direction.
    #[must_use]
    pub const fn lane(&self, dir: Dir) -> &Lane {
        let [up, down] = &self.lanes;
        match dir {
            Dir::ToServer => up,
            Dir::ToClient => down,
        }
    }

    /// One direction.
    pub const fn lane_mut(&mut self, dir: Dir) -> &mut Lane {
        let [up, down] = &mut self.lanes;
        match dir {
            Dir::ToServer => up,
            Dir::ToClient => down,
        }
    }
}

/// One direction of the connection.
#[derive(Debug)]
pub struct Half {
    /// Taken and not read.
    pub rest: Held,
    /// The client's preface has passed.
    pub greeted: bool,
    /// The first frame has passed.
    pub started: bool,
    /// Flow-controlled bytes that wait for judgements.
    pub kept: i64,
    /// Bytes of heads that do.
    pub heads: usize,
    /// What its sender's encoder has built up.
    pub table: Table,
    /// A header block that goes on.
    pub assembling: Option<Box<Assembling>>,
    /// Blocks that have come.
    pub blocks: u64,
    /// Changes of the table's limit.
    pub era: u64,
    /// Writes blocks to the receiver, once they do not go on as they come.
    pub encoder: Encoder,
    /// The block that is next to go on as it came; `None`: our encoder has taken over.
    pub mirror: Option<u64>,
    /// Payloads may be so long.
    pub max_frame: u32,
    /// New streams begin with this credit.
    pub first_window: i64,
    /// Credit of the connection.
    pub window: Window,
    /// Settings that the sender proposed and the receiver has not acknowledged.
    pub proposed: VecDeque<Settings>,
    /// What must wait for the first frame of the sender.
    pub early: Vec<Bytes>,
    /// The sender has ended.
    pub ended: Option<End>,
    /// The receiver was told so.
    pub finished: bool,
    /// Streams with something that may go out when there is credit.
    pub ready: BTreeSet<u32>,
    /// Streams of which nothing goes on, and whether their sender knows: what one that does not had already sent is thrown away.
    pub muted: VecDeque<(u32, bool)>,
    /// So many streams may be open that the receiver of this direction has to serve.
    pub most_streams: Option<u32>,
    /// Something was judged that may be judged at once: what follows waits for that.
    pub paused: bool,
    /// The sender said that it is going away, and up to which stream it answers.
    pub away: Option<u32>,
}

impl Half {
    /// A fresh one.
    #[must_use]
    pub fn new() -> Half {
        Half {
            rest: Held::default(),
            greeted: false,
            started: false,
            kept: 0,
            heads: 0,
            table: Table::new(false),
            assembling: None,
            blocks: 0,
            era: 0,
            encoder: Encoder::default(),
            mirror: Some(0),
            max_frame: frame::FIRST_MAX,
            first_window: FIRST_WINDOW,
            window: Window::new(FIRST_WINDOW),
            proposed: VecDeque::new(),
            early: Vec::new(),
            ended: None,
            finished: false,
            ready: BTreeSet::new(),
            muted: VecDeque::new(),
            most_streams: None,
            paused: false,
            away: None,
        }
    }

    /// What comes on that stream does not go on. `known`: its sender has ended it or given it up itself.
    pub fn mute(&mut self, stream: u32, known: bool) {
        if self.is_muted(stream).is_some() {
            return;
        }
        if self.muted.len() >= MOST_MUTED {
            self.muted.pop_front();
        }
        self.muted.push_back((stream, known));
    }

    /// Of a stream of which nothing goes on: whether its sender knows.
    #[must_use]
    pub fn is_muted(&self, stream: u32) -> Option<bool> {
        self.muted.iter().rev().find(|(s, _)| *s == stream).map(|(_, known)| *known)
    }

    /// What a receiver that has proposed settings, and waits for their acknowledgement, may already count on: so much less of a window.
    #[must_use]
    pub fn proposed_less(&self, first: i64) -> i64 {
        let proposed = self.proposed.iter().filter_map(|s| s.window);
        proposed.map(|w| i64::from(w).saturating_sub(first)).min().unwrap_or(0).min(0)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        let early = self.early.iter().map(Bytes::len).fold(0usize, usize::saturating_add);
        let block = self.assembling.as_ref().map_or(0, |a| a.frames.capacity().saturating_add(a.fragment.capacity()));
        [self.rest.len(), self.heads, self.table.weight(), self.encoder.weight(), early, block]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

impl Default for Half {
    fn default() -> Half {
        Half::new()
    }
}
