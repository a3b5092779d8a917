//! What can be noted of a stream's messages.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of streams.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_A_FRAME = "http2.stream.note.not_a_frame", "These bytes begin no frame of a stream", Error, Malformed, "RFC 9113 §8.1";
    NO_HEAD = "http2.stream.note.no_head", "The header fields of this message were not seen", Note, Missing, "RFC 9113 §8.1";
    NOT_ASKED = "http2.stream.note.not_asked", "The request of this answer was not seen", Note, Missing, "RFC 9113 §8.1";
    UPGRADED = "http2.stream.note.upgraded", "This answers the HTTP/1.1 request that asked for HTTP/2", Chat, Protocol, "RFC 7540 §3.2";
    PUSHED = "http2.stream.note.pushed", "The server promised this answer without being asked", Chat, Protocol, "RFC 9113 §8.4";
    GAP = "http2.stream.note.gap", "Bytes of the body are missing from the capture", Warn, Missing, "RFC 9113 §6.1";
    RESET = "http2.stream.note.reset", "The stream was given up", Note, Sequence, "RFC 9113 §6.4";
    PSEUDO_MISSING = "http2.stream.note.pseudo_missing", "A pseudo-header that must be there is missing", Error, Protocol, "RFC 9113 §8.3";
    PSEUDO_LATE = "http2.stream.note.pseudo_late", "A pseudo-header stands behind other fields", Error, Protocol, "RFC 9113 §8.3";
    PSEUDO_UNKNOWN = "http2.stream.note.pseudo_unknown", "A pseudo-header that does not belong here", Error, Protocol, "RFC 9113 §8.3";
    PSEUDO_TWICE = "http2.stream.note.pseudo_twice", "A pseudo-header stands here twice", Error, Protocol, "RFC 9113 §8.3";
    UPPER_CASE = "http2.stream.note.upper_case", "A header name holds capitals or characters that no name may hold", Error, Protocol, "RFC 9113 §8.2.1";
    CONNECTION_FIELD = "http2.stream.note.connection_field", "A header that only HTTP/1 has", Error, Protocol, "RFC 9113 §8.2.2";
    LENGTH_DIFFERS = "http2.stream.note.length_differs", "The body is not as long as content-length says", Error, Protocol, "RFC 9113 §8.1.1";
    CLIENT_ERROR = "http2.stream.note.client_error", "The server says that the request cannot be served", Chat, Protocol, "RFC 9110 §15.5";
    SERVER_ERROR = "http2.stream.note.server_error", "The server failed", Note, Protocol, "RFC 9110 §15.6";
    GRPC_ERROR = "http2.stream.note.grpc_error", "The call ended with an error", Note, Protocol, "gRPC over HTTP/2";
    CODING_UNKNOWN = "http2.stream.note.coding_unknown", "A content coding that is not undone here", Note, Limit, "RFC 9110 §8.4";
    CODING_BROKEN = "http2.stream.note.coding_broken", "The body is not in the coding that its header names", Error, Malformed, "RFC 9110 §8.4";
    CODING_CUT = "http2.stream.note.coding_cut", "The coded body ends too early", Warn, Missing, "RFC 9110 §8.4";
    TOO_MUCH = "http2.stream.note.too_much", "The body swells beyond 64 MiB; the rest is not decoded", Warn, Limit, "RFC 9110 §8.4";
}
