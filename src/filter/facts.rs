//! Names that are no fields of any protocol: what rows, their flows and exchanges know without reading a byte again.

use crate::types::Type;
use wirelore_kit::{About, Names, Note, PacketLine, Transport, Value, verdict};
use wirelore_store::query::{FlowFact, MessageFact, PacketFact};

/// A cell of a packet's line in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Where it comes from.
    Source,
    /// Where it goes.
    Destination,
    /// Its highest protocol.
    Protocol,
    /// What it is about.
    Info,
}

impl Cell {
    /// Its text in a line.
    #[must_use]
    pub fn of(self, line: &PacketLine) -> Value {
        let text = match self {
            Cell::Source => &line.source,
            Cell::Destination => &line.destination,
            Cell::Protocol => &line.protocol,
            Cell::Info => &line.info,
        };
        Value::from(text.as_str())
    }
}

/// What is known of an ICMP echo request or reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EchoFact {
    /// The frame of the reply to this request.
    AnsweredIn,
    /// The frame of the request that this replies to.
    AnswerTo,
    /// Milliseconds from the request to this reply.
    Time,
}

/// What is known of TCP segments that make up a message only together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinFact {
    /// The frame that completes what this one has a part of.
    In,
    /// The frames that the messages completed here are made of.
    Parts,
    /// How many these are, by message.
    Count,
    /// How many bytes they are, by message.
    Len,
}

/// A fact of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// A packet's own.
    Packet(PacketFact),
    /// Verdicts of the TCP analysis: there where one of these bits is set ([`verdict`]).
    Verdict(u32),
    /// Of the flow that a packet belongs to.
    Flow(FlowFact),
    /// The number of its stream, where its flow is of that transport.
    Stream(Transport),
    /// Of a message completed in a packet.
    Message(MessageFact),
    /// Nanoseconds since the capture's first packet.
    SinceFirst,
    /// Nanoseconds since the packet before it in the capture.
    SinceLast,
    /// Nanoseconds since the first packet of its stream, of that transport.
    SinceFirstOfStream(Transport),
    /// Nanoseconds since the packet before it in its stream, of that transport.
    SinceLastOfStream(Transport),
    /// Its interface's name.
    InterfaceName,
    /// The kind of its interface's link, by Wireshark's numbers.
    Encapsulation,
    /// What somebody wrote about its interface.
    InterfaceDescription,
    /// What somebody wrote about it.
    Comment,
    /// Whether somebody marked it.
    Marked,
    /// The names of its protocols from the outermost in, joined by colons. Only a packet that was read again knows it.
    Protocols,
    /// A cell of its line in a list. Only a packet that was read again knows it.
    Line(Cell),
    /// Of an echo of ICMP, or of ICMPv6 (`six`): what its request and reply are to one another.
    Echo {
        /// Of ICMPv6.
        six: bool,
        /// What of it.
        of: EchoFact,
    },
    /// Of TCP segments that make up one message together.
    Join(JoinFact),
    /// Findings in it: severity, as Wireshark numbers them. Only a packet that was read again knows all of them.
    NoteSeverity,
    /// Findings in it: what they are about, as Wireshark groups them. Only a packet that was read again knows all of them.
    NoteGroup,
    /// Findings in it: their sentences. Only a packet that was read again knows all of them.
    NoteText,
    /// Findings in it: their names, `http.note.bare_lf`. Only a packet that was read again knows all of them.
    NoteName,
}

impl Fact {
    /// Whether only a packet that was read again knows it: rows of the store do not.
    #[must_use]
    pub const fn needs_reading(self) -> bool {
        self.is_of_notes() || matches!(self, Fact::Protocols | Fact::Line(_))
    }
}

impl Fact {
    /// Whether packets that come later may change it.
    #[must_use]
    pub const fn looks_ahead(self) -> bool {
        matches!(self, Fact::Echo { .. } | Fact::Join(_))
    }

    /// Whether it is told of findings.
    #[must_use]
    pub const fn is_of_notes(self) -> bool {
        matches!(self, Fact::NoteSeverity | Fact::NoteGroup | Fact::NoteText | Fact::NoteName)
    }

