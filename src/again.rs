//! Reading again what was read already: when keys come late, when a conversation turns out to have announced others, when the user says
//! what a connection speaks. The rows of the second reading take the place of those of the first.
//!
//! Whole flows are read again, from their delivery logs, until nothing is left to read again. So the rows that remain do not depend on
//! whether keys came before, among or behind the packets.

use crate::legs::Leg;
use crate::merge::Merger;
use crate::recall::Recall;
use crate::remember::Remember;
use crate::session::Writer;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use wirelore_engine::announce::{Announced, Bound};
use wirelore_engine::output::Output;
use wirelore_engine::tell::{Numbers, Tell};
use wirelore_kit::{Cancel, ConvId, Expect, KeyLogRead, KeyTable, Level, Problem, SecretId, Secrets, Spec};
use wirelore_store::{FlowFlags, Snapshot};

/// Connections that wait for keys, all secrets taken together.
const MOST_WANTS: usize = 1 << 20;
/// Announcements whose flows are looked for behind the fact.
const MOST_LATE: usize = 4096;
/// Flows that are looked at for them in one go.
const MOST_STEPS: u32 = 1 << 22;
/// One reading may bring another about (keys, then an announced connection, then its keys), but not for ever.
const MOST_ROUNDS: usize = 8;

/// What is to be read again, and why.
#[derive(Default)]
pub struct Due {
    flows: BTreeSet<u32>,
    wants: HashMap<SecretId, Vec<u32>>,
    wanting: usize,
    /// How many keys there were when wants were looked through last.
    keys: usize,
    late: Vec<Late>,
    /// Flows that were read again.
    done: HashMap<u32, Done>,
}

/// A flow that was read again.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    /// How often.
    times: u16,
    /// How long its log was then.
    len: usize,
    /// How long it was when it was looked at last.
    seen: usize,
}

impl Done {
    /// Whether a flow whose log is `now` bytes long is to be read once more. A flow that lives is read from its beginning each time: so
    /// only when it has fallen silent, or has grown by half, which makes all readings together cost no more than three.
    fn is_due(&mut self, now: usize, last: bool) -> bool {
        let silent = now == self.seen;
        self.seen = now;
        now > self.len && (last || silent || now.saturating_sub(self.len) > self.len / 2)
    }
}

/// An announcement whose flow is looked for among those that came.
struct Late {
    row: Announced,
    found: bool,
}

impl Due {
    /// A flow is to be read again.
    pub fn flow(&mut self, flow: u32) {
        self.flows.insert(flow);
    }

    /// A flow would be read otherwise with that secret.
    pub fn wants(&mut self, flow: u32, id: &SecretId) {
        let waiting = self.wants.entry(id.clone()).or_default();
        if self.wanting < MOST_WANTS && waiting.last() != Some(&flow) {
            waiting.push(flow);
            self.wanting += 1;
        }
    }

    /// A conversation between `hosts` announced a flow.
    pub fn expect(&mut self, by: ConvId, hosts: (IpAddr, IpAddr), expect: &Expect, made: i64) {
        let known = self.late.iter().any(|l| l.row.is(by, expect.key) && l.row.expect() == expect);
        if self.late.len() < MOST_LATE && !known {
            self.late.push(Late { row: Announced::new(by, hosts, expect, made), found: false });
        }
    }

    /// What the flows that it announced with `key` are for.
    pub fn about(&mut self, by: ConvId, key: u64, what: &str) {
        for l in self.late.iter_mut().filter(|l| l.row.is(by, key)) {
            l.row.set_about(what);
        }
    }

    /// Whether a flow was read again, so that the first reading's further words do not count.
    #[must_use]
    pub fn is_taken_over(&self, flow: u32) -> bool {
        self.done.contains_key(&flow)
    }

    /// Whether no flow was.
    #[must_use]
    pub fn nothing_done(&self) -> bool {
        self.done.is_empty()
    }

    /// Flows whose keys are there now.
    fn keys_came(&mut self, keys: &KeyTable) {
        if keys.len() == self.keys {
            return;
        }
        self.keys = keys.len();
        let found: Vec<SecretId> = self.wants.keys().filter(|id| keys.find(id).is_some()).cloned().collect();
        for id in found {
            let flows = self.wants.remove(&id).unwrap_or_default();
            self.wanting = self.wanting.saturating_sub(flows.len());
            self.flows.extend(flows);
        }
    }

