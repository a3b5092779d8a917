//! Protocols in the middle whose messages follow one another: what is common to them.
//!
//! A [`Talk`] says where a message ends, what it says and how a changed one is written; [`Talking`] makes a [`Middle`] of it: it gathers
//! bytes, has messages judged one after another in each direction, keeps answers in the order of their questions, and lets everything that
//! nobody changed go on byte for byte.

use crate::held::Held;
use crate::middle::{Agreed, Judgement, Middle, News, Part, Setting, Stage, Step, Transit};
use crate::note::{self, Note};
use crate::out::End;
use crate::span::Dir;
use crate::spec::Hint;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A message longer than this is not gathered: it goes on as it comes and nobody judges it, bytes.
pub const MOST_WHOLE: usize = 16 << 20;
/// So many questions may stand open at once.
const MOST_OPEN: usize = 65_536;
/// So many bytes of our own may wait for the end of a message that is going out.
const MOST_ASIDE: usize = 16 << 20;

/// What the unread bytes of a direction begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// That cannot be said before more of them come.
    More,
    /// The other direction must go on first.
    Wait,
    /// A message ends behind so many bytes; what was kept belongs to it.
    Whole(usize),
    /// A message that stands between the parts of the one that is being kept.
    Apart(usize),
    /// So many bytes begin or continue a message that ends later; they are kept and come back with [`Next::Whole`].
    Keep(usize),
    /// The head of a message; its body follows.
    Head(usize),
    /// So many bytes go on and are not judged.
    Pass(usize),
    /// So many bytes are thrown away: the body of a head that was dropped.
    Drop(usize),
    /// Nothing needs to be looked at: everything goes on as it comes from here on.
    Opaque,
    /// They begin another protocol, whatever it is: what it is is found out anew.
    Anew,
    /// They are no message of this protocol: everything goes on as it comes from here on.
    Broken(&'static Note),
    /// Two readers could read them differently: the connection is closed.
    Refused(&'static Note),
}

/// What a message says, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is.
    pub part: Part,
    /// Its exchange, see [`Book`].
    pub exchange: u64,
    /// [`Transit::line`].
    pub line: Bytes,
    /// [`Transit::body`].
    pub body: Bytes,
}

/// A question that has no answer yet.
#[derive(Debug, Clone)]
pub struct Slot<K> {
    /// Counts exchanges from 0.
    pub exchange: u64,
    /// What was asked.
    pub kind: K,
    /// We answer it, with this.
    ours: Option<Bytes>,
    /// We asked it: nobody else shall read the answer.
    mute: bool,
}

/// The questions of a conversation that stand open, in order.
#[derive(Debug, Clone)]
pub struct Book<K> {
    slots: VecDeque<Slot<K>>,
    asked: u64,
    mute: bool,
}

impl<K> Default for Book<K> {
    fn default() -> Book<K> {
        Book { slots: VecDeque::new(), asked: 0, mute: false }
    }
}

impl<K> Book<K> {
    /// A new question was asked.
    pub fn ask(&mut self, kind: K) {
        let exchange = self.asked;
        self.asked = self.asked.saturating_add(1);
        self.slots.push_back(Slot { exchange, kind, ours: None, mute: self.mute });
    }

    /// The last question goes on: another answer belongs to it.
    pub fn also(&mut self, kind: K) {
        let exchange = self.last();
        self.slots.push_back(Slot { exchange, kind, ours: None, mute: self.mute });
    }

    /// The question that the next answer belongs to.
    #[must_use]
    pub fn front(&self) -> Option<&Slot<K>> {
        self.slots.front()
    }

    /// The latest question that stands open.
    #[must_use]
    pub fn back(&self) -> Option<&Slot<K>> {
        self.slots.back()
    }

    /// That question has its last answer.
    pub fn answered(&mut self) -> Option<Slot<K>> {
        self.slots.pop_front()
    }

