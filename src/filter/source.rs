//! Facts of rows, taken from the store.

use crate::facts::{EchoFact, Fact, JoinFact};
use crate::filter::Wants;
use crate::values::Valued;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use wirelore_kit::Value;
use wirelore_kit::row::NONE;
use wirelore_store::query::{FlowFact, MessageFact, PacketFact};
use wirelore_store::{Flow, Snapshot};

/// Answers with the facts of one moment's rows. Threads may share it.
#[derive(Debug)]
pub struct FactSource {
    snapshot: Arc<Snapshot>,
    /// Nanoseconds since the packet before it in its TCP stream, by packet; empty where nobody asks.
    since_last: Vec<i64>,
    marked: HashSet<u32>,
    later: Arc<Later>,
}

/// What packets say about one another and no row keeps, by packet. Whoever can read them again finds it out.
#[derive(Debug, Default)]
pub struct Later {
    /// Echoes of ICMP.
    pub echoes: HashMap<u32, Echo>,
    /// TCP segments of messages that have several.
    pub joins: HashMap<u32, Join>,
}

/// An echo request or reply whose other was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// The packet of the other.
    pub other: u32,
    /// It is the reply: so many nanoseconds after the request, where both have a time.
    pub reply: Option<Option<i64>>,
    /// It is ICMPv6.
    pub six: bool,
}

/// A TCP segment that a message is not complete with alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Join {
    /// The packet that completes the message whose part it has.
    pub done: Option<u32>,
    /// Messages completed here that began in packets before: their packets, and their bytes.
    pub made_of: Vec<(Vec<u32>, u64)>,
}

