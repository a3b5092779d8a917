//! `wirelore stats` beside `tshark -z`, number by number; and `assert`, told by its exit code.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{every, name, no_faults, own};

fn wirelore(args: &[&str]) -> (i32, String, String) {
    let out =
        Command::new(env!("CARGO_BIN_EXE_wirelore")).args(args).env_remove("SSLKEYLOGFILE").output().expect("wirelore runs");
    let text = |b: Vec<u8>| String::from_utf8_lossy(&b).into_owned();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

fn stats(file: &Path, which: &str) -> String {
    let (code, out, err) = wirelore(&["stats", "-q", "-r", &file.to_string_lossy(), "-z", which]);
    assert_eq!(code, 0, "{} {which}: {err}", file.display());
    out
}

/// What tshark says; nothing where it is missing.
fn tshark(file: &Path, which: &str) -> Option<String> {
    let out = Command::new("tshark").env("TZ", "UTC").args(["-n", "-q", "-z", which, "-r"]).arg(file).output().ok()?;
    Some(String::from_utf8_lossy(&out.stdout).into_owned())
}

fn has_tshark() -> bool {
    let there = Command::new("tshark").arg("--version").output().is_ok();
    if !there {
        eprintln!("!!!! SKIPPED: tshark is not installed, nothing to compare statistics with (apt install tshark)");
    }
    there
}

#[test]
fn dump_hands_statistics_over() {
    let tour = support::root().join("captures/tour.pcapng");
    for which in ["conv,tcp", "io,phs", "io,stat,1", "endpoints,ip", "expert"] {
        let (code, out, err) = wirelore(&["dump", "-q", "-r", &tour.to_string_lossy(), "-z", which]);
        assert!(code == 0 && !out.is_empty(), "{which}: {err}");
        assert_eq!(out, stats(&tour, which), "{which}");
    }
    let (code, _, err) = wirelore(&["dump", "-q", "-r", &tour.to_string_lossy(), "-z", "nonsense"]);
    assert!(code == 1 && err.contains("conv,tcp"), "{err}");
}

/// Small captures; the tour's comments are a layer to tshark, tunnels are several conversations to it, of which we list the innermost, and
/// packets without a time have one for it.
fn captures() -> Vec<PathBuf> {
    let odd = ["tour", "mixed", "oddities", "deep", "ipip", "gre", "vxlan", "geneve", "frag"];
    let small = |p: &PathBuf| p.metadata().is_ok_and(|m| m.len() < 200_000);
    every().into_iter().filter(small).filter(|p| !odd.iter().any(|o| name(p).contains(o))).take(90).collect()
}

/// Rows of a table by what they begin with, words joined by one space.
fn rows(table: &str, of: impl Fn(&str) -> bool) -> BTreeSet<String> {
    table.lines().filter(|l| of(l)).map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn is_row(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':') && line.split_whitespace().count() > 6
}

/// Ours must be the same; of others' captures, which hold what tshark counts by each header and we by the innermost conversation, nine of ten.
fn compare(which: &str) {
    if !has_tshark() {
        return;
    }
    let (mut faults, mut odd, mut same) = (Vec::new(), Vec::new(), 0usize);
    let ours_too = own();
    for file in captures() {
        let Some(theirs) = tshark(&file, which) else { return };
        let (ours, theirs) = (rows(&stats(&file, which), is_row), rows(&theirs, is_row));
        if ours == theirs {
            same += 1;
            continue;
        }
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).take(2).cloned().collect::<Vec<_>>().join(" | ");
        let fault = format!("{}: only ours: {}; only theirs: {}", name(&file), only(&ours, &theirs), only(&theirs, &ours));
        if ours_too.contains(&file) { faults.push(fault) } else { odd.push(fault) }
    }
    eprintln!("{which}: {same} captures the same, {} not\n{}", odd.len(), odd.join("\n"));
    if odd.len() * 9 > same {
        faults.extend(odd);
    }
    no_faults(&faults, which);
}

#[test]
fn tcp_conversations_are_those_of_tshark() {
    compare("conv,tcp");
}

#[test]
fn udp_conversations_are_those_of_tshark() {
    compare("conv,udp");
}

#[test]
fn conversations_between_addresses_are_those_of_tshark() {
    compare("conv,ip");
}

#[test]
fn endpoints_are_those_of_tshark() {
    compare("endpoints,ip");
    compare("endpoints,tcp");
}

#[test]
fn a_filter_narrows_statistics_as_it_does_for_tshark() {
    compare("conv,tcp,tcp.port == 80");
}

