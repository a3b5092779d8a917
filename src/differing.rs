//! `wirelore diff`: two exchanges of HTTP beside each other, line by line: the request, its answer, headers in order, bodies decoded.

use crate::cli::{From, exit};
use crate::exchanges;
use crate::reading::{self, Failure};
use clap::Args;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use wirelore_export::difference::unified;
use wirelore_export::exchange::{Exchange, Said};

/// What differs between two exchanges.
#[derive(Debug, Args)]
pub struct Diff {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// The packet in which a message of the first ends: see `wirelore dump -m`.
    #[arg(value_name = "PACKET")]
    pub one: u32,
    /// The same of the second.
    #[arg(value_name = "PACKET")]
    pub other: u32,
    /// The second is in this capture.
    #[arg(long, value_name = "FILE")]
    pub with: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`exit::UNMET`] where they differ, and what else stopped it.
pub fn run(args: &Diff) -> Result<(), Failure> {
    let with = From { file: args.with.clone().unwrap_or_else(|| args.from.file.clone()), ..args.from.clone() };
    let (one, other) = (found(&args.from, args.one)?, found(&with, args.other)?);
    let mut out = String::new();
    for (what, a, b) in [("request", &one.request, &other.request), ("response", &one.response, &other.response)] {
        let text = unified(&written(a.as_ref()), &written(b.as_ref()));
        if !text.is_empty() {
            let name = |from: &From, packet: u32| format!("{what} of packet {packet} in {}", from.file.display());
            out.push_str(&format!("--- {}\n+++ {}\n{text}", name(&args.from, args.one), name(&with, args.other)));
        }
    }
    let failed = |e: std::io::Error| Failure { text: format!("Standard output takes no more: {e}."), code: exit::WRITE };
    std::io::stdout().write_all(out.as_bytes()).map_err(failed)?;
    if out.is_empty() { Ok(()) } else { Err(Failure { text: "They differ.".into(), code: exit::UNMET }) }
}

/// The exchange of which a message ends in that packet.
fn found(from: &From, packet: u32) -> Result<Exchange, Failure> {
    let mut session = reading::open(from, false)?;
    reading::finish(&mut session, false)?;
    let mut found = None;
    exchanges::each(&session, &mut |e| {
        if found.is_none() && e.frames.contains(&Some(packet)) {
            found = Some(e);
        }
        Ok(())
    })?;
    found.ok_or_else(|| Failure {
        text: format!(
            "No message of HTTP ends in packet {packet} of {}. `wirelore dump -m -r {0}` shows in which packets messages end.",
            from.file.display()
        ),
        code: exit::OPTION,
    })
}

/// A message as lines.
fn written(said: Option<&Said>) -> Vec<String> {
    let Some(said) = said else { return Vec::new() };
    let pair = |(name, value): &(Vec<u8>, Vec<u8>)| format!("{}: {}", name.escape_ascii(), String::from_utf8_lossy(value));
    let mut lines = vec![said.line.join(" ").trim_end().to_owned()];
    lines.extend(said.headers.iter().map(pair));
    lines.push(String::new());
    match std::str::from_utf8(&said.body.bytes) {
        Ok(text) if !text.contains('\0') => lines.extend(text.lines().map(str::to_owned)),
        _ => {
            let digest: String = Sha256::digest(&said.body.bytes).iter().map(|b| format!("{b:02x}")).collect();
            lines.push(format!("({} bytes, SHA-256 {digest})", said.body.bytes.len()));
        }
    }
    if said.body.left_out > 0 {
        lines.push(format!("({} bytes more, which are not kept)", said.body.left_out));
    }
    lines.extend(said.trailers.iter().map(pair));
    lines
}
