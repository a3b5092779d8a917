//! Blocks and batches: the reused memory that packets are delivered in.
//!
//! A block is one `pread` of the capture, or what its writer lent. It is shared by reference count with whoever still looks at its packets,
//! never changed while shared, and read into again once everyone has let go.

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

/// One window of the capture in memory. Its bytes begin at offset [`Block::at`] of the file or spool.
#[derive(Debug, Default)]
pub struct Block {
    pub(crate) at: u64,
    pub(crate) buf: Vec<u8>,
    pub(crate) len: usize,
    /// Bytes that somebody else holds, in place of `buf`.
    pub(crate) lent: Option<Bytes>,
}

impl Block {
    /// Bytes that lie in memory already.
    pub(crate) fn lent(at: u64, bytes: Bytes) -> Block {
        Block { at, buf: Vec::new(), len: bytes.len(), lent: Some(bytes) }
    }

    /// Offset of the first byte in the file, or in the spool for compressed and piped input.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The bytes read.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.lent {
            None => self.buf.get(..self.len).unwrap_or_default(),
            Some(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

/// A handle on a shared block that [`Bytes`] can own.
struct Shared(Arc<Block>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// What is said about a packet besides its bytes and time.
pub mod mark {
    /// The packet carries a comment; a [`crate::Event::Comment`] follows its batch.
    pub const COMMENT: u32 = 1;
    /// The block has no timestamp (simple packet block).
    pub const NO_TIME: u32 = 1 << 1;
    /// The record is longer than the snapshot length its file announces.
    pub const OVER_SNAPLEN: u32 = 1 << 2;
    /// The packet was read after a damaged place was skipped.
    pub const AFTER_DAMAGE: u32 = 1 << 3;
    /// The packet was made from bytes that a proxy relayed (see [`crate::origin`]): its headers were never on a wire.
    pub const SYNTHETIC: u32 = 1 << 4;
    /// It is of the leg between the proxy and a server: the same bytes may stand in the leg to the client too.
    pub const SERVER_LEG: u32 = 1 << 5;
    /// The capturing side lost packets just before this one; a [`crate::Event::Drops`] follows its batch.
    pub const LOSS: u32 = 1 << 6;
}

/// One packet of a batch: where its bytes are and when they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Offset of the packet's first byte in the file or spool; [`crate::SpoolReader::read_at`] reads it again later.
    pub at: u64,
    /// Time of capture in nanoseconds since 1970-01-01 UTC; [`NO_TIME`] when the record has none.
    pub time_ns: i64,
    /// Position of the packet's first byte in the batch's block.
    pub start: u32,
    /// Number of captured bytes.
    pub cap_len: u32,
    /// Number of bytes on the wire.
    pub wire_len: u32,
    /// Interface the packet was seen on: an index over all sections of the file, as told by [`crate::Event::Interface`].
    pub interface: u32,
    /// `epb_flags` of pcapng (direction, reception type, FCS length, link errors), 0 when absent.
    pub flags: u32,
    /// Bits of [`mark`].
    pub marks: u32,
}

/// The `time_ns` of a packet without a timestamp.
pub const NO_TIME: i64 = i64::MIN;

/// The packets of a batch; the memory of the list is used again once it is dropped.
#[derive(Debug, Default)]
pub struct Items {
    list: Vec<Item>,
    home: Option<Arc<Lists>>,
}

impl Deref for Items {
    type Target = [Item];
    fn deref(&self) -> &[Item] {
        &self.list
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.put(std::mem::take(&mut self.list));
        }
    }
}

/// A run of packets, in file order, whose bytes lie in one block.
#[derive(Debug, Default)]
pub struct Batch {
    /// The bytes, shared: cloning the `Arc` keeps them.
    pub block: Arc<Block>,
    /// The packets. May be empty: reading goes on, there is just nothing to show for it yet.
    pub items: Items,
    /// Index in the capture of the first packet, counted from 0.
    pub first: u64,
}

impl Batch {
    /// The captured bytes of one of this batch's packets (empty for an item of another batch).
    #[inline]
    pub fn data(&self, item: &Item) -> &[u8] {
        let start = item.start as usize;
        self.block.bytes().get(start..start.saturating_add(item.cap_len as usize)).unwrap_or_default()
    }

    /// The whole block as [`Bytes`], for those who keep slices of it: one allocation, no copy.
    pub fn bytes(&self) -> Bytes {
        Bytes::from_owner(Shared(Arc::clone(&self.block)))
    }
}

/// Lists of items waiting to be filled again.
#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<Vec<Vec<Item>>>);

impl Lists {
    fn put(&self, mut list: Vec<Item>) {
        list.clear();
        if let Ok(mut idle) = self.0.lock()
            && idle.len() < KEPT
        {
            idle.push(list);
        }
    }

    fn get(&self) -> Vec<Item> {
        self.0.lock().ok().and_then(|mut idle| idle.pop()).unwrap_or_default()
    }
}

/// How many idle blocks and lists are kept for reuse at most.
const KEPT: usize = 32;

/// The blocks and lists of one source.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    blocks: Vec<Arc<Block>>,
    lists: Arc<Lists>,
}

impl Pool {
    /// A block nobody looks at, its buffer at least `len` bytes long.
    pub(crate) fn block(&mut self, len: usize) -> Block {
        let idle = self.blocks.iter_mut().position(|block| Arc::get_mut(block).is_some());
        let mut block =
            idle.map(|at| self.blocks.swap_remove(at)).and_then(|shared| Arc::try_unwrap(shared).ok()).unwrap_or_default();
        // A block that grew for one huge packet is not kept at that size.
        if block.buf.len() > len.saturating_mul(4) {
            block.buf = Vec::new();
        }
        if block.buf.len() < len {
            block.buf.resize(len, 0);
        }
        block.len = 0;
        block
    }

    /// Remember a shared block, to use its memory again once it is free.
    pub(crate) fn keep(&mut self, block: &Arc<Block>) {
        if self.blocks.len() < KEPT {
            self.blocks.push(Arc::clone(block));
        }
    }

    /// Take the items read so far out of `list` and leave an empty, reused list in its place.
    pub(crate) fn hand_over(&self, list: &mut Vec<Item>) -> Items {
        let full = std::mem::replace(list, self.lists.get());
        Items { list: full, home: Some(Arc::clone(&self.lists)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_stays_small() {
        assert_eq!(size_of::<Item>(), 40);
    }

    #[test]
    fn a_block_in_use_is_not_read_into_again() {
        let mut pool = Pool::default();
        let first = Arc::new(pool.block(8));
        pool.keep(&first);
        let second = pool.block(8);
        assert_ne!(first.buf.as_ptr(), second.buf.as_ptr());
        let memory = first.buf.as_ptr();
        drop(first);
        assert_eq!(pool.block(8).buf.as_ptr(), memory, "free again, so used again");
    }
}
