//! Values as filters compare them.

use crate::types::Type;
use crate::values::{Met, Valued};
use std::borrow::Cow;
use std::cmp::Ordering;
use wirelore_kit::Value;

/// A value while a filter is judged, or a literal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val<'v> {
    /// It is there, and that is all.
    There,
    /// Numbers of all kinds, yes (1) and no (0), characters.
    Number(i128),
    /// Nanoseconds: a duration, or since 1970.
    Nanos(i128),
    /// Text, as its bytes.
    Text(Cow<'v, [u8]>),
    /// Bytes; MAC addresses too.
    Bytes(Cow<'v, [u8]>),
    /// A protocol: all bytes from where it begins, and how many are its own.
    Protocol(&'v [u8], usize),
    /// An IPv4 address, or as a literal a net of so many bits.
    Ip4(u32, u8),
    /// An IPv6 address, or as a literal a net of so many bits.
    Ip6(u128, u8),
}

impl<'v> Val<'v> {
    /// A value of a field or fact whose type is `of`.
    pub fn of(of: Type, v: &Valued<'v>) -> Option<Val<'v>> {
        Some(match (v.value, of) {
            (_, Type::Nothing) => Val::There,
            (Value::Bool(b), _) => Val::Number((*b).into()),
            // A number that Wireshark keeps as text, as it is written: http.content_length_header.
            (Value::U64(_), Type::Text) if !v.bytes.is_empty() => Val::Text(Cow::Borrowed(v.bytes)),
            (Value::U64(n), Type::Text) => Val::Text(Cow::Owned(n.to_string().into_bytes())),
            (Value::U64(n), Type::Duration | Type::Time) => Val::Nanos((*n).into()),
            (Value::U64(n), Type::Bool) => Val::Number((*n != 0).into()),
            (Value::U64(n), _) => Val::Number((*n).into()),
            (Value::I64(n), Type::Duration | Type::Time | Type::Float) => Val::Nanos((*n).into()),
            (Value::I64(n), _) => Val::Number((*n).into()),
            (Value::Str(t), Type::Unsigned | Type::Signed) => digits(t.as_bytes())?,
            (Value::Blob(t), Type::Unsigned | Type::Signed) => digits(t)?,
            (Value::Span, Type::Unsigned | Type::Signed) => digits(v.bytes)?,
            (Value::Span, Type::Ipv4) => Val::Ip4(u32::from_be_bytes(v.bytes.try_into().ok()?), 32),
            (Value::Str(t), Type::Bytes) => Val::Bytes(Cow::Borrowed(t.as_bytes())),
            (Value::Str(t), _) => Val::Text(Cow::Borrowed(t.as_bytes())),
            (Value::Blob(b), Type::Text) => Val::Text(Cow::Borrowed(b)),
            (Value::Blob(b), _) => Val::Bytes(Cow::Borrowed(b)),
            (Value::Ip4(a), _) => Val::Ip4(u32::from_be_bytes(*a), 32),
            (Value::Ip6(a), _) => Val::Ip6(u128::from_be_bytes(*a), 128),
            (Value::Mac(a), _) => Val::Bytes(Cow::Owned(a.to_vec())),
            (Value::Span, Type::Text) => Val::Text(Cow::Borrowed(v.bytes)),
            (Value::Span, Type::Bytes | Type::Mac | Type::Protocol) => Val::Bytes(Cow::Borrowed(v.bytes)),
            (Value::Span | Value::Place(_), _) => return None,
        })
    }

    pub const fn met(m: &Met<'v>) -> Val<'v> {
        Val::Protocol(m.bytes, m.len)
    }

    /// Its bytes, for slices, `len` and comparisons.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        Some(match self {
            Val::Text(b) | Val::Bytes(b) => Cow::Borrowed(b),
            Val::Protocol(b, own) => Cow::Borrowed(b.get(..*own).unwrap_or(b)),
            Val::Ip4(a, _) => Cow::Owned(a.to_be_bytes().to_vec()),
            Val::Ip6(a, _) => Cow::Owned(a.to_be_bytes().to_vec()),
            Val::There | Val::Number(_) | Val::Nanos(_) => return None,
        })
    }

    /// The bytes that `contains` and `matches` search: of a protocol also what it carries.
    pub fn searched(&self) -> Option<&[u8]> {
        match self {
            Val::Text(b) | Val::Bytes(b) => Some(b),
            Val::Protocol(b, _) => Some(b),
            _ => None,
        }
    }

    /// How it stands to another; `None` where they can not be compared.
    pub fn order(&self, other: &Val<'_>) -> Option<Ordering> {
        match (self, other) {
            (Val::Number(a), Val::Number(b)) | (Val::Nanos(a), Val::Nanos(b)) => Some(a.cmp(b)),
            (Val::Ip4(a, x), Val::Ip4(b, y)) => {
                let bits = u32::from(*x.min(y)).min(32);
                let mask = u32::MAX.checked_shl(32u32.saturating_sub(bits)).unwrap_or(0);
                Some((a & mask).cmp(&(b & mask)))
            }
            (Val::Ip6(a, x), Val::Ip6(b, y)) => {
                let bits = u32::from(*x.min(y)).min(128);
                let mask = u128::MAX.checked_shl(128u32.saturating_sub(bits)).unwrap_or(0);
                Some((a & mask).cmp(&(b & mask)))
            }
            (Val::Ip4(..) | Val::Ip6(..), Val::Ip4(..) | Val::Ip6(..)) => None,
            _ => Some(self.bytes()?.cmp(&other.bytes()?)),
        }
    }

    /// Whether it counts as yes where it stands alone.
    pub fn is_set(&self) -> bool {
        match self {
            Val::Number(n) | Val::Nanos(n) => *n != 0,
            Val::Bytes(b) => b.iter().any(|b| *b != 0),
            _ => true,
        }
    }

    pub fn owned(self) -> Val<'static> {
        match self {
            Val::There => Val::There,
            Val::Number(n) => Val::Number(n),
            Val::Nanos(n) => Val::Nanos(n),
            Val::Text(b) => Val::Text(Cow::Owned(b.into_owned())),
            Val::Bytes(b) => Val::Bytes(Cow::Owned(b.into_owned())),
            Val::Protocol(b, own) => Val::Bytes(Cow::Owned(b.get(..own).unwrap_or(b).to_vec())),
            Val::Ip4(a, n) => Val::Ip4(a, n),
            Val::Ip6(a, n) => Val::Ip6(a, n),
        }
    }
}

/// A number that stands in the bytes as text.
fn digits(text: &[u8]) -> Option<Val<'static>> {
    std::str::from_utf8(text).ok()?.trim().parse().ok().map(Val::Number)
}
