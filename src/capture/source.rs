//! The source: one capture, read from its start to its end in batches of packets and events between them.

use std::fs::File;
use std::io::{self, Seek as _};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::block::{Batch, Block, Pool, mark};
use crate::decode::Decoder;
use crate::error::{OpenError, ReadError};
use crate::event::{Damage, DamageKind, Event, Note, OtherBlock, Resumed};
use crate::grammar::{Halt, Likely, Look, Out, Peer, Resume, damaged};
use crate::growth::Growth;
use crate::pcap::{self, Pcap};
use crate::pcapng::Pcapng;
use crate::sniff::{self, Compression, Format};
use crate::spool::{Have, Spool, SpoolOptions, SpoolReader, Stopped};

/// How to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// At the end of the file, wait for it to grow ([`Step::Pending`]) until [`Source::stop_following`].
    pub follow: bool,
    /// With `follow`: whoever writes the file tells when it grows and when it is complete. Only what was told is read.
    pub growth: Option<Growth>,
    /// Folder of the temporary file for piped and packed input; by default TMPDIR, or `/var/tmp`.
    pub spool_folder: Option<PathBuf>,
    /// Bytes that this file may hold; more are not read, and a [`Damage`] tells so.
    pub spool_limit: u64,
    /// Bytes read at once (at least 4 KiB).
    pub block_len: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { follow: false, growth: None, spool_folder: None, spool_limit: 64 << 30, block_len: 512 * 1024 }
    }
}

/// What [`Source::next`] gives.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "events are moved once; a box for each would cost more")]
pub enum Step {
    /// Packets; none when there was work but nothing to show yet (unpacking, searching after damage): call again.
    Batch(Batch),
    /// Something between packets.
    Event(Event),
    /// Nothing now: the followed file has not grown, or the pipe is silent (then 50 ms were spent waiting). See [`Source::wait`].
    Pending,
    /// The capture is read to its end. Every further call says so again.
    End,
}

/// How far reading has come, in bytes of the input (packed bytes, when it is packed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub read: u64,
    /// Bytes there are, where that is known.
    pub of: Option<u64>,
}

#[derive(Debug)]
enum Grammar {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The file header has not been seen (a followed file may still be empty).
    Start,
    Reading,
    Seeking(Seek),
    Done,
}

/// The search for a readable record after damage.
#[derive(Debug, Clone, Copy)]
struct Seek {
    /// Offset of the damage.
    from: u64,
    /// The next offset to try.
    at: u64,
    /// An offset worth trying first.
    hint: Option<u64>,
}

/// Damaged records told one by one; more are only counted, lest a hostile file fill memory with words.
const TOLD: u64 = 1000;
/// Looks past the window that all searches in one capture may take.
const FAR_LOOKS: u32 = 200_000;
/// A block whose lengths differ is searched for another end so far, bytes.
const FAR_BLOCK: u64 = 64 * 1024;
/// Bytes a search wants to see of a record.
const HEADER: u64 = 16;

/// One capture being read. Dropping it is how reading is cancelled.
pub struct Source {
    name: String,
    spool: Spool,
    grammar: Grammar,
    format: Option<Format>,
    window: Arc<Block>,
    at: u64,
    out: Out,
    pool: Pool,
    state: State,
    block_len: usize,
    damages: u64,
    far_looks: u32,
}

