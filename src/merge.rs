//! The writer's work: outputs of all shards for a batch become rows of the store, in the order of arrivals.
//!
//! Shards number flows, messages and exchanges for themselves; here they get the numbers that everybody sees, by first packet.

mod ids;

use crate::again::Due;
use ids::Ids;
use std::sync::{Arc, PoisonError, RwLock};
use wirelore_engine::announce::Bound;
use wirelore_engine::ledger::Ledger;
use wirelore_engine::output::{Event, FlowFacts, MessageEvent, Output, mark};
use wirelore_engine::shard::addresses;
use wirelore_kit::row::{Endpoint, Evidence, MessageState, NONE};
use wirelore_kit::{BufId, BufKind, Cell, ConvId, F, More, Noted, Span, Transport};
use wirelore_store::{Builder, FlowFlags, FlowRow, MessageEnd, MessageOpen};

/// Numbers of one shard and what they are for everybody.
#[derive(Default)]
struct Numbers {
    flows: Ids,
    messages: Ids,
    exchanges: Ids,
}

/// Turns outputs into rows.
pub struct Merger {
    /// The store's writer.
    pub builder: Builder,
    ledger: Arc<RwLock<Ledger>>,
    shards: Vec<Numbers>,
    /// Numbers of the flow that is read again.
    again: Numbers,
    /// The reading that rows come from.
    generation: u16,
    /// What is to be read again.
    pub due: Due,
    streams: [u32; 2],
    rows: Vec<wirelore_kit::PacketRow>,
    notes: Vec<Noted>,
}

fn cells_of<'o>(m: &MessageEvent, o: &'o Output) -> &'o [(F, Cell)] {
    o.cells.get(m.cells.start as usize..m.cells.end as usize).unwrap_or(&[])
}

/// Stands for a shard where flows are read again: its numbers of flows are those that everybody sees.
const AGAIN: usize = usize::MAX;

