//! Statistics over a snapshot: protocols, endpoints, pairs, and traffic over time. Each a function to run as a job.

use crate::flow::Flow;
use crate::jobs::Work;
use crate::snapshot::Snapshot;
use hashbrown::HashMap;
use std::net::IpAddr;
use wirelore_kit::row::NONE;
use wirelore_kit::{Transport, verdict};

/// Rows between two looks at whether the work was cancelled.
const STEP: u32 = 1 << 16;

/// Counts each row of a walk as work and stops it when cancelled.
fn go_on(work: &Work, row: u32) -> Option<()> {
    if !row.is_multiple_of(STEP) {
        return Some(());
    }
    work.did(STEP.into());
    (!work.is_cancelled()).then_some(())
}

/// What travelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) fn add(&mut self, packets: u64, bytes: u64) {
        self.packets = self.packets.saturating_add(packets);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Flows and messages of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtocolStat {
    /// The transport it was carried by; `None` for packets of no flow.
    pub transport: Option<Transport>,
    /// The protocol of the flow, an index of [`crate::Schema::protocols`]; `None` where none was recognised.
    pub protocol: Option<u16>,
    /// A protocol inside that one; `None` for the flow's own messages.
    pub inside: Option<u16>,
    /// Flows; 0 in rows of a protocol inside another.
    pub flows: u64,
    /// Packets and bytes of these flows; nothing in rows of a protocol inside another.
    pub traffic: Traffic,
    /// Messages.
    pub messages: u64,
    /// Bytes of these messages.
    pub message_bytes: u64,
}

/// The protocols of a capture: by transport, flow protocol, and the protocols inside, each row behind the one it belongs to.
/// `None` when cancelled.
#[must_use]
pub fn protocols(s: &Snapshot, work: &Work) -> Option<Vec<ProtocolStat>> {
    type Key = (Option<u8>, Option<u16>, Option<u16>);
    work.expect(u64::from(s.flows()) + u64::from(s.messages()) + u64::from(s.packets()));
    let mut rows: HashMap<Key, ProtocolStat> = HashMap::new();
    let fresh = |transport, protocol, inside| ProtocolStat {
        transport,
        protocol,
        inside,
        flows: 0,
        traffic: Traffic::default(),
        messages: 0,
        message_bytes: 0,
    };
    for flow in s.each_flow() {
        go_on(work, flow.id)?;
        let row = rows
            .entry((Some(flow.transport as u8), flow.protocol(), None))
            .or_insert_with(|| fresh(Some(flow.transport), flow.protocol(), None));
        row.flows += 1;
        row.traffic.add(flow.packet_count(), flow.byte_count());
    }
    for (i, message) in s.each_message() {
        go_on(work, i)?;
        let Some(flow) = s.flow(message.conv.flow) else { continue };
        let inside = Some(message.protocol).filter(|p| Some(*p) != flow.protocol());
        let row = rows
            .entry((Some(flow.transport as u8), flow.protocol(), inside))
            .or_insert_with(|| fresh(Some(flow.transport), flow.protocol(), inside));
        row.messages += 1;
        row.message_bytes = row.message_bytes.saturating_add(message.len);
    }
    for (from, packets) in s.packet_table().segments() {
        go_on(work, from)?;
        for packet in packets.iter().filter(|p| p.flow == NONE) {
            rows.entry((None, None, None)).or_insert_with(|| fresh(None, None, None)).traffic.add(1, packet.wire_len.into());
        }
    }
    let mut sorted: Vec<(Key, ProtocolStat)> = rows.into_iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    Some(sorted.into_iter().map(|(_, row)| row).collect())
}

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointStat {
    /// The address.
    pub ip: IpAddr,
    /// Flows it took part in.
    pub flows: u64,
    /// What it sent.
    pub sent: Traffic,
    /// What was sent to it.
    pub received: Traffic,
}

