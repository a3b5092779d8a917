//! One moment of the store: never changes, cheap to hold, read by any number of threads.

use crate::cell::{CellView, column_of};
use crate::done::DoneIndex;
use crate::facts::{Facts, Progress};
use crate::flow::{Flow, FlowRow};
use crate::hosts::Hosts;
use crate::links::{CauseRow, InsideRow, Links};
use crate::message::{MessageRow, Packed};
use crate::packed::SegmentRows;
use crate::packets::Packets;
use crate::process::Process;
use crate::rows::{Comment, ExchangeRow, NoteCount, NoteRow, StateRow};
use crate::schema::{Columns, Schema};
use crate::segment::{Base, Patch, ROWS, Said, Segment};
use crate::table::{Table, partition};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, F, PacketFacts, PacketRow, Severity};

// Flows change while they are open, so their segments are small: a change copies its segment once per snapshot.
pub(crate) type Flows = Table<FlowRow, 256>;
pub(crate) type Exchanges = Table<ExchangeRow, 1024>;

/// Everything known at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) schema: Arc<Schema>,
    pub(crate) columns: Arc<Columns>,
    pub(crate) generation: u64,
    pub(crate) packets: Packets,
    pub(crate) hosts: Hosts,
    pub(crate) flows: Flows,
    pub(crate) segments: Vec<Segment>,
    pub(crate) message_count: u32,
    pub(crate) withdrawn: u32,
    pub(crate) done: DoneIndex,
    pub(crate) exchanges: Exchanges,
    pub(crate) notes: Table<NoteRow, 1024>,
    pub(crate) note_counts: Arc<Vec<NoteCount>>,
    pub(crate) states: Table<StateRow, 1024>,
    pub(crate) links: Links,
    pub(crate) comments: Table<Comment, 256>,
    pub(crate) names: Arc<BTreeMap<IpAddr, Arc<str>>>,
    pub(crate) tunnels: Arc<Vec<Arc<str>>>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) progress: Progress,
    pub(crate) cells_left_out: u64,
    pub(crate) own_heap: usize,
}

impl Snapshot {
    pub(crate) fn empty(schema: Arc<Schema>, columns: Arc<Columns>) -> Snapshot {
        Snapshot {
            schema,
            columns,
            generation: 0,
            packets: Packets::default(),
            hosts: Table::default(),
            flows: Table::default(),
            segments: Vec::new(),
            message_count: 0,
            withdrawn: 0,
            done: DoneIndex::default(),
            exchanges: Table::default(),
            notes: Table::default(),
            note_counts: Arc::default(),
            states: Table::default(),
            links: Links::default(),
            comments: Table::default(),
            names: Arc::default(),
            tunnels: Arc::default(),
            facts: Arc::default(),
            progress: Progress::default(),
            cells_left_out: 0,
            own_heap: 0,
        }
    }

    /// Rises with every snapshot of a store.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Protocols and KEY fields as given at the start.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Every field that is a column.
    #[must_use]
    pub fn columns(&self) -> &[F] {
        self.columns.all()
    }