impl Merger {
    /// For so many shards.
    #[must_use]
    pub fn new(builder: Builder, ledger: Arc<RwLock<Ledger>>, shards: usize) -> Merger {
        Merger {
            builder,
            ledger,
            shards: (0..shards.max(1)).map(|_| Numbers::default()).collect(),
            again: Numbers::default(),
            generation: 0,
            due: Due::default(),
            streams: [0; 2],
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Takes what every shard made of one batch: one output each, in the order of the shards.
    pub fn take(&mut self, outputs: &[Output]) {
        let ledger = Arc::clone(&self.ledger);
        // A poisoned lock only means that a reader panicked; the ledger itself is whole.
        let mut ledger = ledger.write().unwrap_or_else(PoisonError::into_inner);
        if let [only] = outputs {
            for (_, event) in &only.events {
                self.event(0, event, only, &mut ledger);
            }
            self.facts(outputs, &mut ledger);
            if self.flows_are_the_same(0) {
                self.builder.packets(&only.packets);
                return;
            }
        } else {
            let mut next = vec![0usize; outputs.len()];
            loop {
                let first = outputs
                    .iter()
                    .enumerate()
                    .filter_map(|(s, o)| {
                        let (packet, event) = o.events.get(*next.get(s)?)?;
                        Some((*packet, self.flow_of(s, event, o), s))
                    })
                    .min();
                let Some((packet, flow, s)) = first else { break };
                let (Some(o), Some(n)) = (outputs.get(s), next.get_mut(s)) else { break };
                // Events of a packet come from one shard, but with the last packet of a capture the flows of every shard end:
                // then the flow's number decides, as it does with one shard.
                while let Some((_, event)) = o.events.get(*n).filter(|(p, e)| *p == packet && self.flow_of(s, e, o) == flow) {
                    *n += 1;
                    self.event(s, event, o, &mut ledger);
                }
            }
            self.facts(outputs, &mut ledger);
        }
        self.packets(outputs);
    }

    fn facts(&mut self, outputs: &[Output], ledger: &mut Ledger) {
        for (shard, (flow, facts)) in outputs.iter().enumerate().flat_map(|(s, o)| o.facts.iter().map(move |f| (s, f))) {
            let flow = self.conv(shard, ConvId { flow: *flow, inner: 0 }).flow;
            ledger.mark(flow, facts.marks);
            let whole = self.due.is_taken_over(flow);
            if let Some(row) = self.builder.flow_mut(flow) {
                set_facts(row, facts);
                if whole {
                    row.flags.clear(FlowFlags::TWIN);
                }
            }
        }
    }

    fn flows_are_the_same(&self, shard: usize) -> bool {
        self.shards.len() == 1 && self.shards.get(shard).is_some_and(|n| n.flows.are_the_same())
    }

    fn packets(&mut self, outputs: &[Output]) {
        let total: usize = outputs.iter().map(|o| o.packets.len()).sum();
        let first = outputs.first().map_or(0, |o| o.first);
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        rows.resize(total, wirelore_kit::PacketRow::default());
        for (s, o) in outputs.iter().enumerate() {
            for (i, row) in o.packets.iter().enumerate() {
                let number = o.numbers.get(i).map_or(i as u32, |n| n.saturating_sub(first));
                if let (Some(slot), Some(numbers)) = (rows.get_mut(number as usize), self.shards.get(s)) {
                    *slot = *row;
                    if row.flow != NONE {
                        slot.flow = numbers.flows.get(row.flow);
                    }
                }
            }
        }
        self.builder.packets(&rows);
        self.rows = rows;
    }

    /// The flow that an event speaks of; a flow that opens comes before all.
    fn flow_of(&self, shard: usize, event: &Event, o: &Output) -> u32 {
        let local = match event {
            Event::Flow { .. } | Event::Joined(..) => return 0,
            Event::Log(flow, _) | Event::Note { flow, .. } => *flow,
            Event::Opened(m) | Event::Changed(m) => o.messages.get(*m as usize).map_or(NONE, |m| m.conv.flow),
            Event::Bound(flow, _) => *flow,
            Event::Identified(conv, ..)
            | Event::Inside(conv, _)
            | Event::About(conv, ..)
            | Event::Concerns(conv, ..)
            | Event::Expect(conv, ..)
            | Event::Wants(conv, _) => conv.flow,
        };
        self.conv(shard, ConvId { flow: local, inner: 0 }).flow
    }

    fn numbers_mut(&mut self, shard: usize) -> Option<&mut Numbers> {
        if shard == AGAIN { Some(&mut self.again) } else { self.shards.get_mut(shard) }
    }

    fn message_number(&self, shard: usize, local: u32) -> u32 {
        let numbers = if shard == AGAIN { Some(&self.again) } else { self.shards.get(shard) };
        numbers.map_or(NONE, |n| n.messages.get(local))
    }

    /// Whether an event is of a flow that was read again: then only its log and packets count.
    fn is_over(&mut self, shard: usize, event: &Event, o: &Output) -> bool {
        if shard == AGAIN
            || self.due.nothing_done()
            || matches!(event, Event::Flow { .. } | Event::Joined(..) | Event::Log(..) | Event::Note { .. })
            || !self.due.is_taken_over(self.flow_of(shard, event, o))
        {
            return false;
        }
        if let (Event::Opened(_), Some(n)) = (event, self.numbers_mut(shard)) {
            n.messages.push(NONE);
        }
        true
    }

    /// A flow knows of its announcement; false where it knew the same.
    pub fn bind(&mut self, flow: u32, bound: Bound) -> bool {
        let e = &bound.expected;
        self.builder.cause(flow, e.by, e.key, &e.about);
        let mut ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
        if ledger.told(flow).bound == Some(&bound) {
            return false;
        }
        ledger.bind(flow, Box::new(bound));
        true
    }

    /// The user says what a flow speaks.
    pub fn decide(&mut self, flow: u32, name: Option<&'static str>) {
        self.ledger.write().unwrap_or_else(PoisonError::into_inner).decide(flow, name);
        self.due.flow(flow);
    }

    /// The flow that begins with a packet is read again, whole, if only a part of it was read.
    pub fn whole(&mut self, first: u32) {
        // Flows are numbered by their first packets.
        let (mut low, mut high) = (0, self.builder.flow_count());
        while low < high {
            let mid = low + (high - low) / 2;
            match self.builder.flow_row(mid) {
                Some(row) if row.first_packet < first => low = mid + 1,
                _ => high = mid,
            }
        }
        if self.builder.flow_row(low).is_some_and(|row| row.first_packet == first && row.flags.has(FlowFlags::TWIN)) {
            self.due.flow(low);
        }
    }

    /// Takes what a second reading of a flow told; the rows of the readings before it are withdrawn.
    pub fn read_again(&mut self, flow: u32, generation: u16, out: &Output, flipped: Option<bool>) {
        let ledger = Arc::clone(&self.ledger);
        let mut ledger = ledger.write().unwrap_or_else(PoisonError::into_inner);
        self.builder.withdraw(ConvId { flow, inner: 0 }, generation);
        if let Some(row) = self.builder.flow_mut(flow) {
            row.set_protocol(None, Evidence::None);
            // A second reading reads everything.
            row.flags.clear(FlowFlags::TWIN);
            match flipped {
                Some(true) => row.flags.set(FlowFlags::CLIENT_IS_SECOND),
                Some(false) => row.flags.clear(FlowFlags::CLIENT_IS_SECOND),
                None => {}
            }
        }
        self.again = Numbers::default();
        self.generation = generation;
        for (_, event) in &out.events {
            self.event(AGAIN, event, out, &mut ledger);
        }
        self.generation = 0;
    }

    fn conv(&self, shard: usize, conv: ConvId) -> ConvId {
        if shard == AGAIN {
            return conv;
        }
        let flow = self.shards.get(shard).map_or(NONE, |n| n.flows.get(conv.flow));
        ConvId { flow, inner: conv.inner }
    }

    fn span(&self, shard: usize, span: Span) -> Span {
        match span.buf.kind() {
            BufKind::Stream(conv, dir) => Span { buf: BufId::stream(self.conv(shard, conv), dir), ..span },
            _ => span,
        }
    }

    fn event(&mut self, shard: usize, event: &Event, o: &Output, ledger: &mut Ledger) {
        if self.is_over(shard, event, o) {
            return;
        }
        match event {
            Event::Flow { ends, transport, tunnel, first } => {
                let Some((a, b)) = addresses(ends.net) else { return };
                let mut row = FlowRow::new(*transport, ends.proto, first.0, first.1);
                let [tcp, udp] = &mut self.streams;
                let stream = match transport {
                    Transport::Tcp => tcp,
                    Transport::Udp => udp,
                    Transport::Other => &mut 0,
                };
                row.stream = if *transport == Transport::Other { NONE } else { *stream };
                *stream = stream.saturating_add(1);
                if let Some(words) = tunnel {
                    row.tunnel = self.builder.tunnel(words);
                }
                let ends = [Endpoint { ip: a, port: ends.ports.src }, Endpoint { ip: b, port: ends.ports.dst }];
                let flow = self.builder.flow(ends, row);
                ledger.open(0);
                if let Some(n) = self.shards.get_mut(shard) {
                    n.flows.push(flow);
                }
            }
            Event::Identified(conv, protocol, evidence) => {
                let conv = self.conv(shard, *conv);
                if conv.inner > 0 {
                    self.builder.inside_speaks(conv, *protocol, *evidence);
                } else if let Some(row) = self.builder.flow_mut(conv.flow) {
                    row.set_protocol(Some(*protocol), *evidence);
                }
            }
            Event::Inside(conv, outer) => self.builder.inside(self.conv(shard, *conv), *outer),
            Event::Bound(flow, bound) => {
                let flow = self.conv(shard, ConvId { flow: *flow, inner: 0 }).flow;
                let mut bound = bound.clone();
                bound.expected.by = self.conv(shard, bound.expected.by);
                self.builder.cause(flow, bound.expected.by, bound.expected.key, &bound.expected.about);
                ledger.bind(flow, bound);
            }
            Event::About(conv, key, what) => {
                let by = self.conv(shard, *conv);
                self.builder.about(by, *key, what);
                self.due.about(by, *key, what);
            }
            Event::Concerns(conv, key, local) => {
                let (by, message) = (self.conv(shard, *conv), self.message_number(shard, *local));
                self.builder.concerns(message, by, *key);
            }
            Event::Opened(m) => {
                if let Some(m) = o.messages.get(*m as usize) {
                    self.opened(shard, m, o);
                }
            }
            Event::Changed(m) => {
                if let Some(m) = o.messages.get(*m as usize) {
                    self.changed(shard, m, o);
                }
            }
            Event::Note { flow, packet, noted } => {
                let flow = self.conv(shard, ConvId { flow: *flow, inner: 0 }).flow;
                let at = self.span(shard, noted.at);
                self.builder.note_of_packet(*packet, flow, noted.what, at);
            }
            Event::Log(flow, range) => {
                let flow = self.conv(shard, ConvId { flow: *flow, inner: 0 }).flow;
                ledger.append(flow, o.logs.get(range.start as usize..range.end as usize).unwrap_or(&[]));
            }
            Event::Joined(number, proto, pieces) => ledger.join(*number, *proto, pieces.clone()),
            Event::Expect(conv, expect, made) => {
                let by = self.conv(shard, *conv);
                if let Some([a, b]) = self.builder.flow_hosts(by.flow) {
                    self.due.expect(by, (a, b), expect, *made);
                }
            }
            Event::Wants(conv, id) => {
                let flow = self.conv(shard, *conv).flow;
                self.due.wants(flow, id);
            }
        }
    }

    /// Notes of a message with their places in everybody's numbers.
    fn gather(&mut self, shard: usize, m: &MessageEvent, o: &Output) {
        let notes = o.notes.get(m.notes.start as usize..m.notes.end as usize).unwrap_or(&[]);
        let mut own = std::mem::take(&mut self.notes);
        own.clear();
        own.extend(notes.iter().map(|n| Noted { what: n.what, at: self.span(shard, n.at) }));
        self.notes = own;
    }

    fn opened(&mut self, shard: usize, m: &MessageEvent, o: &Output) {
        self.gather(shard, m, o);
        let id = self.builder.message(&MessageOpen {
            conv: self.conv(shard, m.conv),
            protocol: m.protocol,
            dir: m.dir,
            first: m.first,
            done: if m.state == MessageState::Open { NONE } else { m.done },
            at: m.at,
            len: m.len,
            state: m.state,
            summary: o.line(m),
            cells: cells_of(m, o),
            arena: &o.text,
            notes: &self.notes,
            generation: self.generation,
        });
        if let Some(n) = self.numbers_mut(shard) {
            n.messages.push(id);
        }
        self.exchange(shard, m, id);
    }

    fn changed(&mut self, shard: usize, m: &MessageEvent, o: &Output) {
        self.gather(shard, m, o);
        let id = self.message_number(shard, m.local);
        self.builder.message_changed(
            id,
            &MessageEnd {
                done: if m.state == MessageState::Open { NONE } else { m.done },
                len: m.len,
                state: m.state,
                summary: m.has_summary.then(|| o.line(m)),
                cells: cells_of(m, o),
                arena: &o.text,
                notes: &self.notes,
            },
        );
    }

    fn exchange(&mut self, shard: usize, m: &MessageEvent, id: u32) {
        if m.exchange == NONE {
            return;
        }
        if m.asks {
            let exchange = self.builder.asks(id);
            if let Some(n) = self.numbers_mut(shard) {
                n.exchanges.set(m.exchange, exchange);
            }
        } else {
            let known = self.numbers_mut(shard).map(|n| n.exchanges.get(m.exchange)).filter(|e| *e != NONE);
            self.builder.answers(id, known, if m.more { More::Yes } else { More::No });
        }
    }
}

fn set_facts(row: &mut FlowRow, f: &FlowFacts) {
    row.packets = f.packets;
    row.bytes = f.bytes;
    row.last_packet = f.last;
    row.last_time = f.last_time;
    row.gap_bytes = f.gap_bytes;
    for (end, base) in f.seq_base.iter().enumerate() {
        if let Some(seq) = base {
            row.set_seq_base(end, *seq);
        }
    }
    for (end, shift) in f.window_shift.iter().enumerate() {
        if let Some(shift) = shift {
            row.set_window_shift(end, *shift);
        }
    }
    if let Some(rtt) = f.initial_rtt {
        row.set_initial_rtt(rtt);
    }
    for (bit, flag) in [
        (mark::SYN, FlowFlags::SYN),
        (mark::SYN_BACK, FlowFlags::SYN_BACK),
        (mark::FIN, FlowFlags::FIN),
        (mark::FIN_BACK, FlowFlags::FIN_BACK),
        (mark::RST, FlowFlags::RST),
        (mark::GAPS, FlowFlags::GAPS),
        (mark::MIDSTREAM, FlowFlags::MIDSTREAM),
        (mark::OVER, FlowFlags::ENDED),
        (mark::FLIPPED, FlowFlags::CLIENT_IS_SECOND),
        (mark::SYNTHETIC, FlowFlags::SYNTHETIC),
        (mark::TWIN, FlowFlags::TWIN),
    ] {
        if f.marks & bit != 0 {
            row.flags.set(flag);
        } else {
            row.flags.clear(flag);
        }
    }
}
