//! MQTT 3.1, 3.1.1 and 5.0: connections, subscriptions, messages with their acknowledgements, over TCP or inside WebSocket.
//!
//! Each packet is a message. A PUBLISH longer than [`MOST_WHOLE`] is read as it comes. Questions are paired with answers by packet identifier;
//! of QoS 2 both PUBREC and PUBCOMP answer the PUBLISH.

mod fields;
mod middle;
mod notes;
mod packet;
mod props;

use fields as f;
use notes as n;
use packet::{Header, Packet};
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Framing, Hint, How, Level, More, Out, Peek, Reader, Relay, Side, Spec,
    Start, Stop, Text, Turn, Verdict,
};

/// MQTT.
pub static SPEC: Spec = Spec {
    name: "mqtt",
    label: "MQTT",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::ALL,
    claims: &[Claim::Tcp(1883), Claim::Alpn(b"mqtt"), Claim::Named("mqtt")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: Some(middle::SERVE),
    new: |_: &Start| Box::new(Mqtt::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// A packet up to so many bytes is waited for.
pub const MOST_WHOLE: u32 = 64 << 10;
/// Any packet but PUBLISH that is longer is none.
const MOST_PACKET: u32 = 1 << 20;
/// So many topic aliases are remembered for each direction.
const MOST_ALIASES: usize = 1024;

/// The key of the inner stream that carries the payload of packet `number` of a direction.
#[must_use]
pub const fn payload_key(number: u64, dir: Dir) -> u64 {
    (number << 1) | dir as u64
}

#[derive(Debug, Clone, Default)]
struct Half {
    packets: u64,
    /// Bytes of a long payload still to come.
    under: Option<u64>,
    aliases: Vec<(u16, Box<[u8]>)>,
    guessed: bool,
}

#[derive(Debug, Clone, Default)]
struct Mqtt {
    halves: [Half; 2],
    version: u8,
    pings: u64,
}

/// A question by its kind, its direction and the identifier.
const fn key(kind: u8, dir: Dir, id: u16) -> u64 {
    ((kind as u64) << 32) | ((dir as u64) << 16) | id as u64
}

impl Mqtt {
    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    fn read_packet(&mut self, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let h = match packet::header(r.rest()) {
            Ok(Some(h)) => h,
            Ok(None) => return r.peek(r.left().saturating_add(1)).map(|_| ()),
            Err(()) => return Err(Stop::Bad(&n::LENGTH_BAD)),
        };
        let version = if self.version == 0 { 4 } else { self.version & 0x7f };
        let half = self.half(dir);
        let long = h.len > MOST_PACKET && h.kind != packet::PUBLISH;
        if h.kind == 0 || long || (half.guessed && !h.is_plausible()) {
            return Err(Stop::Bad(&n::NOT_MQTT));
        }
        if h.kind == packet::PUBLISH && h.len > MOST_WHOLE {
            return self.long_publish(dir, &h, version, r, out);
        }
        let whole = r.span(h.size.saturating_add(h.len as usize));
        r.peek(h.size.saturating_add(h.len as usize))?;
        let mut payload = None;
        let alias = |id| half.aliases.iter().find(|(a, _)| *a == id).map(|(_, t)| t.clone());
        let p = r.within(&f::MQTT, h.size.saturating_add(h.len as usize), |r| {
            packet::fixed(r, &h)?;
            let p = if h.kind == packet::PUBLISH {
                let p = packet::publish(r, &h, version)?;
                if let Some(id) = p.known.alias.filter(|_| p.topic.is_empty()) {
                    match alias(id) {
                        Some(topic) => r.derived(&f::ALIASED, whole, String::from_utf8_lossy(&topic).into_owned()),
                        None => r.note(&n::ALIAS_UNKNOWN, whole),
                    }
                }
                payload = Some(packet::payload(r)?);
                p
            } else {
                packet::rest(r, &h, version)?
            };
            r.title(name(h.kind));
            Ok(p)
        })?;
        half.guessed = false;
        let number = half.packets;
        half.packets = number.wrapping_add(1);
        if let Some((bytes, span)) = payload {
            let topic = self.topic(dir, &p);
            self.published(dir, &h, &p, out);
            if out.level() > Level::Rows {
                let hint = content(&p, bytes);
                let key = payload_key(number, dir);
                out.inner(key, dir, span, How::Verbatim, hint);
                for dir in Dir::BOTH {
                    out.inner_end(key, dir, End::Fin);
                }
            }
            let line = bytes.get(..bytes.len().min(300)).unwrap_or(bytes);
            if std::str::from_utf8(bytes).is_ok() {
                out.summary(format_args!("PUBLISH {}: {}", Text(&topic), Text(line)));
            } else {
                out.summary(format_args!("PUBLISH {}, {} bytes", Text(&topic), bytes.len()));
            }
        } else {
            self.told(dir, &h, &p, whole, r, out);
        }
        Ok(())
    }

    /// A PUBLISH that is not waited for: its head now, its payload as it comes.
    fn long_publish(&mut self, dir: Dir, h: &Header, version: u8, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let from = r.taken();
        let p = r.group(&f::MQTT, |r| {
            packet::fixed(r, h)?;
            let p = packet::publish(r, h, version)?;
            r.title(name(h.kind));
            Ok(p)
        })?;
        let head = r.taken().saturating_sub(from).saturating_sub(h.size) as u64;
        let Some(left) = u64::from(h.len).checked_sub(head) else { return Err(Stop::Bad(&wirelore_kit::note::OVERRUN)) };
        let topic = self.topic(dir, &p);
        self.published(dir, h, &p, out);
        self.half(dir).guessed = false;
        self.half(dir).under = Some(left);
        out.open();
        out.summary(format_args!("PUBLISH {}, {left} bytes", Text(&topic)));
        Ok(())
    }

    fn read_payload(&mut self, dir: Dir, left: u64, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let len = r.left().min(usize::try_from(left).unwrap_or(usize::MAX));
        if len == 0 && left > 0 {
            return Err(Stop::Short { need: 1 });
        }
        let span = r.span(len);
        r.bytes(&f::PAYLOAD, len)?;
        out.piece(span);
        let half = self.half(dir);
        let key = payload_key(half.packets, dir);
        if out.level() > Level::Rows {
            out.inner(key, dir, span, How::Verbatim, Hint::Bytes("payload"));
        }
        let left = left.saturating_sub(len as u64);
        half.under = Some(left);
        if left == 0 {
            self.payload_done(dir, End::Fin, out);
        }
        Ok(())
    }

    fn payload_done(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        let half = self.half(dir);
        half.under = None;
        let key = payload_key(half.packets, dir);
        half.packets = half.packets.wrapping_add(1);
        if out.level() > Level::Rows {
            for dir in Dir::BOTH {
                out.inner_end(key, dir, how);
            }
        }
        out.close();
    }

    /// The topic of a PUBLISH, by its alias where it has no other; a new alias is remembered.
    fn topic(&mut self, dir: Dir, p: &Packet<'_>) -> Box<[u8]> {
        let Some(alias) = p.known.alias else { return p.topic.into() };
        let aliases = &mut self.half(dir).aliases;
        let known = aliases.iter().position(|(a, _)| *a == alias);
        if p.topic.is_empty() {
            let topic = known.and_then(|i| aliases.get(i)).map(|(_, t)| t.clone());
            return topic.unwrap_or_else(|| b"?".as_slice().into());
        }
        match known {
            Some(i) => {
                if let Some((_, t)) = aliases.get_mut(i) {
                    *t = p.topic.into();
                }
            }
            None if aliases.len() < MOST_ALIASES => aliases.push((alias, p.topic.into())),
            None => {}
        }
        p.topic.into()
    }

    fn published(&self, dir: Dir, h: &Header, p: &Packet<'_>, out: &mut Out<'_>) {
        if h.qos() > 0 {
            out.asks(key(packet::PUBLISH, dir, p.id));
        }
    }

    /// State, pairs and line of a packet that is no PUBLISH.
    fn told(&mut self, dir: Dir, h: &Header, p: &Packet<'_>, whole: wirelore_kit::Span, r: &mut Reader<'_>, out: &mut Out<'_>) {
        let me = dir.sender();
        let reason = if p.old { f::RETURN.name_of(p.reason.into()) } else { f::CONNACK_REASON.name_of(p.reason.into()) };
        let reason = reason.unwrap_or("unknown reason");
        let why = if p.known.reason.is_empty() { "" } else { ": " };
        let why = format_args!("{why}{}", Text(p.known.reason));
        let name = name(h.kind);
        match h.kind {
            packet::CONNECT => {
                self.version = p.version;
                self.halves.iter_mut().for_each(|h| h.aliases.clear());
                out.asks(key(h.kind, dir, 0));
                out.state(me, &f::CONNECTING);
                let user = if p.user.is_empty() { "" } else { " as " };
                out.summary(format_args!("{name} {}{user}{}", Text(p.client), Text(p.user)));
            }
            packet::CONNACK => {
                out.answers(key(packet::CONNECT, dir.other(), 0), More::No);
                let state = if p.reason == 0 { &f::CONNECTED } else { &f::REFUSED };
                out.state(Side::Client, state);
                out.state(Side::Server, state);
                out.summary(format_args!("{name} {reason}{why}"));
            }
            packet::PUBACK | packet::PUBREC | packet::PUBCOMP => {
                let more = if h.kind == packet::PUBREC && p.reason < 0x80 { More::Yes } else { More::No };
                out.answers(key(packet::PUBLISH, dir.other(), p.id), more);
                out.summary(format_args!("{name} {}{}{why}", p.id, unless_fine(p.reason, reason)));
            }
            packet::SUBSCRIBE | packet::UNSUBSCRIBE => {
                out.asks(key(h.kind, dir, p.id));
                match p.topics {
                    0 | 1 if h.kind == packet::SUBSCRIBE => out.summary(format_args!("{name} {}, QoS {}", Text(p.topic), p.qos)),
                    0 | 1 => out.summary(format_args!("{name} {}", Text(p.topic))),
                    n => out.summary(format_args!("{name} {} and {} more", Text(p.topic), n.saturating_sub(1))),
                }
            }
            packet::SUBACK | packet::UNSUBACK => {
                let asked = if h.kind == packet::SUBACK { packet::SUBSCRIBE } else { packet::UNSUBSCRIBE };
                out.answers(key(asked, dir.other(), p.id), More::No);
                match p.reason {
                    0x80.. => out.summary(format_args!("{name} refused: {reason}{why}")),
                    qos if h.kind == packet::SUBACK => out.summary(format_args!("{name} granted, QoS {qos}")),
                    _ => out.summary(format_args!("{name} {}{why}", p.id)),
                }
            }
            packet::PINGREQ => {
                self.pings = self.pings.wrapping_add(1);
                out.asks(key(h.kind, dir, 0));
                out.summary(name);
            }
            packet::PINGRESP => {
                if self.pings == 0 {
                    r.note(&n::NOT_ASKED, whole);
                }
                self.pings = self.pings.saturating_sub(1);
                out.answers(key(packet::PINGREQ, dir.other(), 0), More::No);
                out.summary(name);
            }
            packet::DISCONNECT => {
                out.state(me, &f::DISCONNECTED);
                out.summary(format_args!("{name}{}{why}", unless_fine(p.reason, reason)));
            }
            packet::PUBREL => out.summary(format_args!("{name} {}{}{why}", p.id, unless_fine(p.reason, reason))),
            _ => out.summary(format_args!("{name} {reason}{why}")),
        }
    }
}

/// The reason where it says more than that all is well.
fn unless_fine(reason: u8, words: &str) -> String {
    if reason == 0 { String::new() } else { format!(": {words}") }
}

/// What a payload is.
fn content(p: &Packet<'_>, payload: &[u8]) -> Hint {
    if let Some(media) = std::str::from_utf8(p.known.content_type).ok().filter(|t| t.contains('/') && t.len() < 128) {
        return Hint::media(media.split(';').next().unwrap_or(media).trim().to_ascii_lowercase().as_str());
    }
    match (payload.trim_ascii().first(), payload.trim_ascii().last()) {
        (Some(b'{'), Some(b'}')) => Hint::media("application/json"),
        _ => Hint::Bytes("payload"),
    }
}

const fn name(kind: u8) -> &'static str {
    match kind {
        packet::CONNECT => "CONNECT",
        packet::CONNACK => "CONNACK",
        packet::PUBLISH => "PUBLISH",
        packet::PUBACK => "PUBACK",
        packet::PUBREC => "PUBREC",
        packet::PUBREL => "PUBREL",
        packet::PUBCOMP => "PUBCOMP",
        packet::SUBSCRIBE => "SUBSCRIBE",
        packet::SUBACK => "SUBACK",
        packet::UNSUBSCRIBE => "UNSUBSCRIBE",
        packet::UNSUBACK => "UNSUBACK",
        packet::PINGREQ => "PINGREQ",
        packet::PINGRESP => "PINGRESP",
        packet::DISCONNECT => "DISCONNECT",
        packet::AUTH => "AUTH",
        _ => "reserved packet",
    }
}

impl Dissector for Mqtt {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        match self.half(turn.dir).under {
            Some(left) => self.read_payload(turn.dir, left, r, out),
            None => self.read_packet(turn.dir, r, out),
        }
    }

    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        let half = self.half(dir);
        match half.under.and_then(|left| left.checked_sub(missing)) {
            Some(left) => {
                half.under = Some(left);
                let key = payload_key(half.packets, dir);
                if out.level() > Level::Rows {
                    out.inner_gap(key, dir, missing);
                }
                if left == 0 {
                    self.payload_done(dir, End::Cut, out);
                }
                AfterGap::Carry
            }
            None => {
                if half.under.take().is_some() {
                    half.packets = half.packets.wrapping_add(1);
                }
                half.guessed = true;
                AfterGap::Resync
            }
        }
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if matches!(how, End::Fin | End::Reset) {
            out.state(dir.sender(), &f::DISCONNECTED);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let aliases = self.halves.iter().flat_map(|h| &h.aliases).map(|(_, t)| t.len().saturating_add(24)).sum();
        size_of::<Mqtt>().saturating_add(aliases)
    }
}

/// Behind a gap: a header that may be one, and a topic that may be one where it is a PUBLISH.
fn resync(bytes: &[u8], _: Dir) -> Option<usize> {
    (0..bytes.len()).find(|i| {
        let here = bytes.get(*i..).unwrap_or(&[]);
        match packet::header(here) {
            Ok(Some(h)) if h.is_plausible() && h.len < MOST_PACKET => {
                let body = here.get(h.size..).unwrap_or(&[]);
                match (h.kind, body) {
                    (packet::PUBLISH, [a, b, topic @ ..]) => {
                        let len = u32::from(u16::from_be_bytes([*a, *b]));
                        len > 0
                            && len.saturating_add(2) <= h.len
                            && topic.iter().take(len.min(8) as usize).all(|c| matches!(c, b' '..=b'~'))
                    }
                    (packet::PUBACK | packet::PUBREC | packet::PUBREL | packet::PUBCOMP | packet::UNSUBACK, _) => h.len < 64,
                    (packet::SUBACK, _) => h.len < 256,
                    (packet::CONNECT, b) => b.starts_with(b"\0\x04MQTT") || b.starts_with(b"\0\x06MQIsdp"),
                    (packet::CONNACK, [flags, ..]) => *flags < 2 && h.len < 1024,
                    (packet::SUBSCRIBE | packet::UNSUBSCRIBE, _) => h.len < 4096,
                    (packet::PINGREQ | packet::PINGRESP, _) => true,
                    _ => false,
                }
            }
            _ => false,
        }
    })
}

/// A CONNECT is sure. From the middle on, or from the server, a packet that fits is likely.
fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.to_server.is_empty() { begins(peek.to_client, false, peek.ended) } else { begins(peek.to_server, true, peek.ended) }
}

