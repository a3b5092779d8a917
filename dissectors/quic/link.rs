//! One QUIC connection: its IDs, its keys at each level, and the streams put together from its packets.

use super::fields as f;
use super::frames::{self, Seen};
use super::joiner::Joiner;
use super::keys::{self, Keys, Version};
use super::packet::{Head, Packet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wirelore_kit::{Dir, End, Hint, How, Note, Out, SecretId, Side, Span, Turn};

/// Packet numbers count in three spaces (RFC 9000 §12.3); 0-RTT and 1-RTT share the last.
const INITIAL: usize = 0;
const HANDSHAKE: usize = 1;
const APPLICATION: usize = 2;

/// So many IDs of each side are known at once.
const MOST_IDS: usize = 32;
/// So many streams are put together at once in each direction.
const MOST_STREAMS: usize = 4096;
/// So many ended streams are remembered, so that a repeated packet does not begin them anew.
const MOST_ENDED: usize = 65_536;

/// What taking protection off a packet gave.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The first byte without its mask.
    pub first: Option<u8>,
    /// The packet's number in full.
    pub number: Option<u64>,
    /// Bytes that the number takes on the wire.
    pub number_len: usize,
    /// What went wrong.
    pub note: Option<&'static Note>,
}

/// Keys of the application's level, which change when the phase bit does.
#[derive(Debug, Clone)]
struct Phase {
    now: Arc<Keys>,
    before: Option<Arc<Keys>>,
    bit: u8,
}

/// One direction's bytes.
#[derive(Debug, Clone, Default)]
struct Half {
    /// IDs that packets of this direction carry as their destination.
    ids: Vec<Vec<u8>>,
    largest: [Option<u64>; 3],
    crypto: [Joiner; 3],
    /// The first bytes of the handshake: enough for the random value and the suite.
    hello: Vec<u8>,
    handshake: Option<Arc<Keys>>,
    phase: Option<Phase>,
    streams: BTreeMap<u64, (Joiner, Option<u64>)>,
    ended: BTreeSet<u64>,
}

/// The connection.
#[derive(Debug, Clone)]
pub(super) struct Link {
    number: u64,
    version: Version,
    initial: [Arc<Keys>; 2],
    early: Option<Arc<Keys>>,
    halves: [Half; 2],
    /// Secrets that were asked for in vain, each once.
    wanted: u8,
    begun: u8,
    /// That keys are missing was said.
    told: bool,
}

impl Link {
    /// The connection that a client's first packet begins.
    pub(super) fn new(number: u64, head: &Head<'_>) -> Option<Link> {
        let version = keys::version(head.version)?;
        let initial = Keys::initial(version, head.to)?;
        let mut halves = [Half::default(), Half::default()];
        let [up, down] = &mut halves;
        up.ids.push(head.to.to_vec());
        down.ids.push(head.from.to_vec());
        Some(Link { number, version, initial, early: None, halves, wanted: 0, begun: 0, told: false })
    }

    fn half(&self, dir: Dir) -> &Half {
        let [up, down] = &self.halves;
        if dir == Dir::ToServer { up } else { down }
    }

    fn half_mut(&mut self, dir: Dir) -> &mut Half {
        let [up, down] = &mut self.halves;
        if dir == Dir::ToServer { up } else { down }
    }

    /// Whether a packet carries one of the connection's IDs.
    pub(super) fn is_of(&self, dir: Dir, p: &Packet<'_>) -> bool {
        let to = match p {
            Packet::Short { to, .. } => *to,
            _ => p.head().map_or(&[][..], |h| h.to),
        };
        self.half(dir).ids.iter().any(|id| id == to)
    }

    /// Length of the newest ID of a direction.
    pub(super) fn id_len(&self, dir: Dir) -> usize {
        self.half(dir).ids.last().map_or(0, Vec::len)
    }

    /// Length of the ID that bytes begin with, if it is one of this connection's.
    pub(super) fn id_at(&self, dir: Dir, bytes: &[u8]) -> Option<usize> {
        self.half(dir).ids.iter().rev().find(|id| bytes.starts_with(id)).map(Vec::len)
    }

    fn learn_id(&mut self, dir: Dir, id: &[u8]) {
        let ids = &mut self.half_mut(dir).ids;
        if !ids.iter().any(|known| known == id) {
            if ids.len() >= MOST_IDS {
                ids.remove(0);
            }
            ids.push(id.to_vec());
        }
    }

    /// Number of an inner stream: frames (0), handshake (1), what the streams carry (2).
    const fn key(&self, which: u64) -> u64 {
        self.number.wrapping_shl(2) | which
    }

