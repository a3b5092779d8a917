//! Literals: what is written without being a name, read as the type that it is compared with.

use crate::error::Error;
use crate::time;
use crate::types::Type;
use crate::val::Val;
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use wirelore_kit::Names;
use wirelore_kit::near::distance;

/// A literal as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    /// Without quotes.
    Word(String),
    /// In double quotes.
    Text(Vec<u8>),
    /// In single quotes.
    Char(u8),
}

/// What a literal is compared with.
pub(crate) struct Beside<'b> {
    /// How the other side is written: "tcp.port".
    pub what: &'b str,
    /// Its type.
    pub of: Type,
    /// Names of its values.
    pub values: Names,
}

type Read = Result<Val<'static>, Error>;

/// Reads a literal as what it stands beside.
pub(crate) fn read(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    match beside.of {
        Type::Bool => yes_or_no(written, at, beside),
        Type::Unsigned | Type::Signed | Type::Char => number(written, at, beside),
        Type::Text => Ok(Val::Text(Cow::Owned(text(written)))),
        Type::Bytes | Type::Protocol => bytes(written, at),
        Type::Mac => mac(written, at, beside),
        Type::Ipv4 => ip4(written, at, beside),
        Type::Ipv6 => ip6(written, at, beside),
        Type::Address => either_ip(written, at, beside),
        Type::Duration | Type::Float => duration(written, at, beside),
        Type::Time => moment(written, at, beside),
        Type::Nothing => Err(Error::new(
            at.clone(),
            format!("{} has no value to compare with.", beside.what),
            "It is there or it is not.",
            format!("Write {} alone, or !{0}.", beside.what),
        )),
    }
}

fn text(written: &Written) -> Vec<u8> {
    match written {
        Written::Word(w) => w.clone().into_bytes(),
        Written::Text(t) => t.clone(),
        Written::Char(c) => vec![*c],
    }
}

/// How a literal is shown in an error.
fn shown(written: &Written) -> String {
    match written {
        Written::Word(w) => format!("\"{w}\""),
        Written::Text(t) => format!("\"{}\"", String::from_utf8_lossy(t)),
        Written::Char(c) => format!("'{}'", char::from(*c)),
    }
}

/// "ip.src is an IPv4 address, and "GET" is none."
fn mismatch(written: &Written, at: &Range<usize>, beside: &Beside<'_>, to_do: impl Into<String>) -> Error {
    let what = format!("{} is {}, and {} is none.", beside.what, beside.of.words(), shown(written));
    let why = match written {
        Written::Text(_) if !matches!(beside.of, Type::Time) => "What stands in quotes is text.",
        _ => "",
    };
    Error::new(at.clone(), what, why, to_do)
}

/// The number of a value's name, whatever its case.
fn named(written: &Written, values: Names) -> Option<i128> {
    let text = match written {
        Written::Word(w) => w.as_bytes(),
        Written::Text(t) => t,
        Written::Char(_) => return None,
    };
    values.iter().find(|(_, n)| n.as_bytes().eq_ignore_ascii_case(text)).map(|(v, _)| (*v).into())
}

/// A whole number as C writes it: 10, 0x0a, 012, 0b1010, with a sign.
pub(crate) fn whole(word: &str) -> Option<i128> {
    let (negative, digits) = word.strip_prefix('-').map_or((false, word.strip_prefix('+').unwrap_or(word)), |d| (true, d));
    let after = |p: [&str; 2]| p.iter().find_map(|p| digits.strip_prefix(p));
    let (digits, radix) = if let Some(d) = after(["0x", "0X"]) {
        (d, 16)
    } else if let Some(d) = after(["0b", "0B"]) {
        (d, 2)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (digits.get(1..)?, 8)
    } else {
        (digits, 10)
    };
    // A sign inside is none.
    let n = digits.starts_with(|c: char| c.is_ascii_alphanumeric()).then(|| i128::from_str_radix(digits, radix).ok())??;
    Some(if negative { n.checked_neg()? } else { n })
}

