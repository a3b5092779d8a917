//! Notes: findings about what was seen, each with a name, a severity and an explanation beside it as data.

use crate::span::Span;

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Severity {
    /// Ordinary course of things, worth saying.
    Chat = 0,
    /// Notable: unusual but allowed.
    Note = 1,
    /// Probably wrong, or against a SHOULD.
    Warn = 2,
    /// Broken, or against a MUST.
    Error = 3,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// The grammar was broken.
    Malformed,
    /// The order of messages was.
    Sequence,
    /// An answer says no.
    Response,
    /// Something a peer could use to deceive another.
    Security,
    /// Bytes that never came to us, or that a limit kept out.
    Missing,
    /// A rule of the protocol was not kept.
    Protocol,
    /// A limit of this program.
    Limit,
}

/// A kind of finding. Its cause and cure stand in the protocol's `explain.*.toml` under the same name.
#[derive(Debug, PartialEq, Eq)]
pub struct Note {
    /// Name: `http.note.bare_lf`.
    pub name: &'static str,
    /// One line: what is the case.
    pub label: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// The rule's source: "RFC 9112 §2.2".
    pub rfc: &'static str,
}

impl Note {
    /// A note for a `static`.
    #[must_use]
    pub const fn new(name: &'static str, label: &'static str, severity: Severity, about: About) -> Note {
        Note { name, label, severity, about, rfc: "" }
    }

    /// Says where the rule stands.
    #[must_use]
    pub const fn rfc(mut self, rfc: &'static str) -> Note {
        self.rfc = rfc;
        self
    }
}

/// A note at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noted {
    /// Which kind.
    pub what: &'static Note,
    /// The bytes it speaks of.
    pub at: Span,
}

/// A field's bytes go on behind the end of what holds it.
pub static OVERRUN: Note =
    Note::new("data.note.overrun", "A length points behind the end of what holds it", Severity::Error, About::Malformed);
/// The stream ended inside a message.
pub static CUT: Note = Note::new("data.note.cut", "The bytes end inside this message", Severity::Warn, About::Missing);
/// Bytes are missing from the capture inside this message.
pub static HOLE: Note =
    Note::new("data.note.hole", "Bytes of this message are missing from the capture", Severity::Warn, About::Missing);
/// More bytes than a message may have here.
pub static TOO_LONG: Note = Note::new(
    "data.note.too_long",
    "This message is longer than is kept while waiting for its end",
    Severity::Warn,
    About::Limit,
);
/// Bytes left behind the end.
pub static LEFT_OVER: Note =
    Note::new("data.note.left_over", "Bytes follow the end of the message", Severity::Note, About::Malformed);
/// Nested deeper than is followed.
pub static TOO_DEEP: Note = Note::new("data.note.too_deep", "Nested deeper than is followed", Severity::Note, About::Limit);
/// Bytes that are no message of the protocol.
pub static NOT_GRAMMAR: Note =
    Note::new("data.note.not_grammar", "These bytes are no message of this protocol", Severity::Warn, About::Malformed);
/// A tree would have more entries than are kept.
pub static TOO_MANY: Note = Note::new("data.note.too_many", "More fields than are listed", Severity::Note, About::Limit);

/// A conversation in the middle is no longer looked at.
pub static NOT_JUDGED: Note =
    Note::new("data.note.not_judged", "From here on messages go through unread and unjudged", Severity::Warn, About::Limit);
/// Bytes in the clear stand where only another protocol may.
pub static BEHIND_UPGRADE: Note =
    Note::new("data.note.behind_upgrade", "Bytes in the clear behind the word that begins TLS", Severity::Error, About::Security)
        .rfc("RFC 3207 §4.2");

/// Every note of the kit.
pub static NOTES: &[&Note] =
    &[&OVERRUN, &CUT, &HOLE, &TOO_LONG, &LEFT_OVER, &TOO_DEEP, &NOT_GRAMMAR, &TOO_MANY, &NOT_JUDGED, &BEHIND_UPGRADE];
