//! Packets of QUIC: headers as they stand on the wire (RFC 9000 §17), and how they are shown once protection is off.

use super::fields as f;
use super::keys;
use super::link::Opened;
use crate::coding::varint;
use wirelore_kit::{BitRange, Note, Reader, Stop, Value};

/// What every long header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub version: u32,
    pub to: &'a [u8],
    pub from: &'a [u8],
}

/// A packet in its datagram; lengths count from its first byte.
#[derive(Debug, Clone, Copy)]
pub(super) enum Packet<'a> {
    /// Version 0: the versions that the server speaks.
    Versions {
        head: Head<'a>,
        len: usize,
    },
    Initial {
        head: Head<'a>,
        token: (usize, usize),
        number_at: usize,
        end: usize,
    },
    /// 0-RTT (1) or Handshake (2), as version 1 numbers them.
    Long {
        head: Head<'a>,
        kind: u8,
        number_at: usize,
        end: usize,
    },
    Retry {
        head: Head<'a>,
        len: usize,
    },
    Short {
        to: &'a [u8],
        number_at: usize,
        end: usize,
    },
    /// A version with rules of its own: only what all versions share (RFC 8999).
    Other {
        head: Head<'a>,
        len: usize,
    },
}

/// Names of versions that are met.
pub(super) fn version_name(version: u32) -> Option<&'static str> {
    f::VERSION.name_of(u64::from(version)).or(match version {
        0xff00_0000..=0xff00_00ff => Some("draft"),
        _ => None,
    })
}

/// The packet that `bytes` begin with. `known` knows the length of a connection ID that bytes begin with, `short_len` is the guess else.
pub(super) fn parse<'a>(
    bytes: &'a [u8],
    short_len: usize,
    known: impl Fn(&[u8]) -> Option<usize>,
) -> Result<Packet<'a>, &'static Note> {
    parse_inner(bytes, short_len, known).ok_or(&f::CUT)?
}

fn parse_inner<'a>(
    bytes: &'a [u8],
    short_len: usize,
    known: impl Fn(&[u8]) -> Option<usize>,
) -> Option<Result<Packet<'a>, &'static Note>> {
    let first = *bytes.first()?;
    if first & 0x80 == 0 {
        let after = bytes.get(1..)?;
        let id = known(after);
        // The sides may agree to send the fixed bit at random (RFC 9287): then only a known ID speaks for QUIC.
        if first & 0x40 == 0 && id.is_none() {
            return Some(Err(&f::NOT_QUIC));
        }
        let n = id.unwrap_or(short_len);
        let to = after.get(..n)?;
        return Some(Ok(Packet::Short { to, number_at: n.checked_add(1)?, end: bytes.len() }));
    }
    let version = u32::from_be_bytes(bytes.get(1..5)?.try_into().ok()?);
    let to_len = usize::from(*bytes.get(5)?);
    let to_end = 6usize.checked_add(to_len)?;
    let to = bytes.get(6..to_end)?;
    let from_len = usize::from(*bytes.get(to_end)?);
    let from_at = to_end.checked_add(1)?;
    let at = from_at.checked_add(from_len)?;
    let from = bytes.get(from_at..at)?;
    let head = Head { version, to, from };
    if version == 0 {
        return Some(Ok(Packet::Versions { head, len: bytes.len() }));
    }
    let Some(rules) = keys::version(version) else {
        return Some(Ok(Packet::Other { head, len: bytes.len() }));
    };
    if to_len > 20 || from_len > 20 {
        return Some(Err(&f::LONG_ID));
    }
    let kind = first >> 4 & 3;
    // RFC 9369 §3.2 gives each type the next number.
    let kind = if rules.second { kind.wrapping_sub(1) & 3 } else { kind };
    if kind == 3 {
        return Some(Ok(Packet::Retry { head, len: bytes.len() }));
    }
    let (token, at) = if kind == 0 {
        let (len, taken) = varint::of(bytes.get(at..)?)?;
        let from = at.checked_add(taken)?;
        let end = from.checked_add(usize::try_from(len).ok()?)?;
        bytes.get(from..end)?;
        ((from, end), end)
    } else {
        ((at, at), at)
    };
    let (len, taken) = varint::of(bytes.get(at..)?)?;
    let number_at = at.checked_add(taken)?;
    // A cut datagram shows what is there.
    let end = number_at.saturating_add(usize::try_from(len).ok()?).min(bytes.len());
    Some(Ok(if kind == 0 {
        Packet::Initial { head, token, number_at, end }
    } else {
        Packet::Long { head, kind, number_at, end }
    }))
}

impl<'a> Packet<'a> {
    /// Bytes of it in the datagram.
    pub(super) const fn len(&self) -> usize {
        match self {
            Packet::Versions { len, .. } | Packet::Retry { len, .. } | Packet::Other { len, .. } => *len,
            Packet::Initial { end, .. } | Packet::Long { end, .. } | Packet::Short { end, .. } => *end,
        }
    }

