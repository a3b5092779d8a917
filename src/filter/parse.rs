//! From tokens to conditions, by precedence: `not` binds closest, then `and`, `xor`, `or`.

use crate::check;
use crate::error::Error;
use crate::filter::{Filter, Joined};
use crate::lex::{Placed, Token, lex};
use crate::mitmproxy;
use crate::registry::Registry;
use crate::shorthand;
use crate::side::{self, Side};
use crate::term::{Compare, Term, Test, Which};
use std::ops::Range;

/// Parentheses, `not` and calculations may nest so deep.
const MOST_DEPTH: u32 = 100;
/// So many `xor` may stand in a filter: a query asks each of their sides twice.
const MOST_XORS: u32 = 8;

/// Reads a filter. An empty text matches everything; mitmproxy's `~` filters are translated ([`Filter::translated`]).
///
/// # Errors
/// [`Error`]: where it is wrong, why, and what to write instead.
pub fn parse(text: &str, registry: &Registry) -> Result<Filter, Error> {
    if mitmproxy::is_one(text) {
        let translated = mitmproxy::translate(text)?;
        // What the translation says is ours to get right: the user sees the place in what was written.
        let whole = |e: Error| Error { span: 0..text.len(), ..e };
        let filter = read(&translated, registry).map_err(whole)?;
        return Ok(Filter { text: text.to_owned(), translated: Some(translated), ..filter });
    }
    read(text, registry)
}

fn read(text: &str, registry: &Registry) -> Result<Filter, Error> {
    let tokens = lex(text, &|w| registry.get(w).is_some() || shorthand::is_one(w))?;
    let mut p = Parser { text, registry, tokens, at: 0, depth: 0, xors: 0, terms: Vec::new() };
    if p.tokens.is_empty() {
        return Ok(Filter::new(text, Joined::And(Vec::new()), Vec::new()));
    }
    let joined = p.joined(0)?;
    match p.tokens.get(p.at) {
        None => Ok(Filter { remarks: p.remarks(), ..Filter::new(text, joined, p.terms) }),
        Some(t) => Err(p.not_here(&t.clone())),
    }
}

pub(crate) struct Parser<'p> {
    pub text: &'p str,
    pub registry: &'p Registry,
    tokens: Vec<Placed>,
    at: usize,
    depth: u32,
    xors: u32,
    terms: Vec<Term>,
}

impl Parser<'_> {
    /// Names in the text that are called otherwise now.
    fn remarks(&self) -> Vec<String> {
        let words = self.tokens.iter().filter(|t| t.token == Token::Word).map(|t| self.word(t));
        let mut all: Vec<String> =
            words.filter_map(|w| Some(format!("{w} is called {} now.", self.registry.renamed(w)?.name))).collect();
        all.dedup();
        all
    }
}

/// How two conditions are joined, by rising strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    Or = 1,
    Xor = 2,
    And = 3,
}

/// An operator between two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Compare(Compare, Which),
    In,
    NotIn,
    Contains,
    Matches,
}

impl<'p> Parser<'p> {
    pub fn written(&self, at: &Range<usize>) -> &'p str {
        self.text.get(at.clone()).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<&Placed> {
        self.tokens.get(self.at)
    }

