//! Fields and states of SMTP, by Wireshark's names where it has them.

use crate::coding::sasl;
use wirelore_kit::{F, Field, Kind, Names, Role, State, fields};

/// Reply codes (RFC 5321 §4.2.3 and extensions).
pub static CODES: Names = &[
    (211, "System status"),
    (214, "Help"),
    (220, "Service ready"),
    (221, "Closing the connection"),
    (235, "Authenticated"),
    (250, "Done"),
    (251, "Not local, will forward"),
    (252, "Cannot verify, will try"),
    (253, "Messages pending"),
    (334, "Go on with authentication"),
    (354, "Send the letter"),
    (421, "Not available, closing"),
    (432, "A password transition is needed"),
    (450, "Mailbox unavailable for now"),
    (451, "Local error, try again"),
    (452, "Too little storage for now"),
    (453, "No mail"),
    (454, "Authentication or TLS fails for now"),
    (455, "Cannot do these parameters now"),
    (458, "Cannot queue for that node"),
    (459, "Node not allowed"),
    (500, "Command not recognised"),
    (501, "Parameters not understood"),
    (502, "Command not implemented"),
    (503, "Wrong order of commands"),
    (504, "Parameter not implemented"),
    (521, "Takes no mail"),
    (523, "Encryption needed"),
    (530, "Authentication needed"),
    (534, "Mechanism too weak"),
    (535, "Credentials refused"),
    (538, "Encryption needed for this mechanism"),
    (541, "Rejected"),
    (550, "Mailbox unavailable"),
    (551, "Not local, try elsewhere"),
    (552, "Too large or no room"),
    (553, "Mailbox name not allowed"),
    (554, "Transaction failed"),
    (555, "Parameters of MAIL or RCPT not known"),
    (556, "That domain takes no mail"),
];

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

/// A field that tshark does not have.
const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    text(name, label, rfc).oracle("-")
}

const fn of(name: &'static str, label: &'static str, kind: Kind, rfc: &'static str) -> Field {
    Field::new(name, label, kind).rfc(rfc).oracle("-")
}

fields! {
    SMTP = Field::group("smtp", "Simple Mail Transfer Protocol").rfc("RFC 5321");
    COMMAND_LINE = Field::group("smtp.command", "Command").rfc("RFC 5321 §4.1.1").oracle("-");
    COMMAND = text("smtp.req.command", "Command", "RFC 5321 §4.1.1").key().role(Role::Method);
    PARAMETER = text("smtp.req.parameter", "Parameter", "RFC 5321 §4.1.1").key();
    DELIMITER = of("smtp.delimiter", "Delimiter", Kind::Bytes, "RFC 5321 §2.3.8");

    CLIENT_NAME = own("smtp.client_name", "The client calls itself", "RFC 5321 §4.1.1.1");
    MAIL_FROM = own("smtp.mail_from", "Sender of the envelope", "RFC 5321 §4.1.1.2").key();
    RCPT_TO = own("smtp.rcpt_to", "Recipient of the envelope", "RFC 5321 §4.1.1.3").key().role(Role::Peer);
    ESMTP = own("smtp.esmtp", "Parameter of an extension", "RFC 5321 §4.1.2");
    SIZE = of("smtp.esmtp.size", "Size announced", Kind::Dec, "RFC 1870 §6");
    BODY = own("smtp.esmtp.body", "Kind of body", "RFC 6152 §2");
    SMTPUTF8 = of("smtp.esmtp.smtputf8", "Addresses and headers in UTF-8", Kind::Bool, "RFC 6531 §3.4");
    RET = own("smtp.esmtp.ret", "What a report returns", "RFC 3461 §4.3");
    ENVID = own("smtp.esmtp.envid", "The sender's name for this letter", "RFC 3461 §4.4");
    NOTIFY = own("smtp.esmtp.notify", "When to report", "RFC 3461 §4.1");
    ORCPT = own("smtp.esmtp.orcpt", "Original recipient", "RFC 3461 §4.2");
    AUTH_PARAMETER = own("smtp.esmtp.auth", "On whose behalf", "RFC 4954 §5");

    AUTH_MECHANISM = own("smtp.auth.mechanism", "Mechanism", "RFC 4954 §4").key();
    AUTH_RESPONSE = own("smtp.auth.response", "Client's answer, base64", "RFC 4954 §4").secret();
    AUTH_CHALLENGE = own("smtp.auth.challenge", "Server's challenge", "RFC 4954 §4");
    AUTH_USER = text("smtp.auth.username", "User name", "RFC 4954 §4");
    AUTH_PASSWORD = text("smtp.auth.password", "Password", "RFC 4616 §2").secret();
    AUTH_ACTS_FOR = own("smtp.auth.acts_for", "Acts for", "RFC 4616 §2");
    AUTH_DIGEST = own("smtp.auth.digest", "Digest or proof", "RFC 2195 §2").secret();
    AUTH_TOKEN = own("smtp.auth.token", "Bearer token", "RFC 7628 §3.1").secret();
    AUTH_ATTRIBUTE = own("smtp.auth.attribute", "Attribute", "RFC 5802 §5.1");
    AUTH_WHOLE = own("smtp.auth.message", "Message of the mechanism", "RFC 4422 §3").secret();

    RESPONSE = Field::group("smtp.reply", "Line of the reply").rfc("RFC 5321 §4.2").oracle("-");
    CODE = Field::new("smtp.response.code", "Reply code", Kind::Dec).names(CODES).key().role(Role::Status).rfc("RFC 5321 §4.2.3");
    CODE_AGAIN = of("smtp.response.code_again", "Reply code, repeated", Kind::Dec, "RFC 5321 §4.2.1");
    RSP_PARAMETER = text("smtp.rsp.parameter", "Text", "RFC 5321 §4.2").key();
    ENHANCED = own("smtp.response.enhanced", "Enhanced status code", "RFC 3463 §2").key();
    ENHANCED_WORDS = own("smtp.response.enhanced.words", "In words", "RFC 3463 §3");
    CAPABILITY = own("smtp.capability", "Capability", "RFC 5321 §4.1.1.1");
    ANSWERS = own("smtp.response.to", "Answers", "RFC 2920 §3.1");
    RECIPIENT = own("smtp.lmtp.recipient", "For the recipient", "RFC 2033 §4.2");

    ENVELOPE_FROM = own("smtp.envelope.from", "Envelope: sender", "RFC 5321 §2.3.1");
    ENVELOPE_TO = own("smtp.envelope.to", "Envelope: recipient", "RFC 5321 §2.3.1");
    DATA = of("smtp.data", "Letter", Kind::Bytes, "RFC 5321 §4.1.1.4");
    STUFFED = of("smtp.data.stuffed_dot", "Dot that was put in front", Kind::Bytes, "RFC 5321 §4.5.2");
    ODD_END = own("smtp.data.odd_end", "Line of one dot with odd line ends", "RFC 5321 §2.3.8");
    LENGTH = of("smtp.data.length", "Bytes of the letter", Kind::Dec, "RFC 5321 §4.5.2");
    EOM = text("smtp.eom", "End of the letter", "RFC 5321 §4.1.1.4").oracle("-");
    CHUNK_SIZE = of("smtp.bdat.size", "Bytes in this chunk", Kind::Dec, "RFC 3030 §2");
    CHUNK_LAST = of("smtp.bdat.last", "Last chunk", Kind::Bool, "RFC 3030 §2");
    CHUNK_DATA = of("smtp.bdat.data", "Chunk of the letter", Kind::Bytes, "RFC 3030 §2");
}

