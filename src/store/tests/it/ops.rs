//! Random operations on a store, done twice: on the store and on a plain model of it.

use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};
use wirelore_kit::row::NONE;
use wirelore_kit::{
    About, Cell, ConvId, Dir, Endpoint, Evidence, F, Field, Kind, MessageState, More, Note, Noted, PacketRow, Severity, Side,
    Span, State, Transport,
};
use wirelore_store::{
    Builder, CellView, ExchangeRow, FlowFlags, FlowRow, MessageEnd, MessageOpen, MessageRow, Schema, Snapshot, StateRow,
};

pub static HOST: Field = Field::new("t.host", "Host", Kind::Text).key();
pub static PATH: Field = Field::new("t.path", "Path", Kind::Text).key();
pub static CODE: Field = Field::new("t.code", "Code", Kind::Dec).key();
pub static DELTA: Field = Field::new("t.delta", "Delta", Kind::Signed).key();
pub static ADDR: Field = Field::new("t.addr", "Address", Kind::Ipv4).key();
pub static ADDR6: Field = Field::new("t.addr6", "Address", Kind::Ipv6).key();
pub static FIELDS: [F; 6] = [&HOST, &PATH, &CODE, &DELTA, &ADDR, &ADDR6];

pub static NOTES: [Note; 2] = [
    Note::new("t.note.odd", "Odd", Severity::Note, About::Protocol),
    Note::new("t.note.bad", "Bad", Severity::Error, About::Malformed),
];
pub static STATES: [State; 2] = [State { name: "t.state.a", label: "A" }, State { name: "t.state.b", label: "B" }];

#[derive(Debug, Clone, PartialEq)]
pub enum Owned {
    U64(u64),
    I64(i64),
    Text(String),
    Ip4([u8; 4]),
    Ip6([u8; 16]),
}

impl Owned {
    pub fn of(view: &CellView<'_>) -> Owned {
        match *view {
            CellView::U64(n) => Owned::U64(n),
            CellView::I64(n) => Owned::I64(n),
            CellView::Text(t) => Owned::Text(String::from_utf8(t.to_vec()).unwrap()),
            CellView::Ip4(a) => Owned::Ip4(a),
            CellView::Ip6(a) => Owned::Ip6(a),
        }
    }
}

pub type Cells = Vec<(usize, Owned)>;

#[derive(Debug, Clone)]
pub enum Op {
    Packets(u16, u8),
    Flow {
        host: u8,
        back: bool,
        proto: Option<u16>,
    },
    Message {
        flow: u8,
        inner: u32,
        dir: bool,
        open: bool,
        summary: String,
        cells: Cells,
        note: Option<usize>,
        generation: u16,
    },
    /// So many alike, to fill segments.
    Many(u16, u8),
    Change {
        message: u16,
        end: bool,
        summary: Option<String>,
        cells: Cells,
        note: Option<usize>,
    },
    Asks(u16),
    Answers(u16, Option<u8>, bool),
    State(u8, u16, usize),
    PacketNote(u16, usize),
    Withdraw(u8, u32, u16),
    Publish,
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[a-cA-C./ ]{0,12}", Just("www.example.org".to_owned()), Just("GET /".to_owned()), "[é日a]{1,3}"]
}

fn cells() -> impl Strategy<Value = Cells> {
    let text = (0usize..2, words().prop_map(Owned::Text));
    let code = (Just(2usize), prop_oneof![0u64..600, any::<u64>()].prop_map(Owned::U64));
    let delta = (Just(3usize), prop_oneof![-50i64..50, any::<i64>()].prop_map(Owned::I64));
    let addr = (Just(4usize), any::<[u8; 4]>().prop_map(Owned::Ip4));
    let addr6 = (Just(5usize), any::<[u8; 16]>().prop_map(Owned::Ip6));
    prop::collection::vec(prop_oneof![3 => text, 2 => code, 1 => delta, 1 => addr, 1 => addr6], 0..5)
}

