//! Bodies of a stream's messages: content codings undone, and handed on by media type.

use super::{fields as f, head::Head, notes as n};
use crate::coding::{Decoder, Fault};
use wirelore_kit::{Dir, End, Fact, Hint, How, Level, Note, Out, Reader, Side, Span, Stop, Told};

/// So many bytes of a coded body are decoded in one go.
const MOST_CODED: usize = 64 << 10;
/// The key of what both directions of a stream carry together: a tunnel, a call's messages.
const BOTH: u64 = 1 << 32;

/// A body under way.
#[derive(Debug)]
pub struct Body {
    /// Inner stream that it is handed on as.
    key: u64,
    dir: Dir,
    hint: Hint,
    /// Somebody reads it for rows, or bodies are wanted anyway.
    wanted: bool,
    /// Sent in codings that are to be undone.
    coded: bool,
    decoder: Option<Box<Decoder>>,
    /// It carries messages of gRPC, whose trailers belong to them.
    grpc: bool,
    last: Span,
    /// Bytes so far, without padding.
    pub seen: u64,
    /// Bytes are missing.
    pub holes: bool,
}

/// A media type in lower case without parameters.
fn media(value: &[u8]) -> Option<String> {
    let essence = value.split(|b| matches!(b, b';' | b',')).next()?.trim_ascii();
    let text = std::str::from_utf8(essence).ok().filter(|t| t.len() <= 128 && t.contains('/'))?;
    Some(text.to_ascii_lowercase())
}

/// The key of the inner stream that carries a body: as sent, or with its content codings undone.
const fn body_key(dir: Dir, decoded: bool) -> u64 {
    ((dir as u64) << 1) | decoded as u64
}

impl Body {
    /// The body of `head`. `facts` are those of the request, and of the response where this is its body.
    #[must_use]
    pub fn new(head: &Head<'_>, dir: Dir, facts: &[Fact], out: &Out<'_>) -> Body {
        let mut body = Body::unknown(dir, out);
        let Some(mut name) = media(head.content_type) else {
            return body.with_codings(head, out);
        };
        if let Some(rest) = name.strip_prefix("application/grpc") {
            body.grpc = !rest.starts_with("-web");
            // What the messages hold (+proto, +json) is among the facts.
            name.truncate(name.find('+').unwrap_or(name.len()));
            body.key = BOTH;
        }
        body.wanted = out.wants_media(name.as_bytes());
        body.hint = Hint::Media(Box::new(Told { name: name.into(), facts: facts.into() }));
        body.with_codings(head, out)
    }

    /// A body of which nothing was said.
    #[must_use]
    pub fn unknown(dir: Dir, out: &Out<'_>) -> Body {
        Body {
            key: body_key(dir, false),
            dir,
            hint: Hint::Bytes("body"),
            wanted: out.level() > Level::Rows,
            coded: false,
            decoder: None,
            grpc: false,
            last: Span::default(),
            seen: 0,
            holes: false,
        }
    }

    /// Another protocol's bytes: those of a tunnel.
    #[must_use]
    pub fn tunnel(dir: Dir, protocol: &[u8], facts: &[Fact], out: &Out<'_>) -> Body {
        let hint = match std::str::from_utf8(protocol) {
            Ok(name) if !name.is_empty() && name.len() <= 64 => Hint::upgrade(&name.to_ascii_lowercase(), facts.to_vec()),
            _ => Hint::Probe,
        };
        Body { key: BOTH, hint, wanted: true, ..Body::unknown(dir, out) }
    }

    fn with_codings(mut self, head: &Head<'_>, out: &Out<'_>) -> Body {
        self.coded = !head.codings.is_empty();
        if self.wanted {
            // A reading for bodies goes through them once, and needs them when they are whole; of the others copies are made in the middle.
            let once = out.level() == Level::Bodies && !self.grpc;
            self.decoder = if once { Decoder::gathering(&head.codings) } else { Decoder::new(&head.codings) }.map(Box::new);
        }
        self
    }

    /// A copy, where the decoder can be copied now.
    #[must_use]
    pub fn fork(&self) -> Option<Body> {
        let decoder = match &self.decoder {
            Some(d) => Some(Box::new(d.fork()?)),
            None => None,
        };
        Some(Body { decoder, hint: self.hint.clone(), ..*self })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Body>().saturating_add(self.decoder.as_ref().map_or(0, |d| d.weight()))
    }

