//! `--mbox`: every letter in one file (RFC 4155), as mail programs keep folders of them.
//!
//! Lines that would look like the head of another letter are quoted with `>`, and so are those that were quoted already, so that taking one
//! `>` away gives the letter back. Lines end with LF, as the format wants it.

use super::{Material, eml, plural};
use crate::objects::{Name, Object};
use crate::reading::Failure;
use crate::whole::Sink;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

/// Who sent a letter that does not say it.
const NOBODY: &str = "MAILER-DAEMON";

/// Writes the letters of these messages (`None`: all) in the order of the capture; says how many there are.
///
/// # Errors
/// When recorded bytes can no longer be read, or the file cannot be written.
pub fn write(m: &Material<'_>, messages: Option<&HashSet<Name>>, path: &Path) -> Result<usize, Failure> {
    let mut out = Sink::new(path)?;
    let count = write_to(m, messages, &mut out, |e, out| out.failed(e))?;
    out.finish()?;
    Ok(count)
}

/// The same to what is open already; `failed` says why it could not be written.
///
/// # Errors
/// As [`write`].
pub fn write_to<W: Write>(
    m: &Material<'_>,
    messages: Option<&HashSet<Name>>,
    out: &mut W,
    failed: impl Fn(&io::Error, &W) -> Failure,
) -> Result<usize, Failure> {
    let hold = tempfile::tempdir().map_err(|e| Failure::write(&e))?;
    let letters = eml(m, messages, hold.path())?;
    for (letter, held) in letters.iter().filter_map(|l| Some((l, l.saved.as_ref()?))) {
        let bytes = std::fs::read(held).map_err(|e| Failure::write(&e))?;
        one(&bytes, time(m, letter), out).map_err(|e| failed(&e, out))?;
    }
    Ok(letters.len())
}

/// Says what was written.
///
/// # Errors
/// As [`write`].
pub(super) fn run(m: &Material<'_>, messages: Option<&HashSet<Name>>, path: &Path) -> Result<(), Failure> {
    let count = write(m, messages, path)?;
    if path.as_os_str() != "-" {
        eprintln!("wirelore: {count} letter{} in {}", plural(count), path.display());
    }
    Ok(())
}

/// When the packet came that completed a letter, in nanoseconds since 1970.
fn time(m: &Material<'_>, letter: &Object) -> i64 {
    let packet = letter.frame.checked_sub(1).and_then(|n| u32::try_from(n).ok());
    packet.and_then(|n| m.snapshot.packet(n)).map_or(0, |row| row.time)
}

/// Writes one letter behind its `From ` line.
fn one(letter: &[u8], time: i64, out: &mut impl Write) -> io::Result<()> {
    let at = Timestamp::from_nanosecond(time.into()).unwrap_or_default().to_zoned(TimeZone::UTC);
    writeln!(out, "From {} {}", sender(letter), at.strftime("%a %b %e %H:%M:%S %Y"))?;
    for line in letter.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\n").map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l));
        let quoted = line.iter().position(|b| *b != b'>').and_then(|n| line.get(n..)).is_some_and(|l| l.starts_with(b"From "));
        if quoted {
            out.write_all(b">")?;
        }
        out.write_all(line)?;
        out.write_all(b"\n")?;
    }
    out.write_all(b"\n")
}

/// The address in the first field that names who sent a letter.
fn sender(letter: &[u8]) -> String {
    let lines = || letter.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end).take_while(|l| !l.is_empty());
    let field = |name: &[u8]| {
        lines().find_map(|l| l.split_at_checked(name.len()).filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    };
    let address = |value: &[u8]| {
        let text = std::str::from_utf8(value).ok()?;
        let inner = text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(address, _)| address).trim();
        let good = inner.contains('@') && inner.bytes().all(|b| b.is_ascii_graphic());
        good.then(|| inner.to_owned())
    };
    [&b"return-path:"[..], b"sender:", b"from:"].into_iter().filter_map(field).find_map(address).unwrap_or_else(|| NOBODY.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(letter: &[u8]) -> String {
        let mut out = Vec::new();
        one(letter, 1_764_000_000_000_000_000, &mut out).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn lines_that_look_like_another_letter_are_quoted_and_can_be_taken_back() {
        let got = written(b"From: Ann <ann@shop.example>\r\n\r\nFrom here on\r\n>From there\r\n> From\r\nno end");
        assert_eq!(
            got,
            "From ann@shop.example Mon Nov 24 16:00:00 2025\nFrom: Ann <ann@shop.example>\n\n>From here on\n>>From there\n> From\nno end\n\n"
        );
    }

    #[test]
    fn a_letter_without_a_sender_is_nobodys() {
        assert!(written(b"Subject: x\r\n\r\n").starts_with("From MAILER-DAEMON Mon Nov 24 "));
        assert!(written(b"From: <a b@c>\r\nSender: x@y.z\r\n\r\n").starts_with("From x@y.z "));
    }
}
