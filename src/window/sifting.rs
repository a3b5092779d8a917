//! What the text of the filter field means: a filter of the language, words to look for, or something that is no filter yet.

use std::sync::Arc;
use wirelore_filter::{Error, Filter, Registry};

/// What the field says.
#[derive(Debug, Clone, Default)]
pub enum Meaning {
    /// Nothing: every row.
    #[default]
    Every,
    /// Words that rows must hold in hosts, addresses or summaries.
    Words(String),
    /// A filter.
    Filter(Arc<Filter>),
    /// No filter, and why.
    Wrong(Arc<Error>),
}

impl Meaning {
    /// What a reader of the filter should know: names in it that are called otherwise now.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        match self {
            Meaning::Filter(f) => f.remarks(),
            _ => &[],
        }
    }
}

/// What rows are to pass.
#[derive(Debug, Clone, Default)]
pub enum Sift {
    /// Every row.
    #[default]
    Every,
    /// Those that hold these words.
    Words(String),
    /// Those that a filter passes.
    Filter(Arc<Filter>),
}

impl Sift {
    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Sift::Every => "",
            Sift::Words(text) => text,
            Sift::Filter(f) => f.text(),
        }
    }

    /// Whether every row passes.
    #[must_use]
    pub const fn is_every(&self) -> bool {
        matches!(self, Sift::Every)
    }
}

// The same text means the same: a filter is known by it.
impl PartialEq for Sift {
    fn eq(&self, other: &Sift) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.text() == other.text()
    }
}

impl Eq for Sift {}

/// The text of the field, what it means, and what is listed by it: that of the last text that could be read.
#[derive(Debug, Default)]
pub struct Sifting {
    /// As it is typed.
    pub text: String,
    read: String,
    meaning: Meaning,
    sift: Sift,
}

impl Sifting {
    /// Reads the text if it is another; true when other rows pass now.
    pub fn read(&mut self, registry: &Registry) -> bool {
        let text = self.text.trim();
        if text == self.read {
            return false;
        }
        self.read = text.to_owned();
        self.meaning = meaning(text, registry);
        let sift = match &self.meaning {
            Meaning::Every => Sift::Every,
            Meaning::Words(w) => Sift::Words(w.clone()),
            Meaning::Filter(f) => Sift::Filter(f.clone()),
            // The list stays as it is until the text is a filter again.
            Meaning::Wrong(_) => return false,
        };
        let other = sift != self.sift;
        self.sift = sift;
        other
    }

    /// What the text means, as of the last reading.
    #[must_use]
    pub const fn meaning(&self) -> &Meaning {
        &self.meaning
    }

    /// What is listed.
    #[must_use]
    pub const fn sift(&self) -> &Sift {
        &self.sift
    }
}

/// Reads a text. Somebody who types `shop.example` looks for words, somebody who types `http.hots` or `a == b` writes a filter and wants to
/// know what is wrong with it.
#[must_use]
pub fn meaning(text: &str, registry: &Registry) -> Meaning {
    let text = text.trim();
    if text.is_empty() {
        return Meaning::Every;
    }
    match wirelore_filter::parse(text, registry) {
        Ok(f) => Meaning::Filter(Arc::new(f)),
        Err(_) if !is_meant_as_filter(text, registry) => Meaning::Words(text.to_owned()),
        Err(e) => Meaning::Wrong(Arc::new(e)),
    }
}

const SIGNS: [&str; 13] = ["==", "!=", "<", ">", "&&", "||", "~", "!", "(", "{", "[", "\"", "@"];
const WORDS: [&str; 19] = [
    "and", "or", "not", "xor", "eq", "ne", "gt", "lt", "ge", "le", "contains", "matches", "in", "any", "all", "any_eq", "all_eq",
    "any_ne", "all_ne",
];

fn is_meant_as_filter(text: &str, registry: &Registry) -> bool {
    SIGNS.iter().any(|s| text.contains(s))
        || text.split_whitespace().any(|word| WORDS.contains(&word) || is_like_a_name(word, registry))
}

/// Whether a word begins as a field's name does: with a protocol and a dot.
fn is_like_a_name(word: &str, registry: &Registry) -> bool {
    word.split_once('.').is_some_and(|(head, _)| !head.is_empty() && registry.get(head).is_some())
}
