//! What a dissector says besides fields: summaries, pairs, states, bodies, inner streams. A list; the driver acts on it only after `Ok`.

use crate::note::{Note, Noted};
use crate::secrets::SecretId;
use crate::sink::{Level, Sink};
use crate::span::{Dir, How, Side, Span};
use crate::spec::{Expect, Hint, Spec, State, media_makes_rows};
use crate::value::{Text, write_text};
use std::fmt::{Display, Write as _};
use std::ops::Range;

/// Whether more answers to the same question follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum More {
    /// This is the final answer.
    No,
    /// Others follow: 1xx, a push, a stream of items.
    Yes,
}

/// How a direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Closed in order (FIN).
    Fin,
    /// Reset (RST).
    Reset,
    /// The record of it was cut (a killed recorder, a limit).
    Cut,
    /// The capture ends here; the conversation may have gone on.
    Capture,
}

/// Bytes of an inner stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// A range of the bytes being read, as they are.
    Here(Span),
    /// New bytes, made from a range.
    Made {
        /// The bytes.
        bytes: Vec<u8>,
        /// What they were made from.
        from: Span,
    },
}

/// One thing said.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The message's line; text in [`Ops::text`].
    Summary(Range<u32>),
    /// This message asks; an answer with the same key pairs with it.
    Asks(u64),
    /// This message answers.
    Answers(u64, More),
    /// One side is now in a state.
    State(Side, &'static State),
    /// The message goes on in later reads.
    Open,
    /// Body bytes.
    Piece(Span),
    /// The open message ends here.
    Close,
    /// Bytes of a stream inside this one.
    Inner {
        /// Which inner stream: the dissector's own number for it.
        key: u64,
        /// Its direction.
        dir: Dir,
        /// Bytes.
        bytes: Chunk,
        /// How they were made.
        how: How,
        /// What they are.
        hint: Hint,
        /// They are one datagram.
        datagram: bool,
    },
    /// An inner direction ends.
    InnerEnd(u64, Dir, End),
    /// So many bytes of an inner stream are missing; [`u64::MAX`]: nobody knows how many.
    InnerGap(u64, Dir, u64),
    /// All unread bytes of both directions belong to an heir.
    Becomes(Hint),
    /// A flow to come.
    Expect(Box<Expect>),
    /// What an announced flow is for, known by now; text in [`Ops::text`].
    About(u64, Range<u32>),
    /// The message is about an announced flow.
    Concerns(u64),
    /// A secret was looked for in vain.
    Wants(SecretId),
}

/// So many pieces of memory are kept to be used again, none larger than this.
const MOST_SPARE: usize = 4;
const MOST_SPARE_BYTES: usize = 1 << 20;

/// The list that an [`Out`] fills.
#[derive(Debug, Default)]
pub struct Ops {
    /// In order.
    pub list: Vec<Op>,
    /// Text of the summaries.
    pub text: String,
    /// Memory of inner bytes that were read, to be used again.
    pub spare: Vec<Vec<u8>>,
    /// A line before it is made safe to show.
    line: Vec<u8>,
    /// Nobody listens to states.
    stateless: bool,
}

impl Ops {
    /// A list in which states are left out: for who reads for rows, which have none.
    #[must_use]
    pub fn without_states() -> Ops {
        Ops { stateless: true, ..Ops::default() }
    }

    /// An empty list of the same kind.
    #[must_use]
    pub fn another(&self) -> Ops {
        Ops { stateless: self.stateless, ..Ops::default() }
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        if self.list.is_empty() && self.text.is_empty() {
            return;
        }
        for op in &mut self.list {
            if let Op::Inner { bytes: Chunk::Made { bytes, .. }, .. } = op
                && self.spare.len() < MOST_SPARE
                && bytes.capacity() <= MOST_SPARE_BYTES
            {
                bytes.clear();
                self.spare.push(std::mem::take(bytes));
            }
        }
        self.list.clear();
        self.text.clear();
    }

    /// The text of a summary.
    #[must_use]
    pub fn summary(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or("")
    }
}

/// What a dissector writes to.
pub struct Out<'o> {
    ops: &'o mut Ops,
    level: Level,
    late: Option<&'o mut Sink>,
    table: &'static [&'static Spec],
}

