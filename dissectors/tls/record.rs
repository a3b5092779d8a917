//! A record as bytes: its header, its fields, and the hello of SSL 2.0 that old clients send in its place.

use super::crypto::opener::Sealed;
use super::open::{Epoch, Opened, Why};
use super::{fields as f, notes as n};
use std::fmt;
use wirelore_kit::{Out, Reader, Stop, Value, Verdict};

/// Bytes of a record's header.
pub const HEAD: usize = 5;

/// A record holds at most so many bytes (RFC 5246 §6.2.3).
const MOST: usize = (1 << 14) + 2048;

/// A record's header.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Type of the content, or of what hides it.
    pub kind: u8,
    /// Version as written.
    pub version: u16,
    /// Bytes behind the header.
    pub len: usize,
}

impl Head {
    /// The record as openers want it.
    #[must_use]
    pub const fn sealed<'b>(&self, body: &'b [u8]) -> Sealed<'b> {
        Sealed { kind: self.kind, version: self.version, body }
    }
}

/// Reads a header; `None` where these bytes are none.
#[must_use]
#[inline]
pub fn head(b: &[u8]) -> Option<Head> {
    let [kind @ 20..=24, 3, minor @ 0..=4, a, b, ..] = *b else { return None };
    let len = usize::from(a) << 8 | usize::from(b);
    // Only application data may be empty (RFC 8446 §5.1); OpenSSL once sent such before each record.
    let fits = len <= MOST && (len > 0 || kind == 23) && (kind != 20 || len == 1 || len > 16);
    fits.then_some(Head { kind, version: 0x0300 | u16::from(minor), len })
}

/// Whether handshake bytes begin with a message that may be: its type is known and its length is not absurd.
#[must_use]
pub fn begins_message(body: &[u8]) -> bool {
    let [kind, 0, a, b, ..] = *body else { return false };
    let len = usize::from(a) << 8 | usize::from(b);
    super::names::handshake(kind).is_some() && len.saturating_add(4) <= body.len()
}

/// A record to show.
pub struct Shown<'s> {
    /// Its header.
    pub head: Head,
    /// Whether its content is encrypted.
    pub sealed: bool,
    /// Whether what is encrypted hides its type (TLS 1.3).
    pub hides: bool,
    /// What opening it came to.
    pub opened: Result<Opened, Why>,
    /// Its content, where it was opened.
    pub plain: &'s [u8],
}

/// Which key opened a record, in words.
#[must_use]
pub fn key_words(epoch: Epoch) -> String {
    match epoch {
        Epoch::Clear => "no key".into(),
        Epoch::Early => "the early traffic key".into(),
        Epoch::Handshake => "the handshake traffic key".into(),
        Epoch::Data(0) => "the first application traffic key".into(),
        Epoch::Data(n) => format!("the application traffic key after {n} updates"),
        Epoch::Old => "the write key".into(),
    }
}

/// The header of a record whose rest never came.
///
/// # Errors
/// Always, once the header was read.
pub fn cut(r: &mut Reader<'_>, head: &Head) -> Result<(), Stop> {
    r.group(&f::RECORD, |r| {
        r.u8(&f::CONTENT_TYPE)?;
        r.u16(&f::VERSION)?;
        r.u16(&f::LENGTH)?;
        r.bytes(&f::ENCRYPTED, head.len)?;
        Ok(())
    })
}

/// Reads a record's fields; all of its bytes are there.
///
/// # Errors
/// None but for faults of this program.
pub fn show(r: &mut Reader<'_>, s: &Shown<'_>) -> Result<(), Stop> {
    let len = s.head.len;
    r.group(&f::RECORD, |r| {
        let from = r.at();
        // What TLS 1.3 hides behind type 23 has its own type inside.
        let inside = match s.opened {
            Ok(o) if s.sealed && o.epoch != Epoch::Old => Some(o.kind),
            _ => None,
        };
        if let Some(kind) = inside {
            r.u8(&f::OPAQUE_TYPE)?;
            r.derived(&f::CONTENT_TYPE, r.since(from), Value::U64(u64::from(kind)));
        } else {
            r.u8(if s.sealed && s.hides { &f::OPAQUE_TYPE } else { &f::CONTENT_TYPE })?;
        }
        r.u16(&f::VERSION)?;
        r.u16(&f::LENGTH)?;
        let body = r.span(len);
        if len == 0 {
            r.note(&n::EMPTY_RECORD, body);
        } else if len > (1 << 14) + 256 && s.head.version > 0x0303 {
            r.note(&n::LONG_RECORD, body);
        }
        if s.sealed {
            let data = inside.unwrap_or(s.head.kind) == 23;
            let field = if data { &f::APP_DATA } else { &f::ENCRYPTED };
            r.bytes(field, len)?;
            if let Ok(o) = s.opened {
                if r.level() == wirelore_kit::Level::Tree {
                    r.derived(&f::OPENED_WITH, body, key_words(o.epoch));
                    r.derived(&f::SEQUENCE, body, o.seq);
                    r.derived(&f::PLAIN_LENGTH, body, s.plain.len() as u64);
                }
                match (o.kind, s.plain) {
                    (21, [level, desc]) => {
                        r.derived(&f::ALERT_LEVEL, body, u64::from(*level));
                        r.derived(&f::ALERT_DESC, body, u64::from(*desc));
                    }
                    (24, [kind, ..]) => r.derived(&f::HEARTBEAT_TYPE, body, u64::from(*kind)),
                    _ => {}
                }
            }
            return Ok(());
        }
        match (s.head.kind, len) {
            (20, _) => r.bytes(&f::CHANGE_CIPHER_SPEC, len).map(|_| ()),
            (21, 2) => r.group(&f::ALERT, |r| {
                r.u8(&f::ALERT_LEVEL)?;
                r.u8(&f::ALERT_DESC)?;
                Ok(())
            }),
            (22, _) => r.bytes(&f::FRAGMENT, len).map(|_| ()),
            (24, 3..) => r.group(&f::HEARTBEAT, |r| {
                r.u8(&f::HEARTBEAT_TYPE)?;
                let payload = usize::from(r.u16(&f::HEARTBEAT_LENGTH)?);
                let left = len.saturating_sub(3);
                if payload.saturating_add(16) > left {
                    r.note(&n::HEARTBLEED, r.since(from));
                }
                let payload = payload.min(left);
                r.bytes(&f::HEARTBEAT_PAYLOAD, payload)?;
                let padding = left.saturating_sub(payload);
                if padding > 0 {
                    r.bytes(&f::HEARTBEAT_PADDING, padding)?;
                }
                Ok(())
            }),
            (23, _) => r.bytes(&f::PLAIN_DATA, len).map(|_| ()),
            _ => r.unknown(len),
        }
    })
}

