//! HTTP/1 in the middle: between a client and its server, or as the proxy that the client knows.
//!
//! Messages are told apart by their framing (RFC 9112 §6) with the grammar that the dissector reads by, and go on byte for byte but for what
//! a proxy has to change ([`forward`]) and what a judge changes ([`edit`]). What two readers could read differently is refused with a page
//! unless the setting is lax. Folded lines of headers and trailers: joined with blanks by a proxy, as RFC 9112 §5.2 asks; left as they are
//! elsewhere.

mod chunks;
mod cursor;
mod edit;
mod end;
mod exchange;
mod flow;
mod forward;
mod head;
mod page;
mod request;
mod response;

use super::body::Frame;
use bytes::{Bytes, BytesMut};
use cursor::Cursor;
use exchange::{Answering, Asking, Exchange};
use head::Lines;
use std::collections::VecDeque;
use wirelore_kit::middle::{Judgement, Middle, News, Origin, Place, Setting, Step};
use wirelore_kit::{Dir, End, Hint, Note};

/// So many requests may wait for their answers; then no more are taken until one is answered.
const MOST_ASKED: usize = 1024;

/// What happens to the bytes of a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A head comes next.
    Head,
    /// A body that goes on.
    Body(Frame),
    /// A body that is thrown away.
    Skip(Frame),
    /// A body that is kept to be judged.
    Keep(Frame),
    /// Nothing is read until something else has happened: a judgement, a route, the answer to an upgrade, the end of earlier exchanges.
    Wait,
    /// All that comes is thrown away.
    Done,
}

/// How reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    /// With what is there.
    On,
    /// When more has come or something has happened.
    Stop,
    /// Not at all: the conversation is over for us.
    Over,
}

/// One direction.
#[derive(Debug)]
struct Lane {
    state: State,
    /// Taken and not read.
    rest: Bytes,
    /// So much of `rest` was searched for the end of a head.
    searched: usize,
    ended: Option<End>,
    /// Its state has changed: `rest` can be read now.
    woken: bool,
}

impl Lane {
    const fn new() -> Lane {
        Lane { state: State::Head, rest: Bytes::new(), searched: 0, ended: None, woken: false }
    }

    fn go(&mut self, state: State) {
        self.state = state;
        self.woken = true;
    }
}

/// Why the request that was taken last does not go on yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// It does, or there is none.
    No,
    /// For a judgement of this ticket.
    Judgement(u64),
    /// For its turn: it goes on when earlier requests are answered or go the same way.
    Ready,
    /// For a connection to its server.
    Route,
    /// It has gone on; what follows it depends on its answer.
    Answer,
}

/// The state machine.
struct Http1 {
    place: Place,
    judge: bool,
    lax: bool,
    /// Bytes of a body that is to be judged that are kept at most; a longer one streams and cannot be edited.
    keep: usize,
    secure: bool,
    name: String,
    /// What the client must say in Proxy-Authorization behind `Basic`, without base64.
    pass: Option<String>,
    up: Lane,
    down: Lane,
    /// Used again from head to head.
    lines: Lines,
    /// Requests that have no answer yet.
    asked: VecDeque<Exchange>,
    exchanges: u64,
    tickets: u64,
    /// The server that requests go to, behind a proxy.
    server: Option<Origin>,
    /// The one server, which is connected when the first request is to go there.
    away: Option<Origin>,
    /// It has not answered anything yet on this connection.
    fresh: bool,
    /// It will close behind its present answer.
    closing: bool,
    asking: Option<Box<Asking>>,
    waits: Waits,
    answering: Option<Box<Answering>>,
    /// The client waits for a 100 that we owe it, because we keep the body.
    owes_continue: bool,
    /// A blank line stood before the next request.
    blank: bool,
    /// The client is gone: nothing is left to do once its requests are answered.
    gone: bool,
    /// The client was told that nothing more comes.
    shut: bool,
    over: bool,
}

