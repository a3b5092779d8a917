//! The columns of a file: those that rows have, those of a protocol's key fields, and what has no column.

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::Type;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use wirelore_export::rows::{Column, Holds};
use wirelore_kit::F;

/// Where a column's values come from.
#[derive(Debug, Clone)]
pub(crate) enum From {
    /// The name of the capture.
    Capture,
    /// A value of the row, by its index.
    Own(usize),
    /// A time of the row in nanoseconds since 1970, by its index.
    Nanoseconds(usize),
    /// The key field of that name, where it comes once.
    Field(&'static str),
    /// As JSON what else there is: fields that come several times, or have no column.
    More,
}

/// A column of a file.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) name: String,
    pub(crate) holds: Holds,
    pub(crate) from: From,
}

/// The columns of a file. They depend on the kind of rows and the protocol alone, so that all files of a partition have the same.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) leaves: Vec<Leaf>,
}

impl Table {
    /// The columns of the rows but for `partition`, which the folder says; and those of key fields, if the rows have such.
    #[must_use]
    pub fn new(columns: &[Column], partition: &str, fields: Vec<(F, Holds)>) -> Table {
        let leaf = |name: &str, holds, from| Leaf { name: name.to_owned(), holds, from };
        let mut leaves = vec![leaf("capture", Holds::Text, From::Capture)];
        for (at, c) in columns.iter().enumerate().filter(|(_, c)| c.name != partition) {
            leaves.push(leaf(c.name, c.holds, From::Own(at)));
            if c.holds == Holds::Time {
                leaves.push(leaf(&format!("{}_ns", c.name), Holds::Signed, From::Nanoseconds(at)));
            }
        }
        // Engines do not tell names apart by their case.
        let mut taken: HashSet<String> = leaves.iter().map(|l| l.name.to_ascii_lowercase()).collect();
        let any = !fields.is_empty();
        for (f, holds) in fields {
            if taken.insert(f.name.to_ascii_lowercase()) {
                leaves.push(leaf(f.name, holds, From::Field(f.name)));
            }
        }
        if any {
            leaves.push(leaf("more", Holds::Text, From::More));
        }
        Table { leaves }
    }

    pub(crate) fn schema(&self) -> io::Result<Arc<Type>> {
        let one = |leaf: &Leaf| {
            let (physical, logical) = match leaf.holds {
                Holds::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                Holds::Count | Holds::Signed => (Physical::INT64, None),
                Holds::Real => (Physical::DOUBLE, None),
                Holds::Flag => (Physical::BOOLEAN, None),
                Holds::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            };
            let builder = Type::primitive_type_builder(&leaf.name, physical).with_repetition(Repetition::OPTIONAL);
            builder.with_logical_type(logical).build().map(Arc::new)
        };
        let leaves = self.leaves.iter().map(one).collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
        Type::group_type_builder("rows").with_fields(leaves).build().map(Arc::new).map_err(io::Error::other)
    }
}
