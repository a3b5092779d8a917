//! HAR 1.2: exchanges as browsers and other proxies write and read them, with binary bodies and the messages of WebSockets.
//!
//! What HAR has no place for stands under names that begin with `_`, which readers pass over (HAR 1.2, "Custom fields"): trailers, the
//! encoding of a request's binary body, WebSocket messages in the form that Chrome writes them.

use crate::exchange::{Body, Chat, Exchange, Headers, Said};
use crate::time;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value, json};

/// The start of a HAR's text; entries follow with commas between them, then [`END`].
#[must_use]
pub fn begin() -> String {
    let creator = json!({"name": "Wirelore", "version": env!("CARGO_PKG_VERSION")});
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[],\"entries\":[")
}

/// The end of a HAR's text.
pub const END: &str = "]}}\n";

/// An exchange as an entry.
#[must_use]
pub fn entry(e: &Exchange) -> Value {
    let began = e.request.as_ref().and_then(|r| r.began).or_else(|| e.response.as_ref()?.began);
    let (send, wait, receive) = timings(e);
    let parts = [send, wait, receive].into_iter().filter(|t| *t >= 0.0);
    let mut o = json!({
        "startedDateTime": time::iso(began.unwrap_or(0)),
        "time": milli(parts.sum()),
        "request": request(e),
        "response": response(e),
        "cache": {},
        "timings": {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": milli(send), "wait": milli(wait), "receive": milli(receive)},
        "connection": e.stream.to_string(),
    });
    if let Some((client, server)) = e.ends {
        put(&mut o, "serverIPAddress", json!(server.ip().to_string()));
        put(&mut o, "_serverPort", json!(server.port()));
        put(&mut o, "_clientAddress", json!(client.to_string()));
    }
    if !e.chat.is_empty() {
        put(&mut o, "_resourceType", json!("websocket"));
        put(&mut o, "_webSocketMessages", Value::Array(e.chat.iter().map(chat).collect()));
    }
    o
}

fn put(o: &mut Value, name: &str, value: Value) {
    if let Some(o) = o.as_object_mut() {
        o.insert(name.into(), value);
    }
}

/// Milliseconds with the digits that nanoseconds have.
fn milli(ms: f64) -> Value {
    if ms < 0.0 { json!(-1) } else { json!((ms * 1e6).round() / 1e6) }
}

/// Milliseconds of sending, waiting and receiving; -1 where that is not known.
fn timings(e: &Exchange) -> (f64, f64, f64) {
    let between = |from: Option<i64>, to: Option<i64>| match from.zip(to) {
        Some((from, to)) => to.saturating_sub(from).max(0) as f64 / 1e6,
        None => -1.0,
    };
    let (asked, answered) = (e.request.as_ref(), e.response.as_ref());
    (
        between(asked.and_then(|r| r.began), asked.and_then(|r| r.ended)),
        between(asked.and_then(|r| r.ended), answered.and_then(|r| r.began)),
        between(answered.and_then(|r| r.began), answered.and_then(|r| r.ended)),
    )
}

fn request(e: &Exchange) -> Value {
    let none = Said::default();
    let r = e.request.as_ref().unwrap_or(&none);
    let [method, target, version] = &r.line;
    let url = if e.url.is_empty() { target } else { &e.url };
    let mut o = json!({
        "method": method,
        "url": url,
        "httpVersion": version,
        "cookies": cookies(r, "cookie"),
        "headers": headers(&r.headers),
        "queryString": query(url),
        "headersSize": head_size(r),
        "bodySize": size(&r.body),
    });
    if !r.body.bytes.is_empty() || r.body.coded.is_some() {
        let media = r.header("content-type").map(text).unwrap_or_default();
        let mut post = json!({"mimeType": media});
        if media.starts_with("application/x-www-form-urlencoded") {
            put(&mut post, "params", pairs(&r.body.bytes));
        }
        let (words, binary) = words(&r.body.bytes);
        put(&mut post, "text", json!(words));
        if binary {
            put(&mut post, "_encoding", json!("base64"));
        }
        put(&mut o, "postData", post);
    }
    extras(&mut o, r);
    o
}

fn response(e: &Exchange) -> Value {
    let Some(r) = &e.response else {
        // Browsers write this for requests without an answer.
        return json!({"status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": {"size": 0, "mimeType": ""}, "redirectURL": "", "headersSize": -1, "bodySize": -1,
            "_error": "no answer was captured"});
    };
    let [version, status, reason] = &r.line;
    let mut content = json!({"size": r.body.bytes.len(), "mimeType": r.header("content-type").map(text).unwrap_or_default()});
    if let Some(coded) = &r.body.coded {
        put(&mut content, "compression", json!(r.body.bytes.len() as i64 - coded.len() as i64));
    }
    if !r.body.bytes.is_empty() {
        let (words, binary) = words(&r.body.bytes);
        put(&mut content, "text", json!(words));
        if binary {
            put(&mut content, "encoding", json!("base64"));
        }
    }
    let mut o = json!({
        "status": status.parse::<u16>().unwrap_or(0),
        "statusText": reason,
        "httpVersion": version,
        "cookies": cookies(r, "set-cookie"),
        "headers": headers(&r.headers),
        "content": content,
        "redirectURL": r.header("location").map(text).unwrap_or_default(),
        "headersSize": head_size(r),
        "bodySize": size(&r.body),
    });
    extras(&mut o, r);
    o
}

/// What HAR itself has no place for.
fn extras(o: &mut Value, r: &Said) {
    if !r.trailers.is_empty() {
        put(o, "_trailers", headers(&r.trailers));
    }
    if r.body.left_out > 0 {
        put(o, "_bodyLeftOut", json!(r.body.left_out));
    }
    if !r.whole {
        put(o, "_incomplete", json!(true));
    }
}

/// Bytes of the body as sent, content codings on.
fn size(body: &Body) -> u64 {
    body.coded.as_ref().map_or(body.bytes.len(), Vec::len) as u64
}

/// Bytes of line, headers and the blank line, where the protocol has such.
fn head_size(r: &Said) -> i64 {
    if !r.line.iter().any(|w| w.starts_with("HTTP/1") || w.starts_with("HTTP/0")) {
        return -1;
    }
    let line: usize = r.line.iter().map(String::len).sum::<usize>().saturating_add(4);
    let fields: usize = r.headers.iter().map(|(n, v)| n.len().saturating_add(v.len()).saturating_add(4)).sum();
    i64::try_from(line.saturating_add(fields).saturating_add(2)).unwrap_or(-1)
}

/// Text of bytes: UTF-8 where they are, else each byte a character, which loses nothing.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect(), str::to_owned)
}

