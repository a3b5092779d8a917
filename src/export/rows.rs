//! Rows as records: a JSON object a line, or a line of comma-separated values (RFC 4180), for tools that work on tables.

use crate::time::iso_nanos;
use serde_json::{Map, Value, json};
use std::net::{Ipv4Addr, Ipv6Addr};
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{Dir, F, Kind, PacketLine, Transport};
use wirelore_store::{CellView, Flow, MessageRow, Snapshot};

/// A record: its columns in order. Numbers of packets count from 1, as everywhere that users see; those of other rows from 0.
pub type Record = Map<String, Value>;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// A number that is never negative.
    Count,
    /// A number that may be negative.
    Signed,
    /// A number with decimals.
    Real,
    /// Yes or no.
    Flag,
    /// A point in time.
    Time,
}

/// A column: its name, what it holds, and what that means.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, which stays.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// What that means.
    pub means: &'static str,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Datum {
    /// There is none.
    #[default]
    None,
    /// Text.
    Text(String),
    /// A number that is never negative.
    Count(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A number with decimals.
    Real(f64),
    /// Yes or no.
    Flag(bool),
    /// Nanoseconds since 1970-01-01 UTC.
    Time(i64),
}

impl Datum {
    /// As JSON has it; times as text (ISO 8601, UTC, nanoseconds).
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Datum::None => Value::Null,
            Datum::Text(text) => text.as_str().into(),
            Datum::Count(n) => (*n).into(),
            Datum::Signed(n) => (*n).into(),
            Datum::Real(n) => json!(n),
            Datum::Flag(yes) => (*yes).into(),
            Datum::Time(ns) => iso_nanos(*ns).into(),
        }
    }
}

/// A row: the values of its columns in order, and of a message its key fields in the order of reading.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// As many as its kind of rows has columns.
    pub values: Vec<Datum>,
    /// Of messages; a field may come several times.
    pub fields: Option<Vec<(F, Datum)>>,
}

impl Row {
    /// With its columns' names; of a message `fields` besides.
    #[must_use]
    pub fn record(&self, columns: &[Column]) -> Record {
        let mut record: Record = columns.iter().map(|c| c.name.to_owned()).zip(self.values.iter().map(Datum::json)).collect();
        if let Some(all) = &self.fields {
            let mut fields = Map::new();
            for (f, value) in all {
                add(&mut fields, f.name, value.json());
            }
            record.insert("fields".into(), fields.into());
        }
        record
    }

    /// The value of a column.
    #[must_use]
    pub fn value(&self, columns: &[Column], name: &str) -> Option<&Datum> {
        columns.iter().zip(&self.values).find(|(c, _)| c.name == name).map(|(_, v)| v)
    }
}

const fn column(name: &'static str, holds: Holds, means: &'static str) -> Column {
    Column { name, holds, means }
}

/// The columns that packets have.
pub const PACKETS: &[Column] = &[
    column("packet", Holds::Count, "its number, counted from 1"),
    column("time", Holds::Time, "when it was captured"),
    column("source", Holds::Text, "the address it came from"),
    column("destination", Holds::Text, "the address it went to"),
    column("protocol", Holds::Text, "the innermost protocol, as lists show it"),
    column("length", Holds::Count, "bytes on the wire"),
    column("captured", Holds::Count, "bytes in the capture"),
    column("connection", Holds::Count, "the row of its connection"),
    column("stream", Holds::Count, "tcp.stream or udp.stream of its connection"),
    column("info", Holds::Text, "what lists show of it"),
];
/// The columns that messages have; in JSON `fields` besides, the key fields by their names.
pub const MESSAGES: &[Column] = &[
    column("message", Holds::Count, "its number, counted from 0"),
    column("first_packet", Holds::Count, "the packet that it begins in"),
    column("packet", Holds::Count, "the packet that completed it"),
    column("time", Holds::Time, "when that was captured"),
    column("client", Holds::Text, "the client's address"),
    column("client_port", Holds::Count, "the client's port"),
    column("server", Holds::Text, "the server's address"),
    column("server_port", Holds::Count, "the server's port"),
    column("direction", Holds::Text, "to server or to client"),
    column("protocol", Holds::Text, "its protocol, as filters call it"),
    column("length", Holds::Count, "bytes of it"),
    column("state", Holds::Text, "whole, open (the capture ends in it), cut or broken"),
    column("connection", Holds::Count, "the row of its connection"),
    column("exchange", Holds::Count, "the row of the exchange that it belongs to"),
    column("summary", Holds::Text, "what lists show of it"),
];
/// The columns that exchanges have.
pub const EXCHANGES: &[Column] = &[
    column("exchange", Holds::Count, "its number, counted from 0"),
    column("protocol", Holds::Text, "its protocol, as filters call it"),
    column("client", Holds::Text, "the client's address"),
    column("client_port", Holds::Count, "the client's port"),
    column("server", Holds::Text, "the server's address"),
    column("server_port", Holds::Count, "the server's port"),
    column("packet", Holds::Count, "the packet that completed the question"),
    column("time", Holds::Time, "when that was captured"),
    column("request", Holds::Text, "what lists show of the question"),
    column("answer_packet", Holds::Count, "the packet that completed the answer"),
    column("answer_time", Holds::Time, "when that was captured"),
    column("seconds", Holds::Real, "from the question's end to the answer's beginning"),
    column("answer", Holds::Text, "what lists show of the last answer"),
    column("answers", Holds::Count, "how many answers there were"),
    column("connection", Holds::Count, "the row of its connection"),
];
/// The columns that connections have.
pub const CONNECTIONS: &[Column] = &[
    column("connection", Holds::Count, "its number, counted from 0"),
    column("transport", Holds::Text, "tcp, udp, or ip and a number"),
    column("stream", Holds::Count, "tcp.stream or udp.stream"),
    column("protocol", Holds::Text, "what it speaks, as filters call it"),
    column("client", Holds::Text, "the client's address"),
    column("client_port", Holds::Count, "the client's port"),
    column("server", Holds::Text, "the server's address"),
    column("server_port", Holds::Count, "the server's port"),
    column("first_packet", Holds::Count, "its first packet"),
    column("first_time", Holds::Time, "when that was captured"),
    column("last_time", Holds::Time, "when its last packet was captured"),
    column("client_packets", Holds::Count, "packets of the client"),
    column("client_bytes", Holds::Count, "bytes on the wire in them"),
    column("server_packets", Holds::Count, "packets of the server"),
    column("server_bytes", Holds::Count, "bytes on the wire in them"),
    column("messages", Holds::Count, "messages read in it"),
    column("missing_bytes", Holds::Count, "bytes of its streams that the capture lacks"),
    column("rtt_seconds", Holds::Real, "round trip of its handshake"),
];

