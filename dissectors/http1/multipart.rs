//! Multipart bodies (RFC 2046 §5.1): finds the parts as bytes come, and lists them when the body is complete.
//!
//! Parts may run over chunks and content codings, so they are listed as nodes that refer to the bytes they came from.

use super::{fields as f, parse};
use memchr::memchr;
use wirelore_kit::{Reader, Span, Stop, Text, Value};

/// So many parts are listed.
const MOST_PARTS: usize = 1000;
/// So many headers of a part are kept, and so much of each, bytes.
const MOST_HEADERS: usize = 16;
const MOST_LINE: usize = 1024;

/// One part.
#[derive(Debug, Clone, Default)]
struct Part {
    headers: Vec<Box<[u8]>>,
    /// Stream offsets of the first byte of the head, of the data, and behind the data.
    head: u64,
    data: u64,
    end: u64,
    /// Bytes of data, codings undone.
    len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Outside,
    Head,
    Data,
}

/// Looks for parts.
#[derive(Debug, Clone)]
pub struct Scanner {
    /// Two dashes and the boundary.
    mark: Box<[u8]>,
    at: At,
    parts: Vec<Part>,
    /// The beginning of the line that is under way, its length so far and where it began.
    line: Vec<u8>,
    len: u64,
    from: u64,
    /// Bytes and length in the stream of the line end before it: they belong to a delimiter.
    before: u64,
}

impl Scanner {
    /// For a body of this type, if it is a multipart one.
    #[must_use]
    pub fn new(content_type: &[u8]) -> Option<Scanner> {
        let multipart = content_type.get(..10).is_some_and(|t| t.eq_ignore_ascii_case(b"multipart/"));
        let boundary = parse::parameter(content_type, "boundary").filter(|b| multipart && !b.is_empty() && b.len() <= 200)?;
        let mark = [b"--", boundary].concat().into();
        Some(Scanner { mark, at: At::Outside, parts: Vec::new(), line: Vec::new(), len: 0, from: 0, before: 0 })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        let headers: usize = self.parts.iter().flat_map(|p| &p.headers).map(|h| h.len()).sum();
        self.parts.capacity().saturating_mul(size_of::<Part>()).saturating_add(headers).saturating_add(MOST_LINE)
    }

    /// Looks at more of the body. `at` is where its first byte stands in the stream; `exact` whether the others follow it there.
    pub fn push(&mut self, mut bytes: &[u8], mut at: u64, exact: bool) {
        while !bytes.is_empty() {
            if self.len == 0 {
                self.from = at;
            }
            let newline = memchr(b'\n', bytes);
            let n = newline.map_or(bytes.len(), |i| i.saturating_add(1));
            let piece = bytes.get(..n).unwrap_or(bytes);
            let room = MOST_LINE.saturating_sub(self.line.len()).min(n);
            self.line.extend_from_slice(piece.get(..room).unwrap_or(piece));
            self.len = self.len.saturating_add(n as u64);
            bytes = bytes.get(n..).unwrap_or(&[]);
            if exact {
                at = at.saturating_add(n as u64);
            }
            if newline.is_some() {
                let cr = piece.len() >= 2 && piece.ends_with(b"\r\n") || piece.len() == 1 && self.line.ends_with(b"\r\n");
                self.line_done(if cr { 2 } else { 1 }, at);
            }
        }
    }

    /// A line has ended in front of `at`, with a line end of `eol` bytes.
    fn line_done(&mut self, eol: u64, at: u64) {
        let line = std::mem::take(&mut self.line);
        let text = line.trim_ascii_end();
        if text.starts_with(&self.mark) {
            let last = text.get(self.mark.len()..).is_some_and(|t| t.starts_with(b"--"));
            self.end_part();
            if last || self.parts.len() >= MOST_PARTS {
                self.at = At::Outside;
            } else {
                self.parts.push(Part { head: at, data: at, end: at, ..Part::default() });
                self.at = At::Head;
            }
            self.before = 0;
        } else if let Some(part) = self.parts.last_mut() {
            match self.at {
                At::Head if text.is_empty() => {
                    (part.data, part.end) = (at, at);
                    self.at = At::Data;
                    self.before = 0;
                }
                At::Head => {
                    if part.headers.len() < MOST_HEADERS {
                        part.headers.push(text.into());
                    }
                }
                At::Data => {
                    part.len = part.len.saturating_add(self.len);
                    part.end = at;
                    self.before = eol;
                }
                At::Outside => {}
            }
        }
        self.line = line;
        self.line.clear();
        self.len = 0;
    }

    /// The line end in front of a delimiter is not data.
    fn end_part(&mut self) {
        if let Some(part) = self.parts.last_mut().filter(|_| self.at == At::Data) {
            part.len = part.len.saturating_sub(self.before);
            part.end = part.end.saturating_sub(self.before).max(part.data);
        }
    }

    /// Lists the parts below a heading. `of` is the body, for parts whose place in the stream is not exact.
    ///
    /// # Errors
    /// As [`Reader::group`].
    pub fn list(&mut self, r: &mut Reader<'_>, of: Span, exact: bool) -> Result<(), Stop> {
        if self.len > 0 {
            self.line_done(0, self.from.saturating_add(self.len));
        }
        let span = |from: u64, to: u64| {
            if exact { Span { at: from, len: u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX), ..of } } else { of }
        };
        r.titled(&f::PARTS, |r| {
            for part in &self.parts {
                let disposition =
                    part.headers.iter().find(|h| h.get(..20).is_some_and(|n| n.eq_ignore_ascii_case(b"content-disposition:")));
                let title = disposition.or(part.headers.first()).map_or_else(String::new, |h| Text(h).to_string());
                r.titled(&f::PART, |r| {
                    for header in &part.headers {
                        r.derived(&f::PART_HEADER, span(part.head, part.data), Text(header).to_string());
                    }
                    r.derived(&f::PART_DATA, span(part.data, part.end), part.len);
                    Ok(((), Value::from(title)))
                })?;
            }
            let n = self.parts.len();
            Ok(((), Value::from(format!("{n} part{}", if n == 1 { "" } else { "s" }))))
        })
    }
}