/// A fresh one.
#[must_use]
pub fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Http1 {
        place: setting.place,
        judge: setting.judge,
        lax: setting.lax,
        keep: setting.keep,
        secure: setting.start.inside == Some("tls"),
        name: setting.name.clone(),
        pass: setting.auth.as_ref().filter(|_| setting.place == Place::Forward).map(|(user, word)| format!("{user}:{word}")),
        up: Lane::new(),
        down: Lane::new(),
        lines: Lines::default(),
        asked: VecDeque::new(),
        exchanges: 0,
        tickets: 0,
        server: None,
        away: setting.away.clone().filter(|_| setting.place == Place::Between),
        fresh: true,
        closing: false,
        asking: None,
        waits: Waits::No,
        answering: None,
        owes_continue: false,
        blank: false,
        gone: false,
        shut: false,
        over: false,
    })
}

fn told(steps: &mut Vec<Step>, note: &'static Note, words: impl Into<String>) {
    steps.push(Step::Told { note, words: words.into() });
}

impl Http1 {
    /// Whether folded lines are joined on their way: a proxy must (RFC 9112 §5.2).
    fn unfolds(&self) -> bool {
        self.place == Place::Forward && !self.lax
    }

    fn lane(&mut self, dir: Dir) -> &mut Lane {
        match dir {
            Dir::ToServer => &mut self.up,
            Dir::ToClient => &mut self.down,
        }
    }

    const fn forwards(&self) -> bool {
        matches!(self.place, Place::Forward)
    }

    /// No server is there yet.
    const fn is_alone(&self) -> bool {
        self.away.is_some() && self.server.is_none()
    }

    fn ticket(&mut self) -> u64 {
        self.tickets = self.tickets.wrapping_add(1);
        self.tickets
    }

    /// Reads `bytes` of a direction as far as that goes.
    fn run(&mut self, dir: Dir, bytes: Bytes, steps: &mut Vec<Step>) {
        let mut cur = Cursor::new(dir, bytes);
        loop {
            let go = match dir {
                Dir::ToServer => self.upward(&mut cur, steps),
                Dir::ToClient => self.downward(&mut cur, steps),
            };
            match go {
                Go::On => {}
                Go::Stop => break,
                Go::Over => return,
            }
        }
        cur.flush(steps);
        self.lane(dir).rest = cur.left();
    }

