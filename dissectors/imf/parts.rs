//! The body of a letter: one content, or parts between boundaries (RFC 2046 §5.1), their transfer encodings undone as they come.

use super::head::{self, Head};
use super::{fields as f, notes as n, words};
use crate::coding::transfer::Transfer;
use memchr::{memchr, memmem};
use wirelore_kit::{Dir, End, F, Fact, Hint, How, Level, Out, Reader, Side, Span, Stop, Text, Told, Turn, Value};

/// So deep do multiparts nest.
const MOST_LEVELS: usize = 16;
/// So many parts are read as such.
const MOST_PARTS: u64 = 2000;
/// The headers of a part, bytes.
const MOST_HEAD: usize = 64 * 1024;
/// Blanks behind a boundary, bytes.
const MOST_BLANKS: usize = 256;
/// Boundaries and contents taken in one read.
const MOST_STEPS: usize = 4096;

/// A multipart whose end has not come.
#[derive(Debug, Clone)]
struct Open {
    /// Two dashes and the boundary.
    mark: Box<[u8]>,
    parts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first boundary.
    Preamble,
    /// The headers of a part come next.
    Head,
    /// Inside a content.
    Leaf,
    /// Behind the last boundary.
    Epilogue,
}

/// One content that is being read.
#[derive(Debug, Clone)]
struct Leaf {
    /// Its inner stream; 0 is the body of a letter without parts.
    key: u64,
    transfer: Option<Transfer>,
    hint: Hint,
    /// Somebody reads it, or bodies are wanted anyway.
    wanted: bool,
    told_bad: bool,
    /// The line end that came last: it is the boundary's if one follows.
    eol: Vec<u8>,
    last: Span,
}

/// What comes next in a body.
enum Next {
    /// A boundary line of so many bytes, of the multipart at that place in the stack; whether it is its last.
    Boundary(usize, usize, bool),
    /// So many bytes of content.
    Text(usize),
    /// More bytes are needed.
    More,
}

/// Reads a body.
#[derive(Debug, Clone)]
pub struct Body {
    open: Vec<Open>,
    at: At,
    leaf: Option<Leaf>,
    count: u64,
    line_begins: bool,
    /// No parts: all of it is one content.
    single: bool,
}

impl Body {
    /// The body behind a letter's head.
    pub fn new(r: &mut Reader<'_>, out: &Out<'_>, head: &Head, whole: Span) -> Body {
        let mut body = Body { open: Vec::new(), at: At::Leaf, leaf: None, count: 0, line_begins: true, single: false };
        if !body.enter(r, head, whole) {
            body.single = true;
            body.leaf = Some(leaf(r, out, 0, head, whole));
        }
        body
    }

