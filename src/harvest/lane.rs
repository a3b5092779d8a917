//! One worker of a harvest: reads the conversations and layers of its share of the packets, in the order of the file.

use super::gather::{Finished, Gather};
use super::plan::Plan;
use super::row::{Part, Row};
use super::stream::StreamBytes;
use super::window::Window;
use crate::analysed::Analyst;
use crate::recall::{Recall, TCP_PAYLOAD, UDP_PAYLOAD};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};
use wirelore_dissectors::layers::{self, LAYERS, Plain, Quick};
use wirelore_engine::conversation::{Context, Scratch};
use wirelore_engine::log::{self, Log};
use wirelore_engine::reread::Replay;
use wirelore_kit::row::NONE;
use wirelore_kit::{
    BufKind, Cancel, Dir, KeyTable, Kind, LayersRead, PacketBytes, PacketFacts, PacketRow, Sink, TcpAnalysis, Tie, Transport,
    Tree, TreeSource, Value, What, read_layers,
};
use wirelore_store::Snapshot;

/// Bytes of rows that are whole while an older one still waits; then that one is read by itself.
const MOST_HELD: usize = 32 << 20;

/// What all workers share.
pub(super) struct Shared<'s> {
    pub recall: &'s Recall,
    pub snapshot: &'s Snapshot,
    pub plan: &'s Plan,
    pub links: Arc<Vec<u32>>,
    /// Rows are handed on in order: what waits for an older one is held.
    pub ordered: bool,
    /// How many workers there are.
    pub lanes: u32,
}

/// A conversation on its way.
struct Reading {
    replay: Replay,
    log: Log,
    /// Messages that are still to come.
    left: u32,
    /// Its own streams by the end that sends, where bytes of messages are wanted.
    streams: [StreamBytes; 2],
}

/// A row whose messages have not all ended.
struct Waiting {
    row: Row,
    orders: Vec<u64>,
    /// How many messages it will have.
    of: usize,
}

/// A worker.
pub(super) struct Lane<'s> {
    shared: &'s Shared<'s>,
    number: u32,
    scratch: Scratch,
    sink: Sink,
    met: LayersRead,
    flows: HashMap<u32, Box<Reading>>,
    gather: Gather,
    waiting: BTreeMap<u32, Waiting>,
    analyst: Analyst,
    /// What it found out about the packet at hand.
    analysis: Option<TcpAnalysis>,
    /// Bytes of rows handed on since the oldest one that waits.
    held: usize,
}

