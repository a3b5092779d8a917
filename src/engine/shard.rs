//! A shard: flows and conversations of one part of the packets, from headers to message rows. It is pure: batches in, [`Output`]s out.

use crate::analysis::{Scale, Sequences, TcpFacts};
use crate::announce::{Announced, Board, Bound};
use crate::conversation::{Arrival, Context, Conversation, Scratch};
use crate::flow::{Direction, Ends, FlowTable};
use crate::identify::is_server_port;
use crate::ipfrag::{Datagram, FragmentTable, Outcome};
use crate::log::{Log, Logged};
use crate::output::{Event, FlowFacts, Output, mark};
use crate::packet::{self, Headers, IpPair};
use crate::packet::{Transport as Over, flag};
use crate::reassembly::{Deliver, GapWhy, Segment, Source, Tcp};
use crate::tell::{Numbers, Tell};
use hashbrown::HashMap;
use std::net::IpAddr;
use wirelore_kit::note::{About, Note, Severity};
use wirelore_kit::row::PacketRow;
use wirelore_kit::{BufId, ConvId, End, Hint, Level, Noted, Secrets, Span, Spec, Start, Transport};

/// Bytes came twice and differed: the first ones count.
pub static CONFLICT: Note = Note::new(
    "tcp.note.conflict",
    "These bytes came again with other values; the first ones count",
    Severity::Warn,
    About::Security,
)
.rfc("RFC 9293 §3.10.7.4");
/// Bytes of the stream were not captured.
pub static GAP: Note = Note::new("tcp.note.gap", "Bytes of this stream were never captured", Severity::Warn, About::Missing);
/// Bytes of the stream were not captured, in a time in which the capture lost packets.
pub static DROPPED: Note = Note::new(
    "tcp.note.dropped",
    "Bytes of this stream are missing: packets were dropped here by the capture",
    Severity::Warn,
    About::Missing,
);
/// The snap length cut bytes off.
pub static SNAP: Note =
    Note::new("tcp.note.snaplen", "Bytes of this stream were cut off by the snapshot length", Severity::Warn, About::Missing);
/// A bound was reached before missing bytes came.
pub static LIMIT: Note =
    Note::new("tcp.note.limit", "Too much was waiting behind missing bytes, so they are given up", Severity::Warn, About::Limit);

/// More flows are announced than are waited for.
pub static ANNOUNCED_LIMIT: Note = Note::new(
    "data.note.announced_limit",
    "So many connections are announced that the oldest announcement was forgotten",
    Severity::Warn,
    About::Limit,
);

/// Every note of the engine.
pub static NOTES: &[&Note] =
    &[&CONFLICT, &GAP, &DROPPED, &SNAP, &LIMIT, &crate::conversation::FAULT, &crate::conversation::INNER_LIMIT, &ANNOUNCED_LIMIT];

/// Prose for them, by language.
pub static EXPLAIN: &[(&str, &str)] = &[("en", include_str!("explain.en.toml"))];

/// One packet as a shard takes it.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'p> {
    /// Captured bytes.
    pub bytes: &'p [u8],
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Nanoseconds since the epoch; `i64::MIN` for none.
    pub time: i64,
    /// Offset in the spool.
    pub at: u64,
    /// Interface.
    pub interface: u16,
    /// Its link type.
    pub link_type: u32,
    /// It was made from bytes that a proxy relayed: nothing is concluded from its TCP header but the stream.
    pub synthetic: bool,
    /// It belongs to the leg of a proxied connection whose other leg carries the same: see [`Shard::twins`].
    pub twin: bool,
}

/// What the user says that flows of a port speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeAs {
    /// The transport.
    pub transport: Transport,
    /// Either end's port.
    pub port: u16,
    /// The Spec's name.
    pub proto: &'static str,
}

/// Who joins IP fragments.
#[derive(Debug, Clone, Copy)]
pub enum Joining<'d> {
    /// The shard itself: it sees every packet.
    Own,
    /// Whoever routes packets to shards; the datagram that this packet completed.
    Given(Option<&'d Datagram>),
}

/// The heavy part of a flow: what it needs only while it lives.
struct Live {
    tcp: Tcp,
    conv: Conversation,
    log: Log,
    /// Stream offsets of datagrams by direction.
    ends: [u64; 2],
    /// Losses of the capture before it began.
    losses: u32,
}

