//! Killed in the middle, a full disk, a limit on file sizes, a disk that cannot keep up.

mod common;

use common::{Talk, expert, leg, packets, read, tshark};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wirelore_capture::{Damage, DamageKind, Event};
use wirelore_record::said::{self, Said};
use wirelore_record::{Options, Recorder, Side, State, WhenFull};

/// The variable that tells a test run as a child of another one where to write.
const CHILD: &str = "WIRELORE_TEST_SESSION";

/// This very test run again in a process of its own, by `shell` that runs `"$0" "$@"`.
fn child(shell: &str, test: &str, path: &Path) -> std::process::Child {
    let me = std::env::current_exe().expect("this program");
    let mut command = Command::new("sh");
    command.args(["-c", shell]).arg(me).args(["--exact", test, "--nocapture"]).env(CHILD, path);
    command.stdout(Stdio::piped()).spawn().expect("a shell")
}

fn payload_of(packet: &[u8]) -> &[u8] {
    &packet[20 + usize::from(packet[32] >> 4) * 4..]
}

/// What custom blocks say, in order.
fn said_in(path: &Path) -> Vec<Said> {
    let bytes = std::fs::read(path).expect("the file");
    let (_, events) = read(path);
    let ours = events.into_iter().filter_map(|e| match e {
        Event::Other(o) if o.enterprise == Some(said::ENTERPRISE) => Some((o.at as usize, o.len as usize)),
        _ => None,
    });
    ours.filter_map(|(at, len)| said::read(&bytes[at + 12..at + len - 4])).collect()
}

#[test]
fn killed_in_the_middle_loses_nothing_that_was_recorded() {
    if let Some(path) = std::env::var_os(CHILD) {
        let recorder = Recorder::create(Path::new(&path), Options::default()).expect("a new file");
        let mut lane = recorder.lane();
        let a = lane.open(leg(Side::Client, "10.1.0.1:5", "10.1.0.2:6", 1));
        for n in 0u64.. {
            let mut bytes = n.to_be_bytes().to_vec();
            bytes.resize(1000 + (n % 3000) as usize, b'x');
            lane.bytes(a, true, &bytes, n as i64);
            lane.turn();
            // What has been said for 100 ms must be in the file: say so from time to time.
            if n % 20_000 == 0 && n > 0 {
                std::thread::sleep(Duration::from_millis(100));
                println!("\nrecorded {n}");
            }
        }
    }
    let talk = Talk::new();
    let mut child = child("exec \"$0\" \"$@\"", "killed_in_the_middle_loses_nothing_that_was_recorded", &talk.path);
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let recorded: u64 =
        lines.by_ref().map_while(Result::ok).filter_map(|l| l.strip_prefix("recorded ")?.parse().ok()).nth(2).expect("a number");
    std::thread::sleep(Duration::from_millis(7));
    child.kill().expect("it runs");
    child.wait().expect("it is gone");
    let (packets, events) = read(&talk.path);
    let numbers = packets.iter().map(|p| payload_of(p)).filter(|p| !p.is_empty());
    let numbers: Vec<u64> = numbers.map(|p| u64::from_be_bytes(p[..8].try_into().expect("8 bytes"))).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "in order, none missing");
    assert!(numbers.len() as u64 > recorded, "{} of {recorded}", numbers.len());
    for e in events {
        if let Event::Damage(Damage { kind, .. }) = e {
            assert_eq!(kind, DamageKind::Cut, "a file whose writer was killed is cut, not damaged");
        }
    }
    // tshark says of a cut file that it is cut, and reads what is there.
    if let Ok(run) =
        Command::new("tshark").args(["-n", "-Y", "ip", "-T", "fields", "-e", "frame.number", "-r"]).arg(&talk.path).output()
    {
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), packets.len(), "{said}");
    }
}

