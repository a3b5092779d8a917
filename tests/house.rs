//! Rules of the house that no compiler holds: walls between rooms, what dissectors must not reach for, files that stay readable, names
//! that mean one thing, prose and captures for everything.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::{files, is_capture, no_faults, root};
use wirelore_dissectors::{TABLE, layers};
use wirelore_kit::{Explanations, F, Field, Note};

/// A room's manifest, what it may depend on, and what its tests may besides. Other crates are listed for rooms that must stay pure.
struct Room {
    folder: &'static str,
    rooms: &'static [&'static str],
    test_rooms: &'static [&'static str],
    /// Crates of others that it may use; empty: any but those of [`NOWHERE_BUT`].
    others: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room {
        folder: "dissectors/kit",
        rooms: &[],
        test_rooms: &[],
        others: &["bytes", "flate2", "hashbrown", "libdeflater", "miniz_oxide", "toml", "serde", "memchr", "smallvec"],
    },
    Room {
        folder: "dissectors",
        rooms: &["kit"],
        test_rooms: &["engine", "capture"],
        others: &[
            "bytes",
            "memchr",
            "smallvec",
            "miniz_oxide",
            "brotli-decompressor",
            "ruzstd",
            "encoding_rs",
            "sha1",
            // TLS: ring for whole AEAD records, hashes and signatures; the rest for what ring does not have.
            "ring",
            "aes",
            "camellia",
            "cipher",
            "des",
            "idea",
            "md-5",
            "rc2",
        ],
    },
    Room {
        folder: "src/engine",
        rooms: &["kit"],
        test_rooms: &[],
        others: &["etherparse", "hashbrown", "bytes", "smallvec", "memchr"],
    },
    Room {
        folder: "src/store",
        rooms: &["kit"],
        test_rooms: &[],
        others: &["arc-swap", "crossbeam-channel", "hashbrown", "memchr"],
    },
    Room { folder: "src/capture", rooms: &[], test_rooms: &[], others: &[] },
    Room { folder: "src/content", rooms: &["kit"], test_rooms: &[], others: &["encoding_rs"] },
    Room { folder: "src/ca", rooms: &[], test_rooms: &[], others: &[] },
    Room {
        folder: "src/gate",
        rooms: &["kit"],
        test_rooms: &["dissectors"],
        others: &["base64", "bytes", "regex", "serde", "serde_json", "toml"],
    },
    Room { folder: "src/filter", rooms: &["kit", "store"], test_rooms: &[], others: &["memchr", "regex"] },
    Room { folder: "src/sniffer", rooms: &[], test_rooms: &[], others: &["pcap", "rustix", "serde_json"] },
    Room { folder: "src/record", rooms: &["capture"], test_rooms: &[], others: &["bytes", "rustix"] },
    Room { folder: "src/proxy", rooms: &["engine", "kit", "ca", "gate", "record"], test_rooms: &["dissectors"], others: &[] },
    Room { folder: "src/export", rooms: &["store", "kit"], test_rooms: &[], others: &[] },
    Room { folder: "src/parquet", rooms: &["export", "kit"], test_rooms: &[], others: &["parquet", "serde_json", "tempfile"] },
    Room { folder: "src/window", rooms: &["store", "content", "filter", "kit"], test_rooms: &[], others: &[] },
];

/// Crates that only some rooms may use: the window cannot parse, exports do no networking, and so on.
const NOWHERE_BUT: &[(&str, &[&str])] = &[
    ("tokio", &["src/proxy"]),
    ("rustls", &["src/proxy", "src/ca"]),
    ("parquet", &["src/parquet"]),
    ("pcap", &["src/sniffer"]),
    ("pcap-parser", &["src/capture"]),
    ("etherparse", &["src/engine"]),
    ("egui", &["src/window"]),
    ("eframe", &["src/window"]),
];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn sources() -> Vec<PathBuf> {
    files(root()).into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs")).collect()
}

