//! Cells: the values of KEY columns, 6 bytes each besides their text.

use wirelore_kit::{F, Kind, Value};

/// A column's value as read from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellView<'s> {
    /// A number, yes (1) or no (0).
    U64(u64),
    /// A signed number.
    I64(i64),
    /// Text or bytes.
    Text(&'s [u8]),
    /// An IPv4 address.
    Ip4([u8; 4]),
    /// An IPv6 address.
    Ip6([u8; 16]),
}

impl CellView<'_> {
    /// The value as the kit writes it.
    #[must_use]
    pub fn value(&self, field: F) -> Value {
        match *self {
            CellView::U64(n) => Value::U64(n),
            CellView::I64(n) => Value::I64(n),
            CellView::Text(bytes) => match (field.kind, <[u8; 6]>::try_from(bytes)) {
                (Kind::Mac, Ok(mac)) => Value::Mac(mac),
                _ => Value::Blob(bytes.into()),
            },
            CellView::Ip4(a) => Value::Ip4(a),
            CellView::Ip6(a) => Value::Ip6(a),
        }
    }

    /// The value in words, as trees show it.
    #[must_use]
    pub fn display(&self, field: F) -> String {
        wirelore_kit::value::display(field, &self.value(field), &[])
    }

    /// A number that keeps the order of values of one kind: what segments remember as smallest and largest.
    pub(crate) fn order(&self) -> u64 {
        match *self {
            CellView::U64(n) => n,
            CellView::I64(n) => order_i64(n),
            CellView::Text(t) => order_bytes(t),
            CellView::Ip4(a) => u64::from(u32::from_be_bytes(a)),
            CellView::Ip6(a) => order_bytes(&a),
        }
    }

    pub(crate) const fn kind(&self) -> CellKind {
        match self {
            CellView::U64(n) => {
                if *n <= u32::MAX as u64 {
                    CellKind::Small
                } else {
                    CellKind::U64
                }
            }
            CellView::I64(_) => CellKind::I64,
            CellView::Text(_) => CellKind::Text,
            CellView::Ip4(_) => CellKind::Ip4,
            CellView::Ip6(_) => CellKind::Ip6,
        }
    }
}

/// Signed numbers in the order of unsigned ones.
pub(crate) const fn order_i64(n: i64) -> u64 {
    (n as u64) ^ (1 << 63)
}

/// The first eight bytes, so that equal texts and prefixes compare as their texts do.
pub(crate) fn order_bytes(t: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(t) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

/// How a cell's 32 bits are meant; the low three bits of its tag, above them the column's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum CellKind {
    /// The number itself.
    Small = 0,
    /// Index of a wide value: a number over 32 bits.
    U64 = 1,
    /// Index of a wide value: a signed number.
    I64 = 2,
    /// Number of a string.
    Text = 3,
    /// The address itself.
    Ip4 = 4,
    /// Index of a wide value: an IPv6 address.
    Ip6 = 5,
}

impl CellKind {
    pub const fn tag(self, column: u16) -> u16 {
        (column << 3) | self as u16
    }

    pub const fn of(tag: u16) -> CellKind {
        match tag & 7 {
            0 => CellKind::Small,
            1 => CellKind::U64,
            2 => CellKind::I64,
            3 => CellKind::Text,
            4 => CellKind::Ip4,
            _ => CellKind::Ip6,
        }
    }

    /// A bit for each kind whose values compare with one another.
    pub const fn bit(self) -> u8 {
        match self {
            CellKind::Small | CellKind::U64 => 1,
            CellKind::I64 => 2,
            CellKind::Text => 4,
            CellKind::Ip4 => 8,
            CellKind::Ip6 => 16,
        }
    }
}

/// The column's number of a tag.
pub(crate) const fn column_of(tag: u16) -> u16 {
    tag >> 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_follows_the_values() {
        for pair in [-5i64, -1, 0, 1, i64::MAX].windows(2) {
            assert!(CellView::I64(pair[0]).order() < CellView::I64(pair[1]).order());
        }
        for pair in [&b""[..], b"a", b"ab", b"b"].windows(2) {
            assert!(CellView::Text(pair[0]).order() < CellView::Text(pair[1]).order());
        }
    }

    #[test]
    fn a_mac_address_is_not_shown_as_text() {
        static MAC: wirelore_kit::Field = wirelore_kit::Field::new("x.mac", "MAC", Kind::Mac);
        assert_eq!(CellView::Text(&[2, 0, 0, 0, 0, 1]).display(&MAC), "02:00:00:00:00:01");
    }
}
