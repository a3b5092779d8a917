//! Rows: the small plain values that readings leave in the store and windows list.

use std::net::IpAddr;

/// No flow, no message: the row refers to nothing.
pub const NONE: u32 = u32::MAX;

/// A packet as listed: 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketRow {
    /// Nanoseconds since 1970-01-01 UTC; `i64::MIN` where the capture has none.
    pub time: i64,
    /// Offset of its bytes in the spool (lower 48 bits) and its interface (upper 16).
    place: u64,
    /// Bytes captured.
    pub cap_len: u32,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Its flow, or [`NONE`].
    pub flow: u32,
    /// Verdicts of the analysis in the lower 24 bits ([`crate::verdict`]); above them facts of the row.
    pub bits: u32,
}

impl PacketRow {
    /// Set in `bits`: it travels from the flow's second end to its first.
    pub const BACKWARD: u32 = 1 << 31;
    /// Set in `bits`: reading its headers met something wrong or cut.
    pub const ODD: u32 = 1 << 30;
    /// Set in `bits`: an IP fragment.
    pub const FRAGMENT: u32 = 1 << 29;
    /// Set in `bits`: made from bytes that a proxy relayed; its headers were never on a wire.
    pub const SYNTHETIC: u32 = 1 << 28;

    /// A row.
    #[must_use]
    pub const fn new(time: i64, at: u64, interface: u16, cap_len: u32, wire_len: u32) -> PacketRow {
        PacketRow { time, place: (at & 0xffff_ffff_ffff) | ((interface as u64) << 48), cap_len, wire_len, flow: NONE, bits: 0 }
    }

    /// Offset of its bytes in the spool.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.place & 0xffff_ffff_ffff
    }

    /// Its interface, counted over all sections of the capture.
    #[must_use]
    pub const fn interface(&self) -> u16 {
        (self.place >> 48) as u16
    }

    /// Whether it travels from the flow's second end to its first.
    #[must_use]
    pub const fn is_backward(&self) -> bool {
        self.bits & Self::BACKWARD != 0
    }
}

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Address.
    pub ip: IpAddr,
    /// Port; 0 where the transport has none.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.ip, self.port) {
            (ip, 0) => write!(f, "{ip}"),
            (IpAddr::V4(ip), port) => write!(f, "{ip}:{port}"),
            (IpAddr::V6(ip), port) => write!(f, "[{ip}]:{port}"),
        }
    }
}

/// What the analysis knows of one packet besides its bytes, for its tree and its list line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketFacts {
    /// Frame number, counted from 1.
    pub number: u64,
    /// Time, nanoseconds since the epoch.
    pub time: i64,
    /// Number of its TCP stream or UDP stream, if it has one.
    pub stream: Option<u32>,
    /// Verdicts ([`crate::verdict`]).
    pub verdicts: u32,
    /// Initial sequence number of the sender, so that relative numbers can be shown.
    pub seq_base: Option<u32>,
    /// Initial sequence number of the receiver.
    pub ack_base: Option<u32>,
    /// Window scale shift of the sender, if the handshake was seen.
    pub window_shift: Option<u8>,
    /// What was found out about a TCP segment, where somebody looked.
    pub analysis: Option<TcpAnalysis>,
}

/// What the analysis of a TCP connection says of one segment, besides verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpAnalysis {
    /// What of the connection's life was seen before it: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST.
    pub completeness: u8,
    /// The frame that it acknowledges, counted from 1; 0 for none.
    pub acks_frame: u32,
    /// Nanoseconds since that one.
    pub ack_rtt: i64,
    /// Nanoseconds that the handshake took, where they are told with this segment.
    pub initial_rtt: Option<i64>,
    /// Bytes sent and not acknowledged, its own included; 0 where that is not known.
    pub bytes_in_flight: u32,
    /// Bytes sent since the last PSH, its own included; 0 where that is not known.
    pub push_bytes: u32,
    /// How often this ACK was repeated; 0 if it is no duplicate.
    pub duplicate_ack: u32,
    /// The frame that first had it, counted from 1.
    pub duplicate_of: u32,
    /// Of a segment sent again: nanoseconds since what it repeats; 0 for others.
    pub rto: i64,
}

/// Why we think that a conversation speaks a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Evidence {
    /// Nothing was recognised.
    #[default]
    None,
    /// The user said so.
    User,
    /// Another conversation announced it.
    Expected,
    /// The outer protocol said so.
    Hint,
    /// Its first bytes are certain.
    Probe,
    /// Its first bytes look like it and so does the port.
    ProbeAndPort(u16),
    /// The port alone.
    Port(u16),
}

impl Evidence {
    /// One sentence for a person.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Evidence::None => "No protocol that we read was recognised.".into(),
            Evidence::User => "You said so.".into(),
            Evidence::Expected => "Another conversation announced it.".into(),
            Evidence::Hint => "The protocol around it said so.".into(),
            Evidence::Probe => "Its first bytes can be nothing else.".into(),
            Evidence::ProbeAndPort(p) => format!("Its first bytes look like it, and port {p} is its port."),
            Evidence::Port(p) => format!("Only because of port {p}; the bytes do not contradict it."),
        }
    }
}

/// State of a message row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum MessageState {
    /// More of it is to come.
    #[default]
    Open = 0,
    /// Complete.
    Whole = 1,
    /// Ended before its end: a cut, a gap, a reset.
    Cut = 2,
    /// Its bytes broke the grammar.
    Bad = 3,
}
