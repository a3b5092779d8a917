//! Telling: what a read said becomes message rows, exchanges, inner streams and heirs.

use super::inside::ForInside;
use super::*;

impl Conversation {
    /// A content's messages are told apart: they are no rows.
    pub(super) fn tell_opened<L: Listen + ?Sized>(&self, m: &Message<'_>, to: &mut L) {
        match &self.content {
            None => to.opened(m),
            Some(of) => to.content(**of, m),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    pub(super) fn tell_new<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        at: u64,
        len: u64,
        first: Arrival,
        done: Arrival,
        state: Option<MessageState>,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        self.tell_new_of(way, at, len, first, done, state, None, cx, s, to);
    }

    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    pub(super) fn tell_new_of<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        at: u64,
        len: u64,
        first: Arrival,
        done: Arrival,
        state: Option<MessageState>,
        bytes: Option<(&[u8], u64)>,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        let Some(spec) = self.spec else { return };
        let dir = self.dir(way);
        let said = self.look_through(&s.ops, to);
        let opens = said.opens && !said.closes && state.is_none();
        if said.more && self.too_much_inside(&s.ops, cx) {
            s.sink.note(Noted { what: &INNER_LIMIT, at: Span::new(self.buf(way), at, 0) });
        }
        let summary = said.summary_in(&s.ops);
        let m = Message {
            conv: self.id,
            spec,
            dir,
            at,
            len,
            first,
            done,
            state: state.unwrap_or(if opens { MessageState::Open } else { MessageState::Whole }),
            summary,
            sink: &s.sink,
            new_cells: 0,
            new_notes: 0,
            exchange: said.exchange.map(|e| e.0),
            asks: said.exchange.is_some_and(|e| e.1),
            more: said.exchange.is_some_and(|e| e.2),
        };
        self.tell_opened(&m, to);
        if opens {
            let spare = s.spare_sink();
            let sink = std::mem::replace(&mut s.sink, spare);
            let (told_cells, told_notes) = (sink.cells.len(), sink.notes.len());
            self.half_mut(way).open = Some(Box::new(OpenMessage {
                at,
                first,
                done,
                sink,
                told_cells,
                told_notes,
                exchange: said.exchange,
                lost: false,
            }));
        }
        if said.more {
            let ops = s.aside();
            self.act(way, at, &ops, bytes, done, cx, s, to);
            s.back(ops);
        }
    }

