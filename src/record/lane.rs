//! A lane: where one relay thread formats what it saw, without waiting for others.

use crate::frame::{AROUND, MOST, Segment, Template, flag};
use crate::said::{ENTERPRISE, Note, write_leg};
use crate::shared::{CHUNK, Shared, Slot};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use wirelore_capture::secrets::TLS_KEY_LOG;

/// One of the two legs of a proxied connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Between the client and us.
    Client,
    /// Between us and the server.
    Server,
}

impl Side {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
        }
    }

    /// The side of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Side> {
        [Side::Client, Side::Server].into_iter().find(|s| s.name() == name)
    }
}

/// A leg that begins.
#[derive(Debug, Clone, Copy)]
pub struct Leg<'a> {
    /// Which leg.
    pub side: Side,
    /// Who opened it: the client, or our own end towards the server.
    pub client: SocketAddr,
    /// To whom: our listening end, or the server.
    pub server: SocketAddr,
    /// The listener that the connection came through, as numbered by [`crate::Recorder::listener`].
    pub listener: u32,
    /// The connection's number, which both its legs share.
    pub tie: u64,
    /// When it was opened, in nanoseconds since 1970.
    pub time: i64,
    /// The name of the server that the client meant; empty where unknown.
    pub host: &'a str,
}

/// A leg within its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LegId {
    at: u32,
    /// A place is used again: an id that outlived its leg must not name the next one.
    turn: u32,
}

/// How a direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// In order.
    Fin,
    /// Broken off. Ends both directions.
    Rst,
}

/// One direction of a leg.
#[derive(Debug)]
struct Way {
    frames: Template,
    /// The next sequence number.
    next: u32,
    /// Bytes sent since the other side acknowledged any.
    silent: u32,
    ended: bool,
}

#[derive(Debug)]
struct Open {
    tie: u64,
    side: Side,
    /// To the client, to the server.
    ways: [Way; 2],
    broken: bool,
    /// Said with the next frame.
    comment: String,
}

/// After so many bytes in one direction the other one acknowledges, though it says nothing.
const ACKNOWLEDGED: u32 = 1 << 20;

/// What one relay thread records. Its calls format into memory; nothing waits but [`Lane::turn`].
#[derive(Debug)]
pub struct Lane {
    pub(crate) shared: Arc<Shared>,
    slot: Arc<Slot>,
    legs: Vec<(u32, Option<Open>)>,
    free: Vec<u32>,
    ties: HashMap<u64, Vec<LegId>>,
    secrets: Vec<u8>,
}

impl Lane {
    pub(crate) fn new(shared: Arc<Shared>) -> Lane {
        let slot = shared.slot();
        Lane { shared, slot, legs: Vec::new(), free: Vec::new(), ties: HashMap::new(), secrets: Vec::new() }
    }

    /// A leg begins: writes which connection it belongs to, and its handshake.
    pub fn open(&mut self, leg: Leg<'_>) -> LegId {
        let (client, server) = (end(leg.client), end(leg.server));
        let interface = self.shared.interface(leg.listener, leg.side);
        let (a, b) = first_numbers(leg.tie, leg.side);
        let way = |from, to, next| Way { frames: Template::new(interface, from, to), next, silent: 0, ended: false };
        let mut ways = [way(server, client, b), way(client, server, a)];
        let mut said = String::new();
        write_leg(leg.tie, leg.side, SocketAddr::from(client), SocketAddr::from(server), leg.host, &mut said);
        let steps = [(1, flag::SYN, a, 0), (0, flag::SYN | flag::ACK, b, a.wrapping_add(1))];
        let last = (1, flag::ACK, a.wrapping_add(1), b.wrapping_add(1));
        self.slot.append(&self.shared, |out| {
            custom(&said, out);
            for (to_server, flags, seq, ack) in steps.into_iter().chain([last]) {
                if let Some(way) = ways.get(to_server) {
                    way.frames.write(&Segment { time: leg.time, seq, ack, flags, payload: &[], comment: "" }, out);
                }
            }
        });
        for way in &mut ways {
            way.next = way.next.wrapping_add(1);
        }
        let open = Open { tie: leg.tie, side: leg.side, ways, broken: false, comment: String::new() };
        let id = match self.free.pop().and_then(|at| Some((at, self.legs.get_mut(at as usize)?))) {
            Some((at, (turn, place))) => {
                *turn = turn.wrapping_add(1);
                *place = Some(open);
                LegId { at, turn: *turn }
            }
            None => {
                self.legs.push((0, Some(open)));
                LegId { at: self.legs.len().saturating_sub(1) as u32, turn: 0 }
            }
        };
        self.ties.entry(leg.tie).or_default().push(id);
        id
    }

