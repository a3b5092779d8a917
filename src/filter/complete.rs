//! What may be written next: names, values, operators, functions.

use crate::function::FUNCTIONS;
use crate::lex::{Placed, Token, lex};
use crate::registry::{Name, Registry};
use crate::shorthand::shorthands;
use crate::types::Type;
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
const MOST: usize = 100;

/// What joins conditions.
const JOINS: &[(&str, &str)] = &[("and", "both"), ("or", "one of them or both"), ("xor", "exactly one of them")];

/// What may stand at `cursor` (bytes from the beginning), the likeliest first.
#[must_use]
pub fn complete(text: &str, cursor: usize, registry: &Registry) -> Vec<Completion> {
    let Some(before) = text.get(..cursor) else { return Vec::new() };
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let from = before.trim_end_matches(part).len();
    let word = before.get(from..).unwrap_or_default();
    let lead = before.get(..from).unwrap_or_default();
    let Ok(tokens) = lex(lead, &|w| registry.get(w).is_some()) else {
        // Inside a text or a bracket nothing is proposed but the names of values.
        return in_quotes(before, registry);
    };
    let written = |p: &Placed| lead.get(p.at.clone()).unwrap_or_default();
    let last = tokens.last();
    let name_before = |back: usize| {
        let at = tokens.len().checked_sub(back)?;
        registry.get(written(tokens.get(at)?))
    };
    let mut out = Found { span: from..cursor, word, all: Vec::new() };
    match last {
        Some(p) if is_comparison(written(p)) || written(p) == "in" => values(name_before(2), &mut out),
        Some(p) if written(p) == "{" || written(p) == "," => {
            let open = tokens.iter().rposition(|t| written(t) == "{").unwrap_or(0);
            let name = open.checked_sub(2).and_then(|i| tokens.get(i)).and_then(|t| registry.get(written(t)));
            values(name, &mut out);
        }
        Some(p) if ends_side(&p.token, written(p)) => {
            if let Some(name) = name_before(1) {
                operators(name.of, &mut out);
            }
            JOINS.iter().for_each(|(w, label)| out.add(w, label, CompletionKind::Operator));
        }
        _ => names(registry, &mut out),
    }
    out.all.truncate(MOST);
    out.all
}

/// What was found so far, for the word that is being typed.
struct Found<'w> {
    span: Range<usize>,
    word: &'w str,
    all: Vec<Completion>,
}

impl Found<'_> {
    /// Adds what begins like the word.
    fn add(&mut self, text: &str, label: &str, kind: CompletionKind) {
        if text.trim_start_matches('"').starts_with(self.word) {
            self.push(text, label, kind);
        }
    }

    fn push(&mut self, text: &str, label: &str, kind: CompletionKind) {
        self.all.push(Completion { span: self.span.clone(), text: text.to_owned(), label: label.to_owned(), kind });
    }
}

fn is_comparison(mark: &str) -> bool {
    matches!(
        mark,
        "==" | "!="
            | "==="
            | "!=="
            | "eq"
            | "ne"
            | "any_eq"
            | "all_eq"
            | "any_ne"
            | "all_ne"
            | ">"
            | "<"
            | ">="
            | "<="
            | "gt"
            | "lt"
            | "ge"
            | "le"
    )
}

/// Whether what stands last could be the end of a side or condition.
fn ends_side(token: &Token, written: &str) -> bool {
    match token {
        Token::Text(_) | Token::Char(_) | Token::Bracket | Token::Mark(")" | "}") => true,
        Token::Word => {
            !matches!(written, "and" | "or" | "xor" | "not" | "any" | "all" | "contains" | "matches" | "bitwise_and" | "bitand")
        }
        _ => false,
    }
}

/// Names that begin like the word, then those that have it at the beginning of a part, then those whose label has it.
fn names(registry: &Registry, out: &mut Found<'_>) {
    let lower = out.word.to_lowercase();
    // Without a letter only protocols: all names would help nobody.
    if lower.is_empty() {
        for n in registry.names().filter(|n| n.of == Type::Protocol) {
            out.push(n.name, n.label, CompletionKind::Name);
        }
        return;
    }
    let rank = |n: &Name| {
        let name = n.name.to_lowercase();
        let part = |t: &str| t.split(['.', '_', '-', ' ']).any(|p| p.starts_with(&lower));
        if name.starts_with(&lower) {
            Some(0)
        } else if part(&name) {
            Some(1)
        } else if part(&n.label.to_lowercase()) {
            Some(2)
        } else {
            None
        }
    };
    let mut ranked: Vec<(u8, bool, usize, &Name)> = registry
        .names()
        // A name of two parts is likelier than one of six.
        .filter_map(|n| Some((rank(n)?, n.of != Type::Protocol, n.name.split('.').count(), n)))
        .collect();
    ranked.sort_by_key(|(rank, no_protocol, parts, n)| (*rank, *no_protocol, *parts, n.name));
    for (_, _, _, n) in ranked.into_iter().take(MOST) {
        out.push(n.name, n.label, CompletionKind::Name);
    }
    for (name, _, _, label) in FUNCTIONS {
        out.add(&format!("{name}("), label, CompletionKind::Function);
    }
    for (name, _, label) in shorthands().filter(|(name, ..)| name.starts_with(&lower)) {
        out.push(name, label, CompletionKind::Name);
    }
}

/// Operators for values of a type.
fn operators(of: Type, out: &mut Found<'_>) {
    let list: &[(&str, &str)] = match of {
        Type::Nothing => &[],
        Type::Protocol => &[("contains", "holds text or bytes"), ("matches", "a regular expression")],
        Type::Bool => &[("==", "is"), ("!=", "is not")],
        Type::Text => &[
            ("==", "is"),
            ("!=", "is not"),
            ("contains", "holds text"),
            ("matches", "a regular expression, whatever the case"),
            ("in", "one of several"),
        ],
        Type::Bytes | Type::Mac => &[("==", "is"), ("!=", "is not"), ("contains", "holds bytes"), ("in", "one of several")],
        _ => &[
            ("==", "is"),
            ("!=", "is not"),
            (">", "above"),
            ("<", "below"),
            (">=", "at least"),
            ("<=", "at most"),
            ("in", "one of several, or between two"),
        ],
    };
    list.iter().for_each(|(text, label)| out.add(text, label, CompletionKind::Operator));
}

/// Values of a name that have names.
fn values(name: Option<&Name>, out: &mut Found<'_>) {
    let Some(name) = name else { return };
    if name.of == Type::Bool && name.values.is_empty() {
        out.add("True", "yes", CompletionKind::Value);
        out.add("False", "no", CompletionKind::Value);
    }
    for (number, text) in name.values.iter().take(MOST) {
        out.add(&format!("\"{text}\""), &number.to_string(), CompletionKind::Value);
    }
}

/// The names of values, where a text was begun behind a comparison.
fn in_quotes(before: &str, registry: &Registry) -> Vec<Completion> {
    let Some((lead, word)) = before.rsplit_once('"') else { return Vec::new() };
    let Ok(tokens) = lex(lead, &|w| registry.get(w).is_some()) else { return Vec::new() };
    let written = |p: &Placed| lead.get(p.at.clone()).unwrap_or_default();
    let name = match tokens.as_slice() {
        [.., name, operator] if is_comparison(written(operator)) => registry.get(written(name)),
        _ => None,
    };
    let mut out = Found { span: lead.len()..before.len(), word, all: Vec::new() };
    values(name, &mut out);
    out.all
}
