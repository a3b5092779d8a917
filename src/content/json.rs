//! JSON (RFC 8259) with a line for each value; what is cut or wrong is shown where it stands.

use crate::cursor::Cursor;
use crate::page::{Ink, Page};

#[derive(PartialEq, Clone, Copy)]
enum Before {
    Start,
    Open,
    Value,
    Comma,
    Colon,
}

/// Shows it. Several values one after the other (NDJSON, RFC 7464) stand below each other.
pub fn show(page: &mut Page<'_>, text: &str) {
    let mut c = Cursor::new(text);
    let mut open: Vec<u8> = Vec::new();
    let mut before = Before::Start;
    loop {
        c.take(|b| b.is_ascii_whitespace() || b == 0x1e);
        let Some(b) = c.peek() else { break };
        if page.is_full() {
            return;
        }
        if !matches!(b, b'}' | b']' | b',' | b':') && before == Before::Value {
            page.fresh();
            if !open.is_empty() {
                page.note("A comma is missing between two values.");
            }
        }
        match b {
            b'{' | b'[' => {
                let range = c.one();
                page.copy(Ink::Mark, text, range);
                let close = if b == b'{' { b'}' } else { b']' };
                c.blanks();
                if c.peek() == Some(close) {
                    let range = c.one();
                    page.copy(Ink::Mark, text, range);
                    before = Before::Value;
                } else {
                    open.push(close);
                    page.indent(1);
                    page.fresh();
                    before = Before::Open;
                }
            }
            b'}' | b']' => {
                let range = c.one();
                page.fresh();
                if open.last() == Some(&b) {
                    open.pop();
                    page.indent(-1);
                    if before == Before::Comma {
                        page.note("A comma stands before a closing bracket.");
                    }
                    page.copy(Ink::Mark, text, range);
                } else {
                    page.note(format!("A bracket “{}” closes what was not opened.", char::from(b)));
                    page.copy(Ink::Fault, text, range);
                }
                before = Before::Value;
            }
            b',' => {
                if matches!(before, Before::Value) {
                    let range = c.one();
                    page.copy(Ink::Mark, text, range);
                } else {
                    page.note("A comma stands where a value should be.");
                    let range = c.one();
                    page.copy(Ink::Fault, text, range);
                }
                page.fresh();
                before = Before::Comma;
            }
            b':' => {
                let range = c.one();
                page.put(Ink::Mark, ": ", range);
                before = Before::Colon;
            }
            b'"' => {
                let (range, ended) = c.string(false);
                let after = c.at;
                c.blanks();
                let key = c.peek() == Some(b':') && open.last() == Some(&b'}') && before != Before::Colon;
                c.at = after;
                if !ended {
                    page.note("The text ends inside a string.");
                }
                let ink = if !ended {
                    Ink::Fault
                } else if key {
                    Ink::Name
                } else {
                    Ink::Text
                };
                page.copy(ink, text, range);
                before = Before::Value;
            }
            _ => {
                let range = c.take(|b| !(b.is_ascii_whitespace() || matches!(b, b'{' | b'}' | b'[' | b']' | b'"' | b',' | b':')));
                let word = c.slice(range.clone());
                let ink = match word {
                    "true" | "false" | "null" => Ink::Word,
                    w if is_number(w) => Ink::Number,
                    _ => {
                        page.note("A word stands there that is no JSON.");
                        Ink::Fault
                    }
                };
                page.copy(ink, text, range);
                before = Before::Value;
            }
        }
    }
    if !open.is_empty() {
        let many = if open.len() == 1 { "a bracket is".to_owned() } else { format!("{} brackets are", open.len()) };
        page.note(format!("The text ends while {many} still open: it was cut, or is not complete."));
        page.fresh();
        page.indent(-(open.len() as isize));
    }
    page.fresh();
}

/// RFC 8259 §6.
fn is_number(word: &str) -> bool {
    let w = word.strip_prefix('-').unwrap_or(word);
    let (whole, rest) = w.split_at(w.find(|c: char| !c.is_ascii_digit()).unwrap_or(w.len()));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(i) => (rest.get(..i).unwrap_or(""), rest.get(i + 1..)),
        None => (rest, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && (fraction.is_empty() || fraction.strip_prefix('.').is_some_and(digits))
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}