fn dependencies(manifest: &toml::Table, section: &str) -> Vec<String> {
    let own = manifest.get(section).and_then(toml::Value::as_table);
    let by_target = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let by_target = by_target.filter_map(|(_, t)| t.get(section)?.as_table());
    own.into_iter().chain(by_target).flat_map(|t| t.keys().cloned()).collect()
}

#[test]
fn rooms_know_only_the_rooms_below_them() {
    let mut faults = Vec::new();
    let workspace: toml::Table = read(&root().join("Cargo.toml")).parse().expect("a manifest");
    let members = workspace["workspace"]["members"].as_array().expect("members").iter().filter_map(|m| m.as_str());
    for member in members {
        let Some(room) = ROOMS.iter().find(|r| r.folder == member) else {
            faults.push(format!("{member} is a room that this test does not know: say what it may depend on"));
            continue;
        };
        let manifest: toml::Table = read(&root().join(member).join("Cargo.toml")).parse().expect("a manifest");
        for (section, more) in [("dependencies", &[][..]), ("build-dependencies", &[]), ("dev-dependencies", room.test_rooms)] {
            for name in dependencies(&manifest, section) {
                if let Some(other) = name.strip_prefix("wirelore-") {
                    if !room.rooms.contains(&other) && !more.contains(&other) {
                        faults.push(format!("{member} must not know {name} ({section})"));
                    }
                } else if section != "dev-dependencies" {
                    if !room.others.is_empty() && !room.others.contains(&name.as_str()) {
                        faults.push(format!("{member} must stay pure: {name} is not among {:?}", room.others));
                    }
                    if NOWHERE_BUT.iter().any(|(n, rooms)| *n == name && !rooms.contains(&member)) {
                        faults.push(format!("{member} must not use {name}"));
                    }
                }
            }
        }
        if manifest.get("lints").and_then(|l| l.get("workspace")) != Some(&toml::Value::Boolean(true)) {
            faults.push(format!("{member} does not keep the lints of the workspace"));
        }
    }
    no_faults(&faults, "manifests");
}

#[test]
fn every_version_is_written_once() {
    let mut faults = Vec::new();
    let workspace: toml::Table = read(&root().join("Cargo.toml")).parse().expect("a manifest");
    let members = workspace["workspace"]["members"].as_array().expect("members").iter().filter_map(|m| m.as_str());
    for member in members.chain([""]) {
        let manifest: toml::Table = read(&root().join(member).join("Cargo.toml")).parse().expect("a manifest");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, how) in manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
                if how.get("workspace") != Some(&toml::Value::Boolean(true)) {
                    faults.push(format!("{member}/Cargo.toml: {name} does not say `workspace = true`"));
                }
            }
        }
    }
    let lock: toml::Table = read(&root().join("Cargo.lock")).parse().expect("a lock file");
    for package in lock["package"].as_array().expect("packages") {
        let source = package.get("source").and_then(toml::Value::as_str).unwrap_or_default();
        if !matches!(source, "" | "registry+https://github.com/rust-lang/crates.io-index") {
            faults.push(format!("Cargo.lock takes {} from {source}", package["name"]));
        }
    }
    no_faults(&faults, "manifests");
}

/// A source's code without its comments, and without the tests at its end.
fn code(text: &str) -> Vec<(usize, &str)> {
    let end = text.lines().position(|l| l.trim_start().starts_with("#[cfg(test)]")).unwrap_or(usize::MAX);
    let lines = text.lines().enumerate().take_while(|(i, _)| *i < end);
    lines.map(|(i, l)| (i + 1, l.split("//").next().unwrap_or(l))).filter(|(_, l)| !l.trim().is_empty()).collect()
}

fn is_test(path: &Path) -> bool {
    let name = short(path);
    ["tests/", "/tests.rs", "benches/", "examples/", "/cases/"].iter().any(|t| name.contains(t))
}

