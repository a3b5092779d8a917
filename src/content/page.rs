//! The page that readers of content write on: lines of coloured words, and where in the body each line came from.

use crate::media::Form;
use std::ops::Range;
use wirelore_kit::Cancel;

/// Lines of a view; more are left out, with a note.
const MOST_LINES: usize = 1 << 20;
/// Bytes of text of a view.
const MOST_TEXT: usize = 64 << 20;
/// Levels that are indented; deeper ones stand below each other.
const MOST_INDENT: usize = 32;
const STEP: usize = 2;
const MOST_NOTES: usize = 12;
/// A word of so many characters is cut where the line ends; shorter ones go to the next line whole.
const LONG_WORD: usize = 20;

/// What a word is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ink {
    /// Text as such.
    Plain,
    /// Brackets, commas, equals signs.
    Mark,
    /// A key, a tag, a header, the name of a form's field.
    Name,
    /// A string, an attribute's value.
    Text,
    /// A number.
    Number,
    /// A word with a meaning: true, null, function.
    Word,
    /// A comment.
    Comment,
    /// What is not in the body but said about it.
    Said,
    /// What does not belong there.
    Fault,
}

/// A body made readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What it was read as.
    pub form: Form,
    /// The charset of its text, and whether that is a guess; empty if it is no text.
    pub charset: String,
    /// What is wrong with it, and what is left out.
    pub notes: Vec<String>,
    text: String,
    tokens: Vec<(Ink, u32)>,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    token_end: u32,
    from: u32,
    to: u32,
}

impl View {
    /// How many lines.
    #[must_use]
    pub const fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The words of a line.
    pub fn words(&self, line: usize) -> impl Iterator<Item = (Ink, &str)> {
        let end = self.lines.get(line).map_or(0, |l| l.token_end as usize);
        let from = line.checked_sub(1).and_then(|l| self.lines.get(l)).map_or(0, |l| l.token_end as usize).min(end);
        (from..end).filter_map(|i| {
            let (ink, to) = *self.tokens.get(i)?;
            let at = i.checked_sub(1).and_then(|b| self.tokens.get(b)).map_or(0, |t| t.1);
            Some((ink, self.text.get(at as usize..to as usize)?))
        })
    }

    /// A line as text.
    #[must_use]
    pub fn line(&self, line: usize) -> String {
        self.words(line).map(|w| w.1).collect()
    }

    /// The bytes of the body that a line stands for.
    #[must_use]
    pub fn range(&self, line: usize) -> Range<usize> {
        self.lines.get(line).map_or(0..0, |l| l.from as usize..l.to as usize)
    }

    /// The first line that stands for this byte of the body.
    #[must_use]
    pub fn line_at(&self, byte: usize) -> Option<usize> {
        (0..self.lines.len()).find(|l| self.range(*l).contains(&byte))
    }
}

/// Offsets of a text in the body it was made from: from `.0` of the text on, bytes count from `.1`.
pub type Shifts = Vec<(u32, u32)>;

