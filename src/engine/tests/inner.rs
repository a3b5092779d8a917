//! Conversations inside conversations: their numbers, their arrivals, their ends, and what is let go.

mod toy;

use toy::tunnel::{self, frame};
use wirelore_engine::conversation::MOST_INNER;
use wirelore_engine::laws::{self, Script, Step, Told};
use wirelore_kit::row::MessageState;
use wirelore_kit::*;

static TABLE: &[&Spec] = &[&tunnel::SPEC, &toy::SPEC];

fn join(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

/// Two streams of the toy, one of them in a tunnel in the tunnel, frames over packet borders.
fn nested() -> Script {
    let deep = |key: u8, bytes: &[u8]| frame(b'M', 100, &frame(b'D', key, bytes));
    let asks = join(&[frame(b'D', 1, b"GET a\nPUT 3\nx"), deep(5, b"GET deep\n"), frame(b'M', 1, b"yz."), frame(b'E', 1, b"")]);
    let answers = join(&[frame(b'M', 1, b"OK a\nOK put\n"), deep(5, b"OK deep\n"), frame(b'E', 1, b"")]);
    let (a, b) = asks.split_at(20);
    Script::tcp(8888).bytes(0, a).bytes(0, b).bytes(1, &answers).bytes(0, &deep(6, b"GET more\n")).ended()
}

fn inner(r: &laws::Record) -> Vec<&Told> {
    r.messages.iter().filter(|m| m.conv.inner > 0 && m.proto == "toy").collect()
}

#[test]
fn numbers_are_unique_at_every_depth() {
    let r = laws::read(TABLE, &nested(), Level::Tree);
    let t = laws::transcript(&r);
    let lines: Vec<(u32, &str)> = inner(&r).iter().map(|m| (m.conv.inner, m.summary.as_str())).collect();
    assert_eq!(
        lines,
        [
            (1, "GET a\\n"),
            (1, "PUT 3\\n"),
            (3, "GET deep\\n"),
            (1, "OK a\\n"),
            (1, "OK put\\n"),
            (3, "OK deep\\n"),
            (4, "GET more\\n")
        ],
        "{t}"
    );
    assert!(inner(&r).iter().all(|m| m.state == MessageState::Whole), "{t}");
}

#[test]
fn every_law_holds() {
    laws::all(TABLE, &nested(), 5_000).unwrap();
}

#[test]
fn a_message_inside_began_with_the_first_packet_of_what_it_was_made_from() {
    let masked = frame(b'M', 1, b"GET word\n");
    let plain = frame(b'D', 1, b"GET one\nGET two\n");
    let r = laws::read(
        TABLE,
        &Script::tcp(8888).bytes(0, &masked[..6]).bytes(0, &masked[6..]).bytes(0, &plain[..7]).bytes(0, &plain[7..]).ended(),
        Level::Rows,
    );
    let packets: Vec<(u32, u32)> = inner(&r).iter().map(|m| m.packets).collect();
    assert_eq!(packets, [(0, 1), (2, 3), (3, 3)]);
}

#[test]
fn what_has_ended_in_both_directions_is_let_go() {
    let mut script = Script::tcp(8888);
    for _ in 0..200 {
        for dir in [0, 1] {
            let said: &[u8] = if dir == 0 { b"GET a\n" } else { b"OK a\n" };
            script = script.bytes(dir, &join(&[frame(b'D', 7, said), frame(b'E', 7, b"")]));
        }
    }
    let r = laws::read(TABLE, &script, Level::Rows);
    let numbers: std::collections::BTreeSet<u32> = inner(&r).iter().map(|m| m.conv.inner).collect();
    assert_eq!(numbers.len(), 200, "each is a conversation of its own");
    assert!(r.weight < 10_000, "{} bytes", r.weight);
}

#[test]
fn the_end_of_the_connection_ends_what_is_inside() {
    let s = Script::tcp(8888).bytes(0, &frame(b'D', 1, b"GET a\nGET unfini")).ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    assert_eq!(inner(&r).iter().map(|m| m.state).collect::<Vec<_>>(), [MessageState::Whole, MessageState::Cut]);
}

#[test]
fn a_hole_outside_is_told_inside() {
    let mut s = Script::tcp(8888).bytes(0, &frame(b'D', 1, b"GET a\nGET hal"));
    s.steps.push(Step::Gap(0, 30));
    let s = s.bytes(0, &frame(b'D', 1, b"f\nGET b\n")).ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    let lines: Vec<(&str, MessageState)> = inner(&r).iter().map(|m| (m.summary.as_str(), m.state)).collect();
    assert_eq!(lines.first(), Some(&("GET a\\n", MessageState::Whole)), "{t}");
    assert_eq!(lines.last(), Some(&("GET b\\n", MessageState::Whole)), "{t}");
    assert!(!lines.iter().any(|l| l.0.contains("half")), "bytes before and behind the hole were joined: {t}");
}

#[test]
fn deeper_than_the_bound_is_said_and_not_read() {
    let mut bytes = frame(b'D', 1, b"GET a\n");
    for _ in 0..12 {
        bytes = frame(b'D', 100, &bytes);
    }
    let r = laws::read(TABLE, &Script::tcp(8888).bytes(0, &bytes).ended(), Level::Rows);
    assert!(inner(&r).is_empty());
    assert!(r.messages.iter().any(|m| m.notes.contains(&"data.note.inner_limit")));
}

#[test]
fn more_streams_than_may_live_are_left_unread_and_that_is_said() {
    let streams = MOST_INNER as u32 + 10;
    let frames: Vec<u8> = (0..streams).flat_map(|n| frame(b'W', 0, &[&n.to_be_bytes()[..], b"GET a\n"].concat())).collect();
    let r = laws::read(TABLE, &Script::tcp(8888).bytes(0, &frames), Level::Rows);
    assert_eq!(inner(&r).len(), MOST_INNER);
    let said = r.messages.iter().filter(|m| m.notes.contains(&"data.note.inner_limit")).count();
    assert_eq!(said, 10);
    assert!(r.weight < MOST_INNER * 2048, "{} bytes", r.weight);
}

#[test]
fn datagrams_inside_keep_their_borders() {
    let bytes = join(&[frame(b'G', 1, b"GET a\nleft over"), frame(b'G', 1, b"GET b\n"), frame(b'G', 1, b"GET cut")]);
    let s = Script::tcp(8888).bytes(0, &bytes[..30]).bytes(0, &bytes[30..]).ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    let rows: Vec<(u64, u64, MessageState, usize)> = inner(&r).iter().map(|m| (m.at, m.len, m.state, m.notes.len())).collect();
    assert_eq!(rows, [(0, 15, MessageState::Whole, 1), (15, 6, MessageState::Whole, 0), (21, 7, MessageState::Bad, 1)], "{t}");
    laws::all(TABLE, &s, 1000).unwrap();
}

#[test]
fn a_checkpoint_may_lie_inside_open_messages() {
    use wirelore_engine::conversation::{Arrival, Context, Conversation, Scratch};
    let start = Start {
        transport: Transport::Tcp,
        client: Some(([192, 0, 2, 1].into(), 1)),
        server: Some(([192, 0, 2, 2].into(), 8888)),
        hint: Hint::Probe,
        midstream: false,
        expected: None,
        inside: None,
    };
    let (first, second) = (frame(b'D', 1, b"PUT 6\nabc"), frame(b'D', 1, b"def."));
    let cx = Context { table: TABLE, level: Level::Rows, secrets: &NoSecrets };
    let mut s = Scratch::default();
    let mut whole = laws::Record::default();
    let mut c = Conversation::new(ConvId::default(), start, false);
    c.push(0, 0, &first, Arrival::default(), cx, &mut s, &mut whole);
    let mut copy = c.fork().expect("a copy");
    let mut after = laws::Record::default();
    for (c, r) in [(&mut c, &mut whole), (&mut copy, &mut after)] {
        c.push(0, first.len() as u64, &second, Arrival { number: 1, time: 1 }, cx, &mut s, r);
        c.push(0, 21, &frame(b'D', 1, b"GET x\n"), Arrival { number: 2, time: 2 }, cx, &mut s, r);
    }
    let last = |r: &laws::Record| r.messages.last().map(|m| Told { exchange: None, ..m.clone() });
    assert_eq!(last(&whole), last(&after));
}

#[test]
fn the_content_of_a_message_is_read_for_trees_and_makes_no_rows() {
    let s = Script::tcp(8888).bytes(0, &frame(b'D', 200, b"GET con")).bytes(0, &frame(b'D', 200, b"tent\n")).ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert!(inner(&r).is_empty(), "{t}");
    assert_eq!(r.contents.iter().map(|(_, m)| m.summary.as_str()).collect::<Vec<_>>(), ["GET content\\n"], "{t}");
    assert!(!r.contents[0].1.nodes.is_empty());
    assert!(laws::read(TABLE, &s, Level::Bodies).contents.is_empty());
    laws::all(TABLE, &s, 1000).unwrap();
}
