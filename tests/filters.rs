//! The filter language against another's: each filter of a table finds the same packets as in tshark, in every capture; what columns say
//! agrees with what reading says; wrong filters are told in words that were read by eye (`tests/filters/wrong.txt`).
//!
//! Where we differ on purpose, or know less, stands in `tests/filters/exceptions.toml`, each with its reason.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use support::{corpus_captures, has_tshark, name, own, read, root};
use wirelore::names::registry;
use wirelore::session::Session;
use wirelore_filter::{FactSource, Filter, TreeRow, Wants, parse};
use wirelore_kit::{Cancel, TreeSource, What};
use wirelore_store::Work;
use wirelore_store::query::{Query, Rows, find};

fn lines(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("tests/filters").join(file)).expect("a table of filters");
    text.lines().map(str::to_owned).filter(|l| !l.is_empty() && !l.starts_with('#')).collect()
}

struct Exception {
    /// Filters that begin so.
    filter: String,
    /// A part of the capture's name.
    capture: String,
    /// Only packets that we do not find are excused; or only those that tshark does not find.
    missing: bool,
    extra: bool,
}

fn exceptions() -> Vec<Exception> {
    let text = std::fs::read_to_string(root().join("tests/filters/exceptions.toml")).expect("the exceptions");
    let table: toml::Table = text.parse().expect("exceptions in TOML");
    let list = table.get("exception").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let mut out = Vec::new();
    for e in &list {
        let text = |key: &str| e.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        assert!(text("reason").len() > 20, "an exception needs a reason: {e}");
        let filters = e.get("filters").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        for f in filters.iter().filter_map(toml::Value::as_str) {
            let only = text("only");
            let (missing, extra) = (only != "extra", only != "missing");
            out.push(Exception { filter: f.to_owned(), capture: text("capture"), missing, extra });
        }
    }
    out
}

/// Frame numbers that tshark finds for each filter: a script in it has a tap for each, so that a capture is read once.
fn tshark(path: &Path, filters: &[String]) -> Option<Vec<BTreeSet<u32>>> {
    let folder = tempfile::tempdir().ok()?;
    let (table, script) = (folder.path().join("filters"), folder.path().join("taps.lua"));
    std::fs::write(&table, filters.join("\n")).ok()?;
    let lua = r#"local n = 0
for line in io.lines(os.getenv("FILTERS")) do
  n = n + 1
  local i = n
  local tap = Listener.new("frame", line)
  function tap.packet(pinfo) print(i .. "\t" .. pinfo.number) end
end"#;
    std::fs::write(&script, lua).ok()?;
    let out = Command::new("tshark")
        .env("TZ", "UTC")
        .env("FILTERS", &table)
        .args(["-n", "-q", "-o", "tcp.reassemble_out_of_order:TRUE", "-o", "smtp.decryption:TRUE", "-r"])
        .arg(path)
        .arg("-X")
        .arg(format!("lua_script:{}", script.display()))
        .output()
        .ok()?;
    let mut found = vec![BTreeSet::new(); filters.len()];
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let Some((i, number)) = line.split_once('\t') else { continue };
        let (Ok(i), Ok(number)) = (i.parse::<usize>(), number.parse::<u32>()) else { continue };
        found.get_mut(i.wrapping_sub(1))?.insert(number);
    }
    // A filter that tshark does not know ends the script; "frame" finds every packet where it ran.
    let ran = found.first().is_some_and(|f| !f.is_empty());
    assert!(ran || !out.stderr.windows(3).any(|w| w == b"lua"), "{}", String::from_utf8_lossy(&out.stderr));
    ran.then_some(found)
}

/// Frame numbers that each filter finds by judging the whole tree of each packet.
fn by_trees(session: &Session, filters: &[Filter]) -> Vec<BTreeSet<u32>> {
    let s = session.store.snapshot();
    let mut wants = Wants::default();
    filters.iter().for_each(|f| wants.facts.extend(f.wants().facts.iter().copied()));
    let facts = FactSource::new(s.clone(), &wants);
    let mut found = vec![BTreeSet::new(); filters.len()];
    for packet in 0..s.packets() {
        let Ok(tree) = session.recall.tree(What::Packet(packet), &Cancel::new()) else { continue };
        let row = TreeRow::new(&tree, &facts, packet);
        for (f, found) in filters.iter().zip(&mut found) {
            if f.holds(&row) {
                found.insert(packet + 1);
            }
        }
    }
    found
}

