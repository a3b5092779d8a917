//! Rows as records: a JSON object a line, or a line of comma-separated values (RFC 4180), for tools that work on tables.

use crate::time::iso_nanos;
use serde_json::{Map, Value, json};
use std::net::{Ipv4Addr, Ipv6Addr};
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{Dir, F, Kind, PacketLine, Transport};
use wirelore_store::{CellView, Flow, MessageRow, Snapshot};

/// A record: its columns in order. Numbers of packets count from 1, as everywhere that users see; those of other rows from 0.
pub type Record = Map<String, Value>;

/// The columns that records of packets have.
pub const PACKETS: &[&str] =
    &["packet", "time", "source", "destination", "protocol", "length", "captured", "connection", "stream", "info"];
/// The columns that records of messages have; in JSON `fields` besides, the key fields by their names.
pub const MESSAGES: &[&str] = &[
    "message",
    "first_packet",
    "packet",
    "time",
    "client",
    "client_port",
    "server",
    "server_port",
    "direction",
    "protocol",
    "length",
    "state",
    "connection",
    "exchange",
    "summary",
];
/// The columns that records of exchanges have.
pub const EXCHANGES: &[&str] = &[
    "exchange",
    "protocol",
    "client",
    "client_port",
    "server",
    "server_port",
    "packet",
    "time",
    "request",
    "answer_packet",
    "answer_time",
    "seconds",
    "answer",
    "answers",
    "connection",
];
/// The columns that records of connections have.
pub const CONNECTIONS: &[&str] = &[
    "connection",
    "transport",
    "stream",
    "protocol",
    "client",
    "client_port",
    "server",
    "server_port",
    "first_packet",
    "first_time",
    "last_time",
    "client_packets",
    "client_bytes",
    "server_packets",
    "server_bytes",
    "messages",
    "missing_bytes",
    "rtt_seconds",
];

fn record(columns: &[&str], values: impl IntoIterator<Item = Value>) -> Record {
    columns.iter().map(|c| (*c).to_owned()).zip(values).collect()
}

fn time(ns: Option<i64>) -> Value {
    ns.filter(|t| *t != i64::MIN).map_or(Value::Null, |t| iso_nanos(t).into())
}

/// A row's number, where it has one.
fn number(row: u32) -> Value {
    if row == NONE { Value::Null } else { row.into() }
}

/// A packet's number, counted from 1.
fn packet_number(packet: u32) -> Value {
    if packet == NONE { Value::Null } else { (u64::from(packet) + 1).into() }
}

/// Addresses and ports of client and server.
fn ends(flow: Option<&Flow<'_>>) -> [Value; 4] {
    flow.map_or_else(Default::default, |f| {
        let (client, server) = (f.client(), f.server());
        [json!(client.ip.to_string()), client.port.into(), json!(server.ip.to_string()), server.port.into()]
    })
}

fn seconds(ns: i64) -> Value {
    json!(ns as f64 / 1e9)
}

/// A packet; `line` is what lists of packets show of it.
#[must_use]
pub fn packet(s: &Snapshot, n: u32, line: &PacketLine) -> Option<Record> {
    let row = s.packet(n)?;
    let stream = s.flow(row.flow).map_or(Value::Null, |f| number(f.row().stream));
    let values = [
        packet_number(n),
        time(Some(row.time)),
        json!(line.source.to_string()),
        json!(line.destination.to_string()),
        json!(line.protocol.to_string()),
        row.wire_len.into(),
        row.cap_len.into(),
        number(row.flow),
        stream,
        json!(line.info.to_string()),
    ];
    Some(record(PACKETS, values))
}

