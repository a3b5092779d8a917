//! A slow line for datagrams: each goes when the line has carried those before it, and some time later; what does not fit is lost, as it
//! would be there.

use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Datagrams on their way at once.
const MOST: usize = 256;

/// One direction of it.
#[derive(Debug)]
pub struct Slow {
    /// Bytes each second.
    rate: Option<u64>,
    latency: Duration,
    /// When the line has carried all that it was given.
    free: Instant,
    under_way: VecDeque<(Instant, Bytes)>,
}

impl Slow {
    /// A line of so many bytes each second, at whose end everything is so much later.
    #[must_use]
    pub fn new(rate: Option<u64>, latency: Duration) -> Slow {
        Slow { rate: rate.map(|r| r.max(1)), latency, free: Instant::now(), under_way: VecDeque::new() }
    }

    /// Puts a datagram onto the line. False: it is full, and the datagram is lost.
    pub fn put(&mut self, datagram: Bytes) -> bool {
        if self.under_way.len() >= MOST {
            return false;
        }
        let nanos = self.rate.map_or(0, |r| (datagram.len() as u64).saturating_mul(1_000_000_000).checked_div(r).unwrap_or(0));
        self.free = self.free.max(Instant::now()).checked_add(Duration::from_nanos(nanos)).unwrap_or(self.free);
        let due = self.free.checked_add(self.latency).unwrap_or(self.free);
        self.under_way.push_back((due, datagram));
        true
    }

    /// When the next one comes out.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.under_way.front().map(|(due, _)| *due)
    }

    /// The one that has come out.
    pub fn take(&mut self) -> Option<Bytes> {
        let (due, _) = self.under_way.front()?;
        if *due > Instant::now() {
            return None;
        }
        self.under_way.pop_front().map(|(_, datagram)| datagram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_one_after_the_other_and_loses_what_does_not_fit() {
        let mut line = Slow::new(Some(1000), Duration::from_millis(50));
        let before = Instant::now();
        assert!(line.put(Bytes::from(vec![0; 100])) && line.put(Bytes::from(vec![1; 100])));
        let first = line.due().expect("under way") - before;
        assert!((140..200).contains(&first.as_millis()), "{first:?}");
        assert_eq!(line.take(), None);
        let second = line.under_way[1].0 - line.under_way[0].0;
        assert_eq!(second.as_millis(), 100);
        assert_eq!((0..MOST).filter(|_| line.put(Bytes::new())).count(), MOST - 2);
    }
}
