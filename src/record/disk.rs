//! The file on its disk: written in large pieces, allocated ahead, and cut back to whole blocks when the disk refuses.

use crate::settle::Settle;
use rustix::fs::FallocateFlags;
use rustix::process::{Resource, getrlimit};
use std::fs::File;
use std::io::{self, IoSlice, Write};

/// So much is allocated ahead of what is written: the file lies in few pieces, and its size still tells what is in it.
const AHEAD: u64 = 64 << 20;

/// The file, appended to.
#[derive(Debug)]
pub struct Disk {
    file: File,
    /// Bytes written.
    len: u64,
    /// Allocated up to here; `None`: the file system cannot, or the disk is nearly full.
    ahead: Option<u64>,
    settle: Settle,
}

impl Disk {
    /// A new file.
    pub fn new(file: File) -> Disk {
        let settle = Settle::new(&file);
        Disk { file, len: 0, ahead: Some(0), settle }
    }

    /// Bytes in the file.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends all of `parts`, or nothing: after an error the file ends where it did.
    ///
    /// # Errors
    /// Those of writing. The limit of a process on file sizes is an error here, not a signal.
    pub fn write(&mut self, parts: &[&[u8]]) -> io::Result<()> {
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
            self.settle.grown(end);
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
