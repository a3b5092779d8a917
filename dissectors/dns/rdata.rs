//! The data of records, type by type; those of DNSSEC and the service bindings have files of their own.

use super::message::Gather;
use super::name::{self, Message};
use super::{dnssec, fields as f, svcb};
use std::net::{Ipv4Addr, Ipv6Addr};
use wirelore_kit::{BitRange, F, Level, Reader, Stop, Text, Value};

/// Reads the data of a record of type `kind`; the reader ends where the data ends.
///
/// # Errors
/// [`Stop::Bad`] where it is not what the type asks for.
pub(super) fn read(r: &mut Reader<'_>, m: &Message<'_>, kind: u16, g: &mut Gather) -> Result<(), Stop> {
    match kind {
        1 => {
            let a = r.ipv4(&f::A)?;
            g.say(format_args!(" {}", Ipv4Addr::from(a)));
        }
        28 => {
            let a = r.ipv6(&f::AAAA)?;
            g.say(format_args!(" {}", Ipv6Addr::from(a)));
        }
        2 => one_name(r, m, &f::NS, g)?,
        3 => one_name(r, m, &f::MD, g)?,
        4 => one_name(r, m, &f::MF, g)?,
        5 => one_name(r, m, &f::CNAME, g)?,
        7 => one_name(r, m, &f::MB, g)?,
        8 => one_name(r, m, &f::MG, g)?,
        9 => one_name(r, m, &f::MR, g)?,
        12 => one_name(r, m, &f::PTR, g)?,
        39 => one_name(r, m, &f::DNAME, g)?,
        6 => soa(r, m, g)?,
        10 => rest(r, &f::NULL)?,
        13 => {
            string(r, &f::HINFO_CPU_LENGTH, &f::HINFO_CPU)?;
            string(r, &f::HINFO_OS_LENGTH, &f::HINFO_OS)?;
        }
        14 => {
            name::read(r, m, &f::MINFO_R)?;
            name::read(r, m, &f::MINFO_E)?;
        }
        15 => {
            let preference = r.u16(&f::MX_PREFERENCE)?;
            let at = name::read(r, m, &f::MX_EXCHANGE)?;
            g.say(format_args!(" {preference} {}", name::text(m.bytes, at)));
        }
        16 => {
            let mut first = true;
            while std::mem::take(&mut first) || !r.is_empty() {
                string(r, &f::TXT_LENGTH, &f::TXT)?;
            }
        }
        99 => {
            let mut first = true;
            while std::mem::take(&mut first) || !r.is_empty() {
                string(r, &f::SPF_LENGTH, &f::SPF)?;
            }
        }
        17 => {
            name::read(r, m, &f::RP_MAILBOX)?;
            name::read(r, m, &f::RP_TXT)?;
        }
        18 => numbered(r, m, &f::AFSDB_SUBTYPE, &f::AFSDB_HOST)?,
        21 => numbered(r, m, &f::RT_PREFERENCE, &f::RT_HOST)?,
        36 => numbered(r, m, &f::KX_PREFERENCE, &f::KX_EXCHANGE)?,
        29 => loc(r)?,
        33 => {
            let priority = r.u16(&f::SRV_PRIORITY)?;
            let weight = r.u16(&f::SRV_WEIGHT)?;
            let port = r.u16(&f::SRV_PORT)?;
            let at = name::read(r, m, &f::SRV_TARGET)?;
            g.say(format_args!(" {priority} {weight} {port} {}", name::text(m.bytes, at)));
        }
        35 => {
            r.u16(&f::NAPTR_ORDER)?;
            r.u16(&f::NAPTR_PREFERENCE)?;
            string(r, &f::NAPTR_FLAGS_LENGTH, &f::NAPTR_FLAGS)?;
            string(r, &f::NAPTR_SERVICE_LENGTH, &f::NAPTR_SERVICE)?;
            string(r, &f::NAPTR_REGEX_LENGTH, &f::NAPTR_REGEX)?;
            name::read(r, m, &f::NAPTR_REPLACEMENT)?;
        }
        37 => {
            r.u16(&f::CERT_TYPE)?;
            r.u16(&f::CERT_KEY_TAG)?;
            r.u8(&f::CERT_ALGORITHM)?;
            rest(r, &f::CERT_DATA)?;
        }
        44 => {
            r.u8(&f::SSHFP_ALGORITHM)?;
            r.u8(&f::SSHFP_TYPE)?;
            rest(r, &f::SSHFP_FINGERPRINT)?;
        }
        52 | 53 => {
            r.u8(&f::TLSA_USAGE)?;
            r.u8(&f::TLSA_SELECTOR)?;
            r.u8(&f::TLSA_MATCHING)?;
            rest(r, &f::TLSA_DATA)?;
        }
        61 => rest(r, &f::OPENPGPKEY)?,
        64 | 65 => svcb::read(r, m, g)?,
        43 | 59 | 32769 => dnssec::ds(r)?,
        24 | 46 => dnssec::rrsig(r, m)?,
        25 | 48 | 60 => dnssec::dnskey(r)?,
        47 => dnssec::nsec(r, m)?,
        50 => dnssec::nsec3(r)?,
        51 => dnssec::nsec3_head(r)?,
        62 => dnssec::csync(r)?,
        63 => dnssec::zonemd(r)?,
        249 => dnssec::tkey(r, m)?,
        250 => dnssec::tsig(r, m)?,
        108 => r.mac(&f::EUI48).map(|_| ())?,
        109 => r.bytes(&f::EUI64, 8).map(|_| ())?,
        256 => {
            r.u16(&f::URI_PRIORITY)?;
            r.u16(&f::URI_WEIGHT)?;
            let n = r.left();
            let target = r.text(&f::URI_TARGET, n)?;
            g.say(format_args!(" {target}"));
        }
        257 => caa(r, g)?,
        _ => rest(r, &f::DATA)?,
    }
    Ok(())
}

