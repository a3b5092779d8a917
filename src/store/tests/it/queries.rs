//! Queries against asking each row by hand.

use crate::ops::{ADDR, ADDR6, Both, CODE, DELTA, HOST, Op, PATH, op};
use proptest::prelude::*;
use std::net::IpAddr;
use wirelore_kit::row::NONE;
use wirelore_store::query::{Case, FlowFact, MessageFact, Order, PacketFact, Query, Rows, Subject, Test, TextHow, count, find};
use wirelore_store::{CellView, Snapshot, Work};

fn number(n: i128, t: &Test) -> bool {
    match t {
        Test::Present => true,
        Test::Number(Order::Equal, m) => n == *m,
        Test::Number(Order::Unequal, m) => n != *m,
        Test::Number(Order::Below, m) => n < *m,
        Test::Number(Order::AtMost, m) => n <= *m,
        Test::Number(Order::Above, m) => n > *m,
        Test::Number(Order::AtLeast, m) => n >= *m,
        Test::Range(a, b) => (*a..=*b).contains(&n),
        Test::Bits(b) => u64::try_from(n).is_ok_and(|n| n & b != 0),
        Test::OneOf(all) => all.iter().any(|t| number(n, t)),
        _ => false,
    }
}

fn text(t: &str, test: &Test) -> bool {
    match test {
        Test::Present => true,
        Test::Text(how, other, case) => {
            let fold = |s: &str| if *case == Case::Ignore { s.to_lowercase() } else { s.to_owned() };
            let (t, other) = (fold(t), fold(std::str::from_utf8(other).unwrap()));
            match how {
                TextHow::Equals => t == other,
                TextHow::Unequal => t != other,
                TextHow::Contains => t.contains(&other),
                TextHow::StartsWith => t.starts_with(&other),
                TextHow::EndsWith => t.ends_with(&other),
            }
        }
        Test::OneOf(all) => all.iter().any(|o| text(t, o)),
        _ => false,
    }
}

fn address(ip: IpAddr, t: &Test) -> bool {
    let inside = |net: &IpAddr, bits: &u8| match (ip, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (0..*bits).all(|i| (u32::from(a) >> (31 - i)) & 1 == (u32::from(*b) >> (31 - i)) & 1),
        _ => false,
    };
    match t {
        Test::Present => true,
        Test::Address(net, bits) => inside(net, bits),
        Test::NotAddress(net, bits) => !inside(net, bits),
        Test::OneOf(all) => all.iter().any(|t| address(ip, t)),
        _ => false,
    }
}

fn cell(v: &CellView<'_>, t: &Test) -> bool {
    match *v {
        CellView::U64(n) => number(n.into(), t),
        CellView::I64(n) => number(n.into(), t),
        CellView::Text(b) => text(std::str::from_utf8(b).unwrap(), t),
        CellView::Ip4(a) => address(a.into(), t),
        CellView::Ip6(a) => address(a.into(), t),
    }
}

/// What leaves look at, by row kind; the rows of other kinds are reached by hand.
fn message_is(s: &Snapshot, m: u32, subject: Subject, t: &Test) -> bool {
    let row = s.message(m).unwrap();
    match subject {
        Subject::Column(f) => s.cell_values(m, f).any(|v| cell(&v, t)),
        Subject::Message(MessageFact::Number) => number(m.into(), t),
        Subject::Message(MessageFact::Len) => number(row.len.into(), t),
        Subject::Message(MessageFact::State) => number(row.state as i128, t),
        Subject::Message(MessageFact::Exchange) => row.exchange != NONE && number(row.exchange.into(), t),
        Subject::Message(MessageFact::Worst) => row.worst.is_some_and(|w| number(w as i128, t)),
        Subject::Message(MessageFact::Summary) => text(s.summary(m), t),
        Subject::Packet(_) => {
            let p = if row.done == NONE { row.first } else { row.done };
            p < s.packets() && packet_is(s, p, subject, t)
        }
        Subject::Flow(_) => flow_is(s, row.conv.flow, subject, t),
        Subject::Message(_) => unreachable!(),
    }
}

fn flow_is(s: &Snapshot, f: u32, subject: Subject, t: &Test) -> bool {
    let flow = s.flow(f).unwrap();
    match subject {
        Subject::Flow(FlowFact::Number) => number(f.into(), t),
        Subject::Flow(FlowFact::Stream) => number(flow.stream.into(), t),
        Subject::Flow(FlowFact::Port) => flow.ends().iter().any(|e| number(e.port.into(), t)),
        Subject::Flow(FlowFact::Client) => address(flow.client().ip, t),
        Subject::Flow(FlowFact::Protocol) => flow.protocol().is_some_and(|p| number(p.into(), t)),
        Subject::Flow(_) => unreachable!(),
        Subject::Packet(_) => (0..s.packets()).any(|p| s.packet(p).unwrap().flow == f && packet_is(s, p, subject, t)),
        _ => s.messages_of(f).iter().any(|m| message_is(s, *m, subject, t)),
    }
}

