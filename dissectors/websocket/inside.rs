//! What stands in front of the data in messages of Engine.IO, Socket.IO and STOMP: short heads that say what a message is.

use super::fields as f;
use super::handshake::Carries;
use std::ops::Range;
use wirelore_kit::{F, Text};

/// Kinds of Engine.IO packets (Engine.IO protocol, revision 4).
const ENGINE: &[&str] = &["open", "close", "ping", "pong", "message", "upgrade", "noop"];
/// Kinds of Socket.IO packets (Socket.IO protocol, revision 5).
const SOCKET: &[&str] = &["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"];

/// What was found in a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// What a list shows.
    pub line: String,
    /// Fields: where in the text, and what they say.
    pub parts: Vec<(F, Range<usize>, String)>,
    /// Where its data is.
    pub data: Range<usize>,
}

/// Looks into a whole text message (or its beginning, of a long one).
#[must_use]
pub fn look(carries: Carries, text: &[u8]) -> Option<Inside> {
    match carries {
        Carries::EngineIo => engine_io(text),
        Carries::Stomp => stomp(text),
        Carries::Unsaid | Carries::Stream(_) => None,
    }
}

fn digit(b: &[u8], at: usize, names: &[&'static str]) -> Option<&'static str> {
    names.get(usize::from(b.get(at)?.checked_sub(b'0')?)).copied()
}

fn engine_io(text: &[u8]) -> Option<Inside> {
    let kind = digit(text, 0, ENGINE)?;
    let mut found = Inside { data: 1..text.len(), ..Inside::default() };
    found.parts.push((&f::ENGINE_IO, 0..1, kind.to_owned()));
    if kind != "message" {
        found.line = format!("Engine.IO {kind} {}", Text(text.get(1..).unwrap_or(&[]))).trim_end().to_owned();
        return Some(found);
    }
    let Some(packet) = digit(text, 1, SOCKET) else {
        found.line = format!("Engine.IO {kind}: {}", Text(text.get(1..).unwrap_or(&[])));
        return Some(found);
    };
    found.parts.push((&f::SOCKET_IO, 1..2, packet.to_owned()));
    let mut at = 2usize;
    let rest = |at: usize| text.get(at..).unwrap_or(&[]);
    let digits = |at: usize| rest(at).iter().take_while(|b| b.is_ascii_digit()).count();
    // Packets with binary parts say first how many messages with them follow.
    let count = digits(at);
    if packet.starts_with("BINARY") && rest(at.saturating_add(count)).first() == Some(&b'-') {
        found.parts.push((&f::SOCKET_IO_BINARY, at..at.saturating_add(count), Text(rest(at).get(..count)?).to_string()));
        at = at.saturating_add(count).saturating_add(1);
    }
    let mut namespace = String::new();
    if rest(at).first() == Some(&b'/') {
        let len = rest(at).iter().position(|b| *b == b',').unwrap_or(rest(at).len());
        namespace = Text(rest(at).get(..len)?).to_string();
        found.parts.push((&f::SOCKET_IO_NAMESPACE, at..at.saturating_add(len), namespace.clone()));
        at = at.saturating_add(len).saturating_add(1).min(text.len());
        namespace.insert(0, ' ');
    }
    let id = digits(at);
    let mut ack = String::new();
    if id > 0 {
        let number = Text(rest(at).get(..id)?).to_string();
        ack = format!(" #{number}");
        found.parts.push((&f::SOCKET_IO_ACK, at..at.saturating_add(id), number));
        at = at.saturating_add(id);
    }
    // The first element of an event is its name.
    if let Some(name) = rest(at).strip_prefix(b"[\"").filter(|_| packet.ends_with("EVENT"))
        && let Some(len) = name.iter().position(|b| *b == b'"')
    {
        let from = at.saturating_add(2);
        found.parts.push((&f::SOCKET_IO_EVENT, from..from.saturating_add(len), Text(name.get(..len)?).to_string()));
    }
    let colon = if rest(at).is_empty() { "" } else { ": " };
    found.line = format!("Socket.IO {packet}{namespace}{ack}{colon}{}", Text(rest(at)));
    found.data = at..text.len();
    Some(found)
}

fn stomp(text: &[u8]) -> Option<Inside> {
    let line = |from: usize| -> Option<(Range<usize>, usize)> {
        let rest = text.get(from..)?;
        let end = memchr::memchr(b'\n', rest)?;
        let cr = end.checked_sub(1).is_some_and(|i| rest.get(i) == Some(&b'\r'));
        Some((from..from.saturating_add(end).saturating_sub(usize::from(cr)), from.saturating_add(end).saturating_add(1)))
    };
    if text.iter().all(|b| matches!(b, b'\r' | b'\n')) {
        return Some(Inside { line: "STOMP heartbeat".into(), ..Inside::default() });
    }
    let (command, mut at) = line(0)?;
    let name = text.get(command.clone())?;
    if name.is_empty() || !name.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let mut found = Inside { line: format!("STOMP {}", Text(name)), ..Inside::default() };
    found.parts.push((&f::STOMP_COMMAND, command, Text(name).to_string()));
    for _ in 0..64 {
        let Some((header, next)) = line(at) else { break };
        at = next;
        if header.is_empty() {
            break;
        }
        let value = text.get(header.clone())?;
        if let Some(to) = value.strip_prefix(b"destination:") {
            found.line = format!("{} {}", found.line, Text(to));
        }
        found.parts.push((&f::STOMP_HEADER, header, Text(value).to_string()));
    }
    let end = memchr::memchr(0, text.get(at..)?).map_or(text.len(), |n| at.saturating_add(n));
    if let Some(body) = text.get(at..end).filter(|b| !b.is_empty()) {
        found.line = format!("{}: {}", found.line, Text(body));
    }
    found.data = at..end;
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_socket_io_are_taken_apart() {
        let look = |t: &str| engine_io(t.as_bytes()).map(|i| (i.line, i.data.start));
        assert_eq!(look("2"), Some(("Engine.IO ping".into(), 1)));
        assert_eq!(look("40"), Some(("Socket.IO CONNECT".into(), 2)));
        assert_eq!(look(r#"42["order",7]"#), Some((r#"Socket.IO EVENT: ["order",7]"#.into(), 2)));
        assert_eq!(look(r#"42/kitchen,13["bake"]"#), Some((r#"Socket.IO EVENT /kitchen #13: ["bake"]"#.into(), 13)));
        assert_eq!(
            look(r#"451-["photo",{"_placeholder":true,"num":0}]"#),
            Some((r#"Socket.IO BINARY_EVENT: ["photo",{"_placeholder":true,"num":0}]"#.into(), 4))
        );
        assert_eq!(look("hello"), None);
        let parts = engine_io(br#"42["order",7]"#).map(|i| i.parts).unwrap_or_default();
        assert_eq!(parts.last().map(|p| (p.1.clone(), p.2.as_str())), Some((4..9, "order")));
    }

    #[test]
    fn heads_of_stomp_are_taken_apart() {
        let look = |t: &str| stomp(t.as_bytes()).map(|i| (i.line, i.data));
        let send = "SEND\r\ndestination:/queue/a\ncontent-type:text/plain\n\nhello\0";
        assert_eq!(look(send), Some(("STOMP SEND /queue/a: hello".into(), 52..57)));
        assert_eq!(look("\n").map(|i| i.0), Some("STOMP heartbeat".into()));
        assert_eq!(look("no stomp\n"), None);
    }
}
