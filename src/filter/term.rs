//! One test of a filter: what `and`, `or` and `not` join.

use crate::column;
use crate::expr::Expr;
use crate::filter::Wants;
use crate::types::Type;
use crate::val::Val;
use crate::values::Values;
use regex::bytes::Regex;
use std::cmp::Ordering;
use std::ops::Range;
use wirelore_store::query::Query;

/// A term of a filter.
#[derive(Debug, Clone)]
pub struct Term {
    pub(crate) span: Range<usize>,
    pub(crate) test: Test,
    pub(crate) wants: Wants,
}

/// What a term tests.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// There is a value.
    There(Expr),
    /// There is a value that is not zero.
    Set(Expr),
    /// Values stand so to one another.
    Compare(Which, Expr, Compare, Expr),
    /// Values are one of these, or between two.
    In(Which, Expr, Vec<(Expr, Option<Expr>)>),
    /// Values hold another.
    Contains(Which, Expr, Expr),
    /// Values match a regular expression, which is kept as it was written too.
    Matches(Which, Expr, Box<Regex>, String),
}

/// Which of several values must pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Any,
    All,
}

/// How two values stand to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Unequal,
    Above,
    Below,
    AtLeast,
    AtMost,
}

impl Compare {
    pub fn holds(self, order: Option<Ordering>) -> bool {
        match (self, order) {
            (Compare::Equal, o) => o == Some(Ordering::Equal),
            (Compare::Unequal, o) => o != Some(Ordering::Equal),
            (_, None) => false,
            (Compare::Above, Some(o)) => o == Ordering::Greater,
            (Compare::Below, Some(o)) => o == Ordering::Less,
            (Compare::AtLeast, Some(o)) => o != Ordering::Less,
            (Compare::AtMost, Some(o)) => o != Ordering::Greater,
        }
    }

    /// What holds where it does not.
    pub const fn opposite(self) -> Compare {
        match self {
            Compare::Equal => Compare::Unequal,
            Compare::Unequal => Compare::Equal,
            Compare::Above => Compare::AtMost,
            Compare::Below => Compare::AtLeast,
            Compare::AtLeast => Compare::Below,
            Compare::AtMost => Compare::Above,
        }
    }
}

