//! EDNS (RFC 6891): the OPT record, which stretches the header, and its options.

use super::message::Gather;
use super::name::{self, Message};
use super::rdata::rest;
use super::{fields as f, notes as n};
use wirelore_kit::{BitRange, F, Reader, Span, Stop, Value};

/// The places of class and time to live, which mean something else here (RFC 6891 §6.1.3).
pub(super) fn fixed(r: &mut Reader<'_>, g: &mut Gather) -> Result<(), Stop> {
    r.u16(&f::OPT_SIZE)?;
    g.rcode_high = u16::from(r.u8(&f::OPT_RCODE)?);
    r.u8(&f::OPT_VERSION)?;
    r.bit_group(&f::OPT_Z, BitRange { first: 0, len: 16 }, |r, _| {
        r.bits(&f::OPT_DO, BitRange { first: 0, len: 1 })?;
        r.bits(&f::OPT_RESERVED, BitRange { first: 1, len: 15 }).map(|_| ())
    })?;
    r.skip(2)
}

/// The options, each on its own: a broken one does not hide the next.
pub(super) fn options(r: &mut Reader<'_>, m: &Message<'_>) -> Result<(), Stop> {
    while !r.is_empty() {
        r.group(&f::OPTION, |r| {
            let code = r.u16(&f::OPTION_CODE)?;
            let len = usize::from(r.u16(&f::OPTION_LENGTH)?);
            if len > 0 {
                r.attempt(&f::OPTION_INSIDE, len, |r| option(r, m, code))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn option(r: &mut Reader<'_>, m: &Message<'_>, code: u16) -> Result<(), Stop> {
    match code {
        3 => rest(r, &f::NSID),
        5 => each_byte(r, &f::DAU),
        6 => each_byte(r, &f::DHU),
        7 => each_byte(r, &f::N3U),
        8 => subnet(r),
        9 => r.u32(&f::EXPIRE).map(|_| ()),
        10 => {
            r.bytes(&f::COOKIE_CLIENT, 8)?;
            rest(r, &f::COOKIE_SERVER)
        }
        11 => r.u16(&f::KEEPALIVE).map(|_| ()),
        12 => rest(r, &f::PADDING),
        13 => name::read(r, m, &f::CHAIN).map(|_| ()),
        14 => {
            while !r.is_empty() {
                r.u16(&f::KEY_TAG)?;
            }
            Ok(())
        }
        15 => {
            r.u16(&f::ERROR_CODE)?;
            match r.left() {
                0 => Ok(()),
                n => r.text(&f::ERROR_TEXT, n).map(|_| ()),
            }
        }
        18 => name::read(r, m, &f::AGENT).map(|_| ()),
        _ => rest(r, &f::OPTION_DATA),
    }
}

fn each_byte(r: &mut Reader<'_>, field: F) -> Result<(), Stop> {
    while !r.is_empty() {
        r.u8(field)?;
    }
    Ok(())
}

/// Client subnet (RFC 7871 §6): as many address bytes as the source prefix needs.
fn subnet(r: &mut Reader<'_>) -> Result<(), Stop> {
    let family = r.u16(&f::SUBNET_FAMILY)?;
    let prefix = r.u8(&f::SUBNET_SOURCE)?;
    r.u8(&f::SUBNET_SCOPE)?;
    let bytes = r.rest();
    let at: Span = r.span(bytes.len());
    let tail = bytes.last().copied().unwrap_or(0);
    let loose = match prefix % 8 {
        0 => 0,
        used => tail & (0xff >> used),
    };
    if bytes.len() != usize::from(prefix).div_ceil(8) || loose != 0 {
        r.note(&n::SUBNET, at);
    }
    if bytes.is_empty() {
        return Ok(());
    }
    match (family, bytes.len()) {
        (1, ..=4) => {
            let mut a = [0u8; 4];
            a.iter_mut().zip(bytes).for_each(|(a, b)| *a = *b);
            r.valued(&f::SUBNET_IPV4, bytes.len(), Value::Ip4(a)).map(|_| ())
        }
        (2, ..=16) => {
            let mut a = [0u8; 16];
            a.iter_mut().zip(bytes).for_each(|(a, b)| *a = *b);
            r.valued(&f::SUBNET_IPV6, bytes.len(), Value::Ip6(a)).map(|_| ())
        }
        _ => rest(r, &f::SUBNET_OTHER),
    }
}
