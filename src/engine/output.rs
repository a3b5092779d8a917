//! What a shard hands on for a batch of packets: rows, and events in the order of arrivals.

use crate::announce::Bound;
use crate::flow::Ends;
use std::ops::Range;
use wirelore_kit::row::{Evidence, MessageState, NONE, PacketRow};
use wirelore_kit::{Cell, ConvId, Dir, Expect, F, Noted, SecretId, Transport};

/// Facts of a flow that grow while it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowFacts {
    /// Packets by direction: from the flow's first end, and back.
    pub packets: [u32; 2],
    /// Bytes on the wire by direction.
    pub bytes: [u64; 2],
    /// Number of the last packet.
    pub last: u32,
    /// Its time, nanoseconds.
    pub last_time: i64,
    /// Bytes known to be missing from the streams.
    pub gap_bytes: u64,
    /// First sequence numbers by direction, so that relative ones can be shown.
    pub seq_base: [Option<u32>; 2],
    /// Window scale shifts by direction, where the handshake was seen.
    pub window_shift: [Option<u8>; 2],
    /// Time from SYN to the handshake's ACK, nanoseconds.
    pub initial_rtt: Option<i64>,
    /// Verdicts that any packet of it had.
    pub verdicts: u32,
    /// Bits of [`mark`].
    pub marks: u16,
}

/// Bits of [`FlowFacts::marks`].
pub mod mark {
    /// A SYN of the first end was seen.
    pub const SYN: u16 = 1;
    /// A FIN of the first end was seen.
    pub const FIN: u16 = 2;
    /// An RST was seen.
    pub const RST: u16 = 4;
    /// Its beginning was not seen.
    pub const MIDSTREAM: u16 = 8;
    /// Bytes are missing.
    pub const GAPS: u16 = 16;
    /// The flow's second end is the client.
    pub const TURNED: u16 = 32;
    /// When it began nobody knew which end is the client.
    pub const ROLES_OPEN: u16 = 64;
    /// Bytes that came twice differed.
    pub const CONFLICT: u16 = 128;
    /// Both directions ended.
    pub const OVER: u16 = 256;
    /// The conversation's reader swapped the ends that the flow began with.
    pub const FLIPPED: u16 = 512;
    /// A SYN of the second end was seen.
    pub const SYN_BACK: u16 = 1024;
    /// A FIN of the second end was seen.
    pub const FIN_BACK: u16 = 2048;
    /// It was announced, and none of its bytes came yet.
    pub const ANNOUNCED: u16 = 4096;
    /// Its packets were made from bytes that a proxy relayed.
    pub const SYNTHETIC: u16 = 8192;
    /// It is a twin, read only up to what it carries: see [`crate::shard::Packet::twin`].
    pub const TWIN: u16 = 16384;
}

/// A message as a row; ranges lie in the [`Output`].
#[derive(Debug, Clone, PartialEq)]
pub struct MessageEvent {
    /// Number of the message within the shard.
    pub local: u32,
    /// Its conversation; the flow's number is the shard's own.
    pub conv: ConvId,
    /// Its protocol's place in the table.
    pub protocol: u16,
    /// Its direction.
    pub dir: Dir,
    /// Open, or how it ended.
    pub state: MessageState,
    /// Number of the packet of its first byte.
    pub first: u32,
    /// Number of the packet of its last byte so far.
    pub done: u32,
    /// Offset of its first byte.
    pub at: u64,
    /// Bytes so far.
    pub len: u64,
    /// Its line, in [`Output::lines`]; empty range with `has_summary` false: none said.
    pub summary: Range<u32>,
    /// Whether a line was said.
    pub has_summary: bool,
    /// In [`Output::cells`].
    pub cells: Range<u32>,
    /// In [`Output::notes`].
    pub notes: Range<u32>,
    /// The shard's number of its exchange, or [`NONE`].
    pub exchange: u32,
    /// Whether it asks in that exchange.
    pub asks: bool,
    /// Of an answer: others follow.
    pub more: bool,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A flow begins; its number in the shard counts these.
    Flow {
        /// Its ends, the first sender as source.
        ends: Ends,
        /// Transport.
        transport: Transport,
        /// The tunnels that it was found in, outermost first, in words; `None` without tunnels.
        tunnel: Option<Box<str>>,
        /// Number and time of its first packet.
        first: (u32, i64),
    },
    /// What a conversation speaks.
    Identified(ConvId, u16, Evidence),
    /// A message opens (it may be whole); its place in [`Output::messages`].
    Opened(u32),
    /// A message grew or ended; its place in [`Output::messages`].
    Changed(u32),
    /// A finding about a packet of a flow.
    Note {
        /// The shard's flow number, or [`NONE`].
        flow: u32,
        /// The packet.
        packet: u32,
        /// What, and where.
        noted: Noted,
    },
    /// A piece of a flow's delivery log, in [`Output::logs`].
    Log(u32, Range<u32>),
    /// The packet completed an IP datagram out of fragments: (offset, length, arrival, offset in it) of each.
    Joined(u32, u8, Box<[(u32, u32, u32, u32)]>),
    /// A conversation begins inside another one of its flow, whose number follows.
    Inside(ConvId, u32),
    /// A flow that was announced, and what it knows of that.
    Bound(u32, Box<Bound>),
    /// What the flows that a conversation announced with a key are for.
    About(ConvId, u64, Box<str>),
    /// The message of that number concerns the flow that its conversation announced with a key.
    Concerns(ConvId, u64, u32),
    /// A flow to come between other hosts, announced at a time: another shard may see it.
    Expect(ConvId, Box<Expect>, i64),
    /// A secret was missing.
    Wants(ConvId, Box<SecretId>),
}

/// All that a batch gave in one shard.
#[derive(Debug, Default)]
pub struct Output {
    /// Rows of the packets of this shard.
    pub packets: Vec<PacketRow>,
    /// Their numbers; empty when all packets from [`Output::first`] on are this shard's.
    pub numbers: Vec<u32>,
    /// Number of the batch's first packet.
    pub first: u32,
    /// Events with the number of the packet that caused each.
    pub events: Vec<(u32, Event)>,
    /// The messages that events speak of.
    pub messages: Vec<MessageEvent>,
    /// Facts of the flows that the batch touched, by the shard's flow number, as they are behind it.
    pub facts: Vec<(u32, FlowFacts)>,
    /// Cells of the messages.
    pub cells: Vec<(F, Cell)>,
    /// Text of cells.
    pub text: Vec<u8>,
    /// Lines of messages, one behind the other.
    pub lines: String,
    /// Notes of the messages.
    pub notes: Vec<Noted>,
    /// Delivery logs.
    pub logs: Vec<u8>,
}

impl Output {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.numbers.clear();
        self.events.clear();
        self.messages.clear();
        self.facts.clear();
        self.cells.clear();
        self.text.clear();
        self.lines.clear();
        self.notes.clear();
        self.logs.clear();
    }

    /// The line of a message.
    #[must_use]
    pub fn line(&self, m: &MessageEvent) -> &str {
        self.lines.get(m.summary.start as usize..m.summary.end as usize).unwrap_or("")
    }
}

impl Default for MessageEvent {
    fn default() -> Self {
        MessageEvent {
            local: NONE,
            conv: ConvId::default(),
            protocol: 0,
            dir: Dir::ToServer,
            state: MessageState::Open,
            first: NONE,
            done: NONE,
            at: 0,
            len: 0,
            summary: 0..0,
            has_summary: false,
            cells: 0..0,
            notes: 0..0,
            exchange: NONE,
            asks: false,
            more: false,
        }
    }
}
