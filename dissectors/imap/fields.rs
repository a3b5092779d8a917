//! Fields, notes and states of IMAP, by Wireshark's names where it has them.

use crate::coding::sasl;
use wirelore_kit::{About, F, Field, Kind, Note, Role, Severity, State, fields};

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    text(name, label, rfc).oracle("-")
}

fields! {
    IMAP = Field::group("imap", "Internet Message Access Protocol").rfc("RFC 9051");
    REQUEST_TAG = text("imap.request_tag", "Tag", "RFC 9051 §2.2.1");
    REQUEST_COMMAND = text("imap.request.command", "Command", "RFC 9051 §6").key().role(Role::Method);
    UID = Field::new("imap.request.command.uid", "By unique numbers", Kind::Bool).rfc("RFC 9051 §6.4.9");
    ARGUMENTS = own("imap.request.arguments", "Arguments", "RFC 9051 §6").key();
    FOLDER = text("imap.request.folder", "Mailbox", "RFC 9051 §5.1").role(Role::Path);
    USERNAME = text("imap.request.username", "User name", "RFC 9051 §6.2.3");
    PASSWORD = text("imap.request.password", "Password", "RFC 9051 §6.2.3").secret();
    RESPONSE_TAG = text("imap.response_tag", "Tag", "RFC 9051 §2.2.2");
    STATUS = text("imap.response.status", "How it went", "RFC 9051 §7.1").key().role(Role::Status);
    RESPONSE_COMMAND = own("imap.response.command", "What is told", "RFC 9051 §7").key();
    NUMBER = Field::new("imap.response.number", "Number", Kind::Dec).rfc("RFC 9051 §7.4").oracle("-");
    TEXT = own("imap.response.text", "Text", "RFC 9051 §7").key();
    ANSWERS = own("imap.response.to", "Answers", "RFC 9051 §2.2.2");
    CONTINUE = own("imap.continue", "Go on", "RFC 9051 §7.6");
    DELIMITER = Field::new("imap.delimiter", "Delimiter", Kind::Bytes).rfc("RFC 9051 §2.2").oracle("-");
    LITERAL_SIZE = Field::new("imap.literal.size", "Bytes of the literal", Kind::Dec).rfc("RFC 9051 §4.3").oracle("-");
    LITERAL = Field::new("imap.literal", "Literal", Kind::Bytes).rfc("RFC 9051 §4.3").oracle("-");
    LETTER = Field::new("imap.letter", "Letter", Kind::Bytes).rfc("RFC 9051 §6.4.5").oracle("-");
    SECRET_LITERAL = Field::new("imap.literal.secret", "Literal of a login", Kind::Bytes).rfc("RFC 9051 §4.3").oracle("-").secret();
    REST = own("imap.rest", "Line goes on", "RFC 9051 §4.3");
    MECHANISM = own("imap.auth.mechanism", "Mechanism", "RFC 9051 §6.2.2").key();
    RESPONSE = own("imap.auth.response", "Client's answer, base64", "RFC 9051 §6.2.2").secret();
    CHALLENGE = own("imap.auth.challenge", "Server's challenge", "RFC 9051 §6.2.2");
    USER = own("imap.auth.user", "User name", "RFC 4422 §3");
    ACTS_FOR = own("imap.auth.acts_for", "Acts for", "RFC 4616 §2");
    AUTH_PASSWORD = own("imap.auth.password", "Password", "RFC 4616 §2").secret();
    PROOF = own("imap.auth.proof", "Digest, token or proof", "RFC 4422 §3").secret();
    ATTRIBUTE = own("imap.auth.attribute", "Attribute", "RFC 5802 §5.1");
}

const fn note(name: &'static str, label: &'static str, severity: Severity, about: About) -> Note {
    Note::new(name, label, severity, about)
}

pub static NOT_COMMAND: Note =
    note("imap.note.not_command", "These bytes are no command", Severity::Warn, About::Malformed).rfc("RFC 9051 §2.2.1");
pub static NOT_RESPONSE: Note =
    note("imap.note.not_response", "These bytes are no response", Severity::Warn, About::Malformed).rfc("RFC 9051 §2.2.2");
pub static TOO_LONG: Note =
    note("imap.note.too_long", "A line goes on beyond what is read as one", Severity::Error, About::Limit).rfc("RFC 7162 §4");
pub static REFUSED: Note = note("imap.note.refused", "Refused", Severity::Warn, About::Response).rfc("RFC 9051 §7.1");
pub static CLEAR_PASSWORD: Note =
    note("imap.note.clear_password", "The password travels in the clear", Severity::Warn, About::Security).rfc("RFC 9051 §11.3");
pub static BEHIND_STARTTLS: Note = note(
    "imap.note.behind_starttls",
    "A command in the clear behind STARTTLS, before the server's answer",
    Severity::Error,
    About::Security,
)
.rfc("RFC 9051 §6.2.1");
pub static BARE_LF: Note =
    note("imap.note.bare_lf", "The line ends in LF without CR", Severity::Note, About::Protocol).rfc("RFC 9051 §2.2");
/// Every note of the protocol.
pub static NOTES: &[&Note] = &[&NOT_COMMAND, &NOT_RESPONSE, &TOO_LONG, &REFUSED, &CLEAR_PASSWORD, &BEHIND_STARTTLS, &BARE_LF];

macro_rules! states {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal;)*) => {
        $($(#[$doc])* pub static $id: State = State { name: $name, label: $label };)*
        /// Every state.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    /// RFC 9051 §3.1.
    NOT_AUTHENTICATED = "imap.state.not_authenticated", "Not authenticated: who are you?";
    /// RFC 9051 §3.2.
    AUTHENTICATED = "imap.state.authenticated", "Authenticated: no mailbox chosen";
    /// RFC 9051 §3.3.
    SELECTED = "imap.state.selected", "A mailbox is chosen";
    /// RFC 9051 §3.4.
    LOGOUT = "imap.state.logout", "Logged out";
    /// Both go on in TLS.
    TLS = "imap.state.tls", "Going on in TLS";
    /// The client lets the server tell news (RFC 2177).
    IDLE = "imap.state.idle", "Waits for news";
}

/// What SASL messages say, in this protocol's fields.
pub static SASL: sasl::Fields = sasl::Fields {
    response: &RESPONSE,
    user: &USER,
    acts_for: &ACTS_FOR,
    password: &AUTH_PASSWORD,
    digest: &PROOF,
    token: &PROOF,
    attribute: &ATTRIBUTE,
    whole: &PROOF,
};
