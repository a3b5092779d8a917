//! What file transfers carried, byte for byte: the objects of our FTP and TFTP captures against what their clients sent and received.

mod support;

use std::collections::BTreeMap;
use support::{read, root};
use wirelore::objects::{Object, Wanted, of_session};

/// Length and digest of a transfer, and how often it was made.
type Bag = BTreeMap<(u64, String), i64>;

fn truth(path: &str) -> Vec<(Option<String>, u64, String)> {
    let text = std::fs::read_to_string(root().join(path)).expect("the truth");
    let value: serde_json::Value = serde_json::from_str(&text).expect("truth in JSON");
    let list = value["transfers"].as_array().expect("a list").clone();
    list.iter()
        .filter_map(|t| {
            let name = t["command"].as_str().or(t["name"].as_str()).map(str::to_owned);
            Some((name, t["len"].as_u64()?, t["sha256"].as_str()?.to_owned()))
        })
        .collect()
}

fn found(capture: &str) -> Vec<Object> {
    let session = read(&root().join(capture), 1).expect("a capture");
    of_session(&session, Wanted::default()).expect("objects")
}

fn bag(list: impl Iterator<Item = (u64, String)>) -> Bag {
    let mut bag = Bag::new();
    // A transfer without bytes leaves no object.
    for key in list.filter(|k| k.0 > 0) {
        *bag.entry(key).or_insert(0) += 1;
    }
    bag
}

#[test]
fn every_transfer_is_there_to_the_last_byte() {
    for group in ["ftp/passive", "ftp/active", "ftp/servers", "ftp/ftps", "ftp/implicit", "tftp/transfers"] {
        let truth = truth(&format!("captures/{group}.truth.json"));
        let found = found(&format!("captures/{group}.pcapng"));
        assert!(truth.len() > 1, "{group}: too little truth");
        let want = bag(truth.iter().map(|t| (t.1, t.2.clone())));
        let got = bag(found.iter().filter(|o| o.whole).map(|o| (o.size, o.sha256.clone())));
        for (key, n) in &want {
            assert!(got.get(key).is_some_and(|m| m >= n), "{group}: {key:?} is missing; found {got:#?}");
        }
        let more: i64 = got.values().sum::<i64>() - want.values().sum::<i64>();
        // Of aborted transfers, and of listings that curl and lftp printed, the truth cannot say the bytes.
        let unknown = match group {
            "ftp/passive" => 2,
            "ftp/servers" => 2,
            "ftp/implicit" => 1,
            _ => 0,
        };
        assert!((0..=unknown).contains(&more), "{group}: {more} objects that nobody transferred");
    }
}

#[test]
fn transfers_are_named_by_the_command_that_caused_them() {
    for group in ["ftp/passive", "ftp/active", "ftp/servers", "ftp/ftps", "ftp/implicit"] {
        let found = found(&format!("captures/{group}.pcapng"));
        for (command, len, sum) in truth(&format!("captures/{group}.truth.json")).into_iter().filter(|t| t.1 > 0) {
            let command = command.unwrap_or_default();
            let Some((verb @ ("RETR" | "STOR" | "APPE"), name)) = command.split_once(' ') else { continue };
            let named = found.iter().any(|o| o.size == len && o.sha256 == sum && o.name == name);
            assert!(named, "{group}: nothing is named {name} by {verb}");
        }
    }
}

#[test]
fn a_lossy_capture_claims_nothing_whole_that_is_not() {
    let truth = bag(truth("captures/ftp/passive.truth.json").into_iter().map(|t| (t.1, t.2)));
    let found = found("captures/ftp/lossy.pcapng");
    assert!(found.iter().any(|o| !o.whole), "nothing was lost");
    let aborted = |o: &&Object| o.name == "big.bin" && o.size > 40_000;
    for o in found.iter().filter(|o| o.whole).filter(|o| !aborted(o)) {
        assert!(truth.contains_key(&(o.size, o.sha256.clone())), "{o:?} is not what was transferred");
    }
}