    /// What it is of a finding; of one that it is not told of its name.
    #[must_use]
    pub fn of_note(self, note: &Note) -> Value {
        match self {
            Fact::NoteSeverity => Value::U64((note.severity as u64).saturating_add(1) << 21),
            Fact::NoteGroup => Value::U64(group(note.about)),
            Fact::NoteText => Value::from(note.label),
            _ => Value::from(note.name),
        }
    }
}

/// Wireshark's number for what findings are about; of those that it has no group for the nearest.
const fn group(about: About) -> u64 {
    match about {
        About::Sequence => 0x0200_0000,
        About::Response => 0x0300_0000,
        About::Limit => 0x0500_0000,
        About::Malformed => 0x0700_0000,
        About::Missing => 0x0800_0000,
        About::Protocol => 0x0900_0000,
        About::Security => 0x0a00_0000,
    }
}

/// A name for a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactName {
    /// As it is written in filters.
    pub name: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// Its type.
    pub of: Type,
    /// Names of its numbers.
    pub values: Names,
    /// What it reads.
    pub fact: Fact,
}

const fn name(name: &'static str, of: Type, fact: Fact, label: &'static str) -> FactName {
    FactName { name, label, of, values: &[], fact }
}

const fn named(n: FactName, values: Names) -> FactName {
    FactName { values, ..n }
}

const SEVERITIES: Names = &[(0, "chat"), (1, "note"), (2, "warning"), (3, "error")];
const EXPERT_SEVERITIES: Names = &[(0x20_0000, "Chat"), (0x40_0000, "Note"), (0x60_0000, "Warning"), (0x80_0000, "Error")];
const EXPERT_GROUPS: Names = &[
    (0x0200_0000, "Sequence"),
    (0x0300_0000, "Response"),
    (0x0500_0000, "Undecoded"),
    (0x0700_0000, "Malformed"),
    (0x0800_0000, "Reassemble"),
    (0x0900_0000, "Protocol"),
    (0x0a00_0000, "Security"),
];
const STATES: Names = &[(0, "open"), (1, "whole"), (2, "cut"), (3, "bad")];
const WAYS: Names = &[(0, "to server"), (1, "to client")];
const TRANSPORTS: Names = &[(6, "TCP"), (17, "UDP"), (0, "other")];

const FIRST_OF_TCP: Fact = Fact::SinceFirstOfStream(Transport::Tcp);
const LAST_OF_TCP: Fact = Fact::SinceLastOfStream(Transport::Tcp);
const FIRST_OF_UDP: Fact = Fact::SinceFirstOfStream(Transport::Udp);
const LAST_OF_UDP: Fact = Fact::SinceLastOfStream(Transport::Udp);

