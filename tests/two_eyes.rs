//! Two eyes: the proxy's own record and a capture of the same traffic by tcpdump must say the same of every connection.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use support::{message, root};
use wirelore::session::{Session, SessionOptions};
use wirelore_capture::{Event, Options, Source, Step};
use wirelore_dissectors::TABLE;
use wirelore_kit::row::{Endpoint, NONE};
use wirelore_store::{FlowFlags, Snapshot};

/// The ends of a connection, its client first, and what was said on it.
type Said = BTreeMap<(Endpoint, Endpoint), Vec<String>>;

fn session(path: &Path, keys: &[u8]) -> Session {
    let source = Source::open(path, Options::default()).expect("a capture");
    // Both legs are looked at here, for tcpdump sees both.
    let mut session = Session::start(source, TABLE, SessionOptions { both_legs: true, ..SessionOptions::default() });
    session.wait().expect("a readable file");
    session.again.add_keys(keys);
    session
}

/// The key lines in a capture.
fn keys(path: &Path) -> Vec<u8> {
    let mut source = Source::open(path, Options::default()).expect("a capture");
    let mut keys = Vec::new();
    while let Ok(step) = source.next() {
        match step {
            Step::Event(Event::Secrets(s)) => keys.extend_from_slice(&s.data),
            Step::End => break,
            _ => {}
        }
    }
    keys
}

/// A message in words that do not depend on how packets were cut or numbered, nor on which of two directions was seen first.
fn words(s: &Snapshot, id: u32) -> String {
    let said = message(s, id);
    let (name, rest) = said.split_once(" first ").expect("words");
    let rest = rest.split_once(" exchange ").and_then(|(_, r)| r.split_once(' ')).map_or("", |(_, r)| r);
    let name = name.split_once(' ').map_or(name, |(_, n)| n);
    format!("{name} {rest}")
}

/// All that was said on each TCP connection, by direction.
fn said(session: &Session) -> Said {
    let s = session.store.snapshot();
    let mut all = Said::new();
    for flow in s.each_flow() {
        let [a, b] = flow.ends();
        let ends = if flow.flags.has(FlowFlags::CLIENT_IS_SECOND) { (b, a) } else { (a, b) };
        all.insert(ends, vec![format!("speaks {:?}", flow.protocol().map(|p| s.schema().protocol_name(p)))]);
    }
    for (id, m) in s.each_message() {
        let flow = s.flow(m.conv.flow).expect("its flow");
        let [a, b] = flow.ends();
        let ends = if flow.flags.has(FlowFlags::CLIENT_IS_SECOND) { (b, a) } else { (a, b) };
        if m.done != NONE {
            all.entry(ends).or_default().push(words(&s, id));
        }
    }
    for (ends, words) in &mut all {
        // Which of two directions spoke first may be seen differently a microsecond apart; each direction has its order in its offsets.
        words.sort();
        let flow = s.each_flow().find(|f| f.ends() == [ends.0, ends.1] || f.ends() == [ends.1, ends.0]).expect("its flow");
        let mut sums = [Sum::default(), Sum::default()];
        let turned = flow.flags.has(FlowFlags::CLIENT_IS_SECOND);
        let mut take = |dir: usize, _: u64, bytes: &[u8]| sums[usize::from((dir == 0) != turned)].add(bytes);
        session.recall.stream(flow.id, &mut take, &mut |_, _, _, _| {}).expect("bytes");
        words.push(format!("{sums:?}"));
    }
    all
}

/// How many bytes a stream has, and a sum of them that tells two apart.
#[derive(Debug, Default)]
struct Sum(u64, u64);

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
        for b in bytes {
            self.1 = (self.1 ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
        }
    }
}

#[test]
fn the_record_and_tcpdump_say_the_same() {
    let folder = std::env::temp_dir().join(format!("wirelore-two-eyes-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for tool in ["tcpdump", "nginx", "curl", "openssl", "unshare"] {
        if Command::new("sh")
            .args(["-c", &format!("PATH=$PATH:/usr/sbin command -v {tool}")])
            .output()
            .is_ok_and(|o| !o.status.success())
        {
            eprintln!("!!!! SKIPPED, NOT PASSED: {tool} is not installed");
            return;
        }
    }
    let mut run = Command::new("unshare");
    run.args(["-n", "python3"]).arg(root().join("tests/two_eyes.py")).arg(env!("CARGO_BIN_EXE_wirelore")).arg(&folder);
    let done = run.output().expect("unshare runs");
    let complaint = String::from_utf8_lossy(&done.stderr);
    if complaint.contains("unshare") && complaint.contains("not permitted") {
        eprintln!("!!!! SKIPPED, NOT PASSED: no network namespace may be made here: {complaint}");
        return;
    }
    assert!(done.status.success(), "{complaint}");
    let (record, wire) = (folder.join("session.pcapng"), folder.join("wire.pcap"));
    let keys = keys(&record);
    assert!(!keys.is_empty(), "the record has the secrets");
    let (ours, theirs) = (said(&session(&record, b"")), said(&session(&wire, &keys)));
    assert!(ours.len() >= 14, "{} connections", ours.len());
    for (ends, ours) in &ours {
        let theirs = theirs.get(ends).unwrap_or_else(|| panic!("tcpdump saw no connection {ends:?}"));
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(ours, theirs, "{ends:?}: our record first, then tcpdump's");
        }
        assert_eq!(ours.len(), theirs.len(), "{ends:?}");
    }
    let spoken = |what: &str| ours.values().flatten().filter(|w| w.starts_with(what) || w.contains(&format!(" {what}"))).count();
    for what in ["http ", "http2 ", "websocket ", "smtp ", "ftp ", "ftp-data ", "tls "] {
        assert!(spoken(what) > 0, "{what}is among them");
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}
