//! Rows of captures as Parquet files: partitioned by day and protocol as Hive does, so that engines for tables (DuckDB, Spark, Trino) read
//! the captures of a fleet as one table and open only the files that a question concerns.
//!
//! Rows wait in memory until there are enough of them for a row group; files have temporary names until all are whole.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod part;
mod table;

use part::Part;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
pub use table::Table;
use tempfile::TempPath;
use wirelore_export::rows::Row;
use wirelore_export::time::iso_nanos;

/// What stands for no value in the name of a folder, as Hive writes it.
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";
/// Bytes that rows of all partitions may take up while they wait.
const MOST_WAITING: usize = 64 << 20;
/// Rows of a row group at most.
const MOST_ROWS: usize = 64 << 10;
/// Partitions that are open at a time: a capture may have any times, and files are few.
const MOST_OPEN: usize = 48;

/// Where a row belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    day: String,
    protocol: String,
}

impl Place {
    fn folder(&self, root: &Path) -> PathBuf {
        root.join(format!("day={}", self.day)).join(format!("protocol={}", self.protocol))
    }
}

/// Files of one capture below a folder.
pub struct Folder {
    root: PathBuf,
    capture: String,
    open: HashMap<Place, Part>,
    /// Parts of a partition so far.
    parts: HashMap<Place, u32>,
    /// What is whole, and the name that it gets.
    whole: Vec<(TempPath, PathBuf)>,
    waiting: usize,
    rows: u64,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Rows in them.
    pub rows: u64,
    /// The files.
    pub files: Vec<PathBuf>,
}

impl Folder {
    /// Below `root`, which is made when there are rows; `capture` begins the names of files, and stands in the column of that name.
    #[must_use]
    pub fn new(root: &Path, capture: &str) -> Folder {
        Folder {
            root: root.to_path_buf(),
            capture: capture.to_owned(),
            open: HashMap::new(),
            parts: HashMap::new(),
            whole: Vec::new(),
            waiting: 0,
            rows: 0,
        }
    }

    /// Takes a row of a time (nanoseconds since 1970-01-01 UTC) and a protocol; `table` makes the columns of the rows of that protocol.
    ///
    /// # Errors
    /// A folder or file cannot be made or written.
    pub fn take(
        &mut self,
        time: Option<i64>,
        protocol: Option<&str>,
        row: &Row,
        table: &mut dyn FnMut() -> Table,
    ) -> io::Result<()> {
        let day = time.map_or_else(|| NONE.to_owned(), |ns| iso_nanos(ns).chars().take(10).collect());
        let protocol = protocol.map_or_else(|| NONE.to_owned(), escaped);
        let place = Place { day, protocol };
        if !self.open.contains_key(&place) {
            if self.open.len() >= MOST_OPEN {
                self.close_one()?;
            }
            let part = Part::begin(&place.folder(&self.root), table())?;
            self.open.insert(place.clone(), part);
        }
        let Some(part) = self.open.get_mut(&place) else { return Ok(()) };
        let before = part.weight();
        part.take(row, &self.capture);
        self.waiting = self.waiting.saturating_add(part.weight().saturating_sub(before));
        self.rows = self.rows.saturating_add(1);
        if part.rows() >= MOST_ROWS {
            self.waiting = self.waiting.saturating_sub(part.weight());
            part.group()?;
        }
        if self.waiting > MOST_WAITING
            && let Some(heaviest) = self.open.values_mut().max_by_key(|p| p.weight())
        {
            self.waiting = self.waiting.saturating_sub(heaviest.weight());
            heaviest.group()?;
        }
        Ok(())
    }

    /// Ends the partition with the fewest rows waiting: a later row of it begins another part.
    fn close_one(&mut self) -> io::Result<()> {
        let lightest = self.open.iter().min_by_key(|(_, p)| p.rows()).map(|(place, _)| place.clone());
        lightest.map_or(Ok(()), |place| self.close(&place))
    }

    fn close(&mut self, place: &Place) -> io::Result<()> {
        let Some(part) = self.open.remove(place) else { return Ok(()) };
        self.waiting = self.waiting.saturating_sub(part.weight());
        let number = self.parts.entry(place.clone()).or_insert(0);
        let name = format!("{}-part-{number}.parquet", escaped(&self.capture));
        *number = number.saturating_add(1);
        self.whole.push((part.end()?, place.folder(&self.root).join(name)));
        Ok(())
    }

    /// Ends all files and gives them their names, over those of an earlier export of the same.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn finish(mut self) -> io::Result<Told> {
        let places: Vec<Place> = self.open.keys().cloned().collect();
        places.iter().try_for_each(|p| self.close(p))?;
        let mut told = Told { rows: self.rows, files: Vec::new() };
        for (file, name) in self.whole {
            file.persist(&name).map_err(|e| e.error)?;
            told.files.push(name);
        }
        told.files.sort();
        Ok(told)
    }
}

/// A value as a folder's name: other characters than letters, digits, points, hyphens and underscores as percent signs and hexadecimal digits.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    for b in value.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    if out.is_empty() { NONE.into() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_export::rows::{CONNECTIONS, Datum};

    fn row(n: u64) -> Row {
        let mut values = vec![Datum::None; CONNECTIONS.len()];
        values[0] = Datum::Count(n);
        Row { values, fields: None }
    }

    #[test]
    fn values_become_names_that_no_system_takes_for_a_path() {
        for (value, name) in [("http2.stream", "http2.stream"), ("HTTP/JSON", "HTTP%2FJSON"), ("a b=c", "a%20b%3Dc"), ("", NONE)]
        {
            assert_eq!(escaped(value), name);
        }
    }

    #[test]
    fn any_number_of_days_keeps_few_files_open_and_loses_no_row() {
        let root = tempfile::tempdir().expect("a folder");
        let mut folder = Folder::new(root.path(), "wide");
        let day = 86_400_000_000_000i64;
        for round in 0..2 {
            for n in 0..100i64 {
                let time = n.wrapping_mul(day);
                folder
                    .take(Some(time), Some("dns"), &row(n as u64 + round), &mut || {
                        Table::new(CONNECTIONS, "protocol", Vec::new())
                    })
                    .expect("room");
                assert!(folder.open.len() <= MOST_OPEN);
            }
        }
        let told = folder.finish().expect("room");
        assert_eq!(told.rows, 200);
        assert!(told.files.iter().all(|f| f.exists()) && told.files.len() > 100, "{} files", told.files.len());
    }

    #[test]
    fn an_export_that_is_broken_off_leaves_no_file() {
        let root = tempfile::tempdir().expect("a folder");
        let mut folder = Folder::new(root.path(), "cut");
        folder.take(Some(0), None, &row(1), &mut || Table::new(CONNECTIONS, "protocol", Vec::new())).expect("room");
        drop(folder);
        let place = root.path().join("day=1970-01-01").join(format!("protocol={NONE}"));
        assert_eq!(std::fs::read_dir(place).expect("the folder").count(), 0);
    }
}