/// Every address of a flow, most bytes first. `None` when cancelled.
#[must_use]
pub fn endpoints(s: &Snapshot, work: &Work) -> Option<Vec<EndpointStat>> {
    work.expect(s.flows().into());
    let fresh = |ip: &IpAddr| EndpointStat { ip: *ip, flows: 0, sent: Traffic::default(), received: Traffic::default() };
    let mut rows: Vec<EndpointStat> = s.hosts().iter().map(|(_, ip)| fresh(ip)).collect();
    for flow in s.each_flow() {
        go_on(work, flow.id)?;
        let [a, b] = flow.host_numbers();
        for (host, sent, received) in [(a, 0, 1), (b, 1, 0)] {
            let Some(row) = rows.get_mut(host as usize) else { continue };
            // A host that talks to itself takes part once.
            row.flows += u64::from(a != b || sent == 0);
            let end = |i: usize| (u64::from(flow.packets.get(i).copied().unwrap_or(0)), flow.bytes.get(i).copied().unwrap_or(0));
            row.sent.add(end(sent).0, end(sent).1);
            row.received.add(end(received).0, end(received).1);
        }
    }
    let bytes = |e: &EndpointStat| e.sent.bytes.saturating_add(e.received.bytes);
    rows.sort_by(|a, b| (bytes(b), a.ip).cmp(&(bytes(a), b.ip)));
    Some(rows)
}

/// Two addresses that talked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairStat {
    /// The addresses, the lower first.
    pub ips: [IpAddr; 2],
    /// Flows between them.
    pub flows: u64,
    /// What each sent to the other.
    pub sent: [Traffic; 2],
    /// Messages in these flows.
    pub messages: u64,
    /// Time of the first and the last packet, nanoseconds since the epoch.
    pub time: (i64, i64),
}

/// Pairs of addresses, most bytes first. `None` when cancelled.
#[must_use]
pub fn pairs(s: &Snapshot, work: &Work) -> Option<Vec<PairStat>> {
    work.expect(s.flows().into());
    let mut rows: HashMap<[IpAddr; 2], PairStat> = HashMap::new();
    for flow in s.each_flow() {
        go_on(work, flow.id)?;
        let [a, b] = flow.ends().map(|e| e.ip);
        let turned = b < a;
        let ips = if turned { [b, a] } else { [a, b] };
        let fresh =
            PairStat { ips, flows: 0, sent: [Traffic::default(); 2], messages: 0, time: (flow.first_time, flow.last_time) };
        let row = rows.entry(ips).or_insert(fresh);
        row.flows += 1;
        row.messages += u64::from(flow.message_count());
        row.time = (row.time.0.min(flow.first_time), row.time.1.max(flow.last_time));
        add_ends(&mut row.sent, &flow, turned);
    }
    let mut rows: Vec<PairStat> = rows.into_values().collect();
    let bytes = |p: &PairStat| p.sent.iter().fold(0, |sum: u64, t| sum.saturating_add(t.bytes));
    rows.sort_by(|a, b| (bytes(b), a.ips).cmp(&(bytes(a), b.ips)));
    Some(rows)
}

fn add_ends(sent: &mut [Traffic; 2], flow: &Flow<'_>, turned: bool) {
    for (end, (packets, bytes)) in flow.packets.iter().zip(&flow.bytes).enumerate() {
        if let Some(to) = sent.get_mut(end ^ usize::from(turned)) {
            to.add((*packets).into(), *bytes);
        }
    }
}

/// Traffic within one slice of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    /// What travelled.
    pub traffic: Traffic,
    /// Packets with a verdict that means trouble.
    pub trouble: u64,
}

/// Traffic from `from` to `to` (nanoseconds since the epoch, both included) in `slices` equal slices. `None` when cancelled.
#[must_use]
pub fn over_time(s: &Snapshot, from: i64, to: i64, slices: usize, work: &Work) -> Option<Vec<Slice>> {
    work.expect(s.packets().into());
    let mut out = vec![Slice::default(); slices];
    let width = (i128::from(to) - i128::from(from)).max(0) + 1;
    let trouble = verdict::trouble();
    for (first, packets) in s.packet_table().segments() {
        go_on(work, first)?;
        for p in packets.iter().filter(|p| p.time >= from && p.time <= to && p.time != i64::MIN) {
            let at = (i128::from(p.time) - i128::from(from)) * slices as i128 / width;
            if let Some(slice) = out.get_mut(at as usize) {
                slice.traffic.add(1, p.wire_len.into());
                slice.trouble += u64::from(p.bits & trouble != 0);
            }
        }
    }
    Some(out)
}

/// Time of the earliest and of the latest packet, nanoseconds since the epoch; `None` if no packet has one, or when cancelled.
#[must_use]
pub fn time_range(s: &Snapshot, work: &Work) -> Option<(i64, i64)> {
    if work.is_cancelled() { None } else { s.packet_table().times() }
}
