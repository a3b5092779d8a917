//! `wirelore export` to files: letters byte for byte, objects, raw streams and chosen columns, held against what was sent and what tshark says.

mod support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::{has_tshark, root};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn capture(name: &str) -> PathBuf {
    root().join("captures").join(name)
}

fn run(args: &[&str], file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    command.args(args).arg("-r").arg(file).env_remove("SSLKEYLOGFILE").output().expect("wirelore runs")
}

/// Standard output and error of an export that succeeds.
fn exported(args: &[&str], file: &Path) -> (Vec<u8>, String) {
    let out = run(&[&["export"], args].concat(), file);
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{args:?}: {err}");
    (out.stdout, err)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

fn tshark(args: &[&str], file: &Path) -> String {
    let out =
        Command::new("tshark").arg("-n").args(args).arg("-r").arg(file).stderr(Stdio::null()).output().expect("tshark runs");
    text(out.stdout)
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// How often bytes came: by their digest.
fn saved(folder: &Path) -> BTreeMap<String, usize> {
    let mut bag = BTreeMap::new();
    for file in std::fs::read_dir(folder).expect("the folder").flatten() {
        *bag.entry(sum(&std::fs::read(file.path()).expect("a file"))).or_default() += 1;
    }
    bag
}

#[test]
fn every_letter_is_a_file_to_the_last_byte() {
    for name in ["smtp/letters", "smtp/submission", "smtp/lmtp", "pop3/mailbox", "imap/mailbox"] {
        let to = folder();
        let (_, said) = exported(&["--eml", to.path().to_str().expect("a path")], &capture(&format!("{name}.pcapng")));
        let truth = std::fs::read_to_string(capture(&format!("{name}.truth.json"))).expect("the truth");
        let truth: Value = serde_json::from_str(&truth).expect("JSON");
        let mut want = BTreeMap::<String, usize>::new();
        for letter in truth["letters"].as_array().expect("letters") {
            *want.entry(letter["sha256"].as_str().expect("a digest").to_owned()).or_default() += 1;
        }
        let got = saved(to.path());
        // What POP3's TOP brings is there too, and said to be a beginning; it may be all of a short letter.
        let beginnings = said.lines().filter(|l| l.contains("only its beginning was fetched")).count();
        for (sum, count) in &want {
            assert!(got.get(sum).is_some_and(|n| n >= count), "{name}: {sum} is not there {count} times");
        }
        assert_eq!(got.values().sum::<usize>(), want.values().sum::<usize>() + beginnings, "{name}: {said}");
    }
}

#[test]
fn letters_are_called_by_their_subjects_and_none_is_written_over() {
    let to = folder();
    let path = to.path().to_str().expect("a path");
    for _ in 0..2 {
        exported(&["--eml", path, "-Y", "smtp"], &capture("smtp/letters.pcapng"));
    }
    let names: Vec<String> =
        std::fs::read_dir(to.path()).expect("it").flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    for name in ["Bilder aus dem Café _.eml", "dots.eml", "dots (2).eml"] {
        assert!(names.iter().any(|n| n == name), "{name}: {names:?}");
    }
    let none = folder();
    let (_, said) =
        exported(&["--eml", none.path().to_str().expect("a path"), "-Y", "tcp.port == 1"], &capture("smtp/letters.pcapng"));
    assert!(said.contains("0 letters"), "{said}");
}

#[test]
fn a_mailbox_is_read_back_by_python_letter_by_letter() {
    let read = "import mailbox, sys, hashlib\nfor m in mailbox.mbox(sys.argv[1]):\n    b = m.as_bytes().replace(b'\\n>From ', b'\\nFrom ')\n    print(hashlib.sha256(b.rstrip().replace(b'\\r\\n', b'\\n')).hexdigest(), m['Subject'])";
    let to = folder();
    let (mbox, eml) = (to.path().join("letters.mbox"), folder());
    exported(&["--mbox", mbox.to_str().expect("a path")], &capture("smtp/letters.pcapng"));
    exported(&["--eml", eml.path().to_str().expect("a path")], &capture("smtp/letters.pcapng"));
    let Ok(told) = std::process::Command::new("python3").args(["-c", read]).arg(&mbox).output() else {
        eprintln!("SKIPPED: python3 is not here, so nobody else read the mailbox");
        return;
    };
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let said = String::from_utf8_lossy(&told.stdout);
    let mut got: Vec<&str> = said.lines().filter_map(|l| l.split(' ').next()).collect();
    let letters = std::fs::read_dir(eml.path()).expect("the folder").flatten().map(|f| std::fs::read(f.path()).expect("a file"));
    let mut want: Vec<String> =
        letters.map(|l| sum(String::from_utf8_lossy(&l).replace("\r\n", "\n").trim_end().as_bytes())).collect();
    got.sort_unstable();
    want.sort_unstable();
    assert_eq!(got, want, "{said}");
}

#[test]
fn a_letter_with_holes_is_said_to_be_incomplete() {
    let to = folder();
    let (_, said) = exported(&["--eml", to.path().to_str().expect("a path")], &capture("smtp/lossy.pcapng"));
    assert!(said.contains("large.eml") && said.contains("does not have all of it"), "{said}");
}

#[test]
fn raw_streams_are_what_tshark_follows() {
    if !has_tshark() {
        return;
    }
    let file = capture("tour.pcapng");
    let count: usize =
        tshark(&["-T", "fields", "-e", "tcp.stream"], &file).lines().filter_map(|l| l.parse().ok()).max().expect("streams");
    let mut compared = 0;
    for stream in 0..=count.min(12) {
        let theirs = tshark(&["-q", "-z", &format!("follow,tcp,raw,{stream}")], &file);
        let lines: Vec<&str> =
            theirs.lines().filter(|l| l.trim_start().bytes().all(|b| b.is_ascii_hexdigit()) && !l.is_empty()).collect();
        let first = theirs.lines().find_map(|l| l.strip_prefix("Node 0: ")).expect("a node").to_owned();
        let bytes = |second: bool| -> Vec<u8> {
            let own = lines.iter().filter(|l| l.starts_with('\t') == second);
            own.flat_map(|l| {
                l.trim().as_bytes().chunks(2).map(|h| u8::from_str_radix(std::str::from_utf8(h).expect("hex"), 16).expect("hex"))
            })
            .collect()
        };
        let jsonl = text(exported(&["--jsonl", "--of", "connections", "-Y", &format!("tcp.stream == {stream}")], &file).0);
        let row: Value = serde_json::from_str(&jsonl).expect("one connection");
        let client = format!("{}:{}", row["client"].as_str().expect("an address"), row["client_port"]);
        let client_first = first.replace(['[', ']'], "") == client;
        for (side, second) in [("client", !client_first), ("server", client_first)] {
            let ours = exported(&["--raw", &format!("tcp,{stream}"), "--side", side], &file).0;
            assert!(ours == bytes(second), "stream {stream}, {side}: {} bytes, theirs {}", ours.len(), bytes(second).len());
            compared += ours.len();
        }
    }
    assert!(compared > 10_000, "{compared} bytes were compared");
}

#[test]
fn a_raw_stream_says_what_is_missing_and_where() {
    let (bytes, said) = exported(&["--raw", "0", "--side", "client"], &capture("smtp/lossy.pcapng"));
    assert!(!bytes.is_empty() && said.contains("at byte 380 of the client's stream 1448 bytes are missing"), "{said}");
    assert!(!said.contains("server's"), "only one side was asked for: {said}");
    let out = run(&["export", "--raw", "tcp,999"], &capture("tour.pcapng"));
    assert_eq!(out.status.code(), Some(1), "there is no such stream");
}

#[test]
fn certificates_are_saved_once_each_and_openssl_reads_them() {
    let to = folder();
    let path = to.path().to_str().expect("a path");
    let (said, _) = exported(&["--objects", "certificates", path], &capture("tls/web.pcapng"));
    let files: Vec<PathBuf> = std::fs::read_dir(to.path()).expect("the folder").flatten().map(|e| e.path()).collect();
    assert!(files.len() >= 2 && saved(to.path()).values().all(|n| *n == 1), "{}", text(said));
    for file in &files {
        let read = Command::new("openssl").args(["x509", "-inform", "der", "-noout", "-subject", "-in"]).arg(file).output();
        let Ok(read) = read else {
            eprintln!("!!!! SKIPPED: openssl is not installed, nobody else reads our certificates");
            return;
        };
        let subject = text(read.stdout);
        let stem = file.file_name().expect("a name").to_string_lossy().into_owned();
        let (name, _) = stem.rsplit_once('-').expect("a name and a digest");
        assert!(subject.contains(name), "{stem}: {subject}");
    }
}

#[test]
fn objects_of_tshark_and_ours_are_the_same_bytes() {
    if !has_tshark() {
        return;
    }
    for (name, kind) in [("http1/everyday.pcapng", "http"), ("tftp/transfers.pcapng", "tftp")] {
        let (theirs, ours) = (folder(), folder());
        let to = |f: &TempDir| format!("{kind},{}", f.path().display());
        tshark(&["-q", "--export-objects", &to(&theirs)], &capture(name));
        let out = run(&["dump", "-q", "--export-objects", &to(&ours)], &capture(name));
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let (theirs, ours) = (saved(theirs.path()), saved(ours.path()));
        assert!(!theirs.is_empty(), "{name}");
        for sum in theirs.keys() {
            // An empty body is no object of ours.
            assert!(ours.contains_key(sum) || *sum == self::sum(b""), "{name}: {sum} is not among ours");
        }
    }
}

#[test]
fn websocket_messages_are_what_was_said() {
    let to = folder();
    let file = capture("websocket/chat.pcapng");
    exported(&["--objects", "websocket", to.path().to_str().expect("a path")], &file);
    let chat = text(exported(&["--har", "-"], &file).0);
    let har: Value = serde_json::from_str(&chat).expect("a HAR");
    let entries = har["log"]["entries"].as_array().expect("entries");
    let messages = entries.iter().flat_map(|e| e["_webSocketMessages"].as_array().into_iter().flatten());
    let said = messages.filter(|m| m["opcode"] == 1).count();
    let files = std::fs::read_dir(to.path()).expect("the folder").flatten();
    let texts = files.filter(|e| !e.file_name().to_string_lossy().ends_with(".bin")).count();
    assert!(said > 0 && texts == said, "{texts} files, {said} messages");
}

#[test]
fn chosen_columns_of_packets_are_what_tshark_prints() {
    if !has_tshark() {
        return;
    }
    let names = ["frame.number", "ip.src", "tcp.dstport", "http.request.uri", "http.response.code", "dns.qry.name", "ip.addr"];
    let file = capture("tour.pcapng");
    let ours = text(exported(&["--csv", "--of", "packets", "--columns", &names.join(",")], &file).0);
    let wanted = names.iter().flat_map(|n| ["-e", n]);
    let args: Vec<&str> = ["-T", "fields", "-E", "separator=;", "-E", "header=y"].into_iter().chain(wanted).collect();
    let theirs = tshark(&args, &file);
    let read = |line: &str| -> Vec<String> {
        // Only lists stand in quotes here.
        let (mut out, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => out.push(String::new()),
                c => out.last_mut().expect("a value").push(c),
            }
        }
        out
    };
    assert_eq!(ours.lines().count(), theirs.lines().count());
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(read(ours), theirs.split(';').map(str::to_owned).collect::<Vec<_>>());
    }
}

