//! TCP sequence analysis: for each segment the verdicts that tshark 4.0 shows as `tcp.analysis.*`, relative numbers, window scale,
//! bytes in flight, initial RTT and completeness.
//!
//! The verdicts are heuristics of an observer, not facts of either end; their conditions are those of Wireshark's documented TCP
//! analysis (User's Guide, section "TCP Analysis"), found out where the guide is silent by showing hand-made exchanges to tshark 4.0.17.
//! State is a fixed 128 bytes a flow; unacknowledged segments live in one pool for all flows, 24 bytes each.

mod unacked;

use crate::flow::Direction;
use crate::packet::{Headers, TcpOptions, Transport, flag};
use unacked::{NIL, Pool, Unacked};

/// A fast retransmission comes within this time of the last duplicate ACK, in nanoseconds.
const FAST_NS: i64 = 20_000_000;
/// A segment is out of order rather than sent again within this time of the newest one, if the RTT is not known; in nanoseconds.
const REORDER_NS: i64 = 3_000_000;
/// `Side::dup_acks` after an ACK for lost data was told once; the next duplicate ACK counts as the first.
const TOLD: u32 = u32::MAX;

/// Verdict bits of one segment; the names are tshark's `tcp.analysis.*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $field:literal;)*) => {
        impl Flags {
            $($(#[$doc])* pub const $name: Flags = Flags(1 << $bit);)*
            /// All flags with their field names.
            pub const ALL: &[(Flags, &'static str)] = &[$((Flags::$name, $field),)*];
        }
    };
}

flags! {
    /// Sent before. Also set with the fast and the spurious kind, as in tshark.
    RETRANSMISSION = 0, "tcp.analysis.retransmission";
    /// Sent again because of duplicate ACKs.
    FAST_RETRANSMISSION = 1, "tcp.analysis.fast_retransmission";
    /// Sent again though it had been acknowledged.
    SPURIOUS_RETRANSMISSION = 2, "tcp.analysis.spurious_retransmission";
    /// Overtaken by a later segment.
    OUT_OF_ORDER = 3, "tcp.analysis.out_of_order";
    /// The same ACK again, without data.
    DUPLICATE_ACK = 4, "tcp.analysis.duplicate_ack";
    /// A segment before this one was not captured.
    LOST_SEGMENT = 5, "tcp.analysis.lost_segment";
    /// Acknowledges data that was not captured.
    ACK_LOST_SEGMENT = 6, "tcp.analysis.ack_lost_segment";
    /// The receiver has no room.
    ZERO_WINDOW = 7, "tcp.analysis.zero_window";
    /// One byte sent into a closed window.
    ZERO_WINDOW_PROBE = 8, "tcp.analysis.zero_window_probe";
    /// The answer to it, the window still closed.
    ZERO_WINDOW_PROBE_ACK = 9, "tcp.analysis.zero_window_probe_ack";
    /// The segment fills the receiver's window to its edge.
    WINDOW_FULL = 10, "tcp.analysis.window_full";
    /// Nothing but another window.
    WINDOW_UPDATE = 11, "tcp.analysis.window_update";
    /// No or one byte from before the next expected number: asks for a sign of life.
    KEEP_ALIVE = 12, "tcp.analysis.keep_alive";
    /// The answer to it.
    KEEP_ALIVE_ACK = 13, "tcp.analysis.keep_alive_ack";
    /// A SYN with another number on ports that were in use before.
    REUSED_PORTS = 14, "tcp.analysis.reused_ports";
    /// A SYN with a fast open option (RFC 7413).
    TFO_SYN = 15, "tcp.analysis.tfo_syn";
    /// The SYN-ACK took the SYN's data.
    TFO_ACK = 16, "tcp.analysis.tfo_ack";
    /// The SYN-ACK did not take the SYN's data.
    TFO_IGNORED = 17, "tcp.analysis.tfo_ignored";
}

impl Flags {
    /// True if all bits of `other` are set.
    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if no bit is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// Bits of `tcp.completeness`: what of a connection's life was seen.
pub mod completeness {
    /// A SYN.
    pub const SYN_SENT: u8 = 1;
    /// A SYN-ACK.
    pub const SYN_ACK: u8 = 2;
    /// An ACK without data.
    pub const ACK: u8 = 4;
    /// Data.
    pub const DATA: u8 = 8;
    /// A FIN.
    pub const FIN: u8 = 16;
    /// A RST.
    pub const RST: u8 = 32;
}

/// What is known of a direction's window scale (RFC 7323 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// The handshake was not seen.
    #[default]
    Unknown,
    /// One of the SYNs came without the option: no scaling in either direction.
    Off,
    /// Shift by this many bits (at most 14).
    Shift(u8),
}

/// What the analysis needs of a segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpFacts {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number as it stands in the header.
    pub ack: u32,
    /// Flag bits ([`flag`]).
    pub flags: u16,
    /// Window as it stands in the header.
    pub window: u16,
    /// Payload length on the wire, in bytes.
    pub len: u32,
    /// The options; only those of a SYN are looked at, so they need not be read for other segments.
    pub options: TcpOptions,
}

impl TcpFacts {
    /// The facts of a packet, if it is TCP with a sound header; `bytes` is what `headers` was read from.
    #[inline]
    pub fn of(headers: &Headers, bytes: &[u8]) -> Option<TcpFacts> {
        let Transport::Tcp(tcp) = headers.transport else { return None };
        if !tcp.sound {
            return None;
        }
        let options = if tcp.flags & flag::SYN != 0 { TcpOptions::read(tcp.options(bytes)) } else { TcpOptions::default() };
        Some(TcpFacts {
            seq: tcp.seq,
            ack: tcp.ack,
            flags: tcp.flags,
            window: tcp.window,
            len: headers.payload_wire_len,
            options,
        })
    }

    fn has(&self, bits: u16) -> bool {
        self.flags & bits != 0
    }
}

/// What the analysis says of one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The verdicts.
    pub flags: Flags,
    /// `tcp.seq`: relative sequence number.
    pub seq: u32,
    /// `tcp.ack`: relative acknowledgement number (as it stands in the header if the ACK flag is not set).
    pub ack: u32,
    /// `tcp.analysis.duplicate_ack_num`: how many times this ACK was repeated; 0 if it is no duplicate.
    pub duplicate_ack: u32,
    /// `tcp.analysis.duplicate_ack_frame`: the frame that first had this ACK.
    pub duplicate_of: u32,
    /// `tcp.analysis.acks_frame`: the frame that this one acknowledges exactly, 0 if none.
    pub acks_frame: u32,
    /// `tcp.analysis.ack_rtt` in nanoseconds, valid with `acks_frame`.
    pub ack_rtt_ns: i64,
    /// `tcp.analysis.bytes_in_flight`, 0 if not known. SACKed bytes are not taken off.
    pub bytes_in_flight: u32,
    /// `tcp.analysis.rto` in nanoseconds for a retransmission: time since the oldest unacknowledged segment, or the newest one seen; else 0.
    pub rto_ns: i64,
    /// Window scale of the sending direction as known before this segment.
    pub scale: Scale,
}

