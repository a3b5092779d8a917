//! Field definitions: one entry feeds tree, filter names, columns, exports, masking and explanations.

/// A reference to a field's one definition.
pub type F = &'static Field;

/// Numbers and what they are called, sorted or not.
pub type Names = &'static [(u64, &'static str)];

/// What kind of value a field holds and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A heading without a value of its own: a protocol, a record, a group.
    Group,
    /// Yes or no.
    Bool,
    /// An unsigned number in decimal.
    Dec,
    /// An unsigned number in hexadecimal, zero-padded to the bytes of its span.
    Hex,
    /// A signed number.
    Signed,
    /// Text; not necessarily UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A MAC (EUI-48) address.
    Mac,
    /// A duration, nanoseconds.
    Duration,
    /// A point in time, nanoseconds since 1970-01-01 UTC.
    Time,
}

/// What a field is besides its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// Kept as a column of the message's row, at every level of reading.
    pub const KEY: Flags = Flags(1);
    /// Masked in views and exports until asked for.
    pub const SECRET: Flags = Flags(2);

    /// Whether every flag of `f` is set.
    #[must_use]
    #[inline]
    pub const fn has(self, f: Flags) -> bool {
        self.0 & f.0 == f.0
    }

    /// Both sets.
    #[must_use]
    pub const fn with(self, f: Flags) -> Flags {
        Flags(self.0 | f.0)
    }
}

/// A meaning that fields of different protocols share, so that one column serves all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// What is asked for: GET, RETR, MAIL, a query type.
    Method,
    /// The host or authority asked.
    Authority,
    /// The path, file or name asked for.
    Path,
    /// The outcome: a status or reply code.
    Status,
    /// The media type of what is carried.
    Media,
    /// A file's name.
    File,
    /// The other party named in the protocol.
    Peer,
}

/// The one definition of a field.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Filter name, Wireshark's where the meaning is the same: `dns.qry.name`.
    pub name: &'static str,
    /// What the tree shows: "Query name".
    pub label: &'static str,
    /// Kind of value.
    pub kind: Kind,
    /// Names of numeric values.
    pub values: Names,
    /// KEY, SECRET.
    pub flags: Flags,
    /// Shared column, if any.
    pub role: Option<Role>,
    /// Where it is defined: "RFC 1035 §4.1.2".
    pub rfc: &'static str,
    /// tshark's name, where it differs; "" means the same as `name`; "-" means tshark has none.
    pub oracle: &'static str,
}

impl Field {
    /// A field with name, label and kind; add the rest with the methods below, in a `static`.
    #[must_use]
    pub const fn new(name: &'static str, label: &'static str, kind: Kind) -> Field {
        Field { name, label, kind, values: &[], flags: Flags::NONE, role: None, rfc: "", oracle: "" }
    }

    /// A heading.
    #[must_use]
    pub const fn group(name: &'static str, label: &'static str) -> Field {
        Field::new(name, label, Kind::Group)
    }

    /// Sets the names of values.
    #[must_use]
    pub const fn names(mut self, values: Names) -> Field {
        self.values = values;
        self
    }

    /// Makes it a column.
    #[must_use]
    pub const fn key(mut self) -> Field {
        self.flags = self.flags.with(Flags::KEY);
        self
    }

    /// Marks it secret.
    #[must_use]
    pub const fn secret(mut self) -> Field {
        self.flags = self.flags.with(Flags::SECRET);
        self
    }

    /// Gives it a shared meaning.
    #[must_use]
    pub const fn role(mut self, role: Role) -> Field {
        self.role = Some(role);
        self
    }

    /// Says where it is defined.
    #[must_use]
    pub const fn rfc(mut self, rfc: &'static str) -> Field {
        self.rfc = rfc;
        self
    }

    /// tshark's name for it ("-" for none).
    #[must_use]
    pub const fn oracle(mut self, name: &'static str) -> Field {
        self.oracle = name;
        self
    }

    /// The name of a numeric value, if it has one.
    #[must_use]
    pub fn name_of(&self, value: u64) -> Option<&'static str> {
        self.values.iter().find(|(v, _)| *v == value).map(|(_, n)| *n)
    }

    /// Whether two references mean the same definition.
    #[must_use]
    pub fn is(&'static self, other: F) -> bool {
        std::ptr::eq(self, other)
    }
}

/// Bytes that were skipped or that no field explains. They are always listed, never dropped.
pub static UNKNOWN: Field = Field::new("data.unknown", "Bytes not understood", Kind::Bytes).oracle("-");
/// Bytes behind the end of what the protocol says is there.
pub static TRAILING: Field = Field::new("data.trailing", "Trailing bytes", Kind::Bytes).oracle("-");
/// The payload of a packet or stream that no protocol claims.
pub static DATA: Field = Field::new("data.data", "Data", Kind::Bytes).oracle("data.data");

/// A protocol's fields, defined once and listed: `NAME = Kind "name", "label", "RFC and section".more();` or `NAME = expression;`, row by row.
/// The list is called `ALL`, or as the word before a colon at the top says. The caller has `Field`, `Kind` and `F` in scope.
#[macro_export]
macro_rules! fields {
    ($list:ident: $($id:ident = $kind:ident $name:literal, $label:literal, $rfc:literal $(. $with:ident($($arg:expr)?))*;)*) => {
        $(#[doc = $label] pub static $id: Field = Field::new($name, $label, Kind::$kind).rfc($rfc)$(.$with($($arg)?))*;)*
        /// Every one of these fields.
        pub static $list: &[F] = &[$(&$id),*];
    };
    ($list:ident: $($id:ident = $field:expr;)*) => {
        $(#[allow(missing_docs)] pub static $id: Field = $field;)*
        /// Every one of these fields.
        pub static $list: &[F] = &[$(&$id),*];
    };
    ($($rows:tt)*) => { $crate::fields! { ALL: $($rows)* } };
}
