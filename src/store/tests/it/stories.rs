//! Single behaviours, each told by its name.

use crate::ops::{Both, CODE, FIELDS, HOST, NOTES, Op, Owned};
use wirelore_kit::row::NONE;
use wirelore_kit::{Cell, ConvId, Dir, Endpoint, MessageState, Noted, PacketRow, Span, Transport};
use wirelore_store::{Builder, CellView, Damage, FlowRow, MessageEnd, MessageOpen, Progress, Schema, Work, stats};

fn open<'a>(flow: u32, packet: u32) -> MessageOpen<'a> {
    MessageOpen {
        conv: ConvId { flow, inner: 0 },
        protocol: 0,
        dir: Dir::ToServer,
        first: packet,
        done: packet,
        at: 0,
        len: 10,
        state: MessageState::Whole,
        summary: "line",
        cells: &[],
        arena: &[],
        notes: &[],
        generation: 0,
    }
}

fn with_flow() -> Builder {
    let mut b = Builder::new(Schema { protocols: vec![("t", "T")], key_fields: FIELDS.to_vec() });
    b.packet(PacketRow::new(0, 0, 0, 60, 60));
    let ends = [1, 2].map(|n| Endpoint { ip: [10, 0, 0, n].into(), port: 5 });
    assert_eq!(b.flow(ends, FlowRow::new(Transport::Udp, 17, 0, 0)), 0);
    b
}

#[test]
fn a_column_keeps_all_its_values_in_order() {
    let mut b = with_flow();
    let cells = [
        (&HOST as _, Cell::Text(0..1)),
        (&CODE as _, Cell::U64(u64::MAX)),
        (&HOST as _, Cell::Text(1..3)),
        (&HOST as _, Cell::Text(0..1)),
    ];
    let m = b.message(&MessageOpen { cells: &cells, arena: b"abc", ..open(0, 0) });
    b.publish(true);
    let s = b.store().snapshot();
    assert_eq!(s.cell_values(m, &HOST).collect::<Vec<_>>(), [CellView::Text(b"a"), CellView::Text(b"bc"), CellView::Text(b"a")]);
    assert_eq!(s.cell(m, &CODE), Some(CellView::U64(u64::MAX)));
    assert_eq!(s.column("t.host").map(|f| f.name), Some("t.host"));
}

#[test]
fn a_range_outside_the_arena_is_an_empty_text() {
    let mut b = with_flow();
    let m = b.message(&MessageOpen { cells: &[(&HOST, Cell::Text(4..900))], arena: b"abc", ..open(0, 0) });
    b.publish(true);
    assert_eq!(b.store().snapshot().cell(m, &HOST), Some(CellView::Text(b"")));
}

#[test]
fn a_message_of_a_flow_that_is_not_there_is_kept_without_one() {
    let mut b = with_flow();
    let m = b.message(&open(77, 0));
    b.note_of_message(m, &Noted { what: &NOTES[0], at: Span::default() });
    b.publish(true);
    let s = b.store().snapshot();
    assert_eq!(s.summary(m), "line");
    assert_eq!(s.messages_of(77), []);
    assert_eq!(s.messages_of(0), []);
}

#[test]
fn columns_stay_within_their_bounds_and_what_is_left_out_is_counted() {
    let mut b = with_flow();
    let text = vec![b'x'; 40 << 10];
    let cells: Vec<_> = (0..4).map(|_| (&HOST as _, Cell::Text(0..40 << 10))).collect();
    let m = b.message(&MessageOpen { cells: &cells, arena: &text, ..open(0, 0) });
    let more: Vec<_> = (0..250).map(|i| (&CODE as _, Cell::U64(i))).collect();
    for _ in 0..20 {
        b.message_changed(
            m,
            &MessageEnd { done: 0, len: 1, state: MessageState::Whole, summary: None, cells: &more, arena: &[], notes: &[] },
        );
    }
    b.publish(true);
    let s = b.store().snapshot();
    assert_eq!(s.cells(m).count(), 4096);
    assert_eq!(s.cells_left_out(), 3 + 20 * 250 + 1 - 4096);
}

#[test]
fn a_long_line_is_cut_between_letters() {
    let mut b = with_flow();
    let line = "é".repeat(3000);
    let m = b.message(&MessageOpen { summary: &line, ..open(0, 0) });
    b.publish(true);
    assert_eq!(b.store().snapshot().summary(m), "é".repeat(1024));
}

