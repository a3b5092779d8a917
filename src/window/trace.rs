//! How long opening a capture takes, told to whoever wants to know.

use crate::door::Trace;

/// Tells when the first rows and when all of them stood in the list.
pub struct Traced {
    begun: std::time::Instant,
    to: Trace,
    told: u8,
}

impl Traced {
    /// Counts from `begun`.
    #[must_use]
    pub const fn new(begun: std::time::Instant, to: Trace) -> Traced {
        Traced { begun, to, told: 0 }
    }

    /// Looks at the rows that stand in the list now.
    pub fn step(&mut self, rows: u64, done: bool) {
        let ms = self.begun.elapsed().as_micros() as f64 / 1000.0;
        if self.told == 0 && rows > 0 {
            (self.to)(format!("first rows ({rows}) after {ms:.1} ms"));
            self.told = 1;
        }
        if self.told == 1 && done {
            (self.to)(format!("all rows ({rows}) after {ms:.1} ms"));
            self.told = 2;
        }
    }
}
