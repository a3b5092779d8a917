//! Classic pcap (draft-ietf-opsawg-pcap): a file header, then records of time, two lengths and bytes.

use crate::block::{Item, mark};
use crate::event::{DamageKind, Event, Interface, Note};
use crate::grammar::{Halt, LONGEST, Likely, Look, ORDINARY, Out, Peer, Resume, damaged, take, u16_in, u32_in};
use crate::sniff::PcapKind;
use crate::time::{Resolution, SECOND};

/// Link types whose packets are often far longer than Ethernet's: D-Bus, Linux USB, USBPcap, EBHSCR.
const LONG_LINK_TYPES: [u32; 6] = [189, 220, 231, 249, 266, 279];

/// How lengths stand in a record: `incl_len` first, as they should; or the other way round, as old writers had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Right,
    Swapped,
    /// The smaller one is the captured length (libpcap 0.4, version 2.3).
    Maybe,
}

/// The reader of one pcap file.
#[derive(Debug)]
pub(crate) struct Pcap {
    kind: PcapKind,
    record_header: usize,
    order: Order,
    snaplen: u32,
    limit: u32,
    unit_ns: i64,
    told_over: bool,
    first_ns: Option<i64>,
    last_ns: Option<i64>,
}

/// Length of the file header.
pub(crate) const FILE_HEADER: usize = 24;

impl Pcap {
    /// Reads the file header and announces the interface.
    pub(crate) fn new(kind: PcapKind, head: &[u8; FILE_HEADER], out: &mut Out) -> Self {
        if kind.big_endian { Self::start::<true>(kind, head, out) } else { Self::start::<false>(kind, head, out) }
    }

    fn start<const BIG: bool>(kind: PcapKind, head: &[u8; FILE_HEADER], out: &mut Out) -> Self {
        let [_, _, _, _, v0, v1, m0, m1, _, _, _, _, _, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3] = *head;
        let (major, minor) = (u16_in::<BIG>([v0, v1]), u16_in::<BIG>([m0, m1]));
        let snaplen = u32_in::<BIG>([s0, s1, s2, s3]);
        let link_field = u32_in::<BIG>([l0, l1, l2, l3]);
        // The upper half holds the FCS length in 16-bit words (top 4 bits), valid when bit 26 is set.
        let link_type = link_field & 0xffff;
        let fcs_len = (link_field & 0x0400_0000 != 0).then(|| u8::try_from((link_field >> 28) << 1).unwrap_or(0));
        let order = match (major, minor) {
            (2, 0..=2) | (543, _) => Order::Swapped,
            (2, 3) => Order::Maybe,
            _ => Order::Right,
        };
        if !matches!((major, minor), (2, 0..=4) | (543, 0)) {
            out.event(Event::Note(Note {
                at: 4,
                what: format!("the file says it is pcap version {major}.{minor}").into(),
                why: "All known pcap files are version 2.4 or older; it is read like 2.4.".into(),
                what_to_do: "".into(),
            }));
        }
        let limit = if LONG_LINK_TYPES.contains(&link_type) {
            128 << 20
        } else if snaplen <= LONGEST {
            snaplen.max(ORDINARY)
        } else {
            ORDINARY
        };
        out.event(Event::Interface(Interface {
            index: 0,
            at: 0,
            link_type,
            snaplen,
            resolution: Resolution::new(if kind.nanoseconds { 9 } else { 6 }, 0),
            fcs_len,
            ..Interface::default()
        }));
        let record_header = if kind.modified { 24 } else { 16 };
        let unit_ns = if kind.nanoseconds { 1 } else { 1000 };
        Self { kind, record_header, order, snaplen, limit, unit_ns, told_over: false, first_ns: None, last_ns: None }
    }

    /// Reads the records of `buf`, whose first byte is at offset `base`, from position `from` on.
    /// Gives the position it stopped at.
    pub(crate) fn run(&mut self, buf: &[u8], base: u64, from: usize, out: &mut Out) -> (usize, Halt) {
        if self.kind.big_endian {
            self.records::<true>(buf, base, from, out)
        } else {
            self.records::<false>(buf, base, from, out)
        }
    }

