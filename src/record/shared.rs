//! What lanes and the writer share: filled chunks, who sleeps, who waits.

use crate::chunk::Chunk;
use crate::lane::Side;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wirelore_capture::Growth;

/// Bytes of a chunk that is handed to the writer at once.
pub const CHUNK: usize = 256 << 10;
/// So many bytes in full chunks wake the writer before its pause is over: few and large writes cost less than many.
const ENOUGH: usize = 3 * CHUNK;
/// Chunks kept to be filled again.
const KEPT: usize = 32;

/// A lock here is poisoned only if formatting panicked between two frames: what is there is whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a lane has formatted and nobody has written yet.
#[derive(Debug, Default)]
struct Pending {
    /// Full chunks, in order, and behind them the one that is being filled.
    full: Vec<Chunk>,
    current: Chunk,
    /// Its lane is gone.
    left: bool,
}

/// Where a lane and the writer meet. The lock is free but for the moment in which the writer swaps the chunks out.
#[derive(Debug, Default)]
pub struct Slot(Mutex<Pending>);

impl Slot {
    /// Has `write` append whole blocks, at most [`MOST_AT_ONCE`] bytes.
    pub fn append(&self, shared: &Shared, write: impl FnOnce(&mut Vec<u8>)) {
        if shared.closing() {
            // Nobody will write it.
            return;
        }
        let mut pending = lock(&self.0);
        if !pending.current.has_room() {
            pending.current = shared.chunk();
        }
        write(pending.current.end());
        if pending.current.len() >= CHUNK {
            let mut full = std::mem::take(&mut pending.current);
            full.counted = full.len();
            let waiting = shared.queued.fetch_add(full.counted, Ordering::Relaxed).saturating_add(full.counted);
            pending.full.push(full);
            drop(pending);
            if waiting >= ENOUGH {
                shared.wake();
            }
        }
    }

    /// Nothing more will come.
    pub fn leave(&self) {
        lock(&self.0).left = true;
    }

    /// Swaps everything out; false: nothing more will come.
    fn take(&self, into: &mut Vec<Chunk>) -> bool {
        let mut pending = lock(&self.0);
        into.append(&mut pending.full);
        if !pending.current.is_empty() {
            into.push(std::mem::take(&mut pending.current));
        }
        !pending.left
    }
}

/// The middle of a recorder: known to its lanes, its handles and its writer.
#[derive(Debug, Default)]
pub struct Shared {
    slots: Mutex<Vec<Arc<Slot>>>,
    /// Blocks that must stand before all that lanes hold: interfaces.
    front: Mutex<Vec<u8>>,
    /// What was captured beside the proxy: it stands behind what lanes told before it.
    pub back: Slot,
    pool: Mutex<Vec<Chunk>>,
    /// Bytes in full chunks that are not written yet.
    queued: AtomicUsize,
    /// So many may be.
    bound: usize,
    /// Write secrets.
    pub secrets: bool,
    /// Clients' legs are told by captured packets too.
    pub twins: bool,
    /// Where it is told when the file has grown.
    pub growth: Growth,
    /// The writer is to look now.
    hurry: Mutex<bool>,
    woken: Condvar,
    room: Condvar,
    /// The writer sleeps until it is woken.
    resting: AtomicBool,
    closing: AtomicBool,
    /// Recording has stopped: what comes is let go.
    stopped: AtomicBool,
    listeners: AtomicU32,
    /// Bytes in the file.
    pub written: AtomicU64,
    /// Bytes that recording let go while it was stopped.
    pub lost: AtomicU64,
    /// Why it stopped.
    pub why: Mutex<Option<String>>,
}

impl Shared {
    pub fn new(bound: usize, secrets: bool, twins: bool, growth: Growth) -> Shared {
        Shared { bound: bound.max(CHUNK), secrets, twins, growth, ..Shared::default() }
    }

    /// A place for a new lane.
    pub fn slot(&self) -> Arc<Slot> {
        let slot = Arc::new(Slot::default());
        lock(&self.slots).push(Arc::clone(&slot));
        slot
    }

    /// An empty chunk.
    fn chunk(&self) -> Chunk {
        let idle = lock(&self.pool).pop();
        idle.unwrap_or_else(Chunk::with_room)
    }

    /// Memory that nobody needs any more.
    pub fn give_back(&self, mut chunk: Chunk) {
        let mut pool = lock(&self.pool);
        if pool.len() < KEPT && chunk.has_room() {
            chunk.clear();
            pool.push(chunk);
        }
    }

