//! The nine bytes in front of every frame (RFC 9113 §4.1): what they say, and whether bytes look like them at all.

use wirelore_kit::{Dir, Peek, Verdict};

/// What a client says first (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Length of a frame header, bytes.
pub const HEAD: usize = 9;
/// Payloads are no longer than this unless the receiver allows it (RFC 9113 §4.2).
pub const FIRST_MAX: u32 = 16_384;

/// Frame types (RFC 9113 §6, RFC 7838 §4, RFC 8336 §2, RFC 9218 §7.1).
pub mod kind {
    #![allow(missing_docs)]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
    pub const ALTSVC: u8 = 10;
    pub const ORIGIN: u8 = 12;
    pub const PRIORITY_UPDATE: u8 = 16;
}

/// END_STREAM of DATA and HEADERS.
pub const END_STREAM: u8 = 0x1;
/// ACK of SETTINGS and PING.
pub const ACK: u8 = 0x1;
/// END_HEADERS of HEADERS, PUSH_PROMISE and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;
/// PADDED of DATA, HEADERS and PUSH_PROMISE.
pub const PADDED: u8 = 0x8;
/// PRIORITY of HEADERS.
pub const PRIORITY: u8 = 0x20;

/// A frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Length of the payload.
    pub len: u32,
    /// Type.
    pub kind: u8,
    /// Flags.
    pub flags: u8,
    /// Whether the reserved bit is set.
    pub reserved: bool,
    /// Stream identifier.
    pub stream: u32,
}

impl Head {
    /// The header that `b` begins with.
    #[must_use]
    pub const fn of(b: &[u8]) -> Option<Head> {
        match b {
            [a, b, c, kind, flags, w, x, y, z, ..] => Some(Head {
                len: u32::from_be_bytes([0, *a, *b, *c]),
                kind: *kind,
                flags: *flags,
                reserved: *w >= 0x80,
                stream: u32::from_be_bytes([*w & 0x7f, *x, *y, *z]),
            }),
            _ => None,
        }
    }

    /// Whether a flag is set.
    #[must_use]
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Bytes of the whole frame.
    #[must_use]
    pub const fn whole(&self) -> usize {
        HEAD.saturating_add(self.len as usize)
    }

    /// Whether an honest sender may have written this: for finding frames where nobody says that they begin.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        let flags = match self.kind {
            kind::DATA => END_STREAM | PADDED,
            kind::HEADERS => END_STREAM | END_HEADERS | PADDED | PRIORITY,
            kind::SETTINGS | kind::PING => ACK,
            kind::PUSH_PROMISE => END_HEADERS | PADDED,
            kind::CONTINUATION => END_HEADERS,
            _ => 0,
        };
        // Stream numbers rise by two; nobody gets that far in one connection.
        if self.reserved || self.flags & !flags != 0 || self.len > FIRST_MAX || self.stream > 1 << 24 {
            return false;
        }
        let of_stream = self.stream != 0;
        match self.kind {
            // Without a byte it only makes sense as the last one.
            kind::DATA => of_stream && (self.len > 0 || self.has(END_STREAM)),
            kind::HEADERS | kind::CONTINUATION => of_stream && self.len > 0,
            kind::PUSH_PROMISE => of_stream && self.len > 4,
            kind::PRIORITY => of_stream && self.len == 5,
            kind::RST_STREAM => of_stream && self.len == 4,
            kind::SETTINGS => !of_stream && self.len.is_multiple_of(6) && self.len <= 600 && (self.len == 0 || !self.has(ACK)),
            kind::PING => !of_stream && self.len == 8,
            kind::GOAWAY => !of_stream && self.len >= 8,
            kind::WINDOW_UPDATE => self.len == 4,
            _ => false,
        }
    }
}

/// Looks for a preface, or in the middle of a connection for two frames in a row that make sense.
pub fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.to_server.is_empty() {
        return frames(peek.to_client, peek.ended);
    }
    let n = peek.to_server.len().min(PREFACE.len());
    if peek.to_server.get(..n) == PREFACE.get(..n) {
        // The first line alone is a request that HTTP/1 reads too; nobody else sends the whole.
        return if n == PREFACE.len() {
            Verdict::Sure
        } else if peek.ended {
            Verdict::No
        } else {
            Verdict::More
        };
    }
    frames(peek.to_server, peek.ended)
}

fn frames(bytes: &[u8], ended: bool) -> Verdict {
    let (mut rest, mut first) = (bytes, 0);
    for seen in 0..2 {
        if rest.first().is_some_and(|b| *b != 0) {
            return Verdict::No;
        }
        let Some(head) = Head::of(rest) else {
            // Nothing more comes: one frame that is whole must do.
            return match seen {
                1 if ended && bytes.len() < 512 && rest.len() < HEAD && bytes.len() >= HEAD.saturating_add(first) => {
                    Verdict::Sure
                }
                _ if ended || bytes.len() >= 512 => Verdict::No,
                _ => Verdict::More,
            };
        };
        // A long first frame would keep everybody waiting for the second.
        if !head.is_plausible() || seen == 0 && head.whole() > 512usize.saturating_sub(HEAD) {
            return Verdict::No;
        }
        if seen == 1 {
            return Verdict::Sure;
        }
        first = head.len as usize;
        rest = rest.get(head.whole()..).unwrap_or(&[]);
    }
    Verdict::No
}

/// The next place where a frame may begin.
pub fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    let _ = dir;
    // A payload of more than 64 kB is not believed here, so every start begins with a zero.
    memchr::memchr_iter(0, bytes).find(|i| bytes.get(*i..).and_then(Head::of).is_some_and(|h| h.is_plausible()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::Transport;

    #[test]
    fn frames_in_the_middle_are_found_and_other_bytes_are_not() {
        let peek = |b: &'static [u8], ended| Peek {
            to_server: &[],
            to_client: b,
            transport: Transport::Tcp,
            client_port: 1,
            server_port: 2,
            ended,
        };
        let two = b"\0\0\x08\x06\0\0\0\0\0abcdefgh\0\0\x04\x08\0\0\0\0\x03\0\0\x01\0";
        assert_eq!(probe(&peek(two, false)), Verdict::Sure);
        assert_eq!(probe(&peek(&two[..20], false)), Verdict::More);
        assert_eq!(probe(&peek(&two[..20], true)), Verdict::Sure, "a whole frame and the end");
        assert_eq!(probe(&peek(&two[..16], true)), Verdict::No);
        assert_eq!(probe(&peek(&[0; 40], false)), Verdict::No);
        assert_eq!(probe(&peek(b"\x16\x03\x01", false)), Verdict::No);
        assert_eq!(resync(two, Dir::ToClient), Some(0));
        assert_eq!(resync(&two[3..], Dir::ToClient), Some(14));
    }
}
