//! Records that sign and prove: DS, DNSKEY, RRSIG, NSEC, NSEC3 and kin (RFC 4034, RFC 5155), and the transaction signatures TSIG and TKEY.

use super::name::{self, Message};
use super::rdata::rest;
use super::{fields as f, notes as n};
use wirelore_kit::{BitRange, F, Level, Reader, Stop, Value};

const fn bit(first: u8) -> BitRange {
    BitRange { first, len: 1 }
}

/// DS, CDS and DLV (RFC 4034 §5.1).
pub(super) fn ds(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u16(&f::DS_KEY_TAG)?;
    r.u8(&f::DS_ALGORITHM)?;
    r.u8(&f::DS_DIGEST_TYPE)?;
    rest(r, &f::DS_DIGEST)
}

/// DNSKEY, CDNSKEY and KEY (RFC 4034 §2.1).
pub(super) fn dnskey(r: &mut Reader<'_>) -> Result<(), Stop> {
    let (all, at) = (r.rest(), r.span(r.left()));
    r.bit_group(&f::DNSKEY_FLAGS, BitRange { first: 0, len: 16 }, |r, _| {
        r.bits(&f::DNSKEY_ZONE, bit(7))?;
        r.bits(&f::DNSKEY_REVOKED, bit(8))?;
        r.bits(&f::DNSKEY_SEP, bit(15)).map(|_| ())
    })?;
    r.skip(2)?;
    r.u8(&f::DNSKEY_PROTOCOL)?;
    let algorithm = r.u8(&f::DNSKEY_ALGORITHM)?;
    rest(r, &f::DNSKEY_KEY)?;
    r.derived(&f::DNSKEY_KEY_TAG, at, u64::from(key_tag(all, algorithm)));
    Ok(())
}

/// The tag by which signatures name a key (RFC 4034 appendix B).
fn key_tag(rdata: &[u8], algorithm: u8) -> u16 {
    if algorithm == 1 {
        // B.1: of RSA/MD5 keys the two bytes before the last one.
        let end = rdata.len();
        return rdata
            .get(end.saturating_sub(3)..end.saturating_sub(1))
            .map_or(0, |b| b.iter().fold(0, |v, x| (v << 8) | u16::from(*x)));
    }
    let sum = rdata.chunks(2).fold(0u32, |sum, pair| {
        let [high, low] = [pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)];
        sum.wrapping_add(u32::from(u16::from_be_bytes([high, low])))
    });
    (sum.wrapping_add(sum >> 16) & 0xffff) as u16
}

/// Seconds since 1970 in so many bytes, as a time.
fn seconds(r: &mut Reader<'_>, field: F, bytes: usize) -> Result<(), Stop> {
    let v = r.peek(bytes)?.iter().fold(0i64, |v, b| (v << 8) | i64::from(*b));
    r.valued(field, bytes, Value::I64(v.saturating_mul(1_000_000_000))).map(|_| ())
}

/// RRSIG and SIG (RFC 4034 §3.1).
pub(super) fn rrsig(r: &mut Reader<'_>, m: &Message<'_>) -> Result<(), Stop> {
    r.u16(&f::RRSIG_TYPE)?;
    r.u8(&f::RRSIG_ALGORITHM)?;
    r.u8(&f::RRSIG_LABELS)?;
    r.u32(&f::RRSIG_TTL)?;
    seconds(r, &f::RRSIG_EXPIRATION, 4)?;
    seconds(r, &f::RRSIG_INCEPTION, 4)?;
    r.u16(&f::RRSIG_KEY_TAG)?;
    name::read(r, m, &f::RRSIG_SIGNER)?;
    rest(r, &f::RRSIG_SIGNATURE)
}

/// NSEC (RFC 4034 §4.1).
pub(super) fn nsec(r: &mut Reader<'_>, m: &Message<'_>) -> Result<(), Stop> {
    name::read(r, m, &f::NSEC_NEXT)?;
    type_bitmap(r)
}

