//! QUIC fields, notes and states, by Wireshark's names where it has them.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Severity, State, fields};

const TYPES: Names = &[(0, "Initial"), (1, "0-RTT"), (2, "Handshake"), (3, "Retry")];
const TYPES_2: Names = &[(0, "Retry"), (1, "Initial"), (2, "0-RTT"), (3, "Handshake")];
const VERSIONS: Names = &[
    (0, "version negotiation"),
    (1, "1"),
    (0x6b33_43cf, "2"),
    (0x709a_50c4, "2 (draft)"),
    (0x5130_3433, "Google Q043"),
    (0x5130_3436, "Google Q046"),
    (0x5130_3530, "Google Q050"),
    (0x5430_3530, "Google T050"),
    (0x5430_3531, "Google T051"),
    (0xface_b001, "mvfst (draft 22)"),
    (0xface_b002, "mvfst (draft 27)"),
    (0xff00_0017, "draft 23"),
    (0xff00_0018, "draft 24"),
    (0xff00_0019, "draft 25"),
    (0xff00_001a, "draft 26"),
    (0xff00_001b, "draft 27"),
    (0xff00_001c, "draft 28"),
    (0xff00_001d, "draft 29"),
    (0xff00_001e, "draft 30"),
    (0xff00_001f, "draft 31"),
    (0xff00_0020, "draft 32"),
    (0xff00_0021, "draft 33"),
    (0xff00_0022, "draft 34"),
];
const FRAME_TYPES: Names = &[
    (0, "PADDING"),
    (1, "PING"),
    (2, "ACK"),
    (3, "ACK with ECN"),
    (4, "RESET_STREAM"),
    (5, "STOP_SENDING"),
    (6, "CRYPTO"),
    (7, "NEW_TOKEN"),
    (8, "STREAM"),
    (9, "STREAM"),
    (0x0a, "STREAM"),
    (0x0b, "STREAM"),
    (0x0c, "STREAM"),
    (0x0d, "STREAM"),
    (0x0e, "STREAM"),
    (0x0f, "STREAM"),
    (0x10, "MAX_DATA"),
    (0x11, "MAX_STREAM_DATA"),
    (0x12, "MAX_STREAMS (both ways)"),
    (0x13, "MAX_STREAMS (one way)"),
    (0x14, "DATA_BLOCKED"),
    (0x15, "STREAM_DATA_BLOCKED"),
    (0x16, "STREAMS_BLOCKED (both ways)"),
    (0x17, "STREAMS_BLOCKED (one way)"),
    (0x18, "NEW_CONNECTION_ID"),
    (0x19, "RETIRE_CONNECTION_ID"),
    (0x1a, "PATH_CHALLENGE"),
    (0x1b, "PATH_RESPONSE"),
    (0x1c, "CONNECTION_CLOSE"),
    (0x1d, "CONNECTION_CLOSE by the application"),
    (0x1e, "HANDSHAKE_DONE"),
    (0x30, "DATAGRAM"),
    (0x31, "DATAGRAM"),
];
const CLOSES: Names = &[
    (0, "NO_ERROR"),
    (1, "INTERNAL_ERROR"),
    (2, "CONNECTION_REFUSED"),
    (3, "FLOW_CONTROL_ERROR"),
    (4, "STREAM_LIMIT_ERROR"),
    (5, "STREAM_STATE_ERROR"),
    (6, "FINAL_SIZE_ERROR"),
    (7, "FRAME_ENCODING_ERROR"),
    (8, "TRANSPORT_PARAMETER_ERROR"),
    (9, "CONNECTION_ID_LIMIT_ERROR"),
    (0x0a, "PROTOCOL_VIOLATION"),
    (0x0b, "INVALID_TOKEN"),
    (0x0c, "APPLICATION_ERROR"),
    (0x0d, "CRYPTO_BUFFER_EXCEEDED"),
    (0x0e, "KEY_UPDATE_ERROR"),
    (0x0f, "AEAD_LIMIT_REACHED"),
    (0x10, "NO_VIABLE_PATH"),
    (0x11, "VERSION_NEGOTIATION_ERROR"),
];

