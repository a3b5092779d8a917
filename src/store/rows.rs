//! The smaller rows: exchanges, notes, states and comments.

use std::sync::Arc;
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, Note, Side, Span, State};

/// A question and what answered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeRow {
    /// Its conversation.
    pub conv: ConvId,
    /// The message that asks, or [`NONE`] where the answer came without (it was not captured, or nobody asked).
    pub ask: u32,
    /// The first final answer, or [`NONE`].
    pub answer: u32,
    /// Answers in all, provisional ones (1xx) included.
    pub answers: u16,
    /// A newer reading took its place.
    pub withdrawn: bool,
}

/// A finding, of a message or of a packet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoteRow {
    /// What was found.
    pub note: &'static Note,
    /// Where.
    pub at: Span,
    /// The message, or [`NONE`].
    pub message: u32,
    /// The packet, or [`NONE`]; of a message the packet of its first byte.
    pub packet: u32,
    /// The flow, or [`NONE`].
    pub flow: u32,
    pub(crate) previous: u32,
}

impl NoteRow {
    /// A note on a packet of flow `flow` ([`NONE`] for none).
    #[must_use]
    pub const fn of_packet(note: &'static Note, at: Span, packet: u32, flow: u32) -> NoteRow {
        NoteRow { note, at, message: NONE, packet, flow, previous: NONE }
    }
}

/// How often a note was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteCount {
    /// The note.
    pub note: &'static Note,
    /// Times it was made, those left out of the list included.
    pub count: u64,
    /// Times it was left out of the list because there were too many.
    pub left_out: u64,
}

/// A side's named state from a message on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateRow {
    /// The conversation.
    pub conv: ConvId,
    /// The message that brought it, or [`NONE`].
    pub message: u32,
    /// Whose.
    pub side: Side,
    /// Which.
    pub state: &'static State,
    pub(crate) generation: u16,
    pub(crate) previous: u32,
}

impl StateRow {
    /// A state that `message` ([`NONE`] for none) brought.
    #[must_use]
    pub const fn new(conv: ConvId, message: u32, side: Side, state: &'static State) -> StateRow {
        StateRow { conv, message, side, state, generation: 0, previous: NONE }
    }
}

/// What somebody wrote about a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The packet.
    pub packet: u32,
    /// The text.
    pub text: Arc<str>,
}
