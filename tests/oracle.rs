//! Another's eyes: every field of our messages that tshark has too, compared by name over the corpus and our own captures.
//!
//! A frame's fields are those of all messages completed in it, in order, as in tshark's `-T fields`. Frames in which only one of the two
//! completes a message of the protocol are left out here and counted: which messages there are is another test's question.
//! Where we differ on purpose stands in `field-exceptions.toml`, each with its reason.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use support::exceptions::{idle, read as read_exceptions};
use support::{corpus_captures, has_tshark, name, own, read};
use wirelore_dissectors::TABLE;
use wirelore_kit::{Cancel, F, Kind, Node, Spec, Tie, Tree, TreeSource, Value, What};

fn oracle(f: F) -> &'static str {
    if f.oracle.is_empty() { f.name } else { f.oracle }
}

/// Names that tshark knows, and how it shows each (`BASE_HEX` and so on).
fn known() -> BTreeSet<String> {
    let out = Command::new("tshark").args(["-G", "fields"]).output().expect("tshark runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().filter(|l| l.starts_with("F\t")).filter_map(|l| l.split('\t').nth(2)).map(str::to_owned).collect()
}

fn fields(spec: &Spec) -> Vec<F> {
    spec.fields.iter().copied().filter(|f| f.kind != Kind::Group && f.oracle != "-").collect()
}

/// tshark's rows by frame: layers, then the values of each name in order.
fn tshark(path: &Path, names: &BTreeSet<&str>) -> Option<Vec<(u32, Vec<String>)>> {
    let mut c = Command::new("tshark");
    c.env("TZ", "UTC").arg("-n").arg("-r").arg(path).args([
        "-T",
        "fields",
        "-E",
        "occurrence=a",
        "-E",
        "separator=/t",
        "-E",
        "aggregator=\u{1f}",
    ]);
    c.args([
        "-o",
        "tcp.reassemble_out_of_order:TRUE",
        "-o",
        "smtp.decryption:TRUE",
        "-e",
        "frame.number",
        "-e",
        "frame.protocols",
    ]);
    names.iter().for_each(|name| {
        c.args(["-e", name]);
    });
    let out = c.output().ok()?;
    let rows = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| l.split('\t').map(str::to_owned).collect::<Vec<_>>())
        .collect::<Vec<_>>();
    Some(rows.into_iter().filter_map(|r| Some((r.first()?.parse::<u32>().ok()? - 1, r.get(1..)?.to_vec()))).collect())
}

fn plain(tree: &Tree, n: &Node) -> String {
    match &n.value {
        // Times go by the second in what we read.
        Value::I64(v) if n.field.kind == Kind::Time => (v / 1_000_000_000).to_string(),
        Value::U64(v) if n.field.kind == Kind::Time => (v / 1_000_000_000).to_string(),
        Value::U64(v) => v.to_string(),
        Value::I64(v) => v.to_string(),
        Value::Bool(b) => u8::from(*b).to_string(),
        Value::Str(s) => s.to_string(),
        Value::Blob(b) if n.field.kind == Kind::Text => String::from_utf8_lossy(b).into_owned(),
        Value::Blob(b) => b.iter().map(|b| format!("{b:02x}")).collect(),
        Value::Span if n.field.kind == Kind::Text => String::from_utf8_lossy(tree.bytes(&n.span)).into_owned(),
        Value::Span => tree.bytes(&n.span).iter().map(|b| format!("{b:02x}")).collect(),
        _ => tree.display(n),
    }
}

fn normal(s: &str, kind: Kind) -> String {
    match kind {
        Kind::Dec | Kind::Hex | Kind::Bool | Kind::Signed => match s {
            "True" => "1".into(),
            "False" => "0".into(),
            _ => {
                s.strip_prefix("0x").and_then(|h| u64::from_str_radix(h, 16).ok()).map_or_else(|| s.to_owned(), |v| v.to_string())
            }
        },
        Kind::Bytes => s.replace(':', ""),
        Kind::Time => seconds(s).map_or_else(|| s.to_owned(), |t| t.to_string()),
        // tshark escapes what would break its lines.
        Kind::Text => {
            let s =
                s.replace("\\r", "\r").replace("\\n", "\n").replace("\\f", "\u{c}").replace("\\t", "\t").replace("\\\"", "\"");
            // It leaves folded lines folded (RFC 5322 section 2.2.3).
            s.replace("\r\n\t", "\t").replace("\r\n ", " ").trim_end().to_owned()
        }
        _ => s.to_owned(),
    }
}