fn headers(all: &[(Vec<u8>, Vec<u8>)]) -> Value {
    let one = |(name, value): &(Vec<u8>, Vec<u8>)| {
        let mut o = json!({"name": text(name), "value": text(value)});
        if std::str::from_utf8(name).is_err() || std::str::from_utf8(value).is_err() {
            put(&mut o, "_encoding", json!("latin1"));
        }
        o
    };
    Value::Array(all.iter().map(one).collect())
}

/// A body as text, or in base64 where it is none; whether the latter.
fn words(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => (text.to_owned(), false),
        _ => (base64(bytes), true),
    }
}

fn cookies(r: &Said, from: &str) -> Value {
    let mut all = Vec::new();
    for (_, value) in r.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(from.as_bytes())) {
        let value = text(value);
        let mut parts = value.split(';').map(|p| p.trim().split_once('=').unwrap_or((p.trim(), "")));
        if from == "cookie" {
            all.extend(parts.filter(|(n, _)| !n.is_empty()).map(|(name, value)| json!({"name": name, "value": value})));
            continue;
        }
        let Some((name, value)) = parts.next() else { continue };
        let mut o = json!({"name": name, "value": value, "httpOnly": false, "secure": false});
        for (attribute, value) in parts {
            match attribute.to_ascii_lowercase().as_str() {
                "path" => put(&mut o, "path", json!(value)),
                "domain" => put(&mut o, "domain", json!(value)),
                "expires" => put(&mut o, "expires", json!(value)),
                "samesite" => put(&mut o, "_sameSite", json!(value)),
                "httponly" => put(&mut o, "httpOnly", json!(true)),
                "secure" => put(&mut o, "secure", json!(true)),
                _ => {}
            }
        }
        all.push(o);
    }
    Value::Array(all)
}

