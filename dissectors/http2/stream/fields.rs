//! Fields of a stream's messages, named as Wireshark names the header fields it knows, and the states of a stream's ends.

use crate::coding::status::{GRPC, HTTP as STATUS};
pub use crate::http2::fields::STREAM_ID;
use wirelore_kit::{F, Field, Kind, Role, State};

macro_rules! fields {
    ($($id:ident = $field:expr;)*) => {
        $(#[allow(missing_docs)] pub static $id: Field = $field;)*
        /// Every field of streams.
        pub static ALL: &[F] = &[&STREAM_ID, $(&$id),*];
    };
}

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    text(name, label, rfc).oracle("-")
}

const fn dec(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Dec).rfc(rfc)
}

fields! {
    STREAM = Field::group("http2.stream", "HTTP/2 message").rfc("RFC 9113 §8.1").oracle("-");
    TRAILERS = Field::group("http2.stream.trailers", "Trailer section").rfc("RFC 9113 §8.1").oracle("-");
    FRAME = own("http2.stream.frame", "Frame", "RFC 9113 §8.1");
    BODY = Field::new("http2.stream.body", "Body", Kind::Bytes).rfc("RFC 9113 §8.1").oracle("-");
    RESET = own("http2.stream.reset", "Given up", "RFC 9113 §6.4");
    LINE = own("http2.stream.header", "Header", "RFC 9113 §8.2");
    NAME = own("http2.stream.header.name", "Name", "RFC 9113 §8.2");
    VALUE = own("http2.stream.header.value", "Value", "RFC 9113 §8.2");
    DELIMITER = Field::new("http2.stream.delimiter", "Delimiter", Kind::Bytes).rfc("RFC 9113 §8.2").oracle("-");
    FULL_URI = text("http2.request.full_uri", "Full request URI", "RFC 9113 §8.3.1");

    METHOD = text("http2.headers.method", ":method", "RFC 9113 §8.3.1").key().role(Role::Method);
    SCHEME = text("http2.headers.scheme", ":scheme", "RFC 9113 §8.3.1");
    AUTHORITY = text("http2.headers.authority", ":authority", "RFC 9113 §8.3.1").key().role(Role::Authority);
    PATH = text("http2.headers.path", ":path", "RFC 9113 §8.3.1").key().role(Role::Path);
    PROTOCOL = own("http2.headers.protocol", ":protocol", "RFC 8441 §4").key();
    STATUS_CODE = dec("http2.headers.status", ":status", "RFC 9113 §8.3.2").names(STATUS).key().role(Role::Status);
    CONTENT_TYPE = text("http2.headers.content_type", "content-type", "RFC 9110 §8.3").key().role(Role::Media);
    CONTENT_LENGTH = dec("http2.headers.content_length", "content-length", "RFC 9110 §8.6").key();
    CONTENT_ENCODING = text("http2.headers.content_encoding", "content-encoding", "RFC 9110 §8.4").key();
    USER_AGENT = text("http2.headers.user_agent", "user-agent", "RFC 9110 §10.1.5").key();
    SERVER = text("http2.headers.server", "server", "RFC 9110 §10.2.4").key();
    LOCATION = text("http2.headers.location", "location", "RFC 9110 §10.2.2").key();
    REFERER = text("http2.headers.referer", "referer", "RFC 9110 §10.1.3").key();
    GRPC_STATUS = dec("http2.headers.grpc_status", "grpc-status", "gRPC over HTTP/2").names(GRPC).key().oracle("-");
    GRPC_MESSAGE = own("http2.headers.grpc_message", "grpc-message", "gRPC over HTTP/2");
    GRPC_ENCODING = own("http2.headers.grpc_encoding", "grpc-encoding", "gRPC over HTTP/2");
    GRPC_TIMEOUT = own("http2.headers.grpc_timeout", "grpc-timeout", "gRPC over HTTP/2");
    ACCEPT = text("http2.headers.accept", "accept", "RFC 9110 §12.5.1");
    ACCEPT_CHARSET = text("http2.headers.accept_charset", "accept-charset", "RFC 9110 §12.5.2");
    ACCEPT_ENCODING = text("http2.headers.accept_encoding", "accept-encoding", "RFC 9110 §12.5.3");
    ACCEPT_LANGUAGE = text("http2.headers.accept_language", "accept-language", "RFC 9110 §12.5.4");
    ACCEPT_RANGES = text("http2.headers.accept_ranges", "accept-ranges", "RFC 9110 §14.3");
    ALLOW_ORIGIN = text("http2.headers.access_control_allow_origin", "access-control-allow-origin", "Fetch §3.3.3");
    AGE = text("http2.headers.age", "age", "RFC 9111 §5.1");
    ALLOW = text("http2.headers.allow", "allow", "RFC 9110 §10.2.1");
    AUTHORIZATION = text("http2.headers.authorization", "authorization", "RFC 9110 §11.6.2").secret();
    CACHE_CONTROL = text("http2.headers.cache_control", "cache-control", "RFC 9111 §5.2");
    CONTENT_DISPOSITION = text("http2.headers.content_disposition", "content-disposition", "RFC 6266").role(Role::File);
    CONTENT_LANGUAGE = text("http2.headers.content_language", "content-language", "RFC 9110 §8.5");
    CONTENT_LOCATION = text("http2.headers.content_location", "content-location", "RFC 9110 §8.7");
    CONTENT_RANGE = text("http2.headers.content_range", "content-range", "RFC 9110 §14.4");
    COOKIE = text("http2.headers.cookie", "cookie", "RFC 6265 §4.2").secret();
    DATE = text("http2.headers.date", "date", "RFC 9110 §6.6.1");
    ETAG = text("http2.headers.etag", "etag", "RFC 9110 §8.8.3");
    EXPECT = text("http2.headers.expect", "expect", "RFC 9110 §10.1.1");
    EXPIRES = text("http2.headers.expires", "expires", "RFC 9111 §5.3");
    FROM = text("http2.headers.from", "from", "RFC 9110 §10.1.2");
    IF_MATCH = text("http2.headers.if_match", "if-match", "RFC 9110 §13.1.1");
    IF_MODIFIED_SINCE = text("http2.headers.if_modified_since", "if-modified-since", "RFC 9110 §13.1.3");
    IF_NONE_MATCH = text("http2.headers.if_none_match", "if-none-match", "RFC 9110 §13.1.2");
    IF_RANGE = text("http2.headers.if_range", "if-range", "RFC 9110 §13.1.5");
    IF_UNMODIFIED_SINCE = text("http2.headers.if_unmodified_since", "if-unmodified-since", "RFC 9110 §13.1.4");
    LAST_MODIFIED = text("http2.headers.last_modified", "last-modified", "RFC 9110 §8.8.2");
    LINK = text("http2.headers.link", "link", "RFC 8288 §3");
    MAX_FORWARDS = text("http2.headers.max_forwards", "max-forwards", "RFC 9110 §7.6.2");
    PROXY_AUTHENTICATE = text("http2.headers.proxy_authenticate", "proxy-authenticate", "RFC 9110 §11.7.1");
    PROXY_AUTHORIZATION = text("http2.headers.proxy_authorization", "proxy-authorization", "RFC 9110 §11.7.2").secret();
    RANGE = text("http2.headers.range", "range", "RFC 9110 §14.2");
    REFRESH = text("http2.headers.refresh", "refresh", "HTML §7.4.6");
    RETRY_AFTER = text("http2.headers.retry_after", "retry-after", "RFC 9110 §10.2.3");
    SET_COOKIE = text("http2.headers.set_cookie", "set-cookie", "RFC 6265 §4.1").secret();
    STS = text("http2.headers.strict_transport_security", "strict-transport-security", "RFC 6797 §6.1");
    VARY = text("http2.headers.vary", "vary", "RFC 9110 §12.5.5");
    VIA = text("http2.headers.via", "via", "RFC 9110 §7.6.3");
    WWW_AUTHENTICATE = text("http2.headers.www_authenticate", "www-authenticate", "RFC 9110 §11.6.1");
    TE = own("http2.headers.te", "te", "RFC 9110 §10.1.4");
    TRAILER = own("http2.headers.trailer", "trailer", "RFC 9110 §6.6.2");
    PRIORITY = own("http2.headers.priority", "priority", "RFC 9218 §5");
    ORIGIN = own("http2.headers.origin", "origin", "RFC 6454 §7");
    WS_VERSION = own("http2.headers.sec_websocket_version", "sec-websocket-version", "RFC 6455 §11.3.5");
    WS_PROTOCOL = own("http2.headers.sec_websocket_protocol", "sec-websocket-protocol", "RFC 6455 §11.3.4");
    WS_EXTENSIONS = own("http2.headers.sec_websocket_extensions", "sec-websocket-extensions", "RFC 6455 §11.3.2");
}

