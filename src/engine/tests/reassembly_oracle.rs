//! Reassembly held against tshark's "follow" on every capture of the corpus: the bytes of both directions of every stream without gaps.

mod support;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use wirelore_engine::flow::{Direction, Ends, FlowTable};
use wirelore_engine::ipfrag::{FragmentTable, Outcome};
use wirelore_engine::log::{Log, Logged, replay};
use wirelore_engine::packet::{self, Headers, Stop, Transport, flag};
use wirelore_engine::reassembly::{Deliver, End, GapWhy, Segment, Source, Tcp};
use wirelore_engine::source_map;

/// One direction as delivered.
#[derive(Debug, Default, PartialEq)]
struct Stream {
    bytes: Vec<u8>,
    /// Gaps inside the stream; that it begins midstream is none of them.
    gaps: Vec<(u64, u64, GapWhy)>,
}

impl Stream {
    /// Length and hash of the bytes before the first gap: in streams that it does not call incomplete, tshark leaves out what stands behind
    /// a hole that nobody acknowledged, and does not tell of bytes acknowledged but missing at the very end.
    fn as_tshark_shows(&self) -> (u64, String) {
        let until = self.gaps.first().map_or(self.bytes.len(), |(at, ..)| *at as usize);
        (until as u64, Sha256::digest(&self.bytes[..until]).iter().map(|b| format!("{b:02x}")).collect())
    }
}

/// Here a middlebox sends pure acknowledgements with stray bytes, at last one behind the FIN. tshark takes it for data; a FIN ends its direction
/// (RFC 9293 §3.10.7.4).
const BEHIND_THE_FIN: [(&str, u64); 4] = [
    ("ndpi__heuristic_tcp_ack_payload.pcap", 1),
    ("ndpi__heuristic_tcp_ack_payload.pcap", 2),
    ("ndpi__heuristic_tcp_ack_payload.pcap", 3),
    ("ndpi__heuristic_tcp_ack_payload.pcap", 4),
];

#[derive(Debug, Default, PartialEq)]
struct Pair([Stream; 2]);

impl Deliver for Pair {
    fn data(&mut self, dir: usize, _: u64, bytes: &[u8], _: Source) {
        self.0[dir].bytes.extend_from_slice(bytes);
    }
    fn gap(&mut self, dir: usize, at: u64, missing: u64, why: GapWhy) {
        if why != GapWhy::Midstream {
            self.0[dir].gaps.push((at, missing, why));
        }
    }
    fn conflict(&mut self, _: usize, _: u64, _: u32, _: u32, _: Source) {}
    fn end(&mut self, _: usize, _: End, _: u32, _: i64) {}
}

struct Flow {
    ends: Ends,
    tcp: Tcp,
    log: Log,
    got: Pair,
}

/// All TCP flows of a capture, in the order of their first packets, and the datagrams that were joined from fragments.
fn flows(packets: &[support::Packet]) -> (Vec<Flow>, HashMap<u32, Vec<u8>>) {
    let mut datagrams = HashMap::new();
    let mut table = FlowTable::default();
    let mut fragments = FragmentTable::default();
    let mut place: HashMap<u32, usize> = HashMap::new();
    let mut found: Vec<Flow> = Vec::new();
    let mut h = Headers::default();
    for (number, p) in packets.iter().enumerate() {
        packet::read(p.link_type, &p.bytes, p.wire_len, &mut h);
        let mut joined = Vec::new();
        while let Some(f) = h.fragment.filter(|f| f.whole && h.stop == Stop::Fragment) {
            let last = h;
            let bytes = if joined.is_empty() { &p.bytes } else { &joined };
            let payload = last.payload(bytes);
            let Outcome::Joined(d) = fragments.take(last.net, &f, payload, number as u64, last.payload_at, p.time_ns) else {
                break;
            };
            packet::read_datagram(&last, d.proto, &d.bytes, &mut h);
            joined = d.bytes;
        }
        if !joined.is_empty() {
            datagrams.insert(number as u32, joined.clone());
        }
        let bytes = if joined.is_empty() { &p.bytes } else { &joined };
        let (Transport::Tcp(t), Some(ends)) = (h.transport, Ends::of(&h)) else { continue };
        let Some(mut at) = table.look(&ends, h.path) else { continue };
        if !t.sound {
            continue;
        }
        let segment = Segment {
            seq: t.seq,
            ack: (t.flags & flag::ACK != 0).then_some(t.ack),
            syn: t.flags & flag::SYN != 0,
            fin: t.flags & flag::FIN != 0,
            rst: t.flags & flag::RST != 0,
            payload: h.payload(bytes),
            wire_len: h.payload_wire_len,
            number: number as u32,
            time: p.time_ns,
            offset: h.payload_at,
        };
        let dir = |d: Direction| usize::from(d == Direction::Backward);
        if let Some(old) = place.get(&at.id)
            && found[*old].tcp.reopens(dir(at.dir), &segment)
            && let Some(again) = table.renew(at.id, at.dir)
        {
            at = again;
        }
        let i = *place.entry(at.id).or_insert_with(|| {
            found.push(Flow { ends, tcp: Tcp::default(), log: Log::default(), got: Pair::default() });
            found.len() - 1
        });
        let flow = &mut found[i];
        flow.tcp.segment(dir(at.dir), &segment, &mut Logged::new(&mut flow.log, &mut flow.got));
    }
    for flow in &mut found {
        flow.tcp.finish(&mut Logged::new(&mut flow.log, &mut flow.got));
    }
    (found, datagrams)
}