fn number(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    if let Some(n) = named(written, beside.values) {
        return Ok(Val::Number(n));
    }
    let n = match written {
        Written::Char(c) => Some(i128::from(*c)),
        Written::Word(w) => whole(w),
        Written::Text(_) => None,
    };
    let Some(n) = n else {
        let near = near_values(written, beside.values);
        let (why, to_do) = match (written, beside.values) {
            (Written::Word(w), _) if w.parse::<f64>().is_ok() => {
                ("It is a whole number.".to_owned(), format!("Write {} == {}.", beside.what, w.split('.').next().unwrap_or("1")))
            }
            (_, []) => (quoted(written), format!("Write {} == 80, 0x50 or 0b101.", beside.what)),
            (_, names) => (
                "It is a number, and none of its values is called so.".to_owned(),
                format!("Write a number, or one of its names: {}.", some_of(&near, names)),
            ),
        };
        let what = format!("{} is {}, and {} is none.", beside.what, beside.of.words(), shown(written));
        return Err(Error { nearest: near, ..Error::new(at.clone(), what, why, to_do) });
    };
    if n < 0 && beside.of == Type::Unsigned {
        return Err(Error::new(
            at.clone(),
            format!("{} is never below zero.", beside.what),
            "It is a number without a sign.",
            format!("Write {} == 0.", beside.what),
        ));
    }
    Ok(Val::Number(n))
}

fn quoted(written: &Written) -> String {
    if matches!(written, Written::Text(_)) { "What stands in quotes is text.".into() } else { String::new() }
}

/// Names of values near what is written.
fn near_values(written: &Written, values: Names) -> Vec<String> {
    let text = String::from_utf8_lossy(&text(written)).to_lowercase();
    let mut scored: Vec<(usize, &str)> = Vec::new();
    for (_, name) in values {
        let lower = name.to_lowercase();
        let near = distance(&text, &lower);
        if near <= 2 || (!text.is_empty() && lower.contains(&text)) {
            scored.push((near, name));
        }
    }
    scored.sort_unstable();
    scored.dedup();
    scored.into_iter().take(5).map(|(_, n)| format!("\"{n}\"")).collect()
}

/// A few names of values, the near ones first.
fn some_of(near: &[String], values: Names) -> String {
    if !near.is_empty() {
        return near.join(", ");
    }
    let mut names: Vec<String> = values.iter().take(4).map(|(_, n)| format!("\"{n}\"")).collect();
    if values.len() > 4 {
        names.push("...".into());
    }
    names.join(", ")
}

fn yes_or_no(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    if let Some(n) = named(written, beside.values) {
        return Ok(Val::Number(n));
    }
    let lower = String::from_utf8_lossy(&text(written)).to_ascii_lowercase();
    let n = match (written, lower.as_str()) {
        (Written::Char(c), _) => Some(i128::from(*c)),
        (_, "true" | "yes" | "set") => Some(1),
        (_, "false" | "no" | "not set") => Some(0),
        (Written::Word(w), _) => whole(w),
        (Written::Text(_), _) => None,
    };
    // Every number but zero is yes.
    let n = n.ok_or_else(|| mismatch(written, at, beside, format!("Write {} == True, or False; or 1, or 0.", beside.what)))?;
    Ok(Val::Number(i128::from(n != 0)))
}

/// Bytes in hexadecimal: pairs of digits with `:`, `-` or `.` between them (a single digit may stand alone there), or without any.
pub(crate) fn hex(word: &str) -> Option<Vec<u8>> {
    let mark = word.chars().find(|c| matches!(c, ':' | '-' | '.'));
    let byte = |d: &str| u8::from_str_radix(d, 16).ok().filter(|_| d.bytes().all(|b| b.is_ascii_hexdigit()));
    match mark {
        Some(mark) => {
            let parts: Vec<&str> = word.split(mark).collect();
            // Groups of two bytes (0080.41ae.fd7e) are told by their length.
            if parts.iter().all(|p| p.len() == 4) {
                return hex(&parts.concat());
            }
            parts.iter().map(|p| if (1..=2).contains(&p.len()) { byte(p) } else { None }).collect()
        }
        None if word.is_empty() || !word.len().is_multiple_of(2) => None,
        None => (0..word.len()).step_by(2).map(|i| word.get(i..i.saturating_add(2)).and_then(byte)).collect(),
    }
}

