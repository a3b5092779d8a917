//! What can be noted of HTTP/1: broken grammar, unusual framing, and shapes that request smuggling uses.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of the protocol.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_HTTP = "http.note.not_http", "These bytes begin no HTTP message", Warn, Malformed, "RFC 9112 §2.1";
    EXTRA_BYTES = "http.note.extra_bytes", "Bytes follow the body that its length does not count", Warn, Security, "RFC 9112 §6.3";
    HEAD_TOO_LONG = "http.note.head_too_long", "The head goes on beyond 1 MiB and is not read", Error, Limit, "RFC 9112 §2.2";
    LINE_TOO_LONG = "http.note.line_too_long", "A line of the head is longer than 64 KiB", Note, Protocol, "RFC 9112 §3";
    HEAD_CUT = "http.note.head_cut", "The stream ends before the blank line that ends the head", Warn, Missing, "RFC 9112 §8";
    LEADING_CRLF = "http.note.leading_crlf", "Blank lines stand before the start line", Note, Protocol, "RFC 9112 §2.2";
    BARE_LF = "http.note.bare_lf", "A line ends in LF without CR", Warn, Security, "RFC 9112 §2.2";
    BARE_CR = "http.note.bare_cr", "CR stands alone inside a line", Warn, Security, "RFC 9112 §2.2";
    NUL = "http.note.nul", "A NUL byte stands in the head", Warn, Security, "RFC 9110 §5.5";
    ODD_REQUEST_LINE = "http.note.odd_request_line", "The request line is not METHOD SP target SP version", Warn, Security, "RFC 9112 §3";
    NO_VERSION = "http.note.no_version", "The request line names no HTTP version", Warn, Protocol, "RFC 9112 §3";
    ODD_STATUS_LINE = "http.note.odd_status_line", "The status line is not version SP three digits SP phrase", Warn, Malformed, "RFC 9112 §4";
    OBS_FOLD = "http.note.obs_fold", "A header goes on in the next line (obs-fold)", Warn, Security, "RFC 9112 §5.2";
    SPACE_BEFORE_COLON = "http.note.space_before_colon", "Blanks stand between header name and colon", Warn, Security, "RFC 9112 §5.1";
    NO_COLON = "http.note.no_colon", "A line among the headers has no colon", Warn, Malformed, "RFC 9112 §5";
    BAD_NAME = "http.note.bad_name", "A header name holds characters that no token may hold", Warn, Security, "RFC 9110 §5.1";
    NO_HOST = "http.note.no_host", "An HTTP/1.1 request without Host", Error, Protocol, "RFC 9112 §3.2";
    MANY_HOSTS = "http.note.many_hosts", "More than one Host", Error, Security, "RFC 9112 §3.2";
    LENGTH_AND_CODING = "http.note.length_and_coding", "Content-Length and Transfer-Encoding together", Error, Security, "RFC 9112 §6.1";
    LENGTHS_DIFFER = "http.note.lengths_differ", "Several Content-Lengths that differ", Error, Security, "RFC 9112 §6.3";
    LENGTH_REPEATED = "http.note.length_repeated", "The same Content-Length more than once", Note, Protocol, "RFC 9110 §8.6";
    LENGTH_ODD = "http.note.length_odd", "Content-Length is not just digits", Error, Security, "RFC 9110 §8.6";
    LENGTH_ZEROS = "http.note.length_zeros", "Content-Length begins with zeros", Note, Security, "RFC 9110 §8.6";
    CHUNKED_NOT_LAST = "http.note.chunked_not_last", "Transfer-Encoding does not end in chunked", Error, Security, "RFC 9112 §6.3";
    CODING_ODD = "http.note.coding_odd", "A transfer coding that no one knows", Warn, Security, "RFC 9112 §6.1";
    CODING_IN_10 = "http.note.coding_in_10", "Transfer-Encoding in an HTTP/1.0 message", Warn, Security, "RFC 9112 §6.1";
    CHUNK_SIZE_BAD = "http.note.chunk_size_bad", "This is no chunk size: where the body ends is unknown", Error, Malformed, "RFC 9112 §7.1";
    CHUNK_SIZE_ODD = "http.note.chunk_size_odd", "A chunk size in an unusual form", Warn, Security, "RFC 9112 §7.1";
    CHUNK_END_BAD = "http.note.chunk_end_bad", "Chunk data is not followed by CRLF", Error, Security, "RFC 9112 §7.1";
    CHUNK_BARE_LF = "http.note.chunk_bare_lf", "A chunk line ends in LF without CR", Warn, Security, "RFC 9112 §7.1";
    TUNNEL_FRAMED = "http.note.tunnel_framed", "The answer that opens a tunnel carries a body length, which is ignored", Warn, Protocol, "RFC 9110 §9.3.6";
    CONTENT_CODING_UNKNOWN = "http.note.content_coding_unknown", "The body is in a content coding that is not read here", Note, Limit, "RFC 9110 §8.4";
    CONTENT_CODING_BROKEN = "http.note.content_coding_broken", "The body is not what Content-Encoding says", Error, Malformed, "RFC 9110 §8.4";
    CONTENT_CODING_CUT = "http.note.content_coding_cut", "The coded body ends too soon", Warn, Missing, "RFC 9110 §8.4";
    CONTENT_TOO_MUCH = "http.note.content_too_much", "The body decodes to more than 64 MiB: the rest is left out", Warn, Limit, "RFC 9110 §8.4";
    CONTENT_HOLE = "http.note.content_hole", "Bytes of a coded body are missing: what follows cannot be decoded", Warn, Missing, "RFC 9110 §8.4";
    NOT_ASKED = "http.note.not_asked", "A response to no request that was seen", Note, Sequence, "RFC 9112 §9.2";
    HEAD_REFUSED = "http.note.head_refused", "The head is longer than the 256 KiB that the proxy takes", Error, Limit, "RFC 6585 §5";
    VERSION_UNKNOWN = "http.note.version_unknown", "The request names a version that is not HTTP/1", Warn, Protocol, "RFC 9110 §15.6.6";
    HOST_BAD = "http.note.host_bad", "Host is not a host and a port", Error, Security, "RFC 9112 §3.2";
    HOST_REPLACED = "http.note.host_replaced", "Host and the target named different servers: the target's was written into Host", Warn, Security, "RFC 9112 §3.2.2";
    CONNECT_BODY = "http.note.connect_body", "CONNECT comes with a body", Error, Security, "RFC 9110 §9.3.6";
    TRAILER_TOO_LONG = "http.note.trailer_too_long", "The trailer section is longer than the 64 KiB that the proxy takes", Error, Limit, "RFC 9112 §7.1.2";
    BODILESS_FRAMED = "http.note.bodiless_framed", "An answer that has no body announces one", Error, Security, "RFC 9110 §8.6";
    UPGRADE_UNASKED = "http.note.upgrade_unasked", "The server changes the protocol without having been asked to", Error, Security, "RFC 9110 §7.8";
    ANSWER_CUT = "http.note.answer_cut", "The server ended the connection before its answer was complete", Warn, Missing, "RFC 9112 §8";
    BODY_NOT_KEPT = "http.note.body_not_kept", "The body is longer than those that are kept to be edited (--keep-bodies)", Note, Limit, "";
    EDIT_FRAMED = "http.note.edit_framed", "An edit made the headers say another length than the body has", Warn, Protocol, "RFC 9112 §6";
    CLIENT_ERROR = "http.note.client_error", "The server says that the request is at fault", Note, Response, "RFC 9110 §15.5";
    SERVER_ERROR = "http.note.server_error", "The server says that it failed", Note, Response, "RFC 9110 §15.6";
}
