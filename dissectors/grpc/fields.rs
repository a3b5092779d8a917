//! Fields of gRPC messages and trailers, states of a call's ends, and what can be noted.

use crate::coding::status::GRPC as STATUS;
use wirelore_kit::{About, F, Field, Kind, Names, Note, Role, Severity, State, fields};

/// What a message is.
pub static FLAGS: Names = &[(0, "message"), (1, "compressed message"), (0x80, "trailers"), (0x81, "compressed trailers")];

const RFC: &str = "gRPC over HTTP/2";

const fn text(name: &'static str, label: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(RFC).oracle("-")
}

fields! {
    GRPC = Field::group("grpc", "gRPC").rfc(RFC).oracle("-");
    FRAME_TYPE = Field::new("grpc.frame_type", "Kind", Kind::Dec).names(FLAGS).rfc(RFC).oracle("-");
    COMPRESSED = Field::new("grpc.compressed_flag", "Compressed", Kind::Dec).rfc(RFC);
    LENGTH = Field::new("grpc.message_length", "Message length", Kind::Dec).rfc(RFC).key();
    DATA = Field::new("grpc.message_data", "Message", Kind::Bytes).rfc(RFC).oracle("-");
    SERVICE = text("grpc.service", "Service").key().role(Role::Path);
    METHOD = text("grpc.method", "Method").key().role(Role::Method);
    STATUS_CODE = Field::new("grpc.status", "Status", Kind::Dec).names(STATUS).rfc(RFC).oracle("-").key().role(Role::Status);
    MESSAGE = text("grpc.message", "Words about the status");
    TRAILER = text("grpc.trailer", "Trailer");
    TRAILER_NAME = text("grpc.trailer.name", "Name");
    TRAILER_VALUE = text("grpc.trailer.value", "Value");
    DELIMITER = Field::new("grpc.delimiter", "Delimiter", Kind::Bytes).rfc(RFC).oracle("-");
    BASE64 = text("grpc.web_text", "Messages in base64");
}

/// The bytes begin no message.
pub static NOT_GRPC: Note =
    Note::new("grpc.note.not_grpc", "These bytes begin no gRPC message", Severity::Warn, About::Malformed).rfc(RFC);
/// A message that cannot be decompressed.
pub static CODING: Note =
    Note::new("grpc.note.coding", "The message is compressed in a way that is not undone here", Severity::Note, About::Limit)
        .rfc(RFC);
/// The call failed.
pub static FAILED: Note = Note::new("grpc.note.failed", "The call ended with an error", Severity::Note, About::Protocol).rfc(RFC);
/// Every note.
pub static NOTES: &[&Note] = &[&NOT_GRPC, &CODING, &FAILED];

/// A side sends messages.
pub static SENDING: State = State { name: "grpc.state.sending", label: "Sending messages" };
/// A side waits.
pub static WAITING: State = State { name: "grpc.state.waiting", label: "Waiting for messages" };
/// The call is over.
pub static DONE: State = State { name: "grpc.state.done", label: "Call ended" };
/// Every state.
pub static STATES: &[&State] = &[&SENDING, &WAITING, &DONE];
