//! The usual head in one pass, where rows alone are wanted. A head that is odd in any way, or not there in full, is left to [`super::head`],
//! which says what is odd about it; for every other head both give the same.

use super::head::{self, Head};
use super::headers::{self, Use};
use super::{fields as f, notes as n, parse, values};
use memchr::{memchr, memchr3};
use wirelore_kit::{Flags, Level, Reader, Stop, Value};

/// A head of more lines is none of the usual ones.
const MOST_LINES: usize = 64;
/// Nor is a longer one, bytes. Places in it fit 16 bits.
const MOST_BYTES: usize = 16 << 10;

/// The eight bytes of a word, each this one.
const fn all(b: u8) -> u64 {
    u64::from_ne_bytes([b; 8])
}

/// Where the lines of a head end, and the names in front of their colons.
pub struct Lines {
    /// Place of each line's CR, and the length of the token that it begins with.
    lines: [(u16, u16); MOST_LINES],
    count: usize,
}

/// Length of the token that begins `b`.
fn token(b: &[u8]) -> usize {
    const HIGH: u64 = all(0x80);
    let mut len = 0usize;
    // Names are letters and hyphens; the byte that is none of them ends nearly all of them.
    for word in b.as_chunks::<8>().0 {
        let w = u64::from_le_bytes(*word);
        let low = (w | all(0x20)) & !HIGH;
        // The sums reach into the high bit of their byte, never beyond.
        let letter = low.wrapping_add(all(0x80 - b'a')) & !low.wrapping_add(all(0x7f - b'z'));
        let hyphen = !((w ^ all(b'-')) & !HIGH).wrapping_add(!HIGH);
        let other = !(letter | hyphen) & HIGH | w & HIGH;
        if other != 0 {
            len = len.saturating_add((other.trailing_zeros() / 8) as usize);
            break;
        }
        len = len.saturating_add(8);
    }
    let rest = b.get(len..).unwrap_or(&[]);
    if rest.first() == Some(&b':') {
        return len;
    }
    len.saturating_add(rest.iter().take_while(|c| parse::is_tchar(**c)).count())
}

impl Lines {
    /// None yet.
    pub const fn new() -> Lines {
        Lines { lines: [(0, 0); MOST_LINES], count: 0 }
    }

    /// Finds the lines of the head that begins `b`; gives its length. `None`: it is not there in full, or odd.
    pub fn find(&mut self, b: &[u8]) -> Option<usize> {
        let b = b.get(..MOST_BYTES).unwrap_or(b);
        let mut start = 0usize;
        loop {
            let line = b.get(start..)?;
            let len = memchr3(b'\r', b'\n', 0, line)?;
            let [b'\r', b'\n', behind @ ..] = line.get(len..)? else { return None };
            let next = start.saturating_add(len).saturating_add(2);
            if len == 0 {
                return (self.count > 0).then_some(next);
            }
            let name = token(line);
            let usual = match self.count {
                // A tab in the first line parts it oddly.
                0 => memchr(b'\t', line.get(..len)?).is_none(),
                _ => name > 0 && line.get(name) == Some(&b':'),
            };
            let folded = matches!(behind.first(), Some(b' ' | b'\t'));
            let slot = self.lines.get_mut(self.count).filter(|_| usual && !folded)?;
            *slot = (start.saturating_add(len) as u16, name as u16);
            self.count = self.count.saturating_add(1);
            start = next;
        }
    }
}

impl Lines {
    /// Where each line's CR stands, and the length of the token that it begins with.
    pub fn found(&self) -> impl Iterator<Item = (usize, usize)> {
        self.lines.get(..self.count).unwrap_or(&[]).iter().map(|(end, name)| (usize::from(*end), usize::from(*name)))
    }
}

/// The lengths of method and target of a request line whose method has `method` bytes; `None` where anything is unusual.
fn request(line: &[u8], method: usize) -> Option<(usize, usize)> {
    let rest = line.get(method..)?.strip_prefix(b" ")?;
    let target = memchr(b' ', rest)?;
    let version = rest.get(target.saturating_add(1)..)?;
    let usual = method > 0 && target > 0 && matches!(version, b"HTTP/1.1" | b"HTTP/1.0");
    usual.then_some((method, target))
}

