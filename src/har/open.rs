//! Opening a HAR as a capture: its exchanges become connections of a session file, an entry a connection, and are read like any other.
//!
//! A HAR tells messages, not bytes: heads are written in the form of HTTP/1.1 whatever version spoke, bodies stand decoded, and the
//! headers that speak of codings and lengths are made to fit. What the HAR itself said stays beside it, so that an export gives it back.

use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use wirelore_capture::{Options, Source};
use wirelore_export::exchange::{Chat, Exchange, Said};
use wirelore_export::har;
use wirelore_kit::Problem;
use wirelore_record::{Ended, Lane, Leg, LegId, Recorder, Side};

/// A HAR larger than this is not read: its text must be in memory at once.
const MOST: u64 = 1 << 30;

/// Opens the file if it is a HAR; `None`: it is none. With the source come its entries, without the texts of bodies.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn open(path: &Path) -> Result<Option<(Source, Vec<Value>)>, Problem> {
    if let Some(source) = super::mitm::open(path)? {
        return Ok(Some((source, Vec::new())));
    }
    let named = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("har"));
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map_or(0, |m| m.len());
    if size == 0 || !(named || begins_like(path)) {
        return Ok(None);
    }
    let wrong = |why: String| Problem {
        what: format!("{} could not be opened as a HAR", path.display()),
        why,
        what_to_do: "Export it again where it came from; browsers do so in the network panel of their developer tools.".into(),
    };
    if size > MOST {
        return Err(wrong(format!("It has {size} bytes; at most {MOST} are read.")));
    }
    let bytes = std::fs::read(path).map_err(|e| wrong(format!("{e}.")))?;
    let mut entries = har::read(&bytes).map_err(|e| wrong(e.to_string()))?;
    drop(bytes);
    entries.sort_by_key(|(e, _)| e.request.as_ref().and_then(|r| r.began));
    let source = play(&entries).map_err(wrong)?;
    let originals = entries.into_iter().map(|(_, original)| without_bodies(original)).collect();
    Ok(Some((source, originals)))
}

fn begins_like(path: &Path) -> bool {
    use std::io::Read;
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|f| f.take(4096).read_to_end(&mut head));
    read.is_ok() && har::begins_like(&head)
}

/// The texts of bodies are in the session file; an export takes them from there.
fn without_bodies(mut entry: Value) -> Value {
    for at in ["/request/postData", "/response/content"] {
        if let Some(o) = entry.pointer_mut(at).and_then(Value::as_object_mut)
            && let Some(text) = o.get_mut("text")
        {
            *text = Value::Null;
        }
    }
    if let Some(messages) = entry.get_mut("_webSocketMessages").and_then(Value::as_array_mut) {
        for m in messages.iter_mut().filter_map(Value::as_object_mut) {
            m.insert("data".into(), Value::Null);
        }
    }
    entry
}

/// Plays all exchanges into a session file that is gone when nobody reads it any more.
fn play(entries: &[(Exchange, Value)]) -> Result<Source, String> {
    record("Wirelore, from a HAR", "har", |lane| {
        for (number, (e, original)) in entries.iter().enumerate() {
            let (client, server) = ends(e, original, number);
            play_one(lane, number as u64, (client, server), e);
        }
    })
}

/// Has `fill` write a session file that is gone when nobody reads it any more.
pub(super) fn record(application: &str, listener: &str, fill: impl FnOnce(&mut Lane)) -> Result<Source, String> {
    let said = |e: wirelore_record::Error| format!("The file that its packets go to failed: {e}.");
    let options =
        wirelore_record::Options { application: application.into(), listeners: vec![listener.into()], ..Default::default() };
    let recorder = Recorder::temporary(options).map_err(said)?;
    recorder.keep();
    let path = recorder.path().to_path_buf();
    let mut lane = recorder.lane();
    fill(&mut lane);
    lane.turn();
    drop(lane);
    recorder.finish().map_err(said)?;
    let source = Source::open(&path, Options::default()).map_err(|e| e.to_string());
    // The open source keeps the bytes; the name is not needed any more.
    let _ = std::fs::remove_file(&path);
    source
}