/// What of a flow's facts grows packet by packet; those about its sequence numbers are asked for when they are handed on. As small as can
/// be, for every packet touches one.
#[derive(Default)]
struct FlowState {
    live: Option<Box<Live>>,
    bytes: [u64; 2],
    last_time: i64,
    gap_bytes: u64,
    packets: [u32; 2],
    last: u32,
    stream: u32,
    verdicts: u32,
    marks: u16,
    /// Bits of [`is`].
    is: u8,
}

const _: () = assert!(size_of::<FlowState>() <= 64, "every packet touches one");

/// Bits of [`FlowState::is`].
mod is {
    /// It is TCP.
    pub const TCP: u8 = 1;
    /// It is in [`super::Shard::dirty`].
    pub const DIRTY: u8 = 2;
    /// It is in [`super::Shard::waiting`].
    pub const WAITING: u8 = 4;
}

impl FlowState {
    fn facts(&self) -> FlowFacts {
        FlowFacts {
            packets: self.packets,
            bytes: self.bytes,
            last: self.last,
            last_time: self.last_time,
            gap_bytes: self.gap_bytes,
            verdicts: self.verdicts,
            marks: self.marks,
            ..FlowFacts::default()
        }
    }

    /// Lets go of what a flow needs while it lives when both its directions have ended.
    #[inline]
    fn let_go_when_over(&mut self, flow: u32, number: u32, out: &mut Output) {
        if let Some(live) = self.live.as_mut().filter(|l| l.tcp.is_over()) {
            self.marks |= mark::OVER;
            flush_log(flow, &mut live.log, number, out);
            self.live = None;
        }
    }

    /// Sets a bit; whether it was set before.
    fn is_now(&mut self, bit: u8) -> bool {
        let was = self.is & bit != 0;
        self.is |= bit;
        was
    }
}

/// A shard.
pub struct Shard {
    flows: FlowTable,
    sequences: Sequences,
    states: Vec<FlowState>,
    fragments: FragmentTable,
    reading: Reading,
    /// Reused from packet to packet; out of its place while one is read.
    headers: Option<Box<Headers>>,
    dirty: Vec<u32>,
    decode_as: Vec<DecodeAs>,
    /// Protocols that are read in twins.
    carriers: Option<&'static [&'static str]>,
    /// Flows in which a segment waits for another.
    waiting: Vec<u32>,
    /// Flows that came, without a byte yet: their announcements' numbers.
    announced: HashMap<u32, u32>,
}

/// What the conversations of all flows share.
struct Reading {
    table: &'static [&'static Spec],
    numbers: Numbers,
    scratch: Scratch,
    /// Flows to come.
    board: Board,
    /// How often the capture lost packets so far.
    losses: u32,
}

/// Where in a capture a flow goes on.
#[derive(Clone, Copy)]
struct Here<'h> {
    flow: u32,
    packet: u32,
    now: i64,
    /// Of a datagram: whether the snapshot length cut it.
    datagram: Option<bool>,
    secrets: &'h dyn Secrets,
}

