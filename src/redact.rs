//! Redaction: secrets in a capture are replaced by text of the same length, in the packets themselves, so that the file still reads as the
//! same messages; and a report of what was replaced.
//!
//! Every flow is read again whole. Fields that hold secrets and text that names them become spots in the flow's streams; a second reading
//! looks for what these secrets said wherever else it was said. Spots become changes of packets by the delivery log and by sequence
//! numbers, so that retransmissions, overlaps, fragments and tunnels are met; each packet is looked through once more when it is written,
//! and its checksums are corrected.

mod frames;
mod gather;
mod mask;
mod report;
mod spots;
mod streams;
mod sums;
mod sweep;
mod words;

pub use report::Report;

use crate::cli::exit;
use crate::exporting::Material;
use crate::names;
use crate::reading::Failure;
use crate::recall::Recall;
use crate::session::Session;
use frames::Frames;
use gather::{Found, Gather};
use std::sync::{Arc, PoisonError};
use sweep::{Sweep, Values};
use wirelore_engine::conversation::{Context, Scratch};
use wirelore_engine::log::Entry;
use wirelore_engine::packet::{Headers, read};
use wirelore_filter::Reads;
use wirelore_kit::{F, Flags, Keep, Kind, Level, PacketRow};
use wirelore_store::{Snapshot, Work};

/// What became of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Text of the same length stands in its place.
    Replaced,
    /// The coded body that it was in was blanked as a whole.
    Blanked,
    /// It is enciphered, and the keys are not written.
    Sealed,
    /// It is still there.
    Left,
}

/// A secret that was found. What it says is not kept.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The field that held it, or how it was found.
    pub kind: &'static str,
    /// Its bytes.
    pub len: u32,
    /// The packet at which it was read, from 0.
    pub packet: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Where bytes were written over: packet from 0, offset, bytes.
    pub places: Vec<(u32, u32, u32)>,
}

/// What is to be changed in a capture, and what was.
pub struct Redaction {
    recall: Arc<Recall>,
    snapshot: Arc<Snapshot>,
    links: Arc<Vec<u32>>,
    frames: Frames,
    sweep: Option<Sweep>,
    findings: Vec<Finding>,
    not_sought: u64,
    /// Packets that were changed.
    changed: u64,
    /// Blocks that nobody here knows and that were left out, and bytes covered in others.
    blocks_left_out: u64,
    in_blocks: u64,
}

/// The fields of these names.
///
/// # Errors
/// A name that there is not, or one of packet headers.
pub fn fields(names: &[String]) -> Result<Vec<F>, Failure> {
    let mut all = Vec::new();
    for name in names.iter().flat_map(|n| n.split(',')).map(str::trim).filter(|n| !n.is_empty()) {
        let wrong = |text: String| Failure { text: format!("--redact-fields {name}: {text}"), code: exit::OPTION };
        let registry = names::registry();
        let Some(Reads::Fields(fields)) = registry.get(name).map(|n| &n.reads) else {
            let near = registry.nearest(name);
            let hint = if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(" or ")) };
            return Err(wrong(format!("there is no such field.{hint} `wirelore fields` lists them all.")));
        };
        let of_packets = |f: F| wirelore_dissectors::layers::LAYERS.iter().any(|l| l.fields.iter().any(|g| g.is(f)));
        if fields.iter().any(|f| of_packets(f)) {
            return Err(wrong("it stands in packet headers, which hold the streams together. Name fields of messages.".into()));
        }
        if fields.iter().any(|f| f.kind == Kind::Group) {
            return Err(wrong("it is a group of fields. Name those inside of it.".into()));
        }
        all.extend(fields.iter().copied());
    }
    Ok(all)
}

impl Redaction {
    /// Finds all secrets of what was read of a capture; `chosen` are fields to be covered besides those that hold secrets. `None` when
    /// the work was cancelled.
    #[must_use]
    pub fn plan(session: &Session, chosen: &[F], work: &Work) -> Option<Redaction> {
        let recall = Arc::clone(&session.recall);
        let snapshot = session.store.snapshot();
        let links = Arc::clone(&recall.links.read().unwrap_or_else(PoisonError::into_inner));
        let headers = ["http2.header.name", "http2.header.value", "http2.headers.fragment"];
        let wanted = |f: &F| f.flags.has(Flags::SECRET) || headers.contains(&f.name) || chosen.iter().any(|c| c.is(f));
        let keep = Arc::new(Keep::of(names::fields().filter(wanted)));
        let mut values = Values::default();
        let mut findings = Vec::new();
        let mut all: Vec<Found> = Vec::new();
        let mut scratch = Scratch::keeping(keep);
        work.expect(u64::from(snapshot.packets()));
        let m = Material { recall: &recall, snapshot: &snapshot, work };
        for flow in 0..snapshot.flows() {
            let mut found = Found::default();
            let gather = Gather::new(chosen, None, &mut values);
            read_flow(&m, flow, gather, &mut scratch, &mut found, &mut findings);
            all.push(found);
            work.did(snapshot.flow(flow).map_or(0, |f| u64::from(f.packets[0]).saturating_add(f.packets[1].into())));
        }
        let sweep = values.sweep();
        if let Some(sweep) = &sweep {
            for (flow, found) in (0..).zip(&mut all) {
                let gather = Gather::new(chosen, Some(sweep), &mut values);
                read_flow(&m, flow, gather, &mut scratch, found, &mut findings);
            }
        }
        // What was read of a flow when it was cancelled is not all of its secrets.
        if work.is_cancelled() {
            return None;
        }
        let mut frames = Frames::default();
        frames.flows(&recall, &snapshot, &all);
        frames.fragments(&recall, &snapshot, sweep.as_ref(), &mut |packet| {
            findings.push(again(packet));
            findings.len().saturating_sub(1) as u32
        });
        let not_sought = values.not_sought;
        Some(Redaction {
            recall,
            snapshot,
            links,
            frames,
            sweep,
            findings,
            not_sought,
            changed: 0,
            blocks_left_out: 0,
            in_blocks: 0,
        })
    }

