//! What clients asked and got in our HTTP/2 and gRPC captures, held exchange by exchange and byte by byte against what is read.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use wirelore::sift::{self, Limits};
use wirelore_dissectors::TABLE;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_kit::{Cancel, Cell, ConvId, Dir, Level};

/// One stream, or one call.
#[derive(Default, Debug)]
struct Talk {
    method: String,
    path: String,
    /// Of every answer, in order.
    statuses: Vec<u64>,
    /// The answer's body as sent and as decoded.
    body: [Vec<u8>; 2],
    /// Messages of a call: requests and responses by number.
    messages: [BTreeMap<u64, Vec<u8>>; 2],
    /// How the call went.
    outcome: Option<u64>,
}

/// Everything inside of one connection.
#[derive(Default)]
struct Heard {
    talks: BTreeMap<ConvId, Talk>,
    calls: BTreeMap<ConvId, Talk>,
    exchanges: u32,
}

impl Heard {
    fn take(&mut self, m: &Message<'_>) {
        let talk = match m.spec.name {
            "http2.stream" => self.talks.entry(m.conv).or_default(),
            "grpc" => self.calls.entry(m.conv).or_default(),
            _ => return,
        };
        for (field, cell) in m.sink.cells.iter().skip(m.new_cells) {
            match (field.name, cell) {
                ("http2.headers.method", Cell::Text(t)) => talk.method = String::from_utf8_lossy(m.sink.text(t)).into_owned(),
                ("http2.headers.path" | "grpc.method", Cell::Text(t)) => {
                    talk.path = String::from_utf8_lossy(m.sink.text(t)).into_owned();
                }
                ("http2.headers.status", Cell::U64(n)) => talk.statuses.push(*n),
                ("grpc.status", Cell::U64(n)) => talk.outcome = Some(*n),
                _ => {}
            }
        }
    }
}

impl Listen for Heard {
    fn opened(&mut self, m: &Message<'_>) {
        self.take(m);
    }
    fn changed(&mut self, m: &Message<'_>) {
        self.take(m);
    }
    fn exchange(&mut self) -> u32 {
        self.exchanges += 1;
        self.exchanges
    }
    fn inner(&mut self, b: &InnerBytes<'_>) {
        let dir = b.key.1;
        if b.spec.name == "http2.stream" && dir == Dir::ToClient {
            let talk = self.talks.entry(b.conv).or_default();
            talk.body[(b.key.0 & 1) as usize].extend_from_slice(b.bytes);
        } else if b.spec.name == "grpc" {
            let talk = self.calls.entry(b.conv).or_default();
            talk.messages[dir as usize].entry(b.key.0).or_default().extend_from_slice(b.bytes);
        }
    }
}

