//! Bodies: where they end (RFC 9112 §6.3), chunks taken apart, content codings undone.

use super::head::{self, Head};
use super::multipart::Scanner;
use super::parse::{self, Line};
use super::{body_key, fields as f, notes as n};
use crate::coding::{Decoder, Fault};
use wirelore_kit::{Dir, End, F, Hint, How, Level, Note, Out, Reader, Span, Stop};

/// A chunk's first line may be so long, extensions included, bytes.
const MOST_CHUNK_LINE: usize = 16 << 10;
/// A trailer section may be so long, bytes.
const MOST_TRAILER: usize = 64 << 10;
/// So many chunks are read in one go.
const MOST_CHUNKS: u32 = 4096;
/// So many bytes of a coded body are decoded in one go.
const MOST_CODED: usize = 64 << 10;

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// There is none.
    Nothing,
    /// After so many bytes more.
    Counted(u64),
    /// With its last chunk.
    Chunked(Chunk),
    /// With the connection.
    UntilClose,
}

/// Where in a chunked body we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// In front of a chunk's first line.
    Size,
    /// Inside of a chunk's data, so many bytes before its end.
    Data(u64),
    /// In front of the CRLF behind the data.
    End,
    /// Behind the last chunk.
    Trailer,
}

/// Works out how the body of `head` ends. `bodiless` is what its status or the request says (HEAD, 204, 304, 1xx, CONNECT).
#[must_use]
pub fn frame(head: &Head<'_>, bodiless: bool) -> Frame {
    if bodiless {
        return Frame::Nothing;
    }
    if head.transfer.as_ref().is_some_and(|t| t.chunked) {
        return Frame::Chunked(Chunk::Size);
    }
    match (head.length, head.response) {
        (Some(0), _) => Frame::Nothing,
        (Some(len), _) => Frame::Counted(len),
        (None, true) => Frame::UntilClose,
        // A request without a length has no body.
        (None, false) => Frame::Nothing,
    }
}

/// A body under way.
#[derive(Debug)]
pub struct Body {
    /// How it ends.
    pub frame: Frame,
    /// Number of its message in its direction.
    number: u64,
    dir: Dir,
    hint: Hint,
    /// Somebody reads it for rows, or bodies are wanted anyway.
    wanted: bool,
    /// Sent in codings that are to be undone.
    coded: bool,
    decoder: Option<Box<Decoder>>,
    /// For multipart bodies, where trees are wanted.
    parts: Option<Box<Scanner>>,
    last: Span,
}

impl Body {
    /// The body of `head`, message `number` of its direction. Nothing is made ready to decode what nobody wants.
    #[must_use]
    pub fn new(head: &Head<'_>, frame: Frame, number: u64, dir: Dir, out: &Out<'_>) -> Body {
        let mut body = Body {
            frame,
            number,
            dir,
            hint: Hint::Bytes("body"),
            wanted: out.wants_media(parse::essence(head.content_type)),
            coded: false,
            decoder: None,
            parts: None,
            last: Span::default(),
        };
        if body.wanted {
            if let Some(media) = parse::media(head.content_type) {
                body.hint = Hint::media(&media);
            }
            let mut applied = head.codings.clone();
            if let Some(t) = &head.transfer {
                applied.extend(&t.codings);
            }
            body.coded = !applied.is_empty();
            // A reading for bodies goes through them once, and needs them when they are whole; of the others copies are made in the middle.
            let decoder = if out.level() == Level::Bodies { Decoder::gathering(&applied) } else { Decoder::new(&applied) };
            body.decoder = decoder.map(Box::new);
            if out.level() == Level::Tree && body.coded == body.decoder.is_some() {
                body.parts = Scanner::new(head.content_type).map(Box::new);
            }
        }
        body
    }

    /// A copy, where the decoder can be copied now.
    #[must_use]
    pub fn fork(&self) -> Option<Body> {
        let decoder = match &self.decoder {
            Some(d) => Some(Box::new(d.fork()?)),
            None => None,
        };
        Some(Body { decoder, hint: self.hint.clone(), parts: self.parts.clone(), ..*self })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Body>()
            .saturating_add(self.decoder.as_ref().map_or(0, |d| d.weight()))
            .saturating_add(self.parts.as_ref().map_or(0, |p| p.weight()))
    }

