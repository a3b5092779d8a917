//! Queries: typed conditions on columns and rows, what a filter language compiles to; and searching for text.

pub(crate) mod bits;
mod endpoints;
mod eval;
mod facts;
pub(crate) mod needle;
mod test;

pub use bits::Bits;
pub use needle::Case;
pub use test::{Order, Test, TextHow};

use crate::jobs::Work;
use crate::snapshot::Snapshot;
use std::sync::Arc;
use wirelore_kit::F;

/// Which rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Packets. What is asked of messages holds for a packet if it holds for one that was completed in it; what is asked
    /// of flows, if it holds for its flow.
    Packets,
    /// Messages. What is asked of packets holds if it holds for the packet that completed it (while it is open: its first).
    Messages,
    /// Flows: if it holds for one of their packets or messages.
    Flows,
    /// Exchanges: if it holds for one of their messages, or their flow.
    Exchanges,
}

/// A fact of packet rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketFact {
    /// Number from 1.
    Number,
    /// Nanoseconds since the epoch; absent where the capture has none.
    Time,
    /// Bytes captured.
    CapLen,
    /// Bytes on the wire.
    WireLen,
    /// Interface number.
    Interface,
    /// Bits of [`wirelore_kit::verdict`].
    Verdicts,
    /// All bits of its row: verdicts, and what [`wirelore_kit::PacketRow`] says of others.
    Bits,
    /// Its flow's number; absent without one.
    Flow,
    /// Address of the sender.
    Source,
    /// Address of the receiver.
    Destination,
    /// Port of the sender; absent where the transport has none.
    SourcePort,
    /// Port of the receiver.
    DestinationPort,
}

/// A fact of flow rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowFact {
    /// Number from 0.
    Number,
    /// Number within its transport (`tcp.stream`); absent for others than TCP and UDP.
    Stream,
    /// [`wirelore_kit::Transport`] as a number: 6, 17, 0.
    Transport,
    /// IP protocol number.
    IpProto,
    /// Either end's address.
    Address,
    /// Either end's port.
    Port,
    /// The client's address.
    Client,
    /// The server's address.
    Server,
    /// The client's port.
    ClientPort,
    /// The server's port.
    ServerPort,
    /// Index of [`crate::Schema::protocols`]; absent where it is not known.
    Protocol,
    /// Packets of both ends.
    Packets,
    /// Bytes of both ends.
    Bytes,
    /// Nanoseconds from the first packet to the last.
    Duration,
    /// Round-trip time of the handshake, nanoseconds.
    InitialRtt,
    /// Bytes that were never captured.
    GapBytes,
    /// Messages listed.
    Messages,
    /// Highest severity among its notes (0 chat to 3 error); absent without notes.
    Worst,
    /// The path of tunnels it was found in, as text; absent for none.
    Tunnel,
    /// Name of the process that it belongs to; absent where it is not known, as are those below.
    ProcessName,
    /// Number of that process.
    ProcessId,
    /// Command line of that process.
    ProcessCommand,
}

/// A fact of message rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageFact {
    /// Row number.
    Number,
    /// Index of [`crate::Schema::protocols`].
    Protocol,
    /// 0 to the server, 1 to the client.
    Dir,
    /// [`wirelore_kit::MessageState`] as a number: 0 open, 1 whole, 2 cut, 3 bad.
    State,
    /// Bytes.
    Len,
    /// Offset in its direction.
    At,
    /// Its flow's number.
    Flow,
    /// Number of the inner conversation, 0 for the flow's own.
    Inner,
    /// Its exchange's number; absent without one.
    Exchange,
    /// Nanoseconds from the first byte of the question to the last of the answer, for both; absent where one is missing.
    AnswerTime,
    /// Of an answer of this protocol: the frame (from 1) that completed its question.
    AnswerTo(&'static str),
    /// Of a question of this protocol: the frame (from 1) that completed its answer.
    AnsweredIn(&'static str),
    /// Of an answer of this protocol: nanoseconds between these two frames.
    AnsweredAfter(&'static str),
    /// Highest severity among its notes; absent without notes.
    Worst,
    /// Its line, as text.
    Summary,
}

/// What is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A column: any of its values.
    Column(F),
    /// A fact of messages.
    Message(MessageFact),
    /// A fact of packets.
    Packet(PacketFact),
    /// A fact of flows.
    Flow(FlowFact),
}

/// A condition on rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Always.
    All,
    /// The opposite.
    Not(Box<Query>),
    /// All of them; for packets each may hold by another of its messages.
    And(Vec<Query>),
    /// At least one.
    Or(Vec<Query>),
    /// Some value of the subject passes the test.
    Is(Subject, Test),
    /// This text, whatever its case, stands in a message's line or text columns, or in a flow's endpoints or their names.
    Text(String),
    /// One of these packets, messages or flows, found by other means; numbers in any order. (Of exchanges nothing is found so.)
    These(Rows, Arc<[u32]>),
}

impl Query {
    /// A search for text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Query {
        Query::Text(text.into())
    }

    /// A test of a column.
    #[must_use]
    pub const fn column(field: F, test: Test) -> Query {
        Query::Is(Subject::Column(field), test)
    }
}

/// The rows that a query holds for, rising; `None` when cancelled. Withdrawn rows are left out.
#[must_use]
pub fn find(snapshot: &Snapshot, query: &Query, rows: Rows, work: &Work) -> Option<Vec<u32>> {
    eval::Eval { snapshot, work }.rows(query, rows).map(|bits| bits.rows())
}

/// How many rows a query holds for; `None` when cancelled.
#[must_use]
pub fn count(snapshot: &Snapshot, query: &Query, rows: Rows, work: &Work) -> Option<u32> {
    eval::Eval { snapshot, work }.rows(query, rows).map(|bits| bits.count())
}
