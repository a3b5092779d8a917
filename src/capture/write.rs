//! Writing captures: pcap in all its variants, and pcapng with every block this crate reads.
//!
//! Used by exports, by the makers of sample captures, and by tests.

use std::io::{self, Write};

use crate::event::Address;
use crate::pcapng::kind;
use crate::sniff::PcapKind;
use crate::time::{Resolution, SECOND};

/// Writes a classic pcap file.
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
    kind: PcapKind,
}

fn too_long(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{what} is too long to be written"))
}

/// Numbers in a byte order.
#[derive(Debug, Clone, Copy)]
struct Order {
    big: bool,
}

impl Order {
    fn u16(self, v: u16) -> [u8; 2] {
        if self.big { v.to_be_bytes() } else { v.to_le_bytes() }
    }

    fn u32(self, v: u32) -> [u8; 4] {
        if self.big { v.to_be_bytes() } else { v.to_le_bytes() }
    }

    fn u64(self, v: u64) -> [u8; 8] {
        if self.big { v.to_be_bytes() } else { v.to_le_bytes() }
    }

    fn time(self, v: u64) -> [u8; 8] {
        // The high half comes first in both byte orders.
        if self.big { v.to_be_bytes() } else { v.rotate_left(32).to_le_bytes() }
    }
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header. `snaplen` in bytes; `link_type` as in the LINKTYPE_ registry.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, kind: PcapKind, link_type: u32, snaplen: u32) -> io::Result<Self> {
        let o = Order { big: kind.big_endian };
        let magic = match (kind.modified, kind.nanoseconds) {
            (true, _) => 0xa1b2_cd34,
            (false, true) => 0xa1b2_3c4d,
            (false, false) => 0xa1b2_c3d4,
        };
        let header = [&o.u32(magic)[..], &o.u16(2), &o.u16(4), &o.u32(0), &o.u32(0), &o.u32(snaplen), &o.u32(link_type)].concat();
        out.write_all(&header)?;
        Ok(Self { out, kind })
    }

    /// Writes a packet of `wire_len` bytes of which `data` was captured, at `time_ns` since 1970 (times before are
    /// written as 1970, as the format has no sign).
    ///
    /// # Errors
    /// `InvalidInput` for more than 4 GiB of data, and those of the output.
    pub fn packet(&mut self, time_ns: i64, wire_len: u32, data: &[u8]) -> io::Result<()> {
        let o = Order { big: self.kind.big_endian };
        let time = time_ns.max(0);
        let seconds = u32::try_from(time.div_euclid(SECOND)).unwrap_or(u32::MAX);
        let unit = if self.kind.nanoseconds { 1 } else { 1000 };
        let fraction = u32::try_from(time.rem_euclid(SECOND).div_euclid(unit)).unwrap_or(0);
        let cap_len = u32::try_from(data.len()).map_err(|_| too_long("a packet"))?;
        for number in [seconds, fraction, cap_len, wire_len] {
            self.out.write_all(&o.u32(number))?;
        }
        if self.kind.modified {
            self.out.write_all(&[0; 8])?;
        }
        self.out.write_all(data)
    }

    /// The output, all packets written.
    ///
    /// # Errors
    /// Those of flushing it.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// What a section header block says; everything is optional.
#[derive(Debug, Clone, Default)]
pub struct SectionSpec<'a> {
    /// Write its numbers big-endian.
    pub big_endian: bool,
    /// `shb_hardware`.
    pub hardware: Option<&'a str>,
    /// `shb_os`.
    pub os: Option<&'a str>,
    /// `shb_userappl`.
    pub application: Option<&'a str>,
    /// A comment.
    pub comment: Option<&'a str>,
}

/// What an interface description block says.
#[derive(Debug, Clone, Default)]
pub struct InterfaceSpec<'a> {
    /// Link type, as in the LINKTYPE_ registry.
    pub link_type: u16,
    /// Snapshot length in bytes, 0 for none.
    pub snaplen: u32,
    /// Unit and origin of its timestamps.
    pub resolution: Resolution,
    /// `if_name`.
    pub name: Option<&'a str>,
    /// `if_description`.
    pub description: Option<&'a str>,
    /// Further options as (code, value).
    pub options: &'a [(u16, &'a [u8])],
}

/// A packet to be written.
#[derive(Debug, Clone, Default)]
pub struct PacketSpec<'a> {
    /// Interface within the section, from 0.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    /// Length on the wire in bytes.
    pub wire_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
    /// `epb_flags`; 0 is not written.
    pub flags: u32,
    /// `epb_dropcount`; 0 is not written.
    pub dropped: u64,
    /// Comments.
    pub comments: &'a [&'a str],
}

