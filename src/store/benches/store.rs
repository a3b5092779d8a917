//! What pushing rows, publishing and asking cost.

use divan::{Bencher, counter::ItemsCount};
use std::sync::{Arc, OnceLock};
use wirelore_kit::{Cell, ConvId, Dir, Endpoint, F, Field, Kind, MessageState, More, PacketRow, Transport};
use wirelore_store::query::{Case, FlowFact, MessageFact, Order, PacketFact, Query, Rows, Subject, Test, TextHow, find};
use wirelore_store::{Builder, FlowRow, MessageEnd, MessageOpen, Schema, Snapshot, Work, stats};

static HOST: Field = Field::new("b.host", "Host", Kind::Text).key();
static PATH: Field = Field::new("b.path", "Path", Kind::Text).key();
static CODE: Field = Field::new("b.code", "Code", Kind::Dec).key();
static AGENT: Field = Field::new("b.agent", "Agent", Kind::Text).key();

fn main() {
    divan::main();
}

fn empty() -> Builder {
    Builder::new(Schema { protocols: vec![("http", "HTTP")], key_fields: vec![&HOST, &PATH, &CODE, &AGENT] })
}

fn ends(i: u32) -> [Endpoint; 2] {
    [
        Endpoint { ip: [10, 1, (i >> 8) as u8, i as u8].into(), port: 30_000 + (i % 30_000) as u16 },
        Endpoint { ip: [10, 0, 0, (i % 50) as u8].into(), port: 80 },
    ]
}

fn open<'a>(flow: u32, packet: u32, summary: &'a str, cells: &'a [(F, Cell)], arena: &'a [u8]) -> MessageOpen<'a> {
    MessageOpen {
        conv: ConvId { flow, inner: 0 },
        protocol: 0,
        dir: Dir::ToServer,
        first: packet,
        done: packet,
        at: 0,
        len: 100,
        state: MessageState::Whole,
        summary,
        cells,
        arena,
        notes: &[],
        generation: 0,
    }
}

/// A request's line, cells and their text, as a shard would hand them over.
type Request = (String, [(F, Cell); 4], String);

fn requests(n: u32) -> Vec<Request> {
    let agents = ["curl/7.88.1", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"];
    (0..n)
        .map(|i| {
            let path = format!("/item/{i}?page={}", i % 13);
            let host = format!("shop{}.example", i % 50);
            let arena = format!("{path}{host}{}", agents[i as usize % 2]);
            let (p, h) = (path.len() as u32, (path.len() + host.len()) as u32);
            let code = if i % 100 == 7 { 404 } else { 200 };
            let cells: [(F, Cell); 4] = [
                (&PATH, Cell::Text(0..p)),
                (&HOST, Cell::Text(p..h)),
                (&AGENT, Cell::Text(h..arena.len() as u32)),
                (&CODE, Cell::U64(code)),
            ];
            (format!("GET {path}"), cells, arena)
        })
        .collect()
}

/// A million messages of 200 thousand flows in two million packets.
fn million() -> &'static Arc<Snapshot> {
    static MADE: OnceLock<Arc<Snapshot>> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut b = empty();
        let said = requests(1_000_000);
        for f in 0..200_000 {
            let first = b.packet_count();
            let flow = b.flow(ends(f), FlowRow::new(Transport::Tcp, 6, first, 0));
            for i in 0..10 {
                let mut p = PacketRow::new(i64::from(first + i) * 1000, 0, 0, 200, 200);
                p.flow = flow;
                b.packet(p);
            }
            for i in 0..5 {
                let (line, cells, arena) = &said[(f * 5 + i) as usize];
                let m = b.message(&open(flow, first + i * 2, line, cells, arena.as_bytes()));
                let e = b.asks(m);
                if i > 0 {
                    b.answers(m, Some(e - 1), More::No);
                }
            }
        }
        b.publish(true);
        b.store().snapshot()
    })
}

#[divan::bench]
fn push_packets_in_bulk(bencher: Bencher<'_, '_>) {
    let rows = vec![PacketRow::new(1, 2, 3, 4, 5); 256];
    bencher.counter(ItemsCount::new(256u32 * 400)).with_inputs(empty).bench_local_refs(|b| {
        for _ in 0..400 {
            b.packets(divan::black_box(&rows));
        }
    });
}

#[divan::bench]
fn push_packets_one_by_one(bencher: Bencher<'_, '_>) {
    let row = PacketRow::new(1, 2, 3, 4, 5);
    bencher.counter(ItemsCount::new(100_000u32)).with_inputs(empty).bench_local_refs(|b| {
        for _ in 0..100_000 {
            b.packet(divan::black_box(row));
        }
    });
}

#[divan::bench]
fn push_flows(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(50_000u32)).with_inputs(empty).bench_local_refs(|b| {
        for i in 0..50_000 {
            b.flow(ends(i), FlowRow::new(Transport::Tcp, 6, i, 0));
        }
    });
}