/// Seconds since the epoch of `Dec  7, 2026 03:57:03.000000000 UTC`.
fn seconds(s: &str) -> Option<i64> {
    let words: Vec<&str> = s.split_whitespace().collect();
    let [month, day, year, time, "UTC"] = words.as_slice() else { return None };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|m| m == month)? as i8 + 1;
    let day: i8 = day.trim_end_matches(',').parse().ok()?;
    let hms: Vec<i8> = time.split('.').next()?.split(':').filter_map(|n| n.parse().ok()).collect();
    let [h, m, sec] = hms.as_slice() else { return None };
    let at = jiff::civil::date(year.parse().ok()?, month, day).at(*h, *m, *sec, 0);
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[test]
fn names_are_those_that_tshark_knows() {
    if !has_tshark() {
        return;
    }
    let known = known();
    let unknown: Vec<String> = TABLE
        .iter()
        .flat_map(|s| fields(s))
        .filter(|f| !known.contains(oracle(f)))
        .map(|f| format!("{} ({})", f.name, oracle(f)))
        .collect();
    assert!(
        unknown.is_empty(),
        "fields that tshark has not, and that do not say so with `.oracle(\"-\")`:\n{}",
        unknown.join("\n")
    );
}

#[test]
fn values_are_those_of_tshark() {
    if !has_tshark() {
        return;
    }
    let (known, exceptions) = (known(), read_exceptions("field-exceptions.toml"));
    let mut used = BTreeSet::new();
    let mut compared: BTreeMap<&str, u64> = BTreeMap::new();
    let mut wrong: BTreeMap<&str, (u64, String)> = BTreeMap::new();
    let (mut both, mut one) = (0u64, 0u64);
    let most = if std::env::var_os("ALL").is_some() { u64::MAX } else { 3 };
    let only = std::env::var("ONLY").unwrap_or_default();
    for path in own().into_iter().chain(corpus_captures()).filter(|p| p.to_string_lossy().contains(&only)) {
        let capture = name(&path);
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        for (index, spec) in TABLE.iter().enumerate() {
            if !s.each_message().any(|(_, m)| usize::from(m.protocol) == index) {
                continue;
            }
            let fields: Vec<F> = fields(spec).into_iter().filter(|f| known.contains(oracle(f))).collect();
            // Several of ours may go by one name there, which tshark fills only once.
            let names: BTreeSet<&str> = fields.iter().map(|f| oracle(f)).collect();
            let Some(rows) = tshark(&path, &names) else { continue };
            for (packet, row) in rows {
                let ids: Vec<u32> = s
                    .messages_done_in(packet)
                    .into_iter()
                    .filter(|m| s.message(*m).is_some_and(|m| usize::from(m.protocol) == index))
                    .collect();
                let layers = row.first().map_or("", String::as_str);
                let theirs_has =
                    layers.split(':').any(|l| l == spec.name || (spec.name == "dns" && matches!(l, "mdns" | "llmnr")));
                if ids.is_empty() || !theirs_has {
                    one += u64::from(ids.is_empty() == theirs_has);
                    continue;
                }
                both += 1;
                let trees: Vec<Tree> =
                    ids.iter().filter_map(|m| session.recall.tree(What::Message(*m), &Cancel::new()).ok()).collect();
                for (column, oracle_name) in names.iter().enumerate() {
                    let mine: Vec<F> = fields.iter().copied().filter(|f| oracle(f) == *oracle_name).collect();
                    let Some(first) = mine.first() else { continue };
                    let ours: Vec<String> = trees
                        .iter()
                        .flat_map(|t| {
                            t.nodes
                                .iter()
                                .filter(|n| n.tie != Tie::Refer && mine.iter().any(|f| n.field.is(f)))
                                .map(|n| plain(t, n))
                        })
                        .map(|v| normal(&v, first.kind))
                        .collect();
                    let theirs = row.get(column + 1).map_or("", String::as_str);
                    let theirs: Vec<String> = if theirs.is_empty() {
                        Vec::new()
                    } else {
                        theirs.split('\u{1f}').filter(|v| *v != "<MISSING>").map(|v| normal(v, first.kind)).collect()
                    };
                    if ours.is_empty() && theirs.is_empty() {
                        continue;
                    }
                    *compared.entry(first.name).or_default() += 1;
                    if ours == theirs {
                        continue;
                    }
                    if let Some(e) = exceptions.iter().position(|e| e.holds(first.name, &capture, packet, &ours, &theirs)) {
                        used.insert(e);
                        continue;
                    }
                    let w = wrong.entry(first.name).or_default();
                    w.0 += 1;
                    if w.0 <= most {
                        w.1.push_str(&format!("\n    {capture} packet {}: ours {ours:?}, tshark's {theirs:?}", packet + 1));
                    }
                }
            }
        }
    }
    println!("{} fields, {} values in {both} frames; {one} frames left out", compared.len(), compared.values().sum::<u64>());
    let list: Vec<String> = wrong.iter().map(|(f, (n, words))| format!("{f}: {n} of {} differ{words}", compared[f])).collect();
    assert!(list.is_empty(), "{} fields differ:\n{}", list.len(), list.join("\n"));
    if only.is_empty() && support::corpus().is_some() {
        let idle = idle(&exceptions, &used);
        assert!(idle.is_empty(), "exceptions that nothing needs any more: {idle:?}");
        assert!(compared.len() > 30, "only {} fields met", compared.len());
    }
}
