//! A part of a capture that is open: the same as `wirelore convert`, with packets that are known already.

use super::chosen::{self, Chosen};
use super::keys::{Keep, Keys};
use super::{Told, Which, write};
use crate::dump::args::Format;
use crate::reading::Failure;
use crate::redact::{Redaction, Report};
use crate::session::Session;
use std::path::Path;
use wirelore_capture::Source;
use wirelore_store::Work;

/// What is written.
pub(crate) struct Part {
    /// Packets, rising; `None` for all.
    pub(crate) packets: Option<Vec<u32>>,
    /// Which secrets go with them.
    pub(crate) which: Which,
    /// A key log beside the capture, whose lines go into it.
    pub(crate) keylog: Option<Vec<u8>>,
    /// As a classic pcap.
    pub(crate) pcap: bool,
    /// Secrets inside packets are replaced; no keys go with them.
    pub(crate) redact: bool,
}

/// What became of it, in sentences.
#[derive(Default)]
pub(crate) struct Became {
    /// How much was written.
    pub(crate) words: String,
    /// What else is to be known.
    pub(crate) report: Vec<String>,
    /// What makes it other than was wanted.
    pub(crate) warning: Option<String>,
}

/// Writes it, packed as the name says; `source` is the capture from its beginning. `None` when the work was cancelled, and then nothing is
/// there.
///
/// # Errors
/// The bytes are gone, or cannot be written.
pub(crate) fn part(session: &Session, source: Source, part: Part, to: &Path, work: &Work) -> Result<Option<Became>, Failure> {
    let packets = session.store.snapshot().packets();
    work.expect(u64::from(packets));
    let mut chosen = Chosen { filtered: part.packets, frames: None };
    let mut redaction = None;
    if part.redact {
        let Some(plan) = Redaction::plan(session, &[], work) else { return Ok(None) };
        // Of a capture that grows, only packets go out whose secrets were looked for.
        let known = plan.packets();
        match &mut chosen.filtered {
            Some(packets) => packets.retain(|n| *n < known),
            all => *all = Some((0..known).collect()),
        }
        redaction = Some(plan);
    }
    let keep = match part.which {
        _ if part.redact => Keep::None,
        Which::All => Keep::All,
        Which::None => Keep::None,
        Which::Needed if chosen.slices() => Keep::Of(chosen::randoms(session, &chosen)?),
        Which::Needed => Keep::All,
    };
    let inject = part.keylog.filter(|_| !part.pcap && !part.redact);
    let mut keys = Keys { keep, inject, extract: None, other_left_out: 0, lines: 0, written: false };
    let format = if part.pcap { None } else { Some(Format::Pcapng) };
    let watch = |packets: usize| {
        work.did(packets as u64);
        !work.is_cancelled()
    };
    match write(source, to, format, &chosen, &mut keys, redaction.as_mut(), &watch) {
        _ if work.is_cancelled() => Ok(None),
        Ok((told, pcapng)) => Ok(Some(became(pcapng, &told, &keys, redaction.map(Redaction::report)))),
        Err(f) => Err(f),
    }
}

fn became(pcapng: bool, told: &Told, keys: &Keys, redacted: Option<Report>) -> Became {
    let mut report = redacted.as_ref().map(Report::lines).unwrap_or_default();
    if keys.lines > 0 {
        report.push(format!("{} lines of TLS keys are in it: whoever has the file can decrypt it.", keys.lines));
    }
    if told.lost > 0 && !pcapng {
        report.push(format!("A pcap has no room for {} comments, names, counters and blocks of keys.", told.lost));
    }
    if told.fixed > 0 {
        report.push(format!("{} custom blocks that must not be in a changed capture were left out.", told.fixed));
    }
    if keys.other_left_out > 0 {
        report.push(format!("{} blocks of keys that are not TLS were left out.", keys.other_left_out));
    }
    let warning = redacted.and_then(|r| r.warning());
    Became { words: format!("Wrote {} of {} packets", told.kept, told.packets), report, warning }
}
