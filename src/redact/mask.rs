//! What takes a secret's place: text of the same length that keeps the syntax around it, so that what is written still reads as the same
//! messages.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE_NO_PAD};
use std::ops::Range;
use wirelore_dissectors::coding::huffman;

/// A secret in some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// Where it is.
    pub range: Range<usize>,
    /// What takes its place: as many bytes.
    pub with: Vec<u8>,
    /// What it says, undone from its coding: looked for elsewhere.
    pub values: Vec<Vec<u8>>,
}

impl Hit {
    /// Text as it stands.
    pub fn text(bytes: &[u8], range: Range<usize>) -> Option<Hit> {
        let old = bytes.get(range.clone()).filter(|b| !b.is_empty())?;
        Some(Hit { range, with: text(old), values: vec![old.to_vec()] })
    }
}

/// Text of the same length: digits where all are digits, so that numbers stay numbers; the dots of a JSON Web Token stay, and so do
/// percent escapes as escapes, blanks, line ends and the padding of base64.
pub(super) fn text(old: &[u8]) -> Vec<u8> {
    if old.iter().all(u8::is_ascii_digit) {
        return vec![b'1'; old.len()];
    }
    let dots = old.starts_with(b"eyJ") && old.iter().filter(|b| **b == b'.').count() == 2;
    let padding = old.iter().rev().take(2).take_while(|b| **b == b'=').count();
    let body = old.len().saturating_sub(padding);
    let mut new = Vec::with_capacity(old.len());
    let mut rest = old;
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                new.extend_from_slice(b"%78");
                rest = after;
                continue;
            }
            (b' ' | b'\t' | b'\r' | b'\n' | 0, _) => new.push(*first),
            (b'.', _) if dots => new.push(b'.'),
            (b'=', _) if new.len() >= body => new.push(b'='),
            _ => new.push(b'x'),
        }
        rest = tail;
    }
    new
}

/// Bytes of any kind: text as text, with its line ends and the zeros that end it, else zeros.
pub(super) fn any(old: &[u8]) -> Vec<u8> {
    let written = |b: &u8| matches!(b, b'\t' | b'\r' | b'\n' | 0 | b' '..=b'~' | 0x80..);
    if std::str::from_utf8(old).is_ok() && old.iter().all(written) { text(old) } else { vec![0; old.len()] }
}

/// The secrets in the value of a field of this name.
pub(super) fn field(name: &str, bytes: &[u8]) -> Vec<Hit> {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase().replace('-', "_");
    match last.as_str() {
        "cookie" | "cookie_pair" => cookies(bytes),
        "set_cookie" | "pair" => set_cookie(bytes),
        "authorization" | "proxy_authorization" => credentials(bytes),
        "response" => sasl_coded(bytes, 0).into_iter().collect(),
        "data" if name.contains(".sasl.") => {
            let (with, values) = sasl(bytes);
            vec![Hit { range: 0..bytes.len(), with, values }]
        }
        _ if bytes.is_empty() => Vec::new(),
        _ => vec![Hit { range: 0..bytes.len(), with: any(bytes), values: vec![bytes.to_vec()] }],
    }
}

/// The value behind the first `=` of each pair (RFC 6265 §4.2.1); a pair without one is all value.
fn cookies(bytes: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut at = 0;
    for pair in bytes.split(|b| *b == b';') {
        hits.extend(cookie(bytes, at..at.saturating_add(pair.len())));
        at = at.saturating_add(pair.len()).saturating_add(1);
    }
    hits
}

fn set_cookie(bytes: &[u8]) -> Vec<Hit> {
    let end = bytes.iter().position(|b| *b == b';').unwrap_or(bytes.len());
    cookie(bytes, 0..end).into_iter().collect()
}

fn cookie(bytes: &[u8], pair: Range<usize>) -> Option<Hit> {
    let old = bytes.get(pair.clone())?;
    let from = old.iter().position(|b| *b == b'=').map_or(0, |i| i.saturating_add(1));
    Hit::text(bytes, trimmed(bytes, pair.start.saturating_add(from)..pair.end))
}

/// Without blanks and one pair of quotes around it.
fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    let at = |i: usize| bytes.get(i).copied().unwrap_or(b'x');
    while start < end && at(start).is_ascii_whitespace() {
        start = start.saturating_add(1);
    }
    while end > start && at(end.saturating_sub(1)).is_ascii_whitespace() {
        end = end.saturating_sub(1);
    }
    if end.saturating_sub(start) >= 2 && at(start) == b'"' && at(end.saturating_sub(1)) == b'"' {
        return start.saturating_add(1)..end.saturating_sub(1);
    }
    start..end
}

