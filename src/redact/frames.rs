//! From streams to packets: every packet that carries a secret's bytes, be it the first time or again, whole or in fragments, is changed.

use super::gather::Found;
use super::spots::{Spot, Spots, With};
use super::sums;
use super::sweep::Sweep;
use std::collections::HashMap;
use std::net::IpAddr;
use wirelore_engine::log::{Entry, Run};
use wirelore_engine::packet::{Headers, IpPair, Transport as Header};
use wirelore_kit::row::Endpoint;
use wirelore_kit::{BufKind, PacketRow, Piece};
use wirelore_store::Snapshot;

use crate::recall::Recall;

/// What is to be written over the packets of a capture, by packet.
#[derive(Default)]
pub(super) struct Frames {
    pub spots: HashMap<u32, Spots>,
}

/// Sequence number of stream offset 0, by direction: where there was a hole of unknown size there are several.
type Anchors = [Vec<u32>; 2];

impl Frames {
    /// Adds what was found in the flows, which are counted from 0.
    pub fn flows(&mut self, recall: &Recall, snapshot: &Snapshot, all: &[Found]) {
        // Packets of all the flows that matter are gathered at once: a look through the capture for each would take for ever.
        let mut packets: HashMap<u32, Vec<u32>> =
            (0..).zip(all).filter(|(_, f)| !f.streams.iter().all(Spots::is_empty)).map(|(flow, _)| (flow, Vec::new())).collect();
        if !packets.is_empty() {
            for n in 0..snapshot.packets() {
                if let Some(of) = snapshot.packet(n).and_then(|row| packets.get_mut(&row.flow)) {
                    of.push(n);
                }
            }
        }
        for (flow, found) in (0..).zip(all) {
            self.flow(recall, snapshot, flow, found, packets.get(&flow).map_or(&[], Vec::as_slice));
        }
    }

    fn flow(&mut self, recall: &Recall, snapshot: &Snapshot, flow: u32, found: &Found, packets: &[u32]) {
        for (packet, at, spot) in &found.packets {
            self.spots.entry(*packet).or_default().add(*at, spot);
        }
        if found.streams.iter().all(Spots::is_empty) {
            return;
        }
        let log = recall.log(flow);
        let mut anchors: Anchors = Default::default();
        let mut carried: HashMap<u32, u32> = HashMap::new();
        let mut headers = Headers::default();
        for entry in log.entries() {
            let (run, delivered) = match entry {
                Entry::Data(run) => (run, true),
                Entry::Again(run) | Entry::Conflict { run, .. } => (run, false),
                Entry::Gap { .. } | Entry::End { .. } => continue,
            };
            let of = carried.entry(run.number).or_default();
            *of = of.saturating_add(run.len);
            if delivered
                && recall.headers(snapshot, run.number, &mut headers)
                && let Header::Tcp(tcp) = headers.transport
                && let Some(anchors) = anchors.get_mut(run.dir)
            {
                let into = run.offset.wrapping_sub(headers.payload_at);
                let anchor = tcp.seq.wrapping_add(into).wrapping_sub(run.at as u32);
                if anchors.last() != Some(&anchor) {
                    anchors.push(anchor);
                }
            }
            self.run(recall, snapshot, &run, found);
        }
        let Some(row) = snapshot.flow(flow).filter(|f| f.transport == wirelore_kit::Transport::Tcp) else { return };
        let [first, _] = row.ends();
        for packet in packets {
            let carried = carried.get(packet).copied().unwrap_or(0);
            self.undelivered(recall, snapshot, *packet, first, carried, (found, &anchors));
        }
    }

    /// The spots in a run of bytes of a packet.
    fn run(&mut self, recall: &Recall, snapshot: &Snapshot, run: &Run, found: &Found) {
        let Some(spots) = found.streams.get(run.dir) else { return };
        if spots.over(run.at..run.end()).next().is_none() {
            return;
        }
        let fragment = snapshot.packet(run.number).is_some_and(|r| r.bits & PacketRow::FRAGMENT != 0);
        let Some((_, map)) = fragment.then(|| recall.joined(snapshot, run.number)).flatten() else {
            self.put(run.number, run.offset.into(), run.at, run.len.into(), spots);
            return;
        };
        let (begin, end) = (u64::from(run.offset), u64::from(run.offset).saturating_add(run.len.into()));
        for p in map {
            let (lo, hi) = (p.at.max(begin), p.at.saturating_add(p.len.into()).min(end));
            if let BufKind::Arrival(n) = p.from.buf.kind()
                && lo < hi
            {
                let at = p.from.at.saturating_add(lo.saturating_sub(p.at));
                self.put(n as u32, at, run.at.saturating_add(lo.saturating_sub(begin)), hi.saturating_sub(lo), spots);
            }
        }
    }