impl Reading {
    /// A flow goes on: what `deliver` delivers is logged and read, and what that tells lands in `out` and in the flow's marks.
    #[inline]
    fn go_on(
        &mut self,
        here: Here<'_>,
        live: &mut Live,
        grown: (&mut u16, &mut u64),
        out: &mut Output,
        deliver: impl FnOnce(&mut Tcp, &mut [u64; 2], &mut Logged<'_, Feed<'_, '_>>),
    ) {
        let Here { flow, packet, now, datagram, secrets } = here;
        let (numbers, board) = (&mut self.numbers, Some(&mut self.board));
        let mut tell = Tell { out, numbers, table: self.table, board, packet, now, flipped: None };
        let cx = Context { table: self.table, level: Level::Rows, secrets };
        let Live { tcp, conv, log, ends, losses } = live;
        let lossy = self.losses > *losses;
        let (marks, gap_bytes) = grown;
        let mut feed =
            Feed { conv, cx, scratch: &mut self.scratch, tell: &mut tell, marks, gap_bytes, flow, packet, datagram, lossy };
        deliver(tcp, ends, &mut Logged::new(log, &mut feed));
        if let Some(flipped) = tell.flipped {
            set(marks, mark::FLIPPED, flipped);
        }
    }
}

/// Passes deliveries of one packet on to the flow's conversation.
struct Feed<'f, 't> {
    conv: &'f mut Conversation,
    cx: Context<'f>,
    scratch: &'f mut Scratch,
    tell: &'f mut Tell<'t>,
    marks: &'f mut u16,
    gap_bytes: &'f mut u64,
    flow: u32,
    packet: u32,
    datagram: Option<bool>,
    /// The capture lost packets since the flow began.
    lossy: bool,
}

impl Feed<'_, '_> {
    fn note(&mut self, what: &'static Note, dir: usize, at: u64, len: u64) {
        let dir = if (dir == 0) != self.conv.is_flipped() { wirelore_kit::Dir::ToServer } else { wirelore_kit::Dir::ToClient };
        let buf = BufId::stream(ConvId { flow: self.flow, inner: 0 }, dir);
        let noted = Noted { what, at: Span::new(buf, at, u32::try_from(len).unwrap_or(u32::MAX)) };
        self.tell.out.events.push((self.packet, Event::Note { flow: self.flow, packet: self.packet, noted }));
    }
}

impl Deliver for Feed<'_, '_> {
    fn data(&mut self, dir: usize, at: u64, bytes: &[u8], from: Source) {
        let from = Arrival { number: from.number, time: from.time };
        match self.datagram {
            Some(snapped) => self.conv.datagram(dir, at, bytes, snapped, from, self.cx, self.scratch, self.tell),
            None => self.conv.push(dir, at, bytes, from, self.cx, self.scratch, self.tell),
        }
    }

    fn gap(&mut self, dir: usize, at: u64, missing: u64, why: GapWhy) {
        match why {
            GapWhy::Midstream => *self.marks |= mark::MIDSTREAM,
            _ => {
                *self.marks |= mark::GAPS;
                if missing != u64::MAX {
                    *self.gap_bytes = self.gap_bytes.saturating_add(missing);
                }
                let what = match why {
                    GapWhy::Snaplen => &SNAP,
                    GapWhy::Limit => &LIMIT,
                    _ if self.lossy => &DROPPED,
                    _ => &GAP,
                };
                self.note(what, dir, at, if missing == u64::MAX { 0 } else { missing });
            }
        }
        self.conv.gap(dir, at, missing, self.cx, self.scratch, self.tell);
    }

    fn conflict(&mut self, dir: usize, at: u64, len: u32, _: u32, _: Source) {
        *self.marks |= mark::CONFLICT;
        self.note(&CONFLICT, dir, at, u64::from(len));
    }

    fn end(&mut self, dir: usize, how: End, number: u32, time: i64) {
        self.conv.end(dir, how, Arrival { number, time }, self.cx, self.scratch, self.tell);
    }
}

/// The addresses of a pair.
#[must_use]
pub fn addresses(net: IpPair) -> Option<(IpAddr, IpAddr)> {
    match net {
        IpPair::None => None,
        IpPair::V4(a, b) => Some((IpAddr::V4(a), IpAddr::V4(b))),
        IpPair::V6(a, b) => Some((IpAddr::V6(a), IpAddr::V6(b))),
    }
}

/// What a flow's conversation is told when it starts, besides its ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'t> {
    /// What the user says that this very flow speaks.
    pub user: Option<&'static str>,
    /// What it knew of its announcement at its first byte.
    pub bound: Option<&'t Bound>,
}

/// How a flow's conversation starts, from its ends (the first sender as source) and the marks that its beginning left.
/// A second reading starts the same way from the same values.
#[must_use]
pub fn start_conversation(flow: u32, ends: &Ends, marks: u16, decode_as: &[DecodeAs], told: Told<'_>) -> Conversation {
    let (a, b) = addresses(ends.net).map_or((None, None), |(a, b)| (Some((a, ends.ports.src)), Some((b, ends.ports.dst))));
    let turned = marks & mark::TURNED != 0;
    let (client, server) = if turned { (b, a) } else { (a, b) };
    let transport = match ends.proto {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        _ => Transport::Other,
    };
    let open = marks & mark::ROLES_OPEN != 0;
    let start = Start {
        transport,
        client,
        server,
        hint: Hint::Probe,
        midstream: open && transport == Transport::Tcp,
        expected: None,
        inside: None,
    };
    let mut conv = Conversation::new(ConvId { flow, inner: 0 }, start, open);
    conv.turned(turned);
    let ports = [ends.ports.src, ends.ports.dst];
    let by_port = decode_as.iter().find(|d| d.transport == transport && ports.contains(&d.port)).map(|d| d.proto);
    if let Some(name) = told.user.or(by_port) {
        conv.decide(name);
    }
    if let Some(b) = told.bound {
        conv.announced(b);
    }
    conv
}

