//! QPACK (RFC 9204): the table that one side fills over its encoder stream, and header sections that refer to it.

use crate::coding::huffman;
use std::collections::VecDeque;

/// The table may grow so large, whatever the sides agree on; RFC 9204 leaves the bound to them.
const MOST_TABLE: u64 = 1 << 20;
/// A section may come to so many bytes of names and values.
const MOST_SECTION: usize = 1 << 20;
/// What an entry counts beside its bytes (RFC 9204 §3.2.1).
const OVERHEAD: u64 = 32;

/// What cannot be read, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// More bytes must come.
    Short,
    /// The section needs entries that have not come yet.
    Blocked,
    /// Not QPACK.
    Bad,
}

/// How a field was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Static,
    Dynamic,
    NameStatic,
    NameDynamic,
    Literal,
}

impl Form {
    /// In words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Form::Static => "indexed, static table",
            Form::Dynamic => "indexed, dynamic table",
            Form::NameStatic => "literal, name from the static table",
            Form::NameDynamic => "literal, name from the dynamic table",
            Form::Literal => "literal",
        }
    }
}

/// A field of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub form: Form,
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

type Entry = (Vec<u8>, Vec<u8>);

/// One direction's dynamic table.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    entries: VecDeque<Entry>,
    /// Entries that were ever added.
    added: u64,
    size: u64,
    capacity: u64,
    /// The beginning was missed: entries may be wrong or absent.
    pub partial: bool,
}

/// Reads integers and strings with prefixes (RFC 9204 §4.1).
struct Bytes<'b> {
    rest: &'b [u8],
}

impl Bytes<'_> {
    fn first(&self) -> Result<u8, Stop> {
        self.rest.first().copied().ok_or(Stop::Short)
    }

    fn int(&mut self, bits: u32) -> Result<u64, Stop> {
        let (first, mut rest) = self.rest.split_first().ok_or(Stop::Short)?;
        let most = (1u64 << bits).saturating_sub(1);
        let mut v = u64::from(*first) & most;
        if v == most {
            let mut shift = 0u32;
            loop {
                let (b, after) = rest.split_first().ok_or(Stop::Short)?;
                rest = after;
                if shift > 56 {
                    return Err(Stop::Bad);
                }
                v = v.saturating_add(u64::from(b & 0x7f) << shift);
                shift = shift.saturating_add(7);
                if b & 0x80 == 0 {
                    break;
                }
            }
        }
        self.rest = rest;
        Ok(v)
    }

    /// A string whose Huffman flag is the bit above a length of `bits` bits.
    fn string(&mut self, bits: u32) -> Result<Vec<u8>, Stop> {
        let coded = self.first()? >> bits & 1 == 1;
        let len = usize::try_from(self.int(bits)?).map_err(|_| Stop::Bad)?;
        if len > MOST_SECTION {
            return Err(Stop::Bad);
        }
        let (text, rest) = self.rest.split_at_checked(len).ok_or(Stop::Short)?;
        self.rest = rest;
        if !coded {
            return Ok(text.to_vec());
        }
        let mut out = Vec::with_capacity(len.saturating_mul(2));
        if huffman::decode(text, &mut out) { Ok(out) } else { Err(Stop::Bad) }
    }
}