    /// The first open question that fits has its last answer.
    pub fn answered_where(&mut self, fits: impl Fn(&K) -> bool) -> Option<Slot<K>> {
        let at = self.slots.iter().position(|s| fits(&s.kind))?;
        self.slots.remove(at)
    }

    /// The first open question that fits.
    #[must_use]
    pub fn find(&self, fits: impl Fn(&K) -> bool) -> Option<&Slot<K>> {
        self.slots.iter().find(|s| fits(&s.kind))
    }

    /// The number of the next exchange.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.asked
    }

    /// The number of the latest exchange.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.asked.saturating_sub(1)
    }

    /// The exchange that an answer belongs to which comes now.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.front().map_or(self.last(), |s| s.exchange)
    }

    /// Whether nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

/// What a message that goes on brings about.
#[derive(Debug)]
pub struct Says<'b, K> {
    /// Open questions.
    pub book: &'b mut Book<K>,
    /// Behind it both directions carry this.
    pub becomes: Option<Hint>,
    /// Another connection was agreed on: the message waits until we listen, then [`Talk::arranged`] writes it.
    pub expect: Option<Agreed>,
    /// It is for us and does not go on.
    pub swallow: bool,
    /// This goes on in its place: its beginning, when the rest has to wait.
    pub instead: Option<Bytes>,
    /// These bytes go the other way.
    pub back: Vec<Bytes>,
    /// From here on bytes are copied.
    pub opaque: bool,
    /// The connection is closed behind it.
    pub close: bool,
    /// To be told.
    pub told: Vec<(&'static Note, String)>,
}

/// A protocol whose messages follow one another in each direction.
pub trait Talk: Send {
    /// What is remembered of a question until it is answered.
    type Kind: Send + 'static;

    /// Name of its Spec.
    fn name(&self) -> &'static str;

    /// What `bytes`, all that is unread in a direction, begin with. The first `seen` of them were looked at before, in vain. What the answer
    /// names is taken before this is asked again. Never called without bytes; never answers with a message of none. What [`Next::Pass`] names
    /// is entered in the book here.
    fn next(&mut self, dir: Dir, bytes: &[u8], seen: usize, book: &mut Book<Self::Kind>) -> Next;

    /// What a message says.
    fn draft(&self, dir: Dir, message: &Bytes, book: &Book<Self::Kind>) -> Draft;

    /// A message as changed; `was` is what came, empty where we make it ourselves.
    fn write(&mut self, dir: Dir, was: &Bytes, now: &Transit) -> Bytes;

    /// A message, perhaps changed, goes on: what follows from it. Not called for bytes that [`Next::Pass`] named.
    fn goes(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Self::Kind>);

    /// A message goes on as it came. Returns it, or what must stand for it since an earlier one was changed.
    fn unchanged(&mut self, dir: Dir, message: Bytes) -> Bytes {
        let _ = dir;
        message
    }

    /// A message does not go on.
    fn dropped(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Self::Kind>) {
        let _ = (dir, message, says);
    }

    /// We answer a request ourselves. Returns what is to be remembered of it until its turn comes; `None`: the answer may go out at once.
    fn ours(&mut self, request: &Bytes, answer: &Transit, says: &mut Says<'_, Self::Kind>) -> Option<Self::Kind> {
        let _ = (request, answer, says);
        None
    }

    /// The body of a head is wanted: it comes back with it as [`Next::Whole`].
    fn gather(&mut self, dir: Dir, head: &Bytes, says: &mut Says<'_, Self::Kind>) {
        let _ = (dir, head, says);
    }

    /// What was expected listens at this address: the message that says so. Also what is to be told.
    fn arranged(&mut self, dir: Dir, message: Bytes, at: Result<SocketAddr, String>, says: &mut Says<'_, Self::Kind>) -> Bytes {
        let _ = (dir, at, says);
        message
    }

    /// What the sender of a part that was kept must be told before it sends the next.
    fn kept(&mut self, dir: Dir) -> Option<Bytes> {
        let _ = dir;
        None
    }

