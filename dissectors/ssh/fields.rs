//! Fields, notes and states of SSH, by Wireshark's names.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Severity, State, fields};

/// Message numbers (RFC 4250 §4.1.2, RFC 4419, RFC 5656). 30 to 34 depend on the key exchange; these are their usual meanings.
pub static MESSAGES: Names = &[
    (1, "Disconnect"),
    (2, "Ignore"),
    (3, "Unimplemented"),
    (4, "Debug"),
    (5, "Service Request"),
    (6, "Service Accept"),
    (7, "Extension Info"),
    (20, "Key Exchange Init"),
    (21, "New Keys"),
    (30, "Key Exchange (client's half)"),
    (31, "Key Exchange (server's half)"),
    (32, "Group Exchange Init"),
    (33, "Group Exchange Reply"),
    (34, "Group Exchange Request"),
];

const fn list(name: &'static str, label: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc("RFC 4253 §7.1")
}

const fn own(name: &'static str, label: &'static str, kind: Kind, rfc: &'static str) -> Field {
    Field::new(name, label, kind).rfc(rfc).oracle("-")
}

fields! {
    SSH = Field::group("ssh", "SSH Protocol").rfc("RFC 4253");
    BEFORE = own("ssh.before", "Line before the version", Kind::Text, "RFC 4253 §4.2");
    PROTOCOL = Field::new("ssh.protocol", "Protocol", Kind::Text).key().rfc("RFC 4253 §4.2");
    EOL = own("ssh.eol", "End of line", Kind::Bytes, "RFC 4253 §4.2");
    LENGTH = Field::new("ssh.packet_length", "Packet length", Kind::Dec).rfc("RFC 4253 §6");
    PADDING_LENGTH = Field::new("ssh.padding_length", "Padding length", Kind::Dec).rfc("RFC 4253 §6");
    CODE = Field::new("ssh.message_code", "Message code", Kind::Dec).names(MESSAGES).key().rfc("RFC 4250 §4.1");
    COOKIE = Field::new("ssh.cookie", "Cookie", Kind::Bytes).rfc("RFC 4253 §7.1");
    LIST_LENGTH = own("ssh.list_length", "Length of the list", Kind::Dec, "RFC 4251 §5");
    KEX = list("ssh.kex_algorithms", "Key exchange algorithms");
    HOST_KEYS = list("ssh.server_host_key_algorithms", "Host key algorithms");
    CIPHERS_UP = list("ssh.encryption_algorithms_client_to_server", "Encryption algorithms, client to server");
    CIPHERS_DOWN = list("ssh.encryption_algorithms_server_to_client", "Encryption algorithms, server to client");
    MACS_UP = list("ssh.mac_algorithms_client_to_server", "MAC algorithms, client to server");
    MACS_DOWN = list("ssh.mac_algorithms_server_to_client", "MAC algorithms, server to client");
    COMPRESSION_UP = list("ssh.compression_algorithms_client_to_server", "Compression algorithms, client to server");
    COMPRESSION_DOWN = list("ssh.compression_algorithms_server_to_client", "Compression algorithms, server to client");
    LANGUAGES_UP = list("ssh.languages_client_to_server", "Languages, client to server");
    LANGUAGES_DOWN = list("ssh.languages_server_to_client", "Languages, server to client");
    FIRST_FOLLOWS = Field::new("ssh.first_kex_packet_follows", "First key exchange packet follows", Kind::Dec).rfc("RFC 4253 §7.1");
    RESERVED = Field::new("ssh.kex.reserved", "Reserved", Kind::Bytes).rfc("RFC 4253 §7.1");
    AGREED_KEX = own("ssh.agreed.kex", "Key exchange agreed on", Kind::Text, "RFC 4253 §7.1");
    AGREED_HOST_KEY = own("ssh.agreed.host_key", "Host key algorithm agreed on", Kind::Text, "RFC 4253 §7.1");
    AGREED_CIPHER_UP = own("ssh.agreed.cipher_up", "Cipher agreed on, client to server", Kind::Text, "RFC 4253 §7.1");
    AGREED_CIPHER_DOWN = own("ssh.agreed.cipher_down", "Cipher agreed on, server to client", Kind::Text, "RFC 4253 §7.1");
    HASSH = Field::new("ssh.kex.hassh", "hassh", Kind::Text).rfc("RFC 4253 §7.1");
    HASSH_SERVER = Field::new("ssh.kex.hasshserver", "hasshServer", Kind::Text).rfc("RFC 4253 §7.1");
    HOST_KEY_LENGTH = Field::new("ssh.host_key.length", "Host key length", Kind::Dec).rfc("RFC 5656 §4");
    HOST_KEY_TYPE_LENGTH = Field::new("ssh.host_key.type_length", "Host key type length", Kind::Dec).rfc("RFC 4253 §6.6");
    HOST_KEY_TYPE = Field::new("ssh.host_key.type", "Host key type", Kind::Text).rfc("RFC 4253 §6.6");
    HOST_KEY_DATA = own("ssh.host_key.data", "Host key data", Kind::Bytes, "RFC 4253 §6.6");
    KEX_DATA = own("ssh.kex.data", "Key exchange data", Kind::Bytes, "RFC 4253 §8");
    REASON = Field::new("ssh.disconnect_reason", "Disconnect reason", Kind::Dec).rfc("RFC 4253 §11.1");
    DESCRIPTION_LENGTH = Field::new("ssh.disconnect_description_length", "Disconnect description length", Kind::Dec).rfc("RFC 4253 §11.1");
    DESCRIPTION = Field::new("ssh.disconnect_description", "Disconnect description", Kind::Text).rfc("RFC 4253 §11.1");
    PAYLOAD = Field::new("ssh.payload", "Payload", Kind::Bytes).rfc("RFC 4253 §6").oracle("-");
    PADDING = Field::new("ssh.padding_string", "Padding string", Kind::Bytes).rfc("RFC 4253 §6");
    ENCRYPTED = Field::new("ssh.encrypted_packet", "Encrypted packets", Kind::Bytes).rfc("RFC 4253 §6").oracle("-");
}

pub static NOT_SSH: Note =
    Note::new("ssh.note.not_ssh", "This is no packet of SSH", Severity::Warn, About::Malformed).rfc("RFC 4253 §6");
pub static OLD: Note =
    Note::new("ssh.note.old", "SSH version 1 is offered, which is broken", Severity::Warn, About::Security).rfc("RFC 4253 §5");
pub static LONG: Note =
    Note::new("ssh.note.long", "The version line is longer than 255 bytes", Severity::Note, About::Protocol).rfc("RFC 4253 §4.2");
pub static NOTES: &[&Note] = &[&NOT_SSH, &OLD, &LONG];

pub static GREETING: State = State { name: "ssh.state.version", label: "Said its version" };
pub static EXCHANGING: State = State { name: "ssh.state.kex", label: "Exchanging keys" };
pub static PROTECTED: State = State { name: "ssh.state.protected", label: "Everything is encrypted" };
pub static STATES: &[&State] = &[&GREETING, &EXCHANGING, &PROTECTED];
