//! Find sees what was decoded: gzip bodies, TLS plaintext, what lies across segments, and values that stand in no bytes.

mod support;
#[path = "support/wire.rs"]
mod wire;

use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use support::{read, root};
use wire::Wire;
use wirelore::find::{Hit, Pattern, Place, Written, find, find_with, next, previous};
use wirelore::session::{Session, SessionOptions};
use wirelore_capture::{Options, Source};
use wirelore_dissectors::TABLE;
use wirelore_store::Work;

fn hits(session: &Session, written: Written, text: &str) -> Vec<Hit> {
    let pattern = Pattern::new(written, text, false).expect(text);
    let mut hits = Vec::new();
    find(&session.recall, &session.store.snapshot(), &pattern, &Work::new(), &mut |hit| {
        hits.push(hit);
        ControlFlow::Continue(())
    })
    .expect("not cancelled");
    hits
}

fn capture(file: &str) -> Session {
    read(&root().join("captures").join(file), 1).expect("a capture")
}

fn made(wire: &Wire) -> Session {
    let source = Source::from_bytes(wire.bytes(), Options::default()).expect("a capture");
    let mut session = Session::start(source, TABLE, SessionOptions { shards: Some(1), ..SessionOptions::default() });
    session.wait().expect("read");
    session
}

#[test]
fn text_is_found_in_bodies_that_were_packed() {
    let session = capture("http1/codings.pcapng");
    let found = hits(&session, Written::Text, "THE BAKER RISES");
    let unpacked = found.iter().filter(|h| matches!(&h.place, Place::Inside(label) if label.contains("decompressed"))).count();
    assert!(unpacked >= 24, "{unpacked} of {}", found.len());
    assert!(found.iter().all(|h| h.shown.to_lowercase().contains("the baker rises")));
}

#[test]
fn text_is_found_under_tls() {
    let session = capture("tls/web.pcapng");
    let found = hits(&session, Written::Text, "welcome to the cafe");
    assert!(!found.is_empty() && found.iter().all(|h| matches!(h.place, Place::Inside(_))), "{found:?}");
    assert!(found.iter().any(|h| h.span.is_some()), "plaintext of a conversation has a name: {found:?}");
}

#[test]
fn text_is_found_across_segments_once() {
    let (client, server) = ((Ipv4Addr::new(192, 0, 2, 1), 40_000), (Ipv4Addr::new(192, 0, 2, 2), 80));
    let mut w = Wire::new();
    w.open(client, server).say(client, server, b"GET /plum-").say(client, server, b"ca").say(
        client,
        server,
        b"ke HTTP/1.1\r\nHost: a.test\r\n\r\n",
    );
    let session = made(&w);
    for (written, text) in
        [(Written::Text, "plum-cake"), (Written::Regex, "plum.c[a-z]{2}e"), (Written::Hex, "706c756d2d63616b65")]
    {
        let found = hits(&session, written, text);
        let crossing: Vec<&Hit> = found.iter().filter(|h| matches!(h.place, Place::Stream(..))).collect();
        assert_eq!(crossing.len(), 1, "{text}: {found:?}");
        assert_eq!((crossing[0].packet, crossing[0].at), (5, 5), "{text}: the last segment completes it");
    }
}

#[test]
fn values_are_found_as_people_read_them() {
    let session = capture("tour.pcapng");
    let snapshot = session.store.snapshot();
    let address = snapshot.each_flow().next().expect("a flow").client().ip.to_string();
    let found = hits(&session, Written::Text, &address);
    assert!(found.iter().any(|h| matches!(h.place, Place::Field(f) if f.name == "ip.src")), "{address}");
}

#[test]
fn hits_are_walked_through_in_both_directions() {
    let session = capture("http1/codings.pcapng");
    let found = hits(&session, Written::Text, "x-plumcake");
    assert!(found.len() > 1 && found.is_sorted_by_key(|h| h.packet), "{found:?}");
    let (first, last) = (found[0].packet, found[found.len() - 1].packet);
    assert_eq!(next(&found, 0).map(|h| h.packet), Some(first));
    assert_eq!(next(&found, last + 1).map(|h| h.packet), Some(first), "round the end");
    assert_eq!(previous(&found, first).map(|h| h.packet), Some(last), "round the beginning");
    assert_eq!(previous(&found, u32::MAX).map(|h| h.packet), Some(last));
    assert!(next(&[], 0).is_none() && previous(&[], 0).is_none());
}

#[test]
fn a_search_that_is_cancelled_or_has_enough_stops() {
    let session = capture("tour.pcapng");
    let pattern = Pattern::new(Written::Text, "http", false).expect("a pattern");
    let mut count = 0;
    let went = find(&session.recall, &session.store.snapshot(), &pattern, &Work::new(), &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert!(went.is_ok() && count == 1, "{count}");
    let work = Work::new();
    work.cancel().cancel();
    assert!(find(&session.recall, &session.store.snapshot(), &pattern, &work, &mut |_| ControlFlow::Continue(())).is_err());
}

#[test]
fn threads_find_the_same_in_the_same_order() {
    for (file, text) in
        [("tour.pcapng", "[a-z]"), ("tls/web.pcapng", "c"), ("http1/codings.pcapng", "[0-9]+"), ("tour.pcapng", "cake")]
    {
        let session = capture(file);
        let snapshot = session.store.snapshot();
        let pattern = Pattern::new(Written::Regex, text, false).expect(text);
        let found = |threads: usize| {
            let mut hits = Vec::new();
            find_with(threads, &session.recall, &snapshot, &pattern, &Work::new(), &mut |hit| {
                hits.push(hit);
                ControlFlow::Continue(())
            })
            .expect("not cancelled");
            hits
        };
        let one = found(1);
        assert!(!one.is_empty(), "{file}: {text} is there");
        for threads in [2, 3, 8] {
            let many = found(threads);
            assert_eq!(many.len(), one.len(), "{file}: {text} on {threads} threads");
            let differs = many.iter().zip(&one).position(|(a, b)| a != b);
            assert_eq!(differs, None, "{file}: {text} on {threads} threads");
        }
    }
}

#[test]
fn threads_that_found_too_much_wait_and_end_when_nobody_listens() {
    // One long conversation, every byte of which is found: far more than may wait for its turn.
    let (client, server) = ((Ipv4Addr::new(192, 0, 2, 1), 40_000), (Ipv4Addr::new(192, 0, 2, 2), 80));
    let mut w = Wire::new();
    w.open(client, server);
    for _ in 0..200 {
        w.say(client, server, &[b'x'; 1400]);
    }
    let session = made(&w);
    let snapshot = session.store.snapshot();
    let pattern = Pattern::new(Written::Text, "x", false).expect("a pattern");
    for most in [1, 70_000, usize::MAX] {
        let (mut found, mut last) = (0usize, 0);
        find_with(2, &session.recall, &snapshot, &pattern, &Work::new(), &mut |hit| {
            assert!(hit.packet >= last || !matches!(hit.place, Place::Packet), "in order");
            (found, last) = (found + 1, hit.packet);
            if found >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("not cancelled");
        assert!(found >= most.min(280_000), "{found} of {most}");
    }
}
