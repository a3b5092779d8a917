//! The letter on its way: behind DATA with dots undone, or in chunks behind BDAT; and what its line ends give away.

use super::{fields as f, notes as n};
use crate::coding::dots::{Dot, Dots};
use memchr::memchr2_iter;
use wirelore_kit::{Dir, Fact, Hint, How, Note, Out, Reader, Side, Span, Stop, Told, Turn};

/// So many runs and dots of a letter are taken in one read.
const MOST_STEPS: usize = 4096;
/// So many lines of one dot with odd ends are listed.
const MOST_ODD: usize = 16;
/// RFC 5321 §4.5.3.1.6: 1000 octets with CR LF.
const MOST_LINE: u64 = 998;

/// How the end of a letter (or of a part of it) is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line of one dot.
    Dots(Dots),
    /// So many more bytes.
    Counted(u64),
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    CrLf,
    Lf,
    Cr,
}

impl Ends {
    const fn words(self) -> &'static str {
        match self {
            Ends::CrLf => "CR LF",
            Ends::Lf => "LF",
            Ends::Cr => "CR",
        }
    }
}

/// Watches line ends.
#[derive(Debug, Clone)]
struct Lines {
    before: Ends,
    len: u64,
    dot: bool,
    told: [bool; 3],
    odd: Vec<(u64, Ends, Ends)>,
}

impl Lines {
    /// Looks at bytes of the letter as sent, the first of which stands at offset `at`; tells findings with their offsets.
    fn watch(&mut self, bytes: &[u8], at: u64, mut tell: impl FnMut(&'static Note, u64)) {
        let mut from = 0usize;
        for i in memchr2_iter(b'\r', b'\n', bytes) {
            if i < from {
                continue;
            }
            let ends = match (bytes.get(i), bytes.get(i.saturating_add(1))) {
                (Some(b'\n'), _) => Ends::Lf,
                (_, Some(b'\n')) => Ends::CrLf,
                _ => Ends::Cr,
            };
            if self.len == 0 && i > from {
                self.dot = bytes.get(from) == Some(&b'.');
            }
            let len = self.len.saturating_add(i.saturating_sub(from) as u64);
            let here = at.saturating_add(i as u64);
            let finding: [(bool, &'static Note); 3] =
                [(ends == Ends::Lf, &n::BARE_LF), (ends == Ends::Cr, &n::BARE_CR), (len > MOST_LINE, &n::LINE_LONG)];
            for ((found, note), told) in finding.into_iter().zip(&mut self.told) {
                if found && !std::mem::replace(told, true) {
                    tell(note, here);
                }
            }
            if len == 1 && self.dot && (self.before, ends) != (Ends::CrLf, Ends::CrLf) && self.odd.len() < MOST_ODD {
                let dot = here.saturating_sub(1);
                self.odd.push((dot, self.before, ends));
                tell(&n::SMUGGLING, dot);
            }
            from = i.saturating_add(if ends == Ends::CrLf { 2 } else { 1 });
            (self.before, self.len, self.dot) = (ends, 0, false);
        }
        let rest = bytes.len().saturating_sub(from);
        if self.len == 0 && rest > 0 {
            self.dot = bytes.get(from) == Some(&b'.');
        }
        self.len = self.len.saturating_add(rest as u64);
    }
}

/// A letter, or a chunk of one, that is being read.
#[derive(Debug, Clone)]
pub struct Content {
    form: Form,
    lines: Lines,
    /// The key of the inner stream, which goes on over several chunks.
    pub key: u64,
    /// Bytes of the letter so far, chunks before this one included.
    pub len: u64,
    /// Nothing of it was read yet.
    pub fresh: bool,
    /// Bytes of it are missing.
    pub holed: bool,
    /// The server answered it although its end was not seen: the end lies in a hole.
    pub end_lost: bool,
    /// Its last byte is the letter's last.
    pub last: bool,
}

impl Content {
    /// A letter behind DATA, or with `chunk` a part behind BDAT. `len`: bytes of the letter before it.
    #[must_use]
    pub fn new(key: u64, chunk: Option<u64>, last: bool, len: u64) -> Content {
        let lines = Lines { before: Ends::CrLf, len: 0, dot: false, told: [false; 3], odd: Vec::new() };
        let form = chunk.map_or_else(|| Form::Dots(Dots::default()), Form::Counted);
        Content { form, lines, key, len, fresh: true, holed: false, end_lost: false, last }
    }

    /// Bytes of memory held besides the struct.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.lines.odd.capacity().saturating_mul(size_of::<(u64, Ends, Ends)>())
    }

    /// Whether it is a chunk whose length was told.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        matches!(self.form, Form::Counted(_))
    }

    fn hand_on(&mut self, span: Span, dir: Dir, envelope: impl FnOnce() -> Hint, out: &mut Out<'_>) {
        if span.len == 0 {
            return;
        }
        let how = if self.is_counted() { How::Joined } else { How::Unstuffed };
        // What was said around it is of use where the inner conversation begins, and only there.
        let hint = if self.len == 0 { envelope() } else { Hint::media("message/rfc822") };
        out.inner(self.key, dir, span, how, hint);
        self.len = self.len.saturating_add(u64::from(span.len));
    }

    /// Takes what is there of it; says whether this was the end.
    ///
    /// # Errors
    /// [`Stop::Short`] where nothing can be taken yet.
    pub fn read(
        &mut self,
        turn: &Turn<'_>,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
        envelope: impl Fn() -> Hint,
    ) -> Result<bool, Stop> {
        let begin = r.taken();
        for _ in 0..MOST_STEPS {
            let rest = r.rest();
            match &mut self.form {
                Form::Counted(0) => return Ok(true),
                Form::Counted(left) => {
                    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len()).min(1 << 30);
                    if n == 0 {
                        break;
                    }
                    *left = left.saturating_sub(n as u64);
                    let span = r.span(n);
                    r.bytes(&f::CHUNK_DATA, n)?;
                    out.piece(span);
                    self.hand_on(span, turn.dir, &envelope, out);
                }
                Form::Dots(dots) => match dots.next(rest, r.is_bounded()) {
                    Dot::More => break,
                    Dot::End => {
                        self.list_odd(turn, r);
                        r.derived(&f::LENGTH, r.span(3), self.len);
                        r.bytes(&f::EOM, 3)?;
                        return Ok(true);
                    }
                    Dot::Stuffed => {
                        self.watch(turn, r, rest.get(..1).unwrap_or(rest));
                        r.bytes(&f::STUFFED, 1)?;
                    }
                    Dot::Text(n) => {
                        let span = r.span(n);
                        self.watch(turn, r, rest.get(..n).unwrap_or(rest));
                        r.bytes(&f::DATA, n)?;
                        out.piece(span);
                        self.hand_on(span, turn.dir, &envelope, out);
                    }
                },
            }
        }
        if r.taken() == begin {
            return Err(Stop::Short { need: r.taken().saturating_add(r.left()).saturating_add(1) });
        }
        Ok(false)
    }

