//! What stands on a side of a comparison, and its values in a row.

use crate::filter::Wants;
use crate::function::Function;
use crate::registry::Reads;
use crate::types::Type;
use crate::val::Val;
use crate::values::{Valued, Values};
use std::borrow::Cow;

/// An expression whose types were checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// The values of a name, perhaps only those in some layers of its protocol; `raw`: the bytes they were read from.
    Name { name: &'static str, reads: Reads, of: Type, layers: Vec<Cut>, raw: bool },
    /// A literal, and what it was read as.
    Literal(Val<'static>, Type),
    /// Parts of bytes, one behind the other.
    Slice(Box<Expr>, Vec<Cut>),
    /// A function of others.
    Call(Function, Vec<Expr>),
    /// The opposite number.
    Minus(Box<Expr>),
    /// A calculation.
    Calc(Calc, Box<Expr>, Box<Expr>),
}

/// Part of a slice, or of a range of layers. Negative offsets count from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// `[i]`
    One(i64),
    /// `[i:j]`: so many from there.
    Length(i64, u64),
    /// `[i-j]`: from there to there, both included.
    To(i64, i64),
    /// `[i:]`
    Rest(i64),
}

/// How two values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calc {
    And,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Cut {
    /// The range that it means of `len`; `None` where not all of it is there.
    pub fn range(self, len: usize) -> Option<std::ops::Range<usize>> {
        let at = |i: i64| {
            let i = if i < 0 { (len as i64).checked_add(i)? } else { i };
            usize::try_from(i).ok()
        };
        let (from, to) = match self {
            Cut::One(i) => (at(i)?, at(i)?.checked_add(1)?),
            Cut::Length(i, n) => (at(i)?, at(i)?.checked_add(usize::try_from(n).ok()?)?),
            Cut::To(i, j) => (at(i)?, at(j)?.checked_add(1)?),
            Cut::Rest(i) => (at(i)?, len),
        };
        (from < to && to <= len).then_some(from..to)
    }
}

/// Whether a value of layer `layer` of `of` stands in one of the cuts, which count from 1.
fn in_layers(cuts: &[Cut], layer: u16, of: u16) -> bool {
    let (layer, of) = (i64::from(layer), i64::from(of));
    // Layers count from 1 and from the end alike, so the last is both `of` and -1.
    let at = |i: i64| if i < 0 { of.saturating_add(i).saturating_add(1) } else { i };
    cuts.iter().any(|c| match *c {
        Cut::One(i) => layer == at(i),
        Cut::Length(i, n) => layer >= at(i) && layer < at(i).saturating_add(i64::try_from(n).unwrap_or(i64::MAX)),
        Cut::To(i, j) => layer >= at(i) && layer <= at(j),
        Cut::Rest(i) => layer >= at(i),
    })
}

impl Expr {
    pub fn wants(&self, wants: &mut Wants) {
        match self {
            Expr::Name { reads, .. } => match reads {
                Reads::Fields(all) | Reads::Unread(all) => all.iter().for_each(|f| wants.field(f)),
                Reads::Chosen(c) => [c.field, c.with, c.without].into_iter().for_each(|f| wants.field(f)),
                Reads::Fact(fact) => wants.fact(*fact),
                Reads::Protocol { name, .. } => wants.protocol(name),
            },
            Expr::Literal(..) => {}
            Expr::Slice(e, _) | Expr::Minus(e) => e.wants(wants),
            Expr::Call(_, all) => all.iter().for_each(|e| e.wants(wants)),
            Expr::Calc(_, a, b) => {
                a.wants(wants);
                b.wants(wants);
            }
        }
    }

    /// Hands on its values in a row, as long as `each` wants more.
    pub fn each(&self, row: &dyn Values, each: &mut dyn FnMut(Val<'_>) -> bool) {
        match self {
            Expr::Name { reads, of, layers, raw, .. } => names(row, reads, *of, layers, *raw, each),
            Expr::Literal(v, _) => {
                each(v.clone());
            }
            Expr::Slice(inner, cuts) => inner.each(row, &mut |v| match v.bytes().and_then(|b| sliced(&b, cuts)) {
                Some(part) => each(Val::Bytes(Cow::Owned(part))),
                None => true,
            }),
            Expr::Call(function, all) => function.each(all, row, each),
            Expr::Minus(inner) => inner.each(row, &mut |v| match v {
                Val::Number(n) => n.checked_neg().is_none_or(|n| each(Val::Number(n))),
                Val::Nanos(n) => n.checked_neg().is_none_or(|n| each(Val::Nanos(n))),
                _ => true,
            }),
            Expr::Calc(calc, a, b) => {
                let right = b.all(row);
                a.each(row, &mut |x| right.iter().all(|y| calc.of(&x, y).is_none_or(&mut *each)));
            }
        }
    }

    /// All its values in a row.
    pub fn all(&self, row: &dyn Values) -> Vec<Val<'static>> {
        let mut out = Vec::new();
        self.each(row, &mut |v| {
            out.push(v.owned());
            true
        });
        out
    }

