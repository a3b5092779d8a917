//! HARs: what is exported holds every exchange that the report lists, and a HAR that is opened and exported again is the same HAR.

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::{no_faults, own};

fn export(from: &Path, to: &Path) -> Result<Value, String> {
    let out = Command::new(env!("CARGO_BIN_EXE_wirelore"))
        .args(["export", "-r"])
        .arg(from)
        .arg("--har")
        .arg(to)
        .output()
        .map_err(|e| e.to_string())?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned());
    }
    serde_json::from_slice(&std::fs::read(to).map_err(|e| e.to_string())?).map_err(|e| e.to_string())
}

/// The first place where two values differ.
fn difference(a: &Value, b: &Value, at: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            names.into_iter().find_map(|n| {
                difference(a.get(n).unwrap_or(&Value::Null), b.get(n).unwrap_or(&Value::Null), &format!("{at}/{n}"))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{at}/{i}")))
        }
        _ => (a != b).then(|| format!("{at}: {a:.60} and {b:.60}")),
    }
}

#[test]
fn a_har_of_every_capture_opens_again_and_is_given_back_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut faults = Vec::new();
    let mut exchanges = 0;
    for capture in own() {
        let (first, second) = (folder.path().join("a.har"), folder.path().join("b.har"));
        let both = export(&capture, &first).and_then(|a| Ok((a, export(&first, &second)?)));
        match both {
            Err(e) => faults.push(format!("{}: {e}", capture.display())),
            Ok((a, b)) => {
                exchanges += a["log"]["entries"].as_array().map_or(0, Vec::len);
                faults.extend(difference(&a, &b, "").map(|d| format!("{}: {d}", capture.display())));
            }
        }
    }
    assert!(exchanges > 200, "only {exchanges} exchanges in all captures");
    no_faults(&faults, "captures");
}

#[test]
fn what_a_browser_wrote_is_kept_even_where_we_have_no_word_for_it() {
    let har = serde_json::json!({"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [], "entries": [{
        "_connectionId": "3", "_initiator": {"type": "script", "stack": {"callFrames": [1, 2]}}, "_priority": "High", "_resourceType": "websocket",
        "cache": {}, "startedDateTime": "2026-11-23T10:00:00.123Z", "time": 12.5,
        "request": {"method": "GET", "url": "wss://chat.cafe.test/room?x=1", "httpVersion": "HTTP/1.1", "cookies": [], "queryString": [{"name": "x", "value": "1"}],
            "headers": [{"name": "Host", "value": "chat.cafe.test"}, {"name": "Connection", "value": "Upgrade"}, {"name": "Upgrade", "value": "websocket"},
                {"name": "Sec-WebSocket-Key", "value": "dGhlIHNhbXBsZSBub25jZQ=="}, {"name": "Sec-WebSocket-Version", "value": "13"}],
            "headersSize": 400, "bodySize": 0},
        "response": {"status": 101, "statusText": "Switching Protocols", "httpVersion": "HTTP/1.1", "cookies": [], "redirectURL": "",
            "headers": [{"name": "Connection", "value": "Upgrade"}, {"name": "Upgrade", "value": "websocket"},
                {"name": "Sec-WebSocket-Accept", "value": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}],
            "content": {"size": 0, "mimeType": "x-unknown"}, "headersSize": 129, "bodySize": 0, "_transferSize": 129, "_error": null},
        "serverIPAddress": "[2001:db8::7]", "connection": "443",
        "timings": {"blocked": 1.0, "dns": -1, "connect": -1, "ssl": -1, "send": 0.5, "wait": 11.0, "receive": 0.0, "_queued": 0.7},
        "_webSocketMessages": [
            {"type": "send", "time": 1795428000.25, "opcode": 1, "data": "héllo"},
            {"type": "receive", "time": 1795428000.5, "opcode": 2, "data": "AP8B"}]
    }]}});
    let folder = tempfile::tempdir().expect("a folder");
    let (given, back) = (folder.path().join("given.har"), folder.path().join("back.har"));
    std::fs::write(&given, har.to_string()).expect("written");
    let read = export(&given, &back).expect("opened and exported");
    assert_eq!(difference(&har["log"]["entries"], &read["log"]["entries"], ""), None);
    let shown = Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["dump", "-m", "-r"]).arg(&given).output().expect("run");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("GET /room?x=1") && shown.contains("text: héllo"), "{shown}");
}

#[test]
fn a_broken_har_says_what_is_wrong_and_exits_as_a_bad_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cut.har");
    std::fs::write(&file, "{\"log\": {\"entries\": [").expect("written");
    let out = Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["summary", "-r"]).arg(&file).output().expect("run");
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("no JSON"), "{}", String::from_utf8_lossy(&out.stderr));
}
