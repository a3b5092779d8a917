//! A capture as it comes over a pipe or a connection, cut into whole blocks of pcapng that can be written down at once.
//!
//! Unlike a [`crate::Source`] this reads nothing twice and keeps nothing: what stands at the end of a file that was written from its pieces
//! is whole whenever the sender dies. A classic pcap is turned into pcapng on its way.

use crate::event::Statistics;
use crate::pcapng::{describe, kind};
use crate::sniff::{self, Format, PcapKind};
use crate::time::Resolution;
use crate::write::{InterfaceSpec, PacketSpec, PcapngWriter, SectionSpec};

/// Longest block that is believed, bytes.
const LONGEST: usize = 160 << 20;

/// What a block is, as far as its writer cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A section begins: interfaces are counted from 0 again.
    Section,
    /// An interface of the section.
    Interface,
    /// A packet of an interface of the section.
    Packet {
        /// Its interface.
        interface: u32,
    },
    /// What an interface of the section counted.
    Statistics(Statistics),
    /// Anything else.
    Other,
}

/// Why nothing more can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It does not begin as a capture does.
    #[error("what comes is no capture: it begins with {0}")]
    NoCapture(String),
    /// A length that cannot be.
    #[error("at byte {at}, a block says that it is {len} bytes long, which cannot be")]
    Length {
        /// Where in what came, bytes.
        at: u64,
        /// What it says.
        len: u64,
    },
}

#[derive(Debug)]
enum Grammar {
    Unknown,
    Pcapng { big: bool },
    Pcap(Converter),
}

/// Bytes go in as they come, whole blocks go out.
#[derive(Debug)]
pub struct Intake {
    held: Vec<u8>,
    /// What of `held` was handed out.
    used: usize,
    /// Bytes that came before those held.
    before: u64,
    grammar: Grammar,
}

impl Default for Intake {
    fn default() -> Intake {
        Intake { held: Vec::new(), used: 0, before: 0, grammar: Grammar::Unknown }
    }
}

impl Intake {
    /// More bytes came.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.before = self.before.saturating_add(self.used as u64);
            self.held.drain(..self.used);
            self.used = 0;
        }
        self.held.extend_from_slice(bytes);
    }

    /// Bytes that came and are not a whole block yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.held.len().saturating_sub(self.used)
    }

    /// The next block, appended to `out`; `None` until more bytes come.
    ///
    /// # Errors
    /// What comes is no capture, or is damaged. Everything before that was handed out.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Piece>, Broken> {
        let rest = self.held.get(self.used..).unwrap_or_default();
        let at = self.before.saturating_add(self.used as u64);
        if matches!(self.grammar, Grammar::Unknown) && !begin(rest, &mut self.grammar)? {
            return Ok(None);
        }
        let (took, piece) = match &mut self.grammar {
            Grammar::Pcapng { big } => match pcapng(rest, big, at)? {
                Some((block, piece)) => {
                    out.extend_from_slice(block);
                    (block.len(), piece)
                }
                None => return Ok(None),
            },
            Grammar::Pcap(converter) => match converter.next(rest, at, out)? {
                Some(took_and_piece) => took_and_piece,
                None => return Ok(None),
            },
            Grammar::Unknown => return Ok(None),
        };
        self.used = self.used.saturating_add(took);
        Ok(Some(piece))
    }
}

/// Tells the format by the first bytes; false until there are enough.
fn begin(head: &[u8], grammar: &mut Grammar) -> Result<bool, Broken> {
    match sniff::format(head) {
        Some(Format::Pcapng) => *grammar = Grammar::Pcapng { big: false },
        Some(Format::Pcap(kind)) => *grammar = Grammar::Pcap(Converter { kind, described: false, writer: None }),
        None if head.len() < 12 => return Ok(false),
        None => {
            let start: Vec<String> = head.iter().take(16).map(|b| format!("{b:02x}")).collect();
            let text: String = head.iter().take(16).map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '.' }).collect();
            return Err(Broken::NoCapture(format!("{} ({text})", start.join(" "))));
        }
    }
    Ok(true)
}

