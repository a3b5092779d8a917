//! The grammar of HTTP/1 heads (RFC 9112 §2 to §6): bytes to places and values, no state, lenient where the wild is.

use crate::coding::Coding;
use memchr::{memchr, memrchr};
use std::ops::Range;

/// A head may be so long in all, bytes.
pub const MOST_HEAD: usize = 1 << 20;
/// A line of it longer than this is noted, bytes.
pub const LONG_LINE: usize = 64 << 10;
/// No method is longer: the longest registered one has 17 letters.
pub const MOST_METHOD: usize = 32;

/// Characters of a token (RFC 9110 §5.6.2).
#[allow(clippy::indexing_slicing, reason = "worked out at build time")]
static TCHAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        let sign =
            matches!(b, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~');
        table[i] = b.is_ascii_alphanumeric() || sign;
        i += 1;
    }
    table
};

/// Whether `b` may stand in a token.
#[inline]
#[must_use]
pub fn is_tchar(b: u8) -> bool {
    TCHAR.get(usize::from(b)).copied().unwrap_or(false)
}

const fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// Bytes of the blank lines that stand before a start line; `None` while a CR is the last byte.
#[must_use]
pub fn leading(b: &[u8]) -> Option<usize> {
    let mut at = 0usize;
    loop {
        match b.get(at..).unwrap_or(&[]) {
            [b'\r', b'\n', ..] => at = at.saturating_add(2),
            [b'\n', ..] => at = at.saturating_add(1),
            [b'\r'] => return None,
            _ => return Some(at),
        }
    }
}

/// Length of the head that begins `b`, blank line included. Nothing was found before `from`.
#[must_use]
pub fn head_end(b: &[u8], from: usize) -> Option<usize> {
    let mut at = from.saturating_sub(2);
    loop {
        at = at.saturating_add(memchr(b'\n', b.get(at..)?)?).saturating_add(1);
        match b.get(at..)? {
            [b'\n', ..] => return Some(at.saturating_add(1)),
            [b'\r', b'\n', ..] => return Some(at.saturating_add(2)),
            _ => {}
        }
    }
}

/// How a first line looks so far. Anything but `Open` stays as bytes are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// A message.
    Message,
    /// Too few bytes to tell.
    Open,
    /// No message.
    Neither,
}

/// The token that `b` begins with, if a blank or nothing follows it.
#[must_use]
pub fn method(b: &[u8]) -> Option<&[u8]> {
    let n = b.iter().take(MOST_METHOD).take_while(|c| is_tchar(**c)).count();
    let good = match b.get(n) {
        Some(c) => *c == b' ' && n > 0,
        None => n < MOST_METHOD,
    };
    b.get(..n).filter(|_| good)
}

/// Whether `b` begins a response or a request, leading blank lines left out. Where the start was `guessed`, its first line must be
/// beyond doubt.
#[must_use]
pub fn begins(b: &[u8], response: bool, guessed: bool) -> Begins {
    // Nearly always this decides.
    if !guessed
        && ((response && b.starts_with(b"HTTP/")) || (!response && method(b).is_some_and(|m| m.len() < b.len() && is_method(m))))
    {
        return Begins::Message;
    }
    let line = memchr(b'\n', b).map(|_| b.get(..Line::of(b).len).unwrap_or(b));
    if response {
        let start = |s: &[u8]| b.starts_with(s) || s.starts_with(b);
        return match line {
            _ if !start(b"HTTP/") && !start(b"ICY ") => Begins::Neither,
            Some(line) if guessed && status_line(line).odd => Begins::Neither,
            None if guessed || b.len() < 5 => Begins::Open,
            _ => Begins::Message,
        };
    }
    let Some(word) = method(b) else { return Begins::Neither };
    match line {
        Some(line) => {
            let parts = request_line(line);
            let version = line.get(parts.version.clone()).unwrap_or(&[]);
            let sure = !parts.odd && !parts.target.is_empty() && version.starts_with(b"HTTP/1.");
            // A word of our own making is a method only where a version follows.
            let good =
                if guessed { sure } else { is_method(word) || version.ends_with(b"HTTP/1.1") || version.starts_with(b"HTTP/") };
            if good { Begins::Message } else { Begins::Neither }
        }
        None if guessed || word.len() == b.len() || !is_method(word) => Begins::Open,
        None => Begins::Message,
    }
}

/// One line: its text, and where the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Bytes without the line end.
    pub len: usize,
    /// Bytes with it.
    pub all: usize,
}

