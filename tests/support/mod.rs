//! What the tests of the house share: finding captures, reading them, goldens.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod exceptions;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use wirelore::session::{Session, SessionOptions};
use wirelore_capture::{Options, Source};
use wirelore_dissectors::TABLE;
use wirelore_kit::row::NONE;
use wirelore_store::{CellView, Snapshot};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, sorted; build results and version control are left out.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "node_modules") {
                found.extend(files(&path));
            }
        } else {
            found.push(path);
        }
    }
    found
}

/// Whether a file's name is that of a capture.
pub fn is_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz"].iter().any(|end| name.ends_with(end))
}

/// The captures of the project.
pub fn own() -> Vec<PathBuf> {
    let found: Vec<PathBuf> = files(&root().join("captures")).into_iter().filter(|p| is_capture(p)).collect();
    assert!(!found.is_empty(), "the folder `captures` holds no capture");
    found
}

/// The corpus folder, or `None` after saying loudly that it is missing.
pub fn corpus() -> Option<PathBuf> {
    let dir = std::env::var_os("WIRELORE_CORPUS").map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("!!!! SKIPPED, NOT PASSED: no corpus folder at {} (WIRELORE_CORPUS names another)", dir.display());
    None
}

/// The captures of the corpus folder that are whole.
pub fn corpus_captures() -> Vec<PathBuf> {
    let Some(dir) = corpus() else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).filter(|p| is_capture(p)).collect();
    found.sort();
    found
}

/// The project's captures, those of the corpus folder, its malformed ones, and those of the folder that `MORE` names (what a fuzzer has
/// made, say). `ONLY=word` keeps those whose path holds the word.
pub fn every() -> Vec<PathBuf> {
    let mut found = own();
    found.extend(corpus_captures());
    if let Some(dir) = corpus() {
        found.extend(files(&dir.join("malformed")));
    }
    if let Some(more) = std::env::var_os("MORE") {
        found.extend(files(Path::new(&more)));
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    found.retain(|p| p.to_string_lossy().contains(&only));
    found
}

/// A capture's name as messages say it.
pub fn name(path: &Path) -> String {
    path.strip_prefix(root().join("captures"))
        .unwrap_or_else(|_| Path::new(path.file_name().unwrap_or_default()))
        .display()
        .to_string()
}

/// Reads a capture to its end with so many shards; `None` where it is no capture.
pub fn read(path: &Path, shards: usize) -> Option<Session> {
    let source = Source::open(path, Options::default()).ok()?;
    let mut session = Session::start(source, TABLE, SessionOptions { shards: Some(shards), ..SessionOptions::default() });
    session.wait().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(session)
}

/// A cell's value as [`wirelore_engine::laws::Told`] writes it.
pub fn cell(c: &CellView<'_>) -> String {
    match c {
        CellView::U64(n) => n.to_string(),
        CellView::I64(n) => n.to_string(),
        CellView::Text(t) => wirelore_kit::Text(t).to_string(),
        CellView::Ip4(a) => std::net::Ipv4Addr::from(*a).to_string(),
        CellView::Ip6(a) => std::net::Ipv6Addr::from(*a).to_string(),
    }
}

/// A message's row in words: what names it, what is in it, what was found.
pub fn message(s: &Snapshot, id: u32) -> String {
    let Some(m) = s.message(id) else { return "no such message".into() };
    let cells: Vec<String> = s.cells(id).map(|(f, c)| format!("{}={}", f.name, cell(&c))).collect();
    let notes: Vec<&str> = s.notes_of_message(id).iter().map(|n| n.note.name).collect();
    format!(
        "{}.{} {} {:?} {}+{} first {} done {} {:?} exchange {} {:?} {cells:?} {notes:?}",
        m.conv.flow,
        m.conv.inner,
        s.schema().protocol_name(m.protocol),
        m.dir,
        m.at,
        m.len,
        m.first,
        if m.done == NONE { -1 } else { i64::from(m.done) },
        m.state,
        if m.exchange == NONE { -1 } else { i64::from(m.exchange) },
        s.summary(id)
    )
}

/// All rows of a store as lines: packets, flows, messages, exchanges, findings.
pub fn rows(s: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, packets) in s.packet_table().segments() {
        lines.extend(packets.iter().map(|p| format!("packet {p:?}")));
    }
    for f in s.each_flow() {
        let [a, b] = f.ends();
        let row = f.row();
        lines.push(format!(
            "flow {a} {b} {:?} {:?} {:?} {:?} client {} stream {} packets {:?} bytes {:?} {}..{} gaps {} {:?} {:?} tunnel {}",
            row.transport,
            row.protocol(),
            row.evidence,
            row.flags,
            f.client_end(),
            row.stream,
            row.packets,
            row.bytes,
            row.first_packet,
            row.last_packet,
            row.gap_bytes,
            [row.seq_base(0), row.seq_base(1)],
            [row.window_shift(0), row.window_shift(1)],
            s.tunnel(row.tunnel)
        ));
    }
    lines.extend((0..s.messages()).map(|m| format!("message {m}: {}", message(s, m))));
    lines.extend(s.each_exchange().map(|(n, e)| format!("exchange {n}: {e:?}")));
    for (_, n) in s.notes() {
        lines.push(format!("note {} {:?} message {} packet {} flow {}", n.note.name, n.at, n.message, n.packet, n.flow));
    }
    lines.extend(s.facts().damages.iter().map(|d| format!("{d:?}")));
    lines
}

/// Where two lists of lines differ first.
pub fn difference(a: &[String], b: &[String]) -> Option<String> {
    let at = (0..a.len().max(b.len())).find(|i| a.get(*i) != b.get(*i))?;
    let mut words = String::new();
    let none = "(nothing)".to_owned();
    let _ = write!(
        words,
        "row {at} of {} against {}:\n  {}\n  {}",
        a.len(),
        b.len(),
        a.get(at).unwrap_or(&none),
        b.get(at).unwrap_or(&none)
    );
    Some(words)
}

/// Compares with a golden in `tests/golden`; `UPDATE=1` rewrites it.
pub fn golden(file: &str, got: &str) -> Result<(), String> {
    let path = root().join("tests/golden").join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder"))
            .and_then(|()| std::fs::write(&path, got))
            .expect("a golden that can be written");
        return Ok(());
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = |t: &str| t.lines().map(str::to_owned).collect::<Vec<_>>();
    match difference(&lines(&want), &lines(got)) {
        None => Ok(()),
        Some(d) => Err(format!("{file} (UPDATE=1 rewrites it): written, then read: {d}")),
    }
}

/// Fails with all faults at once, the first of them in full.
pub fn no_faults(faults: &[String], of: &str) {
    assert!(faults.is_empty(), "{} faults in {of}:\n{}", faults.len(), faults[..faults.len().min(30)].join("\n"));
}

/// Whether tshark is there; says so loudly if not.
pub fn has_tshark() -> bool {
    let there = std::process::Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("!!!! SKIPPED, NOT PASSED: tshark is not installed");
    }
    there
}
