//! The filter language of rules and breakpoints: mitmproxy's `~` words, joined by `&`, `|`, `!`, parentheses, or standing side by side.
//!
//! `lex.rs` cuts a text into tokens, `parse.rs` makes a tree of them, `words.rs` says which words there are, `eval.rs` asks a tree whether a
//! message fits. A question has three answers: yes, no, and *not yet*, as long as the body or the message itself is not there.

mod eval;
mod lex;
mod parse;
mod words;

pub use eval::Decode;
pub(crate) use eval::{Fits, Scene, host_of, port_of};
pub(crate) use parse::compile;
pub use words::{WORDS, Word, WordKind};

use regex::bytes::Regex;
use std::ops::Range;
use words::{Asks, Whose};

/// A filter that was read without fault.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    root: Node,
}

/// A filter's tree.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Test(Test),
}

/// A leaf: one word and what is asked of it.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// Matches everything.
    Everything,
    /// Only the word is there.
    Plain(&'static Word),
    /// A regular expression is searched.
    Search(&'static Word, Box<Regex>),
    /// A number lies between these, both included.
    Number(&'static Word, u16, u16),
}

/// Why a text is no filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// The whole text.
    pub text: String,
    /// Bytes of it that are at fault.
    pub at: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What to write instead; may be empty.
    pub help: String,
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.what)?;
        writeln!(f, "  {}", self.text.replace(['\n', '\t'], " "))?;
        let chars = |range: Range<usize>| self.text.get(range).map_or(0, |t| t.chars().count());
        let carets = "^".repeat(chars(self.at.clone()).max(1));
        write!(f, "  {}{carets}", " ".repeat(chars(0..self.at.start)))?;
        if self.help.is_empty() { Ok(()) } else { write!(f, " {}", self.help) }
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Reads a filter. An empty text matches everything.
    ///
    /// # Errors
    /// [`FilterError`], which shows the place.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        Ok(Filter { text: text.to_string(), root: parse::parse(text)? })
    }

    /// The filter that matches everything.
    pub(crate) fn everything() -> Filter {
        Filter { text: String::new(), root: Node::Test(Test::Everything) }
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a message or a connection fits.
    pub(crate) fn fits(&self, scene: &Scene<'_>) -> Fits {
        self.root.fits(scene)
    }

    /// The first word of it that asks for more than is known of a connection without its messages.
    pub(crate) fn asks_for_messages(&self) -> Option<&'static Word> {
        self.root.word(&|w| !w.of_connection)
    }

    /// Whether it asks for a method.
    pub(crate) fn names_method(&self) -> bool {
        self.root.word(&|w| matches!(w.asks, Asks::Method)).is_some()
    }

    /// Whether answers are judged by the bodies of their questions.
    pub(crate) fn looks_at_question_bodies(&self) -> bool {
        self.root.word(&|w| matches!(w.asks, Asks::Body(Whose::Either | Whose::Question))).is_some()
    }
}

impl Node {
    /// The first word of that kind.
    fn word(&self, wanted: &dyn Fn(&Word) -> bool) -> Option<&'static Word> {
        match self {
            Node::Not(n) => n.word(wanted),
            Node::All(all) | Node::Any(all) => all.iter().find_map(|n| n.word(wanted)),
            Node::Test(Test::Everything) => None,
            Node::Test(Test::Plain(w) | Test::Search(w, _) | Test::Number(w, ..)) => wanted(w).then_some(w),
        }
    }
}

#[cfg(test)]
mod tests;