fn query(url: &str) -> Value {
    let url = url.split('#').next().unwrap_or(url);
    url.split_once('?').map_or_else(|| json!([]), |(_, query)| pairs(query.as_bytes()))
}

/// `a=b&c=d` with percent escapes undone (URL Standard, "application/x-www-form-urlencoded parsing").
fn pairs(bytes: &[u8]) -> Value {
    let plain = |part: &[u8]| {
        let mut out = Vec::with_capacity(part.len());
        let mut rest = part;
        while let Some((b, after)) = rest.split_first() {
            rest = after;
            let escaped = after.get(..2).and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
            match (b, escaped) {
                (b'%', Some(byte)) => {
                    out.push(byte);
                    rest = after.get(2..).unwrap_or(&[]);
                }
                (b'+', _) => out.push(b' '),
                _ => out.push(*b),
            }
        }
        text(&out)
    };
    let one = |p: &[u8]| {
        let at = p.iter().position(|b| *b == b'=').unwrap_or(p.len());
        let value = p.get(at.saturating_add(1)..).unwrap_or(&[]);
        json!({"name": plain(p.get(..at).unwrap_or(p)), "value": plain(value)})
    };
    Value::Array(bytes.split(|b| *b == b'&').filter(|p| !p.is_empty()).map(one).collect())
}

/// A message of a WebSocket as Chrome writes it: time in seconds, text as text, all else in base64.
fn chat(c: &Chat) -> Value {
    let data = match std::str::from_utf8(&c.data) {
        Ok(words) if c.opcode == 1 => words.to_owned(),
        _ => base64(&c.data),
    };
    json!({
        "type": if c.to_server { "send" } else { "receive" },
        "time": c.time.unwrap_or(0) as f64 / 1e9,
        "opcode": c.opcode,
        "data": data,
    })
}

/// Base64 with padding (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of base64 of either alphabet, with or without padding, white space aside; `None` where it is none.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let plain = |c: u8| match c {
        b'-' => b'+',
        b'_' => b'/',
        c => c,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| !c.is_ascii_whitespace() && *c != b'=').map(plain).collect();
    STANDARD_NO_PAD.decode(digits).ok()
}

/// What is wrong with a HAR, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(pub String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// Whether bytes begin like a HAR: a JSON object with a `log` near its start. A byte order mark is passed over.
#[must_use]
pub fn begins_like(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    head.first() == Some(&b'{') && head.get(..head.len().min(4096)).is_some_and(|h| h.windows(5).any(|w| w == b"\"log\""))
}

/// The entries of a HAR, each with the exchange that it tells of.
///
/// # Errors
/// [`Wrong`]: what is no HAR, and where.
pub fn read(bytes: &[u8]) -> Result<Vec<(Exchange, Value)>, Wrong> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let all: Value = serde_json::from_slice(bytes)
        .map_err(|e| Wrong(format!("This is no JSON: {e}. A HAR is one JSON object; perhaps the file was cut.")))?;
    let entries = all
        .pointer("/log/entries")
        .and_then(Value::as_array)
        .ok_or_else(|| Wrong("There is no list log.entries: a HAR has one (HAR 1.2, \"log\").".into()))?;
    let mut out = Vec::with_capacity(entries.len());
    for (number, e) in entries.iter().enumerate() {
        let exchange = exchange(e).map_err(|why| Wrong(format!("log.entries[{number}]: {why}")))?;
        out.push((exchange, e.clone()));
    }
    Ok(out)
}

