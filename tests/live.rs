//! Live capture as a user has it: real packets in network namespaces that the tests make, through `wirelore capture` and its helper.
//!
//! They need root, iproute2 and the helper (`cargo build -p wirelore-sniffer`, which needs libpcap-dev), and are skipped loudly without.

#[path = "support/peers.rs"]
mod peers;

use peers::Folder;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wirelore::capturing::args::Wanted;
use wirelore::capturing::sniffed::Sniffed;
use wirelore_capture::intake::{Intake, Piece};
use wirelore_capture::{Event, Options, Source, Step};

/// The program.
const WIRELORE: &str = env!("CARGO_BIN_EXE_wirelore");

/// The helper beside it.
fn helper() -> PathBuf {
    Path::new(WIRELORE).with_file_name("wirelore-capture")
}

fn skip(why: &str) {
    eprintln!("!!!! SKIPPED, NOT PASSED: {why}");
}

/// Whether this machine lets us capture; says loudly why not.
fn can_capture() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
    if !root {
        skip("only root may make network namespaces and capture in them");
    } else if !helper().is_file() {
        skip("wirelore-capture is not built: sudo apt-get install libpcap-dev; cargo build -p wirelore-sniffer");
    } else if !Command::new("ip").arg("-V").output().is_ok_and(|o| o.status.success()) {
        skip("ip is missing: sudo apt-get install iproute2");
    } else {
        return true;
    }
    false
}

fn has(program: &str) -> bool {
    let there = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().is_ok_and(|o| o.status.success());
    if !there {
        skip(&format!("{program} is not installed"));
    }
    there
}

/// A network namespace of its own with a loopback interface, which goes away with this value.
struct Space(String);

impl Space {
    fn new() -> Option<Space> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("wirelore-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        if !Command::new("ip").args(["netns", "add", &name]).status().is_ok_and(|s| s.success()) {
            skip("network namespaces cannot be made here");
            return None;
        }
        let space = Space(name);
        assert!(Command::new("ip").args(["-n", &space.0, "link", "set", "lo", "up"]).status().is_ok_and(|s| s.success()));
        Some(space)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).arg(program).stdin(Stdio::null());
        command
    }

    /// Begins to capture, and waits until it does.
    fn capture(&self, words: &[&str]) -> Child {
        let mut command = self.command(WIRELORE);
        command.arg("capture").args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        // The first word is said once the interfaces are open.
        let mut stderr = child.stderr.take().expect("piped");
        let (mut said, mut byte) = (Vec::new(), [0]);
        while !said.ends_with(b"\n") && stderr.read(&mut byte).expect("readable") == 1 {
            said.push(byte[0]);
        }
        assert!(said.starts_with(b"Capturing on"), "{}", String::from_utf8_lossy(&said));
        child.stderr = Some(stderr);
        child
    }

    /// Sends so many datagrams to a port there, so many in a lot and so long between lots.
    fn send(&self, port: u16, count: u32, lot: u32, pause: Duration) {
        let me = std::env::current_exe().expect("a test");
        let wish = format!("{port} {count} {lot} {}", pause.as_micros());
        let status = self
            .command(me)
            .args(["--exact", "a_sender", "--ignored", "--quiet"])
            .env("SEND", wish)
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|s| s.success()));
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// Numbered datagrams of 200 bytes; a part of the others, which start it in their namespaces.
#[test]
#[ignore = "a part of the other tests"]
fn a_sender() {
    let Ok(wish) = std::env::var("SEND") else { return };
    let numbers: Vec<u64> = wish.split(' ').map(|n| n.parse().expect("a number")).collect();
    let [port, count, lot, pause] = numbers[..] else { panic!("{wish}") };
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    for n in 0..count {
        let mut bytes = [0; 200];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        // Nobody listens: the refusals that come back are no trouble.
        let _ = socket.send_to(&bytes, ("127.0.0.1", port as u16));
        if n % lot == lot - 1 {
            std::thread::sleep(Duration::from_micros(pause));
        }
    }
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().is_ok_and(|s| s.success()));
}