impl Line {
    /// The line that begins `b`; all of it where no line end is there.
    #[must_use]
    pub fn of(b: &[u8]) -> Line {
        match memchr(b'\n', b) {
            None => Line { len: b.len(), all: b.len() },
            Some(n) => {
                let cr = n.checked_sub(1).is_some_and(|i| b.get(i) == Some(&b'\r'));
                Line { len: n.saturating_sub(usize::from(cr)), all: n.saturating_add(1) }
            }
        }
    }

    /// Whether it ends in LF alone.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.all.saturating_sub(self.len) == 1
    }
}

/// The parts of a request line, as offsets in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    /// Method.
    pub method: Range<usize>,
    /// Target.
    pub target: Range<usize>,
    /// Version; empty where there is none. Whatever follows the target where no version stands at the end, so that nothing is hidden.
    pub version: Range<usize>,
    /// Not just three parts with one blank between them.
    pub odd: bool,
}

/// Takes a request line apart at its blanks.
#[must_use]
pub fn request_line(line: &[u8]) -> RequestLine {
    let word = |from: usize| {
        let start = from.saturating_add(line.get(from..).unwrap_or(&[]).iter().take_while(|b| **b == b' ').count());
        let len = memchr(b' ', line.get(start..).unwrap_or(&[])).unwrap_or(line.len().saturating_sub(start));
        start..start.saturating_add(len)
    };
    let method = word(0);
    let mut target = word(method.end);
    let rest = word(target.end).start;
    let trailing = line.get(rest..).unwrap_or(&[]).iter().rev().take_while(|b| is_blank(**b)).count();
    let mut version = rest..line.len().saturating_sub(trailing).max(rest);
    // Blanks that belong to the target: the version is the last word then.
    if let Some(sp) = line.get(version.clone()).and_then(|v| memrchr(b' ', v))
        && line.get(version.start.saturating_add(sp).saturating_add(1)..).is_some_and(|v| v.starts_with(b"HTTP/"))
    {
        let start = version.start.saturating_add(sp).saturating_add(1);
        let inner = line.get(target.start..start).unwrap_or(&[]);
        let blanks = inner.iter().rev().take_while(|b| is_blank(**b)).count();
        target.end = start.saturating_sub(blanks);
        version.start = start;
    }
    let one = |a: &Range<usize>, b: &Range<usize>| b.is_empty() || b.start == a.end.saturating_add(1);
    let blank = |r: &Range<usize>| line.get(r.clone()).is_some_and(|v| v.iter().any(|b| is_blank(*b)));
    let odd = !one(&method, &target) || !one(&target, &version) || trailing > 0 || blank(&target) || blank(&version);
    RequestLine { method, target, version, odd }
}

/// The parts of a status line, as offsets in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine {
    /// Version.
    pub version: Range<usize>,
    /// Status code.
    pub code: Range<usize>,
    /// Its value; 0 where it is no number.
    pub status: u16,
    /// Reason phrase.
    pub phrase: Range<usize>,
    /// Not version SP three digits SP phrase.
    pub odd: bool,
}

/// Takes a status line apart.
#[must_use]
pub fn status_line(line: &[u8]) -> StatusLine {
    let end = memchr(b' ', line).unwrap_or(line.len());
    let from = end.saturating_add(line.get(end..).unwrap_or(&[]).iter().take_while(|b| **b == b' ').count());
    let rest = line.get(from..).unwrap_or(&[]);
    let digits = rest.iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let code = from..from.saturating_add(digits);
    let status = rest.iter().take(digits).fold(0u32, |n, b| n.saturating_mul(10).saturating_add(u32::from(b.wrapping_sub(b'0'))));
    let behind = line.get(code.end..).unwrap_or(&[]);
    let skip = usize::from(behind.first() == Some(&b' '));
    let good_version =
        matches!(line.get(..end), Some([b'H', b'T', b'T', b'P', b'/', a, b'.', c]) if a.is_ascii_digit() && c.is_ascii_digit());
    let odd = !good_version || from != end.saturating_add(1) || digits != 3 || (skip == 0 && !behind.is_empty());
    StatusLine {
        version: 0..end,
        phrase: code.end.saturating_add(skip)..line.len(),
        code,
        status: u16::try_from(status).unwrap_or(0),
        odd,
    }
}

/// A header line: where its name and value stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Length of the name.
    pub name: usize,
    /// Its value, blanks around it left out.
    pub value: Range<usize>,
    /// Blanks stand between name and colon.
    pub spaced: bool,
    /// The name is not a token.
    pub bad_name: bool,
}

