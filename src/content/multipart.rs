//! Multipart bodies (RFC 2046 §5.1): each part with its headers, shown by its own type.

use crate::media::{self, Media};
use crate::page::{Ink, Page};

/// Parts that are shown.
const MOST_PARTS: usize = 1000;
/// Bytes of a delimiter (RFC 2046 §5.1.1: 70 and two hyphens).
const MOST_BOUNDARY: usize = 72;

/// Shows `bytes`, which begin at `base` of the body.
pub fn show(page: &mut Page<'_>, bytes: &[u8], base: usize, media: &Media, depth: usize) {
    let told =
        media.param("boundary").filter(|b| !b.is_empty() && b.len() <= MOST_BOUNDARY).map(|b| format!("--{b}").into_bytes());
    let Some(delimiter) = told.or_else(|| first_delimiter(bytes)) else {
        page.note("No delimiter of parts was found, so the body is shown as text.");
        super::show(page, bytes, base, media::Form::Text, &Media::default(), depth + 1);
        return;
    };
    let marks = marks(bytes, &delimiter);
    let mut ended = false;
    let mut shown = 0;
    if marks.is_empty() {
        page.note("The delimiter of parts does not occur, so the body is shown as text.");
        super::show(page, bytes, base, media::Form::Text, &Media::default(), depth + 1);
        return;
    }
    for (i, mark) in marks.iter().enumerate() {
        if page.is_full() {
            return;
        }
        let line = bytes.get(mark.from..mark.to).unwrap_or(&[]);
        page.put(Ink::Said, String::from_utf8_lossy(line).trim_end(), mark.from..mark.to);
        page.newline();
        if mark.last {
            ended = true;
            if bytes.get(mark.to..).is_some_and(|rest| !rest.trim_ascii().is_empty()) {
                page.note("More bytes stand behind the last part.");
            }
            break;
        }
        let next = marks.get(i + 1).map_or(bytes.len(), |m| m.from);
        page.indent(1);
        part(page, bytes, mark.to, next, base, depth);
        page.indent(-1);
        shown += 1;
        if shown == MOST_PARTS {
            page.note(format!("Only the first {MOST_PARTS} parts are shown."));
            return;
        }
    }
    if !ended {
        page.note("The last delimiter is missing: the body was cut, or is not complete.");
    }
}

struct Mark {
    from: usize,
    to: usize,
    last: bool,
}

/// The first line that begins with two hyphens.
fn first_delimiter(bytes: &[u8]) -> Option<Vec<u8>> {
    let line = bytes.split(|b| *b == b'\n').take(16).find(|l| l.starts_with(b"--"))?.trim_ascii_end();
    (line.len() > 2 && line.len() <= MOST_BOUNDARY).then(|| line.to_vec())
}

fn marks(bytes: &[u8], delimiter: &[u8]) -> Vec<Mark> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let to = at + line.len();
        if let Some(rest) = line.strip_prefix(delimiter)
            && matches!(rest.trim_ascii(), b"" | b"--")
        {
            found.push(Mark { from: at, to, last: rest.starts_with(b"--") });
            if found.len() > MOST_PARTS {
                break;
            }
        }
        at = to;
    }
    found
}

fn part(page: &mut Page<'_>, bytes: &[u8], from: usize, to: usize, base: usize, depth: usize) {
    let mut at = from;
    let (mut media, mut packed) = (Media::default(), false);
    let part = bytes.get(from..to).unwrap_or(&[]);
    let mut headers_end = false;
    for line in part.split_inclusive(|b| *b == b'\n') {
        let end = at + line.len();
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text.is_empty() {
            at = end;
            headers_end = true;
            break;
        }
        match text.split_once(':') {
            Some((name, value)) => {
                let colon = at + name.len().min(line.len());
                page.put(Ink::Name, name, at..colon);
                page.put(Ink::Mark, ":", colon..(colon + 1).min(end));
                page.put(Ink::Text, value, (colon + 1).min(end)..end);
                if name.eq_ignore_ascii_case("content-type") {
                    media = Media::parse(value);
                }
                let coding = value.trim();
                packed |= name.eq_ignore_ascii_case("content-transfer-encoding")
                    && (coding.eq_ignore_ascii_case("base64") || coding.eq_ignore_ascii_case("quoted-printable"));
            }
            None => page.put(Ink::Fault, text, at..end),
        }
        page.newline();
        at = end;
    }
    if !headers_end {
        page.note("A part ends before its headers do.");
    }
    page.newline();
    let body = bytes.get(at..to).unwrap_or(&[]);
    // The line end before a delimiter belongs to the delimiter.
    let body = body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")).unwrap_or(body);
    if !body.is_empty() {
        let form = if packed { media::Form::Text } else { media::form(body, &media) };
        page.indent(1);
        super::show(page, body, base + at, form, &media, depth + 1);
        page.fresh();
        page.indent(-1);
    }
}
