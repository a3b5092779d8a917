//! The usual head in one pass, where rows alone are wanted. A head that is odd in any way, or not there in full, is left to [`super::head`],
//! which says what is odd about it; for every other head both give the same.

use super::head::{self, Head};
use super::headers::{self, Header, Use};
use super::{fields as f, notes as n, parse, values};
use memchr::memchr;
use wirelore_kit::{Flags, Level, Reader, Stop, Value};

/// Nor is a longer one any of the usual ones, bytes. Places in it fit 16 bits.
const MOST_BYTES: usize = 16 << 10;
/// Nor is one that tells more in rows.
const MOST_TOLD: usize = 16;

/// The high bits of the bytes of a word.
const HIGH: u64 = all(0x80);

/// The eight bytes of a word, each this one.
const fn all(b: u8) -> u64 {
    u64::from_ne_bytes([b; 8])
}

/// A header that rows tell of: its line, and the length of its name.
#[derive(Clone, Copy, Default)]
struct Told {
    header: Option<&'static Header>,
    start: u16,
    end: u16,
    name: u16,
}

/// What one look over a head finds.
pub struct Found {
    /// Bytes of the head.
    pub len: usize,
    /// Bytes of its first line.
    pub first: usize,
    /// Bytes of the token that it begins with.
    pub token: usize,
}

/// Where the first control character of `b` stands.
#[inline]
fn control(b: &[u8]) -> Option<usize> {
    let (words, rest) = b.as_chunks::<8>();
    let mut at = 0usize;
    for word in words {
        let w = u64::from_le_bytes(*word);
        // The sums reach into the high bit of their byte, never beyond: it is set where the byte is a blank or more.
        let found = !((w & !HIGH).wrapping_add(all(0x80 - b' ')) | w) & HIGH;
        if found != 0 {
            return Some(at.saturating_add((found.trailing_zeros() / 8) as usize));
        }
        at = at.saturating_add(8);
    }
    rest.iter().position(|c| *c < b' ').map(|i| at.saturating_add(i))
}

