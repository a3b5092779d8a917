//! WebSocket fields and states, by Wireshark's names where it has them.

use wirelore_kit::{F, Field, Kind, Names, Role, State};

/// Opcodes (RFC 6455 §11.8).
pub static OPCODES: Names =
    &[(0, "Continuation"), (1, "Text"), (2, "Binary"), (8, "Connection Close"), (9, "Ping"), (10, "Pong")];

/// Close codes (RFC 6455 §7.4.1 and the IANA registry).
pub static CLOSE_CODES: Names = &[
    (1000, "Normal Closure"),
    (1001, "Going Away"),
    (1002, "Protocol Error"),
    (1003, "Unsupported Data"),
    (1004, "Reserved"),
    (1005, "No Status Received"),
    (1006, "Abnormal Closure"),
    (1007, "Invalid Payload Data"),
    (1008, "Policy Violation"),
    (1009, "Message Too Big"),
    (1010, "Mandatory Extension Missing"),
    (1011, "Internal Error"),
    (1012, "Service Restart"),
    (1013, "Try Again Later"),
    (1014, "Bad Gateway"),
    (1015, "TLS Handshake Failed"),
    (3000, "Unauthorized"),
    (3003, "Forbidden"),
    (3008, "Timeout"),
];

pub static WEBSOCKET: Field = Field::group("websocket", "WebSocket").rfc("RFC 6455 §5.2").oracle("-");
pub static FIN: Field = Field::new("websocket.fin", "Last fragment (FIN)", Kind::Bool).key().rfc("RFC 6455 §5.2");
pub static RSV: Field = Field::new("websocket.rsv", "Reserved bits (RSV1 to RSV3)", Kind::Hex).rfc("RFC 6455 §5.2");
pub static COMPRESSED: Field = Field::new("websocket.pmc", "Compressed (RSV1)", Kind::Bool).key().rfc("RFC 7692 §6");
pub static OPCODE: Field =
    Field::new("websocket.opcode", "Opcode", Kind::Dec).names(OPCODES).key().role(Role::Method).rfc("RFC 6455 §5.2");
pub static MASK: Field = Field::new("websocket.mask", "Masked", Kind::Bool).key().rfc("RFC 6455 §5.3");
pub static LENGTH_7: Field = Field::new("websocket.payload_length", "Payload length", Kind::Dec).rfc("RFC 6455 §5.2");
pub static LENGTH_16: Field =
    Field::new("websocket.payload_length_ext_16", "Payload length, 16 bits", Kind::Dec).rfc("RFC 6455 §5.2");
pub static LENGTH_64: Field =
    Field::new("websocket.payload_length_ext_64", "Payload length, 64 bits", Kind::Dec).rfc("RFC 6455 §5.2");
pub static MASKING_KEY: Field = Field::new("websocket.masking_key", "Masking key", Kind::Bytes).rfc("RFC 6455 §5.3");
pub static LENGTH: Field = Field::new("websocket.length", "Bytes of payload", Kind::Dec).key().rfc("RFC 6455 §5.2").oracle("-");
pub static PAYLOAD: Field = Field::new("websocket.payload", "Payload", Kind::Bytes).rfc("RFC 6455 §5.2").oracle("-");
pub static MASKED_PAYLOAD: Field =
    Field::new("websocket.masked_payload", "Payload, masked", Kind::Bytes).rfc("RFC 6455 §5.3").oracle("-");
pub static TEXT: Field = Field::new("websocket.payload.text", "Text", Kind::Text).rfc("RFC 6455 §5.6");
pub static BINARY: Field = Field::new("websocket.payload.binary", "Binary", Kind::Bytes).rfc("RFC 6455 §5.6").oracle("-");
pub static CONTINUE: Field =
    Field::new("websocket.payload.continue", "Fragment, unmasked", Kind::Bytes).rfc("RFC 6455 §5.4").oracle("-");
pub static CLOSE_CODE: Field = Field::new("websocket.payload.close.status_code", "Close code", Kind::Dec)
    .names(CLOSE_CODES)
    .key()
    .role(Role::Status)
    .rfc("RFC 6455 §7.4");