fn exchange(e: &Value) -> Result<Exchange, String> {
    let asked = e.get("request").and_then(Value::as_object).ok_or("request is missing or no object.")?;
    let answered = e.get("response").and_then(Value::as_object);
    let url = word(asked, "url");
    let began = e.get("startedDateTime").and_then(Value::as_str).and_then(time::from_iso);
    let ms = |name: &str| e.pointer(&format!("/timings/{name}")).and_then(Value::as_f64).filter(|t| *t >= 0.0).unwrap_or(0.0);
    let later = |from: Option<i64>, ms: f64| from.map(|f| f.saturating_add((ms * 1e6) as i64));
    let sent = later(began, ms("blocked") + ms("dns") + ms("connect") + ms("send"));
    let answer_began = later(sent, ms("wait"));
    let done = later(answer_began, ms("receive"));
    let body = asked.get("postData").and_then(Value::as_object).map(|p| content(p, "_encoding")).transpose()?;
    let request = Said {
        line: [word(asked, "method"), target(&url), version(&word(asked, "httpVersion"))],
        headers: list(asked, "headers")?,
        trailers: list(asked, "_trailers")?,
        body: Body { bytes: body.unwrap_or_default(), ..Body::default() },
        began,
        ended: sent,
        len: 0,
        whole: true,
    };
    let response = match answered.filter(|a| a.get("status").and_then(Value::as_u64).is_some_and(|s| s > 0)) {
        None => None,
        Some(a) => {
            let body = a.get("content").and_then(Value::as_object).map(|c| content(c, "encoding")).transpose()?;
            let status = a.get("status").and_then(Value::as_u64).unwrap_or(0);
            Some(Said {
                line: [version(&word(a, "httpVersion")), status.to_string(), word(a, "statusText")],
                headers: list(a, "headers")?,
                trailers: list(a, "_trailers")?,
                body: Body { bytes: body.unwrap_or_default(), ..Body::default() },
                began: answer_began,
                ended: done,
                len: 0,
                whole: true,
            })
        }
    };
    let mut chats = Vec::new();
    for m in e.get("_webSocketMessages").and_then(Value::as_array).into_iter().flatten() {
        let opcode = m.get("opcode").and_then(Value::as_u64).and_then(|o| u8::try_from(o).ok()).unwrap_or(1);
        let data = m.get("data").and_then(Value::as_str).unwrap_or_default();
        chats.push(Chat {
            to_server: m.get("type").and_then(Value::as_str) == Some("send"),
            time: m.get("time").and_then(Value::as_f64).map(|s| (s * 1e9) as i64),
            opcode,
            data: if opcode == 1 {
                data.as_bytes().to_vec()
            } else {
                unbase64(data).ok_or("the data of a binary WebSocket message is no base64.")?
            },
        });
    }
    Ok(Exchange {
        secure: url.starts_with("https:") || url.starts_with("wss:"),
        url,
        request: Some(request),
        response,
        chat: chats,
        ..Exchange::default()
    })
}

