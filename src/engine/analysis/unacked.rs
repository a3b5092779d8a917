//! Segments that wait for their ACK: for RTT, bytes in flight and retransmission times.

use super::{OVERLAP, Side, before};

/// Segments that one direction remembers as unacknowledged; further ones are not looked for when acknowledged.
const MAX_UNACKED: u16 = 4096;
/// How far a late segment's place among the unacknowledged is searched.
const MAX_WALK: usize = 64;
/// How many of the unacknowledged are looked at where they overlap.
const MAX_SCAN: usize = 256;
/// More bytes than this in flight are a misunderstanding, not a fast path.
const MAX_IN_FLIGHT: u32 = 2_000_000_000;

/// A segment that waits for its ACK.
#[derive(Clone, Copy, Default)]
pub(super) struct Unacked {
    pub(super) seq: u32,
    pub(super) end: u32,
    pub(super) frame: u32,
    pub(super) next: u32,
    pub(super) time_ns: i64,
}

/// No node.
pub(super) const NIL: u32 = u32::MAX;

/// The unacknowledged segments of all connections: lists threaded through one array, so that a segment costs no allocation of its own.
pub(super) struct Pool {
    nodes: Vec<Unacked>,
    free: u32,
}

impl Default for Pool {
    fn default() -> Self {
        Pool { nodes: Vec::new(), free: NIL }
    }
}

impl Pool {
    pub(super) fn get(&self, at: u32) -> Option<&Unacked> {
        self.nodes.get(at as usize)
    }

    /// Bytes that the pool has asked the allocator for.
    pub(super) fn weight(&self) -> usize {
        self.nodes.capacity().saturating_mul(size_of::<Unacked>())
    }

    fn take_node(&mut self, node: Unacked) -> Option<u32> {
        if let Some(slot) = self.nodes.get_mut(self.free as usize) {
            let at = self.free;
            self.free = slot.next;
            *slot = node;
            return Some(at);
        }
        let at = u32::try_from(self.nodes.len()).ok().filter(|at| *at != NIL)?;
        self.nodes.push(node);
        Some(at)
    }

    /// Adds a segment to `side`'s list, which is in the order of segment ends; equal ends in order of arrival.
    pub(super) fn add(&mut self, side: &mut Side, node: Unacked) {
        if side.unacked >= MAX_UNACKED {
            return;
        }
        let end = node.end;
        let newest_end = self.get(side.newest).map(|n| n.end);
        if newest_end.is_some_and(|newest| before(node.seq, newest)) || before(node.seq, side.base) {
            side.put(OVERLAP, true);
        }
        let after = match newest_end {
            None => None,
            Some(newest) if !before(end, newest) => Some(side.newest),
            Some(_) => {
                // A late one: its place is near the old end, or it is not remembered.
                let (mut prev, mut at) = (None, side.oldest);
                let mut steps = 0_usize;
                while let Some(here) = self.get(at) {
                    if before(end, here.end) {
                        break;
                    }
                    steps = steps.saturating_add(1);
                    if steps > MAX_WALK {
                        return;
                    }
                    (prev, at) = (Some(at), here.next);
                }
                prev
            }
        };
        let next = match after {
            Some(prev) => self.get(prev).map_or(NIL, |p| p.next),
            None => side.oldest,
        };
        let Some(new) = self.take_node(Unacked { next, ..node }) else { return };
        match after.and_then(|prev| self.nodes.get_mut(prev as usize)) {
            Some(prev) => prev.next = new,
            None => side.oldest = new,
        }
        if next == NIL {
            side.newest = new;
        }
        side.unacked = side.unacked.saturating_add(1);
    }

    /// Takes away what `ack` acknowledges and gives the segment that ends exactly there, the oldest of several.
    #[inline]
    pub(super) fn acknowledge(&mut self, side: &mut Side, ack: u32) -> Option<Unacked> {
        let mut exact = None;
        while let Some(node) = self.nodes.get_mut(side.oldest as usize) {
            if before(ack, node.end) {
                if before(node.seq, ack) {
                    node.seq = ack;
                }
                break;
            }
            if node.end == ack && exact.is_none() {
                exact = Some(*node);
            }
            let next = node.next;
            node.next = self.free;
            self.free = side.oldest;
            side.oldest = next;
            side.unacked = side.unacked.saturating_sub(1);
        }
        if side.oldest == NIL {
            side.newest = NIL;
            side.put(OVERLAP, false);
        } else if side.is(OVERLAP) {
            let mut at = side.oldest;
            for _ in 0..MAX_SCAN {
                let Some(node) = self.nodes.get_mut(at as usize) else { break };
                if before(node.seq, ack) {
                    node.seq = ack;
                }
                at = node.next;
            }
        }
        exact
    }

    /// Bytes from the lowest to the highest unacknowledged number of `side`; 0 if there is nothing or it makes no sense.
    pub(super) fn in_flight(&self, side: &Side) -> u32 {
        let (Some(oldest), Some(newest)) = (self.get(side.oldest), self.get(side.newest)) else { return 0 };
        // Counted from the initial number without sign, as in tshark: what lies below it gives no sensible sum.
        let mut lowest = oldest.seq.wrapping_sub(side.base);
        let mut highest = newest.end.wrapping_sub(side.base);
        if side.is(OVERLAP) {
            let mut at = side.oldest;
            for _ in 0..MAX_SCAN {
                let Some(node) = self.get(at) else { break };
                lowest = lowest.min(node.seq.wrapping_sub(side.base));
                highest = highest.max(node.end.wrapping_sub(side.base));
                at = node.next;
            }
        }
        let bytes = highest.wrapping_sub(lowest);
        if bytes < MAX_IN_FLIGHT { bytes } else { 0 }
    }
}