fn finish(child: Child) -> Output {
    child.wait_with_output().expect("it ends")
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// The numbers of our datagrams in a capture, and what was said to be lost.
fn numbers(path: &Path) -> (Vec<u64>, u64) {
    let mut source = Source::open(path, Options::default()).expect("a capture");
    let (mut found, mut lost) = (Vec::new(), 0);
    loop {
        match source.next().expect("readable") {
            Step::Batch(b) => {
                // Ethernet, IPv4, UDP.
                found.extend(b.items.iter().filter_map(|i| number(b.data(i))));
            }
            Step::Event(Event::Drops(d)) => lost += d.dropped,
            Step::Event(Event::Damage(d)) => panic!("{d:?}"),
            Step::End => return (found, lost),
            _ => {}
        }
    }
}

fn number(frame: &[u8]) -> Option<u64> {
    let udp = frame.get(23) == Some(&17) && frame.len() == 14 + 20 + 8 + 200;
    udp.then(|| u64::from_be_bytes(frame[42..50].try_into().expect("eight")))
}

#[test]
fn every_packet_of_a_busy_link_is_in_the_file_and_none_is_dropped() {
    if !can_capture() {
        return;
    }
    let (Some(space), folder) = (Space::new(), Folder::new("live")) else { return };
    let file = folder.path("busy.pcapng");
    let child = space.capture(&["-i", "lo", "-f", "udp and dst port 9000", "-w", file.to_str().expect("text")]);
    let began = Instant::now();
    space.send(9000, 100_000, 100, Duration::from_micros(500));
    let rate = 100_000.0 / began.elapsed().as_secs_f64();
    interrupt(&child);
    let out = finish(child);
    assert!(out.status.success(), "{out:?}");
    let (found, lost) = numbers(&file);
    eprintln!("{} packets at {rate:.0} a second", found.len());
    assert_eq!((found.len(), lost), (100_000, 0), "{}", said(&out));
    assert!(found.is_sorted());
    assert!(said(&out).contains("100000 packets captured, 0 dropped."), "{}", said(&out));
}

/// How late packets come at standard output, milliseconds, sorted.
fn lags(space: &Space, more: &[&str]) -> Vec<f64> {
    let words = [&["-i", "lo", "-f", "udp and dst port 9000", "-w", "-", "-q", "-c", "150"], more].concat();
    let mut command = space.command(WIRELORE);
    command.arg("capture").args(words).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdout = child.stdout.take().expect("piped");
    let (mut intake, mut block, mut buffer, mut lags, mut sent) =
        (Intake::default(), Vec::new(), vec![0; 1 << 16], Vec::new(), false);
    std::thread::scope(|scope| {
        loop {
            let n = stdout.read(&mut buffer).expect("readable");
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
            if n == 0 {
                break;
            }
            intake.feed(&buffer[..n]);
            while let Some(piece) = intake.next(&mut block).expect("whole") {
                if let Piece::Packet { .. } = piece {
                    let half = |at: usize| u64::from(u32::from_le_bytes(block[at..at + 4].try_into().expect("four")));
                    lags.push((now - (half(12) << 32 | half(16)) as f64 / 1e9) * 1000.0);
                }
                block.clear();
            }
            if !sent {
                // The header came: the interface is open.
                sent = true;
                scope.spawn(|| space.send(9000, 150, 1, Duration::from_millis(7)));
            }
        }
    });
    assert!(child.wait().expect("it ends").success());
    assert_eq!(lags.len(), 150);
    lags.sort_by(f64::total_cmp);
    lags
}

#[test]
fn packets_come_within_a_blink_or_at_once_where_that_is_asked() {
    if !can_capture() {
        return;
    }
    let Some(space) = Space::new() else { return };
    let (buffered, immediate) = (lags(&space, &[]), lags(&space, &["--immediate"]));
    eprintln!("median lag: buffered {:.1} ms, immediate {:.3} ms", buffered[75], immediate[75]);
    assert!(buffered[75] < 60.0, "{buffered:?}");
    assert!(immediate[75] < 1.0, "{immediate:?}");
}

#[test]
fn rings_keep_the_newest_files_each_whole_and_a_capture_stops_by_itself() {
    if !can_capture() {
        return;
    }
    let (Some(space), folder) = (Space::new(), Folder::new("ring")) else { return };
    let file = folder.path("ring.pcapng");
    let words = [
        "-i",
        "lo",
        "-f",
        "udp and dst port 9000",
        "-b",
        "packets:10",
        "-b",
        "files:2",
        "-c",
        "35",
        "-w",
        file.to_str().expect("text"),
    ];
    let child = space.capture(&words);
    space.send(9000, 60, 60, Duration::ZERO);
    let out = finish(child);
    assert!(out.status.success() && said(&out).contains("35 packets captured"), "{}", said(&out));
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder.0).expect("it").flatten().map(|e| e.path()).collect();
    files.sort();
    let got: Vec<Vec<u64>> = files.iter().map(|f| numbers(f).0).collect();
    assert_eq!(got, [(20..30).collect::<Vec<_>>(), (30..35).collect()], "{files:?}");

    let timed = folder.path("timed.pcapng");
    let began = Instant::now();
    let out = finish(space.capture(&["-i", "lo", "-a", "duration:0.5", "-w", timed.to_str().expect("text")]));
    assert!(out.status.success() && began.elapsed() < Duration::from_secs(5), "{}", said(&out));
    assert_eq!(numbers(&timed).0.len(), 0);
}