fields! {
    ALL:
    QUIC = Group "quic", "QUIC packet", "RFC 9000 §17";
    FORM = Dec "quic.header_form", "Header form", "RFC 9000 §17".names(&[(0, "short"), (1, "long")]);
    FIXED = Bool "quic.fixed_bit", "Fixed bit", "RFC 9000 §17";
    TYPE = Dec "quic.long.packet_type", "Packet type", "RFC 9000 §17.2".names(TYPES);
    TYPE_2 = Dec "quic.long.packet_type_v2", "Packet type", "RFC 9369 §3.2".names(TYPES_2);
    SPIN = Bool "quic.spin_bit", "Spin bit", "RFC 9000 §17.4";
    KEY_PHASE = Dec "quic.key_phase", "Key phase", "RFC 9001 §6";
    NUMBER_LENGTH = Dec "quic.packet_number_length", "Packet number's length", "RFC 9000 §17.2".oracle("-");
    VERSION = Hex "quic.version", "Version", "RFC 9000 §15".names(VERSIONS).key();
    TO_LENGTH = Dec "quic.dcil", "Destination connection ID's length", "RFC 9000 §17.2";
    TO = Bytes "quic.dcid", "Destination connection ID", "RFC 9000 §5.1".key();
    FROM_LENGTH = Dec "quic.scil", "Source connection ID's length", "RFC 9000 §17.2";
    FROM = Bytes "quic.scid", "Source connection ID", "RFC 9000 §5.1";
    TOKEN_LENGTH = Dec "quic.token_length", "Token's length", "RFC 9000 §17.2.2";
    TOKEN = Bytes "quic.token", "Token", "RFC 9000 §8.1";
    LENGTH = Dec "quic.length", "Length", "RFC 9000 §17.2";
    NUMBER = Dec "quic.packet_number", "Packet number", "RFC 9000 §12.3".key();
    PAYLOAD = Bytes "quic.payload", "Payload", "RFC 9000 §12.4".oracle("-");
    PROTECTED = Bytes "quic.protected_payload", "Protected payload", "RFC 9001 §5".oracle("-");
    SUPPORTED = Hex "quic.supported_version", "Supported version", "RFC 9000 §17.2.1".names(VERSIONS);
    RETRY_TOKEN = Bytes "quic.retry_token", "Retry token", "RFC 9000 §17.2.5";
    RETRY_TAG = Bytes "quic.retry_integrity_tag", "Retry's integrity tag", "RFC 9001 §5.8";
    COALESCED_PADDING = Bytes "quic.coalesced_padding_data", "Padding behind the packets", "RFC 9000 §12.2".oracle("-");
}

