//! `wirelore export --jsonl` and `--csv`: every row is a record, filters choose as they do in `assert`, and readers that we did not write
//! read them.

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{has_tshark, name, no_faults, own, root};

fn wirelore(args: &[&str], file: &Path) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    let out = command.args(args).arg("-r").arg(file).env_remove("SSLKEYLOGFILE").output().expect("wirelore runs");
    let text = |b: Vec<u8>| String::from_utf8_lossy(&b).into_owned();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

fn exported(args: &[&str], file: &Path) -> String {
    let (code, out, err) = wirelore(&[&["export"], args].concat(), file);
    assert_eq!(code, 0, "{} {args:?}: {err}", file.display());
    out
}

fn records(args: &[&str], file: &Path) -> Vec<Value> {
    let all = exported(&[&["--jsonl"], args].concat(), file);
    all.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

const ROWS: [&str; 4] = ["packets", "messages", "exchanges", "connections"];

#[test]
fn every_row_of_every_capture_is_a_record_and_csv_has_the_same() {
    let mut faults = Vec::new();
    for file in own().into_iter().filter(|p| std::fs::metadata(p).is_ok_and(|m| m.len() < 200_000)) {
        let session = support::read(&file, 1).expect("a capture");
        let s = session.store.snapshot();
        let messages = s.each_message().filter(|m| !m.1.withdrawn).count();
        let exchanges = s.each_exchange().filter(|e| !e.1.withdrawn).count();
        for (of, count) in ROWS.iter().zip([s.packets() as usize, messages, exchanges, s.flows() as usize]) {
            let got = records(&["--of", of], &file).len();
            if got != count {
                faults.push(format!("{}: {got} records of {count} {of}", name(&file)));
            }
        }
    }
    no_faults(&faults, "captures");
}

#[test]
fn records_say_what_the_rows_say() {
    let tour = root().join("captures/tour.pcapng");
    let requests = records(&["-Y", "http.request.method == \"GET\""], &tour);
    assert!(!requests.is_empty());
    for r in &requests {
        assert_eq!((r["protocol"].as_str(), r["direction"].as_str()), (Some("http"), Some("to server")), "{r}");
        assert_eq!(r["fields"]["http.request.method"], "GET", "{r}");
        assert!(r["summary"].as_str().is_some_and(|s| s.starts_with("GET ")), "{r}");
        assert!(r["packet"].as_u64() >= r["first_packet"].as_u64() && r["client_port"].is_u64(), "{r}");
    }
    for of in ROWS {
        let count = records(&["--of", of, "-Y", "http"], &tour).len().to_string();
        let (code, _, err) = wirelore(&["assert", "http", "--of", of, "--count", &count], &tour);
        assert_eq!(code, 0, "{of}: {err}");
    }
    for e in records(&["--of", "exchanges", "-Y", "http"], &tour) {
        if let (Some(asked), Some(answered)) = (e["packet"].as_u64(), e["answer_packet"].as_u64()) {
            assert!(asked < answered && e["seconds"].as_f64().is_some_and(|s| s >= 0.0), "{e}");
        }
    }
}

#[test]
fn packets_of_connections_sum_up_as_tshark_counts_them() {
    if !has_tshark() {
        return;
    }
    let file = root().join("captures/tls/web.pcapng");
    let mut tshark = Command::new("tshark");
    let out = tshark.args(["-n", "-T", "fields", "-e", "tcp.stream", "-e", "frame.len", "-Y", "tcp", "-r"]);
    let out = out.arg(&file).stderr(Stdio::null()).output().expect("tshark runs");
    let theirs = String::from_utf8_lossy(&out.stdout).into_owned();
    for c in records(&["--of", "connections", "-Y", "tcp"], &file) {
        let stream = c["stream"].to_string();
        let lens = theirs.lines().filter_map(|l| l.split_once('\t')).filter(|(s, _)| *s == stream);
        let lens: Vec<u64> = lens.filter_map(|(_, len)| len.parse().ok()).collect();
        let sum = |a: &str, b: &str| c[a].as_u64().zip(c[b].as_u64()).map(|(a, b)| a + b);
        assert_eq!(sum("client_packets", "server_packets"), Some(lens.len() as u64), "{c}");
        assert_eq!(sum("client_bytes", "server_bytes"), Some(lens.iter().sum()), "{c}");
    }
}

/// Reads CSV from standard input, and writes the rows as JSON.
const READER: &str = "import csv,json,sys; print(json.dumps(list(csv.DictReader(sys.stdin))))";

#[test]
fn python_reads_the_csv_as_we_wrote_the_json() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("!!!! SKIPPED: python3 is not installed, nobody else reads our CSV");
        return;
    }
    let tour = root().join("captures/tour.pcapng");
    for of in ROWS {
        let csv = exported(&["--csv", "--of", of], &tour);
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &csv).expect("written");
        let open = file.reopen().expect("a file");
        let out = Command::new("python3").args(["-c", READER]).stdin(open).output().expect("python runs");
        let theirs: Vec<Value> = serde_json::from_slice(&out.stdout).expect("JSON");
        let ours = records(&["--of", of], &tour);
        assert_eq!(theirs.len(), ours.len(), "{of}");
        for (theirs, ours) in theirs.iter().zip(&ours) {
            for (column, value) in theirs.as_object().expect("a row") {
                let ours = match &ours[column] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(value.as_str(), Some(&*ours), "{of} {column}");
            }
        }
    }
}

#[test]
fn a_filter_chooses_the_exchanges_of_hars_and_commands() {
    let tour = root().join("captures/tour.pcapng");
    let filter = "http.request.uri contains \"style\"";
    let har: Value = serde_json::from_str(&exported(&["--har", "-", "-Y", filter], &tour)).expect("a HAR");
    let entries = har["log"]["entries"].as_array().expect("entries");
    let styles = entries.iter().filter(|e| e["request"]["url"].as_str().is_some_and(|u| u.contains("style"))).count();
    assert!(styles > 0 && entries.len() == styles, "{styles} of {}", entries.len());
    let commands = exported(&["--as", "curl", "-Y", filter], &tour);
    assert_eq!(commands.matches("curl ").count(), styles, "{commands}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let tour = root().join("captures/tour.pcapng");
    for (args, code) in [
        (&["export"][..], 2),
        (&["export", "--jsonl", "--csv"], 2),
        (&["export", "--jsonl", "-Y", "http.requst"], 4),
        (&["export", "--raw", "0", "-Y", "http"], 2),
        (&["export", "--eml", "x", "--of", "packets"], 2),
    ] {
        let (got, _, err) = wirelore(args, &tour);
        assert!(got == code || (code == 2 && got == 1), "{args:?}: {got}: {err}");
    }
}
