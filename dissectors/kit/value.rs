//! Values of fields, and how they are written for people.

use crate::field::{F, Kind};
use crate::span::Span;
use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Bytes meant as text; headers may be Latin-1 or worse, so this shows them without failing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<'a>(pub &'a [u8]);

impl<'a> Text<'a> {
    /// The bytes as they were.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// As a string where it is UTF-8.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        std::str::from_utf8(self.0).ok()
    }

    /// Case-insensitive comparison in ASCII.
    #[must_use]
    pub fn is(self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.as_bytes())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_text(f, self.0)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Writes bytes as text on one line: UTF-8 as it is, control characters and broken bytes as `\r`, `\x1b` ...
///
/// # Errors
/// Only those of the writer.
pub fn write_text(f: &mut dyn fmt::Write, bytes: &[u8]) -> fmt::Result {
    // Nearly always all of it is printable ASCII.
    if bytes.len() <= 4096 && bytes.iter().fold(true, |plain, b| plain & matches!(b, b' '..=b'~')) {
        return f.write_str(std::str::from_utf8(bytes).unwrap_or_default());
    }
    let plain = bytes.iter().position(|b| !matches!(b, b' '..=b'~')).unwrap_or(bytes.len());
    let (head, bytes) = bytes.split_at_checked(plain).unwrap_or((&[], bytes));
    f.write_str(std::str::from_utf8(head).unwrap_or_default())?;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\r' => f.write_str("\\r")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() || is_bidi_control(c) => write!(f, "\\u{{{:x}}}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        for b in chunk.invalid() {
            write!(f, "\\x{b:02x}")?;
        }
    }
    Ok(())
}

/// Direction overrides could make a list row lie about what it shows.
const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing besides the bytes of the span: a group, or text and bytes read from the buffer when shown.
    #[default]
    Span,
    /// Yes or no.
    Bool(bool),
    /// A number.
    U64(u64),
    /// A signed number, a duration or a time in nanoseconds.
    I64(i64),
    /// Text that is not in the bytes as it stands (a joined name, a translation).
    Str(Box<str>),
    /// Bytes that are not in the buffer as they stand.
    Blob(Box<[u8]>),
    /// An IPv4 address.
    Ip4([u8; 4]),
    /// An IPv6 address.
    Ip6([u8; 16]),
    /// A MAC address.
    Mac([u8; 6]),
    /// Another place in the bytes.
    Place(Span),
}

impl From<&str> for Value {
    fn from(s: &str) -> Value {
        Value::Str(s.into())
    }
}

impl From<String> for Value {
    fn from(s: String) -> Value {
        Value::Str(s.into())
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Value {
        Value::U64(n)
    }
}

/// Writes a value of `field` for people; `bytes` are those of its span (may be shorter if cut).
#[must_use]
pub fn display(field: F, value: &Value, bytes: &[u8]) -> String {
    let mut s = String::new();
    // Writing to a String cannot fail.
    let _ = write_value(&mut s, field, value, bytes);
    s
}

fn write_value(s: &mut String, field: F, value: &Value, bytes: &[u8]) -> fmt::Result {
    match value {
        Value::Span => match field.kind {
            Kind::Group => Ok(()),
            Kind::Text => write_text(s, bytes),
            _ => write_hex(s, bytes, 32),
        },
        Value::Bool(b) => s.write_str(if *b { "yes" } else { "no" }),
        Value::U64(n) => {
            if let Some(name) = field.name_of(*n) {
                return match field.kind {
                    Kind::Hex => write!(s, "{name} (0x{n:0w$x})", w = (bytes.len() * 2).clamp(2, 16)),
                    _ => write!(s, "{name} ({n})"),
                };
            }
            match field.kind {
                Kind::Hex => write!(s, "0x{n:0w$x}", w = (bytes.len() * 2).clamp(2, 16)),
                Kind::Bool => s.write_str(if *n == 0 { "no" } else { "yes" }),
                Kind::Duration => write_duration(s, *n as i64),
                _ => write!(s, "{n}"),
            }
        }
        Value::I64(n) => match field.kind {
            Kind::Duration => write_duration(s, *n),
            Kind::Time => write_time(s, *n),
            _ => write!(s, "{n}"),
        },
        Value::Str(t) => write_text(s, t.as_bytes()),
        Value::Blob(b) if field.kind == Kind::Text => write_text(s, b),
        Value::Blob(b) => write_hex(s, b, 32),
        Value::Ip4(a) => write!(s, "{}", Ipv4Addr::from(*a)),
        Value::Ip6(a) => write!(s, "{}", Ipv6Addr::from(*a)),
        Value::Mac([a, b, c, d, e, g]) => write!(s, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"),
        Value::Place(p) => write!(s, "bytes {}–{}", p.at, p.end().saturating_sub(1)),
    }
}

fn write_hex(s: &mut String, bytes: &[u8], most: usize) -> fmt::Result {
    for (i, b) in bytes.iter().take(most).enumerate() {
        if i > 0 {
            s.push(' ');
        }
        write!(s, "{b:02x}")?;
    }
    if bytes.len() > most {
        write!(s, " … {} bytes", bytes.len())?;
    }
    Ok(())
}

/// A moment, nanoseconds since 1970, as `2026-11-23 04:49:51.25 UTC` (proleptic Gregorian calendar, days without leap seconds).
///
/// # Errors
/// Only those of the writer.
pub fn write_time(s: &mut dyn fmt::Write, ns: i64) -> fmt::Result {
    let (seconds, fraction) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years begin in March here, so that the leap day is the last of its year; 719,468 days lie between year 0 and 1970.
    let day = day.saturating_add(719_468);
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + late;
    write!(s, "{year:04}-{month:02}-{of_month:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
    if fraction > 0 {
        let digits = format!("{fraction:09}");
        write!(s, ".{}", digits.trim_end_matches('0'))?;
    }
    s.write_str(" UTC")
}

/// Nanoseconds in the unit a person would choose: 24 ms, 1.52 s.
///
/// # Errors
/// Only those of the writer.
pub fn write_duration(s: &mut dyn fmt::Write, ns: i64) -> fmt::Result {
    let (sign, n) = if ns < 0 { ("-", ns.unsigned_abs()) } else { ("", ns.unsigned_abs()) };
    let (unit, div) = match n {
        0..1_000 => return write!(s, "{sign}{n} ns"),
        1_000..1_000_000 => ("µs", 1e3),
        1_000_000..1_000_000_000 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    let v = n as f64 / div;
    if v < 10.0 {
        write!(s, "{sign}{v:.2} {unit}")
    } else if v < 100.0 {
        write!(s, "{sign}{v:.1} {unit}")
    } else {
        write!(s, "{sign}{v:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::write_time;

    #[test]
    fn times_are_written_as_a_calendar_has_them() {
        for (ns, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59.999999999 UTC"),
            (951_782_400_000_000_000, "2000-02-29 00:00:00 UTC"),
            (1_796_581_317_250_000_000, "2026-12-06 18:21:57.25 UTC"),
            (4_107_542_399_000_000_000, "2100-02-28 23:59:59 UTC"),
            (i64::MAX, "2262-04-11 23:47:16.854775807 UTC"),
            (i64::MIN, "1677-09-21 00:12:43.145224192 UTC"),
        ] {
            let mut s = String::new();
            write_time(&mut s, ns).unwrap();
            assert_eq!(s, text);
        }
    }
}
