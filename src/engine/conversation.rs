//! A conversation: a pure state machine that reads the two streams of a flow with dissectors and tells what it finds.
//!
//! It owns the unread bytes. Who reads next: the direction whose next unread byte arrived first. A read that stops short is rolled back
//! and made again when more bytes are there; so dissectors read as if all bytes were there.

use crate::identify::{Decision, Question, identify};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wirelore_kit::note::{self, About, Note, Noted, Severity};
use wirelore_kit::row::{Evidence, MessageState};
use wirelore_kit::{
    AfterGap, BufId, Chunk, ConvId, Dir, Dissector, End, Expect, Framing, Hint, How, Level, Memo, More, Op, Ops, Out, Reader, SecretId, Secrets, Side, Sink, Span, Spec, Start,
    State, Stop, Turn, UNKNOWN,
};

/// A direction keeps at most so many unread bytes; a message that needs more is not waited for.
pub const MOST_UNREAD: usize = 4 << 20;
/// Conversations nest at most so deep.
pub const MOST_DEPTH: u8 = 8;
/// At most so many inner conversations of one conversation.
pub const MOST_INNER: usize = 1 << 16;
/// At most so many questions wait for their answers.
const MOST_PENDING: usize = 4096;
/// So many datagrams of a flow are looked at before it is taken for something that we do not read.
const MOST_TRIES: u8 = 32;

/// A dissector did what it must never do; the conversation is left alone from there.
pub static FAULT: Note =
    Note::new("data.note.fault", "Reading failed by a fault of this program; the bytes are kept", Severity::Error, About::Limit);

/// Which packet brought bytes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrival {
    /// Its number, from 0.
    pub number: u32,
    /// Nanoseconds since the epoch.
    pub time: i64,
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

