//! Tokens made a tree: `!` binds before `&`, `&` before `|`; what stands side by side is joined by `&`, most loosely of all, as mitmproxy
//! does it.

use super::lex::{Is, Token, lex};
use super::words::{Asks, Word, WordKind, advice, find};
use super::{FilterError, Node, Test};
use regex::bytes::{Regex, RegexBuilder};

/// Groups and negations within each other.
const MOST_DEPTH: usize = 64;
/// Bytes that a compiled expression may take.
const MOST_REGEX: usize = 4 << 20;

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
}

/// Makes a tree of a text.
pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    let mut p = Parser { text, tokens: lex(text)?, next: 0 };
    if p.tokens.is_empty() {
        return Ok(Node::Test(Test::Everything));
    }
    let root = p.side_by_side(0)?;
    match p.tokens.get(p.next) {
        None => Ok(root),
        Some(t) => Err(p.fault(t, "Nothing was opened that this closes", "remove it")),
    }
}

impl Parser<'_> {
    fn fault(&self, token: &Token, what: &str, help: &str) -> FilterError {
        FilterError { text: self.text.to_string(), at: token.at.clone(), what: what.into(), help: help.into() }
    }

    fn fault_at_end(&self, what: &str, help: &str) -> FilterError {
        let end = self.text.trim_end().len();
        FilterError { text: self.text.to_string(), at: end..end, what: what.into(), help: help.into() }
    }

    fn peek(&self) -> Option<&Is> {
        self.tokens.get(self.next).map(|t| &t.is)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next = self.next.saturating_add(usize::from(token.is_some()));
        token
    }

    /// Expressions without a sign between them.
    fn side_by_side(&mut self, depth: usize) -> Result<Node, FilterError> {
        let mut all = vec![self.infix(depth, &Is::Or)?];
        while !matches!(self.peek(), None | Some(Is::Close)) {
            all.push(self.infix(depth, &Is::Or)?);
        }
        Ok(one_or(all, Node::All))
    }

    /// Operands with this sign between them.
    fn infix(&mut self, depth: usize, sign: &Is) -> Result<Node, FilterError> {
        let or = *sign == Is::Or;
        let mut all = Vec::new();
        loop {
            all.push(if or { self.infix(depth, &Is::And)? } else { self.operand(depth)? });
            if self.peek() != Some(sign) {
                return Ok(one_or(all, if or { Node::Any } else { Node::All }));
            }
            self.next = self.next.saturating_add(1);
        }
    }

    fn operand(&mut self, depth: usize) -> Result<Node, FilterError> {
        let Some(token) = self.take() else {
            return Err(self.fault_at_end("Something is missing here", "a word such as ~u, or a regular expression"));
        };
        if depth > MOST_DEPTH {
            return Err(self.fault(&token, "Too many groups within each other", &format!("at most {MOST_DEPTH}")));
        }
        let deeper = depth.saturating_add(1);
        match &token.is {
            Is::Not => Ok(Node::Not(Box::new(self.operand(deeper)?))),
            Is::Open => {
                if self.peek() == Some(&Is::Close) {
                    return Err(self.fault(&token, "Nothing is in these parentheses", "put a regular expression in quotes"));
                }
                let inside = self.side_by_side(deeper)?;
                match self.take() {
                    Some(Token { is: Is::Close, .. }) => Ok(inside),
                    _ => {
                        Err(self.fault(&token, "This parenthesis is not closed", "add ), or put a regular expression in quotes"))
                    }
                }
            }
            Is::Word(name) => {
                let word = find(name).ok_or_else(|| self.fault(&token, &format!("There is no word ~{name}"), &advice(name)))?;
                self.word(word, &token)
            }
            Is::Text(text) => Ok(Node::Test(self.search(find("u"), text, &token)?)),
            Is::And | Is::Or => {
                Err(self.fault(&token, "Nothing stands before this sign", "write what it joins on both sides of it"))
            }
            Is::Close => Err(self.fault(&token, "Nothing stands before this parenthesis", "remove it")),
        }
    }

    fn word(&mut self, word: &'static Word, token: &Token) -> Result<Node, FilterError> {
        let test = match word.kind {
            WordKind::Plain if word.asks == Asks::All => Test::Everything,
            WordKind::Plain => Test::Plain(word),
            WordKind::Regex | WordKind::Number => {
                let wants = if word.kind == WordKind::Regex { "a regular expression" } else { "a number" };
                let Some(Token { is: Is::Text(_), .. }) = self.tokens.get(self.next) else {
                    return Err(self.fault(
                        token,
                        &format!("~{} needs {wants} behind it", word.name),
                        "in quotes if it has blanks",
                    ));
                };
                let Some(behind @ Token { is: Is::Text(text), .. }) = &self.take() else { return Ok(Node::All(Vec::new())) };
                if word.kind == WordKind::Regex {
                    self.search(Some(word), text, behind)?
                } else {
                    self.number(word, text, behind)?
                }
            }
        };
        Ok(Node::Test(test))
    }

    fn search(&self, word: Option<&'static Word>, text: &str, token: &Token) -> Result<Test, FilterError> {
        let Some(word) = word else { return Ok(Test::Everything) };
        let body = matches!(word.asks, Asks::Body(_));
        match compile(text, body, true) {
            Ok(regex) => Ok(Test::Search(word, Box::new(regex))),
            Err(why) => {
                Err(self.fault(token, &format!("This is no regular expression: {why}"), "put \\ before a sign meant as itself"))
            }
        }
    }

    fn number(&self, word: &'static Word, text: &str, token: &Token) -> Result<Test, FilterError> {
        range(text)
            .map(|(from, to)| Test::Number(word, from, to))
            .ok_or_else(|| self.fault(token, &format!("~{} needs a number", word.name), "404, or 4xx, or 400-499"))
    }
}

/// A regular expression over bytes. `over_lines`: the dot takes line ends too.
pub(crate) fn compile(text: &str, over_lines: bool, any_case: bool) -> Result<Regex, String> {
    let built =
        RegexBuilder::new(text).case_insensitive(any_case).dot_matches_new_line(over_lines).size_limit(MOST_REGEX).build();
    built.map_err(|e| {
        // The crate's own words are several lines with a caret of their own; the last one says what is wrong.
        let all = e.to_string();
        let last = all.lines().last().unwrap_or_default();
        last.strip_prefix("error: ").unwrap_or(last).to_string()
    })
}

/// `404`, `4xx`, `400-499`.
fn range(text: &str) -> Option<(u16, u16)> {
    let lower = text.to_ascii_lowercase();
    if let Some(class) = lower.strip_suffix("xx") {
        let from = class.parse::<u16>().ok()?.checked_mul(100)?;
        return Some((from, from.checked_add(99)?));
    }
    match lower.split_once('-') {
        Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)).filter(|(a, b)| a <= b),
        None => lower.parse().ok().map(|n| (n, n)),
    }
}

fn one_or(mut all: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match (all.len(), all.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            all.extend(last);
            join(all)
        }
    }
}
