//! The order of delivery: who waits for whom, when patience ends, and how a flow is brought to its end.

use super::hold::{Clock, Fin, Held, Since, Waiting, moved};
use super::{ACK_AHEAD, BEFORE, Deliver, End, GapWhy, RESYNC, Segment, Source, Tcp, WINDOW, flag};

/// Packets of the flow for which the first bytes of a stream met midstream wait for earlier ones.
const MIDSTREAM_PACKETS: u32 = 8;
/// Packets of the flow without anything new after which a reset takes effect.
const RESET_PACKETS: u32 = 64;
/// Silence after which a reset takes effect, nanoseconds of capture time.
pub(super) const RESET_NS: i64 = 1_000_000_000;

/// What of a segment is yet to be placed.
struct Part<'a> {
    at: u64,
    bytes: &'a [u8],
    need: u64,
    from: Source,
}

impl Tcp {
    /// Takes a segment that cannot simply pass.
    pub(super) fn unusual<D: Deliver + ?Sized>(&mut self, dir: usize, s: &Segment<'_>, out: &mut D) {
        self.half_mut(dir).flags |= flag::SEEN;
        if self.is_over() {
            self.ignore(u32::from(!s.payload.is_empty()));
            return;
        }
        if s.syn && !self.open(dir, s, out) {
            self.ignore(1);
            return;
        }
        let need = s.ack.map_or(0, |ack| self.acknowledged(dir ^ 1, ack, out));
        if s.rst {
            // A reset may carry text about its cause (RFC 9293 §3.5.3); that is no part of the stream.
            self.reset(dir, s, out);
        } else {
            self.place(dir, s, need, out);
        }
        if self.waiting.is_some() {
            self.drain(out);
            for d in 0..2 {
                while self.side_size(d) > self.limits.hold as usize && self.step(d, GapWhy::Limit, out) {}
            }
            self.patience(s.time, out);
            self.check_reset(None, out);
            self.drop_idle();
        }
    }

    /// A SYN says where a stream begins. False if it cannot be this stream's.
    fn open<D: Deliver + ?Sized>(&mut self, dir: usize, s: &Segment<'_>, out: &mut D) -> bool {
        if !self.begins(dir, s.seq.wrapping_add(1), out) {
            return false;
        }
        if let Some(ack) = s.ack {
            let peer = self.half(dir ^ 1);
            if !peer.is(flag::EXACT) && peer.next == 0 {
                // The SYN that this answers was not captured, or comes later.
                self.begins(dir ^ 1, ack, out);
            }
        }
        true
    }

    /// The first byte of `dir` has the sequence number `base`. False if what is known already contradicts that.
    fn begins<D: Deliver + ?Sized>(&mut self, dir: usize, base: u32, out: &mut D) -> bool {
        let nothing_held = !self.waiting.as_ref().is_some_and(|w| w.side(dir).has_more());
        let half = self.half_mut(dir);
        if !half.is(flag::KNOWN) || (half.next == 0 && nothing_held && !half.is(flag::ENDED) && half.base != base) {
            // Nothing was placed yet, so nothing stands in the way.
            half.base = base;
            half.flags |= flag::KNOWN | flag::SETTLED | flag::EXACT;
            half.doubt_ack();
            return true;
        }
        if half.is(flag::SETTLED) {
            return half.is(flag::EXACT) && half.base == base;
        }
        let before = half.base.wrapping_sub(base) as i32 as i64;
        if !(0..=BEFORE).contains(&before) {
            return false;
        }
        half.flags |= flag::EXACT;
        if before > 0 {
            self.shift(dir, before as u64);
        }
        self.settle(dir, out);
        true
    }

    fn shift(&mut self, dir: usize, by: u64) {
        let half = self.half_mut(dir);
        half.base = half.base.wrapping_sub(by as u32);
        if let Some(w) = &mut self.waiting {
            w.side_mut(dir).shift(by);
        }
    }

    /// Offset 0 is fixed from here on.
    fn settle<D: Deliver + ?Sized>(&mut self, dir: usize, out: &mut D) {
        let half = self.half_mut(dir);
        if half.is(flag::SETTLED) {
            return;
        }
        half.flags |= flag::SETTLED;
        if !half.is(flag::EXACT) {
            out.gap(dir, 0, u64::MAX, GapWhy::Midstream);
        }
    }

