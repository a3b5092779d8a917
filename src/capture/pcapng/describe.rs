//! The pcapng blocks that describe: section header, interface, names, statistics, secrets.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::options::{self, COMMENT, Options};
use crate::event::{Address, Interface, Names, Secrets, Section, Statistics};
use crate::grammar::{take, u16_in, u32_in};
use crate::origin;
use crate::time::Resolution;

/// Numbers in the byte order of a section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub big: bool,
}

impl Numbers {
    pub(crate) fn u16(self, buf: &[u8], at: usize) -> Option<u16> {
        let b = *take::<2>(buf, at)?;
        Some(if self.big { u16_in::<true>(b) } else { u16_in::<false>(b) })
    }

    pub(crate) fn u32(self, buf: &[u8], at: usize) -> Option<u32> {
        let b = *take::<4>(buf, at)?;
        Some(if self.big { u32_in::<true>(b) } else { u32_in::<false>(b) })
    }

    pub(crate) fn u64(self, buf: &[u8], at: usize) -> Option<u64> {
        let b = *take::<8>(buf, at)?;
        Some(if self.big { u64::from_be_bytes(b) } else { u64::from_le_bytes(b) })
    }

    /// A time as two 32-bit halves, the high one first in both byte orders.
    pub(crate) fn time(self, buf: &[u8], at: usize) -> Option<u64> {
        let high = self.u32(buf, at)?;
        let low = self.u32(buf, at.saturating_add(4))?;
        Some(u64::from(high) << 32 | u64::from(low))
    }
}

/// A section header block; `block` begins at its type.
pub(crate) fn section(block: &[u8], at: u64, n: Numbers) -> Section {
    let version = (n.u16(block, 12).unwrap_or(0), n.u16(block, 14).unwrap_or(0));
    let mut s = Section { at, big_endian: n.big, version, ..Section::default() };
    for option in Options::new(body(block, 24), n.big) {
        match option.0 {
            COMMENT => s.comments.push(options::text(option.1)),
            2 => s.hardware = Some(options::text(option.1)),
            3 => s.os = Some(options::text(option.1)),
            4 => s.application = Some(options::text(option.1)),
            _ => {}
        }
        s.options.push(options::raw(option));
    }
    s
}

/// An interface description block.
pub(crate) fn interface(block: &[u8], at: u64, index: u32, n: Numbers) -> Interface {
    let mut i = Interface {
        index,
        at,
        link_type: n.u16(block, 8).unwrap_or(0).into(),
        snaplen: n.u32(block, 12).unwrap_or(0),
        ..Interface::default()
    };
    let (mut code, mut offset) = (6, 0);
    for option in Options::new(body(block, 16), n.big) {
        match option {
            (COMMENT, v) => i.comments.push(options::text(v)),
            (2, v) => i.name = Some(options::text(v)),
            (3, v) => i.description = Some(options::text(v)),
            (9, [c, ..]) => code = *c,
            // The first byte tells the kind: 0 is a filter in libpcap's words, 1 is BPF code.
            (11, [0, v @ ..]) => i.filter = Some(options::text(v)),
            (12, v) => i.os = Some(options::text(v)),
            (13, [len, ..]) => i.fcs_len = Some(*len),
            (14, v) => offset = n.u64(v, 0).unwrap_or(0).cast_signed(),
            (15, v) => i.hardware = Some(options::text(v)),
            _ => {}
        }
        i.options.push(options::raw(option));
    }
    i.resolution = Resolution::new(code, offset);
    i.marks = origin::marks(&i.options, n.big);
    i
}

/// A name resolution block: records until `nrb_record_end`, then options.
pub(crate) fn names(block: &[u8], at: u64, n: Numbers) -> Names {
    let records = Options::records(body(block, 8), n.big).filter_map(|(kind, v)| {
        let (address, names) = match kind {
            1 => (Address::V4(Ipv4Addr::from(*take::<4>(v, 0)?)), v.get(4..)?),
            2 => (Address::V6(Ipv6Addr::from(*take::<16>(v, 0)?)), v.get(16..)?),
            3 => (Address::Eui48(*take::<6>(v, 0)?), v.get(6..)?),
            4 => (Address::Eui64(*take::<8>(v, 0)?), v.get(8..)?),
            _ => return None,
        };
        Some((address, names.split(|b| *b == 0).filter(|name| !name.is_empty()).map(options::text).collect()))
    });
    Names { at, records: records.collect() }
}

/// An interface statistics block. `resolution` gives that of an interface of this section.
pub(crate) fn statistics(
    block: &[u8],
    at: u64,
    n: Numbers,
    find: impl Fn(u32) -> Option<(u32, Resolution)>,
) -> Option<Statistics> {
    let (interface, resolution) = find(n.u32(block, 8)?)?;
    let mut s = Statistics { at, interface, time_ns: resolution.to_ns(n.time(block, 12)?), ..Statistics::default() };
    for (code, v) in Options::new(body(block, 20), n.big) {
        let time = || n.time(v, 0).map(|t| resolution.to_ns(t));
        match code {
            2 => s.start_ns = time(),
            3 => s.end_ns = time(),
            4 => s.received = n.u64(v, 0),
            5 => s.dropped = n.u64(v, 0),
            6 => s.accepted = n.u64(v, 0),
            7 => s.os_dropped = n.u64(v, 0),
            8 => s.delivered = n.u64(v, 0),
            _ => {}
        }
    }
    Some(s)
}

/// A decryption secrets block. `None`: its length field overruns the block.
pub(crate) fn secrets(block: &[u8], at: u64, n: Numbers) -> Option<Secrets> {
    let kind = n.u32(block, 8)?;
    let len = usize::try_from(n.u32(block, 12)?).ok()?;
    let data = body(block, 16).get(..len)?;
    Some(Secrets { at, kind, data: Bytes::copy_from_slice(data) })
}

/// The bytes of a block from `start` to the length that ends it.
pub(crate) fn body(block: &[u8], start: usize) -> &[u8] {
    block.get(start..block.len().saturating_sub(4)).unwrap_or_default()
}