/// Plays one exchange as a connection.
pub(super) fn play_one(lane: &mut Lane, tie: u64, (client, server): (SocketAddr, SocketAddr), e: &Exchange) {
    let began = e.request.as_ref().and_then(|r| r.began).unwrap_or(0);
    let leg = Leg { side: Side::Client, client, server, listener: 0, tie, time: began, host: "" };
    let leg = lane.open(leg);
    let mut end = began;
    let over_http2 = !e.chat.is_empty() && e.response.as_ref().is_some_and(|r| r.line.get(1).is_some_and(|s| s != "101"));
    let e = if over_http2 { &upgraded(e) } else { e };
    for (message, to_server) in [(&e.request, true), (&e.response, false)] {
        if let Some(said) = message {
            let time = said.began.unwrap_or(end).max(end);
            end = said.ended.unwrap_or(time).max(time);
            let (head, body) = (head(said, e, to_server), body(said));
            lane.bytes(leg, to_server, &head, time);
            if !body.is_empty() && !no_body(said) {
                lane.bytes(leg, to_server, body, end);
            }
        }
    }
    for c in &e.chat {
        end = c.time.unwrap_or(end).max(end);
        lane.bytes(leg, c.to_server, &frame(c), end);
    }
    finish(lane, leg, end);
}

/// Ends a connection in order.
pub(super) fn finish(lane: &mut Lane, leg: LegId, end: i64) {
    lane.end(leg, true, Ended::Fin, end);
    lane.end(leg, false, Ended::Fin, end);
    lane.close(leg, end);
    while lane.full() {
        lane.turn();
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// A body as it is played: with its coding, where that is known.
fn body(said: &Said) -> &[u8] {
    said.body.coded.as_deref().unwrap_or(&said.body.bytes)
}

/// Who spoke: the server as far as the HAR says, and a client of the documentation's addresses (RFC 5737, RFC 3849).
fn ends(e: &Exchange, original: &Value, number: usize) -> (SocketAddr, SocketAddr) {
    let said = original.get("serverIPAddress").and_then(Value::as_str).map(|a| a.trim_matches(['[', ']']));
    let server: IpAddr = said.and_then(|a| a.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 80)));
    let client = match server {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    };
    let authority = e.url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    let port = authority.rsplit_once(':').and_then(|(_, p)| p.parse().ok());
    let port = port.unwrap_or(if e.secure { 443 } else { 80 });
    let from = 1024u16.saturating_add(u16::try_from(number % 60_000).unwrap_or(0));
    (SocketAddr::new(client, from), SocketAddr::new(server, port))
}