/// A view in the making.
pub struct Page<'c> {
    view: View,
    columns: usize,
    indent: usize,
    width: usize,
    begun: bool,
    range: Option<(u32, u32)>,
    base: usize,
    shifts: Shifts,
    full: bool,
    cancel: &'c Cancel,
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl<'c> Page<'c> {
    /// An empty page; longer lines than `columns` are continued (0: never).
    pub const fn new(columns: usize, cancel: &'c Cancel) -> Page<'c> {
        Page {
            view: View {
                form: Form::Binary,
                charset: String::new(),
                notes: Vec::new(),
                text: String::new(),
                tokens: Vec::new(),
                lines: Vec::new(),
            },
            columns,
            indent: 0,
            width: 0,
            begun: false,
            range: None,
            base: 0,
            shifts: Vec::new(),
            full: false,
            cancel,
        }
    }

    /// The view, if it was not cancelled.
    pub fn done(mut self, form: Form) -> Option<View> {
        self.fresh();
        self.view.form = form;
        (!self.cancel.is_cancelled()).then_some(self.view)
    }

    /// Whether no more can be shown: readers should stop.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Says something about the body, once.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.view.notes.len() < MOST_NOTES && !self.view.notes.contains(&text) {
            self.view.notes.push(text);
        }
    }

    /// Says in which charset the body is; that of the outermost text stays.
    pub fn charset(&mut self, name: &str) {
        if self.view.charset.is_empty() {
            name.clone_into(&mut self.view.charset);
        }
    }

    /// Runs `f` with offsets that count from `base` of the body, shifted as the charset shifts them.
    pub fn within(&mut self, base: usize, shifts: Shifts, f: impl FnOnce(&mut Page<'c>)) {
        let before = (std::mem::replace(&mut self.base, base), std::mem::replace(&mut self.shifts, shifts));
        f(self);
        (self.base, self.shifts) = before;
    }

    /// Lines that begin from now on stand deeper (or, by a negative number, less deep).
    pub const fn indent(&mut self, by: isize) {
        self.indent = self.indent.saturating_add_signed(by);
    }

    fn source(&self, offset: usize) -> u32 {
        let offset = small(offset);
        let next = self.shifts.partition_point(|s| s.0 <= offset);
        let at = match next.checked_sub(1).and_then(|i| self.shifts.get(i)) {
            Some((text, body)) => {
                let at = body.saturating_add(offset - text);
                self.shifts.get(next).map_or(at, |n| at.min(n.1))
            }
            None => offset,
        };
        at.saturating_add(small(self.base))
    }

    /// The line that is written also stands for these bytes of the text.
    pub fn reach(&mut self, range: Range<usize>) {
        let (from, to) = (self.source(range.start), self.source(range.end));
        self.range = Some(self.range.map_or((from, to), |(a, b)| (a.min(from), b.max(to))));
    }

    fn begin(&mut self, more: usize) {
        self.begun = true;
        let most = if self.columns == 0 { usize::MAX } else { self.columns / 2 };
        self.width = ((self.indent.min(MOST_INDENT) + more) * STEP).min(most);
        if self.width > 0 {
            self.view.text.extend(std::iter::repeat_n(' ', self.width));
            self.token(Ink::Plain);
        }
    }

    fn token(&mut self, ink: Ink) {
        let end = small(self.view.text.len());
        self.view.tokens.push((ink, end));
    }

    /// Whether the next word, should it be one of ordinary length, still stands on the line whole.
    fn fits(&self, rest: &str) -> bool {
        let long = rest.chars().take(LONG_WORD).take_while(|c| !c.is_whitespace()).count();
        long == LONG_WORD || self.width + long <= self.columns.max(8)
    }

    /// Writes a word that stands for `range` of the text. Control characters are shown as dots.
    pub fn put(&mut self, ink: Ink, word: &str, range: Range<usize>) {
        if self.full {
            return;
        }
        if !self.begun {
            self.begin(0);
        }
        // A word that is the bytes themselves can be cut where a line ends; one that only speaks of them cannot.
        let exact = word.len() == range.len();
        let (mut from, mut word_ended) = (0, false);
        for (i, c) in word.char_indices() {
            if self.columns > 0
                && (self.width >= self.columns.max(8) + usize::from(c == ' ')
                    || (word_ended && !self.fits(word.get(i..).unwrap_or(""))))
            {
                self.token(ink);
                self.reach(if exact { range.start + from..range.start + i } else { range.clone() });
                self.newline();
                if self.full {
                    return;
                }
                from = i;
                self.begin(1);
            }
            match c {
                '\t' => {
                    self.view.text.push_str("    ");
                    self.width += 3;
                }
                c if c.is_control() || is_direction(c) => self.view.text.push('·'),
                c => self.view.text.push(c),
            }
            self.width += 1;
            word_ended = c == ' ';
        }
        self.token(ink);
        self.reach(if exact { range.start + from..range.end } else { range });
    }

    /// Writes the text of a range as it is.
    pub fn copy(&mut self, ink: Ink, text: &str, range: Range<usize>) {
        self.put(ink, text.get(range.clone()).unwrap_or(""), range);
    }

    /// Ends the line that is written, if one is.
    pub fn fresh(&mut self) {
        if self.begun {
            self.newline();
        }
    }

    /// Ends the line, even an empty one.
    pub fn newline(&mut self) {
        if self.full {
            return;
        }
        let end = self.view.lines.last().map_or(0, |l| l.to);
        let (from, to) = self.range.take().unwrap_or((end, end));
        self.view.lines.push(Line { token_end: small(self.view.tokens.len()), from, to });
        self.begun = false;
        self.width = 0;
        let lines = self.view.lines.len();
        if lines >= MOST_LINES || self.view.text.len() >= MOST_TEXT {
            self.full = true;
            self.note(format!("Only the first {lines} lines are shown; the raw bytes have the rest."));
        }
        if lines.is_multiple_of(1024) && self.cancel.is_cancelled() {
            self.full = true;
        }
    }
}

/// Marks that turn the direction of text and could make a line read other than it is.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
