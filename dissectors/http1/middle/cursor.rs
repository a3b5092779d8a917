//! A direction's bytes while they are read: what passes goes on in as few pieces as can be, without being copied.

use bytes::Bytes;
use wirelore_kit::Dir;
use wirelore_kit::middle::Step;

/// Bytes, how far they were read, and how far they were sent or left out.
#[derive(Debug)]
pub struct Cursor {
    dir: Dir,
    bytes: Bytes,
    sent: usize,
    at: usize,
}

impl Cursor {
    /// Before the first of `bytes`.
    #[must_use]
    pub const fn new(dir: Dir, bytes: Bytes) -> Cursor {
        Cursor { dir, bytes, sent: 0, at: 0 }
    }

    /// What is still to be read.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// The next `n` bytes go on.
    pub fn pass(&mut self, n: usize) {
        self.at = self.at.saturating_add(n).min(self.bytes.len());
    }

    /// The next `n` bytes are left out.
    pub fn skip(&mut self, n: usize, steps: &mut Vec<Step>) {
        self.flush(steps);
        self.pass(n);
        self.sent = self.at;
    }

    /// The next `n` bytes are left out and given.
    pub fn take(&mut self, n: usize, steps: &mut Vec<Step>) -> Bytes {
        self.flush(steps);
        let from = self.at;
        self.pass(n);
        self.sent = self.at;
        self.bytes.slice(from..self.at)
    }

    /// These bytes go on in the place of what was left out.
    pub fn put(&mut self, bytes: Bytes, steps: &mut Vec<Step>) {
        self.flush(steps);
        if !bytes.is_empty() {
            steps.push(Step::Send { dir: self.dir, bytes });
        }
    }

    /// What goes on so far is sent.
    pub fn flush(&mut self, steps: &mut Vec<Step>) {
        if self.at > self.sent {
            steps.push(Step::Send { dir: self.dir, bytes: self.bytes.slice(self.sent..self.at) });
            self.sent = self.at;
        }
    }

    /// What was not read.
    #[must_use]
    pub fn left(mut self) -> Bytes {
        self.bytes.split_off(self.at.min(self.bytes.len()))
    }

    /// As [`Cursor::left`], and nothing more is there.
    #[must_use]
    pub fn take_left(&mut self) -> Bytes {
        let left = self.bytes.split_off(self.at.min(self.bytes.len()));
        self.sent = self.at;
        left
    }
}
