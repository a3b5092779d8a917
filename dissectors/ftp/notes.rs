//! What can be noted of FTP: broken lines, refusals, and addresses that do not fit.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of the control connection.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NOT_COMMAND = "ftp.note.not_command", "These bytes are no FTP command", Warn, Malformed, "RFC 959 §5.3";
    NOT_REPLY = "ftp.note.not_reply", "These bytes begin no FTP reply", Warn, Malformed, "RFC 959 §4.2";
    TOO_LONG = "ftp.note.too_long", "A command or reply goes on beyond 256 KiB and is not read", Error, Limit, "RFC 959 §4.2";
    BARE_LF = "ftp.note.bare_lf", "A line ends in LF without CR", Note, Protocol, "RFC 959 §4.1.3";
    EMPTY = "ftp.note.empty", "A line without a command", Note, Protocol, "RFC 959 §5.3";
    PASSWORD_CLEAR = "ftp.note.password_clear", "A password was sent without encryption", Warn, Security, "RFC 2577 §5";
    BAD_ADDRESS = "ftp.note.bad_address", "This is no address and port", Error, Malformed, "RFC 959 §5.3.2";
    OTHER_ADDRESS = "ftp.note.other_address", "The address is not that of the end that names it", Note, Security, "RFC 2577 §3";
    LOW_PORT = "ftp.note.low_port", "The data connection is to go to a port below 1024", Warn, Security, "RFC 2577 §3";
    NOT_ASKED = "ftp.note.not_asked", "A reply to no command that was seen", Note, Sequence, "RFC 959 §5.4";
    REFUSED = "ftp.note.refused", "The server says no for good", Note, Response, "RFC 959 §4.2.1";
    NOT_NOW = "ftp.note.not_now", "The server says no for now", Note, Response, "RFC 959 §4.2.1";
    ODD_MODE = "ftp.note.odd_mode", "Data will not be sent as a plain stream, so files cannot be taken out as they are", Note, Limit, "RFC 959 §3.4";
    CLEAR_AGAIN = "ftp.note.clear_again", "The control connection goes back to clear text", Warn, Security, "RFC 4217 §6";
    ADDRESS_REWRITTEN = "ftp.note.address_rewritten", "The address was rewritten, so that the data connection comes through the proxy", Chat, Protocol, "RFC 959 §4.1.2";
    NOT_LISTENING = "ftp.note.not_listening", "The proxy cannot take the data connection that was agreed on", Error, Limit, "RFC 959 §4.1.2";
    STAYS_IN_TLS = "ftp.note.stays_in_tls", "Going back to clear text was refused by the proxy", Note, Limit, "RFC 4217 §6";
}