/// Bytes of a stream inside a message that no dissector of its own reads: bodies.
pub struct InnerBytes<'m> {
    /// The conversation that they are inside of.
    pub conv: ConvId,
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
    fn expect(&mut self, conv: ConvId, message: (Dir, u64), e: &Expect) {
        let _ = (conv, message, e);
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
    sink: Sink,
    spare: Vec<Sink>,
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

#[derive(Default)]
struct Half {
    /// Offset of the first unread byte.
    base: u64,
    unread: Vec<u8>,
    /// Offsets behind the bytes of each arrival that has unread ones, oldest first.
    arrivals: VecDeque<(u64, Arrival)>,
    need: usize,
    waiting: bool,
    /// Bytes are passed over until a start is found.
    seeking: bool,
    /// A start was found but no message read yet.
    trial: bool,
    given_up: bool,
    ended: Option<(End, Arrival)>,
    end_told: bool,
    memo: Memo,
    open: Option<Box<OpenMessage>>,
    last: Arrival,
}

enum Mode {
    /// What it speaks is not known yet.
    Open,
    /// A dissector reads.
    Reads(Box<dyn Dissector>),
    /// Nobody reads it.
    Left,
}

struct Inside {
    key: u64,
    of: Box<Conversation>,
    ends: [u64; 2],
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
    not: u64,
    user: Option<&'static str>,
    halves: [Half; 2],
    pending: SmallVec<[(u64, u32); 2]>,
    inside: Vec<Inside>,
    next_inner: u32,
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
            inside: Vec::new(),
            next_inner: 1,
        }
    }

    /// Tells that the first end is the server: way 0 is from it.
    #[must_use]
    pub const fn turned(mut self, turned: bool) -> Conversation {
        self.flipped = turned;
        self
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
        let halves: usize = self.halves.iter().map(|h| h.unread.capacity() + h.arrivals.capacity() * size_of::<(u64, Arrival)>()).sum();
        let reader = if let Mode::Reads(d) = &self.mode { d.weight() } else { 0 };
        size_of::<Conversation>() + halves + reader + self.inside.iter().map(|i| i.of.weight()).sum::<usize>()
    }

    /// A copy of the whole state; `None` where a dissector cannot be copied now, or a message is open.
    #[must_use]
    pub fn fork(&self) -> Option<Conversation> {
        let mode = match &self.mode {
            Mode::Open => Mode::Open,
            Mode::Left => Mode::Left,
            Mode::Reads(d) => Mode::Reads(d.fork()?),
        };
        if self.halves.iter().any(|h| h.open.is_some()) {
            return None;
        }
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
            open: None,
            last: h.last,
        };
        let [a, b] = &self.halves;
        let inside = self.inside.iter().map(|i| Some(Inside { key: i.key, of: Box::new(i.of.fork()?), ends: i.ends })).collect::<Option<Vec<_>>>()?;
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
            next_inner: self.next_inner,
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
    pub fn push<L: Listen + ?Sized>(&mut self, way: usize, at: u64, bytes: &[u8], from: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if self.is_left() || bytes.is_empty() {
            return;
        }
        let reads = matches!(self.mode, Mode::Reads(_));
        let h = self.half_mut(way);
        if h.given_up {
            return;
        }
        h.last = from;
        if h.unread.is_empty() && h.arrivals.is_empty() {
            h.base = at;
        }
        let end = at.saturating_add(bytes.len() as u64);
        if h.unread.is_empty() && reads {
            // The usual case: nothing waits, so the bytes are read where they are and only what is left is kept.
            self.half_mut(way).arrivals.push_back((end, from));
            let left = self.pump(Some((way, bytes)), cx, s, to);
            let h = self.half_mut(way);
            if left > 0 && !h.given_up {
                h.unread.extend_from_slice(bytes.get(bytes.len().saturating_sub(left)..).unwrap_or(&[]));
            }
        } else {
            h.unread.extend_from_slice(bytes);
            h.arrivals.push_back((end, from));
            self.decide_and_pump(cx, s, to);
        }
        self.bound(way, cx, s, to);
    }

    /// `missing` bytes of `way` never came; `u64::MAX`: nobody knows how many. `at` is the offset of the first.
    pub fn gap<L: Listen + ?Sized>(&mut self, way: usize, at: u64, missing: u64, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if self.is_left() || self.half(way).given_up {
            return;
        }
        if matches!(self.mode, Mode::Open) && !self.half(way).unread.is_empty() {
            self.settle(true, cx);
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
        let after = d.gap(dir, missing, &mut Out::new(&mut s.ops, cx.level, Some(&mut s.sink)));
        self.half_mut(way).base = behind;
        self.half_mut(way).need = 0;
        match after {
            AfterGap::Carry => {
                let span = Span::new(self.buf(way), at, u32::try_from(behind.saturating_sub(at)).unwrap_or(u32::MAX));
                if let Some(open) = self.half_mut(way).open.as_mut() {
                    open.sink.note(Noted { what: &note::HOLE, at: span });
                }
                self.after_call(way, s, to);
            }
            AfterGap::Resync => {
                self.after_call(way, s, to);
                self.close_open(way, MessageState::Cut, Some(&note::HOLE), at, s, to);
                self.half_mut(way).seeking = true;
            }
            AfterGap::GiveUp => {
                self.after_call(way, s, to);
                self.close_open(way, MessageState::Cut, Some(&note::HOLE), at, s, to);
                self.half_mut(way).given_up = true;
            }
        }
        self.pump(None, cx, s, to);
    }

    /// A direction ended behind all the bytes given.
    pub fn end<L: Listen + ?Sized>(&mut self, way: usize, how: End, at: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if self.is_left() || self.half(way).ended.is_some() {
            return;
        }
        self.half_mut(way).ended = Some((how, at));
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
    pub fn datagram<L: Listen + ?Sized>(&mut self, way: usize, at: u64, bytes: &[u8], snapped: bool, from: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if self.is_left() {
            return;
        }
        if matches!(self.mode, Mode::Open) {
            let h = self.half_mut(way);
            h.base = at;
            h.unread.clear();
            h.unread.extend_from_slice(bytes);
            self.settle(true, cx);
            self.half_mut(way).unread.clear();
            if self.is_left() && self.tries < MOST_TRIES {
                // Another datagram may be clearer.
                self.tries = self.tries.saturating_add(1);
                self.mode = Mode::Open;
                self.not = 0;
            }
        }
        let (dir, buf) = (self.dir(way), self.buf(way));
        let Mode::Reads(d) = &mut self.mode else { return };
        s.ops.clear();
        s.sink.clear();
        let span = Span::new(buf, at, bytes.len() as u32);
        let turn = Turn { dir, at, time: from.time, level: cx.level, ended: true, other_ended: false, start: &self.start, secrets: cx.secrets, whole: span };
        let mut memo = Memo::default();
        let mut r = Reader::new(bytes, buf, at, true, cx.level, &mut s.sink, &mut memo);
        let went = guarded(d.as_mut(), &turn, &mut r, &mut s.ops, cx.level);
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
                        return self.datagram(way, at, bytes, snapped, from, cx, s, to);
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
        self.tell_new(way, at, len, from, from, Some(state), cx, s, to);
    }

    fn decide_and_pump<L: Listen + ?Sized>(&mut self, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if matches!(self.mode, Mode::Open) {
            let ended = self.halves.iter().all(|h| h.ended.is_some());
            self.settle(ended, cx);
        }
        self.pump(None, cx, s, to);
    }

    /// Decides what it speaks, if that can be decided.
    fn settle(&mut self, ended: bool, cx: Context<'_>) {
        while matches!(self.mode, Mode::Open) {
            let [a, b] = &self.halves;
            let q = Question {
                table: cx.table,
                start: &self.start,
                bytes: if self.flipped { [&b.unread, &a.unread] } else { [&a.unread, &b.unread] },
                ended,
                roles_open: self.roles_open && !self.confirmed,
                not: self.not,
                user: self.user,
            };
            if a.unread.is_empty() && b.unread.is_empty() && matches!(self.start.hint, Hint::Probe) && self.user.is_none() {
                return;
            }
            match identify(&q) {
                Decision::Wait => return,
                Decision::Nobody => {
                    self.leave();
                    return;
                }
                Decision::Is { index, evidence, flipped } => {
                    let Some(spec) = cx.table.get(index).copied() else { return self.leave() };
                    self.not |= 1u64.checked_shl(index as u32).unwrap_or(0);
                    if flipped {
                        self.flipped = !self.flipped;
                        std::mem::swap(&mut self.start.client, &mut self.start.server);
                    }
                    self.spec = Some(spec);
                    self.mode = Mode::Reads((spec.new)(&self.start));
                    let unsure = matches!(evidence, Evidence::Port(_)) && self.start.midstream;
                    for h in &mut self.halves {
                        h.memo = Memo::default();
                        h.need = 0;
                        h.waiting = false;
                        h.seeking = unsure && spec.resync.is_some() && spec.framing == Framing::Stream;
                    }
                    self.evidence = evidence;
                }
            }
        }
    }

    fn leave(&mut self) {
        self.mode = Mode::Left;
        for h in &mut self.halves {
            h.unread = Vec::new();
            h.arrivals = VecDeque::new();
        }
    }

    /// The first message read well: the guess stands.
    fn confirm<L: Listen + ?Sized>(&mut self, to: &mut L) {
        if let Some(spec) = self.spec.filter(|_| !self.confirmed) {
            self.confirmed = true;
            to.identified(self.id, spec, self.evidence, self.flipped);
        }
    }

    /// Takes back a guess that its first message did not confirm.
    fn withdraw(&mut self) {
        self.spec = None;
        self.mode = Mode::Open;
        for h in &mut self.halves {
            h.need = 0;
            h.waiting = false;
            h.seeking = false;
        }
    }

    /// Reads while something can be read. `now` are bytes of a way that has none unread; returns how many of them are left.
    fn pump<L: Listen + ?Sized>(
        &mut self,
        now: Option<(usize, &[u8])>,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> usize {
        let mut left = self.pump_one_reader(now, cx, s, to);
        // A guess withdrawn or an heir: hold what is left, decide again, read on.
        let mut now = now;
        while matches!(self.mode, Mode::Open) {
            if let Some((way, bytes)) = now.take() {
                let rest = bytes.get(bytes.len().saturating_sub(left)..).unwrap_or(&[]);
                self.half_mut(way).unread.extend_from_slice(rest);
                left = 0;
            }
            self.settle(self.halves.iter().all(|h| h.ended.is_some()), cx);
            if !matches!(self.mode, Mode::Reads(_)) {
                break;
            }
            self.pump_one_reader(None, cx, s, to);
        }
        if matches!(self.mode, Mode::Left) { 0 } else { left }
    }

    /// Reads until nothing can be read or the reader changes.
    fn pump_one_reader<L: Listen + ?Sized>(
        &mut self,
        now: Option<(usize, &[u8])>,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> usize {
        let (now_way, mut now_bytes) = now.unwrap_or((2, &[]));
        // Unread bytes are taken out while they are read, so that a read can borrow them beside the rest.
        let mut taken = [0usize; 2];
        while matches!(self.mode, Mode::Reads(_)) {
            let mut next: Option<(u32, usize)> = None;
            for way in 0..2 {
                let used = if way == 0 { taken[0] } else { taken[1] };
                let h = self.half(way);
                let left = if way == now_way { now_bytes.len() } else { h.unread.len().saturating_sub(used) };
                if left == 0 || h.waiting || h.given_up || left < h.need {
                    continue;
                }
                let number = h.arrivals.front().map_or(u32::MAX, |a| a.1.number);
                if next.is_none_or(|(n, _)| number < n) {
                    next = Some((number, way));
                }
            }
            let Some((_, way)) = next else { break };
            let before = self.half(way).base;
            let used = if way == now_way {
                let used = self.read_once(way, now_bytes, cx, s, to);
                now_bytes = now_bytes.get(used..).unwrap_or(&[]);
                used
            } else {
                // Out of the way while it is read, and back again.
                let unread = std::mem::take(&mut self.half_mut(way).unread);
                let from = if way == 0 { taken[0] } else { taken[1] };
                let used = self.read_once(way, unread.get(from..).unwrap_or(&[]), cx, s, to);
                self.half_mut(way).unread = unread;
                let [a, b] = &mut taken;
                let taken = if way == 0 { a } else { b };
                *taken = taken.saturating_add(used);
                used
            };
            self.after_read(way, before, used);
        }
        for (way, n) in taken.into_iter().enumerate() {
            if n > 0 {
                let unread = &mut self.half_mut(way).unread;
                unread.drain(..n.min(unread.len()));
                if unread.is_empty() && unread.capacity() > 64 * 1024 {
                    *unread = Vec::new();
                }
            }
        }
        now_bytes.len()
    }

    /// Moves on by `used` bytes; wakes the other way.
    fn after_read(&mut self, way: usize, before: u64, used: usize) {
        let h = self.half_mut(way);
        if h.base == before && used > 0 {
            h.base = before.saturating_add(used as u64);
        }
        while h.arrivals.front().is_some_and(|(end, _)| *end <= h.base) {
            h.arrivals.pop_front();
        }
        if used > 0 {
            self.half_mut(1 - way).waiting = false;
        }
    }

    /// The arrival that brought the byte at `offset`.
    fn arrival_of(&self, way: usize, offset: u64) -> Arrival {
        let h = self.half(way);
        h.arrivals.iter().find(|(end, _)| *end > offset).map_or(h.last, |(_, a)| *a)
    }

    /// One read of `way`; returns how many bytes it took.
    fn read_once<L: Listen + ?Sized>(&mut self, way: usize, bytes: &[u8], cx: Context<'_>, s: &mut Scratch, to: &mut L) -> usize {
        let at = self.half(way).base;
        if self.half(way).seeking {
            return self.seek_start(way, bytes, cx, s, to);
        }
        let (dir, buf) = (self.dir(way), self.buf(way));
        let other = self.half(1 - way);
        let other_ended = other.ended.is_some() && other.arrivals.is_empty();
        let ended = self.half(way).ended.is_some();
        let first = self.arrival_of(way, at);
        let Mode::Reads(d) = &mut self.mode else { return 0 };
        let [a, b] = &mut self.halves;
        let h = if way == 0 { a } else { b };
        s.ops.clear();
        let sink = match &mut h.open {
            Some(open) => &mut open.sink,
            None => {
                s.sink.clear();
                &mut s.sink
            }
        };
        let mark = sink.mark();
        let nodes = sink.nodes.len();
        let turn = Turn {
            dir,
            at,
            time: first.time,
            level: cx.level,
            ended,
            other_ended,
            start: &self.start,
            secrets: cx.secrets,
            whole: Span::new(buf, at, u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
        };
        let mut memo = h.memo;
        let mut r = Reader::new(bytes, buf, at, false, cx.level, sink, &mut memo);
        let went = guarded(d.as_mut(), &turn, &mut r, &mut s.ops, cx.level);
        let used = r.taken();
        h.memo = memo;
        match went {
            Ok(()) => {
                h.memo = Memo::default();
                h.need = 0;
                h.trial = false;
                self.confirm(to);
                let done = self.arrival_of(way, at.saturating_add(used as u64).saturating_sub(1));
                if used == 0 && s.ops.list.is_empty() {
                    // The progress law is broken: treat it as grammar that is not.
                    return self.bad(way, bytes, 0, &FAULT, cx, s, to);
                }
                if self.half(way).open.is_some() {
                    self.join_pieces(way, nodes);
                    self.grow(way, at.saturating_add(used as u64), done, bytes, at, cx, s, to);
                } else {
                    self.tell_new_of(way, at, used as u64, first, done, None, Some((bytes, at)), cx, s, to);
                }
                used
            }
            Err(Stop::Short { need }) => {
                sink_of(h, &mut s.sink).roll_back(mark);
                s.ops.clear();
                h.need = need.max(bytes.len().saturating_add(1));
                if ended || need > MOST_UNREAD {
                    let why = if ended { &note::CUT } else { &note::TOO_LONG };
                    if !self.confirmed {
                        self.withdraw();
                        return 0;
                    }
                    if ended {
                        // Nothing more comes: the rest is told as cut when the end is.
                        self.half_mut(way).need = usize::MAX;
                        return 0;
                    }
                    return self.bad(way, bytes, 0, why, cx, s, to);
                }
                0
            }
            Err(Stop::Wait) => {
                sink_of(h, &mut s.sink).roll_back(mark);
                s.ops.clear();
                h.waiting = true;
                0
            }
            Err(Stop::Bad(what)) => {
                if !self.confirmed {
                    sink_of(h, &mut s.sink).roll_back(mark);
                    s.ops.clear();
                    self.withdraw();
                    return 0;
                }
                self.bad(way, bytes, used, what, cx, s, to)
            }
        }
    }

    /// Bytes that break the grammar: a row of their own, then look for the next start.
    fn bad<L: Listen + ?Sized>(&mut self, way: usize, bytes: &[u8], used: usize, what: &'static Note, cx: Context<'_>, s: &mut Scratch, to: &mut L) -> usize {
        self.half_mut(way).need = 0;
        self.half_mut(way).memo = Memo::default();
        s.ops.clear();
        let at = self.half(way).base;
        // What was read before the fault stays in the row; at least one byte is passed over, so that this ends.
        let skip = used.max(1).min(bytes.len());
        let here = Span::new(self.buf(way), at, skip as u32);
        let first = self.arrival_of(way, at);
        let done = self.arrival_of(way, at.saturating_add(skip as u64).saturating_sub(1));
        if let Some(open) = self.half_mut(way).open.as_mut() {
            if !open.lost {
                open.sink.note(Noted { what, at: here });
                open.done = done;
                let end = at.saturating_add(skip as u64);
                self.close_open(way, MessageState::Bad, None, end, s, to);
                self.half_mut(way).seeking = true;
                return skip;
            }
        } else {
            if cx.level == Level::Tree && used < skip {
                unknown_node(&mut s.sink, Span::new(self.buf(way), at.saturating_add(used as u64), (skip.saturating_sub(used)) as u32));
            }
            s.sink.note(Noted { what, at: here });
            self.open_lost(way, at, skip, first, done, cx, s, to);
        }
        self.half_mut(way).seeking = true;
        skip
    }

    /// Opens a row for bytes that are no message.
    fn open_lost<L: Listen + ?Sized>(&mut self, way: usize, at: u64, len: usize, first: Arrival, done: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        let _ = cx;
        let Some(spec) = self.spec else { return };
        let sink = std::mem::replace(&mut s.sink, s.spare.pop().unwrap_or_default());
        let (told_cells, told_notes) = (sink.cells.len(), sink.notes.len());
        to.opened(&Message {
            conv: self.id,
            spec,
            dir: self.dir(way),
            at,
            len: len as u64,
            first,
            done,
            state: MessageState::Open,
            summary: Some("Bytes that are no message"),
            sink: &sink,
            new_cells: 0,
            new_notes: 0,
            exchange: None,
            asks: false,
            more: false,
        });
        self.half_mut(way).open = Some(Box::new(OpenMessage { at, first, done, sink, told_cells, told_notes, exchange: None, lost: true }));
    }

    /// Passes over bytes until a message may begin.
    fn seek_start<L: Listen + ?Sized>(&mut self, way: usize, bytes: &[u8], cx: Context<'_>, s: &mut Scratch, to: &mut L) -> usize {
        let (dir, buf, at) = (self.dir(way), self.buf(way), self.half(way).base);
        let Some(find) = self.spec.and_then(|p| p.resync) else {
            self.half_mut(way).given_up = true;
            let end = at;
            self.close_open(way, MessageState::Bad, None, end, s, to);
            return bytes.len();
        };
        let found = find(bytes, dir);
        // Without a find, the last bytes may be the beginning of a start.
        let ended = self.half(way).ended.is_some();
        let skip = found.unwrap_or(if ended { bytes.len() } else { bytes.len().saturating_sub(16) });
        if found.is_none() && skip == 0 {
            let h = self.half_mut(way);
            h.need = bytes.len().saturating_add(1);
            return 0;
        }
        if skip > 0 {
            let first = self.arrival_of(way, at);
            let done = self.arrival_of(way, at.saturating_add(skip as u64).saturating_sub(1));
            if self.half(way).open.is_none() {
                s.sink.clear();
                if cx.level == Level::Tree {
                    unknown_node(&mut s.sink, Span::new(buf, at, skip as u32));
                }
                s.sink.note(Noted { what: &note::NOT_GRAMMAR, at: Span::new(buf, at, skip as u32) });
                self.open_lost(way, at, skip, first, done, cx, s, to);
            } else if let Some(open) = self.half_mut(way).open.as_mut() {
                open.done = done;
                if cx.level == Level::Tree {
                    unknown_node(&mut open.sink, Span::new(buf, at, skip as u32));
                }
            }
        }
        let h = self.half_mut(way);
        h.need = 0;
        h.base = at.saturating_add(skip as u64);
        if found.is_some() {
            h.seeking = false;
            h.trial = true;
            let end = at.saturating_add(skip as u64);
            self.close_open(way, MessageState::Bad, None, end, s, to);
            // The place was found; a read must follow even where nothing was passed over.
            return skip;
        }
        skip
    }

    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    fn tell_new<L: Listen + ?Sized>(
        &mut self, way: usize, at: u64, len: u64, first: Arrival, done: Arrival, state: Option<MessageState>, cx: Context<'_>, s: &mut Scratch, to: &mut L,
    ) {
        self.tell_new_of(way, at, len, first, done, state, None, cx, s, to);
    }

    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    fn tell_new_of<L: Listen + ?Sized>(
        &mut self, way: usize, at: u64, len: u64, first: Arrival, done: Arrival, state: Option<MessageState>, bytes: Option<(&[u8], u64)>, cx: Context<'_>, s: &mut Scratch,
        to: &mut L,
    ) {
        let Some(spec) = self.spec else { return };
        let dir = self.dir(way);
        let said = self.look_through(&s.ops, to);
        let opens = said.opens && !said.closes && state.is_none();
        let summary = said.summary_in(&s.ops);
        to.opened(&Message {
            conv: self.id,
            spec,
            dir,
            at,
            len,
            first,
            done,
            state: state.unwrap_or(if opens { MessageState::Open } else { MessageState::Whole }),
            summary,
            sink: &s.sink,
            new_cells: 0,
            new_notes: 0,
            exchange: said.exchange.map(|e| e.0),
            asks: said.exchange.is_some_and(|e| e.1),
                more: said.exchange.is_some_and(|e| e.2),
        });
        let ops = std::mem::take(&mut s.ops);
        if opens {
            let sink = std::mem::replace(&mut s.sink, s.spare.pop().unwrap_or_default());
            let (told_cells, told_notes) = (sink.cells.len(), sink.notes.len());
            self.half_mut(way).open = Some(Box::new(OpenMessage { at, first, done, sink, told_cells, told_notes, exchange: said.exchange, lost: false }));
        }
        self.act(way, at, &ops, bytes, done, cx, s, to);
        s.ops = ops;
    }

    /// An open message went on.
    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    fn grow<L: Listen + ?Sized>(&mut self, way: usize, end: u64, done: Arrival, bytes: &[u8], base: u64, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        let said = self.look_through(&s.ops, to);
        let ops = std::mem::take(&mut s.ops);
        let message = self.half(way).open.as_ref().map_or(base, |o| o.at);
        self.act(way, message, &ops, Some((bytes, base)), done, cx, s, to);
        if let Some(open) = self.half_mut(way).open.as_mut() {
            open.done = done;
            if said.exchange.is_some() {
                open.exchange = said.exchange;
            }
        }
        let summary = said.summary_in(&ops);
        let news = self.half(way).open.as_ref().is_some_and(|o| o.sink.cells.len() > o.told_cells || o.sink.notes.len() > o.told_notes);
        if said.closes || summary.is_some() || news {
            self.tell_change(way, end, if said.closes { MessageState::Whole } else { MessageState::Open }, summary, to);
        }
        if said.closes {
            self.drop_open(way, s);
        }
        s.ops = ops;
    }

    fn tell_change<L: Listen + ?Sized>(&mut self, way: usize, end: u64, state: MessageState, summary: Option<&str>, to: &mut L) {
        let (Some(spec), dir, conv) = (self.spec, self.dir(way), self.id) else { return };
        if let Some(o) = self.half_mut(way).open.as_mut() {
            to.changed(&Message {
                conv,
                spec,
                dir,
                at: o.at,
                len: end.saturating_sub(o.at),
                first: o.first,
                done: o.done,
                state,
                summary,
                sink: &o.sink,
                new_cells: o.told_cells,
                new_notes: o.told_notes,
                exchange: o.exchange.map(|e| e.0),
                asks: o.exchange.is_some_and(|e| e.1),
                more: o.exchange.is_some_and(|e| e.2),
            });
            o.told_cells = o.sink.cells.len();
            o.told_notes = o.sink.notes.len();
        }
    }

    fn drop_open(&mut self, way: usize, s: &mut Scratch) {
        if let Some(mut open) = self.half_mut(way).open.take()
            && s.spare.len() < 16
        {
            open.sink.clear();
            s.spare.push(open.sink);
        }
    }

    /// Ends the open message of `way` at `end`, if there is one.
    fn close_open<L: Listen + ?Sized>(&mut self, way: usize, state: MessageState, why: Option<&'static Note>, end: u64, s: &mut Scratch, to: &mut L) {
        let buf = self.buf(way);
        if let Some(open) = self.half_mut(way).open.as_mut() {
            let state = if open.lost { MessageState::Bad } else { state };
            if let Some(what) = why.filter(|_| !open.lost) {
                open.sink.note(Noted { what, at: Span::new(buf, end, 0) });
            }
            self.tell_change(way, end, state, None, to);
            self.drop_open(way, s);
        }
    }

    /// First pass over what a read said: what the message row itself needs.
    fn look_through<L: Listen + ?Sized>(&mut self, ops: &Ops, to: &mut L) -> Said {
        let mut said = Said::default();
        for (i, op) in ops.list.iter().enumerate() {
            match op {
                Op::Summary(_) => said.summary = Some(i as u32),
                Op::Open => said.opens = true,
                Op::Close => said.closes = true,
                Op::Asks(key) => {
                    let n = to.exchange();
                    if self.pending.len() >= MOST_PENDING {
                        self.pending.remove(0);
                    }
                    self.pending.push((*key, n));
                    said.exchange = Some((n, true, false));
                }
                Op::Answers(key, more) => {
                    if let Some(p) = self.pending.iter().position(|(k, _)| k == key) {
                        let n = self.pending.get(p).map_or(0, |e| e.1);
                        if *more == More::No {
                            self.pending.remove(p);
                        }
                        said.exchange = Some((n, false, *more == More::Yes));
                    }
                }
                _ => {}
            }
        }
        said
    }

    /// Second pass: what reaches beyond the row.
    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    fn act<L: Listen + ?Sized>(&mut self, way: usize, message: u64, ops: &Ops, bytes: Option<(&[u8], u64)>, done: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        let dir = self.dir(way);
        for op in &ops.list {
            match op {
                Op::State(side, state) => to.state(self.id, (dir, message), *side, state),
                Op::Expect(e) => to.expect(self.id, (dir, message), e),
                Op::Wants(id) => to.wants(self.id, id),
                Op::Inner { key, dir: inner_dir, bytes: chunk, how, hint } => {
                    let (data, from) = match chunk {
                        Chunk::Made { bytes, from } => (bytes.as_slice(), *from),
                        Chunk::Here(span) => {
                            let Some((all, base)) = bytes else { continue };
                            let i = span.at.saturating_sub(base) as usize;
                            (all.get(i..i.saturating_add(span.len as usize)).unwrap_or(&[]), *span)
                        }
                    };
                    self.feed_inner(*key, *inner_dir, data, from, *how, hint, (dir, message), done, cx, s, to);
                }
                Op::InnerEnd(key, inner_dir, how) => {
                    if let Some(inside) = self.inside.iter_mut().find(|i| i.key == *key) {
                        inside.of.end(inner_dir.index(), *how, done, cx, s, to);
                    } else if cx.level >= Level::Bodies {
                        to.inner_end(self.id, (dir, message), (*key, *inner_dir), *how);
                    }
                }
                Op::Becomes(hint) => {
                    self.start.hint = hint.clone();
                    self.start.midstream = false;
                    self.mode = Mode::Open;
                    self.confirmed = false;
                    self.not = 0;
                    self.user = None;
                    for h in &mut self.halves {
                        h.need = 0;
                        h.waiting = false;
                        h.seeking = false;
                        h.memo = Memo::default();
                    }
                }
                _ => {}
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one inner chunk's facts")]
    fn feed_inner<L: Listen + ?Sized>(
        &mut self, key: u64, dir: Dir, data: &[u8], from: Span, how: How, hint: &Hint, message: (Dir, u64), done: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L,
    ) {
        let known = self.inside.iter().position(|i| i.key == key);
        let index = known.or_else(|| {
            let start = Start { transport: self.start.transport, client: self.start.client, server: self.start.server, hint: hint.clone(), midstream: false, expected: None };
            if self.depth.saturating_add(1) >= MOST_DEPTH || self.inside.len() >= MOST_INNER || !someone_reads(cx.table, hint) {
                return None;
            }
            let mut of = Conversation::new(ConvId { flow: self.id.flow, inner: self.next_inner }, start, false);
            of.depth = self.depth.saturating_add(1);
            self.next_inner = self.next_inner.saturating_add(1);
            self.inside.push(Inside { key, of: Box::new(of), ends: [0, 0] });
            Some(self.inside.len().saturating_sub(1))
        });
        if cx.level >= Level::Bodies {
            to.inner(&InnerBytes { conv: self.id, message, key: (key, dir), bytes: data, from, how, hint });
        }
        if let Some(inside) = index.and_then(|i| self.inside.get_mut(i)) {
            let way = dir.index();
            let [a, b] = &mut inside.ends;
            let end = if way == 0 { a } else { b };
            let at = *end;
            *end = at.saturating_add(data.len() as u64);
            inside.of.push(way, at, data, done, cx, s, to);
        }
    }

    /// Joins a body piece to the one before it, so that cuts of the input leave no trace.
    fn join_pieces(&mut self, way: usize, boundary: usize) {
        let Some(open) = self.half_mut(way).open.as_mut() else { return };
        let nodes = &mut open.sink.nodes;
        let Some(before) = boundary.checked_sub(1) else { return };
        let (Some(a), Some(b)) = (nodes.get(before), nodes.get(boundary)) else { return };
        let same = a.field.is(b.field) && a.depth == b.depth && a.tie == b.tie && a.span.buf == b.span.buf && a.span.end() == b.span.at && a.end as usize == boundary;
        let leaf = b.end as usize == boundary.saturating_add(1) && a.value == wirelore_kit::Value::Span && b.value == wirelore_kit::Value::Span;
        if same && leaf && b.field.kind != wirelore_kit::Kind::Group {
            let more = b.span.len;
            if let Some(a) = nodes.get_mut(before) {
                a.span.len = a.span.len.saturating_add(more);
            }
            nodes.remove(boundary);
            for n in nodes.iter_mut().skip(boundary) {
                n.end = n.end.saturating_sub(1);
            }
        }
    }

    /// What a dissector said in `gap` or `end`.
    fn after_call<L: Listen + ?Sized>(&mut self, way: usize, s: &mut Scratch, to: &mut L) {
        let end = self.half(way).base;
        let said = self.look_through(&s.ops, to);
        let ops = std::mem::take(&mut s.ops);
        let late = std::mem::take(&mut s.sink.notes);
        let dir = self.dir(way);
        let message = self.half(way).open.as_ref().map_or(end, |o| o.at);
        for op in &ops.list {
            match op {
                Op::State(side, state) => to.state(self.id, (dir, message), *side, state),
                Op::InnerEnd(key, d, how) => to.inner_end(self.id, (dir, message), (*key, *d), *how),
                _ => {}
            }
        }
        if let Some(open) = self.half_mut(way).open.as_mut() {
            for n in late {
                open.sink.note(n);
            }
        }
        let summary = said.summary_in(&ops);
        if said.closes {
            self.tell_change(way, end, MessageState::Whole, summary, to);
            self.drop_open(way, s);
        }
        s.ops = ops;
    }

    /// Bytes left unread before a hole or the end: a message that was cut.
    fn cut_unread<L: Listen + ?Sized>(&mut self, way: usize, why: &'static Note, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        let bytes = std::mem::take(&mut self.half_mut(way).unread);
        if bytes.is_empty() {
            return;
        }
        let (dir, buf, at) = (self.dir(way), self.buf(way), self.half(way).base);
        let first = self.arrival_of(way, at);
        let end = at.saturating_add(bytes.len() as u64);
        let done = self.arrival_of(way, end.saturating_sub(1));
        let whole = Span::new(buf, at, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if let Mode::Reads(d) = &mut self.mode {
            let [a, b] = &mut self.halves;
            let h = if way == 0 { a } else { b };
            s.ops.clear();
            let sink = match &mut h.open {
                Some(open) => &mut open.sink,
                None => {
                    s.sink.clear();
                    &mut s.sink
                }
            };
            // Read once more as far as it goes: fields that are there are shown. A copy reads, for this message never ends.
            if let Some(mut copy) = d.fork() {
                let turn = Turn { dir, at, time: first.time, level: cx.level, ended: true, other_ended: true, start: &self.start, secrets: cx.secrets, whole };
                let mut memo = Memo::default();
                let mut r = Reader::new(&bytes, buf, at, true, cx.level, sink, &mut memo);
                let _ = guarded(copy.as_mut(), &turn, &mut r, &mut s.ops, cx.level);
                let left = r.left();
                if left > 0 {
                    let _ = r.bytes(&UNKNOWN, left);
                }
            }
            sink.note(Noted { what: why, at: whole });
            s.ops.list.retain(|op| matches!(op, Op::Summary(_)));
            if let Some(open) = h.open.as_mut() {
                open.done = done;
            } else {
                self.tell_new(way, at, bytes.len() as u64, first, done, Some(MessageState::Cut), cx, s, to);
            }
        }
        let h = self.half_mut(way);
        h.base = end;
        h.arrivals.clear();
        h.need = 0;
        h.memo = Memo::default();
    }

    /// The end of a direction: what is left is a cut message; the dissector is told.
    fn finish<L: Listen + ?Sized>(&mut self, way: usize, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        let Some((how, at)) = self.half(way).ended else { return };
        if self.half(way).end_told {
            return;
        }
        self.half_mut(way).end_told = true;
        self.cut_unread(way, &note::CUT, cx, s, to);
        let dir = self.dir(way);
        if let Mode::Reads(d) = &mut self.mode {
            s.ops.clear();
            s.sink.clear();
            d.end(dir, how, &mut Out::new(&mut s.ops, cx.level, Some(&mut s.sink)));
            if let Some(open) = self.half_mut(way).open.as_mut()
                && how != End::Capture
                && open.done.number <= at.number
            {
                // Where the end of the connection is the end of the message, that packet completes it.
                if s.ops.list.iter().any(|o| matches!(o, Op::Close)) {
                    open.done = at;
                }
            }
            self.after_call(way, s, to);
            let end = self.half(way).base;
            self.close_open(way, MessageState::Cut, Some(&note::CUT), end, s, to);
        }
        for inside in &mut self.inside {
            inside.of.end(dir.index(), how, at, cx, s, to);
        }
    }

    /// Keeps a direction's memory under its bound.
    fn bound<L: Listen + ?Sized>(&mut self, way: usize, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if self.half(way).unread.len() > MOST_UNREAD {
            self.cut_unread(way, &note::TOO_LONG, cx, s, to);
            let h = self.half_mut(way);
            h.seeking = true;
            h.waiting = false;
        }
    }
}

#[derive(Default)]
struct Said {
    summary: Option<u32>,
    opens: bool,
    closes: bool,
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

fn unknown_node(sink: &mut Sink, span: Span) {
    let joins = sink.nodes.last().is_some_and(|n| n.field.is(&UNKNOWN) && n.depth == 0 && n.span.buf == span.buf && n.span.end() == span.at);
    if let Some(last) = sink.nodes.last_mut().filter(|_| joins) {
        last.span.len = last.span.len.saturating_add(span.len);
        return;
    }
    let end = sink.nodes.len() as u32;
    sink.nodes.push(wirelore_kit::Node { field: &UNKNOWN, span, value: wirelore_kit::Value::Span, depth: 0, tie: wirelore_kit::Tie::Own, end: end.saturating_add(1) });
}

fn someone_reads(table: &[&'static Spec], hint: &Hint) -> bool {
    use wirelore_kit::Claim;
    match hint {
        Hint::Bytes(_) => false,
        Hint::Probe => true,
        Hint::Proto(name) => table.iter().any(|s| s.name == *name),
        Hint::Alpn(a) => table.iter().any(|s| s.claims.iter().any(|c| matches!(c, Claim::Alpn(b) if **b == **a))),
        Hint::Media(a) => table.iter().any(|s| s.claims.iter().any(|c| matches!(c, Claim::Media(b) if **b == **a))),
        Hint::Upgrade(a) => table.iter().any(|s| s.claims.iter().any(|c| matches!(c, Claim::Upgrade(b) if **b == **a))),
    }
}

/// Calls a dissector; a panic in it becomes a note, for it must not take the capture with it.
fn guarded(d: &mut dyn Dissector, turn: &Turn<'_>, r: &mut Reader<'_>, ops: &mut Ops, level: Level) -> Result<(), Stop> {
    catch_unwind(AssertUnwindSafe(|| {
        let mut out = Out::new(ops, level, None);
        d.read(turn, r, &mut out)
    }))
    .unwrap_or(Err(Stop::Bad(&FAULT)))
}
