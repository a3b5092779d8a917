//! Zstandard (RFC 8878) undone block by block as bytes come.

use super::Fault;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Windows may be so large in HTTP (RFC 9659 §3): 8 MiB.
const MOST_WINDOW: u64 = 8 << 20;
/// No block's content is longer (RFC 8878 §3.1.1.2.3): 128 KiB.
const MOST_BLOCK: usize = 128 << 10;

/// A running decoder of frames that follow one another; its state cannot be copied.
pub struct Unzstd {
    frame: FrameDecoder,
    /// Bytes that are not a whole header or block yet.
    held: Vec<u8>,
    at: At,
    frames: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// In front of a frame.
    Frame,
    /// In a frame, in front of a block; whether a checksum follows the last one.
    Block { checksum: bool },
    /// In a skippable frame with so many bytes to come.
    Skip(u64),
}

impl Default for Unzstd {
    fn default() -> Unzstd {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(MOST_WINDOW);
        Unzstd { frame, held: Vec::new(), at: At::Frame, frames: 0 }
    }
}

impl Unzstd {
    /// Adds to `out` what `input` gives, at most `most` bytes.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), Fault> {
        let limit = out.len().saturating_add(most);
        self.held.extend_from_slice(input);
        let held = std::mem::take(&mut self.held);
        let mut used = 0usize;
        let went = loop {
            let rest = held.get(used..).unwrap_or(&[]);
            match self.step(rest) {
                Ok(0) => break Ok(()),
                Ok(n) => used = used.saturating_add(n),
                Err(f) => break Err(f),
            }
            if let Some(made) = self.frame.collect() {
                let room = limit.saturating_sub(out.len());
                out.extend_from_slice(made.get(..made.len().min(room)).unwrap_or(&made));
                if made.len() > room {
                    break Err(Fault::TooMuch);
                }
            }
        };
        self.held.extend_from_slice(held.get(used..).unwrap_or(&[]));
        went
    }

    /// Takes one header or block of `rest`; returns how many bytes it took, 0 for more bytes.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Fault> {
        match self.at {
            At::Skip(left) => {
                let n = left.min(rest.len() as u64);
                self.at = if n == left { At::Frame } else { At::Skip(left.saturating_sub(n)) };
                Ok(n as usize)
            }
            At::Frame => {
                let Some(magic) = rest.first_chunk::<4>() else {
                    let fits = |m: &[u8]| m.starts_with(rest);
                    let skippable = rest.first().is_none_or(|b| b & 0xf0 == 0x50)
                        && b"\x2a\x4d\x18".starts_with(rest.get(1..).unwrap_or(&[]));
                    return if fits(&[0x28, 0xb5, 0x2f, 0xfd]) || skippable { Ok(0) } else { Err(Fault::Broken) };
                };
                match u32::from_le_bytes(*magic) {
                    0x184d_2a50..=0x184d_2a5f => {
                        let Some(len) = rest.get(4..).and_then(|r| r.first_chunk::<4>()) else { return Ok(0) };
                        self.at = At::Skip(u64::from(u32::from_le_bytes(*len)));
                        if self.at == At::Skip(0) {
                            self.at = At::Frame;
                        }
                        Ok(8)
                    }
                    0xfd2f_b528 => {
                        let Some(&what) = rest.get(4) else { return Ok(0) };
                        let single = what & 0x20 != 0;
                        let size = match what >> 6 {
                            0 => usize::from(single),
                            1 => 2,
                            2 => 4,
                            _ => 8,
                        };
                        let dictionary = match what & 3 {
                            3 => 4,
                            n => usize::from(n),
                        };
                        let n = 5usize.saturating_add(usize::from(!single)).saturating_add(dictionary).saturating_add(size);
                        let Some(head) = rest.get(..n) else { return Ok(0) };
                        self.frame.reset(head).map_err(|_| Fault::Broken)?;
                        self.at = At::Block { checksum: what & 4 != 0 };
                        self.frames = self.frames.saturating_add(1);
                        Ok(n)
                    }
                    _ => Err(Fault::Broken),
                }
            }
            At::Block { checksum } => {
                let Some([a, b, c]) = rest.first_chunk::<3>() else { return Ok(0) };
                let head = u32::from_le_bytes([*a, *b, *c, 0]);
                let size = (head >> 3) as usize;
                if size > MOST_BLOCK {
                    return Err(Fault::Broken);
                }
                let last = head & 1 != 0;
                // A run block holds one byte, whatever its size.
                let content = if (head >> 1) & 3 == 1 { 1 } else { size };
                let n = 3usize.saturating_add(content).saturating_add(if last && checksum { 4 } else { 0 });
                let Some(block) = rest.get(..n) else { return Ok(0) };
                self.frame.decode_blocks(block, BlockDecodingStrategy::UptoBlocks(1)).map_err(|_| Fault::Broken)?;
                if last {
                    self.at = At::Frame;
                }
                Ok(n)
            }
        }
    }

    /// Whether a frame has ended and no other has begun.
    pub const fn is_done(&self) -> bool {
        matches!(self.at, At::Frame) && self.frames > 0 && self.held.is_empty()
    }

    /// Bytes of memory held: the window is allocated as it fills; at most [`MOST_WINDOW`] and a block.
    pub fn weight(&self) -> usize {
        let window =
            if self.at == At::Frame { 0 } else { self.frame.content_size().clamp(MOST_BLOCK as u64, MOST_WINDOW) as usize };
        self.held.capacity().saturating_add(window).saturating_add(160 << 10)
    }
}
