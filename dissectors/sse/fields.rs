//! Fields of server-sent events, and what can be noted of them.

use wirelore_kit::{About, F, Field, Kind, Note, Severity, State, fields};

const RFC: &str = "HTML §9.2.6";

const fn text(name: &'static str, label: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(RFC).oracle("-")
}

fields! {
    EVENT = Field::group("sse", "Server-sent event").rfc(RFC).oracle("-");
    LINE = text("sse.line", "Line");
    NAME = text("sse.field", "Field");
    TYPE = text("sse.event", "Event").key();
    DATA = text("sse.data", "Data").key();
    ID = text("sse.id", "Last event ID").key();
    RETRY = Field::new("sse.retry", "Reconnection time, milliseconds", Kind::Dec).rfc(RFC).oracle("-");
    COMMENT = text("sse.comment", "Comment");
    OTHER = text("sse.other", "Unknown field's value");
    BOM = Field::new("sse.bom", "Byte order mark", Kind::Bytes).rfc(RFC).oracle("-");
    DELIMITER = Field::new("sse.delimiter", "Delimiter", Kind::Bytes).rfc(RFC).oracle("-");
}

/// An event that goes on and on.
pub static TOO_LONG: Note =
    Note::new("sse.note.too_long", "An event goes on beyond 1 MiB and is not read", Severity::Warn, About::Limit).rfc(RFC);
/// Lines without the blank one that would send them off.
pub static UNSENT: Note = Note::new(
    "sse.note.unsent",
    "The stream ends without the blank line behind this event, so browsers drop it",
    Severity::Note,
    About::Protocol,
)
.rfc(RFC);
/// A name that means nothing.
pub static UNKNOWN_FIELD: Note =
    Note::new("sse.note.unknown_field", "A field that is none of event, data, id and retry", Severity::Chat, About::Protocol)
        .rfc(RFC);
/// Every note.
pub static NOTES: &[&Note] = &[&TOO_LONG, &UNSENT, &UNKNOWN_FIELD];

/// Events come.
pub static STREAMING: State = State { name: "sse.state.streaming", label: "Sending events" };
/// Waiting for them.
pub static LISTENING: State = State { name: "sse.state.listening", label: "Listening" };
/// Every state.
pub static STATES: &[&State] = &[&STREAMING, &LISTENING];