/// Every name of a fact but those of single verdicts.
pub(crate) const FACTS: &[FactName] = {
    use Type::{Address, Bool, Duration, Float, Nothing, Signed, Text, Time, Unsigned};
    &[
        name("frame.number", Unsigned, Fact::Packet(PacketFact::Number), "Number"),
        name("frame.time", Time, Fact::Packet(PacketFact::Time), "Arrival time"),
        name("frame.time_epoch", Duration, Fact::Packet(PacketFact::Time), "Seconds since 1970"),
        name("frame.time_relative", Duration, Fact::SinceFirst, "Time since the first packet"),
        name("frame.time_delta", Duration, Fact::SinceLast, "Time since the packet before it"),
        name("frame.len", Unsigned, Fact::Packet(PacketFact::WireLen), "Length on the wire"),
        name("frame.cap_len", Unsigned, Fact::Packet(PacketFact::CapLen), "Length captured"),
        name("frame.interface_id", Unsigned, Fact::Packet(PacketFact::Interface), "Interface number"),
        name("frame.encap_type", Signed, Fact::Encapsulation, "Kind of link, by Wireshark's numbers"),
        name("frame.interface_name", Text, Fact::InterfaceName, "Interface name"),
        name("frame.interface_description", Text, Fact::InterfaceDescription, "Interface description"),
        name("frame.protocols", Text, Fact::Protocols, "Protocols from the outermost in, joined by colons"),
        name("frame.comment", Text, Fact::Comment, "What somebody wrote about the packet"),
        name("frame.marked", Bool, Fact::Marked, "Somebody marked the packet"),
        name("tcp.stream", Unsigned, Fact::Stream(Transport::Tcp), "Number of its TCP stream"),
        name("udp.stream", Unsigned, Fact::Stream(Transport::Udp), "Number of its UDP stream"),
        name("tcp.time_relative", Duration, FIRST_OF_TCP, "Time since the first packet of its TCP stream"),
        name("tcp.time_delta", Duration, LAST_OF_TCP, "Time since the packet before it in its TCP stream"),
        name("udp.time_relative", Duration, FIRST_OF_UDP, "Time since the first packet of its UDP stream"),
        name("udp.time_delta", Duration, LAST_OF_UDP, "Time since the packet before it in its UDP stream"),
        name("tcp.analysis.flags", Nothing, Fact::Verdict(FLAGGED), "The TCP analysis found something"),
        named(name("_ws.expert.severity", Unsigned, Fact::NoteSeverity, "Severity of a finding"), EXPERT_SEVERITIES),
        named(name("_ws.expert.group", Unsigned, Fact::NoteGroup, "What a finding is about"), EXPERT_GROUPS),
        name("_ws.expert.message", Text, Fact::NoteText, "A finding in words"),
        name("_ws.expert.name", Text, Fact::NoteName, "A finding's name, http.note.bare_lf"),
        name("session.number", Unsigned, Fact::Flow(FlowFact::Number), "Number of the conversation"),
        named(name("session.transport", Unsigned, Fact::Flow(FlowFact::Transport), "Transport"), TRANSPORTS),
        name("session.addr", Address, Fact::Flow(FlowFact::Address), "Address of either end"),
        name("session.port", Unsigned, Fact::Flow(FlowFact::Port), "Port of either end"),
        name("session.client", Address, Fact::Flow(FlowFact::Client), "Address of the client"),
        name("session.server", Address, Fact::Flow(FlowFact::Server), "Address of the server"),
        name("session.client_port", Unsigned, Fact::Flow(FlowFact::ClientPort), "Port of the client"),
        name("session.server_port", Unsigned, Fact::Flow(FlowFact::ServerPort), "Port of the server"),
        name("session.protocol", Text, Fact::Flow(FlowFact::Protocol), "What the conversation speaks"),
        name("session.packets", Unsigned, Fact::Flow(FlowFact::Packets), "Packets of both ends"),
        name("session.bytes", Unsigned, Fact::Flow(FlowFact::Bytes), "Bytes of both ends"),
        name("session.duration", Duration, Fact::Flow(FlowFact::Duration), "From the first packet to the last"),
        name("session.rtt", Duration, Fact::Flow(FlowFact::InitialRtt), "Round-trip time of the handshake"),
        name("session.missing", Unsigned, Fact::Flow(FlowFact::GapBytes), "Bytes that were never captured"),
        name("session.messages", Unsigned, Fact::Flow(FlowFact::Messages), "Messages of the conversation"),
        named(name("session.worst", Unsigned, Fact::Flow(FlowFact::Worst), "Highest severity of its findings"), SEVERITIES),
        name("session.tunnel", Text, Fact::Flow(FlowFact::Tunnel), "The tunnels it was found in"),
        name("process.name", Text, Fact::Flow(FlowFact::ProcessName), "Name of the process on the computer that recorded"),
        name("process.pid", Unsigned, Fact::Flow(FlowFact::ProcessId), "Number of that process"),
        name("process.cmdline", Text, Fact::Flow(FlowFact::ProcessCommand), "Command line of that process"),
        name("message.number", Unsigned, Fact::Message(MessageFact::Number), "Number of the message's row"),
        name("message.protocol", Text, Fact::Message(MessageFact::Protocol), "The message's protocol"),
        named(name("message.way", Unsigned, Fact::Message(MessageFact::Dir), "Where the message goes"), WAYS),
        named(name("message.state", Unsigned, Fact::Message(MessageFact::State), "Whether the message is whole"), STATES),
        name("message.len", Unsigned, Fact::Message(MessageFact::Len), "Bytes of the message"),
        name("message.offset", Unsigned, Fact::Message(MessageFact::At), "Where in its stream the message begins"),
        named(name("message.worst", Unsigned, Fact::Message(MessageFact::Worst), "Highest severity of its findings"), SEVERITIES),
        name("message.summary", Text, Fact::Message(MessageFact::Summary), "The message's line"),
        name("http.time", Duration, Fact::Message(MessageFact::AnsweredAfter("http")), "Time since the question"),
        name("http.request_in", Unsigned, Fact::Message(MessageFact::AnswerTo("http")), "Frame of the question"),
        name("http.response_in", Unsigned, Fact::Message(MessageFact::AnsweredIn("http")), "Frame of the answer"),
        name("dns.time", Duration, Fact::Message(MessageFact::AnsweredAfter("dns")), "Time since the question"),
        name("dns.response_to", Unsigned, Fact::Message(MessageFact::AnswerTo("dns")), "Frame of the question"),
        name("dns.response_in", Unsigned, Fact::Message(MessageFact::AnsweredIn("dns")), "Frame of the answer"),
        name("_ws.col.def_src", Text, Fact::Line(Cell::Source), "Column: source"),
        name("_ws.col.def_dst", Text, Fact::Line(Cell::Destination), "Column: destination"),
        name("_ws.col.protocol", Text, Fact::Line(Cell::Protocol), "Column: protocol"),
        name("_ws.col.info", Text, Fact::Line(Cell::Info), "Column: info"),
        name("icmp.resp_in", Unsigned, Fact::Echo { six: false, of: EchoFact::AnsweredIn }, "Frame of the reply"),
        name("icmp.resp_to", Unsigned, Fact::Echo { six: false, of: EchoFact::AnswerTo }, "Frame of the request"),
        name("icmp.resptime", Float, Fact::Echo { six: false, of: EchoFact::Time }, "Milliseconds since the request"),
        name("icmpv6.resp_in", Unsigned, Fact::Echo { six: true, of: EchoFact::AnsweredIn }, "Frame of the reply"),
        name("icmpv6.resp_to", Unsigned, Fact::Echo { six: true, of: EchoFact::AnswerTo }, "Frame of the request"),
        name("icmpv6.resptime", Float, Fact::Echo { six: true, of: EchoFact::Time }, "Milliseconds since the request"),
        name("tcp.reassembled_in", Unsigned, Fact::Join(JoinFact::In), "Frame that completes the message"),
        name("tcp.segment", Unsigned, Fact::Join(JoinFact::Parts), "Frame with a part of the message"),
        name("tcp.segment.count", Unsigned, Fact::Join(JoinFact::Count), "Segments that make up the message"),
        name("tcp.reassembled.length", Unsigned, Fact::Join(JoinFact::Len), "Bytes of the message in several segments"),
        name("exchange.number", Unsigned, Fact::Message(MessageFact::Exchange), "Number of the exchange"),
        name(
            "exchange.time",
            Duration,
            Fact::Message(MessageFact::AnswerTime),
            "From the question's first byte to the answer's last",
        ),
    ]
};

/// What Wireshark counts as a flag of its analysis: every verdict but those about fast open.
const FLAGGED: u32 = 0x7fff;

/// The names of single verdicts.
pub(crate) fn verdicts() -> impl Iterator<Item = FactName> {
    verdict::ALL.iter().map(|v| name(v.name, Type::Nothing, Fact::Verdict(v.bit), v.label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_but_fast_open_is_a_flag() {
        let fast_open = verdict::TFO_SYN | verdict::TFO_ACK | verdict::TFO_IGNORED;
        assert_eq!(FLAGGED, verdict::ALL.iter().fold(0, |all, v| all | v.bit) & !fast_open);
    }
}
