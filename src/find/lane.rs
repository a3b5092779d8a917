//! One thread of a search: reads the conversations and the packets' headers that are its share, in the order of the file.

use super::search::Search;
use super::{Hit, Pattern};
use crate::harvest::window::Window;
use crate::recall::Recall;
use bytes::Bytes;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};
use wirelore_dissectors::layers::LAYERS;
use wirelore_engine::conversation::{Context, Scratch};
use wirelore_engine::log::{Entry, Log};
use wirelore_engine::reread::Replay;
use wirelore_kit::row::NONE;
use wirelore_kit::{Keep, LayersRead, Level, PacketBytes, PacketRow, Sink, read_layers};
use wirelore_store::Snapshot;

/// Packets one behind another whose headers one thread reads.
const TOGETHER: u32 = 64;

/// A hit's place among those of all threads: the packet at which it was found, and whether in its conversation. Each place is one thread's.
pub(super) type At = (u32, bool);

/// Is told of a packet what was found at it.
pub(super) type Tells<'t> = dyn FnMut(u32, &mut dyn Iterator<Item = (At, Hit)>) -> ControlFlow<()> + 't;

/// What all threads share.
pub(super) struct Shared<'s> {
    pub recall: &'s Recall,
    pub snapshot: &'s Snapshot,
    pub pattern: &'s Pattern,
    pub links: Arc<Vec<u32>>,
    /// How many threads there are.
    pub lanes: u32,
}

/// A thread's share.
pub(super) struct Lane<'s> {
    shared: &'s Shared<'s>,
    number: u32,
    search: Search<'s>,
    flows: HashMap<u32, Box<(Replay, Log)>>,
    scratch: Scratch,
    sink: Sink,
    met: LayersRead,
}

impl<'s> Lane<'s> {
    pub fn new(shared: &'s Shared<'s>, number: u32) -> Lane<'s> {
        let keep = Arc::new(Keep::all());
        Lane {
            shared,
            number,
            search: Search::new(shared.pattern),
            flows: HashMap::new(),
            scratch: Scratch::keeping(Arc::clone(&keep)),
            sink: Sink::keeping(keep),
            met: LayersRead::default(),
        }
    }

    /// Looks through what of a window is its own; after each packet what was found is handed to `told`, until that breaks.
    pub fn window(&mut self, w: &Window, told: &mut Tells<'_>) -> ControlFlow<()> {
        for (packet, row) in (w.first..).zip(&w.rows) {
            self.search.packet = packet;
            if self.has_headers(packet, row.flow) {
                self.headers(w, packet, row);
                let found = &mut self.search.hits.drain(..).map(|hit| ((packet, false), hit));
                told(packet, found)?;
            }
            if row.flow % self.shared.lanes == self.number {
                self.advance(w, packet, row.flow);
                // What a later packet completed of an earlier one comes with the later.
                let found = &mut self.search.hits.drain(..).map(|hit| ((packet, true), hit));
                told(packet, found)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether a packet's own bytes are this thread's. They are never with its conversation, so that a capture that is one conversation is
    /// not one thread's work.
    fn has_headers(&self, packet: u32, flow: u32) -> bool {
        let (lanes, chunk) = (self.shared.lanes, packet / TOGETHER);
        let owner = match lanes.checked_sub(1) {
            Some(others) if others > 0 && flow != NONE => (flow % lanes + 1 + chunk % others) % lanes,
            _ => chunk % lanes,
        };
        owner == self.number
    }

    fn headers(&mut self, w: &Window, packet: u32, row: &PacketRow) {
        let Some((_, bytes)) = w.get(packet) else { return };
        self.search.packet_bytes(bytes);
        if self.search.wants_values() {
            self.layers(packet, row, bytes);
            self.search.values(&self.sink, packet);
        }
    }

    fn layers(&mut self, packet: u32, row: &PacketRow, bytes: &Bytes) {
        let whole = PacketBytes {
            number: u64::from(packet),
            link_type: self.shared.links.get(usize::from(row.interface())).copied().unwrap_or(u32::MAX),
            bytes: bytes.clone(),
            wire_len: row.wire_len,
            joined: None,
            facts: self.shared.snapshot.packet_facts(packet),
        };
        self.sink.clear();
        read_layers(LAYERS, &whole, &mut self.sink, &mut self.met);
    }

    /// Replays the packet's conversation up to it.
    fn advance(&mut self, w: &Window, packet: u32, flow: u32) {
        let Shared { recall, snapshot, .. } = *self.shared;
        let reading = match self.flows.entry(flow) {
            Slot::Occupied(old) => old.into_mut(),
            Slot::Vacant(new) => {
                if snapshot.flow(flow).is_none_or(|f| f.first_packet != packet) {
                    return;
                }
                let Some(replay) = recall.begin_replay(snapshot, flow) else { return };
                new.insert(Box::new((replay, recall.log(flow))))
            }
        };
        let (replay, log) = &mut **reading;
        let keys = recall.keys.read().unwrap_or_else(PoisonError::into_inner);
        let cx = Context { table: recall.table, level: Level::FieldsAndBodies, secrets: &*keys };
        let mut fetch = |n: u32| w.fetch(recall, snapshot, n);
        loop {
            match replay.next_packet(log) {
                Some(next) if next <= packet => {}
                Some(_) => return,
                None => break,
            }
            if let Some(Entry::Data(run)) = replay.next_entry(log)
                && let Some((bytes, _)) = fetch(run.number)
            {
                self.search.stream_bytes(flow, &run, bytes.as_ref());
            }
            if replay.step(log, cx, &mut self.scratch, &mut fetch, &mut self.search) == ControlFlow::Break(()) {
                break;
            }
        }
        self.flows.remove(&flow);
        self.search.forget(flow);
    }
}
