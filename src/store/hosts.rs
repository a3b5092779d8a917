//! The addresses met, each once, so that flows refer to them by number.

use crate::table::Table;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use wirelore_kit::row::NONE;

/// Addresses by number.
pub type Hosts = Table<IpAddr, 1024>;

/// Finds the number of an address, giving new ones the next.
#[derive(Debug)]
pub(crate) struct HostIndex {
    // Seeded and hard to flood: the addresses are chosen by whoever sent the packets.
    seed: RandomState,
    numbers: HashTable<u32>,
    /// Numbers given of late, by some bits of the address: most flows are between hosts that were just met.
    recent: [u32; 64],
}

impl Default for HostIndex {
    fn default() -> HostIndex {
        HostIndex { seed: RandomState::new(), numbers: HashTable::new(), recent: [NONE; 64] }
    }
}

impl HostIndex {
    /// The number of `ip`, or [`NONE`] when all numbers are used.
    pub fn number(&mut self, hosts: &mut Hosts, ip: IpAddr) -> u32 {
        let bits = match ip {
            IpAddr::V4(a) => a.to_bits(),
            IpAddr::V6(a) => a.to_bits() as u32,
        };
        // Hosts of one place often end in the same number: all bits have a say (2^32 divided by the golden ratio spreads them).
        let slot = bits.wrapping_mul(0x9e37_79b9) as usize >> (u32::BITS - 6);
        let recent = self.recent.get(slot).copied().unwrap_or(NONE);
        if hosts.get(recent) == Some(&ip) {
            return recent;
        }
        let number = self.look(hosts, ip);
        if let Some(slot) = self.recent.get_mut(slot) {
            *slot = number;
        }
        number
    }

    fn look(&mut self, hosts: &mut Hosts, ip: IpAddr) -> u32 {
        let hash = self.seed.hash_one(ip);
        if let Some(found) = self.numbers.find(hash, |n| hosts.get(*n) == Some(&ip)) {
            return *found;
        }
        let number = hosts.push(ip);
        if number != NONE {
            let seed = &self.seed;
            self.numbers.insert_unique(hash, number, |n| hosts.get(*n).map_or(0, |ip| seed.hash_one(ip)));
        }
        number
    }

    pub fn heap_size(&self) -> usize {
        self.numbers.allocation_size()
    }
}
