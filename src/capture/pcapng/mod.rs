//! pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each framed by its length at both ends.

pub(crate) mod describe;
pub(crate) mod options;

use bytes::Bytes;

use crate::block::{Item, NO_TIME, mark};
use crate::event::{Comment, DamageKind, Drops, Event, Note, OtherBlock};
use crate::grammar::{EVENTS_AT_ONCE, Halt, LONGEST, Likely, Look, Out, Peer, Resume, damaged, take, u32_in};
use crate::time::Resolution;
use describe::Numbers;
use options::Options;

/// Block types.
pub(crate) mod kind {
    /// Section header; reads the same in both byte orders.
    pub const SECTION: u32 = 0x0a0d_0d0a;
    pub const INTERFACE: u32 = 1;
    /// The obsolete packet block.
    pub const PACKET: u32 = 2;
    pub const SIMPLE: u32 = 3;
    pub const NAMES: u32 = 4;
    pub const STATISTICS: u32 = 5;
    pub const ENHANCED: u32 = 6;
    pub const JOURNAL: u32 = 9;
    pub const SECRETS: u32 = 10;
    pub const CUSTOM: u32 = 0xbad;
    /// A custom block that must not be copied when the capture is changed.
    pub const CUSTOM_FIXED: u32 = 0x4000_0bad;
}

/// Interfaces a section may describe: a hostile file must not fill memory with them.
const INTERFACES: usize = 1 << 16;

/// What reading packets needs to know of an interface.
#[derive(Debug, Clone, Copy)]
struct Known {
    resolution: Resolution,
    snaplen: u32,
    marks: u32,
}

/// The reader of one pcapng file.
#[derive(Debug, Default)]
pub(crate) struct Pcapng {
    big: bool,
    /// Interfaces of this section.
    known: Vec<Known>,
    /// Interfaces of the sections before.
    base: u32,
    in_section: bool,
    told_version: bool,
}

impl Pcapng {
    /// Reads the blocks of `buf`, whose first byte is at offset `base`, from position `from` on.
    /// Gives the position it stopped at.
    pub(crate) fn run(&mut self, buf: &[u8], base: u64, from: usize, out: &mut Out) -> (usize, Halt) {
        if self.big { self.blocks::<true>(buf, base, from, out) } else { self.blocks::<false>(buf, base, from, out) }
    }

    fn blocks<const BIG: bool>(&mut self, buf: &[u8], base: u64, from: usize, out: &mut Out) -> (usize, Halt) {
        let mut pos = from;
        loop {
            let Some(&[k0, k1, k2, k3, l0, l1, l2, l3]) = take::<8>(buf, pos) else {
                return (pos, Halt::Need(12));
            };
            let at = base.saturating_add(pos as u64);
            let kind = u32_in::<BIG>([k0, k1, k2, k3]);
            if kind == kind::SECTION {
                return self.section(buf, base, pos, out);
            }
            let len = u32_in::<BIG>([l0, l1, l2, l3]);
            if len < 12 || !len.is_multiple_of(4) {
                return (pos, bad_length(at, kind, len));
            }
            let whole = len as usize;
            let end = pos.saturating_add(whole);
            let Some(block) = buf.get(pos..end) else {
                return (pos, beyond(at, kind, len, Numbers { big: BIG }.u32(buf, pos.saturating_add(8)), out));
            };
            let trailer = take::<4>(block, whole.saturating_sub(4)).map(|b| u32_in::<BIG>(*b));
            if trailer != Some(len) {
                return (pos, bad_trailer(at, kind, len, trailer.unwrap_or(0)));
            }
            if kind == kind::ENHANCED {
                if let Err(halt) = self.enhanced::<BIG>(block, at, pos, out) {
                    return (pos, halt);
                }
                pos = end;
                if out.events.len() >= EVENTS_AT_ONCE {
                    return (pos, Halt::Turn);
                }
                continue;
            }
            match self.other::<BIG>(block, at, pos, kind, out) {
                Ok(false) => pos = end,
                Ok(true) => return (end, Halt::Turn),
                Err(halt) => return (pos, halt),
            }
        }
    }

