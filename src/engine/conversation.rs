//! A conversation: a pure state machine that reads the two streams of a flow with dissectors and tells what it finds.
//!
//! It owns the unread bytes. Who reads next: the direction whose next unread byte arrived first. A read that stops short is rolled back
//! and made again when more bytes are there; so dissectors read as if all bytes were there.

mod decide;
mod end;
mod half;
mod inside;
mod read;
mod tell;
mod within;

use crate::announce::Bound;
use half::{Arrivals, Half};
pub use inside::FIRST_CONTENT;
use inside::{Insides, Numbering};
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wirelore_kit::note::{self, About, Note, Noted, Severity};
use wirelore_kit::row::{Evidence, MessageState};
use wirelore_kit::{
    AfterGap, BufId, Chunk, ConvId, Dir, Dissector, End, Expect, Hint, How, Level, Memo, More, Op, Ops, Out, Reader, SecretId,
    Secrets, Side, Sink, Span, Spec, Start, State, Stop, Transport, Turn, UNKNOWN,
};
use within::Within;

/// A direction keeps at most so many unread bytes; a message that needs more is not waited for.
pub const MOST_UNREAD: usize = 4 << 20;
/// These may have come in so many packets.
const MOST_RUNS: usize = 1 << 16;
/// Conversations nest at most so deep.
pub const MOST_DEPTH: u8 = 8;
/// At most so many conversations live inside one at a time.
pub const MOST_INNER: usize = 1 << 14;
/// At most so many questions wait for their answers.
const MOST_PENDING: usize = 4096;
/// So many datagrams of a flow are looked at before it is taken for something that we do not read.
const MOST_TRIES: u8 = 32;

/// A dissector did what it must never do; the conversation is left alone from there.
pub static FAULT: Note =
    Note::new("data.note.fault", "Reading failed by a fault of this program; the bytes are kept", Severity::Error, About::Limit);

/// A stream inside a message is not read, because of a bound.
pub static INNER_LIMIT: Note = Note::new(
    "data.note.inner_limit",
    "A stream inside this message is not read: too many are open at once, or they nest too deep",
    Severity::Warn,
    About::Limit,
);

/// Which packet brought bytes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrival {
    /// Its number, from 0.
    pub number: u32,
    /// Nanoseconds since the epoch.
    pub time: i64,
}

impl Arrival {
    /// Whichever of the two came later.
    const fn later(self, other: Arrival) -> Arrival {
        if other.number > self.number { other } else { self }
    }
}

/// What a conversation needs to know of the world while it works.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// The table of protocols.
    pub table: &'static [&'static Spec],
    /// How much to leave behind.
    pub level: Level,
    /// Keys that were given.
    pub secrets: &'c dyn Secrets,
}

/// A message as it is told: when it opens, when something is added, when it closes.
pub struct Message<'m> {
    /// Its conversation.
    pub conv: ConvId,
    /// Its protocol.
    pub spec: &'static Spec,
    /// Its direction.
    pub dir: Dir,
    /// Offset of its first byte in the stream of that direction: with `conv` and `dir` this names it.
    pub at: u64,
    /// Bytes of it so far, holes included.
    pub len: u64,
    /// The packet of its first byte.
    pub first: Arrival,
    /// The packet of the last byte so far.
    pub done: Arrival,
    /// Open, or how it ended.
    pub state: MessageState,
    /// Its one line, if this call says one.
    pub summary: Option<&'m str>,
    /// Fields, cells and notes; at [`Level::Tree`] the nodes of the whole message so far.
    pub sink: &'m Sink,
    /// Cells of `sink` before this one were told already.
    pub new_cells: usize,
    /// Notes of `sink` before this one were told already.
    pub new_notes: usize,
    /// The exchange that it belongs to, by the number that [`Listen::exchange`] gave.
    pub exchange: Option<u32>,
    /// Whether it asks (true) or answers (false) in that exchange.
    pub asks: bool,
    /// Of an answer: others follow.
    pub more: bool,
}

/// Bytes of a stream inside a message.
pub struct InnerBytes<'m> {
    /// The conversation that they are inside of.
    pub conv: ConvId,
    /// What that speaks.
    pub spec: &'static Spec,
    /// The message: its direction and offset.
    pub message: (Dir, u64),
    /// The dissector's key of the inner stream and its direction.
    pub key: (u64, Dir),
    /// The bytes.
    pub bytes: &'m [u8],
    /// What they were made from.
    pub from: Span,
    /// How.
    pub how: How,
    /// What they are.
    pub hint: &'m Hint,
    /// The conversation that reads them, if one does, and the offset of these bytes in its stream.
    pub read_by: Option<(ConvId, u64)>,
}