    fn records<const BIG: bool>(&mut self, buf: &[u8], base: u64, from: usize, out: &mut Out) -> (usize, Halt) {
        let mut pos = from;
        let header = self.record_header;
        let over = if self.snaplen == 0 { u32::MAX } else { self.snaplen };
        let marks = out.marks;
        loop {
            let Some(&[s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3]) = take::<16>(buf, pos) else {
                return (pos, Halt::Need(header as u64));
            };
            let (mut cap_len, mut wire_len) = (u32_in::<BIG>([c0, c1, c2, c3]), u32_in::<BIG>([w0, w1, w2, w3]));
            if self.order != Order::Right && (self.order == Order::Swapped || cap_len > wire_len) {
                (cap_len, wire_len) = (wire_len, cap_len);
            }
            if cap_len > self.limit {
                return (pos, self.too_long(base.saturating_add(pos as u64), cap_len));
            }
            // All of these are below 2^29: positions in a block.
            let start = pos.saturating_add(header);
            let end = start.saturating_add(cap_len as usize);
            if end > buf.len() {
                return (pos, Halt::Need(end.saturating_sub(pos) as u64));
            }
            // 2^32 seconds are below 2^63 nanoseconds, fractions add less than 2^42.
            let seconds = i64::from(u32_in::<BIG>([s0, s1, s2, s3]));
            let fraction = i64::from(u32_in::<BIG>([f0, f1, f2, f3]));
            let time_ns = seconds.wrapping_mul(SECOND).wrapping_add(fraction.wrapping_mul(self.unit_ns));
            let mut item = Item {
                at: base.saturating_add(start as u64),
                time_ns,
                start: u32::try_from(start).unwrap_or(u32::MAX),
                cap_len,
                wire_len,
                interface: 0,
                flags: 0,
                marks,
            };
            if cap_len > over {
                self.over_snaplen(&mut item, out);
            }
            out.items.push(item);
            self.last_ns = Some(time_ns);
            if self.first_ns.is_none() {
                self.first_ns = Some(time_ns);
            }
            pos = end;
        }
    }

    #[cold]
    fn over_snaplen(&mut self, item: &mut Item, out: &mut Out) {
        item.marks |= mark::OVER_SNAPLEN;
        if !self.told_over {
            self.told_over = true;
            out.event(Event::Note(Note {
                at: item.at,
                what: format!("a packet of {} bytes is longer than the snapshot length of {}", item.cap_len, self.snaplen).into(),
                why: "The file header promises shorter packets; the record is whole, so it is kept. Told once.".into(),
                what_to_do: "".into(),
            }));
        }
    }

    #[cold]
    fn too_long(&self, at: u64, cap_len: u32) -> Halt {
        damaged(
            DamageKind::Length,
            at,
            format!("a packet record claims {cap_len} captured bytes"),
            format!(
                "No packet of this link type is longer than {} bytes: this is not a record header, or it was overwritten.",
                self.limit
            ),
            Resume::Search,
        )
    }

    /// The record at the very end, of which only `have` is there: may its length be wrong, rather than the file be cut?
    pub(crate) fn doubt_cut(&self, have: &[u8]) -> bool {
        have.len() >= 16 && !self.header_here(have)
    }

    fn lengths(&self, header: &[u8]) -> Option<(u32, u32, i64, u32)> {
        let h = take::<16>(header, 0)?;
        Some(if self.kind.big_endian { self.fields::<true>(h) } else { self.fields::<false>(h) })
    }

    fn fields<const BIG: bool>(&self, h: &[u8; 16]) -> (u32, u32, i64, u32) {
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = *h;
        let (mut cap_len, mut wire_len) = (u32_in::<BIG>([c0, c1, c2, c3]), u32_in::<BIG>([w0, w1, w2, w3]));
        if self.order == Order::Swapped || (self.order == Order::Maybe && cap_len > wire_len) {
            (cap_len, wire_len) = (wire_len, cap_len);
        }
        let seconds = i64::from(u32_in::<BIG>([s0, s1, s2, s3]));
        (cap_len, wire_len, seconds, u32_in::<BIG>([f0, f1, f2, f3]))
    }

    /// Could a record header stand here? Stricter than reading: used only to find one in unknown bytes.
    pub(crate) fn header_here(&self, bytes: &[u8]) -> bool {
        const DAY: i64 = 86_400;
        let Some((cap_len, wire_len, seconds, fraction)) = self.lengths(bytes) else { return false };
        let longest = if self.snaplen == 0 { self.limit } else { self.snaplen.min(self.limit) };
        let fractions = if self.kind.nanoseconds { 1_000_000_000 } else { 1_000_000 };
        // The last packet's header may itself have been damaged bytes; the first one's was not.
        let within = |of: Option<i64>, days: i64| {
            let apart = of.map(|ns| seconds.saturating_sub(ns.div_euclid(SECOND)));
            apart.is_some_and(|apart| (-DAY..=days.saturating_mul(DAY)).contains(&apart))
        };
        let near = self.first_ns.is_none() || within(self.last_ns, 30) || within(self.first_ns, 400);
        near && fraction < fractions && cap_len > 0 && cap_len <= longest && wire_len >= cap_len && wire_len <= LONGEST
    }

    /// Does a run of records begin at `at`? Five headers in a row, or records that fill the file exactly to its end.
    pub(crate) fn run_here(&self, at: u64, peer: &mut impl Peer) -> Likely {
        let mut next = at;
        for count in 0.. {
            if count == 5 || (count > 0 && peer.end() == Some(next)) {
                return Likely::Yes;
            }
            match peer.look::<16>(next) {
                Look::Bytes(h) if self.header_here(&h) => {
                    let cap_len = self.lengths(&h).map_or(0, |(cap_len, ..)| cap_len);
                    next = next.saturating_add(self.record_header as u64).saturating_add(cap_len.into());
                }
                Look::Later => return Likely::Later,
                // The last record may be cut; three whole ones before it are enough.
                Look::End if count >= 3 => return Likely::Yes,
                _ => return Likely::No,
            }
        }
        Likely::No
    }
}
