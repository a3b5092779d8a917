//! Responses on their way to the client.

use super::super::body::Frame;
use super::super::{first_token, notes as n};
use super::cursor::Cursor;
use super::exchange::{Answering, Exchange, Kept, Kind};
use super::flow::{self, Flow, Way};
use super::forward;
use super::head::{self, Lines, MOST_HEAD, Said};
use super::page;
use super::{Go, Http1, State, edit, told};
use bytes::{Bytes, BytesMut};
use wirelore_kit::middle::{Judgement, Part, Stage, Step};
use wirelore_kit::{Dir, Hint, Note, Side};

/// A head of `len` bytes goes on, or what was made of it.
fn pass_head(cur: &mut Cursor, len: usize, changed: Option<Bytes>, steps: &mut Vec<Step>) {
    match changed {
        None => cur.pass(len),
        Some(bytes) => {
            cur.skip(len, steps);
            steps.push(Step::Send { dir: Dir::ToClient, bytes });
        }
    }
}

impl Http1 {
    /// Reads on in the server's direction.
    pub(super) fn downward(&mut self, cur: &mut Cursor, steps: &mut Vec<Step>) -> Go {
        match self.down.state {
            State::Wait => Go::Stop,
            State::Done => {
                cur.skip(cur.rest().len(), steps);
                Go::Stop
            }
            State::Head => self.response(cur, steps),
            State::Body(frame) => match flow::read(cur, frame, Way::Pass, self.unfolds(), steps) {
                Flow::More(frame) => self.down_stop(State::Body(frame)),
                Flow::Done => {
                    cur.flush(steps);
                    self.response_done(steps)
                }
                Flow::Bad(note) if self.lax => self.copy_down(cur, note, steps),
                Flow::Bad(note) => {
                    cur.flush(steps);
                    self.refuse_response(note, steps)
                }
            },
            State::Skip(frame) => match flow::read(cur, frame, Way::Skip, self.unfolds(), steps) {
                Flow::More(frame) => self.down_stop(State::Skip(frame)),
                Flow::Done => self.response_done(steps),
                Flow::Bad(note) => self.refuse_response(note, steps),
            },
            State::Keep(frame) => self.keep_response(cur, frame, steps),
        }
    }

    const fn down_stop(&mut self, state: State) -> Go {
        self.down.state = state;
        Go::Stop
    }

    /// Reads a response's head.
    fn response(&mut self, cur: &mut Cursor, steps: &mut Vec<Step>) -> Go {
        let b = cur.rest();
        if b.is_empty() {
            return Go::Stop;
        }
        let start = b.len().min(5);
        if b.get(..start) != b"HTTP/".get(..start) {
            return match self.asked.front() {
                _ if self.lax => self.copy_down(cur, &n::ODD_STATUS_LINE, steps),
                Some(_) => self.refuse_response(&n::ODD_STATUS_LINE, steps),
                None => self.unasked(steps),
            };
        }
        let mut lines = std::mem::take(&mut self.lines);
        let go = if lines.find(b, &mut self.down.searched) && lines.len <= MOST_HEAD {
            self.response_head(cur, &lines, steps)
        } else if b.len() > MOST_HEAD {
            self.refuse_response(&n::HEAD_REFUSED, steps)
        } else {
            Go::Stop
        };
        self.lines = lines;
        go
    }

