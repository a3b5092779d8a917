//! TCP reassembly (RFC 9293 §3.10): segments as captured go in, the bytes of both directions come out in causal order, with their sources and with every gap said.
//!
//! What is in order passes through without a copy. A segment must wait for two reasons only: bytes before it in its own direction are
//! missing, or it acknowledges bytes of the other direction that have not been delivered yet. Waiting is bounded in bytes, in capture
//! time and in packets of the flow; when a bound bites, the missing bytes are declared a gap and the reason is told.
//!
//! Stream offsets are 64 bits wide and count from the first byte after the SYN, or from the first byte seen where the capture began
//! later. The first bytes that came for an offset win.

mod causal;
mod hold;
#[cfg(test)]
mod tests;

use hold::Waiting;
pub use wirelore_kit::End;

/// Farthest that a segment may stand from the next expected byte, in bytes: the largest window of RFC 7323 §2.3. What is farther is junk.
const WINDOW: i64 = 1 << 30;
/// Farthest that an acknowledgement may point beyond the last byte seen before it is taken for junk, in bytes.
const ACK_AHEAD: i64 = 64 << 20;
/// Farthest that bytes in front of the first ones seen are still placed, in bytes.
const BEFORE: i64 = 1 << 20;
/// So many junk segments in a row, each following the one before, are no junk: the capture lost more than a window.
const RESYNC: u8 = 16;

/// One captured TCP segment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Segment<'a> {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number, if the ACK flag is set.
    pub ack: Option<u32>,
    /// SYN flag.
    pub syn: bool,
    /// FIN flag.
    pub fin: bool,
    /// RST flag.
    pub rst: bool,
    /// Payload as captured.
    pub payload: &'a [u8],
    /// Payload length on the wire, in bytes; more than `payload.len()` if the snap length cut it.
    pub wire_len: u32,
    /// Number of the arrival.
    pub number: u32,
    /// Capture time, nanoseconds.
    pub time: i64,
    /// Offset of the payload in the bytes of the arrival.
    pub offset: u32,
}

/// Where delivered bytes stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Source {
    /// Number of the arrival.
    pub number: u32,
    /// Its capture time, nanoseconds.
    pub time: i64,
    /// Offset of the first of these bytes in the bytes of the arrival (of the joined datagram, if it came in IP fragments).
    pub offset: u32,
}

/// Why bytes are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GapWhy {
    /// They were acknowledged, or followed by others for long enough, but never captured.
    NotCaptured = 0,
    /// The capture's snap length cut them off.
    Snaplen = 1,
    /// Too much was waiting behind them.
    Limit = 2,
    /// The capture began in the middle of the stream.
    Midstream = 3,
    /// The flow or its capture ended before they came.
    EndOfCapture = 4,
    /// They were delivered once, but their packet can no longer be read.
    Gone = 5,
}

/// Takes what reassembly delivers. Within one direction offsets never run back.
pub trait Deliver {
    /// Bytes of direction `dir` at stream offset `at`.
    fn data(&mut self, dir: usize, at: u64, bytes: &[u8], from: Source);
    /// `missing` bytes of `dir` at `at` will not come. [`u64::MAX`]: an unknown number, and the offsets go on at `at`.
    fn gap(&mut self, dir: usize, at: u64, missing: u64, why: GapWhy);
    /// `len` bytes at `at`, known from arrival `kept`, came again from `other` with other values.
    fn conflict(&mut self, dir: usize, at: u64, len: u32, kept: u32, other: Source);
    /// Bytes at `at` came again, or came after they had been declared missing; they were not used. Whether they are the same can be
    /// found from the log ([`crate::source_map::conflicts`]).
    fn again(&mut self, dir: usize, at: u64, len: u32, from: Source) {
        let _ = (dir, at, len, from);
    }
    /// Direction `dir` ends, because of arrival `number`.
    fn end(&mut self, dir: usize, how: End, number: u32, time: i64);
}

/// How long segments may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may wait in one direction, bookkeeping included.
    pub hold: u32,
    /// How long a gap that the receiver has acknowledged may stay open, in milliseconds of capture time.
    pub patience_ms: u16,
    /// The same in packets of the flow, for captures whose clock stands still or runs back.
    pub patience_packets: u16,
    /// How long a gap may stay open, in packets of the flow, if nothing at all is seen of the other side.
    pub one_sided_packets: u16,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { hold: 1 << 20, patience_ms: 200, patience_packets: 64, one_sided_packets: 1024 }
    }
}