    /// Reads what is there. `true`: the body is complete.
    ///
    /// # Errors
    /// [`Stop::Short`] where nothing can be taken.
    pub fn read(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<bool, Stop> {
        match self.frame {
            Frame::Nothing => Ok(true),
            Frame::Counted(left) => {
                let n = self.take(r, out, &f::FILE_DATA, left)?;
                let left = left.saturating_sub(n);
                self.frame = Frame::Counted(left);
                Ok(left == 0)
            }
            Frame::UntilClose => {
                self.take(r, out, &f::FILE_DATA, u64::MAX)?;
                Ok(false)
            }
            Frame::Chunked(state) => self.chunks(state, r, out),
        }
    }

    /// Takes at most `most` bytes of the body and hands them on.
    fn take(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>, field: F, most: u64) -> Result<u64, Stop> {
        let bound = if self.decoder.is_some() { MOST_CODED } else { 1 << 30 };
        let len = r.left().min(bound).min(usize::try_from(most).unwrap_or(usize::MAX));
        if len == 0 {
            return Err(Stop::Short { need: r.taken().saturating_add(1) });
        }
        let span = r.span(len);
        let bytes = r.bytes(field, len)?;
        out.piece(span);
        self.last = span;
        if self.wanted || out.level() > Level::Rows {
            let how = if matches!(self.frame, Frame::Chunked(_)) { How::Dechunked } else { How::Verbatim };
            let hint = if self.coded { Hint::Bytes("body as transferred") } else { self.hint.clone() };
            out.inner(body_key(self.number, self.dir, false), self.dir, span, how, hint);
            if let Some(decoder) = &mut self.decoder {
                let mut made = out.memory();
                let went = decoder.push(bytes, &mut made);
                if let Some(parts) = &mut self.parts {
                    parts.push(&made, span.at, false);
                }
                out.inner_made(body_key(self.number, self.dir, true), self.dir, made, span, How::Inflated, self.hint.clone());
                if let Err(fault) = went {
                    r.note(words(fault), span);
                    self.decoder = None;
                    self.parts = None;
                }
            } else if let Some(parts) = &mut self.parts {
                parts.push(bytes, span.at, true);
            }
        }
        Ok(len as u64)
    }

    /// Reads chunks, as many as are there. State changes only where something was taken for good.
    fn chunks(&mut self, mut state: Chunk, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<bool, Stop> {
        for _ in 0..MOST_CHUNKS {
            let rest = r.rest();
            let next = match state {
                Chunk::Size => size_line(r, rest)?,
                Chunk::Data(left) => {
                    if rest.is_empty() {
                        None
                    } else {
                        let left = left.saturating_sub(self.take(r, out, &f::CHUNK_DATA, left)?);
                        Some(Ok(if left == 0 { Chunk::End } else { Chunk::Data(left) }))
                    }
                }
                Chunk::End => match rest {
                    [b'\r', b'\n', ..] => {
                        r.bytes(&f::CHUNK_BOUNDARY, 2)?;
                        Some(Ok(Chunk::Size))
                    }
                    [b'\n', ..] => {
                        r.note(&n::CHUNK_BARE_LF, r.span(1));
                        r.bytes(&f::CHUNK_BOUNDARY, 1)?;
                        Some(Ok(Chunk::Size))
                    }
                    [] | [b'\r'] => None,
                    _ => {
                        // From here on the chunks cannot be told apart any more.
                        r.note(&n::CHUNK_END_BAD, r.span(rest.len().min(2)));
                        Some(Err(Last))
                    }
                },
                Chunk::Trailer => trailer(r, rest)?,
            };
            match next {
                Some(Ok(next)) => state = next,
                Some(Err(Last)) => {
                    self.frame = Frame::Chunked(state);
                    return Ok(true);
                }
                None if r.taken() > 0 => break,
                None => return Err(Stop::Short { need: rest.len().saturating_add(1) }),
            }
        }
        self.frame = Frame::Chunked(state);
        Ok(false)
    }

    /// The message is complete: what the decoder still has to say, and the ends of the inner streams.
    ///
    /// # Errors
    /// As [`Reader::group`].
    pub fn close(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if let Some(parts) = &mut self.parts {
            parts.list(r, self.last, !self.coded)?;
        }
        if let Err(fault) = self.undo_rest(out) {
            r.note(words(fault), self.last);
        }
        self.inner_ends(out, End::Fin);
        out.close();
        Ok(())
    }

    /// The direction ended.
    pub fn end(&mut self, how: End, out: &mut Out<'_>) {
        if let Err(fault) = self.undo_rest(out) {
            out.note(words(fault), self.last);
        }
        self.inner_ends(out, how);
        if self.frame == Frame::UntilClose && how == End::Fin {
            out.close();
        }
    }

    /// No more coded bytes come, or none that can be undone: hands on what those that came give.
    fn undo_rest(&mut self, out: &mut Out<'_>) -> Result<(), Fault> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(()) };
        let mut made = out.memory();
        let went = decoder.end(&mut made);
        out.inner_made(body_key(self.number, self.dir, true), self.dir, made, self.last, How::Inflated, self.hint.clone());
        went
    }

    fn inner_ends(&self, out: &mut Out<'_>, how: End) {
        if self.wanted || out.level() > Level::Rows {
            // Nothing travels against a body: that direction ends with it.
            for dir in [self.dir, self.dir.other()] {
                out.inner_end(body_key(self.number, self.dir, false), dir, how);
                if self.coded {
                    out.inner_end(body_key(self.number, self.dir, true), dir, how);
                }
            }
        }
    }

    /// Bytes are missing. `Some(complete)`: the hole lies inside of what is counted, and the state was carried over it.
    pub fn gap(&mut self, missing: u64, out: &mut Out<'_>) -> Option<bool> {
        let (frame, complete) = match self.frame {
            Frame::UntilClose => (Frame::UntilClose, false),
            Frame::Counted(left) if missing <= left => (Frame::Counted(left.saturating_sub(missing)), missing == left),
            Frame::Chunked(Chunk::Data(left)) if missing < left => {
                (Frame::Chunked(Chunk::Data(left.saturating_sub(missing))), false)
            }
            Frame::Chunked(Chunk::Data(left)) if missing == left => (Frame::Chunked(Chunk::End), false),
            _ => return None,
        };
        self.frame = frame;
        self.parts = None;
        if self.decoder.is_some() {
            // That it is unfinished is no wonder.
            let _ = self.undo_rest(out);
            out.note(&n::CONTENT_HOLE, self.last);
        }
        if complete {
            self.inner_ends(out, End::Cut);
            out.close();
        }
        Some(complete)
    }
}

/// The body ends here.
struct Last;

/// What a step of a chunked body came to; `None`: more bytes are needed.
type Went = Option<Result<Chunk, Last>>;

/// A chunk's first line.
fn size_line(r: &mut Reader<'_>, rest: &[u8]) -> Result<Went, Stop> {
    let seen = rest.get(..MOST_CHUNK_LINE).unwrap_or(rest);
    if memchr::memchr(b'\n', seen).is_none() {
        if rest.len() < MOST_CHUNK_LINE {
            return Ok(None);
        }
        r.note(&n::CHUNK_SIZE_BAD, r.span(MOST_CHUNK_LINE));
        return Ok(Some(Err(Last)));
    }
    let line = Line::of(rest);
    let here = r.span(line.all);
    let parts = parse::chunk_line(rest.get(..line.len).unwrap_or(rest));
    r.group(&f::CHUNK, |r| {
        let delimiter = |r: &mut Reader<'_>, n: usize| if n > 0 { r.bytes(&f::DELIMITER, n).map(|_| ()) } else { Ok(()) };
        delimiter(r, parts.digits.start)?;
        if let Some(size) = parts.size {
            r.valued(&f::CHUNK_SIZE, parts.digits.len(), wirelore_kit::Value::U64(size))?;
        } else if !parts.digits.is_empty() {
            r.unknown(parts.digits.len())?;
        }
        delimiter(r, parts.extension.start.saturating_sub(parts.digits.end))?;
        if !parts.extension.is_empty() {
            r.text(&f::CHUNK_EXTENSION, parts.extension.len())?;
        }
        delimiter(r, line.all.saturating_sub(parts.extension.end))
    })?;
    if line.is_bare() {
        r.note(&n::CHUNK_BARE_LF, here);
    }
    let Some(size) = parts.size else {
        r.note(&n::CHUNK_SIZE_BAD, here);
        return Ok(Some(Err(Last)));
    };
    if parts.odd && (size > 0 || parts.digits.start > 0) {
        r.note(&n::CHUNK_SIZE_ODD, here);
    }
    Ok(Some(Ok(if size == 0 { Chunk::Trailer } else { Chunk::Data(size) })))
}

/// The trailer section, or just the blank line.
fn trailer(r: &mut Reader<'_>, rest: &[u8]) -> Result<Went, Stop> {
    match rest {
        [b'\r', b'\n', ..] => r.bytes(&f::BLANK, 2)?,
        [b'\n', ..] => {
            r.note(&n::CHUNK_BARE_LF, r.span(1));
            r.bytes(&f::BLANK, 1)?
        }
        [] | [b'\r'] => return Ok(None),
        _ => match parse::head_end(rest.get(..MOST_TRAILER).unwrap_or(rest), 0) {
            Some(len) => {
                head::trailer(r, len)?;
                &[]
            }
            None if rest.len() < MOST_TRAILER => return Ok(None),
            None => {
                r.note(&n::CHUNK_SIZE_BAD, r.span(MOST_TRAILER));
                &[]
            }
        },
    };
    Ok(Some(Err(Last)))
}

const fn words(fault: Fault) -> &'static Note {
    match fault {
        Fault::Broken => &n::CONTENT_CODING_BROKEN,
        Fault::TooMuch => &n::CONTENT_TOO_MUCH,
        Fault::Unfinished => &n::CONTENT_CODING_CUT,
    }
}
