//! A filter's text cut into tokens, each with its place.

use super::FilterError;
use std::ops::Range;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) is: Is,
    pub(crate) at: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Is {
    Not,
    And,
    Or,
    Open,
    Close,
    /// `~name`.
    Word(String),
    /// Anything else, quotes taken off.
    Text(String),
}

/// Cuts. A bare text runs to a blank, a parenthesis or a quote; `&`, `|` and `!` inside it belong to it (`a|b` is one expression), unless
/// a word or a group follows at once (`a&~m GET`).
pub(crate) fn lex(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let is = match c {
            _ if c.is_whitespace() => continue,
            '!' => Is::Not,
            '&' => Is::And,
            '|' => Is::Or,
            '(' => Is::Open,
            ')' => Is::Close,
            '"' | '\'' => Is::Text(quoted(text, start, c, &mut chars)?),
            '~' => {
                let mut name = String::new();
                while let Some((_, n)) = chars.next_if(|(_, n)| n.is_ascii_alphanumeric() || matches!(n, '_' | '-')) {
                    name.push(n);
                }
                Is::Word(name)
            }
            _ => {
                let mut bare = String::from(c);
                while let Some((_, n)) = chars.next_if(|(at, n)| goes_on(text, *at, *n)) {
                    bare.push(n);
                }
                Is::Text(bare)
            }
        };
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        tokens.push(Token { is, at: start..end });
    }
    Ok(tokens)
}

/// Whether a bare text includes this character.
fn goes_on(text: &str, at: usize, c: char) -> bool {
    match c {
        _ if c.is_whitespace() => false,
        '(' | ')' | '"' | '\'' => false,
        '&' | '|' => {
            let behind = text.get(at..).unwrap_or_default().trim_start_matches(['&', '|']).trim_start_matches('!');
            !behind.starts_with(['~', '(', '"', '\''])
        }
        _ => true,
    }
}

/// The rest of a quoted text; `\` takes the meaning from the quote and from itself, and stays before anything else, as regular expressions
/// need it.
fn quoted(
    text: &str,
    start: usize,
    quote: char,
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
) -> Result<String, FilterError> {
    let mut inside = String::new();
    while let Some((_, c)) = chars.next() {
        if c == quote {
            return Ok(inside);
        }
        if c == '\\' && chars.next_if(|(_, n)| *n == quote).is_some() {
            inside.push(quote);
        } else {
            inside.push(c);
            // A pair of backslashes is one escaped backslash: its second one does not escape the quote.
            if c == '\\'
                && let Some((_, n)) = chars.next_if(|(_, n)| *n == '\\')
            {
                inside.push(n);
            }
        }
    }
    Err(FilterError {
        text: text.to_string(),
        at: start..text.len(),
        what: "The quote is not closed".into(),
        help: format!("add {quote}"),
    })
}