    fn response_head(&mut self, cur: &mut Cursor, lines: &Lines, steps: &mut Vec<Step>) -> Go {
        let head = cur.rest().get(..lines.len).unwrap_or(&[]);
        let (status, old, line) = head::status_line(head.get(..lines.first).unwrap_or(&[]));
        let said = Said::of(head, lines);
        if self.asked.is_empty() {
            // A server that has waited long enough says so before it closes (RFC 9110 §15.5.9).
            if status != 408 && self.lax {
                return self.copy_down(cur, &n::NOT_ASKED, steps);
            }
            if status != 408 || self.forwards() {
                return self.unasked(steps);
            }
            let mut exchange = Exchange::new(self.exchanges);
            exchange.close = true;
            self.asked.push_back(exchange);
        }
        let Some(kind) = self.asked.front().map(|e| e.kind) else { return Go::Stop };
        let tunnel = kind == Kind::Connect && (200..300).contains(&status);
        let interim = (100..200).contains(&status) && status != 101;
        let wrong = line.or(said.wrong).or_else(|| head::wrong_coding(&said, old, true)).or_else(|| {
            let framed = said.transfer.is_some() || said.length.is_some_and(|l| l > 0);
            match status {
                101 if kind != Kind::Upgrade => Some(&n::UPGRADE_UNASKED),
                100..=199 | 204 if framed => Some(&n::BODILESS_FRAMED),
                _ => None,
            }
        });
        // Whatever the answer that opens a tunnel says of a body, there is none (RFC 9110 §9.3.6).
        let wrong = if tunnel { line } else { wrong };
        if let Some(note) = wrong {
            if !self.lax {
                return self.refuse_response(note, steps);
            }
            told(steps, note, "let through as it is");
            let coded = said.transfer.as_ref().is_some_and(|t| !t.chunked || t.not_last || t.unknown);
            if line.is_some() || coded || note == &n::UPGRADE_UNASKED {
                return self.copy_down(cur, note, steps);
            }
        }
        if interim {
            // An answer before the answer goes on at once, but for a 100 that we have given already.
            let known = status == 100 && self.asked.front_mut().is_some_and(|e| std::mem::take(&mut e.continued));
            if known || self.asked.front().is_some_and(|e| e.replaced) {
                cur.skip(lines.len, steps);
            } else if self.judge {
                let head = cur.take(lines.len, steps);
                let answering = Answering { head, frame: Frame::Nothing, kept: None, ticket: 0, interim: true };
                self.judge_response(Box::new(answering), Stage::Whole, lines, steps);
            } else {
                let changed = self.for_client(head, lines, &said);
                pass_head(cur, lines.len, changed, steps);
            }
            return Go::On;
        }
        let bodiless = kind == Kind::Head || matches!(status, 204 | 304);
        let frame = if tunnel || status == 101 { Frame::Nothing } else { said.frame(true, bodiless) };
        self.closing = said.close || (old && !said.keep_alive) || frame == Frame::UntilClose;
        let forwards = self.forwards();
        if let Some(e) = self.asked.front_mut() {
            // The client must see where such a body ends.
            e.close |= forwards && frame == Frame::UntilClose;
        }
        if self.asked.front().is_some_and(|e| e.replaced) {
            cur.skip(lines.len, steps);
            self.behind(frame, true, steps);
            return if self.over { Go::Over } else { Go::On };
        }
        if self.judge {
            let answering = Answering { head: cur.take(lines.len, steps), frame, kept: None, ticket: 0, interim: false };
            self.judge_response(Box::new(answering), Stage::Head, lines, steps);
            return Go::On;
        }
        let upgraded = (tunnel || status == 101).then(|| self.heir(head, lines, &said, tunnel));
        let changed = self.for_client(head, lines, &said);
        pass_head(cur, lines.len, changed, steps);
        if let Some(e) = self.asked.front_mut() {
            e.started = true;
        }
        if let Some(hint) = upgraded {
            cur.flush(steps);
            let rest = cur.take_left();
            return self.become_it(Some(hint), rest, steps);
        }
        if frame == Frame::Nothing {
            cur.flush(steps);
            return self.response_done(steps);
        }
        self.down.state = State::Body(frame);
        Go::On
    }

    /// A response's head as it goes on, where a proxy has to change something.
    fn for_client(&self, head: &[u8], lines: &Lines, said: &Said<'_>) -> Option<Bytes> {
        let hop = self.hop(self.asked.front().is_some_and(|e| e.close));
        (self.forwards() && forward::must_change(said, lines, hop)).then(|| forward::response(head, lines, said, hop))
    }

