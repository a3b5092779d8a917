//! Deciding what a conversation speaks, standing by it, and taking it back.

use super::*;
use crate::identify::{Decision, Question, identify};
use wirelore_kit::Framing;

impl Conversation {
    pub(super) fn decide_and_pump<L: Listen + ?Sized>(&mut self, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if matches!(self.mode, Mode::Open) {
            let ended = self.halves.iter().all(|h| h.ended.is_some());
            self.settle(ended, None, cx);
        }
        self.pump(None, cx, s, to);
    }

    /// Decides what it speaks, if that can be decided; `now` are bytes of a way that are not among its unread ones.
    pub(super) fn settle(&mut self, ended: bool, now: Option<(usize, &[u8])>, cx: Context<'_>) {
        while matches!(self.mode, Mode::Open) {
            let of = |way: usize| match now {
                Some((w, bytes)) if w == way => bytes,
                _ => self.half(way).unread.as_slice(),
            };
            let (a, b) = (of(0), of(1));
            let q = Question {
                table: cx.table,
                start: &self.start,
                bytes: if self.flipped { [b, a] } else { [a, b] },
                ended,
                roles_open: self.roles_open && !self.confirmed,
                not: self.not,
                user: self.user,
            };
            if a.is_empty() && b.is_empty() && matches!(self.start.hint, Hint::Probe) && self.user.is_none() {
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
                    self.not |= 1u128.checked_shl(index as u32).unwrap_or(0);
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

    pub(super) fn leave(&mut self) {
        self.mode = Mode::Left;
        for h in &mut self.halves {
            h.unread = Vec::new();
            h.arrivals = Arrivals::default();
        }
    }

    /// What comes is another protocol's: it is decided anew what it speaks.
    pub(super) fn reopen(&mut self, hint: Hint) {
        self.start.hint = hint;
        self.start.midstream = false;
        self.mode = Mode::Open;
        self.confirmed = false;
        self.not = 0;
        self.user = None;
        self.within = Within::default();
        for h in &mut self.halves {
            h.need = 0;
            h.waiting = false;
            h.seeking = false;
            h.memo = Memo::default();
        }
    }

    /// The first message read well: the guess stands.
    pub(super) fn confirm<L: Listen + ?Sized>(&mut self, to: &mut L) {
        if let Some(spec) = self.spec.filter(|_| !self.confirmed) {
            self.confirmed = true;
            to.identified(self.id, spec, self.evidence, self.flipped);
        }
    }

    /// Takes back a guess that its first message did not confirm.
    pub(super) fn withdraw(&mut self) {
        self.spec = None;
        if self.content.is_some() {
            // A content is what the message says that it is, or nothing.
            return self.leave();
        }
        self.mode = Mode::Open;
        for h in &mut self.halves {
            h.need = 0;
            h.waiting = false;
            h.seeking = false;
        }
    }
}
