//! Which flows are the two legs of one proxied connection, and which of them must be read whole: what the blocks of a session file say.

use crate::process::Owners;
use std::collections::BTreeSet;
use wirelore_capture::{OtherBlock, origin};
use wirelore_record::Side;
use wirelore_record::said::{self, Said};
use wirelore_store::{Builder, Damage};

/// A leg, found by the packet that it begins with: its flow is that packet's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The number that both legs of a connection share.
    pub tie: u64,
    /// Its first packet.
    pub packet: u32,
    /// Which leg.
    pub side: Side,
}

/// The legs of a session file.
#[derive(Debug, Default)]
pub struct Legs {
    /// In the order of the file.
    all: Vec<Leg>,
    /// Connections whose legs differ, because something was edited on its way.
    edited: BTreeSet<u64>,
    /// Whose they are.
    owners: Owners,
}

/// Connections that are remembered as edited: more than that are nobody's work.
const MOST_EDITED: usize = 1 << 20;

impl Legs {
    /// Takes a block that the capture's reader did not read. Gives the packets whose flows are to be read whole.
    pub(crate) fn heed(&mut self, block: &OtherBlock, builder: &mut Builder) -> Vec<u32> {
        if block.enterprise != Some(origin::ENTERPRISE) {
            return Vec::new();
        }
        match said::read(&block.custom) {
            Some(Said::Leg { tie, side, client, server, .. }) => {
                if side == Side::Server {
                    self.owners.leg(tie, client, server, builder);
                }
                let leg = Leg { tie, packet: u32::try_from(block.packets_before).unwrap_or(u32::MAX), side };
                // A request of the proxy's own has no leg to a client, so that nobody else says the same.
                let alone = side == Side::Server && !self.of(tie).any(|l| l.side == Side::Client);
                self.all.push(leg);
                if side == Side::Server && (alone || self.edited.contains(&tie)) { vec![leg.packet] } else { Vec::new() }
            }
            Some(Said::Note { tie, kind: said::Kind::Edited, .. }) => {
                if self.edited.len() >= MOST_EDITED || !self.edited.insert(tie) {
                    return Vec::new();
                }
                self.of(tie).filter(|l| l.side == Side::Server).map(|l| l.packet).collect()
            }
            Some(Said::Note { kind: said::Kind::Recording, what, why, what_to_do, .. }) => {
                builder.damage(Damage { offset: block.at, what, why, what_to_do });
                Vec::new()
            }
            Some(Said::Process(process)) => {
                self.owners.process(process, builder);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The legs of a connection, newest first.
    pub fn of(&self, tie: u64) -> impl Iterator<Item = &Leg> {
        self.all.iter().rev().filter(move |l| l.tie == tie)
    }

    /// The leg that begins with a packet (the first packet of a flow).
    #[must_use]
    pub fn at(&self, packet: u32) -> Option<Leg> {
        let at = self.all.partition_point(|l| l.packet < packet);
        self.all.get(at).copied().filter(|l| l.packet == packet)
    }

    /// All of them, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Leg] {
        &self.all
    }
}
