//! Fields, notes and states of Parley: a line each, its source last.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Role, Severity, State};

const KINDS: Names = &[(1, "Say"), (2, "Heard")];

pub static PARLEY: Field = Field::group("parley", "Parley").rfc("made up here").oracle("-");
pub static MAGIC: Field = Field::new("parley.magic", "Magic", Kind::Text).rfc("made up here").oracle("-");
pub static KIND: Field =
    Field::new("parley.kind", "Kind", Kind::Dec).names(KINDS).key().role(Role::Method).rfc("made up here").oracle("-");
pub static URGENT: Field = Field::new("parley.urgent", "Urgent", Kind::Bool).rfc("made up here").oracle("-");
pub static RESERVED: Field = Field::new("parley.reserved", "Reserved", Kind::Hex).rfc("made up here").oracle("-");
pub static NUMBER: Field = Field::new("parley.number", "Number", Kind::Dec).rfc("made up here").oracle("-");
pub static LENGTH: Field = Field::new("parley.length", "Length", Kind::Dec).rfc("made up here").oracle("-");
pub static TEXT: Field = Field::new("parley.text", "Text", Kind::Text).rfc("made up here").oracle("-");
pub static ALL: &[F] = &[&PARLEY, &MAGIC, &KIND, &URGENT, &RESERVED, &NUMBER, &LENGTH, &TEXT];

pub static NO_MAGIC: Note =
    Note::new("parley.note.magic", "The frame does not begin with PRLY", Severity::Error, About::Malformed).rfc("made up here");
pub static NO_KIND: Note =
    Note::new("parley.note.kind", "A kind of frame that does not exist", Severity::Error, About::Malformed).rfc("made up here");
pub static NOTHING_SAID: Note =
    Note::new("parley.note.nothing_said", "An acknowledgement, though nothing was said", Severity::Warn, About::Sequence)
        .rfc("made up here");
pub static NOTES: &[&Note] = &[&NO_MAGIC, &NO_KIND, &NOTHING_SAID];

pub static IDLE: State = State { name: "parley.state.idle", label: "All heard" };
pub static WAITING: State = State { name: "parley.state.waiting", label: "Waiting to be heard" };
pub static STATES: &[&State] = &[&IDLE, &WAITING];
