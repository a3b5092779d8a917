//! One packet of MQTT (5.0 §3, 3.1.1 §3): bytes to values and fields. Without state: what it depends on is handed in.

use super::props::{self, Known};
use super::{fields as f, notes as n};
use wirelore_kit::{BitRange, F, Reader, Span, Stop, Value};

/// CONNECT and so on, by number.
pub const CONNECT: u8 = 1;
/// The answer to it.
pub const CONNACK: u8 = 2;
/// A message.
pub const PUBLISH: u8 = 3;
/// QoS 1: it has come.
pub const PUBACK: u8 = 4;
/// QoS 2: it has come, not yet handed on twice.
pub const PUBREC: u8 = 5;
/// QoS 2: go ahead.
pub const PUBREL: u8 = 6;
/// QoS 2: done.
pub const PUBCOMP: u8 = 7;
/// Topics are wanted.
pub const SUBSCRIBE: u8 = 8;
/// The answer to it.
pub const SUBACK: u8 = 9;
/// Topics are no longer wanted.
pub const UNSUBSCRIBE: u8 = 10;
/// The answer to it.
pub const UNSUBACK: u8 = 11;
/// A sign of life.
pub const PINGREQ: u8 = 12;
/// The answer to it.
pub const PINGRESP: u8 = 13;
/// The end.
pub const DISCONNECT: u8 = 14;
/// MQTT 5: proofs of identity.
pub const AUTH: u8 = 15;

/// The fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Kind of packet.
    pub kind: u8,
    /// Its four flags.
    pub flags: u8,
    /// Bytes behind the header.
    pub len: u32,
    /// Bytes of the header.
    pub size: usize,
}

impl Header {
    /// QoS of a PUBLISH.
    pub const fn qos(&self) -> u8 {
        (self.flags >> 1) & 3
    }

    /// Whether flags and length are such as this kind may have.
    pub const fn is_plausible(&self) -> bool {
        let flags = match self.kind {
            PUBLISH => self.qos() < 3,
            PUBREL | SUBSCRIBE | UNSUBSCRIBE => self.flags == 2,
            _ => self.flags == 0,
        };
        let len = match self.kind {
            CONNECT => self.len >= 10,
            CONNACK | PUBACK | PUBREC | PUBREL | PUBCOMP | UNSUBACK => self.len >= 2,
            PUBLISH => self.len >= 2,
            SUBSCRIBE | UNSUBSCRIBE => self.len >= 5,
            SUBACK => self.len >= 3,
            PINGREQ | PINGRESP => self.len == 0,
            _ => true,
        };
        self.kind != 0 && flags && len
    }
}

/// The header that `b` begins with. `Ok(None)`: more bytes are needed.
pub fn header(b: &[u8]) -> Result<Option<Header>, ()> {
    let [first, rest @ ..] = b else { return Ok(None) };
    let Some((len, size)) = props::varint(rest)? else { return Ok(None) };
    Ok(Some(Header { kind: first >> 4, flags: first & 15, len, size: size.saturating_add(1) }))
}

/// What a packet says, as far as state and lines need it.
#[derive(Debug, Default)]
pub struct Packet<'a> {
    /// Its identifier.
    pub id: u16,
    /// A topic, the first one of several.
    pub topic: &'a [u8],
    /// How many topics there are.
    pub topics: usize,
    /// The client identifier, user name.
    pub client: &'a [u8],
    /// Of CONNECT.
    pub user: &'a [u8],
    /// Version as CONNECT says it.
    pub version: u8,
    /// The reason or return code, the worst one of several.
    pub reason: u8,
    /// The return code is one of version 3.
    pub old: bool,
    /// Properties.
    pub known: Known<'a>,
    /// QoS wanted or granted.
    pub qos: u8,
}

/// Takes the fixed header.
///
/// # Errors
/// As [`Reader::peek`].
pub fn fixed(r: &mut Reader<'_>, h: &Header) -> Result<(), Stop> {
    let here = r.span(h.size);
    r.bit_group(&f::HEADER, BitRange { first: 0, len: 8 }, |r, _| {
        r.bits(&f::TYPE, BitRange { first: 0, len: 4 })?;
        if h.kind == PUBLISH {
            r.bits(&f::DUP, BitRange { first: 4, len: 1 })?;
            r.bits(&f::QOS_LEVEL, BitRange { first: 5, len: 2 })?;
            r.bits(&f::RETAIN, BitRange { first: 7, len: 1 })?;
        } else {
            r.bits(&f::RESERVED, BitRange { first: 4, len: 4 })?;
        }
        Ok(())
    })?;
    r.skip(1)?;
    props::number(r, &f::LENGTH)?;
    if h.kind == PUBLISH && h.qos() == 3 {
        r.note(&n::QOS_BAD, here);
    } else if h.kind != PUBLISH && !h.is_plausible() && h.flags != if matches!(h.kind, 6 | 8 | 10) { 2 } else { 0 } {
        r.note(&n::FLAGS_BAD, here);
    }
    Ok(())
}

