//! What a client asked and got over HTTP/3, held against the truth beside our captures: key updates, early data, Retry, version 2, losses.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use wirelore::sift::{self, Limits};
use wirelore_dissectors::TABLE;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_kit::{Cancel, ConvId, Dir, Level};

#[derive(Default)]
struct Exchange {
    lines: [String; 2],
    bodies: [BTreeMap<u64, Vec<u8>>; 2],
}

#[derive(Default)]
struct Heard {
    streams: BTreeMap<ConvId, Exchange>,
    notes: Vec<&'static str>,
}

impl Heard {
    fn take(&mut self, m: &Message<'_>) {
        self.notes.extend(m.sink.notes.iter().skip(m.new_notes).map(|n| n.what.name));
        if m.spec.name == "http3.stream"
            && let Some(line) = m.summary
        {
            self.streams.entry(m.conv).or_default().lines[m.dir as usize] = line.to_owned();
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
    fn inner(&mut self, b: &InnerBytes<'_>) {
        if let Some(e) = self.streams.get_mut(&b.conv) {
            e.bodies[b.message.0 as usize].entry(b.key.0).or_default().extend_from_slice(b.bytes);
        }
    }
}

fn digest(bodies: &BTreeMap<u64, Vec<u8>>) -> String {
    let body = bodies.values().next().map_or(&[][..], Vec::as_slice);
    Sha256::digest(body).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn what_was_asked_and_answered_over_quic_is_what_the_client_says() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut faults = Vec::new();
    let mut held = 0;
    for scene in ["page", "keys", "resume", "retry", "second", "chacha", "lossy"] {
        let folder = captures.join(if matches!(scene, "page" | "lossy") { "http3" } else { "quic" });
        let bytes = std::fs::read(folder.join(format!("{scene}.pcapng"))).expect("a capture");
        let truth = std::fs::read_to_string(folder.join(format!("{scene}.truth.json"))).expect("a truth");
        let truth: Json = serde_json::from_str(&truth).expect("a truth in JSON");
        let read = sift::read(&bytes, TABLE, Limits::default()).expect("a capture that can be read");
        let mut found = Vec::new();
        for f in read.store.snapshot().each_flow() {
            let mut h = Heard::default();
            read.recall.reread(f.id, Level::Bodies, &Cancel::new(), &mut h).expect("a second reading");
            let bad = h.notes.iter().filter(|n| n.starts_with("quic.") || n.starts_with("http3.") || n.starts_with("tls."));
            let bad: Vec<_> =
                bad.filter(|n| !n.contains("self_signed") && !n.contains("chain") && !n.contains("certificate")).collect();
            if !bad.is_empty() {
                faults.push(format!("{scene}: {bad:?}"));
            }
            found.extend(h.streams.into_values());
        }
        for want in truth["exchanges"].as_array().expect("exchanges") {
            let asked = format!("{} {}", want["method"].as_str().unwrap_or(""), want["path"].as_str().unwrap_or(""));
            let fits = |e: &Exchange| {
                e.lines[Dir::ToServer as usize] == asked
                    && e.lines[Dir::ToClient as usize].starts_with(&want["status"].to_string())
                    && digest(&e.bodies[Dir::ToServer as usize]) == want["request_body"].as_str().unwrap_or("")
                    && digest(&e.bodies[Dir::ToClient as usize]) == want["response_body"].as_str().unwrap_or("")
            };
            match found.iter().position(fits) {
                Some(at) => {
                    found.remove(at);
                    held += 1;
                }
                None => faults.push(format!("{scene}: {want} is not among the streams")),
            }
        }
        faults.extend(found.iter().map(|e| format!("{scene}: {:?} was never asked", e.lines)));
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(held >= 19, "{held} exchanges");
}