/// Goes through values: for `any` until one passes, for `all` until one does not. Without a value nothing passes.
fn judge(which: Which, e: &Expr, row: &dyn Values, passes: &mut dyn FnMut(&Val<'_>) -> bool) -> bool {
    let mut held = false;
    e.each(row, &mut |v| {
        held = passes(&v);
        held == (which == Which::All)
    });
    held
}

impl Term {
    pub(crate) fn new(span: Range<usize>, test: Test) -> Term {
        let mut wants = Wants::default();
        test.each_expr(&mut |e| e.wants(&mut wants));
        Term { span, test, wants }
    }

    /// Where it stands in the filter.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What must be read of a row to judge it.
    #[must_use]
    pub const fn wants(&self) -> &Wants {
        &self.wants
    }

    /// The same question for the store's columns; `None` where they do not answer it.
    #[must_use]
    pub fn query(&self) -> Option<Query> {
        column::bounds(&self.test).exact()
    }

    /// Rows outside of it do not pass; `None` where every row may.
    #[must_use]
    pub fn narrow(&self) -> Option<Query> {
        column::bounds(&self.test).most
    }

    /// Rows in it pass; `None` where none is sure to.
    #[must_use]
    pub fn sure(&self) -> Option<Query> {
        column::bounds(&self.test).least
    }

    /// Whether a row passes.
    #[must_use]
    pub fn holds(&self, row: &dyn Values) -> bool {
        self.test.holds(row)
    }
}

impl Test {
    pub fn each_expr(&self, each: &mut dyn FnMut(&Expr)) {
        match self {
            Test::There(e) | Test::Set(e) | Test::Matches(_, e, ..) => each(e),
            Test::Compare(_, a, _, b) | Test::Contains(_, a, b) => {
                each(a);
                each(b);
            }
            Test::In(_, e, set) => {
                each(e);
                for (from, to) in set {
                    each(from);
                    if let Some(to) = to {
                        each(to);
                    }
                }
            }
        }
    }

    fn holds(&self, row: &dyn Values) -> bool {
        match self {
            Test::There(e) => e.is_there(row),
            Test::Set(e) => judge(Which::Any, e, row, &mut |v| v.is_set()),
            Test::Compare(which, a, compare, Expr::Literal(b, _)) => judge(*which, a, row, &mut |v| compare.holds(v.order(b))),
            Test::Compare(which, a, compare, b) => {
                let right = b.all(row);
                let one = |v: &Val<'_>, w: &Val<'_>| compare.holds(v.order(w));
                match which {
                    Which::Any => judge(*which, a, row, &mut |v| right.iter().any(|w| one(v, w))),
                    Which::All => !right.is_empty() && judge(*which, a, row, &mut |v| right.iter().all(|w| one(v, w))),
                }
            }
            Test::In(which, e, set) => {
                let set: Vec<(Vec<Val<'static>>, Option<Vec<Val<'static>>>)> =
                    set.iter().map(|(a, b)| (a.all(row), b.as_ref().map(|b| b.all(row)))).collect();
                judge(*which, e, row, &mut |v| set.iter().any(|(from, to)| in_range(v, from, to.as_deref())))
            }
            Test::Contains(which, a, b) => {
                let right = b.all(row);
                let holds =
                    |v: &Val<'_>, w: &Val<'_>| v.searched().zip(w.bytes()).is_some_and(|(v, w)| w.is_empty() || found(v, &w));
                match which {
                    Which::Any => judge(*which, a, row, &mut |v| right.iter().any(|w| holds(v, w))),
                    Which::All => !right.is_empty() && judge(*which, a, row, &mut |v| right.iter().all(|w| holds(v, w))),
                }
            }
            Test::Matches(which, e, regex, _) => judge(*which, e, row, &mut |v| v.searched().is_some_and(|t| regex.is_match(t))),
        }
    }
}

fn found(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(text, needle).is_some()
}

fn in_range(v: &Val<'_>, from: &[Val<'_>], to: Option<&[Val<'_>]>) -> bool {
    match to {
        None => from.iter().any(|f| v.order(f) == Some(Ordering::Equal)),
        Some(to) => {
            from.iter().any(|f| Compare::AtLeast.holds(v.order(f))) && to.iter().any(|t| Compare::AtMost.holds(v.order(t)))
        }
    }
}

impl PartialEq for Test {
    fn eq(&self, other: &Test) -> bool {
        match (self, other) {
            (Test::There(a), Test::There(b)) | (Test::Set(a), Test::Set(b)) => a == b,
            (Test::Compare(w, a, c, b), Test::Compare(x, d, e, f)) => (w, a, c, b) == (x, d, e, f),
            (Test::In(w, a, s), Test::In(x, b, t)) => (w, a, s) == (x, b, t),
            (Test::Contains(w, a, b), Test::Contains(x, c, d)) => (w, a, b) == (x, c, d),
            (Test::Matches(w, a, _, r), Test::Matches(x, b, _, s)) => (w, a, r) == (x, b, s),
            _ => false,
        }
    }
}

/// The type of an expression's values.
pub(crate) fn type_of(e: &Expr) -> Type {
    match e {
        Expr::Name { raw: true, .. } | Expr::Slice(..) => Type::Bytes,
        Expr::Name { of, .. } | Expr::Literal(_, of) => *of,
        Expr::Call(f, all) => f.gives(all.first().map_or(Type::Nothing, type_of)),
        Expr::Minus(e) => match type_of(e) {
            Type::Unsigned => Type::Signed,
            of => of,
        },
        Expr::Calc(_, a, b) => match (type_of(a), type_of(b)) {
            (Type::Time, Type::Time) => Type::Duration,
            (Type::Unsigned | Type::Char | Type::Bool, _) => Type::Signed,
            (of, _) => of,
        },
    }
}
