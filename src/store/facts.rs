//! Facts of the source that rows came from, and how far reading it is.

use crate::process::Processes;

/// An interface of the capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceFact {
    /// Its name, or "".
    pub name: String,
    /// What somebody wrote about it, or "".
    pub description: String,
    /// Link type (the LINKTYPE_ list).
    pub link_type: u32,
    /// Longest packet kept, bytes; 0 for no limit.
    pub snap_len: u32,
    /// Ticks of its clock in a second.
    pub ticks_per_second: u64,
    /// The capture filter it was recorded with, or "".
    pub filter: String,
    /// Its packets were made from bytes that a proxy relayed.
    pub synthetic: bool,
    /// Packets the recorder says it dropped, counted when it looked last.
    pub dropped: Option<u64>,
    /// Packets of which it said before which others they are missing.
    pub dropped_before: u64,
    /// Packets of it that were read.
    pub packets: u64,
}

/// Something broken in the file itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// Where in the file, bytes.
    pub offset: u64,
    /// What is the case.
    pub what: String,
    /// Why, as far as it can be known.
    pub why: String,
    /// What a person can do.
    pub what_to_do: String,
}

/// At most so many damages are kept; the rest is counted.
pub(crate) const MOST_DAMAGES: usize = 1000;

/// Facts of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// File name, or what else the source is called.
    pub name: String,
    /// Format in words: "pcapng, little-endian, gzip".
    pub format: String,
    /// Size of the source in bytes, if it has one.
    pub size: Option<u64>,
    /// Interfaces by number, over all sections.
    pub interfaces: Vec<InterfaceFact>,
    /// Comments on the capture as a whole.
    pub comments: Vec<String>,
    /// What was broken, in order of offset.
    pub damages: Vec<Damage>,
    /// Damages beyond those listed.
    pub damages_left_out: u64,
    /// Packets that the recorder or this program dropped.
    pub dropped: u64,
    /// Where: the packet that came behind the lost ones, and how many they were. The first of them; all are in `dropped`.
    pub losses: Vec<(u32, u64)>,
    /// Sections of the file.
    pub sections: u32,
    /// Decryption secrets that were found or given.
    pub secrets: u64,
    /// Which processes its conversations belong to, as far as somebody looked.
    pub processes: Processes,
    /// Operating system, hardware and program that recorded it, or "".
    pub recorded_by: String,
}

/// At most so many losses are kept with their place.
const MOST_LOSSES: usize = 1000;

impl Facts {
    /// So many packets of an interface were lost just before packet `before`.
    pub fn lost(&mut self, interface: u32, before: u32, count: u64) {
        if self.losses.len() < MOST_LOSSES {
            self.losses.push((before, count));
        }
        match self.interfaces.get_mut(interface as usize) {
            Some(i) => i.dropped_before = i.dropped_before.saturating_add(count),
            None => self.dropped = self.dropped.saturating_add(count),
        }
        self.sum();
    }

    /// An interface has dropped so many packets since the capture began.
    pub fn counted(&mut self, interface: u32, count: u64) {
        if let Some(i) = self.interfaces.get_mut(interface as usize) {
            i.dropped = Some(count);
        }
        self.sum();
    }

    /// Both ways of telling are about the same packets: the larger number of each interface counts.
    fn sum(&mut self) {
        let all = self.interfaces.iter().map(|i| i.dropped.unwrap_or(0).max(i.dropped_before));
        self.dropped = self.dropped.max(all.fold(0, u64::saturating_add));
    }
}

/// How far reading is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the source that were read.
    pub read: u64,
    /// Bytes there are to read, if it is known.
    pub of: Option<u64>,
    /// Nothing more will come.
    pub done: bool,
}

impl Progress {
    /// From 0 to 1, if it is known how much there is.
    #[must_use]
    pub fn share(&self) -> Option<f32> {
        match (self.done, self.of) {
            (true, _) => Some(1.0),
            (false, Some(of)) if of > 0 => Some((self.read as f64 / of as f64).clamp(0.0, 1.0) as f32),
            _ => None,
        }
    }
}