fn id(r: &mut Reader<'_>) -> Result<u16, Stop> {
    let id = r.u16(&f::ID)?;
    if id == 0 {
        r.note(&n::ID_ZERO, r.since(r.at().saturating_sub(2)));
    }
    Ok(id)
}

fn topic<'a>(r: &mut Reader<'a>, filter: bool) -> Result<&'a [u8], Stop> {
    let from = r.at();
    let topic = props::string(r, &f::TOPIC_LENGTH, &f::TOPIC)?;
    if std::str::from_utf8(topic).is_err() || (!filter && topic.iter().any(|b| matches!(b, b'+' | b'#'))) {
        r.note(&n::TOPIC_BAD, r.since(from));
    }
    Ok(topic)
}

/// The variable header of a PUBLISH (§3.3.2); its payload follows.
///
/// # Errors
/// As [`Reader::within`].
pub fn publish<'a>(r: &mut Reader<'a>, h: &Header, version: u8) -> Result<Packet<'a>, Stop> {
    let mut p = Packet { topic: topic(r, false)?, ..Packet::default() };
    if h.qos() > 0 {
        p.id = id(r)?;
    }
    if version >= 5 {
        p.known = props::properties(r, &f::PROPERTY_LIST)?;
    }
    Ok(p)
}

/// What stands behind the fixed header of any other packet; the reader ends where the packet does.
///
/// # Errors
/// As [`Reader::within`].
pub fn rest<'a>(r: &mut Reader<'a>, h: &Header, version: u8) -> Result<Packet<'a>, Stop> {
    let mut p = Packet::default();
    let new = version >= 5;
    match h.kind {
        CONNECT => connect(r, &mut p)?,
        CONNACK => {
            r.bit_group(&f::ACK_FLAGS, BitRange { first: 0, len: 8 }, |r, _| {
                r.bits(&f::ACK_RESERVED, BitRange { first: 0, len: 7 })?;
                r.bits(&f::SESSION_PRESENT, BitRange { first: 7, len: 1 }).map(|_| ())
            })?;
            r.skip(1)?;
            let here = r.span(1);
            p.reason = r.u8(if new { &f::CONNACK_REASON } else { &f::RETURN })?;
            p.old = !new;
            if p.reason != 0 {
                r.note(&n::REFUSED, here);
            }
            if new {
                p.known = props::properties(r, &f::PROPERTY_LIST)?;
            }
        }
        PUBACK | PUBREC | PUBREL | PUBCOMP => {
            p.id = id(r)?;
            let field: F = match h.kind {
                PUBACK => &f::PUBACK_REASON,
                PUBREC => &f::PUBREC_REASON,
                PUBREL => &f::PUBREL_REASON,
                _ => &f::PUBCOMP_REASON,
            };
            reason(r, field, &mut p)?;
        }
        SUBSCRIBE => {
            p.id = id(r)?;
            if new {
                p.known = props::properties(r, &f::PROPERTY_LIST)?;
            }
            while !r.is_empty() {
                let t = topic(r, true)?;
                if p.topics == 0 {
                    p.topic = t;
                }
                p.topics = p.topics.saturating_add(1);
                p.qos = if new { options(r)? } else { r.u8(&f::WANTED_QOS)? };
            }
        }
        UNSUBSCRIBE => {
            p.id = id(r)?;
            if new {
                p.known = props::properties(r, &f::PROPERTY_LIST)?;
            }
            while !r.is_empty() {
                let t = topic(r, true)?;
                if p.topics == 0 {
                    p.topic = t;
                }
                p.topics = p.topics.saturating_add(1);
            }
        }
        SUBACK | UNSUBACK => {
            p.id = id(r)?;
            if new {
                p.known = props::properties(r, &f::PROPERTY_LIST)?;
            }
            let field: F = match (h.kind, new) {
                (SUBACK, true) => &f::SUBACK_REASON,
                (SUBACK, false) => &f::GRANTED_QOS,
                _ => &f::UNSUBACK_REASON,
            };
            while !r.is_empty() {
                let here = r.span(1);
                let code = r.u8(field)?;
                p.reason = p.reason.max(code);
                p.topics = p.topics.saturating_add(1);
                if code >= 0x80 {
                    r.note(&n::REFUSED, here);
                }
            }
        }
        DISCONNECT => reason(r, &f::DISCONNECT_REASON, &mut p)?,
        AUTH => reason(r, &f::AUTH_REASON, &mut p)?,
        _ => {}
    }
    Ok(p)
}