pub static CLOSE_REASON: Field = Field::new("websocket.payload.close.reason", "Reason", Kind::Text).key().rfc("RFC 6455 §7.1.6");
pub static PING: Field = Field::new("websocket.payload.ping", "Ping data", Kind::Bytes).rfc("RFC 6455 §5.5.2");
pub static PONG: Field = Field::new("websocket.payload.pong", "Pong data", Kind::Bytes).rfc("RFC 6455 §5.5.3");
pub static FRAGMENTS: Field =
    Field::new("websocket.fragment.count", "Fragments of the message", Kind::Dec).rfc("RFC 6455 §5.4").oracle("-");
pub static MESSAGE_LENGTH: Field =
    Field::new("websocket.message.length", "Bytes of the whole message", Kind::Dec).rfc("RFC 6455 §5.4").oracle("-");
pub static ACCEPT: Field =
    Field::new("websocket.handshake.accept", "Accept, recomputed", Kind::Text).rfc("RFC 6455 §4.2.2").oracle("-");
pub static EXTENSIONS: Field =
    Field::new("websocket.handshake.extensions", "Extensions agreed", Kind::Text).rfc("RFC 6455 §9.1").oracle("-");
pub static SUBPROTOCOL: Field =
    Field::new("websocket.handshake.protocol", "Subprotocol agreed", Kind::Text).rfc("RFC 6455 §1.9").oracle("-");

const ENGINE: &str = "Engine.IO protocol, revision 4";
const SOCKET: &str = "Socket.IO protocol, revision 5";
pub static ENGINE_IO: Field = Field::new("engineio.type", "Engine.IO packet", Kind::Text).rfc(ENGINE).oracle("-");
pub static SOCKET_IO: Field = Field::new("socketio.type", "Socket.IO packet", Kind::Text).rfc(SOCKET).oracle("-");
pub static SOCKET_IO_BINARY: Field =
    Field::new("socketio.attachments", "Binary messages that follow", Kind::Text).rfc(SOCKET).oracle("-");
pub static SOCKET_IO_NAMESPACE: Field = Field::new("socketio.namespace", "Namespace", Kind::Text).rfc(SOCKET).oracle("-");
pub static SOCKET_IO_ACK: Field = Field::new("socketio.ack", "Acknowledgement id", Kind::Text).rfc(SOCKET).oracle("-");
pub static SOCKET_IO_EVENT: Field = Field::new("socketio.event", "Event", Kind::Text).rfc(SOCKET).oracle("-");
pub static STOMP_COMMAND: Field = Field::new("stomp.command", "STOMP command", Kind::Text).rfc("STOMP 1.2").oracle("-");
pub static STOMP_HEADER: Field = Field::new("stomp.header", "STOMP header", Kind::Text).rfc("STOMP 1.2").oracle("-");

/// Every field of the protocol.
pub static ALL: &[F] = &[
    &WEBSOCKET,
    &FIN,
    &RSV,
    &COMPRESSED,
    &OPCODE,
    &MASK,
    &LENGTH_7,
    &LENGTH_16,
    &LENGTH_64,
    &MASKING_KEY,
    &LENGTH,
    &PAYLOAD,
    &MASKED_PAYLOAD,
    &TEXT,
    &BINARY,
    &CONTINUE,
    &CLOSE_CODE,
    &CLOSE_REASON,
    &PING,
    &PONG,
    &FRAGMENTS,
    &MESSAGE_LENGTH,
    &ACCEPT,
    &EXTENSIONS,
    &SUBPROTOCOL,
    &ENGINE_IO,
    &SOCKET_IO,
    &SOCKET_IO_BINARY,
    &SOCKET_IO_NAMESPACE,
    &SOCKET_IO_ACK,
    &SOCKET_IO_EVENT,
    &STOMP_COMMAND,
    &STOMP_HEADER,
];

pub static OPEN: State = State { name: "websocket.state.open", label: "Open" };
pub static CLOSING: State = State { name: "websocket.state.closing", label: "Closing: Close was sent, its answer is awaited" };
pub static CLOSED: State = State { name: "websocket.state.closed", label: "Closed" };
pub static GONE: State = State { name: "websocket.state.gone", label: "Gone without a Close (1006)" };
/// Every state.
pub static STATES: &[&State] = &[&OPEN, &CLOSING, &CLOSED, &GONE];
