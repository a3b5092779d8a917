//! The head of a frame (RFC 6455 §5.2): bytes to values and fields, and whether bytes may be one at all.

use super::{fields as f, notes as n};
use wirelore_kit::{BitRange, Dir, Reader, Stop};

/// Opcodes by name.
pub const CONTINUATION: u8 = 0;
/// A text message begins.
pub const TEXT: u8 = 1;
/// A binary message begins.
pub const BINARY: u8 = 2;
/// The sender will send nothing more.
pub const CLOSE: u8 = 8;
/// A sign of life is asked for.
pub const PING: u8 = 9;
/// A sign of life.
pub const PONG: u8 = 10;
/// Control frames carry at most so many bytes (§5.5).
pub const MOST_CONTROL: u64 = 125;

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Last fragment of its message.
    pub fin: bool,
    /// RSV1 to RSV3, RSV1 worth 4.
    pub rsv: u8,
    /// Opcode.
    pub opcode: u8,
    /// The masking key, of masked frames.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload.
    pub len: u64,
    /// The length takes so many bytes behind the second: 0, 2 or 8.
    pub extended: usize,
}

impl Head {
    /// Opcodes from 8 on are control frames.
    pub const fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }

    /// Bytes of the head itself.
    pub const fn size(&self) -> usize {
        2 + self.extended + if self.mask.is_some() { 4 } else { 0 }
    }

    const fn is_minimal(&self) -> bool {
        match self.extended {
            2 => self.len > 125,
            8 => self.len > 0xffff,
            _ => true,
        }
    }

    const fn is_reserved(&self) -> bool {
        !matches!(self.opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG)
    }

    /// Whether a reader that does not know where frames begin may take this for one.
    pub const fn is_plausible(&self, dir: Dir) -> bool {
        let masked = matches!(dir, Dir::ToServer);
        let control = !self.is_control() || (self.fin && self.len <= MOST_CONTROL && self.rsv == 0);
        self.rsv & 3 == 0
            && !self.is_reserved()
            && self.mask.is_some() == masked
            && self.is_minimal()
            && self.len < 1 << 32
            && control
            && (self.fin || self.opcode != CONTINUATION || self.rsv == 0)
    }
}

/// The head that `b` begins with; `Err` says how many bytes are needed.
pub fn head(b: &[u8]) -> Result<Head, usize> {
    let [first, second, rest @ ..] = b else { return Err(2) };
    let (masked, short) = (second & 0x80 != 0, second & 0x7f);
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let need = 2usize.saturating_add(extended).saturating_add(if masked { 4 } else { 0 });
    let (Some(length), true) = (rest.get(..extended), b.len() >= need) else { return Err(need) };
    let len = if extended == 0 { u64::from(short) } else { length.iter().fold(0u64, |v, x| (v << 8) | u64::from(*x)) };
    let mask = masked.then(|| rest.get(extended..).and_then(|m| m.first_chunk::<4>()).copied().unwrap_or_default());
    Ok(Head { fin: first & 0x80 != 0, rsv: (first >> 4) & 7, opcode: first & 15, mask, len, extended })
}

/// Takes the head with its fields, and notes what is wrong with it alone. `deflate`: RSV1 means compression here.
///
/// # Errors
/// As [`Reader::peek`].
pub fn read(r: &mut Reader<'_>, h: &Head, dir: Dir, deflate: bool) -> Result<(), Stop> {
    let here = r.span(h.size());
    r.bits(&f::FIN, BitRange { first: 0, len: 1 })?;
    r.bit_group(&f::RSV, BitRange { first: 1, len: 3 }, |r, _| {
        if deflate {
            r.bits(&f::COMPRESSED, BitRange { first: 1, len: 1 })?;
        }
        Ok(())
    })?;
    r.bits(&f::OPCODE, BitRange { first: 4, len: 4 })?;
    r.skip(1)?;
    r.bits(&f::MASK, BitRange { first: 0, len: 1 })?;
    r.bits(&f::LENGTH_7, BitRange { first: 1, len: 7 })?;
    r.skip(1)?;
    match h.extended {
        2 => _ = r.u16(&f::LENGTH_16)?,
        8 => _ = r.uint(&f::LENGTH_64, 8)?,
        _ => {}
    }
    if h.mask.is_some() {
        r.bytes(&f::MASKING_KEY, 4)?;
    }
    r.derived(&f::LENGTH, here, h.len);
    let allowed = if deflate && !h.is_control() && h.opcode != CONTINUATION { 4 } else { 0 };
    let faults = [
        (!h.is_minimal(), &n::LENGTH_NOT_MINIMAL),
        (h.mask.is_none() && dir == Dir::ToServer, &n::CLIENT_UNMASKED),
        (h.mask.is_some() && dir == Dir::ToClient, &n::SERVER_MASKED),
        (h.is_reserved(), &n::RESERVED_OPCODE),
        (h.rsv & !allowed != 0, &n::RESERVED_BITS),
        (h.is_control() && !h.fin, &n::CONTROL_FRAGMENTED),
        (h.is_control() && h.len > MOST_CONTROL, &n::CONTROL_TOO_LONG),
    ];
    for (_, what) in faults.into_iter().filter(|(wrong, _)| *wrong) {
        r.note(what, here);
    }
    Ok(())
}

/// Puts `payload`, which begins `offset` bytes into its frame, unmasked behind `out` (§5.3: byte i is XORed with byte i mod 4 of the key).
pub fn unmask(out: &mut Vec<u8>, payload: &[u8], mask: [u8; 4], offset: u64) {
    let mut key = mask;
    key.rotate_left((offset & 3) as usize);
    let from = out.len();
    out.extend_from_slice(payload);
    let (fours, rest) = out.get_mut(from..).unwrap_or(&mut []).as_chunks_mut::<4>();
    for four in fours {
        *four = (u32::from_ne_bytes(*four) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (b, k) in rest.iter_mut().zip(key) {
        *b ^= k;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unmasking_in_pieces_is_unmasking_at_once() {
        let data: Vec<u8> = (0..50).collect();
        let mut whole = Vec::new();
        unmask(&mut whole, &data, [1, 2, 3, 0xff], 0);
        assert_eq!(whole.get(..5), Some(&[1, 3, 1, 0xfc, 5][..]));
        for cut in 0..data.len() {
            let mut pieces = Vec::new();
            unmask(&mut pieces, &data[..cut], [1, 2, 3, 0xff], 0);
            unmask(&mut pieces, &data[cut..], [1, 2, 3, 0xff], cut as u64);
            assert_eq!(pieces, whole, "cut at {cut}");
        }
    }

    #[test]
    fn lengths_have_three_forms() {
        assert_eq!(head(b"\x81"), Err(2));
        assert_eq!(head(b"\x81\x85abc"), Err(6));
        assert_eq!(head(b"\x81\x05").map(|h| (h.len, h.size())), Ok((5, 2)));
        assert_eq!(head(b"\x82\x7e\x01").err(), Some(4));
        assert_eq!(head(b"\x82\x7e\x01\x00").map(|h| (h.len, h.size())), Ok((256, 4)));
        assert_eq!(head(b"\x82\xff\0\0\0\0\0\x01\0\0\x01\x02\x03\x04").map(|h| (h.len, h.size())), Ok((65536, 14)));
    }
}