fn bytes(written: &Written, at: &Range<usize>) -> Read {
    let word = match written {
        Written::Text(t) => return Ok(Val::Bytes(Cow::Owned(t.clone()))),
        Written::Char(c) => return Ok(Val::Bytes(Cow::Owned(vec![*c]))),
        Written::Word(w) => w,
    };
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return match u8::from_str_radix(digits, 16) {
            Ok(b) if digits.len() <= 2 => Ok(Val::Bytes(Cow::Owned(vec![b]))),
            _ => Err(Error::new(
                at.clone(),
                format!("\"{word}\" is not one byte."),
                "A number of more bytes would need a byte order.",
                "Write the bytes one by one: 00:ff:a0.",
            )),
        };
    }
    // A single digit is a byte too.
    let one = (word.len() == 1).then(|| u8::from_str_radix(word, 16).ok()).flatten();
    let bytes = hex(word).or(one.map(|b| vec![b]));
    bytes.map(|b| Val::Bytes(Cow::Owned(b))).ok_or_else(|| {
        Error::new(
            at.clone(),
            format!("\"{word}\" is neither bytes nor text."),
            "Bytes are pairs of hexadecimal digits; text stands in quotes.",
            format!("Write \"{word}\" in quotes, or bytes as 47:45:54."),
        )
    })
}

fn mac(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    let bytes = match written {
        Written::Word(w) => hex(w),
        Written::Text(t) => std::str::from_utf8(t).ok().and_then(hex),
        Written::Char(_) => None,
    };
    let example = format!("Write {} == 00:11:22:aa:bb:cc.", beside.what);
    match bytes {
        Some(b) if b.len() == 6 => Ok(Val::Bytes(Cow::Owned(b))),
        Some(b) if b.len() < 6 => Err(Error::new(
            at.clone(),
            format!("{} bytes are too few for a MAC address.", b.len()),
            "It has six.",
            format!("{example} Or compare a part: {}[0:{}] == {}.", beside.what, b.len(), spelt(&b)),
        )),
        Some(b) => {
            Err(Error::new(at.clone(), format!("{} bytes are too many for a MAC address.", b.len()), "It has six.", example))
        }
        None => Err(mismatch(written, at, beside, example)),
    }
}

/// Bytes as they are written in filters.
pub(crate) fn spelt(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
}

/// An address and its bits, where a stroke says so.
fn net<'w>(word: &'w str, at: &Range<usize>, most: u8) -> Result<(&'w str, u8), Error> {
    let Some((address, bits)) = word.split_once('/') else { return Ok((word, most)) };
    match bits.parse::<u8>() {
        Ok(n) if n <= most => Ok((address, n)),
        _ => Err(Error::new(
            at.clone(),
            format!("A net can not have {bits} bits."),
            format!("Behind the stroke stands how many of its first bits count, at most {most}."),
            format!("Write {address}/{}.", if most == 32 { 24 } else { 64 }),
        )),
    }
}

fn word_of(written: &Written) -> Option<Cow<'_, str>> {
    match written {
        Written::Word(w) => Some(Cow::Borrowed(w)),
        // Quotes around an address are a slip that has one meaning only.
        Written::Text(t) => std::str::from_utf8(t).ok().map(Cow::Borrowed),
        Written::Char(_) => None,
    }
}

