//! Fields, notes and states of Redis' protocol, by Wireshark's names (`resp`) where it has them.

use wirelore_kit::{About, F, Field, Kind, Note, Role, Severity, State};

const SPEC2: &str = "RESP (redis.io, Serialization protocol specification)";

macro_rules! fields {
    ($($id:ident = $field:expr;)*) => {
        $(#[allow(missing_docs)] pub static $id: Field = $field.rfc(SPEC2);)*
        /// Every field of the protocol.
        pub static ALL: &[F] = &[$(&$id),*];
    };
}

const fn text(name: &'static str, label: &'static str) -> Field {
    Field::new(name, label, Kind::Text)
}

fields! {
    RESP = Field::group("resp", "Redis").oracle("-");
    COMMAND = text("resp.command", "Command").key().role(Role::Method).oracle("-");
    KEY = text("resp.key", "Key").key().role(Role::Path).oracle("-");
    INLINE = text("resp.inline", "Inline command").oracle("-");
    SIMPLE = text("resp.string", "Simple string").oracle("-");
    ERROR = text("resp.error", "Error").key().role(Role::Status).oracle("-");
    INTEGER = text("resp.integer", "Integer").oracle("-");
    BULK = Field::group("resp.bulk_string", "Bulk string").oracle("-");
    BULK_LENGTH = Field::new("resp.bulk_string.length", "Length", Kind::Signed).oracle("-");
    BULK_VALUE = text("resp.bulk_string.value", "Value").oracle("-");
    SECRET = text("resp.secret", "Password").secret().oracle("-");
    ARRAY = Field::group("resp.array", "Array").oracle("-");
    COUNT = Field::new("resp.array.length", "Elements", Kind::Signed).oracle("-");
    NULL = text("resp.null", "Null").oracle("-");
    BOOLEAN = text("resp.boolean", "Boolean").oracle("-");
    DOUBLE = text("resp.double", "Double").oracle("-");
    BIG = text("resp.big_number", "Big number").oracle("-");
    DEEP = text("resp.deep", "Nested deeper").oracle("-");
    MARK = Field::new("resp.delimiter", "Type and line ends", Kind::Bytes).oracle("-");
}

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc(SPEC2);)*
        /// Every note of the protocol.
        pub static NOTES: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_RESP = "resp.note.not_resp", "These bytes begin nothing of this protocol", Warn, Malformed;
    BAD_LENGTH = "resp.note.bad_length", "This is no length", Error, Malformed;
    TOO_DEEP = "resp.note.too_deep", "Nested more than 16 levels deep", Note, Limit;
    NO_LINE_END = "resp.note.no_line_end", "A string of a counted length is not followed by CR LF", Error, Malformed;
    SAID_NO = "resp.note.said_no", "The server answers with an error", Note, Response;
    NOT_ASKED = "resp.note.not_asked", "An answer to no command that was seen", Note, Sequence;
    PASSWORD_CLEAR = "resp.note.password_clear", "A password travels unencrypted", Note, Security;
}

pub static IDLE: State = State { name: "resp.state.idle", label: "Idle" };
pub static WAITING: State = State { name: "resp.state.waiting", label: "Waiting for answers" };
pub static QUEUING: State = State { name: "resp.state.queuing", label: "Gathering a transaction" };
pub static LISTENING: State = State { name: "resp.state.listening", label: "Listening to channels" };
/// Every state.
pub static STATES: &[&State] = &[&IDLE, &WAITING, &QUEUING, &LISTENING];
