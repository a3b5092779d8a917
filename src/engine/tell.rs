//! The listener of a shard: turns what conversations tell into events of its output.
//!
//! Named states are not recorded: who shows them reads the conversation again.

use crate::announce::{Board, is_foreign};
use crate::conversation::{Listen, Message};
use crate::output::{Event, MessageEvent, Output};
use crate::shard::ANNOUNCED_LIMIT;
use hashbrown::HashMap;
use wirelore_kit::row::{Evidence, MessageState, NONE};
use wirelore_kit::{BufId, Cell, ConvId, Dir, Expect, Hint, Noted, SecretId, Span, Spec, Start};

/// Numbers that a shard gives.
#[derive(Debug, Default)]
pub struct Numbers {
    /// Messages so far.
    pub messages: u32,
    /// Exchanges so far.
    pub exchanges: u32,
    /// Open messages by what names them.
    open: HashMap<(ConvId, Dir, u64), u32>,
    /// The message told last.
    last: Option<((ConvId, Dir, u64), u32)>,
    /// When the message told last was complete.
    said: i64,
}

/// Writes events for the packet at hand.
pub struct Tell<'t> {
    /// Where to.
    pub out: &'t mut Output,
    /// Numbering.
    pub numbers: &'t mut Numbers,
    /// The table, for protocols' places in it.
    pub table: &'static [&'static Spec],
    /// Flows to come; `None` in a second reading, where those flows are among the ones that came.
    pub board: Option<&'t mut Board>,
    /// The packet at hand.
    pub packet: u32,
    /// Its time.
    pub now: i64,
    /// Set when a conversation turned out to have its ends the other way round.
    pub flipped: Option<bool>,
}

impl Tell<'_> {
    fn place(&self, spec: &'static Spec) -> u16 {
        self.table.iter().position(|s| std::ptr::eq(*s, spec)).unwrap_or(0) as u16
    }

    fn event(&mut self, m: &Message<'_>, local: u32) -> MessageEvent {
        let shift = self.out.text.len() as u32;
        let cells_from = self.out.cells.len() as u32;
        let cells = m.sink.cells.get(m.new_cells..).unwrap_or(&[]);
        self.out.cells.extend(cells.iter().map(|(f, cell)| match cell {
            Cell::Text(r) => (*f, Cell::Text(r.start.saturating_add(shift)..r.end.saturating_add(shift))),
            other => (*f, other.clone()),
        }));
        if !cells.is_empty() {
            self.out.text.extend_from_slice(&m.sink.arena);
        }
        let notes_from = self.out.notes.len() as u32;
        self.out.notes.extend_from_slice(m.sink.notes.get(m.new_notes..).unwrap_or(&[]));
        let summary_from = self.out.lines.len() as u32;
        self.out.lines.push_str(m.summary.unwrap_or(""));
        MessageEvent {
            local,
            conv: m.conv,
            protocol: self.place(m.spec),
            dir: m.dir,
            state: m.state,
            first: m.first.number,
            done: m.done.number,
            at: m.at,
            len: m.len,
            summary: summary_from..self.out.lines.len() as u32,
            has_summary: m.summary.is_some(),
            cells: cells_from..self.out.cells.len() as u32,
            notes: notes_from..self.out.notes.len() as u32,
            exchange: m.exchange.unwrap_or(NONE),
            asks: m.asks,
            more: m.more,
        }
    }

    /// In a second reading, the packet at hand is the one that a message tells of.
    fn follow(&mut self, m: &Message<'_>) {
        if self.board.is_none() {
            (self.packet, self.now) = (m.done.number, m.done.time);
        }
    }

    fn push(&mut self, e: Event) {
        self.out.events.push((self.packet, e));
    }
}

impl Listen for Tell<'_> {
    fn identified(&mut self, conv: ConvId, spec: &'static Spec, evidence: Evidence, flipped: bool) {
        if conv.inner == 0 {
            self.flipped = Some(flipped);
        }
        let place = self.place(spec);
        self.push(Event::Identified(conv, place, evidence));
    }

    fn inside(&mut self, conv: ConvId, outer: ConvId, _: (Dir, u64), _: &Hint) {
        self.push(Event::Inside(conv, outer.inner));
    }

    fn opened(&mut self, m: &Message<'_>) {
        self.follow(m);
        self.numbers.said = m.done.time;
        let local = self.numbers.messages;
        self.numbers.messages = local.wrapping_add(1);
        if m.state == MessageState::Open {
            self.numbers.open.insert((m.conv, m.dir, m.at), local);
        }
        self.numbers.last = Some(((m.conv, m.dir, m.at), local));
        let e = self.event(m, local);
        let at = self.out.messages.len() as u32;
        self.out.messages.push(e);
        self.push(Event::Opened(at));
    }

    fn changed(&mut self, m: &Message<'_>) {
        self.follow(m);
        self.numbers.said = m.done.time;
        let name = (m.conv, m.dir, m.at);
        let local =
            if m.state == MessageState::Open { self.numbers.open.get(&name).copied() } else { self.numbers.open.remove(&name) };
        if let Some(local) = local {
            let e = self.event(m, local);
            let at = self.out.messages.len() as u32;
            self.out.messages.push(e);
            self.push(Event::Changed(at));
        }
    }

    fn exchange(&mut self) -> u32 {
        let n = self.numbers.exchanges;
        self.numbers.exchanges = n.wrapping_add(1);
        n
    }

    fn expect(&mut self, conv: ConvId, message: (Dir, u64), of: &Start, e: &Expect) {
        let Some(((a, _), (b, _))) = of.client.zip(of.server) else { return };
        let now = self.now;
        let said = self.numbers.said.min(now);
        let Some(board) = self.board.as_deref_mut().filter(|_| !is_foreign(e, (a, b))) else {
            return self.push(Event::Expect(conv, Box::new(e.clone()), said));
        };
        let before = board.forgotten;
        if said < now {
            // Read late, behind a hole: its flow may have come in the meantime.
            self.out.events.push((self.packet, Event::Expect(conv, Box::new(e.clone()), said)));
        }
        board.announce(conv, (a, b), e, now);
        if board.forgotten > before {
            let at = Span::new(BufId::stream(conv, message.0), message.1, 0);
            self.push(Event::Note { flow: conv.flow, packet: self.packet, noted: Noted { what: &ANNOUNCED_LIMIT, at } });
        }
    }

    fn about(&mut self, conv: ConvId, _: (Dir, u64), key: u64, what: &str) {
        if let Some(board) = self.board.as_deref_mut() {
            board.about(conv, key, what);
        }
        self.push(Event::About(conv, key, what.into()));
    }

    fn concerns(&mut self, conv: ConvId, message: (Dir, u64), key: u64) {
        let name = (conv, message.0, message.1);
        let last = self.numbers.last.filter(|l| l.0 == name).map(|l| l.1);
        if let Some(local) = last.or_else(|| self.numbers.open.get(&name).copied()) {
            self.push(Event::Concerns(conv, key, local));
        }
    }

    fn wants(&mut self, conv: ConvId, id: &SecretId) {
        self.push(Event::Wants(conv, Box::new(id.clone())));
    }
}
