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

/// A row with everything that [`crate::Filter::wants`] names.
pub trait Values {
    /// Hands on the values of a field in the order of reading, as long as `each` answers that it wants more.
    fn field(&self, field: F, each: &mut dyn FnMut(Valued<'_>) -> bool);
    /// Hands on the values of a fact likewise. [`crate::FactSource`] knows them all but [`Fact::Protocols`].
    fn fact(&self, fact: Fact, each: &mut dyn FnMut(Valued<'_>) -> bool);
    /// Hands on where a protocol of that name was met likewise.
    fn protocol(&self, name: &str, each: &mut dyn FnMut(Met<'_>) -> bool);
}