#[divan::bench]
fn count_packets_in_flows(bencher: Bencher<'_, '_>) {
    let with = || {
        let mut b = empty();
        (0..1000).for_each(|i| {
            b.flow(ends(i), FlowRow::new(Transport::Tcp, 6, i, 0));
        });
        b
    };
    bencher.counter(ItemsCount::new(100_000u32)).with_inputs(with).bench_local_refs(|b| {
        for i in 0..100_000 {
            if let Some(f) = b.flow_mut(i % 1000) {
                f.count(i, 0, 0, 60);
            }
        }
    });
}

#[divan::bench]
fn push_messages_with_four_cells(bencher: Bencher<'_, '_>) {
    let said = requests(100_000);
    let with = || {
        let mut b = empty();
        (0..50_000).for_each(|i| {
            b.flow(ends(i), FlowRow::new(Transport::Tcp, 6, i, 0));
        });
        b
    };
    bencher.counter(ItemsCount::new(100_000u32)).with_inputs(with).bench_local_refs(|b| {
        for (i, (line, cells, arena)) in (0..).zip(&said) {
            b.message(&open(i / 2, i, line, cells, arena.as_bytes()));
        }
    });
}

/// As while a file loads: publishing is asked for after every batch.
#[divan::bench]
fn push_messages_while_publishing(bencher: Bencher<'_, '_>) {
    let said = requests(100_000);
    bencher.counter(ItemsCount::new(100_000u32)).with_inputs(empty).bench_local_refs(|b| {
        for (i, (line, cells, arena)) in (0..).zip(&said) {
            let flow = if i % 2 == 0 { b.flow(ends(i), FlowRow::new(Transport::Tcp, 6, i, 0)) } else { b.flow_count() - 1 };
            b.message(&open(flow, i, line, cells, arena.as_bytes()));
            if i % 64 == 0 {
                b.publish(false);
            }
        }
    });
}

/// Each message is closed when its segment is long full.
#[divan::bench]
fn change_messages_late(bencher: Bencher<'_, '_>) {
    let said = requests(50_000);
    bencher.counter(ItemsCount::new(50_000u32)).with_inputs(empty).bench_local_refs(|b| {
        let flow = b.flow(ends(1), FlowRow::new(Transport::Tcp, 6, 0, 0));
        for (i, (line, cells, arena)) in (0..).zip(&said) {
            let m = MessageOpen { done: u32::MAX, state: MessageState::Open, ..open(flow, i, line, cells, arena.as_bytes()) };
            b.message(&m);
            if i >= 10_000 {
                b.message_changed(
                    i - 10_000,
                    &MessageEnd {
                        done: i,
                        len: 5,
                        state: MessageState::Whole,
                        summary: None,
                        cells: &[],
                        arena: &[],
                        notes: &[],
                    },
                );
            }
            if i % 64 == 0 {
                b.publish(false);
            }
        }
    });
}

#[divan::bench(args = ["item/999999", "quetzal", "Mozilla", "e", "10.1.7.9", ":31234", "404"], sample_count = 10)]
fn find_text_in_a_million(bencher: Bencher<'_, '_>, text: &str) {
    let (s, q) = (million(), Query::text(text));
    bencher.bench(|| find(s, &q, Rows::Messages, &Work::new()));
}

fn queries() -> Vec<(&'static str, Query, Rows)> {
    let number = |o, n| Test::Number(o, n);
    let host = Query::column(&HOST, Test::Text(TextHow::Contains, b"p17.".to_vec(), Case::Ignore));
    vec![
        ("code == 404", Query::column(&CODE, number(Order::Equal, 404)), Rows::Messages),
        ("code == 999, passed over", Query::column(&CODE, number(Order::Equal, 999)), Rows::Messages),
        ("host contains", host.clone(), Rows::Messages),
        ("host contains, packets", host.clone(), Rows::Packets),
        ("host contains, flows", host, Rows::Flows),
        (
            "path equals",
            Query::column(&PATH, Test::Text(TextHow::Equals, b"/item/77?page=12".to_vec(), Case::Exact)),
            Rows::Messages,
        ),
        ("answer time", Query::Is(Subject::Message(MessageFact::AnswerTime), number(Order::Above, 1000)), Rows::Exchanges),
        (
            "ip.src, packets",
            Query::Is(Subject::Packet(PacketFact::Source), Test::Address([10, 1, 0, 0].into(), 24)),
            Rows::Packets,
        ),
        ("tcp.stream, packets", Query::Is(Subject::Flow(FlowFact::Number), number(Order::Equal, 7)), Rows::Packets),
    ]
}

#[divan::bench(args = 0..9, sample_count = 10)]
fn find_rows_in_a_million(bencher: Bencher<'_, '_>, n: usize) {
    let (what, q, rows) = queries().swap_remove(n);
    eprintln!("{n}: {what}");
    let s = million();
    bencher.bench(|| find(s, &q, rows, &Work::new()));
}

#[divan::bench(sample_count = 10)]
fn protocol_statistics(bencher: Bencher<'_, '_>) {
    let s = million();
    bencher.bench(|| stats::protocols(s, &Work::new()));
}

#[divan::bench]
fn messages_done_in_a_packet(bencher: Bencher<'_, '_>) {
    let s = million();
    bencher.bench(|| s.messages_done_in(divan::black_box(1_234_568)));
}
