//! `wirelore convert`: what goes through it stays what it was; slices bring the keys of their sessions and no others. tshark and capinfos
//! are asked what they see in the output.

mod support;

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::{has_tshark, name, no_faults, own, root};
use tempfile::TempDir;
use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapngWriter, SectionSpec, StatisticsSpec};
use wirelore_capture::{Address, Event, Options, Source, Step, secrets};

fn convert(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    command.arg("convert").args(args).env_remove("SSLKEYLOGFILE").stdin(Stdio::null()).output().expect("wirelore runs")
}

/// Runs it, and gives what it said.
fn converted(args: &[&str]) -> String {
    let out = convert(args);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{args:?}: {said}");
    said
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a name in UTF-8")
}

fn capture(name: &str) -> PathBuf {
    root().join("captures").join(name)
}

/// Time, length on the wire, link type and bytes of every packet, and the secrets.
type Packets = Vec<(i64, u32, u32, Vec<u8>)>;

fn read(path: &Path) -> (Packets, Vec<u8>) {
    let mut source = Source::open(path, Options::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (mut packets, mut keys, mut links) = (Packets::new(), Vec::new(), Vec::new());
    loop {
        match source.next().expect("reading") {
            Step::Batch(b) => {
                packets.extend(b.items.iter().map(|i| (i.time_ns, i.wire_len, links[i.interface as usize], b.data(i).to_vec())))
            }
            Step::Event(Event::Interface(i)) => links.push(i.link_type),
            Step::Event(Event::Secrets(s)) => keys.extend_from_slice(&s.data),
            Step::Event(_) | Step::Pending => {}
            Step::End => return (packets, keys),
        }
    }
}

fn tshark(path: &Path, args: &[&str]) -> String {
    let out = Command::new("tshark").env("TZ", "UTC").args(["-n", "-r"]).arg(path).args(args).output().expect("tshark runs");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A capture of two sections with all kinds of blocks, one of a kind that nobody knows.
fn rich() -> Vec<u8> {
    let hardware = SectionSpec { hardware: Some("a loom"), comment: Some("woven"), ..SectionSpec::default() };
    let mut w = PcapngWriter::new(Vec::new(), &hardware).expect("memory takes all");
    let options: &[(u16, &[u8])] = &[(11, b"\0tcp port 80"), (12, b"Linux"), (2988, b"\0\0\0\x09private!")];
    let interface = InterfaceSpec { link_type: 1, snaplen: 96, name: Some("eth7"), options, ..InterfaceSpec::default() };
    w.interface(&interface).expect("memory");
    w.secrets(secrets::TLS_KEY_LOG, b"CLIENT_RANDOM 00 11\n").expect("memory");
    let sender = Address::V4(Ipv4Addr::new(10, 0, 0, 1));
    w.names(&[(sender, &["loom.example"])]).expect("memory");
    let frame = |n: u8| vec![n; 61];
    for n in 0..4u8 {
        let comments: &[&str] = if n == 1 { &["first word", "last word"] } else { &[] };
        let (data, time_ns) = (&frame(n)[..], i64::from(n) * 1_000_000);
        w.packet(&PacketSpec { time_ns, wire_len: 61, data, flags: 2, dropped: 3, comments, ..PacketSpec::default() })
            .expect("memory");
        w.block(0x0bad_cafe, &[n; 7]).expect("memory");
    }
    w.simple(61, &frame(9)).expect("memory");
    w.custom(32473, true, b"may be copied").expect("memory");
    w.custom(32473, false, b"may not").expect("memory");
    w.statistics(&StatisticsSpec { time_ns: 5_000_000, received: Some(9), ..StatisticsSpec::default() }).expect("memory");
    w.section(&SectionSpec { big_endian: true, ..SectionSpec::default() }).expect("memory");
    w.interface(&InterfaceSpec { link_type: 101, ..InterfaceSpec::default() }).expect("memory");
    w.packet(&PacketSpec { time_ns: 9_000_000, wire_len: 61, data: &frame(7), ..PacketSpec::default() }).expect("memory");
    w.finish().expect("memory")
}

fn has(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

#[test]
fn a_pcapng_is_copied_byte_for_byte_with_blocks_that_nobody_knows() {
    let folder = folder();
    let (from, to) = (folder.path().join("rich.pcapng"), folder.path().join("copy.pcapng"));
    std::fs::write(&from, rich()).expect("a file");
    let said = converted(&["-r", text(&from), "-w", text(&to)]);
    assert!(said.contains("6 of 6 packets"), "{said}");
    assert_eq!(std::fs::read(&to).expect("the copy"), rich());
}

#[test]
fn a_slice_keeps_everything_but_the_other_packets() {
    let folder = folder();
    let (from, to) = (folder.path().join("rich.pcapng"), folder.path().join("slice.pcapng"));
    std::fs::write(&from, rich()).expect("a file");
    let said = converted(&["-r", text(&from), "-w", text(&to), "--frames", "2,5-", "--keys", "all"]);
    assert!(said.contains("3 of 6 packets") && said.contains("1 custom blocks"), "{said}");
    let slice = std::fs::read(&to).expect("the slice");
    for kept in ["a loom", "woven", "eth7", "tcp port 80", "private!", "loom.example", "first word", "last word", "may be copied"]
    {
        assert!(has(&slice, kept.as_bytes()), "{kept} is lost");
    }
    assert!(!has(&slice, b"may not"), "such a block must not be in a changed capture");
    for n in 0..4 {
        assert!(has(&slice, &[n; 7]), "a block that nobody knows is lost");
        assert_eq!(has(&slice, &[n; 61]), n == 1, "packet {}", n + 1);
    }
    let (packets, keys) = read(&to);
    assert_eq!(packets.iter().map(|p| (p.2, p.3[0])).collect::<Vec<_>>(), [(1, 1), (1, 9), (101, 7)]);
    assert_eq!(keys, b"CLIENT_RANDOM 00 11\n");
}

#[test]
fn every_capture_goes_through_every_format_and_packing() {
    let folder = folder();
    let mut faults = Vec::new();
    for path in own() {
        let (packets, keys) = read(&path);
        let one_link = packets.windows(2).all(|p| p[0].2 == p[1].2);
        for ending in ["pcapng", "pcapng.gz", "pcapng.lz4", "pcapng.zst", "pcap", "pcap.gz", "pcap.zst"] {
            let to = folder.path().join(format!("out.{ending}"));
            let pcap = ending.starts_with("pcap.") || ending == "pcap";
            let out = convert(&["-r", text(&path), "-w", text(&to)]);
            if pcap && !one_link {
                let said = String::from_utf8_lossy(&out.stderr).into_owned();
                if out.status.success() || !said.contains("holds one only") {
                    faults.push(format!("{}: several link types in a pcap: {said}", name(&path)));
                }
                continue;
            }
            let (got, got_keys) = read(&to);
            let same = got.iter().zip(&packets).all(|(g, p)| g.0 == p.0.max(0) || g.0 == p.0);
            let rest = |all: &Packets| all.iter().map(|p| (p.1, p.2, p.3.clone())).collect::<Vec<_>>();
            if !same || rest(&got) != rest(&packets) || (!pcap && got_keys != keys) {
                faults.push(format!("{} as {ending} is another capture", name(&path)));
            }
        }
    }
    no_faults(&faults, "captures");
}

#[test]
fn a_slice_of_tls_brings_the_keys_of_its_sessions_and_no_others() {
    let folder = folder();
    let from = capture("tls/web.pcapng");
    let (_, all) = read(&from);
    let randoms = |log: &[u8]| {
        let log = String::from_utf8_lossy(log).into_owned();
        let mut found: Vec<String> = log.lines().filter_map(|l| l.split(' ').nth(1).map(str::to_owned)).collect();
        found.sort();
        found.dedup();
        found
    };
    assert!(randoms(&all).len() > 2, "the capture has several sessions");
    for filter in ["tcp.stream == 1", "tcp.stream == 1 && http", "!tcp", "tcp.stream in {0, 2}"] {
        let to = folder.path().join("slice.pcapng");
        converted(&["-r", text(&from), "-w", text(&to), "-Y", filter]);
        let (packets, keys) = read(&to);
        if filter == "!tcp" {
            assert_eq!(randoms(&keys), [""; 0], "no session, no keys");
            continue;
        }
        assert!(!packets.is_empty() && !keys.is_empty(), "{filter}");
        assert!(randoms(&keys).len() < randoms(&all).len(), "{filter}: keys of other sessions are in it");
        if has_tshark() && !filter.contains("http") {
            let fields =
                ["-T", "fields", "-e", "tcp.len", "-e", "http.request.uri", "-e", "http.response.code", "-e", "http2.type"];
            let whole = [&["-Y", filter][..], &fields].concat();
            assert_eq!(tshark(&to, &fields), tshark(&from, &whole), "{filter}: tshark reads the slice as it reads the whole");
        }
    }
}

#[test]
fn a_slice_of_quic_brings_its_keys() {
    let folder = folder();
    let (from, to) = (capture("http3/page.pcapng"), folder.path().join("slice.pcapng"));
    converted(&["-r", text(&from), "-w", text(&to), "-Y", "udp.stream == 0"]);
    let (packets, keys) = read(&to);
    assert!(!packets.is_empty() && has(&keys, b"TRAFFIC_SECRET"), "{} packets, keys: {}", packets.len(), keys.len());
}

#[test]
fn keys_are_taken_out_and_put_in_again() {
    let folder = folder();
    let from = capture("tls/web.pcapng");
    let [bare, log, again] = ["bare.pcapng", "keys.log", "again.pcapng"].map(|n| folder.path().join(n));
    converted(&["-r", text(&from), "-w", text(&bare), "--strip-keys", "--extract-keys", text(&log)]);
    assert!(read(&bare).1.is_empty(), "keys are left");
    converted(&["-r", text(&bare), "-w", text(&again), "--inject-keys", text(&log)]);
    let (packets, keys) = read(&again);
    assert_eq!((packets, keys), read(&from));
    if has_tshark() {
        let fields = ["-T", "fields", "-e", "frame.number", "-e", "http.request.uri", "-e", "http2.type"];
        assert_eq!(tshark(&again, &fields), tshark(&from, &fields));
        assert_ne!(tshark(&bare, &fields), tshark(&from, &fields), "without keys nothing is decrypted");
    }
}

#[test]
fn tshark_reads_every_packet_of_what_is_packed_long_or_short() {
    if !has_tshark() {
        return;
    }
    let folder = folder();
    let from = folder.path().join("long.pcapng");
    // More than an encoder's block, and than what is handed to it at once.
    let mut w = PcapngWriter::new(Vec::new(), &SectionSpec::default()).expect("memory");
    w.interface(&InterfaceSpec { link_type: 1, ..InterfaceSpec::default() }).expect("memory");
    for n in 0..30_000u32 {
        let data: Vec<u8> = n.to_le_bytes().repeat(15 + n as usize % 40);
        let wire_len = data.len() as u32;
        w.packet(&PacketSpec { time_ns: i64::from(n), wire_len, data: &data, ..PacketSpec::default() }).expect("memory");
    }
    std::fs::write(&from, w.finish().expect("memory")).expect("a file");
    for ending in ["gz", "lz4", "zst"] {
        let to = folder.path().join(format!("long.pcapng.{ending}"));
        converted(&["-r", text(&from), "-w", text(&to)]);
        let len = |p: &Path| std::fs::metadata(p).expect("a file").len();
        assert!(len(&to) * 2 < len(&from), "{ending} packs");
        assert_eq!(tshark(&to, &["-T", "fields", "-e", "frame.len"]).lines().count(), 30_000, "{ending}");
        let dumped = folder.path().join(format!("dumped.pcapng.{ending}"));
        let mut dump = Command::new(env!("CARGO_BIN_EXE_wirelore"));
        let out = dump.args(["dump", "-r", text(&to), "-w", text(&dumped)]).output().expect("wirelore runs");
        assert!(out.status.success() && read(&dumped).0 == read(&from).0, "dump -w {ending}");
    }
}

#[test]
fn dump_writes_the_keys_and_comments_of_what_it_keeps() {
    let folder = folder();
    let (from, to) = (capture("tls/web.pcapng"), folder.path().join("slice.pcapng"));
    let dump = |args: &[&str]| {
        let mut dump = Command::new(env!("CARGO_BIN_EXE_wirelore"));
        let out = dump.args(["dump", "-r", text(&from), "-w", text(&to)]).args(args).env_remove("SSLKEYLOGFILE").output();
        let out = out.expect("wirelore runs");
        assert!(out.status.success() && out.stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        read(&to)
    };
    let (all, keys) = read(&from);
    let (packets, some) = dump(&["-Y", "tcp.stream == 1"]);
    assert!(!packets.is_empty() && packets.len() < all.len() && !some.is_empty() && some.len() < keys.len());
    assert_eq!(dump(&[]), (all.clone(), keys), "without a filter all is kept");
    assert_eq!(dump(&["-c", "5"]).0, all[..5]);
    assert_eq!(dump(&["-F", "pcap"]).0.len(), all.len());
}

#[test]
fn what_can_not_be_written_leaves_the_old_file() {
    let folder = folder();
    let (from, to) = (folder.path().join("rich.pcapng"), folder.path().join("old.pcap"));
    std::fs::write(&from, rich()).expect("a file");
    std::fs::write(&to, b"the old one").expect("a file");
    let out = convert(&["-r", text(&from), "-w", text(&to)]);
    assert_eq!(out.status.code(), Some(15), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(std::fs::read(&to).expect("the old file"), b"the old one");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "a temporary file is left");
    // In place, too: the file is read to its end before another takes its name.
    converted(&["-r", text(&from), "-w", text(&from), "--frames", "1-2"]);
    assert_eq!(read(&from).0.len(), 2);
    for (args, code) in [
        (&["-w", "x.pcapng", "--frames", "0"][..], 1),
        (&["-w", "x.pcapng", "--keys", "none", "--inject-keys", "keys.log"], 1),
        (&["-w", "x.pcapng", "-Y", "tcp.prt == 1"], 4),
        (&["-w", "/nowhere/x.pcapng"], 15),
    ] {
        let out = convert(&[&["-r", text(&from)], args].concat());
        assert_eq!(out.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn a_pipe_goes_through_a_pipe_with_and_without_a_filter() {
    let from = std::fs::read(capture("tour.pcapng")).expect("the tour");
    for filter in [None, Some("http")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
        command.args(["convert", "-r", "-", "-w", "-"]).args(filter.iter().flat_map(|f| ["-Y", f]));
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = pipes.spawn().expect("wirelore runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        let bytes = from.clone();
        let feeding = std::thread::spawn(move || stdin.write_all(&bytes));
        let out = child.wait_with_output().expect("it ends");
        feeding.join().expect("fed").expect("it read all");
        match filter {
            None => assert_eq!(out.stdout.len(), from.len()),
            Some(_) => assert!(!out.stdout.is_empty() && out.stdout.len() < from.len()),
        }
    }
}

#[test]
fn capinfos_sees_the_formats_that_were_asked_for() {
    if !has_tshark() {
        return;
    }
    let folder = folder();
    let from = capture("tls/web.pcapng");
    for (format, said) in [("pcap", " pcap\n"), ("nsecpcap", " nsecpcap\n"), ("pcapng", " pcapng\n")] {
        let to = folder.path().join(format);
        converted(&["-r", text(&from), "-w", text(&to), "-F", format]);
        let out = Command::new("capinfos").args(["-tc", "-M"]).arg(&to).output().expect("capinfos comes with tshark");
        let out = String::from_utf8_lossy(&out.stdout).into_owned();
        let count = read(&from).0.len();
        assert!(out.contains(said) && out.contains(&count.to_string()), "{format}: {out}");
    }
}