/// The field of a header name; HTTP/2 has them in lower case only. `rows`: only those that are columns or that the reading needs.
#[must_use]
pub fn known(name: &[u8], rows: bool) -> Option<F> {
    let headers = if rows { HEADERS.get(..IN_ROWS).unwrap_or(HEADERS) } else { HEADERS };
    headers.iter().copied().find(|f| f.label.as_bytes() == name)
}

/// So many of [`HEADERS`] are needed for rows.
const IN_ROWS: usize = 16;

/// Fields whose label is the header's name as sent; those that rows need stand first.
#[rustfmt::skip]
static HEADERS: &[F] = &[
    &METHOD, &SCHEME, &AUTHORITY, &PATH, &STATUS_CODE, &CONTENT_TYPE, &CONTENT_LENGTH, &SERVER, &USER_AGENT, &CONTENT_ENCODING,
    &LOCATION, &REFERER, &GRPC_STATUS, &GRPC_MESSAGE, &GRPC_ENCODING, &PROTOCOL,
    &DATE, &ACCEPT, &ACCEPT_ENCODING, &ACCEPT_LANGUAGE, &COOKIE, &SET_COOKIE, &CACHE_CONTROL, &ETAG, &LAST_MODIFIED, &VARY,
    &PRIORITY, &TE, &GRPC_TIMEOUT, &ACCEPT_CHARSET, &ACCEPT_RANGES, &ALLOW_ORIGIN, &AGE, &ALLOW, &AUTHORIZATION,
    &CONTENT_DISPOSITION, &CONTENT_LANGUAGE, &CONTENT_LOCATION, &CONTENT_RANGE, &EXPECT, &EXPIRES, &FROM, &IF_MATCH,
    &IF_MODIFIED_SINCE, &IF_NONE_MATCH, &IF_RANGE, &IF_UNMODIFIED_SINCE, &LINK, &MAX_FORWARDS, &PROXY_AUTHENTICATE,
    &PROXY_AUTHORIZATION, &RANGE, &REFRESH, &RETRY_AFTER, &STS, &VIA, &WWW_AUTHENTICATE, &TRAILER, &ORIGIN, &WS_VERSION,
    &WS_PROTOCOL, &WS_EXTENSIONS,
];

macro_rules! states {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal;)*) => {
        $($(#[$doc])* pub static $id: State = State { name: $name, label: $label };)*
        /// Every state (RFC 9113 §5.1).
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    /// The server has promised this stream.
    RESERVED_LOCAL = "http2.stream.state.reserved_local", "Reserved (local): has promised an answer";
    /// The client was promised this stream.
    RESERVED_REMOTE = "http2.stream.state.reserved_remote", "Reserved (remote): was promised an answer";
    /// Both may send.
    OPEN = "http2.stream.state.open", "Open";
    /// This side has sent all.
    HALF_CLOSED_LOCAL = "http2.stream.state.half_closed_local", "Half-closed (local): has sent all";
    /// The other side has sent all.
    HALF_CLOSED_REMOTE = "http2.stream.state.half_closed_remote", "Half-closed (remote): has received all";
    /// Over.
    CLOSED = "http2.stream.state.closed", "Closed";
}
