//! The addresses met, each once, so that flows refer to them by number.

use crate::table::Table;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use wirelore_kit::row::NONE;

/// Addresses by number.
pub type Hosts = Table<IpAddr, 1024>;

/// Finds the number of an address, giving new ones the next.
#[derive(Debug, Default)]
pub(crate) struct HostIndex {
    // Seeded and hard to flood: the addresses are chosen by whoever sent the packets.
    seed: RandomState,
    numbers: HashTable<u32>,
}

impl HostIndex {
    /// The number of `ip`, or [`NONE`] when all numbers are used.
    pub fn number(&mut self, hosts: &mut Hosts, ip: IpAddr) -> u32 {
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
