//! Fields of protobuf's wire format, and what can be noted of it.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Severity, fields};

/// Wire types.
pub static WIRE_TYPES: Names = &[(0, "VARINT"), (1, "I64"), (2, "LEN"), (3, "SGROUP"), (4, "EGROUP"), (5, "I32")];

const fn own(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field::new(name, label, kind).rfc("Protocol Buffers Encoding").oracle("-")
}

fields! {
    FIELD = own("protobuf.field", "Field", Kind::Group);
    TAG = own("protobuf.field.tag", "Tag", Kind::Bytes);
    NUMBER = own("protobuf.field.number", "Field number", Kind::Dec);
    WIRE_TYPE = own("protobuf.field.wiretype", "Wire type", Kind::Dec).names(WIRE_TYPES);
    LENGTH = own("protobuf.field.value.length", "Length", Kind::Dec);
    VARINT = own("protobuf.field.value.uint64", "Number", Kind::Dec);
    SIGNED = own("protobuf.field.value.int64", "As a signed number", Kind::Signed);
    ZIGZAG = own("protobuf.field.value.sint64", "As a zigzag number", Kind::Signed);
    FIXED64 = own("protobuf.field.value.fixed64", "Eight bytes", Kind::Hex);
    DOUBLE = own("protobuf.field.value.double", "As a double", Kind::Text);
    FIXED32 = own("protobuf.field.value.fixed32", "Four bytes", Kind::Hex);
    FLOAT = own("protobuf.field.value.float", "As a float", Kind::Text);
    STRING = own("protobuf.field.value.string", "Text", Kind::Text);
    MESSAGE = own("protobuf.field.value.message", "Message", Kind::Group);
    PACKED = own("protobuf.field.value.packed", "Packed numbers", Kind::Group);
    BYTES = own("protobuf.field.value", "Bytes", Kind::Bytes);
}

/// The bytes are no field.
pub static NOT_A_FIELD: Note =
    Note::new("protobuf.note.not_a_field", "These bytes are no protobuf field", Severity::Warn, About::Malformed)
        .rfc("Protocol Buffers Encoding");
/// Every note.
pub static NOTES: &[&Note] = &[&NOT_A_FIELD];