    /// Direction `of` is acknowledged up to `ack`. Gives the offset up to which it must be delivered first, 0 if it is.
    fn acknowledged<D: Deliver + ?Sized>(&mut self, of: usize, ack: u32, out: &mut D) -> u64 {
        let half = self.half(of);
        if !half.is(flag::KNOWN) {
            self.half_mut(of).take_ack(ack);
            return 0;
        }
        let next = half.next;
        let ahead = half.ahead(ack);
        let seen = self.waiting.as_ref().map_or(0, |w| w.side(of).last_end().saturating_sub(next)) as i64;
        if ahead < -WINDOW || ahead > seen.saturating_add(ACK_AHEAD) {
            self.ignore(1);
            return 0;
        }
        let half = self.half_mut(of);
        half.take_ack(ack);
        if ahead == 1 && !half.is(flag::SETTLED) && seen == 0 {
            // The number was a keep-alive's, one below the next byte (RFC 9293 §3.8.4).
            half.base = ack;
            return 0;
        }
        if ahead <= 0 || self.half(of).is(flag::ENDED) {
            return 0;
        }
        // The other side has these bytes, so earlier ones would have been captured by now.
        if next > 0 && !self.half(of).is(flag::SEEN) {
            // Gaps alone have brought it here: this direction is not in the capture, so waiting is of no use.
            self.gap(of, next.saturating_add(ahead as u64), GapWhy::NotCaptured, out);
            return 0;
        }
        if !self.half(of).is(flag::SETTLED) {
            self.settle(of, out);
            self.drain(out);
        }
        // The clock of the missing bytes runs there, even if nothing waits for them.
        self.waiting();
        next.saturating_add(ahead as u64)
    }

    fn reset<D: Deliver + ?Sized>(&mut self, dir: usize, s: &Segment<'_>, out: &mut D) {
        if self.waiting.is_none() && self.half(dir ^ 1).is(flag::ENDED) {
            // Nothing can be under way any more.
            return self.end(dir, End::Reset, s.number, s.time, out);
        }
        if self.waiting.is_none() && self.half.iter().all(|h| h.next == 0) {
            return self.half.iter_mut().for_each(|h| h.flags |= flag::REFUSED);
        }
        // Bytes already under way may still pass the capture, and a reset may be forged: it counts when nothing more comes.
        let packets = self.packets;
        self.waiting().reset(s.number, s.time, packets);
    }

    /// Delivers what of the segment is next, keeps what must wait, and says what came again.
    fn place<D: Deliver + ?Sized>(&mut self, dir: usize, s: &Segment<'_>, need: u64, out: &mut D) {
        let len = s.payload.len() as u64;
        let wire = u64::from(s.wire_len).max(len);
        if wire > 0 || s.fin || (s.syn && s.ack.is_some()) {
            self.half.iter_mut().for_each(|h| h.flags &= !flag::REFUSED);
        }
        if wire == 0 && !s.fin {
            let half = self.half_mut(dir);
            if !half.is(flag::KNOWN) && !s.syn {
                // Met midstream: what is sent from here on begins at this number (SND.NXT).
                half.base = s.seq;
                half.flags |= flag::KNOWN;
                half.doubt_ack();
            }
            return;
        }
        if wire > WINDOW as u64 {
            return self.ignore(1);
        }
        let seq = s.seq.wrapping_add(u32::from(s.syn));
        self.locate(dir, seq, out);
        if self.half(dir).ahead(seq).abs() > WINDOW && !self.resync(dir, seq, wire as u32, out) {
            return self.ignore(1);
        }
        let ahead = self.half(dir).ahead(seq);
        let half = self.half_mut(dir);
        half.junk_run = 0;
        let next = half.next;
        let ended = half.is(flag::ENDED);
        let from = Source { number: s.number, time: s.time, offset: s.offset };
        // Bytes [0, old) of the payload stand before `next`, of those [0, before) even before offset 0.
        let behind = ahead.min(0).unsigned_abs();
        let old = behind.min(wire);
        let before = behind.saturating_sub(next).min(old);
        let again = old.min(len).saturating_sub(before);
        if again > 0 {
            out.again(dir, next.saturating_sub(behind), again as u32, moved(from, before));
        }
        if ended {
            return self.ignore(u32::from(wire > old));
        }
        if wire > old
            && let Some(r) = self.waiting.as_mut().and_then(|w| w.reset.as_mut())
        {
            (r.packets, r.last) = (self.packets, s.time);
        }
        let part = Part {
            at: next.saturating_add(ahead.max(0) as u64),
            bytes: s.payload.get(old as usize..).unwrap_or(&[]),
            need,
            from: moved(from, old),
        };
        let end = next.saturating_add(ahead.max(0) as u64).saturating_add(wire).saturating_sub(behind);
        let part = self.pass(dir, part, out);
        self.keep(dir, part, end, s.fin, out);
    }

