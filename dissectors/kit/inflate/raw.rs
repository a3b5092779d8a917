//! The two machines that undo DEFLATE (RFC 1951): one that can be copied in the middle, and one that is three times as fast.

use flate2::{Decompress, FlushDecompress, Status};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

/// What a step came to.
pub struct Went {
    /// Bytes of input taken.
    pub used: usize,
    /// What comes next.
    pub next: Next,
}

/// What comes behind a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// More output waits for room, or more input can be taken.
    More,
    /// Nothing can be made without more input.
    Starved,
    /// The data said that it is complete.
    Ended,
    /// The data is not what it should be.
    Broken,
}

/// A machine that undoes DEFLATE.
pub trait Raw {
    /// One at the beginning of its data.
    fn fresh() -> Self;

    /// Goes back to the beginning of other data.
    fn restart(&mut self);

    /// Takes what it can of `input`, adding at most `most` bytes to `out`; `most` is not 0.
    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Went;

    /// Bytes of memory held.
    fn weight(&self) -> usize;
}

/// Can be copied in the middle. Its window is a ring: references of broken data to before the beginning give zeros.
#[derive(Clone)]
pub struct Copied(Box<InflateState>);

/// Is fast, and stays where it is. It refuses references to before the beginning.
pub struct Swift(Decompress);

/// Bytes that [`Copied`] makes in one go.
const CHUNK: usize = 16 * 1024;

impl Raw for Copied {
    fn fresh() -> Copied {
        Copied(InflateState::new_boxed(DataFormat::Raw))
    }

    fn restart(&mut self) {
        *self = Copied::fresh();
    }

    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Went {
        let before = out.len();
        let room = most.min(CHUNK);
        out.resize(before.saturating_add(room), 0);
        let went = inflate(&mut self.0, input, out.get_mut(before..).unwrap_or(&mut []), MZFlush::None);
        out.truncate(before.saturating_add(went.bytes_written));
        let next = match went.status {
            Ok(MZStatus::StreamEnd) => Next::Ended,
            Ok(_) if went.bytes_consumed == 0 && went.bytes_written == 0 => Next::Starved,
            Ok(_) => Next::More,
            Err(MZError::Buf) if went.bytes_written == room => Next::More,
            Err(MZError::Buf) => Next::Starved,
            Err(_) => Next::Broken,
        };
        Went { used: went.bytes_consumed, next }
    }

    fn weight(&self) -> usize {
        size_of::<InflateState>()
    }
}

/// What [`Swift`] holds: the window, and its tables.
const SWIFT: usize = 48 * 1024;
/// Room that [`Swift`] is given at least: with less it goes its slow path.
const LEAST_ROOM: usize = 4 * 1024;
/// Text becomes so many times smaller by DEFLATE, more or less.
const SWELLS: usize = 4;
/// Room that is made ahead of what is known to be needed, at most.
const MOST_AHEAD: usize = 256 * 1024;

impl Raw for Swift {
    fn fresh() -> Swift {
        Swift(Decompress::new(false))
    }

    fn restart(&mut self) {
        self.0.reset(false);
    }

    fn step(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Went {
        let (taken, before) = (self.0.total_in(), out.len());
        if out.capacity().saturating_sub(before) < LEAST_ROOM.min(most) {
            out.reserve(input.len().saturating_mul(SWELLS).clamp(LEAST_ROOM, MOST_AHEAD).min(most));
        }
        let went = if out.capacity().saturating_sub(before) <= most {
            self.0.decompress_vec(input, out, FlushDecompress::None)
        } else {
            let made = self.0.total_out();
            out.resize(before.saturating_add(most), 0);
            let went = self.0.decompress(input, out.get_mut(before..).unwrap_or(&mut []), FlushDecompress::None);
            let made = usize::try_from(self.0.total_out().saturating_sub(made)).unwrap_or(0);
            out.truncate(before.saturating_add(made));
            went
        };
        let used = usize::try_from(self.0.total_in().saturating_sub(taken)).unwrap_or(0);
        let next = match went {
            Ok(Status::StreamEnd) => Next::Ended,
            // Where room is left, all that the input gives was made.
            Ok(_) if used == input.len() && out.len() < out.capacity().min(before.saturating_add(most)) => Next::Starved,
            Ok(_) if used == 0 && out.len() == before => Next::Starved,
            Ok(_) => Next::More,
            Err(_) => Next::Broken,
        };
        Went { used, next }
    }

    fn weight(&self) -> usize {
        SWIFT
    }
}
