//! Findings about WebSocket connections: rules of RFC 6455 and RFC 7692 that a peer broke, and what could not be undone.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of the protocol.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_WEBSOCKET = "websocket.note.not_websocket", "These bytes begin no WebSocket frame", Warn, Malformed, "RFC 6455 §5.2";
    LENGTH_TOO_BIG = "websocket.note.length_too_big", "A payload length of 2^63 or more", Error, Malformed, "RFC 6455 §5.2";
    LENGTH_NOT_MINIMAL = "websocket.note.length_not_minimal", "The length is written in more bytes than it needs", Warn, Protocol, "RFC 6455 §5.2";
    CLIENT_UNMASKED = "websocket.note.client_unmasked", "A frame from the client is not masked", Error, Security, "RFC 6455 §5.1";
    SERVER_MASKED = "websocket.note.server_masked", "A frame from the server is masked", Error, Protocol, "RFC 6455 §5.1";
    RESERVED_OPCODE = "websocket.note.reserved_opcode", "An opcode that nothing has been given to", Error, Protocol, "RFC 6455 §5.2";
    RESERVED_BITS = "websocket.note.reserved_bits", "Reserved bits are set that no agreed extension uses", Error, Protocol, "RFC 6455 §5.2";
    CONTROL_FRAGMENTED = "websocket.note.control_fragmented", "A control frame is fragmented", Error, Protocol, "RFC 6455 §5.5";
    CONTROL_TOO_LONG = "websocket.note.control_too_long", "A control frame carries more than 125 bytes", Error, Protocol, "RFC 6455 §5.5";
    NOTHING_TO_CONTINUE = "websocket.note.nothing_to_continue", "A continuation of a message that did not begin", Error, Sequence, "RFC 6455 §5.4";
    NOT_CONTINUED = "websocket.note.not_continued", "A new message begins before the fragmented one has ended", Error, Sequence, "RFC 6455 §5.4";
    AFTER_CLOSE = "websocket.note.after_close", "A frame follows the Close of its sender", Error, Sequence, "RFC 6455 §5.5.1";
    NOT_UTF8 = "websocket.note.not_utf8", "A text message is not UTF-8", Error, Malformed, "RFC 6455 §8.1";
    CLOSE_ONE_BYTE = "websocket.note.close_one_byte", "A Close carries one byte, half a code", Error, Malformed, "RFC 6455 §5.5.1";
    CLOSE_CODE_ODD = "websocket.note.close_code_odd", "A close code that no peer may send", Warn, Protocol, "RFC 6455 §7.4";
    CLOSE_ABNORMAL = "websocket.note.close_abnormal", "The connection is closed because of a fault", Note, Response, "RFC 6455 §7.4.1";
    PONG_UNASKED = "websocket.note.pong_unasked", "A Pong that answers no Ping", Chat, Sequence, "RFC 6455 §5.5.3";
    ACCEPT_WRONG = "websocket.note.accept_wrong", "Sec-WebSocket-Accept does not follow from Sec-WebSocket-Key", Error, Security, "RFC 6455 §4.1";
    KEY_ODD = "websocket.note.key_odd", "Sec-WebSocket-Key is not 16 bytes in base64", Warn, Protocol, "RFC 6455 §4.1";
    EXTENSION_NOT_OFFERED = "websocket.note.extension_not_offered", "The server uses an extension that the client did not offer", Error, Protocol, "RFC 6455 §4.1";
    PROTOCOL_NOT_OFFERED = "websocket.note.protocol_not_offered", "The server chose a subprotocol that the client did not offer", Error, Protocol, "RFC 6455 §4.1";
    DEFLATE_BROKEN = "websocket.note.deflate_broken", "The compressed message cannot be decompressed", Error, Malformed, "RFC 7692 §7.2.2";
    DEFLATE_LOST = "websocket.note.deflate_lost", "Cannot be decompressed: earlier messages, which it refers to, are missing or broken", Warn, Missing, "RFC 7692 §7.2.2";
    TOO_MUCH = "websocket.note.too_much", "The message decompresses to more than 64 MiB: the rest is left out", Warn, Limit, "RFC 7692 §8";
    NOT_JOINED = "websocket.note.not_joined", "A message longer than 16 MiB is shown frame by frame, not joined", Note, Limit, "RFC 6455 §5.4";
    MESSAGE_HOLE = "websocket.note.message_hole", "Bytes of this message are missing: what follows in it stands where it would", Warn, Missing, "RFC 6455 §5.4";
}