/// Says one value; the answer is whether more is wanted.
type Each<'e> = &'e mut dyn FnMut(Valued<'_>) -> bool;

fn say(value: Value, each: Each<'_>) -> bool {
    each(Valued { value: &value, bytes: &[], layer: 0 })
}

fn number(n: impl Into<u64>) -> Option<Value> {
    Some(Value::U64(n.into()))
}

fn text(t: &str) -> Option<Value> {
    if t.is_empty() { None } else { Some(Value::from(t)) }
}

fn address(ip: IpAddr) -> Option<Value> {
    Some(match ip {
        IpAddr::V4(ip) => Value::Ip4(ip.octets()),
        IpAddr::V6(ip) => Value::Ip6(ip.octets()),
    })
}

fn port(p: u16) -> Option<Value> {
    Some(p).filter(|p| *p != 0).and_then(number)
}

impl FactSource {
    /// The facts of a moment that `wants` names. What no row has by itself is worked out here, once.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>, wants: &Wants) -> FactSource {
        let mut since_last = Vec::new();
        if wants.facts.iter().any(|f| matches!(f, Fact::SinceLastOfStream(_))) {
            since_last = worked_out(&snapshot);
        }
        FactSource { snapshot, since_last, marked: HashSet::new(), later: Arc::default() }
    }

    /// These packets are marked.
    #[must_use]
    pub fn with_marked(mut self, packets: impl IntoIterator<Item = u32>) -> FactSource {
        self.marked.extend(packets);
        self
    }

    /// What was found out about packets by those around them.
    #[must_use]
    pub fn with_later(mut self, later: Arc<Later>) -> FactSource {
        self.later = later;
        self
    }

    /// The moment.
    #[must_use]
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Whether it is known what protocol the conversation of a packet speaks.
    #[must_use]
    pub fn is_spoken(&self, packet: u32) -> bool {
        self.flow_of(packet).is_some_and(|f| f.protocol().is_some())
    }

    /// Hands on the values of a fact of packet `packet` (from 0) as long as `each` wants more; of messages those of all that were
    /// completed in it.
    pub fn of_packet(&self, packet: u32, fact: Fact, each: Each<'_>) {
        let s = &self.snapshot;
        match fact {
            Fact::Message(fact) => {
                for m in s.messages_done_in(packet) {
                    if !self.of_message_alone(m, fact).is_none_or(|v| say(v, each)) {
                        return;
                    }
                }
            }
            Fact::Comment => {
                for comment in s.comments_on(packet) {
                    if !say(Value::from(comment), each) {
                        return;
                    }
                }
            }
            Fact::Join(of) => self.join(packet, of, each),
            Fact::Flow(FlowFact::Address | FlowFact::Port) => {
                let Some(flow) = self.flow_of(packet) else { return };
                let ends = flow.ends();
                let of = |end: usize| {
                    let end = ends.get(end)?;
                    if fact == Fact::Flow(FlowFact::Port) { port(end.port) } else { address(end.ip) }
                };
                let _ = of(0).is_none_or(|v| say(v, each)) && of(1).is_none_or(|v| say(v, each));
            }
            _ => {
                if let Some(value) = self.one(packet, fact) {
                    say(value, each);
                }
            }
        }
    }

    /// Hands on the values of a fact of a message likewise: its own, those of its conversation, and those of the packet that completed it
    /// (while it is open: its first).
    pub fn of_message(&self, message: u32, fact: Fact, each: Each<'_>) {
        if let Fact::Message(fact) = fact {
            if let Some(value) = self.of_message_alone(message, fact) {
                say(value, each);
            }
            return;
        }
        let Some(row) = self.snapshot.message(message) else { return };
        self.of_packet(if row.done == NONE { row.first } else { row.done }, fact, each);
    }

    fn flow_of(&self, packet: u32) -> Option<Flow<'_>> {
        self.snapshot.flow(self.snapshot.packet(packet)?.flow)
    }

    /// Facts that a packet has once at most.
    fn one(&self, packet: u32, fact: Fact) -> Option<Value> {
        let s = &self.snapshot;
        let row = s.packet(packet)?;
        match fact {
            Fact::Packet(fact) => self.of_packet_alone(packet, fact),
            Fact::Verdict(bits) => {
                if row.bits & bits != 0 {
                    Some(Value::Bool(true))
                } else {
                    None
                }
            }
            Fact::Flow(fact) => self.of_flow(&self.flow_of(packet)?, fact),
            Fact::Stream(transport) => {
                let flow = self.flow_of(packet).filter(|f| f.transport == transport && f.stream != NONE)?;
                number(flow.stream)
            }
            Fact::SinceFirst => Some(Value::I64(s.time_of(packet)?.saturating_sub(s.time_of(0)?))),
            Fact::SinceLast => {
                let before = packet.checked_sub(1).map_or_else(|| s.time_of(0), |p| s.time_of(p))?;
                Some(Value::I64(s.time_of(packet)?.saturating_sub(before)))
            }
            Fact::SinceFirstOfStream(of) => {
                let flow = self.flow_of(packet).filter(|f| f.transport == of)?;
                Some(Value::I64(s.time_of(packet)?.saturating_sub(s.time_of(flow.first_packet)?)))
            }
            Fact::SinceLastOfStream(of) => {
                self.flow_of(packet).filter(|f| f.transport == of)?;
                self.since_last.get(packet as usize).map(|t| Value::I64(*t))
            }
            Fact::Encapsulation => number(encapsulation(s.facts().interfaces.get(usize::from(row.interface()))?.link_type)?),
            Fact::InterfaceName => text(&s.facts().interfaces.get(usize::from(row.interface()))?.name),
            Fact::InterfaceDescription => text(&s.facts().interfaces.get(usize::from(row.interface()))?.description),
            Fact::Marked => Some(Value::Bool(self.marked.contains(&packet))),
            Fact::Echo { six, of } => self.echo(packet, six, of),
            Fact::Message(_)
            | Fact::Join(_)
            | Fact::Line(_)
            | Fact::Comment
            | Fact::Protocols
            | Fact::NoteSeverity
            | Fact::NoteGroup
            | Fact::NoteText
            | Fact::NoteName => None,
        }
    }

    fn echo(&self, packet: u32, six: bool, of: EchoFact) -> Option<Value> {
        let echo = self.later.echoes.get(&packet).filter(|e| e.six == six)?;
        let frame = number(u64::from(echo.other).saturating_add(1));
        match (of, echo.reply) {
            (EchoFact::AnsweredIn, None) | (EchoFact::AnswerTo, Some(_)) => frame,
            // Billionths of milliseconds.
            (EchoFact::Time, Some(Some(nanos))) => Some(Value::I64(nanos.saturating_mul(1000))),
            _ => None,
        }
    }

    fn join(&self, packet: u32, of: JoinFact, each: Each<'_>) {
        let Some(join) = self.later.joins.get(&packet) else { return };
        let frame = |p: u32| Value::U64(u64::from(p).saturating_add(1));
        let made_of = join.made_of.iter();
        match of {
            JoinFact::In => join.done.is_none_or(|p| say(frame(p), each)),
            JoinFact::Parts => made_of.flat_map(|(parts, _)| parts).all(|p| say(frame(*p), each)),
            JoinFact::Count => made_of.map(|(parts, _)| parts.len() as u64).all(|n| say(Value::U64(n), each)),
            JoinFact::Len => made_of.map(|(_, len)| *len).all(|n| say(Value::U64(n), each)),
        };
    }

    fn of_packet_alone(&self, packet: u32, fact: PacketFact) -> Option<Value> {
        let row = self.snapshot.packet(packet)?;
        let end = |receiver: bool| {
            let flow = self.snapshot.flow(row.flow)?;
            flow.ends().get(usize::from(row.is_backward() != receiver)).copied()
        };
        match fact {
            PacketFact::Number => number(u64::from(packet).saturating_add(1)),
            PacketFact::Time => self.snapshot.time_of(packet).map(Value::I64),
            PacketFact::CapLen => number(row.cap_len),
            PacketFact::WireLen => number(row.wire_len),
            PacketFact::Interface => number(row.interface()),
            PacketFact::Verdicts => number(row.bits & 0xff_ffff),
            PacketFact::Bits => number(row.bits),
            PacketFact::Flow => Some(row.flow).filter(|f| *f != NONE).and_then(number),
            PacketFact::Source => address(end(false)?.ip),
            PacketFact::Destination => address(end(true)?.ip),
            PacketFact::SourcePort => port(end(false)?.port),
            PacketFact::DestinationPort => port(end(true)?.port),
        }
    }

    fn of_flow(&self, flow: &Flow<'_>, fact: FlowFact) -> Option<Value> {
        match fact {
            FlowFact::Number => number(flow.id),
            FlowFact::Stream => Some(flow.stream).filter(|s| *s != NONE).and_then(number),
            FlowFact::Transport => number(flow.transport as u8),
            FlowFact::IpProto => number(flow.ip_proto),
            // Both ends have them: they are told apart from the others.
            FlowFact::Address | FlowFact::Port => None,
            FlowFact::Client => address(flow.client().ip),
            FlowFact::Server => address(flow.server().ip),
            FlowFact::ClientPort => port(flow.client().port),
            FlowFact::ServerPort => port(flow.server().port),
            FlowFact::Protocol => text(self.snapshot.schema().protocol_name(flow.protocol()?)),
            FlowFact::Packets => number(flow.packet_count()),
            FlowFact::Bytes => number(flow.byte_count()),
            FlowFact::Duration => {
                let known = flow.first_time != i64::MIN;
                known.then(|| Value::I64(flow.last_time.saturating_sub(flow.first_time)))
            }
            FlowFact::InitialRtt => flow.initial_rtt().map(Value::I64),
            FlowFact::GapBytes => number(flow.gap_bytes),
            FlowFact::Messages => number(flow.message_count()),
            FlowFact::Worst => number(flow.worst()? as u8),
            FlowFact::Tunnel => text(self.snapshot.tunnel(flow.tunnel)),
            FlowFact::ProcessName => text(&self.snapshot.process_of(flow.id)?.name),
            FlowFact::ProcessId => number(self.snapshot.process_of(flow.id)?.pid),
            FlowFact::ProcessCommand => text(&self.snapshot.process_of(flow.id)?.command),
        }
    }

    fn of_message_alone(&self, message: u32, fact: MessageFact) -> Option<Value> {
        let row = self.snapshot.message(message)?;
        match fact {
            MessageFact::Number => number(message),
            MessageFact::Protocol => text(self.snapshot.schema().protocol_name(row.protocol)),
            MessageFact::Dir => number(row.dir as u8),
            MessageFact::State => number(row.state as u8),
            MessageFact::Len => number(row.len),
            MessageFact::At => number(row.at),
            MessageFact::Flow => number(row.conv.flow),
            MessageFact::Inner => number(row.conv.inner),
            MessageFact::Exchange => Some(row.exchange).filter(|e| *e != NONE).and_then(number),
            MessageFact::AnswerTime => self.snapshot.answer_time(row.exchange).map(Value::I64),
            MessageFact::AnswerTo(of) => {
                number(self.snapshot.asked_by(message, row.exchange, row.protocol, of)?.saturating_add(1))
            }
            MessageFact::AnsweredIn(of) => {
                number(self.snapshot.answered_by(message, row.exchange, row.protocol, of)?.saturating_add(1))
            }
            MessageFact::AnsweredAfter(of) => {
                self.snapshot.answered_after(message, row.exchange, row.protocol, of).map(Value::I64)
            }
            MessageFact::Worst => number(row.worst? as u8),
            MessageFact::Summary => text(self.snapshot.summary(message)),
        }
    }
}

/// Wireshark's number for a link type (its `WTAP_ENCAP_`), of those that are read here.
const fn encapsulation(link_type: u32) -> Option<u32> {
    Some(match link_type {
        0 => 15,
        1 => 1,
        9 | 50 => 4,
        12 | 14 | 101 => 7,
        51 => 139,
        104 => 28,
        105 => 20,
        107 => 26,
        108 => 174,
        113 => 25,
        127 => 23,
        228 => 129,
        229 => 130,
        239 => 141,
        276 => 210,
        _ => return None,
    })
}

/// For each packet how long after the packet before it in its flow it came; 0 for the first.
fn worked_out(snapshot: &Snapshot) -> Vec<i64> {
    let mut last: Vec<i64> = vec![i64::MIN; snapshot.flows() as usize];
    let mut out = Vec::with_capacity(snapshot.packets() as usize);
    for (_, rows) in snapshot.packet_table().segments() {
        for row in rows {
            let since = last.get_mut(row.flow as usize).map_or(0, |before| {
                let since = if *before == i64::MIN || row.time == i64::MIN { 0 } else { row.time.saturating_sub(*before) };
                *before = row.time;
                since
            });
            out.push(since);
        }
    }
    out
}
