//! Times as lists show them.

use std::fmt::Write as _;

/// How a packet's time is shown (tshark's `-t`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeStyle {
    /// Seconds since the first packet.
    #[default]
    Relative,
    /// Date and time in UTC.
    Utc,
    /// Seconds since the packet before.
    Delta,
    /// Seconds since 1970-01-01 UTC.
    Epoch,
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
    /// The time of a row: `time` its own, `first` of the first packet, `before` of the packet before.
    #[must_use]
    pub fn show(self, time: i64, first: i64, before: i64) -> String {
        if time == i64::MIN {
            return "no time".into();
        }
        match self {
            TimeStyle::Relative => micros(time.saturating_sub(first)),
            TimeStyle::Delta => micros(time.saturating_sub(before)),
            TimeStyle::Utc => utc(time),
            TimeStyle::Epoch => seconds(time),
        }
    }
}

/// Nanoseconds as seconds with six decimals, or nine where the clock is finer.
fn micros(ns: i64) -> String {
    let (sign, n) = if ns < 0 { ("-", ns.unsigned_abs()) } else { ("", ns.unsigned_abs()) };
    if n.is_multiple_of(1000) {
        format!("{sign}{}.{:06}", n / 1_000_000_000, n / 1000 % 1_000_000)
    } else {
        format!("{sign}{}.{:09}", n / 1_000_000_000, n % 1_000_000_000)
    }
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
    fn a_clock_that_runs_back_shows_a_negative_time() {
        assert_eq!(TimeStyle::Relative.show(5_000, 1_005_000, 0), "-0.001000");
        assert_eq!(TimeStyle::Delta.show(1_500, 0, 1_000), "0.000000500");
        assert_eq!(TimeStyle::Relative.show(i64::MIN, 0, 0), "no time");
    }
}
