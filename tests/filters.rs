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
use wirelore::filtering;
use wirelore::names::registry;
use wirelore::session::Session;
use wirelore_dissectors::TABLE;
use wirelore_filter::{FactSource, Filter, TreeRow, Type, Wants, parse};
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
    let later = wirelore::later::find_out(&session.recall, &s, &wants, &Work::new()).expect("not cancelled");
    let facts = FactSource::new(s.clone(), &wants).with_later(later);
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

/// What columns say, and what a harvest finds, must agree with what was found by reading each packet's tree.
fn ways_agree(session: &Session, filter: &Filter, found: &BTreeSet<u32>, faults: &mut Vec<String>, capture: &str) {
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
    let by_rows = filtering::rows(filter, &s, &session.recall, Rows::Packets, &Work::new()).expect("not cancelled");
    let by_rows: BTreeSet<u32> = by_rows.into_iter().map(|p| p + 1).collect();
    if by_rows != *found {
        let (more, less) = (few(&mut by_rows.difference(found)), few(&mut found.difference(&by_rows)));
        faults.push(format!("{} in {capture}: a harvest finds {more} besides and misses {less}", filter.text()));
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
    let (mut compared, mut packets, mut excused) = (0u64, 0u64, 0usize);
    let mut met: BTreeSet<&str> = BTreeSet::new();
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    let only = std::env::var("ONLY").unwrap_or_default();
    let most = std::env::var("MOST").ok().and_then(|m| m.parse::<u32>().ok()).unwrap_or(600);
    for path in own().into_iter().chain(corpus_captures()).filter(|p| p.to_string_lossy().contains(&only)) {
        let capture = name(&path);
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        // The corpus has much of a kind: its small captures show as much.
        if s.packets() > most {
            continue;
        }
        let Some(theirs) = tshark(&path, &texts) else { continue };
        let ours = by_trees(&session, &filters);
        // Which messages there are in which packet is another test's question (`tests/oracle.rs`): a filter that looks at a protocol is
        // compared in the packets in which both see it, or neither.
        let base = |protocol: &str| texts.iter().position(|t| t == protocol);
        let unlike = |filter: &Filter| -> BTreeSet<u32> {
            let prefixes = filter.wants().fields.iter().map(|f| f.name.split('.').next().unwrap_or_default());
            let named = filter.wants().protocols.iter().copied();
            let spoken = prefixes.chain(named).filter(|p| TABLE.iter().any(|s| s.name == *p));
            let sets = spoken.filter_map(base).filter_map(|i| Some((ours.get(i)?, theirs.get(i)?)));
            sets.flat_map(|(a, b)| a.symmetric_difference(b).copied().collect::<Vec<_>>()).collect()
        };
        for ((filter, text), (ours, theirs)) in filters.iter().zip(&texts).zip(ours.iter().zip(&theirs)) {
            compared += 1;
            packets += theirs.len() as u64;
            if !theirs.is_empty() {
                met.insert(text);
            }
            // Each way of each filter in some captures: all of them in all would take an hour.
            if compared % 7 == 0 && s.packets() < 400 {
                ways_agree(&session, filter, ours, &mut faults, &capture);
            }
            if ours == theirs {
                continue;
            }
            let unlike = unlike(filter);
            excused += ours.symmetric_difference(theirs).filter(|p| unlike.contains(p)).count();
            let missing: Vec<u32> = theirs.difference(ours).filter(|p| !unlike.contains(p)).copied().collect();
            let extra: Vec<u32> = ours.difference(theirs).filter(|p| !unlike.contains(p)).copied().collect();
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
    println!("{} filters, {compared} comparisons, {packets} packets found, {excused} of unlike messages", texts.len());
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

#[test]
fn wrong_filters_are_told_in_words() {
    let path = root().join("tests/filters/wrong.txt");
    let text = std::fs::read_to_string(&path).expect("the wrong filters");
    let head: String = text.lines().take_while(|l| l.starts_with('#')).map(|l| format!("{l}\n")).collect();
    let mut out = head;
    let mut count = 0;
    // A filter stands behind an empty line; its marks and what is said of it stand below.
    let pairs = text.lines().zip(text.lines().skip(1));
    for filter in pairs.filter(|(before, l)| before.is_empty() && !l.is_empty()).map(|(_, l)| l) {
        count += 1;
        let Err(e) = parse(filter, registry()) else { panic!("{filter} is read without fault") };
        assert!(!e.why.is_empty() || !e.what_to_do.is_empty(), "{filter}: {e:?} helps nobody");
        let marks = "^".repeat(filter.get(e.span.clone()).map_or(0, |t| t.chars().count()).max(1));
        let before = " ".repeat(filter.get(..e.span.start).map_or(0, |t| t.chars().count()));
        let _ = writeln!(out, "\n{filter}\n{before}{marks}\n    {}", e.what);
        [&e.why, &e.what_to_do].iter().filter(|t| !t.is_empty()).for_each(|t| {
            let _ = writeln!(out, "    {t}");
        });
        if !e.nearest.is_empty() {
            let _ = writeln!(out, "    near: {}", e.nearest.join(" "));
        }
    }
    assert!(count >= 60, "only {count} wrong filters");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &out).expect("written");
    }
    assert!(
        out == text || std::env::var_os("BLESS").is_some(),
        "what is said of wrong filters has changed: read it and run with BLESS=1"
    );
}

/// Types that tshark's may have where ours is this.
fn their_types(of: Type) -> &'static [&'static str] {
    match of {
        Type::Nothing | Type::Protocol => &["FT_NONE", "FT_PROTOCOL", "FT_BOOLEAN", "FT_BYTES", "FT_STRING"],
        // A flag of one bit is a number of one bit.
        Type::Bool => &["FT_BOOLEAN", "FT_UINT"],
        Type::Unsigned => &["FT_UINT", "FT_FRAMENUM", "FT_CHAR"],
        Type::Signed => &["FT_INT"],
        Type::Float => &["FT_FLOAT", "FT_DOUBLE"],
        Type::Char => &["FT_CHAR"],
        // Text and bytes compare with one another; what has no value there may have one here.
        Type::Text => &["FT_STRING", "FT_OID", "FT_UINT_STRING", "FT_BYTES", "FT_NONE"],
        Type::Bytes => &["FT_BYTES", "FT_UINT_BYTES", "FT_EUI64", "FT_STRING", "FT_NONE"],
        Type::Ipv4 => &["FT_IPv4"],
        Type::Ipv6 => &["FT_IPv6"],
        Type::Address => &["FT_IPv4", "FT_IPv6"],
        Type::Mac => &["FT_ETHER"],
        // Seconds there are seconds here.
        Type::Duration => &["FT_RELATIVE_TIME", "FT_UINT32"],
        Type::Time => &["FT_ABSOLUTE_TIME"],
    }
}

/// Fields whose type differs on purpose.
const OTHER_TYPES: &[(&str, &str)] = &[
    ("x509af.", "certificates are told as people read them; there names and times are numbers of a choice in the grammar"),
    ("stp.", "times are the numbers that stand in the packet, 1/256 s; there seconds"),
    ("ntp.p", "poll and precision are signed exponents (RFC 5905 section 7.3)"),
    ("protobuf.field.value.", "numbers with a fraction are told as text"),
    ("wlan.htc", "the HT Control field is its bytes"),
];

#[test]
fn types_are_those_of_tshark() {
    if !has_tshark() {
        return;
    }
    let out = Command::new("tshark").args(["-G", "fields"]).output().expect("tshark runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut theirs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().filter(|l| l.starts_with("F\t")) {
        let cells: Vec<&str> = line.split('\t').collect();
        theirs.entry(cells[2]).or_default().push(cells[3]);
    }
    let mut wrong = String::new();
    let mut count = 0;
    for n in registry().names() {
        let Some(types) = theirs.get(n.name) else { continue };
        count += 1;
        if OTHER_TYPES.iter().any(|(start, _)| n.name.starts_with(start)) {
            continue;
        }
        if !types.iter().any(|t| their_types(n.of).iter().any(|o| t.starts_with(o))) {
            let _ = writeln!(wrong, "{} is {:?} to us and {types:?} to tshark", n.name, n.of);
        }
    }
    assert!(count > 700, "only {count} names shared");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn terms_lift_to_conversations_each_by_itself() {
    let path = root().join("captures/http1/everyday.pcapng");
    let session = read(&path, 1).expect("a capture");
    let s = session.store.snapshot();
    let rows = |text: &str, rows: Rows| -> BTreeSet<u32> {
        let filter = parse(text, registry()).unwrap_or_else(|e| panic!("{}", e.shown(text)));
        filtering::rows(&filter, &s, &session.recall, rows, &Work::new()).expect("not cancelled").into_iter().collect()
    };
    let flows_of =
        |packets: BTreeSet<u32>| -> BTreeSet<u32> { packets.iter().filter_map(|p| s.packet(*p)).map(|p| p.flow).collect() };
    // One packet has the status, another the flag: together they are true of no packet, and of a conversation.
    let (a, b) = ("http.response.code >= 400", "tcp.flags.fin == 1 && tcp.len == 0");
    let both = format!("{a} && {b}");
    assert!(rows(&both, Rows::Packets).is_empty());
    let sessions = rows(&both, Rows::Flows);
    let (x, y) = (flows_of(rows(a, Rows::Packets)), flows_of(rows(b, Rows::Packets)));
    assert!(!sessions.is_empty());
    assert_eq!(sessions, x.intersection(&y).copied().collect());
    // not is asked of the conversation: none of its packets.
    let all: BTreeSet<u32> = (0..s.flows()).collect();
    assert_eq!(rows(&format!("not {a}"), Rows::Flows), all.difference(&x).copied().collect());
    // Messages and exchanges likewise.
    assert!(rows("http.request.method == \"GET\" && http.response.code == 404", Rows::Messages).is_empty());
    assert_eq!(
        rows("http.request.method == \"GET\" && http.response.code == 404", Rows::Exchanges).len(),
        rows("http.response.code == 404", Rows::Messages).len()
    );
}