#[test]
fn too_many_notes_of_a_kind_are_counted_but_others_still_listed() {
    let mut b = with_flow();
    for _ in 0..70_000 {
        b.note_of_packet(0, NONE, &NOTES[0], Span::default());
    }
    b.note_of_packet(0, 0, &NOTES[1], Span::default());
    b.publish(true);
    let s = b.store().snapshot();
    assert_eq!(s.notes().filter(|n| n.1.note.name == NOTES[0].name).count(), 1 << 16);
    let worst_first: Vec<_> = s.note_counts().iter().map(|c| (c.note.name, c.count, c.left_out)).collect();
    assert_eq!(worst_first, [("t.note.bad", 1, 0), ("t.note.odd", 70_000, 70_000 - (1 << 16))]);
    assert_eq!(s.notes_back(0).count(), 1);
}

#[test]
fn changes_of_full_segments_are_folded_in_when_they_pause() {
    let mut both = Both::new();
    both.apply(&Op::Packets(9, 0));
    both.apply(&Op::Flow { host: 1, back: false, proto: None });
    both.apply(&Op::Many(5000, 0));
    both.builder.publish(true);
    // Every 900th message is open: ending them leaves the first segment without one.
    for message in (0..5000).step_by(900) {
        both.apply(&Op::Change {
            message,
            end: true,
            summary: Some(format!("ended {message}")),
            cells: vec![(0, Owned::Text("later".into()))],
            note: None,
        });
    }
    let store = both.builder.store();
    both.builder.publish(true);
    let waiting = store.snapshot().heap_size();
    // The next snapshot finds them at rest.
    both.apply(&Op::Packets(1, 0));
    both.builder.publish(true);
    let s = store.snapshot();
    both.model.check(&s);
    assert!(s.heap_size().messages < waiting.messages, "{:?} after {waiting:?}", s.heap_size());
}

#[test]
fn cells_that_had_to_move_leave_no_holes_in_full_segments() {
    let mut b = with_flow();
    let one: [_; 1] = [(&CODE as _, Cell::U64(1))];
    for i in 0..4095 {
        b.message(&MessageOpen { cells: &one, ..open(0, 0) });
        // The message before it says more: its cells stand no longer at the end.
        b.message_changed(
            u32::max(i, 1) - 1,
            &MessageEnd { done: 0, len: 1, state: MessageState::Whole, summary: None, cells: &one, arena: &[], notes: &[] },
        );
    }
    b.message(&open(0, 0));
    b.publish(true);
    let s = b.store().snapshot();
    assert_eq!((0..4096).map(|m| s.cells(m).count()).sum::<usize>(), 4095 * 2);
    let full = s.heap_size().cells;
    assert!(full <= 4095 * 2 * 6 + 100, "{full} bytes");
}

#[test]
fn withdrawing_a_long_flow_takes_no_longer_for_each_row() {
    let mut b = with_flow();
    for _ in 0..60_000 {
        b.message(&open(0, 0));
    }
    let again = b.message(&MessageOpen { generation: 1, ..open(0, 0) });
    let begin = std::time::Instant::now();
    b.withdraw(ConvId { flow: 0, inner: 0 }, 1);
    // Quadratic work took tens of seconds unoptimised.
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
    b.publish(true);
    let s = b.store().snapshot();
    assert_eq!((s.live_messages(), s.withdrawn_messages()), (1, 60_000));
    assert_eq!(s.messages_of(0), [again]);
    assert_eq!(s.flow(0).unwrap().message_count(), 1);
    assert_eq!(s.messages_done_in(0), [again]);
}

#[test]
fn many_changes_of_a_full_segment_in_any_order_are_all_kept() {
    let mut b = with_flow();
    for _ in 0..4096 + 10 {
        b.message(&MessageOpen { done: NONE, state: MessageState::Open, ..open(0, 0) });
    }
    for i in 0..4096u32 {
        let message = i * 1237 % 4096;
        let line = format!("ended as {i}");
        b.message_changed(
            message,
            &MessageEnd {
                done: 0,
                len: i.into(),
                state: MessageState::Whole,
                summary: Some(&line),
                cells: &[(&CODE, Cell::U64(i.into()))],
                arena: &[],
                notes: &[],
            },
        );
    }
    b.publish(true);
    let s = b.store().snapshot();
    for i in 0..4096u32 {
        let message = i * 1237 % 4096;
        assert_eq!(s.summary(message), format!("ended as {i}"));
        assert_eq!((s.message(message).unwrap().len, s.cell(message, &CODE)), (i.into(), Some(CellView::U64(i.into()))));
    }
}

#[test]
fn a_tunnel_for_each_flow_is_not_looked_for_among_all_others() {
    let mut b = with_flow();
    let begin = std::time::Instant::now();
    for _ in 0..3 {
        for i in 0..70_000u32 {
            assert_eq!(u32::from(b.tunnel(&format!("path {i}"))), (i + 1).min(65_535));
        }
    }
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
}