/// Facts about one direction.
mod flag {
    /// `base` is known.
    pub const KNOWN: u8 = 1;
    /// Offset 0 is fixed; delivery may begin.
    pub const SETTLED: u8 = 2;
    /// Offset 0 is the stream's true first byte.
    pub const EXACT: u8 = 4;
    /// The end was delivered.
    pub const ENDED: u8 = 8;
    /// A segment of this direction was seen.
    pub const SEEN: u8 = 16;
    /// `acked` is known.
    pub const HAS_ACK: u8 = 32;
    /// On both: a reset came before any byte. A SYN sent again may still be accepted.
    pub const REFUSED: u8 = 64;
}

/// One direction of a flow.
#[derive(Debug, Clone, Copy, Default)]
struct Half {
    /// Stream offset of the next byte to deliver.
    next: u64,
    /// Sequence number of offset 0.
    base: u32,
    /// Highest acknowledgement by the other side; not kept up while nothing is missing.
    acked: u32,
    /// Where the next junk segment would follow on the last.
    junk_next: u32,
    flags: u8,
    /// How many junk segments followed each other.
    junk_run: u8,
}

impl Half {
    const fn is(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// Sequence number of the next byte.
    const fn seq(&self) -> u32 {
        self.base.wrapping_add(self.next as u32)
    }

    /// How far `seq` is ahead of the next byte; sequence numbers wrap (RFC 9293 §3.4).
    const fn ahead(&self, seq: u32) -> i64 {
        seq.wrapping_sub(self.seq()) as i32 as i64
    }

    /// Stream offset up to which the other side has acknowledged; `next` or less if nothing acknowledged is missing.
    const fn acked_to(&self) -> u64 {
        let ahead = self.ahead(self.acked);
        if self.is(flag::KNOWN | flag::HAS_ACK) && ahead > 0 { self.next.saturating_add(ahead as u64) } else { 0 }
    }

    /// Forgets an acknowledgement that came before `base` was known and does not fit it.
    fn doubt_ack(&mut self) {
        if !(0..=ACK_AHEAD).contains(&self.ahead(self.acked)) {
            self.flags &= !flag::HAS_ACK;
        }
    }

    fn take_ack(&mut self, ack: u32) {
        if !self.is(flag::HAS_ACK) || (ack.wrapping_sub(self.acked) as i32) > 0 {
            self.acked = ack;
            self.flags |= flag::HAS_ACK;
        }
    }
}

/// Reassembly of one TCP connection. Small until a segment has to wait.
#[derive(Debug)]
pub struct Tcp {
    half: [Half; 2],
    waiting: Option<Box<Waiting>>,
    limits: Limits,
    /// Packets seen; wraps.
    packets: u32,
    last_number: u32,
    last_time: i64,
    ignored: u32,
}

impl Default for Tcp {
    fn default() -> Tcp {
        Tcp::new(Limits::default())
    }
}

impl Tcp {
    /// A connection of which nothing was seen yet.
    #[must_use]
    pub fn new(limits: Limits) -> Tcp {
        Tcp { half: [Half::default(); 2], waiting: None, limits, packets: 0, last_number: 0, last_time: i64::MIN, ignored: 0 }
    }

    /// Takes one segment of direction `dir` (0: from the flow's first end, 1: back), in capture order.
    pub fn segment<D: Deliver + ?Sized>(&mut self, dir: usize, s: &Segment<'_>, out: &mut D) {
        let dir = dir & 1;
        self.packets = self.packets.wrapping_add(1);
        self.last_number = s.number;
        self.last_time = s.time;
        if !self.is_plain(dir, s) {
            return self.unusual(dir, s, out);
        }
        let half = self.half_mut(dir);
        half.flags |= flag::SEEN;
        if !s.payload.is_empty() {
            let at = half.next;
            half.next = at.saturating_add(s.payload.len() as u64);
            out.data(dir, at, s.payload, Source { number: s.number, time: s.time, offset: s.offset });
        }
    }

    /// Takes a segment that only acknowledges what was delivered, as every other one does: nothing comes of it. False: it was not taken,
    /// [`Tcp::segment`] must see it.
    pub fn passes(&mut self, dir: usize, s: &Segment<'_>) -> bool {
        let dir = dir & 1;
        if !s.payload.is_empty() || !self.is_plain(dir, s) {
            return false;
        }
        self.packets = self.packets.wrapping_add(1);
        self.last_number = s.number;
        self.last_time = s.time;
        self.half_mut(dir).flags |= flag::SEEN;
        true
    }