/// Takes a header apart; `first` is the length of its first line, `all` that of all its lines without the last line end.
#[must_use]
pub fn header(b: &[u8], first: usize, all: usize) -> Option<Header> {
    let colon = memchr(b':', b.get(..first)?)?;
    let blanks = b.get(..colon)?.iter().rev().take_while(|c| is_blank(**c)).count();
    let name = colon.saturating_sub(blanks);
    if name == 0 {
        return None;
    }
    let text = b.get(colon.saturating_add(1)..all)?;
    let front = text.iter().take_while(|c| c.is_ascii_whitespace()).count();
    let back = text.get(front..)?.iter().rev().take_while(|c| c.is_ascii_whitespace()).count();
    let start = colon.saturating_add(1).saturating_add(front);
    Some(Header {
        name,
        value: start..all.saturating_sub(back).max(start),
        spaced: blanks > 0,
        bad_name: !b.get(..name)?.iter().all(|c| is_tchar(*c)),
    })
}

/// What a Content-Length value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// The number, where one can be made out.
    pub value: Option<u64>,
    /// It is not just digits.
    pub odd: bool,
    /// It begins with zeros that say nothing.
    pub zeros: bool,
}

/// Reads a Content-Length value (RFC 9110 §8.6: digits; a list of equal numbers may be taken as one).
/// A plus sign and words behind a blank are passed over, as lenient readers do; anything else is no length.
#[must_use]
pub fn content_length(value: &[u8]) -> Length {
    let number = |v: &[u8]| -> Option<u64> {
        if v.is_empty() || !v.iter().all(u8::is_ascii_digit) {
            return None;
        }
        v.iter().try_fold(0u64, |n, b| n.checked_mul(10)?.checked_add(u64::from(b.wrapping_sub(b'0'))))
    };
    let zeros = value.len() > 1 && value.first() == Some(&b'0');
    if let Some(n) = number(value) {
        return Length { value: Some(n), odd: false, zeros };
    }
    let mut parts = value.split(|b| *b == b',').map(|p| number(p.trim_ascii()));
    let list = parts.next().flatten().filter(|n| value.contains(&b',') && parts.all(|p| p == Some(*n)));
    let lenient = || {
        let v = value.strip_prefix(b"+").unwrap_or(value);
        let end = v.iter().position(|b| is_blank(*b)).unwrap_or(v.len());
        number(v.get(..end)?)
    };
    Length { value: list.or_else(lenient), odd: true, zeros: false }
}

/// What the Transfer-Encoding lines of a head say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    /// chunked is among the codings.
    pub chunked: bool,
    /// Something stands behind chunked, or chunked stands twice.
    pub not_last: bool,
    /// A coding that is not registered.
    pub unknown: bool,
    /// The other codings, as applied.
    pub codings: Vec<Coding>,
}

impl Transfer {
    /// Adds one line's value (RFC 9112 §6.1).
    pub fn add(&mut self, value: &[u8]) {
        for part in value.split(|b| *b == b',') {
            let name = part.split(|b| *b == b';').next().unwrap_or(part).trim_ascii();
            if name.is_empty() {
                continue;
            }
            self.not_last |= self.chunked;
            if name.eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
                continue;
            }
            let coding = Coding::named(name);
            self.unknown |= matches!(coding, Coding::Unknown | Coding::Brotli | Coding::Zstd);
            if coding != Coding::Identity && self.codings.len() <= crate::coding::MOST_CODINGS {
                self.codings.push(coding);
            }
        }
    }
}

/// The parts of a chunk's first line, as offsets in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkLine {
    /// The size's digits.
    pub digits: Range<usize>,
    /// The size; `None` where there is none or it is beyond reason.
    pub size: Option<u64>,
    /// The extension behind the semicolon (RFC 9112 §7.1.1); empty where there is none.
    pub extension: Range<usize>,
    /// Blanks, signs, a 0x, many zeros or words.
    pub odd: bool,
}

/// Takes a chunk's first line apart.
#[must_use]
pub fn chunk_line(line: &[u8]) -> ChunkLine {
    let front = line.iter().take_while(|b| is_blank(**b)).count();
    let prefix = if matches!(line.get(front..), Some([b'0', b'x' | b'X', ..])) { 2 } else { 0 };
    let start = front.saturating_add(prefix);
    let rest = line.get(start..).unwrap_or(&[]);
    let n = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let value = |v: &[u8]| {
        v.iter().try_fold(0u64, |n, b| {
            let d = (*b as char).to_digit(16)?;
            // Beyond 2^48 no body is meant.
            Some(n.checked_mul(16)?.checked_add(u64::from(d))?).filter(|n| *n < 1 << 48)
        })
    };
    let end = start.saturating_add(n);
    let size = if n == 0 { None } else { rest.get(..n).and_then(value) };
    let semicolon = memchr(b';', line.get(end..).unwrap_or(&[])).map(|i| i.saturating_add(end));
    let between = line.get(end..semicolon.unwrap_or(line.len())).unwrap_or(&[]);
    ChunkLine {
        digits: start..end,
        size,
        extension: semicolon.map_or(line.len(), |i| i.saturating_add(1))..line.len(),
        odd: front > 0 || prefix > 0 || !between.is_empty() || n > 16 || (n > 1 && rest.first() == Some(&b'0')),
    }
}

