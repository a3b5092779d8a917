//! HTTP/2 fields of frames and header blocks, and the states of a connection, by Wireshark's names where it has them.

use wirelore_kit::{F, Field, Kind, Names, State, fields};

/// Frame types.
pub static TYPES: Names = &[
    (0, "DATA"),
    (1, "HEADERS"),
    (2, "PRIORITY"),
    (3, "RST_STREAM"),
    (4, "SETTINGS"),
    (5, "PUSH_PROMISE"),
    (6, "PING"),
    (7, "GOAWAY"),
    (8, "WINDOW_UPDATE"),
    (9, "CONTINUATION"),
    (10, "ALTSVC"),
    (12, "ORIGIN"),
    (16, "PRIORITY_UPDATE"),
];

/// Error codes (RFC 9113 §7).
pub static ERRORS: Names = &[
    (0, "NO_ERROR"),
    (1, "PROTOCOL_ERROR"),
    (2, "INTERNAL_ERROR"),
    (3, "FLOW_CONTROL_ERROR"),
    (4, "SETTINGS_TIMEOUT"),
    (5, "STREAM_CLOSED"),
    (6, "FRAME_SIZE_ERROR"),
    (7, "REFUSED_STREAM"),
    (8, "CANCEL"),
    (9, "COMPRESSION_ERROR"),
    (10, "CONNECT_ERROR"),
    (11, "ENHANCE_YOUR_CALM"),
    (12, "INADEQUATE_SECURITY"),
    (13, "HTTP_1_1_REQUIRED"),
];

/// Settings by the IANA registry.
pub static SETTINGS: Names = &[
    (1, "HEADER_TABLE_SIZE"),
    (2, "ENABLE_PUSH"),
    (3, "MAX_CONCURRENT_STREAMS"),
    (4, "INITIAL_WINDOW_SIZE"),
    (5, "MAX_FRAME_SIZE"),
    (6, "MAX_HEADER_LIST_SIZE"),
    (8, "ENABLE_CONNECT_PROTOCOL"),
    (9, "NO_RFC7540_PRIORITIES"),
    (16, "TLS_RENEG_PERMITTED"),
    (0xfe03, "GRPC_ALLOW_TRUE_BINARY_METADATA"),
];

const fn dec(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Dec).rfc(rfc)
}

const fn flag(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Bool).rfc(rfc)
}

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

const fn bytes(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Bytes).rfc(rfc)
}

const fn group(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::group(name, label).rfc(rfc).oracle("-")
}