/// All that is left, as `field`.
pub(super) fn rest(r: &mut Reader<'_>, field: F) -> Result<(), Stop> {
    match r.left() {
        0 => Ok(()),
        n => r.bytes(field, n).map(|_| ()),
    }
}

fn one_name(r: &mut Reader<'_>, m: &Message<'_>, field: F, g: &mut Gather) -> Result<(), Stop> {
    let at = name::read(r, m, field)?;
    g.say(format_args!(" {}", name::text(m.bytes, at)));
    Ok(())
}

fn numbered(r: &mut Reader<'_>, m: &Message<'_>, number: F, host: F) -> Result<(), Stop> {
    r.u16(number)?;
    name::read(r, m, host).map(|_| ())
}

/// A character string: a length byte and so many bytes (RFC 1035 §3.3).
fn string<'a>(r: &mut Reader<'a>, length: F, field: F) -> Result<Text<'a>, Stop> {
    let n = r.u8(length)?;
    r.text(field, usize::from(n))
}

fn soa(r: &mut Reader<'_>, m: &Message<'_>, g: &mut Gather) -> Result<(), Stop> {
    let at = name::read(r, m, &f::SOA_MNAME)?;
    g.say(format_args!(" {}", name::text(m.bytes, at)));
    name::read(r, m, &f::SOA_RNAME)?;
    for field in [&f::SOA_SERIAL, &f::SOA_REFRESH, &f::SOA_RETRY, &f::SOA_EXPIRE, &f::SOA_MINIMUM] {
        r.u32(field)?;
    }
    Ok(())
}

fn caa(r: &mut Reader<'_>, g: &mut Gather) -> Result<(), Stop> {
    r.bit_group(&f::CAA_FLAGS, BitRange { first: 0, len: 8 }, |r, _| {
        r.bits(&f::CAA_CRITICAL, BitRange { first: 0, len: 1 }).map(|_| ())
    })?;
    r.skip(1)?;
    let n = r.u8(&f::CAA_TAG_LENGTH)?;
    let tag = r.text(&f::CAA_TAG, usize::from(n))?;
    let left = r.left();
    let value = r.text(&f::CAA_VALUE, left)?;
    g.say(format_args!(" {tag} {value}"));
    Ok(())
}

fn loc(r: &mut Reader<'_>) -> Result<(), Stop> {
    let whole = r.span(16);
    if r.u8(&f::LOC_VERSION)? != 0 {
        // RFC 1876 §2: other versions have another form.
        return rest(r, &f::DATA);
    }
    let [size, horizontal, vertical] = [r.u8(&f::LOC_SIZE)?, r.u8(&f::LOC_HORIZONTAL)?, r.u8(&f::LOC_VERTICAL)?];
    let [latitude, longitude] = [r.u32(&f::LOC_LATITUDE)?, r.u32(&f::LOC_LONGITUDE)?];
    let altitude = r.u32(&f::LOC_ALTITUDE)?;
    if r.level() == Level::Tree {
        let words = format!(
            "{} {} {:.2}m {} {} {}",
            angle(latitude, ["N", "S"]),
            angle(longitude, ["E", "W"]),
            (f64::from(altitude) - 10_000_000.0) / 100.0,
            metres(size),
            metres(horizontal),
            metres(vertical)
        );
        r.derived(&f::LOC_PLACE, whole, Value::from(words));
    }
    Ok(())
}

/// Thousandths of a second of arc around 2^31 (RFC 1876 §2).
fn angle(v: u32, [plus, minus]: [&str; 2]) -> String {
    let off = i64::from(v).saturating_sub(1 << 31);
    let n = off.unsigned_abs();
    let (degrees, minutes, seconds) = (n / 3_600_000, n / 60_000 % 60, n % 60_000);
    format!("{degrees} {minutes} {}.{:03} {}", seconds / 1000, seconds % 1000, if off < 0 { minus } else { plus })
}

/// A decimal digit and a power of ten, in centimetres.
fn metres(v: u8) -> String {
    let cm = u64::from(v >> 4).saturating_mul(10u64.saturating_pow(u32::from(v & 15)));
    if v & 15 >= 2 { format!("{}m", cm / 100) } else { format!("{}.{:02}m", cm / 100, cm % 100) }
}
