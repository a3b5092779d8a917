//! `--parquet`: rows of a capture as files in a folder that many captures share.

use super::Material;
use crate::asserting::Of;
use crate::cli::exit;
use crate::reading::Failure;
use crate::tabling;
use sha2::{Digest, Sha256};
use std::path::Path;
use wirelore_dissectors::TABLE;
use wirelore_export::rows::{self, Datum};
use wirelore_parquet::{Folder, Table, Told};

/// What files of a capture are called: its name, and a digest of when its packets came and how long they were, of the kind of rows and of the
/// filter. So captures of one name do not meet, and the same export takes the place of its own files.
#[must_use]
pub fn name(m: &Material<'_>, file: &Path, of: Of, filter: Option<&str>) -> String {
    let s = m.snapshot;
    let mut sum = Sha256::new();
    for row in (0..s.packets()).filter_map(|n| s.packet(n)) {
        sum.update(row.time.to_le_bytes());
        sum.update(row.wire_len.to_le_bytes());
    }
    sum.update([of as u8]);
    sum.update(filter.unwrap_or_default());
    let digest: String = sum.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect();
    let stem = file.file_name().map(|n| n.to_string_lossy().into_owned()).filter(|n| n != "-");
    let stem = stem.as_deref().and_then(|n| n.split('.').find(|p| !p.is_empty())).unwrap_or("capture");
    format!("{stem}-{digest}")
}

/// Writes the chosen rows (rising), or all, below a folder, by day (UTC) and protocol.
///
/// # Errors
/// The bytes are gone, it was cancelled, or files cannot be written.
pub fn write(m: &Material<'_>, of: Of, chosen: Option<&[u32]>, folder: &Path, name: &str) -> Result<Told, Failure> {
    let failed = |e: std::io::Error| Failure {
        text: format!(
            "Parquet files below {} cannot be written: {e}. Choose a folder that you may write to, with room.",
            folder.display()
        ),
        code: exit::WRITE,
    };
    let columns = tabling::columns(of);
    let mut files = Folder::new(folder, name);
    tabling::each(m, of, chosen, &mut |_, row| {
        let time = ["time", "first_time", "answer_time"].iter().find_map(|name| match row.value(columns, name) {
            Some(Datum::Time(ns)) => Some(*ns),
            _ => None,
        });
        let protocol = match row.value(columns, "protocol") {
            Some(Datum::Text(protocol)) => Some(protocol.as_str()),
            _ => None,
        };
        files.take(time, protocol, row, &mut || Table::new(columns, "protocol", fields(of, protocol))).map_err(failed)
    })?;
    files.finish().map_err(failed)
}

/// The key fields of a protocol, where rows have such.
fn fields(of: Of, protocol: Option<&str>) -> Vec<(wirelore_kit::F, rows::Holds)> {
    let spec = TABLE.iter().find(|s| Some(s.name) == protocol).filter(|_| of == Of::Messages);
    let keys = spec.into_iter().flat_map(|s| s.fields.iter().copied()).filter(|f| f.flags.has(wirelore_kit::field::Flags::KEY));
    keys.map(|f| (f, rows::holds(f))).collect()
}
