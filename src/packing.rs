//! Packing by name: what is written to `x.pcapng.gz`, `.lz4` or `.zst` is packed as that says, wherever a capture is written by name.

use flate2::write::GzEncoder;
use lz4_flex::frame::FrameEncoder;
use ruzstd::encoding::{CompressionLevel, compress};
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes that go to the thread that packs at a time, at most.
const PIECE: usize = 1 << 18;
/// So many pieces may wait for it.
const AHEAD: usize = 4;
/// What came is in the output after this time, whatever happens to us then.
const OFTEN: Duration = Duration::from_secs(1);

/// How a name says that its file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// `.gz` (RFC 1952).
    Gzip,
    /// `.lz4`, the frame format.
    Lz4,
    /// `.zst` (RFC 8878).
    Zstd,
}

/// How the name of a file says that it is packed, if it does.
#[must_use]
pub fn named(path: &Path) -> Option<Packed> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    match &*ending {
        "gz" => Some(Packed::Gzip),
        "lz4" => Some(Packed::Lz4),
        "zst" => Some(Packed::Zstd),
        _ => None,
    }
}

/// Whether a name, packed or not, is that of a classic pcap.
#[must_use]
pub fn names_pcap(path: &Path) -> bool {
    let inner = if named(path).is_some() { path.with_extension("") } else { path.to_path_buf() };
    inner.extension().is_some_and(|e| ["pcap", "cap", "dmp"].iter().any(|k| e.eq_ignore_ascii_case(k)))
}

/// Packs what is written to it. [`Packing::finish`] must be called in the end: what waits is lost otherwise.
pub enum Packing<W: Write + Send + 'static> {
    /// As it is.
    Plain(W),
    /// Packed on a thread of its own.
    Packed(Threaded<W>),
}

impl<W: Write + Send + 'static> Packing<W> {
    /// Packs as it is said.
    #[must_use]
    pub fn new(packed: Option<Packed>, out: W) -> Packing<W> {
        match packed {
            None => Packing::Plain(out),
            Some(packed) => Packing::Packed(Threaded::new(packed, out)),
        }
    }

    /// Writes what waits and the end of the packing; gives the output back, flushed.
    ///
    /// # Errors
    /// The output takes no more.
    pub fn finish(self) -> io::Result<W> {
        let mut out = match self {
            Packing::Plain(out) => out,
            Packing::Packed(thread) => thread.finish()?,
        };
        out.flush()?;
        Ok(out)
    }
}

impl<W: Write + Send + 'static> Write for Packing<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Packing::Plain(w) => w.write(buf),
            Packing::Packed(w) => w.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packing::Plain(w) => w.flush(),
            Packing::Packed(w) => w.flush(),
        }
    }
}

/// Packs on a thread of its own, so that who writes waits for nothing, and what came is in the output after [`OFTEN`] though nothing more comes.
/// (The encoder of zstd alone keeps blocks back: it reads its source to the end. Frames one after another would go out, but Wireshark 4.0 loses
/// packets where one ends.)
pub struct Threaded<W> {
    pieces: Option<SyncSender<Vec<u8>>>,
    waiting: Vec<u8>,
    thread: Option<JoinHandle<io::Result<W>>>,
}

impl<W: Write + Send + 'static> Threaded<W> {
    fn new(packed: Packed, out: W) -> Threaded<W> {
        let (give, take) = sync_channel(AHEAD);
        let work = move || match packed {
            Packed::Gzip => pack(&take, GzEncoder::new(out, flate2::Compression::default()))?.finish(),
            Packed::Lz4 => Ok(pack(&take, FrameEncoder::new(out))?.finish()?),
            Packed::Zstd => pack_zstd(take, out),
        };
        let thread = std::thread::Builder::new().name("packing".into()).spawn(work);
        Threaded { pieces: Some(give), waiting: Vec::with_capacity(PIECE), thread: thread.ok() }
    }

    fn pass(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.waiting, Vec::with_capacity(PIECE));
        match &self.pieces {
            Some(to) if to.send(piece).is_ok() => Ok(()),
            // It takes no more: its output has failed, and it knows why.
            _ => Err(self.join().err().unwrap_or_else(|| io::Error::other("packing has ended"))),
        }
    }

    fn join(&mut self) -> io::Result<W> {
        self.pieces = None;
        let gone = || io::Error::other("the thread that packs is not there");
        self.thread.take().and_then(|t| t.join().ok()).unwrap_or_else(|| Err(gone()))
    }

    fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.join()
    }
}

impl<W: Write + Send + 'static> Write for Threaded<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let room = PIECE.saturating_sub(self.waiting.len());
        let taken = buf.get(..room).unwrap_or(buf);
        self.waiting.extend_from_slice(taken);
        if self.waiting.len() >= PIECE {
            self.pass()?;
        }
        Ok(taken.len())
    }

    /// Gives what waits to the thread. It goes out within [`OFTEN`]: at once, it would be packed badly.
    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() { Ok(()) } else { self.pass() }
    }
}

