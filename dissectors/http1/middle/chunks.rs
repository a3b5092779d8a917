//! Chunked bodies on their way through (RFC 9112 §7.1): how far they may go on, what of them is data, and where they could be read
//! differently.

use super::super::body::Chunk;
use super::super::notes as n;
use super::super::parse::{self, Line};
use super::head::Lines;
use memchr::memchr;
use std::ops::Range;
use wirelore_kit::Note;

/// A chunk's first line may be so long, extensions included, bytes.
const MOST_LINE: usize = 16 << 10;
/// A trailer section may be so long, bytes.
const MOST_TRAILER: usize = 64 << 10;

/// How far it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// So many bytes may go on; more are needed.
    More(usize),
    /// The body ends behind so many bytes.
    Done(usize),
    /// As [`Went::Done`]; behind the first so many bytes stand trailers of which some are folded.
    Folded(usize, usize),
    /// Behind so many bytes stands what could be read differently.
    Bad(usize, &'static Note),
}

/// Reads what is there of a chunked body and tells each piece of data.
pub fn read(state: &mut Chunk, b: &[u8], mut data: impl FnMut(Range<usize>)) -> Went {
    let mut at = 0usize;
    loop {
        let rest = b.get(at..).unwrap_or(&[]);
        match *state {
            Chunk::Size => {
                let seen = rest.get(..MOST_LINE).unwrap_or(rest);
                if memchr(b'\n', seen).is_none() {
                    return if rest.len() < MOST_LINE { Went::More(at) } else { Went::Bad(at, &n::CHUNK_SIZE_BAD) };
                }
                let line = Line::of(rest);
                let text = rest.get(..line.len).unwrap_or(rest);
                let parts = parse::chunk_line(text);
                if line.is_bare() {
                    return Went::Bad(at, &n::CHUNK_BARE_LF);
                }
                let Some(size) = parts.size else { return Went::Bad(at, &n::CHUNK_SIZE_BAD) };
                let behind = text.get(parts.digits.end..).unwrap_or(&[]).trim_ascii_start();
                let control = text.iter().any(|b| *b < b' ' && *b != b'\t');
                // Blanks in front of an extension are allowed (BWS); anything else that is no extension is not.
                if parts.digits.start > 0
                    || parts.digits.len() > 16
                    || control
                    || !(behind.is_empty() || behind.starts_with(b";"))
                {
                    return Went::Bad(at, &n::CHUNK_SIZE_ODD);
                }
                at = at.saturating_add(line.all);
                *state = if size == 0 { Chunk::Trailer } else { Chunk::Data(size) };
            }
            Chunk::Data(left) => {
                if rest.is_empty() {
                    return Went::More(at);
                }
                let len = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let end = at.saturating_add(len);
                data(at..end);
                at = end;
                let left = left.saturating_sub(len as u64);
                *state = if left == 0 { Chunk::End } else { Chunk::Data(left) };
            }
            Chunk::End => match rest {
                [b'\r', b'\n', ..] => {
                    at = at.saturating_add(2);
                    *state = Chunk::Size;
                }
                [] | [b'\r'] => return Went::More(at),
                [b'\n', ..] => return Went::Bad(at, &n::CHUNK_BARE_LF),
                _ => return Went::Bad(at, &n::CHUNK_END_BAD),
            },
            Chunk::Trailer => {
                return match rest {
                    [b'\r', b'\n', ..] => Went::Done(at.saturating_add(2)),
                    [] | [b'\r'] => Went::More(at),
                    [b'\n', ..] => Went::Bad(at, &n::CHUNK_BARE_LF),
                    _ => match parse::head_end(rest.get(..MOST_TRAILER).unwrap_or(rest), 0) {
                        Some(len) => {
                            let (lines, end) = (trailer(rest.get(..len).unwrap_or(rest)), at.saturating_add(len));
                            match lines.wrong.or_else(|| lines.hides_framing(rest).then_some(&n::OBS_FOLD)) {
                                Some(note) => Went::Bad(at, note),
                                None if lines.folds => Went::Folded(at, end),
                                None => Went::Done(end),
                            }
                        }
                        None if rest.len() < MOST_TRAILER => Went::More(at),
                        None => Went::Bad(at, &n::TRAILER_TOO_LONG),
                    },
                };
            }
        }
    }
}

/// A trailer section with folded lines joined by blanks, as long as it was (RFC 9112 §5.2).
#[must_use]
pub fn unfolded(section: &[u8]) -> Vec<u8> {
    let mut out = section.to_vec();
    for row in trailer(section).rows.iter().filter(|r| r.folded) {
        let line = out.get_mut(row.start()..row.next().saturating_sub(2)).unwrap_or(&mut []);
        line.iter_mut().filter(|b| matches!(b, b'\r' | b'\n')).for_each(|b| *b = b' ');
    }
    out
}

/// The lines of a trailer section, blank line included.
#[must_use]
pub fn trailer(section: &[u8]) -> Lines {
    // As in a head without a first line.
    let mut lines = Lines::default();
    lines.trailer(section);
    lines
}

/// A whole chunked body taken apart: its data, and where its trailer section begins.
#[must_use]
pub fn whole(raw: &[u8]) -> (Vec<u8>, usize) {
    let mut state = Chunk::Size;
    let mut data = Vec::with_capacity(raw.len());
    let mut last = 0usize;
    let went = read(&mut state, raw, |r| {
        last = r.end;
        data.extend_from_slice(raw.get(r).unwrap_or(&[]));
    });
    let _ = went;
    // Behind the last data: its CRLF, then the line of the last chunk.
    let behind = if data.is_empty() { 0 } else { last.saturating_add(2) };
    let line = Line::of(raw.get(behind..).unwrap_or(&[])).all;
    (data, behind.saturating_add(line))
}
