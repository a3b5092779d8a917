//! `wirelore export --jsonl` and `--csv`: rows of a session as records, one a line.

use crate::asserting::Of;
use crate::cli::Export;
use crate::filtered;
use crate::reading::Failure;
use crate::session::Session;
use std::io::{BufWriter, Write};
use wirelore_export::rows::{self, Record};
use wirelore_kit::{Cancel, TreeSource};
use wirelore_store::{Snapshot, Work};

/// Packets whose lines are read at once.
const BLOCK: u32 = 512;

/// Prints the rows that were asked for to standard output.
///
/// # Errors
/// The filter is none, the bytes are gone, or nobody takes the output.
pub fn print(session: &Session, args: &Export) -> Result<(), Failure> {
    let snapshot = session.store.snapshot();
    let chosen = match &args.filter {
        Some(filter) => Some(filtered::rows(session, filter, args.of.rows(), &Work::new())?),
        None => None,
    };
    let columns = columns(args.of);
    let mut out = BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    let write = |e: std::io::Error| Failure::write(&e);
    if args.csv {
        writeln!(out, "{}", rows::csv(columns.iter().map(|c| (*c).to_owned()))).map_err(write)?;
    }
    each(session, &snapshot, args.of, chosen.as_deref(), &mut |record| {
        let line = if args.csv { rows::csv_record(columns, record) } else { serde_json::to_string(record).unwrap_or_default() };
        writeln!(out, "{line}").map_err(write)
    })?;
    out.flush().map_err(write)
}

const fn columns(of: Of) -> &'static [&'static str] {
    match of {
        Of::Packets => rows::PACKETS,
        Of::Messages => rows::MESSAGES,
        Of::Exchanges => rows::EXCHANGES,
        Of::Connections => rows::CONNECTIONS,
    }
}

/// The records of the chosen rows (rising), or of all.
fn each(
    session: &Session,
    s: &Snapshot,
    of: Of,
    chosen: Option<&[u32]>,
    take: &mut dyn FnMut(&Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if of == Of::Packets {
        return packets(session, s, chosen, take);
    }
    let make = match of {
        Of::Messages | Of::Packets => rows::message,
        Of::Exchanges => rows::exchange,
        Of::Connections => rows::connection,
    };
    let all = match of {
        Of::Messages | Of::Packets => s.messages(),
        Of::Exchanges => s.exchanges(),
        Of::Connections => s.flows(),
    };
    let mut one = |id: u32| make(s, id).map_or(Ok(()), |record| take(&record));
    match chosen {
        Some(chosen) => chosen.iter().try_for_each(|id| one(*id)),
        None => (0..all).try_for_each(one),
    }
}

/// Packets are read again for what lists show of them, block by block.
fn packets(
    session: &Session,
    s: &Snapshot,
    chosen: Option<&[u32]>,
    take: &mut dyn FnMut(&Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let cancel = Cancel::new();
    let mut from = 0;
    while from < s.packets() {
        let to = from.saturating_add(BLOCK).min(s.packets());
        let wanted: Vec<u32> = match chosen {
            None => (from..to).collect(),
            Some(chosen) => {
                let at = |n: u32| chosen.partition_point(|c| *c < n);
                chosen.get(at(from)..at(to)).unwrap_or(&[]).to_vec()
            }
        };
        if let (Some(first), Some(last)) = (wanted.first(), wanted.last()) {
            let lines = session.recall.lines(*first..last.saturating_add(1), &cancel)?;
            for n in wanted.iter().copied() {
                let line = lines.get(n.saturating_sub(*first) as usize).cloned().unwrap_or_default();
                if let Some(record) = rows::packet(s, n, &line) {
                    take(&record)?;
                }
            }
        }
        from = to;
    }
    Ok(())
}
