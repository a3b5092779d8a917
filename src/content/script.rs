//! Style sheets and scripts: lines as they are, with strings, comments, numbers and words in colours.

use crate::cursor::Cursor;
use crate::page::{Ink, Page};
use std::ops::Range;

/// Which rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// CSS Syntax Level 3.
    Css,
    /// ECMA-262.
    Script,
}

const WORDS: [&str; 46] = [
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "get",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "null",
    "of",
    "return",
    "set",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Shows `text`, which begins at `base` of the text of the page.
pub fn show(page: &mut Page<'_>, text: &str, base: usize, language: Language) {
    let mut c = Cursor::new(text);
    let css = language == Language::Css;
    while let Some(b) = c.peek() {
        if page.is_full() {
            return;
        }
        let (ink, range) = match b {
            b'\n' => {
                let range = c.one();
                page.reach(base + range.start..base + range.end);
                page.newline();
                continue;
            }
            b'\r' => {
                c.one();
                continue;
            }
            b'/' if c.rest().starts_with("/*") => {
                c.at += 2;
                let from = c.at - 2;
                let (range, ended) = c.through("*/");
                if !ended {
                    page.note("The text ends inside a comment.");
                }
                (Ink::Comment, from..range.end)
            }
            b'/' if !css && c.rest().starts_with("//") => (Ink::Comment, c.take(|b| b != b'\n')),
            b'"' | b'\'' => (Ink::Text, c.string(true).0),
            b'`' if !css => (Ink::Text, c.string(false).0),
            b'0'..=b'9' => (Ink::Number, c.take(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'%' | b'_'))),
            b'#' | b'@' if css => {
                let from = c.at;
                c.at += 1;
                let end = c.take(is_word).end;
                (if b == b'@' { Ink::Word } else { Ink::Number }, from..end)
            }
            b if is_word(b) => {
                let range = c.take(is_word);
                let word = c.slice(range.clone());
                let ink = if css {
                    if c.peek() == Some(b':') { Ink::Name } else { Ink::Plain }
                } else if WORDS.binary_search(&word).is_ok() {
                    Ink::Word
                } else {
                    Ink::Plain
                };
                (ink, range)
            }
            b if b.is_ascii_whitespace() => (Ink::Plain, c.take(|b| b.is_ascii_whitespace() && b != b'\n' && b != b'\r')),
            _ => (Ink::Mark, c.one()),
        };
        lines(page, ink, text, range, base);
    }
    page.fresh();
}

const fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'-') || b >= 0x80
}

/// A word that may reach over several lines.
pub fn lines(page: &mut Page<'_>, ink: Ink, text: &str, range: Range<usize>, base: usize) {
    let mut at = range.start;
    for (i, line) in text.get(range).unwrap_or("").split('\n').enumerate() {
        if i > 0 {
            page.newline();
        }
        let shown = line.strip_suffix('\r').unwrap_or(line);
        if !shown.is_empty() {
            page.put(ink, shown, base + at..base + at + shown.len());
        }
        at += line.len() + 1;
    }
}
