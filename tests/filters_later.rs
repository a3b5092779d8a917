//! Names that say what packets are to one another, data that nobody reads, whole lines: the program and tshark, which reads each capture
//! twice here (with one reading it knows nothing of what comes later), print the same values of the same packets.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{has_tshark, name, own};

/// Lines that a program prints.
fn lines(command: &mut Command) -> Vec<String> {
    let out = command.env("TZ", "UTC").output().expect("it runs");
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

fn fields(names: &[&str]) -> Vec<String> {
    names.iter().flat_map(|n| ["-e".to_owned(), (*n).to_owned()]).collect()
}

fn theirs(capture: &Path, filter: &str, names: &[&str]) -> Vec<String> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-2", "-n", "-o", "tcp.reassemble_out_of_order:TRUE", "-r"]).arg(capture);
    lines(tshark.args(["-Y", filter, "-T", "fields"]).args(fields(names)))
}

fn ours(capture: &Path, filter: &str, names: &[&str]) -> Vec<String> {
    let mut own = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    own.args(["dump", "-r"]).arg(capture);
    lines(own.args(["-Y", filter, "-T", "fields"]).args(fields(names)))
}

/// Captures of these folders, but for some.
fn captures(folders: &[&str], but: &[&str]) -> Vec<PathBuf> {
    let of = |p: &PathBuf| folders.iter().any(|f| name(p).starts_with(f)) && !but.iter().any(|b| name(p).contains(b));
    own().into_iter().filter(of).collect()
}

/// Every line of every capture is the same; at least `least` of them.
fn same(captures: &[PathBuf], filters: &[&str], names: &[&str], least: usize) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for capture in captures {
        for filter in filters {
            let (a, b) = (theirs(capture, filter, names), ours(capture, filter, names));
            count += a.len();
            if let Some((a, b)) = a.iter().zip(&b).find(|(a, b)| a != b) {
                wrong.push(format!("{filter} in {}:\n  tshark {a}\n  here   {b}", name(capture)));
            } else if a.len() != b.len() {
                let more = if a.len() > b.len() { a.get(b.len()) } else { b.get(a.len()) };
                wrong.push(format!("{filter} in {}: {} lines of tshark, {} here: {more:?}", name(capture), a.len(), b.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= least, "only {count} lines compared");
}

#[test]
fn echoes_have_their_replies() {
    if !has_tshark() {
        return;
    }
    // Tunnels in tunnels, deeper than we look.
    let captures = captures(&["net/"], &["deep"]);
    same(&captures, &["icmp.resp_in", "icmp.resp_to"], &["frame.number", "icmp.resp_in", "icmp.resp_to", "icmp.resptime"], 30);
    let names = ["frame.number", "icmpv6.resp_in", "icmpv6.resp_to", "icmpv6.resptime"];
    same(&captures, &["icmpv6.resp_in", "icmpv6.resptime > 0.001"], &names, 30);
}

#[test]
fn segments_are_those_of_the_messages_that_they_make_up() {
    if !has_tshark() {
        return;
    }
    // Messages that are no messages, or end elsewhere (tests/oracle-exceptions.toml); a body that is whole before its connection ends, for
    // which tshark waits all the same; records behind holes.
    let captures = captures(&["http1/", "tls/"], &["framing", "smuggling", "proxy", "codings", "lossy"]);
    let names = ["frame.number", "tcp.segment", "tcp.segment.count", "tcp.reassembled.length"];
    same(&captures, &["tcp.segment", "tcp.segment.count > 2", "tcp.reassembled.length > 1000"], &names, 40);
    same(&captures, &["tcp.reassembled_in"], &["frame.number", "tcp.reassembled_in"], 20);
}

#[test]
fn lines_of_headers_are_whole() {
    if !has_tshark() {
        return;
    }
    // Of headers that are folded over several lines tshark tells the first line, and none of the headers behind.
    let captures = captures(&["http1/"], &["framing", "smuggling", "proxy", "headers"]);
    let names = ["frame.number", "http.request.line", "http.response.line"];
    same(
        &captures,
        &["http.request.line contains \"Host: \"", "http.response.line matches \"^Content-Type: .*\\r\\n$\""],
        &names,
        60,
    );
}

#[test]
fn data_is_what_nobody_reads() {
    if !has_tshark() {
        return;
    }
    // Tunnels in tunnels and quoted fragments have other layers there (tests/oracle-exceptions.toml).
    let captures = captures(&["net/"], &["deep", "fragments"]);
    same(&captures, &["data", "data.data contains 20:21"], &["frame.number"], 40);
    // The first bytes of an echo's data are a time to tshark where they look like one.
    let filters = ["data and not icmp and not icmpv6", "data.len > 30 and not icmp and not icmpv6"];
    same(&captures, &filters, &["frame.number", "data.len", "data.data"], 10);
}

#[test]
fn columns_are_filtered_as_they_are_shown() {
    let capture = support::root().join("captures/http1/everyday.pcapng");
    let all = ours(&capture, "frame", &["frame.number", "_ws.col.protocol", "_ws.col.info"]);
    let http: Vec<String> = all.iter().filter(|l| l.contains("\tHTTP\t")).cloned().collect();
    assert!(http.len() > 20);
    assert_eq!(ours(&capture, "_ws.col.protocol == \"HTTP\"", &["frame.number", "_ws.col.protocol", "_ws.col.info"]), http);
    let found = ours(&capture, "_ws.col.info contains \"GET\" && _ws.col.def_src == \"192.0.2.10\"", &["_ws.col.info"]);
    assert!(!found.is_empty() && found.iter().all(|l| l.contains("GET")), "{found:?}");
}