/// One direction of a connection. Where 0 means "not seen yet" this is as in tshark, whose verdicts are to be met even at wrap-around.
#[derive(Clone, Copy)]
struct Side {
    base: u32,
    /// Next expected sequence number.
    next: u32,
    /// Highest number up to which everything was seen without a hole.
    whole: u32,
    last_ack: u32,
    last_ack_ns: i64,
    /// When `next` last moved.
    next_ns: i64,
    /// Frame that first had `last_ack`.
    non_dup: u32,
    dup_acks: u32,
    oldest: u32,
    newest: u32,
    unacked: u16,
    window: u16,
    scale: Scale,
    bits: u8,
}

const BASE_KNOWN: u8 = 1;
/// The newest segment was a keep-alive.
const WAS_KEEP_ALIVE: u8 = 2;
/// The newest segment was a zero window probe.
const WAS_PROBE: u8 = 4;
/// An ACK was sent since the SYN: from there on windows are scaled (RFC 7323 section 2.2).
const SCALED: u8 = 8;
/// A hole was seen: bytes in flight are not known until the next ACK.
const HOLE: u8 = 16;
/// It has sent something, so that `window` means something.
const WINDOW_KNOWN: u8 = 32;
/// Some unacknowledged segments overlap or lie below the initial number: the list's head need not be the lowest.
const OVERLAP: u8 = 64;

impl Default for Side {
    fn default() -> Self {
        Side {
            base: 0,
            next: 0,
            whole: 0,
            last_ack: 0,
            last_ack_ns: 0,
            next_ns: 0,
            non_dup: 0,
            dup_acks: 0,
            oldest: NIL,
            newest: NIL,
            unacked: 0,
            window: 0,
            scale: Scale::Unknown,
            bits: 0,
        }
    }
}

