//! Reading: which direction is read next, one read, and the search for a start behind bytes that are no message.

use super::*;

impl Conversation {
    /// Reads while something can be read. `now` are bytes of a way that has none unread; returns how many of them are left.
    pub(super) fn pump<L: Listen + ?Sized>(
        &mut self,
        now: Option<(usize, &[u8])>,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> usize {
        if now.is_none() && self.halves.iter().all(|h| h.unread.is_empty()) && !matches!(self.mode, Mode::Open) {
            return 0;
        }
        let mut left = self.pump_one_reader(now, cx, s, to);
        // A guess withdrawn or an heir: hold what is left, decide again, read on.
        let mut now = now;
        while matches!(self.mode, Mode::Open) {
            if let Some((way, bytes)) = now.take() {
                let rest = bytes.get(bytes.len().saturating_sub(left)..).unwrap_or(&[]);
                self.half_mut(way).unread.extend_from_slice(rest);
                left = 0;
            }
            self.settle(self.halves.iter().all(|h| h.ended.is_some()), None, cx);
            if !matches!(self.mode, Mode::Reads(_)) {
                break;
            }
            self.pump_one_reader(None, cx, s, to);
        }
        if matches!(self.mode, Mode::Left) { 0 } else { left }
    }

    /// Reads until nothing can be read or the reader changes.
    pub(super) fn pump_one_reader<L: Listen + ?Sized>(
        &mut self,
        now: Option<(usize, &[u8])>,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> usize {
        let (now_way, mut now_bytes) = now.unwrap_or((2, &[]));
        // The usual case: nothing else is unread, so there is nothing to choose.
        if now.is_some() && self.half(1 - now_way.min(1)).unread.is_empty() {
            let may = |h: &Half, left: usize| left > 0 && !h.waiting && !h.given_up && left >= h.need;
            while matches!(self.mode, Mode::Reads(_)) && !self.leaves_to_twin(to) && may(self.half(now_way), now_bytes.len()) {
                let before = self.half(now_way).base;
                let used = self.read_once(now_way, now_bytes, cx, s, to);
                now_bytes = now_bytes.get(used..).unwrap_or(&[]);
                self.after_read(now_way, before, used);
            }
            return now_bytes.len();
        }
        // Unread bytes are taken out while they are read, so that a read can borrow them beside the rest.
        let mut taken = [0usize; 2];
        while matches!(self.mode, Mode::Reads(_)) && !self.leaves_to_twin(to) {
            let mut next: Option<(u32, usize)> = None;
            for way in 0..2 {
                let used = if way == 0 { taken[0] } else { taken[1] };
                let h = self.half(way);
                let left = if way == now_way { now_bytes.len() } else { h.unread.len().saturating_sub(used) };
                if left == 0 || h.waiting || h.given_up || left < h.need {
                    continue;
                }
                let number = h.arrivals.next().map_or(u32::MAX, |a| a.number);
                if next.is_none_or(|(n, _)| number < n) {
                    next = Some((number, way));
                }
            }
            let Some((_, way)) = next else { break };
            let before = self.half(way).base;
            let used = if way == now_way {
                let used = self.read_once(way, now_bytes, cx, s, to);
                now_bytes = now_bytes.get(used..).unwrap_or(&[]);
                used
            } else {
                // Out of the way while it is read, and back again.
                let unread = std::mem::take(&mut self.half_mut(way).unread);
                let from = if way == 0 { taken[0] } else { taken[1] };
                let used = self.read_once(way, unread.get(from..).unwrap_or(&[]), cx, s, to);
                self.half_mut(way).unread = unread;
                let [a, b] = &mut taken;
                let taken = if way == 0 { a } else { b };
                *taken = taken.saturating_add(used);
                used
            };
            self.after_read(way, before, used);
        }
        for (way, n) in taken.into_iter().enumerate() {
            if n > 0 {
                let unread = &mut self.half_mut(way).unread;
                unread.drain(..n.min(unread.len()));
                if unread.is_empty() && unread.capacity() > 64 * 1024 {
                    *unread = Vec::new();
                }
            }
        }
        now_bytes.len()
    }

    /// Moves on by `used` bytes; wakes the other way.
    pub(super) fn after_read(&mut self, way: usize, before: u64, used: usize) {
        let h = self.half_mut(way);
        if h.base == before && used > 0 {
            h.base = before.saturating_add(used as u64);
        }
        h.arrivals.pass(h.base);
        if used > 0 {
            self.half_mut(1 - way).waiting = false;
        }
    }

    /// The arrival that brought the byte at `offset`.
    pub(super) fn arrival_of(&self, way: usize, offset: u64) -> Arrival {
        let h = self.half(way);
        h.arrivals.of(offset).unwrap_or(h.last)
    }

    /// The arrival that completed the unread bytes up to `offset`.
    pub(super) fn completed_by(&self, way: usize, offset: u64) -> Arrival {
        let h = self.half(way);
        h.arrivals.latest(offset).unwrap_or(h.last)
    }

    /// One read of `way`; returns how many bytes it took.
    pub(super) fn read_once<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        bytes: &[u8],
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> usize {
        let at = self.half(way).base;
        if self.half(way).seeking {
            return self.seek_start(way, bytes, cx, s, to);
        }
        let (dir, buf) = (self.dir(way), self.buf(way));
        let other = self.half(1 - way);
        let other_ended = other.ended.is_some() && other.arrivals.is_empty();
        let ended = self.half(way).ended.is_some();
        let first = self.arrival_of(way, at);
        let Mode::Reads(d) = &mut self.mode else { return 0 };
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
        let mark = sink.mark();
        let nodes = sink.nodes.len();
        let turn = Turn {
            dir,
            at,
            time: first.time,
            level: cx.level,
            ended,
            other_ended,
            start: &self.start,
            secrets: cx.secrets,
            whole: Span::new(buf, at, u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
        };
        let mut memo = h.memo;
        let mut r = Reader::new(bytes, buf, at, false, cx.level, sink, &mut memo);
        let went = guarded(d.as_mut(), &turn, &mut r, &mut s.ops, cx);
        let used = r.taken();
        h.memo = memo;
        match went {
            Ok(()) => {
                h.memo = Memo::default();
                h.need = 0;
                h.trial = false;
                self.confirm(to);
                let done = self.completed_by(way, at.saturating_add(used as u64).saturating_sub(1));
                if used == 0 && s.ops.list.iter().all(|op| matches!(op, Op::State(..))) {
                    // The progress law is broken: treat it as grammar that is not.
                    return self.bad(way, bytes, 0, &FAULT, cx, s, to);
                }
                if self.half(way).open.is_some() {
                    if let Some(open) = self.half_mut(way).open.as_mut() {
                        // Cuts of the input leave no trace in body pieces.
                        open.sink.join(nodes);
                    }
                    self.grow(way, at.saturating_add(used as u64), done, bytes, at, cx, s, to);
                } else {
                    self.tell_new_of(way, at, used as u64, first, done, None, Some((bytes, at)), cx, s, to);
                }
                used
            }
            Err(Stop::Short { need }) => {
                sink_of(h, &mut s.sink).roll_back(mark);
                s.ops.clear();
                h.need = need.max(bytes.len().saturating_add(1));
                if ended || need > MOST_UNREAD {
                    let why = if ended { &note::CUT } else { &note::TOO_LONG };
                    if !self.confirmed {
                        self.withdraw();
                        return 0;
                    }
                    if ended {
                        // Nothing more comes: the rest is told as cut when the end is.
                        self.half_mut(way).need = usize::MAX;
                        return 0;
                    }
                    return self.bad(way, bytes, 0, why, cx, s, to);
                }
                0
            }
            Err(Stop::Wait) => {
                sink_of(h, &mut s.sink).roll_back(mark);
                s.ops.clear();
                h.waiting = true;
                0
            }
            Err(Stop::Bad(what)) => {
                if !self.confirmed {
                    sink_of(h, &mut s.sink).roll_back(mark);
                    s.ops.clear();
                    self.withdraw();
                    return 0;
                }
                self.bad(way, bytes, used, what, cx, s, to)
            }
        }
    }

    /// Bytes that break the grammar: a row of their own, then look for the next start.
    #[expect(clippy::too_many_arguments, reason = "the circumstances of a read go with every call")]
    pub(super) fn bad<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        bytes: &[u8],
        used: usize,
        what: &'static Note,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> usize {
        self.half_mut(way).need = 0;
        self.half_mut(way).memo = Memo::default();
        s.ops.clear();
        let at = self.half(way).base;
        // What was read before the fault stays in the row; at least one byte is passed over, so that this ends.
        let skip = used.max(1).min(bytes.len());
        let here = Span::new(self.buf(way), at, skip as u32);
        let first = self.arrival_of(way, at);
        let done = self.completed_by(way, at.saturating_add(skip as u64).saturating_sub(1));
        if let Some(open) = self.half_mut(way).open.as_mut() {
            if !open.lost {
                open.sink.note(Noted { what, at: here });
                open.done = open.done.later(done);
                let end = at.saturating_add(skip as u64);
                self.close_open(way, MessageState::Bad, None, end, s, to);
                self.half_mut(way).seeking = true;
                return skip;
            }
        } else {
            if cx.level.has_fields() && used < skip {
                let span = Span::new(self.buf(way), at.saturating_add(used as u64), (skip.saturating_sub(used)) as u32);
                s.sink.unknown(span, bytes.get(used..skip).unwrap_or(&[]));
            }
            s.sink.note(Noted { what, at: here });
            self.open_lost(way, at, skip, first, done, cx, s, to);
        }
        self.half_mut(way).seeking = true;
        skip
    }

    /// Opens a row for bytes that are no message.
    #[expect(clippy::too_many_arguments, reason = "the circumstances of a read go with every call")]
    pub(super) fn open_lost<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        at: u64,
        len: usize,
        first: Arrival,
        done: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        let _ = cx;
        let Some(spec) = self.spec else { return };
        let sink = {
            let spare = s.spare_sink();
            std::mem::replace(&mut s.sink, spare)
        };
        let (told_cells, told_notes) = (sink.cells.len(), sink.notes.len());
        let m = Message {
            conv: self.id,
            spec,
            dir: self.dir(way),
            at,
            len: len as u64,
            first,
            done,
            state: MessageState::Open,
            summary: Some("Bytes that are no message"),
            sink: &sink,
            new_cells: 0,
            new_notes: 0,
            exchange: None,
            asks: false,
            more: false,
        };
        self.tell_opened(&m, to);
        self.half_mut(way).open =
            Some(Box::new(OpenMessage { at, first, done, sink, told_cells, told_notes, exchange: None, lost: true }));
    }

    /// Passes over bytes until a message may begin.
    pub(super) fn seek_start<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        bytes: &[u8],
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> usize {
        let (dir, buf, at) = (self.dir(way), self.buf(way), self.half(way).base);
        let Some(find) = self.spec.and_then(|p| p.resync) else {
            self.half_mut(way).given_up = true;
            let end = at;
            self.close_open(way, MessageState::Bad, None, end, s, to);
            return bytes.len();
        };
        let found = find(bytes, dir);
        // Without a find, the last bytes may be the beginning of a start.
        let ended = self.half(way).ended.is_some();
        let skip = found.unwrap_or(if ended { bytes.len() } else { bytes.len().saturating_sub(16) });
        if found.is_none() && skip == 0 {
            let h = self.half_mut(way);
            h.need = bytes.len().saturating_add(1);
            return 0;
        }
        if skip > 0 {
            let first = self.arrival_of(way, at);
            let done = self.completed_by(way, at.saturating_add(skip as u64).saturating_sub(1));
            if self.half(way).open.is_none() {
                s.sink.clear();
                if cx.level.has_fields() {
                    s.sink.unknown(Span::new(buf, at, skip as u32), bytes.get(..skip).unwrap_or(&[]));
                }
                s.sink.note(Noted { what: &note::NOT_GRAMMAR, at: Span::new(buf, at, skip as u32) });
                self.open_lost(way, at, skip, first, done, cx, s, to);
            } else if let Some(open) = self.half_mut(way).open.as_mut() {
                open.done = open.done.later(done);
                if cx.level.has_fields() {
                    open.sink.unknown(Span::new(buf, at, skip as u32), bytes.get(..skip).unwrap_or(&[]));
                }
            }
        }
        let h = self.half_mut(way);
        h.need = 0;
        h.base = at.saturating_add(skip as u64);
        if found.is_some() {
            h.seeking = false;
            h.trial = true;
            let end = at.saturating_add(skip as u64);
            self.close_open(way, MessageState::Bad, None, end, s, to);
            // The place was found; a read must follow even where nothing was passed over.
            return skip;
        }
        skip
    }

    /// Keeps a direction's memory under its bound.
    pub(super) fn bound<L: Listen + ?Sized>(&mut self, way: usize, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if self.half(way).unread.len() > MOST_UNREAD || self.half(way).arrivals.runs() > MOST_RUNS {
            self.cut_unread(way, &note::TOO_LONG, cx, s, to);
            let h = self.half_mut(way);
            h.seeking = true;
            h.waiting = false;
        }
    }
}
