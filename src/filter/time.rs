//! Points in time as people write them: ISO 8601, and `Sep 26, 2004 23:18:04.954975` as Wireshark shows them. Without a zone they are UTC.

/// Nanoseconds since 1970 of a written time; `None` where it is none.
pub(crate) fn read(text: &str) -> Option<i128> {
    let text = text.trim();
    iso(text).or_else(|| named(text))
}

/// Takes exactly `len` digits from the front.
fn digits(text: &mut &str, len: usize) -> Option<i128> {
    let (head, rest) = text.split_at_checked(len)?;
    let n = head.bytes().all(|b| b.is_ascii_digit()).then(|| head.parse().ok())??;
    *text = rest;
    Some(n)
}

fn mark(text: &mut &str, marks: &[char]) -> Option<()> {
    *text = text.strip_prefix(marks)?;
    Some(())
}

fn iso(text: &str) -> Option<i128> {
    let mut t = text;
    let year = digits(&mut t, 4)?;
    mark(&mut t, &['-'])?;
    let month = digits(&mut t, 2)?;
    mark(&mut t, &['-'])?;
    let day = digits(&mut t, 2)?;
    let date = date(year, month, day)?;
    if t.is_empty() {
        return Some(date);
    }
    mark(&mut t, &['T', 't', ' '])?;
    let clock = clock(&mut t)?;
    date.checked_add(clock)?.checked_sub(zone(t)?)
}

fn named(text: &str) -> Option<i128> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut words = text.splitn(4, char::is_whitespace).filter(|w| !w.is_empty());
    let month = words.next()?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|m| *m == month)?.checked_add(1)? as i128;
    let rest = text.get(3..)?.trim_start();
    let (day, rest) = rest.split_once(',').or_else(|| rest.split_once(' '))?;
    let rest = rest.trim_start();
    let (year, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let date = date(year.parse().ok()?, month, day.trim().parse().ok()?)?;
    let mut t = rest.trim_start();
    if t.is_empty() {
        return Some(date);
    }
    let clock = clock(&mut t)?;
    date.checked_add(clock)?.checked_sub(zone(t)?)
}

/// Nanoseconds of `12:34`, `12:34:56`, `12:34:56.789`.
fn clock(t: &mut &str) -> Option<i128> {
    let hour = digits(t, 2).filter(|h| *h < 24)?;
    mark(t, &[':'])?;
    let minute = digits(t, 2).filter(|m| *m < 60)?;
    let mut seconds = 0;
    let mut fraction = 0;
    if mark(t, &[':']).is_some() {
        // A leap second may be written.
        seconds = digits(t, 2).filter(|s| *s <= 60)?;
        if mark(t, &['.', ',']).is_some() {
            let len = t.bytes().take_while(u8::is_ascii_digit).count();
            let (part, rest) = t.split_at_checked(len).filter(|(p, _)| !p.is_empty())?;
            *t = rest;
            let nine: String = part.chars().chain("000000000".chars()).take(9).collect();
            fraction = nine.parse::<i128>().ok()?;
        }
    }
    let all = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(seconds)?;
    all.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// Nanoseconds that a zone is ahead of UTC: "", "Z", "UTC", "+02:00", "-0530".
fn zone(text: &str) -> Option<i128> {
    let t = text.trim();
    if t.is_empty() || t.eq_ignore_ascii_case("z") || t.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let (sign, mut t) = t.strip_prefix('+').map(|t| (1, t)).or_else(|| t.strip_prefix('-').map(|t| (-1, t)))?;
    let hours = digits(&mut t, 2).filter(|h| *h < 24)?;
    let _ = mark(&mut t, &[':']);
    let minutes = if t.is_empty() { 0 } else { digits(&mut t, 2).filter(|m| *m < 60)? };
    let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
    if t.is_empty() { seconds.checked_mul(sign)?.checked_mul(1_000_000_000) } else { None }
}

/// Nanoseconds from 1970 to a day of the proleptic Gregorian calendar.
fn date(year: i128, month: i128, day: i128) -> Option<i128> {
    let leap = year.checked_rem(4)? == 0 && (year.checked_rem(100)? != 0 || year.checked_rem(400)? == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last of its year; 719,468 days lie between year 0 and 1970.
    let (y, m) = if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = m.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day.checked_sub(1)?)?;
    let days = of_era.checked_mul(365)?.checked_add(of_era / 4)?.checked_sub(of_era / 100)?.checked_add(of_year)?;
    let days = era.checked_mul(146_097)?.checked_add(days)?.checked_sub(719_468)?;
    days.checked_mul(86_400_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn times_are_read_in_all_their_spellings() {
        let at = Some(1_096_240_684_954_975_000);
        for text in [
            "2004-09-26T23:18:04.954975",
            "2004-09-26 23:18:04.954975",
            "2004-09-26 23:18:04.954975Z",
            "2004-09-27 01:18:04.954975+02:00",
            "2004-09-26 17:48:04.954975-0530",
            "Sep 26, 2004 23:18:04.954975",
            "sep 26, 2004 23:18:04.954975 UTC",
            " Sep 26, 2004 23:18:04.954975000 ",
        ] {
            assert_eq!(read(text), at, "{text}");
        }
        assert_eq!(read("1970-01-01"), Some(0));
        assert_eq!(read("1969-12-31 23:59:59.999999999"), Some(-1));
        assert_eq!(read("2000-02-29 12:00"), Some(951_825_600_000_000_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2001-02-29",
            "2000-13-01",
            "2000-1-1",
            "2000-01-01 25:00",
            "2000-01-01 10:00 +2",
            "Sep",
            "Feb 30, 2004",
            "12:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
