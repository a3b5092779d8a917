//! A filter that was read without fault: what columns answer of it, what must be read again, and whether a row matches.

use crate::facts::Fact;
use crate::term::Term;
use crate::values::Values;
use wirelore_kit::F;
use wirelore_store::query::Query;

/// What must be known of a row so that a filter can judge it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wants {
    /// Fields.
    pub fields: Vec<F>,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Protocols by their short names; `frame` among them where all bytes of a packet are looked at.
    pub protocols: Vec<&'static str>,
}

impl Wants {
    /// Whether rows must be read again: facts of the store alone do not say it.
    #[must_use]
    pub fn needs_reading(&self) -> bool {
        !self.fields.is_empty() || !self.protocols.is_empty() || self.facts.iter().any(|f| f.needs_reading())
    }

    pub(crate) fn field(&mut self, f: F) {
        if !self.fields.iter().any(|g| g.is(f)) {
            self.fields.push(f);
        }
    }

    pub(crate) fn fact(&mut self, fact: Fact) {
        if !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }

    pub(crate) fn protocol(&mut self, name: &'static str) {
        if !self.protocols.contains(&name) {
            self.protocols.push(name);
        }
    }

    fn all_of(&mut self, other: &Wants) {
        other.fields.iter().for_each(|f| self.field(f));
        other.facts.iter().for_each(|f| self.fact(*f));
        other.protocols.iter().for_each(|p| self.protocol(p));
    }
}

/// How the terms of a filter are joined; terms by their number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Joined {
    Term(usize),
    Not(Box<Joined>),
    And(Vec<Joined>),
    Or(Vec<Joined>),
    Xor(Box<Joined>, Box<Joined>),
}

/// A filter. An empty text matches everything.
#[derive(Debug, Clone)]
pub struct Filter {
    pub(crate) text: String,
    pub(crate) translated: Option<String>,
    pub(crate) remarks: Vec<String>,
    pub(crate) joined: Joined,
    pub(crate) terms: Vec<Term>,
    pub(crate) wants: Wants,
}

impl Filter {
    pub(crate) fn new(text: &str, joined: Joined, terms: Vec<Term>) -> Filter {
        let mut wants = Wants::default();
        terms.iter().for_each(|t| wants.all_of(t.wants()));
        Filter { text: text.to_owned(), translated: None, remarks: Vec::new(), joined, terms, wants }
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says in Wireshark's language, where it was written in mitmproxy's.
    #[must_use]
    pub fn translated(&self) -> Option<&str> {
        self.translated.as_deref()
    }

    /// What whoever wrote it should know: names that are called otherwise now.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Its terms: the tests that `and`, `or` and `not` join. Over rows that are more than one packet each of them holds by itself.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What must be read of a row.
    #[must_use]
    pub const fn wants(&self) -> &Wants {
        &self.wants
    }

    /// The same question for the store's columns; `None` where they do not answer all of it.
    #[must_use]
    pub fn query(&self) -> Option<Query> {
        let all: Option<Vec<Query>> = self.terms.iter().map(Term::query).collect();
        let all = all?;
        Some(self.with(&mut |n, _| all.get(n).cloned().unwrap_or(Query::All)))
    }

    /// The filter as a query, with `answer` for each of its terms: the store's own ([`Term::query`]), or the rows that were found by
    /// reading again ([`wirelore_store::query::Query::These`]).
    pub fn with(&self, answer: &mut dyn FnMut(usize, &Term) -> Query) -> Query {
        let answers: Vec<Query> = self.terms.iter().enumerate().map(|(n, t)| answer(n, t)).collect();
        self.joined.query(&|n| answers.get(n).cloned().unwrap_or(Query::All))
    }

    /// Rows outside of it do not match; `None` where every row may.
    #[must_use]
    pub fn narrow(&self) -> Option<Query> {
        match self.joined.most(true, &|n| self.terms.get(n)) {
            Query::All => None,
            q => Some(q),
        }
    }

    /// Whether a row matches, one packet or one message.
    #[must_use]
    pub fn holds(&self, row: &dyn Values) -> bool {
        self.joined.holds(&|n| self.terms.get(n).is_some_and(|t| t.holds(row)))
    }
}

fn nothing() -> Query {
    Query::Or(Vec::new())
}

impl Joined {
    pub(crate) fn holds(&self, term: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Joined::Term(n) => term(*n),
            Joined::Not(inner) => !inner.holds(term),
            Joined::And(all) => all.iter().all(|j| j.holds(term)),
            Joined::Or(any) => any.iter().any(|j| j.holds(term)),
            Joined::Xor(a, b) => a.holds(term) != b.holds(term),
        }
    }

    fn query(&self, term: &dyn Fn(usize) -> Query) -> Query {
        let not = |q| Query::Not(Box::new(q));
        match self {
            Joined::Term(n) => term(*n),
            Joined::Not(inner) => not(inner.query(term)),
            Joined::And(all) => Query::And(all.iter().map(|j| j.query(term)).collect()),
            Joined::Or(any) => Query::Or(any.iter().map(|j| j.query(term)).collect()),
            Joined::Xor(a, b) => {
                let (a, b) = (a.query(term), b.query(term));
                Query::Or(vec![Query::And(vec![a.clone(), not(b.clone())]), Query::And(vec![not(a), b])])
            }
        }
    }

    /// What may match (`most`), or what does in any case: each term by its own bounds, turned round under `not`.
    fn most<'t>(&self, most: bool, term: &dyn Fn(usize) -> Option<&'t Term>) -> Query {
        match self {
            Joined::Term(n) => match (term(*n), most) {
                (Some(t), true) => t.narrow().unwrap_or(Query::All),
                (Some(t), false) => t.sure().unwrap_or_else(nothing),
                (None, _) => Query::All,
            },
            Joined::Not(inner) => match inner.most(!most, term) {
                Query::All => nothing(),
                Query::Or(none) if none.is_empty() => Query::All,
                q => Query::Not(Box::new(q)),
            },
            Joined::And(all) => {
                let mut parts: Vec<Query> = all.iter().map(|j| j.most(most, term)).collect();
                parts.retain(|q| *q != Query::All);
                match parts.len() {
                    0 => Query::All,
                    1 => parts.pop().unwrap_or(Query::All),
                    _ => Query::And(parts),
                }
            }
            Joined::Or(any) => {
                let parts: Vec<Query> = any.iter().map(|j| j.most(most, term)).collect();
                if parts.contains(&Query::All) { Query::All } else { Query::Or(parts) }
            }
            // Each side either way.
            Joined::Xor(a, b) => {
                let sides = |x: &Joined, y: &Joined| Query::And(vec![x.most(most, term), flip(y.most(!most, term))]);
                let parts = vec![sides(a, b), sides(b, a)];
                if parts.iter().all(|q| matches!(q, Query::And(p) if p.iter().all(|q| *q == Query::All))) {
                    Query::All
                } else {
                    Query::Or(parts)
                }
            }
        }
    }
}

fn flip(q: Query) -> Query {
    match q {
        Query::All => nothing(),
        Query::Or(none) if none.is_empty() => Query::All,
        q => Query::Not(Box::new(q)),
    }
}
