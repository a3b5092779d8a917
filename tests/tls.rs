//! What real peers sent each other inside TLS, held against what the truth beside our captures says: every version, cipher and turn of them.

use serde_json::Value as Json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use wirelore::sift::{self, Limits, Sifted};
use wirelore_dissectors::TABLE;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_kit::{Cancel, Dir, Level};

/// The key of the inner conversation that carries the application's bytes.
const DATA: u64 = 1;

#[derive(Default)]
struct Heard {
    inside: [Vec<u8>; 2],
    notes: Vec<&'static str>,
    lines: Vec<String>,
    exchanges: u32,
}

impl Heard {
    fn take(&mut self, m: &Message<'_>) {
        self.notes.extend(m.sink.notes.iter().skip(m.new_notes).map(|n| n.what.name));
    }
}

impl Listen for Heard {
    fn opened(&mut self, m: &Message<'_>) {
        self.take(m);
        self.lines.extend(m.summary.map(str::to_owned));
    }
    fn changed(&mut self, m: &Message<'_>) {
        self.take(m);
    }
    fn exchange(&mut self) -> u32 {
        self.exchanges += 1;
        self.exchanges
    }
    fn inner(&mut self, b: &InnerBytes<'_>) {
        if b.conv.inner == 0 && b.key.0 == DATA {
            self.inside[b.key.1 as usize].extend_from_slice(b.bytes);
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.pcapng"))).expect("a capture")
}

/// A capture without some of its frames, counted from 0.
fn without(capture: &[u8], frames: &[usize]) -> Vec<u8> {
    let (mut at, mut frame, mut kept) = (0, 0, Vec::new());
    let word = |at: usize| u32::from_le_bytes(capture[at..at + 4].try_into().expect("four bytes")) as usize;
    while at + 8 <= capture.len() {
        let (kind, len) = (word(at), word(at + 4));
        if kind != 6 || !frames.contains(&frame) {
            kept.extend_from_slice(&capture[at..at + len]);
        }
        frame += usize::from(kind == 6);
        at += len;
    }
    kept
}

fn truth(name: &str) -> Json {
    let text = std::fs::read_to_string(folder().join(format!("{name}.truth.json"))).expect("a truth");
    serde_json::from_str(&text).expect("a truth in JSON")
}

/// Every connection by its client's port.
fn heard(capture: &[u8]) -> HashMap<u16, Heard> {
    let read: Sifted = sift::read(capture, TABLE, Limits::default()).expect("a capture that can be read");
    let s = read.store.snapshot();
    let mut all = HashMap::new();
    for f in s.each_flow() {
        let mut h = Heard::default();
        read.recall.reread(f.id, Level::Bodies, &Cancel::new(), &mut h).expect("a second reading");
        let client = f.ends()[f.sender_end(Dir::ToServer)];
        all.insert(client.port, h);
    }
    all
}

fn shorten(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..bytes.len().min(60)).unwrap_or(bytes)).into_owned()
}

/// Holds each connection of a capture with the right keys against the truth; gives all of them.
fn hold(name: &str) -> Vec<(String, Heard)> {
    let mut all = heard(&bytes(name));
    let mut faults = Vec::new();
    let mut named = Vec::new();
    for case in truth(name).as_array().expect("a list") {
        let title = case["name"].as_str().unwrap_or_default();
        let port = case["client_port"].as_u64().unwrap_or(0) as u16;
        let Some(h) = all.remove(&port) else {
            faults.push(format!("{title}: no connection from port {port}"));
            continue;
        };
        if case["keys"] == "right" && !matches!(title, "A cipher that we cannot open" | "SSL 3.0") {
            for (dir, key) in [(0, "to_server"), (1, "to_client")] {
                let want = case[key].as_str().unwrap_or_default().as_bytes();
                // What a server wrote by itself stands in no truth of the early data cases.
                let free = dir == 1 && title.starts_with("Early data");
                let got = &h.inside[dir];
                if !free && got != want {
                    faults.push(format!(
                        "{title} {key}: {} bytes {:?}, sent {} {:?}; {:?} {:?}",
                        got.len(),
                        shorten(got),
                        want.len(),
                        shorten(want),
                        h.notes,
                        h.lines
                    ));
                }
            }
        }
        named.push((title.to_owned(), h));
    }
    assert!(faults.is_empty(), "{} faults in {name}:\n{}", faults.len(), faults.join("\n"));
    named
}

#[test]
fn tls_up_to_1_2_gives_what_both_sides_sent() {
    let all = hold("old");
    assert!(all.len() >= 27, "{} connections", all.len());
    for (name, h) in &all {
        assert!(!h.notes.contains(&"tls.note.not_opened"), "{name}: {:?}", h.lines);
    }
}

#[test]
fn tls_1_3_gives_what_both_sides_sent() {
    let all = hold("new");
    assert!(all.len() >= 17, "{} connections", all.len());
    let of = |name: &str| &all.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no {name}")).1;
    assert!(of("Key updates").lines.iter().filter(|l| l.as_str() == "Key Update").count() >= 4);
    assert!(of("Hello retry request").lines.iter().any(|l| l.starts_with("Hello Retry Request")));
    assert!(of("Resumed: again").lines.iter().any(|l| l.contains("resumed")));
}

#[test]
fn trouble_is_told_and_right_keys_still_open() {
    let all = hold("trouble");
    let has = |name: &str, note: &str| {
        let h = &all.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no {name}")).1;
        let times = h.notes.iter().filter(|n| **n == note).count();
        assert_eq!(times, 1, "{name}: {note} in {:?}", h.notes);
    };
    has("No key was logged", "tls.note.no_keys");
    has("No key was logged, TLS 1.2", "tls.note.no_keys");
    has("The logged key is another's", "tls.note.wrong_key");
    has("The logged key is another's, TLS 1.2", "tls.note.wrong_key");
    has("A cipher that we cannot open", "tls.note.cipher");
    has("SSL 3.0", "tls.note.cipher");
    has("Expired certificate", "x509.note.expired");
    has("Self-signed, for another name", "x509.note.other_name");
    has("No cipher in common", "tls.note.fatal_alert");
}

#[test]
fn behind_lost_packets_the_next_records_open_again() {
    let whole = bytes("web");
    let before = heard(&whole);
    // In the middle of what each connection transfers.
    let frames = whole.len() / 2_400;
    let lost: Vec<usize> = [2, 3, 4, 5, 6, 7, 8].iter().map(|tenth| frames * tenth / 10).collect();
    let after = heard(&without(&whole, &lost));
    let inside = |all: &HashMap<u16, Heard>| all.values().map(|h| h.inside[1].len()).sum::<usize>();
    let skipped = after.values().flat_map(|h| &h.notes).filter(|n| **n == "tls.note.records_lost").count();
    assert!(skipped >= 2, "{skipped} places where records were passed over");
    assert!(inside(&after) + 7 * 40_000 > inside(&before), "{} of {} bytes", inside(&after), inside(&before));
    assert!(inside(&after) < inside(&before));
}