/// Who listens to a conversation. Every method does nothing unless given.
pub trait Listen {
    /// What the conversation speaks is known (again).
    fn identified(&mut self, conv: ConvId, spec: &'static Spec, evidence: Evidence, flipped: bool) {
        let _ = (conv, spec, evidence, flipped);
    }
    /// A message opened; it may be whole already.
    fn opened(&mut self, m: &Message<'_>) {
        let _ = m;
    }
    /// An open message grew or ended. Growing alone is told only when something besides bytes was added.
    fn changed(&mut self, m: &Message<'_>) {
        let _ = m;
    }
    /// A message of a conversation that reads the content of message `of`: opened or changed. Only at [`Level::Tree`].
    fn content(&mut self, of: (ConvId, Dir, u64), m: &Message<'_>) {
        let _ = (of, m);
    }
    /// A conversation inside `outer` begins, with the bytes that message tells of.
    fn inside(&mut self, conv: ConvId, outer: ConvId, message: (Dir, u64), hint: &Hint) {
        let _ = (conv, outer, message, hint);
    }
    /// A number for a new exchange.
    fn exchange(&mut self) -> u32 {
        0
    }
    /// A side's state.
    fn state(&mut self, conv: ConvId, message: (Dir, u64), side: Side, state: &'static State) {
        let _ = (conv, message, side, state);
    }
    /// Body bytes; only from [`Level::Bodies`] on.
    fn inner(&mut self, bytes: &InnerBytes<'_>) {
        let _ = bytes;
    }
    /// An inner direction ended.
    fn inner_end(&mut self, conv: ConvId, message: (Dir, u64), key: (u64, Dir), how: End) {
        let _ = (conv, message, key, how);
    }
    /// A flow to come.
    fn expect(&mut self, conv: ConvId, message: (Dir, u64), of: &Start, e: &Expect) {
        let _ = (conv, message, of, e);
    }
    /// What a flow announced with `key` is for.
    fn about(&mut self, conv: ConvId, message: (Dir, u64), key: u64, what: &str) {
        let _ = (conv, message, key, what);
    }
    /// The message belongs to the flow announced with `key`.
    fn concerns(&mut self, conv: ConvId, message: (Dir, u64), key: u64) {
        let _ = (conv, message, key);
    }
    /// A secret was missing.
    fn wants(&mut self, conv: ConvId, id: &SecretId) {
        let _ = (conv, id);
    }
}

/// Memory that conversations share while they work; one for each thread.
#[derive(Default)]
pub struct Scratch {
    ops: Ops,
    /// Lists of the conversations further inside, while they are not being read.
    lower: Vec<Ops>,
    sink: Sink,
    spare: Vec<Sink>,
    /// Numbers of the flow at hand.
    numbers: Numbering,
}

impl Scratch {
    /// For who does not listen to states: they are not even noted.
    #[must_use]
    pub fn without_states() -> Scratch {
        Scratch { ops: Ops::without_states(), ..Scratch::default() }
    }

    /// For who wants a few fields only, at [`Level::Tree`].
    #[must_use]
    pub fn keeping(keep: std::sync::Arc<wirelore_kit::Keep>) -> Scratch {
        Scratch { sink: Sink::keeping(keep), ..Scratch::default() }
    }

    /// An empty sink like the one at hand.
    fn spare_sink(&mut self) -> Sink {
        self.spare.pop().unwrap_or_else(|| self.sink.another())
    }

    /// Puts what a read said aside, so that conversations inside can be read meanwhile.
    fn aside(&mut self) -> Ops {
        let lower = self.lower.pop().unwrap_or_else(|| self.ops.another());
        std::mem::replace(&mut self.ops, lower)
    }

    /// Takes it up again.
    fn back(&mut self, ops: Ops) {
        self.lower.push(std::mem::replace(&mut self.ops, ops));
    }
}

struct OpenMessage {
    at: u64,
    first: Arrival,
    done: Arrival,
    sink: Sink,
    told_cells: usize,
    told_notes: usize,
    exchange: Option<(u32, bool, bool)>,
    /// Bytes that are no message, gathered until one begins again.
    lost: bool,
}

impl OpenMessage {
    fn rows(&self) -> OpenMessage {
        OpenMessage { sink: self.sink.rows(), ..*self }
    }
}

