//! Ends: what is left unread before a hole or the end of a direction is a message that was cut.

use super::*;

impl Conversation {
    /// Bytes left unread before a hole or the end: a message that was cut.
    pub(super) fn cut_unread<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        why: &'static Note,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        let bytes = std::mem::take(&mut self.half_mut(way).unread);
        if bytes.is_empty() {
            return;
        }
        let (dir, buf, at) = (self.dir(way), self.buf(way), self.half(way).base);
        let first = self.arrival_of(way, at);
        let end = at.saturating_add(bytes.len() as u64);
        let done = self.completed_by(way, end.saturating_sub(1));
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
                let turn = Turn {
                    dir,
                    at,
                    time: first.time,
                    level: cx.level,
                    ended: true,
                    other_ended: true,
                    start: &self.start,
                    secrets: cx.secrets,
                    whole,
                };
                let mut memo = Memo::default();
                let mut r = Reader::new(&bytes, buf, at, true, cx.level, sink, &mut memo);
                let _ = guarded(copy.as_mut(), &turn, &mut r, &mut s.ops, cx);
                let left = r.left();
                if left > 0 {
                    let _ = r.bytes(&UNKNOWN, left);
                }
            }
            sink.note(Noted { what: why, at: whole });
            s.ops.list.retain(|op| matches!(op, Op::Summary(_)));
            if let Some(open) = h.open.as_mut() {
                open.done = open.done.later(done);
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
    pub(super) fn finish<L: Listen + ?Sized>(&mut self, way: usize, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        let Some((how, at)) = self.half(way).ended else { return };
        if self.half(way).end_told {
            return;
        }
        // While nobody knows what it speaks nothing is let go: what the other direction says may tell.
        if matches!(self.mode, Mode::Open) && self.halves.iter().any(|h| h.ended.is_none()) {
            return;
        }
        self.half_mut(way).end_told = true;
        self.cut_unread(way, &note::CUT, cx, s, to);
        let dir = self.dir(way);
        if let Mode::Reads(d) = &mut self.mode {
            s.ops.clear();
            s.sink.clear();
            d.end(dir, how, &mut Out::new(&mut s.ops, cx.level, Some(&mut s.sink)).among(cx.table));
            if let Some(open) = self.half_mut(way).open.as_mut()
                && how != End::Capture
                && open.done.number <= at.number
            {
                // Where the end of the connection is the end of the message, that packet completes it.
                if s.ops.list.iter().any(|o| matches!(o, Op::Close)) {
                    open.done = at;
                }
            }
            self.after_call(way, cx, s, to);
            let end = self.half(way).base;
            self.close_open(way, MessageState::Cut, Some(&note::CUT), end, s, to);
        }
        self.end_all_inside(dir, how, at, cx, s, to);
    }
}
