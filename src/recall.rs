//! Recall: trees, lines and bytes on demand, by reading the recorded bytes again with the same dissectors.
//!
//! A conversation is replayed from its delivery log up to the message that is wanted; places on the way are remembered (checkpoints), and
//! so are the trees of the messages behind it, so that looking through a conversation in order reads it once.

mod gather;

use crate::analysed::Analysed;
use bytes::Bytes;
use gather::{Gatherer, Name, Part};
use std::collections::{HashMap, VecDeque};
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use wirelore_capture::SpoolReader;
use wirelore_dissectors::layers;
use wirelore_engine::conversation::{FIRST_CONTENT, Listen};
use wirelore_engine::flow::Ends;
use wirelore_engine::ledger::Ledger;
use wirelore_engine::log::Log;
use wirelore_engine::packet::{IpPair, Ports};
use wirelore_engine::reread::{Replay, Rereading};
use wirelore_engine::shard::DecodeAs;
use wirelore_engine::source_map;
use wirelore_kit::row::NONE;
use wirelore_kit::{
    BufId, BufKind, Buffer, Cancel, ConvId, Dir, Field, How, KeyTable, Kind, Level, Node, Noted, PacketBytes, PacketLine, Piece,
    Problem, Span, Spec, Tie, Tree, TreeSource, Value, What, verdict,
};
use wirelore_store::{Flow, MessageRow, Snapshot, Store};

/// The payload of a UDP datagram.
pub use wirelore_dissectors::layers::UDP_PAYLOAD;

/// The payload of a TCP segment.
pub static TCP_PAYLOAD: Field = Field::new("tcp.payload", "TCP payload", Kind::Bytes).rfc("RFC 9293 §3.1");
/// Prose for these two, by language.
pub static EXPLAIN: &[(&str, &str)] = &[(
    "en",
    r#"[field]
"tcp.payload".what = "The bytes of the stream that this segment carries."
"tcp.payload".why = "Messages begin and end anywhere in them: TCP keeps the order of bytes, not the borders of messages."
"udp.payload".what = "The bytes that this datagram carries: one datagram is one message for most protocols."
"#,
)];

/// Bytes of one buffer of a tree that are kept; a longer one is shown in part.
pub const MOST_BUFFER: usize = 16 << 20;
/// Messages whose trees are made along with the one that is wanted.
const AHEAD: usize = 64;
/// Bytes that these may take.
const MOST_AHEAD: usize = 32 << 20;
/// Bytes that the trees kept may take.
const MOST_KEPT: usize = 64 << 20;
/// Conversations whose places are kept.
const MOST_PLACES: usize = 256;

#[derive(Default)]
struct Kept {
    trees: HashMap<Name, Arc<Tree>>,
    order: VecDeque<(Name, usize)>,
    bytes: usize,
    places: VecDeque<Place>,
}

/// A checkpoint: a conversation on its way, and the highest packet that it has read.
struct Place {
    flow: u32,
    highest: u32,
    at: Rereading,
}

impl Kept {
    fn keep(&mut self, name: Name, tree: Arc<Tree>) {
        let weight = tree.nodes.len() * size_of::<Node>() + tree.buffers.iter().map(|b| b.bytes.len()).sum::<usize>() + 256;
        if self.trees.insert(name, tree).is_none() {
            self.order.push_back((name, weight));
            self.bytes += weight;
        }
        while self.bytes > MOST_KEPT && self.order.len() > 1 {
            if let Some((old, weight)) = self.order.pop_front() {
                self.trees.remove(&old);
                self.bytes -= weight;
            }
        }
    }
}

/// Reads recorded bytes again.
pub struct Recall {
    pub(crate) store: Store,
    pub(crate) spool: SpoolReader,
    pub(crate) ledger: Arc<RwLock<Ledger>>,
    pub(crate) links: Arc<RwLock<Arc<Vec<u32>>>>,
    pub(crate) keys: Arc<RwLock<KeyTable>>,
    pub(crate) table: &'static [&'static Spec],
    pub(crate) decode_as: Vec<DecodeAs>,
    kept: Mutex<Kept>,
    analysed: Mutex<Analysed>,
}

fn gone(what: &str) -> Problem {
    Problem {
        what: format!("{what} cannot be shown"),
        why: "Its bytes can no longer be read.".into(),
        what_to_do: "The file may have been moved or changed: open it again.".into(),
    }
}

