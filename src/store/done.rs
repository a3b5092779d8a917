//! The index from packets to the messages completed in them.

use std::sync::Arc;

/// Entries of a block of the index.
const BLOCK: usize = 4096;

type Entry = (u32, u32);

/// Messages by the packet that completed them. Most are told in rising order of packet; those that are not (several shards,
/// a second reading) stand in runs of their own, merged as they grow, so that a look-up stays logarithmic.
#[derive(Debug, Clone, Default)]
pub(crate) struct DoneIndex {
    /// Each sorted; one block's last entry is not above the next one's first.
    blocks: Vec<Arc<Vec<Entry>>>,
    /// Each sorted, every one at least twice as long as the next.
    late: Vec<Arc<Vec<Entry>>>,
    tail: Arc<Vec<Entry>>,
    tail_late: Arc<Vec<Entry>>,
    highest: u32,
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
                let block = std::mem::take(tail);
                self.blocks.push(Arc::new(shrunk(block)));
            }
        } else {
            let late = Arc::make_mut(&mut self.tail_late);
            let at = late.partition_point(|e| *e < (done, message));
            late.insert(at, (done, message));
            if late.len() >= BLOCK {
                let mut run = Arc::new(shrunk(std::mem::take(late)));
                while let Some(last) = self.late.pop_if(|last| last.len() < 2 * run.len()) {
                    run = Arc::new(merged(&last, &run));
                }
                self.late.push(run);
            }
        }
    }

    /// Hands every message completed in packets `from..to` to `take`, in no order.
    pub fn each(&self, from: u32, to: u32, take: &mut dyn FnMut(u32, u32)) {
        let mut scan = |run: &[Entry]| {
            let start = run.partition_point(|e| e.0 < from);
            run.get(start..).unwrap_or(&[]).iter().take_while(|e| e.0 < to).for_each(|e| take(e.0, e.1));
        };
        let first = self.blocks.partition_point(|b| b.last().is_some_and(|e| e.0 < from));
        for block in self.blocks.get(first..).unwrap_or(&[]) {
            if block.first().is_some_and(|e| e.0 >= to) {
                break;
            }
            scan(block);
        }
        scan(&self.tail);
        for run in &self.late {
            scan(run);
        }
        scan(&self.tail_late);
    }

    pub fn heap_size(&self) -> usize {
        let runs = self.blocks.iter().chain(&self.late).chain([&self.tail, &self.tail_late]);
        runs.map(|r| r.capacity() * size_of::<Entry>() + 40).sum::<usize>() + (self.blocks.capacity() + self.late.capacity()) * 8
    }
}

fn shrunk(mut v: Vec<Entry>) -> Vec<Entry> {
    v.shrink_to_fit();
    v
}

fn merged(a: &[Entry], b: &[Entry]) -> Vec<Entry> {
    let mut all = Vec::with_capacity(a.len() + b.len());
    all.extend_from_slice(a);
    all.extend_from_slice(b);
    // The standard sort finds the two runs and merges them.
    all.sort();
    all
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