    /// The column of a filter name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<F> {
        self.columns.by_name(name)
    }

    /// Number of packets.
    #[must_use]
    pub fn packets(&self) -> u32 {
        self.packets.len()
    }

    /// A packet's row, by number from 0.
    #[inline]
    #[must_use]
    pub fn packet(&self, packet: u32) -> Option<PacketRow> {
        self.packets.get(packet)
    }

    /// Packet rows by segments of 4096, for walking over all.
    #[must_use]
    pub const fn packet_table(&self) -> &Packets {
        &self.packets
    }

    /// The time of a packet, nanoseconds since the epoch; `None` where there is no such packet or it has no time.
    #[must_use]
    pub fn time_of(&self, packet: u32) -> Option<i64> {
        self.packet(packet).map(|p| p.time).filter(|t| *t != i64::MIN)
    }

    /// What a packet's tree may be told besides its bytes.
    #[must_use]
    pub fn packet_facts(&self, packet: u32) -> Option<PacketFacts> {
        let row = self.packet(packet)?;
        let mut facts = PacketFacts {
            number: u64::from(packet) + 1,
            time: row.time,
            verdicts: row.bits & 0xff_ffff,
            ..PacketFacts::default()
        };
        if let Some(flow) = self.flow(row.flow) {
            let sender = usize::from(row.is_backward());
            facts.stream = Some(flow.stream).filter(|s| *s != NONE);
            facts.seq_base = flow.seq_base(sender);
            facts.ack_base = flow.seq_base(1 - sender);
            facts.window_shift = flow.window_shift(sender);
        }
        Some(facts)
    }

    /// Number of flows.
    #[must_use]
    pub const fn flows(&self) -> u32 {
        self.flows.len()
    }

    /// A flow.
    #[must_use]
    pub fn flow(&self, flow: u32) -> Option<Flow<'_>> {
        self.flows.get(flow).map(|row| Flow::new(flow, row, &self.hosts))
    }

    /// The process that a flow belongs to, where the capture says so.
    #[must_use]
    pub fn process_of(&self, flow: u32) -> Option<&Process> {
        self.facts.processes.of(&self.flow(flow)?)
    }

    /// Every flow.
    pub fn each_flow(&self) -> impl Iterator<Item = Flow<'_>> {
        self.flows.iter().map(|(id, row)| Flow::new(id, row, &self.hosts))
    }

    /// Addresses by number, as [`FlowRow::host_numbers`] gives them.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The name that the capture gives an address.
    #[must_use]
    pub fn name_of(&self, ip: &IpAddr) -> Option<&str> {
        self.names.get(ip).map(|n| &**n)
    }

    /// The names that the capture gives addresses.
    #[must_use]
    pub fn names(&self) -> &BTreeMap<IpAddr, Arc<str>> {
        &self.names
    }

    /// The path of tunnels of that number ("eth:ip:gre"), "" for none.
    #[must_use]
    pub fn tunnel(&self, number: u16) -> &str {
        number.checked_sub(1).and_then(|i| self.tunnels.get(usize::from(i))).map_or("", |t| &**t)
    }

    /// Number of message rows, withdrawn ones included: rows are numbered below this.
    #[must_use]
    pub const fn messages(&self) -> u32 {
        self.message_count
    }

    /// Number of messages to list: without those withdrawn.
    #[must_use]
    pub const fn live_messages(&self) -> u32 {
        self.message_count - self.withdrawn
    }

    /// How many rows were withdrawn because their conversation was read again.
    #[must_use]
    pub const fn withdrawn_messages(&self) -> u32 {
        self.withdrawn
    }

    pub(crate) fn packed(&self, message: u32) -> Option<Packed> {
        self.segments.get(message as usize / ROWS)?.packed(message as usize % ROWS)
    }

    /// One fact of a message row, without unpacking the others.
    #[inline]
    pub(crate) fn fact<T>(
        &self,
        message: u32,
        packed: impl FnOnce(&SegmentRows, usize) -> T,
        patched: impl FnOnce(&Packed) -> T,
    ) -> Option<T> {
        self.segments.get(message as usize / ROWS)?.fact(message as usize % ROWS, packed, patched)
    }

    /// Whether a message was withdrawn; what is not there is.
    #[inline]
    pub(crate) fn is_withdrawn(&self, message: u32) -> bool {
        self.fact(message, SegmentRows::is_withdrawn, Packed::is_withdrawn).unwrap_or(true)
    }

    /// A message's row. It may be withdrawn: lists leave such rows out.
    #[must_use]
    pub fn message(&self, message: u32) -> Option<MessageRow> {
        self.packed(message).map(|p| p.row())
    }

    /// A message's one line; "" if there is no such message.
    #[must_use]
    pub fn summary(&self, message: u32) -> &str {
        let bytes = self.segments.get(message as usize / ROWS).map_or(&[][..], |s| s.summary(message as usize % ROWS));
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// A message's KEY columns in order of reading; a field may come several times.
    pub fn cells(&self, message: u32) -> impl Iterator<Item = (F, CellView<'_>)> {
        let segment = self.segments.get(message as usize / ROWS);
        let cells = segment.map(|s| s.cells(message as usize % ROWS));
        cells.into_iter().flatten().filter_map(|(column, view)| Some((self.columns.field(column)?, view)))
    }

    /// Hands the KEY columns of a message for which `wanted` holds to `take`, as [`Snapshot::cells`] gives them: the quick way where all
    /// messages are looked through.
    pub fn each_cell<'s>(&'s self, message: u32, wanted: impl Fn(F) -> bool, mut take: impl FnMut(F, CellView<'s>)) {
        let Some(segment) = self.segments.get(message as usize / ROWS) else { return };
        let row = message as usize % ROWS;
        let (tags, values) = segment.base.raw_cells(row);
        for (tag, value) in tags.iter().zip(values) {
            if let Some(field) = self.columns.field(column_of(*tag)).filter(|f| wanted(f)) {
                take(field, segment.base.said.view(*tag, *value));
            }
        }
        for (column, cell) in segment.patch(row).map_or(&[][..], Patch::cells) {
            if let Some(field) = self.columns.field(*column).filter(|f| wanted(f)) {
                take(field, cell.view());
            }
        }
    }

    /// The first value of a column in a message.
    #[must_use]
    pub fn cell(&self, message: u32, field: F) -> Option<CellView<'_>> {
        self.cell_values(message, field).next()
    }

    /// Every value of a column in a message.
    pub fn cell_values(&self, message: u32, field: F) -> impl Iterator<Item = CellView<'_>> {
        let column = self.columns.number(field);
        let segment = column.and_then(|_| self.segments.get(message as usize / ROWS));
        let cells = segment.map(|s| s.cells(message as usize % ROWS));
        cells.into_iter().flatten().filter(move |(c, _)| Some(*c) == column).map(|(_, view)| view)
    }

    /// Every message row that is not withdrawn, with its number.
    pub fn each_message(&self) -> impl Iterator<Item = (u32, MessageRow)> {
        let rows = self.segments.iter().flat_map(Segment::unpack);
        (0..).zip(rows).filter(|(_, p)| !p.is_withdrawn()).map(|(i, p)| (i, p.row()))
    }

    /// Messages completed in a packet, in the order of their rows.
    #[must_use]
    pub fn messages_done_in(&self, packet: u32) -> Vec<u32> {
        let mut found = Vec::new();
        self.done.each(packet, packet.saturating_add(1), &mut |_, message| {
            if !self.is_withdrawn(message) {
                found.push(message);
            }
        });
        found.sort_unstable();
        found
    }

    /// Messages of a flow, those of its inner conversations included, newest first.
    pub fn messages_back(&self, flow: u32) -> impl Iterator<Item = u32> {
        let mut at = self.flows.get(flow).map_or(NONE, |f| f.last_message);
        std::iter::from_fn(move || {
            loop {
                let here = at;
                // The chain leads to older rows only, so it ends.
                at = self.fact(here, SegmentRows::previous, |p| p.previous)?;
                if !self.is_withdrawn(here) {
                    return Some(here);
                }
            }
        })
    }

    /// Messages of a flow in the order of their rows, those of its inner conversations included.
    #[must_use]
    pub fn messages_of(&self, flow: u32) -> Vec<u32> {
        let mut all: Vec<u32> = self.messages_back(flow).collect();
        all.reverse();
        all
    }

    /// Messages of one conversation alone, in the order of their rows.
    #[must_use]
    pub fn messages_in(&self, conv: ConvId) -> Vec<u32> {
        let mut all: Vec<u32> =
            self.messages_back(conv.flow).filter(|m| self.packed(*m).is_some_and(|p| p.conv() == conv)).collect();
        all.reverse();
        all
    }

    /// Number of exchange rows, withdrawn ones included.
    #[must_use]
    pub const fn exchanges(&self) -> u32 {
        self.exchanges.len()
    }

    /// An exchange. It may be withdrawn.
    #[must_use]
    pub fn exchange(&self, exchange: u32) -> Option<ExchangeRow> {
        self.exchanges.get(exchange).copied()
    }

    /// Every exchange that is not withdrawn, with its number.
    pub fn each_exchange(&self) -> impl Iterator<Item = (u32, &ExchangeRow)> {
        self.exchanges.iter().filter(|(_, e)| !e.withdrawn)
    }

    /// Nanoseconds from the first byte of an exchange's question to the last of its first final answer; `None` where one is
    /// missing, still open, or has no time.
    #[must_use]
    pub fn answer_time(&self, exchange: u32) -> Option<i64> {
        let row = self.exchanges.get(exchange)?;
        let asked = self.time_of(self.fact(row.ask, SegmentRows::first, |p| p.first)?)?;
        let answered = self.time_of(self.fact(row.answer, SegmentRows::done, |p| p.done)?)?;
        Some(answered.saturating_sub(asked))
    }

    /// The packet that completed the question of an exchange, if message `of` is an answer in it of the protocol `name` that came no
    /// sooner: an interim answer, or one that did not wait, is of no whole question.
    #[must_use]
    pub fn asked_by(&self, of: u32, exchange: u32, protocol: u16, name: &str) -> Option<u32> {
        let row = self.exchanges.get(exchange).filter(|e| e.ask != of && self.schema().protocol_name(protocol) == name)?;
        let done = |message: u32| self.fact(message, SegmentRows::done, |p| p.done).filter(|p| *p != NONE);
        done(row.ask).filter(|asked| done(of).is_some_and(|answered| answered >= *asked))
    }

    /// The packet that completed the first final answer of an exchange, if message `of` is its question, of the protocol `name`.
    #[must_use]
    pub fn answered_by(&self, of: u32, exchange: u32, protocol: u16, name: &str) -> Option<u32> {
        let row = self.exchanges.get(exchange).filter(|e| e.ask == of && self.schema().protocol_name(protocol) == name)?;
        self.fact(row.answer, SegmentRows::done, |p| p.done).filter(|p| *p != NONE)
    }

    /// Nanoseconds from the packet that completed the question to that which completed the answer `of`.
    #[must_use]
    pub fn answered_after(&self, of: u32, exchange: u32, protocol: u16, name: &str) -> Option<i64> {
        let asked = self.time_of(self.asked_by(of, exchange, protocol, name)?)?;
        let answered = self.time_of(self.fact(of, SegmentRows::done, |p| p.done).filter(|p| *p != NONE)?)?;
        Some(answered.saturating_sub(asked))
    }

    /// Every note of what was not withdrawn, with its number, in the order in which they were made.
    pub fn notes(&self) -> impl Iterator<Item = (u32, &NoteRow)> {
        self.notes.iter().filter(|(_, n)| self.is_live(n.message))
    }

    /// Number of note rows, those of withdrawn messages included.
    #[must_use]
    pub const fn note_rows(&self) -> u32 {
        self.notes.len()
    }

    /// A note by number; `None` as well when its message was withdrawn.
    #[must_use]
    pub fn note(&self, number: u32) -> Option<&NoteRow> {
        self.notes.get(number).filter(|n| self.is_live(n.message))
    }

    /// Notes of a flow, of its messages and packets, newest first.
    pub fn notes_back(&self, flow: u32) -> impl Iterator<Item = &NoteRow> {
        let mut at = self.flows.get(flow).map_or(NONE, |f| f.last_note);
        let chain = std::iter::from_fn(move || {
            let row = self.notes.get(at)?;
            at = row.previous;
            Some(row)
        });
        chain.filter(|n| self.is_live(n.message))
    }

    /// Notes of one message, oldest first.
    #[must_use]
    pub fn notes_of_message(&self, message: u32) -> Vec<&NoteRow> {
        let Some(row) = self.packed(message).filter(|r| r.notes > 0) else { return Vec::new() };
        let mut found: Vec<&NoteRow> =
            self.notes_back(row.flow).filter(|n| n.message == message).take(usize::from(row.notes)).collect();
        found.reverse();
        found
    }

    /// How often each note was made, also where the list leaves some out; worst first, then by count.
    #[must_use]
    pub fn note_counts(&self) -> &[NoteCount] {
        &self.note_counts
    }

    /// How many notes of a severity were made.
    #[must_use]
    pub fn notes_of_severity(&self, severity: Severity) -> u64 {
        self.note_counts.iter().filter(|c| c.note.severity == severity).map(|c| c.count).sum()
    }

    /// States of a conversation's sides, oldest first.
    #[must_use]
    pub fn states_of(&self, conv: ConvId) -> Vec<&StateRow> {
        let mut at = self.flows.get(conv.flow).map_or(NONE, |f| f.last_state);
        let chain = std::iter::from_fn(move || {
            let row = self.states.get(at)?;
            at = row.previous;
            Some(row)
        });
        let mut found: Vec<&StateRow> = chain.filter(|s| s.conv == conv && self.is_live(s.message)).collect();
        // Of states that no message brought, only those of the newest reading count.
        let newest = found.iter().map(|s| s.generation).max().unwrap_or(0);
        found.retain(|s| s.message != NONE || s.generation == newest);
        found.reverse();
        found
    }

    fn is_live(&self, message: u32) -> bool {
        message == NONE || !self.is_withdrawn(message)
    }

    /// Who announced a flow, and what for.
    #[must_use]
    pub fn cause_of(&self, flow: u32) -> Option<&CauseRow> {
        self.links.cause_of(flow)
    }

    /// Every flow that a conversation announced, with who did and what for.
    pub fn causes(&self) -> impl Iterator<Item = &CauseRow> {
        self.links.causes.iter().map(|(_, c)| c)
    }

    /// The flows that a conversation announced, in the order in which they came.
    #[must_use]
    pub fn flows_caused_by(&self, by: ConvId) -> Vec<u32> {
        self.links.causes.iter().filter(|(_, c)| c.by == by).map(|(_, c)| c.flow).collect()
    }

    /// The messages of a conversation that concern the flow it announced with `key`: a command, its replies.
    #[must_use]
    pub fn messages_concerning(&self, by: ConvId, key: u64) -> Vec<u32> {
        let concerns = self.links.concerns.iter().map(|(_, c)| c);
        concerns.filter(|c| c.by == by && c.key == key && self.is_live(c.message)).map(|c| c.message).collect()
    }

    /// The flow that a message concerns, if it came: the data connection of a command.
    #[must_use]
    pub fn flow_concerned(&self, message: u32) -> Option<u32> {
        let concern = self.links.concerns.iter().map(|(_, c)| c).find(|c| c.message == message)?;
        self.links.causes.iter().map(|(_, c)| c).find(|c| c.by == concern.by && c.key == concern.key).map(|c| c.flow)
    }

    /// What is known of a conversation inside another; `None` for a flow's own.
    #[must_use]
    pub fn inside(&self, conv: ConvId) -> Option<InsideRow> {
        self.links.inside_row(conv)
    }

    /// How many conversations stand inside a flow; they are numbered from 1.
    #[must_use]
    pub fn inside_count(&self, flow: u32) -> u32 {
        self.links.inside_count(flow)
    }

    /// The protocols around a conversation and its own, outermost first: TLS, HTTP/2. Those that are not known are left out.
    #[must_use]
    pub fn path(&self, conv: ConvId) -> Vec<u16> {
        let mut path = Vec::new();
        let mut at = conv;
        while let Some(row) = self.inside(at) {
            path.extend(row.protocol);
            // Numbers fall on the way outwards, so this ends.
            if row.outer.inner >= at.inner {
                break;
            }
            at = row.outer;
        }
        path.extend(self.flow(conv.flow).and_then(|f| f.protocol()));
        path.reverse();
        path
    }

    /// Comments on a packet.
    pub fn comments_on(&self, packet: u32) -> impl Iterator<Item = &str> {
        // Comments come in order of packets.
        let before = |i: usize| self.comments.get(i as u32).is_some_and(|c| c.packet < packet);
        let from = partition(self.comments.len() as usize, before) as u32;
        (from..self.comments.len()).map_while(move |i| self.comments.get(i).filter(|c| c.packet == packet)).map(|c| &*c.text)
    }

    /// Number of packet comments.
    #[must_use]
    pub const fn comments(&self) -> u32 {
        self.comments.len()
    }

    /// Facts of the source.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How far reading is.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// KEY values that were left out of columns because of a limit.
    #[must_use]
    pub const fn cells_left_out(&self) -> u64 {
        self.cells_left_out
    }

    /// Bytes of memory that this snapshot and the store's writer hold together.
    #[must_use]
    pub fn heap_size(&self) -> HeapSize {
        let mut size = HeapSize {
            packets: self.packets.heap_size(),
            flows: self.flows.heap_size() + self.hosts.heap_size(),
            done: self.done.heap_size(),
            exchanges: self.exchanges.heap_size(),
            notes: self.notes.heap_size(),
            states: self.states.heap_size() + self.links.heap_size(),
            writer: self.own_heap,
            ..HeapSize::default()
        };
        for segment in &self.segments {
            let said = segment.base.said.heap_size();
            // With the two counts of what is shared, each time.
            let base = size_of::<Base>() + size_of::<Said>() + 32 + size_of::<Segment>();
            size.messages += base + segment.base.rows.heap_size() + size_of_val(segment.patches());
            size.cells += said.cells;
            size.text += said.text;
        }
        size
    }
}

/// Bytes of memory by what they hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeapSize {
    /// Packet rows.
    pub packets: usize,
    /// Flow rows and addresses.
    pub flows: usize,
    /// Message rows.
    pub messages: usize,
    /// Cells of columns.
    pub cells: usize,
    /// Text of summaries and cells.
    pub text: usize,
    /// The index from packets to messages.
    pub done: usize,
    /// Exchanges.
    pub exchanges: usize,
    /// Notes.
    pub notes: usize,
    /// States.
    pub states: usize,
    /// What the writer keeps for itself.
    pub writer: usize,
}

impl HeapSize {
    /// All together.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.packets
            + self.flows
            + self.messages
            + self.cells
            + self.text
            + self.done
            + self.exchanges
            + self.notes
            + self.states
            + self.writer
    }
}