    /// Bytes of memory held besides the struct.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.open.iter().map(|o| o.mark.len().saturating_add(size_of::<Open>())).sum::<usize>().saturating_add(2048)
    }

    /// Opens a multipart, if that is what the head tells of.
    fn enter(&mut self, r: &mut Reader<'_>, head: &Head, whole: Span) -> bool {
        if !words::media(&head.content_type).starts_with("multipart/") {
            return false;
        }
        let boundary = words::parameters(&head.content_type).into_iter().find(|p| p.0 == "boundary").map(|p| p.1);
        let Some(boundary) = boundary.filter(|b| !b.is_empty() && b.len() <= 512) else {
            r.note(&n::NO_BOUNDARY, whole);
            return false;
        };
        if self.open.len() >= MOST_LEVELS {
            r.note(&n::TOO_DEEP, whole);
            return false;
        }
        self.open.push(Open { mark: format!("--{boundary}").into_bytes().into(), parts: 0 });
        self.at = At::Preamble;
        true
    }

    /// Looks at what comes next.
    fn next(&mut self, rest: &[u8], last: bool) -> Next {
        if self.open.is_empty() {
            return if rest.is_empty() { Next::More } else { Next::Text(rest.len()) };
        }
        if self.line_begins {
            if let Some(next) = self.mark(rest, last) {
                return next;
            }
            if rest.is_empty() {
                return Next::More;
            }
            self.line_begins = false;
        }
        let mut from = 0usize;
        let n = loop {
            let behind = rest.get(from..).unwrap_or(&[]);
            match memmem::find(behind, b"\n--") {
                // A line that begins like a boundary and is none is content like any other.
                Some(i) => {
                    from = from.saturating_add(i).saturating_add(1);
                    if self.mark(rest.get(from..).unwrap_or(&[]), last).is_some() {
                        break from;
                    }
                }
                None if rest.ends_with(b"\n-") && !last => break rest.len().saturating_sub(1),
                None => break rest.len(),
            }
        };
        if n == 0 {
            return Next::More;
        }
        self.line_begins = rest.get(n.saturating_sub(1)) == Some(&b'\n');
        Next::Text(n)
    }

    /// Whether the line that begins here is, or may become, a boundary of a multipart that is open.
    fn mark(&self, line: &[u8], last: bool) -> Option<Next> {
        self.open.iter().enumerate().rev().find_map(|(level, open)| match boundary(line, &open.mark, last)? {
            Next::Boundary(len, _, close) => Some(Next::Boundary(len, level, close)),
            other => Some(other),
        })
    }

    /// Takes what is there of the body.
    ///
    /// # Errors
    /// [`Stop::Short`] where nothing can be taken yet.
    pub fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let begin = r.taken();
        for _ in 0..MOST_STEPS {
            if self.at == At::Head {
                if !self.part(turn, r, out)? {
                    break;
                }
                continue;
            }
            match self.next(r.rest(), r.is_bounded()) {
                Next::More => break,
                Next::Text(len) => self.text(turn.dir, r, out, len)?,
                Next::Boundary(len, level, close) => {
                    let here = r.span(len);
                    self.leave(turn.dir, r, out);
                    if self.open.len() > level.saturating_add(1) {
                        r.note(&n::UNCLOSED, here);
                    }
                    r.text(if close { &f::LAST_BOUNDARY } else { &f::BOUNDARY }, len)?;
                    self.line_begins = !close;
                    if close {
                        self.open.truncate(level);
                        self.at = At::Epilogue;
                    } else {
                        self.open.truncate(level.saturating_add(1));
                        if let Some(o) = self.open.last_mut() {
                            o.parts = o.parts.saturating_add(1);
                        }
                        self.at = At::Head;
                    }
                }
            }
        }
        if r.taken() == begin {
            return Err(Stop::Short { need: r.taken().saturating_add(r.left()).saturating_add(1) });
        }
        Ok(())
    }

    /// The headers of a part; `false` where they are not all there.
    fn part(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &Out<'_>) -> Result<bool, Stop> {
        let rest = r.rest();
        // A boundary among the headers: the part has no content.
        let cut = self.open.iter().filter_map(|o| line_with(rest, &o.mark)).min();
        let len = match (head::end(rest, 0), cut) {
            (Some(len), cut) => cut.map_or(len, |c| c.min(len)),
            (None, Some(cut)) => cut,
            (None, None) if rest.len() > MOST_HEAD => 0,
            (None, None) if r.is_bounded() => rest.len(),
            (None, None) => return Ok(false),
        };
        let first = rest.get(..len).unwrap_or(rest);
        let len = if len > MOST_HEAD || !first.starts_with(b"\r\n") && !first.starts_with(b"\n") && !head::is_header(first) {
            0
        } else {
            len
        };
        let number: Vec<String> = self.open.iter().map(|o| o.parts.to_string()).collect();
        let number = number.join(".");
        let here = r.span(len);
        let tree = r.level() == Level::Tree;
        let head = r.titled(&f::PART, |r| {
            let head = head::read(r, len, true)?;
            let file = head.file();
            if let Some(file) = &file {
                r.derived(&f::ATTACHMENT, here, file.as_str());
                if words::is_double(file) {
                    r.note(&n::DOUBLE_EXTENSION, here);
                }
            }
            let title = if tree { Value::from(title(&number, &head, file.as_deref())) } else { Value::Span };
            Ok((head, title))
        })?;
        self.line_begins = true;
        if !self.enter(r, &head, here) {
            self.count = self.count.saturating_add(1);
            if self.count == MOST_PARTS {
                r.note(&n::TOO_MANY, here);
                self.open.clear();
            }
            self.leaf = Some(leaf(r, out, self.count, &head, Span { buf: turn.whole.buf, ..here }));
            self.at = At::Leaf;
        }
        Ok(true)
    }

    fn text(&mut self, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>, len: usize) -> Result<(), Stop> {
        let span = r.span(len);
        let field: F = match self.at {
            At::Preamble => &f::PREAMBLE,
            At::Epilogue => &f::EPILOGUE,
            _ if self.single => &f::TEXT,
            _ => &f::PART_BODY,
        };
        let bytes = r.bytes(field, len)?;
        out.piece(span);
        let Some(leaf) = self.leaf.as_mut().filter(|_| self.at == At::Leaf) else { return Ok(()) };
        if !leaf.wanted {
            return Ok(());
        }
        let held = std::mem::take(&mut leaf.eol);
        if held == b"\r" && bytes == b"\n" {
            // Both halves of one line end.
            leaf.eol = b"\r\n".to_vec();
            return Ok(());
        }
        // What was held back was no boundary's.
        leaf.give(&held, None, dir, r, out);
        // The line end in front of a boundary belongs to it (RFC 2046 §5.1.1).
        let eol = match (self.single, bytes) {
            (true, _) => 0,
            (_, [.., b'\r', b'\n']) => 2,
            (_, [.., b'\n' | b'\r']) => 1,
            _ => 0,
        };
        let n = len.saturating_sub(eol);
        let (now, later) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
        leaf.last = span;
        leaf.give(now, Some(Span { len: n as u32, ..span }), dir, r, out);
        leaf.eol = later.to_vec();
        Ok(())
    }

    /// A content has come to its end.
    fn leave(&mut self, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>) {
        let Some(mut leaf) = self.leaf.take() else { return };
        if !leaf.wanted {
            return;
        }
        if let Some(t) = &mut leaf.transfer {
            let mut made = out.memory();
            let good = t.end(&mut made);
            out.inner_made(leaf.key, dir, made, leaf.last, How::Unpacked, leaf.hint.clone());
            if !good && !leaf.told_bad {
                r.note(&n::CODING_BAD, leaf.last);
            }
        }
        ends(leaf.key, End::Fin, out);
    }

    /// Bytes of the letter are missing: what was encoded cannot be decoded on.
    pub fn lost(&mut self, out: &mut Out<'_>) {
        self.line_begins = false;
        if let Some(leaf) = &mut self.leaf {
            leaf.eol.clear();
            if leaf.transfer.is_some() {
                if leaf.wanted {
                    ends(leaf.key, End::Cut, out);
                }
                leaf.wanted = false;
            }
        }
    }

    /// The letter has ended.
    pub fn end(&mut self, how: End, out: &mut Out<'_>) {
        if !self.open.is_empty() && how == End::Fin {
            out.note(&n::UNCLOSED, Span::default());
        }
        if let Some(leaf) = self.leaf.take()
            && leaf.wanted
        {
            ends(leaf.key, how, out);
        }
    }
}