    /// Takes at most `most` bytes of data and hands them on.
    ///
    /// # Errors
    /// [`Stop::Short`] where there is none.
    pub fn take(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>, most: u64) -> Result<u64, Stop> {
        let bound = if self.decoder.is_some() { MOST_CODED } else { usize::MAX };
        let len = r.left().min(bound).min(usize::try_from(most).unwrap_or(usize::MAX));
        if len == 0 {
            return Err(Stop::Short { need: r.taken().saturating_add(1) });
        }
        let span = r.span(len);
        let bytes = r.bytes(&f::BODY, len)?;
        out.piece(span);
        self.last = span;
        self.seen = self.seen.saturating_add(len as u64);
        if !self.wanted {
            return Ok(len as u64);
        }
        let decoded = self.key | 1;
        if self.coded {
            out.inner(self.key, self.dir, span, How::Verbatim, Hint::Bytes("body as transferred"));
            if let Some(decoder) = &mut self.decoder {
                let mut made = out.memory();
                let went = decoder.push(bytes, &mut made);
                out.inner_made(decoded, self.dir, made, span, How::Inflated, self.hint.clone());
                if let Err(fault) = went {
                    r.note(words(fault), span);
                    self.decoder = None;
                }
            }
        } else {
            out.inner(self.key, self.dir, span, How::Verbatim, self.hint.clone());
        }
        Ok(len as u64)
    }

    /// The trailers of a call, as gRPC-Web writes them: the messages' reader shows them behind the last one.
    pub fn trailers(&self, lines: &[u8], from: Span, out: &mut Out<'_>) {
        if !self.grpc || !self.wanted {
            return;
        }
        let text: Vec<u8> = lines
            .split(|b| *b == b'\n')
            .filter(|l| l.starts_with(b"grpc-"))
            .flat_map(|l| l.iter().copied().chain(*b"\r\n"))
            .collect();
        if text.is_empty() {
            return;
        }
        let mut made = out.memory();
        made.push(0x80);
        made.extend_from_slice(&(text.len() as u32).to_be_bytes());
        made.extend_from_slice(&text);
        out.inner_made(self.key, self.dir, made, from, How::Unpacked, self.hint.clone());
    }

    /// No more coded bytes come, or none that can be undone: hands on what those that came give.
    fn undo_rest(&mut self, out: &mut Out<'_>) -> Result<(), Fault> {
        let Some(mut decoder) = self.decoder.take() else { return Ok(()) };
        let mut made = out.memory();
        let went = decoder.end(&mut made);
        out.inner_made(self.key | 1, self.dir, made, self.last, How::Inflated, self.hint.clone());
        went
    }

    /// The body is complete: what the decoder still has to say, and the ends of the inner streams.
    pub fn close(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) {
        if let Err(fault) = self.undo_rest(out) {
            r.note(words(fault), self.last);
        }
        self.ends(out, End::Fin);
    }

    /// The direction ended without its end being said.
    pub fn end(&mut self, how: End, out: &mut Out<'_>) {
        if let Err(fault) = self.undo_rest(out) {
            out.note(words(fault), self.last);
        }
        self.ends(out, how);
    }

    /// Bytes are missing here; `u64::MAX`: nobody knows how many.
    pub fn hole(&mut self, missing: u64, out: &mut Out<'_>) {
        self.holes = true;
        // That it is unfinished is no wonder.
        let _ = self.undo_rest(out);
        if self.wanted {
            out.inner_gap(self.key, self.dir, missing);
            if self.coded {
                out.inner_gap(self.key | 1, self.dir, u64::MAX);
            }
        }
    }

    fn ends(&self, out: &mut Out<'_>, how: End) {
        if !self.wanted {
            return;
        }
        for key in [self.key, self.key | 1].into_iter().take(if self.coded { 2 } else { 1 }) {
            out.inner_end(key, self.dir, how);
            // Nothing travels against a body: that direction ends with it.
            if self.key < BOTH {
                out.inner_end(key, self.dir.other(), how);
            }
        }
    }
}

const fn words(fault: Fault) -> &'static Note {
    match fault {
        Fault::Broken => &n::CODING_BROKEN,
        Fault::TooMuch => &n::TOO_MUCH,
        Fault::Unfinished => &n::CODING_CUT,
    }
}

/// What the request's line says that inner protocols may ask for.
#[must_use]
pub fn request_facts(head: &Head<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (name, value) in [("path", head.path), ("authority", head.authority), ("method", head.method)] {
        let value = value.get(..4096).unwrap_or(value);
        if !value.is_empty() {
            facts.push(Fact { from: Side::Client, name: name.into(), value: value.into() });
        }
    }
    facts
}
