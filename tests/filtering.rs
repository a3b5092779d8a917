//! Filters over whole captures: read again or answered by columns, for packets, messages, flows and exchanges, kept and grown.

mod support;

use std::sync::Arc;
use support::{name, own, read, root};
use wirelore::filtering::{Filters, rows};
use wirelore::names::registry;
use wirelore::session::Session;
use wirelore_filter::{FactSource, Filter, TreeRow, Wants, parse};
use wirelore_kit::{Cancel, TreeSource, What};
use wirelore_store::Work;
use wirelore_store::query::Rows;

fn filter(text: &str) -> Filter {
    parse(text, registry()).unwrap_or_else(|e| panic!("{}", e.shown(text)))
}

fn count(session: &Session, text: &str, of: Rows) -> usize {
    let snapshot = session.store.snapshot();
    rows(&filter(text), &snapshot, &session.recall, of, &Work::new()).unwrap_or_else(|e| panic!("{text}: {e}")).len()
}

#[test]
fn fields_that_are_no_columns_are_read_again() {
    let session = read(&root().join("captures/http1/codings.pcapng"), 1).expect("a capture");
    let all = session.store.snapshot().packets() as usize;
    let syns = count(&session, "tcp.flags.syn == 1", Rows::Packets);
    assert!(syns > 0 && syns < all);
    assert_eq!(count(&session, "tcp.flags.syn == 0", Rows::Packets), all - syns);
    assert_eq!(count(&session, "!(tcp.flags.syn == 1)", Rows::Packets), all - syns);
    assert_eq!(count(&session, "tcp.options.mss_val > 0 && tcp.flags.syn == 1", Rows::Packets), syns);
    let chunked = count(&session, "http.transfer_encoding contains \"chunked\"", Rows::Packets);
    assert!(chunked > 0);
    assert_eq!(count(&session, "http.transfer_encoding contains \"chunked\"", Rows::Messages), chunked);
    assert_eq!(count(&session, "http.transfer_encoding contains \"chunked\"", Rows::Exchanges), chunked);
    assert_eq!(count(&session, "http.transfer_encoding contains \"chunked\"", Rows::Flows), chunked);
}

#[test]
fn bodies_are_searched_as_they_were_meant() {
    let session = read(&root().join("captures/http1/codings.pcapng"), 1).expect("a capture");
    let baked = count(&session, "http.file_data contains \"The baker rises\"", Rows::Messages);
    let plain = count(&session, "frame contains \"The baker rises\"", Rows::Packets);
    assert!(baked > plain && baked >= 10, "{baked} decoded, {plain} as they stand");
    assert!(count(&session, "http contains \"Content-Encoding: gzip\"", Rows::Packets) > 0);
}

#[test]
fn a_filter_used_again_is_known() {
    let session = read(&root().join("captures/tour.pcapng"), 1).expect("a capture");
    let snapshot: Arc<_> = session.store.snapshot();
    let (filters, filter) = (Filters::default(), filter("tcp.options.mss_val == 1460"));
    let first = filters.rows(&filter, &snapshot, &session.recall, Rows::Packets, &Work::new()).expect("not cancelled");
    let work = Work::new();
    let second = filters.rows(&filter, &snapshot, &session.recall, Rows::Packets, &work).expect("not cancelled");
    assert_eq!(first, second);
    work.cancel().cancel();
    assert!(rows(&filter, &snapshot, &session.recall, Rows::Packets, &work).is_err(), "a cancelled one has no result");
}

/// Packets of a capture up to which it is compared tree by tree.
const MOST: u32 = 700;
/// Each capture is asked every filter in so many; which ones, goes on from capture to capture, so that each filter meets many of them.
const SAMPLE: usize = 7;

#[test]
fn reading_in_bulk_finds_what_trees_one_by_one_find() {
    let table = std::fs::read_to_string(root().join("tests/filters/wireshark.txt")).expect("the table of filters");
    // Trees show bodies as they were transferred, filters see them as they were meant.
    let texts = table.lines().filter(|l| !l.is_empty() && !l.starts_with('#') && !l.contains("http.file_data"));
    let filters: Vec<Filter> = texts.map(filter).collect();
    let mut wants = Wants::default();
    filters.iter().for_each(|f| wants.facts.extend(f.wants().facts.iter().copied()));
    let (mut faults, mut found) = (Vec::new(), 0);
    for (turn, path) in own().into_iter().enumerate() {
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        if s.packets() > MOST {
            continue;
        }
        let later = wirelore::later::find_out(&session.recall, &s, &wants, &Work::new()).expect("not cancelled");
        let facts = FactSource::new(s.clone(), &wants).with_later(later);
        let trees: Vec<_> = (0..s.packets()).filter_map(|p| session.recall.tree(What::Packet(p), &Cancel::new()).ok()).collect();
        for filter in filters.iter().skip(turn % SAMPLE).step_by(SAMPLE) {
            let holds = |p: &u32| trees.get(*p as usize).is_some_and(|t| filter.holds(&TreeRow::new(t, &facts, *p)));
            let single: Vec<u32> = (0..s.packets()).filter(holds).collect();
            let bulk = rows(filter, &s, &session.recall, Rows::Packets, &Work::new()).expect("not cancelled");
            found += bulk.len();
            if single != bulk {
                let first = |a: &[u32], b: &[u32]| a.iter().find(|p| !b.contains(p)).map(|p| p + 1);
                let (missed, more) = (first(&single, &bulk), first(&bulk, &single));
                faults.push(format!("{} in {}: bulk misses {missed:?}, finds {more:?} besides", filter.text(), name(&path)));
            }
        }
    }
    support::no_faults(&faults, "filters read in bulk");
    assert!(found > 2000, "{found} packets prove little");
}
