//! One message judged: rules in order, then earlier exchanges, then breakpoints.

use crate::conn::Conn;
use crate::filter::{Fits, Scene};
use crate::gate::{Event, Gate, lock};
use crate::held::{Stop, Then};
use crate::rules::{HOUSE, Turn, Work, asks_for_tunnel};
use crate::set::Set;
use crate::verdict::{Hit, Outcome};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use wirelore_kit::middle::{Judgement, Part, Refusal, Stage, Transit};

impl Gate {
    /// Judges a message. `Some`: at once. `None`: it is held, or its answer is fetched; `then` is called later, once, from any thread, or
    /// is dropped uncalled when the gate is.
    ///
    /// Where it says [`Judgement::Body`] the message is to be judged again at [`Stage::Whole`]; if its body turns out not to be had, again
    /// at [`Stage::Head`]: then it is judged without.
    pub fn judge(&self, conn: &Conn, message: Transit, then: impl FnOnce(Outcome) + Send + 'static) -> Option<Outcome> {
        if !self.armed() {
            return Some(Outcome::pass());
        }
        let set = self.set();
        let waited = conn.memory.waited_for_body(&message);
        let is_answer = matches!(message.part, Part::Response | Part::Interim);
        let question = if is_answer { conn.memory.question(&message) } else { None };
        let mut work = Work {
            conn,
            came: &message,
            now: None,
            body_to_come: message.stage == Stage::Head
                && !waited
                && !asks_for_tunnel(&message)
                && can_be_kept(&message, self.keep()),
            decode: self.decode(),
            wait: Duration::ZERO,
            hits: Vec::new(),
            used: Vec::new(),
            hold: None,
        };
        let turn = rules(&set, &mut work, question.as_deref());
        let needs_body = matches!(turn, Turn::NeedBody)
            // An answer will be judged by the body of this question, which is there only now.
            || (set.looks_back && message.part == Part::Request && work.body_to_come && !matches!(turn, Turn::End(_)));
        let (hold, needs_body) = match (&turn, needs_body) {
            (_, true) => (None, true),
            (Turn::Next | Turn::Stop, false) => match breakpoint(&set, &work, question.as_deref()) {
                Wants::Body => (None, true),
                Wants::Hold(rule) => (Some(rule), false),
                Wants::Nothing => (None, false),
            },
            _ => (None, false),
        };
        if needs_body {
            conn.memory.wait_for_body(&message);
            return Some(Outcome::of(Judgement::Body));
        }
        for rule in &work.used {
            rule.hit();
        }
        let hits = std::mem::take(&mut work.hits);
        let (now, wait) = (work.now.take(), work.wait);
        remember(&set, conn, now.as_deref().unwrap_or(&message));
        if let Some(rule) = hold {
            let stop = Stop { conn, came: &message, now: now.as_deref(), rule: &rule, hits, wait };
            return self.hold(stop, Box::new(then));
        }
        let came = Arc::new(message);
        let judgement = match turn {
            Turn::End(judgement) => judgement,
            Turn::Fetch(origin, request) => return self.fetch(conn, came, origin, *request, (hits, wait), Box::new(then)),
            _ => now.map_or(Judgement::Pass, Judgement::Change),
        };
        if hits.is_empty() && judgement == Judgement::Pass {
            return Some(Outcome { wait, ..Outcome::pass() });
        }
        Some(self.settled(conn.number, &came, judgement, hits, wait))
    }

    fn hold(&self, stop: Stop<'_>, then: Then) -> Option<Outcome> {
        let (conn, came, wait) = (stop.conn.number, Arc::new(stop.came.clone()), stop.wait);
        let (now, rule) = (stop.now.cloned(), stop.rule.to_string());
        let held = lock(&self.0.held).hold(stop, then);
        match held {
            Ok(shown) => {
                self.tell(&Event::Held(shown));
                None
            }
            Err((mut hits, _)) => {
                hits.push(Hit { rule, did: "not held: too many messages are held already; let some go".into() });
                let judgement = now.map_or(Judgement::Pass, |m| Judgement::Change(Box::new(m)));
                Some(self.settled(conn, &came, judgement, hits, wait))
            }
        }
    }

    fn fetch(
        &self,
        conn: &Conn,
        came: Arc<Transit>,
        origin: wirelore_kit::middle::Origin,
        request: Transit,
        (mut hits, wait): (Vec<Hit>, Duration),
        then: Then,
    ) -> Option<Outcome> {
        let Some(fetch) = self.0.fetch.get() else {
            for h in &mut hits {
                h.did.push_str(" (not done: nothing here can fetch)");
            }
            return Some(self.settled(conn.number, &came, Judgement::Pass, hits, wait));
        };
        let (gate, number) = (self.clone(), conn.number);
        let then = Box::new(move |fetched: Result<Transit, Refusal>| {
            let mut answer = fetched.unwrap_or_else(|refusal| refused(&came, &refusal));
            (answer.proto, answer.exchange, answer.part, answer.stage) =
                (came.proto, came.exchange, Part::Response, Stage::Whole);
            answer.dir = came.dir.other();
            then(gate.settled(number, &came, Judgement::Answer(Box::new(answer)), hits, wait));
        });
        fetch(origin, request, then);
        None
    }
}