impl Table {
    /// Entries now held, newest first, with their absolute numbers.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        (0u64..).zip(&self.entries).map(|(i, e)| (self.added.saturating_sub(1).saturating_sub(i), e))
    }

    /// Size in bytes and how large it may be.
    pub(super) const fn sizes(&self) -> (u64, u64) {
        (self.size, self.capacity)
    }

    /// Bytes of memory held.
    pub(super) fn weight(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    fn get(&self, number: u64) -> Result<Entry, Stop> {
        let back = self.added.checked_sub(1).and_then(|last| last.checked_sub(number)).ok_or(Stop::Blocked)?;
        let entry = usize::try_from(back).ok().and_then(|i| self.entries.get(i));
        entry.cloned().ok_or(Stop::Bad)
    }

    fn add(&mut self, name: Vec<u8>, value: Vec<u8>) {
        let size = (name.len() as u64).saturating_add(value.len() as u64).saturating_add(OVERHEAD);
        self.added = self.added.saturating_add(1);
        self.size = self.size.saturating_add(size);
        self.entries.push_front((name, value));
        self.shrink();
    }

    fn shrink(&mut self) {
        // Where the beginning was missed nobody knows the capacity.
        let capacity = if self.partial && self.capacity == 0 { 4096 } else { self.capacity };
        while self.size > capacity {
            let Some((n, v)) = self.entries.pop_back() else { break };
            self.size = self.size.saturating_sub((n.len() as u64).saturating_add(v.len() as u64).saturating_add(OVERHEAD));
        }
    }

    /// Carries out the instructions that `bytes` hold whole (RFC 9204 §4.3); returns how many bytes they took, and words for each.
    pub(super) fn instruct(&mut self, bytes: &[u8], told: &mut Vec<String>) -> Result<usize, Stop> {
        let mut taken = 0usize;
        loop {
            let rest = bytes.get(taken..).unwrap_or(&[]);
            let mut b = Bytes { rest };
            match self.one(&mut b) {
                Ok(words) => {
                    taken = taken.saturating_add(rest.len().saturating_sub(b.rest.len()));
                    if told.len() < 256 {
                        told.push(words);
                    }
                }
                Err(Stop::Short) => return Ok(taken),
                Err(stop) => return Err(stop),
            }
        }
    }

    fn one(&mut self, b: &mut Bytes<'_>) -> Result<String, Stop> {
        let first = b.first()?;
        let text = |v: &[u8]| String::from_utf8_lossy(v).into_owned();
        if first & 0x80 != 0 {
            let number = b.int(6)?;
            let value = b.string(7)?;
            let name = if first & 0x40 != 0 { fixed(number)?.0 } else { self.relative(number)?.0 };
            let words = format!("insert {}: {}", text(&name), text(&value));
            self.add(name, value);
            return Ok(words);
        }
        if first & 0x40 != 0 {
            let (name, value) = (b.string(5)?, b.string(7)?);
            let words = format!("insert {}: {}", text(&name), text(&value));
            self.add(name, value);
            return Ok(words);
        }
        if first & 0x20 != 0 {
            self.capacity = b.int(5)?.min(MOST_TABLE);
            self.shrink();
            return Ok(format!("set capacity to {}", self.capacity));
        }
        let number = b.int(5)?;
        let (name, value) = self.relative(number)?;
        let words = format!("duplicate {}: {}", text(&name), text(&value));
        self.add(name, value);
        Ok(words)
    }

    /// Counted back from the newest entry (RFC 9204 §3.2.5).
    fn relative(&self, back: u64) -> Result<Entry, Stop> {
        let number = self.added.checked_sub(1).and_then(|last| last.checked_sub(back)).ok_or(Stop::Bad)?;
        self.get(number)
    }

    /// The fields of a section (RFC 9204 §4.5); `limit` is the capacity that its reader had allowed.
    pub(super) fn section(&self, bytes: &[u8], limit: u64) -> Result<Vec<Line>, Stop> {
        let short = |s| if s == Stop::Short { Stop::Bad } else { s };
        let mut b = Bytes { rest: bytes };
        let needed = self.needed(b.int(8).map_err(short)?, limit)?;
        if needed > self.added {
            return Err(if self.partial { Stop::Bad } else { Stop::Blocked });
        }
        let negative = b.first().map_err(short)? & 0x80 != 0;
        let delta = b.int(7).map_err(short)?;
        let base = if negative {
            needed.checked_sub(delta).and_then(|b| b.checked_sub(1)).ok_or(Stop::Bad)?
        } else {
            needed.saturating_add(delta)
        };
        let (mut lines, mut size) = (Vec::new(), 0usize);
        while !b.rest.is_empty() {
            let line = self.line(&mut b, base).map_err(short)?;
            size = size.saturating_add(line.name.len()).saturating_add(line.value.len()).saturating_add(32);
            if size > MOST_SECTION {
                return Err(Stop::Bad);
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// How many entries must be there (RFC 9204 §4.5.1.1).
    fn needed(&self, coded: u64, limit: u64) -> Result<u64, Stop> {
        if coded == 0 {
            return Ok(0);
        }
        let most = limit.max(self.capacity) / OVERHEAD;
        let full = most.saturating_mul(2);
        if full == 0 || coded > full {
            return Err(Stop::Bad);
        }
        let top = self.added.saturating_add(most);
        let wrapped = (top / full).saturating_mul(full);
        let mut needed = wrapped.saturating_add(coded).saturating_sub(1);
        if needed > top {
            needed = needed.checked_sub(full).ok_or(Stop::Bad)?;
        }
        if needed == 0 { Err(Stop::Bad) } else { Ok(needed) }
    }

    fn line(&self, b: &mut Bytes<'_>, base: u64) -> Result<Line, Stop> {
        let first = b.first()?;
        // Before the base numbers count back from it, behind it they count on.
        let before = |n: u64| base.checked_sub(1).and_then(|last| last.checked_sub(n)).ok_or(Stop::Bad).and_then(|n| self.get(n));
        if first & 0x80 != 0 {
            let n = b.int(6)?;
            let (form, (name, value)) = if first & 0x40 != 0 { (Form::Static, fixed(n)?) } else { (Form::Dynamic, before(n)?) };
            return Ok(Line { form, name, value });
        }
        if first & 0x40 != 0 {
            let n = b.int(4)?;
            let (form, (name, _)) =
                if first & 0x10 != 0 { (Form::NameStatic, fixed(n)?) } else { (Form::NameDynamic, before(n)?) };
            return Ok(Line { form, name, value: b.string(7)? });
        }
        if first & 0x20 != 0 {
            let name = b.string(3)?;
            return Ok(Line { form: Form::Literal, name, value: b.string(7)? });
        }
        if first & 0x10 != 0 {
            let n = b.int(4)?;
            let (name, value) = self.get(base.saturating_add(n))?;
            return Ok(Line { form: Form::Dynamic, name, value });
        }
        let n = b.int(3)?;
        let (name, _) = self.get(base.saturating_add(n))?;
        Ok(Line { form: Form::NameDynamic, name, value: b.string(7)? })
    }
}

fn fixed(n: u64) -> Result<Entry, Stop> {
    let (name, value) = usize::try_from(n).ok().and_then(|n| STATIC.get(n)).ok_or(Stop::Bad)?;
    Ok((name.as_bytes().to_vec(), value.as_bytes().to_vec()))
}

/// RFC 9204 Appendix A.
#[rustfmt::skip]
static STATIC: [(&str, &str); 99] = [
    (":authority", ""), (":path", "/"), ("age", "0"), ("content-disposition", ""), ("content-length", "0"), ("cookie", ""), ("date", ""),
    ("etag", ""), ("if-modified-since", ""), ("if-none-match", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("referer", ""),
    ("set-cookie", ""), (":method", "CONNECT"), (":method", "DELETE"), (":method", "GET"), (":method", "HEAD"), (":method", "OPTIONS"),
    (":method", "POST"), (":method", "PUT"), (":scheme", "http"), (":scheme", "https"), (":status", "103"), (":status", "200"),
    (":status", "304"), (":status", "404"), (":status", "503"), ("accept", "*/*"), ("accept", "application/dns-message"),
    ("accept-encoding", "gzip, deflate, br"), ("accept-ranges", "bytes"), ("access-control-allow-headers", "cache-control"),
    ("access-control-allow-headers", "content-type"), ("access-control-allow-origin", "*"), ("cache-control", "max-age=0"),
    ("cache-control", "max-age=2592000"), ("cache-control", "max-age=604800"), ("cache-control", "no-cache"), ("cache-control", "no-store"),
    ("cache-control", "public, max-age=31536000"), ("content-encoding", "br"), ("content-encoding", "gzip"),
    ("content-type", "application/dns-message"), ("content-type", "application/javascript"), ("content-type", "application/json"),
    ("content-type", "application/x-www-form-urlencoded"), ("content-type", "image/gif"), ("content-type", "image/jpeg"),
    ("content-type", "image/png"), ("content-type", "text/css"), ("content-type", "text/html; charset=utf-8"), ("content-type", "text/plain"),
    ("content-type", "text/plain;charset=utf-8"), ("range", "bytes=0-"), ("strict-transport-security", "max-age=31536000"),
    ("strict-transport-security", "max-age=31536000; includesubdomains"),
    ("strict-transport-security", "max-age=31536000; includesubdomains; preload"), ("vary", "accept-encoding"), ("vary", "origin"),
    ("x-content-type-options", "nosniff"), ("x-xss-protection", "1; mode=block"), (":status", "100"), (":status", "204"), (":status", "206"),
    (":status", "302"), (":status", "400"), (":status", "403"), (":status", "421"), (":status", "425"), (":status", "500"),
    ("accept-language", ""), ("access-control-allow-credentials", "FALSE"), ("access-control-allow-credentials", "TRUE"),
    ("access-control-allow-headers", "*"), ("access-control-allow-methods", "get"), ("access-control-allow-methods", "get, post, options"),
    ("access-control-allow-methods", "options"), ("access-control-expose-headers", "content-length"),
    ("access-control-request-headers", "content-type"), ("access-control-request-method", "get"), ("access-control-request-method", "post"),
    ("alt-svc", "clear"), ("authorization", ""),
    ("content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"), ("early-data", "1"), ("expect-ct", ""),
    ("forwarded", ""), ("if-range", ""), ("origin", ""), ("purpose", "prefetch"), ("server", ""), ("timing-allow-origin", "*"),
    ("upgrade-insecure-requests", "1"), ("user-agent", ""), ("x-forwarded-for", ""), ("x-frame-options", "deny"),
    ("x-frame-options", "sameorigin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(table: &Table, bytes: &[u8]) -> Vec<(String, String)> {
        let text = |v: Vec<u8>| String::from_utf8(v).unwrap();
        table.section(bytes, 220).unwrap().into_iter().map(|l| (text(l.name), text(l.value))).collect()
    }

    #[test]
    fn the_examples_of_the_standard_read_as_there() {
        // RFC 9204 Appendix B.1 to B.5.
        let mut table = Table::default();
        let path = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(lines(&table, b"\x00\x00\x51\x0b/index.html"), [path(":path", "/index.html")]);
        let mut told = Vec::new();
        let insert = b"\x3f\xbd\x01\xc0\x0fwww.example.com\xc1\x0c/sample/path";
        assert_eq!(table.section(b"\x03\x81\x10\x11", 220), Err(Stop::Blocked), "the entries have not come");
        assert_eq!(table.instruct(insert, &mut told), Ok(insert.len()));
        assert_eq!(table.sizes(), (106, 220));
        assert_eq!(lines(&table, b"\x03\x81\x10\x11"), [path(":authority", "www.example.com"), path(":path", "/sample/path")]);
        assert_eq!(table.instruct(b"\x4acustom-key\x0ccustom-value", &mut told), Ok(24));
        assert_eq!(table.instruct(b"\x02", &mut told), Ok(1));
        assert_eq!(
            lines(&table, b"\x05\x00\x80\xc1\x81"),
            [path(":authority", "www.example.com"), path(":path", "/"), path("custom-key", "custom-value")]
        );
        assert_eq!(table.instruct(b"\x81\x0dcustom-value2", &mut told), Ok(15));
        assert_eq!(table.sizes(), (215, 220));
        assert_eq!(told.last().map(String::as_str), Some("insert custom-key: custom-value2"));
    }
}
