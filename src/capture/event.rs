//! Events: everything a capture says besides its packets, in file order.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use crate::time::Resolution;

/// Something found between packets. An event that packets after it depend on (interface, secrets, section) is never
/// delivered later than they are; comments and drop counts follow the batch their packet is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A pcapng section begins (SHB).
    Section(Section),
    /// An interface is described (IDB, or the header of a pcap file).
    Interface(Interface),
    /// Decryption secrets (DSB).
    Secrets(Secrets),
    /// Names for addresses (NRB).
    Names(Names),
    /// A comment on a packet.
    Comment(Comment),
    /// Packets that the capturing side lost just before one it kept.
    Drops(Drops),
    /// What an interface counted (ISB).
    Statistics(Statistics),
    /// A block that is not read here; its place is told so that it can be kept when the capture is saved again.
    Other(OtherBlock),
    /// The file is cut or damaged at this place.
    Damage(Damage),
    /// Reading goes on after a damaged place.
    Resumed(Resumed),
    /// Something odd that reading survived without loss.
    Note(Note),
}

/// An option of a pcapng block, kept as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawOption {
    /// Option code.
    pub code: u16,
    /// Its value, without padding.
    pub value: Bytes,
}

/// A section of a pcapng file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Offset of its section header block.
    pub at: u64,
    /// Whether its numbers are big-endian.
    pub big_endian: bool,
    /// Major and minor version, 1.0 (or 1.2) for all known files.
    pub version: (u16, u16),
    /// `shb_hardware`.
    pub hardware: Option<String>,
    /// `shb_os`.
    pub os: Option<String>,
    /// `shb_userappl`, the program that wrote it.
    pub application: Option<String>,
    /// Comments on the section.
    pub comments: Vec<String>,
    /// All options as written, those above included.
    pub options: Vec<RawOption>,
}

/// An interface packets were captured on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// Index over all sections of the file; `Item::interface` refers to it.
    pub index: u32,
    /// Offset of the block that describes it.
    pub at: u64,
    /// Link type (`LINKTYPE_` registry), without the FCS bits of a pcap header.
    pub link_type: u32,
    /// Longest capture length promised, in bytes; 0 means no limit.
    pub snaplen: u32,
    /// Unit and origin of its timestamps.
    pub resolution: Resolution,
    /// Length of the frame check sequence at the end of each packet in bytes, where told.
    pub fcs_len: Option<u8>,
    /// `if_name`.
    pub name: Option<String>,
    /// `if_description`.
    pub description: Option<String>,
    /// `if_filter` when it is text.
    pub filter: Option<String>,
    /// `if_hardware`.
    pub hardware: Option<String>,
    /// `if_os`.
    pub os: Option<String>,
    /// Comments on the interface.
    pub comments: Vec<String>,
    /// Bits of [`crate::mark`] that all its packets bear.
    pub marks: u32,
    /// All options as written, those above included.
    pub options: Vec<RawOption>,
}

/// The kinds of secrets that have a name.
pub mod secrets {
    /// TLS key log lines (`TLSK`), as of RFC 9850.
    pub const TLS_KEY_LOG: u32 = 0x544c_534b;
    /// WireGuard key log (`WGKL`).
    pub const WIREGUARD_KEY_LOG: u32 = 0x5747_4b4c;
    /// SSH key log (`SSHK`).
    pub const SSH_KEY_LOG: u32 = 0x5353_484b;
}

/// A decryption secrets block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Offset of the block.
    pub at: u64,
    /// Kind of secrets, see [`secrets`].
    pub kind: u32,
    /// The secrets as written.
    pub data: Bytes,
}

/// An address that has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// `nrb_record_ipv4`.
    V4(Ipv4Addr),
    /// `nrb_record_ipv6`.
    V6(Ipv6Addr),
    /// `nrb_record_eui48`.
    Eui48([u8; 6]),
    /// `nrb_record_eui64`.
    Eui64([u8; 8]),
}

/// Names for addresses, as resolved when the capture was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Offset of the block.
    pub at: u64,
    /// Address and names, in file order.
    pub records: Vec<(Address, Vec<String>)>,
}

/// A comment on a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Index of the packet in the capture, counted from 0.
    pub packet: u64,
    /// The text.
    pub text: String,
}

/// Packets lost by the capturing side before one that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drops {
    /// Interface index.
    pub interface: u32,
    /// Index of the packet that was kept, counted from 0.
    pub packet: u64,
    /// How many were lost between it and the packet before.
    pub dropped: u64,
}

/// Counters of an interface statistics block; times in nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Offset of the block.
    pub at: u64,
    /// Interface index.
    pub interface: u32,
    /// When the counters were read.
    pub time_ns: i64,
    /// `isb_starttime`.
    pub start_ns: Option<i64>,
    /// `isb_endtime`.
    pub end_ns: Option<i64>,
    /// `isb_ifrecv`: packets received by the interface.
    pub received: Option<u64>,
    /// `isb_ifdrop`: packets the interface had no room for.
    pub dropped: Option<u64>,
    /// `isb_filteraccept`.
    pub accepted: Option<u64>,
    /// `isb_osdrop`: packets the system dropped.
    pub os_dropped: Option<u64>,
    /// `isb_usrdeliv`: packets handed to the program.
    pub delivered: Option<u64>,
}

/// A block without meaning here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherBlock {
    /// Offset of the block.
    pub at: u64,
    /// Its whole length in bytes.
    pub len: u32,
    /// Block type.
    pub kind: u32,
    /// Private enterprise number, of custom blocks.
    pub enterprise: Option<u32>,
    /// How many packets come before it.
    pub packets_before: u64,
    /// May it be copied into a file whose packets were changed? (Custom blocks tell; others: no.)
    pub copyable: bool,
    /// Of a custom block of at most 4 KiB: what stands in it behind the enterprise number, options and padding included.
    pub custom: Bytes,
}

/// How a file is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// The file ends in the middle of a record.
    Cut,
    /// A length field cannot be true.
    Length,
    /// A record contradicts itself or what came before.
    Content,
    /// The compressed data around the capture is broken or cut.
    Compression,
    /// A limit of ours was reached (spool size, free disk space).
    Limit,
    /// The operating system failed to read.
    Io,
}

/// A place where the capture cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Which way.
    pub kind: DamageKind,
    /// Offset in the file or spool of the record that cannot be read.
    pub at: u64,
    /// What is wrong.
    pub what: Cow<'static, str>,
    /// Why it is believed to be wrong.
    pub why: Cow<'static, str>,
    /// What the user can do.
    pub what_to_do: Cow<'static, str>,
}

/// Reading goes on, or ends, after a damaged place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// Offset at which a readable record was found; the end of the file when none was.
    pub at: u64,
    /// How many bytes were passed over.
    pub skipped: u64,
    /// Whether there was anything readable after the damage.
    pub found: bool,
}

/// Something odd, without loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Offset it is about.
    pub at: u64,
    /// What is odd.
    pub what: Cow<'static, str>,
    /// What it means for the reader of the capture.
    pub why: Cow<'static, str>,
    /// What the user can do; empty when there is nothing to do.
    pub what_to_do: Cow<'static, str>,
}