fn packet_is(s: &Snapshot, p: u32, subject: Subject, t: &Test) -> bool {
    let row = s.packet(p).unwrap();
    let flow = s.flow(row.flow);
    match subject {
        Subject::Packet(PacketFact::Number) => number(i128::from(p) + 1, t),
        Subject::Packet(PacketFact::WireLen) => number(row.wire_len.into(), t),
        Subject::Packet(PacketFact::Verdicts) => number((row.bits & 0xff_ffff).into(), t),
        Subject::Packet(PacketFact::Bits) => number(row.bits.into(), t),
        Subject::Packet(PacketFact::SourcePort) => {
            flow.is_some_and(|f| number(f.ends()[usize::from(row.is_backward())].port.into(), t))
        }
        Subject::Packet(PacketFact::Destination) => {
            flow.is_some_and(|f| address(f.ends()[usize::from(!row.is_backward())].ip, t))
        }
        Subject::Packet(_) => unreachable!(),
        Subject::Flow(_) => row.flow != NONE && flow_is(s, row.flow, subject, t),
        _ => s.messages_done_in(p).iter().any(|m| message_is(s, *m, subject, t)),
    }
}

fn found_in_text(s: &Snapshot, needle: &str, m: Option<u32>, f: u32) -> bool {
    let has = |t: &str| t.to_lowercase().contains(&needle.to_lowercase());
    let in_message = m.is_some_and(|m| {
        has(s.summary(m)) || s.cells(m).any(|(_, v)| matches!(v, CellView::Text(t) if has(std::str::from_utf8(t).unwrap())))
    });
    in_message || s.flow(f).is_some_and(|f| f.ends().iter().any(|e| has(&e.to_string()) || has(&e.ip.to_string())))
}

fn holds(s: &Snapshot, q: &Query, rows: Rows, row: u32) -> bool {
    match q {
        Query::All => true,
        Query::Not(q) => !holds(s, q, rows, row),
        Query::And(all) => all.iter().all(|q| holds(s, q, rows, row)),
        Query::Or(any) => any.iter().any(|q| holds(s, q, rows, row)),
        Query::Is(subject, t) => match rows {
            Rows::Messages => message_is(s, row, *subject, t),
            Rows::Packets => packet_is(s, row, *subject, t),
            Rows::Flows => flow_is(s, row, *subject, t),
            Rows::Exchanges => {
                let e = s.exchange(row).unwrap();
                match subject {
                    Subject::Flow(_) => flow_is(s, e.conv.flow, *subject, t),
                    _ => s.each_message().any(|(m, r)| r.exchange == row && message_is(s, m, *subject, t)),
                }
            }
        },
        Query::These(of, numbers) => {
            let one =
                |shift: i128| Test::OneOf(numbers.iter().map(|n| Test::Number(Order::Equal, i128::from(*n) + shift)).collect());
            let same = match of {
                Rows::Packets => Query::Is(Subject::Packet(PacketFact::Number), one(1)),
                Rows::Messages => Query::Is(Subject::Message(MessageFact::Number), one(0)),
                Rows::Flows => Query::Is(Subject::Flow(FlowFact::Number), one(0)),
                Rows::Exchanges => Query::Or(Vec::new()),
            };
            holds(s, &same, rows, row)
        }
        Query::Text(needle) => match rows {
            Rows::Messages => found_in_text(s, needle, Some(row), s.message(row).unwrap().conv.flow),
            Rows::Packets => {
                let flow = s.packet(row).unwrap().flow;
                found_in_text(s, needle, None, flow)
                    || s.messages_done_in(row).iter().any(|m| found_in_text(s, needle, Some(*m), NONE))
            }
            Rows::Flows => {
                found_in_text(s, needle, None, row) || s.messages_of(row).iter().any(|m| found_in_text(s, needle, Some(*m), row))
            }
            Rows::Exchanges => {
                let e = s.exchange(row).unwrap();
                found_in_text(s, needle, None, e.conv.flow)
                    || s.each_message().any(|(m, r)| r.exchange == row && found_in_text(s, needle, Some(m), NONE))
            }
        },
    }
}

fn test_of_number() -> impl Strategy<Value = Test> {
    let order =
        prop::sample::select(vec![Order::Equal, Order::Unequal, Order::Below, Order::AtMost, Order::Above, Order::AtLeast]);
    prop_oneof![
        (order, prop_oneof![-60i128..700, Just(40_000)]).prop_map(|(o, n)| Test::Number(o, n)),
        (0i128..700, 0i128..700).prop_map(|(a, b)| Test::Range(a, b)),
        (0u64..64).prop_map(Test::Bits),
        Just(Test::Present),
        Just(Test::OneOf(vec![Test::Number(Order::Equal, 3), Test::Number(Order::Equal, 200)])),
    ]
}

