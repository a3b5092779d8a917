//! What the ends of our WebSocket captures gave to their libraries and got from them, held message by message against what is read.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::{read, root};

/// Digests of the whole messages of a direction, by the client's port, in order.
fn told(report: &Value, dir: &str) -> BTreeMap<u64, Vec<String>> {
    let list = |key: &str| report.get(key).and_then(Value::as_array).expect("a list").clone();
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
    let ports: BTreeMap<u64, u64> = list("tcp_streams")
        .iter()
        .filter_map(|s| Some((s.get("stream")?.as_u64()?, text(s, "a")?.rsplit(':').next()?.parse().ok()?)))
        .collect();
    let mut all: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for f in list("websocket") {
        let data = f["opcode"].as_u64().is_some_and(|o| o < 8) && f["fin"] == true && f["dir"] == dir;
        let digest = ["message_sha256", "inflated_sha256", "sha256"].iter().find_map(|k| text(&f, k));
        if let (true, Some(port)) = (data, f["stream"].as_u64().and_then(|s| ports.get(&s))) {
            all.entry(*port).or_default().push(digest.unwrap_or_default());
        }
    }
    all
}

fn holds(name: &str) {
    let folder = root().join("captures/websocket");
    let truth = std::fs::read_to_string(folder.join(format!("{name}.truth.json"))).expect("the truth");
    let truth: Value = serde_json::from_str(&truth).expect("the truth in JSON");
    let session = read(&folder.join(format!("{name}.pcapng")), 1).expect("a capture that can be read");
    let report = wirelore::report::report(&session).expect("a report");
    let (up, down) = (told(&report, "c2s"), told(&report, "s2c"));
    let mut messages = 0;
    for (key, got) in [("to_server", &up), ("to_client", &down)] {
        // Connections inside of one HTTP/2 connection follow one another and share its port.
        let mut want: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for talk in truth.as_array().expect("connections") {
            let port = talk["client_port"].as_u64().or_else(|| got.keys().next().copied()).expect("a port");
            let list = talk[key].as_array().expect("messages");
            want.entry(port).or_default().extend(list.iter().filter_map(|m| Some(m["sha256"].as_str()?.to_owned())));
        }
        want.retain(|_, list| !list.is_empty());
        messages += want.values().map(Vec::len).sum::<usize>();
        assert_eq!(*got, want, "{name}: {key}");
    }
    assert!(messages > 5, "{name}: only {messages} messages");
}

#[test]
fn chats_are_read_as_both_ends_know_them() {
    holds("chat");
}

#[test]
fn compressed_messages_are_those_that_were_given_to_the_compressor() {
    holds("deflate");
}

#[test]
fn a_line_that_loses_packets_loses_no_message() {
    holds("lossy");
}

#[test]
fn messages_inside_tls_are_read_with_the_keys_in_the_file() {
    holds("wss");
}

#[test]
fn connections_inside_http2_are_read_as_both_ends_know_them() {
    holds("http2");
}