/// Asks the rules, then earlier exchanges.
fn rules(set: &Set, work: &mut Work<'_>, question: Option<&Transit>) -> Turn {
    for rule in set.rules.iter().filter(|r| r.is_enabled()) {
        let scene = Scene { conn: work.conn, message: Some(work.message()), question, decode: work.decode };
        match rule.fits(&scene) {
            Fits::No => continue,
            Fits::NotYet if work.body_to_come => return Turn::NeedBody,
            Fits::NotYet => continue,
            Fits::Yes => {}
        }
        match work.apply(rule) {
            Turn::Next => {}
            end => return end,
        }
    }
    let asks = work.message().part == Part::Request && !asks_for_tunnel(work.message());
    let Some(replies) = set.replies.as_ref().filter(|_| asks) else { return Turn::Next };
    if work.message().stage == Stage::Head && work.body_to_come && replies.needs_body(work.message()) {
        return Turn::NeedBody;
    }
    work.reply(replies.as_ref())
}

enum Wants {
    Nothing,
    Body,
    Hold(String),
}

/// Whether a breakpoint holds the message.
fn breakpoint(set: &Set, work: &Work<'_>, question: Option<&Transit>) -> Wants {
    let scene = Scene { conn: work.conn, message: Some(work.message()), question, decode: work.decode };
    let rule = match (&work.hold, &set.intercept) {
        (Some(rule), _) => rule.name.clone(),
        // Tunnels carry what the filter is about, mostly; they are meant where it names a method.
        (None, Some(filter)) if asks_for_tunnel(work.message()) && !filter.names_method() => return Wants::Nothing,
        (None, Some(filter)) => match filter.fits(&scene) {
            Fits::Yes => "intercept".to_string(),
            Fits::NotYet if work.body_to_come => return Wants::Body,
            _ => return Wants::Nothing,
        },
        (None, None) => return Wants::Nothing,
    };
    // Whoever looks at it wants to see and change all of it.
    if work.body_to_come { Wants::Body } else { Wants::Hold(rule) }
}

/// Keeps questions for judging their answers.
fn remember(set: &Set, conn: &Conn, m: &Transit) {
    match m.part {
        // What is asked in a tunnel begins anew.
        Part::Request if asks_for_tunnel(m) => {}
        Part::Request => {
            let mut kept = m.clone();
            if !set.looks_back {
                kept.body = Bytes::new();
            }
            conn.memory.asked(Arc::new(kept));
        }
        Part::Response => conn.memory.answered(m),
        Part::Interim | Part::Message => {}
    }
}

/// Whether it makes sense to wait for the body: an endless one never is there, and messages of gRPC come one by one.
fn can_be_kept(m: &Transit, keep: usize) -> bool {
    let endless = |t: &[u8]| {
        t.to_ascii_lowercase().starts_with(b"text/event-stream")
            || t.to_ascii_lowercase().starts_with(b"multipart/x-mixed")
            || brings_messages(m)
    };
    let length = m.header("content-length").and_then(|v| std::str::from_utf8(v).ok()?.trim().parse::<u64>().ok());
    !m.header("content-type").is_some_and(|t| endless(t)) && length.is_none_or(|l| l <= keep as u64)
}

/// Whether what is in the body comes as messages, each to be judged for itself.
pub(crate) fn brings_messages(m: &Transit) -> bool {
    let rest = m.header("content-type").and_then(|t| t.strip_prefix(b"application/grpc"));
    m.proto == "http2" && rest.is_some_and(|r| matches!(r.first(), None | Some(b'+' | b';' | b' ')))
}

/// The page that says why nothing could be fetched.
fn refused(question: &Transit, refusal: &Refusal) -> Transit {
    let text = format!("{}\n{}\n{}\n", refusal.what, refusal.why, refusal.what_to_do);
    let header = |n: &'static str, v: String| (Bytes::from_static(n.as_bytes()), Bytes::from(v));
    let headers = vec![
        header("Content-Type", "text/plain; charset=utf-8".into()),
        header("Content-Length", text.len().to_string()),
        header("Server", HOUSE.into()),
    ];
    Transit {
        line: crate::rules::status_line(question, refusal.status),
        headers,
        body: Bytes::from(text),
        trailers: Vec::new(),
        ..question.clone()
    }
}