    /// The interface of one side of a listener.
    pub fn interface(&self, listener: u32, side: Side) -> u32 {
        let last = self.listeners.load(Ordering::Acquire).saturating_sub(1);
        // A listener that was never told would make the file unreadable.
        listener.min(last).saturating_mul(2).saturating_add(u32::from(side == Side::Server))
    }

    /// Adds a listener, whose two interfaces are described by `blocks`; gives its number.
    pub fn listener(&self, blocks: impl FnOnce(u32) -> Vec<u8>) -> u32 {
        self.add_listener(&mut lock(&self.front), blocks)
    }

    /// Adds a listener if there is none.
    pub fn first_listener(&self, blocks: impl FnOnce(u32) -> Vec<u8>) {
        let mut front = lock(&self.front);
        if self.listeners.load(Ordering::Acquire) == 0 {
            self.add_listener(&mut front, blocks);
        }
    }

    fn add_listener(&self, front: &mut Vec<u8>, blocks: impl FnOnce(u32) -> Vec<u8>) -> u32 {
        let number = self.listeners.load(Ordering::Acquire);
        front.extend_from_slice(&blocks(number));
        self.listeners.store(number.saturating_add(1), Ordering::Release);
        number
    }

    /// Everything formatted so far, in an order that the file may have.
    pub fn gather(&self, into: &mut Vec<Chunk>) {
        // Taken first and put last: what lanes had told before is taken with them.
        let mut last = Vec::new();
        self.back.take(&mut last);
        let mut slots = lock(&self.slots);
        slots.retain(|slot| slot.take(into));
        drop(slots);
        into.append(&mut last);
        // Taken last and put first: who appended a frame of an interface had told the interface before.
        let front = std::mem::take(&mut *lock(&self.front));
        if !front.is_empty() {
            into.insert(0, Chunk::of(front));
        }
    }

    /// So many of the bytes that were counted as waiting do not wait any more.
    pub fn done(&self, counted: usize) {
        if counted > 0 {
            self.queued.fetch_sub(counted, Ordering::AcqRel);
            let _held = lock(&self.hurry);
            self.room.notify_all();
        }
    }

    /// The turn of a lane's event loop is over.
    pub fn turned(&self) {
        if self.resting.load(Ordering::Acquire) && self.resting.swap(false, Ordering::AcqRel) {
            self.wake();
        }
        if self.full() {
            let mut held = lock(&self.hurry);
            while self.full() {
                held = self.room.wait(held).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Whether a lane must wait.
    pub fn full(&self) -> bool {
        self.queued.load(Ordering::Acquire) > self.bound && !self.over()
    }

    /// Whether who reads along is about to lose touch with what is written and waits to be.
    pub fn outruns_reader(&self) -> bool {
        self.growth.is_pressed(self.queued.load(Ordering::Relaxed) / CHUNK)
    }

    fn over(&self) -> bool {
        self.stopped.load(Ordering::Acquire) || self.closing.load(Ordering::Acquire)
    }

    /// Wakes the writer.
    pub fn wake(&self) {
        *lock(&self.hurry) = true;
        self.woken.notify_one();
    }

    /// The writer pauses, at most so long.
    pub fn pause(&self, most: Duration) {
        let mut held = lock(&self.hurry);
        if !*held {
            (held, _) = self.woken.wait_timeout(held, most).unwrap_or_else(PoisonError::into_inner);
        }
        *held = false;
    }

    /// The writer sleeps until something is there.
    pub fn rest(&self) {
        self.resting.store(true, Ordering::Release);
        // A lane that appended before it could see that the writer rests is seen here: the slot's lock orders the two.
        let waits = |slot: &Slot| {
            let pending = lock(&slot.0);
            pending.left || !pending.current.is_empty() || !pending.full.is_empty()
        };
        let something = waits(&self.back) || lock(&self.slots).iter().any(|slot| waits(slot));
        let something = something || !lock(&self.front).is_empty();
        let mut held = lock(&self.hurry);
        while !something && !*held && !self.closing() {
            held = self.woken.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held = false;
        self.resting.store(false, Ordering::Release);
    }

    /// The file is to be finished.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake();
        let _held = lock(&self.hurry);
        self.room.notify_all();
    }

    /// Whether it is.
    pub fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Recording stops, or (`None`) goes on.
    pub fn stop(&self, why: Option<String>) {
        self.stopped.store(why.is_some(), Ordering::Release);
        *lock(&self.why) = why;
        let _held = lock(&self.hurry);
        self.room.notify_all();
    }
}
