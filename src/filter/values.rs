//! What a filter asks of a row that was read again.

use crate::facts::Fact;
use wirelore_kit::{F, Value};

/// One value of a field or fact.
#[derive(Debug, Clone, Copy)]
pub struct Valued<'v> {
    /// The value; [`Value::Span`] where it is the bytes themselves.
    pub value: &'v Value,
    /// The bytes of its span.
    pub bytes: &'v [u8],
    /// Which layer of its protocol it is in, from 1: of two IPv4 headers in one packet the outer is 1, the inner 2. 0: unknown.
    pub layer: u16,
}

/// A protocol met in a row.
#[derive(Debug, Clone, Copy)]
pub struct Met<'v> {
    /// All bytes from where it begins to the end of what held it: what `contains` and `matches` search.
    pub bytes: &'v [u8],
    /// How many of them are its own (its header, where it carries something): what slices and `len` see.
    pub len: usize,
    /// As in [`Valued::layer`].
    pub layer: u16,
}

/// A field whose bytes count in messages of one kind, not of another: header lines of requests.
#[derive(Debug, Clone, Copy)]
pub struct Chosen {
    /// The field.
    pub field: F,
    /// It is in messages that begin with this one.
    pub with: F,
    /// It is not in messages that begin with this one.
    pub without: F,
}

impl PartialEq for Chosen {
    fn eq(&self, other: &Chosen) -> bool {
        let pairs = [(self.field, other.field), (self.with, other.with), (self.without, other.without)];
        pairs.iter().all(|(a, b)| a.is(b))
    }
}

impl Chosen {
    /// Picks the bytes out of fields with their bytes, in the order of reading.
    pub fn pick<'v>(&self, all: impl Iterator<Item = (F, &'v [u8])>, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        let mut open = false;
        for (field, bytes) in all {
            open = (open || field.is(self.with)) && !field.is(self.without);
            if open && field.is(self.field) && !each(Valued { value: &Value::Span, bytes, layer: 0 }) {
                return;
            }
        }
    }
}

/// A row with everything that [`crate::Filter::wants`] names.
pub trait Values {
    /// Hands on the values of a field in the order of reading, as long as `each` answers that it wants more.
    fn field(&self, field: F, each: &mut dyn FnMut(Valued<'_>) -> bool);
    /// Hands on the bytes of a field in those messages that begin with `with`, not in those that begin with `without`, likewise.
    fn chosen(&self, chosen: &Chosen, each: &mut dyn FnMut(Valued<'_>) -> bool);
    /// Hands on the bytes that no protocol reads likewise: of `fields` the first where it is, else the payload (the others) of a
    /// conversation of which nobody knows what it speaks.
    fn unread(&self, fields: &[F], each: &mut dyn FnMut(Valued<'_>) -> bool);
    /// Hands on the values of a fact likewise. [`crate::FactSource`] knows them all but [`Fact::Protocols`].
    fn fact(&self, fact: Fact, each: &mut dyn FnMut(Valued<'_>) -> bool);
    /// Hands on where a protocol of that name was met likewise.
    fn protocol(&self, name: &str, each: &mut dyn FnMut(Met<'_>) -> bool);
}