    /// An open message went on.
    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    pub(super) fn grow<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        end: u64,
        done: Arrival,
        bytes: &[u8],
        base: u64,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        let said = self.look_through(&s.ops, to);
        let message = self.half(way).open.as_ref().map_or(base, |o| o.at);
        if said.more {
            let note =
                self.too_much_inside(&s.ops, cx).then(|| Noted { what: &INNER_LIMIT, at: Span::new(self.buf(way), base, 0) });
            if let (Some(note), Some(open)) = (note, self.half_mut(way).open.as_mut()) {
                open.sink.note(note);
            }
            let ops = s.aside();
            self.act(way, message, &ops, Some((bytes, base)), done, cx, s, to);
            s.back(ops);
        }
        if let Some(open) = self.half_mut(way).open.as_mut() {
            open.done = open.done.later(done);
            if said.exchange.is_some() {
                open.exchange = said.exchange;
            }
        }
        let ops = std::mem::take(&mut s.ops);
        let summary = said.summary_in(&ops);
        let news =
            self.half(way).open.as_ref().is_some_and(|o| o.sink.cells.len() > o.told_cells || o.sink.notes.len() > o.told_notes);
        if said.closes || summary.is_some() || news {
            self.tell_change(way, end, if said.closes { MessageState::Whole } else { MessageState::Open }, summary, to);
        }
        if said.closes {
            self.drop_open(way, s);
        }
        s.ops = ops;
    }

    pub(super) fn tell_change<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        end: u64,
        state: MessageState,
        summary: Option<&str>,
        to: &mut L,
    ) {
        let (Some(spec), dir, conv) = (self.spec, self.dir(way), self.id) else { return };
        let content = self.content.as_deref().copied();
        if let Some(o) = self.half_mut(way).open.as_mut() {
            let m = Message {
                conv,
                spec,
                dir,
                at: o.at,
                len: end.saturating_sub(o.at),
                first: o.first,
                done: o.done,
                state,
                summary,
                sink: &o.sink,
                new_cells: o.told_cells,
                new_notes: o.told_notes,
                exchange: o.exchange.map(|e| e.0),
                asks: o.exchange.is_some_and(|e| e.1),
                more: o.exchange.is_some_and(|e| e.2),
            };
            match content {
                None => to.changed(&m),
                Some(of) => to.content(of, &m),
            }
            o.told_cells = o.sink.cells.len();
            o.told_notes = o.sink.notes.len();
        }
    }

    pub(super) fn drop_open(&mut self, way: usize, s: &mut Scratch) {
        if let Some(mut open) = self.half_mut(way).open.take()
            && s.spare.len() < 16
        {
            open.sink.clear();
            s.spare.push(open.sink);
        }
    }

    /// Ends the open message of `way` at `end`, if there is one.
    pub(super) fn close_open<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        state: MessageState,
        why: Option<&'static Note>,
        end: u64,
        s: &mut Scratch,
        to: &mut L,
    ) {
        let buf = self.buf(way);
        if let Some(open) = self.half_mut(way).open.as_mut() {
            let state = if open.lost { MessageState::Bad } else { state };
            if let Some(what) = why.filter(|_| !open.lost) {
                open.sink.note(Noted { what, at: Span::new(buf, end, 0) });
            }
            self.tell_change(way, end, state, None, to);
            self.drop_open(way, s);
        }
    }

    /// First pass over what a read said: what the message row itself needs.
    pub(super) fn look_through<L: Listen + ?Sized>(&mut self, ops: &Ops, to: &mut L) -> Said {
        let mut said = Said::default();
        for (i, op) in ops.list.iter().enumerate() {
            match op {
                Op::Summary(_) => said.summary = Some(i as u32),
                Op::Open => said.opens = true,
                Op::Close => said.closes = true,
                // The content of a message pairs with nothing.
                Op::Asks(_) | Op::Answers(..) if self.content.is_some() => {}
                Op::Asks(key) => {
                    let n = to.exchange();
                    if self.pending.len() >= MOST_PENDING {
                        self.pending.remove(0);
                    }
                    self.pending.push((*key, n));
                    said.exchange = Some((n, true, false));
                }
                Op::Answers(key, more) => {
                    if let Some(p) = self.pending.iter().position(|(k, _)| k == key) {
                        let n = self.pending.get(p).map_or(0, |e| e.1);
                        if *more == More::No {
                            self.pending.remove(p);
                        }
                        said.exchange = Some((n, false, *more == More::Yes));
                    }
                }
                Op::Piece(_) => {}
                _ => said.more = true,
            }
        }
        said
    }

    /// Second pass: what reaches beyond the row.
    #[expect(clippy::too_many_arguments, reason = "one message's facts")]
    pub(super) fn act<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        message: u64,
        ops: &Ops,
        bytes: Option<(&[u8], u64)>,
        done: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        let dir = self.dir(way);
        for op in &ops.list {
            match op {
                Op::State(..) | Op::Expect(_) | Op::About(..) | Op::Concerns(_) | Op::Wants(_) if self.content.is_some() => {}
                Op::State(side, state) => to.state(self.id, (dir, message), *side, state),
                Op::Expect(e) => to.expect(self.id, (dir, message), &self.start, e),
                Op::About(key, what) => to.about(self.id, (dir, message), *key, ops.summary(what)),
                Op::Concerns(key) => to.concerns(self.id, (dir, message), *key),
                Op::Wants(id) => to.wants(self.id, id),
                Op::Inner { key, dir: inner_dir, bytes: chunk, how, hint, datagram } => {
                    let (data, from) = match chunk {
                        Chunk::Made { bytes, from } => (bytes.as_slice(), *from),
                        Chunk::Here(span) => {
                            let Some((all, base)) = bytes else { continue };
                            let i = span.at.saturating_sub(base) as usize;
                            (all.get(i..i.saturating_add(span.len as usize)).unwrap_or(&[]), *span)
                        }
                    };
                    let chunk = ForInside { key: *key, dir: *inner_dir, bytes: data, from, how: *how, hint, datagram: *datagram };
                    self.feed_inside(way, &chunk, (dir, message), cx, s, to);
                }
                Op::InnerEnd(key, inner_dir, how) => {
                    self.end_inside((*key, *inner_dir), *how, (dir, message), done, cx, s, to);
                }
                Op::InnerGap(key, inner_dir, missing) => self.gap_inside((*key, *inner_dir), *missing, cx, s, to),
                Op::Becomes(hint) => {
                    // What was open in the other direction ends where its reader does.
                    let end = self.half(1 - way).base;
                    self.close_open(1 - way, MessageState::Cut, None, end, s, to);
                    // So do the streams inside: their keys are the old reader's own.
                    for dir in Dir::BOTH {
                        self.end_all_inside(dir, End::Cut, done, cx, s, to);
                    }
                    self.reopen(hint.clone());
                }
                _ => {}
            }
        }
    }

    /// What a dissector said in `gap` or `end`.
    pub(super) fn after_call<L: Listen + ?Sized>(&mut self, way: usize, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if s.ops.list.is_empty() && s.sink.notes.is_empty() {
            return;
        }
        let end = self.half(way).base;
        let said = self.look_through(&s.ops, to);
        let late = std::mem::take(&mut s.sink.notes);
        let message = self.half(way).open.as_ref().map_or(end, |o| o.at);
        if said.more {
            let (ops, last) = (s.aside(), self.half(way).last);
            self.act(way, message, &ops, None, last, cx, s, to);
            s.back(ops);
        }
        if let Some(open) = self.half_mut(way).open.as_mut() {
            for n in late {
                open.sink.note(n);
            }
        }
        let ops = std::mem::take(&mut s.ops);
        let summary = said.summary_in(&ops);
        if said.closes {
            self.tell_change(way, end, MessageState::Whole, summary, to);
            self.drop_open(way, s);
        }
        s.ops = ops;
    }
}
