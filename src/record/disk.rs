//! The file on its disk: written in large pieces, allocated ahead, and cut back to whole blocks when the disk refuses.
//!
//! Where much comes at once it goes to the disk as it lies in memory (`O_DIRECT`). Otherwise the system copies it into memory of its own
//! first, and looks after that memory later: for a body of a gigabyte that costs more than relaying it.

use crate::chunk::{Chunk, pad};
use crate::settle::Settle;
use rustix::fs::{FallocateFlags, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Resource, getrlimit};
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::time::{Duration, Instant};

/// So much is allocated ahead of what is written: the file lies in few pieces, and its size still tells what is in it.
const AHEAD: u64 = 64 << 20;

/// So much at once is much. In 10 ms it is 25 MB/s.
const MUCH: usize = 256 << 10;
/// When more waits than this the disk is behind, and the system's memory takes it faster.
const BEHIND: usize = 24 << 20;
/// A disk that takes longer for that is too slow: what waits here is lost if we are killed.
const SLOW: Duration = Duration::from_millis(50);
/// It is tried again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// The way to the disk past the system's memory.
#[derive(Debug)]
enum Direct {
    /// It can be gone from then on.
    From(Instant),
    /// The file system refuses it.
    Never,
}

/// The file, appended to.
#[derive(Debug)]
pub struct Disk {
    file: File,
    /// Bytes written.
    len: u64,
    /// Allocated up to here; `None`: the file system cannot, or the disk is nearly full.
    ahead: Option<u64>,
    settle: Settle,
    direct: Direct,
    /// The file is open for it now.
    straight: bool,
}

impl Disk {
    /// A new file.
    pub fn new(file: File) -> Disk {
        let settle = Settle::new(&file);
        Disk { file, len: 0, ahead: Some(0), settle, direct: Direct::From(Instant::now()), straight: false }
    }

    /// Bytes in the file.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends all of `chunks`, or nothing. They may be padded for it, and one be put before them: what was appended is what is in them then.
    /// `waiting`: so many bytes wait for the disk, these among them.
    ///
    /// # Errors
    /// As [`Disk::write`].
    pub fn write_chunks(&mut self, chunks: &mut Vec<Chunk>, waiting: usize) -> io::Result<()> {
        let total: usize = chunks.iter().map(Chunk::len).sum();
        let now = Instant::now();
        let open = matches!(self.direct, Direct::From(then) if now >= then);
        if open && total >= MUCH && waiting < BEHIND && chunks.iter().all(Chunk::is_aligned) {
            let mut before = Vec::new();
            pad(self.len, &mut before);
            if !before.is_empty() {
                self.write(&[&before])?;
            }
            chunks.iter_mut().for_each(Chunk::pad);
            let parts: Vec<&[u8]> = chunks.iter().map(Chunk::bytes).collect();
            self.straight(true);
            let written = self.straight.then(|| self.write_all(&parts));
            match written {
                Some(Ok(())) => {
                    if now.elapsed() > SLOW {
                        self.direct = Direct::From(Instant::now().checked_add(AGAIN).unwrap_or(now));
                    }
                    if !before.is_empty() {
                        // Who reads along finds it where it lies in the file.
                        chunks.insert(0, Chunk::of(before));
                    }
                    return Ok(());
                }
                // The ordinary way says better why, or goes.
                _ => self.direct = Direct::Never,
            }
        }
        let parts: Vec<&[u8]> = chunks.iter().map(Chunk::bytes).collect();
        self.write(&parts)
    }

    /// Appends all of `parts`, or nothing: after an error the file ends where it did.
    ///
    /// # Errors
    /// Those of writing. The limit of a process on file sizes is an error here, not a signal.
    pub fn write(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        self.straight(false);
        self.write_all(parts)?;
        self.settle.grown(self.len);
        Ok(())
    }

    /// Opens and closes the way past the system's memory.
    fn straight(&mut self, wanted: bool) {
        if self.straight != wanted {
            let flags = fcntl_getfl(&self.file).unwrap_or(OFlags::empty());
            let flags = if wanted { flags.union(OFlags::DIRECT) } else { flags.difference(OFlags::DIRECT) };
            if fcntl_setfl(&self.file, flags).is_ok() {
                self.straight = wanted;
            }
        }
    }

    fn write_all(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let total: u64 = parts.iter().map(|p| p.len() as u64).sum();
        let end = self.len.saturating_add(total);
        if getrlimit(Resource::Fsize).current.is_some_and(|most| end > most) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.allocate(end);
        let written = self.append(parts);
        if written.is_err() {
            // What was begun is taken back. If even that fails the file ends in a cut block, which readers can tell.
            let _ = self.file.set_len(self.len);
            let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.len));
            self.ahead = None;
        } else {
            self.len = end;
        }
        written
    }

    fn append(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = parts.iter().filter(|p| !p.is_empty()).map(|p| IoSlice::new(p)).collect();
        let mut left = &mut slices[..];
        while !left.is_empty() {
            match self.file.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => IoSlice::advance_slices(&mut left, n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn allocate(&mut self, end: u64) {
        let Some(ahead) = self.ahead.filter(|ahead| end > *ahead) else { return };
        // The first pieces of a file are small: a short session is no reason to take 64 MiB.
        let more = end.clamp(1 << 20, AHEAD);
        let from = ahead.max(self.len);
        let len = end.saturating_sub(from).saturating_add(more);
        let done = rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, from, len);
        self.ahead = done.is_ok().then_some(from.saturating_add(len));
    }

    /// Bytes that are free on the disk; `None`: the system does not say.
    pub fn free(&self) -> Option<u64> {
        let stat = rustix::fs::fstatvfs(&self.file).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Gives back what was allocated ahead.
    pub fn finish(self) {
        // Cutting a file at its end only frees what lies behind; a file system that cannot loses nothing.
        let _ = self.file.set_len(self.len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::custom;
    use std::io::Read;

    #[test]
    fn what_was_put_before_a_large_write_was_not_told_to_who_reads_along() {
        let path = std::env::temp_dir().join(format!("wirelore-disk-{}", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).expect("a file");
        let (mut again, mut disk) = (File::open(&path).expect("it is there"), Disk::new(file));
        std::fs::remove_file(&path).expect("it is ours");
        let mut told: Vec<u8> = Vec::new();
        // Small and large by turns: the large ones begin at aligned places.
        for size in [100, MUCH, 100, MUCH, MUCH, 36] {
            let mut chunk = Chunk::with_room();
            while chunk.len() < size {
                custom(&"x".repeat(1000), chunk.end());
            }
            let mut chunks = vec![chunk];
            disk.write_chunks(&mut chunks, size).expect("there is room");
            told.extend(chunks.iter().flat_map(|c| c.bytes()));
            assert_eq!(disk.len(), told.len() as u64);
        }
        let mut there = Vec::new();
        again.read_to_end(&mut there).expect("it can be read");
        assert!(there == told);
        disk.finish();
    }
}