impl Side {
    fn is(&self, bit: u8) -> bool {
        self.bits & bit != 0
    }

    fn put(&mut self, bit: u8, on: bool) {
        if on {
            self.bits |= bit;
        } else {
            self.bits &= !bit;
        }
    }
}

/// One connection.
#[derive(Clone, Copy, Default)]
struct State {
    sides: [Side; 2],
    /// The time of the last SYN; once [`State::rtt_known`], what passed from that to the first ACK.
    handshake_ns: i64,
    /// A handshake within one tick of the clock leaves it open for the next segment.
    rtt_known: bool,
    syn_seen: bool,
    begun: bool,
    /// A SYN brought data with a fast open option.
    tfo_data: bool,
    completeness: u8,
}

/// What is known of a connection as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// `tcp.analysis.initial_rtt` in nanoseconds: from the SYN to the first segment with an ACK that is no SYN.
    pub initial_rtt_ns: Option<i64>,
    /// Bits of [`completeness`].
    pub completeness: u8,
    /// Initial sequence number by direction (forward, backward), if known or guessed.
    pub base: [Option<u32>; 2],
    /// Window scale by direction.
    pub scale: [Scale; 2],
}

/// The state of all TCP connections of a flow table, by stream number.
#[derive(Default)]
pub struct Sequences {
    flows: Vec<State>,
    pool: Pool,
}

/// `later - earlier` is below `limit` and not negative: where the clock ran back, no verdict rests on it.
fn within(earlier: i64, later: i64, limit: i64) -> bool {
    // Compared without sign, as in tshark: a negative limit (an RTT over such a jump) is endless.
    (later.wrapping_sub(earlier) as u64) < limit as u64
}

