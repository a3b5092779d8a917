//! Messages held, looked at, and let go.

use super::{changed, gate, judge, tunnel};
use crate::filter::Filter;
use crate::gate::{Event, Gate};
use crate::held::Release;
use crate::testing::{answer, head, question};
use crate::verdict::Outcome;
use bytes::Bytes;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use wirelore_kit::Dir;
use wirelore_kit::middle::{Judgement, Part, Transit};

fn intercepting(filter: &str) -> Gate {
    let gate = Gate::new();
    gate.intercept(Some(Filter::parse(filter).unwrap()));
    gate
}

fn hold(gate: &Gate, conn: &crate::Conn, m: &Transit) -> Receiver<Outcome> {
    let (send, got) = channel();
    let now = gate.judge(conn, m.clone(), move |o| send.send(o).unwrap_or(()));
    assert!(now.is_none(), "it is held: {now:?}");
    got
}

#[test]
fn a_held_message_waits_and_goes_on_as_it_came() {
    let gate = intercepting("~m POST");
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    gate.listen(Arc::new(move |e| {
        log.lock().unwrap().push(match e {
            Event::Held(h) => format!("held {}", h.id),
            Event::Released(h, how) => format!("{} {how}", h.id),
            Event::Hit { hits, .. } => hits[0].rule.clone(),
            other => format!("{other:?}"),
        });
    }));
    let c = tunnel();
    assert_eq!(judge(&gate, &c, &question("GET / HTTP/1.1", &[], b"")).judgement, Judgement::Pass);
    let post = question("POST /a HTTP/1.1", &[], b"body");
    assert_eq!(judge(&gate, &c, &head(post.clone())).judgement, Judgement::Body, "all of it is held");
    let got = hold(&gate, &c, &post);
    let held = gate.held();
    assert_eq!((held.len(), held[0].id, &held[0].message.body[..]), (1, 1, &b"body"[..]));
    assert_eq!((held[0].between.as_str(), held[0].rule.as_str()), ("127.0.0.1:50000 - example.org:80", "intercept"));
    assert!(got.try_recv().is_err());
    assert!(gate.release(1, Release::Forward) && !gate.release(1, Release::Forward));
    let o = got.try_recv().unwrap();
    assert_eq!(o.judgement, Judgement::Pass);
    assert!(o.hits[0].did.starts_with("held for 0.0 s, then went on"));
    assert_eq!(*told.lock().unwrap(), ["held 1", "1 went on", "intercept"]);
}

#[test]
fn many_are_held_and_each_has_its_own_fate() {
    let gate = intercepting("~http");
    let c = tunnel();
    let ask = |n: u64| {
        let mut q = question(&format!("GET /{n} HTTP/1.1"), &[], b"");
        q.exchange = n;
        hold(&gate, &c, &q)
    };
    let got: Vec<_> = (0..50).map(ask).collect();
    let mut other = gate.held()[0].message.as_ref().clone();
    other.line = Bytes::from_static(b"PUT /x HTTP/1.1");
    other.exchange = 77;
    assert!(gate.release(1, Release::Change(Box::new(other))));
    assert!(gate.release(2, Release::Answer(Box::new(answer("HTTP/1.1 204 No Content", &[], b"")))));
    assert!(gate.release(3, Release::Drop) && gate.release(4, Release::Reset));
    assert_eq!(gate.release_all(), 46);
    let fate: Vec<Outcome> = got.iter().map(|g| g.try_recv().unwrap()).collect();
    assert_eq!(
        (&changed(&fate[0]).line[..], changed(&fate[0]).exchange),
        (&b"PUT /x HTTP/1.1"[..], 0),
        "its number is not the user's"
    );
    assert!(fate[0].hits[0].did.ends_with("changed: line"));
    assert!(
        matches!(&fate[1].judgement, Judgement::Answer(a) if a.dir == Dir::ToClient && a.exchange == 1 && a.part == Part::Response)
    );
    assert_eq!((&fate[2].judgement, &fate[3].judgement), (&Judgement::Drop, &Judgement::Reset));
    assert!(fate[4..].iter().all(|o| o.judgement == Judgement::Pass));
    let edits = gate.edits();
    assert_eq!(
        (edits.len(), &edits[0].original.line[..]),
        (4, &b"GET /0 HTTP/1.1"[..]),
        "what was changed is kept with its original"
    );
}

