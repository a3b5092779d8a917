//! Where the bytes of a capture lie: the file itself, memory, or a temporary file that piped and packed input is
//! written to, so that every byte has an offset it can be read from again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError, bounded};

use crate::decode::{Decoder, Input, Meter};
use crate::error::OpenError;
use crate::growth::Growth;
use crate::sniff::Compression;

/// Bytes that can be read at any offset.
#[derive(Debug, Clone)]
enum Body {
    File(Arc<File>),
    Memory(Bytes),
}

/// A handle on the capture's bytes for random access, by any number of threads.
#[derive(Debug, Clone)]
pub struct SpoolReader {
    body: Body,
}

impl SpoolReader {
    /// The `len` bytes at `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the capture ends before (a followed file was cut), and what the system says otherwise.
    pub fn read_at(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.read_into(offset, len, &mut Memory::none())
    }

    /// As [`SpoolReader::read_at`], in memory of earlier pieces where that is free.
    ///
    /// # Errors
    /// As there.
    pub fn read_into(&self, offset: u64, len: usize, memory: &mut Memory) -> io::Result<Bytes> {
        let end = offset.checked_add(len as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        match &self.body {
            Body::Memory(all) => {
                let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
                match range.filter(|(_, end)| *end <= all.len()) {
                    Some((start, end)) => Ok(all.slice(start..end)),
                    None => Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
            Body::File(file) => {
                // Never make room for what the file cannot hold.
                if len > 1 << 20 && end > file.metadata()?.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let mut out = memory.take(len);
                file.read_exact_at(&mut out, offset)?;
                Ok(memory.lend(out.freeze()))
            }
        }
    }
}

/// Memory of pieces that were read one after another: used again when nobody looks at them any more.
#[derive(Debug)]
pub struct Memory {
    lent: Vec<Bytes>,
    /// So many pieces are remembered.
    most: usize,
}

impl Memory {
    /// For a reader of which at most `most` pieces are looked at at a time.
    #[must_use]
    pub const fn of(most: usize) -> Memory {
        Memory { lent: Vec::new(), most }
    }

    const fn none() -> Memory {
        Memory::of(0)
    }

    fn take(&mut self, len: usize) -> BytesMut {
        let free = self.lent.iter().position(Bytes::is_unique).map(|i| self.lent.swap_remove(i));
        match free.map(Bytes::try_into_mut) {
            Some(Ok(mut memory)) => {
                memory.resize(len, 0);
                memory
            }
            _ => BytesMut::zeroed(len),
        }
    }

    fn lend(&mut self, piece: Bytes) -> Bytes {
        if self.lent.len() < self.most {
            self.lent.push(piece.clone());
        }
        piece
    }
}

/// Why no more bytes come, when it is not simply the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The packed data is broken; `cut`: it just ends too early.
    Broken { why: String, cut: bool },
    /// The pipe or file below failed.
    Failed { why: String },
    /// The spool may not grow further.
    Full { limit: u64 },
    /// The disk would run full.
    NoRoom { folder: PathBuf },
}

/// What a feeding thread sends.
enum Fed {
    Bytes(Vec<u8>),
    End { trailing: bool },
    Broken(io::Error),
}

/// Who brings the bytes.
enum Feed {
    /// Unpacked on demand, on the reader's thread.
    Inline(Box<Decoder>),
    /// Read (and unpacked) by a thread, because reading may block for long.
    Thread(Receiver<Fed>),
}

/// Can the wanted bytes be had?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Have {
    /// Yes.
    All,
    /// The end comes first.
    End,
    /// Not yet: the pipe is silent, or the followed file has not grown.
    Idle,
    /// Not yet, but there was progress: ask again.
    More,
}

/// Limits and places of a spool.
#[derive(Debug, Clone)]
pub(crate) struct SpoolOptions {
    pub folder: Option<PathBuf>,
    pub limit: u64,
}

/// How often a file is looked at of which nobody tells when it grows.
const LOOK: Duration = Duration::from_millis(20);

/// The bytes of one capture.
pub(crate) struct Spool {
    body: Body,
    len: u64,
    feed: Option<Feed>,
    options: SpoolOptions,
    folder: PathBuf,
    follow: bool,
    /// Told by whoever writes the file: nothing behind its length is certain yet.
    growth: Option<Growth>,
    /// How the feed stopped, if it did not simply end.
    pub(crate) stopped: Option<Stopped>,
    /// Bytes after the last packed frame were passed over.
    pub(crate) trailing: bool,
    meter: Option<Arc<Meter>>,
    total: Option<u64>,
    packed: Option<Compression>,
    scratch: Vec<u8>,
    checked: u64,
}

/// Bytes moved into the spool by one request at most, so that a reader can be cancelled.
const AT_ONCE: u64 = 4 << 20;
const CHUNK: usize = 256 * 1024;
/// How long a silent pipe is listened to before the caller gets its turn.
const PATIENCE: Duration = Duration::from_millis(50);
/// The disk is asked for its free space whenever so much was written.
const CHECK_EVERY: u64 = 64 << 20;
/// Free bytes that are left to others on the spool's disk.
const LEAVE_FREE: u64 = 512 << 20;

impl Spool {
    pub(crate) fn memory(all: Bytes, options: SpoolOptions) -> Self {
        let len = all.len() as u64;
        Self::with(Body::Memory(all), len, None, options)
    }