impl Leaf {
    /// Hands bytes on: as they stand in `here`, or without that those that were held back; decoded where there is a transfer encoding.
    fn give(&mut self, bytes: &[u8], here: Option<Span>, dir: Dir, r: &mut Reader<'_>, out: &mut Out<'_>) {
        if bytes.is_empty() {
            return;
        }
        let from = here.unwrap_or(Span { len: bytes.len() as u32, ..self.last });
        match (&mut self.transfer, here) {
            (Some(t), _) => {
                let mut made = out.memory();
                let good = t.push(bytes, &mut made);
                out.inner_made(self.key, dir, made, from, How::Unpacked, self.hint.clone());
                if !good && !std::mem::replace(&mut self.told_bad, true) {
                    r.note(&n::CODING_BAD, from);
                }
            }
            (None, Some(here)) => out.inner(self.key, dir, here, How::Verbatim, self.hint.clone()),
            (None, None) => {
                let mut made = out.memory();
                made.extend_from_slice(bytes);
                out.inner_made(self.key, dir, made, from, How::Joined, self.hint.clone());
            }
        }
    }
}

/// The inner stream of a content ends: it has one direction, and its reader is let go.
fn ends(key: u64, how: End, out: &mut Out<'_>) {
    for dir in Dir::BOTH {
        out.inner_end(key, dir, how);
    }
}