/// A reason code and properties, where they are not left out (§3.4.2.1).
fn reason<'a>(r: &mut Reader<'a>, field: F, p: &mut Packet<'a>) -> Result<(), Stop> {
    if !r.is_empty() {
        let here = r.span(1);
        p.reason = r.u8(field)?;
        if p.reason >= 0x80 {
            r.note(&n::REFUSED, here);
        }
    }
    if !r.is_empty() {
        p.known = props::properties(r, &f::PROPERTY_LIST)?;
    }
    Ok(())
}

fn options(r: &mut Reader<'_>) -> Result<u8, Stop> {
    let mut qos = 0;
    r.bit_group(&f::OPTIONS, BitRange { first: 0, len: 8 }, |r, _| {
        r.bits(&f::OPTION_RESERVED, BitRange { first: 0, len: 2 })?;
        r.bits(&f::OPTION_RETAIN, BitRange { first: 2, len: 2 })?;
        r.bits(&f::OPTION_AS_PUBLISHED, BitRange { first: 4, len: 1 })?;
        r.bits(&f::OPTION_NO_LOCAL, BitRange { first: 5, len: 1 })?;
        qos = r.bits(&f::OPTION_QOS, BitRange { first: 6, len: 2 })? as u8;
        Ok(())
    })?;
    r.skip(1)?;
    Ok(qos)
}

fn connect<'a>(r: &mut Reader<'a>, p: &mut Packet<'a>) -> Result<(), Stop> {
    let len = r.u16(&f::PROTOCOL_LENGTH)?;
    r.text(&f::PROTOCOL, len.into())?;
    let here = r.span(1);
    p.version = r.u8(&f::VERSION)?;
    // A bridge sets the highest bit.
    if !matches!(p.version & 0x7f, 3..=5) {
        r.note(&n::VERSION_UNKNOWN, here);
    }
    let at = r.span(1);
    let flags = r.bit_group(&f::FLAGS, BitRange { first: 0, len: 8 }, |r, _| {
        r.bits(&f::HAS_USER, BitRange { first: 0, len: 1 })?;
        r.bits(&f::HAS_PASSWORD, BitRange { first: 1, len: 1 })?;
        r.bits(&f::WILL_RETAIN, BitRange { first: 2, len: 1 })?;
        r.bits(&f::WILL_QOS, BitRange { first: 3, len: 2 })?;
        r.bits(&f::HAS_WILL, BitRange { first: 5, len: 1 })?;
        r.bits(&f::CLEAN, BitRange { first: 6, len: 1 })?;
        r.bits(&f::FLAG_RESERVED, BitRange { first: 7, len: 1 }).map(|_| ())
    })?;
    r.skip(1)?;
    if flags & 1 != 0 {
        r.note(&n::FLAGS_BAD, at);
    }
    if flags & 0x18 == 0x18 {
        r.note(&n::QOS_BAD, at);
    }
    r.u16(&f::KEEP_ALIVE)?;
    let new = p.version & 0x7f >= 5;
    if new {
        p.known = props::properties(r, &f::PROPERTY_LIST)?;
    }
    p.client = props::string(r, &f::CLIENT_LENGTH, &f::CLIENT)?;
    if flags & 4 != 0 {
        if new {
            props::properties(r, &f::WILL_PROPERTIES)?;
        }
        props::string(r, &f::WILL_TOPIC_LENGTH, &f::WILL_TOPIC)?;
        props::string(r, &f::WILL_LENGTH, &f::WILL)?;
    }
    if flags & 0x80 != 0 {
        p.user = props::string(r, &f::USER_LENGTH, &f::USER)?;
    }
    if flags & 0x40 != 0 {
        let from = r.at();
        props::string(r, &f::PASSWORD_LENGTH, &f::PASSWORD)?;
        r.note(&n::PASSWORD_CLEAR, r.since(from));
    }
    Ok(())
}

/// The payload of a PUBLISH that is all there.
///
/// # Errors
/// As [`Reader::peek`].
pub fn payload<'a>(r: &mut Reader<'a>) -> Result<(&'a [u8], Span), Stop> {
    let span = r.span(r.left());
    let bytes = if r.is_empty() { &[][..] } else { r.bytes(&f::PAYLOAD, r.left())? };
    if r.level() == wirelore_kit::Level::Tree
        && let Some(text) = std::str::from_utf8(bytes).ok().filter(|t| !t.is_empty() && !t.contains('\0'))
    {
        r.derived(&f::PAYLOAD_TEXT, span, Value::from(text));
    }
    Ok((bytes, span))
}
