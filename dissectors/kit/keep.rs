//! Which fields a reading keeps, when a few of many rows are wanted and no whole trees.

use crate::field::F;

/// A set of fields that is asked for each field that is read: by their addresses, in a table that is mostly empty.
#[derive(Debug)]
pub struct Keep {
    slots: Box<[Option<F>]>,
    shift: u32,
    all: bool,
    checks: bool,
}

impl Keep {
    /// Just these fields, each with its bytes.
    #[must_use]
    pub fn of(fields: impl IntoIterator<Item = F>) -> Keep {
        let mut list: Vec<F> = Vec::new();
        for f in fields {
            if !list.iter().any(|k| k.is(f)) {
                list.push(f);
            }
        }
        let checks = list.iter().any(|f| f.name.ends_with(".checksum.status"));
        let len = list.len().saturating_mul(4).next_power_of_two().max(8);
        let shift = u64::BITS.saturating_sub(len.trailing_zeros());
        let mut keep = Keep { slots: vec![None; len].into(), shift, all: false, checks };
        for f in list {
            let mut at = keep.slot(f);
            // A quarter of the slots is taken at most, so a free one comes.
            while keep.slots.get(at).is_some_and(Option::is_some) {
                at = keep.after(at);
            }
            if let Some(slot) = keep.slots.get_mut(at) {
                *slot = Some(f);
            }
        }
        keep
    }

    /// Every field; the bytes of those that have no fields below them.
    #[must_use]
    pub fn all() -> Keep {
        Keep { slots: Box::default(), shift: 0, all: true, checks: true }
    }

    /// Says that findings are looked at too.
    #[must_use]
    pub const fn with_notes(mut self, notes: bool) -> Keep {
        self.checks |= notes;
        self
    }

    /// Whether somebody looks at findings or at what checksums came to.
    #[must_use]
    pub const fn checks(&self) -> bool {
        self.checks
    }

    /// Whether it keeps every field.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.all
    }

    /// Whether a field is kept.
    #[must_use]
    #[inline]
    pub fn has(&self, field: F) -> bool {
        if self.all {
            return true;
        }
        let mut at = self.slot(field);
        while let Some(Some(f)) = self.slots.get(at) {
            if f.is(field) {
                return true;
            }
            at = self.after(at);
        }
        false
    }

    #[inline]
    fn slot(&self, field: F) -> usize {
        let address = std::ptr::from_ref(field).addr() as u64;
        // Fibonacci hashing: the upper bits of the product are the well mixed ones.
        (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    const fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.slots.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{DATA, TRAILING, UNKNOWN};

    #[test]
    fn keeps_what_was_named_and_nothing_else() {
        let keep = Keep::of([&DATA, &UNKNOWN, &DATA]);
        assert!(keep.has(&DATA) && keep.has(&UNKNOWN) && !keep.has(&TRAILING) && !keep.is_all());
        assert!(!Keep::of([]).has(&DATA) && Keep::all().has(&TRAILING));
    }
}