    /// Fixes offset 0 if this is the first of its direction; moves it if this stands before the first.
    fn locate<D: Deliver + ?Sized>(&mut self, dir: usize, seq: u32, out: &mut D) {
        let is_first = !self.waiting.as_ref().is_some_and(|w| w.side(dir).has_more());
        let half = self.half_mut(dir);
        if half.is(flag::SETTLED) {
            return;
        }
        if !half.is(flag::KNOWN) {
            half.base = seq;
            half.flags |= flag::KNOWN;
            half.doubt_ack();
            if half.is(flag::HAS_ACK) {
                // All before it reached the other side before we looked.
                self.settle(dir, out);
            }
        } else if is_first && (half.base == seq || half.is(flag::HAS_ACK)) {
            // Both sides have said where it stands.
            self.settle(dir, out);
        } else {
            let ahead = half.ahead(seq);
            if (-BEFORE..0).contains(&ahead) {
                self.shift(dir, ahead.unsigned_abs());
            }
        }
    }

    /// Delivers the leading bytes that are next and need not wait; gives the rest.
    fn pass<'a, D: Deliver + ?Sized>(&mut self, dir: usize, part: Part<'a>, out: &mut D) -> Part<'a> {
        let Part { at, bytes, need, from } = part;
        let half = self.half(dir);
        if bytes.is_empty() || !half.is(flag::SETTLED) || half.next != at || !self.is_satisfied(dir ^ 1, need) {
            return part;
        }
        let room = self.waiting.as_ref().and_then(|w| w.side(dir).first_at()).map_or(u64::MAX, |first| first.saturating_sub(at));
        let n = (bytes.len() as u64).min(room);
        let (now, rest) = bytes.split_at_checked(n as usize).unwrap_or((bytes, &[]));
        if !now.is_empty() {
            self.half_mut(dir).next = at.saturating_add(n);
            out.data(dir, at, now, from);
        }
        Part { at: at.saturating_add(n), bytes: rest, need, from: moved(from, n) }
    }

    /// Keeps what could not pass: bytes, what the snap length cut between them and `end`, the FIN.
    fn keep<D: Deliver + ?Sized>(&mut self, dir: usize, part: Part<'_>, end: u64, fin: bool, out: &mut D) {
        let Part { at, bytes, need, from } = part;
        let mut lost = 0;
        if !bytes.is_empty() {
            lost = self.waiting().side_mut(dir).insert(at, bytes, need, from);
        }
        let free = self.waiting.is_none() && self.half(dir).is(flag::SETTLED) && self.is_satisfied(dir ^ 1, need);
        let captured = at.saturating_add(bytes.len() as u64);
        if end > captured {
            if free && self.half(dir).next == captured {
                self.gap(dir, end, GapWhy::Snaplen, out);
            } else {
                lost = lost.saturating_add(self.waiting().side_mut(dir).cut(captured, end));
            }
        }
        self.ignore(lost);
        if !fin {
            return;
        }
        let next = self.half(dir).next;
        if end < next {
            self.ignore(1);
        } else if free && end == next {
            self.end(dir, Fin::HOW, from.number, from.time, out);
        } else {
            self.waiting().side_mut(dir).fin.get_or_insert(Fin { at: end, need, number: from.number, time: from.time });
        }
    }

    /// Takes note of a segment far outside of the window. When many follow each other, they are the stream and the capture lost more than
    /// a window: the stream goes on with this one. True then.
    fn resync<D: Deliver + ?Sized>(&mut self, dir: usize, seq: u32, len: u32, out: &mut D) -> bool {
        let half = self.half_mut(dir);
        half.junk_run = if half.junk_run > 0 && half.junk_next == seq { half.junk_run.saturating_add(1) } else { 1 };
        half.junk_next = seq.wrapping_add(len);
        if half.junk_run < RESYNC || half.is(flag::ENDED) {
            return false;
        }
        self.flush(out);
        let half = self.half_mut(dir);
        if half.is(flag::ENDED) {
            return false;
        }
        half.base = seq.wrapping_sub(half.next as u32);
        half.flags &= !(flag::HAS_ACK | flag::EXACT);
        let at = half.next;
        out.gap(dir, at, u64::MAX, GapWhy::NotCaptured);
        true
    }

    pub(super) fn waiting(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_with(Box::default)
    }

    fn side_size(&self, dir: usize) -> usize {
        self.waiting.as_ref().map_or(0, |w| w.side(dir).size())
    }

    /// Whether direction `of` has been delivered up to `need`.
    fn is_satisfied(&self, of: usize, need: u64) -> bool {
        let half = self.half(of);
        need <= half.next || half.is(flag::ENDED) || self.waiting.as_ref().is_some_and(|w| need <= w.side(of).granted)
    }

    /// The next thing of `dir` that stands right at the next offset: its arrival, and whether what it acknowledges has been delivered.
    fn ready(&self, dir: usize) -> Option<(u32, bool)> {
        let half = self.half(dir);
        if !half.is(flag::SETTLED) || half.is(flag::ENDED) {
            return None;
        }
        let side = self.waiting.as_ref()?.side(dir);
        if let Some(fin) = side.fin.filter(|f| f.at <= half.next) {
            return Some((fin.number, self.is_satisfied(dir ^ 1, fin.need)));
        }
        let (at, held) = side.first()?;
        (at <= half.next).then(|| (held.from.number, self.is_satisfied(dir ^ 1, held.need)))
    }

    /// Delivers all that can be delivered, in order of arrival where nothing else orders it.
    pub(super) fn drain<D: Deliver + ?Sized>(&mut self, out: &mut D) {
        loop {
            self.pass_cuts(out);
            let dir = match (self.ready(0), self.ready(1)) {
                (Some((a, true)), Some((b, true))) => usize::from(b < a),
                (Some((_, true)), _) => 0,
                (_, Some((_, true))) => 1,
                // Each waits for the other (segments merged by the network card): no bytes are missing, so the earlier one goes first.
                (Some((a, false)), Some((b, false))) => usize::from(b < a),
                _ => return,
            };
            self.take(dir, out);
        }
    }

    /// Declares what the snap length is known to have cut off at the next offset.
    fn pass_cuts<D: Deliver + ?Sized>(&mut self, out: &mut D) {
        for dir in 0..2 {
            loop {
                let half = *self.half(dir);
                let Some(w) = self.waiting.as_mut() else { return };
                if !half.is(flag::SETTLED) || half.is(flag::ENDED) {
                    break;
                }
                let Some(to) = w.side_mut(dir).cut_at(half.next) else { break };
                self.gap(dir, to, GapWhy::Snaplen, out);
            }
        }
    }

    /// Delivers the first thing of `dir`, which stands at the next offset.
    fn take<D: Deliver + ?Sized>(&mut self, dir: usize, out: &mut D) {
        let next = self.half(dir).next;
        let Some(w) = self.waiting.as_mut() else { return };
        let side = w.side_mut(dir);
        if let Some(fin) = side.fin.filter(|f| f.at <= next) {
            return self.end(dir, Fin::HOW, fin.number, fin.time, out);
        }
        let Some((at, Held { bytes, from, .. })) = side.pop() else { return };
        // Pieces never stand before `next`, but a piece that did would be cut here rather than given twice.
        let skip = next.saturating_sub(at);
        if let Some(bytes) = bytes.get(skip as usize..).filter(|b| !b.is_empty()) {
            self.half_mut(dir).next = next.saturating_add(bytes.len() as u64);
            out.data(dir, next, bytes, moved(from, skip));
        }
        self.say_remarks(dir, out);
    }

    fn say_remarks<D: Deliver + ?Sized>(&mut self, dir: usize, out: &mut D) {
        let next = self.half(dir).next;
        while let Some(r) = self.waiting.as_mut().and_then(|w| w.side_mut(dir).take_remark(next)) {
            match r.kept {
                Some(kept) => out.conflict(dir, r.at, r.len, kept, r.other),
                None => out.again(dir, r.at, r.len, r.other),
            }
        }
    }

    /// Declares the bytes from the next offset to `to` missing.
    fn gap<D: Deliver + ?Sized>(&mut self, dir: usize, to: u64, why: GapWhy, out: &mut D) {
        let half = self.half_mut(dir);
        let at = half.next;
        if to > at {
            half.next = to;
            out.gap(dir, at, to.saturating_sub(at), why);
        }
    }

    pub(super) fn end<D: Deliver + ?Sized>(&mut self, dir: usize, how: End, number: u32, time: i64, out: &mut D) {
        self.half_mut(dir).flags |= flag::ENDED | flag::KNOWN | flag::SETTLED;
        let left = self.waiting.as_mut().map_or(0, |w| w.side_mut(dir).clear());
        self.ignore(left);
        out.end(dir, how, number, time);
    }

    /// Offset up to which the other side has acknowledged, without the sequence number that a FIN takes.
    fn acked_to(&self, dir: usize) -> u64 {
        let acked = self.half(dir).acked_to();
        let fin = self.waiting.as_ref().and_then(|w| w.side(dir).fin);
        fin.map_or(acked, |f| acked.min(f.at))
    }

    /// Declares what is missing in `dir` below `to`, delivering what stands between.
    fn declare<D: Deliver + ?Sized>(&mut self, dir: usize, to: u64, why: GapWhy, out: &mut D) {
        loop {
            let next = self.half(dir).next;
            let first = self.waiting.as_ref().and_then(|w| w.side(dir).first_at());
            let until = first.map_or(to, |f| f.min(to));
            if until <= next || self.half(dir).is(flag::ENDED) {
                // What stands here waits for the other direction, whose own clock runs.
                return;
            }
            if first.is_none() && until == next.saturating_add(1) {
                // A FIN that was not captured takes one sequence number too: whether a byte is missing shows when more comes.
                self.waiting().side_mut(dir).granted = until;
                return self.drain(out);
            }
            let why = if self.acked_to(dir) >= until { GapWhy::NotCaptured } else { why };
            self.gap(dir, until, why, out);
            self.drain(out);
        }
    }

    /// Brings the first thing that waits in `dir` one step nearer to delivery, declaring what it waits for missing. False if nothing waits.
    pub(super) fn step<D: Deliver + ?Sized>(&mut self, dir: usize, why: GapWhy, out: &mut D) -> bool {
        let half = *self.half(dir);
        let Some((side, at)) = self.waiting.as_ref().and_then(|w| Some((w.side(dir), w.side(dir).first_at()?))) else {
            return false;
        };
        if !half.is(flag::SETTLED) {
            self.settle(dir, out);
            self.drain(out);
        } else if at > half.next {
            self.declare(dir, at, why, out);
        } else {
            let need = match side.fin.filter(|f| f.at <= half.next) {
                Some(fin) => fin.need,
                None => side.first().map_or(0, |(_, held)| held.need),
            };
            let peer = dir ^ 1;
            let before = self.half(peer).next;
            self.declare(peer, need, why, out);
            if self.half(peer).next == before {
                // Nothing but the byte that may be a FIN is left to declare.
                let granted = &mut self.waiting().side_mut(peer).granted;
                *granted = need.max(*granted);
                self.drain(out);
            }
        }
        true
    }

    /// The direction whose first waiting thing arrived first.
    fn first_waiting(&self) -> Option<usize> {
        let w = self.waiting.as_ref()?;
        match (w.side(0).first_number(), w.side(1).first_number()) {
            (Some(a), Some(b)) => Some(usize::from(b < a)),
            (a, b) => a.map(|_| 0).or(b.map(|_| 1)),
        }
    }

    /// Delivers what waits, in the order in which it arrived, declaring missing what is missing.
    pub(super) fn let_go<D: Deliver + ?Sized>(&mut self, why: GapWhy, out: &mut D) {
        self.drain(out);
        while let Some(dir) = self.first_waiting() {
            self.step(dir, why, out);
        }
    }

    /// Delivers all that waits, declaring what is missing.
    pub(super) fn flush<D: Deliver + ?Sized>(&mut self, out: &mut D) {
        self.let_go(GapWhy::EndOfCapture, out);
        for dir in 0..2 {
            let half = *self.half(dir);
            let acked = half.acked_to();
            // One sequence number beyond may be the FIN's.
            if half.is(flag::SETTLED) && !half.is(flag::ENDED) && acked > half.next.saturating_add(1) {
                self.gap(dir, acked, GapWhy::NotCaptured, out);
            }
        }
    }

    /// Looks at both directions' clocks, and declares missing what has been waited for long enough.
    pub(super) fn patience<D: Deliver + ?Sized>(&mut self, now: i64, out: &mut D) {
        for dir in 0..2 {
            while let Some(clock) = self.wind(dir, now) {
                let packets = self.packets.wrapping_sub(clock.packets);
                let aged = now.saturating_sub(clock.time) >= i64::from(self.limits.patience_ms).saturating_mul(1_000_000);
                let over = match clock.since {
                    Since::Acked => aged || packets >= u32::from(self.limits.patience_packets),
                    Since::Midstream => aged || packets >= MIDSTREAM_PACKETS,
                    Since::OneSided => packets >= u32::from(self.limits.one_sided_packets),
                };
                if !over {
                    break;
                }
                if let Some(w) = &mut self.waiting {
                    w.side_mut(dir).clock = None;
                }
                match clock.since {
                    Since::Midstream => {
                        self.settle(dir, out);
                        self.drain(out);
                    }
                    Since::Acked | Since::OneSided => self.declare(dir, clock.level, GapWhy::NotCaptured, out),
                }
            }
        }
    }

    /// Starts, keeps or stops the clock of `dir`; gives it if it runs.
    fn wind(&mut self, dir: usize, now: i64) -> Option<Clock> {
        let half = *self.half(dir);
        let packets = self.packets;
        let one_sided = !self.half(dir ^ 1).is(flag::SEEN);
        let acked = self.acked_to(dir);
        let side = self.waiting.as_mut()?.side_mut(dir);
        let first = side.first_at();
        let wants = if !half.is(flag::KNOWN) || half.is(flag::ENDED) {
            None
        } else if !half.is(flag::SETTLED) {
            first.map(|at| (Since::Midstream, at))
        } else if first.is_some_and(|at| at <= half.next) {
            None
        } else if acked > half.next.max(side.granted) {
            Some((Since::Acked, acked))
        } else if one_sided {
            first.map(|at| (Since::OneSided, at))
        } else {
            None
        };
        side.clock = wants.map(|(since, level)| match side.clock {
            Some(c) if c.since == since && (c.level > half.next || since == Since::Midstream) => c,
            _ => Clock { since, time: now, packets, level },
        });
        side.clock
    }

    /// Ends both directions when a reset was not followed by anything new.
    pub(super) fn check_reset<D: Deliver + ?Sized>(&mut self, now: Option<i64>, out: &mut D) {
        let Some(reset) = self.waiting.as_ref().and_then(|w| w.reset) else { return };
        let silent = now.is_some_and(|now| now.saturating_sub(reset.last) >= RESET_NS);
        if silent || self.packets.wrapping_sub(reset.packets) >= RESET_PACKETS {
            self.finish(out);
        }
    }

    /// Gives the memory of waiting back when nothing waits.
    pub(super) fn drop_idle(&mut self) {
        let next = [self.half(0).next, self.half(1).next];
        if let Some(w) = &mut self.waiting {
            for (side, next) in w.side.iter_mut().zip(next) {
                if side.granted <= next {
                    side.granted = 0;
                }
            }
            if w.is_idle() {
                self.waiting = None;
            }
        }
    }
}