#[test]
fn traffic_over_time_is_that_of_tshark() {
    if !has_tshark() {
        return;
    }
    let cells = |table: &str| -> Vec<Vec<String>> {
        let lines = table.lines().filter(|l| l.contains("<>"));
        // What stands before the first number column is the interval, which tshark pads by its own rules.
        lines.map(|l| l.split('|').skip(2).map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect()).collect()
    };
    let mut faults = Vec::new();
    for file in
        own().into_iter().filter(|p| !["mixed", "broken", "control", "fragments", "deep"].iter().any(|o| name(p).contains(o)))
    {
        for which in ["io,stat,0.5", "io,stat,1,tcp,udp"] {
            let Some(theirs) = tshark(&file, which) else { return };
            let (ours, theirs) = (cells(&stats(&file, which)), cells(&theirs));
            if ours != theirs {
                faults.push(format!("{} {which}:\n  ours   {ours:?}\n  theirs {theirs:?}", name(&file)));
            }
        }
    }
    no_faults(&faults, "io,stat");
}

#[test]
fn the_hierarchy_counts_as_tshark_does_down_to_the_transport() {
    if !has_tshark() {
        return;
    }
    // Packets with comments stand in a branch of their own there: what counts is the sum over all branches.
    let counts = |table: &str| -> BTreeMap<String, (u64, u64)> {
        let known = ["arp", "ip", "ipv6", "tcp", "udp", "icmp", "icmpv6"];
        let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (name, counts) in table.lines().filter_map(|l| l.trim().split_once(" frames:")) {
            let Some((frames, bytes)) = counts.split_once(" bytes:").filter(|_| known.contains(&name.trim())) else { continue };
            let sum = sums.entry(name.trim().to_owned()).or_default();
            sum.0 += frames.parse::<u64>().expect("a number");
            sum.1 += bytes.trim().parse::<u64>().expect("a number");
        }
        sums
    };
    let mut faults = Vec::new();
    // What is broken on purpose, or quoted in errors, each counts its own way.
    let odd = ["broken", "control", "fragments", "mpls", "vxlan", "mixed", "deep"];
    for file in own().into_iter().filter(|p| !odd.iter().any(|o| name(p).contains(o))) {
        let Some(theirs) = tshark(&file, "io,phs") else { return };
        let (ours, theirs) = (counts(&stats(&file, "io,phs")), counts(&theirs));
        if ours != theirs {
            faults.push(format!("{}:\n  ours   {ours:?}\n  theirs {theirs:?}", name(&file)));
        }
    }
    no_faults(&faults, "io,phs");
}

fn a_capture() -> PathBuf {
    own().into_iter().find(|p| name(p).contains("tour")).expect("the tour is there")
}

#[test]
fn an_assertion_that_holds_ends_0_and_one_that_does_not_20() {
    let file = a_capture();
    let file = file.to_string_lossy();
    let run = |args: &[&str]| wirelore(&[&["assert", "-r", &file][..], args].concat());
    let (code, out, _) = run(&["http.response.code == 200"]);
    assert!(code == 0 && out.contains("packets match"), "{out}");
    let (code, _, err) = run(&["http.response.code >= 500", "--at-least", "1"]);
    assert!(code == 20 && err.contains("0 packets match"), "{err}");
    let (code, _, err) = run(&["http", "--none"]);
    assert!(code == 20 && err.contains("packet "), "{err}");
    assert_eq!(run(&["dns", "--of", "exchanges", "--at-most", "1000"]).0, 0);
    let (code, _, err) = run(&["http.hots == \"x\""]);
    assert!(code == 4 && err.contains("^^^") && err.contains("http.host"), "{err}");
    assert_eq!(run(&["http", "--at-least", "5", "--at-most", "2"]).0, 1);
}

#[test]
fn statistics_are_objects_for_programs() {
    let file = a_capture();
    let kinds = ["conv,tcp", "endpoints,udp", "io,phs", "io,stat,1", "expert", "plen,tree", "protocols"];
    for which in kinds {
        let (code, out, err) = wirelore(&["stats", "-q", "--json", "-r", &file.to_string_lossy(), "-z", which]);
        assert_eq!(code, 0, "{err}");
        let value: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{which}: {e}"));
        let rows = value.as_object().and_then(|o| o.values().find_map(|v| v.as_array())).expect("a list");
        assert!(!rows.is_empty(), "{which}: {out}");
    }
}
