//! Times as lists show them.

use std::fmt::Write as _;

/// What a packet's time is counted from, and how it is written (tshark's `-t`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Count {
    /// Seconds since the first packet.
    #[default]
    Relative,
    /// Seconds since the packet before.
    Delta,
    /// Seconds since the packet that was printed before.
    DeltaDisplayed,
    /// Seconds since 1970-01-01 UTC.
    Epoch,
    /// Time of day, date and time, or year, day of the year and time.
    Calendar(Date),
}

/// How much of the date stands before the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Date {
    /// Nothing.
    Without,
    /// `2017-08-03`.
    Day,
    /// `2017/215`.
    DayOfYear,
}

/// How a packet's time is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeStyle {
    /// Counted from what, written how.
    pub count: Count,
    /// Calendar times in UTC, not in the time zone of this computer.
    pub utc: bool,
    /// Decimals; `None`: as many as the capture's clock has.
    pub digits: Option<u8>,
}

/// Nanoseconds since the epoch as seconds with nine decimals.
#[must_use]
pub fn seconds(ns: i64) -> String {
    let (sign, n) = if ns < 0 { ("-", ns.unsigned_abs()) } else { ("", ns.unsigned_abs()) };
    format!("{sign}{}.{:09}", n / 1_000_000_000, n % 1_000_000_000)
}

/// Date and time in UTC with microseconds: `2026-11-23 04:12:07.123456Z`.
#[must_use]
pub fn utc(ns: i64) -> String {
    let (secs, nanos) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (days, day) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (y, m, d) = civil(days);
    let mut s = String::new();
    // Writing to a String cannot fail.
    let _ = write!(s, "{y:04}-{m:02}-{d:02} {:02}:{:02}:{:02}.{:06}Z", day / 3600, day / 60 % 60, day % 60, nanos / 1000);
    s
}

/// Date and time in UTC as ISO 8601 (RFC 3339) with the digits it has: `2026-11-23T04:12:07.123456789Z`.
#[must_use]
pub fn iso(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns)).map(|t| t.to_string()).unwrap_or_default()
}

/// Date and time where this computer is, as Wireshark writes it in full: `Aug  3, 2017 14:34:37.471635000 UTC`.
#[must_use]
pub fn long(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns))
        .map(|t| t.to_zoned(jiff::tz::TimeZone::system()).strftime("%b %e, %Y %H:%M:%S.%9f %Z").to_string())
        .unwrap_or_default()
}

/// Date and time in UTC with nine digits whatever they are: `2017-08-03T14:34:37.471635000Z`.
#[must_use]
pub fn iso_nanos(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns)).map(|t| format!("{t:.9}")).unwrap_or_default()
}

/// Nanoseconds since the epoch of a date and time with its offset (RFC 3339); `None` where it is none, or beyond what 64 bits hold.
#[must_use]
pub fn from_iso(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// Days since the epoch as year, month, day in the proleptic Gregorian calendar (years begin in March, eras of 400 years).
const fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + if m <= 2 { 1 } else { 0 }, m, d)
}

impl TimeStyle {
    /// Reads `ad`, `r.3`, `.6`; `None` where it is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<TimeStyle> {
        let (name, digits) = match text.split_once('.') {
            Some((name, digits)) => (name, Some(digits.parse().ok().filter(|d| *d <= 9)?)),
            None => (text, None),
        };
        let (count, utc) = match name {
            "" | "r" => (Count::Relative, false),
            "d" => (Count::Delta, false),
            "dd" => (Count::DeltaDisplayed, false),
            "e" => (Count::Epoch, false),
            "a" => (Count::Calendar(Date::Without), false),
            "ad" => (Count::Calendar(Date::Day), false),
            "adoy" => (Count::Calendar(Date::DayOfYear), false),
            "u" => (Count::Calendar(Date::Without), true),
            "ud" => (Count::Calendar(Date::Day), true),
            "udoy" => (Count::Calendar(Date::DayOfYear), true),
            _ => return None,
        };
        Some(TimeStyle { count, utc, digits })
    }

    /// The time of a row; `clock` is how many decimals its clock has.
    #[must_use]
    pub fn show(self, t: &Times, clock: u8) -> String {
        if t.time == i64::MIN {
            return "no time".into();
        }
        let digits = usize::from(self.digits.unwrap_or(clock).min(9));
        match self.count {
            Count::Relative => decimal(t.relative, digits),
            Count::Delta => decimal(t.delta, digits),
            Count::DeltaDisplayed => decimal(t.delta_displayed, digits),
            Count::Epoch => decimal(t.time, digits),
            Count::Calendar(date) => calendar(t.time, date, self.utc, digits),
        }
    }
}

/// The times of a row, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Since 1970-01-01 UTC; `i64::MIN` where it has none.
    pub time: i64,
    /// Since the first packet.
    pub relative: i64,
    /// Since the packet before.
    pub delta: i64,
    /// Since the packet that was printed before.
    pub delta_displayed: i64,
}

/// Nanoseconds as seconds with so many decimals, cut, not rounded.
fn decimal(ns: i64, digits: usize) -> String {
    let mut s = seconds(ns);
    s.truncate(s.len().saturating_sub(if digits == 0 { 10 } else { 9_usize.saturating_sub(digits) }));
    s
}

fn calendar(ns: i64, date: Date, utc: bool, digits: usize) -> String {
    let Ok(t) = jiff::Timestamp::from_nanosecond(i128::from(ns)) else { return String::new() };
    let zone = if utc { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    let form = match date {
        Date::Without => "%H:%M:%S.%9f",
        Date::Day => "%Y-%m-%d %H:%M:%S.%9f",
        Date::DayOfYear => "%Y/%j %H:%M:%S.%9f",
    };
    let mut s = t.to_zoned(zone).strftime(form).to_string();
    s.truncate(s.len().saturating_sub(if digits == 0 { 10 } else { 9_usize.saturating_sub(digits) }));
    if utc {
        s.push('Z');
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00.000000Z");
        assert_eq!(utc(951_782_400_000_000_000), "2000-02-29 00:00:00.000000Z");
        assert_eq!(utc(1_795_407_127_123_456_789), "2026-11-23 04:12:07.123456Z");
        assert_eq!(utc(-1_000), "1969-12-31 23:59:59.999999Z");
    }

    #[test]
    fn styles_are_those_of_tshark() {
        let t = Times { time: 1_501_770_877_500_707_000, relative: 29_072_000, delta: -1_000_000, delta_displayed: 1_500 };
        for (style, shown) in [
            ("r", "0.029072"),
            (".3", "0.029"),
            ("d", "-0.001000"),
            ("dd.9", "0.000001500"),
            ("e.0", "1501770877"),
            ("u", "14:34:37.500707Z"),
            ("ud", "2017-08-03 14:34:37.500707Z"),
            ("udoy.1", "2017/215 14:34:37.5Z"),
        ] {
            assert_eq!(TimeStyle::parse(style).expect(style).show(&t, 6), shown, "{style}");
        }
        for wrong in ["x", "r.10", "r.", "ad.x"] {
            assert_eq!(TimeStyle::parse(wrong), None, "{wrong}");
        }
        let none = Times { time: i64::MIN, ..Times::default() };
        assert_eq!(TimeStyle::default().show(&none, 6), "no time");
    }
}