fields! {
    HTTP2 = group("http2", "HyperText Transfer Protocol 2", "RFC 9113");
    MAGIC = text("http2.magic", "Connection preface", "RFC 9113 §3.4");
    LENGTH = dec("http2.length", "Length", "RFC 9113 §4.1");
    TYPE = dec("http2.type", "Type", "RFC 9113 §4.1").names(TYPES).key();
    FLAGS = Field::new("http2.flags", "Flags", Kind::Hex).rfc("RFC 9113 §4.1");
    FLAG_END_STREAM = flag("http2.flags.end_stream", "END_STREAM", "RFC 9113 §6.1");
    FLAG_END_HEADERS = flag("http2.flags.eh", "END_HEADERS", "RFC 9113 §6.2");
    FLAG_PADDED = flag("http2.flags.padded", "PADDED", "RFC 9113 §6.1");
    FLAG_PRIORITY = flag("http2.flags.priority", "PRIORITY", "RFC 9113 §6.2");
    FLAG_ACK_SETTINGS = flag("http2.flags.ack.settings", "ACK", "RFC 9113 §6.5");
    FLAG_ACK_PING = flag("http2.flags.ack.ping", "ACK", "RFC 9113 §6.7");
    RESERVED = dec("http2.r", "Reserved bit", "RFC 9113 §4.1");
    STREAM_ID = dec("http2.streamid", "Stream identifier", "RFC 9113 §5.1.1").key();
    STREAM_STATE = text("http2.stream.state_after", "Stream behind this frame", "RFC 9113 §5.1").oracle("-");
    WINDOW_STREAM = Field::new("http2.window.stream", "Left in the stream's window", Kind::Signed).rfc("RFC 9113 §6.9.1").oracle("-");
    WINDOW_CONNECTION =
        Field::new("http2.window.connection", "Left in the connection's window", Kind::Signed).rfc("RFC 9113 §6.9.1").oracle("-");
    PARTIAL = bytes("http2.partial", "Part of a payload", "RFC 9113 §4.1").oracle("-");

    PAD_LENGTH = dec("http2.padding", "Pad length", "RFC 9113 §6.1");
    DATA = bytes("http2.data.data", "Data", "RFC 9113 §6.1").oracle("-");
    DATA_LENGTH = dec("http2.data.length", "Bytes of data", "RFC 9113 §6.1").key().oracle("-");
    DATA_PADDING = bytes("http2.data.padding", "Padding", "RFC 9113 §6.1");
    HEADERS_PADDING = bytes("http2.headers.padding", "Padding", "RFC 9113 §6.2");
    EXCLUSIVE = flag("http2.exclusive", "Exclusive", "RFC 7540 §5.3.1");
    DEPENDENCY = dec("http2.stream_dependency", "Stream dependency", "RFC 7540 §5.3.1");
    WEIGHT = dec("http2.headers.weight", "Weight as sent", "RFC 7540 §5.3.2");
    WEIGHT_REAL = dec("http2.headers.weight_real", "Weight", "RFC 7540 §5.3.2");
    ERROR = Field::new("http2.rst_stream.error", "Error code", Kind::Dec).names(ERRORS).rfc("RFC 9113 §6.4");
    SETTING = group("http2.settings", "Setting", "RFC 9113 §6.5.1");
    SETTING_ID = dec("http2.settings.id", "Identifier", "RFC 9113 §6.5.2").names(SETTINGS);
    SET_TABLE = dec("http2.settings.header_table_size", "Header table size", "RFC 9113 §6.5.2");
    SET_PUSH = dec("http2.settings.enable_push", "Enable push", "RFC 9113 §6.5.2");
    SET_STREAMS = dec("http2.settings.max_concurrent_streams", "Max concurrent streams", "RFC 9113 §6.5.2");
    SET_WINDOW = dec("http2.settings.initial_window_size", "Initial window size", "RFC 9113 §6.5.2");
    SET_FRAME = dec("http2.settings.max_frame_size", "Max frame size", "RFC 9113 §6.5.2");
    SET_LIST = dec("http2.settings.max_header_list_size", "Max header list size", "RFC 9113 §6.5.2");
    SET_CONNECT = dec("http2.settings.extended_connect", "Extended CONNECT", "RFC 8441 §3");
    SET_NO_PRIORITIES = dec("http2.settings.no_rfc7540_priorities", "No RFC 7540 priorities", "RFC 9218 §2.1").oracle("http2.settings.unknown");
    SET_UNKNOWN = dec("http2.settings.unknown", "Unknown setting", "RFC 9113 §6.5.2");
    SETTINGS_UPGRADE = text("http2.settings.upgrade", "Settings of the upgrade", "RFC 7540 §3.2.1").oracle("-");
    PROMISED = dec("http2.push_promise.promised_stream_id", "Promised stream", "RFC 9113 §6.6");
    PROMISED_RESERVED = dec("http2.push_promise.r", "Reserved bit", "RFC 9113 §6.6").oracle("-");
    PUSH_PADDING = bytes("http2.push_promise.padding", "Padding", "RFC 9113 §6.6");
    PING = bytes("http2.ping", "Opaque data", "RFC 9113 §6.7");
    PONG = bytes("http2.pong", "Opaque data returned", "RFC 9113 §6.7");
    GOAWAY_RESERVED = dec("http2.goway.r", "Reserved bit", "RFC 9113 §6.8");
    GOAWAY_LAST = dec("http2.goaway.last_stream_id", "Last stream", "RFC 9113 §6.8");
    GOAWAY_ERROR = Field::new("http2.goaway.error", "Error code", Kind::Dec).names(ERRORS).rfc("RFC 9113 §6.8");
    GOAWAY_DEBUG = text("http2.goaway.addata", "Debug data", "RFC 9113 §6.8").oracle("-");
    WINDOW_RESERVED = dec("http2.window_update.r", "Reserved bit", "RFC 9113 §6.9");
    INCREMENT = dec("http2.window_update.window_size_increment", "Window size increment", "RFC 9113 §6.9");
    ALTSVC_LENGTH = dec("http2.altsvc.origin.len", "Origin length", "RFC 7838 §4");
    ALTSVC_ORIGIN = text("http2.altsvc.origin", "Origin", "RFC 7838 §4");
    ALTSVC_VALUE = text("http2.altsvc.field_value", "Alt-Svc value", "RFC 7838 §4");
    ORIGIN_LENGTH = dec("http2.origin.origin_len", "Origin length", "RFC 8336 §2.1");
    ORIGIN = text("http2.origin.origin", "Origin", "RFC 8336 §2.1");
    UPDATED_STREAM = dec("http2.priority_update_stream_id", "Stream that it is about", "RFC 9218 §7.1");
    UPDATED_VALUE = text("http2.priority_update_field_value", "Priority", "RFC 9218 §7.1");
    PAYLOAD = bytes("http2.unknown", "Payload", "RFC 9113 §5.5");

    BLOCK = group("http2.headers", "Header block", "RFC 9113 §4.3");
    FRAGMENT = bytes("http2.headers.fragment", "Header block fragment", "RFC 9113 §6.10").oracle("-");
    COUNT = dec("http2.header.count", "Fields", "RFC 7541 §3.1").oracle("-");
    LIST_SIZE = dec("http2.header.list_size", "Size of the list", "RFC 9113 §6.5.2").oracle("-");
    HEADER = group("http2.header", "Header", "RFC 7541 §6");
    REPRESENTATION = text("http2.header.repr", "Representation", "RFC 7541 §6");
    PATTERN = Field::new("http2.header.pattern", "Pattern", Kind::Hex).rfc("RFC 7541 §6").oracle("-");
    INDEX = dec("http2.header.index", "Index", "RFC 7541 §2.3.3");
    NEW_NAME = dec("http2.header.new_name", "No index: the name is spelled out", "RFC 7541 §6.2").oracle("-");
    PREFIX_FULL = dec("http2.header.prefix", "All ones: the number goes on", "RFC 7541 §5.1").oracle("-");
    HUFFMAN = flag("http2.header.huffman", "Huffman", "RFC 7541 §5.2").oracle("-");
    SENT_LENGTH = dec("http2.header.sent_length", "Length as sent", "RFC 7541 §5.2").oracle("-");
    NAME = text("http2.header.name", "Name", "RFC 7541 §6");
    VALUE = text("http2.header.value", "Value", "RFC 7541 §6");
    SECRET_VALUE = text("http2.header.value.secret", "Value", "RFC 7541 §7.1.3").secret().oracle("http2.header.value");
    SOURCE = Field::new("http2.header.added", "Added here", Kind::Bytes).rfc("RFC 7541 §2.3.2").oracle("-");
    RESIZE = dec("http2.header_table_size_update.header_table_size", "New size of the dynamic table", "RFC 7541 §6.3");
    TABLE = group("http2.header_table", "Dynamic table behind this block", "RFC 7541 §2.3.2");
    TABLE_SIZE = text("http2.header_table.size", "In use", "RFC 7541 §4.1").oracle("-");
    TABLE_ENTRY = text("http2.header_table.entry", "Entry", "RFC 7541 §2.3.2").oracle("-");
}

macro_rules! states {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal;)*) => {
        $($(#[$doc])* pub static $id: State = State { name: $name, label: $label };)*
        /// Every state of a connection's ends.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    /// The client's preface is out, settings are to follow.
    GREETED = "http2.state.greeted", "Preface sent";
    /// Settings are out and not acknowledged.
    PROPOSED = "http2.state.settings_sent", "Settings sent, awaiting the acknowledgement";
    /// The other side has taken the settings.
    AGREED = "http2.state.settings_agreed", "Settings acknowledged";
    /// GOAWAY is out: no new streams.
    GOING_AWAY = "http2.state.going_away", "Going away";
    /// The connection has ended.
    CLOSED = "http2.state.closed", "Closed";
}
