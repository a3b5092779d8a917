//! Dates as certificates write them (RFC 5280 section 4.1.2.5), and as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Seconds since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    // A clock before 1970 is a clock that was never set: certificates then begin in 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// Year, month, day, hour, minute and second (UTC) of a time between the years 1 and 9999; times outside are moved to the nearest end.
#[expect(clippy::arithmetic_side_effects, reason = "the time is first brought into a range in which nothing overflows")]
fn civil(time: i64) -> (i64, i64, i64, i64, i64, i64) {
    let time = time.clamp(-62_135_596_800, 253_402_300_799);
    let (days, second) = (time.div_euclid(DAY), time.rem_euclid(DAY));
    // Years that begin in March end with the leap day, so that months have fixed beginnings; eras are 400 years.
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day, second / 3600, second / 60 % 60, second % 60)
}

/// The text of a UTCTime (until 2049) or GeneralizedTime, and which of the two it is.
pub(crate) fn encoded(time: i64) -> (bool, String) {
    let (y, mo, d, h, mi, s) = civil(time);
    let utc = (1950..2050).contains(&y);
    let year = if utc { format!("{:02}", y.rem_euclid(100)) } else { format!("{y:04}") };
    (utc, format!("{year}{mo:02}{d:02}{h:02}{mi:02}{s:02}Z"))
}

/// `2026-11-23 09:15 UTC`.
pub(crate) fn readable(time: i64) -> String {
    let (y, mo, d, h, mi, _) = civil(time);
    format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02} UTC")
}

/// A stretch of time in the unit in which people would say it: `3 days`, `5 hours`.
pub(crate) fn stretch(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let (n, unit) = match seconds {
        0..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        172_800..63_072_000 => (seconds / 86_400, "day"),
        _ => (seconds / 31_536_000, "year"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(encoded(0), (true, "700101000000Z".into()));
        assert_eq!(encoded(951_827_696), (true, "000229123456Z".into()));
        assert_eq!(encoded(2_524_607_999), (true, "491231235959Z".into()));
        assert_eq!(encoded(2_524_608_000), (false, "20500101000000Z".into()));
        assert_eq!(readable(1_795_424_400), "2026-11-23 09:00 UTC");
        assert_eq!(readable(i64::MAX), "9999-12-31 23:59 UTC");
        assert_eq!(readable(i64::MIN), "0001-01-01 00:00 UTC");
    }

    #[test]
    fn stretches_are_said_as_people_say_them() {
        assert_eq!(stretch(-90), "1 minute");
        assert_eq!(stretch(7_200), "2 hours");
        assert_eq!(stretch(3 * DAY), "3 days");
        assert_eq!(stretch(800 * DAY), "2 years");
    }
}