#[test]
fn columns_are_refused_where_they_are_not_known_or_have_no_value() {
    let file = capture("tour.pcapng");
    for (args, said) in [
        (&["--csv", "--columns", "http.hots"][..], "http.host"),
        (&["--csv", "--of", "connections", "--columns", "ip.src"], "connections have no fields"),
        (&["--jsonl", "--columns", "http"], "heading"),
        (&["--raw", "gopher,0"], "cannot be followed"),
        (&["--objects", "gifs", "x"], "certificates"),
    ] {
        let out = run(&[&["export"], args].concat(), &file);
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(1) && err.contains(said), "{args:?}: {err}");
    }
}

#[test]
fn chosen_columns_of_messages_and_exchanges_hold_what_the_rows_hold() {
    let file = capture("tour.pcapng");
    let lines = |args: &[&str]| -> Vec<Value> {
        text(exported(args, &file).0).lines().map(|l| serde_json::from_str(l).expect("JSON")).collect()
    };
    let whole: BTreeMap<u64, Value> =
        lines(&["--jsonl", "-Y", "http"]).into_iter().map(|r| (r["message"].as_u64().expect("a number"), r)).collect();
    let chosen =
        lines(&["--jsonl", "-Y", "http", "--columns", "message,summary,http.request.uri,http.response.code,frame.number"]);
    assert_eq!(chosen.len(), whole.len());
    for row in &chosen {
        let all = &whole[&row["message"].as_u64().expect("a number")];
        assert_eq!(row["summary"], all["summary"]);
        assert_eq!(row["frame.number"], all["packet"]);
        for name in ["http.request.uri", "http.response.code"] {
            assert_eq!(row[name], all["fields"][name], "{row}");
        }
    }
    let exchanges = lines(&[
        "--jsonl",
        "--of",
        "exchanges",
        "-Y",
        "http",
        "--columns",
        "exchange,http.request.method,http.response.code,ip.src",
    ]);
    let both = exchanges
        .iter()
        .filter(|r| r["http.request.method"] == "GET" && r["http.response.code"] == 200 && r["ip.src"].is_string());
    assert!(both.count() > 2, "{exchanges:?}");
    let array: Vec<Value> = serde_json::from_slice(&exported(&["--json", "--of", "exchanges"], &file).0).expect("an array");
    assert_eq!(array, lines(&["--jsonl", "--of", "exchanges"]));
    assert_eq!(exported(&["--json", "-Y", "tcp.port == 1"], &file).0, b"[]\n");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_how_to_get_it() {
    let out = run(&["export", "--parquet", "nowhere"], &capture("tour.pcapng"));
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(1) && err.contains("cargo build --features parquet"), "{err}");
}
