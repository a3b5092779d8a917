//! `wirelore diff` from outside, on a capture of our own.

use std::process::Command;

fn diff(args: &[&str]) -> (Option<i32>, String, String) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/http1/codings.pcapng");
    let out = Command::new(env!("CARGO_BIN_EXE_wirelore")).args(["diff", "-r", file]).args(args).output().expect("it runs");
    let text = |b: Vec<u8>| String::from_utf8_lossy(&b).into_owned();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn two_exchanges_differ_line_by_line() {
    // By the packet of the request or that of its answer.
    assert_eq!(diff(&["4", "6"]), (Some(0), String::new(), String::new()));
    let (code, said, _) = diff(&["4", "14"]);
    assert_eq!(code, Some(20));
    for line in [
        "-GET /gzip HTTP/1.1",
        "+GET /x-gzip HTTP/1.1",
        "-Content-Encoding: gzip",
        "+Content-Encoding: x-gzip",
        "--- request of packet 4 in ",
    ] {
        assert!(said.lines().any(|l| l.starts_with(line)), "{line} is missing:\n{said}");
    }
    let (code, _, why) = diff(&["4", "5"]);
    assert!(code == Some(1) && why.contains("packet 5") && why.contains("dump -m"), "{why}");
}