fn begins(b: &[u8], client: bool, ended: bool) -> Verdict {
    let more = if ended { Verdict::No } else { Verdict::More };
    let Some(first) = b.first() else { return more };
    let (kind, flags) = (first >> 4, first & 15);
    if kind == packet::CONNECT && client {
        if flags != 0 {
            return Verdict::No;
        }
        let (Ok(Some(h)), true) = (packet::header(b), b.len() >= 2) else {
            return if packet::header(b).is_err() { Verdict::No } else { more };
        };
        let name = b.get(h.size..).unwrap_or(&[]);
        for want in [&b"\0\x04MQTT"[..], b"\0\x06MQIsdp"] {
            let there = name.len().min(want.len());
            if name.get(..there) == want.get(..there) {
                return if there == want.len() && h.is_plausible() {
                    Verdict::Sure
                } else if there < want.len() {
                    more
                } else {
                    Verdict::No
                };
            }
        }
        return Verdict::No;
    }
    let mine =
        matches!(kind, 3..=7) || if client { matches!(kind, 8 | 10 | 12 | 14) } else { matches!(kind, 2 | 9 | 11 | 13 | 14) };
    match packet::header(b) {
        Ok(Some(h)) if mine && h.is_plausible() => Verdict::Likely,
        Ok(None) if mine => more,
        _ => Verdict::No,
    }
}
