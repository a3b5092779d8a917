//! What can be noted of SMTP: broken grammar, refused letters, limits, and shapes that smuggling and command injection use.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of the protocol.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_COMMAND = "smtp.note.not_command", "These bytes are no command", Warn, Malformed, "RFC 5321 §4.1.1";
    NOT_REPLY = "smtp.note.not_reply", "These bytes are no reply", Warn, Malformed, "RFC 5321 §4.2";
    TOO_LONG = "smtp.note.too_long", "A line or reply goes on beyond what is read as one", Error, Limit, "RFC 5321 §4.5.3.1";
    COMMAND_LONG = "smtp.note.command_long", "The command line is longer than allowed", Note, Protocol, "RFC 5321 §4.5.3.1.4";
    REPLY_LONG = "smtp.note.reply_long", "A line of the reply is longer than 512 octets", Note, Protocol, "RFC 5321 §4.5.3.1.5";
    LINE_LONG = "smtp.note.line_long", "A line of the letter is longer than 998 octets", Note, Protocol, "RFC 5321 §4.5.3.1.6";
    COMMAND_BARE_LF = "smtp.note.command_bare_lf", "The line ends in LF without CR", Warn, Security, "RFC 5321 §2.3.8";
    BARE_LF = "smtp.note.bare_lf", "LF without CR in the letter", Warn, Security, "RFC 5321 §2.3.8";
    BARE_CR = "smtp.note.bare_cr", "CR without LF in the letter", Warn, Security, "RFC 5321 §2.3.8";
    SMUGGLING = "smtp.note.smuggling", "A line of one dot with odd line ends: some servers take it for the end of the letter", Error, Security, "RFC 5321 §4.1.1.4";
    UNKNOWN_COMMAND = "smtp.note.unknown_command", "A command that no RFC knows", Note, Protocol, "RFC 5321 §4.1.5";
    NO_BRACKETS = "smtp.note.no_brackets", "The address does not stand in angle brackets", Note, Protocol, "RFC 5321 §4.1.2";
    BLANK_IN_PATH = "smtp.note.blank_in_path", "A blank stands between the colon and the address", Chat, Protocol, "RFC 5321 §3.3";
    CODES_DIFFER = "smtp.note.codes_differ", "The lines of one reply have different codes", Warn, Malformed, "RFC 5321 §4.2.1";
    REFUSED_NOW = "smtp.note.refused_now", "Refused for now: the client may try again", Note, Response, "RFC 5321 §4.2.1";
    REFUSED = "smtp.note.refused", "Refused for good", Warn, Response, "RFC 5321 §4.2.1";
    NOT_ASKED = "smtp.note.not_asked", "A reply to no command that was seen", Note, Sequence, "RFC 5321 §4.2";
    BEHIND_STARTTLS = "smtp.note.behind_starttls", "A command in the clear behind STARTTLS, before the server's answer", Error, Security, "RFC 3207 §4.2";
    EARLY_LETTER = "smtp.note.early_letter", "The client sent on behind DATA without waiting for 354", Warn, Security, "RFC 5321 §4.1.1.4";
    PIPELINED = "smtp.note.pipelined", "Sent before the reply to the last command, though the server does not offer PIPELINING", Note, Protocol, "RFC 2920 §3.1";
    CLEAR_PASSWORD = "smtp.note.clear_password", "The password travels in the clear", Warn, Security, "RFC 4954 §4";
    SIZE_BAD = "smtp.note.size_bad", "BDAT does not say how many bytes follow", Error, Malformed, "RFC 3030 §2";
    SIZE_DIFFERS = "smtp.note.size_differs", "The letter is larger than MAIL announced", Note, Protocol, "RFC 1870 §6.1";
    LETTER_HOLE = "smtp.note.letter_hole", "Bytes of the letter are missing", Warn, Missing, "RFC 5321 §4.1.1.4";
}
