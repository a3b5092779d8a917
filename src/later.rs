//! What packets say about one another and no row keeps: echoes of ICMP with their replies, segments of messages that have several.

use crate::harvest::{Row, harvest};
use crate::names::registry;
use crate::recall::{Recall, cancelled};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use wirelore_engine::log::Entry;
use wirelore_filter::{Echo, Fact, Join, Later, Reads, Wants};
use wirelore_kit::row::NONE;
use wirelore_kit::{Dir, F, Problem, Transport, Value};
use wirelore_store::query::Bits;
use wirelore_store::{Snapshot, Work};

/// Finds out what `wants` names of that; nothing where it names nothing.
///
/// # Errors
/// [`Problem`]: it was cancelled.
pub fn find_out(recall: &Recall, snapshot: &Arc<Snapshot>, wants: &Wants, work: &Work) -> Result<Arc<Later>, Problem> {
    let mut later = Later::default();
    if wants.facts.iter().any(|f| matches!(f, Fact::Echo { .. })) {
        later.echoes = echoes(recall, snapshot, work)?;
    }
    if wants.facts.iter().any(|f| matches!(f, Fact::Join(_))) {
        later.joins = joins(recall, snapshot, work)?;
    }
    Ok(Arc::new(later))
}

/// The protocols that have echoes: number in IP, and the fields that say what a message is: its type, identifier and number.
const ECHOES: [(u8, [&str; 3]); 2] = [
    (1, ["icmp.type", "icmp.ident", "icmp.seq"]),
    (58, ["icmpv6.type", "icmpv6.echo.identifier", "icmpv6.echo.sequence_number"]),
];

/// Whether a type is that of an echo request, of a reply, or of neither (RFC 792, RFC 4443 §4).
const fn asks(of: u64, six: bool) -> Option<bool> {
    match (of, six) {
        (8, false) | (128, true) => Some(true),
        (0, false) | (129, true) => Some(false),
        _ => None,
    }
}

/// The field of a name.
fn field(name: &str) -> Option<F> {
    match &registry().get(name)?.reads {
        Reads::Fields(all) => all.first().copied(),
        _ => None,
    }
}

/// Echo requests and their replies: of one conversation, with the same identifier and number, in the other direction.
fn echoes(recall: &Recall, s: &Arc<Snapshot>, work: &Work) -> Result<HashMap<u32, Echo>, Problem> {
    let mut found = HashMap::new();
    for (proto, names) in ECHOES {
        let six = proto == 58;
        let fields: Vec<F> = names.iter().filter_map(|n| field(n)).collect();
        let mut bits = Bits::none(s.packets());
        let mut any = false;
        for p in 0..s.packets() {
            let flow = s.packet(p).and_then(|row| s.flow(row.flow));
            if flow.is_some_and(|f| f.transport == Transport::Other && f.ip_proto == proto) {
                bits.set(p);
                any = true;
            }
        }
        if !any {
            continue;
        }
        // What was asked last, by conversation, direction, identifier and number.
        let mut asked: HashMap<(u32, bool, u64, u64), u32> = HashMap::new();
        let mut each = |row: &Row| {
            // The first of each: later ones are of packets that are quoted or carried.
            let first = |f: &F| {
                let kept = row.layers.kept.iter().find(|k| k.field.is(f))?;
                if let Value::U64(n) = kept.value { Some(n) } else { None }
            };
            let values: Vec<u64> = fields.iter().filter_map(first).collect();
            let ([of, ident, seq], Some(packet)) = (values.as_slice(), s.packet(row.packet)) else {
                return ControlFlow::Continue(());
            };
            let key = |back: bool| (packet.flow, back, *ident, *seq);
            match asks(*of, six) {
                Some(true) => {
                    asked.insert(key(packet.is_backward()), row.packet);
                }
                Some(false) => {
                    if let Some(request) = asked.get(&key(!packet.is_backward())).copied() {
                        let after = s.time_of(row.packet).zip(s.time_of(request)).map(|(b, a)| b.saturating_sub(a));
                        found.insert(row.packet, Echo { other: request, reply: Some(after), six });
                        found.insert(request, Echo { other: row.packet, reply: None, six });
                    }
                }
                None => {}
            }
            ControlFlow::Continue(())
        };
        harvest(recall, s, &Wants { fields: fields.clone(), ..Wants::default() }, bits, work, &mut each)?;
    }
    Ok(found)
}

/// A message of a TCP connection's own stream that did not end in the packet it began in.
struct Long {
    at: u64,
    end: u64,
    done: u32,
    parts: Vec<u32>,
}

/// Segments of messages that have more than one.
fn joins(recall: &Recall, s: &Arc<Snapshot>, work: &Work) -> Result<HashMap<u32, Join>, Problem> {
    let mut of_flow: HashMap<u32, [Vec<Long>; 2]> = HashMap::new();
    for (_, m) in s.each_message() {
        if m.conv.inner != 0 || m.done == NONE || m.first == m.done || m.len == 0 {
            continue;
        }
        let Some(flow) = s.flow(m.conv.flow).filter(|f| f.transport == Transport::Tcp) else { continue };
        let way = usize::from((m.dir == Dir::ToServer) == (flow.client_end() == 1));
        if let Some(list) = of_flow.entry(m.conv.flow).or_default().get_mut(way) {
            list.push(Long { at: m.at, end: m.at.saturating_add(m.len), done: m.done, parts: Vec::new() });
        }
    }
    let mut found: HashMap<u32, Join> = HashMap::new();
    for (flow, mut ways) in of_flow {
        if work.is_cancelled() {
            return Err(cancelled());
        }
        ways.iter_mut().for_each(|w| w.sort_unstable_by_key(|m| m.at));
        // Bytes were delivered in order, so each list is walked once.
        let mut next = [0usize; 2];
        for entry in recall.log(flow).entries() {
            let Entry::Data(run) = entry else { continue };
            let (Some(list), Some(next)) = (ways.get_mut(run.dir), next.get_mut(run.dir)) else { continue };
            while list.get(*next).is_some_and(|m| m.end <= run.at) {
                *next = next.saturating_add(1);
            }
            let end = run.at.saturating_add(u64::from(run.len));
            for m in list.iter_mut().skip(*next).take_while(|m| m.at < end) {
                if m.parts.last() != Some(&run.number) {
                    m.parts.push(run.number);
                }
            }
        }
        // A message that goes on to the end of its connection is complete with the segment that ends it, which has none of its bytes.
        for (way, m) in ways.iter_mut().enumerate().flat_map(|(way, list)| list.iter_mut().map(move |m| (way, m))) {
            let same_way = s.packet(m.done).is_some_and(|p| usize::from(p.is_backward()) == way);
            if same_way && !m.parts.contains(&m.done) {
                m.parts.push(m.done);
            }
        }
        for m in ways.into_iter().flatten().filter(|m| m.parts.len() > 1) {
            for part in m.parts.iter().filter(|p| **p != m.done) {
                found.entry(*part).or_default().done = Some(m.done);
            }
            found.entry(m.done).or_default().made_of.push((m.parts, m.end.saturating_sub(m.at)));
        }
    }
    Ok(found)
}