/// Reads the head that comes next, if it is there in full and nothing about it is odd; else takes nothing.
///
/// # Errors
/// As [`Reader::skip`].
pub fn read<'a>(r: &mut Reader<'a>, response: bool) -> Result<Option<Head<'a>>, Stop> {
    // A head that comes drop by drop is looked through once only.
    if r.level() == Level::Tree || r.has_searched() {
        return Ok(None);
    }
    let bytes = r.rest();
    let mut lines = Lines::new();
    let Some(len) = lines.find(bytes) else { return Ok(None) };
    let mut known = lines.found();
    let Some((first, token)) = known.next() else { return Ok(None) };
    let line = bytes.get(..first).unwrap_or(&[]);
    let whole = r.span(len);
    let mut head = Head { response, ..Head::default() };
    if response {
        let parts = parse::status_line(line);
        if parts.odd {
            return Ok(None);
        }
        let here = r.span(first.saturating_add(2));
        (head.version, head.status, head.phrase) =
            (head::part(line, &parts.version), parts.status, head::part(line, &parts.phrase));
        r.text(&f::RESPONSE_VERSION, parts.version.len())?;
        r.skip(parts.code.start.saturating_sub(parts.version.end))?;
        r.valued(&f::STATUS_CODE, parts.code.len(), Value::U64(parts.status.into()))?;
        r.skip(parts.phrase.start.saturating_sub(parts.code.end))?;
        r.text(&f::PHRASE, parts.phrase.len())?;
        match parts.status {
            400..=499 => r.note(&n::CLIENT_ERROR, here),
            500..=599 => r.note(&n::SERVER_ERROR, here),
            _ => {}
        }
    } else {
        let Some((method, target)) = request(line, token) else { return Ok(None) };
        head.method = r.text(&f::METHOD, method)?.bytes();
        r.skip(1)?;
        head.target = r.text(&f::URI, target)?.bytes();
        r.skip(1)?;
        head.version =
            r.text(&f::REQUEST_VERSION, line.len().saturating_sub(method).saturating_sub(target).saturating_sub(2))?.bytes();
    }
    let origin = r.taken().saturating_sub(first);
    let mut start = first.saturating_add(2);
    for (end, name) in known {
        let line = bytes.get(start..end).unwrap_or(&[]);
        if let Some((field, what)) = headers::told_in_rows(line.get(..name).unwrap_or(&[])) {
            let behind = line.get(name.saturating_add(1)..).unwrap_or(&[]);
            let value = behind.trim_ascii_start();
            let front = behind.len().saturating_sub(value.len());
            let value = value.trim_ascii_end();
            let here = r.span_at(origin.saturating_add(start), end.saturating_sub(start).saturating_add(2));
            head::consider(r, &mut head, what, value, None, here);
            if field.flags.has(Flags::KEY) {
                let at = if value.is_empty() { end } else { start.saturating_add(name).saturating_add(1).saturating_add(front) };
                r.skip(origin.saturating_add(at).saturating_sub(r.taken()))?;
                match what {
                    Use::Length => values::plain(r, field, what, value.len(), None)?,
                    _ => r.text(field, value.len()).map(|_| ())?,
                }
            }
        }
        start = end.saturating_add(2);
    }
    r.skip(origin.saturating_add(len).saturating_sub(r.taken()))?;
    head::judge(r, &mut head, whole);
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(b: &[u8]) -> Option<(Vec<(u16, u16)>, usize)> {
        let mut l = Lines::new();
        let len = l.find(b)?;
        Some((l.lines.get(..l.count)?.to_vec(), len))
    }

    #[test]
    fn lines_are_found_wherever_they_fall_among_words_of_eight() {
        for pad in 0..20 {
            let host = "h".repeat(pad);
            let head = format!("GET /{host} HTTP/1.1\r\nHost: {host}\r\nX:\r\n\r\nbody\r\n");
            let line = pad as u16 + 14;
            let second = line + 2 + 6 + pad as u16;
            let want = vec![(line, 3), (second, 4), (second + 4, 1)];
            assert_eq!(ends(head.as_bytes()), Some((want, usize::from(second) + 8)), "{head:?}");
        }
    }

    #[test]
    fn tokens_end_where_their_characters_do() {
        for before in ["", "x", "content-length", "Sec-WebSocket-Key1", "X_y.z~9-"] {
            for b in 0..=255u8 {
                for behind in [&b""[..], b"a", b"-abcdefgh"] {
                    let all = [before.as_bytes(), &[b], behind].concat();
                    let want = all.iter().take_while(|c| parse::is_tchar(**c)).count();
                    assert_eq!(token(&all), want, "{all:?}");
                }
            }
        }
    }

    #[test]
    fn odd_heads_are_left_to_the_careful_reader() {
        for odd in [
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\n: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
            "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n",
        ] {
            assert_eq!(ends(odd.as_bytes()), None, "{odd:?}");
        }
        assert!(ends(b"HTTP/1.1 200 OK\r\n\r\n").is_some());
        for odd in ["GET /", "GET / HTTP/2.0", "GET  / HTTP/1.1", "GET / a HTTP/1.1", " / HTTP/1.1"] {
            assert_eq!(request(odd.as_bytes(), odd.find(' ').unwrap_or(0)), None, "{odd:?}");
        }
    }
}
