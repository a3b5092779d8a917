//! What the helper answers without any privilege: interfaces, filters, how busy it is; and what it says when it may not capture.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

fn helper() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wirelore-capture"))
}

fn lines(words: &[&str]) -> Vec<Value> {
    let out = helper().args(words).stdin(Stdio::null()).output().expect("it runs");
    String::from_utf8_lossy(&out.stdout).lines().filter_map(|l| serde_json::from_str(l).ok()).collect()
}

#[test]
fn the_loopback_interface_is_among_those_listed() {
    let all = lines(&["list"]);
    let loopback = all.iter().find(|i| i["loopback"] == true).expect("a loopback interface");
    assert!(loopback["addresses"].as_array().is_some_and(|a| a.iter().any(|a| a == "127.0.0.1")), "{loopback}");
}

#[test]
fn one_process_checks_many_filters() {
    let mut child = helper().arg("check").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let (mut to, mut from) = (child.stdin.take().expect("piped"), BufReader::new(child.stdout.take().expect("piped")));
    for (filter, good) in [("tcp port 80", true), ("tcp prt 80", false), ("", true), ("vlan 5 and ip6", true), ("(", false)] {
        writeln!(to, "{}", serde_json::json!([1, filter])).expect("it reads");
        let mut line = String::new();
        from.read_line(&mut line).expect("it answers");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(answer["ok"], good, "{filter}: {answer}");
    }
    drop(to);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn counters_come_at_once_and_it_ends_with_its_input() {
    let all = lines(&["watch"]);
    assert!(all.first().is_some_and(|l| l["lo"][0].is_u64()), "{all:?}");
}

#[test]
fn what_cannot_be_opened_is_refused_as_a_line_of_json() {
    let out = helper().args(["capture", "-i", "no-such-interface"]).stdin(Stdio::null()).output().expect("it runs");
    assert!(!out.status.success());
    let said: Value = serde_json::from_slice(&out.stderr).expect("JSON");
    // Without privilege some versions of libpcap refuse that before they look for the interface.
    assert!(said["kind"] == "interface" || said["kind"] == "permission", "{said}");
    assert!(out.stdout.is_empty());
}