/// Length of the token that begins `b`.
fn token(b: &[u8]) -> usize {
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

/// Length of the line that begins `b`, which has no control character before `from`; `None`: its end is not there, or something in it is
/// odd. A tab in the `first` line parts it oddly.
#[inline]
fn line(b: &[u8], mut from: usize, first: bool) -> Option<usize> {
    loop {
        from = from.saturating_add(control(b.get(from..)?)?);
        match b.get(from..)? {
            [b'\r', b'\n', ..] => return Some(from),
            [b'\r' | b'\n' | 0, ..] => return None,
            [b'\t', ..] if first => return None,
            _ => from = from.saturating_add(1),
        }
    }
}

/// Looks over the head that begins `b`; `each` is given where every header's line begins, the length of its name, and where the line ends,
/// and says whether to go on. `None`: the head is not there in full, or odd, or `each` has seen enough.
#[inline]
pub fn lines(b: &[u8], mut each: impl FnMut(usize, usize, usize) -> bool) -> Option<Found> {
    let b = b.get(..MOST_BYTES).unwrap_or(b);
    let token_len = token(b);
    let first = line(b, token_len, true).filter(|len| *len > 0)?;
    let mut start = first.saturating_add(2);
    loop {
        let here = b.get(start..)?;
        let name = token(here);
        match here.get(name..)? {
            // One that begins with a blank goes on with the line before: it has no name.
            [b':', ..] if name > 0 => {}
            [b'\r', b'\n', ..] if name == 0 => return Some(Found { len: start.saturating_add(2), first, token: token_len }),
            _ => return None,
        }
        let end = start.saturating_add(line(here, name, false)?);
        if !each(start, name, end) {
            return None;
        }
        start = end.saturating_add(2);
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

/// The status that a status line as RFC 9112 §4 has it says: its phrase stands behind [`BEFORE_PHRASE`] bytes. `None` where anything is unusual.
fn status(line: &[u8]) -> Option<u16> {
    let [b'H', b'T', b'T', b'P', b'/', a, b'.', b, b' ', x, y, z, b' ', ..] = line else { return None };
    let digits = [x, y, z].map(|d| d.wrapping_sub(b'0'));
    let good = a.is_ascii_digit() && b.is_ascii_digit() && digits.iter().all(|d| *d <= 9);
    good.then(|| digits.iter().fold(0u16, |n, d| n.saturating_mul(10).saturating_add(u16::from(*d))))
}

/// Bytes of a status line in front of its phrase.
const BEFORE_PHRASE: usize = 13;

/// Reads the head that comes next into `head`, which is new, if it is there in full and nothing about it is odd; else takes nothing (false).
///
/// # Errors
/// As [`Reader::skip`].
pub fn read<'a>(r: &mut Reader<'a>, head: &mut Head<'a>) -> Result<bool, Stop> {
    // A head that comes drop by drop is looked through once only.
    if r.level() == Level::Tree || r.has_searched() {
        return Ok(false);
    }
    let bytes = r.rest();
    let (mut all_told, mut count) = ([Told::default(); MOST_TOLD], 0usize);
    let found = lines(bytes, |start, name, end| {
        let Some(header) = headers::told_in_rows(bytes.get(start..start.saturating_add(name)).unwrap_or(&[])) else {
            return true;
        };
        let Some(slot) = all_told.get_mut(count) else { return false };
        *slot = Told { header: Some(header), start: start as u16, end: end as u16, name: name as u16 };
        count = count.saturating_add(1);
        true
    });
    let Some(Found { len, first, token }) = found else { return Ok(false) };
    let (origin, whole, here) = (r.taken(), r.span(len), r.span(first.saturating_add(2)));
    let line = bytes.get(..first).unwrap_or(&[]);
    if head.response {
        let Some(status) = status(line) else { return Ok(false) };
        head.status = status;
        head.version = r.text(&f::RESPONSE_VERSION, 8)?.bytes();
        r.skip(1)?;
        r.valued(&f::STATUS_CODE, 3, Value::U64(status.into()))?;
        r.skip(1)?;
        head.phrase = r.text(&f::PHRASE, first.saturating_sub(BEFORE_PHRASE))?.bytes();
        match status {
            400..=499 => r.note(&n::CLIENT_ERROR, here),
            500..=599 => r.note(&n::SERVER_ERROR, here),
            _ => {}
        }
    } else {
        let Some((method, target)) = request(line, token) else { return Ok(false) };
        head.method = r.text(&f::METHOD, method)?.bytes();
        r.skip(1)?;
        head.target = r.text(&f::URI, target)?.bytes();
        r.skip(1)?;
        head.version =
            r.text(&f::REQUEST_VERSION, first.saturating_sub(method).saturating_sub(target).saturating_sub(2))?.bytes();
    }
    for told in all_told.iter().take(count) {
        let Some((_, field, what)) = told.header else { continue };
        let (start, end) = (usize::from(told.start), usize::from(told.end));
        let behind = start.saturating_add(usize::from(told.name)).saturating_add(1);
        let value = bytes.get(behind..end).unwrap_or(&[]).trim_ascii_start();
        let at = end.saturating_sub(value.len());
        let value = value.trim_ascii_end();
        let here = r.span_at(origin.saturating_add(start), end.saturating_sub(start).saturating_add(2));
        head::consider(r, head, *what, value, None, here);
        if field.flags.has(Flags::KEY) {
            r.skip(origin.saturating_add(at).saturating_sub(r.taken()))?;
            match (what, head.length) {
                (Use::Length, Some(length)) if !head.length_bad => {
                    r.valued(field, value.len(), Value::U64(length)).map(|_| ())?
                }
                (Use::Length, _) => values::plain(r, field, *what, value.len(), None)?,
                _ => r.text(field, value.len()).map(|_| ())?,
            }
        }
    }
    r.skip(origin.saturating_add(len).saturating_sub(r.taken()))?;
    head::judge(r, head, whole);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The token and length of the first line, beginnings, names and ends of the others, and the head's length.
    type All = ((usize, usize), Vec<(usize, usize, usize)>, usize);

    fn find(b: &[u8]) -> Option<All> {
        let mut each = Vec::new();
        let found = lines(b, |start, name, end| {
            each.push((start, name, end));
            true
        })?;
        Some(((found.token, found.first), each, found.len))
    }

    #[test]
    fn lines_are_found_wherever_they_fall_among_words_of_eight() {
        for pad in 0..20 {
            let host = "h".repeat(pad);
            let head =
                format!("GET /{host} HTTP/1.1\r\nHost: {host}\r\nX:\r\nX-{host}: {host}\r\nServer:\t{host}\r\n\r\nbody\r\n");
            let (first, mut at) = (pad + 14, pad + 16);
            let mut want = Vec::new();
            for (name, len) in [(4, pad + 6), (1, 2), (pad + 2, pad + pad + 4), (6, pad + 8)] {
                want.push((at, name, at + len));
                at += len + 2;
            }
            assert_eq!(find(head.as_bytes()), Some(((3, first), want, head.len() - 6)), "{head:?}");
        }
    }

    #[test]
    fn control_characters_are_found_among_all_bytes() {
        for b in 0..=255u8 {
            for at in 0..20 {
                let mut text = vec![b'\x80'; 20];
                text[at] = b;
                assert_eq!(control(&text), (b < b' ').then_some(at), "{text:?}");
            }
        }
    }

    #[test]
    fn status_lines_in_order_are_read_as_the_careful_reader_does() {
        for line in ["HTTP/1.1 200 OK", "HTTP/1.0 404 ", "HTTP/9.9 999 a  b", "HTTP/1.1 007 x"] {
            let parts = parse::status_line(line.as_bytes());
            assert!(!parts.odd);
            assert_eq!((status(line.as_bytes()), parts.phrase.start), (Some(parts.status), BEFORE_PHRASE), "{line}");
        }
        for odd in ["HTTP/1.1 200", "HTTP/1.1 2000 ", "HTTP/1.1  200 OK", "HTTP/1.x 200 OK", "HTTP/1.1 2x0 OK", "ICY 200 OK"] {
            assert_eq!(status(odd.as_bytes()), None, "{odd}");
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
            assert_eq!(find(odd.as_bytes()), None, "{odd:?}");
        }
        assert!(find(b"HTTP/1.1 200 OK\r\n\r\n").is_some());
        for odd in ["GET /", "GET / HTTP/2.0", "GET  / HTTP/1.1", "GET / a HTTP/1.1", " / HTTP/1.1"] {
            assert_eq!(request(odd.as_bytes(), odd.find(' ').unwrap_or(0)), None, "{odd:?}");
        }
    }
}
