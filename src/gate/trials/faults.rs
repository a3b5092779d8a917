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