impl<'s> Lane<'s> {
    pub fn new(shared: &'s Shared<'s>, number: u32) -> Lane<'s> {
        let plan = shared.plan;
        Lane {
            shared,
            number,
            scratch: Scratch::keeping(Arc::clone(&plan.keep)),
            sink: Sink::keeping(Arc::clone(&plan.keep)),
            met: LayersRead::default(),
            flows: HashMap::new(),
            gather: Gather::new(shared.recall.table, plan),
            waiting: BTreeMap::new(),
            analyst: Analyst::default(),
            analysis: None,
            held: 0,
        }
    }

    /// Reads what of a window is its own; hands on the rows that are whole, older ones among them, in no order.
    pub fn window(&mut self, w: &Window, take: &mut dyn FnMut(&mut Row)) {
        let (plan, lanes) = (self.shared.plan, self.shared.lanes);
        // Keys that come meanwhile wait for the end of the window.
        let keys = self.shared.recall.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut done = plan.done_in(w.first, w.end());
        let mut row = Waiting { row: Row::default(), orders: Vec::new(), of: 0 };
        for (packet, facts) in (w.first..).zip(&w.rows) {
            let share = if facts.flow == NONE { packet / 64 } else { facts.flow };
            if share % lanes != self.number {
                continue;
            }
            let passed = done.iter().take_while(|d| d.0 < packet).count();
            done = done.get(passed..).unwrap_or(&[]);
            let due = done.iter().take_while(|d| d.0 == packet).count();
            row.row.clear(packet);
            row.orders.clear();
            row.of = due;
            if plan.messages_of(facts.flow) > 0 {
                self.advance(w, packet, facts.flow, &keys, &mut row, take);
            }
            if plan.analysis {
                let bytes = w.get(packet).map_or(&[] as &[u8], |(_, bytes)| bytes);
                self.analysis = self.analyst.see(packet, facts, self.link_type(facts), bytes);
            }
            if !plan.packets.has(packet) {
                continue;
            }
            self.layers(w, packet, facts, &mut row.row);
            if row.row.messages.len() >= row.of {
                self.whole(&mut row, take);
                row.row.messages.drain(..).for_each(|part| self.gather.spare(part));
            } else {
                let waits = std::mem::replace(&mut row, Waiting { row: Row::default(), orders: Vec::new(), of: 0 });
                self.waiting.insert(packet, waits);
            }
        }
        while self.shared.ordered && self.held > MOST_HELD && !self.waiting.is_empty() {
            self.read_oldest(take);
        }
    }

    /// The first packet whose row is not whole, behind which none can be handed on in order.
    pub fn first_waiting(&self) -> Option<u32> {
        self.waiting.keys().next().copied()
    }

    /// The capture is read to its end: what still waits is read by itself.
    pub fn end(&mut self, take: &mut dyn FnMut(&mut Row)) {
        while !self.waiting.is_empty() {
            self.read_oldest(take);
        }
    }

    /// Replays a flow up to a packet.
    fn advance(
        &mut self,
        w: &Window,
        packet: u32,
        flow: u32,
        keys: &KeyTable,
        row: &mut Waiting,
        take: &mut dyn FnMut(&mut Row),
    ) {
        let Shared { recall, snapshot, plan, .. } = *self.shared;
        let reading = match self.flows.entry(flow) {
            Entry::Occupied(old) => old.into_mut(),
            Entry::Vacant(new) => {
                // Flows begin at the first packet that is theirs: one that is not here any more was read to its end.
                if snapshot.flow(flow).is_none_or(|f| f.first_packet != packet) {
                    return;
                }
                let Some(replay) = recall.begin_replay(snapshot, flow) else { return };
                let (log, left) = (recall.log(flow), plan.messages_of(flow));
                new.insert(Box::new(Reading { replay, log, left, streams: Default::default() }))
            }
        };
        let cx = Context { table: recall.table, level: plan.level, secrets: keys };
        let mut fetch = |n: u32| w.fetch(recall, snapshot, n);
        let mut over = false;
        while reading.left > 0 {
            match reading.replay.next_packet(&reading.log) {
                Some(next) if next <= packet => {}
                Some(_) => break,
                None => {
                    over = true;
                    break;
                }
            }
            if plan.streams
                && let Some(log::Entry::Data(run)) = reading.replay.next_entry(&reading.log)
                && let Some((bytes, _)) = fetch(run.number)
                && let Some(stream) = reading.streams.get_mut(run.dir)
            {
                let from = run.offset as usize;
                stream.push(run.at, bytes.as_ref().get(from..from.saturating_add(run.len as usize)).unwrap_or(&[]));
            }
            if reading.replay.step(&reading.log, cx, &mut self.scratch, &mut fetch, &mut self.gather) == ControlFlow::Break(()) {
                over = true;
                break;
            }
            let waiting = &mut self.waiting;
            let held = &mut self.held;
            let flipped = reading.replay.conversation().is_flipped();
            let streams = &mut reading.streams;
            let left = &mut reading.left;
            self.gather.finish(|mut f| {
                let (conv, dir, at, len) = f.place;
                let way = usize::from((dir == Dir::ToServer) == flipped);
                if let Some(stream) = streams.get_mut(way).filter(|_| plan.streams && conv.inner == 0) {
                    let protocol = f.part.protocol;
                    let met = plan.met.contains(&protocol) && !f.part.has_met(protocol);
                    stream.take(at, len, |bytes| {
                        if met {
                            f.part.meet(protocol, bytes, bytes.len())
                        }
                    });
                }
                *left = left.saturating_sub(u32::from(plan.packets.has(f.done)));
                if f.done == packet {
                    row.add(f);
                } else if let Some(older) = waiting.get_mut(&f.done) {
                    let done = f.done;
                    older.add(f);
                    if older.row.messages.len() >= older.of
                        && let Some(mut older) = waiting.remove(&done)
                    {
                        if waiting.is_empty() {
                            *held = 0;
                        }
                        older.settle(plan);
                        take(&mut older.row);
                    }
                }
            });
        }
        if over || reading.left == 0 {
            self.flows.remove(&flow);
            self.gather.forget(flow);
        }
    }

    fn whole(&mut self, waiting: &mut Waiting, take: &mut dyn FnMut(&mut Row)) {
        if self.shared.ordered && !self.waiting.is_empty() {
            self.held = self.held.saturating_add(waiting.row.weight());
        }
        waiting.settle(self.shared.plan);
        take(&mut waiting.row);
    }

    /// Reads a packet's own headers.
    fn layers(&mut self, w: &Window, packet: u32, facts: &PacketRow, row: &mut Row) {
        let Shared { recall, snapshot, plan, .. } = *self.shared;
        for f in &plan.frame {
            frame(f.name, packet, facts).into_iter().for_each(|v| row.layers.add(f, v, Tie::Derived, &[]));
        }
        if plan.line {
            row.line = recall.line(snapshot, packet).ok();
        }
        if !plan.needs_bytes() {
            return;
        }
        let Some((_, bytes)) = w.get(packet) else { return };
        if plan.met.contains(&"frame") {
            row.layers.meet("frame", bytes, bytes.len());
        }
        if !plan.layers {
            return;
        }
        let link_type = self.link_type(facts);
        if let Some(quick) = &plan.quick
            && let Some(plain) = Plain::of(link_type, bytes, facts.wire_len)
        {
            self.plain(quick, &plain, packet, bytes, row);
            return;
        }
        let joined = if facts.bits & PacketRow::FRAGMENT != 0 { recall.joined(snapshot, packet) } else { None };
        let whole = PacketBytes {
            number: u64::from(packet),
            link_type,
            bytes: bytes.clone(),
            wire_len: facts.wire_len,
            joined,
            facts: snapshot.packet_facts(packet).map(|f| PacketFacts { analysis: self.analysis, ..f }),
        };
        self.sink.clear();
        read_layers(LAYERS, &whole, &mut self.sink, &mut self.met);
        row.layers.take(&self.sink, plan.notes);
        let of = |span: &wirelore_kit::Span| match (span.buf.kind(), &whole.joined) {
            (BufKind::Part(_), Some((joined, _))) => joined,
            _ => bytes,
        };
        row.layers.number_layers(&self.sink.nodes);
        if !plan.met.is_empty() {
            for node in self.sink.nodes.iter().filter(|n| n.field.kind == Kind::Group && plan.met.contains(&n.field.name)) {
                let all = of(&node.span).get(node.span.at as usize..).unwrap_or(&[]);
                row.layers.meet(node.field.name, all, node.span.len as usize);
            }
        }
        if let Some(span) = self.met.payload.filter(|s| s.len > 0) {
            let tcp = snapshot.flow(facts.flow).is_some_and(|f| f.transport == Transport::Tcp);
            let ([wanted, _], field) = if tcp { (plan.payload, &TCP_PAYLOAD) } else { ([plan.payload[1], false], &UDP_PAYLOAD) };
            if wanted {
                let bytes = of(&span).get(span.at as usize..span.end() as usize).unwrap_or(&[]);
                row.layers.add(field, Value::Span, Tie::Own, bytes);
            }
        }
        if plan.protocols {
            let tree = Tree { nodes: std::mem::take(&mut self.sink.nodes), ..Tree::default() };
            row.protocols = Some(layers::protocols(&tree));
        }
    }

    fn link_type(&self, row: &PacketRow) -> u32 {
        self.shared.links.get(usize::from(row.interface())).copied().unwrap_or(u32::MAX)
    }

    /// Reads an everyday packet's headers.
    fn plain(&self, quick: &Quick, plain: &Plain, packet: u32, bytes: &[u8], row: &mut Row) {
        let plan = self.shared.plan;
        let facts = if quick.needs_facts() { self.shared.snapshot.packet_facts(packet) } else { None };
        quick.read(plain, bytes, facts.as_ref(), &mut |f, value, of| row.layers.add_of_layer(f, value, of));
        for name in &plan.met {
            if let Some(header) = plain.header(name) {
                row.layers.meet(name, bytes.get(header.start..).unwrap_or(&[]), header.len());
            }
        }
        let payload = bytes.get(plain.payload()).unwrap_or(&[]);
        if !payload.is_empty() {
            let (wanted, field) = match plan.payload {
                [tcp, _] if plain.is_tcp() => (tcp, &TCP_PAYLOAD),
                [_, udp] => (udp, &UDP_PAYLOAD),
            };
            if wanted {
                row.layers.add(field, Value::Span, Tie::Own, payload);
            }
        }
    }

    /// Reads the row that waits for longest by itself: what it waits for may be far.
    fn read_oldest(&mut self, take: &mut dyn FnMut(&mut Row)) {
        let Some((packet, mut waits)) = self.waiting.pop_first() else { return };
        let Shared { recall, snapshot, plan, .. } = *self.shared;
        waits.row.messages.clear();
        for (_, message) in plan.done_in(packet, packet.saturating_add(1)) {
            let mut part = Part::default();
            part.message = Some(*message);
            if let Ok(tree) = recall.tree(What::Message(*message), &Cancel::new()) {
                part.take_tree(&tree, |f| plan.keep.has(f), plan.notes);
                if let Some(body) = plan.body.and_then(|f| Some((f, body_of(&tree)?))) {
                    part.add(body.0, Value::Span, Tie::Own, body.1);
                }
                part.protocol = snapshot.message(*message).map_or("", |m| snapshot.schema().protocol_name(m.protocol));
                if let Some(own) = tree.buffers.first().filter(|_| plan.met.contains(&part.protocol)) {
                    part.meet(part.protocol, &own.bytes, own.bytes.len());
                }
            }
            waits.row.messages.push(part);
        }
        waits.orders.clear();
        waits.settle(plan);
        take(&mut waits.row);
        if self.waiting.is_empty() {
            self.held = 0;
        }
    }
}