    /// The flows of announcements that were told late, or that lie between other hosts.
    fn late_flows(&mut self, snapshot: &Snapshot) -> Vec<(u32, Bound)> {
        let mut bound = Vec::new();
        let mut steps = MOST_STEPS;
        for l in self.late.iter_mut().filter(|l| !l.found) {
            let (from, to) = l.row.times();
            let mut at = first_at(snapshot, from);
            while let Some(flow) = snapshot.flow(at).filter(|f| f.first_time <= to) {
                let [a, b] = flow.ends().map(|e| (e.ip, e.port));
                // Where the opening was seen, who opened it must fit.
                let least = if flow.flags.has(FlowFlags::SYN) { 2 } else { 1 };
                if l.row.fits(a, b, flow.transport, flow.first_time) >= least && !bound.iter().any(|(f, _)| *f == at) {
                    bound.push((at, l.row.bound()));
                    l.found = true;
                    break;
                }
                at += 1;
                steps -= 1;
                if steps == 0 {
                    return bound;
                }
            }
        }
        bound
    }
}

/// The first flow that began at `time` or later.
fn first_at(snapshot: &Snapshot, time: i64) -> u32 {
    let (mut low, mut high) = (0, snapshot.flows());
    while low < high {
        let mid = low + (high - low) / 2;
        if snapshot.flow(mid).is_some_and(|f| f.first_time < time) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    low
}

/// Reads again all that is due, and what becomes due by that. Returns how many flows were read. `last`: nothing will grow any more.
pub(crate) fn settle(merger: &mut Merger, recall: &Recall, keys: &RwLock<KeyTable>, last: bool) -> usize {
    let mut count = 0;
    let Due { done, flows, .. } = &mut merger.due;
    flows.extend(done.iter_mut().filter_map(|(flow, d)| d.is_due(recall.log_len(*flow), last).then_some(*flow)));
    for _ in 0..MOST_ROUNDS {
        merger.due.keys_came(&keys.read().unwrap_or_else(PoisonError::into_inner));
        if merger.due.flows.is_empty() && merger.due.late.iter().all(|l| l.found) {
            break;
        }
        merger.builder.publish(true);
        let snapshot = merger.builder.store().snapshot();
        for (flow, bound) in merger.due.late_flows(&snapshot) {
            if merger.bind(flow, bound) {
                merger.due.flow(flow);
            }
        }
        let flows = std::mem::take(&mut merger.due.flows);
        if flows.is_empty() {
            break;
        }
        count += flows.len();
        for flow in flows {
            read(merger, recall, flow);
        }
    }
    if count > 0 {
        merger.builder.publish(true);
    }
    count
}

/// Reads a flow again; its new rows take the place of the old ones.
fn read(merger: &mut Merger, recall: &Recall, flow: u32) {
    let len = recall.log_len(flow);
    let (mut out, mut numbers) = (Output::default(), Numbers::default());
    let mut tell = Tell {
        out: &mut out,
        numbers: &mut numbers,
        table: recall.table(),
        board: None,
        packet: 0,
        now: i64::MIN,
        flipped: None,
    };
    recall.forget(flow);
    // What can no longer be read keeps the rows that it has.
    if recall.reread(flow, Level::Rows, &Cancel::new(), &mut tell).is_err() {
        return;
    }
    let flipped = tell.flipped;
    let done = merger.due.done.entry(flow).or_default();
    *done = Done { times: done.times.saturating_add(1), len, seen: len };
    let generation = done.times;
    merger.read_again(flow, generation, &out, flipped);
}

/// Has things read again, from any thread.
#[derive(Clone)]
pub struct Again {
    pub(crate) writer: Arc<Mutex<Writer>>,
    pub(crate) recall: Arc<Recall>,
    pub(crate) keys: Arc<RwLock<KeyTable>>,
    table: &'static [&'static Spec],
    remember: Option<Arc<Mutex<Remember>>>,
}

