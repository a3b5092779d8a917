//! `wirelore export --parquet`, read back by DuckDB: the values of `--jsonl`, partitions that are passed over, a folder that captures share.
//!
//! The Python that `WIRELORE_DUCKDB` names, or else `python3`, must have the package `duckdb`; without it the tests skip themselves loudly.
#![cfg(feature = "parquet")]

mod support;

use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::root;

fn python() -> Option<String> {
    let python = std::env::var("WIRELORE_DUCKDB").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    if !has {
        eprintln!("!!!! SKIPPED, NOT PASSED: no Python with DuckDB (pip install duckdb; WIRELORE_DUCKDB names the Python)");
    }
    has.then_some(python)
}

/// Rows of a query as objects, made by the engine itself; times in UTC.
const READER: &str = "
import duckdb, sys
db = duckdb.connect()
db.execute(\"SET TimeZone='UTC'\")
rows = db.execute('SELECT to_json(r)::VARCHAR FROM (' + sys.argv[1] + ') r').fetchall()
print('[' + ','.join(r[0] for r in rows) + ']')
";

fn query(python: &str, sql: &str) -> Vec<Map<String, Value>> {
    let out = Command::new(python).args(["-c", READER, sql]).output().expect("python runs");
    assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn export(args: &[&str], file: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    let out = command.arg("export").args(args).arg("-r").arg(file).env_remove("SSLKEYLOGFILE").output().expect("wirelore runs");
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

fn capture(name: &str) -> PathBuf {
    root().join("captures").join(name)
}

/// All files below a folder as one table.
fn table(folder: &Path) -> String {
    format!("read_parquet('{}/**/*.parquet', hive_partitioning=true, union_by_name=true)", folder.display())
}

#[test]
fn duckdb_reads_what_the_json_lines_say() {
    let Some(python) = python() else { return };
    for (of, id) in [("messages", "message"), ("packets", "packet"), ("exchanges", "exchange"), ("connections", "connection")] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = capture("tour.pcapng");
        export(&["--parquet", folder.path().to_str().expect("a path"), "--of", of], &file);
        let theirs = query(&python, &format!("SELECT * FROM {} ORDER BY {id}", table(folder.path())));
        let ours: Vec<Map<String, Value>> =
            export(&["--jsonl", "--of", of], &file).lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        assert_eq!(theirs.len(), ours.len(), "{of}");
        let mut compared = 0;
        for (theirs, ours) in theirs.iter().zip(&ours) {
            let mut fields = ours.get("fields").and_then(Value::as_object).cloned().unwrap_or_default();
            for (name, ours) in ours.iter().filter(|(name, _)| *name != "fields") {
                let theirs = &theirs[name];
                if let (true, Some(text), Some(ours)) = (name.ends_with("time"), theirs.as_str(), ours.as_str()) {
                    // Theirs are microseconds, and leave zeros at the end out.
                    let ours = ours.get(..26).expect("a time").replace('T', " ");
                    let theirs = text.trim_end_matches("+00").trim_end_matches("+00:00");
                    let theirs = if theirs.contains('.') { format!("{theirs:0<26}") } else { format!("{theirs}.000000") };
                    assert_eq!(theirs, ours, "{of} {name}");
                } else {
                    assert_eq!(theirs, ours, "{of} {name}");
                }
                compared += 1;
            }
            if let Some(ns) = theirs.get("time_ns").and_then(Value::as_i64) {
                let nanos = ours["time"].as_str().and_then(|t| t.get(20..29)).and_then(|n| n.parse().ok());
                assert_eq!(Some(ns.rem_euclid(1_000_000_000)), nanos, "{of}");
            }
            // A key field stands in its column or in `more`, and nowhere else is any.
            let more: Map<String, Value> =
                theirs.get("more").and_then(Value::as_str).map(|t| serde_json::from_str(t).expect("JSON")).unwrap_or_default();
            for (name, value) in theirs.iter().filter(|(n, v)| n.contains('.') && !v.is_null()) {
                assert_eq!(fields.remove(name).as_ref(), Some(value), "{of} {name}");
                compared += 1;
            }
            assert_eq!(more, fields, "{of}");
        }
        assert!(compared > 100, "{of}: {compared} values");
    }
}

#[test]
fn a_question_about_a_day_and_a_protocol_opens_only_its_files() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    export(&["--parquet", folder.path().to_str().expect("a path")], &capture("tour.pcapng"));
    let days = query(&python, &format!("SELECT day, protocol, count(*) AS n FROM {} GROUP BY ALL", table(folder.path())));
    let http = days.iter().find(|r| r["protocol"] == "http").expect("HTTP");
    assert!(days.len() > 2, "{days:?}");
    let day = http["day"].as_str().expect("a day");
    let sql = format!("SELECT count(*) AS n FROM {} WHERE day = '{day}' AND protocol = 'http'", table(folder.path()));
    assert_eq!(query(&python, &sql)[0]["n"], http["n"]);
    // Files of other partitions may be no Parquet at all: nobody opens them.
    let other = folder.path().join(format!("day={day}/protocol=spoilt"));
    std::fs::create_dir(&other).expect("a folder");
    std::fs::write(other.join("x-part-0.parquet"), b"not one").expect("a file");
    let glob = format!("read_parquet('{}/*/*/*.parquet', hive_partitioning=true)", folder.path().display());
    let sql = format!("SELECT summary, time FROM {glob} WHERE protocol = 'http' AND summary LIKE 'GET %'");
    let columns = query(&python, &sql);
    assert!(!columns.is_empty());
}

#[test]
fn captures_of_a_fleet_share_a_folder_and_an_export_again_takes_the_place_of_its_own() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().to_str().expect("a path");
    // Two captures of one name, as hosts of a fleet have them.
    let hosts = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for (host, name) in [("one", "tour.pcapng"), ("two", "http1/everyday.pcapng")] {
        let at = hosts.path().join(host);
        std::fs::create_dir(&at).expect("a folder");
        std::fs::copy(capture(name), at.join("trace.pcapng")).expect("a copy");
        files.push(at.join("trace.pcapng"));
    }
    let rows = |file: &Path| export(&["--jsonl"], file).lines().count() as u64;
    let sum: u64 = files.iter().map(|f| rows(f)).sum();
    for _ in 0..2 {
        files.iter().for_each(|f| _ = export(&["--parquet", to], f));
        let got = query(&python, &format!("SELECT count(*) AS n, count(DISTINCT capture) AS c FROM {}", table(folder.path())));
        assert_eq!((got[0]["n"].as_u64(), got[0]["c"].as_u64()), (Some(sum), Some(2)));
    }
    // The question that one asks of a fleet: which hosts answer slowly, or with errors.
    let sql = format!(
        "SELECT capture, \"http.response.code\" AS code, count(*) AS n FROM {} WHERE protocol = 'http' AND code IS NOT NULL GROUP BY ALL",
        table(folder.path())
    );
    let codes = query(&python, &sql);
    assert!(codes.iter().any(|r| r["code"] == 200), "{codes:?}");
}

#[test]
fn what_cannot_be_written_is_said_with_the_code_for_writing() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let to = file.path().join("below");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    let out =
        command.args(["export", "--parquet"]).arg(&to).arg("-r").arg(capture("tour.pcapng")).output().expect("wirelore runs");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(15) && said.contains("Choose a folder"), "{said}");
}