/// Connections by their client's port, and what stands in the truth beside the capture.
fn heard(capture: &str) -> (BTreeMap<u64, Heard>, Vec<Json>) {
    let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let bytes = std::fs::read(at.join(format!("{capture}.pcapng"))).expect("a capture");
    let read = sift::read(&bytes, TABLE, Limits::default()).expect("a capture that can be read");
    let s = read.store.snapshot();
    let mut all = BTreeMap::new();
    for f in s.each_flow() {
        let mut h = Heard::default();
        read.recall.reread(f.id, Level::Bodies, &Cancel::new(), &mut h).expect("a second reading");
        all.insert(u64::from(f.ends()[f.sender_end(Dir::ToServer)].port), h);
    }
    let truth = std::fs::read_to_string(at.join(format!("{capture}.truth.json"))).expect("a truth");
    let truth: Json = serde_json::from_str(&truth).expect("a truth in JSON");
    (all, truth.as_array().expect("a list").clone())
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The last status, and the digest of the body as a browser would have it.
fn outcome(t: &Talk) -> (u64, String) {
    let [sent, decoded] = &t.body;
    let body = if decoded.is_empty() { sent } else { decoded };
    (t.statuses.last().copied().unwrap_or(0), hex(Sha256::digest(body)))
}

/// Every answer that curl got over HTTP/2 was read with the same status and the same bytes.
fn bodies(capture: &str, least: usize) {
    let (all, truth) = heard(capture);
    let mut found = 0;
    let mut left: BTreeMap<u64, Vec<(u64, String)>> =
        all.iter().map(|(port, h)| (*port, h.talks.values().map(outcome).collect())).collect();
    for t in truth.iter().filter(|t| t["tool"] == "curl" && t["http"] == "2") {
        let want = (t["status"].as_u64().expect("a status"), t["response"]["sha256"].as_str().expect("a digest").to_owned());
        let read = left.get_mut(&t["client_port"].as_u64().expect("a port")).expect("its connection");
        let at = read.iter().position(|r| *r == want);
        read.remove(at.unwrap_or_else(|| panic!("{capture}: {} was not read as curl got it: {read:?}", t["url"])));
        found += 1;
    }
    assert!(found >= least, "{capture}: only {found} answers");
}

#[test]
fn bodies_inside_tls_are_what_curl_received() {
    bodies("http2/everyday", 15);
}

#[test]
fn bodies_in_the_clear_and_behind_an_upgrade_are_what_curl_received() {
    bodies("http2/cleartext", 3);
    bodies("sse/events", 3);
}

#[test]
fn pushed_and_slow_bodies_are_what_nghttp_received() {
    let (all, truth) = heard("http2/cleartext");
    let digests: Vec<String> = all.values().flat_map(|h| h.talks.values()).map(|t| outcome(t).1).collect();
    for t in truth.iter().filter(|t| t["tool"] == "nghttp") {
        let digest = t["response"]["sha256"].as_str().expect("a digest");
        let one = t["options"].as_array().is_some_and(|o| o.iter().all(|o| o != "-n"));
        // What was pushed came behind the page that it belongs to.
        let joined = all.values().any(|h| {
            let both: Vec<u8> = h.talks.values().flat_map(|t| t.body[0].iter().copied()).collect();
            hex(Sha256::digest(both)) == digest
        });
        assert!(!one || joined || digests.iter().any(|d| d == digest), "{}", t["url"]);
    }
}

#[test]
fn odd_connections_have_the_exchanges_that_were_spoken() {
    let (all, truth) = heard("http2/odd");
    for t in &truth {
        let h = &all[&t["client_port"].as_u64().expect("a port")];
        let got: Vec<(String, String, Option<u64>)> =
            h.talks.values().map(|t| (t.method.clone(), t.path.clone(), t.statuses.last().copied())).collect();
        let want: Vec<(String, String, Option<u64>)> = t["exchanges"]
            .as_array()
            .expect("exchanges")
            .iter()
            .map(|e| {
                let text = |i: usize| e[i].as_str().unwrap_or_default().to_owned();
                (text(0), text(1), e[2].as_u64())
            })
            .collect();
        assert_eq!(got, want, "{}", t["name"]);
    }
}

#[test]
fn calls_carry_the_messages_that_were_given_to_grpc() {
    let (all, truth) = heard("grpc/calls");
    let calls: Vec<&Talk> = all.values().flat_map(|h| h.calls.values()).collect();
    assert_eq!(calls.len(), truth.len());
    for (call, t) in calls.iter().zip(&truth) {
        let path = t["path"].as_str().unwrap_or_default();
        for (dir, key) in [(0, "requests"), (1, "responses")] {
            let got: Vec<String> = call.messages[dir].values().map(hex).collect();
            let want: Vec<&str> = t[key].as_array().expect("messages").iter().filter_map(Json::as_str).collect();
            assert_eq!(got, want, "{key} of {path}");
        }
        assert!(path.ends_with(&call.path), "{path}: {}", call.path);
        // A deadline is the client's own word, whatever the server still says.
        assert!(t["status"] == 4 || call.outcome == t["status"].as_u64(), "{path}: {:?}", call.outcome);
    }
}

#[test]
fn calls_inside_tls_are_those_that_curl_made() {
    let (all, truth) = heard("grpc/tls");
    let mut calls: Vec<&Talk> = all.values().flat_map(|h| h.calls.values()).collect();
    calls.sort_by_key(|c| c.outcome);
    assert_eq!(calls.len(), truth.len());
    for (call, t) in calls.iter().zip(&truth) {
        assert_eq!(hex(&call.messages[0][&0]), t["requests"][0].as_str().unwrap_or_default());
        let answer = t["response_body"].as_str().unwrap_or_default();
        assert_eq!(call.messages[1].values().map(|m| format!("00{:08x}{}", m.len(), hex(m))).collect::<String>(), answer);
        assert_eq!(call.outcome, t["status"].as_u64());
    }
}
