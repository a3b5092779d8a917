//! Times, rates, and the slow lines that people mean by a name.

use crate::verdict::Pace;
use std::time::Duration;

/// Name, bits per second down and up, milliseconds of a round trip: the presets that browsers made usual.
const PROFILES: &[(&str, u64, u64, u64)] = &[
    ("gprs", 50_000, 20_000, 500),
    ("2g", 250_000, 50_000, 300),
    ("slow-3g", 400_000, 400_000, 400),
    ("3g", 750_000, 250_000, 100),
    ("fast-3g", 1_600_000, 750_000, 150),
    ("4g", 4_000_000, 3_000_000, 20),
    ("dsl", 2_000_000, 1_000_000, 5),
    ("cable", 5_000_000, 1_000_000, 28),
    ("wifi", 30_000_000, 15_000_000, 2),
    ("satellite", 10_000_000, 1_000_000, 600),
];

/// The named profiles: name, and what it stands for.
#[must_use]
pub fn profiles() -> Vec<(&'static str, String)> {
    let kbit = |bits: u64| bits.checked_div(1000).unwrap_or_default();
    PROFILES.iter().map(|(n, down, up, ms)| (*n, format!("{}kbit/{}kbit/{ms}ms", kbit(*down), kbit(*up)))).collect()
}

/// A time with its unit: `300ms`, `1.5s`, `2min`.
///
/// # Errors
/// In words, where it is none.
pub fn parse_delay(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text)?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "min" | "m" => number * 60.0,
        _ => return Err(format!("{text:?} is no time: write 300ms, 1.5s or 2min")),
    };
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|d| d.as_secs() <= 86_400)
        .ok_or_else(|| format!("{text:?} is longer than a day"))
}

/// Bytes per second: `500kbit`, `2mbit`, `64kB`, `1MiB`.
fn parse_rate(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text)?;
    let unit = unit.strip_suffix("/s").or_else(|| unit.strip_suffix("ps")).unwrap_or(unit);
    let bytes = match unit {
        "bit" => 0.125,
        "kbit" | "kb" => 125.0,
        "mbit" | "Mbit" => 125_000.0,
        "gbit" | "Gbit" => 125_000_000.0,
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        _ => return Err(format!("{text:?} is no rate: write 500kbit, 2mbit, 64kB or 1MB (each second)")),
    };
    let rate = number * bytes;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 10^12")]
    if (1.0..=1e12).contains(&rate) {
        Ok(rate as u64)
    } else {
        Err(format!("{text:?} is not between one byte and a terabyte each second"))
    }
}

fn split(text: &str) -> Result<(f64, &str), String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number = number.parse().map_err(|_| format!("{text:?} does not begin with a number"))?;
    Ok((number, unit.trim_start()))
}

/// A slow line: a profile by its name, or `DOWN/UP/ROUND-TRIP` as in `500kbit/100kbit/300ms`; `-` leaves one unpaced.
///
/// # Errors
/// In words, where it is none.
pub fn parse_throttle(text: &str) -> Result<Pace, String> {
    let named = PROFILES.iter().find(|(n, ..)| n.eq_ignore_ascii_case(text.trim()));
    let (down, up, round_trip) = if let Some((_, down, up, ms)) = named {
        (down.checked_div(8), up.checked_div(8), Duration::from_millis(*ms))
    } else {
        let parts: Vec<&str> = text.split('/').map(str::trim).collect();
        let rate = |t: &str| if t == "-" { Ok(None) } else { parse_rate(t).map(Some) };
        match parts[..] {
            [down, up] => (rate(down)?, rate(up)?, Duration::ZERO),
            [down, up, "-"] => (rate(down)?, rate(up)?, Duration::ZERO),
            [down, up, late] => (rate(down)?, rate(up)?, parse_delay(late)?),
            _ => {
                let names: Vec<&str> = PROFILES.iter().map(|p| p.0).collect();
                return Err(format!(
                    "{text:?} is no line: one of {}, or DOWN/UP/ROUND-TRIP as in 500kbit/100kbit/300ms",
                    names.join(", ")
                ));
            }
        }
    };
    Ok(Pace { up, down, latency: round_trip.checked_div(2).unwrap_or_default(), rule: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_have_units() {
        assert_eq!(parse_delay("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse_delay("1.5 s"), Ok(Duration::from_millis(1500)));
        assert!(parse_delay("300").unwrap_err().contains("300ms"));
        assert!(parse_delay("99999999999999999999s").unwrap_err().contains("longer than a day"));
        assert_eq!(parse_rate("500kbit"), Ok(62_500));
        assert_eq!(parse_rate("1MB/s"), Ok(1_000_000));
        assert!(parse_rate("0B").is_err() && parse_rate("fast").is_err());
    }

    #[test]
    fn lines_by_name_or_by_numbers() {
        let dsl = parse_throttle("DSL").unwrap();
        assert_eq!((dsl.down, dsl.up, dsl.latency), (Some(250_000), Some(125_000), Duration::from_micros(2500)));
        let own = parse_throttle("80kbit/-/300ms").unwrap();
        assert_eq!((own.down, own.up, own.latency), (Some(10_000), None, Duration::from_millis(150)));
        assert!(parse_throttle("5g").unwrap_err().contains("fast-3g"));
    }
}
