//! A toy protocol held to every law, so that the conversation itself is tested without any real protocol.

mod toy;

use toy::{BODY, SPEC};
use wirelore_engine::laws::{self, Script, Step};
use wirelore_kit::row::MessageState;
use wirelore_kit::*;

static TABLE: &[&Spec] = &[&SPEC];

fn talk() -> Script {
    Script::tcp(7777)
        .bytes(0, b"GET one\nPUT 11\nhello")
        .bytes(1, b"OK one\n")
        .bytes(0, b" world.GET two\n")
        .bytes(1, b"OK pu")
        .bytes(1, b"t\nOK two\n")
        .ended()
}

#[test]
fn messages_pair_and_close() {
    let r = laws::read(TABLE, &talk(), Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages.len(), 6, "{t}");
    assert!(r.messages.iter().all(|m| m.state == MessageState::Whole), "{t}");
    assert_eq!(r.messages[1].summary, "PUT 11\\n");
    assert_eq!(r.messages[1].packets, (0, 2));
    assert_eq!(r.messages[2].exchange, Some((1, false)), "{t}");
    assert_eq!(r.inner.values().next().map(Vec::as_slice), Some(&b"hello world"[..]));
    assert_eq!(r.messages[1].nodes.iter().filter(|n| n.field.is(&BODY)).count(), 1, "pieces are joined: {t}");
}

#[test]
fn every_law_holds() {
    laws::all(TABLE, &talk(), 10_000).unwrap();
    laws::prefix_stable(TABLE, b"GET one\n", b"OK one\n", (50_000, 7777), Transport::Tcp).unwrap();
}

#[test]
fn an_answer_that_came_too_early_waits_for_its_question() {
    let s = Script::tcp(7777).bytes(0, b"GET one\n").bytes(1, b"OK one\nOK two\n").bytes(0, b"GET two\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let order: Vec<&str> = r.messages.iter().map(|m| m.summary.as_str()).collect();
    assert_eq!(order, ["GET one\\n", "OK one\\n", "GET two\\n", "OK two\\n"]);
    laws::all(TABLE, &s, 1000).unwrap();
}

#[test]
fn the_heir_reads_on_where_the_old_one_stopped() {
    let s = Script::tcp(7777).bytes(0, b"SWITCH\nGET a\n").bytes(1, b"OK a\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    assert_eq!(r.messages.len(), 3, "{}", laws::transcript(&r));
    assert_eq!(r.identified.len(), 2);
    laws::chunking(TABLE, &s, 1000).unwrap();
}

#[test]
fn bytes_that_are_no_message_are_a_row_and_reading_goes_on() {
    let s = Script::tcp(7777).bytes(0, b"GET a\nrubbish rubbish rubbish rubbish\nGET b\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(
        r.messages.iter().map(|m| m.state).collect::<Vec<_>>(),
        [MessageState::Whole, MessageState::Bad, MessageState::Whole],
        "{t}"
    );
    assert!(r.messages[1].notes.contains(&"toy.note.verb"), "{t}");
    for m in &r.messages {
        laws::spans(m).unwrap_or_else(|e| panic!("{e}\n{t}"));
    }
    laws::chunking(TABLE, &s, 1000).unwrap();
}

#[test]
fn a_wrong_guess_is_withdrawn_and_the_bytes_are_left() {
    let s = Script::tcp(7777).bytes(0, b"EHLO there, this is something else\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    assert!(r.messages.is_empty() && r.identified.is_empty());
}

#[test]
fn a_hole_in_a_counted_body_is_carried() {
    let mut s = Script::tcp(7777).bytes(0, b"PUT 11\nhel");
    s.steps.push(Step::Gap(0, 4));
    let s = s.bytes(0, b"orld.GET x\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages.len(), 2, "{t}");
    assert!(r.messages[0].notes.contains(&"data.note.hole") && r.messages[0].state == MessageState::Whole, "{t}");
}

#[test]
fn an_end_inside_a_message_is_told_as_cut() {
    let s = Script::tcp(7777).bytes(0, b"GET a\nPUT 50\nabc").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages[1].state, MessageState::Cut, "{t}");
    let s = Script::tcp(7777).bytes(0, b"GET a\nGET no end").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages[1].state, MessageState::Cut, "{t}");
    laws::all(TABLE, &s, 1000).unwrap();
}

#[test]
fn a_message_was_done_before_it_began_when_its_packets_came_in_another_order() {
    // Packet 9 filled the hole before what packet 4 had brought: the message is complete with packet 9.
    let mut script = Script::tcp(7);
    script.steps.push(Step::Bytes(0, b"GET ".to_vec(), 9));
    script.steps.push(Step::Bytes(0, b"tea\n".to_vec(), 4));
    script.steps.push(Step::Bytes(0, b"GET cake\n".to_vec(), 5));
    let read = laws::read(TABLE, &script.ended(), Level::Rows);
    let packets: Vec<(u32, u32)> = read.messages.iter().map(|m| m.packets).collect();
    assert_eq!(packets, [(9, 9), (5, 5)]);
}
