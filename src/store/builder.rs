//! The store's one writer: takes rows as reading makes them and publishes snapshots.

use crate::budget;
use crate::done::DoneIndex;
use crate::facts::{Damage, Facts, MOST_DAMAGES, Progress};
use crate::flow::{FlowRow, Worst};
use crate::handle::{Shared, Store};
use crate::hosts::{HostIndex, Hosts};
use crate::links::{CauseRow, ConcernRow, Links};
use crate::message::{MessageEnd, MessageOpen, Packed};
use crate::messages::MessageTable;
use crate::packets::Packets;
use crate::rows::{Comment, ExchangeRow, NoteCount, NoteRow, StateRow};
use crate::schema::{Columns, Schema};
use crate::snapshot::{Exchanges, Flows, Snapshot};
use crate::table::Table;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, Endpoint, Evidence, More, Note, Noted, PacketRow, Severity, Span};

/// Rows of one kind of note that are listed; more are counted.
const MOST_NOTES_OF_A_KIND: u64 = 1 << 16;
/// Comments and names that are kept, each.
const MOST_COMMENTS: u32 = 1 << 18;
/// Bytes of one comment or name that are kept.
const MOST_COMMENT_TEXT: usize = 4096;
/// Shortest time between two snapshots.
const FRAME: Duration = Duration::from_micros(16_600);
/// Publishing and the copies it causes may take one part in so many of the writer's time.
const SHARE: u32 = 20;

/// Takes rows; owned by one thread.
#[derive(Debug)]
pub struct Builder {
    shared: Arc<Shared>,
    schema: Arc<Schema>,
    columns: Arc<Columns>,
    generation: u64,
    packets: Packets,
    hosts: Hosts,
    host_index: HostIndex,
    flows: Flows,
    messages: MessageTable,
    withdrawn: u32,
    done: DoneIndex,
    exchanges: Exchanges,
    notes: Table<NoteRow, 1024>,
    note_counts: Vec<NoteCount>,
    states: Table<StateRow, 1024>,
    links: Links,
    comments: Table<Comment, 256>,
    names: Arc<BTreeMap<IpAddr, Arc<str>>>,
    tunnels: Arc<Vec<Arc<str>>>,
    // Whoever sends packets chooses the paths, so they are found by a hash that is hard to flood.
    tunnel_numbers: HashMap<Arc<str>, u16>,
    facts: Arc<Facts>,
    progress: Progress,
    changed: bool,
    not_before: Instant,
}

impl Builder {
    /// An empty store.
    #[must_use]
    pub fn new(schema: Schema) -> Builder {
        let columns = Arc::new(Columns::new(&schema.key_fields));
        let schema = Arc::new(schema);
        Builder {
            shared: Arc::new(Shared::new(Snapshot::empty(schema.clone(), columns.clone()))),
            schema,
            columns,
            generation: 0,
            packets: Packets::default(),
            hosts: Table::default(),
            host_index: HostIndex::default(),
            flows: Table::default(),
            messages: MessageTable::default(),
            withdrawn: 0,
            done: DoneIndex::default(),
            exchanges: Table::default(),
            notes: Table::default(),
            note_counts: Vec::new(),
            states: Table::default(),
            links: Links::default(),
            comments: Table::default(),
            names: Arc::default(),
            tunnels: Arc::default(),
            tunnel_numbers: HashMap::new(),
            facts: Arc::default(),
            progress: Progress::default(),
            changed: false,
            not_before: Instant::now(),
        }
    }