/// Parameters of a scheme that are no secret (RFC 7616 §3.4, and the signing schemes of clouds).
const OPEN_PARAMETERS: &[&str] = &["realm", "algorithm", "qop", "nc", "charset", "userhash", "signedheaders", "version", "stale"];

/// What stands behind the scheme (RFC 9110 §11.4).
pub(super) fn credentials(bytes: &[u8]) -> Vec<Hit> {
    let begin = trimmed(bytes, 0..bytes.len()).start;
    let blank = bytes.iter().skip(begin).position(|b| *b == b' ');
    let Some(scheme_end) = blank.map(|i| i.saturating_add(begin)) else {
        // No scheme: all of it is the token.
        return Hit::text(bytes, begin..bytes.len()).into_iter().collect();
    };
    let scheme = bytes.get(begin..scheme_end).unwrap_or_default().to_ascii_lowercase();
    let rest = trimmed(bytes, scheme_end..bytes.len());
    match scheme.as_slice() {
        b"basic" => basic(bytes, rest).into_iter().collect(),
        b"negotiate" | b"ntlm" => sasl_coded(bytes.get(rest.clone()).unwrap_or_default(), rest.start).into_iter().collect(),
        b"bearer" | b"token" => Hit::text(bytes, rest).into_iter().collect(),
        _ => {
            let hits = parameters(bytes, rest.clone());
            if hits.is_empty() { Hit::text(bytes, rest).into_iter().collect() } else { hits }
        }
    }
}