impl Source {
    /// Opens a capture file, or a FIFO.
    ///
    /// # Errors
    /// See [`OpenError`]. A FIFO is waited for until its first bytes come.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let fail = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => OpenError::NotFound { path: path.into() },
            io::ErrorKind::PermissionDenied => OpenError::Permission { path: path.into() },
            _ => OpenError::Io { name: name.clone(), source },
        };
        let kind = std::fs::metadata(path).map_err(fail)?.file_type();
        if kind.is_dir() {
            return Err(OpenError::Folder { path: path.into() });
        }
        let file = File::open(path).map_err(fail)?;
        if kind.is_fifo() || kind.is_char_device() || kind.is_socket() {
            return Self::pipe(file, name, options);
        }
        Self::file(file, name, options)
    }

    /// Reads the capture that comes on standard input: a pipe, or a file the shell opened.
    ///
    /// # Errors
    /// See [`OpenError`]. Waits for the first bytes.
    pub fn stdin(options: Options) -> Result<Self, OpenError> {
        let name = "standard input".to_string();
        let fail = |source| OpenError::Io { name: name.clone(), source };
        let stdin = io::stdin();
        if io::IsTerminal::is_terminal(&stdin) {
            return Err(OpenError::Terminal);
        }
        let mut file = File::from(stdin.as_fd().try_clone_to_owned().map_err(fail)?);
        // A file that the shell opened can be read in place, if nothing was taken from it yet.
        if file.metadata().map_err(fail)?.is_file() && file.stream_position().is_ok_and(|at| at == 0) {
            return Self::file(file, name, options);
        }
        Self::pipe(file, name, options)
    }

    /// Reads a capture from memory.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn from_bytes(bytes: impl Into<Bytes>, options: Options) -> Result<Self, OpenError> {
        let (bytes, name) = (bytes.into(), "the capture in memory".to_string());
        let spool_options = spool_options(&options);
        let spool = if sniff::compression(&bytes).is_some() {
            let total = bytes.len() as u64;
            let input = Box::new(io::Cursor::new(bytes));
            let decoder = Decoder::new(input).map_err(|source| OpenError::Io { name: name.clone(), source })?;
            Spool::packed(decoder, total, spool_options)?
        } else {
            Spool::memory(bytes, spool_options)
        };
        Self::start(spool, name, &options)
    }

    fn file(file: File, name: String, options: Options) -> Result<Self, OpenError> {
        let fail = |source| OpenError::Io { name: name.clone(), source };
        let len = file.metadata().map_err(fail)?.len();
        let spool_options = spool_options(&options);
        let mut head = [0; 4];
        let probe = Spool::file(file.try_clone().map_err(fail)?, len, false, spool_options.clone());
        let n = probe.read(0, &mut head).map_err(fail)?;
        let spool = if sniff::compression(head.get(..n).unwrap_or_default()).is_some() {
            Spool::packed(Decoder::new(Box::new(file)).map_err(fail)?, len, spool_options)?
        } else {
            match &options.growth {
                Some(growth) if options.follow => Spool::growing(file, growth.clone(), spool_options),
                _ => Spool::file(file, len, options.follow, spool_options),
            }
        };
        Self::start(spool, name, &options)
    }

    fn pipe(file: File, name: String, options: Options) -> Result<Self, OpenError> {
        let spool = Spool::pipe(Box::new(file), &name, spool_options(&options))?;
        Self::start(spool, name, &options)
    }

    fn start(spool: Spool, name: String, options: &Options) -> Result<Self, OpenError> {
        let mut source = Self {
            name,
            spool,
            grammar: Grammar::Pcapng(Pcapng::default()),
            format: None,
            window: Arc::default(),
            at: 0,
            out: Out::default(),
            pool: Pool::default(),
            state: State::Start,
            block_len: options.block_len.max(4096),
            damages: 0,
            far_looks: FAR_LOOKS,
        };
        if source.spool.compression().is_some() && options.follow {
            source.out.event(Event::Note(Note {
                at: 0,
                what: "a packed file is not followed".into(),
                why: "It is read to its present end.".into(),
                what_to_do: "Follow the unpacked file, or pipe it in.".into(),
            }));
        }
        // Only a followed file may be too short to tell yet; `next` will.
        let wait = !options.follow || source.spool.compression().is_some();
        while !source.recognise()? && wait {}
        Ok(source)
    }

    /// Tries to tell the format by the first bytes. False: they have not come yet.
    fn recognise(&mut self) -> Result<bool, OpenError> {
        let name = self.name.clone();
        let io = |source| OpenError::Io { name: name.clone(), source };
        let have = self.spool.ensure(28, sniff::ENOUGH as u64).map_err(io)?;
        let mut head = [0; sniff::ENOUGH];
        let there = usize::try_from(self.spool.len()).unwrap_or(usize::MAX).min(head.len());
        let n = self.spool.read(0, head.get_mut(..there).unwrap_or_default()).map_err(io)?;
        let head = head.get(..n).unwrap_or_default();
        match sniff::format(head) {
            Some(format) if head.len() >= sniff::header_len(format) => {
                self.grammar = match (format, head.first_chunk::<{ pcap::FILE_HEADER }>()) {
                    (Format::Pcap(kind), Some(header)) => {
                        self.at = header.len() as u64;
                        Grammar::Pcap(Pcap::new(kind, header, &mut self.out))
                    }
                    _ => Grammar::Pcapng(Pcapng::default()),
                };
                self.format = Some(format);
                self.state = State::Reading;
                return Ok(true);
            }
            _ if have != Have::End && (have != Have::All || n < 28) => return Ok(false),
            _ => {}
        }
        if let (Some(Stopped::Broken { why, .. }), Some(packed)) = (&self.spool.stopped, self.spool.compression()) {
            return Err(OpenError::Compression { name, format: packed.name(), why: why.clone() });
        }
        if head.is_empty() {
            return Err(OpenError::Empty { name });
        }
        if let Some(format) = sniff::begins_like(head) {
            return Err(OpenError::TooShort { name, format, len: head.len() as u64 });
        }
        Err(sniff::not_a_capture(&name, head, self.spool.compression()))
    }

    /// The capture's format, once its first bytes have come.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// The compression around it.
    pub fn compression(&self) -> Option<Compression> {
        self.spool.compression()
    }

    /// A handle to read packet bytes again, by offset, from any thread, also after this source is gone.
    pub fn reader(&self) -> SpoolReader {
        self.spool.reader()
    }

    /// How far reading has come.
    pub fn progress(&self) -> Progress {
        let (taken, of) = self.spool.taken();
        Progress { read: taken.unwrap_or(self.at), of }
    }

    /// The followed file is complete: what is there is read to its end, then [`Step::End`] comes.
    pub fn stop_following(&mut self) {
        self.spool.stop_following();
    }

    /// After [`Step::Pending`]: waits until there may be more, at most so long.
    pub fn wait(&mut self, most: Duration) {
        self.spool.wait(most);
    }

    /// The next packets or the next event, in file order. Never takes long: it reads one block at most, or unpacks or
    /// searches a few MiB, or waits 50 ms for a pipe.
    ///
    /// # Errors
    /// When the system fails to read; calling again tries again. Damage in the capture is an event, not an error.
    #[allow(clippy::should_implement_trait, reason = "an iterator could not tell its end from its errors and pauses")]
    pub fn next(&mut self) -> Result<Step, ReadError> {
        loop {
            if !self.out.items.is_empty() {
                return Ok(Step::Batch(self.batch()));
            }
            if let Some(event) = self.out.events.pop_front() {
                return Ok(Step::Event(event));
            }
            let step = match self.state {
                State::Start => (!self.recognise()?).then_some(Step::Pending),
                State::Reading => self.read()?,
                State::Seeking(seek) => self.seek(seek)?,
                State::Done => Some(Step::End),
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn batch(&mut self) -> Batch {
        let first = self.out.packets;
        self.out.packets = self.out.next_packet();
        let items = self.pool.hand_over(&mut self.out.items);
        Batch { block: Arc::clone(&self.window), items, first }
    }

    /// Runs the grammar over the window. `Some`: nothing to deliver yet.
    fn read(&mut self) -> Result<Option<Step>, ReadError> {
        let window = &self.window;
        let from = usize::try_from(self.at.saturating_sub(window.at)).unwrap_or(usize::MAX);
        // Once the window is used up there is nothing to run over.
        let (bytes, base, from) =
            if self.at < window.at || from > window.len { (&[][..], self.at, 0) } else { (window.bytes(), window.at, from) };
        let (pos, halt) = match &mut self.grammar {
            Grammar::Pcap(g) => g.run(bytes, base, from, &mut self.out),
            Grammar::Pcapng(g) => g.run(bytes, base, from, &mut self.out),
        };
        self.at = base.saturating_add(pos as u64);
        // Packets first: they point into the window, which is about to change.
        if !self.out.items.is_empty() {
            return Ok(None);
        }
        match halt {
            Halt::Turn => Ok(None),
            Halt::Need(need) => self.load(need),
            Halt::Pass(other) => self.pass(other),
            Halt::Damaged { damage, resume } => {
                self.damage(*damage, resume);
                Ok(None)
            }
        }
    }

    /// Moves the window to the present offset, with at least `need` bytes in it.
    fn load(&mut self, need: u64) -> Result<Option<Step>, ReadError> {
        match self.ensure(need)? {
            Have::Idle => return Ok(Some(Step::Pending)),
            Have::More => return Ok(Some(Step::Batch(self.nothing_yet()))),
            Have::All if self.fill(need)? => return Ok(None),
            Have::All | Have::End => {}
        }
        self.tail();
        Ok(None)
    }

    fn ensure(&mut self, need: u64) -> Result<Have, ReadError> {
        let wish = self.at.saturating_add(self.block_len as u64);
        let at = self.at;
        self.spool.ensure(at.saturating_add(need), wish).map_err(|source| ReadError::Io { at, source })
    }

    fn nothing_yet(&self) -> Batch {
        Batch { first: self.out.packets, ..Batch::default() }
    }

    /// Reads a block at the present offset. False: the file has become shorter than `need` asks.
    fn fill(&mut self, need: u64) -> Result<bool, ReadError> {
        let at = self.at;
        let there = self.spool.len().saturating_sub(at);
        let want = usize::try_from(there.min(need.max(self.block_len as u64))).unwrap_or(usize::MAX);
        // The old window may be free for reuse from here on.
        self.window = Arc::default();
        // A piece may lie in memory that was not told to be in the file when the length was looked at: no matter, it is there.
        let lent = self
            .spool
            .lent(at)
            .filter(|(from, bytes)| from.saturating_add(bytes.len() as u64).saturating_sub(at) >= need.min(there));
        if let Some((from, bytes)) = lent {
            self.window = Arc::new(Block::lent(from, bytes));
            return Ok(true);
        }
        let mut block = self.pool.block(want.max(self.block_len));
        let space = block.buf.get_mut(..want).unwrap_or_default();
        block.len = self.spool.read(at, space).map_err(|source| ReadError::Io { at, source })?;
        block.at = at;
        let enough = block.len as u64 >= need.min(there);
        let block = Arc::new(block);
        self.pool.keep(&block);
        self.window = block;
        if !enough {
            self.spool.stopped = Some(Stopped::Failed { why: "the file became shorter while it was read".into() });
        }
        Ok(enough)
    }

    /// A long block without meaning: only its closing length is looked at.
    fn pass(&mut self, other: OtherBlock) -> Result<Option<Step>, ReadError> {
        let len = u64::from(other.len);
        match self.ensure(len)? {
            Have::Idle => return Ok(Some(Step::Pending)),
            Have::More => return Ok(Some(Step::Batch(self.nothing_yet()))),
            Have::End => {
                self.tail();
                return Ok(None);
            }
            Have::All => {}
        }
        let (mut opening, mut closing) = ([0; 4], [0; 4]);
        let at = self.at;
        let io = |source| ReadError::Io { at, source };
        self.spool.read(at.saturating_add(4), &mut opening).map_err(io)?;
        self.spool.read(at.saturating_add(len).saturating_sub(4), &mut closing).map_err(io)?;
        if opening == closing {
            self.at = at.saturating_add(len);
            self.out.event(Event::Other(other));
        } else if let Halt::Damaged { damage, resume } = damaged(
            DamageKind::Length,
            at,
            format!("a block of {len} bytes does not end with its length"),
            "Both must be equal: bytes of it are missing, added or overwritten.",
            Resume::Search,
        ) {
            self.damage(*damage, resume);
        }
        Ok(None)
    }

    /// No more bytes come, and the record at the present offset (if any) is not whole.
    fn tail(&mut self) {
        let left = self.spool.len().saturating_sub(self.at);
        if self.spool.stopped.is_none() && left > 0 {
            let at = self.at;
            let mut head = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(1 << 20)];
            let n = self.spool.read(at, &mut head).unwrap_or(0);
            let head = head.get(..n).unwrap_or_default();
            let doubt = match &self.grammar {
                Grammar::Pcap(g) => g.doubt_cut(head),
                Grammar::Pcapng(g) => g.doubt_cut(head),
            };
            let damage = Damage {
                kind: DamageKind::Cut,
                at,
                what: "the file ends in the middle of a record".into(),
                why: if doubt {
                    format!("The record at this offset claims more than the {left} bytes that are left, and its lengths contradict each other.").into()
                } else {
                    format!("Of the last record only {left} bytes are there: the capture was stopped hard, the disk was full, or the copy is not complete.").into()
                },
                what_to_do: "Everything before is whole. If the file is still being written, follow it; else get the whole file."
                    .into(),
            };
            if doubt {
                return self.damage(damage, Resume::Search);
            }
            self.out.event(Event::Damage(damage));
        }
        self.finish();
    }

    /// Tells how the bytes ended, if not simply by being over.
    fn finish(&mut self) {
        let at = self.spool.len();
        let total = self.spool.taken().0.unwrap_or(0);
        if let Some(stopped) = self.spool.stopped.take() {
            self.out.event(Event::Damage(stop_told(stopped, at, total, self.spool.compression())));
        }
        if self.spool.trailing {
            self.out.event(Event::Note(Note {
                at,
                what: "bytes after the end of the packed data were passed over".into(),
                why: "They are no further gzip member, zstd frame or lz4 frame.".into(),
                what_to_do: "".into(),
            }));
        }
        if let Some(more) = self.damages.checked_sub(TOLD).filter(|more| *more > 0) {
            self.out.event(Event::Note(Note {
                at,
                what: format!("{more} more damaged records were left out").into(),
                why: format!("Only the first {TOLD} are told one by one.").into(),
                what_to_do: "".into(),
            }));
        }
        self.state = State::Done;
    }

    fn damage(&mut self, damage: Damage, resume: Resume) {
        let from = damage.at;
        self.damages = self.damages.saturating_add(1);
        let told = self.damages <= TOLD;
        if told {
            self.out.event(Event::Damage(damage));
        }
        let after = from.saturating_add(1);
        self.state = match resume {
            Resume::Next(skipped) => {
                self.at = from.saturating_add(skipped);
                if told {
                    self.out.event(Event::Resumed(Resumed { at: self.at, skipped, found: true }));
                }
                State::Reading
            }
            Resume::Perhaps(len) => {
                let end = self.nearer_end(from, len).unwrap_or_else(|| from.saturating_add(len));
                State::Seeking(Seek { from, at: after, hint: Some(end) })
            }
            Resume::Search => State::Seeking(Seek { from, at: after, hint: None }),
        };
    }

    /// Where a block whose two lengths differ ends if the first one is wrong: a place inside it whose trailing length is the distance
    /// from the block's start and behind which another block begins.
    fn nearer_end(&mut self, from: u64, len: u64) -> Option<u64> {
        let bytes = self.reader().read_at(from, len.min(FAR_BLOCK) as usize).ok()?;
        for (i, word) in bytes.chunks_exact(4).enumerate().skip(2) {
            let distance = (i as u64).saturating_add(1).saturating_mul(4);
            let word: [u8; 4] = word.try_into().ok()?;
            let fits = [u32::from_le_bytes(word), u32::from_be_bytes(word)].into_iter().any(|n| u64::from(n) == distance);
            if fits && distance < len && matches!(self.ask(from.saturating_add(distance), None), Ok((Likely::Yes, _))) {
                return Some(from.saturating_add(distance));
            }
        }
        None
    }

    /// Looks for a readable record, a window at a time.
    fn seek(&mut self, mut seek: Seek) -> Result<Option<Step>, ReadError> {
        let mut wait = None;
        if let Some(hint) = seek.hint {
            let (likely, needed) = self.ask(hint, None)?;
            match likely {
                Likely::Yes => return Ok(self.resume(seek, hint)),
                Likely::No if self.spool.ended() && self.spool.len() == hint => return Ok(self.resume(seek, hint)),
                Likely::No => seek.hint = None,
                Likely::Later => wait = Some(needed),
            }
        }
        if wait.is_none() {
            self.at = seek.at;
            match self.ensure(HEADER)? {
                Have::Idle => return Ok(Some(Step::Pending)),
                Have::More => return Ok(Some(Step::Batch(self.nothing_yet()))),
                Have::All if self.fill(HEADER)? => {}
                Have::All | Have::End => {
                    let end = self.spool.len();
                    let skipped = end.saturating_sub(seek.from);
                    self.out.event(Event::Resumed(Resumed { at: end, skipped, found: false }));
                    self.at = end;
                    self.finish();
                    return Ok(None);
                }
            }
            let window = Arc::clone(&self.window);
            for (place, bytes) in (window.at..).zip(window.bytes().windows(HEADER as usize)) {
                seek.at = place.saturating_add(1);
                let worth = match &self.grammar {
                    Grammar::Pcap(g) => g.header_here(bytes),
                    Grammar::Pcapng(g) => g.candidate(bytes).is_some(),
                };
                if !worth {
                    continue;
                }
                match self.ask(place, Some(&window))? {
                    (Likely::Yes, _) => return Ok(self.resume(seek, place)),
                    (Likely::No, _) => {}
                    (Likely::Later, needed) => {
                        seek.at = place;
                        wait = Some(needed);
                        break;
                    }
                }
            }
        }
        self.state = State::Seeking(seek);
        if let Some(needed) = wait {
            let at = self.at;
            let have = self.spool.ensure(needed, needed).map_err(|source| ReadError::Io { at, source })?;
            if have == Have::Idle {
                return Ok(Some(Step::Pending));
            }
        }
        Ok(Some(Step::Batch(self.nothing_yet())))
    }

    fn ask(&mut self, place: u64, window: Option<&Block>) -> Result<(Likely, u64), ReadError> {
        let mut around = Around { spool: &self.spool, window, far: self.far_looks, needed: 0, failure: None };
        let likely = match &self.grammar {
            Grammar::Pcap(g) => g.run_here(place, &mut around),
            Grammar::Pcapng(g) => g.block_here(place, &mut around),
        };
        let Around { far, needed, failure, .. } = around;
        self.far_looks = far;
        match failure {
            Some(source) => Err(ReadError::Io { at: place, source }),
            None => Ok((likely, needed)),
        }
    }

    fn resume(&mut self, seek: Seek, at: u64) -> Option<Step> {
        self.at = at;
        self.out.marks |= mark::AFTER_DAMAGE;
        let skipped = at.saturating_sub(seek.from);
        self.out.event(Event::Resumed(Resumed { at, skipped, found: true }));
        self.state = State::Reading;
        None
    }
}

fn spool_options(options: &Options) -> SpoolOptions {
    SpoolOptions { folder: options.spool_folder.clone(), limit: options.spool_limit }
}

/// Looks at bytes of the capture: in the window, else on disk, as long as the budget lasts.
struct Around<'a> {
    spool: &'a Spool,
    window: Option<&'a Block>,
    far: u32,
    needed: u64,
    failure: Option<io::Error>,
}