/// `a` is before `b` in sequence space (RFC 9293 section 3.4).
#[inline]
fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl Sequences {
    /// True if the segment opens a connection of its own on ports already in use: a SYN whose number is not that of the flow's.
    #[inline]
    pub fn reopens(&self, stream: u32, dir: Direction, facts: &TcpFacts) -> bool {
        facts.flags & (flag::SYN | flag::ACK) == flag::SYN
            && self
                .flows
                .get(stream as usize)
                .and_then(|f| f.sides.get(dir.index()))
                .is_some_and(|side| side.is(BASE_KNOWN) && side.base != facts.seq)
    }

    /// Looks at the next segment of connection `stream`: `time_ns` is its capture time, `frame` its number.
    ///
    /// `reused` says that this segment [reopened](Sequences::reopens) the ports under a new stream number.
    #[inline]
    pub fn see(&mut self, stream: u32, dir: Direction, facts: &TcpFacts, time_ns: i64, frame: u32, reused: bool) -> Verdict {
        let at = stream as usize;
        if self.flows.len() <= at {
            self.flows.resize(at.saturating_add(1), State::default());
        }
        let Some(state) = self.flows.get_mut(at) else { return Verdict::default() };
        let [forward, backward] = &mut state.sides;
        let (fwd, rev) = if dir == Direction::Forward { (forward, backward) } else { (backward, forward) };
        let mut verdict = Verdict { scale: fwd.scale, ..Verdict::default() };
        if reused {
            verdict.flags.set(Flags::REUSED_PORTS);
        }

        let syn = facts.has(flag::SYN);
        let with_ack = facts.has(flag::ACK);
        if syn && !with_ack && fwd.is(BASE_KNOWN) {
            // The handshake begins anew with the same number: what came after a hole is forgotten.
            fwd.next = fwd.whole;
        }
        let usual = is_usual(fwd, rev, facts);
        if !usual {
            learn_bases(fwd, rev, facts, &mut verdict.flags);
        }
        verdict.seq = facts.seq.wrapping_sub(fwd.base);
        verdict.ack = if with_ack { facts.ack.wrapping_sub(rev.base) } else { facts.ack };

        state.completeness |= seen_of_life(state.begun, facts);
        state.begun = true;
        let reorder_ns = if state.rtt_known { state.handshake_ns } else { REORDER_NS };

        if usual {
            rev.put(HOLE, false);
            if facts.len > 0 && fills_window(rev, facts) {
                verdict.flags.set(Flags::WINDOW_FULL);
            }
            count_acks(fwd, facts, frame);
        } else {
            window_verdicts(fwd, rev, facts, &mut verdict);
            ack_verdicts(fwd, rev, facts, frame, &mut verdict);
            if (facts.len > 0 || facts.has(flag::SYN | flag::FIN)) && !verdict.flags.has(Flags::KEEP_ALIVE) {
                repeat_verdicts(fwd, rev, facts, time_ns, reorder_ns, &mut verdict);
                if verdict.flags.has(Flags::RETRANSMISSION) {
                    let since = self.pool.get(fwd.oldest).map_or(fwd.next_ns, |node| node.time_ns);
                    verdict.rto_ns = time_ns.saturating_sub(since);
                }
            }
        }
        if syn {
            fast_open_verdicts(&mut state.tfo_data, facts, &mut verdict);
        }
        // Only after the verdicts: the segment that ends the handshake is not yet judged by its RTT.
        if syn && !with_ack {
            state.syn_seen = true;
            if !state.rtt_known {
                state.handshake_ns = time_ns;
            }
        } else if with_ack && !syn && state.syn_seen && !state.rtt_known && time_ns != state.handshake_ns {
            state.handshake_ns = time_ns.saturating_sub(state.handshake_ns);
            state.rtt_known = true;
        }

        let probe = verdict.flags.has(Flags::ZERO_WINDOW_PROBE);
        let mut end = facts.seq.wrapping_add(facts.len);
        if facts.len > 0 || facts.has(flag::SYN | flag::FIN) {
            end = end.wrapping_add(u32::from(facts.has(flag::SYN | flag::FIN)));
            self.pool.add(fwd, Unacked { seq: facts.seq, end, frame, next: NIL, time_ns });
        }
        if (before(fwd.next, end) || fwd.next == 0) && !probe {
            fwd.next = end;
            fwd.next_ns = time_ns;
        }
        if (facts.seq == fwd.whole || fwd.whole == 0) && !probe {
            fwd.whole = fwd.next;
        }
        fwd.window = facts.window;
        fwd.put(WINDOW_KNOWN, true);
        fwd.last_ack = facts.ack;
        fwd.last_ack_ns = time_ns;
        fwd.put(WAS_KEEP_ALIVE, verdict.flags.has(Flags::KEEP_ALIVE));
        fwd.put(WAS_PROBE, probe);
        if syn {
            learn_scale(fwd, rev, facts);
            fwd.put(SCALED, false);
        } else if with_ack {
            fwd.put(SCALED, true);
        }

        if rev.oldest != NIL
            && let Some(acked) = self.pool.acknowledge(rev, facts.ack)
        {
            verdict.acks_frame = acked.frame;
            verdict.ack_rtt_ns = time_ns.saturating_sub(acked.time_ns);
        }
        if facts.len > 0 && !fwd.is(HOLE) {
            verdict.bytes_in_flight = self.pool.in_flight(fwd).saturating_sub(u32::from(facts.has(flag::SYN | flag::FIN)));
        }
        verdict
    }

    /// What is known of connection `stream`.
    pub fn summary(&self, stream: u32) -> Option<Summary> {
        let state = self.flows.get(stream as usize)?;
        let base = state.sides.map(|side| side.is(BASE_KNOWN).then_some(side.base));
        let initial_rtt_ns = state.rtt_known.then_some(state.handshake_ns);
        Some(Summary { initial_rtt_ns, completeness: state.completeness, base, scale: state.sides.map(|s| s.scale) })
    }

    /// Bytes that the state has asked the allocator for.
    pub fn weight(&self) -> usize {
        self.flows.capacity().saturating_mul(size_of::<State>()).saturating_add(self.pool.weight())
    }
}

/// Whether nothing can be said of a segment but that it may fill the window: both sides are known and have room, it comes in place behind
/// bytes without a hole, acknowledges none that were not seen, and brings something: data that are not acknowledged yet, or another ACK.
/// What holds of nearly all segments is asked first, and at once.
#[inline]
fn is_usual(fwd: &Side, rev: &Side, facts: &TcpFacts) -> bool {
    let known = BASE_KNOWN | WINDOW_KNOWN;
    facts.flags & (flag::SYN | flag::FIN | flag::RST | flag::ACK) == flag::ACK
        && fwd.bits & rev.bits & known == known
        && facts.seq == fwd.next
        && fwd.next == fwd.whole
        && fwd.next != 0
        && facts.window != 0
        && rev.window != 0
        && rev.whole != 0
        && !before(rev.whole, facts.ack)
        && match facts.len {
            0 => facts.ack != fwd.last_ack,
            len => rev.last_ack != 0 && before(rev.last_ack, facts.seq.wrapping_add(len)),
        }
}