/// What a field's column holds.
#[must_use]
pub const fn holds(f: F) -> Holds {
    match f.kind {
        Kind::Bool => Holds::Flag,
        Kind::Dec | Kind::Hex => Holds::Count,
        Kind::Signed | Kind::Duration => Holds::Signed,
        Kind::Time => Holds::Time,
        _ => Holds::Text,
    }
}

fn text(t: impl std::fmt::Display) -> Datum {
    Datum::Text(t.to_string())
}

fn count(n: impl Into<u64>) -> Datum {
    Datum::Count(n.into())
}

fn time(ns: Option<i64>) -> Datum {
    ns.filter(|t| *t != i64::MIN).map_or(Datum::None, Datum::Time)
}

/// A row's number, where it has one.
fn number(row: u32) -> Datum {
    if row == NONE { Datum::None } else { count(row) }
}

/// A packet's number, counted from 1.
fn packet_number(packet: u32) -> Datum {
    if packet == NONE { Datum::None } else { count(u64::from(packet) + 1) }
}

/// Addresses and ports of client and server.
fn ends(flow: Option<&Flow<'_>>) -> [Datum; 4] {
    flow.map_or_else(Default::default, |f| {
        let (client, server) = (f.client(), f.server());
        [text(client.ip), count(client.port), text(server.ip), count(server.port)]
    })
}

fn seconds(ns: i64) -> Datum {
    Datum::Real(ns as f64 / 1e9)
}

/// A packet; `line` is what lists of packets show of it.
#[must_use]
pub fn packet(s: &Snapshot, n: u32, line: &PacketLine) -> Option<Row> {
    let row = s.packet(n)?;
    let stream = s.flow(row.flow).map_or(Datum::None, |f| number(f.row().stream));
    let values = [
        packet_number(n),
        time(Some(row.time)),
        text(&line.source),
        text(&line.destination),
        text(&line.protocol),
        count(row.wire_len),
        count(row.cap_len),
        number(row.flow),
        stream,
        text(&line.info),
    ];
    Some(Row { values: values.into(), fields: None })
}

/// A message, with its key fields under `fields`.
#[must_use]
pub fn message(s: &Snapshot, id: u32) -> Option<Row> {
    let m = s.message(id).filter(|m| !m.withdrawn)?;
    let flow = s.flow(m.conv.flow);
    let [client, client_port, server, server_port] = ends(flow.as_ref());
    let state = match m.state {
        MessageState::Open => "open",
        MessageState::Whole => "whole",
        MessageState::Cut => "cut",
        MessageState::Bad => "broken",
    };
    let values = [
        count(id),
        packet_number(m.first),
        packet_number(m.done),
        time(s.time_of(completed(&m))),
        client,
        client_port,
        server,
        server_port,
        text(if m.dir == Dir::ToServer { "to server" } else { "to client" }),
        text(s.schema().protocol_name(m.protocol)),
        count(m.len),
        text(state),
        count(m.conv.flow),
        number(m.exchange),
        text(s.summary(id)),
    ];
    let mut fields = Vec::new();
    s.each_cell(id, |_| true, |f, c| fields.push((f, cell(f, &c))));
    Some(Row { values: values.into(), fields: Some(fields) })
}

