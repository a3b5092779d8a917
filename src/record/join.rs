//! Another capture that joins the record while it grows: its blocks go in as they came, with their interfaces numbered as the record
//! numbers them.

use crate::lane::MOST_AT_ONCE;
use crate::recorder::Recorder;
use crate::shared::Shared;
use crate::tap::{TapSpec, described};
use std::sync::Arc;

/// Where the blocks of a capture in our byte order go.
#[derive(Debug)]
pub struct Join {
    shared: Arc<Shared>,
    /// Interfaces that were told of and stand in no file yet.
    waiting: Vec<Vec<u8>>,
    /// What the record calls the interfaces of the capture's section.
    numbers: Vec<u32>,
}

impl Recorder {
    /// A place for one more capture.
    #[must_use]
    pub fn join(&self) -> Join {
        Join { shared: Arc::clone(self.shared()), waiting: Vec::new(), numbers: Vec::new() }
    }
}

impl Join {
    /// The capture begins another section: its interfaces are counted from 0 again.
    pub fn section(&mut self) {
        self.settle();
        self.numbers.clear();
    }

    /// A whole Interface Description Block.
    pub fn interface(&mut self, block: &[u8]) {
        self.waiting.push(block.to_vec());
    }

    /// A whole block whose first number is that of an interface: a packet, or what the interface counted. One of an interface that was
    /// not described is left out.
    pub fn of_interface(&mut self, block: &[u8]) {
        self.settle();
        let number = block.get(8..12).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let known = number.and_then(|n| self.numbers.get(usize::try_from(n).ok()?)).copied();
        let (Some(known), Some(head), Some(rest)) = (known, block.get(..8), block.get(12..)) else { return };
        if block.len() <= MOST_AT_ONCE {
            self.shared.back.append(&self.shared, |out| {
                out.extend_from_slice(head);
                out.extend_from_slice(&known.to_le_bytes());
                out.extend_from_slice(rest);
            });
        }
    }

    /// Any other whole block.
    pub fn other(&mut self, block: &[u8]) {
        if block.len() <= MOST_AT_ONCE {
            self.shared.back.append(&self.shared, |out| out.extend_from_slice(block));
        }
    }

    /// Call when nothing more is at hand; see [`crate::Lane::turn`].
    pub fn turn(&mut self) {
        self.settle();
        self.shared.turned();
    }

    /// Describes interfaces in the record. There they come in pairs: one without a second gets one that nothing comes from.
    fn settle(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for pair in waiting.chunks(2) {
            let number = self.shared.listener(|_| {
                let mut both = pair.concat();
                if let [one] = pair {
                    let link_type = one.get(8..10).and_then(|b| b.try_into().ok()).map_or(1, u16::from_le_bytes);
                    both.extend(described(&TapSpec { name: "(none)", description: "not an interface", link_type }));
                }
                both
            });
            let first = number.saturating_mul(2);
            self.numbers.extend((first..).take(pair.len()));
            self.shared.wake();
        }
    }
}
