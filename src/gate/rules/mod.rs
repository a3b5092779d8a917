//! Rules without code: what they are, and in which order they are asked.
//!
//! Every rule that fits is applied, in the order in which they stand; each sees what those before it made of the message. A rule that
//! answers, blocks, drops, resets or sends elsewhere ends the list; so does `stop`. Breakpoints come last and see what would go on.

mod act;
mod amount;
mod answer;
mod file;
mod local;
mod remote;
mod spelling;

pub(crate) use act::{Turn, Work};
pub use amount::{parse_delay, parse_throttle, profiles};
pub(crate) use answer::{HOUSE, status_line};
pub use file::{RulesError, parse_rules};
pub(crate) use remote::{origin_of, target_of};
pub use spelling::{Spelling, SpellingError, anticache, anticomp, throttle};

use crate::conn::Conn;
use crate::filter::{Filter, Fits, Scene};
use crate::verdict::Pace;
use bytes::Bytes;
use regex::bytes::Regex;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use wirelore_kit::middle::{Part, Transit};

/// What a rule is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// What is said unasked: questions, and messages that are neither question nor answer. Not questions for a tunnel.
    Request,
    /// Answers; not interim ones.
    Response,
    /// Questions, answers, and messages that are neither.
    Message,
    /// Answers before the answer: HTTP's 1xx (RFC 9110 §15.2), FTP's 1yz.
    Interim,
    /// Questions for a tunnel: CONNECT (RFC 9110 §9.3.6), before anybody is dialled.
    Tunnel,
    /// The connection, before anything is sent to the server.
    Connection,
}

impl On {
    fn takes(self, m: &Transit) -> bool {
        match self {
            On::Request => matches!(m.part, Part::Request | Part::Message) && !asks_for_tunnel(m),
            On::Response => m.part == Part::Response,
            On::Message => m.part != Part::Interim && !asks_for_tunnel(m),
            On::Interim => m.part == Part::Interim,
            On::Tunnel => asks_for_tunnel(m),
            On::Connection => false,
        }
    }
}

/// Whether a message asks for a tunnel: CONNECT and a host and port, not a path as HTTP/2's extended CONNECT has (RFC 8441).
pub(crate) fn asks_for_tunnel(m: &Transit) -> bool {
    let target = m.line.strip_prefix(b"CONNECT ").filter(|_| m.part == Part::Request && answer::is_http(m.proto));
    target.is_some_and(|t| !t.iter().take_while(|b| **b != b' ').any(|b| *b == b'/'))
}

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// In the file of rules, at this line, counted from 1.
    File(usize),
    /// On the command line.
    CommandLine,
    /// While running, over the control socket or in the window.
    Running,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// What it is called where its hits are told.
    pub name: String,
    /// Where it was written.
    pub written: Written,
    /// What it is applied to.
    pub on: On,
    /// Which of them.
    pub filter: Filter,
    /// The URL must match this, which is also what `map-local` and `map-remote` replace.
    pub(crate) url: Option<Regex>,
    pub(crate) acts: Vec<Act>,
    /// No later rule is asked where this one fits.
    pub stop: bool,
    /// How often it did something.
    pub(crate) hits: AtomicU64,
    pub(crate) enabled: AtomicBool,
}

/// One thing that a rule does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Delay(Duration),
    Throttle(Pace),
    Line(Replace),
    Method(Bytes),
    Status(u16),
    SetHeader(Bytes, Bytes),
    AddHeader(Bytes, Bytes),
    RemoveHeader(Bytes),
    ReplaceHeader(Bytes, Replace),
    SetBody(Source),
    ReplaceBody(Replace),
    MapRemote(Remote),
    MapLocal(PathBuf),
    Answer(Answer),
    Block(u16),
    Drop,
    Reset,
    Hold,
}

