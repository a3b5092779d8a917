//! Frames as we write them, and frames of others with other stream numbers.

use super::super::frame::{self, HEAD, Head, kind};
use bytes::{BufMut, Bytes, BytesMut};

/// Payloads of ours are at most so long: every receiver takes that (RFC 9113 §4.2).
pub const MOST_PAYLOAD: usize = frame::FIRST_MAX as usize;

/// Error codes (RFC 9113 §7).
pub mod code {
    #![allow(missing_docs)]
    pub const NO_ERROR: u32 = 0;
    pub const PROTOCOL_ERROR: u32 = 1;
    pub const INTERNAL_ERROR: u32 = 2;
    pub const FLOW_CONTROL_ERROR: u32 = 3;
    pub const STREAM_CLOSED: u32 = 5;
    pub const FRAME_SIZE_ERROR: u32 = 6;
    pub const REFUSED_STREAM: u32 = 7;
    pub const CANCEL: u32 = 8;
    pub const COMPRESSION_ERROR: u32 = 9;
    pub const ENHANCE_YOUR_CALM: u32 = 11;
}

fn put_head(out: &mut BytesMut, len: usize, kind: u8, flags: u8, stream: u32) {
    let len = u32::try_from(len).unwrap_or(0);
    out.put_u32((len << 8) | u32::from(kind));
    out.put_u8(flags);
    out.put_u32(stream);
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[&[u8]]) -> Bytes {
    let len = payload.iter().map(|p| p.len()).fold(0usize, usize::saturating_add);
    let mut out = BytesMut::with_capacity(HEAD.saturating_add(len));
    put_head(&mut out, len, kind, flags, stream);
    payload.iter().for_each(|p| out.put_slice(p));
    out.freeze()
}

/// RST_STREAM.
#[must_use]
pub fn reset(stream: u32, code: u32) -> Bytes {
    frame(kind::RST_STREAM, 0, stream, &[&code.to_be_bytes()])
}

/// SETTINGS that change nothing, or acknowledge others.
#[must_use]
pub fn settings(acknowledge: bool) -> Bytes {
    frame(kind::SETTINGS, if acknowledge { frame::ACK } else { 0 }, 0, &[])
}

/// PING that answers `frame`.
#[must_use]
pub fn pong(ping: &Bytes) -> Bytes {
    frame(kind::PING, frame::ACK, 0, &[ping.get(HEAD..).unwrap_or(&[])])
}

/// WINDOW_UPDATE.
#[must_use]
pub fn window(stream: u32, more: u32) -> Bytes {
    frame(kind::WINDOW_UPDATE, 0, stream, &[&more.to_be_bytes()])
}

/// GOAWAY.
#[must_use]
pub fn go_away(last: u32, code: u32, words: &[u8]) -> Bytes {
    frame(kind::GOAWAY, 0, 0, &[&last.to_be_bytes(), &code.to_be_bytes(), words])
}

/// DATA.
#[must_use]
pub fn data(stream: u32, data: &[u8], ends: bool) -> Bytes {
    frame(kind::DATA, if ends { frame::END_STREAM } else { 0 }, stream, &[data])
}

/// What a header block stands in.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    /// The stream that it is sent on.
    pub stream: u32,
    /// The stream that it promises; 0: none.
    pub promised: u32,
    /// Dependency and weight.
    pub priority: Option<[u8; 5]>,
    /// It ends the stream.
    pub ends: bool,
}

/// HEADERS or PUSH_PROMISE, with as many CONTINUATION behind as are needed.
#[must_use]
pub fn block(fragment: &[u8], around: Around) -> Bytes {
    let promised = around.promised.to_be_bytes();
    let (first, mut flags, lead): (u8, u8, &[u8]) = match (&around.priority, around.promised) {
        (Some(p), 0) => (kind::HEADERS, frame::PRIORITY, p),
        (None, 0) => (kind::HEADERS, 0, &[]),
        _ => (kind::PUSH_PROMISE, 0, &promised),
    };
    if around.ends && around.promised == 0 {
        flags |= frame::END_STREAM;
    }
    let mut out = BytesMut::with_capacity(fragment.len().saturating_add(64));
    let (here, mut rest) = fragment.split_at_checked(MOST_PAYLOAD.saturating_sub(lead.len())).unwrap_or((fragment, &[]));
    let last = |rest: &[u8]| if rest.is_empty() { frame::END_HEADERS } else { 0 };
    put_head(&mut out, lead.len().saturating_add(here.len()), first, flags | last(rest), around.stream);
    out.put_slice(lead);
    out.put_slice(here);
    while !rest.is_empty() {
        let (here, left) = rest.split_at_checked(MOST_PAYLOAD).unwrap_or((rest, &[]));
        put_head(&mut out, here.len(), kind::CONTINUATION, last(left), around.stream);
        out.put_slice(here);
        rest = left;
    }
    out.freeze()
}

/// Whole frames with another stream number.
#[must_use]
pub fn renumbered(frames: Bytes, stream: u32) -> Bytes {
    if Head::of(&frames).is_none_or(|h| h.stream == stream) {
        return frames;
    }
    let mut out = frames.try_into_mut().unwrap_or_else(|f| BytesMut::from(&*f));
    let mut at = 0usize;
    while let Some(head) = out.get(at..).and_then(Head::of) {
        let number = at.saturating_add(5)..at.saturating_add(HEAD);
        if let Some(place) = out.get_mut(number) {
            place.copy_from_slice(&stream.to_be_bytes());
        }
        at = at.saturating_add(head.whole());
    }
    out.freeze()
}

/// The payload without padding; `None`: the padding is longer than the frame (RFC 9113 §6.1).
#[must_use]
pub fn unpadded(head: &Head, frame: &Bytes) -> Option<Bytes> {
    let payload = frame.slice(HEAD.min(frame.len())..);
    if !head.has(frame::PADDED) {
        return Some(payload);
    }
    let pad = usize::from(*payload.first()?);
    let end = payload.len().checked_sub(pad).filter(|end| *end >= 1)?;
    Some(payload.slice(1..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_blocks_go_on_in_continuations() {
        let long = vec![7; MOST_PAYLOAD * 2];
        let around = Around { stream: 5, promised: 0, priority: Some([1; 5]), ends: true };
        let bytes = block(&long, around);
        let (mut at, mut kinds, mut payload) = (0, Vec::new(), 0);
        while let Some(h) = bytes.get(at..).and_then(Head::of) {
            kinds.push((h.kind, h.flags));
            payload += h.len as usize;
            assert!(h.len as usize <= MOST_PAYLOAD && h.stream == 5);
            at += h.whole();
        }
        assert_eq!(kinds, [(1, 0x21), (9, 0), (9, 4)]);
        assert_eq!((payload, at), (long.len() + 5, bytes.len()));
        let other = renumbered(bytes.clone(), 9);
        assert_eq!(other.iter().zip(&*bytes).filter(|(a, b)| a != b).count(), 3);
    }
}
