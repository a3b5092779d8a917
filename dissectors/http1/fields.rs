//! HTTP/1 fields and states, by Wireshark's names where it has them.

use crate::coding::status::HTTP as STATUS;
use wirelore_kit::{F, Field, Kind, Role, State, fields};

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

/// A field that tshark does not have.
const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    text(name, label, rfc).oracle("-")
}

fields! {
    HTTP = Field::group("http", "Hypertext Transfer Protocol").rfc("RFC 9112");
    START_LINE = Field::group("http.start_line", "Start line").rfc("RFC 9112 §2.1").oracle("-");
    METHOD = text("http.request.method", "Method", "RFC 9110 §9").key().role(Role::Method);
    URI = text("http.request.uri", "Request target", "RFC 9112 §3.2").key().role(Role::Path);
    URI_PATH = text("http.request.uri.path", "Path", "RFC 3986 §3.3");
    URI_QUERY = text("http.request.uri.query", "Query", "RFC 3986 §3.4");
    URI_PARAMETER = text("http.request.uri.query.parameter", "Query parameter", "RFC 3986 §3.4");
    FULL_URI = text("http.request.full_uri", "Full request URI", "RFC 9112 §3.3");
    REQUEST_VERSION = text("http.request.version", "Request version", "RFC 9112 §2.3").key();
    RESPONSE_VERSION = text("http.response.version", "Response version", "RFC 9112 §2.3").key();
    STATUS_CODE = Field::new("http.response.code", "Status code", Kind::Dec).names(STATUS).key().role(Role::Status).rfc("RFC 9110 §15");
    PHRASE = text("http.response.phrase", "Reason phrase", "RFC 9112 §4").key();

    LINE = own("http.header", "Header", "RFC 9112 §5");
    NAME = own("http.header.name", "Name", "RFC 9110 §5.1");
    VALUE = own("http.header.value", "Value", "RFC 9110 §5.5");
    BAD_LINE = text("http.unknown_header", "Line that is no header", "RFC 9112 §5");

    HOST = text("http.host", "Host", "RFC 9110 §7.2").key().role(Role::Authority);
    CONTENT_TYPE = text("http.content_type", "Content-Type", "RFC 9110 §8.3").key().role(Role::Media);
    CONTENT_LENGTH = Field::new("http.content_length_header", "Content-Length", Kind::Dec).key().rfc("RFC 9110 §8.6");
    CONTENT_ENCODING = text("http.content_encoding", "Content-Encoding", "RFC 9110 §8.4").key();
    TRANSFER_ENCODING = text("http.transfer_encoding", "Transfer-Encoding", "RFC 9112 §6.1").key();
    USER_AGENT = text("http.user_agent", "User-Agent", "RFC 9110 §10.1.5").key();
    SERVER = text("http.server", "Server", "RFC 9110 §10.2.4").key();
    LOCATION = text("http.location", "Location", "RFC 9110 §10.2.2").key();
    REFERER = text("http.referer", "Referer", "RFC 9110 §10.1.3").key();
    CONNECTION = text("http.connection", "Connection", "RFC 9110 §7.6.1");
    UPGRADE = text("http.upgrade", "Upgrade", "RFC 9110 §7.8");
    ACCEPT = text("http.accept", "Accept", "RFC 9110 §12.5.1");
    ACCEPT_LANGUAGE = text("http.accept_language", "Accept-Language", "RFC 9110 §12.5.4");
    ACCEPT_ENCODING = text("http.accept_encoding", "Accept-Encoding", "RFC 9110 §12.5.3");
    DATE = text("http.date", "Date", "RFC 9110 §6.6.1");
    CACHE_CONTROL = text("http.cache_control", "Cache-Control", "RFC 9111 §5.2");
    LAST_MODIFIED = text("http.last_modified", "Last-Modified", "RFC 9110 §8.8.2");
    X_FORWARDED_FOR = text("http.x_forwarded_for", "X-Forwarded-For", "RFC 7239 §7.4");
    AUTHORIZATION = text("http.authorization", "Authorization", "RFC 9110 §11.6.2").secret();
    PROXY_AUTHORIZATION = text("http.proxy_authorization", "Proxy-Authorization", "RFC 9110 §11.7.2").secret();
    WWW_AUTHENTICATE = text("http.www_authenticate", "WWW-Authenticate", "RFC 9110 §11.6.1");
    PROXY_AUTHENTICATE = text("http.proxy_authenticate", "Proxy-Authenticate", "RFC 9110 §11.7.1");
    CREDENTIALS = text("http.authbasic", "Credentials", "RFC 7617 §2").secret();
    COOKIE = text("http.cookie", "Cookie", "RFC 6265 §4.2").secret();
    COOKIE_PAIR = text("http.cookie_pair", "Cookie pair", "RFC 6265 §4.2.1").secret();
    SET_COOKIE = text("http.set_cookie", "Set-Cookie", "RFC 6265 §4.1").secret();
    SET_COOKIE_PAIR = own("http.set_cookie.pair", "Cookie", "RFC 6265 §4.1.1").secret();
    SET_COOKIE_ATTRIBUTE = own("http.set_cookie.attribute", "Attribute", "RFC 6265 §5.2");
    RANGE = own("http.range", "Range", "RFC 9110 §14.2");
    RANGE_SPEC = own("http.range.spec", "One range", "RFC 9110 §14.1.1");
    CONTENT_RANGE = own("http.content_range", "Content-Range", "RFC 9110 §14.4");
    RANGE_FIRST = Field::new("http.content_range.first", "First byte", Kind::Dec).rfc("RFC 9110 §14.4").oracle("-");
    RANGE_LAST = Field::new("http.content_range.last", "Last byte", Kind::Dec).rfc("RFC 9110 §14.4").oracle("-");
    RANGE_TOTAL = Field::new("http.content_range.total", "Length of the whole", Kind::Dec).rfc("RFC 9110 §14.4").oracle("-");
    ACCEPT_RANGES = own("http.accept_ranges", "Accept-Ranges", "RFC 9110 §14.3");
    ETAG = own("http.etag", "ETag", "RFC 9110 §8.8.3");
    IF_NONE_MATCH = own("http.if_none_match", "If-None-Match", "RFC 9110 §13.1.2");
    IF_MODIFIED_SINCE = own("http.if_modified_since", "If-Modified-Since", "RFC 9110 §13.1.3");
    VARY = own("http.vary", "Vary", "RFC 9110 §12.5.5");
    EXPIRES = own("http.expires", "Expires", "RFC 9111 §5.3");
    AGE = own("http.age", "Age", "RFC 9111 §5.1");
    VIA = own("http.via", "Via", "RFC 9110 §7.6.3");
    EXPECT = own("http.expect", "Expect", "RFC 9110 §10.1.1");
    TRAILER = own("http.trailer", "Trailer", "RFC 9110 §6.6.2");
    TE = own("http.te", "TE", "RFC 9110 §10.1.4");
    KEEP_ALIVE = own("http.keep_alive", "Keep-Alive", "RFC 2068 §19.7.1");
    ORIGIN = own("http.origin", "Origin", "RFC 6454 §7");
    CONTENT_DISPOSITION = own("http.content_disposition", "Content-Disposition", "RFC 6266").role(Role::File);
    STS = own("http.strict_transport_security", "Strict-Transport-Security", "RFC 6797 §6.1");
    LINK = own("http.link", "Link", "RFC 8288 §3");
    WS_KEY = text("http.sec_websocket_key", "Sec-WebSocket-Key", "RFC 6455 §11.3.1");
    WS_ACCEPT = text("http.sec_websocket_accept", "Sec-WebSocket-Accept", "RFC 6455 §11.3.3");
    WS_VERSION = text("http.sec_websocket_version", "Sec-WebSocket-Version", "RFC 6455 §11.3.5");
    WS_PROTOCOL = text("http.sec_websocket_protocol", "Sec-WebSocket-Protocol", "RFC 6455 §11.3.4");
    WS_EXTENSIONS = text("http.sec_websocket_extensions", "Sec-WebSocket-Extensions", "RFC 6455 §11.3.2");
    HTTP2_SETTINGS = text("http.http2_settings", "HTTP2-Settings", "RFC 7540 §3.2.1");

    DELIMITER = Field::new("http.delimiter", "Delimiter", Kind::Bytes).rfc("RFC 9112 §2.1").oracle("-");
    BLANK = own("http.blank_line", "Blank line", "RFC 9112 §2.1");
    LEADING = own("http.leading_crlf_bytes", "Blank lines in front", "RFC 9112 §2.2");
    FILE_DATA = Field::new("http.file_data", "Body", Kind::Bytes).rfc("RFC 9112 §6").oracle("-");
    CHUNK = Field::group("http.chunk", "Chunk header").rfc("RFC 9112 §7.1").oracle("-");
    CHUNK_SIZE = Field::new("http.chunk_size", "Chunk size", Kind::Dec).rfc("RFC 9112 §7.1");
    CHUNK_EXTENSION = own("http.chunk_extension", "Chunk extension", "RFC 9112 §7.1.1");
    CHUNK_DATA = Field::new("http.chunk_data", "Chunk data", Kind::Bytes).rfc("RFC 9112 §7.1");
    CHUNK_BOUNDARY = Field::new("http.chunk_boundary", "Chunk boundary", Kind::Bytes).rfc("RFC 9112 §7.1");
    PARTS = own("http.multipart", "Multipart body", "RFC 2046 §5.1");
    PART = own("http.part", "Part", "RFC 2046 §5.1");
    PART_HEADER = own("http.part.header", "Header of the part", "RFC 2046 §5.1");
    PART_DATA = Field::new("http.part.data", "Bytes of data", Kind::Dec).rfc("RFC 2046 §5.1").oracle("-");
    TRAILER_PART = text("http.chunked_trailer_part", "Trailer section", "RFC 9112 §7.1.2");
}

macro_rules! states {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal;)*) => {
        $($(#[$doc])* pub static $id: State = State { name: $name, label: $label };)*
        /// Every state.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    /// No message under way.
    IDLE = "http.state.idle", "Idle";
    /// The client's head is out, its body is on the way.
    SENDING_REQUEST = "http.state.sending_request", "Sending a request body";
    /// The client asked for a 100 before it sends its body (RFC 9110 §10.1.1).
    AWAITING_CONTINUE = "http.state.awaiting_continue", "Awaiting 100 (Continue)";
    /// The request is out in full.
    AWAITING_RESPONSE = "http.state.awaiting_response", "Awaiting the response";
    /// The server has a request to answer.
    ANSWERING = "http.state.answering", "Working on the answer";
    /// The server's head is out, its body is on the way.
    SENDING_RESPONSE = "http.state.sending_response", "Sending a response body";
    /// What follows is not HTTP (CONNECT).
    TUNNEL = "http.state.tunnel", "Tunnel";
    /// What follows is another protocol (Upgrade).
    UPGRADED = "http.state.upgraded", "Switched to another protocol";
}
