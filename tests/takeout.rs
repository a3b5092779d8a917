//! What the window takes out of an open capture: secrets stay in, also those that came after they were looked for.
#![cfg(feature = "window")]

mod support;

use std::path::{Path, PathBuf};
use support::root;
use wirelore::takeout::{Place, Takeout};
use wirelore_capture::{Event, Options, Source, Step};
use wirelore_store::Work;
use wirelore_window::exports::{Exporter, Form, Keys, Kind, Order, Written};

fn order(form: Form, to: PathBuf) -> Order {
    Order { form, kind: Kind::Packets, chosen: None, packets: None, keys: Keys::All, redact: false, columns: Vec::new(), to }
}

/// Takes out of a capture whose bytes, by the time of the export, are those of another file.
fn take(read: &Path, lies: &Path, order: &Order, work: &Work) -> Option<Written> {
    let session = support::read(read, 1).expect("a capture");
    let takeout = Takeout::new(&session, Place { path: lies.into(), growth: None, keylog: None });
    takeout.export(order, &session.store.snapshot(), work).expect("an export")
}

/// Its packets, and its blocks of keys.
fn inside(path: &Path) -> (usize, usize) {
    let mut source = Source::open(path, Options::default()).expect("a capture");
    let mut found = (0, 0);
    loop {
        match source.next().expect("reading") {
            Step::Batch(b) => found.0 += b.items.len(),
            Step::Event(Event::Secrets(_)) => found.1 += 1,
            Step::Event(_) | Step::Pending => {}
            Step::End => return found,
        }
    }
}

fn holds(path: &Path, words: &str) -> bool {
    let bytes = std::fs::read(path).expect("a file");
    bytes.windows(words.len()).any(|w| w == words.as_bytes())
}

/// A capture with a login in the clear, and how that reads.
fn login() -> (PathBuf, &'static str) {
    let (path, word) = (root().join("captures/tour.pcapng"), "PASS guest@");
    assert!(holds(&path, word), "the capture says it");
    (path, word)
}

#[test]
fn redacted_captures_hold_no_secrets_and_no_keys_and_say_what_was_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tour, word) = login();
    for (form, name) in [(Form::Pcapng, "a.pcapng"), (Form::Pcap, "a.pcap")] {
        let out = order(form, folder.path().join(name));
        let plain = take(&tour, &tour, &out, &Work::new()).expect("it is written");
        assert!(holds(&out.to, word), "without being asked nothing is replaced: {plain:?}");
        let out = Order { redact: true, ..out };
        let told = take(&tour, &tour, &out, &Work::new()).expect("it is written");
        assert!(!holds(&out.to, word), "{told:?}");
        assert_eq!(inside(&out.to), (inside(&tour).0, 0), "all packets, and no keys although all were wished");
        assert!(told.report.iter().any(|l| l.contains("secrets replaced in")), "{told:?}");
        assert!(told.report.iter().any(|l| l.contains("ftp") && l.contains("replaced, packets ")), "{told:?}");
        assert!(!told.report.iter().any(|l| l.contains("guest@")), "a report says no secrets");
    }
}

#[test]
fn packets_that_came_after_secrets_were_looked_for_do_not_go_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tour, word) = login();
    // As much as was read when the export began: the capture has grown since.
    let early = folder.path().join("early.pcapng");
    let first = Order { packets: Some((0..40).collect()), ..order(Form::Pcapng, early.clone()) };
    take(&tour, &tour, &first, &Work::new()).expect("it is written");
    let out = Order { redact: true, ..order(Form::Pcapng, folder.path().join("out.pcapng")) };
    take(&early, &tour, &out, &Work::new()).expect("it is written");
    assert_eq!(inside(&out.to).0, 40);
    assert!(!holds(&out.to, word));
    let chosen = Order { packets: Some(vec![1, 39, 40, 41, 700]), ..out };
    take(&early, &tour, &chosen, &Work::new()).expect("it is written");
    assert_eq!(inside(&chosen.to).0, 2);
}

#[test]
fn a_cancelled_redaction_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tour, _) = login();
    let out = Order { redact: true, ..order(Form::Pcapng, folder.path().join("out.pcapng")) };
    let work = Work::new();
    work.cancel().cancel();
    assert_eq!(take(&tour, &tour, &out, &work), None);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_has_a_file_of_each_protocol_and_the_same_export_takes_its_own_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tour, _) = login();
    let all = Order { kind: Kind::Messages, ..order(Form::Parquet, folder.path().join("rows")) };
    let told = take(&tour, &tour, &all, &Work::new()).expect("it is written");
    assert!(told.report.iter().any(|f| f.contains("protocol=http/")), "{told:?}");
    let files = support::files(&all.to);
    assert_eq!(files.len(), told.report.len());
    take(&tour, &tour, &all, &Work::new()).expect("it is written");
    assert_eq!(support::files(&all.to), files);
    let some = Order { chosen: Some(vec![0]), ..all };
    take(&tour, &tour, &some, &Work::new()).expect("it is written");
    assert_eq!(support::files(&some.to).len(), files.len() + 1, "another part of it lies beside");
}
