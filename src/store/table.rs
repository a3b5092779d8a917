//! Append-only tables in segments that snapshots share: a row that changes makes its segment be copied once per published snapshot.

use std::sync::Arc;
use wirelore_kit::row::NONE;

/// Rows of one kind in segments of `N`. Cloning costs one reference count a segment.
#[derive(Debug)]
pub struct Table<T, const N: usize> {
    segments: Vec<Arc<Vec<T>>>,
    len: u32,
    /// Bytes copied because a snapshot still held the segment.
    copied: u64,
}

impl<T, const N: usize> Default for Table<T, N> {
    fn default() -> Self {
        Table { segments: Vec::new(), len: 0, copied: 0 }
    }
}

impl<T, const N: usize> Clone for Table<T, N> {
    fn clone(&self) -> Self {
        Table { segments: self.segments.clone(), len: self.len, copied: 0 }
    }
}

impl<T, const N: usize> Table<T, N> {
    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One row.
    #[inline]
    #[must_use]
    pub fn get(&self, row: u32) -> Option<&T> {
        self.segments.get(row as usize / N)?.get(row as usize % N)
    }

    /// The rows of segment `index`: `N` of them, fewer in the last.
    #[must_use]
    pub fn segment(&self, index: usize) -> &[T] {
        self.segments.get(index).map_or(&[], |s| s.as_slice())
    }

    /// Number of segments.
    #[must_use]
    pub const fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Every segment with the number of its first row.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = (u32, &[T])> {
        self.segments.iter().enumerate().map(|(i, s)| ((i * N) as u32, s.as_slice()))
    }

    /// Every row with its number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.segments().flat_map(|(from, rows)| (from..).zip(rows))
    }

    /// Bytes on the heap, what rows own by themselves not counted.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        let rows: usize = self.segments.iter().map(|s| s.capacity() * size_of::<T>() + 40).sum();
        rows + self.segments.capacity() * size_of::<Arc<Vec<T>>>()
    }

    /// Bytes copied for snapshots since the last call.
    pub(crate) fn take_copied(&mut self) -> u64 {
        std::mem::take(&mut self.copied)
    }
}

impl<T: Clone, const N: usize> Table<T, N> {
    /// A segment that no snapshot shares.
    fn own<'s>(segment: &'s mut Arc<Vec<T>>, copied: &mut u64) -> &'s mut Vec<T> {
        // Nobody makes weak references to segments, so a count of one means that it is ours.
        if Arc::strong_count(segment) != 1 {
            let mut copy = Vec::with_capacity(N);
            copy.extend_from_slice(segment);
            *copied += (copy.len() * size_of::<T>()) as u64;
            *segment = Arc::new(copy);
        }
        Arc::make_mut(segment)
    }

    /// Adds a row and returns its number, or [`NONE`] (and keeps nothing) when all 2^32 - 1 numbers are used.
    pub fn push(&mut self, row: T) -> u32 {
        self.extend(std::slice::from_ref(&row))
    }

    /// Adds rows and returns the number of the first, or [`NONE`] when there are more than numbers left: then none is kept.
    pub fn extend(&mut self, mut rows: &[T]) -> u32 {
        let first = self.len;
        let Some(end) = u32::try_from(rows.len()).ok().and_then(|n| first.checked_add(n)).filter(|end| *end < NONE) else {
            return NONE;
        };
        while !rows.is_empty() {
            let inside = self.len as usize % N;
            if inside == 0 {
                // The first segment grows as needed: most captures are small.
                let room = if self.segments.is_empty() { 0 } else { N };
                self.segments.push(Arc::new(Vec::with_capacity(room)));
            }
            let (now, later) = rows.split_at(rows.len().min(N - inside));
            if let Some(last) = self.segments.last_mut() {
                Self::own(last, &mut self.copied).extend_from_slice(now);
            }
            self.len += now.len() as u32;
            rows = later;
        }
        debug_assert_eq!(self.len, end);
        first
    }

    /// One row to change.
    pub fn get_mut(&mut self, row: u32) -> Option<&mut T> {
        let segment = self.segments.get_mut(row as usize / N)?;
        Self::own(segment, &mut self.copied).get_mut(row as usize % N)
    }
}

/// The first number in `0..len` of which `before` does not hold, where those of which it holds come first.
pub(crate) fn partition(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let mid = low + (high - low) / 2;
        if before(mid) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_keeps_what_it_saw() {
        let mut table: Table<u64, 4> = Table::default();
        table.extend(&[1, 2, 3, 4, 5]);
        let seen = table.clone();
        *table.get_mut(1).unwrap() = 20;
        assert_eq!(table.push(6), 5);
        assert_eq!(seen.iter().map(|(_, v)| *v).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(table.iter().map(|(_, v)| *v).collect::<Vec<_>>(), [1, 20, 3, 4, 5, 6]);
        assert_eq!(table.take_copied(), (4 + 1) * 8);
        assert_eq!(seen.get(5), None);
    }
}
