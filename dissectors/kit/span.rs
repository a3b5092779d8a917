//! Where bytes are: buffers, ranges in them, and the lines of source maps that tie one buffer to another.

use std::fmt;

/// Which way bytes travel in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Dir {
    /// From the client to the server.
    ToServer = 0,
    /// From the server to the client.
    ToClient = 1,
}

impl Dir {
    /// Both directions, the client's first.
    pub const BOTH: [Dir; 2] = [Dir::ToServer, Dir::ToClient];

    /// The opposite direction.
    #[must_use]
    pub const fn other(self) -> Dir {
        match self {
            Dir::ToServer => Dir::ToClient,
            Dir::ToClient => Dir::ToServer,
        }
    }

    /// 0 for [`Dir::ToServer`], 1 for [`Dir::ToClient`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The end that sends in this direction.
    #[must_use]
    pub const fn sender(self) -> Side {
        match self {
            Dir::ToServer => Side::Client,
            Dir::ToClient => Side::Server,
        }
    }
}

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// The end that opened the connection or asked first.
    Client = 0,
    /// The end that was asked.
    Server = 1,
}

/// A conversation: a flow's own (`inner == 0`) or one inside it, numbered in the order in which
/// reading met them, so that a second reading gives the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ConvId {
    /// The flow, numbered by first packet.
    pub flow: u32,
    /// 0 is the flow itself; inner conversations count from 1. At most 2^23 - 1.
    pub inner: u32,
}

/// Names one byte sequence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct BufId(u64);

/// What a [`BufId`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BufKind {
    /// The bytes of one arrival (a packet as captured), by its number counted from 0.
    Arrival(u64),
    /// One direction of a conversation: offsets count from its first byte. For datagrams the payloads stand end to end.
    Stream(ConvId, Dir),
    /// A byte sequence that exists only in one tree (a joined header, an inflated body), by index.
    Part(u32),
}

impl BufId {
    const PART: u64 = 2 << 60;
    const STREAM: u64 = 1 << 60;

    /// The bytes of arrival `number`.
    #[must_use]
    pub const fn arrival(number: u64) -> BufId {
        BufId(number & (Self::STREAM - 1))
    }

    /// One direction of a conversation.
    #[must_use]
    pub const fn stream(of: ConvId, dir: Dir) -> BufId {
        BufId(Self::STREAM | ((of.flow as u64) << 24) | (((of.inner & 0x7f_ffff) as u64) << 1) | dir as u64)
    }

    /// The part `index` of a tree.
    #[must_use]
    pub const fn part(index: u32) -> BufId {
        BufId(Self::PART | index as u64)
    }

    /// What this names.
    #[must_use]
    pub const fn kind(self) -> BufKind {
        match self.0 >> 60 {
            0 => BufKind::Arrival(self.0),
            1 => {
                let dir = if self.0 & 1 == 0 { Dir::ToServer } else { Dir::ToClient };
                let of = ConvId { flow: ((self.0 >> 24) & 0xffff_ffff) as u32, inner: ((self.0 >> 1) & 0x7f_ffff) as u32 };
                BufKind::Stream(of, dir)
            }
            _ => BufKind::Part(self.0 as u32),
        }
    }
}

impl fmt::Debug for BufId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            BufKind::Arrival(n) => write!(f, "arrival {n}"),
            BufKind::Stream(of, dir) => write!(f, "stream {}.{} {dir:?}", of.flow, of.inner),
            BufKind::Part(n) => write!(f, "part {n}"),
        }
    }
}

/// A run of bits inside a span's bytes, counted from the most significant bit of its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BitRange {
    /// First bit.
    pub first: u8,
    /// How many bits, 1 to 64.
    pub len: u8,
}

/// A range of one byte sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The byte sequence.
    pub buf: BufId,
    /// Offset of the first byte.
    pub at: u64,
    /// How many bytes.
    pub len: u32,
    /// Which bits of them, where a field is smaller than its bytes.
    pub bits: Option<BitRange>,
}

impl Span {
    /// A range of whole bytes.
    #[must_use]
    pub const fn new(buf: BufId, at: u64, len: u32) -> Span {
        Span { buf, at, len, bits: None }
    }

    /// Offset behind the last byte.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.at.saturating_add(self.len as u64)
    }

    /// Whether `offset` of the same buffer lies inside.
    #[must_use]
    pub const fn holds(&self, offset: u64) -> bool {
        offset >= self.at && offset < self.end()
    }

    /// Whether `inner` lies inside this span (same buffer).
    #[must_use]
    pub fn covers(&self, inner: &Span) -> bool {
        self.buf == inner.buf && inner.at >= self.at && inner.end() <= self.end()
    }
}

/// How bytes came from other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// The same bytes.
    Verbatim,
    /// Several runs put end to end (header blocks, handshake messages).
    Joined,
    /// Chunk sizes taken out (RFC 9112 §7.1).
    Dechunked,
    /// Deciphered.
    Decrypted,
    /// Decompressed; a byte has a range of causes, not one.
    Inflated,
    /// XORed with the mask (RFC 6455 §5.3).
    Unmasked,
    /// Doubled leading dots taken out (RFC 5321 §4.5.2).
    Unstuffed,
    /// Taken out of a text form (base64, quoted-printable, HPACK).
    Unpacked,
}

impl How {
    /// Whether byte i of the piece is byte i of its source.
    #[must_use]
    pub const fn keeps_offsets(self) -> bool {
        matches!(self, How::Verbatim | How::Joined | How::Dechunked | How::Unmasked | How::Unstuffed)
    }

    /// The step in words, as the provenance strand says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            How::Verbatim => "as sent",
            How::Joined => "joined",
            How::Dechunked => "de-chunked",
            How::Decrypted => "decrypted",
            How::Inflated => "decompressed",
            How::Unmasked => "unmasked",
            How::Unstuffed => "dot-unstuffed",
            How::Unpacked => "decoded",
        }
    }
}

/// One line of a source map: the bytes at `at` came from `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Offset in the buffer that was made.
    pub at: u64,
    /// How many bytes of it.
    pub len: u32,
    /// Where they came from.
    pub from: Span,
    /// By what.
    pub how: How,
}
