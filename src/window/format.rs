//! Numbers, sizes, durations and times as people read them.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// How the time column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TimeFormat {
    /// Seconds since the first packet.
    #[default]
    SinceStart,
    /// Seconds since the packet before.
    SincePrevious,
    /// Time of day here.
    Clock,
    /// Date and time, UTC.
    Utc,
}

impl TimeFormat {
    /// All, in the order of menus.
    pub const ALL: [TimeFormat; 4] = [TimeFormat::SinceStart, TimeFormat::SincePrevious, TimeFormat::Clock, TimeFormat::Utc];

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            TimeFormat::SinceStart => "Since first packet",
            TimeFormat::SincePrevious => "Since previous row",
            TimeFormat::Clock => "Time of day",
            TimeFormat::Utc => "Date and time (UTC)",
        }
    }

    /// The head of a time column, with its unit.
    #[must_use]
    pub const fn head(self) -> &'static str {
        match self {
            TimeFormat::SinceStart => "Time, s",
            TimeFormat::SincePrevious => "Delta, s",
            TimeFormat::Clock => "Time of day",
            TimeFormat::Utc => "Time, UTC",
        }
    }

    /// Width of the column in characters, in a capture that spans `span` nanoseconds.
    #[must_use]
    pub fn chars(self, span: i64) -> f32 {
        match self {
            TimeFormat::SinceStart | TimeFormat::SincePrevious => (seconds(span).chars().count() as f32).max(8.5),
            TimeFormat::Clock => 15.0,
            TimeFormat::Utc => 26.0,
        }
    }

    /// Writes a time (nanoseconds since the epoch; `i64::MIN` for none), given that of the first packet and of the row before.
    #[must_use]
    pub fn write(self, time: i64, start: i64, previous: Option<i64>) -> String {
        if time == i64::MIN {
            return "no time".into();
        }
        match self {
            TimeFormat::SinceStart => seconds(time.saturating_sub(if start == i64::MIN { time } else { start })),
            TimeFormat::SincePrevious => seconds(previous.filter(|p| *p != i64::MIN).map_or(0, |p| time.saturating_sub(p))),
            TimeFormat::Clock => moment(time, "%H:%M:%S%.6f", &TimeZone::system()),
            TimeFormat::Utc => moment(time, "%Y-%m-%d %H:%M:%S%.6f", &TimeZone::UTC),
        }
    }
}

/// A moment (nanoseconds since the epoch) in a pattern of `strftime`.
#[must_use]
pub fn moment(time: i64, pattern: &str, zone: &TimeZone) -> String {
    Timestamp::from_nanosecond(i128::from(time))
        .map_or_else(|_| "no time".into(), |t| t.to_zoned(zone.clone()).strftime(pattern).to_string())
}

/// Nanoseconds as seconds with six places: "12.034567".
#[must_use]
pub fn seconds(ns: i64) -> String {
    let sign = if ns < 0 { "−" } else { "" };
    let n = ns.unsigned_abs();
    format!("{sign}{}.{:06}", n / 1_000_000_000, n % 1_000_000_000 / 1_000)
}

/// A number with a thin space between thousands: "12 034".
#[must_use]
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut s = String::with_capacity(digits.len() + 6);
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            s.push('\u{2009}');
        }
        s.push(d);
    }
    s
}

/// "1 packet", "12 034 packets".
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", number(n)) }
}

/// Bytes in the unit a person would choose: "812 B", "1.4 kB", "23 MB" (powers of 1000).
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut v = bytes as f64;
    let mut unit = "B";
    for u in units {
        v /= 1000.0;
        unit = u;
        if v < 999.5 {
            break;
        }
    }
    if v < 9.95 { format!("{v:.1} {unit}") } else { format!("{v:.0} {unit}") }
}

/// A duration (nanoseconds) in the unit a person would choose: "24.1 ms".
#[must_use]
pub fn duration(ns: i64) -> String {
    let mut s = String::new();
    // Writing to a String cannot fail.
    let _ = wirelore_kit::value::write_duration(&mut s, ns);
    s
}

/// A range of bytes: "byte 34", "bytes 34–35".
#[must_use]
pub fn range(span: &wirelore_kit::Span) -> String {
    if span.len == 1 { format!("byte {}", span.at) } else { format!("bytes {}–{}", span.at, span.end().saturating_sub(1)) }
}

/// Bytes as hexadecimal pairs, at most `most` of them.
#[must_use]
pub fn hex(bytes: &[u8], most: usize) -> String {
    let mut s = String::new();
    for (i, b) in bytes.iter().take(most).enumerate() {
        if i > 0 {
            s.push(' ');
        }
        let _ = write!(s, "{b:02x}");
    }
    if bytes.len() > most {
        s.push_str(" …");
    }
    s
}

/// The address of an RFC's section: "RFC 9110 §7.2" is `https://www.rfc-editor.org/rfc/rfc9110#section-7.2`.
#[must_use]
pub fn rfc_url(source: &str) -> Option<String> {
    let rest = source.strip_prefix("RFC ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let number: u32 = digits.parse().ok()?;
    let section: String = rest
        .split_once('§')
        .map(|(_, s)| s.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect())
        .unwrap_or_default();
    let section = section.trim_end_matches('.');
    let anchor = if section.is_empty() { String::new() } else { format!("#section-{section}") };
    Some(format!("https://www.rfc-editor.org/rfc/rfc{number}{anchor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_thin_spaces_from_five_digits_on() {
        assert_eq!(
            ["0", "1234", "12\u{2009}345", "5\u{2009}000\u{2009}000"],
            [0, 1234, 12_345, 5_000_000].map(number).each_ref().map(String::as_str)
        );
    }

    #[test]
    fn an_rfc_leads_to_its_section_and_other_sources_to_nothing() {
        assert_eq!(rfc_url("RFC 9110 §7.2.").as_deref(), Some("https://www.rfc-editor.org/rfc/rfc9110#section-7.2"));
        assert_eq!(rfc_url("RFC 768").as_deref(), Some("https://www.rfc-editor.org/rfc/rfc768"));
        assert_eq!(rfc_url("IEEE 802.3"), None);
    }

    #[test]
    fn sizes_never_say_1000_of_a_unit() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_449), "1.4 kB");
        assert_eq!(size(999_600), "1.0 MB");
        assert_eq!(size(23_000_000), "23 MB");
        assert_eq!(size(u64::MAX), "18 EB");
    }

    #[test]
    fn times_before_the_start_are_negative_and_missing_times_say_so() {
        let f = TimeFormat::SinceStart;
        assert_eq!(f.write(1_500_000_000, 1_000_000_000, None), "0.500000");
        assert_eq!(f.write(1_000_000_000, 1_500_000_000, None), "−0.500000");
        assert_eq!(f.write(i64::MIN, 0, None), "no time");
        assert_eq!(TimeFormat::Utc.write(0, 0, None), "1970-01-01 00:00:00.000000");
        assert_eq!(TimeFormat::SincePrevious.write(5_000, 0, Some(2_000)), "0.000003");
        assert_eq!(TimeFormat::Utc.write(i64::MAX, 0, None).get(..4), Some("2262"));
    }
}