impl<'o> Out<'o> {
    /// Over a list; `late` takes notes made outside of reading (in `gap` and `end`).
    #[must_use]
    pub fn new(ops: &'o mut Ops, level: Level, late: Option<&'o mut Sink>) -> Out<'o> {
        let level = match level {
            Level::Fields => Level::Rows,
            Level::FieldsAndBodies => Level::Bodies,
            level => level,
        };
        Out { ops, level, late, table: &[] }
    }

    /// The protocols that may read inner streams.
    #[must_use]
    pub fn among(mut self, table: &'static [&'static Spec]) -> Out<'o> {
        self.table = table;
        self
    }

    /// How much is wanted: below [`Level::Bodies`] nobody takes bodies, so do not decode them.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The one line that a list shows of this message. The last one said counts.
    pub fn summary(&mut self, line: impl Display) {
        let from = self.ops.text.len() as u32;
        // Writing to a String cannot fail.
        let _ = write!(self.ops.text, "{line}");
        self.say(from);
    }

    /// As [`Out::summary`], of texts put end to end; the quicker way where all of the line is text.
    pub fn summary_of(&mut self, parts: &[Text<'_>]) {
        let from = self.ops.text.len() as u32;
        self.ops.line.clear();
        for part in parts {
            self.ops.line.extend_from_slice(part.0);
        }
        // As above.
        let _ = write_text(&mut self.ops.text, &self.ops.line);
        self.say(from);
    }

    fn say(&mut self, from: u32) {
        let mut to = self.ops.text.len();
        // A list row needs no more; the tree has it in full.
        if to.saturating_sub(from as usize) > 512 {
            to = from as usize + 512;
            while !self.ops.text.is_char_boundary(to) {
                to -= 1;
            }
            self.ops.text.truncate(to);
        }
        self.ops.list.push(Op::Summary(from..to as u32));
    }

    /// A finding made outside of reading (in `gap`, `end`); inside `read` use [`crate::Reader::note`] or this alike.
    pub fn note(&mut self, what: &'static Note, at: Span) {
        if let Some(sink) = self.late.as_deref_mut() {
            sink.note(Noted { what, at });
        }
    }

    /// This message asks a question with that key.
    pub fn asks(&mut self, key: u64) {
        self.ops.list.push(Op::Asks(key));
    }

    /// This message answers the question with that key.
    pub fn answers(&mut self, key: u64, more: More) {
        self.ops.list.push(Op::Answers(key, more));
    }

    /// A side's named state from here on.
    pub fn state(&mut self, of: Side, is: &'static State) {
        if !self.ops.stateless {
            self.ops.list.push(Op::State(of, is));
        }
    }

    /// The message goes on in later reads, until [`Out::close`].
    pub fn open(&mut self) {
        self.ops.list.push(Op::Open);
    }

    /// Body bytes of the open message.
    pub fn piece(&mut self, at: Span) {
        self.ops.list.push(Op::Piece(at));
    }

    /// The open message is complete.
    pub fn close(&mut self) {
        self.ops.list.push(Op::Close);
    }

    /// Bytes of an inner stream that stand here as they are.
    pub fn inner(&mut self, key: u64, dir: Dir, at: Span, how: How, hint: Hint) {
        if at.len > 0 {
            self.ops.list.push(Op::Inner { key, dir, bytes: Chunk::Here(at), how, hint, datagram: false });
        }
    }

    /// Whether bytes of a media type should be handed on at this level: below [`Level::Bodies`] only those whose readers make rows of
    /// their messages. What is handed on must not depend on the level otherwise.
    #[must_use]
    pub fn wants_media(&self, essence: &[u8]) -> bool {
        self.level >= Level::Bodies || media_makes_rows(self.table, essence)
    }

    /// Empty memory for [`Out::inner_made`]: used memory comes back here, so that making bytes need not allocate.
    #[must_use]
    pub fn memory(&mut self) -> Vec<u8> {
        self.ops.spare.pop().unwrap_or_default()
    }

    /// Bytes of an inner stream that were made from those of `from`.
    pub fn inner_made(&mut self, key: u64, dir: Dir, bytes: Vec<u8>, from: Span, how: How, hint: Hint) {
        if !bytes.is_empty() {
            self.ops.list.push(Op::Inner { key, dir, bytes: Chunk::Made { bytes, from }, how, hint, datagram: false });
        }
    }

    /// One datagram inside this one (DTLS): what reads it is called once for it.
    pub fn inner_datagram(&mut self, key: u64, dir: Dir, bytes: Vec<u8>, from: Span, how: How, hint: Hint) {
        if !bytes.is_empty() {
            self.ops.list.push(Op::Inner { key, dir, bytes: Chunk::Made { bytes, from }, how, hint, datagram: true });
        }
    }

    /// Bytes of an inner stream are missing; `u64::MAX`: nobody knows how many, 0: none. Said in [`crate::Dissector::gap`] or behind it.
    /// Of inner streams about which nothing is said, whoever reads them is told of a gap of unknown size when more of them comes.
    pub fn inner_gap(&mut self, key: u64, dir: Dir, missing: u64) {
        self.ops.list.push(Op::InnerGap(key, dir, missing));
    }

    /// A direction of an inner stream ends. When both have ended its reader is let go: of a stream that has only one direction
    /// (a body) end both.
    pub fn inner_end(&mut self, key: u64, dir: Dir, how: End) {
        self.ops.list.push(Op::InnerEnd(key, dir, how));
    }

    /// The heir of all unread bytes of both directions.
    pub fn becomes(&mut self, hint: Hint) {
        self.ops.list.push(Op::Becomes(hint));
    }

    /// A flow to come, and what it will speak.
    pub fn expect(&mut self, e: Expect) {
        self.ops.list.push(Op::Expect(Box::new(e)));
    }

    /// What the flow announced with that key is for ("RETR notes.txt"): told to whoever reads it, if its first byte has not come yet.
    pub fn about(&mut self, key: u64, what: impl Display) {
        let from = self.ops.text.len() as u32;
        // Writing to a String cannot fail.
        let _ = write!(self.ops.text, "{what}");
        self.ops.list.push(Op::About(key, from..self.ops.text.len() as u32));
    }

    /// This message is about the flow announced with that key: a command, its reply and the connection that they cause belong together.
    pub fn concerns(&mut self, key: u64) {
        self.ops.list.push(Op::Concerns(key));
    }

    /// A secret was missing: read me again when it comes.
    pub fn wants(&mut self, id: SecretId) {
        self.ops.list.push(Op::Wants(id));
    }
}