/// The media type of a Content-Type value in lower case, without parameters.
#[must_use]
pub fn media(value: &[u8]) -> Option<Box<str>> {
    let text = std::str::from_utf8(essence(value)).ok().filter(|t| t.len() <= 128 && t.contains('/'))?;
    Some(text.to_ascii_lowercase().into())
}

/// A header value without its parameters, as written.
#[must_use]
pub fn essence(value: &[u8]) -> &[u8] {
    value.split(|b| matches!(b, b';' | b',')).next().unwrap_or(value).trim_ascii()
}

/// A parameter's value of a header value (`boundary`, `filename`), quotes left out.
#[must_use]
pub fn parameter<'v>(value: &'v [u8], name: &str) -> Option<&'v [u8]> {
    let mut rest = value.get(memchr(b';', value)?.saturating_add(1)..)?;
    loop {
        rest = rest.trim_ascii_start();
        let eq = memchr(b'=', rest)?;
        let (key, after) = (rest.get(..eq)?.trim_ascii(), rest.get(eq.saturating_add(1)..)?.trim_ascii_start());
        let (text, behind) = match after.strip_prefix(b"\"") {
            Some(quoted) => {
                let end = memchr(b'"', quoted).unwrap_or(quoted.len());
                (quoted.get(..end)?, quoted.get(end..)?)
            }
            None => {
                let end = memchr(b';', after).unwrap_or(after.len());
                (after.get(..end)?.trim_ascii(), after.get(end..)?)
            }
        };
        if key.eq_ignore_ascii_case(name.as_bytes()) {
            return Some(text);
        }
        rest = behind.get(memchr(b';', behind)?.saturating_add(1)..)?;
    }
}

/// Methods that HTTP and its extensions register, and those of UPnP.
static METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"TRACE",
    b"PATCH",
    b"QUERY",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"ACL",
    b"BIND",
    b"REBIND",
    b"UNBIND",
    b"LINK",
    b"UNLINK",
    b"LABEL",
    b"MERGE",
    b"CHECKIN",
    b"CHECKOUT",
    b"UNCHECKOUT",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKREDIRECTREF",
    b"MKWORKSPACE",
    b"ORDERPATCH",
    b"UPDATE",
    b"UPDATEREDIRECTREF",
    b"VERSION-CONTROL",
    b"BASELINE-CONTROL",
    b"M-SEARCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"PURGE",
    b"BCOPY",
    b"BDELETE",
    b"BMOVE",
    b"BPROPFIND",
    b"BPROPPATCH",
    b"POLL",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"CCM_POST",
    b"M-POST",
];

/// Whether `word` is a method that someone registered.
#[must_use]
pub fn is_method(word: &[u8]) -> bool {
    METHODS.contains(&word)
}

/// Where a message may begin in bytes behind a hole: a status line to the client, a request line with a known method to the server.
/// Looks at no more than 16 bytes from there on and at none before, so that it does not matter how the bytes come.
#[must_use]
pub fn resync(b: &[u8], to_client: bool) -> Option<usize> {
    if to_client {
        return memchr::memmem::find_iter(b, b"HTTP/1.").find(|at| {
            let rest = b.get(at.saturating_add(7)..).unwrap_or(&[]);
            matches!(rest, [b'0' | b'1', b' ', x, y, z, ..] if [x, y, z].iter().all(|c| c.is_ascii_digit()))
        });
    }
    memchr::memchr_iter(b' ', b).find_map(|sp| {
        let target = matches!(b.get(sp.saturating_add(1)..), Some([b'/' | b'*', ..] | [b'h', b't', b't', b'p', ..]));
        let word = b.get(sp.saturating_sub(11)..sp)?;
        if !target && !word.ends_with(b"CONNECT") {
            return None;
        }
        let method = METHODS.iter().filter(|m| word.ends_with(m)).max_by_key(|m| m.len())?;
        Some(sp.saturating_sub(method.len()))
    })
}