    fn watch(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, bytes: &[u8]) {
        let buf = turn.whole.buf;
        let at = r.at();
        self.lines.watch(bytes, at, |note, at| r.note(note, Span::new(buf, at, 1)));
    }

    /// Says which lines of one dot have odd ends, and where.
    fn list_odd(&self, turn: &Turn<'_>, r: &mut Reader<'_>) {
        for (at, before, ends) in &self.lines.odd {
            let of = Span::new(turn.whole.buf, *at, 1);
            r.derived(&f::ODD_END, of, format!("{} . {} at offset {at} of the stream", before.words(), ends.words()));
        }
    }

    /// Bytes are missing. Whether the hole lies inside of it; of a chunk also whether it is complete now.
    pub fn gap(&mut self, missing: u64, dir: Dir, out: &mut Out<'_>) -> Option<bool> {
        let complete = match &mut self.form {
            Form::Counted(left) if missing <= *left => {
                *left = left.saturating_sub(missing);
                *left == 0
            }
            Form::Counted(_) => return None,
            Form::Dots(dots) => {
                dots.lost();
                (self.lines.before, self.lines.len, self.lines.dot) = (Ends::CrLf, 2, false);
                false
            }
        };
        if self.len > 0 {
            out.inner_gap(self.key, dir, missing);
        }
        self.holed = true;
        Some(complete)
    }
}

/// The hint for a letter: what it is and in which envelope it travels.
#[must_use]
pub fn letter(from: Option<&[u8]>, to: &[Box<[u8]>]) -> Hint {
    let fact = |name: &str, value: &[u8]| Fact { from: Side::Client, name: name.into(), value: value.into() };
    let mut facts: Vec<Fact> = from.into_iter().map(|v| fact("mail-from", v)).collect();
    facts.extend(to.iter().map(|v| fact("rcpt-to", v)));
    Hint::Media(Box::new(Told { name: "message/rfc822".into(), facts: facts.into() }))
}
