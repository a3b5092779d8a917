//! Where trees come from: the door implements this over engine and table, so that neither store nor window can parse.

use crate::span::{BufId, Span};
use crate::tree::Tree;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells long work to stop.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Not cancelled.
    #[must_use]
    pub const fn new() -> Cancel {
        Cancel(AtomicBool::new(false))
    }

    /// Asks the work to stop soon.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a tree is wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A packet, by number from 0: its layers and, below them, the messages completed in it.
    Packet(u32),
    /// A message, by row.
    Message(u32),
}

/// Why there is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is the case.
    pub what: String,
    /// Why.
    pub why: String,
    /// What a person can do.
    pub what_to_do: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.what, self.why, self.what_to_do)
    }
}

/// A packet as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PacketLine {
    /// Address (and port) of the sender.
    pub source: String,
    /// Address (and port) of the receiver.
    pub destination: String,
    /// The highest protocol: "HTTP".
    pub protocol: String,
    /// One line about it.
    pub info: String,
}

/// One step of a provenance strand, from the selected bytes down to packets.
#[derive(Debug, Clone, PartialEq)]
pub struct Strand {
    /// The bytes of this step; several where they fork.
    pub spans: Vec<Span>,
    /// What this step is: "body, de-chunked", "stream to client", "packet 12".
    pub label: String,
    /// Whether the spans are exact, or a range of cause.
    pub exact: bool,
}

/// Makes trees by reading again. Calls may take long: make them on a worker thread.
pub trait TreeSource: Send + Sync {
    /// The tree of a packet or message.
    ///
    /// # Errors
    /// [`Problem`]: the bytes are gone, the work was cancelled, or the row does not exist.
    fn tree(&self, of: What, cancel: &Cancel) -> Result<Tree, Problem>;

    /// The lines of packets `range`, one each.
    ///
    /// # Errors
    /// [`Problem`] when the packets' bytes cannot be read any more.
    fn lines(&self, range: Range<u32>, cancel: &Cancel) -> Result<Vec<PacketLine>, Problem>;

    /// The bytes of a span of an arrival or stream, with a label for the buffer they are in.
    ///
    /// # Errors
    /// [`Problem`] when they cannot be read any more.
    fn bytes(&self, span: Span) -> Result<Vec<u8>, Problem>;

    /// Where bytes of a stream came from: spans in arrivals.
    ///
    /// # Errors
    /// [`Problem`] when this cannot be worked out any more.
    fn origin(&self, span: Span) -> Result<Vec<Span>, Problem>;

    /// A person's name for a buffer: "Stream 4, to server".
    fn name(&self, buf: BufId) -> String;
}