#[test]
fn readers_of_protocols_reach_for_nothing_outside() {
    // The path is written apart so that this file does not name what it forbids.
    let banned: Vec<String> = ["fs", "thread", "time", "process", "env", "os"].iter().map(|m| format!("std::{m}")).collect();
    let net = ["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs"];
    let also = ["Instant::now", "SystemTime", "println!", "eprintln!"];
    let mut faults = Vec::new();
    for path in sources().iter().filter(|p| !is_test(p)) {
        let name = short(path);
        if !["dissectors/", "src/engine/"].iter().any(|r| name.starts_with(r)) {
            continue;
        }
        let text = read(path);
        for (n, line) in code(&text) {
            let hit = banned.iter().map(String::as_str).chain(net).chain(also).find(|b| line.contains(b));
            if let Some(b) = hit {
                faults.push(format!("{name}:{n}: {b}: no files, sockets, threads or clocks here"));
            }
        }
    }
    no_faults(&faults, "dissectors and engine");
}

/// Folders of protocols: those of `dissectors` that are neither shared help nor packet headers.
fn protocols() -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir(root().join("dissectors"))
        .expect("the folder of dissectors")
        .flatten()
        .filter(|e| e.path().join("mod.rs").is_file())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| !matches!(n.as_str(), "coding" | "layers" | "tests"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no folder of a protocol");
    found
}

#[test]
fn no_protocol_knows_another() {
    let folders: Vec<String> = protocols().into_iter().chain(["layers".into()]).collect();
    let mut faults = Vec::new();
    for own in folders.iter().chain([&"coding".to_owned()]) {
        for path in files(&root().join("dissectors").join(own)).iter().filter(|p| p.extension().is_some_and(|e| e == "rs")) {
            let text = read(path);
            for (n, line) in code(&text) {
                for other in folders.iter().filter(|o| *o != own) {
                    if line.contains(&format!("crate::{other}")) || line.contains(&format!("super::super::{other}")) {
                        faults.push(format!("{}:{n}: knows {other}", short(path)));
                    }
                }
            }
        }
    }
    no_faults(&faults, "dissectors");
}

#[test]
fn every_protocol_has_all_its_parts() {
    let mut faults = Vec::new();
    for name in protocols() {
        let folder = root().join("dissectors").join(&name);
        for part in ["mod.rs", "fields.rs", "explain.en.toml"] {
            if !folder.join(part).is_file() {
                faults.push(format!("dissectors/{name} has no {part}"));
            }
        }
        if !files(&folder.join("cases")).iter().any(|p| p.extension().is_some_and(|e| e == "txt")) {
            faults.push(format!("dissectors/{name} has no case in cases/*.txt"));
        }
        if name.starts_with('_') {
            continue;
        }
        let samples = root().join("captures").join(&name);
        if !files(&samples).iter().any(|p| is_capture(p)) {
            faults.push(format!("captures/{name} holds no capture"));
        }
        let named = |file: &str| read(&root().join("dissectors/lib.rs")).contains(file);
        if !named(&format!("mod {name};")) {
            faults.push(format!("{name} is not in dissectors/lib.rs"));
        }
    }
    no_faults(&faults, "protocols");
}