    /// What the connection becomes behind this head.
    fn heir(&mut self, head: &[u8], lines: &Lines, said: &Said<'_>, tunnel: bool) -> Hint {
        match first_token(said.upgrade).filter(|_| !tunnel) {
            Some(token) => {
                let mut facts = self.asked.front_mut().map(|e| std::mem::take(&mut e.offer)).unwrap_or_default();
                facts.extend(edit::upgrade_facts(Side::Server, head, lines));
                Hint::upgrade(&token, facts)
            }
            None => Hint::Probe,
        }
    }

    /// A response is complete.
    pub(super) fn response_done(&mut self, steps: &mut Vec<Step>) -> Go {
        let close = self.asked.pop_front().is_some_and(|e| e.close);
        self.fresh = false;
        let left = self.forwards() && self.closing;
        // Requests that went to a server which closes are answered by nobody: their client asks again elsewhere.
        if close || (left && self.asked.iter().any(|e| e.own.is_none())) {
            self.close(steps);
            return Go::Over;
        }
        self.down.state = State::Head;
        if left {
            self.leave();
        }
        self.answered();
        Go::On
    }

    /// The server is not asked any more on this connection.
    pub(super) fn leave(&mut self) {
        self.server = None;
        self.down.state = State::Done;
        self.down.rest.clear();
    }

    /// The server speaks without having been asked.
    fn unasked(&mut self, steps: &mut Vec<Step>) -> Go {
        if self.forwards() {
            // The next request gets a connection of its own.
            self.leave();
            return Go::On;
        }
        told(steps, &n::NOT_ASKED, "refused: the connection is closed");
        self.close(steps);
        Go::Over
    }

    /// A response is not let through.
    fn refuse_response(&mut self, note: &'static Note, steps: &mut Vec<Step>) -> Go {
        let Some(exchange) = self.asked.front_mut().filter(|e| !e.started) else {
            told(steps, note, "refused: the connection is closed");
            self.close(steps);
            return Go::Over;
        };
        let (status, refusal) = page::refused(note, true);
        told(steps, note, format!("refused with {status}"));
        exchange.close = true;
        exchange.own = Some(page::of(&refusal, exchange.page()));
        self.down.state = State::Done;
        Go::On
    }

    /// From here on everything is copied.
    fn copy_down(&mut self, cur: &mut Cursor, note: &'static Note, steps: &mut Vec<Step>) -> Go {
        cur.flush(steps);
        told(steps, note, "let through as it is; from here on nothing is read");
        let rest = cur.take_left();
        self.become_it(None, rest, steps)
    }

    /// The body is larger than what is kept: the response is judged by its head, and the body goes on as it comes.
    fn judge_response_alone(&mut self, answering: Box<Answering>, lines: &Lines, steps: &mut Vec<Step>) {
        told(steps, &n::BODY_NOT_KEPT, "the response is judged without it");
        self.judge_response(answering, Stage::Head, lines, steps);
    }

    /// Hands a response over to be judged.
    fn judge_response(&mut self, mut answering: Box<Answering>, stage: Stage, lines: &Lines, steps: &mut Vec<Step>) {
        answering.ticket = self.ticket();
        let (number, url) = self.asked.front().map_or((0, None), |e| (e.number, e.url.as_deref()));
        let kept = answering.kept.as_ref().filter(|_| stage == Stage::Whole);
        let mut message = edit::transit(&answering.head, lines, kept, true, number, stage, url);
        if answering.interim {
            message.part = Part::Interim;
        }
        steps.push(Step::Judge { ticket: answering.ticket, message: Box::new(message) });
        self.down.state = State::Wait;
        self.answering = Some(answering);
    }

