//! Filters written out again, in one spelling.

use crate::expr::{Calc, Cut, Expr};
use crate::filter::{Filter, Joined};
use crate::function::seconds;
use crate::literal::spelt;
use crate::term::{Compare, Term, Test, Which};
use crate::types::Type;
use crate::val::Val;
use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, Ipv6Addr};
use wirelore_kit::value::write_time;

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(f, &self.joined, &self.terms, false)
    }
}

/// `inside`: another condition is around it, so what joins several stands in parentheses.
fn joined(f: &mut Formatter<'_>, j: &Joined, terms: &[Term], inside: bool) -> fmt::Result {
    let list = |f: &mut Formatter<'_>, all: &[&Joined], word: &str| {
        if inside {
            f.write_str("(")?;
        }
        for (i, j) in all.iter().enumerate() {
            if i > 0 {
                write!(f, " {word} ")?;
            }
            joined(f, j, terms, true)?;
        }
        if inside { f.write_str(")") } else { Ok(()) }
    };
    match j {
        Joined::Term(n) => terms.get(*n).map_or(Ok(()), |t| write!(f, "{}", t.test)),
        Joined::Not(inner) => {
            f.write_str("not ")?;
            joined(f, inner, terms, true)
        }
        Joined::And(all) => list(f, &all.iter().collect::<Vec<_>>(), "and"),
        Joined::Or(any) => list(f, &any.iter().collect::<Vec<_>>(), "or"),
        Joined::Xor(a, b) => list(f, &[a, b], "xor"),
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let other = |f: &mut Formatter<'_>, which: &Which| if *which == Which::All { f.write_str("all ") } else { Ok(()) };
        match self {
            Test::There(e) => write!(f, "{e}"),
            Test::Set(e) => write!(f, "{e}"),
            Test::Compare(which, a, compare, b) => {
                let mark = match (compare, which) {
                    (Compare::Equal, Which::Any) => "==",
                    (Compare::Equal, Which::All) => "===",
                    (Compare::Unequal, Which::All) => "!=",
                    (Compare::Unequal, Which::Any) => "!==",
                    (Compare::Above, _) => ">",
                    (Compare::Below, _) => "<",
                    (Compare::AtLeast, _) => ">=",
                    (Compare::AtMost, _) => "<=",
                };
                if !matches!(compare, Compare::Equal | Compare::Unequal) {
                    other(f, which)?;
                }
                write!(f, "{a} {mark} {b}")
            }
            Test::In(which, e, set) => {
                other(f, which)?;
                write!(f, "{e} in {{")?;
                for (i, (from, to)) in set.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    match to {
                        None => write!(f, "{comma}{from}")?,
                        // With blanks, for an address may stand before the dots.
                        Some(to) => write!(f, "{comma}{from} .. {to}")?,
                    }
                }
                f.write_str("}")
            }
            Test::Contains(which, a, b) => {
                other(f, which)?;
                write!(f, "{a} contains {b}")
            }
            Test::Matches(which, e, _, pattern) => {
                other(f, which)?;
                write!(f, "{e} matches ")?;
                quoted(f, pattern.as_bytes())
            }
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Name { name, layers, raw, .. } => {
                if *raw {
                    f.write_str("@")?;
                }
                f.write_str(name)?;
                if layers.is_empty() {
                    return Ok(());
                }
                f.write_str("#")?;
                cuts(f, layers)
            }
            Expr::Literal(v, of) => literal(f, v, *of),
            Expr::Slice(e, parts) => {
                write!(f, "{e}")?;
                cuts(f, parts)
            }
            Expr::Call(function, all) => {
                write!(f, "{}(", function.name())?;
                for (i, e) in all.iter().enumerate() {
                    // What is counted as bytes is marked so inside only.
                    let plain = match (function.name(), e) {
                        ("len", Expr::Name { name, reads, of, layers, .. }) => {
                            Expr::Name { name, reads: reads.clone(), of: *of, layers: layers.clone(), raw: false }
                        }
                        _ => e.clone(),
                    };
                    write!(f, "{}{plain}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Expr::Minus(e) => write!(f, "-{{{e}}}"),
            Expr::Calc(calc, a, b) => {
                let mark = match calc {
                    Calc::And => "&",
                    Calc::Add => "+",
                    Calc::Subtract => "-",
                    Calc::Multiply => "*",
                    Calc::Divide => "/",
                    Calc::Modulo => "%",
                };
                side(f, a)?;
                write!(f, " {mark} ")?;
                side(f, b)
            }
        }
    }
}

/// A side of a calculation: braces hold together what is one.
fn side(f: &mut Formatter<'_>, e: &Expr) -> fmt::Result {
    if matches!(e, Expr::Calc(..)) { write!(f, "{{{e}}}") } else { write!(f, "{e}") }
}

fn cuts(f: &mut Formatter<'_>, all: &[Cut]) -> fmt::Result {
    for (i, cut) in all.iter().enumerate() {
        f.write_str(if i > 0 { "," } else { "[" })?;
        match cut {
            Cut::One(i) => write!(f, "{i}")?,
            Cut::Length(i, n) => write!(f, "{i}:{n}")?,
            Cut::To(i, j) => write!(f, "{i}-{j}")?,
            Cut::Rest(i) => write!(f, "{i}:")?,
        }
    }
    f.write_str("]")
}

fn literal(f: &mut Formatter<'_>, v: &Val<'_>, of: Type) -> fmt::Result {
    match v {
        Val::Number(n) if of == Type::Bool => f.write_str(if *n == 0 { "False" } else { "True" }),
        Val::Number(n) => write!(f, "{n}"),
        Val::Nanos(n) if of == Type::Time => {
            let mut text = String::new();
            write_time(&mut text, i64::try_from(*n).unwrap_or(i64::MAX))?;
            write!(f, "\"{text}\"")
        }
        Val::Nanos(n) => f.write_str(&seconds(*n)),
        Val::Text(t) => quoted(f, t),
        Val::Bytes(b) if b.is_empty() => f.write_str("\"\""),
        Val::Bytes(b) => f.write_str(&spelt(b)),
        Val::Ip4(a, bits) => net(f, &Ipv4Addr::from(*a), *bits, 32),
        Val::Ip6(a, bits) => net(f, &Ipv6Addr::from(*a), *bits, 128),
        Val::There | Val::Protocol(..) => Ok(()),
    }
}

fn net(f: &mut Formatter<'_>, address: &dyn Display, bits: u8, all: u8) -> fmt::Result {
    if bits == all { write!(f, "{address}") } else { write!(f, "{address}/{bits}") }
}

fn quoted(f: &mut Formatter<'_>, text: &[u8]) -> fmt::Result {
    f.write_str("\"")?;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
                c => write!(f, "{c}")?,
            }
        }
        for b in chunk.invalid() {
            write!(f, "\\x{b:02x}")?;
        }
    }
    f.write_str("\"")
}