impl Shard {
    /// A shard that reads with `table`.
    #[must_use]
    pub fn new(table: &'static [&'static Spec]) -> Shard {
        Shard {
            flows: FlowTable::default(),
            sequences: Sequences::default(),
            states: Vec::new(),
            fragments: FragmentTable::default(),
            reading: Reading {
                table,
                numbers: Numbers::default(),
                scratch: Scratch::without_states(),
                board: Board::default(),
                losses: 0,
            },
            headers: None,
            dirty: Vec::new(),
            decode_as: Vec::new(),
            carriers: None,
            waiting: Vec::new(),
            announced: HashMap::new(),
        }
    }

    /// Sets what the user says that ports speak.
    #[must_use]
    pub fn decoding(mut self, decode_as: &[DecodeAs]) -> Shard {
        self.decode_as = decode_as.to_vec();
        self
    }

    /// Flows of [`Packet::twin`] are read only as long as they speak one of `carriers` (names of Specs) and carry nothing yet: the other
    /// leg says the same. A second reading reads them whole. Without this they are read like all others.
    #[must_use]
    pub fn twins(mut self, carriers: &'static [&'static str]) -> Shard {
        self.carriers = Some(carriers);
        self
    }

    /// How many flows it has seen.
    #[must_use]
    pub fn flows(&self) -> usize {
        self.states.len()
    }

    /// The capture lost packets before the one that comes next. Every shard is told, whoever that packet belongs to.
    pub fn lost(&mut self) {
        self.reading.losses = self.reading.losses.saturating_add(1);
    }

    /// Takes packet `number`, one after the other in capture order; rows and events go to `out`.
    pub fn packet(&mut self, number: u32, p: &Packet<'_>, joining: Joining<'_>, secrets: &dyn Secrets, out: &mut Output) {
        let mut h = self.headers.take().unwrap_or_default();
        packet::read(p.link_type, p.bytes, p.wire_len, &mut h);
        let mut row = PacketRow::new(p.time, p.at, p.interface, p.bytes.len() as u32, p.wire_len);
        if !h.is_sound() {
            row.bits |= PacketRow::ODD;
        }
        if p.synthetic {
            row.bits |= PacketRow::SYNTHETIC;
        }
        let mut own = None;
        let mut joined = None;
        if let Some(f) = h.fragment {
            row.bits |= PacketRow::FRAGMENT;
            joined = match joining {
                Joining::Given(d) => d,
                Joining::Own if f.whole => {
                    let took = self.fragments.take(h.net, &f, h.payload(p.bytes), u64::from(number), h.payload_at, p.time);
                    if let Outcome::Joined(d) = took {
                        own = Some(d);
                    }
                    own.as_deref()
                }
                Joining::Own => None,
            };
        }
        if let Some(d) = joined {
            let pieces = d.pieces.iter().map(|p| (p.at, p.len, p.arrival as u32, p.offset)).collect();
            out.events.push((number, Event::Joined(number, d.proto, pieces)));
            let last = *h;
            packet::read_datagram(&last, d.proto, &d.bytes, &mut h);
        }
        let bytes = joined.map_or(p.bytes, |d| &d.bytes);
        self.flow_packet(number, p, bytes, &h, &mut row, secrets, out);
        out.packets.push(row);
        self.headers = Some(h);
    }

    #[expect(clippy::too_many_arguments, reason = "one packet's facts")]
    fn flow_packet(
        &mut self,
        number: u32,
        p: &Packet<'_>,
        bytes: &[u8],
        h: &Headers,
        row: &mut PacketRow,
        secrets: &dyn Secrets,
        out: &mut Output,
    ) {
        let Some(ends) = Ends::of(h) else { return };
        let Some(mut found) = self.flows.look_among(&ends, h.path, p.synthetic) else { return };
        let tcp = TcpFacts::of(h, bytes);
        let mut reused = false;
        if tcp.is_some_and(|f| !found.new && self.sequences.reopens(found.stream, found.dir, &f)) {
            let old = found.id;
            if let Some(again) = self.flows.renew(old, found.dir) {
                found = again;
                reused = true;
                self.end_flow(old, number, End::Capture, secrets, out);
            }
        }
        if found.new {
            self.open_flow(number, p, &ends, h, found.stream, out);
        }
        row.flow = found.id;
        if found.dir == Direction::Backward {
            row.bits |= PacketRow::BACKWARD;
        }
        let dir = found.dir.index();
        let Some(state) = self.states.get_mut(found.id as usize) else { return };
        if !state.is_now(is::DIRTY) {
            self.dirty.push(found.id);
        }
        let [pa, pb] = &mut state.packets;
        let packets = if dir == 0 { pa } else { pb };
        *packets = packets.saturating_add(1);
        let [ba, bb] = &mut state.bytes;
        let total = if dir == 0 { ba } else { bb };
        *total = total.saturating_add(u64::from(p.wire_len));
        state.last = number;
        state.last_time = p.time;
        if state.marks & mark::ANNOUNCED != 0 && h.payload_len > 0 {
            // From its first byte on it knows what it knows now: a second reading is told the same. Where the announced protocol stands
            // inside of another (TLS), that is so from its own first byte on: the command may come behind the handshake.
            let row = self.announced.get(&found.id).and_then(|n| self.reading.board.get(*n));
            let mut waits = false;
            if let (Some(bound), Some(live)) = (row.map(Announced::bound), state.live.as_mut()) {
                let inner = if let Hint::Over { inner, .. } = bound.hint { Some(inner) } else { None };
                let begun = inner.is_some_and(|name| live.conv.carries(name));
                waits = inner.is_some() && !begun && bound.expected.about.is_empty();
                live.conv.announced(&bound);
                if !begun && !waits {
                    live.conv.retold(&bound);
                    out.events.push((number, Event::Bound(found.id, Box::new(bound))));
                }
            }
            if !waits {
                state.marks &= !mark::ANNOUNCED;
                self.announced.remove(&found.id);
            }
        }
        let here = Here { flow: found.id, packet: number, now: p.time, datagram: None, secrets };
        match h.transport {
            Over::Tcp(t) => {
                if t.flags & (flag::SYN | flag::FIN | flag::RST) != 0 {
                    state.marks |= lifetime_marks(t.flags, dir);
                }
                if let Some(seen) = tcp {
                    let verdict = self.sequences.see(found.stream, found.dir, &seen, p.time, number, reused);
                    if !p.synthetic {
                        row.bits |= verdict.flags.0;
                        state.verdicts |= verdict.flags.0;
                    }
                }
                let Some(live) = state.live.as_mut().filter(|_| t.sound) else { return };
                let segment = Segment {
                    seq: t.seq,
                    ack: (t.flags & flag::ACK != 0).then_some(t.ack),
                    syn: t.flags & flag::SYN != 0,
                    fin: t.flags & flag::FIN != 0,
                    rst: t.flags & flag::RST != 0,
                    payload: h.payload(bytes),
                    wire_len: h.payload_wire_len,
                    number,
                    time: p.time,
                    offset: h.payload_at,
                };
                if live.tcp.passes(dir, &segment) {
                    return;
                }
                let grown = (&mut state.marks, &mut state.gap_bytes);
                self.reading.go_on(here, live, grown, out, |tcp, _, to| tcp.segment(dir, &segment, to));
                if live.tcp.is_waiting() && !state.is_now(is::WAITING) {
                    self.waiting.push(found.id);
                }
                state.let_go_when_over(found.id, number, out);
            }
            Over::Udp(_) => {
                let Some(live) = state.live.as_mut() else { return };
                let payload = h.payload(bytes);
                if payload.is_empty() {
                    return;
                }
                let here = Here { datagram: Some(h.payload_wire_len > h.payload_len), ..here };
                let grown = (&mut state.marks, &mut state.gap_bytes);
                self.reading.go_on(here, live, grown, out, |_, [ea, eb], to| {
                    let end = if dir == 0 { ea } else { eb };
                    let at = *end;
                    *end = at.saturating_add(payload.len() as u64);
                    to.data(dir, at, payload, Source { number, time: p.time, offset: h.payload_at });
                });
            }
            _ => {}
        }
    }

    fn open_flow(&mut self, number: u32, p: &Packet<'_>, ends: &Ends, h: &Headers, stream: u32, out: &mut Output) {
        let flow = self.states.len() as u32;
        let transport = match h.transport {
            Over::Tcp(_) => Transport::Tcp,
            Over::Udp(_) => Transport::Udp,
            _ => Transport::Other,
        };
        out.events.push((number, Event::Flow { ends: *ends, transport, tunnel: tunnel_words(h), first: (number, p.time) }));
        let claims = |port| is_server_port(self.reading.table, transport, port);
        let by_port = claims(ends.ports.src) && !claims(ends.ports.dst);
        let marks = match h.transport {
            Over::Tcp(t) => match (t.flags & flag::SYN != 0, t.flags & flag::ACK != 0) {
                (true, false) => 0,
                (true, true) => mark::TURNED | mark::FLIPPED,
                _ if by_port => mark::TURNED | mark::FLIPPED | mark::ROLES_OPEN,
                _ => mark::ROLES_OPEN,
            },
            _ if by_port => mark::TURNED | mark::FLIPPED | mark::ROLES_OPEN,
            _ => mark::ROLES_OPEN,
        };
        let marks = self.announced_flow(number, p.time, flow, ends, transport, marks, out);
        let marks = if p.synthetic { marks | mark::SYNTHETIC } else { marks };
        let twin = self.carriers.filter(|_| p.twin);
        let marks = if twin.is_some() { marks | mark::TWIN } else { marks };
        let live = matches!(transport, Transport::Tcp | Transport::Udp).then(|| {
            let mut conv = start_conversation(flow, ends, marks, &self.decode_as, Told::default());
            if let Some(carriers) = twin {
                conv.twin(carriers);
            }
            Box::new(Live { tcp: Tcp::default(), conv, log: Log::default(), ends: [0; 2], losses: self.reading.losses })
        });
        let is = if transport == Transport::Tcp { is::TCP } else { 0 };
        self.states.push(FlowState { live, stream, marks, is, ..FlowState::default() });
    }

    /// Whether a flow that begins was announced; what that says of its ends goes into the marks.
    #[expect(clippy::too_many_arguments, reason = "one flow's facts")]
    fn announced_flow(
        &mut self,
        number: u32,
        now: i64,
        flow: u32,
        ends: &Ends,
        transport: Transport,
        marks: u16,
        out: &mut Output,
    ) -> u16 {
        let board = &mut self.reading.board;
        if board.is_empty() {
            return marks;
        }
        let Some((a, b)) = addresses(ends.net) else { return marks };
        let found = board.find((a, ends.ports.src), (b, ends.ports.dst), transport, now, false);
        // Where the opening was seen, who opened it must fit: a client's port may by chance be one that was announced.
        let opened = marks & mark::ROLES_OPEN == 0;
        let Some((row, turned)) = found.filter(|f| !opened || f.1 == (marks & mark::TURNED != 0)) else { return marks };
        if let Some(row) = board.get(row) {
            out.events.push((number, Event::Bound(flow, Box::new(row.bound()))));
        }
        self.announced.insert(flow, row);
        let turn = mark::TURNED | mark::FLIPPED;
        let marks = match marks & mark::ROLES_OPEN {
            0 => marks,
            _ if turned => marks | turn,
            _ => marks & !turn,
        };
        marks | mark::ANNOUNCED
    }

    fn end_flow(&mut self, flow: u32, number: u32, how: End, secrets: &dyn Secrets, out: &mut Output) {
        let Some(state) = self.states.get_mut(flow as usize) else { return };
        let Some(mut live) = state.live.take() else { return };
        if !state.is_now(is::DIRTY) {
            self.dirty.push(flow);
        }
        let now = state.last_time;
        let here = Here { flow, packet: number, now, datagram: None, secrets };
        let grown = (&mut state.marks, &mut state.gap_bytes);
        self.reading.go_on(here, &mut live, grown, out, |tcp, _, to| {
            if tcp.next_offset(0) > 0 || tcp.next_offset(1) > 0 || tcp.is_waiting() {
                tcp.finish_as(how, to);
            } else {
                for way in 0..2 {
                    to.end(way, how, number, now);
                }
            }
        });
        flush_log(flow, &mut live.log, number, out);
    }

    /// Lets capture time pass up to `now` for flows that are silent while something waits in them: patience runs out, a reset takes
    /// effect. Call it at the same packets however these are batched, and in every shard, so that all readings agree.
    pub fn tick(&mut self, number: u32, now: i64, secrets: &dyn Secrets, out: &mut Output) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|flow| self.tick_flow(*flow, number, now, secrets, out));
        self.waiting = waiting;
    }

    /// Whether something still waits.
    fn tick_flow(&mut self, flow: u32, number: u32, now: i64, secrets: &dyn Secrets, out: &mut Output) -> bool {
        let Some(state) = self.states.get_mut(flow as usize) else { return false };
        let Some(live) = state.live.as_mut().filter(|l| l.tcp.is_waiting()) else {
            state.is &= !is::WAITING;
            return false;
        };
        let here = Here { flow, packet: number, now, datagram: None, secrets };
        let grown = (&mut state.marks, &mut state.gap_bytes);
        self.reading.go_on(here, live, grown, out, |tcp, _, to| tcp.tick(now, to));
        if !state.is_now(is::DIRTY) {
            self.dirty.push(flow);
        }
        state.let_go_when_over(flow, number, out);
        let waits = state.live.as_ref().is_some_and(|l| l.tcp.is_waiting());
        if !waits {
            state.is &= !is::WAITING;
        }
        waits
    }

    /// The end of a batch: facts and logs of the flows that it touched.
    pub fn batch_ends(&mut self, number: u32, out: &mut Output) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for flow in dirty.drain(..) {
            let Some(state) = self.states.get_mut(flow as usize) else { continue };
            state.is &= !is::DIRTY;
            if let Some(live) = state.live.as_mut() {
                flush_log(flow, &mut live.log, number, out);
            }
            let mut facts = state.facts();
            if let Some(s) = self.sequences.summary(state.stream).filter(|_| state.is & is::TCP != 0) {
                facts.seq_base = s.base;
                facts.initial_rtt = s.initial_rtt_ns.filter(|_| state.marks & mark::SYNTHETIC == 0);
                facts.window_shift = s.scale.map(|s| match s {
                    Scale::Shift(n) => Some(n),
                    Scale::Unknown | Scale::Off => None,
                });
            }
            out.facts.push((flow, facts));
        }
        self.dirty = dirty;
    }

    /// The end of the capture behind packet `number`: every flow ends.
    pub fn finish(&mut self, number: u32, how: End, secrets: &dyn Secrets, out: &mut Output) {
        for flow in 0..self.states.len() as u32 {
            self.end_flow(flow, number, how, secrets, out);
        }
        self.batch_ends(number, out);
    }
}