fn missing(what: &str) -> Problem {
    Problem {
        what: format!("There is no {what}"),
        why: "No row has that number.".into(),
        what_to_do: "Choose one from the list.".into(),
    }
}

pub(crate) fn cancelled() -> Problem {
    Problem { what: "Cancelled".into(), why: "Something else was asked for.".into(), what_to_do: String::new() }
}

impl Recall {
    pub(crate) fn new(
        store: Store,
        spool: SpoolReader,
        ledger: Arc<RwLock<Ledger>>,
        links: Arc<RwLock<Arc<Vec<u32>>>>,
        keys: Arc<RwLock<KeyTable>>,
        table: &'static [&'static Spec],
        decode_as: Vec<DecodeAs>,
    ) -> Recall {
        Recall { store, spool, ledger, links, keys, table, decode_as, kept: Mutex::default(), analysed: Mutex::default() }
    }

    /// The bytes of a packet as captured.
    #[must_use]
    pub fn packet_bytes(&self, snapshot: &Snapshot, packet: u32) -> Option<Bytes> {
        let row = snapshot.packet(packet)?;
        self.spool.read_at(row.at(), row.cap_len as usize).ok()
    }

    /// Where the bytes of the datagram that a packet completed come from.
    fn fragments(&self, packet: u32) -> Option<Vec<Piece>> {
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        let pieces = ledger.joined(packet)?.1.iter().map(|(at, len, arrival, offset)| {
            let from = Span::new(BufId::arrival(u64::from(*arrival)), u64::from(*offset), *len);
            Piece { at: u64::from(*at), len: *len, from, how: How::Joined }
        });
        Some(pieces.collect())
    }

    /// The datagram that a packet completed: payload, source map.
    pub(crate) fn joined(&self, snapshot: &Snapshot, packet: u32) -> Option<(Bytes, Vec<Piece>)> {
        let map = self.fragments(packet)?;
        let mut bytes = Vec::new();
        for Piece { from, .. } in &map {
            let BufKind::Arrival(arrival) = from.buf.kind() else { continue };
            let held = self.packet_bytes(snapshot, arrival as u32)?;
            bytes.extend_from_slice(held.get(from.at as usize..from.end() as usize)?);
        }
        Some((bytes.into(), map))
    }

    /// Offsets of deliveries count in the datagram that a packet completed; these are the same bytes as offsets in the packets themselves.
    fn through_fragments(&self, snapshot: &Snapshot, pieces: Vec<Piece>) -> Vec<Piece> {
        let mut out = Vec::with_capacity(pieces.len());
        for p in pieces {
            let fragments = match p.from.buf.kind() {
                BufKind::Arrival(n)
                    if snapshot.packet(n as u32).is_some_and(|r| r.bits & wirelore_kit::PacketRow::FRAGMENT != 0) =>
                {
                    self.fragments(n as u32)
                }
                _ => None,
            };
            let Some(fragments) = fragments else {
                out.push(p);
                continue;
            };
            for f in fragments {
                let from = f.at.max(p.from.at);
                let to = f.at.saturating_add(u64::from(f.len)).min(p.from.end());
                if from < to {
                    let len = to.saturating_sub(from) as u32;
                    let source = Span::new(f.from.buf, f.from.at.saturating_add(from.saturating_sub(f.at)), len);
                    let at = p.at.saturating_add(from.saturating_sub(p.from.at));
                    out.push(Piece { at, len, from: source, how: How::Joined });
                }
            }
        }
        out
    }

    /// The bytes that delivery offsets of a packet count in, and its time.
    pub(crate) fn fetch(&self, snapshot: &Snapshot, packet: u32) -> Option<(Bytes, i64)> {
        let row = snapshot.packet(packet)?;
        if row.bits & wirelore_kit::PacketRow::FRAGMENT != 0
            && let Some((bytes, _)) = self.joined(snapshot, packet)
        {
            return Some((bytes, row.time));
        }
        Some((self.packet_bytes(snapshot, packet)?, row.time))
    }

    /// The bytes that the delivery log's offsets of a packet count in: its own, or those of the datagram that it completed.
    #[must_use]
    pub fn delivered(&self, snapshot: &Snapshot, packet: u32) -> Option<Bytes> {
        self.fetch(snapshot, packet).map(|(bytes, _)| bytes)
    }

    /// Reads a packet's headers; false when its bytes are gone.
    pub fn headers(&self, snapshot: &Snapshot, packet: u32, out: &mut wirelore_engine::packet::Headers) -> bool {
        let Some((row, bytes)) = snapshot.packet(packet).zip(self.packet_bytes(snapshot, packet)) else { return false };
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        let link_type = links.get(usize::from(row.interface())).copied().unwrap_or(u32::MAX);
        wirelore_engine::packet::read(link_type, &bytes, row.wire_len, out);
        true
    }

    /// The delivery log of a flow so far.
    #[must_use]
    pub fn log(&self, flow: u32) -> Log {
        Log::from_runs(self.ledger.read().unwrap_or_else(PoisonError::into_inner).log(flow))
    }

    /// Bytes of a flow's delivery log so far.
    #[must_use]
    pub fn log_len(&self, flow: u32) -> usize {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner).log_len(flow)
    }

    /// What the user said that a flow speaks.
    #[must_use]
    pub fn decided(&self, flow: u32) -> Option<&'static str> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner).told(flow).user
    }

    /// The protocols that it reads with.
    #[must_use]
    pub const fn table(&self) -> &'static [&'static Spec] {
        self.table
    }

    /// Forgets what was read of a flow: it is read anew from now on.
    pub fn forget(&self, flow: u32) {
        let mut kept = self.lock();
        kept.places.retain(|p| p.flow != flow);
        let Kept { trees, order, bytes, .. } = &mut *kept;
        trees.retain(|name, _| name.0.flow != flow);
        order.retain(|(name, weight)| {
            let stays = name.0.flow != flow;
            if !stays {
                *bytes = bytes.saturating_sub(*weight);
            }
            stays
        });
    }

    /// Reads a whole conversation again, at `level`, telling `to`.
    ///
    /// # Errors
    /// [`Problem`] when there is no such flow or the work was cancelled.
    pub fn reread(&self, flow: u32, level: Level, cancel: &Cancel, to: &mut dyn Listen) -> Result<(), Problem> {
        let snapshot = self.store.snapshot();
        let mut reading = self.begin(&snapshot, flow).ok_or_else(|| missing("such conversation"))?;
        reading.level = level;
        let log = self.log(flow);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        while reading.step(&log, self.table, &*keys, &mut |n| self.fetch(&snapshot, n), to) == ControlFlow::Continue(()) {
            if cancel.is_cancelled() {
                return Err(cancelled());
            }
        }
        Ok(())
    }

    /// Hands the bytes of both streams of a flow to `data` (direction 0 or 1 as rows count them, offset, bytes) and its gaps to `gap`.
    ///
    /// # Errors
    /// [`Problem`] when bytes cannot be read any more.
    pub fn stream(
        &self,
        flow: u32,
        data: &mut dyn FnMut(usize, u64, &[u8]),
        gap: &mut dyn FnMut(usize, u64, u64, wirelore_engine::reassembly::GapWhy),
    ) -> Result<(), Problem> {
        use wirelore_engine::log::Entry;
        let snapshot = self.store.snapshot();
        for entry in self.log(flow).entries() {
            match entry {
                Entry::Data(run) => {
                    let (bytes, _) = self.fetch(&snapshot, run.number).ok_or_else(|| gone("The stream"))?;
                    let from = run.offset as usize;
                    data(run.dir, run.at, bytes.get(from..from.saturating_add(run.len as usize)).unwrap_or(&[]));
                }
                Entry::Gap { dir, at, missing, why } => gap(dir, at, missing, why),
                _ => {}
            }
        }
        Ok(())
    }

    /// A replay of a flow from its beginning.
    pub(crate) fn begin_replay(&self, snapshot: &Snapshot, flow: u32) -> Option<Replay> {
        let row = snapshot.flow(flow)?;
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        let told = ledger.told(flow);
        Some(Replay::new(flow, &ends_of(&row), row.transport, ledger.marks(flow), &self.decode_as, told))
    }

    fn begin(&self, snapshot: &Snapshot, flow: u32) -> Option<Rereading> {
        let row = snapshot.flow(flow)?;
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        let told = ledger.told(flow);
        Some(Rereading::new(flow, &ends_of(&row), row.transport, ledger.marks(flow), &self.decode_as, told))
    }

    fn message(&self, id: u32, cancel: &Cancel) -> Result<Arc<Tree>, Problem> {
        let snapshot = self.store.snapshot();
        let row = snapshot.message(id).ok_or_else(|| missing("such message"))?;
        let name = (row.conv, row.dir, row.at);
        if let Some(tree) = self.lock().trees.get(&name) {
            return Ok(Arc::clone(tree));
        }
        self.read_trees(&snapshot, &row, cancel)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_trees(&self, snapshot: &Snapshot, row: &MessageRow, cancel: &Cancel) -> Result<Arc<Tree>, Problem> {
        let flow = row.conv.flow;
        let place = {
            let mut kept = self.lock();
            let best = kept
                .places
                .iter()
                .enumerate()
                .filter(|(_, p)| p.flow == flow && p.highest < row.first)
                .max_by_key(|(_, p)| p.highest)
                .map(|(i, _)| i);
            best.and_then(|i| kept.places.get_mut(i)).and_then(|p| Some((p.at.fork()?, p.highest)))
        };
        let (mut reading, mut highest) = match place {
            Some(p) => p,
            None => (self.begin(snapshot, flow).ok_or_else(|| missing("such conversation"))?, 0),
        };
        reading.level = Level::Rows;
        let log = self.log(flow);
        let want = (row.conv, row.dir, row.at);
        let mut gatherer = Gatherer::new(want);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        loop {
            if cancel.is_cancelled() {
                return Err(cancelled());
            }
            let Some(next) = reading.next_packet(&log) else { break };
            if next == row.first {
                reading.level = Level::Tree;
            }
            gatherer.trees = reading.level == Level::Tree;
            let much = gatherer.done.len() >= AHEAD || gatherer.weight() > MOST_AHEAD;
            if much && !gatherer.found {
                gatherer.forget_others();
            }
            if much && gatherer.found {
                // Go on from here the next time.
                if let Some(at) = reading.fork() {
                    let mut kept = self.lock();
                    kept.places.push_back(Place { flow, highest, at });
                    if kept.places.len() > MOST_PLACES {
                        kept.places.pop_front();
                    }
                    break;
                }
            }
            highest = highest.max(next);
            if reading.step(&log, self.table, &*keys, &mut |n| self.fetch(snapshot, n), &mut gatherer) == ControlFlow::Break(()) {
                break;
            }
        }
        drop(keys);
        let flipped = reading.conversation().is_flipped();
        let mut wanted = None;
        for (name, part) in gatherer.close() {
            let is_wanted = name == want;
            let tree = Arc::new(self.finish(snapshot, &log, flipped, name, part));
            if is_wanted {
                wanted = Some(Arc::clone(&tree));
            }
            self.lock().keep(name, tree);
        }
        wanted.ok_or_else(|| gone("The message"))
    }

    /// Nodes become a tree with the buffers that they lie in: the message's own, then those it was made from, then those made from it.
    fn finish(&self, snapshot: &Snapshot, log: &Log, flipped: bool, name: Name, part: Part) -> Tree {
        let (conv, dir, at) = name;
        let mut buffers = Vec::new();
        for s in part.sources {
            let id = BufId::stream(s.conv, s.dir);
            buffers.push(Buffer { id, label: s.label, base: s.base, bytes: s.bytes.into(), map: s.map });
        }
        let outermost = match conv.inner {
            0 => Some(Span::new(BufId::stream(conv, dir), at, part.len.min(MOST_BUFFER as u64) as u32)),
            _ => part.outermost,
        };
        if let Some(span) = outermost {
            buffers.push(self.stream_buffer(snapshot, log, flipped, span));
        }
        let mut tree = Tree { nodes: part.nodes, buffers, notes: part.notes };
        let mut contents: HashMap<BufId, BufId> = HashMap::new();
        for (i, inner) in part.inner.into_iter().enumerate() {
            let stream = inner.of.map(|c| BufId::stream(c, inner.key.1));
            let rows = inner.of.is_some_and(|c| c.inner < FIRST_CONTENT);
            let id = stream.filter(|_| rows).unwrap_or(BufId::part(i as u32 + 1));
            if let Some(stream) = stream.filter(|_| !rows) {
                contents.insert(stream, id);
            }
            // What was made from a content lies in the buffer that stands for it.
            let map = inner.map.into_iter().map(|p| {
                let buf = contents.get(&p.from.buf).copied().unwrap_or(p.from.buf);
                Piece { from: Span { buf, ..p.from }, ..p }
            });
            let map = map.collect();
            merge(&mut tree.buffers, Buffer { id, label: inner.label, base: inner.base, bytes: inner.bytes.into(), map });
        }
        for (_, nodes, notes) in part.contents {
            let shift = tree.nodes.len() as u32;
            let place = |span: Span| Span { buf: contents.get(&span.buf).copied().unwrap_or(span.buf), ..span };
            let nodes = nodes.into_iter().map(|n| Node { span: place(n.span), end: n.end.saturating_add(shift), ..n });
            tree.nodes.extend(nodes);
            tree.notes.extend(notes.into_iter().map(|n| Noted { at: place(n.at), ..n }));
        }
        tree
    }

    /// Bytes of a flow's own stream.
    fn stream_buffer(&self, snapshot: &Snapshot, log: &Log, flipped: bool, span: Span) -> Buffer {
        let (conv, dir) = match span.buf.kind() {
            BufKind::Stream(conv, dir) => (conv, dir),
            _ => (ConvId::default(), Dir::ToServer),
        };
        let way = usize::from((dir == Dir::ToServer) == flipped);
        let map = self.through_fragments(snapshot, source_map::pieces(log, way, span.at..span.end()));
        let mut bytes = Vec::with_capacity(span.len as usize);
        for p in &map {
            // Holes are zeros, so that offsets stay true; the notes tell of them.
            bytes.resize(p.at.saturating_sub(span.at) as usize, 0);
            if let BufKind::Arrival(n) = p.from.buf.kind()
                && let Some(b) = self.packet_bytes(snapshot, n as u32)
            {
                let from = p.from.at as usize;
                bytes.extend_from_slice(b.get(from..from.saturating_add(p.len as usize)).unwrap_or(&[]));
            }
        }
        Buffer { id: span.buf, label: self.label(snapshot, conv, dir), base: span.at, bytes: bytes.into(), map }
    }

    /// What trees at hand call a buffer.
    fn kept_label(&self, buf: BufId) -> Option<String> {
        self.lock().trees.values().find_map(|t| t.buffer(buf)).map(|b| b.label.clone())
    }

    /// A buffer of the trees that are kept, holding a span.
    fn kept_buffer<T>(&self, span: &Span, take: impl Fn(&Buffer) -> T) -> Option<T> {
        let kept = self.lock();
        let held =
            |b: &&Buffer| b.id == span.buf && span.at >= b.base && span.end() <= b.base.saturating_add(b.bytes.len() as u64);
        kept.order.iter().rev().filter_map(|(name, _)| kept.trees.get(name)).find_map(|t| t.buffers.iter().find(held)).map(take)
    }

    fn label(&self, snapshot: &Snapshot, conv: ConvId, dir: Dir) -> String {
        let (kind, number) = snapshot.flow(conv.flow).map_or(("Stream", conv.flow), |f| {
            let kind = if f.transport == wirelore_kit::Transport::Tcp { "TCP stream" } else { "UDP stream" };
            (kind, if f.stream == NONE { conv.flow } else { f.stream })
        });
        let way = if dir == Dir::ToServer { "to server" } else { "to client" };
        if conv.inner == 0 { format!("{kind} {number}, {way}") } else { format!("{kind} {number}, inner {}, {way}", conv.inner) }
    }

    fn packet(&self, packet: u32, cancel: &Cancel) -> Result<Tree, Problem> {
        let snapshot = self.store.snapshot();
        let (mut tree, _, payload) = self.layers(&snapshot, packet, true)?;
        let tcp = snapshot
            .packet(packet)
            .and_then(|p| snapshot.flow(p.flow))
            .is_some_and(|f| f.transport == wirelore_kit::Transport::Tcp);
        if let Some(span) = payload.filter(|s| s.len > 0) {
            let field = if tcp { &TCP_PAYLOAD } else { &UDP_PAYLOAD };
            let end = tree.nodes.len() as u32 + 1;
            tree.nodes.push(Node { field, span, value: Value::Span, depth: 0, tie: Tie::Own, end });
        }
        let mut parts = 64u32;
        for id in snapshot.messages_done_in(packet) {
            let message = self.message(id, cancel)?;
            let shift = tree.nodes.len() as u32;
            tree.nodes.extend(message.nodes.iter().map(|n| Node { end: n.end.saturating_add(shift), ..n.clone() }));
            // Parts are numbered within each message: renumber them, for several messages may share this tree.
            let place = |buf: BufId| match buf.kind() {
                BufKind::Part(n) => BufId::part(n.saturating_add(parts)),
                _ => buf,
            };
            for b in &message.buffers {
                let map = b.map.iter().map(|p| Piece { from: Span { buf: place(p.from.buf), ..p.from }, ..*p }).collect();
                merge(&mut tree.buffers, Buffer { id: place(b.id), map, ..b.clone() });
            }
            for n in tree.nodes.iter_mut().skip(shift as usize) {
                n.span.buf = place(n.span.buf);
            }
            tree.notes.extend(message.notes.iter().map(|n| Noted { at: Span { buf: place(n.at.buf), ..n.at }, ..*n }));
            parts = parts.saturating_add(message.buffers.len() as u32);
        }
        Ok(tree)
    }

    fn layers(
        &self,
        snapshot: &Snapshot,
        packet: u32,
        analysed: bool,
    ) -> Result<(Tree, Vec<&'static str>, Option<Span>), Problem> {
        let row = snapshot.packet(packet).ok_or_else(|| missing("such packet"))?;
        let bytes = self.packet_bytes(snapshot, packet).ok_or_else(|| gone("The packet"))?;
        let links = Arc::clone(&self.links.read().unwrap_or_else(PoisonError::into_inner));
        let link_type = links.get(usize::from(row.interface())).copied().unwrap_or(u32::MAX);
        let joined = if row.bits & wirelore_kit::PacketRow::FRAGMENT != 0 { self.joined(snapshot, packet) } else { None };
        let mut facts = snapshot.packet_facts(packet);
        if let Some(facts) = facts.as_mut().filter(|_| analysed) {
            let mut looked = self.analysed.lock().unwrap_or_else(PoisonError::into_inner);
            facts.analysis = looked.of(self, snapshot, packet, &links);
        }
        let packet = PacketBytes { number: u64::from(packet), link_type, bytes, wire_len: row.wire_len, joined, facts };
        Ok(layers::read(&packet))
    }

    pub(crate) fn line(&self, snapshot: &Snapshot, packet: u32) -> Result<PacketLine, Problem> {
        let row = snapshot.packet(packet).ok_or_else(|| missing("such packet"))?;
        let done = snapshot.messages_done_in(packet);
        if let (Some(flow), Some(last)) = (snapshot.flow(row.flow), done.last().and_then(|m| snapshot.message(*m))) {
            let [a, b] = flow.ends();
            let (source, destination) = if row.is_backward() { (b, a) } else { (a, b) };
            let mut info = String::new();
            for v in verdict::ALL.iter().filter(|v| v.trouble && row.bits & v.bit != 0) {
                info.push_str(&format!("[{}] ", v.label));
            }
            for (i, m) in done.iter().enumerate() {
                if i > 0 {
                    info.push_str(" | ");
                }
                info.push_str(snapshot.summary(*m));
            }
            return Ok(PacketLine {
                source: source.ip.to_string(),
                destination: destination.ip.to_string(),
                protocol: snapshot.schema().protocol_label(last.protocol).to_owned(),
                info,
            });
        }
        let (tree, names, _) = self.layers(snapshot, packet, false)?;
        Ok(layers::line(&tree, &names))
    }
}