fn word(o: &Map<String, Value>, name: &str) -> String {
    o.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The part of an address that a request line names.
fn target(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or("/");
    let path = path.split('#').next().unwrap_or(path);
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Names of versions differ from writer to writer: `h2`, `http/2.0`, `HTTP/2`.
fn version(said: &str) -> String {
    match said.to_ascii_lowercase().as_str() {
        "h2" | "http/2" | "http/2.0" => "HTTP/2".into(),
        "h3" | "http/3" | "http/3.0" | "h3-29" => "HTTP/3".into(),
        "" | "unknown" => "HTTP/1.1".into(),
        _ => said.to_ascii_uppercase(),
    }
}

fn list(o: &Map<String, Value>, name: &str) -> Result<Headers, String> {
    let Some(all) = o.get(name) else { return Ok(Vec::new()) };
    let all = all.as_array().ok_or_else(|| format!("{name} is no list."))?;
    let one = |h: &Value| {
        let latin = h.get("_encoding").and_then(Value::as_str) == Some("latin1");
        let bytes = |name: &str| {
            let text = h.get(name).and_then(Value::as_str).unwrap_or_default();
            // Characters beyond Latin-1 cannot stand there; were they to, they stay as they are.
            if latin && text.chars().all(|c| u32::from(c) < 256) {
                text.chars().map(|c| u32::from(c) as u8).collect()
            } else {
                text.as_bytes().to_vec()
            }
        };
        (bytes("name"), bytes("value"))
    };
    Ok(all.iter().map(one).collect())
}

/// Text of a body; `encoding` is the key that says whether it is base64.
fn content(o: &Map<String, Value>, encoding: &str) -> Result<Vec<u8>, String> {
    let text = o.get("text").and_then(Value::as_str).unwrap_or_default();
    let said = [encoding, "encoding"].iter().find_map(|n| o.get(*n)).and_then(Value::as_str);
    if said == Some("base64") {
        return unbase64(text).ok_or_else(|| "a body says that it is base64, and is not.".into());
    }
    if text.is_empty()
        && let Some(params) = o.get("params").and_then(Value::as_array)
    {
        // Some writers leave the text out and give the form's fields alone.
        let part = |p: &Value, n: &str| escape(p.get(n).and_then(Value::as_str).unwrap_or_default());
        return Ok(params
            .iter()
            .map(|p| format!("{}={}", part(p, "name"), part(p, "value")))
            .collect::<Vec<_>>()
            .join("&")
            .into_bytes());
    }
    Ok(text.as_bytes().to_vec())
}

fn escape(text: &str) -> String {
    let one = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => char::from(b).to_string(),
        b' ' => "+".into(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Exchange {
        let header = |n: &str, v: &str| (n.as_bytes().to_vec(), v.as_bytes().to_vec());
        Exchange {
            url: "https://www.cafe.test/menu?day=monday&dish=caf%C3%A9+cr%C3%A8me".into(),
            secure: true,
            request: Some(Said {
                line: ["POST".into(), "/menu?day=monday&dish=caf%C3%A9+cr%C3%A8me".into(), "HTTP/1.1".into()],
                headers: vec![
                    header("Host", "www.cafe.test"),
                    header("cookie", "a=1; b=2"),
                    (b"X-Odd".to_vec(), vec![0xe9, b'!']),
                ],
                body: Body { bytes: vec![0, 159, 146, 150], ..Body::default() },
                began: Some(1_700_000_000_000_000_000),
                ended: Some(1_700_000_000_001_000_000),
                whole: true,
                ..Said::default()
            }),
            response: Some(Said {
                line: ["HTTP/1.1".into(), "200".into(), "OK".into()],
                headers: vec![header("Set-Cookie", "x=y; Path=/; HttpOnly"), header("Set-Cookie", "z=1")],
                trailers: vec![header("Checksum", "7")],
                body: Body { bytes: "Grüße".into(), ..Body::default() },
                began: Some(1_700_000_000_002_000_000),
                ended: Some(1_700_000_000_003_500_000),
                whole: true,
                ..Said::default()
            }),
            chat: vec![
                Chat { to_server: true, time: Some(1_700_000_000_000_000_000), opcode: 1, data: "hi".into() },
                Chat { to_server: false, time: Some(1_700_000_001_000_000_000), opcode: 2, data: vec![255, 0] },
            ],
            ..Exchange::default()
        }
    }

    #[test]
    fn an_entry_read_back_is_the_same_exchange() {
        let e = sample();
        let text = format!("{}{}{END}", begin(), entry(&e));
        let read = read(text.as_bytes()).expect("our own HAR");
        assert_eq!(read.len(), 1);
        let mut back = read[0].0.clone();
        // Lengths as the wire counts them are no part of a HAR.
        for (a, b) in [(&mut back.request, &e.request), (&mut back.response, &e.response)] {
            if let (Some(a), Some(b)) = (a, b) {
                a.len = b.len;
            }
        }
        assert_eq!(back, e);
    }

    #[test]
    fn forms_and_queries_are_taken_apart() {
        let v = entry(&sample());
        assert_eq!(v["request"]["queryString"][1], json!({"name": "dish", "value": "café crème"}));
        assert_eq!(v["request"]["cookies"], json!([{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]));
        assert_eq!(v["response"]["cookies"][0]["httpOnly"], json!(true));
        assert_eq!(v["response"]["cookies"][1]["name"], json!("z"));
        assert_eq!(v["timings"]["wait"], json!(1.0));
        assert_eq!(v["time"], json!(3.5));
    }

    #[test]
    fn base64_of_every_length_comes_back() {
        for n in 0..70u8 {
            let bytes: Vec<u8> = (0..n).map(|b| b.wrapping_mul(37)).collect();
            assert_eq!(unbase64(&base64(&bytes)).as_deref(), Some(&bytes[..]));
        }
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(unbase64("TW*u"), None);
    }

    #[test]
    fn what_is_no_har_says_why() {
        assert!(read(b"{\"log\":").unwrap_err().0.contains("no JSON"));
        assert!(read(b"{\"log\":{}}").unwrap_err().0.contains("log.entries"));
        assert!(read(b"{\"log\":{\"entries\":[{}]}}").unwrap_err().0.contains("log.entries[0]: request"));
    }
}