pub fn op() -> impl Strategy<Value = Op> {
    let message =
        (any::<u8>(), 0u32..3, any::<bool>(), any::<bool>(), words(), cells(), prop::option::weighted(0.3, 0usize..2), 0u16..3)
            .prop_map(|(flow, inner, dir, open, summary, cells, note, generation)| Op::Message {
                flow,
                inner,
                dir,
                open,
                summary,
                cells,
                note,
                generation,
            });
    let change = (any::<u16>(), any::<bool>(), prop::option::of(words()), cells(), prop::option::weighted(0.3, 0usize..2))
        .prop_map(|(message, end, summary, cells, note)| Op::Change { message, end, summary, cells, note });
    prop_oneof![
        2 => (1u16..6000, any::<u8>()).prop_map(|(n, f)| Op::Packets(n, f)),
        3 => (0u8..6, any::<bool>(), prop::option::of(0u16..2)).prop_map(|(host, back, proto)| Op::Flow { host, back, proto }),
        12 => message,
        1 => (1u16..3000, any::<u8>()).prop_map(|(n, f)| Op::Many(n, f)),
        10 => change,
        3 => any::<u16>().prop_map(Op::Asks),
        3 => (any::<u16>(), prop::option::of(any::<u8>()), any::<bool>()).prop_map(|(m, e, more)| Op::Answers(m, e, more)),
        2 => (any::<u8>(), any::<u16>(), 0usize..2).prop_map(|(f, m, s)| Op::State(f, m, s)),
        1 => (any::<u16>(), 0usize..2).prop_map(|(p, n)| Op::PacketNote(p, n)),
        1 => (any::<u8>(), 0u32..3, 0u16..3).prop_map(|(f, i, g)| Op::Withdraw(f, i, g)),
        3 => Just(Op::Publish),
    ]
}

#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub row: MessageRow,
    pub summary: String,
    pub cells: Cells,
}

/// What the store should hold, kept the plain way.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub packets: Vec<PacketRow>,
    pub flows: Vec<(FlowRow, [Endpoint; 2])>,
    pub messages: Vec<Said>,
    pub exchanges: Vec<ExchangeRow>,
    /// Note, message, packet, flow.
    pub notes: Vec<(usize, u32, u32, u32)>,
    pub states: Vec<(ConvId, u32, usize)>,
}

pub struct Both {
    pub builder: Builder,
    pub model: Model,
}

impl Both {
    pub fn new() -> Both {
        // ADDR6 is left out of the schema: columns may turn up later.
        let schema = Schema { protocols: vec![("one", "One"), ("two", "Two")], key_fields: FIELDS[..5].to_vec() };
        Both { builder: Builder::new(schema), model: Model::default() }
    }