/// Adds a buffer; ranges of one byte sequence become one buffer, so that every span of it is found there.
fn merge(buffers: &mut Vec<Buffer>, b: Buffer) {
    let Some(old) = buffers.iter_mut().find(|x| x.id == b.id) else { return buffers.push(b) };
    let end = |b: &Buffer| b.base.saturating_add(b.bytes.len() as u64);
    let (from, to) = (old.base.min(b.base), end(old).max(end(&b)));
    if (b.base >= old.base && end(&b) <= end(old)) || to.saturating_sub(from) > MOST_BUFFER as u64 {
        return;
    }
    // What lies between them is zeros: no field of the tree is there.
    let mut bytes = vec![0; to.saturating_sub(from) as usize];
    for x in [&*old, &b] {
        let at = x.base.saturating_sub(from) as usize;
        if let Some(to) = bytes.get_mut(at..at.saturating_add(x.bytes.len())) {
            to.copy_from_slice(&x.bytes);
        }
    }
    let mut map = std::mem::take(&mut old.map);
    map.extend(b.map.into_iter().filter(|p| p.at < old.base || p.at >= old.base.saturating_add(old.bytes.len() as u64)));
    map.sort_by_key(|p| p.at);
    *old = Buffer { id: old.id, label: std::mem::take(&mut old.label), base: from, bytes: bytes.into(), map };
}