#[test]
fn every_stream_without_gaps_is_tsharks() {
    let Some(corpus) = support::corpus() else { return };
    let (mut compared, mut with_gaps, mut wrong, mut conflicts) = (0, 0, Vec::new(), Vec::new());
    for folder in [corpus.clone(), corpus.join("malformed")] {
        for path in support::captures(&folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Ok(text) = std::fs::read_to_string(corpus.join("oracle").join(format!("{name}.oracle.json"))) else { continue };
            let oracle: serde_json::Value = serde_json::from_str(&text).expect("the oracle is JSON");
            let Some(theirs) = oracle["tcp_streams"].as_array() else { continue };
            let packets = support::packets(&path);
            let (ours, joined) = flows(&packets);
            let fetch = |n: u32| {
                let p = packets.get(n as usize)?;
                Some((Bytes::copy_from_slice(joined.get(&n).unwrap_or(&p.bytes)), p.time_ns))
            };
            for flow in &ours {
                let mut second = Pair::default();
                replay(flow.log.entries(), fetch, &mut second);
                assert!(second == flow.got, "{name}: the second reading differs");
                conflicts.extend(source_map::conflicts(&flow.log, fetch).into_iter().map(|c| (name.clone(), c)));
            }
            if ours.len() != theirs.len() {
                wrong.push(format!("{name}: {} streams, not {}", ours.len(), theirs.len()));
                continue;
            }
            for (flow, their) in ours.iter().zip(theirs) {
                if their["gaps"].as_bool() == Some(true) {
                    with_gaps += 1;
                    // What a reset says about its cause is no part of the stream.
                    if flow.got.0.iter().all(|s| s.gaps.is_empty()) && name != "tcpdump__tcp_rst_diag_payload-trunc.pcap" {
                        wrong.push(format!("{name} stream {}: tshark misses bytes, we do not", their["stream"]));
                    }
                    continue;
                }
                let want = ["ab", "ba"].map(|d| {
                    let sha = their[format!("sha256_{d}")].as_str().unwrap_or_default().to_owned();
                    (their[format!("bytes_{d}")].as_u64().unwrap_or(u64::MAX), sha)
                });
                let have = flow.got.0.each_ref().map(Stream::as_tshark_shows);
                compared += 1;
                // Which end is the first may differ.
                let swapped = [want[1].clone(), want[0].clone()];
                if have != want
                    && have != swapped
                    && !BEHIND_THE_FIN.contains(&(name.as_str(), their["stream"].as_u64().unwrap_or(0)))
                {
                    let gaps = flow.got.0.each_ref().map(|s| &s.gaps);
                    wrong.push(format!(
                        "{name} stream {}: ours {have:?} gaps {gaps:?}, tshark {want:?}, {:?}",
                        their["stream"], flow.ends
                    ));
                }
            }
        }
    }
    eprintln!("{compared} streams compared, {with_gaps} with gaps left out");
    assert!(wrong.is_empty(), "{} streams differ:\n{}", wrong.len(), wrong.join("\n"));
    let known = |c: &source_map::Conflict| (c.dir, c.at, c.len, c.kept, c.other.number) == (0, 1, 45, 0, 3);
    assert!(conflicts.iter().any(|(name, c)| name.ends_with("dns_over_tcp.pcapng") && known(c)), "{conflicts:?}");
    assert!(compared > 300, "only {compared} streams were compared");
}
