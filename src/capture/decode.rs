//! Unpacking gzip, zstd and lz4 as a stream, a piece at a time, whatever the number of members or frames.

use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::sniff::{self, Compression};

/// Where bytes come from: a file or a pipe.
pub(crate) type Input = Box<dyn Read + Send>;

/// What is counted of an input, for those outside the decoder that took it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Bytes taken.
    pub taken: AtomicU64,
    /// More was asked for than there is.
    pub dry: AtomicBool,
}

/// A buffered input that can look ahead and counts what was taken.
pub(crate) struct Raw {
    input: Input,
    buf: Vec<u8>,
    pos: usize,
    end: usize,
    meter: Arc<Meter>,
    /// The last eight bytes taken, newest last: lz4 tells a whole frame from a cut one by them.
    last: [u8; 8],
}

const RAW: usize = 128 * 1024;

impl Raw {
    pub(crate) fn new(input: Input, meter: Arc<Meter>) -> Self {
        Self { input, buf: vec![0; RAW], pos: 0, end: 0, meter, last: [0; 8] }
    }

    /// At least `want` bytes not yet taken (fewer at the end of the input; at most the buffer's size).
    pub(crate) fn peek(&mut self, want: usize) -> io::Result<&[u8]> {
        while self.end.saturating_sub(self.pos) < want.min(RAW) {
            if self.pos > 0 {
                self.buf.copy_within(self.pos..self.end, 0);
                self.end = self.end.saturating_sub(self.pos);
                self.pos = 0;
            }
            let n = self.read_input()?;
            if n == 0 {
                break;
            }
        }
        Ok(self.rest())
    }

    fn rest(&self) -> &[u8] {
        self.buf.get(self.pos..self.end).unwrap_or_default()
    }

    fn read_input(&mut self) -> io::Result<usize> {
        let space = self.buf.get_mut(self.end..).unwrap_or_default();
        loop {
            match self.input.read(space) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // A pipe that someone made non-blocking: reading is what this thread is for, so it waits.
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(5)),
                Err(e) => return Err(e),
                Ok(n) => {
                    if n == 0 {
                        self.meter.dry.store(true, Ordering::Relaxed);
                    }
                    self.end = self.end.saturating_add(n).min(self.buf.len());
                    return Ok(n);
                }
            }
        }
    }

    /// Pass over `n` bytes; fewer when the input ends.
    fn skip(&mut self, mut n: u64) -> io::Result<bool> {
        while n > 0 {
            let have = self.fill_buf()?.len();
            if have == 0 {
                return Ok(false);
            }
            let step = have.min(usize::try_from(n).unwrap_or(usize::MAX));
            self.consume(step);
            n = n.saturating_sub(step as u64);
        }
        Ok(true)
    }
}

impl BufRead for Raw {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, n: usize) {
        let upto = self.pos.saturating_add(n).min(self.end);
        let eaten = self.buf.get(self.pos..upto).unwrap_or_default();
        if let Some(tail) = eaten.last_chunk::<8>() {
            self.last = *tail;
        } else {
            self.last.rotate_left(eaten.len());
            for (old, new) in self.last.iter_mut().rev().zip(eaten.iter().rev()) {
                *old = *new;
            }
        }
        self.meter.taken.fetch_add(eaten.len() as u64, Ordering::Relaxed);
        self.pos = upto;
    }
}

