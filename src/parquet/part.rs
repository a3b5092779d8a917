//! One file: rows wait as columns, and become row groups.

use crate::table::{From, Leaf, Table};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use serde_json::{Map, Value};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tempfile::{NamedTempFile, TempPath};
use wirelore_export::rows::{Datum, Row};
use wirelore_kit::F;

/// The values of a column that wait; `None` where a row has none.
struct Waiting {
    leaf: Leaf,
    values: Vec<Datum>,
}

/// A file that is being written.
pub(crate) struct Part {
    writer: SerializedFileWriter<File>,
    file: NamedTempFile,
    columns: Vec<Waiting>,
    rows: usize,
    weight: usize,
}

impl Part {
    /// A file without a name yet in a folder, which is made if it is not there.
    pub(crate) fn begin(folder: &Path, table: Table) -> io::Result<Part> {
        std::fs::create_dir_all(folder)?;
        let file = tempfile::Builder::new().prefix(".wirelore-").suffix(".tmp").tempfile_in(folder)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("wirelore ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer =
            SerializedFileWriter::new(file.reopen()?, table.schema()?, Arc::new(properties)).map_err(io::Error::other)?;
        let columns = table.leaves.into_iter().map(|leaf| Waiting { leaf, values: Vec::new() }).collect();
        Ok(Part { writer, file, columns, rows: 0, weight: 0 })
    }

    /// Rows that wait.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that they take up, about.
    pub(crate) const fn weight(&self) -> usize {
        self.weight
    }

    pub(crate) fn take(&mut self, row: &Row, capture: &str) {
        let fields = row.fields.as_deref().unwrap_or(&[]);
        let mut shown = vec![false; fields.len()];
        for column in &mut self.columns {
            let datum = match &column.leaf.from {
                From::Capture => Datum::Text(capture.to_owned()),
                From::Own(at) => row.values.get(*at).cloned().unwrap_or_default(),
                From::Nanoseconds(at) => match row.values.get(*at) {
                    Some(Datum::Time(ns)) => Datum::Signed(*ns),
                    _ => Datum::None,
                },
                From::Field(name) => match once(fields, name) {
                    Some((at, value)) if fits(&column.leaf, value) => {
                        if let Some(shown) = shown.get_mut(at) {
                            *shown = true;
                        }
                        value.clone()
                    }
                    _ => Datum::None,
                },
                From::More => more(fields, &shown).map_or(Datum::None, Datum::Text),
            };
            let len = if let Datum::Text(text) = &datum { text.len() } else { 0 };
            self.weight = self.weight.saturating_add(size_of::<Datum>()).saturating_add(len);
            column.values.push(datum);
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// Writes the rows that wait as a row group.
    pub(crate) fn group(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(io::Error::other)?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column().map_err(io::Error::other)? else { break };
            write(&mut writer, column)?;
            writer.close().map_err(io::Error::other)?;
            column.values.clear();
        }
        group.close().map_err(io::Error::other)?;
        (self.rows, self.weight) = (0, 0);
        Ok(())
    }

    /// Writes all that waits and the end of the file; it is gone unless it gets a name.
    pub(crate) fn end(mut self) -> io::Result<TempPath> {
        self.group()?;
        self.writer.finish().map_err(io::Error::other)?;
        Ok(self.file.into_temp_path())
    }
}

/// The field of that name, with its place, if it comes once.
fn once<'f>(fields: &'f [(F, Datum)], name: &str) -> Option<(usize, &'f Datum)> {
    let mut all = fields.iter().enumerate().filter(|(_, (f, _))| f.name == name);
    let (at, (_, value)) = all.next()?;
    all.next().is_none().then_some((at, value))
}

/// Whether a column has room for a value.
fn fits(leaf: &Leaf, value: &Datum) -> bool {
    use wirelore_export::rows::Holds;
    match (leaf.holds, value) {
        (Holds::Text, Datum::Text(_)) | (Holds::Real, Datum::Real(_)) | (Holds::Flag, Datum::Flag(_)) => true,
        (Holds::Count | Holds::Signed, Datum::Signed(_)) | (Holds::Time, Datum::Time(_) | Datum::Signed(_)) => true,
        (Holds::Count | Holds::Signed, Datum::Count(n)) => i64::try_from(*n).is_ok(),
        _ => false,
    }
}

/// What no column shows: an object of JSON by name, lists where a field comes several times.
fn more(fields: &[(F, Datum)], shown: &[bool]) -> Option<String> {
    let mut all: Map<String, Value> = Map::new();
    for ((f, value), _) in fields.iter().zip(shown).filter(|(_, shown)| !**shown) {
        match all.get_mut(f.name) {
            None => _ = all.insert(f.name.to_owned(), value.json()),
            Some(Value::Array(list)) => list.push(value.json()),
            Some(one) => *one = Value::Array(vec![one.take(), value.json()]),
        }
    }
    (!all.is_empty()).then(|| Value::Object(all).to_string())
}

/// Writes a column's values with the levels that say which rows have one.
fn write(writer: &mut SerializedColumnWriter<'_>, column: &Waiting) -> io::Result<()> {
    use wirelore_export::rows::Holds;
    let number = |d: &Datum| match d {
        Datum::Count(n) => i64::try_from(*n).ok(),
        Datum::Signed(n) => Some(*n),
        _ => None,
    };
    let went = match column.leaf.holds {
        Holds::Text => {
            let text = |d: &Datum| if let Datum::Text(t) = d { Some(ByteArray::from(t.as_str())) } else { None };
            let (values, levels) = split(&column.values, text);
            writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)
        }
        Holds::Count | Holds::Signed => {
            let (values, levels) = split(&column.values, number);
            writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)
        }
        Holds::Time => {
            let micros = |d: &Datum| match d {
                Datum::Time(ns) | Datum::Signed(ns) => Some(ns.div_euclid(1000)),
                _ => None,
            };
            let (values, levels) = split(&column.values, micros);
            writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)
        }
        Holds::Real => {
            let (values, levels) = split(&column.values, |d| if let Datum::Real(n) = d { Some(*n) } else { None });
            writer.typed::<DoubleType>().write_batch(&values, Some(&levels), None)
        }
        Holds::Flag => {
            let (values, levels) = split(&column.values, |d| if let Datum::Flag(yes) = d { Some(*yes) } else { None });
            writer.typed::<BoolType>().write_batch(&values, Some(&levels), None)
        }
    };
    went.map(|_| ()).map_err(io::Error::other)
}

/// The values that are there, and for each row whether it has one.
fn split<T>(values: &[Datum], take: impl Fn(&Datum) -> Option<T>) -> (Vec<T>, Vec<i16>) {
    let (mut there, mut levels) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    for value in values {
        let value = take(value);
        levels.push(i16::from(value.is_some()));
        there.extend(value);
    }
    (there, levels)
}
