//! What can be noted of HTTP/2 frames, header blocks, flow control and streams.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of frames.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_HTTP2 = "http2.note.not_http2", "These bytes begin no HTTP/2 frame", Warn, Malformed, "RFC 9113 §4.1";
    LATE = "http2.note.late", "The beginning of this direction was not seen", Note, Missing, "RFC 9113 §3.4";
    HOLE = "http2.note.hole", "A part of this frame's payload is missing from the capture", Warn, Missing, "RFC 9113 §4.1";
    FRAME_TOO_LONG = "http2.note.frame_too_long", "The frame is longer than its receiver allows", Error, Protocol, "RFC 9113 §4.2";
    BAD_LENGTH = "http2.note.bad_length", "A frame of this type has another length", Error, Protocol, "RFC 9113 §4.2";
    STREAM_ZERO = "http2.note.stream_zero", "A frame of this type belongs to a stream, but names none", Error, Protocol, "RFC 9113 §6.1";
    STREAM_NOT_ZERO = "http2.note.stream_not_zero", "A frame of this type is about the connection, but names a stream", Error, Protocol, "RFC 9113 §6.5";
    PADDING_TOO_LONG = "http2.note.padding_too_long", "The padding is longer than the frame", Error, Protocol, "RFC 9113 §6.1";
    PADDING_NOT_ZERO = "http2.note.padding_not_zero", "The padding is not zeros", Warn, Security, "RFC 9113 §6.1";
    RESERVED_SET = "http2.note.reserved_set", "A reserved bit is set", Note, Protocol, "RFC 9113 §4.1";
    UNKNOWN_TYPE = "http2.note.unknown_type", "A frame type that is not known; receivers pass over it", Chat, Protocol, "RFC 9113 §5.5";
    BLOCK_INTERRUPTED = "http2.note.block_interrupted", "Another frame stands inside a header block", Error, Protocol, "RFC 9113 §4.3";
    BLOCK_ALONE = "http2.note.continuation_alone", "CONTINUATION without a header block to continue", Error, Protocol, "RFC 9113 §6.10";
    BLOCK_TOO_LONG = "http2.note.block_too_long", "The header block goes on beyond 1 MiB and is not read", Error, Limit, "RFC 9113 §10.5.1";
    BLOCK_CUT = "http2.note.hpack_cut", "The header block ends inside a field", Error, Malformed, "RFC 7541 §5";
    BLOCK_NUMBER = "http2.note.hpack_number", "A number in the header block does not fit 32 bits", Error, Malformed, "RFC 7541 §5.1";
    BLOCK_INDEX = "http2.note.hpack_index", "The header block points to an entry that cannot exist", Error, Malformed, "RFC 7541 §2.3.3";
    BLOCK_HUFFMAN = "http2.note.hpack_huffman", "A text is not in the Huffman code", Error, Malformed, "RFC 7541 §5.2";
    BLOCK_SWELLS = "http2.note.hpack_swells", "The header block swells beyond 1 MiB; the rest is not listed", Warn, Limit, "RFC 7541 §7.3";
    UNSEEN = "http2.note.hpack_unseen", "Fields point to table entries that were added where the capture does not show it", Warn, Missing, "RFC 7541 §2.3.2";
    TABLE_TOO_LARGE = "http2.note.hpack_table_too_large", "The table is made larger than the receiver allows", Error, Protocol, "RFC 7541 §6.3";
    LATE_RESIZE = "http2.note.hpack_late_resize", "The table's size changes behind the first field", Error, Protocol, "RFC 7541 §4.2";
    LINE_BREAK = "http2.note.line_break", "A header holds a line break or NUL", Error, Security, "RFC 9113 §8.2.1";
    WINDOW_EXCEEDED = "http2.note.window_exceeded", "More data than the stream's window allows", Error, Protocol, "RFC 9113 §6.9.1";
    CONNECTION_WINDOW_EXCEEDED = "http2.note.connection_window_exceeded", "More data than the connection's window allows", Error, Protocol, "RFC 9113 §6.9.1";
    WINDOW_OVERFLOW = "http2.note.window_overflow", "The window grows beyond 2^31-1", Error, Protocol, "RFC 9113 §6.9.1";
    INCREMENT_ZERO = "http2.note.increment_zero", "A window update by zero", Error, Protocol, "RFC 9113 §6.9";
    STREAM_ENDED = "http2.note.stream_ended", "Its sender has already ended this stream", Error, Sequence, "RFC 9113 §5.1";
    STREAM_IDLE = "http2.note.stream_idle", "Nobody has opened this stream", Error, Sequence, "RFC 9113 §5.1";
    STREAM_BACKWARDS = "http2.note.stream_backwards", "A new stream has a smaller number than one before it", Error, Sequence, "RFC 9113 §5.1.1";
    STREAM_PARITY = "http2.note.stream_parity", "A stream of this number is not this side's to open", Error, Protocol, "RFC 9113 §5.1.1";
    SELF_DEPENDENCY = "http2.note.self_dependency", "A stream depends on itself", Error, Protocol, "RFC 7540 §5.3.1";
    SETTING_VALUE = "http2.note.setting_value", "A setting has a value that it must not have", Error, Protocol, "RFC 9113 §6.5.2";
    ACK_ALONE = "http2.note.ack_alone", "An acknowledgement without settings to acknowledge", Note, Sequence, "RFC 9113 §6.5.3";
    PUSH_REFUSED = "http2.note.push_refused", "A push although the client has refused pushes", Error, Protocol, "RFC 9113 §6.6";
    STREAM_RESET = "http2.note.stream_reset", "The stream was ended with an error", Warn, Protocol, "RFC 9113 §7";
    STREAM_CANCELLED = "http2.note.stream_cancelled", "The stream was given up before its end", Chat, Protocol, "RFC 9113 §7";
    CONNECTION_ERROR = "http2.note.connection_error", "The connection is ended because of an error", Error, Protocol, "RFC 9113 §7";
    TOO_MANY_STREAMS = "http2.note.too_many_streams", "More streams are open than are followed; the oldest are let go", Note, Limit, "RFC 9113 §5.1.2";
    BODY_NOT_KEPT = "http2.note.body_not_kept", "The body is longer than those that are kept to be edited (--keep-bodies)", Note, Limit, "";
    SETTINGS_FLOOD = "http2.note.settings_flood", "More SETTINGS than are ever acknowledged", Error, Limit, "RFC 9113 §10.5";
    SERVER_AWAY = "http2.note.server_away", "The server was going away when this request was let go", Warn, Sequence, "RFC 9113 §6.8";
    STREAMS_OPEN = "http2.note.streams_open", "The connection ended while answers were due", Warn, Sequence, "RFC 9113 §5.4.1";
    TABLE_LISTED = "http2.note.table_listed", "The dynamic table has more entries than are listed", Chat, Limit, "RFC 7541 §2.3.2";
}