/// The ends of a flow as the engine names them.
pub(crate) fn ends_of(flow: &Flow<'_>) -> Ends {
    use std::net::IpAddr;
    let [a, b] = flow.ends();
    let net = match (a.ip, b.ip) {
        (IpAddr::V4(x), IpAddr::V4(y)) => IpPair::V4(x, y),
        (IpAddr::V6(x), IpAddr::V6(y)) => IpPair::V6(x, y),
        _ => IpPair::None,
    };
    Ends { net, ports: Ports { src: a.port, dst: b.port }, proto: flow.ip_proto }
}

impl TreeSource for Recall {
    fn tree(&self, of: What, cancel: &Cancel) -> Result<Tree, Problem> {
        match of {
            What::Packet(n) => self.packet(n, cancel),
            What::Message(id) => self.message(id, cancel).map(|t| (*t).clone()),
        }
    }

    fn lines(&self, range: Range<u32>, cancel: &Cancel) -> Result<Vec<PacketLine>, Problem> {
        let snapshot = self.store.snapshot();
        // Whoever asks by blocks asks over the end.
        let range = range.start..range.end.min(snapshot.packets()).max(range.start.saturating_add(1));
        range.map(|n| if cancel.is_cancelled() { Err(cancelled()) } else { self.line(&snapshot, n) }).collect()
    }