impl Waiting {
    fn add(&mut self, f: Finished) {
        self.orders.push(f.order);
        self.row.messages.push(f.part);
    }

    /// Puts the messages in the order of their rows and says which rows those are.
    fn settle(&mut self, plan: &Plan) {
        if !self.orders.is_sorted() {
            let mut both: Vec<(u64, Part)> = self.orders.drain(..).zip(self.row.messages.drain(..)).collect();
            both.sort_by_key(|(order, _)| *order);
            self.row.messages.extend(both.into_iter().map(|(_, part)| part));
        }
        if self.row.messages.is_empty() && self.row.protocols.is_none() {
            return;
        }
        let done = plan.done_in(self.row.packet, self.row.packet.saturating_add(1));
        for (part, (_, message)) in self.row.messages.iter_mut().zip(done) {
            part.message = Some(*message);
        }
        if let Some(protocols) = &mut self.row.protocols {
            for part in &self.row.messages {
                if protocols.rsplit(':').next() != Some(part.protocol) {
                    protocols.push(':');
                    protocols.push_str(part.protocol);
                }
            }
        }
    }
}

/// A message's body as it was meant: of those that it holds the last that was made.
fn body_of(tree: &Tree) -> Option<&[u8]> {
    tree.buffers.iter().rev().find(|b| b.label.starts_with("Body, ") || b.label.starts_with("body, ")).map(|b| &*b.bytes)
}

/// The facts of a packet that are not in its bytes.
fn frame(name: &str, packet: u32, row: &PacketRow) -> Option<Value> {
    Some(match name {
        "frame.number" => Value::U64(u64::from(packet).saturating_add(1)),
        "frame.time" if row.time == i64::MIN => return None,
        "frame.time" => Value::I64(row.time),
        "frame.len" => Value::U64(u64::from(row.wire_len)),
        "frame.cap_len" => Value::U64(u64::from(row.cap_len)),
        "frame" => Value::from(format!("{}, {} bytes", u64::from(packet).saturating_add(1), row.wire_len)),
        _ => return None,
    })
}