impl Peer for Around<'_> {
    fn look<const N: usize>(&mut self, at: u64) -> Look<N> {
        if let Some(window) = self.window
            && let Some(pos) = at.checked_sub(window.at()).and_then(|pos| usize::try_from(pos).ok())
            && let Some(bytes) = crate::grammar::take::<N>(window.bytes(), pos)
        {
            return Look::Bytes(*bytes);
        }
        let end = at.saturating_add(N as u64);
        if end > self.spool.len() {
            self.needed = end;
            return if self.spool.ended() { Look::End } else { Look::Later };
        }
        let Some(left) = self.far.checked_sub(1) else { return Look::Tired };
        self.far = left;
        let mut bytes = [0; N];
        match self.spool.read(at, &mut bytes) {
            Ok(n) if n == N => Look::Bytes(bytes),
            Ok(_) => Look::End,
            Err(e) => {
                self.failure = Some(e);
                Look::End
            }
        }
    }

    fn end(&self) -> Option<u64> {
        self.spool.ended().then(|| self.spool.len())
    }
}

/// How the input stopped, in words.
fn stop_told(stopped: Stopped, at: u64, taken: u64, packed: Option<Compression>) -> Damage {
    let packed = packed.map_or("packed", Compression::name);
    let (kind, what, why, todo) = match stopped {
        Stopped::Broken { why, cut } => (
            DamageKind::Compression,
            if cut { format!("the {packed} data ends too early") } else { format!("the {packed} data is broken") },
            format!("After {taken} packed bytes ({at} unpacked) the decoder says: {why}."),
            "What was unpacked until there is shown. Get the file again if you can.".to_string(),
        ),
        Stopped::Failed { why } => (
            DamageKind::Io,
            "the input failed".to_string(),
            format!("After {at} bytes: {why}."),
            "What came before is shown. Open it again once it is complete.".to_string(),
        ),
        Stopped::Full { limit } => (
            DamageKind::Limit,
            format!("reading stops at {limit} bytes of piped or unpacked data"),
            "So much may be kept in a temporary file; a small packed file can hold a huge one.".to_string(),
            "Raise the spool limit if the data is really that large, or unpack it yourself and open the file.".to_string(),
        ),
        Stopped::NoRoom { folder } => (
            DamageKind::Limit,
            format!("no room is left in {} for piped or unpacked data", folder.display()),
            format!("{at} bytes are in a temporary file there; 512 MiB of the disk are left to others."),
            "Make room, set TMPDIR to a folder on a larger disk, or unpack the file yourself and open it.".to_string(),
        ),
    };
    Damage { kind, at, what: what.into(), why: why.into(), what_to_do: todo.into() }
}