fn leaf(r: &mut Reader<'_>, out: &Out<'_>, key: u64, head: &Head, whole: Span) -> Leaf {
    let media = match words::media(&head.content_type).as_str() {
        "" => "text/plain".to_owned(),
        "message/global" => "message/rfc822".to_owned(),
        m => m.to_owned(),
    };
    let transfer = Transfer::named(&head.encoding);
    let name = head.encoding.trim_ascii();
    let plain = ["", "7bit", "8bit", "binary"].iter().any(|p| name.eq_ignore_ascii_case(p.as_bytes()));
    if transfer.is_none() && !plain {
        r.note(&n::CODING_UNKNOWN, whole);
    }
    let wanted = out.wants_media(media.as_bytes());
    let file = if wanted { head.file() } else { None };
    // What it is to be called goes with it: one letter may carry many files.
    let facts = file.map(|name| Fact { from: Side::Client, name: "filename".into(), value: name.into_bytes().into() });
    let hint = Hint::Media(Box::new(Told { name: media.into(), facts: facts.into_iter().collect() }));
    Leaf { key, transfer, hint, wanted, told_bad: false, eol: Vec::new(), last: whole }
}

/// What the tree says of a part.
fn title(number: &str, head: &Head, file: Option<&str>) -> String {
    let media = words::media(&head.content_type);
    let mut title = format!("{number}: {}", if media.is_empty() { "text/plain" } else { &media });
    if !head.encoding.is_empty() {
        title.push_str(", ");
        title.push_str(&Text(&head.encoding).to_string());
    }
    if let Some(file) = file {
        title.push_str(", file ");
        title.push_str(file);
    }
    title
}

/// Whether the line that begins here is a boundary with that mark. `None`: it is not.
fn boundary(rest: &[u8], mark: &[u8], last: bool) -> Option<Next> {
    let n = rest.len().min(mark.len());
    if rest.get(..n) != mark.get(..n) {
        return None;
    }
    if n < mark.len() {
        return (!last && !rest.is_empty()).then_some(Next::More);
    }
    let behind = rest.get(n..).unwrap_or(&[]);
    match behind {
        [b'-', b'-', ..] => return Some(Next::Boundary(n.saturating_add(2), 0, true)),
        [] | [b'-'] if !last => return Some(Next::More),
        _ => {}
    }
    let blanks = behind.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
    match behind.get(blanks) {
        Some(b'\n') => Some(Next::Boundary(n.saturating_add(blanks).saturating_add(1), 0, false)),
        None if last => Some(Next::Boundary(rest.len(), 0, false)),
        None if blanks < MOST_BLANKS => Some(Next::More),
        _ => None,
    }
}

/// Where a line begins with `mark`.
fn line_with(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    if bytes.starts_with(mark) {
        return Some(0);
    }
    memmem::find_iter(bytes, mark).find(|i| {
        i.checked_sub(1).and_then(|b| bytes.get(b)) == Some(&b'\n') && memchr(b'\n', bytes.get(*i..).unwrap_or(&[])).is_some()
    })
}
