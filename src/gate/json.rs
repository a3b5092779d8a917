//! Messages as JSON, for whoever looks at held ones and changes them: all parts, bytes exactly.
//!
//! Text that is UTF-8 stands as a string, other bytes as `{"base64": "..."}`. A body is always an object: `{"text": ...}` or
//! `{"base64": ...}`. What is read may leave parts out: they stay as they were.

use crate::held::HeldMessage;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use wirelore_kit::Dir;
use wirelore_kit::middle::{Part, Stage, Transit};

/// A message.
#[must_use]
pub fn to_json(m: &Transit) -> Value {
    let mut o = Map::new();
    o.insert("protocol".into(), m.proto.into());
    o.insert("to_server".into(), (m.dir == Dir::ToServer).into());
    o.insert("exchange".into(), m.exchange.into());
    o.insert("part".into(), part(m.part).into());
    o.insert("whole".into(), (m.stage == Stage::Whole).into());
    if let Some(url) = &m.url {
        o.insert("url".into(), url.as_str().into());
    }
    o.insert("line".into(), bytes_to_json(&m.line));
    o.insert("headers".into(), pairs(&m.headers));
    if m.stage == Stage::Whole {
        o.insert("body".into(), body(&m.body));
        if !m.trailers.is_empty() {
            o.insert("trailers".into(), pairs(&m.trailers));
        }
    }
    Value::Object(o)
}

/// A held message, with its original where rules changed it.
#[must_use]
pub fn held_to_json(h: &HeldMessage) -> Value {
    let mut o = json!({
        "message": h.id,
        "connection": h.conn,
        "between": h.between,
        "age": (h.age.as_secs_f64() * 1000.0).round() / 1000.0,
        "rule": h.rule,
        "is": to_json(&h.message),
    });
    if let (Some(original), Some(o)) = (&h.original, o.as_object_mut()) {
        o.insert("was".into(), to_json(original));
    }
    o
}

const fn part(p: Part) -> &'static str {
    match p {
        Part::Request => "request",
        Part::Response => "response",
        Part::Interim => "interim",
        Part::Message => "message",
    }
}

/// Bytes: a string where they are UTF-8, else base64.
#[must_use]
pub fn bytes_to_json(b: &[u8]) -> Value {
    std::str::from_utf8(b).map_or_else(|_| json!({ "base64": STANDARD.encode(b) }), Value::from)
}

fn body(b: &[u8]) -> Value {
    std::str::from_utf8(b).map_or_else(|_| json!({ "base64": STANDARD.encode(b) }), |text| json!({ "text": text }))
}

fn pairs(all: &[(Bytes, Bytes)]) -> Value {
    all.iter().map(|(n, v)| json!([bytes_to_json(n), bytes_to_json(v)])).collect()
}

/// The message with those parts changed that `change` names: `line`, `headers`, `body`, `trailers`, `url`.
///
/// # Errors
/// In words, what is not as it should be.
pub fn change(m: &Transit, change: &Value) -> Result<Transit, String> {
    let mut m = m.clone();
    let o = change
        .as_object()
        .ok_or("what is changed is an object: {\"line\": ..., \"headers\": [[name, value], ...], \"body\": {\"text\": ...}}")?;
    for (name, value) in o {
        match name.as_str() {
            "line" => m.line = one_line(value, "line")?,
            "headers" => m.headers = pairs_from_json(value)?,
            "trailers" => m.trailers = pairs_from_json(value)?,
            "body" if m.stage == Stage::Head => {
                return Err("only the head of this message is held; its body goes on as it comes".into());
            }
            "body" => m.body = read_body(value)?,
            "url" => m.url = value.as_str().map(str::to_string),
            // What a message shown has besides is not the user's to change: let it stand, so that what was shown can be sent back.
            "protocol" | "to_server" | "exchange" | "part" | "whole" => {}
            _ => return Err(format!("a message has no part {name:?}: line, headers, body, trailers, url")),
        }
    }
    Ok(m)
}

/// An answer to a message: `status`, `line`, `headers`, `body`, of which all but one may be left out.
///
/// # Errors
/// In words, what is not as it should be.
pub fn answer(m: &Transit, given: &Value) -> Result<Transit, String> {
    let o = given
        .as_object()
        .ok_or("an answer is an object: {\"status\": 200, \"headers\": [[name, value], ...], \"body\": {\"text\": ...}}")?;
    let body = o.get("body").map(read_body).transpose()?.unwrap_or_default();
    let line = match (o.get("line"), o.get("status")) {
        (Some(line), _) => one_line(line, "line")?,
        (None, Some(status)) => {
            let status = status.as_u64().and_then(|s| u16::try_from(s).ok()).filter(|s| (200..=599).contains(s));
            crate::rules::status_line(m, status.ok_or("a status is a number between 200 and 599")?)
        }
        (None, None) => return Err("an answer needs a `status` or a `line`".into()),
    };
    let headers = match o.get("headers") {
        Some(h) => pairs_from_json(h)?,
        None if m.headers.is_empty() && o.get("status").is_none() => Vec::new(),
        None => vec![(Bytes::from_static(b"Content-Length"), Bytes::from(body.len().to_string()))],
    };
    let (dir, part) = if m.part == Part::Request { (m.dir.other(), Part::Response) } else { (m.dir, m.part) };
    Ok(Transit { dir, part, stage: Stage::Whole, line, headers, body, trailers: Vec::new(), ..m.clone() })
}

