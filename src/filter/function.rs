//! The functions of the language.

use crate::expr::Expr;
use crate::types::Type;
use crate::val::Val;
use crate::values::Values;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::{Ipv4Addr, Ipv6Addr};
use wirelore_kit::Names;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Function {
    Len,
    Count,
    Upper,
    Lower,
    Text,
    /// With the names of the values.
    Names(Names),
    Max,
    Min,
    Abs,
}

/// Names of functions, what they are called with, and what they give.
pub(crate) const FUNCTIONS: &[(&str, Function, &str, &str)] = &[
    ("len", Function::Len, "len(http.host) > 20", "Bytes of text, bytes or a protocol"),
    ("count", Function::Count, "count(dns.a) > 3", "How many values there are"),
    ("upper", Function::Upper, "upper(http.host) == \"EXAMPLE.ORG\"", "Text in upper case"),
    ("lower", Function::Lower, "lower(http.host) contains \"example\"", "Text in lower case"),
    ("string", Function::Text, "string(frame.number) matches \"7$\"", "A value as text"),
    ("vals", Function::Names(&[]), "vals(dns.qry.type) == \"AAAA\"", "The name of a number"),
    ("max", Function::Max, "max(tcp.srcport, tcp.dstport) > 1024", "The largest value"),
    ("min", Function::Min, "min(tcp.srcport, tcp.dstport) < 1024", "The smallest value"),
    ("abs", Function::Abs, "abs(frame.time_delta) > 1", "A number without its sign"),
];

impl Function {
    /// Its name.
    pub fn name(self) -> &'static str {
        let same = |f: &Function| std::mem::discriminant(f) == std::mem::discriminant(&self);
        FUNCTIONS.iter().find(|(_, f, ..)| same(f)).map_or("", |(n, ..)| n)
    }

    /// The type of what it gives, called with values of type `of`.
    pub const fn gives(self, of: Type) -> Type {
        match self {
            Function::Len | Function::Count => Type::Unsigned,
            Function::Upper | Function::Lower | Function::Text | Function::Names(_) => Type::Text,
            Function::Max | Function::Min | Function::Abs => of,
        }
    }

    /// Whether it may be called with values of type `of`.
    pub const fn takes(self, of: Type) -> bool {
        match self {
            // Of numbers the bytes that they were read from are counted.
            Function::Len => !matches!(of, Type::Nothing),
            Function::Count => true,
            Function::Upper | Function::Lower => matches!(of, Type::Text),
            Function::Text => !matches!(of, Type::Nothing | Type::Protocol | Type::Text | Type::Bytes | Type::Time),
            Function::Names(_) => matches!(of, Type::Unsigned | Type::Signed | Type::Bool),
            Function::Max | Function::Min => !matches!(of, Type::Nothing | Type::Protocol),
            Function::Abs => matches!(of, Type::Unsigned | Type::Signed | Type::Duration),
        }
    }

    /// Hands on what it gives in a row.
    pub fn each(self, all: &[Expr], row: &dyn Values, each: &mut dyn FnMut(Val<'_>) -> bool) {
        let mut map = |of: &dyn Fn(&Val<'_>) -> Option<Val<'static>>| {
            for e in all {
                e.each(row, &mut |v| of(&v).is_none_or(&mut *each));
            }
        };
        match self {
            Function::Count => {
                let mut n = 0i128;
                for e in all {
                    e.each(row, &mut |_| {
                        n = n.saturating_add(1);
                        true
                    });
                }
                // Of what is not there nothing is counted.
                if n > 0 {
                    each(Val::Number(n));
                }
            }
            Function::Max | Function::Min => {
                let want = if matches!(self, Function::Max) { Ordering::Greater } else { Ordering::Less };
                let mut best: Option<Val<'static>> = None;
                for v in all.iter().flat_map(|e| e.all(row)) {
                    if best.as_ref().is_none_or(|b| v.order(b) == Some(want)) {
                        best = Some(v);
                    }
                }
                if let Some(best) = best {
                    each(best);
                }
            }
            Function::Len => map(&|v| Some(Val::Number(v.bytes()?.len() as i128))),
            Function::Upper => map(&|v| Some(Val::Text(Cow::Owned(v.bytes()?.to_ascii_uppercase())))),
            Function::Lower => map(&|v| Some(Val::Text(Cow::Owned(v.bytes()?.to_ascii_lowercase())))),
            Function::Text => map(&|v| written(v).map(|t| Val::Text(Cow::Owned(t.into_bytes())))),
            Function::Names(names) => map(&|v| {
                let Val::Number(n) = v else { return None };
                let (_, name) = names.iter().find(|(v, _)| i128::from(*v) == *n)?;
                Some(Val::Text(Cow::Borrowed(name.as_bytes())))
            }),
            Function::Abs => map(&|v| match v {
                Val::Number(n) => Some(Val::Number(n.checked_abs()?)),
                Val::Nanos(n) => Some(Val::Nanos(n.checked_abs()?)),
                _ => None,
            }),
        }
    }
}

/// A value as text: numbers in decimal, addresses as they are written.
fn written(v: &Val<'_>) -> Option<String> {
    Some(match v {
        Val::Number(n) => n.to_string(),
        Val::Nanos(n) => seconds(*n),
        Val::Ip4(a, _) => Ipv4Addr::from(*a).to_string(),
        Val::Ip6(a, _) => Ipv6Addr::from(*a).to_string(),
        Val::Bytes(b) => crate::literal::spelt(b),
        Val::Text(_) | Val::Protocol(..) | Val::There => return None,
    })
}

/// Nanoseconds as seconds with all nine places, as Wireshark writes durations.
pub(crate) fn seconds(n: i128) -> String {
    let (sign, n) = (if n < 0 { "-" } else { "" }, n.unsigned_abs());
    format!("{sign}{}.{:09}", n / 1_000_000_000, n % 1_000_000_000)
}
