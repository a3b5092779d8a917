//! Every field of TLS and DTLS records, and the states of both ends.

use super::names;
use wirelore_kit::{F, Field, Kind, State, fields};

const fn new(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field::new(name, label, kind)
}

fields! {
    TLS:
    RECORD = Field::group("tls.record", "Record").rfc("RFC 8446 §5.1");
    CONTENT_TYPE = new("tls.record.content_type", "Content type", Kind::Dec).names(names::CONTENT_TYPES).key().rfc("RFC 8446 §5.1");
    OPAQUE_TYPE = new("tls.record.opaque_type", "Type as sent", Kind::Dec).names(names::CONTENT_TYPES).rfc("RFC 8446 §5.2");
    VERSION = new("tls.record.version", "Version of the record layer", Kind::Hex).names(names::VERSIONS).rfc("RFC 8446 §5.1");
    LENGTH = new("tls.record.length", "Length", Kind::Dec).rfc("RFC 8446 §5.1");
    FRAGMENT = new("tls.record.fragment", "Handshake bytes", Kind::Bytes).rfc("RFC 8446 §5.1").oracle("-");
    ENCRYPTED = new("tls.record.encrypted", "Encrypted bytes", Kind::Bytes).rfc("RFC 8446 §5.2").oracle("-");
    SEQUENCE = new("tls.record.sequence", "Number of the record under its key", Kind::Dec).rfc("RFC 8446 §5.3").oracle("-");
    OPENED_WITH = new("tls.record.opened_with", "Opened with", Kind::Text).rfc("RFC 8446 §7.3").oracle("-");
    PLAIN_LENGTH = new("tls.record.plain_length", "Bytes of content", Kind::Dec).rfc("RFC 8446 §5.4").oracle("-");
    APP_DATA = new("tls.app_data", "Encrypted application data", Kind::Bytes).rfc("RFC 8446 §5.2");
    PLAIN_DATA = new("tls.app_data_plain", "Application data, not encrypted", Kind::Bytes).rfc("RFC 5246 §6.2.1").oracle("-");
    CHANGE_CIPHER_SPEC = new("tls.change_cipher_spec", "Change cipher spec", Kind::Bytes).oracle("-").rfc("RFC 5246 §7.1");
    ALERT = Field::group("tls.alert_message", "Alert").rfc("RFC 8446 §6");
    ALERT_LEVEL = new("tls.alert_message.level", "Level", Kind::Dec).names(names::ALERT_LEVELS).rfc("RFC 8446 §6");
    ALERT_DESC = new("tls.alert_message.desc", "Description", Kind::Dec).names(names::ALERTS).key().rfc("RFC 8446 §6");
    HEARTBEAT = Field::group("tls.heartbeat_message", "Heartbeat").rfc("RFC 6520 §4");
    HEARTBEAT_TYPE = new("tls.heartbeat_message.type", "Type", Kind::Dec).names(&[(1, "Request"), (2, "Response")]).rfc("RFC 6520 §3");
    HEARTBEAT_LENGTH = new("tls.heartbeat_message.payload_length", "Payload length", Kind::Dec).rfc("RFC 6520 §4");
    HEARTBEAT_PAYLOAD = new("tls.heartbeat_message.payload", "Payload", Kind::Bytes).rfc("RFC 6520 §4");
    HEARTBEAT_PADDING = new("tls.heartbeat_message.padding", "Padding", Kind::Bytes).rfc("RFC 6520 §4");
    V2_RECORD = Field::group("tls.v2_hello", "Hello in the form of SSL 2.0").rfc("RFC 5246 §E.2").oracle("-");
    V2_LENGTH = new("tls.v2_hello.length", "Length", Kind::Dec).rfc("RFC 5246 §E.2").oracle("-");
    V2_TYPE = new("tls.v2_hello.type", "Type", Kind::Dec).names(&[(1, "Client Hello")]).rfc("RFC 5246 §E.2").oracle("-");
    V2_VERSION = new("tls.v2_hello.version", "Newest version that the client speaks", Kind::Hex).names(names::VERSIONS).key().rfc("RFC 5246 §E.2").oracle("-");
    V2_SPECS_LENGTH = new("tls.handshake.cipher_spec_len", "Bytes of cipher specs", Kind::Dec).rfc("RFC 5246 §E.2");
    V2_SESSION_LENGTH = new("tls.v2_hello.session_id_length", "Bytes of session id", Kind::Dec).rfc("RFC 5246 §E.2").oracle("-");
    V2_CHALLENGE_LENGTH = new("tls.handshake.challenge_length", "Bytes of challenge", Kind::Dec).rfc("RFC 5246 §E.2");
    V2_SPEC = new("tls.handshake.cipherspec", "Cipher spec", Kind::Hex).names(super::suites::SUITES).rfc("RFC 5246 §E.2");
    V2_SESSION = new("tls.v2_hello.session_id", "Session id", Kind::Bytes).rfc("RFC 5246 §E.2").oracle("-");
    V2_CHALLENGE = new("tls.handshake.challenge", "Challenge", Kind::Bytes).rfc("RFC 5246 §E.2");
}