#[test]
fn breakpoints_see_what_rules_made() {
    let gate = gate(
        "[[rule]]\nset-header = 'X: 1'\n[[rule]]\nname = 'stop here'\nwhen = '~hq X'\nhold = true\n[[rule]]\nset-header = 'Y: 1'",
    );
    let c = tunnel();
    let got = hold(&gate, &c, &question("GET / HTTP/1.1", &[], b""));
    let held = gate.held_message(1).unwrap();
    assert_eq!((held.rule.as_str(), held.message.headers.len(), held.original.unwrap().headers.len()), ("stop here", 2, 0));
    gate.release_all();
    let o = got.try_recv().unwrap();
    assert_eq!(changed(&o).headers.len(), 2);
    assert_eq!(o.hits.iter().map(|h| h.rule.as_str()).collect::<Vec<_>>(), ["rule 1", "rule 3", "stop here"]);
}

#[test]
fn endless_answers_are_held_at_their_head() {
    let gate = intercepting("~s");
    let a = head(answer("HTTP/1.1 200 OK", &[("Content-Type", "text/event-stream")], b""));
    let c = tunnel();
    let _got = hold(&gate, &c, &a);
    assert_eq!(gate.held().len(), 1);
}

#[test]
fn a_connection_that_is_gone_holds_nothing() {
    let gate = intercepting("~all");
    let c = tunnel();
    let got = hold(&gate, &c, &question("GET / HTTP/1.1", &[], b""));
    drop(c);
    assert_eq!((gate.held().len(), gate.release_all()), (0, 0));
    assert!(got.recv().is_err(), "what would have been told is forgotten");
}

#[test]
fn memory_for_held_messages_is_bounded() {
    let gate = intercepting("~all");
    let c = tunnel();
    let big = question("POST / HTTP/1.1", &[], &vec![0; 100 << 20]);
    let _held = (hold(&gate, &c, &big), hold(&gate, &c, &big));
    let third = judge(&gate, &c, &big);
    assert_eq!(third.judgement, Judgement::Pass);
    assert!(third.hits[0].did.contains("too many messages are held"));
    gate.release(1, Release::Drop);
    let _room = hold(&gate, &c, &big);
}

#[test]
fn letting_go_inside_of_what_is_told_does_not_deadlock() {
    let gate = intercepting("~all");
    let again = gate.clone();
    gate.listen(Arc::new(move |e| {
        if let Event::Held(h) = e {
            again.release(h.id, Release::Forward);
        }
    }));
    let got = hold(&gate, &tunnel(), &question("GET / HTTP/1.1", &[], b""));
    assert_eq!(got.try_recv().unwrap().judgement, Judgement::Pass);
}

#[test]
fn messages_are_injected_where_messages_are_judged() {
    let gate = Gate::new();
    let c = tunnel();
    let (send, got) = channel();
    let refuses = |m: &wirelore_kit::middle::Transit| if m.exchange == 7 { Err("not there".to_owned()) } else { Ok(()) };
    gate.join(
        &c,
        "websocket",
        Box::new(move |m, answered| {
            answered(refuses(&m));
            send.send(m).unwrap_or(());
        }),
    );
    let make = |proto| crate::json::message(proto, &serde_json::json!({"to_server": true, "line": "text", "body": "hi"}));
    assert_eq!(gate.inject(c.number, make), Ok(()));
    let m = got.try_recv().unwrap();
    assert_eq!((m.proto, m.dir, &m.line[..], &m.body[..]), ("websocket", Dir::ToServer, &b"text"[..], &b"hi"[..]));
    assert_eq!(m.exchange, wirelore_kit::middle::Transit::ANY, "no stream was named");
    let seventh = |proto| crate::json::message(proto, &serde_json::json!({"to_server": true, "exchange": 7}));
    assert_eq!(gate.inject(c.number, seventh), Err("not there".into()), "the connection's own word comes back");
    assert_eq!(gate.joined().len(), 1);
    gate.join(&c, "websocket", Box::new(|_, answered| drop(answered)));
    assert!(gate.inject(c.number, make).unwrap_err().contains("gone"), "it ended before it could say anything");
    let number = c.number;
    drop(c);
    assert!(gate.inject(number, make).unwrap_err().contains("gone"));
    assert!(gate.joined().is_empty());
}

#[test]
fn a_connection_that_passes_unread_is_named_and_can_be_closed_but_not_spoken_into() {
    let gate = Gate::new();
    let c = tunnel();
    let (send, got) = channel();
    gate.passes_by(&c, Box::new(move || send.send(()).unwrap_or(())));
    assert!(gate.joined().iter().all(|j| !j.judged && j.conn == c.number));
    let make = |proto| crate::json::message(proto, &serde_json::json!({"to_server": true}));
    assert!(gate.inject(c.number, make).unwrap_err().contains("passes unread"));
    assert_eq!((gate.close(c.number), got.try_recv()), (Ok(()), Ok(())));
    gate.join(&c, "redis", Box::new(|_, answered| drop(answered)));
    assert!(gate.close(c.number).unwrap_err().contains("is judged"));
    let number = c.number;
    drop(c);
    assert!(gate.close(number).unwrap_err().contains("gone"));
}
