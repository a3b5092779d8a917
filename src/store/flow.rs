//! Flow rows: one conversation between two endpoints over a transport, in 120 bytes.

use crate::hosts::Hosts;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use wirelore_kit::row::NONE;
use wirelore_kit::{Dir, Endpoint, Evidence, Severity, Transport};

/// What is known of a flow besides numbers, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowFlags(u16);

impl FlowFlags {
    /// A SYN of the first end was seen.
    pub const SYN: FlowFlags = FlowFlags(1);
    /// A SYN of the second end was seen.
    pub const SYN_BACK: FlowFlags = FlowFlags(1 << 1);
    /// A FIN of the first end was seen.
    pub const FIN: FlowFlags = FlowFlags(1 << 2);
    /// A FIN of the second end was seen.
    pub const FIN_BACK: FlowFlags = FlowFlags(1 << 3);
    /// It was reset.
    pub const RST: FlowFlags = FlowFlags(1 << 4);
    /// Bytes are missing.
    pub const GAPS: FlowFlags = FlowFlags(1 << 5);
    /// Its beginning was not captured.
    pub const MIDSTREAM: FlowFlags = FlowFlags(1 << 6);
    /// No more will come.
    pub const ENDED: FlowFlags = FlowFlags(1 << 7);
    /// The second end of the row is the client: it opened the connection, or asked first.
    pub const CLIENT_IS_SECOND: FlowFlags = FlowFlags(1 << 8);
    /// Its packets were made from bytes that a proxy relayed: only what stands above TCP is true of a wire.
    pub const SYNTHETIC: FlowFlags = FlowFlags(1 << 9);
    /// It carries what another flow carries too (the other leg of a proxied connection), and is read only so far as it differs.
    pub const TWIN: FlowFlags = FlowFlags(1 << 10);
    const SEQ_BASE: u16 = 1 << 12;

    /// Whether every flag of `f` is set.
    #[must_use]
    pub const fn has(self, f: FlowFlags) -> bool {
        self.0 & f.0 == f.0
    }

    /// Sets the flags of `f`.
    pub const fn set(&mut self, f: FlowFlags) {
        self.0 |= f.0;
    }

    /// Takes the flags of `f` away.
    pub const fn clear(&mut self, f: FlowFlags) {
        self.0 &= !f.0;
    }
}

/// No window shift is known.
const NO_SHIFT: u8 = u8::MAX;
/// No round-trip time is known.
const NO_RTT: i64 = i64::MIN;

/// A flow. Its addresses stand in a table of their own: see [`Flow::ends`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRow {
    /// Number of each end's address in [`crate::Snapshot::hosts`].
    pub(crate) hosts: [u32; 2],
    /// Each end's port; 0 where the transport has none.
    pub(crate) ports: [u16; 2],
    /// Time of the first packet, nanoseconds since the epoch.
    pub first_time: i64,
    /// Time of the last packet so far.
    pub last_time: i64,
    /// Bytes on the wire sent by the first and by the second end, headers included.
    pub bytes: [u64; 2],
    /// Bytes of its streams that were never captured, as far as they could be counted.
    pub gap_bytes: u64,
    rtt: i64,
    /// Its first packet.
    pub first_packet: u32,
    /// Its last packet so far.
    pub last_packet: u32,
    /// Packets sent by the first and by the second end.
    pub packets: [u32; 2],
    /// Number among flows of its transport (`tcp.stream`, `udp.stream`), by first packet; [`NONE`] for other transports.
    pub stream: u32,
    seq_base: [u32; 2],
    /// Newest message, note and state of this flow; older ones are chained behind.
    pub(crate) last_message: u32,
    pub(crate) last_note: u32,
    pub(crate) last_state: u32,
    pub(crate) messages: u32,
    /// Why it is thought to speak [`FlowRow::protocol`].
    pub evidence: Evidence,
    protocol: u16,
    /// Number of the path of tunnels it was found in, 0 for none: see [`crate::Snapshot::tunnel`].
    pub tunnel: u16,
    /// Facts.
    pub flags: FlowFlags,
    window_shift: [u8; 2],
    /// Transport.
    pub transport: Transport,
    /// IP protocol number.
    pub ip_proto: u8,
    pub(crate) worst: Worst,
}

