//! What the analysis of a TCP connection found out about single segments: round-trip times, bytes in flight, what of its life was seen.
//!
//! Rows keep verdicts only; the numbers behind them are found by showing a connection's headers to the same analysis again.

use crate::recall::Recall;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use wirelore_engine::analysis::{Flags, Sequences, TcpFacts};
use wirelore_engine::flow::Direction;
use wirelore_engine::packet::{self, Headers};
use wirelore_kit::row::NONE;
use wirelore_kit::{PacketRow, TcpAnalysis, Transport};
use wirelore_store::Snapshot;

/// Connections of which it is kept how far they were looked at.
const MOST_FLOWS: usize = 4096;
/// Packets of one connection that are looked at again to show one of them.
const MOST_PACKETS: u32 = 1 << 18;
/// Packets of a segment of the store.
const SEGMENT: u32 = 4096;
/// Segments that are sent again because of acknowledgments, or for nothing.
const QUICK: u32 = Flags::FAST_RETRANSMISSION.0 | Flags::SPURIOUS_RETRANSMISSION.0;
/// Bytes of a packet that are read for its headers.
const HEADERS: usize = 512;

/// Bytes sent since the last PSH.
#[derive(Debug, Clone, Copy, Default)]
struct Pushed {
    bytes: u32,
    /// The newest segment had PSH.
    last: bool,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    stream: u32,
    completeness: u8,
    pushed: [Pushed; 2],
}

/// Looks at connections from their first packets on.
#[derive(Default)]
pub(crate) struct Analyst {
    sequences: Sequences,
    flows: HashMap<u32, Known>,
    headers: Headers,
}

impl Analyst {
    /// The next packet of a flow, as captured; `None` where it is no TCP that can be read.
    pub fn see(&mut self, number: u32, row: &PacketRow, link_type: u32, bytes: &[u8]) -> Option<TcpAnalysis> {
        // Headers that a proxy's record made up say nothing; of a fragment the header may stand elsewhere.
        if row.flow == NONE || row.bits & (PacketRow::SYNTHETIC | PacketRow::FRAGMENT) != 0 {
            return None;
        }
        packet::read(link_type, bytes, row.wire_len, &mut self.headers);
        let facts = TcpFacts::of(&self.headers, bytes)?;
        let fresh = self.flows.len() as u32;
        let known = match self.flows.entry(row.flow) {
            Entry::Occupied(old) => old.into_mut(),
            Entry::Vacant(new) => new.insert(Known { stream: fresh, completeness: 0, pushed: Default::default() }),
        };
        let dir = if row.is_backward() { Direction::Backward } else { Direction::Forward };
        let verdict = self.sequences.see(known.stream, dir, &facts, row.time, number.saturating_add(1), false);
        let summary = self.sequences.summary(known.stream).unwrap_or_default();
        let mut told = TcpAnalysis {
            completeness: std::mem::replace(&mut known.completeness, summary.completeness),
            acks_frame: verdict.acks_frame,
            ack_rtt: verdict.ack_rtt_ns,
            bytes_in_flight: verdict.bytes_in_flight,
            duplicate_ack: verdict.duplicate_ack,
            duplicate_of: verdict.duplicate_of,
            // What comes again for another reason than silence waited for no timer.
            rto: if verdict.flags.0 & QUICK == 0 { verdict.rto_ns } else { 0 },
            ..TcpAnalysis::default()
        };
        if facts.len > 0
            && verdict.bytes_in_flight > 0
            && let Some(pushed) = known.pushed.get_mut(dir.index())
        {
            let push = facts.flags & packet::flag::PSH != 0;
            pushed.bytes = if pushed.last { facts.len } else { pushed.bytes.saturating_add(facts.len) };
            pushed.last = push;
            told.push_bytes = pushed.bytes;
        }
        let something = told.acks_frame != 0 || told.bytes_in_flight != 0 || row.bits & 0xff_ffff != 0;
        told.initial_rtt = summary.initial_rtt_ns.filter(|_| something);
        Some(told)
    }
}

/// Looks at the connections of packets that are asked for one by one.
#[derive(Default)]
pub(crate) struct Analysed {
    flows: HashMap<u32, (u32, Analyst)>,
    /// The rows of the segment that was looked at last.
    segment: Option<(u32, Vec<PacketRow>)>,
}

impl Analysed {
    /// What was found out about a packet; `None` where nothing is known of it, or it stands too far from its connection's first.
    pub fn of(&mut self, recall: &Recall, snapshot: &Snapshot, packet: u32, links: &[u32]) -> Option<TcpAnalysis> {
        let row = snapshot.packet(packet)?;
        let flow = snapshot.flow(row.flow).filter(|f| f.transport == Transport::Tcp)?;
        let (next, mut analyst) = match self.flows.remove(&row.flow) {
            Some((next, analyst)) if next <= packet => (next, analyst),
            _ => (flow.first_packet, Analyst::default()),
        };
        if flow.packet_count() > u64::from(MOST_PACKETS) && packet.saturating_sub(next) > MOST_PACKETS {
            return None;
        }
        let mut found = None;
        for n in next..=packet {
            let Some(row) = self.row(snapshot, n).filter(|r| r.flow == row.flow) else { continue };
            let link_type = links.get(usize::from(row.interface())).copied().unwrap_or(u32::MAX);
            let bytes = recall.spool.read_at(row.at(), (row.cap_len as usize).min(HEADERS)).ok()?;
            let told = analyst.see(n, &row, link_type, &bytes);
            if n == packet {
                found = told;
            }
        }
        if self.flows.len() >= MOST_FLOWS {
            self.flows.clear();
        }
        self.flows.insert(row.flow, (packet.saturating_add(1), analyst));
        found
    }

    fn row(&mut self, snapshot: &Snapshot, packet: u32) -> Option<PacketRow> {
        let index = packet / SEGMENT;
        let stale = self.segment.as_ref().is_none_or(|(at, rows)| *at != index || rows.len() <= (packet % SEGMENT) as usize);
        if stale {
            self.segment = Some((index, snapshot.packet_table().segment(index as usize).into_owned()));
        }
        self.segment.as_ref()?.1.get((packet % SEGMENT) as usize).copied()
    }
}
