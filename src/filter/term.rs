//! One test of a filter: what `and`, `or` and `not` join.

use crate::expr::Expr;
use crate::filter::Wants;
use crate::values::Values;
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
}

impl Term {
    pub(crate) fn new(span: Range<usize>, test: Test) -> Term {
        let mut wants = Wants::default();
        test.wants(&mut wants);
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
        None
    }

    /// Rows outside of it do not pass; `None` where every row may.
    #[must_use]
    pub fn narrow(&self) -> Option<Query> {
        self.query()
    }

    /// Rows in it pass; `None` where none is sure to.
    #[must_use]
    pub fn sure(&self) -> Option<Query> {
        self.query()
    }

    /// Whether a row passes.
    #[must_use]
    pub fn holds(&self, row: &dyn Values) -> bool {
        match &self.test {
            Test::There(e) => e.is_there(row),
        }
    }
}

impl Test {
    fn wants(&self, wants: &mut Wants) {
        match self {
            Test::There(e) => e.wants(wants),
        }
    }
}
