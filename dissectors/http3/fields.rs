//! HTTP/3 fields, notes and states, by Wireshark's names where it has them.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Severity, State, fields};

const STREAM_TYPES: Names =
    &[(0, "control stream"), (1, "push stream"), (2, "QPACK encoder stream"), (3, "QPACK decoder stream")];
const FRAME_TYPES: Names = &[
    (0, "DATA"),
    (1, "HEADERS"),
    (3, "CANCEL_PUSH"),
    (4, "SETTINGS"),
    (5, "PUSH_PROMISE"),
    (7, "GOAWAY"),
    (0x0d, "MAX_PUSH_ID"),
    (0xf_0700, "PRIORITY_UPDATE"),
    (0xf_0701, "PRIORITY_UPDATE of a push"),
];
const SETTINGS: Names = &[
    (1, "QPACK_MAX_TABLE_CAPACITY"),
    (6, "MAX_FIELD_SECTION_SIZE"),
    (7, "QPACK_BLOCKED_STREAMS"),
    (8, "ENABLE_CONNECT_PROTOCOL"),
    (0x33, "H3_DATAGRAM"),
    (0x2b60_3742, "ENABLE_WEBTRANSPORT"),
];

fields! {
    HTTP3 = Group "http3", "HTTP/3", "RFC 9114".oracle("-");
    STREAM = Dec "http3.stream_id", "Stream", "RFC 9000 §2.1".key().oracle("-");
    LAST = Bool "http3.stream.last", "Last bytes of the stream", "RFC 9000 §3".oracle("-");
    LENGTH = Dec "http3.stream.length", "Bytes", "RFC 9000 §19.8".oracle("-");
    BYTES = Bytes "http3.stream.bytes", "Stream's bytes", "RFC 9114 §7".oracle("-");
    STREAM_TYPE = Dec "http3.stream_uni_type", "Stream type", "RFC 9114 §6.2".names(STREAM_TYPES).oracle("-");
    FRAME_TYPE = Dec "http3.frame_type", "Frame type", "RFC 9114 §7.2".names(FRAME_TYPES).oracle("-");
    FRAME_LENGTH = Dec "http3.frame_length", "Frame length", "RFC 9114 §7.1".oracle("-");
    HEADER = Text "http3.headers.header", "Header", "RFC 9114 §4.2".oracle("-");
    SECRET_HEADER = Text "http3.headers.secret", "Header", "RFC 9114 §4.2".secret().oracle("-");
    FORM = Text "http3.headers.form", "Written as", "RFC 9204 §4.5".oracle("-");
    SETTING = Dec "http3.settings.id", "Setting", "RFC 9114 §7.2.4".names(SETTINGS).oracle("-");
    SETTING_VALUE = Dec "http3.settings.value", "Value", "RFC 9114 §7.2.4".oracle("-");
    INSTRUCTION = Text "http3.qpack.instruction", "Instruction", "RFC 9204 §4.3".oracle("-");
    TABLE_SIZE = Text "http3.qpack.table", "Dynamic table", "RFC 9204 §3.2".oracle("-");
    TABLE_ENTRY = Text "http3.qpack.entry", "Entry", "RFC 9204 §3.2".oracle("-");
    ACKNOWLEDGED = Dec "http3.qpack.acknowledgements", "Bytes of acknowledgements", "RFC 9204 §4.4".oracle("-");
}

/// Unreadable.
pub static BAD: Note = Note::new(
    "http3.note.bad",
    "A frame that cannot be read; the rest of its stream is left alone",
    Severity::Error,
    About::Malformed,
)
.rfc("RFC 9114 §7.1");
/// Too long.
pub static TOO_LONG: Note = Note::new("http3.note.too_long", "A frame is longer than is kept", Severity::Warn, About::Limit);
/// Too many.
pub static TOO_MANY: Note =
    Note::new("http3.note.too_many", "More streams at once than are followed", Severity::Warn, About::Limit);
/// Every note.
pub static NOTES: &[&Note] = &[&BAD, &TOO_LONG, &TOO_MANY];

/// Has opened its streams.
pub static OPEN: State = State { name: "http3.state.open", label: "Speaks HTTP/3" };
/// Every state.
pub static STATES: &[&State] = &[&OPEN];