    /// Does what was judged of the response that waits.
    pub(super) fn judged_response(&mut self, judgement: Judgement, steps: &mut Vec<Step>) {
        let Some(mut answering) = self.answering.take() else { return };
        let mut lines = std::mem::take(&mut self.lines);
        lines.again(&answering.head);
        match judgement {
            judgement if answering.interim => self.judged_interim(&answering.head, &lines, judgement, steps),
            Judgement::Pass => self.send_response(*answering, &lines, steps),
            Judgement::Body if answering.kept.is_some() => self.send_response(*answering, &lines, steps),
            Judgement::Body => self.keep_answer(answering, &lines, steps),
            Judgement::Change(to) => {
                let bodiless = self.asked.front().is_some_and(|e| e.kind == Kind::Head);
                let changed =
                    edit::change(&answering.head, &lines, answering.kept.as_ref(), answering.frame, &to, true, bodiless);
                if changed.odd {
                    told(steps, &n::EDIT_FRAMED, "the response goes on as it was edited");
                    if let Some(e) = self.asked.front_mut() {
                        e.close = true;
                    }
                }
                answering.head = changed.head;
                if let Some(kept) = &mut answering.kept {
                    kept.raw = changed.body.unwrap_or_else(|| std::mem::take(&mut kept.raw));
                }
                lines.again(&answering.head);
                self.send_response(*answering, &lines, steps);
            }
            Judgement::Drop => {
                self.up.go(State::Done);
                self.down.go(State::Done);
                if let Some(e) = self.asked.front_mut() {
                    e.dropped = true;
                }
            }
            Judgement::Answer(answer) => {
                let head = self.asked.front().is_some_and(|e| e.kind == Kind::Head);
                steps.push(Step::Send { dir: Dir::ToClient, bytes: edit::answer(&answer, head) });
                let rest = if answering.kept.as_ref().is_some_and(|k| k.whole) { Frame::Nothing } else { answering.frame };
                self.behind(rest, true, steps);
            }
            Judgement::Reset => self.close(steps),
        }
        self.lines = lines;
    }

    /// Does what was judged of an answer before the answer.
    fn judged_interim(&mut self, head: &Bytes, before: &Lines, judgement: Judgement, steps: &mut Vec<Step>) {
        self.down.go(State::Head);
        let (bytes, lines) = match judgement {
            Judgement::Pass | Judgement::Body => (head.clone(), None),
            // The client waits on, for the next one or the answer.
            Judgement::Drop => return,
            Judgement::Reset => return self.close(steps),
            Judgement::Change(to) | Judgement::Answer(to) if !(100..200).contains(&head::status_line(&to.line).0) => {
                let Some(e) = self.asked.front_mut() else { return };
                e.replaced = true;
                let bytes = edit::answer(&to, e.kind == Kind::Head);
                steps.push(Step::Send { dir: Dir::ToClient, bytes });
                return;
            }
            Judgement::Change(to) | Judgement::Answer(to) => {
                let changed = edit::change(head, before, None, Frame::Nothing, &to, true, true).head;
                let mut lines = Lines::default();
                lines.again(&changed);
                (changed, Some(lines))
            }
        };
        let lines = lines.as_ref().unwrap_or(before);
        let said = Said::of(&bytes, lines);
        let bytes = self.for_client(&bytes, lines, &said).unwrap_or_else(|| bytes.clone());
        steps.push(Step::Send { dir: Dir::ToClient, bytes });
    }

    /// Keeps the body of the response that is judged.
    fn keep_answer(&mut self, mut answering: Box<Answering>, lines: &Lines, steps: &mut Vec<Step>) {
        match answering.frame {
            Frame::Counted(len) if len > self.keep as u64 => {
                answering.kept = Some(Kept::default());
                return self.judge_response_alone(answering, lines, steps);
            }
            Frame::Nothing => {
                answering.kept = Some(Kept { whole: true, ..Kept::default() });
                return self.judge_response(answering, Stage::Whole, lines, steps);
            }
            _ => {}
        }
        answering.kept = Some(Kept { chunked: matches!(answering.frame, Frame::Chunked(_)), ..Kept::default() });
        self.down.go(State::Keep(answering.frame));
        self.answering = Some(answering);
    }