#[test]
fn facts_comments_names_tunnels_and_progress() {
    let mut b = with_flow();
    b.packets(&[PacketRow::new(5, 0, 0, 60, 60); 3]);
    b.facts().name = "x.pcapng".into();
    for i in 0..1005 {
        b.damage(Damage { offset: i, what: "w".into(), ..Damage::default() });
    }
    b.comment(1, "one");
    b.comment(1, "two");
    b.comment(3, "three");
    let ip = "10.0.0.1".parse().unwrap();
    b.name(ip, "first.example");
    b.name(ip, "second.example");
    assert_eq!([b.tunnel("ip:gre"), b.tunnel(""), b.tunnel("ip:ip"), b.tunnel("ip:gre")], [1, 0, 2, 1]);
    b.progress(Progress { read: 1, of: Some(4), done: false });
    b.publish(true);
    let s = b.store().snapshot();
    assert_eq!(s.facts().name, "x.pcapng");
    assert_eq!((s.facts().damages.len(), s.facts().damages_left_out), (1000, 5));
    assert_eq!(s.comments_on(1).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(s.comments_on(2).count(), 0);
    assert_eq!(s.comments_on(3).collect::<Vec<_>>(), ["three"]);
    assert_eq!(s.name_of(&ip), Some("first.example"));
    assert_eq!((s.tunnel(0), s.tunnel(2), s.tunnel(9)), ("", "ip:ip", ""));
    assert_eq!(s.progress().share(), Some(0.25));
}

#[test]
fn a_packet_knows_its_flows_numbers_from_its_senders_side() {
    let mut b = with_flow();
    let flow = b.flow_mut(0).unwrap();
    flow.stream = 4;
    flow.set_seq_base(0, 100);
    flow.set_seq_base(1, 200);
    flow.set_window_shift(1, 7);
    let mut row = PacketRow::new(9, 0, 0, 60, 60);
    row.flow = 0;
    row.bits = PacketRow::BACKWARD | 5;
    let p = b.packet(row);
    b.publish(true);
    let s = b.store().snapshot();
    let facts = s.packet_facts(p).unwrap();
    assert_eq!((facts.number, facts.time, facts.stream, facts.verdicts), (2, 9, Some(4), 5));
    assert_eq!((facts.seq_base, facts.ack_base, facts.window_shift), (Some(200), Some(100), Some(7)));
    assert_eq!(s.packet_facts(0).unwrap().stream, None);
}

#[test]
fn statistics_add_up() {
    let mut b = crate::memory::capture(1000, 9);
    b.packet(PacketRow::new(0, 0, 0, 70, 70));
    b.publish(true);
    let s = b.store().snapshot();
    let work = Work::new();
    let protocols = stats::protocols(&s, &work).unwrap();
    assert_eq!(protocols.iter().map(|p| p.traffic.packets).sum::<u64>(), s.packets().into());
    assert_eq!(protocols.iter().map(|p| p.traffic.bytes).sum::<u64>(), 9000 * 200 + 70);
    assert_eq!(
        protocols.iter().map(|p| (p.transport, p.flows, p.messages)).collect::<Vec<_>>(),
        [(None, 0, 0), (Some(Transport::Tcp), 1000, 2000)]
    );
    let ends = stats::endpoints(&s, &work).unwrap();
    assert_eq!(ends.len(), 1000 + 50);
    assert_eq!(ends.iter().map(|e| e.sent.bytes).sum::<u64>(), 9000 * 200);
    assert!(ends.windows(2).all(|w| w[0].sent.bytes + w[0].received.bytes >= w[1].sent.bytes + w[1].received.bytes));
    let pairs = stats::pairs(&s, &work).unwrap();
    assert_eq!(pairs.iter().map(|p| p.flows).sum::<u64>(), 1000);
    // The server 10.0.0.x is the lower address of each pair; it sent 4 of 9 packets.
    assert_eq!(pairs.iter().map(|p| p.sent[0].packets).sum::<u64>(), 4000);
    assert_eq!(pairs.iter().map(|p| p.messages).sum::<u64>(), 2000);
    let (from, to) = stats::time_range(&s, &work).unwrap();
    assert_eq!((from, to), (0, 999 * 1000 + 8));
    let slices = stats::over_time(&s, from, to, 10, &work).unwrap();
    assert_eq!(slices.iter().map(|x| x.traffic.packets).sum::<u64>(), 9001);
    assert!(slices.iter().all(|x| x.traffic.packets >= 800));
    assert_eq!(work.progress(), 1.0);
    work.cancel().cancel();
    assert_eq!(stats::pairs(&s, &work), None);
}
