//! Brotli (RFC 7932) undone as bytes come.

use super::Fault;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// A running brotli decoder; its state cannot be copied.
pub struct Unbrotli {
    state: Box<State>,
    taken: u64,
    done: bool,
}

impl Default for Unbrotli {
    fn default() -> Unbrotli {
        // "Large window" brotli is no HTTP coding: its window could be a gigabyte.
        let state = State::new_strict(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
        Unbrotli { state: Box::new(state), taken: 0, done: false }
    }
}

impl Unbrotli {
    /// Adds to `out` what `input` gives, at most `most` bytes.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), Fault> {
        let (mut left, mut at, mut total) = (input.len(), 0usize, 0usize);
        let limit = out.len().saturating_add(most);
        let mut chunk = vec![0u8; 16 * 1024];
        loop {
            if self.done {
                return Ok(());
            }
            let room = limit.saturating_sub(out.len()).min(chunk.len());
            if room == 0 && left > 0 {
                return Err(Fault::TooMuch);
            }
            let (mut free, mut filled) = (room, 0usize);
            let before = left;
            let went = BrotliDecompressStream(
                &mut left,
                &mut at,
                input,
                &mut free,
                &mut filled,
                &mut chunk,
                &mut total,
                &mut self.state,
            );
            self.taken = self.taken.saturating_add(before.saturating_sub(left) as u64);
            out.extend_from_slice(chunk.get(..filled).unwrap_or(&[]));
            match went {
                BrotliResult::ResultSuccess => self.done = true,
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::NeedsMoreOutput if room == 0 => return Err(Fault::TooMuch),
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::ResultFailure => return Err(Fault::Broken),
            }
        }
    }

    /// Whether the last block was read.
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// Bytes of memory: the tables, and the window once data has come (its size is not told; 16 MiB at most,
    /// most encoders use 4 MiB).
    pub const fn weight(&self) -> usize {
        size_of::<State>().saturating_add(64 << 10).saturating_add(if self.taken > 0 && !self.done { 4 << 20 } else { 0 })
    }
}
