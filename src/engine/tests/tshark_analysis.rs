//! TCP analysis held against tshark, packet by packet: streams, relative numbers, every `tcp.analysis.*` verdict.
//!
//! Runs over the corpus; `WIRELORE_ANALYSIS_EXTRA` may name more captures (files or folders, separated by colons).

mod support;
mod tracker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::last;
use tracker::{Seen, Tracker};
use wirelore_engine::analysis::{Flags, completeness};
use wirelore_engine::flow::Kind;
use wirelore_engine::ipfrag::{FragmentTable, Outcome};
use wirelore_engine::packet::{self, Headers};

/// Fields before those of [`Flags::ALL`].
const PLAIN: [&str; 12] = [
    "tcp.stream",
    "udp.stream",
    "tcp.seq",
    "tcp.ack",
    "tcp.analysis.duplicate_ack_num",
    "tcp.analysis.duplicate_ack_frame",
    "tcp.analysis.acks_frame",
    "tcp.analysis.initial_rtt",
    "tcp.analysis.bytes_in_flight",
    "tcp.completeness",
    "tcp.options.sack_le",
    "tcp.seq_raw",
];

/// One packet through fragments, flows and analysis.
fn see(p: &support::Packet, frame: u32, fragments: &mut FragmentTable, tracker: &mut Tracker) -> Seen {
    let mut h = Headers::default();
    packet::read(p.link_type, &p.bytes, p.wire_len, &mut h);
    let mut owned: Option<Vec<u8>> = None;
    for _ in 0..4 {
        let Some(f) = h.fragment.filter(|f| f.whole) else { break };
        let from: &[u8] = owned.as_deref().unwrap_or(&p.bytes);
        let Outcome::Joined(done) = fragments.take(h.net, &f, h.payload(from), u64::from(frame), h.payload_at, p.time_ns) else {
            break;
        };
        let mut inner = Headers::default();
        packet::read_datagram(&h, done.proto, &done.bytes, &mut inner);
        h = inner;
        owned = Some(done.bytes);
    }
    tracker.see(&h, owned.as_deref().unwrap_or(&p.bytes), p.time_ns, frame)
}

/// The exceptions file: capture, kind of difference, and a reason each.
fn exceptions() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/analysis-exceptions.toml");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let (mut found, mut capture, mut what) = (Vec::new(), String::new(), String::new());
    for line in text.lines() {
        let value = || line.split('"').nth(1).unwrap_or("").to_owned();
        if line.starts_with("capture") {
            capture = value();
        } else if line.starts_with("what") {
            what = value();
        } else if line.starts_with("reason") {
            assert!(!value().trim().is_empty(), "an exception without a reason: {capture}");
            found.push((capture.clone(), what.clone()));
        }
    }
    found
}