    /// Whether `s` can pass at once: no flags, nothing waits, next in order, all captured, and it acknowledges only what was delivered.
    fn is_plain(&mut self, dir: usize, s: &Segment<'_>) -> bool {
        let half = self.half(dir);
        if self.waiting.is_some()
            || s.syn
            || s.fin
            || s.rst
            || half.flags & (flag::SETTLED | flag::ENDED | flag::REFUSED) != flag::SETTLED
            || s.payload.len() as u64 != u64::from(s.wire_len)
            || (s.wire_len > 0 && s.seq != half.seq())
        {
            return false;
        }
        let Some(ack) = s.ack else { return true };
        let peer = self.half_mut(dir ^ 1);
        if peer.is(flag::KNOWN) {
            // A FIN takes one sequence number.
            let ahead = peer.ahead(ack);
            let most = i64::from(peer.is(flag::ENDED));
            ahead <= most && ahead > -WINDOW
        } else {
            peer.take_ack(ack);
            true
        }
    }

    /// Whether `s` opens another connection on the same ports: a SYN with another initial sequence number than this connection's.
    #[must_use]
    pub fn reopens(&self, dir: usize, s: &Segment<'_>) -> bool {
        let half = self.half(dir & 1);
        s.syn && s.ack.is_none() && half.is(flag::KNOWN) && half.base != s.seq.wrapping_add(1)
    }

    /// Ends the connection where the capture or the flow's life ends: all that waits is delivered, what is missing is declared.
    pub fn finish<D: Deliver + ?Sized>(&mut self, out: &mut D) {
        self.finish_as(End::Capture, out);
    }

    /// As [`Tcp::finish`], with the reason: [`End::Cut`] for a record that was cut, [`End::Capture`] otherwise. A reset that was seen goes before it.
    pub fn finish_as<D: Deliver + ?Sized>(&mut self, how: End, out: &mut D) {
        let (how, number, time) = match self.waiting.as_ref().and_then(|w| w.reset) {
            Some(r) => (End::Reset, r.number, r.time),
            None if self.is_refused() => (End::Reset, self.last_number, self.last_time),
            None => (how, self.last_number, self.last_time),
        };
        self.flush(out);
        for dir in 0..2 {
            if !self.half(dir).is(flag::ENDED) {
                self.end(dir, how, number, time, out);
            }
        }
        self.waiting = None;
    }

    /// Lets go of all that waits, because memory is short: what is missing is declared with [`GapWhy::Limit`].
    pub fn relieve<D: Deliver + ?Sized>(&mut self, out: &mut D) {
        if self.waiting.is_some() {
            self.let_go(GapWhy::Limit, out);
            self.drop_idle();
        }
    }

    /// Lets capture time pass while the flow is silent: patience runs out, a reset takes effect. `now` in nanoseconds.
    pub fn tick<D: Deliver + ?Sized>(&mut self, now: i64, out: &mut D) {
        if self.waiting.is_some() {
            self.patience(now, out);
            self.check_reset(Some(now), out);
            self.drop_idle();
        } else if self.is_refused() && now.saturating_sub(self.last_time) >= causal::RESET_NS {
            self.finish(out);
        }
    }

    /// Whether [`Tcp::tick`] may have anything to do.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some() || self.is_refused()
    }

    /// Whether a reset came before any byte and nothing has come since. Such a connection is over unless a SYN sent again is accepted.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.half.iter().all(|h| h.flags & (flag::REFUSED | flag::ENDED) == flag::REFUSED)
    }

    /// Bytes of memory held by waiting segments, bookkeeping included.
    #[must_use]
    pub fn held(&self) -> usize {
        self.waiting.as_ref().map_or(0, |w| w.held())
    }

    /// Whether both directions have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.half.iter().all(|h| h.is(flag::ENDED))
    }

    /// How many segments, acknowledgements and remarks were left out of account as junk: far outside of the window or behind the end.
    #[must_use]
    pub fn ignored(&self) -> u32 {
        self.ignored
    }

    /// Stream offset of the next byte of `dir` to be delivered.
    #[must_use]
    pub fn next_offset(&self, dir: usize) -> u64 {
        self.half(dir & 1).next
    }

    fn half(&self, dir: usize) -> &Half {
        let [first, second] = &self.half;
        if dir == 0 { first } else { second }
    }

    fn half_mut(&mut self, dir: usize) -> &mut Half {
        let [first, second] = &mut self.half;
        if dir == 0 { first } else { second }
    }

    fn ignore(&mut self, how_many: u32) {
        self.ignored = self.ignored.saturating_add(how_many);
    }
}