/// Records until recording stops, and a while longer; gives what was said then.
fn overfill(recorder: &Recorder) -> String {
    let mut lane = recorder.lane();
    let a = lane.open(leg(Side::Client, "10.1.0.1:5", "10.1.0.2:6", 1));
    let began = Instant::now();
    loop {
        lane.secret(b"CLIENT_RANDOM 05 06");
        lane.bytes(a, true, &[7; 10_000], 5);
        lane.turn();
        if let State::Stopped { why } = recorder.status().state {
            // The relay goes on, and is not slowed down.
            let late = Instant::now();
            for _ in 0..10_000 {
                lane.bytes(a, true, &[7; 10_000], 5);
                lane.turn();
            }
            assert!(late.elapsed() < Duration::from_secs(5), "100 MB into nothing took {:?}", late.elapsed());
            return why;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it never stopped: {:?}", recorder.status());
    }
}

#[test]
fn a_limit_on_file_sizes_stops_recording_and_kills_nobody() {
    if let Some(path) = std::env::var_os(CHILD) {
        let recorder = Recorder::create(Path::new(&path), Options::default()).expect("a new file");
        println!("\nwhy {}", overfill(&recorder));
        println!("\nend {}", recorder.finish().expect_err("it had stopped"));
        return;
    }
    let talk = Talk::new();
    let shell = "ulimit -f 4096; exec \"$0\" \"$@\"";
    let done =
        child(shell, "a_limit_on_file_sizes_stops_recording_and_kills_nobody", &talk.path).wait_with_output().expect("it ends");
    let out = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{out}");
    assert!(out.contains("why The file has reached the size that the system allows"), "{out}");
    assert!(out.contains("end Recording to"), "{out}");
    assert!(packets(&talk.path).len() > 100, "what was recorded before is whole");
}

#[test]
fn a_full_disk_stops_recording_until_there_is_room_again() {
    let talk = Talk::new();
    let folder = talk.path.parent().expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(folder).output();
    if !mounted.is_ok_and(|m| m.status.success()) {
        eprintln!("SKIPPED: a small tmpfs cannot be mounted here, so nobody has seen a full disk");
        return;
    }
    let _unmount = Unmount(folder.into());
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![0; 3 << 20]).expect("room for 3 MiB");
    let recorder = talk.recorder(Options { listeners: vec!["one".into()], ..Options::default() });
    let why = overfill(&recorder);
    assert!(why.starts_with("The disk is full."), "{why}");
    let before = packets(&talk.path).len();
    assert!(before > 50, "{before}");
    // Interfaces, secrets and legs told meanwhile are not lost.
    let second = recorder.listener("two");
    let mut lane = recorder.lane();
    lane.secret(b"CLIENT_RANDOM 07 08");
    let b = lane.open(wirelore_record::Leg { listener: second, ..leg(Side::Client, "10.1.0.1:9", "10.1.0.2:6", 2) });
    lane.turn();
    std::thread::sleep(Duration::from_millis(300));
    std::fs::remove_file(ballast).expect("it is there");
    let began = Instant::now();
    while recorder.status().state != State::Recording {
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", recorder.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    lane.bytes(b, true, b"GET / HTTP/1.1\r\n\r\n", 9);
    drop(lane);
    assert!(recorder.status().lost > 90_000_000);
    let end = recorder.finish().expect_err("some is missing").to_string();
    assert!(end.contains("bytes are missing"), "{end}");
    assert_eq!(packets(&talk.path).len(), before + 1, "the handshake passed while there was no room");
    let said = said_in(&talk.path);
    let words: Vec<&str> =
        said.iter().filter_map(|s| if let Said::Note { what, .. } = s { Some(what.as_str()) } else { None }).collect();
    assert!(words.iter().any(|w| w.starts_with("Recording goes on here.")), "{words:?}");
    assert!(said.iter().any(|s| matches!(s, Said::Leg { tie: 2, .. })), "{said:?}");
    let bytes = std::fs::read(&talk.path).expect("the file");
    assert!(bytes.windows(19).any(|w| w == b"CLIENT_RANDOM 07 08"));
    if tshark(&talk.path, &["-q"]).is_some() {
        assert_eq!(expert(&talk.path), "");
    }
}

#[test]
fn with_block_the_relay_waits_for_room_and_nothing_is_lost() {
    let talk = Talk::new();
    let folder = talk.path.parent().expect("a folder").to_owned();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(&folder).output();
    if !mounted.is_ok_and(|m| m.status.success()) {
        eprintln!("SKIPPED: a small tmpfs cannot be mounted here, so nobody has seen a full disk");
        return;
    }
    let _unmount = Unmount(folder.clone());
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![0; 5 << 20]).expect("room for 5 MiB");
    let recorder = talk.recorder(Options { when_full: WhenFull::Block, waiting: 1 << 20, ..Options::default() });
    let began = Instant::now();
    let freed = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        std::fs::remove_file(ballast).expect("it is there");
    });
    let mut lane = recorder.lane();
    let a = lane.open(leg(Side::Client, "10.1.0.1:5", "10.1.0.2:6", 1));
    for n in 0..40 {
        lane.bytes(a, true, &[7; 100_000], n);
        lane.turn();
    }
    assert!(began.elapsed() > Duration::from_millis(600), "it did not wait");
    freed.join().expect("room was made");
    drop(lane);
    recorder.finish().expect("nothing is lost");
    let bytes: usize = packets(&talk.path).iter().map(|p| payload_of(p).len()).sum();
    assert_eq!(bytes, 4_000_000);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn many_lanes_at_once_keep_each_their_order() {
    let talk = Talk::new();
    let recorder = talk.recorder(Options { waiting: 1, ..Options::default() });
    std::thread::scope(|scope| {
        for lane in 0..8u8 {
            let recorder = &recorder;
            scope.spawn(move || {
                let mut out = recorder.lane();
                let l = out.open(leg(Side::Client, &format!("10.1.0.{lane}:5"), "10.2.0.2:6", lane.into()));
                for n in 0..3000u32 {
                    let mut bytes = n.to_be_bytes().to_vec();
                    bytes.resize(4 + (n as usize * 37) % 2000, 0);
                    out.bytes(l, true, &bytes, n.into());
                    if n % 7 == 0 {
                        out.turn();
                    }
                }
            });
        }
    });
    recorder.finish().expect("all is recorded");
    let packets = packets(&talk.path);
    for lane in 0..8 {
        let of = packets.iter().filter(|p| p[15] == lane).map(|p| payload_of(p)).filter(|p| !p.is_empty());
        let numbers: Vec<u32> = of.map(|p| u32::from_be_bytes(p[..4].try_into().expect("4 bytes"))).collect();
        assert!(numbers.iter().copied().eq(0..3000), "lane {lane}: {} of 3000", numbers.len());
    }
}