#[test]
fn every_capture_says_where_it_is_from() {
    let mut faults = Vec::new();
    let captures = root().join("captures");
    for path in files(&captures).iter().filter(|p| is_capture(p)) {
        let folder = path.parent().expect("a folder");
        let readme = folder.join("README.md");
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        if !readme.is_file() {
            faults.push(format!("{}: no README.md beside it", short(path)));
            continue;
        }
        let text = read(&readme);
        if !text.contains(&*file) {
            faults.push(format!("{} does not speak of {file}", short(&readme)));
        }
        if !text.contains("Licen") {
            faults.push(format!("{} names no licence", short(&readme)));
        }
        let maker = folder.join("make.sh").is_file() || text.contains("make.sh");
        if !maker {
            faults.push(format!("{}: nothing says how it was made", short(path)));
        }
    }
    for path in files(&captures).iter().filter(|p| p.to_string_lossy().ends_with(".story.toml")) {
        let story: toml::Table = match read(path).parse() {
            Ok(story) => story,
            Err(e) => {
                faults.push(format!("{}: {e}", short(path)));
                continue;
            }
        };
        let capture = story.get("capture").and_then(toml::Value::as_str).unwrap_or_default();
        if capture.is_empty() || !path.parent().expect("a folder").join(capture).is_file() {
            faults.push(format!("{}: there is no capture {capture:?}", short(path)));
        }
        let steps = story.get("step").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
        if steps.is_empty() {
            faults.push(format!("{}: no steps", short(path)));
        }
        for (n, step) in steps.iter().enumerate() {
            let missing: Vec<&str> = ["title", "text", "filter"]
                .into_iter()
                .filter(|k| step.get(k).and_then(toml::Value::as_str).is_none_or(str::is_empty))
                .collect();
            if !missing.is_empty() {
                faults.push(format!("{}: step {} has no {missing:?}", short(path), n + 1));
            }
        }
    }
    no_faults(&faults, "captures");
}

#[test]
fn every_source_is_short_and_begins_by_saying_what_it_is_for() {
    const MOST: usize = 800;
    let mut faults = Vec::new();
    for path in sources() {
        let text = read(&path);
        let lines = text.lines().count();
        if lines > MOST {
            faults.push(format!("{} has {lines} lines: more than {MOST} are too many for one idea", short(&path)));
        }
        let first = text.lines().next().unwrap_or_default();
        let says = first
            .strip_prefix("//! ")
            .is_some_and(|s| s.len() > 10 && text.lines().take(6).any(|l| l.starts_with("//!") && l.contains('.')));
        if !says {
            faults.push(format!("{} does not begin with a sentence that says what it is for", short(&path)));
        }
    }
    no_faults(&faults, "sources");
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let here = root().display().to_string();
    // Written apart, so that this file does not find itself.
    let mut needles =
        vec![format!("{here}/"), format!("{}/", "/home"), format!("{}/.", "/root"), format!("CARGO_TARGET_DIR={}", "/")];
    if let Some(above) = root().parent().map(|p| p.display().to_string()).filter(|p| p.len() > 1 && p != "/tmp") {
        needles.push(format!("{above}/"));
    }
    let beside = format!("../{}/", "shared");
    let mut faults = Vec::new();
    for path in files(root()) {
        let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !matches!(kind, "rs" | "toml" | "md" | "py" | "sh" | "yml" | "txt" | "json" | "" | "lock") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (n, line) in text.lines().enumerate() {
            for needle in needles.iter().filter(|n| line.contains(n.as_str())) {
                faults.push(format!("{}:{}: names {needle}", short(&path), n + 1));
            }
            let mut rest = line;
            while let Some(at) = rest.find(&beside) {
                rest = &rest[at + beside.len()..];
                if !rest.starts_with("corpus") {
                    faults.push(format!("{}:{}: names a folder outside of the repository", short(&path), n + 1));
                }
            }
        }
    }
    no_faults(&faults, "texts");
}

