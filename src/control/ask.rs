//! `wirelore control`: gives an order to a running proxy and prints what it answers.

use crate::cli::{Control, exit};
use crate::reading::Failure;
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Gives the order.
///
/// # Errors
/// No proxy is there, or it did not carry the order out.
pub fn run(args: &Control) -> Result<(), Failure> {
    let order = order(&args.order, &args.with).map_err(|text| Failure { text, code: exit::OPTION })?;
    give(args.socket.as_deref(), &order, args.pretty)
}

/// Gives an order that stands already.
///
/// # Errors
/// As [`run`].
pub fn send(socket: Option<&Path>, order: &Value) -> Result<(), Failure> {
    give(socket, order, true)
}

fn give(socket: Option<&Path>, order: &Value, pretty: bool) -> Result<(), Failure> {
    let stream = connect(socket)?;
    let lost = |e: std::io::Error| Failure { text: format!("The proxy hung up: {e}."), code: exit::READ };
    (&stream).write_all(format!("{order}\n").as_bytes()).map_err(lost)?;
    let mut lines = BufReader::new(&stream);
    let mut line = String::new();
    lines.read_line(&mut line).map_err(lost)?;
    let answer: Value =
        serde_json::from_str(&line).map_err(|_| Failure { text: "The proxy hung up.".into(), code: exit::READ })?;
    if answer.get("ok") != Some(&Value::Bool(true)) {
        let error = answer.get("error").and_then(Value::as_str).unwrap_or("it did not say why");
        return Err(Failure { text: error.to_string(), code: exit::OPTION });
    }
    let mut out = std::io::stdout().lock();
    print(&mut out, answer.get("result").unwrap_or(&Value::Null), pretty).map_err(|e| Failure::write(&e))?;
    if order.get("do").and_then(Value::as_str) == Some("events") {
        for line in lines.lines() {
            writeln!(out, "{}", line.map_err(lost)?).and_then(|()| out.flush()).map_err(|e| Failure::write(&e))?;
        }
    }
    Ok(())
}

/// A list line by line, so that it can be filtered; nothing for nothing.
fn print(out: &mut impl Write, result: &Value, pretty: bool) -> std::io::Result<()> {
    let line = |v: &Value| if pretty { serde_json::to_string_pretty(v) } else { serde_json::to_string(v) };
    match result {
        Value::Null => {}
        Value::Array(all) => {
            for one in all {
                writeln!(out, "{}", line(one)?)?;
            }
        }
        one => writeln!(out, "{}", line(one)?)?,
    }
    out.flush()
}

/// The order as an object: `name=value`, a value being JSON where it is, else a text; or a whole object.
fn order(word: &str, with: &[String]) -> Result<Value, String> {
    let mut o = Map::new();
    for part in with {
        if part.starts_with('{') {
            let more: Map<String, Value> = serde_json::from_str(part).map_err(|e| format!("{part} is no JSON object: {e}"))?;
            o.extend(more);
            continue;
        }
        let (name, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is neither NAME=VALUE nor a JSON object"))?;
        o.insert(name.into(), serde_json::from_str(value).unwrap_or_else(|_| value.into()));
    }
    o.insert("do".into(), word.into());
    Ok(Value::Object(o))
}

fn connect(given: Option<&Path>) -> Result<UnixStream, Failure> {
    let none = |text: String| Failure { text, code: exit::OPEN };
    if let Some(path) = given {
        return UnixStream::connect(path).map_err(|e| none(format!("No proxy is steered at {}: {e}.", path.display())));
    }
    let folder = crate::gating::runtime_folder().map_err(|e| none(e.to_string()))?;
    let entries = std::fs::read_dir(&folder).map_err(|e| none(format!("{}: {e}.", folder.display())))?;
    let sockets = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "sock"));
    let mut alive: Vec<(PathBuf, UnixStream)> = sockets.filter_map(|p| UnixStream::connect(&p).ok().map(|s| (p, s))).collect();
    match (alive.len(), alive.pop()) {
        (1, Some((_, stream))) => Ok(stream),
        (0, _) => Err(none("No proxy runs that could be steered. Start one: wirelore proxy".into())),
        (_, last) => {
            alive.extend(last);
            let all: Vec<String> = alive.iter().map(|(p, _)| p.display().to_string()).collect();
            Err(none(format!("Several proxies run: say which with --socket. {}", all.join(" "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn orders_are_put_together_from_words() {
        let with = |parts: &[&str]| order("x", &parts.iter().map(|s| (*s).to_string()).collect::<Vec<_>>());
        assert_eq!(
            with(&["message=3", "filter=~m POST", "on=true", "{\"to\": {\"line\": \"a=b\"}}"]),
            Ok(json!({"message": 3, "filter": "~m POST", "on": true, "to": {"line": "a=b"}, "do": "x"}))
        );
        assert!(with(&["nonsense"]).is_err() && with(&["{"]).is_err());
    }
}