    /// The long header, if it is one.
    pub(super) const fn head(&self) -> Option<&Head<'a>> {
        match self {
            Packet::Short { .. } => None,
            Packet::Versions { head, .. }
            | Packet::Initial { head, .. }
            | Packet::Long { head, .. }
            | Packet::Retry { head, .. }
            | Packet::Other { head, .. } => Some(head),
        }
    }

    /// Where the protected packet number begins, and the packet's end.
    pub(super) const fn protected(&self) -> Option<(usize, usize)> {
        match self {
            Packet::Initial { number_at, end, .. }
            | Packet::Long { number_at, end, .. }
            | Packet::Short { number_at, end, .. } => Some((*number_at, *end)),
            _ => None,
        }
    }

    /// Whether it can only be read with what was learned before.
    pub(super) const fn wants_link(&self) -> bool {
        self.protected().is_some()
    }

    /// What a list shows of it.
    pub(super) fn tell(&self, number: Option<u64>, line: &mut String) {
        let name = match self {
            Packet::Versions { .. } => "Version negotiation",
            Packet::Initial { .. } => "Initial",
            Packet::Long { kind: 1, .. } => "0-RTT",
            Packet::Long { .. } => "Handshake",
            Packet::Retry { .. } => "Retry",
            Packet::Short { .. } => "Protected payload",
            Packet::Other { head, .. } => {
                line.push_str(version_name(head.version).unwrap_or("unknown version"));
                return;
            }
        };
        line.push_str(name);
        if let Some(n) = number {
            line.push_str(&format!(" {n}"));
        }
    }
}

fn bits(r: &mut Reader<'_>, field: wirelore_kit::F, first: u8, len: u8) -> Result<(), Stop> {
    r.bits(field, BitRange { first, len }).map(|_| ())
}

/// The packet as fields; takes its bytes.
pub(super) fn show(r: &mut Reader<'_>, p: &Packet<'_>, opened: Option<&Opened>) -> Result<(), Stop> {
    r.within(&f::QUIC, p.len(), |r| {
        bits(r, &f::FORM, 0, 1)?;
        bits(r, &f::FIXED, 1, 1)?;
        let first = r.span(1);
        match p {
            Packet::Short { to, .. } => {
                bits(r, &f::SPIN, 2, 1)?;
                r.skip(1)?;
                if let Some(bare) = opened.and_then(|o| o.first) {
                    r.derived(&f::KEY_PHASE, first, u64::from(bare >> 2 & 1));
                    r.derived(&f::NUMBER_LENGTH, first, u64::from(bare & 3).saturating_add(1));
                }
                if !to.is_empty() {
                    r.bytes(&f::TO, to.len())?;
                }
                payload(r, opened)
            }
            _ => {
                match p {
                    Packet::Versions { .. } | Packet::Other { .. } => {}
                    _ if p.head().is_some_and(|h| keys::version(h.version).is_some_and(|v| v.second)) => {
                        bits(r, &f::TYPE_2, 2, 2)?
                    }
                    _ => bits(r, &f::TYPE, 2, 2)?,
                }
                r.skip(1)?;
                if let Some(bare) = opened.and_then(|o| o.first) {
                    r.derived(&f::NUMBER_LENGTH, first, u64::from(bare & 3).saturating_add(1));
                }
                long(r, p, opened)
            }
        }
    })
}

fn long(r: &mut Reader<'_>, p: &Packet<'_>, opened: Option<&Opened>) -> Result<(), Stop> {
    r.u32(&f::VERSION)?;
    for (len, id) in [(&f::TO_LENGTH, &f::TO), (&f::FROM_LENGTH, &f::FROM)] {
        let n = r.u8(len)?;
        if n > 0 {
            r.bytes(id, usize::from(n))?;
        }
    }
    match p {
        Packet::Versions { .. } => {
            while r.left() >= 4 {
                r.u32(&f::SUPPORTED)?;
            }
            Ok(())
        }
        Packet::Retry { .. } => {
            if r.left() > 16 {
                r.bytes(&f::RETRY_TOKEN, r.left().saturating_sub(16))?;
            }
            r.bytes(&f::RETRY_TAG, r.left()).map(|_| ())
        }
        Packet::Other { .. } => r.bytes(&f::PAYLOAD, r.left()).map(|_| ()),
        Packet::Initial { token, .. } => {
            varint::read(r, &f::TOKEN_LENGTH)?;
            let len = token.1.saturating_sub(token.0);
            if len > 0 {
                r.bytes(&f::TOKEN, len)?;
            }
            varint::read(r, &f::LENGTH)?;
            payload(r, opened)
        }
        Packet::Long { .. } => {
            varint::read(r, &f::LENGTH)?;
            payload(r, opened)
        }
        Packet::Short { .. } => Ok(()),
    }
}

fn payload(r: &mut Reader<'_>, opened: Option<&Opened>) -> Result<(), Stop> {
    match opened.and_then(|o| Some((o.number?, o.number_len))) {
        Some((number, len)) => {
            r.valued(&f::NUMBER, len, Value::U64(number))?;
            r.bytes(&f::PAYLOAD, r.left()).map(|_| ())
        }
        None if r.left() > 0 => r.bytes(&f::PROTECTED, r.left()).map(|_| ()),
        None => Ok(()),
    }
}