    /// Does what has become possible: our own answers go out, requests that waited go on, directions that waited are read.
    fn settle(&mut self, steps: &mut Vec<Step>) {
        while !self.over {
            if self.send_own(steps) {
                continue;
            }
            if self.waits == Waits::Ready && self.depart(steps) {
                continue;
            }
            if self.owes_continue && self.asked.is_empty() && !self.shut {
                self.owes_continue = false;
                steps.push(Step::Send { dir: Dir::ToClient, bytes: Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n") });
            }
            let Some(dir) = Dir::BOTH.into_iter().find(|d| self.lane(*d).woken) else { break };
            let lane = self.lane(dir);
            lane.woken = false;
            let rest = std::mem::take(&mut lane.rest);
            if !rest.is_empty() {
                self.run(dir, rest, steps);
            }
        }
        if !self.over {
            self.ends(steps);
        }
    }

    /// Sends our own answers as far as it is their turn.
    fn send_own(&mut self, steps: &mut Vec<Step>) -> bool {
        let Some(own) = self.asked.front_mut().and_then(|e| e.own.take()) else { return false };
        if self.shut {
            // The client was told that nothing more comes.
            self.close(steps);
            return true;
        }
        steps.push(Step::Send { dir: Dir::ToClient, bytes: own });
        let close = self.asked.pop_front().is_some_and(|e| e.close);
        if close {
            self.close(steps);
        }
        self.answered();
        true
    }

    /// An exchange has ended: requests that waited for room can be read.
    fn answered(&mut self) {
        if self.waits == Waits::Answer {
            self.waits = Waits::No;
            self.up.go(State::Head);
        } else if self.up.state == State::Head && !self.up.rest.is_empty() {
            self.up.woken = true;
        }
    }

    /// Everything sent so far goes out, and that is the end.
    fn close(&mut self, steps: &mut Vec<Step>) {
        self.stop(Step::Close, steps);
    }

    /// The same where a message was cut: a body that ends with its connection (RFC 9112 §6.3) must not look whole.
    fn break_off(&mut self, steps: &mut Vec<Step>) {
        self.stop(Step::Break, steps);
    }

    fn stop(&mut self, how: Step, steps: &mut Vec<Step>) {
        if !self.over {
            self.over = true;
            steps.push(how);
            self.up.rest.clear();
            self.down.rest.clear();
            (self.asking, self.answering) = (None, None);
        }
    }

    /// Another protocol goes on with all that was not sent.
    fn become_it(&mut self, hint: Option<Hint>, down: Bytes, steps: &mut Vec<Step>) -> Go {
        self.over = true;
        let rest = [std::mem::take(&mut self.up.rest), down];
        steps.push(match hint {
            Some(hint) => Step::Becomes { hint, rest },
            None => Step::Opaque { rest },
        });
        Go::Over
    }
}

impl Middle for Http1 {
    fn push(&mut self, dir: Dir, bytes: Bytes, steps: &mut Vec<Step>) {
        if self.over || bytes.is_empty() {
            return;
        }
        let lane = self.lane(dir);
        lane.woken = false;
        let held = std::mem::take(&mut lane.rest);
        let all = if held.is_empty() {
            bytes
        } else {
            // Growing in place where nobody else holds the bytes, so that a head that comes drop by drop is not copied each time.
            let mut grown = held.try_into_mut().unwrap_or_else(|held| BytesMut::from(&*held));
            grown.extend_from_slice(&bytes);
            grown.freeze()
        };
        self.run(dir, all, steps);
        self.settle(steps);
    }

    fn end(&mut self, dir: Dir, how: End, steps: &mut Vec<Step>) {
        if self.over {
            return;
        }
        self.lane(dir).ended = Some(how);
        self.settle(steps);
    }

    fn tell(&mut self, news: News, steps: &mut Vec<Step>) {
        if self.over {
            return;
        }
        match news {
            News::Routed(Ok(())) => self.routed(steps),
            News::Routed(Err(refusal)) => self.unreachable(&refusal),
            News::Judged { ticket, judgement } => {
                if self.waits == Waits::Judgement(ticket) {
                    self.judged_request(judgement, steps);
                } else if self.answering.as_ref().is_some_and(|a| a.ticket == ticket) {
                    self.judged_response(judgement, steps);
                }
            }
            News::Answer(answer) => {
                if self.asking.is_some() {
                    self.judged_request(Judgement::Answer(answer), steps);
                }
            }
            News::Listening { .. } => {}
        }
        self.settle(steps);
    }

    fn holds(&self, dir: Dir) -> bool {
        let lane = match dir {
            Dir::ToServer => &self.up,
            Dir::ToClient => &self.down,
        };
        // What is kept for its own end (a head, a body to be judged) has a bound of its own and needs more bytes.
        let full = dir == Dir::ToServer && lane.state == State::Head && self.asked.len() >= MOST_ASKED;
        !lane.rest.is_empty() && (lane.state == State::Wait || full)
    }

    fn weight(&self) -> usize {
        let asked = self.asked.iter().map(Exchange::weight).fold(0usize, usize::saturating_add);
        [
            size_of::<Http1>(),
            self.up.rest.len(),
            self.down.rest.len(),
            self.lines.rows.capacity().saturating_mul(size_of::<head::Row>()),
            asked,
            self.asking.as_ref().map_or(0, |a| a.weight()),
            self.answering.as_ref().map_or(0, |a| a.weight()),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }
}
