//! Rows of a capture as tables: `wirelore export --jsonl`, `--json` and `--csv`, and what other forms make of the same rows.

use crate::asserting::Of;
use crate::exporting::Material;
use crate::exporting::columns::Columns;
use crate::reading::Failure;
use serde_json::Value;
use std::io::Write;
use wirelore_export::rows::{self, Column, Row};
use wirelore_kit::TreeSource;

/// Packets whose lines are read at once.
const BLOCK: u32 = 512;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values (RFC 4180), names of columns first.
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// The same objects as an array.
    Json,
}

/// Writes the chosen rows (rising), or all; says how many there were.
///
/// # Errors
/// The bytes are gone, it was cancelled, or nobody takes the output.
pub fn write(
    m: &Material<'_>,
    of: Of,
    form: Form,
    columns: &Columns,
    chosen: Option<&[u32]>,
    out: &mut dyn Write,
) -> Result<u64, Failure> {
    let failed = |e: std::io::Error| Failure::write(&e);
    let own = self::columns(of);
    let mut count = 0u64;
    if form == Form::Csv {
        let names = if columns.is_empty() { own.iter().map(|c| c.name.to_owned()).collect() } else { columns.names() };
        writeln!(out, "{}", rows::csv(names)).map_err(failed)?;
    }
    let mut line = |text: &str| {
        let before = match (form, count) {
            (Form::Json, 0) => "[\n",
            (Form::Json, _) => ",\n",
            _ => "",
        };
        let after = if form == Form::Json { "" } else { "\n" };
        count = count.saturating_add(1);
        write!(out, "{before}{text}{after}").map_err(failed)
    };
    let object = |record: Value| serde_json::to_string(&record).unwrap_or_default();
    if columns.is_empty() {
        each(m, of, chosen, &mut |_, row| {
            line(&match form {
                Form::Csv => rows::csv(row.values.iter().map(rows::csv_value)),
                _ => object(row.record(own).into()),
            })
        })?;
    } else {
        columns.each(m, of, chosen, &mut |values| {
            line(&match form {
                Form::Csv => rows::csv(values.iter().map(|v| v.csv())),
                _ => object(columns.record(values).into()),
            })
        })?;
    }
    if form == Form::Json {
        out.write_all(if count == 0 { b"[]\n" } else { b"\n]\n" }).map_err(failed)?;
    }
    Ok(count)
}

/// The columns of a kind of rows.
#[must_use]
pub const fn columns(of: Of) -> &'static [Column] {
    match of {
        Of::Packets => rows::PACKETS,
        Of::Messages => rows::MESSAGES,
        Of::Exchanges => rows::EXCHANGES,
        Of::Connections => rows::CONNECTIONS,
    }
}

/// Hands on the chosen rows (rising), or all, each with its number.
///
/// # Errors
/// The bytes are gone, it was cancelled, or what `take` says.
pub fn each(
    m: &Material<'_>,
    of: Of,
    chosen: Option<&[u32]>,
    take: &mut dyn FnMut(u32, &Row) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let s = m.snapshot;
    let make = match of {
        Of::Packets => return packets(m, chosen, take),
        Of::Messages => rows::message,
        Of::Exchanges => rows::exchange,
        Of::Connections => rows::connection,
    };
    let all = crate::exporting::count(s, of);
    m.work.expect(chosen.map_or(u64::from(all), |c| c.len() as u64));
    let mut one = |id: u32| {
        m.work.did(1);
        if m.work.is_cancelled() {
            return Err(Failure::from(crate::recall::cancelled()));
        }
        make(s, id).map_or(Ok(()), |row| take(id, &row))
    };
    match chosen {
        Some(chosen) => chosen.iter().try_for_each(|id| one(*id)),
        None => (0..all).try_for_each(one),
    }
}

/// Packets are read again for what lists show of them, block by block.
fn packets(
    m: &Material<'_>,
    chosen: Option<&[u32]>,
    take: &mut dyn FnMut(u32, &Row) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let s = m.snapshot;
    m.work.expect(u64::from(s.packets()));
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
            let lines = m.recall.lines(*first..last.saturating_add(1), m.work.cancel())?;
            for n in wanted.iter().copied() {
                let line = lines.get(n.saturating_sub(*first) as usize).cloned().unwrap_or_default();
                if let Some(row) = rows::packet(s, n, &line) {
                    take(n, &row)?;
                }
            }
        }
        m.work.did(u64::from(to.saturating_sub(from)));
        from = to;
    }
    Ok(())
}