/// The block at the start of `rest`, if it is whole.
fn pcapng<'b>(rest: &'b [u8], big: &mut bool, at: u64) -> Result<Option<(&'b [u8], Piece)>, Broken> {
    let Some(head) = rest.first_chunk::<12>() else { return Ok(None) };
    let n = describe::Numbers { big: *big };
    let mut block_kind = n.u32(head, 0).unwrap_or(0);
    if head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        *big = head.ends_with(&[0x1a, 0x2b, 0x3c, 0x4d]);
        block_kind = kind::SECTION;
    }
    let n = describe::Numbers { big: *big };
    let len = n.u32(head, 4).unwrap_or(0);
    if len < 12 || !len.is_multiple_of(4) || len as usize > LONGEST {
        return Err(Broken::Length { at, len: len.into() });
    }
    let Some(block) = rest.get(..len as usize) else { return Ok(None) };
    let piece = match block_kind {
        kind::SECTION => Piece::Section,
        kind::INTERFACE => Piece::Interface,
        kind::ENHANCED => Piece::Packet { interface: n.u32(block, 8).unwrap_or(0) },
        kind::PACKET => Piece::Packet { interface: n.u16(block, 8).unwrap_or(0).into() },
        kind::SIMPLE => Piece::Packet { interface: 0 },
        // Only the counters are wanted: times may be in any unit.
        kind::STATISTICS => {
            describe::statistics(block, at, n, |i| Some((i, Resolution::default()))).map_or(Piece::Other, Piece::Statistics)
        }
        _ => Piece::Other,
    };
    Ok(Some((block, piece)))
}

/// Makes blocks of the records of a classic pcap.
#[derive(Debug)]
struct Converter {
    kind: PcapKind,
    /// The interface is out.
    described: bool,
    /// There as soon as the section is out.
    writer: Option<PcapngWriter<Vec<u8>>>,
}