/// The highest severity among notes: 0 for no note, else the severity plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(crate) struct Worst(pub u8);

impl Worst {
    pub const fn of(severity: Severity) -> Worst {
        Worst(severity as u8 + 1)
    }

    pub const fn severity(self) -> Option<Severity> {
        match self.0 {
            1 => Some(Severity::Chat),
            2 => Some(Severity::Note),
            3 => Some(Severity::Warn),
            4 => Some(Severity::Error),
            _ => None,
        }
    }
}

impl FlowRow {
    /// A flow that begins with packet `first_packet` at `time` (nanoseconds since the epoch). Counts begin at 0.
    #[must_use]
    pub const fn new(transport: Transport, ip_proto: u8, first_packet: u32, time: i64) -> FlowRow {
        FlowRow {
            hosts: [NONE; 2],
            ports: [0; 2],
            first_time: time,
            last_time: time,
            bytes: [0; 2],
            gap_bytes: 0,
            rtt: NO_RTT,
            first_packet,
            last_packet: first_packet,
            packets: [0; 2],
            stream: NONE,
            seq_base: [0; 2],
            last_message: NONE,
            last_note: NONE,
            last_state: NONE,
            messages: 0,
            evidence: Evidence::None,
            protocol: u16::MAX,
            tunnel: 0,
            flags: FlowFlags(0),
            window_shift: [NO_SHIFT; 2],
            transport,
            ip_proto,
            worst: Worst(0),
        }
    }

    /// Counts a packet; `end` is 0 when the first end sent it, 1 for the second.
    #[inline]
    pub fn count(&mut self, packet: u32, time: i64, end: usize, wire_len: u32) {
        self.last_packet = packet;
        // Clocks may run back; a capture without times says i64::MIN.
        self.last_time = self.last_time.max(time);
        if let (Some(packets), Some(bytes)) = (self.packets.get_mut(end), self.bytes.get_mut(end)) {
            *packets = packets.saturating_add(1);
            *bytes = bytes.saturating_add(u64::from(wire_len));
        }
    }

    /// What it speaks, as an index of [`crate::Schema::protocols`].
    #[must_use]
    pub const fn protocol(&self) -> Option<u16> {
        if self.protocol == u16::MAX { None } else { Some(self.protocol) }
    }

    /// Says what it speaks.
    pub fn set_protocol(&mut self, protocol: Option<u16>, evidence: Evidence) {
        self.protocol = protocol.unwrap_or(u16::MAX);
        self.evidence = evidence;
    }

    /// Initial sequence number of an end (0 or 1), if it was seen.
    #[must_use]
    pub fn seq_base(&self, end: usize) -> Option<u32> {
        self.seq_base.get(end).copied().filter(|_| self.flags.0 & (FlowFlags::SEQ_BASE << end) != 0)
    }

    /// Sets an end's initial sequence number.
    pub fn set_seq_base(&mut self, end: usize, seq: u32) {
        if let Some(base) = self.seq_base.get_mut(end) {
            *base = seq;
            self.flags.0 |= FlowFlags::SEQ_BASE << end;
        }
    }

    /// Window scale shift of an end (0 or 1), if the handshake was seen.
    #[must_use]
    pub fn window_shift(&self, end: usize) -> Option<u8> {
        self.window_shift.get(end).copied().filter(|s| *s != NO_SHIFT)
    }

    /// Sets an end's window scale shift.
    pub fn set_window_shift(&mut self, end: usize, shift: u8) {
        if let Some(s) = self.window_shift.get_mut(end) {
            *s = shift;
        }
    }

    /// Round-trip time of the handshake, nanoseconds.
    #[must_use]
    pub const fn initial_rtt(&self) -> Option<i64> {
        if self.rtt == NO_RTT { None } else { Some(self.rtt) }
    }