enum Mode {
    /// What it speaks is not known yet.
    Open,
    /// A dissector reads.
    Reads(Box<dyn Dissector>),
    /// Nobody reads it.
    Left,
}

/// The state machine.
pub struct Conversation {
    id: ConvId,
    start: Start,
    spec: Option<&'static Spec>,
    evidence: Evidence,
    mode: Mode,
    flipped: bool,
    roles_open: bool,
    confirmed: bool,
    depth: u8,
    tries: u8,
    not: u128,
    user: Option<&'static str>,
    halves: [Half; 2],
    pending: SmallVec<[(u64, u32); 2]>,
    inside: Insides,
    /// Of a flow's own conversation: the numbers given inside of it.
    numbers: Numbering,
    /// The message whose content it reads; its own messages are no rows then.
    content: Option<Box<(ConvId, Dir, u64)>>,
    twin: Option<Twin>,
    within: Within,
}

/// A conversation whose contents are read elsewhere: what only carries (TLS) is read until it begins to.
#[derive(Debug, Clone, Copy)]
struct Twin {
    /// Names of the protocols that carry.
    carriers: &'static [&'static str],
    /// Something was carried.
    begun: bool,
}

impl Conversation {
    /// A conversation that begins. `roles_open`: nobody knows yet which end is the client.
    #[must_use]
    pub fn new(id: ConvId, start: Start, roles_open: bool) -> Conversation {
        Conversation {
            id,
            start,
            spec: None,
            evidence: Evidence::None,
            mode: Mode::Open,
            flipped: false,
            roles_open,
            confirmed: false,
            depth: 0,
            tries: 0,
            not: 0,
            user: None,
            halves: [Half::default(), Half::default()],
            pending: SmallVec::new(),
            inside: Insides::default(),
            numbers: Numbering::default(),
            content: None,
            twin: None,
            within: Within::default(),
        }
    }

