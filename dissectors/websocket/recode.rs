//! What a proxy needs to change messages: frames written, and one direction's compression undone and done again (RFC 7692).

use super::frame;
use super::message::TAIL;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params};
use wirelore_kit::{Inflater, Wrap};

/// Compression level of what is compressed anew: zlib's usual one.
const LEVEL: i32 = 6;
/// DEFLATE without a wrapper, 32 KiB of window.
const RAW: i32 = -15;

/// Undoes the compression of one direction, message by message.
#[derive(Default)]
pub struct Window {
    inflater: Option<Inflater>,
}

/// What a compressed message holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Inflated {
    /// These bytes.
    Whole(Vec<u8>),
    /// More bytes than are wanted; the window has taken them in.
    TooMuch,
}

impl Window {
    /// A message begins; `fresh`: it refers to none before it.
    pub fn begin(&mut self, fresh: bool) {
        if fresh || self.inflater.as_ref().is_none_or(Inflater::is_done) {
            self.inflater = Some(Inflater::new(Wrap::Raw));
        }
    }

    /// Payload of the message that has begun. Returns whether it was good.
    #[must_use]
    pub fn feed(&mut self, mut payload: &[u8], out: &mut Vec<u8>, most: usize) -> bool {
        let Some(inflater) = &mut self.inflater else { return false };
        // What is over the bound is made all the same: the window needs it.
        let mut over = Vec::new();
        while !payload.is_empty() && !inflater.is_done() {
            let room = most.saturating_sub(out.len());
            let (to, room) = if room > 0 { (&mut *out, room) } else { (&mut over, 64 << 10) };
            let Ok(used) = inflater.push(payload, to, room) else { return false };
            over.clear();
            payload = payload.get(used..).unwrap_or(&[]);
        }
        true
    }

    /// The whole message at once, at most `most` bytes of it. `None`: it cannot be undone.
    pub fn whole(&mut self, payload: &[u8], fresh: bool, most: usize) -> Option<Inflated> {
        self.begin(fresh);
        let mut out = Vec::new();
        let good = self.feed(payload, &mut out, most.saturating_add(1)) && self.feed(TAIL, &mut out, most.saturating_add(1));
        let whole = if out.len() > most { Inflated::TooMuch } else { Inflated::Whole(out) };
        good.then_some(whole)
    }

    /// Bytes of memory held.
    pub fn weight(&self) -> usize {
        self.inflater.as_ref().map_or(0, Inflater::weight)
    }
}

/// A message compressed by itself, referring to none before it: every receiver can undo that, whatever its window holds (RFC 7692 §7.2.1).
pub fn deflated(message: &[u8]) -> Vec<u8> {
    let mut compressor = Box::new(CompressorOxide::new(create_comp_flags_from_zip_params(LEVEL, RAW, 0)));
    let mut out = Vec::with_capacity(message.len() / 2);
    compress_to_output(&mut compressor, message, TDEFLFlush::Sync, |bytes| {
        out.extend_from_slice(bytes);
        true
    });
    if out.ends_with(TAIL) {
        out.truncate(out.len().saturating_sub(TAIL.len()));
    }
    out
}

/// A frame that is a whole message.
pub fn frame(opcode: u8, compressed: bool, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len().saturating_add(14));
    out.push(0x80 | if compressed { 0x40 } else { 0 } | (opcode & 15));
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..=125), _) => out.push(masked | short),
        (_, Ok(len)) => {
            out.push(masked | 126);
            out.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    match mask {
        Some(key) => {
            out.extend_from_slice(&key);
            frame::unmask(&mut out, payload, key, 0);
        }
        None => out.extend_from_slice(payload),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_anew_is_undone_whatever_came_before() {
        let mut window = Window::default();
        for text in [&b"hello hello hello hello"[..], b"", b"x", &[7; 100_000]] {
            let small = deflated(text);
            assert_eq!(window.whole(&small, false, 1 << 20), Some(Inflated::Whole(text.to_vec())), "{} bytes", text.len());
        }
        assert_eq!(window.whole(&deflated(&[7; 100_000]), false, 1000), Some(Inflated::TooMuch));
        assert_eq!(window.whole(&deflated(b"still in step"), false, 1000), Some(Inflated::Whole(b"still in step".to_vec())));
        assert_eq!(window.whole(b"\xff\xff\xff", false, 1000), None);
    }

    #[test]
    fn frames_are_written_as_short_as_they_can_be() {
        for (len, head) in [(0, 2), (125, 2), (126, 4), (0xffff, 4), (0x1_0000, 10)] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let made = frame(frame::BINARY, false, mask, &vec![9; len]);
                let read = frame::head(&made).expect("a whole head");
                assert_eq!((read.len, read.size(), read.mask), (len as u64, head + if mask.is_some() { 4 } else { 0 }, mask));
                assert_eq!(made.len(), read.size() + len);
            }
        }
    }
}
