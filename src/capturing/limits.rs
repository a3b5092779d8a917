//! When a capture stops by itself, and when it begins another file: `-c`, `-a` and `-b` as dumpcap reads them.

use crate::cli::exit;
use crate::reading::Failure;
use std::time::Duration;

/// When to stop by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stop {
    /// After so many packets.
    pub packets: Option<u64>,
    /// After so long.
    pub duration: Option<Duration>,
    /// When a file has so many bytes.
    pub file_size: Option<u64>,
    /// When so many files are full.
    pub files: Option<u64>,
}

/// When to begin another file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ring {
    /// After so many packets.
    pub packets: Option<u64>,
    /// After so long.
    pub duration: Option<Duration>,
    /// When it has so many bytes.
    pub file_size: Option<u64>,
    /// Keep so many files: the oldest is removed.
    pub files: Option<u64>,
}

fn wrong(text: String) -> Failure {
    Failure { text, code: exit::OPTION }
}

/// `what:number` of a flag; numbers with fractions are allowed for times only.
fn condition(flag: char, text: &str) -> Result<(&str, f64), Failure> {
    let (what, number) = text.split_once(':').ok_or_else(|| {
        wrong(format!("-{flag} {text}: a colon is missing. Write for example -{flag} duration:10 or -{flag} filesize:1000."))
    })?;
    let number = number.parse::<f64>().ok().filter(|n| *n > 0.0 && n.is_finite() && *n < 1e15);
    let number = number.ok_or_else(|| wrong(format!("-{flag} {text}: behind the colon a number above 0 is wanted.")))?;
    if what != "duration" && number.fract() != 0.0 {
        return Err(wrong(format!("-{flag} {text}: behind the colon a whole number is wanted.")));
    }
    Ok((what, number))
}

/// Reads `-c` and every `-a`.
///
/// # Errors
/// What cannot be.
pub fn stop(count: Option<u64>, conditions: &[String]) -> Result<Stop, Failure> {
    let mut stop = Stop { packets: count, ..Stop::default() };
    for text in conditions {
        match condition('a', text)? {
            ("duration", n) => stop.duration = Some(Duration::from_secs_f64(n)),
            // Thousands of bytes, as dumpcap counts them.
            ("filesize", n) => stop.file_size = Some((n * 1000.0) as u64),
            ("packets", n) => stop.packets = Some(stop.packets.unwrap_or(u64::MAX).min(n as u64)),
            ("files", n) => stop.files = Some(n as u64),
            (what, _) => {
                return Err(wrong(format!("-a {text}: {what} is not known; duration, filesize, packets and files are.")));
            }
        }
    }
    Ok(stop)
}

/// Reads every `-b`; `None` where there is none.
///
/// # Errors
/// What cannot be.
pub fn ring(conditions: &[String]) -> Result<Option<Ring>, Failure> {
    let mut ring = Ring::default();
    for text in conditions {
        match condition('b', text)? {
            ("duration", n) => ring.duration = Some(Duration::from_secs_f64(n)),
            ("filesize", n) => ring.file_size = Some((n * 1000.0) as u64),
            ("packets", n) => ring.packets = Some(n as u64),
            ("files", n) => ring.files = Some(n as u64),
            (what, _) => {
                return Err(wrong(format!("-b {text}: {what} is not known; duration, filesize, packets and files are.")));
            }
        }
    }
    if conditions.is_empty() {
        return Ok(None);
    }
    if ring.duration.is_none() && ring.file_size.is_none() && ring.packets.is_none() {
        return Err(wrong("-b files: says how many files to keep, but not when to begin another: add -b filesize:, -b duration: or -b packets:.".into()));
    }
    Ok(Some(ring))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(t: &[&str]) -> Vec<String> {
        t.iter().map(|t| (*t).to_owned()).collect()
    }

    #[test]
    fn conditions_are_read_as_dumpcap_writes_them() {
        let s = stop(Some(10), &texts(&["duration:1.5", "filesize:1000", "packets:7", "files:3"])).expect("good");
        let want =
            Stop { packets: Some(7), duration: Some(Duration::from_millis(1500)), file_size: Some(1_000_000), files: Some(3) };
        assert_eq!(s, want);
        let r = ring(&texts(&["filesize:2", "files:4"])).expect("good");
        assert_eq!(r, Some(Ring { file_size: Some(2000), files: Some(4), ..Ring::default() }));
        assert_eq!(ring(&[]).expect("good"), None);
    }

    #[test]
    fn what_cannot_be_is_said_with_an_example() {
        for (text, said) in
            [("duration", "colon"), ("duration:0", "above 0"), ("packets:1.5", "whole"), ("size:1", "size is not known")]
        {
            assert!(stop(None, &texts(&[text])).expect_err(text).text.contains(said), "{text}");
        }
        assert!(ring(&texts(&["files:3"])).expect_err("when?").text.contains("when to begin"));
    }
}