impl Again {
    pub(crate) fn new(
        writer: Arc<Mutex<Writer>>,
        recall: Arc<Recall>,
        keys: Arc<RwLock<KeyTable>>,
        table: &'static [&'static Spec],
        remember: Option<Remember>,
    ) -> Again {
        Again { writer, recall, keys, table, remember: remember.map(|r| Arc::new(Mutex::new(r))) }
    }

    /// The capture is read: what the user said of its connections in earlier days holds.
    pub(crate) fn recollect(&self, merger: &mut Merger) {
        let Some(remember) = &self.remember else { return };
        let remember = remember.lock().unwrap_or_else(PoisonError::into_inner);
        if remember.choices().is_empty() {
            return;
        }
        merger.builder.publish(true);
        let snapshot = merger.builder.store().snapshot();
        for choice in remember.choices() {
            let spec = self.table.iter().find(|s| s.name == choice.protocol);
            let flow = snapshot.each_flow().find(|f| choice.is_of(f));
            if let (Some(spec), Some(flow)) = (spec, flow) {
                merger.decide(flow.id, Some(spec.name));
            }
        }
    }

    /// Reads again what is due, on this thread. Returns how many flows were read.
    pub fn settle(&self) -> usize {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        settle(&mut writer.merger, &self.recall, &self.keys, false)
    }

    /// Reads a flow again as another protocol (a Spec's name), or as its bytes say for `None`.
    ///
    /// # Errors
    /// [`Problem`]: there is no such flow or protocol, or the choice could not be kept.
    pub fn decode(&self, flow: u32, protocol: Option<&str>) -> Result<(), Problem> {
        let name = match protocol {
            None => None,
            Some(p) => Some(self.table.iter().find(|s| s.name == p).map(|s| s.name).ok_or_else(|| Problem {
                what: format!("Nothing here reads {p}"),
                why: "No protocol of the table has that name.".into(),
                what_to_do: "Choose one of those that are listed.".into(),
            })?),
        };
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.merger.builder.flow_row(flow).is_none() {
            return Err(Problem {
                what: "There is no such connection".into(),
                why: "No row has that number.".into(),
                what_to_do: "Choose one from the list.".into(),
            });
        }
        writer.merger.decide(flow, name);
        settle(&mut writer.merger, &self.recall, &self.keys, false);
        writer.merger.builder.publish(true);
        let snapshot = writer.merger.builder.store().snapshot();
        drop(writer);
        match (&self.remember, snapshot.flow(flow)) {
            (Some(remember), Some(row)) => remember.lock().unwrap_or_else(PoisonError::into_inner).keep(&row, name),
            _ => Ok(()),
        }
    }

    /// Reads a flow whole of which only a part was read, because another one carries the same ([`FlowFlags::TWIN`]).
    pub fn read_whole(&self, flow: u32) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.merger.builder.flow_row(flow).is_some_and(|f| f.flags.has(FlowFlags::TWIN)) {
            writer.merger.due.flow(flow);
            settle(&mut writer.merger, &self.recall, &self.keys, false);
            writer.merger.builder.publish(true);
        }
    }

    /// The leg of a proxied connection that a flow is, and the first packets of the connection's other legs.
    #[must_use]
    pub fn legs(&self, flow: u32) -> Option<(Leg, Vec<Leg>)> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let first = writer.merger.builder.flow_row(flow)?.first_packet;
        let leg = writer.legs.at(first)?;
        Some((leg, writer.legs.of(leg.tie).filter(|l| **l != leg).copied().collect()))
    }

    /// What the user said that a flow speaks.
    #[must_use]
    pub fn decoded(&self, flow: u32) -> Option<&'static str> {
        self.recall.decided(flow)
    }

    /// Adds the keys of key log text and reads again what waited for them.
    pub fn add_keys(&self, text: &[u8]) -> KeyLogRead {
        let read = {
            let mut table = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            let (taken, mut read) = table.read_log(text);
            table.read_line(text.get(taken..).unwrap_or(&[]), &mut read);
            read
        };
        if read.added > 0 {
            self.settle();
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_that_grows_for_long_is_not_read_from_its_beginning_each_time() {
        let (mut done, mut len, mut read, mut readings) = (Done { times: 1, len: 100, seen: 100 }, 100, 0, 0);
        for _ in 0..10_000 {
            len += 10;
            if done.is_due(len, false) {
                (read, readings) = (read + len, readings + 1);
                done = Done { times: 2, len, seen: len };
            }
        }
        assert!(read <= 3 * len && readings > 5, "{read} bytes of logs of {len}, in {readings} readings");
        // It grew a little since: that is read when it is silent, or at the end.
        assert!(!done.is_due(done.len + 1, false));
        assert!(done.is_due(done.len + 1, false), "it was silent");
        let mut done = Done { times: 1, len: 100, seen: 100 };
        assert!(done.is_due(101, true), "nothing will grow any more");
    }
}