    /// Bytes of a leg as they are on its wire, read or written at `time` (nanoseconds since 1970). Secrets told before lie before them.
    pub fn bytes(&mut self, leg: LegId, to_server: bool, bytes: &[u8], time: i64) {
        self.tell_secrets();
        let Some((open, _)) = leg_of(&mut self.legs, leg) else { return };
        let comment = std::mem::take(&mut open.comment);
        let mut said = comment.as_str();
        let (to, from) = pair(&mut open.ways, to_server);
        for payload in bytes.chunks(MOST) {
            let segment = Segment { time, seq: to.next, ack: from.next, flags: flag::ACK | flag::PSH, payload, comment: said };
            said = "";
            to.next = to.next.wrapping_add(payload.len() as u32);
            to.silent = to.silent.saturating_add(payload.len() as u32);
            from.silent = 0;
            let quiet = to.silent >= ACKNOWLEDGED;
            self.slot.append(&self.shared, |out| {
                to.frames.write(&segment, out);
                if quiet {
                    let ack = Segment { time, seq: from.next, ack: to.next, flags: flag::ACK, payload: &[], comment: "" };
                    from.frames.write(&ack, out);
                }
            });
            if quiet {
                to.silent = 0;
            }
        }
        if bytes.is_empty() {
            open.comment = comment;
        }
    }

    /// A line of the key log (NSS format, RFC 9850), with or without its line end. It will lie in the file before all bytes told later.
    pub fn secret(&mut self, line: &[u8]) {
        if self.shared.secrets {
            self.secrets.extend_from_slice(line.trim_ascii_end());
            self.secrets.push(b'\n');
        }
    }

    /// No more bytes come in a direction.
    pub fn end(&mut self, leg: LegId, to_server: bool, how: Ended, time: i64) {
        let Some((open, _)) = leg_of(&mut self.legs, leg) else { return };
        if open.broken {
            return;
        }
        let comment = std::mem::take(&mut open.comment);
        let (to, from) = pair(&mut open.ways, to_server);
        if to.ended && how == Ended::Fin {
            open.comment = comment;
            return;
        }
        let flags = flag::ACK | if how == Ended::Fin { flag::FIN } else { flag::RST };
        let segment = Segment { time, seq: to.next, ack: from.next, flags, payload: &[], comment: &comment };
        to.ended = true;
        if how == Ended::Fin {
            to.next = to.next.wrapping_add(1);
        }
        // The end of the second direction acknowledges the first one's; its own is acknowledged by nobody who still speaks.
        let last = (how == Ended::Fin && from.ended).then_some(Segment {
            time,
            seq: from.next,
            ack: to.next,
            flags: flag::ACK,
            payload: &[],
            comment: "",
        });
        self.slot.append(&self.shared, |out| {
            to.frames.write(&segment, out);
            if let Some(last) = &last {
                from.frames.write(last, out);
            }
        });
        open.broken = how == Ended::Rst;
    }

    /// We are done with a leg: what was not ended ends in order, our own direction first. (Whether the other end answers our FIN with one
    /// of its own is not waited for, but a connection that stayed half open would be read as one that still lives.)
    pub fn close(&mut self, leg: LegId, time: i64) {
        let Some((open, _)) = leg_of(&mut self.legs, leg) else { return };
        let (tie, ours) = (open.tie, open.side == Side::Server);
        for to_server in [ours, !ours] {
            self.end(leg, to_server, Ended::Fin, time);
        }
        if let Some((_, place)) = self.legs.get_mut(leg.at as usize) {
            *place = None;
            self.free.push(leg.at);
        }
        if let Some(legs) = self.ties.get_mut(&tie) {
            legs.retain(|l| *l != leg);
            if legs.is_empty() {
                self.ties.remove(&tie);
            }
        }
    }