impl Read for Raw {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.fill_buf()?;
        let n = rest.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

/// A decoder over its input, or the input between two frames.
enum State {
    Between(Raw),
    Gzip(Box<flate2::bufread::GzDecoder<Raw>>),
    Zstd(Box<ruzstd::decoding::StreamingDecoder<Raw, ruzstd::decoding::FrameDecoder>>),
    Lz4(Box<lz4_flex::frame::FrameDecoder<Raw>>),
    /// A decoder failed: there is nothing more.
    Over,
}

/// Bytes as they were before they were packed; or plain bytes, when they were not.
pub(crate) struct Decoder {
    state: State,
    packed: Option<Compression>,
    meter: Arc<Meter>,
    frames: u64,
    /// The old lz4 format has no end mark: such a file ends with its last block.
    legacy: bool,
    /// Bytes after the last frame that are no frame.
    pub(crate) trailing: bool,
}

impl Decoder {
    /// Finds out by the first bytes whether the input is packed. Blocks until there are some.
    pub(crate) fn new(input: Input) -> io::Result<Self> {
        let meter = Arc::new(Meter::default());
        let mut raw = Raw::new(input, Arc::clone(&meter));
        let packed = sniff::compression(raw.peek(4)?);
        Ok(Self { state: State::Between(raw), packed, meter, frames: 0, legacy: false, trailing: false })
    }

    pub(crate) fn packed(&self) -> Option<Compression> {
        self.packed
    }

    /// Counts the packed bytes taken so far.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// Unpacks up to `out.len()` bytes; 0 at the end. After an error there is nothing more.
    /// A panic inside a decoder of others counts as broken data.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let result = catch_unwind(AssertUnwindSafe(|| self.read_some(out)))
            .unwrap_or_else(|_| Err(io::Error::other("the decoder gave up on this data")));
        if result.is_err() {
            self.state = State::Over;
        }
        result
    }

    fn read_some(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = match &mut self.state {
                State::Over => return Ok(0),
                State::Between(raw) if self.packed.is_none() => return raw.read(out),
                State::Between(_) => {
                    self.next_frame()?;
                    continue;
                }
                State::Gzip(d) => d.read(out)?,
                State::Zstd(d) => d.read(out)?,
                State::Lz4(d) => match d.read(out) {
                    Err(e) => match skippable(&e) {
                        Some(len) => {
                            self.lz4_skip(len)?;
                            continue;
                        }
                        None => return Err(e),
                    },
                    Ok(n) => n,
                },
            };
            if n > 0 {
                return Ok(n);
            }
            self.finish_frame()?;
        }
    }

    /// The frame's decoder has no more: back to its input.
    fn finish_frame(&mut self) -> io::Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Gzip(d) => State::Between(d.into_inner()),
            State::Zstd(d) => {
                let check = (d.decoder.get_checksum_from_data(), d.decoder.get_calculated_checksum());
                if let (Some(told), Some(found)) = check
                    && told != found
                {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum of a zstd frame is wrong"));
                }
                State::Between(d.into_inner())
            }
            State::Lz4(d) => {
                // This decoder reads frame after frame, and takes a cut before a block's length for an end.
                let raw = d.into_inner();
                let [a @ .., _, _, _, _] = raw.last;
                let [_, _, _, _, b @ ..] = raw.last;
                if a != [0; 4] && b != [0; 4] && raw.meter.taken.load(Ordering::Relaxed) > 0 && !self.legacy {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                State::Between(raw)
            }
            other => other,
        };
        Ok(())
    }

    fn lz4_skip(&mut self, len: u32) -> io::Result<()> {
        if let State::Lz4(d) = std::mem::replace(&mut self.state, State::Over) {
            let mut raw = d.into_inner();
            if !raw.skip(u64::from(len))? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.state = State::Between(raw);
        }
        Ok(())
    }

    /// Between frames: see what comes.
    fn next_frame(&mut self) -> io::Result<()> {
        let State::Between(mut raw) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(());
        };
        let head: Vec<u8> = raw.peek(8)?.iter().take(8).copied().collect();
        if head.is_empty() {
            return Ok(());
        }
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d] = head.as_slice() {
            let len = u32::from_le_bytes([*a, *b, *c, *d]);
            if !raw.skip(u64::from(len).saturating_add(8))? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.state = State::Between(raw);
            return Ok(());
        }
        self.state = match sniff::compression(&head) {
            Some(Compression::Gzip) => State::Gzip(Box::new(flate2::bufread::GzDecoder::new(raw))),
            Some(Compression::Zstd) => {
                State::Zstd(Box::new(ruzstd::decoding::StreamingDecoder::new(raw).map_err(io::Error::other)?))
            }
            Some(Compression::Lz4) => {
                self.legacy = head.first() == Some(&0x02);
                State::Lz4(Box::new(lz4_flex::frame::FrameDecoder::new(raw)))
            }
            None if self.frames > 0 => {
                // gzip and zstd themselves pass over zeros or garbage after the last frame with a warning.
                self.trailing = true;
                State::Over
            }
            None => return Err(io::ErrorKind::InvalidData.into()),
        };
        self.frames = self.frames.saturating_add(1);
        Ok(())
    }
}