#[test]
fn packets_are_printed_while_they_come() {
    if !can_capture() {
        return;
    }
    let Some(space) = Space::new() else { return };
    let mut child = space.capture(&["-i", "lo", "udp", "and", "dst", "port", "9000"]);
    space.send(9000, 3, 1, Duration::from_millis(1));
    let (mut text, mut byte) = (Vec::new(), [0]);
    let stdout = child.stdout.as_mut().expect("piped");
    while text.iter().filter(|b| **b == b'\n').count() < 3 {
        assert_eq!(stdout.read(&mut byte).expect("readable"), 1, "it ended early");
        text.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.lines().all(|l| l.contains("127.0.0.1") && l.contains("9000") && l.contains("UDP")), "{text}");
    interrupt(&child);
    assert!(finish(child).status.success());
}

#[test]
fn without_privilege_the_line_that_mends_it_is_printed() {
    if !helper().is_file() {
        return skip("wirelore-capture is not built");
    }
    // Nobody may enter the folder of the build: the programs are copied to where anybody may run them.
    let folder = Folder::new("nobody");
    for program in [Path::new(WIRELORE), &helper()] {
        std::fs::copy(program, folder.path(program.file_name().expect("a name").to_str().expect("text"))).expect("copied");
    }
    let allowed = Command::new("chmod").args(["-R", "a+rX"]).arg(&folder.0).status();
    assert!(allowed.is_ok_and(|s| s.success()));
    let program = folder.path("wirelore");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]).arg(&program);
    let Ok(out) = command.args(["capture", "-i", "lo", "-c", "1"]).stdin(Stdio::null()).output() else {
        return skip("setpriv is missing: sudo apt-get install util-linux");
    };
    if said(&out).contains("setpriv:") {
        return skip("setpriv may not take privilege away here");
    }
    assert_eq!(out.status.code(), Some(5), "{}", said(&out));
    let line = format!("\n    sudo setcap cap_net_raw=eip {}\n", folder.path("wirelore-capture").display());
    assert!(said(&out).contains(&line), "{}", said(&out));
}

#[test]
fn wrong_filters_are_marked_at_the_word_and_every_refusal_has_its_exit_code() {
    if !can_capture() {
        return;
    }
    let Some(space) = Space::new() else { return };
    for (filter, column, mark, word) in [
        ("tcp prt 80", 5, "^^^", "`port`"),
        ("tcp port", 9, "^", "ends too early"),
        ("host 192.0.2.1 and (udp port 53", 32, "^", "ends too early"),
        ("port 99999", 6, "^^^^^", "illegal port number"),
        ("ip.addr == 192.0.2.1", 1, "^^^^^^^", "display filter"),
        ("tcp[13] & 2 != 0 and hots 192.0.2.1", 22, "^^^^", "`host`"),
        ("tcp and udp", 1, "^^^^^^^^^^^", "No packet can ever"),
        ("ether host 00:11:22:33:44:55 or arp or or ip", 40, "^^", "cannot stand here"),
    ] {
        let out = space
            .command(WIRELORE)
            .args(["capture", "-i", "lo", "-a", "duration:1", "-w", "/dev/null", "-f", filter])
            .output()
            .expect("it runs");
        let text = said(&out);
        assert_eq!(out.status.code(), Some(4), "{filter}: {text}");
        assert!(text.contains(&format!("column {column}:")) && text.contains(word), "{filter}: {text}");
        assert!(text.trim_end().ends_with(&format!(" {mark}")), "{filter}: {text}");
    }
    let out = space.command(WIRELORE).args(["capture", "-i", "no-such-interface"]).output().expect("it runs");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    let out = space.command(WIRELORE).args(["capture", "-i", "lo", "-a", "size:3"]).output().expect("it runs");
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    let out = space.command(WIRELORE).args(["capture", "-D"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&out.stdout).lines().any(|l| l.contains("lo (Loopback)") && l.contains("127.0.0.1")));
}

