//! A folder for a session file, and ways to look into one.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::{Path, PathBuf};
use wirelore_capture::{Event, Source, Step};
use wirelore_record::{Leg, Options, Recorder, Side};

pub struct Talk {
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Talk {
    pub fn new() -> Talk {
        let folder = tempfile::tempdir().expect("a folder");
        Talk { path: folder.path().join("session.pcapng"), _folder: folder }
    }

    pub fn recorder(&self, options: Options) -> Recorder {
        Recorder::create(&self.path, options).expect("a new file")
    }
}

pub fn leg(side: Side, client: &str, server: &str, tie: u64) -> Leg<'static> {
    let (client, server) = (client.parse().expect("an address"), server.parse().expect("an address"));
    Leg { side, client, server, listener: 0, tie, time: 1_700_000_000_000_000_000, host: "example.org" }
}

/// What our own reader gives: packets, and events besides.
pub fn read(path: &Path) -> (Vec<Vec<u8>>, Vec<Event>) {
    let mut source = Source::open(path, wirelore_capture::Options::default()).expect("a capture");
    let (mut packets, mut events) = (Vec::new(), Vec::new());
    loop {
        match source.next().expect("a readable file") {
            Step::Batch(batch) => packets.extend(batch.items.iter().map(|i| batch.data(i).to_vec())),
            Step::Event(event) => events.push(event),
            Step::Pending => panic!("nothing grows"),
            Step::End => return (packets, events),
        }
    }
}

pub fn packets(path: &Path) -> Vec<Vec<u8>> {
    let (packets, events) = read(path);
    assert!(!events.iter().any(|e| matches!(e, Event::Damage(_))), "{events:?}");
    packets
}

/// What tshark prints; `None`, said loudly, where there is none.
pub fn tshark(path: &Path, more: &[&str]) -> Option<String> {
    let run = std::process::Command::new("tshark").args(["-n", "-r"]).arg(path).args(more).output();
    let Ok(run) = run else {
        eprintln!("SKIPPED: tshark is not installed, so nobody else has looked at {}", path.display());
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let complaint = String::from_utf8_lossy(&run.stderr);
    assert!(complaint.lines().all(|l| l.contains("Running as user")), "{complaint}");
    Some(String::from_utf8_lossy(&run.stdout).into_owned())
}

/// What tshark's experts warn of, and its TCP analysis notices, one a line.
pub fn expert(path: &Path) -> String {
    let said = tshark(
        path,
        &[
            "-Y",
            "_ws.expert.severity >= 0x600000 || tcp.analysis.flags || _ws.malformed",
            "-T",
            "fields",
            "-e",
            "frame.number",
            "-e",
            "_ws.expert.message",
        ],
    );
    said.unwrap_or_default()
}