/// Whether a segment's data end where the other side's window does.
#[inline]
fn fills_window(rev: &Side, facts: &TcpFacts) -> bool {
    let shift = match rev.scale {
        _ if !rev.is(WINDOW_KNOWN) => return false,
        Scale::Unknown => return false,
        Scale::Off => 0,
        Scale::Shift(_) if !rev.is(SCALED) => 0,
        Scale::Shift(n) => u32::from(n),
    };
    facts.seq.wrapping_add(facts.len) == rev.last_ack.wrapping_add(u32::from(rev.window) << shift)
}

/// Another ACK than the last one begins to be counted.
#[inline]
fn count_acks(fwd: &mut Side, facts: &TcpFacts, frame: u32) {
    if facts.ack != fwd.last_ack {
        fwd.non_dup = frame;
        fwd.dup_acks = 0;
    }
}

/// Initial sequence numbers: from a SYN, else guessed so that the first number seen becomes 1. An ACK tells the other side's.
#[inline]
fn learn_bases(fwd: &mut Side, rev: &mut Side, facts: &TcpFacts, flags: &mut Flags) {
    let syn = facts.has(flag::SYN);
    if !fwd.is(BASE_KNOWN) {
        fwd.base = if syn { facts.seq } else { facts.seq.wrapping_sub(1) };
        fwd.put(BASE_KNOWN, true);
    } else if syn && facts.has(flag::ACK) && facts.seq != fwd.base {
        // A SYN-ACK with another number is an answer to another connection: told, and counted from there.
        fwd.base = facts.seq;
        flags.set(Flags::REUSED_PORTS);
    }
    if facts.has(flag::ACK) {
        if !rev.is(BASE_KNOWN) {
            rev.base = facts.ack.wrapping_sub(1);
            rev.put(BASE_KNOWN, true);
        }
        rev.put(HOLE, false);
    }
}

/// A side's first SYN without the window scale option turns scaling off for both directions; a SYN-ACK cannot turn it on again, a new SYN can.
fn learn_scale(fwd: &mut Side, rev: &mut Side, facts: &TcpFacts) {
    match (facts.options.window_scale, fwd.scale) {
        (None, Scale::Unknown) => (fwd.scale, rev.scale) = (Scale::Off, Scale::Off),
        (None, _) => {}
        (Some(_), Scale::Off) if facts.has(flag::ACK) => {}
        (Some(shift), _) => fwd.scale = Scale::Shift(shift.min(14)),
    }
}

/// The bits of `tcp.completeness` that a segment adds. The first segment of a connection counts only if it is the SYN.
#[inline]
fn seen_of_life(begun: bool, facts: &TcpFacts) -> u8 {
    let syn_only = facts.flags & (flag::SYN | flag::ACK) == flag::SYN;
    if !begun && !syn_only {
        return 0;
    }
    let mut bits = 0;
    if facts.has(flag::SYN) {
        bits |= if facts.has(flag::ACK) {
            completeness::SYN_ACK
        } else if begun {
            0
        } else {
            completeness::SYN_SENT
        };
    } else if facts.has(flag::ACK) && facts.len == 0 {
        bits |= completeness::ACK;
    }
    // As in tshark the data of a SYN-ACK, or of a segment with neither flag, does not count.
    if facts.len > 0 && facts.has(flag::ACK) != facts.has(flag::SYN) {
        bits |= completeness::DATA;
    }
    if facts.has(flag::FIN) {
        bits |= completeness::FIN;
    }
    if facts.has(flag::RST) {
        bits |= completeness::RST;
    }
    bits
}