    /// Tells that what it carries is read elsewhere: it is read itself only as long as it speaks one of `carriers` (names of Specs) and
    /// carries nothing yet. What it speaks is told all the same.
    pub fn twin(&mut self, carriers: &'static [&'static str]) {
        self.twin = Some(Twin { carriers, begun: false });
    }

    /// Leaves a twin as soon as what comes next is read elsewhere. Whether it did.
    fn leaves_to_twin<L: Listen + ?Sized>(&mut self, to: &mut L) -> bool {
        let Some(twin) = self.twin else { return false };
        let carries = self.spec.is_some_and(|s| twin.carriers.contains(&s.name));
        if carries && (!twin.begun || self.halves.iter().any(|h| h.open.is_some())) {
            return false;
        }
        self.confirm(to);
        self.leave();
        true
    }

    /// Tells whether the first end is the server: then way 0 is from it.
    pub const fn turned(&mut self, turned: bool) {
        self.flipped = turned;
    }

    /// Tells that it was announced, before its first byte comes.
    pub fn announced(&mut self, b: &Bound) {
        if matches!(self.mode, Mode::Open) {
            self.start.hint = b.hint.clone();
            self.start.expected = Some(Box::new(b.expected.clone()));
        }
    }

    /// Sets what the user says that it speaks (a Spec's name).
    pub fn decide(&mut self, name: &'static str) {
        self.user = Some(name);
    }

    /// What it speaks, if that is known.
    #[must_use]
    pub const fn spec(&self) -> Option<&'static Spec> {
        self.spec
    }

    /// Whether the end taken for the client at first is the server.
    #[must_use]
    pub const fn is_flipped(&self) -> bool {
        self.flipped
    }

    /// Whether nobody reads it, so that further bytes need not be given.
    #[must_use]
    pub const fn is_left(&self) -> bool {
        matches!(self.mode, Mode::Left)
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        let halves: usize = self.halves.iter().map(|h| h.unread.capacity().saturating_add(h.arrivals.weight())).sum();
        let reader = if let Mode::Reads(d) = &self.mode { d.weight() } else { 0 };
        size_of::<Conversation>() + halves + reader + self.inside.weight() + self.within.weight()
    }

    /// A copy of the whole state, to be read on for rows; `None` where a dissector cannot be copied now. Nodes of open messages and
    /// readings of contents are left out.
    #[must_use]
    pub fn fork(&self) -> Option<Conversation> {
        let mode = match &self.mode {
            Mode::Open => Mode::Open,
            Mode::Left => Mode::Left,
            Mode::Reads(d) => Mode::Reads(d.fork()?),
        };
        let half = |h: &Half| Half {
            base: h.base,
            unread: h.unread.clone(),
            arrivals: h.arrivals.clone(),
            need: h.need,
            waiting: h.waiting,
            seeking: h.seeking,
            trial: h.trial,
            given_up: h.given_up,
            ended: h.ended,
            end_told: h.end_told,
            memo: h.memo,
            open: h.open.as_ref().map(|o| Box::new(o.rows())),
            last: h.last,
        };
        let [a, b] = &self.halves;
        let inside = self.inside.fork()?;
        Some(Conversation {
            id: self.id,
            start: self.start.clone(),
            spec: self.spec,
            evidence: self.evidence,
            mode,
            flipped: self.flipped,
            roles_open: self.roles_open,
            confirmed: self.confirmed,
            depth: self.depth,
            tries: self.tries,
            not: self.not,
            user: self.user,
            halves: [half(a), half(b)],
            pending: self.pending.clone(),
            inside,
            numbers: self.numbers,
            content: None,
            twin: self.twin,
            within: self.within.clone(),
        })
    }

    fn dir(&self, way: usize) -> Dir {
        if (way == 0) != self.flipped { Dir::ToServer } else { Dir::ToClient }
    }

    fn buf(&self, way: usize) -> BufId {
        BufId::stream(self.id, self.dir(way))
    }

    fn half(&self, way: usize) -> &Half {
        let [a, b] = &self.halves;
        if way == 0 { a } else { b }
    }

    fn half_mut(&mut self, way: usize) -> &mut Half {
        let [a, b] = &mut self.halves;
        if way == 0 { a } else { b }
    }

    /// Bytes came. `way` 0 is from the end that was taken for the client at first. `at` is their offset in the stream of that way.
    #[expect(clippy::too_many_arguments, reason = "the circumstances of a read go with every call")]
    pub fn push<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        at: u64,
        bytes: &[u8],
        from: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        if bytes.is_empty() {
            return;
        }
        self.lend(s);
        self.look_within(way, bytes, cx, s, to);
        self.came(way, at, bytes, [from; 2], cx, s, to);
        self.take_back(s);
        self.keep_within(way, at, bytes, [from; 2]);
    }

    /// Bytes came, with packets from the first to the last of these.
    #[expect(clippy::too_many_arguments, reason = "the circumstances of a read go with every call")]
    fn came<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        at: u64,
        bytes: &[u8],
        [first, last]: [Arrival; 2],
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        if self.begins(way, at) {
            let h = self.half_mut(way);
            h.last = last;
            h.arrivals.push(at.saturating_add(bytes.len() as u64), first, last);
            self.took(way, bytes, cx, s, to);
        }
    }

    /// Whether bytes of a way are taken; `at` is the offset of the next.
    fn begins(&mut self, way: usize, at: u64) -> bool {
        if self.is_left() || self.half(way).given_up {
            return false;
        }
        let h = self.half_mut(way);
        if h.unread.is_empty() && h.arrivals.is_empty() {
            h.base = at;
        }
        true
    }

    /// Bytes came whose arrivals are noted already.
    fn took<L: Listen + ?Sized>(&mut self, way: usize, bytes: &[u8], cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        let bytes = self.join(way, bytes, cx, s, to);
        if matches!(self.mode, Mode::Open) && self.half(way).unread.is_empty() {
            self.settle(self.halves.iter().all(|h| h.ended.is_some()), Some((way, bytes)), cx);
        }
        match self.mode {
            Mode::Left => return,
            // The usual case: nothing waits, so the bytes are read where they are and only what is left is kept.
            Mode::Reads(_) if self.half(way).unread.is_empty() => {
                let left = self.pump(Some((way, bytes)), cx, s, to);
                let h = self.half_mut(way);
                if left > 0 && !h.given_up {
                    h.unread.extend_from_slice(bytes.get(bytes.len().saturating_sub(left)..).unwrap_or(&[]));
                }
            }
            Mode::Reads(_) => {
                self.half_mut(way).unread.extend_from_slice(bytes);
                self.pump(None, cx, s, to);
            }
            Mode::Open => {
                let settled = !self.half(way).unread.is_empty();
                self.half_mut(way).unread.extend_from_slice(bytes);
                if settled {
                    self.decide_and_pump(cx, s, to);
                }
            }
        }
        self.bound(way, cx, s, to);
    }

    /// Joins to what is unread the bytes that its read waits for, where so much is known, and reads it. The rest, which is returned, can then
    /// be read where it is: a record that two packets share costs a copy of itself, not one of all that comes with its end.
    fn join<'b, L: Listen + ?Sized>(
        &mut self,
        way: usize,
        bytes: &'b [u8],
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> &'b [u8] {
        let h = self.half(way);
        let lacks = h.need.saturating_sub(h.unread.len());
        // Who asks for a single byte more does not know how many it takes.
        if h.unread.is_empty() || lacks < 2 || !matches!(self.mode, Mode::Reads(_)) {
            return bytes;
        }
        let Some((now, rest)) = bytes.split_at_checked(lacks).filter(|(_, rest)| !rest.is_empty()) else { return bytes };
        self.half_mut(way).unread.extend_from_slice(now);
        self.pump(None, cx, s, to);
        rest
    }

    /// `missing` bytes of `way` never came; `u64::MAX`: nobody knows how many. `at` is the offset of the first.
    pub fn gap<L: Listen + ?Sized>(&mut self, way: usize, at: u64, missing: u64, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        self.within.forget();
        if self.is_left() || self.half(way).given_up {
            return;
        }
        self.lend(s);
        self.lacks(way, at, missing, cx, s, to);
        self.take_back(s);
    }

    fn lacks<L: Listen + ?Sized>(&mut self, way: usize, at: u64, missing: u64, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        // What came before the hole, in either direction, is not made to depend on what comes behind it.
        if matches!(self.mode, Mode::Open) && self.halves.iter().any(|h| !h.unread.is_empty()) {
            self.settle(true, None, cx);
        }
        self.pump(None, cx, s, to);
        self.cut_unread(way, &note::HOLE, cx, s, to);
        let behind = if missing == u64::MAX { at } else { at.saturating_add(missing) };
        let dir = self.dir(way);
        let Mode::Reads(d) = &mut self.mode else {
            let h = self.half_mut(way);
            h.base = behind;
            h.seeking = true;
            self.start.midstream |= at == 0;
            return;
        };
        s.ops.clear();
        s.sink.clear();
        let after = d.gap(dir, missing, &mut Out::new(&mut s.ops, cx.level, Some(&mut s.sink)).among(cx.table));
        self.inside.gap_in(dir);
        self.half_mut(way).base = behind;
        self.half_mut(way).need = 0;
        match after {
            AfterGap::Carry => {
                let span = Span::new(self.buf(way), at, u32::try_from(behind.saturating_sub(at)).unwrap_or(u32::MAX));
                if let Some(open) = self.half_mut(way).open.as_mut() {
                    open.sink.note(Noted { what: &note::HOLE, at: span });
                }
                self.after_call(way, cx, s, to);
            }
            AfterGap::Resync => {
                self.after_call(way, cx, s, to);
                self.close_open(way, MessageState::Cut, Some(&note::HOLE), at, s, to);
                self.half_mut(way).seeking = true;
            }
            AfterGap::GiveUp => {
                self.after_call(way, cx, s, to);
                self.close_open(way, MessageState::Cut, Some(&note::HOLE), at, s, to);
                self.half_mut(way).given_up = true;
            }
        }
        self.pump(None, cx, s, to);
    }

    /// A direction ended behind all the bytes given.
    pub fn end<L: Listen + ?Sized>(&mut self, way: usize, how: End, at: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        self.within.forget();
        if self.is_left() || self.half(way).ended.is_some() {
            return;
        }
        self.lend(s);
        self.ends(way, how, at, cx, s, to);
        self.take_back(s);
    }

    fn ends<L: Listen + ?Sized>(&mut self, way: usize, how: End, at: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        self.half_mut(way).ended = Some((how, at));
        if self.half(way).open.is_some() {
            // Who waited for the rest of a line of an open message may take what is left.
            self.half_mut(way).need = 0;
        }
        self.decide_and_pump(cx, s, to);
        // An end can let the other side go on, and that this one.
        for _ in 0..2 {
            for w in [way, 1 - way.min(1)] {
                let h = self.half(w);
                if h.ended.is_some() && !h.end_told && (!h.waiting || h.arrivals.is_empty()) {
                    self.finish(w, cx, s, to);
                    self.half_mut(1 - w).waiting = false;
                    self.pump(None, cx, s, to);
                }
            }
        }
        if self.halves.iter().all(|h| h.ended.is_some()) {
            for w in 0..2 {
                self.finish(w, cx, s, to);
            }
        }
    }

    /// One datagram came: a read of its own.
    #[expect(clippy::too_many_arguments, reason = "the circumstances of a read go with every call")]
    pub fn datagram<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        at: u64,
        bytes: &[u8],
        snapped: bool,
        from: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        if self.is_left() {
            return;
        }
        self.lend(s);
        self.took_datagram(way, at, bytes, snapped, from, from, cx, s, to);
        self.take_back(s);
    }

    #[expect(clippy::too_many_arguments, reason = "the circumstances of a read go with every call")]
    fn took_datagram<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        at: u64,
        bytes: &[u8],
        snapped: bool,
        first: Arrival,
        from: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        self.half_mut(way).last = from;
        if matches!(self.mode, Mode::Open) {
            self.half_mut(way).base = at;
            self.settle(true, Some((way, bytes)), cx);
            if self.is_left() && self.tries < MOST_TRIES {
                // Another datagram may be clearer.
                self.tries = self.tries.saturating_add(1);
                self.mode = Mode::Open;
                self.not = 0;
            }
        }
        if matches!(self.mode, Mode::Reads(_)) && self.leaves_to_twin(to) {
            return;
        }
        let (dir, buf) = (self.dir(way), self.buf(way));
        let Mode::Reads(d) = &mut self.mode else { return };
        s.ops.clear();
        s.sink.clear();
        let span = Span::new(buf, at, bytes.len() as u32);
        let turn = Turn {
            dir,
            at,
            time: first.time,
            level: cx.level,
            ended: true,
            other_ended: false,
            start: &self.start,
            secrets: cx.secrets,
            whole: span,
        };
        let mut memo = Memo::default();
        let mut r = Reader::new(bytes, buf, at, true, cx.level, &mut s.sink, &mut memo);
        let went = guarded(d.as_mut(), &turn, &mut r, &mut s.ops, cx);
        let left = r.left();
        let mut state = MessageState::Whole;
        if left > 0 {
            let rest = r.span(left);
            // Inside a known end this cannot fall short.
            let _ = r.bytes(if went.is_ok() { &wirelore_kit::TRAILING } else { &UNKNOWN }, left);
            if went.is_ok() {
                r.note(&note::LEFT_OVER, rest);
            }
        }
        match went {
            Ok(()) => self.confirm(to),
            Err(Stop::Bad(what)) => {
                if !self.confirmed {
                    self.withdraw();
                    s.ops.clear();
                    s.sink.clear();
                    if matches!(self.mode, Mode::Open) {
                        return self.took_datagram(way, at, bytes, snapped, first, from, cx, s, to);
                    }
                    return;
                }
                let what = if snapped && std::ptr::eq(what, &note::OVERRUN) { &note::CUT } else { what };
                state = if snapped { MessageState::Cut } else { MessageState::Bad };
                s.sink.note(Noted { what, at: span });
                s.ops.clear();
            }
            Err(_) => {
                state = MessageState::Cut;
                s.sink.note(Noted { what: &note::CUT, at: span });
                s.ops.clear();
            }
        }
        let len = bytes.len() as u64;
        self.tell_new_of(way, at, len, first, from, Some(state), Some((bytes, at)), cx, s, to);
    }
}

#[derive(Default)]
struct Said {
    summary: Option<u32>,
    opens: bool,
    closes: bool,
    /// Something that reaches beyond the row.
    more: bool,
    exchange: Option<(u32, bool, bool)>,
}

impl Said {
    fn summary_in<'o>(&self, ops: &'o Ops) -> Option<&'o str> {
        match ops.list.get(self.summary? as usize)? {
            Op::Summary(range) => Some(ops.summary(range)),
            _ => None,
        }
    }
}

fn sink_of<'s>(h: &'s mut Half, scratch: &'s mut Sink) -> &'s mut Sink {
    match &mut h.open {
        Some(open) => &mut open.sink,
        None => scratch,
    }
}

/// Calls a dissector; a panic in it becomes a note, for it must not take the capture with it.
fn guarded(d: &mut dyn Dissector, turn: &Turn<'_>, r: &mut Reader<'_>, ops: &mut Ops, cx: Context<'_>) -> Result<(), Stop> {
    catch_unwind(AssertUnwindSafe(|| {
        let mut out = Out::new(ops, cx.level, None).among(cx.table);
        d.read(turn, r, &mut out)
    }))
    .unwrap_or(Err(Stop::Bad(&FAULT)))
}