    /// Packets whose secrets are known; what was captured since holds what nobody looked for.
    #[must_use]
    pub fn packets(&self) -> u32 {
        self.snapshot.packets()
    }

    /// Covers the secrets in a packet, counted from 0, and corrects its checksums; whether anything was changed.
    pub fn packet(&mut self, packet: u64, data: &mut [u8]) -> bool {
        let Ok(n) = u32::try_from(packet) else { return false };
        let Some(row) = self.snapshot.packet(n) else { return false };
        let old = data.to_vec();
        let findings = &mut self.findings;
        if let Some(spots) = self.frames.spots.get(&n) {
            spots.write(0..data.len() as u64, data, &mut |spot, part| {
                let place = (n, part.start as u32, part.len() as u32);
                if let Some(f) = findings.get_mut(spot.finding as usize) {
                    f.places.push(place);
                }
            });
        }
        let link = self.links.get(usize::from(row.interface())).copied().unwrap_or(u32::MAX);
        let fragment = row.bits & PacketRow::FRAGMENT != 0;
        if let Some(sweep) = &self.sweep {
            let mut headers = Headers::default();
            read(link, &old, row.wire_len, &mut headers);
            let from = (headers.payload_at as usize).min(data.len());
            let mut hits = Vec::new();
            sweep.each(data.get(from..).unwrap_or_default(), &mut |range, with| hits.push((range, with)));
            for (range, with) in hits {
                let at = from.saturating_add(range.start);
                // What a fragment says on its own is not corrected: its checksum stands in another packet.
                let mut finding = again(n);
                finding.len = range.len() as u32;
                if fragment {
                    finding.outcome = Outcome::Left;
                } else if let Some(to) = data.get_mut(at..at.saturating_add(range.len())) {
                    to.copy_from_slice(&with);
                }
                finding.places.push((n, at as u32, range.len() as u32));
                findings.push(finding);
            }
        }
        if old == data {
            return false;
        }
        sums::fix(link, row.wire_len, &old, data);
        self.changed = self.changed.saturating_add(1);
        true
    }

    /// Covers what says a secret in text that stands beside packets: comments, names, notes. The same length stays.
    pub fn beside(&mut self, text: &mut [u8]) {
        let mut hits = Vec::new();
        words::scan(text, &mut |hit| hits.push((hit.range, hit.with)));
        if let Some(sweep) = &self.sweep {
            sweep.each(text, &mut |range, with| hits.push((range, with)));
        }
        for (range, with) in hits {
            if let Some(to) = text.get_mut(range) {
                to.copy_from_slice(&with);
                self.in_blocks = self.in_blocks.saturating_add(1);
            }
        }
    }

    /// A block was left out because nobody here knows what is in it.
    pub fn left_out(&mut self) {
        self.blocks_left_out = self.blocks_left_out.saturating_add(1);
    }

    /// What was done, when all is written.
    #[must_use]
    pub fn report(self) -> Report {
        drop(self.recall);
        Report::new(self.findings, self.changed, self.not_sought, self.blocks_left_out, self.in_blocks)
    }
}

/// A finding of the sweep.
fn again(packet: u32) -> Finding {
    Finding { kind: gather::AGAIN_KIND, len: 0, packet, outcome: Outcome::Replaced, places: Vec::new() }
}

/// Reads a flow from its beginning to its end.
fn read_flow(
    m: &Material<'_>,
    flow: u32,
    mut gather: Gather<'_>,
    scratch: &mut Scratch,
    found: &mut Found,
    findings: &mut Vec<Finding>,
) {
    let Material { recall, snapshot, work } = *m;
    let Some(mut replay) = recall.begin_replay(snapshot, flow) else { return };
    let log = recall.log(flow);
    let keys = recall.keys.read().unwrap_or_else(PoisonError::into_inner);
    let cx = Context { table: recall.table, level: Level::Tree, secrets: &*keys };
    let mut last: Option<(u32, (bytes::Bytes, i64))> = None;
    while !work.is_cancelled() {
        if let Some(Entry::Data(run)) = replay.next_entry(&log) {
            last = recall.fetch(snapshot, run.number).map(|got| (run.number, got));
            if let Some((_, (bytes, _))) = &last {
                let from = run.offset as usize;
                gather.own(
                    run.number,
                    run.dir,
                    run.at,
                    bytes.get(from..from.saturating_add(run.len as usize)).unwrap_or_default(),
                );
            }
        }
        let mut fetch = |n: u32| match &last {
            Some((number, got)) if *number == n => Some(got.clone()),
            _ => recall.fetch(snapshot, n),
        };
        if replay.step(&log, cx, scratch, &mut fetch, &mut gather).is_break() {
            break;
        }
    }
    let flipped = replay.conversation().is_flipped();
    gather.close(flipped, found, findings);
}