    #[inline]
    fn enhanced<const BIG: bool>(&mut self, block: &[u8], at: u64, pos: usize, out: &mut Out) -> Result<(), Halt> {
        let Some(&[_, _, _, _, _, _, _, _, i0, i1, i2, i3, h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, w0, w1, w2, w3]) =
            take::<28>(block, 0)
        else {
            return Err(too_small(at, "an enhanced packet block", block.len()));
        };
        let cap_len = u32_in::<BIG>([c0, c1, c2, c3]);
        let room = block.len().saturating_sub(32);
        if cap_len as usize > room {
            return Err(overrun(at, "an enhanced packet block", cap_len, room, block.len()));
        }
        let interface = u32_in::<BIG>([i0, i1, i2, i3]);
        let Some(known) = self.known.get(interface as usize) else {
            return Err(self.unknown_interface(at, interface, block.len()));
        };
        let units = u64::from(u32_in::<BIG>([h0, h1, h2, h3])) << 32 | u64::from(u32_in::<BIG>([t0, t1, t2, t3]));
        let mut item = Item {
            at: at.saturating_add(28),
            time_ns: known.resolution.to_ns(units),
            start: u32::try_from(pos.saturating_add(28)).unwrap_or(u32::MAX),
            cap_len,
            wire_len: u32_in::<BIG>([w0, w1, w2, w3]),
            interface: self.base.saturating_add(interface),
            flags: 0,
            marks: out.marks | known.marks,
        };
        let padded = (cap_len as usize).next_multiple_of(4);
        // Anything but the closing length after the packet is options.
        if room > padded {
            packet_options(
                block.get(padded.saturating_add(28)..block.len().saturating_sub(4)).unwrap_or_default(),
                BIG,
                &mut item,
                out,
            );
        }
        out.items.push(item);
        Ok(())
    }

