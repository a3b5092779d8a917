//! The blocks of pcapng that a capture needs (draft-ietf-opsawg-pcapng), little-endian, times in nanoseconds since 1970.

/// What an interface description block says.
pub struct Interface<'i> {
    /// As in the LINKTYPE_ registry.
    pub link_type: u16,
    /// Bytes kept of each packet.
    pub snaplen: u32,
    /// `if_name`.
    pub name: &'i str,
    /// `if_description`, or "".
    pub description: &'i str,
    /// `if_filter`, or "".
    pub filter: &'i str,
}

/// A packet.
pub struct Packet<'p> {
    /// Number of its interface.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// The bytes kept.
    pub data: &'p [u8],
    /// Packets that were lost before it.
    pub dropped: u64,
}

/// Counters of an interface, since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that passed the filter.
    pub received: u64,
    /// Packets for which the buffer had no room.
    pub dropped: u64,
    /// Packets that the interface itself lost.
    pub if_dropped: u64,
    /// Packets written.
    pub delivered: u64,
}

/// A section header block.
pub fn section(out: &mut Vec<u8>, application: &str) {
    block(out, 0x0a0d_0d0a, |b| {
        b.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
        b.extend_from_slice(&1_u16.to_le_bytes());
        b.extend_from_slice(&0_u16.to_le_bytes());
        // How long the section will be is not known.
        b.extend_from_slice(&[0xff; 8]);
        option(b, 3, std::env::consts::OS.as_bytes());
        option(b, 4, application.as_bytes());
        b.extend_from_slice(&[0; 4]);
    });
}

/// An interface description block.
pub fn interface(out: &mut Vec<u8>, i: &Interface<'_>) {
    block(out, 1, |b| {
        b.extend_from_slice(&i.link_type.to_le_bytes());
        b.extend_from_slice(&[0; 2]);
        b.extend_from_slice(&i.snaplen.to_le_bytes());
        option(b, 2, i.name.as_bytes());
        if !i.description.is_empty() {
            option(b, 3, i.description.as_bytes());
        }
        // Nanoseconds.
        option(b, 9, &[9]);
        if !i.filter.is_empty() {
            // The first byte says that the filter is in libpcap's words.
            option(b, 11, &[&[0], i.filter.as_bytes()].concat());
        }
        b.extend_from_slice(&[0; 4]);
    });
}

/// An enhanced packet block. Nothing is allocated for it but room in `out`.
pub fn packet(out: &mut Vec<u8>, p: &Packet<'_>) {
    block(out, 6, |b| {
        b.extend_from_slice(&p.interface.to_le_bytes());
        time(b, p.time);
        b.extend_from_slice(&u32::try_from(p.data.len()).unwrap_or(u32::MAX).to_le_bytes());
        b.extend_from_slice(&p.wire_len.to_le_bytes());
        b.extend_from_slice(p.data);
        pad(b, p.data.len());
        if p.dropped > 0 {
            option(b, 4, &p.dropped.to_le_bytes());
            b.extend_from_slice(&[0; 4]);
        }
    });
}

/// An interface statistics block.
pub fn statistics(out: &mut Vec<u8>, interface: u32, now: u64, c: &Counters) {
    block(out, 5, |b| {
        b.extend_from_slice(&interface.to_le_bytes());
        time(b, now);
        for (code, count) in [(4, c.received), (5, c.if_dropped), (7, c.dropped), (8, c.delivered)] {
            option(b, code, &count.to_le_bytes());
        }
        b.extend_from_slice(&[0; 4]);
    });
}

/// A block of a type around what `body` writes; its length stands before and behind it.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let from = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    body(out);
    let len = u32::try_from(out.len().saturating_sub(from).saturating_add(4)).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(place) = out.get_mut(from.saturating_add(4)..from.saturating_add(8)) {
        place.copy_from_slice(&len);
    }
    out.extend_from_slice(&len);
}

/// A time, the high half first.
fn time(out: &mut Vec<u8>, ns: u64) {
    out.extend_from_slice(&ns.rotate_left(32).to_le_bytes());
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    pad(out, value.len());
}

/// To a multiple of 32 bits.
fn pad(out: &mut Vec<u8>, len: usize) {
    let zeros = len.next_multiple_of(4).saturating_sub(len);
    out.extend(std::iter::repeat_n(0, zeros));
}