    /// Whether what was sent in a direction so far ends with a message.
    fn between(&self, dir: Dir) -> bool {
        let _ = dir;
        true
    }

    /// Whether these bytes may follow at once behind what begins another protocol; everything else there is refused.
    fn may_be_heir(&self, dir: Dir, bytes: &[u8]) -> bool {
        // A TLS record with a handshake message, sent by a client that does not wait.
        dir == Dir::ToServer && bytes.first() == Some(&0x16)
    }

    /// Bytes of memory held, beside those that [`Talking`] holds.
    fn weight(&self) -> usize {
        0
    }
}

/// A message of our own.
#[derive(Debug)]
enum Own {
    /// Written already, and of no consequence.
    Bytes(Bytes),
    /// To be written, and followed, when its turn comes.
    Message(Box<Transit>),
}

impl Own {
    fn len(&self) -> usize {
        match self {
            Own::Bytes(b) => b.len(),
            Own::Message(t) => t.line.len().saturating_add(t.body.len()),
        }
    }
}

/// What a direction waits for.
#[derive(Debug, Default)]
enum At {
    #[default]
    Reading,
    Judged {
        ticket: u64,
        message: Bytes,
        stage: Stage,
    },
    Arranging {
        key: u64,
        message: Bytes,
    },
}

#[derive(Debug, Default)]
struct Half {
    held: Held,
    seen: usize,
    kept: BytesMut,
    at: At,
    /// Messages of our own, for the next time that one has ended.
    aside: VecDeque<Own>,
    ended: bool,
    finished: bool,
}

impl Half {
    /// All that was taken and not sent.
    fn rest(&mut self) -> Bytes {
        let mut all = std::mem::take(&mut self.kept);
        if let At::Judged { message, .. } | At::Arranging { message, .. } = std::mem::take(&mut self.at) {
            all.extend_from_slice(&message);
        }
        let held = self.held.take_all();
        if all.is_empty() {
            return held;
        }
        all.extend_from_slice(&held);
        all.freeze()
    }

    fn weight(&self) -> usize {
        let message = match &self.at {
            At::Reading => 0,
            At::Judged { message, .. } | At::Arranging { message, .. } => message.len(),
        };
        let aside = self.aside.iter().map(Own::len).fold(0usize, usize::saturating_add);
        self.held.len().saturating_add(self.kept.len()).saturating_add(message).saturating_add(aside)
    }
}

/// A [`Talk`] as a [`Middle`].
pub struct Talking<T: Talk> {
    talk: T,
    judge: bool,
    lax: bool,
    halves: [Half; 2],
    book: Book<T::Kind>,
    tickets: u64,
    /// Nothing is read any more; [`Step::Opaque`] follows as soon as no judgement is awaited.
    raw: bool,
    /// Another protocol begins; [`Step::Becomes`] follows as soon as no judgement is awaited.
    anew: bool,
    done: bool,
}

impl<T: Talk> std::fmt::Debug for Talking<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Talking({}, {} bytes)", self.talk.name(), self.halves.iter().map(Half::weight).fold(0, usize::saturating_add))
    }
}