fields! {
    DTLS:
    D_RECORD = Field::group("dtls.record", "Record").rfc("RFC 6347 §4.1");
    D_CONTENT_TYPE = new("dtls.record.content_type", "Content type", Kind::Dec).names(names::CONTENT_TYPES).key().rfc("RFC 6347 §4.1");
    D_VERSION = new("dtls.record.version", "Version", Kind::Hex).names(names::VERSIONS).rfc("RFC 6347 §4.1");
    D_EPOCH = new("dtls.record.epoch", "Epoch", Kind::Dec).rfc("RFC 6347 §4.1");
    D_SEQUENCE = new("dtls.record.sequence_number", "Sequence number", Kind::Dec).rfc("RFC 6347 §4.1");
    D_CONNECTION_ID = new("dtls.record.connection_id", "Connection ID", Kind::Bytes).rfc("RFC 9146 §4");
    D_LENGTH = new("dtls.record.length", "Length", Kind::Dec).rfc("RFC 6347 §4.1");
    D_UNIFIED = new("dtls.record.unified_header", "Unified header", Kind::Hex).rfc("RFC 9147 §4").oracle("-");
    D_ENCRYPTED_SEQUENCE = new("dtls.record.encrypted_sequence_number", "Encrypted sequence number", Kind::Hex).rfc("RFC 9147 §4.2.3").oracle("-");
    D_ENCRYPTED = new("dtls.record.encrypted", "Encrypted bytes", Kind::Bytes).rfc("RFC 6347 §4.1.2").oracle("-");
    D_APP_DATA = new("dtls.app_data", "Encrypted application data", Kind::Bytes).rfc("RFC 6347 §4.1");
    D_PLAIN_DATA = new("dtls.app_data_plain", "Application data, not encrypted", Kind::Bytes).rfc("RFC 6347 §4.1").oracle("-");
    D_OPENED_WITH = new("dtls.record.opened_with", "Opened with", Kind::Text).rfc("RFC 6347 §4.1.2").oracle("-");
    D_PLAIN_LENGTH = new("dtls.record.plain_length", "Bytes of content", Kind::Dec).rfc("RFC 6347 §4.1.2").oracle("-");
    D_CHANGE_CIPHER_SPEC = new("dtls.change_cipher_spec", "Change cipher spec", Kind::Bytes).oracle("-").rfc("RFC 6347 §4.1");
    D_ALERT = Field::group("dtls.alert_message", "Alert").rfc("RFC 6347 §4.1");
    D_ALERT_LEVEL = new("dtls.alert_message.level", "Level", Kind::Dec).names(names::ALERT_LEVELS).rfc("RFC 5246 §7.2");
    D_ALERT_DESC = new("dtls.alert_message.desc", "Description", Kind::Dec).names(names::ALERTS).key().rfc("RFC 5246 §7.2");
    D_HANDSHAKE = Field::group("dtls.handshake", "Handshake fragment").rfc("RFC 6347 §4.2.2");
    D_TYPE = new("dtls.handshake.type", "Type", Kind::Dec).names(names::HANDSHAKE_TYPES).rfc("RFC 6347 §4.2.2");
    D_MESSAGE_LENGTH = new("dtls.handshake.length", "Length of the whole message", Kind::Dec).rfc("RFC 6347 §4.2.2");
    D_MESSAGE_SEQ = new("dtls.handshake.message_seq", "Number of the message", Kind::Dec).rfc("RFC 6347 §4.2.2");
    D_FRAGMENT_OFFSET = new("dtls.handshake.fragment_offset", "Fragment offset", Kind::Dec).rfc("RFC 6347 §4.2.2");
    D_FRAGMENT_LENGTH = new("dtls.handshake.fragment_length", "Fragment length", Kind::Dec).rfc("RFC 6347 §4.2.2");
    D_FRAGMENT = new("dtls.handshake.fragment_bytes", "Fragment", Kind::Bytes).rfc("RFC 6347 §4.2.3").oracle("-");
    D_ACK = new("dtls.ack", "Record numbers received", Kind::Bytes).rfc("RFC 9147 §7").oracle("-");
}

macro_rules! states {
    ($($id:ident = $name:literal, $label:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: State = State { name: $name, label: $label };)*
        /// Every state, named as in RFC 8446 appendix A where it has one there.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    START = "tls.state.start", "Start";
    WAIT_SH = "tls.state.wait_sh", "Waiting for the server's hello";
    WAIT_EE = "tls.state.wait_ee", "Waiting for the encrypted extensions";
    WAIT_CERT_CR = "tls.state.wait_cert_cr", "Waiting for a certificate or a request for one";
    WAIT_CERT = "tls.state.wait_cert", "Waiting for the certificate";
    WAIT_CV = "tls.state.wait_cv", "Waiting for the proof of the certificate's key";
    WAIT_SHD = "tls.state.wait_shd", "Waiting for the end of the server's hello";
    WAIT_FINISHED = "tls.state.wait_finished", "Waiting for Finished";
    RECVD_CH = "tls.state.recvd_ch", "Has the client's hello";
    NEGOTIATED = "tls.state.negotiated", "Parameters are chosen";
    WAIT_FLIGHT2 = "tls.state.wait_flight2", "Waiting for the client's second flight";
    WAIT_CKE = "tls.state.wait_cke", "Waiting for the client's part of the keys";
    SENDING_EARLY = "tls.state.sending_early", "Sending early data";
    CONNECTED = "tls.state.connected", "Connected";
    CLOSED = "tls.state.closed", "Sends nothing more";
    FAILED = "tls.state.failed", "Failed";
}