    pub(crate) fn growing(file: File, growth: Growth, options: SpoolOptions) -> Self {
        let len = growth.now().len;
        growth.read_along();
        Self { growth: Some(growth), ..Self::file(file, len, true, options) }
    }

    pub(crate) fn file(file: File, len: u64, follow: bool, options: SpoolOptions) -> Self {
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        let mut spool = Self::with(Body::File(Arc::new(file)), len, None, options);
        spool.follow = follow;
        spool.total = Some(len);
        spool
    }

    /// Packed bytes, unpacked as the reader asks.
    pub(crate) fn packed(decoder: Decoder, total: u64, options: SpoolOptions) -> Result<Self, OpenError> {
        let (file, folder) = temporary(options.folder.as_deref())?;
        let (meter, packed) = (decoder.meter(), decoder.packed());
        let mut spool = Self::with(Body::File(Arc::new(file)), 0, Some(Feed::Inline(Box::new(decoder))), options);
        (spool.folder, spool.meter, spool.total, spool.packed) = (folder, Some(meter), Some(total), packed);
        Ok(spool)
    }

    /// Bytes of a pipe, brought by a thread of their own. `name` is told in errors.
    /// Blocks until the first bytes have come.
    pub(crate) fn pipe(input: Input, name: &str, options: SpoolOptions) -> Result<Self, OpenError> {
        let (file, folder) = temporary(options.folder.as_deref())?;
        let io = |source| OpenError::Io { name: name.into(), source };
        let mut decoder = Decoder::new(input).map_err(io)?;
        let (meter, packed) = (decoder.meter(), decoder.packed());
        let (send, receive) = bounded(8);
        let carry = move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let fed = match decoder.read(&mut chunk) {
                    Ok(0) => Fed::End { trailing: decoder.trailing },
                    Ok(n) => {
                        chunk.truncate(n);
                        Fed::Bytes(chunk)
                    }
                    Err(e) => Fed::Broken(e),
                };
                let last = !matches!(fed, Fed::Bytes(_));
                // Nobody listens any more: the source was dropped.
                if send.send(fed).is_err() || last {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("capture-feed".into()).spawn(carry).map_err(io)?;
        let mut spool = Self::with(Body::File(Arc::new(file)), 0, Some(Feed::Thread(receive)), options);
        (spool.folder, spool.meter, spool.packed) = (folder, Some(meter), packed);
        Ok(spool)
    }

    fn with(body: Body, len: u64, feed: Option<Feed>, options: SpoolOptions) -> Self {
        Self {
            body,
            len,
            feed,
            options,
            folder: PathBuf::new(),
            follow: false,
            growth: None,
            stopped: None,
            trailing: false,
            meter: None,
            total: Some(len),
            packed: None,
            scratch: Vec::new(),
            checked: 0,
        }
    }

    pub(crate) fn reader(&self) -> SpoolReader {
        SpoolReader { body: self.body.clone() }
    }

    pub(crate) fn compression(&self) -> Option<Compression> {
        self.packed
    }

    /// Bytes that can be read now.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Will there never be more bytes than [`Spool::len`]?
    pub(crate) fn ended(&self) -> bool {
        self.feed.is_none() && !self.follow
    }

    /// Waits until the followed file has more bytes, at most so long. A pipe was waited for when it was read.
    pub(crate) fn wait(&mut self, most: Duration) {
        match &self.growth {
            Some(growth) if self.follow => {
                let now = growth.wait(self.len, most);
                if now.over {
                    self.len = now.len;
                    self.follow = false;
                }
            }
            _ if self.feed.is_none() => std::thread::sleep(most.min(LOOK)),
            _ => {}
        }
    }

    /// Bytes around `at` that whoever writes the file has still in memory, and where they begin.
    pub(crate) fn lent(&self, at: u64) -> Option<(u64, Bytes)> {
        self.growth.as_ref().and_then(|growth| growth.piece(at))
    }

    /// No more waiting for a followed file to grow.
    pub(crate) fn stop_following(&mut self) {
        self.follow = false;
    }

    /// Packed bytes taken and their number, where input is packed or piped.
    pub(crate) fn taken(&self) -> (Option<u64>, Option<u64>) {
        let piped = matches!(self.feed, Some(Feed::Thread(_)));
        (self.meter.as_ref().map(|m| m.taken.load(Ordering::Relaxed)), self.total.filter(|_| !piped))
    }

    /// Try to have all bytes below `end`; `wish` (at least `end`) is how far to unpack when it costs no waiting.
    pub(crate) fn ensure(&mut self, end: u64, wish: u64) -> io::Result<Have> {
        if self.len >= end && (self.len >= wish || self.feed.is_none()) {
            return Ok(Have::All);
        }
        let before = self.len;
        match &self.feed {
            None => self.look_again(end),
            Some(_) => {
                let stop = wish.max(end).min(before.saturating_add(AT_ONCE));
                let idle = self.pull(end, stop);
                Ok(if self.len >= end {
                    Have::All
                } else if self.feed.is_none() {
                    Have::End
                } else if idle && self.len == before {
                    Have::Idle
                } else {
                    Have::More
                })
            }
        }
    }

    fn look_again(&mut self, end: u64) -> io::Result<Have> {
        if self.follow
            && let Body::File(file) = &self.body
        {
            let now = match &self.growth {
                Some(growth) => growth.now().len,
                None => file.metadata()?.len(),
            };
            // A file that shrank (rotated, written anew) will not bring what comes next.
            if now < self.len {
                self.follow = false;
                self.stopped = Some(Stopped::Failed { why: "the file became shorter while it was followed".into() });
            }
            self.len = now;
            self.total = Some(now);
        }
        Ok(if self.len >= end {
            Have::All
        } else if self.follow {
            Have::Idle
        } else {
            Have::End
        })
    }

    /// Moves bytes from the feed into the spool until `stop`, or until waiting would be needed and `end` is there.
    /// True when the feed was silent.
    fn pull(&mut self, end: u64, stop: u64) -> bool {
        while self.len < stop {
            let fed = match &mut self.feed {
                None => return false,
                Some(Feed::Inline(decoder)) => {
                    let mut chunk = std::mem::take(&mut self.scratch);
                    chunk.resize(CHUNK, 0);
                    match decoder.read(&mut chunk) {
                        Ok(0) => Fed::End { trailing: decoder.trailing },
                        Ok(n) => {
                            chunk.truncate(n);
                            Fed::Bytes(chunk)
                        }
                        Err(e) => Fed::Broken(e),
                    }
                }
                Some(Feed::Thread(receive)) => match receive.try_recv() {
                    Ok(fed) => fed,
                    Err(TryRecvError::Disconnected) => Fed::Broken(io::Error::other("its reader ended early")),
                    Err(TryRecvError::Empty) if self.len >= end => return true,
                    Err(TryRecvError::Empty) => match receive.recv_timeout(PATIENCE) {
                        Ok(fed) => fed,
                        Err(RecvTimeoutError::Timeout) => return true,
                        Err(RecvTimeoutError::Disconnected) => Fed::Broken(io::Error::other("its reader ended early")),
                    },
                },
            };
            match fed {
                Fed::Bytes(chunk) => {
                    self.append(&chunk);
                    self.scratch = chunk;
                }
                Fed::End { trailing } => {
                    self.trailing = trailing;
                    self.feed = None;
                }
                Fed::Broken(e) => {
                    // The decoders word it each in their way when their input is over too early.
                    let cut = self.meter.as_ref().is_some_and(|m| m.dry.load(Ordering::Relaxed));
                    let why = if cut { "the data ends in the middle of a frame".into() } else { e.to_string() };
                    self.stop(match self.packed {
                        Some(_) => Stopped::Broken { why, cut },
                        None => Stopped::Failed { why: e.to_string() },
                    });
                }
            }
        }
        false
    }

    fn append(&mut self, chunk: &[u8]) {
        let Body::File(file) = &self.body else { return };
        let room = self.options.limit.saturating_sub(self.len);
        let take = chunk.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let part = chunk.get(..take).unwrap_or_default();
        if self.len >= self.checked {
            self.checked = self.len.saturating_add(CHECK_EVERY);
            if free_bytes(file).is_some_and(|free| free < LEAVE_FREE) {
                return self.stop(Stopped::NoRoom { folder: self.folder.clone() });
            }
        }
        match file.write_all_at(part, self.len) {
            Ok(()) => self.len = self.len.saturating_add(part.len() as u64),
            Err(e) if e.kind() == io::ErrorKind::StorageFull => {
                return self.stop(Stopped::NoRoom { folder: self.folder.clone() });
            }
            Err(e) => return self.stop(Stopped::Failed { why: e.to_string() }),
        }
        if part.len() < chunk.len() {
            self.stop(Stopped::Full { limit: self.options.limit });
        }
    }

    fn stop(&mut self, how: Stopped) {
        self.stopped = Some(how);
        self.feed = None;
    }

    /// Reads bytes that are there (`at + out.len() <= len`) into `out`; fewer when the file became shorter.
    pub(crate) fn read(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        match &self.body {
            Body::Memory(all) => {
                let rest = usize::try_from(at).ok().and_then(|at| all.get(at..)).unwrap_or_default();
                let n = rest.len().min(out.len());
                if let (Some(to), Some(from)) = (out.get_mut(..n), rest.get(..n)) {
                    to.copy_from_slice(from);
                }
                Ok(n)
            }
            Body::File(file) => {
                let mut done = 0;
                while let Some(space) = out.get_mut(done..).filter(|s| !s.is_empty()) {
                    match file.read_at(space, at.saturating_add(done as u64)) {
                        Ok(0) => break,
                        Ok(n) => done = done.saturating_add(n),
                        Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                        Err(e) => return Err(e),
                    }
                }
                Ok(done)
            }
        }
    }
}

/// Bytes an ordinary user may still write on the file's disk.
fn free_bytes(file: &File) -> Option<u64> {
    let stat = rustix::fs::fstatvfs(file).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// An unlinked temporary file. Not in `/tmp` unless asked for by TMPDIR: that is often memory.
fn temporary(folder: Option<&Path>) -> Result<(File, PathBuf), OpenError> {
    let asked = folder.map(Path::to_path_buf).or_else(|| std::env::var_os("TMPDIR").map(PathBuf::from));
    let folders = match asked {
        Some(folder) => vec![folder],
        None => vec![PathBuf::from("/var/tmp"), std::env::temp_dir()],
    };
    let mut failure = None;
    for folder in folders {
        match tempfile::tempfile_in(&folder) {
            Ok(file) => return Ok((file, folder)),
            Err(source) => failure = Some(OpenError::Spool { folder, source }),
        }
    }
    Err(failure.unwrap_or(OpenError::Spool { folder: PathBuf::new(), source: io::ErrorKind::NotFound.into() }))
}
