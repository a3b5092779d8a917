//! Letters byte for byte: what the clients of our mail captures sent and fetched, held against what is read; inside TLS too.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::{read, root};

/// How often a letter came: by its carrier, size and digest.
type Bag = BTreeMap<(String, u64, String), usize>;

fn report(name: &str) -> Value {
    let session = read(&root().join(format!("captures/{name}.pcapng")), 1).expect("a capture");
    wirelore::report::report(&session).expect("a report")
}

fn truth(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join(format!("captures/{name}.truth.json"))).expect("the truth");
    let value: Value = serde_json::from_str(&text).expect("truth in JSON");
    value["letters"].as_array().expect("a list").clone()
}

fn bag(letters: &[Value]) -> Bag {
    let mut bag = Bag::new();
    for l in letters {
        let (by, sum) = (l["by"].as_str().unwrap_or_default(), l["sha256"].as_str().unwrap_or_default());
        // LMTP is SMTP's DATA with other replies.
        let by = if by == "LMTP" { "DATA" } else { by };
        *bag.entry((by.to_owned(), l["size"].as_u64().unwrap_or(0), sum.to_owned())).or_default() += 1;
    }
    bag
}

fn letters(report: &Value) -> Vec<Value> {
    report["letters"].as_array().expect("a list").clone()
}

#[test]
fn every_letter_is_there_to_the_last_byte_and_none_that_nobody_sent() {
    for (name, least) in [
        ("smtp/letters", 10),
        ("smtp/submission", 4),
        ("smtp/lmtp", 2),
        ("imf/parts", 1),
        ("pop3/mailbox", 12),
        ("imap/mailbox", 8),
    ] {
        let truth = truth(name);
        assert!(truth.len() >= least, "{name}: too little truth");
        assert_eq!(bag(&letters(&report(name))), bag(&truth), "{name}");
    }
}

#[test]
fn letters_travel_in_the_envelopes_that_their_clients_named() {
    let got = letters(&report("smtp/letters"));
    for want in truth("smtp/letters") {
        let found = got.iter().find(|l| l["sha256"] == want["sha256"] && l["by"] == want["by"]).expect("the letter");
        assert_eq!(found["mail_from"], want["mail_from"]);
        assert_eq!(found["rcpt_to"], want["rcpt_to"]);
    }
}

#[test]
fn line_ends_that_servers_read_differently_are_told_once_each_and_so_is_what_came_behind_starttls() {
    let report = report("smtp/smuggling");
    let count = |name: &str| {
        let of = report["findings"].as_array().expect("a list").iter().find(|f| f["name"] == name);
        of.and_then(|f| f["count"].as_u64()).unwrap_or(0)
    };
    assert_eq!(count("smtp.note.smuggling"), 5, "one line of a dot in each of five letters");
    assert_eq!(count("smtp.note.behind_starttls"), 1);
    assert!(count("smtp.note.bare_lf") >= 3 && count("smtp.note.bare_cr") >= 2);
}

#[test]
fn a_lossy_capture_claims_no_letter_whole_that_is_not() {
    let truth = bag(&truth("smtp/letters"));
    let got = bag(&letters(&report("smtp/lossy")));
    assert!(
        !got.is_empty() && got.values().sum::<usize>() < truth.values().sum::<usize>(),
        "some letters are whole, some are not"
    );
    for key in got.keys() {
        assert!(truth.contains_key(key), "{key:?} is not what was sent");
    }
}