impl Converter {
    fn next(&mut self, rest: &[u8], at: u64, out: &mut Vec<u8>) -> Result<Option<(usize, Piece)>, Broken> {
        let n = describe::Numbers { big: self.kind.big_endian };
        // Writing to memory does not fail but where a packet is longer than the bounds here allow.
        let Some(writer) = &mut self.writer else {
            let section =
                SectionSpec { application: Some(concat!("Wirelore ", env!("CARGO_PKG_VERSION"))), ..SectionSpec::default() };
            let mut writer = PcapngWriter::new(Vec::new(), &section).map_err(|_| Broken::Length { at, len: 0 })?;
            out.append(writer.get_mut());
            self.writer = Some(writer);
            return Ok(Some((0, Piece::Section)));
        };
        let took = if !self.described {
            let Some(header) = rest.get(..sniff::header_len(Format::Pcap(self.kind))) else { return Ok(None) };
            let resolution = Resolution::new(if self.kind.nanoseconds { 9 } else { 6 }, 0);
            let link_type = (n.u32(header, 20).unwrap_or(0) & 0xffff) as u16;
            let interface =
                InterfaceSpec { link_type, snaplen: n.u32(header, 16).unwrap_or(0), resolution, ..InterfaceSpec::default() };
            writer.interface(&interface).map_err(|_| Broken::Length { at, len: 0 })?;
            self.described = true;
            out.append(writer.get_mut());
            return Ok(Some((header.len(), Piece::Interface)));
        } else {
            let start: usize = if self.kind.modified { 24 } else { 16 };
            let Some(header) = rest.get(..start) else { return Ok(None) };
            let number = |at| n.u32(header, at).unwrap_or(0);
            let len = number(8) as usize;
            if len > LONGEST {
                return Err(Broken::Length { at, len: len as u64 });
            }
            let end = start.saturating_add(len);
            let Some(data) = rest.get(start..end) else { return Ok(None) };
            let unit = if self.kind.nanoseconds { 1 } else { 1000 };
            let time_ns =
                i64::from(number(0)).saturating_mul(1_000_000_000).saturating_add(i64::from(number(4)).saturating_mul(unit));
            let packet = PacketSpec { time_ns, wire_len: number(12), data, ..PacketSpec::default() };
            writer.packet(&packet).map_err(|_| Broken::Length { at, len: len as u64 })?;
            end
        };
        out.append(writer.get_mut());
        Ok(Some((took, Piece::Packet { interface: 0 })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::PcapWriter;
    use crate::{Event, Options, Source, Step};

    fn pieces(bytes: &[u8], at_once: usize) -> (Vec<Piece>, Vec<u8>) {
        let (mut intake, mut out, mut found) = (Intake::default(), Vec::new(), Vec::new());
        for chunk in bytes.chunks(at_once) {
            intake.feed(chunk);
            while let Some(piece) = intake.next(&mut out).expect("a good one") {
                found.push(piece);
            }
        }
        assert_eq!(intake.waiting(), 0);
        (found, out)
    }

    fn pcapng_with_all() -> Vec<u8> {
        let mut w = PcapngWriter::new(Vec::new(), &SectionSpec { big_endian: true, ..SectionSpec::default() }).expect("memory");
        w.interface(&InterfaceSpec { link_type: 1, ..InterfaceSpec::default() }).expect("memory");
        w.packet(&PacketSpec { data: b"one", wire_len: 3, ..PacketSpec::default() }).expect("memory");
        w.section(&SectionSpec::default()).expect("memory");
        w.interface(&InterfaceSpec { link_type: 1, ..InterfaceSpec::default() }).expect("memory");
        w.packet(&PacketSpec { data: b"three", wire_len: 5, ..PacketSpec::default() }).expect("memory");
        let counters = crate::write::StatisticsSpec { os_dropped: Some(7), ..Default::default() };
        w.statistics(&counters).expect("memory");
        w.finish().expect("memory")
    }

    #[test]
    fn blocks_are_the_same_however_the_bytes_are_cut() {
        let bytes = pcapng_with_all();
        let (whole, out) = pieces(&bytes, bytes.len());
        assert_eq!(out, bytes);
        assert_eq!(whole.len(), 7);
        assert!(matches!(whole.last(), Some(Piece::Statistics(s)) if s.os_dropped == Some(7)));
        for at_once in [1, 5, 64] {
            assert_eq!(pieces(&bytes, at_once), (whole.clone(), out.clone()));
        }
    }

    #[test]
    fn a_classic_pcap_becomes_pcapng_with_the_same_packets() {
        for (big_endian, nanoseconds) in [(false, false), (true, true)] {
            let kind = PcapKind { big_endian, nanoseconds, modified: false };
            let mut w = PcapWriter::new(Vec::new(), kind, 113, 96).expect("memory");
            w.packet(1_700_000_000_123_456_000, 5, b"hello").expect("memory");
            w.packet(1_700_000_001_000_000_000, 2000, b"cut").expect("memory");
            let bytes = w.finish().expect("memory");
            let (_, out) = pieces(&bytes, 7);
            let mut source = Source::from_bytes(out, Options::default()).expect("a capture");
            let mut seen = Vec::new();
            loop {
                match source.next().expect("memory") {
                    Step::Batch(b) => seen.extend(b.items.iter().map(|i| (i.time_ns, i.wire_len, b.data(i).to_vec()))),
                    Step::Event(Event::Interface(i)) => assert_eq!((i.link_type, i.snaplen), (113, 96)),
                    Step::Event(Event::Damage(d)) => panic!("{d:?}"),
                    Step::End => break,
                    _ => {}
                }
            }
            let hello = (1_700_000_000_123_456_000, 5, b"hello".to_vec());
            assert_eq!(seen, [hello, (1_700_000_001_000_000_000, 2000, b"cut".to_vec())]);
        }
    }

    #[test]
    fn what_is_no_capture_is_refused_and_lengths_are_not_believed() {
        let (mut intake, mut out) = (Intake::default(), Vec::new());
        intake.feed(b"tcpdump: eth9: No such device\n");
        assert!(matches!(intake.next(&mut out), Err(Broken::NoCapture(t)) if t.contains("tcpdump")));
        let mut bytes = pcapng_with_all();
        let second = u32::from_be_bytes(bytes[4..8].try_into().expect("four")) as usize;
        bytes[second + 4..second + 8].copy_from_slice(&0x7fff_fffc_u32.to_be_bytes());
        let mut intake = Intake::default();
        intake.feed(&bytes);
        assert_eq!(intake.next(&mut out), Ok(Some(Piece::Section)));
        assert!(matches!(intake.next(&mut out), Err(Broken::Length { .. })));
    }
}