fn test_of_text() -> impl Strategy<Value = Test> {
    let how =
        prop::sample::select(vec![TextHow::Equals, TextHow::Unequal, TextHow::Contains, TextHow::StartsWith, TextHow::EndsWith]);
    let case = prop::sample::select(vec![Case::Exact, Case::Ignore]);
    (how, prop_oneof!["[a-cA-C./ ]{0,3}", Just("www.EXAMPLE.org".to_owned()), Just("É".to_owned())], case)
        .prop_map(|(h, t, c)| Test::Text(h, t.into_bytes(), c))
}

fn test_of_address() -> impl Strategy<Value = Test> {
    let net = prop_oneof![any::<[u8; 4]>(), (0u8..6).prop_map(|n| [10, 0, 0, n])];
    (net, 0u8..=32, any::<bool>())
        .prop_map(|(a, b, not)| if not { Test::NotAddress(a.into(), b) } else { Test::Address(a.into(), b) })
}

fn query() -> impl Strategy<Value = Query> {
    let is = |subject: Subject| move |t| Query::Is(subject, t);
    let leaf = prop_oneof![
        1 => test_of_text().prop_map(is(Subject::Column(&HOST))),
        1 => test_of_text().prop_map(is(Subject::Column(&PATH))),
        1 => test_of_number().prop_map(is(Subject::Column(&CODE))),
        1 => test_of_number().prop_map(is(Subject::Column(&DELTA))),
        1 => test_of_address().prop_map(is(Subject::Column(&ADDR))),
        1 => Just(Query::Is(Subject::Column(&ADDR6), Test::Present)),
        1 => test_of_number().prop_map(is(Subject::Message(MessageFact::Len))),
        1 => test_of_number().prop_map(is(Subject::Message(MessageFact::State))),
        1 => test_of_number().prop_map(is(Subject::Message(MessageFact::Exchange))),
        1 => test_of_number().prop_map(is(Subject::Message(MessageFact::Worst))),
        1 => test_of_text().prop_map(is(Subject::Message(MessageFact::Summary))),
        1 => test_of_number().prop_map(is(Subject::Packet(PacketFact::Number))),
        1 => test_of_number().prop_map(is(Subject::Packet(PacketFact::WireLen))),
        1 => test_of_number().prop_map(is(Subject::Packet(PacketFact::Verdicts))),
        1 => test_of_number().prop_map(is(Subject::Packet(PacketFact::SourcePort))),
        1 => test_of_address().prop_map(is(Subject::Packet(PacketFact::Destination))),
        1 => test_of_number().prop_map(is(Subject::Flow(FlowFact::Stream))),
        1 => test_of_number().prop_map(is(Subject::Flow(FlowFact::Port))),
        1 => test_of_address().prop_map(is(Subject::Flow(FlowFact::Client))),
        1 => test_of_number().prop_map(is(Subject::Flow(FlowFact::Protocol))),
        1 => (prop::sample::select(vec![Rows::Packets, Rows::Messages, Rows::Flows, Rows::Exchanges]), prop::collection::vec(0u32..60, 0..8))
            .prop_map(|(of, numbers)| Query::These(of, numbers.into())),
        1 => test_of_number().prop_map(is(Subject::Packet(PacketFact::Bits))),
        4 => prop_oneof![4 => "[a-cA-C.]{1,4}", 1 => Just("É".to_owned()), 1 => Just("example".to_owned()), 1 => Just("0.3".to_owned()), 1 => Just(".3:80".to_owned()), 1 => Just("4000".to_owned()), 1 => Just("]:80".to_owned())].prop_map(Query::Text),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Query::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Query::Or),
            inner.prop_map(|q| Query::Not(Box::new(q))),
        ]
    })
}

fn small(op: Op) -> Op {
    match op {
        // Asking each row by hand is slow.
        Op::Packets(n, f) => Op::Packets(1 + n % 40, f),
        Op::Many(n, f) => Op::Many(1 + n % 30, f),
        other => other,
    }
}