/// Every field of the house, once for each place that lists it.
fn all_fields() -> Vec<(&'static str, F)> {
    let kit: [F; 3] = [&wirelore_kit::UNKNOWN, &wirelore_kit::TRAILING, &wirelore_kit::DATA];
    let door: [F; 2] = [&wirelore::recall::TCP_PAYLOAD, &wirelore::recall::UDP_PAYLOAD];
    let mut found: Vec<(&'static str, F)> =
        kit.into_iter().map(|f| ("kit", f)).chain(door.into_iter().map(|f| ("door", f))).collect();
    found.extend(TABLE.iter().flat_map(|s| s.fields.iter().map(|f| (s.name, *f))));
    found.extend(layers::LAYERS.iter().flat_map(|l| l.fields.iter().map(|f| (l.name, *f))));
    found
}

fn all_notes() -> Vec<(&'static str, &'static Note)> {
    let mut found: Vec<(&'static str, &'static Note)> = wirelore_kit::note::NOTES.iter().map(|n| ("kit", *n)).collect();
    found.extend(wirelore_engine::shard::NOTES.iter().map(|n| ("engine", *n)));
    found.extend(TABLE.iter().flat_map(|s| s.notes.iter().map(|n| (s.name, *n))));
    found.extend(layers::LAYERS.iter().flat_map(|l| l.notes.iter().map(|n| (l.name, *n))));
    found
}

#[test]
fn a_name_means_one_field_and_one_note() {
    let mut faults = Vec::new();
    let mut fields: BTreeMap<&str, (&str, F)> = BTreeMap::new();
    for (owner, f) in all_fields() {
        let (other, first) = *fields.entry(f.name).or_insert((owner, f));
        if !std::ptr::eq::<Field>(first, f) {
            faults.push(format!("{} is defined by {other} and again by {owner}", f.name));
        }
        if f.name.chars().any(|c| !(c.is_ascii_alphanumeric() || "._-".contains(c))) || f.label.is_empty() {
            faults.push(format!("{owner}: {:?} is no filter name, or has no label", f.name));
        }
    }
    let mut notes: BTreeMap<&str, (&str, &Note)> = BTreeMap::new();
    for (owner, n) in all_notes() {
        let (other, first) = *notes.entry(n.name).or_insert((owner, n));
        if !std::ptr::eq(first, n) {
            faults.push(format!("note {} is defined by {other} and again by {owner}", n.name));
        }
        if fields.contains_key(n.name) {
            faults.push(format!("{} is a note and a field", n.name));
        }
    }
    no_faults(&faults, "fields and notes");
}

#[test]
fn everything_that_can_be_shown_is_explained() {
    let prose: Vec<(&str, &str)> = (TABLE.iter().flat_map(|s| s.explain.iter().copied()))
        .chain(layers::LAYERS.iter().flat_map(|l| l.explain.iter().copied()))
        .chain(
            wirelore_kit::explain::COMMON.iter().chain(wirelore_engine::shard::EXPLAIN).chain(wirelore::recall::EXPLAIN).copied(),
        )
        .collect();
    let mut all = Explanations::default();
    for (_, text) in prose.iter().filter(|(language, _)| *language == "en") {
        all.join(Explanations::parse(text).unwrap_or_else(|e| panic!("{e}")));
    }
    let mut faults: Vec<String> = all_fields()
        .iter()
        .filter(|(_, f)| all.field.get(f.name).is_none_or(|p| p.what.is_empty()))
        .map(|(o, f)| format!("{o}: nothing is said of the field {}", f.name))
        .collect();
    for (owner, n) in all_notes() {
        if all.note.get(n.name).is_none_or(|p| p.cause.is_empty() || p.cure.is_empty()) {
            faults.push(format!("{owner}: the note {} needs a cause and a cure", n.name));
        }
    }
    let fields: BTreeSet<&str> = all_fields().iter().map(|(_, f)| f.name).collect();
    let notes: BTreeSet<&str> = all_notes().iter().map(|(_, n)| n.name).collect();
    // Verdicts of the analysis are filter names too, and explained with TCP.
    let verdicts: BTreeSet<&str> = wirelore_kit::verdict::ALL.iter().map(|v| v.name).collect();
    let aliases: BTreeSet<&str> = layers::ALIASES.iter().map(|(name, _)| *name).collect();
    faults.extend(
        all.field
            .keys()
            .filter(|k| ![&fields, &verdicts, &aliases].iter().any(|s| s.contains(k.as_str())))
            .map(|k| format!("prose speaks of {k}, which is no field")),
    );
    faults.extend(
        all.note.keys().filter(|k| !notes.contains(k.as_str())).map(|k| format!("prose speaks of {k}, which is no note")),
    );
    no_faults(&faults, "prose");
}
