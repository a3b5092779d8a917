//! Lines of text protocols in the middle: where they end, what stands in front of their end, several of them as one message.

use bytes::Bytes;
use memchr::memchr;

/// Length of the line that `bytes` begin with, its end included. `seen`: so many of them hold no end.
#[must_use]
pub fn end(bytes: &[u8], seen: usize) -> Option<usize> {
    memchr(b'\n', bytes.get(seen..)?).map(|i| i.saturating_add(seen).saturating_add(1))
}

/// A line without its end (CR LF, LF, or nothing where it was cut).
#[must_use]
pub fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The first line of a message without its end, and all that follows it.
#[must_use]
pub fn first(message: &Bytes) -> (Bytes, Bytes) {
    let n = end(message, 0).unwrap_or(message.len());
    (message.slice_ref(bare(message.get(..n).unwrap_or(message))), message.slice(n..))
}

/// How the first line of a message ends; CR LF where it is not known.
#[must_use]
pub fn ending(message: &[u8]) -> &'static [u8] {
    match end(message, 0).and_then(|n| message.get(..n)) {
        Some([.., b'\r', b'\n']) | None => b"\r\n",
        Some(_) => b"\n",
    }
}

/// A line with an end, and what follows it.
#[must_use]
pub fn written(line: &[u8], ending: &[u8], rest: &[u8]) -> Bytes {
    [line, ending, rest].concat().into()
}

/// The first word of a line.
#[must_use]
pub fn word(line: &[u8]) -> &[u8] {
    bare(line).split(|b| matches!(b, b' ' | b'\t')).next().unwrap_or(&[])
}

/// Length of a reply of SMTP or FTP, three digits a line: it ends with the first line that has no hyphen behind its code. `any`: lines within
/// it may be anything, and the last one bears the code of the first (RFC 959 §4.2). `None`: more is needed.
#[must_use]
pub fn reply(bytes: &[u8], seen: usize, any: bool) -> Option<usize> {
    // Back to the beginning of the line where the last search ended.
    let known = bytes.get(..seen.min(bytes.len())).unwrap_or(bytes);
    let mut at = memchr::memrchr(b'\n', known).map_or(0, |i| i.saturating_add(1));
    let code = bytes.get(..3);
    loop {
        let line = bytes.get(at..)?;
        let n = end(line, 0)?;
        let goes_on = line.get(3) == Some(&b'-');
        let ends = !goes_on && (at == 0 || !any || (line.get(..3) == code && matches!(line.get(3), Some(b' ' | b'\r' | b'\n'))));
        at = at.saturating_add(n);
        if ends {
            return Some(at);
        }
    }
}

/// The code of a reply; 0 where it has none.
#[must_use]
pub fn code(reply: &[u8]) -> u16 {
    match reply {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
            [a, b, c].iter().fold(0u16, |v, d| v.saturating_mul(10).saturating_add(u16::from(d.saturating_sub(b'0'))))
        }
        _ => 0,
    }
}

/// Whether a reply may begin so: digits, then a blank, a hyphen or the end.
#[must_use]
pub fn may_be_reply(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .take(4)
        .enumerate()
        .all(|(i, b)| if i < 3 { b.is_ascii_digit() } else { matches!(b, b' ' | b'-' | b'\r' | b'\n') })
}

/// A reply written from its first line and the lines behind it: all but the last get a hyphen behind their code, the last none.
#[must_use]
pub fn joined(first: &[u8], rest: &[u8], ending: &[u8]) -> Bytes {
    let mut lines: Vec<Vec<u8>> = vec![bare(first).to_vec()];
    lines.extend(rest.split_inclusive(|b| *b == b'\n').map(|l| bare(l).to_vec()));
    let last = lines.len().saturating_sub(1);
    let code: Vec<u8> = first.get(..3).unwrap_or(&[]).to_vec();
    let mut out = Vec::new();
    for (i, mut line) in lines.into_iter().enumerate() {
        if line.get(..3) == Some(&code) && may_be_reply(&line) {
            match line.get_mut(3) {
                Some(mark) => *mark = if i == last { b' ' } else { b'-' },
                None if i < last => line.push(b'-'),
                None => {}
            }
        }
        out.extend_from_slice(&line);
        out.extend_from_slice(ending);
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_end_with_the_line_that_has_no_hyphen() {
        let all = b"250-a\r\n250-b\r\n250 c\r\n220 next\r\n";
        for seen in 0..21 {
            assert_eq!(reply(all, seen, false), Some(21), "{seen} seen");
            assert_eq!(reply(all.get(..seen).expect("short"), 0, false), None);
        }
        let ftp = b"211-Features:\r\n EPSV\r\n212 no\r\n211 End\r\n";
        for seen in 0..39 {
            assert_eq!(reply(ftp, seen, true), Some(ftp.len()), "{seen} seen");
        }
        assert_eq!((code(b"250-a"), code(b"25"), code(b"abc ")), (250, 0, 0));
    }

    #[test]
    fn a_reply_that_lost_its_last_line_ends_all_the_same() {
        assert_eq!(joined(b"250-a", b"250-b\r\n250-c\r\n", b"\r\n"), "250-a\r\n250-b\r\n250 c\r\n");
        assert_eq!(joined(b"250-a", b"", b"\r\n"), "250 a\r\n");
        assert_eq!(joined(b"250 a", b"250 b", b"\n"), "250-a\n250 b\n");
        assert_eq!(joined(b"211-Features:", b" EPSV\r\n211 End\r\n", b"\r\n"), "211-Features:\r\n EPSV\r\n211 End\r\n");
    }
}