/// A WebSocket over HTTP/2 (RFC 8441) with the handshake that it has over HTTP/1.1 (RFC 6455 §1.3, whose sample key it bears).
fn upgraded(e: &Exchange) -> Exchange {
    let mut e = e.clone();
    let header = |n: &str, v: &str| (n.as_bytes().to_vec(), v.as_bytes().to_vec());
    if let Some(r) = &mut e.request {
        if let Some(method) = r.line.first_mut() {
            *method = "GET".into();
        }
        r.headers.extend([header("upgrade", "websocket"), header("connection", "Upgrade")]);
        r.headers.push(header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="));
    }
    if let Some(r) = &mut e.response {
        r.line = ["HTTP/1.1".into(), "101".into(), "Switching Protocols".into()];
        r.headers.extend([header("upgrade", "websocket"), header("connection", "Upgrade")]);
        r.headers.push(header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        // The messages stand as they were meant: no compression is announced.
        r.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(b"sec-websocket-extensions"));
    }
    e
}

/// Whether a message of that status has no body whatever its headers say (RFC 9112 §6.3).
fn no_body(said: &Said) -> bool {
    let [version, status, _] = &said.line;
    version.starts_with("HTTP/") && (status.starts_with('1') || status == "204" || status == "304")
}

/// Line and headers as HTTP/1.1 writes them, with a length that fits the body as it stands.
fn head(said: &Said, e: &Exchange, asks: bool) -> Vec<u8> {
    let [a, b, c] = &said.line;
    let one = |word: &str| word.replace(['\r', '\n', '\0'], " ");
    let mut out = if asks {
        format!("{} {} HTTP/1.1\r\n", one(a).replace(' ', ""), one(b).replace(' ', "%20"))
    } else {
        format!("HTTP/1.1 {} {}\r\n", one(b), one(c))
    }
    .into_bytes();
    let mut host = false;
    for (name, value) in &said.headers {
        let is = |n: &str| name.eq_ignore_ascii_case(n.as_bytes());
        host |= is("host");
        if name.first() == Some(&b':')
            || is("content-length")
            || is("transfer-encoding")
            || is("content-encoding") && said.body.coded.is_none()
            || name.is_empty()
        {
            continue;
        }
        for part in [name.as_slice(), b": ", value, b"\r\n"] {
            let plain = |b: &u8| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { *b };
            if part == b"\r\n" { out.extend_from_slice(part) } else { out.extend(part.iter().map(plain)) }
        }
    }
    if asks && !host {
        let authority = e.url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        out.extend_from_slice(format!("Host: {}\r\n", one(authority)).as_bytes());
    }
    if !no_body(said) && (!asks || !body(said).is_empty()) {
        out.extend_from_slice(format!("Content-Length: {}\r\n", body(said).len()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// A WebSocket frame (RFC 6455 §5.2); the client's mask is zero, so that its bytes stay readable.
fn frame(c: &Chat) -> Vec<u8> {
    let mask = if c.to_server { 0x80 } else { 0 };
    let mut out = vec![0x80 | c.opcode & 0x0f];
    match c.data.len() {
        n @ 0..126 => out.push(mask | n as u8),
        n @ 126..=0xffff => {
            out.push(mask | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(mask | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    if c.to_server {
        out.extend_from_slice(&[0; 4]);
    }
    out.extend_from_slice(&c.data);
    out
}

/// An entry as the HAR had it, with the bodies that were read; `None` if they do not belong together.
#[must_use]
pub fn restored(original: &Value, read: &Value) -> Option<Value> {
    let chats = read.get("_webSocketMessages").and_then(Value::as_array).cloned().unwrap_or_default();
    if chats.is_empty() && original.pointer("/request/method") != read.pointer("/request/method") {
        return None;
    }
    let mut out = original.clone();
    for at in ["/request/postData", "/response/content"] {
        if let Some(o) = out.pointer_mut(at).and_then(Value::as_object_mut)
            && o.get("text").is_some_and(Value::is_null)
        {
            let from = read.pointer(at);
            let text = from.and_then(|f| f.get("text")).cloned().unwrap_or_else(|| Value::String(String::new()));
            o.insert("text".into(), text);
            // Base64 or not is decided anew, by the bytes: whoever reads it goes by what is said here.
            let (key, said) = if at.ends_with("content") { ("encoding", "encoding") } else { ("_encoding", "_encoding") };
            match from.and_then(|f| f.get(said)) {
                Some(encoding) => _ = o.insert(key.into(), encoding.clone()),
                None => _ = o.remove(key),
            }
        }
    }
    if let Some(messages) = out.get_mut("_webSocketMessages").and_then(Value::as_array_mut) {
        if messages.len() != chats.len() {
            return None;
        }
        for (m, c) in messages.iter_mut().filter_map(Value::as_object_mut).zip(chats) {
            m.insert("data".into(), c.get("data").cloned().unwrap_or_default());
        }
    }
    Some(out)
}
