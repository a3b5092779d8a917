//! The ledger: delivery logs of all flows and the IP datagrams that were joined, so that any conversation can be read again.

use crate::announce::Bound;
use crate::shard::Told;
use hashbrown::HashMap;
use wirelore_kit::row::NONE;

/// A piece of a joined datagram: offset in it, length, arrival, offset in the arrival.
pub type JoinedPiece = (u32, u32, u32, u32);

#[derive(Debug, Clone, Copy)]
struct Entry {
    first: u32,
    last: u32,
    marks: u16,
}

/// Logs by flow, as chains of runs in one arena: no allocation of its own for a flow.
#[derive(Debug, Default)]
pub struct Ledger {
    flows: Vec<Entry>,
    /// Runs: offset of the next run (4 bytes), length (4 bytes), bytes.
    arena: Vec<u8>,
    joined: HashMap<u32, (u8, Box<[JoinedPiece]>)>,
    bound: HashMap<u32, Box<Bound>>,
    user: HashMap<u32, &'static str>,
}

const HEAD: usize = 8;

impl Ledger {
    /// A flow begins, with the marks that its conversation starts with; flows are numbered as they begin.
    pub fn open(&mut self, marks: u16) {
        self.flows.push(Entry { first: NONE, last: NONE, marks });
    }

    /// Sets the marks a flow's conversation started with.
    pub fn mark(&mut self, flow: u32, marks: u16) {
        if let Some(e) = self.flows.get_mut(flow as usize) {
            e.marks = marks;
        }
    }

    /// The marks that a flow's conversation started with.
    #[must_use]
    pub fn marks(&self, flow: u32) -> u16 {
        self.flows.get(flow as usize).map_or(0, |e| e.marks)
    }

    /// What a flow knew of its announcement at its first byte.
    pub fn bind(&mut self, flow: u32, bound: Box<Bound>) {
        self.bound.insert(flow, bound);
    }

    /// What the user says that a flow speaks; `None`: nothing any more.
    pub fn decide(&mut self, flow: u32, name: Option<&'static str>) {
        match name {
            Some(name) => self.user.insert(flow, name),
            None => self.user.remove(&flow),
        };
    }

    /// What a flow's conversation is told when it starts.
    #[must_use]
    pub fn told(&self, flow: u32) -> Told<'_> {
        Told { user: self.user.get(&flow).copied(), bound: self.bound.get(&flow).map(|b| &**b) }
    }

    /// Bytes of a flow's log.
    #[must_use]
    pub fn log_len(&self, flow: u32) -> usize {
        let mut at = self.flows.get(flow as usize).map_or(NONE, |f| f.first);
        let mut total = 0usize;
        while at != NONE {
            let (Some(next), Some(len)) = (self.word(at as usize), self.word((at as usize).saturating_add(4))) else { break };
            total = total.saturating_add(len as usize);
            at = next;
        }
        total
    }

    /// Adds to a flow's log. Without room (4 GiB of logs) the rest is left out: the conversation then ends there when read again.
    pub fn append(&mut self, flow: u32, bytes: &[u8]) {
        let (at, len) = (self.arena.len(), bytes.len());
        let Some(e) = self.flows.get_mut(flow as usize) else { return };
        if at.saturating_add(len).saturating_add(HEAD) >= NONE as usize {
            return;
        }
        self.arena.extend_from_slice(&NONE.to_le_bytes());
        self.arena.extend_from_slice(&(len as u32).to_le_bytes());
        self.arena.extend_from_slice(bytes);
        let last = e.last as usize;
        if e.last == NONE {
            e.first = at as u32;
        } else if let Some(next) = self.arena.get_mut(last..last.saturating_add(4)) {
            next.copy_from_slice(&(at as u32).to_le_bytes());
        }
        e.last = at as u32;
    }

    /// A flow's log so far.
    #[must_use]
    pub fn log(&self, flow: u32) -> Vec<u8> {
        let mut log = Vec::new();
        let mut at = self.flows.get(flow as usize).map_or(NONE, |e| e.first);
        while at != NONE {
            let (Some(next), Some(len)) = (self.word(at as usize), self.word((at as usize).saturating_add(4))) else { break };
            let from = (at as usize).saturating_add(HEAD);
            log.extend_from_slice(self.arena.get(from..from.saturating_add(len as usize)).unwrap_or(&[]));
            at = next;
        }
        log
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.arena.get(at..at.saturating_add(4)).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
    }

    /// Packet `number` completed a datagram.
    pub fn join(&mut self, number: u32, proto: u8, pieces: Box<[JoinedPiece]>) {
        self.joined.insert(number, (proto, pieces));
    }

    /// The datagram that packet `number` completed: its protocol and where its bytes lie.
    #[must_use]
    pub fn joined(&self, number: u32) -> Option<(u8, &[JoinedPiece])> {
        self.joined.get(&number).map(|(p, pieces)| (*p, &**pieces))
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        self.flows.capacity() * size_of::<Entry>()
            + self.arena.capacity()
            + self.joined.capacity() * 32
            + self.bound.capacity() * 128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_flows_stay_apart_and_in_order() {
        let mut l = Ledger::default();
        l.open(1);
        l.open(2);
        for i in 0..5u8 {
            l.append(0, &[i, i]);
            l.append(1, &[100 + i]);
        }
        assert_eq!(l.log(0), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(l.log(1), [100, 101, 102, 103, 104]);
        assert_eq!((l.marks(1), l.log(7)), (2, vec![]));
    }
}
