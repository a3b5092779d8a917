//! What can be noted of letters: headers that are wrong or missing, envelopes that say otherwise, broken MIME.

use wirelore_kit::{About, Note, Severity};

macro_rules! notes {
    ($($id:ident = $name:literal, $label:literal, $severity:ident, $about:ident, $rfc:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: Note = Note::new($name, $label, Severity::$severity, About::$about).rfc($rfc);)*
        /// Every note of the protocol.
        pub static ALL: &[&Note] = &[$(&$id),*];
    };
}

notes! {
    NO_HEADERS = "imf.note.no_headers", "The letter begins without headers", Warn, Malformed, "RFC 5322 §3.6";
    NO_FROM = "imf.note.no_from", "No From header", Warn, Protocol, "RFC 5322 §3.6";
    NO_DATE = "imf.note.no_date", "No Date header", Note, Protocol, "RFC 5322 §3.6";
    REPEATED = "imf.note.repeated", "A header that may stand once stands more than once", Warn, Security, "RFC 5322 §3.6";
    BAD_LINE = "imf.note.bad_line", "A line among the headers is none", Warn, Malformed, "RFC 5322 §2.2";
    BARE_END = "imf.note.bare_end", "Lines of the headers end in LF alone", Note, Protocol, "RFC 5322 §2.3";
    EIGHT_BIT = "imf.note.eight_bit", "A header holds bytes beyond ASCII that are no UTF-8", Note, Protocol, "RFC 6532 §3.2";
    ENVELOPE_DIFFERS = "imf.note.envelope_differs", "The sender of the envelope is not the one in the headers", Note, Security, "RFC 5321 §2.3.1";
    RECIPIENT_UNNAMED = "imf.note.recipient_unnamed", "A recipient of the envelope stands in no header", Chat, Security, "RFC 5321 §7.2";
    HEAD_TOO_LONG = "imf.note.head_too_long", "The headers go on beyond 1 MiB and are not read as such", Error, Limit, "RFC 5322 §2.2";
    NO_BOUNDARY = "imf.note.no_boundary", "A multipart letter that names no boundary", Warn, Malformed, "RFC 2046 §5.1.1";
    UNCLOSED = "imf.note.unclosed", "The last boundary is missing", Warn, Malformed, "RFC 2046 §5.1.1";
    CODING_BAD = "imf.note.coding_bad", "The content is not what its transfer encoding allows", Warn, Malformed, "RFC 2045 §6";
    CODING_UNKNOWN = "imf.note.coding_unknown", "A transfer encoding that nobody knows", Note, Protocol, "RFC 2045 §6.4";
    TOO_DEEP = "imf.note.too_deep", "Parts nest deeper than is followed", Warn, Limit, "RFC 2046 §5.1";
    TOO_MANY = "imf.note.too_many", "More parts than are listed", Warn, Limit, "RFC 2046 §5.1";
    DOUBLE_EXTENSION = "imf.note.double_extension", "The name of the attached file ends like a document's and then like a program's", Warn, Security, "RFC 2183 §5";
}