fn skippable(e: &io::Error) -> Option<u32> {
    match e.get_ref()?.downcast_ref::<lz4_flex::frame::Error>()? {
        lz4_flex::frame::Error::SkippableFrame(len) => Some(*len),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn unpack(data: &[u8]) -> (Vec<u8>, Option<String>) {
        let mut d = Decoder::new(Box::new(io::Cursor::new(data.to_vec()))).unwrap();
        let (mut all, mut buf) = (Vec::new(), vec![0; 1000]);
        loop {
            match d.read(&mut buf) {
                Ok(0) => return (all, None),
                Ok(n) => all.extend_from_slice(&buf[..n]),
                Err(e) => return (all, Some(e.to_string())),
            }
        }
    }

    fn gz(data: &[u8]) -> Vec<u8> {
        let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        w.write_all(data).unwrap();
        w.finish().unwrap()
    }

    fn zst(data: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn lz4(data: &[u8]) -> Vec<u8> {
        let mut w = lz4_flex::frame::FrameEncoder::new(Vec::new());
        w.write_all(data).unwrap();
        w.finish().unwrap()
    }

    fn sample(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i / 7 % 251) as u8).collect()
    }

    #[test]
    fn frames_one_after_another() {
        let (a, b) = (sample(300_000), b"tail".to_vec());
        let both = [a.clone(), b.clone()].concat();
        for pack in [gz, zst, lz4] {
            let packed = [pack(&a), pack(&b)].concat();
            assert_eq!(unpack(&packed), (both.clone(), None));
        }
        let skip = [&[0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9][..], &zst(&a)].concat();
        assert_eq!(unpack(&skip), (a.clone(), None));
        let within = [&lz4(&a)[..], &[0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9], &lz4(&b)].concat();
        assert_eq!(unpack(&within), (both, None));
    }

    #[test]
    fn a_cut_is_told_and_what_came_before_is_kept() {
        let a = sample(300_000);
        for pack in [gz, zst, lz4] {
            let whole = pack(&a);
            let step = (whole.len() / 40).max(1);
            for cut in (5..whole.len()).step_by(step) {
                let (got, error) = unpack(&whole[..cut]);
                assert!(a.starts_with(&got));
                assert!(error.is_some(), "cut at {cut} of {}", whole.len());
            }
        }
    }

    #[test]
    fn garbage_after_the_last_frame_is_passed_over() {
        let a = sample(1000);
        assert_eq!(unpack(&[gz(&a), vec![0; 20]].concat()), (a.clone(), None));
        assert_eq!(unpack(&[zst(&a), b"xyz".to_vec()].concat()), (a, None));
    }

    #[test]
    fn plain_bytes_pass() {
        let a = sample(300_000);
        assert_eq!(unpack(&a), (a.clone(), None));
    }

    #[test]
    fn packed_bytes_at_random_never_panic() {
        let a = sample(5000);
        for pack in [gz, zst, lz4] {
            let whole = pack(&a);
            for at in 0..whole.len() {
                let mut bad = whole.clone();
                bad[at] ^= 0x55;
                let _ = unpack(&bad);
            }
        }
    }
}
