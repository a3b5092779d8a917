//! Chunks: the memory that lanes format into and the writer writes from, aligned as disks want it that take memory as it is.

use crate::lane::{MOST_AT_ONCE, block};
use crate::said::ENTERPRISE;
use crate::shared::{CHUNK, Shared};
use bytes::Bytes;
use std::sync::{Arc, Weak};

/// What lies at such a place, in memory and in the file, any disk takes without copying it.
pub const ALIGNED: usize = 4096;

/// A custom block that is not to be copied to other files (draft-ietf-opsawg-pcapng, section 4.9).
const CUSTOM: u32 = 0x4000_0bad;
/// The least that a custom block takes: type, length, enterprise number, length.
const LEAST: usize = 16;

/// Whole blocks that wait for the disk.
#[derive(Debug, Default)]
pub struct Chunk {
    memory: Vec<u8>,
    /// Where the blocks begin: the first aligned place.
    start: usize,
    /// Counted among what waits, as so many bytes.
    pub counted: usize,
}

impl Chunk {
    /// An empty one with room for [`CHUNK`] bytes, what one call may append besides, and [`Chunk::pad`].
    pub fn with_room() -> Chunk {
        let mut memory: Vec<u8> = Vec::with_capacity(CHUNK.saturating_add(MOST_AT_ONCE).saturating_add(ALIGNED * 3));
        let start = memory.as_ptr().align_offset(ALIGNED).min(ALIGNED);
        memory.resize(start, 0);
        Chunk { memory, start, counted: 0 }
    }

    /// These blocks.
    pub fn of(blocks: Vec<u8>) -> Chunk {
        Chunk { memory: blocks, start: 0, counted: 0 }
    }

    /// The blocks.
    pub fn bytes(&self) -> &[u8] {
        self.memory.get(self.start..).unwrap_or_default()
    }

    /// Their length.
    pub fn len(&self) -> usize {
        self.memory.len().saturating_sub(self.start)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has memory to be formatted into.
    pub fn has_room(&self) -> bool {
        self.memory.capacity() >= CHUNK
    }

    /// To append whole blocks to.
    pub fn end(&mut self) -> &mut Vec<u8> {
        &mut self.memory
    }

    /// Whether blocks of this chunk may go to an aligned place of the disk as they lie here, once padded.
    pub fn is_aligned(&self) -> bool {
        self.bytes().as_ptr().align_offset(ALIGNED) == 0
    }

    /// Appends a block that says nothing, so that what comes behind is aligned.
    pub fn pad(&mut self) {
        let len = self.len();
        pad(len as u64, &mut self.memory);
    }

    /// Empty again.
    pub fn clear(&mut self) {
        self.memory.truncate(self.start);
        self.counted = 0;
    }
}

/// Appends a block that says nothing, so that what is `len` bytes long with what is in `out` ends at an aligned place.
pub fn pad(len: u64, out: &mut Vec<u8>) {
    let over = (len as usize) & (ALIGNED - 1);
    if over == 0 {
        return;
    }
    let mut fill = ALIGNED.saturating_sub(over);
    if fill < LEAST {
        fill = fill.saturating_add(ALIGNED);
    }
    let mut body = vec![0; fill.saturating_sub(12)];
    if let Some(number) = body.get_mut(..4) {
        number.copy_from_slice(&ENTERPRISE.to_le_bytes());
    }
    block(CUSTOM, &body, out);
}

/// A written chunk that others still read; its memory then goes back to be used again.
struct Lent {
    chunk: Chunk,
    home: Weak<Shared>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.chunk.bytes()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            home.give_back(std::mem::take(&mut self.chunk));
        }
    }
}

/// Lends a chunk's bytes.
pub fn lend(chunk: Chunk, home: &Arc<Shared>) -> Bytes {
    Bytes::from_owner(Lent { chunk, home: Arc::downgrade(home) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_chunk_is_aligned_at_both_ends_and_ends_with_a_whole_block() {
        for len in [0usize, 4, 4080, 4084, 4092, 4096, 5000, 300_000] {
            let mut chunk = Chunk::with_room();
            let end = chunk.start + len;
            chunk.end().resize(end, 7);
            chunk.pad();
            assert!(chunk.is_aligned());
            assert_eq!(chunk.len() % ALIGNED, 0, "{len}");
            let pad = &chunk.bytes()[len..];
            if len % ALIGNED != 0 {
                let said = u32::from_le_bytes(pad[4..8].try_into().expect("4"));
                assert_eq!(said as usize, pad.len(), "{len}");
                assert_eq!(pad[pad.len() - 4..], pad[4..8]);
                assert!(pad.len() >= LEAST);
            }
            assert!(chunk.memory.capacity() < 2 * CHUNK + ALIGNED * 4, "never moved");
        }
    }
}