fields! {
    FRAMES:
    PAYLOAD_FRAMES = Group "quic.frames", "QUIC frames", "RFC 9000 §12.4".oracle("-");
    FRAME = Group "quic.frame", "Frame", "RFC 9000 §19";
    FRAME_TYPE = Hex "quic.frame_type", "Frame type", "RFC 9000 §19".names(FRAME_TYPES);
    PADDING = Dec "quic.padding_length", "Padding", "RFC 9000 §19.1";
    LARGEST = Dec "quic.ack.largest_acknowledged", "Largest acknowledged", "RFC 9000 §19.3";
    ACK_DELAY = Dec "quic.ack.ack_delay", "Acknowledgement delay", "RFC 9000 §19.3";
    RANGES = Dec "quic.ack.ack_range_count", "Ranges", "RFC 9000 §19.3";
    FIRST_RANGE = Dec "quic.ack.first_ack_range", "First range", "RFC 9000 §19.3";
    GAP = Dec "quic.ack.gap", "Gap", "RFC 9000 §19.3.1";
    RANGE = Dec "quic.ack.ack_range", "Range", "RFC 9000 §19.3.1";
    ECT0 = Dec "quic.ack.ect0_count", "ECT(0) packets", "RFC 9000 §19.3.2";
    ECT1 = Dec "quic.ack.ect1_count", "ECT(1) packets", "RFC 9000 §19.3.2";
    CE = Dec "quic.ack.ecn_ce_count", "Packets that met congestion", "RFC 9000 §19.3.2";
    RESET_STREAM = Dec "quic.rsts.stream_id", "Stream", "RFC 9000 §19.4";
    RESET_CODE = Hex "quic.rsts.application_error_code", "Application's code", "RFC 9000 §19.4".oracle("-");
    FINAL_SIZE = Dec "quic.rsts.final_size", "Final size", "RFC 9000 §19.4";
    STOP_STREAM = Dec "quic.ss.stream_id", "Stream", "RFC 9000 §19.5";
    STOP_CODE = Hex "quic.ss.application_error_code", "Application's code", "RFC 9000 §19.5".oracle("-");
    CRYPTO_OFFSET = Dec "quic.crypto.offset", "Offset", "RFC 9000 §19.6";
    CRYPTO_LENGTH = Dec "quic.crypto.length", "Length", "RFC 9000 §19.6";
    CRYPTO_DATA = Bytes "quic.crypto.crypto_data", "Handshake bytes", "RFC 9000 §19.6".oracle("-");
    NEW_TOKEN_LENGTH = Dec "quic.nt.length", "Token's length", "RFC 9000 §19.7";
    NEW_TOKEN = Bytes "quic.nt.token", "Token", "RFC 9000 §19.7";
    STREAM_ID = Dec "quic.stream.stream_id", "Stream", "RFC 9000 §19.8";
    STREAM_OFFSET = Dec "quic.stream.offset", "Offset", "RFC 9000 §19.8";
    STREAM_LENGTH = Dec "quic.stream.length", "Length", "RFC 9000 §19.8";
    STREAM_DATA = Bytes "quic.stream_data", "Stream's bytes", "RFC 9000 §19.8".oracle("-");
    MAX_DATA = Dec "quic.md.maximum_data", "Most on all streams", "RFC 9000 §19.9";
    MAX_STREAM_ID = Dec "quic.msd.stream_id", "Stream", "RFC 9000 §19.10";
    MAX_STREAM_DATA = Dec "quic.msd.maximum_stream_data", "Most on this stream", "RFC 9000 §19.10";
    MAX_STREAMS = Dec "quic.ms.max_streams", "Most streams", "RFC 9000 §19.11";
    BLOCKED_STREAM = Dec "quic.sdb.stream_id", "Stream", "RFC 9000 §19.13";
    BLOCKED_AT = Dec "quic.sb.stream_data_limit", "Limit", "RFC 9000 §19.12".oracle("-");
    BLOCKED_STREAMS = Dec "quic.sib.stream_limit", "Limit of streams", "RFC 9000 §19.14";
    ID_SEQUENCE = Dec "quic.nci.sequence", "Sequence number", "RFC 9000 §19.15";
    ID_RETIRE = Dec "quic.nci.retire_prior_to", "Retire before", "RFC 9000 §19.15";
    ID_LENGTH = Dec "quic.nci.connection_id.length", "ID's length", "RFC 9000 §19.15";
    ID = Bytes "quic.nci.connection_id", "Connection ID", "RFC 9000 §19.15";
    RESET_TOKEN = Bytes "quic.nci.stateless_reset_token", "Stateless reset token", "RFC 9000 §10.3";
    RETIRE_SEQUENCE = Dec "quic.rci.sequence", "Sequence number", "RFC 9000 §19.16";
    CHALLENGE = Bytes "quic.path_challenge.data", "Challenge", "RFC 9000 §19.17";
    RESPONSE = Bytes "quic.path_response.data", "Response", "RFC 9000 §19.18";
    CLOSE_CODE = Hex "quic.cc.error_code", "Error code", "RFC 9000 §20.1".names(CLOSES);
    CLOSE_APP = Hex "quic.cc.error_code.app", "Application's error code", "RFC 9000 §20.2".oracle("-");
    CLOSE_FRAME = Hex "quic.cc.frame_type", "Frame type", "RFC 9000 §19.19";
    REASON_LENGTH = Dec "quic.cc.reason_phrase.length", "Reason's length", "RFC 9000 §19.19";
    REASON = Text "quic.cc.reason_phrase", "Reason", "RFC 9000 §19.19";
    DATAGRAM_LENGTH = Dec "quic.dg.length", "Length", "RFC 9221 §4";
    DATAGRAM = Bytes "quic.dg", "Datagram", "RFC 9221 §4".oracle("-");
}

