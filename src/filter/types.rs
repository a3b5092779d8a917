//! Types of names and values: what can be compared with what.

use wirelore_kit::Kind;

/// What kind of value a name has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// No value: it is there or not.
    Nothing,
    /// A protocol: the bytes from where it begins.
    Protocol,
    /// Yes or no.
    Bool,
    /// A number that is never negative.
    Unsigned,
    /// A number.
    Signed,
    /// A number with a fraction: billionths in values.
    Float,
    /// One character.
    Char,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// An IPv4 address.
    Ipv4,
    /// An address of either family.
    Address,
    /// An IPv6 address.
    Ipv6,
    /// A MAC address.
    Mac,
    /// A duration: seconds in filters, nanoseconds in values.
    Duration,
    /// A point in time.
    Time,
}

impl Type {
    /// The type of fields of that kind.
    #[must_use]
    pub const fn of(kind: Kind) -> Type {
        match kind {
            Kind::Group => Type::Nothing,
            Kind::Bool => Type::Bool,
            Kind::Dec | Kind::Hex => Type::Unsigned,
            Kind::Signed => Type::Signed,
            Kind::Text => Type::Text,
            Kind::Bytes => Type::Bytes,
            Kind::Ipv4 => Type::Ipv4,
            Kind::Ipv6 => Type::Ipv6,
            Kind::Mac => Type::Mac,
            Kind::Duration => Type::Duration,
            Kind::Time => Type::Time,
        }
    }

    /// In words: "an IPv4 address".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Type::Nothing => "something without a value",
            Type::Protocol => "a protocol",
            Type::Bool => "a yes or no",
            Type::Unsigned => "a number",
            Type::Signed => "a signed number",
            Type::Float => "a number with a fraction",
            Type::Char => "a character",
            Type::Text => "text",
            Type::Bytes => "a sequence of bytes",
            Type::Ipv4 => "an IPv4 address",
            Type::Ipv6 => "an IPv6 address",
            Type::Address => "an IPv4 or IPv6 address",
            Type::Mac => "a MAC address",
            Type::Duration => "a duration in seconds",
            Type::Time => "a point in time",
        }
    }
}
