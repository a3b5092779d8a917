//! Messages that wait for somebody to say what becomes of them.
//!
//! They wait as long as it takes: the gate knows no time limit. What is bounded is memory; beyond it messages go on and say so.

use crate::conn::Conn;
use crate::memory::Memory;
use crate::verdict::{Hit, Outcome};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};
use wirelore_kit::middle::{Judgement, Part, Transit};

/// Bytes of all held messages together.
const MOST_BYTES: usize = 256 << 20;
/// Held messages.
const MOST: usize = 10_000;

/// What is to become of a held message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// It goes on as it is.
    Forward,
    /// It goes on as this.
    Change(Box<Transit>),
    /// It does not go on; nothing answers.
    Drop,
    /// It does not go on; this answers, or takes the place of an answer that was held.
    Answer(Box<Transit>),
    /// The connection is broken off.
    Reset,
}

/// A held message, as it is shown.
#[derive(Debug, Clone)]
pub struct HeldMessage {
    /// Names it in [`crate::Gate::release`].
    pub id: u64,
    /// Number of its connection.
    pub conn: u64,
    /// The connection's two ends, in words.
    pub between: String,
    /// When it was held.
    pub at: SystemTime,
    /// How long ago that was.
    pub age: Duration,
    /// The rule that holds it; `intercept`.
    pub rule: String,
    /// The message as it would go on.
    pub message: Arc<Transit>,
    /// The message as it came, where rules changed it.
    pub original: Option<Arc<Transit>>,
}

pub(crate) type Then = Box<dyn FnOnce(Outcome) + Send>;

struct Waiting {
    shown: HeldMessage,
    since: Instant,
    /// Gone when the connection is.
    alive: Weak<Memory>,
    came: Arc<Transit>,
    changed: bool,
    hits: Vec<Hit>,
    wait: Duration,
    then: Then,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Held {
    last: u64,
    bytes: usize,
    all: BTreeMap<u64, Waiting>,
}

/// What a rule or a filter wants held.
pub(crate) struct Stop<'a> {
    pub(crate) conn: &'a Conn,
    pub(crate) came: &'a Transit,
    pub(crate) now: Option<&'a Transit>,
    pub(crate) rule: &'a str,
    pub(crate) hits: Vec<Hit>,
    pub(crate) wait: Duration,
}

impl Held {
    /// Holds a message. Where there is no room it is handed back.
    pub(crate) fn hold(&mut self, stop: Stop<'_>, then: Then) -> Result<HeldMessage, (Vec<Hit>, Then)> {
        self.forget_gone();
        let weight = weight(stop.came).saturating_add(stop.now.map_or(0, weight));
        if self.all.len() >= MOST || self.bytes.saturating_add(weight) > MOST_BYTES {
            return Err((stop.hits, then));
        }
        self.last = self.last.saturating_add(1);
        let came = Arc::new(stop.came.clone());
        let message = stop.now.map_or_else(|| Arc::clone(&came), |m| Arc::new(m.clone()));
        let c = stop.conn;
        let shown = HeldMessage {
            id: self.last,
            conn: c.number,
            between: c.between(),
            at: SystemTime::now(),
            age: Duration::ZERO,
            rule: stop.rule.to_string(),
            message,
            original: stop.now.is_some().then(|| Arc::clone(&came)),
        };
        let (alive, changed) = (Arc::downgrade(&c.memory), stop.now.is_some());
        let told = shown.clone();
        self.bytes = self.bytes.saturating_add(weight);
        self.all.insert(
            self.last,
            Waiting { shown, since: Instant::now(), alive, came, changed, hits: stop.hits, wait: stop.wait, then },
        );
        Ok(told)
    }

    fn take(&mut self, id: u64) -> Option<Waiting> {
        let w = self.all.remove(&id)?;
        let freed = weight(&w.came).saturating_add(if w.changed { weight(&w.shown.message) } else { 0 });
        self.bytes = self.bytes.saturating_sub(freed);
        Some(w)
    }