/// Windows of bits, a bit for each type that exists (RFC 4034 §4.1.2).
fn type_bitmap(r: &mut Reader<'_>) -> Result<(), Stop> {
    while !r.is_empty() {
        r.group(&f::BITMAP, |r| {
            let window = r.u8(&f::BITMAP_WINDOW)?;
            let len = r.u8(&f::BITMAP_LENGTH)?;
            if !matches!(len, 1..=32) {
                return Err(Stop::Bad(&n::BITMAP));
            }
            let at = r.span(usize::from(len));
            let bits = r.bytes(&f::BITMAP_BITS, usize::from(len))?;
            if r.level() == Level::Tree {
                for (i, byte) in bits.iter().enumerate() {
                    for bit in 0..8u16 {
                        if byte & (0x80 >> bit) != 0 {
                            let kind = (u16::from(window) << 8) | ((i as u16) << 3) | bit;
                            r.derived(&f::BITMAP_TYPE, at, u64::from(kind));
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// NSEC3PARAM, and how NSEC3 begins (RFC 5155 §4.2).
pub(super) fn nsec3_head(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u8(&f::NSEC3_ALGORITHM)?;
    r.bit_group(&f::NSEC3_FLAGS, BitRange { first: 0, len: 8 }, |r, _| r.bits(&f::NSEC3_OPT_OUT, bit(7)).map(|_| ()))?;
    r.skip(1)?;
    r.u16(&f::NSEC3_ITERATIONS)?;
    let n = usize::from(r.u8(&f::NSEC3_SALT_LENGTH)?);
    if n > 0 {
        r.bytes(&f::NSEC3_SALT, n)?;
    }
    Ok(())
}

/// NSEC3 (RFC 5155 §3.2).
pub(super) fn nsec3(r: &mut Reader<'_>) -> Result<(), Stop> {
    nsec3_head(r)?;
    let n = usize::from(r.u8(&f::NSEC3_HASH_LENGTH)?);
    let hash = r.peek(n)?;
    let name = if r.level() == Level::Tree { base32hex(hash) } else { String::new() };
    r.valued(&f::NSEC3_NEXT, n, Value::from(name))?;
    type_bitmap(r)
}

/// Base32 with the digits 0-9 a-v, without padding (RFC 4648 §7, RFC 5155 §3.3).
fn base32hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut have) = (0u32, 0u32);
    let mut digit = |v: u32| text.push(char::from_digit(v & 31, 32).unwrap_or('?'));
    for b in bytes {
        held = (held << 8) | u32::from(*b);
        have = have.saturating_add(8);
        while have >= 5 {
            have = have.saturating_sub(5);
            digit(held >> have);
        }
        held &= (1 << have) - 1;
    }
    if have > 0 {
        digit(held << 5u32.saturating_sub(have));
    }
    text
}

/// CSYNC (RFC 7477 §2.1).
pub(super) fn csync(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u32(&f::CSYNC_SERIAL)?;
    r.bit_group(&f::CSYNC_FLAGS, BitRange { first: 0, len: 16 }, |r, _| {
        r.bits(&f::CSYNC_RESERVED, BitRange { first: 0, len: 14 })?;
        r.bits(&f::CSYNC_SOAMINIMUM, bit(14))?;
        r.bits(&f::CSYNC_IMMEDIATE, bit(15)).map(|_| ())
    })?;
    r.skip(2)?;
    type_bitmap(r)
}

/// ZONEMD (RFC 8976 §2.2).
pub(super) fn zonemd(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u32(&f::ZONEMD_SERIAL)?;
    r.u8(&f::ZONEMD_SCHEME)?;
    r.u8(&f::ZONEMD_HASH)?;
    rest(r, &f::ZONEMD_DIGEST)
}

/// TSIG (RFC 8945 §4.2).
pub(super) fn tsig(r: &mut Reader<'_>, m: &Message<'_>) -> Result<(), Stop> {
    name::read(r, m, &f::TSIG_ALGORITHM)?;
    seconds(r, &f::TSIG_TIME, 6)?;
    r.u16(&f::TSIG_FUDGE)?;
    let n = r.u16(&f::TSIG_MAC_SIZE)?;
    counted(r, &f::TSIG_MAC, n)?;
    r.u16(&f::TSIG_ID)?;
    r.u16(&f::TSIG_ERROR)?;
    let n = r.u16(&f::TSIG_OTHER_LENGTH)?;
    counted(r, &f::TSIG_OTHER, n)
}

/// TKEY (RFC 2930 §2).
pub(super) fn tkey(r: &mut Reader<'_>, m: &Message<'_>) -> Result<(), Stop> {
    name::read(r, m, &f::TKEY_ALGORITHM)?;
    seconds(r, &f::TKEY_INCEPTION, 4)?;
    seconds(r, &f::TKEY_EXPIRATION, 4)?;
    r.u16(&f::TKEY_MODE)?;
    r.u16(&f::TKEY_ERROR)?;
    let n = r.u16(&f::TKEY_SIZE)?;
    counted(r, &f::TKEY_KEY, n)?;
    let n = r.u16(&f::TKEY_OTHER_SIZE)?;
    counted(r, &f::TKEY_OTHER, n)
}

fn counted(r: &mut Reader<'_>, field: F, n: u16) -> Result<(), Stop> {
    match n {
        0 => Ok(()),
        n => r.bytes(field, usize::from(n)).map(|_| ()),
    }
}
