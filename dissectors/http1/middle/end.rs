//! What becomes of a conversation when one side says no more.

use super::super::body::Frame;
use super::super::notes as n;
use super::page;
use super::{Http1, State, told};
use wirelore_kit::middle::{Refusal, Step};
use wirelore_kit::{Dir, End};

impl Http1 {
    /// Does what the ends of the directions ask for, once all that came before them was read.
    pub(super) fn ends(&mut self, steps: &mut Vec<Step>) {
        if self.down.state != State::Wait
            && let Some(how) = self.down.ended.take()
        {
            self.server_ended(how, steps);
        }
        if !self.over
            && self.up.state != State::Wait
            && let Some(how) = self.up.ended.take()
        {
            self.client_ended(how, steps);
        }
        if self.gone && !self.over && self.asked.front().is_none_or(|e| e.dropped) {
            self.close(steps);
        }
    }

    fn server_ended(&mut self, how: End, steps: &mut Vec<Step>) {
        let fin = how == End::Fin;
        match self.down.state {
            State::Keep(Frame::UntilClose) if fin => {
                self.down.ended = Some(how);
                self.kept_all(steps);
            }
            State::Body(Frame::UntilClose) | State::Skip(Frame::UntilClose) if fin => {
                let close = self.asked.pop_front().is_none_or(|e| e.close);
                if close || self.forwards() {
                    return self.close(steps);
                }
                self.finish_down(steps);
            }
            State::Body(_) | State::Skip(_) | State::Keep(_) => {
                told(steps, &n::ANSWER_CUT, "the client's connection is closed");
                // By a length or a last chunk that is missing the client can tell; by the end of the connection only if that is no end in order.
                if fin { self.close(steps) } else { self.break_off(steps) }
            }
            State::Head | State::Done | State::Wait => self.server_ended_between(fin, steps),
        }
    }

    /// The server ended where no body is under way.
    fn server_ended_between(&mut self, fin: bool, steps: &mut Vec<Step>) {
        let forwards = self.forwards();
        if forwards && self.server.is_none() {
            return;
        }
        let fresh = self.fresh;
        let Some(open) = self.asked.front_mut().filter(|e| !e.dropped) else {
            if forwards {
                return self.leave();
            }
            if self.asked.is_empty() && fin {
                self.finish_down(steps)
            } else {
                self.close(steps)
            }
            return;
        };
        if !forwards {
            if fin {
                self.finish_down(steps)
            } else {
                self.close(steps)
            }
            return;
        }
        // A connection that has answered before may have been closed just as the request was sent. Then the client sees what it would have
        // seen without us, and asks again if it may (RFC 9112 §9.3.1).
        if !fresh || open.started {
            return self.close(steps);
        }
        let (did, how) = if fin { ("closed", "ended the connection") } else { ("reset", "broke the connection off (TCP reset)") };
        let refusal = Refusal {
            status: 502,
            what: format!("The server {did} the connection without an answer"),
            why: format!("It took the request and {how} before a complete response head had come."),
            what_to_do:
                "Look into the server's log. If it expects TLS on this port, ask with https; if it expects another protocol, ask \
                         with a program that speaks it."
                    .to_owned(),
        };
        told(steps, &n::ANSWER_CUT, "told the client with 502");
        open.close = true;
        open.own = Some(page::of(&refusal, open.page()));
        self.leave();
        self.settle(steps);
    }

    fn finish_down(&mut self, steps: &mut Vec<Step>) {
        self.down.state = State::Done;
        self.down.rest.clear();
        self.shut = true;
        steps.push(Step::Finish { dir: Dir::ToClient });
    }

    fn client_ended(&mut self, how: End, steps: &mut Vec<Step>) {
        if how != End::Fin {
            return self.close(steps);
        }
        match self.up.state {
            State::Head => {
                if !self.up.rest.is_empty() {
                    told(steps, &n::HEAD_CUT, "it does not go on");
                    self.up.rest.clear();
                }
                self.finish_up(steps);
            }
            State::Done => self.gone = true,
            State::Body(_) if !self.forwards() => self.finish_up(steps),
            // The request cannot come to its end any more.
            State::Body(_) | State::Skip(_) | State::Keep(_) | State::Wait => self.close(steps),
        }
    }

    /// The client asks no more; what it asked is still answered.
    fn finish_up(&mut self, steps: &mut Vec<Step>) {
        self.up.state = State::Done;
        if self.forwards() || self.is_alone() {
            self.gone = true;
        } else {
            steps.push(Step::Finish { dir: Dir::ToServer });
        }
    }
}