    /// A handle for readers.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(self.shared.clone())
    }

    /// Protocols and fields as given at the start.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Adds a packet and returns its number, or [`NONE`] when there are too many.
    #[inline]
    pub fn packet(&mut self, row: PacketRow) -> u32 {
        self.packets(&[row])
    }

    /// Adds packets and returns the number of the first, or [`NONE`] when there are too many.
    pub fn packets(&mut self, rows: &[PacketRow]) -> u32 {
        self.changed = true;
        let full = self.packets.plain_bytes();
        let first = self.packets.extend(rows);
        if self.packets.plain_bytes() != full {
            self.keep_budget();
        }
        first
    }

    /// To be called when a segment became full.
    fn keep_budget(&mut self) {
        budget::keep(&mut self.packets, &mut self.messages, self.flows.len(), self.exchanges.len());
    }

    /// Number of packets so far.
    #[must_use]
    pub fn packet_count(&self) -> u32 {
        self.packets.len()
    }

    /// Adds a flow between `ends` (the sender of its first packet, then the other) and returns its number, or [`NONE`]
    /// when there are too many.
    pub fn flow(&mut self, ends: [Endpoint; 2], mut row: FlowRow) -> u32 {
        self.changed = true;
        row.hosts = ends.map(|e| self.host_index.number(&mut self.hosts, e.ip));
        row.ports = ends.map(|e| e.port);
        self.flows.push(row)
    }

    /// A flow to change.
    pub fn flow_mut(&mut self, flow: u32) -> Option<&mut FlowRow> {
        self.changed = true;
        self.flows.get_mut(flow)
    }

    /// A flow as it is.
    #[must_use]
    pub fn flow_row(&self, flow: u32) -> Option<&FlowRow> {
        self.flows.get(flow)
    }

    /// The addresses of a flow's ends.
    #[must_use]
    pub fn flow_hosts(&self, flow: u32) -> Option<[IpAddr; 2]> {
        let [a, b] = self.flows.get(flow)?.hosts;
        Some([*self.hosts.get(a)?, *self.hosts.get(b)?])
    }

    /// Number of flows so far.
    #[must_use]
    pub const fn flow_count(&self) -> u32 {
        self.flows.len()
    }

    /// The number of a path of tunnels ("eth:ip:gre"), for [`FlowRow::tunnel`]; "" is 0. When there are over 65,535 paths
    /// the last number stands for all others.
    pub fn tunnel(&mut self, path: &str) -> u16 {
        if path.is_empty() {
            return 0;
        }
        if let Some(number) = self.tunnel_numbers.get(path) {
            return *number;
        }
        if self.tunnels.len() < usize::from(u16::MAX) {
            let path: Arc<str> = path.into();
            Arc::make_mut(&mut self.tunnels).push(path.clone());
            self.tunnel_numbers.insert(path, self.tunnels.len() as u16);
        }
        self.tunnels.len() as u16
    }

    /// Adds a message and returns its row, or [`NONE`] when there are too many.
    pub fn message(&mut self, m: &MessageOpen<'_>) -> u32 {
        self.changed = true;
        let flow = m.conv.flow;
        let previous = self.flows.get(flow).map_or(NONE, |f| f.last_message);
        let full = self.messages.plain_bytes();
        let id = self.messages.push(m, previous, &mut self.columns);
        if id == NONE {
            return NONE;
        }
        if self.messages.plain_bytes() != full {
            self.keep_budget();
        }
        if let Some(f) = self.flows.get_mut(flow) {
            f.last_message = id;
            f.messages = f.messages.saturating_add(1);
        }
        if m.done != NONE {
            self.done.push(m.done, id);
        }
        for noted in m.notes {
            self.note_of_message(id, noted);
        }
        id
    }

    /// A message that was not withdrawn: a withdrawn one stays as it was.
    fn live(&self, message: u32) -> Option<Packed> {
        self.messages.get(message).filter(|m| !m.is_withdrawn())
    }

    /// Changes a message: it grew, ended, or says more. A row that was completed stays so. Rows that were withdrawn do not change.
    pub fn message_changed(&mut self, message: u32, m: &MessageEnd<'_>) {
        let Some(was) = self.live(message) else { return };
        self.changed = true;
        self.messages.edit(message, |p| {
            p.len = m.len;
            p.set_state(m.state);
            if p.done == NONE {
                p.done = m.done;
            }
        });
        if was.done == NONE && m.done != NONE {
            self.done.push(m.done, message);
        }
        self.messages.extend(message, m.summary, m.cells, m.arena, &mut self.columns);
        for noted in m.notes {
            self.note_of_message(message, noted);
        }
    }

    /// Number of message rows so far.
    #[must_use]
    pub fn message_count(&self) -> u32 {
        self.messages.len()
    }

    /// This message asks: makes an exchange and returns its number, or [`NONE`] if there is no such message or it was withdrawn.
    pub fn asks(&mut self, message: u32) -> u32 {
        let Some(conv) = self.live(message).map(|m| m.conv()) else { return NONE };
        self.changed = true;
        let exchange = self.exchanges.push(ExchangeRow { conv, ask: message, answer: NONE, answers: 0, withdrawn: false });
        self.messages.edit(message, |p| p.exchange = exchange);
        exchange
    }

    /// This message answers in `exchange`; `None` where the question was not seen: then an exchange without one is made.
    /// Returns the exchange's number, or [`NONE`] if there is no such message or it was withdrawn.
    pub fn answers(&mut self, message: u32, exchange: Option<u32>, more: More) -> u32 {
        let Some(conv) = self.live(message).map(|m| m.conv()) else { return NONE };
        self.changed = true;
        let fresh = ExchangeRow { conv, ask: NONE, answer: NONE, answers: 0, withdrawn: false };
        let exchange = exchange.filter(|e| self.exchanges.get(*e).is_some()).unwrap_or_else(|| self.exchanges.push(fresh));
        if let Some(row) = self.exchanges.get_mut(exchange) {
            row.answers = row.answers.saturating_add(1);
            if row.answer == NONE && more == More::No {
                row.answer = message;
            }
        }
        self.messages.edit(message, |p| p.exchange = exchange);
        exchange
    }

    /// A finding about a message made after it was opened.
    pub fn note_of_message(&mut self, message: u32, noted: &Noted) {
        let Some(row) = self.live(message) else { return };
        self.messages.edit(message, |p| p.noted(noted.what.severity));
        self.add_note(NoteRow { note: noted.what, at: noted.at, message, packet: row.first, flow: row.flow, previous: NONE });
    }

    /// A finding about a packet of flow `flow` ([`NONE`] for none).
    pub fn note_of_packet(&mut self, packet: u32, flow: u32, note: &'static Note, at: Span) {
        self.add_note(NoteRow::of_packet(note, at, packet, flow));
    }

    fn add_note(&mut self, mut row: NoteRow) {
        self.changed = true;
        let at = match self.note_counts.iter().position(|c| std::ptr::eq(c.note, row.note)) {
            Some(at) => at,
            None => {
                self.note_counts.push(NoteCount { note: row.note, count: 0, left_out: 0 });
                self.note_counts.len() - 1
            }
        };
        let Some(count) = self.note_counts.get_mut(at) else { return };
        count.count += 1;
        let listed = count.count - count.left_out <= MOST_NOTES_OF_A_KIND;
        let number = if listed { self.notes.len() } else { NONE };
        count.left_out += u64::from(!listed);
        if let Some(flow) = self.flows.get_mut(row.flow) {
            flow.worst = flow.worst.max(Worst::of(row.note.severity));
            if listed {
                row.previous = std::mem::replace(&mut flow.last_note, number);
            }
        }
        if listed {
            self.notes.push(row);
        }
    }

    /// A side is in a named state from here on.
    pub fn state(&mut self, mut row: StateRow, generation: u16) {
        self.changed = true;
        row.generation = generation;
        let number = self.states.len();
        if let Some(flow) = self.flows.get_mut(row.conv.flow) {
            row.previous = std::mem::replace(&mut flow.last_state, number);
            self.states.push(row);
        }
    }

    /// A conversation was read again: its rows of generations below `generation` are withdrawn with their exchanges, notes and
    /// states. `conv.inner == 0` means the flow with all that is inside it.
    pub fn withdraw(&mut self, conv: ConvId, generation: u16) {
        self.changed = true;
        let mut at = self.flows.get(conv.flow).map_or(NONE, |f| f.last_message);
        let mut old = Vec::new();
        while let Some(row) = self.messages.get(at) {
            if !row.is_withdrawn() && row.generation < generation && (conv.inner == 0 || row.conv() == conv) {
                old.push((at, row.exchange));
            }
            at = row.previous;
        }
        let gone = old.len() as u32;
        // In rising order: patches of a segment are added fastest at their end.
        for (message, exchange_of) in old.into_iter().rev() {
            self.messages.edit(message, Packed::withdraw);
            if let Some(exchange) = self.exchanges.get(exchange_of).copied() {
                let of_older = |m: u32| m == NONE || self.messages.get(m).is_none_or(|p| p.generation < generation);
                if !exchange.withdrawn
                    && of_older(exchange.ask)
                    && of_older(exchange.answer)
                    && let Some(e) = self.exchanges.get_mut(exchange_of)
                {
                    e.withdrawn = true;
                }
            }
        }
        if conv.inner == 0 {
            self.links.forget_insides(conv.flow);
        }
        self.withdrawn += gone;
        self.recount_notes(conv.flow, generation);
        if let Some(flow) = self.flows.get_mut(conv.flow) {
            flow.messages = flow.messages.saturating_sub(gone);
        }
    }

    /// Takes the notes of a flow's withdrawn messages out of the counts.
    fn recount_notes(&mut self, flow: u32, generation: u16) {
        let mut worst = Worst::default();
        let mut at = self.flows.get(flow).map_or(NONE, |f| f.last_note);
        let mut newer = NONE;
        while let Some(note) = self.notes.get(at).copied() {
            let here = std::mem::replace(&mut at, note.previous);
            let gone = self.messages.get(note.message).is_some_and(|m| m.is_withdrawn() && m.generation < generation);
            if !gone {
                worst = worst.max(Worst::of(note.note.severity));
                newer = here;
                continue;
            }
            if let Some(count) = self.note_counts.iter_mut().find(|c| std::ptr::eq(c.note, note.note)) {
                count.count = count.count.saturating_sub(1);
            }
            // Out of the chain, so that it is taken out of the counts once only.
            if let Some(next) = self.notes.get_mut(newer) {
                next.previous = note.previous;
            } else if let Some(f) = self.flows.get_mut(flow) {
                f.last_note = note.previous;
            }
        }
        if let Some(f) = self.flows.get_mut(flow) {
            f.worst = worst;
        }
    }

    /// A flow is there because a conversation announced it; said again it takes the place of what was said before.
    pub fn cause(&mut self, flow: u32, by: ConvId, key: u64, about: &str) {
        self.changed = true;
        self.links.cause(CauseRow { flow, by, key, about: about.into() });
    }

    /// What the flows that `by` announced with `key` are for.
    pub fn about(&mut self, by: ConvId, key: u64, what: &str) {
        self.changed = true;
        self.links.about(by, key, what);
    }

    /// A message concerns the flow that `by` announced with `key`.
    pub fn concerns(&mut self, message: u32, by: ConvId, key: u64) {
        self.changed = true;
        self.links.concerns.push(ConcernRow { message, by, key });
    }

    /// A conversation begins inside another one of its flow (`outer`: that one's number, 0 for the flow's own).
    pub fn inside(&mut self, conv: ConvId, outer: u32) {
        self.changed = true;
        self.links.inside(conv, outer);
    }

    /// What a conversation inside speaks, and why.
    pub fn inside_speaks(&mut self, conv: ConvId, protocol: u16, evidence: Evidence) {
        self.changed = true;
        self.links.speaks(conv, protocol, evidence);
    }

    /// A comment on a packet. Packets must come in rising order.
    pub fn comment(&mut self, packet: u32, text: &str) {
        self.changed = true;
        if self.comments.len() < MOST_COMMENTS {
            let text = text.get(..text.floor_char_boundary(MOST_COMMENT_TEXT)).unwrap_or(text);
            self.comments.push(Comment { packet, text: text.into() });
        }
    }

    /// The capture's name of an address; the first one given counts.
    pub fn name(&mut self, ip: IpAddr, name: &str) {
        self.changed = true;
        if self.names.len() < MOST_COMMENTS as usize && !self.names.contains_key(&ip) {
            let name = name.get(..name.floor_char_boundary(MOST_COMMENT_TEXT)).unwrap_or(name);
            Arc::make_mut(&mut self.names).insert(ip, name.into());
        }
    }

    /// Facts of the source, to change.
    pub fn facts(&mut self) -> &mut Facts {
        self.changed = true;
        Arc::make_mut(&mut self.facts)
    }

    /// Something broken in the source.
    pub fn damage(&mut self, damage: Damage) {
        let facts = self.facts();
        if facts.damages.len() < MOST_DAMAGES {
            facts.damages.push(damage);
        } else {
            facts.damages_left_out += 1;
        }
    }

    /// How far reading is.
    pub fn progress(&mut self, progress: Progress) {
        self.changed |= self.progress != progress;
        self.progress = progress;
    }

    /// Shows readers a new snapshot if something changed and they took the last: at most 60 times a second and at most a twentieth of
    /// the time, or at once if `force`. Call it between packets, when rows agree with one another. Returns whether it did.
    pub fn publish(&mut self, force: bool) -> bool {
        if !self.changed {
            return false;
        }
        let begin = Instant::now();
        if !force && begin < self.not_before {
            return false;
        }
        self.messages.fold(self.progress.done);
        if !force && !self.shared.is_watched() {
            // Snapshots cost copies, and nobody would see this one.
            self.not_before = begin + FRAME;
            return false;
        }
        self.changed = false;
        self.generation += 1;
        self.note_counts.sort_by_key(|c| std::cmp::Reverse((c.note.severity, c.count)));
        let copied = self.packets.take_copied() + self.flows.take_copied() + self.exchanges.take_copied();
        self.shared.publish(Snapshot {
            schema: self.schema.clone(),
            columns: self.columns.clone(),
            generation: self.generation,
            packets: self.packets.clone(),
            hosts: self.hosts.clone(),
            flows: self.flows.clone(),
            segments: self.messages.view(),
            message_count: self.messages.len(),
            withdrawn: self.withdrawn,
            done: self.done.clone(),
            exchanges: self.exchanges.clone(),
            notes: self.notes.clone(),
            note_counts: Arc::new(self.note_counts.clone()),
            states: self.states.clone(),
            links: self.links.clone(),
            comments: self.comments.clone(),
            names: self.names.clone(),
            tunnels: self.tunnels.clone(),
            facts: self.facts.clone(),
            progress: self.progress,
            cells_left_out: self.messages.left_out,
            own_heap: self.messages.own_heap_size() + self.host_index.heap_size(),
        });
        // Rows that snapshots share are copied before they change, at some 4 bytes a nanosecond.
        let cost = begin.elapsed() + Duration::from_nanos(copied / 4);
        self.not_before = Instant::now() + FRAME.max(cost * SHARE);
        true
    }

    /// How many notes of a severity were made.
    #[must_use]
    pub fn notes_of_severity(&self, severity: Severity) -> u64 {
        self.note_counts.iter().filter(|c| c.note.severity == severity).map(|c| c.count).sum()
    }
}
