//! Telling: what a read said becomes message rows, exchanges, inner streams and heirs.

use super::*;

impl Conversation {
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
        let summary = said.summary_in(&s.ops);
        to.opened(&Message {
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
        });
        let ops = std::mem::take(&mut s.ops);
        if opens {
            let sink = std::mem::replace(&mut s.sink, s.spare.pop().unwrap_or_default());
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
        self.act(way, at, &ops, bytes, done, cx, s, to);
        s.ops = ops;
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
        let ops = std::mem::take(&mut s.ops);
        let message = self.half(way).open.as_ref().map_or(base, |o| o.at);
        self.act(way, message, &ops, Some((bytes, base)), done, cx, s, to);
        if let Some(open) = self.half_mut(way).open.as_mut() {
            open.done = open.done.later(done);
            if said.exchange.is_some() {
                open.exchange = said.exchange;
            }
        }
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
        if let Some(o) = self.half_mut(way).open.as_mut() {
            to.changed(&Message {
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
            });
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
                _ => {}
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
                Op::State(side, state) => to.state(self.id, (dir, message), *side, state),
                Op::Expect(e) => to.expect(self.id, (dir, message), e),
                Op::Wants(id) => to.wants(self.id, id),
                Op::Inner { key, dir: inner_dir, bytes: chunk, how, hint } => {
                    let (data, from) = match chunk {
                        Chunk::Made { bytes, from } => (bytes.as_slice(), *from),
                        Chunk::Here(span) => {
                            let Some((all, base)) = bytes else { continue };
                            let i = span.at.saturating_sub(base) as usize;
                            (all.get(i..i.saturating_add(span.len as usize)).unwrap_or(&[]), *span)
                        }
                    };
                    self.feed_inner(*key, *inner_dir, data, from, *how, hint, (dir, message), done, cx, s, to);
                }
                Op::InnerEnd(key, inner_dir, how) => {
                    if let Some(inside) = self.inside.iter_mut().find(|i| i.key == *key) {
                        inside.of.end(inner_dir.index(), *how, done, cx, s, to);
                    } else if cx.level >= Level::Bodies {
                        to.inner_end(self.id, (dir, message), (*key, *inner_dir), *how);
                    }
                }
                Op::Becomes(hint) => {
                    // What was open in the other direction ends where its reader does.
                    let end = self.half(1 - way).base;
                    self.close_open(1 - way, MessageState::Cut, None, end, s, to);
                    self.start.hint = hint.clone();
                    self.start.midstream = false;
                    self.mode = Mode::Open;
                    self.confirmed = false;
                    self.not = 0;
                    self.user = None;
                    for h in &mut self.halves {
                        h.need = 0;
                        h.waiting = false;
                        h.seeking = false;
                        h.memo = Memo::default();
                    }
                }
                _ => {}
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one inner chunk's facts")]
    pub(super) fn feed_inner<L: Listen + ?Sized>(
        &mut self,
        key: u64,
        dir: Dir,
        data: &[u8],
        from: Span,
        how: How,
        hint: &Hint,
        message: (Dir, u64),
        done: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        let known = self.inside.iter().position(|i| i.key == key);
        let index = known.or_else(|| {
            let start = Start {
                transport: self.start.transport,
                client: self.start.client,
                server: self.start.server,
                hint: hint.clone(),
                midstream: false,
                expected: None,
            };
            if self.depth.saturating_add(1) >= MOST_DEPTH || self.inside.len() >= MOST_INNER || !someone_reads(cx.table, hint) {
                return None;
            }
            let mut of = Conversation::new(ConvId { flow: self.id.flow, inner: self.next_inner }, start, false);
            of.depth = self.depth.saturating_add(1);
            self.next_inner = self.next_inner.saturating_add(1);
            self.inside.push(Inside { key, of: Box::new(of), ends: [0, 0] });
            Some(self.inside.len().saturating_sub(1))
        });
        if cx.level >= Level::Bodies {
            to.inner(&InnerBytes { conv: self.id, message, key: (key, dir), bytes: data, from, how, hint });
        }
        if let Some(inside) = index.and_then(|i| self.inside.get_mut(i)) {
            let way = dir.index();
            let [a, b] = &mut inside.ends;
            let end = if way == 0 { a } else { b };
            let at = *end;
            *end = at.saturating_add(data.len() as u64);
            inside.of.push(way, at, data, done, cx, s, to);
        }
    }

    /// Joins a body piece to the one before it, so that cuts of the input leave no trace.
    pub(super) fn join_pieces(&mut self, way: usize, boundary: usize) {
        let Some(open) = self.half_mut(way).open.as_mut() else { return };
        let nodes = &mut open.sink.nodes;
        let Some(before) = boundary.checked_sub(1) else { return };
        let (Some(a), Some(b)) = (nodes.get(before), nodes.get(boundary)) else { return };
        let same = a.field.is(b.field)
            && a.depth == b.depth
            && a.tie == b.tie
            && a.span.buf == b.span.buf
            && a.span.end() == b.span.at
            && a.end as usize == boundary;
        let leaf = b.end as usize == boundary.saturating_add(1)
            && a.value == wirelore_kit::Value::Span
            && b.value == wirelore_kit::Value::Span;
        if same && leaf && b.field.kind != wirelore_kit::Kind::Group {
            let more = b.span.len;
            if let Some(a) = nodes.get_mut(before) {
                a.span.len = a.span.len.saturating_add(more);
            }
            nodes.remove(boundary);
            for n in nodes.iter_mut().skip(boundary) {
                n.end = n.end.saturating_sub(1);
            }
        }
    }

    /// What a dissector said in `gap` or `end`.
    pub(super) fn after_call<L: Listen + ?Sized>(&mut self, way: usize, s: &mut Scratch, to: &mut L) {
        let end = self.half(way).base;
        let said = self.look_through(&s.ops, to);
        let ops = std::mem::take(&mut s.ops);
        let late = std::mem::take(&mut s.sink.notes);
        let dir = self.dir(way);
        let message = self.half(way).open.as_ref().map_or(end, |o| o.at);
        for op in &ops.list {
            match op {
                Op::State(side, state) => to.state(self.id, (dir, message), *side, state),
                Op::InnerEnd(key, d, how) => to.inner_end(self.id, (dir, message), (*key, *d), *how),
                _ => {}
            }
        }
        if let Some(open) = self.half_mut(way).open.as_mut() {
            for n in late {
                open.sink.note(n);
            }
        }
        let summary = said.summary_in(&ops);
        if said.closes {
            self.tell_change(way, end, MessageState::Whole, summary, to);
            self.drop_open(way, s);
        }
        s.ops = ops;
    }
}
