//! What redaction says of its work: a table for people, JSON for programs; never what a secret said.

use super::{Finding, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What was replaced and what was not.
pub struct Report {
    findings: Vec<Finding>,
    changed: u64,
    not_sought: u64,
    blocks_left_out: u64,
    in_blocks: u64,
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Replaced => "replaced",
        Outcome::Blanked => "blanked",
        Outcome::Sealed => "encrypted",
        Outcome::Left => "LEFT",
    }
}

/// One line of the table.
#[derive(Default)]
struct Line {
    count: u64,
    bytes: u64,
    frames: Vec<u32>,
}

impl Line {
    /// Numbers of the first packets, from 1.
    fn packets(&self) -> String {
        let numbers = self.frames.iter().filter(|f| **f != u32::MAX).take(8);
        let shown: Vec<String> = numbers.map(|f| u64::from(*f).saturating_add(1).to_string()).collect();
        let more = if self.frames.len() > 8 { ", …" } else { "" };
        format!("{}{more}", shown.join(", "))
    }
}

impl Report {
    pub(super) fn new(mut findings: Vec<Finding>, changed: u64, not_sought: u64, blocks_left_out: u64, in_blocks: u64) -> Report {
        // Secrets of packets that were not chosen are nowhere in the output.
        findings.retain(|f| f.outcome != Outcome::Replaced || !f.places.is_empty());
        findings.retain(|f| f.kind != "coded body" || !f.places.is_empty());
        findings.sort_by_key(|f| (first(f), f.kind));
        Report { findings, changed, not_sought, blocks_left_out, in_blocks }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.findings.iter().filter(|f| f.outcome == outcome).count()
    }

    /// Secrets that are still there in the clear.
    #[must_use]
    pub fn left(&self) -> usize {
        self.count(Outcome::Left)
    }

    /// Findings of one kind and outcome together.
    fn by_kind(&self) -> BTreeMap<(Outcome, &'static str), Line> {
        let mut lines: BTreeMap<(Outcome, &'static str), Line> = BTreeMap::new();
        for f in &self.findings {
            let line = lines.entry((f.outcome, f.kind)).or_default();
            line.count = line.count.saturating_add(1);
            line.bytes = line.bytes.saturating_add(f.len.into());
            let frame = first(f);
            if line.frames.last() != Some(&frame) {
                line.frames.push(frame);
            }
        }
        lines
    }

    /// The table. Packets have the numbers of the input.
    #[must_use]
    pub fn table(&self) -> String {
        let lines = self.by_kind();
        let mut out = String::new();
        let wide = lines.keys().map(|k| k.1.len()).max().unwrap_or(0).max(6);
        let mut put = |a: &str, b: &str, c: &str, d: &str, e: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{a:<wide$}  {b:<9}  {c:>6}  {d:>8}  {e}");
        };
        if !lines.is_empty() {
            put("secret", "", "count", "bytes", "in packets");
        }
        for ((outcome, kind), line) in &lines {
            put(kind, word(*outcome), &line.count.to_string(), &line.bytes.to_string(), &line.packets());
        }
        for line in self.sentences().into_iter().chain(self.warning()) {
            let _ = writeln!(out, "{line}");
        }
        out
    }

    /// What the table says, as it is read without columns.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut said = self.sentences();
        said.extend(self.by_kind().iter().map(|((outcome, kind), line)| {
            let packets = line.packets();
            let of = if packets.is_empty() { String::new() } else { format!(", packets {packets}") };
            format!("{kind}: {} {}{of}", line.count, word(*outcome))
        }));
        said
    }

    /// What to do about secrets that are still there.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let left = self.left();
        (left > 0)
            .then(|| format!("{left} secrets are STILL THERE, marked LEFT: leave these packets out, or do not share the file"))
    }

    fn sentences(&self) -> Vec<String> {
        let mut said =
            vec![format!("{} secrets replaced in {} packets, checksums corrected", self.count(Outcome::Replaced), self.changed)];
        if self.count(Outcome::Blanked) > 0 {
            said.push("Coded bodies with secrets in them were blanked whole: no text of the same length can take a secret's place there".into());
        }
        if self.count(Outcome::Sealed) > 0 {
            said.push(format!(
                "{} secrets are encrypted in the packets and stay so: no keys were written",
                self.count(Outcome::Sealed)
            ));
        }
        if self.in_blocks > 0 {
            said.push(format!("{} secrets covered in comments, names and notes", self.in_blocks));
        }
        if self.blocks_left_out > 0 {
            said.push(format!("{} blocks whose content is not known here were left out", self.blocks_left_out));
        }
        if self.not_sought > 0 {
            said.push(format!(
                "{} values are too short or too common to be looked for elsewhere; they were replaced where they were found",
                self.not_sought
            ));
        }
        said
    }

    /// All of it, for programs.
    #[must_use]
    pub fn json(&self, input: &str, output: &str) -> Value {
        let number = |n: u32| u64::from(n).saturating_add(1);
        let finding = |f: &Finding| {
            let places: Vec<Value> =
                f.places.iter().map(|(n, at, len)| json!({ "frame": number(*n), "offset": at, "length": len })).collect();
            let frame = Some(first(f)).filter(|n| *n != u32::MAX).map(number);
            json!({ "secret": f.kind, "outcome": word(f.outcome).to_lowercase(), "length": f.len, "frame": frame, "places": places })
        };
        json!({
            "program": concat!("wirelore ", env!("CARGO_PKG_VERSION")),
            "input": input,
            "output": output,
            "replaced": self.count(Outcome::Replaced),
            "blanked": self.count(Outcome::Blanked),
            "encrypted": self.count(Outcome::Sealed),
            "left": self.left(),
            "packets_changed": self.changed,
            "covered_in_comments": self.in_blocks,
            "blocks_left_out": self.blocks_left_out,
            "values_not_sought": self.not_sought,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}

/// The first packet of a finding.
fn first(f: &Finding) -> u32 {
    f.places.iter().map(|p| p.0).min().unwrap_or(f.packet)
}