macro_rules! states {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $label:literal;)*) => {
        $($(#[$doc])* pub static $id: State = State { name: $name, label: $label };)*
        /// Every state.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    /// The server has greeted, or nothing is under way.
    READY = "smtp.state.ready", "Ready";
    /// The client said EHLO, HELO or LHLO.
    HELLO = "smtp.state.hello", "Said hello, awaits what the server can do";
    /// The client asked for TLS.
    TLS_ASKED = "smtp.state.tls_asked", "Asked for TLS, must not speak before the answer";
    /// Both go on in TLS.
    TLS = "smtp.state.tls", "Going on in TLS";
    /// The client proves who it is.
    AUTH = "smtp.state.auth", "Proving who it is";
    /// The server asked for the next step of the proof.
    CHALLENGED = "smtp.state.challenged", "Awaits the client's proof";
    /// MAIL was sent: the envelope has a sender.
    MAIL = "smtp.state.mail", "Named the sender";
    /// RCPT was sent: the envelope has recipients.
    RCPT = "smtp.state.rcpt", "Names the recipients";
    /// DATA was sent; the letter must wait for 354.
    DATA_ASKED = "smtp.state.data_asked", "Awaits leave to send the letter";
    /// The letter is on its way.
    SENDING = "smtp.state.sending", "Sending the letter";
    /// The server takes the letter in.
    TAKING = "smtp.state.taking", "Taking the letter in";
    /// The letter is sent; who is responsible for it is decided by the reply.
    SENT = "smtp.state.sent", "Letter sent, awaits its acceptance";
    /// The server has a command to answer.
    ANSWERING = "smtp.state.answering", "Working on the answer";
    /// Another command waits for its reply.
    WAITING = "smtp.state.waiting", "Awaits the reply";
    /// QUIT was sent.
    LEAVING = "smtp.state.leaving", "Leaving";
    /// The server said that it closes.
    CLOSED = "smtp.state.closed", "Closed";
}

/// What SASL messages say, in this protocol's fields.
pub static SASL: sasl::Fields = sasl::Fields {
    response: &AUTH_RESPONSE,
    user: &AUTH_USER,
    acts_for: &AUTH_ACTS_FOR,
    password: &AUTH_PASSWORD,
    digest: &AUTH_DIGEST,
    token: &AUTH_TOKEN,
    attribute: &AUTH_ATTRIBUTE,
    whole: &AUTH_WHOLE,
};
