//! From tokens to a filter, by precedence: `not` binds closest, then `and`, `xor`, `or`.

use crate::error::Error;
use crate::expr::Expr;
use crate::filter::{Filter, Joined};
use crate::lex::{Placed, Token, lex};
use crate::registry::Registry;
use crate::term::{Term, Test};
use std::ops::Range;

/// Parentheses and `not` may nest so deep.
const MOST_DEPTH: u32 = 200;

/// Reads a filter. An empty text matches everything.
///
/// # Errors
/// [`Error`]: where it is wrong, why, and what to write instead.
pub fn parse(text: &str, registry: &Registry) -> Result<Filter, Error> {
    let tokens = lex(text, &|w| registry.get(w).is_some())?;
    let mut p = Parser { text, registry, tokens, at: 0, depth: 0, terms: Vec::new() };
    if p.tokens.is_empty() {
        return Ok(Filter::new(text, Joined::And(Vec::new()), Vec::new()));
    }
    let joined = p.joined(0)?;
    match p.tokens.get(p.at) {
        None => Ok(Filter::new(text, joined, p.terms)),
        Some(t) => Err(Error::new(
            t.at.clone(),
            format!("\"{}\" can not stand here.", p.written(&t.at)),
            "The filter is complete before it.",
            "Join two conditions with and, or, xor: http and tcp.port == 8080.",
        )),
    }
}

struct Parser<'p> {
    text: &'p str,
    registry: &'p Registry,
    tokens: Vec<Placed>,
    at: usize,
    depth: u32,
    terms: Vec<Term>,
}

/// How two conditions are joined, by rising strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    Or = 1,
    Xor = 2,
    And = 3,
}

impl Parser<'_> {
    fn written(&self, at: &Range<usize>) -> &str {
        self.text.get(at.clone()).unwrap_or_default()
    }

    fn word(&self, p: &Placed) -> &str {
        if p.token == Token::Word { self.written(&p.at) } else { "" }
    }

    fn join(&self) -> Option<Join> {
        let p = self.tokens.get(self.at)?;
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
            self.at = self.at.saturating_add(1);
            let right = self.joined(join as u8)?;
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

    fn condition(&mut self) -> Result<Joined, Error> {
        let here = self.tokens.get(self.at).cloned();
        let Some(p) = here else {
            let end = self.text.len();
            return Err(Error::new(
                end..end,
                "Something is missing at the end.",
                "A condition is expected.",
                "Write http, or tcp.port == 443.",
            ));
        };
        self.at = self.at.saturating_add(1);
        let what = match (&p.token, self.word(&p)) {
            (Token::Mark("!"), _) | (_, "not") => {
                self.deeper(&p.at)?;
                let inner = self.condition()?;
                Joined::Not(Box::new(inner))
            }
            (Token::Mark("("), _) => {
                self.deeper(&p.at)?;
                let inner = self.joined(0)?;
                match self.tokens.get(self.at) {
                    Some(Placed { token: Token::Mark(")"), .. }) => self.at = self.at.saturating_add(1),
                    _ => return Err(Error::new(p.at, "This parenthesis is not closed.", "", "Write ) behind the condition.")),
                }
                inner
            }
            _ => return self.term(&p.at),
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(what)
    }

    fn deeper(&mut self, at: &Range<usize>) -> Result<(), Error> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MOST_DEPTH {
            return Err(Error::new(at.clone(), "This is nested too deep.", format!("At most {MOST_DEPTH} levels are read."), ""));
        }
        Ok(())
    }

    fn term(&mut self, at: &Range<usize>) -> Result<Joined, Error> {
        let word = self.written(at);
        let Some(name) = self.registry.get(word) else {
            return Err(Error::new(at.clone(), format!("\"{word}\" is no name."), "No protocol and no field is called so.", ""));
        };
        let expr = Expr::Name { reads: name.reads.clone() };
        self.terms.push(Term::new(at.clone(), Test::There(expr)));
        Ok(Joined::Term(self.terms.len().saturating_sub(1)))
    }
}
