//! What the rows' numbers mean: protocols and KEY columns by number.

use hashbrown::HashMap;
use std::sync::Arc;
use wirelore_kit::F;

/// The protocols and columns that rows will speak of, as given at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Short name ("http") and label ("HTTP") of each protocol; rows refer to them by index.
    pub protocols: Vec<(&'static str, &'static str)>,
    /// The KEY fields, each a column of message rows. Fields that are not listed get a column when first seen.
    pub key_fields: Vec<F>,
}

impl Schema {
    /// Short name of a protocol, or "" if there is none of that number.
    #[must_use]
    pub fn protocol_name(&self, protocol: u16) -> &'static str {
        self.protocols.get(usize::from(protocol)).map_or("", |p| p.0)
    }

    /// Label of a protocol, or "" if there is none of that number.
    #[must_use]
    pub fn protocol_label(&self, protocol: u16) -> &'static str {
        self.protocols.get(usize::from(protocol)).map_or("", |p| p.1)
    }

    /// Number of the protocol of that short name.
    #[must_use]
    pub fn protocol(&self, name: &str) -> Option<u16> {
        self.protocols.iter().position(|p| p.0 == name).and_then(|i| u16::try_from(i).ok())
    }
}

/// A cell's tag holds its column in 13 bits.
pub(crate) const MOST_COLUMNS: usize = 1 << 13;

/// Columns by field and by number; shared by snapshots, copied when a field is met that was not in the schema.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    fields: Vec<F>,
    // By address: two definitions are the same column only if they are one static.
    numbers: HashMap<usize, u16>,
}

impl Columns {
    pub fn new(fields: &[F]) -> Columns {
        let mut columns = Columns::default();
        for f in fields {
            columns.add(f);
        }
        columns
    }

    #[inline]
    pub fn number(&self, field: F) -> Option<u16> {
        self.numbers.get(&std::ptr::from_ref(field).addr()).copied()
    }

    pub fn field(&self, number: u16) -> Option<F> {
        self.fields.get(usize::from(number)).copied()
    }

    fn add(&mut self, field: F) -> Option<u16> {
        if let Some(n) = self.number(field) {
            return Some(n);
        }
        if self.fields.len() >= MOST_COLUMNS {
            return None;
        }
        let n = self.fields.len() as u16;
        self.fields.push(field);
        self.numbers.insert(std::ptr::from_ref(field).addr(), n);
        Some(n)
    }

    /// The column of a field, made if need be; `None` when there are too many.
    pub fn number_or_add(this: &mut Arc<Columns>, field: F) -> Option<u16> {
        match this.number(field) {
            Some(n) => Some(n),
            None => Arc::make_mut(this).add(field),
        }
    }

    pub fn by_name(&self, name: &str) -> Option<F> {
        self.fields.iter().copied().find(|f| f.name == name)
    }

    pub fn all(&self) -> &[F] {
        &self.fields
    }
}
