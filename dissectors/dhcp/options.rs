//! DHCP options (RFC 2132 and many more): code, length, value.

use super::fields as f;
use wirelore_kit::{F, Kind, Reader, Stop, Value};

/// What the options said that the rest needs.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Option 53.
    pub kind: Option<u8>,
    /// Option 50.
    pub wanted: Option<[u8; 4]>,
    /// Option 12.
    pub host: Option<String>,
}

/// What option 52 says, if it is there: bit 0 the file name, bit 1 the server name holds options too (RFC 2132 §9.3).
pub(super) fn overload(area: &[u8]) -> u8 {
    let mut rest = area.get(4..).unwrap_or(&[]);
    while let [code, after @ ..] = rest {
        match (*code, after) {
            (0, _) => rest = after,
            (255, _) => break,
            (52, [1, bits, ..]) => return bits & 3,
            (_, [len, more @ ..]) => rest = more.get(usize::from(*len)..).unwrap_or(&[]),
            _ => break,
        }
    }
    0
}

/// Options up to the end mark; what follows it is padding.
pub(super) fn read(r: &mut Reader<'_>, said: &mut Said) -> Result<(), Stop> {
    while r.left() > 0 {
        let code = r.peek(1)?.first().copied().unwrap_or(0);
        if code == 0 || code == 255 {
            let zeros = r.rest().iter().take_while(|b| **b == 0).count();
            if code == 0 && zeros > 0 {
                r.bytes(&f::PADDING, zeros)?;
                continue;
            }
            r.group(&f::OPTION, |r| {
                r.u8(&f::CODE)?;
                r.title("End");
                Ok(())
            })?;
            if r.left() > 0 {
                r.bytes(&f::PADDING, r.left())?;
            }
            return Ok(());
        }
        let len = usize::from(r.peek(2)?.get(1).copied().unwrap_or(0));
        let there = len.saturating_add(2);
        if there > r.left() {
            let at = r.span(2);
            r.note(&f::CUT_OPTION, at);
            return r.unknown(r.left());
        }
        r.attempt(&f::OPTION, there, |r| option(r, code, said))?;
    }
    let at = r.span(0);
    r.note(&f::NO_END, at);
    Ok(())
}

fn option(r: &mut Reader<'_>, code: u8, said: &mut Said) -> Result<(), Stop> {
    r.u8(&f::CODE)?;
    if let Some(name) = f::CODE.name_of(u64::from(code)) {
        r.title(name);
    }
    let len = usize::from(r.u8(&f::LENGTH)?);
    match code {
        53 if len == 1 => said.kind = Some(r.u8(&f::KIND)?),
        50 if len == 4 => said.wanted = Some(r.ipv4(&f::WANTED)?),
        12 => said.host = Some(r.text(&f::HOST, len)?.to_string()),
        55 => {
            while r.left() > 0 {
                r.u8(&f::ASKED_FOR)?;
            }
        }
        61 if len >= 2 => {
            let kind = r.u8(&f::CLIENT_ID_TYPE)?;
            if kind == 1 && len == 7 {
                r.mac(&f::MAC)?;
            } else {
                r.bytes(&f::CLIENT_ID, r.left())?;
            }
        }
        81 if len >= 3 => {
            r.u8(&f::FQDN_FLAGS)?;
            r.u8(&f::FQDN_RCODE1)?;
            r.u8(&f::FQDN_RCODE2)?;
            r.text(&f::FQDN_NAME, r.left())?;
        }
        82 => sub_options(r)?,
        121 | 249 => {
            while r.left() > 0 {
                route(r)?;
            }
        }
        _ => match f::SHAPES.iter().find(|s| s.0 == code) {
            Some((_, field)) => shaped(r, field)?,
            None if len > 0 => {
                r.bytes(&f::VALUE, len)?;
            }
            None => {}
        },
    }
    Ok(())
}

/// A value of a known kind, or several of them in a row.
fn shaped(r: &mut Reader<'_>, field: F) -> Result<(), Stop> {
    match field.kind {
        Kind::Ipv4 => {
            while r.left() > 0 {
                r.ipv4(field)?;
            }
        }
        Kind::Duration => {
            let seconds = r.peek(4)?.iter().fold(0i64, |v, b| (v << 8) | i64::from(*b));
            r.valued(field, 4, Value::I64(seconds.saturating_mul(1_000_000_000)))?;
        }
        Kind::Dec | Kind::Hex => {
            r.uint(field, r.left().min(8))?;
        }
        Kind::Bool => {
            let yes = r.peek(1)?.first().is_some_and(|b| *b != 0);
            r.valued(field, 1, Value::Bool(yes))?;
        }
        Kind::Text => {
            r.text(field, r.left())?;
        }
        _ => {
            r.bytes(field, r.left())?;
        }
    }
    Ok(())
}

/// What a relay agent adds (RFC 3046 §2).
fn sub_options(r: &mut Reader<'_>) -> Result<(), Stop> {
    while r.left() >= 2 {
        let len = usize::from(r.peek(2)?.get(1).copied().unwrap_or(0)).saturating_add(2);
        r.within(&f::RELAY_OPTION, len, |r| {
            r.u8(&f::RELAY_CODE)?;
            r.u8(&f::SUB_LENGTH)?;
            if r.left() > 0 {
                r.bytes(&f::RELAY_VALUE, r.left())?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A route without classes (RFC 3442): prefix length, as many bytes of the prefix as that needs, router.
fn route(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.group(&f::ROUTE, |r| {
        let bits = r.u8(&f::ROUTE_BITS)?;
        let n = usize::from(bits.min(32)).div_ceil(8);
        let mut prefix = [0u8; 4];
        for (to, from) in prefix.iter_mut().zip(r.peek(n)?) {
            *to = *from;
        }
        if n > 0 {
            r.valued(&f::ROUTE_PREFIX, n, Value::Ip4(prefix))?;
        }
        r.ipv4(&f::ROUTE_ROUTER)?;
        let [a, b, c, d] = prefix;
        r.title(format!("{a}.{b}.{c}.{d}/{bits}"));
        Ok(())
    })
}