#[test]
fn what_the_capture_could_not_take_is_counted_told_at_its_place_and_said() {
    if !can_capture() {
        return;
    }
    let (Some(space), folder) = (Space::new(), Folder::new("loss")) else { return };
    let file = folder.path("loss.pcapng");
    let child = space.capture(&["-i", "lo", "-f", "udp and dst port 9000", "-B", "1", "-w", file.to_str().expect("text")]);
    space.send(9000, 100, 10, Duration::from_millis(1));
    // We stand still: the pipe fills, the helper waits, the kernel's small buffer fills.
    let signal = |s: &str| assert!(Command::new("kill").args([s, &child.id().to_string()]).status().is_ok_and(|s| s.success()));
    std::thread::sleep(Duration::from_millis(300));
    signal("-STOP");
    space.send(9000, 60_000, 1000, Duration::from_millis(1));
    signal("-CONT");
    std::thread::sleep(Duration::from_millis(500));
    space.send(9000, 100, 10, Duration::from_millis(1));
    interrupt(&child);
    let out = finish(child);
    let (found, lost) = numbers(&file);
    assert!(lost > 0, "nothing was lost in {} packets: {}", found.len(), said(&out));
    // On this interface the kernel counts each packet twice: the half of an odd number is not exact.
    assert!((found.len() as u64 + lost).abs_diff(60_200) < 100, "{} and {lost}: {}", found.len(), said(&out));
    assert!(out.status.success() && said(&out).contains(&format!("{lost} dropped")), "{}", said(&out));
}

