//! What is wrong with a filter: where, why, and what to write instead.

use std::ops::Range;

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Error {
    /// Bytes of the text that are at fault; empty at its end where something is missing.
    pub span: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// Why that is wrong.
    pub why: String,
    /// What to write instead; may be empty.
    pub what_to_do: String,
    /// Names near the one that nobody knows, the likeliest first.
    pub nearest: Vec<String>,
}

impl Error {
    pub(crate) fn new(span: Range<usize>, what: impl Into<String>, why: impl Into<String>, to_do: impl Into<String>) -> Error {
        Error { span, what: what.into(), why: why.into(), what_to_do: to_do.into(), nearest: Vec::new() }
    }

    /// All of it as lines: the sentences, and the filter with the place marked.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        let chars = |range: Range<usize>| text.get(range).map_or(0, |t| t.chars().count());
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let before = " ".repeat(chars(0..self.span.start));
        let marks = "^".repeat(chars(self.span.clone()).max(1));
        format!("{self}\n  {line}\n  {before}{marks}")
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        for more in [&self.why, &self.what_to_do] {
            if !more.is_empty() {
                write!(f, " {more}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
