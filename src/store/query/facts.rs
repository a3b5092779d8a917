//! The facts of rows as values that tests take.

use super::test::Ready;
use super::{FlowFact, MessageFact, PacketFact};
use crate::flow::Flow;
use crate::message::Packed;
use crate::packets::Parts;
use crate::snapshot::Snapshot;
use wirelore_kit::row::NONE;
use wirelore_kit::{Endpoint, PacketRow};

/// For facts of a packet's sender or receiver: whether it is the receiver, and how an end is tested.
#[expect(clippy::type_complexity, reason = "a pair of what to look at and how, used once")]
pub(crate) fn end_of(fact: PacketFact) -> Option<(bool, fn(&Endpoint, &Ready) -> bool)> {
    let address: fn(&Endpoint, &Ready) -> bool = |end, test| test.address(end.ip);
    let port: fn(&Endpoint, &Ready) -> bool = |end, test| end.port != 0 && test.number(end.port.into());
    match fact {
        PacketFact::Source => Some((false, address)),
        PacketFact::Destination => Some((true, address)),
        PacketFact::SourcePort => Some((false, port)),
        PacketFact::DestinationPort => Some((true, port)),
        _ => None,
    }
}

/// What of a row a fact of a packet itself is in.
pub(crate) const fn parts(fact: PacketFact) -> Parts {
    match fact {
        PacketFact::Number => Parts::NONE,
        PacketFact::Time => Parts::TIME,
        PacketFact::CapLen | PacketFact::WireLen => Parts::LENGTHS,
        PacketFact::Interface => Parts::ORIGIN,
        PacketFact::Verdicts | PacketFact::Bits => Parts::BITS,
        PacketFact::Flow => Parts::FLOW,
        // Of both ends of its flow.
        PacketFact::Source | PacketFact::Destination | PacketFact::SourcePort | PacketFact::DestinationPort => {
            Parts::FLOW.and(Parts::BITS)
        }
    }
}

/// Whether a fact of a packet itself passes.
pub(crate) fn packet(number: u32, row: &PacketRow, fact: PacketFact, test: &Ready) -> bool {
    match fact {
        PacketFact::Number => test.number(i128::from(number) + 1),
        PacketFact::Time => row.time != i64::MIN && test.number(row.time.into()),
        PacketFact::CapLen => test.number(row.cap_len.into()),
        PacketFact::WireLen => test.number(row.wire_len.into()),
        PacketFact::Interface => test.number(row.interface().into()),
        PacketFact::Verdicts => test.number((row.bits & 0xff_ffff).into()),
        PacketFact::Bits => test.number(row.bits.into()),
        PacketFact::Flow => row.flow != NONE && test.number(row.flow.into()),
        PacketFact::Source | PacketFact::Destination | PacketFact::SourcePort | PacketFact::DestinationPort => false,
    }
}

/// Whether a fact of a flow passes.
pub(crate) fn flow(snapshot: &Snapshot, flow: &Flow<'_>, fact: FlowFact, test: &Ready) -> bool {
    let port = |p: u16| p != 0 && test.number(p.into());
    match fact {
        FlowFact::Number => test.number(flow.id.into()),
        FlowFact::Stream => flow.stream != NONE && test.number(flow.stream.into()),
        FlowFact::Transport => test.number(flow.transport as i128),
        FlowFact::IpProto => test.number(flow.ip_proto.into()),
        FlowFact::Address => flow.ends().iter().any(|e| test.address(e.ip)),
        FlowFact::Port => flow.ports().into_iter().any(port),
        FlowFact::Client => test.address(flow.client().ip),
        FlowFact::Server => test.address(flow.server().ip),
        FlowFact::ClientPort => port(flow.client().port),
        FlowFact::ServerPort => port(flow.server().port),
        FlowFact::Protocol => flow.protocol().is_some_and(|p| test.number(p.into())),
        FlowFact::Packets => test.number(flow.packet_count().into()),
        FlowFact::Bytes => test.number(flow.byte_count().into()),
        FlowFact::Duration => {
            flow.first_time != i64::MIN && test.number(i128::from(flow.last_time) - i128::from(flow.first_time))
        }
        FlowFact::InitialRtt => flow.initial_rtt().is_some_and(|t| test.number(t.into())),
        FlowFact::GapBytes => test.number(flow.gap_bytes.into()),
        FlowFact::Messages => test.number(flow.message_count().into()),
        FlowFact::Worst => flow.worst().is_some_and(|s| test.number(s as i128)),
        FlowFact::Tunnel => flow.tunnel != 0 && test.text(snapshot.tunnel(flow.tunnel).as_bytes()),
        FlowFact::ProcessName => snapshot.process_of(flow.id).is_some_and(|p| test.text(p.name.as_bytes())),
        FlowFact::ProcessId => snapshot.process_of(flow.id).is_some_and(|p| test.number(p.pid.into())),
        FlowFact::ProcessCommand => snapshot.process_of(flow.id).is_some_and(|p| test.text(p.command.as_bytes())),
    }
}

/// Whether a fact of a message passes; the summary is tested by the caller.
pub(crate) fn message(snapshot: &Snapshot, number: u32, row: &Packed, fact: MessageFact, test: &Ready) -> bool {
    match fact {
        MessageFact::Number => test.number(number.into()),
        MessageFact::Protocol => test.number(row.protocol.into()),
        MessageFact::Dir => test.number(row.dir() as i128),
        MessageFact::State => test.number(row.state() as i128),
        MessageFact::Len => test.number(row.len.into()),
        MessageFact::At => test.number(row.at.into()),
        MessageFact::Flow => test.number(row.flow.into()),
        MessageFact::Inner => test.number(row.conv().inner.into()),
        MessageFact::Exchange => row.exchange != NONE && test.number(row.exchange.into()),
        MessageFact::AnswerTime => snapshot.answer_time(row.exchange).is_some_and(|t| test.number(t.into())),
        MessageFact::AnswerTo(of) => {
            snapshot.asked_by(number, row.exchange, row.protocol, of).is_some_and(|p| test.number(i128::from(p) + 1))
        }
        MessageFact::AnsweredIn(of) => {
            snapshot.answered_by(number, row.exchange, row.protocol, of).is_some_and(|p| test.number(i128::from(p) + 1))
        }
        MessageFact::AnsweredAfter(of) => {
            snapshot.answered_after(number, row.exchange, row.protocol, of).is_some_and(|t| test.number(t.into()))
        }
        MessageFact::Worst => row.worst().severity().is_some_and(|s| test.number(s as i128)),
        MessageFact::Summary => test.text(snapshot.summary(number).as_bytes()),
    }
}