    fn pick(n: usize, from: usize) -> Option<u32> {
        (from > 0).then(|| (n % from) as u32)
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Packets(n, flow) => {
                let flow = Self::pick((*flow).into(), self.model.flows.len()).unwrap_or(NONE);
                let rows: Vec<PacketRow> = (0..*n)
                    .map(|i| {
                        let number = self.model.packets.len() as u64 + u64::from(i);
                        let mut row = PacketRow::new(number as i64 * 10, number * 80, i % 2, 60, 60 + u32::from(i));
                        row.flow = if i % 5 == 0 { NONE } else { flow };
                        row.bits = if i % 3 == 0 { PacketRow::BACKWARD | u32::from(i % 7) } else { 0 };
                        row
                    })
                    .collect();
                assert_eq!(self.builder.packets(&rows) as usize, self.model.packets.len());
                self.model.packets.extend(rows);
            }
            Op::Flow { host, back, proto } => {
                let ip = |n: u8| {
                    if n.is_multiple_of(3) {
                        IpAddr::V6([n.into(), 0, 0, 0, 0, 0, 0, 1].into())
                    } else {
                        IpAddr::V4(Ipv4Addr::new(10, 0, 0, n))
                    }
                };
                let ends = [Endpoint { ip: ip(*host), port: 40_000 + u16::from(*host) }, Endpoint { ip: ip(host + 1), port: 80 }];
                let mut row = FlowRow::new(Transport::Tcp, 6, self.model.packets.len() as u32, 5);
                row.stream = self.model.flows.len() as u32;
                row.set_protocol(*proto, Evidence::Probe);
                if *back {
                    row.flags.set(FlowFlags::CLIENT_IS_SECOND);
                }
                row.count(7, 8 + i64::from(*host), 1, 100);
                assert_eq!(self.builder.flow(ends, row) as usize, self.model.flows.len());
                self.model.flows.push((row, ends));
            }
            Op::Message { flow, inner, dir, open, summary, cells, note, generation } => {
                let Some(flow) = Self::pick((*flow).into(), self.model.flows.len()) else { return };
                self.message(ConvId { flow, inner: *inner }, *dir, *open, summary, cells, *note, *generation);
            }
            Op::Many(n, flow) => {
                let Some(flow) = Self::pick((*flow).into(), self.model.flows.len()) else { return };
                for i in 0..*n {
                    self.message(
                        ConvId { flow, inner: 0 },
                        i % 2 == 0,
                        i % 900 == 0,
                        "the same",
                        &vec![(2, Owned::U64((i % 7).into()))],
                        None,
                        1,
                    );
                }
            }
            Op::Change { message, end, summary, cells, note } => {
                let Some(message) = Self::pick((*message).into(), self.model.messages.len()) else { return };
                let done = if *end { self.model.packets.len() as u32 } else { NONE };
                let (arena, said) = arena_of(cells);
                let notes: Vec<Noted> = note.iter().map(|n| noted(*n)).collect();
                let m = &mut self.model.messages[message as usize];
                let was = m.clone();
                let state = if *end || m.row.done != NONE { MessageState::Whole } else { MessageState::Open };
                self.builder.message_changed(
                    message,
                    &MessageEnd {
                        done,
                        len: m.row.len + 3,
                        state,
                        summary: summary.as_deref(),
                        cells: &said,
                        arena: &arena,
                        notes: &notes,
                    },
                );
                if was.row.withdrawn {
                    return;
                }
                m.row.len += 3;
                m.row.state = state;
                if m.row.done == NONE {
                    m.row.done = done;
                }
                if let Some(s) = summary {
                    m.summary = s.clone();
                }
                m.cells.extend(cells.iter().cloned());
                self.model.note(message, *note);
            }
            Op::Asks(m) => {
                let Some(message) = Self::pick((*m).into(), self.model.messages.len()) else { return };
                let row = &mut self.model.messages[message as usize].row;
                if row.withdrawn {
                    assert_eq!(self.builder.asks(message), NONE);
                    return;
                }
                row.exchange = self.model.exchanges.len() as u32;
                assert_eq!(self.builder.asks(message), row.exchange);
                self.model.exchanges.push(ExchangeRow {
                    conv: row.conv,
                    ask: message,
                    answer: NONE,
                    answers: 0,
                    withdrawn: false,
                });
            }
            Op::Answers(m, exchange, more) => {
                let Some(message) = Self::pick((*m).into(), self.model.messages.len()) else { return };
                let known = exchange.and_then(|e| Self::pick(e.into(), self.model.exchanges.len()));
                let row = &mut self.model.messages[message as usize].row;
                if row.withdrawn {
                    assert_eq!(self.builder.answers(message, known, More::No), NONE);
                    return;
                }
                let at = known.unwrap_or_else(|| {
                    self.model.exchanges.push(ExchangeRow {
                        conv: row.conv,
                        ask: NONE,
                        answer: NONE,
                        answers: 0,
                        withdrawn: false,
                    });
                    self.model.exchanges.len() as u32 - 1
                });
                let e = &mut self.model.exchanges[at as usize];
                e.answers += 1;
                if e.answer == NONE && !more {
                    e.answer = message;
                }
                row.exchange = at;
                assert_eq!(self.builder.answers(message, known, if *more { More::Yes } else { More::No }), at);
            }
            Op::State(flow, message, state) => {
                let Some(flow) = Self::pick((*flow).into(), self.model.flows.len()) else { return };
                let Some(message) = Self::pick((*message).into(), self.model.messages.len()) else { return };
                let conv = ConvId { flow, inner: 0 };
                self.builder.state(StateRow::new(conv, message, Side::Client, &STATES[*state]), 0);
                self.model.states.push((conv, message, *state));
            }
            Op::PacketNote(packet, note) => {
                let Some(packet) = Self::pick((*packet).into(), self.model.packets.len()) else { return };
                let flow = self.model.packets[packet as usize].flow;
                self.builder.note_of_packet(packet, flow, &NOTES[*note], Span::default());
                self.model.notes.push((*note, NONE, packet, flow));
            }
            Op::Withdraw(flow, inner, generation) => {
                let Some(flow) = Self::pick((*flow).into(), self.model.flows.len()) else { return };
                let conv = ConvId { flow, inner: *inner };
                self.builder.withdraw(conv, *generation);
                self.model.withdraw(conv, *generation);
            }
            Op::Publish => {
                self.builder.publish(true);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn message(
        &mut self,
        conv: ConvId,
        back: bool,
        open: bool,
        summary: &str,
        cells: &Cells,
        note: Option<usize>,
        generation: u16,
    ) {
        let first = (self.model.packets.len() as u32).saturating_sub(1);
        // Some are told late: completed in a packet long past.
        let done = if open {
            NONE
        } else if summary.len() == 3 {
            first / 2
        } else {
            first
        };
        let (arena, said) = arena_of(cells);
        let notes: Vec<Noted> = note.iter().map(|n| noted(*n)).collect();
        let id = self.model.messages.len() as u32;
        let m = MessageOpen {
            conv,
            protocol: (id % 2) as u16,
            dir: if back { Dir::ToClient } else { Dir::ToServer },
            first,
            done,
            at: u64::from(id) << 33,
            len: id.into(),
            state: if open { MessageState::Open } else { MessageState::Whole },
            summary,
            cells: &said,
            arena: &arena,
            notes: &notes,
            generation,
        };
        assert_eq!(self.builder.message(&m), id);
        let previous = self.model.messages.iter().rposition(|m| m.row.conv.flow == conv.flow).map_or(NONE, |i| i as u32);
        let row = MessageRow {
            conv,
            protocol: m.protocol,
            dir: m.dir,
            first,
            done,
            at: m.at,
            len: m.len,
            state: m.state,
            exchange: NONE,
            generation,
            worst: None,
            notes: 0,
            withdrawn: false,
            previous,
        };
        self.model.messages.push(Said { row, summary: summary.to_owned(), cells: cells.clone() });
        self.model.note(id, note);
    }
}

fn noted(n: usize) -> Noted {
    Noted { what: &NOTES[n], at: Span::default() }
}

fn arena_of(cells: &Cells) -> (Vec<u8>, Vec<(F, Cell)>) {
    let mut arena = b"before".to_vec();
    let said = cells
        .iter()
        .map(|(f, v)| {
            let cell = match v {
                Owned::U64(n) => Cell::U64(*n),
                Owned::I64(n) => Cell::I64(*n),
                Owned::Text(t) => {
                    let from = arena.len() as u32;
                    arena.extend_from_slice(t.as_bytes());
                    Cell::Text(from..arena.len() as u32)
                }
                Owned::Ip4(a) => Cell::Ip4(*a),
                Owned::Ip6(a) => Cell::Ip6(*a),
            };
            (FIELDS[*f], cell)
        })
        .collect();
    (arena, said)
}

impl Model {
    fn note(&mut self, message: u32, note: Option<usize>) {
        let Some(n) = note else { return };
        let row = &mut self.messages[message as usize].row;
        row.worst = row.worst.max(Some(NOTES[n].severity));
        row.notes += 1;
        self.notes.push((n, message, row.first, row.conv.flow));
    }

    fn withdraw(&mut self, conv: ConvId, generation: u16) {
        let mut gone = Vec::new();
        for (i, m) in self.messages.iter_mut().enumerate() {
            let meant = m.row.conv.flow == conv.flow && (conv.inner == 0 || m.row.conv == conv);
            if meant && !m.row.withdrawn && m.row.generation < generation {
                m.row.withdrawn = true;
                gone.push(i);
            }
        }
        for i in gone {
            let e = self.messages[i].row.exchange;
            let Some(row) = self.exchanges.get(e as usize).copied() else { continue };
            let older = |m: u32| m == NONE || self.messages[m as usize].row.generation < generation;
            let withdrawn = older(row.ask) && older(row.answer);
            self.exchanges[e as usize].withdrawn |= withdrawn;
        }
    }

    pub fn live(&self, message: u32) -> bool {
        message == NONE || !self.messages[message as usize].row.withdrawn
    }

    /// Whether a snapshot shows just this.
    pub fn check(&self, s: &Snapshot) {
        assert_eq!(s.packets() as usize, self.packets.len());
        assert!((0..s.packets()).all(|i| s.packet(i) == Some(self.packets[i as usize])));
        assert_eq!(s.packet(s.packets()), None);
        assert_eq!(s.flows() as usize, self.flows.len());
        for (flow, (row, ends)) in s.each_flow().zip(&self.flows) {
            assert_eq!(flow.ends(), *ends);
            assert_eq!(
                (flow.stream, flow.protocol(), flow.packets, flow.last_time),
                (row.stream, row.protocol(), row.packets, row.last_time)
            );
            let mine: Vec<u32> = (0..self.messages.len() as u32)
                .filter(|m| self.live(*m) && self.messages[*m as usize].row.conv.flow == flow.id)
                .collect();
            assert_eq!(flow.message_count() as usize, mine.len());
            assert_eq!(s.messages_of(flow.id), mine);
            let conv = ConvId { flow: flow.id, inner: 1 };
            assert_eq!(
                s.messages_in(conv),
                mine.iter().copied().filter(|m| self.messages[*m as usize].row.conv == conv).collect::<Vec<_>>()
            );
            let noted: Vec<_> = self.notes.iter().filter(|n| n.3 == flow.id && self.live(n.1)).collect();
            assert_eq!(s.notes_back(flow.id).count(), noted.len());
            assert_eq!(flow.worst(), noted.iter().map(|n| NOTES[n.0].severity).max());
            let conv = ConvId { flow: flow.id, inner: 0 };
            let states: Vec<_> =
                self.states.iter().filter(|x| x.0 == conv && self.live(x.1)).map(|x| (x.1, STATES[x.2].name)).collect();
            assert_eq!(s.states_of(conv).iter().map(|x| (x.message, x.state.name)).collect::<Vec<_>>(), states);
        }
        assert_eq!(s.messages() as usize, self.messages.len());
        assert_eq!(s.live_messages() as usize, self.messages.iter().filter(|m| !m.row.withdrawn).count());
        for (i, said) in (0..).zip(&self.messages) {
            assert_eq!(s.message(i), Some(said.row), "message {i}");
            assert_eq!(s.summary(i), said.summary, "message {i}");
            let same =
                s.cells(i).map(|(f, v)| (f.name, Owned::of(&v))).eq(said.cells.iter().map(|(f, v)| (FIELDS[*f].name, v.clone())));
            let mut quick = Vec::new();
            s.each_cell(i, |f| f.name != FIELDS[0].name, |f, v| quick.push((f.name, v)));
            assert!(s.cells(i).map(|(f, v)| (f.name, v)).filter(|c| c.0 != FIELDS[0].name).eq(quick), "each_cell of message {i}");
            assert!(same, "cells of message {i}: {:?} but {:?}", s.cells(i).collect::<Vec<_>>(), said.cells);
            let first_code = said.cells.iter().find(|c| c.0 == 2).map(|c| c.1.clone());
            assert_eq!(s.cell(i, &CODE).map(|v| Owned::of(&v)), first_code);
            if said.row.notes > 0 && !said.row.withdrawn {
                assert_eq!(s.notes_of_message(i).len(), usize::from(said.row.notes));
            }
        }
        assert_eq!(s.message(s.messages()), None);
        for packet in (0..s.packets() + 1).step_by(1 + self.packets.len() / 50) {
            let done: Vec<u32> =
                (0..s.messages()).filter(|m| self.live(*m) && self.messages[*m as usize].row.done == packet).collect();
            assert_eq!(s.messages_done_in(packet), done, "packet {packet}");
        }
        assert_eq!((0..s.exchanges()).filter_map(|i| s.exchange(i)).collect::<Vec<_>>(), self.exchanges);
        let live: Vec<_> = self.notes.iter().filter(|n| self.live(n.1)).collect();
        assert_eq!(
            s.notes().map(|(_, n)| (n.note.name, n.message, n.packet, n.flow)).collect::<Vec<_>>(),
            live.iter().map(|n| (NOTES[n.0].name, n.1, n.2, n.3)).collect::<Vec<_>>()
        );
        for note in &NOTES {
            assert_eq!(
                s.notes_of_severity(note.severity),
                live.iter().filter(|n| NOTES[n.0].severity == note.severity).count() as u64
            );
        }
    }
}