    /// A block that is no enhanced packet. `Ok(true)`: what is queued must be delivered before the next packet.
    fn other<const BIG: bool>(&mut self, block: &[u8], at: u64, pos: usize, kind: u32, out: &mut Out) -> Result<bool, Halt> {
        let n = Numbers { big: BIG };
        match kind {
            kind::SIMPLE => self.simple(block, at, pos, n, out).map(|()| false),
            kind::PACKET => self.obsolete::<BIG>(block, at, pos, out).map(|()| out.events.len() >= EVENTS_AT_ONCE),
            kind::INTERFACE => {
                if block.len() < 20 {
                    return Err(too_small(at, "an interface description block", block.len()));
                }
                if self.known.len() >= INTERFACES {
                    return Err(damaged(
                        DamageKind::Content,
                        at,
                        "one more interface description block than can be true",
                        format!("{INTERFACES} interfaces are described already; packets of further ones are not read."),
                        Resume::Next(block.len() as u64),
                    ));
                }
                let index = self.base.saturating_add(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
                let interface = describe::interface(block, at, index, n);
                self.known.push(Known { resolution: interface.resolution, snaplen: interface.snaplen, marks: interface.marks });
                out.event(Event::Interface(interface));
                Ok(true)
            }
            kind::SECRETS => match describe::secrets(block, at, n) {
                Some(secrets) => {
                    out.event(Event::Secrets(secrets));
                    Ok(true)
                }
                None => Err(damaged(
                    DamageKind::Content,
                    at,
                    "the secrets of a decryption secrets block are longer than the block",
                    "Its length field was overwritten or written wrongly; packets that need these secrets stay encrypted.",
                    Resume::Next(block.len() as u64),
                )),
            },
            kind::NAMES => {
                out.event(Event::Names(describe::names(block, at, n)));
                Ok(true)
            }
            kind::STATISTICS => {
                let found = describe::statistics(block, at, n, |interface| {
                    let index = self.base.saturating_add(interface);
                    self.known.get(interface as usize).map(|k| (index, k.resolution))
                });
                out.event(match found {
                    Some(statistics) => Event::Statistics(statistics),
                    None => Event::Note(Note {
                        at,
                        what: "an interface statistics block is about no described interface".into(),
                        why: "Its counters are left out; packets are not affected.".into(),
                        what_to_do: "".into(),
                    }),
                });
                Ok(true)
            }
            _ => {
                let len = u32::try_from(block.len()).unwrap_or(u32::MAX);
                let mut other = other_block(at, kind, len, n.u32(block, 8), out);
                if other.enterprise.is_some() && len <= CUSTOM {
                    other.custom = Bytes::copy_from_slice(describe::body(block, 12));
                }
                out.event(Event::Other(other));
                Ok(out.events.len() >= EVENTS_AT_ONCE)
            }
        }
    }

    fn simple(&self, block: &[u8], at: u64, pos: usize, n: Numbers, out: &mut Out) -> Result<(), Halt> {
        let (Some(wire_len), true) = (n.u32(block, 8), block.len() >= 16) else {
            return Err(too_small(at, "a simple packet block", block.len()));
        };
        let Some(known) = self.known.first() else {
            return Err(self.unknown_interface(at, 0, block.len()));
        };
        let room = u32::try_from(block.len().saturating_sub(16)).unwrap_or(u32::MAX);
        let snap = if known.snaplen == 0 { u32::MAX } else { known.snaplen };
        let cap_len = wire_len.min(snap);
        if cap_len > room {
            return Err(overrun(at, "a simple packet block", cap_len, room as usize, block.len()));
        }
        out.items.push(Item {
            at: at.saturating_add(12),
            time_ns: NO_TIME,
            start: u32::try_from(pos.saturating_add(12)).unwrap_or(u32::MAX),
            cap_len,
            wire_len,
            interface: self.base,
            flags: 0,
            marks: out.marks | mark::NO_TIME,
        });
        Ok(())
    }

    /// The packet block of old files (type 2): 16-bit interface and drop count.
    fn obsolete<const BIG: bool>(&self, block: &[u8], at: u64, pos: usize, out: &mut Out) -> Result<(), Halt> {
        let n = Numbers { big: BIG };
        let (Some(units), Some(cap_len), Some(wire_len), true) =
            (n.time(block, 12), n.u32(block, 20), n.u32(block, 24), block.len() >= 32)
        else {
            return Err(too_small(at, "a packet block", block.len()));
        };
        let room = block.len().saturating_sub(32);
        if cap_len as usize > room {
            return Err(overrun(at, "a packet block", cap_len, room, block.len()));
        }
        let (interface, drops) = (n.u16(block, 8).unwrap_or(0), n.u16(block, 10).unwrap_or(0));
        let Some(known) = self.known.get(usize::from(interface)) else {
            return Err(self.unknown_interface(at, interface.into(), block.len()));
        };
        let mut item = Item {
            at: at.saturating_add(28),
            time_ns: known.resolution.to_ns(units),
            start: u32::try_from(pos.saturating_add(28)).unwrap_or(u32::MAX),
            cap_len,
            wire_len,
            interface: self.base.saturating_add(interface.into()),
            flags: 0,
            marks: out.marks,
        };
        // 0xffff: not counted.
        if !matches!(drops, 0 | 0xffff) {
            item.marks |= mark::LOSS;
            out.event(Event::Drops(Drops { interface: item.interface, packet: out.next_packet(), dropped: drops.into() }));
        }
        let options = (cap_len as usize).next_multiple_of(4).saturating_add(28);
        let options = block.get(options..block.len().saturating_sub(4)).unwrap_or_default();
        packet_options(options, BIG, &mut item, out);
        out.items.push(item);
        Ok(())
    }

    /// A section header block: it sets the byte order, so its length can be read only after its magic.
    fn section(&mut self, buf: &[u8], base: u64, pos: usize, out: &mut Out) -> (usize, Halt) {
        let at = base.saturating_add(pos as u64);
        let Some(&[_, _, _, _, l0, l1, l2, l3, m0, m1, m2, m3]) = take::<12>(buf, pos) else {
            return (pos, Halt::Need(28));
        };
        let big = match [m0, m1, m2, m3] {
            [0x1a, 0x2b, 0x3c, 0x4d] => true,
            [0x4d, 0x3c, 0x2b, 0x1a] => false,
            other => {
                let why = format!("Its byte-order magic reads {other:02x?}, which is neither 1a2b3c4d nor 4d3c2b1a.");
                return (pos, damaged(DamageKind::Content, at, "a section header block without byte order", why, Resume::Search));
            }
        };
        let len = if big { u32_in::<true>([l0, l1, l2, l3]) } else { u32_in::<false>([l0, l1, l2, l3]) };
        if len < 28 || !len.is_multiple_of(4) {
            return (pos, bad_length(at, kind::SECTION, len));
        }
        let Some(block) = buf.get(pos..pos.saturating_add(len as usize)) else {
            return (pos, if len > LONGEST { bad_length(at, kind::SECTION, len) } else { Halt::Need(len.into()) });
        };
        let n = Numbers { big };
        let trailer = n.u32(block, block.len().saturating_sub(4)).unwrap_or(0);
        if trailer != len {
            return (pos, bad_trailer(at, kind::SECTION, len, trailer));
        }
        let section = describe::section(block, at, n);
        if !matches!(section.version, (1, 0 | 2)) && !self.told_version {
            self.told_version = true;
            let (major, minor) = section.version;
            out.event(Event::Note(Note {
                at,
                what: format!("the section says it is pcapng version {major}.{minor}").into(),
                why: "Only versions 1.0 and 1.2 are known; it is read like 1.0, and may be misread.".into(),
                what_to_do: "Look whether a newer version of this program reads it.".into(),
            }));
        }
        self.base = self.base.saturating_add(u32::try_from(self.known.len()).unwrap_or(0));
        self.known.clear();
        self.big = big;
        self.in_section = true;
        out.event(Event::Section(section));
        (pos.saturating_add(block.len()), Halt::Turn)
    }

    fn unknown_interface(&self, at: u64, interface: u32, block: usize) -> Halt {
        damaged(
            DamageKind::Content,
            at,
            format!("a packet is said to come from interface {interface}"),
            format!(
                "Only {} interfaces are described before it in its section, so its link type is not known.",
                self.known.len()
            ),
            Resume::Next(block as u64),
        )
    }

    /// Does a readable block begin at `at`? Its two lengths must agree and its kind be known; blocks that name an
    /// interface must name a described one.
    pub(crate) fn block_here(&self, at: u64, peer: &mut impl Peer) -> Likely {
        let head = match peer.look::<12>(at) {
            Look::Bytes(head) => head,
            Look::Later => return Likely::Later,
            Look::End | Look::Tired => return Likely::No,
        };
        let Some(len) = self.candidate(&head) else { return Likely::No };
        let trailer = at.saturating_add(u64::from(len)).saturating_sub(4);
        match peer.look::<4>(trailer) {
            Look::Bytes(b) if head.get(4..8) == Some(&b[..]) => Likely::Yes,
            Look::Later => Likely::Later,
            _ => Likely::No,
        }
    }

    /// The block at the very end, of which only `have` is there: may its length be wrong, rather than the file be cut?
    pub(crate) fn doubt_cut(&self, have: &[u8]) -> bool {
        let n = Numbers { big: self.big };
        let (Some(kind), Some(len)) = (n.u32(have, 0), n.u32(have, 4)) else { return false };
        let packet = |at| n.u32(have, at).map(|cap_len| (cap_len as usize).next_multiple_of(4).saturating_add(28));
        let options = match kind {
            kind::ENHANCED | kind::PACKET => packet(20),
            kind::SECTION => Some(24),
            kind::INTERFACE => Some(16),
            kind::STATISTICS => Some(20),
            kind::NAMES => Some(8),
            kind::SIMPLE | kind::SECRETS | kind::JOURNAL | kind::CUSTOM | kind::CUSTOM_FIXED => None,
            _ => return true,
        };
        let Some(options) = options else { return false };
        if options.saturating_add(4) > len as usize {
            return true;
        }
        // If the block closes properly before its claimed end, its opening length is wrong.
        let closes = |at: usize| n.u32(have, at).is_some_and(|closing| closing as usize == at.saturating_add(4));
        let mut list = Options::new(have.get(options..).unwrap_or_default(), self.big);
        closes(options) || (list.by_ref().count() > 0 && closes(have.len().saturating_sub(list.behind().len())))
    }

    /// The block length, if these 12 bytes may begin a block.
    pub(crate) fn candidate(&self, head: &[u8]) -> Option<u32> {
        let first = Numbers { big: self.big }.u32(head, 0)?;
        let n = match (first, head.get(8..12)?) {
            (kind::SECTION, [0x1a, 0x2b, 0x3c, 0x4d]) => Numbers { big: true },
            (kind::SECTION, [0x4d, 0x3c, 0x2b, 0x1a]) => Numbers { big: false },
            (kind::INTERFACE | kind::NAMES | kind::SECRETS, _) if self.in_section => Numbers { big: self.big },
            (kind::ENHANCED | kind::STATISTICS, _) => {
                let n = Numbers { big: self.big };
                self.known.get(n.u32(head, 8)? as usize)?;
                n
            }
            (kind::SIMPLE, _) if !self.known.is_empty() => Numbers { big: self.big },
            (kind::PACKET, _) => {
                let n = Numbers { big: self.big };
                self.known.get(usize::from(n.u16(head, 8)?))?;
                n
            }
            _ => return None,
        };
        let len = n.u32(head, 4)?;
        let least = match first {
            kind::SECTION => 28,
            kind::ENHANCED | kind::PACKET => 32,
            kind::INTERFACE | kind::SECRETS => 20,
            kind::STATISTICS => 24,
            kind::SIMPLE => 16,
            _ => 12,
        };
        (len >= least && len.is_multiple_of(4) && len <= LONGEST).then_some(len)
    }
}

/// A block that reaches past the bytes at hand. Large ones that are not read here need not be loaded.
#[cold]
fn beyond(at: u64, kind: u32, len: u32, number: Option<u32>, out: &Out) -> Halt {
    let read = matches!(
        kind,
        kind::INTERFACE | kind::PACKET | kind::SIMPLE | kind::NAMES | kind::STATISTICS | kind::ENHANCED | kind::SECRETS
    );
    match (read, number) {
        (true, _) if len > LONGEST => bad_length(at, kind, len),
        (false, None) => Halt::Need(12),
        (false, Some(_)) if len > LOADED => Halt::Pass(other_block(at, kind, len, number, out)),
        _ => Halt::Need(len.into()),
    }
}

/// Custom blocks are handed on with what stands in them up to this length.
const CUSTOM: u32 = 4096;

/// Blocks without meaning here are loaded only up to this length.
const LOADED: u32 = 1 << 20;

/// `number`: what follows the length, in a custom block the private enterprise number.
fn other_block(at: u64, kind: u32, len: u32, number: Option<u32>, out: &Out) -> OtherBlock {
    let enterprise = number.filter(|_| matches!(kind, kind::CUSTOM | kind::CUSTOM_FIXED));
    let copyable = kind == kind::CUSTOM;
    OtherBlock { at, len, kind, enterprise, packets_before: out.next_packet(), copyable, custom: Bytes::new() }
}

/// Reads a packet's options into its item and the event queue.
#[cold]
fn packet_options(bytes: &[u8], big: bool, item: &mut Item, out: &mut Out) {
    let n = Numbers { big };
    let packet = out.next_packet();
    for (code, value) in Options::new(bytes, big) {
        match code {
            options::COMMENT => {
                item.marks |= mark::COMMENT;
                out.event(Event::Comment(Comment { packet, text: options::text(value) }));
            }
            2 => item.flags = n.u32(value, 0).unwrap_or(0),
            4 => {
                let dropped = n.u64(value, 0).unwrap_or(0);
                if dropped > 0 {
                    item.marks |= mark::LOSS;
                    out.event(Event::Drops(Drops { interface: item.interface, packet, dropped }));
                }
            }
            _ => {}
        }
    }
}

/// A block type in words.
fn name(kind: u32) -> String {
    let known = match kind {
        kind::SECTION => "section header block",
        kind::INTERFACE => "interface description block",
        kind::PACKET => "packet block",
        kind::SIMPLE => "simple packet block",
        kind::NAMES => "name resolution block",
        kind::STATISTICS => "interface statistics block",
        kind::ENHANCED => "enhanced packet block",
        kind::JOURNAL => "systemd journal block",
        kind::SECRETS => "decryption secrets block",
        kind::CUSTOM | kind::CUSTOM_FIXED => "custom block",
        other => return format!("block of unknown type 0x{other:08x}"),
    };
    known.into()
}

#[cold]
fn bad_length(at: u64, kind: u32, len: u32) -> Halt {
    let why = "A block length is a multiple of 4, at least 12, and large enough for the block's fixed fields: the bytes here \
               were overwritten, or are no block at all.";
    damaged(DamageKind::Length, at, format!("a {} claims to be {len} bytes long", name(kind)), why, Resume::Search)
}

#[cold]
fn bad_trailer(at: u64, kind: u32, len: u32, trailer: u32) -> Halt {
    damaged(
        DamageKind::Length,
        at,
        format!("a {} begins with length {len} and ends with length {trailer}", name(kind)),
        "Both must be equal: bytes of it are missing, added or overwritten.",
        Resume::Perhaps(len.into()),
    )
}

#[cold]
fn too_small(at: u64, what: &str, len: usize) -> Halt {
    let why = "Its fixed fields need more room.";
    damaged(DamageKind::Length, at, format!("{what} is only {len} bytes long"), why, Resume::Next(len as u64))
}

#[cold]
fn overrun(at: u64, what: &str, cap_len: u32, room: usize, block: usize) -> Halt {
    damaged(
        DamageKind::Length,
        at,
        format!("{what} claims {cap_len} captured bytes"),
        format!("It has room for {room}; the packet is left out."),
        Resume::Next(block as u64),
    )
}