/// The line of a handshake record: names of the messages that end in it.
#[derive(Debug, Default)]
pub struct Line {
    names: [&'static str; 8],
    count: usize,
    part: Option<&'static str>,
}

impl Line {
    /// A message ended in this record.
    pub fn add(&mut self, name: &'static str, retry: bool) {
        if let Some(slot) = self.names.get_mut(self.count) {
            *slot = if retry { "Hello Retry Request" } else { name };
        }
        self.count = self.count.saturating_add(1);
    }

    /// A message goes on behind this record.
    pub fn part(&mut self, name: &'static str) {
        self.part = Some(name);
    }
}

impl fmt::Display for Line {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Handshake")?;
        let mut comma = ": ";
        for name in self.names.iter().take(self.count) {
            write!(to, "{comma}{name}")?;
            comma = ", ";
        }
        if self.count > self.names.len() {
            write!(to, ", {} more", self.count.saturating_sub(self.names.len()))?;
        }
        if let Some(part) = self.part {
            write!(to, "{comma}{part} (a part)")?;
        }
        Ok(())
    }
}

/// Looks at what may be a hello of SSL 2.0: a length of two bytes, type 1, a version.
#[must_use]
pub fn probe_v2(b: &[u8], ended: bool) -> Verdict {
    let open = if ended { Verdict::No } else { Verdict::More };
    match *b {
        [_, len, 1, major @ (0 | 3), minor, _, specs, _, 0 | 16 | 32, _, challenge @ 16..=32, ..]
            if usize::from(len) >= 9 && usize::from(specs).is_multiple_of(3) && challenge > 0 =>
        {
            if (major == 3 && minor <= 3) || (major == 0 && minor == 2) { Verdict::Sure } else { Verdict::No }
        }
        [_, _, kind, ..] if kind != 1 => Verdict::No,
        _ if b.len() >= 11 => Verdict::No,
        _ => open,
    }
}

/// Reads a hello of SSL 2.0 (RFC 5246 §E.2); gives the client's random that its challenge stands for.
///
/// # Errors
/// [`Stop`].
pub fn v2_hello(r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<[u8; 32], Stop> {
    let [a, b] = *r.peek(2)? else { return Err(Stop::Bad(&n::NOT_TLS)) };
    let len = usize::from(a & 0x7f) << 8 | usize::from(b);
    if len < 9 || r.peek(3)?.get(2) != Some(&1) {
        return Err(Stop::Bad(&n::NOT_TLS));
    }
    r.peek(len.saturating_add(2))?;
    r.group(&f::V2_RECORD, |r| {
        r.valued(&f::V2_LENGTH, 2, Value::U64(len as u64))?;
        r.within(&f::V2_RECORD, len, |r| {
            r.u8(&f::V2_TYPE)?;
            let version = r.u16(&f::V2_VERSION)?;
            let specs = r.u16(&f::V2_SPECS_LENGTH)?;
            let session = usize::from(r.u16(&f::V2_SESSION_LENGTH)?);
            let challenge = usize::from(r.u16(&f::V2_CHALLENGE_LENGTH)?);
            for _ in 0..specs / 3 {
                r.u24(&f::V2_SPEC)?;
            }
            if session > 0 {
                r.bytes(&f::V2_SESSION, session)?;
            }
            let challenge = r.bytes(&f::V2_CHALLENGE, challenge)?;
            let mut random = [0u8; 32];
            random.iter_mut().rev().zip(challenge.iter().rev()).for_each(|(r, c)| *r = *c);
            out.summary(format_args!("Client Hello in the form of SSL 2.0, up to {}", super::names::version(version)));
            Ok(random)
        })
    })
}