/// The packet ends before its header does.
pub static CUT: Note =
    Note::new("quic.note.cut", "The packet ends before its header does", Severity::Error, About::Malformed).rfc("RFC 9000 §17");
/// Not a QUIC packet.
pub static NOT_QUIC: Note =
    Note::new("quic.note.not_quic", "Not a QUIC packet", Severity::Error, About::Malformed).rfc("RFC 9000 §17.3");
/// A connection ID longer than 20 bytes.
pub static LONG_ID: Note =
    Note::new("quic.note.long_id", "A connection ID longer than 20 bytes", Severity::Error, About::Malformed)
        .rfc("RFC 9000 §17.2");
/// The connection's beginning was not captured, so its packets cannot be read.
pub static NO_START: Note = Note::new(
    "quic.note.no_start",
    "The connection's beginning was not captured, so its packets cannot be read",
    Severity::Note,
    About::Missing,
)
.rfc("RFC 9001 §5.2");
/// The key for this packet is not there.
pub static NO_KEY: Note =
    Note::new("quic.note.no_key", "The key for this packet is not there", Severity::Note, About::Missing).rfc("RFC 9001 §5.1");
/// No key fits this packet.
pub static WRONG_KEY: Note =
    Note::new("quic.note.wrong_key", "No key fits this packet", Severity::Warn, About::Missing).rfc("RFC 9001 §5");
/// More bytes wait for missing ones than are kept.
pub static TOO_MUCH: Note =
    Note::new("quic.note.too_much", "More bytes wait for missing ones than are kept", Severity::Warn, About::Limit);
/// All of them.
pub static NOTES: &[&Note] = &[&CUT, &NOT_QUIC, &LONG_ID, &NO_START, &NO_KEY, &WRONG_KEY, &TOO_MUCH];

/// A frame type that does not exist.
pub static UNKNOWN_FRAME: Note =
    Note::new("quic.note.unknown_frame", "A frame type that does not exist", Severity::Error, About::Malformed)
        .rfc("RFC 9000 §12.4");
/// All of them.
pub static FRAME_NOTES: &[&Note] = &[&UNKNOWN_FRAME];

/// Has said hello.
pub static HELLO_SENT: State = State { name: "quic.state.hello_sent", label: "Has said hello" };
/// Has answered the hello.
pub static HELLO_ANSWERED: State = State { name: "quic.state.hello_answered", label: "Has answered the hello" };
/// Finishes the handshake.
pub static HANDSHAKING: State = State { name: "quic.state.handshaking", label: "Finishes the handshake" };
/// Connected.
pub static CONNECTED: State = State { name: "quic.state.connected", label: "Connected" };
/// Has closed the connection.
pub static CLOSED: State = State { name: "quic.state.closed", label: "Has closed the connection" };
/// Every state.
pub static STATES: &[&State] = &[&HELLO_SENT, &HELLO_ANSWERED, &HANDSHAKING, &CONNECTED, &CLOSED];