    fn keep_response(&mut self, cur: &mut Cursor, frame: Frame, steps: &mut Vec<Step>) -> Go {
        let (unfold, keep) = (self.unfolds(), self.keep);
        let Some(answering) = &mut self.answering else { return self.down_stop(State::Done) };
        let mut none = BytesMut::new();
        let raw = answering.kept.as_mut().map_or(&mut none, |k| &mut k.raw);
        let flow = flow::read(cur, frame, Way::Keep(raw), unfold, steps);
        let full = raw.len() > keep;
        match flow {
            Flow::More(frame) if full => {
                answering.frame = frame;
                if let Some(answering) = self.answering.take() {
                    let mut lines = std::mem::take(&mut self.lines);
                    lines.again(&answering.head);
                    self.judge_response_alone(answering, &lines, steps);
                    self.lines = lines;
                }
                Go::On
            }
            Flow::More(frame) => self.down_stop(State::Keep(frame)),
            Flow::Done => {
                self.kept_all(steps);
                Go::On
            }
            Flow::Bad(note) if self.lax => {
                answering.frame = Frame::Nothing;
                self.give_up_keeping(steps);
                self.copy_down(cur, note, steps)
            }
            Flow::Bad(note) => self.refuse_response(note, steps),
        }
    }

    /// What was kept goes on without being judged.
    fn give_up_keeping(&mut self, steps: &mut Vec<Step>) {
        let Some(answering) = self.answering.take() else { return };
        let mut lines = std::mem::take(&mut self.lines);
        lines.again(&answering.head);
        self.send_response(*answering, &lines, steps);
        self.lines = lines;
    }

    /// All of the body is kept: it is judged again.
    pub(super) fn kept_all(&mut self, steps: &mut Vec<Step>) {
        let Some(mut answering) = self.answering.take() else { return };
        if let Some(kept) = &mut answering.kept {
            kept.whole = true;
        }
        answering.frame = Frame::Nothing;
        let mut lines = std::mem::take(&mut self.lines);
        lines.again(&answering.head);
        self.judge_response(answering, Stage::Whole, &lines, steps);
        self.lines = lines;
    }

    /// A response that was judged goes on.
    fn send_response(&mut self, answering: Answering, lines: &Lines, steps: &mut Vec<Step>) {
        let head = &answering.head;
        let (status, ..) = head::status_line(head.get(..lines.first).unwrap_or(&[]));
        let said = Said::of(head, lines);
        let kind = self.asked.front().map_or(Kind::Plain, |e| e.kind);
        let tunnel = kind == Kind::Connect && (200..300).contains(&status);
        let switches = status == 101 && kind == Kind::Upgrade;
        let heir = (tunnel || switches).then(|| self.heir(head, lines, &said, tunnel));
        let bytes = self.for_client(head, lines, &said).unwrap_or_else(|| head.clone());
        steps.push(Step::Send { dir: Dir::ToClient, bytes });
        let mut frame = answering.frame;
        if let Some(kept) = answering.kept {
            if kept.whole {
                frame = Frame::Nothing;
            }
            if !kept.raw.is_empty() {
                steps.push(Step::Send { dir: Dir::ToClient, bytes: kept.raw.freeze() });
            }
        }
        if let Some(hint) = heir {
            let rest = std::mem::take(&mut self.down.rest);
            self.become_it(Some(hint), rest, steps);
            return;
        }
        self.behind(frame, false, steps);
    }

    /// What follows the head that has gone on.
    fn behind(&mut self, frame: Frame, skip: bool, steps: &mut Vec<Step>) {
        if let Some(e) = self.asked.front_mut() {
            e.started = true;
        }
        self.down.woken = true;
        match frame {
            Frame::Nothing => {
                self.response_done(steps);
            }
            frame if skip => self.down.state = State::Skip(frame),
            frame => self.down.state = State::Body(frame),
        }
    }
}