/// The packet that completed a message, or its first while it is open.
const fn completed(m: &MessageRow) -> u32 {
    if m.done == NONE { m.first } else { m.done }
}

/// A field that comes several times becomes a list.
fn add(fields: &mut Map<String, Value>, name: &str, value: Value) {
    match fields.get_mut(name) {
        None => _ = fields.insert(name.to_owned(), value),
        Some(Value::Array(all)) => all.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

fn cell(f: F, c: &CellView<'_>) -> Datum {
    match c {
        CellView::U64(n) if f.kind == Kind::Bool => Datum::Flag(*n != 0),
        CellView::U64(n) => Datum::Count(*n),
        CellView::I64(n) => Datum::Signed(*n),
        CellView::Text(t) if f.kind == Kind::Bytes => Datum::Text(t.iter().map(|b| format!("{b:02x}")).collect()),
        CellView::Text(t) => text(String::from_utf8_lossy(t)),
        CellView::Ip4(a) => text(Ipv4Addr::from(*a)),
        CellView::Ip6(a) => text(Ipv6Addr::from(*a)),
    }
}

/// An exchange: what was asked, what was answered, how long that took.
#[must_use]
pub fn exchange(s: &Snapshot, id: u32) -> Option<Row> {
    let e = s.exchange(id).filter(|e| !e.withdrawn)?;
    let (ask, answer) = (s.message(e.ask), s.message(e.answer));
    let either = ask.as_ref().or(answer.as_ref())?;
    let [client, client_port, server, server_port] = ends(s.flow(e.conv.flow).as_ref());
    let packet = |m: &Option<MessageRow>| m.as_ref().map_or(NONE, completed);
    let summary = |m: u32| if m == NONE { Datum::None } else { text(s.summary(m)) };
    let values = [
        count(id),
        text(s.schema().protocol_name(either.protocol)),
        client,
        client_port,
        server,
        server_port,
        packet_number(packet(&ask)),
        time(s.time_of(packet(&ask))),
        summary(e.ask),
        packet_number(packet(&answer)),
        time(s.time_of(packet(&answer))),
        s.answer_time(id).map_or(Datum::None, seconds),
        summary(e.answer),
        count(e.answers),
        count(e.conv.flow),
    ];
    Some(Row { values: values.into(), fields: None })
}

/// A connection: a TCP connection, or what two ends said over UDP.
#[must_use]
pub fn connection(s: &Snapshot, id: u32) -> Option<Row> {
    let flow = s.flow(id)?;
    let row = flow.row();
    let [client, client_port, server, server_port] = ends(Some(&flow));
    let transport = match row.transport {
        Transport::Tcp => text("tcp"),
        Transport::Udp => text("udp"),
        Transport::Other => text(format_args!("ip {}", row.ip_proto)),
    };
    let [mut packets, mut bytes] = [row.packets.map(u64::from), row.bytes];
    if row.client_end() == 1 {
        packets.reverse();
        bytes.reverse();
    }
    let values = [
        count(id),
        transport,
        number(row.stream),
        row.protocol().map_or(Datum::None, |p| text(s.schema().protocol_name(p))),
        client,
        client_port,
        server,
        server_port,
        packet_number(row.first_packet),
        time(Some(row.first_time)),
        time(Some(row.last_time)),
        count(packets[0]),
        count(bytes[0]),
        count(packets[1]),
        count(bytes[1]),
        count(row.message_count()),
        count(row.gap_bytes),
        row.initial_rtt().map_or(Datum::None, seconds),
    ];
    Some(Row { values: values.into(), fields: None })
}

/// A line of comma-separated values without its end: what has a comma, a quote or a line end in it stands in quotes.
#[must_use]
pub fn csv(values: impl IntoIterator<Item = String>) -> String {
    let mut line = String::new();
    for (n, value) in values.into_iter().enumerate() {
        if n > 0 {
            line.push(',');
        }
        if value.contains([',', '"', '\n', '\r']) || value.starts_with(' ') || value.ends_with(' ') {
            line.push('"');
            line.push_str(&value.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&value);
        }
    }
    line
}

/// A value in a line of comma-separated values.
#[must_use]
pub fn csv_value(value: &Datum) -> String {
    match value {
        Datum::None => String::new(),
        Datum::Text(text) => text.clone(),
        Datum::Time(ns) => iso_nanos(*ns),
        other => other.json().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_would_break_it() {
        let values = ["plain", "a,b", "say \"yes\"", "two\nlines", "", " edge"].map(str::to_owned);
        assert_eq!(csv(values), "plain,\"a,b\",\"say \"\"yes\"\"\",\"two\nlines\",,\" edge\"");
    }
}
