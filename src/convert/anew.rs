//! Captures written anew, packet by packet, where one of the two formats is a classic pcap.

use super::Told;
use super::chosen::Chosen;
use super::keys::Keys;
use crate::dump::args::Format;
use crate::redact::Redaction;
use std::io::{self, Write};
use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapWriter, PcapngWriter, SectionSpec};
use wirelore_capture::{Batch, Event, Interface, Item, PcapKind, Resolution};

/// Bytes of a packet at most, as tcpdump and Wireshark say of their own.
const SNAPLEN: u32 = 0x4_0000;

enum Writer<W: Write> {
    /// No interface is known yet.
    Waiting(W),
    Pcap(PcapWriter<W>, u32),
    Pcapng(PcapngWriter<W>),
    Gone,
}

/// Writes a capture anew.
pub(super) struct Anew<'a, W: Write> {
    writer: Writer<W>,
    /// The format that was asked for; `None`: a pcap, as fine as the times of its interfaces.
    format: Option<Format>,
    /// Times of an interface say more than microseconds.
    fine: bool,
    chosen: &'a Chosen,
    keys: &'a mut Keys,
    redaction: Option<&'a mut Redaction>,
    /// The link type of every interface as a pcap header has it, with the length of the frame check sequence.
    links: Vec<u32>,
    pub(super) told: Told,
}

/// A pcap header's link type: the length of the frame check sequence stands in its upper bits, in units of 16 bits.
fn link(i: &Interface) -> u32 {
    let fcs = i.fcs_len.map_or(0, |len| (u32::from(len / 2) & 0xf) << 28 | 1 << 26);
    i.link_type | fcs
}

fn number(item: &Item) -> usize {
    usize::try_from(item.interface).unwrap_or(usize::MAX)
}

impl<'a, W: Write> Anew<'a, W> {
    pub(super) fn new(
        out: W,
        format: Option<Format>,
        chosen: &'a Chosen,
        keys: &'a mut Keys,
        redaction: Option<&'a mut Redaction>,
    ) -> Self {
        Anew {
            writer: Writer::Waiting(out),
            format,
            fine: false,
            chosen,
            keys,
            redaction,
            links: Vec::new(),
            told: Told::default(),
        }
    }

    /// Takes over what a pcap or pcapng has room for.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Interface(i) => self.interface(i),
            Event::Secrets(s) => {
                self.keys.extracted(s.kind, &s.data)?;
                self.told.lost += 1;
                Ok(())
            }
            Event::Names(_) | Event::Comment(_) | Event::Statistics(_) | Event::Other(_) => {
                self.told.lost += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn interface(&mut self, i: &Interface) -> io::Result<()> {
        self.links.push(link(i));
        self.fine |= is_fine(i.resolution);
        if self.format != Some(Format::Pcapng) {
            return Ok(());
        }
        if let Writer::Waiting(_) = self.writer {
            self.open(0)?;
        }
        let Writer::Pcapng(w) = &mut self.writer else { return Ok(()) };
        let fcs = i.fcs_len.map(|len| [len]);
        let options: Vec<(u16, &[u8])> = fcs.iter().map(|len| (13, &len[..])).collect();
        let link_type = u16::try_from(i.link_type)
            .map_err(|_| io::Error::other(format!("link type {} is more than a pcapng can say; write a pcap", i.link_type)))?;
        w.interface(&InterfaceSpec {
            link_type,
            snaplen: i.snaplen,
            resolution: i.resolution,
            options: &options,
            ..InterfaceSpec::default()
        })?;
        Ok(())
    }

    fn open(&mut self, link: u32) -> io::Result<()> {
        let Writer::Waiting(out) = std::mem::replace(&mut self.writer, Writer::Gone) else { return Ok(()) };
        self.writer = if self.format == Some(Format::Pcapng) {
            let section =
                SectionSpec { application: Some(concat!("wirelore ", env!("CARGO_PKG_VERSION"))), ..SectionSpec::default() };
            let mut w = PcapngWriter::new(out, &section)?;
            if let Some(log) = self.keys.injected() {
                w.secrets(wirelore_capture::secrets::TLS_KEY_LOG, &log)?;
            }
            Writer::Pcapng(w)
        } else {
            let nanoseconds = self.format.map_or(self.fine, |f| f == Format::Nsecpcap);
            let kind = PcapKind { big_endian: false, nanoseconds, modified: false };
            Writer::Pcap(PcapWriter::new(out, kind, link, SNAPLEN)?, link)
        };
        Ok(())
    }

    /// Writes the wanted packets of a batch.
    pub(super) fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        for (n, item) in (batch.first..).zip(batch.items.iter()) {
            self.told.packets += 1;
            if !self.chosen.has(n) {
                continue;
            }
            let link = self.links.get(number(item)).copied().unwrap_or_default();
            if let Writer::Waiting(_) = self.writer {
                self.open(link)?;
            }
            let (time_ns, data) = (item.time_ns.max(0), batch.data(item));
            let mut redacted = Vec::new();
            let data = match &mut self.redaction {
                Some(redaction) => {
                    redacted.extend_from_slice(data);
                    redaction.packet(n, &mut redacted);
                    &redacted
                }
                None => data,
            };
            match &mut self.writer {
                Writer::Pcap(_, first) if *first != link => {
                    return Err(io::Error::other(format!(
                        "packet {} has link type {}, those before it {}, and a pcap holds one only. Write a pcapng, or choose packets of one with -Y",
                        n.saturating_add(1),
                        link & 0xffff,
                        *first & 0xffff
                    )));
                }
                Writer::Pcap(w, _) => w.packet(time_ns, item.wire_len, data)?,
                Writer::Pcapng(w) => w.packet(&PacketSpec {
                    interface: item.interface,
                    time_ns,
                    wire_len: item.wire_len,
                    data,
                    flags: item.flags,
                    ..PacketSpec::default()
                })?,
                Writer::Waiting(_) | Writer::Gone => {}
            }
            self.told.kept += 1;
        }
        Ok(())
    }

    /// What was written goes out to whoever waits for it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Writer::Pcapng(w) => w.get_mut().flush(),
            // Small pieces of a pcap are flushed at its end; a reader of one waits for whole blocks anyhow.
            _ => Ok(()),
        }
    }

    /// All was written; an empty capture is one, too.
    pub(super) fn finish(mut self) -> io::Result<(W, Told)> {
        if let Writer::Waiting(_) = self.writer {
            self.open(self.links.first().copied().unwrap_or(1))?;
        }
        let out = match self.writer {
            Writer::Pcap(w, _) => w.finish()?,
            Writer::Pcapng(w) => w.finish()?,
            Writer::Waiting(_) | Writer::Gone => return Err(io::Error::other("the output could not be opened")),
        };
        Ok((out, self.told))
    }
}

/// Whether times of an interface say more than microseconds.
fn is_fine(r: Resolution) -> bool {
    r.code() & 0x7f > if r.code() & 0x80 == 0 { 6 } else { 19 }
}