impl<T: Talk> Talking<T> {
    /// Around a protocol.
    pub fn new(talk: T, setting: &Setting) -> Talking<T> {
        Talking {
            talk,
            judge: setting.judge,
            lax: setting.lax,
            halves: [Half::default(), Half::default()],
            book: Book::default(),
            tickets: 0,
            raw: false,
            anew: false,
            done: false,
        }
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// Asks the protocol, then does what it says. Returns whether the message at hand is for nobody else.
    fn ask<R>(&mut self, steps: &mut Vec<Step>, dir: Dir, f: impl FnOnce(&mut T, &mut Says<'_, T::Kind>) -> R) -> (R, After) {
        let mut says = Says {
            book: &mut self.book,
            becomes: None,
            expect: None,
            swallow: false,
            instead: None,
            back: Vec::new(),
            opaque: false,
            close: false,
            told: Vec::new(),
        };
        let r = f(&mut self.talk, &mut says);
        let Says { becomes, expect, swallow, instead, back, opaque, close, told, .. } = says;
        steps.extend(told.into_iter().map(|(note, words)| Step::Told { note, words }));
        self.half(dir.other()).aside.extend(back.into_iter().map(Own::Bytes));
        if self.book.slots.len() > MOST_OPEN {
            self.give_up(&note::NOT_JUDGED, steps);
        }
        self.raw |= opaque;
        (r, After { becomes, expect, swallow, instead, close })
    }

    fn give_up(&mut self, what: &'static Note, steps: &mut Vec<Step>) {
        if !std::mem::replace(&mut self.raw, true) {
            steps.push(Step::Told { note: what, words: "what follows goes on as it comes".into() });
        }
    }

    fn close(&mut self, steps: &mut Vec<Step>) {
        if !std::mem::replace(&mut self.done, true) {
            steps.push(Step::Close);
        }
    }

    /// Does all that can be done now.
    fn run(&mut self, steps: &mut Vec<Step>) {
        while !self.done && (self.turn(Dir::ToServer, steps) || self.turn(Dir::ToClient, steps)) {}
        if self.done {
            return;
        }
        if (self.raw || self.anew) && self.halves.iter().all(|h| matches!(h.at, At::Reading) && h.aside.is_empty()) {
            let [a, b] = &mut self.halves;
            let rest = [a.rest(), b.rest()];
            steps.push(if self.raw { Step::Opaque { rest } } else { Step::Becomes { hint: Hint::Probe, rest } });
            self.done = true;
            return;
        }
        for dir in Dir::BOTH {
            let half = self.half(dir);
            if half.ended && !half.finished && half.held.is_empty() && matches!(half.at, At::Reading) && half.aside.is_empty() {
                half.finished = true;
                steps.push(Step::Finish { dir });
            }
        }
    }

    /// Takes one thing in a direction. Returns whether there was one.
    fn turn(&mut self, dir: Dir, steps: &mut Vec<Step>) -> bool {
        if self.done || !matches!(self.half(dir).at, At::Reading) {
            return false;
        }
        if self.half(dir).finished {
            self.half(dir).aside.clear();
            return false;
        }
        if self.talk.between(dir) && self.put_in(dir, steps) {
            return true;
        }
        let raw = self.raw;
        let other_ended = self.half(dir.other()).finished;
        let [a, b] = &mut self.halves;
        let half = if dir == Dir::ToServer { a } else { b };
        // What was kept of a message goes on when it is clear that its end will not come.
        let cut = half.held.is_empty() && half.ended && !half.kept.is_empty();
        if (half.held.is_empty() && !cut) || (self.anew && !raw) {
            return false;
        }
        if raw || cut {
            let bytes = half.rest();
            steps.push(Step::Send { dir, bytes });
            return true;
        }
        let len = half.held.len();
        let next = self.talk.next(dir, half.held.bytes(), half.seen, &mut self.book);
        if !matches!(next, Next::More | Next::Wait) {
            half.seen = 0;
        }
        match next {
            Next::More if half.ended => {
                // The end of a message that will never be whole.
                let bytes = half.rest();
                steps.push(Step::Send { dir, bytes });
                true
            }
            Next::More if len.saturating_add(half.kept.len()) > MOST_WHOLE.saturating_add(64 << 10) => {
                self.give_up(&note::NOT_JUDGED, steps);
                true
            }
            Next::More => {
                half.seen = len;
                false
            }
            Next::Wait if other_ended => {
                self.raw = true;
                true
            }
            Next::Wait => false,
            Next::Keep(n) => {
                let bytes = half.held.take(n);
                half.kept.extend_from_slice(&bytes);
                if let Some(bytes) = self.talk.kept(dir) {
                    self.half(dir.other()).aside.push_back(Own::Bytes(bytes));
                }
                n > 0
            }
            Next::Pass(n) => {
                let bytes = half.held.take(n);
                let kept = std::mem::take(&mut half.kept);
                if !kept.is_empty() {
                    steps.push(Step::Send { dir, bytes: kept.freeze() });
                }
                if !bytes.is_empty() {
                    steps.push(Step::Send { dir, bytes });
                }
                n > 0
            }
            Next::Drop(n) => {
                half.held.take(n);
                n > 0
            }
            // A Talk that names nothing would be asked for ever.
            Next::Whole(0) | Next::Apart(0) | Next::Head(0) => {
                self.give_up(&note::NOT_GRAMMAR, steps);
                true
            }
            Next::Whole(n) => {
                let mut message = half.held.take(n);
                if !half.kept.is_empty() {
                    let mut all = std::mem::take(&mut half.kept);
                    all.extend_from_slice(&message);
                    message = all.freeze();
                }
                self.arrived(dir, message, Stage::Whole, steps);
                true
            }
            Next::Apart(n) => {
                let message = half.held.take(n);
                self.arrived(dir, message, Stage::Whole, steps);
                true
            }
            Next::Head(n) => {
                let message = half.held.take(n);
                self.arrived(dir, message, Stage::Head, steps);
                true
            }
            Next::Opaque => {
                self.raw = true;
                true
            }
            Next::Anew => {
                self.anew = true;
                false
            }
            Next::Broken(what) => {
                self.give_up(what, steps);
                true
            }
            Next::Refused(what) => {
                steps.push(Step::Told { note: what, words: "the connection is closed".into() });
                self.close(steps);
                true
            }
        }
    }

    /// Messages of our own whose turn it is.
    fn put_in(&mut self, dir: Dir, steps: &mut Vec<Step>) -> bool {
        match self.half(dir).aside.pop_front() {
            Some(Own::Bytes(bytes)) => {
                steps.push(Step::Send { dir, bytes });
                return true;
            }
            Some(Own::Message(own)) => {
                let message = self.talk.write(dir, &Bytes::new(), &own);
                self.book.mute = dir == Dir::ToServer;
                self.goes(dir, message, steps);
                self.book.mute = false;
                return true;
            }
            None => {}
        }
        if dir == Dir::ToClient
            && let Some(bytes) = self.book.slots.front_mut().and_then(|s| s.ours.take())
        {
            self.book.answered();
            steps.push(Step::Send { dir, bytes });
            return true;
        }
        false
    }

    fn arrived(&mut self, dir: Dir, message: Bytes, stage: Stage, steps: &mut Vec<Step>) {
        // Nobody judges answers to what we asked ourselves.
        let muted = dir == Dir::ToClient && self.book.front().is_some_and(|s| s.mute);
        if !self.judge || muted {
            let message = self.talk.unchanged(dir, message);
            return self.goes(dir, message, steps);
        }
        let transit = self.transit(dir, &message, stage);
        let ticket = self.tickets;
        self.tickets = self.tickets.saturating_add(1);
        self.half(dir).at = At::Judged { ticket, message, stage };
        steps.push(Step::Judge { ticket, message: Box::new(transit) });
    }

    fn transit(&self, dir: Dir, message: &Bytes, stage: Stage) -> Transit {
        let Draft { part, exchange, line, body } = self.talk.draft(dir, message, &self.book);
        let proto = self.talk.name();
        Transit { proto, dir, exchange, part, stage, line, headers: Vec::new(), body, trailers: Vec::new(), url: None }
    }

    fn goes(&mut self, dir: Dir, message: Bytes, steps: &mut Vec<Step>) {
        let muted = dir == Dir::ToClient && self.book.front().is_some_and(|s| s.mute);
        let ((), after) = self.ask(steps, dir, |t, says| t.goes(dir, &message, says));
        if let Some(agreed) = after.expect {
            self.half(dir).at = At::Arranging { key: agreed.key, message };
            steps.push(Step::Expect(agreed));
            return;
        }
        if let Some(hint) = after.becomes {
            return self.becomes(dir, message, hint, steps);
        }
        let message = after.instead.unwrap_or(message);
        if !after.swallow && !muted && !message.is_empty() {
            steps.push(Step::Send { dir, bytes: message });
        }
        if after.close {
            self.close(steps);
        }
    }

    /// The message at hand begins another protocol. What stands behind it already, in the clear, was put there by somebody who hopes that it
    /// is taken for what comes through the tunnel.
    fn becomes(&mut self, dir: Dir, message: Bytes, hint: Hint, steps: &mut Vec<Step>) {
        let behind = Dir::BOTH.into_iter().zip(&self.halves);
        let injected =
            behind.filter(|(d, h)| !h.held.is_empty() && !self.talk.may_be_heir(*d, h.held.bytes())).map(|(d, _)| d).next();
        if let Some(from) = injected.filter(|_| !self.lax) {
            let who = if from == Dir::ToServer { "client" } else { "server" };
            let words = format!("bytes of the {who} in the clear where only TLS may follow: the connection is closed");
            steps.push(Step::Told { note: &note::BEHIND_UPGRADE, words });
            return self.close(steps);
        }
        steps.push(Step::Send { dir, bytes: message });
        let [a, b] = &mut self.halves;
        for (half, dir) in [(&mut *a, Dir::ToServer), (&mut *b, Dir::ToClient)] {
            let ours = half.aside.drain(..).filter_map(|own| if let Own::Bytes(bytes) = own { Some(bytes) } else { None });
            steps.extend(ours.map(|bytes| Step::Send { dir, bytes }));
        }
        steps.push(Step::Becomes { hint, rest: [a.rest(), b.rest()] });
        self.done = true;
    }

    fn judged(&mut self, dir: Dir, message: Bytes, stage: Stage, judgement: Judgement, steps: &mut Vec<Step>) {
        match judgement {
            Judgement::Body if stage == Stage::Head => {
                self.ask(steps, dir, |t, says| t.gather(dir, &message, says));
                self.half(dir).kept.extend_from_slice(&message);
            }
            Judgement::Pass | Judgement::Body => {
                let message = self.talk.unchanged(dir, message);
                self.goes(dir, message, steps);
            }
            Judgement::Change(now) => {
                let was = self.transit(dir, &message, stage);
                let same = was.line == now.line && was.body == now.body;
                let message = if same { self.talk.unchanged(dir, message) } else { self.talk.write(dir, &message, &now) };
                self.goes(dir, message, steps);
            }
            Judgement::Drop => {
                let ((), after) = self.ask(steps, dir, |t, says| t.dropped(dir, &message, says));
                if after.close {
                    self.close(steps);
                }
            }
            Judgement::Answer(answer) => self.answer(dir, &message, &answer, steps),
            Judgement::Reset => self.close(steps),
        }
    }

    /// A message does not go on, and this goes back to who sent it.
    fn answer(&mut self, dir: Dir, message: &Bytes, answer: &Transit, steps: &mut Vec<Step>) {
        let bytes = self.talk.write(dir.other(), &Bytes::new(), answer);
        let (kind, after) = self.ask(steps, dir, |t, says| {
            if dir == Dir::ToServer {
                t.ours(message, answer, says)
            } else {
                t.dropped(dir, message, says);
                None
            }
        });
        match kind {
            Some(kind) => {
                self.book.ask(kind);
                if let Some(slot) = self.book.slots.back_mut() {
                    slot.ours = Some(bytes);
                }
            }
            None => self.half(dir.other()).aside.push_back(Own::Bytes(bytes)),
        }
        if after.close {
            // What is due goes out first.
            while self.turn(Dir::ToClient, steps) {}
            self.close(steps);
        }
    }

    /// A message that nobody sent.
    fn put(&mut self, own: Box<Transit>) -> Result<(), String> {
        let raw = self.raw;
        let half = self.half(own.dir);
        let waiting = half.aside.iter().map(Own::len).fold(0, usize::saturating_add);
        if raw {
            return Err("nothing is read on this connection any more, so nobody knows where a message may stand".into());
        }
        if half.finished {
            return Err("that side has said that it sends nothing more".into());
        }
        if waiting.saturating_add(own.body.len()) > MOST_ASIDE {
            return Err(format!(
                "messages of {waiting} bytes wait already for the end of the one that is going out: try again later"
            ));
        }
        half.aside.push_back(Own::Message(own));
        Ok(())
    }
}

/// What is left of [`Says`] when the rest is done.
struct After {
    becomes: Option<Hint>,
    expect: Option<Agreed>,
    swallow: bool,
    instead: Option<Bytes>,
    close: bool,
}

impl<T: Talk> Middle for Talking<T> {
    fn push(&mut self, dir: Dir, bytes: Bytes, steps: &mut Vec<Step>) {
        if self.done || self.half(dir).ended {
            return;
        }
        self.half(dir).held.push(bytes);
        self.run(steps);
    }

    fn end(&mut self, dir: Dir, how: End, steps: &mut Vec<Step>) {
        self.half(dir).ended = true;
        if how == End::Reset {
            self.close(steps);
        }
        self.run(steps);
    }

    fn tell(&mut self, news: News, steps: &mut Vec<Step>) {
        if self.done {
            return;
        }
        match news {
            News::Judged { ticket, judgement } => {
                let of = |h: &Half| matches!(&h.at, At::Judged { ticket: t, .. } if *t == ticket);
                let Some(dir) = Dir::BOTH.into_iter().find(|d| of(self.half(*d))) else { return };
                if let At::Judged { message, stage, .. } = std::mem::take(&mut self.half(dir).at) {
                    self.judged(dir, message, stage, judgement, steps);
                }
            }
            News::Listening { key, at } => {
                let of = |h: &Half| matches!(&h.at, At::Arranging { key: k, .. } if *k == key);
                let Some(dir) = Dir::BOTH.into_iter().find(|d| of(self.half(*d))) else { return };
                if let At::Arranging { message, .. } = std::mem::take(&mut self.half(dir).at) {
                    let (bytes, after) = self.ask(steps, dir, |t, says| t.arranged(dir, message, at, says));
                    if !after.swallow && !bytes.is_empty() {
                        steps.push(Step::Send { dir, bytes });
                    }
                    if after.close {
                        self.close(steps);
                    }
                }
            }
            News::Answer(answer) => {
                let dir = answer.dir.other();
                match std::mem::take(&mut self.half(dir).at) {
                    At::Judged { message, .. } => self.answer(dir, &message, &answer, steps),
                    at => {
                        self.half(dir).at = at;
                        // Nobody waits for a word about it: what cannot stand there any more is let go.
                        let _ = self.put(answer);
                    }
                }
            }
            News::Routed(_) => {}
        }
        self.run(steps);
    }

    fn inject(&mut self, own: Transit, steps: &mut Vec<Step>) -> Result<(), String> {
        if self.done {
            return Err("this conversation is over".into());
        }
        self.put(Box::new(own))?;
        self.run(steps);
        Ok(())
    }

    fn holds(&self, dir: Dir) -> bool {
        // Whoever waits for more bytes of the same direction must get them; how many that may be is bounded here.
        let [a, b] = &self.halves;
        let half = if dir == Dir::ToServer { a } else { b };
        !matches!(half.at, At::Reading) || (!half.held.is_empty() && half.seen < half.held.len())
    }

    fn weight(&self) -> usize {
        let halves = self.halves.iter().map(Half::weight).fold(self.talk.weight(), usize::saturating_add);
        let slots = self.book.slots.len().saturating_mul(size_of::<Slot<T::Kind>>());
        let ours = self.book.slots.iter().filter_map(|s| s.ours.as_ref()).map(Bytes::len).fold(0, usize::saturating_add);
        halves.saturating_add(slots).saturating_add(ours)
    }
}