    /// Sets the round-trip time of the handshake, nanoseconds.
    pub const fn set_initial_rtt(&mut self, ns: i64) {
        self.rtt = ns;
    }

    /// Packets of both ends.
    #[must_use]
    pub const fn packet_count(&self) -> u64 {
        self.packets[0] as u64 + self.packets[1] as u64
    }

    /// Bytes of both ends.
    #[must_use]
    pub const fn byte_count(&self) -> u64 {
        self.bytes[0].saturating_add(self.bytes[1])
    }

    /// Number of messages listed, those of inner conversations included.
    #[must_use]
    pub const fn message_count(&self) -> u32 {
        self.messages
    }

    /// Its newest message row, or [`NONE`]. It may have been withdrawn: [`crate::Snapshot::messages_of`] knows.
    #[must_use]
    pub const fn last_message(&self) -> u32 {
        self.last_message
    }

    /// The highest severity among its notes.
    #[must_use]
    pub const fn worst(&self) -> Option<Severity> {
        self.worst.severity()
    }

    /// Numbers of both ends' addresses in [`crate::Snapshot::hosts`].
    #[must_use]
    pub const fn host_numbers(&self) -> [u32; 2] {
        self.hosts
    }

    /// Both ends' ports.
    #[must_use]
    pub const fn ports(&self) -> [u16; 2] {
        self.ports
    }

    /// Which end (0 or 1) is the client.
    #[must_use]
    pub const fn client_end(&self) -> usize {
        if self.flags.has(FlowFlags::CLIENT_IS_SECOND) { 1 } else { 0 }
    }

    /// Which end (0 or 1) sends in that direction of the conversation.
    #[must_use]
    pub const fn sender_end(&self, dir: Dir) -> usize {
        match dir {
            Dir::ToServer => self.client_end(),
            Dir::ToClient => 1 - self.client_end(),
        }
    }
}

/// A flow row with its addresses at hand.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'s> {
    /// Its number.
    pub id: u32,
    row: &'s FlowRow,
    hosts: &'s Hosts,
}

impl<'s> Flow<'s> {
    pub(crate) const fn new(id: u32, row: &'s FlowRow, hosts: &'s Hosts) -> Flow<'s> {
        Flow { id, row, hosts }
    }

    /// The row itself.
    #[must_use]
    pub const fn row(&self) -> &'s FlowRow {
        self.row
    }

    /// Both ends: the sender of the first packet, then the other.
    #[must_use]
    pub fn ends(&self) -> [Endpoint; 2] {
        [0, 1].map(|i: usize| {
            let ip = self.row.hosts.get(i).and_then(|h| self.hosts.get(*h)).copied();
            Endpoint { ip: ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port: self.row.ports.get(i).copied().unwrap_or(0) }
        })
    }

    /// The end that opened it or asked first.
    #[must_use]
    pub fn client(&self) -> Endpoint {
        let [first, second] = self.ends();
        if self.row.client_end() == 0 { first } else { second }
    }

    /// The end that was asked.
    #[must_use]
    pub fn server(&self) -> Endpoint {
        let [first, second] = self.ends();
        if self.row.client_end() == 0 { second } else { first }
    }
}

impl Deref for Flow<'_> {
    type Target = FlowRow;
    fn deref(&self) -> &FlowRow {
        self.row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_row_takes_120_bytes() {
        assert_eq!(size_of::<FlowRow>(), 120);
    }

    #[test]
    fn numbers_of_one_end_are_not_the_others() {
        let mut f = FlowRow::new(Transport::Tcp, 6, 0, 5);
        f.set_seq_base(1, 0);
        f.set_window_shift(0, 7);
        assert_eq!((f.seq_base(0), f.seq_base(1), f.seq_base(2)), (None, Some(0), None));
        assert_eq!((f.window_shift(0), f.window_shift(1)), (Some(7), None));
        f.count(3, 2, 1, 60);
        assert_eq!((f.packets, f.bytes, f.last_time, f.last_packet), ([0, 1], [0, 60], 5, 3));
    }
}