fn ip4(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    let example = format!("Write {} == 10.0.0.1 or {0} == 10.0.0.0/8.", beside.what);
    let Some(word) = word_of(written) else { return Err(mismatch(written, at, beside, example)) };
    let (address, bits) = net(&word, at, 32)?;
    if let Ok(ip) = address.parse::<Ipv4Addr>() {
        return Ok(Val::Ip4(ip.into(), bits));
    }
    Err(no_address(written, at, beside, address, example))
}

fn ip6(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    let example = format!("Write {} == 2001:db8::1 or {0} == 2001:db8::/32.", beside.what);
    let Some(word) = word_of(written) else { return Err(mismatch(written, at, beside, example)) };
    let (address, bits) = net(&word, at, 128)?;
    if let Ok(ip) = address.parse::<Ipv6Addr>() {
        return Ok(Val::Ip6(ip.into(), bits));
    }
    Err(no_address(written, at, beside, address, example))
}

fn either_ip(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    let six = word_of(written).is_some_and(|w| w.contains(':'));
    if six { ip6(written, at, beside) } else { ip4(written, at, beside) }
}

fn no_address(written: &Written, at: &Range<usize>, beside: &Beside<'_>, address: &str, example: String) -> Error {
    let mut e = mismatch(written, at, beside, example);
    let instead =
        |from: &str, to: &str| if beside.what.starts_with(from) { beside.what.replacen(from, to, 1) } else { String::new() };
    let digits = address.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if address.parse::<Ipv6Addr>().is_ok() {
        e.why = "It is an IPv6 address.".into();
        e.nearest.push(instead("ip.", "ipv6."));
    } else if address.parse::<Ipv4Addr>().is_ok() {
        e.why = "It is an IPv4 address.".into();
        e.nearest.push(instead("ipv6.", "ip."));
    } else if digits && address.contains('.') {
        e.why = "An IPv4 address has four numbers from 0 to 255.".into();
    } else if matches!(written, Written::Word(_)) && address.contains(|c: char| c.is_ascii_alphabetic()) && !address.contains(':')
    {
        e.why = "Names of hosts are not looked up: a filter must not send anything.".into();
    }
    e.nearest.retain(|n| !n.is_empty());
    if let [other] = e.nearest.as_slice() {
        e.what_to_do = format!("Write {other} == {address}.");
    }
    e
}

/// Nanoseconds of a number of seconds, with a unit if one is written.
fn nanos(word: &str) -> Option<i128> {
    let units: [(&str, i128); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("min", 60_000_000_000),
        ("s", 1_000_000_000),
        ("", 1_000_000_000),
    ];
    let (digits, unit) = units.iter().find_map(|(u, n)| Some((word.strip_suffix(u)?, *n)))?;
    let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |d| (true, d));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |d: &str| d.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !plain(whole) || !plain(part) || whole.len() > 15 || part.len() > 18 {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()? };
    let scale = 10i128.checked_pow(part.len() as u32)?;
    let part = if part.is_empty() { 0 } else { part.parse::<i128>().ok()? };
    let n = whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)?.checked_div(scale)?)?;
    Some(if negative { n.checked_neg()? } else { n })
}

fn duration(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    let n = if let Written::Word(w) = written { nanos(w) } else { None };
    n.map(Val::Nanos).ok_or_else(|| mismatch(written, at, beside, format!("Write {} > 0.25, or 250ms.", beside.what)))
}

fn moment(written: &Written, at: &Range<usize>, beside: &Beside<'_>) -> Read {
    let read = match written {
        Written::Word(w) => time::read(w).or_else(|| nanos(w).filter(|_| !w.contains(char::is_alphabetic))),
        Written::Text(t) => std::str::from_utf8(t).ok().and_then(time::read),
        Written::Char(_) => None,
    };
    read.map(Val::Nanos).ok_or_else(|| {
        mismatch(
            written,
            at,
            beside,
            format!("Write {} > \"2026-11-23 12:34:56.789\" (UTC), with Z or +02:00 behind it if you like.", beside.what),
        )
    })
}