    /// Takes protection off and hands on what is inside. `bytes` begin with the packet, `at` is its span.
    pub(super) fn open(&mut self, turn: &Turn<'_>, p: &Packet<'_>, bytes: &[u8], at: Span, out: &mut Out<'_>) -> Opened {
        let dir = turn.dir;
        match p {
            Packet::Retry { head, .. } if dir == Dir::ToClient => {
                // RFC 9001 §5.2: the next first packet is protected by the ID that the server chose here.
                if let Some(initial) = Keys::initial(self.version, head.from) {
                    self.initial = initial;
                }
                self.learn_id(Dir::ToServer, head.from);
                // The client says hello again, and some make a new one.
                let half = self.half_mut(Dir::ToServer);
                half.hello.clear();
                if let Some(joiner) = half.crypto.get_mut(INITIAL) {
                    *joiner = Joiner::default();
                }
                return Opened::default();
            }
            Packet::Initial { head, .. } | Packet::Long { head, .. } => self.learn_id(dir.other(), head.from),
            _ => {}
        }
        let Some((number_at, end)) = p.protected() else { return Opened::default() };
        let (space, candidates) = self.candidates(turn, p, out);
        if candidates.is_empty() {
            // Once for a connection: the rest of it goes without saying.
            let note = if std::mem::replace(&mut self.told, true) { None } else { self.why_not(p) };
            return Opened { note, ..Opened::default() };
        }
        let mut memory = out.memory();
        for keys in candidates {
            let Some(opened) = self.try_open(dir, space, &keys, p, bytes, (number_at, end), &mut memory) else { continue };
            if let Packet::Short { .. } = p {
                self.phase_of(dir, &keys, opened.first.unwrap_or(0));
            }
            if let Some(n) = opened.number {
                let largest = self.half_mut(dir).largest.get_mut(space);
                if let Some(l) = largest {
                    *l = Some(l.map_or(n, |l| l.max(n)));
                }
            }
            self.states(dir, space, out);
            let from = number_at.saturating_add(opened.number_len);
            let span = Span::new(at.buf, at.at.saturating_add(from as u64), end.saturating_sub(from) as u32);
            self.hand_on(turn, space, memory, span, out);
            return opened;
        }
        Opened { note: Some(&f::WRONG_KEY), ..Opened::default() }
    }

    /// The keys that may fit, best first.
    fn candidates(&mut self, turn: &Turn<'_>, p: &Packet<'_>, out: &mut Out<'_>) -> (usize, Vec<Arc<Keys>>) {
        let dir = turn.dir;
        match p {
            Packet::Initial { .. } => (INITIAL, self.initial.get(dir.index()).cloned().into_iter().collect()),
            Packet::Long { kind: 1, .. } => (APPLICATION, self.early_keys(turn, out)),
            Packet::Long { .. } => {
                if self.half(dir).handshake.is_none() {
                    let label =
                        if dir == Dir::ToServer { "CLIENT_HANDSHAKE_TRAFFIC_SECRET" } else { "SERVER_HANDSHAKE_TRAFFIC_SECRET" };
                    self.half_mut(dir).handshake = self.secret(turn, label, dir.index() as u8, out);
                }
                (HANDSHAKE, self.half(dir).handshake.clone().into_iter().collect())
            }
            _ => {
                if self.half(dir).phase.is_none() {
                    let label = if dir == Dir::ToServer { "CLIENT_TRAFFIC_SECRET_0" } else { "SERVER_TRAFFIC_SECRET_0" };
                    self.half_mut(dir).phase =
                        self.secret(turn, label, 2 + dir.index() as u8, out).map(|now| Phase { now, before: None, bit: 0 });
                }
                let Some(phase) = &self.half(dir).phase else { return (APPLICATION, Vec::new()) };
                let mut all = vec![Arc::clone(&phase.now)];
                all.extend(phase.now.next().map(Arc::new));
                all.extend(phase.before.clone());
                (APPLICATION, all)
            }
        }
    }

    fn find(&mut self, turn: &Turn<'_>, label: &str, which: u8, out: &mut Out<'_>) -> Option<Arc<[u8]>> {
        let random = self.half(Dir::ToServer).hello.get(6..38)?;
        let id = SecretId { label: label.into(), of: random.into() };
        let found = turn.secrets.find(&id);
        let bit = 1u8.wrapping_shl(u32::from(which));
        if found.is_none() && self.wanted & bit == 0 {
            self.wanted |= bit;
            out.wants(id);
        }
        found
    }

    fn secret(&mut self, turn: &Turn<'_>, label: &str, which: u8, out: &mut Out<'_>) -> Option<Arc<Keys>> {
        let suite = self.suite()?;
        let secret = self.find(turn, label, which, out)?;
        Keys::from_secret(self.version, keys::suite(suite)?, &secret).map(Arc::new)
    }