fn compare(s: &Snapshot, q: &Query) {
    for (rows, len) in
        [(Rows::Messages, s.messages()), (Rows::Packets, s.packets()), (Rows::Flows, s.flows()), (Rows::Exchanges, s.exchanges())]
    {
        let live = |i: u32| match rows {
            Rows::Messages => !s.message(i).unwrap().withdrawn,
            Rows::Exchanges => !s.exchange(i).unwrap().withdrawn,
            _ => true,
        };
        let expected: Vec<u32> = (0..len).filter(|i| live(*i) && holds(s, q, rows, *i)).collect();
        assert_eq!(find(s, q, rows, &Work::new()).unwrap(), expected, "{rows:?} of {q:?}");
        assert_eq!(count(s, q, rows, &Work::new()).unwrap() as usize, expected.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn a_query_finds_what_asking_each_row_finds(ops in prop::collection::vec(op().prop_map(small), 1..80), queries in prop::collection::vec(query(), 1..6)) {
        let mut both = Both::new();
        for op in &ops {
            both.apply(op);
        }
        both.builder.publish(true);
        let s = both.builder.store().snapshot();
        for q in &queries {
            compare(&s, q);
        }
    }
}

#[test]
fn a_find_across_the_border_of_two_texts_is_none() {
    let mut both = Both::new();
    both.apply(&Op::Packets(9, 0));
    both.apply(&Op::Flow { host: 1, back: true, proto: Some(1) });
    for summary in ["one", "two", "three", "two three"] {
        both.apply(&Op::Message {
            flow: 0,
            inner: 0,
            dir: true,
            open: false,
            summary: summary.into(),
            cells: vec![],
            note: None,
            generation: 0,
        });
    }
    both.builder.publish(true);
    let s = both.builder.store().snapshot();
    for (text, found) in [
        ("twothree", vec![]),
        ("etwo", vec![]),
        ("ethree", vec![]),
        ("TWO", vec![1, 3]),
        ("three", vec![2, 3]),
        ("e", vec![0, 2, 3]),
    ] {
        assert_eq!(find(&s, &Query::text(text), Rows::Messages, &Work::new()), Some(found), "{text}");
    }
}

/// Full segments with and without patches: what a small store never has.
#[test]
fn full_segments_and_their_patches_are_searched_too() {
    let mut both = Both::new();
    both.apply(&Op::Packets(9, 0));
    both.apply(&Op::Flow { host: 1, back: true, proto: Some(1) });
    both.apply(&Op::Message {
        flow: 0,
        inner: 0,
        dir: true,
        open: true,
        summary: "first".into(),
        cells: vec![],
        note: None,
        generation: 2,
    });
    both.apply(&Op::Many(2999, 0));
    both.apply(&Op::Packets(9, 0));
    both.apply(&Op::Many(2999, 0));
    for (message, summary) in [(0, Some("now changed".to_owned())), (5, None), (5990, Some("changed in the last".to_owned()))] {
        let cells = vec![
            (0, crate::ops::Owned::Text("www.late.org".into())),
            (2, crate::ops::Owned::U64(7_000_000_000)),
            (3, crate::ops::Owned::I64(-4)),
        ];
        both.apply(&Op::Change { message, end: false, summary, cells, note: Some(1) });
    }
    let queries = [
        Query::text("changed"),
        Query::Is(Subject::Message(MessageFact::Summary), Test::Text(TextHow::Equals, b"now changed".to_vec(), Case::Exact)),
        Query::text("LATE.org"),
        Query::column(&HOST, Test::Text(TextHow::StartsWith, b"www.".to_vec(), Case::Exact)),
        Query::column(&CODE, Test::Number(Order::Above, 6_999_999_999)),
        Query::column(&CODE, Test::Number(Order::Equal, 3)),
        Query::column(&DELTA, Test::Number(Order::Below, 0)),
        Query::Is(Subject::Message(MessageFact::Worst), Test::Present),
        Query::Is(Subject::Message(MessageFact::Summary), Test::Text(TextHow::EndsWith, b"last".to_vec(), Case::Exact)),
    ];
    let store = both.builder.store();
    both.builder.publish(true);
    let open = store.snapshot();
    both.builder.progress(wirelore_store::Progress { done: true, ..Default::default() });
    both.builder.publish(true);
    let folded = store.snapshot();
    assert_ne!(open.generation(), folded.generation());
    for q in &queries {
        let live = |s: &Snapshot| find(s, q, Rows::Messages, &Work::new()).unwrap();
        let expected: Vec<u32> = (0..open.messages()).filter(|i| holds(&open, q, Rows::Messages, *i)).collect();
        assert!(!expected.is_empty(), "{q:?} finds something");
        assert_eq!(live(&open), expected, "{q:?}");
        assert_eq!(live(&folded), expected, "{q:?} after folding");
    }
    both.builder.withdraw(wirelore_kit::ConvId { flow: 0, inner: 0 }, 2);
    both.builder.publish(true);
    assert_eq!(find(&store.snapshot(), &Query::text("the same"), Rows::Messages, &Work::new()), Some(vec![]));
    assert_eq!(find(&open, &Query::text("the same"), Rows::Messages, &Work::new()).unwrap().len(), 5998 - 1);
}
