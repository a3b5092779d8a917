//! Fields, notes and states of POP3, by Wireshark's names where it has them.

use crate::coding::sasl;
use wirelore_kit::{About, F, Field, Kind, Note, Role, Severity, State, fields};

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    text(name, label, rfc).oracle("-")
}

fields! {
    POP = Field::group("pop", "Post Office Protocol").rfc("RFC 1939");
    COMMAND = text("pop.request.command", "Command", "RFC 1939 §3").key().role(Role::Method);
    PARAMETER = text("pop.request.parameter", "Parameter", "RFC 1939 §3").key();
    PASSWORD = text("pop.password", "Password", "RFC 1939 §7").secret().oracle("pop.request.parameter");
    DIGEST = own("pop.apop.digest", "Digest of the password", "RFC 1939 §7").secret();
    DELIMITER = Field::new("pop.delimiter", "Delimiter", Kind::Bytes).rfc("RFC 1939 §3").oracle("-");
    INDICATOR = text("pop.response.indicator", "How it went", "RFC 1939 §3").key().role(Role::Status);
    DESCRIPTION = text("pop.response.description", "Text", "RFC 1939 §3").key();
    ANSWERS = own("pop.response.to", "Answers", "RFC 1939 §3");
    LINE = Field::group("pop.line", "Line of the answer").rfc("RFC 1939 §3").oracle("-");
    DATA = own("pop.response.data", "Data", "RFC 1939 §3");
    LETTER = Field::new("pop.letter", "Letter", Kind::Bytes).rfc("RFC 1939 §5").oracle("-");
    STUFFED = Field::new("pop.stuffed_dot", "Dot that was put in front", Kind::Bytes).rfc("RFC 1939 §3").oracle("-");
    END = own("pop.end", "End of the answer", "RFC 1939 §3");
    MECHANISM = own("pop.auth.mechanism", "Mechanism", "RFC 5034 §4").key();
    RESPONSE = own("pop.auth.response", "Client's answer, base64", "RFC 5034 §4").secret();
    CHALLENGE = own("pop.auth.challenge", "Server's challenge", "RFC 5034 §4");
    USER = own("pop.auth.user", "User name", "RFC 5034 §4");
    ACTS_FOR = own("pop.auth.acts_for", "Acts for", "RFC 4616 §2");
    AUTH_PASSWORD = own("pop.auth.password", "Password", "RFC 4616 §2").secret();
    AUTH_PROOF = own("pop.auth.proof", "Digest, token or proof", "RFC 4422 §3").secret();
    ATTRIBUTE = own("pop.auth.attribute", "Attribute", "RFC 5802 §5.1");
}

const fn note(name: &'static str, label: &'static str, severity: Severity, about: About) -> Note {
    Note::new(name, label, severity, about)
}

pub static NOT_COMMAND: Note =
    note("pop.note.not_command", "These bytes are no command", Severity::Warn, About::Malformed).rfc("RFC 1939 §3");
pub static NOT_ANSWER: Note =
    note("pop.note.not_answer", "These bytes are no answer", Severity::Warn, About::Malformed).rfc("RFC 1939 §3");
pub static TOO_LONG: Note =
    note("pop.note.too_long", "A line goes on beyond what is read as one", Severity::Error, About::Limit).rfc("RFC 2449 §4");
pub static REFUSED: Note = note("pop.note.refused", "Refused", Severity::Warn, About::Response).rfc("RFC 1939 §3");
pub static CLEAR_PASSWORD: Note =
    note("pop.note.clear_password", "The password travels in the clear", Severity::Warn, About::Security).rfc("RFC 2595 §4");
pub static BEHIND_STLS: Note = note(
    "pop.note.behind_stls",
    "A command in the clear behind STLS, before the server's answer",
    Severity::Error,
    About::Security,
)
.rfc("RFC 2595 §4");
pub static BARE_LF: Note =
    note("pop.note.bare_lf", "The line ends in LF without CR", Severity::Note, About::Protocol).rfc("RFC 1939 §3");
/// Every note of the protocol.
pub static NOTES: &[&Note] = &[&NOT_COMMAND, &NOT_ANSWER, &TOO_LONG, &REFUSED, &CLEAR_PASSWORD, &BEHIND_STLS, &BARE_LF];

macro_rules! states {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal;)*) => {
        $($(#[$doc])* pub static $id: State = State { name: $name, label: $label };)*
        /// Every state.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    /// RFC 1939 §4.
    AUTHORIZATION = "pop.state.authorization", "Authorization: who are you?";
    /// RFC 1939 §5.
    TRANSACTION = "pop.state.transaction", "Transaction: the mailbox is open";
    /// RFC 1939 §6.
    UPDATE = "pop.state.update", "Update: what was marked is deleted";
    /// Both go on in TLS.
    TLS = "pop.state.tls", "Going on in TLS";
    /// A command waits for its answer.
    WAITING = "pop.state.waiting", "Awaits the answer";
    /// A letter is being sent.
    SENDING = "pop.state.sending", "Sending a letter";
}

/// What SASL messages say, in this protocol's fields.
pub static SASL: sasl::Fields = sasl::Fields {
    response: &RESPONSE,
    user: &USER,
    acts_for: &ACTS_FOR,
    password: &AUTH_PASSWORD,
    digest: &AUTH_PROOF,
    token: &AUTH_PROOF,
    attribute: &ATTRIBUTE,
    whole: &AUTH_PROOF,
};