#[test]
fn when_we_are_killed_the_helper_ends_and_the_file_is_whole() {
    if !can_capture() {
        return;
    }
    let (Some(space), folder) = (Space::new(), Folder::new("killed")) else { return };
    let file = folder.path("killed.pcapng");
    let mut child = space.capture(&["-i", "lo", "-w", file.to_str().expect("text")]);
    space.send(9000, 50, 10, Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(300));
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert_eq!(numbers(&file).0.len(), 50);
    // Nothing runs in the namespace any more.
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let pids = Command::new("ip").args(["netns", "pids", &space.0]).output().expect("it runs");
        if pids.stdout.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{pids:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts a part of this file again inside a namespace, with the helper named: what is in this process then captures there.
fn again_inside(space: &Space, test: &str) {
    let me = std::env::current_exe().expect("a test");
    let out = space
        .command(me)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("WIRELORE_CAPTURE", helper())
        .output()
        .expect("it runs");
    assert!(out.status.success(), "{}\n{}", String::from_utf8_lossy(&out.stdout), said(&out));
}

#[test]
fn a_killed_helper_is_said_and_started_again_and_nothing_recorded_is_lost() {
    if !can_capture() {
        return;
    }
    let Some(space) = Space::new() else { return };
    again_inside(&space, "inside_a_killed_helper");
}

#[test]
#[ignore = "a part of another test, inside a namespace"]
fn inside_a_killed_helper() {
    let wanted = Wanted { name: Some("lo".into()), filter: "udp and dst port 9000".into(), ..Wanted::default() };
    let (sniffed, session) = Sniffed::start(vec![wanted], false, None, Arc::new(|| {})).expect("it captures");
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let send = |count: u64| {
        for n in 0..count {
            let mut bytes = [0; 200];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            let _ = socket.send_to(&bytes, "127.0.0.1:9000");
        }
    };
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let until = Instant::now() + Duration::from_secs(10);
        while !done() {
            assert!(Instant::now() < until, "{what}: {:?}", sniffed.state());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    send(40);
    wait("rows come", &|| session.store.snapshot().packets() == 40);
    let process = sniffed.state().process.expect("a helper");
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().is_ok_and(|s| s.success()));
    wait("its end is noticed", &|| !sniffed.state().running);
    let state = sniffed.state();
    let trouble = state.trouble.expect("it is said");
    assert!(trouble.why.contains("ended unexpectedly") && trouble.why.contains('9'), "{trouble}");
    assert_eq!(state.packets, 40);
    sniffed.go_on().expect("it goes on");
    assert!(sniffed.state().running && sniffed.state().trouble.is_none());
    send(30);
    wait("rows come again", &|| session.store.snapshot().packets() == 70);
    sniffed.stop();
    wait("it stops", &|| !sniffed.state().running);
    assert_eq!((sniffed.state().trouble, sniffed.state().packets), (None, 70));
    let folder = Folder::new("saved");
    let to = folder.path("saved.pcapng");
    sniffed.save(&to).expect("saved");
    assert_eq!(numbers(&to), ((0..40).chain(0..30).collect(), 0));
}

#[test]
fn tshark_follows_what_we_offer_and_we_follow_what_others_offer() {
    if !can_capture() || !has("tshark") {
        return;
    }
    let (Some(space), folder) = (Space::new(), Folder::new("over-ip")) else { return };
    let child = space.capture(&[
        "-i",
        "lo",
        "-f",
        "udp and dst port 9000",
        "--serve",
        "57013",
        "-w",
        folder.path("y.pcapng").to_str().expect("text"),
    ]);
    space.send(9000, 5, 1, Duration::from_millis(1));
    // tshark joins late, and gets all from the beginning.
    let mut tshark = space.command("timeout");
    tshark.args(["30", "tshark", "-n", "-i", "TCP@127.0.0.1:57013", "-c", "8", "-T", "fields", "-e", "udp.dstport"]);
    let tshark = tshark.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let ours = space.capture(&["-i", "TCP@127.0.0.1:57013", "-c", "8", "-t", "e"]);
    std::thread::sleep(Duration::from_millis(500));
    space.send(9000, 3, 1, Duration::from_millis(1));
    let out = finish(tshark);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "9000\n".repeat(8));
    let out = finish(ours);
    assert!(out.status.success() && out.stdout.iter().filter(|b| **b == b'\n').count() == 8, "{}", said(&out));
    interrupt(&child);
    assert!(finish(child).status.success());
}

#[test]
fn another_machine_captures_over_ssh_and_the_command_is_shown() {
    if !can_capture() || !has("tcpdump") {
        return;
    }
    let (Some(space), folder) = (Space::new(), Folder::new("ssh")) else { return };
    // It stands in for ssh: what the other machine's shell would do is done here.
    let ssh = folder.put("ssh", "#!/bin/sh\n[ \"$1 $2 $3\" = '-T -- root@server' ] || exit 9\nSSH_CONNECTION='192.0.2.7 40000 192.0.2.1 22'\nexport SSH_CONNECTION\nexec sh -c \"$4\"\n");
    assert!(Command::new("chmod").arg("+x").arg(&ssh).status().is_ok_and(|s| s.success()));
    let path = format!("{}:{}", folder.0.display(), std::env::var("PATH").expect("a PATH"));
    let file = folder.path("far.pcapng");
    let mut command = space.command(WIRELORE);
    command
        .args(["capture", "--ssh", "root@server", "-i", "lo", "-f", "udp and dst port 9000", "-c", "4", "-w"])
        .arg(&file)
        .env("PATH", path);
    let child = command.stderr(Stdio::piped()).spawn().expect("it runs");
    let until = Instant::now() + Duration::from_secs(10);
    while numbers_or_none(&file) < 4 && Instant::now() < until {
        space.send(9000, 1, 1, Duration::from_millis(50));
    }
    let out = finish(child);
    assert!(out.status.success(), "{}", said(&out));
    assert!(said(&out).starts_with("ssh -T -- root@server 'exec tcpdump -U -w - -i lo "), "{}", said(&out));
    assert_eq!(numbers(&file).0.len(), 4);
    // A host that is an option would run what it likes.
    let out = space.command(WIRELORE).args(["capture", "--ssh", "-oProxyCommand=x"]).output().expect("it runs");
    assert_eq!(out.status.code(), Some(1));
}

/// How many of our datagrams are in a file that may not be there yet.
fn numbers_or_none(path: &Path) -> usize {
    if std::fs::metadata(path).map_or(0, |m| m.len()) < 200 { 0 } else { numbers(path).0.len() }
}

#[test]
fn wireshark_lists_us_among_its_sources() {
    if !has("tshark") {
        return;
    }
    let folder = Folder::new("extcap");
    let extcap = folder.path("wireshark/extcap");
    std::fs::create_dir_all(&extcap).expect("a folder");
    std::os::unix::fs::symlink(WIRELORE, extcap.join("wirelore")).expect("a link");
    let tshark = |words: &[&str]| {
        let out =
            Command::new("tshark").args(words).env("XDG_CONFIG_HOME", &folder.0).stdin(Stdio::null()).output().expect("it runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let all = tshark(&["-D"]);
    if !all.contains("wirelore") && !tshark(&["-G", "folders"]).contains(extcap.to_str().expect("text")) {
        return skip("this tshark looks for extcaps elsewhere");
    }
    assert!(all.contains("wirelore-proxy (Wirelore: a proxy, its traffic decrypted)") && all.contains("wirelore-tcp"), "{all}");
    assert!(tshark(&["-i", "wirelore-proxy", "-L"]).contains("RAW (Raw IP)"));
}

/// A TCP segment in IPv4, without checksums.
fn segment(to_server: bool, seq: u32, ack: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let (ports, ends) = if to_server {
        ([40000_u16, 80], [[192, 0, 2, 1], [192, 0, 2, 2]])
    } else {
        ([80, 40000], [[192, 0, 2, 2], [192, 0, 2, 1]])
    };
    let len = u16::try_from(40 + data.len()).expect("short").to_be_bytes();
    let mut bytes = vec![0x45, 0, len[0], len[1], 0, 0, 0, 0, 64, 6, 0, 0];
    bytes.extend(ends.concat());
    bytes.extend(ports.iter().flat_map(|p| p.to_be_bytes()));
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(data);
    bytes
}

#[test]
fn bytes_that_the_capture_lost_are_said_to_be_lost_by_it_and_are_counted_once() {
    use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapngWriter, SectionSpec, StatisticsSpec};
    let notes = |dropped: u64| {
        let mut w = PcapngWriter::new(Vec::new(), &SectionSpec::default()).expect("memory");
        w.interface(&InterfaceSpec { link_type: 101, ..InterfaceSpec::default() }).expect("memory");
        let segments = [
            (segment(true, 0, 0, 2, b""), 0),
            (segment(false, 0, 1, 18, b""), 0),
            (segment(true, 1, 1, 24, b"first"), 0),
            // Five bytes are missing here, and the other side has them.
            (segment(true, 11, 1, 24, b"third"), dropped),
            (segment(false, 1, 16, 16, b""), 0),
            (segment(true, 16, 1, 17, b""), 0),
            (segment(false, 1, 17, 17, b""), 0),
        ];
        for (n, (data, dropped)) in segments.iter().enumerate() {
            let wire_len = u32::try_from(data.len()).expect("short");
            let packet =
                PacketSpec { time_ns: n as i64 * 1_000_000_000, wire_len, data, dropped: *dropped, ..PacketSpec::default() };
            w.packet(&packet).expect("memory");
        }
        w.statistics(&StatisticsSpec { os_dropped: Some(dropped), ..StatisticsSpec::default() }).expect("memory");
        let source = Source::from_bytes(w.finish().expect("memory"), Options::default()).expect("a capture");
        let options = wirelore::session::SessionOptions { shards: Some(3), ..Default::default() };
        let mut session = wirelore::session::Session::start(source, wirelore_dissectors::TABLE, options);
        session.wait().expect("read");
        let s = session.store.snapshot();
        let notes: Vec<&str> = s.notes().map(|(_, n)| n.note.name).filter(|n| n.starts_with("tcp.note.")).collect();
        (notes, s.facts().dropped, s.facts().losses.clone())
    };
    assert_eq!(notes(7), (vec!["tcp.note.dropped"], 7, vec![(3, 7)]));
    assert_eq!(notes(0), (vec!["tcp.note.gap"], 0, vec![]));
}
