//! The index from packets to the messages completed in them.

use crate::column::Column;
use crate::table::partition;
use std::sync::Arc;

/// Entries of a block of the index.
const BLOCK: usize = 4096;

type Entry = (u32, u32);

/// Messages by the packet that completed them. Most are told in rising order of packet; those that are not (several shards,
/// a second reading) stand in runs of their own, merged as they grow, so that a look-up stays logarithmic.
#[derive(Debug, Clone, Default)]
pub(crate) struct DoneIndex {
    /// One run's last entry is not above the next one's first.
    blocks: Vec<Arc<Run>>,
    /// Each at least twice as long as the next.
    late: Vec<Arc<Run>>,
    tail: Arc<Vec<Entry>>,
    tail_late: Arc<Vec<Entry>>,
    highest: u32,
}

/// Sorted entries, packed: about two bytes each.
#[derive(Debug)]
struct Run {
    len: usize,
    done: Column,
    messages: Column,
}

impl Run {
    fn pack(entries: &[Entry]) -> Arc<Run> {
        let values = &mut Vec::new();
        Arc::new(Run {
            len: entries.len(),
            done: Column::of(entries, values, false, |e| e.0.into()),
            messages: Column::of(entries, values, false, |e| e.1.into()),
        })
    }

    fn done(&self, at: usize) -> u32 {
        self.done.get(at) as u32
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        (0..self.len).map(|i| (self.done(i), self.messages.get(i) as u32))
    }

    /// Both together; what comes of it is sorted.
    fn merged(&self, other: &Run) -> Arc<Run> {
        let mut all = Vec::with_capacity(self.len + other.len);
        all.extend(self.entries());
        all.extend(other.entries());
        // The standard sort finds the two runs and merges them.
        all.sort();
        Run::pack(&all)
    }

    /// Hands on what was completed in packets `from..to`.
    fn each(&self, from: u32, to: u32, take: &mut dyn FnMut(u32, u32)) {
        let start = partition(self.len, |i| self.done(i) < from);
        let found = (start..self.len).map(|i| (self.done(i), i)).take_while(|(done, _)| *done < to);
        found.for_each(|(done, i)| take(done, self.messages.get(i) as u32));
    }
}

impl DoneIndex {
    /// Message `message` was completed in packet `done`.
    pub fn push(&mut self, done: u32, message: u32) {
        if done >= self.highest {
            self.highest = done;
            let tail = Arc::make_mut(&mut self.tail);
            // A row that opened earlier may end in the same packet after one that opened later.
            let at = tail.iter().rposition(|e| *e <= (done, message)).map_or(0, |i| i + 1);
            tail.insert(at, (done, message));
            if tail.len() >= BLOCK {
                self.blocks.push(Run::pack(tail));
                tail.clear();
            }
        } else {
            let late = Arc::make_mut(&mut self.tail_late);
            let at = late.partition_point(|e| *e < (done, message));
            late.insert(at, (done, message));
            if late.len() >= BLOCK {
                let mut run = Run::pack(late);
                late.clear();
                while let Some(last) = self.late.pop_if(|last| last.len < 2 * run.len) {
                    run = last.merged(&run);
                }
                self.late.push(run);
            }
        }
    }

    /// Hands every message completed in packets `from..to` to `take`, in no order.
    pub fn each(&self, from: u32, to: u32, take: &mut dyn FnMut(u32, u32)) {
        let first = self.blocks.partition_point(|b| b.done(b.len.saturating_sub(1)) < from);
        for block in self.blocks.get(first..).unwrap_or(&[]) {
            if block.done(0) >= to {
                break;
            }
            block.each(from, to, take);
        }
        for run in &self.late {
            run.each(from, to, take);
        }
        for tail in [&self.tail, &self.tail_late] {
            let start = tail.partition_point(|e| e.0 < from);
            tail.get(start..).unwrap_or(&[]).iter().take_while(|e| e.0 < to).for_each(|e| take(e.0, e.1));
        }
    }

    pub fn heap_size(&self) -> usize {
        let run = |r: &Arc<Run>| r.done.heap_size() + r.messages.heap_size() + size_of::<Run>() + 16;
        let runs: usize = self.blocks.iter().chain(&self.late).map(run).sum();
        let tails = (self.tail.capacity() + self.tail_late.capacity()) * size_of::<Entry>();
        runs + tails + (self.blocks.capacity() + self.late.capacity()) * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_told_in_any_order() {
        let mut index = DoneIndex::default();
        let mut seed = 7u64;
        let mut all = Vec::new();
        for message in 0..40_000u32 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // Rising, with a third of them far behind.
            let done = if (seed >> 60) < 5 { (seed >> 40) as u32 % (message + 1) } else { message / 3 };
            index.push(done, message);
            all.push((done, message));
        }
        all.sort();
        for (from, to) in [(0, 1), (5, 6), (100, 220), (13_000, 13_400), (0, u32::MAX)] {
            let mut found = Vec::new();
            index.each(from, to, &mut |d, m| found.push((d, m)));
            found.sort();
            let expected: Vec<_> = all.iter().copied().filter(|e| e.0 >= from && e.0 < to).collect();
            assert_eq!(found, expected);
        }
        assert!(index.late.len() < 10);
    }
}
