//! Fields and notes of JSON texts, by Wireshark's names where it has them.

use wirelore_kit::{About, F, Field, Kind, Note, Severity};

pub static JSON: Field = Field::group("json", "JSON").rfc("RFC 8259 §2").oracle("-");
pub static OBJECT: Field = Field::group("json.object", "Object").rfc("RFC 8259 §4").oracle("-");
pub static ARRAY: Field = Field::group("json.array", "Array").rfc("RFC 8259 §5").oracle("-");
pub static MEMBER: Field = Field::group("json.member", "Member").rfc("RFC 8259 §4").oracle("-");
pub static KEY: Field = Field::new("json.key", "Key", Kind::Text).rfc("RFC 8259 §4").oracle("-");
pub static STRING: Field = Field::new("json.value.string", "String", Kind::Text).rfc("RFC 8259 §7").oracle("-");
pub static NUMBER: Field = Field::new("json.value.number", "Number", Kind::Text).rfc("RFC 8259 §6").oracle("-");
pub static LITERAL: Field = Field::new("json.value.literal", "Literal", Kind::Text).rfc("RFC 8259 §3").oracle("-");
pub static DEEP: Field = Field::new("json.value.deep", "Nested deeper", Kind::Text).rfc("RFC 8259 §9").oracle("-");
pub static DELIMITER: Field = Field::new("json.delimiter", "Delimiter", Kind::Bytes).rfc("RFC 8259 §2").oracle("-");

/// Every field of the format.
pub static ALL: &[F] = &[&JSON, &OBJECT, &ARRAY, &MEMBER, &KEY, &STRING, &NUMBER, &LITERAL, &DEEP, &DELIMITER];

pub static NOT_JSON: Note =
    Note::new("json.note.not_json", "This is no JSON from here on", Severity::Warn, About::Malformed).rfc("RFC 8259 §2");
pub static TOO_DEEP: Note =
    Note::new("json.note.too_deep", "Nested more than 24 levels deep: shown as text", Severity::Note, About::Limit)
        .rfc("RFC 8259 §9");
pub static BAD_WORD: Note =
    Note::new("json.note.bad_word", "No number or word of JSON is written like this", Severity::Warn, About::Malformed)
        .rfc("RFC 8259 §6");
pub static BAD_ESCAPE: Note = Note::new(
    "json.note.bad_escape",
    "An escape that JSON does not have, or half a surrogate pair",
    Severity::Warn,
    About::Malformed,
)
.rfc("RFC 8259 §7");
pub static CONTROL: Note =
    Note::new("json.note.control", "A control character stands bare in a string", Severity::Warn, About::Malformed)
        .rfc("RFC 8259 §7");
pub static SAME_KEY: Note =
    Note::new("json.note.same_key", "An object has the same key twice", Severity::Warn, About::Security).rfc("RFC 8259 §4");
pub static TRAILING_COMMA: Note =
    Note::new("json.note.trailing_comma", "A comma with nothing behind it", Severity::Warn, About::Malformed).rfc("RFC 8259 §4");
/// Every note of the format.
pub static NOTES: &[&Note] = &[&NOT_JSON, &TOO_DEEP, &BAD_WORD, &BAD_ESCAPE, &CONTROL, &SAME_KEY, &TRAILING_COMMA];