    /// Messages of connections that are gone wait for nothing.
    fn forget_gone(&mut self) {
        let gone: Vec<u64> = self.all.iter().filter(|(_, w)| w.alive.strong_count() == 0).map(|(id, _)| *id).collect();
        for id in gone {
            drop(self.take(id));
        }
    }

    /// All held messages, the oldest first.
    pub(crate) fn list(&mut self) -> Vec<HeldMessage> {
        self.forget_gone();
        self.all.values().map(|w| HeldMessage { age: w.since.elapsed(), ..w.shown.clone() }).collect()
    }

    pub(crate) fn get(&mut self, id: u64) -> Option<HeldMessage> {
        self.forget_gone();
        self.all.get(&id).map(|w| HeldMessage { age: w.since.elapsed(), ..w.shown.clone() })
    }

    /// Lets a message go. What is to be told is called by the caller, behind the lock.
    pub(crate) fn release(&mut self, id: u64, release: Release) -> Option<Released> {
        self.forget_gone();
        let w = self.take(id)?;
        let held = w.since.elapsed();
        let (judgement, how) = decide(&w, release);
        let mut hits = w.hits;
        hits.push(Hit { rule: w.shown.rule.clone(), did: format!("held for {:.1} s, then {how}", held.as_secs_f64()) });
        Some(Released { shown: w.shown, came: w.came, judgement, hits, wait: w.wait, then: w.then, how })
    }
}

/// A message that was let go.
pub(crate) struct Released {
    pub(crate) shown: HeldMessage,
    pub(crate) came: Arc<Transit>,
    pub(crate) judgement: Judgement,
    pub(crate) hits: Vec<Hit>,
    pub(crate) wait: Duration,
    pub(crate) then: Then,
    pub(crate) how: String,
}

fn decide(w: &Waiting, release: Release) -> (Judgement, String) {
    let held = &w.shown.message;
    let as_it_is = || if w.changed { Judgement::Change(Box::new(held.as_ref().clone())) } else { Judgement::Pass };
    // What it is in its conversation is not the user's to change.
    let named = |mut m: Box<Transit>| {
        (m.proto, m.dir, m.exchange, m.part, m.stage) = (held.proto, held.dir, held.exchange, held.part, held.stage);
        m
    };
    match release {
        Release::Forward => (as_it_is(), "went on".into()),
        Release::Change(m) => {
            let m = named(m);
            match differences(held, &m) {
                none if none.is_empty() => (as_it_is(), "went on".into()),
                parts => (Judgement::Change(m), format!("changed: {}", parts.join(", "))),
            }
        }
        Release::Drop => (Judgement::Drop, "dropped".into()),
        Release::Answer(m) if held.part == Part::Request => {
            let mut m = named(m);
            (m.dir, m.part, m.stage) = (held.dir.other(), Part::Response, wirelore_kit::middle::Stage::Whole);
            (Judgement::Answer(m), "answered".into())
        }
        Release::Answer(m) => (Judgement::Change(named(m)), "another answer took its place".into()),
        Release::Reset => (Judgement::Reset, "broken off".into()),
    }
}

/// Which parts differ.
pub(crate) fn differences(a: &Transit, b: &Transit) -> Vec<&'static str> {
    let parts = [
        ("line", a.line != b.line),
        ("headers", a.headers != b.headers),
        ("body", a.body != b.body),
        ("trailers", a.trailers != b.trailers),
        ("address", a.url != b.url),
    ];
    parts.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}

/// Bytes that a message holds in memory.
pub(crate) fn weight(m: &Transit) -> usize {
    let pair = |(n, v): &(bytes::Bytes, bytes::Bytes)| n.len().saturating_add(v.len()).saturating_add(64);
    let pairs = m.headers.iter().chain(&m.trailers).map(pair).fold(0usize, usize::saturating_add);
    [m.line.len(), m.body.len(), pairs, size_of::<Transit>()].into_iter().fold(0, usize::saturating_add)
}