/// Differences of one capture, as (kind, text).
fn differences(path: &Path) -> (u64, Vec<(String, String)>) {
    let mut fields: Vec<&str> = PLAIN.to_vec();
    fields.extend(Flags::ALL.iter().map(|(_, name)| *name));
    let (rows, packets) = (support::tshark(path, &fields), support::packets(path));
    assert_eq!(rows.len(), packets.len(), "{}", path.display());
    let (mut fragments, mut tracker) = (FragmentTable::default(), Tracker::default());
    let mut found = Vec::new();
    let mut sack_seen = std::collections::HashSet::new();
    let mut known = std::collections::HashMap::<u32, u8>::new();
    for (i, (p, row)) in packets.iter().zip(&rows).enumerate() {
        let frame = i as u32 + 1;
        let seen = see(p, frame, &mut fragments, &mut tracker);
        let mut differ = |what: &str, ours: String, theirs: &str| {
            if ours != theirs {
                found.push((what.to_owned(), format!("#{frame} {what}: ours {ours:?}, tshark {theirs:?}")));
            }
        };
        let about = seen.quoted.or(seen.flow);
        let kind = about.and_then(|f| tracker.flows.flow(f.id)).map(|f| f.kind);
        let stream =
            |k: Kind| if kind == Some(k) { about.map(|f| f.stream.to_string()).unwrap_or_default() } else { String::new() };
        let tcp_stream = stream(Kind::Tcp);
        differ("tcp.stream", tcp_stream.clone(), last(&row[0]));
        let udp = if kind == Some(Kind::Udp) {
            stream(Kind::Udp)
        } else {
            seen.tunnel.map(|f| f.stream.to_string()).unwrap_or_default()
        };
        differ("udp.stream", udp, last(&row[1]));
        let Some(v) = seen.tcp else {
            assert!(last(&row[11]).is_empty() || about.is_none(), "{} #{frame}: tshark sees TCP", path.display());
            continue;
        };
        differ("tcp.seq", v.seq.to_string(), last(&row[2]));
        differ("tcp.ack", v.ack.to_string(), last(&row[3]));
        let nonzero = |n: u32| if n == 0 { String::new() } else { n.to_string() };
        differ("tcp.analysis.duplicate_ack_num", nonzero(v.duplicate_ack), last(&row[4]));
        differ(
            "tcp.analysis.duplicate_ack_frame",
            if v.duplicate_ack == 0 { String::new() } else { v.duplicate_of.to_string() },
            last(&row[5]),
        );
        differ("tcp.analysis.acks_frame", nonzero(v.acks_frame), last(&row[6]));
        if !row[10].is_empty() {
            sack_seen.insert(tcp_stream.clone());
        }
        if !sack_seen.contains(&tcp_stream) {
            differ("tcp.analysis.bytes_in_flight", nonzero(v.bytes_in_flight), last(&row[8]));
        }
        let summary = seen.flow.and_then(|f| tracker.sequences.summary(f.stream)).unwrap_or_default();
        if !row[7].is_empty() {
            let ns = summary
                .initial_rtt_ns
                .map(|n| format!("{}{}.{:09}", if n < 0 { "-" } else { "" }, n.abs() / 1_000_000_000, n.abs() % 1_000_000_000))
                .unwrap_or_default();
            differ("tcp.analysis.initial_rtt", ns, last(&row[7]));
        }
        // tshark shows what was known before the packet, but for a SYN on ports used again.
        let id = seen.flow.map_or(u32::MAX, |f| f.stream);
        let before = known.insert(id, summary.completeness);
        let reopened = v.flags.has(Flags::REUSED_PORTS) && before.is_none();
        let (ours, theirs) = (before.unwrap_or(u8::from(reopened)), last(&row[9]));
        // A connection that another dissector announced (FTP data) misses its SYN in tshark, which counts it only for new ones.
        if !theirs.parse::<u8>().is_ok_and(|t| t | completeness::SYN_SENT == ours) {
            differ("tcp.completeness", ours.to_string(), theirs);
        }
        for (i, (bit, name)) in Flags::ALL.iter().enumerate() {
            let (ours, theirs) = (v.flags.has(*bit), !row[PLAIN.len() + i].is_empty());
            differ(name, ours.to_string(), &theirs.to_string());
        }
    }
    (packets.len() as u64, found)
}

fn hold(files: &[PathBuf]) {
    let excused = exceptions();
    let (mut compared, mut wrong, mut kinds) = (0, Vec::new(), BTreeMap::<String, usize>::new());
    let mut used = std::collections::BTreeSet::new();
    for path in files {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let (n, found) = differences(path);
        compared += n;
        for (what, text) in found {
            if let Some(i) = excused.iter().position(|(c, w)| *c == name && *w == what) {
                used.insert(i);
                continue;
            }
            *kinds.entry(what).or_default() += 1;
            wrong.push(format!("{name} {text}"));
        }
    }
    eprintln!(
        "{compared} packets compared, {} differences: {kinds:?}; {} of {} exceptions used",
        wrong.len(),
        used.len(),
        excused.len()
    );
    if let Ok(what) = std::env::var("WIRELORE_ANALYSIS_ONLY") {
        wrong.retain(|w| w.contains(&what));
    }
    assert!(wrong.is_empty(), "{}", wrong.iter().take(150).cloned().collect::<Vec<_>>().join("\n"));
}

#[test]
fn analysis_agrees_with_tshark_on_the_corpus() {
    let Some(dir) = support::corpus() else { return };
    if support::has_tshark() {
        hold(&support::captures(&dir));
    }
}

#[test]
fn analysis_agrees_with_tshark_on_more_captures() {
    let Ok(list) = std::env::var("WIRELORE_ANALYSIS_EXTRA") else { return };
    let files: Vec<PathBuf> =
        list.split(':').map(PathBuf::from).flat_map(|p| if p.is_dir() { support::captures(&p) } else { vec![p] }).collect();
    hold(&files);
}