    /// Whether it has a value in a row.
    pub fn is_there(&self, row: &dyn Values) -> bool {
        let mut there = false;
        let mut one = |_: Val<'_>| {
            there = true;
            false
        };
        match self {
            // A value that is not what its name promises, a length in letters, is there all the same.
            Expr::Name { reads, layers, raw, .. } => names(row, reads, Type::Nothing, layers, *raw, &mut one),
            _ => self.each(row, &mut one),
        }
        there
    }
}

fn names(row: &dyn Values, reads: &Reads, of: Type, layers: &[Cut], raw: bool, each: &mut dyn FnMut(Val<'_>) -> bool) {
    // Counting from the end needs to know how many there are.
    let from_end = |c: &Cut| match *c {
        Cut::One(i) | Cut::Length(i, _) | Cut::Rest(i) => i < 0,
        Cut::To(i, j) => i < 0 || j < 0,
    };
    let mut most = 0;
    if layers.iter().any(from_end) {
        read(row, reads, &mut |layer, _| {
            most = most.max(layer);
            true
        });
    }
    read(row, reads, &mut |layer, v| {
        if !layers.is_empty() && !in_layers(layers, layer, most) {
            return true;
        }
        let val = match v {
            Found::Value(v) if raw => Some(Val::Bytes(Cow::Borrowed(v.bytes))),
            Found::Value(v) => Val::of(of, v),
            Found::Protocol(v) => Some(v),
        };
        val.is_none_or(&mut *each)
    });
}

enum Found<'f> {
    Value(&'f Valued<'f>),
    Protocol(Val<'f>),
}

/// Hands on what a name reads, with its layer.
fn read(row: &dyn Values, reads: &Reads, each: &mut dyn FnMut(u16, Found<'_>) -> bool) {
    match reads {
        Reads::Fields(all) => {
            let mut more = true;
            for f in all {
                row.field(f, &mut |v| {
                    more = each(v.layer, Found::Value(&v));
                    more
                });
                if !more {
                    break;
                }
            }
        }
        Reads::Unread(all) => row.unread(all, &mut |v| each(v.layer, Found::Value(&v))),
        Reads::Chosen(chosen) => row.chosen(chosen, &mut |v| each(v.layer, Found::Value(&v))),
        Reads::Fact(fact) => row.fact(*fact, &mut |v| each(v.layer, Found::Value(&v))),
        Reads::Protocol { name, .. } => row.protocol(name, &mut |m| each(m.layer, Found::Protocol(Val::met(&m)))),
    }
}

/// The parts of bytes, one behind the other; `None` where one of them is not there.
fn sliced(bytes: &[u8], cuts: &[Cut]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for cut in cuts {
        out.extend_from_slice(bytes.get(cut.range(bytes.len())?)?);
    }
    Some(out)
}

impl Calc {
    /// The value of a calculation; `None` where it has none (a division by zero).
    fn of(self, a: &Val<'_>, b: &Val<'_>) -> Option<Val<'static>> {
        let calc = |a: i128, b: i128| match self {
            Calc::And => Some(a & b),
            Calc::Add => a.checked_add(b),
            Calc::Subtract => a.checked_sub(b),
            Calc::Multiply => a.checked_mul(b),
            Calc::Divide => a.checked_div(b),
            Calc::Modulo => a.checked_rem(b),
        };
        Some(match (a, b) {
            (Val::Number(a), Val::Number(b)) => Val::Number(calc(*a, *b)?),
            (Val::Nanos(a), Val::Nanos(b)) | (Val::Nanos(a), Val::Number(b)) => Val::Nanos(calc(*a, *b)?),
            _ => {
                let (a, b) = (a.bytes()?, b.bytes()?);
                Val::Bytes(Cow::Owned(a.iter().zip(b.iter()).map(|(a, b)| a & b).collect()))
            }
        })
    }
}