/// Counters of an interface statistics block; `None` is not written.
#[derive(Debug, Clone, Default)]
pub struct StatisticsSpec {
    /// Interface within the section, from 0.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    /// `isb_ifrecv`.
    pub received: Option<u64>,
    /// `isb_ifdrop`.
    pub dropped: Option<u64>,
    /// `isb_osdrop`.
    pub os_dropped: Option<u64>,
}

/// Writes a pcapng file. Blocks go out as they are given: interfaces before their packets, secrets before the packets
/// that need them.
#[derive(Debug)]
pub struct PcapngWriter<W> {
    out: W,
    order: Order,
    interfaces: Vec<Resolution>,
    block: Vec<u8>,
    /// The block has options.
    options: bool,
}

impl<W: Write> PcapngWriter<W> {
    /// Begins a file with its first section.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(out: W, section: &SectionSpec<'_>) -> io::Result<Self> {
        let mut w = Self { out, order: Order { big: false }, interfaces: Vec::new(), block: Vec::new(), options: false };
        w.section(section)?;
        Ok(w)
    }

    /// Begins another section: interfaces are counted from 0 again.
    ///
    /// # Errors
    /// Those of the output.
    pub fn section(&mut self, s: &SectionSpec<'_>) -> io::Result<()> {
        self.order = Order { big: s.big_endian };
        self.interfaces.clear();
        let o = self.order;
        self.begin();
        self.put(&o.u32(0x1a2b_3c4d));
        self.put(&o.u16(1));
        self.put(&o.u16(0));
        // Section length unknown.
        self.put(&[0xff; 8]);
        let texts = [(1, s.comment), (2, s.hardware), (3, s.os), (4, s.application)];
        for (code, text) in texts {
            self.text(code, text)?;
        }
        self.end_options();
        self.end(kind::SECTION)
    }

    /// Describes the section's next interface and gives its number.
    ///
    /// # Errors
    /// Those of the output.
    pub fn interface(&mut self, i: &InterfaceSpec<'_>) -> io::Result<u32> {
        let o = self.order;
        self.begin();
        self.put(&o.u16(i.link_type));
        self.put(&[0; 2]);
        self.put(&o.u32(i.snaplen));
        self.text(2, i.name)?;
        self.text(3, i.description)?;
        if i.resolution.code() != 6 {
            self.option(9, &[i.resolution.code()])?;
        }
        if i.resolution.offset_s() != 0 {
            self.option(14, &o.u64(i.resolution.offset_s().cast_unsigned()))?;
        }
        for (code, value) in i.options {
            self.option(*code, value)?;
        }
        self.end_options();
        self.end(kind::INTERFACE)?;
        self.interfaces.push(i.resolution);
        u32::try_from(self.interfaces.len()).map(|n| n.saturating_sub(1)).map_err(|_| too_long("the interface list"))
    }

    fn units(&self, interface: u32, time_ns: i64) -> u64 {
        let resolution = usize::try_from(interface).ok().and_then(|i| self.interfaces.get(i)).copied();
        resolution.unwrap_or_default().from_ns(time_ns)
    }

    /// Writes an enhanced packet block.
    ///
    /// # Errors
    /// `InvalidInput` for data or comments too long for the format, and those of the output.
    pub fn packet(&mut self, p: &PacketSpec<'_>) -> io::Result<()> {
        let (o, units) = (self.order, self.units(p.interface, p.time_ns));
        let cap_len = u32::try_from(p.data.len()).map_err(|_| too_long("a packet"))?;
        self.begin();
        self.put(&o.u32(p.interface));
        self.put(&o.time(units));
        self.put(&o.u32(cap_len));
        self.put(&o.u32(p.wire_len));
        self.put(p.data);
        self.pad();
        for comment in p.comments {
            self.text(1, Some(comment))?;
        }
        if p.flags != 0 {
            self.option(2, &o.u32(p.flags))?;
        }
        if p.dropped != 0 {
            self.option(4, &o.u64(p.dropped))?;
        }
        self.end_options();
        self.end(kind::ENHANCED)
    }

    /// Writes a simple packet block: no time, interface 0, `data` cut to its snapshot length by the caller.
    ///
    /// # Errors
    /// Those of the output.
    pub fn simple(&mut self, wire_len: u32, data: &[u8]) -> io::Result<()> {
        self.begin();
        let wire_len = self.order.u32(wire_len);
        self.put(&wire_len);
        self.put(data);
        self.pad();
        self.end(kind::SIMPLE)
    }

    /// Writes a packet block of the obsolete kind (type 2), for tests of old files. `dropped` is 16 bits wide there.
    ///
    /// # Errors
    /// `InvalidInput` for numbers too large for the format, and those of the output.
    pub fn obsolete(&mut self, p: &PacketSpec<'_>) -> io::Result<()> {
        let (o, units) = (self.order, self.units(p.interface, p.time_ns));
        let cap_len = u32::try_from(p.data.len()).map_err(|_| too_long("a packet"))?;
        self.begin();
        self.put(&o.u16(u16::try_from(p.interface).map_err(|_| too_long("the interface number"))?));
        self.put(&o.u16(u16::try_from(p.dropped).map_err(|_| too_long("the drop count"))?));
        self.put(&o.time(units));
        self.put(&o.u32(cap_len));
        self.put(&o.u32(p.wire_len));
        self.put(p.data);
        self.pad();
        for comment in p.comments {
            self.text(1, Some(comment))?;
        }
        self.end_options();
        self.end(kind::PACKET)
    }

    /// Writes a name resolution block.
    ///
    /// # Errors
    /// `InvalidInput` for names too long for the format, and those of the output.
    pub fn names(&mut self, records: &[(Address, &[&str])]) -> io::Result<()> {
        self.begin();
        for (address, names) in records {
            let (code, mut value) = match address {
                Address::V4(a) => (1, a.octets().to_vec()),
                Address::V6(a) => (2, a.octets().to_vec()),
                Address::Eui48(a) => (3, a.to_vec()),
                Address::Eui64(a) => (4, a.to_vec()),
            };
            for name in *names {
                value.extend_from_slice(name.as_bytes());
                value.push(0);
            }
            self.option(code, &value)?;
        }
        self.put(&[0; 4]);
        self.end(kind::NAMES)
    }

    /// Writes an interface statistics block.
    ///
    /// # Errors
    /// Those of the output.
    pub fn statistics(&mut self, s: &StatisticsSpec) -> io::Result<()> {
        let (o, units) = (self.order, self.units(s.interface, s.time_ns));
        self.begin();
        self.put(&o.u32(s.interface));
        self.put(&o.time(units));
        for (code, count) in [(4, s.received), (5, s.dropped), (7, s.os_dropped)] {
            if let Some(count) = count {
                self.option(code, &o.u64(count))?;
            }
        }
        self.end_options();
        self.end(kind::STATISTICS)
    }

    /// Writes a decryption secrets block of a kind of [`crate::secrets`].
    ///
    /// # Errors
    /// `InvalidInput` for more than 4 GiB of secrets, and those of the output.
    pub fn secrets(&mut self, secrets_kind: u32, data: &[u8]) -> io::Result<()> {
        let len = u32::try_from(data.len()).map_err(|_| too_long("the key log"))?;
        self.begin();
        self.put(&self.order.u32(secrets_kind));
        self.put(&self.order.u32(len));
        self.put(data);
        self.pad();
        self.end(kind::SECRETS)
    }

    /// Writes a custom block of a private enterprise number. `copyable`: may it stay when packets are changed?
    ///
    /// # Errors
    /// Those of the output.
    pub fn custom(&mut self, enterprise: u32, copyable: bool, data: &[u8]) -> io::Result<()> {
        self.begin();
        self.put(&self.order.u32(enterprise));
        self.put(data);
        self.pad();
        self.end(if copyable { kind::CUSTOM } else { kind::CUSTOM_FIXED })
    }

    /// Writes a block of any type around `body`, which is padded to 32 bits.
    ///
    /// # Errors
    /// Those of the output.
    pub fn block(&mut self, block_type: u32, body: &[u8]) -> io::Result<()> {
        self.begin();
        self.put(body);
        self.pad();
        self.end(block_type)
    }

    /// Copies a block as it was read, frame included, from a section of the same byte order.
    ///
    /// # Errors
    /// Those of the output.
    pub fn copy(&mut self, whole_block: &[u8]) -> io::Result<()> {
        self.out.write_all(whole_block)
    }

    /// The output, all blocks written.
    ///
    /// # Errors
    /// Those of flushing it.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    /// The output, to flush it or ask for its position.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    fn begin(&mut self) {
        self.block.clear();
        self.options = false;
    }

    fn put(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }

    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn text(&mut self, code: u16, text: Option<&str>) -> io::Result<()> {
        text.map_or(Ok(()), |text| self.option(code, text.as_bytes()))
    }

    fn option(&mut self, code: u16, value: &[u8]) -> io::Result<()> {
        let len = u16::try_from(value.len()).map_err(|_| too_long("an option"))?;
        self.put(&self.order.u16(code));
        self.put(&self.order.u16(len));
        self.put(value);
        self.pad();
        self.options = true;
        Ok(())
    }

    /// Ends the list of options, if there is one.
    fn end_options(&mut self) {
        if self.options {
            self.put(&[0; 4]);
        }
    }

    fn end(&mut self, block_type: u32) -> io::Result<()> {
        let o = self.order;
        let len = u32::try_from(self.block.len().saturating_add(12)).map_err(|_| too_long("a block"))?;
        self.out.write_all(&o.u32(block_type))?;
        self.out.write_all(&o.u32(len))?;
        self.out.write_all(&self.block)?;
        self.out.write_all(&o.u32(len))
    }
}
