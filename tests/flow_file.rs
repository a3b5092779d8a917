//! Flow files of mitmproxy open as captures: here one that is written after mitmproxy's own description of its form (version 21).

#[path = "support/peers.rs"]
mod peers;

use peers::{Folder, run};
use std::process::Command;

/// A tagged netstring.
fn tagged(kind: char, payload: &[u8]) -> Vec<u8> {
    [payload.len().to_string().as_bytes(), b":", payload, &[kind as u8]].concat()
}

fn text(t: &str) -> Vec<u8> {
    tagged(';', t.as_bytes())
}

fn bytes(b: &[u8]) -> Vec<u8> {
    tagged(',', b)
}

fn int(n: i64) -> Vec<u8> {
    tagged('#', n.to_string().as_bytes())
}

fn time(seconds: f64) -> Vec<u8> {
    tagged('^', format!("{seconds}").as_bytes())
}

fn bool(b: bool) -> Vec<u8> {
    tagged('!', if b { b"true" } else { b"false" })
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    tagged(']', &items.concat())
}

fn dict(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    tagged('}', &pairs.iter().flat_map(|(k, v)| [text(k), v.clone()].concat()).collect::<Vec<u8>>())
}

fn conns() -> [(&'static str, Vec<u8>); 2] {
    let at = |ip: &str, port| list(&[text(ip), int(port)]);
    [
        ("client_conn", dict(&[("peername", at("192.0.2.9", 40_001)), ("sockname", at("192.0.2.8", 8080))])),
        ("server_conn", dict(&[("address", at("shop.example", 443)), ("peername", at("192.0.2.44", 443))])),
    ]
}

fn flow(kind: &str, more: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let head = [("version", int(21)), ("type", text(kind)), ("error", tagged('~', b""))];
    dict(&[&head, &conns()[..], more].concat())
}

fn headers(all: &[(&str, &str)]) -> Vec<u8> {
    list(&all.iter().map(|(n, v)| list(&[bytes(n.as_bytes()), bytes(v.as_bytes())])).collect::<Vec<_>>())
}

fn request(method: &str, path: &str, more: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let host = [("Host", "shop.example")];
    dict(&[
        ("host", text("shop.example")),
        ("port", int(443)),
        ("method", bytes(method.as_bytes())),
        ("scheme", bytes(b"https")),
        ("authority", bytes(b"")),
        ("path", bytes(path.as_bytes())),
        ("http_version", bytes(b"HTTP/1.1")),
        ("headers", headers(&[&host, more].concat())),
        ("content", bytes(body)),
        ("trailers", tagged('~', b"")),
        ("timestamp_start", time(1_790_000_000.25)),
        ("timestamp_end", time(1_790_000_000.5)),
    ])
}

fn response(status: i64, reason: &str, more: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    dict(&[
        ("http_version", bytes(b"HTTP/1.1")),
        ("status_code", int(status)),
        ("reason", bytes(reason.as_bytes())),
        ("headers", headers(more)),
        ("content", bytes(body)),
        ("trailers", tagged('~', b"")),
        ("timestamp_start", time(1_790_000_000.75)),
        ("timestamp_end", time(1_790_000_001.0)),
    ])
}

/// `{"price": 7}`, packed with gzip without compressing it (RFC 1952, a stored block of RFC 1951).
const PACKED: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x0c\0\xf3\xff{\"price\": 7}\xbd\x47\x4b\x57\x0c\0\0\0";

fn file() -> Vec<u8> {
    let packed = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    let first = flow(
        "http",
        &[
            ("request", request("POST", "/buy?x=1", &[("X-Way", "up")], b"item=7")),
            ("response", response(200, "OK", &packed, PACKED)),
        ],
    );
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    let accept = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")];
    let said =
        |up: bool, words: &str, at: f64| list(&[int(1), bool(up), bytes(words.as_bytes()), time(at), bool(false), bool(false)]);
    let chat =
        dict(&[("messages", list(&[said(true, "knock knock", 1_790_000_002.0), said(false, "come in", 1_790_000_003.0)]))]);
    let second = flow(
        "http",
        &[
            ("request", request("GET", "/chat", &upgrade, b"")),
            ("response", response(101, "Switching Protocols", &accept, b"")),
            ("websocket", chat),
        ],
    );
    let raw = |up: bool, words: &str| list(&[bool(up), bytes(words.as_bytes()), time(1_790_000_004.0)]);
    let third = flow("tcp", &[("messages", list(&[raw(false, "220 mail.example ESMTP\r\n"), raw(true, "EHLO me.example\r\n")]))]);
    [first, second, third].concat()
}

fn wirelore(args: &[&str]) -> (bool, String) {
    run(Command::new(env!("CARGO_BIN_EXE_wirelore")).args(args))
}

#[test]
fn exchanges_chats_and_connections_of_a_flow_file_are_read() {
    let folder = Folder::new("flows");
    let path = folder.put("a.flows", file()).display().to_string();
    let (ok, shown) = wirelore(&["dump", "-m", "-r", &path]);
    assert!(ok, "{shown}");
    for expected in ["192.0.2.9:40001 → 192.0.2.44:443", "POST /buy?x=1", "200 OK", "knock knock", "come in", "EHLO me.example"]
    {
        assert!(shown.contains(expected), "{expected} is missing in\n{shown}");
    }
    let har = folder.path("a.har").display().to_string();
    let (ok, said) = wirelore(&["export", "--har", &har, "-r", &path]);
    assert!(ok, "{said}");
    let har: serde_json::Value = serde_json::from_slice(&std::fs::read(&har).expect("written")).expect("JSON");
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["request"]["postData"]["text"], "item=7");
    assert_eq!(entry["response"]["content"]["text"], "{\"price\": 7}", "the coding is undone");
}

#[test]
fn a_flow_file_that_was_cut_shows_what_is_whole_and_an_old_one_says_so() {
    let folder = Folder::new("cut");
    let whole = file();
    let path = folder.put("cut.flows", &whole[..whole.len() - 5]).display().to_string();
    let (ok, shown) = wirelore(&["dump", "-m", "-r", &path]);
    assert!(ok && shown.contains("come in") && !shown.contains("EHLO"), "{shown}");
    assert!(shown.contains("ends in the middle of a flow"), "{shown}");
    let old = folder.put("old.flows", dict(&[("version", int(9)), ("type", text("http"))])).display().to_string();
    let (ok, said) = wirelore(&["dump", "-m", "-r", &old]);
    assert!(!ok && said.contains("Its version is 9"), "{said}");
    let none = folder.put("none.flows", b"12:7:version;1:").display().to_string();
    let (ok, said) = wirelore(&["dump", "-m", "-r", &none]);
    assert!(!ok && said.contains("At byte "), "{said}");
}