#[test]
fn what_is_told_behind_the_end_is_let_go() {
    let talk = Talk::new();
    let recorder = talk.recorder(Options::default());
    let mut lane = recorder.lane();
    let a = lane.open(leg(Side::Client, "10.1.0.1:5", "10.1.0.2:6", 1));
    recorder.finish().expect("all is recorded");
    let resident = || std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<u64>().ok();
    let before = resident();
    for n in 0..20_000 {
        lane.bytes(a, true, &[7; 60_000], n);
        lane.turn();
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(after < before + 50_000, "1.2 GB told to nobody took {} pages", after - before);
    }
    assert_eq!(packets(&talk.path).len(), 3);
}

#[test]
fn what_is_told_once_is_in_the_file_within_100_ms_though_nothing_follows() {
    let talk = Talk::new();
    let recorder = talk.recorder(Options::default());
    let growth = recorder.growth();
    let mut lane = recorder.lane();
    let a = lane.open(leg(Side::Client, "10.1.0.1:5", "10.1.0.2:6", 1));
    lane.turn();
    std::thread::sleep(Duration::from_millis(50));
    let mut late = Vec::new();
    for n in 0..20 {
        let len = growth.now().len;
        let began = Instant::now();
        lane.bytes(a, true, b"one word", n);
        lane.turn();
        let grown = growth.wait(len, Duration::from_secs(2));
        assert!(grown.len > len, "turn {n}");
        late.push(began.elapsed());
        assert_eq!(std::fs::metadata(&talk.path).expect("the file").len(), grown.len);
    }
    // A busy machine may oversleep now and then.
    late.sort();
    assert!(late[15] < Duration::from_millis(100), "{late:?}");
    assert_eq!(packets(&talk.path).len(), 23);
}
