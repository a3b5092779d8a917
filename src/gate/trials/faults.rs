//! Faults in files of rules: shown at their place, and the rules before stay.

use crate::gate::Gate;
use crate::rules::{Written, parse_rules};
use std::path::Path;

#[track_caller]
fn fault(text: &str) -> String {
    parse_rules(text, Path::new("/r/rules.toml"), &Written::File).expect_err("a fault").to_string()
}

#[test]
fn each_fault_has_its_place() {
    assert_eq!(
        fault("[[rule]]\nwhen = '~d example & ~url /a'\nblock = 404"),
        "/r/rules.toml:2:22: There is no word ~url (did you mean ~u (the URL; where a protocol has none, the line)?)\n  when = '~d example & ~url /a'\n                       ^^^^"
    );
    assert_eq!(fault("[[rule]]\nblock = 99"), "/r/rules.toml:2:9: A status is between 200 and 599\n  block = 99\n          ^^");
    let unknown = fault("[[rule]]\nblok = 404");
    assert!(unknown.starts_with("/r/rules.toml:2:1: unknown field `blok`, expected one of"), "{unknown}");
    for (text, says) in [
        ("[[rule]]\nname = 'x'", "This rule does nothing"),
        ("[[rule]]\nurl = '('\nblock = 404", "2:7: This is no regular expression: unclosed group"),
        ("[[rule]]\nblock = 404\nreset = true", "one way only"),
        ("[[rule]]\ndelay = '5'", "300ms"),
        ("[[rule]]\nthrottle = '5g'", "fast-3g"),
        ("[[rule]]\nwhen = '~u /a'\nthrottle = '3g'", "~u asks for messages"),
        ("[[rule]]\non = 'connection'\nset-header = 'A: b'", "needs messages"),
        ("[[rule]]\non = 'request'\nthrottle = '3g'", "Connections are throttled"),
        ("[[rule]]\non = 'both'\nblock = 404", "unknown variant `both`"),
        ("[[rule]]\nset-header = 'no colon'", "2:14: \"no colon\" is no header"),
        ("[[rule]]\nset-header = [\"A: b\", \"C d: e\"]", "is no header"),
        ("[[rule]]\nreplace-body = { with = 'x' }", "either `regex` or `text`"),
        ("[[rule]]\nreplace-body = { text = 'x' }", "Say either the text or the file"),
        ("[[rule]]\nreplace-header = { text = 'x', with = 'y' }", "`name` says which header"),
        ("[[rule]]\nmap-local = 'none'", "/r/none is not there"),
        ("[[rule]]\nmap-remote = 'ftp://x'", "http or https"),
        ("[[rule]]\nmap-remote = 'https://x/path'", "say with `url` what is replaced"),
        ("[[rule]]\nbody = { file = 'none' }", "is no file"),
        ("[[rule]\n", "1:8"),
        ("[[rule]]\nanswer = { line = \"a\\r\\nb\" }", "one line"),
    ] {
        let told = fault(text);
        assert!(told.contains(says), "{text}\n{told}");
    }
}

#[test]
fn a_faulty_file_leaves_the_rules_that_were() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rules.toml");
    std::fs::write(&path, "[[rule]]\nname = 'a'\nblock = 404\n[[rule]]\nname='off'\nenabled=false\nreset=true").unwrap();
    let gate = Gate::new();
    assert_eq!(gate.load(&path), Ok(2));
    std::fs::write(&path, "[[rule]]\nblock = 'x'").unwrap();
    assert!(gate.load(&path).unwrap_err().to_string().contains("rules.toml:2:9"));
    let shown: Vec<_> = gate.rules().into_iter().map(|r| (r.name, r.written, r.enabled)).collect();
    assert_eq!(shown, [("a".into(), Written::File(1), true), ("off".into(), Written::File(4), false)]);
    assert!(gate.load(Path::new("/not/there")).unwrap_err().to_string().contains("cannot be read"));
    std::fs::write(&path, "").unwrap();
    assert_eq!(gate.load(&path), Ok(0));
    assert!(!gate.armed());
}

#[test]
fn a_file_that_changes_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rules.toml");
    let gate = Gate::new();
    let (send, told) = std::sync::mpsc::channel();
    let send = std::sync::Mutex::new(send);
    gate.listen(std::sync::Arc::new(move |e| {
        let _ = send.lock().unwrap().send(format!("{e:?}"));
    }));
    gate.watch(path.clone());
    let wait = || told.recv_timeout(std::time::Duration::from_secs(10)).expect("told");
    std::fs::write(&path, "[[rule]]\nblock = 404").unwrap();
    assert_eq!(wait(), "Rules(1)");
    std::fs::write(&path, "[[rule]]\nblock =").unwrap();
    assert!(wait().starts_with("Fault("));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "[[rule]]\nblock = 404\n[[rule]]\nreset = true").unwrap();
    assert_eq!(wait(), "Rules(2)");
}

#[test]
fn no_text_makes_a_reader_panic() {
    const PARTS: &[&str] = &[
        "~u",
        "~c",
        "~b",
        "~",
        "!",
        "&",
        "|",
        "(",
        ")",
        "'",
        "\"",
        "\\",
        " ",
        "é",
        "a",
        "4xx",
        "-H",
        "-d",
        "curl",
        "$'",
        "\\x",
        "\\u",
        "http://",
        "[",
        "]",
        "=",
        "\n",
        "[[rule]]",
        "when",
        "block",
        "map-remote",
        "404",
        ":",
        "/",
        "@",
        "{",
        "}",
        "\u{0}",
        "~websocket",
        "%",
    ];
    // A simple generator (Knuth's): the same texts each time.
    let mut seed = 7u64;
    let mut next = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % n
    };
    for _ in 0..3000 {
        let text: String = (0..next(12)).map(|_| PARTS[next(PARTS.len())]).collect();
        if let Err(e) = crate::Filter::parse(&text) {
            assert!(!e.to_string().is_empty());
        }
        let _ = crate::from_curl(&format!("curl {text}"));
        let _ = parse_rules(&text, Path::new("r"), &Written::File);
        let quoted = format!("[[rule]]\nwhen = {text:?}\nblock = 404");
        if let Err(e) = parse_rules(&quoted, Path::new("r"), &Written::File) {
            assert!(e.line == 2 || e.line == 1, "{quoted}\n{e}");
        }
        for spelling in
            [crate::Spelling::MapRemote, crate::Spelling::ModifyBody, crate::Spelling::BlockList, crate::Spelling::ModifyHeaders]
        {
            let _ = spelling.parse(&text);
        }
    }
}