    fn bytes(&self, span: Span) -> Result<Vec<u8>, Problem> {
        let snapshot = self.store.snapshot();
        let want = (span.len as usize).min(MOST_BUFFER);
        match span.buf.kind() {
            BufKind::Arrival(n) => {
                let all = self.packet_bytes(&snapshot, n as u32).ok_or_else(|| gone("The packet"))?;
                let from = (span.at as usize).min(all.len());
                Ok(all.get(from..from.saturating_add(want).min(all.len())).unwrap_or(&[]).to_vec())
            }
            BufKind::Stream(conv, _) if conv.inner == 0 => {
                let mut out = Vec::new();
                for from in self.origin(span)? {
                    if let BufKind::Arrival(n) = from.buf.kind() {
                        let b = self.packet_bytes(&snapshot, n as u32).ok_or_else(|| gone("The stream"))?;
                        let at = from.at as usize;
                        out.extend_from_slice(b.get(at..at.saturating_add(from.len as usize)).unwrap_or(&[]));
                    }
                }
                Ok(out)
            }
            _ => {
                let short = Span { len: want as u32, ..span };
                self.kept_buffer(&short, |b| b.slice(&short).to_vec()).ok_or_else(|| missing("such buffer outside of its tree"))
            }
        }
    }

    fn origin(&self, span: Span) -> Result<Vec<Span>, Problem> {
        match span.buf.kind() {
            BufKind::Arrival(_) => Ok(vec![span]),
            BufKind::Stream(conv, dir) if conv.inner == 0 => {
                let snapshot = self.store.snapshot();
                let flow = snapshot.flow(conv.flow).ok_or_else(|| missing("such conversation"))?;
                let flipped = flow.client_end() == 1;
                let way = usize::from((dir == Dir::ToServer) == flipped);
                let pieces = source_map::pieces(&self.log(conv.flow), way, span.at..span.end());
                let pieces = self.through_fragments(&snapshot, pieces);
                Ok(pieces.into_iter().map(|p| p.from).collect())
            }
            // Outwards step by step, as far as trees at hand know the way.
            _ => {
                let map = self.kept_buffer(&span, |b| b.map.clone()).ok_or_else(|| missing("such buffer outside of its tree"))?;
                let mut from = Vec::new();
                for p in map.iter().filter_map(|p| gather::clip(p, span.at, span.end())) {
                    if p.from.buf == span.buf {
                        return Err(missing("way from these bytes to packets"));
                    }
                    from.extend(self.origin(p.from)?);
                }
                Ok(from)
            }
        }
    }

    fn name(&self, buf: BufId) -> String {
        match buf.kind() {
            BufKind::Arrival(n) => format!("Packet {}", n.saturating_add(1)),
            BufKind::Stream(conv, dir) => {
                let inner = if conv.inner > 0 { self.kept_label(buf) } else { None };
                inner.unwrap_or_else(|| self.label(&self.store.snapshot(), conv, dir))
            }
            BufKind::Part(n) => format!("Part {n}"),
        }
    }
}