/// The outer path of a packet inside tunnels: `eth:ip:udp:vxlan:eth, 192.0.2.1 ↔ 192.0.2.2, number 7`.
fn tunnel_words(h: &Headers) -> Option<Box<str>> {
    use std::fmt::Write as _;
    if h.path == 0 {
        return None;
    }
    let spelled = h.layers.spell();
    let names: Vec<&str> = spelled.split(':').collect();
    let inner = names.iter().rposition(|n| matches!(*n, "ip" | "ipv6")).unwrap_or(names.len());
    let mut words = names.get(..inner).unwrap_or(&names).join(":");
    if let Some((a, b)) = addresses(h.outer) {
        let (a, b) = (a.min(b), a.max(b));
        // Writing to a String cannot fail.
        let _ = write!(words, ", {a} ↔ {b}");
    }
    if let Some(n) = h.tunnel_id {
        let _ = write!(words, ", number {n}");
    }
    Some(words.into())
}

/// What a segment's flags leave in the marks of its flow.
fn lifetime_marks(flags: u16, dir: usize) -> u16 {
    let of = |bit, there: u16, back: u16| match flags & bit {
        0 => 0,
        _ if dir == 0 => there,
        _ => back,
    };
    of(flag::SYN, mark::SYN, mark::SYN_BACK) | of(flag::FIN, mark::FIN, mark::FIN_BACK) | of(flag::RST, mark::RST, mark::RST)
}

fn set(marks: &mut u16, bit: u16, on: bool) {
    if on { *marks |= bit } else { *marks &= !bit }
}

fn flush_log(flow: u32, log: &mut Log, number: u32, out: &mut Output) {
    if !log.is_empty() {
        let from = out.logs.len() as u32;
        log.drain_into(&mut out.logs);
        out.events.push((number, Event::Log(flow, from..out.logs.len() as u32)));
    }
}