/// `name=value` and `name="value"`, apart by commas; empty where there are none.
fn parameters(bytes: &[u8], range: Range<usize>) -> Vec<Hit> {
    let (mut hits, mut at) = (Vec::new(), range.start);
    let mut quoted = false;
    let mut begin = range.start;
    while at <= range.end {
        let here = bytes.get(at).copied().filter(|_| at < range.end);
        match here {
            Some(b'"') => quoted = !quoted,
            Some(b',') | None if !quoted || here.is_none() => {
                let part = bytes.get(begin..at).unwrap_or_default();
                if let Some(eq) = part.iter().position(|b| *b == b'=') {
                    let name = part.get(..eq).unwrap_or_default().trim_ascii().to_ascii_lowercase();
                    let value = trimmed(bytes, begin.saturating_add(eq).saturating_add(1)..at);
                    let open = OPEN_PARAMETERS.iter().any(|o| o.as_bytes() == name);
                    hits.extend(Hit::text(bytes, value).filter(|_| !open && !name.is_empty()));
                }
                begin = at.saturating_add(1);
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
    hits
}

/// The engine whose alphabet and padding a text is written in, and what it says.
fn decoded(text: &[u8]) -> Option<(&'static GeneralPurpose, Vec<u8>)> {
    [&STANDARD, &URL_SAFE_NO_PAD].into_iter().find_map(|e| Some((e, e.decode(text).ok()?)))
}

/// Name and password in base64 (RFC 7617 §2): both are covered, the colon stays.
fn basic(bytes: &[u8], range: Range<usize>) -> Option<Hit> {
    let old = bytes.get(range.clone())?;
    let Some((engine, plain)) = decoded(old) else { return Hit::text(bytes, range) };
    let colon = plain.iter().position(|b| *b == b':').unwrap_or(plain.len());
    let new: Vec<u8> = plain.iter().enumerate().map(|(i, _)| if i == colon { b':' } else { b'x' }).collect();
    let with = engine.encode(new).into_bytes();
    let password = plain.get(colon.saturating_add(1)..).unwrap_or_default().to_vec();
    (with.len() == old.len()).then(|| Hit { range, with, values: vec![old.to_vec(), password] })
}

/// A message of SASL or of Negotiate in base64, that stands at `at`.
fn sasl_coded(old: &[u8], at: usize) -> Option<Hit> {
    let range = at..at.saturating_add(old.len());
    // `=` is an empty answer and `*` gives up (RFC 4954 §4).
    if old.len() <= 1 {
        return None;
    }
    let with = decoded(old).map(|(engine, plain)| {
        let (new, values) = sasl(&plain);
        (engine.encode(new).into_bytes(), values)
    });
    Some(match with {
        Some((with, mut values)) if with.len() == old.len() => {
            values.push(old.to_vec());
            Hit { range, with, values }
        }
        _ => Hit { range, with: text(old), values: vec![old.to_vec()] },
    })
}

/// The same for what base64 stood for: the marks between the parts stay, by which each mechanism is read.
fn sasl(plain: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut new = plain.to_vec();
    let mut values = Vec::new();
    let mut cover = |new: &mut Vec<u8>, range: Range<usize>| {
        if let Some(part) = new.get_mut(range) {
            values.push(part.to_vec());
            let with = text(part);
            part.copy_from_slice(&with);
        }
    };
    let parts = |by: u8| {
        let mut at = 0usize;
        let each = move |p: &[u8]| {
            let from = at;
            at = at.saturating_add(p.len()).saturating_add(1);
            from..from.saturating_add(p.len())
        };
        plain.split(move |b| *b == by).map(each)
    };
    if plain.starts_with(b"NTLMSSP\0") {
        // Signature and type of message stay (MS-NLMP §2.2.1).
        new.iter_mut().skip(12).for_each(|b| *b = 0);
    } else if plain.contains(&1) {
        for range in parts(1) {
            let part = plain.get(range.clone()).unwrap_or_default();
            if part.len() > 5 && part.get(..5).is_some_and(|p| p.eq_ignore_ascii_case(b"auth=")) {
                let behind = range.start.saturating_add(5);
                let blank = plain.get(behind..range.end).and_then(|p| p.iter().position(|b| *b == b' '));
                cover(&mut new, behind.saturating_add(blank.map_or(0, |i| i.saturating_add(1)))..range.end);
            }
        }
    } else if plain.contains(&0) {
        parts(0).for_each(|range| cover(&mut new, range));
    } else if is_scram(plain) {
        for range in parts(b',') {
            let name = plain.get(range.start..range.start.saturating_add(2)).unwrap_or_default();
            if matches!(name, b"n=" | b"s=" | b"p=" | b"v=" | b"a=") {
                let range = range.start.saturating_add(2)..range.end;
                let part = plain.get(range.clone()).unwrap_or_default();
                match decoded(part).filter(|_| name != b"n=" && name != b"a=") {
                    Some((engine, raw)) => {
                        let with = engine.encode(vec![b'x'; raw.len()]);
                        values_of(&mut new, range, with.as_bytes());
                    }
                    None => cover(&mut new, range),
                }
            }
        }
    } else if let Some(blank) = plain.iter().rposition(|b| *b == b' ')
        && plain.len().saturating_sub(blank) == 33
        && plain.iter().skip(blank.saturating_add(1)).all(u8::is_ascii_hexdigit)
    {
        // CRAM-MD5 (RFC 2195 §2): a name and a digest.
        cover(&mut new, 0..blank);
        new.iter_mut().skip(blank.saturating_add(1)).for_each(|b| *b = b'0');
    } else {
        let whole = any(plain);
        values.push(plain.to_vec());
        new = whole;
    }
    (new, values)
}

fn values_of(new: &mut [u8], range: Range<usize>, with: &[u8]) {
    if let Some(part) = new.get_mut(range).filter(|p| p.len() == with.len()) {
        part.copy_from_slice(with);
    }
}

/// Whether a message is one of SCRAM (RFC 5802 §7).
fn is_scram(plain: &[u8]) -> bool {
    let attribute = |p: &[u8]| matches!(p, [b'a'..=b'z', b'=', ..]);
    let head = plain.split(|b| *b == b',').next().unwrap_or_default();
    (matches!(head, b"n" | b"y") || attribute(head)) && plain.split(|b| *b == b',').any(attribute)
}

/// The octet that stands for all of so many bits of the Huffman code.
fn stands_for(bits: u8) -> u8 {
    match bits {
        5 => b'o',
        6 => b'_',
        7 => b'x',
        8 => b'X',
        10 => b'!',
        11 => b'+',
        12 => b'#',
        13 => b'~',
        14 => b'^',
        15 => b'`',
        _ => (0..=255).find(|b| huffman::bits_of(*b) == bits).unwrap_or(b'x'),
    }
}

/// Text of as many octets whose Huffman code has as many bits in all: so neither the string's length on the wire nor the size of its entry
/// in the dynamic table changes (RFC 7541 §4.1), and indices behind it mean what they meant.
pub(super) fn huffman_text(old: &[u8]) -> Vec<u8> {
    let mut lengths: Vec<u8> = old.iter().map(|b| huffman::bits_of(*b)).collect();
    let total: usize = lengths.iter().map(|l| usize::from(*l)).sum();
    let each = total.checked_div(lengths.len()).unwrap_or(0);
    let over = total.saturating_sub(each.saturating_mul(lengths.len()));
    if (5..8).contains(&each) || (each == 8 && over == 0) {
        let longer = |i: usize| u8::from(i < over);
        lengths = (0..lengths.len()).map(|i| (each as u8).saturating_add(longer(i))).collect();
    } else {
        // There are no codes of nine bits: which lengths there were is told then, not where.
        lengths.sort_unstable();
    }
    lengths.into_iter().map(stands_for).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(name: &str, old: &str) -> String {
        let mut new = old.as_bytes().to_vec();
        for hit in field(name, old.as_bytes()) {
            new[hit.range].copy_from_slice(&hit.with);
        }
        String::from_utf8(new).unwrap()
    }

    #[test]
    fn what_is_around_a_secret_stays_and_its_length_too() {
        for (name, old, new) in [
            ("http.cookie", "id=7; theme=dark;x", "id=1; theme=xxxx;x"),
            ("http.cookie", "a=\"b c\"; t=p%2Fq==", "a=\"x x\"; t=x%78x=="),
            ("http.set_cookie", "id=8ab; Path=/; HttpOnly", "id=xxx; Path=/; HttpOnly"),
            ("http.authorization", "Bearer abc.def", "Bearer xxxxxxx"),
            ("http.authorization", "Bearer eyJh.eyJz.c-g", "Bearer xxxx.xxxx.xxx"),
            ("http.authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic eHh4eHh4eDp4eHh4eHh4eHh4eA=="),
            (
                "http.proxy_authorization",
                "Digest username=\"M\", realm=\"a, b\", nc=00000001, response=\"6629\"",
                "Digest username=\"x\", realm=\"a, b\", nc=00000001, response=\"1111\"",
            ),
            ("http.authorization", "loose-token", "xxxxxxxxxxx"),
            ("ftp.request.password", "hunter2", "xxxxxxx"),
            ("telnet.password", "plum\r\0", "xxxx\r\0"),
            ("pgsql.cancel_key", "\u{1}\u{2}ab", "\0\0\0\0"),
            ("smtp.auth.response", "AGVtbWEAd3Jvbmc=", "AHh4eHgAeHh4eHg="),
            ("smtp.auth.response", "*", "*"),
        ] {
            assert_eq!(masked(name, old), new, "{name}");
        }
    }

    #[test]
    fn sasl_keeps_the_shape_of_its_mechanism() {
        for (old, new) in [
            ("n,,n=emma,r=foo", "n,,n=xxxx,r=foo"),
            ("c=biws,r=foobar,p=dGVzdA==", "c=biws,r=foobar,p=eHh4eA=="),
            ("emma b913a602c7eda7a495b4e6e7334d3890", "xxxx 00000000000000000000000000000000"),
            ("n,a=u@h,\u{1}host=h\u{1}auth=Bearer vF9\u{1}\u{1}", "n,a=u@h,\u{1}host=h\u{1}auth=Bearer xxx\u{1}\u{1}"),
            ("secret", "xxxxxx"),
        ] {
            assert_eq!(String::from_utf8(sasl(old.as_bytes()).0).unwrap(), new);
        }
    }

    #[test]
    fn a_text_in_huffmans_code_keeps_its_octets_and_its_bits() {
        for old in ["hunter2", "Bearer eyJhbGciOiJIUzI1NiJ9", "&*&*", "p@ss|w\\rd", "ä€", "a", "&(", ""] {
            let new = huffman_text(old.as_bytes());
            let bits = |t: &[u8]| t.iter().map(|b| u32::from(huffman::bits_of(*b))).sum::<u32>();
            assert_eq!((new.len(), bits(&new)), (old.len(), bits(old.as_bytes())), "{old}");
            let (mut a, mut b) = (Vec::new(), Vec::new());
            huffman::encode(old.as_bytes(), &mut a);
            huffman::encode(&new, &mut b);
            assert_eq!(a.len(), b.len());
        }
    }
}