/// What columns say must agree with what was found by reading.
fn columns_agree(session: &Session, filter: &Filter, found: &BTreeSet<u32>, faults: &mut Vec<String>, capture: &str) {
    let s = session.store.snapshot();
    let rows = |q: &Query| -> BTreeSet<u32> {
        find(&s, q, Rows::Packets, &Work::new()).expect("not cancelled").into_iter().map(|p| p + 1).collect()
    };
    let few = |set: &mut dyn Iterator<Item = &u32>| format!("{:?}", set.take(5).collect::<Vec<_>>());
    if let Some(q) = filter.query() {
        let by_columns = rows(&q);
        if by_columns != *found {
            let (more, less) = (few(&mut by_columns.difference(found)), few(&mut found.difference(&by_columns)));
            faults.push(format!("{} in {capture}: columns find {more} besides and miss {less}", filter.text()));
        }
    }
    if let Some(q) = filter.narrow() {
        let may = rows(&q);
        if !found.is_subset(&may) {
            faults.push(format!("{} in {capture}: columns rule out {}", filter.text(), few(&mut found.difference(&may))));
        }
    }
}

#[test]
fn filters_find_the_packets_that_tshark_finds() {
    if !has_tshark() {
        return;
    }
    let texts = lines("wireshark.txt");
    assert!(texts.len() >= 150, "the table is too short");
    let filters: Vec<Filter> = texts.iter().map(|t| parse(t, registry()).unwrap_or_else(|e| panic!("{}", e.shown(t)))).collect();
    let exceptions = exceptions();
    let mut used = vec![false; exceptions.len()];
    let (mut compared, mut packets) = (0u64, 0u64);
    let mut met: BTreeSet<&str> = BTreeSet::new();
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    let only = std::env::var("ONLY").unwrap_or_default();
    let most = std::env::var("MOST").ok().and_then(|m| m.parse().ok()).unwrap_or(3000);
    for path in own().into_iter().chain(corpus_captures()).filter(|p| p.to_string_lossy().contains(&only)) {
        let capture = name(&path);
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        if s.packets() > most {
            continue;
        }
        let Some(theirs) = tshark(&path, &texts) else { continue };
        let ours = by_trees(&session, &filters);
        for ((filter, text), (ours, theirs)) in filters.iter().zip(&texts).zip(ours.iter().zip(&theirs)) {
            compared += 1;
            packets += theirs.len() as u64;
            if !theirs.is_empty() {
                met.insert(text);
            }
            columns_agree(&session, filter, ours, &mut faults, &capture);
            let missing: Vec<u32> = theirs.difference(ours).copied().collect();
            let extra: Vec<u32> = ours.difference(theirs).copied().collect();
            if missing.is_empty() && extra.is_empty() {
                continue;
            }
            let excuse = exceptions.iter().position(|e| {
                text.starts_with(&e.filter)
                    && capture.contains(&e.capture)
                    && (e.missing || missing.is_empty())
                    && (e.extra || extra.is_empty())
            });
            if let Some(e) = excuse {
                used[e] = true;
                continue;
            }
            let few = |v: &[u32]| format!("{} {:?}", v.len(), v.iter().take(5).collect::<Vec<_>>());
            wrong.entry(text).or_default().push(format!("{capture}: we miss {}, only we find {}", few(&missing), few(&extra)));
        }
    }
    println!("{} filters, {compared} comparisons, {packets} packets found", texts.len());
    let mut words = String::new();
    let shown = if std::env::var_os("ALL").is_some() { usize::MAX } else { 4 };
    for (filter, captures) in &wrong {
        let _ = writeln!(words, "{filter}   ({} captures)", captures.len());
        captures.iter().take(shown).for_each(|c| {
            let _ = writeln!(words, "    {c}");
        });
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(wrong.is_empty(), "{} of {} filters differ:\n{words}", wrong.len(), texts.len());
    if only.is_empty() && support::corpus().is_some() {
        let idle: Vec<String> =
            exceptions.iter().zip(&used).filter(|(_, u)| !**u).map(|(e, _)| format!("{} in {:?}", e.filter, e.capture)).collect();
        assert!(idle.is_empty(), "exceptions that nothing needs any more: {idle:?}");
        let idle: Vec<&str> = texts.iter().map(String::as_str).filter(|t| !met.contains(t)).collect();
        assert!(idle.len() < 12, "filters that find nothing anywhere prove little: {idle:?}");
    }
}

#[test]
fn every_filter_of_the_table_is_read() {
    let wrong: Vec<String> =
        lines("wireshark.txt").iter().filter_map(|t| parse(t, registry()).err().map(|e| e.shown(t))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
