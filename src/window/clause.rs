//! A filter out of a field that is looked at: `http.response.code == 404`, alone or joined to the filter that is set.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use wirelore_kit::{Kind, Node, Tree, Value};

/// How a clause meets the filter that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joining {
    /// It takes its place.
    Alone,
    /// It takes its place, denied.
    Not,
    /// Both must hold.
    And,
    /// The filter must hold, the clause must not.
    AndNot,
    /// One must hold.
    Or,
}

/// Text or bytes longer than this make no readable filter.
const MOST: usize = 256;

/// The clause that a node stands for: its value, or, where it has none that can be written, that it is there.
#[must_use]
pub fn of(tree: &Tree, node: &Node) -> String {
    let name = node.field.name;
    match literal(node, tree.bytes(&node.span)) {
        Some(value) => format!("{name} == {value}"),
        None => name.to_owned(),
    }
}

fn literal(node: &Node, bytes: &[u8]) -> Option<String> {
    Some(match (&node.value, node.field.kind) {
        (_, Kind::Group) | (Value::Place(_), _) => return None,
        (Value::Bool(b), _) => b.to_string(),
        (Value::U64(n), Kind::Bool) => (*n != 0).to_string(),
        (Value::U64(n), Kind::Hex) => format!("0x{n:x}"),
        (Value::U64(n), Kind::Duration) => seconds(i64::try_from(*n).ok()?),
        (Value::U64(n), _) => n.to_string(),
        (Value::I64(n), Kind::Duration) => seconds(*n),
        (Value::I64(n), Kind::Time) => {
            let mut text = String::new();
            wirelore_kit::value::write_time(&mut text, *n).ok()?;
            format!("\"{text}\"")
        }
        (Value::I64(n), _) => n.to_string(),
        (Value::Ip4(a), _) => Ipv4Addr::from(*a).to_string(),
        (Value::Ip6(a), _) => Ipv6Addr::from(*a).to_string(),
        (Value::Mac(a), _) => pairs(a),
        (Value::Str(s), _) => quoted(s.as_bytes())?,
        (Value::Blob(b), Kind::Text) => quoted(b)?,
        (Value::Blob(b), _) => return hex(b),
        (Value::Span, Kind::Text) => quoted(bytes)?,
        (Value::Span, _) => return hex(bytes),
    })
}

fn hex(bytes: &[u8]) -> Option<String> {
    // A byte alone would be read as a number.
    (bytes.len() > 1 && bytes.len() <= MOST).then(|| pairs(bytes))
}

fn pairs(bytes: &[u8]) -> String {
    let all: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    all.join(":")
}

fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    format!("{sign}{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

fn quoted(bytes: &[u8]) -> Option<String> {
    if bytes.len() > MOST {
        return None;
    }
    let mut s = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => {
                    s.push('\\');
                    s.push(c);
                }
                '\r' => s.push_str("\\r"),
                '\n' => s.push_str("\\n"),
                '\t' => s.push_str("\\t"),
                c if c.is_ascii_control() => write!(s, "\\x{:02x}", c as u32).ok()?,
                c => s.push(c),
            }
        }
        for b in chunk.invalid() {
            write!(s, "\\x{b:02x}").ok()?;
        }
    }
    s.push('"');
    Some(s)
}

/// The clause joined to the filter that is set.
#[must_use]
pub fn joined(now: &str, clause: &str, how: Joining) -> String {
    let now = now.trim();
    match how {
        Joining::Alone => clause.to_owned(),
        Joining::Not => format!("!({clause})"),
        Joining::And | Joining::Or if now.is_empty() => clause.to_owned(),
        Joining::AndNot if now.is_empty() => format!("!({clause})"),
        Joining::And => format!("({now}) && {clause}"),
        Joining::AndNot => format!("({now}) && !({clause})"),
        Joining::Or => format!("({now}) || {clause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::{BufId, Field, Span, Tie};

    static URI: Field = Field::new("http.request.uri", "URI", Kind::Text);
    static CODE: Field = Field::new("http.response.code", "Status", Kind::Dec);
    static TYPE: Field = Field::new("eth.type", "Type", Kind::Hex);
    static RTT: Field = Field::new("tcp.analysis.ack_rtt", "Round trip", Kind::Duration);
    static HTTP: Field = Field::group("http", "HTTP");

    fn clause(field: &'static Field, value: Value) -> String {
        let span = Span::new(BufId::arrival(0), 0, 0);
        of(&Tree::default(), &Node { field, span, value, depth: 0, tie: Tie::Derived, end: 1 })
    }

    #[test]
    fn a_clause_is_written_as_the_language_reads_it() {
        assert_eq!(clause(&URI, "/a\"b\\c\n".into()), r#"http.request.uri == "/a\"b\\c\n""#);
        assert_eq!(clause(&CODE, 404u64.into()), "http.response.code == 404");
        assert_eq!(clause(&TYPE, 0x800u64.into()), "eth.type == 0x800");
        assert_eq!(clause(&RTT, Value::I64(1_500_000)), "tcp.analysis.ack_rtt == 0.001500000");
        assert_eq!(clause(&HTTP, Value::Span), "http");
        assert_eq!(clause(&URI, "x".repeat(MOST + 1).into()), "http.request.uri");
    }

    #[test]
    fn clauses_are_joined_without_changing_what_stood_there() {
        assert_eq!(joined("a || b", "c", Joining::And), "(a || b) && c");
        assert_eq!(joined(" ", "c", Joining::AndNot), "!(c)");
        assert_eq!(joined("a", "c", Joining::Or), "(a) || c");
        assert_eq!(joined("a", "c", Joining::Alone), "c");
    }
}