/// Verdicts about the window and about numbers that are not where they were expected, up to duplicate ACKs.
#[inline]
fn window_verdicts(fwd: &mut Side, rev: &Side, facts: &TcpFacts, verdict: &mut Verdict) {
    let plain = !facts.has(flag::SYN | flag::FIN | flag::RST);
    let flags = &mut verdict.flags;
    if facts.len == 1 && facts.seq == fwd.next && rev.window == 0 && rev.is(WINDOW_KNOWN) {
        flags.set(Flags::ZERO_WINDOW_PROBE);
        return;
    }
    if facts.window == 0 && plain {
        flags.set(Flags::ZERO_WINDOW);
    }
    if fwd.next != 0 && before(fwd.next, facts.seq) && !facts.has(flag::RST) {
        flags.set(Flags::LOST_SEGMENT);
        fwd.put(HOLE, true);
    }
    if facts.len <= 1 && facts.seq == fwd.next.wrapping_sub(1) && plain {
        flags.set(Flags::KEEP_ALIVE);
    }
    if facts.len > 0 && plain {
        if fills_window(rev, facts) {
            flags.set(Flags::WINDOW_FULL);
        }
        return;
    }
    // What follows are segments that repeat the last numbers and carry no data.
    let in_place = facts.len == 0 && facts.seq == fwd.next && plain;
    if !in_place {
        return;
    }
    let same_ack = facts.ack == fwd.last_ack;
    let same_window = facts.window == fwd.window && fwd.is(WINDOW_KNOWN);
    if facts.window != 0 && !same_window && same_ack {
        flags.set(Flags::WINDOW_UPDATE);
    }
    if facts.window != 0 && same_window && same_ack {
        if rev.is(WAS_KEEP_ALIVE) {
            flags.set(Flags::KEEP_ALIVE_ACK);
            return;
        }
        fwd.dup_acks = if fwd.dup_acks == TOLD { 1 } else { fwd.dup_acks.saturating_add(1).min(TOLD - 1) };
        flags.set(Flags::DUPLICATE_ACK);
        verdict.duplicate_ack = fwd.dup_acks;
        verdict.duplicate_of = fwd.non_dup;
    } else if facts.window == 0 && same_window && same_ack && rev.is(WAS_PROBE) {
        flags.set(Flags::ZERO_WINDOW_PROBE_ACK);
    }
}

/// Counts repeated ACKs and tells an ACK for data that was not captured, once for each hole.
#[inline]
fn ack_verdicts(fwd: &mut Side, rev: &mut Side, facts: &TcpFacts, frame: u32, verdict: &mut Verdict) {
    count_acks(fwd, facts, frame);
    if rev.whole != 0 && before(rev.whole, facts.ack) && facts.has(flag::ACK) {
        if before(rev.whole, rev.next) {
            rev.whole = rev.next;
            verdict.flags.set(Flags::ACK_LOST_SEGMENT);
        } else {
            if rev.dup_acks == 0 {
                verdict.flags.set(Flags::ACK_LOST_SEGMENT);
            }
            rev.dup_acks = TOLD;
        }
    }
}

/// Data (or SYN, FIN) that does not advance the sequence number: spurious, fast or plain retransmission, or out of order.
fn repeat_verdicts(fwd: &Side, rev: &Side, facts: &TcpFacts, now: i64, reorder_ns: i64, verdict: &mut Verdict) {
    let flags = &mut verdict.flags;
    let end = facts.seq.wrapping_add(facts.len);
    if facts.len > 0 && rev.last_ack != 0 && !before(rev.last_ack, end) {
        flags.set(Flags::SPURIOUS_RETRANSMISSION);
        flags.set(Flags::RETRANSMISSION);
        return;
    }
    let mut repeats = fwd.next != 0 && before(facts.seq, fwd.next);
    // One byte back with more than that byte: new data after a probe.
    if facts.len > 1 && fwd.next.wrapping_sub(1) == facts.seq {
        repeats = false;
    }
    if !repeats {
        return;
    }
    if rev.dup_acks >= 2 && rev.last_ack == facts.seq && within(rev.last_ack_ns, now, FAST_NS) {
        flags.set(Flags::FAST_RETRANSMISSION);
        flags.set(Flags::RETRANSMISSION);
        return;
    }
    let virtual_end = end.wrapping_add(u32::from(facts.has(flag::SYN | flag::FIN)));
    if within(fwd.next_ns, now, reorder_ns) && fwd.next != virtual_end {
        flags.set(Flags::OUT_OF_ORDER);
        return;
    }
    flags.set(Flags::RETRANSMISSION);
}

/// Fast open (RFC 7413): whether the SYN-ACK took the data that came with the SYN.
fn fast_open_verdicts(tfo_data: &mut bool, facts: &TcpFacts, verdict: &mut Verdict) {
    if !facts.has(flag::ACK) {
        if facts.options.fast_open {
            verdict.flags.set(Flags::TFO_SYN);
            *tfo_data |= facts.len > 0;
        }
    } else if verdict.ack > 1 {
        verdict.flags.set(Flags::TFO_ACK);
    } else if *tfo_data {
        verdict.flags.set(Flags::TFO_IGNORED);
    }
}

const _: () = assert!(size_of::<State>() <= 128, "the state of a flow has a budget");