impl Act {
    /// In a rule that does several things, they are done in this order.
    const fn rank(&self) -> u8 {
        match self {
            Act::Throttle(_) => 0,
            Act::Delay(_) => 1,
            Act::Line(_) | Act::Method(_) | Act::Status(_) => 2,
            Act::RemoveHeader(_) => 3,
            Act::SetHeader(..) => 4,
            Act::AddHeader(..) => 5,
            Act::ReplaceHeader(..) => 6,
            Act::SetBody(_) => 7,
            Act::ReplaceBody(_) => 8,
            Act::Hold => 9,
            _ => 10,
        }
    }
}

/// Matches replaced.
#[derive(Debug, Clone)]
pub(crate) struct Replace {
    pub(crate) find: Regex,
    /// `$1` and `${name}` stand for groups, if `groups`.
    pub(crate) with: Source,
    pub(crate) groups: bool,
}

/// Bytes given in the rule, or read from a file each time.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Bytes(Bytes),
    File(PathBuf),
}

impl Source {
    fn read(&self) -> Result<Bytes, String> {
        match self {
            Source::Bytes(b) => Ok(b.clone()),
            Source::File(path) => local::read(path),
        }
    }
}

/// Where a request is sent instead.
#[derive(Debug, Clone)]
pub(crate) enum Remote {
    /// The URL with its match replaced.
    Url(Replace),
    /// Another server; the path stays.
    Server { tls: Option<bool>, host: String, port: Option<u16> },
}

/// An answer given in a rule.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The whole first line, for protocols that are not HTTP.
    pub(crate) line: Option<Bytes>,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(Bytes, Bytes)>,
    pub(crate) body: Source,
}

impl Rule {
    pub(crate) fn new(name: String, written: Written, on: On, filter: Filter, mut acts: Vec<Act>) -> Rule {
        acts.sort_by_key(Act::rank);
        Rule { name, written, on, filter, url: None, acts, stop: false, hits: AtomicU64::new(0), enabled: AtomicBool::new(true) }
    }

    /// Whether it is asked at all.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether it concerns this message.
    pub(crate) fn fits(&self, scene: &Scene<'_>) -> Fits {
        let Some(m) = scene.message else { return self.filter.fits(scene) };
        if !self.on.takes(m) {
            return Fits::No;
        }
        if let Some(url) = &self.url {
            let asked = m.url.as_deref().or_else(|| scene.question?.url.as_deref());
            if !asked.is_some_and(|u| url.is_match(u.as_bytes())) {
                return Fits::No;
            }
        }
        self.filter.fits(scene)
    }

    /// Whether it may concern messages of this connection.
    pub(crate) fn may_concern(&self, conn: &Conn) -> bool {
        // Who asks for a tunnel has named no server yet.
        let late = self.on == On::Tunnel && conn.server.is_some();
        let reads = self.on != On::Connection && !self.only_paces() && !late;
        reads && self.is_enabled() && self.fits(&Scene { conn, message: None, question: None, decode: None }) != Fits::No
    }

    /// Whether it paces connections and does nothing else.
    pub(crate) fn only_paces(&self) -> bool {
        self.acts.iter().all(|a| matches!(a, Act::Throttle(_)))
    }

    /// Whether it keeps requests from the server that they are for.
    pub(crate) fn answers(&self) -> bool {
        let keeps =
            |a: &Act| matches!(a, Act::MapLocal(_) | Act::MapRemote(_) | Act::Answer(_) | Act::Block(_) | Act::Drop | Act::Reset);
        matches!(self.on, On::Request | On::Message) && self.acts.iter().any(keeps)
    }

    /// Whether answers are judged by the bodies of their questions.
    pub(crate) fn looks_back(&self) -> bool {
        matches!(self.on, On::Response | On::Message) && self.filter.looks_at_question_bodies()
    }

    /// What it does, in words.
    #[must_use]
    pub fn does(&self) -> String {
        let all: Vec<String> = self.acts.iter().map(act::describe).collect();
        all.join(", ")
    }
}
