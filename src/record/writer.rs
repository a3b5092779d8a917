//! The writer thread: takes what the lanes hold, a few times in 100 ms, and hands it to the kernel.

use crate::chunk::{Chunk, lend};
use crate::disk::Disk;
use crate::recorder::WhenFull;
use crate::said::{ENTERPRISE, Kind, Note};
use crate::shared::{Shared, lock};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wirelore_capture::Growth;

/// Between two writes, unless a chunk is full: long enough to make pieces worth a call, short enough to seem at once.
const PAUSE: Duration = Duration::from_millis(10);
/// How often a full disk is looked at again.
const AGAIN: Duration = Duration::from_millis(200);
/// Recording goes on when so much is free again.
const ROOM: u64 = 1 << 20;
/// Of what recording lets go, so much is kept to be written later: interfaces, secrets, what legs belong to whom.
const MOST_KEPT: usize = 16 << 20;

/// So many chunks are written at once at most: who reads along gets them while the next ones are written.
const AT_ONCE: usize = 16;

/// Runs until the recorder is closed and everything is written.
pub fn run(shared: &Arc<Shared>, mut disk: Disk, growth: &Growth, when_full: WhenFull) {
    let (mut gathered, mut chunks): (Vec<Chunk>, Vec<Chunk>) = Default::default();
    let mut gap: Option<Gap> = None;
    loop {
        let closing = shared.closing();
        let began = Instant::now();
        if gathered.is_empty() {
            shared.gather(&mut gathered);
            if gathered.is_empty() {
                if closing {
                    break;
                }
                match gap {
                    Some(_) => shared.pause(AGAIN),
                    None => shared.rest(),
                }
            }
        }
        let waiting = gathered.iter().map(Chunk::len).sum();
        chunks.extend(gathered.drain(..gathered.len().min(AT_ONCE)));
        if let Some(g) = gap.take() {
            gap = g.over(shared, &mut disk);
        }
        let counted = chunks.iter().map(|c| c.counted).sum();
        let mut written = 0;
        if gap.is_none() && !chunks.is_empty() {
            gap = write(shared, &mut disk, (&mut chunks, waiting), &mut written, when_full)
                .err()
                .map(|e| Gap::begin(shared, &mut disk, &e));
        }
        if let Some(gap) = &mut gap {
            gap.swallow(shared, chunks.get(written..).unwrap_or_default());
        }
        let len = disk.len();
        if shared.written.swap(len, Ordering::AcqRel) != len {
            // Whoever reads along is spared the way to the file and back.
            let lent = gap.is_none().then(|| chunks.drain(..).map(|c| lend(c, shared)).collect());
            growth.grown_by(len, lent.unwrap_or_default());
        }
        for chunk in chunks.drain(..) {
            shared.give_back(chunk);
        }
        shared.done(counted);
        if !closing && gathered.is_empty() {
            shared.pause(PAUSE.saturating_sub(began.elapsed()));
        }
    }
    disk.finish();
    growth.over();
}

/// Writes chunks, as many as there is room for, and counts them; with [`WhenFull::Block`] tries as often as it takes.
fn write(
    shared: &Shared,
    disk: &mut Disk,
    (chunks, waiting): (&mut Vec<Chunk>, usize),
    written: &mut usize,
    when_full: WhenFull,
) -> io::Result<()> {
    if disk.write_chunks(chunks, waiting).is_ok() {
        *written = chunks.len();
        return Ok(());
    }
    let parts: Vec<&[u8]> = chunks.iter().map(Chunk::bytes).collect();
    while let Some(part) = parts.get(*written) {
        match disk.write(&[part]) {
            Ok(()) => {
                *written = written.saturating_add(1);
                *lock(&shared.why) = None;
            }
            Err(e) if when_full == WhenFull::Block && !shared.closing() => {
                *lock(&shared.why) = Some(format!("{} The relay waits until there is room.", told(&e)));
                std::thread::sleep(AGAIN);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Why writing failed, in a sentence.
fn told(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::StorageFull => "The disk is full.".into(),
        io::ErrorKind::QuotaExceeded => "Your quota of the disk is used up.".into(),
        io::ErrorKind::FileTooLarge => "The file has reached the size that the system allows (ulimit -f).".into(),
        _ => format!("The system refuses to write: {e}."),
    }
}

/// A time in which nothing is recorded.
struct Gap {
    /// Blocks without which what comes later cannot be read.
    kept: Vec<u8>,
    lost: u64,
    looked: Instant,
}

impl Gap {
    fn begin(shared: &Shared, disk: &mut Disk, e: &io::Error) -> Gap {
        let why = format!("{} Recording goes on when there is room again; what passes meanwhile is not recorded.", told(e));
        let note = said(&format!("Recording stopped here. {why}"));
        // Room for this was just given back; where there is none the status still says it.
        let _ = disk.write(&[&note]);
        shared.stop(Some(why));
        Gap { kept: Vec::new(), lost: 0, looked: Instant::now() }
    }

    /// Lets chunks go, except for what later ones need.
    fn swallow(&mut self, shared: &Shared, chunks: &[Chunk]) {
        for chunk in chunks {
            let mut rest = chunk.bytes();
            while let Some((kind, block, behind)) = next_block(rest) {
                rest = behind;
                // Packets go, the rest stays.
                if kind != 6 && self.kept.len().saturating_add(block.len()) <= MOST_KEPT {
                    self.kept.extend_from_slice(block);
                } else {
                    self.lost = self.lost.saturating_add(block.len() as u64);
                    shared.lost.fetch_add(block.len() as u64, Ordering::AcqRel);
                }
            }
        }
    }

    /// `None`: there is room again, and what was kept is written.
    fn over(mut self, shared: &Shared, disk: &mut Disk) -> Option<Gap> {
        if self.looked.elapsed() < AGAIN && !shared.closing() {
            return Some(self);
        }
        self.looked = Instant::now();
        let need = ROOM.saturating_add(self.kept.len() as u64);
        if disk.free().is_some_and(|free| free < need) {
            return Some(self);
        }
        let note = said(&format!("Recording goes on here. {} bytes before this are missing.", self.lost));
        if disk.write(&[&note, &self.kept]).is_err() {
            return Some(self);
        }
        shared.stop(None);
        None
    }
}

/// The first block of `bytes`: its type, itself, and what is behind it.
fn next_block(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*rest.first_chunk::<4>()?) as usize;
    let (block, behind) = bytes.split_at_checked(len.max(12))?;
    Some((u32::from_le_bytes(*kind), block, behind))
}

/// A note of our own as a custom block.
fn said(what: &str) -> Vec<u8> {
    let mut text = String::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX));
    Note::new(Kind::Recording, what).write(0, now, &mut text);
    let mut out = Vec::new();
    let mut body = ENTERPRISE.to_le_bytes().to_vec();
    body.extend_from_slice(text.as_bytes());
    crate::lane::block(0xbad, &body, &mut out);
    out
}
