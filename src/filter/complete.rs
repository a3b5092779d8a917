//! What may be written next: names, values, operators.

use crate::registry::Registry;
use std::ops::Range;

/// What a completion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// A field, fact or protocol.
    Name,
    /// A value that has a name.
    Value,
    /// An operator.
    Operator,
    /// A function.
    Function,
}

/// Something that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the text that it takes the place of.
    pub span: Range<usize>,
    /// What is written there.
    pub text: String,
    /// What a person reads beside it.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
}

/// So many completions are proposed.
const MOST: usize = 200;

/// What may stand at `cursor` (bytes from the beginning).
#[must_use]
pub fn complete(text: &str, cursor: usize, registry: &Registry) -> Vec<Completion> {
    let before = text.get(..cursor).unwrap_or(text);
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let from = before.trim_end_matches(part).len();
    let word = before.get(from..).unwrap_or_default();
    let names = registry.names().filter(|n| n.name.starts_with(word)).take(MOST);
    let one = |n: &crate::registry::Name| Completion {
        span: from..before.len(),
        text: n.name.to_owned(),
        label: n.label.to_owned(),
        kind: CompletionKind::Name,
    };
    names.map(one).collect()
}
