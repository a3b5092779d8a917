//! Readers beside the writer: none ever sees half a row.

use crate::ops::{CODE, HOST};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use wirelore_kit::row::NONE;
use wirelore_kit::{Cell, ConvId, Dir, Endpoint, MessageState, More, PacketRow, Transport};
use wirelore_store::{Builder, CellView, FlowRow, MessageEnd, MessageOpen, Schema, Snapshot};

const MESSAGES: u32 = 30_000;

/// Everything a snapshot says must agree with itself; answers how many messages it has.
fn check(s: &Snapshot) -> u32 {
    let mut per_flow = vec![0u32; s.flows() as usize];
    for (i, row) in s.each_message() {
        per_flow[row.conv.flow as usize] += 1;
        assert!(row.first < s.packets());
        let whole = row.state == MessageState::Whole;
        assert_eq!(whole, row.done != NONE);
        // A change brings end, line and column at once.
        let expected = if whole { format!("message {i} done") } else { format!("message {i}") };
        assert_eq!(s.summary(i), expected);
        assert_eq!(s.cell(i, &CODE), Some(CellView::U64(i.into())));
        assert_eq!(s.cell(i, &HOST).is_some(), whole);
        if let Some(e) = s.exchange(row.exchange) {
            assert!(e.ask == i || e.answer == i);
        }
    }
    for flow in s.each_flow() {
        assert_eq!(flow.message_count(), per_flow[flow.id as usize]);
        assert!(flow.packets[0] >= flow.message_count());
    }
    s.messages()
}

#[test]
fn readers_see_whole_rows_only() {
    let mut b = Builder::new(Schema { protocols: vec![("t", "T")], key_fields: vec![&HOST, &CODE] });
    let store = b.store();
    let woken = Arc::new(AtomicU32::new(0));
    let count = woken.clone();
    store.on_publish(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let over = AtomicBool::new(false);
    let published = thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (store, over) = (store.clone(), &over);
                scope.spawn(move || {
                    let (mut last, mut seen) = (0, 0);
                    while !over.load(Ordering::SeqCst) {
                        let s = store.snapshot();
                        assert!(s.generation() >= last);
                        if s.generation() > last {
                            seen += 1;
                            last = s.generation();
                            check(&s);
                        }
                    }
                    seen
                })
            })
            .collect();
        let ends = [1, 2].map(|n| Endpoint { ip: [10, 0, 0, n].into(), port: 5 });
        let mut published = 0;
        let mut open: Vec<(u32, u32)> = Vec::new();
        for i in 0..MESSAGES {
            let packet = b.packet(PacketRow::new(i64::from(i), 0, 0, 60, 60));
            let flow =
                if i % 10 == 0 { b.flow(ends, FlowRow::new(Transport::Udp, 17, packet, 0)) } else { (i / 7) % b.flow_count() };
            b.flow_mut(flow).unwrap().count(packet, i.into(), 0, 60);
            let m = MessageOpen {
                conv: ConvId { flow, inner: 0 },
                protocol: 0,
                dir: Dir::ToServer,
                first: packet,
                done: NONE,
                at: 0,
                len: 1,
                state: MessageState::Open,
                summary: &format!("message {i}"),
                cells: &[(&CODE, Cell::U64(i.into()))],
                arena: &[],
                notes: &[],
                generation: 0,
            };
            let id = b.message(&m);
            assert_eq!(id, i);
            let exchange = if i % 2 == 0 { b.asks(id) } else { b.answers(id, Some(i / 2), More::No) };
            assert_eq!(exchange, i / 2);
            open.push((id, packet));
            // Some end soon, some when their segment is long full.
            if let Some(&(id, _)) = open.get(open.len().wrapping_sub(if i % 3 == 0 { 9000 } else { 2 })) {
                open.retain(|o| o.0 != id);
                let end = MessageEnd {
                    done: packet,
                    len: 9,
                    state: MessageState::Whole,
                    summary: Some(&format!("message {id} done")),
                    cells: &[(&HOST, Cell::Text(0..1))],
                    arena: b"h",
                    notes: &[],
                };
                b.message_changed(id, &end);
            }
            published += u32::from(b.publish(i % 200 == 0));
        }
        published += u32::from(b.publish(true));
        over.store(true, Ordering::SeqCst);
        for r in readers {
            assert!(r.join().unwrap() > 1, "readers saw it grow");
        }
        published
    });
    assert_eq!(check(&store.snapshot()), MESSAGES);
    assert_eq!(woken.load(Ordering::SeqCst), published);
}

#[test]
fn nothing_new_is_not_published() {
    let mut b = Builder::new(Schema::default());
    assert!(!b.publish(true));
    b.packet(PacketRow::new(0, 0, 0, 1, 1));
    assert!(b.publish(false));
    assert!(!b.publish(true));
    // Within a frame of the last one.
    b.packet(PacketRow::new(0, 0, 0, 1, 1));
    assert!(!b.publish(false));
    assert!(b.publish(true));
    assert_eq!(b.store().snapshot().packets(), 2);
}