/// A message, with its key fields under `fields`.
#[must_use]
pub fn message(s: &Snapshot, id: u32) -> Option<Record> {
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
        id.into(),
        packet_number(m.first),
        packet_number(m.done),
        time(s.time_of(completed(&m))),
        client,
        client_port,
        server,
        server_port,
        json!(if m.dir == Dir::ToServer { "to server" } else { "to client" }),
        json!(s.schema().protocol_name(m.protocol)),
        m.len.into(),
        json!(state),
        m.conv.flow.into(),
        number(m.exchange),
        json!(s.summary(id)),
    ];
    let mut record = record(MESSAGES, values);
    let mut fields = Map::new();
    s.each_cell(id, |_| true, |f, c| add(&mut fields, f.name, cell(f, &c)));
    record.insert("fields".into(), fields.into());
    Some(record)
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

fn cell(f: F, c: &CellView<'_>) -> Value {
    match c {
        CellView::U64(n) if f.kind == Kind::Bool => (*n != 0).into(),
        CellView::U64(n) => (*n).into(),
        CellView::I64(n) => (*n).into(),
        CellView::Text(t) if f.kind == Kind::Bytes => t.iter().map(|b| format!("{b:02x}")).collect::<String>().into(),
        CellView::Text(t) => String::from_utf8_lossy(t).into(),
        CellView::Ip4(a) => Ipv4Addr::from(*a).to_string().into(),
        CellView::Ip6(a) => Ipv6Addr::from(*a).to_string().into(),
    }
}

/// An exchange: what was asked, what was answered, how long that took.
#[must_use]
pub fn exchange(s: &Snapshot, id: u32) -> Option<Record> {
    let e = s.exchange(id).filter(|e| !e.withdrawn)?;
    let (ask, answer) = (s.message(e.ask), s.message(e.answer));
    let either = ask.as_ref().or(answer.as_ref())?;
    let [client, client_port, server, server_port] = ends(s.flow(e.conv.flow).as_ref());
    let packet = |m: &Option<MessageRow>| m.as_ref().map_or(NONE, completed);
    let summary = |m: u32| if m == NONE { Value::Null } else { json!(s.summary(m)) };
    let values = [
        id.into(),
        json!(s.schema().protocol_name(either.protocol)),
        client,
        client_port,
        server,
        server_port,
        packet_number(packet(&ask)),
        time(s.time_of(packet(&ask))),
        summary(e.ask),
        packet_number(packet(&answer)),
        time(s.time_of(packet(&answer))),
        s.answer_time(id).map_or(Value::Null, seconds),
        summary(e.answer),
        e.answers.into(),
        e.conv.flow.into(),
    ];
    Some(record(EXCHANGES, values))
}

/// A connection: a TCP connection, or what two ends said over UDP.
#[must_use]
pub fn connection(s: &Snapshot, id: u32) -> Option<Record> {
    let flow = s.flow(id)?;
    let row = flow.row();
    let [client, client_port, server, server_port] = ends(Some(&flow));
    let transport = match row.transport {
        Transport::Tcp => json!("tcp"),
        Transport::Udp => json!("udp"),
        Transport::Other => json!(format!("ip {}", row.ip_proto)),
    };
    let [mut packets, mut bytes] = [row.packets.map(u64::from), row.bytes];
    if row.client_end() == 1 {
        packets.reverse();
        bytes.reverse();
    }
    let values = [
        id.into(),
        transport,
        number(row.stream),
        row.protocol().map_or(Value::Null, |p| json!(s.schema().protocol_name(p))),
        client,
        client_port,
        server,
        server_port,
        packet_number(row.first_packet),
        time(Some(row.first_time)),
        time(Some(row.last_time)),
        packets[0].into(),
        bytes[0].into(),
        packets[1].into(),
        bytes[1].into(),
        row.message_count().into(),
        row.gap_bytes.into(),
        row.initial_rtt().map_or(Value::Null, seconds),
    ];
    Some(record(CONNECTIONS, values))
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

/// The line of a record: these columns.
#[must_use]
pub fn csv_record(columns: &[&str], record: &Record) -> String {
    csv(columns.iter().map(|c| match record.get(*c) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }))
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