    /// What the proxy did to a connection: a custom block, and a comment on the connection's next frame (of the leg that the note names,
    /// else of its first one that is open).
    pub fn note(&mut self, tie: u64, note: Note<'_>, time: i64) {
        let mut said = String::new();
        note.write(tie, time, &mut said);
        self.slot.append(&self.shared, |out| custom(&said, out));
        for leg in self.ties.get(&tie).into_iter().flatten() {
            if let Some((open, _)) = leg_of(&mut self.legs, *leg)
                && note.side.is_none_or(|s| s == open.side)
            {
                if !open.comment.is_empty() {
                    open.comment.push('\n');
                }
                note.sentence(&mut open.comment);
                break;
            }
        }
    }

    /// Call once at the end of each turn of the event loop: what was told is taken up by the writer, within about 10 ms. Where more
    /// waits to be written than the recorder's bound, **this waits** for the disk; it never does once recording has stopped.
    pub fn turn(&mut self) {
        self.tell_secrets();
        self.shared.turned();
    }

    /// Whether [`Lane::turn`] would wait for the disk.
    #[must_use]
    pub fn full(&self) -> bool {
        self.shared.full()
    }

    /// Whether who reads the record while it is written is about to fall behind: what brings much may pause for some milliseconds.
    #[must_use]
    pub fn outruns_reader(&self) -> bool {
        self.shared.outruns_reader()
    }

    /// Has `write` append whole blocks to what this lane has told.
    pub(crate) fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        self.slot.append(&self.shared, write);
    }

    /// Puts secrets into the file now, not with the next bytes: before bytes are written to a socket whose other end somebody may capture.
    pub fn tell_secrets(&mut self) {
        if self.secrets.is_empty() {
            return;
        }
        let secrets = &self.secrets;
        self.slot.append(&self.shared, |out| secrets_block(secrets, out));
        self.secrets.clear();
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.tell_secrets();
        self.slot.leave();
        self.shared.turned();
    }
}

/// The most bytes that one call appends at once: a chunk is made with room for it.
pub(crate) const MOST_AT_ONCE: usize = MOST + 2 * AROUND + 0x1_0000;
const _: () = assert!(CHUNK >= MOST_AT_ONCE);

/// An address as it is in packets: IPv4 within IPv6 is IPv4.
pub(crate) fn end(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}

/// Where the sequence numbers of a leg begin: another place for each, so that a port that is used again is seen to be.
fn first_numbers(tie: u64, side: Side) -> (u32, u32) {
    let seed = tie.wrapping_mul(2).wrapping_add(u64::from(side == Side::Server)).wrapping_add(1);
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 32) as u32, mixed as u32)
}

fn leg_of(legs: &mut [(u32, Option<Open>)], id: LegId) -> Option<(&mut Open, u32)> {
    let (turn, open) = legs.get_mut(id.at as usize)?;
    (*turn == id.turn).then_some(())?;
    Some((open.as_mut()?, *turn))
}

/// The direction that is meant, and the other one.
fn pair(ways: &mut [Way; 2], to_server: bool) -> (&mut Way, &mut Way) {
    let [to_client, to_the_server] = ways;
    if to_server { (to_the_server, to_client) } else { (to_client, to_the_server) }
}

/// Lines of a key log.
pub(crate) fn secrets_block(lines: &[u8], out: &mut Vec<u8>) {
    let mut body = Vec::with_capacity(lines.len().saturating_add(8));
    body.extend_from_slice(&TLS_KEY_LOG.to_le_bytes());
    body.extend_from_slice(&(lines.len() as u32).to_le_bytes());
    body.extend_from_slice(lines);
    block(10, &body, out);
}

pub(crate) fn custom(said: &str, out: &mut Vec<u8>) {
    let mut body = Vec::with_capacity(said.len().saturating_add(4));
    body.extend_from_slice(&ENTERPRISE.to_le_bytes());
    body.extend_from_slice(said.as_bytes());
    block(0xbad, &body, out);
}

/// A block of pcapng: type, length, body padded to 32 bits, length.
pub(crate) fn block(kind: u32, body: &[u8], out: &mut Vec<u8>) {
    let padded = body.len().next_multiple_of(4);
    let whole = (padded.saturating_add(12) as u32).to_le_bytes();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&whole);
    out.extend_from_slice(body);
    out.extend_from_slice([0; 4].get(..padded.saturating_sub(body.len())).unwrap_or_default());
    out.extend_from_slice(&whole);
}
