//! MQTT in the middle: packets judged one by one. The line is the packet's name, of a PUBLISH with its topic; the body is what stands behind
//! the fixed header, of a PUBLISH the application's message alone.

use super::packet::{self as p, Header};
use super::{notes as n, props};
use bytes::Bytes;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, MOST_WHOLE, Next, Says, Talk, Talking};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Mqtt { judge: setting.judge, five: false, left: [0; 2], count: 0 }, setting))
}

/// Names of packets by their number (MQTT 5.0 §2.1.2).
const NAMES: [&str; 16] = [
    "",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
];

#[derive(Debug)]
struct Mqtt {
    judge: bool,
    /// Packets have properties: version 5.
    five: bool,
    /// Bytes of a packet, too long to be gathered, that are still to come in each direction.
    left: [u64; 2],
    count: u64,
}

/// Where the parts of a PUBLISH stand.
struct Publish<'a> {
    topic: &'a [u8],
    /// Packet identifier and properties.
    between: &'a [u8],
    payload: &'a [u8],
}

impl Mqtt {
    fn left(&mut self, dir: Dir) -> &mut u64 {
        let [a, b] = &mut self.left;
        if dir == Dir::ToServer { a } else { b }
    }

    fn publish<'a>(&self, h: &Header, packet: &'a [u8]) -> Option<Publish<'a>> {
        let all = packet.get(h.size..)?;
        let (len, rest) = all.split_first_chunk::<2>()?;
        let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        let mut between = if h.qos() > 0 { 2 } else { 0 };
        if self.five {
            let (len, size) = props::varint(rest.get(between..)?).ok()??;
            between = between.saturating_add(size).saturating_add(usize::try_from(len).ok()?);
        }
        let (between, payload) = rest.split_at_checked(between)?;
        Some(Publish { topic, between, payload })
    }
}

fn header(packet: &[u8]) -> Option<Header> {
    p::header(packet).ok().flatten()
}

/// A packet: first byte, remaining length (MQTT 5.0 §1.5.5), the rest.
fn written(first: u8, rest: &[u8]) -> Bytes {
    let mut out = vec![first];
    let mut len = rest.len();
    loop {
        let low = (len & 0x7f) as u8;
        len >>= 7;
        out.push(if len > 0 { low | 0x80 } else { low });
        if len == 0 {
            break;
        }
    }
    out.extend_from_slice(rest);
    out.into()
}

impl Talk for Mqtt {
    type Kind = ();

    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], _seen: usize, _book: &mut Book<()>) -> Next {
        if !self.judge {
            return Next::Opaque;
        }
        let left = self.left(dir);
        if *left > 0 {
            let n = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left = left.saturating_sub(n as u64);
            return Next::Pass(n);
        }
        let h = match p::header(bytes) {
            Ok(Some(h)) if h.kind != 0 => h,
            Ok(None) => return Next::More,
            _ => return Next::Broken(&n::NOT_MQTT),
        };
        let all = h.size.saturating_add(h.len as usize);
        if all > MOST_WHOLE {
            *self.left(dir) = (all.saturating_sub(h.size)) as u64;
            return Next::Pass(h.size);
        }
        if bytes.len() < all {
            return Next::More;
        }
        self.count = self.count.saturating_add(1);
        Next::Whole(all)
    }

    fn draft(&self, _dir: Dir, message: &Bytes, _book: &Book<()>) -> Draft {
        let mut draft =
            Draft { part: Part::Message, exchange: self.count.saturating_sub(1), line: Bytes::new(), body: Bytes::new() };
        let Some(h) = header(message) else { return draft };
        let name = NAMES.get(usize::from(h.kind)).copied().unwrap_or("");
        (draft.line, draft.body) = (Bytes::from_static(name.as_bytes()), message.slice(h.size.min(message.len())..));
        if h.kind == p::PUBLISH
            && let Some(publish) = self.publish(&h, message)
        {
            draft.line = [name.as_bytes(), b" ", publish.topic].concat().into();
            draft.body = message.slice_ref(publish.payload);
        }
        draft
    }

    fn write(&mut self, _dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let old = header(was);
        let end = now.line.iter().position(|b| *b == b' ').unwrap_or(now.line.len());
        let (name, topic) = now.line.split_at(end);
        let named = NAMES.iter().position(|n| !n.is_empty() && n.as_bytes().eq_ignore_ascii_case(name));
        let kind = named.and_then(|k| u8::try_from(k).ok()).or(old.map(|h| h.kind)).unwrap_or(p::PUBLISH);
        let flags = match old.filter(|h| h.kind == kind) {
            Some(h) => h.flags,
            None if matches!(kind, p::PUBREL | p::SUBSCRIBE | p::UNSUBSCRIBE) => 2,
            None => 0,
        };
        let first = (kind << 4) | flags;
        if kind != p::PUBLISH {
            return written(first, &now.body);
        }
        let topic = topic.get(1..).unwrap_or(&[]);
        let topic = topic.get(..usize::from(u16::MAX)).unwrap_or(topic);
        let len = u16::try_from(topic.len()).unwrap_or(u16::MAX).to_be_bytes();
        let of_old = old.filter(|h| h.kind == kind).and_then(|h| self.publish(&h, was)).map(|publish| publish.between.to_vec());
        // One of our own has no identifier, and no properties.
        let between = of_old.unwrap_or_else(|| if self.five { vec![0] } else { Vec::new() });
        written(first, &[&len[..], topic, &between, &now.body].concat())
    }

    fn goes(&mut self, dir: Dir, message: &Bytes, _says: &mut Says<'_, ()>) {
        if dir == Dir::ToServer
            && let Some(h) = header(message).filter(|h| h.kind == p::CONNECT)
        {
            // The name of the protocol, then its level (MQTT 5.0 §3.1.2.1).
            let rest = message.get(h.size..).unwrap_or(&[]);
            let name = rest.first_chunk::<2>().map_or(0, |l| usize::from(u16::from_be_bytes(*l)));
            self.five = rest.get(name.saturating_add(2)).is_some_and(|level| *level >= 5);
        }
    }

    fn between(&self, dir: Dir) -> bool {
        let [to_server, to_client] = self.left;
        if dir == Dir::ToServer { to_server == 0 } else { to_client == 0 }
    }
}
