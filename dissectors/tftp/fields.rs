//! Fields, notes and states of TFTP, by Wireshark's names.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Role, Severity, State, fields};

const OPCODES: Names = &[
    (1, "Read Request"),
    (2, "Write Request"),
    (3, "Data Packet"),
    (4, "Acknowledgement"),
    (5, "Error Code"),
    (6, "Option Acknowledgement"),
];

/// What went wrong (RFC 1350 App. I, RFC 2347 §5).
pub static ERRORS: Names = &[
    (0, "Not defined"),
    (1, "File not found"),
    (2, "Access violation"),
    (3, "Disk full or allocation exceeded"),
    (4, "Illegal TFTP operation"),
    (5, "Unknown transfer ID"),
    (6, "File already exists"),
    (7, "No such user"),
    (8, "Option negotiation failed"),
];

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

fields! {
    TFTP = Field::group("tftp", "Trivial File Transfer Protocol").rfc("RFC 1350");
    OPCODE = Field::new("tftp.opcode", "Opcode", Kind::Dec).names(OPCODES).key().role(Role::Method).rfc("RFC 1350 §5");
    SOURCE = text("tftp.source_file", "Source file", "RFC 1350 §5").key().role(Role::File);
    DESTINATION = text("tftp.destination_file", "Destination file", "RFC 1350 §5").key().role(Role::File);
    TYPE = text("tftp.type", "Type", "RFC 1350 §5");
    OPTION_NAME = text("tftp.option.name", "Option name", "RFC 2347 §2");
    OPTION_VALUE = text("tftp.option.value", "Option value", "RFC 2347 §2");
    BLOCK = Field::new("tftp.block", "Block", Kind::Dec).key().rfc("RFC 1350 §5");
    DATA = Field::new("tftp.data", "Data", Kind::Bytes).rfc("RFC 1350 §5").oracle("-");
    ERROR_CODE = Field::new("tftp.error.code", "Error code", Kind::Dec).names(ERRORS).key().role(Role::Status).rfc("RFC 1350 App. I");
    ERROR_TEXT = text("tftp.error.message", "Error message", "RFC 1350 §5");
}

pub static UNKNOWN_OPCODE: Note =
    Note::new("tftp.note.opcode", "An opcode that TFTP does not have", Severity::Error, About::Malformed).rfc("RFC 1350 §5");
pub static NO_END: Note =
    Note::new("tftp.note.no_end", "A text without the zero byte that ends it", Severity::Warn, About::Malformed)
        .rfc("RFC 1350 §5");
pub static AGAIN: Note =
    Note::new("tftp.note.again", "This block was sent before", Severity::Note, About::Sequence).rfc("RFC 1350 §2");
pub static SKIPPED: Note =
    Note::new("tftp.note.skipped", "Blocks before this one are missing", Severity::Warn, About::Missing).rfc("RFC 1350 §2");
pub static REFUSED: Note =
    Note::new("tftp.note.error", "One side ends the transfer with an error", Severity::Note, About::Response).rfc("RFC 1350 §7");
pub static NOTES: &[&Note] = &[&UNKNOWN_OPCODE, &NO_END, &AGAIN, &SKIPPED, &REFUSED];

pub static ASKED: State = State { name: "tftp.state.asked", label: "Asked for a transfer" };
pub static SENDING: State = State { name: "tftp.state.sending", label: "Sent a block, waiting for its acknowledgement" };
pub static RECEIVING: State = State { name: "tftp.state.receiving", label: "Acknowledged, waiting for the next block" };
pub static DONE: State = State { name: "tftp.state.done", label: "All blocks sent" };
pub static FAILED: State = State { name: "tftp.state.failed", label: "Ended with an error" };
pub static STATES: &[&State] = &[&ASKED, &SENDING, &RECEIVING, &DONE, &FAILED];