    /// `len` bytes of a stream from `from` on stand in a packet at `at`.
    fn put(&mut self, packet: u32, at: u64, from: u64, len: u64, spots: &Spots) {
        let end = from.saturating_add(len);
        for (lo, hi, spot) in spots.over(from..end) {
            let (a, b) = (lo.max(from), hi.min(end));
            let cut = spot.cut(a.saturating_sub(lo)..b.saturating_sub(lo));
            self.spots.entry(packet).or_default().add(at.saturating_add(a.saturating_sub(from)), &cut);
        }
    }

    /// A segment of which the log does not tell, or not all of its bytes but `carried`: by its sequence number. `first` is where the
    /// flow's first packet came from.
    fn undelivered(
        &mut self,
        recall: &Recall,
        snapshot: &Snapshot,
        packet: u32,
        first: Endpoint,
        carried: u32,
        (found, anchors): (&Found, &Anchors),
    ) {
        let mut headers = Headers::default();
        if !recall.headers(snapshot, packet, &mut headers) || headers.payload_len <= carried {
            return;
        }
        let Header::Tcp(tcp) = headers.transport else { return };
        let source = match headers.net {
            IpPair::V4(a, _) => Some(IpAddr::V4(a)),
            IpPair::V6(a, _) => Some(IpAddr::V6(a)),
            IpPair::None => None,
        };
        let dir = usize::from(source != Some(first.ip) || tcp.ports.src != first.port);
        let (Some(anchors), Some(spots)) = (anchors.get(dir), found.streams.get(dir)) else { return };
        let last = spots.over(0..u64::MAX).map(|(_, to, _)| to).max().unwrap_or(0);
        for anchor in anchors {
            let mut from = u64::from(tcp.seq.wrapping_sub(*anchor));
            while from < last {
                self.put(packet, headers.payload_at.into(), from, headers.payload_len.into(), spots);
                // Sequence numbers come round every 4 GiB.
                from = from.saturating_add(1 << 32);
            }
        }
    }

    /// Fragments are looked through before anything is written: their datagram's checksum stands in the first of them.
    pub fn fragments(
        &mut self,
        recall: &Recall,
        snapshot: &Snapshot,
        sweep: Option<&Sweep>,
        finding: &mut dyn FnMut(u32) -> u32,
    ) {
        let is_fragment = |n: &u32| snapshot.packet(*n).is_some_and(|r| r.bits & PacketRow::FRAGMENT != 0);
        let all: Vec<u32> = (0..snapshot.packets()).filter(is_fragment).collect();
        for n in all {
            let Some((old, map)) = recall.joined(snapshot, n) else { continue };
            let mut new = self.patched(&old, &map);
            if let Some(sweep) = sweep {
                let mut hits = Vec::new();
                sweep.each(&new, &mut |range, with| hits.push((range, with)));
                for (range, with) in hits {
                    let spot = Spot { len: with.len() as u64, with: With::Bytes(with.into()), finding: finding(n) };
                    let mut one = Spots::default();
                    one.add(range.start as u64, &spot);
                    self.put_joined(&map, range.start as u64, range.len() as u64, &one);
                }
                new = self.patched(&old, &map);
            }
            let proto = recall.ledger.read().unwrap_or_else(std::sync::PoisonError::into_inner).joined(n).map_or(0, |j| j.0);
            if let Some((at, sum)) = sums::of_joined(proto, &old, &new) {
                let spot = Spot { len: 2, with: With::Bytes(sum.into()), finding: u32::MAX };
                let mut one = Spots::default();
                one.add(at as u64, &spot);
                self.put_joined(&map, at as u64, 2, &one);
            }
        }
    }

    fn put_joined(&mut self, map: &[Piece], at: u64, len: u64, spots: &Spots) {
        for p in map {
            let (lo, hi) = (p.at.max(at), p.at.saturating_add(p.len.into()).min(at.saturating_add(len)));
            if let BufKind::Arrival(n) = p.from.buf.kind()
                && lo < hi
            {
                self.put(n as u32, p.from.at.saturating_add(lo.saturating_sub(p.at)), lo, hi.saturating_sub(lo), spots);
            }
        }
    }

    /// The bytes of a datagram after its fragments are changed.
    fn patched(&self, old: &[u8], map: &[Piece]) -> Vec<u8> {
        let mut new = old.to_vec();
        for p in map {
            if let BufKind::Arrival(n) = p.from.buf.kind()
                && let Some(spots) = self.spots.get(&(n as u32))
                && let Some(part) = new.get_mut(p.at as usize..(p.at as usize).saturating_add(p.len as usize))
            {
                spots.write(p.from.at..p.from.end(), part, &mut |_, _| {});
            }
        }
        new
    }
}