    /// 0-RTT comes before the server chose a suite: the length of the secret leaves one or two.
    fn early_keys(&mut self, turn: &Turn<'_>, out: &mut Out<'_>) -> Vec<Arc<Keys>> {
        if let Some(keys) = &self.early {
            return vec![Arc::clone(keys)];
        }
        let Some(secret) = self.find(turn, "CLIENT_EARLY_TRAFFIC_SECRET", 4, out) else { return Vec::new() };
        let suites: &[u16] = if secret.len() == 48 { &[0x1302] } else { &[0x1301, 0x1303] };
        let keys = suites.iter().filter_map(|s| Keys::from_secret(self.version, keys::suite(*s)?, &secret));
        keys.map(Arc::new).collect()
    }

    /// The suite that the server chose, from its hello (RFC 8446 §4.1.3).
    fn suite(&self) -> Option<u16> {
        let hello = &self.half(Dir::ToClient).hello;
        let session = usize::from(*hello.get(38)?);
        let at = session.checked_add(39)?;
        let [a, b] = hello.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(u16::from_be_bytes([a, b]))
    }

    fn why_not(&self, p: &Packet<'_>) -> Option<&'static Note> {
        if matches!(p, Packet::Long { kind: 1, .. }) || self.suite().is_some() { Some(&f::NO_KEY) } else { Some(&f::NO_START) }
    }

    #[expect(clippy::too_many_arguments, reason = "one packet's facts")]
    fn try_open(
        &self,
        dir: Dir,
        space: usize,
        keys: &Keys,
        p: &Packet<'_>,
        bytes: &[u8],
        (number_at, end): (usize, usize),
        memory: &mut Vec<u8>,
    ) -> Option<Opened> {
        let sample_at = number_at.checked_add(4)?;
        let mask =
            keys.mask(bytes.get(sample_at..sample_at.checked_add(16)?).filter(|_| sample_at.saturating_add(16) <= end)?)?;
        let (mask_first, mask_number) = mask.split_first()?;
        let bits = if matches!(p, Packet::Short { .. }) { 0x1f } else { 0x0f };
        let first = bytes.first()? ^ (mask_first & bits);
        let number_len = usize::from(first & 3).saturating_add(1);
        let head_end = number_at.checked_add(number_len)?;
        let mut header = bytes.get(..head_end)?.to_vec();
        *header.first_mut()? = first;
        let mut cut = 0u64;
        for (b, m) in header.get_mut(number_at..)?.iter_mut().zip(mask_number) {
            *b ^= m;
            cut = cut << 8 | u64::from(*b);
        }
        let largest = self.half(dir).largest.get(space).copied().flatten();
        let number = whole_number(largest, cut, number_len);
        memory.clear();
        memory.extend_from_slice(bytes.get(head_end..end)?);
        let plain = keys.open(number, &header, memory)?;
        memory.truncate(plain);
        Some(Opened { first: Some(first), number: Some(number), number_len, note: None })
    }

    /// Follows a key update (RFC 9001 §6): the keys that fitted are the current ones from here on.
    fn phase_of(&mut self, dir: Dir, fitted: &Arc<Keys>, first: u8) {
        let bit = first >> 2 & 1;
        if let Some(phase) = &mut self.half_mut(dir).phase
            && bit != phase.bit
            && !Arc::ptr_eq(fitted, &phase.now)
            && phase.before.as_ref().is_none_or(|b| !Arc::ptr_eq(b, fitted))
        {
            phase.before = Some(std::mem::replace(&mut phase.now, Arc::clone(fitted)));
            phase.bit = bit;
        }
    }

    fn states(&mut self, dir: Dir, space: usize, out: &mut Out<'_>) {
        let side = dir.sender();
        let bit = 1u8.wrapping_shl((space as u32).saturating_mul(2).saturating_add(dir.index() as u32));
        if self.begun & bit != 0 {
            return;
        }
        self.begun |= bit;
        let state = match (space, side) {
            (INITIAL, Side::Client) => &f::HELLO_SENT,
            (INITIAL, Side::Server) => &f::HELLO_ANSWERED,
            (HANDSHAKE, _) => &f::HANDSHAKING,
            _ => &f::CONNECTED,
        };
        out.state(side, state);
    }

    /// Hands on the frames, and the handshake and stream bytes that they complete.
    fn hand_on(&mut self, turn: &Turn<'_>, space: usize, plain: Vec<u8>, span: Span, out: &mut Out<'_>) {
        let dir = turn.dir;
        let (mut crypto, mut streams) = (out.memory(), out.memory());
        crypto.clear();
        streams.clear();
        let mut new_ids = Vec::new();
        let mut closed = false;
        let half = self.half_mut(dir);
        let mut fits = true;
        frames::walk(&plain, |seen| match seen {
            Seen::Crypto { offset, data } => {
                if let Some(j) = half.crypto.get_mut(space) {
                    fits &= j.push(offset, data, &mut crypto);
                }
            }
            Seen::Stream { id, offset, data, fin } => fits &= half.stream(id, offset, data, fin, &mut streams),
            Seen::NewId { id } => new_ids.push(id.to_vec()),
            Seen::Close { .. } => closed = true,
            Seen::Other(_) => {}
        });
        if !crypto.is_empty() && half.hello.len() < 128 {
            let room = 128usize.saturating_sub(half.hello.len());
            half.hello.extend(crypto.iter().take(room));
        }
        for id in new_ids {
            self.learn_id(dir.other(), &id);
        }
        if !fits {
            out.note(&f::TOO_MUCH, span);
        }
        if closed {
            out.state(dir.sender(), &f::CLOSED);
        }
        out.inner_datagram(self.key(0), dir, plain, span, How::Decrypted, Hint::Proto("quic.frames"));
        out.inner_made(self.key(1), dir, crypto, span, How::Decrypted, Hint::Proto("tls.handshake"));
        out.inner_made(self.key(2), dir, streams, span, How::Decrypted, Hint::Proto("http3"));
    }

    /// The transport ended: so do the streams inside.
    pub(super) fn end(&self, dir: Dir, how: End, out: &mut Out<'_>) {
        for which in 0..3 {
            out.inner_end(self.key(which), dir, how);
        }
    }

    /// Bytes of memory held.
    pub(super) fn weight(&self) -> usize {
        let of = |h: &Half| {
            let crypto: usize = h.crypto.iter().map(Joiner::weight).sum();
            let streams: usize = h.streams.values().map(|s| s.0.weight().saturating_add(64)).sum();
            crypto.saturating_add(streams).saturating_add(h.ended.len().saturating_mul(16)).saturating_add(h.hello.len())
        };
        size_of::<Link>().saturating_add(self.halves.iter().map(of).sum())
    }
}

impl Half {
    /// Bytes of a stream: what is complete goes out as a record (stream, last or not, length, bytes).
    fn stream(&mut self, id: u64, offset: u64, data: &[u8], fin: bool, out: &mut Vec<u8>) -> bool {
        if self.ended.contains(&id) {
            return true;
        }
        if self.streams.len() >= MOST_STREAMS && !self.streams.contains_key(&id) {
            return false;
        }
        let (joiner, end) = self.streams.entry(id).or_default();
        if fin {
            *end = Some(offset.saturating_add(data.len() as u64));
        }
        let mut ready = Vec::new();
        let fits = joiner.push(offset, data, &mut ready);
        let last = end.is_some_and(|e| joiner.next() >= e);
        if !ready.is_empty() || last {
            put_varint(id, out);
            out.push(u8::from(last));
            put_varint(ready.len() as u64, out);
            out.extend_from_slice(&ready);
        }
        if last {
            self.streams.remove(&id);
            if self.ended.len() >= MOST_ENDED {
                self.ended.pop_first();
            }
            self.ended.insert(id);
        }
        fits
    }
}

/// An integer as RFC 9000 §16 writes it, always in eight bytes or one.
fn put_varint(v: u64, out: &mut Vec<u8>) {
    match u8::try_from(v) {
        Ok(b) if b < 64 => out.push(b),
        _ => out.extend_from_slice(&(v & (u64::MAX >> 2) | 0xc0 << 56).to_be_bytes()),
    }
}

/// The full packet number from its last bytes (RFC 9000 §A.3).
fn whole_number(largest: Option<u64>, cut: u64, len: usize) -> u64 {
    let expected = largest.map_or(0, |l| l.saturating_add(1));
    let window = 1u64 << (8 * len.min(4));
    let half = window / 2;
    let candidate = (expected & !(window.wrapping_sub(1))) | cut;
    if candidate.saturating_add(half) <= expected && candidate < (1 << 62) - window {
        candidate.saturating_add(window)
    } else if candidate > expected.saturating_add(half) && candidate >= window {
        candidate.saturating_sub(window)
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_numbers_are_made_whole_as_in_the_standard() {
        assert_eq!(whole_number(Some(0xa82f_30ea), 0x9b32, 2), 0xa82f_9b32);
        assert_eq!(whole_number(None, 2, 4), 2);
        assert_eq!(whole_number(Some(255), 0, 1), 256);
    }
}
