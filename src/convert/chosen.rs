//! Which packets are kept, and which sessions of TLS are theirs.

use super::wrong;
use crate::filtered;
use crate::harvest;
use crate::names;
use crate::reading::Failure;
use crate::session::Session;
use std::collections::HashSet;
use std::ops::{ControlFlow, RangeInclusive};
use wirelore_filter::Wants;
use wirelore_kit::row::NONE;
use wirelore_store::Work;
use wirelore_store::query::{Bits, Rows};

/// Numbers of packets, from 1, as `--frames` names them: `1-100,205`.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames(Vec<RangeInclusive<u64>>);

impl Frames {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn parse(text: &str) -> Result<Frames, Failure> {
        let range = |part: &str| {
            let number = |t: &str| t.trim().parse::<u64>().ok();
            let (from, to) = match part.split_once('-') {
                None => (number(part)?, number(part)?),
                Some((from, to)) if to.trim().is_empty() => (number(from)?, u64::MAX),
                Some((from, to)) => (number(from)?, number(to)?),
            };
            (from >= 1 && from <= to).then_some(from..=to)
        };
        let each = |part: &str| {
            let why =
                || wrong(format!("--frames {text}: {part:?} is no range of packets. Write for example: --frames 1-100,205,300-"));
            range(part).ok_or_else(why)
        };
        text.split(',').map(each).collect::<Result<_, _>>().map(Frames)
    }

    /// Whether a packet, counted from 0, is among them.
    pub(super) fn has(&self, packet: u64) -> bool {
        self.0.iter().any(|r| r.contains(&packet.saturating_add(1)))
    }
}

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// What a filter passed, rising; `None` without a filter.
    pub(super) filtered: Option<Vec<u32>>,
    /// What was named by number.
    pub(super) frames: Option<Frames>,
}

impl Chosen {
    /// Whether packets may be left out.
    pub(super) const fn slices(&self) -> bool {
        self.filtered.is_some() || self.frames.is_some()
    }

    /// Whether a packet, counted from 0, is kept.
    pub(super) fn has(&self, packet: u64) -> bool {
        let passed = |rows: &Vec<u32>| u32::try_from(packet).is_ok_and(|p| rows.binary_search(&p).is_ok());
        self.filtered.as_ref().is_none_or(passed) && self.frames.as_ref().is_none_or(|f| f.has(packet))
    }
}

/// The packets that a filter passes.
///
/// # Errors
/// The filter is none, or the capture can not be read again.
pub(super) fn by_filter(session: &Session, text: &str) -> Result<Vec<u32>, Failure> {
    filtered::rows(session, text, Rows::Packets, &Work::new())
}

/// The randoms of all hellos in the flows that packets are kept of: lines of a key log begin with a client's.
///
/// # Errors
/// The capture can not be read again.
pub(super) fn randoms(session: &Session, chosen: &Chosen) -> Result<HashSet<[u8; 32]>, Failure> {
    let snapshot = session.store.snapshot();
    let flow = |n: u32| snapshot.packet(n).map_or(NONE, |row| row.flow);
    let kept = |n: &u32| chosen.has(u64::from(*n));
    let flows: HashSet<u32> = (0..snapshot.packets()).filter(kept).map(flow).filter(|f| *f != NONE).collect();
    // The hello stands in another packet than those that are kept, as a rule.
    let mut packets = Bits::none(snapshot.packets());
    (0..snapshot.packets()).filter(|n| flows.contains(&flow(*n))).for_each(|n| packets.set(n));
    let fields = names::fields().filter(|f| f.name == "tls.handshake.random").collect();
    let wants = Wants { fields, ..Wants::default() };
    let mut randoms = HashSet::new();
    harvest::harvest(&session.recall, &snapshot, &wants, packets, &Work::new(), &mut |row| {
        for part in row.parts() {
            randoms.extend(part.kept.iter().filter_map(|k| <[u8; 32]>::try_from(part.bytes(k)).ok()));
        }
        ControlFlow::Continue(())
    })?;
    Ok(randoms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_ranges_from_one_and_faults_are_told() {
        let frames = Frames::parse("1-3, 7,9-").expect("good ones");
        let kept: Vec<u64> = (0..12).filter(|n| frames.has(*n)).collect();
        assert_eq!(kept, [0, 1, 2, 6, 8, 9, 10, 11]);
        for bad in ["", "0", "3-1", "x", "1,,2", "-5"] {
            assert!(Frames::parse(bad).is_err(), "{bad:?}");
        }
    }
}