/// A message of our own for a connection of that protocol: `to_server`, and `line`, `headers`, `body`, `trailers`, of which all may be
/// left out; `exchange` where it is for one of several streams.
///
/// # Errors
/// In words, what is not as it should be.
pub fn message(proto: &'static str, given: &Value) -> Result<Transit, String> {
    let to_server =
        given.get("to_server").and_then(Value::as_bool).ok_or("`to_server` is true or false: which way the message goes")?;
    let exchange = match given.get("exchange") {
        None | Some(Value::Null) => Transit::ANY,
        Some(number) => number.as_u64().ok_or("`exchange` is a number, as messages that are held show it")?,
    };
    let empty = Transit {
        proto,
        dir: if to_server { Dir::ToServer } else { Dir::ToClient },
        exchange,
        part: Part::Message,
        stage: Stage::Whole,
        line: Bytes::new(),
        headers: Vec::new(),
        body: Bytes::new(),
        trailers: Vec::new(),
        url: None,
    };
    let parts = ["line", "headers", "body", "trailers"].iter().filter_map(|n| Some(((*n).to_string(), given.get(n)?.clone())));
    change(&empty, &Value::Object(parts.collect()))
}

/// One rule, given as an object, as the text of a file of rules.
///
/// # Errors
/// It holds what no rule holds, such as null.
pub fn rules_text(rule: &Value) -> Result<String, String> {
    toml::to_string(&json!({ "rule": [rule] })).map_err(|e| format!("this is no rule: {e}"))
}

fn one_line(value: &Value, what: &str) -> Result<Bytes, String> {
    let line = bytes_from_json(value).map_err(|e| format!("{what}: {e}"))?;
    if line.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        Err(format!("{what}: it is one line, without its end"))
    } else {
        Ok(line)
    }
}

/// Bytes: a string, `{"text": ...}` or `{"base64": ...}`.
///
/// # Errors
/// In words, where they are none of these.
pub fn bytes_from_json(value: &Value) -> Result<Bytes, String> {
    match value {
        Value::String(s) => Ok(Bytes::from(s.clone())),
        Value::Object(o) => match (o.get("text").and_then(Value::as_str), o.get("base64").and_then(Value::as_str)) {
            (Some(text), None) => Ok(Bytes::from(text.to_string())),
            (None, Some(coded)) => STANDARD.decode(coded).map(Bytes::from).map_err(|_| "this is no base64".into()),
            _ => Err("an object has `text` or `base64`".into()),
        },
        _ => Err("a text, {\"text\": ...} or {\"base64\": ...}".into()),
    }
}

fn read_body(value: &Value) -> Result<Bytes, String> {
    bytes_from_json(value).map_err(|e| format!("body: {e}"))
}

/// Headers: a list of `[name, value]`, each of one line.
///
/// # Errors
/// In words, which is none.
pub fn pairs_from_json(value: &Value) -> Result<Vec<(Bytes, Bytes)>, String> {
    let all = value.as_array().ok_or("headers: a list of [name, value]")?;
    let pair = |v: &Value| match v.as_array().map(Vec::as_slice) {
        Some([n, v]) => Ok((one_line(n, "a header's name")?, one_line(v, "a header's value")?)),
        _ => Err("headers: each is [name, value]".to_string()),
    };
    all.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{head, question};

    #[test]
    fn bytes_come_back_as_they_were() {
        let mut m = question("GET /\u{e9} HTTP/1.1", &[("A", "1"), ("a", "2")], b"\x00\xff");
        m.headers.push((Bytes::from_static(b"X"), Bytes::from_static(b"\xe9")));
        m.trailers.push((Bytes::from_static(b"T"), Bytes::from_static(b"t")));
        assert_eq!(
            change(&question("x", &[], b""), &to_json(&m)).map(|c| (c.line, c.headers, c.body, c.trailers, c.url)),
            Ok((m.line, m.headers, m.body, m.trailers, m.url))
        );
    }

    #[test]
    fn faults_are_told_in_words() {
        let m = question("GET / HTTP/1.1", &[], b"");
        for (value, says) in [
            (json!(1), "is an object"),
            (json!({"line": "a\r\nb"}), "one line"),
            (json!({"headers": [["a"]]}), "each is [name, value]"),
            (json!({"headers": [["a", "b\nc"]]}), "a header's value: it is one line"),
            (json!({"body": {"base64": "*"}}), "no base64"),
            (json!({"status": 1}), "no part \"status\""),
        ] {
            assert!(change(&m, &value).unwrap_err().contains(says), "{value}");
        }
        assert!(change(&head(m.clone()), &json!({"body": {"text": ""}})).unwrap_err().contains("only the head"));
        assert!(answer(&m, &json!({})).unwrap_err().contains("needs a `status`"));
        let a = answer(&m, &json!({"status": 404, "body": "no"})).unwrap();
        assert_eq!((&a.line[..], &a.body[..], a.dir), (&b"HTTP/1.1 404 Not Found"[..], &b"no"[..], Dir::ToClient));
    }
}