/// Packs what comes until no more comes; what came goes out each [`OFTEN`].
fn pack<E: Write>(from: &Receiver<Vec<u8>>, mut encoder: E) -> io::Result<E> {
    let mut held: Option<Instant> = None;
    loop {
        let piece = match held {
            Some(since) => from.recv_timeout(OFTEN.saturating_sub(since.elapsed())),
            None => from.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match piece {
            Ok(piece) => {
                encoder.write_all(&piece)?;
                held.get_or_insert_with(Instant::now);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(encoder),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if held.is_some_and(|since| since.elapsed() >= OFTEN) {
            encoder.flush()?;
            held = None;
        }
    }
}

fn pack_zstd<W: Write>(from: Receiver<Vec<u8>>, out: W) -> io::Result<W> {
    let mut drain = Drain { out, failed: None };
    let stopped = Cell::new(false);
    let source = Pieces { from, piece: Vec::new(), at: 0, stopped: &stopped };
    compress(source, Stopping { drain: &mut drain, stopped: &stopped }, CompressionLevel::Fastest);
    drain.failed.map_or(Ok(drain.out), Err)
}

/// What comes over the channel, as a source; it ends early where the output failed.
struct Pieces<'s> {
    from: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
    stopped: &'s Cell<bool>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.piece.len() {
            match self.from.recv() {
                Ok(piece) if !self.stopped.get() => (self.piece, self.at) = (piece, 0),
                _ => return Ok(0),
            }
        }
        let n = self.piece.get(self.at..).unwrap_or(&[]).read(buf)?;
        self.at = self.at.saturating_add(n);
        Ok(n)
    }
}

/// The output with what went wrong with it.
struct Drain<W> {
    out: W,
    failed: Option<io::Error>,
}

/// Never fails, as the encoder panics where its output does.
struct Stopping<'d, W> {
    drain: &'d mut Drain<W>,
    stopped: &'d Cell<bool>,
}

impl<W: Write> Write for Stopping<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.drain.failed.is_none() {
            self.drain.failed = self.drain.out.write_all(buf).err();
            self.stopped.set(self.drain.failed.is_some());
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Seek;

    #[test]
    fn names_say_how_files_are_packed_and_what_is_in_them() {
        for (name, packed, pcap) in [
            ("a.pcapng", None, false),
            ("a.pcap", None, true),
            ("a.PCAP.GZ", Some(Packed::Gzip), true),
            ("a.pcapng.lz4", Some(Packed::Lz4), false),
            ("a.cap.zst", Some(Packed::Zstd), true),
            ("gz", None, false),
        ] {
            assert_eq!((named(Path::new(name)), names_pcap(Path::new(name))), (packed, pcap), "{name}");
        }
    }

    #[test]
    fn zstd_of_any_length_is_one_frame_that_is_read_back() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 13 * PIECE + 77] {
            let data: Vec<u8> = (0..len).map(|i| (i / 5 % 253) as u8 ^ (i >> 12) as u8).collect();
            let mut packing = Packing::new(Some(Packed::Zstd), Vec::new());
            for piece in data.chunks(70_001) {
                packing.write_all(piece).expect("memory");
            }
            let packed = packing.finish().expect("memory");
            let (mut rest, mut back) = (&*packed, Vec::new());
            ruzstd::decoding::StreamingDecoder::new(&mut rest).expect("a frame").read_to_end(&mut back).expect("it");
            assert!(back == data && rest.is_empty(), "{len} bytes");
        }
    }

    #[test]
    fn a_packed_file_whose_writer_was_killed_lacked_all_that_had_come() {
        for packed in [Packed::Gzip, Packed::Lz4] {
            let mut file = tempfile::NamedTempFile::new().expect("a file");
            let mut packing = Packing::new(Some(packed), file.reopen().expect("it"));
            packing.write_all(b"a few packets").and_then(|()| packing.flush()).expect("room");
            let (mut back, began) = (Vec::new(), Instant::now());
            while back != b"a few packets" {
                assert!(began.elapsed() < 30 * OFTEN, "{packed:?}: nothing went out");
                std::thread::sleep(OFTEN / 20);
                let (mut bytes, mut out) = (Vec::new(), Vec::new());
                file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("it");
                // It is not whole: the error at its end is no news.
                let _ = match packed {
                    Packed::Gzip => flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut out),
                    _ => lz4_flex::frame::FrameDecoder::new(&*bytes).read_to_end(&mut out),
                };
                back = out;
            }
            packing.finish().expect("room");
        }
    }

    /// A disk that has room for so many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(buf.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_told_by_whatever_packs() {
        let noise: Vec<u8> = (0..8_000_000u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8).collect();
        for packed in [None, Some(Packed::Gzip), Some(Packed::Lz4), Some(Packed::Zstd)] {
            let mut packing = Packing::new(packed, Full(100_000));
            let went = noise.chunks(50_000).try_for_each(|c| packing.write_all(c)).and_then(|()| packing.finish().map(|_| ()));
            assert_eq!(went.map_err(|e| e.kind()), Err(io::ErrorKind::StorageFull), "{packed:?}");
        }
    }
}