    pub fn word(&self, p: &Placed) -> &'p str {
        if p.token == Token::Word { self.written(&p.at) } else { "" }
    }

    pub fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// Takes the next token if it is that mark; says where it stood.
    pub fn take(&mut self, mark: &str) -> Option<Range<usize>> {
        let at = self.peek().filter(|p| matches!(p.token, Token::Mark(m) if m == mark))?.at.clone();
        self.step();
        Some(at)
    }

    /// One level deeper, for as long as `inside` reads.
    pub fn deeper<T>(&mut self, at: &Range<usize>, inside: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= MOST_DEPTH {
            return Err(Error::new(
                at.clone(),
                "This is nested too deep.",
                format!("At most {MOST_DEPTH} levels of parentheses, not and calculations are read."),
                "Leave out parentheses that change nothing.",
            ));
        }
        self.depth = self.depth.saturating_add(1);
        let read = inside(self);
        self.depth = self.depth.saturating_sub(1);
        read
    }

    /// Reads what the name at `at` stands for with `how`, as if it were written there.
    pub fn standing_for<T>(
        &mut self,
        at: &Range<usize>,
        text: &'static str,
        how: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let registry = self.registry;
        let here = |e: Error| Error { span: at.clone(), ..e };
        let tokens = lex(text, &|w| registry.get(w).is_some()).map_err(here)?;
        let (outer, place) = (std::mem::replace(&mut self.tokens, tokens), std::mem::take(&mut self.at));
        let (written, terms) = (std::mem::replace(&mut self.text, text), self.terms.len());
        let read = how(self).map_err(here);
        (self.text, self.tokens, self.at) = (written, outer, place);
        for term in self.terms.iter_mut().skip(terms) {
            term.span = at.clone();
        }
        read
    }

    fn join(&self) -> Option<Join> {
        let p = self.peek()?;
        match (&p.token, self.word(p)) {
            (Token::Mark("||"), _) | (_, "or") => Some(Join::Or),
            (Token::Mark("^^"), _) | (_, "xor") => Some(Join::Xor),
            (Token::Mark("&&"), _) | (_, "and") => Some(Join::And),
            _ => None,
        }
    }

    fn joined(&mut self, least: u8) -> Result<Joined, Error> {
        let mut left = self.condition()?;
        while let Some(join) = self.join().filter(|j| *j as u8 > least) {
            let at = self.peek().map(|p| p.at.clone()).unwrap_or_default();
            self.step();
            self.xors = self.xors.saturating_add(u32::from(join == Join::Xor));
            if self.xors > MOST_XORS {
                return Err(Error::new(
                    at,
                    "There are too many xor.",
                    format!("At most {MOST_XORS} are read."),
                    "Say it with and, or, not.",
                ));
            }
            let right = self.condition_behind(join)?;
            left = match (join, left) {
                (Join::And, Joined::And(mut all)) => {
                    all.push(right);
                    Joined::And(all)
                }
                (Join::Or, Joined::Or(mut any)) => {
                    any.push(right);
                    Joined::Or(any)
                }
                (Join::And, left) => Joined::And(vec![left, right]),
                (Join::Or, left) => Joined::Or(vec![left, right]),
                (Join::Xor, left) => Joined::Xor(Box::new(left), Box::new(right)),
            };
        }
        Ok(left)
    }

    /// What follows `and`, `or`, `xor`. A value alone there was meant for the comparison before it: `tcp.port == 80 || 443`.
    fn condition_behind(&mut self, join: Join) -> Result<Joined, Error> {
        let before = self.terms.last().map(|t| t.span.clone());
        let next = self.peek().cloned();
        self.joined(join as u8).map_err(|mut e| {
            let (Some(before), Some(next)) = (before, next) else { return e };
            let alone = next.at == e.span && self.registry.get(self.written(&next.at)).is_none();
            if let Some((name, _)) = self.written(&before).split_once("==").filter(|_| alone && join == Join::Or) {
                let (name, value) = (name.trim(), self.written(&next.at));
                e.why = "A value alone is no condition: each side of or is one by itself.".into();
                e.what_to_do = format!("Write {name} == {value}, or {name} in {{..., {value}}}.");
                e.nearest.clear();
            }
            e
        })
    }

    fn condition(&mut self) -> Result<Joined, Error> {
        let Some(p) = self.peek().cloned() else { return Err(self.missing("A condition")) };
        match (&p.token, self.word(&p)) {
            (Token::Mark("!"), _) | (_, "not") => {
                self.step();
                let inner = self.deeper(&p.at, Self::condition)?;
                Ok(Joined::Not(Box::new(inner)))
            }
            (Token::Mark("("), _) => self.parenthesis(&p.at),
            (Token::Word, word) if let Some(text) = shorthand::condition(word).filter(|_| self.registry.get(word).is_none()) => {
                self.step();
                self.deeper(&p.at, |inside| inside.standing_for(&p.at, text, |p| p.joined(0)))
            }
            _ => self.test(),
        }
    }

    /// A condition in parentheses; or, where an operator follows, a calculation in them.
    fn parenthesis(&mut self, at: &Range<usize>) -> Result<Joined, Error> {
        let (from, terms) = (self.at, self.terms.len());
        self.step();
        let inner = self.deeper(at, |p| p.joined(0)).and_then(|inner| {
            if self.take(")").is_some() {
                return Ok(inner);
            }
            Err(match self.peek().cloned() {
                None => Error::new(at.clone(), "This parenthesis is not closed.", "", "Write ) behind the condition."),
                Some(next) => self.not_here(&next),
            })
        });
        if inner.is_ok() && !self.operator_follows() {
            return inner;
        }
        let here = self.at;
        self.at = from;
        let first_terms = self.terms.split_off(terms);
        let test = self.test();
        match (test, inner) {
            (Ok(test), _) => Ok(test),
            (Err(e), Ok(_)) => Err(e),
            (Err(_), Err(first)) => {
                self.at = here;
                self.terms.extend(first_terms);
                Err(first)
            }
        }
    }

    /// Whether what stands next makes a side of a comparison of what stands before it.
    fn operator_follows(&self) -> bool {
        let calc = matches!(self.peek().map(|p| &p.token), Some(Token::Mark("+" | "-" | "*" | "/" | "%" | "&")));
        calc || self.operator().is_some()
    }

    fn operator(&self) -> Option<(Operator, usize)> {
        use Compare::{Above, AtLeast, AtMost, Below, Equal, Unequal};
        let p = self.peek()?;
        let mark = if let Token::Mark(m) = p.token { m } else { self.word(p) };
        let (operator, len) = match mark {
            "==" | "eq" | "any_eq" => (Operator::Compare(Equal, Which::Any), 1),
            "!=" | "ne" | "all_ne" => (Operator::Compare(Unequal, Which::All), 1),
            "===" | "all_eq" => (Operator::Compare(Equal, Which::All), 1),
            "!==" | "any_ne" | "~=" => (Operator::Compare(Unequal, Which::Any), 1),
            ">" | "gt" => (Operator::Compare(Above, Which::Any), 1),
            "<" | "lt" => (Operator::Compare(Below, Which::Any), 1),
            ">=" | "ge" => (Operator::Compare(AtLeast, Which::Any), 1),
            "<=" | "le" => (Operator::Compare(AtMost, Which::Any), 1),
            "in" => (Operator::In, 1),
            "contains" => (Operator::Contains, 1),
            "matches" | "~" => (Operator::Matches, 1),
            "not" => {
                let next = self.tokens.get(self.at.saturating_add(1))?;
                if self.word(next) != "in" {
                    return None;
                }
                (Operator::NotIn, 2)
            }
            _ => return None,
        };
        Some((operator, len))
    }

    /// A test: a side alone, or sides and operators between them.
    fn test(&mut self) -> Result<Joined, Error> {
        let from = self.peek().map_or(self.text.len(), |p| p.at.start);
        let which = self.which();
        let mut left = side::read(self)?;
        let mut tests = Vec::new();
        while let Some((operator, len)) = self.operator() {
            let at = self.peek().map(|p| p.at.clone()).unwrap_or_default();
            for _ in 0..len {
                self.step();
            }
            let start = if tests.is_empty() { from } else { left.at.start };
            let (joined, right) = self.one(&left, operator, &at, which, start)?;
            tests.push(joined);
            match right {
                // 1 < frame.number < 5: the side in the middle stands in both tests.
                Some(right) => left = right,
                None => break,
            }
        }
        if tests.is_empty() {
            if which.is_some() {
                let at = self.peek().map_or(self.text.len()..self.text.len(), |p| p.at.clone());
                return Err(Error::new(
                    at,
                    "A comparison is missing.",
                    "any and all say for which of several values a comparison must hold.",
                    "Write all tcp.port > 1024.",
                ));
            }
            let test = check::alone(&left, self.registry)?;
            return Ok(self.term(left.at.clone(), test));
        }
        Ok(if tests.len() == 1 { tests.swap_remove(0) } else { Joined::And(tests) })
    }

    fn which(&mut self) -> Option<Which> {
        let p = self.peek()?;
        let which = match self.word(p) {
            "any" => Which::Any,
            "all" => Which::All,
            _ => return None,
        };
        self.step();
        Some(which)
    }

    /// One test with its right side; the side too, where another comparison may follow.
    fn one(
        &mut self,
        left: &Side,
        operator: Operator,
        at: &Range<usize>,
        which: Option<Which>,
        start: usize,
    ) -> Result<(Joined, Option<Side>), Error> {
        if matches!(operator, Operator::Compare(Compare::Below, _)) && self.take(">").is_some() {
            let end = at.end.saturating_add(1);
            return Err(Error::new(at.start..end, "\"<>\" is no operator.", "Other languages write unequal so.", "Write !=."));
        }
        match operator {
            Operator::Compare(compare, own) => {
                let right = side::read(self)?;
                let test = check::compare(left, compare, which.unwrap_or(own), &right, self.registry)?;
                let end = right.at.end;
                Ok((self.term(start..end, test), Some(right)))
            }
            Operator::Contains => {
                let right = side::read(self)?;
                let test = check::contains(left, which.unwrap_or(Which::Any), &right, self.registry)?;
                Ok((self.term(start..right.at.end, test), None))
            }
            Operator::Matches => {
                let right = side::read(self)?;
                let test = check::matches(left, which.unwrap_or(Which::Any), &right, self.registry)?;
                Ok((self.term(start..right.at.end, test), None))
            }
            Operator::In | Operator::NotIn => {
                let (set, end) = self.set(left)?;
                let test = check::member(left, which.unwrap_or(Which::Any), &set, self.registry)?;
                let joined = self.term(start..end, test);
                Ok((if operator == Operator::In { joined } else { Joined::Not(Box::new(joined)) }, None))
            }
        }
    }

    /// What stands in the braces behind `in`.
    #[expect(clippy::type_complexity, reason = "members and where their braces end, used once")]
    fn set(&mut self, left: &Side) -> Result<(Vec<(Side, Option<Side>)>, usize), Error> {
        let name = self.written(&left.at);
        let example = format!("Write {name} in {{80, 443, 8000..8099}}.");
        let Some(open) = self.take("{") else {
            let at = self.peek().map_or(self.text.len()..self.text.len(), |p| p.at.clone());
            return Err(Error::new(at, "A set is missing behind in.", "A set stands in braces.", example));
        };
        let mut set = Vec::new();
        loop {
            if let Some(close) = self.take("}") {
                let (what, why) = if set.is_empty() {
                    ("This set is empty.", "Nothing is in an empty set.")
                } else {
                    ("A value is missing before the brace.", "A comma says that another one follows.")
                };
                return Err(Error::new(close, what, why, example));
            }
            let from = side::read(self)?;
            let to = if self.take("..").is_some() { Some(side::read(self)?) } else { None };
            set.push((from, to));
            if self.take(",").is_some() {
                continue;
            }
            if let Some(close) = self.take("}") {
                return Ok((set, close.end));
            }
            return Err(match self.peek() {
                None => Error::new(open, "This set is not closed.", "", format!("Write }} at its end. {example}")),
                Some(p) => Error::new(
                    p.at.clone(),
                    "A comma is missing before this value.",
                    "Blanks alone do not divide the values of a set.",
                    example,
                ),
            });
        }
    }

    fn term(&mut self, span: Range<usize>, test: Test) -> Joined {
        self.terms.push(Term::new(span, test));
        Joined::Term(self.terms.len().saturating_sub(1))
    }

    pub fn missing(&self, what: &str) -> Error {
        let end = self.text.len();
        Error::new(
            end..end,
            format!("{what} is missing at the end."),
            "The filter breaks off.",
            "Go on with a name, http or tcp.port == 443, or take away what stands last.",
        )
    }

    /// A token where the filter could have ended.
    fn not_here(&self, p: &Placed) -> Error {
        let written = self.written(&p.at);
        let what = format!("\"{written}\" can not stand here.");
        let before = self.tokens.get(self.at.saturating_sub(1)).map_or("", |b| self.written(&b.at));
        let is_name = self.registry.get(before).is_some();
        let (why, to_do) = match written {
            "=" => ("One = is no operator.".to_owned(), "Write == to compare.".to_owned()),
            ")" => ("No parenthesis was opened for it.".to_owned(), "Take it away, or write ( before.".to_owned()),
            "|" => ("One | is no operator.".to_owned(), "Write || or or.".to_owned()),
            ";" | "," => ("Conditions are joined by words.".to_owned(), "Write and, or, xor instead.".to_owned()),
            "AND" | "OR" | "NOT" | "XOR" | "IN" | "CONTAINS" | "MATCHES" | "EQ" | "NE" | "And" | "Or" | "Not" => {
                let lower = written.to_lowercase();
                ("Operators are written in small letters.".to_owned(), format!("Write {lower}."))
            }
            "is" | "equals" | "like" if is_name => {
                ("It is no operator.".to_owned(), format!("Write {before} == ..., or {before} contains \"...\"."))
            }
            _ if is_name && !matches!(p.token, Token::Mark(_)) => {
                let value = if let Token::Text(_) = p.token { written.to_owned() } else { written.trim_matches('"').to_owned() };
                if self.registry.get(&value).is_some() {
                    ("Two conditions stand side by side.".to_owned(), format!("Join them: {before} and {value}."))
                } else {
                    ("An operator is missing before it.".to_owned(), format!("Write {before} == {value}."))
                }
            }
            _ => (
                "The condition before it is complete.".to_owned(),
                "Join conditions with and, or, xor: http and tcp.port == 8080.".to_owned(),
            ),
        };
        Error::new(p.at.clone(), what, why, to_do)
    }
}
